"""Kill a push, or the service it talks to, at random moments; go on; compare with an undisturbed push.

    python tests/bench/push_kill.py [--client 20] [--service 20] [--both 20] [--images 60] [--kills 3] [--seed 1]

Each round pushes to a service of its own, in a process of its own, and ends the one or the other with SIGKILL several
times. A round passes if what there is in the end equals that of an undisturbed push, object for object, and no file
arrived twice: a relay between the two counts the files the service acknowledged. In the rounds of --both, two pushes of
one source begin at almost the same time: one of them is refused or finds all done. Exits with 1 if a round fails.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/sync"), str(ROOT / "tests/service")]

from pushes import boxes, state_of  # noqa: E402
from relays import Relay  # noqa: E402
from served import COMMAND, Served, environment  # noqa: E402

from encord_convert.sdk.user_client import EncordUserClient  # noqa: E402

TRIES = 40
"""How often a push is begun at most before a round counts as failed."""


Moment = tuple[int, float]
"""After how many things that were made, sent or written, and how many seconds after that."""


def pushed(folder: Path, source: Path, kill: str, moments: list[Moment]) -> tuple[object, bool, int, list[str]]:
    """Push, with a kill at a moment of each attempt; return the state, if it ended, how many kills, and doubles."""
    served = Served(folder)
    killed = 0
    try:
        with Relay(served.port) as relay:
            words = [*COMMAND, "push", str(source), "--new-project", "Boxes", "--json"]
            reach = ["--domain", relay.url, "--key", str(served.key)]
            ended = False
            for _ in range(TRIES):
                process = subprocess.Popen(
                    [*words, *reach], cwd=folder, env=environment(),
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )  # fmt: skip
                if moments:
                    wait_for(process, *moments.pop())
                    was_there = process.poll() is None
                    killed += was_there
                    if kill == "client":
                        process.kill()
                    else:
                        served.kill()
                        time.sleep(0.3)
                        served.start()
                _, said = process.communicate()
                if process.returncode == 0:
                    ended = True
                    break
            if not ended:
                print(said, flush=True)
            doubles = [path for path, count in relay.acknowledged.items() if count > 1]
            client = EncordUserClient.create_with_ssh_private_key(
                ssh_private_key_path=str(served.key), domain=relay.url
            )
            return state_of(client), ended, killed, doubles
    finally:
        served.close()


def met(folder: Path, source: Path, apart: float) -> tuple[object, list[int], list[str]]:
    """Push twice at almost the same time; return the state, both exit codes, and doubles."""
    served = Served(folder)
    try:
        with Relay(served.port) as relay:
            words = [*COMMAND, "push", str(source), "--new-project", "Boxes", "--json"]
            reach = ["--domain", relay.url, "--key", str(served.key)]
            both = []
            for _ in range(2):
                both.append(
                    subprocess.Popen([*words, *reach], cwd=folder, env=environment(), stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True)
                )  # fmt: skip
                time.sleep(apart)
            said = [one.communicate()[1] for one in both]
            if any("Traceback" in one or "bug" in one for one in said):
                print("\n".join(said), flush=True)
                both[0].returncode = 70
            doubles = [path for path, count in relay.acknowledged.items() if count > 1]
            client = EncordUserClient.create_with_ssh_private_key(
                ssh_private_key_path=str(served.key), domain=relay.url
            )
            return state_of(client), [one.returncode for one in both], doubles
    finally:
        served.close()


def wait_for(process: subprocess.Popen[str], events: int, seconds: float) -> None:
    """Wait until a push has told of so many things, or ended, and some time more."""
    assert process.stdout is not None
    for _ in range(events):
        if not process.stdout.readline():
            break
    time.sleep(seconds)


def main() -> int:
    """Do what the arguments say; 0 if every round passes."""
    parser = argparse.ArgumentParser(description="Kill a push, or its service, at random moments, and go on.")
    parser.add_argument("--client", type=int, default=20)
    parser.add_argument("--service", type=int, default=20)
    parser.add_argument("--both", type=int, default=20)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="push-kill-") as scratch:
        source = boxes(Path(scratch), given.images)
        began = time.perf_counter()
        expected, ended, _, doubles = pushed(Path(scratch, "whole"), source, "client", [])
        whole_s = time.perf_counter() - began
        print(f"undisturbed: {whole_s:.1f} s, {'ended' if ended else 'FAILED'}", flush=True)
        good, kills = ended and not doubles, 0
        for kill, rounds in (("client", given.client), ("service", given.service)):
            passed = 0
            for number in range(rounds):
                most = 2 * given.images // given.kills
                moments = [
                    (chance.randrange(most), chance.uniform(0, 0.05))
                    if chance.random() < 0.8
                    else (0, chance.uniform(0, 2))
                    for _ in range(given.kills)
                ]
                state, ended, killed, doubles = pushed(Path(scratch, f"{kill}-{number}"), source, kill, moments)
                kills += killed
                same = state == expected
                passed += same and ended and not doubles
                if not (same and ended) or doubles:
                    print(f"{kill} {number}: equal {same}, ended {ended}, arrived twice {doubles}", flush=True)
            print(f"{kill}: {passed} of {rounds} rounds passed", flush=True)
            good &= passed == rounds
        passed = 0
        for number in range(given.both):
            state, codes, doubles = met(Path(scratch, f"both-{number}"), source, chance.uniform(0, whole_s / 2))
            passed += state == expected and sorted(codes) in ([0, 0], [0, 9]) and not doubles
            if state != expected or doubles or sorted(codes) not in ([0, 0], [0, 9]):
                print(f"both {number}: equal {state == expected}, codes {codes}, arrived twice {doubles}", flush=True)
        print(f"both: {passed} of {given.both} rounds passed", flush=True)
        good &= passed == given.both
        print(f"{kills} kills while a push was under way")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
