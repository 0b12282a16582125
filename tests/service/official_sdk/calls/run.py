"""Calls of the official package, each a named check; run in an environment of its own, never imported by ours.

``python run.py DOMAIN FOLDER [MODULE …]``: FOLDER holds keys and files, see ``test_official_sdk.py``. A line of
JSON for each check goes to stdout: its name, how many requests it made, and the error if it failed.
"""

from __future__ import annotations

import json
import re
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import requests
from world import CHECKS

MODULES = sys.argv[3:] or ("datasets", "ontologies", "projects", "label_rows", "workflows", "copies", "imports")
"""In the order in which each builds on those before."""


HASH = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HERE = str(Path(__file__).parent)


def route_of(request: requests.PreparedRequest) -> str:
    """What a request asks, with ``{}`` for each hash in its path; of the envelope API, query and verb."""
    path = urlsplit(request.url).path
    if path.lstrip("/") in ("public", "public/user"):
        body = json.loads(request.body)
        return f"{body['query_method']} {body['query_type']} /{path.lstrip('/')}"
    return f"{request.method} " + HASH.sub("{}", path)


def main() -> None:
    warnings.simplefilter("ignore")
    sent: list[str] = []
    send = requests.Session.send

    def noting(session: requests.Session, request: requests.PreparedRequest, **options: object) -> object:
        sent.append(route_of(request))
        return send(session, request, **options)

    requests.Session.send = noting  # type: ignore[method-assign]
    for name in MODULES:
        import_module(name)
    for name, function in CHECKS:
        sent.clear()
        line = {"name": name, "error": None, "where": None}
        try:
            function()
        except BaseException as error:
            line["error"] = f"{type(error).__name__}: {error}"[:2000]
            own = [one for one in traceback.extract_tb(error.__traceback__) if HERE in one.filename]
            line["where"] = "".join(traceback.format_list(own))
        line["requests"], line["routes"] = len(sent), sorted(set(sent))
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
