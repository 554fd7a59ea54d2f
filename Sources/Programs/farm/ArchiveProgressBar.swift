import ArgumentParser
import FarmAPI
import FarmModel
import Glibc

/// Shows how far the farm is with an archive, on a terminal, while somebody waits for it.
struct ArchiveProgressBar {
  let client: FarmClient
  let release: String

  private static let every = Duration.milliseconds(200)
  /// As shells say it of a program that ^C ended.
  private static let interrupted: Int32 = 130

  private var goesOn: String {
    "the farm goes on with it: `farm status` shows how far it is, "
      + "`farm archive release \(release.quotedForShell) --stop` ends it"
  }

  /// Runs something and shows the bar on standard error meanwhile, if that is a terminal. Who does not want to wait any
  /// longer (^C) is told that the farm goes on.
  func during<Answer: Sendable>(_ body: @escaping @Sendable (FarmClient) async throws -> Answer) async throws -> Answer
  {
    let client = client
    guard isatty(2) == 1 else { return try await body(client) }
    let stop = Signals([SIGINT, SIGTERM, SIGHUP])
    return try await withThrowingTaskGroup(of: Answer?.self) { group in
      group.addTask { try await body(client) }
      group.addTask {
        await stop.first()
        if Task.isCancelled { return nil }
        Self.write("\r\u{1B}[K\(goesOn)\n")
        throw ExitCode(Self.interrupted)
      }
      group.addTask {
        await show()
        return nil
      }
      defer {
        group.cancelAll()
        Self.write("\r\u{1B}[K")
      }
      while let answer = try await group.next() { if let answer { return answer } }
      throw CancellationError()
    }
  }

  private func show() async {
    var pace = TransferPace()
    // Cancelled: it is done.
    while (try? await Task.sleep(for: Self.every)) != nil {
      // The other request tells what is wrong.
      guard let lines = try? await client.get(Route.archiving, as: [ArchiveProgressLine].self) else { continue }
      let words: String
      if let line = lines.first(where: { $0.release == release }) {
        pace.take(line.doneBytes, of: line.phase, at: line.at)
        words = Self.bar(line, pace, columns: Terminal.standardErrorWidth)
      } else {
        words = lines.first.map { "waits for \($0.release)" } ?? ""
      }
      Self.write("\r\u{1B}[K" + words.escapedForTerminal)
    }
  }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }

  private static let barColumns = 30
  /// Of the whole, from which on a rate says how long it will take.
  private static let knownShare = 0.02

  /// `packing   ████████░░░░░ 61 %  812.0 MB/s  3s left`
  static func bar(_ line: ArchiveProgressLine, _ pace: TransferPace, columns: Int) -> String {
    let verb = Terminal.fitted(line.phase, 10)
    guard line.allBytes > 0 else { return verb }
    let share = min(1, Double(line.doneBytes) / Double(line.allBytes))
    let full = Int(share * Double(barColumns))
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: barColumns - full)
    var words = "\(verb)\(bar) \(Int(share * 100)) %"
    if let rate = pace.bytesPerSecond {
      words += "  \(rate.asBytes)/s"
      // Many small files come first: before that nobody knows.
      if share >= knownShare {
        let seconds = Int((Double(line.allBytes - line.doneBytes) / Double(max(1, rate))).rounded(.up))
        words += "  " + TimeLeft(leastSeconds: seconds, mostSeconds: seconds).words
      }
    }
    return String(words.prefix(max(10, columns - 1)))
  }
}

/// How fast bytes go by, over the last seconds. A value; the time comes in.
struct TransferPace {
  private var phase = ""
  private var looks: [(at: Timestamp, bytes: Int64)] = []
  private static let window = Duration.seconds(5)

  /// Takes in how many bytes had gone by; another phase begins anew.
  mutating func take(_ bytes: Int64, of phase: String, at now: Timestamp) {
    if phase != self.phase { (self.phase, looks) = (phase, []) }
    looks.append((now, bytes))
    looks.removeAll { now.since($0.at) > Self.window }
  }

  /// Nil before anything is known.
  var bytesPerSecond: Int64? {
    guard let first = looks.first, let last = looks.last, last.at > first.at, last.bytes > first.bytes else {
      return nil
    }
    return Int64(Double(last.bytes - first.bytes) / last.at.since(first.at).inSeconds)
  }
}
