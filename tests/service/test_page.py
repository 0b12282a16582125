"""What its page says of the local service, as a newcomer types it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from media import image
from test_serve_cli import ROOT, key_files

PAGE = (ROOT / "encord_convert" / "docs" / "service.md").read_text(encoding="utf-8")
PORT = re.compile(r"\b8080\b")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.proves("service: 1")
def test_the_session_of_the_page_works_as_it_stands(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    private, public = key_files(tmp_path)
    private.rename(home / ".ssh/id_ed25519")
    public.rename(home / ".ssh/id_ed25519.pub")
    image(tmp_path / "crossing.png", 64, 48)
    serve, exports, add = blocks("sh")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}

    def command(line: str) -> list[str]:
        words = [os.path.expandvars(word.replace("~", str(home))) for word in shlex.split(line)]
        assert words[0] == "encord-convert"
        return [sys.executable, "-m", "encord_convert", *words[1:]]

    # Any free port in place of the one of the page.
    process = subprocess.Popen(
        [*command(PORT.sub("0", serve)), "--print-url"], cwd=tmp_path, env=environment, text=True, stdout=-1
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        for line in exports.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = PORT.sub(port, value)
        [script] = blocks("py")
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", script],
                cwd=tmp_path,
                env=environment,
                text=True,
                capture_output=True,
                check=False,
            )
            assert (done.stdout, done.stderr) == ("crossing.png IMAGE 64 48\n", "")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    added = subprocess.run(command(add), cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    assert "This public key is registered already." in added.stderr  # as that of the first user
