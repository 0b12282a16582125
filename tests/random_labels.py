"""Label sets drawn by chance, with what people put into labels: the same names twice, odd titles, odd answers.

Samples hold what somebody thought of; these hold what nobody did. The same seed gives the same set.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import numpy as np

from encord_convert._samples import HEIGHT, WIDTH, Sample, ring
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    ClassificationInstance,
    Object,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects._newer_coordinates import _cuboid_of_faces
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.attributes import NumericAttribute
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import (
    BitmaskCoordinates,
    BoundingBoxCoordinates,
    CircleCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
)

NAMES = (
    "car", "Car", "car (2)", "car (point)", "traffic light", "Straße", "車", "a/b", 'say "hi"', "x,y;z", "<b>&amp;",
    "1", "point", "rotation", "track_id", "occluded", "iscrowd", "id",
)  # fmt: skip
TEXTS = (
    "", " ", "a", "true", "false", "no", "0", "1.50", "null", "__undefined__", "a\nb", " padded ", "tab\there",
    "“quoted”", "<tag/>", "a,b", "żółć", "😀", "=1+1",
)  # fmt: skip
TITLES = (
    "a.png", "cam 1/a.png", "cam 1/ä b.jpeg", "noending", "dots.in.name.png", "a.png", "deep/er/than/one.jpg",
    "%41.png", "UPPER.PNG", "#1.png", "/rooted/b.png", "..png",
)  # fmt: skip
SHAPES = (
    Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX, Shape.POLYGON, Shape.POLYLINE, Shape.POINT, Shape.SKELETON,
    Shape.BITMASK,
)  # fmt: skip


NEWER: Any = (NewerShape.ELLIPSE, NewerShape.CIRCLE, NewerShape.CUBOID_2D)


def random_labels(seed: int, *, newer: bool = False) -> LabelSet:
    """Return the label set of a seed: one to four rows with up to six objects each.

    ``newer`` draws shapes and kinds of attribute, too, that are newer than the documented SDK.
    """
    return _Draws(Random(seed), newer).labels()


class _Draws:
    def __init__(self, chance: Random, newer: bool) -> None:
        self.chance = chance
        self.shapes = SHAPES + 2 * NEWER if newer else SHAPES
        self.kinds: Any = (TextAttribute, RadioAttribute, ChecklistAttribute, *((NumericAttribute,) if newer else ()))
        self.some: Sample

    def labels(self) -> LabelSet:
        chance = self.chance
        for number in range(chance.randint(1, 4)):
            data_type = chance.choice((DataType.IMAGE, DataType.IMAGE, DataType.VIDEO, DataType.IMG_GROUP))
            frames = 1 if data_type is DataType.IMAGE else chance.randint(1, 6)
            title = chance.choice(TITLES)
            if data_type is DataType.VIDEO:
                title = f"{title}.mp4"
            if number == 0:
                self.some = Sample(data_type, frames, title)
                self.classes()
            else:
                self.add_row(data_type, frames, title, number)
            for _ in range(chance.randint(0, 6)):
                self.object(frames)
            if self.some.draft.ontology.classifications and chance.random() < 0.5:
                self.classification(frames, number)
        return self.some.done()

    def add_row(self, data_type: DataType, frames: int, title: str, number: int) -> None:
        """Add a row whose hashes are its own, whatever it is called."""
        some, count = self.some, frames if data_type is DataType.IMG_GROUP else 1
        names = [f"{title}/{index}.png" for index in range(count)] if count > 1 else [title]
        units = [
            some.draft.unit(name, WIDTH, HEIGHT, (number, index), sequence=index) for index, name in enumerate(names)
        ]
        some.rows.append(some.draft.row(data_type, title, units, frames=frames, key=(number,), dataset="samples"))

    # --- the ontology -------------------------------------------------------------------------------------------------

    def classes(self) -> None:
        chance, draft, of = self.chance, self.some.draft, self.shapes
        for name, shape in {(chance.choice(NAMES[:8] if chance.random() < 0.7 else NAMES), chance.choice(of)): 0
                            for _ in range(chance.randint(1, 6))}:  # fmt: skip
            class_ = draft.add_object(name, shape, color=f"#{chance.randrange(1 << 24):06X}")
            self.attributes(class_, f"{name}{shape}")
            if shape is Shape.SKELETON:
                self.template(name)
        for number in range(chance.randint(0, 2)):
            name = chance.choice(NAMES)
            one = draft.add_classification(f"{name}{number}")
            self.attribute(one, name, f"class{number}", 0, dynamic=False)

    def attributes(self, owner: Object, key: str) -> None:
        names = self.chance.sample(NAMES, self.chance.randint(0, 3))
        for name in names:
            self.attribute(owner, name, f"{key}{name}", 0, dynamic=self.chance.random() < 0.3)

    def attribute(self, owner: Any, name: str, key: str, depth: int, *, dynamic: bool | None) -> None:
        chance = self.chance
        kind = chance.choice(self.kinds)
        add = owner.add_nested_attribute if dynamic is None else owner.add_attribute
        given = {"feature_node_hash": self.some.draft.hashes.hex("attribute", key)}
        if dynamic:
            given["dynamic"] = True
        made = add(kind, name, **given)
        if kind in (TextAttribute, NumericAttribute):
            return
        labels = [name] if kind is ChecklistAttribute and chance.random() < 0.3 else chance.sample(
            [text for text in TEXTS if text.strip()], chance.randint(1, 3)
        )  # fmt: skip
        for label in labels:
            option = made.add_option(label, feature_node_hash=self.some.draft.hashes.hex("option", key, label))
            if kind is RadioAttribute and depth < 2 and chance.random() < 0.3:
                self.attribute(option, chance.choice(NAMES), f"{key}/{label}", depth + 1, dynamic=None)

    def template(self, name: str) -> None:
        draft, count = self.some.draft, self.chance.randint(1, 4)
        nodes = [
            SkeletonNode(index / 4, index / 4, f"p{index}", "#00ff00", draft.hashes.short(name, index), f"p{index}")
            for index in range(count)
        ]
        edges = [(index, index + 1, "#00ff00") for index in range(count - 1)]
        draft.ontology.skeleton_templates.append(
            SkeletonTemplate(name=name, width=1.0, height=1.0, skeleton=nodes, edges=edges,
                             feature_node_hash=draft.hashes.short("template", name))
        )  # fmt: skip

    # --- what is drawn ------------------------------------------------------------------------------------------------

    def object(self, frames: int) -> None:
        chance = self.chance
        class_ = chance.choice(self.some.draft.ontology.objects)
        info: dict[str, Any] = {}
        if chance.random() < 0.2:
            info["confidence"] = round(chance.random(), 3)
        if chance.random() < 0.2:
            info["manual_annotation"] = False
        if chance.random() < 0.1:
            info["created_by"] = "ann@example.org"
        shown = sorted(chance.sample(range(frames), chance.randint(1, frames)))
        instance = self.some.place(class_, self.coordinates(class_), shown[0], **info)
        for frame in shown[1:]:
            times = dict.fromkeys(("created_at", "last_edited_at"), datetime(1970, 1, 1, tzinfo=UTC))
            instance.set_for_frames(self.coordinates(class_), frame, **times, **info)
        self.answer(instance, shown)

    def answer(self, instance: Any, shown: list[int]) -> None:
        item = instance.ontology_item
        for attribute in item.attributes:
            self.answer_one(instance, attribute, shown)

    def answer_one(self, instance: Any, attribute: Any, shown: list[int]) -> None:
        chance = self.chance
        if chance.random() < 0.3:
            return
        where: list[tuple[Any, ...]] = [()]
        if attribute.dynamic:
            where = [([frame],) for frame in shown if chance.random() < 0.8]
        for frames in where:
            if isinstance(attribute, TextAttribute):
                instance.set_answer(chance.choice(TEXTS), attribute, *frames)
            elif isinstance(attribute, NumericAttribute):
                instance.set_answer(chance.choice((0, -3, 4.25, 1e9, chance.random())), attribute, *frames)
            elif isinstance(attribute, ChecklistAttribute):
                instance.set_answer(
                    [option for option in attribute.options if chance.random() < 0.5], attribute, *frames
                )
            else:
                option = chance.choice(attribute.options)
                instance.set_answer(option, attribute, *frames)
                if not attribute.dynamic:
                    for nested in option.nested_options:
                        self.answer_one(instance, nested, shown)

    def classification(self, frames: int, number: int) -> None:
        chance = self.chance
        one = chance.choice(self.some.draft.ontology.classifications)
        instance = ClassificationInstance(one, classification_hash=self.some.draft.hashes.short("classified", number))
        for frame in sorted(chance.sample(range(frames), chance.randint(1, frames))):
            instance._place(frame, self.some.draft.info)
        self.answer_one(instance, one.attributes[0], [])
        self.some.rows[-1].add_classification_instance(instance)

    def coordinates(self, class_: Object) -> Any:
        shape, chance = class_.shape, self.chance
        if shape is Shape.SKELETON:
            return self.skeleton(class_)
        if shape is Shape.BITMASK:
            return BitmaskCoordinates(self.pixels())
        if shape is Shape.POINT:
            return PointCoordinate(*self.point())
        if shape is Shape.POLYLINE:
            return PolylineCoordinates(ring(*(self.point() for _ in range(chance.randint(1, 5)))))
        if shape is Shape.POLYGON:
            return PolygonCoordinates._from_rings(list(self.parts()))
        if shape in NEWER:
            return self.newer(shape)
        size = {"height": self.length(), "width": self.length(), "top_left_x": self.place(), "top_left_y": self.place()}
        if shape is Shape.BOUNDING_BOX:
            return BoundingBoxCoordinates(**size)
        return RotatableBoundingBoxCoordinates(**size, theta=chance.choice((0.0, 30.0, 90.0, 359.9, chance.random())))

    def newer(self, shape: Any) -> Any:
        chance = self.chance
        turn = chance.choice((0.0, 30.0, 180.0, -45.0, 359.9, 360 * chance.random()))
        if shape is NewerShape.ELLIPSE:
            return EllipseCoordinates(*self.point(), self.length() / 2, self.length() / 2, turn)
        if shape is NewerShape.CIRCLE:
            return CircleCoordinates(*self.point(), self.length() / 2, chance.choice((1.0, 0.5, chance.random())), turn)
        front = [self.point() for _ in range(4 if chance.random() < 0.9 else chance.randint(1, 6))]
        corners = [PointCoordinate(x, y) for x, y in front]
        kind = chance.random()
        if kind < 0.3:
            return Cuboid2DIsometricCoordinates(corners, PointCoordinate(*self.point()))
        if kind < 0.6:
            return Cuboid2DPerspectiveCoordinates(corners, PointCoordinate(*self.point()), chance.random() * 1.5)
        flat = [number for corner in front for number in corner]
        return _cuboid_of_faces(flat, [number for _ in front for number in self.point()])

    def place(self) -> float:
        """Return a number mostly from 0 to 1, in hundredths of pixels or any."""
        chance = self.chance
        if chance.random() < 0.05:
            return chance.uniform(-0.5, 1.5)
        return chance.choice((0.0, 1.0, chance.random(), chance.randrange(4000) / 4000))

    def length(self) -> float:
        return self.chance.choice((0.0, 1e-6, 0.5, 1.0)) if self.chance.random() < 0.1 else self.chance.random()

    def point(self) -> tuple[float, float]:
        return self.place(), self.place()

    def parts(self) -> Iterator[list[list[float]]]:
        chance = self.chance
        for _ in range(2 if chance.random() < 0.2 else 1):
            if chance.random() < 0.6:
                yield [[number for _ in range(chance.randint(2, 6)) for number in self.point()]]
                continue
            left, top, side = chance.uniform(0, 0.5), chance.uniform(0, 0.5), chance.uniform(0.1, 0.5)
            rings = [self.square(left, top, side)]
            if chance.random() < 0.3:
                rings.append(self.square(left + side / 4, top + side / 4, side / 2))
            yield rings

    def square(self, left: float, top: float, side: float) -> list[float]:
        return [left, top, left + side, top, left + side, top + side, left, top + side]

    def pixels(self) -> Any:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        for _ in range(self.chance.randint(0, 3)):
            y, x = self.chance.randrange(HEIGHT), self.chance.randrange(WIDTH)
            mask[y : y + self.chance.randint(1, 9), x : x + self.chance.randint(1, 9)] = self.chance.random() < 0.8
        return mask

    def skeleton(self, class_: Object) -> SkeletonCoordinates:
        template = next(one for one in self.some.draft.ontology.skeleton_templates if one.name == class_.name)
        return SkeletonCoordinates([
            SkeletonCoordinate(
                *self.point(), node.name, "#00ff00", node.feature_hash, node.name,
                self.chance.choice((Visibility.VISIBLE, Visibility.OCCLUDED, Visibility.INVISIBLE)),
            )
            for node in template.skeleton
        ])  # fmt: skip
