"""Mutated sources of every format: what `tests/bench/fuzz.py` looks for, on as many as the suite has time for."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "bench"))

from fuzz import READ, fuzzed, seeds

INPUTS, CHUNK, SEED = 300, 50, 16


@pytest.mark.parametrize("first", range(0, INPUTS, CHUNK))
@pytest.mark.parametrize("name", READ)
def test_no_mutation_ends_in_a_bug_a_hang_or_an_output_nobody_can_read(name: str, first: int) -> None:
    seeds(name)  # once, before processes are copied
    tried = fuzzed([name], SEED, range(first, first + CHUNK), 1, CHUNK)
    findings = [finding for _, found in tried for finding in found]
    assert not findings, "\n".join(f"--formats {name} --seed {SEED} --only {one.number}: {one}" for one in findings)


ONCE_FOUND = {
    16: [("masks", 278)],
    2026: [
        ("coco", 5223), ("coco", 10205), ("coco", 10356), ("coco", 11937), ("coco", 50322), ("cvat", 4631),
        ("cvat", 10363), ("labelme", 12589), ("labelme", 52649), ("masks", 9385), ("masks-index", 62282),
        ("openimages", 12209), ("rle", 6368), ("rle", 7629), ("rle", 52609), ("yolo", 4982), ("yolo", 7751),
        ("yolo", 11700),
    ],
    2027: [
        ("dicom", 139), ("dicom", 6099), ("encord", 3172), ("encord", 8403), ("labelme", 6596),
        ("masks-instance", 1602), ("mot", 912), ("openimages", 6675),
    ],
    2028: [("coco", 4493)],
    2030: [("cvat", 635), ("cvat", 8496), ("coco", 1596), ("via", 7391)],
}  # fmt: skip
"""By seed: inputs that ended so."""


@pytest.mark.parametrize(
    ("seed", "name", "number"), [(seed, *one) for seed, found in ONCE_FOUND.items() for one in found]
)
def test_what_was_found_once_is_not_found_again(seed: int, name: str, number: int) -> None:
    [(_, found)] = fuzzed([name], seed, range(number, number + 1), 1, 1)
    assert not found
