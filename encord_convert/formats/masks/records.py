"""What every file of run lengths is read as: one record for each mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.masks.rle_dialects import Dialect
from encord_convert.sdk.objects.coordinates import EllipseCoordinates


class Answer(NamedTuple):
    """An answer to a question: a text, or what was chosen."""

    kind: Literal["text", "choice"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A mask as a file gives it, or an image without one.

    Parameters
    ----------
    image, label : str
        ``label`` is empty where the file names no class.
    size : (width, height) or None
        In pixels, if the file says it.
    dialect : Dialect or None
        None: an image without mask, or an ellipse.
    mask : Any
        In the dialect.
    place, line : str, int
        Where it is.
    other : str
        What the file calls a shape that is no mask; empty for masks.
    reason : (code, sentence), optional
        Why it is not read, a mask too; the sentence may be empty.
    answers : dict of str to Answer
        What is said of the mask, by the question; of a record without a mask and ``is_of_image``, of the image.
    is_of_image : bool
        Whether the answers are about the image.
    annotator : str
        Who made it, where several people labelled the image; the ``rank`` of the newest annotation is 0, as is that
        of the ground truth.
    is_again : bool
        Whether it is the mask of the record before it, which has another label too.
    unread : tuple of str
        Keys and columns that nobody reads.
    score : float, optional
        How sure the model was of a prediction.
    is_machine : bool
        A prediction that is read as a label.
    ellipse : EllipseCoordinates, optional
        Instead of a mask.
    """

    image: str
    label: str
    size: tuple[int, int] | None
    dialect: Dialect | None
    mask: Any
    place: str
    line: int | None = None
    other: str = ""
    reason: tuple[str, str] | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    is_of_image: bool = False
    annotator: str = ""
    rank: int = 0
    is_again: bool = False
    unread: tuple[str, ...] = ()
    score: float | None = None
    is_machine: bool = False
    ellipse: EllipseCoordinates | None = None

    @property
    def is_shape(self) -> bool:
        """Whether it is a mask or an ellipse."""
        return self.dialect is not None or self.ellipse is not None


Container = Callable[[Source, str, Dialect | None], Iterator[Record]]


def image_name(image: str, frame: int) -> str:
    """Return what a frame is called where the file does not say of what it is a frame.

    >>> image_name("a.jpg", 0), image_name("road.mp4", 7)
    ('a.jpg', 'road.mp4/000007')
    """
    return f"{image}/{frame:06d}" if frame else image


def json_of(text: bytes, place: str, kind: Any, line: int | None = None) -> Any:
    """Return the JSON value of a kind; ReadError if it is none."""
    try:
        value = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(place, f"is not JSON ({error}).", line=line, advice="Was the file cut short?") from error
    if not isinstance(value, kind):
        raise ReadError(place, f"expected an object or a list, found {value!r:.60}.", line=line)
    return value


def unread_of(members: Mapping[str, Any], known: frozenset[str], prefix: str = "") -> tuple[str, ...]:
    """Return the keys that nobody reads and that say something."""
    return tuple(prefix + key for key, value in members.items() if key not in known and value not in (None, "", [], {}))
