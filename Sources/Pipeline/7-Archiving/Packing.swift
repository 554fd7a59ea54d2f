import CZlib
import Glibc

/// How a block is packed, by what its bytes are like.
///
/// PNG, EXR and .blend files are packed already: their bytes are as even as dice, and packing them again takes all of
/// the time and gains next to nothing.
enum Packing: Hashable {
  case stored
  /// Frequent bytes become short. Smooth PNGs of Blender lose three of a hundred bytes that way, not one less than at
  /// the highest level, and in a third of the time.
  case shortened
  /// What was there before is referred to. Scenes of Blender become 1.02 times as large as by gzip's own level, which
  /// is 6, in three fifths of the time.
  case packed

  var level: Int32 {
    switch self {
    case .stored: 0
    case .shortened: 1
    case .packed: 5
    }
  }

  var strategy: Int32 {
    switch self {
    case .stored, .packed: Z_DEFAULT_STRATEGY
    case .shortened: Z_HUFFMAN_ONLY
    }
  }

  private static let windows = 8
  private static let windowBytes = 4096
  private static let sampleBytes = 1 << 13
  /// Bits a byte, of which dice have 7.95 in such a window. Noisy PNGs of 1080p have 7.92, and lose one byte of ten
  /// thousand; EXRs 7.94 and lose two of a hundred, at a third of the speed of a disk.
  private static let evenFrom = 7.85
  /// What is less even has something to refer to.
  private static let unevenBelow = 7.2

  /// - Parameters:
  ///   - bytes: of which some windows are looked at.
  ///   - size: how many bytes a sample takes when it is packed so.
  init(for bytes: UnsafeRawBufferPointer, size: (UnsafeRawBufferPointer, Packing) -> Int) {
    let bits = Self.bitsPerByte(bytes)
    if bits >= Self.evenFrom {
      self = .stored
    } else if bits < Self.unevenBelow {
      self = .packed
    } else {
      // Whether in a piece out of the middle more is gained by referring to what was before.
      let start = max(0, (bytes.count - Self.sampleBytes) / 2)
      let sample = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.sampleBytes, bytes.count)])
      self = size(sample, .packed) * 100 < size(sample, .shortened) * 98 ? .packed : .shortened
    }
  }

  /// The entropy of single bytes, the mean of windows spread over the whole.
  static func bitsPerByte(_ bytes: UnsafeRawBufferPointer) -> Double {
    let starts = Array(stride(from: 0, to: bytes.count, by: max(windowBytes, bytes.count / windows)))
    let sum = starts.reduce(0.0) { sum, start in
      sum + entropy(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + windowBytes, bytes.count)]))
    }
    return starts.isEmpty ? 0 : sum / Double(starts.count)
  }

  private static func entropy(_ bytes: UnsafeRawBufferPointer) -> Double {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 256) { counts in
      counts.initialize(repeating: 0)
      for place in 0..<bytes.count { counts[Int(bytes[place])] += 1 }
      return counts.reduce(0.0) { sum, count in
        guard count > 0 else { return sum }
        let share = Double(count) / Double(bytes.count)
        return sum - share * log2(share)
      }
    }
  }
}
