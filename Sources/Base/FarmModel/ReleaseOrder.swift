/// What people want of a release; see release.yaml.
package struct ReleaseOrder: Codable, Hashable, Sendable {
  /// Jobs that must be there before it is delivered as a whole; nil: it has no plan and delivers job by job.
  package var jobs: [String]?
  /// 0 to 100; higher goes first.
  package var priority: Int
  package var harvest: HarvestMode
  /// The template of delivered names; nil for the usual one.
  package var naming: String?
  /// The object whose rotation names may use; nil for the only animated one.
  package var namingObject: String?
  /// How long after its delivery it goes into the archive by itself; nil: never.
  package var archiveAfter: Duration?
  /// A hundred years: it is not archived by itself.
  package static let neverArchived = Duration.seconds(36_500 * 86_400)
  /// What happens without a plan when a file changes from which a job was rendered.
  package var onChange: OnChange
  package var onMissing: OnMissing
  /// Nil: as farm.yaml says.
  package var still: StillMode?
  /// Patterns of the names of those `.blend`s among its drops that are no jobs: others link them.
  package var assets: [String]
  /// What its jobs want where their own sidecars say nothing.
  package var defaults: JobSettings

  package static let usualPriority = 50
  package static let quickPriority = 60

  /// The priority of a release of which nobody has said any.
  package static func priority(ofRelease name: String) -> Int { name == NameRule.quick ? quickPriority : usualPriority }

  package init(
    jobs: [String]? = nil, priority: Int = Self.usualPriority, harvest: HarvestMode = .auto, naming: String? = nil,
    namingObject: String? = nil, archiveAfter: Duration? = nil, onChange: OnChange = .render,
    onMissing: OnMissing = .block, still: StillMode? = nil, assets: [String] = [],
    defaults: JobSettings = JobSettings()
  ) {
    self.jobs = jobs
    self.priority = priority
    self.harvest = harvest
    self.naming = naming
    self.namingObject = namingObject
    self.archiveAfter = archiveAfter
    self.onChange = onChange
    self.onMissing = onMissing
    self.still = still
    self.assets = assets
    self.defaults = defaults
  }
}
