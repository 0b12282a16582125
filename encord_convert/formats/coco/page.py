"""COCO: object detection, segmentation and keypoints as one JSON file.

What it is
    The format of the COCO challenges, which most training code reads. Pixel coordinates, origin top-left, continuous:
    the pixel in column 0 spans 0 to 1. Boxes are ``[left, top, width, height]``.

Files on disk
    Read: a JSON file, as it is or as gzip, of any size and with its blocks in any order; or a folder or ZIP with
    several, three folders deep. Files named after tasks (``instances_train.json``, ``captions_train.json``) speak of
    the same images and become the same rows; others are apart. A results file is read with ``-r ground_truth=PATH``.
    Images beside the file are looked at only where a size is missing, and for panoptic files, whose PNGs lie in a
    folder of the JSON file's name.

    Written: one file, ``annotations.json``: ``info``, ``licenses`` (also if empty; some readers need it),
    ``videos`` (where there are any), ``images``, ``annotations``, ``categories``. ASCII, no byte-order mark, one image
    or annotation a line, ids are those of a COCO source where they are unique and above 0, else they count from 1:
    the official evaluation takes annotation 0 for "no match" (``ID_RENUMBERED``).
    Images are not copied.

How it is read
    =====================  ========================================================================================
    category               a class for each shape its annotations have, all of its name; answers are those its
                           annotations have (``-r prefer=polygon`` or ``bitmask``: one shape)
    bbox alone             a box; a rotatable box if any of the category is turned (``rotation`` in degrees clockwise,
                           among the attributes too, or five numbers, see ``-r rotated_bbox``)
    polygons               a polygon, several are its parts (``-r holes=detect``)
    run lengths            a bitmask: counts as list, string or text with commas
    keypoints              a skeleton, one keypoint a point; v 2 visible, 1 occluded, 0 invisible. The segmentation
                           beside them comes back in COCO, and is counted elsewhere (``GEOMETRY_DROPPED``); if none
                           is labelled, it is what is read
    iscrowd                a checklist ``iscrowd`` on the class (``CROWD_KEPT``)
    attributes             true or false: a checklist of one option; texts: a radio, free text beyond
                           ``-r radio_values``; lists of texts: a checklist; numbers and all else: text (``-r
                           numbers=numeric``). Dynamic where it changes over a track. ``occluded``, ``truncated``,
                           ``visibility`` and the like beside the bbox too; these come back there as well
    score, confidence      the confidence; made by a machine
    caption                a text classification ``caption``, of several lines if there are several; with ``-r
                           captions=separate`` a classification each, ``caption 2`` and so on
    category alone         a checklist ``Labels`` of the image; in COCO it is an annotation again, as a caption is
    attributes of images   a classification each
    split of an image      client metadata ``split``; else, of several files, what their paths say: ``train/``
    segments_info          a bitmask for each segment of the PNG; void is nothing
    video_id, frame_id     images are frames of one video row; ``track_id``, ``instance_id`` and the ``track_id`` among
                           the attributes make one object of annotations. Also by name: ``-r frame_pattern``
    segmentations, bboxes  one object on the frames that are not null (YouTube-VIS)
    ids, ``supercategory`` come back where COCO is written, and are counted elsewhere (``NATIVE_DROPPED``); so do
    other keys, blocks     ``isthing``, ``licenses``, ``info``, tracks of images, a bbox or area that is not that of the
                           geometry, file names that are no titles (a URL, ``images/<hash>.png``). Of images also
                           client metadata ``coco``; ``-r extras=attributes``: keys of annotations are answers
    =====================  ========================================================================================

    Missing areas, boxes, flags and ids are no matter. A repeated image id, an unknown image or category, a negative
    box, a polygon of two points, runs of another sum: each is counted under its code and the rest is read. What this
    format wrote is read as it was: ``info.encord`` holds the ontology, ``encord`` of the first image of a group or
    series its images. Of two objects of an image with one hash the later gets another (``DUPLICATE_ID``, a note).

    The lists may stand as objects whose keys are the ids (LIVECell), categories as names by id, and the annotations in
    a block of another name if none is called so (``BLOCK_RENAMED``, a warning). An image whose size neither the file
    nor the image says (VIA writes -1, camera traps nothing) is a row of 0 by 0 pixels that keeps its captions and
    categories; what has a place in it is dropped (``SIZE_UNKNOWN``). Several documents in one file are refused.

How each hub thing maps
    ===============  ==============================================================================================
    class            a category; a label drawn in several shapes is one, and its annotations then say ``encord_shape``
    image          an image under its title; also without labels, since that says that there is nothing to find
    video            an entry of ``videos``; its labelled frames (``frames=all``: all) are images
                     ``<title without suffix>/<frame, six digits>.jpg`` with ``video_id`` and ``frame_id`` from 0
    image group      its labelled images are images ``<title of the group>/<title>``
    DICOM series     its labelled slices are images ``<title>/<instance UID, else frame>.dcm``
    bounding box     ``bbox``, no ``segmentation`` (``box_polygons=yes``: the corners, clockwise from the top-left)
    rotatable box    ``segmentation`` is the turned rectangle, ``bbox`` encloses it; ``attributes.rotation`` (degrees
                     clockwise, 0 to 360) and ``attributes.unrotated_bbox`` hold the box itself
    polygon          its ring; several parts are several rings; a polygon with holes becomes a mask
    ellipse, circle  a polygon of 72 vertices (``ELLIPSE_APPROXIMATED``, ``CIRCLE_APPROXIMATED``)
    cuboid           the polygon around its faces (``CUBOID_APPROXIMATED``)
    bitmask          compressed run lengths, column by column; ``iscrowd`` 0
    point            one keypoint, ``bbox`` a pixel around it (``point_size_px``)
    skeleton         keypoints in the order of the template: visible 2, occluded 1, invisible 0 with x and y 0
    answers          ``attributes``, by the name of the question: text, the label of an option, a list of labels;
                     true or false for a checklist of one option that has its own name; a nested one under
                     ``question/option/question``; the answer of that frame where it changes over frames
    iscrowd          0, or 1 where an answer to ``iscrowd`` or ``is_crowd`` says yes
    split            ``split`` of the image; ``split_files=yes``: ``annotations/instances_<split>.json`` for each
    frame labels     ``attributes`` of the image, in the same way; ``{}`` if the question is not answered
    object           ``attributes.encord_object_hash``; over several frames also ``attributes.track_id``, from 1
    confidence       ``score``, where it is not 1
    machine label    ``attributes.manual_annotation`` false
    frame            ``encord`` of the image: the hash of the medium, the frame, to what it belongs, and of each label
                     of the frame its hash, its confidence where it is not 1, and ``manual_annotation`` where false
    ===============  ==============================================================================================

    Numbers have ``decimals`` (3) decimals. A name given twice gets `` (2)``, and a note (``NAME_CLASH``) says so.
    Points whose class has the name of a skeleton stand in a category ``<name> (point)`` with the name in
    ``encord_name``. A skeleton without template takes its keypoints from the first one drawn
    (``KEYPOINT_NAMES_MISSING``).

What is lost
    Polylines (``POLYLINE_SKIPPED``). Empty masks (``EMPTY_MASK``), polygons that enclose nothing (``INVALID_POLYGON``),
    boxes without a side (``DEGENERATE_DROPPED``). What lies outside its image; what leaves it is cut at the border
    (``CLIPPED``). Holes keep their pixels but not their corners (``HOLES_AS_RLE``). Of skeleton points: the position of
    invisible ones, whether it is its own object that hides one, that nobody said whether one is visible (it is, then),
    and points the template lacks (``KEYPOINT_UNKNOWN``). The third coordinate of points in space.
    Authors, times, reviews, objects on no frame.

    ``coco-rle`` is the same file with polygons as masks (``POLYGON_AS_RLE``), for training code that wants masks.

Dialects met in the wild
    Read: CVAT and Datumaro (``attributes``, rotation, category 0), Roboflow (a file in each folder, an unused parent
    category), FiftyOne and SAHI (scores, no areas), Label Studio and COCO Annotator (ids from 0, paths as names), LVIS
    (no file names), MMDetection (``videos``), Encord's own exporter (shapes as supercategories, lines there and back).
    Numbers may be NaN, ids texts, polygons flat or nested too deep.

    Written: tools differ in what they read: annotations without ``segmentation`` only as boxes, run lengths not at all,
    names of categories instead of ids. What is written keeps to the rules they have in common.

Sources
    cocodataset.org, "Data format"; pycocotools 2.0.11, measured; the loaders of Detectron2, MMDetection, torchvision,
    Datumaro and FiftyOne. ``fixtures/coco``, each with its ``ORIGIN.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.coco.identify import files_of
from encord_convert.formats.coco.native import FAMILY
from encord_convert.formats.coco.options import ReadOptions
from encord_convert.formats.coco.write_numbers import TOLERANCE_PX
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.losses.narrow import Left, LeftTable, Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape

CARRIES = Carries(
    shapes=frozenset(Shape) - {Shape.POLYLINE},
    data_types=frozenset({DataType.IMAGE, DataType.IMG_GROUP, DataType.VIDEO, DataType.DICOM}),
    features=frozenset(
        {
            Feature.PARTS, Feature.ROTATION, Feature.VISIBILITY, Feature.TRACKS, Feature.ANSWERS,
            Feature.DYNAMIC_ANSWERS, Feature.NESTED_ANSWERS, Feature.CLASSIFICATIONS, Feature.CONFIDENCE,
            Feature.MANUAL, Feature.COLOUR, Feature.EMPTY_ROWS,
        }
    ),
    tolerance_px=TOLERANCE_PX,
    codes={
        Shape.POLYLINE: "POLYLINE_SKIPPED",
        Feature.HOLES: "HOLES_AS_RLE",
        Feature.OUT_OF_BOUNDS: "CLIPPED",
        Feature.UNKNOWN_POINTS: "KEYPOINT_UNKNOWN",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
        (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
    },
    native=frozenset({FAMILY}),
)  # fmt: skip

CARRIES_RLE = Carries(
    shapes=CARRIES.shapes - {Shape.POLYGON},
    data_types=CARRIES.data_types,
    features=CARRIES.features,
    tolerance_px=TOLERANCE_PX,
    codes={**CARRIES.codes, Shape.POLYGON: "POLYGON_AS_RLE"},
    approximates=frozenset({Shape.POLYGON}),
    native=CARRIES.native,
)

CARRIES_READ = replace(
    CARRIES,
    shapes=frozenset(Shape),
    features=CARRIES.features
    | {Feature.UNKNOWN_POINTS, Feature.HOLES, Feature.OUT_OF_BOUNDS, Feature.DEGENERATE, Feature.HIDDEN_POSITION},
    tolerance_px=0.0,
)


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a COCO file is written; what survives does not depend on it."""

    decimals: int = field(default=3, metadata={"help": "Decimals of coordinates and areas, 2 to 9."})
    frames: Literal["labelled", "all"] = field(
        default="labelled", metadata={"help": "Frames of videos, groups and series that are listed as images."}
    )
    box_polygons: bool = field(default=False, metadata={"help": "Write the four corners of boxes as segmentation."})
    point_size_px: float = field(default=1.0, metadata={"help": "Width and height of the box around a point."})
    supercategory: str | None = field(
        default=None, metadata={"help": "Supercategory of every category; none: its own name."}
    )

    counts: Literal["string", "list"] = field(
        default="string", metadata={"help": "Run lengths of masks: a string, or a list, which is longer."}
    )
    checklists: Literal["names", "objects"] = field(
        default="names",
        metadata={"help": "Answers to a checklist: a list of what is chosen; or an object with true or false of each."},
    )
    split_files: bool = field(
        default=False,
        metadata={"help": "A file for each split, annotations/instances_<split>.json; else images say theirs."},
    )
    category_ids: str | None = field(
        default=None, metadata={"help": "Ids of categories by name, like car=3,bus=7; the others get those left."}
    )

    def __post_init__(self) -> None:
        if not 2 <= self.decimals <= 9:
            raise ValueError(f"decimals={self.decimals} is not allowed; it takes 2 to 9.")
        if not 0.01 <= self.point_size_px <= 1000:
            raise ValueError(f"point_size_px={self.point_size_px:g} is not allowed; it takes 0.01 to 1000.")
        if self.category_ids is not None and len(set(self.ids.values())) < self.category_ids.count(",") + 1:
            advice = "it takes name=id,name=id, with ids from 1 that differ."
            raise ValueError(f"category_ids={self.category_ids} is not allowed; {advice}")

    @property
    def ids(self) -> Mapping[str, int]:
        """The ids that are given, by the name of the category."""
        pairs = [pair.rpartition("=") for pair in (self.category_ids or "").split(",")]
        return {name.strip(): int(id_) for name, _, id_ in pairs if id_.strip().isdecimal() and int(id_) > 0}


def identify(source: Source) -> Match:
    """Say yes if a JSON file begins like results, or like an object with one of COCO's lists right below the top."""
    return Match.YES if files_of(source) else Match.NO


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read all COCO files of a source: what they hold at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There is none, or one is not JSON or cut short, or the size of an image is not known, or it is a list of
        results whose ground truth is not named.
    """
    from encord_convert.formats.coco.read import read_source

    return read_source(source, options, report)


# --- writing --------------------------------------------------------------------------------------------------------
# What writes is imported when something is written: whoever reads has no use for it, and pays for it at every start.


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write one COCO file, a row at a time."""
    from encord_convert.formats.coco.write import write_whole

    write_whole(narrowed, target, options)


def write_sharded(parts: Sequence[Narrowed], target: Target, options: WriteOptions) -> None:
    """Write what :func:`write` would of all parts together, byte for byte, with a process for each."""
    from encord_convert.formats.coco.write import write_parts

    write_parts(parts, target, options)


_SPEC = "https://cocodataset.org/#format-data"


def walk(narrowed: Narrowed, target: Target, options: WriteOptions) -> Iterator[Left | LeftTable]:
    """Yield what is left of each row, and say what writing would of names."""
    from encord_convert.formats.coco.write_walk import walk

    return walk(narrowed, target, options)


FORMAT = Format(
    name="coco",
    title="COCO instances and keypoints",
    spec=_SPEC,
    suffixes=(".json",),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES_READ, cuts=True),
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES, write_sharded, walk=walk),
)

FORMAT_RLE = Format(
    name="coco-rle",
    title="COCO with polygons as masks",
    spec=_SPEC,
    suffixes=(".json",),
    identify=identify,
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES_RLE, write_sharded, walk=walk),
    read_by="coco",
)
