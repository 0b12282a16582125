"""What the tests of the hub share: the reference samples, and rows to try things on."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, OntologyStructure
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates
from encord_convert.sdk.orm.label_row import LabelRowMetadata

HUB = Path(__file__).parent.parent.parent / "fixtures" / "hub"

BOX = BoundingBoxCoordinates(height=0.1, width=0.2, top_left_x=0.3, top_left_y=0.4)


def sample(name: str) -> Any:
    return json.loads((HUB / name).read_text())


def ontology(name: str = "ontologies/rich-attributes.json") -> OntologyStructure:
    d = sample(name)
    return OntologyStructure.from_dict(d.get("ontology", d))


def listing(data_type: str = "VIDEO", frames: int = 20, **changes: Any) -> LabelRowMetadata:
    entry = {
        "label_hash": None,
        "data_hash": "data-0001",
        "dataset_hash": "dset-0001",
        "dataset_title": "Synthetic set",
        "data_title": "Synthetic item",
        "data_type": data_type,
        "data_link": None,
        "label_status": "NOT_LABELLED",
        "annotation_task_status": "QUEUED",
        "number_of_frames": frames,
    }
    return LabelRowMetadata.from_dict(entry | changes)


def unit(name: str, sequence: Any = 0, labels: Any = None, mime: str = "video/mp4", **more: Any) -> dict[str, Any]:
    return {
        "data_hash": name,
        "data_title": f"{name}.bin",
        "data_link": f"bucket/{name}",
        "data_type": mime,
        "data_sequence": sequence,
        "width": 8,
        "height": 6,
        "labels": {} if labels is None else labels,
    } | more


def row_json(data_type: str = "video", units: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    if units is None:
        units = [unit("vid-0")]
    return {
        "label_hash": "label-0001",
        "created_at": "2024-06-01 08:00:00",
        "last_edited_at": "2024-06-01 08:30:00",
        "data_hash": "data-0001",
        "dataset_hash": "dset-0001",
        "dataset_title": "Synthetic set",
        "data_title": "Synthetic item",
        "data_type": data_type,
        "annotation_task_status": "QUEUED",
        "is_shadow_data": False,
        "object_answers": {},
        "classification_answers": {},
        "object_actions": {},
        "label_status": "LABEL_IN_PROGRESS",
        "data_units": {one["data_hash"]: one for one in units},
    } | more


def video(structure: OntologyStructure | None = None, frames: int = 20) -> LabelRowV2:
    row = LabelRowV2(listing(frames=frames), None, structure or ontology())
    row.from_labels_dict(row_json())
    return row


def images(count: int = 3, structure: OntologyStructure | None = None) -> LabelRowV2:
    row = LabelRowV2(listing("IMG_GROUP", count), None, structure or ontology())
    units = [
        unit(f"img-{n}", str(n), {"objects": [], "classifications": []}, "image/png", width=8 + n) for n in range(count)
    ]
    row.from_labels_dict(row_json("img_group", units))
    return row


def forklift(row: LabelRowV2, frames: Any = 0, hash_: str | None = None) -> ObjectInstance:
    """Return a forklift, placed and in the row."""
    instance = ObjectInstance(row.ontology_structure.get_child_by_hash("bb000001"), object_hash=hash_)
    instance.set_for_frames(BOX, frames)
    row.add_object_instance(instance)
    return instance


def object_entry(hash_: str, feature: str = "bb000001", **more: Any) -> dict[str, Any]:
    """Return a forklift on a frame, in the order of keys the platform writes."""
    return {
        "name": "Forklift",
        "color": "#D33115",
        "shape": "bounding_box",
        "value": "forklift",
        "createdAt": "Sat, 01 Jun 2024 09:00:00 UTC",
        "createdBy": "ann@example.org",
        "confidence": 1.0,
        "objectHash": hash_,
        "featureHash": feature,
        "manualAnnotation": True,
        "lastEditedAt": "Sun, 02 Jun 2024 10:30:00 UTC",
        "lastEditedBy": "rev@example.org",
        "boundingBox": {"h": 0.1, "w": 0.2, "x": 0.3, "y": 0.4},
    } | more


def classification_entry(hash_: str, feature: str = "cc000003", **more: Any) -> dict[str, Any]:
    """Return a remark on a frame, in the order of keys the platform writes."""
    return {
        "name": "Free Remark",
        "value": "free_remark",
        "createdAt": "Sat, 01 Jun 2024 09:00:00 UTC",
        "createdBy": "ann@example.org",
        "confidence": 1.0,
        "featureHash": feature,
        "classificationHash": hash_,
        "manualAnnotation": True,
        "lastEditedAt": "Sun, 02 Jun 2024 10:30:00 UTC",
        "lastEditedBy": "rev@example.org",
    } | more


def both_forms(d: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose frames say where its classifications are, with the answers saying it too, as it is written."""
    d = {"branch_name": "main", "spaces": {}, **copy.deepcopy(d)}
    entries: dict[str, dict[int, dict[str, Any]]] = {}
    for one in d["data_units"].values():
        grouped = {one["data_sequence"]: one["labels"]} if d["data_type"] in ("image", "img_group") else one["labels"]
        for frame, labels in grouped.items():
            for entry in labels.get("classifications", []) if isinstance(labels, dict) else ():
                entries.setdefault(entry["classificationHash"], {})[int(frame)] = entry
    for hash_, on in entries.items():
        frames, first = sorted(on), on[min(on)]
        runs: list[list[int]] = []
        for frame in frames:
            if runs and runs[-1][1] == frame - 1:
                runs[-1][1] = frame
            else:
                runs.append([frame, frame])
        members = ("createdBy", "createdAt", "lastEditedBy", "lastEditedAt", "confidence", "manualAnnotation")
        told = {"classifications": [], "classificationHash": hash_, "featureHash": first["featureHash"]}
        told |= {"spaces": {}, "range": runs, **{key: first.get(key) for key in members}}
        d["classification_answers"][hash_] = told | d["classification_answers"].get(hash_, {})
    return d


def differences(expected: Any, got: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Return where two JSON values differ: path, expected, got. 1 and 1.0 differ; a missing key reads ``...``."""
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = [*expected, *(key for key in got if key not in expected)]
        return [
            one
            for key in keys
            for one in (
                differences(expected[key], got[key], f"{path}/{key}")
                if key in expected and key in got
                else [(f"{path}/{key}", expected.get(key, ...), got.get(key, ...))]
            )
        ]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return [one for n, (a, b) in pairs for one in differences(a, b, f"{path}/{n}")]
    return [] if type(expected) is type(got) and expected == got else [(path, expected, got)]
