"""The closing lines of a command: what was read, what was written, what was lost, and what else matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from encord_convert.hub.splits import standard
from encord_convert.losses import wording

if TYPE_CHECKING:
    from encord_convert.hub.loss import Loss, Note
    from encord_convert.losses.report import Report

_ORDER = {"train": 0, "val": 1, "test": 2}
ROWS = 8
"""How many lines of losses, and of warnings, are shown."""


def told(report: Report, verb: str = "wrote") -> str:
    """Return the closing lines of one conversion."""
    from encord_convert.losses.report import sum_counts

    counts, labels = report.counts(), report.labels()
    files = counts.get("file")
    images = counts.get("image", {}).get("in", 0)
    # Of sources that were merged, not all may count their images.
    sizes = [(images, "image") if images >= report.rows_read else (report.rows_read * bool(images), "row")]
    sizes += [(files["in"] if files else 0, "file")]
    sizes = [size for size in sizes if size[0]] or [(report.rows_read, "row")]
    sizes += [(sum(row["in"] for row in labels.values()), "annotation"), (len(labels), "class")]
    source, target = report.source, report.target
    width = max(5, len(source.format or ""), len(target.format or ""))
    read = "  ".join(f"{count} {wording.plural(noun, count)}" for count, noun in sizes) + splits_in_words(source.splits)
    wrote = (target.path or "") + splits_in_words(target.splits)
    sums = sum_counts([*labels.values(), *([files] if files else [])])
    return "\n".join([
        f"read    {source.format or '':<{width}}  {read}",
        f"{verb:<7} {target.format or '':<{width}}  {wrote}",
        kept(sums),
        *lost(report.losses(), report.notes(), target.format),
    ])  # fmt: skip


def splits_in_words(splits: Mapping[str, int]) -> str:
    """Return how many images each split has, those that are known first, to go on behind other words."""
    ordered = sorted(splits.items(), key=lambda one: _ORDER.get(standard(one[0]) or "", len(_ORDER)))
    return "".join(f"  {' ' * (not number)}{name} {count}" for number, (name, count) in enumerate(ordered))


def kept(sums: Mapping[str, int]) -> str:
    """Return the line of the three sums, which add up to what came in."""
    return f"kept    {sums['kept']:<6} changed {sums['changed']:<6} dropped {sums['dropped']}"


def lost(losses: Sequence[Loss], notes: Sequence[Note], target: str | None) -> list[str]:
    """Return the lines of what was lost, the gravest first, and of what else matters; none if nothing was and does.

    Notes of the level INFO are left out; ``target`` is the format that was written.
    """
    unasked = [loss for loss in losses if not loss.is_asked]
    rows, minor, remarks = wording.lines(unasked, target), wording.minor(unasked), wording.remarks(notes)
    asked = wording.summary(loss for loss in losses if loss.is_asked and loss.code != "FILTERED")
    left_out = wording.left_out(losses)
    if not (rows or minor or remarks or asked or left_out):
        return []
    counts = [line.count for line in rows[:ROWS]] + [one.count for one in remarks[:ROWS]]
    verb, width = max(8, *(len(line.verb) for line in rows[:ROWS]), 0), len(f"{max(counts, default=0)}")
    lines = ["", *[f"left out as asked: {left_out}"] * bool(left_out), *[f"{'mapped':<{verb}}  {asked}"] * bool(asked)]
    shown = rows[:ROWS]
    columns = [min(wide, max((len(getattr(one, name)) for one in shown), default=0))
               for name, wide in (("things", 32), ("why", 40))]  # fmt: skip
    for one in shown:
        words = f"{one.things:<{columns[0]}}  {one.why:<{columns[1]}}  {one.code}"
        lines.append(f"{one.verb:<{verb}}  {one.count:>{width}}  {words}")
    indent = " " * (4 + verb + width)
    if len(rows) > ROWS:
        lines.append(f"{indent}and {len(rows) - ROWS} more kinds of loss")
    if minor:
        lines.append(f"{'minor':<{verb}}  {'':>{width}}  {minor}")
    if unasked:
        lines.append(f"{indent}--report FILE for every place; --strict refuses, --allow CODE permits")
    lines += [f"{one.level:<{verb}}  {one.count:>{width}}  {one.sentence}  {one.code}" for one in remarks[:ROWS]]
    if len(remarks) > ROWS:
        lines.append(f"{indent}and {len(remarks) - ROWS} more kinds of warning; --report FILE has them")
    return lines
