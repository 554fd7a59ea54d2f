import SystemPackage

/// Reads structures out of a whole `.blend`, wherever they lie, by following its addresses. Bodies are read when they
/// are asked for; what meshes and other heavy things consist of is passed over.
final class BlendReader {
  /// Longer bodies hold nothing that is asked for here.
  private static let bodyBytesMax: Int64 = 16 << 20
  /// So many blocks take some 50 MB; what comes after is passed over, but for datablocks themselves.
  private static let blocksMax = 1 << 20

  let header: BlendHeader
  let types: BlendTypes
  private(set) var blocks: [BlockHeader] = []
  private let bytes: any SeekableBytes
  /// The blocks' numbers in the order of their addresses.
  private let byAddress: [Int32]
  private var budget: ReadBudget

  /// Walks a whole file from its beginning.
  init(_ bytes: any SeekableBytes) throws(BlendFailure) {
    self.bytes = bytes
    var blocks: [BlockHeader] = []
    var isHeavy = false
    var dna: BlockHeader?
    header = try BlendWalk.each(bytes) { block throws(BlendFailure) in
      if block.code == .types { dna = block }
      if block.code != .data { isHeavy = block.code.isHeavy }
      let isNeeded = block.code != .data || !isHeavy || block.lengthBytes <= 4096
      guard isNeeded else { return }
      if blocks.count < Self.blocksMax || block.code != .data { blocks.append(block) }
    }
    guard let dna else { throw .damaged(atByte: bytes.offset, what: "it has no DNA1 block") }
    self.blocks = blocks
    let body = try Self.withBody(of: dna, first: dna.lengthBytes, in: bytes) { body throws(BlendFailure) in Array(body)
    }
    types = try BlendTypes(body, header: header)
    byAddress = blocks.indices.filter { blocks[$0].address != 0 }.map { Int32($0) }
      .sorted { blocks[Int($0)].address < blocks[Int($1)].address }
    budget = ReadBudget(fileBytes: bytes.offset)
  }

  func body(of block: BlockHeader) throws(BlendFailure) -> [UInt8] {
    try withBody(of: block) { body throws(BlendFailure) in Array(body) }
  }

  /// Lends a block's bytes without copying them, where they are not compressed.
  /// - Parameter count: so many of them; nil: all.
  func withBody<Value>(
    of block: BlockHeader, first count: Int64? = nil, _ use: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value {
    // What a damaged description of types asks for may be below nothing.
    let count = max(0, min(count ?? block.lengthBytes, block.lengthBytes))
    try budget.spend(count, at: block.bodyOffset)
    return try Self.withBody(of: block, first: count, in: bytes, use)
  }

  private static func withBody<Value>(
    of block: BlockHeader, first count: Int64, in bytes: any SeekableBytes,
    _ use: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value {
    guard block.lengthBytes <= bodyBytesMax else {
      throw .damaged(atByte: block.bodyOffset, what: "block \(block.code) is \(block.lengthBytes) bytes long")
    }
    bytes.seek(to: block.bodyOffset)
    return try bytes.withNext(Int(count)) { body throws(BlendFailure) in
      guard body.count == count else {
        throw .truncated(atByte: block.bodyOffset, while: "block \(block.code)")
      }
      return try use(body)
    }
  }

  /// The name of a datablock as Blender spells it inside, `OBCube`: it stands at its beginning.
  func datablockName(of block: BlockHeader) throws(BlendFailure) -> String? {
    guard let id = types.structure(named: "ID"), let name = id.fields["name"], name.bytes == 1 else { return nil }
    // Each datablock is asked, and some are long.
    let (end, isTooLong) = name.offset.addingReportingOverflow(name.count)
    return try withBody(of: block, first: isTooLong ? nil : Int64(end)) { body throws(BlendFailure) in
      guard (0...body.count).contains(name.offset), name.count <= body.count - name.offset else { return nil }
      return String(decoding: body[name.offset..<name.offset + name.count].prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// The block that was at this address when the file was saved.
  func block(at address: UInt64?) -> BlockHeader? {
    guard let address else { return nil }
    var (low, high) = (0, byAddress.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[Int(byAddress[middle])].address < address { low = middle + 1 } else { high = middle }
    }
    guard low < byAddress.count else { return nil }
    let found = blocks[Int(byAddress[low])]
    return found.address == address ? found : nil
  }

  /// The structures of a block; of one type that the file does not describe, none.
  func records(of block: BlockHeader) throws(BlendFailure) -> [BlendRecord] {
    guard let structure = types.structure(Int(block.structure)), structure.bytes > 0 else { return [] }
    let body = try body(of: block)
    return (0..<max(0, min(block.count, body.count / structure.bytes))).map { index in
      let start = index * structure.bytes
      return BlendRecord(
        body[start..<start + structure.bytes], structure, types, isBigEndian: header.isBigEndian)
    }
  }

  /// The first structure of the block at an address.
  func record(at address: UInt64?) throws(BlendFailure) -> BlendRecord? {
    guard let block = block(at: address) else { return nil }
    return try firstRecord(of: block)
  }

  /// The first structure of a block, and no more is read.
  func firstRecord(of block: BlockHeader) throws(BlendFailure) -> BlendRecord? {
    guard let structure = types.structure(Int(block.structure)), structure.bytes > 0, block.count > 0,
      block.lengthBytes >= Int64(structure.bytes)
    else { return nil }
    let body = try withBody(of: block, first: Int64(structure.bytes)) { body throws(BlendFailure) in Array(body) }
    return BlendRecord(body[...], structure, types, isBigEndian: header.isBigEndian)
  }

  /// The structures of a linked list, as `ListBase` has them.
  func list(_ base: BlendRecord?) throws(BlendFailure) -> [BlendRecord] {
    var next = base?.pointer("first")
    var list: [BlendRecord] = []
    var seen: Set<UInt64> = []
    // A damaged list may go round.
    while let address = next, seen.insert(address).inserted, let record = try record(at: address) {
      list.append(record)
      next = record.pointer("next")
    }
    return list
  }
}

/// Walks the blocks of a `.blend` from its first byte to `ENDB`.
enum BlendWalk {
  /// - Parameter body: called for each block when its body is next; it may read of that as much as it wants.
  /// - Returns: the file's header.
  static func each(
    _ bytes: any BlendBytes, _ body: (BlockHeader) throws(BlendFailure) -> Void
  ) throws(BlendFailure) -> BlendHeader {
    let oldHeaderBytes = 12
    var first = try bytes.next(oldHeaderBytes)
    if first.starts(with: Array("BLENDER1".utf8)) { first += try bytes.next(BlendHeader.bytesMax - oldHeaderBytes) }
    let header = try BlendHeader(first)
    while true {
      let start = bytes.offset
      let block = try bytes.withNext(header.blockHeaderBytes) { given throws(BlendFailure) in
        guard given.count == header.blockHeaderBytes else {
          throw .truncated(atByte: start + Int64(given.count), while: "a block's header")
        }
        return BlockHeader(given, header, bodyOffset: start + Int64(header.blockHeaderBytes))
      }
      if block.code == .end { return header }
      guard block.code.isPlausible, block.lengthBytes >= 0, block.lengthBytes <= Int64.max - block.bodyOffset else {
        throw .damaged(atByte: start, what: "no block begins here")
      }
      try body(block)
      try bytes.skip(block.bodyOffset + block.lengthBytes - bytes.offset, while: "block \(block.code)")
    }
  }
}
