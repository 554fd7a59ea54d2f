import FarmModel
import FarmTesting
import Testing

@Suite("Text of others")
struct ForeignTextTests {
  @Test(arguments: [
    "../\u{301}x", "a/\u{200D}b", "\u{0600}/x", "/\u{FE0F}", "..\u{20DD}/../y", "\u{06DD}/", "a\n\u{301}", "\r\n",
  ])
  func `is never a path with a slash or a control, whatever mark is behind it`(name: String) {
    let component = NameRule.asPathComponent(name)

    #expect(!component.utf8.contains(UInt8(ascii: "/")))
    #expect(component.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 })
  }

  @Test func `is one whole component of a path, as a name of thousands of datablocks`() {
    for name in ForeignNames.ofDatablocks(count: 5000, seed: 1) + [String(repeating: "É", count: 200)] {
      let component = NameRule.asPathComponent(name)

      #expect(!component.isEmpty && component.utf8.count <= 200, "\(name)")
      #expect(!component.utf8.contains(UInt8(ascii: "/")), "\(name)")
      #expect(!component.utf8.allSatisfy { $0 == UInt8(ascii: ".") }, "\(name)")
      #expect(component.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }, "\(name)")
    }
  }

  @Test func `keeps two datablocks apart that differ in nothing but Unicode form`() {
    let (composed, decomposed) = ("Caf\u{E9}", "Cafe\u{301}")
    let names = PathNames([composed, decomposed, "CAF\u{C9}"])

    let places = [composed, decomposed, "CAF\u{C9}"].map { names[$0].lowercased() }
    #expect(Set(places).count == 3)
    #expect(RenderPart(scene: composed) != RenderPart(scene: decomposed))
    #expect(Set([OutputKind(node: composed), OutputKind(node: decomposed)]).count == 2)
  }

  @Test(arguments: [".\u{301}x", "x/\u{301}y", "\u{0600}/y", "x\r\n", "a\u{7}\u{301}"])
  func `is no name of a job when a file system sees a dot, a slash or a control in it`(name: String) {
    #expect(NameRule.refusal(of: name) != nil)
  }

  @Test(arguments: ["#recycle", "@eaDir", "$RECYCLE.BIN", "__MACOSX", "lost+found", "$Recycle.Bin", "#snapshot"])
  func `is no name of a release when systems keep their own files there`(name: String) {
    #expect(NameRule.refusal(ofRelease: name) != nil)
    #expect(NameRule.refusal(ofRelease: "#1") == nil)
  }

  @Test func `is found by a pattern that a person sees in it`() {
    for name in ForeignNames.ofJobs(count: 3000, seed: 2) {
      #expect(Glob(name).matches(name), "\(name)")
      #expect(Glob("*").matches(name), "\(name)")
      #expect(Glob("*.blend").matches("\(name).blend"), "\(name)")
      #expect(Glob("spring/*").matches("spring/\(name)"), "\(name)")
      #expect(Glob("wood.png").matchesPath("/vol/\(name)/wood.png"), "\(name)")
    }
    #expect(Glob("x\u{E9}*").matches("xe\u{301}1"))
  }

  @Test func `is a value of a query also when it begins with a combining mark`() throws {
    #expect(try JobQuery(parsing: ["release:\u{301}r"]).words == [.release(Glob("\u{301}r"))])
    #expect(try JobQuery(parsing: ["a \u{301}b"]).words == [.name(Glob("a")), .name(Glob("\u{301}b"))])
  }

  @Test(arguments: ["it'\u{301}s; rm -rf /", "\u{301}'", "-\u{301}x", "a'\u{200D}'b"])
  func `ends no quotes of a shell`(text: String) {
    let word = text.quotedForShell

    // Each quote of the text is ended, escaped and begun anew.
    let inner = word.dropping(bytePrefix: "'")?.dropping(byteSuffix: "'") ?? ""
    #expect(inner.pieces(between: "'").count == 1 + 3 * text.utf8.count { $0 == UInt8(ascii: "'") })
  }

  @Test func `names an archive that is found again by its name`() {
    for release in ForeignNames.ofJobs(count: 2000, seed: 3) where NameRule.refusal(of: release) == nil {
      for format in ArchiveFormat.allCases {
        let found = ArchiveFormat.parse(fileName: format.fileName(of: release))
        #expect(found?.release.isSameBytes(as: release) == true && found?.format == format, "\(release)")
      }
    }
  }

  @Test func `has lines that end with LF or CR LF`() {
    #expect("a\r\nb\n\n\u{301}c\r\n".lines == ["a", "b", "", "\u{301}c"])
    #expect("".lines.isEmpty)
  }

  @Test func `is a key by its bytes, and a job's name too`() {
    let (composed, decomposed) = (JobName(release: "r", job: "\u{E9}"), JobName(release: "r", job: "e\u{301}"))

    #expect(composed != decomposed && Set([composed, decomposed]).count == 2)
    #expect(FoldedName(composed) == FoldedName(decomposed))
    #expect(composed.fits("r/e\u{301}"))
  }
}
