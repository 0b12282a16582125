"""What is left of a DICOM file: its header by the list, its pixels but for text."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from dicom_files import dataset, file_of, functional_groups
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from encord_convert.service.deidentify import Condition, Mode, NotRedactable, Redaction, redact, tag_of
from encord_convert.service.dicom_texts import text_boxes


def redacted(data: bytes, mode: Mode = Mode.NONE, *, tags: bool = True, **options: Any) -> Dataset | None:
    target = io.BytesIO()
    done = redact(io.BytesIO(data), target, tags=tags, mode=mode, **{"conditions": (), **options})
    return None if done is None else dcmread(io.BytesIO(target.getvalue()))


PLANTED = {
    "PatientID": "ID-4711", "PatientBirthDate": "19700102", "InstitutionName": "Planted Clinic",
    "ReferringPhysicianName": "Planted^Doctor", "AccessionNumber": "A-4711", "StudyDate": "20200304",
    "ImageComments": "Planted comment", "DeviceSerialNumber": "SN-4711", "StudyDescription": "Planted study",
}  # fmt: skip


def planted(**elements: Any) -> Dataset:
    """An image with something to identify at every depth, in a private block and in the preamble."""
    made = dataset("7", PatientName="Müller^Anna", SpecificCharacterSet="ISO_IR 100", **PLANTED, **elements)
    step, code = Dataset(), Dataset()
    code.CodeMeaning = "Planted meaning"
    step.RequestedProcedureDescription, step.RequestedProcedureCodeSequence = "Planted request", [code]
    made.RequestAttributesSequence = [step]
    made.private_block(0x0009, "PLANTED CREATOR", create=True).add_new(1, "LO", "Planted private")
    made.preamble = b"Planted preamble" * 8
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.ImageComments, icon.PixelData = "Planted icon", b"Planted icon pixels "
    icon["PixelData"].VR = "OB"
    made.IconImageSequence = [icon]
    made.add_new(0x60000010, "US", 3)
    made.add_new(0x60003000, "OB", b"Planted overlay ")
    made.add_new(0x60001500, "LO", "Planted label")
    return made


def planted_file(**elements: Any) -> bytes:
    """The same as a file, whose meta says who sent it, and which is padded."""
    stream = io.BytesIO(file_of(planted(**elements)))
    found = dcmread(stream)
    found.file_meta.SourceApplicationEntityTitle = "PLANTED AE"
    found.file_meta.PrivateInformationCreatorUID = "2.25.4711"
    found.file_meta.PrivateInformation = b"Planted meta"
    found.preamble = b"Planted preamble" * 8
    found.add_new(0xFFFCFFFC, "OB", b"Planted padding ")
    stream = io.BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.proves("service: case 19 case 20")
def test_what_is_not_on_the_list_is_gone_at_every_depth() -> None:
    source, target = planted_file(), io.BytesIO()
    assert source.lower().count(b"lanted") >= 20
    redact(io.BytesIO(source), target, tags=True, mode=Mode.NONE, conditions=())
    data = target.getvalue()
    assert b"lanted" not in data.lower() and b"4711" not in data and b"1970" not in data
    assert data[:128] == bytes(128)


@pytest.mark.proves("service: case 19 case 20")
def test_name_and_uids_are_kept_and_the_file_says_that_it_is_not_de_identified() -> None:
    kept = redacted(file_of(planted()))
    assert kept is not None
    assert (str(kept.PatientName), kept.SOPInstanceUID, kept.StudyInstanceUID) == ("Müller^Anna", "2.25.7", "2.25.1")
    assert kept.PatientIdentityRemoved == "NO"
    assert kept.file_meta.MediaStorageSOPInstanceUID == kept.SOPInstanceUID


@pytest.mark.proves("service: case 19 case 20")
def test_a_image_is_still_decoded_and_its_bytes_are_the_same() -> None:
    pixels = np.arange(12, dtype="<u2").tobytes()
    kept = redacted(file_of(planted(PixelData=pixels)))
    assert kept is not None and kept.PixelData == pixels
    assert kept.pixel_array.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


@pytest.mark.proves("service: case 19 case 20")
def test_geometry_of_frames_stays_and_nothing_else_of_their_groups() -> None:
    made = functional_groups([0.0, 2.5], [(40, 400), (50, 500)], StackID=["Planted", "Planted"])
    made.PatientID = "Planted"
    kept = redacted(file_of(made))
    assert kept is not None
    frames = kept.PerFrameFunctionalGroupsSequence
    assert [float(one.PlanePositionSequence[0].ImagePositionPatient[2]) for one in frames] == [0.0, 2.5]
    assert [float(one.FrameVOILUTSequence[0].WindowWidth) for one in frames] == [400, 500]
    assert [float(one) for one in kept.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing] == [
        0.5,
        0.25,
    ]
    assert "Planted" not in str(kept)


@pytest.mark.proves("service: case 21")
def test_untouched_header_and_pixels_are_the_file_byte_for_byte() -> None:
    data = file_of(planted())
    target = io.BytesIO()
    assert redact(io.BytesIO(data), target, tags=False, mode=Mode.NONE, conditions=()) == Redaction()
    assert target.getvalue() == data


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("service: case 23")
@pytest.mark.parametrize(
    "spelled", ["00100020", "x00100020", "0x00100020", "0010,0020", "(0010,0020)", "PatientID", " 0010 0020 "]
)
def test_a_tag_is_known_by_any_of_its_spellings(spelled: str) -> None:
    assert tag_of(spelled) == 0x00100020


def test_a_tag_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'PatientShoe' is no DICOM tag; expected one as 00100010 or PatientName"):
        tag_of("PatientShoe")


@pytest.mark.proves("service: case 23")
@pytest.mark.parametrize(
    ("tag", "values", "is_member", "holds"),
    [
        ("Modality", ("CT", "MR"), True, True),
        ("Modality", ("MR",), True, False),
        ("ImageType", ("PRIMARY",), True, True),
        ("ImageType", ("PRIM",), True, False),
        ("BodyPartExamined", ("HEAD",), True, False),
        ("StudyDescription", ("lanted",), False, False),
        ("StudyDescription", ("planted",), False, True),
        ("BodyPartExamined", ("HEAD",), False, True),
        ("BodyPartExamined", ("",), False, False),
    ],
)
def test_conditions_are_looked_at_in_the_header_as_it_came(
    tag: str, values: tuple[str, ...], is_member: bool, holds: bool
) -> None:
    data = file_of(planted(ImageType=["ORIGINAL", "PRIMARY"]))
    kept = redacted(data, conditions=[Condition(tag_of(tag), values, is_member)])
    assert (kept is not None) is holds


# --- text -------------------------------------------------------------------------------------------------------------

HEIGHT, WIDTH = 96, 320


def screen(size: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """An image with a bright organ and a line of text, 0 to 255; and where the ink is."""
    screen_pixels, ink = Image.new("L", (WIDTH, HEIGHT)), Image.new("L", (WIDTH, HEIGHT))
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(screen_pixels).ellipse((220, 30, 300, 90), fill=90)
    for image in (screen_pixels, ink):
        ImageDraw.Draw(image).text((11, 5), "DOE^JANE 19700102", font=font, fill=255)
    return np.asarray(screen_pixels), np.asarray(ink) > 100


@pytest.mark.proves("service: case 22")
@pytest.mark.parametrize("size", [9, 11, 14, 20, 28, 32])
def test_ink_of_letters_is_found_at_any_size(size: int) -> None:
    screen_pixels, ink = screen(size)
    found = np.zeros(ink.shape, bool)
    for top, bottom, left, right in text_boxes(screen_pixels.astype(np.float32)):
        found[top:bottom, left:right] = True
    assert (ink & found).sum() / ink.sum() >= 0.99
    assert found[40:].mean() < 0.05 or size > 20


def test_a_image_without_sharp_steps_has_no_text() -> None:
    slope = np.add.outer(np.arange(200), np.arange(300)).astype(np.float32)
    assert text_boxes(slope) == []
    assert text_boxes(np.zeros((100, 100), np.float32)) == []


SIZE: dict[str, Any] = {"Rows": HEIGHT, "Columns": WIDTH, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


def painted_of(made: Dataset, **options: Any) -> tuple[np.ndarray, Dataset]:
    done = redacted(file_of(made, **options), Mode.ALL)
    assert done is not None
    return done.pixel_array, done


@pytest.mark.proves("service: case 22")
@pytest.mark.parametrize(
    ("kind", "turn", "black"), [("MONOCHROME2", lambda p: p, 0), ("MONOCHROME1", lambda p: 255 - p, 255)]
)
def test_text_is_black_and_the_rest_as_it_was(kind: str, turn: Any, black: int) -> None:
    screen_pixels, ink = screen()
    stored = turn(screen_pixels)
    after, _ = painted_of(dataset("1", **SIZE, PhotometricInterpretation=kind, PixelData=stored.tobytes()))
    assert (after[ink] == black).all()
    assert (after[40:] == stored[40:]).mean() > 0.95


@pytest.mark.proves("service: case 22")
def test_text_of_one_frame_is_painted_over_on_all() -> None:
    screen_pixels, ink = screen()
    frames = np.stack([np.zeros_like(screen_pixels), screen_pixels, np.zeros_like(screen_pixels) + 7])
    after, _ = painted_of(dataset("1", **SIZE, NumberOfFrames=3, PixelData=frames.tobytes()))
    assert not after[:, ink].any()
    assert (after[2][~ink][-1000:] == 7).all()


@pytest.mark.proves("service: case 22")
def test_every_frame_of_a_short_film_is_looked_at() -> None:
    screen_pixels, ink = screen()
    frames = np.zeros((40, *screen_pixels.shape), np.uint8)
    frames[21] = screen_pixels  # none of sixteen that are chosen evenly
    after, _ = painted_of(dataset("1", **SIZE, NumberOfFrames=40, PixelData=frames.tobytes()))
    assert not after[:, ink].any()


@pytest.mark.parametrize(
    ("name", "is_told"),
    [("anna müller.dcm", True), ("ID-4711_1.dcm", True), ("19700102.dcm", True), ("IM0001.dcm", False), ("", False)],
)
def test_a_name_that_tells_the_patient_is_noticed(name: str, is_told: bool) -> None:
    done = redact(io.BytesIO(file_of(planted())), io.BytesIO(), tags=True, mode=Mode.NONE, conditions=(), name=name)
    assert done is not None and done.is_name_identifying is is_told


@pytest.mark.proves("service: case 22")
def test_signed_and_twelve_bit_values_are_painted_with_their_lowest() -> None:
    screen_pixels, ink = screen()
    values = (screen_pixels.astype(np.int16) * 8) - 1024
    size = {**SIZE, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1}
    after, _ = painted_of(dataset("1", **size, PixelData=values.tobytes()))
    assert (after[ink] == -2048).all()


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_are_painted_black_however_they_are_stored(planar: int) -> None:
    screen_pixels, ink = screen()
    colours = np.stack([screen_pixels, screen_pixels // 2, screen_pixels // 3], 2)
    stored = colours.transpose(2, 0, 1) if planar else colours
    size = {**SIZE, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": planar}
    after, _ = painted_of(dataset("1", **size, PixelData=stored.tobytes()))
    assert not after[ink].any()
    assert (after[-1] == colours[-1]).all()


@pytest.mark.proves("service: case 22")
def test_a_palette_is_painted_with_its_darkest_entry() -> None:
    screen_pixels, ink = screen()
    ramp = np.arange(256)[::-1].astype("<u2") * 256
    names = [f"{name}PaletteColorLookupTable" for name in ("Red", "Green", "Blue")]
    palette = {f"{n}Descriptor": [256, 0, 16] for n in names} | {f"{n}Data": ramp.tobytes() for n in names}
    stored = (255 - screen_pixels).astype(np.uint8)
    made = dataset("1", **SIZE, **palette, PhotometricInterpretation="PALETTE COLOR", PixelData=stored.tobytes())
    after, _ = painted_of(made)
    assert (after[ink] == 255).all()


@pytest.mark.proves("service: case 22")
def test_compressed_pixels_come_out_uncompressed() -> None:
    screen_pixels, ink = screen()
    made = dataset("1", **SIZE, PixelData=screen_pixels.tobytes())
    made.file_meta = dcmread(io.BytesIO(file_of(dataset("1", **SIZE, PixelData=screen_pixels.tobytes())))).file_meta
    made.compress(RLELossless, generate_instance_uid=False)
    after, done = painted_of(made, syntax=RLELossless)
    assert not done.file_meta.TransferSyntaxUID.is_compressed
    assert not after[ink].any()
    assert done.SOPInstanceUID == "2.25.1"


@pytest.mark.proves("service: case 22")
def test_no_text_mode_leaves_compressed_bytes_as_they_are() -> None:
    stream = io.BytesIO()
    Image.fromarray(screen()[0]).save(stream, "JPEG", quality=95)
    data = encapsulate([stream.getvalue()])
    made = dataset("1", **SIZE, PixelData=data, LossyImageCompression="01")
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    kept = redacted(file_of(made, JPEGBaseline8Bit))
    assert kept is not None and kept.PixelData == data
    assert kept.LossyImageCompression == "01"


# --- files that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"GIF89a" * 100, "It is no DICOM file: the letters DICM are not at byte 128."),
        (file_of(planted())[:-4], "It is cut short"),
        (file_of(dataset("1", Rows=None)), "It holds no image: it has no Rows."),
        (file_of(dataset("1", NumberOfFrames=60000, Rows=60000, Columns=60000, PixelData=b"\0\0")), "GiB are the most"),
    ],
)
def test_what_cannot_be_treated_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    target = io.BytesIO()
    with pytest.raises(NotRedactable, match=sentence):
        redact(io.BytesIO(data), target, tags=True, mode=Mode.ALL, conditions=())
    assert target.getvalue() == b""


def test_every_cut_of_a_file_is_refused_or_read() -> None:
    data = file_of(planted())
    for length in range(0, len(data), 7):
        with pytest.raises(NotRedactable):
            redact(io.BytesIO(data[:length]), io.BytesIO(), tags=True, mode=Mode.ALL, conditions=())
