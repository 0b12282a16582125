"""Wall time of pushing pictures with boxes to a local service: our command, and a plain loop with the official package.

    python tests/bench/push_speed.py --official PYTHON [--pictures 200]

PYTHON is an interpreter that has the official package. Both get a service of their own on this machine. The loop does
what its documentation shows: it uploads a picture after the other, begins a label row, draws, saves. What both made is
verified with our command afterwards.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/sync"), str(ROOT / "tests/service")]

LOOP = """
import os, sys
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
for name in images:
    dataset.upload_image(source / "images" / name)
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
print(project_hash)
"""


def main() -> int:
    """Measure both, print a line for each, and return 1 if ours is slower or anything differs."""
    from cryptography.hazmat.primitives import serialization
    from harness import key_of, running
    from pushes import boxes

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--official", required=True)
    parser.add_argument("--pictures", type=int, default=200)
    arguments = parser.parse_args()
    taken = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = boxes(folder, arguments.pictures)
        key = folder / "key"
        form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        key.write_bytes(key_of("ann").private_bytes(*form))
        for whose in ("official", "ours"):
            with running(folder / whose, "socket") as server:
                server.user()
                ours = [sys.executable, "-m", "encord_convert"]
                reach = ["--domain", server.url, "--key", str(key)]
                command = (
                    [*ours, "push", str(source), "--new-project", "Boxes", *reach]
                    if whose == "ours"
                    else [arguments.official, "-c", LOOP, str(source), str(key), server.url]
                )
                own = {**os.environ, "PYTHONPATH": str(ROOT)}
                environment = own if whose == "ours" else {**os.environ}
                begin = time.perf_counter()
                done = subprocess.run(command, cwd=folder, env=environment, stdout=-1, text=True, check=True)
                taken[whose] = time.perf_counter() - begin
                verified = [*ours, "verify", str(source), done.stdout.split()[-1], *reach]
                subprocess.run(verified, cwd=folder, env=own, check=True)
            print(f"{whose:<9} {taken[whose]:6.2f} s  {arguments.pictures / taken[whose]:6.1f} pictures/s")
    print(f"{taken['official'] / taken['ours']:.1f} times as fast")
    return int(taken["ours"] > taken["official"])


if __name__ == "__main__":
    sys.exit(main())
