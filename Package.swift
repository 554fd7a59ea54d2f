// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
  // Crash tests end the daemon after each commit; no release build can be told to.
  .define("FARM_FAILPOINTS", .when(configuration: .debug)),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let bits = Target.Dependency.product(name: "BitCollections", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

/// A target of ours: `folder` below Sources, its module named for the folder without the stage's number.
func room(_ folder: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  let name = folder.split(separator: "/").last.map { $0.drop { $0.isNumber || $0 == "-" } } ?? ""
  return .target(
    name: String(name), dependencies: dependencies, path: "Sources/\(folder)", resources: resources,
    swiftSettings: settings)
}

func program(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: String(folder.split(separator: "/").last ?? ""), dependencies: dependencies, path: "Sources/\(folder)",
    swiftSettings: settings)
}

func library(_ folder: String, _ aptPackage: String) -> Target {
  .systemLibrary(
    name: String(folder.split(separator: "/").last ?? ""), path: "Sources/\(folder)", providers: [.apt([aptPackage])])
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["FarmTesting", system], path: "Tests/\(name)", exclude: exclude,
    swiftSettings: settings)
}

let base: [Target] = [
  library("Base/CInotifyTools", "libinotifytools0-dev"),
  library("Base/CArchive", "libarchive-dev"),
  library("Base/CNettle", "nettle-dev"),
  library("Base/CZlib", "zlib1g-dev"),
  library("Base/CDeflate", "libdeflate-dev"),
  library("Base/CLinux", "libc6-dev"),
  // The one target of ours in C: what runs in the handler of a signal may neither allocate nor lock.
  .target(name: "CCrashMark", path: "Sources/Base/CCrashMark"),
  room("Base/FarmModel", [system]),
  room("Base/VolumeFiles", ["FarmModel", "CLinux", "CNettle", system]),
  room("Base/FarmStore", ["FarmModel", "VolumeFiles", grdb, system]),
  room("Base/FolderWatch", ["FarmModel", "VolumeFiles", "CInotifyTools", deque, heap, system]),
  room("Base/BlendFile", ["FarmModel", "CArchive", system]),
  room("Base/Pictures", ["FarmModel", "VolumeFiles", "Supervisor", "CDeflate", system]),
  room("Base/Supervisor", ["FarmModel", subprocess, system]),
]

let pipeline: [Target] = [
  room("Pipeline/1-Intake", ["FarmModel", "VolumeFiles", "FolderWatch", "BlendFile", system]),
  room("Pipeline/2-Preflight", ["FarmModel", "VolumeFiles", "BlendFile", "Pictures", system]),
  room("Pipeline/3-Segmentation", ["FarmModel", "BlendFile"]),
  room(
    "Pipeline/4-Rendering", ["FarmModel", "VolumeFiles", "Pictures", bits, system],
    resources: [.embedInCode("render_script/farm_render.py")]),
  room("Pipeline/5-Assembly", ["FarmModel", "VolumeFiles", "Pictures", system]),
  room("Pipeline/6-Harvest", ["FarmModel", "VolumeFiles", system]),
  room(
    "Pipeline/7-Archiving",
    ["FarmModel", "VolumeFiles", "CArchive", "CZlib", "CDeflate", "CLinux", system]),
]

let engines: [Target] = [
  room("Engines/LocalEngine", ["FarmModel", "VolumeFiles", "Supervisor", "Rendering", logging, system])
]

let programs: [Target] = [
  room("Programs/FarmAPI", ["FarmModel", httpClient, nio, system]),
  room("Programs/ShareNotes", ["FarmModel", "VolumeFiles", "FarmAPI", system]),
  room("Programs/FarmDoctor", ["FarmModel", "VolumeFiles", "FarmStore", "Supervisor", "FarmAPI", system]),
  room("Programs/FarmServer", ["FarmModel", "FarmAPI", hummingbird, lifecycle, logging, nio]),
  room(
    "Programs/FarmDaemon",
    [
      "FarmModel", "VolumeFiles", "FarmStore", "FolderWatch", "BlendFile", "Supervisor", "Pictures", "CCrashMark",
      "Intake", "Preflight", "Segmentation", "Rendering", "Assembly", "Harvest", "Archiving", "LocalEngine", "FarmAPI",
      "FarmServer", "ShareNotes",
      "FarmDoctor", deque, yams,
      lifecycle,
      logging, system,
    ]),
  room("Programs/ProgramMain", ["FarmModel", argumentParser, system]),
  program(
    "Programs/farmd",
    ["FarmModel", "CLinux", "FarmStore", "FarmDaemon", "ProgramMain", argumentParser, logging, system]),
  program(
    "Programs/farm",
    [
      "FarmModel", "VolumeFiles", "BlendFile", "Supervisor", "Preflight", "FarmAPI", "ProgramMain", argumentParser,
      system,
    ]),
]

let checks: [Target] = [
  .target(
    name: "FarmTesting",
    dependencies: ["FarmModel", "VolumeFiles", "Supervisor", "Rendering", "CLinux", "CZlib", system],
    path: "Tests/FarmTesting", exclude: ["make_scenes.py", "smb_writer.py"], swiftSettings: settings),
  .executableTarget(
    name: "farm-bench",
    dependencies: [
      "farm", "farmd", "WatchProbe", "FarmModel", "BlendFile", "FarmStore", "VolumeFiles", "Pictures", "Preflight",
      "Archiving",
      argumentParser, system,
    ],
    path: "Benchmarks", swiftSettings: settings),
  .executableTarget(
    name: "WatchProbe", dependencies: ["FarmModel", "VolumeFiles", "FolderWatch", "Intake", system],
    path: "Tests/WatchProbe",
    swiftSettings: settings),
  tests("FarmModelTests", ["FarmModel"]),
  tests("FolderWatchTests", ["FarmModel", "VolumeFiles", "FolderWatch", "CInotifyTools", "CLinux", "WatchProbe"]),
  tests("BlendFileTests", ["FarmModel", "BlendFile", "Supervisor"], exclude: ["files"]),
  tests("PicturesTests", ["FarmModel", "Pictures", "Supervisor"]),
  tests("SupervisorTests", ["Supervisor"]),
  tests("VolumeFilesTests", ["CLinux", "FarmModel", "Supervisor", "VolumeFiles"]),
  tests("FarmStoreTests", ["FarmModel", "FarmStore", grdb], exclude: ["ledgers"]),
  tests("IntakeTests", ["FarmModel", "VolumeFiles", "Intake"]),
  tests("PreflightTests", ["FarmModel", "BlendFile", "Pictures", "Preflight", "Supervisor", "VolumeFiles"]),
  tests("SegmentationTests", ["FarmModel", "BlendFile", "Segmentation"]),
  tests("RenderingTests", ["FarmModel", "VolumeFiles", "Rendering"]),
  tests("AssemblyTests", ["FarmModel", "Supervisor", "Pictures", "Assembly"]),
  tests("HarvestTests", ["FarmModel", "VolumeFiles", "Harvest"]),
  tests("ArchivingTests", ["FarmModel", "VolumeFiles", "Archiving", "CArchive", "CZlib", "Supervisor"]),
  tests("LocalEngineTests", ["FarmModel", "VolumeFiles", "Supervisor", "Rendering", "LocalEngine", logging]),
  tests("ShareNotesTests", ["FarmModel", "VolumeFiles", "FarmAPI", "ShareNotes"]),
  tests("FarmDoctorTests", ["FarmModel", "VolumeFiles", "FarmAPI", "FarmDoctor"]),
  tests("FarmServerTests", ["FarmModel", "FarmServer"]),
  tests(
    "FarmDaemonTests",
    [
      "FarmModel", "VolumeFiles", "FarmStore", "FolderWatch", "Intake", "Rendering", "Archiving", "FarmAPI",
      "FarmDaemon",
      logging,
    ]),
  tests("FarmCommandTests", ["FarmModel", "FarmAPI", "farm", argumentParser]),
  tests("TidyTests", []),
  tests("EndToEndTests", ["FarmModel", "FarmAPI", "Pictures", "VolumeFiles", "Supervisor", "farm", "farmd"]),
]

/// libFuzzer has a main of its own, so only `make fuzz` asks for what it calls.
let fuzzers: [Target] =
  Context.environment["FARM_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "farm-fuzz", dependencies: ["BlendFile", "Pictures", "FarmModel", "CZlib", system], path: "Tests/Fuzz",
      exclude: ["seeds"],
      swiftSettings: settings)
  ]

let package = Package(
  name: "farm",
  products: [.executable(name: "farmd", targets: ["farmd"]), .executable(name: "farm", targets: ["farm"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: base + pipeline + engines + programs + checks + fuzzers,
  swiftLanguageModes: [.v6]
)
