import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// A volume with files that lay there before the farm: they are known, and not rendered.
extension JobFlow {
  /// Does what has to wait for the first intake. Ends adopting once everything that was there is known, then has the
  /// list of it written.
  ///
  /// Both are separate: a list that cannot be written must not have later drops recorded as adopted.
  func finishAdopting() async {
    await waitForIntake()
    guard !isOver else { return }
    if isAdopting {
      isAdopting = false
      setup.log.notice(
        "what was in the volume is known; what is dropped from now on is rendered",
        metadata: ["files": "\(adoptedCount)"])
    }
    await endJobsWithoutFiles()
    var pause = Duration.seconds(1)
    let longest = Duration.seconds(60)
    while await !writeAdoptedIfDue(), !isOver {
      // Cancelled: the run is over.
      guard (try? await Task.sleep(for: pause)) != nil else { return }
      pause = min(pause * 2, longest)
    }
  }

  /// Only from the list does a new ledger know, after this one was lost, what is not to be rendered.
  /// - Returns: false when it could not be written.
  private func writeAdoptedIfDue() async -> Bool {
    let (adopts, isDue) = (VolumeTree.adoptMark(setup.volume), VolumeTree.adoptedListMark(setup.volume))
    do {
      // A restart must not adopt what was dropped since.
      if try FileStatus(at: adopts) != nil { try Placement.move(adopts, to: isDue, ifOccupied: .replace) }
      guard try FileStatus(at: isDue) != nil else { return true }
      try await writeAdopted()
      Placement.remove(isDue)
      if troubles.removeValue(forKey: isDue) != nil { setup.log.notice("the list of adopted files is written") }
      return true
    } catch {
      let told = "cannot write the list of adopted files: \(error.sentences) farmd tries it again within a minute."
      guard troubles.updateValue(told, forKey: isDue) != told else { return false }
      complain(error, while: "writing the list of adopted files")
      return false
    }
  }
}
