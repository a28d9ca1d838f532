"""Say what a file is taken for, before anything is scored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from ..transcript import Turn
from .base import Infer, ReadOptions, Rejected
from .dispatch import read
from .formats import FORMATS

_SHOWN_TURNS: Final = 6
_SHOWN_REJECTED: Final = 20


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about a file.

    Parameters
    ----------
    file : str
        As given.
    format : str or None
        Name in the table of formats; None where the file cannot be read.
    grade : str or None
        How well the format was checked, one of `GRADES`.
    roles, times : dict of str to int
        How they were found, with the number of calls each.
    columns : dict of str to str
        Field to heading, in tables.
    calls, segments, turns : int
        Counts.
    speakers : dict of str to int
        Turns by role.
    dropped : dict of str to int
        What was left out, by kind.
    rejected : list of Rejected
        The first of them.
    rejected_count : int
        All of them.
    first_turns : tuple of Turn
        The beginning of the first call.
    doubts : dict of str to int
        Every doubt, with the number of calls that have it.
    complete : bool
        False where only the first calls were looked at.
    """

    file: str
    format: str | None = None
    grade: str | None = None
    roles: dict[str, int] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    segments: int = 0
    turns: int = 0
    speakers: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0
    first_turns: tuple[Turn, ...] = ()
    doubts: dict[str, int] = field(default_factory=dict)
    complete: bool = True


def inspect_file(path: str | Path, options: ReadOptions | None = None, *, infer: Infer | None = None, limit: int | None = 1000) -> Inspection:
    """Read a file and tell what it was taken for.

    Parameters
    ----------
    path : str or Path
        The file.
    options : ReadOptions, optional
        The settings.
    infer : callable, optional
        As for `read`.
    limit : int or None
        Most calls and rejections to look at; None for all.

    Returns
    -------
    Inspection
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("format", "roles", "times", "doubts", "speakers", "dropped")}
    rejected: list[Rejected] = []
    calls = segments = turns = rejections = 0
    opening: tuple[Turn, ...] = ()
    columns: dict[str, str] = {}
    results = read(path, options, infer)
    for result in islice(results, limit):
        if isinstance(result, Rejected):
            rejections += 1
            if len(rejected) < _SHOWN_REJECTED:
                rejected.append(result)
            continue
        about = result.metadata
        calls, segments, turns = calls + 1, segments + about["segments"], turns + len(result.turns)
        opening = opening or result.turns[:_SHOWN_TURNS]
        columns = columns or dict(about.get("columns", {}))
        for name in ("format", "roles", "times"):
            counts[name][about[name]] += 1
        counts["doubts"].update(about["doubts"])
        counts["dropped"].update(about["dropped"])
        counts["speakers"].update(turn.speaker for turn in result.turns)
    complete = limit is None or calls + rejections < limit or next(results, None) is None
    known = counts["format"].most_common(1)[0][0] if counts["format"] else None
    return Inspection(
        str(path),
        known,
        next((f.grade for f in FORMATS if f.name == known), None),
        dict(counts["roles"].most_common()),
        dict(counts["times"].most_common()),
        columns,
        calls,
        segments,
        turns,
        dict(counts["speakers"].most_common()),
        dict(counts["dropped"].most_common()),
        rejected,
        rejections,
        opening,
        dict(counts["doubts"].most_common()),
        complete,
    )
