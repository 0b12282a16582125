"""DICOM files give a row per series that says which slice every frame shows; metadata comes back as it went."""

import csv
import io
import json
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from dicom_files import CT, dataset, file_of, image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from encord_convert import OptionError, ReadError, Report, convert, read, write
from encord_convert._samples import SAMPLES
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.testing import hub_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dicom"


def rows_of(files: dict[str, bytes], report: Report | None = None, **options: Any) -> list[LabelRowV2]:
    return list(read(MemorySource(files), "dicom", report=report or Report(), **options))


def row_of(files: dict[str, bytes], report: Report | None = None, **options: Any) -> LabelRowV2:
    (row,) = rows_of(files, report, **options)
    return row


def dropped(report: Report) -> dict[str, list[str]]:
    return {loss.code: [detail for _, detail in loss.examples] for loss in report.losses()}


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.proves("pixels: 12")
def test_every_frame_has_a_slice_block_with_explicit_nulls() -> None:
    row = row_of({"a/1.dcm": image(11, (0, 0, 0), PatientID=""), "a/2.dcm": image(12, (0, 0, 1), PatientID="")})
    members = row.to_encord_dict()
    (unit,) = members["data_units"].values()
    assert members["data_type"] == "dicom"
    assert unit["data_type"] == "application/dicom"
    assert unit["metadata"] == {"patient_id": None, "study_uid": "2.25.1", "series_uid": "2.25.2"}
    assert unit["data_links"] == ["a/1.dcm", "a/2.dcm"]
    assert list(unit["labels"]) == ["0", "1"]
    block = unit["labels"]["1"]["metadata"]
    del block["tags"]
    assert block == {
        "dicom_instance_uid": "2.25.12", "multiframe_frame_number": None, "file_uri": "a/2.dcm",
        "width": 4, "height": 3,
    }  # fmt: skip
    assert (row.data_title, row.number_of_frames, row.width, row.height) == ("2.25.2", 2, 4, 3)
    assert row.metadata is not None
    assert row.metadata.patient_id is None


@pytest.mark.proves("pixels: 12")
def test_the_row_is_read_back_from_its_own_json() -> None:
    row = row_of({"1": image(11, (0, 0, 0)), "2": image(12, (0, 0, 1))})
    again = LabelRowV2._from_dict(row.to_encord_dict(), row.ontology_structure)
    assert again.metadata == row.metadata
    assert [view.metadata for view in again.get_frame_views()] == [view.metadata for view in row.get_frame_views()]


@pytest.mark.proves("pixels: 8")
def test_two_series_are_two_rows() -> None:
    files = {"1": image(11), "2": image(12, SeriesInstanceUID="2.25.3"), "3": image(13, InstanceNumber=2)}
    assert [(row.data_title, row.number_of_frames) for row in rows_of(files)] == [("2.25.2", 2), ("2.25.3", 1)]


@pytest.mark.proves("pixels: 15")
def test_a_slice_of_another_size_keeps_its_own_and_is_reported() -> None:
    report = Report()
    files = {"1": image(11, (0, 0, 0)), "2": image(12, (0, 0, 1), Rows=6, Columns=8)}
    row = row_of(files, report)
    sizes = [(view.metadata.width, view.metadata.height) for view in row.get_frame_views()]  # type: ignore[union-attr]
    assert sizes == [(4, 3), (8, 6)]
    assert (row.width, row.height) == (4, 3)
    details = [note.detail for note in report.notes() if note.code == "SIZE_DIFFERS"]
    assert details == ["Series 2.25.2: 1 of 2 slices are not 4 × 3; each keeps its own size."]


def test_rows_and_account_do_not_depend_on_where_the_files_lie(tmp_path: Path) -> None:
    files = {f"{z}.dcm": image(10 + z, (0, 0, z)) for z in range(3)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    (tmp_path / "a").mkdir()
    for name, data in files.items():
        (tmp_path / "a" / name).write_bytes(data)
    hubs = [hub_of(read(place, "dicom", report=Report())) for place in (tmp_path / "a.zip", tmp_path / "a")]
    assert hubs[0] == hubs[1] == hub_of(read(MemorySource(files), "dicom", report=Report()))


def test_a_folder_and_an_archive_of_dicom_are_recognised(tmp_path: Path) -> None:
    report = Report()
    read(FIXTURES / "no_preamble", report=report)
    assert report.source.format == "dicom"


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("pixels: 16")
@pytest.mark.parametrize("case", ["implicit_vr", "big_endian"])
def test_implicit_and_big_endian_files_say_the_same(case: str) -> None:
    (row,) = read(FIXTURES / case, "dicom", report=Report())
    (view,) = row.get_frame_views()
    assert view.metadata is not None
    assert (row.width, row.height) == (64, 64)
    assert view.metadata.dicom_instance_uid == "1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457"
    tags = row._contents.frame_extras[0]["metadata"]["tags"]
    assert tags["00200032"] == {"vr": "DS", "Value": [-83.9063, -91.2, 6.6406]}


@pytest.mark.proves("pixels: 16")
def test_a_file_without_preamble_and_meta_group_is_read() -> None:
    (row,) = read(FIXTURES / "no_preamble", "dicom", report=Report())
    assert (row.width, row.height) == (128, 128)
    assert row.metadata is not None
    assert row.metadata.patient_id == "1CT1"


@pytest.mark.proves("pixels: 16")
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_transfer_syntax_gives_the_same_row(syntax: str) -> None:
    made = dataset("11", InstanceNumber=7, PixelSpacing=[0.5, 0.25], WindowCenter=[40, -600], WindowWidth=[400, 1500])
    made.private_block(0x11, "ACME", create=True).add_new(1, "SQ", [dataset("5")])
    plain = hub_of(read(MemorySource({"a": file_of(made)}), "dicom", report=Report()))
    assert hub_of(read(MemorySource({"a": file_of(made, syntax)}), "dicom", report=Report())) == plain
    tags = plain["rows"][0]["data_units"].popitem()[1]["labels"]["0"]["metadata"]["tags"]
    assert tags["00281050"]["Value"] == [40, -600]
    assert tags["00281051"]["Value"] == [400, 1500]


def test_compressed_files_are_read_by_their_headers() -> None:
    rows = {row.width: row for row in read(FIXTURES / "compressed", "dicom", report=Report())}
    assert {width: (row.height, row.number_of_frames) for width, row in rows.items()} == {
        512: (512, 1), 256: (1024, 1), 100: (100, 2),
    }  # fmt: skip


NAMES = {
    "Japanese": (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "Chinese": ("GB18030", "Wang^XiaoDong=王^小东"),
    "Korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    "Russian": ("ISO_IR 144", "Люкceмбypг"),
    "UTF-8": ("ISO_IR 192", "Sänger^Zoë"),
}


@pytest.mark.proves("pixels: 16")
@pytest.mark.parametrize("language", NAMES)
def test_names_are_read_in_their_character_set_when_asked_for(language: str) -> None:
    character_set, name = NAMES[language]
    files = {"a": image(11, SpecificCharacterSet=character_set, PatientName=name)}
    assert row_of(files, patient_name=True).client_metadata == {"patient_name": name}
    assert row_of(files).client_metadata is None


def test_names_of_files_met_in_the_wild_are_read() -> None:
    rows = read(FIXTURES / "character_sets", "dicom", report=Report(), patient_name=True)
    names = {row.client_metadata["patient_name"] for row in rows if row.client_metadata}
    assert names == {"Yamada^Tarou=山田^太郎=やまだ^たろう", "Wang^XiaoDong=王^小东", "Sänger^Zoë=山田^太郎"}


@pytest.mark.parametrize("character_set", [None, "ISO_IR 994"])
def test_a_patient_in_an_unknown_character_set_is_noted_and_not_fatal(character_set: str | None) -> None:
    data = image(11, PatientID="XXXX", SpecificCharacterSet="ISO_IR 144" if character_set else None)
    data = data.replace(b"XXXX", "Zoë".encode()).replace(b"ISO_IR 144", b"ISO_IR 994")
    report = Report()
    row = row_of({"a": data}, report)
    assert row.metadata is not None
    assert row.metadata.patient_id == "Zoë"
    assert [note.code for note in report.notes()][:2] == ["CHARACTER_SET", "MODALITY"]


# --- privacy ---------------------------------------------------------------------------------------------------------


def test_patient_ids_can_be_hashed_with_a_key_or_dropped() -> None:
    files = {"a": image(11)}
    one, other = (row_of(files, patient_id="hash", patient_key=key).metadata for key in ("k1", "k2"))
    assert one is not None
    assert other is not None
    assert one.patient_id == row_of(files, patient_id="hash", patient_key="k1").metadata.patient_id  # type: ignore[union-attr]
    assert one.patient_id != other.patient_id
    assert len(one.patient_id or "") == 64
    assert row_of(files, patient_id="drop").metadata.patient_id is None  # type: ignore[union-attr]
    with pytest.raises(OptionError, match="patient_id=hash needs patient_key, a secret of yours"):
        row_of(files, patient_id="hash")


def test_the_account_counts_patients_and_names_none() -> None:
    report = Report()
    rows_of({"a": image(11, PatientID="SECRET-1", PatientName="Doe^Jane"), "b": image(12, Modality="MR",
            SeriesInstanceUID="2.25.3", PatientID="SECRET-2")}, report)  # fmt: skip
    text = json.dumps(report.to_dict())
    assert "SECRET" not in text
    assert "Doe" not in text
    assert [note.detail for note in report.notes() if note.code == "MODALITY"] == [
        "CT: 1 series, 1 file, 1 study, 1 patient.", "MR: 1 series, 1 file, 1 study, 1 patient.",
    ]  # fmt: skip


# --- files that are not taken over -----------------------------------------------------------------------------------


def test_what_is_no_image_is_named_and_the_rest_is_read() -> None:
    report = Report()
    (row,) = read(FIXTURES / "mixed_folder", report=report)
    assert row.number_of_frames == 2
    assert report.counts()["file"] == {"in": 7, "kept": 1, "changed": 0, "dropped": 6}
    assert dropped(report) == {
        "TRUNCATED": ["It is cut short: its pixels are incomplete, 8192 bytes were expected, 8130 are there."],
        "NO_PICTURE": [
            "RTSTRUCT of the class 1.2.840.10008.5.1.4.1.1.481.3 carries no image.",
            "SR of the class 1.2.840.10008.5.1.4.1.1.88.33 carries no image.",
        ],
        "SEGMENTATION": ["A DICOM segmentation is not read: it holds masks, not images."] * 3,
    }
    assert [(note.code, note.where.file) for note in report.notes() if note.code == "NOT_DICOM"] == [
        ("NOT_DICOM", str(FIXTURES / "mixed_folder" / "notes.txt"))
    ]


REFUSED = {
    "mixed_folder/mr_truncated_pixels.dcm": "It is cut short: its pixels are incomplete, 8192 bytes were expected",
    "mixed_folder/rtstruct_no_meta.dcm": "RTSTRUCT of the class 1.2.840.10008.5.1.4.1.1.481.3 carries no image.",
    "mixed_folder/seg_binary_3frames.dcm": "A DICOM segmentation is not read: it holds masks, not images.",
    "mixed_folder/seg_binary_ct_series_synthetic.dcm": "A DICOM segmentation is not read",
    "mixed_folder/seg_labelmap_ct_series_synthetic.dcm": "A DICOM segmentation is not read",
    "mixed_folder/sr_comprehensive.dcm": "SR of the class 1.2.840.10008.5.1.4.1.1.88.33 carries no image.",
}


def test_every_file_is_read_as_another_reader_says_or_refused_with_its_sentence() -> None:
    files = {path.relative_to(FIXTURES).as_posix() for path in FIXTURES.rglob("*.dcm")}
    assert files > REFUSED.keys()
    for name in sorted(files - REFUSED.keys()):
        row = row_of({"a.dcm": (FIXTURES / name).read_bytes()})
        told = dcmread(FIXTURES / name, force=True, stop_before_pixels=True)
        size = (told.Columns, told.Rows, int(told.get("NumberOfFrames") or 1))
        assert (row.width, row.height, row.number_of_frames) == size, name
    for name, sentence in REFUSED.items():
        with pytest.raises(ReadError, match=re.escape(f"memory: holds no DICOM image. a.dcm: {sentence}")):
            read(MemorySource({"a.dcm": (FIXTURES / name).read_bytes()}), "dicom", report=Report())


@pytest.mark.proves("pixels: 9")
def test_files_of_one_name_in_two_folders_are_two_slices() -> None:
    row = row_of({"a/1.dcm": image(11, (0, 0, 1)), "b/1.dcm": image(12, (0, 0, 0))})
    assert [view.metadata.file_uri for view in row.get_frame_views()] == ["b/1.dcm", "a/1.dcm"]  # type: ignore[union-attr]


def test_identical_files_are_read_once_and_different_ones_of_one_uid_are_not_mixed() -> None:
    report = Report()
    one = image(11)
    row = row_of({"a": one, "b": one, "c": image(11, InstanceNumber=5)}, report)
    assert row.number_of_frames == 1
    assert report.counts()["file"] == {"in": 3, "kept": 1, "changed": 1, "dropped": 1}
    assert dropped(report)["DUPLICATE_UID"] == [
        "It has the SOPInstanceUID of a but differs; the first by name is read."
    ]


def test_cut_pixels_can_be_kept() -> None:
    report = Report()
    row = row_of({"a": image(11)[:-5]}, report, cut_pixels="keep")
    assert row.number_of_frames == 1
    assert [note.code for note in report.notes()][:2] == ["TRUNCATED_PIXELS", "MODALITY"]


# --- writing ---------------------------------------------------------------------------------------------------------


def through(source: Any, name: str = "dicom", **options: Any) -> tuple[dict[str, bytes], Report]:
    target, report = MemoryTarget(), Report()
    write(source, target, name, report=report, **options)
    return target.files, report


@pytest.mark.parametrize("case", ["ct_series", "enhanced_mr", "character_sets", "compressed"])
def test_metadata_written_and_read_back_is_equal_nulls_included(case: str) -> None:
    labels = read(FIXTURES / case, "dicom", report=Report(), patient_name=True)
    files, _ = through(labels)
    assert sorted(files) == ["instances.json", "series.json"]
    assert hub_of(read(MemorySource(files), "dicom", report=Report())) == hub_of(labels)


@pytest.mark.proves("pixels: 14")
def test_a_sample_with_metadata_comes_back_with_it() -> None:
    labels = SAMPLES["dicom_metadata"]()
    files, report = through(labels)
    (row,), (back,) = labels, read(MemorySource(files), report=Report())
    assert back.metadata == row.metadata
    assert [back._slice(frame) for frame in range(5)] == [row._slice(frame) for frame in range(5)]
    assert back._slice(3) is not None, "a frame beyond the number of frames keeps its block"
    assert [(loss.code, loss.count) for loss in report.losses()] == [("UNSUPPORTED_SHAPE", 1)]
    assert [(str(note.level), note.code, note.count) for note in report.notes()] == [("warning", "FRAME_BEYOND", 1)]


def test_what_is_written_is_the_dicom_json_model() -> None:
    files, _ = through(read(FIXTURES / "ct_series", "dicom", report=Report()))
    instances = json.loads(files["instances.json"])
    assert len(instances) == 12
    assert all(list(one) == sorted(one) for one in instances)
    assert instances[0]["00080018"] == {
        "vr": "UI", "Value": ["1.2.826.0.1.3680043.8.498.47582848444679686167430508526440995480"],
    }  # fmt: skip
    assert instances[0]["00081190"] == {"vr": "UR", "Value": ["IM0011.dcm"]}
    assert instances[0]["00091006"] == {"vr": "SL"}
    from pydicom.dataset import Dataset

    parsed = Dataset.from_json(instances[0])
    assert parsed.ImagePositionPatient == [-64, -70, 30]
    assert parsed.Rows == 128


def test_rows_of_other_media_are_dropped_and_counted() -> None:
    files, report = through(SAMPLES["boxes"]())
    assert files["series.json"] == b"[]\n"
    assert report.counts()["row"] == {"in": 1, "kept": 0, "changed": 0, "dropped": 1}
    losses = {(loss.code, loss.type, loss.count) for loss in report.losses()}
    assert losses >= {("MEDIA_DROPPED", "row", 1), ("UNSUPPORTED_SHAPE", "bounding_box", 2)}


def test_the_table_has_a_line_for_every_slice() -> None:
    files, _ = through(read(FIXTURES / "ct_series", "dicom", report=Report()), "dicom-table")
    lines = list(csv.DictReader(io.StringIO(files["dicom.csv"].decode())))
    assert len(lines) == 12
    assert lines[1] == {
        "series": "1.2.826.0.1.3680043.8.498.28677038346728454848128543711388207893",
        "series_uid": "1.2.826.0.1.3680043.8.498.28677038346728454848128543711388207893",
        "frame": "1", "sop_instance_uid": "1.2.826.0.1.3680043.8.498.38911305794315928460293412794404721119",
        "multiframe_frame_number": "", "instance_number": "11",
        "position_x_mm": "-64", "position_y_mm": "-70", "position_z_mm": "32.5", "gap_mm": "2.5",
        "pixel_spacing_vertical_mm": "1", "pixel_spacing_horizontal_mm": "1", "slice_thickness_mm": "2.5",
        "window_center": "40\\-500", "window_width": "400\\1500", "modality": "CT", "width": "128", "height": "128",
        "file_uri": "IM0007.dcm",
    }  # fmt: skip


def test_a_row_whose_slices_are_not_known_has_a_line_in_the_table() -> None:
    files, _ = through(SAMPLES["dicom_series"](), "dicom-table")
    (line,) = csv.DictReader(io.StringIO(files["dicom.csv"].decode()))
    assert (line["series"], line["frame"], line["width"], line["height"]) == ("series", "", "40", "30")


def test_dicom_becomes_a_hub_that_keeps_the_metadata(tmp_path: Path) -> None:
    report = convert(FIXTURES / "ct_series", tmp_path / "out", to="encord", report=Report())
    assert report.is_lossless
    labels = read(FIXTURES / "ct_series", report=Report())
    assert hub_of(read(tmp_path / "out", "encord", report=Report())) == hub_of(labels)


OURS = '[{"00090010":{"vr":"LO","Value":["ENCORD_CONVERT"]}'
BROKEN = {
    "cut": (OURS, r"series\.json: is not DICOM JSON \(.*\)\. Was the file cut short\?"),
    "no title": (OURS + ',"00091000":{"Value":[1]}}]', r"series\.json: data set 1: \(0009,1001\) is not one text\."),
    "a text for a number": (OURS + ',"00091000":{"Value":["1"]}}]', r"data set 1: \(0009,1000\) is not one number\."),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_json_is_refused_with_its_place(case: str) -> None:
    text, sentence = BROKEN[case]
    files = {"series.json": text.encode(), "instances.json": b"[]"}
    with pytest.raises(ReadError, match=sentence):
        list(read(MemorySource(files), "dicom", report=Report()))


def test_random_names_and_order_of_members_give_one_hub() -> None:
    files = {f"{z}": image(10 + z, (0, 0, z)) for z in range(6)}
    names = list(files)
    random.Random(3).shuffle(names)
    shuffled = {name: files[name] for name in names}
    assert hub_of(read(MemorySource(files), "dicom", report=Report())) == hub_of(
        read(MemorySource(shuffled), "dicom", report=Report())
    )


def test_a_series_of_the_class_ct_has_the_type_dicom() -> None:
    assert row_of({"a": image(11, SOPClassUID=CT)}).data_type is DataType.DICOM
