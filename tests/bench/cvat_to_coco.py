"""Measure CVAT-to-COCO conversion beside two other converters: same inputs, same run, whole processes, interleaved.

    python tests/bench/cvat_to_coco.py --datumaro ~/datumaro/bin/python --hotcoco ~/hotcoco/bin/python
    python tests/bench/cvat_to_coco.py --with-100k --keep work
    python tests/bench/cvat_to_coco.py --growth --keep work

``bp`` holds boxes and polygons, ``mix`` every kind of shape and 10 % rotated boxes; both with attributes. The numbers
are medians; trust CPU seconds and ratios, since wall time depends on what else the machine does. What is written is
checked against the manifest of the input: a wrong count, or two processes that write other bytes than one, is an
exit code of 1. Goals are judged on screen only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _measure import Run, median_of, own_peak_mb, run
from generate_cvat import DEFAULT_MIX, POINTS, manifest_path, parse_mix

BENCH = Path(__file__).parent
ROOT = BENCH.parents[1]
PEERS = {"datumaro": "datumaro[cli]==1.13.12", "hotcoco": "hotcoco==1.3.0"}
"""Peers by package name, and what to ask pip for."""

GROWTH = 5
"""How many times as many images the big inputs have."""
HOTCOCO_API = "import sys, hotcoco; hotcoco.COCO.from_cvat(sys.argv[1]).save(sys.argv[2])"

CPU_GOALS = {"bp": 4.0, "mix": 10.0}
"""How many times less CPU than the datumaro command line."""
PEAK_GOAL_MB = 80.0
FLAT_GOAL = 1.3
GROWTH_TIMES = (1, 5, 20)
GROWTH_GOAL = 1.05
SHAPES = ("box", "polygon", "polyline", "points", "mask")
"""Elements that are COCO annotations if they are written."""


@dataclass(frozen=True)
class Work:
    """An input: an export, its manifest beside it and, if a peer needs them, its images in ``images``."""

    name: str
    kind: str
    images: int
    folder: Path

    @property
    def xml(self) -> Path:
        """The export."""
        return self.folder / "annotations.xml"

    def manifest(self) -> dict[str, Any]:
        """Return what the export holds."""
        manifest: dict[str, Any] = json.loads(manifest_path(self.xml).read_text(encoding="utf-8"))
        return manifest


@dataclass(frozen=True)
class Converter:
    """A program to measure: ``command(input, target)`` gives its words; the target is a folder of its own."""

    name: str
    command: Callable[[Work, Path], Sequence[str | Path]]
    is_ours: bool = False
    watch_children: bool = False


@dataclass
class Result:
    """What one converter did with one input."""

    runs: list[Run] = field(default_factory=list)
    annotations: int = 0
    digest: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def median(self) -> Run:
        """The medians of the runs."""
        return median_of(self.runs)


# -- the converters ---------------------------------------------------------------------------------------------------


def ours(jobs: int = 1) -> Converter:
    """Return this checkout, run by the interpreter that runs this file."""

    def command(work: Work, target: Path) -> Sequence[str | Path]:
        extra = () if jobs == 1 else ("--jobs", str(jobs))
        return (sys.executable, "-m", "encord_convert", "convert", work.xml, target, "--to", "coco", "--json", *extra)

    name = "encord_convert" if jobs == 1 else f"encord_convert --jobs {jobs}"
    return Converter(name, command, is_ours=True, watch_children=jobs > 1)


def datumaro(python: Path) -> Converter:
    """Return the command line of datumaro; it reads a folder and wants the images there."""

    def command(work: Work, target: Path) -> Sequence[str | Path]:
        words = ("convert", "-i", work.folder, "-if", "cvat", "-f", "coco_instances", "-o", target)
        return (python.parent / "datum", *words)

    return Converter("datumaro CLI", command)


def hotcoco_api(python: Path) -> Converter:
    """Return the Python interface of hotcoco: load, save."""
    return Converter("hotcoco API", lambda work, target: (python, "-c", HOTCOCO_API, work.xml, target / "out.json"))


def hotcoco_cli(python: Path) -> Converter:
    """Return the command line of hotcoco."""

    def command(work: Work, target: Path) -> Sequence[str | Path]:
        words = ("convert", "--from", "cvat", "--to", "coco", "--input", work.xml, "--output", target / "out.json")
        return (python.parent / "coco", *words)

    return Converter("hotcoco CLI", command)


def peer(package: str, python: str | None) -> Path | None:
    """Return the interpreter that has a peer, or say how to make one and return None."""
    pinned = PEERS[package].partition("==")[2]
    found = _version(package, python) if python else None
    if python and found:
        print(f"{package} {found}" + ("" if found == pinned else f" (the goals are about {pinned})"))
        return Path(python).absolute()
    if python:
        print(f"{python} is not an interpreter that has {package}.")
    print(
        f"{package} is left out. To compare with it:\n"
        f"    python -m venv {package}-venv && {package}-venv/bin/pip install '{PEERS[package]}'\n"
        f"    and pass --{package} {package}-venv/bin/python, or set BENCH_{package.upper()} to it."
    )
    return None


def _version(package: str, python: str) -> str | None:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


# -- the inputs -------------------------------------------------------------------------------------------------------


def prepared(folder: Path, kind: str, images: int, *, rotated: float, with_images: bool) -> Work:
    """Make an input, or take the one of an earlier run if it was made by the same plan."""
    thousands = f"{images // 1000}k" if images % 1000 == 0 else str(images)
    work = Work(f"{kind}{thousands}", kind, images, folder / f"{kind}{thousands}")
    only = "box,polygon" if kind == "bp" else None
    plan = {"images": images, "per_image": 10, "mix": parse_mix(DEFAULT_MIX, only), "rotated": rotated, "seed": 1}
    image_files = work.folder / "images"
    is_there = manifest_path(work.xml).exists() and work.xml.exists() and work.manifest()["plan"] == plan
    if is_there and (image_files.exists() or not with_images):
        return work
    print(f"making {work.name} …", flush=True)
    command = [sys.executable, str(BENCH / "generate_cvat.py"), str(work.xml), "--images", str(images)]
    command += ["--rotated", str(rotated)]
    command += ["--only", only] if only else []
    command += ["--with-images", str(image_files)] if with_images else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return work


@contextmanager
def work_folder(keep: Path | None) -> Iterator[Path]:
    """Give a folder for the inputs: the one to keep, or one that goes away."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="cvat-to-coco-") as folder:
        yield Path(folder)


# -- running and checking ---------------------------------------------------------------------------------------------


def compete(work: Work, converters: Sequence[Converter], repeats: int) -> dict[str, Result]:
    """Run every converter on an input, taking turns, and return what each did, by name."""
    results = {converter.name: Result() for converter in converters}
    with tempfile.TemporaryDirectory(prefix="out-", dir=work.folder.parent) as scratch:
        for turn in range(repeats):
            for converter in converters:
                result = results[converter.name]
                if not result.problems:
                    _run_once(work, converter, result, Path(scratch), is_last=turn == repeats - 1)
    return results


def environment_of_checkout(folder: Path) -> dict[str, str]:
    """Return an environment in which ours is this checkout, compiled once, as what pip installs is: the others are."""
    cache = str(folder / "compiled")
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}


def _run_once(work: Work, converter: Converter, result: Result, scratch: Path, *, is_last: bool) -> None:
    target, out, err = scratch / "target", scratch / "stdout", scratch / "stderr"
    if not converter.is_ours:
        target.mkdir()
    environment = environment_of_checkout(work.folder.parent) if converter.is_ours else dict(os.environ)
    one = run(
        converter.command(work, target),
        stdout=out,
        stderr=err,
        cwd=scratch,
        env=environment,
        watch_children=converter.watch_children,
    )
    if one.code:
        last_words = err.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        result.problems.append(f"exit code {one.code}: {last_words}")
    else:
        result.runs.append(one)
        if is_last:
            result.annotations = count_in(target, b'"image_id"')
        if is_last and converter.is_ours:
            result.digest = digest_of(target)
            account = json.loads(out.read_bytes())
            images = count_in(target, b'"file_name"')
            result.problems += problems_of(work.manifest(), account, images, result.annotations)
    shutil.rmtree(target, ignore_errors=True)


def problems_of(manifest: dict[str, Any], account: dict[str, Any], images: int, annotations: int) -> list[str]:
    """Return what does not add up between an input, our account of it, and what was written.

    Parameters
    ----------
    manifest, account : dict
        Of the generator; of ``convert --json``.
    images, annotations : int
        Counted in the files written.
    """
    problems = []
    for heading in ("counts", "labels"):
        for name, there in manifest[heading].items():
            row = account[heading].get(name, {"in": 0, "kept": 0, "changed": 0, "dropped": 0})
            ends = [row["kept"], row["changed"], row["dropped"]]
            if row["in"] != there or sum(ends) != there or min(ends) < 0:
                problems.append(f"{name}: {there} in the source, but the account says {row}")
    if images != manifest["counts"]["image"]:
        problems.append(f"{images} images written of {manifest['counts']['image']}")
    rows = {name: row for name, row in account["counts"].items() if name in SHAPES}
    shapes = {name: row["kept"] + row["changed"] for name, row in rows.items()}
    least = sum(shapes.values())
    most = least + shapes.get("points", 0) * (POINTS - 1)  # one element of several points may become several
    if not least <= annotations <= most:
        problems.append(f"{annotations} annotations written, but the account says {least} to {most}")
    return problems


def count_in(folder: Path, needle: bytes) -> int:
    """Return how often a key occurs in the JSON files of a folder, without holding them in memory."""
    count = 0
    for path in sorted(folder.rglob("*.json")):
        tail = b""
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                block = tail + block
                count += block.count(needle)
                tail = block[-len(needle) + 1 :]
    return count


def digest_of(folder: Path) -> str:
    """Return one digest of all files of a folder, names included."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            whole.update(str(path.relative_to(folder)).encode() + hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


# -- telling ----------------------------------------------------------------------------------------------------------


def tell(work: Work, results: dict[str, Result]) -> None:
    """Print a table: medians, and how many times the time of each peer ours takes."""
    manifest = work.manifest()
    shapes = sum(manifest["labels"].values())
    print(f"\n{work.name}: {work.images:,} images, {shapes:,} shapes, {manifest['bytes'] / 1e6:.0f} MB")
    print(f"  {'':<24}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'child MB':>9}  {'ours/its CPU':>12}{'wall':>6}  written")
    mine = results[ours().name]
    for name, result in results.items():
        if not result.runs:
            print(f"  {name:<24}{'; '.join(result.problems)}")
            continue
        its = result.median
        child = "" if its.child_mb is None else f"{its.child_mb:.0f}"
        ratios = ""
        if mine.runs and result is not mine:
            ratios = f"{mine.median.cpu_s / its.cpu_s:>12.2f}{mine.median.wall_s / its.wall_s:>6.2f}"
        times = f"{its.cpu_s:>8.2f}{its.wall_s:>8.2f}{its.peak_mb:>9.0f}{child:>9}"
        print(f"  {name:<24}{times}  {ratios:>18}  {result.annotations:,}")
        for problem in result.problems:
            print(f"  {'':<24}WRONG {problem}")
    if mine.runs and mine.median.peak_mb <= own_peak_mb():
        print(f"  memory below {own_peak_mb():.0f} MB cannot be told: it is that of the measuring process")


def judge(claim: str, value: float, goal: float, *, at_least: bool = False) -> None:
    """Print whether a goal is met."""
    is_met = value >= goal if at_least else value <= goal
    print(f"  {'met   ' if is_met else 'MISSED'} {claim}: {value:.2f}, goal {'≥' if at_least else '≤'} {goal:g}")


def judge_cpu(work: Work, results: dict[str, Result]) -> None:
    """Judge our CPU time against that of the datumaro command line."""
    mine, its = results[ours().name], results.get("datumaro CLI")
    if mine.runs and its and its.runs:
        times = its.median.cpu_s / mine.median.cpu_s
        judge(f"{work.name}: times less CPU than the datumaro CLI", times, CPU_GOALS[work.kind], at_least=True)


def judge_memory(small: Work, small_results: dict[str, Result], big: Work, big_results: dict[str, Result]) -> None:
    """Judge whether memory is small and flat over the number of images."""
    for name, result in big_results.items():
        before = small_results.get(name)
        if name.startswith(ours().name) and result.runs and before and before.runs:
            judge(f"{big.name}: peak MB of {name}", result.median.peak_mb, PEAK_GOAL_MB)
            growth = result.median.peak_mb / before.median.peak_mb
            judge(f"{big.name}/{small.name}: growth of the peak of {name}", growth, FLAT_GOAL)


def judge_wall(work: Work, results: dict[str, Result]) -> None:
    """Judge the wall time of two processes against the Python interface of hotcoco."""
    mine, its = results[ours(2).name], results.get("hotcoco API")
    if mine.runs and its and its.runs:
        judge(f"{work.name}: wall of --jobs 2 / hotcoco API", mine.median.wall_s / its.median.wall_s, 1.0)


def check_same_bytes(results: dict[str, Result]) -> None:
    """Record it as a problem if two processes write other bytes than one."""
    one, two = results[ours().name], results[ours(2).name]
    if one.digest and two.digest and one.digest != two.digest:
        two.problems.append("the files are not those of one process")


# -- the whole --------------------------------------------------------------------------------------------------------


def measure(given: argparse.Namespace, folder: Path) -> bool:
    """Make the inputs, run everything, print the tables; tell whether what we wrote was right."""
    datumaro_python, hotcoco_python = peer("datumaro", given.datumaro), peer("hotcoco", given.hotcoco)
    own = [ours(), ours(2)]
    slow = [datumaro(datumaro_python)] if datumaro_python else []
    quick = [hotcoco_api(hotcoco_python)] if hotcoco_python else []
    rest = [hotcoco_cli(hotcoco_python)] if hotcoco_python else []
    shares = {"bp": given.bp_rotated, "mix": 0.1}
    competitions = [(kind, given.images, [*own, *slow, *quick, *rest]) for kind in shares]
    if given.with_100k:
        competitions += [("bp", given.images * GROWTH, [*own, *quick]), ("mix", given.images * GROWTH, own)]
    prepare = [
        prepared(folder, kind, images, rotated=shares[kind], with_images=any(one in slow for one in converters))
        for kind, images, converters in competitions
    ]
    small: dict[str, tuple[Work, dict[str, Result]]] = {}
    is_right = True
    for work, (kind, _, converters) in zip(prepare, competitions, strict=True):
        results = compete(work, converters, given.repeats)
        check_same_bytes(results)
        tell(work, results)
        judge_cpu(work, results)
        if kind in small:
            judge_memory(*small[kind], work, results)
            if kind == "bp":
                judge_wall(work, results)
        small.setdefault(kind, (work, results))
        is_right = is_right and not any(results[one.name].problems for one in own)
        sys.stdout.flush()
    return is_right


def measure_growth(given: argparse.Namespace, folder: Path) -> bool:
    """Measure whether an image of a large input takes as long; tell whether what we wrote was right."""
    works = [
        prepared(folder, "bp", given.images * times, rotated=given.bp_rotated, with_images=False)
        for times in GROWTH_TIMES
    ]
    results = {work.name: Result() for work in works}
    with tempfile.TemporaryDirectory(prefix="out-", dir=folder) as scratch:
        for turn in range(given.repeats):
            for work in works:
                _run_once(work, ours(), results[work.name], Path(scratch), is_last=turn == given.repeats - 1)
    first = results[works[0].name].median.cpu_s / works[0].images
    print(f"\n  {'images':>9}{'CPU s':>9}{'µs an image':>13}{'peak MB':>9}")
    for work in works:
        result = results[work.name]
        each = result.median.cpu_s / work.images
        bar = "█" * round(40 * each / first)
        print(f"  {work.images:>9,}{result.median.cpu_s:>9.2f}{each * 1e6:>13.1f}{result.median.peak_mb:>9.0f}  {bar}")
    last = results[works[-1].name].median.cpu_s / works[-1].images
    judge("time of an image in the largest input / in the smallest", last / first, GROWTH_GOAL)
    problems = [problem for result in results.values() for problem in result.problems]
    print("".join(f"  WRONG {problem}\n" for problem in problems), end="")
    return not problems


def main() -> int:
    """Measure what the arguments say; return 1 if what we wrote was wrong."""
    parser = argparse.ArgumentParser(description="Measure CVAT-to-COCO conversion beside other converters.")
    for package in PEERS:
        default = os.environ.get(f"BENCH_{package.upper()}")
        parser.add_argument(f"--{package}", metavar="PYTHON", default=default, help=f"interpreter that has {package}")
    parser.add_argument("--images", type=int, default=20_000, help="images of the small inputs (20000)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bp-rotated", type=float, default=0.0, help="share of rotated boxes in bp (0)")
    parser.add_argument("--with-100k", action="store_true", help=f"also inputs {GROWTH} times as big: flat memory")
    parser.add_argument(
        "--growth", action="store_true", help="only ours: time of an image of 1, 5 and 20 times as many"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the inputs here, and use them again next time")
    given = parser.parse_args()
    with work_folder(given.keep) as folder:
        is_right = measure_growth(given, folder) if given.growth else measure(given, folder)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
