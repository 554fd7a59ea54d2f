/// A minute as clocks on the wall show it, wherever the machine stands; jumps with summer time.
package struct LocalTime: Hashable, Comparable, Sendable {
  /// Of the calendar, counted from 1970-01-01 on.
  package let day: Int
  /// From midnight on.
  package let minute: Int

  package init(day: Int, minute: Int) {
    self.day = day
    self.minute = minute
  }

  /// - Parameter offset: of the time zone at that moment, in seconds east of Greenwich.
  package init(_ moment: Timestamp, offset: Int) {
    let seconds = Int(moment.parts.seconds) + offset
    let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    self.init(day: day, minute: (seconds - day * 86_400) / 60)
  }

  package static func < (a: LocalTime, b: LocalTime) -> Bool { (a.day, a.minute) < (b.day, b.minute) }

  /// As a week has it; 1970-01-01 was a Thursday.
  package var ofWeek: WeeklyHours.Moment { WeeklyHours.Moment(day: ((day + 4) % 7 + 7) % 7, minute: minute) }
}
