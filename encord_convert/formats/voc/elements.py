"""Safe parsing of VOC files to annotations and objects, with all other leaves flat by path.

A *path* names a leaf below an element: tags joined by dots, ``@`` before an attribute name, ``#2`` after a tag's second
occurrence: ``source.database``, ``name.@lang``, ``bndbox#2.xmin``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

CORNERS = ("xmin", "ymin", "xmax", "ymax")
ROTATED = ("cx", "cy", "w", "h", "angle")
FLAGS = ("truncated", "difficult", "occluded")
"""Boolean elements of an object."""
DEFAULT_POSE = "Unspecified"
MOST_BYTES = 1 << 26
"""Largest file of one image."""

_YES, _NO = frozenset({"1", "true", "1.0"}), frozenset({"0", "false", "0.0"})
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def parsed(data: bytes) -> Any:
    """Return the root of a document.

    Raises
    ------
    ValueError
        It is not XML, is too long, or declares entities.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES >> 20} MB, too much for one image")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("declares a document type, which VOC does not have")
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"is not XML ({error.msg or 'no element found'})") from error


def tag_of(element: Any) -> str:
    """Return the tag of an element without namespace; empty for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def text_of(element: Any) -> str:
    """Return the stripped text of an element."""
    return "" if element is None or element.text is None else element.text.strip()


def children(element: Any) -> dict[str, list[Any]]:
    """Return the child elements by tag."""
    found: dict[str, list[Any]] = {}
    for child in element:
        if tag := tag_of(child):
            found.setdefault(tag, []).append(child)
    return found


def leaves(element: Any, read: Collection[int] = (), prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of each leaf below an element, without text that was already read.

    Parameters
    ----------
    read : collection of int
        ``id`` of elements whose own text was read; the caller keeps them alive.
    """
    for name, value in element.attrib.items():
        yield f"{prefix}@{_step(name)}", value
    words = [element.text or "", *(child.tail or "" for child in element)]
    own = " ".join(word.strip() for word in words if word.strip())
    inner = [child for child in element if tag_of(child)]
    if prefix and id(element) not in read and not inner and (own or not element.attrib):
        yield prefix[:-1], own if own else ""
    elif own and id(element) not in read:
        yield f"{prefix}#text", own
    seen: Counter[str] = Counter()
    for child in inner:
        step = _step(tag_of(child))
        seen[step] += 1
        yield from leaves(child, read, f"{prefix}{step if seen[step] == 1 else f'{step}#{seen[step]}'}.")


def _step(name: str) -> str:
    return name.rpartition("}")[2].replace(".", "%2E")


def put(element: Any, path: str, text: str) -> None:
    """Set the text at a path below an element, creating elements as needed."""
    *steps, last = path.split(".")
    if last[:1] not in ("@", "#"):
        steps.append(last)
    for step in steps:
        name, _, number = step.replace("%2E", ".").partition("#")
        element = _nth(element, name, int(number) if number.isdecimal() else 1)
    if last.startswith("@"):
        element.set(last[1:].replace("%2E", "."), text)
    else:
        element.text = text


def _nth(element: Any, name: str, number: int) -> Any:
    known = [child for child in element if child.tag == name]
    while len(known) < min(number, 1000):
        known.append(etree.SubElement(element, name))
    return known[number - 1]


Answers = tuple[tuple[str, str, str], ...]
"""Kind of element (``flag``, ``pose``, ``actions`` or ``attribute``; ``again``: a repeated attribute), name, and text
of each answer.
"""


@dataclass(slots=True)
class ObjectInfo:
    """The data of an object other than its geometry.

    Parameters
    ----------
    name : str
        Class.
    answers : Answers
    native : dict of str to str
        What else there is, by path.
    """

    name: str
    answers: Answers = ()
    native: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Any, ...]:
        """Key for grouping equal objects."""
        return self.name, self.answers, tuple(self.native.items())


@dataclass(slots=True)
class XmlObject:
    """An object: its data and geometry, in pixels as in the file.

    Parameters
    ----------
    box : list of str or None
        Texts of ``xmin``, ``ymin``, ``xmax``, ``ymax``; None without ``bndbox``, empty if one is missing.
    rotated : list of str or None
        Texts of ``cx``, ``cy``, ``w``, ``h``, ``angle``.
    polygons : list of list of str
        Texts of ``x1``, ``y1``, ``x2``, … of each ring.
    parts : list of Drawn
    line : int
        One-based.
    """

    info: ObjectInfo
    box: list[str] | None
    rotated: list[str] | None = None
    polygons: list[list[str]] = field(default_factory=list)
    parts: list[XmlObject] = field(default_factory=list)
    line: int = 0


def object_of(element: Any) -> XmlObject:
    """Parse an ``<object>`` or a ``<part>``; unknown elements are native data."""
    found = children(element)
    first = {tag: some[0] for tag, some in found.items()}
    read: dict[int, Any] = {}

    def take(holder: Mapping[str, Any], tags: Collection[str]) -> list[str]:
        texts = []
        for tag in tags:
            one = holder.get(tag)
            if one is not None:
                read[id(one)] = one
            texts.append(text_of(one))
        return texts

    def corners(tag: str, tags: Collection[str]) -> list[str] | None:
        holder = first.get(tag)
        if holder is None:
            return None
        read[id(holder)] = holder
        return take({name: some[0] for name, some in children(holder).items()}, tags)

    [name] = take(first, ["name"])
    xml_object = XmlObject(
        ObjectInfo(name), corners("bndbox", CORNERS), corners("robndbox", ROTATED), line=element.sourceline or 0
    )
    if xml_object.rotated is not None and text_of(first.get("type")) == "robndbox":
        take(first, ["type"])
    for entry in found.get("polygon", ()):
        ring = _ring(entry)
        if ring is not None:
            read.update((id(number), number) for number in (entry, *entry))
            xml_object.polygons.append([text_of(number) for number in ring])
    answers = _answers(first, read)
    parts = [item for item in found.get("part", ()) if tag_of(item) == "part"]
    for part in parts:
        xml_object.parts.append(object_of(part))
    xml_object.info.answers = tuple(answers)
    xml_object.info.native = dict(_natives(element, read, parts))
    return xml_object


def _natives(element: Any, read: Mapping[int, Any], parts: Collection[Any]) -> Iterator[tuple[str, str]]:
    for path, text in leaves(element, read):
        if not (parts and path.partition(".")[0].partition("#")[0] == "part"):
            yield path, text


def _ring(element: Any) -> list[Any] | None:
    """Return the numbers x1, y1, x2, … of a polygon, as far as present; None if there are none."""
    found = {tag: some[0] for tag, some in children(element).items() if len(some) == 1}
    ring: list[Any] = []
    while (x := found.get(f"x{len(ring) // 2 + 1}")) is not None:
        y = found.get(f"y{len(ring) // 2 + 1}")
        if y is None:
            break
        ring += [x, y]
    return ring if ring and len(ring) == len(found) == len(element) else None


def _answers(first: Mapping[str, Any], read: dict[int, Any]) -> Iterator[tuple[str, str, str]]:
    for flag in FLAGS:
        if (one := first.get(flag)) is not None and (text := text_of(one).lower()) in _YES | _NO and not len(one):
            read[id(one)] = one
            yield "flag", flag, text
    pose = first.get("pose")
    if pose is not None and text_of(pose) and not len(pose):
        read[id(pose)] = pose
        yield "pose", "pose", text_of(pose)
    for action in first.get("actions", ()):
        if tag_of(action) and (text := text_of(action)) in ("0", "1"):
            read[id(action)] = action
            yield "actions", tag_of(action), text
    seen: set[str] = set()
    for attribute in first.get("attributes", ()):
        inner = children(attribute)
        if tag_of(attribute) == "attribute" and len(inner.get("name", ())) == len(inner.get("value", ())) == 1:
            [name], [value] = inner["name"], inner["value"]
            if not len(name) and not len(value):
                read.update((id(item), item) for item in (attribute, name, value))
                yield "again" if (key := name.text or "") in seen else "attribute", key, value.text or ""
                seen.add(key)


def is_yes(text: str) -> bool:
    """Return whether a flag is true."""
    return text.lower() in _YES


@dataclass(slots=True)
class Annotation:
    """The annotations of an image.

    Parameters
    ----------
    filename : str
    size : (int, int)
        Width and height in pixels; 0: unknown.
    native : dict of str to str
        What else there is, by path.
    objects : list of Drawn
    mark : dict of str to str
        Attributes of ``<encord>``, which only this package writes: ``coordinates``; ``title`` of the row if not the
        file name; ``unit``, the image's title if not the row's.
    has_owner : bool
        Whether it names a person.
    """

    filename: str
    size: tuple[int, int]
    native: dict[str, str]
    objects: list[XmlObject]
    mark: dict[str, str] = field(default_factory=dict)
    has_owner: bool = False


def annotation_of(root: Any) -> Annotation:
    """Parse an ``<annotation>``.

    Raises
    ------
    ValueError
        It is another element.
    """
    if tag_of(root) != "annotation":
        raise ValueError(f"has the root <{tag_of(root)}> and not <annotation>")
    first = {tag: some[0] for tag, some in children(root).items()}
    sides = {} if first.get("size") is None else {tag: some[0] for tag, some in children(first["size"]).items()}
    numbers = [_side(text_of(sides.get(name))) for name in ("width", "height")]
    read = [first.get("filename"), *(sides.get(name) for name in ("width", "height"))]
    mark = first.get("encord")
    objects = [item for item in root if tag_of(item) == "object"]
    known = {id(entry): entry for entry in read if entry is not None}
    native = {}
    for path, text in leaves(root, known):
        step = path.partition(".")[0].partition("#")[0]
        if step not in ("object", "owner") and path not in _MARK:
            native[path] = text
    for each in objects:
        if object_is_empty(each):
            native |= {"object." + path if path else "object": text for path, text in leaves(each)} or {"object": ""}
    return Annotation(
        text_of(first.get("filename")),
        (numbers[0], numbers[1]),
        native,
        [object_of(object_) for object_ in objects if not object_is_empty(object_)],
        {} if mark is None else dict(mark.attrib),
        "owner" in first,
    )


_MARK = frozenset({"encord", "encord.@coordinates", "encord.@title", "encord.@unit"})


def object_is_empty(element: Any) -> bool:
    """Return whether an ``<object/>`` is empty."""
    return not len(element) and not text_of(element)


def _side(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        return 0
    return int(number) if 0 < number < 1 << 31 else 0
