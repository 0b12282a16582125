"""Sources are read alike wherever they are; targets appear whole or not at all; no name leads out."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from encord_convert.errors import ReadError, WriteError
from encord_convert.formats._files import (
    MemorySource,
    MemoryTarget,
    Source,
    Target,
    join_within,
    name_fault,
    source_at,
)

MEMBERS = {"a.xml": b"<a/>", "images/cam 1/ä.jpg": b"\xff\xd8"}


def make_folder(root: Path) -> Path:
    for name, data in MEMBERS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def make_zip(path: Path, members: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (members or MEMBERS).items():
            archive.writestr(name, data)
    return path


def read_member(source: Source, name: str) -> bytes:
    with source.open(name) as stream:
        return stream.read()


def write_file(target: Target, name: str, data: bytes) -> None:
    with target.open(name) as stream:
        stream.write(data)


def test_a_folder_a_zip_and_memory_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    sources = [source_at(make_folder(tmp_path / "d")), source_at(make_zip(tmp_path / "d.zip")), MemorySource(MEMBERS)]
    for source in sources:
        with source:
            assert source.names() == sorted(MEMBERS)
            assert source.names(".xml") == ["a.xml"]
            assert source.names(depth=1) == ["a.xml"]
            assert {name: read_member(source, name) for name in source.names()} == MEMBERS
            assert source.head("a.xml", 2) == b"<a"
            assert source.size("a.xml") == 4


def test_a_head_takes_no_more_memory_than_the_file_has(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    for source in (source_at(tmp_path / "a"), source_at(tmp_path)):
        assert source.head("a", 1 << 45) == b"abc" * 1_000_000
        assert source.head("a", 2_000_000) == (b"abc" * 1_000_000)[:2_000_000]
        assert [*source.heads(["a"], 1 << 45)] == [b"abc" * 1_000_000]


def test_standard_input_can_be_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b"<a/>")

    monkeypatch.setattr("sys.stdin", Stdin)
    with source_at("-") as source:
        name = source.names()[0]
        path = source.path(name)
        assert read_member(source, name) == read_member(source, name) == b"<a/>"
        assert source.place(name) == "standard input"
    assert path is not None and not path.exists()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../a", "leaves its folder"),
        ("a/../../b", "leaves its folder"),
        ("a\\..\\..\\b", "leaves its folder"),
        ("/etc/passwd", "is absolute"),
        ("\\\\host\\share", "is absolute"),
        ("C:/a", "names a drive"),
        ("a\0b", "holds a NUL character"),
        ("", "is empty"),
        ("a/NUL.txt", "is reserved by Windows"),
    ],
)
def test_a_name_that_leads_out_is_at_fault(name: str, fault: str, tmp_path: Path) -> None:
    assert name_fault(name) == fault
    with pytest.raises(ValueError, match=fault):
        join_within(tmp_path, name)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("s")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.xml").symlink_to(outside)
    with pytest.raises(ReadError, match=r"leads through a link out of"):
        source_at(tmp_path / "d").open("a.xml")


@pytest.mark.proves("labels: 28")
@pytest.mark.parametrize("name", ["../up.xml", "/abs.xml", "C:\\x.xml"])
def test_a_zip_with_a_member_that_leads_out_is_refused_whole(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReadError, match="The archive is refused"):
        source_at(make_zip(tmp_path / "bad.zip", {"a.xml": b"<a/>", name: b""}))


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("a.xml")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ReadError, match=r"'a\.xml' is a link"):
        source_at(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "bomb.zip", {"a.xml": bytes(200 << 20)})
    with source_at(path) as source, pytest.raises(ReadError, match="inflates to more than 100 times its stored size"):
        source.open("a.xml")


def test_a_zip_bomb_that_lies_about_its_size_is_read_no_further(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "bomb.zip", {"a.xml": bytes(200 << 20)})
    size = (200 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with source_at(path) as source, source.open("a.xml") as file, pytest.raises(ReadError, match="is damaged here"):
        file.read(1 << 20)


def test_a_cut_zip_is_one_sentence(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "cut.zip")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ReadError, match=r"cut.zip: not a readable ZIP archive .* Was it cut short\?"):
        source_at(path)


def test_nothing_at_the_path_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="there is no such file or folder"):
        source_at(tmp_path / "none.xml")


def test_a_target_appears_whole(tmp_path: Path) -> None:
    target = Target(tmp_path / "deep" / "out")
    with target:
        write_file(target, "a.json", b"1")
        target.scratch("scratch").write_bytes(b"spool")
        write_file(target, "b/c.json", b"2")
        assert not (tmp_path / "deep" / "out").exists()
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == [
        "deep/out/a.json",
        "deep/out/b/c.json",
    ]


def test_an_error_leaves_no_trace(tmp_path: Path) -> None:
    target = Target(tmp_path / "deep" / "out")
    with pytest.raises(RuntimeError), target:
        write_file(target, "a.json", b"1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_second_writing_replaces_the_files_and_leaves_others(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    for text in (b"1", b"2"):
        with Target(tmp_path / "out") as target, target.open("a.json") as stream:
            stream.write(text)
    assert (tmp_path / "out" / "a.json").read_bytes() == b"2"
    assert sorted(os.listdir(tmp_path / "out")) == ["a.json", "mine.txt"]
    assert os.listdir(tmp_path) == ["out"]


def test_a_target_with_the_formats_suffix_is_that_file(tmp_path: Path) -> None:
    with Target(tmp_path / "x.json", (".json",)) as target, target.open("annotations.json") as stream:
        stream.write(b"1")
    assert os.listdir(tmp_path) == ["x.json"]
    assert (tmp_path / "x.json").read_bytes() == b"1"


def test_a_folder_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(WriteError, match="is a file, and the target is a folder"), Target(tmp_path / "out") as target:
        target.open("a")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_target_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    with pytest.raises(WriteError, match="cannot be written"), Target(tmp_path / "f" / "out") as target:
        target.open("a")


def test_a_memory_target_keeps_bytes() -> None:
    target = MemoryTarget()
    with target, target.open("a/b.json") as stream:
        stream.write(b"1")
    assert target.files == {"a/b.json": b"1"}


def test_a_target_takes_over_links_and_nothing_of_them_if_it_fails(tmp_path: Path) -> None:
    original = tmp_path / "a.png"
    original.write_bytes(b"picture")
    with Target(tmp_path / "out") as target:
        target.adopt("deep/b.png").hardlink_to(original)
        target.adopt("deep/c.png").symlink_to(original)
        with pytest.raises(ValueError, match=r"the name '\.\./d\.png' leaves its folder"):
            target.adopt("../d.png")
    assert sorted(path.name for path in (tmp_path / "out" / "deep").iterdir()) == ["b.png", "c.png"]
    assert (tmp_path / "out" / "deep" / "b.png").samefile(original)
    with pytest.raises(RuntimeError), Target(tmp_path / "other") as target:
        target.adopt("b.png").hardlink_to(original)
        raise RuntimeError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "out"]
    assert original.read_bytes() == b"picture"


def test_links_go_into_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "a.png").write_bytes(b"picture")
    with Target(tmp_path / "out") as target:
        target.adopt("deep/b.png").hardlink_to(tmp_path / "a.png")
        target.open("labels.txt").close()
    assert (tmp_path / "out" / "deep" / "b.png").samefile(tmp_path / "a.png")
    assert (tmp_path / "out" / "labels.txt").is_file()
