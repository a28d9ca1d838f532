"""Chooses the words to quote for a behaviour: the sentence around a cue, or the stretch that weighed most with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ownership_scorer.tokenizer import SENTENCE

#: A sentence of more words than this is cut to what stands around the finding.
LONGEST: Final = 24
_AROUND: Final = 8


def around(breaks: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Widen a finding to its sentence, or, where that is long, by a few words.

    Parameters
    ----------
    breaks : sequence of int
        Break after each word of the turn.
    start, end : int
        First word of the finding, one past its last.

    Returns
    -------
    tuple of int
        First word of the quote, one past its last.
    """
    first, last = start, end
    while first > 0 and breaks[first - 1] < SENTENCE:
        first -= 1
    while last < len(breaks) and breaks[last - 1] < SENTENCE:
        last += 1
    if last - first > LONGEST:
        first, last = max(first, start - _AROUND // 2), min(last, end + _AROUND)
    return first, last


def heaviest(breaks: Sequence[int], weigh: Callable[[], Sequence[float]]) -> tuple[int, int]:
    """Return the stretch of a turn whose words weigh most: its only or heaviest sentence, at most `LONGEST` words.

    Parameters
    ----------
    breaks : sequence of int
        Break after each word.
    weigh : callable
        Returns a weight a word; called only where there is something to choose.
    """
    n = len(breaks)
    if n <= LONGEST // 2:
        return 0, n
    edges = [0, *(i + 1 for i in range(n - 1) if breaks[i] >= SENTENCE), n]
    pieces: list[tuple[int, int]] = []
    for first, last in zip(edges, edges[1:], strict=False):
        size = last - first
        if size <= LONGEST:
            pieces.append((first, last))
        else:
            pieces += [(i, min(i + LONGEST // 2, last)) for i in range(first, last - LONGEST // 4, LONGEST // 4)]
    weights = weigh()
    return max(pieces, key=lambda piece: sum(weights[piece[0] : piece[1]]))
