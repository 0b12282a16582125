"""Plans a push before anything is sent."""

from __future__ import annotations

import copy
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from encord_convert.errors import (
    AmbiguousFileError,
    ConvertError,
    OptionError,
    ReadError,
    RowMismatchError,
)
from encord_convert.formats.encord import row_dict
from encord_convert.hub.loss import Level, Loss
from encord_convert.hub.yaml_file import document_at, plain
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import AuthorisationError, ResourceNotFoundError
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sdk.project import Project
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.digests import EMPTY, digest_of, digest_of_labels, digest_of_member, is_medium, key_of
from encord_convert.sync.files import SourceOf
from encord_convert.sync.label_counts import Counts
from encord_convert.sync.limits import LIMITS, Load, beyond_of_a_row, shards_of
from encord_convert.sync.mapping.file import MappingRules, Structure, rules_of
from encord_convert.sync.mapping.ontology import Joined, empty_structure, needed
from encord_convert.sync.mapping.translate import Translation
from encord_convert.sync.matches import Files, Matcher
from encord_convert.sync.plan_file import (
    CREATE,
    REPLACE,
    SAME,
    VERSION,
    WRITE,
    Left,
    Lost,
    OntologyPlan,
    Parts,
    Plan,
    PlannedFile,
    PlannedRow,
    Thing,
)
from encord_convert.sync.rows import batches, fetched, status_of

ON_CONFLICT = ("error", "skip", "merge", "replace")
LISTED = 100
"""Number of unmatched names that are listed; the rest are counted."""


def plan(
    source: str | os.PathLike[str] | SourceOf,
    client: EncordUserClient,
    *,
    project: str | None = None,
    new_project: str | None = None,
    dataset: str | None = None,
    ontology: str | None = None,
    images: str | os.PathLike[str] | None = None,
    mapping: Mapping[str, Any] | str | Path | None = None,
    on_conflict: str = "error",
    limits: str = "enterprise",
    shard_rows: int | None = None,
    from_: str | None = None,
    options: dict[str, Any] | None = None,
    written: Collection[str] = (),
    parts: Parts | None = None,
) -> Plan:
    """Return the plan of a push; nothing is sent.

    Parameters
    ----------
    source : path
        Labels in any format that can be read.
    client : EncordUserClient
    project : str, optional
        Hash of the project; or
    new_project : str, optional
        title of one to create.
    dataset : str, optional
        Hash or title of the dataset for new data, created if the title is new. Default: the project's, or one named
        like the new project.
    ontology : str, optional
        Hash of the ontology of a new project; default: a new one.
    images : path, optional
        Where the images and videos lie, a path or a URI; by default next to the labels.
    mapping : mapping or path, optional
        Mapping of the classes; see :mod:`encord_convert.sync.mapping.file`.
    on_conflict : str
        What happens to existing labels: ``error``, ``skip``, ``merge`` or ``replace``.
    limits : str
        Which of :data:`~encord_convert.sync.limits.LIMITS` hold. A new project with a new dataset is sharded over
        several if too large.
    shard_rows : int, optional
        Most rows per project, regardless of the limits.
    from_, options : optional
        Format of the source, and options of reading.
    written : collection of str
        Titles of rows written by an interrupted push; their labels are replaced regardless of ``on_conflict``.
    parts : Parts, optional
        Shards of its rows, if over several projects.

    Raises
    ------
    OptionError, MappingError
        The arguments contradict each other, or name what does not exist.
    ReadError
        The source is broken.
    """
    if (project is None) == (new_project is None):
        raise OptionError("Give either the hash of a project or the title of a new one.")
    if on_conflict not in ON_CONFLICT:
        raise OptionError(f"on_conflict {on_conflict!r}: expected {', '.join(ON_CONFLICT)}.")
    if limits not in LIMITS:
        raise OptionError(f"limits {limits!r}: expected {', '.join(LIMITS)}.")
    where = source if isinstance(source, SourceOf) else SourceOf.at(source, from_, images, options)
    asked = {
        "project": project, "new_project": new_project, "dataset": dataset, "ontology": ontology,
        "on_conflict": on_conflict, "limits": limits, "shard_rows": shard_rows,
    }  # fmt: skip
    return _Planning(where, client, asked, mapping, written, parts).plan()


class _Planning:
    def __init__(
        self,
        source: SourceOf,
        client: EncordUserClient,
        asked: dict[str, Any],
        mapping: Mapping[str, Any] | str | Path | None,
        written: Collection[str],
        parts: Parts | None,
    ) -> None:
        self.source = source
        self.client = client
        self.asked = asked
        self.project = None if asked["project"] is None else client.get_project(asked["project"])
        if self.project is None:  # check the credentials before anything is read or written
            client.get_projects(title_eq=asked["new_project"])
        self.title = asked["new_project"] or (self.project.title if self.project else "")
        self.dataset_named = asked["dataset"]
        self.ontology_hash = asked["ontology"]
        self.mapping = mapping
        self.written = written
        self.parts = parts
        made = [] if parts is None else [client.get_project(p.hash) for p in parts.projects if p.hash is not None]
        self.projects = made if self.project is None else [self.project]
        """Those that are there."""
        self.on_conflict = asked["on_conflict"]
        self.limits = LIMITS[asked["limits"]]
        if asked["shard_rows"] is not None:
            self.limits = replace(self.limits, rows=asked["shard_rows"])
        self.problems: list[str] = []
        self.left: list[Left] = []
        self.counts = Counts()
        self.loads: list[Load] = []
        self.beyond: list[str] = []

    def plan(self) -> Plan:
        with self.source.opened() as opened, self.source.media() as media:
            report = Report()
            labels = self.source.labels(opened, report)
            structure = labels.ontology.to_dict()
            if self.project is not None and self.ontology_hash not in (None, self.project.ontology_hash):
                raise OptionError(
                    f"The project {self.project.project_hash} has the ontology {self.project.ontology_hash} already."
                )
            rules = rules_of(self.mapping, structure)
            rules.learn(structure, lambda: map(row_dict, labels))
            ontology = self._ontology(structure, rules)
            translation = Translation(structure, ontology.structure, rules)
            self.problems += [f"The ontology lacks {what}." for what in translation.missing if not self.problems]
            dataset = self._dataset()
            matches = self._matches(dataset)
            files = Files(media)
            rows = self._rows(labels._unguarded(), translation, matches, files)
            if self.projects:
                rows = self._with_what_is_there(rows, OntologyStructure._from_dict(ontology.structure))
            if labels.counts is not None:
                report.reading = labels.counts
            digest = self.source.digest()
            unused = [name for name in media.names() if is_medium(name) and name not in files.used]
        if not any(row.action == CREATE for row in rows) and dataset is not None and self.project is not None:
            dataset = None
        if dataset is None and any(row.action == CREATE for row in rows):
            self.problems.append(
                "New data needs a dataset, and the project does not have exactly one: choose with --dataset."
            )
        if self.left and not rows:
            none = "The only row cannot" if len(self.left) == 1 else f"None of the {len(self.left)} rows can"
            self.problems.append(f"{none} be pushed; nothing is created.")
        conflicts = [row.title for row in rows if row.action == "error"]
        if conflicts:
            first = ", ".join(conflicts[:3]) + (", …" if len(conflicts) > 3 else "")
            self.problems.append(
                f"{len(conflicts)} rows already have labels: {first}. Say --on-conflict skip, merge or replace."
            )
        projects, datasets = self._spread(rows, dataset)
        return Plan(
            version=VERSION,
            asked=self.asked,
            source=self.source.to_dict(),
            source_digest=digest,
            domain=self.client.user_config.domain,
            projects=projects,
            datasets=datasets,
            ontology=ontology,
            mapping=plain(document_at(self.mapping) if isinstance(self.mapping, str | Path) else self.mapping),
            rows=rows,
            left=self.left,
            problems=self.problems,
            beyond=self.beyond,
            counts=self.counts.listed(),
            dropped=dict(sorted(translation.dropped.items())),
            lost=[_lost(loss) for loss in report.losses()],
            warnings=[f"{note.detail}  {note.code}" for note in report.notes() if note.level is not Level.INFO],
            unmatched={"rows of the project": _listed(matches.others()), "files": _listed(unused)},
        )

    # --- what is there ------------------------------------------------------------------------------------------------

    def _ontology(self, source: Structure, rules: MappingRules) -> OntologyPlan:
        there = None
        if self.project is not None:
            there = self.client.get_ontology(self.project.ontology_hash)
        elif self.ontology_hash is not None:
            there = self.client.get_ontology(self.ontology_hash)
        before = None if there is None else there.structure.to_dict()
        joined = Joined(copy.deepcopy(before) if before is not None else empty_structure(), is_project=True)
        ours = needed(source, rules)
        joined.add(ours.structure)
        self.problems += ours.conflicts + joined.conflicts
        return OntologyPlan(
            title=self.title if there is None else there.title,
            hash=None if there is None else there.ontology_hash,
            before=None if before is None else digest_of(before),
            added=joined.added,
            reused=joined.reused,
            structure=joined.structure,
        )

    def _dataset(self) -> Thing | None:
        named = self.dataset_named
        if named is None:
            if self.project is None:
                return Thing(self.title)
            datasets = self.project.datasets
            return Thing(datasets[0]["title"], datasets[0]["dataset_hash"]) if len(datasets) == 1 else None
        if _is_uuid(named):
            return Thing(self.client.get_dataset(named).title, named)
        found = [dataset["dataset"] for dataset in self.client.get_datasets(title_eq=named)]
        if len(found) > 1:
            raise OptionError(f"{len(found)} datasets are named {named!r}; give its hash.")
        return Thing(named, found[0].dataset_hash if found else None)

    def _matches(self, dataset: Thing | None) -> Matcher[_Data]:
        """Return the data of the project and of the planned dataset."""
        data: dict[str, _Data] = {}
        for project in self.projects:
            for row in project.list_label_rows_v2():
                data[row.data_hash] = _Data(row.data_title, row.data_hash, row.data_type, row)
        for thing in [dataset] if self.parts is None else self.parts.datasets:
            if thing is None or thing.hash is None:
                continue
            try:
                for entry in self.client.get_dataset(thing.hash).data_rows:
                    data.setdefault(entry.uid, _Data(entry.title, entry.uid, entry.data_type, None))
            except (AuthorisationError, ResourceNotFoundError) as error:
                raise OptionError(f"The dataset {thing.hash} cannot be opened: {error.message}") from error
        return Matcher("the project", ((item.title, item) for item in data.values()))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _rows(
        self, labels: Iterable[LabelRowV2], translation: Translation, matches: Matcher[_Data], files: Files
    ) -> list[PlannedRow]:
        rows: dict[str, PlannedRow] = {}
        for row in labels:
            title = row.data_title
            if title in rows:
                self.left.append(Left(title, "another row of the source has the same title."))
                continue
            try:
                translated = translation.row(row_dict(row))
                planned = self._row(row, translated, matches, files)
            except (AmbiguousFileError, ReadError) as error:
                self.left.append(Left(title, error.sentence))
                continue
            except ConvertError as error:
                self.left.append(Left(title, error.sentence))
                continue
            rows[title] = planned
            self._weigh(row, planned, translated, files)
        return list(rows.values())

    def _weigh(self, row: LabelRowV2, planned: PlannedRow, translated: dict[str, Any], files: Files) -> None:
        """Count a row, and note what exceeds the limits."""
        labels = self.counts.add(translated)
        sizes = [files.source.size(file.name) or 0 for file in planned.files]
        self.loads.append(Load(1, planned.count, labels, sum(sizes)))
        self.beyond += [
            f"{planned.title}: {what}"
            for what in beyond_of_a_row(
                self.limits, label_bytes=len(msgspec.json.encode(translated)), files=sizes,
                frames=row.number_of_frames, width_px=row.width, height_px=row.height,
            )
        ]  # fmt: skip

    def _spread(self, rows: list[PlannedRow], dataset: Thing | None) -> tuple[list[Thing], list[Thing]]:
        """Return the projects and datasets of the plan, several if one would be too small."""
        project = Thing(self.title, self.project.project_hash if self.project else None)
        datasets = [] if dataset is None else [dataset]
        if project.hash is None and dataset is not None and dataset.hash is None:
            made = self.parts or Parts([], [], {})
            known = [made.of.get(row.title) for row in rows]
            for row, shard in zip(rows, shards_of(self.loads, self.limits, known), strict=True):
                row.shard = shard
            count = max(max((row.shard for row in rows), default=0) + 1, len(made.projects))
            if count > 1:
                numbers = [f"({number} of {count})" for number in range(len(made.projects) + 1, count + 1)]
                titles = self.title, dataset.title
                projects, datasets = ([Thing(f"{title} {item}") for item in numbers] for title in titles)
                return made.projects + projects, made.datasets + datasets
        elif self.loads:
            self.beyond += reduce(Load.plus, self.loads).beyond(self.limits)
        return [project], datasets

    def _row(self, row: LabelRowV2, translated: dict[str, Any], matches: Matcher[_Data], files: Files) -> PlannedRow:
        planned = PlannedRow(
            title=row.data_title,
            action=CREATE,
            data_type=row.data_type.value,
            labels=digest_of_labels(translated),
            count=len(translated["object_answers"]) + len(translated["classification_answers"]),
            metadata=row.client_metadata,
            status=status_of(row),
        )
        found = matches.find(row.data_title)
        if found is not None:
            data, planned.rule = found
            if data.data_type is not row.data_type:
                kinds = f"{data.data_type.value} in the project and {row.data_type.value} in the source"
                raise RowMismatchError(f"is {kinds}.")
            planned.data_hash, planned.action = data.data_hash, WRITE
            _check_frames(row, data.row)
            return planned
        planned.files = _files_of(row, files)
        planned.key = key_of(row.data_title, (file.sha256 for file in planned.files))
        return planned

    def _with_what_is_there(self, rows: list[PlannedRow], ontology: OntologyStructure) -> list[PlannedRow]:
        """Fill in the labels that the project already has."""
        for project in self.projects:
            self._compare(project, rows)
        return rows

    def _compare(self, project: Project, rows: list[PlannedRow]) -> None:
        begun = {row.data_hash: row for row in project.list_label_rows_v2() if row.label_hash is not None}
        waiting = [row for row in rows if row.data_hash in begun]
        for batch in batches(waiting):
            found = fetched(project, [begun[row.data_hash] for row in batch if row.data_hash])
            for planned, row in zip(batch, found, strict=True):
                planned.there = digest_of_labels(row.to_encord_dict())
                planned.edited = None if row.last_edited_at is None else str(row.last_edited_at)
                if planned.there == planned.labels:
                    planned.action = SAME
                elif planned.there != EMPTY:
                    planned.action = REPLACE if planned.title in self.written else self.on_conflict


class _Data:
    """A data item of the service."""

    __slots__ = ("data_hash", "data_type", "row", "title")

    def __init__(self, title: str, data_hash: str, data_type: DataType, row: LabelRowV2 | None) -> None:
        self.title, self.data_hash, self.data_type, self.row = title, data_hash, data_type, row


def _check_frames(row: LabelRowV2, there: LabelRowV2 | None) -> None:
    if there is None:
        return
    if there.number_of_frames != row.number_of_frames and row.data_type is not DataType.DICOM:
        counts = f"{there.number_of_frames} frames in the project and {row.number_of_frames} in the source"
        raise RowMismatchError(f"has {counts}.")
    sizes = [(entry.width, entry.height) for entry in (there, row)]
    if row.data_type is not DataType.IMG_GROUP and sizes[0] != sizes[1] and None not in sizes[0] + sizes[1]:
        found, wanted_ = ("{} × {}".format(*size) for size in sizes)
        raise RowMismatchError(f"is {found} pixels in the project and {wanted_} in the source.")


def _files_of(row: LabelRowV2, files: Files) -> list[PlannedFile]:
    """Find the files of a row.

    Raises
    ------
    ConvertError
        One is missing, or an image of another size.
    """
    found = []
    for title, size in _titles_of(row):
        file = files.find(title)
        if file is None:
            raise ConvertError(f"no file is named {title!r}, and the project has no data of that title.")
        name, rule = file
        if size is not None:
            real = files.size_px(name)
            if real != size and (real is None or size != (0, 0)):  # labels without a size have no shapes
                fault = "is not an image" if real is None else "is {} × {} pixels".format(*real)
                raise ConvertError(f"{name} {fault}; the labels are for {size[0]} × {size[1]}.")
        found.append(PlannedFile(name, digest_of_member(files.source, name), rule))
    return found


def _titles_of(row: LabelRowV2) -> list[tuple[str, tuple[int, int] | None]]:
    """Return the names of a row's files, and sizes of images."""
    if row.data_type is DataType.DICOM:
        links = (row._units[0].extras or {}).get("data_links") or [row.data_title]
        return [(link, None) for link in links]
    if row.data_type not in (DataType.IMAGE, DataType.IMG_GROUP):
        return [(row.data_title, None)]
    return [(unit.data_title, (unit.width or 0, unit.height or 0)) for unit in row._units]


def _lost(loss: Loss) -> Lost:
    return Lost(str(loss.kind), loss.code, str(loss.feature), loss.type, loss.label, loss.count, loss.detail)


def _listed(names: list[str]) -> dict[str, Any]:
    return {"count": len(names), "first": names[:LISTED]}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
