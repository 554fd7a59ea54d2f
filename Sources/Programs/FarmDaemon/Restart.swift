import Glibc

/// Begins the program anew as the same process: a supervisor sees that it runs on.
package enum Restart {
  /// The flag by which the program knows that it began anew.
  package static let flag = "--again"

  /// What the start before this one said of its end; nil when it said nothing.
  package static var lastEnd: RepeatedEnd? { getenv(RepeatedEnd.variable).flatMap { RepeatedEnd(String(cString: $0)) } }

  /// Hands to the next start what was said of the end of this one.
  package static func remember(_ end: RepeatedEnd) { setenv(RepeatedEnd.variable, end.text, 1) }

  /// Replaces the program by a new start of itself, with the same arguments; ends it with exit code 1 when the kernel
  /// refuses that.
  package static func now() -> Never {
    for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_DFL) }
    let words = CommandLine.arguments + (CommandLine.arguments.contains(flag) ? [] : [flag])
    var arguments = words.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    let line = Array("cannot start anew: \(String(cString: strerror(errno)))\n".utf8)
    _ = write(2, line, line.count)
    _exit(1)
  }
}
