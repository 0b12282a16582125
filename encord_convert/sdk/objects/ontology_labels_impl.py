"""The documented address of label rows, and a second one of what they are made of; ``_label_row`` is the home."""

from typing import Type, Union  # noqa: UP035 -- the aliases below are documented as they are

from encord_convert.sdk.objects._label_row import LabelRowV2 as LabelRowV2
from encord_convert.sdk.objects._label_row_data import DataUnit as DataUnit
from encord_convert.sdk.objects.attributes import Attribute as Attribute
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates as BitmaskCoordinates
from encord_convert.sdk.objects.classification import Classification as Classification
from encord_convert.sdk.objects.classification_instance import ClassificationInstance as ClassificationInstance
from encord_convert.sdk.objects.constants import *  # noqa: F403
from encord_convert.sdk.objects.coordinates import *  # noqa: F403
from encord_convert.sdk.objects.frames import frames_class_to_frames_list as frames_class_to_frames_list
from encord_convert.sdk.objects.metadata import DICOMSeriesMetadata as DICOMSeriesMetadata
from encord_convert.sdk.objects.metadata import DICOMSliceMetadata as DICOMSliceMetadata
from encord_convert.sdk.objects.ontology_object import Object as Object
from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance as ObjectInstance
from encord_convert.sdk.objects.ontology_structure import OntologyStructure as OntologyStructure

OntologyTypes = Union[Type[Object], Type[Classification]]  # noqa: UP006, UP007
OntologyClasses = Union[Object, Classification]  # noqa: UP007
