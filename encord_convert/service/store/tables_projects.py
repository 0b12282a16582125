"""Tables of ontologies and projects; who may use them stands in the roles."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from encord_convert.service.store.tables import METADATA

ONTOLOGIES = Table(
    "ontologies",
    METADATA,
    Column("ontology_hash", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("editor", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
)
"""``editor`` is the structure, JSON."""

PROJECTS = Table(
    "projects",
    METADATA,
    Column("project_hash", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("ontology_hash", Text, ForeignKey("ontologies.ontology_hash"), nullable=False, index=True),
    Column("edits_ontology", Boolean, nullable=False),
    Column("workflow_type", Text, nullable=False),
    Column("workflow_manager_uuid", Text),
    Column("source_projects", Text),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
)
"""``edits_ontology``: whoever brought the ontology along could change it, so the project's admins can. A
``workflow_manager_uuid`` marks a project with a workflow; ``source_projects`` is a JSON list of hashes."""

PROJECT_DATASETS = Table(
    "project_datasets",
    METADATA,
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("dataset_hash", Text, ForeignKey("datasets.dataset_hash", ondelete="CASCADE"), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    PrimaryKeyConstraint("project_hash", "dataset_hash"),
)

WORKFLOW_NODES = Table(
    "workflow_nodes",
    METADATA,
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("uuid", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    PrimaryKeyConstraint("project_hash", "place"),
)
"""The stages of a workflow, from 0."""

MODELS = Table(
    "models",
    METADATA,
    Column("model_uid", Text, primary_key=True),
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("features", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
"""``features`` is a JSON list of feature hashes."""

MODEL_ITERATIONS = Table(
    "model_iterations",
    METADATA,
    Column("model_iteration_uid", Text, primary_key=True),
    Column("model_uid", Text, ForeignKey("models.model_uid", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("training_final_loss", Float),
    Column("model_training_labels", Text),
)
"""What is known of a training; ``model_training_labels`` is JSON as the wire has it."""
