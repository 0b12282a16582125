"""Tables of what a command prints: drawn on a terminal and in a notebook, plain columns in a pipe."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from encord_convert.cli._progress import is_notebook, is_terminal

_NUMBER = re.compile(r"([-+]?\d[\d.e+-]*|-)?")


class Section(NamedTuple):
    """A table below a title; without rows it is left out, and without heads the columns have none."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def numbers(self) -> list[bool]:
        """Tell which columns hold numbers, and stand to the right."""
        return [all(map(_NUMBER.fullmatch, map(text_of, column))) for column in zip(*self.rows, strict=True)]


def show(first: str, sections: Sequence[Section], last: str = "") -> None:
    """Print a line, and tables below it."""
    filled = [section for section in sections if section.rows]
    if not (is_terminal(sys.stdout) or is_notebook()):
        lines = [first, *(line for section in filled for line in _plain(section)), *(["", last] if last else [])]
        click.echo("\n".join(lines))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(first))
    for section in filled:
        drawn = Table(box=box.SIMPLE_HEAD, title=section.title, title_justify="left", title_style="bold",
                      show_header=bool(section.heads))  # fmt: skip
        for head, is_number in zip(section.heads or [""] * len(section.rows[0]), section.numbers(), strict=True):
            drawn.add_column(Text(head), justify="right" if is_number else "left", overflow="fold")
        for row in section.rows:
            drawn.add_row(*(Text(text_of(value)) for value in row))
        console.print(drawn)
    if last:
        console.print(Text(last))


def _plain(section: Section) -> list[str]:
    """Return a title and columns below it, numbers to the right, the last text as long as it is."""
    lines = [[text_of(value) for value in row] for row in section.rows]
    if section.heads:
        lines.insert(0, list(section.heads))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, section.numbers(), strict=True)
        )
        for line in lines
    )
    return ["", section.title, *(f"  {line}".rstrip() for line in padded)]


def text_of(value: Any) -> str:
    """Return what stands in a cell, in one line and without what a terminal would act on."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
