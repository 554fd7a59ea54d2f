"""Makes the small scenes that the tests and the demo render: blender -b --factory-startup -P make_scenes.py -- FOLDER NAME...

Every scene is 64×36 pixels, one sample, without denoising, so that a frame takes hundredths of a second.
"""

import ctypes
import math
import os
import struct
import sys
import time

import bpy

FOLDER, *NAMES = sys.argv[sys.argv.index("--") + 1 :]


def empty_scene(last_frame, size=(64, 36)):
    """An empty file with a camera, a sun and a small Cycles picture."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.frame_start, scene.frame_end = 1, last_frame
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs[0].default_value = (0.05, 0.06, 0.08, 1)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -11, 3.5), (math.radians(72), 0, 0)
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler, sun.data.energy = (math.radians(40), math.radians(20), 0), 4
    for thing in (camera, sun):
        scene.collection.objects.link(thing)
    scene.camera = camera
    return scene


def cube(color):
    bpy.ops.mesh.primitive_cube_add(size=2)
    thing = bpy.context.object
    material = bpy.data.materials.new("Paint")
    material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (*color, 1)
    thing.data.materials.append(material)
    return thing


def spin(thing, last_frame):
    thing.keyframe_insert("rotation_euler", frame=1)
    thing.rotation_euler = (0, 0, math.pi / 2)
    thing.keyframe_insert("rotation_euler", frame=last_frame)


def still():
    empty_scene(1)
    cube((0.8, 0.3, 0.1))


def anim(last_frame=6, color=(0.1, 0.4, 0.8), size=(64, 36)):
    empty_scene(last_frame, size)
    spin(cube(color), last_frame)


def demo():
    anim(12, (0.9, 0.5, 0.1), (320, 180))
    bpy.context.scene.cycles.samples = 16


def slow():
    """Frames that take about a second: for tests that interrupt a render."""
    anim(6, (0.2, 0.7, 0.3), (320, 180))
    bpy.context.scene.cycles.samples = 96


def red():
    anim(color=(0.9, 0.05, 0.05))


def no_camera():
    empty_scene(2)
    spin(cube((0.5, 0.5, 0.5)), 2)
    bpy.context.scene.camera = None


def denoised():
    still()
    bpy.context.scene.cycles.use_denoising = True


def overwrite_off():
    """Everything set that would keep Blender from writing a fresh picture where it is told to."""
    anim(2)
    render = bpy.context.scene.render
    render.use_overwrite, render.use_placeholder, render.use_file_extension = False, True, False
    render.use_border, render.border_max_x = True, 0.5
    render.filepath = "//artists_own_"
    render.image_settings.file_format = "FFMPEG"
    scene = bpy.context.scene
    scene.use_nodes = True
    node = scene.node_tree.nodes.new("CompositorNodeOutputFile")
    node.base_path = "//artists_nodes"
    scene.node_tree.links.new(scene.node_tree.nodes["Render Layers"].outputs["Image"], node.inputs[0])


def linked():
    """A scene whose only cube is linked from `lib/chair.blend`."""
    empty_scene(1)
    cube((0.2, 0.6, 0.2)).name = "Seat"
    library = os.path.join(FOLDER, "lib", "chair.blend")
    os.makedirs(os.path.dirname(library), exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=library)
    scene = empty_scene(1)
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, "linked.blend"))
    with bpy.data.libraries.load(library, link=True, relative=True) as (_, wanted):
        wanted.objects = ["Seat"]
    scene.collection.objects.link(wanted.objects[0])


def linked_from(library, name="Seat"):
    """An object linked from a file beside this one, or below."""
    with bpy.data.libraries.load(os.path.join(FOLDER, library), link=True, relative=True) as (_, wanted):
        wanted.objects = [name]
    bpy.context.scene.collection.objects.link(wanted.objects[0])


def save(name):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)


def paint(color, name):
    """A library with nothing but a painted cube called `Seat`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    cube(color).name = "Seat"
    save(name)


def layered():
    """Four frames of a scene that links `lib/stool.blend`, whose cube has the material of `lib/paint/red.blend`; blue.blend beside it
    has the same in blue."""
    for name, color in (("red", (0.9, 0.02, 0.02)), ("blue", (0.02, 0.02, 0.9))):
        paint(color, "lib/paint/%s.blend" % name)
    paint((1, 1, 1), "lib/stool.blend")
    with bpy.data.libraries.load(os.path.join(FOLDER, "lib/paint/red.blend"), link=True, relative=True) as (_, wanted):
        wanted.materials = ["Paint"]
    bpy.data.objects["Seat"].data.materials[0] = wanted.materials[0]
    save("lib/stool.blend")
    empty_scene(4).cycles.samples = 3000
    spin(bpy.data.objects["Sun"], 4)
    save("layered.blend")
    linked_from("lib/stool.blend")


def seated():
    """A scene that links `seat.blend` beside it, which has no camera."""
    paint((0.02, 0.9, 0.02), "seat.blend")
    empty_scene(1)
    save("seated.blend")
    linked_from("seat.blend")


def windows():
    """As Windows would write it: a library and, in it, a texture on drive Z:."""
    textured("box", path="//textures/wood.png")
    for thing in list(bpy.data.objects):
        if thing.type != "MESH":
            bpy.data.objects.remove(thing)
    bpy.data.objects[0].name = "Seat"
    bpy.data.images["Wood"].filepath = "Z:\\show\\quick\\textures\\wood.png"
    save("lib/box.blend")
    empty_scene(1)
    save("windows.blend")
    linked_from("lib/box.blend")
    bpy.data.libraries[0].filepath = "Z:\\show\\quick\\lib\\box.blend"
    sun = bpy.data.lights["Sun"]
    sun.use_nodes = True
    profile = sun.node_tree.nodes.new("ShaderNodeTexIES")
    profile.mode, profile.filepath = "EXTERNAL", "Z:\\show\\quick\\lamp.ies"
    emission = next(node for node in sun.node_tree.nodes if node.type == "EMISSION")
    sun.node_tree.links.new(profile.outputs["Fac"], emission.inputs["Strength"])


def still_range():
    """Four frames in which nothing moves, of which the third is shown."""
    still()
    scene = bpy.context.scene
    scene.frame_end = 4
    scene.frame_set(3)


def driven():
    """A cube that a driver in Python puts out of sight."""
    still()
    driver = bpy.data.objects["Cube"].driver_add("location", 2).driver
    driver.type, driver.expression = "SCRIPTED", "bpy.data.scenes[0].frame_start * 100"


def loose_cloth():
    """A cloth that is simulated as it is rendered, with a cache beside the file if Blender may write one."""
    scene = hanging_cloth()
    save("loose_cloth.blend")
    bpy.data.objects["Grid"].modifiers[0].point_cache.use_disk_cache = True
    scene.frame_set(1)


def textured(name="textured", last_frame=1, path="//wood.png"):
    """A cube with the picture `wood.png` beside the file, or elsewhere; it turns in more than one frame."""
    empty_scene(last_frame)
    thing = cube((1, 1, 1))
    if last_frame > 1:
        spin(thing, last_frame)
    nodes = thing.data.materials[0].node_tree
    picture = bpy.data.images.new("Wood", 8, 8)
    picture.filepath_raw, picture.file_format = os.path.join(FOLDER, "wood.png"), "PNG"
    picture.save()
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, name + ".blend"))
    picture.source, picture.filepath = "FILE", path
    texture = nodes.nodes.new("ShaderNodeTexImage")
    texture.image = picture
    nodes.links.new(texture.outputs["Color"], nodes.nodes["Principled BSDF"].inputs["Base Color"])


def screen(duration):
    """A cube that shows a sequence of pictures, of which none is there yet, from `//screen/` of the test's folder."""
    thing = cube((0, 0, 0))
    thing.name = "Screen"
    nodes = thing.data.materials[0].node_tree
    picture = bpy.data.images.new("Film", 1, 1)
    picture.source, picture.filepath = "SEQUENCE", os.path.join(FOLDER, "screen", "f_0001.png")
    texture = nodes.nodes.new("ShaderNodeTexImage")
    texture.image = picture
    texture.image_user.frame_duration, texture.image_user.use_auto_refresh = duration, True
    nodes.links.new(texture.outputs["Color"], nodes.nodes["Principled BSDF"].inputs["Emission"])
    return texture


def screened():
    """Four frames of `lib/screen.blend`, whose own scene has two."""
    empty_scene(2)
    screen(100)
    save("lib/screen.blend")
    bpy.data.images["Film"].filepath = "//../screen/f_0001.png"
    save("lib/screen.blend")
    empty_scene(4)
    save("screened.blend")
    linked_from("lib/screen.blend", "Screen")


def keyed_screen():
    """Three frames that show the pictures 11, 12 and 13, because the offset is animated."""
    empty_scene(3)
    texture = screen(1)
    for frame in (1, 2, 3):
        texture.image_user.frame_offset = 9 + frame
        texture.image_user.keyframe_insert("frame_offset", frame=frame)
    save("keyed_screen.blend")
    bpy.data.images["Film"].filepath = "//screen/f_0001.png"


def missing_picture(name):
    picture = bpy.data.images.new(name, 1, 1)
    picture.source, picture.filepath = "FILE", "//%s.png" % name
    return picture


def idle():
    """Names pictures in a brush, behind the camera, in a compositor that is off and in a muted strip; none is there."""
    still()
    scene = bpy.context.scene
    texture = bpy.data.textures.new("Bristle", "IMAGE")
    texture.image = missing_picture("brush")
    brush = bpy.data.brushes.new("Brush", mode="TEXTURE_PAINT")
    brush.texture = texture
    scene.tool_settings.image_paint.brush = brush
    scene.camera.data.show_background_images = True
    scene.camera.data.background_images.new().image = missing_picture("behind")
    scene.use_nodes = True
    scene.node_tree.nodes.new("CompositorNodeImage").image = missing_picture("composited")
    scene.use_nodes = False
    editor = scene.sequence_editor_create()
    strip = editor.sequences.new_image("Strip", os.path.join(FOLDER, "wood.png"), channel=1, frame_start=1)
    strip.mute, strip.directory, strip.elements[0].filename = True, "//", "strip.png"


def reading():
    """A cube whose colour is the number of the frame, which a node reads from the scene."""
    anim(4)
    thing = bpy.data.objects["Cube"]
    thing.animation_data_clear()
    nodes = thing.data.materials[0].node_tree
    number = nodes.nodes.new("ShaderNodeAttribute")
    number.attribute_type, number.attribute_name = "VIEW_LAYER", "frame_current"
    nodes.links.new(number.outputs["Fac"], nodes.nodes["Principled BSDF"].inputs["Base Color"])


def eyes():
    """A picture of which each eye has a file of its own."""
    still()
    bpy.context.scene.render.use_multiview = True
    for eye in ("eye_L.png", "eye_R.png"):
        picture = bpy.data.images.new(eye, 4, 4)
        picture.filepath_raw, picture.file_format = os.path.join(FOLDER, eye), "PNG"
        picture.save()
        bpy.data.images.remove(picture)
    save("eyes.blend")
    picture = bpy.data.images.load(os.path.join(FOLDER, "eye_L.png"))
    picture.use_multiview, picture.views_format, picture.filepath = True, "INDIVIDUAL", "//eye.png"
    # Asking for it loads both, and notes where they lie.
    assert picture.has_data or picture.size[0]
    nodes = bpy.data.objects["Cube"].data.materials[0].node_tree
    nodes.nodes.new("ShaderNodeTexImage").image = picture


def other_scene():
    """A picture that is not there and that only another scene shows."""
    textured("other_scene", path="//gone.png")
    bpy.ops.scene.new(type="EMPTY")
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x, scene.render.resolution_y, scene.frame_end = 64, 36, 1
    for name in ("Camera", "Sun"):
        scene.collection.objects.link(bpy.data.objects[name])
    scene.camera = bpy.data.objects["Camera"]


def textured_range():
    """Frames that take about a second, so that a texture can change between two of them."""
    textured("textured_range", 4)
    bpy.context.scene.cycles.samples = 3000


def textured_below():
    textured("textured_below", path="//textures/wood.png")


def stepped():
    """Every third frame of seven, and a picture that nothing shows and that is not there."""
    anim(7)
    bpy.context.scene.frame_step = 3
    picture = bpy.data.images.new("Spare", 1, 1)
    picture.source, picture.filepath, picture.use_fake_user = "FILE", "//spare.png", True


def layers_off():
    still()
    for layer in bpy.context.scene.view_layers:
        layer.use = False


def rise(thing):
    """Has it be elsewhere in frame 2 than in frame 1."""
    thing.keyframe_insert("location", frame=1)
    thing.location.z += 1
    thing.keyframe_insert("location", frame=2)


def two_scenes():
    """Saved with `Beta` active, which is red; `Alpha` is blue."""
    anim(2, (0.05, 0.05, 0.9))
    rise(bpy.data.objects["Cube"])
    alpha = bpy.context.scene
    alpha.name = "Alpha"
    bpy.ops.scene.new(type="EMPTY")
    beta = bpy.context.scene
    beta.name = "Beta"
    beta.render.engine, beta.cycles.samples, beta.cycles.use_denoising = "CYCLES", 1, False
    beta.render.resolution_x, beta.render.resolution_y = 64, 36
    beta.frame_start, beta.frame_end, beta.world = 5, 6, alpha.world
    for name in ("Camera", "Sun"):
        beta.collection.objects.link(bpy.data.objects[name])
    beta.camera = bpy.data.objects["Camera"]
    cube((0.9, 0.05, 0.05))


def sequencer():
    """A white strip over the 3D scene: Blender renders the strip alone."""
    still()
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = strips.new_effect("White", "COLOR", channel=1, frame_start=1, frame_end=10)
    strip.color = (1, 1, 1)


def gpu():
    still()
    bpy.context.scene.cycles.device = "GPU"


def denoise_node():
    still()
    scene = bpy.context.scene
    scene.use_nodes = True
    tree = scene.node_tree
    node = tree.nodes.new("CompositorNodeDenoise")
    tree.links.new(tree.nodes["Render Layers"].outputs["Image"], node.inputs["Image"])
    tree.links.new(node.outputs["Image"], tree.nodes["Composite"].inputs["Image"])


def scripted():
    """Carries a script that would end Blender, and one that would break a handler; it is registered to run on opening."""
    still()
    text = bpy.data.texts.new("autorun.py")
    text.write("import sys, bpy\nsys.exit(0)\n")
    text.use_module = True


def hanging_cloth():
    scene = empty_scene(8)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=10, y_subdivisions=10, size=4)
    thing = bpy.context.object
    modifier = thing.modifiers.new("Cloth", "CLOTH")
    pins = thing.vertex_groups.new(name="Pins")
    pins.add([v.index for v in thing.data.vertices if v.co.y > 1.9], 1, "REPLACE")
    modifier.settings.vertex_group_mass = "Pins"
    modifier.point_cache.frame_start, modifier.point_cache.frame_end = 1, 8
    return scene


def cloth():
    """A cloth whose simulation is baked to `blendcache_cloth/` beside the file; without it the cloth hangs elsewhere."""
    scene = hanging_cloth()
    thing = bpy.data.objects["Grid"]
    modifier = thing.modifiers[0]
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, "cloth.blend"))
    modifier.point_cache.use_disk_cache = True
    with bpy.context.temp_override(scene=scene, object=thing, active_object=thing, point_cache=modifier.point_cache):
        bpy.ops.ptcache.bake(bake=True)
    # Only the last frame is rendered: reached without its cache, the cloth would not have moved.
    scene.frame_start = 8


def half_draped():
    """Six frames of a cloth that is baked to `blendcache_half_draped/` for the first four."""
    scene = hanging_cloth()
    thing = bpy.data.objects["Grid"]
    cache = thing.modifiers[0].point_cache
    scene.frame_end, cache.frame_end = 6, 4
    save("half_draped.blend")
    cache.use_disk_cache = True
    with bpy.context.temp_override(scene=scene, object=thing, active_object=thing, point_cache=cache):
        bpy.ops.ptcache.bake(bake=True)
    scene.frame_set(1)


def smoky():
    """Four frames of smoke that is baked to `cache_smoky/`."""
    scene = empty_scene(4)
    bpy.ops.mesh.primitive_cube_add(size=4)
    domain = bpy.context.object
    domain.name = "Domain"
    modifier = domain.modifiers.new("Fluid", "FLUID")
    modifier.fluid_type = "DOMAIN"
    said = modifier.domain_settings
    said.domain_type, said.resolution_max, said.cache_type = "GAS", 12, "ALL"
    said.cache_frame_start, said.cache_frame_end = 1, 4
    material = bpy.data.materials.new("Smoke")
    material.use_nodes = True
    nodes = material.node_tree
    nodes.nodes.clear()
    volume = nodes.nodes.new("ShaderNodeVolumePrincipled")
    volume.inputs["Density"].default_value = 20
    nodes.links.new(volume.outputs[0], nodes.nodes.new("ShaderNodeOutputMaterial").inputs["Volume"])
    domain.data.materials.append(material)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.8, location=(0, 0, -1))
    source = bpy.context.object
    flow = source.modifiers.new("Fluid", "FLUID")
    flow.fluid_type = "FLOW"
    flow.flow_settings.flow_type, flow.flow_settings.flow_behavior = "SMOKE", "INFLOW"
    source.hide_render = True
    said.cache_directory = "//cache_smoky"
    save("smoky.blend")
    said.cache_directory = "//cache_smoky"
    with bpy.context.temp_override(scene=scene, object=domain, active_object=domain):
        bpy.ops.fluid.bake_all()


def sea():
    """Four frames of an ocean that is baked to `cache_sea/`."""
    scene = empty_scene(4)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=2)
    thing = bpy.context.object
    modifier = thing.modifiers.new("Ocean", "OCEAN")
    modifier.geometry_mode, modifier.resolution, modifier.viewport_resolution = "GENERATE", 4, 4
    modifier.spatial_size, modifier.wave_scale = 8, 2
    for frame, seconds in ((1, 0), (4, 6)):
        modifier.time = seconds
        modifier.keyframe_insert("time", frame=frame)
    modifier.frame_start, modifier.frame_end = 1, 4
    save("sea.blend")
    modifier.filepath = "//cache_sea"
    with bpy.context.temp_override(scene=scene, object=thing, active_object=thing):
        bpy.ops.object.ocean_bake(modifier="Ocean")
    # It is baked beside, and without windows Blender does not note that it was: the switch lies before two numbers.
    last = os.path.join(FOLDER, "cache_sea", "disp_0004.exr")
    while not os.path.exists(last) or os.path.getsize(last) < 100:
        time.sleep(0.05)
    modifier.repeat_x, modifier.repeat_y = 7, 9
    at = ctypes.string_at(modifier.as_pointer(), 1600).index(struct.pack("<hh", 7, 9)) - 4
    modifier.repeat_x = modifier.repeat_y = 1
    ctypes.c_char.from_address(modifier.as_pointer() + at).value = b"\1"
    assert modifier.is_cached


def odd():
    """A still of odd size, with the dither that Blender has by itself, and something half transparent."""
    scene = empty_scene(1, (161, 91))
    scene.cycles.samples = 4
    scene.render.film_transparent = True
    cube((0.9, 0.5, 0.1)).rotation_euler = (0.3, 0.2, 0.7)


def smooth():
    """The same without dither: what is rendered whole is what its tiles are."""
    odd()
    bpy.context.scene.render.dither_intensity = 0


def odd_anim():
    """Three frames of that."""
    odd()
    bpy.context.scene.frame_end = 3
    spin(bpy.context.object, 3)


def shaped():
    """A shape that is another in each frame and in the viewport, with a thing that sits on one of its corners."""
    scene = empty_scene(3)
    thing = cube((0.9, 0.5, 0.1))
    smooth = thing.modifiers.new("Smooth", "SUBSURF")
    smooth.levels, smooth.render_levels = 0, 2
    bend = thing.modifiers.new("Bend", "SIMPLE_DEFORM")
    for frame, angle in ((1, 0.2), (3, 2)):
        bend.angle = angle
        bend.keyframe_insert("angle", frame=frame)
    thing.modifiers.new("Bevel", "BEVEL").limit_method = "NONE"
    rider = cube((0.1, 0.2, 0.9))
    rider.scale = (0.3, 0.3, 0.3)
    rider.parent, rider.parent_type, rider.parent_vertices = thing, "VERTEX", (0, 0, 0)


def stamped():
    """What must not be cut: metadata burnt in, Freestyle's lines, samples that end with the time."""
    scene = empty_scene(1)
    scene.render.use_stamp = scene.render.use_freestyle = True
    scene.cycles.time_limit = 3


def two_layers():
    """A red cube in layer `Front`, a blue one in `Back/far`; layer `Off` is not rendered. Two frames."""
    scene = empty_scene(2)
    layers = {}
    for name, color, place in (("Front", (1, 0, 0), -2), ("Back/far", (0, 0, 1), 2)):
        thing = cube(color)
        thing.location.x = place
        spin(thing, 2)
        holder = bpy.data.collections.new(name)
        scene.collection.children.link(holder)
        for user in thing.users_collection:
            user.objects.unlink(thing)
        holder.objects.link(thing)
        layers[name] = scene.view_layers[0] if not layers else scene.view_layers.new(name)
        layers[name].name = name
    for name, layer in layers.items():
        for other in layers:
            layer.layer_collection.children[other].exclude = other != name
    scene.view_layers.new("Off").use = False


def stereo():
    """Both eyes of a still, seen from far apart."""
    scene = empty_scene(1)
    cube((0.2, 0.8, 0.3))
    scene.render.use_multiview = True
    scene.camera.data.stereo.interocular_distance = 0.3


def stereo_nodes():
    """A picture of both eyes side by side, beside which one node writes a picture for each eye and one an EXR of both."""
    stereo()
    scene = bpy.context.scene
    scene.render.image_settings.views_format = "STEREO_3D"
    scene.use_nodes = True
    tree = scene.node_tree
    each, both = (tree.nodes.new("CompositorNodeOutputFile") for _ in range(2))
    each.name, each.base_path, each.format.file_format = "Each", "//artist/each", "PNG"
    each.format.views_format = "INDIVIDUAL"
    both.name, both.base_path, both.format.file_format = "Both", "//artist/both", "OPEN_EXR_MULTILAYER"
    both.format.views_format = "MULTIVIEW"
    for node in (each, both):
        tree.links.new(tree.nodes["Render Layers"].outputs["Image"], node.inputs[0])


def output_nodes():
    """Two frames whose compositing writes the depth as EXR, and the picture as TGA and as PNG, to the artist's folder."""
    scene = empty_scene(2)
    spin(cube((0.2, 0.8, 0.3)), 2)
    scene.view_layers[0].use_pass_z = True
    scene.use_nodes = True
    tree = scene.node_tree
    layers = tree.nodes["Render Layers"]
    depth, both = (tree.nodes.new("CompositorNodeOutputFile") for _ in range(2))
    depth.name, depth.base_path = "Depth", "//artist/depth"
    depth.format.file_format = "OPEN_EXR"
    tree.links.new(layers.outputs["Depth"], depth.inputs[0])
    both.name, both.base_path = "Both", "//artist"
    both.format.file_format = "PNG"
    both.file_slots[0].path = "Plain"
    both.file_slots.new("Old")
    both.file_slots[1].use_node_format = False
    both.file_slots[1].format.file_format = "TARGA"
    both.file_slots.new("Unlinked")
    for socket in list(both.inputs)[:2]:
        tree.links.new(layers.outputs["Image"], socket)
    muted = tree.nodes.new("CompositorNodeOutputFile")
    muted.mute = True
    tree.links.new(layers.outputs["Image"], muted.inputs[0])


def odd_nodes():
    """File Output nodes with the names of others, in groups of the same name, muted, and with nothing to write."""
    scene = empty_scene(1)
    cube((0.2, 0.8, 0.3))
    scene.use_nodes = True
    tree = scene.node_tree
    image = tree.nodes["Render Layers"].outputs["Image"]

    def output(tree, name, source):
        node = tree.nodes.new("CompositorNodeOutputFile")
        node.name, node.base_path = name, "//artist"
        if source:
            tree.links.new(source, node.inputs[0])

    def group(name, is_linked, is_muted=False):
        inner = bpy.data.node_groups.new(name, "CompositorNodeTree")
        inner.inputs.new("NodeSocketColor", "In")
        output(inner, "A", inner.nodes.new("NodeGroupInput").outputs[0])
        holder = tree.nodes.new("CompositorNodeGroup")
        holder.node_tree, holder.mute = inner, is_muted
        if is_linked:
            tree.links.new(image, holder.inputs[0])

    for name in ("A", "A (2)"):
        output(tree, name, image)
    output(tree, "Open", None)
    group(tree.name, True)
    group("Muted", True, is_muted=True)
    group("Unlinked", False)


def composited():
    """A still whose compositing turns it upside down in its colours: in tiles it would show no seams, but who knows."""
    scene = empty_scene(1)
    cube((0.2, 0.8, 0.3))
    scene.use_nodes = True
    tree = scene.node_tree
    invert = tree.nodes.new("CompositorNodeInvert")
    tree.links.new(tree.nodes["Render Layers"].outputs["Image"], invert.inputs["Color"])
    tree.links.new(invert.outputs["Color"], tree.nodes["Composite"].inputs["Image"])


def textured_tga():
    textured("textured_tga", path="//wood.tga")


def textured_webp():
    textured("textured_webp", path="//wood.webp")


def late_seat():
    """Six frames of a scene whose seat is linked from `lib/late.blend`. Beside that library lie three others in its place: in
    late_still.blend nothing moves, in late_turning.blend the seat has an action that is linked itself, in late_cloth.blend
    it is a cloth that is not baked."""
    paint((0.8, 0.2, 0.1), "lib/late_still.blend")
    spin(bpy.data.objects["Seat"], 6)
    bpy.data.objects["Seat"].animation_data.action.name = "Turn"
    save("lib/late_turn.blend")
    paint((0.8, 0.2, 0.1), "lib/late_turning.blend")
    with bpy.data.libraries.load(os.path.join(FOLDER, "lib/late_turn.blend"), link=True, relative=True) as (_, wanted):
        wanted.actions = ["Turn"]
    bpy.data.objects["Seat"].animation_data_create().action = wanted.actions[0]
    save("lib/late_turning.blend")
    hanging_cloth()
    bpy.data.objects["Grid"].name = "Seat"
    save("lib/late_cloth.blend")
    paint((0.8, 0.2, 0.1), "lib/late.blend")
    empty_scene(6)
    save("late_seat.blend")
    linked_from("lib/late.blend")


def row(color=(0.9, 0.5, 0.1)):
    """A turning cube of which a modifier makes three."""
    thing = cube(color)
    spin(thing, 2)
    array = thing.modifiers.new("Array", "ARRAY")
    array.count, array.relative_offset_displace = 3, (1.2, 0, 0)
    return thing


def drive(holder, name, expression, index=-1, **paths):
    """Has an expression without Python compute a property from others; each is given as a block and a path from it."""
    driver = holder.driver_add(name, index).driver
    driver.type, driver.expression = "SCRIPTED", expression
    for variable_name, (block, path) in paths.items():
        variable = driver.variables.new()
        variable.name = variable_name
        variable.targets[0].id, variable.targets[0].data_path = block, path


def switched():
    """Two frames of a row of cubes that is shown in pictures when the viewport shows it."""
    empty_scene(2)
    thing = row()
    drive(thing.modifiers["Array"], "show_render", "shown", shown=(thing, 'modifiers["Array"].show_viewport'))


def switched_by_property():
    """The same by way of a property of another object, which a driver computes."""
    empty_scene(2)
    thing = row()
    rig = bpy.data.objects.new("Rig", None)
    bpy.context.scene.collection.objects.link(rig)
    rig["rows"] = 0.0
    drive(rig, '["rows"]', "shown + 0", shown=(thing, 'modifiers[0].show_viewport'))
    other = cube((0.1, 0.2, 0.9))
    drive(other, "location", "rows * 3", index=2, rows=(rig, '["rows"]'))


def switched_in_library():
    """The same with object and driver in a library."""
    switched()
    bpy.data.objects["Cube"].name = "Seat"
    save("lib/switched.blend")
    empty_scene(2)
    save("switched_in_library.blend")
    linked_from("lib/switched.blend")


def shaded_by(path):
    """A turning cube whose colour is a property, which its material reads."""
    thing = row()
    nodes = thing.data.materials[0].node_tree
    number = nodes.nodes.new("ShaderNodeAttribute")
    number.attribute_type, number.attribute_name = path
    nodes.links.new(number.outputs["Fac"], nodes.nodes["Principled BSDF"].inputs["Base Color"])


def shaded_by_switch():
    """A material that is white when the viewport shows a modifier."""
    empty_scene(2)
    shaded_by(("OBJECT", 'modifiers["Array"].show_viewport'))


def shaded_by_threads():
    """A material that reads by how many threads Blender renders."""
    empty_scene(2)
    bpy.context.scene.render.threads_mode, bpy.context.scene.render.threads = "FIXED", 1
    shaded_by(("VIEW_LAYER", "render.threads"))


def shaded_by_border():
    """A material that is white when a part of the picture is rendered."""
    empty_scene(1)
    bpy.context.scene.render.dither_intensity = 0
    shaded_by(("VIEW_LAYER", "render.use_border"))


def marked():
    """Three frames, each by a camera of its own that a marker makes the active one."""
    scene = empty_scene(3)
    cube((0.8, 0.3, 0.1))
    for frame, x in ((1, -4), (2, 1), (3, 4)):
        camera = bpy.data.objects.new("Camera %d" % frame, bpy.data.cameras.new("Camera"))
        camera.location, camera.rotation_euler = (x, -11, 3.5), (math.radians(72), 0, math.radians(5 * x))
        scene.collection.objects.link(camera)
        scene.timeline_markers.new("M%d" % frame, frame=frame).camera = camera


def persistent():
    """Persistent data and motion blur, a colour that changes, and a thing that comes and goes."""
    scene = empty_scene(4)
    thing = cube((1, 0, 0))
    spin(thing, 4)
    scene.render.use_persistent_data = scene.render.use_motion_blur = True
    color = thing.data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Base Color"]
    for frame, value in ((1, (1, 0, 0, 1)), (4, (0, 0, 1, 1))):
        color.default_value = value
        color.keyframe_insert("default_value", frame=frame)
    other = cube((0, 1, 0))
    other.location.x = 3
    for frame, is_hidden in ((1, False), (2, True), (4, False)):
        other.hide_render = is_hidden
        other.keyframe_insert("hide_render", frame=frame)


def falling():
    """Rigid bodies that are simulated as they are rendered."""
    scene = empty_scene(5)
    bpy.ops.rigidbody.world_add()
    ground = cube((0.5, 0.5, 0.5))
    ground.location.z = -3
    bpy.ops.rigidbody.object_add()
    ground.rigid_body.type = "PASSIVE"
    for number in range(3):
        cube((1, 0.2 * number, 0)).location = (number - 1, 0, 1 + number)
        bpy.context.object.scale = (0.4, 0.4, 0.4)
        bpy.ops.rigidbody.object_add()
    cache = scene.rigidbody_world.point_cache
    cache.frame_start, cache.frame_end = 1, 5


def falling_blurred():
    falling()
    bpy.context.scene.render.use_motion_blur = True


def remapped():
    """Four frames that show what eight would, by time remapping."""
    anim(8)
    scene = bpy.context.scene
    scene.render.frame_map_old, scene.render.frame_map_new, scene.frame_end = 100, 50, 4


def beside(name):
    """A second, active scene with the camera and the sun of the first."""
    first = bpy.context.scene
    bpy.ops.scene.new(type="EMPTY")
    scene = bpy.context.scene
    scene.name, first.name = name, "Set"
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x, scene.render.resolution_y = 64, 36
    scene.frame_start, scene.frame_end, scene.world = 1, first.frame_end, first.world
    for thing in ("Camera", "Sun"):
        scene.collection.objects.link(bpy.data.objects[thing])
    scene.camera = bpy.data.objects["Camera"]
    cube((0, 0, 1)).location.x = 3
    return first, scene


def over_scene():
    """Two frames whose compositing puts the picture over that of another scene."""
    anim(2, (1, 0, 0))
    first, scene = beside("Main")
    scene.render.film_transparent, scene.use_nodes = True, True
    tree = scene.node_tree
    behind, over = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeAlphaOver")
    behind.scene = first
    tree.links.new(behind.outputs[0], over.inputs[1])
    tree.links.new(tree.nodes["Render Layers"].outputs[0], over.inputs[2])
    tree.links.new(over.outputs[0], tree.nodes["Composite"].inputs[0])


def before_set():
    """Two frames before the things of another scene, its background set."""
    anim(2, (1, 0, 0))
    first, scene = beside("Main")
    for thing in ("Camera", "Sun"):
        scene.collection.objects.unlink(bpy.data.objects[thing])
    camera = bpy.data.objects.new("Own", bpy.data.cameras.new("Own"))
    camera.location, camera.rotation_euler = (1, -11, 3.5), (math.radians(72), 0, 0)
    scene.collection.objects.link(camera)
    scene.camera, scene.background_set = camera, first


def many_layered():
    """A multilayer EXR with depth and cryptomatte."""
    still()
    scene = bpy.context.scene
    scene.view_layers[0].use_pass_cryptomatte_material = scene.view_layers[0].use_pass_z = True
    scene.render.image_settings.file_format, scene.render.image_settings.color_depth = "OPEN_EXR_MULTILAYER", "32"


def deep():
    """A PNG of 16 bits without alpha and with a view transform of its own."""
    still()
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_depth, settings.color_mode = "PNG", "16", "RGB"
    settings.color_management, settings.view_settings.view_transform = "OVERRIDE", "Raw"


def bake(thing, cache):
    save("%s.blend" % make)
    with bpy.context.temp_override(
        scene=bpy.context.scene, object=thing, active_object=thing, point_cache=cache
    ):
        bpy.ops.ptcache.bake(bake=True)


def draped():
    """A baked cloth that is subdivided before it is simulated."""
    hanging_cloth()
    thing = bpy.data.objects["Grid"]
    smooth = thing.modifiers.new("Smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 1
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.modifier_move_to_index(modifier="Smooth", index=0)
    bpy.context.scene.frame_end = 4
    bake(thing, thing.modifiers["Cloth"].point_cache)


def sprinkled():
    """Baked particles on a grid that modifiers shape, each shown as a cube."""
    empty_scene(4)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=4, y_subdivisions=4, size=4)
    thing = bpy.context.object
    smooth = thing.modifiers.new("Smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 2
    thing.modifiers.new("Bend", "SIMPLE_DEFORM").angle = 1.5
    thing.modifiers.new("Particles", "PARTICLE_SYSTEM")
    system = thing.particle_systems[0]
    settings = system.settings
    settings.count, settings.frame_start, settings.frame_end, settings.lifetime = 60, 1, 4, 20
    settings.render_type, settings.particle_size, settings.use_modifier_stack = "OBJECT", 1, True
    grain = cube((0, 1, 0))
    grain.scale, grain.location.z = (0.15, 0.15, 0.15), -20
    settings.instance_object = grain
    system.point_cache.frame_start, system.point_cache.frame_end = 1, 4
    bake(thing, system.point_cache)


def furry():
    """Hair on a cube that waves, and is finer in pictures than in the viewport."""
    empty_scene(2)
    thing = cube((0.6, 0.4, 0.2))
    smooth = thing.modifiers.new("Smooth", "SUBSURF")
    smooth.levels, smooth.render_levels = 0, 3
    thing.modifiers.new("Wave", "WAVE")
    thing.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = thing.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length, settings.use_modifier_stack = "HAIR", 200, 1, True


def stamped_name():
    """Two frames into which the name of the file is burnt, and beside which a node writes the picture as EXR."""
    scene = empty_scene(2, (320, 36))
    spin(cube((0.2, 0.8, 0.3)), 2)
    render = scene.render
    for name in dir(render):
        if name.startswith("use_stamp"):
            setattr(render, name, False)
    render.use_stamp = render.use_stamp_filename = True
    scene.use_nodes = True
    node = scene.node_tree.nodes.new("CompositorNodeOutputFile")
    node.base_path, node.format.file_format = "//artist/nodes", "OPEN_EXR"
    scene.node_tree.links.new(scene.node_tree.nodes["Render Layers"].outputs["Image"], node.inputs[0])


def begun_cloth():
    """A cloth with a disk cache that is not baked and holds some frames: scrubbing in Blender left them."""
    scene = hanging_cloth()
    save("begun_cloth.blend")
    bpy.data.objects["Grid"].modifiers[0].point_cache.use_disk_cache = True
    for frame in (1, 2, 3):
        scene.frame_set(frame)


def borrowed_cloth():
    """The same cloth, linked from its file."""
    begun_cloth()
    save("begun_cloth.blend")
    empty_scene(8)
    save("borrowed_cloth.blend")
    linked_from("begun_cloth.blend", "Grid")


def hidden_driven():
    """A cube that the viewport does not show, with a driver that needs a function of the artist's."""
    still()
    thing = bpy.data.objects["Cube"]
    drive(thing, "location", "shake(frame)", index=2)
    thing.hide_viewport = True


def film(folder, colors):
    """Pictures of one colour each, `<folder>/f_<number>.png`, and the sequence of them that begins with `f_0001.png`."""
    os.makedirs(os.path.join(FOLDER, folder), exist_ok=True)
    for number, color in colors.items():
        picture = bpy.data.images.new("One", 8, 8)
        picture.pixels = [*color, 1] * 64
        picture.filepath_raw, picture.file_format = os.path.join(FOLDER, folder, "f_%04d.png" % number), "PNG"
        picture.save()
        bpy.data.images.remove(picture)
    sequence = bpy.data.images.new("Film", 1, 1)
    sequence.source, sequence.filepath = "SEQUENCE", os.path.join(FOLDER, folder, "f_0001.png")
    return sequence


def lifted():
    """Three frames of a cube that geometry nodes lift by a picture of a sequence; the number comes out of the nodes."""
    empty_scene(3)
    thing = cube((0.8, 0.3, 0.1))
    picture = film("lifted", {1: (0.2, 0, 0), 2: (1, 0, 0), 3: (0.6, 0, 0)})
    tree = bpy.data.node_groups.new("Lift", "GeometryNodeTree")
    tree.inputs.new("NodeSocketGeometry", "Geometry")
    tree.outputs.new("NodeSocketGeometry", "Geometry")
    first, last = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    texture, move = tree.nodes.new("GeometryNodeImageTexture"), tree.nodes.new("GeometryNodeSetPosition")
    texture.inputs["Image"].default_value = picture
    tree.links.new(tree.nodes.new("GeometryNodeInputSceneTime").outputs["Frame"], texture.inputs["Frame"])
    tree.links.new(first.outputs[0], move.inputs[0])
    tree.links.new(texture.outputs[0], move.inputs["Offset"])
    tree.links.new(move.outputs[0], last.inputs[0])
    thing.modifiers.new("Lift", "NODES").node_group = tree
    save("lifted.blend")


def rolled():
    """Three frames over which the pictures 1, 5 and 9 of a sequence are composited: the offset is animated."""
    scene = empty_scene(3)
    scene.render.film_transparent = scene.use_nodes = True
    tree = scene.node_tree
    shown, over = tree.nodes.new("CompositorNodeImage"), tree.nodes.new("CompositorNodeAlphaOver")
    shown.image = film("rolled", {1: (1, 0, 0), 5: (0, 1, 0), 9: (0, 0, 1)})
    shown.frame_duration, shown.use_auto_refresh = 1, True
    for frame, offset in ((1, 0), (2, 4), (3, 8)):
        shown.frame_offset = offset
        shown.keyframe_insert("frame_offset", frame=frame)
    scale = tree.nodes.new("CompositorNodeScale")
    scale.space = "RENDER_SIZE"
    tree.links.new(shown.outputs[0], scale.inputs[0])
    tree.links.new(scale.outputs[0], over.inputs[1])
    tree.links.new(tree.nodes["Render Layers"].outputs[0], over.inputs[2])
    tree.links.new(over.outputs[0], tree.nodes["Composite"].inputs[0])
    save("rolled.blend")


def sculpted():
    """A turning cube whose sculpted levels lie in `sculpted.btx` beside the file."""
    empty_scene(2)
    thing = cube((0.8, 0.3, 0.1))
    form = cube((0, 0, 0))
    form.modifiers.new("Smooth", "SUBSURF").levels = 2
    form.modifiers["Smooth"].subdivision_type = "SIMPLE"
    form.modifiers.new("Push", "DISPLACE").strength = 1.5
    bpy.context.view_layer.objects.active = thing
    levels = thing.modifiers.new("Levels", "MULTIRES")
    for _ in range(2):
        bpy.ops.object.multires_subdivide(modifier="Levels", mode="SIMPLE")
    form.select_set(True)
    thing.select_set(True)
    assert bpy.ops.object.multires_reshape(modifier="Levels") == {"FINISHED"}
    bpy.data.objects.remove(form)
    levels.levels = levels.render_levels = 2
    spin(thing, 2)
    save("sculpted.blend")
    bpy.ops.object.multires_external_save(
        filepath=os.path.join(FOLDER, "sculpted.btx"), relative_path=True, modifier="Levels")
    save("sculpted.blend")


def early():
    """Four frames of a screen whose sequence begins at frame 3; before that Blender shows the picture 0 of it."""
    empty_scene(4)
    texture = screen(2)
    bpy.data.images.remove(bpy.data.images["Film"])
    texture.image = film("early", {0: (1, 0, 0), 1: (0, 1, 0), 2: (0, 0, 1)})
    texture.image_user.frame_start = 3
    save("early.blend")


def sealed():
    """Three frames of a turning seat, linked from a library that is packed, and gone."""
    paint((0.8, 0.2, 0.1), "sealed_seat.blend")
    spin(bpy.data.objects["Seat"], 3)
    save("sealed_seat.blend")
    empty_scene(3)
    save("sealed.blend")
    linked_from("sealed_seat.blend")
    bpy.ops.file.pack_libraries()
    save("sealed.blend")
    os.remove(os.path.join(FOLDER, "sealed_seat.blend"))


for name in NAMES:
    make, _, option = name.partition(":")
    globals()[make]()
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, make + ".blend"), compress=option == "zstd")
