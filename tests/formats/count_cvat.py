"""Count what a CVAT file holds, by its elements alone. Knows nothing of the importer, so that it can check it.

Run as a script: ``python tests/formats/count_cvat.py annotations.xml``.
"""

import json
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

SHAPES = {"box", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "skeleton", "tag"}


def count(path: Path) -> dict[str, int]:
    """Return how many of each: shapes (the points of a skeleton are part of it), tracks, images, answers."""
    counts: Counter[str] = Counter()
    for parent in ET.parse(path).getroot():
        if parent.tag == "image":
            counts["image"] += 1
        if parent.tag == "track":
            counts["track"] += 1
        if parent.tag in ("image", "track"):
            for shape in parent:
                if shape.tag in SHAPES:
                    counts[shape.tag] += 1
                    counts["answer"] += sum(1 for _ in shape.iter("attribute"))
    return {name: number for name, number in counts.items() if number}


if __name__ == "__main__":
    print(json.dumps(count(Path(sys.argv[1])), indent=1, sort_keys=True))
