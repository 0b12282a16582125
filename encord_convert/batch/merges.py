"""Several label sets as one: one ontology, the rows of each in turn.

Classes are the same if name and shape are; their attributes if name, type and being dynamic are; options if their
label is; classifications if name and type of their question are. What only one source has is added, so that nothing
is left out. Where sources disagree the first, by the order of names, is followed, and it is told:

=======================  ==============================================================================================
``CLASS_SHAPES``         a note: sources draw one name in different shapes
``CLASS_COLOUR``         a loss: a class was given another colour elsewhere
``SKELETON_RENAMED``     a loss: a skeleton with other points than that of its name gets a number behind its name
=======================  ==============================================================================================

Rows of sources whose paths name a split (``train/``, ``val.json``) are in it, unless they say another.

What only the format of a source has words for (licences, keys of its own) is left behind and counted: the same number
may stand for something else in another. Ids are those of one file: a merged one has its own, and nothing is lost.

Rows that name their medium by the same hash in several sources get new hashes, from the old and a count. Images of one
name in several sources are named by the folders of these: :mod:`encord_convert.batch.naming`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from encord_convert.batch.naming import Naming, Rule, collect
from encord_convert.conversion import read
from encord_convert.errors import OptionError
from encord_convert.formats._files import Source
from encord_convert.formats.encord import row_dict
from encord_convert.hub.class_names import hash_of
from encord_convert.hub.contents import hub_answers, label_of
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Hashes
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.media import LabelFile, apart
from encord_convert.hub.splits import KEY, named_in, split_of
from encord_convert.losses.native import NativeLosses
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

Element = dict[str, Any]
"""A part of an ontology in its JSON form."""

_HASHES = Hashes("merge")
_IDS = ("image.id", "annotation.id", "class.id")


def merged(
    sources: Sequence[Source],
    from_: str | None,
    options: Mapping[str, Any],
    report: Report,
    mapping: tuple[Any, str] | None = None,
) -> tuple[LabelSet, Counts]:
    """Return the label sets of sources as one, and what is to be added to the account once the rows were walked.

    That is what sources disagree on, where no importer keeps an account of reading that it could be part of.

    Parameters
    ----------
    sources : sequence of Source
        In the order of their names.
    from_, options
        As of :func:`encord_convert.read`, for each.
    report : Report
        Receives the formats of the sources.
    mapping : (document, str), optional
        What becomes of classes, and what messages call it.
    """
    reports = [Report() for _ in sources]
    sets = [read(source, from_, report=one, **options) for source, one in zip(sources, reports, strict=True)]
    if mapping is not None:
        from encord_convert.sync.mapping.several import each_mapped

        sets = each_mapped(sets, *mapping)
    if any(labels.counts is not None for labels in sets):
        sets = _counted(sets)
    formats = dict.fromkeys(one.source.format for one in reports)
    report.source.format = ", ".join(filter(None, formats))
    return _united(sets, [source.name for source in sources])


def united(sets: Sequence[LabelSet], twice: Rule = "keep") -> LabelSet:
    """Return label sets as one, with what was counted of each; see :meth:`encord_convert.LabelSet.merge`.

    A set of which nobody counted what was read is counted in the words of the hub. ``twice`` says what is to become of
    images that are there twice: they are named apart, unless they are to be one.

    Raises
    ------
    OptionError
        One is not a label set, but its path.
    """
    for one in sets:
        if not isinstance(one, LabelSet):
            raise OptionError(f"merge: {one!r:.80} is not a label set. Read it with encord_convert.read(PATH).")
    names = [one.title if one.source is None else one.source.name for one in sets]
    return _united(_counted(sets), [name or f"set {number}" for number, name in enumerate(names, 1)], twice)[0]


def _counted(sets: Sequence[LabelSet]) -> list[LabelSet]:
    return [one.map(lambda row: row) if one.counts is None else one for one in sets]


def _united(sets: Sequence[LabelSet], sources: Sequence[str], twice: Rule = "keep") -> tuple[LabelSet, Counts]:
    union = Union()
    for source, labels in zip(sources, sets, strict=True):
        union.add(source, labels.ontology)
    structure, names = union.finished()
    counts = None if any(one.counts is None for one in sets) else union.counts
    title = next((one.title for one in sets if one.title), "")
    splits = _splits([source.replace("\\", "/") for source in sources])
    mapping = Counts()
    naming = Naming(sets, sources, twice)

    def rows() -> Iterator[LabelRowV2]:
        mapping.rewind()
        union.counts.rewind()
        naming.rewind()
        seen: Counter[str] = Counter()
        told = NativeLosses(Counts() if counts is None else counts, ())
        for number, (labels, new_names, split) in enumerate(zip(sets, names, splits, strict=True)):
            told.all_of(labels, but=_IDS)
            for index, row in enumerate(labels._unguarded()):
                told.all_of(labels, row, but=_IDS)
                if counts is not None and labels.counts is not None:
                    for key in labels.counts.into:  # what is counted at all has to be known while it is walked
                        counts.into[key] += 0
                folder = naming.folder(number, index, row.data_title)
                own = moved(row, structure, new_names, seen, folder)
                _lose_unplaced(row, own, counts)
                if split and not split_of(own.client_metadata):
                    own.client_metadata = {**(own.client_metadata or {}), KEY: split}
                yield own
            if counts is not None and labels.counts is not None:
                counts.merge(labels.counts.without("ID_RENUMBERED"))
            if labels.mapping is not None:
                mapping.merge(labels.mapping)
            collect()
        naming.tell(union.counts)
        if counts is not None and any(labels.native for labels in sets):
            counts.note(Level.INFO, "ID_RENUMBERED", "Ids are those of one file; in a merged one they count from 1.")

    new = LabelSet(structure, rows, title=title, counts=counts)
    new.origins = tuple(dict.fromkeys(origin for labels in sets for origin in labels.origins))
    if any(labels.mapping is not None for labels in sets):
        new.mapping = mapping
    return new, union.counts if counts is None else Counts()


def _lose_unplaced(row: LabelRowV2, own: LabelRowV2, counts: Counts | None) -> None:
    """Say which labels of a row are on no frame: the form of rows has no place for them."""
    for one in (*row._objects.values(), *row._classifications.values()):
        if counts is not None and one._hash not in own._objects and one._hash not in own._classifications:
            key, where = ("unplaced", label_of(one)), Where(file=row._origin, row=row.data_title)
            carried = (("answer", hub_answers(one)),)
            counts.drop("UNPLACED_DROPPED", Feature.UNPLACED, key, where, "It is on no frame.", carried=carried)


def _splits(names: Sequence[str]) -> list[str]:
    """Return the splits that the paths of sources name, as far as they differ."""
    return [
        named_in(folder + name.rpartition("/")[2]) if len(names) > 1 else ""
        for folder, name in zip(apart(names), names, strict=True)
    ]


class Union:
    """The ontology that has what each of several has, in the JSON form.

    Attributes
    ----------
    counts : Counts
        What they disagree on.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self._objects: dict[tuple[str, str], Element] = {}
        self._classifications: dict[tuple[str, str], Element] = {}
        self._templates: dict[str, Element] = {}
        self._hashes: set[str] = set()
        self._chosen: set[tuple[str, str]] = set()
        self._names: list[dict[str, str]] = []
        self._shapes: list[tuple[str, dict[str, set[str]]]] = []

    def add(self, source: str, ontology: OntologyStructure) -> None:
        """Add what an ontology has and the others have not."""
        form = ontology.to_dict()
        names: dict[str, str] = {}
        shapes: dict[str, set[str]] = {}
        before: tuple[str, str] | None = None
        templates = {one["template"]["name"]: one["template"] for one in form.get("skeleton_templates", ())}
        for item, element in zip(ontology.objects, form["objects"], strict=True):
            shapes.setdefault(element["name"], set()).add(element["shape"])
            template = templates.get(element["name"]) if element["shape"] == "skeleton" else None
            name = self._skeleton(source, element["name"], template, names)
            known = self._objects.get((name, element["shape"]))
            if known is None:
                self._insert({**element, "name": name, "attributes": []}, before)
                known = self._objects[name, element["shape"]]
            before = (name, element["shape"])
            names[element["featureNodeHash"]] = known["featureNodeHash"]
            if item.has_default_color():
                pass  # nobody chose it
            elif before not in self._chosen:
                self._chosen.add(before)
                known["color"] = element["color"]
            elif known["color"] != element["color"]:
                where, detail = Where(file=source), f"{element['color']} here, {known['color']} elsewhere."
                key = ("class", name)
                self.counts.lose(Kind.DEFAULTED, "CLASS_COLOUR", Feature.COLOUR, key, where, detail)
            self._attributes(known["attributes"], element.get("attributes", ()), names)
        for element in form["classifications"]:
            question = element["attributes"][0]
            kind = (question["name"], question["type"])
            if kind not in self._classifications:
                hash_ = self._own_hash(element["featureNodeHash"], "classification", *kind)
                self._classifications[kind] = {**element, "featureNodeHash": hash_, "attributes": []}
            known = self._classifications[kind]
            names[element["featureNodeHash"]] = known["featureNodeHash"]
            self._attributes(known["attributes"], element["attributes"], names)
        self._names.append(names)
        self._shapes.append((source, shapes))

    def _insert(self, element: Element, before: tuple[str, str] | None) -> None:
        """Add an object after the one it follows in its own ontology."""
        kind = (element["name"], element["shape"])
        if any(name == element["name"] for name, _ in self._objects):
            element["featureNodeHash"] = hash_of(*kind)
        element["featureNodeHash"] = self._own_hash(element["featureNodeHash"], "object", *kind)
        entries = list(self._objects.items())
        place = len(entries) if before is None else 1 + list(self._objects).index(before)
        self._objects = dict([*entries[:place], (kind, element), *entries[place:]])

    def _skeleton(self, source: str, name: str, template: Element | None, names: dict[str, str]) -> str:
        """Return the name a skeleton has here, and keep its template; any other object keeps its own."""
        if template is None:
            return name
        for number in range(1, 1000):
            candidate = name if number == 1 else f"{name} {number}"
            known = self._templates.setdefault(candidate, {**template, "name": candidate})
            if _points(known) == _points(template):
                break
        theirs = {node["name"]: node.get("featureHash") for node in template["skeleton"].values()}
        ours = {node["name"]: node.get("featureHash") for node in known["skeleton"].values()}
        names |= {hash_: ours[node] for node, hash_ in theirs.items() if hash_ and ours[node]}
        if candidate != name:
            where, detail = Where(file=source), f"{name!r} has other points elsewhere; here it becomes {candidate!r}."
            key = ("class", name)
            self.counts.lose(Kind.RENAMED, "SKELETON_RENAMED", Feature.LABEL_NAME, key, where, detail)
        return candidate

    def _attributes(self, known: list[Element], found: Sequence[Element], names: dict[str, str]) -> None:
        """Add attributes that are not known, and options of those that are."""
        for attribute in found:
            kind = _question(attribute)
            own = next((one for one in known if _question(one) == kind), None)
            if own is None:
                hash_ = self._own_hash(attribute["featureNodeHash"], "attribute", *map(str, kind))
                own = {**attribute, "featureNodeHash": hash_}
                if "options" in attribute:
                    own["options"] = []
                known.append(own)
            own["required"] = bool(own.get("required")) and bool(attribute.get("required"))
            names[attribute["featureNodeHash"]] = own["featureNodeHash"]
            for option in attribute.get("options", ()):
                same = next((one for one in own["options"] if one["label"] == option["label"]), None)
                if same is None:
                    hash_ = self._own_hash(option["featureNodeHash"], "option", *map(str, kind), option["label"])
                    same = {key: value for key, value in option.items() if key != "options"}
                    same["featureNodeHash"] = hash_
                    own["options"].append(same)
                names[option["featureNodeHash"]] = same["featureNodeHash"]
                if option.get("options"):
                    self._attributes(same.setdefault("options", []), option["options"], names)

    def _own_hash(self, hash_: str, *words: str) -> str:
        """Return the hash a new part gets: its own, unless something else has it."""
        count = 0
        while hash_ in self._hashes:
            count += 1
            hash_ = (
                _HASHES.hex(*words, count) if words[0] in ("object", "classification") else _HASHES.short(*words, count)
            )
        self._hashes.add(hash_)
        return hash_

    def finished(self) -> tuple[OntologyStructure, list[dict[str, str]]]:
        """Return the ontology, numbered again, and for each source what became of its hashes."""
        self._note_shapes()
        self.counts.mark_head()
        form: dict[str, Any] = {
            "objects": list(self._objects.values()),
            "classifications": list(self._classifications.values()),
        }
        for elements in form.values():
            _number(elements, "")
        if self._templates:
            form["skeleton_templates"] = [
                {"template": {**one, "feature_node_hash": self._objects[name, "skeleton"]["featureNodeHash"]}}
                for name, one in self._templates.items()
            ]
        structure = OntologyStructure._from_dict(form)
        for item, kind in zip(structure.objects, self._objects, strict=True):
            if kind not in self._chosen:
                item._default_color = item.color
        return structure, self._names

    def _note_shapes(self) -> None:
        together: dict[str, set[str]] = {}
        for _, shapes in self._shapes:
            for name, drawn in shapes.items():
                together.setdefault(name, set()).update(drawn)
        for name, drawn in together.items():
            if not any(shapes.get(name) == drawn for _, shapes in self._shapes):
                words = []
                for shape in sorted(drawn):
                    first = next(source for source, shapes in self._shapes if shape in shapes.get(name, ()))
                    words.append(f"{shape.replace('_', ' ')} ({first})")
                self.counts.note(Level.WARNING, "CLASS_SHAPES", f"Sources draw {name!r} as {', '.join(words)}.")


def _points(template: Element) -> tuple[list[str], Any]:
    return [node["name"] for node in template["skeleton"].values()], template.get("skeletonEdges")


def _question(attribute: Element) -> tuple[str, str, bool]:
    return attribute["name"], attribute["type"], bool(attribute.get("dynamic"))


def _number(elements: Sequence[Element], above: str) -> None:
    """Give the parts of an ontology their ids: ``1``, ``1.2``, ``1.2.3``, …"""
    for number, element in enumerate(elements, 1):
        element["id"] = f"{above}{number}"
        for below in ("attributes", "options"):
            _number(element.get(below) or (), f"{above}{number}.")


# -- rows -------------------------------------------------------------------------------------------------------------


def moved(
    row: LabelRowV2, structure: OntologyStructure, names: Mapping[str, str], seen: Counter[str], folder: str = ""
) -> LabelRowV2:
    """Return a row drawn with another ontology; ``names`` are its hashes there, by those here.

    ``seen`` counts the hashes of media so far: one that was seen before gives way to a new one. ``folder`` comes before
    the name of its medium: it is empty, or has ``/`` at its end.
    """
    form = row_dict(row)
    if folder:
        form["data_title"] = folder + form["data_title"]
        for unit in form["data_units"].values() if row.data_type in (DataType.IMAGE, DataType.VIDEO) else ():
            unit["data_title"] = folder + unit["data_title"]
    if any(old != new for old, new in names.items()):
        _rename(form, names)
    media: dict[str, str] = {}
    for hash_ in dict.fromkeys((form["data_hash"], *form["data_units"])):
        if seen[hash_]:
            media[hash_] = _HASHES.uuid(hash_, seen[hash_])
        seen[hash_] += 1
    if media:
        _replace_media(form, media)
    own = LabelRowV2._from_dict(form, structure)
    own._origin, own._file = row._origin, _within(row._file, folder, row.data_type)
    if row._native is not None and own.client_metadata:
        family = row._native.family  # it stands there too, so that it is seen
        own.client_metadata = {key: value for key, value in own.client_metadata.items() if key != family} or None
    for ours, theirs in ((own._objects, row._objects), (own._classifications, row._classifications)):
        for key, instance in ours.items():
            instance._origin = theirs[key]._origin
    return own


def _within(file: LabelFile | None, folder: str, data_type: DataType) -> LabelFile | None:
    """Return the file of a row as it is found below the folder that its source is in."""
    if file is None or not folder:
        return file
    names = {"member": file.member, "path": file.path, "name": file.name if data_type is DataType.IMAGE else ""}
    new = {key: folder + value for key, value in names.items() if value}
    return msgspec.structs.replace(file, masks=tuple(folder + mask for mask in file.masks), **new)


def _rename(form: Any, names: Mapping[str, str]) -> None:
    if isinstance(form, dict):
        hash_ = form.get("featureHash")
        if isinstance(hash_, str):
            form["featureHash"] = names.get(hash_, hash_)
        for value in form.values():
            _rename(value, names)
    elif isinstance(form, list):
        for value in form:
            _rename(value, names)


def _replace_media(form: dict[str, Any], media: Mapping[str, str]) -> None:
    form["data_hash"] = media.get(form["data_hash"], form["data_hash"])
    form["label_hash"] = _HASHES.uuid(form["label_hash"], *media.values())
    units = {media.get(hash_, hash_): unit for hash_, unit in form["data_units"].items()}
    for hash_, unit in units.items():
        unit["data_hash"] = hash_
    form["data_units"] = units
