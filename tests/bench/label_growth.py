"""How long an import of many labels takes: that a label takes as long whether there are ten thousand or a hundred.

    python tests/bench/label_growth.py [--counts 10000 100000] [--forms labels options attributes points]

CVAT annotations become a project of a service in the same process, and the ontology is fetched again. Goals: 100,000
labels in 10 s, and the time of a label within twice of that among 10,000. Processor seconds: other processes do not
count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/service")]

from harness import running  # noqa: E402

from encord_convert.sdk.http.routes import Query  # noqa: E402
from encord_convert.sdk.orm.dataset import StorageLocation  # noqa: E402

LABEL = "<label><name>{}</name><attributes>{}</attributes>{}</label>"
ATTRIBUTE = (
    "<attribute><name>{}</name><mutable>False</mutable><input_type>{}</input_type><default_value></default_value>"
    "<values>{}</values></attribute>"
)
FORMS = {
    "labels": lambda count: "".join(LABEL.format(f"l{n}", "", "") for n in range(count)),
    "options": lambda count: LABEL.format(
        "a", ATTRIBUTE.format("c", "select", "\n".join(f"v{n}" for n in range(count))), ""
    ),
    "attributes": lambda count: LABEL.format(
        "a", "".join(ATTRIBUTE.format(f"a{n}", "text", "") for n in range(count)), ""
    ),
    "points": lambda count: (
        LABEL.format("s", "", "") + "".join(LABEL.format(f"p{n}", "", "<parent>s</parent>") for n in range(count))
    ),
}


def annotations(form: str, count: int) -> bytes:
    return (
        "<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>1</size><mode>annotation</mode>"
        f"<labels>{FORMS[form](count)}</labels></task></meta></annotations>"
    ).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--forms", nargs="*", choices=FORMS, default=["labels", "options"])
    options = parser.parse_args()
    for form in options.forms:
        for count in options.counts:
            with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
                ann = server.user("ann")
                dataset = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
                payload = {
                    "cvat": {"annotations_base64": b64encode(annotations(form, count)).decode()},
                    "dataset_hash": dataset, "image_title_to_image_hash_map": {}, "review_mode": "labelled",
                    "transform_bounding_boxes_to_polygons": False,
                }  # fmt: skip
                began, used = time.perf_counter(), time.process_time()
                done = ann.querier.post(Query.PROJECT_IMPORTER, None, payload)
                wall, used = time.perf_counter() - began, time.process_time() - used
                made = ann.get_project(done["success"]["project_hash"]).ontology_structure
                assert len(made.objects) == (count if form == "labels" else 1)
            print(f"{count:7} {form:8} {wall:6.1f} s, {used:6.1f} s of processor, {used / count * 1e6:4.0f} µs each")


if __name__ == "__main__":
    main()
