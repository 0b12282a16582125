"""Every documented SDK name of the model stands under the prefix, with its kind, parameters, order and defaults.

``fixtures/sdk/model-surface.tsv`` lists kind, name and signature as the SDK's reference documents them; a signature
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

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent.parent / "fixtures/sdk/model-surface.tsv")
    .read_text(encoding="utf-8")
    .splitlines()
]
CALLABLES = {"class", "exception", "function", "method", "classmethod method", "static method"}


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


@pytest.mark.parametrize(("kind", "name", "signature"), ROWS, ids=[row[1] for row in ROWS])
def test_the_documented_name_is_here(kind: str, name: str, signature: str) -> None:
    thing = found(name)
    if kind == "property":
        assert isinstance(thing, property)
    elif kind in ("class", "exception"):
        assert inspect.isclass(thing)
        assert kind == "class" or issubclass(thing, Exception)
    elif kind in CALLABLES:
        assert callable(thing)
    if kind in CALLABLES and not (inspect.isclass(thing) and issubclass(thing, enum.Enum)):
        ours, documented = plain(parameters(thing)), plain(signature)
        # Ours may take more than the reference names, as the SDK itself does, if it can be left out.
        further = ours.removeprefix(documented.removesuffix(")")).lstrip(", ")
        assert ours == documented or (ours.startswith(documented.removesuffix(")")) and "=" in further)
