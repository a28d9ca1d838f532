"""XLSX workbooks and Parquet files, through libraries that are extras."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ..transcript import Transcript
from .base import ReadError, ReadOptions, Rejected
from .columns import map_columns
from .csvrows import unique
from .documents import read_rows
from .frames import plain_value
from .tables import Row, Table, read_table

_RATIO: Final = 100
_CHUNK: Final = 1024 * 1024
_HEADING_ROWS: Final = 10
_BATCH: Final = 1024
_ROW_BYTES: Final = 200


def read_archive(path: Path, file: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Read an XLSX workbook; refuse every other archive by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                _check_zip(archive, options)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, NotImplementedError, ValueError, EOFError, RuntimeError) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"the file begins as a zip archive (XLSX is one) and is broken: {type(error).__name__}") from None
    if "xl/workbook.xml" in names:
        yield from _read_xlsx(path, file, options)
    elif "word/document.xml" in names:
        raise ReadError("the file is a Word document; save it as plain text, or export the transcript as VTT")
    elif "xl/workbook.bin" in names:
        raise ReadError("the file is an XLSB workbook; save it as XLSX or CSV")
    else:
        raise ReadError("the file is a zip archive; unpack it first")


def _check_zip(archive: zipfile.ZipFile, options: ReadOptions) -> None:
    """Refuse a workbook that unpacks to more than it should, by what it declares and by what comes out."""
    limit = 2 * options.max_file_bytes
    total = 0
    for member in archive.infolist():
        total += member.file_size
        ratio = member.file_size / max(member.compress_size, 1)
        if total > limit or (ratio > _RATIO and member.file_size > 16 * _CHUNK):
            raise ReadError(
                f"the workbook unpacks to {total:,} bytes and more ({ratio:.0f} times its size in one part); at most {limit:,} bytes and {_RATIO} times "
                "are allowed"
            )
        if member.filename.endswith((".xml", ".rels")):
            _check_member(archive, member)


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    size = 0
    with archive.open(member) as stream:
        head = stream.read(4096)
        # A document type is how XML entities are declared, and so how they are made to swell; no workbook needs one.
        if b"<!DOCTYPE" in head or b"<!ENTITY" in head or b"<\0!\0D" in head or b"\0<\0!\0D" in head:
            raise ReadError("the workbook's XML declares a document type; workbooks have none, and it may be an attack")
        size = len(head)
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > member.file_size:
                raise ReadError(f"a part of the workbook unpacks to more than the {member.file_size:,} bytes that it declares")


def _read_xlsx(path: Path, file: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    try:
        import openpyxl
    except ImportError:
        raise ReadError("reading XLSX needs openpyxl; install the extra: pip install 'ownership-scorer[excel]'") from None
    import warnings

    # Given a stream, openpyxl does not judge the file by its name.
    with path.open("rb") as stream:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        except Exception as error:
            raise ReadError(f"the workbook is broken: {type(error).__name__}") from None
        try:
            yield from _sheets(book, file, options)
        finally:
            book.close()


def _sheets(book: Any, file: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    problems: list[str] = []
    read = 0
    for sheet in book.worksheets:
        rows = _cells(sheet)
        head = list(islice(rows, _HEADING_ROWS))
        place = _heading(head, options)
        if place is None:
            if head:
                problems.append(f"sheet {sheet.title!r} has no row of headings with a column of text in its first {_HEADING_ROWS} rows")
            continue
        headings = head[place][1]
        cells = headings if isinstance(headings, tuple) else ()
        names = unique([str(cell) if cell is not None else f"column {n}" for n, cell in enumerate(cells, start=1)])
        table = Table("XLSX", file, names, _named(iter([*head[place + 1 :]]), rows, names))
        try:
            yield from read_table(table, options)
            read += 1
        except ReadError as error:
            problems.append(f"sheet {sheet.title!r}: {error}")
    if not read:
        raise ReadError("; ".join(problems) or "the workbook is empty")


def _cells(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...] | ReadError]]:
    # A sheet may claim to be as large as sheets can be; its rows tell.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(values_only=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception as error:
            yield number, ReadError(f"the sheet breaks off: {type(error).__name__}")
            return
        if any(cell is not None and cell != "" for cell in row):
            yield number, row


def _heading(head: list[tuple[int, tuple[Any, ...] | ReadError]], options: ReadOptions) -> int | None:
    for index, (_, row) in enumerate(head):
        if isinstance(row, tuple):
            names = [str(cell).strip() for cell in row if isinstance(cell, str)]
            if "text" in map_columns(names) or options.columns.get("text") in names:
                return index
    return None


def _named(peeked: Iterator[Any], rows: Iterator[Any], names: list[str]) -> Iterator[Row]:
    for source in (peeked, rows):
        for number, row in source:
            if isinstance(row, ReadError):
                yield number, row
            else:
                yield number, {name: plain_value(cell) for name, cell in zip(names, row, strict=False)}


def read_parquet(path: Path, file: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    """Read a Parquet file by row groups: a row a turn, a row a call, or a list of turns in a column."""
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise ReadError("reading Parquet needs pyarrow; install the extra: pip install 'ownership-scorer[parquet]'") from None
    try:
        parquet = pq.ParquetFile(path)
        names = [str(name) for name in parquet.schema_arrow.names]
    except Exception as error:
        raise ReadError(f"the Parquet file is broken: {type(error).__name__}") from None
    with parquet:
        small = parquet.metadata.num_rows * _ROW_BYTES <= options.max_group_bytes
        yield from read_rows(Table("Parquet", file, names, _batches(parquet), small), options)


def _batches(parquet: Any) -> Iterator[Row]:
    number = 0
    try:
        for batch in parquet.iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield number, {str(key): plain_value(value) for key, value in row.items()}
    except Exception as error:
        yield number + 1, ReadError(f"the Parquet file breaks off after {number:,} rows: {type(error).__name__}")
