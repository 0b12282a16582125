"""Writes Pascal VOC: one file per image, image sets, and masks if any."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
from lxml import etree

from encord_convert.formats._classes import Asked, write_ontology
from encord_convert.formats._files import Target
from encord_convert.formats._images import Image, images, label_path
from encord_convert.formats._paths import Paths
from encord_convert.formats.masks.names import safe_path
from encord_convert.formats.voc.answers import NO, elements
from encord_convert.formats.voc.elements import CORNERS, DEFAULT_POSE, FLAGS, put
from encord_convert.formats.voc.masks import CLASSES, OBJECTS, VOID
from encord_convert.formats.voc.options import UNWRITABLE, WriteOptions
from encord_convert.formats.voc.read import CONVENTION, FAMILY, HAS_PARTS, LISTED, PART_OF, SETS
from encord_convert.formats.voc.sets import HEADER, LABELMAP, OFFICIAL, image_in, is_background, palette
from encord_convert.formats.voc.shapes import Plane
from encord_convert.geometry import png
from encord_convert.geometry.boxes import xyxy_from_rotated, xyxy_from_xywh
from encord_convert.geometry.paintings import Painting
from encord_convert.hub.rasterize import raster
from encord_convert.hub.splits import UNNAMED, split_of
from encord_convert.hub.visibility import is_degenerate_ring, ring_px
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import Shape


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write annotations, image sets, the list of classes and the ontology."""
    labels, carries = narrowed.labels, narrowed.carries
    native: Mapping[str, Any] = labels.native.get(FAMILY, {})
    convention = native.get(CONVENTION, "voc") if options.coordinates == "auto" else options.coordinates
    names = list(dict.fromkeys(item.name for item, _ in carries.coloured(labels.ontology.objects)))
    names = [name for name in OFFICIAL if name in names] if set(names) <= set(OFFICIAL) else names
    colors = {item.name: color for item, color in reversed(list(carries.coloured(labels.ontology.objects)))}
    listing = _listing(names, colors, native.get(LISTED, {}))
    writing = _Writing(
        target, convention, listing, is_native=FAMILY in labels.native, tolerance_px=carries.tolerance_px
    )
    for image in images(narrowed):
        writing.image(image)
    writing.sets(native.get(SETS, {}))
    with target.open(LABELMAP) as stream:
        lines = [HEADER, *(":".join((re.sub(r"[:\r\n]", "_", name), *rest)) for name, rest in listing.items())]
        stream.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
    write_ontology(target, labels.ontology)


def _listing(
    names: Iterable[str], colors: Mapping[str, str], listed: Mapping[str, Any]
) -> dict[str, tuple[str, str, str]]:
    """Return the fields of ``labelmap.txt`` by class: colour as numbers, parts and actions.

    The position of a class is its index in masks; the first is the background.
    """
    listing: dict[str, tuple[str, str, str]] = {}
    if not listed or not is_background(next(iter(listed))):
        listing["background"] = "0,0,0", "", ""
    for name in dict.fromkeys([*listed, *names]):
        color, parts, actions = listed.get(name, ("", "", ""))
        found = re.fullmatch(r"#?([0-9a-fA-F]{6})", colors.get(name, color))
        listing[name] = ",".join(map(str, bytes.fromhex(found[1]))) if found else "", parts, actions
    return listing


class _Writing:
    """Writes images, and records their sets."""

    def __init__(
        self,
        target: Target,
        convention: str,
        listing: Mapping[str, tuple[str, str, str]],
        *,
        is_native: bool,
        tolerance_px: float,
    ) -> None:
        self._target = target
        self._convention = convention
        self._plane = Plane(convention == "voc")
        self._classes = {name: number for number, name in enumerate(listing)}
        self._is_native = is_native
        self._tolerance_px = tolerance_px
        self._asked = Asked()
        self._paths = Paths()
        self._splits: dict[str, list[str]] = {}
        self._palettes = {OBJECTS: list(palette()), CLASSES: list(palette())}
        for number, (color, _, _) in enumerate([*listing.values()][:VOID]):
            if color:
                red, green, blue = map(int, color.split(","))
                self._palettes[CLASSES][number] = red, green, blue

    def sets(self, lines: Mapping[str, list[str]]) -> None:
        """Write the sets of images, and those of the source restricted to these images."""
        own = {f"Main/{safe_path(split).replace('/', '%2F')}": stems for split, stems in self._splits.items()}
        known = set(chain.from_iterable(own.values()))
        kept = {name: [line for line in some if image_in(line, known) in known] for name, some in lines.items()}
        for name, some in {**kept, **own}.items():
            with self._target.open(f"ImageSets/{name}.txt") as stream:
                stream.write("".join(f"{line}\n" for line in some).encode("utf-8", "replace"))

    def image(self, image: Image) -> None:
        """Write an image."""
        native = image.row._native if self._is_native else None
        native = native if native is not None and native.family == FAMILY else None
        own = image.title
        if native is not None and image.row._file is not None:  # keep its file name
            own = own[: own.rfind("/") + 1] + image.row._file.member.rpartition("/")[2]
        stem = self._paths.file(label_path(own), ".xml")
        self._splits.setdefault(split_of(image.row.client_metadata) or UNNAMED, []).append(stem)
        row = {} if native is None else dict(native.row)
        root = etree.Element("annotation")
        if "folder" in row:
            put(root, "folder", row.pop("folder"))
        filename = row.pop("filename", image.title)
        put(root, "filename", _written(filename))
        size = {"width": str(image.width), "height": str(image.height), "depth": row.pop("size.depth", "3")}
        segmented = row.pop("segmented", "0")
        for key, text in row.items():
            put(root, key, text)
        for key, text in size.items():
            put(root, f"size.{key}", text)
        masked = [object_ for object_ in image.objects if object_.ontology_item.shape is Shape.BITMASK]
        put(root, "segmented", "1" if masked else segmented)
        mark = {"coordinates": self._convention}
        if filename != image.title:
            mark["title"] = image.title
        unit = image.row._units[image.frame].data_title if image.title == image.row.data_title else image.title
        if unit != image.title:
            mark["unit"] = unit
        for key, text in mark.items():
            put(root, f"encord.@{key}", _written(text))
        numbers = self._objects(root, image, native)
        etree.indent(root, "\t")
        with self._target.open(f"Annotations/{stem}.xml") as stream:
            stream.write(etree.tostring(root, encoding="utf-8") + b"\n")
        if masked:
            self._masks(image, masked, numbers, stem)

    def _objects(self, root: Any, image: Image, native: Any) -> dict[str, int]:
        """Write objects; return the number of each in the file, from 1."""
        parents: dict[str, Any] = {}
        numbers: dict[str, int] = {}
        for instance in image.objects:
            own = {} if native is None else dict(native.of(instance.object_hash, image.frame))
            own = {**own.pop(NO, {}), **own}
            parent = parents.get(own.pop(PART_OF, ""))
            is_part = parent is not None and instance.ontology_item.shape is not Shape.BITMASK
            element = etree.SubElement(parent if is_part else root, "part" if is_part else "object")
            if not is_part:
                numbers[instance.object_hash] = len(numbers) + 1
            has_parts = own.pop(HAS_PARTS, None)
            if has_parts is not None:
                parents[has_parts] = element
            self._object(element, instance, image, own, is_bare=native is not None)
        return numbers

    def _object(self, element: Any, instance: Any, image: Image, native: dict[str, str], *, is_bare: bool) -> None:
        put(element, "name", _written(instance.object_name))
        members = self._asked.members(instance)
        written = {"name"}
        attributes = None
        for kind, key, text in elements(members, lambda key: self._asked.question(instance, key)):
            if kind == "attribute":
                if attributes is None:
                    attributes = etree.SubElement(element, "attributes")
                one = etree.SubElement(attributes, "attribute")
                etree.SubElement(one, "name").text = _written(key)
                etree.SubElement(one, "value").text = _written(text)
            else:
                path = f"actions.{key}" if kind == "actions" else key
                put(element, path, _written(text))
                written.add(path)
        asks = {attribute.name for attribute in instance.ontology_item.attributes}
        defaults = {} if is_bare else {"pose": DEFAULT_POSE, **dict.fromkeys(FLAGS[:2], "0")}
        for path, text in {**{key: one for key, one in defaults.items() if key not in asks}, **native}.items():
            if path not in written:
                put(element, path, text)
        self._shape(element, instance, image, native)

    def _shape(self, element: Any, instance: Any, image: Image, native: Mapping[str, str]) -> None:
        width, height = image.width, image.height
        c, shape = instance._frames[image.frame].coordinates, instance.ontology_item.shape
        if shape is Shape.POLYGON:
            rings = [ring_px(rings[0], width, height) for rings in c.polygons if rings]
            rings = [ring for ring in rings if not is_degenerate_ring(ring, self._tolerance_px)]
            shift = float(self._plane.is_one_based)
            for ring in rings:
                polygon = etree.SubElement(element, "polygon")
                for at, number in enumerate(ring):
                    etree.SubElement(polygon, f"{'xy'[at % 2]}{at // 2 + 1}").text = _number(number + shift)
            xs, ys = [x for ring in rings for x in ring[::2]], [y for ring in rings for y in ring[1::2]]
            bounds: Any = min(xs), min(ys), max(xs), max(ys)
        elif shape is Shape.BITMASK:
            bounds = image.box_of(instance)
        else:
            box = c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height
            bounds = xyxy_from_xywh(box)
            if shape is Shape.ROTATABLE_BOUNDING_BOX:
                bounds = xyxy_from_rotated(*box, c.theta)
                put(element, "type", "robndbox")
                texts = [*map(_number, (box[0] + box[2] / 2, box[1] + box[3] / 2, *box[2:]))]
                texts.append(f"{math.radians(c.theta % 360):.9f}")
                for tag, text in zip(("cx", "cy", "w", "h", "angle"), texts, strict=True):
                    put(element, f"robndbox.{tag}", text)
        for tag, number in zip(CORNERS, self._plane.corners(bounds), strict=True):
            if f"bndbox.{tag}" not in native:
                put(element, f"bndbox.{tag}", _number(number))

    def _masks(self, image: Image, masked: list[Any], numbers: Mapping[str, int], stem: str) -> None:
        """Write the two images of masks."""
        runs = [
            raster(each._frames[image.frame].coordinates, image.width, image.height, self._tolerance_px)
            for each in masked
        ]
        objects = [numbers[item.object_hash] for item in masked]
        classes = [self._classes[entry.object_name] for entry in masked]
        for kind, values in ((OBJECTS, objects), (CLASSES, classes)):
            is_small = max(values) < VOID
            painted = Painting(runs, values, image.height, image.width).image
            painted = painted.with_values(painted.values.astype(np.uint8 if is_small else np.uint16))
            data = png.encoded_flat(painted, self._palettes[kind] if is_small else [])
            with self._target.open(f"{kind}{stem}.png") as stream:
                stream.write(data)


def _number(number: float) -> str:
    """Format a number with at most four decimals.

    >>> _number(12.0), _number(3.14159), _number(-0.00001)
    ('12', '3.1416', '0')
    """
    text = f"{number:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _written(text: str) -> str:
    return UNWRITABLE.sub("\ufffd", text)
