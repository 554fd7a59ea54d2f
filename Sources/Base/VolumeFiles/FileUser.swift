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

  /// The programs of this machine that have something below these folders open, each with one file; our own is left
  /// out.
  ///
  /// Of other users' programs root alone hears, and of other machines nobody; a file server's are those of its clients.
  package static func below(_ folders: [FilePath]) -> [FileUser] {
    // Nothing is known where the kernel shows nothing.
    let numbers = (try? FolderListing.names(in: "/proc"))?.compactMap { Int32($0.string) } ?? []
    return numbers.sorted().filter { $0 != getpid() }.compactMap { pid in
      guard let file = openFile(of: pid, below: folders) else { return nil }
      let name = (try? FileBytes.all(of: FilePath("/proc/\(pid)/comm"))) ?? []  // It has ended meanwhile.
      return FileUser(program: String(decoding: name.filter { $0 != 10 }, as: UTF8.self), pid: pid, file: file)
    }
  }

  private static func openFile(of pid: Int32, below folders: [FilePath]) -> FilePath? {
    let open = FilePath("/proc/\(pid)/fd")
    // Not ours to look at, or ended meanwhile.
    for name in (try? FolderListing.names(in: open)) ?? [] {
      guard let file = try? LinkTarget.read(open.appending(name)) else { continue }  // Closed meanwhile.
      guard folders.contains(where: { file.starts(with: $0) && file != $0 }) else { continue }
      // A file server keeps folders open that somebody only looks at.
      if (try? FileStatus(at: open.appending(name), followsLinks: true))??.kind == .regular { return file }
    }
    return nil
  }
}
