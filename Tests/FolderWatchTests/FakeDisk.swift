import CInotifyTools
import FarmModel
import Foundation
import SystemPackage
import VolumeFiles

@testable import FolderWatch

/// A disk in memory with the kernel's side of inotify: folders, files with writers, watches by inode, a queue of events
/// that overflows.
struct FakeDisk {
  final class Node {
    let inode: Int64
    let isFolder: Bool
    var children: [FileName: Node] = [:]
    var mtime: Int64
    var ctime: Int64
    var size: Int64 = 0
    var isWhole = false
    var writers = 0

    init(inode: Int64, isFolder: Bool, at time: Int64) {
      self.inode = inode
      self.isFolder = isFolder
      mtime = time
      ctime = time
    }

    var fingerprint: Fingerprint {
      Fingerprint(device: 1, inode: inode, size: size, mtimeNanoseconds: mtime, ctimeNanoseconds: ctime)
    }
  }

  var queueMax = 40

  private(set) var root: Node
  private var inodes: Int64 = 1
  /// Counts every change, as a clock of the disk.
  private var ticks: Int64 = 1
  private var watches: [Int32: Int64] = [:]
  private var highestWatch: Int32 = 0
  private(set) var queue: [InotifyEvent] = []
  var watchesMax = Int.max

  init() { root = Node(inode: 1, isFolder: true, at: 0) }

  // MARK: - What programs do

  func node(_ path: FilePath) -> Node? {
    path.components.reduce(root as Node?) { $0?.children[FileName($1)] }
  }

  mutating func makeFolder(_ path: FilePath) { make(path, isFolder: true) }

  /// A file that nobody has begun to write.
  @discardableResult
  mutating func make(_ path: FilePath, isFolder: Bool = false) -> Node? {
    guard let parent = node(path.removingLastComponent()), parent.isFolder, let name = path.lastName,
      parent.children[name] == nil
    else { return nil }
    inodes += 1
    let made = Node(inode: inodes, isFolder: isFolder, at: tick())
    link(made, parent, name)
    tell(parent, IN_CREATE | (isFolder ? IN_ISDIR : 0), name)
    return made
  }

  /// Opens for writing, writes; the file is whole or not afterwards, and stays open.
  mutating func write(_ node: Node, whole: Bool) {
    node.size += 1
    node.mtime = tick()
    node.ctime = node.mtime
    node.isWhole = whole
  }

  mutating func close(_ node: Node) {
    node.writers -= 1
    for (parent, name) in places(of: node) { tell(parent, IN_CLOSE_WRITE, name) }
  }

  mutating func touch(_ path: FilePath) {
    guard let node = node(path), let parent = self.node(path.removingLastComponent()) else { return }
    node.ctime = tick()
    path.lastName.map { tell(parent, IN_ATTRIB | (node.isFolder ? IN_ISDIR : 0), $0) }
  }

  mutating func remove(_ path: FilePath) {
    guard let parent = node(path.removingLastComponent()), let name = path.lastName,
      let node = parent.children[name]
    else { return }
    for child in node.children.keys.sorted(by: { $0.string < $1.string }) { remove(path.appending(child)) }
    unlink(parent, name)
    if node.isFolder {
      tellSelf(node, IN_DELETE_SELF)
      tellSelf(node, IN_IGNORED)
      watches = watches.filter { $0.value != node.inode }
    }
    tell(parent, IN_DELETE | (node.isFolder ? IN_ISDIR : 0), name)
  }

  /// `rename`: a file in the way is replaced, a folder in the way refuses.
  mutating func move(_ from: FilePath, _ to: FilePath) {
    guard from != to, !to.starts(with: from), let node = node(from),
      let source = self.node(from.removingLastComponent()), let target = self.node(to.removingLastComponent()),
      target.isFolder, let old = from.lastName, let new = to.lastName
    else { return }
    if let inTheWay = target.children[new], inTheWay.isFolder || node.isFolder { return }
    unlink(source, old)
    link(node, target, new)
    node.ctime = tick()
    let kind = node.isFolder ? IN_ISDIR : 0
    tell(source, IN_MOVED_FROM | kind, old)
    tell(target, IN_MOVED_TO | kind, new)
    if node.isFolder { tellSelf(node, IN_MOVE_SELF) }
  }

  mutating func exchange(_ a: FilePath, _ b: FilePath) {
    guard !a.starts(with: b), !b.starts(with: a), let first = node(a), let second = node(b),
      let parentA = node(a.removingLastComponent()), let parentB = node(b.removingLastComponent()),
      let nameA = a.lastName, let nameB = b.lastName
    else { return }
    link(first, parentB, nameB)
    link(second, parentA, nameA)
    first.ctime = tick()
    second.ctime = tick()
    for (node, from, old, to, new) in [
      (first, parentA, nameA, parentB, nameB), (second, parentB, nameB, parentA, nameA),
    ] {
      let kind = node.isFolder ? IN_ISDIR : 0
      tell(from, IN_MOVED_FROM | kind, old)
      tell(to, IN_MOVED_TO | kind, new)
      if node.isFolder { tellSelf(node, IN_MOVE_SELF) }
    }
  }

  mutating func hardLink(_ from: FilePath, _ to: FilePath) {
    guard let node = node(from), !node.isFolder, let parent = self.node(to.removingLastComponent()), parent.isFolder,
      let name = to.lastName, parent.children[name] == nil
    else { return }
    link(node, parent, name)
    node.ctime = tick()
    tell(parent, IN_CREATE, name)
  }

  private mutating func link(_ node: Node, _ parent: Node, _ name: FileName) {
    parent.children[name] = node
    parent.mtime = tick()
    parent.ctime = parent.mtime
  }

  private mutating func unlink(_ parent: Node, _ name: FileName) {
    parent.children[name]?.ctime = tick()
    parent.children[name] = nil
    parent.mtime = tick()
    parent.ctime = parent.mtime
  }

  private func places(of node: Node) -> [(Node, FileName)] {
    func below(_ folder: Node) -> [(Node, FileName)] {
      folder.children.flatMap { name, child in
        child === node ? [(folder, name)] : child.isFolder ? below(child) : []
      }
    }
    return below(root)
  }

  private mutating func tick() -> Int64 {
    ticks += 1
    return ticks
  }

  // MARK: - The kernel

  private mutating func tell(_ folder: Node, _ mask: Int32, _ name: FileName) {
    for (watch, inode) in watches where inode == folder.inode { add(InotifyEvent(watch, mask, name)) }
  }

  private mutating func tellSelf(_ folder: Node, _ mask: Int32) {
    for (watch, inode) in watches where inode == folder.inode { add(InotifyEvent(watch, mask, nil)) }
  }

  private mutating func add(_ event: InotifyEvent) {
    if queue.count < queueMax {
      queue.append(event)
    } else if queue.last?.mask != UInt32(IN_Q_OVERFLOW) {
      queue.append(InotifyEvent(-1, IN_Q_OVERFLOW, nil))
    }
  }

  mutating func takeEvents(_ count: Int) -> [InotifyEvent] {
    let taken = Array(queue.prefix(count))
    queue.removeFirst(taken.count)
    return taken
  }

  mutating func watch(_ path: FilePath) -> Result<Int32, WatchFailure> {
    guard let node = node(path), node.isFolder else { return .failure(.notWatched(path, errno: ENOENT)) }
    if let same = watches.first(where: { $0.value == node.inode }) { return .success(same.key) }
    guard watches.count < watchesMax else { return .failure(.watchLimit(path)) }
    highestWatch += 1
    watches[highestWatch] = node.inode
    return .success(highestWatch)
  }

  mutating func unwatch(_ watch: Int32) {
    guard watches.removeValue(forKey: watch) != nil else { return }
    add(InotifyEvent(watch, IN_IGNORED, nil))
  }

  // MARK: - What a look sees

  func look(into question: FolderLook.Question) -> FolderLook {
    guard let folder = node(question.folder), folder.isFolder else { return .gone }
    let stamp = FolderStamp(folder.fingerprint)
    guard stamp != question.unless else { return .same }
    var files = Reconciler(known: question.known)
    for (name, node) in folder.children where question.accepts?(question.folder, name) == true {
      files.saw(name, node.fingerprint)
    }
    let folders = folder.children.filter(\.value.isFolder).map(\.key).sorted { $0.string < $1.string }
    return .listed(stamp, folders: folders, files: files.finish())
  }

  func look(at path: FilePath, deep: Bool) -> Look {
    guard let node = node(path) else { return .gone }
    if node.isFolder { return .notAFile("a folder", node.fingerprint) }
    guard node.writers == 0 else { return .file(node.fingerprint, writer: .writer, wholeness: nil) }
    let wholeness: Wholeness? = deep ? (node.isWhole ? .whole : .notYet("it is cut off")) : nil
    return .file(node.fingerprint, writer: .noWriter, wholeness: wholeness)
  }
}

extension InotifyEvent {
  init(_ watch: Int32, _ mask: Int32, _ name: FileName?) {
    self.init(watch: watch, mask: UInt32(bitPattern: mask), name: name)
  }
}
