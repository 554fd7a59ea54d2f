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
  /// `x.blend@` and `x.blend1`, and those of office and desktop programs. `.blend` counts in any case.
  package static func isDrop(_ name: FileName) -> Bool {
    name.hasSuffix(caseless: ".blend") && name.bytes.count > ".blend".utf8.count && !isPrivate(name)
  }

  /// Whether a file of this name says what is wanted of the job beside it: `shot.farm.yaml`.
  package static func isSidecar(_ name: FileName) -> Bool {
    name.string.hasSuffix(Volume.sidecarEnding) && name.bytes.count > Volume.sidecarEnding.utf8.count
      && !isPrivate(name)
  }

  private static func isPrivate(_ name: FileName) -> Bool {
    let prefixes: [StaticString] = [".", "~$", "~syncthing~", "#"]
    return prefixes.contains { name.hasPrefix($0) }
  }

  /// The job of which a sidecar speaks; nil when its name or folder is none of a job's.
  package func job(ofSidecar path: FilePath) -> JobName? {
    guard let name = path.lastComponent?.string, name.hasSuffix(Volume.sidecarEnding),
      let release = release(at: path.removingLastComponent())
    else { return nil }
    return JobName(release: release, job: String(name.dropLast(Volume.sidecarEnding.count)))
  }

  /// The job that a drop at `path` is.
  /// - Throws: ``IntakeFailure/badName`` when the name cannot be that of a job.
  package func job(at path: FilePath) throws(IntakeFailure) -> JobName {
    let name = path.lastComponent
    guard let stem = name?.stem, let text = String(validating: name ?? "x") else {
      throw .badName(path, why: "it is not UTF-8")
    }
    guard let release = release(at: path.removingLastComponent()) else {
      throw .badName(path, why: "its folder is not of a release")
    }
    for part in [release, stem] {
      if let why = NameRule.refusal(of: part) { throw .badName(path, why: why) }
    }
    precondition(text.hasPrefix(stem), "a stem begins its name")
    return JobName(release: release, job: stem)
  }

  /// The release whose drops lie in `folder`; nil when none do.
  package func release(at folder: FilePath) -> String? {
    if folder == volume.quick { return NameRule.quick }
    let release = folder.removingLastComponent()
    guard folder.lastComponent?.string == "store", release.removingLastComponent() == volume.releases else {
      return nil
    }
    // `releases/quick` would be a second release of that name.
    return release.lastComponent.flatMap { $0.string == NameRule.quick ? nil : $0.string }
  }
}
