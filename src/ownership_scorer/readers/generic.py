"""JSON that is no vendor's: our own calls, lists of turns under any name, ``[speaker, text]`` pairs, a whole talk in one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .base import ReadError, ReadOptions
from .call import Call, Segment, role_in
from .clean import safe
from .columns import call_fields, call_of_rows, map_columns, plain_heading, scalar
from .text import is_labelled, parse_text
from .values import number, string

_OWN_KEYS: Final = frozenset({"id", "call_id", "agent_id", "customer_id", "started_at", "channel", "turns"})
_TURN_LISTS: Final = (
    "turns", "messages", "utterances", "transcript", "dialogue", "dialog", "conversation", "segments", "lines", "items", "entries", "log", "original",
    "transcription", "chat", "history", "body", "content", "data", "results", "sentences", "events",
)  # fmt: skip
_ONE_TEXT: Final = ("content", "transcript", "text", "conversation", "dialogue", "transcription", "body", "transcripttext", "plaintext")
_PEEK: Final = 20


def is_own(doc: Any) -> bool:
    """Tell our own shape: ``{"turns": [{"speaker": ..., "text": ...}]}``."""
    if not (isinstance(doc, Mapping) and isinstance(doc.get("turns"), list)):
        return False
    turns = doc["turns"]
    if not turns:
        return "id" in doc or "call_id" in doc
    return any(isinstance(t, Mapping) and "text" in t and "speaker" in t for t in turns[:_PEEK])


def own(doc: Mapping[str, Any]) -> Call:
    """Read our own shape, word for word: labels and ratings count its turns and characters.

    Parameters
    ----------
    doc : mapping
        One call.

    Returns
    -------
    Call

    Raises
    ------
    ReadError
        Where a turn is no object, or its text no text.
    """
    call = Call("calls", verbatim=True)
    call.call_id = string(doc.get("id")) or string(doc.get("call_id"))
    call.agent_id, call.customer_id = string(doc.get("agent_id")), string(doc.get("customer_id"))
    call.started_at, call.channel = scalar(doc.get("started_at")), string(doc.get("channel"))
    call.metadata = {key: value for key, value in doc.items() if key not in _OWN_KEYS}
    for index, turn in enumerate(doc["turns"]):
        if not isinstance(turn, Mapping):
            raise ReadError(f"turn {index} is of type {type(turn).__name__}; a turn is an object with speaker and text")
        text = turn.get("text")
        if text is not None and not isinstance(text, str):
            raise ReadError(f"the text of turn {index} is of type {type(text).__name__}; allowed is a string")
        if text is None:
            call.dropped["without text"] += 1
            continue
        speaker = string(turn.get("speaker"))
        if speaker is None:
            call.doubts.append(f"turn {index} names no speaker")
        known = next((word for word in (string(turn.get("role")), speaker) if word and role_in(word)), None)
        call.segments.append(Segment(text, speaker, known, None, number(turn.get("start")), number(turn.get("end"))))
    return call


def is_pairs(items: Any) -> bool:
    """Tell a list of ``[speaker, text]`` pairs."""
    return isinstance(items, list) and bool(items) and all(_pair(item) for item in items[:_PEEK])


def _pair(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)


def is_turns(items: Any) -> bool:
    """Tell a list of objects that have words and a speaker under any known name."""
    if not (isinstance(items, list) and items):
        return False
    columns = [map_columns(item) for item in items[:_PEEK] if isinstance(item, Mapping)]
    good = [c for c in columns if "text" in c and ("speaker" in c or "role" in c)]
    return len(good) * 2 > len(items[:_PEEK])


def turns_key(doc: Any) -> str | None:
    """Return the key under which a record keeps its turns, or None."""
    if not isinstance(doc, Mapping):
        return None
    by_plain = {plain_heading(key): key for key in doc}
    keys = [by_plain[name] for name in _TURN_LISTS if name in by_plain]
    keys += [key for key in doc if key not in keys]
    return next((key for key in keys if is_pairs(doc[key]) or is_turns(doc[key])), None)


def turns(doc: Mapping[str, Any], options: ReadOptions) -> Call:
    """Read a record with a list of turns in it."""
    key = turns_key(doc)
    call = turn_list(doc[key] if key else [], options)
    call_fields(call, {k: v for k, v in doc.items() if k != key}, options)
    return call


def turn_list(items: Sequence[Any], options: ReadOptions) -> Call:
    """Read a list of turns, as objects or as pairs."""
    if is_pairs(items):
        call = Call("speaker-text pairs")
        for item in items:
            if not _pair(item):
                call.dropped["malformed"] += 1
            elif item[0].strip().lower() == "action":
                call.dropped["actions"] += 1
            else:
                call.add(item[1], label=item[0])
        return call
    rows = [item for item in items if isinstance(item, Mapping)]
    headings = dict.fromkeys(key for row in rows[:_PEEK] for key in row)
    given = {field: heading for field, heading in options.columns.items() if heading in headings}
    columns = map_columns(headings, given)
    # Within a list of turns an id names the turn, not the call.
    if "call_id" in columns and len({str(row.get(columns["call_id"])) for row in rows}) > 1:
        del columns["call_id"]
    call = call_of_rows("list of turns", rows, columns)
    call.metadata["columns"] = columns
    if len(rows) < len(items):
        call.dropped["malformed"] += len(items) - len(rows)
        call.doubts.append(f"{len(items) - len(rows)} entries of the list of turns are no objects")
    return call


def one_text_key(doc: Any) -> str | None:
    """Return the key that holds a whole talk as one text, or None."""
    if not isinstance(doc, Mapping):
        return None
    by_plain: dict[str, str] = {plain_heading(key): key for key in doc}
    has_id = any(name in ("conversationid", "callid", "contactid", "interactionid", "transcriptid", "id") for name in by_plain)
    for name in _ONE_TEXT:
        value = doc[by_plain[name]] if name in by_plain else None
        if isinstance(value, str) and len(value) > 20 and (has_id or is_labelled(safe_text(value))):
            return by_plain[name]
    return None


def one_text(doc: Mapping[str, Any], options: ReadOptions) -> Call:
    """Read a record that keeps the whole talk in one text; the text must name its speakers."""
    key = one_text_key(doc) or ""
    try:
        call = parse_text(safe_text(doc[key]))
    except ReadError as error:
        raise ReadError(f"{key!r} holds {error}") from None
    call.format = "one text a call"
    call_fields(call, {k: v for k, v in doc.items() if k != key}, options)
    return call


def safe_text(cell: str) -> str:
    """Return the text of a cell with its line ends as line ends, whichever way they were written."""
    text = safe(cell.replace("_x000D_", "")).replace("\r\n", "\n").replace("\r", "\n")
    for tag in ("<br>", "<br/>", "<br />", "<BR>"):
        text = text.replace(tag, "\n")
    if "\n" not in text:
        text = text.replace("\\r\\n", "\n").replace("\\n", "\n")
    if "\n" not in text and text.count(" | ") > 1:
        text = text.replace(" | ", "\n")
    return text
