"""Ask Ultralytics' own check what it makes of data sets; run by the interpreter that has the trainer.

    python tests/bench/_yolo_verify.py FOLDER TASK [FOLDER TASK …]

Prints JSON, for each folder: classes, and by split how many images there are, are left out, have objects, and how many
rows are removed since they are there twice. Nothing of this project is imported here.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def verified(folder: Path, task: str) -> dict[str, Any]:
    """Return what the check of every image of a data set says."""
    from ultralytics.data.utils import check_det_dataset, img2label_paths, verify_image_label

    data = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    count, each = data.get("kpt_shape", (0, 0)) if task == "pose" else (0, 0)
    splits = {}
    for split in ("train", "val", "test"):
        if not data.get(split):
            continue
        places = data[split] if isinstance(data[split], list) else [data[split]]
        images = sorted(str(path) for place in places for path in Path(place).rglob("*.*"))
        found = {"images": len(images), "left out": 0, "objects": 0, "removed": 0}
        for image, label in zip(images, img2label_paths(images), strict=True):
            result = verify_image_label((image, label, "", task == "pose", len(data["names"]), count, each, False))
            found["left out"] += result[0] is None
            found["objects"] += 0 if result[0] is None else len(result[1])
            message = str(result[-1])
            if "duplicate labels removed" in message:
                found["removed"] += int(message.split(" duplicate labels removed")[0].split()[-1])
        splits[split] = found
    return {"classes": len(data["names"]), "splits": splits}


def main() -> None:
    os.environ |= {"YOLO_CONFIG_DIR": tempfile.gettempdir(), "YOLO_OFFLINE": "True"}
    pairs = list(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    with contextlib.redirect_stdout(sys.stderr):
        found = [verified(Path(folder), task) for folder, task in pairs]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
