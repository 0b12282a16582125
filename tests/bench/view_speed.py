"""Measure `view`: how long a page of 1,000 images takes to open, and what 100,000 images cost beside `info`.

    python tests/bench/view_speed.py [--images 100000] [FOLDER]

A COCO file of boxes and polygons is made in FOLDER (by default a temporary one), and 1,000 small JPEG files for the
page that is opened, in Chromium by playwright. Targets: opened in 2 s; 150 MB; at most twice the time of `info`.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from _measure import run
from cvat_to_coco import environment_of_checkout

PER_IMAGE = 7
OPENED_S, MEMORY_MB, TIMES_INFO = 2.0, 150.0, 2.0
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def make(folder: Path, count: int, pixels: int) -> Path:
    """Write a COCO file of that many images, and the first images themselves."""
    from PIL import Image, ImageFilter

    chance = random.Random(1)
    images = [{"id": n, "width": 640, "height": 480, "file_name": f"{n:06d}.jpg"} for n in range(1, count + 1)]
    (folder / "images").mkdir(parents=True)
    # As many details as a photograph: its thumbnails have about 15 kB.
    noise = Image.effect_noise((640, 480), 50).filter(ImageFilter.GaussianBlur(1.5)).convert("RGB")
    for image in images[:pixels]:
        noise.point(lambda value, n=image["id"]: (value + n) % 256).save(folder / "images" / image["file_name"])
    path = folder / "annotations.json"
    with path.open("w") as file:
        file.write('{"images":' + json.dumps(images) + ',"annotations":[')
        for number in range(count * PER_IMAGE):
            left, top = round(chance.uniform(0, 500), 2), round(chance.uniform(0, 380), 2)
            ring = [left, top, left + 90, top + 4, left + 100, top + 60, left + 40, top + 90]
            shape = f',"segmentation":[{ring}]' if number % 3 == 0 else ""
            file.write(
                f'{"," if number else ""}{{"id":{number + 1},"image_id":{number // PER_IMAGE + 1},"category_id":'
                f'{number % 9 + 1},"bbox":[{left},{top},100,90],"area":9000,"iscrowd":0{shape}}}'
            )
        file.write('],"categories":' + json.dumps([{"id": n, "name": f"class {n}"} for n in range(1, 10)]) + "}")
    return path


def opened_s(page: Path) -> float:
    """Return the seconds from the address to a page whose filters are there and whose first images are drawn."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_function("document.body?.dataset.ready && document.querySelectorAll('figure .shape').length > 20")
        taken = time.perf_counter() - begin
        browser.close()
    return taken


def main() -> int:
    """Print each figure beside its target; exit with 1 if one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        out, environment = folder / "out", environment_of_checkout(folder)
        program = [sys.executable, "-m", "encord_convert"]
        small, large = make(folder / "small", 1_000, 1_000), make(folder / "large", given.images, 0)
        page = folder / "page.html"

        def called(*words: object) -> tuple[float, float]:
            done = run([*program, *map(str, words)], stdout=out, stderr=folder / "err", env=environment)
            assert done.code == 0, (folder / "err").read_text()
            return done.cpu_s, done.peak_mb

        called("info", small)  # compiles the modules
        info = called("info", large)
        view = called("view", large, "-o", page, "--overwrite")
        with_images = called("view", small.parent, "-o", page, "--overwrite")
        taken = opened_s(page)
        print(f"info of {given.images} images     {info[0]:6.1f} s  {info[1]:6.0f} MB")
        print(f"view of {given.images} images     {view[0]:6.1f} s  {view[1]:6.0f} MB  {view[0] / info[0]:.2f} x info")
        print(f"view of 1000 with images  {with_images[0]:6.1f} s  {with_images[1]:6.0f} MB")
        print(f"opened {page.stat().st_size / 1e6:.1f} MB in {taken:.2f} s")
        return int(taken > OPENED_S or view[1] > MEMORY_MB or view[0] > TIMES_INFO * info[0])


if __name__ == "__main__":
    sys.exit(main())
