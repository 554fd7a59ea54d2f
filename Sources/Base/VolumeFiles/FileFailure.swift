import FarmModel
import Glibc
import SystemPackage

/// A system call on a file did not work; the message says which, on what, and the system's reason.
package struct FileFailure: Failure, Equatable {
  /// What was being done, as in "cannot open /x": `open`.
  package let act: String
  package let path: FilePath
  package let errno: Int32

  package init(_ act: String, _ path: FilePath, errno code: Int32 = Glibc.errno) {
    self.act = act
    self.path = path
    self.errno = code
  }

  package var description: String {
    "cannot \(act) \(path.string.escapedForTerminal): \(String(cString: strerror(errno)))"
  }

  package var remedy: String {
    switch errno {
    // A condition behind two patterns would be that of the second alone.
    case EACCES where act == "list", EPERM where act == "list":
      "Give the daemon's user the right: `chmod g+rX \(path.string.quotedForShell)` (`ls -ld` shows who has it)."
    case EACCES, EPERM:
      "Give the daemon's user the right: `chmod g+rwX \(path.removingLastComponent().string.quotedForShell)` for "
        + "the folder, `chmod g+r \(path.string.quotedForShell)` for a file (`ls -ld` shows who has it)."
    case EROFS: "Mount the file system writable (`findmnt` shows it)."
    case ENOSPC, EDQUOT: "Free space on that file system (`df -h` shows what is left)."
    case ENOENT: "Put it back where it was; the farm goes on by itself."
    case ENOTDIR: "Something that is no folder has the name of one in that path: move it away (`ls -ld` shows it)."
    case EEXIST: "Something has that name already: move it away, or choose another name."
    case EISDIR: "A folder has the name of a file there: move it away."
    case ELOOP, EXDEV: "Put a real file or folder there instead of a symbolic link."
    default: "Look at the system's log (`dmesg | tail`)."
    }
  }

  package var isTransient: Bool {
    switch errno {
    case ENOSPC, EDQUOT, EAGAIN, EINTR, EBUSY, ESTALE, ETXTBSY, EMFILE, ENFILE: true
    default: false
    }
  }

  /// Whether the disk refused it, and may take it later: it is full, over a quota, read-only or failing.
  package var isOfDisk: Bool { [ENOSPC, EDQUOT, EROFS, EIO, ESTALE].contains(errno) }

  package var kind: FailureKind { errno == ENOENT ? .notFound : .failed }

  /// The class under which a job shows it.
  package var problemClass: ProblemClass {
    switch errno {
    case ENOSPC, EDQUOT: .diskFull
    default: .notWritable
    }
  }
}
