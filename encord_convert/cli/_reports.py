"""``--report`` and ``--json``: the whole report of a conversion, as JSON or as a page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from encord_convert.cli._outputs import guarded
from encord_convert.errors import NotRepresentableError, WriteError
from encord_convert.formats._files import whole_file

if TYPE_CHECKING:
    from encord_convert.losses.report import Report

F = TypeVar("F", bound=Callable[..., Any])
Show = Callable[["Report"], None]


def report_options(command: F) -> F:
    """Add --report and --json to a command."""
    file = click.option(
        "--report", "report_file", metavar="FILE", help="Write the whole report: a page if .html, else JSON."
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON on stdout.")
    return file(as_json(command))


@contextlib.contextmanager
def report_kept(
    report: Report,
    file: str | None,
    as_json: bool,
    sources: Sequence[str],
    *,
    overwrite: bool,
    view: str | None = None,
    show: Show | None = None,
) -> Iterator[None]:
    """Give out the report where it was asked for, also when the conversion was refused because of it.

    ``show`` writes the page ``view``, to which a page of the report leads. Neither takes the place of one of
    ``sources``, nor, but with ``overwrite``, of what is not ours.
    """
    with contextlib.ExitStack() as stack:
        for place, what in ((file, "report"), (view, "page")):
            if place:
                stack.enter_context(guarded(place, sources, overwrite=overwrite, what=what))
        refused: NotRepresentableError | WriteError | None = None
        try:
            yield
        except NotRepresentableError as error:
            report, refused = error.report, error
        except WriteError as error:
            refused = error
        if view and show is not None and report.source.format:
            show(report)
        _give(report, file, as_json, view or "")
        if refused is not None:
            raise refused


def _give(report: Report, file: str | None, as_json: bool, view: str) -> None:
    if not (file or as_json):
        return
    import json

    form = report.to_dict()
    text = json.dumps(form, indent=1, ensure_ascii=False)
    if file:
        is_page = file.lower().endswith((".html", ".htm"))
        with whole_file(file, "the report") as stream:
            stream.write(_page(form, file, view) if is_page else text + "\n")
    if as_json:
        click.echo(text)


def _page(form: dict[str, Any], file: str, view: str) -> str:
    from encord_convert.cli._invocation import command_line, facts
    from encord_convert.view.reports import Head, report_page

    return "".join(report_page(form, Head(file, command_line(), tuple(facts()), view)))
