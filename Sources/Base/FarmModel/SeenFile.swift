/// A file besides the `.blend` from which a picture comes, as Blender saw it when it opened the scene.
package struct SeenFile: Codable, Hashable, Sendable {
  /// The whole path.
  package let path: String
  /// Bytes; -1 for a file that Blender would read and that was not there.
  package let size: Int64
  package let mtimeNanoseconds: Int64

  private enum CodingKeys: String, CodingKey {
    case path, size
    case mtimeNanoseconds = "mtime_ns"
  }

  package init(path: String, size: Int64, mtimeNanoseconds: Int64) {
    self.path = path
    self.size = size
    self.mtimeNanoseconds = mtimeNanoseconds
  }

  /// A file that is named and was not there, or not the one that was read, when a scene was looked into: whatever lies
  /// there later is another.
  package static func unknown(_ path: String) -> SeenFile { SeenFile(path: path, size: -1, mtimeNanoseconds: 0) }

  /// Whether it was there, and is the one that was read.
  package var isKnown: Bool { size >= 0 }

  /// Whether Blender found another version of a file than the one with which its scene was inspected, or one that was
  /// not there then. What the inspection did not name says nothing.
  package static func isChanged(from named: [SeenFile], to seen: [SeenFile]) -> Bool {
    let found = Dictionary(seen.map { ($0.path, $0) }) { first, _ in first }
    return named.contains { file in found[file.path].map { $0 != file } ?? false }
  }

  /// The first of these files that is another than it was, came or went.
  package static func firstChange(from before: [SeenFile], to now: [SeenFile]) -> String? {
    Set(before).symmetricDifference(now).map(\.path).min()
  }
}
