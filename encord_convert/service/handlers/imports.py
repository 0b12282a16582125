"""Import of CVAT annotations whose images were uploaded: a project with its ontology and labelled rows.

Each image becomes a data row of its own, named as in CVAT. What the reader of the format ``cvat`` says was dropped is
a warning, what was changed an information, and its notes keep their level; so are images without annotations and
annotations without an image told. Annotations that cannot be read make no project.

Source: wire protocol, section 8.6; API reference of encord 0.1.104, ``ReviewMode``. Unknown: whether the original makes
image groups of them; an import into it would tell.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections import defaultdict
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from encord_convert.conversion import read
from encord_convert.errors import ReadError
from encord_convert.formats._files import MemorySource
from encord_convert.formats.cvat.scan import Scan, scan
from encord_convert.formats.cvat.stats import Wanted
from encord_convert.formats.encord import CARRIES
from encord_convert.hub.class_names import names_given, rename, told_apart
from encord_convert.hub.loss import Kind as LossKind
from encord_convert.hub.loss import Level
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import USER, Query, Verb
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, Kind, Resource, handles
from encord_convert.service.handlers import ontologies
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import titled
from encord_convert.service.handlers.label_rows import TICK_S, checked, new_columns
from encord_convert.service.handlers.projects import ADMIN
from encord_convert.service.handlers.uploads import arrived, file_columns, new_row
from encord_convert.service.handlers.workflows import OF_REVIEW_MODE, mark
from encord_convert.service.store import data_rows, datasets, label_rows, projects, uploads, users

FILE = "annotations.xml"
Issues = dict[str, dict[str, list[str]]]
"""Severity to code to what is said of each occurrence."""
_LISTS = {Level.ERROR: "errors", Level.WARNING: "warnings", Level.INFO: "infos"}
NO_VIDEO = (
    "The annotations are tracks of a video, and images are imported here. Export from CVAT as 'CVAT for images 1.1'."
)


@handles(Query.PROJECT_IMPORTER_CVAT_INFO, Verb.POST, USER, writes=False)
def info(call: Call) -> dict[str, Any]:
    """Say whether annotations are of a task or of a project, or why they cannot be imported."""
    try:
        found = _scanned(_source(call.given("annotations_base64", str)))
    except ReadError as error:
        return {"error": {"message": str(error)}}
    if found.stats.tracks:
        return {"error": {"message": NO_VIDEO}}
    return {"success": {"export_type": "project" if found.meta.kind == "project" else "task"}}


def _source(text: Any) -> MemorySource:
    try:
        return MemorySource({FILE: b64decode(text, validate=True)}, "export")
    except (Base64Error, TypeError, ValueError) as error:
        raise InvalidArgumentsError("The annotations are not base64.") from error


def _may_have_tracks(source: MemorySource) -> bool:
    """Return whether the annotations have to be looked through for tracks, which takes half as long as to read them."""
    with source.open(FILE) as stream:
        text = stream.read()
    return b"<track" in text or b"\0" in text


def _scanned(source: MemorySource) -> Scan:
    return scan(source, FILE, Wanted(groups=False, pairs=False))


class Imported(msgspec.Struct):
    """What was read: a structure, and the rows of images that were uploaded, by their hashes."""

    title: str
    editor: bytes
    rows: dict[str, tuple[bytes, bytes]]
    names: dict[str, str]
    """Of every image that was uploaded."""
    metadata: dict[str, str | None]
    issues: Issues


def prepared(call: Call) -> Imported | Issues:
    """Read the annotations; return what is to be stored, or why there is nothing."""
    dataset_hash = call.given("dataset_hash", str)
    if users.role_of(call.db, Kind.DATASET, dataset_hash, call.caller.user_hash) != ADMIN:
        raise unseen("dataset", dataset_hash)
    hashes = call.given("image_title_to_image_hash_map", dict)
    if not all(isinstance(hash_, str) for hash_ in hashes.values()):
        raise InvalidArgumentsError("image_title_to_image_hash_map gives the hash of an upload for each name.")
    if call.given("review_mode", str) not in OF_REVIEW_MODE:
        raise InvalidArgumentsError(f"review_mode is one of {', '.join(OF_REVIEW_MODE)}.")
    source = _source(call.given("cvat", dict).get("annotations_base64", ""))
    as_polygons = call.given("transform_bounding_boxes_to_polygons", bool, False)
    try:
        if _may_have_tracks(source) and _scanned(source).stats.tracks:
            return {"errors": {"NOT_PICTURES": [NO_VIDEO]}}
        return _read(source, hashes, as_polygons)
    except ReadError as error:
        return {"errors": {"UNREADABLE": [str(error)]}}
    except InvalidArgumentsError as error:
        return {"errors": {"ONTOLOGY": [error.message]}}


def _read(source: MemorySource, hashes: dict[str, str], as_polygons: bool) -> Imported:
    report = Report()
    # Packages older than 0.1.200 open no project that has a class of ellipses.
    labels = read(
        source, "cvat", report=report, transform_bounding_boxes_to_polygons=as_polygons, ellipse="polygon",
        cuboid="polygon",
    )  # fmt: skip
    ontology = labels.ontology.to_dict()
    structure = told_apart(ontology)
    class_names = names_given(ontology, structure)
    issues: Issues = defaultdict(lambda: defaultdict(list))
    rows: dict[str, tuple[bytes, bytes]] = {}
    metadata: dict[str, str | None] = {}
    for row in report.rows(labels, CARRIES):
        name = row.data_title if row.data_title in hashes else row.data_title.removeprefix("default/")
        data_hash = hashes.get(name)
        if data_hash is None or row.data_type is not DataType.IMAGE:
            issues["warnings"]["PICTURE_NOT_UPLOADED"].append(f"{row.data_title}: its labels are not imported.")
            continue
        body = row.to_encord_dict()
        rename(body, class_names)
        [unit] = body["data_units"].values()
        unit["data_hash"] = body["data_hash"] = data_hash
        saved = msgspec.json.encode(body | {"data_units": {data_hash: unit}})
        checked(name, data_hash, "IMAGE", saved)
        rows[data_hash] = sha256(saved).digest(), saved
        metadata[data_hash] = metadata_text(row.client_metadata)
    for name, data_hash in hashes.items():
        if data_hash not in rows:
            issues["infos"]["PICTURE_WITHOUT_ANNOTATIONS"].append(f"{name}: the annotations do not mention it.")
    for loss in report.losses():
        severity = "warnings" if loss.kind is LossKind.DROPPED else "infos"
        issues[severity][loss.code] += _instances(loss.count, loss.examples or ((loss.where, loss.detail),))
    for note in report.notes():
        issues[_LISTS[note.level]][note.code] += _instances(note.count, ((note.where, note.detail),))
    names = {data_hash: name for name, data_hash in hashes.items()}
    return Imported(labels.title, ontologies.checked(structure), rows, names, metadata, issues)


def _instances(count: int, examples: Any) -> list[str]:
    reply = [f"{where}: {detail}" if str(where) else detail for where, detail in examples]
    return reply if count <= len(reply) else [*reply, f"and {count - len(reply)} more"]


def _wire(issues: Issues) -> dict[str, list[dict[str, Any]]]:
    return {
        severity: [{"issue_type": code, "instances": reply} for code, reply in issues.get(severity, {}).items()]
        for severity in _LISTS.values()
    }


@handles(Query.PROJECT_IMPORTER, Verb.POST, USER, writes=True, prepare=prepared, is_long=True)
def store(call: Call) -> dict[str, Any]:
    """Make the project, its ontology and its rows; all of it, or nothing."""
    found = call.prepared
    if not isinstance(found, Imported):
        return {"error": {"issues": _wire(found)}}
    dataset_hash = call.given("dataset_hash", str)
    dataset = datasets.dataset(call.db, dataset_hash)
    call.resource = Resource(Kind.DATASET, dataset_hash, ADMIN)
    title = titled(found.title or dataset.title)
    project_hash = str(uuid4())
    ontology_hash = ontologies.add(call, title, "", found.editor)
    _register(call, found)
    values = {
        "project_hash": project_hash,
        "title": title,
        "description": "",
        "ontology_hash": ontology_hash,
        "edits_ontology": True,
        "workflow_type": "manual",
        "workflow_manager_uuid": None,
        "source_projects": None,
        "created_at": call.now,
        "last_edited_at": call.now,
    }
    projects.add(call.db, values)
    projects.attach(call.db, project_hash, [dataset_hash])
    users.set_role(call.db, Kind.PROJECT, project_hash, call.caller.user_hash, ADMIN)
    rows = {data_hash: new_columns(call, False) for data_hash in found.rows}
    label_rows.add(call.db, project_hash, rows)
    saved = [
        label_rows.Revision(data_hash, rows[data_hash]["label_hash"], call.now + TICK_S, digest, body)
        for data_hash, (digest, body) in found.rows.items()
    ]
    label_rows.save(call.db, project_hash, call.caller.user_hash, saved)
    labelled = [row["label_hash"] for row in rows.values()]
    mark(call, project_hash, labelled, OF_REVIEW_MODE[call.given("review_mode", str)])
    return {"success": {"project_hash": project_hash, "issues": _wire(found.issues)}}


def _register(call: Call, found: Imported) -> None:
    """Make data rows of what was uploaded."""
    there = {row.data_hash for row in data_rows.data_rows(call.db, call.of.hash)}
    new = [data_hash for data_hash in found.names if data_hash not in there]
    if not new:
        return
    for upload, facts in arrived(call, new, Query.SIGNED_IMAGES_URL, (call.of.hash, call.caller.user_hash)):
        columns = file_columns(upload, facts) | {"client_metadata": found.metadata.get(upload.data_hash)}
        title = titled(found.names[upload.data_hash])
        data_rows.add_data_row(call.db, new_row(call, upload.data_hash, title, "IMAGE", **columns))
    uploads.forget_uploads(call.db, new)
