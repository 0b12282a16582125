"""What its page says of the client runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from loopback import success
from test_environment import text_of
from wire_calls import KEY, REPLIES, STANDARD, World

PAGE = (Path(__file__).parents[2] / "encord_convert" / "docs" / "client.md").read_text(encoding="utf-8")
ROWS = [REPLIES[name]["response"] for name in ("labelrow_GET_1", "labelrow_PUT_1")]


def test_the_example_of_the_page_fetches_and_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_text(text_of(KEY))
    saved: list[str] = []

    def answer(received: Any) -> Any:
        asked = received.envelope
        query, verb = asked["query_type"], asked["query_method"]
        if (query, verb) == ("labelrow", "POST"):
            saved.extend(asked["values"]["uid"])
            return success(True)
        if query == "projectwithuserrole":
            return success(
                [{"user_role": 0, "project": {key: STANDARD["project"][key] for key in ("project_hash", "title")}}]
            )
        return success(
            {"labelrow": ROWS, "labelrowmetadata": STANDARD["labelrowmetadata"][:2]}.get(query) or STANDARD[query]
        )

    world = World(answer)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ENCORD_CONVERT_DOMAIN", world.url)
    with world.server:
        for text in re.findall(r"^```py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
            if "from encord import" not in text:  # what runs with the official package is tested in its environment
                exec(compile(text, "client.md", "exec"), {})
    assert saved == [row["label_hash"] for row in ROWS]
    assert capsys.readouterr().out.splitlines() == [
        f"Synthetic project {STANDARD['project']['project_hash']} ADMIN",
        "clip.mp4 1",
        "pic.png 0",
    ]
