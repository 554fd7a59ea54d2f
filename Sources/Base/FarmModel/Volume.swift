import SystemPackage

/// The folder tree that artists and `farm` share; knows where everything lies, touches nothing.
package struct Volume: Hashable, Sendable {
  package let root: FilePath

  package init(root: FilePath) {
    self.root = root.lexicallyNormalized()
  }

  package var quick: FilePath { root.appending("quick") }
  package var releases: FilePath { root.appending("releases") }
  package var dist: FilePath { root.appending("dist") }
  package var archives: FilePath { root.appending("archives") }
  /// Our own folder: lock, work, script, cookies, status.json.
  package var own: FilePath { root.appending(".farm") }
  package var work: FilePath { own.appending("work") }
  package var script: FilePath { own.appending("script") }
  package var cookies: FilePath { own.appending("cookies") }
  package var manifests: FilePath { own.appending("manifests") }
  /// Files of ours that turned out damaged.
  package var bad: FilePath { own.appending("bad") }
  package var lock: FilePath { own.appending("lock") }
  package var statusFile: FilePath { own.appending("status.json") }

  /// The folders that `farm init` makes, parents first.
  package var tree: [FilePath] {
    [quick, quick.appending("out"), releases, dist, archives, own, work, script, cookies, manifests]
  }

  /// Names at the top of a volume that are ours or Flamenco's.
  package static let topNames: Set<String> = [
    "quick", "releases", "dist", "archives", "jobs", "file-store", "STATUS.txt", "PROBLEMS", "flamenco-manager.yaml",
  ]

  /// Names that file systems, NAS boxes, desktops and packers put into shares, in lower case; hidden ones need no list.
  ///
  /// Synology: `#recycle`, `#snapshot`, `@eaDir`, `@tmp`; QNAP: `@Recycle`, `@Recently-Snapshot`; NetApp: `~snapshot`;
  /// Windows: `$RECYCLE.BIN`, `RECYCLER`, `System Volume Information`; macOS: `Network Trash Folder`,
  /// `Temporary Items`, `TheVolumeSettingsFolder`, and `__MACOSX` in archives of Finder; ext4: `lost+found`.
  package static let systemNames: Set<String> = [
    "lost+found", "#recycle", "#snapshot", "@eadir", "@tmp", "@recycle", "@recently-snapshot", "~snapshot",
    "$recycle.bin", "recycler", "system volume information", "network trash folder", "temporary items",
    "thevolumesettingsfolder", "__macosx", "thumbs.db", "desktop.ini",
  ]

  /// Whether a file or folder of this name belongs to a system, in letters of any case, and is none of artists'.
  package static func isOfSystem(_ name: String) -> Bool { systemNames.contains(name.lowercased()) }

  /// Whether a top-level name does not speak against using the folder as a volume without `--adopt`.
  package static func accepts(topName name: String) -> Bool {
    name.hasBytePrefix(".") || topNames.contains(name) || isOfSystem(name)
  }

  /// What the plan of a release is called, in the release's folder.
  package static let planName = "release.yaml"
  /// What a job's sidecar is called, after the name of its `.blend`.
  package static let sidecarEnding = ".farm.yaml"

  /// The folder of a release; `quick` has its own place.
  package func release(_ name: String) -> FilePath {
    name == NameRule.quick ? quick : releases.appending(name)
  }

  /// Where the drops of a release lie.
  package func store(of release: String) -> FilePath {
    release == NameRule.quick ? quick : self.release(release).appending("store")
  }

  /// Where the checked frames of a job lie until they are harvested.
  package func out(of job: JobName) -> FilePath {
    release(job.release).appending("out").appending(job.job)
  }

  /// Where the delivery of a release lies.
  package func dist(of release: String) -> FilePath {
    dist.appending(release)
  }

  /// Where one attempt of a revision writes, out of the way of people who move folders.
  package func work(ofRevision revision: Int64) -> FilePath {
    work.appending("\(revision)")
  }

  /// The path below the root, as people name it; the whole path when it lies elsewhere.
  package func relative(_ path: FilePath) -> String {
    var rest = path.lexicallyNormalized()
    return rest.removePrefix(root) ? rest.string : path.string
  }
}

extension FilePath {
  /// Where Blender looks for the disk caches of a `.blend`: `blendcache_<its name>` beside it.
  package var ownCache: FilePath { removingLastComponent().appending("blendcache_\(stem ?? "")") }
}
