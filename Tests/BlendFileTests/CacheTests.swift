import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

@testable import BlendFile

/// `baked.blend` holds simulations that Blender 3.4, 4.2 and 5.0 baked to files, and `baked.json` says which files that
/// Blender wrote (`files/make_files.py`).
@Suite("The files of a baked simulation")
struct CacheTests {
  private static let folder = FilePath(#filePath).removingLastComponent().appending("files")

  /// What Blender wrote.
  private struct Written: Decodable {
    let files: Set<String>
    let texts: [String: String]
  }

  private struct World {
    let blend: FilePath
    let written: Written
    private let summary: Result<BlendSummary, BlendFailure>
    /// The names in each folder that Blender made, and in those above.
    private let folders: [String: [String]]

    init(_ version: String) throws {
      let folder = CacheTests.folder.appending(version)
      blend = folder.appending("baked.blend")
      written = try JSONDecoder().decode(Written.self, from: Data(folder.appending("baked.json").contents))
      folders = written.files.reduce(into: [:]) { folders, file in
        var parts = file.split(separator: "/").map(String.init)
        while let name = parts.popLast() {
          let place = parts.joined(separator: "/")
          if folders[place]?.contains(name) != true { folders[place, default: []].append(name) }
        }
      }
      let path = blend
      summary = Result { () throws(BlendFailure) in try BlendSummary(of: path) }
    }

    func below(_ path: FilePath) -> String {
      String(path.string.trimmingPrefix(blend.removingLastComponent().string + "/"))
    }

    /// - Parameter gone: files that are not there.
    func inspected(without gone: Set<String> = [], frames: String? = nil) throws -> BlendInspection {
      let there: @Sendable (String) -> Bool = { written.files.contains($0) && !gone.contains($0) }
      let disk = BlendInspector.Disk(
        summary: { _ in summary },
        exists: { path, kind in kind == .cacheFile ? there(below(path)) : folders[below(path)] != nil },
        names: { folder in
          let place = below(folder)
          return (folders[place] ?? []).filter { there("\(place)/\($0)") }
        },
        contents: { path in there(below(path)) ? written.texts[below(path)].map { Array($0.utf8) } : nil })
      return try BlendInspector(disk).inspect(blend, frames: frames.map { try FrameSet(parsing: $0) })
    }

    func files(_ inspection: BlendInspection) -> [String: BlendDependency] {
      let files = inspection.dependencies.filter { $0.kind == .cacheFile }
      return Dictionary(files.map { (below(FilePath($0.resolved ?? "")), $0) }) { first, _ in first }
    }
  }

  @Test func `beside the .blend are not found under another name of it`() throws {
    let world = try World("4.2")
    let inspection = try world.inspected()
    let other = world.blend.removingLastComponent().appending("other.blend")

    #expect(inspection.dependencies.contains { $0.path.hasPrefix("//blendcache_baked/") })
    #expect(!inspection.needsTheSame(at: world.blend, as: other, BlendPaths()))
    #expect(inspection.needsTheSame(at: world.blend, as: world.blend, BlendPaths()))
  }

  @Test(arguments: InspectionTests.versions)
  func `are all that Blender wrote when all frames are rendered, and no others`(version: String) throws {
    let world = try World(version)

    let found = try world.inspected()

    let files = world.files(found)
    #expect(Set(files.keys).subtracting(world.written.files) == [])
    #expect(world.written.files.subtracting(files.keys) == [])
    #expect(files.values.allSatisfy { $0.exists && $0.reached })
  }

  @Test(arguments: ["3.4", "4.2"])
  func `are asked for one by one: each that is not there is missing, at the frames that read it`(
    version: String
  ) throws {
    let world = try World(version)
    // One of each name: that of the last frame.
    let named = Dictionary(
      world.files(try world.inspected()).keys.sorted().map { ($0.filter { !$0.isNumber }, $0) }
    ) { $1 }

    for gone in named.values.sorted() {
      let missing = world.files(try world.inspected(without: [gone])).filter { !$0.value.exists }

      // The text of a still bake is all that says that it was made.
      if gone.contains("/One/") && gone.hasSuffix(".json") || gone.contains("of its own/meta") { continue }
      // A fluid that burns from frame 3 on is like one whose first grid of flames is gone.
      if gone.contains("heat_0002") || gone.contains("flame_") && gone.contains("_0002") { continue }
      #expect(missing[gone] != nil, "\(gone)")
      #expect(missing[gone]?.frames?.isEmpty == false, "\(gone)")
    }
  }

  @Test func `are those that the rendered frames read, and no others`() throws {
    let world = try World("3.4")
    let files = world.files(try world.inspected(frames: "3"))

    #expect(
      files.keys.sorted() == [
        "baked_files/Fine/config/config_0003.uni", "baked_files/Fine/data/density_0003.uni",
        "baked_files/Fine/data/flame_0003.uni", "baked_files/Fine/data/heat_0003.uni",
        "baked_files/Fine/data/shadow_0003.uni", "baked_files/Fine/data/vel_0003.uni",
        "baked_files/Fine/noise/density_noise_0003.uni", "baked_files/Fine/noise/flame_noise_0003.uni",
        "baked_files/Ocean/disp_0003.exr",
        "baked_files/Ocean/foam_0003.exr", "baked_files/Ocean/normal_0003.exr",
        "baked_files/Sea/config/config_0003.uni",
        "baked_files/Sea/data/fluid_data_0003.vdb", "baked_files/Sea/mesh/fluid_mesh_0003.bobj.gz",
        "baked_files/Sea/particles/fluid_particles_0003.vdb", "baked_files/Smoke/config/config_0003.uni",
        "baked_files/Smoke/data/fluid_data_0003.vdb",
        // The soft bodies were baked every third and every fourth frame from 2 on.
        "blendcache_baked/536F66746572_000002_00.bphys", "blendcache_baked/536F66746572_000006_00.bphys",
        "blendcache_baked/536F6674_000002_00.bphys", "blendcache_baked/536F6674_000005_00.bphys",
        "blendcache_baked/5475636820C3A4_000003_00.bphys", "blendcache_baked/my cache_000003_00.bphys",
      ])
  }

  @Test func `end before the frames that are rendered: Blender holds the last, or shows no fluid`() throws {
    let short = try World("3.4").inspected().shortCaches

    let lines = short.map { "\($0.by) \($0.last) \($0.frames) \($0.isHeld ? "held" : "nothing")" }
    #expect(
      lines.sorted() == [
        "OBFine 3 4-9 nothing", "OBNamed 8 9 held", "OBOcean 4 5-9 held", "OBSea 3 4-9 nothing",
        "OBSmoke 4 5-9 nothing",
        "OBSoft 8 9 held", "OBSofter 8 9 held", "OBTuch ä 8 9 held",
      ])
  }

  @Test(arguments: InspectionTests.versions)
  func `are like those of a movie clip, which is as long as Blender found it`(version: String) throws {
    let clip = try World(version).inspected().dependencies.filter { $0.kind == .clip }

    // None of them is there.
    #expect(clip.map(\.path) == (1...4).map { "//clip/p_000\($0).png" })
  }

  @Test(arguments: ["4.2", "5.0"])
  func `of geometry nodes are none as long as nothing says that they were baked`(version: String) throws {
    let world = try World(version)
    let all = world.written.files.filter { $0.contains("Zone") || $0.contains("Part") }

    let files = world.files(try world.inspected(without: all))

    #expect(files.keys.filter { $0.contains("Zone") || $0.contains("Part") } == [])
  }
}

@Suite("The frames of a cache")
struct CacheFramesTests {
  private func cache(_ first: Int, _ last: Int, step: Int = 1, _ outside: CacheFrames.Outside = .last) -> CacheFrames {
    CacheFrames(first: first, last: last, step: step, outside: outside)
  }

  /// What soft bodies that were baked to disk had, the same in 3.4, 4.2 and 5.0.
  @Test(
    arguments: [
      (2, 1, 8, [1, 3, 5, 7, 8]), (3, 1, 11, [1, 4, 6, 8, 10, 11]), (4, 1, 14, [1, 5, 7, 9, 11, 13, 14]),
      (3, 2, 11, [2, 5, 7, 9, 11]), (5, 1, 17, [1, 6, 8, 10, 12, 14, 16, 17]),
      (10, 1, 25, [1, 11, 13, 15, 17, 19, 21, 23, 25]),
    ] as [(Int, Int, Int, [Int])])
  func `are those that Blender baked to disk with a step`(step: Int, first: Int, last: Int, baked: [Int]) {
    let cache = cache(first, last, step: step)

    #expect(cache.stored(with: Set(baked)) == baked)
    for gone in baked { #expect(cache.stored(with: Set(baked).subtracting([gone])) == baked, "\(gone)") }
    #expect(cache.stored(with: []) == baked)
  }

  @Test func `are every step and the last of a bake in memory that was copied to disk`() {
    #expect(cache(1, 14, step: 3).stored(with: [1, 4, 7, 13]) == [1, 4, 7, 10, 13, 14])
  }

  @Test func `are read one at its own frame and two between frames, the last after it and none before`() {
    let cache = cache(2, 8, step: 3)
    let stored = [2, 5, 8]

    let read = (1...10).map { cache.read(during: $0...$0, stored: stored).sorted() }
    #expect(read == [[], [2], [2, 5], [2, 5], [5], [5, 8], [5, 8], [8], [8], [8]])
  }

  @Test func `are the nearest outside of an ocean, and none outside of a fluid, which may play later`() {
    let ocean = cache(2, 4, .ends)
    var fluid = cache(2, 4, .nothing)
    fluid.delay = 2

    #expect((1...6).map { ocean.read(during: $0...$0, stored: [2, 3, 4]).sorted() } == [[2], [2], [3], [4], [4], [4]])
    #expect((3...7).map { fluid.read(during: $0...$0, stored: [2, 3, 4]).sorted() } == [[], [2], [3], [4], []])
  }

  @Test func `are those beside a frame too where motion blur looks there, and of remapped time those around it`() {
    let stored = Array(1...20)
    let read = { (timing: FrameTiming, frame: Int) -> [Int] in
      timing.span(of: frame).map { cache(1, 20).read(during: $0, stored: stored).sorted() } ?? []
    }

    #expect(read(FrameTiming(blur: 1), 4) == [3, 4, 5])
    // As traced in 3.4: 100 frames mapped to 200 show frame 2 at 4, and 2 and 3 at 5.
    #expect(read(FrameTiming(scale: 0.5), 4) == [2])
    #expect(read(FrameTiming(scale: 0.5), 5) == [2, 3])
    #expect(FrameTiming(scale: .infinity).span(of: 1) == nil)
  }

  @Test func `are written in as many digits as Blender writes, with the sign among them`() {
    let name = CacheFiles.Name(head: "a_", digits: 6, tail: "_00.bphys")

    #expect([1, 1_234_567, -3].map(name.name) == ["a_000001_00.bphys", "a_1234567_00.bphys", "a_-00003_00.bphys"])
    #expect(
      ["a_000012_00.bphys", "a_-00003_00.bphys", "b_000012_00.bphys", "a__00.bphys"].map(name.frame) == [
        12, -3, nil, nil,
      ])
  }

  @Test(arguments: [
    ("OBGrid", "47726964"), ("OB\u{301}x", "CC8178"), ("OB\u{600}", "D880"), ("OBe\u{301}", "65CC81"),
    ("OB\u{E9}", "C3A9"),
  ])
  func `begin with the bytes of the object's name, whatever Unicode makes of them`(object: String, stem: String) {
    #expect(NamedCaches.stemOfFiles(ofObject: object) == stem)
  }

  @Test(arguments: [(5, 4, 1), (1, .max, 1), (.min, 3, 1), (1, 9, 0)])
  func `are none that a damaged file names`(first: Int, last: Int, step: Int) {
    #expect(!cache(first, last, step: step).isPlausible)
  }
}
