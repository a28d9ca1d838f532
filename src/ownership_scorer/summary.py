"""What came out of a run, on one screen: statuses, means, and the weakest and strongest calls with a quote each."""

from __future__ import annotations

import csv
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ownership_scorer.evidence import SCORED
from ownership_scorer.rubric import AVOIDANCE, DIMENSIONS
from ownership_scorer.tables import unguarded

_SHOWN: Final = 3
_QUOTE: Final = 72

Row = Mapping[str, Any]


class Extreme(NamedTuple):
    """A weakest or strongest call."""

    mean: float  #: over the five ratings
    call_id: str
    quote: str  #: the words that speak most clearly for it, or nothing


class Summary(NamedTuple):
    """What `summarise` found."""

    run: dict[str, Any]  #: ``run.json``
    statuses: dict[str, int]
    means: dict[str, float]  #: rating over all rated calls
    weakest: list[Extreme]
    strongest: list[Extreme]
    files: list[Path]


def summarise(folder: Path) -> Summary:
    """Sum up the output folder of a run, row by row.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Summary

    Raises
    ------
    FileNotFoundError
        Where it is not the folder of a finished run.
    """
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    statuses: Counter[str] = Counter()
    sums = dict.fromkeys(DIMENSIONS, 0.0)
    low: list[tuple[float, int, str]] = []
    high: list[tuple[float, int, str]] = []
    for number, row in enumerate(_rows(folder, "scores", ["call_id", "status", *DIMENSIONS])):
        statuses[row["status"]] += 1
        if row["status"] != SCORED:
            continue
        ratings = [float(row[d]) for d in DIMENSIONS]
        for dimension, rating in zip(DIMENSIONS, ratings, strict=True):
            sums[dimension] += rating
        mean = sum(ratings) / len(ratings)
        _keep(low, (-mean, -number, row["call_id"]))
        _keep(high, (mean, -number, row["call_id"]))
    wanted = {call: -1.0 for _, _, call in (*low, *high)}
    weak = {call for _, _, call in low}
    quotes: dict[str, str] = {}
    for row in _rows(folder, "evidence", ["call_id", "behaviour", "probability", "quote"]):
        call = row["call_id"]
        if call in wanted:
            # For a weak call, avoidance says more than anything else; for a strong one, it says nothing.
            weight = float(row["probability"]) + ((row["behaviour"] in AVOIDANCE) if call in weak else -(row["behaviour"] in AVOIDANCE))
            if weight > wanted[call]:
                wanted[call], quotes[call] = weight, str(row["quote"])
    scored = statuses[SCORED]
    return Summary(
        run,
        dict(statuses.most_common()),
        {d: total / scored for d, total in sums.items()} if scored else {},
        [Extreme(-m, _plain(c), _plain(quotes.get(c, ""))) for m, _, c in sorted(low, reverse=True)],
        [Extreme(m, _plain(c), _plain(quotes.get(c, ""))) for m, _, c in sorted(high, reverse=True)],
        [path for name in ("scores", "evidence", "rejected") for path in sorted(folder.glob(f"{name}.*"))] + [folder / "run.json"],
    )


def lines(summary: Summary) -> Iterator[str]:
    """Write a summary out for a terminal."""
    counts = summary.run["counts"]
    yield f"{counts['records']:,} records read, {counts['calls']:,} calls in the scores, {counts['rejected']:,} rejected; model {summary.run['model_id']}"
    yield ""
    for status, number in summary.statuses.items():
        yield f"  {status:<22}{number:>10,}"
    yield ""
    yield "  mean rating, 1 to 5"
    for dimension, mean in summary.means.items():
        yield f"  {dimension:<22}{mean:>10.2f}"
    for title, calls in (("weakest", summary.weakest), ("strongest", summary.strongest)):
        yield ""
        yield f"  {title} calls, by the mean of the five"
        for call in calls:
            yield f"  {call.mean:.2f}  {call.call_id}"
            yield f"        “{_cut(call.quote)}”" if call.quote else "        nothing said that counts"
    yield ""
    yield from (f"  {path}" for path in summary.files)


def _keep(heap: list[tuple[float, int, str]], item: tuple[float, int, str]) -> None:
    heapq.heappush(heap, item) if len(heap) < _SHOWN else heapq.heappushpop(heap, item)


def _rows(folder: Path, name: str, columns: list[str]) -> Iterator[Row]:
    parquet = folder / f"{name}.parquet"
    if parquet.is_dir():
        yield from _parquet_rows(parquet, columns)
        return
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row | {key: unguarded(row[key]) for key in ("call_id", "quote") if key in row}


def _parquet_rows(folder: Path, columns: list[str]) -> Iterable[Row]:
    import pyarrow.parquet as pq

    for part in sorted(folder.glob("*.parquet")):
        yield from pq.read_table(part, columns=columns).to_pylist()


def _plain(text: str) -> str:
    # What was said must not steer the terminal.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1].rstrip() + "…"
