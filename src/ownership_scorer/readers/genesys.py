"""Genesys Cloud transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .base import ReadOptions
from .call import Call
from .known import Format
from .values import at, dicts, first, millis, number, string

_AGENTS: Final = frozenset({"agent", "user"})
_MACHINES: Final = frozenset({"ivr", "acd", "voicemail", "workflow", "bot"})
_EPOCH_MS: Final = 1e11


def _is_genesys(doc: Any) -> bool:
    return any(isinstance(t.get("phrases"), list) for t in dicts(at(doc, "transcripts")))


def _genesys(doc: Any, _: ReadOptions) -> Call:
    media = string(doc.get("mediaType"))
    call = Call("Genesys Cloud", string(doc.get("conversationId")), channel={"call": "phone", "message": "chat"}.get(media or "", media), names=False)
    phrases = [phrase for transcript in dicts(doc["transcripts"]) for phrase in dicts(transcript.get("phrases"))]
    starts = [s for phrase in phrases if (s := number(phrase.get("startTimeMs"))) is not None]
    call.absolute = bool(starts) and min(starts) > _EPOCH_MS
    began = number(first(doc, "conversationStartTime", "startTime"))
    call.base = began / 1e3 if began is not None and began > _EPOCH_MS else None
    people = list(dicts(doc.get("participants")))
    agents = list(dict.fromkeys(a for p in people if _purpose(p) in _AGENTS and (a := string(p.get("userId")))))
    call.agent_id = agents[0] if agents else None
    if len(agents) > 1:
        call.doubts.append(f"{len(agents)} agents took part in the call, one after another; they are told apart by their ids")
    for phrase in phrases:
        start = millis(phrase.get("startTimeMs"))
        duration = millis(at(phrase, "duration", "milliseconds"))
        role, who = _speaker(phrase, people)
        call.add(first(phrase, "decoratedText", "text"), role=role, label=who if len(agents) > 1 else None, start=start, duration=duration)
    if string(doc.get("communicationId")):
        call.metadata["communication_id"] = doc["communicationId"]
    return call


def _purpose(person: Mapping[str, Any]) -> str:
    return (string(person.get("participantPurpose")) or "").lower()


def _speaker(phrase: Mapping[str, Any], people: list[Mapping[str, Any]]) -> tuple[str | None, str | None]:
    """Return the role of a phrase and the agent's id, by who was on the line when it began."""
    purpose = (string(phrase.get("participantPurpose")) or "").lower()
    if purpose != "internal":
        return ("other" if purpose in _MACHINES else "agent" if purpose in _AGENTS else purpose or None), None
    moment = number(phrase.get("startTimeMs"))
    there = [p for p in people if moment is not None and _covers(p, moment)]
    agent = next((p for p in there if _purpose(p) in _AGENTS), None)
    if agent is None and any(_purpose(p) in _MACHINES for p in there):
        return "other", None
    return "internal", string(agent.get("userId")) if agent else None


def _covers(person: Mapping[str, Any], moment: float) -> bool:
    start, end = number(person.get("startTimeMs")), number(person.get("endTimeMs"))
    return start is not None and start <= moment and (end is None or moment <= end)


FORMATS: Final = (
    Format("Genesys Cloud", "Genesys", "V", ("conversationId", "communicationId", "transcripts", "participants", "mediaType"), _is_genesys, _genesys),
)
