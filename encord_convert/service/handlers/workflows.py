"""How far the labelling of rows is: statuses and reviews, stages of workflows, priorities.

Every project has stages, which younger clients see of all. One that was made without a workflow has statuses as well,
and the same mark moves both; in one with a workflow asking for a status is refused.

===================  ======================  =====================
label status         annotation task status  stage
===================  ======================  =====================
NOT_LABELLED         QUEUED
LABEL_IN_PROGRESS    QUEUED, ASSIGNED        the first, labelling
LABELLED             IN_REVIEW               review
REVIEW_IN_PROGRESS   IN_REVIEW
REVIEWED             COMPLETED               the last
REVIEWED_TWICE       COMPLETED
===================  ======================  =====================

Source: wire protocol, sections 10.5, 11.5 and 16. Unknown: which task status goes with which label status in the
original; a recording of its listing after each call would settle it.
"""

from __future__ import annotations

from typing import Any

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError, WrongProjectTypeError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.label_log import Action
from encord_convert.service.calls import Call, Kind, handles, handles_path
from encord_convert.service.handlers.label_rows import WRITERS
from encord_convert.service.handlers.projects import ADMIN, ANNOTATOR_REVIEWER, REVIEWER, TEAM_MANAGER, hashes
from encord_convert.service.store import label_rows, projects

REVIEWERS = (ADMIN, REVIEWER, ANNOTATOR_REVIEWER, TEAM_MANAGER)

STATES = {
    "NOT_LABELLED": ("QUEUED", 0, Action.MARK_AS_NOT_LABELLED),
    "LABEL_IN_PROGRESS": ("ASSIGNED", 0, Action.MARK_AS_IN_PROGRESS),
    "LABELLED": ("IN_REVIEW", 1, Action.MARK_AS_LABELLED),
    "REVIEW_IN_PROGRESS": ("IN_REVIEW", 1, Action.MARK_AS_REVIEW_REQUIRED),
    "REVIEWED": ("COMPLETED", 2, Action.MARK_AS_REVIEWED),
    "REVIEWED_TWICE": ("COMPLETED", 2, Action.MARK_AS_REVIEWED_TWICE),
}
"""Label status to task status, place of the stage, and what the log says of it."""
OF_REVIEW_MODE = {"unlabelled": "LABEL_IN_PROGRESS", "labelled": "LABELLED", "reviewed": "REVIEWED"}
"""Review mode of an import to the label status its rows get."""
ENDS = {"reopen": "LABEL_IN_PROGRESS", "complete": "REVIEWED"}


@handles(
    Query.LABEL_STATUS, Verb.POST, RESOURCE, writes=True, roles=REVIEWERS, scope="label.write", kinds=(Kind.PROJECT,)
)
def set_status(call: Call) -> bool:
    """Set the label status of a row."""
    status = call.given("label_status", str)
    if status not in STATES:
        raise InvalidArgumentsError(f"{status[:64]!r} is no label status; they are {', '.join(STATES)}.")
    _without_workflow(call)
    mark(call, call.of.hash, hashes([call.uid], "uid"), status)
    return True


@handles(Query.REVIEW, Verb.PUT, RESOURCE, writes=True, roles=WRITERS, scope="label.write", kinds=(Kind.PROJECT,))
def submit(call: Call) -> bool:
    """Send a row to its reviewers."""
    _without_workflow(call)
    mark(call, call.of.hash, hashes([call.uid], "uid"), "LABELLED", Action.SUBMIT_TASK)
    return True


@handles(
    Query.LABEL_WORKFLOW_GRAPH_NODE,
    Verb.POST,
    RESOURCE,
    writes=True,
    roles=REVIEWERS,
    scope="label.write",
    kinds=(Kind.PROJECT,),
)
def move(call: Call) -> bool:
    """Move rows to the first or the last stage; all of them, or none."""
    action = call.given("action", str)
    if action not in ENDS:
        raise InvalidArgumentsError(f"{action[:64]!r} is no action of a workflow; they are {' and '.join(ENDS)}.")
    mark(call, call.of.hash, hashes(call.uid, "uid"), ENDS[action])
    return True


@handles_path("POST projects/{project}/priorities", writes=True, roles=(ADMIN, TEAM_MANAGER))
def set_priorities(call: Call) -> dict[str, Any]:
    """Set which pieces of data come first, 0.0 to 1.0; all of them, or none."""
    project_hash = call.of.hash
    wanted: dict[str, float] = {}
    pairs = call.given("priorities", list)
    if len(pairs) > label_rows.MOST_IN_A_CONDITION:
        raise InvalidArgumentsError(f"At most {label_rows.MOST_IN_A_CONDITION} priorities are set at once.")
    for pair in pairs:
        match pair:
            case [str() as data_hash, float() | int() as priority] if 0 <= priority <= 1:
                wanted[data_hash] = float(priority)
            case _:
                raise InvalidArgumentsError(f"{pair!r:.80} is no pair of a data hash and a priority from 0 to 1.")
    present = label_rows.present(call.db, project_hash, list(wanted))
    for data_hash, priority in wanted.items():
        if data_hash not in present:
            raise ResourceNotFoundError(f"The project has no data {data_hash[:64]}.")
        label_rows.put(call.db, project_hash, data_hash, {"priority": priority})
    return {}


def mark(call: Call, project_hash: str, label_hashes: list[str], status: str, action: Action | None = None) -> None:
    """Set the state of rows, and log it.

    Raises
    ------
    ResourceNotFoundError
        The project has no such row.
    """
    has_workflow = projects.has_workflow(call.db, project_hash)
    task_status, node, usual = STATES[status]
    known = label_rows.known(call.db, project_hash, label_hashes)
    for label_hash in label_hashes:
        if label_hash not in known:
            raise ResourceNotFoundError(f"The project has no label row {label_hash[:64]}.")
    data_hashes = [known[label_hash]["data_hash"] for label_hash in label_hashes]
    own: dict[str, Any] = {"node": node} if has_workflow else {"node": node, "annotation_task_status": task_status}
    label_rows.change_all(call.db, project_hash, data_hashes, {"label_status": status} | own)
    label_rows.note(
        call.db, project_hash, data_hashes, call.caller.user_hash, usual if action is None else action, call.now
    )


def _without_workflow(call: Call) -> None:
    if projects.has_workflow(call.db, call.of.hash):
        raise WrongProjectTypeError("This project has a workflow: reopen or complete its label rows instead.")
