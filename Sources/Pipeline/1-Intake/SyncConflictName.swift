import FarmModel
import VolumeFiles

/// Names that sync programs give to the second version of a file that was changed in two places.
///
/// Only whole stamps count, never a word alone: `conflict.blend` and `shot_conflict-of-interest.blend` are names. The
/// forms, before the ending of the file:
/// - Syncthing, `.sync-conflict-<date>-<time>-<device>`: docs.syncthing.net/users/syncing.html;
/// - Dropbox, `(<who>'s conflicted copy 2026-01-01)` in the user's language, `(Case Conflict)`,
///   `(Unicode Encoding Conflict)`: help.dropbox.com, and file names in public repositories;
/// - Nextcloud and ownCloud, `(conflicted copy 2026-01-01 101010)`, `(case clash from …)`, before 2018
///   `_conflict-20260101-101010`: nextcloud/desktop, `src/common/utility.cpp`;
/// - Seafile, `(SFConflict <who> 2026-01-01-10-10-10)`: haiwen/seafile, `merge-new.c`;
/// - Synology Drive, `_<client>_Jan-03-0901-2013_CaseConflict_1`: kb.synology.com, "file conflict on Synology Drive";
/// - Google Drive, `[Conflict]` and `_conf(1)`: the desktop client's names for copies that it could not upload;
/// - Resilio, `<whole name>.Conflict`: connect.resilio.com, "Filename Conflicts".
///
/// OneDrive appends the name of a computer, and browsers a number: these cannot be told from artists' names.
package enum SyncConflictName {
  /// Whether a file of this name is a conflict copy of a `.blend`.
  package static func matches(_ name: FileName) -> Bool {
    let bytes = name.bytes
    guard isSuspect(bytes) else { return false }
    let text = name.string
    if let whole = text.dropping(byteSuffix: ".Conflict") { return DropPlace.isBlend(FileName(whole)) }
    guard DropPlace.isBlend(name) else { return false }
    let stem = String(decoding: text.utf8.dropLast(".blend".utf8.count), as: UTF8.self)
    return stamps.contains { stem.firstMatch(of: $0.matchingSemantics(.unicodeScalar)) != nil }
  }

  /// Spares nearly all names the search: each form has one of these in it, or is in another script.
  private static func isSuspect(_ bytes: [UInt8]) -> Bool {
    let hints: [StaticString] = ["onfli", "conf(", "case clash"]
    if hints.contains(where: { contains($0, in: bytes) }) { return true }
    return bytes.contains { $0 >= 0x80 } && bytes.contains(UInt8(ascii: ")"))
  }

  private static func contains(_ hint: StaticString, in bytes: [UInt8]) -> Bool {
    hint.withUTF8Buffer { hint in bytes.indices.contains { bytes[$0...].starts(with: hint) } }
  }

  /// Regular expressions are not Sendable, so each search makes its own.
  private static var stamps: [Regex<AnyRegexOutput>] {
    [
      Regex(/.\.sync-conflict-[0-9]{8}-[0-9]{6}(-[A-Z0-9]{1,63})?$/),
      Regex(/._conflict-([^-]+-)?[0-9]{8}-[0-9]{6}$/),
      Regex(/._[^_]+_[A-Z][a-z]{2}-[0-9]{2}-[0-9]{4}-[0-9]{4}_([A-Za-z]+)?Conflict(_[0-9]+)?$/),
      Regex(/. ?\((Case|Unicode Encoding|Selective Sync|White ?[Ss]pace) Conflict( ?\(?[0-9]+\)?)?\)$/),
      Regex(/. ?\(case clash from .*[0-9]{4}-[0-9]{2}-[0-9]{2}[^()]*\)$/),
      Regex(/. ?\(SFConflict .*[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2}\)$/),
      Regex(/. ?\[Conflict\]$/),
      Regex(/._conf\([0-9]+\)$/),
      Regex(copyStamp),
    ]
  }

  /// Words for a conflicted copy and a whole date behind them, in brackets at the end: in the languages of Dropbox's
  /// client, without letters that have two Unicode forms.
  private static var copyStamp: Regex<Substring> {
    #/
      .\ ?\(.*(?:conflicted\ copy|konflikt\ stehende\ kopie|konfliktkopi|opie\ en\ conflit|copia\ en\ conflicto
      |copia\ in\ conflitto|pia\ em\ conflito|pia\ conflitante|conflicterende\ kopie|конфликтующая\ копия
      |競合コピー|충돌하는\ 사본|冲突副本|衝突複本)
      .*[0-9]{4}-[0-9]{2}-[0-9]{2}[^()]*\)$
    /#.ignoresCase()
  }
}
