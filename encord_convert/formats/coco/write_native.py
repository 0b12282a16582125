"""What only COCO has words for, on its way back into a file of the family.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encord_convert.formats.coco.json_lines import written_value
from encord_convert.formats.coco.native import FAMILY
from encord_convert.hub.class_names import united
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.native import CLASSES, LARGEST, QUIET, Keys, Native
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

_OURS = frozenset({CLASSES, LARGEST, QUIET, "info", "licenses"})


def native_of(row: LabelRowV2) -> Native | None:
    """Return what only COCO has words for, of a row; None if there is nothing."""
    native: Native | None = row._native
    return native if native is not None and native.family == FAMILY else None


class Kept:
    """What a label set has of COCO files it was read from.

    Parameters
    ----------
    labels : LabelSet
    first_image : int
        Number of the first image, where they have none of their own.

    Attributes
    ----------
    is_known : bool
        Whether anything is known of such files; if not, what rows bring along is of others, and is not written.
    largest : mapping of str to int
        By kind of entry the largest id, where those of the source are written.
    classes : mapping of str to Keys
        Keys of categories by name, of all there are.
    """

    def __init__(self, labels: LabelSet, first_image: int = 1) -> None:
        self._keys: Mapping[str, Any] = labels.native.get(FAMILY, {})
        self.is_known = FAMILY in labels.native
        self.largest: Mapping[str, int] = self._keys.get(LARGEST, {})
        self.classes: Mapping[str, Keys] = self._keys.get(CLASSES, {})
        self.listed: int = self.largest.get("image", first_image - 1)

    @property
    def category_ids(self) -> dict[str, int]:
        """Ids of categories by name."""
        return {name: keys["id"] for name, keys in self.classes.items() if "id" in keys}

    def of(self, row: LabelRowV2) -> Native | None:
        """Return what is to be written of a row; None if that is nothing."""
        return native_of(row) if self.is_known else None

    def image(self, row: LabelRowV2, frame: int) -> Keys:
        """Return the keys of an image, which is a row or a frame of one."""
        native = self.of(row)
        if native is None:
            return {}
        return native.row if row.data_type is DataType.IMAGE else native.frames.get(frame, {})

    def number(self, own: int | None) -> int:
        """Return the number of the next image: its own, if those are kept."""
        if own and "image" in self.largest:
            return int(own)
        self.listed += 1
        return self.listed

    def head(self, labels: LabelSet, *, with_ontology: bool = False) -> bytes:
        """Return the beginning of a file: ``info``, ``licenses``, and blocks that nobody here knows."""
        info: dict[str, Any] = {"description": labels.title, "version": "1.0", **self._keys.get("info", {})}
        if with_ontology and (labels.ontology.objects or labels.ontology.classifications):
            info["encord"] = {"ontology": united(labels.ontology.to_dict())}
        blocks = {"info": info, "licenses": self._keys.get("licenses", [])}
        blocks.update({key: value for key, value in self._keys.items() if key not in _OURS})
        return b"{" + b",".join(written_value(key) + b":" + written_value(value) for key, value in blocks.items())
