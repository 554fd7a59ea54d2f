/// Decides what becomes of an output whose attempt did not work.
package struct RetryRule: Hashable, Sendable {
  /// Tries in all.
  package let attemptsMax: Int

  package init(attemptsMax: Int = 3) {
    self.attemptsMax = attemptsMax
  }

  /// The state and the attempts after one more try ended with `problem`.
  package func verdict(attempts: Int, problem: ProblemClass) -> (state: OutputState, attempts: Int) {
    if problem.isFinal { return (.failed, attempts + 1) }
    if problem.isFree { return (.owed, attempts) }
    return (attempts + 1 >= attemptsMax ? .failed : .owed, attempts + 1)
  }
}
