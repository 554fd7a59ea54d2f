import FarmModel
import Testing

@Suite("A machine that people sit at")
struct NimbyTests {
  @Test(arguments: [
    ("02:00", "two times with a - between them, as 02:00-05:00"), ("02:00-02:00", "it ends when it begins"),
    ("25:00-02:00", "25:00 is no time of a day, as 02:00"), ("02:00 - 05:00", "days without blanks, a blank, times"),
    ("02:00–05:00", "two times with a - between"), ("24:00-05:00", "it begins at 24:00, which is 00:00 of the next"),
    ("weekend 02:00-05:00", "weekend are no days, as mon-fri or sat,sun"), ("", "days without blanks"),
  ])
  func `is told why its hours cannot be understood`(text: String, reason: String) {
    #expect(WeeklyHours(text) == nil)
    let mistake = #expect(throws: WeeklyHours.Mistake.self) { try WeeklyHours(parsing: text) }
    #expect(mistake?.reason.hasPrefix(reason) == true, "\(mistake?.reason ?? "")")
  }

  private func moment(_ day: Int, _ hour: Int, _ minute: Int = 0) -> WeeklyHours.Moment {
    WeeklyHours.Moment(day: day, minute: hour * 60 + minute)
  }

  @Test func `is theirs at their hours`() throws {
    let office = try #require(WeeklyHours("mon-fri 08:00-19:00"))

    #expect(office.contains(moment(1, 8)) && office.contains(moment(5, 18, 59)))
    #expect(!office.contains(moment(5, 19)) && !office.contains(moment(1, 7, 59)))
    #expect(!office.contains(moment(0, 12)) && !office.contains(moment(6, 12)))
  }

  @Test func `is theirs over midnight, and over the end of the week`() throws {
    let night = try #require(WeeklyHours("22:00-06:00"))
    #expect(night.contains(moment(3, 23)) && night.contains(moment(3, 5, 59)) && !night.contains(moment(3, 6)))

    let weekend = try #require(WeeklyHours("fri-sun 20:00-04:00"))
    #expect(weekend.contains(moment(5, 20)) && weekend.contains(moment(1, 3)) && !weekend.contains(moment(5, 3)))
    #expect(try #require(WeeklyHours("sat,sun 10:00-24:00")).contains(moment(0, 23, 59)))
  }

  @Test(arguments: [
    "", "mon", "08:00", "08:00-08:00", "8-19", "mon-fri 25:00-26:00", "mon fri 08:00-19:00", "moon 08:00-19:00",
    "mon- 08:00-19:00", "08:61-09:00", "08:00-19:00 mon",
  ])
  func `has no such hours`(text: String) {
    #expect(WeeklyHours(text) == nil)
  }

  @Test func `is theirs while their programs keep it busy, and says why`() throws {
    let nimby = Nimby(hours: [try #require(WeeklyHours("mon 08:00-19:00"))], load: 1.5)

    #expect(nimby.reason(at: moment(2, 12), othersLoad: nil) == nil)
    #expect(nimby.reason(at: moment(2, 12), othersLoad: 1.4) == nil)
    #expect(
      nimby.reason(at: moment(2, 12), othersLoad: 2.26)
        == "other programs use 2.3 processors of the machine (`nimby:` in farm.yaml, load 1.5)")
    #expect(
      nimby.reason(at: moment(1, 12), othersLoad: nil)
        == "the machine is its people's now (`nimby:` in farm.yaml, mon 08:00-19:00)")
  }
}
