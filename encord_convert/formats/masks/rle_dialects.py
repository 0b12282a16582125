"""Dialects of run lengths: from the pixels of a box to what a dialect writes, and back.

The page of the format is :mod:`encord_convert.formats.masks.rle`. Every function here raises ValueError, with a
sentence, for what is no mask of the size given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from encord_convert.geometry import encodings, rle
from encord_convert.geometry.paintings import BoxRuns

Dialect = Literal["coco", "coco-counts", "cvat", "encord", "kaggle", "label-studio", "supervisely"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mask does not say of itself.

    Parameters
    ----------
    order : "columns" or "rows"
        Scan of pairs.
    first : int
        What pairs call the first pixel.
    is_relative : bool
        Whether pairs count from the end of the run before.
    threshold : int
        Least value of a brush that is inside.
    """

    order: Literal["columns", "rows"] = "columns"
    first: int = 1
    is_relative: bool = False
    threshold: int = 1


def encoded(dialect: Dialect, mask: BoxRuns, width: int, height: int) -> Any:
    """Return a mask as a dialect writes it: an object, or the text of pairs."""
    return _ENCODERS[dialect](mask, width, height)


def decoded(dialect: Dialect, value: Any, width: int, height: int, reading: Reading) -> BoxRuns:
    """Return the mask of what a dialect wrote: row runs inside the whole image or a box of it."""
    if dialect == "kaggle":
        return _whole(_from_kaggle(value, width, height, reading), width, height)
    if not isinstance(value, dict):
        raise ValueError(f"A mask of {dialect} is an object; this is {type(value).__name__}.")
    try:
        return _in_image(_DECODERS[dialect](value, width, height, reading), width, height)
    except KeyError as error:
        raise ValueError(f"A mask of {dialect} has a key {error}; this has not.") from None
    except (TypeError, AttributeError):
        raise ValueError(f"A mask of {dialect} has numbers, lists and texts elsewhere than this.") from None


# --- writing --------------------------------------------------------------------------------------------------------


def _to_coco(mask: BoxRuns, width: int, height: int) -> dict[str, Any]:
    columns = rle.column_frame_runs_from_box_runs(*mask, width, height)
    return {"size": [height, width], "counts": rle.string_from_runs(columns)}


def _to_coco_counts(mask: BoxRuns, width: int, height: int) -> dict[str, Any]:
    columns = rle.column_frame_runs_from_box_runs(*mask, width, height)
    return {"size": [height, width], "counts": columns.tolist()}


def _to_encord(mask: BoxRuns, width: int, height: int) -> dict[str, Any]:
    runs = rle.frame_runs_from_box_runs(*mask, width, height)
    return {"top": 0, "left": 0, "height": height, "width": width, "rleString": rle.string_from_runs(runs)}


def _to_cvat(mask: BoxRuns, width: int, height: int) -> dict[str, Any]:
    runs, left, top, box_width, box_height = _tight(mask, width, height)
    return {"rle": rle.text_from_runs(runs), "left": left, "top": top, "width": box_width, "height": box_height}


def _to_label_studio(mask: BoxRuns, width: int, height: int) -> dict[str, Any]:
    stream = encodings.brush_from_runs(rle.frame_runs_from_box_runs(*mask, width, height))
    return {"format": "rle", "rle": stream, "original_width": width, "original_height": height}


def _to_supervisely(mask: BoxRuns, width: int, height: int) -> dict[str, Any]:
    runs, left, top, box_width, box_height = _tight(mask, width, height)
    return {"data": encodings.bitmap_from_box_runs(runs, box_width, box_height), "origin": [left, top]}


def _to_kaggle(mask: BoxRuns, width: int, height: int) -> str:
    return encodings.pairs_from_runs(rle.column_frame_runs_from_box_runs(*mask, width, height))


_ENCODERS: dict[Dialect, Callable[[BoxRuns, int, int], Any]] = {
    "coco": _to_coco,
    "coco-counts": _to_coco_counts,
    "cvat": _to_cvat,
    "encord": _to_encord,
    "kaggle": _to_kaggle,
    "label-studio": _to_label_studio,
    "supervisely": _to_supervisely,
}


# --- reading --------------------------------------------------------------------------------------------------------


def _from_coco(value: dict[str, Any], width: int, height: int, reading: Reading) -> BoxRuns:
    _check_size("size", value["size"], [height, width])
    columns = rle.check_runs(rle.runs_from_counts(value["counts"]), height, width)
    return rle.box_runs_from_column_frame_runs(columns, width, height)


def _from_encord(value: dict[str, Any], width: int, height: int, reading: Reading) -> BoxRuns:
    box_width, box_height = _whole_number(value["width"]), _whole_number(value["height"])
    runs = rle.check_runs(rle.runs_from_string(value["rleString"]), box_height, box_width)
    return runs, _whole_number(value["left"]), _whole_number(value["top"]), box_width, box_height


def _from_cvat(value: dict[str, Any], width: int, height: int, reading: Reading) -> BoxRuns:
    box_width, box_height = _whole_number(value["width"]), _whole_number(value["height"])
    text = value["rle"]
    runs = rle.runs_from_text(text) if isinstance(text, str) else rle.runs_from_counts(text)
    runs = rle.check_runs(runs, box_height, box_width)
    return runs, _whole_number(value["left"]), _whole_number(value["top"]), box_width, box_height


def _from_label_studio(value: dict[str, Any], width: int, height: int, reading: Reading) -> BoxRuns:
    size = [value.get("original_width", width), value.get("original_height", height)]
    _check_size("original_width, original_height", size, [width, height])
    return _whole(encodings.runs_from_brush(value["rle"], height, width, reading.threshold), width, height)


def _from_supervisely(value: dict[str, Any], width: int, height: int, reading: Reading) -> BoxRuns:
    left, top = value["origin"]
    runs, box_width, box_height = encodings.runs_from_bitmap(value["data"])
    return runs, _whole_number(left), _whole_number(top), box_width, box_height


def _from_kaggle(text: Any, width: int, height: int, reading: Reading) -> rle.Runs:
    area = rle.check_size(height, width)
    if not isinstance(text, str):
        raise ValueError(f"Pairs are a text; this is {type(text).__name__}.")
    runs = encodings.runs_from_pairs(text, area, reading.first, is_relative=reading.is_relative)
    return rle.row_runs_from_column_runs(runs, height, width) if reading.order == "columns" else runs


_DECODERS: dict[Dialect, Callable[[dict[str, Any], int, int, Reading], BoxRuns]] = {
    "coco": _from_coco,
    "coco-counts": _from_coco,
    "cvat": _from_cvat,
    "encord": _from_encord,
    "label-studio": _from_label_studio,
    "supervisely": _from_supervisely,
}


def _in_image(mask: BoxRuns, width: int, height: int) -> BoxRuns:
    _, left, top, box_width, box_height = mask
    if left < 0 or top < 0 or left + box_width > width or top + box_height > height:
        box = f"at left {left}, top {top} of {box_width} x {box_height}"
        raise ValueError(f"A mask {box} pixels leaves its image of {width} x {height} (width x height).")
    rle.check_size(height, width)
    return mask


def _whole(runs: rle.Runs, width: int, height: int) -> BoxRuns:
    return runs, 0, 0, width, height


def _tight(mask: BoxRuns, width: int, height: int) -> BoxRuns:
    runs = rle.frame_runs_from_box_runs(*mask, width, height)
    return rle.box_runs_from_frame_runs(runs, width, height)


def _check_size(what: str, found: Any, wanted: list[int]) -> None:
    if found == wanted:
        return
    swapped = " Are height and width swapped?" if found == wanted[::-1] else ""
    raise ValueError(f"The mask says {what} {found}, its image {wanted}.{swapped}")


def _whole_number(value: Any) -> int:
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    if not is_whole:
        raise ValueError(f"Sides and places of a mask are whole pixels, not {value!r}.")
    return int(value)
