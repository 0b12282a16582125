"""Tasks on the stages of a workflow: listed, given to people, submitted, approved, rejected, moved.

Annotators assign, release and submit; reviewers approve and reject; who manages the project does all. There are no
reviews of single labels: their listing is empty.

Source: wire protocol of the newest package, section 6.7.
"""

from __future__ import annotations

from typing import Any

from encord_convert.sdk.exceptions import AuthorisationError, InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.orm.label_log import Action
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.label_listings import MAIN
from encord_convert.service.handlers.label_rows import WRITERS
from encord_convert.service.handlers.projects import ANYBODY_AT_WORK, MANAGERS
from encord_convert.service.handlers.shown_projects import STAGE_TYPES
from encord_convert.service.handlers.workflows import REVIEWERS, STATES
from encord_convert.service.pages import page, page_reply, window
from encord_convert.service.store import label_rows, projects, tasks, users
from encord_convert.service.store.datasets import like_any
from encord_convert.service.store.tables import DATA_ROWS
from encord_convert.service.store.tables_people import TASKS
from encord_convert.service.times import zulu

MOST_AT_ONCE = 1000
"""Actions of one request."""
_TO = {"SUBMIT": "LABELLED", "APPROVE": "REVIEWED", "REJECT": "LABEL_IN_PROGRESS"}
"""Actions to the label status they lead to."""
_BY_PLACE = ("LABEL_IN_PROGRESS", "LABELLED", "REVIEWED")
_LOGGED = {"SUBMIT": Action.SUBMIT_TASK}
_OF_PLACE: tuple[set[str], ...] = (
    {"ASSIGN", "RELEASE", "SUBMIT", "SKIP"},
    {"ASSIGN", "RELEASE", "APPROVE", "REJECT"},
    set(),
)
"""What is done with a task on each stage."""


def _place(call: Call, uuid: str) -> int:
    """Return the place of a stage of the project.

    Raises
    ------
    ResourceNotFoundError
        It has none of that hash.
    """
    for place, node in projects.nodes(call.db, call.of.hash).items():
        if node["uuid"] == uuid:
            return place
    raise ResourceNotFoundError(f"The project has no stage {uuid[:64]}.")


@handles_path("GET projects/{project}/workflow/stages/{stage}/tasks", writes=False)
def listing(call: Call) -> dict[str, Any]:
    """List the tasks on a stage that meet every condition."""
    place = _place(call, call.path["stage"])
    first, most = window(call)
    rows = tasks.listed(call.db, call.of.hash, place, *_conditions(call), first=first, most=most + 1)
    some, token = page(rows, first, most)
    return page_reply((_task(call, row) for row in some), token)


def _conditions(call: Call) -> list[Any]:
    found: list[Any] = []
    columns = {"userEmails": TASKS.c.assignee, "dataHashes": DATA_ROWS.c.data_hash}
    columns |= {"datasetHashes": DATA_ROWS.c.dataset_hash}
    for name, column in columns.items():
        if name in call.asked:
            found.append(column.in_(call.asked[name]))
    if "statuses" in call.asked:
        wanted = call.asked["statuses"]
        is_one = TASKS.c.status.in_(wanted)
        found.append(is_one | TASKS.c.status.is_(None) if "NEW" in wanted else is_one)
    if call.query.get("dataTitleContains"):
        found.append(like_any(DATA_ROWS.c.data_title, call.query["dataTitleContains"]))
    return found


def _task(call: Call, row: Any) -> dict[str, Any]:
    return {
        "uuid": tasks.uuid_of(call.of.hash, row.data_hash),
        "createdAt": zulu(row.created_at),
        "updatedAt": zulu(row.updated_at or row.created_at),
        "dataHash": row.data_hash,
        "dataTitle": row.data_title,
        "status": row.status or "NEW",
        "assignee": row.assignee,
        "labelBranchName": MAIN,
        "lastActionedBy": row.last_actioned_by,
    }


@handles_path("POST projects/{project}/workflow/stages/{stage}/actions", writes=True, roles=ANYBODY_AT_WORK)
def act(call: Call) -> None:
    """Do something with tasks; with all of them, or none."""
    place = _place(call, call.path["stage"])
    wanted = call.payload
    if not isinstance(wanted, list) or len(wanted) > MOST_AT_ONCE or not all(isinstance(item, dict) for item in wanted):
        raise InvalidArgumentsError(f"Expected a list of at most {MOST_AT_ONCE} actions.")
    data_hashes = _data(call, [entry.get("taskUuid") for entry in wanted], place)
    for data_hash, one in zip(data_hashes, wanted, strict=True):
        action = one.get("action")
        if action not in _OF_PLACE[place]:
            raise InvalidArgumentsError(
                f"{str(action)[:64]!r} is not done on the stage {STAGE_TYPES[place]}; there is {_known(place)}."
            )
        allowed = WRITERS if action in ("SUBMIT", "SKIP") else REVIEWERS if action in _TO else WRITERS + REVIEWERS
        if call.of.role not in allowed:
            raise AuthorisationError(f"The caller's role in this project does not allow {action}.")
        assignee = _assignee(call, one) if action == "ASSIGN" or one.get("assignee") else None
        if one.get("retainAssignee") is True:
            assignee = call.caller.email
        status = {"ASSIGN": "ASSIGNED", "RELEASE": "RELEASED", "SKIP": "SKIPPED", "REJECT": "REOPENED"}.get(
            action, "ASSIGNED" if assignee else "NEW"
        )
        _done(call, data_hash, action.lower(), status, assignee)
        if action in _TO:
            _move(call, data_hash, _TO[action], _LOGGED.get(action))


def _known(place: int) -> str:
    return ", ".join(sorted(_OF_PLACE[place])) or "nothing to be done"


def _assignee(call: Call, one: dict[str, Any]) -> str:
    email = users.address(one.get("assignee"))
    own = [hash_ for hash_, address, _ in users.members(call.db, Kind.PROJECT, call.of.hash) if address == email]
    if not own:
        raise InvalidArgumentsError(f"{email} has no role in this project.")
    return email


def _data(call: Call, uuids: list[Any], place: int) -> list[str]:
    """Return the data of tasks that are on a stage.

    Raises
    ------
    ResourceNotFoundError
        One is not.
    """
    data_hashes = [tasks.data_of(call.of.hash, str(uuid)) or "" for uuid in uuids]
    there = label_rows.present(call.db, call.of.hash, data_hashes)
    at = tasks.places(call.db, call.of.hash, data_hashes)
    for uuid, data_hash in zip(uuids, data_hashes, strict=True):
        if data_hash not in there or at.get(data_hash, 0) != place:
            raise ResourceNotFoundError(f"The stage has no task {str(uuid)[:64]}.")
    return data_hashes


def _done(call: Call, data_hash: str, action: str, status: str, assignee: str | None) -> None:
    tasks.put(
        call.db,
        call.of.hash,
        data_hash,
        {
            "status": status,
            "assignee": assignee,
            "last_actioned_by": call.caller.email,
            "updated_at": call.now,
        },
    )
    tasks.note(call.db, call.of.hash, data_hash, call.path["stage"], call.caller.user_hash, action, call.now)


def _move(call: Call, data_hash: str, status: str, logged: Action | None) -> None:
    """Set the state of a piece of data, whether labelling it began or not."""
    task_status, node, usual = STATES[status]
    own: dict[str, Any] = {"label_status": status, "node": node}
    if not projects.has_workflow(call.db, call.of.hash):
        own["annotation_task_status"] = task_status
    label_rows.put(call.db, call.of.hash, data_hash, own)
    action = usual if logged is None else logged
    label_rows.note(call.db, call.of.hash, [data_hash], call.caller.user_hash, action, call.now)


@handles_path("POST projects/{project}/workflow/stages/{stage}/move-tasks", writes=True, roles=MANAGERS)
def move(call: Call) -> None:
    """Put tasks of a stage on another; all of them, or none."""
    place = _place(call, call.path["stage"])
    target = _place(call, call.given("destinationStageUuid", str))
    wanted = call.given("taskUuids", list)
    if len(wanted) > MOST_AT_ONCE:
        raise InvalidArgumentsError(f"At most {MOST_AT_ONCE} tasks are moved at once.")
    for data_hash in _data(call, wanted, place):
        _done(call, data_hash, "move", "NEW", None)
        _move(call, data_hash, _BY_PLACE[target], None)


@handles_path("GET projects/{project}/workflow/stages/{stage}/tasks/{task}/reviews", writes=False)
def reviews(call: Call) -> dict[str, Any]:
    """Return no reviews of single labels: there are none."""
    _data(call, [call.path["task"]], _place(call, call.path["stage"]))
    return page_reply([])


@handles_path(
    "POST projects/{project}/workflow/stages/{stage}/tasks/{task}/reviews/actions", writes=True, roles=REVIEWERS
)
def review(call: Call) -> None:
    """Refuse: there is no review of a single label."""
    _data(call, [call.path["task"]], _place(call, call.path["stage"]))
    if call.payload:
        raise ResourceNotFoundError("The task has no such review.")
