"""What stands in an image of a COCO file beside single annotations: segments of a panoptic PNG, labels of the whole.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw

from encord_convert.formats._files import Source
from encord_convert.formats.coco.categories import Questions
from encord_convert.formats.coco.index import drawn_as
from encord_convert.formats.coco.index_entries import number_of, value_of
from encord_convert.formats.coco.index_entries_again import Part
from encord_convert.formats.coco.native import SAID, own_of
from encord_convert.formats.coco.ontology import Unknown, answer_of
from encord_convert.formats.coco.panoptic_png import segmentation_of, segments_of
from encord_convert.formats.coco.read_shapes import IN_PNG, NO_LABEL, Reader, confidence_of, raw_of
from encord_convert.hub.counts import Carried, Origin
from encord_convert.hub.loss import Feature, Kind
from encord_convert.hub.native import says_nothing

NO_RAW = Raw(b"")


def opened(
    source: Source, part: Part, entries: list[Any], size: tuple[int, int], title: str
) -> Iterator[tuple[Any, str]]:
    """Yield annotations, and what each is (:func:`drawn_as`); of a panoptic one its segments."""
    for entry in entries:
        kind = "" if entry is None else drawn_as(entry)
        if kind != "panoptic":
            yield entry, kind
            continue
        segments = value_of(entry.segments_info)
        shown = segments_of(source, part.document.member, str(entry.file_name))
        if shown is None:
            detail = f"There is no PNG {entry.file_name!r} with the pixels of the segments."
        elif shown.size != tuple(size):
            detail = f"The PNG {entry.file_name!r} has not the size of its image."
            shown = None
        for segment in segments if isinstance(segments, list) else ():
            if not isinstance(segment, dict):
                continue
            part.reader.of_segment = own_of(segment, _SEGMENT_KEYS)
            drawn = segmentation_of(shown, segment.get("id")) if shown is not None else None
            own = msgspec.structs.replace(
                entry, segments_info=NO_RAW, file_name=IN_PNG, id=segment.get("id"),
                category_id=segment.get("category_id"), iscrowd=segment.get("iscrowd"),
                bbox=raw_of(segment.get("bbox")),
                segmentation=raw_of(drawn or {"counts": None}),
                area=raw_of(segment.get("area")),
            )  # fmt: skip
            if drawn is not None:
                yield own, drawn_as(own)
            elif shown is None:
                part.reader.lose(own, "PANOPTIC_PNG_MISSING", detail, title)
            else:
                lost = "No pixel of the PNG has the number of the segment."
                part.reader.lose(own, "EMPTY_MASK", lost, title, Feature.DEGENERATE)


_SEGMENT_KEYS = frozenset({"id", "category_id", "iscrowd", "bbox", "area"})
"""Keys of a segment that are read."""


def image_answers(
    part: Part, image: dict[str, Any], frame: int, title: str, hash_of: Callable[[int], str]
) -> Iterator[Any]:
    """Yield the classifications that the attributes of an image are."""
    answers = image.get("attributes")
    if not isinstance(answers, dict):
        return
    encord = image.get("encord")
    made = encord.get("classifications") if isinstance(encord, dict) else None
    if isinstance(made, dict):
        yield from _own_classifications(part, answers, made, frame)
        return
    reader = part.reader
    for number, (name, value) in enumerate(answers.items()):
        item = reader.plans.classification(name)
        if item is None or value is None:
            continue
        question = next(iter(Questions(item.attributes).by_key().values()))
        answer = answer_of(question, value)
        origin = Origin("classification", name)
        reader.counts.into["classification", name] += 1
        if answer is Unknown:
            where = reader.where(title, None, frame)
            detail = f"{value!r} is no answer to {name!r}."
            key = ("classification", name)
            reader.counts.drop("UNKNOWN_OPTION", Feature.CLASSIFICATIONS, key, where, detail)
        elif answer is not None:
            answered = [(item.attributes[0], answer)]
            yield reader.classification(item, answered, hash_of(number), frame, origin)


def _own_classifications(part: Part, answers: dict[str, Any], made: dict[str, Any], frame: int) -> Iterator[Any]:
    """Yield the classifications of an image this format wrote: their answers follow each other in ``attributes``."""
    reader, left = part.reader, dict(answers)
    for name, said in made.items():
        title, hash_ = name, said.get("featureHash") if isinstance(said, dict) else None
        item = reader.plans.classification(title, hash_)
        while item is None and title.endswith(")") and " (" in title:
            title = title.rpartition(" (")[0]
            item = reader.plans.classification(title, hash_)
        if item is None or not isinstance(said, dict):
            continue
        answered = []
        left.pop(name, None) if left.get(name) == {} else None
        for key, question in Questions(item.attributes).by_key().items():
            shown = next((one for one in left if one == key or one.startswith(f"{key} (")), None)
            value = answer_of(question, left.pop(shown)) if shown is not None else None
            if value is not None and value is not Unknown:
                answered.append((question.attribute, value))
        reader.counts.into["classification", title] += 1
        score, manual = said.get("score"), said.get("manual_annotation")
        carried: Carried = (("answer", len(answered)),) if answered else ()
        for type_, count in carried:
            reader.counts.into[type_, title] += count
        confidence = confidence_of(score)
        info = reader.info(1.0 if confidence is None else confidence, manual is not False)
        origin = Origin("classification", title, None, carried)
        yield reader.classification(item, answered, str(said.get("hash")), frame, origin, info)


Said = list[tuple[Any, dict[str, Any]]]
"""Classifications, each with what the annotations say that it is made of, which only COCO has words for."""


def labels(reader: Reader, entries: list[Any], title: str, frame: int, hash_of: Callable[[int], str]) -> Said:
    """Return the classifications of annotations without geometry: captions, and categories alone."""
    captions = [entry for entry in entries if entry.caption is not None]
    plain = [entry for entry in entries if entry.caption is None]
    made: Said = []
    known = []
    for entry in plain:
        if number_of(entry.category_id) in reader.categories:
            known.append(entry)
        else:
            detail = f"The category {entry.category_id!r} is not among the categories."
            reader.lose(entry, "ORPHAN_CATEGORY", detail, title, Feature.LABEL_NAME)
    if known:
        names = [reader.label_of(entry) for entry in known]
        chosen = [reader.plans.option(name) for name in names]
        item, root, _ = chosen[0]
        options = tuple(option for option in root.options if any(option is one[2] for one in chosen))
        origins = [_origin(reader, "label", name) for name in names]
        origins[0].also = tuple(origins[1:])
        instance = reader.classification(item, [(root, options)], hash_of(1 << 33), frame, origins[0])
        made.append((instance, _said(reader, known, [{"category": name} for name in names])))
    if captions:
        made += _captions(reader, captions, title, frame, hash_of)
    return made


def _said(reader: Reader, entries: list[Any], words: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the keys of annotations as those of the classification they are made to: each key once, with a list."""
    own = [reader.said(entry) for entry in entries]
    keys: dict[str, Any] = {SAID: [{**keys, **word} for keys, word in zip(own, words, strict=True)]}
    for one in own:
        for key, value in one.items():
            keys.setdefault(key, []).append(value)
    return {key: [one for one in value if not says_nothing(one)] for key, value in keys.items()}


def one_of_a_kind(reader: Reader, made: Said, title: str) -> Said:
    """Return classifications of a frame without those of which it has one already, from another file; they are lost."""
    kept: dict[str, tuple[Any, dict[str, Any]]] = {}
    for instance, said in made:
        if instance.feature_hash not in kept:
            kept[instance.feature_hash] = instance, said
            continue
        for origin in (instance._origin, *instance._origin.also):
            key = (origin.type, origin.label)
            reader.counts.changed[key] -= origin.changed
            detail = "Another file says the same of the image already, and it takes one answer."
            where = reader.where(title, None)
            reader.counts.drop("CLASSIFICATION_TWICE", Feature.CLASSIFICATIONS, key, where, detail)
    return list(kept.values())


def _origin(reader: Reader, kind: str, label: str) -> Origin:
    reader.counts.into[kind, label] += 1
    return Origin(kind, label)


def _captions(reader: Reader, entries: list[Any], title: str, frame: int, hash_of: Callable[[int], str]) -> Said:
    item = reader.plans.caption()
    texts = [one.caption if isinstance(one.caption, str) else str(one.caption) for one in entries]
    origins = [_origin(reader, "caption", NO_LABEL) for _ in entries]
    if reader.options.captions == "separate":
        made: Said = []
        for number, (text, origin) in enumerate(zip(texts, origins, strict=True)):
            item = reader.plans.caption(number)
            answered = [(item.attributes[0], text)]
            instance = reader.classification(item, answered, hash_of((1 << 34) + number), frame, origin)
            made.append((instance, _said(reader, [entries[number]], [_words(reader, entries[number], text)])))
        return made
    for entry, origin in zip(entries[1:], origins[1:], strict=True):
        detail = "Several captions of an image are one text of lines; -r captions=separate keeps them apart."
        key = ("caption", NO_LABEL)
        reader.counts.change(Kind.MERGED, "CAPTIONS_JOINED", Feature.CLASSIFICATIONS, key,
                           reader.where(title, entry), detail)  # fmt: skip
        origin.changed = True
    origins[0].also = tuple(origins[1:])
    answered = [(item.attributes[0], "\n".join(texts))]
    instance = reader.classification(item, answered, hash_of(1 << 34), frame, origins[0])
    words = [_words(reader, entry, text) for entry, text in zip(entries, texts, strict=True)]
    return [(instance, _said(reader, entries, words))]


def _words(reader: Reader, entry: Any, text: str) -> dict[str, Any]:
    """Return what an annotation with a caption says that is written as such again."""
    if entry.category_id is None:
        return {"caption": text}
    if number_of(entry.category_id) in reader.categories:
        return {"caption": text, "category": reader.label_of(entry)}
    return {"caption": text, "category_id": entry.category_id}
