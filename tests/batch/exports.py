"""Generated CVAT exports of several flavours, some of them damaged."""

import hashlib
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from generate_cvat import DEFAULT_MIX, Plan, generate, manifest_path, parse_mix

FLAVOURS = (None, "box,polygon", "mask,tag", "polyline,points")


def exports(folder: Path, count: int, damaged: int = 0, images: int = 3) -> list[Path]:
    """Make ``count`` exports, XML files and archives, and cut ``damaged`` of them short; return those."""
    every = count // damaged if damaged else 0
    broken = []
    for number in range(count):
        xml = folder / f"task_{number:04d}.xml"
        mix = parse_mix(DEFAULT_MIX, FLAVOURS[number % len(FLAVOURS)])
        generate(Plan(images + number % 4, 5, mix, 0.1, number), xml)
        manifest_path(xml).unlink()
        made = xml
        if number % 5 == 4:
            made = xml.with_suffix(".zip")
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(xml, "annotations.xml")
            xml.unlink()
        if every and number % every == every // 2 and len(broken) < damaged:
            data = made.read_bytes()
            made.write_bytes(data[: len(data) * 2 // 3])
            broken.append(made)
    return broken


def digest(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder but those the batch keeps for itself."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".encord-convert")
    }
