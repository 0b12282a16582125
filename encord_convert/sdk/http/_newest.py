"""Queries of the envelope API that the newest services do not answer, asked the way these do, with the same answers.

Whoever asks a :class:`.Querier` need not know which service answers. What only older services have (keys of resources,
statuses of labels, models) is not here.

Source: wire protocol of the newest package, sections 6.1 to 6.4.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.exceptions import (
    EncordException,
    InvalidArgumentsError,
    MethodNotAllowedError,
    RequestException,
)
from encord_convert.sdk.http.routes import Query, Verb, path_route

if TYPE_CHECKING:
    from encord_convert.sdk.http._calls import Querier

WAIT_S = 10
"""How long the service may hold a question after a job."""
NOT_SERVED = "is not served"
"""A service's message for an unknown route; the newest package shows it."""

_Ask = Callable[["Querier", Any, Any], Any]
TRANSLATED: dict[tuple[Query, Verb], _Ask] = {}


def is_unserved(error: EncordException) -> bool:
    """Return whether an error means an unknown query rather than a refusal."""
    return isinstance(error, MethodNotAllowedError) or (
        isinstance(error, InvalidArgumentsError) and NOT_SERVED in error.message
    )


def translated(ask: _Ask, querier: Querier, uid: Any, payload: Any) -> Any:
    """Ask a query the newer way.

    Raises
    ------
    RequestException
        The answer is not what the newest services send.
    """
    try:
        return ask(querier, uid, payload)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise RequestException(f"The answer is not what the newest services send: {what}.") from error


def _for(query: Query, verb: Verb) -> Callable[[_Ask], _Ask]:
    def register(ask: _Ask) -> _Ask:
        TRANSLATED[query, verb] = ask
        return ask

    return register


def _pages(querier: Querier, method: str, path: str, query: dict[str, Any], **names: str) -> list[Any]:
    """Return the items of all pages of a listing."""
    found: list[Any] = []
    token = None
    while True:
        page = querier.call(path_route(method, path), query={**query, "pageToken": token}, **names)
        found += page["results"]
        token = page.get("nextPageToken")
        if not token:
            return found


def _filters(payload: Any, **spelled: str) -> dict[str, Any]:
    """Return the conditions of a listing in REST v2 form."""
    conditions = {spelled.get(name, name): value for name, value in ((payload or {}).get("filter") or {}).items()}
    return {_camel(name): value for name, value in conditions.items()} | {"includeOrgAccess": "False"}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _spaced(moment: str) -> str:
    """Return a time in the form of the envelope API."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).strftime("%Y-%m-%d %H:%M:%S")


@_for(Query.DATASET, Verb.POST)
def _make_dataset(querier: Querier, uid: Any, payload: Any) -> Any:
    body = {
        "title": payload["title"],
        "description": payload.get("description") or "",
        "createBackingFolder": payload.get("create_backing_folder", True),
        "legacyCall": False,
    }
    made = querier.call(path_route("POST", "datasets"), payload=body)
    return {
        "title": payload["title"],
        "type": payload.get("type", 0),
        "dataset_hash": made["datasetUuid"],
        "user_hash": "",
        "backing_folder_uuid": made.get("backingFolderUuid"),
    }


@_for(Query.DATASET_WITH_USER_ROLE, Verb.GET)
def _list_datasets(querier: Querier, uid: Any, payload: Any) -> Any:
    query = _filters(payload, desc_eq="description_eq", desc_like="description_like")
    return [
        {
            "user_role": {"admin": 0, "user": 1}[item["userRole"]],
            "dataset": {
                "dataset_hash": item["datasetUuid"],
                "user_hash": "",
                "title": item["title"],
                "description": item["description"],
                "type": item.get("storageLocation") or 0,
                "created_at": _spaced(item["createdAt"]),
                "last_edited_at": _spaced(item["lastEditedAt"]),
                "backing_folder_uuid": item.get("backingFolderUuid"),
            },
        }
        for item in querier.call(path_route("GET", "datasets/list"), query=query)["result"]
        if item["userRole"] is not None
    ]


@_for(Query.CLOUD_INTEGRATION, Verb.GET)
def _list_integrations(querier: Querier, uid: Any, payload: Any) -> Any:
    found = querier.call(path_route("GET", "cloud-integrations"))["result"]
    return [{"id": match["integrationUuid"], "title": match["title"]} for match in found]


def _ontology(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "ontology_hash": one["ontologyUuid"],
        "title": one["title"],
        "description": one["description"],
        "editor": one["editor"],
        "created_at": one["createdAt"],
        "last_edited_at": one["lastEditedAt"],
    }


def _ontology_hash(querier: Querier, uid: Any) -> str:
    """Return the hash of the ontology asked for: without one, that of the project in whose name it is asked."""
    if uid is not None:
        return str(uid)
    project = querier.call(path_route("GET", "projects/{project}"), project=_resource(querier))
    return str(project["ontologyHash"])


def _resource(querier: Querier) -> str:
    hash_: str = querier.config.resource_id  # type: ignore[attr-defined]
    return hash_


@_for(Query.ONTOLOGY, Verb.POST)
def _make_ontology(querier: Querier, uid: Any, payload: Any) -> Any:
    body = {name: payload.get(name) or "" for name in ("title", "description")} | {"editor": payload["editor"]}
    return _ontology(querier.call(path_route("POST", "ontologies"), payload=body))


@_for(Query.ONTOLOGY, Verb.GET)
def _get_ontology(querier: Querier, uid: Any, payload: Any) -> Any:
    hash_ = _ontology_hash(querier, uid)
    return _ontology(querier.call(path_route("GET", "ontologies/{ontology}"), ontology=hash_))


@_for(Query.ONTOLOGY, Verb.PUT)
def _save_ontology(querier: Querier, uid: Any, payload: Any) -> Any:
    body = {name: payload.get(name) or "" for name in ("title", "description")} | {"editor": payload["editor"]}
    hash_ = _ontology_hash(querier, uid)
    querier.call(path_route("PUT", "ontologies/{ontology}"), payload=body, ontology=hash_)
    return True


@_for(Query.ONTOLOGY_WITH_USER_ROLE, Verb.GET)
def _list_ontologies(querier: Querier, uid: Any, payload: Any) -> Any:
    found = _pages(querier, "GET", "ontologies", _filters(payload))
    return [
        {"user_role": match.get("userRole"), "user_email": "", "ontology": _ontology(match)}
        for match in found
        if match.get("userRole") is not None
    ]


def _places(querier: Querier, item_type: str, names: list[str]) -> list[dict[str, str]]:
    query = {"count": len(names), "uploadItemType": item_type}
    given = querier.call(path_route("GET", "presigned-urls"), query=query)["results"]
    return [
        {
            "signed_url": one["signedUrl"],
            "data_hash": one["itemUuid"],
            "title": name,
            "file_link": one["objectKey"],
        }
        for name, one in zip(names, given, strict=True)
    ]


MOST_PLACES = 200
"""Places of one request."""


def _several(querier: Querier, item_type: str, uid: Any) -> list[dict[str, str]]:
    names = list(uid)
    return [
        place
        for first in range(0, len(names), MOST_PLACES)
        for place in _places(querier, item_type, names[first : first + MOST_PLACES])
    ]


@_for(Query.SIGNED_IMAGES_URL, Verb.GET)
def _places_of_images(querier: Querier, uid: Any, payload: Any) -> Any:
    return _several(querier, "image", uid)


@_for(Query.SIGNED_DICOMS_URL, Verb.GET)
def _places_of_dicoms(querier: Querier, uid: Any, payload: Any) -> Any:
    return _several(querier, "dicomFile", uid)


@_for(Query.SIGNED_VIDEO_URL, Verb.GET)
def _place_of_video(querier: Querier, uid: Any, payload: Any) -> Any:
    return _places(querier, "video", [uid])[0]


def _registered(querier: Querier, array: str, item: dict[str, Any]) -> dict[str, Any]:
    """Register one item, and return the service's record."""
    dataset_hash = _resource(querier)
    payload = {"dataItems": {array: [{"clientMetadata": {}, **item}]}, "ignoreErrors": False}
    job = querier.post(Query.DATASET_DATA_LONG_POLLING, dataset_hash, payload)
    asked = {"process_hash": job["process_hash"], "timeout_seconds": WAIT_S}
    while True:
        told = querier.get(Query.DATASET_DATA_LONG_POLLING, dataset_hash, asked)
        if told["status"] != "PENDING":
            break
    if told["status"] != "DONE" or not told["data_hashes_with_titles"]:
        why = " ".join(told["errors"]) or f"The service ended the registration as {told['status']}."
        raise EncordException(f"{item.get('title')}: is not registered. {why}")
    found: dict[str, Any] = told["data_hashes_with_titles"][0]
    return found


@_for(Query.SINGLE_IMAGE, Verb.POST)
def _register_image(querier: Querier, uid: Any, payload: Any) -> Any:
    item = {"objectUrl": payload["file_link"], "title": payload["title"], "externalFileType": "IMAGE"}
    return {"success": True, **_registered(querier, "images", item)}


@_for(Query.VIDEO, Verb.PUT)
def _register_video(querier: Querier, uid: Any, payload: Any) -> Any:
    title = payload.get("video_title") or payload["title"]
    item = {"objectUrl": payload["file_link"], "title": title, "externalFileType": "VIDEO"}
    return _registered(querier, "videos", item)


@_for(Query.IMAGES, Verb.PUT)
def _note_images(querier: Querier, uid: Any, payload: Any) -> Any:
    """Remember where images are that are to become a group: the query that makes it names only their hashes."""
    querier.session.places |= {place["data_hash"]: place for place in payload}
    return {"success": True}


@_for(Query.IMAGE_GROUP, Verb.POST)
def _register_group(querier: Querier, uid: Any, payload: Any) -> Any:
    places = [querier.session.places.pop(data_hash) for data_hash in uid]
    item = {
        "images": [{"url": place["file_link"], "title": place["title"]} for place in places],
        "title": payload.get("image_group_title") or f"image-group-{uid[0][:5]}",
        "createVideo": payload.get("create_video", True),
        "externalFileType": "IMG_GROUP",
    }
    return [_registered(querier, "imageGroups", item)]


@_for(Query.DICOM_SERIES, Verb.POST)
def _register_series(querier: Querier, uid: Any, payload: Any) -> Any:
    item = {
        "dicomFiles": [{"url": entry["uri"], "title": entry["title"]} for entry in uid],
        "title": payload.get("title"),
        "externalFileType": "DICOM",
    }
    return _registered(querier, "dicomSeries", {name: value for name, value in item.items() if value is not None})


@_for(Query.IMAGE_GROUP, Verb.DELETE)
def _delete_group(querier: Querier, uid: Any, payload: Any) -> Any:
    return querier.delete(Query.VIDEO, [uid] if isinstance(uid, str) else uid)


_STAGES = {
    "NOT_LABELLED": "ANNOTATION", "LABEL_IN_PROGRESS": "ANNOTATION", "LABELLED": "REVIEW",
    "REVIEW_IN_PROGRESS": "REVIEW", "REVIEWED": "DONE", "REVIEWED_TWICE": "DONE",
}  # fmt: skip
"""Label statuses to the workflow stages that stand for them."""


@_for(Query.LABEL_STATUS, Verb.POST)
def _set_status(querier: Querier, uid: Any, payload: Any) -> Any:
    project_hash = _resource(querier)
    project = querier.call(path_route("GET", "projects/{project}"), project=project_hash)
    wanted = _STAGES[payload["label_status"]]
    stages = [item["uuid"] for item in project["workflow"]["stages"] if item["stageType"] == wanted]
    if not stages:
        raise EncordException(f"The workflow of the project has no stage {wanted}, so no row can be moved to it.")
    asked = {"label_hashes": [uid], "include_uninitialised_labels": True, "include_workflow_graph_node": True}
    for row in querier.get_list(Query.LABEL_ROW_METADATA, None, asked):
        stage = row["workflow_graph_node"]["uuid"]
        if stage not in stages:
            body = {"taskUuids": [row["task_uuid"]], "destinationStageUuid": stages[0]}
            path = path_route("POST", "projects/{project}/workflow/stages/{stage}/move-tasks")
            querier.call(path, payload=body, project=project_hash, stage=stage)
    return True


@_for(Query.REVIEW, Verb.PUT)
def _submit(querier: Querier, uid: Any, payload: Any) -> Any:
    return _set_status(querier, uid, {"label_status": "LABELLED"})
