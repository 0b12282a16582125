"""Images and videos of COCO files to label rows.

The page of the format is :mod:`encord_convert.formats.coco`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from encord_convert.errors import ReadError
from encord_convert.formats._coco_classes import Questions
from encord_convert.formats._coco_documents import Document
from encord_convert.formats._coco_entries import number_of, value_of
from encord_convert.formats._coco_indexes import MOST_FRAMES, Index, Join, changed, drawn_as, fetched
from encord_convert.formats._coco_media import Media, plain_name
from encord_convert.formats._coco_objects import Placed, Reader, confidence_of
from encord_convert.formats._coco_panoptics import segment_numbers, segmentation_of
from encord_convert.formats._coco_plans import Unknown, answer_of
from encord_convert.formats._files import Source
from encord_convert.labelset import Draft
from encord_convert.ledger import Carried, Origin
from encord_convert.losses import Feature, Kind, Level, Where
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance

_TOGETHER = 64
"""Images that are read together."""

_NO_RAW = Raw(b"")
_images = msgspec.json.Decoder(list[Any])
_KNOWN = frozenset(
    {"id", "width", "height", "file_name", "video_id", "frame_id", "frame_index", "attributes", "encord", "video_title",
     "image_title"}
)  # fmt: skip

Found = tuple["Part", dict[str, Any], list[Any]]
"""An image of a file, with its annotations."""


class Part:
    """One document with what the first walk learnt, and how its annotations are read.

    Parameters
    ----------
    document : Document
        With the annotations. ``images`` is the one with the images, if that is another.
    index : Index
        Of the annotations; ``pictures`` that of the images.
    reader : Reader
    split : str
        The part of a dataset it is: ``train``, ``val``.
    """

    def __init__(
        self, document: Document, index: Index, images: Document, pictures: Index, reader: Reader, split: str
    ) -> None:
        self.document = document
        self.index = index
        self.images = images
        self.pictures = pictures
        self.reader = reader
        self.split = split
        self.join = Join(pictures.column("image_ids"), index.column("parents"))
        self.videos = {
            number_of(video.get("id")): video for video in pictures.videos if isinstance(video, dict)
        }  # fmt: skip
        self.by_video = bool(self.videos) and not len(pictures.column("image_ids"))
        if self.by_video:
            self.video_ids = list(self.videos)
            import numpy as np

            self.join = Join(np.array(self.video_ids, np.int64), index.column("parents"))

    def annotations(self, wanted: list[int]) -> list[Any]:
        """Return annotations by their places in the file."""
        if not wanted:
            return []
        try:
            found = self.reader.decoded(fetched(self.document, self.index.column("places"),
                                                self.index.column("lengths"), wanted))  # fmt: skip
        except msgspec.DecodeError as error:
            raise changed(self.document) from error
        if len(found) != len(wanted):
            raise changed(self.document)
        return found

    def pictures_at(self, places: list[int]) -> list[Any]:
        """Return entries of ``images``."""
        columns = self.pictures.column("image_places"), self.pictures.column("image_lengths")
        try:
            found = _images.decode(fetched(self.images, *columns, places))
        except msgspec.DecodeError as error:
            raise changed(self.images) from error
        return [one if isinstance(one, dict) else {} for one in found]

    def found(self, places: list[int]) -> list[Found]:
        """Return images with their annotations."""
        wanted = [[] if place in self.join.repeated else self.join.of(place) for place in places]
        entries = iter(self.annotations([one for some in wanted for one in some]))
        pictures = self.pictures_at(places)
        return [(self, picture, [next(entries) for _ in some]) for picture, some in zip(pictures, wanted, strict=True)]


class Pictures:
    """Makes the rows of all documents.

    Parameters
    ----------
    source : Source
    draft : Draft
    parts : sequence of Part
    size : (int, int), optional
        Of images whose size is not known.
    """

    def __init__(self, source: Source, draft: Draft, parts: Sequence[Part], size: tuple[int, int] | None) -> None:
        self._source = source
        self._draft = draft
        self._parts = parts
        self._media = Media(source)
        self._size = size
        self._is_alone = len(parts) == 1
        self._guests, self._hosted = self._shared_images()

    def rows(self) -> Iterator[LabelRowV2]:
        """Walk all rows."""
        for number, part in enumerate(self._parts):
            reader = part.reader
            reader.boxes = reader.small_boxes = reader.leaving_boxes = 0
            for type_, count in (
                ("image", len(part.pictures.column("image_ids"))),
                ("video", len(part.pictures.videos)),
            ):
                if count:
                    reader.ledger.into[type_, ""] += count
            if part.by_video:
                yield from self._videos(part)
            else:
                yield from self._images(number, part)
            self._lose_orphans(part)
            reader.close()

    # -- several files about the same images ------------------------------------------------------------------

    def _shared_images(self) -> tuple[dict[tuple[int, int], list[tuple[int, int]]], set[tuple[int, int]]]:
        """Return which images of later files are those of earlier ones, by file name within a split."""
        guests: dict[tuple[int, int], list[tuple[int, int]]] = {}
        hosted: set[tuple[int, int]] = set()
        if self._is_alone:
            return guests, hosted
        first: dict[tuple[str, Any], tuple[int, int]] = {}
        for number, part in enumerate(self._parts):
            count = len(part.pictures.column("image_ids"))
            mine: dict[Any, tuple[int, int]] = {}
            for start in range(0, count, 1024):
                places = list(range(start, min(start + 1024, count)))
                for place, picture in zip(places, part.pictures_at(places), strict=True):
                    key = (part.split, str(picture.get("file_name")))
                    host = first.get(key)
                    if host is not None and part.split and not part.pictures.column("groups")[place]:
                        guests.setdefault(host, []).append((number, place))
                        hosted.add((number, place))
                    else:
                        mine.setdefault(key, (number, place))
            for key, where in mine.items():
                first.setdefault(key, where)
        return guests, hosted

    def _with_guests(self, number: int, place: int, own: Found) -> list[Found]:
        found = [own]
        for other, at in self._guests.get((number, place), ()):
            found += self._parts[other].found([at])
        return found

    # -- images -----------------------------------------------------------------------------------------------

    def _images(self, number: int, part: Part) -> Iterator[LabelRowV2]:
        groups = part.pictures.column("groups")
        members: dict[int, list[int]] = {}
        has_groups = bool(groups.any())
        if has_groups:
            for place, group in enumerate(groups.tolist()):
                if group:
                    members.setdefault(group, []).append(place)
        waiting: list[int] = []
        for place in range(len(groups)):
            group = int(groups[place])
            if (number, place) in self._hosted or self._is_repeated(part, place):
                continue
            if not group:
                waiting.append(place)
                if len(waiting) == _TOGETHER:
                    yield from self._stills(number, part, waiting)
                    waiting = []
                continue
            yield from self._stills(number, part, waiting)
            waiting = []
            if members.get(group):
                yield self._frames(part, group, members.pop(group))
        yield from self._stills(number, part, waiting)
        seen = {(group - 1) // 2 for group in groups.tolist() if group % 2} if has_groups else set()
        for id_, video in part.videos.items():
            if id_ not in seen:
                yield self._video(part, id_, video, [])

    def _is_repeated(self, part: Part, place: int) -> bool:
        if place not in part.join.repeated:
            return False
        earlier, later = part.pictures_at([part.join.repeated[place], place])
        ledger, where = part.reader.ledger, Where(file=part.images.place, element=f"image {later.get('id')}")
        detail = "Two images have the same id; the first is read."
        if earlier.get("file_name") != later.get("file_name"):
            detail = "Two images of different names have the same id; the first is read, with the labels of both."
        ledger.drop("DUPLICATE_ID", Feature.MEDIA, ("image", ""), where, detail)
        ledger.note(Level.ERROR, "DUPLICATE_ID", detail, where)
        return True

    def _stills(self, number: int, part: Part, places: list[int]) -> Iterator[LabelRowV2]:
        if not places:
            return
        for place, own in zip(places, part.found(places), strict=True):
            yield self._still(place, self._with_guests(number, place, own) if self._guests else [own])

    def _still(self, place: int, found: list[Found]) -> LabelRowV2:
        part, picture, _ = found[0]
        title = self._title(part, picture)
        size = self._extent(part, picture, found)
        key = (*self._key(part), "image", place)
        extra = {
            name: value for name, value in picture.items() if name not in _KNOWN and value not in (None, "", [], 0)
        }
        row = self._draft.row(
            DataType.IMAGE, title, [self._draft.unit(title, *size, key)], frames=1, key=key, dataset=part.split,
            client_metadata={"coco": extra} if extra else None,
        )  # fmt: skip
        row._origin = part.document.place
        hash_of = self._draft.hashes.series("image", *key)
        index = 0
        for own, image, entries in found:
            reader = own.reader
            said: list[Any] = []
            for entry in self._opened(own, entries, size, title):
                kind = "" if entry is None else drawn_as(entry)
                if kind in ("caption", "label"):
                    said.append(entry)
                    continue
                placed = reader.placed(entry, kind, size, title, False)
                if placed is not None:
                    row._adopt(reader.lone(placed, hash_of(index), 0))
                index += 1
            for one in reader.labels(said, title, 0, hash_of) if said else ():
                row._adopt(one)
            for one in self._image_answers(own, image, 0, title, lambda n: hash_of((1 << 35) + n)):
                row._adopt(one)
        return row

    def _key(self, part: Part) -> tuple[str, ...]:
        return () if self._is_alone else (part.document.member,)

    def _title(self, part: Part, picture: dict[str, Any]) -> str:
        encord = picture.get("encord")
        name = picture.get("file_name")
        title = picture.get("image_title")
        if isinstance(title, str) and title and isinstance(name, str) and name.startswith("images/"):
            return title  # Encord's exporter names files by the hash of the picture
        if isinstance(encord, dict) and isinstance(name, str):
            title = encord.get("title")
            return title if isinstance(title, str) else name
        url = picture.get("coco_url")
        if not isinstance(name, str) or not name:
            name = url if isinstance(url, str) and url else f"image {picture.get('id')}"
        return plain_name(name) or f"image {picture.get('id')}"

    def _extent(self, part: Part, picture: dict[str, Any], found: Sequence[Found] = ()) -> tuple[int, int]:
        """Return width and height in pixels."""
        size = _side(picture.get("width")), _side(picture.get("height"))
        if all(size):
            return size
        title = self._title(part, picture)
        members = self._media.find(str(picture.get("file_name") or picture.get("coco_url") or ""))
        if len(members) > 1:
            advice = f"It could be {' or '.join(map(repr, members[:3]))}."
            fact = f"AMBIGUOUS_FILE: the picture {title!r} has no size, and several files have its name."
            raise ReadError(part.images.place, fact, advice=advice)
        known = self._media.size(members) or self._size or _size_of_masks(found)
        if known is None:
            fact = f"the size of the picture {title!r} is not known, so that nothing can be placed in it."
            advice = "Give it with -r size=WIDTHxHEIGHT, or put the pictures beside the file."
            raise ReadError(part.images.place, fact, advice=advice)
        return known

    def _opened(self, part: Part, entries: list[Any], size: tuple[int, int], title: str) -> Iterator[Any]:
        """Yield annotations; of a panoptic one its segments."""
        for entry in entries:
            if entry is None or drawn_as(entry) != "panoptic":
                yield entry
                continue
            segments = value_of(entry.segments_info)
            numbers = segment_numbers(self._source, part.document.member, str(entry.file_name))
            if numbers is None:
                detail = f"There is no PNG {entry.file_name!r} with the pixels of the segments."
            elif numbers.shape != size[::-1]:
                detail = f"The PNG {entry.file_name!r} has not the size of its image."
                numbers = None
            for segment in segments if isinstance(segments, list) else ():
                if not isinstance(segment, dict):
                    continue
                drawn = segmentation_of(numbers, segment.get("id")) if numbers is not None else None
                own = msgspec.structs.replace(
                    entry, segments_info=_NO_RAW, id=segment.get("id"), category_id=segment.get("category_id"),
                    iscrowd=segment.get("iscrowd"), bbox=_raw(segment.get("bbox")),
                    segmentation=_raw(drawn or {"counts": None}),
                )  # fmt: skip
                if drawn is not None:
                    yield own
                elif numbers is None:
                    part.reader.lose(own, "PANOPTIC_PNG_MISSING", detail, title)
                else:
                    lost = "No pixel of the PNG has the number of the segment."
                    part.reader.lose(own, "EMPTY_MASK", lost, title, Feature.DEGENERATE)

    # -- labels of images -------------------------------------------------------------------------------------

    def _image_answers(
        self, part: Part, picture: dict[str, Any], frame: int, title: str, hash_of: Callable[[int], str]
    ) -> Iterator[Any]:
        answers = picture.get("attributes")
        if not isinstance(answers, dict):
            return
        encord = picture.get("encord")
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
            reader.ledger.into["classification", name] += 1
            if answer is Unknown:
                where = reader.where(title, None, frame)
                detail = f"{value!r} is no answer to {name!r}."
                key = ("classification", name)
                reader.ledger.drop("UNKNOWN_OPTION", Feature.CLASSIFICATIONS, key, where, detail)
            elif answer is not None:
                answered = [(item.attributes[0], answer)]
                yield reader.classification(item, answered, hash_of(number), frame, origin)

    # -- frames of one row ------------------------------------------------------------------------------------

    def _frames(self, part: Part, group: int, places: list[int]) -> LabelRowV2:
        frames = part.pictures.column("frames")
        found = [(int(frames[place]), one) for place, one in zip(places, part.found(places), strict=True)]
        if group % 2:
            id_ = (group - 1) // 2
            return self._video(part, id_, part.videos.get(id_), found)
        _, picture, _ = found[0][1]
        encord = picture.get("encord")
        size = self._extent(part, picture, [found[0][1]])
        if isinstance(encord, dict) and encord.get("row_hash"):
            return self._own_group(part, encord, found)
        title = part.pictures.group_titles.get(group, "video")
        data_type = DataType.DICOM if str(picture.get("file_name", "")).startswith("dicom/") else DataType.VIDEO
        key = (*self._key(part), "folder", title, group)
        unit = self._draft.unit(title, *size, key)
        count = max(frame for frame, _ in found) + 1
        row = self._draft.row(data_type, title, [unit], frames=count, key=key, dataset=part.split)
        return self._filled(part, row, key, found)

    def _own_group(self, part: Part, encord: dict[str, Any], found: list[tuple[int, Found]]) -> LabelRowV2:
        """Return an image group or a series that was written by this format."""
        known: dict[str, Any] = {}
        for _, (_, picture, _) in found:
            said = picture.get("encord")
            own = said.get("row") if isinstance(said, dict) else None
            known = own if isinstance(own, dict) else known
        title = str(known.get("title", encord.get("row_hash")))
        key = (*self._key(part), "group", str(encord.get("row_hash")))
        data_type = DataType.from_string(str(encord.get("data_type"))) or DataType.IMG_GROUP
        units = [
            self._draft.unit(str(name), _side(width), _side(height), (*key, number), number)
            for number, (name, width, height) in enumerate(_triples(known.get("units")))
        ] or [
            self._draft.unit(self._title(part, picture), *self._extent(part, picture), (*key, number), number)
            for number, (_, (_, picture, _)) in enumerate(found)
        ]
        count = _side(known.get("frames")) or max(frame for frame, _ in found) + 1
        row = self._draft.row(data_type, title, units, frames=count, key=key, dataset=part.split)
        return self._filled(part, row, key, found)

    def _video(self, part: Part, id_: int, video: Any, found: list[tuple[int, Found]]) -> LabelRowV2:
        video = video if isinstance(video, dict) else {}
        names = video.get("file_names")
        title = video.get("name") or video.get("file_name")
        if not isinstance(title, str) or not title:
            title = names[0].rpartition("/")[0] if isinstance(names, list) and names else ""
        title = title or f"video {video.get('id', id_)}"
        width, height = _side(video.get("width")), _side(video.get("height"))
        if not (width and height) and found:
            width, height = self._extent(part, found[0][1][1], [found[0][1]])
        key = (*self._key(part), "video", id_)
        length = len(names) if isinstance(names, list) else 0
        highest = max((*_frame_ids(video), *(frame for frame, _ in found)), default=-1) + 1
        count = max(_side(video.get("length")), _side(video.get("frame_count")), highest, length, 1)
        unit = self._draft.unit(title, width or 1, height or 1, key)
        row = self._draft.row(DataType.VIDEO, title, [unit], frames=count, key=key, dataset=part.split)
        return self._filled(part, row, key, found)

    def _filled(self, part: Part, row: LabelRowV2, key: Sequence[object], found: list[tuple[int, Found]]) -> LabelRowV2:
        """Place all annotations of the frames of a row; those of one track are one object."""
        reader, title = part.reader, row.data_title
        row._origin = part.document.place
        hash_of = self._draft.hashes.series("row", *key)
        placed: list[tuple[int, Placed]] = []
        others: list[Any] = []
        whole = row.data_type is DataType.VIDEO
        for frame, (_, picture, entries) in sorted(found, key=lambda one: one[0]):
            size = (row._units[0].width, row._units[0].height) if whole and row._units[0].width else None
            own_size = _side(picture.get("width")), _side(picture.get("height"))
            extent = own_size if all(own_size) else size or self._extent(part, picture)
            said = []
            for entry in self._opened(part, entries, extent, title):  # type: ignore[arg-type]
                kind = "" if entry is None else drawn_as(entry)
                if kind in ("caption", "label"):
                    said.append(entry)
                    continue
                one = reader.placed(entry, kind, extent, title, True)  # type: ignore[arg-type]
                if one is not None:
                    placed.append((frame, one))
            base = (frame + 1) << 36
            others += reader.labels(said, title, frame, lambda n, b=base: hash_of(b + n))  # type: ignore[misc]
            others += self._image_answers(part, picture, frame, title, lambda n, b=base: hash_of(b + (1 << 35) + n))  # type: ignore[misc]
        return self._adopted(part, row, hash_of, placed, others)

    def _adopted(
        self, part: Part, row: LabelRowV2, hash_of: Callable[[int], str], placed: list[tuple[int, Placed]],
        others: list[Any],
    ) -> LabelRowV2:  # fmt: skip
        reader = part.reader
        tracks: dict[Any, dict[int, Placed]] = {}
        for number, (frame, one) in enumerate(placed):
            track = (id(one.plan.object), one.track if one.track is not None else (number,))
            members = tracks.setdefault(track, {})
            if frame in members:
                detail = "A track has two annotations on one frame; the later is an object of its own."
                where, key = reader.where(row.data_title, None, frame), (one.kind, one.plan.label)
                reader.ledger.change(
                    Kind.MERGED, "TRACK_SPLIT", Feature.TRACKS, key, where, detail, counted=one.changed
                )
                one.changed, one.hash = True, None
                members = tracks.setdefault((id(one.plan.object), (number,)), {})
            members[frame] = one
        for number, members in enumerate(tracks.values()):
            if len(members) == 1:
                [(frame, one)] = members.items()
                row._adopt(reader.lone(one, hash_of(number), frame))
            else:
                row._adopt(_tracked(reader, members, hash_of(number), row.data_title))
        known: dict[str, Any] = {}
        for instance in others:
            first = known.setdefault(instance.classification_hash, instance)
            if first is instance:
                row._adopt(instance)
            else:
                for frame, info in instance._frames.items():
                    first._place(frame, info)
        return row

    # -- annotations over many frames -------------------------------------------------------------------------

    def _videos(self, part: Part) -> Iterator[LabelRowV2]:
        """Yield the rows of videos whose annotations are over all their frames."""
        for number, id_ in enumerate(part.video_ids):
            video = part.videos[id_]
            row = self._video(part, id_, video, [])
            unit = row._units[0]
            size = (unit.width or 1, unit.height or 1)
            hash_of = self._draft.hashes.series("row", *self._key(part), "video", id_)
            placed: list[tuple[int, Placed]] = []
            frames = _frame_ids(video) or range(row.number_of_frames)
            for track, entry in enumerate(part.annotations(part.join.of(number))):
                if entry is None or drawn_as(entry) != "track":
                    part.reader.lose(entry, "ORPHAN_IMAGE", "There is no image of this id.", row.data_title)
                    continue
                for place, own in _unrolled(entry):
                    if place >= len(frames):
                        detail = f"Its list has an entry {place + 1}, its video {len(frames)} frames."
                        part.reader.lose(own, "FRAME_BEYOND", detail, row.data_title, Feature.TRACKS)
                        continue
                    one = part.reader.placed(own, drawn_as(own), size, row.data_title, True)
                    if one is not None:
                        one.track = ("annotation", track)
                        placed.append((frames[place], one))
            yield self._adopted(part, row, hash_of, placed, [])

    def _lose_orphans(self, part: Part) -> None:
        orphans = part.join.of(len(part.video_ids) if part.by_video else len(part.pictures.column("image_ids")))
        for start in range(0, len(orphans), 1024):
            for entry in part.annotations(orphans[start : start + 1024]):
                if entry is None:
                    part.reader.lose(entry, "INVALID_ANNOTATION", "An entry of annotations is no object.")
                    continue
                id_ = entry.image_id if entry.image_id is not None else entry.video_id
                part.reader.lose(entry, "ORPHAN_IMAGE", f"There is no image {id_!r}.")


def _frame_ids(video: dict[str, Any]) -> list[int]:
    """Return the numbers of the listed frames of a video, where it has them for all of its files."""
    given, names = video.get("frame_ids"), video.get("file_names")
    if not (isinstance(given, list) and isinstance(names, list) and len(given) == len(names)):
        return []
    numbers = [number for number in given if number.__class__ is int and 0 <= number < MOST_FRAMES]
    return numbers if len(set(numbers)) == len(given) else []


def _unrolled(entry: Any) -> Iterator[tuple[int, Any]]:
    """Yield the place in its lists and the annotation of each frame an annotation is on."""
    segmentations, boxes = value_of(entry.segmentations), value_of(entry.bboxes)
    segmentations = segmentations if isinstance(segmentations, list) else []
    boxes = boxes if isinstance(boxes, list) else []
    for place in range(max(len(segmentations), len(boxes))):
        shape = segmentations[place] if place < len(segmentations) else None
        box = boxes[place] if place < len(boxes) else None
        if shape or box:
            yield (
                place,
                msgspec.structs.replace(
                    entry, segmentation=_raw(shape), bbox=_raw(box), segmentations=_NO_RAW, bboxes=_NO_RAW
                ),
            )


def _raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value)) if value is not None else _NO_RAW


def _tracked(reader: Reader, members: dict[int, Placed], hash_: str, title: str) -> ObjectInstance:
    """Return an object over several frames."""
    frames = sorted(members)
    first = members[frames[0]]
    plan = first.plan
    instance = ObjectInstance._made(plan.object, first.hash or hash_)
    weights: dict[int, tuple[int, Carried]] = {}
    static: dict[int, Any] = {}
    runs: dict[int, list[Any]] = {}
    for frame in frames:
        one = members[frame]
        instance._place(frame, one.coordinates, one.info)
        weights[frame] = (1, one.carried)
        for attribute, value in one.answers:
            if attribute.dynamic:
                run = runs.get(id(attribute))
                if run is not None and run[1] == value and run[3] == frame - 1:
                    run[3] = frame
                    continue
                if run is not None:
                    instance._answer_frames(*run)
                runs[id(attribute)] = [attribute, value, frame, frame]
            elif id(attribute) not in static:
                static[id(attribute)] = value
                instance._answer(attribute, value)
            elif static[id(attribute)] != value:
                detail = f"The answer to {attribute.name!r} changes over the track and may not; the first is kept."
                where = reader.where(title, None, frame)
                reader.ledger.drop("IMMUTABLE_CONFLICT", Feature.ANSWERS, ("answer", plan.label), where, detail)
                weights[frame] = (1, _fewer(weights[frame][1]))
    for run in runs.values():
        instance._answer_frames(*run)
    reader.ledger.into["track", plan.label] += 1
    instance._origin = Origin(first.kind, plan.label, changed=any(one.changed for one in members.values()),
                              weights=weights)  # fmt: skip
    return instance


def _fewer(carried: Carried) -> Carried:
    return tuple((type_, count - (type_ == "answer")) for type_, count in carried if count > (type_ == "answer"))


def _own_classifications(part: Part, answers: dict[str, Any], made: dict[str, Any], frame: int) -> Iterator[Any]:
    """Yield the classifications of an image this format wrote: their answers follow each other in ``attributes``."""
    reader, left = part.reader, dict(answers)
    for name, said in made.items():
        title = name
        item = reader.plans.classification(title)
        while item is None and title.endswith(")") and " (" in title:
            title = title.rpartition(" (")[0]
            item = reader.plans.classification(title)
        if item is None or not isinstance(said, dict):
            continue
        answered = []
        left.pop(name, None) if left.get(name) == {} else None
        for key, question in Questions(item.attributes).by_key().items():
            shown = next((one for one in left if one == key or one.startswith(f"{key} (")), None)
            value = answer_of(question, left.pop(shown)) if shown is not None else None
            if value is not None and value is not Unknown:
                answered.append((question.attribute, value))
        reader.ledger.into["classification", title] += 1
        score, manual = said.get("score"), said.get("manual_annotation")
        carried: Carried = (("answer", len(answered)),) if answered else ()
        for type_, count in carried:
            reader.ledger.into[type_, title] += count
        confidence = confidence_of(score)
        info = reader.info(1.0 if confidence is None else confidence, manual is not False)
        origin = Origin("classification", title, None, carried)
        yield reader.classification(item, answered, str(said.get("hash")), frame, origin, info)


def _triples(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, list) and len(one) == 3] if isinstance(value, list) else []


def _side(value: Any) -> int:
    """Return a size in whole pixels, 0 if it is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value < 1e9 else 0


def _size_of_masks(found: Sequence[Found]) -> tuple[int, int] | None:
    """Return the size the masks of an image say."""
    for _, _, entries in found:
        for entry in entries:
            value = value_of(entry.segmentation) if entry is not None else None
            size = value.get("size") if isinstance(value, dict) else None
            if isinstance(size, list) and len(size) == 2 and all(map(_side, size)):
                return _side(size[1]), _side(size[0])
    return None
