"""What is sent to have labels interpolated or boxes fitted."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar

from encord_convert.sdk.orm.base_orm import BaseORM


class LabelingAlgorithm(BaseORM):
    """An algorithm and what it is given."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("algorithm_name", str), ("algorithm_parameters", dict)])


class ObjectInterpolationParams(BaseORM):
    """Key frames, each with its objects, and the hashes of the objects to interpolate between them."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("key_frames", dict), ("objects_to_interpolate", list)])


class BoundingBoxFittingParams(BaseORM):
    """Frames, each with its objects, and the size of the video."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("labels", dict), ("video", dict)])
