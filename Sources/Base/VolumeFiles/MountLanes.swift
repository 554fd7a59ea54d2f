import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// The calls that wait for file systems that may not answer: a few at a time for each, the others in order. A value.
///
/// A call may take long because it reads much. Whether its file system answers is found out by asking it for its size.
struct MountLanes {
  typealias Work = @Sendable () -> Void

  static let atOnceMax = 6
  /// A call that takes longer gives reason to ask; an answer that takes longer is none.
  private static let slow = 2.0

  private struct Lane {
    let point: FilePath
    var running: [Int: DispatchTime] = [:]
    var waiting: [Work] = []
    var askedAt: DispatchTime?
  }

  private var lanes: [Int: Lane] = [:]
  private var count = 0

  /// - Returns: whether nothing ran or waited there before.
  mutating func add(_ work: @escaping Work, on mount: MountTable.Mount) -> Bool {
    let isFirst = lanes[mount.id] == nil
    lanes[mount.id, default: Lane(point: mount.point)].waiting.append(work)
    return isFirst
  }

  /// The work that may begin now, with its number.
  mutating func next(on mount: Int, at now: DispatchTime) -> (Int, Work)? {
    guard let lane = lanes[mount], lane.running.count < Self.atOnceMax, let work = lane.waiting.first else {
      return nil
    }
    count += 1
    lanes[mount]?.waiting.removeFirst()
    lanes[mount]?.running[count] = now
    return (count, work)
  }

  mutating func finish(_ number: Int, on mount: Int) { lanes[mount]?.running[number] = nil }

  /// - Returns: whether nothing runs there any more.
  mutating func endIfIdle(_ mount: Int) -> Bool {
    guard let lane = lanes[mount] else { return true }
    guard lane.running.isEmpty, lane.waiting.isEmpty, lane.askedAt == nil else { return false }
    lanes[mount] = nil
    return true
  }

  /// Where the file system lies that is to be asked now, because a call takes long; nil: it is not to be asked.
  mutating func question(for mount: Int, at now: DispatchTime) -> FilePath? {
    guard let lane = lanes[mount], lane.askedAt == nil, lane.running.values.contains(where: { $0 + Self.slow <= now })
    else { return nil }
    lanes[mount]?.askedAt = now
    return lane.point
  }

  mutating func answered(_ mount: Int) { lanes[mount]?.askedAt = nil }

  func isStuck(_ mount: Int, at now: DispatchTime) -> Bool {
    lanes[mount]?.askedAt.map { $0 + Self.slow <= now } ?? false
  }

  func isAnyStuck(at now: DispatchTime) -> Bool { lanes.keys.contains { isStuck($0, at: now) } }
}

/// The mounts of this process, read anew when the kernel says that they changed. No file system is asked.
enum CurrentMounts {
  private struct State: ~Copyable {
    var table = MountTable.ofThisProcess
    let file = open(MountTable.file.string, O_RDONLY | O_CLOEXEC)

    mutating func refresh() {
      var waits = pollfd(fd: file, events: Int16(POLLPRI), revents: 0)
      if file < 0 || poll(&waits, 1, 0) > 0 { table = .ofThisProcess }
    }
  }

  private static let state = Mutex(State())

  /// The mount of a place when other machines or programs serve it; nil for a disk of this one.
  static func blind(at place: FilePath) -> MountTable.Mount? {
    state.withLock { state in
      state.refresh()
      guard state.table.hasBlind(above: place) else { return nil }
      let mount = state.table.mount(of: place)
      return mount.isBlind ? mount : nil
    }
  }
}
