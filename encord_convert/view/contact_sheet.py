"""Contact sheets: small images with labels in one PNG, drawn with Pillow."""

from __future__ import annotations

import io
import math
from typing import Any

from encord_convert.view.choice import Choice
from encord_convert.view.content import Content
from encord_convert.view.drawing import Drawing, Flat
from encord_convert.view.labels import NO_SIZE
from encord_convert.view.sample import Sampled, thinned
from encord_convert.view.thumbnails import Thumbnails, overlay_image, paint

MOST_IMAGES = 120
_WIDTH_PX, _LEAST_PX, _MOST_PX = 2_400, 180, 400
_GAP, _LINE = 12, 22
_PAPER, _INK, _GREY, _LOST = "#ffffff", "#1b1f24", "#b9bec4", "#d1242f"
_DASH_PX = 6


def contact_sheet(choice: Choice, thumbnails: Thumbnails) -> bytes:
    """Return the contact sheet of the chosen images, which have drawings, as PNG."""
    from PIL import Image

    shown = thinned(choice.shown, MOST_IMAGES)
    columns = max(1, math.ceil(math.sqrt(len(shown) * 1.4)))
    side = max(_LEAST_PX, min(_MOST_PX, _WIDTH_PX // columns))
    tiles = [_tile(image, thumbnails, side) for image in shown]
    rows = [tiles[at : at + columns] for at in range(0, len(tiles), columns)]
    heights = [max(tile.height for tile in row) for row in rows]
    size = _GAP + columns * (side + _GAP), _GAP + sum(height + _GAP for height in heights)
    paper = Image.new("RGB", (size[0], max(size[1], 2 * _GAP)), _PAPER)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for at, tile in enumerate(row):
            paper.paste(tile, (_GAP + at * (side + _GAP), top))
        top += height + _GAP
    stream = io.BytesIO()
    paper.save(stream, "PNG")
    return stream.getvalue()


def _tile(shown: Sampled[Content], thumbnails: Thumbnails, side: int) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    width, height = (number or NO_SIZE for number in shown.size)
    scale = side / max(width, height)
    small = max(1, round(width * scale)), max(1, round(height * scale))
    image, _ = thumbnails.image(shown.content.image, shown.size, side)
    image = Image.new("RGB", small, _GREY) if image is None else image.resize(small)
    if shown.content.overlay:
        overlay = overlay_image(shown.content.overlay).resize(small)
        image.paste(overlay, mask=overlay)
    paint(image, [(colour, drawing) for colour, drawing, is_lost in shown.content.drawings if not is_lost], scale)
    lost = [drawing for _, drawing, is_lost in shown.content.drawings if is_lost]
    paint(image, [(_PAPER, drawing) for drawing in lost], scale)
    paint(image, [(_LOST, _dashed(drawing, _DASH_PX / scale)) for drawing in lost], scale)
    tile = Image.new("RGB", (side, small[1] + _LINE), _PAPER)
    tile.paste(image, ((side - small[0]) // 2, 0))
    font = ImageFont.load_default(13)
    text = (f"frame {shown.frame}, " if shown.frame else "") + shown.title.rpartition("/")[2]
    text = " ".join(text[:side].splitlines())  # fonts take no more, and one line
    while len(text) > 1 and font.getlength(text) > side:
        text = text[: max(1, len(text) * 9 // 10 - 1)] + "…"
    ImageDraw.Draw(tile).text((0, small[1] + 3), text, _INK, font)
    return tile


def _dashed(drawing: Drawing, dash: float) -> Drawing:
    """Return a drawing with dashed lines, which Pillow lacks."""
    lines = [
        part for flat in [ring + ring[:2] for ring in drawing.areas] + drawing.lines for part in _dashes(flat, dash)
    ]
    return Drawing(lines=lines, dots=drawing.dots, hollow=drawing.hollow)


def _dashes(flat: Flat, dash: float) -> list[Flat]:
    """Return the dashes of a line, as long as the gaps and continuing around corners."""
    found: list[Flat] = []
    at = 0.0
    for x0, y0, x1, y1 in zip(flat[0::2], flat[1::2], flat[2::2], flat[3::2], strict=False):
        length = math.hypot(x1 - x0, y1 - y0)
        dash = max(dash, length / _MOST_DASHES)
        done = 0.0
        while done < length:
            is_drawn = at < dash
            step = min(length - done, (dash if is_drawn else 2 * dash) - at)
            if is_drawn:
                ends = (done / length, (done + step) / length)
                found.append([number for end in ends for number in (x0 + (x1 - x0) * end, y0 + (y1 - y0) * end)])
            done += max(step, dash / 64)
            at = (at + max(step, dash / 64)) % (2 * dash)
    return found


_MOST_DASHES = 1_000
