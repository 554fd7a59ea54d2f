import CCrashMark
import FarmModel
import Glibc
import Logging
import Synchronization
import SystemPackage
import VolumeFiles

/// Remembers which files are being taken in, so that a crash of the daemon is laid to the file that caused it: a file
/// on which it died twice is not touched again until it changes. Owns the file of marks and the handlers of the signals
/// of a crash.
///
/// Remembering costs two stores in memory; only a crash writes. SIGKILL, the kernel's want of memory and a power cut
/// run no handler, and leave no mark.
final class CrashGuard: Sendable {
  /// Where farmd is when it reads or uses something of a drop; tests crash it there.
  enum Step: String, Sendable {
    case name, look, claim, inspect, record, sidecar, plan, dependency, picture, assemble
  }

  /// Room for a mark is kept even when the disk is full.
  private static let roomBytes = 32 << 10
  private static let sizeMax = 256 << 10
  private static let keptMarks = 500

  private let file: FileDescriptor?
  private let history: Mutex<CrashHistory>

  /// Remembers nothing.
  init() {
    file = nil
    history = Mutex(CrashHistory())
  }

  /// Reads the marks of earlier crashes, and makes ready for the next one. Where that cannot be done the daemon works
  /// without it, and the log says so.
  /// - Parameter isAgain: whether that was said when the process began.
  init(marks path: FilePath, log: Logger, isAgain: Bool = false) {
    var (marks, opened): ([CrashMark], FileDescriptor?) = ([], nil)
    do throws(FileFailure) {
      marks = try Self.marks(at: path)
      let new = try Self.open(path)
      guard crash_mark_install(new.rawValue) == 0 else { throw FileFailure("watch for crashes with", path) }
      opened = new
    } catch {
      log.log(
        level: isAgain ? .debug : .warning,
        "a drop that crashes the daemon would not be rejected: \(error.description)",
        metadata: ["remedy": "\(error.remedy)"])
    }
    file = opened
    history = Mutex(CrashHistory(marks))
    if let last = marks.last, last.signal != 0, !isAgain { Self.report(last, to: log) }
  }

  private static func report(_ mark: CrashMark, to log: Logger) {
    let files = (mark.isSure ? Array(mark.files.prefix(1)) : mark.files).prefix(10).map(\.path.string)
    log.error(
      "an earlier daemon died by \(name(of: mark.signal)) while it read",
      metadata: [
        "files": "\(files.joined(separator: ", "))",
        "remedy": "Report it with the file; a file on which the daemon dies twice is rejected.",
      ])
  }

  private static func marks(at path: FilePath) throws(FileFailure) -> [CrashMark] {
    guard let status = try FileStatus(at: path) else { return [] }
    var marks = CrashMark.all(in: try FileBytes.all(of: path, limitBytes: sizeMax * 4))
    guard status.fingerprint.size > sizeMax else { return marks }
    marks = Array(marks.suffix(keptMarks))
    while marks.reduce(0, { $0 + $1.bytes.count }) > sizeMax / 2 { marks.removeFirst() }
    try Durable.write(marks.flatMap(\.bytes), to: path)
    return marks
  }

  private static func open(_ path: FilePath) throws(FileFailure) -> FileDescriptor {
    let number = path.withPlatformString {
      Glibc.open($0, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o644)
    }
    guard number >= 0 else { throw FileFailure("open", path) }
    // Refused: a mark may find the disk full.
    _ = crash_mark_reserve(number, Int64(roomBytes))
    return FileDescriptor(rawValue: number)
  }

  // MARK: - While a file is taken in

  /// Reads something of a file on this thread: a crash in `body` is laid to it.
  func reading<Value, Failure: Error>(
    _ path: FilePath, _ fingerprint: Fingerprint?, _ step: Step, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let slot = begin(path, fingerprint, isBound: true)
    defer { crash_mark_end(slot) }
    Self.crash(at: step, path)
    return try body()
  }

  /// The same for what changes threads: a crash meanwhile may be of another file.
  func taking<Value>(
    _ path: FilePath, _ fingerprint: Fingerprint?, _ step: Step,
    isolation: isolated (any Actor)? = #isolation, _ body: () async -> Value
  ) async -> Value {
    let slot = begin(path, fingerprint, isBound: false)
    defer { crash_mark_end(slot) }
    Self.crash(at: step, path)
    return await body()
  }

  private func begin(_ path: FilePath, _ fingerprint: Fingerprint?, isBound: Bool) -> Int32 {
    guard file != nil else { return -1 }
    let stamp = MarkedFile(path, fingerprint).stamp
    return path.withPlatformString { crash_mark_begin($0, Int32(clamping: strlen($0)), stamp, isBound ? 1 : 0) }
  }

  /// For files that jobs need: a library or a texture that crashes the daemon is named, not the drop that needs it.
  var dependencies: ReadGuard {
    ReadGuard(
      refuses: { self.isRejected($0, $1) },
      begin: { path, fingerprint in
        let slot = self.begin(path, fingerprint, isBound: true)
        Self.crash(at: .dependency, path)
        return slot
      },
      end: { slot, path, fingerprint in
        crash_mark_end(slot)
        if let fingerprint { self.passed(path, fingerprint) }
      })
  }

  func isRejected(_ path: FilePath, _ fingerprint: Fingerprint?) -> Bool {
    if case .rejected = verdict(on: path, fingerprint) { true } else { false }
  }

  /// What earlier crashes say of a file.
  /// - Parameter fingerprint: nil: not known.
  func verdict(on path: FilePath, _ fingerprint: Fingerprint?) -> CrashHistory.Verdict? {
    history.withLock { $0.verdict(on: path, fingerprint) }
  }

  /// Whether a file was rejected when nothing but its path was known.
  func isRejectedByPath(_ path: FilePath) -> Bool { history.withLock { $0.isRejectedByPath(path) } }

  /// A file of which a crash told was taken in, or another version of it lies there: it is suspected no longer.
  func passed(_ path: FilePath, _ fingerprint: Fingerprint) {
    let isSuspected = history.withLock { $0.verdict(on: path, fingerprint) == .suspected }
    let files = [MarkedFile(path, fingerprint), MarkedFile(path, nil)]
    if isSuspected { add(CrashMark(signal: 0, isSure: false, files: files)) }
  }

  /// What crashes told of a file counts no longer.
  func forget(_ path: FilePath, _ fingerprint: Fingerprint) {
    if verdict(on: path, fingerprint) != nil {
      add(CrashMark(signal: 0, isSure: false, files: [MarkedFile(path, fingerprint)]))
    }
  }

  /// A file that was rejected by its path alone has settled: it is rejected in the version that lies there now, or that
  /// is another one than the rejected, and is tried again.
  func settled(_ path: FilePath, _ fingerprint: Fingerprint) {
    let (isByPath, versions, verdict) = history.withLock {
      ($0.isRejectedByPath(path), $0.rejectedVersions(of: path), $0.verdict(on: path, fingerprint))
    }
    let file = MarkedFile(path, fingerprint)
    guard isByPath, !versions.contains(file) else { return }
    if case .rejected(_, let signal) = verdict {
      for _ in 0..<2 { add(CrashMark(signal: signal, isSure: true, files: [file])) }
    } else {
      add(CrashMark(signal: 0, isSure: false, files: versions + [MarkedFile(path, nil)]))
    }
  }

  private func add(_ mark: CrashMark) {
    history.withLock { $0.add(mark) }
    guard let file else { return }
    let bytes = mark.bytes
    // A full disk: the file stays suspected, and is taken in alone.
    _ = write(file.rawValue, bytes, bytes.count)
  }

  /// Why a file is rejected, in words.
  static func problem(deaths: Int, signal: Int32, reading what: String = "this file") -> Problem {
    Problem(
      .crashedTheFarm, cause: "the daemon died \(deaths) times while it read \(what), last by \(name(of: signal))")
  }

  private static func name(of signal: Int32) -> String {
    switch signal {
    case SIGILL: "SIGILL"
    case SIGSEGV: "SIGSEGV"
    case SIGBUS: "SIGBUS"
    case SIGTRAP: "SIGTRAP"
    case SIGABRT: "SIGABRT"
    case SIGFPE: "SIGFPE"
    default: "signal \(signal)"
    }
  }

  // MARK: - Tests

  #if FARM_FAILPOINTS
    private static let failpoint = getenv("FARM_CRASH").map { String(cString: $0) }
  #endif

  /// Crashes at a step with a file, where a test wants that: `FARM_CRASH="SEGV claim bad.blend"`; the signal `STACK`
  /// is a stack that overflows.
  private static func crash(at step: Step, _ path: FilePath) {
    #if FARM_FAILPOINTS
      guard let words = failpoint?.split(separator: " "), words.count == 3, words[1] == step.rawValue,
        path.lastComponent?.string == String(words[2])
      else { return }
      let line = Array("failpoint: \(step.rawValue) \(path)\n".utf8)
      _ = write(2, line, line.count)
      if words[0] == "STACK" { _ = depth(1) }
      let signals = [
        "ILL": SIGILL, "SEGV": SIGSEGV, "BUS": SIGBUS, "TRAP": SIGTRAP, "ABRT": SIGABRT, "FPE": SIGFPE, "KILL": SIGKILL,
      ]
      if words[0] == "ABRT" { abort() }
      if let signal = signals[String(words[0])] { raise(signal) }
    #endif
  }

  #if FARM_FAILPOINTS
    @inline(never) @_optimize(none)
    private static func depth(_ level: Int) -> Int {
      withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { $0.count + depth(level + 1) } + level
    }
  #endif
}
