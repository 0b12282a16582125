"""The page of a label set: images with labels, filters, and losses, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from encord_convert.hub.splits import UNNAMED
from encord_convert.view.choice import Choice, has_images
from encord_convert.view.content import Content
from encord_convert.view.labels import FRAME, NO_SIZE
from encord_convert.view.marks import MINOR, Line, Marks
from encord_convert.view.markup import json_markup, raw_markup, rendered
from encord_convert.view.sample import Sampled
from encord_convert.view.thumbnails import Thumbnails, jpeg_uri

SIDES = ((60, 960), (250, 640))
"""Thumbnail size in pixels by number of images; beyond that :data:`SIDE`."""
SIDE = 320


def page(
    choice: Choice,
    marks: Marks,
    thumbnails: Thumbnails,
    *,
    title: str,
    facts: Iterable[tuple[str, Any]] = (),
    command: str = "",
    notices: Sequence[str] = (),
    marked_words: str = "losses",
) -> Iterator[str]:
    """Yield the page of the chosen images in pieces; images are decoded lazily.

    Parameters
    ----------
    choice : Choice
    marks : Marks
    thumbnails : Thumbnails
    title : str
    facts : iterable of (str, object)
        Shown below the title.
    command : str
        The command that made the page.
    notices : sequence of str
        Important sentences, such as that not all images are shown.
    marked_words : str
        Label of the filter for marked images.
    """
    blocks = _Blocks(choice, thumbnails)
    counts = choice.counts
    classes, shapes = _summed(choice, counts)
    return rendered(
        "view.html",
        "view.js",
        title=title,
        facts=list(facts),
        command=command,
        notices=notices,
        lines=marks.lines,
        classes=classes,
        shapes=shapes,
        splits=_splits(choice.shown),
        shown=len(choice.shown),
        total=choice.images,
        minor=MINOR,
        marked_words=marked_words,
        is_marked=any(marks.lines[number].gravity < MINOR for image in choice.shown for number in image.content.lines),
        blocks=blocks,
        index=lambda: json_markup({
            "classes": choice.classes.all,
            "rows": blocks.rows(),
            "minor": MINOR,
            "lines": [_in_index(line) for line in marks.lines],
        }),
    )  # fmt: skip


class _Blocks:
    """The images of a page as JSON blocks; the index is known after walking them."""

    def __init__(self, choice: Choice, thumbnails: Thumbnails) -> None:
        self._shown = choice.shown
        self._thumbnails = thumbnails
        self._sizes: list[tuple[int, int]] = []
        self._has_images = has_images(choice)
        self._side = next((side for most, side in SIDES if len(choice.shown) <= most), SIDE)

    def __iter__(self) -> Iterator[Any]:
        from markupsafe import Markup

        self._sizes.clear()
        for shown in self._shown:
            content = shown.content
            image, note = self._thumbnails.image(content.image, shown.size, self._side)
            size = shown.size
            if not all(size):  # shapes of an image without a size are drawn on a square
                is_free = image is not None and not content.counts
                size = NO_SIZE, round(NO_SIZE * image.height / image.width) if is_free else NO_SIZE
            self._sizes.append(size)
            more: dict[str, Any] = {}
            if image is not None:
                more["i"] = jpeg_uri(image)
            if content.overlay:
                more["o"] = content.overlay
            if notes := [*content.notes, *([note] if note and self._has_images else [])]:
                more["n"] = notes
            text = msgspec.json.encode(more | {"s": msgspec.Raw(content.labels)})
            yield Markup(raw_markup(text))

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the images, the most severe marks first, with filter data."""
        rows: dict[int, dict[str, Any]] = {}
        ranks: dict[int, int] = {}
        for number, (shown, (width, height)) in enumerate(zip(self._shown, self._sizes, strict=True)):
            row = rows.setdefault(shown.row, {"t": shown.title, "s": shown.split, "file": shown.file, "f": []})
            lines = sorted(shown.content.lines)
            row["f"].append(
                {"n": shown.frame, "b": number, "w": width, "h": height, "c": sorted(shown.content.counts), "m": lines}
            )
            ranks[shown.row] = min([ranks.get(shown.row, _NO_RANK), *lines])
        return [rows[number] for number in sorted(rows, key=lambda number: (ranks[number], number))]


_NO_RANK = 1 << 60


def _in_index(line: Line) -> dict[str, Any]:
    places = [(str(where), sentence) for where, sentence in line.places]
    return {
        "code": line.code,
        "verb": line.verb,
        "count": line.count,
        "things": line.things,
        "gravity": line.gravity,
        "places": places,
    }


def _summed(choice: Choice, counts: Counter[int]) -> tuple[list[Any], list[Any]]:
    """Return classes with colours, and shapes, by number of labels, descending."""
    classes: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    colours: dict[str, str] = {}
    for number, one in enumerate(choice.classes.all):
        classes[one.name] += counts[number]
        shapes[one.shape] += counts[number]
        if one.shape != FRAME:
            colours.setdefault(one.name, one.colour)
    return (
        [(name, count, colours.get(name, "")) for name, count in classes.most_common()],
        [(name, count, "") for name, count in shapes.most_common()],
    )


def _splits(shown: Iterable[Sampled[Content]]) -> list[tuple[str, int, str]]:
    found = Counter(image.split for image in shown)
    return [(name, count, "") for name, count in found.items()] if found.keys() - {"", UNNAMED} else []
