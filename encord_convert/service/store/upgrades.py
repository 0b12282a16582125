"""What older databases lack is made of what they have."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, case, func, insert, inspect, select, update

from encord_convert.service.store import folders, items
from encord_convert.service.store.projects import STAGES
from encord_convert.service.store.tables import DATA_FILES, DATA_ROWS, DATASETS
from encord_convert.service.store.tables_labels import LABEL_ROWS
from encord_convert.service.store.tables_projects import PROJECTS, WORKFLOW_NODES
from encord_convert.service.store.tables_storage import FOLDERS, ITEMS, UPLOADS

AT_ONCE = 100
"""Data rows that are looked at together."""
_STAGES = {"LABELLED": 1, "REVIEW_IN_PROGRESS": 1, "REVIEWED": 2, "REVIEWED_TWICE": 2}


def give_storage(db: Connection) -> None:
    """Make folders of datasets, items of data rows, stages of projects, and move places to upload to."""
    folder = func.coalesce(DATASETS.c.backing_folder_uuid, DATASETS.c.dataset_hash)
    for item in db.execute(select(DATASETS).where(folder.not_in(select(FOLDERS.c.uuid)))).all():
        uuid = item.backing_folder_uuid or item.dataset_hash
        folders.add(db, item.user_hash, item.title, item.created_at, uuid=uuid)
    shown = DATA_ROWS.c.backing_item_uuid
    hashes = list(
        db.scalars(select(DATA_ROWS.c.data_hash).where(shown.is_not(None), shown.not_in(select(ITEMS.c.uuid))))
    )
    for first in range(0, len(hashes), AT_ONCE):  # a series is long: not all of them at once
        part = hashes[first : first + AT_ONCE]
        files = select(DATA_FILES).where(DATA_FILES.c.data_hash.in_(part)).order_by(DATA_FILES.c.position)
        of_row: dict[str, list[dict[str, Any]]] = {}
        for file in db.execute(files).mappings():
            of_row.setdefault(file["data_hash"], []).append(dict(file))
        for row in db.execute(select(DATA_ROWS).where(DATA_ROWS.c.data_hash.in_(part))).mappings().all():
            items.add_for_row(db, dict(row), of_row.get(row["data_hash"], []))
    for hash_ in list(db.scalars(select(PROJECTS.c.project_hash).where(PROJECTS.c.workflow_manager_uuid.is_(None)))):
        nodes = [
            {"project_hash": hash_, "place": place, "uuid": str(uuid4()), "title": title}
            for place, title in enumerate(STAGES)
        ]
        if not db.execute(select(WORKFLOW_NODES.c.place).where(WORKFLOW_NODES.c.project_hash == hash_)).first():
            db.execute(insert(WORKFLOW_NODES), nodes)
            stage = case(_STAGES, value=LABEL_ROWS.c.label_status, else_=0)
            db.execute(update(LABEL_ROWS).where(LABEL_ROWS.c.project_hash == hash_).values(node=stage))
    if inspect(db).has_table("uploads"):
        names = ", ".join(column.name for column in UPLOADS.c)
        old = names.replace("owner", "dataset_hash")
        db.exec_driver_sql(f"INSERT INTO awaited ({names}) SELECT {old} FROM uploads")
        db.exec_driver_sql("DROP TABLE uploads")
