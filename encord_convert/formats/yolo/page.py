"""x"""

from __future__ import annotations

from encord_convert.formats._api import Format, Importer
from encord_convert.formats._files import Source
from encord_convert.formats.yolo.identify import identify
from encord_convert.formats.yolo.options import ReadOptions
from encord_convert.formats.yolo.read import beside_yaml
from encord_convert.formats.yolo.read import read as read_files
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape

READS = Carries(
    shapes=frozenset({Shape.BOUNDING_BOX, Shape.POLYGON, Shape.ROTATABLE_BOUNDING_BOX, Shape.SKELETON}),
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset(
        {
            Feature.EMPTY_ROWS,
            Feature.CONFIDENCE,
            Feature.MANUAL,
            Feature.ROTATION,
            Feature.VISIBILITY,
            Feature.HIDDEN_POSITION,
            Feature.OUT_OF_BOUNDS,
            Feature.OVERLAPS,
            Feature.DEGENERATE,
            Feature.PARTS,
        }
    ),
)


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    return read_files(beside_yaml(source), options)


FORMAT = Format(
    name="yolo",
    title="YOLO",
    spec="https://docs.ultralytics.com/datasets/detect/",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, READS),
)
