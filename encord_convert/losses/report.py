"""The report of a conversion: what could not be carried, as data.

Three words rule it. Every thing a source holds (a shape, a tag, an answer, a track …) ends as exactly one of

* **kept**: the target holds it, within the tolerance the target declares;
* **changed**: the target holds it in another form; a loss says what and how far;
* **dropped**: the target does not hold it; a loss says why.

So ``in = kept + changed + dropped`` for every type and every label. The importer counts what it reads and what it
could not take over in counts of its own; narrowing tells the :class:`Report` what the target does not carry; an origin
on each hub instance joins the two, so that a shape is never counted twice.

A format says beforehand what survives it; :meth:`Report.predict` turns that into the losses a conversion will have,
before a byte is written, by the walk that writing takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from encord_convert.hub.contents import (
    SIDES,
    also_of,
    count_row,
    hash_of,
    hub_answers,
    info_of,
    label_of,
    lost_texts,
    placed_answers,
    side_types,
    type_of,
    unplaced_answers,
    where_of,
)
from encord_convert.hub.counts import CROWD, SECONDARY, Carried, Counts, Key
from encord_convert.hub.loss import NOWHERE, Carries, Feature, Kind, Level, Loss, Note, Where
from encord_convert.hub.native import (
    WORDS,
)
from encord_convert.hub.splits import UNNAMED, images_of, split_of
from encord_convert.hub.table import Table, Variant
from encord_convert.hub.texts import check_names, check_row, has_lone, mend_titles, mended
from encord_convert.losses.classes import change_names, lose_colours
from encord_convert.losses.native import NativeLosses
from encord_convert.losses.wording import summary, things, verb
from encord_convert.sdk.constants.enums import DataType

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance


class Endpoint(msgspec.Struct):
    """One end of a conversion."""

    path: str | None = None
    format: str | None = None
    splits: dict[str, int] = {}
    """How many images are in each split that has a name there."""

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the report file."""
        return {"path": self.path, "format": self.format, **({"splits": self.splits} if self.splits else {})}


class Account(msgspec.Struct):
    """What a report knows of a part of the rows, in a form that can be sent."""

    reading: Counts
    mapping: Counts
    writing: Counts
    rows_read: int
    splits: dict[str, int]


_NO_CARRIED: Carried = ()


class Report:
    """The report of one conversion: what came in, and what became of it.

    Narrowing (:mod:`encord_convert.losses.narrow`) walks the rows through :meth:`rows`, and calls :meth:`drop` or
    :meth:`change` with the instance and frame at hand wherever a target does not carry what stands there.
    """

    def __init__(self) -> None:
        self.source = Endpoint()
        self.target = Endpoint()
        self.finding = Counts()
        self.reading = Counts()
        self.mapping = Counts()
        self.writing = Counts()
        self.rows_read = 0
        self._row: LabelRowV2 | None = None
        self._last_changed: tuple[Any, int] | None = None
        self._frames_dropped: dict[str, set[int]] = {}
        self._counts_hub = False
        self._is_made_here = False
        self._has_texts = False
        self._native = NativeLosses(self.writing, ())
        self._told_apart: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        sums = ", ".join(f"{name}={count}" for name, count in sum_counts(self.labels().values()).items())
        return f"Report(source={self.source.format!r}, target={self.target.format!r}, {sums})"

    # -- walking ----------------------------------------------------------------------------------------------

    def rows(self, labels: LabelSet, carries: Carries | None = None) -> Iterator[LabelRowV2]:
        """Yield the rows to write, counting them: a hub that no importer counted is counted here.

        Every call starts fresh counts of reading and writing. What the target carries of a row as a whole and of
        the colours of classes is said here, by the declaration.
        """
        self._begin(labels, carries)
        for row in labels._unguarded():
            self._take(row, carries)
            yield row
        self._row = None
        if labels.counts is not None:
            self.reading = labels.counts

    def _begin(self, labels: LabelSet, carries: Carries | None) -> None:
        self._counts_hub = labels.counts is None
        self.reading = Counts() if labels.counts is None else labels.counts
        self.mapping = Counts() if labels.mapping is None else labels.mapping
        self.writing = Counts()
        self._native = NativeLosses(self.writing, frozenset(labels.native))
        self.rows_read = 0
        self.source.splits = {}
        self._told_apart = frozenset()
        # What was read is text; what Python code made or changed may not be.
        self._is_made_here = labels.counts is None or labels.mapping is not None
        self._has_texts = check_names(labels.ontology) and self._is_made_here
        if carries is not None:
            # Told where a row is taken, of written and unwritten annotations alike: not again when one is dropped.
            lost = [WORDS[family].values() for family in WORDS.keys() - carries.native]
            self._told_apart = frozenset(word.type for words in lost for word in words if word.kind is Kind.DROPPED)
            lose_colours(self.writing, labels.ontology, carries)
            change_names(self.writing, labels.ontology, carries)
            self._native.of_set(labels, carries)

    def _take(self, row: LabelRowV2, carries: Carries | None) -> None:
        self._row = row
        self._last_changed = None
        self._frames_dropped.clear()
        self.rows_read += 1
        if self._is_made_here:
            check_row(row, has_texts=self._has_texts)
        if row.client_metadata:
            self._count_split(row.client_metadata, images_of(row))
        if self._counts_hub:
            count_row(row, self.reading.into)
            self._tell_disagreements(row)
        if carries is not None:
            self._change_title(row, carries)
            self._lose_row(row, carries)
            self._native.of_row(row, carries)

    def _tell_disagreements(self, row: LabelRowV2) -> None:
        """Say where a label row says of a classification two things, of which one is kept."""
        for sentence, frames in row._contents.disagreements:
            where, code = Where(file=row._origin, row=row.data_title), "RANGE_DIFFERS" if frames else "AUTHOR_DIFFERS"
            detail = (
                "Frames that only the range of a classification has, or only its entries: the range counts."
                if frames
                else "Answers of classifications name another author, time, confidence or class: frames count."
            )
            self.reading.note(Level.WARNING, code, detail, where, max(frames, 1))
            self.reading.note(Level.INFO, code, f"{row.data_title}: {sentence}", where)

    def tables(self, labels: LabelSet, carries: Carries) -> Iterator[Table | LabelRowV2]:
        """Yield what :meth:`rows` does, many at a time where that is known to make no difference to the report.

        The images of a table have no losses by themselves: the target carries stills and empty rows, and the importer
        has counted what is on them. :meth:`turn_to` comes with the row before anything is said of an image.
        """
        carries_stills = DataType.IMAGE in carries.data_types and Feature.EMPTY_ROWS in carries.features
        if labels.counts is None or not carries_stills:
            yield from self.rows(labels, carries)
            return
        self._begin(labels, carries)
        for one in labels.tables():
            if isinstance(one, Table):
                self.rows_read += len(one)
                for metadata in one.client_metadata.values():
                    self._count_split(metadata, 1)
                self._change_titles(one, carries)
                self._native.of_table(one, carries)
            else:
                self._take(one, carries)
            yield one
            del one  # a table of some megabytes goes before the next is made
        self._row = None
        self.reading = labels.counts

    def _count_split(self, metadata: Mapping[str, Any], images: int) -> None:
        split = split_of(metadata)
        if split and split != UNNAMED:
            self.source.splits[split] = self.source.splits.get(split, 0) + images

    def _change_titles(self, table: Table, carries: Carries) -> None:
        """Say which titles of a table are changed in the target."""
        joined = " ".join(table.titles)
        is_mended = not carries.has_file_names and has_lone(joined)
        if is_mended or (carries.unwritable is not None and carries.unwritable.search(joined)):
            for number in range(len(table)):
                self._change_title(table.empty_row(number), carries)
        if is_mended:
            table.titles = [*map(mended, table.titles)]
            table.unit_titles = {number: mended(title) for number, title in table.unit_titles.items()}

    def _change_title(self, row: LabelRowV2, carries: Carries) -> None:
        """Say that a title is changed in the target, and change one that no text can hold."""
        titles = dict.fromkeys((row.data_title, *(unit.data_title for unit in row._units)))
        is_mended = not carries.has_file_names and any(map(has_lone, titles))
        if is_mended or carries.unwritable is not None:
            for title in titles:
                if carries.changes_name(title) or (is_mended and has_lone(title)):
                    where = Where(file=row._origin, row=row.data_title)
                    detail = f"The title {title!r} cannot stand in the target as it is, and is changed there."
                    self.writing.lose(Kind.RENAMED, "UNWRITABLE_TEXT", Feature.MEDIA, ("row", ""), where, detail)
        if is_mended:
            mend_titles(row)

    def _lose_row(self, row: LabelRowV2, carries: Carries) -> None:
        """Say that a row is not written as such: its medium cannot be stored in the target, or nothing is on it.

        Importers count labels and not rows, so that for them the loss stands without a count.
        """
        if row.data_type in carries.data_types and Feature.EMPTY_ROWS in carries.features:
            return
        where, key = Where(file=row._origin, row=row.data_title), ("row", "")
        is_empty = not any(one._frames for one in (*row._objects.values(), *row._classifications.values()))
        if is_empty and Feature.EMPTY_ROWS not in carries.features:
            self.writing.dropped[key] += self._counts_hub
            detail = "A row without labels cannot be stored in the target."
            self.writing.lose(Kind.DROPPED, carries.code(Feature.EMPTY_ROWS), Feature.EMPTY_ROWS, key, where, detail)
        elif row.data_type not in carries.data_types and not carries.labels:
            self.writing.dropped[key] += self._counts_hub
            detail = f"A row of the type {row.data_type.value} cannot be stored in the target."
            self.writing.lose(Kind.DROPPED, "MEDIA_DROPPED", Feature.MEDIA, key, where, detail)
        elif row.data_type not in carries.data_types:
            detail = f"The target does not tell all that makes a row of the type {row.data_type.value}."
            code = carries.codes.get(Feature.MEDIA, "MEDIA_CHANGED")
            self.writing.change(
                Kind.APPROXIMATED, code, Feature.MEDIA, key, where, detail, counted=not self._counts_hub
            )

    def turn_to(self, row: LabelRowV2) -> None:
        """Speak of ``row`` from now on: an exporter that gathers rows comes back to each before it speaks of it."""
        if row is not self._row:
            self._row = row
            self._last_changed = None
            self._frames_dropped.clear()

    # -- what narrowing says ----------------------------------------------------------------------------------

    def drop(
        self,
        instance: ObjectInstance | ClassificationInstance,
        frame: int,
        code: str,
        feature: Feature,
        detail: str,
    ) -> None:
        """Say that what ``instance`` is on ``frame`` is not written."""
        key, weight, carried, changed = self._weigh(instance, frame)
        writing = self.writing
        if weight:
            writing.drop(code, feature, key, self._where(instance, frame), detail, carried=carried, count=weight)
            if changed:
                writing.changed[key] -= weight
        for other in also_of(instance):
            others = (other.type, other.label)
            carried = self._untold(other.carried)
            writing.drop(code, feature, others, self._where(instance, frame), detail, carried=carried)
            if other.changed:
                writing.changed[others] -= 1
        for side in side_types(info_of(instance, frame)) if self._counts_hub else ():
            writing.dropped[side, key[1]] += 1
        hash_ = hash_of(instance)
        gone = self._frames_dropped.setdefault(hash_, set())
        gone.add(frame)
        if len(gone) == len(instance._frames):
            if self._is_track(instance):
                writing.dropped["track", key[1]] += 1
            if self._counts_hub:
                writing.dropped["answer", key[1]] += hub_answers(instance)

    def drop_alike(self, variant: Variant, code: str, feature: Feature) -> bool:
        """Count that another shape of a variant is not written, if there are examples enough of this loss.

        Returns
        -------
        bool
            False: nothing was counted, and :meth:`drop` is to be called with the object.
        """
        writing, key = self.writing, (variant.type, variant.label)
        if variant.weights is not None or not writing.lose_more(Kind.DROPPED, code, feature, key):
            return False
        writing.dropped[key] += 1
        for type_, number in self._untold(variant.carried):
            writing.dropped[type_, variant.label] += number
        if variant.changed:
            writing.changed[key] -= 1
        return True

    def change(
        self,
        instance: ObjectInstance | ClassificationInstance,
        frame: int,
        kind: Kind,
        code: str,
        feature: Feature,
        detail: str,
    ) -> None:
        """Say that what ``instance`` is on ``frame`` is written in another form; several reasons count once."""
        key, weight, _, changed = self._weigh(instance, frame)
        last = self._last_changed
        again = last is not None and last[0] is instance and last[1] == frame
        self._last_changed = (instance, frame)
        if weight:
            where = self._where(instance, frame)
            self.writing.change(kind, code, feature, key, where, detail, counted=changed or again, count=weight)
        for other in also_of(instance):
            where, others = self._where(instance, frame), (other.type, other.label)
            self.writing.change(kind, code, feature, others, where, detail, counted=other.changed or again)

    def drop_side(self, instance: Any, frame: int, carries: Carries) -> None:
        """Say which of author, times, confidence, reviews and machine mark are not written, by the declaration."""
        for side in side_types(info_of(instance, frame)):
            feature = SIDES[side]
            if feature not in carries.features:
                label = label_of(instance)
                where = self._where(instance, frame)
                detail = f"{side} of {label!r} cannot be stored in the target."
                key = (side, label)
                self.writing.lose(Kind.DROPPED, carries.code(feature), feature, key, where, detail)
                # An importer may not count it, or by another word; what Python code added is counted with its label.
                if self._counts_hub or key in self.reading.into or (side, 1) in self._weigh(instance, frame)[2]:
                    self.writing.dropped[key] += 1

    def drop_part(self, instance: Any, frame: int, type_: str, code: str, feature: Feature, detail: str) -> None:
        """Say that one counted thing that belongs to an instance (an answer, its being a track) is not written."""
        self.writing.drop(code, feature, (type_, label_of(instance)), self._where(instance, frame), detail)

    def _lose_carried(self, instance: Any, frame: int, carries: Carries) -> None:
        """Say that the answers the source counted beside a shape are not written as such, though the shape is."""
        answers = carries.code(Feature.ANSWERS), Feature.ANSWERS, "Answers cannot be stored in the target."
        crowds = "CROWD_DROPPED", Feature.GROUPS, "That it is a crowd cannot be stored in the target."
        kind, counts = self._fate_of(Feature.ANSWERS, carries)
        beside = [(self._weigh(instance, frame)[2], label_of(instance))]
        beside += [(self._untold(other.carried), other.label) for other in also_of(instance)]
        for carried, label in beside:
            for type_, count in carried:
                if type_ in SIDES or (type_ == CROWD and Feature.GROUPS in carries.features):  # has its own place
                    continue
                code, feature, detail = crowds if type_ == CROWD else answers
                if type_ == "answer" and carries.keeps_answer is not None:
                    count -= min(count, _kept_answers(instance, frame, carries))
                    if not count:
                        continue
                counts[type_, label] += count
                self.writing.lose(kind, code, feature, (type_, label), self._where(instance, frame), detail, count)

    def _fate_of(self, feature: Feature, carries: Carries) -> tuple[Kind, Any]:
        """Return what becomes of a feature a target has no place for, and where that is counted."""
        if feature in carries.alters:
            return Kind.APPROXIMATED, self.writing.changed
        return Kind.DROPPED, self.writing.dropped

    def drop_unplaced(self, instance: Any, carries: Carries) -> None:
        """Say that what ``instance`` says of frames it is not on is not written, nor itself if it is on none."""
        if Feature.UNPLACED in carries.features:
            return
        code = carries.code(Feature.UNPLACED)
        if not instance._frames:
            self.drop_part(instance, 0, "unplaced", code, Feature.UNPLACED, "It is on no frame.")
        for attribute, start, end in unplaced_answers(instance):
            detail = f"The answer to {attribute.title!r} on frames {start} to {end} is partly where the object is not."
            self.drop_part(instance, start, "unplaced", code, Feature.UNPLACED, detail)

    def drop_track(self, instance: Any, carries: Carries) -> None:
        """Say that the frames of an instance, of which at least one is written, are objects of their own."""
        if Feature.TRACKS not in carries.features and self._is_track(instance):
            detail = f"The target has no tracks: {label_of(instance)!r} becomes one annotation a frame."
            code = carries.code(Feature.TRACKS)
            self.drop_part(instance, min(instance._frames), "track", code, Feature.TRACKS, detail)

    def drop_answers(self, instance: Any, carries: Carries) -> None:
        """Say which answers of an object, of which at least one frame is written, are not, by the declaration."""
        if instance._origin is not None and Feature.ANSWERS not in carries.features:
            for frame in sorted(instance._frames.keys() - self._frames_dropped.get(hash_of(instance), set())):
                self._lose_carried(instance, frame, carries)
            return
        answers = placed_answers(instance)
        lost = [
            (attribute, feature)
            for attribute, value, feature in answers
            if not carries.answers(attribute, value, feature)
        ]
        if not lost:
            return
        label, where = label_of(instance), self._where(instance, min(instance._frames))
        for attribute, feature in lost:
            detail = f"The answer to {attribute.title!r} cannot be stored in the target."
            kind, _ = self._fate_of(feature, carries)
            self.writing.lose(kind, carries.code(feature), feature, ("answer", label), where, detail)
        altered = sum(feature in carries.alters for _, feature in lost)
        self.writing.changed["answer", label] += min(altered, self._answers_held(instance, altered))
        self.writing.dropped["answer", label] += self._answers_lost(instance, len(lost) - altered)

    def change_texts(self, instance: Any, carries: Carries) -> None:
        """Say which texts that an instance, of which at least one frame is written, answers are written in part."""
        lost = lost_texts(instance, carries)
        if not lost:
            return
        label, where = label_of(instance), self._where(instance, min(instance._frames))
        for attribute in lost:
            detail = f"The answer to {attribute.title!r} cannot stand in the target as it is, and is changed there."
            self.writing.lose(Kind.APPROXIMATED, "UNWRITABLE_TEXT", Feature.ANSWERS, ("answer", label), where, detail)
        self.writing.changed["answer", label] += min(len(lost), self._answers_held(instance, len(lost)))

    def _answers_held(self, instance: Any, count: int) -> int:
        """Return how many answers the source counted with what is written of an instance; ``count`` if none were."""
        if instance._origin is None:
            return count
        frames = instance._frames.keys() - self._frames_dropped.get(hash_of(instance), set())
        return sum(count for frame in frames for type_, count in self._weigh(instance, frame)[2] if type_ == "answer")

    def _answers_lost(self, instance: Any, lost: int) -> int:
        """Return how many answers of the source that many of the hub are: an importer may have joined some."""
        if instance._origin is None:
            return lost
        held = self._answers_held(instance, lost)
        return held if lost == hub_answers(instance) else min(held, lost)

    def note(self, level: Level, code: str, detail: str, where: Where = NOWHERE, count: int = 1) -> None:
        """Say something that lost nothing."""
        self.writing.note(level, code, detail, where, count)

    def _is_track(self, instance: Any) -> bool:
        origin = instance._origin
        if origin is None:
            return self._counts_hub and len(instance._frames) > 1 and hasattr(instance, "object_hash")
        return bool(origin.weights) and bool(origin.is_track)

    def _weigh(self, instance: Any, frame: int) -> tuple[Key, int, Carried, bool]:
        origin = instance._origin
        if origin is None:
            return (type_of(instance), label_of(instance)), 1, _NO_CARRIED, False
        if origin.weights is None:
            return (origin.type, origin.label), 1, self._untold(origin.carried), origin.changed
        type_, changed = origin.on(frame)
        weight, carried = origin.weights.get(frame, (0, _NO_CARRIED))
        return (type_, origin.label), weight, self._untold(carried), changed

    def _untold(self, carried: Carried) -> Carried:
        """Return what is carried without that whose loss is told apart."""
        if not carried or not self._told_apart:
            return carried
        return tuple([pair for pair in carried if pair[0] not in self._told_apart])

    def _where(self, instance: Any, frame: int) -> Where:
        return where_of(self._row, instance, frame)

    # -- parts --------------------------------------------------------------------------------------------------

    def account(self) -> Account:
        """Return what is known of the rows that were walked."""
        return Account(self.reading, self.mapping, self.writing, self.rows_read, self.source.splits)

    def take(self, parts: Iterable[Account]) -> None:
        """Know what reports of parts of the rows know, in their order, and nothing else."""
        self.reading, self.mapping, self.writing, self.rows_read = Counts(), Counts(), Counts(), 0
        splits: Counter[str] = Counter()
        for part in parts:
            self.reading.merge(part.reading)
            self.mapping.merge(part.mapping)
            self.writing.merge(part.writing)
            self.rows_read += part.rows_read
            splits.update(part.splits)
        self.source.splits = dict(splits)

    # -- the account ------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """Return in, kept, changed and dropped by source type."""
        return self._summed(lambda key: key[0])

    def labels(self) -> dict[str, dict[str, int]]:
        """Return in, kept, changed and dropped by source label, over shapes and tags."""
        return self._summed(lambda key: None if key[0] in SECONDARY else key[1])

    def _summed(self, group: Any) -> dict[str, dict[str, int]]:
        sums: dict[str, dict[str, int]] = {}
        for name, counts in (
            ("in", (self.reading.into, self.mapping.into)),
            ("changed", (self.reading.changed, self.mapping.changed, self.writing.changed)),
            ("dropped", (self.reading.dropped, self.mapping.dropped, self.writing.dropped)),
        ):
            for one in counts:
                for key, count in one.items():
                    under = group(key)
                    if under is not None:
                        row = sums.setdefault(under, {"in": 0, "kept": 0, "changed": 0, "dropped": 0})
                        row[name] += count
        for row in sums.values():
            row["kept"] = row["in"] - row["changed"] - row["dropped"]
        return dict(sorted(sums.items()))

    @property
    def splits(self) -> dict[str, int]:
        """Images by split: as written, where the target has splits of its own, else as read."""
        return self.target.splits or self.source.splits

    def losses(self) -> list[Loss]:
        """Return what was not kept: what the importer could not take over, what was mapped, what was not written."""
        return self.reading.losses() + self.mapping.losses() + self.writing.losses()

    def notes(self) -> list[Note]:
        """Return what is worth knowing but lost nothing."""
        return self.finding.notes() + self.reading.notes() + self.mapping.notes() + self.writing.notes()

    @property
    def is_lossless(self) -> bool:
        """True if everything was kept but for what a mapping of classes asked for."""
        return all(loss.is_asked for loss in self.losses())

    def refused(self, allow: Collection[str] = ()) -> list[Loss]:
        """Return the losses that ``strict`` refuses: those no mapping asked for, and whose code is not allowed."""
        return [loss for loss in self.losses() if not loss.is_asked and loss.code not in allow]

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the report file."""
        return {
            "source": self.source.to_dict(),
            "target": self.target.to_dict(),
            "counts": self.counts(),
            "labels": self.labels(),
            "losses": [loss.to_dict() for loss in self.losses()],
            "notes": [note.to_dict() for note in self.notes()],
        }

    def summary(self, *, asked: bool = False, codes: bool = False) -> str:
        """Return the losses in one line of words, the gravest first: ``38 polylines dropped, 4 masks changed``.

        Those a mapping of classes asked for are left out; with ``asked``, they are all that is said.
        With ``codes`` each has its code behind it.
        """
        return summary((loss for loss in self.losses() if loss.is_asked is asked), codes=codes)

    def __str__(self) -> str:
        """Say what was lost, one loss a line; nothing at all if nothing was."""
        return "\n".join(
            f"{verb(loss)} {loss.count} {things(loss, loss.count)} of {loss.label!r}: {loss.code}. {loss.detail}"
            for loss in self.losses()
        )

    @classmethod
    def predict(cls, labels: LabelSet, carries: Carries) -> Report:
        """Return the report that writing ``labels`` to a format that carries ``carries`` will give."""
        from encord_convert.losses.narrow import predict

        report = cls()
        predict(report, labels, carries)
        return report


def _kept_answers(instance: Any, frame: int, carries: Carries) -> int:
    """Return how many answers on a frame survive though answers as such do not."""
    answers = (*instance._static_answers(), *instance._dynamic_answers_at(frame))
    return sum(carries.answers(attribute, value, Feature.ANSWERS) for attribute, value in answers)


def sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up rows of in, kept, changed and dropped."""
    total = {"in": 0, "kept": 0, "changed": 0, "dropped": 0}
    for row in counts:
        for name in total:
            total[name] += row[name]
    return total
