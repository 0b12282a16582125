"""Answer dictionaries for label rows that are edited as plain JSON.

Source: label-row JSON, "Answer-dictionary helper".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.orm.label_row import LabelRow

_WITHOUT_FRAMES = (DataType.IMAGE.value, DataType.IMG_GROUP.value)
_WITH_FRAMES = (DataType.VIDEO.value, DataType.DICOM.value)


def construct_answer_dictionaries(label_row: dict[str, Any]) -> LabelRow:
    """Add an empty answers entry for each object and classification that has none.

    Parameters
    ----------
    label_row : dict
        The JSON of a row; its answer dictionaries are added to in place.

    Returns
    -------
    LabelRow
        The row, reduced to the keys of a :class:`LabelRow`.

    Raises
    ------
    AttributeError
        An answer dictionary is missing.
    TypeError
        A frame has only one of its two lists.
    """
    row = LabelRow(label_row)
    classification_answers, object_answers = row.classification_answers, row.object_answers
    for unit in row.data_units.values():
        for labels in _frames_of(unit["labels"], row.data_type):
            add_answers_to_items(_items_of(labels), classification_answers, object_answers)
    return row


def _frames_of(labels: dict[str, Any], data_type: str) -> Iterable[dict[str, Any]]:
    if data_type in _WITHOUT_FRAMES:
        return [labels]
    return labels.values() if data_type in _WITH_FRAMES else ()


def _items_of(labels: dict[str, Any]) -> list[dict[str, Any]]:
    if ("objects" in labels) is not ("classifications" in labels):
        raise TypeError("A frame has a list of objects and a list of classifications; one of them is missing.")
    return [*labels.get("objects", ()), *labels.get("classifications", ())]


def add_answers_to_items(
    items: Iterable[dict[str, Any]], classification_answers: dict[str, Any], object_answers: dict[str, Any]
) -> None:
    """Add an empty answers entry for each of the objects and classifications that has none, in place."""
    for item in items:
        if "objectHash" in item:
            hash_ = item["objectHash"]
            object_answers.setdefault(hash_, {"objectHash": hash_, "classifications": []})
        elif "classificationHash" in item:
            hash_ = item["classificationHash"]
            classification_answers.setdefault(hash_, {"classificationHash": hash_, "classifications": []})
