"""Plain text with speaker labels, in its dialects, and Zoom chat logs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from ..transcript import role_of
from .base import ReadError
from .call import Call, role_in
from .clean import unquoted
from .values import clock

_CLOCK: Final = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_TIME: Final = re.compile(rf"[\[(]?({_CLOCK})(?:\s*(?:-->|-|–|to)\s*({_CLOCK}))?[\])]?(?:\s*[-–—|])?(?=[\s*\[A-Za-z]|$)\s*")
_LABEL: Final = r"[^\W\d_][^:\[\]<>|*\n\t\"]{0,58}"
_SPEAKER: Final = re.compile(
    rf"(?:\*\*|__)?\[{{0,2}}({_LABEL}?)\]{{0,2}}(?:(?:\s*[\[(]|\s+)({_CLOCK})(?:\s*(?:-->|-|–)\s*({_CLOCK}))?[\])]?)?\s*"
    r"(?:\*\*|__)?:(?!//|\d\d(?:\D|$))(?:\*\*|__)?\s*(.*)",
    re.DOTALL,
)
_DASHED: Final = re.compile(rf"({_LABEL}?)(?:\s+[-–—]\s+|\s*>\s+|\t+)(.*)", re.DOTALL)
_HEADLINE: Final = re.compile(rf"({_LABEL}?)[\s,|]+[\[(]?({_CLOCK})[\])]?\s*:?")
_CHAT: Final = re.compile(r"(\d{1,2}:\d{2}:\d{2})\t(?: ?From +([^\t]{1,80}?) *(?: to [^:\t]{1,80})?(?:\(Privately\))? *: ?|([^\t]{1,80}):\t)(.*)")
_REACTION: Final = re.compile(r'(?:Reacted to|Removed an? .{1,40} reaction from|Replying to) ["“]')
_NOT_A_NAME: Final = frozenset({
    "address", "answer", "attention", "call", "call id", "channel", "cc", "contact id", "conversation", "copyright", "date", "disclaimer",
    "duration", "email", "end time", "error", "from", "file", "http", "https", "id", "important", "language", "licence", "license", "link",
    "location", "note", "notes", "option", "origin", "participants", "phone", "ps", "p.s", "question", "re", "reason", "result", "source",
    "start time", "step", "subject", "summary", "tel", "time", "title", "to", "topic", "total", "transcript", "url", "version", "warning", "website",
    "ticket", "order", "status", "call date", "call time",
})  # fmt: skip
_MOST_OUTSIDE: Final = 10
_SCAN_LINES: Final = 200_000


def _is_name(label: str) -> bool:
    key = label.strip().lower()
    return key.rstrip(" 0123456789") not in _NOT_A_NAME and label[:1].isupper() and len(label.split()) <= 6 and not label.endswith((".", ",", "?", "!"))


def is_labelled(text: str) -> bool:
    """Tell whether a text names its speakers at the beginnings of lines."""
    try:
        return bool(parse_text(text).segments)
    except ReadError:
        return False


def is_zoom_chat(head: str) -> bool:
    """Tell whether the first lines are those of a Zoom chat log."""
    lines = [line for line in head.split("\n")[:20] if line.strip()]
    return bool(lines) and sum(bool(_CHAT.fullmatch(line)) for line in lines) > len(lines) / 2


def parse_zoom_chat(text: str) -> Call:
    """Read a Zoom chat log: ``HH:MM:SS<TAB>Name:<TAB>text`` or ``HH:MM:SS<TAB> From Name : text``."""
    call = Call("Zoom chat log", channel="chat")
    clocks = False
    tail: list[str] = []
    for line in text.split("\n"):
        found = _CHAT.fullmatch(line.rstrip())
        if found:
            _append(call, tail)
            clocks = clocks or bool(found[2])
            if _REACTION.match(found[4]):
                call.dropped["reactions"] += 1
            else:
                call.add(found[4], label=found[2] or found[3], start=clock(found[1]))
        elif line.strip() and call.segments:
            tail.append(line)
        elif line.strip():
            call.dropped["lines before the first speaker"] += 1
    _append(call, tail)
    if clocks:
        _from_first(call)
    return call


def _append(call: Call, tail: list[str]) -> None:
    """Add the lines that go on with the last turn, all at once: one by one would copy it each time."""
    if tail:
        call.segments[-1].text = "\n".join([call.segments[-1].text, *tail])
        tail.clear()


def _from_first(call: Call) -> None:
    starts = [s.start for s in call.segments if s.start is not None]
    for segment in call.segments:
        segment.start = None if segment.start is None else segment.start - min(starts)
    call.doubts.append("times of day were counted from the first message")


def parse_text(text: str) -> Call:
    """Read labelled lines in any of the usual dialects.

    Parameters
    ----------
    text : str
        ``Agent: ...``, ``[00:01:02] Teammate 1: "..."``, ``**Agent:** ...``, ``[SPEAKER_00]: ...``, ``00:12 Dana Reyes: ...``, or a name and a time
        on a line of their own with the words below. A line without a label goes on with the turn before it.

    Returns
    -------
    Call

    Raises
    ------
    ReadError
        Where no line begins with a speaker's label.
    """
    lines = [line.strip() for line in text.split("\n")]
    labels = _labels(lines)
    refusal = ReadError(
        f"text of {sum(map(bool, lines))} lines in which no line begins with a speaker; "
        "lines begin with a label such as 'Agent:' or 'Customer:', or with a name that comes back"
    )
    if not labels:
        raise refusal
    call = Call("plain text")
    pending: tuple[str, float | None] | None = None
    tail: list[str] = []
    for line in lines:
        if not line:
            continue
        label, start, end, words = _split(line, labels)
        if label or pending:
            _append(call, tail)
        if label and words is None:
            pending = (label, start)
        elif label:
            call.add(words or " ", label=label, start=start, end=end)
            pending = (label, start) if not words else None
        elif pending:
            call.add(line, label=pending[0], start=pending[1])
            pending = None
        elif call.segments:
            tail.append(words or "")
        else:
            call.dropped["lines before the first speaker"] += 1
    _append(call, tail)
    # A label or two in the midst of prose, code or a report make no transcript of it.
    outside, others = call.dropped["lines before the first speaker"], sum(map(bool, lines)) - len(call.segments)
    if (outside > _MOST_OUTSIDE and outside > len(call.segments)) or (len(call.segments) == 1 and others > _MOST_OUTSIDE // 2):
        raise refusal
    call.dropped["without text"] = 0
    for segment in call.segments:
        segment.text = unquoted(segment.text.strip())
    _wall_clock(call)
    if not any(role_in(label) for label in labels):
        call.doubts.append("no label is in the dictionary of roles")
    if call.dropped["lines before the first speaker"]:
        call.doubts.append(f"lines before the first speaker were not read: {call.dropped['lines before the first speaker']}")
    return call


def _wall_clock(call: Call) -> None:
    starts = [s.start for s in call.segments if s.start is not None]
    if starts and min(starts) > 6 * 3600:
        _from_first(call)


def _labels(lines: list[str]) -> set[str]:
    """Return the labels that stand for speakers: those of the dictionary, those after a time, and names that come back."""
    seen: Counter[str] = Counter()
    timed: set[str] = set()
    for line in lines[:_SCAN_LINES]:
        time = _TIME.match(line)
        rest = line[time.end() :] if time else line
        found = _SPEAKER.fullmatch(rest)
        headline = None if found or len(line) > 90 else _HEADLINE.fullmatch(line)
        dashed = _DASHED.fullmatch(rest)
        if dashed and role_of(dashed[1]) and len(dashed[1]) > 1 and not (found and _known(found[1])):
            seen[dashed[1].strip()] += 1
        elif found:
            label = found[1].strip()
            seen[label] += 1
            if time or found[2]:
                timed.add(label)
        elif headline:
            seen[headline[1].strip()] += 1
            timed.add(headline[1].strip())
    known = {label for label in seen if _known(label)}
    named = {label for label, count in seen.items() if _is_name(label) and (count > 1 or label in timed)}
    # One word of the dictionary in running text ("Support: see below") makes no transcript, one name that comes back neither.
    if not known and len(named) < 2 and not any(label in timed for label in named):
        return set()
    singles = {label for label in known if len(label) == 1}
    if singles and {label.upper() for label in known | named} != {"A", "C"}:
        known = {label for label in known if len(label) > 1 or seen[label] > 1}
    return known | named


def speaker_labels(lines: list[str]) -> set[str]:
    """Return the speakers' labels among the first lines of cues: where most cues begin with a name, one that comes once is one too."""
    labels = _labels(lines)
    found = [match[1].strip() for line in lines if (match := _SPEAKER.fullmatch(line)) and (_is_name(match[1]) or _known(match[1].strip()))]
    bracketed = {label for label in found if re.fullmatch(r"(?i)speaker[ _]?\w{1,3}", label)}
    return labels | bracketed | (set(found) if len(found) * 2 > len(lines) else set())


def split_label(line: str, labels: set[str]) -> tuple[str | None, str]:
    """Return the speaker's label at the beginning of a line, and the words after it."""
    found = _SPEAKER.fullmatch(line) if labels else None
    if found and found[1].strip() in labels:
        return found[1].strip(), found[4]
    return None, line


def _known(label: str) -> bool:
    return bool(label) and role_in(label) is not None


def _split(line: str, labels: set[str]) -> tuple[str | None, float | None, float | None, str | None]:
    """Split a line into label, start, end and words; words are None where label and time have the line to themselves."""
    time = _TIME.match(line)
    start = clock(time[1]) if time else None
    end = clock(time[2]) if time and time[2] else None
    rest = line[time.end() :] if time else line
    found = _SPEAKER.fullmatch(rest)
    if found and found[1].strip() in labels:
        return found[1].strip(), clock(found[2]) if found[2] else start, clock(found[3]) if found[3] else end, found[4]
    headline = _HEADLINE.fullmatch(line) if len(line) <= 90 else None
    if headline and headline[1].strip() in labels:
        return headline[1].strip(), clock(headline[2]), None, None
    dashed = _DASHED.fullmatch(rest)
    if dashed and dashed[1].strip() in labels:
        return dashed[1].strip(), start, end, dashed[2]
    return None, start, end, line
