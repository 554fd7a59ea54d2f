#if FARM_FAILPOINTS
  import Glibc

  /// Ends the process right after a commit, as a power cut would: what is on the disk then is all that is left.
  ///
  /// Built into debug builds alone (the flag FARM_FAILPOINTS of Package.swift). Every commit's act is told on standard
  /// error, so that a test finds out which there are.
  package struct Failpoint: Sendable {
    private let act: String

    /// - Parameter act: of the commit to die after, without its numbers and names; an empty one never comes.
    package init(after act: String) {
      self.act = act
    }

    /// Called after every commit, and after every step of what is done without a ledger.
    package func passed(_ act: String) {
      // `move revision 7 to active` is the same act for every revision.
      let words = act.split(separator: " ").filter { word in !word.contains { $0.isNumber || $0 == "/" } }
      let plain = words.joined(separator: " ")
      let line = Array("committed: \(plain)\n".utf8)
      _ = write(2, line, line.count)
      if plain == self.act { kill(getpid(), SIGKILL) }
    }
  }
#endif
