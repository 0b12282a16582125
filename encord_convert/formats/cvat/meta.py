"""What the ``meta`` element of a CVAT file says: labels with their attributes, skeletons, tasks and their frames.

Plain descriptions, nothing of the hub. Personal data (``owner``, ``assignee``) is not looked at.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from encord_convert.formats._sizes import side_of
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.trees import PERSONAL, Tree, tree_of
from encord_convert.hub.splits import UNNAMED

TAGS = "Tags"
"""The checklist of the hub that holds all tags without attributes."""

UNLABELED = "unlabeled"
"""What the label of an empty name is called."""

UNDEFINED = "__undefined__"
"""The option of a select or radio attribute that means "no value"."""

SHAPES = ("box", "polygon", "polyline", "points", "mask", "skeleton", "ellipse", "cuboid")
"""Elements that are shapes, in the order in which the shapes of one label are named."""

_TYPE_ELEMENTS = {"rectangle": "box", "bbox": "box", **{name: name for name in (*SHAPES, "tag")}}


class Attribute(msgspec.Struct):
    """An attribute of a label. ``kind`` is ``choice``, ``check``, ``number`` or ``text``."""

    name: str
    kind: str = "text"
    is_mutable: bool = False
    default: str = ""
    values: list[str] = []
    is_declared: bool = True


class Node(msgspec.Struct):
    """A point of a skeleton. ``x`` and ``y`` are on the canvas of 0 to 100 the file draws it on; None: not drawn."""

    name: str
    x: float | None = None
    y: float | None = None
    color: str | None = None
    attributes: list[Attribute] = []


class Label(msgspec.Struct):
    """A class. ``element`` is the only element it may be, None if any."""

    name: str
    color: str | None = None
    element: str | None = None
    attributes: list[Attribute] = []
    nodes: list[Node] = []
    edges: list[tuple[int, int]] = []
    is_declared: bool = True


class Task(msgspec.Struct):
    """A task or job: images or one video. ``start`` and ``stop`` are source frames, ``stop`` None if not said."""

    id: str = ""
    name: str = ""
    subset: str = ""
    mode: str = ""
    size: int | None = None
    start: int = 0
    stop: int | None = None
    step: int = 1
    width: int | None = None
    height: int | None = None
    source: str = ""
    offset: int = 0

    def shift(self, first: int | None) -> int:
        """Return what the project added to the frame numbers of the task, of which ``first`` is the least.

        A writer that does not shift frames by task has some before the shift.
        """
        return self.offset if first is not None and first >= self.offset else 0

    def hub_frame(self, frame: int, options: ReadOptions) -> int:
        """Return the frame of the hub for a frame number that no project shifted."""
        return (frame - self.start) // self.step if options.frame_mapping == "relative" else frame

    def frames(self, options: ReadOptions) -> int:
        """Return how many frames the row of a video has at least."""
        if options.frame_mapping == "relative" and self.size:
            return self.size
        last = max((frame for frame in (self.last_frame, self.stop) if frame is not None), default=0)
        return self.hub_frame(last, options) + 1

    @property
    def last_frame(self) -> int | None:
        """The last source frame that belongs to the task, on its grid of steps; None if the file does not say."""
        if self.size is not None and self.size > 0:
            return min(self.start + self.step * (self.size - 1), _MOST)
        if self.stop is not None and self.stop >= self.start:
            return self.stop - (self.stop - self.start) % self.step
        return None


class OwnUnit(msgspec.Struct):
    """One medium of a row: its title, MIME type, and size in pixels."""

    title: str
    type: str
    width: int
    height: int


class OwnRow(msgspec.Struct):
    """The row a file written by this package is about: a video, or the group or series that its images are."""

    type: str
    title: str
    frames: int
    units: list[OwnUnit]
    subset: str = ""


class Own(msgspec.Struct):
    """What the ``encord`` element says beside the ontology: the title of the set, and the row if it is about one."""

    title: str
    row: OwnRow | None = None


class Meta(msgspec.Struct):
    """The whole description. ``kind`` is task, project, job or empty; a task or job is the one member of ``tasks``.

    ``ontology`` (JSON text) and ``own`` are what only files written by this package say. ``tree`` is all of it as it
    stands there, but for what is personal; ``around`` names what is not read of the elements around it.
    """

    kind: str = ""
    name: str = ""
    version: str = ""
    labels: list[Label] = []
    tasks: list[Task] = []
    subsets: list[str] = []
    has_meta: bool = False
    ontology: str = ""
    own: Own | None = None
    tree: Tree = {}
    personal: int = 0
    around: list[str] = []

    def task_id(self, attributes: dict[str, str]) -> str:
        """Return the task that the XML attributes of an image or track name, or the only one there is."""
        only = self.tasks[0].id if len(self.tasks) == 1 and self.kind != "project" else ""
        return attributes.get("task_id") or only

    def task(self, task_id: str) -> Task:
        """Return the task of this id; the only one, or an unknown one, if none has it."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        if len(self.tasks) == 1 and (not task_id or self.kind != "project"):
            return self.tasks[0]
        return Task(id=task_id)

    def split(self, task_id: str) -> str:
        """Return the subset of a task as its description has it; empty if that is the one of tasks in none."""
        subset = self.task(task_id).subset
        return "" if subset == UNNAMED else subset

    def dataset(self, subset: str, options: ReadOptions) -> str:
        """Return the title of the dataset of a row."""
        return f"{self.name}/{subset}" if subset and options.subsets == "datasets" else self.name


def parse_meta(meta: Any, version: str, around: Sequence[str] = ()) -> Meta:
    """Return the description a ``meta`` element gives.

    Parameters
    ----------
    meta : element of lxml or of the standard library, or None
        None: the file has none.
    version : str
        Text of the ``version`` element.
    around : sequence of str
        What is not read of the elements around it.

    Source
    ------
    CVAT for images and CVAT for video, 1.0 and 1.1: the project, task and job forms of 2017 to 2026.
    """
    if meta is None:
        return Meta(version=version, around=list(around))
    kind = next((name for name in ("project", "job", "task") if meta.find(name) is not None), "")
    body = meta.find(kind) if kind else meta
    is_project = kind == "project"
    tasks = [_task(one) for one in body.iterfind("tasks/task")] if is_project else [_task(body, meta)]
    result = Meta(
        kind=kind,
        name=_text(body, "name") or (f"job {tasks[0].id}" if kind == "job" else ""),
        version=version,
        labels=_labels(list(dict.fromkeys([*body.findall("labels/label"), *meta.iterfind(".//labels/label")]))),
        tasks=tasks if kind else [],
        subsets=[line.strip() for line in _text(body, "subsets").splitlines() if line.strip()],
        has_meta=True,
        around=list(around),
    )
    if is_project:
        _shift_tasks(result.tasks)
    tree = tree_of(meta)
    result.tree = tree if isinstance(tree, dict) else {}
    result.tree.pop("#", None)  # of those around it
    result.personal = sum(1 for name in PERSONAL for _ in meta.iterfind(f".//{name}/*"))
    result.own = _own(meta.findtext("encord/row"))
    if result.own is not None:
        result.ontology = meta.findtext("encord/ontology") or ""
        result.name = result.own.title
    return result


def _own(text: str | None) -> Own | None:
    try:
        return None if text is None else msgspec.json.decode(text, type=Own)
    except (msgspec.DecodeError, RecursionError):
        return None


def _text(element: Any, path: str) -> str:
    return (element.findtext(path) or "").strip()


_MOST = 1_000_000_000
"""Pixels of a side, or number of a frame, that is taken for one."""


def _whole(text: str, beyond: int | None = None) -> int | None:
    try:
        number = int(text)
    except ValueError:
        return None
    if abs(number) < _MOST:
        return number
    return beyond if number > 0 else None


def _task(element: Any, meta: Any = None) -> Task:
    step = _text(element, "frame_filter").partition("step=")[2].split("&")[0]
    # Old files, and exports of jobs, keep size and source of the video beside the task, not in it.
    size, source = element.find("original_size"), _text(element, "source")
    if meta is not None:
        size = meta.find("original_size") if size is None else size
        source = source or _text(meta, "source")
    return Task(
        id=_text(element, "id"),
        name=_text(element, "name"),
        subset=_text(element, "subset"),
        mode=_text(element, "mode"),
        size=_whole(_text(element, "size"), _MOST),  # a track of so many frames is refused
        start=_whole(_text(element, "start_frame")) or 0,
        stop=_whole(_text(element, "stop_frame")),
        step=max(1, _whole(step.strip()) or 1),
        width=None if size is None else side_of(_text(size, "width")),
        height=None if size is None else side_of(_text(size, "height")),
        source=source,
    )


def _shift_tasks(tasks: Iterable[Task]) -> None:
    """Set how far a project shifts the frames of each task: by those of the tasks before it in its subset."""
    shift: dict[str, int] = {}
    for task in sorted(tasks, key=lambda task: (_whole(task.id) or 0, task.id)):
        task.offset = shift.get(task.subset, 0)
        shift[task.subset] = task.offset + task.start + task.step * (task.size or 0)


# -- labels -------------------------------------------------------------------------------------------------------


def _labels(elements: list[Any]) -> list[Label]:
    owners = {element.findtext("name") or "" for element in elements if element.find("parent") is None}
    labels: dict[str, Label] = {}
    points: dict[str, list[Any]] = {}
    for element in elements:
        parent = element.findtext("parent")
        if parent is not None and parent in owners:
            points.setdefault(parent, []).append(element)
        else:
            label = _label(element)
            labels.setdefault(label.name, label)
    for parent, below in points.items():
        _add_points(labels[parent], below)
    return list(labels.values())


def _label(element: Any) -> Label:
    label = Label(
        name=element.findtext("name") or "",
        color=_color(element),
        element=_TYPE_ELEMENTS.get(_text(element, "type")),
        attributes=_attributes(element),
    )
    svg = element.findtext("svg")
    if svg and svg.strip():
        label.element = "skeleton"
        label.nodes, label.edges = _drawing(svg)
    return label


def _color(element: Any) -> str | None:
    color = _text(element, "color")
    is_hex = len(color) == 7 and color[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in color[1:])
    return color if is_hex else None


def _add_points(owner: Label, elements: list[Any]) -> None:
    """Join sub-labels to their skeleton; the place of each is where the drawing has it, else the end."""
    owner.element = "skeleton"
    known = {node.name: node for node in reversed(owner.nodes)}
    # Old drawings name a node by the database id of its label: the first node without a name is this one.
    unnamed = deque(node for node in owner.nodes if not node.name)
    for element in elements:
        name = element.findtext("name") or ""
        node = known.get(name) if name else unnamed[0] if unnamed else None
        if node is None and unnamed:
            node = unnamed.popleft()
        if node is None:
            node = Node(name)
            owner.nodes.append(node)
            if not name:
                unnamed.append(node)
        node.name = name
        node.color = _color(element)
        node.attributes = _attributes(element)
        known.setdefault(name, node)


def _attributes(label: Any) -> list[Attribute]:
    attributes: dict[str, Attribute] = {}
    for element in label.iterfind("attributes/attribute"):
        is_old = len(element) == 0 and (element.text or "").strip()
        attribute = _old_attribute(element.text) if is_old else _attribute(element)
        if attribute is not None:
            attributes.setdefault(attribute.name, attribute)
    return list(attributes.values())


_KINDS = {"select": "choice", "radio": "choice", "checkbox": "check", "number": "number"}


def _attribute(element: Any) -> Attribute | None:
    name = element.findtext("name")
    if name is None:
        return None
    return Attribute(
        name=name,
        kind=_KINDS.get(_text(element, "input_type").lower(), "text"),
        is_mutable=_text(element, "mutable").lower() == "true",
        default=element.findtext("default_value") or "",
        values=[line for line in (element.findtext("values") or "").split("\n") if line.strip()],
    )


def _old_attribute(text: str) -> Attribute | None:
    """Read the attribute language of version 1.0: ``~radio=state:sail,moor``.

    >>> _old_attribute('~radio=state:sail,"full sail"').values
    ['sail', 'full sail']
    """
    text = text.strip()
    is_mutable = text.startswith("~")
    input_type, _, rest = text.lstrip("~@").partition("=")
    name, _, values_text = rest.partition(":")
    if not name:
        return None
    kind = _KINDS.get(input_type.strip().lower(), "text")
    values = _old_values(values_text)
    return Attribute(_unquoted(name), kind, is_mutable, values[0] if values else "", values)


def _old_values(text: str) -> list[str]:
    values, quote, current = [], "", ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ",":
            values.append(current)
            current = ""
            continue
        current += character
    values.append(current)
    return [_unquoted(value) for value in values if value.strip()]


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


# -- skeletons ----------------------------------------------------------------------------------------------------


_NAME_IN_DRAWING = re.compile(r"""( data-label-name=")([^<>]*?)(?="\s*/?>|"\s+[\w:-]+="[^"]*"(?:\s|/?>))""")
"""The name of a point in a drawing. CVAT puts it in as it is, so that quotes in it are not escaped."""


def _drawing(svg: str) -> tuple[list[Node], list[tuple[int, int]]]:
    """Return nodes in the order of their ids, and edges between their places in that order."""
    from lxml import etree

    parser = etree.HTMLParser(no_network=True)
    svg = _NAME_IN_DRAWING.sub(lambda found: found[1] + found[2].replace('"', "&quot;"), svg)
    try:
        root = etree.fromstring(f"<svg>{svg}</svg>", parser)
    except etree.XMLSyntaxError:
        return [], []
    circles = sorted(
        (
            circle
            for circle in root.iter("circle")
            if re.fullmatch(r"\d{1,18}", circle.get("data-node-id", ""), re.ASCII)
        ),
        key=lambda circle: int(circle.get("data-node-id")),
    )
    places = {circle.get("data-node-id"): place for place, circle in enumerate(circles)}
    edges = [
        (places[line.get("data-node-from")], places[line.get("data-node-to")])
        for line in root.iter("line")
        if line.get("data-node-from") in places and line.get("data-node-to") in places
    ]
    return [_node(circle) for circle in circles], edges


def _node(circle: Any) -> Node:
    return Node(circle.get("data-label-name", ""), _number(circle.get("cx")), _number(circle.get("cy")))


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


# -- several files ------------------------------------------------------------------------------------------------


def merged_labels(files: Iterable[Iterable[Label]]) -> list[Label]:
    """Return the labels of several files as one list: what has one name is one class.

    Attributes of one name are one attribute, its options those of all; if the files disagree on its kind it is text,
    which holds every value of every kind.
    """
    merged: dict[str, Label] = {}
    for labels in files:
        for label in labels:
            if label.name in merged:
                _merge(merged[label.name], label)
            else:
                merged[label.name] = label
    return list(merged.values())


def _merge(into: Label, other: Label) -> None:
    into.element = into.element if into.element == other.element else None
    into.color = into.color or other.color
    merge_attributes(into.attributes, other.attributes)
    known = {node.name: node for node in into.nodes}
    for node in other.nodes:
        if node.name in known:
            merge_attributes(known[node.name].attributes, node.attributes)
        else:
            into.nodes.append(node)


def merge_attributes(into: list[Attribute], others: Iterable[Attribute]) -> None:
    """Add attributes to a list, joining those of one name."""
    known = {attribute.name: attribute for attribute in into}
    for other in others:
        attribute = known.get(other.name)
        if attribute is None:
            into.append(other)
            continue
        attribute.kind = attribute.kind if attribute.kind == other.kind else "text"
        attribute.is_mutable |= other.is_mutable
        attribute.values = list(dict.fromkeys((*attribute.values, *other.values)))
