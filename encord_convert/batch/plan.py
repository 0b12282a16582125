"""From sources or a manifest to jobs: what is read, what is written, and by which options.

A manifest is YAML (or JSON, which is YAML too)::

    to: coco                      # what every job has, unless it says otherwise
    write: {decimals: 2}
    jobs:
      - source: exports/*.zip     # as on the command line: a path, a glob, a folder, a URI; or a list of them
      - source: [a.xml, b.xml]
        merge: true
        target: both              # below --out
        from: cvat
        read: {apply_defaults: true}
        strict: true
        mapping: classes.yaml     # what becomes of classes, as with --mapping

Paths of a manifest start at its folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from encord_convert.batch import locations as places
from encord_convert.conversion import check_codes, exporter_of, importer_of
from encord_convert.errors import OptionError, ReadError
from encord_convert.formats._api import parse_options
from encord_convert.formats._files import name_fault
from encord_convert.formats._registry import format_named
from encord_convert.hub.yaml_file import parse_document, text_at

MANIFEST_BYTES = 64 << 20
"""Largest manifest that is read."""


@dataclass(frozen=True, slots=True)
class MappingText:
    """What a mapping file says, as text: it travels with a job to workers that may not see the file."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """One output: what it is made of, where it goes, and how.

    Parameters
    ----------
    sources : tuple of str
        Paths or URIs. More than one are merged, in the order of their names.
    target : str
        Path or URI; a file if it ends in a suffix of the format, else a folder.
    to : str
        Format to write.
    from_ : str, optional
        Format of the sources; by default recognised.
    read_options, write_options : dict
        Options of the two formats.
    strict : bool
        Fail if anything would be lost.
    allow : tuple of str
        Codes of losses that ``strict`` does not refuse.
    is_merged : bool
        Whether the sources become one label set, of one ontology; also if there is but one.
    mapping : MappingText, optional
        What becomes of the classes, of those of the merged set if it is one; see
        :mod:`encord_convert.sync.mapping.file`.
    size_bytes : int
        Size of the sources as far as it is known; rules what is done together, not what comes out.
    """

    sources: tuple[str, ...]
    target: str
    to: str
    from_: str | None = None
    read_options: dict[str, Any] = field(default_factory=dict)
    write_options: dict[str, Any] = field(default_factory=dict)
    strict: bool = False
    allow: tuple[str, ...] = ()
    is_merged: bool = False
    mapping: MappingText | None = None
    size_bytes: int = 0

    @property
    def name(self) -> str:
        """What to call the job: its source, or the first of several and how many more."""
        more = len(self.sources) - 1
        return self.sources[0] + (f" and {more} more" if more else "")

    def options_hash(self) -> str:
        """Return what tells this way of converting from every other, this version of the package included."""
        how = (
            self.to, self.from_, sorted(self.read_options.items()), sorted(self.write_options.items()), self.strict,
            sorted(self.allow), self.is_merged, own_version(), *([] if self.mapping is None else [self.mapping.text]),
        )  # fmt: skip
        return hashlib.sha256(msgspec.json.encode(how, enc_hook=str)).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs of a batch, in the order they are told, and the folder or URI all targets lie below."""

    jobs: tuple[Job, ...]
    out: str


def plan(
    sources: Iterable[str | os.PathLike[str]] = (),
    *,
    out: str | os.PathLike[str],
    to: str | None = None,
    from_: str | None = None,
    manifest: str | os.PathLike[str] | None = None,
    merge: bool = False,
    read_options: Mapping[str, Any] | None = None,
    write_options: Mapping[str, Any] | None = None,
    strict: bool = False,
    allow: Collection[str] = (),
    mapping: str | os.PathLike[str] | None = None,
) -> Plan:
    """Return the jobs for sources, or for what a manifest names, or both.

    Parameters
    ----------
    sources : iterable of path
        Files, folders, archives, globs, URIs. A folder is one source if a format recognises it as a whole; else every
        file and folder in it is one.
    out : path or URI
        What is written goes below: for each source a folder of its name.
    to, from_, read_options, write_options, strict, allow
        As of :func:`encord_convert.convert`, for every job; a manifest may say otherwise for a job.
    mapping : path, optional
        A YAML file of what becomes of classes, for every job that names no other.
    manifest : path, optional
        A YAML file.
    merge : bool
        Make one output, ``out`` itself, of all sources.

    Raises
    ------
    ReadError
        Nothing fits a source, or the manifest is not one.
    OptionError
        An option is wrong, or two sources would be written to one target.
    MappingError
        A mapping cannot be read. That it names what a source does not have fails the job of that source.
    """
    place = os.fspath(out)
    common = _Entry(
        to=to, from_=from_, read=dict(read_options or {}), write=dict(write_options or {}), strict=strict, merge=merge,
        allow=tuple(allow), mapping=None if mapping is None else _mapping(os.fspath(mapping)),
    )  # fmt: skip
    entries = [replace(common, source=[os.fspath(one) for one in sources])] if sources else []
    if manifest is not None:
        entries += _entries(os.fspath(manifest), common)
    if places.is_remote(place):
        places.remote(place)  # a scheme nobody knows fails every job
    jobs = [job for entry in entries for job in _jobs(entry, place)]
    if not jobs:
        raise OptionError("There is nothing to convert: name sources, or a manifest that does.")
    _refuse_clashes(jobs)
    for job in {
        (job.to, job.from_, str(job.read_options), str(job.write_options), job.allow): job for job in jobs
    }.values():
        _check(job)
    return Plan(tuple(jobs), place)


# -- manifests --------------------------------------------------------------------------------------------------------


class _Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    to: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    read: dict[str, Any] = {}
    write: dict[str, Any] = {}
    strict: bool | None = None
    allow: list[str] | None = None
    mapping: str | None = None


class _ManifestJob(_Settings, kw_only=True):
    source: str | list[str]
    target: str | None = None
    merge: bool = False


class _Manifest(_Settings, kw_only=True):
    jobs: list[_ManifestJob]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Sources that are converted alike."""

    source: list[str] = field(default_factory=list)
    target: str | None = None
    to: str | None = None
    from_: str | None = None
    read: dict[str, Any] = field(default_factory=dict)
    write: dict[str, Any] = field(default_factory=dict)
    strict: bool = False
    allow: tuple[str, ...] = ()
    merge: bool = False
    mapping: MappingText | None = None

    def told(self, settings: _Settings, folder: str) -> _Entry:
        """Return the same with what ``settings``, whose paths start at ``folder``, says in its place."""
        return replace(
            self,
            to=settings.to or self.to,
            from_=settings.from_ or self.from_,
            read=self.read | settings.read,
            write=self.write | settings.write,
            strict=self.strict if settings.strict is None else settings.strict,
            allow=self.allow if settings.allow is None else tuple(settings.allow),
            mapping=self.mapping if settings.mapping is None else _mapping(os.path.join(folder, settings.mapping)),
        )


def _entries(path: str, common: _Entry) -> list[_Entry]:
    manifest = _manifest(path)
    folder = os.path.dirname(path)
    common = common.told(manifest, folder)
    entries = []
    for job in manifest.jobs:
        sources = [job.source] if isinstance(job.source, str) else job.source
        placed = [one if places.is_remote(one) else os.path.join(folder, one) for one in sources]
        entries.append(replace(common.told(job, folder), source=placed, target=job.target, merge=job.merge))
    return entries


def _mapping(path: str) -> MappingText:
    text = text_at(path)
    parse_document(text, path)
    return MappingText(path, text)


def _manifest(path: str) -> _Manifest:
    import yaml

    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read(MANIFEST_BYTES)
        return msgspec.convert(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), _Manifest)
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror}).") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ReadError(path, f"is not YAML ({error.problem or error.context}).", line=line) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ReadError(path, f"is not YAML ({' '.join(str(error).split())}).") from error
    except msgspec.ValidationError as error:
        raise ReadError(
            path, f"is not a manifest: {error}.", advice="`jobs` lists jobs, each with a `source`."
        ) from error


# -- jobs -------------------------------------------------------------------------------------------------------------


def _jobs(entry: _Entry, out: str) -> list[Job]:
    if entry.to is None:
        raise OptionError("Say which format to write with --to, or with `to` in the manifest.")
    found = [one for source in entry.source for one in places.found(source)]
    common = Job(
        sources=(),
        target="",
        to=entry.to,
        from_=entry.from_,
        read_options=entry.read,
        write_options=entry.write,
        strict=entry.strict,
        allow=entry.allow,
        is_merged=entry.merge,
        mapping=entry.mapping,
    )
    if entry.merge:
        # By name, so that the order in which they were given does not matter.
        sources = tuple(sorted({one.name for one in found}))
        target = out if entry.target is None else _below(out, entry.target)
        return [replace(common, sources=sources, target=target, size_bytes=sum(one.size_bytes for one in found))]
    if entry.target is not None and len(found) > 1:
        raise OptionError(
            f"{', '.join(entry.source)}: {len(found)} sources for the one target {entry.target}. Merge them?"
        )
    return [
        replace(common, sources=(one.name,), target=_below(out, entry.target or one.stem), size_bytes=one.size_bytes)
        for one in found
    ]


def _below(out: str, name: str) -> str:
    fault = name_fault(name)
    if fault:
        raise OptionError(f"The target {name!r} {fault}; it has to lie below {out}.")
    return places.joined(out, name)


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    by_target: dict[str, Job] = {}
    for job in jobs:
        other = by_target.setdefault(os.path.normcase(job.target), job)
        if other is not job:
            raise OptionError(
                f"{other.name} and {job.name} would both be written to {job.target}. Name targets in a manifest."
            )


def _check(job: Job) -> None:
    """Refuse now what every job would be refused for."""
    format_ = format_named(job.to)
    parse_options(exporter_of(format_).options, job.write_options, format_name=job.to)
    if job.from_ is not None:
        parse_options(importer_of(format_named(job.from_)).options, job.read_options, format_name=job.from_)
    check_codes(job.allow)


@cache
def own_version() -> str:
    """Return the version of this package, or ``unknown`` where it is not installed."""
    try:
        return version("encord-convert")
    except PackageNotFoundError:
        return "unknown"
