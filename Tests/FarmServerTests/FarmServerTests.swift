import FarmModel
@testable import FarmServer
import FarmTesting
import Testing

@Suite("A failure over the socket")
struct StatusTableTests {
  @Test(arguments: FailureKind.allCases)
  func `has one HTTP status for its kind`(kind: FailureKind) {
    let expected: [FailureKind: Int] = [
      .wrongUse: 400, .notFound: 404, .conflict: 409, .unavailable: 503, .failed: 500,
    ]

    #expect(FarmServer.status(of: kind).code == expected[kind])
  }
}
