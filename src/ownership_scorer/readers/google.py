"""Google: Contact Center AI / Customer Experience Insights, and Speech-to-Text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .base import ReadOptions
from .call import Call
from .known import Format
from .values import at, dicts, first, instant, number, scaled, string
from .words import Word, add_words

_ROLES: Final = {"ANY_AGENT": "agent", "ROLE_UNSPECIFIED": "unknown"}
_SHORTEST_CALL: Final = 1e5
_EPOCH: Final = 1e9


def _entries(doc: Any, _: ReadOptions) -> Call:
    call = Call("Google CCAI entries", string(first(doc, "conversation_id", "conversationId")))
    entries = list(dicts(doc["entries"]))
    times = [number(entry.get("start_timestamp_usec")) for entry in entries]
    unit = _unit([t for t in times if t is not None], call)
    for entry, time in zip(entries, times, strict=True):
        role = (string(entry.get("role")) or "").upper()
        start = None if time is None else time / unit
        call.add(entry.get("text"), role=_ROLES.get(role, role), label=entry.get("user_id"), start=start)
    call.names = False
    return call


def _unit(times: list[float], call: Call) -> float:
    """Return what makes seconds of the times: microseconds, save where they cannot be, as some exporters write seconds or milliseconds."""
    if not times:
        return 1e6
    low, high = min(times), max(times)
    call.absolute = low >= _EPOCH
    unit = 1e6
    if call.absolute:
        unit = 1.0 if low < 1e11 else 1e3 if low < 1e14 else 1e6
    elif len(times) > 1 and 0 < high < _SHORTEST_CALL:
        unit = 1.0
    if unit != 1e6:
        call.doubts.append(f"start_timestamp_usec holds {'seconds' if unit == 1.0 else 'milliseconds'}, not microseconds, by its size")
    return unit


def _segments(doc: Any) -> Any:
    return at(doc, "transcript", "transcriptSegments") or at(doc, "transcript", "transcript_segments")


def _conversation(doc: Any, _: ReadOptions) -> Call:
    name = string(doc.get("name"))
    began = string(first(doc, "startTime", "start_time"))
    call = Call("Google CCAI conversation", name.rsplit("/", 1)[-1] if name else None, started_at=began)
    call.agent_id = string(first(doc, "agentId", "agent_id"))
    call.channel = {"PHONE_CALL": "phone", "CHAT": "chat"}.get(str(doc.get("medium")))
    call.base = instant(began)
    segments = list(dicts(_segments(doc)))
    call.absolute = bool(segments) and all(first(s, "messageTime", "message_time") for s in segments)
    for segment in segments:
        who = first(segment, "segmentParticipant", "segment_participant")
        role = string(at(who, "role")) or ""
        words = list(dicts(segment.get("words")))
        start = number(first(words[0], "startOffset", "start_offset")) if words else None
        end = number(first(words[-1], "endOffset", "end_offset")) if words else None
        if call.absolute:
            start, end = instant(first(segment, "messageTime", "message_time")), None
        label = first(who, "userId", "user_id", "dialogflowParticipantName", "dialogflow_participant_name")
        channel = string(first(segment, "channelTag", "channel_tag"))
        call.add(segment.get("text"), role=_ROLES.get(role, role), label=label, channel=None if channel == "0" else channel, start=start, end=end)
    call.names = False
    return call


def _is_sentences(doc: Any) -> bool:
    return any("sentence" in s and ("participantRole" in s or "channelTag" in s) for s in dicts(at(doc, "sentences")))


def _sentences(doc: Any, _: ReadOptions) -> Call:
    name = string(first(doc, "conversationName", "name"))
    call = Call("Google CCAI BigQuery export", name.rsplit("/", 1)[-1] if name else None, string(doc.get("agentId")), names=False)
    rows = list(dicts(doc["sentences"]))
    offsets = any(number(row.get("startOffsetNanos")) is not None for row in rows)
    call.absolute = not offsets
    for row in rows:
        start = scaled(row.get("startOffsetNanos" if offsets else "createTimeNanos"), 1e9)
        end = scaled(row.get("endOffsetNanos"), 1e9) if offsets else None
        role = string(row.get("participantRole")) or ""
        call.add(row.get("sentence"), role=_ROLES.get(role, role), label=row.get("participantId"), channel=row.get("channelTag"), start=start, end=end)
    return call


def _speech_results(doc: Any) -> list[Mapping[str, Any]]:
    found = at(doc, "response", "results") or at(doc, "results")
    return [r for r in dicts(found) if isinstance(at(r, "alternatives", 0), Mapping)]


def _is_speech(doc: Any) -> bool:
    best = [at(r, "alternatives", 0) for r in _speech_results(doc)[:20]]
    return any("transcript" in b or any("startTime" in w or "startOffset" in w for w in dicts(b.get("words"))) for b in best)


def _speech(doc: Any, _: ReadOptions) -> Call:
    call = Call("Google Speech-to-Text", string(at(doc, "name")), names=False)
    results = _speech_results(doc)
    final = []
    for result in results:
        if result.get("isFinal") is False or result.get("is_final") is False:
            call.dropped["partial"] += 1
        else:
            final.append(result)
    # With diarization, the last result repeats all words, now with their speakers.
    tagged = [w for w in dicts(at(final[-1], "alternatives", 0, "words")) if _tag(w)] if final else []
    if tagged and not any(_channel(r) for r in final):
        add_words(call, (_word(word, None) for word in tagged if isinstance(word.get("word"), str)))
        return call
    for result in final:
        best = at(result, "alternatives", 0)
        words = [w for w in dicts(best.get("words")) if isinstance(w.get("word"), str)]
        if words:
            add_words(call, (_word(word, _channel(result)) for word in words))
        else:
            call.add(best.get("transcript"), channel=_channel(result), end=number(first(result, "resultEndTime", "resultEndOffset")))
    return call


def _tag(word: Mapping[str, Any]) -> str | None:
    tag = string(first(word, "speakerTag", "speaker_tag", "speakerLabel"))
    return None if tag == "0" else tag


def _channel(result: Mapping[str, Any]) -> str | None:
    channel = string(first(result, "channelTag", "channel_tag"))
    return None if channel == "0" else channel


def _word(word: Mapping[str, Any], channel: str | None) -> Word:
    start, end = number(first(word, "startTime", "startOffset", "start_time")), number(first(word, "endTime", "endOffset", "end_time"))
    return Word(word["word"], _tag(word), channel, start, end)


def _is_entries(doc: Any) -> bool:
    return any("start_timestamp_usec" in e or ("user_id" in e and "role" in e and "text" in e) for e in dicts(at(doc, "entries")))


FORMATS: Final = (
    Format("Google CCAI entries", "Google", "V", ("entries", "conversation_info"), _is_entries, _entries),
    Format("Google CCAI conversation", "Google", "D", ("name", "transcript", "startTime"), lambda doc: isinstance(_segments(doc), list), _conversation),
    Format("Google CCAI BigQuery export", "Google", "D", ("conversationName", "sentences"), _is_sentences, _sentences),
    Format("Google Speech-to-Text", "Google", "D", ("results",), _is_speech, _speech),
)
