"""Label rows whose masks lie elsewhere: in PNG images, or in records of run lengths.

Beside the masks stand two files. ``classes.json`` holds the format's name, the classes with their colours, and the
ontology; ``labels.jsonl`` one label row a line in the form of the hub, in which ``bitmask`` says where the mask is
instead of what it is. So all that the hub says of a mask comes back, and the masks themselves are in files any tool
reads.

The pages of the formats are :mod:`encord_convert.formats.masks.page` and :mod:`encord_convert.formats.masks.rle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar, Protocol

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, Target
from encord_convert.formats._json_heads import sketch
from encord_convert.geometry import rle
from encord_convert.geometry.paintings import BoxRuns
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Level, Where
from encord_convert.hub.native import HUB, UNREAD, Keys, Native
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX, Layer, raster
from encord_convert.hub.unread import RowCheck, check_names, differences
from encord_convert.hub.visibility import unit_size
from encord_convert.losses.narrow import Left, Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, OntologyStructure, Shape
from encord_convert.sdk.objects._label_row_writer import Writer

CLASSES = "classes.json"
ROWS = "labels.jsonl"
LAYERS = "masks"
"""Key of a row: frames to the images of their layers, where a frame has one."""

_MOST_NAMED = 5

DRAWN = frozenset({Shape.POLYGON, Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX})
"""Shapes that become masks."""

CODES: dict[Any, str] = {
    Shape.POLYGON: "POLYGON_AS_MASK",
    Shape.BOUNDING_BOX: "BOX_AS_MASK",
    Shape.ROTATABLE_BOUNDING_BOX: "ROTATED_BOX_AS_MASK",
    Feature.HOLES: "HOLES_AS_MASK",
    Feature.PARTS: "PARTS_AS_MASK",
    Feature.OUT_OF_BOUNDS: "CLIPPED",
    Feature.OVERLAPS: "HIDDEN_PIXELS",
    (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
    (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
}

CARRIES = Carries(
    shapes=frozenset({Shape.BITMASK}),
    data_types=frozenset({DataType.IMAGE, DataType.IMG_GROUP, DataType.VIDEO, DataType.DICOM}),
    native=HUB,
    features=frozenset(
        {
            Feature.TRACKS, Feature.ANSWERS, Feature.DYNAMIC_ANSWERS, Feature.NESTED_ANSWERS, Feature.CLASSIFICATIONS,
            Feature.CONFIDENCE, Feature.MANUAL, Feature.AUTHOR, Feature.TIMESTAMPS, Feature.COLOUR,
            Feature.EMPTY_ROWS, Feature.UNPLACED,
        }
    ),
    codes=CODES,
    approximates=DRAWN,
    extent="unit",
)  # fmt: skip
"""What labels in the form of the hub carry of masks, each with pixels of its own."""


# --- writing --------------------------------------------------------------------------------------------------------


class Sink(Protocol):
    """Where masks go."""

    def mask(self, row: LabelRowV2, frame: int, instance: ObjectInstance, box_runs: BoxRuns) -> dict[str, Any]:
        """Take the mask of an object on a frame; return what stands for it in the row."""

    def layer(self, row: LabelRowV2, frame: int, layer: Layer, values: Sequence[int]) -> str:
        """Take the one layer of a frame, in which objects have these values; return its name."""

    def empty(self, row: LabelRowV2) -> None:
        """Take a still image on which there is no mask."""


class _Elsewhere:
    """Coordinates that say where the mask is."""

    _key: ClassVar[str] = "bitmask"

    def __init__(self, place: dict[str, Any]) -> None:
        self._place = place

    def _json(self) -> dict[str, Any]:
        return self._place


def write_rows(
    narrowed: Narrowed, rows: Iterable[Left], target: Target, sink: Sink, values: Mapping[str, int] | None = None
) -> None:
    """Write ``labels.jsonl``, handing every mask to ``sink``.

    Parameters
    ----------
    rows : iterable of Left
        What is left of the labels, from ``narrowed``.
    values : mapping of str to int, optional
        In a layer of classes, what each paints, by the name of the class.
    """
    carries = narrowed.carries
    structure = OntologyStructure._from_dict(_painted(narrowed.labels.ontology, carries))
    _, names = _joined(structure.to_dict())
    encoder = msgspec.json.Encoder()
    with target.open(ROWS) as stream:
        for left in rows:
            members = _members(left, carries, structure, sink, values)
            if names:
                _rename(members, names)
            stream.write(encoder.encode(members) + b"\n")


def written_ontology(structure: OntologyStructure, carries: Carries) -> dict[str, Any]:
    """Return the JSON of an ontology in which classes of shapes that are painted are classes of bitmasks.

    Those of one label become one, where they ask the same and have one colour.
    """
    return _joined(_painted(structure, carries))[0]


def _painted(structure: OntologyStructure, carries: Carries) -> dict[str, Any]:
    members = structure.to_dict()
    painted = {shape.value for shape in carries.approximates}
    for item in members["objects"]:
        if item["shape"] in painted:
            item["shape"] = Shape.BITMASK.value
    return members


def _joined(ontology: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return an ontology without the classes of bitmasks that are another's, and the hashes of these by theirs."""
    first: dict[Any, dict[str, Any]] = {}
    names: dict[str, str] = {}
    kept = []
    for item in ontology["objects"]:
        asked = item.get("attributes") or []
        same = first.setdefault((item["name"], item["shape"], item["color"], str(_asked(asked))), item)
        if same is item or item["shape"] != Shape.BITMASK.value:
            kept.append(item)
        else:
            names |= zip(_hashes(item), _hashes(same), strict=True)
    return ({**ontology, "objects": kept} if names else ontology), names


def _asked(attributes: list[dict[str, Any]]) -> list[Any]:
    """Return what attributes ask, without hashes and numbers."""
    plain = [{key: value for key, value in one.items() if key not in ("id", "featureNodeHash")} for one in attributes]
    return [sorted({**one, "options": _asked(one.get("options") or [])}.items()) for one in plain]


def _hashes(part: dict[str, Any]) -> Iterator[str]:
    yield part["featureNodeHash"]
    for below in (*(part.get("attributes") or ()), *(part.get("options") or ())):
        yield from _hashes(below)


def _rename(form: Any, names: Mapping[str, str]) -> None:
    """Replace hashes of classes, attributes and options, wherever they stand in a row."""
    if isinstance(form, dict):
        hash_ = form.get("featureHash")
        if isinstance(hash_, str):
            form["featureHash"] = names.get(hash_, hash_)
        for value in form.values():
            _rename(value, names)
    elif isinstance(form, list):
        for value in form:
            _rename(value, names)


def _members(
    left: Left, carries: Carries, structure: OntologyStructure, sink: Sink, values: Mapping[str, int] | None
) -> dict[str, Any]:
    """Return the JSON of what is left of a row."""
    row, contents = left.row, copy(left.row._contents)
    layers, places = {}, {}
    for frame, layer in shown(left):
        painted = layer.values if values is None else [values[one.object_name] for one in layer.instances]
        layers[str(frame)] = sink.layer(row, frame, layer, painted)
        places[frame] = {one.object_hash: {"value": value} for one, value in zip(layer.instances, painted, strict=True)}
    contents.objects = {}
    is_area = carries.one_layer == "classes"  # no object is told from others: what is left of them is the layer
    for instance, frames in () if is_area else left.objects():
        coordinates = {}
        for frame in frames:
            place = places[frame][instance.object_hash] if layers else _put(sink, row, frame, instance)
            coordinates[frame] = _Elsewhere(place)
        contents.objects[instance.object_hash] = left.with_coordinates(instance, coordinates)
    if row.data_type is DataType.IMAGE and not any(one._frames for one in contents.objects.values()):
        sink.empty(row)
    if Feature.CLASSIFICATIONS not in carries.features:
        contents.classifications = {}
    members = Writer(structure, contents).write()
    members.setdefault("number_of_frames", row.number_of_frames)
    if row.client_metadata or members.get("client_metadata"):
        members["client_metadata"] = row.client_metadata
    if layers:
        members[LAYERS] = layers
    return members


def shown(left: Left) -> Iterator[tuple[int, Layer]]:
    """Yield each frame that has an image of one layer, and that: a still, or a frame with shapes, of a known size."""
    frames = {*left.layers, *((0,) if left.has_layers and left.row.data_type is DataType.IMAGE else ())}
    for frame in sorted(frames):
        layer = left.layer(frame)
        if all(layer.size):
            yield frame, layer


def _put(sink: Sink, row: LabelRowV2, frame: int, instance: ObjectInstance) -> dict[str, Any]:
    """Give the mask of an object on a frame to the sink; return what stands for it."""
    coordinates = instance._frames[frame].coordinates
    return sink.mask(row, frame, instance, raster(coordinates, *unit_size(row, frame), LEAST_TOLERANCE_PX))


def write_classes(target: Target, name: str, narrowed: Narrowed, **more: Any) -> None:
    """Write ``classes.json``: the format, what the caller adds (``classes`` among it), and the ontology."""
    members = {"format": name, **more, "ontology": written_ontology(narrowed.labels.ontology, narrowed.carries)}
    with target.open(CLASSES) as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(members), indent=1) + b"\n")


# --- reading --------------------------------------------------------------------------------------------------------

Fill = Callable[[dict[str, Any], Mapping[str, Any]], tuple[dict[str, Any], Keys]]
"""From what stands for a mask in a row, and the row's layers, to the encoded mask and what nothing reads of it.

ValueError if that cannot be.
"""

_STANDING = frozenset({"file", "record", "value"})
"""Keys of what stands for a mask."""


def folder_of(source: Source, name: str) -> str | None:
    """Return the folder in which a format of this name has its two files, with the ``/`` at its end."""
    for path in source.names(CLASSES, depth=2):
        folder = path[: -len(CLASSES)]
        if folder + ROWS in source.names(ROWS, depth=2) and _says(source, path, name):
            return folder
    return None


def _says(source: Source, path: str, name: str) -> bool:
    try:
        head = source.head(path, 200)
    except (ReadError, OSError):
        return False
    top = sketch(head)
    return isinstance(top, dict) and top.get("format") == name


def read_classes(source: Source, folder: str) -> tuple[dict[str, Any], OntologyStructure]:
    """Read ``classes.json``: its members, and the ontology.

    Raises
    ------
    ReadError
        It is not JSON, or holds no ontology.
    """
    from encord_convert.formats._hub_schema import ontology_from, words_of  # recognising has no use for it

    place = source.place(folder + CLASSES)
    with source.open(folder + CLASSES) as stream:
        text = stream.read()
    try:
        members = msgspec.json.decode(text, type=dict[str, Any])
        ontology = ontology_from(msgspec.json.encode(members["ontology"]))
        structure = OntologyStructure._from_dict(ontology)
        check_names(structure)
        return members, structure
    except msgspec.ValidationError as error:
        raise ReadError(place, f"holds no ontology ({words_of(error)}).") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(place, f"is not a JSON object ({error}).", advice="Was the file cut short?") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadError(place, f"holds no ontology ({type(error).__name__}: {error}).") from error


Start = Callable[[], tuple[Fill, Callable[[LabelRowV2, Mapping[str, Any]], None], Callable[[], Iterable[str]]]]
"""Called for every walk; returns what finds a mask, what finishes a row, and what says at the end which masks are left
that no row has named, by their places."""


def labels_of(
    source: Source, folder: str, classes: Mapping[str, Any], structure: OntologyStructure, start: Start, report: Report
) -> LabelSet:
    """Return the rows of ``labels.jsonl`` with their masks.

    ``classes`` are the members of ``classes.json``. The first walk to the end tells ``report`` of masks that no row
    names.
    """
    is_told = False

    def tell(left: Iterable[str]) -> None:
        nonlocal is_told
        names = [] if is_told else [*left]
        is_told = True
        if names:
            detail = f"No label names the masks {', '.join(names[:_MOST_NAMED])}{', …' * (len(names) > _MOST_NAMED)}."
            where = Where(file=source.place(folder + ROWS))
            report.finding.note(Level.WARNING, "FILE_NOT_READ", detail, where, len(names))

    rows = partial(_rows, source, folder, structure, start, RowCheck(structure), tell)
    first = next(rows(), None)
    labels = LabelSet(structure, rows, title=first.dataset_title if first is not None else "")
    labels.native[UNREAD] = dict(differences(classes, _as_read(classes, structure), CLASSES))
    return labels


def _as_read(members: Mapping[str, Any], structure: OntologyStructure) -> dict[str, Any]:
    """Return of ``classes.json`` what is read of it."""
    known = {item.feature_node_hash: item for item in structure.objects}
    classes = []
    for entry in members["classes"] if isinstance(members.get("classes"), list) else ():
        item = known.get(str(entry.get("featureNodeHash"))) if isinstance(entry, dict) else None
        own = (
            {} if item is None else {"name": item.name, "color": item.color, "featureNodeHash": item.feature_node_hash}
        )
        classes.append(own | {"value": entry["value"]} if own and "value" in entry else own)
    read = {"format": members["format"], "classes": classes, "ontology": structure.to_dict()}
    return read | {"records": members["records"]} if isinstance(members.get("records"), str) else read


def _rows(
    source: Source, folder: str, structure: OntologyStructure, start: Start, check: RowCheck,
    tell: Callable[[Iterable[str]], None],
) -> Iterator[LabelRowV2]:  # fmt: skip
    from encord_convert.formats._hub_schema import row_from, words_of  # recognising has no use for it

    place = source.place(folder + ROWS)
    fill, finish, left = start()
    with source.open(folder + ROWS) as stream:
        for number, line in enumerate(stream, 1):
            if line.isspace():
                continue
            try:
                members = msgspec.json.decode(line, type=dict[str, Any])
                layers = members.pop(LAYERS, {})
                unread = {f"{LAYERS}.{key}": value for key, value in layers.items() if not key.isdecimal()}
                for entry, size in _masks_of(members):
                    said = entry["bitmask"]
                    unread |= {f"bitmask.{key}": value for key, value in said.items() if key not in _STANDING}
                    mask, keys = fill(said, {**layers, "frame": size[2]})
                    if keys.get("class", "") in ("", entry.get("name")):
                        keys = {key: value for key, value in keys.items() if key != "class"}
                    entry["bitmask"] = _sized(mask, *size[:2])
                    unread |= {f"record.{key}": value for key, value in keys.items()}
                members = row_from(msgspec.json.encode(members))
                row = LabelRowV2._from_dict(members, structure)
                found = check.unread(members, row._contents.unread)
                if found is not None:
                    unread |= found.unread
                if unread or found is not None:
                    row._native = Native(UNREAD, unread=unread, stale={} if found is None else found.stale)
                finish(row, layers)
            except msgspec.ValidationError as error:
                raise ReadError(place, f"is not a label row ({words_of(error)}).", line=number) from error
            except (msgspec.DecodeError, RecursionError) as error:
                fact = f"is not a JSON object ({error})."
                raise ReadError(place, fact, line=number, advice="Was the file cut short?") from error
            except ReadError:
                raise
            except (EncordException, LookupError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
                fact = str(error).partition(" timestamp=")[0].rstrip().rstrip(".")
                fact = f"is not a label row with masks beside it ({type(error).__name__}: {fact})."
                raise ReadError(place, fact, line=number) from error
            row._origin = place
            yield row
    tell(left())


class Unnamed:
    """The images of masks in a folder written here that no row has named yet."""

    def __init__(self, source: Source, folder: str) -> None:
        self._folder = folder
        self._names = dict.fromkeys(name for name in source.names(".png") if name.startswith(f"{folder}{LAYERS}/"))

    def take(self, row: LabelRowV2, layers: Mapping[str, Any]) -> None:
        """Know that a row names the images of its layers."""
        for name in layers.values():
            self.named(name)

    def named(self, name: Any) -> str:
        """Return where an image is that a row names.

        Raises
        ------
        ValueError
            It is not a name.
        """
        if not isinstance(name, str):
            raise ValueError("a mask names no file")
        self._names.pop(self._folder + name, None)
        return self._folder + name

    def left(self) -> list[str]:
        """Return those that no row has named."""
        return [*self._names]


def _masks_of(members: dict[str, Any]) -> Iterator[tuple[dict[str, Any], tuple[int, int, int]]]:
    """Yield the entries of masks in a row's JSON, each with width, height and frame."""
    for unit in members["data_units"].values():
        labels = unit["labels"]
        if "objects" in labels and isinstance(labels["objects"], list):
            frames = [(int(unit["data_sequence"]), labels)]
        else:
            frames = [(int(frame), entries) for frame, entries in labels.items()]
        for frame, entries in frames:
            for entry in entries["objects"]:
                if "bitmask" in entry:
                    yield entry, (unit["width"], unit["height"], frame)


def _sized(bitmask: dict[str, Any], width: int, height: int) -> dict[str, Any]:
    if (bitmask["width"], bitmask["height"]) != (width, height):
        found = f"{bitmask['width']} x {bitmask['height']}"
        raise ValueError(f"a mask is {found} pixels, its image {width} x {height} (width x height)")
    return bitmask


def encoded_mask(box_runs: BoxRuns, width: int, height: int) -> dict[str, Any]:
    """Return a mask inside a box in the encoded form of the hub."""
    runs = rle.frame_runs_from_box_runs(*box_runs, width, height)
    return {"top": 0, "left": 0, "height": height, "width": width, "rleString": rle.string_from_runs(runs)}


def class_rows(narrowed: Narrowed) -> Sequence[Any]:
    """Return the classes of an ontology that can have masks, in its order, the first of each name."""
    shapes = narrowed.carries.shapes | narrowed.carries.approximates
    drawn = [item for item in narrowed.labels.ontology.objects if item.shape in shapes]
    first: dict[str, Any] = {}
    for item in drawn:
        first.setdefault(item.name, item)
    return list(first.values())
