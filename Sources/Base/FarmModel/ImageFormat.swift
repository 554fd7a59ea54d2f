/// The picture formats that frames are rendered to, named as Blender's Python names them.
package enum ImageFormat: String, Codable, CaseIterable, Sendable {
  case png = "PNG"
  case jpeg = "JPEG"
  case openEXR = "OPEN_EXR"
  case tiff = "TIFF"
  case webp = "WEBP"

  /// The file name's extension that Blender gives it.
  package var fileExtension: String {
    switch self {
    case .png: "png"
    case .jpeg: "jpg"
    case .openEXR: "exr"
    case .tiff: "tif"
    case .webp: "webp"
    }
  }
}

/// The size of a picture in pixels.
package struct PixelSize: Codable, Hashable, Sendable, CustomStringConvertible {
  package let width: Int
  package let height: Int

  package init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  package var description: String { "\(width)×\(height)" }
}
