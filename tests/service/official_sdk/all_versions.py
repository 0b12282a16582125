"""Runs the calls of seven versions against one served service with one database, and prints what came of it.

``python tests/service/official_sdk/all_versions.py FOLDER``: FOLDER keeps the environments. What each version asked
goes to ``asked.json``, from which ``docs/routes.md`` is made.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from test_official_sdk import ASKED, Suite, failures, interpreter, routes  # noqa: E402 (found by the line above)

VERSIONS = ("0.1.104", "0.1.112", "0.1.133", "0.1.150", "0.1.166", "0.1.190", "0.1.211")


def main(folder: Path) -> int:
    """Run everything; return how many checks failed."""
    pythons = {version: interpreter(folder / f"encord-{version}", version) for version in VERSIONS}
    failed = 0
    with tempfile.TemporaryDirectory(prefix="versions-") as name:
        suite = Suite(Path(name).resolve(), pythons)
        try:
            counts = {version: [suite.run(version, "every_version")] for version in VERSIONS}
            documented = suite.run(VERSIONS[0])
            for version in (*VERSIONS, *VERSIONS):
                counts[version].append(suite.run(version, "others"))
        finally:
            suite.close()
    found = {version: set().union(*map(routes, some)) for version, some in counts.items()}
    found[VERSIONS[0]] |= routes(documented)
    asked = {version: sorted(some) for version, some in found.items()}
    ASKED.write_text(json.dumps(asked, indent=1) + "\n")
    print("| Version | Checks | ask the service | requests | of others, twice | failed |")
    print("|---|---:|---:|---:|---:|---:|")
    for version, (own, *others) in counts.items():
        lines = [line for some in (own, *others) for line in some]
        wrong = sum(line["error"] is not None for line in lines)
        asking, sent = sum(line["requests"] > 0 for line in own), sum(line["requests"] for line in lines)
        print(f"| {version} | {len(own)} | {asking} | {sent} | {sum(map(len, others))} | {wrong} |")
        failed += wrong
        if wrong:
            print(failures(lines), file=sys.stderr)
    wrong = sum(line["error"] is not None for line in documented)
    print(f"The suite of {VERSIONS[0]} itself: {len(documented)} checks, {wrong} failed.")
    return failed + wrong


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1])), 1))
