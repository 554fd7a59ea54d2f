/// The classes of problems, spelled as `farm` prints them and as `problem:<class>` finds them.
package enum ProblemClass: String, Codable, CaseIterable, Sendable {
  case unreadableFile = "unreadable-file"
  case wrongBlender = "wrong-blender"
  case noBlender = "no-blender"
  case noCamera = "no-camera"
  case noFrames = "no-frames"
  case noLayer = "no-layer"
  case missingFile = "missing-file"
  case outOfReach = "out-of-reach"
  case sequencer
  case noGPU = "no-gpu"
  case notSupported = "not-supported"
  case hung
  case badName = "bad-name"
  case badRelease = "bad-release"
  case denoiserMissing = "denoiser-missing"
  case scriptsDisabled = "scripts-disabled"
  case pythonError = "python-error"
  case rendererCrashed = "renderer-crashed"
  case outOfMemory = "out-of-memory"
  case outOfVRAM = "out-of-vram"
  case noOutput = "no-output"
  case truncated
  case wrongSize = "wrong-size"
  case diskFull = "disk-full"
  case notWritable = "not-writable"
  case killed
  case changedMeanwhile = "changed-meanwhile"
  case renderError = "render-error"
  case adopted
  case folderGone = "folder-gone"
  case nameTaken = "name-taken"
  case still
  case unbakedSimulation = "unbaked-simulation"
  case darkFrame = "dark-frame"
  case notWhole = "not-whole"
  case notAFile = "not-a-file"
  case fileGone = "file-gone"
  case badSettings = "bad-settings"
  case notTiled = "not-tiled"
  case tileEdges = "tile-edges"
  case slowFrame = "slow-frame"
  case wrongChannels = "wrong-channels"
  case namesCopy = "names-copy"
  case crashedTheFarm = "crashed-the-farm"
  case keptChanged = "kept-changed"

  /// Whether trying the same output again cannot change anything: the cause is in the file or in the set-up.
  package var isFinal: Bool {
    switch self {
    case .unreadableFile, .wrongBlender, .noBlender, .noCamera, .noFrames, .noLayer, .missingFile, .outOfReach,
      .sequencer, .noGPU, .notSupported, .badName, .badRelease, .denoiserMissing, .scriptsDisabled, .pythonError,
      .adopted, .notAFile, .fileGone, .folderGone, .nameTaken, .still, .unbakedSimulation, .darkFrame, .badSettings,
      .notTiled, .tileEdges, .namesCopy, .crashedTheFarm, .keptChanged:
      true
    case .hung, .rendererCrashed, .outOfMemory, .outOfVRAM, .noOutput, .truncated, .wrongSize, .diskFull, .notWritable,
      .killed, .changedMeanwhile, .renderError, .notWhole, .slowFrame, .wrongChannels:
      false
    }
  }

  /// Whether it is in the file or the set-up and holds up the job until somebody mends it, before a frame is lost.
  package var blocks: Bool {
    switch self {
    case .unreadableFile, .wrongBlender, .noBlender, .noCamera, .noFrames, .noLayer, .missingFile, .outOfReach,
      .sequencer, .notSupported, .denoiserMissing, .scriptsDisabled, .fileGone, .badSettings,
      .crashedTheFarm:
      true
    case .noGPU, .badName, .badRelease, .pythonError, .adopted, .folderGone, .nameTaken, .still, .unbakedSimulation,
      .darkFrame, .notAFile, .hung, .rendererCrashed, .outOfMemory, .outOfVRAM, .noOutput, .truncated, .wrongSize,
      .diskFull, .notWritable, .killed, .changedMeanwhile, .renderError, .notWhole, .notTiled, .tileEdges, .slowFrame,
      .wrongChannels, .namesCopy, .keptChanged:
      false
    }
  }

  /// Whether the cause lies outside the frame, so that it does not cost one of its attempts.
  package var isFree: Bool { self == .killed || self == .changedMeanwhile || self == .diskFull }

  /// What helps when nothing better is known about the case.
  package var usualRemedy: String {
    switch self {
    case .unreadableFile: "Open the file in Blender and save it again."
    case .wrongBlender: "Install a Blender of the file's version and list it under `blenders:` in farm.yaml."
    case .noBlender: "Install Blender (`apt-get install blender`) or list one under `blenders:` in farm.yaml."
    case .noCamera: "Add a camera to the scene (Shift+A, Camera), make it the active one and save again."
    case .noLayer: "Switch on `Use for Rendering` of a view layer and save again."
    case .missingFile: "Put the missing files in their places; the job goes on by itself."
    case .outOfReach:
      "Put it into the volume and save again, or have a path mapping of the engine name its folder; then copy the"
        + " job's file there once more."
    case .sequencer: "Switch off Sequencer under Post Processing in the Output properties, or remove its strips."
    case .noGPU: "Nothing, when the processor is good enough; else set the device of the scene, or add a GPU."
    case .notSupported: "Change the scene as the cause says and save again."
    case .hung: "Read `farm logs` of the job; raise `hang_after:` in farm.yaml when its frames need that long."
    case .noFrames: "Set the frame range in the scene's Output properties and save again."
    case .badName: "Rename the file."
    case .badRelease: "Correct release.yaml; etc/release.yaml shows every key."
    case .denoiserMissing: "Turn denoising off in the scene, or install a Blender with OpenImageDenoise."
    case .scriptsDisabled:
      "Put the file under a folder of `trust_scripts:` in farm.yaml, or bake what its scripts drive."
    case .pythonError: "Read `farm logs` of the job and report the trace at its end."
    case .rendererCrashed: "Read `farm logs` of the job; try another Blender version."
    case .outOfVRAM: "Lower the scene's texture sizes, or render it on the processor: Device, CPU, in Blender."
    case .outOfMemory: "Lower the scene's texture sizes or the number of `slots:`."
    case .noOutput: "Read `farm logs` of the job."
    case .truncated: "Check the disk; `df -h` shows what is left."
    case .wrongSize: "Read `farm logs` of the job; the scene's resolution may be driven."
    case .diskFull: "Free space on the volume; the farm goes on by itself."
    case .notWritable: "Give the daemon's user the right to write there."
    case .killed: "Nothing; a person asked for it. Change and save the file, and it is rendered."
    case .changedMeanwhile: "Nothing; the newer version is rendered."
    case .renderError: "Read `farm logs` of the job."
    case .notWhole: "Wait for the copy to end, or copy the file once more."
    case .notAFile: "Put the file itself there."
    case .fileGone: "Put the file back and the job goes on by itself, or end it with `farm kill jobs`."
    case .folderGone: "Put the folder back; the job goes on by itself."
    case .nameTaken: "Rename one of the two files."
    case .still: "Give something a keyframe, or write `still: never` in release.yaml or farm.yaml."
    case .unbakedSimulation: "Bake it in Blender and save again, and its frames can be rendered side by side."
    case .darkFrame: "Look at them; `farm replace job <job> --frames <frames>` renders them again."
    case .badSettings: "Correct it; etc/job.farm.yaml shows every key, and the job goes on by itself."
    case .notTiled: "Nothing, or change that in the scene and save again."
    case .tileEdges: "Nothing; or switch off Noise Threshold in the scene, or render it whole."
    case .slowFrame: "Nothing; look at `farm logs` of the job when there are many of them."
    case .namesCopy: "Switch off `File Name` under Metadata in the Output properties, and save again."
    case .wrongChannels: "Read `farm logs` of the job; the scene's colour mode may be driven."
    case .crashedTheFarm:
      "Open it in Blender and save it again, and it is tried again; report it with the file and the daemon's log."
    case .keptChanged: "Look at both pictures, and keep the one that is right."
    case .adopted: "Change and save it, and it is rendered."
    }
  }
}
