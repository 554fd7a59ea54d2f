import FarmModel
import FolderWatch
import SystemPackage
import VolumeFiles

/// Where drops lie in a volume, which names are drops, and which job a path belongs to.
package struct DropPlace: Hashable, Sendable {
  private let volume: Volume

  package init(_ volume: Volume) {
    self.volume = volume
  }

  /// The folders in which a file is a drop: `quick/` and every `releases/<release>/store/`; and the releases' plans.
  package static let tree = WatchTree.named([
    "quick": .drops, "releases": .every(.named(["store": .drops], files: [Volume.planName])),
  ])

  /// Whether a file of this name is a drop.
  ///
  /// Names of unfinished or private files are none: hidden ones (rsync's, Syncthing's, our own snapshots), Blender's
  /// `x.blend@` and `x.blend1`, those of office and desktop programs, and conflict copies (``SyncConflictName``).
  /// `.blend` counts in any case.
  package static func isDrop(_ name: FileName) -> Bool {
    isBlend(name) && !isPrivate(name) && !SyncConflictName.matches(name)
  }

  /// Whether a name has something in front of `.blend`.
  static func isBlend(_ name: FileName) -> Bool {
    name.hasSuffix(caseless: ".blend") && name.bytes.count > ".blend".utf8.count
  }

  /// Whether a file of this name says what is wanted of the job beside it: `shot.farm.yaml`.
  package static func isSidecar(_ name: FileName) -> Bool {
    name.string.hasByteSuffix(Volume.sidecarEnding) && name.bytes.count > Volume.sidecarEnding.utf8.count
      && !isPrivate(name)
  }

  /// Whether only a program reads a file of this name. A leading `#` alone says nothing: `#1.blend` is a name, and
  /// Emacs's `#x.blend#` does not end with `.blend`.
  static func isPrivate(_ name: FileName) -> Bool {
    let prefixes: [StaticString] = [".", "~$", "~syncthing~"]
    return prefixes.contains { name.hasPrefix($0) }
  }

  /// The job of which a sidecar speaks; nil when its name or folder is none of a job's.
  package func job(ofSidecar path: FilePath) -> JobName? {
    guard let job = path.lastComponent?.string.dropping(byteSuffix: Volume.sidecarEnding),
      let release = release(at: path.removingLastComponent())
    else { return nil }
    return JobName(release: release, job: job)
  }

  /// The job that a drop at `path` is.
  /// - Throws: ``IntakeFailure/badName`` when the name cannot be that of a job.
  package func job(at path: FilePath) throws(IntakeFailure) -> JobName {
    let name = path.lastComponent
    guard let name, String(validating: name) != nil else {
      throw .badName(path, why: "it is not UTF-8")
    }
    guard let release = release(at: path.removingLastComponent()) else {
      throw .badName(path, why: "its folder is not of a release")
    }
    for part in [release, name.stem] {
      if let why = NameRule.refusal(of: part) { throw .badName(path, why: why) }
    }
    return JobName(release: release, job: name.stem)
  }

  /// The release whose drops lie in `folder`; nil when none do.
  package func release(at folder: FilePath) -> String? {
    if folder == volume.quick { return NameRule.quick }
    let release = folder.removingLastComponent()
    guard folder.lastComponent?.string == "store", release.removingLastComponent() == volume.releases else {
      return nil
    }
    // `releases/quick` would be a second release of that name.
    return release.lastComponent.flatMap {
      $0.string == NameRule.quick || Volume.isOfSystem($0.string) ? nil : $0.string
    }
  }
}
