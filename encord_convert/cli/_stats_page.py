"""The page of ``encord-convert stats``: its tables, and plots as SVG. It loads nothing and runs nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from encord_convert.cli._tables import Section, text_of
from encord_convert.cli.stats import SIZES, SPREADS, headline, sections

BARS = 40
"""Classes that have a bar."""
CELLS = 20
"""Classes of the grid of what stands on one image."""
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.3rem }
:root { color-scheme: light dark }
table { border-collapse: collapse; margin-bottom: 2rem }
th, td { border-bottom: 1px solid #8884; padding: .25rem .6rem; text-align: left; vertical-align: top }
.number { text-align: right; font-variant-numeric: tabular-nums }
figure { display: inline-block; margin: 0 2rem 1rem 0; vertical-align: top }
svg { display: block; font: 12px system-ui, sans-serif }
svg text { fill: currentColor } svg rect { fill: #2a7ab8 }
"""


def stats_page(form: dict[str, Any]) -> str:
    """Return the page of the numbers; whatever comes from sources is escaped."""
    title = headline(form)
    classes: Counter[str] = Counter()
    for one in form["classes"]:
        classes[one["class"]] += one["annotations"]
    figures = [
        _bars("annotations of each class", [(name or "(no class)", count) for name, count in classes.most_common(BARS)])
    ]
    for key, words in SPREADS.items():
        bars = form[key].get("histogram", ())
        figures.append(_bars(words, [(_range(one, is_whole="per_image" in key), one["count"]) for one in bars]))
    figures.append(
        _grid("images that have both classes", [name for name, _ in classes.most_common(CELLS)], form["pairs"])
    )
    return "".join([
        "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\n"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n",
        *figures, *map(_table, sections(form)), f"<p>{escape(SIZES)}\n</html>\n",
    ])  # fmt: skip


def _range(bar: dict[str, int], *, is_whole: bool) -> str:
    low, high = bar["from"], bar["to"] - is_whole
    return f"{low}" if low == high else f"{low}–{high}"


def _bars(title: str, bars: Sequence[tuple[str, int]]) -> str:
    """Return horizontal bars, each with its name before and its count behind it."""
    most = max((count for _, count in bars), default=0)
    if not most:
        return ""
    left = 8 * min(max(len(name) for name, _ in bars), 24) + 10
    rows = []
    for number, (name, count) in enumerate(bars):
        y, width = 20 * number, 240 * count / most
        rows.append(
            f"<text x={left - 6} y={y + 14} text-anchor=end>{escape(_short(name))}<title>{escape(name)}</title></text>"
            f"<rect x={left} y={y + 3} width={width:.1f} height=14 />"
            f"<text x={left + width + 5:.1f} y={y + 14}>{count}</text>\n"
        )
    return _figure(title, left + 320, 20 * len(bars), rows)


def _grid(title: str, names: Sequence[str], pairs: Iterable[dict[str, Any]]) -> str:
    """Return a grid whose cells are the darker the more images have both classes."""
    places = {name: number for number, name in enumerate(names)}
    found = [(*(places[name] for name in one["classes"]), one["images"]) for one in pairs
             if all(name in places for name in one["classes"])]  # fmt: skip
    most = max((count for *_, count in found), default=0)
    if not most:
        return ""
    rows = [f"<text x=190 y={20 * number + 14} text-anchor=end>{escape(_short(name or '(no class)'))}</text>"
            for name, number in places.items()]  # fmt: skip
    for one, other, count in found:
        words = escape(f"{names[one]}, {names[other]}: {count}")
        for x, y in ((one, other), (other, one)):
            rows.append(f"<rect x={200 + 20 * x} y={20 * y} width=19 height=19 fill-opacity={count / most:.3f}>"
                        f"<title>{words}</title></rect>\n")  # fmt: skip
    return _figure(title, 200 + 20 * len(names), 20 * len(names), rows)


def _figure(title: str, width: int, height: int, rows: Iterable[str]) -> str:
    return (
        f"<figure><figcaption><b>{escape(title)}</b></figcaption>\n"
        f'<svg width={width} height={height} role=img aria-label="{escape(title)}">\n{"".join(rows)}</svg></figure>\n'
    )


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    kinds = [" class=number" if is_number else "" for is_number in section.numbers()]
    heads = "".join(f"<th{kind}>{escape(head)}" for head, kind in zip(section.heads, kinds, strict=True))
    rows = ("".join(f"<td{kind}>{escape(text_of(value))}" for value, kind in zip(row, kinds, strict=True))
            for row in section.rows)  # fmt: skip
    return (
        f"<h2>{escape(section.title)}</h2>\n<table><tr>{heads}\n"
        + "".join(f"<tr>{row}\n" for row in rows)
        + "</table>\n"
    )
