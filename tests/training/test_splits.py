"""A group stays in its split, whatever else there is."""

import pytest
from road import Road

from encord_convert.errors import OptionError
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.training import write_target
from encord_convert.training.splits import Splits, group_of

NAMES = [f"clip{number}.mp4" for number in range(4000)]


def test_shares_are_met_and_every_name_has_one_split() -> None:
    splits = Splits.parse("train=0.8,val=0.1,test=0.1")
    found = [splits.of(name) for name in NAMES]
    shares = {name: found.count(name) / len(NAMES) for name in ("train", "val", "test")}
    assert shares == pytest.approx({"train": 0.8, "val": 0.1, "test": 0.1}, abs=0.02)


def test_a_group_stays_where_it_was_when_others_come_or_the_order_changes() -> None:
    splits = Splits.parse("train=0.5,val=0.5", seed=3)
    before = {name: splits.of(name) for name in NAMES[:100]}
    after = {name: Splits.parse("train=0.5,val=0.5", seed=3).of(name) for name in reversed(NAMES)}
    assert {name: after[name] for name in before} == before


def test_another_seed_gives_other_splits() -> None:
    first, second = (Splits.parse("train=0.5,val=0.5", seed) for seed in (0, 1))
    differing = sum(first.of(name) != second.of(name) for name in NAMES)
    assert differing / len(NAMES) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "text", ["", "train", "train=1,train=0", "train=0.5,dev=0.5", "train=x", "train=-1,val=2", "train=nan", "train=1,"]
)
def test_a_text_that_names_no_shares_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it takes shares like train="):
        Splits.parse(text)


def test_shares_that_do_not_add_up_to_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the shares add up to 0\.9, not 1"):
        Splits.parse("train=0.8,val=0.1")
    with pytest.raises(OptionError, match=r"rfdetr: split=train=0\.8 is not allowed; the shares add up"):
        write_target(LabelSet(Road().draft.ontology), "out", "rfdetr", split="train=0.8")


def test_what_belongs_together_is_one_group() -> None:
    road = Road()
    video = road.row("night/drive.mp4", DataType.VIDEO, frames=3, patient_id="p1")
    image = road.row("night/a.png")
    frames = [road.row(f"drive/frame_{number:06d}.PNG") for number in (1, 2)]
    assert group_of(video, "row") == "night/drive.mp4"
    assert group_of(image, "row") == "night/a.png"
    assert {group_of(frame, "row") for frame in frames} == {"drive"}
    assert group_of(video, "folder") == group_of(image, "folder") == "night"
    assert group_of(video, "patient_id") == "patient_id=p1"
    assert group_of(image, "patient_id") is None


def test_a_group_key_that_rows_lack_is_told(tmp_path: object) -> None:
    road = Road()
    road.row("a.png")
    report = write_target(
        LabelSet(road.draft.ontology, road.rows), f"{tmp_path}/out", "torchvision", report=Report(), group="patient"
    )
    (note,) = [note for note in report.notes() if note.code == "GROUP_UNKNOWN"]
    assert note.detail == "Rows have no 'patient' in their client metadata; each is a group of its own."
