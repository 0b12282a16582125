"""What a shell is offered for the word being typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIMPLE = str(ROOT / "fixtures" / "cvat" / "images-task-minimal")


def offered(*words: str, shell: str = "bash") -> list[str]:
    """Return what is offered for the last of the words, which may be empty."""
    line = " ".join(["encord-convert", *words])
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "_ENCORD_CONVERT_COMPLETE": f"{shell}_complete", "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    code = "from encord_convert.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("con",), ["convert"]),
        (("he",), ["help"]),
        (("help", "sh"), ["shell"]),
        (("formats", "mas"), ["masks", "masks-index", "masks-instance"]),
        (("convert", SIMPLE, "out", "--to", "coco-r"), ["coco-results", "coco-rle"]),
        (("convert", SIMPLE, "out", "--from", "co"), ["coco"]),
        (("convert", SIMPLE, "out", "--target", "ul"), ["ultralytics"]),
        (("convert", SIMPLE, "out", "-r", "frame"), ["frame_mapping=", "frames_as_video="]),
        (("convert", SIMPLE, "out", "--from", "rle", "-r", "thr"), ["threshold="]),
        (("convert", SIMPLE, "out", "--to", "coco", "-w", "dec"), ["decimals="]),
        (("info", SIMPLE, "-r", "siz"), ["size="]),
        (("diff", SIMPLE, SIMPLE, "-r", "siz"), ["size="]),
        (("convert", "nowhere", "not-there", "-r", ""), []),
        (("push", SIMPLE, "--on-conflict", "me"), ["merge"]),
    ],
)
def test_a_word_is_completed(words: tuple[str, ...], some: list[str]) -> None:
    assert offered(*words) == some


def test_the_keys_of_a_trainer_are_offered() -> None:
    assert "split=" in offered("convert", SIMPLE, "out", "--target", "hf", "-w", "")


def test_a_shell_gets_its_script() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "_ENCORD_CONVERT_COMPLETE": "zsh_source"}
    code = "from encord_convert.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "#compdef encord-convert" in done.stdout
