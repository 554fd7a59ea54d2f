import ArgumentParser
import FarmModel
import ProgramMain

@main
struct Program {
  static func main() async { await ProgramMain.run(Farm.self) }
}

/// The command line that talks to the daemon.
struct Farm: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "farm", abstract: "Plans, watches and steers what the farm renders.",
    discussion: .help(
      """
      Drop a .blend into quick/ or releases/<release>/store/ and its pictures come to dist/; nothing here is needed for
      that.
      """, "farm status", "farm show job spring/shot_010", "farm seed job test.blend"),
    version: FarmVersion.current,
    groupedSubcommands: [
      CommandGroup(
        name: "Look",
        subcommands: [
          Status.self, List.self, Show.self, Inspect.self, Logs.self, History.self, Watch.self, Events.self,
        ]),
      CommandGroup(
        name: "Plan and steer",
        subcommands: [
          Plan.self, Harvest.self, Refresh.self, Check.self, Replace.self, Seed.self, Kill.self, Retry.self, Pause.self,
          Resume.self, Sync.self,
        ]),
      CommandGroup(
        name: "What is over",
        subcommands: [
          Archive.self, Restore.self, Verify.self, Tidy.self,
        ]),
      CommandGroup(name: "Set up", subcommands: [Init.self, Doctor.self, LedgerCommands.self, SlashAndBurn.self]),
    ])
}
