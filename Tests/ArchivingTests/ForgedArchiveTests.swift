import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import Archiving

/// Archives that somebody made to write where nothing of theirs belongs.
@Suite("A forged archive")
struct ForgedArchiveTests {
  /// What the Python program puts into the archive, before a manifest that would fit; and what is said of it.
  private static let forgeries: [(name: String, script: String, why: String)] = [
    ("absolute", "file('/tmp/farm-forged')", "has an absolute path"),
    ("out", "file('store/../../../escaped')", "leads out of it"),
    ("out at once", "file('../escaped')", "leads out of it"),
    ("through a link", "folder('store'); link('store/out', OUTSIDE); file('store/out/escaped')", "lies in no folder"),
    ("over a link", "folder('store'); link('store/x', OUTSIDE + '/escaped'); file('store/x')", "stands in it twice"),
    (
      "through a link in a link",
      "folder('a'); link('a/b', '.'); link('a/b/c', OUTSIDE); file('a/b/c/escaped')", "lies in no folder"
    ),
    ("hard link out", "folder('store'); hard('store/x', '../../escaped')", "is a hard link to something outside"),
    ("hard link to a file of the system", "hard('x', '/etc/passwd')", "is a hard link to something outside"),
    ("hard link to a link", "link('x', '/etc/passwd'); hard('y', 'x')", "is a hard link to no file of it"),
    ("device", "special('null', tarfile.CHRTYPE)", "is no file, folder or link"),
    ("pipe", "special('pipe', tarfile.FIFOTYPE)", "is no file, folder or link"),
    ("a link in place of a folder of ours", "link('dist', OUTSIDE)", "is no folder"),
    ("a link in place of a plan", "link('release.yaml', '/etc/passwd')", "is no file"),
    ("twice", "file('x'); file('x')", "stands in it twice"),
    ("huge name", "file('n' * 300)", "has no path that a disk can hold"),
    ("endless path", "file('a/' * 3000 + 'x')", "has no path that a disk can hold"),
    ("deep path", "file('a/' * 200 + 'x')", "has no path that a disk can hold"),
    ("without a folder", "file('store/x')", "lies in no folder"),
    ("a file as a folder", "file('a'); file('a/x')", "lies in no folder"),
  ]

  private static let program = """
    import io, sys, tarfile
    OUTSIDE, target, script = sys.argv[1:4]
    tar = tarfile.open(target, 'w:gz', format=tarfile.PAX_FORMAT)
    def add(name, kind, data=b'', link=''):
        info = tarfile.TarInfo(name); info.type = kind; info.size = len(data); info.linkname = link; info.mode = 0o755
        tar.addfile(info, io.BytesIO(data))
    def file(name): add(name, tarfile.REGTYPE, b'evil')
    def folder(name): add(name, tarfile.DIRTYPE)
    def link(name, to): add(name, tarfile.SYMTYPE, link=to)
    def hard(name, to): add(name, tarfile.LNKTYPE, link=to)
    def special(name, kind): add(name, kind)
    exec(script)
    add('MANIFEST.json', tarfile.REGTYPE, b'{}')
    tar.close()
    """

  @Test(arguments: forgeries.map(\.name))
  func `writes nothing outside, leaves nothing inside, and is told`(name: String) async throws {
    let bench = try ArchiveBench()
    let outside = try bench.scratch.folder("outside")
    let (_, script, why) = try #require(Self.forgeries.first { $0.name == name })
    _ = try await ArchiveBench.run(
      "/usr/bin/python3", ["-c", Self.program, outside.string, bench.archive().string, script])
    let before = bench.scratch.path.filesBelow

    let failure = #expect(throws: ArchiveFailure.self) { try bench.unpack() }

    #expect(failure?.description.contains(why) == true, "\(failure?.description ?? "")")
    let seen = #expect(throws: ArchiveFailure.self) { try bench.check() }
    #expect(seen == failure, "who only reads it is told the same")
    #expect(failure?.description.contains(bench.archive().string) == true && failure?.remedy.isEmpty == false)
    #expect(bench.scratch.path.filesBelow == before)
    #expect(!bench.scratch("restored").isThere && !FilePath("/tmp/farm-forged").isThere)
  }

  @Test func `that grows without end stops where the disk would be full`() async throws {
    let bench = try ArchiveBench()
    try bench.scratch.write(ArchiveBench.noise(200_000, seed: 5), to: "releases/spring/store/noise")
    let handle = FileHandle(forWritingAtPath: bench.folder.string + "/store/noise")
    let noise = ArchiveBench.noise(1 << 20, seed: 9)
    for _ in 0..<70 { try handle?.write(contentsOf: noise) }
    try handle?.close()
    try bench.pack()

    // As if all but nothing of the disk had to stay free.
    let failure = #expect(throws: ArchiveFailure.self) { try bench.unpack(floor: .max) }

    #expect(failure == .tooLarge(bench.archive()))
    #expect(!bench.scratch("restored").isThere)
  }

  @Test func `has no words of ours in it`() throws {
    let bench = try ArchiveBench()
    try bench.pack()
    let manifest = try bench.check()

    #expect(ArchiveManifest(parsing: []) == nil)
    #expect(ArchiveManifest(parsing: Array("{}".utf8)) == nil)
    let text = try manifest.text()
    #expect(try JSONSerialization.jsonObject(with: Data(text)) is [String: Any])
    for length in stride(from: 0, to: text.count - 1, by: 97) {
      #expect(ArchiveManifest(parsing: Array(text.prefix(length))) == nil, "\(length)")
    }
  }
}
