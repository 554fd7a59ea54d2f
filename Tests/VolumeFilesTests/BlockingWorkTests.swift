import Dispatch
import FarmTesting
import Testing
import VolumeFiles

@Suite("Work that waits for the disk", .serialized)
struct BlockingWorkTests {
  @Test func `that takes very long does not keep up the rest`() async {
    let answer = DispatchSemaphore(value: 0)
    let stuck = Mutexed(0)
    let held = (0..<BlockingWork.concurrentMax).map { _ in
      Task {
        await BlockingWork.run {
          stuck.with { $0 += 1 }
          answer.wait()
        }
      }
    }
    #expect(await eventually { stuck.with { $0 } == held.count })

    #expect(await BlockingWork.run { 7 } == 7)

    for _ in held { answer.signal() }
    for task in held { await task.value }
  }

  @Test func `is not waited for longer than one wants to`() async {
    let answer = DispatchSemaphore(value: 0)

    #expect(await BlockingWork.run(atMost: .milliseconds(50)) { answer.wait() } == nil)

    answer.signal()
    #expect(await BlockingWork.run(atMost: .seconds(60)) { 7 } == 7)
  }
}
