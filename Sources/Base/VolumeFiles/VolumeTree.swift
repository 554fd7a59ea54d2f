import FarmModel
import SystemPackage

/// Makes a volume out of a folder.
package enum VolumeTree {
  /// Its presence says that what lay in the volume when it was made is known, and not to be rendered.
  package static func adoptMark(_ volume: Volume) -> FilePath { volume.own.appending("adopt") }

  /// Its presence says that all of that is known, and that the list of it is still to be written.
  package static func adoptedListMark(_ volume: Volume) -> FilePath { volume.own.appending("adopted") }

  /// Makes the folders of a volume in `root`, which may exist.
  /// - Parameter adopts: whether a folder that holds other things is taken too; its drops are known, not rendered.
  /// - Throws: ``VolumeFailure/strange`` naming what speaks against it.
  package static func make(_ volume: Volume, adopts: Bool) throws(VolumeFailure) {
    let there = try files { () throws(FileFailure) in try FileStatus(at: volume.root) }
    guard there == nil || there?.kind == .folder else { throw .notAFolder(volume.root) }
    let strange = try files { () throws(FileFailure) in try strangeNames(in: volume.root) }
    guard adopts || strange.isEmpty else { throw .strange(volume.root, names: strange.joined(separator: ", ")) }
    try files { () throws(FileFailure) in
      let isNew = try FileStatus(at: volume.own) == nil
      for folder in volume.tree { try SharedFolder.make(folder) }
      if adopts && isNew { try Durable.write([], to: adoptMark(volume)) }
    }
  }

  /// What lies in a folder that is to be a volume and is none of its names; makes the folder when it is missing.
  private static func strangeNames(in root: FilePath) throws(FileFailure) -> [String] {
    if try FileStatus(at: root) == nil {
      try SharedFolder.make(root)
      return []
    }
    return try FolderListing.names(in: root).map(\.string).filter { !Volume.accepts(topName: $0) }.sorted()
  }

  private static func files<Value>(_ body: () throws(FileFailure) -> Value) throws(VolumeFailure) -> Value {
    do { return try body() } catch { throw .files(error) }
  }

  /// Whether a folder was made a volume.
  package static func isVolume(_ volume: Volume) -> Bool {
    (try? FileStatus(at: volume.own))??.kind == .folder  // Unreadable: not one that we could use.
  }
}

/// Why a folder did not become a volume.
package enum VolumeFailure: Failure, Equatable {
  case strange(FilePath, names: String)
  case notAFolder(FilePath)
  case files(FileFailure)

  package var description: String {
    switch self {
    case .strange(let root, let names):
      "\(root.string.escapedForTerminal) holds other things: \(names.escapedForTerminal)"
    case .notAFolder(let root): "\(root.string.escapedForTerminal) is not a folder"
    case .files(let failure): failure.description
    }
  }

  package var remedy: String {
    switch self {
    case .strange(let root, _):
      "Use an empty folder, or `farm init --adopt \(root.string.escapedForTerminal)`: what is there is then known."
    case .notAFolder: "Name a folder; of a symbolic link the folder that it leads to."
    case .files(let failure): failure.remedy
    }
  }

  package var kind: FailureKind {
    switch self {
    case .strange, .notAFolder: .conflict
    case .files: .failed
    }
  }
}
