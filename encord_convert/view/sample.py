"""Samples the images to show: all, or up to a limit, evenly spaced and deterministic.

Needs one walk and constant memory. Images whose index is a multiple of the stride are rendered; at twice the limit the
stride doubles and every other is dropped. Unsampled images are not rendered; table rows are not even made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from encord_convert.errors import WriteError
from encord_convert.formats.coco.write_images import frames_of
from encord_convert.hub.splits import split_of
from encord_convert.hub.table import Table
from encord_convert.hub.visibility import frame_size

if TYPE_CHECKING:
    from collections.abc import Set

    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2

T = TypeVar("T")
LIMIT = 1_000
"""Default number of images of a page."""
MOST_SHAPES = 100_000
"""Most shapes of a page; beyond that fewer images are shown."""

Frames = Mapping[str, "Set[int]"]
"""Frames by row title."""


@dataclass(slots=True)
class Sampled(Generic[T]):
    """One shown image.

    Parameters
    ----------
    number, row : int
        Index among all images, and among all rows.
    title, file, split : str
        Those of its row; empty if unknown.
    copy : int
        Number of earlier rows with the same title.
    frame : int
    size : (int, int)
        Width and height in pixels; 0: unknown.
    content : T
        The rendered content.
    shapes : int
        Number of shapes in it.
    """

    number: int
    row: int
    title: str
    file: str
    split: str
    copy: int
    frame: int
    size: tuple[int, int]
    content: T
    shapes: int

    @property
    def key(self) -> tuple[str, int, int]:
        """Key that identifies it, also in another set with the same rows."""
        return self.title, self.copy, self.frame


@dataclass(slots=True)
class Sample(Generic[T]):
    """The images that are shown, in their order, of ``images`` in ``rows``."""

    shown: list[Sampled[T]] = field(default_factory=list)
    images: int = 0
    rows: int = 0


def sample(
    labels: LabelSet,
    render: Callable[[LabelRowV2, int], tuple[T, int]],
    *,
    limit: int = LIMIT,
    first: Frames | None = None,
    only_first: bool = False,
    tells_copies: bool = False,
) -> Sample[T]:
    """Choose images of a label set and render them.

    Parameters
    ----------
    labels : LabelSet
        Walked once. Of multi-frame rows labelled frames count, or all if none are.
    render : callable
        From a row and a frame to the content and its number of shapes.
    limit : int
        How many images.
    first : mapping, optional
        Frames by title to show before others, at most ``limit``.
    only_first : bool
        Show only those.
    tells_copies : bool
        Whether to count rows of equal titles, so that keys match those of another set.
    """
    first = first or {}
    found: Sample[T] = Sample()
    named: list[Sampled[T]] = []
    spaced: list[Sampled[T]] = []
    copies: dict[str, int] = {}
    stride, weight = 1, 0
    for row_number, (title, split, frames, row_at) in enumerate(_rows(labels, first)):
        found.rows += 1
        wanted = first.get(title, ())
        copy = copies[title] = copies.get(title, -1) + 1 if tells_copies else 0
        for frame in frames:
            number = found.images
            found.images += 1
            is_named = frame in wanted
            if not is_named and (only_first or number % stride):
                continue
            row = row_at()
            content, shapes = render(row, frame)
            weight += 0 if is_named else shapes
            image = Sampled(number, row_number, title, row._origin or "", split, copy, frame, frame_size(row, frame),
                            content, shapes)  # fmt: skip
            (named if is_named else spaced).append(image)
            if len(spaced) > 2 * limit or weight > 2 * MOST_SHAPES:
                stride *= 2
                spaced = [item for item in spaced if not item.number % stride]
                weight = sum_of(spaced)
    rest = thinned(spaced, max(0, limit - len(named)))
    found.shown = sorted(thinned(named, limit) + rest, key=lambda image: image.number)
    return found


def thinned(images: list[Sampled[T]], limit: int) -> list[Sampled[T]]:
    """Return up to ``limit`` images, evenly spaced, fewer if they have too many shapes."""
    shapes = sum_of(images)
    if shapes > MOST_SHAPES:
        limit = max(1, min(limit, len(images)) * MOST_SHAPES // shapes)
    if len(images) <= limit:
        return images
    return [images[number * len(images) // limit] for number in range(limit)]


def sum_of(images: list[Sampled[T]]) -> int:
    """Return the total number of shapes."""
    return sum(image.shapes for image in images)


_Row = tuple[str, str, "range | list[int]", Callable[[], "LabelRowV2"]]


def _rows(labels: LabelSet, first: Frames) -> Iterator[_Row]:
    """Yield title, split and frames of every row, and a function that makes it."""
    for item in labels.tables():
        if isinstance(item, Table):
            for number, title in enumerate(item.titles):
                split = split_of(item.client_metadata.get(number))
                yield title, split, _ONE, lambda table=item, number=number: table.row(number)  # type: ignore[misc]
        else:
            yield item.data_title, split_of(item.client_metadata), frames_to_show(item, first), lambda row=item: row  # type: ignore[misc]


_ONE = range(1)


def frames_to_show(row: LabelRowV2, first: Frames = MappingProxyType({})) -> list[int]:
    """Return the frames of a row to show: labelled ones and those in ``first``, else all."""
    labelled = {
        frame for instance in (*row._objects.values(), *row._classifications.values()) for frame in instance._frames
    }
    labelled.update(frame for frame in first.get(row.data_title, ()) if 0 <= frame < max(row.number_of_frames, 1))
    try:
        return frames_of(row, labelled, everything=False) or [0]
    except WriteError:  # an implausible number of frames without labels
        return [0]
