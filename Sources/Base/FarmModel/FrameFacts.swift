/// What the render script noted of the scene at one frame, for the names of what is delivered.
package struct FrameFacts: Codable, Hashable, Sendable {
  package var camera: String?
  /// Of the objects that are animated, and of the one that the release names: rotation in degrees about x, y and z.
  package var rotations: [String: [Double]]
  /// True of a picture that may show nothing; nil else.
  package var looksDark: Bool?

  package init(camera: String? = nil, rotations: [String: [Double]] = [:], looksDark: Bool? = nil) {
    self.camera = camera
    self.rotations = rotations
    self.looksDark = looksDark
  }

  /// The rotation of an object; without a name of the only one that was noted.
  package func rotation(of object: String?) -> [Double]? {
    guard let object else { return rotations.count == 1 ? rotations.first?.value : nil }
    return rotations[object]
  }
}
