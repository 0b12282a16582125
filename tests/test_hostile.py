"""Damaged and hostile input: one clear sentence, the right exit code, nothing half-written, in 100 MB.

Each case is a file somebody could send. It runs in a process of its own whose memory is limited, so that a case which
exhausts memory fails here and nowhere else.
"""

import base64
import gzip
import os
import resource
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECONDS, MEGABYTES, ADDRESS_MEGABYTES = 10, 100, 1024
"""What a case may take at the most: time (generous: tests time nothing), resident memory, address space."""

LABELS = "<labels><label><name>a</name><attributes/></label></labels>"
META = f"<meta><task><id>1</id><name>t</name><size>1</size>{LABELS}</task></meta>"


def document(body: str, meta: str = META, prologue: str = '<?xml version="1.0" encoding="utf-8"?>') -> bytes:
    return f"{prologue}<annotations><version>1.1</version>{meta}{body}</annotations>".encode()


def image(shapes: str, attributes: str = 'width="100" height="50"') -> str:
    return f'<image id="0" name="a.jpg" {attributes}>{shapes}</image>'


BOX = '<box label="a" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def xml(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "a.xml").write_bytes(data)
        return folder / "a.xml"

    return make


def archive(members: dict[str, bytes]) -> Callable[[Path], Path]:
    return lambda folder: zipped(folder / "a.zip", members)


def link_archive(folder: Path) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo("annotations.xml")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    return path


def link_folder(folder: Path) -> Path:
    (folder / "secret.xml").write_bytes(document(image(BOX)))
    (folder / "d").mkdir()
    (folder / "d" / "annotations.xml").symlink_to(folder / "secret.xml")
    return folder / "d"


def cut_archive(folder: Path) -> Path:
    path = zipped(folder / "a.zip", {"annotations.xml": document(image(BOX))})
    path.write_bytes(path.read_bytes()[:-20])
    return path


def spoilt_archive(folder: Path) -> Path:
    path = zipped(folder / "a.zip", {"annotations.xml": document(image(BOX * 200))})
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(bytes(data))
    return path


def hub(ontology: bytes, rows: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "hub").mkdir()
        (folder / "hub" / "ontology.json").write_bytes(ontology)
        (folder / "hub" / "label_rows.jsonl").write_bytes(rows)
        return folder / "hub"

    return make


def file(name: str, data: bytes | str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return folder / name

    return make


def image_file(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "d" / "masks").mkdir(parents=True)
        (folder / "d" / "classes.txt").write_text("background\ncar\n")
        (folder / "d" / "masks" / "1.png").write_bytes(data)
        return folder / "d"

    return make


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes, colour_type: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def bitmap(data: bytes, origin: str = "[0, 0]") -> str:
    text = base64.b64encode(data).decode()
    one = f'{{"classTitle": "a", "geometryType": "bitmap", "bitmap": {{"data": "{text}", "origin": {origin}}}}}'
    return f'{{"size": {{"width": 9, "height": 9}}, "objects": [{one}]}}'


def brush(stream: list[int], side: int = 9) -> str:
    value = f'{{"format": "rle", "rle": {stream}, "brushlabels": ["a"]}}'
    result = f'{{"original_width": {side}, "original_height": {side}, "type": "brushlabels", "value": {value}}}'
    return f'[{{"data": {{"image": "a"}}, "annotations": [{{"result": [{result}]}}]}}]'


def run_lengths(mask: str, width: int = 9, dialect: str = "coco") -> str:
    return f'{{"image": "a", "width": {width}, "height": {width}, "dialect": "{dialect}", "mask": {mask}}}'


def pairs(text: str) -> str:
    return f"ImageId,Width,Height,EncodedPixels\na,9,9,{text}\n"


def nothing(folder: Path) -> Path:
    return folder / "nothing.xml"


def empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def coco(data: bytes, name: str = "a.json") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def coco_document(annotation: str, image: str = '"width":100,"height":50,"file_name":"a.jpg"') -> bytes:
    good = '{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,8,8]}'
    return (
        f'{{"images":[{{"id":1,{image}}}],"annotations":[{good}{annotation}],"categories":[{{"id":1,"name":"a"}}]}}'
    ).encode()


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha" * 10}">' for i in range(10))
GOOD = document(image(BOX))

Case = tuple[Callable[[Path], Path], int, str]

REFUSED: dict[str, Case] = {
    "entity bomb": (xml(document("&l9;", prologue=f"<!DOCTYPE a [{LAUGHS}]>")), 4, "DOCTYPE"),
    "external entity": (xml(document("&x;", prologue='<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]>')), 4, "DOCTYPE"),
    "external DTD": (
        xml(document("", prologue='<!DOCTYPE annotations SYSTEM "http://127.0.0.1:9/a.dtd">')),
        4,
        "DOCTYPE",
    ),
    "DOCTYPE in UTF-16": (
        xml(document(image(BOX), prologue="<!DOCTYPE annotations>").decode().encode("utf-16")),
        4,
        "DOCTYPE",
    ),
    "undefined entity": (xml(document(image(BOX).replace('"a"', '"&x;"'))), 4, "a.xml:1: "),
    "100,000 deep": (xml(document("<a>" * 100_000)), 4, "a.xml:1: "),
    "cut in the middle": (xml(GOOD[: len(GOOD) - 60]), 4, "Was the file cut short?"),
    "cut after the meta": (xml(GOOD[: GOOD.index(b"<image")]), 4, "Was the file cut short?"),
    "two roots": (xml(GOOD + b"<annotations/>"), 4, "a.xml:1: "),
    "wrong encoding": (xml(document(image(BOX)).replace(b"a.jpg", b"\xe4.jpg")), 4, "a.xml:1: "),
    "unknown encoding": (xml(document(image(BOX), prologue='<?xml version="1.0" encoding="x-no"?>')), 4, "a.xml"),
    "not XML at all": (xml(b"hello"), 6, "no format recognises this"),
    "empty file": (xml(b""), 6, "no format recognises this"),
    "another XML": (xml(b"<svg><annotations/></svg>"), 6, "no format recognises this"),
    "binary": (xml(bytes(range(256)) * 40), 6, "no format recognises this"),
    "no such file": (nothing, 4, "there is no such file or folder"),
    "empty folder": (empty_folder, 6, "no format recognises this"),
    "no image size": (xml(document(image(BOX, ""))), 4, "-r size=WIDTHxHEIGHT"),
    "only shapes that cannot be": (
        xml(document(image('<polyline label="a" points="1,1;2,2"/>'))),
        5,
        "its only annotation cannot be converted",
    ),
    "track without end": (
        xml(
            document(
                '<track id="0" label="a"><box frame="0" xtl="1" ytl="1" xbr="9" ybr="9"/></track>',
                "<meta><task><size>99999999999</size><mode>interpolation</mode>"
                f"{LABELS}<original_size><width>9</width><height>9</height></original_size></task></meta>",
            )
        ),
        4,
        "At most 1000000 frames of a track are computed",
    ),
    "keyframes an age apart": (
        xml(
            document(
                '<track id="0" label="a"><box frame="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'
                '<box frame="2000000000" xtl="1" ytl="1" xbr="9" ybr="9"/></track>',
                f"<meta><task>{LABELS}<original_size><width>9</width><height>9</height></original_size></task></meta>",
            )
        ),
        4,
        "At most 1000000 frames of a track are computed",
    ),
    "member above the archive": (
        archive({"annotations.xml": GOOD, "../b.xml": GOOD}),
        4,
        "'../b.xml' leaves its folder",
    ),
    "absolute member": (archive({"/annotations.xml": GOOD}), 4, "'/annotations.xml' is absolute"),
    "member with a drive": (archive({"C:\\a.xml": GOOD}), 4, "names a drive"),
    "link in the archive": (link_archive, 4, "'annotations.xml' is a link"),
    "link out of the folder": (link_folder, 4, "leads through a link out of"),
    "archive cut short": (cut_archive, 4, "not a readable ZIP archive"),
    "archive damaged inside": (spoilt_archive, 4, "a.zip"),
    "archive bomb": (
        archive({"annotations.xml": document('<image id="0" name="a.jpg" width="9" height="9"/>' * 2_000_000)}),
        4,
        "inflates to more than 100 times",
    ),
    "archive without annotations": (archive({"a.txt": b"hello"}), 6, "no format recognises this"),
    "COCO 100,000 deep": (coco(coco_document(',{"id":2,"x":' + "[" * 100_000)), 4, "nests deeper"),
    "COCO deep at the top": (coco(b'{"images":[],"x":' + b'{"a":' * 100_000), 4, "nests deeper"),
    "COCO cut in the middle": (coco(coco_document("")[:-60]), 4, "Was the file cut short?"),
    "COCO with a word that is no value": (coco(coco_document(",{id:2}")), 4, "at byte"),
    "COCO entry without end": (
        coco(b'{"images":[{"id":"' + b"x" * (20 << 20)),
        4,
        "an entry is longer than 16 MB",
    ),
    "COCO archive with a member above it": (
        archive({"a.json": coco_document(""), "../b.json": b"{}"}),
        4,
        "'../b.json' leaves its folder",
    ),
    "COCO as gzip bomb": (
        coco(gzip.compress(b'{"images":[' + b" " * (60 << 20)), "a.json.gz"),
        4,
        "inflates to more than 100 times",
    ),
    "COCO with brackets for text": (coco(b'{"images":{"annotations":[]}}'), 6, "no format recognises this"),
    "COCO without sizes": (coco(coco_document("", '"file_name":"../../etc/passwd"')), 4, "-r size=WIDTHxHEIGHT"),
    "COCO results alone": (coco(b'[{"image_id":1,"category_id":1,"bbox":[1,1,2,2],"score":1}]'), 4, "ground_truth"),
    "ontology that is not JSON": (hub(b"{", b""), 4, "ontology.json: is not JSON"),
    "ontology of another kind": (hub(b"[]", b""), 4, "ontology.json: is not an ontology structure"),
    "row that is not JSON": (
        hub(b'{"objects":[],"classifications":[]}', b"{}\n{"),
        4,
        "label_rows.jsonl:1: is not a label row",
    ),
    "row cut short": (hub(b'{"objects":[],"classifications":[]}', b'{"label'), 4, "label_rows.jsonl:1: is not JSON"),
    "image of four thousand million pixels": (image_file(png(65536, 65536)), 4, "is larger than the 268435456 pixels"),
    "image of colours beyond the memory of most": (
        image_file(png(16000, 16000, colour_type=6)),
        4,
        "is larger than the 268435456 pixels",
    ),
    "image without pixels": (image_file(png(0, 9)), 4, "1.png: The header of the PNG image is damaged."),
    "image without data": (image_file(png(9, 9)), 4, "1.png: The PNG image cannot be read"),
    "image cut short": (
        image_file(png(9, 9, chunk(b"IDAT", zlib.compress(bytes(90)))[:-8])),
        4,
        "1.png: The PNG image cannot be read",
    ),
    "image that is a text bomb": (
        image_file(png(9, 9, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80 << 20))))),
        4,
        "1.png: The PNG image cannot be read",
    ),
    "image that is none": (image_file(b"GIF89a" + bytes(90)), 4, "1.png: This is not a PNG image."),
    "bitmap bomb": (file("a.json", bitmap(zlib.compress(bytes(80 << 20)))), 4, "inflates beyond 16777216 bytes"),
    "bitmap of four thousand million pixels": (
        file("a.json", bitmap(zlib.compress(png(65536, 65536)))),
        4,
        "is larger than the 268435456 pixels",
    ),
    "bitmap outside its image": (
        file("a.json", bitmap(png(1, 1, chunk(b"IDAT", zlib.compress(b"\0\1"))), "[9, 0]")),
        4,
        "leaves its image of 9 x 9",
    ),
    "brush that is run lengths": (file("a.json", brush([0, 5, 300, 7])), 4, "run lengths of another dialect"),
    "brush that promises more than there is": (
        file("a.json", brush([0, 0, 1, 68, 57, 27, 255])),
        4,
        "ends inside a run. Was it cut short?",
    ),
    "brush of another size": (file("a.json", brush([255, 255, 255, 255, 57, 27, 252])), 4, "holds 4294967295 values"),
    "brush on an image too large": (file("a.json", brush([0] * 9, 99_999)), 4, "is larger than the 268435456 pixels"),
    "export cut short": (file("a.json", brush([0] * 9)[:-9]), 4, "a.json: is not JSON"),
    "runs for four thousand million pixels": (
        file("a.jsonl", run_lengths('{"size": [65536, 65536], "counts": "0"}', 65536)),
        4,
        "is larger than the 268435456 pixels",
    ),
    "runs that sum to less": (file("a.jsonl", run_lengths('{"size": [9, 9], "counts": [1]}')), 4, "sum to 1 pixels"),
    "runs below zero in a list": (
        file("a.jsonl", run_lengths('{"size": [9, 9], "counts": [90, -9]}')),
        4,
        "a.jsonl:1: 'a': Run 1 (counted from 0) is -9.",
    ),
    "a number of a thousand digits": (
        file("a.jsonl", run_lengths('{"size": [9, 9], "counts": "' + "o" * 1000 + '"}')),
        4,
        "a.jsonl:1: 'a': The run-length string ends inside a number.",
    ),
    "records 100,000 deep": (file("a.jsonl", run_lengths("[" * 100_000)), 4, "a.jsonl:1: is not JSON"),
    "pairs beyond the image": (file("a.csv", pairs("80 9")), 4, "a.csv:2: 'a': The pairs reach 7 pixels beyond"),
    "pairs beyond all numbers": (file("a.csv", pairs("1 99999999999999999999")), 4, "a.csv:2: 'a': "),
    "pairs that overlap": (file("a.csv", pairs("1 5 3 5")), 4, "Pair 1 (counted from 0) starts at 3"),
    "row 100,000 deep": (
        hub(b'{"objects":[],"classifications":[]}', b"[" * 100_000),
        4,
        "label_rows.jsonl:1: is not a label row",
    ),
}
"""A name for the case; how to make it; the exit code; part of the sentence."""


def counted(shapes: str) -> Callable[[Path], Path]:
    return xml(document(image(BOX + shapes)))


COUNTED: dict[str, tuple[str, str]] = {
    "coordinates that are no numbers": ('<box label="a" xtl="nan" ytl="1" xbr="9" ybr="9"/>', "INVALID_GEOMETRY"),
    "infinite coordinates": ('<polygon label="a" points="1,1;inf,2;3,3"/>', "INVALID_GEOMETRY"),
    "coordinates that are words": ('<polygon label="a" points="1,1;x,2;3,3"/>', "INVALID_GEOMETRY"),
    "a missing corner": ('<box label="a" xtl="1" ytl="1" xbr="9"/>', "INVALID_GEOMETRY"),
    "a polygon of two points": ('<polygon label="a" points="1,1;2,2"/>', "INVALID_GEOMETRY"),
    "a polygon without points": ('<polygon label="a"/>', "INVALID_GEOMETRY"),
    "corners that changed places": ('<box label="a" xtl="9" ytl="9" xbr="1" ybr="1"/>', "INVALID_GEOMETRY"),
    "runs that are too short": ('<mask label="a" rle="1, 2" left="0" top="0" width="4" height="3"/>', "INVALID_RLE"),
    "runs that are too long": ('<mask label="a" rle="1, 2, 20" left="0" top="0" width="4" height="3"/>', "INVALID_RLE"),
    "runs below zero": ('<mask label="a" rle="1, -2, 13" left="0" top="0" width="4" height="3"/>', "INVALID_RLE"),
    "a mask larger than the world": (
        '<mask label="a" rle="1" left="0" top="0" width="999999999" height="999999999"/>',
        "INVALID_RLE",
    ),
    "a label nobody declared": ('<box label="zz" xtl="1" ytl="1" xbr="9" ybr="9"/>', "UNDECLARED_LABEL"),
    "an attribute nobody declared": (
        '<box label="a" xtl="1" ytl="1" xbr="9" ybr="9"><attribute name="q">1</attribute></box>',
        "UNDECLARED_ATTRIBUTE",
    ),
    "a shape nobody knows": ('<hypercube label="a" xtl="1"/>', "UNSUPPORTED_SHAPE"),
    "a coordinate a thousand kilometres away": ('<polygon label="a" points="1,1;1e9,2;3,1e9"/>', "CLIPPED"),
}
"""What is wrong with one shape is counted by its code, and the rest of the file is converted."""


def drawn(segmentation: str) -> str:
    return f',{{"id":2,"image_id":1,"category_id":1,"segmentation":{segmentation}}}'


COCO_COUNTED: dict[str, tuple[str, str]] = {
    "numbers that are none": (',{"id":2,"image_id":1,"category_id":1,"bbox":[1,1,NaN,Infinity]}', "INVALID_BBOX"),
    "wrong types": (',{"id":{},"image_id":1,"category_id":1,"bbox":{"x":[]}}', "INVALID_BBOX"),
    "an entry that is none": (",null", "INVALID_ANNOTATION"),
    "runs below zero": (drawn('{"size":[50,100],"counts":[5,-5,5000]}'), "INVALID_RLE"),
    "runs of more than there is": (drawn('{"size":[50,100],"counts":[5,99999999999]}'), "INVALID_RLE"),
    "a mask larger than the world": (drawn('{"size":[999999999,999999999],"counts":[1]}'), "SIZE_MISMATCH"),
    "runs that are no text of COCO": (drawn('{"size":[50,100],"counts":"\\u0000zz"}'), "INVALID_RLE"),
    "a polygon of two points": (drawn("[[1,1,2,2]]"), "INVALID_POLYGON"),
    "a polygon 900 deep": (drawn("[" * 900 + "]" * 900), "INVALID_POLYGON"),
    "a coordinate a thousand kilometres away": (drawn("[[1,1,1e9,2,3,1e9]]"), "CLIPPED"),
    "an image nobody has": (',{"id":2,"image_id":"../x","category_id":1,"bbox":[1,1,2,2]}', "ORPHAN_IMAGE"),
    "numbers of endless digits": (drawn("[[" + "9" * 5000 + ",1,2,3,4,5]]"), "INVALID_POLYGON"),
    "a thousand keys": (
        ',{"id":2,"image_id":1,"category_id":1,"bbox":[1,1,2,2],' + ",".join(f'"k{n}":1' for n in range(1000)) + "}",
        "UNKNOWN_KEY",
    ),
}
"""The same of COCO files."""


CHILD = """
import sys
from encord_convert.cli import run
code = run(sys.argv[2:])
with open("/proc/self/status") as status, open(sys.argv[1], "w") as peak:
    peak.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
sys.exit(code)
"""
"""Runs the command line and leaves its peak memory in kilobytes."""


def run_limited(source: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_MEGABYTES << 20, ADDRESS_MEGABYTES << 20))

    with tempfile.TemporaryDirectory() as folder:
        peak = Path(folder) / "peak"
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(peak), "convert", str(source), str(out), "--to", "coco", *more],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            preexec_fn=limit,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert int(peak.read_text()) < MEGABYTES * 1000, done.stderr
    return done


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    make, code, sentence = REFUSED[name]
    (tmp_path / "in").mkdir()
    done = run_limited(make(tmp_path / "in"), tmp_path / "out")
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.proves("labels: 29")
@pytest.mark.parametrize("name", COUNTED)
def test_counted_and_the_rest_converted(name: str, tmp_path: Path) -> None:
    shapes, code = COUNTED[name]
    done = run_limited(counted(shapes)(tmp_path), tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert code in done.stdout
    assert (tmp_path / "out" / "annotations.json").exists()


@pytest.mark.parametrize("name", COCO_COUNTED)
def test_counted_in_coco_and_the_rest_converted(name: str, tmp_path: Path) -> None:
    annotation, code = COCO_COUNTED[name]
    done = run_limited(coco(coco_document(annotation))(tmp_path), tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert code in done.stdout
    assert (tmp_path / "out" / "annotations.json").exists()
