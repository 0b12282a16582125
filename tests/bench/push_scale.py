"""Push a generated export with images, verify it, and pull it as COCO: the same as converting the source.

    python tests/bench/push_scale.py [--images 2000]

Exits with 1 if anything differs but what the reports name.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/sync")]

from served import COMMAND, Served, environment  # noqa: E402

import encord_convert  # noqa: E402
from encord_convert import Report  # noqa: E402
from encord_convert.losses.compare import diff  # noqa: E402


def main() -> int:
    """Do what the arguments say, and tell how long each step took."""
    parser = argparse.ArgumentParser(description="Push, verify and pull a generated export.")
    parser.add_argument("--images", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="push-scale-") as scratch:
        folder = Path(scratch)
        source = folder / "source"
        generator = [sys.executable, str(ROOT / "tests/bench/generate_cvat.py"), str(source / "annotations.xml")]
        images = ["--images", str(given.images), "--with-images", str(source / "images")]
        made = subprocess.run([*generator, *images], check=True, capture_output=True, text=True)
        (source / "annotations.xml.manifest.json").unlink()
        print(made.stdout.strip()[:200])
        served = Served(folder / "service")
        try:

            def timed(*words: str) -> str:
                began = time.perf_counter()
                done = subprocess.run(
                    [*COMMAND, *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False
                )
                told = done.stderr.strip().splitlines()[-1:]
                print(f"{words[0]:<8} exit {done.returncode}  {time.perf_counter() - began:6.1f} s  {told}", flush=True)
                codes.append(done.returncode)
                return done.stdout

            codes: list[int] = []
            reach = served.reach()
            project = timed("push", str(source), "--new-project", "Generated", *reach).strip()
            timed("verify", str(source), project, *reach)
            timed("pull", project, "pulled", "--to", "coco", "--report", "pulled.json", *reach)
            timed("convert", str(source), "converted", "--to", "coco", "--report", "converted.json")
            one, other = (encord_convert.read(folder / name, report=Report()) for name in ("converted", "pulled"))
            differences = [str(difference) for difference in diff(one, other)]
            print(f"pulled and converted: {len(differences)} differences", *differences[:5], sep="\n  ")
            lost = {
                name: {loss["feature"] for loss in json.loads((folder / f"{name}.json").read_text())["losses"]}
                for name in ("pulled", "converted")
            }
            print(f"lost in the pull beyond the conversion: {sorted(lost['pulled'] - lost['converted']) or 'nothing'}")
        finally:
            served.close()
    return int(any(codes) or bool(differences))


if __name__ == "__main__":
    sys.exit(main())
