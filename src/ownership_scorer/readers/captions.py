"""WebVTT (Zoom, Teams, plain) and SRT."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .base import ReadError
from .call import Call, Segment
from .text import speaker_labels, split_label
from .values import clock

_VOICE: Final = re.compile(r"<v(?:\.[^\s>]{0,80})?[ \t\n]{1,20}([^>]{1,200})>")
_TAG: Final = re.compile(r"</?(?:v|c|i|b|u|s|ruby|rt|lang|font)(?:[.\s][^<>]*)?>|<\d[\d:.]*>|\{\\an\d\}", re.IGNORECASE)
_INLINE_TIME: Final = re.compile(r"<\d+:\d")
_TEAMS_ID: Final = re.compile(r"(.{1,80}/\d+)-\d+")
_SRT: Final = re.compile(r"\s*(?:\d+[ \t]*\n)?[ \t]*\d{1,3}:\d{1,2}:\d{1,2}[,.]\d{1,3}[ \t]*-->")


class _Cue(NamedTuple):
    key: str
    start: float | None
    end: float | None
    text: str


def is_vtt(head: str) -> bool:
    """Tell WebVTT by its first word."""
    return head.startswith("WEBVTT")


def is_srt(head: str) -> bool:
    """Tell SRT by a number and a time with an arrow."""
    return bool(_SRT.match(head))


def parse_captions(text: str) -> Call:
    """Read WebVTT or SRT.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    Call
        Its speakers come from voice tags, else from ``Name:`` at the beginning of cues; a cue without either goes on with the speaker before it.

    Raises
    ------
    ReadError
        Where it is neither.
    """
    import webvtt
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    vtt = is_vtt(text)
    try:
        parsed = webvtt.from_string(text) if vtt else webvtt.from_buffer(io.StringIO(text), format="srt")
        cues = [_Cue(str(c.identifier or ""), clock(c.start), clock(c.end), c.raw_text) for c in parsed.captions]
    except (MalformedFileError, MalformedCaptionError, ValueError):
        raise ReadError(f"the file begins as {'WebVTT' if vtt else 'SRT'} and is broken") from None
    voices = any(_VOICE.search(cue.text) for cue in cues)
    call = Call("WebVTT" if vtt else "SRT")
    malformed = text.count("-->") - len(cues)
    if malformed > 0:
        call.dropped["malformed"] += malformed
        call.doubts.append(f"{malformed} cues with an impossible time were left out")
    if voices:
        call.format = "WebVTT with voice tags"
        _voiced(call, cues)
    else:
        if any(_INLINE_TIME.search(cue.text) for cue in cues):
            cues = list(_unrolled(call, cues))
        _prefixed(call, cues)
    return call


def _voiced(call: Call, cues: list[_Cue]) -> None:
    """Read ``<v Name>``; the parts of one utterance, which Teams numbers and scatters, come together."""
    places: dict[str, tuple[Segment, list[str]]] = {}
    for cue in cues:
        parts = _VOICE.split(cue.text)
        found = _TEAMS_ID.fullmatch(cue.key)
        before = _TAG.sub("", parts[0]).strip()
        if before:
            call.add(before, start=cue.start, end=cue.end)
        for name, words in zip(parts[1::2], parts[2::2], strict=True):
            label, spoken = " ".join(name.split()), _TAG.sub("", words)
            key = f"{found[1]} {label}" if found else ""
            if key and key in places:
                segment, tail = places[key]
                tail.append(spoken)
                segment.end = max(filter(None, (segment.end, cue.end)), default=None)
                continue
            call.add(spoken, label=label, start=cue.start, end=cue.end)
            if key and spoken.strip():
                places[key] = (call.segments[-1], [spoken])
    for segment, tail in places.values():
        segment.text = "\n".join(tail)


def _unrolled(call: Call, cues: list[_Cue]) -> Iterator[_Cue]:
    """Yield rolling captions, which show each line twice, with each line once."""
    before: list[str] = []
    for cue in cues:
        lines = [line for raw in cue.text.split("\n") if (line := " ".join(_TAG.sub("", raw).split()))]
        fresh = lines
        while fresh and fresh[0] in before:
            fresh = fresh[1:]
        call.dropped["repeated lines"] += len(lines) - len(fresh)
        before = lines[-2:]
        if fresh:
            yield cue._replace(text="\n".join(fresh))


def _prefixed(call: Call, cues: list[_Cue]) -> None:
    texts = [_TAG.sub("", cue.text) for cue in cues]
    first_lines = [text.strip().split("\n", 1)[0].strip() for text in texts]
    labels = speaker_labels(first_lines)
    speaker: str | None = None
    dashes = 0
    for cue, text in zip(cues, texts, strict=True):
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if len(lines) > 1 and all(line.startswith("-") for line in lines):
            dashes += 1
            speaker = None
        pieces: list[tuple[str | None, list[str]]] = [(speaker, [])]
        for line in lines:
            label, words = split_label(line, labels)
            if label:
                speaker = label
                pieces.append((label, [words]))
            else:
                pieces[-1][1].append(line.removeprefix("- ").removeprefix(">> "))
        for label, words_of in pieces:
            if words_of:
                call.add("\n".join(words_of), label=label, start=cue.start, end=cue.end)
    if labels:
        call.format += " with names"
    if dashes:
        call.doubts.append(f"{dashes} cues hold two speakers behind dashes, who are not named")
