"""Reads a YOLO data set: the task is decided once, then each page becomes a table.

All notes are made before the first row is yielded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from encord_convert.errors import ReadError
from encord_convert.formats._beside import tell_json
from encord_convert.formats._files import FileSource, Source, source_at
from encord_convert.formats.coco.native import FAMILY as COCO
from encord_convert.formats.yolo import trainer
from encord_convert.formats.yolo.classify import read_class_lines, read_classes
from encord_convert.formats.yolo.data_yaml import MOST_UNNAMED, Description, described, yaml_members
from encord_convert.formats.yolo.identify import is_of_classes, ndjson_member
from encord_convert.formats.yolo.layout import SIZES, laid_out
from encord_convert.formats.yolo.ndjson import Lines
from encord_convert.formats.yolo.options import FAMILY, ReadOptions
from encord_convert.formats.yolo.pages import Files, Images, Pages
from encord_convert.formats.yolo.read_shapes import Classified, classified, kinds_by_class, runs_back, tail_values
from encord_convert.formats.yolo.read_tables import Tables
from encord_convert.formats.yolo.rows import Fault, Page
from encord_convert.formats.yolo.skeletons import template_of
from encord_convert.formats.yolo.tasks import BOX, POLYGON, ROTATED, SKELETON, TYPES, Plan, RowStats, decided, doubtful
from encord_convert.hub.class_names import unique
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.table import Table
from encord_convert.sdk.objects import Object, Shape

SHAPES = {
    BOX: Shape.BOUNDING_BOX,
    POLYGON: Shape.POLYGON,
    ROTATED: Shape.ROTATABLE_BOUNDING_BOX,
    SKELETON: Shape.SKELETON,
}
_OF_TASK = {"detect": BOX, "segment": POLYGON, "obb": ROTATED, "pose": SKELETON}
_IN_WORDS = {"detect": "boxes", "segment": "polygons", "obb": "rotated boxes", "pose": "skeletons"}

SIZE_ADVICE = f"Put the images next to the labels, name their sizes in {SIZES}, or give -r size=WIDTHxHEIGHT."


def read(source: Source, options: ReadOptions) -> LabelSet:
    """Read a folder or archive of label files, or an NDJSON file.

    Raises
    ------
    ReadError
        There are no label files, a file is damaged, or the size of no image is known.
    """
    source = beside_yaml(source)
    lines = ndjson_member(source)
    if lines is None and (options.task == "classify" or (options.task == "auto" and is_of_classes(source.names()))):
        return read_classes(source)
    if lines is not None:
        images = Lines(source, lines)
        if "classify" in (options.task, images.description.task):
            return read_class_lines(images)
        reader = Reader(images, images.description, options, source.name)
        labels = reader.read()
        reader.counts.mark_head()
        return labels
    return _read_files(source, options)


def _read_files(source: Source, options: ReadOptions) -> LabelSet:
    description = described(source)
    layout = laid_out(source, description)
    if not len(layout) and not source.names(SIZES):
        raise ReadError(source.name, "holds no images and no label files of YOLO.")
    images = Files(source, layout, options.size_px(), description.names)
    reader = Reader(images, description, options, source.name)
    counts = reader.counts
    for level, code, detail, count in layout.notes:
        counts.note(level, code, detail, count=count)
    tell_json(source, source.names(".json"), counts)
    unread = layout.unread + [name for name in yaml_members(source) if name not in description.files]
    if unread:
        named = ", ".join(unread[:5])
        detail = f"Files that belong to no image and name no classes are not read: {named}."
        counts.note(Level.WARNING, "FILE_NOT_READ", detail, count=len(unread))
    labels = reader.read()
    _note_files(source, images, counts)
    counts.mark_head()
    return labels


def _note_files(source: Source, images: Files, counts: Counts) -> None:
    """Add notes about the files."""
    if images.unreadable:
        for member in images.unreadable:
            counts.note(Level.WARNING, "TRAINER_SKIPS", UNREADABLE, Where(file=source.place(member)))
    if images.rotated:
        detail = "EXIF data rotates an image; its labels refer to the rotated image."
        counts.note(Level.INFO, "EXIF_ORIENTATION", detail, count=images.rotated)
    if images.dota is not None and images.dota.difficult:
        count = images.dota.difficult
        counts.into["attribute", "difficulty"] += count
        detail = "The difficulty in DOTA files is not kept."
        counts.drop(
            "ATTRIBUTE_DROPPED", Feature.ATTRIBUTES, ("attribute", "difficulty"), Where(file=source.name), detail,
            count=count,
        )  # fmt: skip
    if images.dota is not None and images.dota.heads:
        detail = "Header lines of DOTA files are not kept: image source and resolution."
        counts.note(Level.INFO, "KEYS_NOT_READ", detail, count=images.dota.heads)


def beside_yaml(source: Source) -> Source:
    """Return the folder of a ``data.yaml`` given directly; any other source unchanged."""
    if isinstance(source, FileSource) and source.names()[0].lower().endswith((".yaml", ".yml")):
        path = source.path(source.names()[0])
        if path is not None:
            return source_at(path.absolute().parent)
    return source


class Reader:
    """Decides what the rows are, counts them, and makes the label set.

    Parameters
    ----------
    images : Images
    description : Description
    options : ReadOptions
    title : str
        Name of the source in messages.
    """

    def __init__(self, images: Images, description: Description, options: ReadOptions, title: str) -> None:
        self.counts = Counts()
        self._images = images
        self._description = description
        self._options = options
        self._title = title
        self._pages = Pages(images)
        self._draft = Draft(FAMILY)
        self._is_dota = getattr(images, "dota", None) is not None
        self._is_in_pixels = self._is_dota or options.units == "pixels"

    def read(self) -> LabelSet:
        """Return the label set.

        Raises
        ------
        ReadError
            The size of no image is known, and there are rows.
        """
        for level, code, detail in self._description.notes:
            self.counts.note(level, code, detail, Where(file=self._description.place))
        plan = self._decided()
        names = self._names()
        self._objects: dict[tuple[int, int], Object] = {}
        is_class = np.zeros(max(names, default=-1) + 1, bool)
        is_class[list(names)] = True
        counts = self._counted(plan, names, is_class)
        self._declare(plan, names, counts)
        tables = Tables(self._draft, self._images, plan, self._objects, self._stats.flags, self._options.bridges)

        def walk() -> Iterator[Table]:
            for images, page in self._pages.walk():
                yield tables.table(images, self._settled(images, page, plan, is_class))

        labels = LabelSet(self._draft.ontology, title="", counts=self.counts, tables=walk)
        others = dict(self._description.others)
        if self._description.flips is not None:
            others["flip_idx"] = self._description.flips
        if others or plan.tracks:
            labels.native[FAMILY] = others
        if plan.task == "pose" and not plan.tracks:
            labels.native[COCO] = {}
        labels.splits = {split for split in self._images.splits if split}
        return labels

    def _settled(self, images: range, page: Page, plan: Plan, is_class: Any) -> Classified:
        sizes = self._images.sizes[images.start : images.stop]
        return classified(page, plan, is_class, sizes, is_in_pixels=self._is_in_pixels)

    def _decided(self) -> Plan:
        """Look at all rows, and decide what they are."""
        self._stats = stats = RowStats(self._description.keypoints)
        highest, is_sized, rows = -1, False, 0
        for images, page in self._pages.walk():
            sizes = self._images.sizes[images.start : images.stop]
            stats.add_page(page, np.array(sizes, np.float64))
            if not self._description.names:  # an absurd number must not allocate that many classes
                highest = max(highest, int(page.classes.max(initial=-1, where=page.classes < MOST_UNNAMED)))
            rows += len(page)
            is_sized = is_sized or any(width for width, _ in sizes)
        if rows and not is_sized:
            fact = "gives no image sizes, and YOLO coordinates are fractions of the image size."
            raise ReadError(self._title, fact, advice=SIZE_ADVICE)
        asked = self._options.task if self._options.task != "auto" else None
        said = "-r task says so" if asked else "data.yaml says so"
        task = asked or self._description.task
        if self._is_dota:
            task, said = "obb", "files in labelTxt are in DOTA format"
        plan = decided(stats, task, said, self._description.keypoints)
        if rows and task is None and self._description.keypoints is not None and plan.task != "pose":
            detail = "No row has the length that kpt_shape implies; it is ignored."
            self.counts.note(Level.WARNING, "INVALID_YAML", detail, Where(file=self._description.place))
        if not self._description.names and highest >= 0:
            self._description.names = {number: f"class_{number}" for number in range(highest + 1)}
            detail = "The classes have no names; they are called class_0, class_1, …, up to the highest number used."
            self.counts.note(Level.WARNING, "CLASS_NAMES_MISSING", detail)
        if rows:
            detail = f"Rows are read as {_IN_WORDS.get(plan.task, plan.task)} (task {plan.task}): {plan.rule}."
            self.counts.note(Level.INFO, "TASK", detail)
            self._note_doubts(stats, rows)
        if count := doubtful(stats, plan):
            detail = "The last number of some polygons is read as a confidence, but others have none: rows cut short?"
            self.counts.note(Level.WARNING, "CONFIDENCE_DOUBTFUL", detail, count=count)
        return plan

    def _note_doubts(self, stats: RowStats, rows: int) -> None:
        """Warn if numbers look like something other than relative centre and size."""
        if not self._is_in_pixels and stats.pixels * 2 > rows:
            detail = "Most rows have only numbers above 1.5: they look like pixels; -r units=pixels reads those."
            self.counts.note(Level.WARNING, "BBOX_SUSPECT_FORMAT", detail)
        elif not self._is_in_pixels and stats.corners * 2 > stats.widths[4] > 1:
            detail = "Most boxes leave the image when read as centre and size: they look like corners."
            self.counts.note(Level.WARNING, "BBOX_SUSPECT_FORMAT", detail)

    def _names(self) -> dict[int, str]:
        """Return unique class names."""
        taken: set[str] = set()
        names = {}
        for number, name in self._description.names.items():
            own = names[number] = unique(name, taken)
            taken.add(own)
            if own != name:
                detail = f"Class {number} is called {name!r} as another is; it is read as {own!r}."
                where = Where(file=self._description.place, element=name)
                self.counts.lose(
                    Kind.RENAMED, "LABEL_RENAMED", Feature.LABEL_NAME, ("class", name), where, detail
                )  # fmt: skip
        if names and list(names) != list(range(len(names))):
            detail = "Class numbers have gaps, which Ultralytics refuses; they are renumbered on writing."
            self.counts.note(Level.WARNING, "ID_RENUMBERED", detail, Where(file=self._description.place))
        return names

    def _counted(self, plan: Plan, names: dict[int, str], is_class: Any) -> dict[int, Any]:
        """Count all rows; return how many of each kind each class has."""
        totals = {kind: np.zeros(len(is_class), np.int64) for kind in SHAPES}
        confident = {kind: np.zeros(len(is_class), np.int64) for kind in SHAPES}
        skips: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        counts = self.counts
        counts.into["image", ""] += len(self._images.titles)
        for images, page in self._pages.walk():
            sizes = self._images.sizes[images.start : images.stop]
            for image, reason in trainer.skipped(page, sizes, len(names), plan.keypoints):
                skips[reason].append((images[image], 1))
            for image, count in trainer.repeated(page).items():
                skips[TWICE].append((images[image], count))
            found = self._settled(images, page, plan, is_class)
            for kind, per_class in kinds_by_class(found, len(is_class)).items():
                totals[kind] += per_class
            if plan.confidences:
                scored = ~np.isnan(tail_values(found.page, plan)[0])
                for kind in SHAPES:
                    chosen = found.page.classes[scored & (found.kinds == kind)]
                    confident[kind] += np.bincount(chosen, minlength=len(is_class))
            self._note_all(images, found, plan, names)
        for counter, type_of in ((totals, TYPES.get), (confident, lambda _: "confidence")):
            for kind, per_class in counter.items():
                for number in np.flatnonzero(per_class).tolist():
                    counts.into[str(type_of(kind)), names[number]] += int(per_class[number])
        for reason, skipped in skips.items():
            detail = reason if reason == TWICE else f"Ultralytics skips the image: {reason}."
            for image, count in skipped:
                where = Where(file=self._images.place(image), row=self._images.titles[image])
                counts.note(Level.WARNING, "TRAINER_SKIPS", detail, where, count)
        return totals

    def _note_all(self, images: range, found: Classified, plan: Plan, names: dict[int, str]) -> None:
        page, counts = found.page, self.counts
        type_ = TYPES[_OF_TASK[plan.task]]
        for fault in page.faults:
            label = names.get(fault.number, "")
            counts.into[type_, label] += 1
            counts.drop(
                fault.code,
                _FEATURES.get(fault.code, Feature.SHAPE),
                (type_, label),
                self._where(images, fault),
                fault.detail,
            )
        for row in found.askew.tolist():
            detail = "The sides of a rotated box do not meet at right angles; it is read as a polygon."
            self._note(Level.WARNING, "INVALID_ROTATION", detail, images, int(page.owners[row]), int(page.lines[row]))
        if plan.task == "pose" and (plan.keypoints or (0, 2))[1] == 3 and not self._stats.flags:
            self._note_flags(images, found, plan)
        at = np.flatnonzero(found.kinds == POLYGON)
        back = runs_back(page, at) if len(at) else []
        if back and self._options.bridges == "keep":
            detail = "A polygon runs back over itself, like joined parts; -r bridges=split separates them."
            row = back[0]
            self.counts.note(
                Level.INFO, "PARTS_JOINED", detail,
                Where(self._images.place(images[int(page.owners[row])]), int(page.lines[row])), len(back),
            )  # fmt: skip

    def _note_flags(self, images: range, found: Classified, plan: Plan) -> None:
        """Note third keypoint values that are not visibilities: confidences, or other numbers."""
        count, each = plan.keypoints or (0, 3)
        at = np.flatnonzero(found.kinds == SKELETON)
        flags = found.page.block(at, 4 + each * count)[:, 6::3]
        odd = ~np.isin(flags, (0, 1, 2))
        scores = int(np.count_nonzero(odd & (flags < 1)))
        if scores:
            detail = "Keypoints have a confidence instead of a visibility; it is not kept."
            row = int(at[np.flatnonzero((odd & (flags < 1)).any(axis=1))[0]])
            self._note(
                Level.WARNING, "KEYPOINT_CONFIDENCE", detail, images, int(found.page.owners[row]),
                int(found.page.lines[row]), scores,
            )  # fmt: skip
        if others := int(np.count_nonzero(odd)) - scores:
            detail = "A visibility is not 0, 1 or 2; values above 0 mean visible."
            row = int(at[np.flatnonzero((odd & (flags >= 1)).any(axis=1))[0]])
            self._note(
                Level.WARNING, "VISIBILITY_UNKNOWN", detail, images, int(found.page.owners[row]),
                int(found.page.lines[row]), others,
            )  # fmt: skip

    def _note(self, level: Level, code: str, detail: str, images: range, image: int, line: int, count: int = 1) -> None:
        where = Where(self._images.place(images[image]), line, self._images.titles[images[image]])
        self.counts.note(level, code, detail, where, count)

    def _where(self, images: range, fault: Fault) -> Where:
        image = images[fault.image]
        return Where(self._images.place(image), fault.line, self._images.titles[image])

    def _declare(self, plan: Plan, names: dict[int, str], counts: dict[int, Any]) -> None:
        """Add the classes, each with the task's shape and the others that its rows have."""
        base = _OF_TASK[plan.task]
        for number, name in names.items():
            for kind in sorted(SHAPES, key=lambda kind: kind != base):
                if kind == base or counts[kind][number]:
                    item = self._objects[number, kind] = self._draft.add_object(name, SHAPES[kind])
                    if kind == SKELETON:
                        count = (plan.keypoints or (0, 3))[0]
                        template = template_of(self._draft, item, number, count, self._description)
                        self._draft.ontology.skeleton_templates.append(template)
        if plan.task == "pose" and not self._description.point_names and names:
            detail = "The keypoints have no names (kpt_names); they are called point_0, point_1, …"
            self.counts.note(Level.INFO, "KEYPOINT_NAMES_MISSING", detail)


TWICE = "Ultralytics removes a row that repeats an earlier one in its file."
UNREADABLE = "Images that cannot be read; Ultralytics skips them."
_FEATURES = {"CLASS_UNKNOWN": Feature.LABEL_NAME, "SIZE_UNKNOWN": Feature.MEDIA}
