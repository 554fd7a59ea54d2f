import FarmModel
import Testing
import VolumeFiles

@testable import Intake

@Suite("A conflict copy of a sync program")
struct SyncConflictNameTests {
  @Test(arguments: [
    "x.sync-conflict-20260101-101010-ABCDEF.blend", "x.sync-conflict-20160412-235959.blend",
    "x.sync-conflict-20260101-101010-7GQ3ZLA.BLEND", "x (Kim's conflicted copy 2026-01-01).blend",
    "x (Kim's conflicted copy 2026-01-01 1).blend", "x (KIM-PC's conflicted copy 2026-01-01).blend",
    "x (Conflicted copy 2015-10-01 for kim).blend", "x (conflicted copy 2026-01-01 101010).blend",
    "x (conflicted copy kim 2026-01-01 101010).blend", "x (Kims in Konflikt stehende Kopie 2026-01-01).blend",
    "x (in Konflikt stehende Kopie von Kim 2026-08-30).blend", "x (Copie en conflit de Kim 2026-01-01).blend",
    "x (Copia en conflicto de Kim 2026-01-01).blend", "x (Kim の競合コピー 2026-08-31).blend", "x (Case Conflict).blend",
    "x (Case Conflict 1).blend", "x (Unicode Encoding Conflict).blend", "x (case clash from 2026-10-03 101500).blend",
    "x_conflict-20260101-101010.blend", "x_conflict-kim-20260101-101010.blend",
    "x (SFConflict kim@example.com 2026-01-01-10-10-10).blend", "a_Andy-PC_Jan-03-0901-2013_CaseConflict_1.blend",
    "a_Andy-PC_Jan-03-0901-2013_Conflict.blend", "x [Conflict].blend", "x_conf(1).blend",
    "\u{301}É.sync-conflict-20260101-101010-ABCDEF.blend",
  ])
  func `is known by its whole stamp, and is no drop`(name: String) {
    #expect(SyncConflictName.matches(FileName(name)))
    #expect(!DropPlace.isDrop(FileName(name)))
  }

  @Test(arguments: [
    "conflict.blend", "shot_conflict-of-interest.blend", "conflicted copy.blend", "x (conflicted copy).blend",
    "sync-conflict.blend", "x.sync-conflict-2026.blend", "x (1).blend", "x (2026-01-01).blend", "x_conflict.blend",
    "Case Conflict.blend", "the (Conflict study 2026-01-01).blend", "x_conf(a).blend", "x - Copy.blend",
    "x-DESKTOP-1A2B3C.blend", "_conflict-20260101-101010.blend", "x_conflict-20260101-101010_v2.blend",
    "Krieg (Konflikt 2026-01-01).blend",
  ])
  func `is none when only words look like it`(name: String) {
    #expect(!SyncConflictName.matches(FileName(name)))
    #expect(DropPlace.isDrop(FileName(name)))
  }

  @Test func `has a name of any bytes`() {
    for bytes in [[0xFF] + Array(".sync-conflict-20260101-101010-ABCDEF.blend".utf8)] {
      #expect(SyncConflictName.matches(FileName(bytes: bytes)))
    }
    #expect(SyncConflictName.matches(FileName("x.blend.Conflict")))
    #expect(!SyncConflictName.matches(FileName("x.png.Conflict")))
  }
}
