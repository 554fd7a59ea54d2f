/// The picture formats that frames are rendered to, named as Blender's Python names them.
package enum ImageFormat: String, Codable, CaseIterable, Sendable {
  case png = "PNG"
  case jpeg = "JPEG"
  case openEXR = "OPEN_EXR"
  case openEXRMultilayer = "OPEN_EXR_MULTILAYER"
  case tiff = "TIFF"
  case webp = "WEBP"

  /// The file name's extension that Blender gives it.
  package var fileExtension: String {
    switch self {
    case .png: "png"
    case .jpeg: "jpg"
    case .openEXR, .openEXRMultilayer: "exr"
    case .tiff: "tif"
    case .webp: "webp"
    }
  }

  /// The format of a picture file by its name's extension; nil for one that only other programs read.
  package init?(ofFile name: String) {
    let ending = name.pieces(between: ".").last?.lowercased()
    guard let format = Self.allCases.first(where: { $0.fileExtension == ending }) else { return nil }
    self = format
  }

  /// Whether pieces can be put together to what would have been written whole: pixels come back as they were, and all
  /// lie in one picture (Blender 5.0 writes the layers of a multilayer one apart).
  package var isOneLosslessPicture: Bool { [.png, .tiff, .openEXR].contains(self) }
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
