"""Calls of the official package, each a named check; run in an environment of its own, never imported by ours.

``python run.py DOMAIN FOLDER [MODULE …]``: FOLDER holds keys and files, see ``test_official_sdk.py``. A line of
JSON for each check goes to stdout: its name, how many requests it made, and the error if it failed.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path

import requests
from world import CHECKS

MODULES = sys.argv[3:] or ("datasets", "ontologies", "projects", "label_rows", "workflows", "copies", "imports")
"""In the order in which each builds on those before."""


HERE = str(Path(__file__).parent)


def main() -> None:
    warnings.simplefilter("ignore")
    sent = [0]
    send = requests.Session.send

    def counting(session: requests.Session, *arguments: object, **options: object) -> object:
        sent[0] += 1
        return send(session, *arguments, **options)

    requests.Session.send = counting  # type: ignore[method-assign]
    for name in MODULES:
        import_module(name)
    for name, function in CHECKS:
        before = sent[0]
        line = {"name": name, "error": None, "where": None}
        try:
            function()
        except BaseException as error:
            line["error"] = f"{type(error).__name__}: {error}"[:2000]
            own = [one for one in traceback.extract_tb(error.__traceback__) if HERE in one.filename]
            line["where"] = "".join(traceback.format_list(own))
        line["requests"] = sent[0] - before
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
