"""The models of a project: listed, made, trained, run.

Source: wire protocol, section 12.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import uuid4

from encord_convert.sdk._fitted import fitted_list
from encord_convert.sdk.client import EncordClient
from encord_convert.sdk.constants.model import AutomationModels, Device
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.orm.model import (
    ModelConfiguration,
    ModelInferenceParams,
    ModelOperations,
    ModelTrainingParams,
    ModelTrainingWeights,
    TrainingMetadata,
)


class ProjectModels(EncordClient):
    """The calls of a project that concern models."""

    def list_models(self) -> list[ModelConfiguration]:
        """Fetch the models of the project."""
        replies = self._querier.get_list(Query.MODEL_CONFIGURATION)
        return fitted_list(ModelConfiguration.from_dict, replies, "GET modelconfiguration")

    def get_training_metadata(
        self,
        model_iteration_uids: list[str],
        get_created_at: bool = False,
        get_training_final_loss: bool = False,
        get_model_training_labels: bool = False,
    ) -> list[TrainingMetadata]:
        """Fetch what is known of trainings."""
        payload = {
            "model_iteration_uids": list(model_iteration_uids),
            "get_created_at": get_created_at,
            "get_training_final_loss": get_training_final_loss,
            "get_model_training_labels": get_model_training_labels,
        }
        replies = self._querier.get_list(Query.TRAINING_METADATA, None, payload)
        return fitted_list(TrainingMetadata.from_dict, replies, "GET trainingmetadata")

    def create_model_row(self, title: str, description: str, features: list[str], model: str | AutomationModels) -> str:
        """Make a model; return its uid.

        Parameters
        ----------
        features : list of str
            Hashes of the classes it learns.

        Raises
        ------
        EncordException
            No title, no features, or a model nobody knows.
        """
        name = model.value if isinstance(model, AutomationModels) else model
        if not title or not features or not AutomationModels.has_value(name):
            known = ", ".join(item.value for item in AutomationModels)
            raise EncordException(f"A model has a title, features, and is one of {known}; not {name!r}.")
        parameters = {"title": title, "description": description, "features": features, "model": name}
        payload = {"model_operation": ModelOperations.CREATE.value, "model_parameters": parameters}
        uid: str = self._querier.put(Query.MODEL, None, payload)
        return uid

    def model_delete(self, uid: str) -> bool:
        """Delete a model."""
        deleted: bool = self._querier.delete(Query.MODEL, uid)
        return deleted

    def model_inference(
        self,
        uid: str,
        file_paths: list[str] | None = None,
        base64_strings: list[bytes] | None = None,
        conf_thresh: float = 0.6,
        iou_thresh: float = 0.3,
        device: Device | str = Device.CUDA,
        detection_frame_range: list[int] | None = None,
        allocation_enabled: bool = False,
        data_hashes: list[str] | None = None,
        rdp_thresh: float = 0.005,
    ) -> Any:
        """Run an iteration of a model on files, images in base64, or data of the service.

        Raises
        ------
        EncordException
            There is nothing to run it on.
        """
        if not (file_paths or base64_strings or data_hashes):
            raise EncordException("A model is run on file_paths, base64_strings or data_hashes; none was given.")
        files = [{"uid": path, "base64_str": b64encode(Path(path).read_bytes()).decode()} for path in file_paths or ()]
        files += [{"uid": str(uuid4()), "base64_str": text.decode()} for text in base64_strings or ()]
        parameters = ModelInferenceParams(
            {
                "files": files,
                "conf_thresh": conf_thresh,
                "iou_thresh": iou_thresh,
                "device": _device(device),
                "detection_frame_range": detection_frame_range or [],
                "allocation_enabled": allocation_enabled,
                "data_hashes": data_hashes,
                "rdp_thresh": rdp_thresh,
            }
        )
        return self._run_model(uid, ModelOperations.INFERENCE, parameters)

    def model_train(
        self,
        uid: str,
        label_rows: list[str] | None = None,
        epochs: int | None = None,
        batch_size: int = 24,
        weights: ModelTrainingWeights | None = None,
        device: Device | str = Device.CUDA,
    ) -> Any:
        """Train a model on label rows, by their label hashes.

        Raises
        ------
        EncordException
            Label rows, epochs, batch size or weights are missing.
        """
        if not label_rows or not epochs or not batch_size or not isinstance(weights, ModelTrainingWeights):
            raise EncordException("Training needs label_rows, epochs, batch_size and weights.")
        parameters = ModelTrainingParams(
            {
                "label_rows": label_rows,
                "epochs": epochs,
                "batch_size": batch_size,
                "weights": weights,
                "device": _device(device),
            }
        )
        return self._run_model(uid, ModelOperations.TRAIN, parameters)

    def _run_model(self, uid: str, operation: ModelOperations, parameters: dict[str, Any]) -> Any:
        payload = {"model_operation": operation.value, "model_parameters": parameters}
        return self._querier.post(Query.MODEL, uid, payload)


def _device(device: Device | str) -> str:
    try:
        return Device(device).value if isinstance(device, str) else device.value
    except ValueError:
        raise EncordException(f"A model runs on {' or '.join(one.value for one in Device)}, not {device!r}.") from None
