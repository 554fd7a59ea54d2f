import Glibc
import SystemPackage

/// A name in a folder, as the bytes that it is: cheap to make, compare and keep by the hundred thousand, which a path's
/// component is not.
package struct FileName: Hashable, Sendable {
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// A name as the kernel tells it; nil for `.` and `..`.
  package init?(_ text: UnsafePointer<CChar>) {
    let length = strlen(text)
    bytes = UnsafeRawBufferPointer(start: text, count: length).map { $0 }
    if bytes.isEmpty || bytes == [46] || bytes == [46, 46] { return nil }
  }

  package init(_ component: FilePath.Component) {
    bytes = component.withPlatformString { text in UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 } }
  }

  /// As text; what is no UTF-8 is mended.
  package var string: String { String(decoding: bytes, as: UTF8.self) }

  /// A name that is this text.
  package init(_ text: String) { bytes = Array(text.utf8) }

  /// Whether it is this text, byte by byte.
  package func spells(_ text: String) -> Bool { bytes.elementsEqual(text.utf8) }

  /// Whether it begins so.
  package func hasPrefix(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { bytes.starts(with: $0) }
  }

  /// Whether it ends so, in letters of any case; `text` in lower case.
  package func hasSuffix(caseless text: StaticString) -> Bool {
    text.withUTF8Buffer { wanted in
      bytes.suffix(wanted.count).elementsEqual(wanted) { $0 == $1 || ((65...90).contains($0) && $0 + 32 == $1) }
    }
  }
}

extension FilePath {
  /// The path of a name in this folder.
  package func appending(_ name: FileName) -> FilePath {
    withPlatformString { folder in
      let text = UnsafeRawBufferPointer(start: folder, count: strlen(folder))
      return (Array(text) + [47] + name.bytes + [0]).withUnsafeBytes { path in
        path.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { FilePath(platformString: $0) } ?? self }
      }
    }
  }

  /// A path of these bytes, none of which is NUL.
  package init(bytes: [UInt8]) {
    self = (bytes + [0]).withUnsafeBytes { text in
      text.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { FilePath(platformString: $0) } ?? FilePath() }
    }
  }

  /// The path as the bytes that it is.
  package var rawBytes: [UInt8] {
    withPlatformString { text in UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 } }
  }

  /// The last name; nil of a root.
  package var lastName: FileName? { lastComponent.map { FileName($0) } }
}
