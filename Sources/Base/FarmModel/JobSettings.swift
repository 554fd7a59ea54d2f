/// What people want of a job besides what its file says: `<job>.farm.yaml` beside it, or `defaults:` in release.yaml.
/// Nil: as the file says.
package struct JobSettings: Codable, Hashable, Sendable {
  package var frames: FrameSet?
  package var chunk: ChunkSize?
  package var tiles: TileWish?
  package var layers: NamesWish?
  package var scenes: NamesWish?
  package var samples: Int?
  /// Of the picture's size, in per cent.
  package var percentage: Int?
  package var format: ImageFormat?
  package var device: RenderDevice?
  package var threads: Int?
  package var priority: Int?
  package var order: FrameOrder?
  package var denoise: Bool?
  package var onMissing: OnMissing?
  /// Whether what File Output nodes write is delivered too.
  package var deliverNodes: Bool?

  package init() {}

  /// What is said here, and the rest as `other` says.
  package func over(_ other: JobSettings) -> JobSettings {
    var merged = self
    merged.frames = frames ?? other.frames
    merged.chunk = chunk ?? other.chunk
    merged.tiles = tiles ?? other.tiles
    merged.layers = layers ?? other.layers
    merged.scenes = scenes ?? other.scenes
    merged.samples = samples ?? other.samples
    merged.percentage = percentage ?? other.percentage
    merged.format = format ?? other.format
    merged.device = device ?? other.device
    merged.threads = threads ?? other.threads
    merged.priority = priority ?? other.priority
    merged.order = order ?? other.order
    merged.denoise = denoise ?? other.denoise
    merged.onMissing = onMissing ?? other.onMissing
    merged.deliverNodes = deliverNodes ?? other.deliverNodes
    return merged
  }

  /// `frames 1-10, tiles 4x4, samples 64`; empty where nothing is said.
  package var words: String {
    let said: [(String, String?)] = [
      ("frames", frames?.description), ("scenes", scenes?.words(all: "all")), ("layers", layers?.words(all: "split")),
      ("tiles", tiles?.words),
      ("format", format?.rawValue), ("samples", samples.map { "\($0)" }), ("percentage", percentage.map { "\($0)" }),
      ("denoise", denoise.map { $0 ? "yes" : "no" }), ("device", device?.rawValue),
      ("threads", threads.map { "\($0)" }), ("chunk", chunk?.words), ("order", order?.rawValue),
      ("priority", priority.map { "\($0)" }), ("on_missing", onMissing?.rawValue),
      ("deliver_nodes", deliverNodes.map { $0 ? "yes" : "no" }),
    ]
    return said.compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
  }

  /// What of it the pictures show: where this is another, they are others.
  package var ofPictures: JobSettings {
    var settings = self
    settings.chunk = nil
    settings.device = nil
    settings.threads = nil
    settings.priority = nil
    settings.order = nil
    settings.onMissing = nil
    settings.deliverNodes = nil
    return settings
  }
}

/// Whether pictures are cut into tiles.
package enum TileWish: Codable, Hashable, Sendable {
  /// Where it makes them sooner: large ones, when there are more workers than frames.
  case auto
  case never
  case grid(TileGrid)

  var words: String {
    switch self {
    case .auto: "auto"
    case .never: "never"
    case .grid(let grid): grid.description
    }
  }

  /// Reads `auto`, `never` or `4x4`; nil for anything else.
  package init?(_ text: String) {
    switch text {
    case "auto": self = .auto
    case "never": self = .never
    default:
      guard let grid = TileGrid(text) else { return nil }
      self = .grid(grid)
    }
  }
}

/// Layers or scenes: all that the file uses, or these.
package enum NamesWish: Codable, Hashable, Sendable {
  case all
  case named([String])

  func words(all: String) -> String {
    switch self {
    case .all: all
    case .named(let names): names.joined(separator: "+")
    }
  }
}

/// On what Cycles renders.
package enum RenderDevice: String, Codable, CaseIterable, Sendable {
  /// As the file says, on the best there is.
  case auto
  case cpu, cuda, optix, hip, oneapi
}

/// A picture that a File Output node writes.
package struct NodePicture: Codable, Hashable, Sendable {
  package let node: String
  /// Of a node that writes several which; nil where it writes one.
  package let slot: String?
  /// As `png`.
  package let fileExtension: String
  /// The views that become a picture each, whatever those of the frame itself do; none where there is one picture.
  package let views: [String]

  private enum CodingKeys: String, CodingKey {
    case node, slot, views
    case fileExtension = "extension"
  }

  package init(node: String, slot: String?, fileExtension: String, views: [String] = []) {
    self.node = node
    self.slot = slot
    self.fileExtension = fileExtension
    self.views = views
  }

  /// `Depth`, or `Depth/Z` for one of several.
  package var name: String { node + (slot.map { "/\($0)" } ?? "") }
}
