"""Tables of turns (long) and tables of calls (wide), from any source that gives rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from ..transcript import Transcript
from .base import ReadError, ReadOptions, Rejected
from .call import Call, finish
from .columns import SYNONYMS, call_fields, call_of_rows, map_columns, scalar, shown
from .decode import parse_json
from .generic import is_pairs, is_turns, own, safe_text, turn_list
from .text import is_labelled, parse_text

#: A row with its 1-based line or record number, or why it could not be read.
Row = tuple[int, Mapping[str, Any] | ReadError]

_PEEK: Final = 50
_EXCEL_CELL: Final = 32_767


@dataclass(frozen=True, slots=True)
class Table:
    """A stream of rows and where it comes from.

    Parameters
    ----------
    format : str
        ``"CSV"``, ``"Parquet"``.
    file : str
        As given.
    headings : list of str
        All of them.
    rows : iterable of Row
        In file order.
    small : bool
        Few enough to be held at once, so that the rows of a call need not be neighbours.
    """

    format: str
    file: str
    headings: list[str]
    rows: Iterable[Row]
    small: bool = True


def read_table(table: Table, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Read a table, long or wide, by its headings and first rows.

    Parameters
    ----------
    table : Table
        The rows.
    options : ReadOptions
        The settings.

    Yields
    ------
    Transcript or Rejected

    Raises
    ------
    ReadError
        Where the columns do not make a transcript.
    """
    columns = map_columns(table.headings, options.columns)
    if "text" not in columns:
        raise ReadError(
            f"{table.format} without a column of text; headings found: {shown(table.headings)}; "
            f"known for text: {', '.join(SYNONYMS['text'][:8])}; or name one with columns={{'text': heading}}"
        )
    rows = iter(table.rows)
    peeked = list(islice(rows, _PEEK))
    if not peeked:
        raise ReadError(f"{table.format} with headings but no rows")
    good = [row for _, row in peeked if not isinstance(row, ReadError)]
    every = chain(peeked, rows)
    cells = [row.get(columns["text"]) for row in good]
    if _wide(columns, cells):
        yield from _wide_calls(table, every, columns, options)
        return
    if table.format != "Whisper TSV" and not {"role", "speaker", "channel"} & columns.keys() and cells:
        raise ReadError(
            f"{table.format} without a column for the speaker, and the text in {columns['text']!r} names none; headings found: "
            f"{shown(table.headings)}; known for speakers: {', '.join(SYNONYMS['role'][:4] + SYNONYMS['speaker'][:4])}"
        )
    if "call_id" in columns and "call_id" not in options.columns and _numbers_rows(good, columns):
        del columns["call_id"]
    yield from _long_calls(table, every, columns, options)


def _wide(columns: Mapping[str, str], cells: list[Any]) -> bool:
    filled = [cell for cell in cells if isinstance(cell, list | Mapping) or (isinstance(cell, str) and cell.strip())]
    if not filled:
        return False
    nested = sum(_nested(cell) for cell in filled)
    if "role" in columns or "speaker" in columns:
        return nested * 2 > len(filled)
    return nested > 0 or any(is_labelled(safe_text(cell)) for cell in filled if isinstance(cell, str))


def _nested(cell: Any) -> bool:
    return isinstance(cell, list) or (isinstance(cell, str) and cell.lstrip()[:2] in ("[{", "[[") and cell.rstrip().endswith("]"))


def _numbers_rows(rows: list[Mapping[str, Any]], columns: Mapping[str, str]) -> bool:
    """Tell an ``id`` that numbers the rows from one that names calls."""
    ids = [row.get(columns["call_id"]) for row in rows]
    return columns["call_id"].lower() in ("id", "guid") and len(rows) > 2 and len({str(i) for i in ids}) == len(rows)


def _wide_calls(table: Table, rows: Iterable[Row], columns: dict[str, str], options: ReadOptions) -> Iterator[Transcript | Rejected]:
    stem = Path(table.file).stem
    for count, (line, row) in enumerate(rows, start=1):
        if isinstance(row, ReadError):
            yield Rejected(table.file, line, None, str(row))
            continue
        call_id = scalar(row.get(columns["call_id"])) if "call_id" in columns else None
        try:
            call = _of_cell(row.get(columns["text"]), columns["text"], options)
            call.metadata |= {"columns": columns, "layout": "a call a row"}
            call.format = table.format
            call_fields(call, {key: value for key, value in row.items() if key != columns["text"]}, options)
            yield finish(call, options, call_id or f"{stem}#{count}")
        except ReadError as error:
            yield Rejected(table.file, line, call_id, str(error))


def _of_cell(cell: Any, heading: str, options: ReadOptions) -> Call:
    if isinstance(cell, str):
        if _nested(cell):
            cell = parse_json(cell, options)
        elif cell.strip():
            call = parse_text(safe_text(cell))
            if len(cell) >= _EXCEL_CELL:
                call.doubts.append(f"the cell is {len(cell):,} characters long; Excel cuts cells at {_EXCEL_CELL:,}, so the end may be missing")
            return call
    if isinstance(cell, list) and all(isinstance(t, Mapping) and "text" in t and "speaker" in t for t in cell):
        return own({"turns": cell})
    if is_turns(cell) or is_pairs(cell):
        return turn_list(cell, options)
    raise ReadError(f"the cell {heading!r} holds no turns; allowed are labelled lines or a list of turns with speaker and text")


@dataclass(slots=True)
class _Group:
    line: int
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    count: int = 0
    bad: int = 0


def _long_calls(table: Table, rows: Iterable[Row], columns: dict[str, str], options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Gather the rows of each call; in a large table a call ends where another begins."""
    groups: dict[str, _Group] = {}
    done: set[str] = set()
    current: str | None = None
    stem = Path(table.file).stem
    heading = columns.get("call_id")
    for line, row in rows:
        if isinstance(row, ReadError):
            yield Rejected(table.file, line, current, str(row))
            if current in groups:
                groups[current].bad += 1
            continue
        found = scalar(row.get(heading)) if heading else stem
        if found is None:
            yield Rejected(table.file, line, None, f"the row has nothing under {heading!r}; every row needs the id of its call")
            continue
        if found != current and not table.small:
            if current in groups:
                yield _emit(table, groups.pop(current), current, columns, options)
                done.add(current)
            if found in done:
                yield Rejected(
                    table.file, line, found,
                    f"the call comes back at line {line} after other calls; in tables of more than {options.max_group_bytes:,} bytes "
                    "(max_group_bytes) the rows of a call must be neighbours, so sort the table by its id",
                )  # fmt: skip
        current = found
        if found in done:
            continue
        group = groups.setdefault(found, _Group(line))
        group.count += 1
        if group.count <= options.max_turns:
            group.rows.append(row)
    for call_id, group in groups.items():
        yield _emit(table, group, call_id, columns, options)


def _emit(table: Table, group: _Group, call_id: str, columns: dict[str, str], options: ReadOptions) -> Transcript | Rejected:
    if group.count > options.max_turns:
        reason = f"the call has {group.count:,} rows; at most {options.max_turns:,} are allowed (max_turns)"
        return Rejected(table.file, group.line, call_id, reason)
    call = call_of_rows(table.format, group.rows, columns)
    call.call_id = call_id
    call.metadata |= {"columns": columns, "layout": "a turn a row"}
    if group.bad:
        call.doubts.append(f"{group.bad} rows in the midst of this call could not be read")
    try:
        return finish(call, options, call_id)
    except ReadError as error:
        return Rejected(table.file, group.line, call_id, str(error))
