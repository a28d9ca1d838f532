"""The table of formats: what is known, how it is recognised, how well it was checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from . import amazon, generic, genesys, google, microsoft, speech, suites, vcon
from .base import ReadError, ReadOptions
from .call import Call
from .columns import shown
from .known import Format

_GENERIC: Final = (
    Format("list of turns", "tables and JSON", "own", ("turns",), lambda doc: generic.turns_key(doc) is not None, generic.turns),
    Format("one text a call", "tables and JSON", "V", ("ConversationId", "Content"), lambda doc: generic.one_text_key(doc) is not None, generic.one_text),
)

_VENDORS: Final = (
    *microsoft.FORMATS,
    *genesys.FORMATS,
    *amazon.FORMATS,
    *google.FORMATS,
    *suites.FORMATS,
    *speech.FORMATS,
)

#: JSON formats in the order in which they are tried: the ones with the most telling shapes first.
JSON_FORMATS: Final[tuple[Format, ...]] = (
    Format("calls", "tables and JSON", "own", ("id", "turns"), generic.is_own, lambda doc, _: generic.own(doc)),
    Format("vCon", "vCon", "V", ("vcon", "uuid", "parties", "dialog", "analysis"), vcon.is_vcon, lambda doc, o: vcon.vcon(doc, o, calls_of)),
    Format("vCon, signed or encrypted (refused)", "vCon", "V", ("payload", "signatures"), vcon.is_sealed, vcon.sealed),
    *_VENDORS,
    *_GENERIC,
)

#: Formats that are no single JSON document.
OTHER_FORMATS: Final = (
    Format("speaker-text pairs", "tables and JSON", "R"),
    Format("JSONL", "tables and JSON", "own"),
    Format("CSV", "tables and JSON", "own"),
    Format("TSV", "tables and JSON", "own"),
    Format("Whisper TSV", "speech to text", "D"),
    Format("XLSX", "tables and JSON", "own"),
    Format("Parquet", "tables and JSON", "own"),
    Format("DataFrame", "tables and JSON", "own"),
    Format("plain text", "text and captions", "V"),
    Format("WebVTT", "text and captions", "R"),
    Format("WebVTT with names", "text and captions", "R"),
    Format("WebVTT with voice tags", "text and captions", "D"),
    Format("SRT", "text and captions", "F"),
    Format("SRT with names", "text and captions", "D"),
    Format("Zoom chat log", "text and captions", "R"),
)

#: Every known format.
FORMATS: Final[tuple[Format, ...]] = JSON_FORMATS + OTHER_FORMATS


def recognise(doc: Any) -> Format | None:
    """Return the format of a parsed JSON document, or None."""
    return next((f for f in JSON_FORMATS if f.detect is not None and f.detect(doc)), None)


def calls_of(doc: Any, options: ReadOptions) -> list[Call]:
    """Return the calls of one record, in whichever known format it is.

    Parameters
    ----------
    doc : object
        Parsed JSON.
    options : ReadOptions
        The settings.

    Returns
    -------
    list of Call

    Raises
    ------
    ReadError
        Where the shape is unknown, or known and broken.
    """
    if generic.is_pairs(doc) or generic.is_turns(doc):
        return [generic.turn_list(doc, options)]
    known = recognise(doc)
    if known is None or known.parse is None:
        raise unknown(doc)
    found = known.parse(doc, options)
    return [found] if isinstance(found, Call) else list(found)


def unknown(doc: Any) -> ReadError:
    """Say what an unknown JSON document looks like, and what it comes nearest to."""
    if not isinstance(doc, Mapping):
        kind = {list: "a list", str: "a string", bool: "a truth value", type(None): "null"}.get(type(doc), "a number")
        inner = f" of {len(doc)} entries" if isinstance(doc, list) else ""
        return ReadError(f"JSON of unknown shape: {kind}{inner}; allowed are a call, a list of calls, a list of turns with speaker and text")
    listed = shown([str(key) for key in doc]).replace("'", "")
    nearest = max(JSON_FORMATS, key=lambda f: _nearness(f, doc))
    lacking = [key for key in nearest.keys if key not in doc]
    gap = f"; missing {', '.join(lacking)}" if lacking else "; its inner shape differs"
    near = f"nearest known format: {nearest.name} (keys {', '.join(nearest.keys)}{gap})"
    if _nearness(nearest, doc) <= 0:
        near = "no known format has any of them; allowed are for example {'id': ..., 'turns': [{'speaker': ..., 'text': ...}]}"
    return ReadError(f"JSON of unknown shape with the top-level keys {listed}; {near}")


def _nearness(known: Format, doc: Mapping[str, Any]) -> float:
    """Weigh the keys in common: one that few formats have tells most."""
    hits = sum(1 / _USES[key] for key in known.keys if key in doc)
    return hits - 0.01 * len(known.keys) if hits else 0.0


_USES: Final = Counter(key for known in JSON_FORMATS for key in known.keys)
