/// Which pictures of image sequences are shown: a sequence is one image, and each node that shows it says when.
struct ImageSequences {
  /// By the address of the image.
  private var shown: [UInt64: Set<Int>] = [:]

  /// Goes through all nodes of a file.
  /// - Parameters:
  ///   - images: the addresses of those that are sequences; what others show is nobody's question.
  ///   - framesMax: of all of them, for a damaged file may claim any ranges.
  init(_ reader: BlendReader, of images: Set<UInt64>, framesMax: Int = 1_000_000) throws(BlendFailure) {
    let scenes = try reader.scenes().map(\.frames).filter { $0.end >= $0.start }
    let nodes = reader.types.numbers(of: ["bNode"])
    var framesLeft = framesMax
    for block in reader.blocks where nodes.contains(block.structure) {
      for node in try reader.records(of: block) {
        guard let image = node.pointer("id"), images.contains(image),
          let storage = try reader.record(at: node.pointer("storage"))
        else { continue }
        guard let user = storage.type == "ImageUser" ? storage : storage.record("iuser") else { continue }
        for frames in scenes where frames.end - frames.start < framesLeft {
          framesLeft -= frames.end - frames.start
          shown[image, default: []].formUnion(
            stride(from: frames.start, through: frames.end, by: frames.step).map { Self.number(at: $0, user) })
        }
      }
    }
  }

  /// The numbers of an image's pictures that some node shows in the range of some scene; nil when none does.
  func numbers(of image: UInt64) -> [Int]? { shown[image]?.sorted() }

  /// Which picture of a sequence is shown at a frame.
  private static func number(at frame: Int, _ user: BlendRecord) -> Int {
    let length = max(1, user.int("frames") ?? 1)
    var number = frame - (user.int("sfra") ?? 1)
    if user.int("cycl") ?? 0 != 0 {
      number = ((number % length) + length) % length
    } else {
      number = min(max(number, 0), length - 1)
    }
    return number + 1 + (user.int("offset") ?? 0)
  }
}
