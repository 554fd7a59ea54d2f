import VolumeFiles

/// Which folders below a root are watched, and in which of them files count. A value: knows the layout, not the disk.
package indirect enum WatchTree: Hashable, Sendable {
  /// Files here are drops; folders below are not entered.
  case drops
  /// Folders of these names are entered.
  case named([String: WatchTree])
  /// Every folder is entered, hidden ones excepted.
  case every(WatchTree)

  /// Whether files directly in such a folder count.
  package var takesFiles: Bool { self == .drops }

  /// How a folder of this name below is watched; nil when it is none of ours.
  package func below(_ name: FileName) -> WatchTree? {
    switch self {
    case .drops: nil
    case .named(let trees): trees[name.string]
    case .every(let tree): name.string.hasPrefix(".") ? nil : tree
    }
  }
}
