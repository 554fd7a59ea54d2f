import FarmStore
import Supervisor

/// A process that renders for a daemon which is no more.
enum LeftProcess {
  /// Ends the process of a task, with all its children.
  /// - Returns: whether it was alive.
  static func end(_ task: TaskRecord) -> Bool {
    guard let pid = task.pid, let startTicks = task.startTicks else { return false }
    return ProcessTable.killGroup(of: ChildIdentity(pid: pid, startTicks: startTicks))
  }
}
