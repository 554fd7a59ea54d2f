import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm seed job [<file>] <job>`
struct Seed: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Render a job of its own ahead of all others.", subcommands: [SeedJob.self])
}

struct SeedJob: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job", abstract: "Push an independent job to the farm, before everything else.",
    discussion: .help(
      "With a file it is copied into quick/ under the job's name. Without one a known job is rendered again.",
      "farm seed job ~/test.blend hero_test", "farm seed job shot_010 --frames 1-5"))

  @Argument(
    help: ArgumentHelp("A known job, or the file of a new one.", valueName: "job|file"), completion: Completions.jobs)
  var first: String

  @Argument(help: "What the job of the file is called; else as the file.")
  var job: String?

  @Option(help: ArgumentHelp("0 to 100; higher goes first.", valueName: "n"))
  var priority = 90

  @Option(help: ArgumentHelp("Only these frames of a known job.", valueName: "1-5"))
  var frames: FrameSet?

  @Flag(help: "Render it though files that it needs are missing.")
  var anyway = false

  @OptionGroup var options: VolumeOptions

  func validate() throws {
    guard (0...100).contains(priority) else { throw ValidationError("--priority is a number from 0 to 100") }
    guard job == nil || frames == nil else {
      throw ValidationError("--frames is for a known job, without a file")
    }
  }

  func run() async throws {
    let client = try options.client()
    guard let job = try job ?? (first.isBlend ? BlendCopy(of: first).job : nil) else {
      let what: AgainRequest.What = frames.map { .frames($0) } ?? .all
      let request = AgainRequest(job: first, what: what, priority: priority, isAnyway: anyway)
      let answer = try await client.post(Route.again, request, as: AgainAnswer.self)
      return try options.print(answer) { _ in lines(answer) }
    }
    if let why = NameRule.refusal(of: job) { throw ValidationError("\"\(job)\" cannot be a job's name: \(why)") }
    try BlendCopy(of: first).put(into: ProgramMain.volume(options.root).quick.string, as: job)
    _ = try await client.post(Route.sync, Done(), as: Done.self)
    let request = AgainRequest(
      job: "\(NameRule.quick)/\(job)", what: .asItIs, priority: priority, isAnyway: anyway)
    let answer = try await client.post(Route.again, request, as: AgainAnswer.self)
    try options.print(answer) { _ in lines(answer) }
  }

  private func lines(_ answer: AgainAnswer) -> [String] {
    (answer.frames == nil ? [] : [answer.shown])
      + ["seeded \(answer.job.description.escapedForTerminal) with priority \(priority)"]
  }
}
