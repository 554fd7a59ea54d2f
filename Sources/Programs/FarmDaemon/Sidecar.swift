import FarmModel
import SystemPackage
import VolumeFiles
import Yams

/// `<job>.farm.yaml` beside a `.blend`: what its artist wants besides what the file says. The same keys stand below
/// `defaults:` in release.yaml.
enum Sidecar {
  /// Where the sidecar of a `.blend` lies.
  static func path(of blend: FilePath) -> FilePath {
    blend.removingLastComponent().appending("\(blend.stem ?? "")\(Volume.sidecarEnding)")
  }

  /// Reads the text of a sidecar.
  static func parse(_ text: String, file: FilePath) throws(ConfigFailure) -> JobSettings {
    var settings = JobSettings()
    try ConfigText.take(text, file: file, entries: JobKey.all, into: &settings)
    return settings
  }
}

/// One key of a sidecar, and of `defaults:`.
struct JobKey: ConfigEntry, Sendable {
  let name: String
  let range: String
  /// Takes a value in; false when it is not of the range.
  let set: @Sendable (inout JobSettings, Node) -> Bool

  static let all = [
    read(name: "frames", range: "frames, as 1-10,20,30-50x5, at most 100000 of them, up to 1048574", \.frames) {
      // The range says how they are written.
      let frames = $0.string.flatMap { try? FrameSet(parsing: $0) }
      return frames.flatMap { $0.frames.last ?? 0 <= FrameSet.last ? $0 : nil }
    },
    read(name: "chunk", range: "auto, or 1 to 1000", \.chunk) { $0.string.flatMap { ChunkSize($0) } },
    read(name: "tiles", range: "auto, never, or columns and rows, as 4x4 (each up to 64)", \.tiles) {
      $0.string.flatMap { TileWish($0) }
    },
    read(name: "layers", range: "split, or a list of view layers", \.layers) { names($0, all: "split") },
    read(name: "scenes", range: "all, or a list of scenes", \.scenes) { names($0, all: "all") },
    read(name: "samples", range: "1 to 1000000", \.samples) { whole($0, 1...1_000_000) },
    read(name: "percentage", range: "1 to 1000", \.percentage) { whole($0, 1...1000) },
    read(name: "format", range: ImageFormat.allCases.map(\.rawValue).joined(separator: ", "), \.format) {
      $0.string.flatMap { ImageFormat(rawValue: $0.uppercased()) }
    },
    read(name: "device", range: RenderDevice.allCases.map(\.rawValue).joined(separator: ", "), \.device) {
      $0.string.flatMap { RenderDevice(rawValue: $0.lowercased()) }
    },
    read(name: "threads", range: "1 to 1024", \.threads) { whole($0, 1...1024) },
    read(name: "priority", range: "0 to 100", \.priority) { whole($0, 0...100) },
    read(name: "order", range: "first-last-middle or ascending", \.order) {
      $0.string.flatMap(FrameOrder.init(rawValue:))
    },
    read(name: "denoise", range: "yes or no", \.denoise) { $0.bool },
    read(name: "on_missing", range: "block or warn", \.onMissing) { $0.string.flatMap(OnMissing.init(rawValue:)) },
    read(name: "deliver_nodes", range: "yes or no", \.deliverNodes) { $0.bool },
  ]

  func reason(_ value: Node) -> String? {
    guard name == "frames", let text = value.string else { return nil }
    do throws(FrameSetFailure) {
      _ = try FrameSet(parsing: text)
      return nil
    } catch { return error.description }
  }

  private static func read<Value>(
    name: String, range: String, _ place: any WritableKeyPath<JobSettings, Value?> & Sendable,
    _ read: @escaping @Sendable (Node) -> Value?
  ) -> JobKey {
    JobKey(name: name, range: range) { settings, node in
      guard let value = read(node) else { return false }
      settings[keyPath: place] = value
      return true
    }
  }

  private static func whole(_ node: Node, _ range: ClosedRange<Int>) -> Int? {
    node.int.flatMap { range.contains($0) ? $0 : nil }
  }

  private static func names(_ node: Node, all: String) -> NamesWish? {
    if node.string == all { return .all }
    guard let names = node.sequence?.map(\.string), !names.isEmpty, !names.contains(nil) else { return nil }
    let wanted = names.compactMap { $0 }
    return Set(wanted).count == wanted.count ? .named(wanted) : nil
  }
}
