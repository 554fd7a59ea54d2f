import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

/// Random programs at work on a real disk beside a real watch, then quiet: what was told is what a watch that begins
/// now finds.
@Suite("A watched volume in which people work at random", .serialized)
struct RealChurnTests {
  private static let seeds: [UInt64] = Needs.patience ? Array(0..<1000) : Array(0..<5)

  @Test(arguments: seeds)
  func `is known in the end as it is`(seed: UInt64) async throws {
    let volume = try ProbedVolume()
    let watch = try await volume.watch(looksOften: true)
    var people = People(root: volume.root, seed: seed)
    for _ in 0..<200 { people.act() }
    people.finish()

    try await watch.settle()
    let told = Told(watch.text)
    let fresh = try await volume.watch(looksOften: true)
    try await fresh.settle()

    #expect(told.present == Told(fresh.text).present, "seed \(seed)\n\(people.diary.joined(separator: "\n"))")
    #expect(Set(told.present) == people.wholeFiles)
  }
}

/// What the lines of a probe say in the end.
private struct Told {
  private(set) var present: [String] = []

  init(_ text: String) {
    var files: Set<String> = []
    var gone: Set<String> = []
    for line in text.split(separator: "\n").map(String.init) {
      guard let blank = line.firstIndex(of: " ") else { continue }
      let path = String(line[line.index(after: blank)...])
      switch line[..<blank] {
      case "settled": files.insert(path)
      case "vanished", "lost": files.remove(path)
      case "gone": gone.insert(path)
      case "folder": gone.remove(path)
      default: continue
      }
    }
    present = files.filter { file in !gone.contains { file.hasPrefix($0 + "/") } }.sorted()
  }
}

/// Artists and their programs, by chance.
private struct People {
  private let root: FilePath
  private var random: SeededGenerator
  private var open: [FileHandle] = []
  private(set) var diary: [String] = []
  private let blend = TestFiles.blend(scenes: [("Scene", 1, 2)])
  private static let stores = ["quick", "releases/r/store", "releases/s/store"]
  private static let folders = ["releases/r", "releases/s", "releases/r/store", "away"]

  init(root: FilePath, seed: UInt64) {
    self.root = root
    random = SeededGenerator(seed: seed)
  }

  private mutating func anyFile() -> String {
    let store = Self.stores.randomElement(using: &random) ?? "quick"
    return "\(store)/\(["a", "b", "c"].randomElement(using: &random) ?? "a").blend"
  }

  private func full(_ path: String) -> String { root.appending(path).string }

  mutating func act() {
    let (a, b) = (anyFile(), anyFile())
    let folder = Self.folders.randomElement(using: &random) ?? "away"
    let other = Self.folders.randomElement(using: &random) ?? "away"
    let act = Int.random(in: 0..<12, using: &random)
    diary.append("\(act) \(a) \(b) \(folder) \(other)")
    switch act {
    case 0, 1, 2:
      let part = full(a) + ".part"
      guard FileManager.default.createFile(atPath: part, contents: Data(blend)) else { return }
      rename(part, full(a))
    case 3, 4:
      guard FileManager.default.createFile(atPath: full(a), contents: Data(blend.dropLast(20))),
        let handle = FileHandle(forWritingAtPath: full(a))
      else { return }
      handle.seekToEndOfFile()
      open.append(handle)
    case 5, 6: if let handle = open.popLast() { complete(handle) }
    case 7: rename(full(a), full(b))
    case 8: link(full(a), full(b))
    case 9: unlink(full(a))
    case 10: rename(full(folder), full(other))
    default:
      // Refused while something is in the way: nothing happens then.
      try? FileManager.default.createDirectory(atPath: full("releases/s/store"), withIntermediateDirectories: true)
    }
    usleep(UInt32.random(in: 0...15_000, using: &random))
  }

  private func complete(_ handle: FileHandle) {
    // The rest of the file, in the place where it is missing.
    handle.write(Data(blend.suffix(20)))
    handle.closeFile()
  }

  mutating func finish() {
    while let handle = open.popLast() { complete(handle) }
  }

  /// The drops that lie there now and are whole.
  var wholeFiles: Set<String> {
    Set(
      Self.stores.flatMap { store in
        root.appending(store).names.filter { $0.hasSuffix(".blend") }.map { "\(store)/\($0)" }
      }.filter { root.appending($0).contents == blend })
  }
}
