/// How something shows a sequence of files: which one at which frame. A value.
struct SequenceUser: Hashable, Sendable {
  /// What is shown before its first frame and after its last.
  enum Outside: Hashable, Sendable {
    case nothing, ends, repeated, reversed
    /// After it the last; before it the file that comes before the first, if there is one: Blender shows pink or
    /// nothing otherwise (seen in 3.4, 4.2, 5.0), so it is not asked for.
    case last
  }

  /// The frame of the scene at which its first file is shown.
  var start: Int
  /// Files that it shows, at least one.
  var length: Int
  /// Added to the number of a file; the first has 1.
  var offset: Int
  var outside: Outside
  /// Whether files that are not there are simply not shown, as those of a movie clip.
  var isOpen = false

  /// The number of the file that is shown at a frame of the scene; nil for none.
  func number(at frame: Int) -> Int? {
    let (index, isBelow) = frame.subtractingReportingOverflow(start)
    guard !isBelow else { return nil }
    let (number, isAbove) = (shown(index) ?? 0).addingReportingOverflow(offset)
    return shown(index) == nil || isAbove ? nil : number
  }

  /// Counts from 1; as measured with Blender 3.4.
  private func shown(_ index: Int) -> Int? {
    switch outside {
    case _ where (0..<length).contains(index): return index + 1
    case .nothing: return nil
    case .ends: return index < 0 ? 1 : length
    case .last: return index < 0 ? nil : length
    case .repeated: return ((index % length) + length) % length + 1
    case .reversed:
      let turn = max(1, 2 * length - 2)
      let at = ((index % turn) + turn) % turn
      return (at < length ? at : turn - at) + 1
    }
  }
}

extension SequenceUser {
  /// An image user: of a node, a texture or an empty.
  init(image user: BlendRecord) {
    self.init(
      start: user.int("sfra") ?? 1, length: max(1, user.int("frames") ?? 1), offset: user.int("offset") ?? 0,
      outside: user.int("cycl") ?? 0 != 0 ? .repeated : .last)
  }

  /// A volume of one file a frame.
  init(volume: BlendRecord) {
    let modes: [Int: Outside] = [0: .nothing, 1: .ends, 2: .repeated, 3: .reversed]
    self.init(
      start: volume.int("frame_start") ?? 1, length: max(1, volume.int("frame_duration") ?? 1),
      offset: volume.int("frame_offset") ?? 0, outside: modes[volume.int("sequence_mode") ?? 0] ?? .ends)
  }

  /// A movie clip of one file a frame, from the one that it names on: as long as Blender found it when it was loaded
  /// (`len`, kept in files of 3.4 to 5.0), else as long as there are files.
  /// - Parameter first: the number in that one's name.
  init(clip: BlendRecord, first: Int) {
    let (offset, isTooFar) = first.addingReportingOverflow((clip.int("frame_offset") ?? 0) - 1)
    let length = max(0, clip.int("len") ?? 0)
    self.init(
      start: clip.int("start_frame") ?? 1, length: length > 0 ? length : .max, offset: isTooFar ? 0 : offset,
      outside: .nothing, isOpen: length == 0)
  }

  private static let chosenBy: Set<String> = [
    "frame_start", "frame_duration", "frame_offset", "use_cyclic", "sequence_mode", "frame", "override_frame",
  ]

  /// Whether an animation or a driver may choose which file of a sequence is shown.
  static func areChosen(in reader: BlendReader) throws(BlendFailure) -> Bool {
    let curves = reader.types.numbers(of: ["FCurve"])
    for block in reader.blocks where curves.contains(block.structure) {
      for curve in try reader.records(of: block) {
        let path = String(decoding: try reader.text(at: curve.pointer("rna_path")), as: UTF8.self)
        if path.pieces(between: ".").last.map(chosenBy.contains) == true { return true }
      }
    }
    return false
  }

  /// Who shows which image sequence, by the address of the image.
  /// - Parameter images: the addresses of those that are sequences; what others show is nobody's question.
  static func all(
    of images: Set<UInt64>, in reader: BlendReader
  ) throws(BlendFailure) -> [UInt64: Set<SequenceUser>] {
    var users: [UInt64: Set<SequenceUser>] = [:]
    let structures = reader.types.numbers(of: ["bNode", "Tex", "Object"])
    for block in reader.blocks where structures.contains(block.structure) {
      for record in try reader.records(of: block) {
        guard let (image, user) = try user(in: record, reader), images.contains(image) else { continue }
        users[image, default: []].insert(SequenceUser(image: user))
      }
    }
    return users
  }

  private static func user(
    in record: BlendRecord, _ reader: BlendReader
  ) throws(BlendFailure) -> (image: UInt64, user: BlendRecord)? {
    let (image, user): (UInt64?, BlendRecord?)
    switch record.type {
    case "Tex": (image, user) = (record.pointer("ima"), record.record("iuser"))
    case "Object": (image, user) = (record.pointer("data"), try reader.record(at: record.pointer("iuser")))
    default:
      let storage = try reader.record(at: record.pointer("storage"))
      (image, user) = (record.pointer("id"), storage?.type == "ImageUser" ? storage : storage?.record("iuser"))
    }
    guard let image, let user else { return nil }
    return (image, user)
  }
}
