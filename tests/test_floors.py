"""Imports go down only; what must load fast loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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
    "service": 5,
    "sync": 5,
    "training": 5,
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
