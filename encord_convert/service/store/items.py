"""Statements of the items of the storage.

A data row shows an item. What both say of a file stands in both: the columns :data:`SHARED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from encord_convert.service.store.prepared import Prepared
from encord_convert.service.store.tables import DATA_ROWS, DATASETS
from encord_convert.service.store.tables_storage import FOLDERS, ITEM_CHILDREN, ITEMS

SHARED = tuple(column.name for column in ITEMS.c if column.name in DATA_ROWS.c and column.name[-3:] != "_at")
"""Columns an item and a data row have in common, its times left out."""
TYPES = {
    "image": "IMAGE", "video": "VIDEO", "imageGroup": "IMG_GROUP", "imageSequence": "IMG_GROUP", "dicomSeries": "DICOM",
    "audio": "AUDIO", "nifti": "NIFTI", "plainText": "PLAIN_TEXT", "pdf": "PDF", "timeseries": "TIME_SERIES",
    "group": "GROUP", "scene": "SCENE",
}  # fmt: skip
"""Item types to data types of the rows that show one."""
_ITEM_TYPES = {type_: name for name, type_ in reversed(TYPES.items())}
_FILE_TYPES = {"IMG_GROUP": "image", "DICOM": "dicomFile"}
MOST_AT_ONCE = 500

_EMPTY: dict[str, Any] = {column.name: None for column in ITEMS.c} | {
    "description": "", "number_of_frames": 1, "storage_location": 0
}  # fmt: skip
_ADD = Prepared(insert(ITEMS).values({name: bindparam(name) for name in _EMPTY}))
_CHILD = Prepared(insert(ITEM_CHILDREN).values({name: bindparam(name) for name in ("uuid", "position", "child")}))
_IS_THERE = Prepared(select(ITEMS.c.uuid).where(ITEMS.c.uuid == bindparam("uuid")))
_FOLDER = Prepared(
    select(FOLDERS.c.uuid, DATASETS.c.user_hash)
    .join_from(
        DATASETS, FOLDERS, FOLDERS.c.uuid == func.coalesce(DATASETS.c.backing_folder_uuid, DATASETS.c.dataset_hash)
    )
    .where(DATASETS.c.dataset_hash == bindparam("dataset_hash"))
)


def add(db: Connection, item: dict[str, Any], children: Sequence[dict[str, Any]] = ()) -> None:
    """Add an item, and those that are in it: columns of :data:`ITEMS`. Children that are there already stay."""
    new = [child for child in children if _IS_THERE.first(db, {"uuid": child["uuid"]}) is None]
    _ADD.change_many(db, [_EMPTY | entry for entry in (*new, item)])
    in_order = [{"uuid": item["uuid"], "position": place, "child": one["uuid"]} for place, one in enumerate(children)]
    _CHILD.change_many(db, in_order)


def add_for_row(db: Connection, row: dict[str, Any], files: Sequence[dict[str, Any]]) -> None:
    """Add the item that a new data row shows, to the folder of its dataset; one that is there stays."""
    item_type = item_type_of(row)
    if item_type is None or _IS_THERE.first(db, {"uuid": row["backing_item_uuid"]}) is not None:
        return
    folder, user_hash = _FOLDER.first(db, {"dataset_hash": row["dataset_hash"]})
    common = {
        "folder": folder, "user_hash": user_hash,
        "created_at": row["created_at"], "last_edited_at": row["last_edited_at"],
    }  # fmt: skip
    item = {name: row[name] for name in SHARED if name in row} | common
    item |= {"uuid": row["backing_item_uuid"], "item_type": item_type, "name": row["data_title"]}
    add(db, item, [_of_file(file, common, row) for file in files])


def item_type_of(row: Any) -> str | None:
    """Return the item type of what a data row shows; None if it shows nothing of the storage."""
    if row.get("backing_item_uuid") is None:
        return None
    if row["data_type"] == "IMG_GROUP" and row.get("is_optimised_image_group"):
        return "imageSequence"
    return _ITEM_TYPES.get(row["data_type"])


def _of_file(file: dict[str, Any], common: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    shared = {name: file[name] for name in SHARED if name in file}
    uuid = child_uuid(row["backing_item_uuid"], file["image_hash"])
    return {**shared, **common, "uuid": uuid, "name": file["title"], "item_type": _FILE_TYPES[row["data_type"]]}


def child_uuid(item_uuid: str, image_hash: str) -> str:
    """Return the hash of an item for a file of a data row: that of the file, if it has one of the usual kind."""
    try:
        return str(UUID(image_hash))
    except ValueError:
        return str(uuid5(UUID(item_uuid), image_hash))


def row_of(item: Any, dataset_hash: str, now: float) -> dict[str, Any]:
    """Return the columns of a new data row that shows an item."""
    return {
        **{name: getattr(item, name) for name in SHARED},
        "data_hash": str(uuid4()), "dataset_hash": dataset_hash, "data_title": item.name,
        "data_type": TYPES[item.item_type], "created_at": now, "last_edited_at": now, "backing_item_uuid": item.uuid,
    }  # fmt: skip


def files_of(db: Connection, uuid: str) -> list[dict[str, Any]]:
    """Return the files of a data row that shows an item, as new rows have them."""
    names = ("file_link", "file_type", "file_size", "sha256", "storage_location", "width", "height")
    return [
        {"image_hash": str(uuid4()), "title": child.name, **{name: getattr(child, name) for name in names}}
        for child in children(db, uuid)
    ]


def item(db: Connection, uuid: str) -> Any:
    """Return the row of an item, or None."""
    return db.execute(select(ITEMS).where(ITEMS.c.uuid == uuid)).first()


def items(db: Connection, uuids: Sequence[str]) -> dict[str, Any]:
    """Return the rows of items, by their hashes."""
    found: dict[str, Any] = {}
    for first in range(0, len(uuids), MOST_AT_ONCE):
        part = uuids[first : first + MOST_AT_ONCE]
        found |= {record.uuid: record for record in db.execute(select(ITEMS).where(ITEMS.c.uuid.in_(part)))}
    return found


def children(db: Connection, uuid: str) -> list[Any]:
    """Return the items in an item, in order."""
    query = select(ITEMS).join(ITEM_CHILDREN, ITEM_CHILDREN.c.child == ITEMS.c.uuid)
    return list(db.execute(query.where(ITEM_CHILDREN.c.uuid == uuid).order_by(ITEM_CHILDREN.c.position)))


def parents(db: Connection, uuid: str) -> list[str]:
    """Return the items an item is in."""
    return list(db.scalars(select(ITEM_CHILDREN.c.uuid).where(ITEM_CHILDREN.c.child == uuid).distinct()))


def shown(db: Connection, uuids: Sequence[str]) -> dict[str, int]:
    """Return how many data rows show each of some items."""
    own = DATA_ROWS.c.backing_item_uuid
    query = select(own, func.count()).group_by(own)
    counts: dict[str, int] = dict.fromkeys(uuids, 0)
    for first in range(0, len(uuids), MOST_AT_ONCE):
        part = uuids[first : first + MOST_AT_ONCE]
        counts |= {uuid: count for uuid, count in db.execute(query.where(own.in_(part)))}  # noqa: C416
    return counts


def is_shown() -> ColumnElement[bool]:
    """Return the condition that a data row shows an item."""
    return select(DATA_ROWS.c.data_hash).where(DATA_ROWS.c.backing_item_uuid == ITEMS.c.uuid).exists()


def listed(db: Connection, *where: ColumnElement[bool], order: Any, first: int, most: int) -> list[Any]:
    """Return items that meet every condition, a page of them."""
    query = select(ITEMS).where(*where).order_by(*order, ITEMS.c.uuid).offset(first).limit(most)
    return list(db.execute(query))


def counted(db: Connection, folder: str) -> tuple[dict[str, int], float]:
    """Return how many items of each type a folder has, and their bytes."""
    query = select(ITEMS.c.item_type, func.count(), func.sum(ITEMS.c.file_size)).group_by(ITEMS.c.item_type)
    rows = list(db.execute(query.where(ITEMS.c.folder == folder)))
    return {type_: count for type_, count, _ in rows}, sum(size or 0 for _, _, size in rows)


def change(db: Connection, uuid: str, values: dict[str, Any], now: float) -> None:
    """Change columns of an item; its client metadata are also those of the data rows that show it."""
    db.execute(update(ITEMS).where(ITEMS.c.uuid == uuid).values(**values, last_edited_at=now))
    if "client_metadata" in values:
        rows = update(DATA_ROWS).where(DATA_ROWS.c.backing_item_uuid == uuid)
        db.execute(rows.values(client_metadata=values["client_metadata"], last_edited_at=now))


def move(db: Connection, uuids: Sequence[str], folder: str, now: float) -> None:
    """Put items into another folder."""
    for uuid in uuids:
        change(db, uuid, {"folder": folder}, now)


def remove(db: Connection, uuids: Sequence[str]) -> int:
    """Delete items that nothing shows; return how many."""
    for first in range(0, len(uuids), MOST_AT_ONCE):
        db.execute(delete(ITEMS).where(ITEMS.c.uuid.in_(uuids[first : first + MOST_AT_ONCE])))
    return len(uuids)


def where_shown(db: Connection, uuid: str) -> list[Any]:
    """Return dataset and data hash, and times, of the rows that show an item."""
    query = select(
        DATA_ROWS.c.data_hash, DATA_ROWS.c.created_at, DATASETS.c.dataset_hash, DATASETS.c.title,
        DATASETS.c.backing_folder_uuid,
    ).join(DATASETS, DATASETS.c.dataset_hash == DATA_ROWS.c.dataset_hash)  # fmt: skip
    return list(db.execute(query.where(DATA_ROWS.c.backing_item_uuid == uuid).order_by(DATA_ROWS.c.created_at)))
