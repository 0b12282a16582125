"""Importing the model is cheap, and its front door is exact."""

from __future__ import annotations

import subprocess
import sys

import pytest

from encord_convert.sdk import objects
from encord_convert.sdk.exceptions import CordException, EncordException, ExceptionContext, MultiLabelLimitError

HEAVY = ("numpy", "lxml", "requests", "urllib3", "sqlite3", "msgspec", "pycocotools", "email.utils", "asyncio")


def loaded(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_model_loads_no_heavy_module() -> None:
    variant = """
from encord_convert.sdk.objects import *
structure = OntologyStructure()
thing = structure.add_object("Thing", Shape.POLYGON)
instance = thing.create_instance()
from encord_convert.sdk.objects.coordinates import PolygonCoordinates, BitmaskCoordinates
instance.set_for_frames(PolygonCoordinates._from_flat([0.0, 0.0, 1.0, 1.0]))
BitmaskCoordinates({"top": 0, "left": 0, "height": 1, "width": 1, "rleString": "1"}).to_dict()
""".strip().replace("\n", "\n")
    assert not set(HEAVY) & loaded(f"exec({variant!r})")


def test_importing_the_package_of_the_model_loads_none_of_it() -> None:
    modules = {name for name in loaded("import encord_convert.sdk.objects") if name.startswith("encord_convert.")}
    assert modules == {"encord_convert.sdk", "encord_convert.sdk.objects"}


def test_the_front_door_has_the_documented_names() -> None:
    assert objects.__all__ == sorted(objects.__all__)
    assert all(getattr(objects, name).__name__ == name for name in objects.__all__)
    assert set(objects.__all__) <= set(dir(objects))
    with pytest.raises(AttributeError, match="Nope"):
        _ = objects.Nope  # type: ignore[attr-defined]


def test_classes_are_known_by_their_documented_address() -> None:
    from encord_convert.sdk.objects import LabelRowV2, ObjectInstance

    assert LabelRowV2.__module__ == "encord_convert.sdk.objects.ontology_labels_impl"
    assert LabelRowV2.FrameView.__qualname__ == "LabelRowV2.FrameView"
    assert ObjectInstance.Annotation.__qualname__ == "ObjectInstance.Annotation"


def test_errors_say_what_and_when() -> None:
    error = EncordException("It broke.", ExceptionContext("2024-01-01T00:00:00+00:00"))
    assert str(error) == "It broke. timestamp='2024-01-01T00:00:00+00:00'"
    assert error.args == ("It broke.",)
    assert CordException is EncordException
    assert MultiLabelLimitError("Too many.", 100).maximum_labels_allowed == 100
