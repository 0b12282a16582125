"""The words of loss: what can be lost, how, where, and what a format declares it carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from encord_convert.sdk.objects.common import NewerShape, Shape

if TYPE_CHECKING:
    from encord_convert.sdk.constants.enums import DataType
    from encord_convert.sdk.objects import Object


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
    """Several became one."""
    SPLIT = "split"
    """One became several."""
    EDITED = "edited"
    """It is there as the caller's own code changed it."""


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
    UNSAID_VISIBILITY = "unsaid_visibility"
    """That nobody said of a skeleton point whether it is visible."""
    UNKNOWN_POINTS = "unknown_points"
    """A skeleton point that the template of its class does not have."""
    DEPTH = "depth"
    """The third coordinate of a point in space."""
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
    """An image without labels."""
    UNPLACED = "unplaced"
    """An object or classification that is on no frame."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """Geometry that leaves the image."""
    DEGENERATE = "degenerate"
    """Geometry without an area: an empty mask, a box without a side, a polygon of two points."""
    OVERLAPS = "overlaps"
    """Pixels that several objects share; a format of one layer (``Carries.one_layer``) keeps the uppermost."""
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
    NATIVE = "native"
    """What only the format of the source has words for: ids, licences, keys of its own."""
    MEDIA = "media"
    """An image or video, and its size."""


class Where(msgspec.Struct, frozen=True):
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

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Where:
        """Return the place that a form of :meth:`to_dict` says; members of newer versions are passed over."""
        members = ("file", "line", "row", "frame", "element", "object_hash")
        return cls(*(form.get(name) for name in members))

    def __str__(self) -> str:
        """Say it in words: ``a.xml:12, cam/1.jpg, frame 3``."""
        file = f"{self.file}:{self.line}" if self.file and self.line else self.file
        frame = None if self.frame is None else f"frame {self.frame}"
        return ", ".join(part for part in (file, self.row, frame, self.element) if part)


NOWHERE = Where()

ASKED = frozenset(
    {
        "ANNOTATION_TWICE", "EDITED", "FILTERED", "FIXED", "IMAGE_TWICE", "MAPPED_AWAY", "MAPPED_ANSWER",
        "MAPPED_SHAPE", "MAPPED_SPLIT",
    }
)  # fmt: skip
"""Codes of what was asked for: by a mapping of classes, a filter, a merge, a check that mends, or Python code that
edits rows. It is told and counted like any loss, so that the sums add up and nothing is silent; but whoever asked wants
it, and ``strict`` refuses only what nobody asked for."""


class Loss(msgspec.Struct, frozen=True):
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

    @property
    def is_asked(self) -> bool:
        """Whether a mapping asked for it."""
        return self.code in ASKED

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

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Loss:
        """Return the loss of a report file; places may be left out.

        Raises
        ------
        KeyError, ValueError
            It is not one.
        """
        return cls(
            Kind(form["kind"]),
            form["code"],
            Feature(form["feature"]),
            form["type"],
            form["label"],
            form["count"],
            Where.from_dict(form.get("where", {})),
            form["detail"],
            tuple((Where.from_dict(one["where"]), one["detail"]) for one in form.get("examples", ())),
        )


class Note(msgspec.Struct, frozen=True):
    """Something worth knowing that lost nothing: a default not applied, a class never used.

    ``where`` is the place of the first; ``places`` hold up to :data:`EXAMPLES` of them.
    """

    level: Level
    code: str
    where: Where
    detail: str
    count: int
    places: tuple[Where, ...] = ()

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
class Limits:
    """What a reader leaves out without a word although the format could say it: the numbers of training code.

    Parameters
    ----------
    least_side_px : float
        Objects whose upright box is less wide or high than this are left out.
    least_picture_px : int
        Images less wide or high than this are left out, and all that is on them.
    drops_crowds : bool
        Objects that an answer calls a crowd (:func:`~encord_convert.hub.visibility.is_crowd`) are left out.
    is_bounded : bool
        Nothing may lie outside the image: corners of turned boxes and skeleton points are cut too.
    four_corners : bool
        Cuboids of more or fewer corners to a face are left out.
    masks_of_all : str
        What becomes of the masks of an image on which an object that is written has no outline (a box, a skeleton), as
        a sentence; empty where each object's mask is read by itself.
    """

    least_side_px: float = 0.0
    least_image_px: int = 0
    drops_crowds: bool = False
    is_bounded: bool = False
    four_corners: bool = False
    masks_of_all: str = ""


OUTLINES: Mapping[Any, Shape] = {
    NewerShape.ELLIPSE: Shape.POLYGON,
    NewerShape.CIRCLE: Shape.POLYGON,
    NewerShape.CUBOID_2D: Shape.POLYGON,
}
"""Shapes as the polygons around them, which is what becomes of them unless a format says otherwise."""

_CODES = {Feature.CLASSIFICATIONS: "CLASSIFICATION_DROPPED"}
"""Codes of losing features that are not their name."""


@dataclass(frozen=True, slots=True)
class Carries:
    """What survives a format exactly, within ``tolerance_px`` pixels.

    Shapes in ``approximates`` do not survive, but are written in another form: their loss is a change, not a drop.
    ``codes`` gives the stable code of a loss where the format has a name of its own for it: of a shape it has no place
    for, of a feature it lacks, or of a feature of one shape. ``one_layer`` says of a format with one value a pixel
    whether that tells objects apart or only classes; objects that come later hide those before them. ``layered`` are
    the shapes that lie in that layer, None if all do. ``limits`` is what
    the reader leaves out beside that. Features in ``alters`` do not survive either, but their values stand there in
    another form: a change too (answers without their questions). Shapes in ``bounded`` are cut at the border of the
    image though ``OUT_OF_BOUNDS`` is carried of the others; texts in which ``unwritable`` finds something are changed
    there, and titles with half of a surrogate pair but for ``has_file_names``, where they are names of files.
    ``colours_by`` says whether every class keeps its colour, or those of one name get that of the first; None where
    nobody has a use for colours, so that they are no loss. ``keeps_upright`` says that a rotatable box that is not
    turned survives as boxes do, though those that are turned are approximated. ``extent`` says in which size the
    geometry on a slice is written: that of the slice (a frame), or of its series (a unit), as masks of the hub are.
    ``native`` names the families of
    formats whose native data (:mod:`encord_convert.hub.native`) is written back, or ``family:image`` or
    ``family:annotation.id`` where that is all of it. ``redraws`` gives the shape in which others are written that are
    neither carried nor approximated (:mod:`encord_convert.losses.redraw`); what is not written either is dropped.
    ``keeps_answer`` tells of an attribute and its answer whether that survives though answers do not: a format may have
    columns for some, such as that an object is occluded.
    """

    shapes: frozenset[Shape]
    data_types: frozenset[DataType]
    features: frozenset[Feature]
    tolerance_px: float = 0.0
    codes: Mapping[Shape | Feature | tuple[Feature, Shape], str] = field(default_factory=dict)
    approximates: frozenset[Shape] = frozenset()
    one_layer: Literal["objects", "classes"] | None = None
    limits: Limits = Limits()
    alters: frozenset[Feature] = frozenset()
    bounded: frozenset[Shape] = frozenset()
    unwritable: re.Pattern[str] | None = None
    has_file_names: bool = False
    colours_by: Literal["class", "name"] | None = "class"
    keeps_upright: bool = False
    extent: Literal["frame", "unit"] = "frame"
    native: frozenset[str] = frozenset()
    redraws: Mapping[Any, Shape] = field(default_factory=lambda: OUTLINES)
    layered: frozenset[Shape] | None = None
    keeps_answer: Callable[[Any, Any], bool] | None = None

    @property
    def redrawn(self) -> Mapping[Any, Shape]:
        """The shapes that are written as another, which is carried or approximated in its turn."""
        written = self.shapes | self.approximates
        return {shape: form for shape, form in self.redraws.items() if shape not in written and form in written}

    @property
    def is_whole(self) -> bool:
        """Whether whatever is of a shape that is carried survives as it is."""
        changes = self.approximates or self.bounded or self.one_layer or self.limits != Limits() or self.unwritable
        return self.features == frozenset(Feature) and not changes

    @property
    def labels(self) -> bool:
        """Whether any label at all survives, if only in another form."""
        return bool(self.shapes or self.approximates) or Feature.CLASSIFICATIONS in self.features

    def coloured(self, objects: Iterable[Object]) -> Iterator[tuple[Object, str]]:
        """Yield the classes that may stand in the target, each with the colour it has there."""
        seen: dict[str, str] = {}
        for item in objects:
            if item.shape in self.shapes | self.approximates:
                first = seen.setdefault(item.title, item.color)
                yield item, first if self.colours_by == "name" else item.color

    def has(self, feature: Feature, shape: Shape) -> bool:
        """Tell whether a feature of a shape survives."""
        return feature in self.features and not (feature is Feature.OUT_OF_BOUNDS and shape in self.bounded)

    def answers(self, attribute: Any, value: Any, feature: Feature) -> bool:
        """Tell whether an answer survives; ``feature`` is the kind it is of."""
        if feature in self.features:
            return True
        return self.keeps_answer is not None and len(attribute.uid) <= 2 and self.keeps_answer(attribute, value)

    def keeps(self, family: str, name: str) -> bool:
        """Tell whether a key that is native to a family, such as ``image.license``, is written back."""
        words = {family, f"{family}:{name}", f"{family}:{name.partition('.')[0]}"}
        return not self.native.isdisjoint(words)

    def changes_name(self, name: str) -> bool:
        """Tell whether the name of a class or an image has something that the target cannot hold."""
        # Blanks around it: some patterns find a text that stands for something else, which a name does not.
        return self.unwritable is not None and self.unwritable.search(f" {name} ") is not None

    def code(self, what: Shape | Feature, shape: Shape | None = None) -> str:
        """Return the code of losing ``what``; ``shape`` matters for features that shapes lose under different codes."""
        if not isinstance(what, Feature):  # a shape, perhaps of a newer server
            return self.codes.get(what, "UNSUPPORTED_SHAPE")
        own = None if shape is None else self.codes.get((what, shape))
        return own or self.codes.get(what, _CODES.get(what, f"{what.name}_DROPPED"))
