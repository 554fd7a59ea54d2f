import FarmModel
import FarmTesting
import Foundation
import LocalEngine
import Logging
import Rendering
import Supervisor
import SystemPackage
import Testing

/// Blender ends with exit code 0 and the picture is wrong or missing: what the engine and the check make of it.
@Suite("A Blender that ends well with wrong output", .serialized)
struct WrongOutputTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// Runs one task to its end.
  /// - Parameter mend: changes the render script's text.
  private func reports(
    of scene: FilePath, frames: FrameSet = FrameSet(1...1), format: ImageFormat = .png, folder: FilePath? = nil,
    sceneName: String? = nil, hangAfter: Duration = .seconds(600), mend: (String) -> String = { $0 }
  ) async throws -> [EngineReport] {
    let script = try scratch.write(mend(String(decoding: RenderScript.bytes, as: UTF8.self)), to: "script.py")
    let engine = LocalEngine(
      LocalEngine.Setup(
        script: script, blenders: [Scenes.blender], slots: 1, hangAfter: hangAfter, temporary: scratch("tmp"),
        now: { .now }),
      log: Logger(label: "test"))
    let folder = folder ?? scratch("work")
    let log = scratch("task.log").string
    return await withTaskGroup(of: [EngineReport].self) { group in
      group.addTask {
        await engine.run()
        return []
      }
      var all = engine.reports.makeAsyncIterator()
      guard case .abilities(let able)? = await all.next(), let blender = able.blenders.first else { return [] }
      await engine.submit(
        RenderTask(
          id: 1, revision: 1, job: JobName(release: "quick", job: "wrong"), frames: frames, blend: scene.string,
          part: RenderPart(scene: sceneName), folder: folder.string, format: format, blender: blender, log: log))
      var seen: [EngineReport] = []
      while let report = await all.next() {
        seen.append(report)
        if case .started(_, _, let process?) = report, hangAfter < .seconds(60) { kill(-process.pid, SIGSTOP) }
        if case .ended = report { break }
      }
      group.cancelAll()
      return seen
    }
  }

  private func problem(_ reports: [EngineReport]) -> Problem? {
    if case .ended(_, .failed(let problem, _))? = reports.last { return problem }
    return nil
  }

  private func frames(_ reports: [EngineReport]) -> [RenderedFrame] {
    reports.compactMap { if case .frame(_, let frame) = $0 { frame } else { nil } }
  }

  @Test func `because its script raised is a python error`() async throws {
    let reports = try await reports(of: Scenes.shared.path("still")) {
      $0.replacingOccurrences(of: "    go_to(command[\"frame\"], scene)", with: "    raise ValueError('a mistake')")
    }

    #expect(problem(reports)?.problemClass == .pythonError)
    #expect(frames(reports).isEmpty)
  }

  @Test func `because a file of its cache came while it rendered delivers nothing`() async throws {
    let scenes = try await Scenes.shared.path("half_draped").removingLastComponent()
    for name in ["half_draped.blend", "blendcache_half_draped"] {
      try FileManager.default.copyItem(atPath: scenes.appending(name).string, toPath: scratch(name).string)
    }
    let late = scratch("blendcache_half_draped").appending("47726964_000009_00.bphys")

    let reports = try await reports(of: scratch("half_draped.blend"), frames: FrameSet(2...3)) {
      $0.replacingOccurrences(
        of: "    changed = changed_file(", with: "    open('\(late.string)', 'wb').close()\n    changed = changed_file("
      )
    }

    let problems = reports.compactMap { if case .frameFailed(_, _, let problem) = $0 { problem } else { nil } }
    #expect(!problems.isEmpty && problems.allSatisfy { $0.problemClass == .changedMeanwhile })
    #expect(problems.first?.cause.contains(late.lastComponent?.string ?? "-") == true)
    #expect(frames(reports).isEmpty)
  }

  @Test func `because something called sys.exit(0) delivers nothing`() async throws {
    let reports = try await reports(of: Scenes.shared.path("still"), frames: FrameSet(1...2)) {
      $0.replacingOccurrences(of: "    go_to(command[\"frame\"], scene)", with: "    sys.exit(0)")
    }

    #expect(problem(reports)?.cause == "Blender ended with exit code 0 before it was done")
    #expect(frames(reports).isEmpty)
  }

  @Test func `because the wanted scene is not in the file is told`() async throws {
    let reports = try await reports(of: Scenes.shared.path("two_scenes"), sceneName: "Nope")

    #expect(problem(reports)?.cause == "Blender finds no scene Nope in the file")
    #expect(frames(reports).isEmpty)
  }

  @Test func `because its format is not known is told`() async throws {
    let reports = try await reports(of: Scenes.shared.path("still")) {
      $0.replacingOccurrences(
        of: "put(settings, \"render.image_settings.file_format\", command[\"format\"])",
        with: "settings.file_format = \"WIBBLE\"")
    }

    #expect(problem(reports)?.problemClass == .pythonError)
    #expect(frames(reports).isEmpty)
  }

  @Test(.enabled(if: Needs.mounts), arguments: [ImageFormat.png, .jpeg, .openEXR, .tiff, .webp])
  func `because the disk is full has no frame that passes`(format: ImageFormat) async throws {
    // Room for a first part of a picture of 640×360 pixels, whatever its format.
    let disk = try SmallDisk(size: "8k", at: scratch("disk"))

    let reports = try await reports(
      of: Scenes.shared.path("still"), format: format, folder: disk.path.appending("work")
    ) {
      $0.replacingOccurrences(
        of: "    put(render, \"render.use_border\", False)",
        with: "    render.use_border, render.resolution_percentage = False, 1000; render.image_settings.quality = 100")
    }

    for frame in frames(reports) {
      let verdict = FrameCheck.check(
        FilePath(frame.pictures[0].file), as: FrameCheck.Wanted(format, size: PixelSize(width: 640, height: 360)))
      #expect(throws: FrameRefusal.self) { try verdict.get() }
    }
    // What Blender takes for a success, as measured.
    let isHonest = format == .png || format == .jpeg
    #expect(frames(reports).isEmpty == isHonest, "\(reports)")
  }

  @Test(arguments: [ImageFormat.png, .jpeg, .openEXR, .tiff, .webp])
  func `is not what happens with room enough`(format: ImageFormat) async throws {
    let reports = try await reports(of: Scenes.shared.path("still"), format: format)

    let frame = try #require(frames(reports).first, "\(reports)")
    let verdict = FrameCheck.check(
      FilePath(frame.pictures[0].file), as: FrameCheck.Wanted(format, size: PixelSize(width: 64, height: 36)))
    #expect(throws: Never.self) { try verdict.get() }
  }

  @Test func `is not waited for when it was stopped: it hangs`() async throws {
    let reports = try await reports(of: Scenes.shared.path("slow"), hangAfter: .seconds(2))

    #expect(problem(reports)?.problemClass == .hung)
    #expect(problem(reports)?.cause == "Blender used no processor and said nothing for 2s, and was ended")
  }

  @Test func `says that a GPU was asked for and none is there`() async throws {
    let reports = try await reports(of: Scenes.shared.path("gpu"))

    let notes = reports.flatMap { report -> [Problem] in
      if case .opened(_, let scene) = report { scene.notes } else { [] }
    }
    #expect(notes.map(\.problemClass) == [.noGPU])
    #expect(frames(reports).count == 1)
  }
}
