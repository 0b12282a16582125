"""Every documented SDK name stands under the prefix, with its kind, parameters, order and defaults.

``fixtures/sdk/api-surface.tsv`` lists kind, name and signature as the SDK's reference documents them; a signature
says parameters without types. ``encord.X`` is ``encord_convert.sdk.X`` here.
"""

import dataclasses
import enum
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

TABLE = Path(__file__).parent.parent / "fixtures/sdk/api-surface.tsv"
ROWS = [
    (kind, name, signature)
    for kind, name, signature in (line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines())
]
CALLABLES = {
    "class",
    "exception",
    "function",
    "method",
    "classmethod method",
    "static method",
    "abstract classmethod method",
}

MEASURED = {
    "encord.objects.LabelRowV2.initialise_labels": "(include_object_feature_hashes=None, "
    "include_classification_feature_hashes=None, include_reviews=False, overwrite=False, bundle=None, *, "
    "include_signed_url=False)",
    "encord.objects.LabelRowV2.workflow_reopen": "(bundle=None)",
    "encord.objects.LabelRowV2.workflow_complete": "(bundle=None)",
    "encord.objects.LabelRowV2.set_priority": "(priority, bundle=None)",
    "encord.utilities.client_utilities.LocalImport": "(file_path, map_filename_to_cvat_name=None)",
}
"""Signatures of the package itself, 0.1.104, where it takes more than its reference says."""


def found(name: str) -> Any:
    """Return the object of a documented name."""
    parts = name.replace("encord.", "encord_convert.sdk.", 1).split(".")
    for cut in range(len(parts), 1, -1):
        try:
            thing: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            thing = member(thing, part)
        return thing
    raise ModuleNotFoundError(name)


def member(owner: Any, name: str) -> Any:
    """Return a member as the class holds it: a property as such, a field of a dataclass as its field."""
    static = inspect.getattr_static(owner, name, None)
    if isinstance(static, property):
        return static
    if dataclasses.is_dataclass(owner) and name in (field.name for field in dataclasses.fields(owner)):
        return next(field for field in dataclasses.fields(owner) if field.name == name)
    if inspect.isclass(owner) and not hasattr(owner, name):
        return owner.__annotations__[name]
    return getattr(owner, name)


def parameters(thing: Any) -> str:
    """Return a signature in the reference's form: names and defaults, without types and without self."""
    shown = []
    starred = False
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        if parameter.kind is parameter.VAR_POSITIONAL:
            starred = True
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        value = parameter.default
        default = f"={value}" if isinstance(value, enum.Enum) else "" if value is parameter.empty else f"={value!r}"
        shown.append(f"{prefix}{parameter.name}{default}")
    return f"({', '.join(shown)})"


def plain(signature: str) -> str:
    """Take out what differs from one Python or process to the next: how a default object is shown."""
    return re.sub(r"=<[^>]*>", "=…", signature)


def shown_value(thing: Any) -> str:
    """Return a value in the reference's form; sets and field tables in the order of the alphabet."""
    if isinstance(thing, dataclasses.Field):
        thing = thing.default
    if isinstance(thing, enum.Enum):
        thing = thing.value
    if isinstance(thing, set):
        return "{" + ", ".join(sorted(map(repr, thing))) + "}"
    if isinstance(thing, dict):
        shown = ", ".join(f"{key!r}: {thing[key]!r}" for key in sorted(thing))
        return (
            "{"
            + shown.replace("encord_convert.sdk", "encord").replace("str | None", "typing.Union[str, NoneType]")
            + "}"
        )
    return repr(thing)


@pytest.mark.parametrize(("kind", "name", "signature"), ROWS, ids=[row[1] for row in ROWS])
def test_the_documented_name_is_here(kind: str, name: str, signature: str) -> None:
    thing = found(name)
    if kind == "property":
        assert isinstance(thing, property)
    elif kind in ("class", "exception"):
        assert inspect.isclass(thing)
        assert (kind == "exception") is issubclass(thing, Exception)
    elif kind in CALLABLES:
        assert callable(thing) and not inspect.isclass(thing)
        owner, last = found(name.rsplit(".", 1)[0]), name.rsplit(".", 1)[1]
        if inspect.isclass(owner):
            how = inspect.getattr_static(owner, last)
            assert isinstance(how, classmethod) is ("classmethod" in kind)
            assert isinstance(how, staticmethod) is ("static" in kind)
    elif kind == "attribute" and "= " in signature:
        assert shown_value(thing) == signature.split("= ", 1)[1]
    if kind in CALLABLES and not (inspect.isclass(thing) and issubclass(thing, enum.Enum)):
        documented = MEASURED.get(name, signature)
        assert plain(parameters(thing)) == plain(documented or "()")
