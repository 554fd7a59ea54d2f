import Foundation

/// What a test needs and not every machine has. With FARM_REQUIRE_ALL=1 a missing need is a failure, not a skip.
package enum Needs {
  private static let requiresAll = ProcessInfo.processInfo.environment["FARM_REQUIRE_ALL"] == "1"

  /// Whether the test runs: its need is met, or its failure is wanted.
  private static func met(_ condition: Bool) -> Bool { condition || requiresAll }

  /// The right to change owners and to run programs as another user.
  package static let root = met(geteuid() == 0)

  /// The right to mount a small disk, which root has not in every container.
  package static let mounts = met(canMount())

  private static func canMount() -> Bool {
    let folder = FileManager.default.temporaryDirectory.appending(path: "farm-test-mount-\(getpid())").path
    guard mkdir(folder, 0o700) == 0 else { return false }
    defer { rmdir(folder) }
    guard mount("tmpfs", folder, "tmpfs", 0, "size=4k") == 0 else { return false }
    return umount2(folder, 0) == 0
  }

  /// Tests that take many minutes are asked for by `make soak` alone.
  package static let patience = ProcessInfo.processInfo.environment["FARM_SOAK"] != nil
}
