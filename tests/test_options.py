"""Options are parsed by the types their dataclass declares, and a wrong one is told what is right."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from encord_convert.errors import OptionError
from encord_convert.formats._api import option_rows, parse_options


@dataclass(frozen=True)
class Options:
    decimals: int = field(default=3, metadata={"help": "Digits after the point."})
    frames: Literal["labelled", "all"] = field(default="labelled", metadata={"help": "Which frames."})
    corners: bool = field(default=False, metadata={"help": "Write corners."})
    size: str | None = field(default=None, metadata={"help": "Image size."})
    width: float = 1.0

    def __post_init__(self) -> None:
        if self.decimals < 0:
            raise ValueError(f"decimals={self.decimals} is below 0.")


def parsed(**given: object) -> Options:
    return parse_options(Options, given, format_name="x")  # type: ignore[no-any-return]


def test_texts_become_values() -> None:
    assert parsed(decimals="2", frames="all", corners="yes", size="4x5", width="2.5") == Options(
        2, "all", True, "4x5", 2.5
    )
    assert parsed(size="none", corners="off") == Options()


def test_a_dash_is_an_underscore() -> None:
    assert parse_options(Options, {"corners": "on"}, format_name="x").corners


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"decimal": "2"}, "x has no option 'decimal'. Did you mean 'decimals'? It has: decimals, frames,"),
        ({"decimals": "two"}, "x: decimals=two is not allowed; it takes a whole number."),
        ({"decimals": "-1"}, "x: decimals=-1 is below 0."),
        ({"frames": "some"}, "x: frames=some is not allowed; it takes labelled or all."),
        ({"corners": "maybe"}, "x: corners=maybe is not allowed; it takes yes or no."),
        ({"decimals": True}, "x: decimals=True is not allowed"),
    ],
)
def test_a_wrong_option_is_told_what_is_right(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        parsed(**given)
    assert str(caught.value).startswith(sentence)


def test_rows_for_the_documentation() -> None:
    assert option_rows(Options)[:3] == [
        ("decimals", "a whole number", "3", "Digits after the point."),
        ("frames", "labelled or all", "labelled", "Which frames."),
        ("corners", "yes or no", "no", "Write corners."),
    ]
