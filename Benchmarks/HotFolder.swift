import Foundation
import Glibc

/// A program that tells of files in a folder, ours or another; one of them runs at a time.
protocol HotFolder {
  var name: String { get }
  /// Where files are dropped; the paths that are told begin below it.
  var folder: String { get }
  /// Processes that are stopped so that the kernel loses events.
  var pids: [pid_t] { get throws }

  /// Begins to watch; returns when it does.
  /// - Parameter tell: called for each file told, with its path below the folder.
  func start(_ tell: @escaping @Sendable (String) -> Void) throws
  func stop()
}

/// The farm: a drop is told when its job is queued, which is after it was read, digested and committed to the ledger.
final class FarmFolder: HotFolder {
  let name = "farmd"
  let folder: String
  private let programs: String
  private var daemon: LineProgram?

  /// Makes a volume whose farm is paused: what is measured is the watch, not the rendering.
  init(folder: String, programs: String) throws {
    self.folder = folder
    self.programs = programs
    _ = try LineProgram.time(programs + "/farm", ["init", folder])
    let daemon = try LineProgram(programs + "/farmd", ["--root", folder])
    try daemon.line(with: "found Blender")
    _ = try LineProgram.time(programs + "/farm", ["pause", "--root", folder])
    daemon.stop()
  }

  var pids: [pid_t] { daemon.map { [$0.pid] } ?? [] }

  func start(_ tell: @escaping @Sendable (String) -> Void) throws {
    let daemon = try LineProgram(programs + "/farmd", ["--root", folder])
    self.daemon = daemon
    // Before that nothing is queued.
    try daemon.line(with: "found Blender")
    daemon.eachLine { line in
      guard line.contains(" job.queued "), let start = line.range(of: "job=")?.upperBound else { return }
      let parts = line[start...].prefix { $0 != " " }.split(separator: "/")
      tell(parts[0] == "quick" ? "quick/\(parts[1]).blend" : "releases/\(parts[0])/store/\(parts[1]).blend")
    }
  }

  func stop() { daemon?.stop() }
}

/// `inotifywait` and a shell loop, as it is written everywhere.
final class ShellFolder: HotFolder {
  let name = "inotifywait + shell"
  let folder: String
  private var program: LineProgram?

  init(folder: String) { self.folder = folder }

  var pids: [pid_t] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { pid in
        // Ended meanwhile: not it.
        (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8))?.hasPrefix("inotifywait\0") == true
      }
    }
  }

  func start(_ tell: @escaping @Sendable (String) -> Void) throws {
    let loop = """
      inotifywait -m -r -e close_write -e moved_to --format %w%f "$1" 2>&1 |
      while IFS= read -r file; do case "$file" in *.blend|*established*) echo "$file";; esac; done
      """
    let program = try LineProgram("/bin/bash", ["-c", loop, "loop", folder])
    try program.line(with: "established")
    self.program = program
    program.eachLine { [folder] in tell(String($0.dropFirst(folder.count + 1))) }
  }

  func stop() {
    // It ends the shell by closing its pipe.
    _ = try? LineProgram.time("/usr/bin/pkill", ["-KILL", "-f", "inotifywait -m -r"])
    program?.stop(SIGKILL)
  }
}

/// Watchman's trigger, with a program that writes the names it is given into a pipe.
final class WatchmanFolder: HotFolder {
  let name = "watchman trigger"
  let folder: String
  private var program: LineProgram?

  init(folder: String) { self.folder = folder }

  var pids: [pid_t] {
    get throws {
      let line = try LineProgram("/usr/bin/watchman", ["get-pid"]).line(with: "\"pid\"")
      return pid_t(line.filter(\.isNumber)).map { [$0] } ?? []
    }
  }

  func start(_ tell: @escaping @Sendable (String) -> Void) throws {
    let pipe = folder + ".names"
    guard mkfifo(pipe, 0o600) == 0 else { throw BenchFailure("cannot make \(pipe)") }
    // Open for writing too, so that it has no end between two triggers.
    let program = try LineProgram("/bin/bash", ["-c", "exec 3<>\"$1\"; echo begun; exec cat <&3", "cat", pipe])
    try program.line(with: "begun")
    let trigger = """
      ["trigger", "\(folder)", {"name": "drops", "append_files": true, "stdin": "/dev/null",
        "expression": ["allof", ["type", "f"], ["suffix", "blend"], "exists"],
        "command": ["/bin/sh", "-c", "for name; do printf '%s\\\\n' \\"$name\\"; done > \(pipe)", "told"]}]
      """
    try trigger.write(toFile: folder + ".json", atomically: true, encoding: .utf8)
    let words = ["-c", "watchman watch \"$1\" && watchman -j < \"$1.json\"", "watchman", folder]
    _ = try LineProgram.time("/bin/bash", words)
    self.program = program
    program.eachLine { tell($0) }
  }

  func stop() {
    _ = try? LineProgram.time("/usr/bin/watchman", ["watch-del", folder])  // Gone: that is what is wanted.
    _ = try? LineProgram.time("/usr/bin/watchman", ["shutdown-server"])
    program?.stop(SIGKILL)
  }
}

/// Python's watchdog with a handler for files that were closed and files that were moved in.
final class WatchdogFolder: HotFolder {
  let name = "python watchdog"
  let folder: String
  private var program: LineProgram?

  init(folder: String) { self.folder = folder }

  var pids: [pid_t] { program.map { [$0.pid] } ?? [] }

  func start(_ tell: @escaping @Sendable (String) -> Void) throws {
    let script = """
      import sys, time
      from watchdog.observers import Observer
      from watchdog.events import FileSystemEventHandler
      class Handler(FileSystemEventHandler):
          def told(self, event, path):
              if not event.is_directory and path.endswith(".blend"):
                  print(path, flush=True)
          def on_closed(self, event): self.told(event, event.src_path)
          def on_moved(self, event): self.told(event, event.dest_path)
      observer = Observer()
      observer.schedule(Handler(), sys.argv[1], recursive=True)
      observer.start()
      print("begun", flush=True)
      while True: time.sleep(3600)
      """
    let program = try LineProgram("/usr/bin/python3", ["-c", script, folder])
    try program.line(with: "begun")
    self.program = program
    program.eachLine { [folder] in tell(String($0.dropFirst(folder.count + 1))) }
  }

  func stop() { program?.stop(SIGKILL) }
}
