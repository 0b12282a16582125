"""Sources with images, clients that fail, and what a service holds."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

from harness import key_of
from PIL import Image

import encord_convert
from encord_convert import Report
from encord_convert.sdk.configs import UserConfig
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http.transport import NotConnected, Reply, ReplyLost, Request, Transport
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.digests import digest_of_labels

FIXTURES = Path(__file__).parents[2] / "fixtures"
BESIDE = ("ORIGIN.md", "expected.json", "hub.json", "losses.json", "options.json")


def source_of(case: str, folder: Path, **options: str) -> Path:
    """Copy a fixture to a folder of its own, and make the images and videos it lacks."""
    source = folder / "src"
    shutil.copytree(FIXTURES / case, source, ignore=shutil.ignore_patterns(*BESIDE))
    for row in encord_convert.read(source, report=Report(), **options):
        for unit in row._units:
            image = source / "images" / unit.data_title
            if unit.data_type.startswith("image/") and not image.exists():
                image.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (unit.width, unit.height), (unit.width % 256, 7, 3)).save(image)
            elif unit.data_type.startswith("video/"):
                suffix = "" if "." in unit.data_title else ".mp4"
                video(source / f"{unit.data_title}{suffix}", row.number_of_frames, unit.width, unit.height)
    return source


def video(path: Path, frames: int, width: int, height: int) -> None:
    """Write a video of black frames."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = width, height
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame(width, height, "rgb24")))
        container.mux(stream.encode(None))


def boxes(folder: Path, count: int, each: int = 2) -> Path:
    """Write a source of many small images with some boxes each, cars and bikes in turn."""
    source = folder / "boxes"
    (source / "images").mkdir(parents=True)
    images = []
    for number in range(count):
        name = f"{number:04}.png"
        Image.new("RGB", (16, 12), (number % 256, number // 256, 9)).save(source / "images" / name)
        kind = "bus" if number % 3 else "van"
        answer = f'<attribute name="kind">{kind}</attribute>'
        drawn = "".join(
            f'<box label="{label}" occluded="0" xtl="{x}" ytl="1" xbr="{x + 3}" ybr="5">{inner}</box>'
            for label, x, inner in (
                ("bike", 8 - place // 2, "") if place % 2 else ("car", 1 + (number + place) % 4, answer)
                for place in range(each)
            )
        )
        images.append(f'<image id="{number}" name="{name}" width="16" height="12">{drawn}</image>')
    labels = (
        "<label><name>car</name><attributes><attribute><name>kind</name><mutable>False</mutable>"
        "<input_type>select</input_type><default_value>van</default_value><values>van\nbus</values></attribute>"
        "</attributes></label><label><name>bike</name><attributes></attributes></label>"
    )
    (source / "annotations.xml").write_text(
        f"<annotations><version>1.1</version><meta><task><name>boxes</name><labels>{labels}</labels></task></meta>"
        + "".join(images)
        + "</annotations>"
    )
    return source


class Killed(BaseException):
    """The process ends here."""


class Fragile(Transport):
    """Sends through another transport, and ends at a request; counts the files that are sent."""

    def __init__(self, inner: Transport, ends_at: int | None = None, *, after: bool = False) -> None:
        self.inner, self.ends_at, self.after = inner, ends_at, after
        self.count = 0
        self.puts = 0
        self.asked: Counter[str] = Counter()

    def send(self, request: Request) -> Reply:
        self.count += 1
        if self.ends_at is not None and self.count >= self.ends_at and not (self.after and self.count == self.ends_at):
            raise Killed
        self.puts += request.method == "PUT"
        reply = self.inner.send(request)
        if self.ends_at is not None and self.count >= self.ends_at:
            raise Killed
        return reply


def client_through(transport: Transport, url: str) -> EncordUserClient:
    """Return a client whose requests go through a transport, and that waits for nothing."""
    config = UserConfig(key_of("ann"), url)
    return EncordUserClient(config, Querier(config, Session(transport, Clock(sleep=lambda _: None))))


class Unlucky(Transport):
    """Sends through another transport; some requests never get there, some replies never come back."""

    def __init__(self, inner: Transport, seed: int, share: float = 0.25) -> None:
        self.inner, self.share = inner, share
        self.random = random.Random(seed)
        self.faults: Counter[str] = Counter()

    def send(self, request: Request) -> Reply:
        fault = self.random.choice(("429", "500", "503", "cut before", "cut after", "refused"))
        if self.random.random() > self.share:
            return self.inner.send(request)
        self.faults[fault] += 1
        if fault == "refused":
            raise NotConnected("refuses connections")
        if fault == "cut before":
            raise ReplyLost("cut")
        if fault == "cut after":
            self.inner.send(request)
            raise ReplyLost("cut")
        return Reply(int(fault), {}, b"")


def state_of(client: EncordUserClient) -> dict[str, object]:
    """Say all a user has: what there is of everything, and the labels of each row by title."""
    projects = {}
    for one in client.get_projects():
        project = client.get_project(one["project"].project_hash)
        rows = project.list_label_rows_v2()
        for row in rows:
            if row.label_hash is not None:
                row.initialise_labels()
        projects[project.title] = sorted(
            (row.data_title, digest_of_labels(row.to_encord_dict()) if row.label_hash else None) for row in rows
        )
    return {
        "projects": projects,
        "project count": len(client.get_projects()),
        "datasets": sorted(
            (one["dataset"].title, tuple(sorted(row.title for row in opened.data_rows)))
            for one in client.get_datasets()
            for opened in [client.get_dataset(one["dataset"].dataset_hash)]
        ),
        "ontologies": sorted(str(one["ontology"].structure.to_dict()) for one in client.get_ontologies()),
    }
