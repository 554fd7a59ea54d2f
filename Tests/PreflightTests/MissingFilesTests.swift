import FarmModel
import Preflight
import Testing

@testable import BlendFile

@Suite("What a file needs")
struct MissingFilesTests {
  private let preflight = Preflight(choice: BlenderChoice(allowsNewerMajor: false))
  private let version = BlenderVersion(major: 3, minor: 4)

  private var scene: BlendScene {
    BlendScene(
      name: "Main", frames: BlendScene.Frames(start: 1, end: 10, step: 1, current: 1), fps: 24, size: [64, 36],
      percentage: 100, engine: "CYCLES", camera: "Camera", cameraMarkers: [],
      viewLayers: [BlendScene.ViewLayer(name: "ViewLayer", used: true)], format: "PNG", movie: false,
      multiview: false, views: [], compositing: false, sequencer: false, border: nil, denoising: false, stamps: false,
      freestyle: false, timeLimited: false)
  }

  private func inspection(
    _ scene: BlendScene, _ dependencies: [BlendDependency] = [], moves: Bool = true, simulations: [String] = [],
    denoisers: [String] = [], scripts: [BlendInspection.Script] = []
  ) -> BlendInspection {
    BlendInspection(
      version: "3.4", wrapper: .none, whole: true, activeScene: scene.name, scenes: [scene],
      renders: [scene.name], dependencies: dependencies, moves: moves, simulations: simulations, denoisers: denoisers,
      scripts: scripts)
  }

  private func file(
    _ kind: BlendDependency.Kind, _ path: String, _ resolved: String?, by: String, of: String? = nil,
    exists: Bool = false, reached: Bool = true
  ) -> BlendDependency {
    BlendDependency(
      path: path, resolved: resolved, kind: kind, by: [by], of: of, exists: exists, reached: reached)
  }

  private func findings(
    _ inspection: BlendInspection, canDenoise: Bool = true, _ wishes: RenderWishes = RenderWishes()
  ) -> [Finding] {
    let blender = BlenderProgram(
      path: "/opt/blender", version: version, fullVersion: "3.4.1", buildHash: "", canDenoise: canDenoise, devices: [])
    return preflight.findings(inspection, savedBy: version, blenders: [blender], wishes: wishes)
  }

  @Test func `is no finding when it is there`() {
    let there = file(.image, "//wood.png", "/v/wood.png", by: "IMWood", exists: true)

    #expect(findings(inspection(scene, [there])).isEmpty)
  }

  @Test func `is waited for when it is there and not whole, also where missing files are done without`() throws {
    var half = file(.image, "//a.jpg", "/v/a.jpg", by: "IMWood", exists: true)
    half.flaw = BlendDependency.Flaw(.notWhole, "ends too soon", seen: [5, 7])

    for onMissing in OnMissing.allCases {
      let found = findings(inspection(scene, [half]), RenderWishes(onMissing: onMissing))
      #expect(found.map(\.severity) == [.blocks])
      let problem = try #require(found.first?.problem)
      #expect(problem.cause == "image Wood needs //a.jpg, which is not whole: it ends too soon")
      #expect(problem.missing?.map(\.seen) == [[5, 7]])
      #expect(problem.remedy.contains("Wait for the copy to end"))
    }
  }

  @Test func `and cannot be read blocks, and is noted where it is done without or odd and of use`() throws {
    func found(_ kind: BlendDependency.Flaw.Kind, _ onMissing: OnMissing) -> [Finding] {
      var file = file(.image, "//a.tga", "/v/a.tga", by: "IMWood", exists: true)
      file.flaw = BlendDependency.Flaw(kind, "ends too soon", seen: [5, 7])
      return findings(inspection(scene, [file]), RenderWishes(onMissing: onMissing))
    }

    #expect(found(.unreadable, .block).map(\.severity) == [.blocks])
    #expect(found(.unreadable, .block).first?.problem.cause.contains("cannot be read as a picture") == true)
    #expect(found(.unreadable, .warn).map(\.severity) == [.note])
    let odd = try #require(found(.odd, .block).first)
    #expect(odd.severity == .note && odd.problem.problemClass == .notWhole)
    #expect(odd.problem.cause.contains("image Wood needs //a.tga, which ends too soon"))
  }

  @Test func `and what is rendered needs blocks when it is missing, with all of it and what names it`() throws {
    let found = findings(
      inspection(
        scene,
        [
          file(.image, "//wood.png", "/v/wood.png", by: "IMWood"),
          file(.library, "//../plank.blend", "/v/plank.blend", by: "LIplank.blend", of: "/v/lib/chair.blend"),
          file(.image, "Z:\\brick.png", nil, by: "IMBrick"), file(.sound, "//bell.wav", "/v/bell.wav", by: "SOBell"),
        ]))

    #expect(found.map(\.severity) == [.blocks])
    let problem = try #require(found.first?.problem)
    #expect(problem.problemClass == .missingFile)
    #expect(problem.cause == "image Wood needs //wood.png, which is not there (and 2 more)")
    #expect(problem.missing?.map(\.path) == ["/v/wood.png", "/v/plank.blend", "Z:\\brick.png"])
    #expect(problem.missing?.map(\.neededBy) == ["image Wood", "library plank.blend", "image Brick"])
    #expect(problem.missing?.last?.why == "is a place on another machine")
  }

  @Test func `is worth a note alone where somebody wants it rendered without`() {
    let found = findings(
      inspection(scene, [file(.image, "//wood.png", "/v/wood.png", by: "IMWood")]), RenderWishes(onMissing: .warn))

    #expect(found.map(\.severity) == [.note])
    #expect(found.first?.problem.cause == "image Wood needs //wood.png, which is not there")
  }

  @Test func `is a baked simulation, wherever it lies`() {
    let found = findings(
      inspection(scene, [file(.bakedFolder, "//blendcache_a", "/v/blendcache_a", by: "OBCloth")]))

    #expect(found.map(\.severity) == [.blocks])
    #expect(found.first?.problem.cause == "object Cloth needs //blendcache_a, which is not there")
  }

  @Test func `is each file of a baked simulation that a rendered frame reads, with the frames that lack one`() throws {
    let files = (3...6).map { number in
      var file = file(
        .cacheFile, "//blendcache_a/47_00000\(number)_00.bphys", "/v/blendcache_a/47_00000\(number)_00.bphys",
        by: "OBCloth",
        exists: number == 4)
      file.frames = FrameSet(number == 6 ? [6, 7, 9] : [FrameNumber(number)])
      return file
    }

    let problem = try #require(findings(inspection(scene, files)).first?.problem)

    #expect(
      problem.cause
        == "object Cloth needs //blendcache_a/47_000003_00.bphys, which is not there (and 2 more): frames 3,5-7,9"
        + " cannot be rendered")
    #expect(problem.missing?.count == 3)
  }

  @Test func `is waited for from both ends where there are too many to be told`() throws {
    let files = (1...1000).map { file(.cacheFile, "//c/\($0)", "/v/c/\($0)", by: "OBCloth") }

    let missing = try #require(findings(inspection(scene, files)).first?.problem.missing)

    #expect(missing.count == 200)
    #expect(missing.first?.path == "/v/c/1" && missing.last?.path == "/v/c/1000")
  }

  @Test func `is no more than a note where a baked simulation ends before the frames do`() {
    var short = inspection(scene)
    short.shortCaches = [
      BlendInspection.ShortCache(by: "OBCloth", last: 8, frames: FrameSet([9, 10]), isHeld: true),
      BlendInspection.ShortCache(by: "OBSmoke", last: 3, frames: FrameSet([10]), isHeld: false),
    ]
    let found = findings(short)
    short.shortCaches.removeFirst()

    #expect(found.map(\.severity) == [.note])
    #expect(
      found.first?.problem.cause
        == "the simulation of object Cloth is baked up to frame 8: frames 9-10 show it as it is then (and 1 more)")
    #expect(
      findings(short).first?.problem.cause
        == "the simulation of object Smoke is baked up to frame 3: frame 10 shows nothing of it")
  }

  @Test func `is one frame where nothing can move, unless somebody wants all`() {
    let found = findings(inspection(scene, moves: false))

    #expect(found.map(\.problem.problemClass) == [.still])
    #expect(
      found.first?.problem.cause == "nothing in scene Main can move: frame 1 alone is rendered, not 1 to 10")
    #expect(found.first?.problem.remedy.contains("still: never") == true)
    #expect(findings(inspection(scene, moves: false), RenderWishes(still: .never)).isEmpty)
    var single = scene
    single.frames.end = 1
    #expect(findings(inspection(single, moves: false)).isEmpty)
  }

  @Test func `is every frame before where something is simulated as it is rendered`() {
    let found = findings(inspection(scene, simulations: ["OBCloth", "SCMain"]))

    #expect(found.map(\.severity) == [.note])
    #expect(found.first?.problem.problemClass == .unbakedSimulation)
    let cause =
      "object Cloth (and 1 more) is simulated as it is rendered: its frames are rendered one after another, by one"
      + " Blender"
    #expect(found.first?.problem.cause == cause)
  }

  @Test func `is trust, for a script that runs by itself; of drivers Blender knows`() {
    let driver = BlendInspection.Script(by: "OBArm", driver: "bpy.data.x")
    let text = BlendInspection.Script(by: "TXrig.py", driver: nil)

    let both = findings(inspection(scene, scripts: [driver, text]))
    #expect(both.map(\.severity) == [.blocks])
    #expect(both.first?.problem.cause == "text rig.py is a script that runs when the file is opened")
    let one = findings(inspection(scene, scripts: [driver]))
    #expect(one.map(\.severity) == [.note])
    #expect(one.first?.problem.cause == "a driver of object Arm needs Python: bpy.data.x")
    #expect(findings(inspection(scene, scripts: [driver, text]), RenderWishes(trustsScripts: true)).isEmpty)
  }

  @Test func `is told how to be found when it lies on another machine`() {
    let found = findings(inspection(scene, [file(.image, "Z:\\brick.png", nil, by: "IMBrick")]))

    #expect(found.first?.problem.cause == "image Brick needs Z:\\brick.png, which is a place on another machine")
    #expect(found.first?.problem.remedy.contains("`volume_seen_as:` in farm.yaml") == true)
  }

  @Test func `is there and outside the volume is legal here, and blocks where no worker can read it`() {
    let far = file(.image, "/home/ann/wood.png", "/home/ann/wood.png", by: "IMWood", exists: true)
    let near = file(.library, "//chair.blend", "/v/quick/chair.blend", by: "LIchair.blend", exists: true)
    let spare = file(.image, "/home/ann/old.png", "/home/ann/old.png", by: "IMOld", exists: true, reached: false)
    let all = inspection(scene, [far, near, spare])

    #expect(findings(all).isEmpty)
    let found = findings(all, RenderWishes(reach: ["/v"]))
    #expect(found.map(\.severity) == [.blocks])
    #expect(
      found.first?.problem.cause
        == "image Wood needs /home/ann/wood.png, which no worker can read: it lies outside the volume")
    #expect(found.first?.problem.remedy.contains("path mapping") == true)
    #expect(findings(all, RenderWishes(reach: ["/v", "/home/ann"])).isEmpty)
    #expect(!findings(all, RenderWishes(reach: ["/v", "/home/an"])).isEmpty)
  }

  @Test func `by nothing that is rendered is worth a note`() throws {
    let found = findings(
      inspection(scene, [file(.image, "//old.png", "/v/old.png", by: "IMOld", reached: false)]))

    #expect(found.map(\.severity) == [.note])
    #expect(found.first?.problem.cause == "//old.png, named by image Old, is not there")
    #expect(found.first?.problem.remedy == "Nothing; what is rendered does not need it.")
    // Blender is told, for which all that is in a file is needed.
    #expect(found.first?.problem.missing?.map(\.path) == ["/v/old.png"])
  }

  @Test func `is a camera, a view layer, and a denoiser where it denoises`() {
    var bare = scene
    (bare.camera, bare.denoising) = (nil, true)
    bare.viewLayers[0].used = false

    let found = findings(inspection(bare), canDenoise: false)

    #expect(found.map(\.problem.problemClass) == [.noCamera, .noLayer, .denoiserMissing])
    #expect(found.allSatisfy { $0.severity == .blocks })
    bare.cameraMarkers = [BlendScene.CameraMarker(frame: 1, camera: "Left")]
    bare.viewLayers.append(BlendScene.ViewLayer(name: "Other", used: true))
    #expect(findings(inspection(bare)).isEmpty)
  }

  @Test func `is a denoiser also for the compositor`() {
    let found = findings(inspection(scene, denoisers: ["SCMain"]), canDenoise: false)

    #expect(found.map(\.severity) == [.blocks])
    #expect(
      found.first?.problem.cause
        == "the compositor of scene Main denoises, and this Blender is built without a denoiser")
    #expect(findings(inspection(scene, denoisers: ["SCMain"])).isEmpty)
  }

  @Test func `has a name that is no UTF-8: it cannot be waited for, and its changes are not noticed`() {
    let name = "//odd/\u{FFFD}.png"
    let missing = findings(inspection(scene, [file(.image, name, "/v/odd/\u{FFFD}.png", by: "IMOdd")]))
    let there = findings(inspection(scene, [file(.image, name, "/v/odd/\u{FFFD}.png", by: "IMOdd", exists: true)]))

    #expect(missing.map(\.severity) == [.blocks])
    #expect(missing.first?.problem.remedy.contains("the farm cannot wait for it as it is") == true)
    #expect(there.map(\.severity) == [.note])
    #expect(there.first?.problem.cause.contains("whose name is no UTF-8") == true)
  }

  @Test func `is a USD file: what that refers to is not seen, and the artist is told`() {
    let files = [
      file(.cache, "//set.USDA", "/v/set.USDA", by: "CFSet", exists: true),
      file(.cache, "//cube.abc", "/v/cube.abc", by: "CFCube", exists: true),
    ]

    let found = findings(inspection(scene, files))

    #expect(found.map(\.severity) == [.note])
    #expect(
      found.first?.problem.cause
        == "cache file Set needs //set.USDA: farm does not see which files that USD file refers to")
    #expect(found.first?.problem.remedy.contains("`farm replace job`") == true)
  }

  @Test func `is written so that it lies wherever Blender is started, and says so`() {
    let found = findings(inspection(scene, [file(.image, "odd/rel.png", nil, by: "IMRel")]))

    #expect(
      found.first?.problem.cause
        == "image Rel needs odd/rel.png, which does not begin with //, so that it lies wherever Blender is started")
    #expect(found.first?.problem.remedy.contains("Make Paths Relative") == true)
  }

  @Test func `is said when it is set to be a movie`() {
    var movie = scene
    (movie.movie, movie.format) = (true, "FFMPEG")

    #expect(findings(inspection(movie)).map(\.severity) == [.note])
  }
}
