"""Formats: one file each, independent of one another.

What a third-party format is made of, besides the label classes in
:mod:`encord_convert.sdk.objects`; see ``encord-convert help plugins``. Names are resolved when they are first used.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._registry import detect, format_named, formats

if TYPE_CHECKING:
    from encord_convert.errors import OptionError, ReadError, WriteError
    from encord_convert.formats._files import MemorySource, MemoryTarget, Source, Target
    from encord_convert.formats._images import Image, images
    from encord_convert.hub.counts import Counts, Origin
    from encord_convert.hub.draft import Draft
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.hub.loss import Carries, Feature, Kind, Level, Where
    from encord_convert.hub.media import read_header
    from encord_convert.losses.narrow import Narrowed
    from encord_convert.losses.report import Report

_HOMES = {
    "Carries": "hub.loss",
    "Draft": "hub.draft",
    "Feature": "hub.loss",
    "Image": "formats._images",
    "Kind": "hub.loss",
    "LabelSet": "hub.labelset",
    "Counts": "hub.counts",
    "Level": "hub.loss",
    "MemorySource": "formats._files",
    "MemoryTarget": "formats._files",
    "Narrowed": "losses.narrow",
    "OptionError": "errors",
    "Origin": "hub.counts",
    "ReadError": "errors",
    "Report": "losses.report",
    "Source": "formats._files",
    "Target": "formats._files",
    "Where": "hub.loss",
    "WriteError": "errors",
    "images": "formats._images",
    "read_header": "hub.media",
}

__all__ = [
    "Carries",
    "Counts",
    "Draft",
    "Exporter",
    "Feature",
    "Format",
    "Image",
    "Importer",
    "Kind",
    "LabelSet",
    "Level",
    "Match",
    "MemorySource",
    "MemoryTarget",
    "Narrowed",
    "NoOptions",
    "OptionError",
    "Origin",
    "ReadError",
    "Report",
    "Source",
    "Target",
    "Where",
    "WriteError",
    "detect",
    "format_named",
    "formats",
    "images",
    "read_header",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"encord_convert.{home}"), name)
    return value


def __dir__() -> list[str]:
    return __all__


class _Callable(ModuleType):
    # The front door promises `encord_convert.formats()`, but importing this package binds its module to that
    # name, so the module itself is callable.
    def __call__(self) -> Mapping[str, Format]:
        return formats()


sys.modules[__name__].__class__ = _Callable
