"""Rows of turns, whatever their headings: which column is what, and what its times mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from .base import ReadError, ReadOptions
from .call import Call
from .values import EPOCH_FLOOR, clock, instant, number, string

#: Headings by field, in order of preference; written without blanks, dots, dashes and capitals.
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(words.split())
    for name, words in {
        "call_id": "callid conversationid contactid interactionid transcriptid convoid dialogueid dialogid ticketid chatid sessionid recordingid call "
        "conversation ucid guid id",
        "order": "turnindex turnnumber turnno turn turnid seq sequence sequencenumber utteranceid utteranceindex messageindex lineno linenumber index",
        "role": "role speakerrole participantrole participanttype participantpurpose sendertype authortype speakertype interlocutor side",
        "speaker": "speaker speakerlabel speakername speakerid sender sendername author authorname participant participantid party from source who name user",
        "text": "text utterance utterancetext message messagetext content transcript transcription transcripttext body msg sentence phrase conversationtext "
        "dialogue conversation",
        "start": "start starttime startms starttimems startsec startseconds starts startoffset startoffsetms beginoffsetmillis offset offsetms offsetseconds "
        "timestamp time begin begintime createdat sentat datetime",
        "end": "end endtime endms endtimems endsec endseconds ends endoffset endoffsetms endoffsetmillis stop stoptime",
        "agent_id": "agentid agentname agent repid advisorid employeeid",
        "customer_id": "customerid customer clientid callerid memberid accountid",
        "started_at": "startedat callstart callstarttime calldate conversationstarttime conversationtimestamp conversationdate callstartedat",
        "channel": "channel audiochannel mediachannel mediatype channelid",
    }.items()
}
_FIELDS: Final = tuple(SYNONYMS)
_UNITS: Final = (("ms", 1e3), ("millis", 1e3), ("milliseconds", 1e3), ("msec", 1e3), ("usec", 1e6), ("micros", 1e6), ("nanos", 1e9))
_PARTIAL: Final = frozenset({"isfinal", "ispartial", "isinterim"})
_LONGEST_IN_SECONDS: Final = 36_000
_HEADING: Final = re.compile(r"(?!.*\d{4})\S{0,30}(?: \S{1,20}){0,2}")
_LATEST_START: Final = 2 * 3600.0


def plain_heading(heading: object) -> str:
    """Return a heading without blanks, signs and capitals."""
    return re.sub(r"[\W_]+", "", str(heading).lower())


def map_columns(headings: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Find out which heading holds which field.

    Parameters
    ----------
    headings : iterable of str
        As in the file.
    given : mapping of str to str, optional
        Field to heading, as the user said.

    Returns
    -------
    dict of str to str
        Field to heading; no heading twice.

    Raises
    ------
    ReadError
        Where a field or heading that was given does not exist.
    """
    headings = list(headings)
    found: dict[str, str] = {}
    for name, heading in (given or {}).items():
        if name not in _FIELDS:
            raise ReadError(f"columns names the field {name!r}; allowed are {', '.join(_FIELDS)}")
        if heading not in headings:
            raise ReadError(f"columns names the heading {heading!r} for {name}; the file has {shown(headings)}")
        found[name] = heading
    by_plain: dict[str, str] = {}
    for heading in headings:
        by_plain.setdefault(plain_heading(heading), heading)
    # The words first: a lone "conversation" or "call" column is one, not an id, where there is no better text column.
    for name in ("text", *(f for f in _FIELDS if f != "text")):
        taken = set(found.values())
        for word in SYNONYMS[name] if name not in found else ():
            if word in by_plain and by_plain[word] not in taken:
                found[name] = by_plain[word]
                break
    return found


def shown(headings: Sequence[str]) -> str:
    """Name headings for a message, the first twelve of them; what looks like speech, in a table without headings, only by its length."""
    names = ", ".join(repr(h) if _HEADING.fullmatch(h) else f"({len(h)} characters)" for h in map(str, headings[:12]))
    return names + (f" and {len(headings) - 12} more" if len(headings) > 12 else "") if headings else "none"


def call_of_rows(name: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Call:
    """Make a call of rows that are turns.

    Parameters
    ----------
    name : str
        The format's name.
    rows : sequence of mapping
        Of one call, in file order.
    columns : mapping of str to str
        From `map_columns`.

    Returns
    -------
    Call
    """

    def value(row: Mapping[str, Any], field: str) -> Any:
        found = row.get(columns[field]) if field in columns else None
        return _named(found) if isinstance(found, Mapping) else found

    call = Call(name)
    partial = [(heading, plain_heading(heading) == "isfinal") for heading in rows[0] if plain_heading(heading) in _PARTIAL] if rows else []
    if partial:
        kept = [row for row in rows if not any(_says(row.get(heading), not final) for heading, final in partial)]
        call.dropped["partial"] += len(rows) - len(kept)
        rows = kept
    orders = [number(value(row, "order")) for row in rows]
    if rows and "order" in columns and None not in orders and len(set(orders)) > 1:
        rows = [rows[i] for i in sorted(range(len(rows)), key=lambda i: orders[i] or 0.0)]
        call.ordered = True
    starts = read_times([value(row, "start") for row in rows], columns.get("start", ""), call)
    ends = read_times([value(row, "end") for row in rows], columns.get("end", ""), None)
    for row, start, end in zip(rows, starts, ends, strict=True):
        channel = value(row, "channel") if not ("role" in columns or "speaker" in columns) else None
        words = value(row, "text")
        words = words if isinstance(words, str) or words is None or isinstance(words, list | Mapping) else string(words) or str(words)
        call.add(words, label=value(row, "speaker"), role=value(row, "role"), channel=channel, start=start, end=end)
    for field in ("call_id", "agent_id", "customer_id", "started_at", "channel"):
        setattr(call, field, next((text for row in rows if (text := scalar(value(row, field)))), None))
    return call


def _says(value: Any, wanted: bool) -> bool:
    return value is wanted or (isinstance(value, str) and value.strip().lower() == str(wanted).lower())


def _named(value: Mapping[str, Any]) -> Any:
    """Return what tells most of an object such as ``{"type": "admin", "name": "Dana"}``."""
    return next((value[key] for key in ("role", "type", "name", "id", "text", "content") if isinstance(value.get(key), str)), None)


def scalar(value: Any) -> str | None:
    """Return an id or a date as text."""
    if isinstance(value, datetime | date):
        return value.isoformat() if value == value else None
    return string(value)


def read_times(values: Sequence[Any], heading: str, call: Call | None) -> list[float | None]:
    """Return times as seconds, and tell the call what they count from.

    Parameters
    ----------
    values : sequence of object
        Numbers, ``HH:MM:SS``, dates, or nothing.
    heading : str
        Where the unit may stand: ``start_ms``.
    call : Call or None
        Learns of doubts, and whether times are dates; None for end times.

    Returns
    -------
    list of float or None
    """
    given = [v for v in values if v is not None and v != "" and v == v]
    if not given:
        return [None] * len(values)
    plain = plain_heading(heading)
    unit = next((factor for ending, factor in _UNITS if plain.endswith(ending)), None)
    numbers = [n for v in given if (n := number(v)) is not None]
    doubts: list[str] = []
    absolute = False
    if len(numbers) == len(given) and min(numbers) >= EPOCH_FLOOR * (unit or 1.0):
        absolute = True
        times = [instant(number(v)) for v in values]
    elif len(numbers) == len(given):
        if unit is None and max(numbers) > _LONGEST_IN_SECONDS and all(n.is_integer() for n in numbers):
            unit = 1e3
            doubts.append(f"the column {heading!r} holds whole numbers up to {max(numbers):.0f} and was read as milliseconds")
        times = [None if (n := number(v)) is None else n / (unit or 1.0) for v in values]
    else:
        times = [_clock_time(v) for v in values]
        if any(t is not None for t in times):
            earliest = min(t for t in times if t is not None)
            if call is not None and earliest > _LATEST_START:
                times = [None if t is None else t - earliest for t in times]
                doubts.append("times of day were counted from the first turn")
        else:
            times = [instant(v) for v in values]
            absolute = True
    lost = len(given) - sum(t is not None for t in times)
    if lost:
        doubts.append(f"{lost} values in column {heading!r} are no times; allowed are seconds, HH:MM:SS and ISO 8601")
    if call is not None:
        call.absolute = absolute
        call.doubts += doubts
    return times


def _clock_time(value: Any) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return clock(value)


def call_fields(call: Call, record: Mapping[str, Any], options: ReadOptions) -> None:
    """Fill what a call's record says about the call as a whole."""
    scalars = [key for key, value in record.items() if not isinstance(value, list | Mapping)]
    given = {field: heading for field, heading in options.columns.items() if heading in scalars and field in _FIELDS}
    columns = map_columns(scalars, given)
    if "started_at" not in columns and "start" in columns:
        columns["started_at"] = columns["start"]
    for field in ("call_id", "agent_id", "customer_id", "started_at", "channel"):
        if field in columns and getattr(call, field) is None:
            setattr(call, field, scalar(record[columns[field]]))
