/// A file besides the `.blend` from which a picture comes, as Blender saw it when it opened the scene.
package struct SeenFile: Codable, Hashable, Sendable {
  /// The whole path.
  package let path: String
  /// Bytes.
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

  /// The first of these files that is another than it was, came or went.
  package static func firstChange(from before: [SeenFile], to now: [SeenFile]) -> String? {
    Set(before).symmetricDifference(now).map(\.path).min()
  }
}
