"""Run-length dialects of a mask: COCO string, COCO counts, hub bitmask, CVAT mask.

A mask is a sequence of run lengths in pixels, background and foreground in turn, background first (the first run is 0
when the first pixel is set). What tells the dialects apart is the scan and the text:

===================  ==========================  =============================================
Dialect              Scan                        Text
===================  ==========================  =============================================
COCO counts          columns of the whole image  a list of numbers
COCO string          columns of the whole image  base-32 differences, ``string_from_runs``
hub bitmask          rows of the whole image     the same string
CVAT mask            rows inside a tight box     decimal numbers, ``text_from_runs``
===================  ==========================  =============================================

Runs are 1-D int64 arrays. *Row runs* scan a mask of shape (height, width) left to right and then down; *column runs*
scan it downwards and then to the right. Column runs of a mask are the row runs of its transpose, so a function that
speaks of rows serves columns too when width and height (left and top) change places.

Canonical runs hold no 0 except in front, and end with the last pixel; everything returned here is canonical unless it
says that it keeps the runs of a file. Files come from strangers: each function checks its input before it allocates and
before it calls C code, which would read memory that is not ours.

All names are here. They live in :mod:`~encord_convert.geometry.runs` (checks, masks, sets of pixels),
:mod:`~encord_convert.geometry.run_texts` (strings and numbers) and :mod:`~encord_convert.geometry.run_scans` (boxes and
scans).

Sources: cocoapi 2.0 ``maskApi.c`` (``rleToString``) and ``mask.py`` (opening comment); CVAT XML 1.1 ``<mask>``; the
hub's string is measured (``fixtures/hub/bitmask_vectors.json``).
"""

from __future__ import annotations

from encord_convert.geometry.run_scans import (
    box_from_runs,
    box_runs_from_column_frame_runs,
    box_runs_from_frame_runs,
    clipped_box_runs,
    column_frame_runs_from_box_runs,
    column_runs_from_row_runs,
    frame_changes_from_box_runs,
    frame_runs_from_box_runs,
    row_pieces,
    row_runs_from_column_runs,
)
from encord_convert.geometry.run_texts import (
    mask_from_string,
    runs_from_counts,
    runs_from_string,
    runs_from_text,
    string_from_mask,
    string_from_runs,
    text_from_runs,
)
from encord_convert.geometry.runs import (
    MAX_PIXELS,
    Runs,
    area_from_runs,
    canonical_runs,
    check_runs,
    check_size,
    current_pixel_limit,
    mask_from_runs,
    pixel_limit,
    repaired_runs,
    runs_from_mask,
    union_of_runs,
    xor_of_runs,
)

__all__ = [
    "MAX_PIXELS",
    "Runs",
    "area_from_runs",
    "box_from_runs",
    "box_runs_from_column_frame_runs",
    "box_runs_from_frame_runs",
    "canonical_runs",
    "check_runs",
    "check_size",
    "clipped_box_runs",
    "column_frame_runs_from_box_runs",
    "column_runs_from_row_runs",
    "current_pixel_limit",
    "frame_changes_from_box_runs",
    "frame_runs_from_box_runs",
    "mask_from_runs",
    "mask_from_string",
    "pixel_limit",
    "repaired_runs",
    "row_pieces",
    "row_runs_from_column_runs",
    "runs_from_counts",
    "runs_from_mask",
    "runs_from_string",
    "runs_from_text",
    "string_from_mask",
    "string_from_runs",
    "text_from_runs",
    "union_of_runs",
    "xor_of_runs",
]
