/// A piece of memory that one thread fills and others read after it was handed to them. Owns the memory.
final class MemoryPiece: @unchecked Sendable {  // Never filled and read at once, as said.
  static let bytesMax = 1 << 20

  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytesMax, alignment: 16)
  /// How many bytes of it are filled.
  var count = 0

  deinit { memory.deallocate() }

  /// What was filled.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
  /// What is not filled yet.
  var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[count...]) }

  /// Fills all of it with one byte.
  func fill(with byte: UInt8) {
    memory.initializeMemory(as: UInt8.self, repeating: byte)
    count = memory.count
  }

  /// Fills in what there is room for.
  /// - Returns: how many bytes that were.
  func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    let taken = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.bytesMax - count))
    room.copyMemory(from: taken)
    count += taken.count
    return taken.count
  }
}
