import FarmModel
import Glibc
import SystemPackage

/// A program that has a file open.
package struct FileUser: Hashable, Sendable {
  /// What the kernel calls it: `smbd`, `rsync`.
  package let program: String
  package let pid: Int32
  package let file: FilePath

  package init(program: String, pid: Int32, file: FilePath) {
    (self.program, self.pid, self.file) = (program, pid, file)
  }

  /// The files below these folders that programs of this machine have open; our own is left out.
  ///
  /// Of other users' programs root alone hears, and of other machines nobody; a file server's are those of its clients.
  package static func below(_ folders: [FilePath]) -> [FileUser] {
    // Nothing is known where the kernel shows nothing.
    let numbers = (try? FolderListing.names(in: "/proc"))?.compactMap { Int32($0.string) } ?? []
    return numbers.sorted().filter { $0 != getpid() }.flatMap { (pid) -> [FileUser] in
      let files = openFiles(of: pid, below: folders)
      guard !files.isEmpty else { return [] }
      let name = (try? FileBytes.all(of: FilePath("/proc/\(pid)/comm"))) ?? []  // It has ended meanwhile.
      let program = String(decoding: name.filter { $0 != 10 }, as: UTF8.self)
      return files.map { FileUser(program: program, pid: pid, file: $0) }
    }
  }

  private static func openFiles(of pid: Int32, below folders: [FilePath]) -> [FilePath] {
    let open = FilePath("/proc/\(pid)/fd")
    // Not ours to look at, or ended meanwhile.
    return ((try? FolderListing.names(in: open)) ?? []).compactMap { name in
      guard let file = try? LinkTarget.read(open.appending(name)) else { return nil }  // Closed meanwhile.
      guard folders.contains(where: { file.starts(with: $0) && file != $0 }) else { return nil }
      // A file server keeps folders open that somebody only looks at.
      return (try? FileStatus(at: open.appending(name), followsLinks: true))??.kind == .regular ? file : nil
    }
  }
}
