import ArgumentParser
import Testing

@testable import farm

@Suite("The help")
struct HelpTests {
  /// Every command that does something, with its words.
  private static let commands: [(words: String, type: any ParsableCommand.Type)] = below(Farm.self, "farm")

  private static func below(
    _ type: any ParsableCommand.Type, _ words: String
  ) -> [(words: String, type: any ParsableCommand.Type)] {
    let parts = type.configuration.subcommands + type.configuration.groupedSubcommands.flatMap(\.subcommands)
    if parts.isEmpty { return [(words, type)] }
    return Set(parts.map { ObjectIdentifier($0) }).flatMap { id in
      parts.first { ObjectIdentifier($0) == id }.map { below($0, "\(words) \($0._commandName)") } ?? []
    }
  }

  @Test func `of every command has an example of that command, and its exit codes`() {
    #expect(Self.commands.count >= 24)
    for (words, type) in Self.commands {
      let help = Farm.helpMessage(for: type, columns: 100)
      let examples = help.split(separator: "\n").filter { $0.hasPrefix("    ") || $0.hasPrefix("  ") }
      #expect(help.contains("Examples:") && examples.contains { $0.contains(words) }, "\(words)\n\(help)")
      #expect(help.contains("Exit codes: 0 "), "\(words)")
      // To look up a type's name goes through all types, and took a fifth of the start.
      #expect(type.configuration.commandName != nil, "\(words)")
    }
  }

  @Test func `groups the commands by what somebody wants`() {
    let help = Farm.helpMessage(columns: 100)
    for group in ["LOOK", "PLAN AND STEER", "SET UP"] { #expect(help.uppercased().contains(group), "\(help)") }
  }
}
