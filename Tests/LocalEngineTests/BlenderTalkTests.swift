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

  private func opened() -> BlenderTalk {
    var talk = BlenderTalk(task, threads: 2)
    _ = talk.heard(#"@@farm {"event": "ready", "version": [3, 4, 1]}"#)
    _ = talk.heard(#"@@farm {"event": "opened", "width": 64, "height": 36}"#)
    return talk
  }

  @Test func `asks for one frame after the other, then for no more`() {
    var talk = BlenderTalk(task, threads: 2)

    #expect(talk.heard("Blender 3.4.1") == BlenderTalk.Reaction())
    let ready = talk.heard(#"@@farm {"event": "ready", "version": [3, 4, 1]}"#)
    #expect(
      ready.say
        == #"{"blend":"\/q\/.farm-1.blend","can_denoise":false,"do":"open","folder":"\/w\/7","#
        + #""format":"PNG","gpus":0,"on_missing":"block","places":[],"simulated":false,"threads":2,"trusted":false}"#)
    let open = talk.heard(#"@@farm {"event": "opened", "width": 64, "height": 36}"#)
    #expect(open.reports == [.opened(task: 7, size: PixelSize(width: 64, height: 36), notes: [], files: [])])
    #expect(open.say == #"{"do":"render","file":"\/w\/7\/3.png","frame":3}"#)
    let first = talk.heard(#"@@farm {"event": "frame", "frame": 3, "seconds": 0.5}"#)
    #expect(first.reports == [.frame(task: 7, RenderedFrame(frame: 3, file: "/w/7/3.png", renderMilliseconds: 500))])
    let last = talk.heard(#"@@farm {"event": "frame", "frame": 4, "seconds": 0.5}"#)
    #expect(last.isOver)
    #expect(talk.ended(.exited(0)) == .completed)
  }

  @Test func `goes on after a frame that failed`() {
    var talk = opened()

    let failed = talk.heard(#"@@farm {"event": "failed", "frame": 3, "class": "not-writable", "cause": "cannot save"}"#)

    #expect(failed.reports == [.frameFailed(task: 7, frame: 3, Problem(.notWritable, cause: "cannot save"))])
    #expect(failed.say?.contains("\"frame\":4") == true)
  }

  @Test func `is over when the file itself is refused`() {
    var talk = BlenderTalk(task, threads: 0)
    _ = talk.heard(#"@@farm {"event": "ready"}"#)

    let refused = talk.heard(#"@@farm {"event": "failed", "class": "no-camera", "cause": "scene Main has no camera"}"#)

    #expect(refused.isOver)
    #expect(talk.ended(.exited(0)) == .failed(Problem(.noCamera, cause: "scene Main has no camera"), frame: nil))
  }

  @Test func `believes no exit code`() {
    #expect(
      opened().ended(.exited(0))
        == .failed(Problem(.rendererCrashed, cause: "Blender ended with exit code 0 before it was done"), frame: 3))
  }

  @Test func `ignores a frame it did not ask for, and lines that only look like reports`() {
    var talk = opened()

    #expect(talk.heard(#"@@farm {"event": "frame", "frame": 99, "seconds": 1}"#) == BlenderTalk.Reaction())
    #expect(talk.heard("@@farm not json") == BlenderTalk.Reaction())
  }

  @Test func `takes a driver's trace for no reason to give up`() {
    var talk = opened()
    _ = talk.heard("Traceback (most recent call last)")
    _ = talk.heard("NameError: a driver")

    guard case .failed(let killed, _) = talk.ended(.signaled(9)), case .failed(let script, _) = talk.ended(.exited(9))
    else {
      Issue.record("a death did not fail")
      return
    }
    #expect(killed.problemClass == .rendererCrashed)
    #expect(script == Problem(.pythonError, cause: "the render script failed: NameError: a driver"))
  }

  @Test(arguments: [
    ("CUDA error: Out of memory in cuMemAlloc", ProblemClass.outOfMemory),
    ("terminate called: std::bad_alloc", .outOfMemory),
    ("Render error (No space left on device) cannot save", .diskFull), ("nothing to see", .rendererCrashed),
  ])
  func `finds the cause of a crash in the last lines`(line: String, problem: ProblemClass) {
    var talk = opened()
    _ = talk.heard(line)

    guard case .failed(let found, let frame) = talk.ended(.signaled(11)) else {
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
