"""Runs inside Blender: opens one .blend, renders the frames it is told to, and reports.

Blender is started without a file: `blender -b --factory-startup -noaudio -Y --python-exit-code 9 -P farm_render.py`.
Commands come as JSON, one a line, on standard input; reports go out as lines that begin with `@@farm `, between
whatever Blender itself prints. Every setting that decides where and whether a picture is written is set here, after
opening, so that nothing an artist left in the file can lose or overwrite one.

    {"do": "probe"}                                            -> {"event": "probed", ...}
    {"do": "open", "blend": path, "format": "PNG", "threads": 2, "can_denoise": false}
                                                               -> {"event": "opened", "width": 160, "height": 90}
    {"do": "render", "frame": 7, "file": path}                 -> {"event": "frame", "frame": 7, "seconds": 0.2}
Either may answer {"event": "failed", "class": "no-camera", "cause": "..."}; end of input ends the program.
"""

import json
import os
import sys
import time

import bpy

EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "OPEN_EXR": ".exr"}


class Refusal(Exception):
    """Something in the file that makes rendering it wrong or impossible."""

    def __init__(self, problem, cause):
        super().__init__(cause)
        self.problem = problem


def report(**fields):
    """Writes one report; the leading line break parts it from a progress line that Blender did not end."""
    sys.stdout.flush()
    line = "\n@@farm " + json.dumps(fields) + "\n"
    data = line.encode("utf-8")
    while data:
        data = data[os.write(1, data) :]


def probe():
    """Says what this Blender is and can do."""
    report(
        event="probed",
        version=list(bpy.app.version),
        hash=bpy.app.build_hash.decode("ascii", "replace"),
        can_denoise=can_denoise(),
        devices=["CPU"] + gpus(),
    )


def gpus():
    """The type of each GPU, in the best way that this build and machine can use it; one card shows up in several."""
    if "cycles" not in bpy.context.preferences.addons:
        return []
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in ("OPTIX", "CUDA", "HIP", "ONEAPI"):
        try:
            preferences.compute_device_type = kind
        except TypeError:
            continue  # This build does not know the kind.
        preferences.get_devices()
        found = [kind for device in preferences.devices if device.type == kind]
        if found:
            return found
    return []


def can_denoise():
    """Renders four pixels with denoising; a build without OpenImageDenoise raises."""
    scene = bpy.context.scene
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = 4
    render.resolution_percentage = 100
    scene.cycles.samples = 1
    scene.cycles.use_denoising = True
    if scene.camera is None:
        camera = bpy.data.objects.new("Probe", bpy.data.cameras.new("Probe"))
        scene.collection.objects.link(camera)
        scene.camera = camera
    try:
        bpy.ops.render.render()
    except RuntimeError:
        return False
    return True


def open_file(command):
    """Opens the file and puts every setting of the farm's in place."""
    wanted = command["blend"]
    try:
        bpy.ops.wm.open_mainfile(filepath=wanted, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Refusal("unreadable-file", first_line(error)) from error
    # A failed open leaves the previous scene loaded, and would render that.
    if not os.path.samefile(bpy.data.filepath or os.sep, wanted):
        raise Refusal("unreadable-file", "Blender did not open the file")
    if bpy.app.autoexec_fail:
        raise Refusal("scripts-disabled", "the file needs its scripts: " + bpy.app.autoexec_fail_message)
    scene = bpy.context.scene
    refuse_unfit(scene, command)
    set_output(scene, command)
    render = scene.render
    # In whole numbers, as Blender computes it: 180 pixels at 70 % are 126, not 125.99.
    report(
        event="opened",
        scene=scene.name,
        width=render.resolution_x * render.resolution_percentage // 100,
        height=render.resolution_y * render.resolution_percentage // 100,
    )


def refuse_unfit(scene, command):
    """Refuses what would give a wrong picture without a word of Blender's."""
    render = scene.render
    has_camera = scene.camera is not None or any(marker.camera for marker in scene.timeline_markers)
    if not has_camera:
        raise Refusal("no-camera", "scene %s has no camera" % scene.name)
    if not any(layer.use for layer in scene.view_layers):
        raise Refusal("no-output", "no view layer of scene %s is switched on for rendering" % scene.name)
    if render.use_multiview:
        raise Refusal("render-error", "scene %s renders stereo views, which the farm cannot yet" % scene.name)
    if scene.frame_step != 1:
        raise Refusal("no-frames", "scene %s has a frame step of %d, which the farm cannot read yet; set it to 1"
                      % (scene.name, scene.frame_step))
    denoises = render.engine == "CYCLES" and scene.cycles.use_denoising
    if denoises and not command["can_denoise"]:
        raise Refusal("denoiser-missing", "scene %s denoises, and this Blender is built without a denoiser" % scene.name)


def set_output(scene, command):
    """Where and how pictures are written is the farm's to say, not the file's."""
    render = scene.render
    render.use_overwrite = True
    render.use_placeholder = False
    render.use_file_extension = True
    render.use_border = False
    if command.get("threads"):
        render.threads_mode = "FIXED"
        render.threads = command["threads"]
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"  # From 5.0 on it must be set before the format.
    settings.file_format = command["format"]
    for node in output_nodes(scene):
        node.mute = True


def output_nodes(scene):
    """File Output nodes, also those in groups: they would write to paths of the artist's."""
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    waiting = [tree] if tree else []
    seen = set()
    while waiting:
        tree = waiting.pop()
        if tree.name in seen:
            continue
        seen.add(tree.name)
        for node in tree.nodes:
            if node.type == "OUTPUT_FILE":
                yield node
            if getattr(node, "node_tree", None):
                waiting.append(node.node_tree)


def render_frame(command, picture_format):
    """Renders one frame beside its place and renames it there, so that what has the name is whole."""
    scene = bpy.context.scene
    wanted = command["file"]
    part = wanted + ".part"
    written = part + EXTENSIONS[picture_format]
    started = time.monotonic()
    scene.frame_set(command["frame"])
    scene.render.filepath = part
    try:
        result = bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        raise Refusal(problem_of(str(error)), first_line(error)) from error
    if "FINISHED" not in result or not os.path.exists(written):
        raise Refusal("no-output", "Blender ended frame %d without writing a picture" % command["frame"])
    os.replace(written, wanted)
    report(event="frame", frame=command["frame"], seconds=time.monotonic() - started)


def problem_of(text):
    """The class of a render error by Blender's own words (3.4 to 5.0)."""
    known = (
        ("no camera", "no-camera"),
        ("OpenImageDenoiser", "denoiser-missing"),
        ("No space left", "disk-full"),
        ("cannot save", "not-writable"),
        ("ut of memory", "out-of-memory"),
    )
    return next((problem for words, problem in known if words in text), "render-error")


def first_line(error):
    text = str(error).strip().splitlines()
    return text[0].removeprefix("Error: ") if text else "no reason was given"


def main():
    report(event="ready", version=list(bpy.app.version))
    picture_format = "PNG"
    for line in sys.stdin.buffer:
        command = json.loads(line)
        try:
            if command["do"] == "probe":
                probe()
            elif command["do"] == "open":
                picture_format = command["format"]
                open_file(command)
            elif command["do"] == "render":
                render_frame(command, picture_format)
        except Refusal as refusal:
            report(event="failed", frame=command.get("frame"), **{"class": refusal.problem}, cause=str(refusal))


main()
