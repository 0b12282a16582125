"""Projects are listed, and named by title; a project is pulled through a mapping, and for a trainer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Running
from PIL import Image

from encord_convert.cli import run


@pytest.fixture
def boxes_pushed(reached: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    return capsys.readouterr().out.strip()


def test_projects_are_listed(boxes_pushed: str, server: Running, capsys: pytest.CaptureFixture[str]) -> None:
    server.user().create_project("Empty", [])
    assert run(["projects"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [boxes_pushed, "admin", "4", "rows", "Boxes"]
    assert lines[1].split()[1:] == ["admin", "0", "rows", "Empty"]
    assert run(["projects", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert first == {"title": "Boxes", "hash": boxes_pushed, "role": "admin", "rows": 4}


def test_no_projects_are_told(reached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["projects"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "There are no projects." in shown.err


def test_a_project_is_named_by_its_title(boxes_pushed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "Boxes", "by-title.json", "--to", "coco"]) == 0
    assert run(["pull", boxes_pushed, "by-hash.json", "--to", "coco"]) == 0
    assert Path("by-title.json").read_bytes() == Path("by-hash.json").read_bytes()
    assert run(["verify", "boxes", "Boxes"]) == 0
    capsys.readouterr()
    assert run(["push", "boxes", "--project", "Boxes", "--plan", "plan.json"]) == 0
    assert "rows      4 up to date" in capsys.readouterr().err


def test_a_title_that_several_projects_have_is_refused_with_their_hashes(
    boxes_pushed: str, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    other = server.user().create_project("Boxes", [])
    assert run(["pull", "Boxes", "out", "--to", "coco"]) == 2
    hashes = ", ".join(sorted([boxes_pushed, other]))
    sentence = f"2 projects are named 'Boxes': {hashes}. Give its hash."
    assert capsys.readouterr().err == f"error: {sentence}\n"
    assert not Path("out").exists()


def test_a_misspelled_title_is_told(boxes_pushed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "Boxs", "out", "--to", "coco"]) == 8
    expected = "error: There is no project Boxs, or this key may not see it. Did you mean 'Boxes'?\n"
    assert capsys.readouterr().err == expected


def test_a_project_is_pulled_for_a_trainer(boxes_pushed: str) -> None:
    words = ["--target", "ultralytics", "--images", "boxes/images", "--split", "train=0.5,val=0.5"]
    assert run(["pull", "Boxes", "trained", *words]) == 0
    assert Path("trained/data.yaml").is_file()
    assert len(list(Path("trained").rglob("*.png"))) == 4


def test_the_splits_of_a_source_come_back_from_a_project(boxes_pushed: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, images in (("train", (1, 2)), ("valid", (3,))):
        Path("splits", name).mkdir(parents=True)
        entries = [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in images]
        boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 9, 9]} for n in images]
        document = {"images": entries, "annotations": boxes, "categories": [{"id": 1, "name": "car"}]}
        Path("splits", name, "_annotations.coco.json").write_text(json.dumps(document))
        for n in images:
            Image.new("RGB", (40, 30), (n, 0, 0)).save(Path("splits", name, f"{n}.png"))
    assert run(["push", "splits", "--new-project", "Splits"]) == 0
    capsys.readouterr()
    assert run(["pull", "Splits", "again", "--target", "torchvision", "--images", "splits"]) == 0
    assert "train 2  valid 1" in capsys.readouterr().err
    assert len(list(Path("again/val2017").rglob("*.png"))) == 1


def test_an_image_whose_size_the_labels_do_not_say_is_pushed(reached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("traps/images").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save("traps/images/a.png")
    document = {
        "images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "deer"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1}],
    }  # fmt: skip
    Path("traps.json").write_text(json.dumps(document))
    assert run(["push", "traps.json", "--images", "traps/images", "--new-project", "Traps"]) == 0
    assert run(["pull", "Traps", "again.json", "--to", "coco"]) == 0
    [image] = json.loads(Path("again.json").read_text())["images"]
    assert (image["width"], image["height"]) == (40, 30)
    assert image["attributes"] == {"Labels": ["deer"]}


def test_a_target_is_not_pulled_without_images(boxes_pushed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "Boxes", "bare", "--target", "ultralytics"]) == 2
    assert "--images DIR" in capsys.readouterr().err
    assert not Path("bare").exists()
    assert run(["pull", "Boxes", "bare", "--target", "ultralytics", "--image-files", "leave"]) == 0


def test_a_project_is_pulled_through_a_mapping(boxes_pushed: str) -> None:
    Path("m.yaml").write_text("classes:\n- {name: car, to: vehicle}\n- {name: bike, to: false}\n")
    assert run(["pull", "Boxes", "mapped.json", "--to", "coco", "--mapping", "m.yaml"]) == 0
    assert [one["name"] for one in json.loads(Path("mapped.json").read_text())["categories"]] == ["vehicle"]


def test_pulling_is_shown_on_a_terminal_and_its_line_ends(
    boxes_pushed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert run(["pull", "Boxes", "shown.json", "--to", "coco"]) == 0
    lines = [line.rpartition("\r")[2] for line in capsys.readouterr().err.split("\n")]
    assert lines[0].split()[:4] == ["fetched", "4", "of", "4"]
    assert lines[1].startswith("read ")
