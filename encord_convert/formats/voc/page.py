"""Pascal VOC: one XML file per image, with a box for each object.

What it is
    The format of the VOC challenges, 2005 to 2012, which most labelling tools still write: labelImg, Roboflow, CVAT,
    Label Studio, supervision.

Files on disk
    ``Annotations/NAME.xml``, one per image; ``ImageSets/Main/train.txt`` and others, one image per line;
    ``SegmentationObject/NAME.png`` and ``SegmentationClass/NAME.png``, where an image has masks; ``JPEGImages/``. Any
    folder or archive of such XML is read: next to the images, or in one folder per split. Written, too:
    ``labelmap.txt``, as in Datumaro and CVAT, and ``encord/ontology.json``, which restores attributes and colours.

Pixel conventions
    The devkit counts pixels from 1 and includes both corners: a box of one pixel has xmin = xmax, and begins at xmin -
    1. Many tools write continuous coordinates instead, so that the same file gives boxes a pixel apart. The convention
    of a source is decided once, by the first of these that applies: ``<encord coordinates>`` (files of this package); a
    ``source`` of the VOC databases (``voc``) or of Roboflow (``continuous``); ``labelmap.txt`` (``continuous``); a
    minimum below 1, or a fraction (``continuous``); a box that ends at the last pixel of its image, or that has a
    minimum equal to its maximum (``voc``). Else it is read as ``continuous``, with a warning. The note
    COORDINATES_READ_AS gives the reason and the number of boxes behind it; ``-r coordinates=voc`` or ``continuous``
    overrides it.

How each hub thing maps
    ===========================  =================================================================================
    bounding box                 ``bndbox``
    polygon                      ``polygon`` with x1, y1, x2, …, one for each part, as Roboflow writes it; and the
                                 ``bndbox`` around it, for all readers
    rotatable box                ``robndbox``, angle in radians, as roLabelImg writes it, and the ``bndbox`` around it
    bitmask                      an index in the two mask images, and the ``bndbox`` around it. When read, a mask goes
    to the object whose box it overlaps most, if by half; else it is an object answers                      checklists
    ``truncated``, ``difficult`` and ``occluded`` of one option, the radio
                                 ``pose``, the checklist ``actions``, which are elements; others in ``attributes``,
                                 where true and false are a checklist of one option, all else text
    split                        ``ImageSets/Main``; a folder ``train``, ``valid`` or ``test``
    image without objects        a file without ``object``, or an image only in an image set
    ===========================  =================================================================================

    A ``part`` is an object of its own class, nested in its object again when VOC is written. Other data (``source``,
    ``folder``, false flags, unknown elements) comes back in VOC and is counted for other formats. Classes are ordered
    as in ``labelmap.txt``, or officially for the 20 VOC classes, else alphabetically.

What is lost
    Polylines, points, skeletons; holes (``HOLES_FILLED``); confidence, authors, times, labels of whole images; tracks
    (each frame is an image). Mask pixels below a later object. Reading: ``owner``, which names a person; void pixels of
    masks; files that are not XML (``FILE_DAMAGED``) or have no size (``SIZE_UNKNOWN``), and objects without corners
    (``INVALID_BOX``) or a name.

Dialects met in the wild
    Roboflow orders xmin, xmax, ymin, ymax, counts from 0, and may omit the suffix of ``filename``. labelImg keeps the
    file name of the first save: if it matches neither the XML nor an existing image, the XML's name is used
    (``FILENAME_DIFFERS``). Swapped corners are corrected (``CORNERS_SWAPPED``). VOC 2011 itself has fractions.

Sources
    VOC 2012 development kit, "Annotation guidelines" and section 8; ``fixtures/voc`` (Datumaro, Roboflow).
"""

from __future__ import annotations

import re

from encord_convert.errors import ReadError
from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.voc.options import UNWRITABLE, ReadOptions, WriteOptions
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape

CARRIES = Carries(
    shapes=frozenset({Shape.BOUNDING_BOX, Shape.POLYGON, Shape.ROTATABLE_BOUNDING_BOX, Shape.BITMASK}),
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset({Feature.PARTS, Feature.ANSWERS, Feature.COLOUR, Feature.EMPTY_ROWS, Feature.OUT_OF_BOUNDS}),
    tolerance_px=1e-3,
    codes={Feature.HOLES: "HOLES_FILLED", Feature.OVERLAPS: "HIDDEN_PIXELS"},
    one_layer="objects",
    layered=frozenset({Shape.BITMASK}),
    bounded=frozenset({Shape.BITMASK}),
    unwritable=UNWRITABLE,
    native=frozenset({"voc", "ontology"}),
)

_ROOT = re.compile(r"<(?![?!])(?:\w+:)?annotation[\s>]")
_INSIDE = re.compile(r"<(?:\w+:)?(?:size|object|filename|segmented|folder)[\s/>]")
_LABELME = re.compile(r"<(?:imagesize|nrows|pt|username)[\s/>]")
_LOOKED_AT = 5


def identify(source: Source) -> Match:
    """Say yes to XML whose root is ``annotation`` with VOC's elements."""
    try:
        names = source.names(".xml")
        texts = [_text(source.head(name, 4096)) for name in names[:: max(1, len(names) // _LOOKED_AT)][:_LOOKED_AT]]
    except (ReadError, OSError):
        return Match.NO
    return Match.YES if any(_is_voc(text) for text in texts) else Match.NO


def _text(head: bytes) -> str:
    return head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")


def _is_voc(text: str) -> bool:
    root = _ROOT.search(text)
    first = re.search(r"<(?![?!])", text)
    return (
        root is not None
        and first is not None
        and first.start() == root.start()
        and _INSIDE.search(text) is not None
        and _LABELME.search(text) is None
    )


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read a folder of annotations, or one."""
    # Detection imports every format, so the reader and writer are imported on use.
    from encord_convert.formats.voc.read import read as read_any

    return read_any(source, options, report)


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write annotations, image sets, the list of classes and the ontology."""
    from encord_convert.formats.voc.write import write as write_any

    write_any(narrowed, target, options)


FORMAT = Format(
    name="voc",
    title="Pascal VOC annotation XML",
    spec="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES),
)
