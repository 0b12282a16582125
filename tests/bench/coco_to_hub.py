"""How fast a COCO file becomes the hub's, beside the yardsticks ``json.load`` and pycocotools' ``COCO()``.

    python tests/bench/coco_to_hub.py [FOLDER]

It makes a file of 84 MB of polygons in FOLDER (by default a temporary one), reads it in a process of its own for each
contestant, and prints CPU seconds and the highest resident memory.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

MEGABYTE = 1_000_000
MINE = """
from encord_convert import Report, read
labels = read(path, "coco", report=Report())
indexed = time.process_time()
objects = sum(len(row._objects) for row in labels)
print(f"  first walk {indexed - start:.2f} s, {objects} objects")
"""
BUILDING = """
from encord_convert.hub.draft import Draft
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates
draft = Draft("bench")
item = draft.add_object("car", Shape.POLYGON)
images, per_image = counts
for place in range(images):
    row = draft.row(DataType.IMAGE, "a.jpg", [draft.unit("a.jpg", 640, 480, (place,))], frames=1, key=(place,))
    hash_of = draft.hashes.series("image", place)
    for index in range(per_image):
        instance = ObjectInstance._made(item, hash_of(index))
        instance._place(0, PolygonCoordinates._from_flat([]), draft.info)
        row._adopt(instance)
"""
CONTESTANTS = {
    "encord_convert": MINE,
    "of that, building rows": BUILDING,
    "json.load": "import json\njson.load(open(path))",
    "pycocotools COCO()": "from pycocotools.coco import COCO\nCOCO(path)",
}
CHILD = """
import resource, sys, time
path, counts = sys.argv[1], tuple(map(int, sys.argv[2:]))
start = time.process_time()
{body}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"  CPU {{time.process_time() - start:.2f}} s, {{peak:.0f}} MB")
"""
PER_IMAGE = 7


def make(path: Path, size: int, shuffled: random.Random | None = None) -> int:
    """Write a file of about ``size`` bytes, its annotations in the order of images or not; return its images."""
    chance = random.Random(1)
    rings = [[round(chance.uniform(0, 480), 2) for _ in range(60)] for _ in range(64)]
    texts = [json.dumps([ring]) for ring in rings]
    images = size // (PER_IMAGE * 595)
    with path.open("w") as file:
        file.write('{"info":{},"annotations":[')
        for number in range(images * PER_IMAGE):
            image = number // PER_IMAGE if shuffled is None else shuffled.randrange(images)
            file.write(
                f'{"," if number else ""}{{"id":{number + 1},"image_id":{image + 1},"category_id":'
                f'{number % 9 + 1},"bbox":[1.5,2.5,30.25,40.125],"area":1210.0,"iscrowd":0,"segmentation":'
                f"{texts[number % 64]}}}"
            )
        file.write('],"images":[')
        for number in range(images):
            comma = "," if number else ""
            file.write(f'{comma}{{"id":{number + 1},"width":640,"height":480,"file_name":"{number:012d}.jpg"}}')
        file.write('],"categories":' + json.dumps([{"id": n, "name": f"class {n}"} for n in range(1, 10)]) + "}")
    return images


def main() -> None:
    """Make the file, and run every contestant on it."""
    parser = argparse.ArgumentParser(description="Measure how fast a COCO file becomes the hub's.")
    parser.add_argument("folder", nargs="?", type=Path, help="where the file is made (a temporary folder)")
    parser.add_argument("--megabytes", type=int, default=84, help="size of the file (84)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (given.folder or Path(temporary)) / "bench.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        images = make(path, given.megabytes * MEGABYTE)
        print(f"{path.stat().st_size / MEGABYTE:.0f} MB, {images} images")
        for name, body in CONTESTANTS.items():
            print(name)
            command = [sys.executable, "-c", CHILD.format(body=body), str(path), str(images), str(PER_IMAGE)]
            print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="")
        path.unlink()


if __name__ == "__main__":
    main()
