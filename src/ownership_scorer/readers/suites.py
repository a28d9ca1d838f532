"""Telephony and contact-centre suites: Twilio, Gong, Dialpad, RingCentral, Zendesk, Intercom, Zoom Phone, Verint, Uniphore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .base import ReadOptions
from .call import Call
from .known import Format
from .values import at, clock, dicts, first, instant, millis, number, scaled, string
from .words import Word, add_words


def _is_twilio(doc: Any) -> bool:
    return any("media_channel" in s or "mediaChannel" in s for s in dicts(at(doc, "sentences")))


def _twilio(doc: Any, _: ReadOptions) -> Call:
    call = Call("Twilio Conversational Intelligence", string(first(doc, "transcript_sid", "transcriptSid", "sid")), channel="phone", names=False)
    people = {
        string(first(p, "channel_participant", "channelParticipant", "media_channel", "mediaChannel")): p
        for p in dicts(at(doc, "channel", "participants") or at(doc, "participants"))
    }
    sentences = sorted(dicts(doc["sentences"]), key=lambda s: number(first(s, "sentence_index", "sentenceIndex")) or 0.0)
    for s in sentences:
        channel = string(first(s, "media_channel", "mediaChannel"))
        person = people.get(channel)
        start, end = number(first(s, "start_time", "startTime")), number(first(s, "end_time", "endTime"))
        call.add(s.get("transcript"), role=at(person, "role"), channel=channel, start=start, end=end)
    page = at(doc, "meta", "page")
    if at(doc, "meta", "next_page_url") or (isinstance(page, int) and page > 0):
        call.doubts.append("this is one page of several (meta.next_page_url); the call goes on in the others")
    return call


def _is_gong(doc: Any) -> bool:
    return any(isinstance(c.get("transcript"), list) for c in dicts(at(doc, "callTranscripts")))


def _gong(doc: Any, _: ReadOptions) -> Iterator[Call]:
    calls = {string(at(c, "metaData", "id")): c for c in dicts(doc.get("calls"))}
    for item in dicts(doc["callTranscripts"]):
        call = Call("Gong", string(item.get("callId")), channel="phone")
        about = calls.get(call.call_id)
        call.started_at = string(at(about, "metaData", "started"))
        parties = [p for source in (item, about, doc) for p in dicts(at(source, "parties"))]
        names = {string(p.get("speakerId")): string(p.get("name")) for p in parties}
        sides = {string(p.get("speakerId")): string(p.get("affiliation")) for p in parties}
        for monologue in dicts(item.get("transcript")):
            who = string(monologue.get("speakerId"))
            for s in dicts(monologue.get("sentences")):
                call.add(s.get("text"), label=names.get(who) or who, role=sides.get(who), start=millis(s.get("start")), end=millis(s.get("end")))
        call.names = False
        yield call


def _is_dialpad(doc: Any) -> bool:
    return "call_id" in doc and any("content" in line and "type" in line for line in dicts(doc.get("lines"))) if isinstance(doc, Mapping) else False


def _dialpad(doc: Any, _: ReadOptions) -> Call:
    call = Call("Dialpad", string(doc.get("call_id")), channel="phone", absolute=True)
    guessed = False
    for line in dicts(doc["lines"]):
        if line.get("type") != "transcript":
            call.dropped["moments"] += 1
            continue
        role = "agent" if line.get("user_id") else "customer" if line.get("contact_id") else None
        guessed = guessed or role is not None
        call.add(line.get("content"), role=role, label=line.get("name"), start=instant(line.get("time")))
    if guessed:
        call.doubts.append("a line with a user_id was taken for the agent's, one with a contact_id for the customer's")
    return call


def _is_ring(doc: Any) -> bool:
    return isinstance(at(doc, "insights", "Transcript"), list)


def _ring(doc: Any, _: ReadOptions) -> Call:
    call = Call("RingCentral RingSense", string(first(doc, "sourceSessionId", "sourceRecordId")), string(doc.get("ownerExtensionId")), channel="phone")
    call.started_at = string(doc.get("recordingStartTime"))
    people = {string(p.get("speakerId")): p for p in dicts(doc.get("speakerInfo"))}
    for turn in dicts(doc["insights"]["Transcript"]):
        who = string(turn.get("speakerId"))
        person = people.get(who)
        role = None if person is None else "agent" if person.get("extensionId") else "customer"
        call.add(turn.get("text"), role=role, label=string(at(person, "name")) or who, start=number(turn.get("start")), end=number(turn.get("end")))
    if people:
        call.doubts.append("a speaker with an extension was taken for the agent, one without for the customer")
    return call


def _is_zendesk(doc: Any) -> bool:
    return isinstance(at(doc, "history"), list) and ("visitor" in doc or "agent_names" in doc)


def _zendesk(doc: Any, _: ReadOptions) -> Call:
    call = Call("Zendesk Chat", string(doc.get("id")), channel="chat", absolute=True, started_at=string(doc.get("timestamp")))
    names = doc.get("agent_names")
    agents = names if isinstance(names, list) else list(names.values()) if isinstance(names, Mapping) else []
    ids = doc.get("agent_ids")
    call.agent_id = string(ids[0]) if isinstance(ids, list) and ids else None
    call.customer_id = string(at(doc, "visitor", "id"))
    call.base = instant(call.started_at)
    for item in dicts(doc["history"]):
        if item.get("type", "chat.msg") != "chat.msg":
            call.dropped["events"] += 1
            continue
        name = string(item.get("name"))
        role = string(item.get("sender_type"))
        if role is None:
            role = "agent" if name in agents else "customer" if name and name == string(at(doc, "visitor", "name")) else None
        call.add(first(item, "msg", "message"), label=name, role=role, start=instant(item.get("timestamp")))
    return call


def _is_intercom(doc: Any) -> bool:
    return isinstance(at(doc, "conversation_parts", "conversation_parts"), list)


def _intercom(doc: Any, _: ReadOptions) -> Call:
    call = Call("Intercom conversation", string(doc.get("id")), string(doc.get("admin_assignee_id")), channel="chat", absolute=True, ordered=True)
    call.customer_id = string(at(doc, "contacts", "contacts", 0, "id"))
    parts = list(dicts(doc["conversation_parts"]["conversation_parts"]))
    opened = instant(doc.get("created_at"))
    first_reply = next((t for part in parts if (t := instant(part.get("created_at"))) is not None), None)
    if opened is not None and first_reply is not None and first_reply < opened:
        opened = None
        call.doubts.append("the conversation is dated later than its first reply; its own time was not used")
    source = doc.get("source")
    if isinstance(source, Mapping):
        role, name = _author(source)
        call.add(source.get("body"), role=role, label=name, start=opened)
    for part in parts:
        if part.get("part_type") == "note":
            call.dropped["internal notes"] += 1
        elif not string(part.get("body")):
            call.dropped["events"] += 1
        else:
            role, name = _author(part)
            call.add(part.get("body"), role=role, label=name, start=instant(part.get("created_at")))
    total = number(at(doc, "conversation_parts", "total_count"))
    if total is not None and total > len(parts):
        call.doubts.append(f"the file holds {len(parts)} of {total:.0f} conversation parts")
    return call


def _author(part: Mapping[str, Any]) -> tuple[str | None, str | None]:
    role = string(at(part, "author", "type"))
    return {"lead": "customer", "team": "agent"}.get(role or "", role), string(at(part, "author", "name"))


def _is_zoom(doc: Any) -> bool:
    return isinstance(at(doc, "timeline"), list) and any("text" in t and "ts" in t for t in dicts(doc["timeline"]))


def _zoom(doc: Any, _: ReadOptions) -> Call:
    call = Call("Zoom transcript JSON", string(doc.get("recording_id")), started_at=string(doc.get("recording_start")))
    for item in dicts(doc["timeline"]):
        who = first(item, "username", "user_name") or first(at(item, "users", 0), "username", "user_name", "name")
        call.add(item.get("text"), label=who, start=clock(item.get("ts")), end=clock(item.get("end_ts")))
    return call


def _verint_words(doc: Any) -> list[Mapping[str, Any]]:
    found = at(doc, "transcript_detailed")
    found = found if isinstance(found, list) else at(found, "words")
    return [w for w in dicts(found) if isinstance(w.get("w"), str)]


def _verint(doc: Any, _: ReadOptions) -> Call:
    call = Call("Verint", string(first(doc, "transactionId", "transaction_id", "id")), channel="phone")
    add_words(call, (Word(w["w"], string(w.get("sp")), None, millis(w.get("s")), millis(w.get("e"))) for w in _verint_words(doc)))
    if any(s.label == "Simultaneous" for s in call.segments):
        call.doubts.append("words spoken by both at once ('Simultaneous') have no role")
    return call


def _is_uniphore(doc: Any) -> bool:
    return any(isinstance(t.get("words"), list) and "speaker" in t and not isinstance(t.get("text"), str) for t in list(dicts(at(doc, "turns")))[:20])


def _uniphore(doc: Any, _: ReadOptions) -> Call:
    call = Call("Uniphore", string(first(doc, "sessionId", "id")))
    for turn in sorted(dicts(doc["turns"]), key=lambda t: number(t.get("order")) or 0.0):
        words = turn.get("words")
        texts = [w if isinstance(w, str) else string(first(w, "word", "text", "value")) for w in words] if isinstance(words, list) else []
        start, end = _offset(turn.get("startOffset")), _offset(turn.get("endOffset"))
        call.add(" ".join(t for t in texts if t), label=turn.get("speaker"), start=start, end=end)
    return call


def _offset(value: Any) -> float | None:
    return number(value) if isinstance(value, str) else scaled(value, 1e3)


FORMATS: Final = (
    Format("Twilio Conversational Intelligence", "contact-centre suites", "V", ("sentences", "meta"), _is_twilio, _twilio),
    Format("Gong", "contact-centre suites", "D", ("callTranscripts", "records"), _is_gong, _gong),
    Format("RingCentral RingSense", "contact-centre suites", "D", ("sourceSessionId", "speakerInfo", "insights"), _is_ring, _ring),
    Format("Zoom transcript JSON", "contact-centre suites", "D", ("type", "recording_id", "timeline"), _is_zoom, _zoom),
    Format("Dialpad", "contact-centre suites", "D", ("call_id", "lines"), _is_dialpad, _dialpad),
    Format("Intercom conversation", "contact-centre suites", "V", ("source", "contacts", "conversation_parts"), _is_intercom, _intercom),
    Format("Zendesk Chat", "contact-centre suites", "D", ("visitor", "agent_names", "history"), _is_zendesk, _zendesk),
    Format("Verint", "contact-centre suites", "D", ("plainText", "plainTextTime", "transcript_detailed"), lambda d: bool(_verint_words(d)), _verint),
    Format("Uniphore", "contact-centre suites", "D", ("sessionId", "turns"), _is_uniphore, _uniphore),
)
