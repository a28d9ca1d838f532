"""Turns out of single words, for files that time each word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from .call import Call

#: Silence, in seconds, after which the words of a speaker begin a new segment, so that segments of several channels can be put in order.
PAUSE: Final = 1.0


class Word(NamedTuple):
    """A word or a punctuation mark.

    Parameters
    ----------
    text : str
        As found.
    label, channel : str or None
        Who speaks; a word without a label belongs to the speaker before it.
    start, end : float or None
        Seconds.
    glued : bool
        Follows the word before it without a blank.
    """

    text: str
    label: str | None = None
    channel: str | None = None
    start: float | None = None
    end: float | None = None
    glued: bool = False


def add_words(call: Call, words: Iterable[Word]) -> None:
    """Append segments to a call: a new one at each change of speaker, and after each pause.

    Parameters
    ----------
    call : Call
        Gets the segments.
    words : iterable of Word
        In order; those of several channels one channel after another.
    """
    pieces: list[str] = []
    label: str | None = None
    channel: str | None = None
    start: float | None = None
    end: float | None = None

    def flush() -> None:
        if pieces:
            call.add("".join(pieces), label=label, channel=channel, start=start, end=end)
        pieces.clear()

    for word in words:
        turn = (word.label is not None and word.label != label) or word.channel != channel
        paused = not word.glued and word.start is not None and end is not None and word.start - end > PAUSE
        if pieces and (turn or paused):
            flush()
        if not pieces:
            label = word.label if word.label is not None or turn else label
            channel, start, end = word.channel, word.start, word.end
        elif not word.glued:
            pieces.append(" ")
        pieces.append(word.text)
        start = word.start if start is None else start
        end = word.end if word.end is not None else end
    flush()
