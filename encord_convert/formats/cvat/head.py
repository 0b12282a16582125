"""The ``meta`` element of CVAT files as a tree: what this package writes, and what of a source is more than that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from encord_convert.formats.cvat.grid import Grid
from encord_convert.formats.cvat.meta import UNDEFINED
from encord_convert.formats.cvat.trees import Tree
from encord_convert.formats.cvat.write_labels import Label, Labels, Question
from encord_convert.formats.cvat.write_texts import attribute_text, escaped, number_text
from encord_convert.hub.splits import UNNAMED

META, WAS = "meta", "was"
"""Keys of what is native of a set: what its one file says beyond what is written, and what was written then."""

_TYPES = {"box": "rectangle"}


# -- what a file says ---------------------------------------------------------------------------------------------


def beyond(source: Tree, ours: Tree) -> Tree:
    """Return what of a tree is not in another one, or is there otherwise."""
    found: Tree = {}
    for step, value in source.items():
        own = ours.get(step)
        if isinstance(value, dict):
            more = beyond(value, own if isinstance(own, dict) else {})
            if more or own is None:
                found[step] = more
        elif value != own and not (own == {} and not value.strip()):
            found[step] = value
    return found


def within(tree: Tree, other: Tree) -> Tree:
    """Return what of a tree stands where another one has something."""
    return {
        step: within(value, other[step]) if isinstance(value, dict) and isinstance(other[step], dict) else value
        for step, value in tree.items()
        if step in other
    }


def names_beyond(said: Tree, ours: Tree) -> Iterator[str]:
    """Yield the names of what a tree says beyond another: of what has a text, and of elements the other has none of."""
    for step, value in said.items():
        own = ours.get(step)
        is_tree = isinstance(value, dict)
        if (value and not is_tree) or (is_tree and own is None):
            yield step.partition("[")[0].lstrip("@")
        if is_tree:
            yield from names_beyond(value, own if isinstance(own, dict) else {})


def joined(ours: Tree, now: Tree, native: Tree, was: Tree) -> Tree:
    """Return a tree that is written, with what is native where nothing has changed since it was read.

    Parameters
    ----------
    ours : Tree
        As it would be written.
    now, was : Tree
        What follows from the ontology and the number of images alone, now and when the source was read.
    native : Tree
    """
    result = dict(ours)
    for step, value in native.items():
        then, today = was.get(step), now.get(step)
        if isinstance(value, dict):
            if isinstance(then, dict) and today is None:
                continue  # a label or attribute that was taken out
            parts = [part if isinstance(part, dict) else {} for part in (ours.get(step), today, value, then)]
            result[step] = joined(*parts)
        elif then == today:
            result[step] = value
    return result


# -- what is written ----------------------------------------------------------------------------------------------


def body(
    kind: str, name: str, grid: Grid, subset: str, labels: Tree, video: tuple[int, int, str] | None = None
) -> Tree:
    """Return what stands in ``meta``: ``video`` is width, height and title of the one the file is about."""
    if kind == "project":
        return {kind: {"name": name, "labels": labels}}
    fields: Tree = {
        "id": "1",
        "name": name,
        "size": str(grid.size),
        "mode": "annotation" if video is None else "interpolation",
        "overlap": "0",
        "bugtracker": "",
        "created": "",
        "updated": "",
        "subset": subset or UNNAMED,
        "start_frame": str(grid.start),
        "stop_frame": str(grid.stop),
        "frame_filter": f"step={grid.step}" if grid.step > 1 else "",
        "labels": labels,
        "owner": "",
        "assignee": "",
    }
    if video is not None:
        width, height, title = video
        fields |= {"original_size": {"width": str(width), "height": str(height)}, "source": title}
    return {kind or "task": fields}


def labels_of(labels: Labels) -> Tree:
    """Return all labels that an ontology makes, but those that are spare, without the ranges of numbers."""
    return dict(step for label in labels.all if not label.is_spare for step in label_steps(label))


def label_steps(label: Label, more: Iterable[Question] = (), values: Any = None) -> Iterator[tuple[str, Tree]]:
    """Yield a label and its sub-labels; ``more`` are attributes beside its own, ``values`` gives ranges."""
    type_ = next(iter(label.variants)) if len(label.variants) == 1 else "any"
    questions = [*label.questions.values(), *more]
    asked = {f"attribute[{one.name}]": _attribute(one, (values or values_of)(one)) for one in questions}
    tree: Tree = {"name": label.name, "color": label.color, "type": _TYPES.get(type_, type_), "attributes": asked}
    if label.nodes:
        tree["svg"] = _drawing(label)
    yield f"label[{label.name}]", {step: value for step, value in tree.items() if value is not None}
    for node in label.nodes:
        tree = {"name": node.name, "color": node.color, "type": "points", "attributes": {}, "parent": label.name}
        yield f"label[{label.name}/{node.name}]", {step: value for step, value in tree.items() if value is not None}


def _attribute(question: Question, said: tuple[str, str]) -> Tree:
    return {
        "name": question.name,
        "mutable": str(question.is_mutable),
        "input_type": question.input_type,
        "default_value": said[0],
        "values": said[1],
    }


def values_of(question: Question) -> tuple[str, str]:
    """Return default and values of an attribute, which are what CVAT's editor offers; none of a number."""
    if question.input_type == "select":
        return UNDEFINED, "\n".join([UNDEFINED, *question.options])
    return ("false", "false") if question.input_type == "checkbox" else ("", "")


def _drawing(label: Label) -> str:
    """Return the points and lines of a skeleton on CVAT's canvas of 0 to 100."""
    spots = [
        (n.x if n.x is not None else 100 * (place + 1) / (len(label.nodes) + 1), n.y if n.y is not None else 50.0)
        for place, n in enumerate(label.nodes)
    ]
    lines = [
        f'<line x1="{number_text(spots[a][0])}" y1="{number_text(spots[a][1])}" x2="{number_text(spots[b][0])}" '
        f'y2="{number_text(spots[b][1])}" data-type="edge" data-node-from="{a + 1}" data-node-to="{b + 1}"></line>'
        for a, b in label.edges
    ]
    circles = [
        f'<circle r="0.75" cx="{number_text(x)}" cy="{number_text(y)}" data-type="element node" '
        f'data-element-id="{place}" data-node-id="{place}" data-label-name="{escaped(node.name)}"></circle>'
        for place, (node, (x, y)) in enumerate(zip(label.nodes, spots, strict=True), 1)
    ]
    return "\n".join([*lines, *circles])


# -- to text ------------------------------------------------------------------------------------------------------


def rendered(tree: Tree, indent: str) -> str:
    """Return the elements of a tree, each on lines of its own."""
    return "".join(_element(step, value, indent) for step, value in tree.items() if step[0] not in "@#")


def _element(step: str, value: Tree | str, indent: str) -> str:
    tag = step.partition("[")[0]
    if isinstance(value, str):
        return f"{indent}<{tag}>{_text(value)}</{tag}>\n"
    pairs = [(name[1:], one) for name, one in value.items() if name[0] == "@"]
    head = tag + "".join([attribute_text(*pair, place) for place, pair in enumerate(pairs)])
    inner = rendered(value, indent + "  ")
    text = _text(value["#"]) if "#" in value else ""
    if text and not inner:
        return f"{indent}<{head}>{text}</{tag}>\n"
    return f"{indent}<{head}>{text}\n{inner}{indent}</{tag}>\n"


def _text(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))
