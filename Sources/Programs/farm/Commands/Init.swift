import ArgumentParser
import FarmAPI
import FarmModel
import Foundation
import ProgramMain
import VolumeFiles

/// `farm init <root>`
struct Init: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a volume out of a folder.",
    discussion: .help(
      """
      An empty folder, a Flamenco share or a folder that does not exist yet is taken as it is; one that holds other
      things needs --adopt.
      """, "farm init /srv/farm",
      exits: "0 done, 1 it failed, 2 wrong use"))

  @Argument(help: "The folder.")
  var folder: String

  @Flag(help: "Take a folder that holds other things; .blend files that lie there are known, not rendered.")
  var adopt = false

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    guard !folder.isEmpty else { throw ValidationError("name a folder") }
    let volume = Volume(root: ProgramMain.absolute(folder))
    try VolumeTree.make(volume, adopts: adopt)
    if json { return print(String(decoding: try JSONEncoder().encode(["root": volume.root.string]), as: UTF8.self)) }
    let root = volume.root.string
    print("\(root.escapedForTerminal) is a farm volume; start it: farmd --root \(root.quotedForShell)")
  }
}
