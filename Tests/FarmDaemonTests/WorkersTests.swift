import FarmModel
import FarmTesting
import Rendering
import Testing

@testable import FarmDaemon

/// Which workers get what, with an engine of several workers.
@Suite("A worker")
struct WorkersTests {
  private static func config(_ change: (inout FarmConfig) -> Void) -> FarmConfig {
    var config = FarmConfig()
    change(&config)
    return config
  }

  @Test func `that failed over a frame is not the next to try it`() async throws {
    let world = try FlowWorld(slots: 3, badWorker: "fake-1", config: Self.config { $0.chunk = .frames(1) })
    world.run()

    try await world.drop("quick/a.blend", frames: 1...1)

    #expect(try await world.comes("quick/a", to: .completed))
    let workers = try await world.flow.tasks(["a"], limit: 100).compactMap(\.worker)
    #expect(workers.last == "fake-1" && workers.count == 2 && workers.first != "fake-1")
  }

  @Test func `on which all frames fail rests for the job, and the others render it to its end`() async throws {
    let world = try FlowWorld(slots: 2, badWorker: "fake-1", config: Self.config { $0.chunk = .frames(1) })
    world.run()

    try await world.drop("quick/a.blend", frames: 1...12)

    #expect(try await world.comes("quick/a", to: .completed))
    let tasks = try await world.flow.tasks(["a"], limit: 100)
    // A frame that failed there was given to the other: none had to be tried three times in vain.
    let vain = tasks.count { $0.worker == "fake-1" }
    // The third may fail before the other worker's first frame is there.
    #expect((3...4).contains(vain))
    #expect(!tasks.contains { $0.state == .completed && $0.worker != "fake-2" })
    let attempts = try await world.flow.jobDetail("a").outputs.map(\.attempts)
    #expect(attempts.allSatisfy { $0 <= 2 } && attempts.reduce(0, +) == 12 + vain)
  }

  @Test func `that takes far too long over a frame loses it to another, once`() async throws {
    let world = try FlowWorld(slots: 2, config: Self.config { $0.chunk = .frames(1) }) { frame, attempt in
      frame == 9 && attempt == 1 ? .endless : nil
    }
    world.run()
    try await world.drop("quick/a.blend", frames: 1...9)
    #expect(await eventually { await world.flow.open.values.first?.board.times.count == 8 })
    #expect(await eventually { await world.flow.running.values.first?.current?.frame == 9 })
    let worker = try #require(await world.flow.running.values.first?.worker)

    world.time.advance(by: .seconds(60))
    #expect(
      try await eventually { try await world.flow.jobDetail("a").notes.contains { $0.problemClass == .slowFrame } })
    #expect(try await world.state("quick/a") == .active)
    world.time.advance(by: .seconds(540))

    #expect(try await world.comes("quick/a", to: .completed))
    let tasks = try await world.flow.tasks(["a"], limit: 100).filter { $0.frames == "9" }
    #expect(tasks.map(\.state) == [.completed, .canceled])
    #expect(tasks.first?.worker != worker)
    #expect(try await world.flow.jobDetail("a").outputs.last?.attempts == 2)
    let note = try #require(try await world.flow.jobDetail("a").notes.first { $0.problemClass == .slowFrame })
    #expect(note.cause == "frame 9 takes more than twice the usual 0.0 s on \(worker)")
  }

  @Test func `with a long task ends it early for something more urgent, also when all are busy`() async throws {
    let isSlow = Mutexed(true)
    let world = try FlowWorld(slots: 2, config: Self.config { $0.chunk = .frames(30) }) { frame, _ in
      frame > 3 && frame <= 60 && isSlow.with { $0 } ? .slow : nil
    }
    world.run()
    try await world.drop("releases/spring/store/a.blend", frames: 1...60)
    let isBusy = { await world.flow.running.values.filter { $0.task.frames.count > 1 }.count == 2 }
    #expect(await eventually { await isBusy() })

    try await world.drop("quick/b.blend", frames: 61...61)

    #expect(await eventually { await world.flow.running.values.contains(where: \.isShortened) })
    #expect(try await world.comes("quick/b", to: .completed))
    #expect(try await world.state("spring/a") == .active)
    isSlow.with { $0 = false }
    #expect(try await world.comes("spring/a", to: .completed))
  }

  @Test func `of a machine that people sit at gets nothing new at their hours, and goes on by itself`() async throws {
    // The test's clock begins at the start of 1970, a Thursday; whichever zone the machine is in.
    let world = try FlowWorld(
      config: Self.config {
        $0.nimby = Nimby(hours: [WeeklyHours("00:00-23:00"), WeeklyHours("23:00-24:00")].compactMap { $0 })
      })
    await world.flow.lookWhoseMachineItIs()
    world.run()
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(try await world.comes("quick/a", to: .queued))

    let reason = try #require(try await world.flow.jobDetail("a").waitsFor)
    #expect(reason.hasPrefix("the machine is its people's now (`nimby:` in farm.yaml, "))
    #expect(try await world.flow.status().daemon.troubles.contains(reason) == true)
    #expect(await world.flow.running.isEmpty)
  }

  @Test func `of a machine that others keep busy gets nothing new until they do no longer`() async throws {
    let busy = Mutexed((seconds: 0.0, aLook: 4.0))
    let world = try FlowWorld(
      config: Self.config { $0.nimby = Nimby(load: 1.5) },
      load: { _ in
        let seconds = busy.with { busy in
          busy.seconds += busy.aLook
          return busy.seconds
        }
        return OthersLoad.Sample(busy: seconds, own: [:])
      })
    for _ in 1...2 { await world.flow.lookWhoseMachineItIs() }
    world.run()
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(try await world.comes("quick/a", to: .queued))
    #expect(await world.flow.nimbyReason?.hasPrefix("other programs use 4.0 processors") == true)

    busy.with { $0.aLook = 0 }
    for _ in 1...60 { await world.flow.lookWhoseMachineItIs() }

    #expect(try await world.comes("quick/a", to: .completed))
  }
}

@Suite("How busy others keep the machine")
struct OthersLoadTests {
  @Test func `is what the farm's own renderers do not`() throws {
    var load = OthersLoad()
    load.looked(OthersLoad.Sample(busy: 100, own: [7: 50]), after: 1)
    #expect(load.processors == nil)

    load.looked(OthersLoad.Sample(busy: 104, own: [7: 53, 8: 900]), after: 1)
    #expect(load.processors == 1)

    // One that ended, and one that began, count for nobody.
    for _ in 1...200 { load.looked(OthersLoad.Sample(busy: 104, own: [9: 3]), after: 1) }
    #expect(try #require(load.processors) < 0.01)
  }

  @Test func `is known of this machine`() throws {
    let sample = try #require(OthersLoad.Sample.ofThisMachine(groups: [1]))

    #expect(sample.busy > 0)
    #expect(sample.own.keys.contains(1))
  }
}
