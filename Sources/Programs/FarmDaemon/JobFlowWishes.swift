import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// The texts of release.yaml and sidecars: one that is emptied or cut changes nothing until it is whole.
extension JobFlow {
  /// Says why a text does not look whole: ``ConfigFailure/notWhole``; nil when it does.
  /// - Parameter saidSomething: whether anything is in force besides what the text before says.
  func doubt(
    about text: WishText, at path: FilePath, saidSomething: Bool
  ) async throws(StoreFailure) -> ConfigFailure? {
    let before = try await textInForce(at: path)
    guard let doubt = text.doubt(after: before, saidSomething: saidSomething || before?.saysSomething == true) else {
      shortenedTexts.forget(path)
      return nil
    }
    if doubt != .endsAfterLine {
      shortenedTexts.forget(path)
    } else if shortenedTexts.isMeant(text, at: path, now: setup.clock.now()) {
      setup.log.notice("a shorter text is taken as it is", metadata: ["file": "\(setup.volume.relative(path))"])
      return nil
    }
    return .notWhole(path, reason: doubt.reason, remedy: doubt.remedy(isPlan: path.isPlan))
  }

  /// Remembers the text whose wishes are in force; nil: there is none.
  func setTextInForce(_ text: WishText?, at path: FilePath) async throws(StoreFailure) {
    shortenedTexts.forget(path)
    guard try await textInForce(at: path) != text else { return }
    try await setup.ledger.setRemark(remarkName(path), text?.remark)
  }

  private func textInForce(at path: FilePath) async throws(StoreFailure) -> WishText? {
    try await setup.ledger.remark(remarkName(path)).flatMap { WishText(remark: $0) }
  }

  private func remarkName(_ path: FilePath) -> String { "text:\(setup.volume.relative(path))" }

  /// Reads those again that were shortened and stayed so.
  func readShortenedTexts() {
    for path in shortenedTexts.due(at: setup.clock.now()) { readWishes(at: path, nil) }
  }
}
