"""What the documentation says is so: commands run, the table is the declarations, every name is explained."""

import enum
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from encord_convert import formats
from encord_convert.cli import COMMANDS, cli, run
from encord_convert.errors import EXIT_CODES
from encord_convert.formats._api import option_rows
from encord_convert.formats._matrix import markdown, overview
from encord_convert.hub.loss import Feature

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "encord_convert" / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [text for written, text in found if written == language]


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 180
    assert len(README.encode()) <= 11_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_is_closed(page: Path) -> None:
    fences = re.findall(r"^```(\w*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert all(fences[::2]) and not any(fences[1::2])


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.stem)
def test_help_shows_every_page_and_lists_it_by_its_title(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text(encoding="utf-8")
    assert run(["help", page.stem]) == 0
    assert capsys.readouterr().out == text
    assert re.match(r"# \S.*\n\n\S", text), "a page begins with its title"
    assert run(["help"]) == 0
    assert text.partition("\n")[0].removeprefix("# ") in capsys.readouterr().out


def test_the_matrix_in_the_readme_is_what_the_formats_declare(accept: bool) -> None:
    read = [format_ for format_ in formats().values() if format_.importer is not None]
    only_written = formats().keys() - {format_.name for format_ in read}
    assert [name for name in sorted(only_written) if f"`{name}`" not in README] == []
    table = markdown(overview(read))
    if accept:
        path = ROOT / "README.md"
        between = re.compile(r"(<!-- matrix -->\n).*?(\n<!-- /matrix -->)", re.DOTALL)
        path.write_text(between.sub(lambda m: m[1] + table + m[2], README), encoding="utf-8")
        return
    assert table in README


SESSIONS = [
    pytest.param(page, text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "console"))
]


@pytest.mark.parametrize(("page", "session"), SESSIONS)
def test_a_shell_session_of_a_page_prints_what_it_shows(page: Path, session: str, accept: bool, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "fixtures").symlink_to(ROOT / "fixtures")
    command = tmp_path / "bin" / "encord-convert"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m encord_convert "$@"\n')
    command.chmod(0o755)
    printed = "".join(f"$ {words}\n{output(words, place)}" for words in re.findall(r"^\$ (.*)", session, re.M))
    if accept:
        page.write_text(page.read_text(encoding="utf-8").replace(session, printed), encoding="utf-8")
    assert printed == session or accept


def output(command: str, folder: Path) -> str:
    """Run a line of a session by a shell, which finds our command and those of the system."""
    assert "encord-convert" in command or command.startswith(("ls ", "cat ")), "installing stands in a bash block"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            "PYTHONPATH": str(ROOT), "PATH": f"{folder.parent / 'bin'}:/usr/bin:/bin", "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
        },
        check=False,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    ("page", "text"),
    [pytest.param(page, "\n".join(found), id=page.stem) for page in PAGES if (found := blocks(page, "python"))],
)
def test_the_python_of_a_page_runs(page: Path, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    exec(compile(text, page.name, "exec"), {})


def test_the_readme_and_the_integration_run_the_same_commands() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = blocks(ROOT / "README.md", "bash")[0].splitlines()
    assert len(commands) == 2
    for command in commands:
        assert command in script


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_a_place_in_the_readme(name: str) -> None:
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    assert command.help
    assert command.short_help == COMMANDS[name]
    assert f"encord-convert {name}" in README
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name} has no help"


@pytest.mark.parametrize("name", formats())
def test_every_format_has_a_page_and_every_option_a_help(name: str) -> None:
    format_ = formats()[name]
    page = sys.modules[format_.identify.__module__].__doc__ or ""
    for heading in ("What it is", "Files on disk", "How each hub thing maps", "What is lost", "Sources"):
        assert heading in page, f"{name}: its page lacks {heading!r}"
    for end in (format_.importer, format_.exporter):
        for option, _, _, help_ in option_rows(end.options) if end else ():
            assert help_.endswith("."), f"{name}: option {option} has no help sentence"


def test_exit_codes_of_the_readme_are_the_table() -> None:
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"\b{code} {re.escape(meaning)}", README)


def test_every_feature_is_explained() -> None:
    source = (ROOT / "encord_convert" / "hub" / "loss.py").read_text(encoding="utf-8")
    for feature in Feature:
        assert re.search(rf'{feature.name} = "{feature.value}"\n    """', source), feature
    assert issubclass(Feature, enum.Enum)
