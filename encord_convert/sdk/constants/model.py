"""Names of the models a service trains and runs."""

from __future__ import annotations

from enum import Enum


class AutomationModels(Enum):
    """A model a service can train."""

    FAST_AI = "fast_ai"
    RESNET18 = "resnet18"
    RESNET34 = "resnet34"
    RESNET50 = "resnet50"
    RESNET101 = "resnet101"
    RESNET152 = "resnet152"
    VGG16 = "vgg16"
    VGG19 = "vgg19"
    FASTER_RCNN = "faster_rcnn"
    MASK_RCNN = "mask_rcnn"

    @classmethod
    def has_value(cls, value: str) -> bool:
        """Whether there is a model of this name."""
        return value in cls._value2member_map_


class Device(Enum):
    """What a model runs on."""

    CUDA = "cuda"
    CPU = "cpu"


FAST_AI = AutomationModels.FAST_AI.value
RESNET18 = AutomationModels.RESNET18.value
RESNET34 = AutomationModels.RESNET34.value
RESNET50 = AutomationModels.RESNET50.value
RESNET101 = AutomationModels.RESNET101.value
RESNET152 = AutomationModels.RESNET152.value
VGG16 = AutomationModels.VGG16.value
VGG19 = AutomationModels.VGG19.value
FASTER_RCNN = AutomationModels.FASTER_RCNN.value
MASK_RCNN = AutomationModels.MASK_RCNN.value
