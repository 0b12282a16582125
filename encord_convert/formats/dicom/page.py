"""DICOM series: which slice every frame of a label row shows.

What it is
    The images of CT, MR, ultrasound and the like, a file per slice or many frames in one file. Reading gives a label
    row per series, without labels, with the series and slice metadata labels need to find their slice again.

Files on disk
    Read: DICOM files (PS3.10) in a folder, a ZIP archive or alone, under any name; ``.json`` and ``.md`` files are
    skipped as descriptions, as is the index of a CD (DICOMDIR). Volumes of other formats (NIfTI, NRRD) are named and
    not read. Headers are read as far as the pixels, which are never decoded. Also the two arrays in the DICOM JSON
    model (PS3.18 Annex F) that ``dicom`` writes: ``series.json``, a data set per series, and ``instances.json``, one
    per frame. ``dicom-table`` writes ``dicom.csv``, a line per frame, for people; it is not read.

How each hub thing maps
    ======================  =================================================================================
    label row               a series (SeriesInstanceUID); its title is that UID
    series metadata         PatientID (null if empty), StudyInstanceUID, SeriesInstanceUID
    frame                   a slice, or a frame of a multi-frame file
    slice metadata          SOPInstanceUID; the frame number in the file, from 1 (null in a file of one image); the
                            file's name below the folder; Columns and Rows of that very slice
    ``tags`` of a slice     InstanceNumber, ImagePositionPatient, ImageOrientationPatient, PixelSpacing, the windows, …
                            in the DICOM JSON model, those of the frame itself in an enhanced file
    ======================  =================================================================================

    Frames are ordered by ImagePositionPatient along the normal of the stack, ascending. Several slices at one position
    (phases, echoes, b-values) are ordered stack by stack, and a note names what separates them. Without geometry, or if
    most slices do not share a direction (rotational views, localizers in three planes), InstanceNumber decides, else
    the time, else the file name, with a note; frames of a cine file stay as stored. Planes of a dose are placed by
    GridFrameOffsetVector. Slices outside a stack follow it. Missing slices are reported, not invented. The order does
    not depend on the order in which files are found. Hosted services do not document theirs: match slices by UID and
    frame number, never by frame alone.

    Patient names are kept out of rows, messages and tables unless ``patient_name`` is set.
    PatientID is part of the series metadata; ``patient_id`` hashes or drops it. ``encord-convert info`` counts patients
    and shows neither.

What is lost
    Reading: pixels and all other attributes, which the report names (ELEMENT_NOT_KEPT). Files that are cut short
    (TRUNCATED), damaged, without an image (reports, plans, contours: NO_PICTURE) or segmentations, and the second of
    two different files of one UID, are counted and left out; the rest of the folder is read. Of identical files one is
    read. Files without SeriesInstanceUID are one series a folder and study (NO_UID). Elements added to the DICOM JSON
    of a series or slice are kept and written back. A base for frame numbers is not documented: a 0 is kept as it came
    in label rows, and the importer counts from 1, as DICOM does.
    Writing: every object and classification, and rows of other media.

Dialects met in the wild
    Files without preamble or meta group; implicit, big-endian and deflated data sets, told from the bytes and not from
    what the file claims; a wrong or missing character set; numbers with commas; private sequences of undefined length.

Sources
    PS3.3 C.7.6.2, C.7.6.16 and C.8.8.3.2, PS3.5 6.1 and 7, PS3.10 7, PS3.18 Annex F; ``fixtures/dicom``, whose
    ``ct_series`` states its expected order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from encord_convert.errors import ReadError
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._files import Source
from encord_convert.formats.dicom.elements import is_bare
from encord_convert.formats.dicom.headers import Header, Refused, Slice, read_header
from encord_convert.formats.dicom.json_model import (
    INSTANCES,
    SERIES,
    json_folder,
    read_json,
    walk,
    write_json,
    write_table,
)
from encord_convert.formats.dicom.order import Order, ordered
from encord_convert.formats.dicom.slices import FAMILY, Row, label_row, slice_block
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Kind, Level, Where
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

BESIDE = (".json", ".md")
"""Suffixes of descriptions next to the images."""
VOLUMES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".mgz", ".mgh")
"""Suffixes of volumes in other formats."""
_NOT_DICOM = "Files that are not DICOM were skipped."
_MOST_ELEMENTS, _MOST_FILES = 2_000, 10
"""Number of names listed individually."""
LOOKED_AT = 16
"""Members checked to recognise a folder."""

CARRIES = Carries(
    shapes=frozenset(),
    data_types=frozenset({DataType.DICOM}),
    features=frozenset({Feature.EMPTY_ROWS}),
    native=frozenset({FAMILY}),
)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of reading."""

    order: Order = field(
        default="position",
        metadata={"help": "Order of frames: along the stack, by InstanceNumber, or by file name as given."},
    )
    cut_pixels: Literal["refuse", "keep"] = field(
        default="refuse",
        metadata={"help": "What to do with files whose header is whole and whose pixels are cut short."},
    )
    patient_id: Literal["keep", "hash", "drop"] = field(
        default="keep", metadata={"help": "What becomes of PatientID; hash needs patient_key."}
    )
    patient_key: str | None = field(
        default=None, metadata={"help": "Secret by which patient_id=hash gives the same patient the same text."}
    )
    patient_name: bool = field(
        default=False, metadata={"help": "Keep the patient's name in the client metadata of the row."}
    )

    def __post_init__(self) -> None:
        """Raise for a hash without a key, which could be undone by trying all numbers."""
        if self.patient_id == "hash" and not self.patient_key:
            raise ValueError("patient_id=hash needs patient_key, a secret of yours.")


def identify(source: Source) -> Match:
    """Say yes if any of a few members begins like DICOM, or if our two arrays exist."""
    if json_folder(source) is not None:
        return Match.YES
    names = _candidates(source)
    for name in names[:: max(1, len(names) // LOOKED_AT)]:
        try:
            head = source.head(name, 132)
        except ReadError:
            continue
        if head[128:] == b"DICM" or is_bare(head):
            return Match.YES
    return Match.NO


def _candidates(source: Source) -> list[str]:
    names = source.names()
    return names if len(names) == 1 else [name for name in names if not name.lower().endswith(BESIDE)]


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read the headers, order the slices, and stream a row per series.

    Raises
    ------
    ReadError
        Nothing there is a DICOM image, or the DICOM JSON is broken.
    """
    folder = json_folder(source)
    if folder is not None:
        return _from_json(source, folder)
    counts = Counts()
    gathering = _Gathering(source, options, counts)
    series = gathering.series()
    rows = [_row(members, options, counts) for members in series]
    _say_what_it_is(series, counts)
    gathering.tell_others()
    draft = Draft("dicom")

    def stream() -> Iterator[LabelRowV2]:
        for row, slices in rows:
            blocks = {frame: slice_block(one) for frame, one in enumerate(slices)}
            made = label_row(draft, row._replace(slices=blocks), (row.title,))
            made._origin = source.name
            yield made

    return LabelSet(draft.ontology, stream, counts=counts)


def _from_json(source: Source, folder: str) -> LabelSet:
    draft = Draft("dicom")
    counts = Counts()
    others = [name for name in source.names() if name not in (folder + SERIES, folder + INSTANCES)]
    if others:
        detail = f"DICOM JSON is read; files next to it are not: {_named(others, _MOST_FILES)}."
        counts.note(Level.WARNING, "FILE_NOT_READ", detail, count=len(others))
    counts.mark_head()

    def stream() -> Iterator[LabelRowV2]:
        counts.rewind()
        for number, row in read_json(source, folder, counts):
            series_uid = row.series["series_uid"] if row.series else None
            made = label_row(draft, row, (series_uid,) if series_uid == row.title else (row.title, number))
            made._origin = source.place(folder + SERIES)
            counts.into["row", ""] += 1
            yield made

    first = next(stream(), None)
    labels = LabelSet(draft.ontology, stream, title=first.dataset_title if first is not None else "", counts=counts)
    labels.native[FAMILY] = {}
    return labels


def _named(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


class _Series:
    """The slices of one series, while they are collected."""

    __slots__ = ("files", "head", "slices")

    def __init__(self, head: Header) -> None:
        self.head = head._replace(slices=[], problems=[])
        self.files = 0
        self.slices: list[Slice] = []


class _Gathering:
    """Reads all files of a source, and counts each."""

    def __init__(self, source: Source, options: ReadOptions, counts: Counts) -> None:
        self._source = source
        self._options = options
        self._counts = counts
        self._series: dict[str, _Series] = {}
        self._files: dict[str, str] = {}
        self._first_refusal = ""
        self._others: Counter[int] = Counter()
        self._volumes: list[str] = []

    def series(self) -> list[_Series]:
        """Return the series by UID."""
        for name in _candidates(self._source):
            place = Where(file=self._source.place(name))
            try:
                header = self._header(name)
            except (Refused, ReadError) as error:
                self._refuse(error, name, place)
            else:
                self._take(header, name, place)
        if not self._series:
            raise ReadError(self._source.name, "holds no DICOM image.", advice=self._first_refusal or None)
        return [self._series[uid] for uid in sorted(self._series)]

    def tell_others(self) -> None:
        """Note header elements that are not kept, by tag, and files that were not read."""
        if self._volumes:
            named = _named(self._volumes, _MOST_FILES)
            detail = f"Volumes of voxels or masks next to the series were not read: {named}."
            self._counts.note(Level.WARNING, "VOLUME_NOT_READ", detail, count=len(self._volumes))
        for number, (tag, count) in enumerate(sorted(self._others.items())):
            name = f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if number < _MOST_ELEMENTS else "more of them"
            detail = f"Header elements that are not kept: {name}."
            self._counts.note(Level.INFO, "ELEMENT_NOT_KEPT", detail, count=count)
        for name in sorted(set(self._source.names()).difference(_candidates(self._source))):
            self._counts.note(Level.INFO, "NOT_DICOM", _NOT_DICOM, Where(file=self._source.place(name)))

    def _header(self, name: str) -> Header:
        options = self._options
        with self._source.open(name) as stream:
            return read_header(
                stream, self._source.size(name), name,
                keep_cut=options.cut_pixels == "keep", names=options.patient_name,
            )  # fmt: skip

    def _refuse(self, error: Refused | ReadError, name: str, where: Where) -> None:
        code, sentence = (error.code, error.sentence) if isinstance(error, Refused) else ("UNREADABLE", str(error))
        self._first_refusal = self._first_refusal or f"{name}: {sentence}"
        if code == "NOT_DICOM" and name.lower().endswith(VOLUMES):
            self._volumes.append(name)
            return
        if code == "NOT_DICOM":
            is_index = sentence.endswith("(DICOMDIR).")
            detail = "The index of the files (DICOMDIR) was skipped." if is_index else _NOT_DICOM
            self._counts.note(Level.INFO, code, detail, where)
            return
        self._counts.into["file", ""] += 1
        self._counts.drop(code, Feature.MEDIA, ("file", ""), where, sentence)

    def _take(self, header: Header, name: str, where: Where) -> None:
        self._counts.into["file", ""] += 1
        uid = header.slices[0].uid
        first = self._files.setdefault(uid, name)
        if first != name:
            key = ("file", "")
            if self._digest(first) == self._digest(name):
                detail = "It is identical to another file and is read once."
                self._counts.change(Kind.MERGED, "DUPLICATE", Feature.MEDIA, key, where, detail)
            else:
                detail = f"It has the SOPInstanceUID of {first} but differs; the first by name is read."
                self._counts.drop("DUPLICATE_UID", Feature.MEDIA, key, where, detail)
            return
        for code, sentence in header.problems:
            self._counts.note(Level.WARNING, code, sentence, where)
        self._others.update(header.others)
        series_key = header.series or f"{header.study} {name[: name.rfind('/') + 1]}"
        series = self._series.get(series_key)
        if series is None:
            series = self._series[series_key] = _Series(header)
        elif (header.study, header.patient) != (series.head.study, series.head.patient):
            fact = "Files of one series differ in study or patient; the row has those of the first file by name."
            self._counts.note(Level.WARNING, "SERIES_DIFFERS", fact, where)
        series.files += 1
        series.slices += header.slices

    def _digest(self, name: str) -> bytes:
        digest = blake2b(digest_size=16)
        with self._source.open(name) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.digest()


def _row(series: _Series, options: ReadOptions, counts: Counts) -> tuple[Row, list[Slice]]:
    slices, notes = ordered(series.slices, options.order)
    series.slices = []
    first, head = slices[0], series.head
    title = head.series or first.file
    where = Where(row=title)
    for code, sentence in notes:
        level = Level.INFO if code == "ORDERED_BY" else Level.WARNING
        counts.note(level, code, f"Series {title}: {sentence}", where)
    others = sum((slice_.width, slice_.height) != (first.width, first.height) for slice_ in slices)
    if others:
        fact = f"{others} of {len(slices)} slices are not {first.width} × {first.height}; each keeps its own size."
        counts.note(Level.WARNING, "SIZE_DIFFERS", f"Series {title}: {fact}", where)
    block = {"patient_id": _patient(head.patient, options), "study_uid": head.study, "series_uid": head.series}
    client = {"patient_name": head.patient_name} if head.patient_name else None
    return Row(title, "", first.width, first.height, len(slices), block, {}, client), slices


def _patient(patient: str | None, options: ReadOptions) -> str | None:
    if patient is None or options.patient_id == "drop":
        return None
    if options.patient_id == "keep":
        return patient
    import hmac

    return hmac.new((options.patient_key or "").encode(), patient.encode(), "sha256").hexdigest()


def _say_what_it_is(series: list[_Series], counts: Counts) -> None:
    """Note the amount of data of each modality; patients are counted, not named."""
    for modality in sorted({entry.head.modality for entry in series}):
        heads = [each for each in series if each.head.modality == modality]
        parts = (
            (len(heads), "series", "series"),
            (sum(head.files for head in heads), "file", "files"),
            (len({item.head.study for item in heads}), "study", "studies"),
            (len({one.head.patient for one in heads if one.head.patient}), "patient", "patients"),
        )
        summary = ", ".join(f"{count} {word if count == 1 else words}" for count, word, words in parts)
        counts.note(Level.INFO, "MODALITY", f"{modality or 'Unknown modality'}: {summary}.")


FORMAT = Format(
    name="dicom",
    title="DICOM series metadata",
    spec="https://dicom.nema.org/medical/dicom/current/output/html/part03.html",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES),
    exporter=Exporter.of_narrowed(write_json, NoOptions, CARRIES, walk=walk),
)

FORMAT_TABLE = Format(
    name="dicom-table",
    title="DICOM series metadata as a table",
    spec="https://dicom.nema.org/medical/dicom/current/output/html/part03.html",
    suffixes=(".csv",),
    identify=identify,
    exporter=Exporter.of_narrowed(write_table, NoOptions, CARRIES, walk=walk),
)

__all__ = ["FORMAT", "FORMAT_TABLE", "INSTANCES", "SERIES"]
