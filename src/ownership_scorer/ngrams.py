"""Runs of words in a turn as features: which are known, and where in a batch of turns each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.arrays import Floats, Ints, distinct, offsets, ranges, split
from ownership_scorer.tokenizer import Words

#: Stands before the first and after the last word of a turn.
EDGE: Final = "^"


def grams(symbols: Sequence[str], longest: int) -> Iterable[str]:
    """Yield the runs of up to so many symbols of a turn, its edges included, but not an edge alone."""
    framed = [EDGE, *symbols, EDGE]
    for n in range(1, longest + 1):
        for i in range(len(framed) - n + 1):
            if n > 1 or framed[i] != EDGE:
                yield " ".join(framed[i : i + n])


class Ngrams:
    """Known runs of symbols, a column each; every word of a turn stands for one symbol.

    Parameters
    ----------
    known : sequence of str
        The runs, in the order of their columns; `EDGE` stands for a turn's start and end, and so first or last in a run, and not alone.
    symbol : callable
        What a word stands for.
    """

    def __init__(self, known: Sequence[str], symbol: Callable[[str], str]) -> None:
        self.known = tuple(known)
        self._symbol = symbol
        parts = [gram.split(" ") for gram in self.known]
        self._longest = max(map(len, parts), default=1)
        # 0 is any symbol that no run holds.
        self._numbers = {name: i for i, name in enumerate(sorted({name for part in parts for name in part} | {EDGE}), start=1)}
        self._bits = len(self._numbers).bit_length()
        if self._bits * self._longest > 63:
            raise ValueError(f"{len(self._numbers)} symbols in runs of up to {self._longest} are too many to number")
        keys = np.zeros(len(parts), dtype=np.int64)
        for i, part in enumerate(parts):
            for name in part:
                keys[i] = (keys[i] << self._bits) + self._numbers[name]
        self._columns = np.argsort(keys)
        self._keys = keys[self._columns]

    def __len__(self) -> int:
        return len(self.known)

    def columns(self, words: Words) -> tuple[Ints, Ints]:
        """Return the columns of the known runs in turns: how many a turn, then each of them once, ascending."""
        width = max(len(self), 1)
        found = distinct(np.concatenate([row * width + column for row, _, column in self._runs(words, np.arange(len(words)))]))
        row, column = split(found, width)
        return np.bincount(row, minlength=len(words)), column

    def word_weights(self, words: Words, turns: Ints, inner: Floats, outward: Floats) -> NDArray[np.float64]:
        """Share the weights of turns' columns out over their words.

        Parameters
        ----------
        words : Words
        turns : array
            Any turns of it.
        inner : array, shape (columns, units)
        outward : array, shape (turns, units)
            A column weighs in a turn what its units weigh there.

        Returns
        -------
        array
            A weight a word, of one of the turns after the other.
        """
        size = np.diff(words.first)[turns]
        # The edge before each turn has a place, too, and so has the one after the last.
        edge = np.zeros(int(size.sum()) + len(size) + 1, dtype=bool)
        edge[offsets(size + 1)] = True
        out = np.zeros(len(edge))
        for n, (row, start, column) in enumerate(self._runs(words, turns), start=1):
            weight = np.einsum("ij,ij->i", inner[column], outward[row]).astype(float)
            over = sum((~edge[start + i] for i in range(n)), start=np.zeros(len(start), dtype=np.int64))
            for i in range(n):
                out += np.bincount(start + i, weight / np.maximum(over, 1), len(out))
        return out[~edge]

    def _runs(self, words: Words, turns: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Yield, for each length, the known runs in some turns: row, first place, column; a place a word, and one for the edge before each turn."""
        size = np.diff(words.first)[turns]
        said = ranges(words.first[turns], size)
        row = np.repeat(np.arange(len(turns)), size + 1)
        stream = np.full(len(row) + 1, self._numbers[EDGE], dtype=np.int64)
        stream[np.arange(len(said)) + np.repeat(np.arange(len(turns)), size) + 1] = words.vocabulary.codes(self._number)[words.words[said]]
        run = np.zeros(len(stream), dtype=np.int64)
        for n in range(1, self._longest + 1):
            run = (run[: len(stream) - n + 1] << self._bits) + stream[n - 1 :]
            # A run that begins with an unknown symbol has the number of a shorter one.
            hit = np.flatnonzero((stream[: len(run)] > 0) & (stream[n - 1 :] > 0))
            at = np.minimum(np.searchsorted(self._keys, run[hit]), len(self) - 1) if len(self) else hit[:0]
            same = self._keys[at] == run[hit[: len(at)]]
            hit, at = hit[: len(at)][same], at[same]
            yield row[hit], hit, self._columns[at]

    def _number(self, word: str) -> int:
        return self._numbers.get(self._symbol(word), 0)
