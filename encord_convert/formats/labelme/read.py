"""Reads LabelMe: one JSON file per image.

Files are read twice: for their classes, and when their rows are made.
"""

from __future__ import annotations

import binascii
import io
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._beside import tell_json
from encord_convert.formats._classes import ONTOLOGY, Classes
from encord_convert.formats._files import Source
from encord_convert.formats.coco.categories import Questions
from encord_convert.formats.coco.ontology import Unknown, answer_of
from encord_convert.formats.labelme.groups import Group, grouped
from encord_convert.formats.labelme.options import ReadOptions
from encord_convert.formats.labelme.shapes import (
    HUB,
    OURS,
    converted,
    ellipse_of,
    hub_shape,
    is_as_written,
    type_of,
    written,
)
from encord_convert.hub.counts import Carried, Counts, Origin
from encord_convert.hub.draft import Draft, frame_info
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.media import SUFFIXES, LabelFile, apart, read_header
from encord_convert.hub.native import Native
from encord_convert.hub.splits import metadata_of, named_in, split_of
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    ClassificationInstance,
    LabelRowV2,
    Object,
    ObjectInstance,
    Shape,
)
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.coordinates import SkeletonCoordinate, SkeletonCoordinates, Visibility

FAMILY = "labelme"
FORMS, SET, BOX, OTHER_FLAGS = "drawn", "points of", "box of", "other flags"
"""Native keys of annotations that are not LabelMe's: the form of a shape where it is not the one written; the
``points`` a point is part of; a skeleton's rectangle if not the one around its points; flags that are not booleans
(also of files).
"""
LABELS = "labels.txt"

_READ = frozenset({"label", "points", "shape_type", "mask", "flags", "description", "group_id", "score", "attributes"})
_QUIET = frozenset(
    {f"image.{key}" for key in ("version", "imagePath", "imageData", "lineColor", "fillColor", "flags")}
    | {f"annotation.{key}" for key in (FORMS, SET, "flags", "line_color", "fill_color")}
)
_FLAGS = frozenset({"image.flags", "annotation.flags"})
"""Native keys that are no loss while all flags in them are off."""
_MOST_HEAD = 1 << 16
_MOST_BYTES = 1 << 29


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read a folder of files, or one.

    Raises
    ------
    ReadError
        There is no file of LabelMe, or the only one is damaged.
    """
    reading = _Reading(source, options)
    labels = LabelSet(reading.draft.ontology, reading.rows, title=FAMILY, counts=reading.counts)
    labels.native[FAMILY] = {}
    return labels


@dataclass(slots=True)
class File:
    """One file: its keys, with ``imageData`` as raw JSON, and its shapes."""

    member: str
    top: dict[str, Any]
    shapes: list[dict[str, Any]]
    strays: int


class _Reading:
    def __init__(self, source: Source, options: ReadOptions) -> None:
        names = source.names()
        self._source = source
        self._options = options
        self.counts = Counts()
        self.draft = Draft(FAMILY)
        self._classes = Classes(self.draft, source, names, self.counts)
        self._points: dict[str, dict[str, None]] = {}
        self._flags: dict[str, None] = {}
        self._images: dict[str, list[str]] = {}
        for name in names:
            stem, _, suffix = name.rpartition("/")[2].rpartition(".")
            if f".{suffix.lower()}" in SUFFIXES:
                self._images.setdefault(stem, []).append(name)
        candidates = sorted((entry for entry in source.names(".json") if entry != ONTOLOGY), key=lambda one: one[:-5])
        self._members: list[str] = []
        foreign = []
        for member in candidates:
            file = self._file(member, alone=len(candidates) == 1)
            if file is None:
                continue
            if not is_labelme(file.top):
                foreign.append(member)
                continue
            self._members.append(member)
            self._show(file)
        if not self._members and ONTOLOGY not in names:
            raise ReadError(source.name, "holds no JSON file with 'shapes' and 'imagePath', as LabelMe's have.")
        tell_json(source, foreign, self.counts)
        order = source.head(LABELS, 1 << 20).decode("utf-8-sig", "replace").splitlines() if LABELS in names else []
        self._classes.build([line.strip() for line in order])
        self._build_flags()
        self._build_skeletons()
        folders = sorted({member.rpartition("/")[0] for member in self._members})
        self._prefixes = dict(zip(folders, apart([f"{f}/x" if f else "x" for f in folders]), strict=True))
        self._roots = Questions([item.attributes[0] for item in self.draft.ontology.classifications if item.attributes])
        self._owners = {id(item.attributes[0]): item for item in self.draft.ontology.classifications if item.attributes}
        self.counts.mark_head()

    # -- files ------------------------------------------------------------------------------------------------

    def _file(self, member: str, *, alone: bool) -> File | None:
        """Return a file; None, and counted, if it is not JSON. Other JSON has no shapes."""
        place = self._source.place(member)
        try:
            data = self._source.head(member, _MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise ValueError(f"it has more than {_MOST_BYTES >> 20} MB, too much for one image")
            raw = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=dict[str, msgspec.Raw])
            top = {key: value if key == "imageData" else msgspec.json.decode(value) for key, value in raw.items()}
        except msgspec.ValidationError:
            return File(member, {}, [], 0)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if alone:
                raise ReadError(place, f"is not JSON ({error}).") from error
            detail = f"{member} is not JSON ({error}) and is left out."
            self.counts.drop("FILE_DAMAGED", Feature.MEDIA, ("file", ""), Where(file=place), detail)
            self.counts.into["file", ""] += 1
            self.counts.note(Level.ERROR, "FILE_DAMAGED", detail, Where(file=place))
            return None
        given = top.get("shapes")
        shapes = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        return File(member, top, shapes, len(given) - len(shapes) if isinstance(given, list) else 0)

    def _show(self, file: File) -> None:
        for group in grouped(file.shapes, self._options.groups == "auto"):
            shape = _shape(group)
            if shape is None or not isinstance(group.first.get("label"), str):
                continue
            name = group.first["label"]
            self._classes.show(name, shape, self._members_of(group, self._classes.given(name, shape))[0])
            if group.is_skeleton:
                self._points.setdefault(name, {}).update(dict.fromkeys(other["label"] for other in group.others))
        flags = file.top.get("flags")
        if isinstance(flags, dict):
            self._flags.update(dict.fromkeys(key for key, value in flags.items() if value is True))

    def _members_of(self, group: Group, item: Object | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the answers of a shape by attribute name, and its other keys.

        ``item`` is its class, if there is an ontology file.
        """
        entry = group.first
        members: dict[str, Any] = {}
        native = {key: value for key, value in entry.items() if key not in _READ}
        if ellipse_of(entry):
            del native[OURS]
        left: dict[str, Any] = {}
        flags = entry.get("flags")
        for key, value in flags.items() if isinstance(flags, dict) else ():
            question = None if item is None else self._classes.question(item, key)
            if value is True or (value is False and question is not None and question.is_claim):
                members[key] = value
            else:
                left[key] = value
        native |= _flags_left(left if isinstance(flags, dict) else flags, is_there="flags" in entry)
        description = entry.get("description")
        if isinstance(description, str) and description and "description" not in members:
            members["description"] = description
        elif "description" in entry and description != "":
            native["description"] = description
        number = entry.get("group_id")
        if group.is_joined:
            native["group_id"] = number
        elif type(number) is int:
            members["group_id"] = str(number)
        elif number is not None:
            native["group_id"] = number
        given = entry.get("attributes")
        left = {}
        for key, value in given.items() if isinstance(given, dict) else ():
            asked = item is not None and self._classes.question(item, key) is not None and not _is_nested(value)
            if key in members or not (asked or isinstance(value, str)):
                left[key] = value
            else:
                members[key] = value
        if left or not (isinstance(given, dict) or "attributes" not in entry):
            native["attributes"] = left or given
        score = entry.get("score")
        if "score" in entry and not _is_confidence(score):
            native["score"] = score
        return members, native

    # -- classes ----------------------------------------------------------------------------------------------

    def _build_flags(self) -> None:
        known = {item.title for item in self.draft.ontology.classifications if item.attributes}
        short = self.draft.hashes.short
        for name in sorted(self._flags):
            if name not in known:
                item = self.draft.add_classification(name)
                attribute = item.add_attribute(ChecklistAttribute, name, feature_node_hash=short("flag", name))
                attribute.add_option(name, feature_node_hash=short("option", "flag", name))

    def _build_skeletons(self) -> None:
        known = {template.name for template in self.draft.ontology.skeleton_templates}
        short = self.draft.hashes.short
        for name, points in self._points.items():
            if name in known:
                continue
            item = self._classes.of(name, Shape.SKELETON)[0]
            nodes = [
                SkeletonNode((at + 1) / (len(points) + 1), 0.5, point, item.color, short("node", name, point), point)
                for at, point in enumerate(points)
            ]
            self.draft.ontology.skeleton_templates.append(
                SkeletonTemplate(
                    name=name, width=1.0, height=1.0, skeleton=nodes, edges=[], feature_node_hash=item.feature_node_hash
                )
            )

    # -- rows -------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[LabelRowV2]:
        """Yield the rows."""
        self.counts.rewind()
        for member in self._members:
            file = self._file(member, alone=False)
            row = None if file is None else self._row(file)
            if row is not None:
                yield row

    def _row(self, file: File) -> LabelRowV2 | None:
        top, member = file.top, file.member
        place = self._source.place(member)
        name, title = self._named(file)
        size = self._size(file, name)
        if size is None:
            detail = f"{member} has no imageWidth and imageHeight, and its image is missing: it is left out."
            self.counts.drop("SIZE_UNKNOWN", Feature.MEDIA, ("file", ""), Where(file=place), detail)
            self.counts.into["file", ""] += 1
            self.counts.note(Level.ERROR, "SIZE_UNKNOWN", detail, Where(file=place))
            return None
        ours = top.get(OURS)
        ours = ours if isinstance(ours, dict) else {}
        unit = ours.get("unit")
        split = split_of(ours) or (named_in(member) if len(self._prefixes) > 1 else "")
        self.counts.into["image", ""] += 1
        units = [self.draft.unit(unit if isinstance(unit, str) else title, *size, (member,))]
        row = self.draft.row(
            DataType.IMAGE, title, units, frames=1, key=(member,), file=place, client_metadata=metadata_of(split)
        )
        row._file = LabelFile(member, name, path=_path_within(member, top.get("imagePath")))
        native = Native(FAMILY, self._native_of(file, name), {}, quiet=_QUIET)
        labels: dict[str, Mapping[int, Any]] = {}
        if file.strays:
            self.counts.into["shape", ""] += file.strays
            detail = "An entry of 'shapes' is not an object."
            where = Where(file=place, row=title)
            self.counts.drop("INVALID_SHAPE", Feature.SHAPE, ("shape", ""), where, detail, count=file.strays)
        for group in grouped(file.shapes, self._options.groups == "auto"):
            for instance, own in self._objects(group, size, Where(file=place, row=title)):
                hash_ = self.draft.hashes.short("object", row.label_hash, len(row._objects))
                instance._hash = hash_
                row._adopt(instance)
                if own:
                    labels[hash_] = {0: own}
        for instance in self._classifications(file, ours, row):
            row._adopt(instance)
        native.labels = labels
        if not all(map(_is_off, (native.row, *(own for frames in labels.values() for own in frames.values())))):
            native.quiet -= _FLAGS
        row._native = native
        return row

    def _named(self, file: File) -> tuple[str, str]:
        """Return the file's name for its image, and the title of its row."""
        member = file.member
        folder, _, last = member.rpartition("/")
        given, ours = file.top.get("imagePath"), file.top.get(OURS)
        title = ours.get("title") if isinstance(ours, dict) else None
        path = given.replace("\\", "/") if isinstance(given, str) else ""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        is_away = path.startswith("/") or ".." in parts or any(":" in part for part in parts[:1])
        name = (parts[-1] if is_away else "/".join(parts)) if parts else f"{last.rpartition('.')[0]}.png"
        if isinstance(title, str) and title:
            return name, title
        return name, self._prefixes[folder] + name

    def _size(self, file: File, name: str) -> tuple[int, int] | None:
        sides = [file.top.get(key) or 0 for key in ("imageWidth", "imageHeight")]
        if all(type(side) in (int, float) and 1 <= side < 1 << 31 for side in sides):
            return int(sides[0]), int(sides[1])
        data = file.top.get("imageData")
        if isinstance(data, msgspec.Raw):
            head = bytes(memoryview(data)[: _MOST_HEAD + 1]).replace(b"\\/", b"/").strip(b'"')
            try:
                header = read_header(io.BytesIO(b64decode(head[: len(head) // 4 * 4])), self._source.place(file.member))
            except (binascii.Error, ReadError):
                header = None
            if header is not None:
                return header.shown
        stem = name.rpartition("/")[2].rpartition(".")[0]
        there = self._images.get(stem) or self._images.get(file.member.rpartition("/")[2].rpartition(".")[0]) or []
        if len(there) == 1:
            try:
                with self._source.open(there[0]) as stream:
                    header = read_header(stream, self._source.place(there[0]))
            except ReadError:
                return None
            return None if header is None else header.shown
        return None

    def _native_of(self, file: File, name: str) -> dict[str, Any]:
        """Return the keys of a file that are not read."""
        read = {"shapes", "imageHeight", "imageWidth", OURS}
        native = {key: value for key, value in file.top.items() if key not in read}
        for key in ("imageHeight", "imageWidth"):
            side = file.top.get(key) or 0
            if type(side) not in (int, float):
                where, lost = Where(file=self._source.place(file.member)), ("key", f"image.{key}")
                detail = f"{key!r} is {side!r:.40}, which is not a number."
                self.counts.lose(Kind.DEFAULTED, "NATIVE_DROPPED", Feature.NATIVE, lost, where, detail)
        if native.get("imagePath") == name.rpartition("/")[2]:
            del native["imagePath"]
        data = native.pop("imageData", None)
        if isinstance(data, msgspec.Raw) and bytes(data) != b"null":
            try:
                native["imageData"] = msgspec.json.decode(data)
            except (msgspec.DecodeError, RecursionError) as error:
                where, lost = Where(file=self._source.place(file.member)), ("key", "image.imageData")
                detail = f"'imageData' is not text ({error})."
                self.counts.lose(Kind.DEFAULTED, "NATIVE_DROPPED", Feature.NATIVE, lost, where, detail)
        if "imageData" in native:
            detail = "Files embed their image ('imageData'); it is kept for LabelMe files only."
            self.counts.note(Level.INFO, "IMAGE_EMBEDDED", detail, Where(file=self._source.place(file.member)))
        flags = native.get("flags")
        left = {key: value for key, value in flags.items() if value is not True} if isinstance(flags, dict) else flags
        is_there = native.pop("flags", self) is not self
        native |= _flags_left(left, is_there=is_there)
        ours = file.top.get(OURS)
        if isinstance(ours, dict):
            more = {
                key: value for key, value in ours.items() if key not in ("title", "unit", "split", "classifications")
            }
            native |= {OURS: more} if more else {}
        elif OURS in file.top:
            native[OURS] = ours
        return native

    # -- labels -----------------------------------------------------------------------------------------------

    def _objects(
        self, group: Group, size: tuple[int, int], where: Where
    ) -> Iterator[tuple[ObjectInstance, dict[str, Any]]]:
        entry, counts = group.first, self.counts
        label, type_ = entry.get("label"), type_of(entry)
        kind = type_ if type_ in HUB else "shape"
        shape = _shape(group)
        name = label if isinstance(label, str) else ""
        where = Where(where.file, None, where.row, 0, f"<{kind}>")
        counts.into[kind, name] += 1
        for other in group.others:
            counts.into[type_of(other), other["label"]] += 1
        if shape is None or not isinstance(label, str):
            code = "NAME_MISSING" if shape is not None else "UNSUPPORTED_SHAPE"
            detail = "Its 'label' is not a text." if shape is not None else f"Unknown shape_type {type_!r}."
            feature = Feature.LABEL_NAME if shape is not None else Feature.SHAPE
            counts.drop(code, feature, (kind, name), where, detail)
            return
        try:
            found = [converted(record, size) for record in group.all_of]
        except ValueError as error:
            for one in group.all_of:
                lost = (type_of(one), str(one["label"]))
                counts.drop("INVALID_SHAPE", Feature.SHAPE, lost, where, f"It is left out, since {error}.")
            return
        for item in self._classes.of(name, shape):  # of several the first with attributes for all answers
            members, native = self._members_of(group, item if self._classes.is_given else None)
            shared, left = self._classes.answers(item, members)
            if not left:
                break
        for key, value in left.items():
            counts.into["answer", name] += 1
            detail = f"Its class has no attribute for the answer {value!r} of {key!r}."
            counts.drop("ANSWER_DROPPED", Feature.ANSWERS, ("answer", name), where, detail)
        count = len(members) - len(left)
        if count:
            counts.into["answer", name] += count
        score: Any = entry.get("score")
        carried: Carried = (("answer", count),) if count else ()
        info = self.draft.info
        if _is_confidence(score) and score != 1:
            carried = (*carried, ("confidence", 1), ("manual", 1))
            counts.into["confidence", name] += 1
            counts.into["manual", name] += 1
            info = frame_info(manual=False, confidence=score)
        changes = [change for match in found for change in match.changes]
        for code, detail in changes:
            counts.change(
                Kind.APPROXIMATED, code, Feature.SHAPE, (kind, name), where, detail, counted=code != changes[0][0]
            )
        also = tuple(Origin(type_of(each), each["label"]) for each in group.others)
        for at, coordinates in enumerate(self._coordinates(group, found, size, native, item)):
            is_split = at > 0
            if type_ == "points" and len(found[0].coordinates) > 1:
                native = {**native, SET: group.number}
                if at == 1:
                    detail = "The 'points' of one shape become separate objects, rejoined in LabelMe files."
                    counts.change(Kind.SPLIT, "POINTS_SPLIT", Feature.SHAPE, (kind, name), where, detail)
            changed = bool(changes) or (type_ == "points" and len(found[0].coordinates) > 1)
            origin = Origin(kind, name, None, () if is_split else carried, changed, {} if is_split else None, also)
            yield ObjectInstance._on_frame(item, "", 0, coordinates, info, shared, None, origin), native

    def _coordinates(
        self, group: Group, found: Sequence[Any], size: tuple[int, int], native: dict[str, Any], item: Any
    ) -> list[Any]:
        """Return the coordinates of a group; unusual forms of its shapes go into ``native``."""
        first = found[0].coordinates[0]
        if group.is_skeleton:
            box = found[0].coordinates[0]
            points = [match.coordinates[0] for match in found[1:]]
            native |= _own_rectangle(box, points, group.first)
            return [self._skeleton(item, group.others, points)]
        forms = []
        for one, entry in zip(found, group.all_of, strict=True):
            form = {key: entry[key] for key in ("shape_type", "points", "mask", OURS) if key in entry}
            usual = type_of(entry) != "mask" or one.coordinates[0]._box_runs()[4]
            is_usual = bool(usual) and is_as_written(entry, written(one.coordinates[0], size))
            forms.append(None if is_usual else form)
        if any(forms):
            native[FORMS] = forms
        if group.is_joined:
            rings = [[[*each.coordinates[0]._flat]] for each in found]
            return [type(first)._from_rings(rings)]
        return list(found[0].coordinates)

    def _skeleton(self, item: Any, others: Sequence[Mapping[str, Any]], points: Sequence[Any]) -> SkeletonCoordinates:
        [template] = [each for each in self.draft.ontology.skeleton_templates if each.name == item.name][:1]
        there = {
            entry["label"]: (point, (entry.get("flags") or {}).get("occluded"))
            for entry, point in zip(others, points, strict=True)
        }
        values = []
        for node in template.skeleton:
            point, is_hidden = there.pop(node.name, (None, None))
            visibility = Visibility.OCCLUDED if is_hidden else Visibility.VISIBLE
            if point is None:
                visibility = Visibility.INVISIBLE
            x, y = (0.0, 0.0) if point is None else (point.x, point.y)
            color = node.color or ""
            values.append(SkeletonCoordinate(x, y, node.name, color, node.feature_hash, node.value, visibility))
        for name, (point, is_hidden) in there.items():
            visibility = Visibility.OCCLUDED if is_hidden else Visibility.VISIBLE
            values.append(SkeletonCoordinate(point.x, point.y, name, "", None, name, visibility))
        return SkeletonCoordinates(values)

    def _classifications(self, file: File, ours: Mapping[str, Any], row: LabelRowV2) -> Iterator[Any]:
        flags, stored = file.top.get("flags"), ours.get("classifications")
        answers: dict[str, Any] = dict(stored) if isinstance(stored, dict) else {}
        questions = self._roots.by_key()
        for key, value in flags.items() if isinstance(flags, dict) else ():
            if value is True or (value is False and self._classes.is_given and key in questions):
                answers.setdefault(key, value)
        for number, (key, value) in enumerate(answers.items()):
            self.counts.into["classification", key] += 1
            question = questions.get(key)
            answer = Unknown if question is None else answer_of(question, value)
            if answer is Unknown or question is None:
                where = Where(file=row._origin, row=row.data_title)
                detail = f"No classification has {value!r} of {key!r} as an answer."
                code, what = "ANSWER_DROPPED", ("classification", key)
                self.counts.drop(code, Feature.CLASSIFICATIONS, what, where, detail)
                continue
            hash_ = self.draft.hashes.short("flag", row.label_hash, number)
            instance = ClassificationInstance(self._owners[id(question.attribute)], classification_hash=hash_)
            instance._origin = Origin("classification", key)
            instance._place(0, self.draft.info)  # type: ignore[arg-type]
            if answer is not None:
                instance._answer(question.attribute, answer)
            yield instance


def is_labelme(top: Any) -> bool:
    """Return whether these are the keys of a LabelMe file."""
    if not isinstance(top, dict) or "shapes" not in top or "tracks" in top:
        return False
    shapes = top["shapes"]
    return (shapes is None or isinstance(shapes, list)) and not {"imagePath", "imageData", "imageHeight"}.isdisjoint(
        top
    )


def _shape(group: Group) -> Shape | None:
    return Shape.SKELETON if group.is_skeleton else hub_shape(group.first)


def _flags_left(left: Any, *, is_there: bool) -> dict[str, Any]:
    """Return native keys for flags that are not answers: those that are false or not booleans."""
    if not is_there or left == {}:
        return {}
    if not isinstance(left, dict):
        return {"flags" if left is None else OTHER_FLAGS: left}
    other_flags = {key: value for key, value in left.items() if value is not False}
    plain = {key: value for key, value in left.items() if value is False}
    return {**({"flags": plain} if plain else {}), **({OTHER_FLAGS: other_flags} if other_flags else {})}


def _is_nested(value: Any) -> bool:
    """Return whether a value cannot be an answer: an object, or a list of other than texts."""
    return isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(item, str) for item in value))


def _is_confidence(score: Any) -> bool:
    return type(score) in (int, float) and 0 <= score <= 1


def _own_rectangle(box: Any, points: Sequence[Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the points of a skeleton's rectangle, if it is not the one around its points."""
    xs, ys = [point.x for point in points], [point.y for point in points]
    bounds = (min(xs), min(ys), max(xs), max(ys))
    own = (box.top_left_x, box.top_left_y, box.top_left_x + box.width, box.top_left_y + box.height)
    is_same = all(abs(one - other) <= 1e-9 for one, other in zip(bounds, own, strict=True))
    return {} if is_same else {BOX: entry["points"]}


def _path_within(member: str, given: object) -> str:
    """Return the image member for a path that goes up but stays inside the source; else empty.

    >>> _path_within("ann/a.json", "../imgs/a.jpg"), _path_within("ann/a.json", "../../a.jpg")
    ('imgs/a.jpg', '')
    """
    path = given.replace("\\", "/") if isinstance(given, str) else ""
    if ".." not in (parts := path.split("/")) or path.startswith("/") or ":" in parts[0]:
        return ""
    found = member.split("/")[:-1]
    for part in parts:
        if part == ".." and not found:
            return ""
        found = found[:-1] if part == ".." else [*found, part] if part not in ("", ".") else found
    return "/".join(found)


def _is_off(native: Mapping[str, Any]) -> bool:
    """Return whether all flags among native keys are off, which loses nothing."""
    flags = native.get("flags", {})
    return isinstance(flags, dict) and all(value is False for value in flags.values())
