"""From bytes to text and to JSON, safely: encodings, sizes and nesting."""

from __future__ import annotations

import codecs
import json
import re
from itertools import accumulate
from typing import Any, Final

from .base import ReadError, ReadOptions

#: How much of a file is looked at to tell what it is.
HEAD_BYTES: Final = 256 * 1024

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC: Final = (
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-zip archive; unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.xls, .doc); save it as .xlsx or CSV"),
    (b"%PDF", "a PDF; export the transcript as text, CSV or JSON"),
    (b"RIFF", "an audio file; a transcript is needed"),
    (b"ID3", "an audio file; a transcript is needed"),
    (b"OggS", "an audio file; a transcript is needed"),
    (b"fLaC", "an audio file; a transcript is needed"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)
_NO_BRACKET: Final = re.compile(r"[^\[\]{}]+")
_STEP: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_CONTROL: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x0b\x0c\x1b")
_BINARY_SHARE: Final = 0.1


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first bytes.

    Parameters
    ----------
    head : bytes
        The beginning of the file.

    Returns
    -------
    str
        A codec name.

    Raises
    ------
    ReadError
        Where the bytes are no text, naming what they are where that can be told.
    """
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise ReadError(f"the file is {what}")
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    wide = _wide(head)
    if wide:
        return wide
    control = len(head) - len(head.translate(None, _CONTROL))
    if control > _BINARY_SHARE * len(head):
        raise ReadError(f"the file is binary ({control} control characters in the first {len(head)} bytes); allowed are text, JSON, CSV, XLSX, Parquet")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=False)
    except UnicodeDecodeError:
        return _guessed(head)
    return "utf-8"


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 without a byte order mark by where its zero bytes stand."""
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if half >= 4 and odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if half >= 4 and even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _guessed(head: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(head[:65536]).best()
    if best is None:
        raise ReadError("the file is binary or in an unknown encoding; allowed are text (best in UTF-8), JSON, CSV, XLSX, Parquet")
    return best.encoding


def decode(data: bytes) -> str:
    """Return a whole file as text without a byte order mark, every line end as a line feed."""
    try:
        text = data.decode("utf-8")
        encoding_of(data[:HEAD_BYTES])
    except UnicodeDecodeError:
        text = data.decode(encoding_of(data[: 4 * HEAD_BYTES]), errors="replace")
    if "\x00" in text and (wide := _wide(data[:HEAD_BYTES])):
        text = data.decode(wide, errors="replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def depth_of(text: str) -> int:
    """Return how deeply brackets nest in a JSON text, without reading it."""
    bare = text.replace("\\\\", "").replace('\\"', "") if "\\" in text else text
    brackets = _NO_BRACKET.sub("", "".join(bare.split('"')[::2]))
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def parse_json(text: str, options: ReadOptions) -> Any:
    """Parse JSON after a look at its nesting.

    Parameters
    ----------
    text : str
        One JSON document.
    options : ReadOptions
        For `ReadOptions.max_depth`.

    Returns
    -------
    object

    Raises
    ------
    ReadError
        Where it is no JSON or nested too deeply; the message gives the place, never the text.
    """
    depth = depth_of(text) if text.count("[") + text.count("{") > options.max_depth else 0
    if depth > options.max_depth:
        raise ReadError(f"JSON is nested {depth} levels deep; at most {options.max_depth} are allowed (max_depth)")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ReadError(f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not valid JSON: {type(error).__name__}") from None
