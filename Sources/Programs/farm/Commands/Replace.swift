import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm replace job <job> [<file>]`
struct Replace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replace",
    abstract: "Render another version of a job, or all or some of it again.", subcommands: [ReplaceJob.self])
}

struct ReplaceJob: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job", abstract: "Put another file in a job's place, or render the job again.",
    discussion: .help(
      """
      With a file it is copied over the job's own, which is what saving it there would do. Without one the job is
      rendered again as it is. What was delivered stays until the new pictures replace it.
      """, "farm replace job spring/shot_010 shot_010_v2.blend",
      "farm replace job shot_010 --frames 7,12-14",
      "farm replace job shot_010 --bad"))

  @Argument(help: "<job> or <release>/<job>", completion: Completions.jobs)
  var job: String

  @Argument(help: "The new version.", completion: .file(extensions: ["blend"]))
  var file: String?

  @Option(help: ArgumentHelp("Only these frames.", valueName: "7,12-14"))
  var frames: FrameSet?

  @Flag(help: "Only frames that failed or are gone.")
  var missing = false

  @Flag(help: "Only frames that failed, are gone, or are no whole pictures.")
  var bad = false

  @Flag(help: "Render it though files that it needs are missing.")
  var anyway = false

  @OptionGroup var options: VolumeOptions

  func validate() throws {
    guard [file != nil, frames != nil, missing, bad].count(where: { $0 }) <= 1 else {
      throw ValidationError("a file, --frames, --missing and --bad exclude one another")
    }
  }

  func run() async throws {
    let client = try options.client()
    if let file, try await isOther(file, client) { return }
    let what: AgainRequest.What = frames.map { .frames($0) } ?? (missing ? .missing : bad ? .bad : .all)
    let request = AgainRequest(job: job, what: what, isAnyway: anyway)
    let answer = try await client.post(Route.again, request, as: AgainAnswer.self)
    try options.print(answer) { _ in [answer.shown] }
  }

  /// Copies the file over the job's own.
  /// - Returns: false when it held the same bytes already.
  private func isOther(_ file: String, _ client: FarmClient) async throws -> Bool {
    let copy = try BlendCopy(of: file)
    let before = try await client.get(Route.job, ["name": job], as: JobDetail.self)
    let root = try ProgramMain.volume(options.root).root
    try copy.replace(root.pushing(.init(before.path)))
    _ = try await client.post(Route.sync, Done(), as: Done.self)
    if anyway {
      let request = AgainRequest(job: before.name.description, what: .asItIs, isAnyway: true)
      _ = try await client.post(Route.again, request, as: AgainAnswer.self)
    }
    let after = try await client.get(Route.job, ["name": before.name.description], as: JobDetail.self)
    guard after.digest != before.digest || after.revision != before.revision else { return false }
    try options.print(after) { _ in
      ["replaced \(after.name.description.escapedForTerminal): revision \(after.revision) is \(after.state.rawValue)"]
    }
    return true
  }
}

extension AgainAnswer {
  /// What is done, for people.
  var shown: String {
    let name = job.description.escapedForTerminal
    return frames.map { "rendering \(name) again: revision \(revision), frames \($0)" }
      ?? "nothing of \(name) is to be rendered again"
  }
}

extension FrameSet: ExpressibleByArgument {
  /// As people write it: `1-10,20`.
  public init?(argument: String) {
    // The parser's message names the option and the value.
    guard let frames = try? FrameSet(parsing: argument) else { return nil }
    self = frames
  }
}
