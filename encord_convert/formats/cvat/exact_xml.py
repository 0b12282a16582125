"""CVAT files element by element: the exact reader, which reads whatever XML allows.

Both readers (this one on lxml, and the fast one of :mod:`encord_convert.formats.cvat.fast_xml`) give the same records:
:class:`Image`, :class:`Track` and strays. A shape is a plain tuple, since there are a million of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.meta import SHAPES

if TYPE_CHECKING:
    from lxml import etree

ROOT = "annotations"

Answers = str | tuple[tuple[str, str], ...]
"""The attribute elements of a shape: names and texts, or the source text of the fast reader, which stands for them."""

Sides = tuple[str | None, str | None, str | None, str | None, str | None]
"""What a shape says beside its geometry: ``source``, ``occluded``, ``z_order``, ``group_id``, ``track_id``."""

Shape = tuple[str, str, Sides, dict[str, str], Answers, "list[Shape] | None", int]
"""Element name, label, sides, XML attributes, answers, child shapes (None: has none), one-based line."""

NO_ANSWERS: Answers = ()

CANONICAL: dict[str, tuple[str, ...]] = {
    "box": ("xtl", "ytl", "xbr", "ybr", "rotation"),
    "polygon": ("points",),
    "polyline": ("points",),
    "points": ("points",),
    "mask": ("rle", "left", "top", "width", "height"),
}
"""The geometry of the most frequent shapes of images, in the order CVAT writes it in: after ``label``, ``source`` and
``occluded``, before ``z_order`` and ``group_id``."""

_HEAD_BYTES = 1 << 16
_MAX_HEAD_BYTES = 16 << 20


UNREAD = "<"
"""Begins the names that stand among the XML attributes of a shape for elements in it that are not read."""


class Image(NamedTuple):
    """An ``image`` element: its XML attributes, shapes, and line."""

    attributes: dict[str, str]
    shapes: list[Shape]
    line: int


class Track(NamedTuple):
    """A ``track`` element; ``tracks`` are those nested in it, as old skeletons have them."""

    attributes: dict[str, str]
    shapes: list[Shape]
    tracks: list[Track]
    line: int


class Stray(NamedTuple):
    """An element below the root that is neither image nor track nor description."""

    shape: Shape


Record = Image | Track | Stray


_NAMES = {
    # The last three are of this package: a title, a medium and a subset that the name does not tell.
    "image": frozenset({"id", "name", "width", "height", "subset", "task_id", "title", "unit", "cvat_subset"}),
    "track": frozenset({"id", "label", "source", "group_id", "task_id", "subset"}),
}
_SHAPE_NAMES = frozenset(
    {
        "label", "source", "occluded", "z_order", "group_id", "track_id", "frame", "keyframe", "outside", "rotation",
        "points", "cx", "cy", "rx", "ry", "id", *(name for names in CANONICAL.values() for name in names),
        *(axis + corner + face for axis in "xy" for corner in ("tl", "bl", "tr", "br") for face in "12"),
    }
)  # fmt: skip


_BESIDE = frozenset({"label", "source", "occluded", "z_order", "group_id", "track_id"})
_READ = {
    **{element: _BESIDE.union(names) for element, names in CANONICAL.items()},
    "ellipse": _BESIDE | {"cx", "cy", "rx", "ry", "rotation"},
    "cuboid": _BESIDE | {axis + corner + face for axis in "xy" for corner in ("tl", "bl", "tr", "br") for face in "12"},
    "skeleton": _BESIDE,
    "tag": _BESIDE,
    "image": _NAMES["image"] - {"id", "task_id"},
    "track": frozenset({"label", "source"}),
}
"""XML attributes that are read, by element."""

_READ_TRACKED = {element: names | {"frame", "keyframe", "outside"} for element, names in _READ.items()}
"""The same of the shapes of tracks."""


def unread(element: str, values: dict[str, str], *, is_tracked: bool = False) -> dict[str, str]:
    """Return the XML attributes of an element that are not read; those of CVAT that say nothing left out."""
    read = (_READ_TRACKED if is_tracked else _READ)[element]
    if values.keys() <= read:
        return {}
    return {
        name: value
        for name, value in values.items()
        if name not in read
        and name[:1] != UNREAD
        and not (name in _SHAPE_NAMES and element not in _NAMES and value in _NOTHING)
    }


_NOTHING = frozenset({"", "0", "0.0", "0.00"})


def sides_of(attributes: dict[str, str]) -> Sides:
    """Pick the sides out of the XML attributes of a shape."""
    get = attributes.get
    return get("source"), get("occluded"), get("z_order"), get("group_id"), get("track_id")


class _Refused(Exception):
    """Raised out of the parser: the document has a type declaration."""


class _RootFound(Exception):
    """Raised out of the parser: the first element began."""


def root_name(stream: BinaryIO, place: str) -> str:
    """Return the name of the root element, having read no further than it.

    Raises
    ------
    ReadError
        There is a document type declaration (whatever it says: entities are how small files become huge, and how they
        reach for other files), or what comes before the root is not XML.
    """
    parser = expat.ParserCreate()
    found: list[str] = []

    def on_doctype(*_: object) -> None:
        raise _Refused

    def on_element(name: str, _: object) -> None:
        found.append(name)
        raise _RootFound

    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_element
    taken = 0
    try:
        while taken < _MAX_HEAD_BYTES:
            data = stream.read(_HEAD_BYTES)
            taken += len(data)
            parser.Parse(data, not data)
            if not data:
                break
    except _RootFound:
        return found[0]
    except _Refused as error:
        raise doctype_error(place, parser.CurrentLineNumber) from error
    except expat.ExpatError as error:
        fact = f"is not XML ({expat.ErrorString(error.code)})."
        raise ReadError(place, fact, line=error.lineno, advice="Was the file cut short?") from error
    except (LookupError, ValueError):
        return _root_name_in(data, place)
    raise ReadError(place, f"has no element within its first {_MAX_HEAD_BYTES >> 20} MB.")


def _root_name_in(data: bytes, place: str) -> str:
    """Look for the root where the encoding is one that only the exact reader knows; such keep ASCII as it is."""
    if b"<!DOCTYPE" in data.upper():
        raise doctype_error(place, None)
    return ROOT if b"<" + ROOT.encode() in data else ""


def doctype_error(place: str, line: int | None) -> ReadError:
    """Return the error of a document type declaration."""
    return ReadError(place, "has a DOCTYPE, which CVAT never writes.", line=line,
                     advice="The file is refused; remove it.")  # fmt: skip


def syntax_error(error: etree.XMLSyntaxError, place: str) -> ReadError:
    """Return our error for one of lxml's."""
    words, line = str(error.msg or error).partition(", line ")[0], error.lineno
    fatal = next((entry for entry in error.error_log if entry.level_name == "FATAL"), None)
    if not line and fatal is not None:
        words, line = fatal.message, fatal.line
    return ReadError(place, f"is not well-formed XML ({words.strip()}).", line=line, advice="Was the file cut short?")


def describing_elements(text: bytes) -> tuple[Any, str, list[str]]:
    """Return the ``meta`` element (or None), the version, and what around them is not read of a whole small document.

    Raises
    ------
    SyntaxError
        It is not XML.
    """
    root = _root_of(text)
    first, *others = root.findall("meta") or [None]
    around = _around_root(root)
    around += [name for element in (*root.findall("version"), *root.findall("meta")) for name in _around(element)]
    for other in others:
        first.extend(other)
    return first, (root.findtext("version") or "").strip(), around


def _root_of(text: bytes) -> Any:
    """Return the root of a small document.

    The parser of the standard library is loaded ten times as fast as lxml. What it may see otherwise (comments and
    sections inside a text, what it calls an error) is left to lxml.
    """
    if b"<!" not in text and text.count(b"<?") < 2:
        with contextlib.suppress(ElementTree.ParseError, LookupError, ValueError):
            return ElementTree.fromstring(text)
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(text, parser)


def _around(element: Any) -> list[str]:
    """Return what is not read of ``version`` or of ``meta``: attributes, elements in a text, text between elements."""
    inner = [child.tag for child in element if isinstance(child.tag, str)] if element.tag == "version" else []
    holders = [holder for holder in element.iter() if isinstance(holder.tag, str)]
    has_text = any(_is_text(child.tail for child in holder) for holder in holders)
    has_text |= element.tag == "meta" and _is_text((element.text,))
    return [f"{element.tag}.{name}" for name in (*element.keys(), *inner, *["#text"] * has_text)]


def _around_root(root: Any) -> list[str]:
    return [f"{root.tag}.{name}" for name in (*root.keys(), *["#text"] * _has_text(root))]


def parsed_elements(stream: BinaryIO, place: str, before: int = 0) -> Iterator[tuple[str, Any]]:
    """Walk a document: ``("meta", element)``, ``("version", text)`` and ``("record", Record)`` as they close; before
    these ``("around", names)`` of what is not read of them and of the root.

    An element is alive until the next is asked for; what lies behind is freed. ``before`` is how many lines of the
    document the stream leaves out.

    Raises
    ------
    ReadError
        The XML is broken, with the line.
    """
    from lxml import etree

    events = etree.iterparse(
        stream,
        events=("end",),
        tag=("image", "track", "meta", "version"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for _, element in events:
            parent = element.getparent()
            if parent is None or parent.getparent() is not None:
                continue
            yield from _strays_before(element, before)
            beside = [sibling.tail for sibling in element.itersiblings(preceding=True)]
            if _is_text((parent.text, *beside, element.tail)):
                yield "around", [f"{parent.tag}.#text"]
            if parent.text is not None:
                parent.text = None  # what is parsed later and stands behind an element that is freed comes here
            if element.tag in ("meta", "version") and (around := _around(element)):
                yield "around", around
            if element.tag == "meta":
                yield "meta", element
            elif element.tag == "version":
                yield "version", (element.text or "").strip()
            else:
                yield "record", _image(element, before) if element.tag == "image" else _track(element, before)
            element.clear()
            del parent[: parent.index(element) + 1]
        if events.root is not None:
            yield "around", _around_root(events.root)
            yield from (("record", Stray(_shape(child, before))) for child in events.root if isinstance(child.tag, str))
    except etree.XMLSyntaxError as error:
        raise syntax_error(error, place) from error


def _strays_before(element: Any, before: int) -> Iterator[tuple[str, Stray]]:
    for sibling in element.itersiblings(preceding=True):
        if isinstance(sibling.tag, str):
            yield "record", Stray(_shape(sibling, before))


def _image(element: Any, before: int) -> Image:
    shapes = [_shape(child, before) for child in element if isinstance(child.tag, str)]
    shapes += _texts_in(element, before)
    return Image(dict(element.items()), shapes, before + element.sourceline)


def _track(element: Any, before: int) -> Track:
    shapes, tracks = [], []
    for child in element:
        if child.tag == "track":
            tracks.append(_track(child, before))
        elif isinstance(child.tag, str):
            shapes.append(_shape(child, before))
    shapes += _texts_in(element, before)
    return Track(dict(element.items()), shapes, tracks, before + element.sourceline)


def _has_text(element: Any) -> bool:
    """Tell whether text stands in an element, or between what is in it."""
    return _is_text((element.text, *(child.tail for child in element)))


def _is_text(texts: Iterable[str | None]) -> bool:
    return any(text is not None and not text.isspace() for text in texts)


def _texts_in(element: Any, before: int) -> list[Shape]:
    """Return the text in an image or a track, where there is none, as an element nobody knows."""
    if not _has_text(element):
        return []
    return [("#text", "", sides_of({}), {}, NO_ANSWERS, None, before + element.sourceline)]


def _shape(element: Any, before: int) -> Shape:
    values = dict(element.items())
    label = values.get("label", "")
    if _has_text(element):
        values[f"{UNREAD}#text"] = ""
    if not len(element):
        return element.tag, label, sides_of(values), values, NO_ANSWERS, None, before + element.sourceline
    answers: list[tuple[str, str]] = []
    children: list[Shape] = []
    for child in element:
        if child.tag == "attribute":
            answers.append((child.get("name", ""), "".join(child.itertext()) if len(child) else child.text or ""))
            more = [*(name for name in child.attrib if name != "name"), *(one.tag for one in child)]
            values.update((f"{UNREAD}attribute.{name}", "") for name in more if isinstance(name, str))
        elif element.tag == "skeleton" and child.tag in SHAPES:
            children.append(_shape(child, before))
        elif isinstance(child.tag, str):
            values[f"{UNREAD}{child.tag}"] = ""
    return element.tag, label, sides_of(values), values, tuple(answers), children or None, before + element.sourceline
