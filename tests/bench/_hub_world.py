"""A label row that is told what to do in plain words, in our package or in the official one.

Read from standard input: one JSON list of steps a line. Written: for each step what came of it, what the world looks
like after it, and at the end the row as JSON. Hashes and times that chance or the clock chose are replaced.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

FRAMES = 6
KINDS = ("box", "polygon", "point", "radio", "text", "checks")
CREATED = "2024-05-06T07:08:09"


def option(id_: str, label: str, inner: list[Any] | None = None) -> dict[str, Any]:
    d = {"id": id_, "label": label, "value": label, "featureNodeHash": f"o{id_}"}
    return {**d, "options": inner} if inner else d


def attribute(id_: str, kind: str, options: list[Any] | None = None, dynamic: bool = False) -> dict[str, Any]:
    d = {
        "id": id_,
        "name": f"n{id_}",
        "type": kind,
        "featureNodeHash": f"a{id_}",
        "required": False,
        "dynamic": dynamic,
    }
    return {**d, "options": options} if options else d


def attributes(root: str) -> list[dict[str, Any]]:
    deep = attribute(f"{root}.1.1.1", "checklist", [option(f"{root}.1.1.1.{n}", f"c{n}") for n in (1, 2)])
    below = attribute(f"{root}.5.1.1", "text")
    return [
        attribute(f"{root}.1", "radio", [option(f"{root}.1.1", "yes", [deep]), option(f"{root}.1.2", "no")]),
        attribute(f"{root}.2", "text"),
        attribute(f"{root}.3", "checklist", [option(f"{root}.3.{n}", f"k{n}") for n in (1, 2, 3)]),
        attribute(f"{root}.4", "text", dynamic=True),
        attribute(
            f"{root}.5", "radio", [option(f"{root}.5.1", "r1", [below]), option(f"{root}.5.2", "r2")], dynamic=True
        ),
        attribute(f"{root}.6", "checklist", [option(f"{root}.6.{n}", f"d{n}") for n in (1, 2)], dynamic=True),
    ]


def one_object(id_: str, shape: str, own: list[Any]) -> dict[str, Any]:
    d = {"id": id_, "name": shape, "color": "#D33115", "shape": shape, "featureNodeHash": f"f{id_}"}
    return {**d, "attributes": own} if own else d


ONTOLOGY = {
    "objects": [
        one_object("1", "bounding_box", attributes("1")),
        one_object("2", "polygon", attributes("2")),
        one_object("3", "point", []),
    ],
    "classifications": [
        {"id": "1", "featureNodeHash": "c1", "attributes": attributes("1")[:1]},
        {"id": "2", "featureNodeHash": "c2", "attributes": [attribute("1.1", "text")]},
        {"id": "3", "featureNodeHash": "c3", "attributes": attributes("1")[2:3]},
    ],
}
for one in ONTOLOGY["classifications"]:  # hashes of their own
    text = json.dumps(one["attributes"])
    one["attributes"] = json.loads(
        text.replace('"a1', f'"{one["featureNodeHash"]}a').replace('"o1', f'"{one["featureNodeHash"]}o')
    )
"""Each kind of attribute, static, nested and dynamic, on two shapes; and three classifications."""


def without_chance(d: dict[str, Any]) -> dict[str, Any]:
    """Replace what the clock and chance chose: times this script did not set, and track hashes."""
    for key in ("createdAt", "lastEditedAt"):
        if key in d and " 2024 " not in d[key]:
            d[key] = "now"
    if "trackHash" in d:
        d["trackHash"] = "any"
    return d


def per_option(actions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield dynamic answers with an entry for each option of a checklist, as another writer might have it."""
    frames: dict[str, set[int]] = {}
    first: dict[str, dict[str, Any]] = {}
    for action in actions:
        if not isinstance(action["answers"], list) or action["name"].endswith(".5") or not action["answers"]:
            yield action
            continue
        for choice in action["answers"]:
            first.setdefault(choice["featureHash"], {**action, "answers": [choice]})
            on = frames.setdefault(choice["featureHash"], set())
            on.update(n for start, end in action["range"] for n in range(start, end + 1))
    for hash_, on in frames.items():
        starts, ends = (sorted(n for n in on if n + by not in on) for by in (-1, 1))
        yield {**first[hash_], "range": [[start, end] for start, end in zip(starts, ends, strict=True)]}


class World:
    """One row, up to four objects and classifications in or out of it."""

    def __init__(self, package: str) -> None:
        self.objects = importlib.import_module(f"{package}.objects")
        self.coordinates = importlib.import_module(f"{package}.objects.coordinates")
        self.frames = importlib.import_module(f"{package}.objects.frames")
        self.metadata = importlib.import_module(f"{package}.orm.label_row").LabelRowMetadata
        self.parse_datetime = importlib.import_module(f"{package}.common.time_parser").parse_datetime
        self.structure = self.objects.OntologyStructure.from_dict(ONTOLOGY)

    def begin(self, data_type: str) -> None:
        self.data_type = data_type
        self.instances: list[Any] = []
        self.names: dict[str, str] = {}
        self.row = self.new_row()
        self.row.from_labels_dict(self.empty())

    def new_row(self) -> Any:
        d = {
            "label_hash": "row",
            "data_hash": "data",
            "dataset_hash": "set",
            "dataset_title": "t",
            "data_title": "t",
            "data_type": self.data_type.upper(),
            "data_link": None,
            "label_status": "LABELLED",
            "annotation_task_status": "QUEUED",
            "number_of_frames": FRAMES,
        }
        holder = SimpleNamespace(structure=self.structure)
        return self.objects.LabelRowV2(self.metadata.from_dict(d), SimpleNamespace(), holder)

    def empty(self) -> dict[str, Any]:
        def unit(n: int) -> dict[str, Any]:
            return {
                "data_hash": f"u{n}",
                "data_title": f"u{n}",
                "data_link": "l",
                "data_type": "image/png",
                "data_sequence": str(n) if self.data_type == "img_group" else n,
                "width": 8,
                "height": 6,
                "labels": {"objects": [], "classifications": []} if self.data_type == "img_group" else {},
            }

        return {
            "label_hash": "row",
            "created_at": "2024-01-01 00:00:00",
            "last_edited_at": "2024-01-01 00:00:00",
            "data_hash": "data",
            "dataset_hash": "set",
            "dataset_title": "t",
            "data_title": "t",
            "data_type": self.data_type,
            "label_status": "LABELLED",
            "annotation_task_status": "QUEUED",
            "is_shadow_data": False,
            "object_answers": {},
            "classification_answers": {},
            "object_actions": {},
            "data_units": {f"u{n}": unit(n) for n in range(FRAMES if self.data_type == "img_group" else 1)},
        }

    # --- naming -----------------------------------------------------------------------------------------------------

    def name(self, hash_: str) -> str:
        """Return a hash that was given as it is, one that chance made by its number."""
        return self.names.setdefault(hash_, hash_ if len(hash_) == 1 else f"#{len(self.names)}")

    @staticmethod
    def hash_of(instance: Any) -> str:
        return str(instance.object_hash if hasattr(instance, "object_hash") else instance.classification_hash)

    def attribute_of(self, instance: Any, number: int) -> Any:
        found = []

        def walk(some: Any) -> None:
            for one in some:
                found.append(one)
                for choice in getattr(one, "options", []):
                    walk(getattr(choice, "nested_options", []))

        walk(instance.ontology_item.attributes)
        return found[number % len(found)] if found else None

    def answer_for(self, attribute: Any, number: int) -> Any:
        options = getattr(attribute, "options", [])
        if not options:
            return ("", "a", "b")[number % 3]
        if type(attribute).__name__ == "RadioAttribute":
            return options[number % len(options)]
        return [one for place, one in enumerate(options) if number >> place & 1]

    def plain(self, value: Any) -> Any:
        """Return an answer as JSON."""
        if isinstance(value, list):
            return [self.plain(one) for one in value]
        if hasattr(value, "ranges"):
            return {"answer": self.plain(value.answer), "ranges": [[one.start, one.end] for one in value.ranges]}
        return getattr(value, "feature_node_hash", value)

    # --- steps ------------------------------------------------------------------------------------------------------

    def step(self, word: str, *given: Any) -> Any:
        if word == "new":
            if len(self.instances) < 4:
                self.instances.append(self.made(*given))
            return None
        if word == "frames":
            return [[one.start, one.end] for one in self.frames.frames_to_ranges(given[0])]
        if word == "image":
            return self.row.get_frame_number(f"u{given[0]}")
        if word == "trip":
            return self.trip(*given)
        if not self.instances:
            return None
        instance = self.instances[given[0] % len(self.instances)]
        return getattr(self, f"do_{word}")(instance, *given[1:])

    def made(self, kind: int, hash_: str | None) -> Any:
        if kind < 3:
            item = self.structure.objects[kind]
            return self.objects.ObjectInstance(item, object_hash=hash_)
        item = self.structure.classifications[kind - 3]
        return self.objects.ClassificationInstance(item, classification_hash=hash_)

    def place(self, instance: Any, number: int) -> Any:
        c, n = self.coordinates, number / 8
        return (
            c.BoundingBoxCoordinates(height=n, width=0.5, top_left_x=0.25, top_left_y=n),
            c.PolygonCoordinates(values=[c.PointCoordinate(x=n, y=0.5), c.PointCoordinate(x=0, y=n)]),
            c.PointCoordinate(x=n, y=1),
        )[self.structure.objects.index(instance.ontology_item)]

    @staticmethod
    def is_object(instance: Any) -> bool:
        return hasattr(instance, "object_hash")

    def do_place(self, instance: Any, frames: Any, number: int, overwrite: bool, more: dict[str, Any]) -> None:
        more = {**more, "created_at": self.parse_datetime(CREATED)} if "created_by" in more else more
        if self.is_object(instance):
            instance.set_for_frames(self.place(instance, number), frames, overwrite=overwrite, **more)
        else:
            instance.set_for_frames(frames, overwrite=overwrite, **more)

    def do_view(self, instance: Any, frame: int, number: int, overwrite: bool) -> None:
        view = self.row.get_frame_view(frame)
        if self.is_object(instance):
            view.add_object_instance(instance, self.place(instance, number), overwrite=overwrite)
        else:
            view.add_classification_instance(instance, overwrite=overwrite)

    def do_lift(self, instance: Any, frames: Any) -> None:
        instance.remove_from_frames(frames)

    def do_add(self, instance: Any, force: bool) -> None:
        if self.is_object(instance):
            self.row.add_object_instance(instance, force=force)
        else:
            self.row.add_classification_instance(instance, force=force)

    def do_remove(self, instance: Any) -> None:
        if self.is_object(instance):
            self.row.remove_object(instance)
        else:
            self.row.remove_classification(instance)

    def do_answer(self, instance: Any, number: int, value: int, frames: Any, overwrite: bool) -> None:
        found = self.attribute_of(instance, number)
        answer = self.answer_for(found, value)
        more = {"frames": frames} if self.is_object(instance) and frames is not None else {}
        instance.set_answer(answer, found, overwrite=overwrite, **more)

    def do_iterate(self, instance: Any, number: int, value: int) -> None:
        found = self.attribute_of(instance, number)
        answer = self.answer_for(found, value)
        instance.set_answer(iter(answer) if isinstance(answer, list) else answer, found, overwrite=True)

    def do_infer(self, instance: Any, number: int, value: int) -> None:
        instance.set_answer(self.answer_for(self.attribute_of(instance, number), value), overwrite=True)

    def do_forget(self, instance: Any, number: int, frame: int | None) -> None:
        found = self.attribute_of(instance, number)
        more = {"filter_frame": frame} if frame is not None and self.is_object(instance) else {}
        instance.delete_answer(found, **more)

    def do_copy(self, instance: Any) -> None:
        if len(self.instances) < 4:
            self.instances.append(instance.copy())

    def do_mark(self, instance: Any, frame: int, confidence: float) -> None:
        handle = instance.get_annotation(frame)
        handle.confidence = confidence
        handle.created_by = "m@example.org"

    def trip(self, spice: str) -> None:
        """Write the row, change what it says, and read it into a new one."""
        d = self.row.to_encord_dict()
        actions = [action for entry in d["object_actions"].values() for action in entry["actions"]]
        static = [answer for entry in d["object_answers"].values() for answer in entry["classifications"]]
        labels = [unit["labels"] for unit in d["data_units"].values()]
        frames = labels if self.data_type == "img_group" else [one for unit in labels for one in unit.values()]
        objects = [one for frame in frames for one in frame["objects"]]
        if spice == "status":
            d["label_status"] = "ODD"
        elif spice == "keys":
            d["further"] = {"a": [1]}
            for one in objects:
                one["further"] = 1
        elif spice == "unit":
            for unit in d["data_units"].values():
                unit["data_links"] = ["x"]
        elif spice == "zone":
            for one in objects:
                one["createdAt"] = "2024-01-01T10:00:00+02:00"
        elif spice == "manual":
            for one in (*actions, *static):
                one["manualAnnotation"] = False
        elif spice == "orphan":
            d["object_answers"]["z"] = {"objectHash": "z", "classifications": []}
        elif spice == "unanswered":
            d["classification_answers"] = {}
        elif spice == "split":
            for entry in d["object_actions"].values():
                entry["actions"] = [*per_option(entry["actions"])]
        row = self.new_row()
        row.from_labels_dict(d)
        self.row = row
        self.instances = [*row.get_object_instances(), *row.get_classification_instances()][:4]

    # --- what it looks like -----------------------------------------------------------------------------------------

    def look(self) -> dict[str, Any]:
        seen = []
        for one in self.instances:
            number = 0
            answers: dict[str, Any] = {}
            while (found := self.attribute_of(one, number)) is not None and found.feature_node_hash not in answers:
                try:
                    answers[found.feature_node_hash] = self.plain(one.get_answer(found))
                except Exception as error:
                    answers[found.feature_node_hash] = type(error).__name__
                number += 1
            frames = {str(handle.frame): [handle.confidence, handle.created_by] for handle in one.get_annotations()}
            seen.append(
                {
                    "hash": self.name(self.hash_of(one)),
                    "assigned": bool(one.is_assigned_to_label_row()),
                    "frames": frames,
                    "valid": self.outcome(one.is_valid),
                    "answers": answers,
                }
            )
        in_row = [*self.row.get_object_instances(), *self.row.get_classification_instances()]
        on = {}
        for frame in range(FRAMES):
            view = self.row.get_frame_view(frame)
            there = [*view.get_object_instances(), *view.get_classification_instances()]
            on[str(frame)] = sorted(self.name(self.hash_of(one)) for one in there)
        return {"instances": seen, "row": [self.name(self.hash_of(one)) for one in in_row], "on": on}

    @staticmethod
    def outcome(call: Any, *given: Any) -> Any:
        try:
            return ["done", call(*given)]
        except Exception as error:
            return ["raised", type(error).__name__]

    def written(self) -> Any:
        how, d = self.outcome(self.row.to_encord_dict)
        if how == "raised":
            return d
        text = json.dumps(d)
        for hash_, name in sorted(self.names.items(), key=lambda item: -len(item[0])):
            if len(hash_) > 1:
                text = text.replace(json.dumps(hash_), json.dumps(name))
        return json.loads(text, object_hook=without_chance)

    def play(self, steps: list[Any]) -> dict[str, Any]:
        self.begin(steps[0])
        told = []
        for step in steps[1:]:
            outcome = self.outcome(self.step, *step)
            told.append([outcome, self.look()])
        return {"steps": told, "written": self.written()}


def main() -> None:
    world = World(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(world.play(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
