"""Chooses the words to quote for a behaviour: the sentence around a cue, or the stretch that weighed most with the model."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.arrays import Ints, distinct, offsets, ranges
from ownership_scorer.runs import SENTENCE

#: A sentence of more words than this is cut to what stands around the finding.
LONGEST: Final = 24
_AROUND: Final = 8
#: Words of the pieces that a long sentence is cut into, and from the start of one to that of the next.
_PIECE: Final = LONGEST // 2
_STEP: Final = LONGEST // 4


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


def stretches(breaks: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints, Ints]:
    """Return what of some turns may be quoted: a short turn as a whole, of others each sentence, a long sentence in pieces that overlap.

    Parameters
    ----------
    breaks : array
        Break after each word of some turns.
    first, last : array
        First word of each turn, one past its last.

    Returns
    -------
    tuple of array
        Which of the turns it is of (from 0), first word, one past the last of each piece, in the order of the turns and their words.
    """
    size = last - first
    turn, word = np.repeat(np.arange(len(size)), size), ranges(first, size)
    ends = np.flatnonzero(((breaks[word] >= SENTENCE) & (size[turn] > _PIECE)) | (word == last[turn] - 1))
    turn, end = turn[ends], word[ends] + 1
    begin = np.where(turn == np.append(-1, turn[:-1]), np.append(0, end[:-1]), first[turn])
    long = end - begin > LONGEST
    # As many as start more than a step before the sentence ends.
    number = np.where(long, (end - begin - 1) // _STEP, 1)
    begin = ranges(begin * 0, number) * _STEP + np.repeat(begin, number)
    whole = np.repeat(end, number)
    return np.repeat(turn, number), begin, np.where(np.repeat(long, number), np.minimum(begin + _PIECE, whole), whole)


def heaviest(turn: Ints, begin: Ints, end: Ints, weights: NDArray[np.float64]) -> Ints:
    """Return the first of the pieces of each turn whose words weigh most: positions among the pieces.

    Parameters
    ----------
    turn, begin, end : array
        Turn of each piece, ascending; first word, one past the last.
    weights : array
        Of each word.
    """
    size = end - begin
    weight = np.add.reduceat(weights[ranges(begin, size)], offsets(size)[:-1]) if len(size) else np.zeros(0)
    ordered = np.lexsort((-weight, turn))
    return ordered[np.flatnonzero(np.diff(turn[ordered], prepend=-1))]
