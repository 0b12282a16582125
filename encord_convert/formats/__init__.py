"""Formats: one file each; no format knows another."""

import sys
from collections.abc import Mapping
from types import ModuleType

from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._registry import detect, format_named, formats

__all__ = ["Exporter", "Format", "Importer", "Match", "detect", "format_named", "formats"]


class _Callable(ModuleType):
    # The front door promises `encord_convert.formats()`, and importing this package binds its module to that very
    # name: so the module answers the call.
    def __call__(self) -> Mapping[str, Format]:
        return formats()


sys.modules[__name__].__class__ = _Callable
