"""Masks of single pixels.

A bitmask is stored as a string of run lengths in *row* order: left to right, then top to bottom, background first.
Tools of the COCO family scan columns; read by them, the string is the mask of the transposed image.

A mask may come in many forms and is kept in the one it came in; the string is made when it is asked for.

Source: label-row JSON, "Bitmask"; ``fixtures/hub/bitmask_vectors.json``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.orm.base_dto import BaseDTO


@runtime_checkable
class ArrayProtocol(Protocol):
    """Anything with the array interface: a numpy array, an image of one bit per pixel."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """The array interface, version 3."""

    def tobytes(self) -> bytes:
        """Return the pixels in row order."""


class BitmaskCoordinates:
    """A mask of the size of its frame.

    Parameters
    ----------
    source : array, BitmaskCoordinates.EncodedBitmask or dict
        A (height, width) array of booleans in any memory layout, row 0 at the top; or the encoded form.

    Raises
    ------
    EncordException
        It is an array, but not of booleans, or not of two dimensions.
    ValueError
        It is none of these, or the dictionary is not the encoded form.
    """

    __slots__ = ("_box", "_corner", "_runs", "_size", "_string")

    _key: ClassVar[str] = "bitmask"

    _box: tuple[int, int, int, int] | None
    """left, top, width, height of the box ``_runs`` fill; None if they fill the frame."""
    _corner: tuple[int, int]
    """The left and top of the encoded form, which move nothing."""
    _runs: Any
    """Row runs, int64; None while only the string is there."""
    _size: tuple[int, int]
    """Width and height of the frame in pixels."""
    _string: str | None

    class EncodedBitmask(BaseDTO):
        """The encoded form.

        Parameters
        ----------
        top, left : int
            Written as 0, kept, and applied by nobody.
        height, width : int
            Size of the frame in pixels.
        rle_string : str
            The runs.
        """

        top: int
        left: int
        height: int
        width: int
        rle_string: str

        @staticmethod
        def try_from_dict(d: dict[str, Any]) -> BitmaskCoordinates.EncodedBitmask | None:
            """Return the encoded form a dictionary describes, None if it describes none."""
            try:
                return BitmaskCoordinates.EncodedBitmask.from_dict(d)
            except EncordException:
                return None

    def __init__(self, source: ArrayProtocol | BitmaskCoordinates.EncodedBitmask | dict[str, Any]) -> None:
        encoded = self.EncodedBitmask.try_from_dict(source) if isinstance(source, dict) else source
        if isinstance(encoded, self.EncodedBitmask):
            self._take_string(encoded.rle_string, encoded.top, encoded.left, encoded.height, encoded.width)
        elif isinstance(source, ArrayProtocol) and not isinstance(source, BitmaskCoordinates):
            self._take_array(source)
        else:
            raise ValueError(
                f"A bitmask is made from an array of booleans or from its encoded form, not from {type(source)}."
            )

    def _take_string(self, string: str, top: int, left: int, height: int, width: int) -> None:
        self._string = string
        self._corner = (left, top)
        self._size = (width, height)
        self._runs = self._box = None

    def _take_array(self, source: ArrayProtocol) -> None:
        from encord_convert.geometry.rle import runs_from_mask

        interface = source.__array_interface__
        if len(interface["shape"]) != 2:
            raise EncordException("A bitmask is made from an array of two dimensions, height and width.")
        if interface["typestr"] != "|b1":
            raise EncordException("A bitmask is made from an array of booleans. In numpy, .astype(bool) makes one.")
        height, width = interface["shape"]
        self._string = None
        self._corner = (0, 0)
        self._size = (width, height)
        self._runs = runs_from_mask(source)
        self._box = None

    @classmethod
    def _from_box_runs(
        cls, runs: Any, left: int, top: int, width: int, height: int, frame_width: int, frame_height: int
    ) -> Self:
        """Return a mask of row runs inside a box, taken as they are: they must fill the box, and the box fit the frame.

        Parameters
        ----------
        runs : (n,) int64
            Pixels, background first.
        left, top, width, height : int
            The box in pixels.
        frame_width, frame_height : int
            Pixels.
        """
        self = cls.__new__(cls)
        self._string = None
        self._corner = (0, 0)
        self._size = (frame_width, frame_height)
        self._runs = runs
        self._box = (left, top, width, height)
        return self

    @classmethod
    def _from_json(cls, d: dict[str, Any]) -> Self:
        """Return the mask of the encoded form, quickly if it is as it should be."""
        if d.keys() >= _FIELDS and all(type(d[name]) is int for name in _INTEGERS) and type(d["rleString"]) is str:
            self = cls.__new__(cls)
            self._take_string(d["rleString"], d["top"], d["left"], d["height"], d["width"])
            return self
        return cls(cls.EncodedBitmask.from_dict(d))

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the frame in pixels."""
        return self._size

    def _box_runs(self) -> tuple[Any, int, int, int, int]:
        """Return row runs inside a box that holds all the foreground, and the box: left, top, width, height.

        The box the mask was made with, else the tight one; four zeros if no pixel is set.

        Raises
        ------
        IndexError
            The string holds more pixels than the frame.
        """
        if self._box is not None:
            return self._runs, *self._box
        from encord_convert.geometry.rle import box_runs_from_frame_runs

        # Whoever asks once asks again: what narrowing looks at is written. The runs of the frame follow from the box.
        self._runs, left, top, width, height = box_runs_from_frame_runs(self._frame_runs(), *self._size)
        self._box = left, top, width, height
        return self._runs, left, top, width, height

    def _frame_runs(self) -> Any:
        """Return the row runs of the whole frame."""
        from encord_convert.geometry import rle

        width, height = self._size
        if self._box is not None:
            return rle.frame_runs_from_box_runs(self._runs, *self._box, width, height)
        if self._runs is None:
            assert self._string is not None
            try:
                self._runs = rle.check_runs(rle.runs_from_string(self._string), height, width)
            except ValueError:
                self._runs = rle.runs_from_mask(rle.mask_from_string(self._string, height, width, lenient=True))
        return self._runs

    @staticmethod
    def from_dict(d: dict[str, Any]) -> BitmaskCoordinates:
        """Return the mask of the encoded form, bare or under ``bitmask``.

        Raises
        ------
        EncordException
            It is not the encoded form.
        """
        return BitmaskCoordinates._from_json(d.get("bitmask", d))

    def to_dict(self) -> dict[str, Any]:
        """Return the encoded form, without the key it stands under."""
        if self._string is None:
            from encord_convert.geometry.rle import string_from_runs

            self._string = string_from_runs(self._frame_runs())
        (width, height), (left, top) = self._size, self._corner
        return {"top": top, "left": left, "height": height, "width": width, "rleString": self._string}

    _json = to_dict

    def to_numpy_array(self) -> Any:
        """Return the mask as a (height, width) array of booleans, row 0 at the top; it may be written to.

        Raises
        ------
        IndexError
            The string holds more pixels than the frame.
        """
        from encord_convert.geometry.rle import mask_from_runs

        width, height = self._size
        return mask_from_runs(self._frame_runs(), height, width)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """The array interface, version 3; read-only."""
        width, height = self._size
        return {"version": 3, "typestr": "|b1", "shape": (height, width), "data": self.to_numpy_array().tobytes()}

    def tobytes(self) -> bytes:
        """Return the pixels in row order, one byte each."""
        return self.to_numpy_array().tobytes()  # type: ignore[no-any-return]


_INTEGERS = ("top", "left", "height", "width")
_FIELDS = frozenset((*_INTEGERS, "rleString"))
