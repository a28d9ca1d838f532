"""Microsoft: Azure Speech (batch and fast), Azure Language conversations, Video Indexer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .base import ReadOptions
from .call import Call
from .known import Format
from .values import at, clock, dicts, first, iso_duration, millis, scaled, string

_TICKS: Final = 1e7


def _lower(value: Any, depth: int = 0) -> Any:
    """Return a PascalCase document with camelCase keys, as deep as phrases go."""
    if depth > 5:
        return value
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: _lower(inner, depth + 1) for key, inner in value.items()}
    return [_lower(item, depth + 1) for item in value] if isinstance(value, list) else value


def _is_batch(doc: Any) -> bool:
    keys = ("recognizedPhrases", "RecognizedPhrases", "combinedRecognizedPhrases")
    return any(isinstance(at(doc, key), list) for key in keys) or isinstance(at(doc, "AudioFileResults", 0, "SegmentResults"), list)


def _batch(doc: Any, _: ReadOptions) -> Iterator[Call]:
    results = list(dicts(doc.get("AudioFileResults"))) or [doc]
    for result in results:
        plain = _lower(result)
        call = Call("Azure Speech batch", names=False)
        if string(plain.get("timestamp")):
            call.metadata["transcribed_at"] = plain["timestamp"]
        phrases = list(dicts(first(plain, "recognizedPhrases", "segmentResults")))
        for phrase in phrases:
            if phrase.get("recognitionStatus", "Success") != "Success":
                call.dropped["not recognised"] += 1
                continue
            best = at(phrase, "nBest", 0)
            text = next((t for key in ("display", "itn", "lexical") if (t := string(at(best, key)))), None)
            channel = first(phrase, "channel", "channelNumber")
            call.add(text, label=phrase.get("speaker"), channel=channel, start=_time(phrase, "offset"), duration=_time(phrase, "duration"))
        if not phrases:
            for combined in dicts(plain.get("combinedRecognizedPhrases")):
                call.add(first(combined, "display", "lexical"), channel=combined.get("channel"))
            call.doubts.append("only whole channels without phrases are in the file, so turns and times are lost")
        yield call


def _time(phrase: Mapping[str, Any], name: str) -> float | None:
    exact = millis(phrase.get(f"{name}Milliseconds"))
    ticks = scaled(phrase.get(f"{name}InTicks"), _TICKS)
    value = phrase.get(name)
    # A bare number under "offset" counts ticks, as in API version 2.
    plain = iso_duration(value) if isinstance(value, str) else scaled(value, _TICKS)
    return next((t for t in (exact, ticks, plain) if t is not None), None)


def _is_fast(doc: Any) -> bool:
    phrases = list(dicts(at(doc, "phrases")))[:20]
    return any("offsetMilliseconds" in p and "text" in p for p in phrases) or (bool(phrases) and "combinedPhrases" in doc)


def _fast(doc: Any, _: ReadOptions) -> Call:
    call = Call("Azure fast transcription", names=False)
    for phrase in dicts(doc["phrases"]):
        start, duration = _time(phrase, "offset"), _time(phrase, "duration")
        call.add(phrase.get("text"), label=phrase.get("speaker"), channel=phrase.get("channel"), start=start, duration=duration)
    return call


def _conversations(doc: Any) -> list[Mapping[str, Any]]:
    if isinstance(at(doc, "conversationItems"), list):
        return [doc]
    found = at(doc, "analysisInput", "conversations") or at(doc, "conversations")
    return [c for c in dicts(found) if isinstance(c.get("conversationItems"), list)]


def _conversation(doc: Any, _: ReadOptions) -> Iterator[Call]:
    for conversation in _conversations(doc):
        call = Call("Azure Language conversation", string(conversation.get("id")))
        for item in dicts(conversation["conversationItems"]):
            role = string(item.get("role"))
            timings = list(dicts(item.get("audioTimings"))) or list(dicts(item.get("wordLevelTimings")))
            starts = [t for timing in timings if (t := scaled(timing.get("offset"), _TICKS)) is not None]
            ends = [start + (scaled(timing.get("duration"), _TICKS) or 0.0) for start, timing in zip(starts, timings, strict=False)]
            call.add(
                next((words for key in ("text", "itn", "lexical") if (words := string(item.get(key)))), None),
                label=item.get("participantId"),
                role=None if role == "Generic" else role,
                start=min(starts, default=None),
                end=max(ends, default=None),
            )
        yield call


def _indexer(doc: Any) -> list[Mapping[str, Any]]:
    found = at(doc, "videos", 0, "insights", "transcript") or at(doc, "insights", "transcript")
    return [line for line in dicts(found) if "speakerId" in line]


def _video(doc: Any, _: ReadOptions) -> Call:
    call = Call("Azure Video Indexer", string(doc.get("id")))
    insights = at(doc, "videos", 0, "insights") or at(doc, "insights")
    names = {string(s.get("id")): string(s.get("name")) for s in dicts(at(insights, "speakers"))}
    for line in _indexer(doc):
        speaker = string(line.get("speakerId"))
        instance = at(line, "instances", 0)
        call.add(line.get("text"), label=names.get(speaker) or speaker, start=clock(at(instance, "start")), end=clock(at(instance, "end")))
    return call


FORMATS: Final = (
    Format("Azure Speech batch", "Microsoft", "V", ("source", "timestamp", "combinedRecognizedPhrases", "recognizedPhrases"), _is_batch, _batch),
    Format("Azure fast transcription", "Microsoft", "D", ("phrases", "combinedPhrases", "durationMilliseconds"), _is_fast, _fast),
    Format("Azure Language conversation", "Microsoft", "V", ("analysisInput", "displayName", "tasks"), lambda doc: bool(_conversations(doc)), _conversation),
    Format("Azure Video Indexer", "Microsoft", "D", ("videos", "insights"), lambda doc: bool(_indexer(doc)), _video),
)
