import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Takes a release out of its place in one step each for its folder and its delivery, puts it back, or deletes it.
package struct ReleaseRemoval: Sendable {
  private let volume: Volume
  private let release: String
  private let prunesDist: Bool

  package init(of release: String, in volume: Volume, prunesDist: Bool) {
    (self.volume, self.release, self.prunesDist) = (volume, release, prunesDist)
  }

  /// A folder, and where it is taken to: to `.farm/`, or beside it when that is another file system.
  private struct Move {
    let from: FilePath
    let to: FilePath
  }

  private func moves() throws(FileFailure) -> [Move] {
    let folder = volume.release(release)
    var moves = [Move(from: folder, to: try aside("archived-\(release)", near: folder))]
    if prunesDist {
      let dist = volume.dist(of: release)
      moves.append(Move(from: dist, to: try aside("pruned-\(release)", near: dist)))
    }
    return moves
  }

  private func aside(_ name: String, near folder: FilePath) throws(FileFailure) -> FilePath {
    try volume.aside(name, near: folder.removingLastComponent())
  }

  /// Where they lie that were taken, also by an earlier daemon, when other file systems were mounted.
  private func taken() throws(FileFailure) -> [Move] {
    var taken: [Move] = []
    for move in try moves() {
      guard let name = move.to.lastComponent?.string else { continue }
      let plain = name.dropping(bytePrefix: ".farm-") ?? name
      let places = [volume.own.appending(plain), move.from.removingLastComponent().appending(".farm-\(plain)")]
      for place in places where try FileStatus(at: place) != nil { taken.append(Move(from: move.from, to: place)) }
    }
    return taken
  }

  /// What is in the way of packing and removing it, before anything is done.
  package func obstacles(in tree: ReleaseTree) throws(ArchiveFailure) -> [ArchiveRefusal.Reason] {
    var obstacles = tree.entries.filter { $0.isFile && !Self.isReadable($0.place) }.map { entry in
      let place = entry.place.string
      return "the daemon may not read \(place.escapedForTerminal) (`chmod g+r \(place.quotedForShell)`)"
    }
    do throws(FileFailure) {
      for move in try moves() {
        if try FileStatus(at: move.to) != nil {
          obstacles.append("\(move.to.string.escapedForTerminal) is in the way: look what it is, and move it")
        }
        for folder in [move.from.removingLastComponent(), move.to.removingLastComponent()] {
          if let why = try Self.refusal(of: folder, child: move.from) { obstacles.append(why) }
        }
        // Its own rights decide whether a folder may get another parent.
        if try FileStatus(at: move.from) != nil, let why = try Self.refusal(of: move.from, child: nil) {
          obstacles.append(why)
        }
      }
    } catch { throw .files(error) }
    for entry in tree.entries where entry.status.kind == .folder {
      guard prunesDist || entry.path.components.first?.string != ReleaseTree.delivered else { continue }
      do throws(FileFailure) {
        if let why = try Self.refusal(of: entry.place, child: nil) { obstacles.append(why) }
      } catch { throw .files(error) }
    }
    let shownMax = 3
    let more = obstacles.count > shownMax ? ["\(obstacles.count - shownMax) more of them"] : []
    return (obstacles.prefix(shownMax) + more).map {
      ArchiveRefusal.Reason($0, remedy: "Clear that away, then ask again; nothing was removed.")
    }
  }

  private static func isReadable(_ file: FilePath) -> Bool {
    file.withPlatformString { faccessat(AT_FDCWD, $0, R_OK, AT_EACCESS) } == 0
  }

  /// Why we may not remove names from a folder; nil when we may. In a sticky one only its owner may, or the name's.
  private static func refusal(of folder: FilePath, child: FilePath?) throws(FileFailure) -> String? {
    let shown = folder.string.escapedForTerminal
    guard folder.withPlatformString({ faccessat(AT_FDCWD, $0, W_OK | X_OK | R_OK, AT_EACCESS) }) == 0 else {
      return "the daemon may not remove what lies in \(shown) (`chmod g+rwX \(folder.string.quotedForShell)`)"
    }
    guard geteuid() != 0, let status = try FileStatus(at: folder), status.mode & 0o1000 != 0,
      status.owner != geteuid()
    else { return nil }
    if let child, try FileStatus(at: child)?.owner == geteuid() { return nil }
    return "\(shown) is sticky, and belongs to another user (`chmod -t \(folder.string.quotedForShell)`)"
  }

  /// Takes it out of its place; both names are on the disk when it returns. What it took before it failed is put back.
  package func takeAway() throws(ArchiveFailure) {
    do throws(FileFailure) {
      var taken: [Move] = []
      do throws(FileFailure) {
        for move in try moves() where try FileStatus(at: move.from) != nil {
          try Placement.rename(move.from, to: move.to)
          taken.append(move)
        }
      } catch {
        for move in taken.reversed() { try Placement.rename(move.to, to: move.from) }
        throw error
      }
      try sync()
    } catch { throw .files(error) }
  }

  /// Puts back what was taken, also by an earlier daemon.
  /// - Returns: what could not be, because something has its name by now.
  package func putBack() throws(ArchiveFailure) -> [FilePath] {
    do throws(FileFailure) {
      var left: [FilePath] = []
      for move in try taken() {
        if try FileStatus(at: move.from) == nil {
          try Placement.rename(move.to, to: move.from)
        } else {
          left.append(move.to)
        }
      }
      try sync()
      return left
    } catch { throw .files(error) }
  }

  /// Asks who still has something open of what was taken: any program that we may look at, and whoever writes.
  /// - Parameter tree: the release as it lay before it was taken.
  /// - Returns: the first of them, and of how many files nobody could say whether somebody writes into them: they are
  ///   another user's, or lie where the kernel does not know.
  package func openFiles(of tree: ReleaseTree) throws(ArchiveFailure) -> (first: ArchiveRefusal.Reason?, unknown: Int) {
    let taken: [Move]
    do throws(FileFailure) { taken = try self.taken() } catch { throw .files(error) }
    let remedy = "Ask again when that is over; nothing was removed."
    if let user = FileUser.below(taken.map(\.to)).first {
      let file = try original(of: user.file).string.escapedForTerminal
      return (ArchiveRefusal.Reason("\(user.program) (\(user.pid)) has \(file) open", remedy: remedy), 0)
    }
    var unknown = 0
    for move in taken {
      let isBlind = MountTable.mount(at: move.to).isBlind
      for entry in tree.entries where entry.isFile {
        var below = entry.place
        guard below.removePrefix(move.from) else { continue }
        switch isBlind ? .unknown : LeaseProbe.ask(move.to.pushing(below)) {
        case .noWriter: continue
        case .unknown: unknown += 1
        case .writer:
          let file = entry.place.string.escapedForTerminal
          return (ArchiveRefusal.Reason("a program has \(file) open for writing", remedy: remedy), unknown)
        }
      }
    }
    return (nil, unknown)
  }

  /// Where something lay, and will lie again, that was taken.
  package func original(of path: FilePath) throws(ArchiveFailure) -> FilePath {
    do throws(FileFailure) {
      for move in try taken() {
        var below = path
        if below.removePrefix(move.to) { return move.from.pushing(below) }
      }
      return path
    } catch { throw .files(error) }
  }

  /// The release as it lies where it was taken to.
  package func takenTree() throws(ArchiveFailure) -> ReleaseTree {
    let places: [FilePath]
    do throws(FileFailure) { places = try moves().map(\.to) } catch { throw .files(error) }
    return try ReleaseTree(of: places[0], dist: places.count > 1 ? places[1] : volume.dist(of: release))
  }

  /// Deletes what was taken; doing it again changes nothing.
  package func delete() throws(ArchiveFailure) {
    do throws(FileFailure) {
      for move in try taken() { try Placement.removeTree(move.to) }
      try sync()
    } catch { throw .files(error) }
  }

  private func sync() throws(FileFailure) {
    for move in try moves() {
      for folder in [move.from.removingLastComponent(), move.to.removingLastComponent()] {
        try Durable.syncFolder(folder)
      }
    }
  }
}

extension Volume {
  /// A place of ours on the file system of a folder: in `.farm/`, or hidden in that folder.
  /// - Throws: ``FileFailure`` when the folder is not there.
  package func aside(_ name: String, near folder: FilePath) throws(FileFailure) -> FilePath {
    let devices = [try FileStatus(at: own), try FileStatus(at: folder, followsLinks: true)]
      .map { $0?.fingerprint.device }
    return devices[0] == devices[1] ? own.appending(name) : folder.appending(".farm-\(name)")
  }
}
