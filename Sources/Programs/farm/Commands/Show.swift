import ArgumentParser
import FarmAPI
import FarmModel

/// `farm show job|release|task <name>`
struct Show: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show all that is known of one job, release or task.",
    subcommands: [ShowJob.self, ShowRelease.self, ShowTask.self])
}

struct ShowTask: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task", abstract: "Show a task: its frames, its worker, its log, and how to run it by hand.",
    discussion: .help(
      "", "farm show task 12", "farm show task 12 --command | sh"))

  @Argument(help: ArgumentHelp("The number that `farm list tasks` shows.", valueName: "number"))
  var task: Int64

  @Flag(help: "Print only the one line that renders its frames by hand, into /tmp/farm-task-<number>.")
  var command = false

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let detail = try await options.client().get(Route.task, ["id": "\(task)"], as: TaskDetail.self)
    guard command else { return try options.print(detail) { TaskSheet(task: detail).lines($0) } }
    guard let line = detail.command else { throw ShowFailure.cannotRun(task) }
    print(line)
  }
}

/// Why something is not shown.
enum ShowFailure: Failure, Equatable {
  case cannotRun(Int64)

  var description: String {
    switch self {
    case .cannotRun(let task):
      "task \(task) cannot be run by hand: what it rendered, or its Blender, is not there any more"
    }
  }

  var remedy: String { "Take a newer task of the job: `farm list tasks`." }
  var kind: FailureKind { .conflict }
}

struct ShowRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Show a release: what is wanted of it, its jobs, and what it waits for.",
    discussion: .help(
      "", "farm show release spring"))

  @Argument(help: "The release's name.", completion: Completions.releases)
  var release: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let detail = try await options.client().get(Route.release, ["name": release], as: ReleaseDetail.self)
    try options.print(detail) { ReleaseSheet(release: detail, terminal: $0).lines }
  }
}

struct ShowJob: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job", abstract: "Show a job: its revision, each frame, and why it does not run.",
    discussion: .help(
      "", "farm show job spring/shot_010"))

  @Argument(help: "<job> or <release>/<job>", completion: Completions.jobs)
  var job: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let detail = try await options.client().get(Route.job, ["name": job], as: JobDetail.self)
    try options.print(detail) { JobSheet(job: detail).lines($0) }
  }
}
