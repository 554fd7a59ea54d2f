import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FolderWatch

/// The only tests that hold an inotify instance in this process; libinotifytools keeps one state.
@Suite("The number of a watched folder", .serialized)
struct InotifyTests {
  private let scratch: ScratchFolder
  private let inotify: Inotify

  init() throws {
    scratch = try ScratchFolder()
    inotify = try Inotify()
  }

  private func events(of folder: FilePath, after change: () throws -> Void) throws -> [InotifyEvent] {
    while inotify.next() != nil {}
    try change()
    var events: [InotifyEvent] = []
    while let event = inotify.next() { events.append(event) }
    return events
  }

  /// The listing of the folder above and its event both ask for the watch.
  @Test func `is the one that its events carry when a folder that was made again is watched twice`() throws {
    let folder = try scratch.folder("r")
    for _ in 1...3 {
      let old = try inotify.watch(folder).get()
      rmdir(folder.string)
      while inotify.next() != nil {}
      try scratch.folder("r")

      let first = try inotify.watch(folder).get()
      let second = try inotify.watch(folder).get()
      let events = try events(of: folder) { try scratch.write("x", to: "r/x") }

      #expect(first != old)
      #expect(second == first)
      #expect(events.allSatisfy { $0.watch == first } && !events.isEmpty)
      unlink(folder.appending("x").string)
    }
  }

  @Test func `stays the same under the new name of a folder that was renamed`() throws {
    let folder = try scratch.folder("r")
    let old = try inotify.watch(folder).get()
    rename(folder.string, scratch("s").string)
    try scratch.folder("r")

    let moved = try inotify.watch(scratch("s")).get()
    let other = try inotify.watch(folder).get()

    #expect(moved == old)
    #expect(other != old)
    inotify.unwatch(other)
    let events = try events(of: folder) {
      try scratch.write("x", to: "s/x")
      try scratch.write("x", to: "r/x")
    }
    #expect(Set(events.map(\.watch)).isSubset(of: [moved, other]))
    #expect(events.contains { $0.watch == moved && $0.name == FileName(bytes: Array("x".utf8)) })
  }
}
