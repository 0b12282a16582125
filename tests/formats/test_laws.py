"""Every format that writes × every sample, every fixture, and sets drawn by chance: thought of, found, and neither."""

import json
from functools import partial
from pathlib import Path

import pytest
from random_labels import random_labels

from encord_convert import Report, read
from encord_convert._samples import SAMPLES
from encord_convert.formats import formats
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature
from encord_convert.testing import FormatLaws, written

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


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_hub_as_json_is_lossless(sample: str) -> None:
    assert written(formats()["encord"], SAMPLES[sample]())[1].is_lossless
