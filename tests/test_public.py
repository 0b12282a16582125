"""The front door is what it says it is."""

import inspect
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import encord_convert
from encord_convert import errors
from encord_convert._samples import SAMPLES
from encord_convert.formats import MemoryTarget
from encord_convert.formats._registry import KNOWN, WRITTEN_ONLY


def test_all_is_sorted_and_importable() -> None:
    assert encord_convert.__all__ == sorted(encord_convert.__all__)
    for name in encord_convert.__all__:
        assert getattr(encord_convert, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'reed'"):
        encord_convert.reed  # noqa: B018


def test_formats_answers_a_call_before_and_after_the_package_of_that_name_is_imported() -> None:
    code = (
        "import encord_convert; a = list(encord_convert.formats());"
        "import encord_convert.formats; b = list(encord_convert.formats()); assert a == b and 'coco' in a"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_format_is_made_of_stands_under_one_address_and_is_loaded_when_it_is_used() -> None:
    import encord_convert.formats as public

    assert sorted(public.__all__) == sorted(set(public.__all__)) == sorted(dir(public))
    for name in public.__all__:
        value = getattr(public, name)
        assert inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="has no attribute 'Formal'"):
        public.Formal  # noqa: B018
    code = (
        "import sys, encord_convert.formats;"
        "assert 'encord_convert.hub.draft' not in sys.modules;"
        "from encord_convert.formats import Draft; assert 'encord_convert.hub.draft' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_how_much_there_is_shows_at_the_prompt() -> None:
    report = encord_convert.Report()
    labels = SAMPLES["tracks"]()
    row = next(iter(labels))
    encord_convert.write(labels, MemoryTarget(), "coco", report=report)
    shown = [repr(one) for one in (labels, labels.ontology, row, row.get_object_instances()[0], report)]
    assert shown[0] == "LabelSet(title='samples', rows=1, classes=1, classifications=0)"
    assert shown[1] == "OntologyStructure(objects=1, classifications=0)"
    assert shown[2].endswith("data_title=road.mp4, objects=2, classifications=0)")
    assert shown[3].endswith("frames=4)")
    assert shown[4] == "Report(source=None, target='coco', in=5, kept=5, changed=0, dropped=0)"
    assert repr(encord_convert.formats()["labelme"]).startswith("Format('labelme', read and written, shapes=")
    [kind] = next(iter(SAMPLES["classifications"]())).get_classification_instances()
    assert repr(kind).endswith("classification_name=weather, feature_hash=" + kind.feature_hash + ", frames=1)")


def test_the_formats_are_listed_in_alphabetical_order() -> None:
    assert list(KNOWN) == sorted(KNOWN)

    assert list(encord_convert.formats()) == sorted(encord_convert.formats())


def test_every_format_that_can_be_read_is_asked_what_a_source_is() -> None:
    known = encord_convert.formats()
    assert {name for name in KNOWN if known[name].importer is None} == WRITTEN_ONLY


def test_each_format_stands_under_its_own_name() -> None:
    for name, format_ in encord_convert.formats().items():
        assert format_.name == name


def test_every_error_has_an_exit_code_of_the_table() -> None:
    def below(cls: type) -> list[type]:
        return [cls, *(c for sub in cls.__subclasses__() for c in below(sub))]

    for cls in below(errors.ConvertError):
        assert cls.exit_code in errors.EXIT_CODES
        assert cls.__name__ in (errors.__doc__ or "")


def test_an_unknown_format_is_offered_the_nearest() -> None:
    with pytest.raises(encord_convert.UnknownFormatError) as caught:
        encord_convert.write(encord_convert.LabelSet(None), "x", "coko")
    assert str(caught.value) == "There is no format named 'coko'. Did you mean 'coco'?"


def test_a_format_that_is_only_read_says_which_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from encord_convert import conversion
    from encord_convert.formats.cvat.page import FORMAT

    monkeypatch.setattr(conversion, "format_named", lambda name: replace(FORMAT, exporter=None))
    with pytest.raises(errors.OptionError, match=r"^cvat can be read but not written\. These can be written: coco,"):
        conversion.write(SAMPLES["boxes"](), tmp_path / "out", "cvat")
