import ArgumentParser
import FarmAPI
import FarmModel
import Foundation
import ProgramMain
import VolumeFiles

/// What the shell offers after Tab: names out of the status that the daemon wrote down last, so nobody is asked.
enum Completions {
  static let jobs = CompletionKind.custom { words, _, _ in
    releases(words).flatMap { release in release.jobs.map { "\(release.name)/\($0.name)" } }
  }

  static let releases = CompletionKind.custom { words, _, _ in releases(words).map(\.name) }

  /// `jobs`, and `<release>.jobs`.
  static let jobsOfReleases = CompletionKind.custom { words, _, _ in
    ["jobs"] + releases(words).map { "\($0.name).jobs" }
  }

  private static let statusBytesMax = 256 << 20

  private static func releases(_ words: [String]) -> [ReleaseStatus] {
    let named = words.firstIndex(of: "--root").flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
    // Nothing is offered where nothing is known.
    guard let volume = try? ProgramMain.volume(named),
      let bytes = try? FileBytes.all(of: volume.statusFile, limitBytes: statusBytesMax),
      let status = try? JSONDecoder().decode(FarmStatus.self, from: Data(bytes))
    else { return [] }
    return status.releases
  }
}
