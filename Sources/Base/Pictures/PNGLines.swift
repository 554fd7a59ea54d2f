/// What the unpacked lines of a PNG show before their filters are undone.
///
/// A filter stores a sample, or its difference to what stands beside or above. Where no sample of a channel is more
/// than a little, no difference is more than that either, up or down; one that is more proves that something is lit.
struct PNGLines {
  /// How the samples of a pixel lie in its bytes.
  struct Samples: Hashable {
    /// 1 for grey, 2 with alpha, 3 for colours, 4 with alpha.
    let channels: Int
    /// 1 or 2, of which the first says how bright.
    let bytes: Int

    var hasAlpha: Bool { channels == 2 || channels == 4 }
    /// Of a place in a line, beginning at a pixel of four or fewer channels: where there are three, all are colours.
    func isColour(_ place: Int) -> Bool { place % bytes == 0 && !isAlpha(place) }
    func isAlpha(_ place: Int) -> Bool {
      hasAlpha && place % bytes == 0 && place / bytes % channels == channels - 1
    }
  }

  /// Blender's dithering makes of black what is up to 1 of 255.
  private static let darkMax: UInt8 = 2
  private static let unfiltered: UInt8 = 0
  private static let filterMax = 4
  private static let lanes = 16

  /// Whole lines of `1 + bytesPerLine` bytes, the first of which says how the others are filtered.
  let bytes: UnsafeRawBufferPointer
  let bytesPerLine: Int

  private var starts: StrideTo<Int> { stride(from: 0, to: bytes.count - bytesPerLine, by: bytesPerLine + 1) }

  /// Whether each is filtered in a way that there is.
  var areFiltersKnown: Bool { starts.allSatisfy { bytes[$0] <= Self.filterMax } }

  /// Whether they may be of a picture that is black, or that cannot be seen: false is certain, true is not.
  func mayBeDark(_ samples: Samples) -> Bool {
    let lanes = 0..<Self.lanes
    let colours = SIMD16<UInt8>(lanes.map { samples.isColour($0) ? 0xFF : 0 })
    let alphas = SIMD16<UInt8>(lanes.map { samples.isAlpha($0) ? 0xFF : 0 })
    // The first pixel of all has none beside or above.
    let first = min(bytesPerLine, samples.channels * samples.bytes)
    var isLit = (0..<first).contains { samples.isColour($0) && bytes[1 + $0] > Self.darkMax }
    var isSeen = !samples.hasAlpha || (0..<first).contains { samples.isAlpha($0) && bytes[1 + $0] > Self.darkMax }
    for start in starts where !(isLit && isSeen) {
      // A difference may be as much below zero.
      let below = bytes[start] == Self.unfiltered ? 0 : Self.darkMax
      var most = SIMD16<UInt8>()
      var place = 0
      while place + Self.lanes <= bytesPerLine {
        let some = bytes.loadUnaligned(fromByteOffset: start + 1 + place, as: SIMD16<UInt8>.self)
        most = pointwiseMax(most, some &+ below)
        place += Self.lanes
      }
      for (lane, place) in (place..<bytesPerLine).enumerated() {
        most[lane] = max(most[lane], bytes[start + 1 + place] &+ below)
      }
      isLit = isLit || (most & colours).max() > Self.darkMax + below
      isSeen = isSeen || (most & alphas).max() > Self.darkMax + below
    }
    return !(isLit && isSeen)
  }
}
