"""Hold the fixtures, and copies of them with one thing changed, to the law of the file; print what became of each leaf.

python tests/law                       fixtures
python tests/law --mutations 500       and 500 changed copies a format
python tests/law --gaps gaps.md        with each kind of gap, and where it was met
python tests/law --accept              rewrite the list of known gaps; read the diff
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from law import RULES, Tally  # noqa: E402
from runs import GAPS, Run, run_fixtures, run_mutations, scratch  # noqa: E402
from sources import sources  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=0, metavar="N", help="changed copies of sources, a format")
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument("--only", nargs="*", default=[], metavar="FORMAT")
    parser.add_argument("--gaps", type=Path, metavar="FILE", help="write each kind of gap with where it was met")
    parser.add_argument("--json", action="store_true", help="print the tallies as JSON")
    parser.add_argument("--accept", action="store_true", help="rewrite the list of known gaps")
    args = parser.parse_args()
    with scratch() as room:
        all_sources = list(sources(room / "made"))
        found: dict[str, tuple[Run, Run]] = {}
        for format_ in dict.fromkeys(source.format for source in all_sources):
            if not args.only or format_ in args.only:
                those = [source for source in all_sources if source.format == format_]
                started = time.monotonic()
                fixtures = run_fixtures(those, room)
                changed = run_mutations(those, room, args.mutations, args.seed)
                found[format_] = fixtures, changed
                print(f"{format_}: {time.monotonic() - started:.1f} s", file=sys.stderr)
    if args.json:
        print(json.dumps({name: [run.to_dict() for run in pair] for name, pair in found.items()}, indent=1))
    else:
        _table(found, bool(args.mutations))
    if args.gaps:
        args.gaps.write_text("\n".join(_listed(name, *pair) for name, pair in found.items()))
    if args.accept:
        known = json.loads(GAPS.read_text()) if GAPS.exists() else {}
        for name, (fixtures, changed) in found.items():
            added = sorted(changed.gaps) if args.mutations else known.get(name, {}).get("added", [])
            known[name] = {"fixtures": dict(sorted(fixtures.tally.gaps.items())), "added": added}
        GAPS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def _table(found: dict[str, tuple[Run, Run]], has_mutations: bool) -> None:
    names = ("followed", "back", "derived", "counted", "vanished")
    print(f"{'format':15}{'sources':>8}" + "".join(f"{name:>10}" for name in names) + f"{'allowed':>9}")
    for format_, (run, _) in found.items():
        counts = "".join(f"{getattr(run.tally, name):>10}" for name in names)
        print(f"{format_:15}{run.sources:>8}{counts}{len(RULES[format_].derived):>9}")
    if has_mutations:
        print(f"\n{'format':15}{'changed':>8}{'read':>10}{'refused':>10}{'vanished':>10}{'crashed':>10}{'slowest':>10}")
        for format_, (_, run) in found.items():
            read = run.sources - len(run.refused) - len(run.crashed)
            print(
                f"{format_:15}{run.sources:>8}{read:>10}{len(run.refused):>10}{sum(run.gaps.values()):>10}"
                f"{len(run.crashed):>10}{run.slowest_s:>8.1f} s"
            )
    for _, pair in found.items():
        for line in (line for run in pair for line in run.crashed):
            print(f"crashed: {line}")


def _listed(format_: str, fixtures: Run, changed: Run) -> str:
    tally: Tally = fixtures.tally
    lines = [f"# {format_}: {tally.followed} leaves, {tally.vanished} vanished", ""]
    lines += _lines(tally.gaps, fixtures)
    if changed.sources:
        lines += ["", f"## Added to {format_}: {changed.sources} changes, {sum(changed.gaps.values())} vanished", ""]
        lines += _lines(changed.gaps, changed)
    return "\n".join([*lines, *(f"refused: {line}" for line in fixtures.refused), ""])


def _lines(gaps: Counter[str], run: Run) -> list[str]:
    return [f"- {count} `{kind}`: {run.examples[kind]}" for kind, count in gaps.most_common()]


if __name__ == "__main__":
    main()
