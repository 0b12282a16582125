"""Assembles pages from a stylesheet, a script and a template, so that nothing else can run.

A page is one file. Its content security policy allows only our script and style by hash and embedded images, and loads
nothing. Source data is escaped by the template, or is JSON in which no tag can end.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

_FOLDER = Path(__file__).parent / "templates"
_UNSAFE = re.compile(rb"[<>&]|\xe2\x80[\xa8\xa9]")
_SAFE = {
    b"<": rb"\u003c", b">": rb"\u003e", b"&": rb"\u0026", b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029"
}  # fmt: skip


def rendered(template: str, script: str, **values: Any) -> Iterator[str]:
    """Yield a page in pieces; iterators among the values are consumed lazily.

    Parameters
    ----------
    template, script : str
        Names of files in the folder of templates.
    **values
        Template variables; ``title`` and ``facts`` at least.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    texts = {"style": _read("page.css"), "script": _read(script)}
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    values = {"command": "", "notices": (), **values}
    hashes = {name: f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}" for name, text in texts.items()}
    markup = {name: Markup(text) for name, text in texts.items()}
    return environment.get_template(template).generate(hashes=hashes, **markup, **values)


def json_markup(value: Any) -> Any:
    """Return a value as JSON that is safe in a script element."""
    from markupsafe import Markup

    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:  # the name of a file that is not UTF-8
        text = json.dumps(msgspec.to_builtins(value)).encode()
    return Markup(raw_markup(text))


def raw_markup(text: bytes) -> str:
    """Return JSON with tag characters escaped."""
    return _UNSAFE.sub(lambda match: _SAFE[match[0]], text).decode()


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
