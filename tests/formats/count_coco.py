"""Count what a COCO file holds, by plain JSON alone. Knows nothing of the importer, so that it can check it.

Run as a script: ``python tests/formats/count_coco.py annotations.json``.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def form(entry: dict[str, Any]) -> str:
    """Return what one annotation is."""
    points = entry.get("keypoints")
    if points and entry.get("num_keypoints") != 0:
        return "keypoints"
    shape = entry.get("segmentation")
    if shape:
        return "rle" if isinstance(shape, dict) else "polygon"
    if entry.get("bbox"):
        return "bbox"
    if points:
        return "keypoints"
    return "label" if entry.get("caption") is None else "caption"


def count(path: Path) -> dict[str, int]:
    """Return how many of each: images, videos, and annotations by what they are; segments and frames are one each."""
    document = json.loads(path.read_text("utf-8-sig"))
    if isinstance(document, list):
        document = {"annotations": document}
    counts = Counter(image=len(document.get("images", [])), video=len(document.get("videos", [])))
    for entry in document.get("annotations", []):
        if entry.get("segments_info"):
            counts["rle"] += len(entry["segments_info"])
        elif entry.get("segmentations") or entry.get("bboxes"):
            shapes = entry.get("segmentations") or [None] * len(entry["bboxes"])
            boxes = entry.get("bboxes") or [None] * len(shapes)
            for shape, box in zip(shapes, boxes, strict=True):
                if shape or box:
                    counts[form({"segmentation": shape, "bbox": box})] += 1
        else:
            counts[form(entry)] += 1
    return {name: number for name, number in counts.items() if number}


if __name__ == "__main__":
    print(json.dumps(count(Path(sys.argv[1])), indent=1, sort_keys=True))
