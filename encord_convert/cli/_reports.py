"""``--report`` and ``--json``: the whole report of a conversion, as JSON or as a page."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

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


def check_report(file: str, what: str = "report") -> None:
    """Refuse a place where no report, or what else it is, can be written, before there is one.

    Raises
    ------
    WriteError
    """
    path = Path(file)
    folder = path.absolute().parent
    if path.is_dir():
        fault = "it is a folder"
    elif not folder.is_dir():
        fault = f"there is no folder {path.parent}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        fault = "Permission denied"
    else:
        return
    raise WriteError(f"{file}: the {what} cannot be written ({fault}).")


@contextlib.contextmanager
def report_kept(
    report: Report, file: str | None, as_json: bool, *, view: str | None = None, show: Show | None = None
) -> Iterator[None]:
    """Give out the report where it was asked for, also when the conversion was refused because of it.

    ``show`` writes the page ``view``, to which a page of the report leads.
    """
    if file:
        check_report(file)
    if view:
        check_report(view, "page")
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
