import FarmModel
import Foundation
import Testing

@Suite("Releases go into the archive by themselves")
struct ArchiveScheduleTests {
  /// A machine in Berlin: its clock on the wall goes from 3 to 2 on 2026-10-25, and from 2 to 3 on 2026-03-29.
  private static let berlin = TimeZone(identifier: "Europe/Berlin") ?? .gmt

  private static func local(_ moment: Timestamp) -> LocalTime {
    let date = Date(timeIntervalSince1970: Double(moment.nanoseconds / 1_000_000_000))
    return LocalTime(moment, offset: berlin.secondsFromGMT(for: date))
  }

  private static func moment(_ text: String) throws -> Timestamp {
    try #require(Timestamp(rfc3339: "\(text):00.000000000Z"))
  }

  private let schedule = ArchiveSchedule(
    ArchiveRule(after: .seconds(30 * 86_400), window: WeeklyHours("02:00-05:00")))

  /// A daemon that looks every minute: which release it archived when. It remembers the nights, over restarts.
  private struct Machine {
    var schedule: ArchiveSchedule
    var quietSince: [String: Timestamp]
    var nights: [String: Int] = [:]
    var fails: Set<String> = []
    private(set) var tried: [(release: String, at: String)] = []

    init(_ schedule: ArchiveSchedule, quietSince: [String: Timestamp]) {
      (self.schedule, self.quietSince) = (schedule, quietSince)
    }

    mutating func look(at now: Timestamp) {
      let candidates = quietSince.map {
        ArchiveSchedule.Candidate(release: $0, state: .harvested, quietSince: $1, triedNight: nights[$0])
      }
      let next = schedule.next(now: now, local: ArchiveScheduleTests.local(now), among: candidates)
      guard let (release, night) = next else { return }
      nights[release] = night
      tried.append((release, String(now.rfc3339.prefix(16))))
      if !fails.contains(release) { quietSince[release] = nil }
    }

    mutating func run(from begin: String, minutes: Int) throws {
      let first = try ArchiveScheduleTests.moment(begin).nanoseconds
      for minute in 0..<Int64(minutes) { look(at: Timestamp(nanoseconds: first + minute * 60_000_000_000)) }
    }

    var lines: [String] { tried.map { "\($0.release) \($0.at)" } }
  }

  private func machine(_ releases: [String: String]) throws -> Machine {
    Machine(schedule, quietSince: try releases.mapValues { try Self.moment($0) })
  }

  @Test func `in the window, those that have waited for longest first, and not before their time`() throws {
    var machine = try machine(["b": "2026-01-01T00:00", "a": "2026-01-02T00:00", "young": "2026-02-01T00:00"])
    try machine.run(from: "2026-02-10T00:00", minutes: 1440)

    #expect(machine.lines == ["b 2026-02-10T01:00", "a 2026-02-10T01:01"])
  }

  @Test(arguments: [("2026-10-24T12:00", "2026-10-25T00:00"), ("2026-03-28T12:00", "2026-03-29T01:00")])
  func `once in a night whose hours come twice or not at all`(begin: String, expected: String) throws {
    var machine = try machine(["broken": "2026-01-01T00:00"])
    machine.fails = ["broken"]
    try machine.run(from: begin, minutes: 1440)

    #expect(machine.lines == ["broken \(expected)"])
  }

  @Test func `once a night though the clock is set back and forth and the daemon starts again`() throws {
    var machine = try machine(["broken": "2026-01-01T00:00", "whole": "2026-01-02T00:00"])
    machine.fails = ["broken"]
    try machine.run(from: "2026-02-10T01:00", minutes: 90)
    try machine.run(from: "2026-02-10T00:50", minutes: 60)
    var restarted = Machine(schedule, quietSince: machine.quietSince)
    restarted.nights = machine.nights
    restarted.fails = ["broken"]
    try restarted.run(from: "2026-02-10T03:00", minutes: 30)
    try restarted.run(from: "2026-02-11T00:00", minutes: 1440)

    #expect(machine.lines == ["broken 2026-02-10T01:00", "whole 2026-02-10T01:01"])
    #expect(restarted.lines == ["broken 2026-02-11T01:00"])
  }

  @Test func `not of a time to come, when the clock was wrong`() throws {
    var machine = try machine(["a": "2031-01-01T00:00"])
    try machine.run(from: "2026-02-10T00:00", minutes: 1440)

    #expect(machine.lines.isEmpty)
  }

  @Test func `no more begins when the window closes, and the rest goes on the next night`() throws {
    var machine = try machine((1...5).reduce(into: [:]) { $0["r\($1)"] = "2026-01-0\($1)T00:00" })
    // Each takes an hour and a half.
    for hours in stride(from: 0.0, to: 48, by: 1.5) {
      let begin = try Self.moment("2026-02-10T00:30").nanoseconds
      machine.look(at: Timestamp(nanoseconds: begin + Int64(hours * 3600) * 1_000_000_000))
    }

    #expect(
      machine.lines == [
        "r1 2026-02-10T02:00", "r2 2026-02-10T03:30", "r3 2026-02-11T02:00", "r4 2026-02-11T03:30",
      ])
  }

  @Test func `later than the rule when release.yaml says so, never sooner`() throws {
    let quiet = try Self.moment("2026-01-01T00:00")
    func due(_ days: Int64?) -> String {
      let after = days.map { Duration.seconds($0 * 86_400) }
      let candidate = ArchiveSchedule.Candidate(release: "a", state: .harvested, quietSince: quiet, after: after)
      return String(schedule.dueAt(candidate).rfc3339.prefix(10))
    }

    #expect(
      [due(nil), due(7), due(60), due(.max / 86_400)] == ["2026-01-31", "2026-01-31", "2026-03-02", "2262-04-11"])
  }

  @Test(arguments: ReleaseState.allCases)
  func `only when they are delivered`(state: ReleaseState) throws {
    let quiet = try Self.moment("2026-01-01T00:00")
    let now = try Self.moment("2026-06-01T01:00")
    let candidate = ArchiveSchedule.Candidate(release: "a", state: state, quietSince: quiet)
    let next = schedule.next(now: now, local: Self.local(now), among: [candidate])

    #expect((next != nil) == (state == .harvested))
  }

  @Test func `over midnight, in nights that are called after the day on which they begin`() throws {
    let schedule = ArchiveSchedule(ArchiveRule(window: WeeklyHours("fri 22:00-06:00")))
    // 2026-02-13 is a Friday, day 20497.
    func night(_ text: String) throws -> Int? { schedule.night(at: Self.local(try Self.moment(text))) }

    #expect(try night("2026-02-13T20:59") == nil)
    #expect(try night("2026-02-13T21:00") == 20497)
    #expect(try night("2026-02-14T04:59") == 20497)
    #expect(try night("2026-02-14T05:00") == nil)
    #expect(try night("2026-02-14T21:30") == nil)
    let from = try Self.moment("2026-02-14T12:00")
    func opening(triedNight: Int?) -> String? {
      let candidate = ArchiveSchedule.Candidate(
        release: "a", state: .harvested, quietSince: Timestamp(nanoseconds: 0), triedNight: triedNight)
      return schedule.opening(for: candidate, now: from, local: Self.local)?.rfc3339
    }
    #expect(opening(triedNight: nil) == "2026-02-20T21:00:00.000000000Z")
    let friday = try #require(schedule.night(at: Self.local(Self.moment("2026-02-20T21:30"))))
    #expect(opening(triedNight: friday) == "2026-02-27T21:00:00.000000000Z", "it was tried that night")
    #expect(opening(triedNight: friday - 7) == "2026-02-20T21:00:00.000000000Z")
  }
}

@Suite("Copies of the ledger")
struct BackupRuleTests {
  private func hour(_ hours: Int64) -> Timestamp { Timestamp(nanoseconds: hours * 3_600_000_000_000) }
  private let rule = BackupRule(every: .seconds(6 * 3600), keep: 3)

  @Test func `are made every so often, also when a clock was wrong once`() {
    #expect(rule.isDue(now: hour(1), copies: []))
    #expect(!rule.isDue(now: hour(15), copies: [hour(4), hour(10)]))
    #expect(rule.isDue(now: hour(16), copies: [hour(4), hour(10)]))
    #expect(!rule.isDue(now: hour(15), copies: [hour(10), hour(9000)]))
    #expect(rule.isDue(now: hour(16), copies: [hour(10), hour(9000)]))
    #expect(!BackupRule(keep: 0).isDue(now: hour(16), copies: []))
  }

  @Test func `go when there are more than are kept, those of a time to come first, and never the one just made`() {
    #expect(rule.surplus(now: hour(20), copies: [hour(20), hour(14), hour(8)]).isEmpty)
    #expect(rule.surplus(now: hour(20), copies: [hour(20), hour(2), hour(14), hour(8)]) == [hour(2)])
    #expect(rule.surplus(now: hour(20), copies: [hour(20), hour(9000), hour(14), hour(8)]) == [hour(9000)])
    #expect(BackupRule(keep: 0).surplus(now: hour(20), copies: [hour(20)]).isEmpty)
  }
}
