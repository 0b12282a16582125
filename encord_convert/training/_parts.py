"""What all targets share: their options, and the walk over rows into splits."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_convert.errors import OptionError, WriteError
from encord_convert.formats._coco_images import frames_of
from encord_convert.formats._files import Source, Target, source_at
from encord_convert.labelset import LabelSet
from encord_convert.losses import Carries, Feature, Level
from encord_convert.placement import frame_size
from encord_convert.prediction import account
from encord_convert.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.skeletons import KnownPoints
from encord_convert.training.pictures import Pictures, Placing
from encord_convert.training.splits import Splits, group_of


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a training target is written; what survives does not depend on it."""

    images: str | None = field(default=None, metadata={"help": "Folder or ZIP with the pictures."})
    pictures: Placing = field(default="link", metadata={"help": "What to do with the pictures that are found."})
    split: str = field(
        default="train=0.8,val=0.1,test=0.1", metadata={"help": "Share of each split; they add up to 1."}
    )
    seed: int = field(default=0, metadata={"help": "Another seed, another assignment to the splits."})
    group: str = field(
        default="row", metadata={"help": "What stays in one split: row, folder, or a key of the client metadata."}
    )

    def __post_init__(self) -> None:
        Splits.parse(self.split, self.seed)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture, and what is written of its labels.

    ``name`` is the picture's below the folder of its ``split``; ``placed`` holds objects with their coordinates.
    """

    split: str
    name: str
    frame: int
    size: tuple[int, int]
    placed: list[tuple[Any, Any]]


def base_carries(
    shapes: set[Shape], approximates: Mapping[Shape, str], features: set[Feature], negatives: str, **more: Any
) -> Carries:
    """Return what a target carries: training code sees pictures and geometry, and nothing of the rest.

    ``approximates`` names, by shape, the code of its being written in another form.
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
        keeps_upright=Shape.BOUNDING_BOX in shapes,
        **more,
    )


def shots(
    labels: LabelSet,
    target: Target,
    options: TrainingOptions,
    report: Report,
    carries: Carries,
    folders: Mapping[str, str],
    *,
    by_stem: bool = False,
) -> Iterator[Shot]:
    """Walk all pictures to write, each in its split, put them in place and keep account of what is lost.

    Parameters
    ----------
    carries : Carries
        With ``EMPTY_ROWS``, pictures on which nothing is written are negative examples; without, they are left out.
    folders : dict of str to str
        Where the pictures of each split lie in the target.
    by_stem : bool
        As of :class:`~encord_convert.training.pictures.Pictures`.

    Raises
    ------
    WriteError
        The folder to write has something in it: what lay there would be trained on.
    """
    if not target.clear and target.path.is_dir() and any(target.path.iterdir()):
        raise WriteError(
            f"{target.path}: not written, since there is something in that folder, which would be trained on too. "
            "Name a new one."
        )
    splits = Splits.parse(options.split, options.seed)
    counts: Counter[str] = Counter()
    known_points = KnownPoints(labels.ontology, carries.tolerance_px)
    with _opened(options.images) as source:
        pictures = Pictures(source, options.pictures, target, report, by_stem)
        for row in report.rows(labels, carries):
            written = account(report, row, carries, known_points)
            group = group_of(row, options.group)
            if group is None:
                detail = f"Rows have no {options.group!r} in their client metadata; each is a group of its own."
                report.note(Level.WARNING, "GROUP_UNKNOWN", detail)
            split = splits.of(group_of(row, "row") or "" if group is None else group)
            frames = frames_of(row, _labelled(row), everything=False)
            if not frames:
                report.note(Level.WARNING, "UNLABELLED_VIDEO", "A video without labels gives no picture to train on.")
            for frame in frames:
                if frame not in written and Feature.EMPTY_ROWS not in carries.features:
                    continue
                counts[split] += 1
                counts["empty"] += frame not in written
                placed = [(one, one._frames[frame].coordinates) for one in written.get(frame, ())]
                name = pictures.place(row, frame, folders[split])
                yield Shot(split, name, frame, frame_size(row, frame), placed)
        pictures.close()
    _note(report, splits, counts, options)


def _labelled(row: Any) -> set[int]:
    return {frame for instance in row._objects.values() for frame in instance._frames}


def _note(report: Report, splits: Splits, counts: Counter[str], options: TrainingOptions) -> None:
    shares = ", ".join(f"{name} {counts[name]}" for name in splits.names)
    report.note(Level.INFO, "SPLIT", f"Pictures: {shares}; of them {counts['empty']} without a label.")
    for name in splits.names:
        if not counts[name]:
            report.note(Level.WARNING, "EMPTY_SPLIT", f"No picture is in the split {name!r}.")
    if options.images is None:
        report.note(Level.INFO, "NO_PICTURES", "No folder of pictures was named; theirs are to be filled by hand.")


@contextlib.contextmanager
def _opened(images: str | None) -> Iterator[Source | None]:
    if images is None:
        yield None
        return
    if images == "-":
        raise OptionError("images=- is not allowed; it takes a folder or a ZIP archive.")
    with source_at(images) as source:
        yield source
