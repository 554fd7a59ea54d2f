import ArgumentParser
import FarmAPI
import ProgramMain

/// `farm check release <name>`
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read pictures again to their last byte.", subcommands: [CheckRelease.self])
}

struct CheckRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Read a release's pictures again, and render those that are damaged.",
    discussion: .help(
      """
      Read are the pictures of the newest versions of all jobs, in out/ and in dist/. A damaged one goes to .farm/bad
      and is rendered and delivered again; what somebody changed or took away is told and left alone. Ends with exit
      code 1 when not all are whole.
      """, "farm check release spring --dry-run", "farm check release spring"))

  @Argument(help: "The release's name.", completion: Completions.releases)
  var release: String

  @Flag(help: "Only show which pictures are damaged.")
  var dryRun = false

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let request = CheckRequest(release: release, isDryRun: dryRun)
    let answer = try await options.client().post(Route.check, request, as: CheckAnswer.self)
    try options.print(answer) { _ in Self.lines(answer) }
    // As `cmp` and `fsck` do, so that a script can tell.
    if !answer.bad.isEmpty { throw ExitCode.failure }
  }

  /// What is said of it.
  static func lines(_ answer: CheckAnswer) -> [String] {
    let lines = answer.bad.map { line in
      let done =
        !line.isAgain
        ? "left alone (`farm replace job` renders it again)"
        : answer.isDryRun ? "would be rendered again" : "rendered again"
      return "\(line.path): \(line.problem.cause); \(done)".escapedForTerminal
    }
    let whole = answer.checked - answer.bad.count
    return lines + ["\(whole) of \(answer.checked) pictures of \(answer.release) are whole".escapedForTerminal]
  }
}
