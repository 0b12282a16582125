"""Images given as runs: the PNG that is made of them without their pixels, and the stream in it."""

import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from encord_convert.geometry import deflate, png
from encord_convert.geometry.deflate import Runs, zlib_of_runs
from encord_convert.geometry.paintings import FlatImage

GAPS = st.sampled_from([0, 1, 2, 3, 4, 257, 258, 259, 260, 261, 262, 1000])
COUNTS = st.sampled_from([1, 2, 3, 4, 86, 87, 88, 129, 130, 131, 258, 259, 260, 261, 5000])
VALUES = {
    "grey": (np.uint8, [0, 1, 2, 200, 255]),
    "bits": (np.bool_, [False, True]),
    "16 bits": (np.uint16, [0, 1, 256, 257, 65535]),
    "colours": (np.uint32, [0, 1, 0x010101, 0xFFFFFF, 0x123456]),
}


@pytest.fixture
def always_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_LEAST_BYTES", 0)
    monkeypatch.setattr(png, "_RUN_PIXELS", 0)


def pixels_of(image: np.ndarray) -> np.ndarray:
    """Return what a reader sees: colours as red, green and blue."""
    return image if image.itemsize < 4 else image.astype("<u4").view(np.uint8).reshape(*image.shape, 4)[..., :3]


@given(
    st.integers(1, 3), st.lists(st.tuples(GAPS, COUNTS, st.binary(min_size=3, max_size=3))), st.integers(1, 999), GAPS
)
def test_a_stream_of_runs_is_inflated_to_their_bytes(
    unit: int, drawn: list[tuple[int, int, bytes]], block: int, behind: int
) -> None:
    data, starts = bytearray(), []
    for gap, count, text in drawn:
        data += bytes(gap)
        starts.append(len(data))
        data += text[:unit] * count
    data += bytes(behind or not data)
    patterns = np.array([list(text[:unit]) for _, _, text in drawn], np.uint8).reshape(-1, unit)
    counts = np.array([count for _, count, _ in drawn], np.int64)
    runs = Runs(np.array(starts, np.int64), counts, patterns, np.full(len(drawn), unit))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deflate, "_RUNS_OF_BLOCK", block)
        assert zlib.decompress(zlib_of_runs(runs, len(data))) == data


def test_no_code_is_longer_than_the_format_has_bits_for() -> None:
    used, one, other = [], 1, 1
    for _ in range(30):  # the rarest counts there can be: each code a bit longer than the next
        used.append(one)
        one, other = other, one + other
    lengths = deflate._code_lengths(used, 15)
    assert max(lengths) == 15
    assert sum(2.0**-length for length in lengths) <= 1
    assert deflate._code_lengths([0, 7, 0], 15) == [0, 1, 0]


@pytest.mark.usefixtures("always_runs")
@pytest.mark.parametrize("kind", VALUES)
@settings(deadline=None)
@given(data=st.data())
def test_the_png_of_runs_has_the_pixels(kind: str, data: st.DataObject) -> None:
    type_, values = VALUES[kind]
    shape = data.draw(st.tuples(st.integers(1, 9), st.sampled_from([1, 2, 7, 8, 9, 16, 17, 300])))
    image = np.zeros(shape, type_)
    for _ in range(data.draw(st.integers(0, 5))):
        y, x = (data.draw(st.integers(0, side - 1)) for side in shape)
        image[y : y + data.draw(st.integers(1, 9)), x : x + data.draw(st.integers(1, 300))] = data.draw(
            st.sampled_from(values)
        )
    flat = FlatImage.of([image[:2], image[2:]])
    encoded = png.encoded_flat(flat, [(0, 0, 0)] * 256 if kind == "grey" else ())
    assert (np.concatenate(list(flat.bands())) == image).all()
    with Image.open(BytesIO(encoded)) as opened:
        assert (np.asarray(opened) == pixels_of(image)).all()
    assert (np.concatenate(list(png.Bands(encoded))) == pixels_of(image)).all()


@given(arrays(np.bool_, (5, 7)))
def test_the_image_of_a_mask_is_the_mask(mask: np.ndarray) -> None:
    runs = np.diff(np.concatenate(([0], np.flatnonzero(np.diff(mask.ravel(), prepend=False)), [mask.size])))
    image = FlatImage.of_mask((runs, 2, 1, 7, 5), 8, 9)
    expected = np.zeros((8, 9), bool)
    expected[1:6, 2:9] = mask
    assert (np.concatenate(list(image.bands())) == expected).all()
    assert len(image.begins) == len(FlatImage.of([expected]).begins)


@pytest.mark.parametrize("kind", VALUES)
def test_a_png_of_runs_is_hardly_larger_than_one_of_pixels(kind: str) -> None:
    type_, values = VALUES[kind]
    y, x = np.ogrid[:1500, :2000]
    image = np.zeros((1500, 2000), type_)
    image[100:900, 300:700] = values[1]
    image[((x - 900) / 400) ** 2 + ((y - 700) / 500) ** 2 < 1] = values[-1]
    image[abs(x - 1300) + abs(y - 900) < 250] = values[1]
    flat = FlatImage.of([image])
    by_runs, by_pixels = png.lines_of_runs(flat), png.lines_of_pixels(flat.bands())
    assert zlib.decompress(by_runs) != zlib.decompress(by_pixels)  # some rows are filtered
    assert len(by_runs) < 1.1 * len(by_pixels)
    if kind != "colours":
        assert png.encoded_flat(flat) == png.encoded(image)


def test_noise_is_left_to_zlib() -> None:
    noise = np.random.default_rng(1).integers(0, 2, (600, 600), np.uint8)
    [line] = [body for name, body in png._chunks_of(png.encoded(noise)) if name == b"IDAT"]
    assert bytes(line) == png.lines_of_pixels([noise])
