"""Statements of data rows and their files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.service.store import items
from encord_convert.service.store.datasets import like
from encord_convert.service.store.prepared import Prepared
from encord_convert.service.store.tables import DATA_FILES, DATA_ROWS, DATASETS
from encord_convert.service.store.uploads import AT_ONCE
from encord_convert.service.times import seconds_of

LISTED = [column for column in DATA_ROWS.c if column.name != "dicom"]
"""What a listing needs; the blocks of a series are long."""

_EMPTY: dict[str, Any] = dict.fromkeys(column.name for column in DATA_ROWS.c if column.name != "number")
_LAST = DATA_ROWS.alias()
_NEXT = select(func.coalesce(func.max(_LAST.c.number), 0) + 1).where(_LAST.c.dataset_hash == bindparam("dataset_hash"))
_ADD = Prepared(
    insert(DATA_ROWS).values({**{name: bindparam(name) for name in _EMPTY}, "number": _NEXT.scalar_subquery()})
)
_EDITED = Prepared(
    update(DATASETS).where(DATASETS.c.dataset_hash == bindparam("of_dataset")).values(last_edited_at=bindparam("now"))
)
_OF_DATASET = Prepared(select(DATA_ROWS.c.dataset_hash).where(DATA_ROWS.c.data_hash == bindparam("data_hash")))


def add_data_row(db: Connection, row: dict[str, Any], files: Sequence[dict[str, Any]] = ()) -> None:
    """Add a data row at the end of its dataset, and the item it shows if that is not there.

    Parameters
    ----------
    db : Connection
    row : dict
        Columns of :data:`DATA_ROWS`, ``number`` left out.
    files : sequence of dict
        Columns of :data:`DATA_FILES`, in order; ``data_hash``, ``position`` and the times left out.
    """
    _ADD.change(db, _EMPTY | row)
    items.add_for_row(db, row, files)
    common = {name: row[name] for name in ("data_hash", "created_at", "last_edited_at")}
    if files:
        db.execute(insert(DATA_FILES), [{**file, **common, "position": place} for place, file in enumerate(files)])
    _EDITED.change(db, {"of_dataset": row["dataset_hash"], "now": row["created_at"]})


def has_data_row(db: Connection, dataset_hash: str, data_hash: str) -> bool:
    """Return whether a dataset has a data row."""
    found = _OF_DATASET.first(db, {"data_hash": data_hash})
    return found is not None and found[0] == dataset_hash


def data_row(db: Connection, dataset_hash: str, data_hash: str) -> Any:
    """Return a data row of a dataset, or None."""
    query = select(*LISTED).where(DATA_ROWS.c.data_hash == data_hash, DATA_ROWS.c.dataset_hash == dataset_hash)
    return db.execute(query).first()


def data_rows(db: Connection, dataset_hash: str, conditions: dict[str, Any] | None = None) -> list[Any]:
    """Return the data rows of a dataset in order, those that meet every condition.

    Parameters
    ----------
    db : Connection
    dataset_hash : str
    conditions : dict, optional
        ``title_eq``, ``title_like``, ``created_before``, ``created_after``, ``data_types``, ``data_hashes``; those that
        are None count for nothing.
    """
    given = {name: value for name, value in (conditions or {}).items() if value is not None}
    where = [DATA_ROWS.c.dataset_hash == dataset_hash]
    if "title_eq" in given:
        where.append(DATA_ROWS.c.data_title == str(given["title_eq"]))
    if "title_like" in given:
        where.append(like(DATA_ROWS.c.data_title, given["title_like"]))
    if "created_before" in given:
        where.append(DATA_ROWS.c.created_at < seconds_of(given["created_before"]))
    if "created_after" in given:
        where.append(DATA_ROWS.c.created_at > seconds_of(given["created_after"]))
    if "data_types" in given:
        where.append(DATA_ROWS.c.data_type.in_(texts(given["data_types"])))
    query = select(*LISTED).where(*where).order_by(DATA_ROWS.c.number)
    if "data_hashes" not in given:
        return list(db.execute(query))
    wanted = texts(given["data_hashes"])
    rows: list[Any] = []
    for first in range(0, len(wanted), AT_ONCE):
        rows += db.execute(query.where(DATA_ROWS.c.data_hash.in_(wanted[first : first + AT_ONCE])))
    return sorted({row.data_hash: row for row in rows}.values(), key=lambda row: int(row.number))


def texts(value: object) -> list[str]:
    """Return a list of texts as it came.

    Raises
    ------
    InvalidArgumentsError
        It is none.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidArgumentsError("Expected a list of texts.")
    return value


def files_of(db: Connection, data_hash: str) -> list[Any]:
    """Return the files of an image group or a series, in order."""
    return list(db.execute(select(DATA_FILES).where(DATA_FILES.c.data_hash == data_hash).order_by("position")))


def series_of(db: Connection, data_hash: str) -> bytes | None:
    """Return the ``dicom`` of a data row."""
    found = db.execute(select(DATA_ROWS.c.dicom).where(DATA_ROWS.c.data_hash == data_hash)).scalar()
    return None if found is None else bytes(found)


def change_data_row(db: Connection, dataset_hash: str, data_hash: str, changes: dict[str, Any], now: float) -> bool:
    """Change columns of a data row; return whether there is such a one in the dataset."""
    row = update(DATA_ROWS).where(DATA_ROWS.c.data_hash == data_hash, DATA_ROWS.c.dataset_hash == dataset_hash)
    item = select(DATA_ROWS.c.backing_item_uuid).where(DATA_ROWS.c.data_hash == data_hash)
    if "client_metadata" in changes and (uuid := db.scalar(item)) is not None:
        items.change(db, uuid, {"client_metadata": changes["client_metadata"]}, now)
    return bool(db.execute(row.values(**changes, last_edited_at=now)).rowcount)


_RENAME = Prepared(
    update(DATA_ROWS)
    .where(DATA_ROWS.c.data_hash == bindparam("own_data"), DATA_ROWS.c.dataset_hash == bindparam("own_dataset"))
    .values(data_title=bindparam("title"), last_edited_at=bindparam("now"))
)


def rename_data_rows(db: Connection, dataset_hash: str, titles: Sequence[tuple[str, str]], now: float) -> bool:
    """Rename data rows of a dataset, hash and title each; return whether all are there. Of a row, the last counts."""
    last = dict(titles)  # each version of a row that a transaction makes slows down the next on PostgreSQL
    rows = [
        {"own_data": hash_, "own_dataset": dataset_hash, "title": title, "now": now} for hash_, title in last.items()
    ]
    return _RENAME.change_many(db, rows) == len(rows)


def delete_data_rows(db: Connection, dataset_hash: str, data_hashes: Iterable[str], now: float) -> None:
    """Delete data rows of a dataset; what is not there is passed over."""
    hashes = list(data_hashes)
    for first in range(0, len(hashes), AT_ONCE):
        part = hashes[first : first + AT_ONCE]
        db.execute(delete(DATA_ROWS).where(DATA_ROWS.c.dataset_hash == dataset_hash, DATA_ROWS.c.data_hash.in_(part)))
    db.execute(update(DATASETS).where(DATASETS.c.dataset_hash == dataset_hash).values(last_edited_at=now))


def rows_of_item(db: Connection, item_uuid: str) -> list[Any]:
    """Return the data rows, of any dataset, that show an item of the storage, oldest first."""
    query = select(DATA_ROWS).where(DATA_ROWS.c.backing_item_uuid == item_uuid)
    return list(db.execute(query.order_by(DATA_ROWS.c.created_at)))
