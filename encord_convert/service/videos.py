"""Videos, looked at and encoded again in a process of its own, which may use so much memory and time and no more.

FFmpeg guesses what a file is, and some of what it guesses are lists of other files and addresses. Here it only takes
containers that hold their frames themselves, and opens nothing else.

The process reads a job from its input, pickled, and writes what came of it to its output, JSON.
"""

from __future__ import annotations

import mimetypes
import os
import pickle
import resource
import subprocess
import sys
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from threading import BoundedSemaphore
from typing import IO, Any

import msgspec

CONTAINERS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg"
"""Demuxers of FFmpeg."""
MOST_MEMORY = 4 << 30
"""Bytes of address space."""
MOST_FILE = 16 << 30
"""Bytes of a video that is encoded again."""
LOOK_S = 60.0
ENCODE_S = 3600.0
MOST_PIXELS = 1 << 16
"""Along one side of a video."""
NEEDS_PYAV = "Videos need PyAV where the service runs: pip install 'encord-convert[video]'."

_SLOTS = BoundedSemaphore(2)


def has_reader() -> bool:
    """Return whether PyAV is installed."""
    return find_spec("av") is not None


def facts_of_video(title: str, stream: IO[bytes]) -> dict[str, Any]:
    """Return what a video says of itself, or ``fault``, a sentence; see :func:`.facts_of`."""
    if not has_reader():
        return {"fault": NEEDS_PYAV}
    return _done(title, LOOK_S, (stream, None, title))


def fault_of_encoding(title: str, stream: IO[bytes], path: str) -> str | None:
    """Encode a video again, so that every player shows the same frame at the same time; return why it cannot be."""
    fault: str | None = _done(title, ENCODE_S, (stream, path, title)).get("fault")
    return fault


def _done(title: str, seconds: float, job: tuple[Any, ...]) -> dict[str, Any]:
    command = [sys.executable, "-m", "encord_convert.service.videos"]
    with _SLOTS:
        try:
            done = subprocess.run(command, input=pickle.dumps(job), capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return {"fault": f"{title}: takes more than {seconds:.0f} s to read."}
    if done.returncode or not done.stdout:
        return {"fault": f"{title}: takes more memory than a video may, or breaks the reader."}
    outcome: dict[str, Any] = msgspec.json.decode(done.stdout)
    return outcome


def main() -> None:
    """Do the job of the input."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    os.nice(5)
    stream, path, title = pickle.loads(sys.stdin.buffer.read())
    av: Any = import_module("av")
    try:
        # No protocol has the name "none": an empty list would be no list.
        options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
        with stream, av.open(stream, metadata_errors="ignore", options=options) as source:
            outcome = _facts(source, title) if path is None else _encode(av, source, path)
    # FFmpeg and PyAV raise whatever they like on what they do not expect; this process does nothing else.
    except Exception as error:
        outcome = {"fault": f"{title}: is no video the service reads, or is damaged ({type(error).__name__})."}
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def _facts(container: Any, title: str) -> dict[str, Any]:
    track = container.streams.video[0]
    if track.codec_context is None:
        return {"fault": f"{title}: is encoded in a way the service does not know."}
    width, height = track.codec_context.width, track.codec_context.height
    rate = track.average_rate or track.guessed_rate
    # Containers may not say, or say wrongly: packets are counted, and nothing is decoded.
    frames, first, last = 0, None, None
    for packet in container.demux(track):
        frames += bool(packet.size)
        if packet.size and packet.pts is not None:
            first = packet.pts if first is None else min(first, packet.pts)
            last = packet.pts if last is None else max(last, packet.pts)
    if not frames or not 0 < width <= MOST_PIXELS or not 0 < height <= MOST_PIXELS:
        return {"fault": f"{title}: holds no frames of a video."}
    fps = float(rate) if rate else None
    if fps is None and first is not None and last is not None and last > first and track.time_base:
        fps = (frames - 1) / float((last - first) * track.time_base)
    fps = fps or 25.0
    type_ = _type(title, container.format.name)
    return {
        "type": type_, "width": width, "height": height, "frames": frames, "fps": fps, "duration_s": frames / fps,
    }  # fmt: skip


def _type(title: str, container: str) -> str:
    guessed = mimetypes.guess_type(title)[0]
    if guessed and guessed.startswith("video/"):
        return guessed
    known = {"mov": "video/mp4", "matroska": "video/x-matroska", "avi": "video/x-msvideo", "mpegts": "video/mp2t"}
    return known.get(container.partition(",")[0], "video/mp4")


def _encode(av: Any, source: Any, path: str) -> dict[str, Any]:
    """Write every frame of a video, at equal distances, in the order they are shown: H.264."""
    with av.open(path, "w") as target:
        track = source.streams.video[0]
        rate = Fraction(track.average_rate or track.guessed_rate or 25).limit_denominator(65535)
        made = target.add_stream("libx264", rate=rate)
        # Sides of an odd number of pixels cannot be stored with halved colours.
        is_even = track.codec_context.width % 2 == track.codec_context.height % 2 == 0
        made.width, made.height = track.codec_context.width, track.codec_context.height
        made.pix_fmt = "yuv420p" if is_even else "yuv444p"
        for number, frame in enumerate(source.decode(track)):
            frame.pts, frame.time_base = number, 1 / rate
            target.mux(made.encode(frame))
        target.mux(made.encode(None))
    return {}


if __name__ == "__main__":
    main()
