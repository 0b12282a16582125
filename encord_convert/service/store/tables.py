"""The tables of users, keys, datasets and their data; the metadata all tables hang on.

Hashes are UUIDs as text; times are unix seconds. What is JSON on the wire and never asked for by its members is kept as
JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

METADATA = MetaData()

NUMBER = BigInteger().with_variant(Integer, "sqlite")

VERSION = Table("schema_version", METADATA, Column("version", Integer, nullable=False))
"""One row: which version of the tables this is."""

USERS = Table(
    "users",
    METADATA,
    Column("user_hash", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
)

PUBLIC_KEYS = Table(
    "public_keys",
    METADATA,
    Column("key_hex", Text, primary_key=True),
    Column("user_hash", Text, ForeignKey("users.user_hash", ondelete="CASCADE"), nullable=False),
    Column("created_at", Float, nullable=False),
)
"""Ed25519 keys, 64 hexadecimal digits."""

ROLES = Table(
    "roles",
    METADATA,
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("user_hash", Text, ForeignKey("users.user_hash", ondelete="CASCADE"), nullable=False),
    Column("role", Integer, nullable=False),
    PrimaryKeyConstraint("user_hash", "kind", "hash"),
    Index("roles_of_resource", "kind", "hash"),
)
"""Who may do what with which project, dataset or ontology; no row, no access."""

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_hash", Text, primary_key=True),
    Column("secret_sha256", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("user_hash", Text, ForeignKey("users.user_hash", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("api_keys_of_resource", "kind", "hash"),
)
"""Keys of a project or dataset; the key itself is not here, only its digest. ``scopes`` is a JSON list."""

REQUEST_IDS = Table(
    "request_ids",
    METADATA,
    Column("caller", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("body_sha256", LargeBinary, nullable=False),
    Column("reply", LargeBinary),
    Column("created_at", Float, nullable=False),
    PrimaryKeyConstraint("caller", "request_id"),
    Index("request_ids_by_age", "created_at"),
)
"""What was answered to requests that make something, so that one sent twice makes one thing."""

DATASETS = Table(
    "datasets",
    METADATA,
    Column("dataset_hash", Text, primary_key=True),
    Column("user_hash", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("type", Integer, nullable=False),
    Column("backing_folder_uuid", Text),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
)

DATA_ROWS = Table(
    "data_rows",
    METADATA,
    Column("data_hash", Text, primary_key=True),
    Column("dataset_hash", Text, ForeignKey("datasets.dataset_hash", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("data_title", Text, nullable=False),
    Column("data_type", Text, nullable=False),
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
    Column("client_metadata", Text),
    Column("is_optimised_image_group", Boolean),
    Column("backing_item_uuid", Text),
    Column("dicom", LargeBinary),
    Index("data_rows_of_dataset", "dataset_hash", "number"),
    Index("data_rows_of_item", "backing_item_uuid"),
)
"""Videos, image groups, single images, DICOM series. ``data_type`` in upper case; ``number`` orders a dataset's rows.

``dicom`` is the JSON of a series: ``metadata`` as a data unit has it, and ``frames``, a block per frame.
"""

DATA_FILES = Table(
    "data_files",
    METADATA,
    Column("data_hash", Text, ForeignKey("data_rows.data_hash", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("image_hash", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("file_link", Text, nullable=False),
    Column("file_type", Text),
    Column("file_size", Float),
    Column("sha256", Text),
    Column("storage_location", Integer, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
    PrimaryKeyConstraint("data_hash", "position"),
    Index("data_files_of_image", "image_hash"),
)
"""The images of a group, in order; the files of a DICOM series."""
