import FarmModel
import SystemPackage

/// What one `.blend` says without Blender: its scenes, the files it names, and which of its datablocks need which.
package struct BlendSummary: Sendable {
  /// The version of Blender that saved it.
  package let version: BlenderVersion
  package let wrapper: BlendWrapper
  package let scenes: [BlendScene]
  /// The scene that was active when it was saved.
  package let activeScene: String?
  /// Why something in it may differ from frame to frame, by datablock; empty: nothing can. Libraries not counted.
  package let movers: [String]
  /// The numbers of the datablocks that are simulated as they are rendered.
  let simulated: Set<Int>
  /// And of those that denoise what is composited.
  let denoisers: Set<Int>
  let scripts: [Script]
  /// Its datablocks, linked ones too.
  let datablocks: [Datablock]
  /// The files that it names, apart from what is packed into it.
  let files: [NamedFile]

  /// A datablock, by the name that Blender gives it inside: `OBCube`.
  struct Datablock: Sendable {
    let name: String
    /// The numbers of those that it needs.
    var needs: Set<Int> = []
    /// The number of the library in which it lies; nil when it is in the file.
    var library: Int?
  }

  /// Python that a datablock has run.
  struct Script: Sendable {
    /// The number of the datablock.
    let owner: Int
    /// The expression of a driver; nil for a text that is run when the file is opened.
    let driver: String?
  }

  /// Which files are meant by one path.
  enum Members: Sendable {
    /// That one; of a sequence that nobody shows too.
    case one
    /// Those of a UDIM image, by their numbers.
    case tiles([Int])
    /// Those of a sequence that these show.
    case sequence([SequenceUser])
    /// Those of a sequence from the first to the last that is there: which of them are shown, only Blender knows.
    case between
    /// Those of a sequence that are there, at least one: an animation chooses among them.
    case present
    /// Those of a baked simulation, in the folder that the path names. A `bakedFolder` lies beside the `.blend`, or for
    /// a linked object that says so beside the file that links it.
    case cache(CacheFiles, isBesideMain: Bool)
    /// Those of a bake of geometry nodes, in the folder that the path names.
    case bake(NodesBake)
  }

  /// A file that a datablock names.
  struct NamedFile: Sendable {
    let kind: BlendDependency.Kind
    /// As it is written.
    let path: [UInt8]
    /// The number of the datablock.
    let owner: Int
    var members = Members.one
    /// Whether it is named where nothing of it is rendered: in a strip that is muted, or in a sequencer that is off.
    var isIdle = false
    /// Whether the whole file is packed into the one that names it: a library.
    var isPacked = false

    /// The same path, by which these files are meant.
    func with(_ members: Members) -> NamedFile {
      var file = self
      file.members = members
      return file
    }
  }
}

extension BlendSummary {
  /// Reads a whole file.
  /// - Throws: ``BlendFailure`` with the offset in its uncompressed bytes.
  package init(of path: FilePath) throws(BlendFailure) {
    let plain = try PlainBytes(path: path)
    let wrapper = try plain.wrapper()
    let bytes: any SeekableBytes
    switch wrapper {
    case .none: bytes = plain
    case .gzip: bytes = try PlainBytes(unpacking: WrappedBytes(path: path))
    case .zstd: bytes = try ZstdBytes(plain, plain.zstdSeekTable())
    }
    try self.init(BlendReader(bytes), wrapper: wrapper)
  }

  init(_ reader: BlendReader, wrapper: BlendWrapper) throws(BlendFailure) {
    var survey = try BlendSurvey(reader)
    try survey.run()
    self.init(
      version: reader.header.version, wrapper: wrapper, scenes: try reader.scenes(),
      activeScene: try reader.activeSceneName(), movers: survey.movers.sorted(), simulated: survey.simulated,
      denoisers: survey.denoisers,
      scripts: survey.scripts, datablocks: survey.datablocks, files: survey.files)
  }

  package var datablockCount: Int { datablocks.count }

  func name(of datablock: Int) -> String { datablocks[datablock].name }

  /// The datablocks that these need, directly or through others, with themselves.
  func reached(from roots: Set<Int>) -> Set<Int> {
    var reached = roots
    var next = Array(roots)
    while let datablock = next.popLast() {
      for needed in datablocks[datablock].needs where reached.insert(needed).inserted { next.append(needed) }
    }
    return reached
  }

  /// The numbers of the datablocks of these names that lie in the file itself.
  func numbers(of names: Set<String>) -> Set<Int> {
    Set(datablocks.indices.filter { datablocks[$0].library == nil && names.contains(datablocks[$0].name) })
  }
}
