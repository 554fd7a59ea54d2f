/// One command on one worker: some frames of one revision, with all that is needed to render them anywhere.
package struct RenderTask: Codable, Hashable, Sendable, Identifiable {
  package let id: Int64
  package let revision: Int64
  package let job: JobName
  /// Ascending; at most ``FrameSet/countMax``.
  package let frames: FrameSet
  /// The snapshot that is opened, never the artist's own file.
  package let blend: String
  /// The artist's own file, whose path the pictures carry; nil: that of `blend`.
  package let original: String?
  package let part: RenderPart
  package let settings: RenderSettings
  /// Whether the file's own scripts and drivers may run Python.
  package let trustsScripts: Bool
  /// How paths in the file that were written on other machines are read here.
  package let places: [SeenPlace]
  /// Files that are named and missing, and not needed by what is rendered.
  package let spare: [String]
  /// Workers that should leave it to others, where others are free.
  package let avoids: Set<String>
  /// Where frames are written; only this attempt writes there.
  package let folder: String
  package let format: ImageFormat
  package let blender: BlenderProgram
  /// The rendering program's own words go here.
  package let log: String
  /// What a frame of this job usually takes; nil while none is done.
  package let usualFrameTime: Duration?
  /// The object whose rotation the names of the delivery say, when the release names one.
  package let namingObject: String?

  package init(
    id: Int64, revision: Int64, job: JobName, frames: FrameSet, blend: String, original: String? = nil,
    part: RenderPart = RenderPart(),
    settings: RenderSettings = RenderSettings(), trustsScripts: Bool = false, places: [SeenPlace] = [],
    spare: [String] = [], avoids: Set<String> = [],
    folder: String,
    format: ImageFormat, blender: BlenderProgram, log: String, usualFrameTime: Duration? = nil,
    namingObject: String? = nil
  ) {
    self.id = id
    self.revision = revision
    self.job = job
    self.frames = frames
    self.blend = blend
    self.original = original
    self.part = part
    self.settings = settings
    self.trustsScripts = trustsScripts
    self.places = places
    self.spare = spare
    self.avoids = avoids
    self.folder = folder
    self.format = format
    self.blender = blender
    self.log = log
    self.usualFrameTime = usualFrameTime
    self.namingObject = namingObject
  }
}

/// What an engine can do, asked before anything is handed to it.
package struct EngineAbilities: Codable, Hashable, Sendable {
  /// The names of the workers that can take a task now; more wait on our side, where they can still be put in order.
  package let workers: [String]
  /// The Blenders of its workers.
  package let blenders: [BlenderProgram]
  /// Programs that are there and do not work.
  package let unwell: [UnwellProgram]
  /// Programs that have not said yet what they are; any of them may turn out to be the best for a file. Empty once all
  /// have answered, or were given up.
  package let probing: [String]
  /// The folders outside the volume that its workers can read, through their path mappings; nil: they run here, and
  /// read what this machine can.
  package let mappedFolders: [String]?

  /// How many tasks it takes at once.
  package var tasksAtOnce: Int { workers.count }

  package init(
    workers: [String], blenders: [BlenderProgram], unwell: [UnwellProgram] = [], probing: [String] = [],
    mappedFolders: [String]? = nil
  ) {
    self.workers = workers
    self.blenders = blenders
    self.unwell = unwell
    self.probing = probing
    self.mappedFolders = mappedFolders
  }
}

/// A program that was found and does not answer as a Blender does.
package struct UnwellProgram: Codable, Hashable, Sendable {
  package let path: String
  package let reason: String

  package init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}
