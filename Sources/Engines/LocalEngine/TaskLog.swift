import Rendering
import Synchronization
import SystemPackage
import VolumeFiles

/// What a task's program said, line by line, in a file of its own; owns the open file.
final class TaskLog: Sendable {
  /// A scene that prints without end must not fill the disk.
  private static let bytesMax = 64 << 20

  private let file: FileDescriptor?
  private let path: FilePath
  private let written = Mutex(0)
  /// Why there is no file: what is said is lost then, and the render goes on.
  let failure: FileFailure?

  init(at path: FilePath) {
    self.path = path
    var (made, failed): (FileDescriptor?, FileFailure?) = (nil, nil)
    do throws(FileFailure) {
      try SharedFolder.make(path.removingLastComponent())
      Placement.remove(path)
      made = try OpenFile.making(path, mode: 0o644)
    } catch {
      failed = error
    }
    (file, failure) = (made, failed)
  }

  deinit { if let file { OpenFile.close(file) } }

  func add(_ line: String) {
    guard let file else { return }
    let bytes = Array((line + "\n").utf8)
    let mayWrite = written.withLock { count in
      count += bytes.count
      return count <= Self.bytesMax
    }
    if mayWrite { try? FileBytes.write(bytes, to: file, path: path) }  // A full disk must not end the render.
  }
}
