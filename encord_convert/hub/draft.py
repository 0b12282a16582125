"""Label rows and ontologies built from what a source says.

:class:`Draft` gives them hashes that follow from the source and from nothing else: no clock, no chance, no path of
this machine.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.hub.class_names import hash_of
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, OntologyStructure, Shape
from encord_convert.sdk.objects._label_row_data import LabelRowReadOnlyData, like, read_only_data_from
from encord_convert.sdk.objects.frames import Frames, frames_class_to_frames_list
from encord_convert.sdk.objects.ontology_labels_impl import DataUnit
from encord_convert.sdk.objects.ontology_object_instance import check_coordinate_type
from encord_convert.sdk.orm.label_row import LabelRowMetadata, LabelStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.hub.counts import Origin
    from encord_convert.sdk.objects import Classification
    from encord_convert.sdk.objects.coordinates import Coordinates

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for "not known" where the hub demands a time: importers call no clock."""


_ODD = 0x9E3779B97F4B
_MASK_48 = (1 << 48) - 1


class Hashes:
    """Deterministic hashes in the forms of the hub, from the words that name a thing.

    >>> Hashes("cvat").short("label", "car")
    'gvpmjBA9'
    """

    __slots__ = ("_realm",)

    def __init__(self, realm: str) -> None:
        self._realm = realm

    def _digest(self, words: Sequence[object], size: int) -> bytes:
        text = "\0".join((self._realm, *map(str, words)))
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()

    def short(self, *words: object) -> str:
        """Return 8 base64 characters, the form of object and attribute hashes."""
        return b64encode(self._digest(words, 6)).decode()

    def hex(self, *words: object) -> str:
        """Return 8 lower-case hexadecimal digits, the form of ontology object hashes."""
        return self._digest(words, 4).hex()

    def uuid(self, *words: object) -> str:
        """Return the text of a UUID, the form of data and label hashes."""
        text = self._digest(words, 16).hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def seed(self, *words: object) -> int:
        """Return what a series begins with; see :func:`series_members`."""
        return int.from_bytes(self._digest(words, 6), "big")

    def uuids(self, word: str, keys: Iterable[Sequence[str]]) -> list[str]:
        """Return what :meth:`uuid` gives of the word and each of many keys."""
        texts = [digest.hex() for digest in self._digests(word, keys, 16)]
        return [f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" for text in texts]

    def seeds(self, word: str, keys: Iterable[Sequence[str]]) -> list[int]:
        """Return what :meth:`seed` gives of the word and each of many keys."""
        return [int.from_bytes(digest, "big") for digest in self._digests(word, keys, 6)]

    def _digests(self, word: str, keys: Iterable[Sequence[str]], size: int) -> Iterator[bytes]:
        begun = blake2b(f"{self._realm}\0{word}".encode(), digest_size=size)
        for key in keys:
            one = begun.copy()
            one.update("".join([f"\0{part}" for part in key]).encode("utf-8", "surrogatepass"))
            yield one.digest()

    def series(self, *words: object) -> Callable[[int], str]:
        """Return a function from an index to 8 base64 characters, for the many things of one row.

        One digest seeds the series; the members differ from each other for 2**48 indexes, and cost a tenth of a
        digest each.
        """
        return series_of(self.seed(*words))


def series_of(seed: int) -> Callable[[int], str]:
    """Return the series of a seed; see :meth:`Hashes.series`."""

    def member(index: int) -> str:
        return b2a_base64(((seed + index * _ODD) & _MASK_48).to_bytes(6, "big"), newline=False).decode()

    return member


def series_members(seeds: NDArray[np.uint64], indexes: NDArray[np.uint64]) -> bytes:
    """Return members of many series at once: what :meth:`Hashes.series` of each seed gives for each index, 8 characters
    each, one after the other."""
    numbers = (seeds + indexes * np.uint64(_ODD)).astype(">u8")  # what overflows is above the 48 bits
    return b2a_base64(numbers.view(np.uint8).reshape(-1, 8)[:, 2:].tobytes(), newline=False)


_MOST_TEMPLATES = 256
"""How many kinds of rows are remembered: a source of videos may have one for each."""


class Draft:
    """Builds the ontology and the rows of a label set, with hashes that follow from the source alone.

    Parameters
    ----------
    realm : str
        The format's name: two formats that read the same words give different hashes.
    """

    def __init__(self, realm: str) -> None:
        self.hashes = Hashes(realm)
        self.ontology = OntologyStructure()
        self.info = frame_info()
        self.machine_info = frame_info(manual=False)
        self._labels: dict[str, Object] = {}
        self._words_of: dict[tuple[str, str], tuple[str, ...]] = {}
        self._datasets: dict[str, str] = {}
        self._templates: dict[tuple[DataType, str, int, int | None], LabelRowReadOnlyData] = {}

    def add_object(self, name: str, shape: Shape, *, color: str | None = None) -> Object:
        """Add a class of objects; those of one name, each of another shape, are one label of one colour."""
        if not self._labels:
            self._labels.update({one.name: one for one in reversed(self.ontology.objects)})
        first = self._labels.get(name)
        hash_ = self._hash(None if first is None else hash_of(name, shape.value), "object", name, shape.value)
        is_given = color is not None
        color = first.color if first is not None and not is_given else color
        added = self.ontology.add_object(name, shape, color=color, feature_node_hash=hash_)
        if first is not None and not is_given:
            added._default_color = first._default_color
        self._labels.setdefault(name, added)
        return added

    def add_classification(self, name: str) -> Classification:
        """Add a classification; its attribute, which names it, is for the caller to add."""
        return self.ontology.add_classification(feature_node_hash=self._hash(None, "classification", name))

    def _hash(self, wanted: str | None, *words: str) -> str:
        """Return the hash of a class: it is short, so that of many two may meet, of which the later moves on."""
        hash_, number = wanted or self.hashes.hex(*words), 1
        while self._words_of.setdefault((words[0], hash_), words) != words:
            number += 1
            hash_ = self.hashes.hex(*words, number)
        return hash_

    def row(
        self,
        data_type: DataType,
        title: str,
        units: Sequence[DataUnit],
        *,
        frames: int,
        key: Sequence[object],
        dataset: str = "",
        fps: int | None = None,
        client_metadata: dict[str, Any] | None = None,
        file: str | None = None,
    ) -> LabelRowV2:
        """Return an empty row.

        Parameters
        ----------
        data_type : DataType
        title : str
            Title of the image, video or group; a path with ``/`` where the source has one.
        units : sequence of DataUnit
            The images, or the one video.
        frames : int
            Number of frames of the medium.
        key : sequence
            The words that tell this row from every other of the source.
        file : str, optional
            What messages call the file it comes from.
        """
        first = units[0]
        grouped = data_type is DataType.IMG_GROUP
        kind = (data_type, dataset, frames, fps)
        template = self._templates.get(kind)
        if template is None:
            if len(self._templates) > _MOST_TEMPLATES:
                self._templates.clear()
            template = self._templates[kind] = self._template(*kind)
        stats = like(
            template,
            label_hash=self.hashes.uuid("label", *key),
            data_hash=self.hashes.uuid("row", *key) if grouped else first.data_hash,
            data_title=title,
            height=None if grouped else first.height,
            width=None if grouped else first.width,
        )
        row = LabelRowV2._of_stats(stats, self.ontology, units)
        row.client_metadata = client_metadata
        row._origin = file
        return row

    def place(
        self,
        row: LabelRowV2,
        item: Object,
        coordinates: Coordinates,
        frames: Frames = 0,
        *,
        confidence: float = 1.0,
        origin: Origin | None = None,
    ) -> ObjectInstance:
        """Add an object to a row.

        Parameters
        ----------
        item : Object
            Its class, added with :meth:`add_object`.
        coordinates : Coordinates
            Relative to the image, of the kind that the shape of the class has.
        frames : int, list of int, Range or list of Range
            From 0.
        confidence : float
            0..1; below 1 a machine made it.
        origin : Origin, optional
            What it is in the source, where the importer counts what it reads.

        Raises
        ------
        LabelRowError
            A frame is outside the row, or the coordinates do not fit the shape.
        """
        info = self.info if confidence == 1 else frame_info(manual=False, confidence=confidence)
        instance = ObjectInstance(item, object_hash=self.hashes.short("object", row.label_hash, len(row._objects)))
        check_coordinate_type(coordinates, item)
        for frame in frames_class_to_frames_list(frames):
            row._check_frame(frame)
            instance._place(frame, coordinates, info)
        instance._origin = origin
        row._adopt(instance)
        return instance

    def _template(self, data_type: DataType, dataset: str, frames: int, fps: int | None) -> LabelRowReadOnlyData:
        """Return the facts that rows of one kind have in common."""
        return read_only_data_from(
            LabelRowMetadata(
                label_hash=None,
                created_at=UNKNOWN_TIME,
                last_edited_at=UNKNOWN_TIME,
                data_hash="",
                dataset_hash=self._dataset_hash(dataset),
                dataset_title=dataset,
                data_title="",
                data_type=data_type.to_upper_case_string(),
                data_link=None,
                label_status=LabelStatus.LABELLED,
                annotation_task_status=None,
                workflow_graph_node=None,
                is_shadow_data=False,
                number_of_frames=frames,
                duration=frames / fps if fps else None,
                frames_per_second=fps,
                height=None,
                width=None,
            )
        )

    def _dataset_hash(self, title: str) -> str:
        if title not in self._datasets:
            self._datasets[title] = self.hashes.uuid("dataset", title)
        return self._datasets[title]

    def unit(self, title: str, width: int, height: int, key: Sequence[object], sequence: int = 0) -> DataUnit:
        """Return an image or video of ``width`` × ``height`` pixels; the media type follows from the title."""
        return DataUnit(
            data_hash=self.hashes.uuid("unit", *key),
            data_title=title,
            data_type=media_type(title),
            data_sequence=sequence,
            width=width,
            height=height,
        )


_media_types = {"": "image/png", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png"}


def media_type(title: str) -> str:
    """Return the MIME type a file name suggests; PNG where it suggests none, as frames of a video have."""
    stem, dot, ending = title.rpartition("/")[2].rpartition(".")
    suffix = dot + ending.lower() if stem else ""
    if suffix not in _media_types:
        import mimetypes  # reads the tables of the system, which the usual endings do not need

        _media_types[suffix] = mimetypes.guess_type("a" + suffix)[0] or "image/png"
    return _media_types[suffix]


def frame_info(*, manual: bool = True, confidence: float = 1.0) -> ObjectInstance.FrameInfo:
    """Return frame information that names no author and no time; it may be shared by any number of labels."""
    return ObjectInstance.FrameInfo(
        created_at=UNKNOWN_TIME, last_edited_at=UNKNOWN_TIME, manual_annotation=manual, confidence=confidence
    )
