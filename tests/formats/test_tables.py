"""The short way between CVAT and COCO, in columns, writes what the long ways do, and its account is the same."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from encord_convert import LabelSet, Report, convert, read, write
from encord_convert._samples import SAMPLES
from encord_convert.conversion import foretold
from encord_convert.errors import ReadError, WriteError
from encord_convert.formats._files import MemorySource
from encord_convert.formats.coco.index_entries import Looks
from encord_convert.formats.coco.read_regular import Alikes
from encord_convert.formats.coco.write_images import Names
from encord_convert.formats.cvat import counts as cvat_counts
from encord_convert.formats.cvat import fast_xml, stats
from encord_convert.formats.cvat import scan as cvat_scan
from encord_convert.formats.cvat.fast_numbers import numbers_in
from encord_convert.formats.cvat.read_tables import TableReader
from encord_convert.hub.draft import Hashes
from encord_convert.hub.table import Table

ROOT = Path(__file__).parents[2] / "fixtures"
FIXTURES = {
    format_: sorted(
        case for case in (ROOT / format_).iterdir() if case.is_dir() and not (case / "refused.json").exists()
    )
    for format_ in ("cvat", "coco")
}
OPTIONS: dict[str, dict[str, str]] = {"authored-images-v1.0": {"size": "10x10"}}
TARGETS = ("coco", "coco-rle", "cvat")


def written(labels: LabelSet, target: Path, format_: str, **options: Any) -> tuple[bytes, dict[str, Any]]:
    report = Report()
    with contextlib.suppress(WriteError):  # of files of which nothing can be written
        write(labels, target, format_, report=report, **options)
    account = report.to_dict()
    del account["target"]
    return b"".join(path.read_bytes() for path in sorted(target.rglob("*")) if path.is_file()), account


def foretold_of(labels: LabelSet, target: Path, format_: str) -> dict[str, Any]:
    """Return what a dry run says, with all examples in their order."""
    report = Report()
    with contextlib.suppress(WriteError):
        foretold(labels, target, format_, False, report, {})
    account = report.to_dict()
    del account["target"]
    return account


def by_rows(labels: LabelSet) -> LabelSet:
    """Return the same set without a word of tables."""
    rows = LabelSet(labels.ontology, lambda: iter(labels), title=labels.title, counts=labels.counts)
    rows.source, rows.native = labels.source, labels.native
    return rows


def one_by_one(patch: pytest.MonkeyPatch) -> None:
    """Let no shape be read with others."""
    patch.setattr(TableReader, "table", lambda *_: None)
    patch.setattr(Alikes, "of", lambda self, entries: ([None] * len(entries), Looks([], None, ())))


def check_all_ways(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_: str = "cvat", **options: Any
) -> int:
    """Compare what is written of a source in columns, by rows, and shape by shape, and foretold by a dry run.

    Return how many tables it has.
    """
    labels = read(source, from_, **options)
    count = sum(isinstance(one, Table) for one in labels.tables())
    for format_ in TARGETS:
        short = written(labels, tmp_path / f"{format_}-short", format_)
        assert foretold_of(labels, tmp_path / f"{format_}-dry", format_) == short[1]
        assert written(by_rows(labels), tmp_path / f"{format_}-rows", format_) == short
        with monkeypatch.context() as patch:
            one_by_one(patch)
            assert written(read(source, from_, **options), tmp_path / f"{format_}-long", format_) == short
    return count


@pytest.mark.parametrize("case", FIXTURES["cvat"], ids=lambda case: case.name)
def test_every_fixture_is_written_alike(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_all_ways(case, tmp_path, monkeypatch, **OPTIONS.get(case.name, {}))


@pytest.mark.parametrize("case", FIXTURES["coco"], ids=lambda case: case.name)
def test_every_coco_fixture_is_written_alike(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_all_ways(case, tmp_path, monkeypatch, "coco")


@pytest.mark.parametrize("from_", ["cvat", "coco"])
@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_written_alike(name: str, from_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.suppress(WriteError):  # of samples of which nothing can be written
        write(SAMPLES[name](), tmp_path / "source", from_, report=Report())
        check_all_ways(tmp_path / "source", tmp_path, monkeypatch, from_)


# -- files that have everything ---------------------------------------------------------------------------------------

ATTRIBUTES = (
    "<attribute><name>colour</name><mutable>False</mutable><input_type>select</input_type><default_value>red"
    "</default_value><values>red\ngreen</values></attribute>"
    "<attribute><name>bent</name><mutable>True</mutable><input_type>checkbox</input_type><default_value>false"
    "</default_value><values>false</values></attribute>"
    "<attribute><name>word</name><mutable>False</mutable><input_type>text</input_type><default_value></default_value>"
    "<values></values></attribute>"
)
NAMES = ("car", "a%s 100%", "größe", "iscrowd", "q\\u0020uote")


def crowded(seed: int, count: int = 40) -> bytes:
    """Return a file of any shapes there are, whole and broken, in and out of images of several sizes."""
    random = Random(seed)
    labels = "".join(f"<label><name>{name}</name><attributes>{ATTRIBUTES}</attributes></label>" for name in NAMES)
    parts = [
        "<?xml version='1.0' encoding='utf-8'?>\n".replace("'", '"'),
        "<annotations>\n<version>1.1</version>\n<meta><task><name>t</name><mode>annotation</mode>",
        f"<labels>{labels}</labels></task></meta>\n",
    ]
    odd = ["cuboid", "odd"][: seed % 3]
    sizes = [(200, 100)] if seed % 2 else [(200, 100), (64, 480)]
    for number in range(count):
        width, height = random.choice(sizes)
        more = ' strange="1"' if random.random() < 0.03 else ""
        name = f"{'b' if random.random() < 0.1 else ''}\\{number}.jpg"
        shapes = "".join(any_shape(random, width, height, odd) for _ in range(random.randrange(9)))
        if random.random() < 0.1:
            parts.append(f'<image id="{number}" name="{name}" width="{width}" height="{height}"{more}/>\n')
        parts.append(
            f'<image id="{number}" name="x{name}" width="{width}" height="{height}"{more}>\n{shapes}</image>\n'
        )
    return "".join([*parts, "</annotations>\n"]).encode()


def any_shape(random: Random, width: int, height: int, odd: Sequence[str]) -> str:
    def place(side: int) -> str:
        value = random.uniform(-0.05, 1.05) * side if random.random() < 0.05 else random.uniform(0, 1) * side
        return random.choice([f"{value:.2f}", f"{value:.0f}", f"{value:.6f}"])

    def dots(count: int) -> str:
        text = ";".join(f"{place(width)},{place(height)}" for _ in range(count))
        return text + random.choice([""] * 30 + [";", ",", " ", ";1"])

    tag = random.choice(
        ["box"] * 5 + ["polygon"] * 4 + ["polyline", "points", "points", "mask", "tag", "ellipse", *odd]
    )
    values = {"label": random.choice(NAMES), "source": random.choice(["manual"] * 5 + ["auto", "semi-auto"])}
    if tag != "tag":
        values["occluded"] = str(int(random.random() < 0.2))
    if tag == "box":
        (left, right), (top, bottom) = (sorted((place(s), place(s)), key=float) for s in (width, height))
        values |= {"xtl": left, "ytl": top, "xbr": right, "ybr": bottom}
        if random.random() < 0.3:
            values["rotation"] = random.choice(["0", "90.0", f"{random.uniform(0, 359):.2f}", "-30", "400", "x"])
    elif tag in ("polygon", "polyline", "points"):
        values["points"] = dots(random.randrange(1, 6))
    elif tag == "mask":
        side = random.randrange(1, 7)
        first = random.randrange(side * side + 1)
        rle = f"{first}, {side * side - first + (random.random() < 0.1)}"
        values |= {"rle": rle, "left": place(width), "top": "3", "width": str(side), "height": str(side)}
        values["left"] = str(int(float(values["left"])))
    elif tag == "ellipse":
        values |= {"cx": "30", "cy": "20", "rx": "9", "ry": "7"}
    if tag != "tag":
        values["z_order"] = str(random.choice([0, 0, 1, -2]))
        if random.random() < 0.1:
            values["group_id"] = str(random.randrange(3))
    if random.random() < 0.03:
        values.pop(random.choice(list(values)))
    if random.random() < 0.03:
        values["unheard"] = "1"
    if random.random() < 0.05:
        values = dict(sorted(values.items()))
    answers = [("colour", random.choice(["red", "green", "__undefined__", "blue"]))] if random.random() < 0.8 else []
    answers += [("bent", random.choice(["true", "false"]))] if random.random() < 0.5 else []
    answers += [("word", f"{random.randrange(4)}%d é")] if random.random() < 0.2 else []
    inner = "".join(f'<attribute name="{name}">{text}</attribute>\n' for name, text in answers)
    given = "".join(f" {name}={quoteattr(value)}" for name, value in values.items())
    return f"<{tag}{given}>\n{inner}</{tag}>\n" if answers or random.random() < 0.5 else f"<{tag}{given}/>\n"


@pytest.mark.parametrize("seed", range(9))
def test_a_file_of_everything_is_written_alike(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource({"a.xml": crowded(seed)})
    options: dict[str, str] = [{}, {"group_id": "yes"}, {"cuboid": "cuboid_2d"}][seed // 3]
    count = check_all_ways(source, tmp_path, monkeypatch, **options)
    assert count == (seed % 3 != 2)  # what has elements nobody knows goes the long way


def test_rows_of_a_table_are_the_rows_that_are_made_shape_by_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource({"a.xml": crowded(1)})
    found = [row.to_encord_dict() for row in read(source, "cvat")]
    monkeypatch.setattr(TableReader, "table", lambda *_: None)
    assert found == [row.to_encord_dict() for row in read(source, "cvat")]


def test_writing_options_are_kept_in_columns(tmp_path: Path) -> None:
    labels = read(MemorySource({"a.xml": crowded(3)}), "cvat")
    for number, options in enumerate([{"decimals": "6"}, {"box_polygons": "yes"}, {"point_size_px": "3"}]):
        short = written(labels, tmp_path / f"short{number}", "coco", **options)
        assert written(by_rows(labels), tmp_path / f"rows{number}", "coco", **options) == short


def converted(source: Path, target: Path, jobs: int) -> tuple[bytes, str]:
    options = {"size": "20x10"}  # of the video, where there is one
    report = convert(source, target, to="coco", jobs=jobs, report=Report(), read_options=options)
    account = report.to_dict()
    del account["target"]
    return (target / "annotations.json").read_bytes(), json.dumps(account)


@pytest.mark.parametrize("jobs", [2, 3])
@pytest.mark.parametrize("seed", [1, 3, 5, 8])
def test_several_processes_scan_and_write_as_one_does(
    seed: int, jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cvat_scan, "_LEAST_BYTES", 1000)
    (tmp_path / "a.xml").write_bytes(crowded(seed, count=120))
    alone = converted(tmp_path / "a.xml", tmp_path / "alone", 1)
    assert converted(tmp_path / "a.xml", tmp_path / "together", jobs) == alone


def plain(count: int) -> str:
    shapes = (
        '<box label="car" source="manual" occluded="0" xtl="1.50" ytl="1.00" xbr="9.25" ybr="8.00" z_order="0">\n</box>'
    )
    images = [f'<image id="{n}" name="{n}.jpg" width="20" height="10">\n{shapes}\n</image>\n' for n in range(count)]
    return f"<annotations>\n<version>1.1</version>\n<meta></meta>\n{''.join(images)}</annotations>\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<image id="90"', '<!-- a comment --><image id="90"'),  # not canonical, in the second part alone
        ('<image id="90"', '<!-- <image id="90" --><image id="90"'),
        ('name="90.jpg"', 'name="3.jpg"'),  # listed a second time, in another part
        (
            '"9.25" ybr="8.00" z_order="0">\n</box>\n</image>\n<image id="50"',
            '"x" ybr="8.00"/>\n</image>\n<image id="50"',
        ),
        ("</annotations>", '<track id="0" label="car"/></annotations>'),
        ('xbr="9.25"', 'xbr="9"'),
    ],
    ids=["comment", "image in a comment", "duplicate", "dropped", "track", "other numbers"],
)
def test_parts_that_differ_are_converted_as_one_file(
    before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cvat_scan, "_LEAST_BYTES", 1000)
    text = plain(100)
    assert before in text
    (tmp_path / "a.xml").write_text(text.replace(before, after))
    alone = converted(tmp_path / "a.xml", tmp_path / "alone", 1)
    assert converted(tmp_path / "a.xml", tmp_path / "together", 2) == alone


def test_a_broken_second_part_is_the_error_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cvat_scan, "_LEAST_BYTES", 1000)
    (tmp_path / "a.xml").write_text(plain(100).removesuffix("</image>\n</annotations>\n"))
    messages = []
    for jobs in (1, 2):
        with pytest.raises(ReadError) as caught:
            convert(tmp_path / "a.xml", tmp_path / str(jobs), to="coco", jobs=jobs, report=Report())
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    "texts",
    [
        ["1.25", "0.00", "99999.99", "0.07"],
        ["1.25", "100000.00"],
        ["1.25", "-1.25"],
        ["1.25", "7"],
        ["1.25", "7.5", "1280.125"],
        ["0.50", "1e3"],
    ],
)
def test_numbers_read_together_are_those_read_alone(texts: list[str]) -> None:
    found = numbers_in("".join(f"{text}{behind}" for text, behind in zip(texts, ",;|,", strict=False)).encode())
    if "1e3" in texts:  # no number CVAT writes: its shape is read by itself
        assert found is None
    else:
        assert found is not None
        assert found[0].tolist() == [float(text) for text in texts]
        assert bytes(found[1]).decode() == ",;|,"[: len(texts)]


@pytest.mark.parametrize("text", ["", "1.2.3", "1..25", "01.25", ".25", "1.", "+1.25", "1.2a", "1/25", "nan"])
def test_what_is_no_number_is_not_read_as_one(text: str) -> None:
    assert numbers_in(f"3.50,{text},".encode()) is None


def test_names_given_many_at_a_time_are_those_given_one_by_one() -> None:
    random, together, alone = Random(4), Names(), Names()
    for _ in range(60):
        names = [f"{random.randrange(900)}.jpg" for _ in range(random.randrange(1, 9))]
        if random.random() < 0.3:
            assert together.unique(names[0]) == alone.unique(names[0])
        assert together.unique_many(names) == [alone.unique(name) for name in names]
    assert sorted(together.codes().tolist()) == sorted(alone.codes().tolist())


def test_hashes_of_many_keys_are_those_of_each() -> None:
    hashes, keys = Hashes("cvat"), [("", "größe \ud800", str(number)) for number in range(5)]
    assert hashes.uuids("unit", keys) == [hashes.uuid("unit", *key) for key in keys]
    assert hashes.seeds("picture", keys) == [hashes.seed("picture", *key) for key in keys]


# -- COCO files that have everything ----------------------------------------------------------------------------------

NO_ATTRIBUTES: list[dict[str, Any]] = [{}, {"colour": "red"}, {"colour": "green", "bent": True}, {"word": "50% é\x0b"}]


def crowded_coco(seed: int, count: int = 60) -> bytes:
    """Return a COCO file of any annotations there are, whole and broken, in and out of images of several sizes."""
    random = Random(seed)
    sizes = [(200, 100)] if seed % 2 else [(200, 100), (64, 480)]
    images: list[dict[str, Any]] = []
    annotations: list[Any] = []
    for number in range(count):
        width, height = random.choice(sizes)
        image: dict[str, Any] = {"id": number, "width": width, "height": height, "file_name": f"b\\{number % 50}.jpg"}
        more: list[dict[str, Any]] = [{"license": 3}, {"attributes": {"sunny": random.random() < 0.5}}]
        image |= random.choice([{}] * 9 + more)
        images.append(image)
        for _ in range(random.randrange(9)):
            annotations.append(any_annotation(random, width, height) | {"id": len(annotations), "image_id": number})
    for shift in range(seed % 3):
        annotations.append({"id": 0, "image_id": 1000, "category_id": 1, "bbox": [1, 1, 2 + shift, 2]})
        annotations.append(shift)
    random.shuffle(annotations) if seed % 2 else None
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES[: 4 + seed % 2])]
    categories += [{"id": 8, "name": "dot", "keypoints": ["at"]}, {"id": 9, "name": "rider", "keypoints": ["a", "b"]}]
    text = json.dumps({"annotations": annotations, "images": images, "categories": categories})
    return text.replace('"NaN"', "NaN").encode()


def any_annotation(random: Random, width: int, height: int) -> dict[str, Any]:
    def place(side: int) -> Any:
        value = random.uniform(-0.05, 1.05) * side if random.random() < 0.02 else random.uniform(0, 1) * side
        return random.choice([round(value, 2), int(value), value])

    def ring(count: int) -> list[Any]:
        flat: list[Any] = [place(side) for _ in range(count) for side in (width, height)]
        more: list[list[Any]] = [flat[:2], [1]]
        return flat + random.choice([[]] * 9 + more)

    one: dict[str, Any] = {"category_id": random.choice([0, 0, 1, 2, 3, random.choice([4, 7, "1"])])}
    one["attributes"] = dict(random.choice(NO_ATTRIBUTES))
    left, top = place(width), place(height)
    one["bbox"] = [left, top, place(width) / 3, random.choice([place(height) / 3] * 30 + ["NaN", None, -1, 0, 1e-4])]
    kind = random.choice(["box"] * 4 + ["polygon"] * 4 + ["parts", "mask", "mask", "dot", "pose", "label", "caption"])
    if kind == "polygon":
        one["segmentation"] = [ring(random.randrange(3, 9) if random.random() < 0.9 else 2)]
        one["segmentation"] = random.choice([one["segmentation"]] * 20 + [one["segmentation"][0], [["x"]], [[1e5] * 8]])
    elif kind == "parts":
        one["segmentation"] = [ring(3), ring(random.randrange(1, 5))]
    elif kind == "mask":
        first = random.randrange(width * height)
        counts = [first, width * height - first + (random.random() < 0.1)]
        one["segmentation"] = {"size": [height, width][:: random.choice([1] * 9 + [-1])], "counts": counts}
        one["iscrowd"] = int(random.random() < 0.2)
    elif kind == "dot":
        one |= {"category_id": 8, "keypoints": [left, top, random.choice([0, 1, 2])], "num_keypoints": 1}
    elif kind == "pose":
        one |= {"category_id": 9, "keypoints": [left, top, 2, place(width), place(height), 1], "num_keypoints": 2}
    elif kind in ("label", "caption"):
        del one["bbox"]
        one |= {"caption": "a % b"} if kind == "caption" else {}
    if random.random() < 0.5:
        one["area"] = 1.5
    if random.random() < 0.05:
        one |= random.choice([{"score": 0.5}, {"unheard": 1}, {"occluded": True}, {"iscrowd": 1}, {"track_id": 3}])
    if random.random() < 0.05:
        one["attributes"] |= random.choice(
            [{"rotation": 30}, {"encord_shape": "polyline"}, {"manual_annotation": False}, {"colour": 7}, {"x": None}]
        )
    if kind == "box" and random.random() < 0.4:
        angle, turned = (
            random.choice([0.0, 16.57, 400, -1e-7, "1"]),
            [left, top, 20.5, random.choice([9.25, 7, -1, None])],
        )
        shape = {"encord_shape": random.choice(["rotatable_bounding_box"] * 9 + ["bounding_box"])}
        one["attributes"] |= {"rotation": angle, "unrotated_bbox": turned} | shape
        one["segmentation"] = [ring(4)]
    if random.random() < 0.3:
        one["attributes"]["encord_object_hash"] = random.choice([f"{random.randrange(10**8):08d}", "short", 'qu"ote+/'])
    return one


@pytest.mark.parametrize("seed", range(12))
def test_a_coco_file_of_everything_is_written_alike(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = crowded_coco(seed)
    if seed % 4 == 3:  # as this package writes it
        text = text.replace(b'": ', b'":').replace(b', "', b',"')
    options: dict[str, str] = [{}, {"extras": "attributes"}, {"prefer": "polygon"}][seed % 3]
    source = MemorySource({"a.json": text})
    assert check_all_ways(source, tmp_path, monkeypatch, "coco", **options)


def test_what_this_package_writes_stays_in_columns(tmp_path: Path) -> None:
    attribute = "<attribute><name>bent</name><mutable>True</mutable><input_type>checkbox</input_type></attribute>"
    (tmp_path / "a.xml").write_text(
        "<annotations><meta><task><labels><label><name>car</name><attributes>" + attribute + "</attributes></label>"
        '</labels></task></meta><image id="0" name="a.jpg" width="100" height="80">'
        '<box label="car" xtl="1" ytl="2" xbr="30" ybr="40"><attribute name="bent">true</attribute></box>'
        '<box label="car" xtl="30" ytl="20" xbr="60" ybr="40" rotation="30"><attribute name="bent">false</attribute>'
        "</box></image></annotations>"
    )
    convert(tmp_path / "a.xml", tmp_path / "out", to="coco")
    [table] = read(tmp_path / "out", "coco").tables()
    assert isinstance(table, Table)
    assert not table.made and len(table.variants) == 2


def test_rows_of_coco_tables_are_the_rows_that_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(4):
        source = MemorySource({"a.json": crowded_coco(seed)})
        found = [row.to_encord_dict() for row in read(source, "coco")]
        with monkeypatch.context() as patch:
            one_by_one(patch)
            assert found == [row.to_encord_dict() for row in read(source, "coco")]


def test_uses_that_are_forgotten_are_counted_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_xml, "CHUNK_BYTES", 4000)
    (tmp_path / "a.xml").write_bytes(crowded(4, count=200))
    ample = converted(tmp_path / "a.xml", tmp_path / "ample", 1)
    monkeypatch.setattr(cvat_counts, "_MAX_READY", 40)
    monkeypatch.setattr(stats, "_MAX_SEEN", 20)
    scarce = converted(tmp_path / "a.xml", tmp_path / "scarce", 1)
    assert scarce[0] == ample[0]
    counts = [{key: json.loads(account)[key] for key in ("counts", "labels")} for _, account in (scarce, ample)]
    assert counts[0] == counts[1]
