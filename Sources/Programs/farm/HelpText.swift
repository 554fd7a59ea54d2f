/// The parts of the long help of a command.
enum HelpText {
  /// What a command's exit codes mean.
  static let usualExits = "0 done, 1 it failed, 2 wrong use, 3 the daemon is not there"
}

extension String {
  /// What a command does, in a paragraph that the terminal wraps; examples as they are typed; exit codes.
  static func help(_ about: String = "", _ examples: String..., exits: String = HelpText.usualExits) -> String {
    let paragraph = about.split(whereSeparator: \.isNewline).joined(separator: " ")
    let typed = (["Examples:"] + examples.map { "  " + $0 }).joined(separator: "\n")
    return [paragraph, typed, "Exit codes: \(exits)."].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }
}
