"""Writes VIA files."""

import json
import math
from contextlib import ExitStack
from typing import Any

from encord_convert.errors import WriteError
from encord_convert.formats._annotations import answers_of, native_of
from encord_convert.formats._boxes import rounded
from encord_convert.formats._files import Target
from encord_convert.formats._images import named_images
from encord_convert.formats._lines import csv_writer
from encord_convert.formats._shapes import px_from_coordinates
from encord_convert.formats._sizes import Size, write_sizes
from encord_convert.formats.via.forms import ATTRIBUTES, COLUMNS, METADATA, REGION
from encord_convert.formats.via.page import CIRCLE, FAMILY, LABELS, POINTS, SHAPES, TOLERANCE_PX
from encord_convert.hub.splits import KEY, split_of
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects.common import NewerShape

_WORDS = {shape: name for name, (shape, _) in reversed(SHAPES.items())}


def write_file(narrowed: Narrowed, target: Target, form: str) -> None:
    """Write one file of a form: ``auto``, ``project``, ``json`` or ``csv``.

    Raises
    ------
    WriteError
        Another attribute has the name of the one that holds the classes.
    """
    labels = narrowed.labels
    own = labels.native.get(FAMILY, {})
    form = own.get("form", "project") if form == "auto" else form
    asked = {attribute.title: attribute for item in labels.ontology.objects for attribute in item.attributes}
    label = own.get("label") or ("label" if asked.keys().isdisjoint(LABELS[:2]) else LABELS[0])
    if label in asked:
        raise WriteError(
            f"{target.path}: not written, since classes are the attribute {label!r}, and another has that name."
        )
    sizes, ids, has_splits = list[Size](), dict[str, None](), False
    with ExitStack() as stack:
        file = {"project": "via_project.json", "json": "via_region_data.json"}.get(form)
        lines = csv_writer(stack, target, "via_region_data.csv", COLUMNS) if file is None else None
        stream = stack.enter_context(target.open(file)) if file is not None else None
        for image in named_images(narrowed):
            native, size = native_of(image.row, FAMILY, labels.native), (image.width, image.height)
            entry: dict[str, Any] = {"filename": image.name, "size": -1, "regions": [], "file_attributes": {}}
            entry |= native.row if native else {}
            key = entry.pop("(key)", "")
            key = key if key and key not in ids else f"{image.name}{entry['size']}"
            while key in ids:
                key += "_"
            if split := split_of(image.row.client_metadata):
                has_splits = True
                given = entry["file_attributes"] or {}
                given = given if isinstance(given, dict) else {"file_attributes": given}
                entry["file_attributes"] = {**given, KEY: split}
            for object_ in image.objects:
                kept = dict(native.of(object_.object_hash, image.frame)) if native else {}
                entry["regions"].append(_region(object_, object_._frames[image.frame].coordinates, size, label, kept))
            sizes.append(Size(image.name, *size, image.title if image.title != image.name else ""))
            if lines is not None:
                head = [image.name, entry["size"], _cell(entry["file_attributes"]), len(entry["regions"])]
                texts = [[_cell(region[part]) for part in REGION] for region in entry["regions"]] or [["{}", "{}"]]
                lines.writerows([*head, number, *both] for number, both in enumerate(texts))
            if stream is not None:
                begin = ",\n" if ids else f'{{"{METADATA}": {{\n' if form == "project" else "{\n"
                stream.write(f"{begin}{_text(key)}: {_text(entry)}".encode("utf-8", "surrogatepass"))
            ids[key] = None
        if stream is not None:
            rest = {"_via_settings": {}, "_via_data_format_version": "2.0.10"} | own.get("project", {})
            rest |= {ATTRIBUTES: _attributes(asked, label, rest.get(ATTRIBUTES, {}), has_splits)}
            rest["_via_image_id_list"] = [*ids]
            begin = "" if ids else f'{{"{METADATA}": {{' if form == "project" else "{"
            stream.write(
                f"{begin}{'}, ' + _text(rest)[1:] if form == 'project' else '}'}\n".encode("utf-8", "surrogatepass")
            )
    write_sizes(target, sizes)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _region(one: Any, coordinates: Any, size: tuple[int, int], label: str, kept: dict[str, Any]) -> dict[str, Any]:
    kind, flat = px_from_coordinates(coordinates, size, TOLERANCE_PX)
    is_stretched = kind is NewerShape.CIRCLE and (flat[3] != flat[2] or flat[4] != 0)
    name = "ellipse" if is_stretched else _WORDS[kind]
    keys = SHAPES[name][1]
    shape = {"name": name, **dict(zip(keys, (flat[0::2], flat[1::2]) if keys == POINTS else flat, strict=False))}
    if name == "ellipse":
        shape |= {"theta": rounded(math.radians(flat[4]), 9)} if flat[4] else {}
        shape |= {CIRCLE: True} if is_stretched else {}
    extra = kept.pop(REGION[0], {})
    attributes = {} if kept.pop("(no label)", False) else {label: one.object_name}
    attributes |= answers_of(one) | {key[18:]: kept.pop(key) for key in [*kept] if key.startswith(f"{REGION[1]}.")}
    return {REGION[0]: shape | extra, REGION[1]: attributes, **kept}


def _attributes(asked: dict[str, Any], label: str, given: Any, has_splits: bool) -> Any:
    """Return the attributes of a project: its own and those of the classes; malformed ones are kept."""
    if not isinstance(given, dict):
        return given
    text = {"type": "text", "description": "", "default_value": ""}
    hows: dict[str, Any] = {label: dict(text)}
    for title, attribute in asked.items():
        options = {option.label: "" for option in getattr(attribute, "options", ())}
        kind = {"radio": "radio", "checklist": "checkbox"}.get(attribute.get_property_type().value, "text")
        hows[title] = {"type": kind, "description": "", **({"options": options} if options else {"default_value": ""})}
    known, of_files = given.get("region", {}), given.get("file", {})
    of_files = {KEY: text} | of_files if has_splits and isinstance(of_files, dict) else of_files
    return {**given, "file": of_files, "region": hows | known if isinstance(known, dict) else known}
