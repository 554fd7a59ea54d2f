import ArgumentParser
import FarmAPI
import FarmModel
import Glibc

/// `farm plan release [<name>]`
struct Plan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Plan a release, which is delivered as a whole.", subcommands: [PlanRelease.self])
}

struct PlanRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Make the folder of a new release and its plan, and copy files into it.",
    discussion: .help(
      """
      Without a name it asks on a terminal, else it takes r-<date>. It prints the folder that drops go into. What is
      planned stands in release.yaml there; changes of it are taken at once.
      """, "farm plan release spring --jobs shot_010,shot_020",
      "farm plan release spring shot_*.blend",
      "farm plan release turntable --naming 'cube_{rx:3}_{ry:3}_{rz:3}.{ext}'"))

  @Argument(help: "The release's name.")
  var name: String?

  @Argument(
    help: ArgumentHelp("Files to copy into it.", valueName: "file.blend"), completion: .file(extensions: ["blend"]))
  var files: [String] = []

  @Option(help: ArgumentHelp("Jobs that must be there before it is delivered.", valueName: "a,b"))
  var jobs: String?

  @Option(help: ArgumentHelp("0 to 100; higher goes first.", valueName: "n"))
  var priority = ReleaseOrder.usualPriority

  @Option(help: ArgumentHelp("What its pictures are called in dist/.", valueName: "template"))
  var naming: String?

  @Option(help: ArgumentHelp("The object whose rotation {rx} {ry} {rz} are.", valueName: "name"))
  var namingObject: String?

  @Option(help: "Deliver it when it is finished (auto), or when you say so (manual).")
  var harvest = HarvestMode.auto

  @Option(help: ArgumentHelp("Do not archive it sooner than so long after its last change.", valueName: "60d"))
  var archiveAfter: Duration?

  @OptionGroup var options: VolumeOptions

  func validate() throws {
    guard (0...100).contains(priority) else { throw ValidationError("--priority is a number from 0 to 100") }
  }

  func run() async throws {
    let isNamed = name.map { !$0.isBlend } ?? false
    let files = try ((isNamed ? [] : [name].compactMap(\.self)) + files).map { try BlendCopy(of: $0) }
    let named = jobs.map { $0.pieces(between: ",").filter { !$0.isEmpty } } ?? files.map(\.job)
    let order = ReleaseOrder(
      jobs: named, priority: priority, harvest: harvest, naming: naming, namingObject: namingObject,
      archiveAfter: archiveAfter)
    let request = PlanRequest(name: isNamed ? name : asked(), order: order)
    let answer = try await options.client().post(Route.plan, request, as: PlanAnswer.self)
    for file in files { try file.put(into: answer.store) }
    try options.print(answer) { _ in
      ["planned release \(answer.release)", answer.store] + files.map { "copied \($0.job)" }
    }
  }

  /// A name typed on the terminal; nil when nobody sits there or nothing was typed.
  private func asked() -> String? {
    guard Terminal.canAsk else { return nil }
    let question = Array("Name of the release (empty: by date): ".utf8)
    _ = write(2, question, question.count)
    return readLine().flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension HarvestMode: ExpressibleByArgument {}

extension Duration: @retroactive ExpressibleByArgument {
  /// As people write it: `30d`.
  public init?(argument: String) { self.init(spelled: argument) }
}
