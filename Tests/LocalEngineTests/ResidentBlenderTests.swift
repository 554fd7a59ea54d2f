import FarmModel
import FarmTesting
import Foundation
import Glibc
import Logging
import Rendering
import Supervisor
import SystemPackage
import Testing

@testable import LocalEngine

/// The real Blender, led through several tasks.
@Suite("A Blender that stays, for real", .serialized)
struct ResidentBlenderTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// What became of one task.
  private struct Outcome {
    var process: WorkerProcess?
    var frames: [RenderedFrame] = []
    var end: TaskEnd?
  }

  /// Runs one task after another in one slot.
  /// - Parameter between: is called before each task with its number, from 0 on, and the process of the one before.
  private func outcomes(
    of scenes: [FilePath], frames: FrameSet = FrameSet(1...1), rule: Residency.Rule = Residency.Rule(),
    trusted: Bool = false, between: @escaping @Sendable (Int, WorkerProcess?) async throws -> Void = { _, _ in }
  ) async throws -> [Outcome] {
    let script = try scratch.write(RenderScript.bytes, to: "script.py")
    let engine = LocalEngine(
      LocalEngine.Setup(
        script: script, blenders: [Scenes.blender], slots: 1, temporary: scratch("tmp"), residency: rule,
        now: { .now }),
      log: Logger(label: "test"))
    let scratch = scratch
    return try await withThrowingTaskGroup(of: [Outcome].self) { group in
      group.addTask {
        await engine.run()
        return []
      }
      var reports = engine.reports.makeAsyncIterator()
      guard case .abilities(let able)? = await reports.next(), let blender = able.blenders.first else { return [] }
      var outcomes: [Outcome] = []
      for (number, scene) in scenes.enumerated() {
        try await between(number, outcomes.last?.process)
        await engine.submit(
          RenderTask(
            id: Int64(number), revision: 1, job: JobName(release: "quick", job: "stay"), frames: frames,
            blend: scene.string, trustsScripts: trusted, folder: scratch("work-\(number)").string, format: .png,
            blender: blender, log: scratch("\(number).log").string))
        var outcome = Outcome()
        while outcome.end == nil, let report = await reports.next() {
          switch report {
          case .started(_, _, let process): outcome.process = process
          case .frame(_, let frame): outcome.frames.append(frame)
          case .ended(_, let end): outcome.end = end
          default: break
          }
        }
        outcomes.append(outcome)
      }
      group.cancelAll()
      return outcomes
    }
  }

  private func pixels(_ outcome: Outcome) async throws -> String {
    let file = try #require(outcome.frames.first?.pictures.first?.file)
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", ["--hash", file]))
    try #require(end.isSuccess, "\(lines)")
    return lines.joined().split(separator: " ").last.map(String.init) ?? ""
  }

  @Test func `renders one file after another in one process, each as it is`() async throws {
    let (blue, red) = (try await Scenes.shared.path("anim"), try await Scenes.shared.path("red"))

    let all = try await outcomes(of: [blue, red, blue, blue])

    #expect(all.map(\.end) == [.completed, .completed, .completed, .completed])
    #expect(Set(all.map(\.process)).count == 1)
    var pictures: [String] = []
    for outcome in all { pictures.append(try await pixels(outcome)) }
    #expect(pictures[0] != pictures[1])
    #expect(pictures[0] == pictures[2] && pictures[2] == pictures[3])
    #expect(all.allSatisfy { ($0.frames.first?.peakBytes ?? 0) > 50 << 20 })
    #expect(scratch("tmp").filesBelow.isEmpty)
  }

  @Test func `renders nothing of an earlier file when the next cannot be opened`() async throws {
    let blue = try await Scenes.shared.path("anim")
    let broken = try scratch.write("<html>not a scene</html>", to: "broken.blend")

    let all = try await outcomes(of: [blue, broken, blue])

    guard case .failed(let problem, nil)? = all[1].end else {
      Issue.record("a broken file did not fail")
      return
    }
    #expect(problem.problemClass == .unreadableFile)
    #expect(all[1].frames.isEmpty)
    #expect(all[2].end == .completed)
    #expect(Set(all.map(\.process)).count == 1)
  }

  @Test func `opens a file again when a texture of it is another`() async throws {
    let textured = try await Scenes.shared.path("textured")
    let copy = try scratch.write(textured.contents, to: "a.blend")
    let wood = scratch("wood.png")

    let all = try await outcomes(of: [copy, copy, copy]) { number, _ in
      let color = number < 2 ? "1,0,0" : "0,0,1"
      let words = ["--create", "8x8", "3", "--fill:color=\(color)", "8x8", "-o", wood.string]
      guard number != 1 else { return }
      let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
      try #require(end.isSuccess, "\(lines)")
    }

    let pictures = [try await pixels(all[0]), try await pixels(all[1]), try await pixels(all[2])]
    #expect(pictures[0] == pictures[1])
    #expect(pictures[1] != pictures[2])
    #expect(Set(all.map(\.process)).count == 1)
  }

  @Test func `that was killed while it was idle costs nothing but a new one`() async throws {
    let blue = try await Scenes.shared.path("anim")

    let all = try await outcomes(of: [blue, blue]) { _, process in
      guard let process else { return }
      kill(process.pid, SIGKILL)
    }

    // Handed out again when the engine had not noticed yet.
    #expect(all[1].end == .completed || all[1].end == .canceled)
    #expect(all[0].frames.count == 1)
  }

  @Test func `is another one after so many tasks, and after a file that may run scripts`() async throws {
    let blue = try await Scenes.shared.path("anim")
    var rule = Residency.Rule()
    rule.tasksMax = 2

    let counted = try await outcomes(of: [blue, blue, blue], rule: rule)
    #expect(counted[0].process == counted[1].process && counted[1].process != counted[2].process)

    let trusted = try await outcomes(of: [blue, blue], trusted: true)
    #expect(trusted[0].process != trusted[1].process)
    #expect(trusted.map(\.end) == [.completed, .completed])
  }

  @Test func `lets go of its scene when it is idle, and renders it again`() async throws {
    let scene = try await Scenes.shared.path("anim")
    let script = try scratch.write(RenderScript.bytes, to: "script.py")
    guard case .found(let program) = await Blenders.probe(Scenes.blender, script: script) else {
      Issue.record("Blender did not answer")
      return
    }
    var rule = Residency.Rule()
    rule.forgetsAfter = .zero
    let blender = ResidentBlender(
      program, worker: "local-1", script: script, temporary: scratch("tmp"), rule: rule, now: { .now })
    let said = Mutexed<[EngineReport]>([])

    let ends = try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await blender.run() }
      var ends: [TaskEnd] = []
      for number in 1...2 {
        let task = RenderTask(
          id: Int64(number), revision: 1, job: JobName(release: "quick", job: "stay"), frames: FrameSet(1...1),
          blend: scene.string, folder: try scratch.folder("work-\(number)").string, format: .png, blender: program,
          log: "")
        ends.append(
          await blender.lead(
            task, Conversation(task, threads: 1), log: TaskLog(at: scratch("\(number).log")),
            hangRule: HangRule(atLeast: .seconds(600), usualFrame: nil),
            tell: { report in said.with { $0.append(report) } }))
        // Commands are heard in order: it has let go before it opens the file again.
        await blender.rest()
      }
      await blender.kill()
      return ends
    }

    #expect(ends == [.completed, .completed])
    let processes = said.with { $0 }.compactMap { if case .started(_, _, let process) = $0 { process } else { nil } }
    #expect(Set(processes).count == 1)
    #expect(String(decoding: scratch("2.log").contents, as: UTF8.self).contains("\"event\": \"forgot\""))
    let pictures = [1, 2].map {
      Outcome(frames: [
        RenderedFrame(
          frame: 1, pictures: [RenderedPicture(scratch("work-\($0)/1.png").string)], renderMilliseconds: 0)
      ])
    }
    #expect(try await pixels(pictures[0]) == pixels(pictures[1]))
  }
}
