"""Every format that writes × every sample, every fixture, and sets drawn by chance: thought of, found, and neither."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from random_labels import random_labels

from encord_convert import Report, read
from encord_convert._samples import HEIGHT, SAMPLES, WIDTH, Sample
from encord_convert.formats import formats
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.testing import FormatLaws, broken_laws, written

FIXTURES = Path(__file__).parents[2] / "fixtures"


def from_fixture(case: Path) -> LabelSet:
    """Read a fixture with the options that lie beside it."""
    options = json.loads(file.read_text()) if (file := case / "options.json").exists() else {}
    return read(case, case.parent.name, report=Report(), **options).held()


FOUND = {
    f"{name}/{case.name}": partial(from_fixture, case)
    for name, format_ in formats().items()
    if format_.importer is not None and (FIXTURES / name).is_dir()
    for case in sorted((FIXTURES / name).iterdir())
    if case.is_dir()
}

SEEDS = (*range(6), 9, 11, 15, 16, 17, 24, 27, 36, 41, 81, 93, 138, 177)
"""Of the sets drawn by chance, among them those that once found something; more find more, a second for each."""
DRAWN = {f"seed {seed}": partial(random_labels, seed) for seed in SEEDS}
DRAWN |= {f"newer seed {seed}": partial(random_labels, seed, newer=True) for seed in (*range(5), 22, 26)}

for _name, _format in formats().items():
    if _format.exporter is not None:
        for _kind, _samples in (("samples", SAMPLES), ("fixtures", FOUND), ("by_chance", DRAWN)):
            _class = type(f"Test_{_name}_{_kind}", (FormatLaws,), {"format": _format, "samples": _samples})
            globals()[_class.__name__] = _class


def test_the_samples_hold_every_feature_a_format_can_lack() -> None:
    from dataclasses import replace

    from encord_convert.formats._matrix import DECLARABLE
    from encord_convert.formats.encord import CARRIES
    from encord_convert.losses.report import Report

    bare = replace(CARRIES, features=frozenset())
    lost = {loss.feature for make in SAMPLES.values() for loss in Report.predict(make(), bare).losses()}
    silent = set(DECLARABLE) - lost
    # The angle of a rotatable box is what makes it one: a format without it does not carry the shape.
    assert silent <= {Feature.ROTATION}


def mask_beyond_its_slice() -> LabelSet:
    """Masks, which have the size of their series, on a slice that is smaller: inside it, across, and beyond."""
    s = Sample(DataType.DICOM, frames=2, title="series")
    lesion = s.draft.add_object("lesion", Shape.BITMASK)
    for left in (2, 15, 30):
        pixels = np.zeros((HEIGHT, WIDTH), bool)
        pixels[2:8, left : left + 8] = True
        s.place(lesion, BitmaskCoordinates(pixels), 1)
    members = s.rows[0].to_encord_dict()
    (unit,) = members["data_units"].values()
    unit["metadata"] = {"patient_id": None, "study_uid": "2.25.7", "series_uid": "2.25.8"}
    for frame in range(2):
        unit["labels"].setdefault(str(frame), {"objects": [], "classifications": []})["metadata"] = {
            "dicom_instance_uid": f"2.25.{10 + frame}",
            "multiframe_frame_number": None,
            "file_uri": f"bucket/{frame}.dcm",
            "width": WIDTH // (2 if frame else 1),
            "height": HEIGHT,
        }
    structure = s.draft.ontology
    return LabelSet(structure, [LabelRowV2._from_dict(members, structure)], title="samples")


@pytest.mark.parametrize(
    "name",
    ["coco", "coco-panoptic", "coco-rle", "coco-ytvis", "cvat", "masks", "masks-index", "masks-instance", "rle"],
)
def test_a_mask_on_a_slice_smaller_than_its_series_is_written_as_it_is_predicted(name: str) -> None:
    assert broken_laws(formats()[name], mask_beyond_its_slice()) == []


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_hub_as_json_is_lossless(sample: str) -> None:
    assert written(formats()["encord"], SAMPLES[sample]())[1].is_lossless
