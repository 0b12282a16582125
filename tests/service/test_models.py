"""Models: records that are kept, and engines that are not there. Through our own client."""

from __future__ import annotations

from uuid import uuid4

import pytest
from harness import Running
from worlds import world

from encord_convert.sdk.constants.model import AutomationModels
from encord_convert.sdk.exceptions import MethodNotAllowedError, ResourceNotFoundError
from encord_convert.sdk.orm.model import ModelTrainingWeights
from encord_convert.service.store.models import add_iteration


@pytest.mark.proves("service: 15")
def test_a_model_is_made_listed_and_deleted(server: Running) -> None:
    project = world(server).project
    uid = project.create_model_row("Cars", "finds cars", ["car00001", "leaf0001"], AutomationModels.FASTER_RCNN)
    [model] = project.list_models()
    assert (model.model_uid, model.title, model.description) == (uid, "Cars", "finds cars")
    assert (model.feature_node_hashes, model.model) == (["car00001", "leaf0001"], AutomationModels.FASTER_RCNN)
    assert model.model_iteration_uids == []
    assert project.model_delete(uid) is True
    assert project.list_models() == []
    with pytest.raises(ResourceNotFoundError, match=f"The project has no model {uid}"):
        project.model_delete(uid)


@pytest.mark.proves("service: 15")
def test_what_is_known_of_a_training_is_told_as_far_as_it_is_asked_for(server: Running) -> None:
    project = world(server).project
    model_uid = project.create_model_row("Cars", "finds cars", ["car00001"], "faster_rcnn")
    uid = str(uuid4())
    labels = (
        '{"label_metadata_list": [{"label_uid": "l", "data_uid": "d", "data_link": "x"}], "feature_uids": ["car00001"]}'
    )
    row = {"model_iteration_uid": uid, "model_uid": model_uid, "created_at": 1_700_000_000.0,
           "training_final_loss": 0.25, "model_training_labels": labels}  # fmt: skip
    server.service.database.write(lambda db: add_iteration(db, row)).result()
    assert project.list_models()[0].model_iteration_uids == [uid]
    [bare] = project.get_training_metadata([uid])
    assert bare.created_at is bare.training_final_loss is bare.model_training_labels is None
    [full] = project.get_training_metadata([uid], True, True, True)
    assert (full.created_at.timestamp(), full.training_final_loss) == (1_700_000_000.0, 0.25)
    assert full.model_training_labels.feature_uids == ["car00001"]
    with pytest.raises(ResourceNotFoundError, match="The project has no model iteration nowhere"):
        project.get_training_metadata(["nowhere"])


@pytest.mark.proves("service: 15")
def test_a_local_service_says_that_it_has_no_engine(server: Running) -> None:
    here = world(server)
    uid = here.project.create_model_row("Cars", "finds cars", ["car00001"], "faster_rcnn")
    weights = ModelTrainingWeights(
        {"model": "faster_rcnn", "training_config_link": None, "training_weights_link": None}
    )
    with pytest.raises(MethodNotAllowedError, match="A local service has no engine that trains models"):
        here.project.model_train(uid, ["label"], 5, weights=weights)
    with pytest.raises(MethodNotAllowedError, match="A local service has no engine that runs models"):
        here.project.model_inference(uid, data_hashes=["data"])
    with pytest.raises(MethodNotAllowedError, match="A local service has no engine that reads text in images"):
        here.user.get_dataset(here.dataset_hash).run_ocr("group")
