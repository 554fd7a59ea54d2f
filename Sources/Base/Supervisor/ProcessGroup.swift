import FarmModel
import Glibc
import Synchronization
import SystemPackage

/// One child's process group; owns the right to kill it.
final class ProcessGroup: Sendable {
  /// The group's leader; 0 while nothing was started.
  let leader = Mutex<pid_t>(0)

  /// Kills what is left of the group; that nothing is left is the usual case.
  func killAll() {
    let pid = leader.withLock { $0 }
    if pid > 1 { kill(-pid, SIGKILL) }
  }
}

/// Lines kept in memory, the oldest dropped beyond a limit; shared between a child's reader and its caller.
final class LineBuffer: Sendable {
  private let countMax: Int
  private let kept = Mutex<[String]>([])

  init(countMax: Int) {
    self.countMax = countMax
  }

  func add(_ line: String) {
    kept.withLock {
      if $0.count == countMax { $0.removeFirst() }
      $0.append(line)
    }
  }

  var lines: [String] { kept.withLock { $0 } }
}

/// What the kernel says of processes that may be ours from an earlier life.
package enum ProcessTable {
  /// When a process started, in clock ticks since boot; nil when there is none of that number.
  package static func startTicks(of pid: pid_t) -> Int64? {
    guard let fields = statFields(of: pid), fields.count > 19 else { return nil }
    return Int64(fields[19])
  }

  /// Has a process and those that it starts step back when others want the processor.
  package static func makeNice(_ process: ChildIdentity) {
    // A refusal leaves it as urgent as everything else.
    _ = setpriority(__priority_which_t(PRIO_PGRP.rawValue), id_t(process.pid), niceness)
  }

  /// Of 0 to 19; at 5 it gets a third of what others get.
  private static let niceness: Int32 = 5

  /// The fields of /proc/<pid>/stat after the name, which may hold blanks: from the third one on, the state.
  private static func statFields(of pid: pid_t) -> [Substring]? {
    guard let text = firstBytes(of: FilePath("/proc/\(pid)/stat"))?.utf8,
      let end = text.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    return text[text.index(after: end)...].split(separator: UInt8(ascii: " ")).map { Substring($0) }
  }

  /// Processor time of all processes of a group, and of their children that have ended, in clock ticks.
  package static func processorTicks(ofGroup group: pid_t) -> Int64 {
    guard let all = opendir("/proc") else { return 0 }
    defer { closedir(all) }
    var ticks: Int64 = 0
    while let entry = readdir(all) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let pid = pid_t(name), getpgid(pid) == group, let fields = statFields(of: pid), fields.count > 14 else {
        continue
      }
      ticks += fields[11...14].compactMap { Int64($0) }.reduce(0, +)
    }
    return ticks
  }

  /// The identity of this start of the machine.
  package static var bootID: String {
    firstBytes(of: "/proc/sys/kernel/random/boot_id")?.filter { !$0.isWhitespace } ?? "unknown"
  }

  /// Kills the group of a child that an earlier daemon left behind; nothing when the number belongs to another now.
  /// - Returns: whether something was there to kill.
  @discardableResult
  package static func killGroup(of child: ChildIdentity) -> Bool {
    guard child.pid > 1, startTicks(of: child.pid) == child.startTicks else { return false }
    return kill(-child.pid, SIGKILL) == 0
  }

  private static func firstBytes(of path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return nil }  // Gone: the usual answer here.
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 4096)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
