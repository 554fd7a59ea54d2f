import ArgumentParser
import FarmAPI
import FarmModel
import Foundation
import ProgramMain

/// What `kill` and `retry` have in common: they show what they will touch, ask where somebody can answer, do it, and
/// tell what they did.
struct Steering: ParsableArguments {
  @Argument(help: "jobs, or <release>.jobs", completion: Completions.jobsOfReleases)
  var what: String

  @Argument(help: "Which jobs; '*' for all.", completion: Completions.jobs)
  var query: [String]

  @Flag(help: "Only show which jobs are meant.")
  var dryRun = false

  @Flag(help: "Do not ask when more than one job is meant.")
  var yes = false

  @OptionGroup var options: VolumeOptions

  func carryOut(_ act: SteerRequest.Act) async throws {
    let verb = act.rawValue
    guard what == "jobs" || what.hasByteSuffix(".jobs") else {
      throw ValidationError("say `farm \(verb) jobs <query>` or `farm \(verb) <release>.jobs <query>`")
    }
    _ = try JobQuery(parsing: query)
    let release = what == "jobs" ? nil : what.dropping(byteSuffix: ".jobs")
    let client = try options.client()
    let meant = try await client.post(
      Route.steer, SteerRequest(act, query: query, release: release, isDryRun: true, jobs: nil), as: TouchedJobs.self)
    guard !dryRun, !meant.jobs.isEmpty else { return try tell(meant, "would \(verb)", verb) }
    if meant.jobs.count > 1, !yes {
      guard Terminal.canAsk else { throw SteerFailure.notAsked(verb: verb, count: meant.jobs.count) }
      for job in meant.jobs { ProgramMain.say("  \(job.description.escapedForTerminal)") }
      guard Terminal.answersYes("\(verb.capitalized) these \(meant.jobs.count) jobs?") else {
        throw SteerFailure.declined(verb: verb)
      }
    }
    // Only what was shown: what came meanwhile was not meant.
    let request = SteerRequest(act, query: query, release: release, isDryRun: false, jobs: meant.jobs)
    try tell(try await client.post(Route.steer, request, as: TouchedJobs.self), act.past, verb)
  }

  private func tell(_ touched: TouchedJobs, _ done: String, _ verb: String) throws {
    try options.print(touched) { _ in
      touched.jobs.isEmpty
        ? ["no job to \(verb) fits"] : touched.jobs.map { "\(done) \($0.description.escapedForTerminal)" }
    }
  }
}

/// Why a command that steers did nothing.
enum SteerFailure: Failure, Equatable {
  case notAsked(verb: String, count: Int)
  case declined(verb: String)

  var description: String {
    switch self {
    case .notAsked(let verb, let count): "\(count) jobs are meant, and nobody can be asked whether to \(verb) them"
    case .declined: "nothing was done"
    }
  }

  var remedy: String {
    switch self {
    case .notAsked: "Look at them with `--dry-run`, then say `--yes`."
    case .declined(let verb): "Narrow the query down (`farm list jobs` takes the same), then \(verb) again."
    }
  }

  var kind: FailureKind {
    switch self {
    case .notAsked: .wrongUse
    case .declined: .failed
    }
  }
}
