"""CSV and TSV, a record at a time: a broken quotation mark costs its own row and no other."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, TextIO

from .base import ReadError, ReadOptions
from .columns import map_columns, shown
from .decode import HEAD_BYTES, encoding_of
from .tables import Row, Table

_DELIMITERS: Final = ",;\t|"
_MAX_LINES: Final = 20_000
_HEAD_LINES: Final = 20
_HEADING_ROWS: Final = 10


def delimiter_of(head: str) -> tuple[str | None, bool]:
    """Return the delimiter of a table by its first lines, and whether its headings are known; None where it is no table.

    Parameters
    ----------
    head : str
        The beginning of the file.

    Returns
    -------
    tuple of (str or None, bool)
        The one under which the headings are known, or else under which most lines have as many fields as the first.
    """
    lines = [line for line in head.split("\n")[:_HEAD_LINES] if line.strip()]
    best: tuple[int, float, int] | None = None
    chosen = None
    for delimiter in _DELIMITERS:
        try:
            parsed = list(csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            continue
        width = len(parsed[0]) if parsed else 0
        known = next((_known(row) for row in [_heading(parsed)] if row), 0)
        if width < 2 and not known:
            continue
        even = sum(len(row) == width for row in parsed) / len(parsed)
        score = (known, even, width)
        if best is None or score > best:
            best, chosen = score, delimiter
    if best is None or (not best[0] and best[1] < 0.8):
        return None, False
    return chosen, bool(best[0])


def _heading(rows: list[list[str]]) -> list[str] | None:
    """Return the row of known headings: the first, or one further down under which most rows have its width."""
    for place, row in enumerate(rows[:_HEADING_ROWS]):
        below = rows[place + 1 :]
        if _known(row) and (place == 0 or sum(len(other) == len(row) for other in below) * 2 > len(below)):
            return row
    return None


def foreign_delimiter(head: str) -> str | None:
    """Return the sign between known headings where it is none that is read."""
    line = head.split("\n", 1)[0]
    signs = [sign for sign in dict.fromkeys(re.findall(r"[^\w\s:]", line[:2000])) if sign not in _DELIMITERS]
    return next((sign for sign in signs if _known(line.split(sign)) > 1), None)


def _known(headings: list[str]) -> int:
    """Return how many headings are known, 0 where they make no table of turns or calls."""
    found = map_columns(headings)
    return len(found) if "text" in found and len(found) > 1 else 0


def csv_table(path: Path, file: str, options: ReadOptions, delimiter: str) -> Table:
    """Open a CSV or TSV file as a stream of rows.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        As the user gave it.
    options : ReadOptions
        For the limits.
    delimiter : str
        From `delimiter_of`.

    Returns
    -------
    Table
    """
    rows: Iterator[tuple[int, list[str] | ReadError]] = _records(path, options, delimiter)
    head = list(islice(rows, _HEADING_ROWS))
    # Some exports put a title, a date or "sep=;" above the headings.
    lists = [row for _, row in head if isinstance(row, list)]
    if not lists:
        raise ReadError(f"line {head[0][0]}: {head[0][1]}" if head else "the file is empty")
    headings = next((row for row in lists if options.columns.get("text") in row), _heading(lists) or lists[0])
    rows = chain(head[next(n for n, (_, row) in enumerate(head) if row is headings) + 1 :], rows)
    names = unique(headings)
    name = "TSV" if delimiter == "\t" else "CSV"
    # The command line of Whisper writes this heading, and milliseconds under it.
    if delimiter == "\t" and names == ["start", "end", "text"]:
        name, names = "Whisper TSV", ["start_ms", "end_ms", "text"]
    return Table(name, file, names, _rows(rows, names), path.stat().st_size <= options.max_group_bytes)


def unique(headings: list[str]) -> list[str]:
    """Strip headings, and number those that come twice."""
    seen: dict[str, int] = {}
    names = []
    for heading in headings:
        name = heading.strip().removeprefix("\ufeff")
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    return names


def _rows(records: Iterator[tuple[int, list[str] | ReadError]], names: list[str]) -> Iterator[Row]:
    for number, record in records:
        if isinstance(record, ReadError):
            yield number, record
        elif len(record) > len(names) and any(cell.strip() for cell in record[len(names) :]):
            yield (
                number,
                ReadError(
                    f"the row has {len(record)} fields, the heading {len(names)} ({shown(names)}); "
                    "a field that holds the delimiter must stand in quotation marks"
                ),
            )
        else:
            row: Mapping[str, Any] = dict(zip(names, [*record, *[""] * (len(names) - len(record))], strict=False))
            yield number, row


def _records(path: Path, options: ReadOptions, delimiter: str) -> Iterator[tuple[int, list[str] | ReadError]]:
    with path.open("rb") as binary:
        encoding = encoding_of(binary.read(4 * HEAD_BYTES))
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        yield from _split(stream, options, delimiter)


def _split(stream: TextIO, options: ReadOptions, delimiter: str) -> Iterator[tuple[int, list[str] | ReadError]]:
    """Yield records with the number of their first line; a record that cannot be closed gives its later lines back."""
    csv.field_size_limit(max(csv.field_size_limit(), options.max_record_bytes))
    pending: deque[str] = deque()
    number = 0
    ended = False
    while True:
        lines: list[str] = []
        size = 0
        quoted = False
        problem = ""
        while True:
            if pending:
                line = pending.popleft()
            else:
                line = "" if ended else stream.readline(options.max_record_bytes + 1)
                ended = ended or not line
            if not line:
                problem = "a quotation mark in this row is never closed" if lines else ""
                break
            lines.append(line)
            size += len(line)
            if size > options.max_record_bytes:
                problem = f"the row is longer than {options.max_record_bytes:,} bytes (max_record_bytes)"
                _skip_line(stream, lines, options)
                break
            quoted = _open_after(line, delimiter, quoted)
            if not quoted:
                break
            if len(lines) > _MAX_LINES:
                problem = f"a quotation mark in this row is not closed within {_MAX_LINES:,} lines"
                break
        if not lines:
            return
        record = None if problem else _plain(lines, delimiter) or _parse(lines, delimiter)
        if isinstance(record, list):
            if any(cell.strip() for cell in record):
                yield number + 1, record
            number += len(lines)
        else:
            yield number + 1, ReadError(problem or "the row is not valid CSV: text follows a closing quotation mark")
            number += 1
            pending.extendleft(reversed(lines[1:]))


def _skip_line(stream: TextIO, lines: list[str], options: ReadOptions) -> None:
    """Read past the rest of a line that is too long, without keeping it."""
    if lines[-1].endswith("\n"):
        return
    while (rest := stream.readline(options.max_record_bytes)) and not rest.endswith("\n"):
        pass


def _plain(lines: list[str], delimiter: str) -> list[str] | None:
    """Split a line that holds no quotation mark, the usual case, without ado."""
    line = lines[0]
    return line.rstrip("\r\n").replace("\x00", " ").split(delimiter) if len(lines) == 1 and '"' not in line else None


def _parse(lines: list[str], delimiter: str) -> list[str] | None:
    text = "".join(lines).replace("\x00", " ")
    try:
        rows = list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return [cell for row in rows for cell in row] if len(rows) <= 1 else None


def _open_after(line: str, delimiter: str, quoted: bool) -> bool:
    """Tell whether a quotation mark is open after this line, given whether one was before it."""
    position, length = 0, len(line)
    at_field = not quoted
    while position < length:
        if quoted:
            position = line.find('"', position)
            if position < 0:
                return True
            if line[position + 1 : position + 2] == '"':
                position += 2
                continue
            quoted, at_field = False, False
            position += 1
        elif at_field and line[position] == '"':
            quoted = True
            position += 1
        else:
            following = line.find(delimiter, position)
            if following < 0:
                return False
            position, at_field = following + 1, True
    return quoted
