"""Annotations are found by their images wherever they stand, with little of them in memory."""

import json
from collections import Counter
from random import Random

import numpy as np
import pytest

from encord_convert import Report, read
from encord_convert.formats._files import MemorySource
from encord_convert.formats.coco import index_records as _coco_records
from encord_convert.formats.coco.index_entries import NO_ID
from encord_convert.formats.coco.index_records import Join, Records, repetitions
from encord_convert.formats.coco.json_walk import Document


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_coco_records, "CHUNK", 4)
    monkeypatch.setattr(_coco_records, "IN_MEMORY_BYTES", 64)


@pytest.mark.parametrize("seed", range(30))
def test_annotations_of_any_order_are_found_by_their_parents(seed: int) -> None:
    random = Random(seed)
    ids = random.sample(range(-50, 50), random.randrange(1, 12))
    ids += random.choices(ids, k=seed % 3)
    known = [*ids, NO_ID, 1000]
    parents = random.choices(known, [random.choice([1, 1, 20]) for _ in known], k=random.randrange(60))
    if seed % 5 == 0:
        parents.sort(key=lambda parent: known.index(parent))
    text, records = b"[", Records(3)
    for number, parent in enumerate(parents):
        entry = json.dumps([number]).encode()
        text += random.choice([b",", b" ,\n"]) if number else b" "
        records.extend([parent], [len(text)], [len(entry)])
        text += entry
    join = Join(np.array(ids, np.int64), records)
    document = Document(MemorySource({"a.json": text + b"]"}), "a.json")
    wanted = [[n for n, parent in enumerate(parents) if parent == id_ and id_ not in ids[:place]]
              for place, id_ in enumerate(ids)]  # fmt: skip
    wanted.append([number for number, parent in enumerate(parents) if parent not in ids])
    for place, numbers in enumerate(wanted):
        assert json.loads(join.text(document, [join.span(place)])) == [[number] for number in numbers]
    everything = [[number] for numbers in wanted for number in numbers]
    assert json.loads(join.text(document, [join.span(place) for place in range(len(wanted))])) == everything
    assert join.repeated == {place: ids.index(id_) for place, id_ in enumerate(ids) if id_ in ids[:place]}


@pytest.mark.parametrize("seed", range(10))
def test_repeated_ids_are_counted_in_any_order(seed: int) -> None:
    random = Random(seed)
    ids = random.choices([*range(40), (1 << 62) - 1, -(1 << 62)], k=random.randrange(40))
    if seed % 3 == 0:
        ids = sorted(set(ids))
    records = Records(1)
    for start in range(0, len(ids), 7):
        records.extend(ids[start : start + 7])
    assert repetitions(records) == sum(count - 1 for count in Counter(ids).values())


def test_a_shuffled_file_has_the_objects_of_the_file_in_order() -> None:
    images = [{"id": number, "width": 9, "height": 9, "file_name": f"{number}.jpg"} for number in range(20)]
    annotations = [{"id": n, "image_id": n % 20, "category_id": 1, "bbox": [n % 7, 1, 2, 3]} for n in range(90)]
    found = []
    for some in (annotations, sorted(annotations, key=lambda one: one["id"] * 37 % 90)):
        text = json.dumps({"images": images, "annotations": some, "categories": [{"id": 1, "name": "car"}]})
        rows = list(read(MemorySource({"a.json": text.encode()}), "coco", report=Report()))
        found.append(
            [sorted(one.get_annotations()[0].coordinates.top_left_x for one in row.get_object_instances())
             for row in rows]
        )  # fmt: skip
    assert found[0] == found[1]
    assert [len(row) for row in found[0]] == [5] * 10 + [4] * 10
