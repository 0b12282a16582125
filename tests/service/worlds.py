"""Projects to try things on: data of any kind without its files, label rows, labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from harness import Running

from encord_convert.sdk._project_client import EncordClientProject
from encord_convert.sdk.objects import OntologyStructure
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.project import Project
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.service.store.data_rows import add_data_row

BOX = {"h": 0.1, "w": 0.2, "x": 0.3, "y": 0.4}


def ontology() -> OntologyStructure:
    """A car with a note, and the weather."""
    from encord_convert.sdk.objects import Shape, TextAttribute

    structure = OntologyStructure()
    car = structure.add_object("Car", Shape.BOUNDING_BOX, feature_node_hash="car00001")
    car.add_attribute(TextAttribute, "Note", feature_node_hash="note0001")
    structure.add_object("Leaf", Shape.POLYGON, feature_node_hash="leaf0001")
    weather = structure.add_classification(feature_node_hash="weather1")
    weather.add_attribute(TextAttribute, "Weather", feature_node_hash="wtext001")
    return structure


def add_data(
    server: Running,
    dataset_hash: str,
    data_type: str = "IMAGE",
    title: str = "a.png",
    *,
    frames: int = 1,
    size: tuple[int | None, int | None] = (8, 6),
    images: list[tuple[str, str]] = (),  # type: ignore[assignment]
    data_hash: str | None = None,
    **more: Any,
) -> str:
    """Put data into a dataset as if its files had arrived; return its hash.

    ``images`` are hash and title of the images of a group, or the files of a series.
    """
    data_hash = data_hash or str(uuid4())
    row = {
        "data_hash": data_hash,
        "dataset_hash": dataset_hash,
        "data_title": title,
        "data_type": data_type,
        "created_at": 1_700_000_000.0,
        "last_edited_at": 1_700_000_000.0,
        "width": size[0],
        "height": size[1],
        "number_of_frames": frames,
        "storage_location": 0,
        "file_link": f"bucket/{title}",
    } | more
    files = [
        {
            "image_hash": hash_,
            "title": name,
            "file_link": f"bucket/{name}",
            "file_type": "image/png",
            "file_size": 11,
            "storage_location": 0,
            "width": 8,
            "height": 6,
        }
        for hash_, name in images
    ]
    server.service.database.write(lambda db: add_data_row(db, row, files)).result()
    return data_hash


@dataclass
class World:
    """A project of a user, with one dataset."""

    server: Running
    user: EncordUserClient
    dataset_hash: str
    project: Project

    @property
    def client(self) -> EncordClientProject:
        """The client below the project, whose calls on label rows take and give JSON."""
        return self.project._client

    def add(self, data_type: str = "IMAGE", title: str = "a.png", **more: Any) -> str:
        """Put data into the dataset."""
        return add_data(self.server, self.dataset_hash, data_type, title, **more)

    def seen_by(self, name: str, role: Any = None) -> Project:
        """The project as another user sees it, who gets a role first if one is given."""
        user = self.server.user(name)
        if role is not None:
            self.project.add_users([f"{name}@example.com"], role)
        return user.get_project(self.project.project_hash)

    def begun(self, data_type: str = "IMAGE", title: str = "a.png", **more: Any) -> dict[str, Any]:
        """The label row of new data, as JSON."""
        return self.client.create_label_row(self.add(data_type, title, **more))


def world(server: Running, structure: OntologyStructure | None = None, *, workflow: bool = False) -> World:
    """A project of ann, with an ontology and an empty dataset."""
    ann = server.user("ann")
    dataset_hash = ann.create_dataset("Crossings", StorageLocation.CORD_STORAGE).dataset_hash
    made = ann.create_ontology("Traffic", structure=structure or ontology())
    template = {"workflow_template_hash": str(uuid4())} if workflow else {}
    project_hash = ann.create_project("Crossings 2024", [dataset_hash], "cameras", made.ontology_hash, **template)
    return World(server, ann, dataset_hash, ann.get_project(project_hash))


def box(hash_: str = "obj00001", **more: Any) -> dict[str, Any]:
    """A car on a frame."""
    return {
        "name": "Car",
        "color": "#D33115",
        "shape": "bounding_box",
        "value": "car",
        "createdAt": "Sat, 01 Jun 2024 09:00:00 UTC",
        "createdBy": "someone@example.com",
        "confidence": 1.0,
        "objectHash": hash_,
        "featureHash": "car00001",
        "manualAnnotation": True,
        "boundingBox": BOX,
    } | more


def weather(hash_: str = "cls00001") -> dict[str, Any]:
    """The weather on a frame."""
    return {
        "name": "Weather",
        "value": "weather",
        "createdAt": "Sat, 01 Jun 2024 09:00:00 UTC",
        "createdBy": "someone@example.com",
        "confidence": 1.0,
        "featureHash": "weather1",
        "classificationHash": hash_,
        "manualAnnotation": True,
    }


def with_objects(row: dict[str, Any], *objects: dict[str, Any], frame: str | None = None) -> dict[str, Any]:
    """A copy of a label row with objects, all it has on a frame or on its first image."""
    row = json.loads(json.dumps(row))
    unit = next(iter(row["data_units"].values()))
    labels = unit["labels"] if frame is None else unit["labels"].setdefault(frame, {"classifications": []})
    labels["objects"] = list(objects)
    row["object_answers"] = {
        one["objectHash"]: {"objectHash": one["objectHash"], "classifications": []} for one in objects
    }
    return row


def save(project: Project, row: dict[str, Any]) -> None:
    """Save a label row given as JSON."""
    project._client.save_label_row(row["label_hash"], row)


def objects_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of the first image."""
    return next(iter(row["data_units"].values()))["labels"]["objects"]  # type: ignore[no-any-return]
