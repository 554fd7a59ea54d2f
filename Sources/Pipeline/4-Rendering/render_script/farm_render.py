"""Runs inside Blender and stays: opens one .blend after another, renders the frames it is told to, and reports.

Blender is started without a file: `blender -b --factory-startup -noaudio -Y --python-exit-code 9 -P farm_render.py`.
Commands come as JSON, one a line, on standard input; reports go out as lines that begin with `@@farm `, between
whatever Blender itself prints. Every setting that decides where and whether a picture is written is set here, after
opening, so that nothing an artist left in the file can lose or overwrite one. A file that is open already, and of which
nothing has changed, is not opened again. Memory is in bytes: "peak" since the file was opened, "memory" now.

                                 -> {"event": "ready", "version": [3, 4, 1], "hash": "...", "built": "2024-07-23 20:05:02"}
    {"do": "probe"}                                            -> {"event": "probed", ...}
    {"do": "open", "blend": path, "scene": name, "format": "PNG", "folder": path, "threads": 2, "can_denoise": false,
     "device": "auto", "on_missing": "block", "simulated": false, "trusted": false, "any_frame": false, "apart": false,
     "places": [{"seen_as", "folder"}]}, and where they are wanted "samples", "percentage", "denoise"; "original": the
     artist's own file, of which "blend" is a copy in the same folder
                -> {"event": "opened", "width": 160, "height": 90, "channels": 4, "notes": [...],
                    "files": [{"path", "size", "mtime_ns"}] (size -1: needed and not there),
                    "nodes": [{"node", "slot", "extension"}], "is_new": true}
    {"do": "render", "frame": 7, "file": path}, with "layer" where layers are rendered apart, and for a tile
     "tile": {"column", "row", "columns", "rows"}, counted from 0 from the upper left
                -> {"event": "rendering", "frame": 7}, {"event": "alive", "sample": 96, "samples": 128} now and then,
                   {"event": "frame", "frame": 7, "seconds": 0.2, "peak": 361000000, "memory": 342000000,
                    "pictures": [{"file", "view", "node"}]}
    {"do": "forget"}: nothing more of the open file is wanted  -> {"event": "forgot", "memory": 262000000}
Either may answer {"event": "failed", "class": "no-camera", "cause": "..."}, with "missing": [{"path", "by", "why", "seen"}]
when files are; end of input ends the program.
"""

import bisect
import json
import math
import os
import re
import shutil
import struct
import sys
import time
import traceback
import zlib

import bpy

try:
    import ctypes
except ImportError:  # A Python built without libffi: Blender keeps the copy's name.
    ctypes = None

NOT_THERE = "is not there"
EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "OPEN_EXR": ".exr", "OPEN_EXR_MULTILAYER": ".exr", "TIFF": ".tif",
              "WEBP": ".webp", "BMP": ".bmp", "TARGA": ".tga", "TARGA_RAW": ".tga", "HDR": ".hdr", "DPX": ".dpx",
              "CINEON": ".cin", "JPEG2000": ".jp2", "IRIS": ".rgb"}
# What can be told of a picture by its file.
CHANNELS = {"BW": 1, "RGB": 3, "RGBA": 4}


# Every file besides the .blend from which the picture comes: its size and time when it was opened, by its path.
opened_files = {}

# Modifiers that make of a shape another one, and remember nothing from frame to frame.
SHAPING = {"ARMATURE", "ARRAY", "BEVEL", "BOOLEAN", "BUILD", "CAST", "CURVE", "DATA_TRANSFER", "DECIMATE", "DISPLACE",
           "EDGE_SPLIT", "LATTICE", "MASK", "MESH_TO_VOLUME", "MIRROR", "MULTIRES", "NODES", "NORMAL_EDIT", "REMESH",
           "SCREW", "SHRINKWRAP", "SIMPLE_DEFORM", "SKIN", "SMOOTH", "SOLIDIFY", "SUBSURF", "TRIANGULATE",
           "VOLUME_TO_MESH", "WARP", "WAVE", "WEIGHTED_NORMAL", "WELD", "WIREFRAME"}

# The first frame from which a scene is simulated as it is rendered, None for one that is not; and how far it is.
simulation = {"first": None, "at": None}

# The open file: with which command and as which file it was opened, and what was reported of it.
held = {"key": None, "scene": None, "said": None, "waits": True, "spare": set(), "any_frame": False, "caches": [],
        "bakes": [], "listed": [], "original": None}

# The File Output nodes of the open scene, each with its slots, by the name under which it is known.
output_nodes = {}

# `Main.filepath` lies so many bytes behind the address of `bpy.data`, and has room for so many (seen in 3.4, 4.2, 5.0).
MAIN_FILEPATH_AT, MAIN_FILEPATH_BYTES = 16, 1024

# The copy's path and the artist's, where the pictures' metadata have to be rewritten; None where Blender writes it right.
metadata_path = {"copy": None, "original": None}

# The RNA paths that drivers and shaders of the open file read, with all that is in brackets left out, and a reader of each.
read_paths = {}

# What a driver may read although the viewport shows fewer modifiers: the value does not come from a shape.
SHAPELESS = {"location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale", "value", "influence",
             "delta_location", "delta_rotation_euler", "delta_rotation_quaternion", "delta_scale", "eval_time",
             "frame_current", "frame_current_final", "frame_start", "frame_end", "lens", "energy", "hide_render"}

# Between two signs of life while a frame is rendered.
ALIVE_EVERY_SECONDS = 0.5


class Refusal(Exception):
    """Something in the file that makes rendering it wrong or impossible."""

    def __init__(self, problem, cause, missing=()):
        super().__init__(cause)
        self.problem = problem
        self.missing = list(missing)


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
        **build(),
        can_denoise=can_denoise(),
        devices=["CPU"] + gpus(),
    )


def build():
    """Which build this is; Debian's 3.4 says "Unknown" for hash and date."""
    words = (word.decode("ascii", "replace") for word in (bpy.app.build_date, bpy.app.build_time))
    return {"version": list(bpy.app.version), "hash": bpy.app.build_hash.decode("ascii", "replace"), "built": " ".join(words)}


def gpus():
    """The type of each GPU, in the best way that this build and machine can use it; one card shows up in several."""
    if "cycles" not in bpy.context.preferences.addons:
        return []
    for kind in ("OPTIX", "CUDA", "HIP", "ONEAPI"):
        found = enabled(kind)
        if found:
            return [kind] * found
    return []


def enabled(kind):
    """Has Cycles render on the GPUs of this kind, where it renders on any; returns how many there are."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    try:
        preferences.compute_device_type = kind
    except TypeError:
        return 0  # This build does not know the kind.
    preferences.get_devices()
    for device in preferences.devices:
        device.use = device.type == kind
    return sum(device.type == kind for device in preferences.devices)


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


def memory_of(field):
    """A line of /proc/self/status in bytes: VmRSS is what is in memory now, VmHWM the most that was."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # Another system than Linux: nothing is said.
    return None


def forget_peak():
    """Has the kernel measure the most memory from here on."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
    except OSError:
        pass  # What is said then is the most since the start.


@bpy.app.handlers.persistent
def show_life(*words):
    """Says that rendering goes on; how far, where Blender tells it to handlers (from 4.2 on)."""
    now = time.monotonic()
    if now - show_life.at < ALIVE_EVERY_SECONDS:
        return
    show_life.at = now
    found = re.search(r"Sample (\d+)/(\d+)", words[0]) if words and isinstance(words[0], str) else None
    report(event="alive", **({"sample": int(found[1]), "samples": int(found[2])} if found else {}))


show_life.at = 0.0


def key_of(command):
    """What the open file is known by; None for one that has to be opened anew each time."""
    status = seen(command["blend"])
    if command.get("simulated") or status is None:
        return None
    return json.dumps([status, os.stat(command["blend"]).st_ino,
                       {name: value for name, value in command.items() if name != "folder"}], sort_keys=True)


def open_once(command):
    """Opens the file unless it is open, with all that it needs as it was then, and reports it."""
    key = key_of(command)
    is_new = key is None or key != held["key"] or any(seen(path) != was for path, was in opened_files.items())
    if is_new:
        # A failed open leaves nothing that may be rendered.
        held.update(key=None, scene=None)
        forget_peak()
        scene, said = open_file(command)
        held.update(key=key, scene=scene.name, said=said)
    report(event="opened", is_new=is_new, memory=memory_of("VmRSS"), **held["said"])


def open_scene():
    """The scene of the open file."""
    scene = bpy.data.scenes.get(held["scene"]) if held["scene"] else None
    if scene is None:
        raise Refusal("unreadable-file", "no file is open")
    return scene


def forget():
    """Lets go of the open file and its memory."""
    held.update(key=None, scene=None, said=None)
    opened_files.clear()
    bpy.ops.wm.read_homefile(use_empty=True)
    report(event="forgot", memory=memory_of("VmRSS"))


def open_file(command):
    """Opens the file and puts every setting of the farm's in place; returns the scene to render and what is said of it."""
    wanted = command["blend"]
    try:
        bpy.ops.wm.open_mainfile(filepath=wanted, load_ui=False, use_scripts=bool(command.get("trusted")))
    except RuntimeError as error:
        raise Refusal("unreadable-file", first_line(error)) from error
    # A failed open leaves the previous scene loaded, and would render that.
    if not os.path.samefile(bpy.data.filepath or os.sep, wanted):
        raise Refusal("unreadable-file", "Blender did not open the file")
    refuse_if_scripts_failed()
    scene = wanted_scene(command)
    if bpy.context.scene != scene:  # Once it was set, each frame takes a fifth longer.
        show(scene)
    find_places(command.get("places", ()))
    refuse_unfit(scene, command)
    held["waits"], held["spare"] = command.get("on_missing") != "warn", set(command.get("spare", ()))
    held["any_frame"] = bool(command.get("any_frame"))
    if held["waits"]:
        refuse(missing_files())
    simulation.update(first=None, at=None)
    read_paths.clear()
    read_paths.update(find_readers())
    keep_caches(command)
    if command.get("simulated"):
        simulation["first"] = min([cache.frame_start for cache, _ in point_caches()] + [scene.frame_start])
    elif not command.get("trusted") and is_viewport_unread():  # A script may look at shapes in the viewport.
        leave_viewport()
    held.update(original=command.get("original") or bpy.data.filepath)
    held.update(caches=list(baked_caches()), bakes=list(baked_nodes(scene)))
    list_caches()
    opened_files.clear()
    opened_files.update((path, seen(path)) for path in sorted(set(needed_files())) if seen(path))
    # A file of a cache that comes later makes another picture: it is followed from now on.
    opened_files.update((path, None) for path in absent_files(scene) if is_text(path))
    set_quality(scene, command)
    set_output(scene, command)
    notes = set_device(scene, command)
    notes += take_artists_path(scene, command)
    render = scene.render
    # In whole numbers, as Blender computes it: 180 pixels at 70 % are 126, not 125.99.
    return scene, {
        "scene": scene.name,
        "width": render.resolution_x * render.resolution_percentage // 100,
        "height": render.resolution_y * render.resolution_percentage // 100,
        "channels": channels_of(render.image_settings),
        "nodes": take_nodes(scene),
        "notes": notes,
        "files": [{"path": path, "size": status[0], "mtime_ns": status[1]}
                  for path, status in ((path, status or [-1, 0]) for path, status in opened_files.items())],
    }


def refuse_if_scripts_failed():
    """Refuses a file some of whose Python Blender would have run, and did not because scripts are off."""
    if bpy.app.autoexec_fail:
        raise Refusal("scripts-disabled", "the file needs its scripts: " + bpy.app.autoexec_fail_message)


def show(scene):
    """Makes it the scene of each window: one that is rendered beside that is rendered at the frame of that one."""
    for window in bpy.context.window_manager.windows:
        window.scene = scene


def leave_viewport():
    """Switches off, in the viewport alone, modifiers that only make shapes: Blender computes each frame for it too."""
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type in SHAPING:
                modifier.show_viewport = False


def is_viewport_unread():
    """Whether it is certain that no value which depends on a modifier's `show_viewport` comes into a picture.

    The renderer evaluates shapes and constraints anew with `show_render`. What is left are values that are read by a path,
    simulations, which Blender computes with the shapes of the viewport, and Freestyle's own Python.
    """
    if any(path.endswith("show_viewport") for path in read_paths) or any(not reads_no_shape(curve) for curve in drivers()):
        return False
    is_scripted = any(layer.use_freestyle and layer.freestyle_settings.mode == "SCRIPT"
                      for scene in bpy.data.scenes for layer in scene.view_layers)
    return not is_scripted and not is_simulating()


def reads_no_shape(curve):
    """Whether a driver takes all its values from properties that no shape changes."""
    if curve.data_path.startswith("rotation"):  # Names of pictures say it, as it is in the viewport.
        return False
    for variable in curve.driver.variables:
        if variable.type not in ("SINGLE_PROP", "CONTEXT_PROP"):
            # Transforms are evaluated with the picture, but a driver of a scene takes them from the viewport.
            if isinstance(curve.id_data, bpy.types.Scene):
                return False
            continue
        for target in variable.targets:
            path = re.sub(r"\[\d+\]$", "", target.data_path)
            if not path.endswith(("\"]", "']")) and path.rpartition(".")[2] not in SHAPELESS:
                return False
    return True


def is_simulating():
    """Whether something may be simulated while frames are set: then shapes in the viewport count."""
    if any(scene.rigidbody_world for scene in bpy.data.scenes):
        return True
    for thing in bpy.data.objects:
        if any(modifier.type in ("CLOTH", "SOFT_BODY", "DYNAMIC_PAINT", "FLUID") for modifier in thing.modifiers):
            return True
        if any(system.settings.type != "HAIR" or system.use_hair_dynamics for system in thing.particle_systems):
            return True
    # From 3.6 on nodes simulate, and from 4.1 on they may hold what was baked.
    return any(node.bl_idname in ("GeometryNodeSimulationOutput", "GeometryNodeBake")
               for tree in bpy.data.node_groups for node in tree.nodes)


def animated_blocks():
    """All that may have drivers, also what is linked: datablocks, and the node trees inside them."""
    for kind in bpy.data.bl_rna.properties:
        if kind.type != "COLLECTION":
            continue
        for block in getattr(bpy.data, kind.identifier):
            yield block
            tree = getattr(block, "node_tree", None)
            if tree:
                yield tree


def drivers():
    for block in animated_blocks():
        data = getattr(block, "animation_data", None)
        yield from data.drivers if data else ()


def find_readers():
    """Pairs of an RNA path that a driver or shader reads and words for the reader.

    Nothing else reads properties by their path while scripts are off: Blender computes drivers without Python then, or
    refuses them.
    """
    for curve in drivers():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.data_path:
                    yield without_brackets(target.data_path), "a driver of %s" % curve.id_data.name
    for node, owner in nodes_with_owners():
        if node.bl_idname == "ShaderNodeAttribute" and node.attribute_type != "GEOMETRY":
            yield without_brackets(node.attribute_name), "a shader of %s" % owner.name


def without_brackets(path):
    return re.sub(r"\[[^\]]*\]", "[]", path)


def reader_of(path):
    """Words for what reads a property of this path, such as `render.threads`; None when nothing does."""
    path = without_brackets(path)
    return next((reader for read, reader in read_paths.items() if ("." + read).endswith("." + path)), None)


def put(holder, path, value):
    """Sets a property that the farm has to set; refuses a file in which a driver or a shader reads it, for the picture would be
    another one.

    `path` is as those would name it from a datablock on; its last word is the property's name.
    """
    name = path.rpartition(".")[2]
    if getattr(holder, name) == value:
        return
    reader = reader_of(path)
    if reader:
        raise Refusal("not-supported", "%s reads %s, which the farm has to change for rendering: have it read another property"
                      % (reader, path))
    setattr(holder, name, value)


def take_artists_path(scene, command):
    """Has Blender know the open file by the artist's path, which it writes into metadata and burns into pictures; returns what
    the artist should know where that cannot be."""
    metadata_path.update(copy=None, original=None)
    original, copy = command.get("original"), bpy.data.filepath
    if not original or original == copy:
        return []
    # `//` has to mean the same folder afterwards.
    if os.path.dirname(original) == os.path.dirname(copy) and set_main_path(original):
        return []
    metadata_path.update(copy=copy, original=original)
    render = scene.render
    if not (render.use_stamp and render.use_stamp_filename):
        return []
    return [{"class": "names-copy", "cause": "the file name that scene %s burns into its pictures is that of the farm's copy, %s"
             % (scene.name, os.path.basename(copy))}]


def set_main_path(path):
    """Overwrites the path by which Blender knows the open file; False where that is not certain to be right.

    From then on `//` begins at this path's folder, and Blender looks for disk caches beside it.
    """
    before, after = os.fsencode(bpy.data.filepath) + b"\0", os.fsencode(path) + b"\0"
    if ctypes is None or len(after) > MAIN_FILEPATH_BYTES or len(before) < 2:
        return False
    address = bpy.data.as_pointer() + MAIN_FILEPATH_AT
    if ctypes.string_at(address, len(before)) != before:
        return False
    ctypes.memmove(address, after, len(after))
    return True


def wanted_scene(command):
    """The scene whose frames are owed: never another one that happens to be active."""
    name = command.get("scene")
    if name is None:
        return bpy.context.scene
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise Refusal("unreadable-file", "Blender finds no scene %s in the file" % name)
    return scene


def find_places(places):
    """Has the scene look here for what other machines named in their own way, as Z: and a folder."""
    if not places:
        return
    moved = True
    while moved:
        # A library that is found names others.
        moved = False
        for library in bpy.data.libraries:
            path = here(library.filepath, places)
            if path:
                library.filepath, moved = path, True
                if os.path.isfile(path):
                    library.reload()
    for kind in ("images", "sounds", "fonts", "movieclips", "volumes", "cache_files"):
        for block in getattr(bpy.data, kind):
            path = here(block.filepath, places)
            if path:
                block.filepath = path
    for holder, name, _ in loose_paths():
        path = here(getattr(holder, name), places)
        if path:
            setattr(holder, name, path)


def loose_paths():
    """What names a file without being a datablock: the holder of the path, the path's property, and the datablock."""
    for node, owner in nodes_with_owners():
        if getattr(node, "mode", "") == "EXTERNAL" and node.filepath:  # Light profiles and shaders.
            yield node, "filepath", owner
        if node.bl_idname.startswith("GeometryNodeImport"):  # From 5.0 on; a path that is computed is not known.
            socket = node.inputs.get("Path")
            if socket and not socket.is_linked and socket.default_value:
                yield socket, "default_value", owner
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            is_external = modifier.type == "MESH_CACHE" or modifier.type == "MULTIRES" and modifier.is_external
            if is_external and modifier.filepath:
                yield modifier, "filepath", thing
    for camera in bpy.data.cameras:
        if camera.type == "CUSTOM" and camera.custom_mode == "EXTERNAL" and camera.custom_filepath:
            yield camera, "custom_filepath", camera
    for cache in bpy.data.cache_files:
        for layer in cache.layers:
            if layer.filepath and not layer.hide_layer:
                yield layer, "filepath", cache


def loose_files():
    """The files that loose paths name, each with the datablock."""
    for holder, name, owner in loose_paths():
        if is_needed(owner):
            yield bpy.path.abspath(getattr(holder, name), library=owner.library), owner


def nodes_with_owners():
    """The nodes of all that is shaded and of groups, each with the datablock in which it is."""
    trees = [(block, block.node_tree) for kind in ("materials", "lights", "worlds") for block in getattr(bpy.data, kind)]
    for owner, tree in trees + [(tree, tree) for tree in bpy.data.node_groups]:
        for node in tree.nodes if tree else ():
            yield node, owner


def here(path, places):
    """The path on this machine that is meant, when it is written in another machine's way."""
    slashed = path.replace("\\", "/")
    for place in places:
        seen_as = place["seen_as"].replace("\\", "/").rstrip("/")
        head, rest = slashed[: len(seen_as)], slashed[len(seen_as) :]
        is_same = head.lower() == seen_as.lower() if seen_as[1:2] == ":" else head == seen_as
        is_here = (slashed + "/").startswith(place["folder"] + "/")
        if is_same and rest[:1] in ("", "/") and not is_here:
            return place["folder"] + rest
    return None


def refuse_unfit(scene, command):
    """Refuses what would give a wrong picture without a word of Blender's."""
    render = scene.render
    has_camera = scene.camera is not None or any(marker.camera for marker in scene.timeline_markers)
    if not has_camera:
        raise Refusal("no-camera", "scene %s has no camera" % scene.name)
    if not command.get("apart") and not any(layer.use for layer in scene.view_layers):
        raise Refusal("no-layer", "no view layer of scene %s is switched on for rendering" % scene.name)
    strips = [strip.name for strip in picture_strips(scene)]
    if strips:
        raise Refusal("sequencer", "the sequencer of scene %s would be rendered in place of the scene itself: strip %s"
                      % (scene.name, strips[0]))
    denoises = render.engine == "CYCLES" and command.get("denoise", scene.cycles.use_denoising)
    if denoises and not command["can_denoise"]:
        raise Refusal("denoiser-missing", "scene %s denoises, and this Blender is built without a denoiser" % scene.name)
    # Without a denoiser the node passes the noise through, without a word (seen in 3.4).
    has_denoiser = any(node.type == "DENOISE" and not node.mute for node in compositor_nodes(scene))
    if has_denoiser and not command["can_denoise"] and not command.get("apart"):
        raise Refusal("denoiser-missing", "the compositor of scene %s denoises, and this Blender is built without a denoiser"
                      % scene.name)


def picture_strips(scene):
    """The strips that Blender renders instead of the 3D scene; sounds, as for lip sync, are none."""
    if not scene.render.use_sequencer or scene.sequence_editor is None:
        return []
    editor = scene.sequence_editor
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # Renamed in 4.4.
    return [strip for strip in strips if strip.type != "SOUND" and not strip.mute]


def refuse(missing):
    """Names every file that is needed and not there, before a frame is rendered: Blender shows pink or nothing instead."""
    missing = [one for one in missing if os.path.normpath(one[0]) not in held["spare"]]
    if not missing:
        return
    path, by, why = missing[0]
    more = " (and %d more)" % (len(missing) - 1) if len(missing) > 1 else ""
    raise Refusal("missing-file", "%s needs %s, which %s%s" % (by, shown(path), why, more),
                  [{"path": os.path.normpath(path), "by": by, "why": why, "seen": seen(path)}
                   for path, by, why in missing[:200]])


def seen(path):
    """Size and time of a file as it was found wanting; when they are others, it is worth another look."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def shown(path):
    """A path as an artist knows it: from the .blend's own folder where it lies below that."""
    short = bpy.path.relpath(path)
    return path if short.startswith("//..") else short


def is_needed(block):
    """Whether more than a fake user keeps it."""
    return block.users > (1 if block.use_fake_user else 0)


def missing_files():
    """Triples of a path, what refers to it and what is wrong with it."""
    for library in libraries():
        path = place_of(library)
        if not os.path.isfile(path):
            yield path, "library %s" % library.name, NOT_THERE
            continue
        for block in gone_from(library, path):
            yield path, "%s %s" % (block.bl_rna.name.lower(), block.name), "no longer holds it"
    for image in bpy.data.images:
        if is_needed(image) and image.packed_file is None and image.filepath:
            yield from missing_of_image(image)
    for by, path, is_sequence in outside_blocks():
        if not is_there(path, is_sequence):
            yield path, by, NOT_THERE
    for path, owner in loose_files():
        if not os.path.isfile(path):
            yield path, "%s %s" % (owner.bl_rna.name.lower(), owner.name), NOT_THERE


def libraries():
    """The libraries whose files are needed: not those that are packed, whole or, from 5.0 on, each datablock of them."""
    for library in bpy.data.libraries:
        is_packed = library.packed_file is not None or getattr(library, "is_archive", False)
        if not is_packed and (library.users_id or not hasattr(library, "is_archive")):
            yield library


def place_of(library):
    """Once a file is open, also what libraries link is named from the file itself on, not from the library."""
    return bpy.path.abspath(library.filepath)


def outside_blocks():
    """What lies in files of its own, but for images: what refers to it, the path, whether it has a file a frame."""
    kinds = (("font", bpy.data.fonts), ("movie clip", bpy.data.movieclips), ("volume", bpy.data.volumes),
             ("cache file", bpy.data.cache_files))
    for kind, blocks in kinds:
        for block in blocks:
            is_inside = block.filepath in ("", "<builtin>") or getattr(block, "packed_file", None) is not None
            if is_inside or not is_needed(block):
                continue
            # Debian's 3.4 takes the pictures of a clip for a movie, and reads them all the same.
            is_sequence = (getattr(block, "is_sequence", False) or getattr(block, "source", "") == "SEQUENCE"
                           or kind == "movie clip" and block.filepath.lower().endswith(tuple(EXTENSIONS.values())))
            yield "%s %s" % (kind, block.name), bpy.path.abspath(block.filepath, library=block.library), is_sequence


def point_caches():
    """Of everything that is simulated, apart from fluids, with the datablock in which it is."""
    for scene in bpy.data.scenes:
        if scene.rigidbody_world and scene.rigidbody_world.point_cache:
            yield scene.rigidbody_world.point_cache, scene
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type in ("CLOTH", "SOFT_BODY"):
                yield modifier.point_cache, thing
            elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
                yield from ((surface.point_cache, thing) for surface in modifier.canvas_settings.canvas_surfaces)
        for system in thing.particle_systems:
            yield system.point_cache, thing


def fluids():
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
                yield thing, modifier.domain_settings


def keep_caches(command):
    """What is simulated as it is rendered is not written among the artist's files."""
    growing = [cache for cache, _ in point_caches() if cache.use_disk_cache and not cache.is_baked]
    if growing:
        # Blender deletes the files of a cache that leaves the disk (seen in 3.4, 4.2, 5.0): it must look elsewhere.
        path = bpy.data.filepath
        if set_main_path(os.path.join(command["folder"], "none.blend")):
            for cache in growing:
                cache.use_library_path = False  # Else it looks beside the library.
                cache.use_disk_cache = False
            set_main_path(path)
        else:
            raise Refusal("not-supported", "a simulation has an unbaked disk cache, and this Blender would delete its files:"
                          " bake it, or switch off Disk Cache")
    for number, (_, domain) in enumerate(fluids()):
        if not domain.has_cache_baked_data:
            domain.cache_directory = os.path.join(command["folder"], "fluid_%d" % number)


# A baked simulation: the datablock it belongs to, its folder, what stands before and after the number of a frame in the
# name of a file and how many digits that has, its first and last frame and how much later it plays, what Blender reads
# outside of those frames ("last": its last after them; "ends": the nearest; "nothing"), and which frames have a file
# (None: all).
class BakedCache:
    def __init__(self, owner, folder, names, first, last, outside, step=1, delay=0):
        self.by = "%s %s" % (owner.bl_rna.name.lower(), owner.name)
        # The snapshot's own is a link to that of the artist's file.
        self.folder, self.names = os.path.realpath(folder), names
        self.first, self.last, self.delay, self.outside = first, last, delay, outside
        self.others = {}
        self.stored = stored_frames(first, last, step, self.present()) if step > 1 and last - first < 1 << 21 else None

    def files(self, number):
        """The files of a frame."""
        names = self.names + [name for name, first in self.others.items() if first <= number]
        return [os.path.join(self.folder, head + ("-" if number < 0 else "")
                             + str(abs(number)).zfill(digits - (number < 0)) + tail)
                for head, digits, tail in names]

    def find_others(self, part):
        """Notes the grids of a fluid that are there besides those that each has: it has them from some frame on."""
        for found in (re.fullmatch(r"(.+_)(\d{4,})\.uni", name) for name in names_in(os.path.join(self.folder, part))):
            name = found and ("%s/%s" % (part, found[1]), 4, ".uni")
            if name and name not in self.names:
                self.others[name] = min(int(found[2]), self.others.get(name, int(found[2])))

    def present(self):
        """The frames that have a file."""
        head, _, tail = self.names[0]
        found = (re.fullmatch(re.escape(head) + r"(-?\d+)" + re.escape(tail), name) for name in names_in(self.folder))
        return {int(match[1]) for match in found if match}

    def listed(self):
        """Every folder in which files of it lie, with the names in it that are, or may be, of it."""
        if os.sep in self.names[0][0]:  # Those of fluids: a folder for each part, with more than every fluid has.
            yield from ((place, set(folders + names)) for place, folders, names in os.walk(self.folder))
        else:
            yield self.folder, {name for name in names_in(self.folder) if self.is_own(name)}

    def is_own(self, name):
        """Whether a name in its folder may be of it."""
        return os.sep in self.names[0][0] or any(
            name.startswith(head) and name.endswith(tail) for head, _, tail in self.names)

    def read_during(self, low, high):
        """The frames that Blender reads between two times of the scene (traced in 3.4)."""
        return {number for frame in range(low, high + 1) for number in self.read_at(frame - self.delay)}

    def read_at(self, frame):
        if frame < self.first:
            return [self.first] if self.outside == "ends" else []
        if frame > self.last:
            return [] if self.outside == "nothing" else [self.last]
        if self.stored is None:
            return [frame]
        at = bisect.bisect_left(self.stored, frame)
        return [frame] if self.stored[at] == frame else self.stored[at - 1 : at + 1]


def stored_frames(first, last, step, present):
    """Which frames have a file: every `step`th, or where it was baked to disk every second after the first step (3.4 to
    5.0); the files that are there tell which. Both have the last."""
    regular = set(range(first, last + 1, step)) | {last}
    to_disk = set(range(first + step, last + 1, 2)) | {first, last}
    inside = {frame for frame in present if first <= frame <= last}
    # In doubt it was baked to disk: a file more is asked for then, none less.
    return sorted(to_disk if inside <= to_disk else inside | regular)


def names_in(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []  # Not there: nothing of it is.


def baked_caches():
    """The simulations that were baked to files, apart from geometry nodes."""
    for cache, owner in point_caches():
        folder, stem = folder_of(cache, owner), cache.name
        if not stem and not cache.use_external:
            if isinstance(owner, bpy.types.Scene):
                continue  # 3.4 crashes when it bakes rigid bodies to disk.
            stem = owner.name.encode("utf-8").hex().upper()
        if folder:
            number = "" if cache.use_external and cache.index < 0 else "_%02d" % max(0, cache.index)
            yield BakedCache(owner, folder, [(stem + "_", 6, number + ".bphys")], cache.frame_start, cache.frame_end,
                             "last", cache.frame_step)
    for thing, domain in fluids():
        if domain.has_cache_baked_data:
            names = list(names_of_fluid(domain))
            cache = BakedCache(thing, bpy.path.abspath(domain.cache_directory, library=thing.library), names,
                               domain.cache_frame_start, domain.cache_frame_end, "nothing",
                               delay=domain.cache_frame_offset)
            for part in {head.split("/")[0] for head, _, tail in names if tail == ".uni"} - {"config"}:
                cache.find_others(part)
            yield cache
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type == "OCEAN" and modifier.is_cached:
                names = ["disp"] + ["foam"] * modifier.use_foam + ["normal"] * modifier.use_normals
                names += ["spray", "spray_inverse"] * modifier.use_spray
                yield BakedCache(thing, bpy.path.abspath(modifier.filepath, library=thing.library),
                                 [(name + "_", 4, ".exr") for name in names], modifier.frame_start, modifier.frame_end,
                                 "ends")


def folder_of(cache, owner):
    """The folder of a point cache that was baked to disk; None for one that was not."""
    library = owner.library if cache.use_library_path else None
    if cache.use_external:
        return bpy.path.abspath(cache.filepath, library=library) if cache.filepath else None
    if not (cache.use_disk_cache and cache.is_baked):
        return None
    # The copy that is rendered has a link to the folder of the artist's own file.
    folder, name = os.path.split(place_of(library) if library else held["original"])
    return os.path.join(folder, "blendcache_" + os.path.splitext(name)[0])


def names_of_fluid(domain):
    """What every bake of these settings has for each frame; what else lies there is part of it too."""
    is_liquid = domain.domain_type == "LIQUID"
    yield "config/config_", 4, ".uni"
    data = ("pp", "pVel", "vel") if is_liquid else ("density", "shadow", "vel")
    yield from names_of_grids("data", domain.cache_data_format, "fluid_data", data)
    if not is_liquid and domain.use_noise and domain.has_cache_baked_noise:
        # Noise has the format of the data, whatever its own says.
        yield from names_of_grids("noise", domain.cache_data_format, "fluid_noise", ("density_noise",))
    if is_liquid and domain.use_mesh and domain.has_cache_baked_mesh:
        yield "mesh/fluid_mesh_", 4, ".obj" if domain.cache_mesh_format == "OBJECT" else ".bobj.gz"
    sprays = domain.use_spray_particles or domain.use_foam_particles or domain.use_bubble_particles \
        or domain.use_tracer_particles
    if is_liquid and sprays and domain.has_cache_baked_particles:
        yield from names_of_grids("particles", domain.cache_particle_format or "OPENVDB", "fluid_particles", ())


def names_of_grids(part, kind, one, each):
    if kind == "OPENVDB":
        yield "%s/%s_" % (part, one), 4, ".vdb"
    elif kind == "UNI":
        yield from (("%s/%s_" % (part, name), 4, ".uni") for name in each)


def baked_nodes(scene):
    """The bakes of geometry nodes, each as a cache of texts, one a frame; one that was not made has none of them."""
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            for bake in getattr(modifier, "bakes", ()) if modifier.type == "NODES" else ():
                own = bake.directory if bake.use_custom_path else ""
                folder = own or (modifier.bake_directory and modifier.bake_directory + "/" + str(bake.bake_id))
                target = getattr(bake, "bake_target", "INHERIT")
                target = getattr(modifier, "bake_target", "DISK") if target == "INHERIT" else target
                if not folder or target == "PACKED":
                    continue
                made = BakedCache(thing, os.path.join(bpy.path.abspath(folder, library=thing.library), "meta"),
                                  [("", 5, "_00000.json")], scene.frame_start, scene.frame_end, "ends")
                present = made.present()
                node = getattr(bake, "node", None)
                if bake.bake_mode == "STILL" and node and node.bl_idname == "GeometryNodeBake":
                    made.first = made.last = min(present, default=scene.frame_start)
                elif bake.use_custom_simulation_frame_range:
                    made.first, made.last = bake.frame_start, bake.frame_end
                elif scene.use_custom_simulation_range:
                    made.first, made.last = scene.simulation_frame_start, scene.simulation_frame_end
                yield made


def is_made(bake):
    """Whether Blender takes a bake of geometry nodes for made: when any of its frames is there."""
    return any(name.endswith(".json") for name in names_in(bake.folder))


def pieces_of(text):
    """The files of which a frame of geometry nodes consists, as the text of that frame names them, with how long they
    have to be."""
    try:
        with open(text, encoding="utf-8") as file:
            words = file.read()
    except (OSError, UnicodeDecodeError):
        return
    lengths = {}
    for name, start, size in re.findall(r'"name":"([^"/]+\.blob)","start":(\d+),"size":(\d+)', words):
        lengths[name] = max(lengths.get(name, 0), int(start) + int(size))
    folder = os.path.join(os.path.dirname(os.path.dirname(text)), "blobs")
    yield from ((os.path.join(folder, name), length) for name, length in lengths.items())


def times_of(scene, frame):
    """The first and the last time of the scene at which Blender computes it for a frame."""
    render = scene.render
    scale = render.frame_map_old / render.frame_map_new
    shutter = getattr(render, "motion_blur_shutter", 1.0)
    blur = min(16, max(1, math.ceil(shutter))) if render.use_motion_blur else 0
    return math.floor((frame - blur) * scale), math.ceil((frame + blur) * scale)


def missing_of_caches(scene, frame):
    """What is missing of baked simulations at a frame."""
    low, high = times_of(scene, frame)
    for cache in held["caches"]:
        for number in sorted(cache.read_during(low, high)):
            for path in cache.files(number):
                if not os.path.isfile(path):
                    yield path, cache.by, NOT_THERE
    for bake in held["bakes"]:
        if not is_made(bake):
            continue
        for number in sorted(bake.read_during(low, high)):
            for text in bake.files(number):
                if not os.path.isfile(text):
                    yield text, bake.by, NOT_THERE
                for piece, length in pieces_of(text):
                    status = seen(piece)
                    if status is None or status[0] < length:
                        yield piece, bake.by, "is not there" if status is None else "is not whole"


def absent_files(scene):
    """What of the scene's frames would be read of caches and sequences if it were there; of a bake that was not made its
    first text."""
    # Where missing files hold up the job, each frame that is rendered has its own.
    for cache in () if held["waits"] else held["caches"]:
        numbers = {number for frame in range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
                   for number in cache.read_during(*times_of(scene, frame))}
        for number in numbers:
            yield from (path for path in map(os.path.normpath, cache.files(number)) if seen(path) is None)
    for bake in held["bakes"]:
        if not is_made(bake):
            yield from map(os.path.normpath, bake.files(bake.first))
    yield from {os.path.normpath(path) for path in spare_members(scene) if path and seen(path) is None}


def list_caches():
    """Notes which files there are of all that was baked."""
    held["listed"] = [(place, names, cache.is_own) for cache in held["caches"] for place, names in cache.listed()]
    held["listed"] += [(place, set(folders + names), lambda name: True) for bake in held["bakes"]
                       for place, folders, names in os.walk(os.path.dirname(bake.folder))]


def newcomer():
    """A file of a cache that came after the scene was opened: Blender reads it from then on."""
    now = {place: names_in(place) for place in {place for place, _, _ in held["listed"]}}
    return next((os.path.join(place, name) for place, names, is_own in held["listed"] for name in now[place]
                 if name not in names and is_own(name)), None)


def changed_file(scene, frame):
    """A file that is another than when the scene was opened. Of caches of thousands those that the frame reads are looked
    at: the daemon follows all."""
    low, high = times_of(scene, frame)
    read = {path for cache in held["caches"] for number in cache.read_during(low, high) for path in cache.files(number)}
    spare = {os.path.join(place, name) for place, names, _ in held["listed"] for name in names} - read
    return next((path for path, status in opened_files.items() if path not in spare and seen(path) != status), None)


def is_text(path):
    """Whether a path can be reported: some old names are no text."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def needed_files():
    """The paths of all that is needed; those that are no text, as some old names are, are left out."""
    yield from (os.path.normpath(path) for path in paths_of_all() if is_text(path))


def paths_of_all():
    for library in libraries():
        yield place_of(library)
    for image in bpy.data.images:
        if is_needed(image) and image.packed_file is None and image.filepath:
            path = bpy.path.abspath(image.filepath, library=image.library)
            if image.source == "TILED":
                yield from (tile_of(path, tile) for tile in image.tiles)
            elif image.source in ("FILE", "MOVIE", "SEQUENCE"):
                yield from members(path) if image.source == "SEQUENCE" else (path,)
    for _, path, is_sequence in outside_blocks():
        yield from members(path) if is_sequence else (path,)
    yield from (path for path, _ in loose_files())
    yield from (os.path.join(place, name) for place, names, _ in held["listed"] for name in names
                if os.path.isfile(os.path.join(place, name)))


def gone_from(library, path):
    """Linked datablocks that their library no longer holds; Blender puts an empty one in their place."""
    with bpy.data.libraries.load(path, link=True) as (there, _):
        # From 5.0 on it also tells the library's version.
        kinds = {kind.identifier for kind in bpy.data.bl_rna.properties if kind.type == "COLLECTION"}
        names = {kind: set(getattr(there, kind)) for kind in kinds.intersection(dir(there))}
    for kind, held in names.items():
        for block in getattr(bpy.data, kind, ()):
            if block.library == library and block.name not in held:
                yield block


def missing_of_image(image):
    by = "image %s" % image.name
    path = bpy.path.abspath(image.filepath, library=image.library)
    if image.source == "TILED":
        for tile in image.tiles:
            one = tile_of(path, tile)
            if not os.path.isfile(one):
                yield one, by, NOT_THERE
    elif image.source in ("SEQUENCE", "MOVIE"):
        if not is_there(path, image.source == "SEQUENCE"):
            yield path, by, NOT_THERE
    elif image.source == "FILE":
        # Asking for the size loads it; what cannot be decoded has no data, and would be pink.
        if not os.path.isfile(path):
            yield path, by, NOT_THERE
        elif not (image.size[0] and image.has_data):
            yield path, by, "cannot be read as a picture"
        image.buffers_free()


def missing_of_sequences(scene):
    """Files of sequences that are missing at the current frame: an animation may choose which file is shown."""
    for path, by, must_be_there in shown_members(scene, scene.frame_current):
        if must_be_there and not os.path.isfile(path):
            yield path, by, NOT_THERE


def shown_members(scene, frame):
    """Triples of a file of a sequence that is read at a frame, what refers to it, and whether it must be there.

    What an artist never had is shown as nothing at the desk too: a file before the first, or after the last that is there.
    """
    for image, path, user in image_sequences(scene):
        yield from member(path, shown_number(user, frame), "image %s" % image.name,
                          user.use_cyclic or frame >= user.frame_start)
    for volume in bpy.data.volumes:
        if volume.is_sequence and volume.filepath and volume.packed_file is None and is_needed(volume):
            yield from member(bpy.path.abspath(volume.filepath, library=volume.library), shown_of_volume(volume, frame),
                              "volume %s" % volume.name, True)
    for cache, path in cache_sequences():
        number = int(cache.frame if cache.override_frame else frame)
        there = [int(numbered(one)[1][1]) for one in members(path) if len(numbered(one)[1]) == 3]
        yield from member(path, number, "cache file %s" % cache.name,
                          bool(there) and min(there) <= number <= max(there))


def spare_members(scene):
    """The files that ``shown_members`` can do without at some frame: that before the first of an image's sequence, and any
    of an Alembic sequence."""
    for image, path, user in image_sequences(scene):
        if not user.use_cyclic and user.frame_start > scene.frame_start:
            yield member_of(path, user.frame_offset)
    for cache, path in cache_sequences():
        frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        yield from (member_of(path, number) for number in ([int(cache.frame)] if cache.override_frame else frames))


def image_sequences(scene):
    """Image sequences, each with its path and how it is shown."""
    if not any(image.source == "SEQUENCE" for image in bpy.data.images):
        return  # Asked for each frame, and most scenes have none.
    for image, user in image_users(scene):
        if image.source == "SEQUENCE" and image.packed_file is None and image.filepath:
            yield image, bpy.path.abspath(image.filepath, library=image.library), user


def cache_sequences():
    """Alembic sequences, each with its path."""
    for cache in bpy.data.cache_files:
        if cache.is_sequence and cache.filepath and is_needed(cache):
            yield cache, bpy.path.abspath(cache.filepath, library=cache.library)


def member(path, number, by, must_be_there):
    file = None if number is None else member_of(path, number)
    if file:
        yield file, by, must_be_there


def missing_of_clips(frame):
    """What is missing of movie clips of pictures at a frame: a clip is as long as Blender found it when it was loaded."""
    for clip in bpy.data.movieclips:
        if not is_needed(clip) or not is_of_pictures(clip) or not 0 <= frame - clip.frame_start < clip.frame_duration:
            continue
        path = bpy.path.abspath(clip.filepath, library=clip.library)
        _, parts = numbered(path)
        if len(parts) == 3:
            member = member_of(path, int(parts[1]) + frame - clip.frame_start + clip.frame_offset)
            if not os.path.isfile(member):
                yield member, "movie clip %s" % clip.name, NOT_THERE


def is_of_pictures(clip):
    """Debian's 3.4 takes the pictures of a clip for a movie now and then, and reads them all the same."""
    return clip.source == "SEQUENCE" or clip.filepath.lower().endswith(tuple(EXTENSIONS.values()))


def image_users(scene):
    """Pairs of an image and of how it is shown: by nodes, by what composites the scene, and by textures."""
    for node in compositor_nodes(scene):
        if node.bl_idname == "CompositorNodeImage" and node.image and not node.mute:
            yield node.image, node
    for node, owner in nodes_with_owners():
        if getattr(node, "image", None) and hasattr(node, "image_user") and is_needed(owner):
            yield node.image, node.image_user
    for texture in bpy.data.textures:
        if texture.type == "IMAGE" and texture.image and is_needed(texture):
            yield texture.image, texture.image_user


def shown_number(user, frame):
    """The number of the file that is shown at a frame (3.4 to 5.0)."""
    index = frame - user.frame_start
    if user.use_cyclic:
        index %= max(1, user.frame_duration)
    # Before the start it is the file before the first.
    return min(max(index, -1), max(1, user.frame_duration) - 1) + 1 + user.frame_offset


def shown_of_volume(volume, frame):
    """The number of the file that a volume shows at a frame; None for none (3.4 to 5.0)."""
    index, length = frame - volume.frame_start, max(1, volume.frame_duration)
    if volume.sequence_mode == "CLIP" and not 0 <= index < length:
        return None
    if volume.sequence_mode == "REPEAT":
        index %= length
    elif volume.sequence_mode == "PING_PONG":
        index %= max(1, 2 * length - 2)
        index = index if index < length else max(1, 2 * length - 2) - index
    return min(max(index, 0), length - 1) + 1 + volume.frame_offset


def member_of(path, number):
    """The file of a sequence with another number; None for a path without one."""
    folder, parts = numbered(path)
    if len(parts) != 3:
        return None
    return os.path.join(folder, parts[0] + str(number).zfill(len(parts[1])) + parts[2])


def numbered(path):
    """The folder, and the name before, in and after its last number; the name alone where it has none."""
    folder, name = os.path.split(path)
    return folder, re.split(r"(\d+)(?=\D*$)", name, maxsplit=1)


def tile_of(path, tile):
    column, row = (tile.number - 1001) % 10 + 1, (tile.number - 1001) // 10 + 1
    return path.replace("<UDIM>", str(tile.number)).replace("<UVTILE>", "u%d_v%d" % (column, row))


def is_there(path, is_sequence):
    """Whether the file is there, or of a sequence any file of that name with another number."""
    return os.path.isfile(path) or (is_sequence and any(members(path)))


def members(path):
    """The files of a sequence: those of that name with any number."""
    folder, parts = numbered(path)
    if len(parts) != 3 or not os.path.isdir(folder):
        return [path] if os.path.isfile(path) else []
    pattern = re.compile(re.escape(parts[0]) + r"\d+" + re.escape(parts[2]) + "$")
    return [os.path.join(folder, other) for other in os.listdir(folder) if pattern.match(other)]


def set_output(scene, command):
    """Where and how pictures are written is the farm's to say, not the file's."""
    render = scene.render
    put(render, "render.use_sequencer", False)
    if command.get("apart"):
        # It would combine layers of which one is rendered.
        put(render, "render.use_compositing", False)
    for number, view in enumerate(render.views):
        # Two of the artist's may be the same, or one the other's end.
        view.file_suffix = "_view%d" % number
    put(render, "render.use_overwrite", True)
    put(render, "render.use_placeholder", False)
    put(render, "render.use_file_extension", True)
    put(render, "render.use_border", False)
    # For speed alone: left as it is where something reads it.
    if command.get("threads") and not (reader_of("render.threads") or reader_of("render.threads_mode")):
        render.threads_mode = "FIXED"
        render.threads = command["threads"]
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        # From 5.0 on it must be set before the format.
        put(settings, "render.image_settings.media_type",
            "MULTI_LAYER_IMAGE" if command["format"] == "OPEN_EXR_MULTILAYER" else "IMAGE")
    put(settings, "render.image_settings.file_format", command["format"])
    if command["format"] == "WEBP" and settings.color_mode == "BW":
        # Blender knows no grey ones, and could not save it (seen in 3.4 to 5.0).
        put(settings, "render.image_settings.color_mode", "RGB")


def channels_of(settings):
    """How many channels a picture will have, where that is certain: an EXR in grey has four up to 4.2, and one in 5.0."""
    is_open = settings.file_format == "OPEN_EXR_MULTILAYER" or (
        settings.file_format == "OPEN_EXR" and settings.color_mode == "BW")
    return None if is_open else CHANNELS.get(settings.color_mode)


def set_quality(scene, command):
    """What people want of the picture in another way than the file says."""
    render = scene.render
    render.resolution_percentage = command.get("percentage", render.resolution_percentage)
    if render.engine == "CYCLES":
        scene.cycles.samples = command.get("samples", scene.cycles.samples)
        if "samples" in command:
            for layer in scene.view_layers:
                layer.samples = 0  # As many as the scene.
        scene.cycles.use_denoising = command.get("denoise", scene.cycles.use_denoising)
    elif hasattr(scene.eevee, "taa_render_samples"):
        scene.eevee.taa_render_samples = command.get("samples", scene.eevee.taa_render_samples)


def set_device(scene, command):
    """Has Cycles render where it is wanted; returns what the artist should know: Blender would fall back to the processor
    without a word."""
    wanted = command.get("device", "auto").upper()
    if scene.render.engine != "CYCLES":
        return []
    if wanted == "CPU" or (wanted == "AUTO" and scene.cycles.device != "GPU"):
        put(scene.cycles, "cycles.device", "CPU")
        return []
    if gpus() if wanted == "AUTO" else enabled(wanted):
        put(scene.cycles, "cycles.device", "GPU")
        return []
    put(scene.cycles, "cycles.device", "CPU")
    what = "scene %s asks for a GPU" % scene.name if wanted == "AUTO" else "device %s is wanted" % wanted.lower()
    return [{"class": "no-gpu", "cause": "%s and none is here: it is rendered on the CPU" % what}]


def take_nodes(scene):
    """The pictures that File Output nodes write beside the frame; their own paths are the artist's, and never written."""
    output_nodes.clear()
    trees = compositor_trees(scene)
    for node in compositor_nodes(scene):
        if node.type != "OUTPUT_FILE" or node.mute:
            continue
        slots = slots_of(node, trees)
        if not slots or any(settings.file_format not in EXTENSIONS for _, _, settings, _ in slots):
            put(node, node.path_from_id("mute"), True)
            continue
        name, number = node.name, 1
        while name in output_nodes:
            number += 1
            name = "%s (%d)" % (node.name, number)
        output_nodes[name] = (node, slots)
    return [{"node": name, "slot": slot if len(slots) > 1 else None, "extension": EXTENSIONS[settings.file_format][1:],
             "views": [view for view, _ in views_of(scene, settings) if view is not None]}
            for name, (_, slots) in output_nodes.items() for _, slot, settings, _ in slots]


def slots_of(node, trees):
    """What a File Output node writes, each as its number, name, settings and slot: only what is linked is written."""
    linked = [is_fed(socket, trees) for socket in node.inputs]
    if node.format.file_format == "OPEN_EXR_MULTILAYER":
        return [(0, node.name, node.format, None)] if any(linked) else []
    if hasattr(node, "file_output_items"):  # From 5.0 on.
        slots = [(item.name, item.format if item.override_node_format else node.format, item)
                 for item in node.file_output_items]
    else:
        slots = [(slot.path, node.format if slot.use_node_format else slot.format, slot) for slot in node.file_slots]
    return [(number, name or "Image", settings, slot)
            for number, (name, settings, slot) in enumerate(slots) if linked[number]]


def redirect_nodes(folder):
    """Has each File Output node write into a folder of its own, under names that begin with the number of the slot."""
    for number, (node, slots) in enumerate(output_nodes.values()):
        place = os.path.join(folder, str(number), "")
        os.makedirs(place, exist_ok=True)
        is_one = slots[0][3] is None
        if hasattr(node, "directory"):  # From 5.0 on.
            node.directory, node.file_name = for_output(place), "0_" if is_one else ""
        else:
            node.base_path = place + "0_" if is_one else place
        for slot_number, _, _, slot in slots:
            if slot is not None:
                setattr(slot, "path" if hasattr(slot, "path") else "name", "%d_" % slot_number)


def for_output(path):
    """A path as Blender wants it that is to be written: from 5.0 on what stands in braces is a template."""
    return path.replace("{", "{{").replace("}", "}}") if bpy.app.version >= (5, 0) else path


def pictures_of_nodes(scene, folder, frame):
    """What the nodes wrote there: up to 4.2 with the number of the frame behind that of the slot."""
    digits = ("-" if frame < 0 else "") + "%04d" % abs(frame)
    for number, (name, (_, slots)) in enumerate(output_nodes.items()):
        wanted = {str(slot_number): (name if len(slots) == 1 else "%s/%s" % (name, slot), views_of(scene, settings))
                  for slot_number, slot, settings, _ in slots}
        place = os.path.join(folder, str(number))
        for written in sorted(os.listdir(place)):
            stem = os.path.splitext(written)[0]
            slot, _, rest = stem.partition("_")
            node, views = wanted.get(slot, (None, ()))
            for view, suffix in views:
                if rest in (suffix, digits + suffix):
                    rewrite_metadata(os.path.join(place, written))
                    yield {"file": os.path.join(place, written), "node": node, "view": view}


def views_of(scene, settings):
    """The views that become a picture each as these settings write them, with what Blender adds to the name; one without
    a name where there is one."""
    render = scene.render
    in_one = settings.views_format == "STEREO_3D" or (
        settings.views_format == "MULTIVIEW" and settings.file_format.startswith("OPEN_EXR"))
    eyes = ("left", "right") if render.views_format == "STEREO_3D" else None
    views = [(view.name, view.file_suffix) for view in render.views
             if view.use and (eyes is None or view.name in eyes)]
    return views if render.use_multiview and not in_one and len(views) > 1 else [(None, "")]


def compositor_nodes(scene):
    """The nodes of the scene's compositing, also those in groups."""
    for tree, _ in compositor_trees(scene).values():
        yield from tree.nodes


def compositor_trees(scene):
    """The scene's compositing and the groups in it, each with the nodes that hold it; what is off or muted is left out."""
    # From 5.0 on the nodes are a datablock, and there is no other switch.
    is_on = scene.render.use_compositing and (hasattr(scene, "compositing_node_group") or scene.use_nodes)
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    waiting = [(tree, None)] if tree and is_on else []
    trees = {}
    while waiting:
        tree, holder = waiting.pop()
        is_new = tree.as_pointer() not in trees
        _, holders = trees.setdefault(tree.as_pointer(), (tree, []))
        if holder:
            holders.append(holder)
        if is_new:
            waiting.extend((node.node_tree, node) for node in tree.nodes
                           if getattr(node, "node_tree", None) and not node.mute)
    return trees


def is_fed(socket, trees):
    """Whether something comes to a socket: by a link that leads to more than an open end of a group."""
    for link in socket.links:
        node, tree = link.from_node, link.id_data
        if link.is_muted:
            continue
        if node.type == "REROUTE":
            ends = list(node.inputs)
        elif node.type == "GROUP_INPUT":
            ends = [end for holder in trees[tree.as_pointer()][1] for end in holder.inputs
                    if end.identifier == link.from_socket.identifier]
        else:
            return True
        if any(is_fed(end, trees) for end in ends):
            return True
    return False


def render_frame(command):
    """Renders one frame beside its place and renames it there, so that what has the name is whole."""
    scene = open_scene()
    wanted = command["file"]
    part = wanted + ".part"
    stem, ending = os.path.splitext(wanted)
    written = {view: part + suffix + EXTENSIONS[scene.render.image_settings.file_format]
               for view, suffix in views_of(scene, scene.render.image_settings)}
    started = time.monotonic()
    report(event="rendering", frame=command["frame"])
    is_current = command["frame"] == scene.frame_current  # That of a still need be none of its range.
    if (command["frame"] - scene.frame_start) % scene.frame_step and not is_current and not held["any_frame"]:
        raise Refusal("not-supported", "frame %d is not one of the scene's, which renders every %dth"
                      % (command["frame"], scene.frame_step))
    go_to(command["frame"], scene)
    if held["waits"]:
        refuse(missing_of_sequences(scene))
        refuse(missing_of_clips(command["frame"]))
        refuse(missing_of_caches(scene, command["frame"]))
    set_part(scene, command)
    redirect_nodes(stem + ".nodes")
    scene.render.filepath = for_output(part)
    try:
        result = bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        raise Refusal(problem_of(str(error)), first_line(error)) from error
    if "FINISHED" not in result or not all(os.path.exists(path) for path in written.values()):
        raise Refusal("no-output", "Blender ended frame %d without writing a picture" % command["frame"])
    refuse_if_scripts_failed()  # A thing that the viewport does not show has its drivers computed only now.
    changed = changed_file(scene, command["frame"]) or newcomer()
    if changed:
        raise Refusal("changed-meanwhile", "%s changed after the scene was opened" % shown(changed))
    pictures = []
    for number, (view, path) in enumerate(written.items()):
        rewrite_metadata(path)
        place = wanted if view is None else "%s-view-%d%s" % (stem, number, ending)
        os.replace(path, place)
        pictures.append({"file": place, "view": view})
    pictures.extend(pictures_of_nodes(scene, stem + ".nodes", command["frame"]))
    report(event="frame", frame=command["frame"], seconds=time.monotonic() - started, peak=memory_of("VmHWM"),
           memory=memory_of("VmRSS"), facts=facts_of(scene, command.get("naming_object")), pictures=pictures)


def rewrite_metadata(path):
    """Puts the artist's path in the place of the copy's in a picture's metadata, where Blender could not write it.

    Of the formats that Blender writes, PNG, JPEG and OpenEXR carry the path (seen in 3.4, 4.2, 5.0).
    """
    if metadata_path["copy"] is None:
        return
    rewrites = {".png": with_png_text, ".jpg": with_jpeg_comment, ".exr": with_exr_attribute}
    rewrite = rewrites.get(os.path.splitext(path)[1].lower())
    if rewrite is None:
        return
    with open(path, "rb") as file:
        picture = file.read()
    changed = rewrite(picture, os.fsencode(metadata_path["copy"]), os.fsencode(metadata_path["original"]))
    if changed != picture:
        with open(path, "wb") as file:
            file.write(changed)


def with_png_text(picture, old, new):
    at, chunks = 8, [picture[:8]]
    while at + 12 <= len(picture):
        length, kind = struct.unpack_from(">I4s", picture, at)
        body = picture[at + 8 : at + 8 + length]
        if kind == b"tEXt" and body == b"File\0" + old:
            body = b"File\0" + new
        chunks.append(struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body)))
        at += 12 + length
    return b"".join(chunks)


def with_jpeg_comment(picture, old, new):
    at, comment, start_of_scan = 2, 0xFE, 0xDA
    while at + 4 <= len(picture) and picture[at] == 0xFF and picture[at + 1] != start_of_scan:
        (length,) = struct.unpack_from(">H", picture, at + 2)
        end = at + 2 + length
        # A zero may end it.
        if picture[at + 1] == comment and picture[at + 4 : end].rstrip(b"\0") == b"Blender:File:" + old:
            body = b"Blender:File:" + new + picture[at + 4 : end][len(b"Blender:File:" + old) :]
            return picture[: at + 2] + struct.pack(">H", len(body) + 2) + body + picture[end:]
        at = end
    return picture


def with_exr_attribute(picture, old, new):
    """Also moves the offsets of all that comes behind the headers."""
    is_in_parts = struct.unpack_from("<I", picture, 4)[0] & 0x1000
    at, head = 8, bytearray(picture[:8])
    while True:
        if picture[at] == 0:
            # The end of a header; behind that of the last part is an empty one.
            head.append(0)
            at += 1
            if not is_in_parts or picture[at] == 0:
                break
        name_end = picture.index(b"\0", at)
        type_end = picture.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", picture, type_end + 1)
        value = picture[type_end + 5 : type_end + 5 + size]
        if picture[at:name_end] == b"File" and value == old:
            value = new
        head += picture[at : type_end + 1] + struct.pack("<I", len(value)) + value
        at = type_end + 5 + size
    if is_in_parts:
        head.append(0)
        at += 1
    moved, table, data = len(head) - at, bytearray(), len(picture)
    while at + len(table) < data:
        (offset,) = struct.unpack_from("<Q", picture, at + len(table))
        data = min(data, offset)
        table += struct.pack("<Q", offset + moved)
    return bytes(head) + bytes(table) + picture[at + len(table) :]


def edge(pixels, of_all):
    """The fraction at which Blender cuts after so many pixels: it computes in 32 bits, and a row was lost now and then."""
    return min(1.0, (pixels + 0.25) / of_all)


def set_part(scene, command):
    """Has one layer rendered, or one tile: exactly its pixels, of which none depends on those beside it."""
    render, tile = scene.render, command.get("tile")
    if command.get("layer") is not None:
        for layer in scene.view_layers:
            put(layer, "view_layers[].use", layer.name == command["layer"])
        if not any(layer.use for layer in scene.view_layers):
            raise Refusal("no-layer", "scene %s has no view layer %s" % (scene.name, command["layer"]))
    put(render, "render.use_border", tile is not None)
    if tile is None:
        return
    put(render, "render.use_crop_to_border", True)
    width, height = held["said"]["width"], held["said"]["height"]
    left, right = (width * (tile["column"] + side) // tile["columns"] for side in (0, 1))
    top, bottom = (height * (tile["row"] + side) // tile["rows"] for side in (0, 1))
    # Blender counts from below.
    for name, place in (("min_x", edge(left, width)), ("max_x", edge(right, width)),
                        ("min_y", edge(height - bottom, height)), ("max_y", edge(height - top, height))):
        put(render, "render.border_" + name, place)
    # Its pattern would begin anew in each tile.
    put(render, "render.dither_intensity", 0.0)


def go_to(frame, scene):
    """Sets the frame. One that is simulated is reached by way of all before it, and of those behind it that its blur shows."""
    if simulation["first"] is not None:
        at, last = simulation["at"], frame + frames_blurred(scene)
        for between in range(simulation["first"] if at is None or at >= frame else at + 1, last + 1):
            scene.frame_set(between)
        simulation["at"] = frame
    scene.frame_set(frame)
    if bpy.context.scene != scene:  # A script of the file changed it.
        show(scene)
    if bpy.context.scene != scene:
        raise Refusal("render-error", "Blender does not show scene %s" % scene.name)
    if scene.frame_current != frame:
        raise Refusal("no-frames", "Blender has no frame %d" % frame)


def frames_blurred(scene):
    """How many frames behind one are seen in its motion blur, which Blender interpolates between simulated ones."""
    blurs = [(scene.render.use_motion_blur, getattr(scene.render, "motion_blur_shutter", 0))]
    # EEVEE had its own up to 4.1.
    blurs.append((getattr(scene.eevee, "use_motion_blur", False), getattr(scene.eevee, "motion_blur_shutter", 0)))
    return max(math.ceil(shutter) if is_on else 0 for is_on, shutter in blurs)


def facts_of(scene, wanted):
    """What names of pictures may say: the camera, and in degrees how the wanted object and all that turn are turned."""
    camera = scene.camera
    return {
        "camera": camera.name if camera else None,
        "rotations": {
            thing.name: [math.degrees(angle) for angle in turn_of(thing)]
            for thing in scene.objects
            # A driver may compute what is no number, and JSON has none of those.
            if (thing.name == wanted or does_turn(thing)) and all(math.isfinite(angle) for angle in turn_of(thing))
        },
    }


def turn_of(thing):
    if thing.rotation_mode == "QUATERNION":
        return thing.rotation_quaternion.to_euler()
    if thing.rotation_mode == "AXIS_ANGLE":
        return thing.matrix_basis.to_euler()
    return thing.rotation_euler


def does_turn(thing):
    """Whether its rotation is animated or driven."""
    data = thing.animation_data
    if data is None:
        return False
    curves = list(data.drivers)
    if data.action is not None:
        curves += curves_of(data.action)
    return any(curve.data_path.startswith("rotation") for curve in curves)


def curves_of(action):
    """The curves of an action; from 4.4 on they lie in layers, and only there from 5.0 on."""
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags
            for curve in bag.fcurves]


def problem_of(text):
    """The class of a render error by Blender's own words (3.4 to 5.0)."""
    known = (
        ("no camera", "no-camera"),
        ("OpenImageDenoiser", "denoiser-missing"),
        ("No space left", "disk-full"),
        ("cannot save", "not-writable"),
        ("CUDA error: Out of memory", "out-of-vram"),
        ("CUDA_ERROR_OUT_OF_MEMORY", "out-of-vram"),
        ("hipErrorOutOfMemory", "out-of-vram"),
        ("GPU memory full", "out-of-vram"),
        ("ut of memory", "out-of-memory"),
    )
    return next((problem for words, problem in known if words in text), "render-error")


def first_line(error):
    text = str(error).strip().splitlines()
    return text[0].removeprefix("Error: ") if text else "no reason was given"


def main():
    if getattr(bpy.app, "module", False):
        # No `--factory-startup` for a Python that has Blender as a module.
        bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.app.handlers.render_stats.append(show_life)
    report(event="ready", **build())
    for line in sys.stdin.buffer:
        command = json.loads(line)
        try:
            if command["do"] == "probe":
                probe()
            elif command["do"] == "open":
                open_once(command)
            elif command["do"] == "render":
                render_frame(command)
            elif command["do"] == "forget":
                forget()
        except Refusal as refusal:
            report(event="failed", frame=command.get("frame"), **{"class": refusal.problem}, cause=str(refusal),
                   missing=refusal.missing)


def run():
    """Ends without taking Blender down, which crashes now and then where it is a Python module (seen in 4.2)."""
    code = 0
    try:
        main()
    except Exception:  # Whatever it is, it is ours: told as such, whichever program runs the script.
        traceback.print_exc()
        code = 9
    own = os.path.normpath(bpy.app.tempdir)
    if re.fullmatch("blender_[A-Za-z0-9]{6}", os.path.basename(own)):  # Else it could make none, and this is everybody's.
        shutil.rmtree(own, ignore_errors=True)  # Blender itself would at its end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


run()
