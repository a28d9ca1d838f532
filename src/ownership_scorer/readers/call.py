"""A call on its way from a file to a `Transcript`: segments as found, and the one place where roles, order and words are settled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from ..transcript import ROLES, Transcript, Turn, role_of
from .base import ReadError, ReadOptions
from .clean import clean, safe
from .values import iso, string

_SOURCES: Final = ("speaker map", "explicit field", "participants table", "channel map", "label dictionary")
_TOLD: Final = re.compile(r"\d+$")
_SHOWN_LABELS: Final = 8
_LONGEST_LABEL: Final = 200
_MACHINES: Final = frozenset({"virtual", "ai", "automated", "digital", "bot", "chatbot", "ivr", "system", "auto"})
_DEPARTMENTS: Final = frozenset({"service", "services", "support", "care", "success", "helpdesk", "desk", "center", "centre"})


@dataclass(slots=True)
class Segment:
    """A piece of speech as the file has it.

    Parameters
    ----------
    text : str
        Raw words.
    label : str or None
        Who speaks, as the file names them.
    role : str or None
        The role word of an explicit field, as found.
    channel : str or None
        The audio channel, as the file names it.
    start, end : float or None
        Seconds, from the call's start or (`Call.absolute`) since 1970.
    """

    text: str
    label: str | None = None
    role: str | None = None
    channel: str | None = None
    start: float | None = None
    end: float | None = None


@dataclass(slots=True)
class Call:
    """What a format's function gives back.

    Parameters
    ----------
    format : str
        Name in the table of formats.
    call_id, agent_id, customer_id, started_at, channel : str or None
        As found.
    segments : list of Segment
        In file order.
    people : dict of str to str
        Speaker label to role word, out of a participants table.
    names : bool
        Whether labels were written by people, so that ``"Agent"`` or ``"A"`` means something; False for the labels of a diarizer.
    absolute : bool
        Segment times are seconds since 1970.
    base : float or None
        Seconds since 1970 at which the call began, for absolute times.
    ordered : bool
        The file says the order, so that times do not.
    verbatim : bool
        Keep texts and order exactly as they are (our own shape, whose labels count turns and characters).
    dropped : Counter
        What was left out, by kind.
    doubts : list of str
        What a careful reader should know.
    metadata : dict
        Anything else worth keeping.
    """

    format: str
    call_id: str | None = None
    agent_id: str | None = None
    customer_id: str | None = None
    started_at: str | None = None
    channel: str | None = None
    segments: list[Segment] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    names: bool = True
    absolute: bool = False
    base: float | None = None
    ordered: bool = False
    verbatim: bool = False
    dropped: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def add(
        self,
        text: Any,
        *,
        label: Any = None,
        role: Any = None,
        channel: Any = None,
        start: float | None = None,
        end: float | None = None,
        duration: float | None = None,
    ) -> None:
        """Append a segment, or count it as dropped where it has no text."""
        if not isinstance(text, str) or not text.strip():
            self.dropped["without text"] += 1
            return
        if end is None and start is not None and duration is not None:
            end = start + duration
        self.segments.append(Segment(text, string(label), string(role), string(channel), start, end))


def finish(call: Call, options: ReadOptions, fallback_id: str) -> Transcript:
    """Settle roles, times, order and words of a call.

    Parameters
    ----------
    call : Call
        As a format's function gave it.
    options : ReadOptions
        The settings.
    fallback_id : str
        The id of a call whose file names none.

    Returns
    -------
    Transcript

    Raises
    ------
    ReadError
        Where the call is longer than the settings allow, or a role of the speaker map is not one of `ROLES`.
    """
    if len(call.segments) > options.max_turns:
        raise ReadError(f"the call has {len(call.segments):,} segments; at most {options.max_turns:,} are allowed (max_turns)")
    for label, role in options.speaker_map.items():
        if role not in ROLES:
            raise ReadError(f"speaker_map gives {label!r} the role {role!r}; allowed are {', '.join(ROLES)}")
    doubts = list(dict.fromkeys(call.doubts))
    times = _times(call, doubts)
    segments = _words(call, options)
    if not (call.verbatim or call.ordered):
        segments = _sorted(segments)
    turns, roles = _roles(call, segments, options, doubts)
    if not turns:
        doubts.append("no spoken words")
    if any("�" in turn.text for turn in turns):
        doubts.append("some characters could not be decoded and stand as U+FFFD")
    metadata = {
        **call.metadata,
        "format": call.format,
        "roles": roles,
        "times": times,
        "segments": len(segments),
        "dropped": {kind: count for kind, count in sorted(call.dropped.items()) if count},
        "doubts": doubts,
    }
    began = call.started_at or (iso(call.base) if call.absolute else None)
    agent, customer, began, channel = (safe(value) if value else None for value in (call.agent_id, call.customer_id, began, call.channel))
    transcript = Transcript(safe(call.call_id or fallback_id), tuple(turns), agent, customer, began, channel, metadata)
    return _inferred(transcript, options)


def _words(call: Call, options: ReadOptions) -> list[Segment]:
    kept = []
    for segment in call.segments:
        text = safe(segment.text) if call.verbatim else clean(segment.text)
        if options.marks.only_non_speech(text):
            call.dropped["non-speech"] += not call.verbatim
            if call.verbatim:
                call.metadata["non_speech_segments"] = call.metadata.get("non_speech_segments", 0) + 1
            else:
                continue
        if text:
            segment.text = text
            kept.append(segment)
        else:
            call.dropped["without text"] += 1
    return kept


def _times(call: Call, doubts: list[str]) -> str:
    """Make all times seconds from the call's start, in place, and say how they were found."""
    starts = [s.start for s in call.segments if s.start is not None]
    if call.absolute and starts:
        earliest = min(starts)
        if call.base is None or not -60.0 <= earliest - call.base <= 7 * 86400:
            call.base = earliest
    offset = call.base if call.absolute and call.base is not None else 0.0
    broken = 0
    for segment in call.segments:
        if segment.start is not None:
            segment.start = round(segment.start - offset, 3)
        if segment.end is not None:
            segment.end = round(segment.end - offset, 3)
        if segment.start is not None and segment.start < 0:
            broken += 1
            segment.start = segment.end = None
        elif segment.end is not None and (segment.start is None or segment.end < segment.start):
            broken += 1
            segment.end = None
    if broken:
        doubts.append(f"{broken} segments had an impossible time (negative, an end before the start or without one), which was dropped")
    if not starts:
        return "none"
    missing = len(call.segments) - len(starts)
    if missing:
        doubts.append(f"{missing} of {len(call.segments)} segments have no start time")
    return "dates in the file, counted from the call's start" if call.absolute else "offsets in the file"


def _sorted(segments: list[Segment]) -> list[Segment]:
    """Sort by start; a segment without a time stays behind the one before it, ties keep the file's order."""
    last = 0.0
    keys = []
    for segment in segments:
        last = last if segment.start is None else segment.start
        keys.append(last)
    return [segments[i] for i in sorted(range(len(segments)), key=keys.__getitem__)]


def role_in(label: str) -> str | None:
    """Return the role that a person's label names, in full (``"Agent"``) or in part (``"Agent Dana"``, ``"Sales Rep"``, ``"Customer Service"``).

    Parameters
    ----------
    label : str
        As in the file.

    Returns
    -------
    str or None
    """
    return _role_in(label) if len(label) <= _LONGEST_LABEL else None


@lru_cache(maxsize=4096)
def _role_in(label: str) -> str | None:
    found = role_of(label)
    if found == "unknown":
        return None
    words = [word for word in re.split(r"[\s()\[\]/,–—-]+", label.strip().lower()) if word]
    if found or not 2 <= len(words) <= 5:
        return found
    if not _MACHINES.isdisjoint(words):
        return "other"
    if not _DEPARTMENTS.isdisjoint(words[1:]):
        return "agent"
    return next((role for word in (words[-1], words[0]) if len(word) > 2 and (role := role_of(word)) not in (None, "unknown")), None)


def same_channel(wanted: str, found: str) -> bool:
    """Tell whether a setting such as ``"1"`` names the channel ``"ch_1"``."""
    if wanted.strip().lower() == found.strip().lower():
        return True
    digits = _TOLD.search(found)
    return bool(digits) and wanted.strip() == digits.group()  # type: ignore[union-attr]


def _role(call: Call, segment: Segment, options: ReadOptions, has_agent_channel: bool, mute: frozenset[str]) -> tuple[str, str]:
    label = segment.label or ""
    for key in (label, segment.channel or "", segment.role or ""):
        if key and key in options.speaker_map:
            return options.speaker_map[key], "speaker map"
    if segment.role and segment.role not in mute and (found := role_in(segment.role)):
        return found, "explicit field"
    if label in call.people and (found := role_in(call.people[label])):
        return found, "participants table"
    if has_agent_channel and segment.channel:
        return ("agent" if same_channel(options.agent_channel or "", segment.channel) else "customer"), "channel map"
    if label and call.names and label not in mute and (found := role_in(label)):
        return found, "label dictionary"
    return "unknown", "not given"


def _roles(call: Call, segments: list[Segment], options: ReadOptions, doubts: list[str]) -> tuple[list[Turn], str]:
    channels = sorted({s.channel for s in segments if s.channel})
    pairs = {(s.label, s.channel) for s in segments if s.label and s.channel and not call.names}
    shared = {label for label, count in Counter(label for label, _ in pairs).items() if count > 1}
    has_agent_channel = options.agent_channel is not None and any(same_channel(options.agent_channel, c) for c in channels)
    if options.agent_channel is not None and not has_agent_channel and channels:
        doubts.append(f"no channel {options.agent_channel!r} in the file; found {', '.join(channels[:_SHOWN_LABELS])}")
    # Single letters only mean agent and customer where both of them, and nobody else, speak; else they are a diarizer's.
    words = {word for s in segments for word in (s.role or s.label,) if word}
    if any(len(word) == 1 for word in words) and {word.upper() for word in words} != {"A", "C"}:
        mute = frozenset(word for word in words if len(word) == 1)
    else:
        mute = frozenset()
    how: Counter[str] = Counter()
    unknown: dict[str, None] = {}
    turns = []
    unlabelled = 0
    for segment in segments:
        role, source = _role(call, segment, options, has_agent_channel, mute)
        how[source] += 1
        label = segment.label or segment.channel or segment.role
        # A diarizer counts the speakers of each channel from zero.
        if segment.label in shared:
            label = f"{segment.channel}:{segment.label}"
        if role == "unknown":
            if label is None:
                unlabelled += 1
            elif label.strip().lower() != "unknown":
                unknown[label] = None
        turns.append(Turn(role, segment.text, segment.start, segment.end, _told(label[:_LONGEST_LABEL] if label else None, role)))
    if unknown:
        shown = ", ".join(repr(label[:40]) for label in list(unknown)[:_SHOWN_LABELS])
        more = f" and {len(unknown) - _SHOWN_LABELS} more" if len(unknown) > _SHOWN_LABELS else ""
        doubts.append(f"the role of {shown}{more} is not known; name it with a speaker map, or the agent's channel")
    if unlabelled:
        doubts.append(f"{unlabelled} of {len(segments)} segments name no speaker")
    found = [source for source in _SOURCES if how[source]]
    return turns, " + ".join(found + (["some not given"] if found and how["not given"] else [])) or "not given"


@lru_cache(maxsize=4096)
def _told(label: str | None, role: str) -> str | None:
    """Return the label where it says more than the role."""
    if label is None:
        return None
    label = safe(label)
    plain = role_of(label) == role and not _TOLD.search(label.strip())
    return None if plain else label


def _inferred(transcript: Transcript, options: ReadOptions) -> Transcript:
    labels = {turn.label for turn in transcript.turns if turn.speaker == "unknown" and turn.label}
    if not (options.infer_roles and labels):
        return transcript
    doubts: list[str] = list(transcript.metadata["doubts"])
    metadata: dict[str, Any] = dict(transcript.metadata)
    if options.infer is None:
        doubts.append("roles were to be inferred, but no way to infer them was given")
        return replace(transcript, metadata={**metadata, "doubts": doubts})
    guessed, confidence = options.infer(transcript)
    metadata["role_confidence"] = round(confidence, 4)
    if not guessed:
        doubts.append("roles could not be inferred from what is said with enough confidence")
        return replace(transcript, metadata={**metadata, "doubts": doubts})
    if labels <= guessed.keys():
        doubts = [doubt for doubt in doubts if not doubt.startswith("the role of ")]
    doubts.append("roles were inferred from what is said")
    metadata |= {"roles": "inferred", "inferred_roles": dict(guessed), "doubts": doubts}
    return replace(transcript, turns=tuple(_guess(turn, guessed) for turn in transcript.turns), metadata=metadata)


def _guess(turn: Turn, guessed: Mapping[str, str]) -> Turn:
    role = guessed.get(turn.label or "") if turn.speaker == "unknown" else None
    return replace(turn, speaker=role) if role in ROLES else turn
