"""Rows of several frames in COCO files: videos, image groups, series, and objects that are on many of their frames.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from encord_convert.formats._files import Source
from encord_convert.formats.coco.index import MOST_FRAMES, drawn_as
from encord_convert.formats.coco.index_entries import NO_ID, number_of, value_of
from encord_convert.formats.coco.native import FAMILY, own_of, quiet_of
from encord_convert.formats.coco.read_contents import NO_RAW, Said, image_answers, labels, opened
from encord_convert.formats.coco.read_document import (
    Extents,
    Found,
    Part,
    file_name_of,
    name_of,
    side,
    tell_odd_name,
    tell_odd_sizes,
    title_of,
)
from encord_convert.formats.coco.read_shapes import Placed, Reader, free_hash, raw_of
from encord_convert.formats.coco.read_stills import READ_KEYS, metadata_of
from encord_convert.hub.counts import Carried, Origin
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import Native
from encord_convert.hub.splits import KEY
from encord_convert.hub.splits import metadata_of as split_metadata
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance


class Videos:
    """Makes the rows of several frames; annotations are forgotten when they are placed.

    Parameters
    ----------
    source : Source
    draft : Draft
    extents : Extents
    """

    def __init__(self, source: Source, draft: Draft, extents: Extents) -> None:
        self._source = source
        self._draft = draft
        self._extents = extents

    def group(self, part: Part, group: int, places: list[int]) -> LabelRowV2:
        """Return the row that images are frames of."""
        frames = part.images_index.frames()
        placed = self._apart(part, sorted((int(frames[place]), place) for place in places))
        if group % 2:
            id_ = (group - 1) // 2
            return self.video(part, id_, part.videos.get(id_), placed)
        [image] = part.images_at(places[:1])
        encord = image.get("encord")
        [size] = self._sizes(part, [image], places, part.found(places[:1]))
        if isinstance(encord, dict) and encord.get("row_hash"):
            return self._own_group(part, encord, placed)
        title = part.folder + part.images_index.group_titles.get(group, "video")
        data_type = DataType.DICOM if str(image.get("file_name", "")).startswith("dicom/") else DataType.VIDEO
        key = (*part.key, "folder", title, group)
        unit = self._draft.unit(title, *size, key)
        row = self._draft.row(data_type, title, [unit], frames=placed[-1][0] + 1, key=key, dataset=part.split)
        return self._filled(part, row, key, placed, {})

    def _sizes(
        self, part: Part, images: list[dict[str, Any]], places: list[int], found: Sequence[Found] = ()
    ) -> list[tuple[int, int]]:
        """Return width and height of images in pixels, 0 where they are not known.

        Raises
        ------
        ReadError
            That of one is not known, and an image at one of the places has annotations.
        """
        sizes = [self._extents.known(part, image, found) for image in images]
        if None in sizes and any(entries for _, _, entries in part.each_found(places)):
            self._extents.of(part, images[sizes.index(None)], found)
        return [size or (0, 0) for size in sizes]

    def _apart(self, part: Part, placed: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return frames and places of images, of two that say they are one frame the later behind all others."""
        taken: set[int] = set()
        end = placed[-1][0]
        found = []
        for frame, place in placed:
            if frame in taken:
                end += 1
                detail = f"Two images are frame {frame} of a video; the later is read as its frame {end}."
                where = Where(file=part.images.place)
                part.reader.counts.lose(Kind.RENAMED, "DUPLICATE_ID", Feature.MEDIA, ("image", ""), where, detail)
                frame = end
            taken.add(frame)
            found.append((frame, place))
        return sorted(found)

    def _own_group(self, part: Part, encord: dict[str, Any], placed: list[tuple[int, int]]) -> LabelRowV2:
        """Return an image group or a series that was written by this format."""
        known: dict[str, Any] = {}
        places = [place for _, place in placed]
        for image in part.each_image(places):
            said = image.get("encord")
            own = said.get("row") if isinstance(said, dict) else None
            known = own if isinstance(own, dict) else known
        title = part.folder + str(known.get("title", encord.get("row_hash")))
        key = (*part.key, "group", str(encord.get("row_hash")))
        data_type = DataType.from_string(str(encord.get("data_type"))) or DataType.IMG_GROUP
        said_units = [(str(name), side(width), side(height)) for name, width, height in _triples(known.get("units"))]
        is_series = data_type is DataType.DICOM  # which has one unit for all its slices
        is_sound = len(said_units) == 1 if is_series else len(said_units) > 0
        if not is_sound or not all(width and height for _, width, height in said_units):
            only = places[:1] if is_series else places
            images = [*part.each_image(only)]
            sizes = self._sizes(part, images, places)
            said_units = [(title_of(image), *size) for image, size in zip(images, sizes, strict=True)]
        units = [self._draft.unit(*unit, (*key, number), number) for number, unit in enumerate(said_units)]
        count = side(known.get("frames")) or placed[-1][0] + 1
        row = self._draft.row(data_type, title, units, frames=count, key=key, dataset=part.split)
        return self._filled(part, row, key, placed, {})

    def video(self, part: Part, id_: int, video: Any, placed: list[tuple[int, int]]) -> LabelRowV2:
        """Return the row of a video whose images stand at these frames and places."""
        video = video if isinstance(video, dict) else {}
        names = video.get("file_names")
        title = video.get("name") or video.get("file_name")
        if not isinstance(title, str) or not title:
            title = names[0].rpartition("/")[0] if isinstance(names, list) and names else ""
        name = title or f"video {video.get('id', id_)}"
        title = part.folder + name
        width, height = side(video.get("width")), side(video.get("height"))
        tell_odd_sizes(part, video, title)
        tell_odd_name(part, video, title, "name")
        if not (width and height) and placed:
            [found] = part.found([min(place for _, place in placed)])
            [(width, height)] = self._sizes(part, [found[1]], [place for _, place in placed], [found])
        if not (width and height):
            detail = "Videos without a size are read as 1 × 1 pixels."
            part.reader.counts.note(Level.WARNING, "SIZE_UNKNOWN", detail, part.reader.where(title, None))
        key = (*part.key, "video", id_)
        length = len(names) if isinstance(names, list) else 0
        highest = max((*_frame_ids(video), *(frame for frame, _ in placed)), default=-1) + 1
        count = max(side(video.get("length")), side(video.get("frame_count")), highest, length, 1)
        unit = self._draft.unit(title, width or 1, height or 1, key)
        row = self._draft.row(DataType.VIDEO, title, [unit], frames=count, key=key, dataset=part.split)
        listed = names if isinstance(names, list) else []
        files = dict(zip(_frame_ids(video) or range(len(listed)), map(str, listed), strict=False))
        row.client_metadata = split_metadata(part.split_of(video))
        row._file = LabelFile(part.document.member, name, files)
        return self._filled(part, row, key, placed, video)

    def _filled(
        self, part: Part, row: LabelRowV2, key: Sequence[object], placed: list[tuple[int, int]], video: dict[str, Any]
    ) -> LabelRowV2:
        """Place all annotations of the frames of a row; those of one track are one object."""
        reader, title = part.reader, row.data_title
        row._origin = part.document.place
        if row._file is None:
            row._file = LabelFile(part.document.member, title.removeprefix(part.folder), {})
        hash_of = self._draft.hashes.series("row", *key)
        drawn: list[tuple[int, Placed]] = []
        others: Said = []
        frames: dict[int, dict[str, Any]] = {}
        whole = row.data_type is DataType.VIDEO
        found = part.each_found([place for _, place in placed])
        for (frame, _), (_, image, entries) in zip(placed, found, strict=True):
            size = (row._units[0].width, row._units[0].height) if whole and row._units[0].width else None
            if name := name_of(image):
                row._file.frames[frame] = name
            if row.client_metadata is None:
                row.client_metadata = split_metadata(part.split_of(image))
            frames[frame] = _frame_of(part, image)
            own_size = side(image.get("width")), side(image.get("height"))
            extent = own_size if all(own_size) else size
            if not extent:
                extent = self._extents.of(part, image) if entries else (0, 0)
            said = []
            for entry, kind in opened(self._source, part, entries, extent, title):  # type: ignore[arg-type]
                if kind in ("caption", "label"):
                    said.append(entry)
                    continue
                one = reader.placed(entry, kind, extent, title, True)  # type: ignore[arg-type]
                if one is not None:
                    drawn.append((frame, one))
            base = (frame + 1) << 36
            others += labels(reader, said, title, frame, lambda n, b=base: hash_of(b + n))  # type: ignore[misc]
            answers = image_answers(part, image, frame, title, lambda n, b=base: hash_of(b + (1 << 35) + n))  # type: ignore[misc]
            others += [(instance, {}) for instance in answers]
        return self._adopted(part, row, hash_of, drawn, others, video, frames)

    def _adopted(
        self, part: Part, row: LabelRowV2, hash_of: Callable[[int], str], placed: list[tuple[int, Placed]],
        others: Said, video: dict[str, Any], frames: dict[int, dict[str, Any]],
    ) -> LabelRowV2:  # fmt: skip
        reader = part.reader
        tracks: dict[Any, dict[int, Placed]] = {}
        classes: dict[Any, int] = {}
        for number, (frame, one) in enumerate(placed):
            class_ = id(one.plan.object)
            track = (class_, one.track if one.track is not None else (number,))
            split = None
            if one.track is not None and classes.setdefault(one.track, class_) != class_ and track not in tracks:
                split = "A track is drawn in several ways; what is drawn otherwise is an object of its own."
            members = tracks.setdefault(track, {})
            if frame in members:
                split = "A track has two annotations on one frame; the later is an object of its own."
                one.hash = None
                members = tracks.setdefault((class_, (number,)), {})
            if split:
                where, key = reader.where(row.data_title, None, frame), (one.kind, one.plan.label)
                reader.counts.change(Kind.SPLIT, "TRACK_SPLIT", Feature.TRACKS, key, where, split, counted=one.changed)
                one.changed = True
            members[frame] = one
        labels: dict[str, dict[int, dict[str, Any]]] = {}
        own = {one.hash for members in tracks.values() for one in members.values() if one.hash}
        for number, members in enumerate(tracks.values()):
            hash_ = free_hash(hash_of, number, own)
            if len(members) == 1:
                [(frame, one)] = members.items()
                instance = reader.lone(one, hash_, frame)
            else:
                instance = _tracked(reader, members, hash_, row.data_title)
            row._adopt(instance)
            labels[instance.object_hash] = {frame: one.native for frame, one in members.items() if one.native}
        known: dict[str, Any] = {}
        said: Any
        for said, keys in others:
            if keys:
                labels.setdefault(said.classification_hash, {}).update(dict.fromkeys(said._frames, keys))
            first = known.setdefault(said.classification_hash, said)
            if first is said:
                row._adopt(said)
            else:
                for frame, info in said._frames.items():
                    first._place(frame, info)
        row._native = _native_of(part, video, labels, frames)
        if extra := metadata_of(row._native, ""):
            row.client_metadata = {**(row.client_metadata or {}), **extra}
        return row

    # -- annotations over many frames -------------------------------------------------------------------------

    def tracks(self, part: Part) -> Iterator[LabelRowV2]:
        """Yield the rows of videos whose annotations are over all their frames."""
        for number, id_ in enumerate(part.video_ids):
            video = part.videos[id_]
            row = self.video(part, id_, video, [])
            unit = row._units[0]
            size = (unit.width or 1, unit.height or 1)
            hash_of = self._draft.hashes.series("row", *part.key, "video", id_)
            placed: list[tuple[int, Placed]] = []
            frames = _frame_ids(video) or range(row.number_of_frames)
            for track, entry in enumerate(part.each_annotation(number)):
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
            yield self._adopted(part, row, hash_of, placed, [], video, {})


_VIDEO_KEYS = frozenset({"id", "name", "width", "height", "length", "file_names", "frame_ids", "frame_count", KEY})
"""Keys of videos that are read."""
_QUIET = frozenset(
    {"annotation.track_id", "annotation.instance_id", "annotation.attributes", "annotation.video_id",
     "frame.frame_index", "frame.video_title"}
)  # fmt: skip
"""Names of what only tells which annotations are one object."""


_FRAME_KEYS = READ_KEYS | {"video_id", "frame_id"}
"""Keys of images that are read if they are frames of a video."""


def _native_of(
    part: Part, video: dict[str, Any], labels: dict[str, dict[int, dict[str, Any]]], frames: dict[int, dict[str, Any]]
) -> Native:
    """Return what only COCO has words for of a video, its frames and its annotations."""
    kept = part.reader.native
    keys = own_of(video, _VIDEO_KEYS)
    id_ = number_of(video.get("id"))
    if id_ != NO_ID and kept.keeps("video"):
        keys = {"id": id_, **keys}
    quiet = {*kept.quiet, *quiet_of(frames.values()), *_QUIET} - {"image.id"}
    if "video.id" in kept.quiet:
        quiet.add("image.id")
    if "image.id" in kept.quiet:
        quiet.add("frame.id")
    return Native(FAMILY, keys, labels, frames, frozenset(quiet))


def _frame_of(part: Part, image: dict[str, Any]) -> dict[str, Any]:
    """Return what only COCO has words for of an image that is a frame."""
    keys = own_of(image, _FRAME_KEYS)
    tell_odd_name(part, image, "")
    said = image.get("frame_id")
    if said is not None and said.__class__ is not int:
        detail = f"'frame_id' is {said!r:.60}, which is no number; frames are counted."
        where = part.reader.where(title_of(image), None)
        part.reader.counts.lose(
            Kind.DEFAULTED, "NATIVE_DROPPED", Feature.NATIVE, ("key", "frame.frame_id"), where, detail
        )
    if name := file_name_of(image, ""):
        keys["file_name"] = name
    id_ = number_of(image.get("id"))
    return {"id": id_, **keys} if id_ != NO_ID and part.reader.native.keeps("image") else keys


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
                    entry, segmentation=raw_of(shape), bbox=raw_of(box), segmentations=NO_RAW, bboxes=NO_RAW
                ),
            )


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
                reader.counts.drop("IMMUTABLE_CONFLICT", Feature.ANSWERS, ("answer", plan.label), where, detail)
                weights[frame] = (1, _fewer(weights[frame][1]))
    for run in runs.values():
        instance._answer_frames(*run)
    reader.counts.into["track", plan.label] += 1
    others = {frame: (one.kind, one.changed) for frame, one in members.items()
              if (one.kind, one.changed) != (first.kind, first.changed)}  # fmt: skip
    instance._origin = Origin(first.kind, plan.label, changed=first.changed, weights=weights, others=others or None)
    return instance


def _fewer(carried: Carried) -> Carried:
    return tuple((type_, count - (type_ == "answer")) for type_, count in carried if count > (type_ == "answer"))


def _triples(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, list) and len(one) == 3] if isinstance(value, list) else []
