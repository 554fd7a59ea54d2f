import FarmModel

/// The paths of the daemon's API; both sides name them here only.
package enum Route {
  package static let status = "/v1/status"
  package static let jobs = "/v1/jobs"
  package static let job = "/v1/job"
  package static let logs = "/v1/logs"
  package static let release = "/v1/release"
  package static let plan = "/v1/plan"
  package static let harvest = "/v1/harvest"
  package static let refresh = "/v1/refresh"
  package static let check = "/v1/check"
  package static let again = "/v1/again"
  package static let pause = "/v1/pause"
  package static let doctor = "/v1/doctor"
  package static let steer = "/v1/steer"
  package static let workers = "/v1/workers"
  package static let tasks = "/v1/tasks"
  package static let task = "/v1/task"
  package static let history = "/v1/history"
  package static let ledgerCheck = "/v1/ledger/check"
  package static let ledgerBackup = "/v1/ledger/backup"
  package static let archive = "/v1/archive"
  package static let archives = "/v1/archives"
  package static let dueArchives = "/v1/archives/due"
  package static let tidy = "/v1/tidy"
  package static let archiving = "/v1/archiving"
  package static let stopArchiving = "/v1/archiving/stop"
  package static let restore = "/v1/restore"
  package static let verify = "/v1/verify"
  package static let slashAndBurn = "/v1/slash-and-burn"
  package static let sync = "/v1/sync"
  package static let events = "/v1/events"
}

/// What requests carry besides their bodies.
package enum RequestHeader {
  /// The user who asks, as the history names them.
  package static let person = "farm-person"
}

/// A failure as it crosses the socket.
package struct APIFailure: Codable, Hashable, Failure {
  package let description: String
  package let remedy: String
  package let kind: FailureKind
  package let isTransient: Bool

  package init(_ failure: any Failure) {
    description = failure.description
    remedy = failure.remedy
    kind = failure.kind
    isTransient = failure.isTransient
  }

  package init(_ description: String, remedy: String, kind: FailureKind) {
    self.description = description
    self.remedy = remedy
    self.kind = kind
    isTransient = false
  }
}
