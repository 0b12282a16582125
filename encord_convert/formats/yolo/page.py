"""YOLO: a text file of rows per image and a list of classes, as in Ultralytics, Darknet and others.

What it is
    One row per object: the class number, and values relative to the image. ``yolo`` reads every task and writes boxes;
    ``yolo-seg`` writes polygons, ``yolo-obb`` rotated boxes and ``yolo-pose`` skeletons.

Files on disk
    =======================  ========================================================================================
    ``data.yaml``            ``names`` of the classes, and where the images of ``train``, ``val`` and ``test`` are;
                             ``kpt_shape``, ``kpt_names``, ``flip_idx`` of skeletons; ``task`` (ours; trainers skip it)
    ``images/<split>/…``     the images, which are not written: ``--target ultralytics`` lays them out to be trained on
    ``labels/<split>/….txt`` rows of each image; a missing or empty file means no objects
    ``sizes.csv``            image, width, height, title; ours, for images that are missing
    =======================  ========================================================================================

    Read as well: Roboflow (``train/images``; rows in pixels of ``labelTxt``), CVAT's exports (``train.txt``, Darknet's
    ``obj.data``), Label Studio and labelImg (``classes.txt``), label files next to images, files without a list of
    classes, predictions (confidence, number of the track), NDJSON (``-w container=ndjson`` writes it), and folders of
    images by class.

How each hub thing maps
    ===========================  ====================================================================================
    ``c x y w h``                bounding box, from its centre
    ``c x1 y1 x2 y2 x3 y3 …``    polygon of one ring
    ``c`` and four corners       rotatable box: from the first corner to the second is its width. If sides do not meet
                                 at right angles within a degree: polygon (``INVALID_ROTATION``)
    ``c x y w h``, keypoints     skeleton; v is 2 visible, 1 occluded, 0 invisible. A box other than the one around the
    keypoints is kept, and written by COCO and trainers confidence                   confidence of an object that was
    not made by hand; written with
                                 ``-w confidence=yes``, since no trainer loads it
    number of a track            kept as native key ``track_id``
    split                        client metadata ``split``, never a part of the title
    ===========================  ====================================================================================

    **A row does not say its task.** It is decided per data set by the first rule that applies, named in the report
    (``TASK``): ``-r task``; ``task`` in ``data.yaml``; ``kpt_shape``, and a row is as long; all rows have 5 values; all
    rows have 9 and are rectangles; else polygons, where rows of 5 values are boxes. A row whose length does not fit the
    task is lost (``VALUE_COUNT``) without affecting others.

    Sizes come from ``sizes.csv``, the headers of images (as shown: EXIF data rotates them), else ``-r size``.

What is lost
    Reading: damaged rows, one by one; keypoint confidences. What Ultralytics would skip, mostly a whole image for one
    row, is reported (``TRAINER_SKIPS``). Writing: other shapes than the task's are written as their box, outline or
    corners (``POLYGON_AS_BOX``, ``BOX_AS_POLYGON``, ``BOX_AS_ROTATED``, …) or dropped; parts and holes are joined by
    zero-width bridges, and the overlap with the polygon (IoU) is reported; shapes are clipped to the image
    (``CLIPPED``). Attributes, labels of images, tracks, authors and times have no place.

Dialects met in the wild
    Paths of another machine in ``data.yaml``, matched by their last parts; ``valid`` for ``val``; ``names`` as list,
    table, or one text; tabs and Windows paths; class names as a file; ``Labels``; byte-order marks; rows of boxes among
    polygons; polygons that run back over themselves (``-r bridges=split``); pixels (``-r units=pixels``).

Sources
    Ultralytics documentation, "Object Detection Datasets", "Instance Segmentation", "OBB", "Pose Estimation". What its
    loader accepts: measured with ultralytics 8.4.190 (``tests/bench/yolo_trainer.py``). Files of CVAT, Label Studio and
    Roboflow: ``fixtures/yolo``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.yolo.identify import identified
from encord_convert.formats.yolo.options import FAMILY, ReadOptions, WriteOptions
from encord_convert.formats.yolo.write_rows import TASKS, carries_of, carries_with
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape

READS = Carries(
    shapes=frozenset({Shape.BOUNDING_BOX, Shape.POLYGON, Shape.ROTATABLE_BOUNDING_BOX, Shape.SKELETON}),
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset(
        {
            Feature.CLASSIFICATIONS,
            Feature.CONFIDENCE,
            Feature.DEGENERATE,
            Feature.EMPTY_ROWS,
            Feature.HIDDEN_POSITION,
            Feature.MANUAL,
            Feature.OUT_OF_BOUNDS,
            Feature.OVERLAPS,
            Feature.PARTS,
            Feature.ROTATION,
            Feature.VISIBILITY,
        }
    ),
    native=frozenset({FAMILY}),
)


def identify(source: Source) -> Match:
    """Say yes to a description of a data set next to images or rows, to rows by themselves, and to NDJSON."""
    return identified(source)


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read a data set."""
    # Detection imports every format, so the reader and writer are imported on use.
    from encord_convert.formats.yolo.read import read as read_any

    return read_any(source, options)


def write(task: str, narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write the rows of a task."""
    from encord_convert.formats.yolo.write import write as write_any

    write_any(TASKS[task], narrowed, target, options)


def walk(task: str, narrowed: Narrowed, target: Target, options: WriteOptions) -> Iterator[Any]:
    """Yield what :func:`write` would write of each image, with its notes; nothing is written."""
    from encord_convert.formats.yolo.write import walk as walk_any

    return walk_any(TASKS[task], narrowed, target, options)


def _format(name: str, title: str, task: str) -> Format:
    how = TASKS[task]
    exporter = Exporter.of_narrowed(
        partial(write, task),
        WriteOptions,
        carries_of(how),
        walk=partial(walk, task),
        carries_by=partial(carries_with, how),
    )
    return Format(
        name=name,
        title=title,
        spec=f"https://docs.ultralytics.com/datasets/{task}/",
        suffixes=(".ndjson",),
        identify=identify,
        importer=Importer(read, ReadOptions, READS) if task == "detect" else None,
        exporter=exporter,
        read_by=None if task == "detect" else "yolo",
    )


FORMAT = _format("yolo", "YOLO: boxes written, all tasks read", "detect")
FORMAT_SEG = _format("yolo-seg", "YOLO, polygons", "segment")
FORMAT_OBB = _format("yolo-obb", "YOLO, rotated boxes", "obb")
FORMAT_POSE = _format("yolo-pose", "YOLO, skeletons", "pose")
