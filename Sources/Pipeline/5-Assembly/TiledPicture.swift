import FarmModel
import Pictures
import SystemPackage

/// A picture that was rendered in tiles; put together it is what would have been rendered whole, bit for bit.
package struct TiledPicture: Sendable {
  private let size: PixelSize
  private let tiles: [(file: FilePath, place: PixelRectangle)]

  /// - Parameter tiles: with the file of each; all of one grid, none is missing.
  package init(_ tiles: [(tile: Tile, file: FilePath)], size: PixelSize) {
    self.size = size
    self.tiles = tiles.map { ($0.file, $0.tile.rectangle(in: size)) }
  }

  /// The size of a whole picture whose tiles have so many pixels: those of a row side by side, those of a column
  /// one under the other.
  package static func size(of tiles: [(tile: Tile, size: PixelSize)]) -> PixelSize {
    PixelSize(
      width: tiles.filter { $0.tile.row == 0 }.reduce(0) { $0 + $1.size.width },
      height: tiles.filter { $0.tile.column == 0 }.reduce(0) { $0 + $1.size.height })
  }

  /// Makes the whole picture, with oiiotool; bits, channels and compression are those of the tiles.
  package func make(at file: FilePath) async throws(ToolFailure) {
    // Colours stay as they are written, also where they are half transparent.
    var arguments = ["--no-autopremult", "--nosoftwareattrib"]
    for (tile, place) in tiles {
      arguments += [
        tile.string, "--origin", "+\(place.left)+\(place.top)", "--fullsize", "\(size.width)x\(size.height)+0+0",
      ]
    }
    arguments += ["--paste:all=1:mergeroi=1", "+0+0", "-o", file.string]
    try await OIIOTool.run(arguments)
  }
}
