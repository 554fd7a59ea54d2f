import FarmModel
import Glibc
import SystemPackage
import Supervisor
import VolumeFiles

/// How many processors other programs than the farm's keep busy, over about half a minute. A value.
struct OthersLoad: Hashable, Sendable {
  /// Processor time since some moment, in seconds: of the whole machine, and of the farm's own process groups.
  struct Sample: Hashable, Sendable {
    let busy: Double
    let own: [Int32: Double]
  }

  private static let memory = 30.0

  private var last: Sample?
  /// Nil before two looks.
  private(set) var processors: Double?

  /// - Parameter seconds: since the look before.
  mutating func looked(_ sample: Sample, after seconds: Double) {
    defer { last = sample }
    guard let last, seconds > 0 else { return }
    // A process that ended took its time with it.
    let own = sample.own.reduce(0) { $0 + max(0, $1.value - (last.own[$1.key] ?? $1.value)) }
    let others = max(0, sample.busy - last.busy - own) / seconds
    let share = min(1, seconds / Self.memory)
    processors = processors.map { $0 + (others - $0) * share } ?? others
  }
}

extension OthersLoad.Sample {
  /// This machine as it is now; nil where the kernel does not say.
  /// - Parameter groups: the process groups of the farm's renderers.
  static func ofThisMachine(groups: Set<Int32>) -> OthersLoad.Sample? {
    // `cpu  user nice system idle iowait irq softirq steal …`, in ticks.
    guard let bytes = try? FileBytes.all(of: "/proc/stat", limitBytes: 1 << 20),
      let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first
    else { return nil }
    let ticks = line.split(separator: " ").compactMap { Double($0) }
    guard ticks.count >= 8 else { return nil }
    let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    let busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
    let own = groups.map { ($0, Double(ProcessTable.processorTicks(ofGroup: $0)) / perSecond) }
    return OthersLoad.Sample(busy: busy / perSecond, own: Dictionary(uniqueKeysWithValues: own))
  }
}

extension LocalTime {
  /// On this machine's clock and in its time zone.
  init(_ moment: Timestamp) {
    var seconds = time_t(moment.parts.seconds)
    var local = tm()
    localtime_r(&seconds, &local)
    self.init(moment, offset: local.tm_gmtoff)
  }
}
