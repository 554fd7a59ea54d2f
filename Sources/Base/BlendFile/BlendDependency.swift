import FarmModel
import SystemPackage

/// A file that a `.blend` needs, itself or through its libraries.
package struct BlendDependency: Codable, Hashable, Sendable {
  /// What the file is to Blender.
  package enum Kind: String, Codable, CaseIterable, Sendable {
    case library, image, sequence, tiles, movie, sound, clip, font, volume, cache
    /// A folder of frames that a simulation wrote.
    case cacheFolder
    /// `blendcache_<name>/` beside the `.blend`.
    case bakedFolder
    /// One of the files in either.
    case cacheFile
    case text, script, strip

    /// Whether a picture without it is a wrong picture. Lines of texts are in the `.blend`, and sounds are not seen.
    package var isSeen: Bool {
      switch self {
      case .library, .image, .sequence, .tiles, .movie, .clip, .font, .volume, .cache, .script, .strip, .cacheFolder,
        .bakedFolder, .cacheFile:
        true
      case .sound, .text: false
      }
    }
  }

  /// As it is written; bytes that are no UTF-8 are replaced.
  package var path: String
  /// Where it lies; nil for a place that is none here, as `Z:\…`.
  package var resolved: String?
  package var kind: Kind
  /// The datablocks that name it, as Blender calls them inside: `IMwood.png`.
  package var by: [String]
  /// The `.blend` in which they are, when it is a library.
  package var of: String?
  package var exists: Bool
  /// Whether what is rendered needs it.
  package var reached: Bool
  /// The frames that need it, of a file of a cache; nil for all other files.
  package var frames: FrameSet?

  /// What is wrong with a file that is there; nil when nothing is, or when it was not looked at.
  package var flaw: Flaw?

  /// A file that is there and not as it should be.
  package struct Flaw: Codable, Hashable, Sendable {
    /// What follows from it.
    package enum Kind: String, Codable, Sendable {
      /// It is waited for: a program may still be writing it.
      case notWhole
      /// It is of no use as it is.
      case unreadable
      /// It can be used all the same.
      case odd
      /// The daemon died while it read it, and does not read it again.
      case crashing
    }

    package let kind: Kind
    /// What follows "it".
    package let why: String
    /// Bytes and modification time in nanoseconds of the file that was looked at; nil when it may be right as it is,
    /// once no program has it open for writing.
    package let seen: [Int64]?

    package init(_ kind: Kind, _ why: String, seen: [Int64]?) {
      self.kind = kind
      self.why = why
      self.seen = seen
    }
  }

  /// Whether the bytes of its path are no UTF-8: such names are found, and cannot be waited for.
  package var isUnspeakable: Bool { (resolved ?? path).unicodeScalars.contains("\u{FFFD}") }

  /// Whether it is written without a beginning: neither `//`, nor a drive, a server or a root.
  package var isWrittenRelative: Bool {
    guard let first = path.utf8.first else { return false }
    return first != UInt8(ascii: "/") && first != UInt8(ascii: "\\") && path.utf8.dropFirst().first != UInt8(ascii: ":")
  }

  /// Takes in that one more datablock that is rendered needs the file.
  /// - Parameter isNew: whether it is the first one.
  mutating func need(for more: FrameSet?, isNew: Bool) {
    let before = isNew ? [] : frames?.frames ?? []
    if let more { frames = FrameSet(before + more.frames) }
  }

  /// What names it, in a person's words: `image Wood`.
  package var neededBy: String { by.first.map(Self.words) ?? kind.rawValue }

  /// A datablock in a person's words.
  package static func words(_ datablock: String) -> String {
    let kinds = [
      "IM": "image", "LI": "library", "VF": "font", "MC": "movie clip", "VO": "volume", "CF": "cache file",
      "OB": "object", "MA": "material", "WO": "world", "LA": "light", "NT": "node group", "SC": "scene",
      "SO": "sound", "TX": "text", "TE": "texture", "PA": "particle settings", "LS": "line style",
    ]
    let code = String(decoding: datablock.utf8.prefix(2), as: UTF8.self)
    return "\(kinds[code] ?? "datablock") \(DatablockName.plain(datablock))"
  }
}

/// The names of datablocks inside a file: two letters of their kind, then what people call them.
enum DatablockName {
  /// The name without its kind. By bytes: a name may begin with a combining mark.
  static func plain(_ name: String) -> String { String(decoding: name.utf8.dropFirst(2), as: UTF8.self) }
}

/// How paths in a `.blend` are to be read here. A value: touches no file.
package struct BlendPaths: Hashable, Sendable {
  private let places: [SeenPlace]

  package init(places: [SeenPlace] = []) { self.places = places }

  /// The whole path that is meant; nil for one that means nothing on this machine.
  /// - Parameters:
  ///   - written: with `//` it is relative to the `.blend`; `\` separates as `/` does.
  ///   - folder: of the `.blend`.
  package func resolve(_ written: [UInt8], in folder: FilePath) -> FilePath? {
    let bytes = Self.slashed(written)
    for place in places where !bytes.starts(with: Array((place.folder + "/").utf8)) {
      if let rest = Self.rest(of: bytes, below: Self.slashed(place.seenAs.utf8)) {
        return Self.path(FilePath(place.folder), rest)
      }
    }
    if written.starts(with: Array("//".utf8)) { return Self.path(folder, bytes.dropFirst(2)) }
    // `//` relative is the only one that begins with two: `\\server\share` is a place of its own.
    guard bytes.first == UInt8(ascii: "/"), written.first != UInt8(ascii: "\\") else { return nil }
    return Self.path("/", bytes[...])
  }

  private static func slashed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    bytes.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }
  }

  /// Letters of drives are the same large or small.
  private static func rest(of bytes: [UInt8], below place: [UInt8]) -> ArraySlice<UInt8>? {
    let place = place.last == UInt8(ascii: "/") ? Array(place.dropLast()) : place
    let isWindows = place.count >= 2 && place[1] == UInt8(ascii: ":")
    let fold = { (byte: UInt8) in isWindows && (65...90).contains(byte) ? byte + 32 : byte }
    guard !place.isEmpty, bytes.count >= place.count, bytes.prefix(place.count).map(fold) == place.map(fold) else {
      return nil
    }
    let rest = bytes.dropFirst(place.count)
    return rest.isEmpty || rest.first == UInt8(ascii: "/") ? rest : nil
  }

  private static func path(_ folder: FilePath, _ below: ArraySlice<UInt8>) -> FilePath {
    // As bytes: names need not be text.
    let relative = below.drop { $0 == UInt8(ascii: "/") }.map { CChar(bitPattern: $0) } + [0]
    return folder.pushing(FilePath(platformString: relative)).lexicallyNormalized()
  }
}
