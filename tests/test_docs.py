"""What the documentation says is so: commands run, the table is the declarations, every name is explained."""

import enum
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from encord_convert import formats
from encord_convert.cli import COMMANDS, cli
from encord_convert.errors import EXIT_CODES
from encord_convert.formats._matrix import markdown, matrix
from encord_convert.formats._options import option_rows
from encord_convert.losses import Feature

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_every_block_of_the_readme_is_closed() -> None:
    fences = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert all(fences[::2]) and not any(fences[1::2])


def test_the_matrix_in_the_readme_is_what_the_formats_declare(accept: bool) -> None:
    table = markdown(matrix(list(formats().values())))
    if accept:
        path = ROOT / "README.md"
        between = re.compile(r"(<!-- matrix -->\n).*?(\n<!-- /matrix -->)", re.DOTALL)
        path.write_text(between.sub(lambda m: m[1] + table + m[2], README), encoding="utf-8")
        return
    assert table in README


SESSIONS = [text for language, text in BLOCKS if language == "console"]


@pytest.mark.parametrize("session", SESSIONS, ids=range(len(SESSIONS)))
def test_a_shell_session_of_the_readme_prints_what_it_shows(session: str, accept: bool, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    printed = "".join(f"$ {command}\n{output(command, tmp_path)}" for command in re.findall(r"^\$ (.*)", session, re.M))
    if accept:
        path = ROOT / "README.md"
        path.write_text(path.read_text(encoding="utf-8").replace(session, printed), encoding="utf-8")
    assert printed == session or accept


def output(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "encord-convert", "sessions show our own command; installing stands in a bash block"
    done = subprocess.run(
        [sys.executable, "-m", "encord_convert", *words[1:]],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "100"},
        check=False,
    )
    return done.stdout


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    blocks = [text for language, text in BLOCKS if language == "python"]
    assert blocks
    for text in blocks:
        exec(compile(text, "README.md", "exec"), {})


def test_the_readme_and_the_integration_run_the_same_commands() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = next(text for language, text in BLOCKS if language == "bash").splitlines()
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
    source = (ROOT / "encord_convert" / "losses.py").read_text(encoding="utf-8")
    for feature in Feature:
        assert re.search(rf'{feature.name} = "{feature.value}"\n    """', source), feature
    assert issubclass(Feature, enum.Enum)
