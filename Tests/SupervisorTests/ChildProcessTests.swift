import FarmTesting
import Glibc
import Supervisor
import Synchronization
import SystemPackage
import Testing

@Suite("A child process")
struct ChildProcessTests {
  private func shell(_ script: String) -> ChildCommand { ChildCommand("/bin/sh", ["-c", script]) }

  @Test func `hands on each line and its exit code`() async throws {
    let (end, lines) = try await ChildProcess.output(of: shell("echo one; echo two >&2; exit 3"))

    #expect(end == .exited(3))
    #expect(Set(lines) == ["one", "two"])
  }

  @Test func `is talked to line by line`() async throws {
    let heard = Mutex<[String]>([])

    let end = try await ChildProcess.run(
      shell("while read line; do echo \"got $line\"; done"),
      started: { _, input in await input.send(line: "a") },
      onLine: { line, input in
        heard.withLock { $0.append(line) }
        if line == "got a" { await input.send(line: "b") } else { await input.finish() }
      })

    #expect(end == .exited(0))
    #expect(heard.withLock { $0 } == ["got a", "got b"])
  }

  @Test func `tells the signal that ended it`() async throws {
    #expect(try await ChildProcess.output(of: shell("kill -9 $$")).end == .signaled(9))
  }

  @Test func `that prints a line without end goes on, and what it says then is heard`() async throws {
    let command = ChildCommand("/bin/sh", ["-c", "head -c 20000000 /dev/zero; echo; echo done"])

    let (end, lines) = try await ChildProcess.output(of: command)

    #expect(end.isSuccess)
    #expect(lines.map(\.utf8.count) == [16 << 20, 4])
  }

  @Test func `that cannot be started says so`() async {
    let failure = await #expect(throws: SupervisorFailure.self) {
      let (end, lines) = try await ChildProcess.output(of: ChildCommand("/no/such/program", []))
      // The program is started by another, which reports what it could not start.
      if !end.isSuccess { throw SupervisorFailure.notStarted("/no/such/program", reason: lines.joined()) }
    }

    #expect(failure?.description.contains("/no/such/program") == true)
    #expect(failure?.remedy.contains("executed") == true)
  }

  @Test(arguments: [false, true])
  func `leaves nothing of its group alive`(isCancelled: Bool) async throws {
    let scratch = try ScratchFolder()
    let pids = scratch("pids")
    // The grandchild ignores SIGTERM, and holds no pipe of ours that would keep us waiting.
    let script = """
      (trap '' TERM; exec >/dev/null 2>&1 </dev/null; sleep 300) & echo $! > \(pids.string); echo $$ >> \(pids.string)
      echo ready; \(isCancelled ? "sleep 300" : "exit 0")
      """
    let isReady = Mutex(false)
    let child = Task {
      try await ChildProcess.run(
        shell(script), started: { _, _ in }, onLine: { _, _ in isReady.withLock { $0 = true } })
    }
    try #require(await eventually { isReady.withLock { $0 } })

    if isCancelled { child.cancel() }
    _ = await child.result

    let alive = String(decoding: pids.contents, as: UTF8.self).split(separator: "\n").compactMap { pid_t($0) }
    #expect(alive.count == 2)
    #expect(
      await eventually(within: .seconds(10)) {
        alive.allSatisfy { ProcessTable.startTicks(of: $0) == nil || isZombie($0) }
      })
  }

  private func isZombie(_ pid: pid_t) -> Bool {
    String(decoding: FilePath("/proc/\(pid)/stat").contents, as: UTF8.self).contains(") Z ")
  }

  @Test func `is found again by number and start time only`() async throws {
    let mine = getpid()
    let ticks = try #require(ProcessTable.startTicks(of: mine))

    #expect(!ProcessTable.killGroup(of: ChildIdentity(pid: mine, startTicks: ticks + 1)))
    #expect(!ProcessTable.killGroup(of: ChildIdentity(pid: 0, startTicks: 0)))
    #expect(ProcessTable.startTicks(of: 0) == nil)
  }
}
