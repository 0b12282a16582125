"""What describes a CVAT file is the same to the parser of the standard library as to lxml."""

from pathlib import Path

import pytest
from lxml import etree

from encord_convert.formats.cvat import exact_xml
from encord_convert.formats.cvat.exact_xml import describing_elements
from encord_convert.formats.cvat.meta import parse_meta

FILES = sorted((Path(__file__).parents[2] / "fixtures" / "cvat").rglob("*.xml"))
NAMED = '<?xml version="{}"?><annotations><meta><task><name>{}</name></task></meta></annotations>'


def by_lxml(text: bytes) -> etree._Element:
    return etree.fromstring(text, etree.XMLParser(resolve_entities=False))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_fixtures_are_described_alike(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = file.read_bytes()
    ours = parse_meta(*describing_elements(text))
    monkeypatch.setattr(exact_xml, "_root_of", by_lxml)
    assert parse_meta(*describing_elements(text)) == ours


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    "name", ["a&amp;b", " a\r\n\tb ", "a<!-- c -->b", "<![CDATA[<a>]]>", "a<?php b?>c", "", "\u00e9"]
)
def test_texts_are_read_alike(name: str, version: str) -> None:
    text = NAMED.format(version, name).encode()
    assert parse_meta(*describing_elements(text)).name == (by_lxml(text).findtext("meta/task/name") or "").strip()


def test_what_is_no_xml_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        describing_elements(b"<annotations><meta></annotations>")
