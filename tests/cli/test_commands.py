"""The command line: data on stdout, words for people on stderr, exit codes from the table."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import encord_convert
from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
CVAT = ROOT / "fixtures" / "cvat"
SIMPLE = str(CVAT / "images-task-minimal")


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def test_convert_tells_people_on_stderr_and_programs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", SIMPLE, tmp_path / "out", "--to", "coco") == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("read    cvat ")
    assert "\nkept    " in shown.err


def test_json_is_one_object_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("convert", SIMPLE, tmp_path / "out", "--to", "coco", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == ["source", "target", "counts", "labels", "losses", "notes"]
    assert report["source"] == {"path": SIMPLE, "format": "cvat"}
    assert report["target"] == {"path": str(tmp_path / "out"), "format": "coco"}


def test_the_report_file_is_what_json_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    assert call("convert", SIMPLE, tmp_path / "out", "--to", "coco", "--json", "--report", file) == 0
    assert json.loads(file.read_text()) == json.loads(capsys.readouterr().out)


@pytest.mark.proves("labels: 50")
def test_strict_refuses_loss_writes_nothing_and_exits_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    assert call("convert", SIMPLE, tmp_path / "out", "--to", "coco", "--strict", "--report", file) == 3
    assert "something would be lost" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert json.loads(file.read_text())["losses"]


def test_strict_writes_what_loses_nothing(tmp_path: Path) -> None:
    assert call("convert", CVAT / "video-boxes-minimal", tmp_path / "hub", "--to", "encord") == 0
    assert call("convert", tmp_path / "hub", tmp_path / "again", "--to", "encord", "--strict") == 0
    assert call("convert", tmp_path / "hub", tmp_path / "x.json", "--strict") == 0


@pytest.mark.proves("labels: 50")
def test_strict_predicts_what_the_conversion_then_loses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for case in sorted(path for path in CVAT.iterdir() if path.is_dir() and path.name != "authored-images-v1.0"):
        assert call("convert", case, tmp_path / case.name, "--to", "coco", "--json", "--strict") in (0, 3)
        predicted = json.loads(capsys.readouterr().out)
        assert call("convert", case, tmp_path / case.name, "--to", "coco", "--json") == 0
        observed = json.loads(capsys.readouterr().out)
        assert predicted["counts"] == observed["counts"]
        assert predicted["labels"] == observed["labels"]
        keys = ("kind", "code", "feature", "type", "label", "count")
        assert [[loss[k] for k in keys] for loss in predicted["losses"]] == [
            [loss[k] for k in keys] for loss in observed["losses"]
        ]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("convert", SIMPLE), 2, "Missing argument 'DST'"),
        (("convert", SIMPLE, "out"), 2, "out: say which format to write with --to; known: coco, "),
        (("convert", SIMPLE, "out", "--to", "coko"), 6, "There is no format named 'coko'. Did you mean 'coco'?"),
        (("convert", SIMPLE, "out", "--to", "coco", "-w", "decimals"), 2, "-w decimals: expected KEY=VALUE"),
        (("convert", SIMPLE, "out", "--to", "coco", "-w", "decimal=2"), 2, "Did you mean 'decimals'?"),
        (("convert", SIMPLE, "out", "--to", "coco", "-r", "size=big"), 2, "size=big"),
        (("convert", "none.xml", "out", "--to", "coco"), 4, "none.xml: there is no such file or folder."),
        (("convert", SIMPLE, "out", "--to", "coco", "--jobs", "0"), 2, "--jobs"),
        (("convert", SIMPLE, "out", "--to", "coco", "--frm", "cvat"), 2, "No such option"),
        (("convert", SIMPLE, "out", "--to", "coco", "--target", "hf"), 2, "--to and --target exclude each other"),
        (("convert", SIMPLE, "out", "--to", "coco", "--seed", "0"), 2, "--seed goes with --target"),
        (("convert", SIMPLE, "out", "--target", "hf", "--task", "obb"), 2, "hf has no tasks; task=obb was given."),
        (("convert", SIMPLE, "out", "--target", "hf", "--split", "a"), 2, "hf: split=a is not allowed; it takes"),
        (("convert", SIMPLE, "out", "--target", "hf", "--images", "gone"), 4, "gone: there is no such file or folder."),
        (("convert", SIMPLE, "out", "--target", "yolo"), 2, "'yolo' is not one of 'detectron2'"),
        (("info", "none.xml"), 4, "none.xml: there is no such file or folder."),
        (("formats", "bdd"), 6, "There is no format named 'bdd'."),
        (("konvert",), 2, "No such command 'konvert'"),
    ],
)
def test_a_mistake_gets_one_sentence_and_its_code(
    arguments: tuple[str, ...], code: int, sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == code
    shown = capsys.readouterr()
    assert sentence in shown.err
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


def test_info_counts_and_describes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("info", CVAT / "authored-video-modern-tracks") == 0
    shown = capsys.readouterr().out
    assert "cvat, 1 label row\n" in shown
    assert "boat" in shown


def test_info_as_json_holds_the_ontology(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("info", SIMPLE, "--json") == 0
    account = json.loads(capsys.readouterr().out)
    assert {item["name"] for item in account["ontology"]["objects"]} >= {"label1", "label2"}


def test_formats_prints_the_matrix_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("formats") == 0
    lines = capsys.readouterr().out.splitlines()
    heads = "format box rotated polygon mask line point skeleton answers tags tracks"
    assert lines[0].split() == heads.split(" ")
    assert max(map(len, lines)) <= 100
    for name, format_ in encord_convert.formats().items():
        [row] = [line.split() for line in lines if line.split()[:1] == [name]]
        assert row[1] == "r" * (format_.importer is not None) + "w" * (format_.exporter is not None)
    assert call("formats", "coco") == 0
    page = capsys.readouterr().out
    assert "-w decimals=3" in page
    assert "What is lost" in page
    assert "What it carries" in page
    assert call("formats", "--json") == 0
    assert json.loads(capsys.readouterr().out)["encord"]["polygon"] == "yes"


def test_standard_input_is_read(tmp_path: Path) -> None:
    with (CVAT / "images-task-minimal" / "train.xml").open("rb") as stdin:
        words = [sys.executable, "-m", "encord_convert", "convert", "-", str(tmp_path / "x.json"), "--to", "coco"]
        assert subprocess.run(words, stdin=stdin, capture_output=True, check=False).returncode == 0
    call("convert", SIMPLE, tmp_path / "y.json")
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "y.json").read_bytes()


def test_several_processes_give_the_same_bytes(tmp_path: Path) -> None:
    source = CVAT / "job-points" / "annotations.xml"
    assert call("convert", source, tmp_path / "one.json") == 0
    assert call("convert", source, tmp_path / "two.json", "--jobs", "2") == 0
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_mask_above_the_limit_is_not_decoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = CVAT / "authored-images-modern-shapes"
    assert call("convert", source, tmp_path / "out", "--to", "coco", "--json", "--limit-pixels", "10") == 0
    codes = {loss["code"] for loss in json.loads(capsys.readouterr().out)["losses"]}
    assert "INVALID_RLE" in codes


@pytest.mark.proves("labels: 49")
def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "encord_convert", "convert", SIMPLE, str(tmp_path / "out"), "--to", "coco"]
    leader, follower = pty.openpty()
    done = subprocess.Popen(words, stderr=follower, stdout=subprocess.DEVNULL)
    os.close(follower)
    shown = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(leader)
    assert done.wait() == 0
    assert b"train.xml" in shown
    assert b"read    cvat" in shown


def test_a_target_is_written_for_its_trainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--target", "ultralytics", "--task", "segment", "--split", "train=1", "--seed", "3", "--negatives", "drop")
    words = (*words, "--image-files", "leave")
    assert call("convert", CVAT / "project-skeleton-mixed", tmp_path / "out", *words) == 0
    assert "wrote   ultralytics" in capsys.readouterr().err
    assert (tmp_path / "out" / "data.yaml").is_file()


def test_a_target_is_refused_under_strict_and_nothing_is_left(tmp_path: Path) -> None:
    assert call("convert", SIMPLE, tmp_path / "out", "--target", "torchvision", "--strict") == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["detectron2", "hf", "mmdet", "rfdetr", "torchvision", "ultralytics"])
def test_what_strict_predicts_of_a_target_is_what_it_then_loses(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for case in sorted(path for path in CVAT.iterdir() if path.is_dir() and path.name != "authored-images-v1.0"):
        words = ("convert", case, tmp_path / case.name, "--target", target, "--image-files", "leave", "--json")
        codes = [call(*words, *more) for more in (("--strict",), ())]
        assert codes[0] in (0, 3)
        reports = [json.loads(text + "}") for text in capsys.readouterr().out.split("\n}\n")[:2]]
        if codes[0] == 0:
            continue
        keys = ("kind", "code", "feature", "type", "label", "count")
        predicted, observed = ([[one[k] for k in keys] for one in report["losses"]] for report in reports)
        assert predicted == observed
        assert reports[0]["counts"] == reports[1]["counts"]
        for row in (*reports[1]["counts"].values(), *reports[1]["labels"].values()):
            assert row["in"] == row["kept"] + row["changed"] + row["dropped"]
            assert min(row.values()) >= 0


@pytest.mark.proves("labels: 50")
def test_a_dry_run_says_what_a_real_run_says_and_writes_nothing(tmp_path: Path) -> None:
    for case in sorted(CVAT.iterdir()):
        options = ["-r", "size=640x480"] if case.name == "authored-images-v1.0" else []
        accounts = []
        for dry in ([], ["--dry-run"]):
            report, out = tmp_path / "report.json", tmp_path / f"out-{len(accounts)}"
            assert call("convert", case, out, "--to", "coco", "--report", report, *options, *dry) == 0
            account = json.loads(report.read_text())
            assert out.exists() != bool(dry)
            losses = sorted((one["code"], one["type"], one["label"], one["count"]) for one in account["losses"])
            accounts.append((account["counts"], account["labels"], losses))
        assert accounts[0] == accounts[1], case.name
        shutil.rmtree(tmp_path / "out-0")


def test_diff_finds_a_set_equal_to_itself_in_another_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = CVAT / "authored-video-modern-tracks"
    assert call("convert", source, tmp_path / "hub", "--to", "encord") == 0
    capsys.readouterr()
    assert call("diff", source, tmp_path / "hub") == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "0 differences\n")


def test_diff_names_what_was_moved_relabelled_answered_deleted_and_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = (
        '<?xml version="1.0"?><annotations><version>1.1</version><meta><task><labels>'
        "<label><name>car</name><type>rectangle</type><attributes><attribute><name>wet</name><mutable>False</mutable>"
        "<input_type>text</input_type><default_value/><values/></attribute></attributes></label>"
        "<label><name>bus</name><type>rectangle</type><attributes/></label></labels></task></meta>"
    )
    box = '<box label="{}" occluded="0" xtl="{}" ytl="10" xbr="{}" ybr="20">{}</box>'
    wet = '<attribute name="wet">{}</attribute>'

    def export(name: str, *boxes: str) -> Path:
        image = f'<image id="0" name="a.png" width="200" height="100">{"".join(boxes)}</image>'
        file = tmp_path / name
        file.write_text(f"{head}{image}</annotations>", encoding="utf-8")
        return file

    same = box.format("car", 150, 160, wet.format("yes"))
    before = export("a.xml", same, box.format("car", 10, 20, ""), box.format("car", 30, 40, ""),
                    box.format("car", 50, 60, wet.format("yes")), box.format("car", 70, 80, ""))  # fmt: skip
    after = export("b.xml", same, box.format("car", 12, 22, ""), box.format("bus", 30, 40, ""),
                   box.format("car", 50, 60, wet.format("no")), box.format("bus", 90, 99, ""))  # fmt: skip
    assert call("diff", before, after) == 1
    shown = capsys.readouterr()
    assert shown.err == "5 differences\n"
    assert shown.out.splitlines() == [
        "a.png, frame 0: 'car': its geometry, expected box 10 10 10 10, found box 12 10 10 10",
        "a.png, frame 0: 'car': its answers, expected {'wet': 'yes'}, found {'wet': 'no'}",
        "a.png, frame 0: the class of 'car', expected 'car', found 'bus'",
        "a.png, frame 0: the bounding_box 'car', expected box 70 10 10 10 on frames 0, found none",
        "a.png, frame 0: a bounding_box of 'bus', expected none, found box 90 10 9 10 on frames 0",
    ]


MAPPING = """classes:
- name: label1
  shape: bounding_box
  to: a photo of a car
- name: label1
  shape: polygon
  to: a photo of a car
  as: bounding_box
  attributes: {a1: false}
- name: label2
  shape: polyline
  to: false
"""


def test_a_mapping_is_converted_by_and_what_it_drops_is_told_apart_from_losses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING)
    source, report = CVAT / "images-project-subsets", tmp_path / "report.json"
    words = ("convert", source, tmp_path / "out", "--to", "coco", "--mapping", tmp_path / "m.yaml", "--report", report)
    assert call(*words, "--jobs", 2) == 0
    shown = capsys.readouterr().err
    [mapped] = [line for line in shown.splitlines() if line.startswith("mapped ")]
    assert mapped.startswith("mapped    3 polylines dropped, ")
    assert "polyline" not in shown.replace(mapped, "")
    document = json.loads((tmp_path / "out" / "annotations.json").read_bytes())
    names = {one["id"]: one["name"] for one in document["categories"]}
    assert {names[one["category_id"]] for one in document["annotations"]} == {"a photo of a car", "label2"}
    account = json.loads(report.read_text())
    assert all(row["in"] == row["kept"] + row["changed"] + row["dropped"] for row in account["counts"].values())
    assert account["labels"]["label2"] == {"in": 6, "kept": 0, "changed": 3, "dropped": 3}
    assert call(*words, "--dry-run") == 0
    assert json.loads(report.read_text()) == account


def test_class_names_of_a_target_are_those_of_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING + "- name: label2\n  shape: point\n  to: false\n")
    source = CVAT / "images-project-subsets"
    words = ("convert", source, tmp_path / "out", "--mapping", tmp_path / "m.yaml", "--target")
    assert call(*words, "ultralytics") == 0
    data = (tmp_path / "out" / "data.yaml").read_text()
    assert '0: "a photo of a car"' in data
    assert "nc: 1\n" in data
    shutil.rmtree(tmp_path / "out")
    assert call(*words, "torchvision") == 0
    [file] = (tmp_path / "out").rglob("*train*.json")
    assert [one["name"] for one in json.loads(file.read_bytes())["categories"]] == ["a photo of a car"]


def test_what_a_mapping_asks_for_is_no_loss_under_strict(tmp_path: Path) -> None:
    assert call("convert", CVAT / "video-boxes-minimal", tmp_path / "hub", "--to", "encord") == 0
    names = sorted(encord_convert.read(tmp_path / "hub").ontology.objects, key=lambda one: one.name)
    (tmp_path / "m.yaml").write_text(f"classes:\n- {{name: {names[0].name}, to: false}}\n")
    words = ("convert", tmp_path / "hub", tmp_path / "out", "--to", "encord", "--mapping", tmp_path / "m.yaml")
    assert call(*words, "--strict") == 0
    assert [one.name for one in encord_convert.read(tmp_path / "out").ontology.objects] == [names[1].name]


def test_a_mapping_that_names_no_class_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yaml").write_text("classes:\n- name: lable2\n  to: false\n")
    source = CVAT / "images-project-subsets"
    assert call("convert", source, tmp_path / "out", "--to", "coco", "--mapping", tmp_path / "m.yaml") == 2
    sentence = f"{tmp_path}/m.yaml:2: the source has no class 'lable2'; did you mean 'label2'?"
    assert capsys.readouterr().err == f"error: {sentence}\n"
    assert not (tmp_path / "out").exists()
