"""Imports of CVAT, de-identification and re-encoding as REST v2 begins them and asks after them.

They are done when they are begun; what came of them is kept for whoever began them.

Source: wire protocol of the newest package, sections 6.5 and 6.11.
"""

from __future__ import annotations

from typing import Any

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.service.calls import Call, handles_path
from encord_convert.service.handlers import deidentify, imports
from encord_convert.service.store import records

IMPORT, DEIDENTIFY, ENCODE = "CVAT import", "de-identification", "re-encoding"


def _kept(call: Call, kind: str, body: Any) -> str:
    return records.put(call.db, kind, body, call.caller.user_hash, call.now, scope=call.caller.user_hash)


def _job(call: Call, kind: str) -> Any:
    body = records.get(call.db, kind, call.path["job"], call.caller.user_hash)
    if body is None:
        raise ResourceNotFoundError("There is no such job, or another began it.")
    return body


def _older_import(call: Call) -> dict[str, Any]:
    """Return the payload of an import of the envelope API."""
    data = call.given("data", list)
    if not all(isinstance(item, dict) and isinstance(item.get("dataLink"), str) for item in data):
        raise InvalidArgumentsError("data is a list of objects with dataPath and dataLink.")
    return {
        "cvat": {"annotations_base64": call.given("annotationsBase64", str)},
        "dataset_hash": call.given("datasetUuid", str),
        "review_mode": call.given("reviewMode", str),
        "transform_bounding_boxes_to_polygons": call.given("transformBoundingBoxesToPolygons", bool, False),
        "image_title_to_image_hash_map": {
            str(entry.get("dataPath") or entry.get("title")): entry["dataLink"].rpartition("/")[2] for entry in data
        },
    }


def prepared_import(call: Call) -> Any:
    """Read the annotations; see :func:`.imports.prepared`."""
    call.raw_payload = msgspec.Raw(msgspec.json.encode(_older_import(call)))
    call._payload = ...
    return imports.prepared(call)


@handles_path("POST projects/cvat-import", writes=True, prepare=prepared_import, is_long=True)
def begin_import(call: Call) -> str:
    """Make the project, its ontology and its rows; return the hash of the job, which is over."""
    call._payload = _older_import(call)
    reply = imports.store(call)
    done = reply.get("success")
    issues = (done or reply["error"])["issues"]
    lists = {name: issues.get(name, []) for name in ("errors", "warnings", "infos")}
    body = {"status": "DONE" if done else "ERROR", "projectUuid": done and done["project_hash"], "issues": lists}
    return _kept(call, IMPORT, body)


@handles_path("GET projects/cvat-import/{job}", writes=False)
def imported(call: Call) -> Any:
    """Say what came of an import."""
    return _job(call, IMPORT)


_MODES = {
    "redactAllText": "REDACT_ALL_TEXT",
    "redactNoText": "REDACT_NO_TEXT",
    "redactSensitiveText": "REDACT_SENSITIVE_TEXT",
}
_CONDITIONS: dict[Any, Any] = {"in": "IN", "notSubstr": "NOT_SUBSTR"}


def prepared_deidentification(call: Call) -> list[str]:
    """De-identify the files; see :func:`.deidentify.deidentified`."""
    conditions = call.given("saveConditions", (list, type(None)), None) or []
    mode = call.given("redactPixelsMode", str, "redactNoText")
    call.uid = call.given("integrationUuid", str)
    call._payload = {
        "dicom_urls": call.given("dicomUrls", list),
        "redact_dicom_tags": call.given("redactDicomTags", bool, True),
        "redact_pixels_mode": _MODES.get(mode, mode),
        "save_conditions": [
            {
                "value": condition.get("value"),
                "condition_type": _CONDITIONS.get(condition.get("conditionType"), condition.get("conditionType")),
                "dicom_tag": condition.get("dicomTag"),
            }
            if isinstance(condition, dict)
            else condition
            for condition in conditions
        ],
        "upload_dir": call.given("uploadDir", (str, type(None)), None),
    }
    return deidentify.deidentified(call)


@handles_path("POST dicom-deidentification", writes=True, prepare=prepared_deidentification, is_long=True)
def begin_deidentification(call: Call) -> str:
    """Return the hash of the job, which is over."""
    return _kept(call, DEIDENTIFY, {"status": "DONE", "urls": call.prepared})


@handles_path("GET dicom-deidentification/{job}", writes=False)
def deidentified(call: Call) -> Any:
    """Say where the files lie that were saved."""
    return _job(call, DEIDENTIFY)


@handles_path("POST storage/items/reencode", writes=True)
def encode(call: Call) -> str:
    """Refuse: videos of a dataset are encoded again there."""
    raise InvalidArgumentsError(
        "A local service encodes the videos of a dataset again, and no items of the storage; link them and ask there."
    )


@handles_path("GET storage/items/reencode/{job}", writes=False)
def encoding(call: Call) -> Any:
    """Say that there is no such job."""
    return _job(call, ENCODE)
