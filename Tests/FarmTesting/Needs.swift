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

  /// A user namespace, in which limits can be set without touching the machine's.
  package static let namespaces = met(succeeds("/usr/bin/unshare", "-Ur", "/bin/true"))

  /// bindfs and the right to mount with it: the model of a file server whose other clients nobody here sees.
  package static let fuse = met(
    access("/usr/bin/bindfs", X_OK) == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && geteuid() == 0)

  package static let rsync = met(access("/usr/bin/rsync", X_OK) == 0)

  /// The programs that read and write access lists.
  package static let accessLists = met(access("/usr/bin/setfacl", X_OK) == 0)

  /// A real file server and a client for it that can write as desktops do.
  package static let samba = met(
    access("/usr/sbin/smbd", X_OK) == 0 && access("/usr/bin/smbclient", X_OK) == 0 && geteuid() == 0
      && succeeds("/usr/bin/python3", "-c", "import impacket"))

  private static func succeeds(_ words: String...) -> Bool {
    let program = Process()
    program.executableURL = URL(filePath: words[0])
    program.arguments = Array(words.dropFirst())
    program.standardError = FileHandle.nullDevice
    // Not there: not met.
    guard (try? program.run()) != nil else { return false }
    program.waitUntilExit()
    return program.terminationStatus == 0
  }

  /// Tests that take many minutes are asked for by `make soak` alone.
  package static let patience = ProcessInfo.processInfo.environment["FARM_SOAK"] != nil
}
