"""Every format that writes × every sample."""

import pytest
from samples import SAMPLES

from encord_convert.formats import formats
from encord_convert.losses import Feature
from encord_convert.testing import FormatLaws, written

for _name, _format in formats().items():
    if _format.exporter is not None:
        _class = type(f"Test_{_name}", (FormatLaws,), {"format": _format, "samples": SAMPLES})
        globals()[_class.__name__] = _class


def test_the_samples_hold_every_feature_a_format_can_lack() -> None:
    from dataclasses import replace

    from encord_convert.formats._matrix import DECLARABLE
    from encord_convert.formats.encord import CARRIES
    from encord_convert.report import Report

    bare = replace(CARRIES, features=frozenset())
    lost = {loss.feature for make in SAMPLES.values() for loss in Report.predict(make(), bare).losses()}
    silent = set(DECLARABLE) - lost
    # The angle of a rotatable box is what makes it one: a format without it does not carry the shape.
    assert silent <= {Feature.ROTATION}


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_hub_as_json_is_lossless(sample: str) -> None:
    assert written(formats()["encord"], SAMPLES[sample]())[1].is_lossless
