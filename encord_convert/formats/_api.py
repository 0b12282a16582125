"""What a format declares: a name, how to recognise it, how to read and write it, with which options, and what survives.

An option is a field of a dataclass: its type is what values it takes (``bool``, ``int``, ``float``, ``str``, a
``Literal`` of words, each perhaps ``| None``), its default is its default, and ``metadata={"help": …}`` says what it
does. Names in the class variable ``GONE`` were options once: they are taken, and mean nothing.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from encord_convert.errors import OptionError, near_to
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


# -- options -----------------------------------------------------------------------------------------------------------

_TRUE = {"yes", "true", "on", "1"}
_FALSE = {"no", "false", "off", "0"}


def parse_options(cls: type, given: Mapping[str, Any], *, format_name: str) -> Any:
    """Return an instance of the option dataclass ``cls``.

    Parameters
    ----------
    cls : type
        A frozen dataclass.
    given : mapping
        Names to values; strings from the command line are parsed by the field's type.
    format_name : str
        Used in messages.

    Raises
    ------
    OptionError
        No such option (the message lists all), or an invalid value.
    """
    hints = _hints(cls) if given else {}
    names = [field.name for field in fields(cls)]
    values = {}
    for raw, value in given.items():
        name = raw.replace("-", "_")
        if name in getattr(cls, "GONE", ()):
            continue
        if name not in names:
            raise OptionError(_unknown(raw, names, format_name))
        values[name] = _value(name, value, hints[name], format_name)
    try:
        return cls(**values)
    except ValueError as error:
        raise OptionError(f"{format_name}: {error}") from error


_hints = cache(get_type_hints)


def _unknown(name: str, names: list[str], format_name: str) -> str:
    if not names:
        return f"{format_name} has no options; {name!r} was given."
    near = near_to(name, names)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{format_name} has no option {name!r}. {hint}It has: {', '.join(names)}."


def _value(name: str, value: Any, hint: Any, format_name: str) -> Any:
    # None first: where it is allowed, the word "none" means None.
    for kind in sorted(_kinds(hint), key=lambda kind: kind is not type(None)):
        parsed = _parsed(value, kind)
        if parsed is not MISSING:
            return parsed
    raise OptionError(f"{format_name}: {name}={value} is not allowed; it takes {allowed(hint)}.")


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _parsed(value: Any, kind: Any) -> Any:
    text = isinstance(value, str)
    if get_origin(kind) is Literal:
        return value if value in get_args(kind) else MISSING
    if kind is type(None):
        return None if value is None or value == "none" else MISSING
    if kind is bool:
        if isinstance(value, bool):
            return value
        word = value.lower() if text else value
        return True if word in _TRUE else False if word in _FALSE else MISSING
    if kind is str:
        return value if text else MISSING
    if isinstance(value, bool):
        return MISSING
    try:
        return kind(value) if text or isinstance(value, (int, float)) else MISSING
    except (ValueError, OverflowError):
        return MISSING


def allowed(hint: Any) -> str:
    """Return in words what an option takes: ``yes or no``, ``a number``, ``auto, never or always``."""
    words: list[str] = []
    for kind in _kinds(hint):
        if get_origin(kind) is Literal:
            words.extend(map(str, get_args(kind)))
        else:
            known = {bool: "yes or no", int: "a whole number", float: "a number", str: "a text", type(None): "none"}
            words.append(known[kind])
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def option_rows(cls: type) -> list[tuple[str, str, str, str]]:
    """Return name, what it takes, default and help of each option, for help texts and documentation."""
    hints = _hints(cls)
    rows = []
    for field in fields(cls):
        rows.append((field.name, allowed(hints[field.name]), _shown(field.default), field.metadata.get("help", "")))
    return rows


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
