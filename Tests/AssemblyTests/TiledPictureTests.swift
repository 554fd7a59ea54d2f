import Assembly
import FarmModel
import FarmTesting
import Pictures
import Supervisor
import SystemPackage
import Testing

@Suite("A picture put together of tiles")
struct TiledPictureTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func oiiotool(_ words: [String]) async throws -> Bool {
    let plain = ["--wildcardoff", "--evaloff", "--no-autopremult"]
    return try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", plain + words)).end.isSuccess
  }

  @Test(arguments: [
    ("png", "uint8", 4), ("png", "uint16", 3), ("exr", "half", 4), ("exr", "float", 5), ("tif", "uint16", 4),
    ("tif", "uint8", 1),
  ])
  func `is the one that was cut, in every bit, whatever its folder is called`(
    ending: String, depth: String, channels: Int
  ) async throws {
    let folder = try scratch.folder("odd {1+1} ## name")
    let whole = folder.appending("whole.\(ending)")
    let noise = ["--pattern", "noise:seed=1", "53x31", "\(channels)", "-d", depth, "-o", whole.string]
    try #require(try await oiiotool(noise))
    let size = PixelSize(width: 53, height: 31)
    let grid = TileGrid(columns: 4, rows: 3)
    var tiles: [(tile: Tile, file: FilePath)] = []
    for tile in grid.tiles {
      let (place, file) = (tile.rectangle(in: size), folder.appending("\(tile.column)-\(tile.row).\(ending)"))
      let cut = "\(place.size.width)x\(place.size.height)+\(place.left)+\(place.top)"
      try #require(
        try await oiiotool([whole.string, "--cut", cut, "--origin", "+0+0", "--fullpixels", "-o", file.string]))
      tiles.append((tile, file))
    }

    let made = folder.appending("made.\(ending)")
    try await TiledPicture(tiles, size: size).make(at: made)

    #expect(try await oiiotool(["--fail", "0", "--failpercent", "0", whole.string, made.string, "--diff"]))
    #expect(TiledPicture.size(of: grid.tiles.map { ($0, $0.rectangle(in: size).size) }) == size)
    let format = try #require(ImageFormat(ofFile: made.string))
    #expect(try Picture(at: made, expecting: format).size == size)
  }

  @Test func `of which a tile is gone says so`() async throws {
    let tile = TileGrid(columns: 2, rows: 1).tiles[0]
    let picture = TiledPicture([(tile, scratch("gone.png"))], size: PixelSize(width: 4, height: 4))

    let failure = await #expect(throws: ToolFailure.self) { try await picture.make(at: scratch("made.png")) }

    #expect(failure?.description.contains("gone.png") == true, "\(failure?.description ?? "")")
    #expect(failure?.remedy.contains("packaging/install-deps") == true)
  }
}
