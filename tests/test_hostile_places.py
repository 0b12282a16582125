"""Thirty files somebody wrote to break us, each converted to six formats: one clear error, or all of it, counted.

They are of formats and places that `tests/bench/fuzz.py` does not reach: archives, images, entities, aliases, names.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from encord_convert import Report, convert, read
from encord_convert.errors import ConvertError

TARGETS = ("coco", "createml", "cvat", "encord", "mot", "yolo")
"""A list of images, of labels, XML, the hub, CSV, and files of their own for each image."""

Source = dict[str, str | bytes] | bytes
"""Files by name, or an archive."""

NAMES = (
    "../../up.png", "/abs/x.png", "C:\\win\\x.png", "\\\\server\\share\\x.png", "con.png", "nul", "aux/x.png",
    "a\nb.png", "a\tb.png", "\U0001f600.png", "\u202egnp.exe", "..", ".", " ", "a/../../../b.png",
    "x" * 300 + ".png",
    "a" * 200 + "/" + "b" * 200 + ".png", "~/.bashrc", "$(touch x).png", "%2e%2e%2fx.png", "a.png/", "a.png/b.png",
    "-rf", "*.png", "|x.png", "a:b.png", "images/a.png", "\ufeffa.png", "e\u0301.png", "\u00e9.png", "A.PNG", "a.png",
    "a.jpg", "file:///etc/passwd", "http://127.0.0.1:9/x.png",
)  # fmt: skip
CLASSES = (
    "a,b", "a b", "a/b", "a:b", "a;b", "a|b", "a\tb", "a\nb", 'a"b', "a'b", "a\\b", "../a", "..", "con", "a=b", "#a",
    "- a", "[a]", "{a}", "a%20b", "%", "車", "\U0001f600", "\u202ea", "null", "true", "1", "-1", "1.5", "nan", "a,",
    "<a>", "&amp;", "x" * 3000, "A", "a", "*", "&x", "!t", "a\r\nb", "a\u2028b", "a\x0bb", "a\x85b", "a\0b", "\ufeffa",
)  # fmt: skip
"""With what a target puts between names: commas of CSV, blanks of KITTI, slashes of folders."""


def coco(names: tuple[str, ...] = ("a.png",), classes: tuple[str, ...] = ("car",), **more: object) -> str:
    images = [{"id": n, "file_name": name, "width": 40, "height": 30} for n, name in enumerate(names, 1)]
    categories = [{"id": n, "name": name} for n, name in enumerate(classes, 1)]
    annotations = [
        {"id": n + 1, "image_id": 1 + n % len(names), "category_id": 1 + n % len(classes), "bbox": [1, 1, 8, 8]}
        for n in range(max(len(names), len(classes)))
    ]
    return json.dumps({"images": images, "categories": categories, "annotations": annotations, **more})


def cvat(body: str, prologue: str = "") -> str:
    labels = "<labels><label><name>a</name><attributes/></label></labels>"
    return f"{prologue}<annotations><version>1.1</version><meta><task>{labels}</task></meta>{body}</annotations>"


def image(name: str = "a.png", shapes: str = '<box label="a" xtl="1" ytl="1" xbr="9" ybr="9"/>', more: str = "") -> str:
    return f'<image id="0" name={quoteattr(name)} width="40" height="30"{more}>{shapes}</image>'


def yolo(description: str = "", row: str = "0 .5 .5 .2 .2\n") -> dict[str, str | bytes]:
    description = description or "train: images\nval: images\nnames: [car]\n"
    sizes = "path,width,height\nimages/a.png,40,30\n"
    return {"data.yaml": description, "labels/a.txt": row, "sizes.csv": sizes}


def beside(name: str, data: bytes) -> dict[str, str | bytes]:
    return {key: text for key, text in yolo().items() if key != "sizes.csv"} | {f"images/{name}": data}


def zipped(members: dict[str, str | bytes], links: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for name, to in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, to)
    return stream.getvalue()


def nested(count: int) -> bytes:
    data: str | bytes = coco()
    for _ in range(count):
        data = zipped({"a.zip": data})
    assert isinstance(data, bytes)
    return data


def png(width: int, height: int) -> bytes:
    body = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    head = struct.pack(">I", 13) + b"IHDR" + body + struct.pack(">I", zlib.crc32(b"IHDR" + body))
    return b"\x89PNG\r\n\x1a\n" + head


def boxes(*rows: str) -> dict[str, str | bytes]:
    head = "ImageID,LabelName,XMin,XMax,YMin,YMax"
    table = "".join(f"{row}\n" for row in (head, *rows))
    return {"a-annotations-bbox.csv": table, "sizes.csv": "path,width,height\na,40,30\n"}


ALIASES = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 8)}]\n" for n in range(9)
)
DEEP = 100_000
INCLUDE = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'
PART = "<part><name>p</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></bndbox>"
PARTS = PART * 999 + "</part>" * 999
VOC = "<filename>a</filename><size><width>40</width><height>30</height><depth>3</depth></size>"
BMP = b"BM" + struct.pack("<IHHIIiiHH", 100, 0, 0, 54, 40, -(2**31), -(2**31), 1, 24) + bytes(64)
TRACK = '"video_id": 1, "frame_id": 0, "file_name"'

CASES: dict[str, Source] = {
    "archives in archives": nested(40),
    "archive with a link to a file": zipped({"a.json": coco()}, {"images/a.png": "/etc/passwd"}),
    "archive with a link to a folder": zipped({"a.json": coco()}, {"images": "../../.."}),
    "archive with a long name": zipped({"a.json": coco(), "i/" + "x" * 60_000: b""}),
    "archive with a NUL in a name": zipped({"a.json": coco(), "aZb": b"q"}).replace(b"aZb", b"a\0b"),
    "image as large as a header says": beside("a.png", png(2**31 - 1, 2**31 - 1)),
    "image of a row as wide as memory": beside("a.png", png(170_000_000, 1)),
    "image of a negative size": beside("a.bmp", BMP),
    "drawing that names a file": beside("a.png", b'<svg><image href="file:///etc/passwd"/></svg>'),
    "playlist as video": {"a.json": coco(), "a.mp4": "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"},
    "video as image": beside("a.png", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100)),
    "entity of a parameter": {"a.xml": cvat(image(), '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]>')},
    "inclusion": {"a.xml": cvat(INCLUDE + image())},
    "image of 20,000 attributes": {"a.xml": cvat(image(more="".join(f' q{n}="1"' for n in range(20_000))))},
    "name of 200,000 characters": {"a.xml": cvat(image("x" * 200_000))},
    "parts of parts": {"a.xml": f"<annotation>{VOC}<object><name>a</name>{PARTS}</object></annotation>"},
    "aliases of aliases": yolo(ALIASES + "train: images\nval: images\nnames: [car]\n"),
    "object of Python": yolo('train: !!python/object/apply:os.system ["exit"]\nval: images\nnames: [car]\n'),
    "paths out of the folder": yolo("path: ../../../../etc\ntrain: passwd\nval: /etc\nnames: [car]\n"),
    "names in a file out of the folder": yolo("train: images\nval: images\nnames: ../../../../../etc/passwd\n"),
    "list of 5,000 levels": yolo("names: " + "[" * 5000 + "]" * 5000 + "\ntrain: images\n"),
    "cell with a NUL": boxes("a,b\0c,.1,.5,.1,.5"),
    "cell of 2 MB": boxes(f"a,{'x' * 2_000_000},.1,.5,.1,.5"),
    "cell without an end": boxes('a,"b' + "\n" * 100_000),
    "levels without end": {"a.json": f'[{{"image": "a.png", "annotations": {"[" * DEEP}{"]" * DEEP}}}]'},
    "sizes that are no numbers": {"a.json": coco().replace('"width": 40', '"width": 1e308').replace("30", "-1")},
    "boxes that are no numbers": yolo(row="0 1e308 1e308 1e308 1e308\n0 nan .5 .2 .2\n0 .5 .5 inf .2\n0 .5 .5 .2 .2\n"),
    "names of images": {"a.json": coco(NAMES)},
    "names of classes": {"a.json": coco(classes=CLASSES)},
    "names of classes of tracks": {
        "a.json": coco(classes=CLASSES, videos=[{"id": 1, "name": "v,a b/c:d"}]).replace('"file_name"', TRACK)
    },
}


REFUSED = {
    "archives in archives", "archive with a link to a file", "archive with a link to a folder",
    "image as large as a header says", "image of a row as wide as memory", "image of a negative size",
    "drawing that names a file", "video as image", "entity of a parameter", "parts of parts", "aliases of aliases",
    "list of 5,000 levels", "cell of 2 MB", "cell without an end", "levels without end", "sizes that are no numbers",
}  # fmt: skip


def laid(source: Source, folder: Path) -> Path:
    if isinstance(source, bytes):
        (folder / "in.zip").write_bytes(source)
        return folder / "in.zip"
    for name, data in source.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / "in"


def known(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_one_clear_error_or_all_of_it_counted(case: str, tmp_path: Path) -> None:
    place = laid(CASES[case], tmp_path)
    before, is_read = known(tmp_path), False
    for target in TARGETS:
        out, report = tmp_path / f"out-{target}", Report()
        try:
            convert(place, out, to=target, report=report)
        except ConvertError as error:
            assert len(str(error)) < 1000
            assert not out.exists()
            continue
        is_read = True
        rows = report.labels().values()
        assert all(row["in"] == row["kept"] + row["changed"] + row["dropped"] >= 0 for row in rows)
        written = sum(row["kept"] + row["changed"] for row in rows)
        again = sum(len(row.get_object_instances()) for row in read(out, target, report=Report()))
        assert again == written, target
    assert is_read is (case not in REFUSED)
    others = known(tmp_path) - before
    assert all(name.startswith("out-") for name in others), others
