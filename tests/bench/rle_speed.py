"""Measure masks and run lengths against pycocotools, one mask at a time, in one process.

    python tests/bench/rle_speed.py
    python tests/bench/rle_speed.py --repeats 50

Prints the median of each task and exits with 1 if one takes longer than twice its goal, which machines shared with
others need.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from pycocotools import mask as pycoco

from encord_convert.geometry import encodings, masks, png, rle

SIZES = {"1080p": (1080, 1920), "4K": (2160, 3840)}
SLACK = 2.0


@dataclass(frozen=True)
class Task:
    """What is measured, the goal in milliseconds for 1080p and 4K, and the same by pycocotools where it has it."""

    name: str
    run: Callable[[], Any]
    goals_ms: tuple[float, float] | None = None
    by_pycocotools: Callable[[], Any] | None = None


def ellipse(height: int, width: int) -> np.ndarray:
    """Return one object of about a run for each row of 60 % of the image."""
    y, x = np.ogrid[:height, :width]
    inside = ((x - width / 2) / (width / 4)) ** 2 + ((y - height / 2) / (height * 0.3)) ** 2 < 1
    return np.asarray(inside)


def dense(height: int, width: int) -> np.ndarray:
    """Return thresholded noise of about one run for 18 pixels."""
    noise = np.random.default_rng(1).random((height, width // 9 + 1)) > 0.5
    return np.ascontiguousarray(np.repeat(noise, 9, axis=1)[:, :width])


def tasks(height: int, width: int) -> list[Task]:
    """Return what is measured on an image of this size."""
    mask, noise = ellipse(height, width), dense(height, width)
    runs, text = rle.runs_from_mask(mask), rle.string_from_mask(mask)
    noisy = rle.string_from_mask(noise)
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.column_stack([width * (0.5 + 0.25 * np.cos(angles)), height * (0.5 + 0.3 * np.sin(angles))]).ravel()
    coco = pycoco.encode(np.asfortranarray(mask, np.uint8))
    rotated = {"size": [width, height], "counts": text.encode()}
    brush = encodings.brush_from_runs(runs)
    columns = rle.column_runs_from_row_runs(runs, height, width)
    pairs = encodings.pairs_from_runs(columns)
    box = rle.box_runs_from_frame_runs(runs, width, height)
    bitmap = encodings.bitmap_from_box_runs(box[0], *box[3:])
    data = png.encoded(mask)
    return [
        Task(
            "mask to hub string",
            lambda: rle.string_from_mask(mask),
            (0.6, 3),
            lambda: pycoco.encode(mask.view(np.uint8).T),
        ),
        Task(
            "hub string to mask",
            lambda: rle.mask_from_string(text, height, width),
            (0.2, 0.6),
            lambda: pycoco.decode(rotated).T,
        ),
        Task(
            "hub string to COCO string",
            lambda: rle.string_from_runs(rle.column_runs_from_row_runs(rle.runs_from_string(text), height, width)),
            (2, 10),
            lambda: pycoco.encode(np.asfortranarray(pycoco.decode(rotated).T)),
        ),
        Task(
            "polygon of 200 points to COCO string",
            lambda: rle.string_from_runs(masks.column_runs_from_rings([ring], height, width)),
            (0.3, 0.5),
            lambda: pycoco.frPyObjects([ring.tolist()], height, width),
        ),
        Task(
            "dense mask to hub string",
            lambda: rle.string_from_mask(noise),
            (7, 45),
            lambda: pycoco.encode(noise.view(np.uint8).T),
        ),
        Task("dense hub string to mask", lambda: rle.mask_from_string(noisy, height, width), (7, 45)),
        Task("mask to rings", lambda: masks.rings_from_mask(mask), (5, 15)),
        Task("area of a COCO string", lambda: rle.area_from_runs(rle.runs_from_string(coco["counts"])), None,
             lambda: pycoco.area(coco)),
        Task("row runs to brush", lambda: encodings.brush_from_runs(runs)),
        Task("brush to row runs", lambda: encodings.runs_from_brush(brush, height, width)),
        Task("column runs to pairs", lambda: encodings.pairs_from_runs(columns)),
        Task("pairs to column runs", lambda: encodings.runs_from_pairs(pairs, height * width)),
        Task("box runs to bitmap", lambda: encodings.bitmap_from_box_runs(box[0], *box[3:])),
        Task("bitmap to box runs", lambda: encodings.runs_from_bitmap(bitmap)),
        Task("mask to PNG", lambda: png.encoded(mask)),
        Task("PNG to mask", lambda: png.decoded(data)),
    ]  # fmt: skip


def milliseconds(run: Callable[[], Any], repeats: int) -> float:
    """Return the median time of a call."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return 1000 * median(times)


def main() -> int:
    """Measure every task, and return 1 if one is far from its goal."""
    parser = argparse.ArgumentParser(description="Measure masks and run lengths against pycocotools.")
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    is_good = True
    for place, (name, size) in enumerate(SIZES.items()):
        print(f"{name + ', ms':38} {'here':>8} {'pycocotools':>12} {'goal':>6}")
        for task in tasks(*size):
            took = milliseconds(task.run, repeats)
            other = f"{milliseconds(task.by_pycocotools, repeats):12.3f}" if task.by_pycocotools else f"{'':12}"
            goal = task.goals_ms[place] if task.goals_ms else None
            missed = goal is not None and took > SLACK * goal
            is_good = is_good and not missed
            print(f"{task.name:38} {took:8.3f} {other} {goal or '':>6}{' MISSED' if missed else ''}")
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
