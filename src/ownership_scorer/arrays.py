"""Numbers by the million: what numpy lacks, or does more slowly, for lists that lie end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


def ranges(starts: Ints, counts: Ints) -> Ints:
    """Return ``starts[0], starts[0] + 1, ...`` for ``counts[0]`` numbers, then the same for each other start."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)


def offsets(counts: Ints | NDArray[np.bool_]) -> Ints:
    """Return where each of a row of lists of these lengths begins, and where the last ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])


def distinct(values: Ints) -> Ints:
    """Return the distinct values, ascending; numpy sorts numbers some twenty times faster than its `unique` finds them."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))]


def order(keys: Ints) -> Ints:
    """Return the stable order of small numbers not below zero, for the same reason by sorting each with its place."""
    bits = len(keys).bit_length()
    return np.sort((keys << bits) + np.arange(len(keys))) & ((1 << bits) - 1)


def split(numbers: Ints, base: int) -> tuple[Ints, Ints]:
    """Return quotients and remainders; faster than `divmod`."""
    quotient = numbers // base
    return quotient, numbers - quotient * base


class Ragged:
    """Lists of numbers for ever more keys, end to end in a few columns. What was read of it stays as it was while it grows.

    Parameters
    ----------
    *dtypes : dtype
        One a column.
    """

    def __init__(self, *dtypes: DTypeLike) -> None:
        self._first = np.zeros(256, dtype=np.int64)
        self._columns: tuple[NDArray[Any], ...] = tuple(np.zeros(1024, dtype=dtype) for dtype in dtypes)
        self._keys = self._values = 0

    def __len__(self) -> int:
        """Return how many keys there are: the next one's number."""
        return self._keys

    @property
    def size(self) -> int:
        """How many values all lists hold together."""
        return self._values

    def extend(self, counts: Ints, *values: NDArray[Any]) -> None:
        """Add keys, with as many values each as ``counts`` says."""
        keys, size = self._keys + len(counts), self._values + len(values[0])
        if keys >= len(self._first):
            self._first = np.concatenate([self._first, np.zeros(keys, dtype=np.int64)])
        self._first[self._keys + 1 : keys + 1] = self._values + np.cumsum(counts)
        if size > len(self._columns[0]):
            self._columns = tuple(np.concatenate([column, np.zeros(size, dtype=column.dtype)]) for column in self._columns)
        for column, more in zip(self._columns, values, strict=True):
            column[self._values : size] = more
        self._keys, self._values = keys, size

    def counts(self, keys: Ints) -> Ints:
        """Return how many values each of some keys has."""
        counts: Ints = self._first[keys + 1] - self._first[keys]
        return counts

    def places(self, keys: Ints) -> Ints:
        """Return where the values of some keys lie, end to end."""
        return ranges(self._first[keys], self.counts(keys))

    def take(self, column: int, places: Ints) -> NDArray[Any]:
        """Return values of a column."""
        return self._columns[column][places]
