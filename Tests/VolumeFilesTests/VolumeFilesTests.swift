import CLinux
import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

@Suite("A file of the volume")
struct VolumeFilesTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  @Test func `is digested as SHA-256`() throws {
    let path = try scratch.write("abc", to: "abc")

    // FIPS 180-2, appendix B.1.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(try FileDigest.of(path).description == expected)
    #expect(try FileDigest.of(path).short == "ba7816bf8f01")
  }

  @Test func `is copied and digested in one pass, never over another`() throws {
    let source = try scratch.write("content", to: "a")

    let digest = try FileCopy.copy(source, to: scratch("b"))

    #expect(scratch("b").contents == Array("content".utf8))
    #expect(try FileDigest.of(source) == digest)
    let failure = #expect(throws: FileFailure.self) { try FileCopy.copy(source, to: scratch("b")) }
    #expect(failure?.errno == EEXIST)
  }

  @Test func `is moved, or refused when the name is taken`() throws {
    let a = try scratch.write("a", to: "a")
    let b = try scratch.write("b", to: "b")

    #expect(throws: FileFailure.self) { try Placement.move(a, to: b, ifOccupied: .refuse) }
    #expect(b.contents == Array("b".utf8))
    try Placement.move(a, to: b, ifOccupied: .replace)

    #expect(b.contents == Array("a".utf8))
    #expect(!a.isThere)
  }

  @Test func `takes the place of the file that it is meant for alone`() throws {
    let old = try scratch.write("old", to: "b")
    let ours = try #require(try FileStatus(at: old)).identity

    let new = try Placement.move(scratch.write("new", to: "a"), to: old, ifOccupied: .replaceOnly(ours))

    #expect(old.contents == Array("new".utf8) && !scratch("a").isThere)
    #expect(try FileStatus(at: old)?.identity == new)
    let failure = #expect(throws: FileFailure.self) {
      try Placement.move(scratch.write("newer", to: "a"), to: old, ifOccupied: .replaceOnly(ours))
    }
    #expect(failure?.errno == EEXIST)
    #expect(old.contents == Array("new".utf8) && scratch("a").contents == Array("newer".utf8))
    try Placement.move(scratch("a"), to: scratch("c"), ifOccupied: .replaceOnly(ours))
    #expect(scratch("c").contents == Array("newer".utf8))
  }

  @Test func `is moved to another file system, whole`() throws {
    let shared = FilePath("/dev/shm/farm-test-\(getpid())")
    try #require(FileManager.default.fileExists(atPath: "/dev/shm"))
    let a = try scratch.write("across", to: "a")
    defer { Placement.remove(shared) }

    try Placement.move(a, to: shared, ifOccupied: .refuse)

    #expect(shared.contents == Array("across".utf8))
    #expect(!a.isThere)
  }

  @Test func `is opened beneath the root only, through no link`() throws {
    try scratch.write("secret", to: "outside")
    let root = try scratch.folder("volume")
    try scratch.write("inside", to: "volume/file")
    symlink(scratch("outside").string, root.appending("link").string)
    symlink(scratch.path.string, root.appending("folder").string)

    OpenFile.close(try OpenFile.beneath(root, root.appending("file")))
    for way in ["link", "folder/outside", "../outside"] {
      #expect(throws: FileFailure.self) { try OpenFile.beneath(root, root.appending(way)) }
    }
    #expect(throws: FileFailure.self) { try OpenFile.beneath(root, scratch("outside")) }
  }

  @Test func `that is a pipe or a link is never opened`() throws {
    mkfifo(scratch("pipe").string, 0o644)
    symlink("/etc/passwd", scratch("link").string)

    #expect(throws: FileFailure.self) { try OpenFile.reading(scratch("pipe")) }
    #expect(throws: FileFailure.self) { try OpenFile.reading(scratch("link")) }
  }

  @Test func `tells whether some process writes it`() async throws {
    let path = try scratch.write("x", to: "x")
    // A child that another test starts shares our open files until it has become its program.
    #expect(await eventually { LeaseProbe.ask(path) == .noWriter })

    let writer = try FileHandle(forWritingTo: URL(filePath: path.string))
    #expect(LeaseProbe.ask(path) == .writer)

    try writer.close()
    #expect(await eventually { LeaseProbe.ask(path) == .noWriter })
  }

  @Test func `made by us takes the folder's group and rights`() throws {
    let folder = try scratch.folder("shared")
    chmod(folder.string, 0o2775)

    try SharedFolder.make(folder.appending("out/shot"))
    try Durable.write(Array("x".utf8), to: folder.appending("out/shot/x"))

    #expect(try FileStatus(at: folder.appending("out/shot"))?.mode == 0o2775)
    #expect(try FileStatus(at: folder.appending("out/shot/x"))?.mode == 0o664)
    #expect(folder.appending("out/shot").names == ["x"])
  }

  @Test(.enabled(if: Needs.accessLists, "needs setfacl"))
  func `moved by us takes the access list that its new folder has for new files`() async throws {
    let folder = try scratch.folder("shared")
    let file = folder.appending("x")
    _ = try await run("/usr/bin/setfacl", "--default", "--modify", "user:1234:rwx", folder.string)

    try scratch.write("x", to: "work/x")
    try Placement.move(scratch("work/x"), to: file, ifOccupied: .refuse)
    try SharedFolder.adopt(file)

    // Who is on the list may write, and nobody may execute it.
    let list = try await run("/usr/bin/getfacl", "--absolute-names", "--numeric", "--no-effective", file.string)
    #expect(list.contains("user:1234:rwx"))
    #expect(list.contains("mask::rw-"))
  }

  private func run(_ words: String...) async throws -> [String] {
    let (end, lines) = try await ChildProcess.output(of: ChildCommand(FilePath(words[0]), Array(words.dropFirst())))
    try #require(end.isSuccess, "\(lines)")
    return lines
  }

  @Test(arguments: [EACCES, EPERM])
  func `says whose rights are to be changed, which depends on what was tried`(code: Int32) {
    #expect(FileFailure("list", "/v/store", errno: code).remedy.contains("`chmod g+rX /v/store`"))
    for act in ["open", "make"] {
      let remedy = FileFailure(act, "/v/store/a b", errno: code).remedy
      #expect(remedy.contains("`chmod g+rwX /v/store` for the folder, `chmod g+r '/v/store/a b'` for a file"))
    }
  }

  @Test func `says what, where and why when something is refused`() {
    let failure = #expect(throws: FileFailure.self) { try FolderListing.names(in: scratch("none")) }

    #expect(failure?.description == "cannot list \(scratch("none").string): No such file or directory")
    #expect(failure?.remedy.isEmpty == false)
    #expect(FileFailure("write", "/x", errno: ENOSPC).problemClass == .diskFull)
    #expect(FileFailure("write", "/x", errno: ENOSPC).isTransient)
  }

  @Test func `tree is removed without following links out of it`() throws {
    try scratch.write("keep", to: "outside/keep")
    let tree = try scratch.folder("tree/below")
    symlink(scratch("outside").string, tree.appending("link").string)

    try Placement.removeTree(scratch("tree"))

    #expect(!scratch("tree").isThere)
    #expect(scratch("outside/keep").isThere)
  }
}

@Suite("The way to a file")
struct RealPathTests {
  @Test func `has the links on it, also those that links lead through and that lead nowhere`() throws {
    let scratch = try ScratchFolder()
    let root = try #require(RealPath.of(scratch("")))
    try scratch.folder("v1")
    try scratch.write("wood", to: "v1/wood.png")
    for (link, target) in [
      ("latest", "v1"), ("v1/alias.png", "wood.png"), ("far", "\(root)/latest"), ("gone", "../nowhere"),
    ] {
      try #require(symlink(target, scratch(link).string) == 0)
    }
    func links(_ path: String) -> [String] {
      RealPath.links(on: root.pushing(FilePath(path))).map { path in
        var below = path
        return below.removePrefix(root) ? below.string : path.string
      }
    }

    #expect(links("v1/wood.png") == [])
    #expect(links("latest/wood.png") == ["latest"])
    #expect(links("far/alias.png") == ["far", "latest", "v1/alias.png"])
    #expect(links("v1/../latest/wood.png") == ["latest"])
    #expect(links("gone/wood.png") == ["gone"])
    try #require(symlink("loop", scratch("loop").string) == 0)
    #expect(links("loop/x").count == 40)
  }
}

@Suite("farm init")
struct VolumeTreeTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  @Test func `makes the tree in an empty folder, and again without harm`() throws {
    let volume = Volume(root: scratch("volume"))

    try VolumeTree.make(volume, adopts: false)
    try VolumeTree.make(volume, adopts: false)

    #expect(volume.root.names == [".farm", "archives", "dist", "quick", "releases"])
    #expect(VolumeTree.isVolume(volume))
    #expect(!VolumeTree.adoptMark(volume).isThere)
  }

  @Test func `takes a Flamenco share with system names as it is`() throws {
    for name in ["jobs", "file-store", "lost+found", ".snapshot", "#recycle", "@eaDir"] { try scratch.folder(name) }

    try VolumeTree.make(Volume(root: scratch.path), adopts: false)

    #expect(scratch("quick").isThere)
  }

  @Test func `refuses a folder with other things, naming them, unless it is told to adopt`() throws {
    try scratch.write("x", to: "volume/taxes.ods")
    let volume = Volume(root: scratch("volume"))

    let failure = #expect(throws: VolumeFailure.self) { try VolumeTree.make(volume, adopts: false) }
    #expect(failure?.description.contains("taxes.ods") == true)
    #expect(failure?.remedy.contains("farm init --adopt") == true)
    #expect(volume.root.names == ["taxes.ods"])

    try VolumeTree.make(volume, adopts: true)
    #expect(VolumeTree.adoptMark(volume).isThere)
  }
}

@Suite("The table of mounts")
struct MountTableTests {
  private let table = MountTable(
    parsing: """
      22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
      40 22 0:40 / /srv/farm rw shared:2 - cifs //nas/farm rw
      41 40 0:41 / /srv/farm/my\\040dist rw - fuse.sshfs x rw
      42 22 0:42 / /srv/farm rw - nfs4 nas:/farm rw
      """)

  @Test(arguments: [
    ("/etc", "ext4"), ("/srv/farm/quick", "nfs4"), ("/srv/farm/my dist/a", "fuse.sshfs"), ("/srv/farmer", "ext4"),
  ])
  func `knows the file system of a path by the deepest mount`(path: FilePath, type: String) {
    #expect(table.mount(of: path).type == type)
  }

  @Test func `tells where the kernel does not see every writer`() {
    #expect(!table.mount(of: "/etc").isBlind)
    #expect(table.mount(of: "/srv/farm/quick").isBlind)
    #expect(table.mount(of: "/srv/farm/my dist/a").isBlind)
  }

  @Test func `of this process has a root`() {
    #expect(MountTable.mount(at: "/").point == "/")
    #expect(MountTable.mount(at: "/proc/self").type == "proc")
  }
}
