"""Small COCO files for tests: what is not said has a sensible value."""

import json
from collections.abc import Mapping
from typing import Any

from encord_convert import Report
from encord_convert.formats._files import MemorySource, Source
from encord_convert.formats.coco.page import FORMAT
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import LabelRowV2

WIDTH, HEIGHT = 200, 100
IMAGE = {"id": 1, "width": WIDTH, "height": HEIGHT, "file_name": "a.jpg"}
CATEGORY = {"id": 1, "name": "car"}


def document(*annotations: Any, **blocks: Any) -> dict[str, Any]:
    return {"images": [IMAGE], "annotations": list(annotations), "categories": [CATEGORY], **blocks}


def note(**members: Any) -> dict[str, Any]:
    """Return an annotation; a member that is None is left out."""
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 60, 40], "area": 2400, "iscrowd": 0, **members}
    return {name: value for name, value in entry.items() if value is not None}


def source(file: Any, name: str = "annotations.json") -> Source:
    return MemorySource({name: file if isinstance(file, bytes) else json.dumps(file).encode()})


class Read:
    """What reading a file gave: the label set, its rows, the account."""

    def __init__(self, file: Any, **options: Any) -> None:
        assert FORMAT.importer is not None
        self.report = Report()
        origin = file if isinstance(file, Source) else source(file)
        self.labels: LabelSet = FORMAT.importer.read(origin, FORMAT.importer.options(**options), self.report)
        self.rows: list[LabelRowV2] = list(self.report.rows(self.labels))

    @property
    def objects(self) -> list[Any]:
        return [instance for row in self.rows for instance in row._objects.values()]

    @property
    def classifications(self) -> list[Any]:
        return [instance for row in self.rows for instance in row._classifications.values()]

    @property
    def classes(self) -> list[tuple[str, str]]:
        return [(one.name, one.shape.value) for one in self.labels.ontology.objects]

    @property
    def losses(self) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for loss in self.report.losses():
            counts[loss.code] = counts.get(loss.code, 0) + loss.count
        return counts

    @property
    def notes(self) -> set[str]:
        return {one.code for one in self.report.notes()}

    def place(self, index: int = 0, frame: int = 0) -> Any:
        return self.objects[index]._frames[frame].coordinates

    def answers(self, index: int = 0, frame: int | None = None) -> dict[str, Any]:
        return answers_of(self.objects[index], frame)


def answers_of(instance: Any, frame: int | None = None) -> dict[str, Any]:
    """Return what is answered, by the name of the question: text, a label, a list of labels."""
    found = {attribute.name: shown(value) for attribute, value in instance._static_answers()}
    if frame is not None:
        found.update((attribute.name, shown(value)) for attribute, value in instance._dynamic_answers_at(frame))
    return found


def shown(value: Any) -> Any:
    return [option.label for option in value] if isinstance(value, tuple) else getattr(value, "label", value)
