"""Batches that meet, and journals that are damaged or of strangers."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from exports import digest, exports

from encord_convert import batch
from encord_convert.cli import run

DAMAGES = 25


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    exports(folder, 4, damaged=0)
    return folder


def call(*words: object) -> int:
    return run([str(word) for word in words])


def test_two_batches_with_journals_of_their_own_leave_each_others_staging_alone(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = batch.plan([f"{sources}/*"], to="coco", out=out)
    begun: list[int] = []

    def watch(event: dict[str, object]) -> None:
        if event["event"] == "job" and not begun:
            begun.append(1)
            words = ["batch", f"{sources}/*", "--to", "coco", "--out", out, "--engine", "serial", "--overwrite"]
            assert call(*words, "--journal", tmp_path / "b") == 0

    with batch.run(plan, engine="serial", journal=str(tmp_path / "a"), watch=watch) as result:
        assert (result.done, result.failed) == (4, set())
    assert not list(out.glob(".encord*"))
    assert len(digest(out)) >= 4


def test_what_a_killed_batch_left_in_the_staging_folder_goes_with_the_next(sources: Path, tmp_path: Path) -> None:
    left = tmp_path / "out" / ".encord-convert.partial" / "tmpleft" / "half.json"
    left.parent.mkdir(parents=True)
    left.write_text("{")
    assert call("batch", sources, "--to", "coco", "--out", tmp_path / "out", "--overwrite", "--engine", "serial") == 0
    assert not list((tmp_path / "out").glob(".encord-convert.partial"))


def test_no_damage_of_a_journal_ends_in_a_traceback_or_removes_what_is_elsewhere(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, journal = tmp_path / "out", tmp_path / "out" / ".encord-convert.sqlite3"
    words = ["batch", f"{sources}/*", "--to", "coco", "--out", out, "--engine", "serial", "--resume", "--json"]
    assert call(*words) == 0
    whole, expected = journal.read_bytes(), digest(out)
    for seed in range(DAMAGES):
        for path in out.glob(".encord-convert.sqlite3*"):
            path.unlink()
        chance = random.Random(seed)
        changed = bytearray(whole[: chance.randrange(len(whole))] if seed % 4 == 0 else whole)
        for _ in range(chance.choice((1, 16, 256)) if changed else 0):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        journal.write_bytes(changed)
        capsys.readouterr()
        code = call(*words, "--report", tmp_path / "report.html")
        said = capsys.readouterr().err
        assert code in (0, 4, 5), (seed, said)
        assert "Traceback" not in said and "bug" not in said, seed
        assert code or digest(out) == expected, seed


@pytest.mark.parametrize(
    ("column", "value"),
    [("stamps", '[["../../outside.txt", 1, 1]]'), ("stamps", '[["/etc/passwd", 1, 1]]'), ("stamps", "7"),
     ("stamps", "[[1, 2, 3]]"), ("stamps", "{"), ("report", b"x"), ("report", b""), ("status", "odd"), ("seconds", "x"),
     ("sha256", b"\xff\xfe"), ("error", None)],
)  # fmt: skip
def test_a_row_of_a_strangers_journal_is_damage_and_deletes_nothing(
    column: str, value: object, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outside.txt").write_text("mine")
    out = tmp_path / "out"
    words = ["batch", f"{sources}/*", "--to", "coco", "--out", out, "--engine", "serial"]
    assert call(*words) == 0
    db = sqlite3.connect(out / ".encord-convert.sqlite3")
    with db:
        db.execute("update or ignore jobs set options = 'other'" if column == "stamps" else "select 1")
        db.execute("pragma ignore_check_constraints = on")
        db.execute("create table other as select * from jobs")
        db.execute(f"update other set {column} = ?", (value,))
        db.execute("drop table jobs")
        db.execute("alter table other rename to jobs")
    db.close()
    capsys.readouterr()
    codes = [call(*words, "--resume", "-w", f"decimals={digits}") for digits in (2, 3)]
    said = capsys.readouterr().err
    assert set(codes) <= {0, 4}
    assert "Traceback" not in said and "bug" not in said
    assert (tmp_path / "outside.txt").read_text() == "mine"
    if column == "stamps":
        assert "the journal is damaged" in said
