"""The memory of a process that converts a file does not grow with the file: measured in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FEW, MANY = 100, 500
"""Images of the two files of each format: the larger is some 16 MB larger."""

MOST_GROWTH = 5 << 20
"""What the larger file may take beyond the smaller, in bytes: less than a third of what it has beyond it."""

SHAPES, CORNERS = 8, [(x, 10.25 + x % 2 * 5) for x in range(300)] + [(x, 900.5) for x in reversed(range(300))]


def cvat(path: Path, count: int) -> None:
    labels = "<labels><label><name>comb</name></label></labels>"
    points = ";".join(f"{x},{y}" for x, y in CORNERS)
    shape = f'<polygon label="comb" occluded="0" points="{points}" z_order="0"></polygon>\n'
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>')
        file.write(f"<meta><task>{labels}</task></meta>\n")
        for image in range(count):
            file.write(
                f'<image id="{image}" name="{image}.jpg" width="2000" height="1500">\n{shape * SHAPES}</image>\n'
            )
        file.write("</annotations>\n")


def coco(path: Path, count: int) -> None:
    images = [{"id": n + 1, "width": 2000, "height": 1500, "file_name": f"{n}.jpg"} for n in range(count)]
    ring = json.dumps([side for corner in CORNERS for side in corner])
    with path.open("w") as file:
        file.write('{"annotations":[')
        for number in range(count * SHAPES):
            ids = f'"id":{number + 1},"image_id":{number // SHAPES + 1},"category_id":1'
            file.write("," * (number > 0) + f'{{{ids},"segmentation":[{ring}]}}')
        file.write(f'],"images":{json.dumps(images)},"categories":[{{"id":1,"name":"comb"}}]}}')


def converted(source: Path, target: Path, name: str) -> tuple[int, Any]:
    """Convert in a process of its own; return its peak of resident memory in bytes, and its account."""
    words = [sys.executable, "-m", "encord_convert", "convert", str(source), str(target), "--to", name, "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    account = json.load(process.stdout)
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), account


@pytest.mark.proves("labels: 49")
@pytest.mark.parametrize(
    ("make", "suffix", "to"), [(cvat, "xml", "coco"), (coco, "json", "cvat"), (coco, "json", "coco")]
)
def test_memory_does_not_grow_with_the_file(
    make: Callable[[Path, int], None], suffix: str, to: str, tmp_path: Path
) -> None:
    peaks, sizes = [], []
    for count in (FEW, MANY):
        source, target = tmp_path / f"{count}.{suffix}", tmp_path / f"{count}.out"
        make(source, count)
        peak, account = converted(source, target, to)
        assert account["counts"]["polygon"]["kept"] == count * SHAPES
        assert account["losses"] == []
        sizes.append(source.stat().st_size)
        peaks.append(peak)
    assert peaks[1] - peaks[0] < MOST_GROWTH < (sizes[1] - sizes[0]) / 3
