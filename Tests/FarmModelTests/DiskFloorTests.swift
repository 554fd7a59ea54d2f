import FarmModel
import Testing

@Suite("What stays free of a disk")
struct DiskFloorTests {
  @Test(arguments: [("5%", 50_000_000), ("2.5%", 25_000_000), ("300MB", 300_000_000), ("2GB", 2_000_000_000)])
  func `is a part of it, or so much`(text: String, bytes: Int64) {
    #expect(DiskFloor(text)?.bytes(ofDisk: 1_000_000_000) == bytes)
  }

  @Test(arguments: ["0%", "0MB"]) func `is never less than what it takes to write anything`(text: String) {
    #expect(DiskFloor(text)?.bytes(ofDisk: 1_000_000_000) == 16 << 20)
  }

  @Test(arguments: ["51%", "-1%", "%", "5", "GB", "5 GB", "99999TB", ""]) func `is nothing else`(text: String) {
    #expect(DiskFloor(text) == nil)
  }
}
