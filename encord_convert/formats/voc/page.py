"""Pascal VOC: a file of XML an image, with a box for each object.

What it is
    The form of the VOC challenges, 2005 to 2012, which most tools of labelling still write: labelImg, Roboflow, CVAT,
    Label Studio, supervision.

Files on disk
    ``Annotations/NAME.xml``, one an image; ``ImageSets/Main/train.txt`` and others, an image a line;
    ``SegmentationObject/NAME.png`` and ``SegmentationClass/NAME.png``, where an image has masks; ``JPEGImages/``.
    Read is any folder or archive of such XML, in whatever folders: next to the images, or one folder a split.
    Written, too: ``labelmap.txt``, as Datumaro and CVAT list classes, and ``encord/ontology.json`` with what classes
    ask, which brings answers and colours back as they were.

Whose pixels are counted
    The devkit counts pixels from 1 and includes both corners: a box of one pixel has xmin = xmax, and begins at
    xmin - 1. Many tools write places on the plane instead, so that the same file gives boxes a pixel apart. Which of
    the two a source means is decided once, by the first of these that it shows: ``<encord coordinates>`` (files of
    this package); a ``source`` of the VOC databases (``voc``) or of Roboflow (``continuous``); ``labelmap.txt``
    (``continuous``); a minimum below 1, or a fraction (``continuous``); a box that ends at the last pixel of its image,
    or that has a minimum equal to its maximum (``voc``). Else it is read as ``continuous``, with a warning. The note
    COORDINATES_READ_AS says what decided, and how many boxes showed it; ``-r coordinates=voc`` or ``continuous``
    decides otherwise.

How each hub thing maps
    ===========================  =================================================================================
    bounding box                 ``bndbox``
    polygon                      ``polygon`` with x1, y1, x2, …, one for each part, as Roboflow writes it; and the
                                 ``bndbox`` around it, which every reader takes
    rotatable box                ``robndbox``, angle in radians, as roLabelImg writes it, and the ``bndbox`` around it
    bitmask                      a number in the two images of masks, and the ``bndbox`` around it. Read, a mask is
                                 that of the object whose box it overlaps most, if by half; else an object itself
    answers                      checklists ``truncated``, ``difficult`` and ``occluded`` of one option, the radio
                                 ``pose``, the checklist ``actions``, which are elements; others in ``attributes``,
                                 where true and false are a checklist of one option, and all else is text
    split                        ``ImageSets/Main``; a folder ``train``, ``valid`` or ``test``
    image without objects        a file without ``object``; an image that only an image set names is one
    ===========================  =================================================================================

    A ``part`` is an object of its own class, and stands in its object again when VOC is written. What else a file
    says (``source``, ``folder``, flags that say no, elements of others) comes back in VOC, and is counted elsewhere.
    Class order: that of ``labelmap.txt``, or the official one of the 20 classes, else the alphabet.

What is lost
    Polylines, points, skeletons; holes (``HOLES_FILLED``); confidence, authors, times, labels of whole images; tracks
    (each frame is an image). Of masks what lies below an object that comes later. Reading: ``owner``, which names a
    person; void pixels of masks; a file that is no XML (``FILE_DAMAGED``) or says no size (``SIZE_UNKNOWN``), and what
    has no corners (``INVALID_BOX``) or no name. Each is in the report.

Dialects met in the wild
    Roboflow has xmin, xmax, ymin, ymax in that order, numbers from 0, and may leave the suffix out of ``filename``.
    labelImg keeps the file name of the first save: where it is neither that of the file nor of an image that is there,
    the image has the name of the file (``FILENAME_DIFFERS``). Corners that are swapped are put right
    (``CORNERS_SWAPPED``). Fractions stand in VOC 2011 itself.

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
    """Say yes to XML whose root is ``annotation`` and holds what VOC has there."""
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
    """Read a folder of annotations, or one.

    Raises
    ------
    ReadError
        There is no annotation, or the only one is damaged.
    """
    # Detection imports every format: what reads and writes this one is imported when it does.
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
