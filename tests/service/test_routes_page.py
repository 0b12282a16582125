"""The page of routes is made of the table of routes, the handlers, and what versions of the official package asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from encord_convert.sdk.http.routes import PATH_ROUTES, ROUTES, USER, V2
from encord_convert.service.app import HANDLER_MODULES
from encord_convert.service.calls import HANDLERS, PATH_HANDLERS

for _name in HANDLER_MODULES:
    import_module(f"encord_convert.service.handlers.{_name}")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "encord_convert/docs/routes.md"
ASKED: dict[str, list[str]] = json.loads((Path(__file__).parent / "official_sdk/asked.json").read_text())
OUR_NAMES = re.compile(r"{\w+}")
HEAD = """# Routes of the service

What the [local service](service.md) answers, and which versions of the official package asked it when they ran their
checks against one service together: a tick is a request that was sent and got a reply the package accepts. What
is not ticked is asked by our own client, or by hand.

"""


def first_line(doc: str | None) -> str:
    line = re.sub(r":\w+:`[^`]*?([\w ]+)`", r"\1", (doc or "").partition("\n")[0].strip())
    return line.replace("|", "/")


def table(rows: Iterator[tuple[str, str, str]]) -> str:
    versions = list(ASKED)
    head = "| Route | What it does | " + " | ".join(version.removeprefix("0.1.") for version in versions) + " |\n"
    lines = [head, "|---|---|" + ":-:|" * len(versions) + "\n"]
    for route, key, what in rows:
        ticks = " | ".join("✓" if key in ASKED[version] else "" for version in versions)
        lines.append(f"| `{route}` | {what} | {ticks} |\n")
    return "".join(lines)


def younger() -> Iterator[tuple[str, str, str]]:
    for route in PATH_ROUTES:
        key = f"{route.method} {OUR_NAMES.sub('{}', route.path)}"
        path = route.path.removeprefix(V2 + "/")
        yield f"{route.method} {path}", key, first_line(PATH_HANDLERS[route].run.__doc__)


def older() -> Iterator[tuple[str, str, str]]:
    for (query, verb), route in ROUTES.items():
        for endpoint in route.endpoints:
            key = f"{verb.value} {query.value} {endpoint}"
            where = " of a user" if endpoint == USER else ""
            yield f"{verb.value} {query.value}{where}", key, first_line(HANDLERS[endpoint, query, verb].run.__doc__)


def page() -> str:
    pairs = [("Younger half, below `/v2/public`", younger), ("Older half, in the envelope", older)]
    parts = []
    for title, rows in pairs:
        made = list(rows())
        asked = sum(any(key in some for some in ASKED.values()) for _, key, _ in made)
        parts.append(f"## {title}\n\n{asked} of {len(made)} are asked.\n\n{table(iter(made))}")
    versions = ", ".join(ASKED)
    return HEAD + f"Versions: {versions}.\n\n" + "\n".join(parts)


def test_the_page_of_routes_is_what_is_served_and_asked(accept: bool) -> None:
    if accept:
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("version", ASKED)
def test_every_route_a_version_asks_is_served(version: str) -> None:
    keys = {key for _, key, _ in (*younger(), *older())}
    assert set(ASKED[version]) <= keys
