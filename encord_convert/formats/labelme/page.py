"""LabelMe: a JSON file next to each image with its shapes.

What it is
    Saved by LabelMe (``labelme`` on PyPI) and, with extensions, by X-AnyLabeling. The older XML format of MIT's LabelMe
    is not read.

Files on disk
    ``NAME.json`` for each image, in any folders. Written, too: ``labels.txt``, the ordered classes for LabelMe's
    ``--labels``, which also set the order when read; and ``encord/ontology.json``, which restores attributes and
    colours. ``imageData``, the base64 image, is not decoded but written back to LabelMe files.

How each hub thing maps
    =======================  ======================================================================================
    bounding box             ``rectangle``, any two opposite corners, or the four of X-AnyLabeling
    rotatable box            ``oriented_rectangle``, its first edge the width; ``rotation`` of X-AnyLabeling
    polygon                  ``polygon``; several parts share a ``group_id``
    polyline                 ``line`` of two points, else ``linestrip``
    circle                   ``circle``; a stretched one is a ``polygon``, its numbers under ``encord``
    point                    ``point``; ``points`` are several
    bitmask                  ``mask``, a PNG placed at the corner of its box
    skeleton                 a ``rectangle`` and each shown point as ``point`` with its name, in one ``group_id``;
                             ``flags`` say ``occluded``
    answers                  ``flags`` for checklists of one option, ``description``, ``group_id``, and ``attributes``,
                             which X-AnyLabeling shows and LabelMe keeps
    confidence               ``score``
    labels of an image       ``flags`` of the file for checklists of one option; others under ``encord``
    split, title of a row    under ``encord``, which LabelMe keeps; a folder ``train``, ``valid`` or ``test``
    image without objects    a file without shapes
    =======================  ======================================================================================

    Equal polygons of one ``group_id`` are parts of one object; a rectangle and points are a skeleton; else the number
    is an answer to ``group_id`` (``-r groups=attribute``: always). Other keys (``version``, ``locked``, those of other
    programs) come back in LabelMe files and are counted for other formats.

What is lost
    Writing: ellipses and cuboids become polygons (``ELLIPSE_APPROXIMATED``, ``CUBOID_APPROXIMATED``); holes
    (``HOLES_FILLED``), authors, times, tracks (each frame is an image), positions of invisible keypoints. Reading:
    ``points`` of several become an object each (``POINTS_SPLIT``), rejoined in LabelMe files. Lost are shapes of
    unknown type (``UNSUPPORTED_SHAPE``) or with too few points (``INVALID_SHAPE``), and files without a size
    (``SIZE_UNKNOWN``).

Dialects met in the wild
    Before 4.0 shapes have no ``shape_type`` and are polygons. ``imagePath`` may have ``\\``, lead elsewhere or be of
    another machine: then only the file name counts, but ``../imgs/a.jpg`` is found if it is in the source.
    X-AnyLabeling writes four corners of a rectangle, ``rotation`` with ``direction``, ``score``, ``difficult``,
    ``attributes``. Points of three numbers are read as two.

Sources
    labelme 7.9.1, measured with its own reader and writer (``fixtures/labelme/labelme-7.9.1``); labelme-rs
    (``fixtures/labelme/small-shapes``); X-AnyLabeling 3, ``docs/en/user_guide.md``.
"""

from __future__ import annotations

from typing import Any

from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._files import Source, Target
from encord_convert.formats._json_heads import head_of, sketch
from encord_convert.formats.labelme.options import ReadOptions
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape

CARRIES = Carries(
    shapes=frozenset[Any](
        {
            Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX, Shape.POLYGON, Shape.POLYLINE, Shape.POINT, Shape.BITMASK,
            Shape.SKELETON, NewerShape.CIRCLE,
        }
    ),
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset(
        {
            Feature.PARTS, Feature.VISIBILITY, Feature.ANSWERS, Feature.CLASSIFICATIONS, Feature.CONFIDENCE,
            Feature.COLOUR, Feature.EMPTY_ROWS, Feature.OUT_OF_BOUNDS,
        }
    ),
    tolerance_px=1e-5,
    codes={Feature.HOLES: "HOLES_FILLED"},
    bounded=frozenset({Shape.BITMASK}),
    native=frozenset({"labelme", "ontology"}),
)  # fmt: skip

_LOOKED_AT = 24


def identify(source: Source) -> Match:
    """Say yes to JSON with shapes, and the image they are on."""
    names = source.names(".json")
    step = max(1, len(names) // _LOOKED_AT)
    heads = (sketch(head_of(source, name)) for name in names[::step][:_LOOKED_AT])
    return Match.YES if any(_is_labelme(top) for top in heads) else Match.NO


def _is_labelme(top: object) -> bool:
    """Return whether a file's beginning, perhaps cut among the shapes, is LabelMe's."""
    if not isinstance(top, dict) or "shapes" not in top or "tracks" in top:
        return False
    shapes = top["shapes"]
    if not {"imagePath", "imageData", "imageHeight"}.isdisjoint(top):
        return shapes is None or isinstance(shapes, list)
    first = shapes[0] if isinstance(shapes, list) and shapes else None
    return isinstance(first, dict) and {"label", "points"} <= first.keys()


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read a folder of files, or one."""
    # Detection imports every format, so the reader and writer are imported on use.
    from encord_convert.formats.labelme.read import read as read_any

    return read_any(source, options, report)


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write a file for each image, the list of classes and the ontology."""
    from encord_convert.formats.labelme.write import write as write_any

    write_any(narrowed, target, options)


FORMAT = Format(
    name="labelme",
    title="LabelMe JSON",
    spec="https://github.com/wkentaro/labelme",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES),
)
