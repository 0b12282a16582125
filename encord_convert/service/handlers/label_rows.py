"""Label rows: begun, fetched, and saved as revisions.

A save is kept whole, as the bytes that came, with author, time and SHA-256; nothing is ever overwritten. The last save
wins, as in the original service. A service that is strict refuses a save that starts from an older revision than the
newest, unless the newest is of the same author: clients do not refresh their copy when they save.

Source: wire protocol, sections 11.2 to 11.4 and 11.6.
"""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import Any, Generic, TypeVar
from uuid import uuid4

import msgspec

from encord_convert.sdk.exceptions import (
    AnswerDictionaryError,
    CorruptedLabelError,
    InvalidArgumentsError,
    MultiLabelLimitError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.classification_forms import give_both
from encord_convert.service.handlers.datasets import titled
from encord_convert.service.handlers.label_listings import MAIN, WAITING
from encord_convert.service.handlers.projects import ADMIN, ANNOTATOR, ANNOTATOR_REVIEWER, TEAM_MANAGER, hashes, links
from encord_convert.service.label_bodies import narrow, row_of
from encord_convert.service.store import label_rows, projects
from encord_convert.service.times import iso, seconds_of

_LOG = logging.getLogger("encord_convert.service")

MOST_ROWS = 1000
"""Label rows of one request: a bundle of the newest client holds as many."""
MOST_BRANCHES = 100
"""Of labels, of one project."""
WRITERS = (ADMIN, ANNOTATOR, ANNOTATOR_REVIEWER, TEAM_MANAGER)
BEGUN = "LABEL_IN_PROGRESS"

TICK_S = 1e-6
"""Between two revisions of a row at least, so that its time names a revision."""


PICTURES = frozenset({"IMAGE", "IMG_GROUP", "GROUP"})
"""Data types whose labels are those of an image; all others have frames."""


class _Object(msgspec.Struct, gc=False):
    objectHash: str
    featureHash: str
    createdBy: str | None = None


class _Classification(msgspec.Struct, gc=False):
    classificationHash: str
    featureHash: str
    createdBy: str | None = None


class _Frame(msgspec.Struct, gc=False):
    objects: list[_Object] = []
    classifications: list[_Classification] = []


Labels = TypeVar("Labels")


class _Unit(msgspec.Struct, Generic[Labels], gc=False):
    labels: Labels
    data_hash: str = ""  # it may be missing; null could not be read again


class _Members(msgspec.Struct, gc=False):
    """Any JSON object."""


class _Answer(msgspec.Struct, gc=False):
    classifications: list[_Members] = []
    actions: list[_Members] = []


class _Placed(_Answer, gc=False):
    range: list[tuple[int, int]] | None = None


class _Row(msgspec.Struct, Generic[Labels], gc=False):
    """What a label row that is saved has at least; all else is kept unread."""

    data_hash: str
    data_units: dict[str, _Unit[Labels]]
    object_answers: dict[str, _Answer]
    classification_answers: dict[str, _Placed]
    object_actions: dict[str, _Answer]
    last_edited_at: str | None = None


class _Rows(msgspec.Struct):
    labels: list[msgspec.Raw]


_image_decoder = msgspec.json.Decoder(_Row[_Frame])
_frames_decoder = msgspec.json.Decoder(_Row[dict[int, _Frame]])
_rows_decoder = msgspec.json.Decoder(_Rows)


@handles(Query.LABEL_ROW, Verb.GET, RESOURCE, writes=False, scope="label.read", kinds=(Kind.PROJECT,))
def fetch(call: Call) -> Any:
    """Fetch one row or several, all of it or labels of some classes."""
    rows = _assembled(call, found(call, _several(call.uid)), call.given("get_signed_url", bool, False))
    objects = call.given("include_object_feature_hashes", (list, type(None)), None)
    classifications = call.given("include_classification_feature_hashes", (list, type(None)), None)
    with_reviews = call.given("include_reviews", bool, False)
    for row in rows:
        narrow(row, objects, classifications, with_reviews=with_reviews)
    return rows if isinstance(call.uid, list) else rows[0]


@handles(Query.LABEL_ROW, Verb.PUT, RESOURCE, writes=True, roles=WRITERS, scope="label.write", kinds=(Kind.PROJECT,))
def begin(call: Call) -> Any:
    """Begin to label one piece of data or several, on a branch; all of them, or none."""
    wanted = _several(call.uid)
    branch = call.given("branch_name", (str, type(None)), None) if isinstance(call.payload, dict) else None
    own = branch_of(call, branch or MAIN)
    there = {row["data_hash"]: row for row in label_rows.whole(call.db, own, data_hashes=wanted)}
    has_workflow = projects.has_workflow(call.db, own)
    for data_hash in wanted:
        row = there.get(data_hash)
        if row is None:
            raise ResourceNotFoundError(f"The project has no data {data_hash[:64]}.")
        if row["label_hash"] is not None:
            raise ResourceExistsError(f"Data {data_hash} has the label row {row['label_hash']} already.")
        begin_row(call, data_hash, has_workflow, own)
    rows = [row | {"branch_name": branch or MAIN} for row in label_rows.whole(call.db, own, data_hashes=wanted)]
    assembled = _assembled(call, rows, is_signed=False)
    return assembled if isinstance(call.uid, list) else assembled[0]


def branch_of(call: Call, name: str) -> str:
    """Return the hash of a branch of the project, which is made if it is not there.

    Raises
    ------
    InvalidArgumentsError
        There are too many.
    """
    if name == MAIN:
        return call.of.hash
    there = projects.branches(call.db, call.of.hash)
    if name not in there and len(there) >= MOST_BRANCHES:
        raise InvalidArgumentsError(f"A project has at most {MOST_BRANCHES} branches.")
    user_hash = call.caller.user_hash
    return there.get(name) or projects.add_branch(
        call.db, call.of.hash, titled(name, "branch_name"), user_hash, call.now
    )


def found(call: Call, wanted: list[str]) -> list[dict[str, Any]]:
    """Return what is known of label rows of the project, of whatever branch, in the order of their hashes.

    Raises
    ------
    ResourceNotFoundError
        The project has one of them not.
    """
    rows = {row["label_hash"]: row for row in label_rows.whole(call.db, call.of.hash, label_hashes=wanted)}
    if len(rows) < len(wanted):
        for name, own in projects.branches(call.db, call.of.hash).items():
            for row in label_rows.whole(call.db, own, label_hashes=wanted):
                rows[row["label_hash"]] = row | {"branch_name": name}
    for label_hash in wanted:
        if label_hash not in rows:
            raise _unknown(label_hash)
    return [rows[label_hash] for label_hash in wanted]


def begin_row(call: Call, data_hash: str, has_workflow: bool, project_hash: str | None = None) -> str:
    """Begin to label a piece of data of a project; return the hash of its label row."""
    values = new_columns(call, has_workflow)
    label_rows.put(call.db, project_hash or call.of.hash, data_hash, values)
    return str(values["label_hash"])


def new_columns(call: Call, has_workflow: bool) -> dict[str, Any]:
    """Return the columns of a label row that is begun, of a hash of its own."""
    return {
        "label_hash": str(uuid4()),
        "created_at": call.now,
        "last_edited_at": call.now,
        "label_status": BEGUN,
        "annotation_task_status": None if has_workflow else WAITING,
    }


@handles(
    Query.LABEL_ROW, Verb.POST, RESOURCE, writes=True, roles=WRITERS, scope="label.write", kinds=(Kind.PROJECT,),
    is_short=True,
)  # fmt: skip
def save(call: Call) -> bool:
    """Save one row or several; all of them, or none."""
    if isinstance(call.uid, list):
        bodies = _rows_decoder.decode(call.raw_payload).labels
        if len(bodies) != len(call.uid):
            raise InvalidArgumentsError(f"There are {len(call.uid)} label hashes and {len(bodies)} label rows.")
        hashes(call.uid, "uid")
        saved = dict(zip(call.uid, map(bytes, bodies), strict=True))
    else:
        [label_hash] = hashes([call.uid], "uid")
        saved = {label_hash: bytes(call.raw_payload)}
    heads = label_rows.heads(call.db, call.of.hash, list(saved))
    if len(heads) < len(saved):
        for own in projects.branches(call.db, call.of.hash).values():
            of_branch = label_rows.heads(call.db, own, list(saved))
            save_rows(call, own, {label_hash: saved.pop(label_hash) for label_hash in of_branch}, of_branch)
    save_rows(call, call.of.hash, saved, heads)
    return True


def save_rows(
    call: Call, project_hash: str, saved: dict[str, bytes], heads: dict[str, label_rows.Head] | None = None
) -> None:
    """Save label rows of a project, as JSON, by label hash; their newest revisions, if they were looked up already.

    Raises
    ------
    ResourceNotFoundError
        A row is not of the project.
    CorruptedLabelError
        A row is of other data, or could not be read as a label row.
    AnswerDictionaryError
        A classification stands on a frame and has no answers: no client could read that.
    ResourceExistsError
        The service is strict, and a newer revision is another's.
    """
    heads = label_rows.heads(call.db, project_hash, list(saved)) if heads is None else heads
    revisions = []
    for label_hash, body in saved.items():
        head = heads.get(label_hash)
        if head is None:
            raise _unknown(label_hash)
        base, last_frame = checked(label_hash, head.data_hash, head.data_type, body)
        if last_frame and last_frame >= head.number_of_frames:
            _LOG.warning(
                "Labels of data %s stand on frame %d, and it has %d frames. They are kept.",
                head.data_hash, last_frame, head.number_of_frames,
            )  # fmt: skip
        digest = sha256(body).digest()
        if digest == head.head_sha256 and head.head_by == call.caller.user_hash:
            continue  # sent again: it is there
        if call.strict_saves and head.head_by not in (None, call.caller.user_hash):
            _check_newest(call, label_hash, head, base)
        saved_at = max(call.now, head.last_edited_at + TICK_S)
        revisions.append(label_rows.Revision(head.data_hash, label_hash, saved_at, digest, body))
    label_rows.save(call.db, project_hash, call.caller.user_hash, revisions)


def checked(label_hash: str, data_hash: str, data_type: str, body: bytes) -> tuple[str | None, int]:
    """Return the time of the revision that a save starts from, and the last frame it says something of."""
    is_image = data_type in PICTURES
    try:
        row: Any = (_image_decoder if is_image else _frames_decoder).decode(body)
    except msgspec.DecodeError as error:
        raise CorruptedLabelError(f"Label row {label_hash} cannot be read: {error}.") from None
    if row.data_hash != data_hash:
        raise CorruptedLabelError(
            f"Label row {label_hash} is of data {data_hash}; these labels are of {row.data_hash[:64]}."
        )
    answers = row.classification_answers
    for unit in row.data_units.values():
        for frame in (unit.labels,) if is_image else unit.labels.values():
            for entry in frame.classifications:
                if entry.classificationHash not in answers:
                    raise AnswerDictionaryError(
                        f"Label row {label_hash}: classification {entry.classificationHash[:64]} has no answers."
                    )
    last_frame = 0 if is_image else max((max(unit.labels, default=0) for unit in row.data_units.values()), default=0)
    return row.last_edited_at, last_frame


def _check_newest(call: Call, label_hash: str, head: Any, base: str | None) -> None:
    """Refuse a save that starts from another revision than the newest, which is of another author."""
    if base == iso(head.last_edited_at):
        return
    newest = label_rows.revision(call.db, head.head)
    assert newest is not None
    started = None
    if base is not None:
        started = label_rows.revision_at(call.db, label_hash, seconds_of(base))
    from_what = "no revision" if started is None else _named(started)
    raise ResourceExistsError(
        f"Label row {label_hash}: {_named(newest)} is newer than {from_what}, which this save starts from. "
        "Fetch the row again, or let the service run without --strict-saves."
    )


def _named(revision: Any) -> str:
    return f"revision {revision['id']} by {revision['email']} of {iso(revision['saved_at'])}"


def full_bodies(call: Call, wanted: list[str]) -> list[dict[str, Any]]:
    """Return label rows of the project whole, in the order of their hashes."""
    return _assembled(call, found(call, _several(wanted)), is_signed=False)


def _several(uid: Any) -> list[str]:
    wanted = hashes(uid if isinstance(uid, list) else [uid], "uid")
    if len(wanted) > MOST_ROWS:
        raise MultiLabelLimitError(f"At most {MOST_ROWS} label rows can be asked for at once.", MOST_ROWS)
    return wanted


def _unknown(label_hash: Any) -> ResourceNotFoundError:
    return ResourceNotFoundError(f"The project has no label row {str(label_hash)[:64]}.")


def _assembled(call: Call, rows: list[Any], is_signed: bool) -> list[dict[str, Any]]:
    files = label_rows.files(call.db, [row["data_hash"] for row in rows if row["data_type"] in ("IMG_GROUP", "DICOM")])
    bodies = label_rows.bodies(call.db, [row["head"] for row in rows if row["head"] is not None])
    link = links(call, is_signed)
    rows_json = [row_of(row, files.get(row["data_hash"], []), bodies.get(row["head"]), link) for row in rows]
    for row, facts in zip(rows_json, rows, strict=True):
        give_both(row, facts["number_of_frames"] - 1, facts["email"])
    return rows_json
