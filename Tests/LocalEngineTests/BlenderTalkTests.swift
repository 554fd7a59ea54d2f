import FarmModel
import FarmTesting
@testable import LocalEngine
import Rendering
import Supervisor
import Testing

@Suite("A talk with Blender")
struct BlenderTalkTests {
  private let task = RenderTask(
    id: 7, revision: 1, job: JobName(release: "quick", job: "a"), frames: FrameSet([3, 4]), blend: "/q/.farm-1.blend",
    folder: "/w/7", format: .png, blender: FakeEngine.blender, log: "/l")

  private func opened() throws -> BlenderTalk {
    var talk = BlenderTalk(task, threads: 2)
    _ = try tell(&talk, #"{"event": "opened", "width": 64, "height": 36}"#)
    return talk
  }

  private func tell(_ talk: inout BlenderTalk, _ report: String) throws -> BlenderTalk.Reaction {
    talk.heard(try #require(ScriptReport(line: "@@farm " + report)))
  }

  @Test func `asks for one frame after the other, then for no more`() throws {
    var talk = BlenderTalk(task, threads: 2)

    #expect(talk.heard(words: "Blender 3.4.1") == BlenderTalk.Reaction())
    #expect(
      talk.opening
        == #"{"any_frame":false,"apart":false,"blend":"\/q\/.farm-1.blend","can_denoise":false,"device":"auto","#
        + #""do":"open","folder":"\/w\/7","format":"PNG","on_missing":"block","places":[],"simulated":false,"#
        + #""spare":[],"threads":2,"trusted":false}"#)
    let open = try tell(&talk, #"{"event": "opened", "width": 64, "height": 36}"#)
    #expect(open.reports == [.opened(task: 7, OpenedScene(size: PixelSize(width: 64, height: 36)))])
    #expect(open.say == #"{"do":"render","file":"\/w\/7\/3.png","frame":3}"#)
    let first = try tell(&talk, #"{"event": "frame", "frame": 3, "seconds": 0.5, "peak": 9000}"#)
    let frame = RenderedFrame(
      frame: 3, pictures: [RenderedPicture("/w/7/3.png")], renderMilliseconds: 500, peakBytes: 9000)
    #expect(first.reports == [.frame(task: 7, frame)])
    #expect(first.end == nil)
    let last = try tell(&talk, #"{"event": "frame", "frame": 4, "seconds": 0.5}"#)
    #expect(last.say == nil)
    #expect(last.end == .completed)
  }

  @Test func `says which scene, layer and tile is meant, and how it is wanted`() throws {
    var wanted = JobSettings()
    (wanted.frames, wanted.samples, wanted.percentage) = (FrameSet([9]), 7, 50)
    (wanted.device, wanted.threads, wanted.denoise) = (.optix, 3, false)
    let part = RenderPart(
      scene: "Main", layer: "Sky", tile: Tile(column: 1, row: 0, grid: TileGrid(columns: 4, rows: 2)))
    let task = RenderTask(
      id: 7, revision: 1, job: JobName(release: "quick", job: "a"), frames: FrameSet([9]), blend: "/q/.farm-1.blend",
      part: part, settings: RenderSettings(wanted: wanted), folder: "/w/7", format: .openEXRMultilayer,
      blender: self.task.blender, log: "/dev/null")

    let commands = BlenderTalk(task, threads: 2).allCommands

    for words in [
      #""any_frame":true"#, #""apart":true"#, #""denoise":false"#, #""device":"optix""#,
      #""format":"OPEN_EXR_MULTILAYER""#, #""percentage":50"#, #""samples":7"#, #""scene":"Main""#, #""threads":3"#,
    ] { #expect(commands.first?.contains(words) == true, "\(words)") }
    #expect(
      commands.last
        == #"{"do":"render","file":"\/w\/7\/9.exr","frame":9,"layer":"Sky","#
        + #""tile":{"column":1,"columns":4,"row":0,"rows":2}}"#)
  }

  @Test func `hands over each picture of a frame: both eyes, and what nodes wrote`() throws {
    var talk = BlenderTalk(task, threads: 2)
    let open = try tell(
      &talk,
      #"""
      {"event": "opened", "width": 64, "height": 36, "channels": 4,
       "nodes": [{"node": "Depth", "slot": null, "extension": "exr", "views": ["left", "right"]}]}
      """#.replacing("\n", with: ""))
    let nodes = [NodePicture(node: "Depth", slot: nil, fileExtension: "exr", views: ["left", "right"])]
    let scene = OpenedScene(size: PixelSize(width: 64, height: 36), channels: 4, nodes: nodes)
    #expect(open.reports == [.opened(task: 7, scene)])

    let frame = try tell(
      &talk,
      #"""
      {"event": "frame", "frame": 3, "pictures": [{"file": "/w/l.png", "view": "left"},
       {"file": "/w/d.exr", "node": "Depth", "view": "left"}]}
      """#.replacing("\n", with: ""))

    guard case .frame(_, let rendered)? = frame.reports.first else {
      Issue.record("no frame was handed over")
      return
    }
    #expect(
      rendered.pictures == [
        RenderedPicture("/w/l.png", view: "left"), RenderedPicture("/w/d.exr", view: "left", node: "Depth"),
      ])
  }

  @Test func `tells how far a frame is, as Blender prints it or as the script says it, in twenty steps at most`() throws
  {
    var talk = try opened()

    #expect(
      try tell(&talk, #"{"event": "rendering", "frame": 3}"#).reports == [.progress(task: 7, frame: 3, part: 0)])
    let line = "Fra:3 Mem:18M | Time:00:06.17 | Mem:8M, Peak:8M | Scene, ViewLayer | Sample 50/100"
    #expect(talk.heard(words: line).reports == [.progress(task: 7, frame: 3, part: 0.5)])
    #expect(talk.heard(words: line).reports == [])
    #expect(
      try tell(&talk, #"{"event": "alive", "sample": 99, "samples": 100}"#).reports
        == [.progress(task: 7, frame: 3, part: 0.95)])
    for words in ["| Sample 5/0", "| Sample 300/100", "| Sample x", "Sample", ""] {
      #expect(talk.heard(words: words).reports == [])
    }
    #expect(try tell(&talk, #"{"event": "alive"}"#) == BlenderTalk.Reaction())
  }

  @Test func `tells of each error of a trusted file's own Python once, the first few`() {
    let trusted = RenderTask(
      id: 7, revision: 1, job: task.job, frames: task.frames, blend: task.blend, trustsScripts: true, folder: "/w/7",
      format: .png, blender: task.blender, log: "/l")
    var (talk, untrusted) = (BlenderTalk(trusted, threads: 0), BlenderTalk(task, threads: 0))
    let trace = { (error: String) in
      [
        "Error: Python: Traceback (most recent call last):", "  File \"rig\", line 1", "Fra:1 Mem:8M | Sample 1/2",
        "Saved: '/tmp/1.png'", "    fail()", error, "Bye",
      ]
    }

    let long = "ValueError: " + String(repeating: "x", count: 5000)
    let errors = ["NameError: rig", "NameError: rig", "rig.Broken", long, "ValueError: 3"]
    let told = errors.flatMap(trace).flatMap { talk.heard(words: $0).reports }
    let silent = trace("NameError: rig").flatMap { untrusted.heard(words: $0).reports }

    let problems = told.map { if case .noted(7, let problem) = $0 { problem } else { Problem(.hung, cause: "") } }
    #expect(
      problems.map(\.cause)
        == ["NameError: rig", "rig.Broken", String(long.prefix(300))].map {
          "Python of the file failed: \($0)"
        })
    #expect(problems.allSatisfy { $0.problemClass == .pythonError && $0.remedy.contains("farm logs") })
    #expect(silent.isEmpty)
  }

  @Test func `goes on after a frame that failed`() throws {
    var talk = try opened()

    let failed = try tell(
      &talk, #"{"event": "failed", "frame": 3, "class": "not-writable", "cause": "cannot save"}"#)

    #expect(failed.reports == [.frameFailed(task: 7, frame: 3, Problem(.notWritable, cause: "cannot save"))])
    #expect(failed.say?.contains("\"frame\":4") == true)
  }

  @Test func `is over when the file itself is refused`() throws {
    var talk = BlenderTalk(task, threads: 0)

    let refused = try tell(&talk, #"{"event": "failed", "class": "no-camera", "cause": "scene Main has no camera"}"#)

    #expect(refused.end == .failed(Problem(.noCamera, cause: "scene Main has no camera"), frame: nil))
  }

  @Test func `ends with the frame that it is at when it shall make room`() throws {
    var talk = try opened()

    talk.finishEarly()

    #expect(try tell(&talk, #"{"event": "frame", "frame": 3, "seconds": 0.5}"#).end == .canceled)
  }

  @Test func `believes no exit code`() throws {
    let problem = Problem(.rendererCrashed, cause: "Blender ended with exit code 0 before it was done")

    #expect(try opened().cutOff(by: .exited(0)) == .failed(problem, frame: 3))
  }

  @Test func `costs nothing when a Blender that had stayed was dead before it heard of it`() throws {
    let unheard = BlenderTalk(task, threads: 2)

    #expect(unheard.cutOff(by: .signaled(9), isFresh: false) == .canceled)
    #expect(unheard.cutOff(by: .signaled(9), isFresh: true) != .canceled)
    #expect(try opened().cutOff(by: .signaled(9), isFresh: false) != .canceled)
  }

  @Test func `ignores a frame it did not ask for, and lines that only look like reports`() throws {
    var talk = try opened()

    #expect(try tell(&talk, #"{"event": "frame", "frame": 99, "seconds": 1}"#) == BlenderTalk.Reaction())
    #expect(ScriptReport(line: "@@farm not json") == nil)
    #expect(ScriptReport(line: #"  @@farm {"event": "ready"}"#) == nil)
  }

  @Test func `takes a driver's trace for no reason to give up`() throws {
    var talk = try opened()
    _ = talk.heard(words: "Traceback (most recent call last)")
    _ = talk.heard(words: "NameError: a driver")

    guard case .failed(let killed, _) = talk.cutOff(by: .signaled(9)),
      case .failed(let script, _) = talk.cutOff(by: .exited(9))
    else {
      Issue.record("a death did not fail")
      return
    }
    #expect(killed.problemClass == .rendererCrashed)
    #expect(script == Problem(.pythonError, cause: "the render script failed: NameError: a driver"))
  }

  @Test(arguments: [
    ("CUDA error: Out of memory in cuMemAlloc", ProblemClass.outOfVRAM),
    ("System is out of GPU memory full", .outOfVRAM),
    ("terminate called: std::bad_alloc", .outOfMemory),
    ("Render error (No space left on device) cannot save", .diskFull), ("nothing to see", .rendererCrashed),
  ])
  func `finds the cause of a crash in the last lines`(line: String, problem: ProblemClass) throws {
    var talk = try opened()
    _ = talk.heard(words: line)

    guard case .failed(let found, let frame) = talk.cutOff(by: .signaled(11)) else {
      Issue.record("a crash did not fail")
      return
    }
    #expect(found.problemClass == problem)
    #expect(found.cause.contains("signal 11"))
    #expect(frame == 3)
  }
}

@Suite("Slots")
struct SlotRuleTests {
  @Test(arguments: [
    (2, 0, 24, 1, 0), (16, 0, 64, 1, 0), (32, 0, 64, 2, 16), (64, 0, 4, 2, 32), (8, 2, 64, 2, 4), (128, 0, 512, 8, 16),
    (4, 0, 1, 1, 0),
  ])
  func `are one a GPU, else one per 16 cores, within memory`(
    cores: Int, gpus: Int, gigabytes: Int, slots: Int, threads: Int
  ) {
    let rule = SlotRule(cores: cores, gpus: gpus, memoryBytes: Int64(gigabytes) << 30)

    #expect(rule.slots == slots)
    #expect(rule.threads(slots: rule.slots) == threads)
  }
}
