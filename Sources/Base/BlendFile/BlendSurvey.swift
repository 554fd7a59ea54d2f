/// Goes once through a file's datablocks: what each needs, which files it names, what can move.
///
/// A datablock is followed in the file by what it consists of, and things are named by the addresses they had. So what
/// a datablock needs are the other datablocks whose addresses stand somewhere in its bytes.
struct BlendSurvey {
  /// What consists of more bytes names no datablocks.
  private static let scannedBytesMax: Int64 = 64 << 10
  /// What belongs to tools and brushes is not rendered.
  private static let tools: Set<String> = [
    "ToolSettings", "Paint", "Sculpt", "VPaint", "UvSculpt", "GpPaint", "GpVertexPaint", "GpSculptPaint",
    "GpWeightPaint", "CurvesSculpt", "ParticleEditSettings", "SequencerToolSettings", "PreviewImage", "PaintToolSlot",
    // What a camera shows behind the scene while one works.
    "CameraBGImage",
  ]

  let reader: BlendReader
  private(set) var datablocks: [BlendSummary.Datablock] = []
  private(set) var files: [BlendSummary.NamedFile] = []
  private(set) var movers: Set<String> = []
  private(set) var simulated: Set<Int> = []
  private(set) var denoisers: Set<Int> = []
  /// What a scene holds and does not use as it is set: the beginnings of the names of structures.
  private var idle: [Int: [String]] = [:]
  private(set) var scripts: [BlendSummary.Script] = []
  /// The numbers of the structures that are read, and of those that are passed over.
  private let read: Set<Int32>
  private let passedOver: Set<Int32>
  /// The datablocks' numbers by their addresses, and the other way round.
  private var numbers: [UInt64: Int] = [:]
  private var addresses: [UInt64] = []
  /// The range of those addresses, for most words of a file lie outside.
  private var lowest = UInt64.max
  private var highest: UInt64 = 0

  init(_ reader: BlendReader) throws(BlendFailure) {
    self.reader = reader
    read = reader.types.numbers(of: NamedFiles.structures.union(BlendMotion.structures))
    passedOver = reader.types.numbers(of: Self.tools)
    var library: Int?
    for block in reader.blocks where block.code.isDatablock {
      let name = try reader.datablockName(of: block) ?? "\(block.code)"
      let number = datablocks.count
      if block.code == .library { library = number }
      datablocks.append(BlendSummary.Datablock(name: name, library: block.code == .linked ? library : nil))
      numbers[block.address] = number
      addresses.append(block.address)
      lowest = min(lowest, block.address)
      highest = max(highest, block.address)
    }
  }

  mutating func run() throws(BlendFailure) {
    var owner = -1
    for block in reader.blocks {
      if block.code.isDatablock { owner += 1 } else if block.code != .data || owner < 0 { continue }
      try look(at: block, owner)
    }
    try findSequences()
    try passOverAnimatedSequences()
    forgetEmptyLibraries()
    // What lies in a library needs the library.
    for number in datablocks.indices {
      if let library = datablocks[number].library { datablocks[number].needs.insert(library) }
    }
  }

  private mutating func findSequences() throws(BlendFailure) {
    let found = files.indices.filter { files[$0].kind == .sequence }
    guard !found.isEmpty else { return }
    let users = try SequenceUser.all(of: Set(found.map { addresses[files[$0].owner] }), in: reader)
    for index in found {
      if let users = users[addresses[files[index].owner]] { files[index].members = .sequence(Array(users)) }
    }
  }

  /// What an animation chooses is known at each frame alone: Blender asks for it then.
  private mutating func passOverAnimatedSequences() throws(BlendFailure) {
    let found = files.indices.filter { index in
      if case .sequence = files[index].members { true } else { false }
    }
    guard !found.isEmpty, try SequenceUser.areChosen(in: reader) else { return }
    for index in found { files[index].members = .present }
  }

  /// From 5.0 on a library whose datablocks are all packed is named still, and not needed.
  private mutating func forgetEmptyLibraries() {
    guard reader.types.structure(named: "Library")?.fields["archive_parent_library"] != nil else { return }
    let needed = Set(datablocks.compactMap(\.library))
    files.removeAll { $0.kind == .library && !$0.isPacked && !needed.contains($0.owner) }
  }

  private mutating func look(at block: BlockHeader, _ owner: Int) throws(BlendFailure) {
    let isIdle = isIdle(block, owner)
    if block.lengthBytes <= Self.scannedBytesMax, !passedOver.contains(block.structure), !isIdle {
      try scan(block, owner)
    }
    guard read.contains(block.structure) else { return }
    for record in try reader.records(of: block) {
      if record.type == "Scene", block.code.isDatablock { noteIdle(record, owner) }
      files += try NamedFiles.named(in: record, owner, reader).map { named in
        var named = named
        named.isIdle = named.isIdle || isIdle
        return named
      }
      if try BlendMotion.moves(record, reader) { movers.insert(datablocks[owner].name) }
      if try BlendMotion.isSimulated(record, reader) { simulated.insert(owner) }
      if !isIdle, record.isDenoiser { denoisers.insert(owner) }
      if let script = try BlendMotion.script(record, owner, reader) { scripts.append(script) }
    }
  }

  /// Notes what a scene does not use as it is set: its compositing, its sequencer.
  private mutating func noteIdle(_ scene: BlendRecord, _ owner: Int) {
    let (composites, sequences) = scene.switches
    var structures: [String] = []
    if !sequences { structures += ["Sequence", "Strip"] }
    if !composites {
      structures.append("bNode")
      // From 5.0 on the nodes are a datablock of their own.
      if let tree = scene.pointer("compositing_node_group").flatMap({ numbers[$0] }) {
        datablocks[owner].needs.remove(tree)
      }
    }
    idle[owner] = structures
  }

  private func isIdle(_ block: BlockHeader, _ owner: Int) -> Bool {
    guard let structures = idle[owner], let name = reader.types.structure(Int(block.structure))?.name else {
      return false
    }
    return structures.contains { name.hasPrefix($0) }
  }

  /// Finds the addresses of other datablocks in a block.
  private mutating func scan(_ block: BlockHeader, _ owner: Int) throws(BlendFailure) {
    let wordBytes = reader.header.pointerBytes
    // A datablock begins with the addresses of its neighbours, which it does not need.
    let start = block.code == .data ? 0 : 2 * wordBytes
    let isBigEndian = reader.header.isBigEndian
    let found = try reader.withBody(of: block) { bytes throws(BlendFailure) in
      var found: Set<Int> = []
      for at in stride(from: start, through: bytes.count - wordBytes, by: wordBytes) {
        let word: UInt64
        if wordBytes == 8 {
          let raw = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
          word = isBigEndian ? raw.byteSwapped : raw
        } else {
          let raw = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
          word = UInt64(isBigEndian ? raw.byteSwapped : raw)
        }
        guard word >= lowest, word <= highest, let number = numbers[word] else { continue }
        if number != owner { found.insert(number) }
      }
      return found
    }
    if !found.isEmpty { datablocks[owner].needs.formUnion(found) }
  }
}
