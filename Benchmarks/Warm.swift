import Dispatch
import FarmModel
import Foundation
import Glibc
import Pictures
import SystemPackage

/// What a Blender that stays is worth, beside Blender as it is started by hand.
extension Bench {
  private static let frames = 48

  /// Jobs of 48 frames of some 0.3 s, most of which one processor takes to make the scene ready, as of most short frames,
  /// with one slot and with two; a job of one frame; pictures checked.
  /// - Parameter isQuick: leaves out the 48 single starts of Blender.
  func warm(_ figures: inout Figures, isQuick: Bool) throws {
    let (scene, still) = (folder + "/frames.blend", folder + "/one.blend")
    try makeScenes(scene, still)
    let hand = folder + "/hand"
    let words = ["-b", "--factory-startup", "-noaudio", scene, "-o", hand + "/######", "-F", "PNG", "-x", "1"]
    let before = Self.processorSeconds
    let alone = try LineProgram.time("/usr/bin/blender", words + ["-a"])
    let busy = (Self.processorSeconds - before) / alone
    let one = try rendered(scene, still, slots: 1)
    let two = try rendered(scene, still, slots: 2)
    print(
      String(
        format: "%d frames: blender -a %.2f s, with %.2f processors busy; one slot warm %.2f s, cold %.2f s; "
          + "two slots warm %.2f s, cold %.2f s",
        Self.frames, alone, busy, one.warm, one.cold, two.warm, two.cold))
    figures.add("\(Self.frames) frames, one warm slot against blender -a", one.warm / alone, "×", goal: 1.05)
    figures.add("\(Self.frames) frames, two warm slots against blender -a", two.warm / alone, "×", goal: 0.65)
    figures.add("one frame, warm: drop to checked, beyond the frame's own time", one.beyond, "s", goal: 0.25)
    if !isQuick {
      let single = try (1...Self.frames).reduce(0.0) { sum, frame in
        sum + (try LineProgram.time("/usr/bin/blender", words + ["-f", "\(frame)"]))
      }
      print(String(format: "%d times blender -f: %.1f s, one warm slot %.2f×", Self.frames, single, one.warm / single))
    }
    try pictures(&figures)
  }

  /// What children that have ended took.
  private static var processorSeconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }

  private func makeScenes(_ scene: String, _ still: String) throws {
    let script = """
      import bpy
      bpy.ops.wm.read_factory_settings(use_empty=True)
      scene = bpy.context.scene
      scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
      scene.render.resolution_x, scene.render.resolution_y = 320, 180
      scene.frame_end = \(Self.frames)
      camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
      camera.location, camera.rotation_euler = (0, -9, 3), (1.25, 0, 0)
      sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
      for thing in (camera, sun): scene.collection.objects.link(thing)
      scene.camera = camera
      bpy.ops.mesh.primitive_monkey_add()
      thing = bpy.context.object
      thing.modifiers.new("Smooth", "SUBSURF").render_levels = 2
      bevel = thing.modifiers.new("Bevel", "BEVEL")
      bevel.segments, bevel.limit_method = 1, "NONE"
      for frame, width in ((1, 0.001), (\(Self.frames), 0.01)):
          bevel.width = width
          bevel.keyframe_insert("width", frame=frame)
      thing.keyframe_insert("rotation_euler", frame=1)
      thing.rotation_euler = (0, 0, 3)
      thing.keyframe_insert("rotation_euler", frame=\(Self.frames))
      bpy.ops.wm.save_as_mainfile(filepath='\(scene)')
      scene.frame_end = 1
      bpy.ops.wm.save_as_mainfile(filepath='\(still)')
      """
    try Self.blender(script)
  }

  /// Seconds from queued to the last frame: of a first job, of the same when the Blenders are up; and of one frame what it
  /// took from the drop on, less its own time.
  private func rendered(
    _ scene: String, _ still: String, slots: Int
  ) throws -> (cold: Double, warm: Double, beyond: Double) {
    let root = try volume("warm-\(slots)")
    let config = folder + "/warm-\(slots).yaml"
    try "slots: \(slots)\n".write(toFile: config, atomically: true, encoding: .utf8)
    let daemon = try LineProgram(program("farmd"), ["--root", root, "--config", config])
    try daemon.line(with: "found Blender")
    daemon.eachLine { _ in }
    let events = try LineProgram(program("farm"), ["events", "--json", "--root", root])
    usleep(500_000)  // The follower is connected by then.
    let cold = try seconds(of: "cold", scene, in: root, events)
    let warm = try seconds(of: "warm", scene, in: root, events)
    var beyond: [Double] = []
    for number in 0..<5 {
      let name = "one_\(number)"
      let dropped = Date().timeIntervalSince1970
      try drop(still, as: name, in: root, salt: "\(number)")
      let checked = try moment(of: "frame.done", name, events)
      _ = try moment(of: "job.completed", name, events)
      beyond.append(checked - dropped - (try frameSeconds(name, root)))
    }
    events.stop()
    daemon.stop()
    return (cold, warm, beyond.percentile(0.5))
  }

  /// Drops a job and waits until all its frames are checked and in their place; what is made of them together, as the
  /// contact sheet, Blender by hand does not make.
  private func seconds(of name: String, _ scene: String, in root: String, _ events: LineProgram) throws -> Double {
    try drop(scene, as: name, in: root, salt: name)
    let begun = try moment(of: "job.queued", name, events)
    let rendered = try moment(of: "job.assembling", name, events)
    _ = try moment(of: "job.completed", name, events)
    return rendered - begun
  }

  /// As other bytes each time: what follows ENDB is read by nobody.
  private func drop(_ scene: String, as name: String, in root: String, salt: String) throws {
    var bytes = try Data(contentsOf: URL(filePath: scene))
    bytes.append(Data(salt.utf8))
    let part = folder + "/\(name).part"
    try bytes.write(to: URL(filePath: part))
    guard rename(part, "\(root)/quick/\(name).blend") == 0 else { throw BenchFailure("cannot drop \(name)") }
  }

  /// What the job's one frame took to render, in seconds.
  private func frameSeconds(_ name: String, _ root: String) throws -> Double {
    struct Detail: Decodable {
      struct Line: Decodable { let renderMilliseconds: Double? }
      let outputs: [Line]
    }
    let program = try LineProgram(program("farm"), ["show", "job", "quick/\(name)", "--json", "--root", root])
    var text = ""
    while let line = try program.line() { text += line }
    waitpid(program.pid, nil, 0)
    let detail = try JSONDecoder().decode(Detail.self, from: Data(text.utf8))
    return (detail.outputs.first?.renderMilliseconds ?? 0) / 1000
  }

  // MARK: - Pictures

  /// How long it takes to know that a picture is whole, from the page cache.
  private func pictures(_ figures: inout Figures) throws {
    let script = """
      import bpy
      bpy.ops.wm.open_mainfile(filepath='\(folder)/frames.blend')
      scene = bpy.context.scene
      scene.cycles.samples = 4
      scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
      for kind in ("PNG", "OPEN_EXR"):
          scene.render.image_settings.file_format = kind
          scene.render.filepath = '\(folder)/full_hd'
          bpy.ops.render.render(write_still=True)
      """
    try Self.blender(script)
    for (file, format, goal) in [("full_hd.png", ImageFormat.png, 5.0), ("full_hd.exr", .openEXR, 2)] {
      let path = FilePath(folder + "/" + file)
      let times = try (0..<50).map { _ in
        let begun = ContinuousClock.now
        _ = try Picture(at: path, expecting: format)
        return (ContinuousClock.now - begun) / .milliseconds(1)
      }
      let bytes = try FileManager.default.attributesOfItem(atPath: path.string)[.size] as? Int ?? 0
      figures.add(
        "\(format.rawValue) of 1920×1080 checked, \(bytes / 1000) kB", times.percentile(0.5), "ms", goal: goal)
    }
  }

  // MARK: - A renderer that costs nothing

  /// Very many small pictures through the whole farm: tracked, checked, promoted, delivered.
  func flood(_ figures: inout Figures, frames: Int) throws {
    let (root, config) = (try volume("flood"), folder + "/flood.yaml")
    let fake = try FakeBlender.make(in: folder)
    try "slots: 4\nstill: never\nblenders: [\(fake)]\n".write(toFile: config, atomically: true, encoding: .utf8)
    let scene = folder + "/flood.blend"
    try Self.blender(
      """
      import bpy
      bpy.context.scene.frame_end = \(frames)
      bpy.context.scene.cycles.use_denoising = False
      bpy.ops.wm.save_as_mainfile(filepath='\(scene)')
      """)
    let daemon = try LineProgram(program("farmd"), ["--root", root, "--config", config])
    try daemon.line(with: "found Blender")
    let isOver = DispatchSemaphore(value: 0)
    daemon.eachLine { if $0.contains("release.harvested") { isOver.signal() } }
    // What lay there before the farm is known then: nothing.
    _ = try LineProgram.time(program("farm"), ["sync", "--root", root])
    let begun = ContinuousClock.now
    try drop(scene, as: "flood", in: root, salt: "")
    var asked: [Double] = []
    var memory: [Double] = []
    // Whoever followed each event would take the processors that are measured.
    while isOver.wait(timeout: .now() + 2) == .timedOut {
      asked.append(try LineProgram.time(program("farm"), ["status", "--root", root]) * 1000)
      memory.append(try anonymousMegabytes(of: daemon.pid))
    }
    let took = (ContinuousClock.now - begun) / .seconds(1)
    let delivered = try FileManager.default.contentsOfDirectory(atPath: root + "/dist/quick").count
    guard delivered == frames, !memory.isEmpty else {
      throw BenchFailure("\(delivered) of \(frames) pictures were delivered")
    }
    let tenth = memory[memory.count / 10]
    print(
      String(
        format:
          "%d pictures of 1 kB: %.1f s, %.0f a second; anonymous memory %.0f MB after a tenth, at most %.0f MB",
        frames, took, Double(frames) / took, tenth, memory.max() ?? 0))
    figures.add("a picture through the whole farm, by 2000 a second", took / Double(frames) * 2000, "×", goal: 1)
    figures.add("the most memory against that after a tenth", (memory.max() ?? 0) / tenth, "×", goal: 1.5)
    figures.add("farm status meanwhile, median", asked.percentile(0.5), "ms", goal: 100)
    daemon.stop()
  }
}
