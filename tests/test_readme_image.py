"""The image of the README shows what happens today."""

from pathlib import Path

from readme_image import ROOT, screen, svg

PATH = ROOT / "encord_convert" / "docs" / "overview.svg"


def test_the_image_of_the_readme_is_what_the_conversion_gives(accept: bool, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    now = svg(screen(tmp_path))
    if accept:
        PATH.write_text(now, encoding="utf-8")
    assert PATH.read_text(encoding="utf-8") == now
