"""The label log: who did what to labels, and when.

What a save did is found by comparing it with the save before it, when the log is asked for: revisions are never
overwritten, so the log cannot be out of step with them, and saving costs nothing more. An item's ``log_hash`` is
always the same. Statuses that were set and tasks that were submitted stand in the log as well, without identifier.

Source: wire protocol, section 10.8.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.handlers.projects import MANAGERS
from encord_convert.service.label_changes import Contents, changes, contents_of
from encord_convert.service.store import label_logs
from encord_convert.service.times import iso

_SPACE = UUID("b0a7f8a6-52a5-4a55-9c43-6f6d0d3c0f11")

_CONDITIONS = ("user_hash", "data_hash", "user_email", "start_timestamp", "end_timestamp")


@handles(
    Query.LABEL_LOG,
    Verb.GET,
    RESOURCE,
    writes=False,
    roles=MANAGERS,
    scope="label_logs.read",
    kinds=(Kind.PROJECT,),
)
def logs(call: Call) -> list[dict[str, Any]]:
    """List what was done to labels, oldest first."""
    wanted = _wanted(call)
    items = [
        _item(f"event {row.id}", row, row.done_at, row.action)
        for row in label_logs.events(call.db, call.of.hash, wanted)
    ]
    label_hash, before = None, Contents()
    for row, is_asked_for in label_logs.revisions(call.db, call.of.hash, wanted):
        if row.label_hash != label_hash:
            label_hash, before = row.label_hash, Contents()
        after = contents_of(row.body)
        if is_asked_for:
            for change in changes(before, after):
                item = _item(f"{row.id} {change.identifier}", row, row.saved_at, change.action)
                item["identifier"] = item["annotation_hash"] = change.identifier
                item |= {"feature_hash": change.feature_hash, "label_name": change.label_name, "frame": change.frame}
                items.append(item)
        before = after
    items.sort(key=lambda item: item["created_at"])
    return items


def _item(name: str, row: Any, moment: float, action: int) -> dict[str, Any]:
    return {
        "log_hash": str(uuid5(_SPACE, name)),
        "user_hash": row.user_hash,
        "user_email": row.email,
        "data_hash": row.data_hash,
        "action": int(action),
        "created_at": iso(moment),
        "identifier": None,
        "annotation_hash": None,
        "feature_hash": None,
        "label_name": None,
        "time_taken": None,
        "frame": None,
    }


def _wanted(call: Call) -> label_logs.Conditions:
    payload = call.payload if isinstance(call.payload, dict) else {}
    unknown = set(payload) - {*_CONDITIONS, "include_user_email_and_interface_key"}
    if unknown:
        raise InvalidArgumentsError(f"The label log has no condition {min(unknown)[:64]!r}.")
    start, end = (call.given(name, (int, float, type(None)), None) for name in _CONDITIONS[3:])
    user_hash, data_hash, email = (call.given(name, (str, type(None)), None) for name in _CONDITIONS[:3])
    # The bound is a whole second, and that second is asked for.
    return label_logs.Conditions(user_hash, email, data_hash, start, None if end is None else end + 1)
