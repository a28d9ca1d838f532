"""JSON files: one document, a list of records, or a record a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final

from ..transcript import Transcript
from . import generic
from .base import ReadError, ReadOptions, Rejected
from .call import finish
from .columns import map_columns
from .decode import parse_json
from .formats import calls_of, recognise, unknown
from .tables import Row, Table, read_table
from .values import string

_WRAPPERS: Final = ("calls", "conversations", "transcripts", "interactions", "records", "data", "items", "results", "dialogues", "dialogs")
_ID_KEYS: Final = ("call_id", "id", "conversation_id", "conversationId", "ConversationId", "jobName", "uuid")
_PEEK: Final = 20


def _record(doc: Any, file: str, line: int | None, fallback_id: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    call_id = next((string(doc[key]) for key in _ID_KEYS if string(doc.get(key))), None) if isinstance(doc, Mapping) else None
    try:
        calls = calls_of(doc, options)
        results: list[Transcript | Rejected] = []
        for number, call in enumerate(calls, start=1):
            results.append(finish(call, options, fallback_id if len(calls) == 1 else f"{fallback_id}#{number}"))
    except ReadError as error:
        yield Rejected(file, line, call_id, str(error))
        return
    yield from results


def read_document(doc: Any, file: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Read a parsed JSON file.

    Parameters
    ----------
    doc : object
        The document.
    file : str
        As the user gave it.
    options : ReadOptions
        The settings.

    Yields
    ------
    Transcript or Rejected
    """
    stem = Path(file).name.split(".")[0] if Path(file).name.endswith(".vcon.json") else Path(file).stem
    records = doc if isinstance(doc, list) else None
    if records is None and recognise(doc) is None and isinstance(doc, Mapping):
        records = next((doc[key] for key in _WRAPPERS if _records(doc.get(key))), None)
    if records is None:
        yield from _record(doc, file, None, stem, options)
    elif generic.is_pairs(records):
        yield from _record(records, file, None, stem, options)
    elif not _records(records) and generic.is_turns(records):
        rows: list[Row] = [(n, row if isinstance(row, Mapping) else _no_object(row)) for n, row in enumerate(records, start=1)]
        yield from _turn_rows(rows, file, options, small=True, name="list of turns")
    elif not any(isinstance(record, Mapping | list) for record in records[:_PEEK]):
        raise unknown(doc)
    else:
        for number, record in enumerate(records, start=1):
            fallback = stem if len(records) == 1 else f"{stem}#{number}"
            yield from _record(record, file, number, fallback, options)


def _records(items: Any) -> bool:
    """Tell a list of calls from a list of turns."""
    if not isinstance(items, list):
        return False
    known = [recognise(item) is not None for item in items[:_PEEK]]
    return sum(known) * 2 > len(known) and not all(_is_turn(item) for item in items[:_PEEK])


def _is_turn(item: Any) -> bool:
    if not isinstance(item, Mapping) or generic.turns_key(item):
        return False
    columns = map_columns(item)
    return "text" in columns and ("speaker" in columns or "role" in columns) and not isinstance(item[columns["text"]], list)


def _no_object(row: Any) -> ReadError:
    return ReadError(f"the record is of type {type(row).__name__}; a turn is an object with speaker and text")


def _turn_rows(rows: Iterable[Row], file: str, options: ReadOptions, *, small: bool, name: str) -> Iterator[Transcript | Rejected]:
    iterator = iter(rows)
    peeked = list(islice(iterator, 50))
    headings = list(dict.fromkeys(key for _, row in peeked if isinstance(row, Mapping) for key in row))
    yield from read_table(Table(name, file, headings, chain(peeked, iterator), small), options)


def read_rows(table: Table, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Read rows that may each hold a whole call in a column of turns."""
    iterator = iter(table.rows)
    peeked = list(islice(iterator, _PEEK))
    good = [row for _, row in peeked if isinstance(row, Mapping)]
    rows = chain(peeked, iterator)
    if good and sum(generic.is_own(row) or generic.turns_key(row) is not None for row in good) * 2 > len(good):
        for number, row in rows:
            if isinstance(row, ReadError):
                yield Rejected(table.file, number, None, str(row))
            else:
                yield from _record(row, table.file, number, f"{Path(table.file).stem}#{number}", options)
        return
    yield from read_table(Table(table.format, table.file, table.headings, rows, table.small), options)


def looks_like_lines(path: Path, encoding: str, options: ReadOptions) -> bool:
    """Tell a record a line from one document over many lines.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str
        Of the text.
    options : ReadOptions
        For the largest record.

    Returns
    -------
    bool
        True where several lines are records of their own.
    """
    filled = (line for _, line in _lines(path, encoding, options) if isinstance(line, ReadError) or line.strip())
    whole = [_is_record(line, options) for line in islice(filled, _PEEK)]
    # A document printed over many lines may have some that are whole by chance, but not its first, and not half of them.
    return len(whole) > 1 and (whole[0] or sum(whole) * 2 >= len(whole))


def _is_record(line: str | ReadError, options: ReadOptions) -> bool:
    if isinstance(line, ReadError) or line.strip()[:1] not in ("{", "[") or line.strip()[-1:] not in ("}", "]"):
        return False
    try:
        return isinstance(parse_json(line, options), Mapping | list)
    except ReadError:
        return False


def read_lines(path: Path, file: str, encoding: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Stream a file with a JSON record a line: calls, or turns.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        As the user gave it.
    encoding : str
        Of the text.
    options : ReadOptions
        The settings.

    Yields
    ------
    Transcript or Rejected
    """
    rows = _parsed(_lines(path, encoding, options), options)
    peeked = list(islice(rows, _PEEK))
    every = chain(peeked, rows)
    good = [row for _, row in peeked if not isinstance(row, ReadError)]
    if good and sum(_is_turn(row) for row in good) * 2 > len(good):
        small = path.stat().st_size <= options.max_group_bytes
        shaped = ((n, row if isinstance(row, Mapping | ReadError) else _no_object(row)) for n, row in every)
        yield from _turn_rows(shaped, file, options, small=small, name="JSONL")
        return
    for number, row in every:
        if isinstance(row, ReadError):
            yield Rejected(file, number, None, str(row))
        else:
            yield from _record(row, file, number, f"{path.stem}#{number}", options)


def _parsed(lines: Iterable[tuple[int, str | ReadError]], options: ReadOptions) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        if isinstance(line, ReadError):
            yield number, line
        elif line.strip():
            try:
                yield number, parse_json(line, options)
            except ReadError as error:
                yield number, ReadError(str(error).replace(" at line 1, column", " at column"))


def _lines(path: Path, encoding: str, options: ReadOptions) -> Iterator[tuple[int, str | ReadError]]:
    """Yield numbered lines of bounded length; one that is too long or cannot be decoded comes as the reason why."""
    limit = options.max_record_bytes
    with path.open("rb") if encoding.startswith("utf-8") else path.open(encoding=encoding, errors="replace", newline="\n") as stream:
        number = 0
        while line := stream.readline(limit + 1):
            number += 1
            if len(line) > limit:
                _to_line_end(stream, line, limit)
                yield number, ReadError(f"the record is longer than {limit:,} bytes (max_record_bytes)")
            elif isinstance(line, str):
                yield number, line.lstrip("\ufeff")
            else:
                try:
                    yield number, line.decode().lstrip("\ufeff")
                except UnicodeDecodeError as error:
                    yield number, ReadError(f"byte {error.start + 1} of the record is not valid UTF-8")


def _to_line_end(stream: IO[Any], line: str | bytes, limit: int) -> None:
    while line and line[-1:] not in ("\n", b"\n"):
        line = stream.readline(limit)
