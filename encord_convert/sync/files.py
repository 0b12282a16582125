"""The source of a push: labels, files, and how to reopen them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_convert.conversion import read
from encord_convert.formats._files import Source, source_at
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sync.digests import digest_of_source
from encord_convert.sync.remotes import RemoteFolder


@dataclass(frozen=True, slots=True)
class SourceOf:
    """How to read a source, reproducibly.

    Parameters
    ----------
    path : str
        Absolute.
    format : str or None
        None: recognised.
    images : str or None
        Path or URI of its images; None: those of the source.
    options : dict
        Of reading.
    """

    path: str
    format: str | None = None
    images: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(
        cls,
        path: str | os.PathLike[str],
        format: str | None = None,
        images: str | os.PathLike[str] | None = None,
        options: dict[str, Any] | None = None,
    ) -> SourceOf:
        """Return the source at a path, which may be relative to the working directory."""
        return cls(
            str(Path(path).absolute()),
            format,
            None if images is None else str(images) if _is_uri(images) else str(Path(images).absolute()),
            dict(options or {}),
        )

    def opened(self) -> Source:
        """Open the source."""
        return source_at(self.path)

    def media(self) -> Source:
        """Open the source of its images."""
        if self.images is not None:
            return RemoteFolder(self.images) if _is_uri(self.images) else source_at(self.images)
        path = Path(self.path)
        if path.is_file() and path.suffix.lower() != ".zip":
            folder = path.parent / "images"
            return source_at(str(folder if folder.is_dir() else path.parent))
        return source_at(self.path)

    def labels(self, source: Source, report: Report | None = None) -> LabelSet:
        """Read its labels."""
        return read(source, self.format, report=report if report is not None else Report(), **self.options)

    def digest(self) -> str:
        """Return the digest of its current content."""
        with self.opened() as source:
            return digest_of_source(source, self.options)

    def to_dict(self) -> dict[str, Any]:
        """Return the form used in plans."""
        return {"path": self.path, "format": self.format, "images": self.images, "options": self.options}


def _is_uri(place: str | os.PathLike[str]) -> bool:
    return "://" in os.fspath(place)
