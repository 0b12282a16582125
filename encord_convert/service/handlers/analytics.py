"""What was done with tasks and how long it took, as REST v2 tells it.

Time is measured as in :mod:`.timers`, over the whole period that is asked for.

Source: wire protocol of the newest package, section 6.8.
"""

from __future__ import annotations

from typing import Any

from encord_convert.sdk.exceptions import ResourceNotFoundError
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.projects import MANAGERS, role
from encord_convert.service.handlers.shown_projects import STAGE_TYPES
from encord_convert.service.handlers.timers import CAP_S, NO_ROLE_LEFT
from encord_convert.service.pages import cut, page, page_reply, window
from encord_convert.service.store import label_logs, label_rows, projects, tasks
from encord_convert.service.store.tables import USERS
from encord_convert.service.store.tables_people import TASK_ACTIONS
from encord_convert.service.times import seconds_of, zulu

MOST_ROWS = 100_000


def _project(call: Call) -> str:
    hash_ = call.query.get("projectUuid", "")
    if role(call, Kind.PROJECT, hash_) not in MANAGERS:
        raise ResourceNotFoundError(f"There is no project {hash_[:64]}, or this key may not see it.")
    return hash_


def _period(call: Call) -> tuple[float, float]:
    after, before = call.query.get("after"), call.query.get("before")
    return seconds_of(after), call.now if before is None else seconds_of(before)


@handles_path("GET analytics/time-spent", writes=False)
def time_spent(call: Call) -> dict[str, Any]:
    """Return how long each user was at work on each piece of data."""
    project_hash, (after, before) = _project(call), _period(call)
    found = label_logs.times(
        call.db, project_hash, after=after, before=before, by_data=True, cap_s=CAP_S, start=None, most=MOST_ROWS
    )
    wanted = {name: set(call.asked[name]) for name in ("userEmails", "dataUuids") if name in call.asked}
    found = [
        row
        for row in found
        if row.email in wanted.get("userEmails", (row.email,))
        and row.data_hash in wanted.get("dataUuids", (row.data_hash,))
        and call.query.get("dataTitle", row.data_title) == row.data_title
    ]
    some, token = cut(call, found)
    of_data = {
        item["data_hash"]: item
        for item in label_rows.whole(call.db, project_hash, data_hashes=[r.data_hash for r in some])
    }
    stages = {
        place: {"stageType": STAGE_TYPES[place], **node}
        for place, node in projects.nodes(call.db, project_hash).items()
    }
    nodes_of = tasks.places(call.db, project_hash, list(of_data))
    sets = set(call.asked.get("datasetUuids", ()))
    items = [
        {
            "periodStartTime": zulu(after),
            "periodEndTime": zulu(before),
            "timeSpentSeconds": round(row.seconds),
            "userEmail": row.email,
            "projectUserRole": NO_ROLE_LEFT if row.role is None else row.role,
            "dataUuid": row.data_hash,
            "dataTitle": row.data_title or "",
            "datasetUuid": of_data[row.data_hash]["dataset_hash"],
            "datasetTitle": of_data[row.data_hash]["dataset_title"],
            "workflowTaskUuid": tasks.uuid_of(project_hash, row.data_hash),
            "workflowStage": stages[nodes_of.get(row.data_hash, 0)],
        }
        for row in some
        if row.data_hash in of_data and (not sets or of_data[row.data_hash]["dataset_hash"] in sets)
    ]
    return page_reply(items, token)


@handles_path("GET analytics/task-actions", writes=False)
def task_actions(call: Call) -> dict[str, Any]:
    """Return what was done with tasks, oldest first."""
    project_hash, (after, before) = _project(call), _period(call)
    columns = {
        "actorEmails": USERS.c.email, "eventTypes": TASK_ACTIONS.c.action, "workflowStageUuids": TASK_ACTIONS.c.stage,
        "dataUnitUuids": TASK_ACTIONS.c.data_hash,
    }  # fmt: skip
    where: list[Any] = [column.in_(call.asked[name]) for name, column in columns.items() if name in call.asked]
    where += [TASK_ACTIONS.c.done_at >= after, TASK_ACTIONS.c.done_at < before]
    first, most = window(call)
    some, token = page(tasks.actions(call.db, project_hash, where, first, most + 1), first, most)
    items = (
        {
            "timestamp": zulu(row.done_at),
            "actionType": row.action,
            "projectUuid": project_hash,
            "workflowStageUuid": row.stage,
            "taskUuid": tasks.uuid_of(project_hash, row.data_hash),
            "dataUnitUuid": row.data_hash,
            "actorEmail": row.email,
        }
        for row in some
    )
    return page_reply(items, token)
