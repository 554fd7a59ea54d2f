import BlendFile
import FarmModel

/// Files that a `.blend` names and that are not there, or not where its frames are rendered. A value.
struct MissingFiles {
  private static let listedMax = 200

  /// Or there and of no use as they are.
  private let missing: [BlendDependency]
  /// There and not as they should be, but of use.
  private let odd: [BlendDependency]
  /// There, needed, and not where the workers can read it.
  private let outOfReach: [BlendDependency]
  /// There, needed, and not to be recognised when it changes.
  private let unspeakable: [BlendDependency]
  private let onMissing: OnMissing

  /// - Parameter reach: the folders that the workers can read; nil: whatever this machine can.
  init(_ dependencies: [BlendDependency], onMissing: OnMissing, reach: [String]?) {
    self.onMissing = onMissing
    missing = dependencies.filter { !$0.exists && $0.kind.isSeen || $0.flaw?.isInTheWay == true }
    odd = dependencies.filter { $0.flaw?.kind == .odd }
    unspeakable = dependencies.filter { $0.exists && $0.kind.isSeen && $0.reached && $0.isUnspeakable }
    outOfReach = dependencies.filter { file in
      guard let reach, let path = file.resolved else { return false }
      return file.exists && file.kind.isSeen && file.reached && !reach.contains { path.hasBytePrefix($0 + "/") }
    }
  }

  /// One for all that is needed and not there, one for what the workers cannot read, and one for what is named, but by
  /// nothing that is rendered.
  var findings: [Finding] {
    var found: [Finding] = []
    if let first = outOfReach.first {
      let cause =
        "\(first.neededBy) needs \(first.resolved ?? first.path), which no worker can read: it lies outside the volume"
        + Self.more(outOfReach.count)
      found.append(Finding(.blocks, Problem(.outOfReach, cause: cause)))
    }
    let needed = missing.filter(\.reached)
    if let first = needed.first {
      let cause =
        "\(first.neededBy) needs \(shown(first)), which \(Self.why(first))\(Self.more(needed.count))"
        + Self.frames(needed)
      // What is still on its way is not rendered without it, whatever the artist wants of files that are missing.
      switch needed.contains(where: { $0.flaw?.kind == .notWhole }) ? OnMissing.block : onMissing {
      case .block:
        let remedy = needed.first(where: \.isUnspeakable).map { _ in Self.renamed } ?? Self.remedy(first)
        let files = Self.listed(Self.ends(of: needed)[...])
        let problemClass: ProblemClass = first.flaw?.kind == .crashing ? .crashedTheFarm : .missingFile
        found.append(Finding(.blocks, Problem(problemClass, cause: cause, remedy: remedy, missing: files)))
      case .warn:
        let remedy = "Nothing, when it is meant so; else put it there and render the job again."
        found.append(Finding(.note, Problem(.missingFile, cause: cause, remedy: remedy)))
      }
    }
    if let first = odd.first {
      let cause =
        "\(first.neededBy) needs \(shown(first)), which \(first.flaw?.why ?? ""); all its pixels can be read"
        + Self.more(odd.count)
      let remedy = "Nothing, when the pictures look right; else copy it once more."
      found.append(Finding(.note, Problem(.notWhole, cause: cause, remedy: remedy)))
    }
    if let first = unspeakable.first {
      let cause =
        "\(first.neededBy) needs \(shown(first)), whose name is no UTF-8: when it changes, nothing is rendered again"
        + Self.more(unspeakable.count)
      let remedy = "Give it another name and set its path in Blender anew, or remember `farm replace job`."
      found.append(Finding(.note, Problem(.badName, cause: cause, remedy: remedy)))
    }
    let spare = missing.filter { !$0.reached }
    if let first = spare.first {
      found.append(
        Finding(
          .note,
          Problem(
            .missingFile,
            cause: "\(shown(first)), named by \(first.neededBy), \(Self.why(first))\(Self.more(spare.count))",
            remedy: "Nothing; what is rendered does not need it.", missing: Self.listed(spare[...]))))
    }
    return found
  }

  /// The first and the last of too many: files are copied in the order of their names, or in reverse.
  private static func ends(of files: [BlendDependency]) -> [BlendDependency] {
    guard files.count > listedMax else { return files }
    return Array(files.prefix(listedMax / 2) + files.suffix(listedMax / 2))
  }

  private static func listed(_ files: ArraySlice<BlendDependency>) -> [MissingFile] {
    files.map { file in
      MissingFile(path: file.resolved ?? file.path, neededBy: file.neededBy, why: why(file), seen: file.flaw?.seen)
    }
  }

  private static func remedy(_ file: BlendDependency) -> String? {
    switch file.flaw?.kind {
    case .notWhole: return "Wait for the copy to end, or copy the file once more; the job goes on by itself."
    case .unreadable: return "Copy the file once more, or save it again; the job goes on by itself."
    case .crashing:
      return "Save that file again in the program that made it, and the job goes on by itself; report it with the file"
        + " and the daemon's log."
    case nil, .odd: break
    }
    guard file.resolved == nil else { return nil }
    return file.isWrittenRelative ? asRelative : elsewhere
  }

  private static let renamed =
    "Give the file a name in UTF-8, set its path in Blender anew and save again: the farm cannot wait for it as it is."
  private static let asRelative = "Choose File, External Data, Make Paths Relative in Blender and save again."
  private static let elsewhere =
    "Write what the volume is called there under `volume_seen_as:` in farm.yaml, or choose File, External Data, Make"
    + " Paths Relative in Blender and save again."

  private static func why(_ file: BlendDependency) -> String {
    switch file.flaw?.kind {
    case .notWhole: return "is not whole: it \(file.flaw?.why ?? "")"
    case .unreadable: return "cannot be read as a \(file.kind == .library ? ".blend" : "picture")"
    case .crashing: return "was being read both times when the daemon died: it is not read again"
    case nil, .odd: break
    }
    guard file.resolved == nil else { return "is not there" }
    return file.isWrittenRelative
      ? "does not begin with //, so that it lies wherever Blender is started" : "is a place on another machine"
  }

  /// The frames that lack files of caches.
  private static func frames(_ files: [BlendDependency]) -> String {
    let frames = FrameSet(files.flatMap { $0.frames?.frames ?? [] })
    return frames.isEmpty ? "" : ": \(frames.count > 1 ? "frames" : "frame") \(shortened(frames)) cannot be rendered"
  }

  private static func shortened(_ frames: FrameSet) -> String {
    let (words, wordsMax) = (frames.description.split(separator: ","), 8)
    let rest = words.count > wordsMax ? " and more" : ""
    return words.prefix(wordsMax).joined(separator: ",") + rest
  }

  /// A note for each simulation that was baked for fewer frames than are rendered.
  static func notes(on caches: [BlendInspection.ShortCache]) -> [Finding] {
    guard let first = caches.first else { return [] }
    let (count, verb) = first.frames.count > 1 ? ("frames", "show") : ("frame", "shows")
    let cause =
      "the simulation of \(BlendDependency.words(first.by)) is baked up to frame \(first.last): \(count)"
      + " \(shortened(first.frames)) \(verb) \(first.isHeld ? "it as it is then" : "nothing of it")"
      + more(caches.count)
    let remedy = "Nothing, when it is meant so; else bake it up to the last frame in Blender and save again."
    return [Finding(.note, Problem(.unbakedSimulation, cause: cause, remedy: remedy))]
  }

  private static let usdEndings = [".usd", ".usda", ".usdc", ".usdz"]

  /// A note where a USD file is needed: it may refer to others, which only a USD library could name.
  static func notes(onUSDAmong dependencies: [BlendDependency]) -> [Finding] {
    let files = dependencies.filter { file in
      file.kind == .cache && file.reached && usdEndings.contains { file.path.hasByteSuffix(caseless: $0) }
    }
    guard let first = files.first else { return [] }
    let cause =
      "\(first.neededBy) needs \(first.path): farm does not see which files that USD file refers to\(more(files.count))"
    let remedy = "Check that they are there. When one of them changes, render the job again: `farm replace job`."
    return [Finding(.note, Problem(.notSupported, cause: cause, remedy: remedy))]
  }

  private static func more(_ count: Int) -> String { count > 1 ? " (and \(count - 1) more)" : "" }

  /// As an artist knows it: as it is written in the `.blend` itself, else where it lies.
  private func shown(_ file: BlendDependency) -> String {
    file.of == nil || file.resolved == nil ? file.path : file.resolved ?? file.path
  }
}

extension BlendDependency.Flaw {
  /// Whether what needs the file cannot be rendered with it.
  fileprivate var isInTheWay: Bool {
    switch kind {
    case .notWhole, .unreadable, .crashing: true
    case .odd: false
    }
  }
}
