"""Weights a training can start from; each is given as ``weights`` of ``model_train``.

Source: wire protocol, section 12.
"""

from __future__ import annotations

from encord_convert.sdk.orm.model import ModelTrainingWeights

_PLACE = "https://storage.googleapis.com/aws_model_backup/model_final_{}.pkl"


def _weights(model: str, number: str | None = None) -> ModelTrainingWeights:
    link = None if number is None else _PLACE.format(number)
    return ModelTrainingWeights({"model": model, "training_config_link": None, "training_weights_link": link})


fast_ai = _weights("fast_ai")
faster_rcnn_R_50_C4_1x = _weights("faster_rcnn", "721ade")
faster_rcnn_R_50_DC5_1x = _weights("faster_rcnn", "51d356")
faster_rcnn_R_50_FPN_1x = _weights("faster_rcnn", "b275ba")
faster_rcnn_R_50_C4_3x = _weights("faster_rcnn", "f97cb7")
faster_rcnn_R_50_DC5_3x = _weights("faster_rcnn", "68d202")
faster_rcnn_R_50_FPN_3x = _weights("faster_rcnn", "280758")
faster_rcnn_R_101_C4_3x = _weights("faster_rcnn", "298dad")
faster_rcnn_R_101_DC5_3x = _weights("faster_rcnn", "3e0943")
faster_rcnn_R_101_FPN_3x = _weights("faster_rcnn", "f6e8b1")
faster_rcnn_X_101_32x8d_FPN_3x = _weights("faster_rcnn", "68b088")
mask_rcnn_X_101_32x8d_FPN_3x = _weights("mask_rcnn", "2d9806")
mask_rcnn_R_50_C4_1x = _weights("mask_rcnn", "9243eb")
mask_rcnn_R_50_C4_3x = _weights("mask_rcnn", "4ce675")
mask_rcnn_R_101_FPN_3x = _weights("mask_rcnn", "a3ec72")
