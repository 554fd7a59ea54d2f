import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDoctor

@Suite("The doctor")
struct CheckupTests {
  private let scratch: ScratchFolder
  private let volume: Volume
  private let blender = BlenderProgram(
    path: "/usr/bin/blender", version: BlenderVersion(major: 3, minor: 4), fullVersion: "3.4.1", buildHash: "",
    canDenoise: false, devices: ["CPU"])

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
  }

  private func report(
    blenders: [BlenderProgram]? = nil, unwell: [UnwellProgram] = [], ledger: LedgerState = .whole
  ) async -> DoctorReport {
    let time = WallClock { Timestamp(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9)) }
    return await Checkup(volume: volume, state: volume.own, clock: time)
      .report(blenders: blenders ?? [blender], unwell: unwell, ledger: ledger)
  }

  private func line(_ report: DoctorReport, _ topic: String) -> DoctorReport.Line? {
    report.lines.first { $0.topic == topic }
  }

  @Test func `finds a good volume well, and leaves nothing in it`() async throws {
    try scratch.folder("volume/releases/spring/store")

    let report = await report()

    #expect(report.isWell, "\(report.lines.filter { $0.verdict == .bad })")
    #expect(
      line(report, "quick")?.text.contains("may write, rename and remove, watched by inotify, writers told") == true)
    #expect(line(report, "releases/spring/store")?.verdict == .good)
    #expect(line(report, "Blender")?.text == "/usr/bin/blender, 3.4.1, without denoiser, CPU")
    #expect(line(report, "clock")?.verdict == .good)
    #expect(line(report, "oiiotool")?.verdict == .good)
    #expect(!volume.root.filesBelow.contains { $0.contains("probe") })
  }

  @Test func `says of everything that is not good which command mends it`() async throws {
    try FileManager.default.removeItem(atPath: volume.dist.string)

    let report = await report(
      blenders: [], unwell: [UnwellProgram(path: "/opt/blender 9/blender", reason: "it did not answer")],
      ledger: .damaged("it is damaged: x"))

    #expect(!report.isWell)
    let troubles = report.lines.filter { $0.verdict != .good }
    #expect(troubles.allSatisfy { $0.remedy?.isEmpty == false })
    #expect(line(report, "dist")?.verdict == .bad)
    #expect(line(report, "ledger")?.remedy?.hasPrefix("Stop farmd, then: mv ") == true)
    #expect(report.lines.contains { $0.remedy == "'/opt/blender 9/blender' -b --version" })
    #expect(report.lines.contains { $0.topic == "Blender" && $0.text == "none was found" })
  }

  @Test func `tells a ledger that is not there yet from one that cannot be opened`() async throws {
    let absent = line(await report(ledger: .absent), "ledger")
    let closed = line(await report(ledger: .closed(FileFailure("open", "/state", errno: EACCES))), "ledger")

    #expect(absent?.verdict == .good)
    #expect(closed?.verdict == .bad)
    #expect(closed?.text.contains("/state") == true)
  }

  @Test func `of a folder that is no volume says how to make it one`() async throws {
    let checkup = Checkup(volume: Volume(root: "/nowhere at all"), state: "/nowhere", clock: TestTime().clock)

    let report = await checkup.report(blenders: [], unwell: [], ledger: .whole)

    #expect(report.lines.map(\.remedy) == ["farm init '/nowhere at all'"])
  }

  @Test func `counts watches against the limit`() {
    #expect(MachineCheck().watches(needed: 10).verdict == .good)
    let far = MachineCheck().watches(needed: 1 << 40)
    #expect(far.verdict == .bad)
    #expect(far.remedy?.hasPrefix("sysctl -w fs.inotify.max_user_watches=") == true)
  }
}
