import FarmAPI
import FarmModel
import Foundation
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// The daemon's HTTP server on a Unix socket; access to it is the socket file's rights.
package enum FarmServer {
  /// - Parameter onReady: called when the socket takes connections.
  package static func service(
    _ farm: any FarmService, socket: String, log: Logger, onReady: @escaping @Sendable () async -> Void
  ) -> some Service {
    Application(
      router: router(farm), configuration: .init(address: .unixDomainSocket(path: socket)),
      onServerRunning: { _ in await onReady() }, logger: log)
  }

  static func router(_ farm: any FarmService) -> Router<BasicRequestContext> {
    let router = Router()
    addLooks(to: router, farm)
    addOrders(to: router, farm)
    addArchives(to: router, farm)
    router.get(RouterPath(Route.events)) { _, _ in stream(farm.events()) }
    return router
  }

  /// What changes nothing.
  private static func addLooks(to router: Router<BasicRequestContext>, _ farm: any FarmService) {
    router.get(RouterPath(Route.status)) { request, _ in
      try await answer { try await farm.status(isBrief: item("brief", request) == "yes") }
    }
    router.get(RouterPath(Route.doctor)) { _, _ in try await answer { try await farm.doctor() } }
    router.get(RouterPath(Route.jobs)) { request, _ in
      try await answer(text: { JobRow.text(of: try await farm.jobs([item("query", request)])) })
    }
    router.get(RouterPath(Route.job)) { request, _ in
      try await answer { try await farm.job(item("name", request)) }
    }
    router.get(RouterPath(Route.logs)) { request, _ in
      try await answer {
        let from = Int(item("from", request))
        return try await farm.log(ofJob: item("name", request), read: from.map { (item("path", request), $0) })
      }
    }
    router.get(RouterPath(Route.release)) { request, _ in
      try await answer { try await farm.release(item("name", request)) }
    }
    router.get(RouterPath(Route.workers)) { _, _ in try await answer { try await farm.workers() } }
    router.get(RouterPath(Route.tasks)) { request, _ in
      try await answer { try await farm.tasks([item("query", request)], limit: limit(request)) }
    }
    router.get(RouterPath(Route.task)) { request, _ in
      try await answer { try await farm.task(Int64(item("id", request)) ?? 0) }
    }
    router.get(RouterPath(Route.ledgerCheck)) { _, _ in try await answer { try await farm.checkLedger() } }
    router.get(RouterPath(Route.archives)) { _, _ in try await answer { try await farm.archives() } }
    router.get(RouterPath(Route.dueArchives)) { _, _ in try await answer { try await farm.dueArchives() } }
    router.get(RouterPath(Route.archiving)) { _, _ in try await answer { await farm.archiving() } }
    router.get(RouterPath(Route.history)) { request, _ in
      try await answer { try await farm.history([item("query", request)], limit: limit(request)) }
    }
  }

  /// What is over.
  private static func addArchives(to router: Router<BasicRequestContext>, _ farm: any FarmService) {
    router.post(RouterPath(Route.archive)) { request, _ in
      try await answer { try await farm.archive(body(request, as: ArchiveRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.stopArchiving)) { request, _ in
      try await answer { try await farm.stopArchiving(body(request, as: ArchivedRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.tidy)) { request, _ in
      try await answer { try await farm.tidy(body(request, as: TidyRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.restore)) { request, _ in
      try await answer { try await farm.restore(body(request, as: ArchivedRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.verify)) { request, _ in
      try await answer { try await farm.verify(body(request, as: ArchivedRequest.self), by: person(request)) }
    }
  }

  private static func addOrders(to router: Router<BasicRequestContext>, _ farm: any FarmService) {
    router.post(RouterPath(Route.plan)) { request, _ in
      try await answer { try await farm.plan(body(request, as: PlanRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.harvest)) { request, _ in
      try await answer { try await farm.harvest(body(request, as: HarvestRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.again)) { request, _ in
      try await answer { try await farm.renderAgain(body(request, as: AgainRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.refresh)) { request, _ in
      try await answer { try await farm.refresh(body(request, as: RefreshRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.check)) { request, _ in
      try await answer { try await farm.check(body(request, as: CheckRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.pause)) { request, _ in
      try await answer {
        try await farm.pause(body(request, as: PauseRequest.self), by: person(request))
        return Done()
      }
    }
    router.post(RouterPath(Route.steer)) { request, _ in
      try await answer { try await farm.steer(body(request, as: SteerRequest.self), by: person(request)) }
    }
    router.post(RouterPath(Route.ledgerBackup)) { request, _ in
      try await answer { try await farm.backUpLedger(body(request, as: BackupRequest.self)) }
    }
    router.post(RouterPath(Route.slashAndBurn)) { request, _ in
      try await answer { try await farm.slashAndBurn(by: person(request)) }
    }
    router.post(RouterPath(Route.sync)) { _, _ in
      try await answer {
        try await farm.sync()
        return Done()
      }
    }
  }

  private static func item(_ name: String, _ request: Request) -> String {
    request.uri.queryParameters[Substring(name)].map(String.init) ?? ""
  }

  private static let usualLimit = 100

  private static func limit(_ request: Request) -> Int {
    max(0, Int(item("limit", request)) ?? usualLimit)
  }

  /// Who asks: as the client says, since whoever may write to the socket is trusted.
  private static func person(_ request: Request) -> String {
    request.headers.first { $0.name.canonicalName == RequestHeader.person }?.value ?? "somebody"
  }

  private static let requestBytesMax = 1 << 20

  private static func body<Value: Decodable>(_ request: Request, as type: Value.Type) async throws -> Value {
    let bytes = try await request.body.collect(upTo: requestBytesMax)
    do { return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView)) } catch {
      throw APIFailure(
        "the request is not understood", remedy: "Use the `farm` of the daemon's version.", kind: .wrongUse)
    }
  }

  /// Answers with a value as JSON, or with the failure and its status.
  private static func answer(_ work: () async throws -> some Encodable) async throws -> Response {
    do {
      return try json(try await work(), .ok)
    } catch let failure as any Failure {
      return try json(APIFailure(failure), status(of: failure.kind))
    }
  }

  private static func answer(text work: () async throws -> String) async throws -> Response {
    do {
      let body = ByteBuffer(string: try await work())
      return Response(status: .ok, headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: body))
    } catch let failure as any Failure {
      return try json(APIFailure(failure), status(of: failure.kind))
    }
  }

  private static func json(_ value: some Encodable, _ status: HTTPResponse.Status) throws -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Response(
      status: status, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
  }

  /// The one table of HTTP statuses.
  static func status(of kind: FailureKind) -> HTTPResponse.Status {
    switch kind {
    case .wrongUse: .badRequest
    case .notFound: .notFound
    case .conflict: .conflict
    case .unavailable: .serviceUnavailable
    case .failed: .internalServerError
    }
  }

  /// One JSON object a line, until the reader leaves or the daemon ends.
  private static func stream(_ events: AsyncStream<FarmEvent>) -> Response {
    Response(
      status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-cache"],
      body: .init { writer in
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // The head of the answer goes out with the first bytes: a follower must know at once that it is connected.
        try await writer.write(ByteBuffer(string: "\n"))
        for await event in events.cancelOnGracefulShutdown() {
          try await writer.write(ByteBuffer(bytes: try encoder.encode(event) + Data("\n".utf8)))
        }
        try await writer.finish(nil)
      })
  }
}
