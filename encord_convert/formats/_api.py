"""What a format declares: a name, how to recognise it, how to read and write it, and what survives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from encord_convert.hub.loss import Carries
from encord_convert.losses.report import Report

if TYPE_CHECKING:
    from encord_convert.formats._files import Source, Target
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.losses.narrow import Narrowed


class Match(Enum):
    """Whether a path holds a format."""

    YES = "yes"
    """The path holds the format; only a damaged file could still fail to read."""
    NO = "no"
    """The path does not hold the format."""
    UNSURE = "unsure"
    """Only reading it can tell."""


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Options of a format that has none."""


@dataclass(frozen=True, slots=True)
class Importer:
    """How a format is read: a function, the dataclass of its options, and what it can give.

    ``cuts``: large files give label sets with :meth:`LabelSet.shards`, which several processes can read.
    """

    read: Callable[[Source, Any, Report], LabelSet]
    options: type
    carries: Carries
    cuts: bool = False


@dataclass(frozen=True, slots=True)
class Exporter:
    """How a format is written: a function, the dataclass of its options, and what survives.

    ``write_sharded(shards, target, options, report)``, if given, writes what ``write`` would of the union of the
    shards, byte for byte, with one process each. ``carries`` is what survives with default options;
    ``carries_by(options)``, if given, with other options. ``walk(narrowed, target, options)`` yields what is written of
    the rows, adds notes and raises errors: a dry run does only that, writing also makes the files.
    """

    write: Callable[[LabelSet, Target, Any, Report], None]
    options: type
    carries: Carries
    write_sharded: Callable[[Any, Target, Any, Report], None] | None = None
    carries_by: Callable[[Any], Carries] | None = None
    walk: Callable[[Narrowed, Target, Any], Iterable[Any]] | None = None

    @classmethod
    def of_narrowed(
        cls,
        write: Callable[[Narrowed, Target, Any], None],
        options: type,
        carries: Carries,
        write_sharded: Callable[[Sequence[Narrowed], Target, Any], None] | None = None,
        *,
        walk: Callable[[Narrowed, Target, Any], Iterable[Any]] | None = None,
        carries_by: Callable[[Any], Carries] | None = None,
    ) -> Exporter:
        """Return an exporter whose function gets the labels already narrowed to its declaration."""
        declared = carries_by or carries
        sharded = None if write_sharded is None else partial(_write_narrowed_shards, write_sharded, declared)
        return cls(partial(_write_narrowed, write, declared), options, carries, sharded, carries_by, walk)

    def carries_with(self, options: Any) -> Carries:
        """Return what survives with these options."""
        return self.carries if self.carries_by is None else self.carries_by(options)

    def foretell(self, labels: LabelSet, target: Target, options: Any, report: Report) -> None:
        """Fill the report and raise errors as writing would, without writing anything."""
        from encord_convert.losses.narrow import Narrowed

        carries = self.carries_with(options)
        narrowed = Narrowed(labels, report, carries)
        for _ in narrowed if self.walk is None else self.walk(narrowed, target, options):
            pass


def _write_narrowed(
    write: Callable[[Narrowed, Target, Any], None],
    carries: Carries | Callable[[Any], Carries],
    labels: LabelSet,
    target: Target,
    options: Any,
    report: Report,
) -> None:
    from encord_convert.losses.narrow import Narrowed

    write(Narrowed(labels, report, carries if isinstance(carries, Carries) else carries(options)), target, options)


def _write_narrowed_shards(
    write: Callable[[Sequence[Narrowed], Target, Any], None],
    carries: Carries | Callable[[Any], Carries],
    shards: Sequence[LabelSet],
    target: Target,
    options: Any,
    report: Report,
) -> None:
    from encord_convert.losses.narrow import Narrowed

    declared = carries if isinstance(carries, Carries) else carries(options)
    parts = [Narrowed(shard, None, declared) for shard in shards]
    write(parts, target, options)
    report.take([part.account for part in parts])


@dataclass(frozen=True, slots=True)
class Format:
    """One annotation format, as data.

    Parameters
    ----------
    name : str
        Short name used on the command line, in option values and in hashes.
    title : str
        Human-readable name.
    spec : str
        Where it is specified.
    suffixes : tuple of str
        File suffixes it comes in, lower case, with the dot.
    identify : callable
        From a source to a :class:`Match`: cheap, stringent, never raises.
    read_by : str, optional
        Name of the format that reads what this one writes, where it has no importer of its own.
    """

    name: str
    title: str
    spec: str
    suffixes: tuple[str, ...]
    identify: Callable[[Source], Match]
    importer: Importer | None = None
    exporter: Exporter | None = None
    read_by: str | None = None

    def __repr__(self) -> str:
        """Summarize: a full field listing is unreadable at a prompt."""
        ends = {"read": self.importer, "written": self.exporter}
        does = " and ".join(name for name, end in ends.items() if end is not None)
        end = self.exporter or self.importer
        if end is None:
            return f"Format({self.name!r})"
        shapes, features = end.carries.shapes | end.carries.approximates, end.carries.features
        return f"Format({self.name!r}, {does}, shapes={len(shapes)}, features={len(features)})"
