import AsyncHTTPClient
import FarmModel
import Foundation
import NIOCore
import SystemPackage

/// Talks to the daemon of a volume over its Unix socket.
package struct FarmClient: Sendable {
  private let socket: String
  private static let answerBytesMax = 256 << 20

  /// Finds the daemon that holds the volume.
  /// - Throws: ``ClientFailure/noDaemon`` when none does.
  package init(volume: Volume) throws(ClientFailure) {
    // Missing or unreadable: no daemon has run here, or not for us.
    guard let data = try? Data(contentsOf: URL(filePath: volume.lock.string)),
      let holder = try? JSONDecoder().decode(LockHolder.self, from: data)
    else { throw .noDaemon(volume.root) }
    socket = holder.socket
    root = volume.root
  }

  private let root: FilePath

  /// Asks for something.
  /// - Throws: ``APIFailure`` with the daemon's words, ``ClientFailure`` when it is not there.
  package func get<Answer: Decodable>(
    _ route: String, _ items: [String: String] = [:], as answer: Answer.Type
  ) async throws -> Answer {
    try await JSONDecoder().decode(answer, from: fetch(.init(url: url(route, items))))
  }

  /// Asks the daemon to do something; throws like ``get(_:_:as:)``.
  package func post<Answer: Decodable>(
    _ route: String, _ request: some Encodable, as answer: Answer.Type
  ) async throws -> Answer {
    var call = HTTPClientRequest(url: url(route, [:]))
    call.method = .POST
    call.headers.add(name: "content-type", value: "application/json")
    call.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(request)))
    return try await JSONDecoder().decode(answer, from: fetch(call))
  }

  /// Follows the daemon's events, each handed on as the line it came as, until the daemon ends or the task is
  /// cancelled.
  package func follow(_ body: (String) throws -> Void) async throws {
    let response = try await execute(HTTPClientRequest(url: url(Route.events, [:])), for: .hours(24 * 365))
    var rest = ""
    for try await piece in response.body {
      rest += String(buffer: piece)
      while let end = rest.firstIndex(of: "\n") {
        let line = String(rest[..<end])
        rest = String(rest[rest.index(after: end)...])
        if !line.isEmpty { try body(line) }
      }
    }
  }

  private func fetch(_ call: HTTPClientRequest) async throws -> Data {
    let response = try await execute(call, for: .seconds(120))
    let data = Data(try await response.body.collect(upTo: Self.answerBytesMax).readableBytesView)
    guard response.status == .ok else {
      // Not in our words: something else answered.
      throw (try? JSONDecoder().decode(APIFailure.self, from: data))
        ?? APIFailure(
          "the daemon answered \(response.status.code)", remedy: "Read the daemon's log.", kind: .failed)
    }
    return data
  }

  private func execute(_ call: HTTPClientRequest, for time: TimeAmount) async throws -> HTTPClientResponse {
    do { return try await HTTPClient.shared.execute(call, timeout: time) } catch is CancellationError {
      throw CancellationError()
    } catch let error as HTTPClientError where error == .deadlineExceeded {
      throw APIFailure("the daemon does not answer", remedy: "Read the daemon's log.", kind: .unavailable)
    } catch {
      throw ClientFailure.noDaemon(root)
    }
  }

  private func url(_ route: String, _ items: [String: String]) -> String {
    var parts = URLComponents()
    parts.path = route
    if !items.isEmpty { parts.queryItems = items.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0, value: $1) } }
    // `+` is a blank to some servers.
    let uri = (parts.string ?? route).replacingOccurrences(of: "+", with: "%2B")
    return URL(httpURLWithSocketPath: socket, uri: uri)?.absoluteString ?? ""
  }
}

/// Why the daemon could not be asked.
package enum ClientFailure: Failure, Equatable {
  case noDaemon(FilePath)

  package var description: String {
    switch self {
    case .noDaemon(let root): "no daemon holds the volume \(root.string.escapedForTerminal)"
    }
  }

  package var remedy: String {
    switch self {
    case .noDaemon(let root): "Start it: `farmd --root \(root.string.escapedForTerminal)`."
    }
  }

  package var isTransient: Bool { true }
  package var kind: FailureKind { .unavailable }
}
