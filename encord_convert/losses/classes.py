"""What a target does not carry of classes: colours, and names that it cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encord_convert.hub.contents import names_in
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Carries, Feature, Kind, Where
from encord_convert.sdk.objects._colors import next_color

if TYPE_CHECKING:
    from encord_convert.sdk.objects import OntologyStructure


def lose_colours(writing: Counts, ontology: OntologyStructure, carries: Carries) -> None:
    """Say which colours the target does not carry; those that nobody chose are no loss."""
    code = carries.code(Feature.COLOUR)
    if carries.colours_by is None:
        return
    if Feature.COLOUR in carries.features:
        for item, colour in carries.coloured(ontology.objects):
            if item.color != colour and not item.has_default_color():
                detail = f"The colour of every {item.title!r} is {colour}; {item.color} cannot be stored in the target."
                writing.lose(Kind.MERGED, code, Feature.COLOUR, ("class", item.title), Where(), detail)
        return
    labels: dict[str, str] = {}
    for index, item in enumerate(ontology.objects):
        is_told = labels.get(item.title) == item.color
        labels.setdefault(item.title, item.color)
        is_chosen = not is_told and not item.has_default_color()
        if is_chosen and item.color != next_color(ontology.objects[:index][-1:]):
            detail = f"The colour {item.color} of {item.title!r} cannot be stored in the target."
            writing.lose(Kind.DEFAULTED, code, Feature.COLOUR, ("class", item.title), Where(), detail)


def change_names(writing: Counts, ontology: OntologyStructure, carries: Carries) -> None:
    """Say which names of classes, attributes and options that may stand in the target are changed there."""
    shapes, features = carries.shapes | carries.approximates, carries.features
    items: list[Any] = [one for one in ontology.objects if one.shape in shapes]
    items += ontology.classifications if Feature.CLASSIFICATIONS in features else ()
    for item in items if carries.unwritable is not None else ():
        for name in names_in(item) if features & {Feature.ANSWERS, Feature.CLASSIFICATIONS} else (item.title,):
            if carries.changes_name(name):
                detail = f"The name {name!r} cannot stand in the target as it is, and is changed there."
                key = ("class", item.title)
                writing.lose(Kind.RENAMED, "UNWRITABLE_TEXT", Feature.LABEL_NAME, key, Where(), detail)
