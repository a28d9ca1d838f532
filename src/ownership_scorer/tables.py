"""Results as tables: rows, CSV lines, DataFrames; with the columns of ``scores.csv``, ``evidence.csv`` and ``rejected.csv``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from ownership_scorer.evidence import CallScore
from ownership_scorer.readers import ReadOptions, Rejected, read_frame
from ownership_scorer.rubric import DIMENSIONS, dimension_of
from ownership_scorer.transcript import Transcript

if TYPE_CHECKING:
    import pandas as pd

    from ownership_scorer.scorer import OwnershipScorer

#: What stands in a cell.
Cell = str | int | float | None

#: Columns of ``scores.csv`` and `score_frame`, of ``evidence.csv`` and `evidence_frame`, and of ``rejected.csv``.
SCORE_COLUMNS: Final = (
    "call_id", "agent_id", "customer_id", "started_at", "status", "agent_turns", *DIMENSIONS,
    *(f"{dimension}_{end}" for dimension in DIMENSIONS for end in ("low", "high")), "model_id",
)  # fmt: skip
EVIDENCE_COLUMNS: Final = ("call_id", "turn_index", "behaviour", "dimension", "probability", "start", "end", "quote", "source")
REJECTED_COLUMNS: Final = ("file", "line", "call_id", "reason")

#: Columns that hold numbers; every other column holds text.
WHOLE_NUMBERS: Final = frozenset({"agent_turns", "turn_index", "start", "end", "line"})
NUMBERS: Final = frozenset({"probability", *DIMENSIONS, *(f"{d}_{end}" for d in DIMENSIONS for end in ("low", "high"))})

#: Digits after the point of a rating and of a probability.
SCORE_DIGITS: Final = 2
PROBABILITY_DIGITS: Final = 4

# What makes a spreadsheet take a text for a formula, the full-width forms included.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_TO_QUOTE: Final = frozenset(',"\n\r')
_BATCH: Final = 256


def score_row(result: CallScore) -> tuple[Cell, ...]:
    """Return the row of a call in the order of `SCORE_COLUMNS`; None where there is nothing to say."""
    ends = [end for dimension in DIMENSIONS for end in result.intervals.get(dimension, (None, None))]
    numbers = [None if number is None else round(number, SCORE_DIGITS) for number in (*map(result.scores.get, DIMENSIONS), *ends)]
    return (
        result.call_id, result.agent_id, result.customer_id, result.started_at, result.status, result.agent_turns,
        *numbers, result.model_id,
    )  # fmt: skip


def evidence_rows(result: CallScore) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of a call in the order of `EVIDENCE_COLUMNS`."""
    for e in result.evidence:
        yield result.call_id, e.turn, e.behaviour, dimension_of(e.behaviour), round(e.probability, PROBABILITY_DIGITS), e.start, e.end, e.quote, e.source


def rejected_row(rejected: Rejected) -> tuple[Cell, ...]:
    """Return the row of a rejected record in the order of `REJECTED_COLUMNS`."""
    return rejected.file, rejected.line, rejected.call_id, rejected.reason


def guarded(text: str) -> str:
    """Make a text harmless in a spreadsheet.

    Parameters
    ----------
    text : str
        Any cell.

    Returns
    -------
    str
        With ``'`` before it, where a spreadsheet would take it for a formula; a plain number such as ``-17`` or ``+4420`` is none.
        `unguarded` gives the text back, so that ids can be joined.
    """
    return "'" + text if _reads_as_formula(text.lstrip("'")) else text


def unguarded(cell: str) -> str:
    """Return the text of which `guarded` made a cell."""
    return cell[1:] if cell[:1] == "'" and _reads_as_formula(cell.lstrip("'")) else cell


def _reads_as_formula(text: str) -> bool:
    if not text.startswith(_FORMULA):
        return False
    digits = text[1:].replace(".", "", 1)
    return not (text[0] in "+-" and digits.isascii() and digits.isdigit())


def csv_line(cells: Iterable[Cell], digits: int = SCORE_DIGITS) -> str:
    """Write a row of a CSV file: fixed digits, guarded texts, nothing for None.

    Parameters
    ----------
    cells : iterable of str, int, float or None
        One row.
    digits : int
        After the point of a float.

    Returns
    -------
    str
        With its line end. A line end within a text stays, in quotation marks; NUL, which few readers of CSV survive, becomes U+FFFD.
    """
    return ",".join([_cell(cell, digits) for cell in cells]) + "\n"


def _cell(cell: Cell, digits: int) -> str:
    if isinstance(cell, str):
        text = guarded(cell.replace("\0", "\ufffd"))
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if not _TO_QUOTE.isdisjoint(text) else text
    if isinstance(cell, float):
        return f"{cell:.{digits}f}"
    return "" if cell is None else str(cell)


def score_records(scorer: OwnershipScorer, records: Sequence[tuple[str, Transcript | Rejected]]) -> Iterator[CallScore | Rejected]:
    """Score what was read, so that a call which cannot be scored does not take the others with it.

    Parameters
    ----------
    scorer : OwnershipScorer
    records : sequence of (str, Transcript or Rejected)
        Each with the file it came from.

    Yields
    ------
    CallScore or Rejected
        As ``records``. The reason of a call that could not be scored holds no word of it.
    """
    results = iter(_score([record for _, record in records if isinstance(record, Transcript)], scorer))
    for file, record in records:
        if isinstance(record, Rejected):
            yield record
            continue
        result = next(results)
        yield Rejected(file, None, record.call_id, result) if isinstance(result, str) else result


def _score(calls: Sequence[Transcript], scorer: OwnershipScorer) -> list[CallScore | str]:
    if not calls:
        return []
    try:
        return [*scorer.score_batch(calls)]
    except Exception as error:
        # Halving finds the guilty call in few steps, and what was too much for memory at once may pass in parts.
        if len(calls) == 1:
            return [f"the call was read but could not be scored ({type(error).__name__})"]
        half = len(calls) // 2
        return _score(calls[:half], scorer) + _score(calls[half:], scorer)


class Frames(NamedTuple):
    """What a DataFrame of turns comes to."""

    scores: pd.DataFrame  #: a row a call, `SCORE_COLUMNS`
    evidence: pd.DataFrame  #: a row a behaviour shown, `EVIDENCE_COLUMNS`
    rejected: pd.DataFrame  #: a row a record that could not be read or scored, `REJECTED_COLUMNS`


def score_frames(scorer: OwnershipScorer, turns: pd.DataFrame, options: ReadOptions | None = None) -> Frames:
    """Score the calls of a DataFrame: a pure function, and the unit of work on every engine.

    Parameters
    ----------
    scorer : OwnershipScorer
    turns : pandas.DataFrame
        A row a turn (with call id, speaker, text) or a row a call; columns as `readers.read_frame` knows them.
    options : readers.ReadOptions, optional
        How to read it.

    Returns
    -------
    Frames
        Calls in order of their first row. ``file`` is empty in ``rejected``, ``line`` is the row's number from 1.
    """
    results = list(_results(scorer, turns, options))
    scored = [result for result in results if isinstance(result, CallScore)]
    return Frames(
        frame(map(score_row, scored), SCORE_COLUMNS),
        frame((row for result in scored for row in evidence_rows(result)), EVIDENCE_COLUMNS),
        frame((rejected_row(result) for result in results if isinstance(result, Rejected)), REJECTED_COLUMNS),
    )


def score_frame(scorer: OwnershipScorer, turns: pd.DataFrame, options: ReadOptions | None = None) -> pd.DataFrame:
    """Score the calls of a DataFrame.

    Parameters
    ----------
    scorer, turns, options
        As for `score_frames`.

    Returns
    -------
    pandas.DataFrame
        A row a call with `SCORE_COLUMNS`. A record that cannot be read or scored has a row too, whose ``status`` begins with ``"rejected: "`` and says why.

    Raises
    ------
    ValueError
        Where the frame as a whole is not one of transcripts: no column of text, say.
    """
    rows: list[tuple[Cell, ...]] = []
    for result in _results(scorer, turns, options):
        if isinstance(result, Rejected):
            if result.line is None and result.call_id is None:
                raise ValueError(result.reason)
            result = CallScore(result.call_id or "", None, None, None, f"rejected: {result.reason}", 0, {}, {}, [], scorer.model_id)
        rows.append(score_row(result))
    return frame(rows, SCORE_COLUMNS)


def evidence_frame(scorer: OwnershipScorer, turns: pd.DataFrame, options: ReadOptions | None = None) -> pd.DataFrame:
    """Return the evidence in the calls of a DataFrame.

    Parameters
    ----------
    scorer, turns, options
        As for `score_frames`.

    Returns
    -------
    pandas.DataFrame
        A row a behaviour that a turn is said to show, with `EVIDENCE_COLUMNS`; ``turn_index`` counts turns from 0 after merging.

    Raises
    ------
    ValueError
        As for `score_frame`.
    """
    rows: list[tuple[Cell, ...]] = []
    for result in _results(scorer, turns, options):
        if isinstance(result, CallScore):
            rows += evidence_rows(result)
        elif result.line is None and result.call_id is None:
            raise ValueError(result.reason)
    return frame(rows, EVIDENCE_COLUMNS)


def _results(scorer: OwnershipScorer, turns: pd.DataFrame, options: ReadOptions | None) -> Iterator[CallScore | Rejected]:
    if not len(turns):
        return
    seen: set[str] = set()
    records = read_frame(turns, options)
    while batch := list(islice(records, _BATCH)):
        yield from score_records(scorer, [("", _once(record, seen)) for record in batch])


def _once(record: Transcript | Rejected, seen: set[str]) -> Transcript | Rejected:
    if isinstance(record, Rejected):
        return Rejected("", record.line, record.call_id, record.reason)
    if record.call_id in seen:
        return Rejected("", None, record.call_id, DUPLICATE)
    seen.add(record.call_id)
    return record


#: Reason of a call whose id stood before.
DUPLICATE: Final = "an earlier call of this run has the same id; ids must be unique"


def frame(rows: Iterable[tuple[Cell, ...]], columns: Sequence[str]) -> pd.DataFrame:
    """Make a DataFrame whose column types do not depend on what is in it.

    Parameters
    ----------
    rows : iterable of tuple
        As the columns.
    columns : sequence of str
        One of `SCORE_COLUMNS`, `EVIDENCE_COLUMNS`, `REJECTED_COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        Text as pandas keeps it by default, whole numbers as int64 (``line`` as Int64, it may be missing), numbers as float64.
    """
    import pandas as pd

    text = pd.Series(["text"]).dtype
    kinds = {c: "Int64" if c == "line" else "int64" if c in WHOLE_NUMBERS else "float64" if c in NUMBERS else text for c in columns}
    return pd.DataFrame(list(rows), columns=list(columns)).astype(kinds)
