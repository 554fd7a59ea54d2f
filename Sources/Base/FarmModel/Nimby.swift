/// When a machine is its people's and not the farm's: at these hours, or when their programs keep it busy, nothing new
/// is rendered. A value; who looks at the clock and the processors is elsewhere.
package struct Nimby: Hashable, Sendable {
  package var hours: [WeeklyHours]
  /// Processors that other programs use, from which on nothing new starts; nil: whatever they do.
  package var load: Double?

  package init(hours: [WeeklyHours] = [], load: Double? = nil) {
    self.hours = hours
    self.load = load
  }

  /// Why nothing new is rendered now; nil when it is.
  /// - Parameters:
  ///   - moment: on the machine's own clock.
  ///   - othersLoad: processors that other programs use; nil when nobody can say.
  package func reason(at moment: WeeklyHours.Moment, othersLoad: Double?) -> String? {
    if let kept = hours.first(where: { $0.contains(moment) }) {
      return "the machine is its people's now (`nimby:` in farm.yaml, \(kept))"
    }
    guard let load, let othersLoad, othersLoad >= load else { return nil }
    let shown = (othersLoad * 10).rounded() / 10
    return "other programs use \(shown) processors of the machine (`nimby:` in farm.yaml, load \(load))"
  }
}

/// Hours of some days of the week: `mon-fri 08:00-19:00`, `sat,sun 10:00-12:30`, `22:00-06:00`.
package struct WeeklyHours: Hashable, Sendable {
  /// A minute of a week.
  package struct Moment: Hashable, Sendable {
    /// 0 for Sunday, as C counts.
    package let day: Int
    /// From midnight on.
    package let minute: Int

    package init(day: Int, minute: Int) {
      self.day = day
      self.minute = minute
    }
  }

  private static let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
  private static let minutesOfDay = 1440

  private let days: Set<Int>
  private let start: Int
  private let end: Int
  private let text: String

  /// Why a text is no such hours, in words.
  package struct Mistake: Error, Hashable {
    package let reason: String
    fileprivate init(_ reason: String) { self.reason = reason }
  }

  /// Reads it as people write it; nil for anything else.
  package init?(_ text: String) {
    do { try self.init(parsing: text) } catch { return nil }
  }

  /// Reads it as people write it.
  package init(parsing text: String) throws(Mistake) {
    let words = text.lowercased().split(separator: " ")
    guard let last = words.last, words.count <= 2 else {
      throw Mistake("days without blanks, a blank, times without blanks")
    }
    let times = last.split(separator: "-", omittingEmptySubsequences: false)
    guard times.count == 2 else { throw Mistake("two times with a - between them, as 02:00-05:00") }
    let (start, end) = (try Self.minute(times[0]), try Self.minute(times[1]))
    if start == end { throw Mistake("it ends when it begins") }
    if start == Self.minutesOfDay { throw Mistake("it begins at 24:00, which is 00:00 of the next day") }
    guard let days = words.count == 2 ? Self.days(words[0]) : Set(0..<7) else {
      throw Mistake("\(words[0]) are no days, as mon-fri or sat,sun")
    }
    self.days = days
    self.start = start
    self.end = end
    self.text = text
  }

  private static func minute(_ text: Substring) throws(Mistake) -> Int {
    guard let match = text.wholeMatch(of: /(\d{1,2}):(\d{2})/), let hour = Int(match.1), let minute = Int(match.2),
      minute < 60, hour * 60 + minute <= minutesOfDay
    else { throw Mistake("\(text) is no time of a day, as 02:00") }
    return hour * 60 + minute
  }

  private static func days(_ text: Substring) -> Set<Int>? {
    var days: Set<Int> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { names.firstIndex(of: String($0)) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
      // `fri-mon` goes over the weekend.
      for step in 0...((last - first + 7) % 7) { days.insert((first + step) % 7) }
    }
    return days
  }

  /// Whether a moment is in it; hours over midnight belong to the day on which they begin.
  package func contains(_ moment: Moment) -> Bool {
    if start < end { return days.contains(moment.day) && (start..<end).contains(moment.minute) }
    return days.contains(moment.day) && moment.minute >= start
      || days.contains((moment.day + 6) % 7) && moment.minute < end
  }
}

extension WeeklyHours {
  /// Whether a moment of them belongs to hours that began before midnight.
  package func openedTheDayBefore(_ moment: Moment) -> Bool {
    guard end <= start else { return false }
    return moment.minute < end && days.contains((moment.day + 6) % 7)
      && !(days.contains(moment.day) && moment.minute >= start)
  }
}

extension WeeklyHours: CustomStringConvertible {
  package var description: String { text }
}
