import FarmModel
import SystemPackage
import VolumeFiles

/// The folders whose files may run their own scripts, as farm.yaml says; what links lead to is looked up once.
struct TrustedFolders: Hashable, Sendable {
  private let volume: FilePath
  private let root: FilePath
  private let folders: [FilePath]

  /// - Parameter folders: whole paths, or below the volume's root.
  init(_ folders: [String], in volume: Volume) {
    self.volume = volume.root
    let root = RealPath.of(volume.root) ?? volume.root
    self.root = root
    self.folders = folders.map { folder in
      let path = root.pushing(FilePath(folder)).lexicallyNormalized()
      // One whose file system does not answer now is taken as it is named.
      return BlockingWork.wait(atMost: .seconds(2)) { RealPath.of(path) }.flatMap(\.self) ?? path
    }
  }

  /// Whether a `.blend` of the volume lies in one of them, or below.
  func contains(_ blend: FilePath) -> Bool {
    var below = blend
    guard !folders.isEmpty, below.removePrefix(volume) else { return false }
    let path = root.pushing(below).lexicallyNormalized()
    return folders.contains { path.starts(with: $0) }
  }
}
