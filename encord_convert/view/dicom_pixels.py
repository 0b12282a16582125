"""Renders one frame of a DICOM file with the window the file names.

Source: PS3.3 C.7.6.3 (pixels), C.11.1 (modality LUT), C.11.2 (window and VOI LUT); decoding is pydicom's.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from encord_convert.errors import ReadError

_LOW, _HIGH = 0.5, 99.5
"""Percentiles mapped to black and white without a window."""


_HEAD_BYTES = 4_096
_DEFLATED = b"1.2.840.10008.1.2.1.99"


def data_set(stream: BinaryIO, place: str) -> Any:
    """Read a whole DICOM file.

    Raises
    ------
    ReadError
        It is deflated, whose inflation cannot be limited.
    """
    from pydicom import dcmread

    if _DEFLATED in stream.read(_HEAD_BYTES):
        raise ReadError(place, "is a deflated DICOM file, which is not decoded.")
    stream.seek(0)
    return dcmread(stream, force=True)


def slice_image(data: Any, number: int, most_px: int, place: str) -> Any:
    """Return a frame of a DICOM file as a Pillow RGB image.

    Parameters
    ----------
    data : Dataset
        From :func:`data_set`.
    number : int
        The frame in the file, from 1; 0: the only one.
    most_px : int
        Most pixels of a decoded frame.
    place : str
        Name of the file in messages.

    Raises
    ------
    ReadError
        It has more pixels.
    """
    from PIL import Image
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    rows, columns = int(data.Rows), int(data.Columns)
    if rows * columns > most_px:
        raise ReadError(place, f"has {columns} × {rows} pixels, more than are decoded.")
    pixels = pixel_array(data, index=max(number - 1, 0) if "NumberOfFrames" in data else None)
    kind = str(data.get("PhotometricInterpretation", ""))
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, data)
        pixels = (pixels >> 8 if pixels.dtype.itemsize > 1 else pixels).astype("uint8")
    elif pixels.ndim == 2:
        pixels = _windowed(pixels, data, is_inverted=kind == "MONOCHROME1")
    return Image.fromarray(pixels.astype("uint8")).convert("RGB")


def _windowed(pixels: Any, data: Any, *, is_inverted: bool) -> Any:
    """Return grey values 0 to 255, linear inside the window."""
    import numpy as np
    from pydicom.multival import MultiValue
    from pydicom.pixels.processing import apply_modality_lut

    values = apply_modality_lut(pixels, data).astype(np.float32)
    centre, width = data.get("WindowCenter"), data.get("WindowWidth")
    centre, width = (item[0] if isinstance(item, MultiValue) and item else item for item in (centre, width))
    if centre is None or width is None or isinstance(centre, MultiValue) or not float(width) > 1:
        low, high = (float(number) for number in np.percentile(values, (_LOW, _HIGH)))
    else:
        low, high = float(centre) - float(width) / 2, float(centre) + float(width) / 2
    grey = np.clip((values - low) / ((high - low) or 1), 0, 1) * 255
    return 255 - grey if is_inverted else grey
