import FarmModel
import SystemPackage
import Testing

@testable import FarmDaemon

@Suite("Claims")
struct ClaimQueueTests {
  private var queue = ClaimQueue()

  private func file(_ size: Int64 = 1, on device: Int64 = 1) -> Fingerprint {
    Fingerprint(device: device, inode: 1, size: size, mtimeNanoseconds: 0, ctimeNanoseconds: 0)
  }

  @Test mutating func `of one path are begun once and taken in the order in which it settled`() {
    #expect(queue.add("/a", file(1)) == "/a")
    #expect(queue.add("/a", file(2)) == nil)

    #expect(queue.next(at: "/a")?.size == 1)
    #expect(queue.finish("/a") == 1)
    #expect(queue.next(at: "/a")?.size == 2)
    #expect(queue.finish("/a") == 2)
    #expect(queue.next(at: "/a") == nil)
    #expect(queue.end("/a") == nil)
    // From here on it is a new one.
    #expect(queue.add("/a", file(3)) == "/a")
  }

  @Test mutating func `are a few at a time, and another begins when one ends`() {
    let begun = (0..<100).compactMap { queue.add(FilePath("/\($0)"), file()) }

    #expect(begun.count == ClaimQueue.atOnceMax)
    _ = queue.finish(begun[0])
    #expect(queue.end(begun[0]) == FilePath("/\(ClaimQueue.atOnceMax)"))
  }

  @Test mutating func `of a disk that hangs do not keep up those of another`() {
    for number in 0..<100 { _ = queue.add(FilePath("/far/\(number)"), file(on: 1)) }

    #expect(queue.add("/near", file(on: 2)) == "/near")
  }

  @Test mutating func `are waited for with what is read and what comes of that`() {
    let plan = queue.beginReading("/releases/r/release.yaml")
    #expect(queue.unfinished == [plan])
    _ = queue.add("/a", file())

    let later = queue.endReading(plan)

    #expect(later == queue.unfinished)
    #expect(later.count == 1)
    #expect(queue.finish("/a").map { later.contains($0) } == true)
    #expect(queue.unfinished.isEmpty)
  }

  @Test mutating func `are unfinished until they are finished, also while they wait`() {
    for number in 0..<100 { _ = queue.add(FilePath("/\(number)"), file()) }

    #expect(queue.unfinished == Set(1...100))
    _ = queue.finish("/0")
    #expect(queue.unfinished == Set(2...100))
  }
}
