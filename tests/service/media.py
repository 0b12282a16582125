"""Small files to upload, made here."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

CT = Path(__file__).parents[2] / "fixtures/dicom/ct_series"


def picture(path: Path, width: int, height: int, **options) -> Path:
    """Write a picture whose colour comes from its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (width % 256, height % 256, 7)).save(path, **options)
    return path
