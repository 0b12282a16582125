"""Convert, check and sync annotation labels between formats, and know exactly what did not make it.

>>> import encord_convert
>>> labels = encord_convert.read("fixtures/cvat/images-task-minimal")
>>> report = encord_convert.Report()
>>> _ = encord_convert.write(labels, "out", "coco", report=report)  # doctest: +SKIP
>>> print(report)  # doctest: +SKIP

Names are resolved when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_convert.conversion import ConversionWarning, convert, formats, read, write
    from encord_convert.errors import (
        BatchError,
        ConvertError,
        MissingDependencyError,
        NotRepresentableError,
        OptionError,
        ReadError,
        UndetectedFormatError,
        UnknownFormatError,
        WriteError,
    )
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.losses.report import Report

_HOMES = {
    "BatchError": "errors",
    "ConversionWarning": "conversion",
    "ConvertError": "errors",
    "LabelSet": "hub.labelset",
    "MissingDependencyError": "errors",
    "NotRepresentableError": "errors",
    "OptionError": "errors",
    "ReadError": "errors",
    "Report": "losses.report",
    "UndetectedFormatError": "errors",
    "UnknownFormatError": "errors",
    "WriteError": "errors",
    "convert": "conversion",
    "formats": "formats",
    "read": "conversion",
    "write": "conversion",
}

__all__ = [
    "BatchError",
    "ConversionWarning",
    "ConvertError",
    "LabelSet",
    "MissingDependencyError",
    "NotRepresentableError",
    "OptionError",
    "ReadError",
    "Report",
    "UndetectedFormatError",
    "UnknownFormatError",
    "WriteError",
    "convert",
    "formats",
    "read",
    "write",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{home}")
    # The package `formats` answers a call itself: its name stays that of the package, whatever is asked for first.
    value = globals()[name] = module if name == home else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return __all__
