"""The table of formats: what is known, how it is recognised, how well it was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from . import generic
from .base import ReadError, ReadOptions
from .call import Call

#: What the grades of the table mean.
GRADES: Final = {
    "R": "checked against output of the vendor's service",
    "V": "checked against an example published by the vendor",
    "F": "checked against a third party's example",
    "D": "written from the documentation alone, not yet checked against a file",
    "own": "our own",
}


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Parameters
    ----------
    name : str
        As in ``metadata["format"]``.
    family : str
        Whose it is.
    grade : str
        One of `GRADES`.
    keys : tuple of str
        Top-level keys that mark a JSON format; empty for others.
    detect : callable, optional
        Takes a parsed JSON document and tells whether it is of this format; never raises.
    parse : callable, optional
        Takes such a document and gives its calls.
    """

    name: str
    family: str
    grade: str
    keys: tuple[str, ...] = ()
    detect: Callable[[Any], bool] | None = None
    parse: Callable[[Any, ReadOptions], Call | Iterable[Call]] | None = None


_GENERIC: Final = (
    Format("list of turns", "tables and JSON", "own", ("turns",), lambda doc: generic.turns_key(doc) is not None, generic.turns),
    Format("one text a call", "tables and JSON", "V", ("ConversationId", "Content"), lambda doc: generic.one_text_key(doc) is not None, generic.one_text),
)

#: JSON formats in the order in which they are tried.
JSON_FORMATS: Final[tuple[Format, ...]] = (
    Format("calls", "tables and JSON", "own", ("id", "turns"), generic.is_own, lambda doc, _: generic.own(doc)),
    *_GENERIC,
)

#: Formats that are no single JSON document.
OTHER_FORMATS: Final = (
    Format("speaker-text pairs", "tables and JSON", "R"),
    Format("JSONL", "tables and JSON", "own"),
    Format("CSV", "tables and JSON", "R"),
    Format("TSV", "tables and JSON", "R"),
    Format("Whisper TSV", "speech to text", "D"),
    Format("XLSX", "tables and JSON", "own"),
    Format("Parquet", "tables and JSON", "own"),
    Format("DataFrame", "tables and JSON", "own"),
    Format("plain text", "text and captions", "V"),
)

#: Every known format.
FORMATS: Final[tuple[Format, ...]] = JSON_FORMATS + OTHER_FORMATS


def recognise(doc: Any) -> Format | None:
    """Return the format of a parsed JSON document, or None."""
    return next((f for f in JSON_FORMATS if f.detect is not None and f.detect(doc)), None)


def unknown(doc: Any) -> ReadError:
    """Say what an unknown JSON document looks like, and what it comes nearest to."""
    if not isinstance(doc, Mapping):
        kind = {list: "a list", str: "a string", bool: "a truth value", type(None): "null"}.get(type(doc), "a number")
        inner = f" of {len(doc)} entries" if isinstance(doc, list) else ""
        return ReadError(f"JSON of unknown shape: {kind}{inner}; allowed are a call, a list of calls, a list of turns with speaker and text")
    keys = [str(key)[:40] for key in doc]
    listed = ", ".join(keys[:12]) + (f" and {len(keys) - 12} more" if len(keys) > 12 else "")
    nearest = max(JSON_FORMATS, key=lambda f: _nearness(f, doc))
    lacking = [key for key in nearest.keys if key not in doc]
    near = f"{nearest.name} (keys {', '.join(nearest.keys)}" + (f"; missing {', '.join(lacking)})" if lacking else "; its inner shape differs)")
    return ReadError(f"JSON of unknown shape with the top-level keys {listed or 'none'}; nearest known format: {near}")


def _nearness(known: Format, doc: Mapping[str, Any]) -> float:
    lower = {str(key).lower() for key in doc}
    hits = sum((key in doc) + 0.5 * (key.lower() in lower) for key in known.keys)
    return hits / len(known.keys) if known.keys else 0.0
