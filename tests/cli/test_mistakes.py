"""Mistakes, one a line: each gets one sentence and its exit code, and leaves nothing behind. Never a traceback."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
SIMPLE = ROOT / "fixtures" / "cvat" / "images-task-minimal"
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens: the port is reserved for throwing things away."""

MISTAKES: list[tuple[str, int, str]] = [
    # What is named is not there, or is another kind of thing.
    ("convert nowhere out --to coco", 4, "nowhere: there is no such file or folder."),
    ("convert '' out --to coco", 4, "'': is not a path. Name a file or folder; . is the current folder."),
    ("convert loop out --to coco", 4, "loop: is a link that leads nowhere (loop)."),
    ("convert fifo out --to coco", 4, "fifo: is neither a file nor a folder."),
    ("convert /dev/null out --to coco", 4, "/dev/null: is neither a file nor a folder."),
    ("info goood", 4, "goood: there is no such file or folder. Did you mean 'good'?"),
    ("info nowhere", 4, "nowhere: there is no such file or folder."),
    ("diff good nowhere", 4, "nowhere: there is no such file or folder."),
    ("batch nowhere --to coco --out out", 4, "nowhere: there is no such file or folder."),
    ("batch 'nowhere/*' --to coco --out out", 4, "nowhere/*: no file matches this."),
    ("convert good out --target hf --images nowhere", 4, "nowhere: there is no such file or folder."),
    # It is damaged, or not what it is said to be.
    ("convert empty out --to coco", 6, "empty: "),
    ("convert empty.json out --to coco", 6, "empty.json: "),
    ("convert text.txt out --to coco", 6, "text.txt: "),
    ("convert empty.xml out --to coco --from cvat", 4, "empty.xml:1: is not XML (no element found)."),
    ("convert cut.xml out --to coco", 4, "cut.xml:30: is not well-formed XML"),
    ("convert nul.xml out --to coco", 4, "nul.xml:43: is not well-formed XML (invalid character in attribute value)."),
    ("convert cut.json out --to coco", 4, "cut.json: ends in the middle. Was the file cut short?"),
    ("convert cut.zip out --to coco", 4, "cut.zip: not a readable ZIP archive (File is not a zip file)."),
    ("convert escaping.zip out --to coco", 4, "escaping.zip: the member '../out.xml' leaves its folder."),
    ("convert list.json out --to coco --from coco", 4, "Name the ground truth with -r ground_truth=PATH."),
    ("convert list.json out --to coco --from encord", 4, "list.json: expected ontology.json and label_rows.jsonl"),
    ("convert good out --to coco --from coco", 6, "good: "),
    # Names that are almost right.
    ("konvert a b", 2, "No such command 'konvert'. Did you mean 'convert'? See `encord-convert --help`."),
    ("--versoin", 2, "No such option '--versoin'. Did you mean '--version'?"),
    (
        "convert good out --too coco",
        2,
        "Did you mean '--to'? See `encord-convert convert --help`.",
    ),
    ("convert good out --to coko", 6, "There is no format named 'coko'. Did you mean 'coco'?"),
    ("convert good out --to coco --from cvta", 6, "There is no format named 'cvta'. Did you mean 'cvat'?"),
    ("convert good out --target ultralitics", 2, "Did you mean 'ultralytics'?"),
    ("convert good out --target ultralytics --task segmnt", 2, "Did you mean 'segment'?"),
    ("convert good out --to coco -w decimal=2", 2, "coco has no option 'decimal'. Did you mean 'decimals'?"),
    ("diff good good -r sizes=1x1", 2, "cvat has no option 'sizes'. Did you mean 'size'?"),
    ("formats coc", 6, "There is no format named 'coc'. Did you mean 'coco'?"),
    ("help shel", 2, "There is no page 'shel'. Did you mean 'shell'?"),
    ("batch good --to coco --out out --engine dsk", 2, "--engine dsk: there is no such engine; "),
    ("push good --new-project y --on-conflict overwrite", 2, "'overwrite' is not one of 'error', 'skip', 'merge',"),
    (
        "convert good out --to coco --mapping misspelled.yaml",
        2,
        "misspelled.yaml:2: the source has no class 'lable1'",
    ),
    # What is asked for is too little, too much or contradicts itself.
    ("convert good", 2, "Missing argument 'DST'. See `encord-convert convert --help`."),
    ("info good good", 2, "Got unexpected extra argument (good). See `encord-convert info --help`."),
    ("convert good out", 2, "out: say which format to write with --to; known: coco, "),
    ("convert good out.csv", 2, "out.csv: say which format to write with --to; known: coco, "),
    ("batch good --out out", 2, "Say which format to write with --to, or with `to` in the manifest."),
    ("batch --to coco --out out", 2, "There is nothing to convert: name sources, or a manifest that does."),
    ("convert good out --to coco --target hf", 2, "--to and --target exclude each other"),
    ("convert good out --to coco --seed 1", 2, "--seed goes with --target, which was not given."),
    ("convert good out --to coco --allow X", 2, "--allow goes with --strict, which was not given."),
    ("convert good out --from coco-rle --to coco", 2, "coco-rle can be written but not read. These can be read: coco,"),
    ("diff - -", 2, "A and B cannot both be standard input."),
    ("push good", 2, "Say which project: one that is there with --project, or a new one with --new-project TITLE."),
    ("push good --project x --new-project y", 2, "Say which project: one that is there with --project, or a new one"),
    ("serve", 2, "Missing option '--data'. See `encord-convert serve --help`."),
    # Values that are not allowed.
    ("convert good out --to coco -w decimals", 2, "-w decimals: expected KEY=VALUE, as in -w decimals=2."),
    ("convert good out --to coco -w decimals=x", 2, "coco: decimals=x is not allowed; it takes a whole number."),
    ("convert good out --to coco -w decimals=99", 2, "coco: decimals=99 is not allowed; it takes 2 to 9."),
    ("convert good out --to coco -r report=1", 2, "-r report=1: no format has an option 'report'."),
    ("convert good out --to coco --jobs x", 2, "Invalid value for '--jobs': 'x' is not a whole number."),
    ("convert good out --to coco --jobs 0", 2, "Invalid value for '--jobs': 0 is not in the range x>=1."),
    ("diff good good --tolerance -1", 2, "Invalid value for '--tolerance': -1.0 is not in the range x>=0."),
    ("convert good out --target hf --split train=2", 2, "hf: split=train=2 is not allowed; it takes shares like"),
    ("serve --data data --port 99999", 2, "Invalid value for '--port': 99999 is not in the range 0<=x<=65535."),
    ("users add me --key goodkey.pub --data d", 2, "'me' is not a mail address, such as ann@example.com."),
    # What cannot be written.
    ("convert good /dev/full --to coco", 5, "/dev/full: not written, since it is neither a file nor a folder."),
    ("convert good file/out --to coco", 5, "file/out: cannot be written (Not a directory)."),
    ("convert good /proc/out --to coco", 5, "/proc/out: cannot be written ("),
    ("convert good file --to coco", 5, "file: not written, since a file that encord-convert did not write"),
    ("convert good good --to cvat", 5, "good: not written, since it is the source. Name another place."),
    ("convert good - --to coco", 2, "DST is -, but labels are not written to standard output."),
    ("convert good out --to coco --report nowhere/r.json", 5, "nowhere/r.json: the report cannot be written ("),
    ("batch good --to coco --out file", 5, "file: "),
    ("batch good --to coco --out out --events nowhere/e", 5, "nowhere/e: the events cannot be written ("),
    ("batch good --to coco --out s4://bucket/x", 2, "s4://bucket/x: s4:// is not a known scheme."),
    ("push good --new-project y --plan nowhere/p.json", 5, "nowhere/p.json: cannot be written: there is no folder "),
    ("serve --data file", 5, "file: is a file, and a service needs a folder. Name another with --data."),
    ("serve --data file/x", 5, "file/x: cannot be made (Not a directory), and a service needs a folder."),
    ("users add me@x --key goodkey.pub --data file", 5, "file: is a file, and a service needs a folder."),
    # Files next to the labels that are wrong.
    (
        "convert good out --to coco --mapping nowhere.yaml",
        2,
        "nowhere.yaml: cannot be read (No such file or directory).",
    ),
    ("convert good out --to coco --mapping empty", 2, "empty: cannot be read (Is a directory)."),
    ("convert good out --to coco --mapping cut.yaml", 2, "cut.yaml:2: is not YAML ("),
    (
        "convert good out --to coco --mapping list.yaml",
        2,
        "list.yaml: expected a list of mappings under 'classes'",
    ),
    ("batch --out out --manifest nowhere.yaml", 4, "nowhere.yaml: cannot be read (No such file or directory)."),
    ("batch --out out --manifest cut.yaml", 4, "cut.yaml:2: is not YAML ("),
    (
        "batch --out out --manifest wrong.yaml",
        4,
        "wrong.yaml: is not a manifest: Object contains unknown field",
    ),
    ("batch good --to coco --out out --journal text.txt", 4, "text.txt: is not a journal of batches, or is damaged ("),
    ("apply nowhere.json", 4, "nowhere.json: cannot be read (No such file or directory)."),
    ("apply list.json", 4, "list.json: is not a plan of a push ("),
    ("apply empty", 4, "empty: cannot be read (Is a directory)."),
    ("undo nowhere.json", 9, "nowhere.json.journal: there is no such journal. A push keeps it next to its plan."),
    # Services and keys.
    ("push good --new-project y", 8, "No private key: name its file with --key or ENCORD_SSH_KEY_FILE."),
    ("push good --new-project y --key nowhere", 8, "nowhere: there is no such file. --key names the file of a private"),
    ("push good --new-project y --key text.txt", 8, "text.txt: "),
    (f"push good --new-project y --key goodkey --domain {NOBODY}", 7, "Is `encord-convert serve` running?"),
    (f"push nowhere --new-project y --key goodkey --domain {NOBODY}", 4, "nowhere: there is no such file or folder."),
    (f"pull 123 out --to coco --key goodkey --domain {NOBODY}", 7, f"{NOBODY}: no service answers there ("),
    (f"verify good 123 --key goodkey --domain {NOBODY}", 7, "Is `encord-convert serve` running?"),
    (f"projects --key goodkey --domain {NOBODY}", 7, "Is `encord-convert serve` running?"),
    ("projects --key goodkey --domain nonsense", 2, "nonsense: is not the address of a service; expected one like"),
    ("users add me@x --key text.txt --data d", 4, "text.txt: is not a public key; expected a line as in a .pub file"),
    ("users list --data nowhere", 4, "nowhere: there is no service here."),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to make mistakes in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.parent / "state"))
    for name in ("ENCORD_SSH_KEY_FILE", "ENCORD_SSH_KEY", "ENCORD_CONVERT_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    text = (SIMPLE / "train.xml").read_text()
    for folder in ("good", "empty", "data"):
        Path(folder).mkdir()
    Path("good/train.xml").write_text(text)
    Path("cut.xml").write_text(text[: len(text) // 2])
    Path("nul.xml").write_text(text.replace('name="', 'name="\0', 1))
    shutil.make_archive("cut", "zip", "good")
    os.truncate("cut.zip", os.path.getsize("cut.zip") // 2)
    _escaping(Path("escaping.zip"), text)
    Path("file").write_text("x")
    Path("text.txt").write_text("hello\n" * 200)
    Path("cut.json").write_text('{"images": [{"id": 1, "file_name": "a.jpg", "wid')
    Path("list.json").write_text("[1, 2, 3]")
    Path("cut.yaml").write_text("classes: [\n")
    Path("list.yaml").write_text("- 1\n")
    Path("misspelled.yaml").write_text("classes:\n- name: lable1\n  to: false\n")
    Path("wrong.yaml").write_text("to: coco\njobs:\n- sauce: good\n")
    for name in ("empty.json", "empty.xml"):
        Path(name).touch()
    Path("loop").symlink_to("loop")
    os.mkfifo("fifo")
    key = Ed25519PrivateKey.generate()
    form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    Path("goodkey").write_bytes(key.private_bytes(*form))
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    Path("goodkey.pub").write_bytes(public)
    return tmp_path


def _escaping(path: Path, text: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../out.xml", text)


def _all_below(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_size) for path in folder.rglob("*"))


@pytest.mark.parametrize(("line", "code", "sentence"), MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_a_mistake_gets_one_sentence_and_its_code_and_leaves_nothing(
    line: str, code: int, sentence: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _all_below(place)
    assert run(shlex.split(line)) == code
    shown = capsys.readouterr()
    assert sentence in shown.err
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1, "one sentence, on one line"
    assert shown.err.rstrip("\n").endswith((".", "?", "…"))
    assert "Traceback" not in shown.err and "bug" not in shown.err
    assert shown.out == ""
    assert _all_below(place) == before


def test_a_command_that_needs_another_word_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["users"]) == 2
    assert capsys.readouterr().err.startswith("Usage: encord-convert users")


def test_a_bug_is_one_sentence_with_its_place_and_no_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("colour")

    monkeypatch.setattr("encord_convert.conversion.detect", broken)
    assert run(["convert", "good", "out", "--to", "coco"]) == 70
    place_of_it, _, advice = capsys.readouterr().err.partition(" This is a bug of encord-convert. ")
    assert re.fullmatch(r"error: KeyError: 'colour' \(test_mistakes, line \d+\)\.", place_of_it)
    assert advice == "Please report it with the traceback that ENCORD_CONVERT_DEBUG=1 shows.\n"
    assert not (place / "out").exists()
