"""COCO files to a label set: which files of a source are read, what they are together, and their rows when walked.

The page of the format is :mod:`encord_convert.formats.coco`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._coco_documents import Document
from encord_convert.formats._coco_entries import NO_ID, Entries
from encord_convert.formats._coco_indexes import Index
from encord_convert.formats._coco_objects import Reader
from encord_convert.formats._coco_options import ReadOptions
from encord_convert.formats._coco_parts import Part
from encord_convert.formats._coco_pictures import Pictures
from encord_convert.formats._coco_plans import Category, Plans, categories_by_id
from encord_convert.formats._files import FileSource, Source
from encord_convert.labelset import Draft, LabelSet
from encord_convert.ledger import Ledger
from encord_convert.losses import Level, Where
from encord_convert.report import Report
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sheets import Sheet

DEPTH = 3
_MOST_LOOKED_AT = 64
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:\s*\[)?|[\[\]{}]')
_BLOCKS = frozenset({b"images", b"annotations", b"categories"})
_RESULT = re.compile(rb'\[\s*\{(?:[^{}]|\{[^{}]*\})*?"(?:image_id|video_id)"\s*:')
_SPLIT = re.compile(
    r"(?:instances|person_keypoints|captions|labels|stuff|panoptic|images?_info|image_labels)_(.+?)\.json(?:\.gz)?"
)


# -- which files --------------------------------------------------------------------------------------------------


def kind_of_file(source: Source, name: str) -> str:
    """Return ``object`` for a file that begins like COCO, ``list`` for one that begins like results, else nothing."""
    try:
        head = source.head(name)
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(31).decompress(head, 1 << 16)
    except (ReadError, OSError, ValueError, zlib.error):
        return ""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"["):
        return "list" if _RESULT.match(text) else ""
    return "object" if _begins_like_coco(text) else ""


def files_of(source: Source) -> dict[str, str]:
    """Return the files of a source that are COCO, each with its kind; JSON files, plain or as gzip."""
    names = source.names(".json", depth=DEPTH)
    names += [name for name in source.names(".json.gz", depth=DEPTH) if name not in names]
    kinds = {name: kind_of_file(source, name) for name in names[:_MOST_LOOKED_AT]}
    return {name: kind for name, kind in kinds.items() if kind}


def _begins_like_coco(text: bytes) -> bool:
    depth = 0
    for token in _TOKEN.finditer(text) if text.startswith(b"{") else ():
        key, opens_list = token.groups()
        if key is None:
            depth += 1 if token.group() in b"{[" else -1
        elif opens_list:
            if depth == 1 and key in _BLOCKS:
                return True
            depth += 1
    return False


# -- reading ------------------------------------------------------------------------------------------------------


def read_source(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read the COCO files of a source; the parameters are those of every importer."""
    reading = _Reading(source, options)
    report.reading = reading.ledger
    title = next((str(part.index.info.get("description") or "") for part in reading.parts), "")
    return LabelSet(reading.draft.ontology, sheets=partial(_sheets, reading), title=title, ledger=reading.ledger)


def _sheets(reading: _Reading) -> Iterator[Sheet | LabelRowV2]:
    reading.ledger.rewind()
    return Pictures(reading.source, reading.draft, reading.parts, reading.options.size_px()).sheets()


_TEXTS = ("name", "label", "value", "featureNodeHash", "feature_node_hash", "color", "shape", "type")


def _check_texts(given: Any) -> None:
    """Check that what the ontology calls things are texts, at any depth.

    Raises
    ------
    TypeError
        They are not.
    """
    if isinstance(given, dict):
        for name in _TEXTS:
            if not isinstance(given.get(name, ""), str):
                raise TypeError(f"{name} is {given[name]!r}, which is no text")
        for value in given.values():
            _check_texts(value)
    elif isinstance(given, list):
        for value in given:
            _check_texts(value)


class _Reading:
    """What is known of a source after the first walk."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source = source
        self.options = options
        self.ledger = Ledger()
        self.draft = Draft("coco")
        self.parts: list[Part] = []
        files = files_of(source)
        members = [name for name, kind in files.items() if kind == "object"]
        results = [name for name, kind in files.items() if kind == "list"]
        if options.ground_truth is not None and len(results) == 1:
            members = results
        elif members:
            for name in results:
                detail = "A results file is not read beside its ground truth; read it with -r ground_truth=PATH."
                self.ledger.note(Level.WARNING, "RESULTS_IGNORED", detail, Where(file=source.place(name)))
        else:
            members = results or source.names(".json", DEPTH)[:1]
        if not members:
            raise ReadError(source.name, "holds no COCO file.")
        indexes = [self._index(member) for member in members]
        infos = (pictures.info.get("encord") for _, pictures, _, _ in indexes)
        own: dict[str, Any] = next((info for info in infos if isinstance(info, dict)), {})
        self._take_ontology(own.get("ontology"))
        self.plans = Plans(self.draft, options, self.ledger)
        categories: list[Category] = []
        for index, pictures, entries, split in indexes:
            by_id = categories_by_id(pictures.categories, self.ledger)
            self._settle(index, by_id)
            categories += by_id.values()
            reader = Reader(self.draft, self.plans, options, self.ledger, index.document.place, by_id, entries)
            self._note(index)
            key = (index.document.member,) if len(indexes) > 1 else ()
            self.parts.append(Part(index.document, index, pictures.document, pictures, reader, split, key))
        self.plans.add(categories)
        if any(facts.kinds["caption"] for index, *_ in indexes for facts in index.facts.values()):
            self.plans.caption()
        for _, pictures, _, _ in indexes:
            self.plans.add_image_answers(pictures.image_answers)
        self.ledger.mark_head()

    def _index(self, member: str) -> tuple[Index, Index, Entries, str]:
        document, entries = Document(self.source, member), Entries()
        index = Index(document, entries, with_extras=self.options.extras == "attributes")
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
        pictures = Index(Document(FileSource(path), path.name), Entries())
        pictures.take(self.options.pattern(), only="images")
        index.take()
        return index, pictures, entries, split

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
            _check_texts(given)
            self.draft.ontology = OntologyStructure.from_dict(given)
        except (EncordException, KeyError, TypeError, ValueError, AttributeError) as error:
            if self.options.ontology is not None:
                raise ReadError(self.options.ontology, f"is not an ontology structure ({error}).") from error
            detail = "The ontology in the file is damaged; the classes follow from the data."
            self.ledger.note(Level.WARNING, "INVALID_ONTOLOGY", detail)
            self.draft.ontology = OntologyStructure()

    def _settle(self, index: Index, by_id: dict[int, Category]) -> None:
        """Join what the annotations of each category are with the categories."""
        if not by_id and index.facts:
            by_id[NO_ID] = Category("object")
        for id_, facts in index.facts.items():
            if id_ in by_id:
                by_id[id_].facts.merge(facts)
        if NO_ID in by_id and not set(by_id[NO_ID].facts.kinds) - {"caption"}:
            del by_id[NO_ID]

    def _note(self, index: Index) -> None:
        where = Where(file=index.document.place)
        for key in index.unread:
            if key not in ("videos", "images", "categories"):
                self.ledger.note(Level.INFO, "BLOCK_NOT_READ", f"The block {key!r} has no place in the hub.", where)
        repeated = index.repeated_ids()
        if repeated:
            detail = "Annotations have the id of another; all are read."
            self.ledger.note(Level.WARNING, "DUPLICATE_ID", detail, where, count=repeated)
