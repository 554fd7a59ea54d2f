/// A version of Blender as far as files and programs must agree on it.
package struct BlenderVersion: Codable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package let major: Int
  package let minor: Int

  package init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// From the three or four digits of a .blend header: 304 is 3.4, 283 is 2.83, 500 is 5.0.
  package init(headerNumber: Int) {
    major = headerNumber / 100
    minor = headerNumber % 100
  }

  package static func < (a: BlenderVersion, b: BlenderVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
  package var description: String { "\(major).\(minor)" }
}

/// One Blender program that was found and probed; a revision is bound to one when its first frame starts.
package struct BlenderProgram: Codable, Hashable, Sendable {
  package let path: String
  package let version: BlenderVersion
  /// As the program prints it: `3.4.1`.
  package let fullVersion: String
  package let buildHash: String
  /// What else tells this build from others of its version: when it was built, and its file's size and time. Debian's
  /// builds have no hash and no date. Nil in ledgers of earlier versions of the farm.
  package let build: String?
  /// Whether it can denoise; Debian's Blender is built without OpenImageDenoise.
  package let canDenoise: Bool
  /// Cycles devices by type, each GPU once: `CPU`, `CUDA`, `OPTIX`, `HIP`, `ONEAPI`.
  package let devices: [String]

  package init(
    path: String, version: BlenderVersion, fullVersion: String, buildHash: String, build: String? = nil,
    canDenoise: Bool, devices: [String]
  ) {
    self.path = path
    self.version = version
    self.fullVersion = fullVersion
    self.buildHash = buildHash
    self.build = build
    self.canDenoise = canDenoise
    self.devices = devices
  }

  /// Whether the other is the same program in the same build; what it can do may differ, as when a driver is missing.
  package func isSameProgram(as other: BlenderProgram) -> Bool {
    let isSameBuild = build == nil || other.build == nil || build == other.build
    return isSameBuild && (path, fullVersion, buildHash) == (other.path, other.fullVersion, other.buildHash)
  }
}
