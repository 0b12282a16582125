"""``encord-convert help``: the pages of the manual."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from encord_convert.cli import COMMANDS, cli
from encord_convert.cli._progress import is_terminal
from encord_convert.cli.formats import page as format_page
from encord_convert.errors import nearest
from encord_convert.formats import format_named, formats

PAGES = Path(__file__).parents[1] / "docs"
WIDTH = 100
"""Columns of a page on a terminal that is wider."""


def topics() -> dict[str, str]:
    """Return the title of each page by its topic, in alphabetical order."""
    return {path.stem: _title(path) for path in sorted(PAGES.glob("*.md"))}


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as page:
        return page.readline().lstrip("# ").strip()


def _completed(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    known = {**COMMANDS, **topics()}
    return [CompletionItem(name, help=line) for name, line in known.items() if name.startswith(incomplete)]


@click.command(short_help="Show a page of the manual, or list them.")
@click.argument("topic", required=False, shell_complete=_completed)
def help(topic: str | None) -> None:
    """Show the page of TOPIC: of the manual, a command or a format; without TOPIC, list the pages."""
    known = topics()
    if topic is None:
        width = max(map(len, known))
        click.echo("Pages, shown by `encord-convert help TOPIC`:\n")
        click.echo("\n".join(f"  {name:<{width}}  {title}" for name, title in known.items()))
        click.echo("\n`encord-convert COMMAND --help` lists options, `encord-convert formats NAME` is a format's page.")
    elif topic in known:
        _show((PAGES / f"{topic}.md").read_text(encoding="utf-8"))
    elif topic in COMMANDS:
        command = cli.get_command(click.Context(cli), topic)
        assert command is not None
        parent = click.Context(cli, info_name="encord-convert")
        click.echo(command.get_help(click.Context(command, info_name=topic, parent=parent)))
    elif topic in formats():
        click.echo(format_page(format_named(topic)))
    else:
        hint = nearest(topic, [*known, *COMMANDS]) or f" Pages: {', '.join(known)}."
        raise click.UsageError(f"There is no page {topic!r}.{hint}")


def _show(page: str) -> None:
    if not is_terminal(sys.stdout):
        click.echo(page, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console.print(Markdown(page, hyperlinks=False), width=min(WIDTH, console.width))
