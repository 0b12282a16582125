"""Tables of the storage: folders in folders, and the items in them, which data rows show."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from encord_convert.service.store.tables import METADATA

FOLDERS = Table(
    "folders",
    METADATA,
    Column("uuid", Text, primary_key=True),
    Column("parent", Text, ForeignKey("folders.uuid"), index=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("client_metadata", Text),
    Column("user_hash", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
)
"""Each dataset has one for its items: its backing folder, or if it has none, one of its own hash. Whoever has a role in
a dataset has it in that folder; all other roles stand in the roles, of the kind ``folder``, and are inherited."""

ITEMS = Table(
    "items",
    METADATA,
    Column("uuid", Text, primary_key=True),
    Column("folder", Text, ForeignKey("folders.uuid"), nullable=False, index=True),
    Column("item_type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("client_metadata", Text),
    Column("user_hash", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("number_of_frames", Integer, nullable=False),
    Column("frames_per_second", Float),
    Column("duration", Float),
    Column("file_link", Text),
    Column("file_type", Text),
    Column("file_size", Float),
    Column("sha256", Text),
    Column("storage_location", Integer, nullable=False),
    Column("is_optimised_image_group", Boolean),
    Column("dicom", LargeBinary),
)
"""What of an item is also of the data rows that show it stands in both, by the same names. ``item_type`` is that of the
wire, such as ``imageGroup``."""

ITEM_CHILDREN = Table(
    "item_children",
    METADATA,
    Column("uuid", Text, ForeignKey("items.uuid", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("child", Text, ForeignKey("items.uuid"), nullable=False, index=True),
    PrimaryKeyConstraint("uuid", "position"),
)
"""The images of a group, the files of a series, in order."""

UPLOADS = Table(
    "awaited",
    METADATA,
    Column("data_hash", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("file_link", Text, nullable=False),
    Column("sha256", Text),
    Column("size", Float),
    Column("facts", Text),
    Column("created_at", Float, nullable=False),
    Index("awaited_by_age", "created_at"),
)
"""Places that were asked for, and what arrived there; registering them makes items and data rows.

``owner`` is the dataset, the folder or the user the place was given to; ``kind`` the query type, or the item type where
there is none; ``facts`` is the JSON of what the file says of itself, see :mod:`..contents`.
"""
