"""Small files to upload, made here."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

CT = Path(__file__).parents[2] / "fixtures/dicom/ct_series"


def image(path: Path, width: int, height: int, **options) -> Path:
    """Write an image whose colour comes from its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (width % 256, height % 256, 7)).save(path, **options)
    return path


def film(path: Path, frames: int = 12, codec: str = "mpeg4") -> Path:
    """Write a video of 64 x 48 pixels, ten frames a second, each brighter than the one before."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            grey = np.full((48, 64, 3), number * 250 // frames, np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(track.encode(None))
    return path
