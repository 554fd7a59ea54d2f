import FarmModel
import VolumeFiles

/// Which folders below a root are watched, and in which of them files count. A value: knows the layout, not the disk.
package indirect enum WatchTree: Hashable, Sendable {
  /// Files here are drops; folders below are not entered.
  case drops
  /// Folders of these names are entered; files of these names count, too.
  case named([String: WatchTree], files: Set<String> = [])
  /// Every folder is entered, except hidden ones and those of systems (``Volume/isOfSystem(_:)``).
  case every(WatchTree)

  /// A folder of which the tree says nothing.
  static let nothing = WatchTree.named([:])

  /// Which files directly in such a folder count; nil when none does.
  /// - Parameter drops: which names are drops.
  func nameCheck(drops: @escaping FolderWatcher.NameCheck) -> FolderWatcher.NameCheck? {
    switch self {
    case .drops: drops
    case .named(_, let files) where !files.isEmpty: { _, name in files.contains { name.spells($0) } }
    case .named, .every: nil
    }
  }

  /// How a folder of this name below is watched; nil when it is none of ours.
  package func below(_ name: FileName) -> WatchTree? {
    switch self {
    case .drops: nil
    case .named(let trees, _): trees.first { name.spells($0.key) }?.value
    case .every(let tree): name.hasPrefix(".") || Volume.isOfSystem(name.string) ? nil : tree
    }
  }
}
