import FarmModel
import Foundation
import Glibc
import Pictures
import SystemPackage

/// What a Blender that stays is worth, beside Blender as it is started by hand.
extension Bench {
  private static let frames = 48

  /// Jobs of 48 frames of some 0.3 s, half of which is making the scene's 130,000 faces ready, with one slot and with
  /// two; a job of one frame; pictures checked.
  /// - Parameter isQuick: leaves out the 48 single starts of Blender.
  func warm(_ figures: inout Figures, isQuick: Bool) throws {
    let (scene, still) = (folder + "/frames.blend", folder + "/one.blend")
    try makeScenes(scene, still)
    let hand = folder + "/hand"
    let words = ["-b", "--factory-startup", "-noaudio", scene, "-o", hand + "/######", "-F", "PNG", "-x", "1"]
    let alone = try LineProgram.time("/usr/bin/blender", words + ["-a"])
    let one = try rendered(scene, still, slots: 1)
    let two = try rendered(scene, still, slots: 2)
    print(
      String(
        format: "%d frames: blender -a %.2f s; one slot warm %.2f s, cold %.2f s; two slots warm %.2f s, cold %.2f s",
        Self.frames, alone, one.warm, one.cold, two.warm, two.cold))
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

  private func makeScenes(_ scene: String, _ still: String) throws {
    let script = """
      import bpy
      bpy.ops.wm.read_factory_settings(use_empty=True)
      scene = bpy.context.scene
      scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 4, False
      scene.render.resolution_x, scene.render.resolution_y = 320, 180
      scene.frame_end = \(Self.frames)
      camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
      camera.location, camera.rotation_euler = (0, -9, 3), (1.25, 0, 0)
      sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
      for thing in (camera, sun): scene.collection.objects.link(thing)
      scene.camera = camera
      bpy.ops.mesh.primitive_monkey_add()
      thing = bpy.context.object
      thing.modifiers.new("Smooth", "SUBSURF").render_levels = 4
      thing.modifiers.new("Wave", "WAVE")
      thing.keyframe_insert("rotation_euler", frame=1)
      thing.rotation_euler = (0, 0, 3)
      thing.keyframe_insert("rotation_euler", frame=\(Self.frames))
      bpy.ops.wm.save_as_mainfile(filepath='\(scene)')
      scene.frame_end = 1
      bpy.ops.wm.save_as_mainfile(filepath='\(still)')
      """
    try Self.blender(script)
  }

  /// Seconds from queued to completed: of a first job, of the same when the Blenders are up; and of one frame what it
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

  /// Drops a job and waits until it is completed.
  private func seconds(of name: String, _ scene: String, in root: String, _ events: LineProgram) throws -> Double {
    try drop(scene, as: name, in: root, salt: name)
    let begun = try moment(of: "job.queued", name, events)
    return try moment(of: "job.completed", name, events) - begun
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
    let fake = folder + "/fake_blender"
    try FakeBlender.text.write(toFile: fake, atomically: true, encoding: .utf8)
    guard chmod(fake, 0o755) == 0 else { throw BenchFailure("cannot make \(fake) a program") }
    try "slots: 2\nstill: never\nblenders: [\(fake)]\n".write(toFile: config, atomically: true, encoding: .utf8)
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
    daemon.eachLine { _ in }
    let events = try LineProgram(program("farm"), ["events", "--json", "--root", root])
    usleep(500_000)  // The follower is connected by then.
    try drop(scene, as: "flood", in: root, salt: "")
    let begun = try moment(of: "job.queued", "flood", events)
    var asked: [Double] = []
    var memory: [Double] = []
    var done = 0
    while done < frames, let line = try events.line(within: 600) {
      guard line.contains("\"frame.done\"") else { continue }
      done += 1
      if done % (frames / 10) == 0 {
        memory.append(try anonymousMegabytes(of: daemon.pid))
        asked.append(try LineProgram.time(program("farm"), ["status", "--root", root]) * 1000)
      }
    }
    _ = try moment(of: "release.harvested", nil, events)
    let took = Date().timeIntervalSince1970 - begun
    let delivered = try FileManager.default.contentsOfDirectory(atPath: root + "/dist/quick").count
    guard delivered == frames else { throw BenchFailure("\(delivered) of \(frames) pictures were delivered") }
    print(
      String(
        format:
          "%d pictures of 1 kB: %.1f s, %.0f a second; anonymous memory %.0f MB after a tenth, %.0f MB at the end",
        frames, took, Double(frames) / took, memory.first ?? 0, memory.last ?? 0))
    figures.add("a picture through the whole farm, by 2000 a second", took / Double(frames) * 2000, "×", goal: 1)
    figures.add("memory at the end against a tenth of it", (memory.last ?? 0) / (memory.first ?? 1), "×", goal: 1.5)
    figures.add("farm status meanwhile, median", asked.percentile(0.5), "ms", goal: 100)
    events.stop()
    daemon.stop()
  }
}

/// A program that talks as `farm_render.py` does in Blender 3.4.1, and writes a ready-made picture for each frame.
enum FakeBlender {
  static let text = """
    #!/usr/bin/python3
    import json, os, struct, sys, zlib

    def report(**fields):
        data = ("@@farm " + json.dumps(fields) + "\\n").encode()
        while data:
            data = data[os.write(1, data):]

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    lines = b"".join(b"\\0" + os.urandom(30) for _ in range(32))
    picture = (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 32, 8, 2, 0, 0, 0))
               + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))
    report(event="ready", version=[3, 4, 1])
    for line in sys.stdin.buffer:
        command = json.loads(line)
        if command["do"] == "probe":
            report(event="probed", version=[3, 4, 1], hash="fake", can_denoise=False, devices=["CPU"])
        elif command["do"] == "open":
            report(event="opened", is_new=True, width=10, height=32, notes=[], files=[])
        elif command["do"] == "render":
            part = command["file"] + ".part"
            with open(part, "wb") as file:
                file.write(picture)
            os.replace(part, command["file"])
            report(event="frame", frame=command["frame"], seconds=0.0005, facts={"camera": None, "rotations": {}})
    """
}
