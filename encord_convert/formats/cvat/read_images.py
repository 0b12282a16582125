"""Images of a CVAT file: each becomes a label row, or one of an image group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.exact_xml import Answers, Image, Shape
from encord_convert.formats.cvat.grid import FAMILY, keys_of
from encord_convert.formats.cvat.meta import Task
from encord_convert.formats.cvat.native import of_image, of_shape
from encord_convert.formats.cvat.read_attributes import Change, Ready
from encord_convert.formats.cvat.read_geometry import Drawing, drawn
from encord_convert.formats.cvat.read_shapes import Invalid, pose_of
from encord_convert.formats.cvat.reader import ROTATED, Reader, header_of
from encord_convert.formats.cvat.stats import frame_number
from encord_convert.formats.cvat.united import United
from encord_convert.hub.counts import Origin
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import ALSO, Keys, Native
from encord_convert.hub.splits import metadata_of
from encord_convert.hub.table import Size
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance

_DEPTH = itemgetter(0)

TagAt = tuple[Ready, int, int, "Keys | None"]
"""A tag: what it has in common with others, its index on the image, line, and what is native of it."""


class Images(Reader):
    """Makes rows of images; ``first`` is the place in the file of the first image that comes."""

    def __init__(self, *common: Any, first: int = 0) -> None:
        super().__init__(*common)
        self._place = first
        self._natives: dict[str, dict[int, Keys]] = {}
        self._duplicates = self.stats.duplicates
        self._size = self.options.size_px()
        self._has_subsets = self.meta.own is None and len([subset for subset in self.stats.subsets if subset]) > 1
        self._left = {task_id: task.images for task_id, task in self.stats.tasks.items()}
        self._groups: dict[str, list[Image]] = {}

    def rows(self, image: Image) -> Iterator[LabelRowV2]:
        """Take the next image; yield its row, or that of the group that is complete with it."""
        options, task_id = self.options, image.attributes.get("task_id", "")
        self.account.counts.into["image", ""] += 1
        place, is_duplicate = self._place, self._place in self._duplicates
        self._place += 1
        if is_duplicate:
            self._drop(image)
        if options.group_images or (options.frames_as_video and self.meta.task(task_id).mode == "interpolation"):
            if not is_duplicate:
                self._groups.setdefault(task_id, []).append(image)
            self._left[task_id] -= 1
            if not self._left[task_id] and task_id in self._groups:
                yield self._group(task_id, self._groups.pop(task_id))
        elif not is_duplicate:
            yield self._row(place, image)

    # -- rows -------------------------------------------------------------------------------------------------

    def _key(self, attributes: dict[str, str]) -> tuple[str, ...]:
        return (
            *self.key,
            self.meta.task_id(attributes),
            attributes.get("subset", ""),
            attributes.get("name", ""),
            attributes.get("id", ""),
        )

    def _title(self, attributes: dict[str, str]) -> str:
        name, subset = attributes.get("title") or attributes.get("name", ""), attributes.get("subset", "")
        return self.folder + (f"{subset}/{name}" if self._has_subsets and subset else name)

    def _split(self, attributes: dict[str, str]) -> str:
        """Return the split of an image: its subset, its task's, or what the path of one of several files says."""
        return subset_of(attributes) or self.meta.split(attributes.get("task_id", "")) or self.named

    def _extent(self, image: Image) -> Size:
        """Return width and height in pixels."""
        attributes = image.attributes
        width, height = pixels_of(attributes.get("width")), pixels_of(attributes.get("height"))
        if width and height:
            return width, height
        name = attributes.get("name", "")
        header = header_of(self.media, name, attributes.get("subset", "")) if self.media is not None else None
        if header is not None and header.orientation > 1:
            self.account.note(Level.WARNING, "EXIF_ORIENTATION", ROTATED, image.line, "image")
        found = header.shown if header is not None else self._size
        if found is None:
            fact = f"the size of the image {name!r} is not known, so its shapes cannot be read."
            advice = "Give it with -r size=WIDTHxHEIGHT, or put the images in images/ beside the file."
            raise ReadError(self.account.place, fact, line=image.line, advice=advice)
        return found

    def _row(self, place: int, image: Image) -> LabelRowV2:
        extent = self._extent(image)
        attributes = image.attributes
        key = self._key(attributes)
        title = self._title(attributes)
        self.account.title = title
        row = self._empty_row(attributes, key, title, extent)
        adopt = row._adopt
        for instance in self._labels(image, extent, 0, self.draft.hashes.series("picture", *key)):
            adopt(instance)
        row._native = self.native(of_image(attributes, place))
        return row

    def native(
        self,
        own: Keys,
        joined: Mapping[str, str] = MappingProxyType({}),
        frames: Mapping[int, Keys] = MappingProxyType({}),
    ) -> Native | None:
        """Return what is native of a row, of images that are its frames, and of the labels made since the last time.

        ``joined`` gives the hash under which a label is another frame of one.
        """
        labels, self._natives = self._natives, {}
        for hash_, first in joined.items():
            if hash_ in labels:
                labels.setdefault(first, {}).update(labels.pop(hash_))
        return Native(FAMILY, own, labels, dict(frames)) if own or labels or frames else None

    def _empty_row(self, attributes: dict[str, str], key: tuple[str, ...], title: str, extent: Size) -> LabelRowV2:
        row = self.draft.row(
            DataType.IMAGE,
            title,
            [self.draft.unit(attributes.get("unit") or title, *extent, key)],
            frames=1,
            key=key,
            dataset=self.meta.dataset(subset_of(attributes), self.options),
            client_metadata=metadata_of(self._split(attributes)),
        )
        row._origin = self.account.place
        row._file = LabelFile(self.member, attributes.get("name", ""))
        return row

    def _group(self, task_id: str, images: list[Image]) -> LabelRowV2:
        """Make the row of a task: a group of its images, or the video whose frames they are."""
        task = self.meta.task(task_id)
        is_video = self.options.frames_as_video and task.mode == "interpolation"
        images.sort(key=lambda image: _number(image.attributes.get("id")))
        frames = self._frames(task, images) if is_video else range(len(images))
        units, united = [], United(self.account.counts)
        extents = []
        for frame, image in zip(frames, images, strict=True):
            extent = self._extent(image)
            extents.append(extent)
            key = self._key(image.attributes)
            title = self.account.title = self._title(image.attributes)
            units.append(self.draft.unit(title, *extent, key, frame))
            hash_of = self.draft.hashes.series("picture", *key)
            united.add(image, self._labels(image, extent, frame, hash_of), hash_of)
        subset = images[0].attributes.get("subset", "")
        title, count = task.name or self.meta.name, len(images)
        key = (*self.key, "group", self.meta.task_id(images[0].attributes))
        if is_video:
            title = task.source or title
        name = title
        if is_video and self._has_subsets and subset:
            title = f"{subset}/{title}"
        title = self.folder + title
        if is_video:
            count = max(task.frames(self.options), frames[-1] + 1)
            extent = (task.width, task.height) if task.width and task.height else extents[0]
            units = [self.draft.unit(title, *extent, key)]
            if not units[0].data_type.startswith("video/"):
                units[0].data_type = "video/mp4"
        row = self.draft.row(
            DataType.VIDEO if is_video else DataType.IMG_GROUP,
            title,
            units,
            frames=count,
            key=key,
            dataset=self.meta.dataset(subset, self.options),
            client_metadata=metadata_of(self._split(images[0].attributes)),
        )
        row._origin = self.account.place
        names = {frame: one.attributes.get("name", "") for frame, one in zip(frames, images, strict=True)}
        row._file = LabelFile(self.member, name, names)
        of_frames = {at: own for at, one in zip(frames, images, strict=True) if (own := of_image(one.attributes, at))}
        row._native = self.native(keys_of(task) if is_video else {}, united.joined, of_frames)
        for instance in united.labels:
            row._adopt(instance)
        return row

    def _frames(self, task: Task, images: Sequence[Image]) -> Sequence[int]:
        """Return the frame of the video that each image is, in ascending order; one without a number is the next."""
        numbers = [frame_number(image.attributes.get("id")) for image in images]
        shift = task.shift(numbers[0])
        frames: list[int] = []
        for number in numbers:
            if number is None:
                frames.append(frames[-1] + 1 if frames else 0)
            else:
                frames.append(max(0, task.hub_frame(number - shift, self.options)))
        return frames

    def labels(self, image: Image, frame: int, hash_of: Callable[[int], str]) -> list[Any]:
        """Make the objects of an image that is a frame, and its classifications."""
        extent = self._extent(image)
        self.account.title = self._title(image.attributes)
        return self._labels(image, extent, frame, hash_of)

    def _drop(self, image: Image) -> None:
        """Count an image that stands in the file a second time."""
        account = self.account
        title = account.title = self._title(image.attributes)
        detail = f"The image {title!r} stands in the file more than once; the first is read."
        where = account.where(image.line, "image")
        account.counts.drop("DUPLICATE_IMAGE", Feature.MEDIA, ("image", ""), where, detail)
        account.counts.note(Level.ERROR, "DUPLICATE_IMAGE", detail, where)
        loss = Change(Kind.DROPPED, "DUPLICATE_IMAGE", Feature.MEDIA, detail)
        for shape in image.shapes:
            ready = self._ready(shape)
            if ready is None:
                account.drop_unknown(shape[0], shape[1], shape[6])
            else:
                account.drop(ready, shape[0], shape[6], loss)

    # -- labels -----------------------------------------------------------------------------------------------

    def _ready(self, shape: Shape) -> Ready | None:
        """Return what shapes of this variant have in common; None if it is no shape that can be read."""
        tag, label, sides, _, answers, children, _ = shape
        points: tuple[tuple[str, Answers], ...] = ()
        if children is not None and tag == "skeleton":
            points = tuple([(child[1], child[4]) for child in children])
        plan: Any = self.plans.tags.get(label) if tag == "tag" else self.plans.shapes.get((tag, label))
        key = (tag, label, sides, answers, points)
        ready = self.account.cache.get(key)
        if ready is None:
            if plan is None:
                return None
            ready = self.account.cache[key] = self.account.ready(plan, shape[0], sides, answers, points)
        return ready

    def _labels(self, image: Image, extent: Size, frame: int, hash_of: Callable[[int], str]) -> list[Any]:
        """Make the objects of an image, by z_order, and its classifications."""
        placed: list[tuple[int, ObjectInstance]] = []
        tags: list[TagAt] = []
        leaves = False
        for index, shape in enumerate(image.shapes):
            leaves |= self._take(shape, extent, frame, index, hash_of, placed, tags)
        if leaves:
            self._note_leaving(image.line)
        placed.sort(key=_DEPTH)
        objects: list[Any] = [instance for _, instance in placed]
        return objects + self._classifications(tags, frame, hash_of) if tags else objects

    def _take(
        self, shape: Shape, extent: Size, frame: int, index: int, hash_of: Callable[[int], str],
        placed: list[tuple[int, ObjectInstance]], tags: list[TagAt],
    ) -> bool:  # fmt: skip
        """Make the objects of a shape, drop it, or keep a tag for later; tell whether it leaves the image."""
        tag, label, _, _, _, _, line = shape
        ready = self._ready(shape)
        if ready is None:
            self.account.drop_unknown(tag, label, line)
            return False
        self.account.lose_unread(shape)
        native = of_shape(ready, shape)
        if tag == "tag":
            tags.append((ready, index, line, native))
            return False
        plan: Any = ready.plan
        try:
            drawing = drawn(plan, pose_of(plan, shape), *extent, self.options)
        except Invalid as fault:
            self.account.drop(ready, tag, line, fault.loss)
            return False
        changed = self._tell(ready, drawing, tag, line, ready.is_changed)
        ready.count += 1
        if ready.is_open:
            self.account.tell(ready, tag, line)
        origin = Origin(tag, label, line, ready.carried, changed)
        for number, coordinates in enumerate(drawing.coordinates):
            hash_ = hash_of(index + (number << 32))
            if native:
                self._natives[hash_] = {frame: native}
            placed.append((ready.z, _instance(ready, hash_, coordinates, frame, origin)))
            # The first of split objects stands for the one shape of the source.
            origin = Origin(tag, label, line, changed=changed, weights={})
        return drawing.is_outside

    def _note_leaving(self, line: int) -> None:
        detail = "Shapes reach outside their image and are kept as they are; -r clip=yes cuts them."
        self.account.note(Level.WARNING, "OUT_OF_BOUNDS", detail, line, "image")

    def _tell(self, ready: Ready, drawing: Drawing, tag: str, line: int, changed: bool) -> bool:
        """Say what was changed about one shape; return whether it counts as changed."""
        for change in drawing.changes:
            self.account.change(ready, change, line, changed)
            changed = True
        for level, code, detail in drawing.notes:
            self.account.note(level, code, detail, line, tag)
        return changed

    def _classifications(
        self, tags: list[TagAt], frame: int, hash_of: Callable[[int], str]
    ) -> list[ClassificationInstance]:
        """Make the classifications of an image: tags without attributes are one, equal tags collapse."""
        account = self.account
        seen: set[str] = set()
        plain: list[TagAt] = []
        made = []
        for ready, index, line, native in tags:
            plan = ready.plan
            if plan.label in seen:
                detail = f"The tag {plan.label!r} stands on one image more than once; the first is read."
                loss = Change(Kind.MERGED, "TAG_COLLAPSED", Feature.CLASSIFICATIONS, detail)
                account.drop(ready, "tag", line, loss)
                continue
            seen.add(plan.label)
            ready.count += 1
            if ready.is_open:
                account.tell(ready, "tag", line)
            if plan.is_plain:  # type: ignore[union-attr]
                plain.append((ready, index, line, native))
            else:
                if native:
                    self._natives[hash_of(index)] = {frame: native}
                origin = Origin("tag", plan.label, line, ready.carried, ready.is_changed)
                made.append(self._classification(ready, ready.static, hash_of(index), frame, origin))
        if plain:
            made.append(self._common_tags(plain, frame, hash_of))
        return made

    def _common_tags(self, tags: list[TagAt], frame: int, hash_of: Callable[[int], str]) -> ClassificationInstance:
        ready, index, line, _ = tags[0]
        further = tuple(Origin("tag", r.plan.label, at, r.carried, r.is_changed) for r, _, at, _ in tags[1:])
        also = {r.plan.label: native for r, _, _, native in tags if native}
        if also:
            self._natives[hash_of(index)] = {frame: {ALSO: also}}
        origin = Origin("tag", ready.plan.label, line, ready.carried, ready.is_changed, also=further)
        root = ready.plan.root  # type: ignore[union-attr]
        chosen = {id(other.plan.option) for other, *_ in tags}  # type: ignore[union-attr]
        options = tuple(option for option in root.options if id(option) in chosen)
        # One information for all: it is by hand only if every one of them is.
        machine = next((other for other, *_ in tags if not other.info.manual_annotation), ready)
        return self._classification(machine, [(root, options)], hash_of(index), frame, origin)

    def _classification(
        self, ready: Ready, answers: Iterable[tuple[Any, Any]], hash_: str, frame: int, origin: Origin
    ) -> ClassificationInstance:
        plan = ready.plan
        instance = ClassificationInstance(plan.classification, classification_hash=hash_)  # type: ignore[union-attr]
        instance._origin = origin
        instance._place(frame, ready.info)
        for attribute, value in answers:
            instance._answer(attribute, value)
        return instance


def _instance(ready: Ready, hash_: str, coordinates: Any, frame: int, origin: Origin) -> ObjectInstance:
    shares = ready.shares
    if shares.frame != frame:
        shares.turn_to(frame)
    return ObjectInstance._on_frame(
        ready.plan.object,  # type: ignore[union-attr]
        hash_, frame, coordinates, ready.info, shares.static, shares.dynamic, origin,
    )  # fmt: skip


def subset_of(attributes: dict[str, str]) -> str:
    """Return the subset of a project that an image is in."""
    return attributes.get("cvat_subset") or attributes.get("subset", "")


def pixels_of(text: str | None) -> int:
    """Return a size in whole pixels, 0 if the text is none."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0
    return int(number) if 0 < number < 1e9 else 0


def _number(text: str | None) -> tuple[int, str]:
    """Return a key that orders frame numbers as numbers, others behind them."""
    text = text or ""
    return (int(text), "") if text.isdecimal() else (1 << 62, text)
