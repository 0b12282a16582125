"""COCO files to a label set: which files of a source are read, what they are together, and their rows when walked.

A file of nothing but stills can be cut between images: what the first walk found goes to each process with its part.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import FileSource, FolderSource, Source
from encord_convert.formats._hub_schema import ontology_from
from encord_convert.formats.coco.identify import DEPTH, files_of
from encord_convert.formats.coco.index import Index
from encord_convert.formats.coco.index_entries import NO_ID, Entries
from encord_convert.formats.coco.index_records import Join
from encord_convert.formats.coco.json_walk import Document
from encord_convert.formats.coco.native import FAMILY, Natives, lose_block
from encord_convert.formats.coco.ontology import Category, Plans, categories_by_id
from encord_convert.formats.coco.options import ReadOptions
from encord_convert.formats.coco.read_document import Part
from encord_convert.formats.coco.read_images import Images, shared_images, together, written_ids
from encord_convert.formats.coco.read_shapes import Reader
from encord_convert.hub.class_names import joined, label_of
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import Before, LabelSet
from encord_convert.hub.loss import Level, Where
from encord_convert.hub.media import apart
from encord_convert.hub.table import Table
from encord_convert.losses.report import Report
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure, Shape

_IMAGE_BYTES = 256
"""What an image without annotations weighs when files are cut."""
_SPLIT = re.compile(
    r"(?:instances|person_keypoints|captions|labels|stuff|panoptic|images?_info|image_labels)_(.+?)\.json(?:\.gz)?"
)


def read_source(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read the COCO files of a source; the parameters are those of every importer."""
    reading = _Reading(source, options)
    report.reading = reading.counts
    return _labels(reading, shards=partial(_shards, reading) if _can_be_cut(reading) else None)


def _labels(reading: _Reading, span: range | None = None, shards: Any = None) -> LabelSet:
    structure, counts = reading.draft.ontology, reading.counts
    title = next((str(part.index.info.get("description") or "") for part in reading.parts), "")
    labels = LabelSet(structure, tables=partial(_tables, reading, span), title=title, counts=counts, shards=shards)
    labels.native = {FAMILY: reading.native.of_set}
    labels.splits = {split for part in reading.parts for split in part.splits() if split}
    return labels


def _tables(reading: _Reading, span: range | None) -> Iterator[Table | LabelRowV2]:
    reading.counts.rewind()
    images = Images(reading.source, reading.draft, reading.parts, reading.options.size_px(), reading.shared)
    return images.tables(span)


Indexed = tuple[Index, Index, Entries, str]
"""Of a document: the index of its annotations, that of its images, what decodes them, and its split."""


class _Reading:
    """What is known of a source after the first walk.

    Parameters
    ----------
    source : Source
    options : ReadOptions
    spec : Spec, optional
        What the first walk found, if that is known.

    Attributes
    ----------
    indexes : list of Indexed
    is_alone : bool
        The source is one file, or has but one that is COCO.
    """

    def __init__(self, source: Source, options: ReadOptions, spec: Spec | None = None) -> None:
        self.source = source
        self.options = options
        self.counts = Counts()
        self.draft = Draft("coco")
        self.parts: list[Part] = []
        self._labels: dict[str, str] = {}
        self.is_alone = False
        self.indexes = indexes = self._indexes() if spec is None else [spec.indexed]
        infos = (images.info.get("encord") for _, images, _, _ in indexes)
        own: dict[str, Any] = next((info for info in infos if isinstance(info, dict)), {})
        self._take_ontology(own.get("ontology"))
        self.plans = Plans(self.draft, options, self.counts)
        categories: list[Category] = []
        by_part: list[list[Category]] = []
        folders = apart([index.document.member for index, *_ in indexes])
        for (index, images, entries, split), folder in zip(indexes, folders, strict=True):
            by_id = categories_by_id(images.categories, self.counts)
            for category in by_id.values():
                category.name = self._labels.get(category.name, category.name)
            by_part.append(list(by_id.values()))
            self._settle(index, by_id)
            categories += by_id.values()
            reader = Reader(self.draft, self.plans, options, self.counts, index.document.place, by_id, entries)
            self._note(index)
            key = (index.document.member,) if len(indexes) > 1 else ()
            join = spec.join if spec is not None else None
            self.parts.append(Part(index.document, index, images.document, images, reader, split, key, folder, join))
        self.shared = shared_images(self.parts)
        image_ids = [written_ids(number, part, self.shared[1]) for number, part in enumerate(self.parts)]
        self.native = Natives([one[:2] for one in indexes], by_part, image_ids, self.counts)
        for part in self.parts:
            part.reader.native = self.native.ids
        self.plans.add(categories)
        if any(stats.kinds["caption"] for index, *_ in indexes for stats in index.stats.values()):
            most = max((count for index, *_ in indexes for count in index.captions.values()), default=1)
            for number in range(most):
                self.plans.caption(number)
        for _, images, _, _ in indexes:
            self.plans.add_image_answers(images.image_answers)
        if spec is None or not spec.span.start:  # what was found before the rows is told with the first of them
            self.counts.mark_head()

    def _indexes(self) -> list[Indexed]:
        """Walk all documents for the first time."""
        source = self.source
        files = files_of(source)
        self.is_alone = len(files) == 1
        members = [name for name, kind in files.items() if kind == "object"]
        results = [name for name, kind in files.items() if kind == "list"]
        if self.options.ground_truth is not None and len(results) == 1:
            members = results
        elif members:
            for name in results:
                detail = "A results file is not read beside its ground truth; read it with -r ground_truth=PATH."
                self.counts.note(Level.WARNING, "RESULTS_IGNORED", detail, Where(file=source.place(name)))
        else:
            members = results or source.names(".json", DEPTH)[:1]
        if not members:
            raise ReadError(source.name, "holds no COCO file.")
        self._tell_others({*members, *files})
        return [self._index(member) for member in members]

    def _tell_others(self, known: set[str]) -> None:
        endings = (".json", ".json.gz")
        others = [name for name in self.source.names() if name.lower().endswith(endings) and name not in known]
        if others:
            from encord_convert.formats._beside import tell_json

            tell_json(self.source, others, self.counts)

    def _index(self, member: str) -> Indexed:
        document, entries = Document(self.source, member), Entries()
        separate = self.options.captions == "separate"
        index = Index(document, entries, with_extras=self.options.extras == "attributes", with_captions=separate)
        found = _SPLIT.fullmatch(member.rpartition("/")[2])
        split = found.group(1) if found else ""
        truth = self.options.ground_truth
        if not document.is_list():
            index.take(self.options.pattern())
            if not (len(index.image_ids()) or index.videos or len(index.records) or index.categories
                    or index.seen & {"images", "videos"}):  # fmt: skip
                raise ReadError(document.place, "has none of the lists images, annotations, categories.")
            return index, index, entries, split
        if truth is None:
            fact = "is a list of results: it has no images and no categories of its own."
            raise ReadError(document.place, fact, advice="Name the ground truth with -r ground_truth=PATH.")
        path = Path(truth)
        if not path.is_file():
            raise ReadError(truth, "there is no such file.", advice="It is the ground truth of a results file.")
        images = Index(Document(FileSource(path), path.name), Entries())
        images.take(self.options.pattern(), only="images")
        index.take()
        return index, images, entries, split

    def _take_ontology(self, own: Any) -> None:
        """Take over the classes that the options or the file itself describe."""
        given = own
        if self.options.ontology is not None:
            path = Path(self.options.ontology)
            try:
                given = msgspec.json.decode(path.read_bytes())
            except OSError as error:
                raise ReadError(str(path), f"cannot be read ({error.strerror}).") from error
            except (msgspec.DecodeError, RecursionError) as error:
                raise ReadError(str(path), f"is not JSON ({error}).") from error
        if given is None:
            return
        try:
            ontology_from(msgspec.json.encode(given))
            self.draft.ontology = OntologyStructure._from_dict(joined(given))
            self._labels = {one["name"]: label_of(one) for one in given["objects"]}
        except (EncordException, KeyError, TypeError, ValueError, AttributeError) as error:
            if self.options.ontology is not None:
                raise ReadError(self.options.ontology, f"is not an ontology structure ({error}).") from error
            detail = "The ontology in the file is damaged; the classes follow from the data."
            self.counts.note(Level.WARNING, "INVALID_ONTOLOGY", detail)
            self.draft.ontology = OntologyStructure()

    def _settle(self, index: Index, by_id: dict[int, Category]) -> None:
        """Join what the annotations of each category are with the categories."""
        if not by_id and index.stats:
            by_id[NO_ID] = Category("object")
        for id_, stats in index.stats.items():
            if id_ in by_id:
                by_id[id_].stats.merge(stats)
        if NO_ID in by_id and not set(by_id[NO_ID].stats.kinds) - {"caption"}:
            del by_id[NO_ID]

    def _note(self, index: Index) -> None:
        where = Where(file=index.document.place)
        for key in index.unread:
            if key in index.other_annotations:
                detail = f"The block {key!r} holds annotations beside 'annotations', and was not read."
                lose_block(self.counts, key, detail, where)
            elif key in ("info", "videos", "images", "categories"):
                form = "an object" if key == "info" else "a list or an object of objects"
                detail = f"The block {key!r} is not {form}, and was not read."
                lose_block(self.counts, key, detail, where)
            else:
                detail = f"The block {key!r} is long and not one of COCO; it was not read."
                lose_block(self.counts, key, detail, where)
        if index.invalid_images:
            lose_block(self.counts, "images", "An entry of 'images' is not an object, and was not read.", where,
                       index.invalid_images)  # fmt: skip
        if index.renamed:
            detail = f"The annotations stand in the block {index.renamed!r}."
            self.counts.note(Level.WARNING, "BLOCK_RENAMED", detail, where)
        if index.repeated:
            detail = "Annotations have the id of another; all are read."
            self.counts.note(Level.WARNING, "DUPLICATE_ID", detail, where, count=index.repeated)


# -- shards -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spec:
    """What another process needs to make the rows of some images: what the first walk found, and which they are.

    Parameters
    ----------
    source : Source
    options : ReadOptions
    indexed : Indexed
    join : Join
        Its records are shared.
    span : range
        The images, by their place in the file.
    """

    source: Source
    options: ReadOptions
    indexed: Indexed
    join: Join
    span: range


def _can_be_cut(reading: _Reading) -> bool:
    """Tell whether other processes can read parts of the source: it is one file of stills, as it lies on disk.

    Categories that share a name are one class, whose answers and shapes may only turn out when rows are made.
    """
    if not reading.is_alone or type(reading.source) not in (FileSource, FolderSource):
        return False
    [part] = reading.parts
    names = [category.name for category in part.reader.categories.values()]
    return (
        part.document is part.images
        and part.document.is_file
        and part.index.is_still
        and not part.videos
        and not part.images_index.groups().any()
        and len(set(names)) == len(names)
        and not (reading.native.ids.keeps("annotation") and part.index.annotation_ids.missing)
    )


def _shards(reading: _Reading, count: int) -> list[LabelSet]:
    """Cut the images between tables, into parts of about equal size."""
    [part] = reading.parts
    join, total = part.join, len(part.images_index.image_ids())
    images = (place for place in range(total) if place not in join.repeated)
    tables = [(some[0], _IMAGE_BYTES * len(some) + sum(map(join.length, some))) for some in together(part, images)]
    step = sum(size for _, size in tables) / count
    starts, passed = [0], 0.0
    for first, size in tables:
        if first and passed + size / 2 >= step * len(starts):
            starts.append(first)
        passed += size
    if len(starts) == 1:
        return [_labels(reading)]
    join.share()
    spans = [range(start, end) for start, end in pairwise([*starts, total])]
    common = (reading.source, reading.options, reading.indexes[0], join)
    return [open_shard(Spec(*common, span)) for span in spans]


def open_shard(spec: Spec) -> LabelSet:
    """Return the part of a label set that a spec describes, in whatever process this runs.

    The parts have the ontology of the whole; their rows, one part after the other, are its rows, and their counts,
    merged in that order, its counts.
    """
    labels = _labels(_Reading(spec.source, spec.options, spec), spec.span)
    first = spec.span.start
    # Each annotation is an object of some shape, as long as nothing shows that it is not.
    labels.before = Before(first, {Shape.BOUNDING_BOX: spec.join.span(first).start})
    labels.spec = (f"{__name__}:{open_shard.__name__}", spec)
    return labels
