"""Amazon: Transcribe, Transcribe Call Analytics, Connect Contact Lens, Post Call Analytics, Bedrock Data Automation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .base import ReadOptions
from .call import Call
from .known import Format
from .values import at, dicts, first, instant, millis, number, string
from .words import Word, add_words


def _transcribe(doc: Any, _: ReadOptions) -> Call:
    call = Call("Amazon Transcribe", string(doc.get("jobName")), names=False)
    results = doc["results"]
    items = list(dicts(results.get("items")))
    channels = list(dicts(at(results, "channel_labels", "channels")))
    segments = [s for s in dicts(results.get("audio_segments")) if string(s.get("transcript"))]
    if channels:
        for channel in channels:
            add_words(call, _words(list(dicts(channel.get("items"))), {}, string(channel.get("channel_label"))))
    elif segments:
        for segment in segments:
            start, end = number(segment.get("start_time")), number(segment.get("end_time"))
            call.add(segment.get("transcript"), label=segment.get("speaker_label"), channel=segment.get("channel_label"), start=start, end=end)
    else:
        by_start = {
            string(item.get("start_time")): string(item.get("speaker_label"))
            for segment in dicts(at(results, "speaker_labels", "segments"))
            for item in dicts(segment.get("items"))
        }
        add_words(call, _words(items, by_start, None))
    if not (items or channels or segments):
        call.add(at(results, "transcripts", 0, "transcript"))
        call.dropped["without text"] = 0
    return call


def _words(items: list[Mapping[str, Any]], by_start: Mapping[str | None, str | None], channel: str | None) -> Iterator[Word]:
    for item in items:
        text = at(item, "alternatives", 0, "content")
        if isinstance(text, str):
            glued = item.get("type") == "punctuation"
            label = string(item.get("speaker_label")) or (None if glued else by_start.get(string(item.get("start_time"))))
            where = channel or string(item.get("channel_label"))
            yield Word(text, None if glued else label, where, number(item.get("start_time")), number(item.get("end_time")), glued)


def _is_streaming(doc: Any) -> bool:
    results = at(doc, "Transcript", "Results")
    return isinstance(results, list) and any("Alternatives" in r for r in dicts(results))


def _streaming(doc: Any, _: ReadOptions) -> Call:
    call = Call("Amazon Transcribe streaming", string(first(doc, "SessionId", "TranscriptionJobName")), names=False)
    for result in dicts(at(doc, "Transcript", "Results")):
        if result.get("IsPartial"):
            call.dropped["partial"] += 1
            continue
        label = next((string(item.get("Speaker")) for item in dicts(at(result, "Alternatives", 0, "Items")) if item.get("Speaker") is not None), None)
        start, end = number(result.get("StartTime")), number(result.get("EndTime"))
        call.add(at(result, "Alternatives", 0, "Transcript"), label=label, channel=result.get("ChannelId"), start=start, end=end)
    return call


def _is_analytics(doc: Any) -> bool:
    known = isinstance(doc, Mapping) and not {"Participants", "ConversationCharacteristics", "CustomerMetadata"}.isdisjoint(doc)
    return known and isinstance(doc.get("Transcript"), list)


def _is_chat(doc: Any) -> bool:
    return _is_analytics(doc) and (doc.get("Channel") == "CHAT" or "ChatTranscriptVersion" in doc)


def _is_lens_voice(doc: Any) -> bool:
    return _is_analytics(doc) and ("CustomerMetadata" in doc or any("ParticipantId" in turn for turn in dicts(doc["Transcript"])))


def _people(call: Call, doc: Any) -> None:
    for person in dicts(doc.get("Participants")):
        who, role = string(person.get("ParticipantId")), string(person.get("ParticipantRole"))
        if who and role:
            call.people[who] = role


def _voice(name: str) -> Any:
    def parse(doc: Any, _: ReadOptions) -> Call:
        call = Call(name, string(at(doc, "CustomerMetadata", "ContactId")) or string(first(doc, "JobName", "SessionId")), channel="phone")
        _people(call, doc)
        for turn in dicts(doc["Transcript"]):
            start, end = millis(turn.get("BeginOffsetMillis")), millis(turn.get("EndOffsetMillis"))
            call.add(turn.get("Content"), label=turn.get("ParticipantId"), role=turn.get("ParticipantRole"), start=start, end=end)
        _settings(call, doc)
        return call

    return parse


def _settings(call: Call, doc: Any) -> None:
    output = string(at(doc, "ContentMetadata", "Output"))
    if output:
        call.metadata["redacted"] = output == "Redacted"
    skipped = at(doc, "JobDetails", "SkippedAnalysis")
    if skipped:
        call.doubts.append("the service left out a part of its analysis (JobDetails.SkippedAnalysis)")


def _chat(doc: Any, _: ReadOptions) -> Call:
    call = Call("Amazon Connect Contact Lens chat", string(at(doc, "CustomerMetadata", "ContactId")), channel="chat", absolute=True)
    _people(call, doc)
    moments = [m for item in dicts(doc["Transcript"]) if (m := instant(item.get("AbsoluteTime"))) is not None]
    call.base = min(moments, default=None)
    for item in dicts(doc["Transcript"]):
        kind = item.get("Type", "MESSAGE")
        if kind != "MESSAGE":
            call.dropped["attachments" if kind == "ATTACHMENT" else "events"] += 1
            continue
        who = string(item.get("ParticipantId"))
        role = string(item.get("ParticipantRole")) or call.people.get(who or "")
        call.add(item.get("Content"), label=string(item.get("DisplayName")) or who, role=role, start=instant(item.get("AbsoluteTime")))
    _settings(call, doc)
    return call


def _is_realtime(doc: Any) -> bool:
    segments = doc.get("Segments") if isinstance(doc, Mapping) else None
    return any(isinstance(s.get("Transcript"), Mapping) for s in dicts(segments))


def _realtime(doc: Any, _: ReadOptions) -> Call:
    call = Call("Amazon Connect Contact Lens real time", string(first(doc, "ContactId")), channel=string(doc.get("Channel")))
    moments: list[float | None] = []
    for segment in dicts(doc["Segments"]):
        turn = segment.get("Transcript")
        if not isinstance(turn, Mapping):
            call.dropped["partial" if "Utterance" in segment else "events"] += 1
            continue
        moment = instant(at(turn, "Time", "AbsoluteTime"))
        start, end = millis(turn.get("BeginOffsetMillis")), millis(turn.get("EndOffsetMillis"))
        moments.append(moment)
        call.add(turn.get("Content"), label=turn.get("ParticipantId"), role=turn.get("ParticipantRole"), start=start if moment is None else moment, end=end)
    call.absolute = bool(moments) and None not in moments
    return call


def _pca(doc: Any, _: ReadOptions) -> Call:
    about = doc["ConversationAnalytics"]
    call = Call("Amazon Post Call Analytics", _told(about, "GUID"), _told(about, "Agent"), _told(about, "Cust"), _told(about, "ConversationTime"))
    names = {string(s.get("Speaker")): string(s.get("DisplayText")) for s in dicts(at(about, "SpeakerLabels"))}
    for segment in dicts(doc["SpeechSegments"]):
        speaker = string(segment.get("SegmentSpeaker"))
        start, end = number(segment.get("SegmentStartTime")), number(segment.get("SegmentEndTime"))
        if speaker and names.get(speaker):
            call.people[speaker] = names[speaker] or ""
        call.add(first(segment, "OriginalText", "DisplayText"), label=speaker, start=start, end=end)
    return call


def _told(about: Any, key: str) -> str | None:
    value = string(at(about, key))
    return None if value in (None, "None") else value


def _bda(doc: Any, _: ReadOptions) -> Call:
    call = Call("Amazon Bedrock Data Automation", names=False)
    for segment in dicts(doc["audio_segments"]):
        if segment.get("type", "TRANSCRIPT") != "TRANSCRIPT":
            call.dropped["events"] += 1
            continue
        call.add(
            segment.get("text"),
            label=at(segment, "speaker", "speaker_label"),
            channel=at(segment, "channel", "channel_label"),
            start=millis(segment.get("start_timestamp_millis")),
            end=millis(segment.get("end_timestamp_millis")),
        )
    return call


def _is_transcribe(doc: Any) -> bool:
    return isinstance(at(doc, "results", "items"), list) or isinstance(at(doc, "results", "transcripts"), list)


FORMATS: Final = (
    Format("Amazon Connect Contact Lens chat", "Amazon", "V", ("Channel", "Participants", "Transcript", "CustomerMetadata"), _is_chat, _chat),
    Format(
        "Amazon Connect Contact Lens voice",
        "Amazon",
        "V",
        ("Channel", "Participants", "Transcript", "ConversationCharacteristics"),
        _is_lens_voice,
        _voice("Amazon Connect Contact Lens voice"),
    ),
    Format(
        "Amazon Transcribe Call Analytics",
        "Amazon",
        "R",
        ("Transcript", "ConversationCharacteristics", "Participants", "JobName"),
        _is_analytics,
        _voice("Amazon Transcribe Call Analytics"),
    ),
    Format("Amazon Connect Contact Lens real time", "Amazon", "D", ("Segments",), _is_realtime, _realtime),
    Format(
        "Amazon Post Call Analytics",
        "Amazon",
        "V",
        ("ConversationAnalytics", "SpeechSegments"),
        lambda doc: isinstance(at(doc, "ConversationAnalytics"), Mapping) and isinstance(at(doc, "SpeechSegments"), list),
        _pca,
    ),
    Format(
        "Amazon Bedrock Data Automation",
        "Amazon",
        "R",
        ("audio_segments", "audio_items", "metadata"),
        lambda doc: isinstance(at(doc, "audio_segments"), list) and "audio_items" in doc,
        _bda,
    ),
    Format("Amazon Transcribe streaming", "Amazon", "D", ("Transcript",), _is_streaming, _streaming),
    Format("Amazon Transcribe", "Amazon", "R", ("jobName", "accountId", "results", "status"), _is_transcribe, _transcribe),
)
