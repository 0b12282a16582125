"""``encord-convert stats``: how much of what, how large, and what stands together."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import click

from encord_convert.cli._options import from_option, options_from, overwrite_option, read_option
from encord_convert.cli._outputs import guarded
from encord_convert.cli._progress import Bars
from encord_convert.cli._tables import Section, show
from encord_convert.conversion import read
from encord_convert.formats._files import source_at, whole_file
from encord_convert.hub.stats import Stats
from encord_convert.losses.report import Report
from encord_convert.losses.wording import plural

MOST_SPLITS = 6
"""Splits that have a column each."""
SHOWN = 10
"""Pairs, image sizes and attributes that are shown; --json has the rest."""
ANSWERS = 5
SPREADS = {
    "annotation_side_px": "annotation side, px",
    "annotation_side_percent": "annotation side, % of the image's",
    "annotations_per_image": "annotations per image",
    "image_width_px": "image width, px",
    "image_height_px": "image height, px",
}
"""What is described by quantiles, in words."""
QUANTILES = ("mean", "p5", "p25", "median", "p75", "p95")
SIZES = "The side is the root of the area. By area, as COCO has it, small is below 32² px and large from 96² px on."


@click.command(short_help="Count classes, shapes, splits, sizes and answers of label sets.")
@click.argument("sources", nargs=-1, required=True)
@from_option("the sources")
@read_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--html", "page", metavar="FILE", help="Write a page with plots, which loads nothing.")
@overwrite_option
def stats(
    sources: tuple[str, ...],
    from_: str | None,
    read_options: tuple[str, ...],
    as_json: bool,
    page: str | None,
    overwrite: bool,
) -> None:
    """Say how much SOURCES hold together: classes in each shape and split, sizes, answers, and which classes stand on
    one image. Nothing else is written.
    """
    outputs: contextlib.AbstractContextManager[bool] = contextlib.nullcontext(False)
    if page:
        outputs = guarded(page, sources, overwrite=overwrite, what="page")
    with outputs:
        form = stats_of(sources, from_, options_from(read_options, "-r"))
        if page:
            from encord_convert.cli._stats_page import stats_page

            with whole_file(page, "the page") as stream:
                stream.write(stats_page(form))
    if as_json:
        click.echo(json.dumps(form, indent=1, ensure_ascii=False))
    elif not page:
        show(headline(form), sections(form), SIZES if form["annotation_side_px"] else "")


def stats_of(sources: Sequence[str], from_: str | None, options: dict[str, str]) -> dict[str, Any]:
    """Return the numbers of all sources together, and what each of them is."""
    together, read_from = Stats(), []
    for path in sources:
        report = Report()
        with source_at(path) as source, Bars() as bars:
            together.add(read(bars.of(source), from_, report=report, **options))
        read_from.append({"path": report.source.path, "format": report.source.format})
    return {"sources": read_from, **together.to_dict()}


def headline(form: dict[str, Any]) -> str:
    """Return what was read, and how much there is."""
    sources = form["sources"]
    formats = ", ".join(dict.fromkeys(one["format"] for one in sources))
    name = sources[0]["path"] if len(sources) == 1 else f"{len(sources)} sources"
    words = [f"{count} {plural(noun, count)}{more}" for count, noun, more in (
        (form["images"], "image", ""),
        (form["annotations"], "annotation", ""),
        (form["images_without_labels"], "image", " without labels"),
        (form["dropped_in_reading"], "annotation", " not read: `encord-convert info` says why"),
    ) if count or not more]  # fmt: skip
    return f"{name}: {formats}, {', '.join(words)}"


def sections(form: dict[str, Any]) -> list[Section]:
    """Return the tables of the numbers."""
    spreads = [(words, *(form[key][name] for name in QUANTILES)) for key, words in SPREADS.items() if form[key]]
    image_sizes = [(f"{one['width']} × {one['height']}", one["images"]) for one in form["image_sizes"]]
    splits = [(name or "(none)", *one.values()) for name, one in form["splits"].items()]
    return [
        Section("splits", ("split", "images", "without labels", "annotations"), splits if any(form["splits"]) else ()),
        _classes(form),
        Section("sizes", ("", *QUANTILES), [(words, *map(float, numbers)) for words, *numbers in spreads]),
        Section("images", ("size, px", "images"), _first(image_sizes, 2)),
        Section("classes on one image", ("class", "with", "images"),
                _first([(*map(_named, one["classes"]), one["images"]) for one in form["pairs"]], 3)),
        Section("answers", ("class", "attribute", "answers"),
                _first([(_named(one["class"]), one["attribute"], _answers(one)) for one in form["answers"]], 3)),
    ]  # fmt: skip


def _classes(form: dict[str, Any]) -> Section:
    """Return the table of classes and shapes, the most frequent first, without columns that say nothing."""
    rows = sorted(form["classes"], key=lambda one: -one["annotations"])
    splits = [name for name in form["splits"] if len(form["splits"]) > 1] if len(form["splits"]) <= MOST_SPLITS else []
    columns: list[tuple[str, list[Any]]] = [
        ("class", [_named(one["class"]) for one in rows]),
        ("shape", [one["shape"].replace("_", " ") for one in rows]),
        ("annotations", [one["annotations"] for one in rows]),
    ]
    columns += [(name or "(no split)", [one["splits"].get(name, 0) for one in rows]) for name in splits]
    on_images = [one["on_images"] for one in rows]
    if on_images != columns[2][1]:
        columns.append(("on images", on_images))
    columns += [(name, counts) for name in ("tracks", "small", "medium", "large")
                if any(counts := [one[name] for one in rows])]  # fmt: skip
    if any(one["side_px"] for one in rows):
        columns.append(("median side, px", [one["side_px"].get("median", "-") for one in rows]))
    heads = tuple(head for head, _ in columns)
    return Section("classes", heads, list(zip(*(column for _, column in columns), strict=True)))


def _named(label: str) -> str:
    return label or "(no class)"


def _answers(one: dict[str, Any]) -> str:
    answers = list(one["answers"].items())
    words = [f"{text} {count}" for text, count in answers[:ANSWERS]]
    more = len(answers) - ANSWERS
    return ", ".join(words) + (f", and {more}{' or more' * bool(one['further'])} others" if more > 0 else "")


def _first(rows: list[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    if len(rows) <= SHOWN:
        return rows
    return [*rows[:SHOWN], (f"and {len(rows) - SHOWN} more", *[""] * (width - 1))]
