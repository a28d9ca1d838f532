"""Tell by its content what a file is, and hand it to its reader."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..transcript import Transcript
from .base import Infer, ReadError, ReadOptions, Rejected
from .call import finish
from .captions import is_srt, is_vtt, parse_captions
from .csvrows import csv_table, delimiter_of, foreign_delimiter
from .decode import HEAD_BYTES, decode, encoding_of, parse_json
from .documents import looks_like_lines, read_document, read_lines
from .tables import read_table
from .text import is_labelled, is_zoom_chat, parse_text, parse_zoom_chat

_LOG: Final = logging.getLogger(__name__)
_JSON: Final = re.compile(r'\s*(?:\{|\[\s*(?:$|[{"\]]|\[\s*[\["{\]]|-?\d[\d.eE+-]*\s*[,\]]))')


def read(path: str | Path, options: ReadOptions | None = None, infer: Infer | None = None) -> Iterator[Transcript | Rejected]:
    """Read every call of a file, whatever its format.

    The format is recognised by content. JSONL, CSV, TSV and Parquet are streamed; in a table of turns larger than ``options.max_group_bytes`` the rows of
    a call must be neighbours.

    Parameters
    ----------
    path : str or Path
        The file.
    options : ReadOptions, optional
        The settings.
    infer : callable, optional
        Guesses roles where ``options.infer_roles`` is on; goes before ``options.infer``.

    Yields
    ------
    Transcript or Rejected
        One `Rejected` a bad record; exactly one for a file that cannot be read at all.
    """
    options = options or ReadOptions()
    if infer is not None:
        options = replace(options, infer=infer)
    file = str(path)
    try:
        yield from _read(Path(path), file, options)
    except ReadError as error:
        yield Rejected(file, None, None, str(error))
    except OSError as error:
        yield Rejected(file, None, None, f"the file cannot be opened: {error.strerror or type(error).__name__}")
    except Exception as error:
        # A batch of thousands of files shall not end at one that nobody foresaw.
        _LOG.debug("reading %s failed", file, exc_info=True)
        yield Rejected(file, None, None, f"the reader failed with {type(error).__name__}; please report the format of this file")


def _read(path: Path, file: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    if path.is_dir():
        raise ReadError("this is a folder; a file is needed")
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise ReadError("the file is empty")
    if head.startswith(b"PAR1"):
        from .columnar import read_parquet

        yield from read_parquet(path, file, options)
        return
    if head.startswith(b"PK\x03\x04"):
        from .columnar import read_archive

        yield from read_archive(path, file, options)
        return
    encoding = encoding_of(head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip("\x00 \n\t"):
        raise ReadError("the file holds nothing but blanks")
    if _JSON.match(text):
        yield from _read_json(path, file, encoding, text, options)
    else:
        yield from _read_text(path, file, text, options)


def _read_json(path: Path, file: str, encoding: str, head: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    # JSON is UTF-8 by its standard: a line that is not costs itself, and no guess at the rest.
    encoding = encoding if encoding.startswith("utf") else "utf-8"
    if "\n" in head.rstrip() and looks_like_lines(path, encoding, options):
        yield from read_lines(path, file, encoding, options)
    else:
        yield from read_document(parse_json(_whole(path, options), options), file, options)


def _read_text(path: Path, file: str, head: str, options: ReadOptions) -> Iterator[Transcript | Rejected]:
    if is_vtt(head) or is_srt(head):
        yield finish(parse_captions(_whole(path, options)), options, path.stem)
        return
    if is_zoom_chat(head):
        yield finish(parse_zoom_chat(_whole(path, options)), options, path.stem)
        return
    delimiter, known = delimiter_of(head)
    # Lines of speech with commas in them look like a table too, so only known headings go before speakers' labels.
    if delimiter is not None and (known or options.columns or not is_labelled(head)):
        yield from read_table(csv_table(path, file, options, delimiter), options)
    elif foreign := foreign_delimiter(head):
        raise ReadError(f"the first line has the headings of a table, with {foreign!r} between them; allowed are a comma, a semicolon, a tab and '|'")
    else:
        yield finish(parse_text(_whole(path, options)), options, path.stem)


def _whole(path: Path, options: ReadOptions) -> str:
    size = path.stat().st_size
    if size > options.max_file_bytes:
        raise ReadError(f"the file has {size:,} bytes; at most {options.max_file_bytes:,} are read whole (max_file_bytes)")
    return decode(path.read_bytes())
