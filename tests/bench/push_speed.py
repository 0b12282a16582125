"""Files and label rows per second pushed to a local service: our command, and a plain loop with the official package.

    python tests/bench/push_speed.py --official PYTHON [--images 1000] [--boxes 10]

PYTHON is an interpreter that has the official package. Both get a service of their own, a process of its own on this
machine. The loop does what its documentation shows: it uploads one image after the other; then of each row it begins
the labels, draws and saves. What both made is verified with our command afterwards. Exits with 1 if ours is less than
five times as fast on rows, or slower on files.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/sync"), str(ROOT / "tests/service")]

from served import COMMAND, Served, environment  # noqa: E402

GOAL = 5
"""How many times as many rows per second."""

LOOP = """
import sys
from xml.etree import ElementTree
from pathlib import Path
from encord.objects import Object, OntologyStructure, RadioAttribute, Shape
from encord.objects.coordinates import BoundingBoxCoordinates
from encord.orm.dataset import StorageLocation
from encord.user_client import EncordUserClient

source = Path(sys.argv[1])
client = EncordUserClient.create_with_ssh_private_key(Path(sys.argv[2]).read_text(), domain=sys.argv[3])
structure = OntologyStructure()
car, bike = (structure.add_object(name, Shape.BOUNDING_BOX) for name in ("car", "bike"))
kind = car.add_attribute(RadioAttribute, "kind")
options = {name: kind.add_option(name) for name in ("van", "bus")}
ontology = client.create_ontology("Boxes", "", structure)
dataset_hash = client.create_dataset("Boxes", StorageLocation.CORD_STORAGE).dataset_hash
dataset = client.get_dataset(dataset_hash)
project_hash = client.create_project("Boxes", [dataset_hash], "", ontology.ontology_hash)
tree = ElementTree.parse(source / "annotations.xml")
images = {image.get("name"): image for image in tree.iter("image")}
print('{"event": "made"}', flush=True)
for name in images:
    dataset.upload_image(source / "images" / name)
print('{"event": "sent"}', flush=True)
project = client.get_project(project_hash)
structure = project.ontology_structure
for row in project.list_label_rows_v2():
    row.initialise_labels()
    image = images[row.data_title]
    for box in image.iter("box"):
        x0, y0, x1, y1 = (float(box.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
        instance = structure.get_child_by_title(box.get("label"), Object).create_instance()
        size = {"height": (y1 - y0) / 12, "width": (x1 - x0) / 16}
        instance.set_for_frames(BoundingBoxCoordinates(**size, top_left_x=x0 / 16, top_left_y=y0 / 12), 0)
        for attribute in box.iter("attribute"):
            question = instance.ontology_item.attributes[0]
            instance.set_answer(question.get_child_by_title(attribute.text), question)
        row.add_object_instance(instance)
    row.save()
print('{"event": "finished", "project": "%s"}' % project_hash, flush=True)
"""


def run(words: list[str], folder: Path, served: Served, environment_: dict[str, str]) -> dict[str, float | str]:
    """Run a push; return its project, the seconds of its phases, and CPU seconds of it and of the service."""
    served_s, began = served.cpu_s(), time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        words, cwd=folder, env=environment_, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    at = {"begun": began}
    project = ""
    for line in process.stdout:
        event = json.loads(line)
        at[event["event"]] = time.perf_counter()
        project = event.get("project", project)
    assert process.wait() == 0
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "project": project,
        "before_s": at["made"] - began,
        "files_s": at["sent"] - at["made"],
        "rows_s": at["finished"] - at["sent"],
        "client_s": now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
        "service_s": served.cpu_s() - served_s,
    }


def main() -> int:
    """Measure both, print a line for each, and return 1 if a goal is missed or anything differs."""
    from pushes import boxes

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--boxes", type=int, default=10)
    arguments = parser.parse_args()
    count = arguments.images
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = boxes(folder, count, arguments.boxes)
        for whose in ("loop", "ours"):
            if whose == "loop" and not arguments.official:
                continue
            served = Served(folder / whose)
            try:
                loop = [arguments.official, "-c", LOOP, str(source), str(served.key), served.url]
                ours = [*COMMAND, "push", str(source), "--new-project", "Boxes", "--json", *served.reach()]
                taken = run(
                    ours if whose == "ours" else loop, folder, served,
                    environment() if whose == "ours" else {**os.environ, "PYTHONPATH": ""},
                )  # fmt: skip
                verified = [*COMMAND, "verify", str(source), str(taken["project"]), *served.reach()]
                subprocess.run(verified, cwd=folder, env=environment(), check=True)
            finally:
                served.close()
            found[whose] = taken
            print(
                f"{whose:<5} before {taken['before_s']:6.2f} s   files {count / taken['files_s']:7.1f}/s   "
                f"rows {count / taken['rows_s']:7.1f}/s   CPU {taken['client_s']:.2f} s here, "
                f"{taken['service_s']:.2f} s in the service",
                flush=True,
            )
    if "loop" not in found:
        return 0
    files, rows, whole = (
        sum(found["loop"][key] for key in keys) / sum(found["ours"][key] for key in keys)
        for keys in (("files_s",), ("rows_s",), ("before_s", "files_s", "rows_s"))
    )
    print(f"ours is {files:.1f} times as fast on files, {rows:.1f} times on rows, {whole:.1f} times in all")
    return int(rows < GOAL or files < 1)


if __name__ == "__main__":
    sys.exit(main())
