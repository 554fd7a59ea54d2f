import Foundation
import SystemPackage

/// A real `smbd` on the loopback that serves one folder as `//127.0.0.1/farm` to anybody. Owns the process.
package final class SambaServer: Sendable {
  package let port: Int
  private let scratch: ScratchFolder
  private let server: RunningProgram

  /// - Parameter folder: what is served; written as root.
  package init(serving folder: FilePath) async throws {
    scratch = try ScratchFolder()
    port = try Self.freePort()
    for name in ["private", "run"] { try scratch.folder(name) }
    let configuration = """
      [global]
        interfaces = 127.0.0.1/8
        bind interfaces only = yes
        smb ports = \(port)
        map to guest = Bad User
        guest account = root
        private dir = \(scratch("private"))
        lock directory = \(scratch("run"))
        state directory = \(scratch("run"))
        cache directory = \(scratch("run"))
        pid directory = \(scratch("run"))
        ncalrpc dir = \(scratch("run/ncalrpc"))
        log file = \(scratch("smbd.log"))
        disable spoolss = yes
        load printers = no
      [farm]
        path = \(folder)
        guest ok = yes
        guest only = yes
        force user = root
        read only = no
      """
    let file = try scratch.write(configuration, to: "smb.conf")
    server = try RunningProgram(
      path: "/usr/sbin/smbd", ["-F", "--no-process-group", "-s", file.string], output: scratch("smbd.out"))
    let answers = try await eventually { try await client("ls") == 0 || !server.isRunning }
    guard answers, server.isRunning else { throw POSIXError(.ECONNREFUSED) }
  }

  /// A port that nobody listens on now.
  private static func freePort() throws -> Int {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 ? getsockname(listener, $0, &length) : -1
      }
    }
    guard code == 0 else { throw POSIXError(.EADDRINUSE) }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  /// Runs commands of `smbclient`.
  /// - Returns: its exit code.
  package func client(_ commands: String) async throws -> Int32 {
    let words = ["-N", "-p", "\(port)", "//127.0.0.1/farm", "-c", commands]
    return try await RunningProgram(path: "/usr/bin/smbclient", words, output: scratch("client.out")).end() ?? -1
  }

  /// Writes a file in the way of a desktop: `explorer` or `finder`.
  package func write(_ file: FilePath, as name: String, inTheWayOf kind: String) async throws -> Int32 {
    let script = FilePath(#filePath).removingLastComponent().appending("smb_writer.py")
    let words = [script.string, "\(port)", kind, file.string, name]
    return try await RunningProgram(path: "/usr/bin/python3", words, output: scratch("writer.out")).end() ?? -1
  }
}
