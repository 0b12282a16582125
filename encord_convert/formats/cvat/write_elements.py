"""Objects and classifications as elements of a CVAT file: shapes of images, tracks of videos, tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from encord_convert.formats.cvat.grid import Grid
from encord_convert.formats.cvat.meta import UNDEFINED
from encord_convert.formats.cvat.native import ABSENT, POINTS, UNREAD_ABSENT, absent_in, native_in
from encord_convert.formats.cvat.write_labels import Label, Labels, ObjectVariant, Question, Questions, TagVariant
from encord_convert.formats.cvat.write_skeletons import Written, keyframes, written
from encord_convert.formats.cvat.write_texts import attribute_text, escaped, points_text
from encord_convert.hub.contents import info_of
from encord_convert.hub.native import ALSO, KEPT, Keys
from encord_convert.hub.splits import split_of
from encord_convert.hub.table import Variant
from encord_convert.hub.visibility import frame_size
from encord_convert.sdk.objects import LabelRowV2

_MOST_COMMON = 10_000
"""How many different sets of answers are remembered."""

_NO_ANSWERS = ""


@dataclass(slots=True)
class Range:
    """The numbers given in answer to one attribute, and how many decimals they have."""

    least: float
    greatest: float
    decimals: int = 0

    def take(self, number: float) -> None:
        """Widen the range."""
        self.least, self.greatest = min(self.least, number), max(self.greatest, number)
        text = f"{number:.9f}".rstrip("0")
        self.decimals = max(self.decimals, len(text) - text.index(".") - 1)


@dataclass(slots=True, eq=False)
class _Frame:
    """One frame of a track: geometry, answers in the order of the attributes, what is said beside."""

    frame: int
    pose: Written
    answers: tuple[tuple[str, str], ...]
    is_occluded: bool
    is_manual: bool
    own: Keys

    @property
    def says(self) -> tuple[Any, ...]:
        own = {name: value for name, value in self.own.items() if name not in _OF_FRAMES and "track." not in name}
        return self.answers, self.is_occluded, self.is_manual, own


class Elements:
    """Renders what stands on images and videos.

    Parameters
    ----------
    labels : Labels
    is_sparse : bool
        Leave out frames of tracks that interpolation gives.

    Attributes
    ----------
    spare : dict of Label to None
        Spare labels that were needed.
    ranges : dict of Question to Range
    explicit : dict of Label to Question
        Labels of which a shape is said not to be occluded, which CVAT's own ``occluded`` cannot say.
    """

    def __init__(self, labels: Labels, is_sparse: bool) -> None:
        self.spare: dict[Label, None] = {}
        self.ranges: dict[Question, Range] = {}
        self.explicit: dict[Label, Question] = {}
        self._labels = labels
        self._is_sparse = is_sparse
        self._common: dict[tuple[int, int, int], tuple[Any, str, bool]] = {}

    # --- images ---------------------------------------------------------------------------------------------------

    def shape(self, row: LabelRowV2, frame: int, instance: Any, tracks: dict[str, int]) -> str:
        """Return an object on a frame that is an image.

        ``tracks`` numbers the objects that are on several frames.
        """
        variant = self._labels.of(instance.ontology_item)
        pose = _pose(variant, instance, frame, frame_size(row, frame))
        answers, is_occluded = self._answers_text(variant, instance, frame)
        own = native_in(row, instance.object_hash, frame)
        source = _source(_is_manual(instance, frame), own)
        number = own.get(KEPT, tracks.get(instance.object_hash))
        track = "" if number is None else f' track_id="{escaped(str(number))}"'
        if variant.element == "skeleton":
            head = f'    <skeleton label="{escaped(variant.label.name)}" source="{source}"{_beside(own)}{track}'
            return _closed(head, _points(variant, pose, {"source": source}, own.get(POINTS, {})) + answers, "skeleton")
        head, rest = _around(variant, source, is_occluded, _beside(own) + track, answers)
        return f"{head}{pose.attributes()}{rest}"

    def template(self, variant: Variant, native: Keys, gap: str) -> str:
        """Return the element of shapes of a variant on an image, a format with a gap for where each is."""
        own = self._labels.of(variant.item)
        answers, is_occluded = self._answers_text(own, variant.instance("", None, None), 0)
        source = _source(variant.info.manual_annotation, native)
        track = f' track_id="{escaped(native[KEPT])}"' if KEPT in native else ""
        head, rest = _around(own, source, is_occluded, _beside(native) + track, answers)
        return head.replace("%", "%%") + gap + rest.replace("%", "%%")

    def tags(
        self, row: LabelRowV2, frame: int, classifications: Iterable[Any], tracks: dict[str, int]
    ) -> Iterator[str]:
        """Yield the classifications of a frame."""
        for instance in classifications:
            variant: TagVariant = self._labels.of(instance.ontology_item)
            is_manual = _is_manual(instance, frame)
            native = native_in(row, instance.classification_hash, frame)
            number = tracks.get(instance.classification_hash)
            track = "" if number is None else f' track_id="{number}"'
            for label, questions, answers in self._tags_of(variant, list(instance._static_answers())):
                texts = self._texts(questions, answers)
                own = native if ALSO not in native else native[ALSO].get(label.name, {})
                head = f'    <tag label="{escaped(label.name)}" source="{_source(is_manual, own)}"'
                head += _beside(own, "") + ("" if "track_id" in own else track)
                yield _closed(head, _attributes(texts), "tag")

    def _tags_of(self, variant: TagVariant, answers: list[Any]) -> Iterator[tuple[Label, Questions, list[Any]]]:
        root = next((value for attribute, value in answers if len(attribute.uid) == 2), None)
        if variant.options and root:
            for option in root:
                yield variant.options[option.feature_node_hash][1], variant.questions, []
        elif variant.single is not None and root is not None:
            yield variant.single[1], variant.single[2], [pair for pair in answers if len(pair[0].uid) > 2]
        else:
            self.spare.setdefault(variant.label)
            yield variant.label, variant.questions, answers

    # --- tracks -----------------------------------------------------------------------------------------------------

    def track(self, row: LabelRowV2, instance: Any, written: Sequence[int], number: int, grid: Grid) -> str:
        """Return an object on those frames of a video on which it is written."""
        variant = self._labels.of(instance.ontology_item)
        size = frame_size(row, 0)
        frames: list[_Frame] = []
        known: dict[str, None] = {}
        static = self._texts(variant.questions, instance._static_answers())
        for frame in written:
            dynamic, is_occluded = self._without_occlusion(variant, instance._dynamic_answers_at(frame))
            texts = dict(self._texts(variant.questions, dynamic))
            # What a keyframe does not say stays as it was: that there is no answer any more has to be said.
            texts = dict.fromkeys(known, UNDEFINED) | texts
            known |= dict.fromkeys(texts)
            own = native_in(row, instance.object_hash, frame)
            if is_computed(instance, frame) and frames:
                before = frames[-1].own  # what is computed is as the shape before it
                own = {"keyframe": "0", **{name: before[name] for name in ("z_order", "source") if name in before}}
            pose, answers = _pose(variant, instance, frame, size), (*static, *texts.items())
            frames.append(_Frame(frame, pose, answers, is_occluded, _is_manual(instance, frame), own))
        first = native_in(row, instance.object_hash, min(instance._frames))
        source = _source(any(one.is_manual for one in frames), frames[0].own)
        values = {"id": number, "label": variant.label.name, "source": source}
        of_track = [name for name in first if name.startswith("track.") and not name.startswith(UNREAD_ABSENT)]
        values |= {name.removeprefix("track."): first[name] for name in of_track}
        if values.get("subset", split_of(row.client_metadata)) != split_of(row.client_metadata):
            del values["subset"]  # it is in another now
        head = "".join([attribute_text(name, value, place) for place, (name, value) in enumerate(values.items())])
        lines = self._track_shapes(variant, frames, source, grid, absent_in(first))
        return f"  <track{head}>\n{''.join(lines)}  </track>\n"

    def _track_shapes(
        self, variant: ObjectVariant, frames: list[_Frame], source: str, grid: Grid, left: dict[int, Any]
    ) -> Iterator[str]:
        for one in frames:
            left.pop(one.frame, None)
        for run in _runs(frames, grid.spacing):
            yield from _absent_until(variant, run[0].frame, left, grid)
            places: Sequence[int] = range(len(run))
            if self._is_sparse:
                places = keyframes([one.pose for one in run], [one.says for one in run])
            for place in places:
                yield _track_shape(variant, run[place], grid.number(run[place].frame), source, is_key=self._is_sparse)
            following = run[-1].frame + grid.spacing
            if following < grid.end and following not in left:
                yield _track_shape(variant, run[-1], grid.number(following), source, is_absent=True)
        yield from _absent_until(variant, None, left, grid)

    # --- answers ----------------------------------------------------------------------------------------------------

    def _answers_text(self, variant: ObjectVariant, instance: Any, frame: int) -> tuple[str, bool]:
        """Return the attribute elements of an object on an image, and whether it is occluded."""
        common = instance._answers_in_common()
        if common == (None, None):
            return _NO_ANSWERS, False
        key = (id(common and common[0]), id(common and common[1]), frame)
        found = self._common.get(key) if common is not None else None
        if found is None:
            dynamic, is_occluded = self._without_occlusion(variant, instance._dynamic_answers_at(frame))
            text = _attributes(self._texts(variant.questions, (*instance._static_answers(), *dynamic)))
            if len(self._common) > _MOST_COMMON:
                self._common.clear()
            # What is shared is held with what was made of it, so that its `id` stays its own.
            found = common, text, is_occluded
            if common is not None:
                self._common[key] = found
        return found[1], found[2]

    def _without_occlusion(self, variant: ObjectVariant, answers: Sequence[Any]) -> tuple[Sequence[Any], bool]:
        """Take out the answer that is CVAT's own ``occluded``."""
        occlusion = variant.questions.occluded
        if occlusion is None:
            return answers, False
        [question] = variant.questions.of(occlusion)
        for place, (attribute, value) in enumerate(answers):
            if variant.questions.of(attribute) == [question]:
                if value:
                    return (*answers[:place], *answers[place + 1 :]), True
                self.explicit[variant.label] = question
        return answers, False

    def _texts(self, questions: Questions, answers: Iterable[Any]) -> tuple[tuple[str, str], ...]:
        """Return name and text of the CVAT attributes that answers are."""
        return tuple((one.name, self._text(one, value)) for a, value in answers for one in questions.of(a))

    def _text(self, question: Question, value: Any) -> str:
        if question.input_type == "checkbox":
            is_chosen = any(one.feature_node_hash == question.option.feature_node_hash for one in value)
            return "true" if is_chosen else "false"
        if question.input_type == "select":
            hash_ = value.feature_node_hash
            return next(text for text, option in question.options.items() if option.feature_node_hash == hash_)
        if question.input_type == "number":
            number = float(value)
            self.ranges.setdefault(question, Range(number, number)).take(number)
            return repr(value)
        return "undefined" if value == UNDEFINED else str(value)


# --- rendering ------------------------------------------------------------------------------------------------------


def _pose(variant: ObjectVariant, instance: Any, frame: int, size: tuple[int, int]) -> Written:
    return written(variant.item.shape, instance._frames[frame].coordinates, *size, variant.place)


def _is_manual(instance: Any, frame: int) -> bool:
    return bool(info_of(instance, frame).manual_annotation)


def _closed(head: str, inner: str, element: str, indent: str = "    ") -> str:
    return f"{head}>\n{inner}{indent}</{element}>\n" if inner else f"{head}/>\n"


_OF_FRAMES = frozenset({POINTS, "keyframe", ABSENT})
_OWN_PLACE = frozenset({"source", "z_order", ALSO, KEPT, *_OF_FRAMES})


def _source(is_manual: bool, own: Keys) -> str:
    """Return who made a shape: in the word of the source, if that is still so."""
    return "manual" if is_manual else escaped(own.get("source", "auto"))


def _beside(own: Keys, z_order: str = "0") -> str:
    """Return the XML attributes that are of CVAT alone; without a ``z_order`` by default, none is written."""
    z_order = own.get("z_order", z_order)
    text = f' z_order="{escaped(z_order)}"' if z_order else ""
    if own:
        more = [(name, value) for name, value in own.items() if name not in _OWN_PLACE and "track." not in name]
        text += "".join([attribute_text(name, value, number) for number, (name, value) in enumerate(more)])
    return text


def _around(variant: ObjectVariant, source: str, is_occluded: bool, beside: str, answers: str) -> tuple[str, str]:
    """Return what stands in an element of an image before and behind the attributes that say where it is."""
    head = f'    <{variant.element} label="{escaped(variant.label.name)}" source="{source}" occluded="{is_occluded:d}"'
    return head, _closed(beside, answers, variant.element)


def _attributes(texts: Iterable[tuple[str, str]]) -> str:
    return "".join([f'      <attribute name="{escaped(name)}">{escaped(text)}</attribute>\n' for name, text in texts])


def _points(
    variant: ObjectVariant, pose: Written, beside: dict[str, str], natives: Mapping[str, Keys], is_absent: bool = False
) -> str:
    nodes, said = variant.label.nodes, "".join([attribute_text(*pair) for pair in beside.items()])
    lines = []
    for number, (place, is_outside, is_occluded) in enumerate(pose.points):
        name, at = nodes[place].name, points_text(pose.numbers[2 * number : 2 * number + 2])
        outside, occluded = f"{is_outside or is_absent:d}", f"{is_occluded:d}"
        if name not in natives:
            text = f' label="{escaped(name)}"{said} outside="{outside}" occluded="{occluded}" points="{at}"'
        else:
            own = dict(natives[name])
            where = own.pop("points", at)
            values = {
                "label": name, **beside, "outside": outside, "occluded": occluded,
                "points": where if is_outside else at, **own,
            }  # fmt: skip
            text = "".join([attribute_text(key, value, index) for index, (key, value) in enumerate(values.items())])
        lines.append(f"      <points{text}/>\n")
    return "".join(lines)


def _runs(frames: list[_Frame], spacing: int) -> Iterator[list[_Frame]]:
    start = 0
    for place, (one, other) in enumerate(pairwise(frames), 1):
        if other.frame != one.frame + spacing:
            yield frames[start:place]
            start = place
    yield frames[start:]


def is_computed(instance: Any, frame: int) -> bool:
    """Tell whether the source of an object on many frames does not list a frame, which was computed."""
    origin = instance._origin
    return origin is not None and bool(origin.weights) and frame not in origin.weights


def _absent_until(variant: ObjectVariant, frame: int | None, left: dict[int, Any], grid: Grid) -> Iterator[str]:
    """Yield the shapes of frames before one that the source says the object is not on, and take them out."""
    for other in sorted(left):
        if frame is None or other < frame:
            yield _absent(variant.element, grid.number(other), left.pop(other))


def _absent(element: str, frame: int, said: Mapping[str, Any]) -> str:
    values = {"frame": frame, **({} if POINTS in said else {"outside": 1}), **said["values"]}
    head = "".join([attribute_text(name, value, place) for place, (name, value) in enumerate(values.items())])
    points = ""
    for one in said.get(POINTS, ()):
        pairs = enumerate({**one["values"], "outside": 1}.items())
        points += "      <points" + "".join([attribute_text(*pair, place) for place, pair in pairs]) + "/>\n"
    return _closed(f"    <{element}{head}", points + _attributes(said.get("answers", ())), element)


def _track_shape(
    variant: ObjectVariant, one: _Frame, frame: int, of_track: str, is_absent: bool = False, is_key: bool = False
) -> str:
    source = _source(one.is_manual, one.own)
    said = "" if source == of_track else f' source="{source}"'
    answers = _attributes(one.answers)
    key = "1" if is_absent or is_key else one.own.get("keyframe", "1")
    beside = _beside({name: value for name, value in one.own.items() if "track." not in name})
    if variant.element == "skeleton":
        head = f'    <skeleton frame="{frame}" keyframe="{key}"{said}{beside}'
        points = _points(variant, one.pose, {"keyframe": key}, {} if is_absent else one.own.get(POINTS, {}), is_absent)
        return _closed(head, points + answers, "skeleton")
    sides = f'frame="{frame}" keyframe="{key}" outside="{is_absent:d}" occluded="{one.is_occluded:d}"{said}'
    return _closed(f"    <{variant.element} {sides}{one.pose.attributes()}{beside}", answers, variant.element)
