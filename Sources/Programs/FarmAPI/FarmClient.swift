import AsyncHTTPClient
import FarmModel
import Foundation
import Glibc
import NIOCore
import SystemPackage

/// Talks to the daemon of a volume over its Unix socket.
package struct FarmClient: Sendable {
  private let socket: String
  /// For an answer: an archive of terabytes takes hours.
  private static let patience = TimeAmount.hours(72)
  private static let answerBytesMax = 256 << 20

  /// Finds the daemon that holds the volume.
  /// - Throws: ``ClientFailure/noDaemon`` when none does.
  package init(volume: Volume) throws(ClientFailure) {
    let holder = LockHolder.of(volume)
    // A full disk may have kept the daemon from writing its lock.
    let usual = volume.own.appending("state").appending("socket").string
    guard let socket = holder?.socket ?? (access(usual, F_OK) == 0 ? usual : nil) else {
      throw .noDaemon(volume.root)
    }
    self.socket = socket
    self.volume = volume
  }

  private let volume: Volume

  /// Why no daemon answers.
  private var absence: ClientFailure {
    guard let holder = LockHolder.of(volume), let reason = holder.livingWaits else { return .noDaemon(volume.root) }
    return .waiting(pid: holder.pid, reason: reason)
  }

  /// Asks for something.
  /// - Throws: ``APIFailure`` with the daemon's words, ``ClientFailure`` when it is not there.
  package func get<Answer: Decodable>(
    _ route: String, _ items: [String: String] = [:], as answer: Answer.Type
  ) async throws -> Answer {
    try await JSONDecoder().decode(answer, from: fetch(.init(url: url(route, items))))
  }

  /// Asks for something that is no JSON; throws like ``get(_:_:as:)``.
  package func text(_ route: String, _ items: [String: String] = [:]) async throws -> String {
    String(decoding: try await fetch(.init(url: url(route, items))), as: UTF8.self)
  }

  /// Asks the daemon to do something; throws like ``get(_:_:as:)``.
  package func post<Answer: Decodable>(
    _ route: String, _ request: some Encodable, as answer: Answer.Type
  ) async throws -> Answer {
    var call = HTTPClientRequest(url: url(route, [:]))
    call.method = .POST
    call.headers.add(name: "content-type", value: "application/json")
    call.headers.add(name: RequestHeader.person, value: Self.person)
    call.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(request)))
    return try await JSONDecoder().decode(answer, from: fetch(call))
  }

  /// Follows the daemon's events, each handed on as the line it came as, until the daemon ends or the task is
  /// cancelled.
  package func follow(_ body: (String) throws -> Void) async throws {
    try await talking { client in
      let request = HTTPClientRequest(url: url(Route.events, [:]))
      let response = try await client.execute(request, timeout: .hours(24 * 365))
      // As bytes: a piece may end in the middle of a character.
      var rest: [UInt8] = []
      for try await piece in response.body {
        rest += piece.readableBytesView
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          let line = String(decoding: rest[..<end], as: UTF8.self)
          rest.removeSubrange(...end)
          if !line.isEmpty { try body(line) }
        }
      }
    }
  }

  /// The user whom this program runs for.
  private static var person: String { getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())" }

  private func fetch(_ call: HTTPClientRequest) async throws -> Data {
    let (status, data) = try await talking { client in
      let response = try await client.execute(call, timeout: Self.patience)
      return (response.status, Data(try await response.body.collect(upTo: Self.answerBytesMax).readableBytesView))
    }
    guard status == .ok else {
      // Not in our words: something else answered.
      throw (try? JSONDecoder().decode(APIFailure.self, from: data))
        ?? APIFailure("the daemon answered \(status.code)", remedy: "Read the daemon's log.", kind: .failed)
    }
    return data
  }

  /// A client of our own: the shared one tries a dead daemon's socket for 90 s, and gives up a silent stream after
  /// that time.
  private func talking<Answer>(_ body: (HTTPClient) async throws -> Answer) async throws -> Answer {
    var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(5), read: nil))
    configuration.connectionPool.retryConnectionEstablishment = false
    do {
      return try await HTTPClient.withHTTPClient(configuration: configuration, body)
    } catch let error as HTTPClientError where error == .deadlineExceeded {
      throw APIFailure("the daemon does not answer", remedy: "Read the daemon's log.", kind: .unavailable)
    } catch let error as HTTPClientError where error == .remoteConnectionClosed {
      throw absence
    } catch let error as IOError where [ECONNREFUSED, ENOENT, EPIPE, ECONNRESET].contains(error.errnoCode) {
      throw absence
    } catch let error as IOError where [EACCES, EPERM].contains(error.errnoCode) {
      throw APIFailure(
        "cannot connect to farmd at \(socket.escapedForTerminal): Permission denied",
        remedy:
          "Run this as the user of farmd, or join the group of that socket (`ls -l` shows both). STATUS.txt at the"
          + " top of the volume tells everyone how the farm stands.", kind: .failed)
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
  /// It lives and cannot serve.
  /// - Parameter reason: with the remedy.
  case waiting(pid: Int32, reason: String)

  package var description: String {
    switch self {
    case .noDaemon(let root): "no daemon holds the volume \(root.string.escapedForTerminal)"
    case .waiting(let pid, let reason): "the daemon (pid \(pid)) cannot serve now: \(reason.escapedForTerminal)"
    }
  }

  package var remedy: String {
    switch self {
    case .noDaemon(let root): "Start it: `farmd --root \(root.string.quotedForShell)`."
    case .waiting: "Do that; the daemon tries again every 5 seconds."
    }
  }

  package var isTransient: Bool { true }
  package var kind: FailureKind { .unavailable }
}
