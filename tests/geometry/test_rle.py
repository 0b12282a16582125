import json
import re
from pathlib import Path

import numpy as np
import pycocotools.mask as coco_mask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encord_convert.geometry import rle

VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "hub" / "bitmask_vectors.json").read_text("utf-8"))

# The example of every dialect: 4 rows, 5 columns, its tight box at left 1, top 0 of 4 x 4 pixels.
EXAMPLE = np.array([[0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], bool)
ROW_RUNS = [1, 2, 3, 3, 3, 2, 5, 1]
COLUMN_RUNS = [4, 2, 2, 3, 2, 2, 4, 1]
BOX_RUNS = [0, 2, 2, 3, 2, 2, 4, 1]

small_masks = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(
    lambda size: st.tuples(
        st.binary(min_size=size[0] * size[1], max_size=size[0] * size[1]), st.sampled_from([1, 30, 128, 226, 255])
    ).map(lambda drawn: (np.frombuffer(drawn[0], np.uint8) < drawn[1]).reshape(size))
)
any_runs = st.lists(st.integers(0, 2**22), max_size=60)


def vector_mask(vector):
    mask = np.zeros((vector["height"], vector["width"]), bool)
    for top, left, bottom, right in vector.get("rectangles_r0_c0_r1_c1", []):
        mask[top:bottom, left:right] = True
    for row, marks in enumerate(vector.get("rows", [])):
        mask[row] = [mark == "1" for mark in marks]
    return mask


def names(vectors):
    return [vector["name"] for vector in vectors]


# --- the hub's vectors ----------------------------------------------------------------------------------------------


@pytest.mark.proves("pixels: 34")
@pytest.mark.parametrize("vector", VECTORS["encode"], ids=names(VECTORS["encode"]))
def test_mask_has_the_string_the_hub_writes(vector):
    mask = vector_mask(vector)
    string = vector["bitmask"]["rleString"]
    runs = rle.runs_from_mask(mask)
    assert len(runs) == vector["n_runs"]
    assert vector["run_lengths"] in (None, runs.tolist())
    assert rle.string_from_mask(mask) == string
    assert rle.runs_from_string(string).tolist() == runs.tolist()
    assert np.array_equal(rle.mask_from_string(string, vector["height"], vector["width"]), mask)


@pytest.mark.parametrize("vector", VECTORS["decode"], ids=names(VECTORS["decode"]))
def test_irregular_string_reads_as_the_hub_reads_it(vector):
    bitmask = vector["bitmask"]
    arguments = bitmask["rleString"], bitmask["height"], bitmask["width"]
    if "error" in vector:
        assert vector["error"] == "IndexError"
        sentence = r"The runs reach beyond the 6 pixels of 2 x 3 \(height x width\)\."
        with pytest.raises(IndexError, match=sentence):
            rle.mask_from_string(*arguments, lenient=True)
    else:
        mask = rle.mask_from_string(*arguments, lenient=True)
        assert ["".join(map(str, row)) for row in mask.astype(int).tolist()] == vector["rows"]


@pytest.mark.proves("pixels: 34")
@pytest.mark.parametrize("vector", VECTORS["run_length_strings"], ids=lambda vector: vector["string"])
def test_run_lengths_have_the_string_of_the_hub(vector):
    assert rle.string_from_runs(vector["run_lengths"]) == vector["string"]
    assert rle.runs_from_string(vector["string"]).tolist() == vector["run_lengths"]


@pytest.mark.parametrize(
    ("string", "runs"),
    [
        ("0!", [0, 17]),  # outside the alphabet: the low six bits, here a number that does not end
        ("04O", [0, 4]),  # -1 paints nothing
        ("01O4", [0, 1, 0, 5]),  # -1 paints nothing, and 4 is still counted from the 1 before
        ("05O1O", [0, 5, 0, 6]),
        ("1é", [1, 57 & 31]),
    ],
)
def test_lenient_reading_has_a_rule_for_every_character(string, runs):
    runs = [*runs, 60 - sum(runs)] if len(runs) % 2 == 0 else runs
    expected = rle.mask_from_runs([*runs[:-1], runs[-1] + 60 - sum(runs)], 6, 10)
    assert np.array_equal(rle.mask_from_string(string, 6, 10, lenient=True), expected)


def test_lenient_reading_of_a_regular_string_is_the_strict_one():
    string = rle.string_from_mask(EXAMPLE)
    assert np.array_equal(rle.mask_from_string(string, 4, 5, lenient=True), EXAMPLE)


def test_lenient_reading_stops_at_endless_numbers():
    with pytest.raises(IndexError, match=r"A number in the run-length string is larger than any mask\."):
        rle.mask_from_string("o" * 1_000_000, 4, 5, lenient=True)


@pytest.mark.parametrize(
    ("string", "sentence"),
    [
        ("0P", "The run-length string ends inside a number. Was it cut short?"),
        ("04O1", "Run 2 (counted from 0) of the string is -1. Runs cannot be negative."),
        ("1 2", 'A run-length string has characters from "0" to "o"; \' \' is not one of them.'),
        ("1é2", 'A run-length string is ASCII from "0" to "o", not \'1é2\'.'),
        ("oooooooo0", "A number in the run-length string has 9 characters; 7 is the most."),
        ("02", "The runs sum to 2 pixels, but 4 x 5 (height x width) is 20."),
        ("", "The runs sum to 0 pixels, but 4 x 5 (height x width) is 20."),
        ("0e0", "The runs sum to 21 pixels, but 4 x 5 (height x width) is 20."),
    ],
)
def test_irregular_string_is_refused(string, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        rle.mask_from_string(string, 4, 5)


# --- dialects -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("pixels: 33")
def test_example_passes_through_every_dialect():
    runs = rle.runs_from_mask(EXAMPLE)
    columns = rle.column_runs_from_row_runs(runs, 4, 5)
    box_runs, *box = rle.box_runs_from_frame_runs(runs, 5, 4)
    assert runs.tolist() == ROW_RUNS
    assert rle.string_from_runs(runs) == "12310O2O"
    assert columns.tolist() == COLUMN_RUNS
    assert rle.string_from_runs(columns) == "42210O2O"
    assert rle.text_from_runs(box_runs) == "0, 2, 2, 3, 2, 2, 4, 1"
    assert box == [1, 0, 4, 4]


@pytest.mark.proves("pixels: 33")
def test_example_comes_back_from_every_dialect():
    columns = rle.runs_from_counts("42210O2O")
    box_runs = rle.runs_from_text("0, 2, 2, 3, 2, 2, 4, 1")
    from_columns = rle.row_runs_from_column_runs(columns, 4, 5)
    assert rle.runs_from_counts(b"42210O2O").tolist() == rle.runs_from_counts(COLUMN_RUNS).tolist() == COLUMN_RUNS
    assert rle.runs_from_string("12310O2O").tolist() == ROW_RUNS
    assert from_columns.tolist() == ROW_RUNS
    assert rle.frame_runs_from_box_runs(box_runs, 1, 0, 4, 4, 5, 4).tolist() == ROW_RUNS
    assert rle.column_frame_runs_from_box_runs(box_runs, 1, 0, 4, 4, 5, 4).tolist() == COLUMN_RUNS
    assert rle.box_runs_from_column_frame_runs(columns, 5, 4)[0].tolist() == BOX_RUNS
    assert rle.area_from_runs(columns) == rle.area_from_runs(box_runs) == 8


@pytest.mark.proves("labels: 32")
def test_coco_vectors_hold():
    mask = np.zeros((3, 4), bool)
    mask[[0, 0, 1], [1, 2, 1]] = True
    columns = rle.column_runs_from_row_runs(rle.runs_from_mask(mask), 3, 4)
    assert columns.tolist() == [3, 2, 1, 1, 5]
    assert rle.string_from_runs(columns) == "321O4"
    assert rle.runs_from_mask(mask).tolist() == [1, 2, 2, 1, 6]
    assert rle.string_from_mask(np.ones((2, 3), bool)) == "06"
    assert rle.string_from_mask(np.zeros((2, 3), bool)) == "6"


def test_cvat_mask_is_placed_in_its_frame():
    runs = rle.runs_from_text("1, 2, 2, 1, 6")
    mask = rle.mask_from_runs(rle.frame_runs_from_box_runs(runs, 10, 5, 4, 3, 30, 20), 20, 30)
    assert np.argwhere(mask).tolist() == [[5, 11], [5, 12], [6, 11]]


@pytest.mark.proves("pixels: 34")
def test_string_with_a_backslash_survives_json():
    runs = [40, 30, 20, 10, 5, 2, 1]
    string = rle.string_from_runs(runs)
    assert "\\" in string
    assert rle.runs_from_string(json.loads(json.dumps(string))).tolist() == runs


@pytest.mark.parametrize("text", ["", "  ", "7", "0,3", " 1 ,\t2\n, 3 "])
def test_decimal_text_allows_blanks_around_commas(text):
    assert rle.runs_from_text(text).tolist() == [int(number) for number in text.split(",") if number.strip()]


@pytest.mark.parametrize("text", ["1, 2.5", "NaN", "1e3", "1,,2", "1, 2,", "1 2", "x", "true", "[1]", "1], [2", '"1"'])
def test_text_that_is_no_run_lengths_is_refused(text):
    sentence = re.escape(f"Run lengths are whole numbers separated by commas, not {text!r}.")
    with pytest.raises(ValueError, match=sentence):
        rle.runs_from_text(text)


def test_long_junk_is_quoted_short():
    with pytest.raises(ValueError) as caught:
        rle.runs_from_text("x" * 1000)
    assert str(caught.value).endswith("not 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'.")


# --- agreement with pycocotools, inverses ---------------------------------------------------------------------------


@given(small_masks)
@settings(max_examples=300)
def test_column_string_is_the_one_of_pycocotools(mask):
    columns = rle.column_runs_from_row_runs(rle.runs_from_mask(mask), *mask.shape)
    expected = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert rle.string_from_runs(columns) == expected
    assert columns.tolist() == rle.runs_from_mask(mask.T).tolist() == rle.runs_from_string(expected).tolist()


@given(small_masks)
@settings(max_examples=300)
def test_mask_survives_rows_columns_and_boxes(mask):
    height, width = mask.shape
    runs = rle.runs_from_mask(mask)
    columns = rle.column_runs_from_row_runs(runs, height, width)
    assert np.array_equal(rle.mask_from_runs(runs, height, width), mask)
    assert rle.row_runs_from_column_runs(columns, height, width).tolist() == runs.tolist()
    box_runs, left, top, box_width, box_height = rle.box_runs_from_frame_runs(runs, width, height)
    box = (left, top, box_width, box_height)
    assert box == rle.box_from_runs(runs, height, width)
    assert rle.mask_from_runs(box_runs, box_height, box_width).tolist() == (
        mask[top : top + box_height, left : left + box_width].tolist()
    )
    assert rle.frame_runs_from_box_runs(box_runs, *box, width, height).tolist() == runs.tolist()
    assert rle.column_frame_runs_from_box_runs(box_runs, *box, width, height).tolist() == columns.tolist()
    from_columns, *same_box = rle.box_runs_from_column_frame_runs(columns, width, height)
    assert from_columns.tolist() == box_runs.tolist()
    assert tuple(same_box) == box


@given(small_masks, st.tuples(*[st.integers(0, 3)] * 4))
@settings(max_examples=300)
def test_box_touches_any_border_of_its_frame(mask, margins):
    height, width = mask.shape
    left, top, right, bottom = margins
    frame = np.pad(mask, ((top, bottom), (left, right)))
    arguments = rle.runs_from_mask(mask), left, top, width, height, frame.shape[1], frame.shape[0]
    assert rle.frame_runs_from_box_runs(*arguments).tolist() == rle.runs_from_mask(frame).tolist()
    assert rle.column_frame_runs_from_box_runs(*arguments).tolist() == rle.runs_from_mask(frame.T).tolist()


@given(any_runs)
def test_runs_survive_the_string(runs):
    assert rle.runs_from_string(rle.string_from_runs(runs)).tolist() == runs


@given(any_runs)
def test_runs_survive_the_text(runs):
    assert rle.runs_from_text(rle.text_from_runs(runs)).tolist() == runs


@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=20))
def test_any_text_parses_to_runs_that_render_or_is_refused(text):
    try:
        runs = rle.runs_from_string(text)
    except ValueError:
        return
    if runs.sum() <= rle.MAX_PIXELS and (runs <= rle.MAX_PIXELS).all():
        assert rle.runs_from_string(rle.string_from_runs(runs)).tolist() == runs.tolist()


@given(st.lists(st.binary(min_size=30, max_size=30), max_size=4))
def test_union_and_xor_agree_with_pixels(drawn):
    drawings = [np.frombuffer(data, np.uint8).reshape(5, 6) < 90 for data in drawn]
    runs = [rle.runs_from_mask(mask) for mask in drawings]
    stack = np.array([np.zeros((5, 6), bool), *drawings])
    assert rle.union_of_runs(runs, 30).tolist() == rle.runs_from_mask(np.logical_or.reduce(stack)).tolist()
    assert rle.xor_of_runs(runs, 30).tolist() == rle.runs_from_mask(np.logical_xor.reduce(stack)).tolist()


@given(small_masks)
def test_row_pieces_are_the_runs_of_each_row(mask):
    height, width = mask.shape
    rows, columns = np.divmod(rle.row_pieces(rle.runs_from_mask(mask), height, width), width + 1)
    repainted = np.zeros_like(mask)
    for row, start, end in zip(rows[0::2], columns[0::2], columns[1::2], strict=True):
        assert not repainted[row, start:end].any()
        repainted[row, start:end] = True
    assert np.array_equal(repainted, mask)
    assert rows[0::2].tolist() == rows[1::2].tolist()


# --- edges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 4)])
@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_single_pixel_in_each_corner_survives(shape, corner):
    mask = np.zeros(shape, bool)
    mask[corner] = True
    runs = rle.runs_from_mask(mask)
    columns = rle.column_runs_from_row_runs(runs, *shape)
    row, column = np.argwhere(mask)[0].tolist()
    assert rle.box_from_runs(runs, *shape) == (column, row, 1, 1)
    assert rle.mask_from_runs(columns, *shape[::-1]).T.tolist() == mask.tolist()
    assert rle.mask_from_string(rle.string_from_runs(runs), *shape).tolist() == mask.tolist()


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_mask_without_pixels_is_one_run_of_zero(shape):
    runs = rle.runs_from_mask(np.zeros(shape, bool))
    assert runs.tolist() == [0]
    assert rle.string_from_runs(runs) == "0"
    assert rle.mask_from_runs(runs, *shape).shape == shape
    assert rle.mask_from_runs([], *shape).shape == shape
    assert rle.column_runs_from_row_runs([0, 0], *shape).tolist() == [0]
    assert rle.box_runs_from_frame_runs(runs, shape[1], shape[0])[1:] == (0, 0, 0, 0)


@pytest.mark.proves("pixels: 34")
@pytest.mark.parametrize(("value", "runs"), [(False, [12]), (True, [0, 12])])
def test_empty_and_full_masks_stay_so_in_both_scans(value, runs):
    mask = np.full((3, 4), value)
    assert rle.runs_from_mask(mask).tolist() == runs
    assert rle.column_runs_from_row_runs(runs, 3, 4).tolist() == runs
    box_runs, *box = rle.box_runs_from_frame_runs(runs, 4, 3)
    assert (box_runs.tolist(), box) == ((runs, [0, 0, 4, 3]) if value else ([0], [0, 0, 0, 0]))


def test_empty_box_is_an_empty_frame():
    assert rle.frame_runs_from_box_runs([0], 0, 0, 0, 0, 4, 3).tolist() == [12]
    assert rle.column_frame_runs_from_box_runs([0], 0, 0, 0, 0, 4, 3).tolist() == [12]


@pytest.mark.proves("pixels: 34")
@pytest.mark.parametrize("length", [2**15, 2**20, 2**20 + 1, 2**26])
def test_long_runs_survive(length):
    runs = [length, 1, 3, length - 1]
    assert rle.runs_from_string(rle.string_from_runs(runs)).tolist() == runs


def test_many_alternating_pixels_survive():
    mask = np.indices((301, 400)).sum(axis=0) % 2 == 1
    runs = rle.runs_from_mask(mask)
    assert len(runs) > 60_000
    assert np.array_equal(rle.mask_from_string(rle.string_from_runs(runs), 301, 400), mask)
    columns = rle.column_runs_from_row_runs(runs, 301, 400)
    assert columns.tolist() == rle.runs_from_mask(mask.T).tolist()


@pytest.mark.parametrize(
    "variant",
    [
        np.asfortranarray,
        lambda mask: np.repeat(mask, 2, axis=1)[:, ::2],
        lambda mask: mask[::-1, ::-1][::-1, ::-1],
        lambda mask: mask.astype(np.uint8) * 255,
        lambda mask: mask.astype(np.int64) * [[1, 2, 3, 4, -5]],
        lambda mask: (mask.astype(np.uint8) * np.uint8([[1, 2, 255, 4, 5]])).view(bool),
    ],
    ids=["fortran", "strided", "reversed", "0-255", "classes", "bytes that are not 1"],
)
def test_memory_layout_and_values_make_no_difference(variant):
    mask = variant(EXAMPLE)
    mask.flags.writeable = False
    assert rle.runs_from_mask(mask).tolist() == ROW_RUNS


def test_image_of_mode_1_is_a_mask():
    image = pytest.importorskip("PIL.Image").fromarray(EXAMPLE.astype(np.uint8) * 255).convert("1")
    assert rle.runs_from_mask(image).tolist() == ROW_RUNS


def test_decoded_mask_is_writable():
    mask = rle.mask_from_string("12310O2O", 4, 5)
    mask[0, 0] = True
    assert mask.flags.c_contiguous


@pytest.mark.parametrize(
    ("runs", "canonical"),
    [
        ([1, 0, 1, 4, 0], [2, 4]),
        ([0, 0, 3], [3]),
        ([0, 6, 0], [0, 6]),
        ([2, 1, 0, 1, 2], [2, 2, 2]),
        ([0, 0, 0, 0, 6], [6]),
        ([0, 0], [0]),
        ([], [0]),
        ([5, 1], [5, 1]),
    ],
)
def test_zero_runs_are_merged(runs, canonical):
    assert rle.canonical_runs(runs).tolist() == canonical


def test_zero_runs_make_no_difference_to_boxes_and_columns():
    padded = [0, 0, 1, 1, 0, 1, 3, 3, 3, 2, 5, 1, 0, 0]
    assert rle.column_runs_from_row_runs(padded, 4, 5).tolist() == COLUMN_RUNS
    assert rle.box_runs_from_frame_runs(padded, 5, 4)[0].tolist() == BOX_RUNS
    assert rle.frame_runs_from_box_runs([0, 1, 0, 1, *BOX_RUNS[2:]], 1, 0, 4, 4, 5, 4).tolist() == ROW_RUNS


# --- what is wrong with files ---------------------------------------------------------------------------------------


@pytest.mark.proves("pixels: 35")
@pytest.mark.parametrize(
    ("runs", "repaired", "missing"),
    [
        ([1, 2], [1, 2, 9], 9),
        ([1, 2, 3], [1, 2, 9], 6),
        ([], [12], 12),
        ([12], [12], 0),
        ([0, 12], [0, 12], 0),
        ([1, 20], [1, 11], -9),
        ([4, 8, 3], [4, 8], -3),
        ([13], [12], -1),
        ([0, 5, 30, 2], [0, 5, 7], -25),
    ],
)
def test_runs_are_made_to_fill_the_mask(runs, repaired, missing):
    fixed, difference = rle.repaired_runs(runs, 3, 4)
    assert (fixed.tolist(), difference) == (repaired, missing)
    rle.check_runs(fixed, 3, 4)


def test_repair_leaves_the_runs_of_the_caller_alone():
    runs = np.array([1, 2, 3])
    rle.repaired_runs(runs, 3, 4)
    assert runs.tolist() == [1, 2, 3]


@pytest.mark.proves("pixels: 35")
@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ([3, -1, 10], "Run 1 (counted from 0) is -1. Runs are from 0 to 268435456 pixels."),
        ([3, 2**40], "Run 1 (counted from 0) is 1099511627776. Runs are from 0 to 268435456 pixels."),
        ([2**63 - 1, 2**63 - 1, 14], "Run 0 (counted from 0) is 9223372036854775807. Runs are from 0 to 268435456"),
        ([3, 2**63], "Runs are whole numbers from 0 to 268435456; 9223372036854775808 is not one of them."),
        ([3, 2**70], f"Runs are whole numbers from 0 to 268435456; {2**70} is not one of them."),
        ([3, 9.5], "Runs are whole numbers from 0 to 268435456; 9.5 is not one of them."),
        ([3, float("nan")], "Runs are whole numbers from 0 to 268435456; nan is not one of them."),
        ([3, "9"], "Runs are whole numbers from 0 to 268435456; '9' is not one of them."),
        ([3, None], "Runs are whole numbers from 0 to 268435456; None is not one of them."),
        ([True, False], "Runs are whole numbers from 0 to 268435456; True is not one of them."),
        (np.array([3.0, 9.0]), "Runs are whole numbers from 0 to 268435456; 3.0 is not one of them."),
        ([[3, 9]], "Runs are a flat list of whole numbers; these have 2 dimensions."),
        ([[3], 9], "Runs are a flat list of whole numbers; these are nested unevenly."),
        (12, "Runs are a flat list of whole numbers; these have 0 dimensions."),
    ],
    ids=str,
)
def test_runs_that_are_no_runs_are_refused_everywhere(runs, sentence):
    variants = [
        lambda: rle.check_runs(runs, 3, 4),
        lambda: rle.repaired_runs(runs, 3, 4),
        lambda: rle.mask_from_runs(runs, 3, 4),
        lambda: rle.string_from_runs(runs),
        lambda: rle.runs_from_counts(runs),
        lambda: rle.column_runs_from_row_runs(runs, 3, 4),
        lambda: rle.column_frame_runs_from_box_runs(runs, 0, 0, 4, 3, 4, 3),
    ]
    for variant in variants:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            variant()


@pytest.mark.proves("pixels: 35")
@pytest.mark.parametrize("runs", [[3, 8], [3, 10], [], [13]])
def test_runs_that_do_not_fill_the_mask_are_refused_everywhere(runs):
    sentence = re.escape(f"The runs sum to {sum(runs)} pixels, but 3 x 4 (height x width) is 12.")
    variants = [
        lambda: rle.check_runs(runs, 3, 4),
        lambda: rle.mask_from_runs(runs, 3, 4),
        lambda: rle.box_from_runs(runs, 3, 4),
        lambda: rle.row_pieces(runs, 3, 4),
        lambda: rle.column_runs_from_row_runs(runs, 3, 4),
        lambda: rle.box_runs_from_frame_runs(runs, 4, 3),
        lambda: rle.frame_runs_from_box_runs(runs, 0, 0, 4, 3, 4, 3),
        lambda: rle.column_frame_runs_from_box_runs(runs, 0, 0, 4, 3, 9, 9),
        lambda: rle.clipped_box_runs(runs, 0, 0, 4, 3, 2, 2),
    ]
    for variant in variants:
        with pytest.raises(ValueError, match=sentence):
            variant()


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((-1, 4), "The size of a mask cannot be negative: -1 x 4 (height x width)."),
        ((3, 4.0), "The size of a mask is whole pixels, not 3 x 4.0 (height x width)."),
        ((2**20, 2**20), "A mask of 1048576 x 1048576 pixels is larger than the 268435456 pixels allowed here."),
    ],
)
def test_size_that_no_mask_has_is_refused_before_memory_is_taken(size, sentence):
    variants = [
        lambda: rle.check_runs([12], *size),
        lambda: rle.mask_from_runs([12], *size),
        lambda: rle.mask_from_string("", *size, lenient=True),
        lambda: rle.column_runs_from_row_runs([12], *size),
        lambda: rle.repaired_runs([], *size),
    ]
    for variant in variants:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            variant()


def test_runs_beyond_the_cap_have_no_string():
    sentence = r"The runs sum to 536870912 pixels, more than the 268435456 pixels allowed here\."
    with pytest.raises(ValueError, match=sentence):
        rle.string_from_runs([2**28, 2**28])


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (3, 0), (0, 2)])
def test_box_outside_its_frame_is_refused(place):
    left, top = place
    sentence = re.escape(f"The box at left {left}, top {top} of 2 x 2 pixels (width x height) is not inside")
    for place_box in (rle.frame_runs_from_box_runs, rle.column_frame_runs_from_box_runs):
        with pytest.raises(ValueError, match=sentence):
            place_box([0, 4], left, top, 2, 2, 4, 3)


@given(small_masks, st.integers(-16, 16), st.integers(-16, 16))
def test_what_is_outside_the_frame_is_cut_and_counted(mask, left, top):
    height, width = mask.shape
    runs = rle.runs_from_mask(mask)
    clipped, *box, lost = rle.clipped_box_runs(runs, left, top, width, height, 10, 8)
    large = np.zeros((60, 60), bool)
    large[20 + top : 20 + top + height, 20 + left : 20 + left + width] = mask
    inside = large[20:28, 20:30]
    assert rle.frame_runs_from_box_runs(clipped, *box, 10, 8).tolist() == rle.runs_from_mask(inside).tolist()
    assert lost == np.count_nonzero(mask) - np.count_nonzero(inside)


@pytest.mark.parametrize("mask", [np.zeros(4, bool), np.zeros((1, 2, 3), bool)])
def test_mask_of_other_than_two_dimensions_is_refused(mask):
    sentence = f"A mask has two dimensions, height and width; this array has {mask.ndim}"
    with pytest.raises(ValueError, match=sentence):
        rle.runs_from_mask(mask)


def test_mask_of_fractions_is_refused():
    sentence = r"A mask is boolean or whole numbers, not float64\. Compare it with a threshold first\."
    with pytest.raises(ValueError, match=sentence):
        rle.runs_from_mask(np.zeros((2, 2)))
