"""Pages of reports: of one conversion, and of a batch with failed jobs first.

Both list losses with file and line, and link to the images of a loss if they are in a folder, and to the page of the
label set if there is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from encord_convert.errors import AmbiguousFileError, ConvertError
from encord_convert.formats._files import FolderSource, source_at
from encord_convert.formats._finding import Finder, beside
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Loss, Where
from encord_convert.losses.report import sum_counts
from encord_convert.losses.wording import minor
from encord_convert.sdk.constants.enums import DataType
from encord_convert.view.marks import MINOR, Line, Marks
from encord_convert.view.markup import rendered

MOST_LINKS = 2_000
"""Most images looked up for one page."""
JOB_PLACES = 3
"""Locations listed per loss of a job; its own report has more."""
_NUMBERS = ("in", "kept", "changed", "dropped")


@dataclass(frozen=True, slots=True)
class Head:
    """Page header: the command, and facts such as version and duration. ``page`` is the output path."""

    page: str
    command: str = ""
    facts: tuple[tuple[str, object], ...] = ()
    view: str = ""
    """The page of the label set, if there is one."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a batch: its report and status."""

    sources: list[str]
    target: str
    status: str
    seconds: float
    error: str
    form: dict[str, Any]

    @property
    def is_failed(self) -> bool:
        """Whether it failed."""
        return self.status == "failed"

    @property
    def sums(self) -> dict[str, int]:
        """Label counts by outcome."""
        return sum_counts(self.form.get("labels", {}).values())

    @property
    def lines(self) -> list[Line]:
        """Its losses, the worst first."""
        return _lines(self.form)

    @property
    def minor(self) -> str:
        """Its minor losses in words."""
        return minor(_losses(self.form))


def report_page(form: dict[str, Any], head: Head) -> Iterator[str]:
    """Yield the page of one conversion, from its report."""
    ends = [form[end] for end in ("source", "target")]
    links = _Links(head.page)
    splits = [(end, name, count) for end in ("source", "target") for name, count in form[end].get("splits", {}).items()]
    return rendered(
        "report.html",
        "report.js",
        title=" to ".join(f"{end['path']} ({end['format']})" for end in ends if end["path"]),
        facts=[*_sums(form), *head.facts],
        command=head.command,
        lines=_lines(form),
        splits=splits,
        form=form,
        numbers=_NUMBERS,
        view=_relative(head.view, head.page) if head.view else "",
        link_to=links.of,
    )


def batch_page(total: dict[str, Any], jobs: Callable[[], Iterable[Job]], head: Head) -> Iterator[str]:
    """Yield the page of a batch: failed jobs, then the others in plan order.

    Parameters
    ----------
    total : dict
        Totals of all jobs; its ``jobs`` counts them.
    jobs : callable
        Starts an iteration over them.
    head : Head
    """
    links = _Links(head.page)
    counts = total["jobs"]
    left = f", {counts['left_out']} not started" if counts["left_out"] else ""
    return rendered(
        "batch.html",
        "report.js",
        title=f"{counts['done']} {'job' if counts['done'] == 1 else 'jobs'} done, {counts['failed']} failed{left}",
        facts=[*_sums(total), *head.facts],
        command=head.command,
        lines=_lines(total),
        counts=counts,
        form=total,
        numbers=_NUMBERS,
        jobs=(job for is_failed in (True, False) for job in jobs() if job.is_failed is is_failed),
        most_places=JOB_PLACES,
        minor=MINOR,
        link_to=links.of,
    )


def _sums(form: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [(name, f"{count:,}") for name, count in sum_counts(form["labels"].values()).items()]


def _lines(form: Mapping[str, Any]) -> list[Line]:
    target = form.get("target", {}).get("format")
    return Marks.of_losses(_losses(form), target).lines


def _losses(form: Mapping[str, Any]) -> list[Loss]:
    return [Loss.from_dict(loss) for loss in form.get("losses", ())]


class _Links:
    """Makes links to image files, relative to the page and never of another scheme."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._path = ""
        self._finder: Finder | None = None
        self._left = MOST_LINKS
        self._draft = Draft("view")

    def of(self, path: str, where: Where) -> str:
        """Return the link to the image of a location; empty if it is not a file in a folder."""
        if where.row is None or not path or self._left <= 0:
            return ""
        self._left -= 1
        if path != self._path:
            self._path, self._finder = path, _finder_of(path)
        if self._finder is None:
            return ""
        kind = DataType.VIDEO if where.frame else DataType.IMAGE
        frame = where.frame or 0
        finder, draft = self._finder, self._draft
        # Formats with splits prefix image names with theirs.
        for name in filter(None, (where.row, where.row.partition("/")[2])):
            row = draft.row(kind, name, [draft.unit(name, 1, 1, key=(name,))], frames=frame + 1, key=(name,))
            try:
                member = finder.find(row, frame)
                file = None if member is None else finder.source.path(member)
            except (AmbiguousFileError, ConvertError, OSError, ValueError):
                return ""
            if file is not None:
                return _relative(str(file), self._page)
        return ""


def _finder_of(path: str) -> Finder | None:
    """Return a finder of images for a folder or single file; None for other sources."""
    try:
        finder = beside(source_at(path)) if os.path.exists(path) else None
    except (ConvertError, OSError, ValueError):
        return None
    return finder if finder is not None and isinstance(finder.source, FolderSource) else None


def _relative(file: str, page: str) -> str:
    """Return a link from a page to a file; ``./`` in front, so that a name with a colon stays a name."""
    try:
        path = os.path.relpath(os.path.abspath(file), os.path.dirname(os.path.abspath(page)))
    except ValueError:  # another drive
        return ""
    return "./" + quote(os.fsencode(Path(path).as_posix()))
