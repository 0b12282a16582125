"""What could not be carried, as data.

Three words rule this module. Every thing a source holds (a shape, a tag, an answer, a track …) ends as exactly one of

* **kept**: the target holds it, within the tolerance the target declares;
* **changed**: the target holds it in another form; a :class:`Loss` says what and how far;
* **dropped**: the target does not hold it; a :class:`Loss` says why.

So ``in = kept + changed + dropped`` for every type and every label. The importer counts what it reads and what it
could not take over in a :class:`Ledger` of its own; the exporter tells its :class:`Report` what it could not write;
an :class:`Origin` on each hub instance joins the two, so that a shape is never counted twice.

A format says beforehand what survives it (:class:`Carries`); :meth:`Report.predict` turns that into the losses a
conversion will have, before a byte is written. Declared, predicted and observed must agree; the tests hold every
format to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.objects.common import Shape

if TYPE_CHECKING:
    from encord_convert.labelset import LabelSet
    from encord_convert.sdk.constants.enums import DataType
    from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance

EXAMPLES = 20
"""How many places a tally of equal losses remembers; the count goes on."""

Key = tuple[str, str]
"""A type of thing in a source (``box``, ``answer``) and the label it belongs to."""

Carried = tuple[tuple[str, int], ...]
"""Things that live and die with a shape: ``(("answer", 2), ("occluded", 1))``."""


class Kind(StrEnum):
    """What happens to a thing that is not kept exactly."""

    DROPPED = "dropped"
    """It is not in the target."""
    APPROXIMATED = "approximated"
    """Its geometry or value is close to the original."""
    ROUNDED = "rounded"
    """A number has fewer digits, beyond the declared tolerance."""
    RENAMED = "renamed"
    """It is there under another name."""
    DEFAULTED = "defaulted"
    """It was absent, and a default stands in its place."""
    MERGED = "merged"
    """Several became one, or one became several."""


class Level(StrEnum):
    """How much a note matters; the three levels of the documented CVAT import."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Feature(StrEnum):
    """What a label can have beyond its class and its shape. Closed: a format declares by these words only."""

    SHAPE = "shape"
    """The shape itself: a format without it has no place for the object at all."""
    HOLES = "holes"
    """A polygon with inner rings, kept as rings."""
    PARTS = "parts"
    """A polygon of several outer rings in one object."""
    ROTATION = "rotation"
    """The angle of a rotatable box."""
    VISIBILITY = "visibility"
    """Visible, occluded or invisible, for each skeleton point."""
    SELF_OCCLUSION = "self_occlusion"
    """A skeleton point hidden by its own object, told apart from one hidden by another."""
    HIDDEN_POSITION = "hidden_position"
    """The position of an invisible skeleton point."""
    TRACKS = "tracks"
    """One object over several frames."""
    ANSWERS = "answers"
    """Answers of an object that hold for all its frames."""
    DYNAMIC_ANSWERS = "dynamic_answers"
    """Answers of an object that change over frames."""
    NESTED_ANSWERS = "nested_answers"
    """Answers below an option of another answer."""
    CLASSIFICATIONS = "classifications"
    """Labels of a whole frame."""
    CONFIDENCE = "confidence"
    """A confidence other than 1."""
    MANUAL = "manual"
    """Whether a person or a machine made the label."""
    AUTHOR = "author"
    """Who made and who last edited a label."""
    TIMESTAMPS = "timestamps"
    """When a label was made and last edited."""
    REVIEWS = "reviews"
    """Review decisions attached to a label, and its deletion mark."""
    COLOUR = "colour"
    """The colour of a class."""
    EMPTY_ROWS = "empty_rows"
    """A picture without labels."""
    UNPLACED = "unplaced"
    """An object or classification that is on no frame."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """Geometry that leaves the picture."""
    DEGENERATE = "degenerate"
    """Geometry without an area: an empty mask, a box without a side, a polygon of two points."""
    LABEL_NAME = "label_name"
    """The name of a class."""
    ATTRIBUTES = "attributes"
    """Attributes as the ontology of the source declares them."""
    INTERPOLATION = "interpolation"
    """Frames between keyframes."""
    GROUPS = "groups"
    """Which shapes belong together."""
    Z_ORDER = "z_order"
    """Which shape lies nearer the viewer."""
    OCCLUSION = "occlusion"
    """That something stands before the object."""
    PROVENANCE = "provenance"
    """Which tool made a shape."""
    MEDIA = "media"
    """A picture or video, and its size."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place: in the source file, and in the hub.

    ``line`` is one-based; ``frame`` is the hub's zero-based frame; ``element`` names the thing in the file.
    """

    file: str | None = None
    line: int | None = None
    row: str | None = None
    frame: int | None = None
    element: str | None = None
    object_hash: str | None = None

    def to_dict(self) -> dict[str, str | int]:
        """Return the members that are known."""
        members = ("file", "line", "row", "frame", "element", "object_hash")
        return {name: getattr(self, name) for name in members if getattr(self, name) is not None}

    def __str__(self) -> str:
        """Say it in words: ``a.xml:12, cam/1.jpg, frame 3``."""
        file = f"{self.file}:{self.line}" if self.file and self.line else self.file
        frame = None if self.frame is None else f"frame {self.frame}"
        return ", ".join(part for part in (file, self.row, frame, self.element) if part)


NOWHERE = Where()


@dataclass(frozen=True, slots=True)
class Loss:
    """Things of one type and label that were not kept, for one reason.

    ``where`` and ``detail`` are of the first; ``examples`` hold up to :data:`EXAMPLES` of them.
    """

    kind: Kind
    code: str
    feature: Feature
    type: str
    label: str
    count: int
    where: Where
    detail: str
    examples: tuple[tuple[Where, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the report file."""
        return {
            "kind": str(self.kind),
            "code": self.code,
            "feature": str(self.feature),
            "type": self.type,
            "label": self.label,
            "where": self.where.to_dict(),
            "detail": self.detail,
            "count": self.count,
            "examples": [{"where": where.to_dict(), "detail": detail} for where, detail in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing that lost nothing: a default not applied, a class never used."""

    level: Level
    code: str
    where: Where
    detail: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the report file."""
        return {
            "level": str(self.level),
            "code": self.code,
            "where": self.where.to_dict(),
            "detail": self.detail,
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class Carries:
    """What survives a format exactly, within ``tolerance_px`` pixels.

    Shapes in ``approximates`` do not survive, but are written in another form: their loss is a change, not a drop.
    ``codes`` gives the stable code of a loss where the format has a name of its own for it: of a shape it has no
    place for, of a feature it lacks, or of a feature of one shape.
    """

    shapes: frozenset[Shape]
    data_types: frozenset[DataType]
    features: frozenset[Feature]
    tolerance_px: float = 0.0
    codes: Mapping[Shape | Feature | tuple[Feature, Shape], str] = field(default_factory=dict)
    approximates: frozenset[Shape] = frozenset()

    def code(self, what: Shape | Feature, shape: Shape | None = None) -> str:
        """Return the code of losing ``what``; ``shape`` matters for features that shapes lose under different codes."""
        if isinstance(what, Shape):
            return self.codes.get(what, "UNSUPPORTED_SHAPE")
        own = None if shape is None else self.codes.get((what, shape))
        return own or self.codes.get(what, f"{what.name}_DROPPED")


class Origin:
    """Where a hub instance came from: what it was called in the source, and what lives and dies with it.

    Parameters
    ----------
    type : str
        The source's own word: ``box``, ``ellipse``, ``tag``.
    label : str
        The source's own class name.
    line : int or None
        One-based line of the element.
    carried : Carried
        Counted things that are lost when the shape is (single-frame shapes).
    changed : bool
        The importer already counted the shape as changed.
    weights : dict of int to (int, Carried), optional
        For tracks: source elements each hub frame stands for, and what they carry. A frame that is not listed
        stands for none (it was computed). Empty: another instance stands for the element.
    also : tuple of Origin
        Further source elements a single-frame instance stands for.
    """

    __slots__ = ("also", "carried", "changed", "label", "line", "type", "weights")

    def __init__(
        self,
        type: str,
        label: str,
        line: int | None = None,
        carried: Carried = (),
        changed: bool = False,
        weights: dict[int, tuple[int, Carried]] | None = None,
        also: tuple[Origin, ...] = (),
    ) -> None:
        self.type = type
        self.label = label
        self.line = line
        self.carried = carried
        self.changed = changed
        self.weights = weights
        self.also = also


class _Tally:
    __slots__ = ("count", "detail", "examples", "where")

    def __init__(self, where: Where, detail: str) -> None:
        self.count = 0
        self.where = where
        self.detail = detail
        self.examples: list[tuple[Where, str]] = []

    def add(self, count: int, where: Where, detail: str) -> None:
        self.count += count
        if len(self.examples) < EXAMPLES:
            self.examples.append((where, detail))


SECONDARY = frozenset(
    {
        "answer", "attribute", "author", "confidence", "frame", "group_id", "image", "manual", "occluded",
        "review", "row", "source", "timestamp", "track", "unplaced", "z_order",
    }
)  # fmt: skip
"""Types that are not labels themselves but belong to one: left out of the count per label."""


class Ledger:
    """Counts of what was read (or written), and the losses and notes that came with it.

    ``into``, ``changed`` and ``dropped`` are plain counters by :data:`Key`; importers add to them directly, since a
    call per shape is what costs. What was found before the rows (in the ontology) is the *head*: a ledger rewinds
    to it when its rows are read again.
    """

    __slots__ = ("_head", "_losses", "_notes", "changed", "dropped", "into")

    def __init__(self) -> None:
        self.into: defaultdict[Key, int] = defaultdict(int)
        self.changed: defaultdict[Key, int] = defaultdict(int)
        self.dropped: defaultdict[Key, int] = defaultdict(int)
        self._losses: dict[tuple[Kind, str, Feature, str, str], _Tally] = {}
        self._notes: dict[tuple[Level, str, str], _Tally] = {}
        self._head: Ledger | None = None

    def lose(
        self,
        kind: Kind,
        code: str,
        feature: Feature,
        key: Key,
        where: Where,
        detail: str,
        count: int = 1,
    ) -> None:
        """Record a loss without counting its things; see :meth:`drop` and :meth:`change`."""
        index = (kind, code, feature, *key)
        tally = self._losses.get(index)
        if tally is None:
            tally = self._losses[index] = _Tally(where, detail)
        tally.add(count, where, detail)

    def drop(
        self,
        code: str,
        feature: Feature,
        key: Key,
        where: Where,
        detail: str,
        *,
        carried: Carried = (),
        count: int = 1,
    ) -> None:
        """Record that ``count`` things, and what they carry, are not taken over."""
        self.dropped[key] += count
        for type_, number in carried:
            self.dropped[type_, key[1]] += number
        self.lose(Kind.DROPPED, code, feature, key, where, detail, count)

    def change(
        self,
        kind: Kind,
        code: str,
        feature: Feature,
        key: Key,
        where: Where,
        detail: str,
        *,
        counted: bool = False,
        count: int = 1,
    ) -> None:
        """Record that ``count`` things are taken over in another form; ``counted``: as changed already."""
        if not counted:
            self.changed[key] += count
        self.lose(kind, code, feature, key, where, detail, count)

    def note(self, level: Level, code: str, detail: str, where: Where = NOWHERE, count: int = 1) -> None:
        """Record something that lost nothing; equal details are counted together."""
        tally = self._notes.get((level, code, detail))
        if tally is None:
            tally = self._notes[level, code, detail] = _Tally(where, detail)
        tally.count += count

    def mark_head(self) -> None:
        """Keep what was recorded so far when the rows are read again."""
        self._head = self._copy()

    def rewind(self) -> None:
        """Forget all that came after :meth:`mark_head`."""
        head = (self._head or Ledger())._copy()
        for name in ("into", "changed", "dropped", "_losses", "_notes"):
            setattr(self, name, getattr(head, name))

    def merge(self, other: Ledger) -> None:
        """Add what another ledger holds; the order of merging decides which examples are kept."""
        for name in ("into", "changed", "dropped"):
            mine = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] += count
        for store in ("_losses", "_notes"):
            mine = getattr(self, store)
            for index, tally in getattr(other, store).items():
                kept = mine.setdefault(index, _Tally(tally.where, tally.detail))
                kept.count += tally.count
                kept.examples.extend(tally.examples[: EXAMPLES - len(kept.examples)])

    def _copy(self) -> Ledger:
        copy = Ledger()
        copy.merge(self)
        return copy

    def losses(self) -> list[Loss]:
        """Return the losses, most numerous first within each kind, then by code and label."""
        return [
            Loss(*index, tally.count, tally.where, tally.detail, tuple(tally.examples))
            for index, tally in self._losses.items()
        ]

    def notes(self) -> list[Note]:
        """Return the notes in the order they were made."""
        return [
            Note(index[0], index[1], tally.where, tally.detail, tally.count) for index, tally in self._notes.items()
        ]


@dataclass(slots=True)
class Endpoint:
    """One end of a conversion."""

    path: str | None = None
    format: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """Return the form of the report file."""
        return {"path": self.path, "format": self.format}


_NO_CARRIED: Carried = ()


class Report:
    """The account of one conversion: what came in, and what became of it.

    An exporter walks its input through :meth:`rows`, and calls :meth:`drop` or :meth:`change` with the instance and
    frame at hand wherever it cannot write what stands there.
    """

    def __init__(self) -> None:
        self.source = Endpoint()
        self.target = Endpoint()
        self.reading = Ledger()
        self.writing = Ledger()
        self.rows_read = 0
        self._row: LabelRowV2 | None = None
        self._last_changed: tuple[Any, int] | None = None
        self._frames_dropped: dict[str, int] = {}
        self._counts_hub = False

    # -- walking ----------------------------------------------------------------------------------------------

    def rows(self, labels: LabelSet) -> Iterator[LabelRowV2]:
        """Yield the rows to write, keeping account: a hub that no importer counted is counted here.

        Every call starts a fresh account of reading and writing.
        """
        self._counts_hub = labels.ledger is None
        self.reading = Ledger() if labels.ledger is None else labels.ledger
        self.writing = Ledger()
        self.rows_read = 0
        for row in labels:
            self._row = row
            self._last_changed = None
            self._frames_dropped.clear()
            self.rows_read += 1
            if self._counts_hub:
                self._count_row(row)
            yield row
        self._row = None
        if labels.ledger is not None:
            self.reading = labels.ledger

    def _count_row(self, row: LabelRowV2) -> None:
        into = self.reading.into
        into["row", ""] += 1
        for instance in row._objects.values():
            label = instance.object_name
            frames = instance._frames
            into[instance.ontology_item.shape.value, label] += len(frames)
            if len(frames) > 1:
                into["track", label] += 1
            if not frames:
                into["unplaced", label] += 1
            into["answer", label] += hub_answers(instance)
            for data in frames.values():
                for side in side_types(data.object_frame_instance_info):
                    into[side, label] += 1
        for classification in row._classifications.values():
            label = classification.classification_name
            into["classification", label] += len(classification._frames)
            into["answer", label] += hub_answers(classification)
            if not classification._frames:
                into["unplaced", label] += 1
            for info in classification._frames.values():
                for side in side_types(info):
                    into[side, label] += 1

    def turn_to(self, row: LabelRowV2) -> None:
        """Speak of ``row`` from now on: an exporter that gathers rows comes back to each before it speaks of it."""
        if row is not self._row:
            self._row = row
            self._last_changed = None
            self._frames_dropped.clear()

    # -- what an exporter says --------------------------------------------------------------------------------

    def drop(
        self,
        instance: ObjectInstance | ClassificationInstance,
        frame: int,
        code: str,
        feature: Feature,
        detail: str,
    ) -> None:
        """Say that what ``instance`` is on ``frame`` is not written."""
        key, weight, carried, changed = self._weigh(instance, frame)
        writing = self.writing
        if weight:
            writing.drop(code, feature, key, self._where(instance, frame), detail, carried=carried, count=weight)
            if changed:
                writing.changed[key] -= weight
        for other in _also(instance):
            others = (other.type, other.label)
            writing.drop(code, feature, others, self._where(instance, frame), detail, carried=other.carried)
            if other.changed:
                writing.changed[others] -= 1
        for side in side_types(_info(instance, frame)) if self._counts_hub else ():
            writing.dropped[side, key[1]] += 1
        hash_ = _hash(instance)
        gone = self._frames_dropped[hash_] = self._frames_dropped.get(hash_, 0) + 1
        if gone == len(instance._frames):
            if self._is_track(instance):
                writing.dropped["track", key[1]] += 1
            if self._counts_hub:
                writing.dropped["answer", key[1]] += hub_answers(instance)

    def change(
        self,
        instance: ObjectInstance | ClassificationInstance,
        frame: int,
        kind: Kind,
        code: str,
        feature: Feature,
        detail: str,
    ) -> None:
        """Say that what ``instance`` is on ``frame`` is written in another form; several reasons count once."""
        key, weight, _, changed = self._weigh(instance, frame)
        last = self._last_changed
        again = last is not None and last[0] is instance and last[1] == frame
        self._last_changed = (instance, frame)
        if weight:
            where = self._where(instance, frame)
            self.writing.change(kind, code, feature, key, where, detail, counted=changed or again, count=weight)
        for other in _also(instance):
            where, others = self._where(instance, frame), (other.type, other.label)
            self.writing.change(kind, code, feature, others, where, detail, counted=other.changed or again)

    def drop_side(self, instance: Any, frame: int, carries: Carries) -> None:
        """Say which of author, times, confidence, reviews and machine mark are not written, by the declaration."""
        info = _info(instance, frame)
        for side, feature in SIDES.items():
            if feature not in carries.features and side in side_types(info):
                label = _label(instance)
                where = self._where(instance, frame)
                detail = f"{side} of {label!r} has no place in the target."
                self.writing.drop(carries.code(feature), feature, (side, label), where, detail)

    def drop_part(self, instance: Any, frame: int, type_: str, code: str, feature: Feature, detail: str) -> None:
        """Say that one counted thing that belongs to an instance (an answer, its being a track) is not written."""
        self.writing.drop(code, feature, (type_, _label(instance)), self._where(instance, frame), detail)

    def note(self, level: Level, code: str, detail: str) -> None:
        """Say something that lost nothing."""
        self.writing.note(level, code, detail)

    def _is_track(self, instance: Any) -> bool:
        origin = instance._origin
        if origin is None:
            return self._counts_hub and len(instance._frames) > 1 and hasattr(instance, "object_hash")
        return bool(origin.weights)

    def _weigh(self, instance: Any, frame: int) -> tuple[Key, int, Carried, bool]:
        origin = instance._origin
        if origin is None:
            return (_type(instance), _label(instance)), 1, _NO_CARRIED, False
        key = (origin.type, origin.label)
        if origin.weights is None:
            return key, 1, origin.carried, origin.changed
        weight, carried = origin.weights.get(frame, (0, _NO_CARRIED))
        return key, weight, carried, origin.changed

    def _where(self, instance: Any, frame: int) -> Where:
        row = self._row
        origin = instance._origin
        return Where(
            file=None if row is None else row._origin,
            line=None if origin is None else origin.line,
            row=None if row is None else row.data_title,
            frame=frame,
            element=None if origin is None else f"<{origin.type}>",
            object_hash=_hash(instance),
        )

    # -- the account ------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """Return in, kept, changed and dropped by source type."""
        return self._summed(lambda key: key[0])

    def labels(self) -> dict[str, dict[str, int]]:
        """Return in, kept, changed and dropped by source label, over shapes and tags."""
        return self._summed(lambda key: None if key[0] in SECONDARY else key[1])

    def _summed(self, group: Any) -> dict[str, dict[str, int]]:
        sums: dict[str, dict[str, int]] = {}
        for name, ledgers in (
            ("in", (self.reading.into,)),
            ("changed", (self.reading.changed, self.writing.changed)),
            ("dropped", (self.reading.dropped, self.writing.dropped)),
        ):
            for ledger in ledgers:
                for key, count in ledger.items():
                    under = group(key)
                    if under is not None:
                        row = sums.setdefault(under, {"in": 0, "kept": 0, "changed": 0, "dropped": 0})
                        row[name] += count
        for row in sums.values():
            row["kept"] = row["in"] - row["changed"] - row["dropped"]
        return dict(sorted(sums.items()))

    def losses(self) -> list[Loss]:
        """Return what was not kept: first what the importer could not take over, then what was not written."""
        return self.reading.losses() + self.writing.losses()

    def notes(self) -> list[Note]:
        """Return what is worth knowing but lost nothing."""
        return self.reading.notes() + self.writing.notes()

    @property
    def is_lossless(self) -> bool:
        """True if everything was kept."""
        return not self.losses()

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the report file."""
        return {
            "source": self.source.to_dict(),
            "target": self.target.to_dict(),
            "counts": self.counts(),
            "labels": self.labels(),
            "losses": [loss.to_dict() for loss in self.losses()],
            "notes": [note.to_dict() for note in self.notes()],
        }

    def summary(self) -> str:
        """Return the losses in one line of words: ``38 polylines dropped, 4 masks approximated``."""
        sums: dict[tuple[str, str], int] = {}
        for loss in self.losses():
            key = (loss.type, str(loss.kind))
            sums[key] = sums.get(key, 0) + loss.count
        return ", ".join(f"{count} {_plural(type_, count)} {kind}" for (type_, kind), count in sums.items())

    def __str__(self) -> str:
        """Say what was lost, one loss a line; nothing at all if nothing was."""
        return "\n".join(
            f"{loss.kind} {loss.count} {_plural(loss.type, loss.count)} of {loss.label!r}: {loss.code}. {loss.detail}"
            for loss in self.losses()
        )

    @classmethod
    def predict(cls, labels: LabelSet, carries: Carries) -> Report:
        """Return the account that writing ``labels`` to a format that carries ``carries`` will give."""
        from encord_convert.prediction import predict

        report = cls()
        predict(report, labels, carries)
        return report


SIDES: dict[str, Feature] = {
    "author": Feature.AUTHOR,
    "timestamp": Feature.TIMESTAMPS,
    "confidence": Feature.CONFIDENCE,
    "manual": Feature.MANUAL,
    "review": Feature.REVIEWS,
}
"""What an annotation says about its making, by the type it is counted under."""

_side_cache: dict[int, tuple[Any, tuple[str, ...]]] = {}


def side_types(info: Any) -> tuple[str, ...]:
    """Return which of :data:`SIDES` an annotation's frame information holds.

    Infos are shared by thousands of annotations, and never changed in place: the last answers are remembered.
    """
    cached = _side_cache.get(id(info))
    if cached is not None and cached[0] is info:
        return cached[1]
    present = []
    if info.created_by is not None or info.last_edited_by is not None:
        present.append("author")
    if not (is_unknown_time(info.created_at) and is_unknown_time(info.last_edited_at)):
        present.append("timestamp")
    if info.confidence != 1:
        present.append("confidence")
    if not info.manual_annotation:
        present.append("manual")
    if info.reviews or getattr(info, "is_deleted", None):
        present.append("review")
    if len(_side_cache) > 4096:
        _side_cache.clear()
    _side_cache[id(info)] = (info, tuple(present))
    return tuple(present)


def is_unknown_time(time: Any) -> bool:
    """Tell whether a time is the one that stands for "not known": none, or the epoch."""
    return time is None or (time.year == 1970 and time.timestamp() == 0)


def hub_answers(instance: Any) -> int:
    """Return how many answers an instance holds: static ones, and runs of dynamic ones.

    In a hub that no importer counted they live as long as the instance is on any frame.
    """
    answers = len(instance._static_answers())
    runs = getattr(instance, "_dynamic_runs", None)
    return answers + (sum(len(ranges) for _, _, ranges in runs()) if runs is not None else 0)


def _info(instance: Any, frame: int) -> Any:
    data = instance._frames[frame]
    return getattr(data, "object_frame_instance_info", data)


def _also(instance: Any) -> tuple[Origin, ...]:
    return () if instance._origin is None else instance._origin.also


def _type(instance: Any) -> str:
    item = instance.ontology_item
    return item.shape.value if hasattr(item, "shape") else "classification"


def _label(instance: Any) -> str:
    origin = instance._origin
    if origin is not None:
        return str(origin.label)
    return str(getattr(instance, "object_name", None) or getattr(instance, "classification_name", ""))


def _hash(instance: Any) -> str:
    return str(getattr(instance, "object_hash", None) or instance.classification_hash)


def _plural(type_: str, count: int) -> str:
    words = type_.replace("_", " ")
    if count == 1 or words.endswith("s") or words in ("occluded", "manual", "unplaced"):
        return words
    return words + ("es" if words.endswith("x") else "s")


def sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up rows of in, kept, changed and dropped."""
    total = {"in": 0, "kept": 0, "changed": 0, "dropped": 0}
    for row in counts:
        for name in total:
            total[name] += row[name]
    return total
