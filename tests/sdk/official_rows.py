"""Runs in an environment of the official package, 0.1.211: reads rows as it does, and says what it read of each.

A line of JSON in is an ontology, a row and the spaces its listing has; a line out is what was read, and written again.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any
from unittest.mock import MagicMock

from encord.objects import LabelRowV2, OntologyStructure  # type: ignore[import-not-found]
from encord.orm.label_row import LabelRowMetadata  # type: ignore[import-not-found]


def parsed(ontology: dict[str, Any], row: dict[str, Any], spaces: dict[str, Any] | None) -> Any:
    units = list(row["data_units"].values())
    numbers = [int(key) + 1 for unit in units for key in unit["labels"] if key.isdigit()]
    size = units[0] if units else {}
    listed = {
        **{key: row[key] for key in ("label_hash", "data_hash", "dataset_hash", "dataset_title", "data_title")},
        "created_at": None, "last_edited_at": None, "data_type": row["data_type"].upper(), "data_link": None,
        "label_status": row["label_status"], "annotation_task_status": "QUEUED", "workflow_graph_node": None,
        "is_shadow_data": False, "number_of_frames": row.get("number_of_frames") or max([len(units), *numbers]),
        "duration": 1.0, "frames_per_second": 25, "height": size.get("height"), "width": size.get("width"),
        "branch_name": "main", "spaces": spaces or row.get("spaces"), "file_type": None, "audio_codec": None,
        "audio_sample_rate": None, "audio_num_channels": None, "audio_bit_depth": None,
    }  # fmt: skip
    project = MagicMock(structure=OntologyStructure.from_dict(ontology))
    label_row = LabelRowV2(LabelRowMetadata.from_dict(listed), MagicMock(), project)
    label_row.from_labels_dict(row)
    return label_row


def main() -> None:
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        try:
            row = parsed(**json.loads(line))
            said = {
                "objects": {
                    one.object_hash: sorted(on.frame for on in one.get_annotations())
                    for one in row.get_object_instances()
                },
                "classifications": {
                    one.classification_hash: sorted(on.frame for on in one.get_annotations())
                    for one in row.get_classification_instances()
                },
                "written": row.to_encord_dict(),
            }
        except Exception as error:  # whatever the package raises is what it says of the row
            said = {"refused": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
