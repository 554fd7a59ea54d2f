/// Which of a job's pictures go together: those of one scene, of one of its layers, or one tile of each of them.
package struct RenderPart: Codable, Hashable, Sendable {
  /// Nil: the one that the file opens with.
  package var scene: String?
  /// The only view layer that is rendered; nil: all that the file uses, in one picture.
  package var layer: String?
  /// Nil: whole pictures.
  package var tile: Tile?

  package init(scene: String? = nil, layer: String? = nil, tile: Tile? = nil) {
    self.scene = scene
    self.layer = layer
    self.tile = tile
  }

  /// By bytes, as Blender compares names.
  package static func == (a: RenderPart, b: RenderPart) -> Bool {
    a.scene.map(ExactText.init) == b.scene.map(ExactText.init)
      && a.layer.map(ExactText.init) == b.layer.map(ExactText.init)
      && a.tile == b.tile
  }

  /// Of the bytes.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(scene.map(ExactText.init))
    hasher.combine(layer.map(ExactText.init))
    hasher.combine(tile)
  }

  /// The whole pictures of which it has tiles.
  package var whole: RenderPart { RenderPart(scene: scene, layer: layer) }

  /// `scene Beta, layer Sky, tile 2,1 of 4x4`; empty for all of a file's usual scene.
  package var words: String {
    [scene.map { "scene \($0)" }, layer.map { "layer \($0)" }, tile.map { "tile \($0)" }].compactMap { $0 }
      .joined(separator: ", ")
  }
}

/// How a picture is cut: into so many columns and rows of rectangles, as equal as whole pixels allow.
package struct TileGrid: Codable, Hashable, Sendable {
  package let columns: Int
  package let rows: Int

  /// For columns and for rows.
  package static let range = 1...64

  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  /// Reads `4x4`; nil for anything else, and for a single tile.
  package init?(_ text: String) {
    let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let columns = numbers[0], let rows = numbers[1], Self.range.contains(columns),
      Self.range.contains(rows), columns * rows > 1
    else { return nil }
    self.init(columns: columns, rows: rows)
  }

  /// Row by row from the top, each from the left.
  package var tiles: [Tile] {
    (0..<rows).flatMap { row in (0..<columns).map { Tile(column: $0, row: row, grid: self) } }
  }
}

extension TileGrid: CustomStringConvertible {
  package var description: String { "\(columns)x\(rows)" }
}

/// One rectangle of a cut picture.
package struct Tile: Codable, Hashable, Sendable {
  /// Both count from 0, from the left and from the top.
  package let column: Int
  package let row: Int
  package let grid: TileGrid

  package init(column: Int, row: Int, grid: TileGrid) {
    self.column = column
    self.row = row
    self.grid = grid
  }

  /// The pixels of a picture that are its own: each pixel is exactly one tile's.
  package func rectangle(in size: PixelSize) -> PixelRectangle {
    let (left, right) = (size.width * column / grid.columns, size.width * (column + 1) / grid.columns)
    let (top, bottom) = (size.height * row / grid.rows, size.height * (row + 1) / grid.rows)
    return PixelRectangle(left: left, top: top, size: PixelSize(width: right - left, height: bottom - top))
  }
}

/// `2,1 of 4x4`: the third from the left in the second row.
extension Tile: LosslessStringConvertible {
  package var description: String { "\(column),\(row) of \(grid)" }

  package init?(_ text: String) {
    let parts = text.split(separator: " ")
    let place = parts.first?.split(separator: ",").compactMap { Int($0) } ?? []
    guard parts.count == 3, place.count == 2, let grid = TileGrid(String(parts[2])),
      (0..<grid.columns).contains(place[0]), (0..<grid.rows).contains(place[1])
    else { return nil }
    self.init(column: place[0], row: place[1], grid: grid)
  }
}

/// A part of a picture, in pixels from its upper left corner.
package struct PixelRectangle: Codable, Hashable, Sendable {
  package let left: Int
  package let top: Int
  package let size: PixelSize

  package init(left: Int, top: Int, size: PixelSize) {
    self.left = left
    self.top = top
    self.size = size
  }
}
