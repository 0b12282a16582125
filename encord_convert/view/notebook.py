"""Notebook views of label sets and rows: a few images with labels, as HTML without a script.

Images are found as for pages; numbers of images and shapes are small.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from encord_convert.formats._finding import beside
from encord_convert.view.drawing import Drawing
from encord_convert.view.labels import NO_SIZE, Classes, Labels
from encord_convert.view.marks import MarkIndex
from encord_convert.view.sample import frames_to_show
from encord_convert.view.thumbnails import Thumbnails, jpeg_uri

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2

IMAGES = 8
"""Images shown of a set."""
SHAPES = 500
"""Shapes shown of an image."""
_SIDE, _WIDTH = 320, 240
_FIGURE = f"display:inline-block;width:{_WIDTH}px;margin:0 8px 8px 0;vertical-align:top;font-size:12px"


def set_html(labels: LabelSet) -> str:
    """Return the first images of a set, below its repr.

    Only these rows are walked; earlier counts are kept.
    """
    kept = [(counts, counts.state()) for counts in (labels.counts, labels.mapping) if counts is not None]
    try:
        rows = list(islice(labels.walk(), IMAGES))
    finally:
        for counts, state in kept:
            counts.restore(state)
    thumbnails = Thumbnails(None if labels.source is None else beside(labels.source))
    classes = Classes()
    drawn = Labels(labels.ontology, classes, MarkIndex())
    figures = [_figure(row, drawn, classes, thumbnails) for row in rows]
    return f"<div><div><code>{escape(repr(labels))}</code></div>{''.join(figures)}{_legend(classes)}</div>"


def row_html(row: LabelRowV2) -> str:
    """Return the first labelled frame of a row, on grey: a row does not know its images."""
    if not row._is_initialised:
        return f"<code>{escape(repr(row))}</code>"
    classes = Classes()
    figure = _figure(row, Labels(row.ontology_structure, classes, MarkIndex()), classes, Thumbnails(None))
    return f"<div>{figure}{_legend(classes)}</div>"


def _figure(row: LabelRowV2, labels: Labels, classes: Classes, thumbnails: Thumbnails) -> str:
    frames = frames_to_show(row)
    frame, size = frames[0], labels.size(row, frames[0])
    image, _ = thumbnails.image(thumbnails.find(row, frame), size, _SIDE)
    width, height = (size[0] or NO_SIZE, size[1] or NO_SIZE)
    ground = f'<rect width="{width}" height="{height}" fill="#b9bec4"/>'
    if image is not None:
        whole = f'width="{width}" height="{height}" preserveAspectRatio="none"'
        ground += f'<image {whole} href="{jpeg_uri(image)}"/>'
    found = list(labels.on(row, frame))
    shapes = "".join(_shape(drawing, classes.all[said["c"]].colour) for said, drawing in found[:SHAPES])
    words = f"{row.data_title}, {len(found)} labels" + (f", frame {frame} of {len(frames)}" if len(frames) > 1 else "")
    return (
        f'<div style="{_FIGURE}"><svg viewBox="0 0 {width} {height}" width="{_WIDTH}" style="display:block">'
        f"{ground}{shapes}</svg>{escape(words)}</div>"
    )


def _shape(drawing: Drawing, colour: str) -> str:
    styles = {
        "a": f'fill="{colour}" fill-opacity=".18" fill-rule="evenodd" stroke-width="2"',
        "l": 'fill="none" stroke-width="2"',
        "p": 'fill="none" stroke-width="6" stroke-linecap="round"',
        "h": 'fill="none" stroke-width="6" stroke-linecap="round" stroke-opacity=".5"',
    }
    return "".join(
        f'<path d="{path}" stroke="{colour}" vector-effect="non-scaling-stroke" {styles[key]}/>'
        for key, path in drawing.paths().items()
    )


def _legend(classes: Classes) -> str:
    names: dict[str, Any] = {}
    for item in classes.all:
        names.setdefault(item.name, item.colour)
    return f'<div style="font-size:12px">{_chips(names.items())}</div>'


def _chips(names: Iterable[tuple[str, str]]) -> str:
    return " ".join(f'<span style="color:{colour}">&#9632;</span> {escape(name)}' for name, colour in names)
