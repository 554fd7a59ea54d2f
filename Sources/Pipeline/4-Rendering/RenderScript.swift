import FarmModel
import SystemPackage
import VolumeFiles

/// The one Python script that runs inside Blender, installed on the volume where every worker can read it.
package enum RenderScript {
  /// The script's text.
  package static var bytes: [UInt8] { PackageResources.farm_render_py }

  /// Puts the script into `.farm/script/` under a name that holds its digest; an installed one is left alone.
  package static func install(in volume: Volume) throws(FileFailure) -> FilePath {
    let path = volume.script.appending("farm_render-\(FileDigest.of(bytes).short).py")
    if let there = try FileStatus(at: path), there.kind == .regular, there.fingerprint.size == bytes.count {
      return path
    }
    try Durable.write(bytes, to: path)
    return path
  }
}
