/// How an archive is compressed: gzip, which everything reads, or Zstandard, which is faster and smaller.
package enum ArchiveFormat: String, Codable, CaseIterable, Sendable {
  case gz, zst

  /// What archives are called: `spring.tar.gz`.
  package func fileName(of release: String) -> String { "\(release).tar.\(rawValue)" }

  /// The release that a file in `archives/` is called after, and its format; nil for any other file.
  package static func parse(fileName: String) -> (release: String, format: ArchiveFormat)? {
    for format in allCases {
      let ending = ".tar.\(format.rawValue)"
      guard let release = fileName.dropping(byteSuffix: ending) else { continue }
      return NameRule.refusal(of: release) == nil ? (release, format) : nil
    }
    return nil
  }
}
