import FarmModel

/// What outputs are called when they are delivered: `{job}_{frame:4}.{ext}`, `cube_{rx:3}_{ry:3}_{rz:3}.png`.
///
/// `{field}` stands for a value, `{field:4}` for a number of at least so many digits. What stands in brackets is left
/// out where its fields are the same for all outputs of a job, or nothing for this one. Rotations are in whole degrees.
package struct NamingTemplate: Hashable, Sendable {
  /// What a name may be made of.
  package enum Field: String, CaseIterable, Hashable, Sendable {
    case job, release, scene, layer, view, node, camera, frame, ext, revision, date, rx, ry, rz

    var isNumber: Bool { [.frame, .revision, .rx, .ry, .rz].contains(self) }
  }

  fileprivate enum Piece: Hashable, Sendable {
    case text(String)
    case field(Field, digits: Int)
    case optional([Piece])
  }

  /// The usual names; a still has no frame.
  package static let standard = "{job}[_{scene}][_{layer}][_{view}][_{node}][_{frame:4}].{ext}"
  /// Every field as it is written.
  package static let fields = Field.allCases.map { "{\($0.rawValue)}" }

  private let pieces: [Piece]

  /// - Throws: ``NamingFailure`` with what is wrong and how to write it.
  package init(parsing text: String) throws(NamingFailure) {
    var rest = text.unicodeScalars[...]
    pieces = try Self.pieces(of: &rest, isInside: false)
    guard !text.utf8.contains(UInt8(ascii: "/")) else {
      throw NamingFailure("it has a slash, and dist/<release>/ has no folders")
    }
    guard !text.isEmpty else { throw NamingFailure("it is empty") }
  }

  private static func pieces(of rest: inout Substring.UnicodeScalarView, isInside: Bool) throws(NamingFailure)
    -> [Piece]
  {
    var pieces: [Piece] = []
    while let first = rest.popFirst() {
      switch first {
      case "{":
        guard let end = rest.firstIndex(of: "}") else { throw NamingFailure("a { has no }") }
        pieces.append(try field(String(rest[..<end])))
        rest = rest[rest.index(after: end)...]
      case "[":
        guard !isInside else { throw NamingFailure("brackets stand in brackets") }
        pieces.append(.optional(try Self.pieces(of: &rest, isInside: true)))
      case "]":
        guard isInside else { throw NamingFailure("a ] has no [") }
        return pieces
      case "}": throw NamingFailure("a } has no {")
      default: pieces.append(.text(String(first)))
      }
    }
    if isInside { throw NamingFailure("a [ has no ]") }
    return pieces
  }

  private static func field(_ text: String) throws(NamingFailure) -> Piece {
    let parts = text.pieces(between: ":")
    let name = parts.first ?? ""
    guard let field = Field(rawValue: name) else {
      let nearest = Nearest.name(to: name, among: Field.allCases.map(\.rawValue))
      throw NamingFailure("there is no field {\(name)}" + (nearest.map { "; did you mean {\($0)}?" } ?? ""))
    }
    guard parts.count > 1 else { return .field(field, digits: 0) }
    guard parts.count == 2, field.isNumber, let digits = Int(parts[1]), (1...12).contains(digits) else {
      throw NamingFailure("{\(text)} is not understood: a number from 1 to 12 may follow a field that is a number")
    }
    return .field(field, digits: digits)
  }

  /// The name of one output.
  /// - Parameter varying: the fields that differ among the outputs of its job.
  /// - Throws: ``NamingFailure`` when a value is not known, or when the name is none that can be delivered.
  func name(of output: NamedOutput, varying: Set<Field>) throws(NamingFailure) -> String {
    let name = try Self.text(of: pieces, output, varying: varying)
    guard name.hasByteSuffix(caseless: ".\(output.ending.lowercased())") else {
      throw NamingFailure("\"\(name)\" does not end with .\(output.ending), which the picture is")
    }
    if let why = NameRule.refusal(of: name, bytesMax: NameRule.deliveredBytesMax) {
      throw NamingFailure("\"\(name)\" cannot be a file: \(why)")
    }
    return name
  }

  private static func text(
    of pieces: [Piece], _ output: NamedOutput, varying: Set<Field>
  ) throws(NamingFailure) -> String {
    var text = ""
    for piece in pieces {
      switch piece {
      case .text(let plain): text += plain
      case .field(let field, let digits): text += try output.text(of: field, digits: digits)
      case .optional(let inner) where inner.contains(where: { $0.isAbout(varying) && $0.isSomething(of: output) }):
        text += try Self.text(of: inner, output, varying: varying)
      case .optional: break
      }
    }
    return text
  }
}

extension NamingTemplate {
  /// A part of a name whose frame is left open.
  enum OutlinePart: Hashable {
    case text(String)
    case frame(digits: Int)
  }

  /// Whether names need what is known only of a rendered frame: its camera or rotations.
  package var needsFacts: Bool { Self.needFacts(pieces) }

  private static func needFacts(_ pieces: [Piece]) -> Bool {
    pieces.contains { piece in
      switch piece {
      case .text: false
      case .field(let field, _): [.camera, .rx, .ry, .rz].contains(field)
      case .optional(let inner): needFacts(inner)
      }
    }
  }

  /// The name of every frame of one kind of output.
  /// - Throws: ``NamingFailure`` when a value is not known.
  func outline(of output: NamedOutput, varying: Set<Field>) throws(NamingFailure) -> [OutlinePart] {
    try Self.outline(of: pieces, output, varying: varying)
  }

  private static func outline(
    of pieces: [Piece], _ output: NamedOutput, varying: Set<Field>
  ) throws(NamingFailure) -> [OutlinePart] {
    var parts: [OutlinePart] = []
    for piece in pieces {
      switch piece {
      case .text(let plain): parts.append(.text(plain))
      case .field(.frame, let digits): parts.append(.frame(digits: digits))
      case .field(let field, let digits): parts.append(.text(try output.text(of: field, digits: digits)))
      case .optional(let inner) where inner.contains(where: { $0.isAbout(varying) && $0.isSomething(of: output) }):
        parts += try outline(of: inner, output, varying: varying)
      case .optional: break
      }
    }
    return parts
  }
}

extension NamingTemplate.Piece {
  fileprivate func isAbout(_ fields: Set<NamingTemplate.Field>) -> Bool {
    if case .field(let field, _) = self { fields.contains(field) } else { false }
  }

  fileprivate func isSomething(of output: NamedOutput) -> Bool {
    if case .field(let field, _) = self { output.text(of: field) != "" } else { false }
  }
}

/// An output with all that its name may say.
struct NamedOutput {
  let job: JobName
  /// The number of its revision, and the day on which that came, `2026-11-22`.
  let revision: Int
  let date: String
  /// What is said of its scene, layer, view and node; empty for what it has not.
  let kind: [NamingTemplate.Field: String]
  let output: Output
  /// The object whose rotation is meant; nil for the only animated one.
  let object: String?

  var ending: String { output.path.pieces(between: ".").last ?? "" }

  /// The value of a field as a part of a name.
  func text(of field: NamingTemplate.Field, digits: Int) throws(NamingFailure) -> String {
    if field.isNumber { return Self.padded(try number(of: field), digits) }
    guard let text = self.text(of: field) else {
      throw NamingFailure("{\(field.rawValue)} of frame \(output.frame) is not known")
    }
    return text.isEmpty ? "" : NameRule.asPathComponent(text)
  }

  fileprivate func text(of field: NamingTemplate.Field) -> String? {
    switch field {
    case .job: job.job
    case .release: job.release
    case .scene, .layer, .view, .node: kind[field] ?? ""
    case .camera: output.facts?.camera
    case .ext: ending
    case .date: date
    case .frame, .revision, .rx, .ry, .rz: nil
    }
  }

  private func number(of field: NamingTemplate.Field) throws(NamingFailure) -> Int {
    switch field {
    case .frame: return Int(output.frame)
    case .revision: return revision
    case .rx: return try degrees(0)
    case .ry: return try degrees(1)
    case .rz: return try degrees(2)
    case .job, .release, .scene, .layer, .view, .node, .camera, .ext, .date: return 0
    }
  }

  private func degrees(_ axis: Int) throws(NamingFailure) -> Int {
    guard let rotation = output.facts?.rotation(of: object), rotation.count == 3,
      let whole = Int(exactly: rotation[axis].rounded())
    else {
      let known = output.facts?.rotations.keys.sorted().joined(separator: ", ") ?? ""
      let which = object.map { "\"\($0)\"" } ?? "the only animated object"
      throw NamingFailure(
        "the rotation of \(which) at frame \(output.frame) is not known"
          + (known.isEmpty ? "" : "; known is that of \(known)"))
    }
    return whole
  }

  static func padded(_ number: Int, _ digits: Int) -> String {
    let plain = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, digits - plain.count)) + plain
  }
}

/// Why a template, or a name made of it, was refused.
package struct NamingFailure: Error, Hashable {
  package let reason: String

  init(_ reason: String) { self.reason = reason }
}
