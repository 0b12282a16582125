"""Answers that change from frame to frame, as runs of frames.

Each attribute has a track: runs that do not touch each other's frames, ascending, each with its answer. Reading the
answer on a frame is a binary search; setting one on a run cuts and joins the runs it meets.

Source: label-row JSON, "object_actions", "Dynamic answers".
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.objects._answer_values import (
    KNOWN_DYNAMIC_KEYS,
    answer_to_json,
    in_ontology_order,
    mark_from_json,
    value_key,
    with_mark,
)

if TYPE_CHECKING:
    from encord_convert.sdk.objects.attributes import Attribute

FrameSet = set[int]
Runs = list[tuple[int, int]]
"""First and last frame of each run, both inside, ascending."""


class Entry:
    """One distinct answer to one attribute.

    Attributes
    ----------
    attribute : Attribute
    value : str, NestableOption or tuple of FlatOption
    key : tuple
        The attribute's hash and what makes the value the same as another.
    runs : int
        How many runs have it.
    mark : dict or None
        Keys of its JSON that say something else than usual, ``trackHash`` among them.
    is_read : bool
        Whether it was read from a label row, whose order it keeps when written.
    """

    __slots__ = ("attribute", "is_read", "key", "mark", "runs", "value")

    def __init__(self, attribute: Attribute, value: Any, mark: dict[str, Any] | None, is_read: bool) -> None:
        self.attribute = attribute
        self.value = value
        self.key = (attribute.feature_node_hash, value_key(value))
        self.runs = 0
        self.mark = mark
        self.is_read = is_read


class _Track:
    """The runs of one attribute."""

    __slots__ = ("ends", "entries", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.entries: list[Entry] = []

    def at(self, frame: int) -> Entry | None:
        place = bisect_right(self.starts, frame) - 1
        return self.entries[place] if place >= 0 and self.ends[place] >= frame else None

    def assign(self, start: int, end: int, entry: Entry | None) -> None:
        """Give the frames of a run to an answer, or to none."""
        first = bisect_left(self.ends, start - 1)
        last = bisect_right(self.starts, end + 1)
        pieces: list[tuple[int, int, Entry]] = []
        for place in range(first, last):
            old_start, old_end, old = self.starts[place], self.ends[place], self.entries[place]
            old.runs -= 1
            if old_start < start:
                pieces.append((old_start, min(old_end, start - 1), old))
        if entry is not None:
            pieces.append((start, end, entry))
        for place in range(first, last):
            old_start, old_end, old = self.starts[place], self.ends[place], self.entries[place]
            if old_end > end:
                pieces.append((max(old_start, end + 1), old_end, old))
        joined = _joined(pieces)
        self.starts[first:last] = [piece[0] for piece in joined]
        self.ends[first:last] = [piece[1] for piece in joined]
        self.entries[first:last] = [piece[2] for piece in joined]
        for piece in joined:
            piece[2].runs += 1


def _joined(pieces: list[tuple[int, int, Entry]]) -> list[tuple[int, int, Entry]]:
    joined: list[tuple[int, int, Entry]] = []
    for start, end, entry in pieces:
        if joined and joined[-1][2] is entry and joined[-1][1] == start - 1:
            start = joined.pop()[0]
        joined.append((start, end, entry))
    return joined


class DynamicAnswers:
    """The dynamic answers of one object.

    Attributes
    ----------
    entries : dict
        Key to entry, in order of first setting; an answer that has lost its last frame is gone.
    is_shared : bool
        Several objects have these answers in common: an object that is answered differently takes a copy first.
    """

    __slots__ = ("_tracks", "entries", "is_shared")

    def __init__(self) -> None:
        self.entries: dict[Any, Entry] = {}
        self.is_shared = False
        self._tracks: dict[str, _Track] = {}

    def entry(
        self, attribute: Attribute, value: Any, mark: dict[str, Any] | None = None, *, is_read: bool = False
    ) -> Entry:
        """Return the entry of an answer, a new one if there is none; runs are to follow."""
        key = (attribute.feature_node_hash, value_key(value))
        found = self.entries.get(key)
        if found is None:
            found = self.entries[key] = Entry(attribute, value, mark, is_read)
        return found

    def append(self, attribute: Attribute, value: Any, start: int, end: int) -> None:
        """Append a run after all others of the attribute to an answer, unchecked."""
        track = self._track(attribute)
        entry = self.entry(attribute, value)
        if track.entries and track.entries[-1] is entry and track.ends[-1] == start - 1:
            track.ends[-1] = end
            return
        track.starts.append(start)
        track.ends.append(end)
        track.entries.append(entry)
        entry.runs += 1

    def set(self, entry: Entry, runs: Iterable[tuple[int, int]]) -> None:
        """Give runs to an answer; whatever the attribute had there is replaced."""
        track = self._track(entry.attribute)
        for start, end in runs:
            if start <= end:
                track.assign(start, end, entry)
        self._forget_unused(entry.attribute)

    def clear(self, attribute: Attribute, runs: Iterable[tuple[int, int]], only: Any = None) -> None:
        """Take the answers off the frames of runs.

        Parameters
        ----------
        only : optional
            The key of the one answer to take off.
        """
        track = self._tracks.get(attribute.feature_node_hash)
        if track is None:
            return
        for start, end in runs:
            for old_start, old_end in self._within(track, start, end, only):
                track.assign(old_start, old_end, None)
        self._forget_unused(attribute)

    @staticmethod
    def _within(track: _Track, start: int, end: int, only: Any) -> Runs:
        return [
            (max(start, old_start), min(end, old_end))
            for old_start, old_end, entry in zip(track.starts, track.ends, track.entries, strict=True)
            if old_start <= end and old_end >= start and (only is None or entry.key == only)
        ]

    def _track(self, attribute: Attribute) -> _Track:
        track = self._tracks.get(attribute.feature_node_hash)
        if track is None:
            track = self._tracks[attribute.feature_node_hash] = _Track()
        return track

    def _forget_unused(self, attribute: Attribute) -> None:
        for key in [key for key, entry in self.entries.items() if not entry.runs]:
            del self.entries[key]
        track = self._tracks.get(attribute.feature_node_hash)
        if track is not None and not track.starts:
            del self._tracks[attribute.feature_node_hash]

    def at(self, frame: int) -> list[Entry]:
        """Return the answers on a frame, one per attribute at most."""
        return [entry for track in self._tracks.values() if (entry := track.at(frame)) is not None]

    def runs_of(self, attribute: Attribute) -> dict[Any, Runs]:
        """Return the runs of each answer to an attribute: entry key to runs, in order of first setting."""
        hash_ = attribute.feature_node_hash
        runs: dict[Any, Runs] = {key: [] for key in self.entries if key[0] == hash_}
        track = self._tracks.get(hash_)
        if track is not None:
            for start, end, entry in zip(track.starts, track.ends, track.entries, strict=True):
                runs[entry.key].append((start, end))
        return runs

    def with_runs(self) -> Iterator[tuple[Entry, Runs]]:
        """Return each answer with its runs, in order of first setting."""
        runs: dict[Any, Runs] = {key: [] for key in self.entries}
        for track in self._tracks.values():
            for start, end, entry in zip(track.starts, track.ends, track.entries, strict=True):
                runs[entry.key].append((start, end))
        for key, entry in self.entries.items():
            yield entry, runs[key]

    def lost_of(self, given: Iterable[tuple[Attribute, Any, Runs, Any]]) -> Iterator[tuple[int, int]]:
        """Yield the runs of answers that were set, where others of their attribute have taken frames of them."""
        for attribute, value, runs, _ in given:
            hash_ = attribute.feature_node_hash
            track = self._tracks.get(hash_, _Track())
            for start, end in runs:
                place = bisect_right(track.starts, start) - 1
                whole = (
                    place >= 0 and track.ends[place] >= end and track.entries[place].key == (hash_, value_key(value))
                )
                if not whole:
                    yield start, end

    def are_each_on(self, frames: Container[int]) -> bool:
        """Return whether every run is one frame, and one of these."""
        for track in self._tracks.values():
            for start, end in zip(track.starts, track.ends, strict=True):
                if start != end or start not in frames:
                    return False
        return True

    def frames(self) -> FrameSet:
        """Return the frames on which anything is answered."""
        return {frame for _, runs in self.with_runs() for start, end in runs for frame in range(start, end + 1)}

    def copy(self) -> DynamicAnswers:
        """Return the same answers, independent of these."""
        copy = DynamicAnswers()
        for entry, runs in self.with_runs():
            mark = None if entry.mark is None else {**entry.mark}
            if mark is not None:
                mark.pop("trackHash", None)
            twin = copy.entries[entry.key] = Entry(entry.attribute, entry.value, mark or None, False)
            copy.set(twin, runs)
        return copy

    def twin(self) -> DynamicAnswers:
        """Return the same answers of the same object, independent of these."""
        twin = DynamicAnswers()
        for entry, runs in self.with_runs():
            mark = None if entry.mark is None else {**entry.mark}
            own = twin.entries[entry.key] = Entry(entry.attribute, entry.value, mark, entry.is_read)
            twin.set(own, runs)
        return twin

    def to_json(self, object_hash: str) -> list[dict[str, Any]]:
        """Return the ``actions`` of the object: what was read in the order it was read, preceded by what is new.

        New answers come latest first, as the platform writes them.
        """
        actions: list[dict[str, Any]] = []
        pairs = list(self.with_runs())
        new = [pair for pair in reversed(pairs) if not pair[0].is_read]
        read = [pair for pair in pairs if pair[0].is_read]
        for entry, runs in (*new, *read):
            d = answer_to_json(entry.attribute, entry.value, None)
            d["dynamic"] = True
            d["range"] = [[start, end] for start, end in runs]
            d["shouldPropagate"] = False
            d["trackHash"] = None
            if entry.mark is not None:
                with_mark(d, entry.mark)
            if d["trackHash"] is None:
                d["trackHash"] = _track_hash(object_hash, entry)
            actions.append(d)
        return actions


def _track_hash(object_hash: str, entry: Entry) -> str:
    """Return 8 base64 characters that follow from the object and the answer, so that writing twice gives the same."""
    from hashlib import blake2b

    return b64encode(blake2b(repr((object_hash, entry.key)).encode(), digest_size=6).digest()).decode()


def mark_from_action(action: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a dynamic answer's JSON says beyond the usual, its ``trackHash`` included."""
    mark = mark_from_json(action, KNOWN_DYNAMIC_KEYS) or {}
    for key, usual in (("shouldPropagate", False), ("trackHash", None)):
        if action.get(key, usual) != usual:
            mark[key] = action[key]
    return mark or None


def united(attribute: Any, selections: list[tuple[Any, Runs]]) -> list[tuple[Any, Runs]]:
    """Unite selections of one checklist frame by frame.

    Parameters
    ----------
    selections : list of (tuple of FlatOption, runs)

    Returns
    -------
    list of (tuple of FlatOption, runs)
        Each selection there is on some frame, and where. Those given come first, in the order given.
    """
    edges: dict[int, list[tuple[int, int]]] = {}
    for number, (_, runs) in enumerate(selections):
        for start, end in runs:
            if start <= end:
                edges.setdefault(start, []).append((number, 1))
                edges.setdefault(end + 1, []).append((number, -1))
    found: dict[tuple[str, ...], Runs] = {value_key(selection): [] for selection, _ in selections}
    depths = [0] * len(selections)
    frames = sorted(edges)
    for frame, next_frame in pairwise(frames):
        for number, step in edges[frame]:
            depths[number] += step
        active = [selections[number][0] for number, depth in enumerate(depths) if depth]
        if active:
            hashes = {option.feature_node_hash for selection in active for option in selection}
            found.setdefault(value_key(in_ontology_order(attribute, hashes)), []).append((frame, next_frame - 1))
    return [(in_ontology_order(attribute, set(key)), runs) for key, runs in found.items() if runs]
