"""Imports go down only; what must load fast loads nothing heavy."""

import ast
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from encord_convert.formats import formats
from encord_convert.formats._api import _write_narrowed
from encord_convert.formats._files import Target
from encord_convert.losses.narrow import Narrowed
from encord_convert.training import TARGETS, target_named

PACKAGE = Path(__file__).parent.parent / "encord_convert"

FLOORS = {
    "geometry": 0,
    "workers": 0,
    "sdk": 1,
    "errors": 2,
    "hub": 2,
    "locks": 2,
    "losses": 2,
    "formats": 3,
    "conversion": 4,
    "batch": 5,
    "checks": 5,
    "interop": 5,
    "service": 5,
    "sync": 5,
    "training": 5,
    "view": 5,
    "_samples": 6,
    "__init__": 6,
    "__main__": 6,
    "cli": 6,
    "testing": 6,
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def floor_of(dotted: str) -> int:
    parts = dotted.split(".")
    return FLOORS[parts[1]] if len(parts) > 1 else FLOORS["__init__"]


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the address out"
            found.append(node.module or "")
    return [name for name in found if name.split(".")[0] == "encord_convert"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    own = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    higher = [name for name in imports_of(path) if floor_of(name) > floor_of(own)]
    assert not higher, f"{own} is on floor {floor_of(own)} and reaches up to {higher}"


COUNTING = ("encord_convert.losses.report", "encord_convert.hub.counts")
"""Where there are objects with which a loss can be told."""

ONLY_WRITE = [
    *(str(path.relative_to(PACKAGE)) for path in MODULES if path.match("formats/*/write*.py")),
    *(f"formats/coco/{name}.py" for name in ("encord", "panoptic", "results", "ytvis")),
    "formats/_keypoints.py",
    "formats/cvat/layout.py",
    *(f"training/{name}.py" for name in ("base", "coco", "hugging_face", "images", "splits", "yolo")),
]


@pytest.mark.parametrize("name", ONLY_WRITE)
def test_what_only_writes_imports_nothing_with_which_a_loss_can_be_told(name: str) -> None:
    assert not set(COUNTING) & set(imports_of(PACKAGE / name))


def test_exporters_are_given_what_is_left_and_nothing_to_tell_a_loss_with() -> None:
    written = {name: one.exporter for name, one in formats().items() if one.exporter is not None}
    written |= {name: target_named(name).exporter for name in TARGETS}
    assert [name for name, exporter in written.items() if not takes_narrowed(exporter.write)] == []


def takes_narrowed(write: Any) -> bool:
    """Tell whether an exporter was made by ``Exporter.of_narrowed`` of a function that takes no report."""
    if not (isinstance(write, partial) and write.func is _write_narrowed):
        return False
    inner = write.args[0]
    given = len(inner.args) if isinstance(inner, partial) else 0
    function = inner.func if isinstance(inner, partial) else inner
    hints = list(get_type_hints(function).items())[given:]
    return [hint for _, hint in hints][:2] == [Narrowed, Target] and "report" not in dict(hints)


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"requests", "urllib3", "sqlite3", "sqlalchemy", "lxml.etree", "numpy", "PIL", "pydicom"}


def test_importing_the_model_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("import encord_convert.sdk.objects as o; [getattr(o, n) for n in o.__all__]")


def test_importing_the_formats_loads_no_network_or_database() -> None:
    loaded = loaded_by("from encord_convert.formats import formats; list(formats().values())")
    assert not {"requests", "urllib3", "sqlite3", "sqlalchemy", "click", "rich"} & loaded


def test_importing_the_package_loads_no_module_of_it() -> None:
    assert {m for m in loaded_by("import encord_convert") if m.startswith("encord_convert.")} == set()


def test_help_loads_no_format() -> None:
    loaded = loaded_by("from encord_convert.cli import run; run(['--help'])")
    assert not {m for m in loaded if m.startswith("encord_convert.formats")}
    assert not HEAVY & loaded


UNNEEDED = {
    "difflib", "email", "importlib.metadata", "mimetypes", "multiprocessing", "shutil", "socket", "sqlite3",
    "ssl", "tempfile", "zipfile",
    "encord_convert.formats._hub_schema", "encord_convert.formats.coco.json_walk", "encord_convert.formats.coco.read",
    "encord_convert.formats.cvat.write_files", "encord_convert.sdk.client", "encord_convert.service",
    "encord_convert.sync", "encord_convert.training",
}  # fmt: skip
"""What makes every run longer and a file of CVAT that becomes one of COCO has no use for."""


FIXTURES = PACKAGE.parent / "fixtures"


def loaded_by_converting(source: Path, target: str, folder: Path) -> set[str]:
    words = ["convert", str(source), str(folder / "out"), "--to", target, "--quiet"]
    return loaded_by(f"from encord_convert.cli import run; assert run({words!r}) == 0")


def test_small_conversion_loads_only_what_it_uses(tmp_path: Path) -> None:
    loaded = loaded_by_converting(FIXTURES / "cvat/images-task-minimal/train.xml", "coco", tmp_path)
    assert not UNNEEDED & loaded
    formats_ = {name.split(".")[2] for name in loaded if name.startswith("encord_convert.formats.")}
    assert {name for name in formats_ if not name.startswith("_")} == {"coco", "cvat"}


LIBRARIES = {"click", "msgspec", "numpy", "pycocotools"}
"""What every conversion loads: half of the time of a small one is numpy."""


@pytest.mark.parametrize(
    ("source", "target", "more"),
    [
        ("cvat/images-task-minimal/train.xml", "coco", set()),
        ("coco/boxes-only", "yolo", set()),
        ("voc/roboflow-chess", "coco", {"lxml"}),
    ],
)
def test_small_conversions_load_few_libraries(source: str, target: str, more: set[str], tmp_path: Path) -> None:
    loaded = loaded_by_converting(FIXTURES / source, target, tmp_path) - loaded_by("pass")
    libraries = {name.partition(".")[0] for name in loaded if "cython" not in name} - sys.stdlib_module_names
    assert libraries - {"encord_convert", "typing_extensions"} == LIBRARIES | more
