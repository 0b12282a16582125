"""Models: what a service says of them, and what it is sent to make, train and run them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.constants.model import AutomationModels
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.orm.base_orm import BaseORM
from encord_convert.sdk.orm.formatter import Formatter


class ModelOperations(Enum):
    """What is done with a model."""

    INFERENCE = 0
    TRAIN = 1
    CREATE = 2


class Model(BaseORM):
    """An operation on a model, with its parameters."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("model_operation", int), ("model_parameters", dict)])


@dataclass
class ModelConfiguration(Formatter):
    """A model of a project.

    Parameters
    ----------
    model_uid, title, description : str
    feature_node_hashes : list of str
        The features it is trained on.
    model : AutomationModels
    model_iteration_uids : list of str
    """

    model_uid: str
    title: str
    description: str
    feature_node_hashes: list[str]
    model: AutomationModels
    model_iteration_uids: list[str]

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> ModelConfiguration:
        """Return the model a JSON object describes; of ``feature_node_hashes`` the keys count.

        Raises
        ------
        KeyError
            A key is missing.
        EncordException
            The kind of model is unknown.
        """
        if not AutomationModels.has_value(json_dict["model"]):
            raise EncordException(f"{json_dict['model']!r} is no model this version knows.")
        return cls(
            json_dict["model_uid"],
            json_dict["title"],
            json_dict["description"],
            list(json_dict["feature_node_hashes"].keys()),
            AutomationModels(json_dict["model"]),
            json_dict["model_iteration_uids"],
        )


@dataclass
class ModelTrainingLabelMetadata:
    """A label row a model was trained on."""

    label_uid: str
    data_uid: str
    data_link: str

    @staticmethod
    def from_dict(json_dict: dict[str, Any]) -> ModelTrainingLabelMetadata:
        """Return the record a JSON object describes.

        Raises
        ------
        KeyError
            A key is missing.
        """
        return ModelTrainingLabelMetadata(json_dict["label_uid"], json_dict["data_uid"], json_dict["data_link"])

    @classmethod
    def from_list(cls, json_list: Iterable[dict[str, Any]]) -> list[ModelTrainingLabelMetadata]:
        """Return the records of a list, in order."""
        return [cls.from_dict(entry) for entry in json_list]


@dataclass
class ModelTrainingLabel:
    """What a model was trained on."""

    label_metadata_list: list[ModelTrainingLabelMetadata]
    feature_uids: list[str]

    @staticmethod
    def from_dict(json_dict: dict[str, Any]) -> ModelTrainingLabel:
        """Return the record a JSON object describes.

        Raises
        ------
        KeyError
            A key is missing.
        """
        rows = ModelTrainingLabelMetadata.from_list(json_dict["label_metadata_list"])
        return ModelTrainingLabel(rows, json_dict["feature_uids"])


@dataclass
class TrainingMetadata(Formatter):
    """How an iteration of a model was trained; what was not asked for is None.

    Parameters
    ----------
    model_iteration_uid : str
    created_at : datetime or None
    training_final_loss : float or None
    model_training_labels : ModelTrainingLabel or None
    """

    model_iteration_uid: str
    created_at: datetime | None = None
    training_final_loss: float | None = None
    model_training_labels: ModelTrainingLabel | None = None

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> TrainingMetadata:
        """Return the record a JSON object describes.

        Raises
        ------
        KeyError
            A key is missing; null stands for what was not asked for.
        """
        return cls(
            json_dict["model_iteration_uid"],
            cls.get_created_at(json_dict),
            json_dict["training_final_loss"],
            cls.get_model_training_labels(json_dict),
        )

    @staticmethod
    def get_created_at(json_dict: dict[str, Any]) -> datetime | None:
        """Return when the iteration was made."""
        text = json_dict["created_at"]
        return None if text is None else parse_datetime(text)

    @staticmethod
    def get_model_training_labels(json_dict: dict[str, Any]) -> ModelTrainingLabel | None:
        """Return what the iteration was trained on."""
        labels = json_dict["model_training_labels"]
        return None if labels is None else ModelTrainingLabel.from_dict(labels)


class ModelRow(BaseORM):
    """A model to be made."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [("model_hash", str), ("title", str), ("description", str), ("features", list), ("model", str)]
    )


class ModelInferenceParams(BaseORM):
    """What a model is to be run on, and how."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [
            ("files", list),
            ("conf_thresh", float),
            ("iou_thresh", float),
            ("device", str),
            ("detection_frame_range", list),
            ("allocation_enabled", bool),
            ("data_hashes", list),
            ("rdp_thresh", float),
        ]
    )


class ModelTrainingWeights(BaseORM):
    """The weights a training starts from."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [("model", str), ("training_config_link", str), ("training_weights_link", str)]
    )


class ModelTrainingParams(BaseORM):
    """What a model is to be trained on, and how."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [
            ("model_hash", str),
            ("label_rows", list),
            ("epochs", int),
            ("batch_size", int),
            ("weights", ModelTrainingWeights),
            ("device", str),
        ]
    )
