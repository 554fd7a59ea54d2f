import FarmModel
import Glibc
import SystemPackage

/// What a `.blend` says of itself without Blender, once it was read to its end.
package struct BlendFacts: Codable, Hashable, Sendable {
  /// The version of Blender that saved it.
  package let version: BlenderVersion
  package let wrapper: BlendWrapper
  package let scenes: [SceneRange]

  package init(version: BlenderVersion, wrapper: BlendWrapper, scenes: [SceneRange]) {
    self.version = version
    self.wrapper = wrapper
    self.scenes = scenes
  }

  /// One entry of the `REND` block: a scene's name and frame range.
  package struct SceneRange: Codable, Hashable, Sendable {
    package let name: String
    package let start: FrameNumber
    package let end: FrameNumber

    package init(name: String, start: FrameNumber, end: FrameNumber) {
      self.name = name
      self.start = start
      self.end = end
    }
  }

  /// The scene that was active when the file was saved: the first that `REND` lists.
  package var activeScene: SceneRange? { scenes.first }
}

/// Reads a `.blend` from beginning to end; needs no Blender.
package enum BlendFile {
  /// Bodies of `REND` longer than this are not one.
  private static let rendBytesMax: Int64 = 1 << 20

  /// Reads the whole file: every block's header up to `ENDB`, with `DNA1` seen, compressed streams to their end.
  /// - Throws: ``BlendFailure``; its `isTransient` says whether more bytes may still mend it.
  package static func read(_ path: FilePath) throws(BlendFailure) -> BlendFacts {
    let plain = try PlainBytes(path: path)
    let wrapper = try plain.wrapper()
    switch wrapper {
    case .none: return try walk(plain, wrapper: wrapper)
    case .gzip:
      let bytes = try WrappedBytes(path: path)
      let facts = try walk(bytes, wrapper: wrapper)
      // To its last byte, so that its checksum is seen.
      try bytes.drain()
      return facts
    case .zstd: return try walk(ZstdBytes(plain, plain.zstdSeekTable()), wrapper: wrapper)
    }
  }

  /// Walks the blocks of the uncompressed file.
  private static func walk(_ bytes: some BlendBytes, wrapper: BlendWrapper) throws(BlendFailure) -> BlendFacts {
    var rend: [UInt8] = []
    var hasTypes = false
    let header = try BlendWalk.each(bytes) { block throws(BlendFailure) in
      if block.code == .types { hasTypes = true }
      guard block.code == .scenes, block.lengthBytes <= rendBytesMax else { return }
      rend = try bytes.next(Int(block.lengthBytes))
    }
    guard hasTypes else { throw .damaged(atByte: bytes.offset, what: "it has no DNA1 block") }
    return BlendFacts(version: header.version, wrapper: wrapper, scenes: sceneRanges(rend, header))
  }

  /// `REND`: {int32 start, int32 end, char name[64]} up to 4.x, name[256] from 5.0 on (measured); one entry a scene.
  private static func sceneRanges(_ body: [UInt8], _ header: BlendHeader) -> [BlendFacts.SceneRange] {
    let nameBytes = header.version.major >= 5 ? 256 : 64
    let entryBytes = 8 + nameBytes
    return stride(from: 0, through: body.count - entryBytes, by: entryBytes).map { at in
      let name = body[at + 8..<at + entryBytes].prefix { $0 != 0 }
      return BlendFacts.SceneRange(
        name: String(decoding: name, as: UTF8.self),
        start: ByteOrder.int32(body[at..<at + 4], isBigEndian: header.isBigEndian),
        end: ByteOrder.int32(body[at + 4..<at + 8], isBigEndian: header.isBigEndian))
    }
  }
}

extension PlainBytes {
  /// The seek table that Blender puts at the end of every zstd file; without it the end is still missing.
  func zstdSeekTable() throws(BlendFailure) -> ZstdSeekTable {
    let end = sizeBytes
    seek(to: max(0, end - Int64(ZstdSeekTable.footerBytes)))
    guard let tableBytes = ZstdSeekTable.sizeBytes(footer: try next(ZstdSeekTable.footerBytes)), tableBytes < end else {
      throw .truncated(atByte: end, while: "the compressed stream: its seek table is missing")
    }
    seek(to: end - tableBytes)
    guard let table = ZstdSeekTable(try next(Int(tableBytes)), fileBytes: end) else {
      throw .damaged(atByte: end - tableBytes, what: "the seek table does not fit the file")
    }
    return table
  }
}
