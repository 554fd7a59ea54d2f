import FarmModel
import Foundation
import Glibc
import SystemPackage
import VolumeFiles

/// Keeps a state folder for one volume: two volumes that share a ledger would mix up their jobs. Owns the lock on the
/// folder until it is released.
///
/// `.farm/id` identifies the volume wherever it is mounted. The file `volume` in the state folder holds the id and the
/// root of the volume that the state belongs to.
final class StateClaim: Sendable {
  private struct Owner: Codable, Equatable {
    let id: String
    let root: String
  }

  private let folder: FileDescriptor

  /// Claims an existing state folder. The claim is written again at the next start when the disk refuses it now.
  /// - Throws: ``DaemonFailure/foreignState(_:of:)`` when the folder belongs to another volume.
  init(_ state: FilePath, for volume: Volume) throws(DaemonFailure) {
    let file = state.appending("volume")
    let owner: Owner?
    do throws(FileFailure) {
      folder = try OpenFile.folder(state)
      owner = try Self.owner(in: file)
    } catch { throw .files(error) }
    let me = Owner(id: Self.id(of: volume), root: volume.root.string)
    // A volume that is mounted elsewhere keeps its id; one whose .farm was made anew keeps its root.
    let isForeign = owner.map { $0.id != me.id && !$0.root.isSameBytes(as: me.root) } ?? false
    guard !isForeign, flock(folder.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      OpenFile.close(folder)
      throw .foreignState(state, of: FilePath(owner?.root ?? ""))
    }
    if owner != me { Self.write(me, to: file) }
  }

  func release() { OpenFile.close(folder) }

  private static func owner(in file: FilePath) throws(FileFailure) -> Owner? {
    guard try FileStatus(at: file) != nil else { return nil }
    // A text that is no claim is replaced by one.
    return try? JSONDecoder().decode(Owner.self, from: Data(FileBytes.all(of: file)))
  }

  private static func id(of volume: Volume) -> String {
    let file = volume.own.appending("id")
    // Unreadable: the root alone identifies the volume.
    if let bytes = try? FileBytes.all(of: file) { return String(decoding: bytes, as: UTF8.self) }
    let id = UUID().uuidString
    // Refused: the next start makes another one.
    try? Durable.write(Array(id.utf8), to: file)
    return id
  }

  private static func write(_ owner: Owner, to file: FilePath) {
    // Refused by a full disk: written at the next start.
    if let text = try? JSONEncoder().encode(owner) { try? Durable.write(Array(text), to: file) }
  }
}
