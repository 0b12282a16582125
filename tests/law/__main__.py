"""Hold every fixture to the law of the file, and print what became of its leaves.

    python tests/law
    python tests/law --gaps gaps.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from law import Tally, converted, gone
from sources import sources

from encord_convert import ConvertError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gaps", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    tallies: dict[str, Tally] = defaultdict(Tally)
    where: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    examples: dict[tuple[str, str], str] = {}
    refused: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for source in sources(Path(scratch) / "made"):
            if args.only not in source.name:
                continue
            try:
                done = converted(source, Path(scratch) / "out")
            except ConvertError as error:
                refused.append(f"{source.name}: {error}")
                continue
            tally = Tally()
            for one in gone(done, source, tally):
                if args.v:
                    print(source.name, one.item, one.pattern, one.state, repr(one.value)[:150], "->", repr(one.other)[:150])
                from law import RULES
                key = f"{RULES[source.format].pattern(one.steps)} {one.state}"
                where[source.format][key][source.name] += one.leaves
                examples.setdefault((source.format, key), f"{repr(one.value)[:90]} -> {repr(one.other)[:90]}")
            tallies[source.format].add(tally)
    for name, tally in tallies.items():
        print(f"{name:14} followed {tally.followed} back {tally.back} derived {tally.derived} counted {tally.counted} vanished {tally.vanished}")
    for line in refused:
        print("refused", line)
    if args.gaps:
        with args.gaps.open("w") as stream:
            for name, tally in tallies.items():
                stream.write(f"\n# {name}: followed {tally.followed} back {tally.back} derived {tally.derived} counted {tally.counted} vanished {tally.vanished}\n")
                for key, count in tally.gaps.most_common():
                    files = ", ".join(f"{n} {c}" for n, c in where[name][key].most_common(4))
                    stream.write(f"{count:5} {key}    [{files}]  e.g. {examples[name, key]}\n")


if __name__ == "__main__":
    main()
