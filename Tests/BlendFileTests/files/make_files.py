"""Makes small .blend files of the Blender that runs it, and says beside each what that Blender's own Python reads in it.

    blender -b --factory-startup --python make_files.py -- <folder>        (3.4)
    python make_files.py <folder>                                         (a Python with bpy: 4.2, 5.0)

Files go to <folder>: scenes.blend, files.blend with lib/chair.blend and lib/wood/plank.blend, still.blend, motion.blend,
baked.blend. With the word "baked" before the folder only the last is made; with "kept" what was baked stays there.
"""
import ctypes
import json
import os
import shutil
import struct
import sys
import time
import wave
import zlib

import bpy

FOLDER = os.path.abspath(sys.argv[-1])


def fresh():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def save(name, compress=True):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=compress, relative_remap=False)
    if os.path.exists(path + "1"):
        os.remove(path + "1")


def png(name):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b""))
    return path


def cube(name="Cube"):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def camera(scene, name="Camera"):
    thing = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(thing)
    return thing


def material(thing, name):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    thing.data.materials.append(made)
    return made.node_tree


def show(tree, image, sequence=None):
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    if sequence:
        node.image_user.frame_duration, node.image_user.frame_start, node.image_user.frame_offset = sequence
    return node


def views_of(render):
    """The views that are rendered: none where there is one."""
    if not render.use_multiview:
        return []
    eyes = ("left", "right") if render.views_format == "STEREO_3D" else None
    names = [view.name for view in render.views if view.use and (eyes is None or view.name in eyes)]
    return names if len(names) > 1 else []


# What Blender's Python calls an engine and a format depends on its version; the file's are what it says itself.
def described(scene):
    render = scene.render
    media = getattr(render.image_settings, "media_type", "")
    return {
        "name": scene.name,
        "frames": {"start": scene.frame_start, "end": scene.frame_end, "step": scene.frame_step,
                   "current": scene.frame_current},
        "fps": round(render.fps / render.fps_base, 4),
        "size": [render.resolution_x, render.resolution_y],
        "percentage": render.resolution_percentage,
        "engine": render.engine,
        "camera": scene.camera.name if scene.camera else None,
        "cameraMarkers": [{"frame": m.frame, "camera": m.camera.name} for m in scene.timeline_markers if m.camera],
        "viewLayers": [{"name": layer.name, "used": layer.use} for layer in scene.view_layers],
        "format": render.image_settings.file_format,
        "movie": render.is_movie_format,
        "multiview": render.use_multiview,
        "views": views_of(render),
        "compositing": render.use_compositing and bool(
            scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.use_nodes),
        "sequencer": render.use_sequencer and bool(
            scene.sequence_editor and (getattr(scene.sequence_editor, "strips", None)
                                       or getattr(scene.sequence_editor, "sequences", None))),
        "border": [round(v, 4) for v in (render.border_min_x, render.border_max_x, render.border_min_y,
                                         render.border_max_y)] if render.use_border else None,
        "denoising": bool(scene.get("cycles", {}).get("use_denoising", False)) if not hasattr(scene, "cycles")
        else bool(scene.cycles.use_denoising),
        "stamps": render.use_stamp,
        "freestyle": render.use_freestyle,
        "timeLimited": bool(hasattr(scene, "cycles") and scene.cycles.time_limit),
        "viewsFormat": render.image_settings.views_format,
        "adaptive": not hasattr(scene, "cycles") or scene.cycles.use_adaptive_sampling,
        "guiding": bool(getattr(getattr(scene, "cycles", None), "use_guiding", False)),
        "lossy": getattr(render.image_settings, "exr_codec", "") in ("PXR24", "B44", "B44A", "DWAA", "DWAB"),
    }


def describe(name):
    with open(os.path.join(FOLDER, os.path.splitext(name)[0] + ".json"), "w") as file:
        json.dump({
            "version": "%d.%d" % bpy.app.version[:2],
            "activeScene": bpy.context.scene.name,
            "scenes": [described(scene) for scene in sorted(bpy.data.scenes, key=lambda s: s.name)],
            "paths": sorted(os.path.relpath(path, FOLDER) for path in bpy.utils.blend_paths(absolute=True)),
        }, file, indent=1, sort_keys=True)


def set_format(scene, word):
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = {"FFMPEG": "VIDEO", "OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE"}.get(word, "IMAGE")
    settings.file_format = word


def scenes():
    first = fresh()
    first.name = "Äpfel & Öl"
    first.frame_start, first.frame_end, first.frame_step = -5, 240, 3
    first.frame_set(7)
    first.render.fps, first.render.fps_base = 30, 1.001
    first.render.resolution_x, first.render.resolution_y, first.render.resolution_percentage = 1998, 1080, 70
    first.render.engine = "CYCLES"
    first.camera = camera(first, "Left camera")
    second_camera = camera(first, "Right camera")
    for frame, eye in ((1, first.camera), (100, second_camera)):
        marker = first.timeline_markers.new("M%d" % frame, frame=frame)
        marker.camera = eye
    first.timeline_markers.new("no camera", frame=50)
    off = first.view_layers.new("Background")
    off.use = False
    first.view_layers.new("Foreground")
    set_format(first, "OPEN_EXR_MULTILAYER")
    first.render.use_border = True
    first.render.border_min_x, first.render.border_max_x = 0.25, 0.75
    first.render.border_min_y, first.render.border_max_y = 0.125, 0.5
    if hasattr(first, "cycles"):
        first.cycles.use_denoising = True

    movie = bpy.data.scenes.new("Movie")
    set_format(movie, "FFMPEG")
    movie.frame_start, movie.frame_end = 10, 10
    movie.render.use_multiview = True

    strips = bpy.data.scenes.new("Strips")
    set_format(strips, "JPEG")
    editor = strips.sequence_editor_create()
    made = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = made.new_image("Still", png("pictures/still_0001.png"), channel=1, frame_start=1)
    strip.elements.append("still_0002.png")

    nodes = bpy.data.scenes.new("Nodes")
    set_format(nodes, "TIFF")
    if hasattr(nodes, "compositing_node_group"):
        nodes.compositing_node_group = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
    else:
        nodes.use_nodes = True
    nodes.render.engine = "BLENDER_WORKBENCH"

    plain = bpy.data.scenes.new("Plain")
    plain.render.use_compositing = plain.render.use_sequencer = False
    for word in ("WEBP", "PNG"):
        set_format(plain, word)
    save("scenes.blend")
    describe("scenes.blend")
    save("scenes_plain.blend", compress=False)


def link(path, kind, names):
    with bpy.data.libraries.load(os.path.join(FOLDER, path), link=True, relative=True) as (there, here):
        setattr(here, kind, [name for name in getattr(there, kind) if name in names])
    return getattr(here, kind)


def libraries():
    fresh()
    tree = material(cube("Plank"), "Wood")
    image = bpy.data.images.load(png("lib/wood/grain.png"))
    image.filepath = "//grain.png"
    show(tree, image)
    unused = bpy.data.images.load(png("lib/wood/unused.png"))
    unused.filepath, unused.use_fake_user = "//unused.png", True
    save("lib/wood/plank.blend")

    scene = fresh()
    save("lib/chair.blend")
    plank = link("lib/wood/plank.blend", "objects", ["Plank"])[0]
    parts = bpy.data.collections.new("Chair")
    parts.objects.link(plank)
    scene.collection.children.link(parts)
    other = bpy.data.collections.new("Table")
    scene.collection.children.link(other)
    thing = cube("Top")
    bpy.context.scene.collection.objects.unlink(thing)
    other.objects.link(thing)
    image = bpy.data.images.load(png("lib/marble.png"))
    image.filepath = "//marble.png"
    show(material(thing, "Marble"), image)
    save("lib/chair.blend")


def files():
    libraries()
    scene = fresh()
    save("files.blend")
    scene.frame_start, scene.frame_end = 1, 4
    scene.camera = camera(scene)
    chair = link("lib/chair.blend", "collections", ["Chair"])[0]
    instance = bpy.data.objects.new("Chair", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", chair
    scene.collection.objects.link(instance)

    thing = cube()
    tree = material(thing, "Everything")
    image = bpy.data.images.load(png("textures/wood.png"))
    image.filepath = "//textures/wood.png"
    show(tree, image)
    missing = bpy.data.images.new("Missing", 1, 1)
    missing.source, missing.filepath = "FILE", "//textures/nowhere.png"
    show(tree, missing)
    windows = bpy.data.images.new("Windows", 1, 1)
    windows.source, windows.filepath = "FILE", "Z:\\show\\textures\\brick.png"
    show(tree, windows)
    for number in range(1, 7):
        png("sequence/f_%04d.png" % number)
    sequence = bpy.data.images.load(os.path.join(FOLDER, "sequence/f_0001.png"))
    sequence.source, sequence.filepath = "SEQUENCE", "//sequence/f_0001.png"
    show(tree, sequence, (3, 1, 2))
    for tile in (1001, 1002, 1011):
        png("tiles/skin.%d.png" % tile)
    tiled = bpy.data.images.load(os.path.join(FOLDER, "tiles/skin.1001.png"))
    tiled.source, tiled.filepath = "TILED", "//tiles/skin.<UDIM>.png"
    for tile in (1002, 1011):
        tiled.tiles.new(tile)
    show(tree, tiled)
    packed = bpy.data.images.load(png("textures/packed.png"))
    packed.pack()
    show(tree, packed)
    show(tree, bpy.data.images.new("Generated", 4, 4))
    spare = bpy.data.images.load(png("textures/spare.png"))
    spare.filepath, spare.use_fake_user = "//textures/spare.png", True

    with wave.open(os.path.join(FOLDER, "bell.wav"), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(1), sound.setframerate(8000), sound.writeframes(b"\x80" * 80)
    sound = bpy.data.sounds.load(os.path.join(FOLDER, "bell.wav"))
    sound.filepath, sound.use_fake_user = "//bell.wav", True
    volume = bpy.data.volumes.new("Smoke")
    volume.filepath = "//smoke.vdb"
    scene.collection.objects.link(bpy.data.objects.new("Smoke", volume))
    cache = thing.modifiers.new("Cache", "MESH_CACHE")
    cache.filepath = "//cube.mdd"
    script = bpy.data.texts.new("notes")
    script.write("hello")
    ies = tree.nodes.new("ShaderNodeTexIES")
    ies.mode, ies.filepath = "EXTERNAL", "//lamp.ies"
    save("files.blend")
    describe("files.blend")


def still():
    fresh()
    cube()
    save("still.blend")
    describe("still.blend")


def bake(cache, thing=None):
    with bpy.context.temp_override(scene=bpy.context.scene, object=thing, active_object=thing, point_cache=cache):
        bpy.ops.ptcache.bake(bake=True)


def motion():
    """One object for each way to move, to simulate, or to need Python; named after what it does."""
    scene = fresh()
    scene.frame_end = 3
    cube("Still")
    for name, is_baked in (("Cloth", False), ("Cloth baked", True)):
        thing = cube(name)
        cache = thing.modifiers.new("Cloth", "CLOTH").point_cache
        cache.frame_end = 3
        if is_baked:
            bake(cache, thing)
    cube("Soft").modifiers.new("Soft", "SOFT_BODY")
    for name, kind, is_dynamic in (("Rain", "EMITTER", False), ("Hair", "HAIR", False), ("Loose hair", "HAIR", True)):
        system = cube(name)
        system.modifiers.new("Particles", "PARTICLE_SYSTEM")
        system = system.particle_systems[0]
        system.settings.name, system.settings.type, system.use_hair_dynamics = name, kind, is_dynamic
    tank = cube("Tank").modifiers.new("Fluid", "FLUID")
    tank.fluid_type = "DOMAIN"
    tank.domain_settings.cache_directory = "//fluid"
    bpy.context.view_layer.objects.active = cube("Stone")
    bpy.ops.rigidbody.world_add()
    bpy.ops.rigidbody.object_add()

    for name, expression in (("Simple driver", "frame * 2 + sin(1.5)"), ("Driver", "bpy.data.scenes[0].frame_start"),
                             ("Muted driver", "self.location.x")):
        curve = cube(name).driver_add("location", 0)
        curve.driver.type, curve.driver.expression = "SCRIPTED", expression
        curve.mute = name.startswith("Muted")
    bpy.data.texts.new("plain.py")
    bpy.data.texts.new("run.py").use_module = True
    for count, name in ((1, "One drawing"), (2, "Drawings")):
        drawn = bpy.data.grease_pencils.new(name)
        layer = drawn.layers.new("Lines")
        for number in range(1, count + 1 - len(layer.frames)):
            layer.frames.new(number)
        scene.collection.objects.link(bpy.data.objects.new(name, drawn))
    stamped = bpy.data.scenes.new("Stamped")
    stamped.render.use_stamp = True
    if bpy.app.version >= (3, 6):
        for name, kind in (("Clock", "GeometryNodeInputSceneTime"), ("Zone", "GeometryNodeSimulationOutput")):
            tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
            tree.nodes.new(kind)
            cube(name).modifiers.new("Nodes", "NODES").node_group = tree
    save("motion.blend")


def grid(name):
    mesh = bpy.data.meshes.new(name)
    points = [(x, y, 0) for y in range(3) for x in range(3)]
    mesh.from_pydata(points, [], [(n, n + 1, n + 4, n + 3) for n in (0, 1, 3, 4)])
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def point_cache(cache, first, last, step=1, name=""):
    cache.frame_start, cache.frame_end, cache.frame_step, cache.name, cache.use_disk_cache = first, last, step, name, True
    return cache


def fluid(name, kind, last, **settings):
    bpy.ops.mesh.primitive_cube_add(size=4, location=(len(bpy.data.objects) * 9, 0, 0))
    domain = bpy.context.object
    domain.name = name
    modifier = domain.modifiers.new("Fluid", "FLUID")
    modifier.fluid_type = "DOMAIN"
    said = modifier.domain_settings
    said.domain_type, said.resolution_max, said.cache_type = kind, 6, "ALL"
    said.cache_frame_start, said.cache_frame_end = 2, last
    for key, value in settings.items():
        setattr(said, key, value)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, location=domain.location)
    flow = bpy.context.object.modifiers.new("Fluid", "FLUID")
    flow.fluid_type = "FLOW"
    flow.flow_settings.flow_type = "SMOKE" if kind == "GAS" else "LIQUID"
    flow.flow_settings.flow_behavior = "INFLOW"
    said.cache_directory = "//baked_files/" + name
    return domain


def ocean(name, last):
    """Without windows Blender bakes an ocean and then does not note that it did."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=2)
    thing = bpy.context.object
    thing.name = name
    modifier = thing.modifiers.new("Ocean", "OCEAN")
    modifier.resolution = modifier.viewport_resolution = 2
    modifier.use_foam, modifier.foam_layer_name, modifier.use_normals = True, "foam", True
    modifier.frame_start, modifier.frame_end, modifier.filepath = 2, last, "//baked_files/" + name
    with bpy.context.temp_override(object=thing, active_object=thing):
        bpy.ops.object.ocean_bake(modifier="Ocean")
    # It is baked beside; the last frame's last file is written last.
    ending = os.path.join(FOLDER, "baked_files", name, "normal_%04d.exr" % last)
    while not os.path.exists(ending) or os.path.getsize(ending) < 100:
        time.sleep(0.1)
    # The switch lies before two numbers that can be set.
    modifier.repeat_x, modifier.repeat_y = 7, 9
    at = ctypes.string_at(modifier.as_pointer(), 1600).index(struct.pack("<hh", 7, 9)) - 4
    modifier.repeat_x = modifier.repeat_y = 1
    ctypes.c_char.from_address(modifier.as_pointer() + at).value = b"\1"
    assert modifier.is_cached


def nodes(name, kind):
    """A bake of geometry nodes: of a simulation that raises the mesh, or of one frame of it."""
    tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    first, last = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    move = tree.nodes.new("GeometryNodeSetPosition")
    move.inputs["Offset"].default_value = (0, 0, 0.2)
    if kind == "zone":
        begin, end = tree.nodes.new("GeometryNodeSimulationInput"), tree.nodes.new("GeometryNodeSimulationOutput")
        begin.pair_with_output(end)
        tree.links.new(first.outputs[0], begin.inputs["Geometry"])
        tree.links.new(begin.outputs["Geometry"], move.inputs[0])
        tree.links.new(move.outputs[0], end.inputs["Geometry"])
        tree.links.new(end.outputs["Geometry"], last.inputs[0])
    else:
        bake = tree.nodes.new("GeometryNodeBake")
        tree.links.new(first.outputs[0], move.inputs[0])
        tree.links.new(move.outputs[0], bake.inputs[0])
        tree.links.new(bake.outputs[0], last.inputs[0])
    thing = grid(name)
    modifier = thing.modifiers.new("Nodes", "NODES")
    modifier.node_group = tree
    bpy.context.view_layer.update()
    if hasattr(modifier, "bake_target"):
        modifier.bake_target = "DISK"
    modifier.bake_directory = "//baked_files/" + name
    bake = modifier.bakes[0]
    bake.bake_mode = "STILL"
    if kind == "own":
        bake.use_custom_path, bake.directory = True, "//baked_files/" + name + " of its own"
    elif kind == "range":
        bake.bake_mode = "ANIMATION"
        bake.use_custom_simulation_frame_range, bake.frame_start, bake.frame_end = True, 2, 3
    return thing, modifier, bake


def baked():
    """Simulations that were baked to files, and beside the .blend what Blender wrote."""
    scene = fresh()
    scene.frame_end = 9
    scene.camera = camera(scene)
    scene.render.resolution_x, scene.render.resolution_y = 32, 18
    if hasattr(scene, "cycles"):
        scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    save("baked.blend")
    clip = bpy.data.movieclips.load([png("clip/p_%04d.png" % number) for number in range(1, 5)][0])
    clip.filepath, clip.frame_start, clip.use_fake_user = "//clip/p_0001.png", 2, True
    caches = [
        ("Tuch ä", "CLOTH", 1, ""), ("Named", "CLOTH", 1, "my cache"), ("Soft", "SOFT_BODY", 3, ""),
        ("Softer", "SOFT_BODY", 4, ""),
    ]
    for name, kind, step, called in caches:
        thing = grid(name)
        cache = point_cache(thing.modifiers.new("It", kind).point_cache, 2, 8, step, called)
        bake(cache, thing)
    domains = []
    if bpy.app.version < (4, 2):  # The modules of 4.2 and 5.0 abort when they bake one.
        domains = [fluid("Smoke", "GAS", 4), fluid("Fine", "GAS", 3, cache_data_format="UNI", use_noise=True),
                   fluid("Sea", "LIQUID", 3, use_mesh=True, use_spray_particles=True)]
    ocean("Ocean", 4)
    made = []
    if bpy.app.version >= (4, 2):
        made = [nodes("Zone", "zone"), nodes("Part", "range"), nodes("One", "still"), nodes("Own", "own")]
    save("baked.blend")
    for domain in domains:
        with bpy.context.temp_override(scene=scene, object=domain, active_object=domain):
            bpy.ops.fluid.bake_all()
    for thing, modifier, one in made:
        with bpy.context.temp_override(scene=scene, object=thing, active_object=thing, selected_objects=[thing]):
            bpy.ops.object.geometry_node_bake_single(
                session_uid=thing.session_uid, modifier_name=modifier.name, bake_id=one.bake_id)
    scene.frame_set(1)
    save("baked.blend")
    files, texts = [], {}
    for folder in ("blendcache_baked", "baked_files"):
        for place, _, names in os.walk(os.path.join(FOLDER, folder)):
            for name in names:
                path = os.path.relpath(os.path.join(place, name), FOLDER)
                files.append(path)
                if name.endswith(".json"):
                    with open(os.path.join(place, name)) as file:
                        texts[path] = file.read()
        if not KEEPS:
            shutil.rmtree(os.path.join(FOLDER, folder))
    if not KEEPS:
        shutil.rmtree(os.path.join(FOLDER, "clip"))
    with open(os.path.join(FOLDER, "baked.json"), "w") as file:
        json.dump({"files": sorted(files), "texts": texts}, file, indent=1, sort_keys=True)


os.makedirs(FOLDER, exist_ok=True)
KEEPS = sys.argv[-2] == "kept"
if sys.argv[-2] in ("baked", "kept"):
    baked()
    sys.exit()
still()
scenes()
files()
motion()
baked()
