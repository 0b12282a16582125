"""The label model: ontologies, label rows, and their labels.

Names are resolved when they are first used, so that importing one does not import all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_convert.sdk.objects.attributes import ChecklistAttribute, RadioAttribute, TextAttribute
    from encord_convert.sdk.objects.classification import Classification
    from encord_convert.sdk.objects.classification_instance import ClassificationInstance
    from encord_convert.sdk.objects.common import Shape
    from encord_convert.sdk.objects.metadata import DICOMSeriesMetadata, DICOMSliceMetadata
    from encord_convert.sdk.objects.ontology_labels_impl import LabelRowV2
    from encord_convert.sdk.objects.ontology_object import Object
    from encord_convert.sdk.objects.ontology_object_instance import AnswerForFrames, ObjectInstance
    from encord_convert.sdk.objects.ontology_structure import OntologyStructure
    from encord_convert.sdk.objects.options import FlatOption, NestableOption, Option

__all__ = [
    "AnswerForFrames",
    "ChecklistAttribute",
    "Classification",
    "ClassificationInstance",
    "DICOMSeriesMetadata",
    "DICOMSliceMetadata",
    "FlatOption",
    "LabelRowV2",
    "NestableOption",
    "Object",
    "ObjectInstance",
    "OntologyStructure",
    "Option",
    "RadioAttribute",
    "Shape",
    "TextAttribute",
]

_HOMES = {
    "AnswerForFrames": "ontology_object_instance",
    "ChecklistAttribute": "attributes",
    "Classification": "classification",
    "ClassificationInstance": "classification_instance",
    "DICOMSeriesMetadata": "metadata",
    "DICOMSliceMetadata": "metadata",
    "FlatOption": "options",
    "LabelRowV2": "ontology_labels_impl",
    "NestableOption": "options",
    "Object": "ontology_object",
    "ObjectInstance": "ontology_object_instance",
    "OntologyStructure": "ontology_structure",
    "Option": "options",
    "RadioAttribute": "attributes",
    "Shape": "common",
    "TextAttribute": "attributes",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
