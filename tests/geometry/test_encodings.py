"""The 4 x 5 example of the documentation and random masks, in every encoding both ways."""

import base64
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from encord_convert.geometry import png, rle
from encord_convert.geometry.encodings import (
    bitmap_from_box_runs,
    brush_from_runs,
    likely_scan,
    pairs_from_runs,
    runs_from_bitmap,
    runs_from_brush,
    runs_from_pairs,
)

M = np.array([[0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], bool)
ROWS, COLUMNS = [1, 2, 3, 3, 3, 2, 5, 1], [4, 2, 2, 3, 2, 2, 4, 1]
BRUSH = [0, 0, 0, 80, 57, 27, 252, 96, 19, 255, 219, 0, 183, 255, 108, 2, 127, 252, 38, 1, 31, 248]
MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))


# --- Label Studio brush ---------------------------------------------------------------------------------------------


def test_the_example_as_a_brush_stream() -> None:
    assert brush_from_runs(ROWS) == BRUSH
    assert runs_from_brush(BRUSH, 4, 5).tolist() == ROWS
    assert runs_from_brush([*BRUSH, 0], 4, 5).tolist() == ROWS


@given(MASKS)
def test_a_brush_stream_is_inverted(mask: np.ndarray) -> None:
    runs = rle.runs_from_mask(mask)
    assert runs_from_brush(brush_from_runs(runs), *mask.shape).tolist() == runs.tolist()


@pytest.mark.parametrize("runs", [[3_000_000], [0, 3_000_000], [16384, 16384, 16385, 2_950_847], [2_999_999, 1]])
def test_runs_beyond_sixteen_bits_are_split_and_joined(runs: list[int]) -> None:
    assert runs_from_brush(brush_from_runs(runs), 1000, 3000).tolist() == runs


def literal(values: list[int]) -> list[int]:
    """A brush stream of one piece of literal values."""
    bits = f"{len(values):032b}" + "00111" + "0010001101111111" + "0" + "11" + f"{len(values) - 1:016b}"
    bits += "".join(f"{value:08b}" for value in values)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


def test_literal_values_and_soft_edges_are_read_by_alpha() -> None:
    pixels = [(9, 9, 9, 0), (0, 0, 0, 1), (0, 0, 0, 127), (0, 0, 0, 128), (255, 255, 255, 0), (1, 2, 3, 255)]
    stream = literal([value for pixel in pixels for value in pixel])
    assert runs_from_brush(stream, 2, 3).tolist() == [1, 3, 1, 1]
    assert runs_from_brush(stream, 2, 3, threshold=128).tolist() == [3, 1, 1, 1]


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        ([*COLUMNS, 256], "numbers from 0 to 255; these are not. Are they run lengths of another dialect?"),
        ([-1], "numbers from 0 to 255"),
        ([1.5], "numbers from 0 to 255"),
        ([1 << 80], "numbers from 0 to 255"),
        (1 << 80, "numbers from 0 to 255"),
        ([], "ends inside a run"),
        (BRUSH[:-1], "ends inside a run. Was it cut short?"),
        ([255, 255, 255, 255, *BRUSH[4:]], "holds 4294967295 values, but 4 x 5"),
        ([0, 0, 0, 80, 57, 27, 255, 255, 255, 255, 255], "goes beyond its end by 65456"),
        (literal([0] * 80)[:20], "ends inside a run"),
    ],
)
def test_a_damaged_brush_stream_is_refused(stream: list[int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        runs_from_brush(stream, 4, 5)


# --- Supervisely bitmap ---------------------------------------------------------------------------------------------


def test_the_example_as_a_bitmap() -> None:
    runs, left, top, width, height = rle.box_runs_from_frame_runs(ROWS, 5, 4)
    assert (left, top) == (1, 0)
    back, *size = runs_from_bitmap(bitmap_from_box_runs(runs, width, height))
    assert (back.tolist(), size) == ([0, 2, 2, 3, 2, 2, 4, 1], [4, 4])


@given(MASKS)
def test_a_bitmap_is_inverted(mask: np.ndarray) -> None:
    runs = rle.runs_from_mask(mask)
    back, width, height = runs_from_bitmap(bitmap_from_box_runs(runs, mask.shape[1], mask.shape[0]))
    assert (back.tolist(), height, width) == (runs.tolist(), *mask.shape)


def made_by_pillow(image: Image.Image, *, packed: bool = True, **how: object) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG", **how)
    data = stream.getvalue()
    return base64.b64encode(zlib.compress(data) if packed else data).decode()


def test_bitmaps_of_other_encoders_give_the_same_pixels() -> None:
    grey = Image.fromarray(M.astype(np.uint8))
    palette = grey.copy()
    palette.putpalette([0, 0, 0, 255, 255, 255])
    rgba = np.full((4, 5, 4), 255, np.uint8)
    rgba[:, :, 3] = M * 255
    for data in (
        made_by_pillow(grey),
        made_by_pillow(grey, packed=False),
        made_by_pillow(palette, transparency=0, bits=1),
        made_by_pillow(Image.fromarray(rgba)),
        made_by_pillow(Image.fromarray(M)),
        made_by_pillow(Image.fromarray(M.astype(np.uint16) * 700)),
    ):
        assert runs_from_bitmap(data)[0].tolist() == ROWS


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("no base64!", "is base64; this is not"),
        (base64.b64encode(b"hello").decode(), "neither zlib nor PNG"),
        (base64.b64encode(zlib.compress(b"hello")).decode(), "not a PNG image"),
        (base64.b64encode(zlib.compress(bytes((1 << 24) + 1))).decode(), "inflates beyond 16777216 bytes"),
        (made_by_pillow(Image.fromarray(M), packed=False)[:60], "cannot be read"),
    ],
)
def test_a_damaged_bitmap_is_refused(data: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        runs_from_bitmap(data)


# --- pairs ----------------------------------------------------------------------------------------------------------


def test_the_example_as_pairs() -> None:
    assert pairs_from_runs(COLUMNS) == "5 2 9 3 14 2 20 1"
    assert runs_from_pairs("5 2 9 3 14 2 20 1", 20).tolist() == COLUMNS
    assert runs_from_pairs("2 2 7 3 13 2 20 1", 20).tolist() == ROWS
    assert runs_from_pairs("1 2 6 3 12 2 19 1", 20, first=0).tolist() == ROWS
    assert runs_from_pairs("4 2 2 3 2 2 4 1", 20, is_relative=True).tolist() == COLUMNS


@given(MASKS)
def test_pairs_are_inverted(mask: np.ndarray) -> None:
    runs = rle.runs_from_mask(mask.T)
    assert runs_from_pairs(pairs_from_runs(runs), mask.size).tolist() == runs.tolist()


@given(MASKS.filter(lambda mask: mask.any()), st.booleans())
def test_pairs_of_the_other_kinds_are_inverted(mask: np.ndarray, is_relative: bool) -> None:
    runs = rle.runs_from_mask(mask)
    starts, lengths = np.cumsum(runs)[0::2][: len(runs[1::2])], runs[1::2]
    numbers = (runs[0::2][: len(lengths)] if is_relative else starts).tolist()
    text = " ".join(f"{start} {length}" for start, length in zip(numbers, lengths.tolist(), strict=True))
    assert runs_from_pairs(text, mask.size, 0, is_relative=is_relative).tolist() == runs.tolist()


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_without_pairs_the_mask_is_empty(text: str) -> None:
    assert runs_from_pairs(text, 20).tolist() == [20]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2 3", "these are 3 numbers"),
        ("1 2.5", "whole numbers separated by blanks"),
        ("1 x", "whole numbers separated by blanks"),
        ("1,2", "before the end|pixels"),
        ("1 99999999999999999999999", "whole numbers|outside"),
        ("5 2 6 1", r"Pair 1 \(counted from 0\) starts at 6, before the end of another"),
        ("9 2 3 1", "starts at 3, before the end of another"),
        ("0 2", "starts at 0, before"),
        ("-1 2", "outside the 20 pixels"),
        ("20 2", "reach 1 pixels beyond the 20"),
        ("1 9000000000", "outside the 20 pixels"),
    ],
)
def test_damaged_pairs_are_refused(text: str, sentence: str) -> None:
    if text == "1,2":  # blanks or commas: the numbers are the same
        assert runs_from_pairs(text, 20).tolist() == [0, 2, 18]
        return
    with pytest.raises(ValueError, match=sentence):
        runs_from_pairs(text, 20)


def test_the_scan_of_a_disc_is_recognised() -> None:
    y, x = np.mgrid[:60, :90]
    disc = (x - 40) ** 2 + (y - 25) ** 2 < 400
    assert likely_scan(rle.runs_from_mask(disc), 60, 90) == "rows"
    assert likely_scan(rle.runs_from_mask(disc.T), 60, 90) == "columns"
    assert likely_scan([5400], 60, 90) == "unknown"


# --- PNG ------------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from([np.bool_, np.uint8, np.uint16]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=2, max_dims=2, max_side=70))
    )
)
def test_a_image_is_read_as_it_was_written(pixels: np.ndarray) -> None:
    back = png.decoded(png.encoded(pixels)).pixels
    assert back.dtype == pixels.dtype
    assert (back == pixels).all()


def test_a_image_larger_than_allowed_is_refused_by_its_header() -> None:
    with rle.pixel_limit(100), pytest.raises(ValueError, match="10 x 11 pixels is larger than the 100"):
        png.decoded(png.encoded(np.zeros((10, 11), np.uint8)))
    data = bytearray(png.encoded(np.zeros((1, 1), np.uint8)))
    data[16:24] = b"\0\1\0\0\0\1\0\0"
    with pytest.raises(ValueError, match="65536 x 65536 pixels is larger than the 268435456"):
        png.decoded(bytes(data))


@pytest.mark.parametrize("cut", [0, 8, 28, 40, 60])
def test_a_image_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r"not a PNG image|cannot be read"):
        png.decoded(png.encoded(np.arange(4096, dtype=np.uint16).reshape(64, 64))[:cut])


@pytest.mark.parametrize(
    ("colour_type", "depth"), [(kind, depth) for kind in png._DEPTHS for depth in png._DEPTHS[kind]]
)
def test_bands_of_a_png_are_its_pixels_whatever_the_filters(
    monkeypatch: pytest.MonkeyPatch, colour_type: int, depth: int
) -> None:
    monkeypatch.setattr(png, "BAND_BYTES", 100)
    chance = np.random.default_rng(colour_type * 100 + depth)
    for height, width in ((1, 1), (9, 7), (30, 11)):
        row_bytes = (width * depth * png._CHANNELS[colour_type] + 7) // 8
        lines = chance.integers(0, 256, (height, row_bytes + 1), np.uint8)
        lines[:, 0] = chance.integers(0, 5, height)
        packed = zlib.compress(lines.tobytes())
        head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
        chunks = [(b"IHDR", head), (b"IDAT", packed[:9]), (b"IDAT", packed[9:]), (b"IEND", b"")]
        if colour_type == 3:
            chunks.insert(1, (b"PLTE", bytes(range(3 * min(1 << depth, 80)))))
        data = png.SIGNATURE + b"".join(png._chunk(*chunk) for chunk in chunks)
        found, whole = np.concatenate(list(png.Bands(data))), png.decoded(data).pixels
        assert (found.dtype, found.shape) == (whole.dtype, whole.shape)
        assert (found == whole).all()


def test_a_png_in_bands_takes_the_memory_of_a_band() -> None:
    data = png.encoded(np.zeros((4096, 4096), np.uint8), [(0, 0, 0)])
    tracemalloc.start()
    rows = sum(len(band) for band in png.Bands(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 4096 and peak < 8 << 20


@pytest.mark.parametrize("cut", [40, 60, -20])
def test_bands_of_a_png_that_is_cut_short_are_an_error(cut: int) -> None:
    with pytest.raises(ValueError, match="Was it cut short"):
        list(png.Bands(png.encoded(np.arange(4096, dtype=np.uint16).reshape(64, 64))[:cut]))
