"""CVAT annotation XML: "CVAT for images 1.1", "CVAT for video 1.1", and both as they were in version 1.0.

What it is
    The own format of the annotation tool CVAT: one XML file with a description of the labels (``meta``) and either
    images with shapes (``image``) or tracks of shapes over the frames of a video (``track``).

Files on disk
    ``annotations.xml`` and perhaps ``images/``, in a folder or ZIP archive; or the XML file alone. Any ``.xml`` whose
    root element is ``annotations`` is taken, whatever its name, however far down in a folder; several are read one
    after the other, and a label they share is one class. Images are looked at only for sizes the file does not say.
    Written is ``annotations.xml``; rows that are tasks of their own, one file each, where there are several.
    Shapes are in pixels, from the top-left corner; ``image/@id`` and ``@frame`` are frames of the source.

How each hub thing maps, reading
    ======================  ==========================================================================================
    image                   a label row; with ``group_images`` the images of a task are one image group. Its title is
                            the name, after the subset if a project has several, and after the folder of the file if
                            files lie in several
    task or job of a video  one video row. Frames are those of the source file; with ``frame_mapping=relative`` those
                            CVAT extracted. What a project adds to the frames of a task is taken off
    frames as images      images, or with ``group_images`` one group; with ``frames_as_video`` the video they are of
    subset                  the split, ``client_metadata["split"]``; else, of several files, what their paths say; with
                            ``subsets=datasets`` a dataset too
    label                   one class: an object for each shape it is used with, all of its name. ``encord`` and
                            ``push`` put the shape behind it, ``car (polygon)``, but for the first of box, polygon,
                            polyline, points, mask, skeleton, ellipse, cuboid; read again or pulled it is one class
    box                     bounding box; rotatable bounding box for all boxes of a label of which one is turned
    polygon, polyline       the same, vertex for vertex
    points                  a point; several points are as many objects, or a skeleton with ``points_as_skeleton``
    mask                    bitmask
    skeleton                skeleton, and its drawing the template. ``outside`` is invisible at (0, 0), ``occluded``
                            is occluded
    ellipse                 ellipse; with ``ellipse`` a polygon of 72 vertices, a bitmask, a rotatable or an upright box
    cuboid                  cuboid in the plane: its front face, and how the back face follows from it. One whose back
                            is not the front moved or shrunk keeps its corners beside the form nearest to it. With
                            ``cuboid=polygon`` the outline of its eight points
    tag                     an option of the checklist ``Tags``; of a label with attributes a classification of its own
    select, radio           radio; ``__undefined__`` is no answer
    checkbox                checklist of one option that has the attribute's name; checked if true
    number, text            text, as written; a number is one with ``numbers=numeric``, which newer servers alone know
    mutable attributes      dynamic answers; the others hold for the whole track
    occluded                a dynamic checklist ``occluded``, on labels of which any shape is
    track                   one object on all its frames, absent from gaps. One that is not closed goes on to the last
                            frame of its task, as in CVAT, and those frames are counted (``TRACK_EXTENDED``); but one of
                            which each frame is listed as a keyframe ends with its list (``TRACK_ENDED``, ``-r tracks``)
    source                  made by hand if ``manual``; frames between keyframes are not
    ======================  ==========================================================================================

How each hub thing maps, writing
    ======================  ==========================================================================================
    image                   an image of ``annotations.xml``, by its title; a title that is taken gets ``_1`` behind it
    image group, series     a file of its own; each frame is an image, a slice by its place or with ``slices=uid`` by
                            its UID. What is on several has one ``track_id``
    video                   a file of its own with a track for each object. Each frame is a keyframe, or those that
                            interpolation does not give (``keyframes=sparse``); a shape with ``outside="1"`` ends each
                            run of frames. A task that begins later or leaves frames out is written as such a task
    split                   ``subset`` of the image, or of the task
    object                  label; objects of one name that ask the same are one label of type ``any``, others get
                            ``_2`` behind it
    (rotatable) box         box, with ``rotation`` in degrees
    polygon                 polygon; holes and further parts are joined to it by cuts of no width, so that its area and
                            its class stay
    polyline, point         polyline, points of one pair
    bitmask                 mask, in its tight box
    ellipse, circle         ellipse, with ``rotation``
    cuboid in the plane     cuboid, if its faces have four corners
    skeleton                skeleton with a sub-label for each point; drawn as its template. Invisible is ``outside``,
                            occluded by anything is ``occluded``
    radio                   select (or radio, ``choices=radio``); no answer is ``__undefined__``, or nothing
    checklist               a checkbox for each option, ``question/option``; of one option with its own name just that
    numeric, text           number, with the range of the answers given; text
    nested questions        ``question/option/question``
    dynamic                 ``mutable``; said on every shape. An answer that ends is ``__undefined__`` from there
    occluded                a dynamic checklist of that name and option is CVAT's own ``occluded``
    classification          tag with its answers; on frames of a video a tag of the frame, which CVAT for video alone
                            has no place for: the file then has ``image`` elements before its tracks, and a note says
                            so (``TAGS_BEFORE_TRACKS``)
    made by a machine       ``source="auto"``
    colour                  colour
    ontology, kind of row   an element ``encord`` in ``meta``, which CVAT passes over. It lets this package read the
                            file back into the very ontology; it is not used where labels or answers were changed since
    ======================  ==========================================================================================

    Coordinates have up to six decimals. Times are left empty: nothing of when or where a file was written is in it.
    Unknown: whether every version of CVAT reads images and tracks of one file; one with tags of a video, uploaded to
    a server, would tell.

What is lost
    In writing: confidence, authors, times, reviews, positions of invisible points, by what a point is occluded, and
    that nobody said whether it is visible (it is, then); the third coordinate of points in space; shapes that cover
    nothing. Masks are cut at the border. Characters that XML has no place for become U+FFFD, and the text
    ``__undefined__``, which is no answer in CVAT, ``undefined``.

    In reading: z_order (labels stand in its order), group_id (kept with ``group_id``), the words of ``source`` other
    than manual and auto, default values and number ranges, which frames were keyframes. Owner and assignee are
    personal data and are not read. Each is told in the report.

Dialects met in the wild
    Datumaro writes files of any name, options apart by blanks, empty labels, and XML attributes in alphabetical order.
    Exports of 2018 to 2020 keep ``original_size`` and ``source`` beside the task and stop a track at its last keyframe.
    Exports of jobs have no name. Old skeletons have a track nested for each point. Version 1.0 has no sizes (give
    ``size``) and a language of its own for attributes. Hand-made files leave out ``keyframe``, ``outside``, labels,
    attributes and closing shapes, and swap corners. CVAT closes a track that ends before its task does, or lists it to
    the last frame; so a list of keyframes on all frames that just stops (JAAD has 1,645) is of a tool that knows no
    closing shape, and those who train on such files take what is listed: hence ``tracks=auto``. A document type
    declaration is refused: CVAT writes none.

Sources
    CVAT's exports from 2017 to 2026; ``fixtures/cvat``, each with its ``ORIGIN.md``.
    https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.cvat.grid import FAMILY
from encord_convert.formats.cvat.options import ReadOptions, WriteOptions
from encord_convert.formats.cvat.write_skeletons import TOLERANCE_PX
from encord_convert.formats.cvat.write_texts import UNWRITABLE
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Limits
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape

SHAPES: frozenset[Any] = frozenset((*Shape, NewerShape.ELLIPSE, NewerShape.CIRCLE, NewerShape.CUBOID_2D))
"""Circles are ellipses there, and circles again where a file of this package is read."""

CARRIES = Carries(
    shapes=SHAPES,
    data_types=frozenset({DataType.IMAGE, DataType.IMG_GROUP, DataType.VIDEO, DataType.DICOM}),
    features=frozenset(
        {
            Feature.ROTATION, Feature.VISIBILITY, Feature.TRACKS, Feature.ANSWERS, Feature.DYNAMIC_ANSWERS,
            Feature.CLASSIFICATIONS, Feature.NESTED_ANSWERS, Feature.MANUAL, Feature.COLOUR, Feature.EMPTY_ROWS,
            Feature.OUT_OF_BOUNDS, Feature.UNKNOWN_POINTS,
        }
    ),
)  # fmt: skip

WRITES = Carries(
    shapes=SHAPES,
    data_types=CARRIES.data_types,
    features=CARRIES.features,
    tolerance_px=TOLERANCE_PX,
    codes={
        Feature.HOLES: "HOLES_JOINED",
        Feature.PARTS: "PARTS_JOINED",
        Feature.SELF_OCCLUSION: "SELF_OCCLUSION_MERGED",
        Feature.HIDDEN_POSITION: "HIDDEN_POSITION_DEFAULTED",
        Feature.UNSAID_VISIBILITY: "VISIBILITY_DEFAULTED",
        Feature.DEGENERATE: "INVALID_GEOMETRY",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
    },
    limits=Limits(four_corners=True),
    bounded=frozenset({Shape.BITMASK}),
    unwritable=UNWRITABLE,
    native=frozenset({FAMILY}),
)

_DEPTH = 2
"""How far down a file of CVAT says for sure of what format a folder is: deeper may lie anything."""

_MAX_LOOKED_AT = 64
"""How many XML files are looked at to tell whether one of them is of CVAT."""


# -- identify -----------------------------------------------------------------------------------------------------

_PROLOGUE = re.compile(
    r"\A\ufeff?(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*+<annotations(?=[\s/>])", re.DOTALL
)
_KNOWN_CHILD = re.compile(r"<(?:version|meta|image|track)[\s/>]")


def identify(source: Source) -> Match:
    """Say yes if some XML file begins as those of CVAT do; unsure if one is far down or cannot be looked at."""
    answer = Match.NO
    names = source.names(".xml")
    for depth in range(_DEPTH + 1):  # the last of them: deeper
        for name in [name for name in names if min(name.count("/"), _DEPTH) == depth][:_MAX_LOOKED_AT]:
            try:
                if _begins_as_cvat(source.head(name)):
                    return Match.YES if depth < _DEPTH else Match.UNSURE
            except ReadError:
                answer = Match.UNSURE if name.endswith("annotations.xml") else answer
    return answer


def _is_cvat(source: Source, name: str) -> bool:
    try:
        return _begins_as_cvat(source.head(name))
    except ReadError:
        return False


def _begins_as_cvat(head: bytes) -> bool:
    codec = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = head.decode(codec, "replace")
    root = _PROLOGUE.match(text)
    return bool(root and _KNOWN_CHILD.search(text, root.end()))


# -- read and write -----------------------------------------------------------------------------------------------
# Each half is imported when it is used: whoever needs the one does not wait for the other at every start.


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read all CVAT files of a source: what they declare at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There is none, or one is broken, or the size of an image is not known.
    """
    from encord_convert.formats.cvat.read import read_members

    members = [name for name in source.names(".xml") if _is_cvat(source, name)]
    if not members:
        members = source.names(".xml", 1)[:1]
    if not members:
        raise ReadError(source.name, "holds no .xml file of CVAT.")
    return read_members(source, members, options, report)


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write a file for all single images, and one for each video, image group and series.

    Raises
    ------
    WriteError
        The target is one file, and the rows need several.
    """
    from encord_convert.formats.cvat.write_files import Documents

    Documents(narrowed, target, options).write()


def walk(narrowed: Narrowed, target: Target, options: WriteOptions) -> Iterable[Any]:
    """Yield what is left of each row, and say what writing would of names and files."""
    from encord_convert.formats.cvat.layout import Layout

    return Layout(narrowed, target, options)


FORMAT = Format(
    name="cvat",
    title="CVAT annotation XML",
    spec="https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/",
    suffixes=(".xml",),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES, cuts=True),
    exporter=Exporter.of_narrowed(write, WriteOptions, WRITES, walk=walk),
)
