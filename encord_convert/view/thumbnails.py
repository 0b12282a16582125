"""Thumbnails of images, and shapes drawn on them by Pillow instead of the browser.

Images are found as for training targets (:mod:`encord_convert.formats._finding`) and read through their source, so that
no name leads out of it. For a missing, damaged or too large image a note says why, and labels are shown on grey.
"""

from __future__ import annotations

import io
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from encord_convert.errors import AmbiguousFileError, ConvertError, ReadError
from encord_convert.hub.media import BROKEN, FORMATS
from encord_convert.sdk.constants.enums import DataType
from encord_convert.view.drawing import Drawing

if TYPE_CHECKING:
    from encord_convert.formats._files import Source
    from encord_convert.formats._finding import Finder
    from encord_convert.sdk.objects import LabelRowV2

MOST_PX = 50_000_000
"""Most pixels of a decoded image; JPEG files are decoded at down to an eighth of their size."""
MOST_DICOM_BYTES = 512 << 20
OVERLAY_PX = 960
"""Longest side of an overlay of shapes."""
_PNG = "data:image/png;base64,"
MISSING = "The image was not found."


@dataclass(frozen=True, slots=True)
class Found:
    """The file of an image, or a note why there is none.

    Parameters
    ----------
    member, note : str
        One of them is empty.
    number : int or None
        Frame in a DICOM file, from 1; 0 if it has one frame. None for other files.
    """

    member: str = ""
    note: str = ""
    number: int | None = None


class Thumbnails:
    """Finds images and makes thumbnails.

    Parameters
    ----------
    finder : Finder or None
        None: there is nowhere to look.

    Attributes
    ----------
    wrong_sizes : dict of str to str
        Sentences by file about images whose size differs from their labels'.
    """

    def __init__(self, finder: Finder | None) -> None:
        self._finder = finder
        self._names: set[str] | None = None
        self.wrong_sizes: dict[str, str] = {}
        self._read: tuple[str, Any] = "", None  # the last DICOM file: it may have many frames

    def find(self, row: LabelRowV2, frame: int) -> Found:
        """Return the file of a frame."""
        if self._finder is None:
            return Found(note=MISSING)
        try:
            if row.data_type is DataType.DICOM:
                return self._slice(row, frame, self._finder.source)
            member = self._finder.find(row, frame)
        except AmbiguousFileError as error:
            return Found(note=str(error))
        return Found(note=MISSING) if member is None else Found(member)

    def image(self, found: Found, size: tuple[int, int], side: int) -> tuple[Any, str]:
        """Return a Pillow RGB image, and a note.

        Parameters
        ----------
        found : Found
        size : (int, int)
            Width and height from the labels, in pixels: they show whether labels refer to the stored or the
            EXIF-rotated image.
        side : int
            Longest side of the result, in pixels.

        Returns
        -------
        (image or None, str)
            None with a note why; a note with an image says that its size differs from the labels'.
        """
        if self._finder is None or not found.member:
            return None, found.note
        source = self._finder.source
        from PIL import Image

        note = ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                if found.number is None:
                    with source.open(found.member) as stream:
                        image, own = _decoded(stream, size, side, source.place(found.member))
                    if all(size) and size not in own:
                        note = f"The image is {own[0][0]}x{own[0][1]}, its labels say {size[0]}x{size[1]}."
                        self.wrong_sizes[found.member] = f"{found.member}: {note}"
                else:
                    image = self._slice_image(source, found.member, found.number)
                image.thumbnail((side, side))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return None, "The image is too large to decode."
        except ConvertError as error:
            return None, str(error)
        except (*BROKEN, MemoryError, NotImplementedError, RuntimeError) as error:
            return None, f"The image cannot be read ({type(error).__name__})."
        return image, note

    def _slice_image(self, source: Source, member: str, number: int) -> Any:
        from encord_convert.view.dicom_pixels import data_set, slice_image

        if member != self._read[0]:
            if (source.size(member) or 0) > MOST_DICOM_BYTES:
                raise ReadError(source.place(member), "is too large a DICOM file to decode.")
            with source.open(member) as stream:
                self._read = member, data_set(stream, source.place(member))
        return slice_image(self._read[1], number, MOST_PX, source.place(member))

    def _slice(self, row: LabelRowV2, frame: int, source: Source) -> Found:
        slice_ = row._slice(frame)
        if slice_ is None:
            return Found(note=MISSING)
        if self._names is None:
            self._names = set(source.names())
        name = str(slice_.file_uri).replace("\\", "/")
        parts = name.split("/")
        tails = ("/".join(parts[start:]) for start in range(len(parts)))
        member = next((tail for tail in tails if tail in self._names), None)
        return Found(note=MISSING) if member is None else Found(member, number=slice_.multiframe_frame_number or 0)


def jpeg_uri(image: Any) -> str:
    """Return an image as a data URI of a JPEG."""
    return f"data:image/jpeg;base64,{_encoded(image, 'JPEG', quality=70)}"


class Overlay:
    """A transparent image of shapes, as large as a page shows it.

    Parameters
    ----------
    size : (int, int)
        Width and height of the image below, in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        from PIL import Image

        self._scale = OVERLAY_PX / max(size)
        self._canvas = Image.new("RGBA", (round(size[0] * self._scale) or 1, round(size[1] * self._scale) or 1))

    def paint(self, labels: Iterable[tuple[str, Drawing]]) -> None:
        """Draw shapes in their colours."""
        paint(self._canvas, labels, self._scale)

    def uri(self) -> str:
        """Return it as a PNG data URI."""
        return _PNG + _encoded(self._canvas, "PNG")


def overlay_image(uri: str) -> Any:
    """Return the Pillow image of :meth:`Overlay.uri`."""
    from PIL import Image

    return Image.open(io.BytesIO(b64decode(uri.removeprefix(_PNG))), formats=["PNG"])


def paint(canvas: Any, labels: Iterable[tuple[str, Drawing]], scale: float) -> None:
    """Draw shapes on an image like the page, without fill.

    Parameters
    ----------
    canvas : image of Pillow, RGB or RGBA
    labels : iterable of (str, Drawing)
        Colour as ``#rrggbb``, and the drawing in image pixels.
    scale : float
        Canvas pixels per image pixel.
    """
    from PIL import ImageDraw

    pen = ImageDraw.Draw(canvas)
    for colour, drawing in labels:
        for flat in [ring + ring[:2] for ring in drawing.areas] + drawing.lines:
            if len(flat) >= 4:
                line = [number * scale for number in flat]
                pen.line(line, "#ffffff", 4)  # visible on images of the same colour
                pen.line(line, colour, 2)
        for dots, fill in ((drawing.dots, colour), (drawing.hollow, None)):
            for x, y in dots:
                x, y = x * scale, y * scale
                pen.ellipse((x - 2.5, y - 2.5, x + 2.5, y + 2.5), fill, colour)


def _decoded(stream: Any, size: tuple[int, int], side: int, place: str) -> tuple[Any, list[tuple[int, int]]]:
    """Return an image, perhaps downscaled, and the file's displayed and stored sizes."""
    from PIL import Image, ImageOps

    Image.preinit()
    with Image.open(stream, formats=list(FORMATS)) as image:
        stored = image.size
        image.draft("RGB", (side, side))  # only JPEG can be decoded at a reduced size
        if image.width * image.height > MOST_PX:
            raise ReadError(place, f"has {stored[0]} × {stored[1]} pixels, too many to decode.")
        rotated = ImageOps.exif_transpose(image)
        lies = rotated.width > rotated.height, stored[0] > stored[1]
        is_stored = size == stored and lies[0] != lies[1]
        shown = stored if lies[0] == lies[1] else (stored[1], stored[0])
        return _as_rgb(image if is_stored else rotated), [shown, stored]


def _as_rgb(image: Any) -> Any:
    """Return an image in RGB; values of more than 8 bits are scaled from their range."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        low, high = image.convert("F").getextrema()
        scale = 255 / (high - low) if high > low else 1.0
        return image.convert("F").point(lambda value: value * scale - low * scale).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white.convert("RGB")
    return image.convert("RGB")


def _encoded(image: Any, kind: str, **how: Any) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return b64encode(stream.getvalue()).decode()
