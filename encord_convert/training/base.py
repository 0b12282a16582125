"""What all targets share: their options, and the walk over rows into splits."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_convert.errors import OptionError, WriteError
from encord_convert.formats._files import Target, source_at
from encord_convert.formats._finding import Finder, beside
from encord_convert.formats.coco.native import FAMILY, Kept
from encord_convert.formats.coco.write_images import frames_of
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Level, Where
from encord_convert.hub.native import Keys, Native
from encord_convert.losses.geometry import Reason
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.training.images import Images, Placing
from encord_convert.training.splits import DEFAULT, KEEP, Assignment, Splits

OWN_EXTENTS = frozenset({f"{FAMILY}:annotation.bbox", f"{FAMILY}:annotation.area"})
"""Native keys that are written: boxes and areas that differ from the geometry's, as for people with keypoints."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Options of training targets; they do not change what survives."""

    images: str | None = field(
        default=None, metadata={"help": "Folder or ZIP with the images; by default they are looked for by the labels."}
    )
    image_files: Placing = field(default="link", metadata={"help": "What to do with images that are found."})
    split: str | None = field(
        default=None,
        metadata={"help": f"Shares that add up to 1, or keep; by default those of the source, else {DEFAULT}."},
    )
    seed: int = field(default=0, metadata={"help": "Seed of the assignment to splits."})
    group: str = field(
        default="row",
        metadata={"help": "What stays together in one split: row, folder, or a key of the client metadata."},
    )

    def __post_init__(self) -> None:
        if self.split not in (None, KEEP):
            Splits.parse(self.split, self.seed)

    def assignment(self, labels: LabelSet, carries: Carries) -> Assignment:
        """Return the assignment of rows to splits."""
        shapes = carries.shapes | carries.approximates

        def is_written(row: Any) -> bool:
            if Feature.EMPTY_ROWS in carries.features:
                return bool(frames_of(row, _labelled(row), everything=False))
            return any(object_._frames and object_.ontology_item.shape in shapes for object_ in row._objects.values())

        return Assignment(labels, self.split, self.seed, self.group, is_written)


@dataclass(frozen=True, slots=True)
class Shot:
    """One image with the labels to write.

    ``name`` is the image's below the folder of its ``split``; ``placed`` holds objects with their coordinates;
    ``native`` is COCO's native data. ``put``, if not None, puts the image into a target.
    """

    split: str
    name: str
    frame: int
    size: tuple[int, int]
    placed: list[tuple[Any, Any]]
    native: Native | None = None
    put: Callable[[Target], None] | None = None

    def own(self, instance: Any) -> Keys:
        """Return the source's own box and area of an object, if they differ from its geometry's."""
        return {} if self.native is None else self.native.of(instance.object_hash, self.frame)

    def own_box(self, instance: Any) -> tuple[float, float, float, float] | None:
        """Return left, top, right and bottom as stated by the source, clipped to the image; None if not stated."""
        bbox = self.own(instance).get("bbox")
        if bbox is None:
            return None
        left, top, width, height = bbox
        right, bottom = min(left + width, self.size[0]), min(top + height, self.size[1])
        box = max(left, 0), max(top, 0), right, bottom
        return box if box[2] > box[0] and box[3] > box[1] else None


def base_carries(
    shapes: set[Shape], approximates: Mapping[Shape, str], features: set[Feature], negatives: str, **more: Any
) -> Carries:
    """Return what a target carries: only images and geometry.

    ``approximates`` maps shapes written in another form to the loss code.
    """
    kept = {Feature.EMPTY_ROWS} if negatives == "keep" else set()
    codes = {
        **approximates,
        Feature.HOLES: "HOLES_FILLED",
        Feature.OUT_OF_BOUNDS: "CLIPPED",
        Feature.UNKNOWN_POINTS: "KEYPOINT_UNKNOWN",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
        (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
        **more.pop("codes", {}),
    }
    return Carries(
        shapes=frozenset(shapes),
        data_types=frozenset({DataType.IMAGE}),
        features=frozenset(features | kept),
        approximates=frozenset(approximates),
        tolerance_px=0.005,
        codes=codes,
        colours_by=None,
        has_file_names=True,
        keeps_upright=Shape.BOUNDING_BOX in shapes,
        **more,
    )


def shots(
    narrowed: Narrowed,
    target: Target,
    options: TrainingOptions,
    folders: Mapping[str, str],
    assignment: Assignment,
    *,
    by_stem: bool = False,
) -> Iterator[Shot]:
    """Yield all images to write, each in its split, with notes; nothing is written.

    Parameters
    ----------
    narrowed : Narrowed
        If it carries ``EMPTY_ROWS``, images without labels are negative examples; else they are left out.
    target : Target
    folders : dict of str to str
        Image folder of each split in the target.
    assignment : Assignment
        Assignment of rows to splits.
    by_stem : bool
        As of :class:`~encord_convert.training.images.Images`.

    Raises
    ------
    WriteError
        The output folder is not empty, whose files would be trained on; or no image is found although needed; or no
        image is left for training.
    """
    if not target.clear and target.path.is_dir() and any(target.path.iterdir()):
        raise WriteError(
            f"{target.path}: not written, since the folder is not empty, and its files would be trained on too. "
            "Name a new one."
        )
    counts: Counter[str] = Counter()
    labels, carries = narrowed.labels, narrowed.carries
    with _finder(labels, options.images) as finder:
        kept = Kept(labels)
        images = Images(finder, options.image_files, narrowed.note, by_stem)
        members: dict[int, str | None] = {}

        def is_given(row: Any) -> Reason | None:
            """Find the images of a row; return why it is left out if another row has one of them."""
            frames = frames_of(row, _labelled(row), everything=False)
            found = images.find(row, frames)
            members.clear()
            members.update(found or {})
            return None if found is not None else _twice(row, len(frames), narrowed)

        for left in narrowed.rows(is_given):
            row, written = left.row, left.on_frames()
            split = assignment.of(row, narrowed.note)
            if not members:
                narrowed.note(Level.WARNING, "UNLABELLED_VIDEO", "A video without labels gives no image to train on.")
            before = counts[split]
            for frame, member in members.items():
                if frame not in written and Feature.EMPTY_ROWS not in carries.features:
                    continue
                counts[split] += 1
                counts["empty"] += frame not in written
                placed = [(item, item._frames[frame].coordinates) for item in written.get(frame, ())]
                name, size, put = images.place(row, frame, member, split, folders[split])
                shot = Shot(split, name, frame, size, placed, kept.of(row), put)
                if carries.native and shot.native is not None:
                    _note_cuts(shot, narrowed)
                yield shot
            assignment.count(row, split, counts[split] - before)
        images.close()
        total = sum(counts[name] for name in assignment.names)
        _note_missing(narrowed, target, options, images, total)
    assignment.say(narrowed.note)
    _note(target, narrowed, assignment, counts)


def _note_cuts(shot: Shot, narrowed: Narrowed) -> None:
    """Note stated boxes that leave their image."""
    for instance, _ in shot.placed:
        bbox = shot.own(instance).get("bbox")
        if bbox is None:
            continue
        left, top, width, height = bbox
        if min(left, top) < 0 or left + width > shot.size[0] + 0.01 or top + height > shot.size[1] + 0.01:
            detail = "A box that differs from its geometry leaves the image; it is clipped."
            narrowed.note(Level.INFO, "CLIPPED", detail)


def _labelled(row: Any) -> set[int]:
    return {frame for instance in row._objects.values() for frame in instance._frames}


def _twice(row: Any, images: int, narrowed: Narrowed) -> Reason:
    """Return why a row is left out whose image another row has, and note it."""
    detail = f"Another row already has the image of {row.data_title!r}; this row is left out."
    narrowed.note(Level.WARNING, "DUPLICATE_IMAGE", detail, Where(file=row._origin, row=row.data_title))
    return Reason("DUPLICATE_IMAGE", Feature.MEDIA, detail, images)


def _note_missing(narrowed: Narrowed, target: Target, options: TrainingOptions, images: Images, total: int) -> None:
    """Note how many images were not found.

    Raises
    ------
    WriteError
        None was found, and images are needed.
    """
    missing = images.missing
    if not missing:
        return
    is_left, labels = options.image_files == "leave", narrowed.labels
    if options.images is None and labels.source is None:
        level = Level.INFO if is_left else Level.WARNING
        narrowed.note(level, "NO_IMAGES", "Only labels were written, since no image folder was given.")
        return
    where = f"in {options.images}" if options.images is not None else f"next to the labels in {labels.source.name}"
    none = "its only image is not" if total == 1 else f"none of the {total} images is"
    if missing == total and not is_left:
        raise WriteError(
            f"{target.path}: not written, since {none} {where}. Name their folder with "
            "--images DIR, or write only the labels with --image-files leave."
        )
    level = Level.INFO if is_left and missing == total else Level.WARNING
    detail = f"{missing} of {total} images are not {where}; their labels are written."
    narrowed.note(level, "MISSING_MEDIA", detail, images.first_missing, missing)


def _note(target: Target, narrowed: Narrowed, assignment: Assignment, counts: Counter[str]) -> None:
    """Note the number of images per split.

    Raises
    ------
    WriteError
        No image is left to train on.
    """
    names = assignment.names
    narrowed.splits = {name: counts[name] for name in names if counts[name]}
    shares = ", ".join(f"{name} {counts[name]}" for name in names)
    if "train" in names and not counts["train"] and any(counts[name] for name in names):
        raise WriteError(
            f"{target.path}: not written, since no image is left to train on: {shares}. Give other shares with "
            "--split train=0.8,val=0.2, another --seed, or smaller groups with --group."
        )
    narrowed.note(Level.INFO, "SPLIT", f"Images: {shares}; {counts['empty']} of them without labels.")
    for name in names:
        if not counts[name]:
            narrowed.note(Level.WARNING, "EMPTY_SPLIT", f"The split {name!r} has no images.")


@contextlib.contextmanager
def _finder(labels: LabelSet, images: str | None) -> Iterator[Finder | None]:
    if images == "-":
        raise OptionError("images=- is not allowed; it takes a folder or a ZIP archive.")
    if images is None and labels.source is None:
        yield None
        return
    if images is None:
        yield beside(labels.source)
        return
    with source_at(images) as source:
        yield Finder(source)
