"""Counts of planned labels by class."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Counts:
    """Counts labels, frames and answers of translated rows, by class and shape."""

    def __init__(self) -> None:
        self._classes: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, row: dict[str, Any]) -> int:
        """Count a row in JSON form; return its number of labels, counted per frame."""
        classes: dict[str, tuple[str, str]] = {}
        entries = 0
        for unit in row["data_units"].values():
            frames = [unit["labels"]] if "objects" in unit["labels"] else unit["labels"].values()
            for frame in frames:
                on_frame = set()
                for entry in frame["objects"]:
                    classes[entry["objectHash"]] = class_ = entry["name"], entry["shape"]
                    on_frame.add(class_)
                for entry in frame["classifications"]:
                    classes[entry["classificationHash"]] = class_ = entry["name"], "classification"
                    on_frame.add(class_)
                entries += len(frame["objects"]) + len(frame["classifications"])
                for class_ in on_frame:
                    self._of(class_)["frames"] += 1
        for class_ in classes.values():
            self._of(class_)["labels"] += 1
        for name, member in (
            ("object_answers", "classifications"), ("object_actions", "actions"),
            ("classification_answers", "classifications"),
        ):  # fmt: skip
            for hash_, answers_entry in row[name].items():
                for entry in answers_entry.get(member) or ():
                    self._of(classes[hash_])["answers"][entry["name"]] += 1
        return entries

    def _of(self, class_: tuple[str, str]) -> dict[str, Any]:
        found = self._classes.get(class_)
        if found is None:
            found = self._classes[class_] = {"labels": 0, "frames": 0, "answers": Counter()}
        return found

    def listed(self) -> list[dict[str, Any]]:
        """Return the counts in the form of a plan."""
        return [
            {"class": name, "shape": shape, **one, "answers": dict(sorted(one["answers"].items()))}
            for (name, shape), one in sorted(self._classes.items())
        ]
