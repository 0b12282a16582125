"""What the law is held on: every fixture of every format that can be read and written, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_convert import Report, convert

FIXTURES = Path(__file__).parents[2] / "fixtures"

OUR_OWN = ("hub.json", "losses.json", "options.json", "expected.json", "expected_order.json")
"""Files of this project beside the fixtures."""


_SHAPES = ("cvat/authored-images-modern-shapes", "cvat/authored-video-modern-tracks", "coco/rle-list", "rle/records")
WRITTEN = {
    "encord": (*_SHAPES, "cvat/images-project-subsets", "coco/keypoints-17", "dicom/private_tags", "street"),
    "rle": _SHAPES,
    "masks": _SHAPES,
    "masks-instance": _SHAPES,
    "masks-index": _SHAPES,
}
"""Files in the form that this package writes, made of fixtures of others."""


FOREIGN = (
    "rle/supervisely",
    "rle/label-studio",
    "cases/label-studio",
    "cases/supervisely",
    "masks-index/rgb",
    "masks-index/pal",
)
"""Sources in a structure that is read and not written."""


@dataclass(frozen=True)
class Source:
    """A file or folder, and how it is converted to its own format."""

    name: str
    path: Path
    format: str
    target: str
    read_options: dict[str, Any] = field(default_factory=dict)
    write_options: dict[str, Any] = field(default_factory=dict)
    contained: bool = False
    """Whether the target has another structure, so that values are looked for anywhere in it."""


def sources(made: Path) -> Iterator[Source]:
    """Yield all sources; those that no fixture holds as files are made below ``made``."""
    for format_ in (
        "coco", "cvat", "rle", "masks", "masks-index", "dicom", "voc", "labelme", "yolo", "createml", "kitti", "mot",
        "mots", "openimages", "via",
    ):  # fmt: skip
        for case in folders(FIXTURES / format_):
            options = json.loads(file.read_text()) if (file := case / "options.json").exists() else {}
            yield _source(f"{format_}/{case.name}", case, format_, options)
    yield _source("street", FIXTURES / "street" / "annotations.xml", "cvat")
    for kind, format_ in (("coco", "coco"), ("cvat", "cvat"), ("label-studio", "rle"), ("rle", "rle")):
        for file in sorted((FIXTURES / "cases" / kind).rglob("*")):
            if file.suffix in (".json", ".xml", ".csv"):
                yield _source(f"cases/{file.relative_to(FIXTURES / 'cases')}", file, format_)
    for case in folders(FIXTURES / "cases" / "encord"):
        yield _source(f"cases/encord/{case.name}", case, "encord")
    for file in sorted((FIXTURES / "hub" / "label-rows").glob("*.json")):
        saved = json.loads(file.read_text("utf-8"))
        if "input" in saved:
            folder = made / "encord" / file.stem
            ontology = saved["ontology"]
            if isinstance(ontology, str):
                ontology = json.loads((FIXTURES / "hub" / ontology).read_text("utf-8"))
            write_rows(folder, ontology.get("ontology", ontology), [saved["input"]])
            yield _source(f"hub/{file.stem}", folder, "encord")
    for format_, cases in WRITTEN.items():
        for case in cases:
            folder = made / format_ / case.replace("/", "-")
            report = Report()  # what is lost on the way here is no concern of the law
            options = json.loads(file.read_text()) if (file := FIXTURES / case / "options.json").exists() else {}
            convert(FIXTURES / case, folder, to=format_, report=report, read_options=options)
            yield _source(f"{format_}/{case}, written", folder, format_)


def _source(name: str, path: Path, format_: str, options: dict[str, Any] | None = None) -> Source:
    target: str = format_
    write_options: dict[str, Any] = {}
    if format_ == "coco" and _is_panoptic(path):
        target = "coco-panoptic"
    if format_ == "yolo":
        target = next((f"yolo-{task}" for task in ("seg", "obb", "pose") if f"-{task}" in path.name), "yolo")
    if path.name == "kaggle" or path.suffix == ".csv":
        write_options = {"dialect": "kaggle", "container": "csv"}
    contained = name.startswith(FOREIGN)
    return Source(name, path, format_, target, options or {}, write_options, contained)


def _is_panoptic(path: Path) -> bool:
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    return any(b'"segments_info"' in file.read_bytes() for file in files)


def write_rows(folder: Path, ontology: Any, rows: list[Any]) -> None:
    """Write the two files of the ``encord`` format."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ontology.json").write_text(json.dumps(ontology), "utf-8")
    (folder / "label_rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def folders(root: Path) -> list[Path]:
    """Return the folders in a folder."""
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
