import BlendFile
import SystemPackage
import VolumeFiles

/// Where a `.blend` and what it needs are looked for.
package enum InspectedDisk {
  /// The files as they are; a link stands for what it leads to, as it does for Blender.
  package static let real = BlendInspector.Disk(
    summary: { path in Result { () throws(BlendFailure) in try BlendSummary(of: RealPath.of(path) ?? path) } },
    // Unreadable: Blender cannot read it either.
    exists: { (try? FileStatus(at: $0, followsLinks: true)).flatMap(\.self) != nil })
}
