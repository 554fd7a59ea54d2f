import FarmModel
import Intake
import Synchronization
import SystemPackage
import VolumeFiles

/// Looks again and again for files that artists take for drops. Owns what is remembered of their folders.
///
/// Each release is looked at by itself, with a limit: one whose file system does not answer costs that limit once, and
/// is passed over until its look has come back.
actor OverlookedWatch {
  /// How long one release may take.
  private static let patience = Duration.seconds(5)

  /// A part of the volume that is looked at by itself.
  enum Part: Hashable, Sendable {
    case top
    case release(String)
  }

  /// The parts whose look has not come back.
  private final class Busy: Sendable {
    private let parts = Mutex<Set<Part>>([])

    func begin(_ part: Part) -> Bool { parts.withLock { $0.insert(part).inserted } }
    func end(_ part: Part) { _ = parts.withLock { $0.remove(part) } }
  }

  private let volume: Volume
  private let ignore: IgnoreRules
  private let busy = Busy()
  private var looks: [Part: OverlookedLook] = [:]
  private var found: [Part: [OverlookedFile]] = [:]
  /// As of the last look.
  private(set) var files = OverlookedFiles()
  private var isLooking = false
  private var whenLooked = Waiters()

  init(_ volume: Volume, ignore: IgnoreRules) {
    self.volume = volume
    self.ignore = ignore
  }

  /// Looks once at each of these parts.
  /// - Parameter used: files that jobs depend on.
  /// - Returns: whether other files are overlooked than before.
  func look(at parts: [Part], used: Set<ExactText>) async -> Bool {
    while isLooking { await withCheckedContinuation { whenLooked.add($0) } }
    isLooking = true
    let wanted = Set(parts)
    looks = looks.filter { wanted.contains($0.key) }
    found = found.filter { wanted.contains($0.key) }
    for part in parts { await look(at: part, used) }
    isLooking = false
    whenLooked.resume()
    let before = files
    files = OverlookedFiles(found.values.joined())
    return files != before
  }

  private func look(at part: Part, _ used: Set<ExactText>) async {
    guard busy.begin(part) else { return }
    let before = looks[part] ?? OverlookedLook(volume, ignore: ignore)
    let answer = await BlockingWork.run(atMost: Self.patience) { [busy] in
      defer { busy.end(part) }
      var look = before
      let isUsed = { (folder: FilePath) in
        let start = folder.string + "/"
        return used.contains { $0.text.hasBytePrefix(start) }
      }
      let files =
        switch part {
        case .top: look.top(isUsed: isUsed)
        case .release(let name): look.release(name, isUsed: isUsed)
        }
      return (look, files)
    }
    guard let answer else { return }
    (looks[part], found[part]) = answer
  }
}

/// Files that artists take for drops, and that are none.
extension JobFlow {
  private static let overlookedEvery = Duration.seconds(5)

  func lookForOverlookedOften() async {
    // Cancelled: the run is over.
    repeat { await lookForOverlooked() } while (try? await Task.sleep(for: Self.overlookedEvery)) != nil
  }

  /// Looks for them now; what is cured is told no longer.
  func lookForOverlooked() async {
    var parts = isHung(setup.volume.root) || isHung(setup.volume.quick) ? [] : [OverlookedWatch.Part.top]
    do {
      parts += try await setup.ledger.releases().filter { release in
        release.name != NameRule.quick && release.state != .archived && !isHung(setup.volume.store(of: release.name))
          && !isHung(setup.volume.release(release.name))
      }.map { .release($0.name) }
    } catch {
      return complain(error, while: "looking for files that are not picked up")
    }
    if await overlookedWatch.look(at: parts, used: followedFiles) { happenings += 1 }
  }
}
