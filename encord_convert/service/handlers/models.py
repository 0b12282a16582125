"""Models: their records. A local service has no engine that trains or runs them, or reads text, and says so.

Source: wire protocol, sections 9.3 (text recognition) and 12.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from encord_convert.sdk.constants.model import AutomationModels
from encord_convert.sdk.exceptions import InvalidArgumentsError, MethodNotAllowedError, ResourceNotFoundError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.model import ModelOperations
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.handlers.datasets import LONGEST_DESCRIPTION, titled
from encord_convert.service.handlers.projects import MANAGERS, hashes
from encord_convert.service.store import models
from encord_convert.service.times import iso

PROJECT = (Kind.PROJECT,)


@handles(Query.MODEL_CONFIGURATION, Verb.GET, RESOURCE, writes=False, scope="model.inference", kinds=PROJECT)
def list_models(call: Call) -> list[dict[str, Any]]:
    """List the models of the project."""
    trained: dict[str, list[str]] = {}
    for iteration in models.iterations(call.db, call.of.hash):
        trained.setdefault(iteration["model_uid"], []).append(iteration["model_iteration_uid"])
    return [
        {
            "model_uid": item["model_uid"],
            "title": item["title"],
            "description": item["description"],
            "feature_node_hashes": dict.fromkeys(msgspec.json.decode(item["features"]), True),
            "model": item["model"],
            "model_iteration_uids": trained.get(item["model_uid"], []),
        }
        for item in models.of_project(call.db, call.of.hash)
    ]


@handles(Query.TRAINING_METADATA, Verb.GET, RESOURCE, writes=False, scope="model.inference", kinds=PROJECT)
def training_metadata(call: Call) -> list[dict[str, Any]]:
    """Return what is known of trainings, as far as it is asked for."""
    wanted = hashes(call.given("model_iteration_uids", list), "model_iteration_uids")
    found = {iteration["model_iteration_uid"]: iteration for iteration in models.iterations(call.db, call.of.hash)}
    unknown = [uid for uid in wanted if uid not in found]
    if unknown:
        raise ResourceNotFoundError(f"The project has no model iteration {unknown[0][:64]}.")
    return [_metadata(call, found[uid]) for uid in wanted]


def _metadata(call: Call, one: Any) -> dict[str, Any]:
    labels = one["model_training_labels"] if call.given("get_model_training_labels", bool, False) else None
    return {
        "model_iteration_uid": one["model_iteration_uid"],
        "created_at": iso(one["created_at"]) if call.given("get_created_at", bool, False) else None,
        "training_final_loss": one["training_final_loss"]
        if call.given("get_training_final_loss", bool, False)
        else None,
        "model_training_labels": None if labels is None else msgspec.Raw(labels.encode()),
    }


@handles(Query.MODEL, Verb.PUT, RESOURCE, writes=True, roles=MANAGERS, scope="model.train", kinds=PROJECT)
def create(call: Call) -> str:
    """Make the record of a model; return its uid."""
    given = call.given("model_parameters", dict)
    if call.given("model_operation", int) != ModelOperations.CREATE.value:
        raise InvalidArgumentsError("PUT model makes a model: model_operation is 2.")
    features = hashes(given.get("features"), "features")
    if not features or given.get("model") not in [kind.value for kind in AutomationModels]:
        raise InvalidArgumentsError("A model has features, and is of a kind the API knows.")
    model_uid = str(uuid4())
    values = {
        "model_uid": model_uid,
        "project_hash": call.of.hash,
        "title": titled(given.get("title")),
        "description": titled(given.get("description") or "", "description", LONGEST_DESCRIPTION),
        "features": msgspec.json.encode(features).decode(),
        "model": given["model"],
        "created_at": call.now,
    }
    models.add(call.db, values)
    return model_uid


@handles(Query.MODEL, Verb.DELETE, RESOURCE, writes=True, roles=MANAGERS, scope="model.train", kinds=PROJECT)
def delete(call: Call) -> bool:
    """Delete a model."""
    if not isinstance(call.uid, str) or not models.remove(call.db, call.of.hash, call.uid):
        raise ResourceNotFoundError(f"The project has no model {str(call.uid)[:64]}.")
    return True


@handles(Query.MODEL, Verb.POST, RESOURCE, writes=False, scope="model.inference", kinds=PROJECT)
def run(call: Call) -> None:
    """Refuse to train or run a model."""
    is_training = call.given("model_operation", int) == ModelOperations.TRAIN.value
    raise MethodNotAllowedError(
        f"A local service has no engine that {'trains' if is_training else 'runs'} models; it keeps their records."
    )


@handles(Query.IMAGE_GROUP_OCR, Verb.GET, RESOURCE, writes=False, scope="dataset.read", kinds=(Kind.DATASET,))
def recognise_text(call: Call) -> None:
    """Refuse to read text in images."""
    raise MethodNotAllowedError("A local service has no engine that reads text in images.")
