import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm archive release <name>`
struct Archive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "archive", abstract: "Put a release that is over into the archive.",
    subcommands: [ArchiveRelease.self])
}

struct ArchiveRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Pack a release into archives/, read it back, and take it away.",
    discussion: .help(
      """
      Packed are the release's folder and what was delivered, with a checksum of every file in MANIFEST.json. Only
      when all of it was read back is the release's folder removed; dist/ stays unless you ask for --prune-dist. A
      release that is not over, or that others need, is refused with the reason. Until then --stop ends it, as it ends
      the reading and unpacking of an archive; all is as it was before.
      """, "farm archive release spring", "farm archive release spring --keep --format zst",
      "farm archive release spring --stop"))

  @Argument(help: "The release's name.", completion: Completions.releases)
  var release: String

  @Option(
    help: "gz, which everything reads, or zst, which is faster and smaller. Default: as farm.yaml's archive:, else gz.")
  var format: ArchiveFormat?

  @Flag(help: "Take what was delivered out of dist/ too.")
  var pruneDist = false

  @Flag(help: "Leave the release where it is.")
  var keep = false

  @Flag(help: "Also when something in it changed in the last 7 days.")
  var force = false

  @Flag(help: "Stop what is being done with the release's archive.")
  var stop = false

  @OptionGroup var options: VolumeOptions

  func validate() throws {
    if stop && (keep || pruneDist || force || format != nil) { throw ValidationError("--stop stands alone") }
    if keep && pruneDist { throw ValidationError("--keep and --prune-dist contradict one another") }
  }

  func run() async throws {
    guard !stop else { return try await stopIt() }
    let request = ArchiveRequest(
      release: release, format: format, prunesDist: pruneDist, keepsRelease: keep, isForced: force)
    let answer = try await ArchiveProgressBar(client: options.client(), release: release).during {
      try await $0.post(Route.archive, request, as: ArchiveAnswer.self)
    }
    try options.print(answer) { _ in
      ["archived \(release) in \(answer.archive.path), \(answer.archive.shown)".escapedForTerminal]
        + answer.notes.map(\.escapedForTerminal)
    }
  }

  private func stopIt() async throws {
    let request = ArchivedRequest(release: release)
    let line = try await options.client().post(Route.stopArchiving, request, as: ArchiveProgressLine.self)
    try options.print(line) { _ in ["stopped \(line.words); all is as it was before".escapedForTerminal] }
  }
}

extension ArchiveFormat: ExpressibleByArgument {}

extension ArchiveLine {
  /// `12 files, 3.1 MB of 4.0 MB`
  var shown: String {
    let inside = contentBytes.map { " of \($0.asBytes)" } ?? ""
    let count = files.map { "\($0.files), " } ?? ""
    return "\(count)\(size.asBytes)\(inside)"
  }
}

/// `farm restore release <name>`
struct Restore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Bring an archived release back.", subcommands: [RestoreRelease.self])
}

struct RestoreRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Unpack an archived release into its place, as it was.",
    discussion: .help(
      """
      Every checksum is compared before anything is put in its place; nothing is overwritten, and nothing is rendered
      again. The archive stays.
      """, "farm restore release spring"))

  @Argument(help: "The release's name, as in archives/.")
  var release: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let answer = try await ArchiveProgressBar(client: options.client(), release: release).during {
      try await $0.post(Route.restore, ArchivedRequest(release: release), as: ArchiveAnswer.self)
    }
    try options.print(answer) { _ in
      ["restored \(release) from \(answer.archive.path), \(answer.archive.shown)".escapedForTerminal]
        + answer.notes.map(\.escapedForTerminal)
    }
  }
}

/// `farm verify archive <name>`
struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Read an archive to its last byte.", subcommands: [VerifyArchive.self])
}

struct VerifyArchive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "archive", abstract: "Read a release's archive, and compare every checksum.",
    discussion: .help(
      "Ends with exit code 1 when it is damaged. `farm list archives` shows when it was found whole.",
      "farm verify archive spring"))

  @Argument(help: "The release's name, as in archives/.")
  var release: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let answer = try await ArchiveProgressBar(client: options.client(), release: release).during {
      try await $0.post(Route.verify, ArchivedRequest(release: release), as: ArchiveAnswer.self)
    }
    try options.print(answer) { _ in
      ["\(answer.archive.path) is whole: \(answer.archive.shown)".escapedForTerminal]
    }
  }
}
