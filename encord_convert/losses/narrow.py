"""What writing will lose, from what a format declares.

This is the declaration's side of the law *declared = predicted = observed*: it looks at the labels and at
:class:`~encord_convert.losses.report.Carries`, and knows no format. An exporter finds the same losses on its own, where
it writes; the tests compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from encord_convert.hub.loss import Carries, Feature, Kind, Limits
from encord_convert.hub.outlines import is_four_cornered
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX, hidden_pixels
from encord_convert.hub.skeletons import KnownPoints
from encord_convert.hub.visibility import bounded_fate, drawn_box, fate, frame_size, has_empty_part, is_crowd
from encord_convert.losses.redraw import redrawn
from encord_convert.losses.report import Report
from encord_convert.losses.wording import plural
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import (
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2


def predict(report: Report, labels: LabelSet, carries: Carries) -> None:
    """Fill ``report`` with the account that a writer of this declaration will give."""
    labels = redrawn(labels, carries)
    known_points = KnownPoints(labels.ontology, max(carries.tolerance_px, LEAST_TOLERANCE_PX))
    for row in report.rows(labels, carries):
        account(report, row, carries, known_points)


def account(report: Report, row: LabelRowV2, carries: Carries, known_points: KnownPoints) -> dict[int, list[Any]]:
    """Say what a target of this declaration does not carry of a row; return by frame the objects it does write.

    ``known_points`` are those of the label set; it is shown the row.
    """
    written: dict[int, list[Any]] = {}
    hidden = hidden_pixels(row, carries)
    unmasked = _frames_without_masks(row, carries) if carries.limits.masks_of_all else frozenset()
    known_points.see(row)
    for instance in row._objects.values():
        for frame in _object(report, row, instance, carries, hidden, unmasked, known_points):
            written.setdefault(frame, []).append(instance)
    for classification in row._classifications.values():
        lose_classification(report, classification, carries)
    return written


def _object(
    report: Report, row: LabelRowV2, instance: Any, carries: Carries,
    hidden: Mapping[tuple[str, int], tuple[int, int]], unmasked: Set[int], known_points: KnownPoints,
) -> list[int]:  # fmt: skip
    report.drop_unplaced(instance, carries)
    written = []
    for frame, data in sorted(instance._frames.items()):
        lost, area = hidden.get((instance.object_hash, frame), (0, 1))
        if _geometry(report, row, instance, frame, data.coordinates, carries, known_points, is_hidden=lost == area):
            if lost:
                code = carries.code(Feature.OVERLAPS)
                report.change(instance, frame, Kind.APPROXIMATED, code, Feature.OVERLAPS, "Others hide a part of it.")
            if frame in unmasked and instance.ontology_item.shape not in _WITHOUT_OUTLINE:
                detail = carries.limits.masks_of_all
                report.change(instance, frame, Kind.APPROXIMATED, "MASK_NOT_LOADED", Feature.SHAPE, detail)
            report.drop_side(instance, frame, carries)
            written.append(frame)
    if written:
        report.drop_track(instance, carries)
        report.drop_answers(instance, carries)
        report.change_texts(instance, carries)
    return written


def _geometry(
    report: Report, row: LabelRowV2, instance: Any, frame: int, coordinates: Any, carries: Carries,
    known_points: KnownPoints, *, is_hidden: bool,
) -> bool:  # fmt: skip
    """Account for one frame's geometry; tell whether anything of it is written."""
    shape, size = instance.ontology_item.shape, frame_size(row, frame)
    tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
    state, reason = _reason_to_drop(instance, frame, coordinates, size, carries, tolerance_px, is_hidden=is_hidden)
    if reason is not None:
        report.drop(instance, frame, *reason)
        return False
    for kind, feature in changes(coordinates, state, known_points.strangers(instance.object_name, coordinates)):
        if not carries.has(feature, shape):
            report.change(instance, frame, kind, carries.code(feature), feature, _DETAILS[feature])
    if loses_a_part(coordinates, size, tolerance_px, carries):
        code, detail = carries.code(Feature.DEGENERATE, shape), "A part of it covers nothing and is left out."
        report.change(instance, frame, Kind.APPROXIMATED, code, Feature.DEGENERATE, detail)
    if shape in carries.approximates and not (carries.keeps_upright and is_upright(coordinates)):
        detail = f"A {_name(shape)} is written in another form."
        report.change(instance, frame, Kind.APPROXIMATED, carries.code(shape), Feature.SHAPE, detail)
    return True


def _reason_to_drop(
    instance: Any, frame: int, coordinates: Any, size: tuple[int, int], carries: Carries, tolerance_px: float,
    *, is_hidden: bool = False,
) -> tuple[str, tuple[str, Feature, str] | None]:  # fmt: skip
    """Return where one frame's geometry lies, and code, feature and sentence if nothing of it is written."""
    shape = instance.ontology_item.shape
    if shape not in carries.shapes | carries.approximates:
        return "", (carries.code(shape), Feature.SHAPE, f"No {plural(_name(shape), 2)} in the target.")
    state = (bounded_fate if carries.limits.is_bounded else fate)(coordinates, *size, tolerance_px)
    if state == "degenerate" and Feature.DEGENERATE not in carries.features:
        return state, (carries.code(Feature.DEGENERATE, shape), Feature.DEGENERATE, "Empty geometry.")
    if state == "outside" and not carries.has(Feature.OUT_OF_BOUNDS, shape):
        code = carries.code(Feature.OUT_OF_BOUNDS)
        return state, (code, Feature.OUT_OF_BOUNDS, "It lies outside the image.")
    if is_hidden:
        return state, (carries.code(Feature.OVERLAPS), Feature.OVERLAPS, "Others hide all of it.")
    return state, _beyond(instance, frame, coordinates, size, carries.limits, tolerance_px)


_WITHOUT_OUTLINE = frozenset({Shape.BOUNDING_BOX, Shape.SKELETON})


def _frames_without_masks(row: LabelRowV2, carries: Carries) -> Set[int]:
    """Return the frames on which an object is written that has no outline."""
    tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
    return {
        frame
        for instance in row._objects.values()
        if instance.ontology_item.shape in _WITHOUT_OUTLINE
        for frame, data in instance._frames.items()
        if _reason_to_drop(instance, frame, data.coordinates, frame_size(row, frame), carries, tolerance_px)[1] is None
    }


_DETAILS = {
    Feature.OUT_OF_BOUNDS: "It leaves the image and is cut at its border.",
    Feature.HOLES: "Its holes cannot be stored in the target.",
    Feature.PARTS: "Its several parts cannot be stored in the target.",
    Feature.VISIBILITY: "The visibility of its points cannot be stored in the target.",
    Feature.SELF_OCCLUSION: "Points hidden by the object itself are told as hidden.",
    Feature.HIDDEN_POSITION: "The position of its invisible points cannot be stored in the target.",
    Feature.UNSAID_VISIBILITY: "Points of which nobody said whether they are visible are told as visible.",
    Feature.UNKNOWN_POINTS: "Points its template lacks cannot be stored in the target.",
    Feature.DEPTH: "The third coordinate of a point cannot be stored in the target.",
}


FOUR_CORNERS = "Cuboids have four corners to a face in the target."


def _beyond(
    instance: Any, frame: int, coordinates: Any, size: tuple[int, int], limits: Limits, tolerance_px: float
) -> tuple[str, Feature, str] | None:
    """Return code, feature and sentence of the limit an object is beyond, None if it is beyond none."""
    if min(size) < limits.least_picture_px:
        detail = f"Its image of {size[0]} × {size[1]} pixels is left out: a side is below {limits.least_picture_px}."
        return "PICTURE_TOO_SMALL", Feature.MEDIA, detail
    if limits.four_corners and not is_four_cornered(coordinates):
        return "UNSUPPORTED_SHAPE", Feature.SHAPE, FOUR_CORNERS
    if limits.drops_crowds and is_crowd(instance, frame):
        return "CROWD_DROPPED", Feature.GROUPS, "An answer calls it a crowd; those are left out."
    if limits.least_side_px:
        x0, y0, x1, y1 = drawn_box(coordinates, *size, tolerance_px)
        if min(x1 - x0, y1 - y0) < limits.least_side_px:
            detail = f"It is {x1 - x0:.3g} × {y1 - y0:.3g} pixels; less than {limits.least_side_px:g} is left out."
            return "TOO_SMALL", Feature.DEGENERATE, detail
    return None


def loses_a_part(coordinates: Any, size: tuple[int, int], tolerance_px: float, carries: Carries) -> bool:
    """Tell whether a target that keeps the parts of a polygon leaves one of these out, since it covers nothing."""
    keeps_parts = Feature.PARTS in carries.features and Feature.DEGENERATE not in carries.features
    return keeps_parts and has_empty_part(coordinates, *size, tolerance_px)


def changes(coordinates: Any, state: str, strangers: Sequence[str] = ()) -> list[tuple[Kind, Feature]]:
    """Return what a target without the feature changes about coordinates whose fate is ``state``.

    ``strangers`` are points of a skeleton that its class does not have:
    :class:`~encord_convert.hub.skeletons.KnownPoints`.
    """
    changes = []
    if state == "leaves":
        changes.append((Kind.APPROXIMATED, Feature.OUT_OF_BOUNDS))
    if isinstance(coordinates, PolygonCoordinates):
        polygons = coordinates.polygons
        if any(len(rings) > 1 for rings in polygons):
            changes.append((Kind.APPROXIMATED, Feature.HOLES))
        if len(polygons) > 1:
            changes.append((Kind.APPROXIMATED, Feature.PARTS))
    if isinstance(coordinates, SkeletonCoordinates):
        points = coordinates.values
        if any(point.visibility not in (None, Visibility.VISIBLE) for point in points):
            changes.append((Kind.DEFAULTED, Feature.VISIBILITY))
        if any(is_self_occluded(point) for point in points):
            changes.append((Kind.MERGED, Feature.SELF_OCCLUSION))
        if any(point.visibility is Visibility.INVISIBLE and (point.x or point.y) for point in points):
            changes.append((Kind.DEFAULTED, Feature.HIDDEN_POSITION))
        if any(is_unsaid(point) for point in points):
            changes.append((Kind.DEFAULTED, Feature.UNSAID_VISIBILITY))
        if strangers:
            changes.append((Kind.APPROXIMATED, Feature.UNKNOWN_POINTS))
    if has_depth(coordinates):
        changes.append((Kind.APPROXIMATED, Feature.DEPTH))
    return changes


def _lose_answer(report: Report, instance: Any, frame: int, attribute: Any, feature: Feature, carries: Carries) -> None:
    detail = f"The answer to {attribute.title!r} cannot be stored in the target."
    report.drop_part(instance, frame, "answer", carries.code(feature), feature, detail)


def lose_classification(report: Report, classification: Any, carries: Carries) -> None:
    """Say what of a classification is not written, by the declaration."""
    report.drop_unplaced(classification, carries)
    for frame in sorted(classification._frames):
        if Feature.CLASSIFICATIONS not in carries.features:
            code = carries.code(Feature.CLASSIFICATIONS)
            detail = "Labels of whole frames cannot be stored in the target."
            report.drop(classification, frame, code, Feature.CLASSIFICATIONS, detail)
        else:
            report.drop_side(classification, frame, carries)
    if classification._frames and Feature.CLASSIFICATIONS in carries.features:
        report.change_texts(classification, carries)
        for attribute, _ in classification._static_answers():
            if len(attribute.uid) > 2 and Feature.NESTED_ANSWERS not in carries.features:
                _lose_answer(
                    report, classification, min(classification._frames), attribute, Feature.NESTED_ANSWERS, carries
                )


def is_unsaid(point: Any) -> bool:
    """Tell a skeleton point of which nobody said whether it is visible."""
    return point.visibility is None and not is_self_occluded(point)


def is_upright(coordinates: Any) -> bool:
    """Tell a rotatable box that is not turned."""
    return isinstance(coordinates, RotatableBoundingBoxCoordinates) and coordinates.theta % 360 == 0


def has_depth(coordinates: Any) -> bool:
    """Tell a point in space, which has a third coordinate."""
    return hasattr(coordinates, "_z")


def is_self_occluded(point: Any) -> bool:
    """Tell a skeleton point that its own object hides."""
    return getattr(point, "_self_occluded", False) is True


def _name(shape: Shape) -> str:
    return shape.value.replace("_", " ")
