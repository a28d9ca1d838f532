"""vCon, the IETF's container for conversations."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .base import ReadError, ReadOptions
from .call import Call, Segment
from .decode import parse_json
from .generic import is_pairs, is_turns, safe_text, turn_list
from .text import parse_text
from .values import at, dicts, first, instant, number, string

_QUOTED: Final = re.compile(r"^[ \t]*On [^\n]{5,200} wrote:[ \t]*$.*", re.MULTILINE | re.DOTALL)
_ROLES: Final = {"sme": "other", "thirdparty": "other", "supervisor": "other"}

#: Reads a transcript inside the container, in whichever format it is.
Inner = Callable[[Any, ReadOptions], list[Call]]


def is_vcon(doc: Any) -> bool:
    """Tell a vCon: its version and its parties, or parties and dialogs."""
    return isinstance(at(doc, "parties"), list) and ("vcon" in doc or isinstance(at(doc, "dialog"), list))


def is_sealed(doc: Any) -> bool:
    """Tell a signed or encrypted container."""
    return isinstance(doc, Mapping) and (("payload" in doc and "signatures" in doc) or ("ciphertext" in doc and "recipients" in doc))


def sealed(doc: Any, _: ReadOptions) -> Call:
    """Refuse a signed or encrypted container, and say what to do."""
    if "ciphertext" in doc:
        raise ReadError("this is an encrypted vCon (JWE); decrypt it first and give the plain vCon")
    raise ReadError("this is a signed vCon (JWS); verify it and unpack its payload first: nothing is read from a signed file whose signature was not checked")


def vcon(doc: Any, options: ReadOptions, inner: Inner) -> Call:
    """Read a vCon: its text dialogs, and the transcripts of its recordings.

    Parameters
    ----------
    doc : mapping
        The container.
    options : ReadOptions
        The settings.
    inner : callable
        Reads a vendor's transcript found inside.

    Returns
    -------
    Call
    """
    call = Call("vCon", string(doc.get("uuid")))
    parties = list(dicts(doc.get("parties")))
    names = [string(first(p, "name", "tel", "mailto", "email", "uuid")) or f"party {n}" for n, p in enumerate(parties)]
    for name, party in zip(names, parties, strict=True):
        role = (string(party.get("role")) or string(at(party, "meta", "role")) or "").lower()
        if role:
            call.people[name] = _ROLES.get(role, role)
    dialogs = list(dicts(doc.get("dialog")))
    starts = [instant(d.get("start")) for d in dialogs]
    call.absolute = bool(dialogs) and None not in starts
    call.base = min((s for s in starts if s is not None), default=None)
    call.started_at = next((s for d in dialogs if (s := string(d.get("start")))), string(doc.get("created_at")))
    transcripts = _transcripts(doc, call)
    found: list[str] = []
    for index, (dialog, start) in enumerate(zip(dialogs, starts, strict=True)):
        if index in transcripts:
            found += _recording(call, transcripts[index], dialog, names, start, options, inner)
        elif dialog.get("type") == "text":
            _text(call, dialog, names, start)
        else:
            call.dropped["dialogs without a transcript"] += 1
    for index in sorted(set(transcripts) - set(range(len(dialogs)))):
        found += _recording(call, transcripts[index], {}, names, call.base, options, inner)
    if found:
        call.metadata["transcript_formats"] = sorted(set(found))
    if call.dropped["dialogs without a transcript"]:
        call.doubts.append(f"dialogs (recordings, transfers) that hold no transcript: {call.dropped['dialogs without a transcript']}")
    return call


def _transcripts(doc: Any, call: Call) -> dict[int, Mapping[str, Any]]:
    """Return the transcript of each dialog: the first that is given."""
    found: dict[int, Mapping[str, Any]] = {}
    for analysis in dicts(doc.get("analysis")):
        if analysis.get("type") not in ("transcript", "transcription"):
            continue
        dialog = analysis.get("dialog", 0)
        for index in dialog if isinstance(dialog, list) else [dialog]:
            if not isinstance(index, int) or isinstance(index, bool) or abs(index) > 1_000_000:
                continue
            if index in found:
                call.doubts.append(f"dialog {index} has several transcripts; the first was read")
            else:
                found[index] = analysis
    return found


def _body(item: Mapping[str, Any], options: ReadOptions) -> Any:
    """Return a body as JSON or text, whatever it was packed in."""
    body = item.get("body")
    encoding = item.get("encoding")
    if encoding == "base64url" and isinstance(body, str):
        try:
            body = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
    if isinstance(body, str) and (encoding == "json" or body.lstrip()[:1] in ("{", "[")):
        try:
            return parse_json(body, options)
        except ReadError:
            return body
    return body


def _party_indices(value: Any) -> list[int]:
    flat = value if isinstance(value, list) else [value]
    return [n for item in flat for n in (item if isinstance(item, list) else [item]) if isinstance(n, int) and not isinstance(n, bool)]


def _name(names: list[str], index: int | None) -> str | None:
    return names[index] if index is not None and 0 <= index < len(names) else None


def _text(call: Call, dialog: Mapping[str, Any], names: list[str], start: float | None) -> None:
    body = dialog.get("body")
    if dialog.get("encoding") == "base64url":
        body = _body(dialog, ReadOptions())
    if isinstance(body, str) and (cut := _QUOTED.sub("", body)) != body:
        call.dropped["quoted replies"] += 1
        body = cut
    indices = _party_indices(dialog.get("parties"))
    originator = dialog.get("originator")
    who = originator if isinstance(originator, int) else indices[0] if indices else None
    call.add(body, label=_name(names, who), start=start, duration=number(dialog.get("duration")) or None)


def _recording(
    call: Call, analysis: Mapping[str, Any], dialog: Mapping[str, Any], names: list[str], start: float | None, options: ReadOptions, inner: Inner
) -> list[str]:
    body = _body(analysis, options)
    try:
        found = _inside(body, options, inner)
    except ReadError as error:
        call.doubts.append(f"a transcript of type {str(analysis.get('vendor', 'unknown'))[:40]!r} could not be read: {error}")
        call.dropped["unreadable transcripts"] += 1
        return []
    channels = sorted({s.channel for part in found for s in part.segments if s.channel})
    parties = _party_indices(dialog.get("parties"))
    offset = start if call.absolute and start is not None else 0.0
    for part in found:
        call.doubts += part.doubts
        call.dropped += part.dropped
        call.people = {**part.people, **call.people}
        if part.absolute:
            part.base = min((s.start for s in part.segments if s.start is not None), default=0.0)
        base = part.base or 0.0 if part.absolute else 0.0
        for segment in part.segments:
            if len(channels) > 1 and len(parties) == len(channels) and segment.channel:
                segment.label = _name(names, parties[channels.index(segment.channel)]) or segment.label
            call.segments.append(_shifted(segment, offset - base))
        # The labels of a diarizer mean nothing, those that people wrote do.
        call.names = call.names and part.names
    return [part.format for part in found]


def _shifted(segment: Segment, by: float) -> Segment:
    start = None if segment.start is None else segment.start + by
    end = None if segment.end is None else segment.end + by
    return Segment(segment.text, segment.label, segment.role, segment.channel, start, end)


def _inside(body: Any, options: ReadOptions, inner: Inner) -> list[Call]:
    if isinstance(body, str):
        return [parse_text(safe_text(body))]
    if is_turns(body) or is_pairs(body):
        return [turn_list(body, options)]
    if is_vcon(body) or is_sealed(body):
        raise ReadError("a vCon inside a vCon")
    return inner(body, options)
