"""The errors of converting, and the exit code of each.

::

    EncordException                (documented; root of all that is raised on purpose)
      ConvertError                 1
        UnknownFormatError         6  no such name; offers the nearest
        UndetectedFormatError      6  nobody, or more than one, claims the path; lists who
        MissingDependencyError     6  also ImportError; gives the install line
        BrokenFormatError          6  the package that brings the format cannot be used; says why
        OptionError                2  name, value, what is allowed
          MappingError             2  a mapping of classes names what is not there; offers the nearest
        ReadError                  4  of this format, and broken: path, place, expected, found
          SizeUnknownError         4  nothing says how large an image is
          AmbiguousFileError       4  a name fits more than one file, or a file more than one name; lists them
        WriteError                 5  the target cannot be written
          NotRepresentableError    3  strict, and something would be lost; carries the Report
        BatchError                 1  some jobs failed; carries them all
        ListenError                7  the local service cannot listen at its address
        NetworkError               7  the service cannot be reached, or failed
        AccessError                8  there is no such thing for this key, or no key
        TranslationError           1  a label has no place in the ontology of a project
        RowMismatchError           1  the data of a project is not what labels were drawn on
        JournalError               9  of another push, or no journal
        StalePlanError             9  the source or the project has changed since the plan was made
        ConflictError              9  labels are there already

A message is a sentence of fact and, if there is one, a sentence of advice. The command line prints it and
exits with :attr:`ConvertError.exit_code`; :data:`EXIT_CODES` is the table ``--help`` shows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from encord_convert.sdk.exceptions import EncordException

if TYPE_CHECKING:
    from encord_convert.losses.report import Report

BUG = 70
"""Exit code of what nobody raised on purpose; EX_SOFTWARE of sysexits.h."""

EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "some jobs failed, what is compared differs, or a check found something",
    2: "usage",
    3: "loss under --strict",
    4: "read",
    5: "write",
    6: "format",
    7: "network",
    8: "access",
    9: "conflict",
    BUG: "a bug",
    130: "interrupted",
}
"""What each exit code of the command line means."""


class ConvertError(EncordException):
    """Something about a conversion went wrong; the text says what, where, and what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.sentence = message

    def __str__(self) -> str:
        """Return the sentence alone: a time stamp helps a server's log, not a person at a terminal."""
        return self.sentence

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross a process boundary whole, whatever the constructor of the subclass asks for."""
        return _rebuilt, (type(self), self.sentence, self.__dict__)


def near_to(word: str, known: Sequence[str]) -> list[str]:
    """Return the one of the known words that is nearest to a word, in a list; an empty one if none is near."""
    from difflib import get_close_matches  # not needed by what goes well

    return get_close_matches(word, known, n=1)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest of the known words was meant, after a space; nothing if none is near.

    >>> nearest("coko", ["coco", "cvat"])
    " Did you mean 'coco'?"
    """
    by_lower = {one.lower(): one for one in sorted(known, reverse=True)}
    near = near_to(word.lower(), sorted(by_lower))
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""


def missing(path: str) -> ReadError:
    """Return what is said of a path at which there is nothing: with the nearest name beside it, if one is near."""
    folder, name = os.path.split(path)
    try:
        near = near_to(name, os.listdir(folder or os.curdir))
    except (OSError, ValueError):
        near = []
    advice = f"Did you mean {os.path.join(folder, near[0])!r}?" if near else "Check the path."
    return ReadError(path, "there is no such file or folder.", advice=advice)


_TRAINERS = {
    "detectron2": ("detectron",),
    "hf": ("huggingface", "imagefolder"),
    "mmdet": ("mmdetection", "openmmlab"),
    "rfdetr": ("roboflow",),
    "torchvision": ("pytorch",),
    "ultralytics": ("yolo", "darknet"),
}
"""What people call the trainers that folders are written for."""


def trainer_of(word: str) -> str | None:
    """Return the name of the trainer that somebody meant: of ``ultralytics`` by ``YOLOv8``.

    >>> trainer_of("YOLOv8"), trainer_of("coko")
    ('ultralytics', None)
    """
    plain = re.sub(r"[^a-z0-9]", "", word.lower())
    for name, others in _TRAINERS.items():
        if plain.startswith((name, *others)):
            return name
    return None


def _rebuilt(cls: type[ConvertError], sentence: str, state: dict[str, Any]) -> ConvertError:
    error = cls.__new__(cls)
    ConvertError.__init__(error, sentence)
    error.__dict__.update(state)
    return error


class UnknownFormatError(ConvertError):
    """No format has this name."""

    exit_code = 6

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        hint = nearest(name, names) or f" Known: {', '.join(names)}."
        trainer = trainer_of(name)
        if trainer is not None:
            hint = f" To train on the labels, write them with --target {trainer}."
        super().__init__(f"There is no format named {name!r}.{hint}")


class UndetectedFormatError(ConvertError):
    """No format, or more than one, claims a path; or another than the one that was named.

    Parameters
    ----------
    path : str
    claimants : sequence of str
        The formats that claim it.
    known : iterable of str
        All that can be read.
    seen, advice : str
        What it looks like if no format claims it, to go on after "it"; and what to do about that.
    named : str
        The format it was said to be of, and is not.
    """

    exit_code = 6

    def __init__(
        self, path: str, claimants: Sequence[str], known: Iterable[str], *, seen: str = "", advice: str = "",
        named: str = "",
    ) -> None:  # fmt: skip
        if named:
            fact = f"{path}: is not {named}; it is {' or '.join(claimants)}."
            advice = f"Leave out --from, or use --from {claimants[0]}."
        elif claimants:
            fact = f"{path}: could be {' or '.join(claimants)}."
            advice = f"Say which with --from {claimants[0]}."
        else:
            fact = f"{path}: no format recognises this{f': it {seen}' if seen else ''}."
            advice = advice or f"Name it with --from; known: {', '.join(sorted(known))}."
        super().__init__(f"{fact} {advice}")


class MissingDependencyError(ConvertError, ImportError):
    """A format needs a package that is not installed."""

    exit_code = 6


class BrokenFormatError(ConvertError):
    """A package brings a format that cannot be used: it does not import, or what it names is not a format."""

    exit_code = 6


class OptionError(ConvertError):
    """An option has no such name, or cannot have this value."""

    exit_code = 2


class ReadError(ConvertError):
    """A source is broken: the sentence opens with the path and, if known, the line.

    Parameters
    ----------
    path : str
        File, or ``archive.zip!member``.
    fact : str
        What was expected and what was found.
    line : int, optional
        One-based line in the file.
    advice : str, optional
        What to do about it.
    """

    exit_code = 4

    def __init__(self, path: str, fact: str, *, line: int | None = None, advice: str | None = None) -> None:
        place = f"{path}:{line}" if line else path
        super().__init__(f"{place}: {fact}" + (f" {advice}" if advice else ""))
        self.path = path
        self.line = line


class SizeUnknownError(ReadError):
    """Nothing says how large an image is."""


class AmbiguousFileError(ReadError):
    """Names and files do not go together one to one; which is meant is for a person to say.

    ``candidates`` are the files, or the names, that fit equally well.
    """

    def __init__(self, path: str, fact: str, candidates: Sequence[str]) -> None:
        self.candidates = sorted(candidates)
        shown = ", ".join(self.candidates[:5]) + (", …" if len(candidates) > 5 else "")
        super().__init__(path, f"{fact}: {shown}.", advice="Name the folder that holds only what is meant.")


class WriteError(ConvertError):
    """A target cannot be written; nothing was left behind."""

    exit_code = 5


class NotRepresentableError(WriteError):
    """Under ``strict``, the target format would lose something; nothing was written."""

    exit_code = 3

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class BatchError(ConvertError):
    """Some jobs of a batch failed; the others are done."""

    exit_code = 1

    def __init__(self, message: str, failures: Sequence[tuple[str, Exception]]) -> None:
        super().__init__(message)
        self.failures = list(failures)


class ListenError(ConvertError):
    """The local service cannot listen at the address it was given."""

    exit_code = 7


class NetworkError(ConvertError):
    """The service cannot be reached, or failed."""

    exit_code = 7


class AccessError(ConvertError):
    """There is no such thing, or this key may not see it; or there is no key."""

    exit_code = 8


class MappingError(OptionError):
    """A mapping file names what is not there, or asks for what cannot be; says all that is wrong with it."""


class TranslationError(ConvertError):
    """A label cannot be translated: the project's ontology lacks something, or the row says something odd."""


class RowMismatchError(ConvertError):
    """The data of the project is not what the labels were drawn on."""


class JournalError(ConvertError):
    """A journal is of another plan, or cannot be read."""

    exit_code = 9


class StalePlanError(ConvertError):
    """The source or the project is not what the plan was made for."""

    exit_code = 9


class ConflictError(ConvertError):
    """Labels are there already, and nobody said what becomes of them."""

    exit_code = 9
