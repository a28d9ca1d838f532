"""Chooses the words to quote for a behaviour: the sentence around a cue, or the stretch that weighed most with the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from ownership_scorer.arrays import Ints, distinct
from ownership_scorer.runs import SENTENCE

#: A sentence of more words than this is cut to what stands around the finding.
LONGEST: Final = 24
_AROUND: Final = 8


def around(breaks: Ints, edges: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Widen findings to their sentences, or, where those are long, by a few words.

    Parameters
    ----------
    breaks : array
        Break after each word of some turns.
    edges : array
        First word of each turn, and the end of the last.
    start, end : array
        First word of each finding, one past its last.

    Returns
    -------
    tuple of array
        First word of each quote, one past its last.
    """
    sentences = distinct(np.concatenate([edges, np.flatnonzero(breaks >= SENTENCE) + 1]))
    first = sentences[np.searchsorted(sentences, start, side="right") - 1]
    last = sentences[np.searchsorted(sentences, end)]
    long = last - first > LONGEST
    return np.where(long, np.maximum(first, start - _AROUND // 2), first), np.where(long, np.minimum(last, end + _AROUND), last)


def stretches(breaks: Sequence[int]) -> list[tuple[int, int]]:
    """Return what of a turn may be quoted: a short turn as a whole, or each sentence, a long one in pieces that overlap.

    Parameters
    ----------
    breaks : sequence of int
        Break after each word.
    """
    n = len(breaks)
    if n <= LONGEST // 2:
        return [(0, n)]
    edges = [0, *(i + 1 for i in range(n - 1) if breaks[i] >= SENTENCE), n]
    pieces: list[tuple[int, int]] = []
    for first, last in pairwise(edges):
        if last - first <= LONGEST:
            pieces.append((first, last))
        else:
            pieces += [(i, min(i + LONGEST // 2, last)) for i in range(first, last - LONGEST // 4, LONGEST // 4)]
    return pieces


def heaviest(pieces: Sequence[tuple[int, int]], weights: Sequence[float]) -> tuple[int, int]:
    """Return the piece of a turn whose words weigh most."""
    return max(pieces, key=lambda piece: sum(weights[piece[0] : piece[1]]))
