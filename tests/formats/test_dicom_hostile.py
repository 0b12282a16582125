"""DICOM that is cut, damaged or made to harm: one sentence for the file, and the rest of the folder is read."""

import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from dicom_files import dataset, file_of, image
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless

from encord_convert import ReadError, Report, read
from encord_convert.formats import Match
from encord_convert.formats._files import MemorySource
from encord_convert.formats.dicom.page import FORMAT, identify


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    long = vr in (b"SQ", b"OB", b"OW", b"UN")
    return struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr) + struct.pack("<xxL" if long else "<H", size) + value


def part10(body: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", syntax.encode() + b"\0" * (len(syntax) % 2)) + body


def body() -> bytes:
    """Return the elements of a good file, without preamble and meta group."""
    data = image(11)
    return data[data.index(b"\x08\0\x16\0UI") :]


def nested(depth: int) -> bytes:
    """Return sequences of undefined length in each other."""
    opening = element(0x00091010, b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return opening * depth + closing * depth


def deep_groups(depth: int) -> bytes:
    opening = element(0x52009230, b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return opening * depth


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return part10(packer.compress(data) + packer.flush(), DeflatedExplicitVRLittleEndian)


def bomb() -> bytes:
    """Return a few hundred kilobytes that inflate to 200 MB, all of it one private element before the pixels."""
    good = body()
    before = good.index(b"\x08\0\x18\0UI")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [packer.compress(good[:before] + element(0x00091010, b"OB", b"", 200 << 20))]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(200)]
    return part10(b"".join([*parts, packer.compress(good[before:]), packer.flush()]), DeflatedExplicitVRLittleEndian)


def rle(frames: int, cut: int = 0) -> bytes:
    made = dataset("11", NumberOfFrames=frames, PixelData=encapsulate([bytes(70)] * frames))
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    data = file_of(made, RLELossless)
    return data[: len(data) - cut]


def with_group_of(length: int) -> bytes:
    return part10(element(0x00081115, b"SQ", b"", length) + body())


Case = tuple[Callable[[], bytes], str, str]

REFUSED: dict[str, Case] = {
    "cut inside the header": (lambda: image(11)[:400], "TRUNCATED", "It is cut short: "),
    "cut between two elements": (
        lambda: part10(body()[: body().index(b"\x28\0\x10\0US")]),
        "TRUNCATED",
        "It is cut short: it ends before Rows (0028,0010) and Columns (0028,0011).",
    ),
    "cut before the pixels": (
        lambda: part10(body()[: body().index(b"\xe0\x7f\x10\0OW")]),
        "TRUNCATED",
        "It is cut short: it ends before its pixels.",
    ),
    "cut inside native pixels": (
        lambda: image(11)[:-10],
        "TRUNCATED",
        "It is cut short: its pixels are incomplete, 24 bytes were expected, 14 are there.",
    ),
    "cut inside compressed pixels": (lambda: rle(2, cut=60), "TRUNCATED", "It is cut short: "),
    "fewer compressed frames than promised": (
        lambda: rle(2).replace(b"IS\2\x002 ", b"IS\2\x003 "),
        "TRUNCATED",
        "It is cut short: it has 3 frames but 2 compressed fragments.",
    ),
    "pixels shorter than promised": (
        lambda: image(11, PixelData=bytes(20)),
        "TRUNCATED",
        "It is cut short: its pixels need 24 bytes, but its header says 20.",
    ),
    "a length past the end": (lambda: with_group_of(0x7FFFFFF0), "TRUNCATED", "It is cut short: 2147483632 bytes"),
    "a billion frames": (
        lambda: image(11, NumberOfFrames="1", PixelData=bytes(24)).replace(b"IS\2\x001 ", b"IS\x0a\x001000000000"),
        "DAMAGED",
        "It claims 1000000000 frames; 1 to 100000 are allowed.",
    ),
    "a deflate bomb": (bomb, "DAMAGED", "It is damaged: it inflates to more than 100 times its stored size."),
    "deflated data that is none": (
        lambda: part10(b"\xff" * 50, DeflatedExplicitVRLittleEndian),
        "DAMAGED",
        "It is damaged: its deflated data set cannot be inflated (",
    ),
    "functional groups 100,000 deep": (
        lambda: part10(body()[: body().index(b"\x28\0\x10\0US")] + deep_groups(100_000)),
        "DAMAGED",
        "It is damaged: its sequences are nested too deep.",
    ),
    "a sequence without items": (
        lambda: part10(element(0x00081115, b"SQ", body(), 0xFFFFFFFF)),
        "DAMAGED",
        "It is damaged: (0008,0016) found where an item was expected.",
    ),
    "no instance UID": (
        lambda: part10(body().replace(b"\x08\0\x18\0UI", b"\x08\0\x19\0UI")),
        "DAMAGED",
        "It has no SOPInstanceUID, so nothing can refer to it.",
    ),
}
"""How to make it; the code it is counted under; how its sentence begins."""


@pytest.mark.proves("pixels: 17")
@pytest.mark.parametrize("name", REFUSED)
def test_one_bad_file_is_counted_and_the_rest_of_the_folder_is_read(name: str) -> None:
    make, code, sentence = REFUSED[name]
    report = Report()
    (row,) = read(MemorySource({"bad": make(), "good": image(99)}), "dicom", report=report)
    assert row.number_of_frames == 1
    assert [loss.code for loss in report.losses()] == [code]
    assert report.losses()[0].detail.startswith(sentence), report.losses()[0].detail
    assert report.counts()["file"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_alone_is_an_error_with_its_sentence(name: str) -> None:
    make, _, sentence = REFUSED[name]
    with pytest.raises(ReadError) as caught:
        read(MemorySource({"bad": make()}), "dicom", report=Report())
    assert str(caught.value).startswith(f"memory: holds no DICOM image. bad: {sentence}")


@pytest.mark.proves("pixels: 18")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a gzip file", gzip.compress(image(11), mtime=0)),
        ("a text", b"Scanned on a Tuesday.\n" * 20),
        ("nothing", b""),
        ("a leading byte", b"x" + image(11)),
    ],
)
def test_what_is_no_dicom_is_said_to_be_none(name: str, data: bytes) -> None:
    assert identify(MemorySource({"a": data})) is Match.NO
    with pytest.raises(ReadError, match=r"holds no DICOM image\. a: It is not DICOM: there is no DICM at byte 128"):
        read(MemorySource({"a": data}), "dicom", report=Report())
    report = Report()
    (row,) = read(MemorySource({"a": data, "good": image(99)}), "dicom", report=report)
    assert row.number_of_frames == 1
    assert report.is_lossless
    assert "NOT_DICOM" in [note.code for note in report.notes()]


def test_private_sequences_100_000_deep_are_passed_over() -> None:
    good = body()
    at = good.index(b"\x10\0\x20\0LO")
    (row,) = read(MemorySource({"a": part10(good[:at] + nested(100_000) + good[at:])}), "dicom", report=Report())
    assert (row.width, row.height) == (4, 3)


def test_a_deflate_bomb_takes_little_memory() -> None:
    data = bomb()
    assert len(data) < 400_000
    tracemalloc.start()
    with pytest.raises(ReadError, match="inflates to more than 100 times"):
        read(MemorySource({"a": data}), "dicom", report=Report())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_values_that_are_no_numbers_are_left_out_and_noted() -> None:
    data = image(11, InstanceNumber=7, PixelSpacing=[0.5, 0.25])
    data = data.replace(b"IS\2\x007 ", b"IS\2\x001A").replace(b"0.5\\0.25", b"0,5\\0,25")
    report = Report()
    (row,) = read(MemorySource({"a": data}), "dicom", report=report)
    tags = row._contents.frame_extras[0]["metadata"]["tags"]
    assert "00200013" not in tags
    assert tags["00280030"]["Value"] == [0.5, 0.25]
    details = {note.detail for note in report.notes() if note.code == "BAD_VALUE"}
    assert details == {"(0020,0013) holds '1A', which is not a number; it is left out."}


@pytest.mark.proves("pixels: 17")
def test_every_cut_of_a_file_gives_a_row_or_a_sentence() -> None:
    for data in (image(11, (0, 0, 0)), rle(2), deflated(body()), part10(nested(2) + body())):
        for length in range(0, len(data) - 1, 7):
            with pytest.raises(ReadError, match="holds no DICOM image"):
                read(MemorySource({"a": data[:length]}), "dicom", report=Report())


def test_every_flipped_byte_gives_a_row_or_a_sentence() -> None:
    data = image(11, (0, 0, 0), InstanceNumber=3)
    for index in range(128, len(data), 3):
        spoilt = bytearray(data)
        spoilt[index] ^= 0xFF
        try:
            assert len(list(read(MemorySource({"a": bytes(spoilt)}), "dicom", report=Report()))) == 1
        except ReadError as error:
            assert "holds no DICOM image" in str(error)


def test_the_format_never_raises_on_looking() -> None:
    for data in (b"", b"\2\0", bytes(128) + b"DICM", b"PK\3\4", image(11)[:140]):
        assert FORMAT.identify(MemorySource({"a": data})) in Match
