"""What the wire protocol says a reply holds, as data: one shape for each query type and verb.

A shape is one of

- a word of :data:`WORDS`; None for null; a set of values; a tuple of shapes, one of which must fit;
- a list of one shape: a list of such things;
- a dict: an object with these members at least, those with ``?`` after their name if they like;
- :class:`Exactly` of a dict: an object with these members and no other, since readers take no other.

Source: wire protocol, sections 4 and 8 to 16.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from encord_convert.sdk.orm.label_log import Action


class Exactly(NamedTuple):
    """An object with these members and no other."""

    members: dict[str, Any]


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_DAY, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d"

WORDS: dict[str, Callable[[Any], bool]] = {
    "anything": lambda value: True,
    "truthy": bool,
    "not null": lambda value: value is not None,
    "text": lambda value: isinstance(value, str),
    "whole": lambda value: type(value) is int,
    "positive": lambda value: type(value) is int and value > 0,
    "number": lambda value: type(value) in (int, float),
    "flag": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "texts": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "uuid": _matches(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "spaced": _matches(f"{_DAY} {_TIME}"),
    "date": _matches(rf"{_DAY}[ T]{_TIME}(\.\d+)?"),
    "digits": _matches(r"\d+"),
    "url": _matches(r"https?://\S+"),
}

ROLE, PROJECT_ROLE, STORAGE = {0, 1}, set(range(5)), set(range(5))
UPPER, LOWER = {"VIDEO", "IMG_GROUP", "DICOM", "IMAGE"}, {"video", "img_group", "dicom", "image"}
LABEL_STATUS = {"NOT_LABELLED", "LABEL_IN_PROGRESS", "LABELLED", "REVIEW_IN_PROGRESS", "REVIEWED", "REVIEWED_TWICE"}
TASK_STATUS = {"QUEUED", "ASSIGNED", "IN_REVIEW", "RETURNED", "COMPLETED"}
TEXT0, NUMBER0 = ("text", None), ("number", None)

IMAGE = {
    "title": "text", "file_link": "text", "file_type": "text", "file_size": "number", "image_hash": "text",
    "storage_location": STORAGE, "created_at": "date", "last_edited_at": "date", "height": "number", "width": "number",
    "signed_url?": ("url", None),
}  # fmt: skip
DATA_ROW = {
    "data_hash": "text", "data_title": "text", "data_type": UPPER, "created_at": "date", "last_edited_at": "date",
    "width": NUMBER0, "height": NUMBER0, "frames_per_second": NUMBER0, "duration": NUMBER0, "file_link": TEXT0,
    "file_type": TEXT0, "file_size": NUMBER0, "storage_location": STORAGE, "client_metadata?": ("object", None),
    "signed_url?": ("url", None), "is_optimised_image_group?": ("flag", None), "backing_item_uuid?": ("uuid", None),
    "images_data?": (None, [IMAGE]),
}  # fmt: skip
DATASET = {
    "title": "text", "description": TEXT0, "dataset_hash": "text",
    "dataset_type": {"CORD_STORAGE", "AWS_S3", "GCP_STR", "AZURE_STR", "OTC_STR"},
    "backing_folder_uuid?": ("uuid", None), "data_rows?": [DATA_ROW],
}  # fmt: skip
DATASET_KEY = {
    "resource_hash": "text", "api_key": "text", "title": "text", "key_hash": "text", "scopes": ("texts", "text"),
}  # fmt: skip
EDITOR = {
    "objects": [{"id": ("digits", "whole"), "name": "text", "color": "text", "shape": "text",
                 "featureNodeHash": "text"}],
    "classifications": [{"id": ("digits", "whole"), "featureNodeHash": "text", "attributes": ["object"]}],
}  # fmt: skip
ONTOLOGY = {
    "ontology_hash": "text", "title": "text", "description": TEXT0, "editor": EDITOR, "created_at": "text",
    "last_edited_at": "text",
}  # fmt: skip
METADATA = {
    "label_hash?": TEXT0, "created_at?": ("date", None), "last_edited_at?": ("date", None), "data_hash": "text",
    "dataset_hash": "text", "dataset_title": "text", "data_title": "text", "data_type": UPPER, "data_link": TEXT0,
    "label_status": LABEL_STATUS, "annotation_task_status": (TASK_STATUS, None),
    "workflow_graph_node?": ({"uuid": "text", "title": "text"}, None), "is_shadow_data?": "flag",
    "number_of_frames": "whole", "duration?": NUMBER0, "frames_per_second?": NUMBER0, "height?": NUMBER0,
    "width?": NUMBER0, "priority?": NUMBER0,
}  # fmt: skip
PROJECT = {
    "project_hash": "text", "title": "text", "description": "text", "created_at": ("spaced", None),
    "last_edited_at": ("spaced", None), "ontology_hash": "text", "editor_ontology": (EDITOR, "text"),
    "datasets": [{"dataset_hash": "text", "title": "text", "description": "text"}], "label_rows": ([METADATA], None),
    "source_projects?": (["text"], None), "workflow_manager_uuid?": TEXT0,
}  # fmt: skip
LABEL_ROW = {
    "label_hash": "text", "data_hash": "text", "dataset_hash": "text", "dataset_title": "text", "data_title": "text",
    "created_at": "text", "last_edited_at": "text", "data_type": LOWER, "label_status": LABEL_STATUS,
    "annotation_task_status?": (TASK_STATUS, None), "data_units": "object", "object_answers": "object",
    "classification_answers": "object", "object_actions": "object",
}  # fmt: skip
PLACE = {"signed_url": "url", "data_hash": "text", "title": "text", "file_link": "text"}
ADDED = {"data_hash": "text", "title": "text", "backing_item_uuid?": ("uuid", None)}
ISSUES = {level: [{"issue_type": "text", "instances": "texts"}] for level in ("errors", "warnings", "infos")}
JOB = {
    "status": {"PENDING", "DONE", "ERROR"}, "data_hashes_with_titles": [ADDED], "errors": "texts",
    "units_pending_count": "whole", "units_done_count": "whole", "units_error_count": "whole",
}  # fmt: skip
LOG = {
    "log_hash": "text", "user_hash": "text", "user_email": "text", "data_hash": "text",
    "action": {action.value for action in Action}, "created_at": ("date", "whole"), "identifier": TEXT0,
    "feature_hash": TEXT0, "label_name": TEXT0, "time_taken": ("whole", None), "frame": ("whole", None),
}  # fmt: skip

REPLIES: dict[tuple[str, str], Any] = {
    ("apikeymeta", "GET"): {"title": "text", "resource_type": {"project", "dataset"}},
    ("cloudintegration", "GET"): [{"id": "text", "title": "text"}],
    ("dataset", "GET"): DATASET,
    ("dataset", "POST"): {
        "title": "text", "type": STORAGE, "dataset_hash": "text", "user_hash": "text",
        "backing_folder_uuid?": ("uuid", None),
    },
    ("datasetapikey", "GET"): [DATASET_KEY],
    ("datasetapikey", "POST"): DATASET_KEY,
    ("datasetapikey", "PUT"): DATASET_KEY,
    ("datasetdata", "GET"): {
        "data_hash": "text",
        "video": ({"data_hash": "text", "title": "text", "file_link": TEXT0}, None),
        "images": ([{"data_hash": "text", "image_hash": "text", "title": "text", "file_link": TEXT0}], None),
    },
    ("datasetdatalongpolling", "GET"): JOB,
    ("datasetdatalongpolling", "POST"): {"process_hash": "text"},
    ("datasetlinkitems", "POST"): [DATA_ROW],
    ("datasetusers", "POST"): [{"user_email": "text", "user_role": ROLE, "dataset_hash": "text"}],
    ("datasetwithuserrole", "GET"): [Exactly({
        "user_role": ROLE,
        "dataset": Exactly({
            "dataset_hash": "text", "user_hash": "text", "title": "text", "description": TEXT0, "type": STORAGE,
            "created_at": "date", "last_edited_at": "date", "backing_folder_uuid?": TEXT0,
        }),
    })],
    ("datarow", "GET"): DATA_ROW,
    ("datarow", "POST"): {"updated_fields": "texts", "data_row": DATA_ROW},
    ("datarows", "GET"): [DATA_ROW],
    ("dicomdeidentifytask", "POST"): "texts",
    ("dicomseries", "POST"): ADDED,
    ("imagegroup", "POST"): [ADDED],
    ("imagegroup", "DELETE"): "anything",
    ("images", "PUT"): "truthy",
    ("labelingalgorithm", "POST"): "object",
    ("labellog", "GET"): [LOG],
    ("labelrow", "GET"): LABEL_ROW,
    ("labelrow", "PUT"): LABEL_ROW,
    ("labelrow", "POST"): "not null",
    ("labelrowmetadata", "GET"): [METADATA],
    ("labelstatus", "POST"): "not null",
    ("labelworkflowgraphnode", "POST"): "not null",
    ("model", "PUT"): "truthy",
    ("model", "DELETE"): "anything",
    ("modelconfiguration", "GET"): [{
        "model_uid": "text", "title": "text", "description": "text", "feature_node_hashes": "object", "model": "text",
        "model_iteration_uids": "texts",
    }],
    ("ontology", "GET"): ONTOLOGY,
    ("ontology", "POST"): ONTOLOGY,
    ("ontology", "PUT"): "truthy",
    ("ontologywithuserrole", "GET"): [Exactly({"user_role": ROLE, "user_email": "text", "ontology": ONTOLOGY})],
    ("project", "GET"): PROJECT,
    ("project", "POST"): "truthy",
    ("projectapikey", "GET"): [{"api_key": "text", "title": "text", "scopes": ("texts", "text")}],
    ("projectapikey", "POST"): "text",
    ("projectapikey", "PUT"): "text",
    ("projectcopy", "POST"): "text",
    ("projectdataset", "POST"): "not null",
    ("projectdataset", "DELETE"): "anything",
    ("projectimporter", "POST"): (
        {"success": {"project_hash": "text", "issues": ISSUES}}, {"error": {"issues": ISSUES}},
    ),
    ("projectimportercvatinfo", "POST"): (
        {"success": {"export_type": {"project", "task"}}}, {"error": {"message": "text"}},
    ),
    ("projectusers", "POST"): [{"user_email": "text", "user_role": PROJECT_ROLE, "project_hash": "text"}],
    ("projectwithuserrole", "GET"): [Exactly({
        "user_role": PROJECT_ROLE, "project": {"created_at?": "spaced", "last_edited_at?": "spaced"},
    })],
    ("reencodevideotask", "PUT"): "positive",
    ("reencodevideotask", "GET"): {
        "status": "text", "result?": [{"data_hash": "text", "signed_url?": "url", "bucket_path": "text"}],
    },
    ("review", "PUT"): "truthy",
    ("signeddicomsurl", "GET"): [PLACE],
    ("signedimagesurl", "GET"): [PLACE],
    ("signedvideourl", "GET"): PLACE,
    ("singleimage", "POST"): {"success": "flag"},
    ("trainingmetadata", "GET"): [{
        "model_iteration_uid": "text", "created_at": ("date", None), "training_final_loss": NUMBER0,
        "model_training_labels": (None, {
            "label_metadata_list": [{"label_uid": "text", "data_uid": "text", "data_link": TEXT0}],
            "feature_uids": "texts",
        }),
    }],
    ("video", "POST"): {"success": "flag"},
    ("video", "PUT"): "truthy",
    ("video", "DELETE"): "anything",
}  # fmt: skip
"""By query type and verb. Of those in :data:`BY_UID`, a list of such things for a list of names."""
BY_UID = {("labelrow", "GET"), ("labelrow", "PUT")}

REFUSED = {("imagegroupocr", "GET"): "METHOD_NOT_ALLOWED_ERROR", ("model", "POST"): "METHOD_NOT_ALLOWED_ERROR"}
"""What a service of one machine has no engine for, and the code that says so."""

YOUNGER = {
    "GET": {
        "results": [{"userEmail": "text", "userRole": PROJECT_ROLE, "timeSeconds": "number", "dataTitle?": TEXT0}],
        "nextPageToken?": TEXT0,
    },
    "POST": "anything",
}
"""Timers, priorities."""


def faults(value: Any, shape: Any, place: str = "$") -> Iterator[str]:
    """Yield what of a JSON value is not as its shape says."""
    if isinstance(shape, tuple) and not isinstance(shape, Exactly):
        told = [list(faults(value, one, place)) for one in shape]
        if all(told):
            yield from min(told, key=len)
    elif isinstance(shape, Exactly):
        yield from faults(value, shape.members, place)
        known = {name.rstrip("?") for name in shape.members}
        if isinstance(value, dict):
            yield from (f"{place}: {name} is one too many" for name in sorted(value.keys() - known))
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{place}: no object, but {value!r:.80}"
            return
        for name, inner in shape.items():
            bare = name.rstrip("?")
            if bare in value:
                yield from faults(value[bare], inner, f"{place}.{bare}")
            elif bare == name:
                yield f"{place}: {name} is missing"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{place}: no list, but {value!r:.80}"
            return
        for number, one in enumerate(value):
            yield from faults(one, shape[0], f"{place}[{number}]")
    else:
        fits = value is None if shape is None else value in shape if isinstance(shape, set) else WORDS[shape](value)
        if not fits:
            yield f"{place}: {value!r:.80} is not {shape}"
