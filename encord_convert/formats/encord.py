"""The hub itself as JSON: exact, deterministic, and the form of every golden file.

What it is
    An ontology and its label rows, each in the JSON form Encord's service and SDK exchange.

Files on disk
    A folder (or ZIP) of two files: ``ontology.json`` holds the ontology structure; ``label_rows.jsonl`` holds one label
    row a line. UTF-8, no byte-order mark.

How each hub thing maps
    To itself, but for names: a label drawn in several shapes is classes of one name in the hub, and in the file all but
    the first have their shape behind it, ``car (polygon)``. Read back they have one name again; a class somebody called
    so keeps its own, which the hashes tell (:mod:`encord_convert.hub.class_names`). Two keys of the listing record that
    a label row has no place for stand next to its own: ``number_of_frames`` and, where there is one,
    ``client_metadata``. Other readers of label rows pass them over.

What is lost
    Nothing. Keys this version does not know are kept where they stood.

Dialects met in the wild
    Rows of newer servers carry ``branch_name``, ``spaces``, numeric answers and shapes of other media; they come back
    as they were. Ellipses, circles and cuboids in the plane are shapes like the older ones; the cuboid of another
    tool whose back face is neither its front moved nor shrunk is the one nearest to it, with the corners of its own
    next to that under ``back``, which other readers pass over. Newer rows say where a classification is in a ``range``
    of its answers, older ones in an entry on each frame. Either is read, and both are written, with who made it and
    when, so that every version reads the same. Where a row says both and they differ, ``range`` counts for the frames
    and the entries count for the author, and the report has a note of each (RANGE_DIFFERS, AUTHOR_DIFFERS).

Sources
    Label rows and ontologies made with the official package 0.1.104 and, marked ``newer``, with 0.1.190:
    ``fixtures/hub``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._files import Source, Target
from encord_convert.formats._hub_schema import ontology_from, row_from, words_of
from encord_convert.hub.class_names import joined, names_given, rename, told_apart
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.native import HUB, UNREAD
from encord_convert.hub.unread import RowCheck, check_names, differences
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType, _NewerDataType
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure, Shape
from encord_convert.sdk.objects.common import NewerShape

ONTOLOGY = "ontology.json"
ROWS = "label_rows.jsonl"

_CHUNK_BYTES = 1 << 20


class _EveryShape(frozenset[Shape]):
    """Shapes by name, unknown ones included."""

    def __contains__(self, shape: object) -> bool:
        return isinstance(shape, Shape | NewerShape)

    def __or__(self, other: object) -> _EveryShape:
        return self


CARRIES = Carries(
    shapes=_EveryShape((*Shape, *NewerShape)),
    data_types=frozenset((*DataType, *_NewerDataType)),
    features=frozenset(Feature),
    native=HUB,
)


@dataclass(frozen=True, slots=True)
class _Names:
    """The two members, wherever they are together in the source."""

    ontology: str
    rows: str


def _find(source: Source) -> _Names | None:
    for name in source.names(ROWS, depth=2):
        if not name.endswith(ROWS):
            continue  # a file given directly may have any name
        folder = name[: -len(ROWS)]
        ontology = folder + ONTOLOGY
        if ontology in source.names(ONTOLOGY, depth=2):
            return _Names(ontology, name)
    return None


def identify(source: Source) -> Match:
    """Say yes to a folder or archive that holds both files."""
    return Match.YES if _find(source) else Match.NO


def read(source: Source, options: NoOptions, report: Report) -> LabelSet:
    """Read an ontology and stream its label rows.

    Raises
    ------
    ReadError
        A file is missing, is not JSON, or holds what is not an ontology or a label row of it.
    """
    names = _find(source)
    if names is None:
        raise ReadError(source.name, f"expected {ONTOLOGY} and {ROWS} side by side, found no such pair.")
    with source.open(names.ontology) as stream:
        text = stream.read()
    structure = _parsed_ontology(text, source.place(names.ontology))
    check = RowCheck(structure)
    rows = partial(_rows, source, names.rows, structure, check)
    first = next(rows(), None)
    title = first.dataset_title if first is not None else ""
    path = source.path(names.rows)
    cut = None if path is None else partial(_shards, path, source.place(names.rows), structure, title)
    labels = LabelSet(structure, rows, title=title, shards=cut)
    labels.native[UNREAD] = unread_of(msgspec.json.decode(text), told_apart(structure.to_dict()))
    return labels


def _parsed_ontology(text: bytes, place: str) -> OntologyStructure:
    try:
        structure = OntologyStructure._from_dict(joined(ontology_from(text)))
        check_names(structure)
        return structure
    except msgspec.ValidationError as error:
        raise ReadError(place, f"is not an ontology structure ({words_of(error)}).") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(place, f"is not JSON ({error}).", advice="Was the file cut short?") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadError(place, f"is not an ontology structure ({type(error).__name__}: {error}).") from error


def unread_of(ontology: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """Return what the JSON of an ontology holds and its rewritten form does not."""
    return {f"ontology.{path}": value for path, value in differences(ontology, written)}


def _rows(source: Source, name: str, structure: OntologyStructure, check: RowCheck) -> Iterator[LabelRowV2]:
    with source.open(name) as stream:
        yield from _parsed_rows(stream, structure, check, source.place(name), 1)


def _parsed_rows(
    lines: Iterable[bytes], structure: OntologyStructure, check: RowCheck, place: str, first: int
) -> Iterator[LabelRowV2]:
    for number, line in enumerate(lines, first):
        if not line.isspace():
            yield _parsed_row(line, structure, check, place, number)


def _parsed_row(line: bytes, structure: OntologyStructure, check: RowCheck, place: str, number: int) -> LabelRowV2:
    try:
        members = row_from(line)
        row = LabelRowV2._from_dict(members, structure)
        row._native = check.unread(members, row._contents.unread)
    except msgspec.ValidationError as error:
        raise ReadError(place, f"is not a label row ({words_of(error)}).", line=number) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(place, f"is not JSON ({error}).", line=number, advice="Was the file cut short?") from error
    except (EncordException, LookupError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
        fact = str(error).partition(" timestamp=")[0].rstrip()
        raise ReadError(place, f"is not a label row of this ontology ({type(error).__name__}: {fact}).",
                        line=number) from error  # fmt: skip
    row._origin = place
    return row


@dataclass(frozen=True, slots=True)
class Spec:
    """A byte range of a file of rows, its first line number, and what it takes to read it."""

    path: Path
    place: str
    ontology: dict[str, Any]
    title: str
    start: int
    end: int
    line: int


def _shards(path: Path, place: str, structure: OntologyStructure, title: str, count: int) -> list[LabelSet]:
    """Cut the file between lines, into parts of about equal size."""
    specs, ontology = [], structure.to_dict()
    step = path.stat().st_size // count + 1
    with path.open("rb") as stream:
        start, line = 0, 1
        while chunk := _chunk(stream, step):
            length, lines = chunk
            specs.append(Spec(path, place, ontology, title, start, start + length, line))
            start, line = start + length, line + lines
    return [open_shard(spec) for spec in specs]


def _chunk(stream: BinaryIO, least: int) -> tuple[int, int] | None:
    """Read ``least`` bytes and the rest of the last line; return how many bytes and lines, None at the end."""
    length = lines = 0
    while length < least and (data := stream.read(min(_CHUNK_BYTES, least - length))):
        length, lines = length + len(data), lines + data.count(b"\n")
    rest = stream.readline()
    return (length + len(rest), lines + rest.count(b"\n")) if length else None


def open_shard(spec: Spec) -> LabelSet:
    """Return the shard of a label set that a spec describes, in any process."""
    structure = _parsed_ontology(msgspec.json.encode(spec.ontology), spec.place)
    check = RowCheck(structure)

    def rows() -> Iterator[LabelRowV2]:
        with spec.path.open("rb") as stream:
            stream.seek(spec.start)
            lines = takewhile(lambda _: stream.tell() <= spec.end, iter(stream.readline, b""))
            yield from _parsed_rows(lines, structure, check, spec.place, spec.line)

    labels = LabelSet(structure, rows, title=spec.title)
    labels.spec = (f"{__name__}:{open_shard.__name__}", spec)
    return labels


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write the ontology and one row a line."""
    encoder = msgspec.json.Encoder()
    ontology = narrowed.labels.ontology.to_dict()
    structure = told_apart(ontology)
    names = names_given(ontology, structure)
    with target.open(ROWS) as stream:
        for left in narrowed:
            members = row_dict(left.row)
            rename(members, names)
            stream.write(encoder.encode(members) + b"\n")
    with target.open(ONTOLOGY) as stream:
        stream.write(msgspec.json.format(encoder.encode(structure), indent=1) + b"\n")


def row_dict(row: LabelRowV2) -> dict[str, Any]:
    """Return a label row with the two keys of its listing record that the row form lacks."""
    members = row.to_encord_dict()
    members.setdefault("number_of_frames", row.number_of_frames)
    if row.client_metadata or members.get("client_metadata"):
        members["client_metadata"] = row.client_metadata
    return members


FORMAT = Format(
    name="encord",
    title="Encord ontology and label rows as JSON",
    spec="https://docs.encord.com/sdk-documentation/sdk-references/LabelRowV2",
    suffixes=(),
    identify=identify,
    importer=Importer(read, NoOptions, CARRIES, cuts=True),
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES),
)
