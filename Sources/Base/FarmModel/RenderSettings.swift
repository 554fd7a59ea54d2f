/// How a revision is rendered, besides which frames of it: a part of what it is.
package struct RenderSettings: Codable, Hashable, Sendable {
  package var onMissing: OnMissing
  /// Whether each of its frames takes all that come before it, because something is simulated as it is rendered.
  package var isSimulated: Bool
  /// What people want besides what the file says.
  package var wanted: JobSettings
  /// What of that its own sidecar said.
  package var said: JobSettings

  private enum CodingKeys: String, CodingKey {
    case onMissing = "on_missing"
    case isSimulated = "is_simulated"
    case wanted, said
  }

  package init(
    onMissing: OnMissing = .block, isSimulated: Bool = false, wanted: JobSettings = JobSettings(),
    said: JobSettings = JobSettings()
  ) {
    self.onMissing = onMissing
    self.isSimulated = isSimulated
    self.wanted = wanted
    self.said = said
  }

  /// What an earlier version did not know is as it was then.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      onMissing: try values.decodeIfPresent(OnMissing.self, forKey: .onMissing) ?? .block,
      isSimulated: try values.decodeIfPresent(Bool.self, forKey: .isSimulated) ?? false,
      wanted: try values.decodeIfPresent(JobSettings.self, forKey: .wanted) ?? JobSettings(),
      said: try values.decodeIfPresent(JobSettings.self, forKey: .said) ?? JobSettings())
  }
}

/// What happens to a job when a file is not there that what is rendered needs: it waits for the file, or it is rendered
/// without, as Blender does that.
package enum OnMissing: String, Codable, CaseIterable, Sendable {
  case block, warn
}

/// Of a scene in which nothing can move: whether its current frame alone is rendered, or its whole range.
package enum StillMode: String, Codable, CaseIterable, Sendable {
  case auto, never
}

/// Under which name other machines know a folder of this one: `Z:\show` or `/Volumes/show`.
package struct SeenPlace: Codable, Hashable, Sendable {
  package let seenAs: String
  package let folder: String

  private enum CodingKeys: String, CodingKey {
    case seenAs = "seen_as"
    case folder
  }

  package init(seenAs: String, folder: String) {
    self.seenAs = seenAs
    self.folder = folder
  }
}
