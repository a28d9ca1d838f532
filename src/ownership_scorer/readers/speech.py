"""Speech-to-text vendors: Deepgram, AssemblyAI, Whisper and its kin, Rev, Speechmatics, Amberscript."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .base import ReadError, ReadOptions
from .call import Call
from .known import Format
from .values import at, dicts, first, millis, number, string
from .words import Word, add_words

_REPEATS: Final = 3


def _is_deepgram(doc: Any) -> bool:
    return isinstance(at(doc, "results", "channels"), list)


def _deepgram(doc: Any, _: ReadOptions) -> Call:
    call = Call("Deepgram", string(at(doc, "metadata", "request_id")), started_at=None, names=False)
    channels = list(dicts(at(doc, "results", "channels")))
    many = len(channels) > 1
    utterances = list(dicts(at(doc, "results", "utterances")))
    if utterances:
        for u in utterances:
            channel = u.get("channel") if many else None
            call.add(u.get("transcript"), label=u.get("speaker"), channel=channel, start=number(u.get("start")), end=number(u.get("end")))
        return call
    for index, channel in enumerate(channels):
        name = str(index) if many else None
        best = at(channel, "alternatives", 0)
        paragraphs = list(dicts(at(best, "paragraphs", "paragraphs")))
        words = [w for w in dicts(at(best, "words")) if isinstance(first(w, "punctuated_word", "word"), str)]
        for p in paragraphs:
            text = " ".join(s["text"] for s in dicts(p.get("sentences")) if isinstance(s.get("text"), str))
            call.add(text, label=p.get("speaker"), channel=name, start=number(p.get("start")), end=number(p.get("end")))
        if not paragraphs and words:
            add_words(call, (_timed(w, string(first(w, "punctuated_word", "word")) or "", name) for w in words))
        elif not paragraphs:
            call.add(at(best, "transcript"), channel=name)
    return call


def _timed(word: Mapping[str, Any], text: str, channel: str | None = None) -> Word:
    return Word(text, string(word.get("speaker")), channel, number(word.get("start")), number(word.get("end")))


def _is_assembly(doc: Any) -> bool:
    return "audio_url" in doc and ("utterances" in doc or "words" in doc or "status" in doc) if isinstance(doc, Mapping) else False


def _assembly(doc: Any, _: ReadOptions) -> Call:
    status = doc.get("status", "completed")
    if status != "completed":
        raise ReadError(f"the AssemblyAI transcript has the status {str(status)[:20]!r}; only 'completed' can be read")
    call = Call("AssemblyAI", string(doc.get("id")), names=False)
    utterances = list(dicts(doc.get("utterances")))
    for u in utterances:
        call.add(u.get("text"), label=u.get("speaker"), channel=u.get("channel"), start=millis(u.get("start")), end=millis(u.get("end")))
    if not utterances:
        words = [w for w in dicts(doc.get("words")) if isinstance(w.get("text"), str)]
        add_words(call, (Word(w["text"], string(w.get("speaker")), string(w.get("channel")), millis(w.get("start")), millis(w.get("end"))) for w in words))
        if not words and string(doc.get("text")):
            call.add(doc.get("text"))
    return call


def _segments(doc: Any) -> list[Mapping[str, Any]]:
    return list(dicts(at(doc, "segments")))


def _is_amberscript(doc: Any) -> bool:
    return any("words" in s and "text" not in s for s in _segments(doc)[:20])


def _amberscript(doc: Any, _: ReadOptions) -> Call:
    call = Call("Amberscript", string(first(doc, "recordingId", "id")))
    names = {string(first(s, "spkid", "id")): string(s.get("name")) for s in dicts(doc.get("speakers"))}
    for segment in _segments(doc):
        speaker = string(segment.get("speaker"))
        label = names.get(speaker) or speaker
        words = [w for w in dicts(segment.get("words")) if isinstance(w.get("text"), str)]
        add_words(call, (Word(w["text"], label, None, number(w.get("start")), number(w.get("end"))) for w in words))
    return call


def _is_podwhisperer(doc: Any) -> bool:
    return any("speakerLabel" in s for s in _segments(doc)[:20])


def _podwhisperer(doc: Any, _: ReadOptions) -> Call:
    call = Call("podwhisperer")
    names = doc.get("speakers")
    for segment in _segments(doc):
        speaker = string(segment.get("speakerLabel"))
        call.add(segment.get("text"), label=string(at(names, speaker or "")) or speaker, start=number(segment.get("start")), end=number(segment.get("end")))
    return call


def _is_whisper(doc: Any) -> bool:
    return any(isinstance(s.get("text"), str) and ("start" in s or "speaker" in s) for s in _segments(doc)[:20])


def _whisper(doc: Any, _: ReadOptions) -> Call:
    segments = _segments(doc)
    diarized = any("speaker" in s or any("speaker" in w for w in dicts(s.get("words"))) for s in segments)
    call = Call("WhisperX" if diarized else "Whisper", string(first(doc, "id", "call_id")))
    repeated = longest = 0
    before = None
    for segment in segments:
        text = string(segment.get("text"))
        repeated = repeated + 1 if text and text == before else 1
        longest, before = max(longest, repeated), text
        words = [w for w in dicts(segment.get("words")) if isinstance(first(w, "word", "text"), str)]
        if len({string(w.get("speaker")) for w in words} - {None}) > 1:
            # The diarizer heard two people in one segment.
            add_words(call, (_timed(w, str(first(w, "word", "text")).strip()) for w in words))
        else:
            call.add(text, label=segment.get("speaker"), start=number(segment.get("start")), end=number(segment.get("end")))
    if longest > _REPEATS:
        call.doubts.append(f"one segment is repeated {longest} times in a row, as Whisper does on silence")
    return call


def _monologues(doc: Any, key: str) -> bool:
    return any(isinstance(m.get(key), list) for m in dicts(at(doc, "monologues")))


def _rev(part: str, end: str, name: str) -> Any:
    def parse(doc: Any, _: ReadOptions) -> Call:
        call = Call(name, string(first(doc, "id", "job_id")))
        names = {string(s.get("id")): string(s.get("name")) for s in dicts(doc.get("speakers"))}
        for monologue in dicts(doc["monologues"]):
            speaker = string(monologue.get("speaker"))
            label = string(at(monologue, "speaker_info", "display_name")) or names.get(speaker) or speaker
            parts = list(dicts(monologue.get(part)))
            text = "".join(p["value"] for p in parts if isinstance(p.get("value"), str))
            starts = [t for p in parts if (t := number(p.get("ts"))) is not None]
            ends = [t for p in parts if (t := number(p.get(end))) is not None]
            call.add(text, label=label, start=min(starts, default=None), end=max(ends, default=None))
        return call

    return parse


def _is_speechmatics(doc: Any) -> bool:
    return any(isinstance(at(r, "alternatives", 0, "content"), str) for r in list(dicts(at(doc, "results")))[:20])


def _speechmatics(doc: Any, _: ReadOptions) -> Call:
    call = Call("Speechmatics", string(at(doc, "job", "id")))
    results = list(dicts(doc["results"]))
    for channel in sorted({string(r.get("channel")) for r in results}, key=str):
        add_words(call, _speechmatics_words([r for r in results if string(r.get("channel")) == channel], channel))
    return call


def _speechmatics_words(results: list[Mapping[str, Any]], channel: str | None) -> Iterator[Word]:
    for result in results:
        best = at(result, "alternatives", 0)
        text = at(best, "content")
        if isinstance(text, str):
            glued = result.get("attaches_to") == "previous" or (result.get("type") == "punctuation" and "attaches_to" not in result)
            label = None if glued else string(at(best, "speaker"))
            yield Word(text, label, channel, number(result.get("start_time")), number(result.get("end_time")), glued)


FORMATS: Final = (
    Format("Deepgram", "speech to text", "R", ("metadata", "results"), _is_deepgram, _deepgram),
    Format("Speechmatics", "speech to text", "D", ("format", "job", "metadata", "results"), _is_speechmatics, _speechmatics),
    Format("Rev.ai", "speech to text", "V", ("monologues",), lambda d: _monologues(d, "elements"), _rev("elements", "end_ts", "Rev.ai")),
    Format("Rev.com editor", "speech to text", "D", ("monologues", "speakers"), lambda d: _monologues(d, "spans"), _rev("spans", "endTs", "Rev.com editor")),
    Format("AssemblyAI", "speech to text", "R", ("id", "audio_url", "status", "utterances", "words"), _is_assembly, _assembly),
    Format("podwhisperer", "speech to text", "D", ("speakers", "segments"), _is_podwhisperer, _podwhisperer),
    Format("Amberscript", "speech to text", "D", ("speakers", "segments", "recordingId"), _is_amberscript, _amberscript),
    Format("Whisper", "speech to text", "R", ("text", "segments", "language"), _is_whisper, _whisper),
    Format("WhisperX", "speech to text", "D", ("segments", "word_segments")),
)
