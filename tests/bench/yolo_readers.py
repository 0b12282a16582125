"""Read what is written of YOLO with other tools, and compare the counts.

    python tests/bench/yolo_readers.py --datumaro PYTHON --supervision PYTHON --labelformat PYTHON

Boxes are read by all three; rotated boxes and polygons by those that can. The exit code is 1 if a count differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from yolo_trainer import make, objects

from encord_convert import Report, read
from encord_convert.training import write_target

DATUMARO = """
import json, sys
from datumaro import Dataset
found = Dataset.import_from(sys.argv[1], "yolo" if sys.argv[2] == "detect" else "yolo")
print(json.dumps([len(found), sum(len(one.annotations) for one in found)]))
"""
SUPERVISION = """
import glob, json, sys
import supervision
images = rows = 0
for split in ("train", "val", "test"):
    if glob.glob(f"{sys.argv[1]}/images/{split}/*"):
        found = supervision.DetectionDataset.from_yolo(
            f"{sys.argv[1]}/images/{split}", f"{sys.argv[1]}/labels/{split}", f"{sys.argv[1]}/data.yaml",
            force_masks=sys.argv[2] == "segment", is_obb=sys.argv[2] == "obb")
        images += len(found)
        rows += sum(len(one) for _, _, one in found)
print(json.dumps([images, rows]))
"""
LABELFORMAT = """
import json, sys
from pathlib import Path
from labelformat.formats import YOLOv8ObjectDetectionInput, YOLOv8InstanceSegmentationInput
kind = YOLOv8ObjectDetectionInput if sys.argv[2] == "detect" else YOLOv8InstanceSegmentationInput
images = rows = 0
for split in ("train", "val", "test"):
    found = kind(input_file=Path(sys.argv[1]) / "data.yaml", input_split=split)
    labels = list(found.get_labels())
    images += len(list(found.get_images()))
    rows += sum(len(one.objects) for one in labels)
print(json.dumps([images, rows]))
"""
READERS = {
    "datumaro": (DATUMARO, ("detect",)),
    "supervision": (SUPERVISION, ("detect", "segment", "obb")),
    "labelformat": (LABELFORMAT, ("detect", "segment")),
}


def main() -> int:
    """Compare the counts of all readers that are named; return 1 if one differs."""
    parser = argparse.ArgumentParser(description="Read what is written of YOLO with other tools.")
    for name in READERS:
        parser.add_argument(f"--{name}", metavar="PYTHON", default=os.environ.get(f"BENCH_{name.upper()}"))
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        coco = make(Path(place) / "coco", 60)
        for task in ("detect", "segment", "obb"):
            folder, report = Path(place) / task, Report()
            write_target(read(coco, report=Report()), folder, "ultralytics", task=task, report=report)
            ours = [report.rows_read, objects(report)]
            for name, (code, tasks) in READERS.items():
                python = getattr(given, name)
                if python is None or task not in tasks:
                    continue
                done = subprocess.run([python, "-c", code, folder, task], capture_output=True, text=True, check=False)
                said = done.stdout.strip().splitlines()[-1:] or [done.stderr.strip()[-200:]]
                theirs = json.loads(said[0]) if said[0].startswith("[") else said[0]
                wrong += theirs != ours
                print(f"  {name:<12}{task:<8} ours {ours}, theirs {theirs}{'' if theirs == ours else '  WRONG'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
