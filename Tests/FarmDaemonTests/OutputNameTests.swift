import Testing

@testable import FarmDaemon

@Suite("A file below out/")
struct OutputNameTests {
  @Test(arguments: [
    ("000001.png", true), ("-00003.exr", true), ("1048574.tif", true), ("000001_left.png", true),
    ("Plain_000001.png", true), ("Old_000002_right.tga", true), ("contact-sheet.jpg", true),
    ("notes.txt", false), ("000001.blend", false), ("0001.png", false), ("shot.png", false), ("000001", false),
  ])
  func `is the farm's by its name, or somebody else's`(name: String, isOurs: Bool) {
    #expect(SlashAndBurn.isOutput(name) == isOurs)
  }
}
