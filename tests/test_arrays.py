"""Lists of numbers that lie end to end."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.arrays import Ragged, distinct, offsets, order, ranges

NUMBERS = st.lists(st.integers(0, 50), max_size=30)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 5)), max_size=20))
def test_ranges(rows):
    starts, counts = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    assert ranges(starts, counts).tolist() == [start + i for start, count in rows for i in range(count)]


@given(NUMBERS)
def test_offsets_distinct_and_order(numbers):
    values = np.array(numbers, dtype=np.int64)
    assert offsets(values).tolist() == [sum(numbers[:i]) for i in range(len(numbers) + 1)]
    assert distinct(values).tolist() == sorted(set(numbers))
    assert order(values).tolist() == sorted(range(len(numbers)), key=lambda i: numbers[i])


@given(st.lists(st.lists(NUMBERS, max_size=8), max_size=40))
def test_lists_are_kept_while_they_grow(batches):
    lists, expected = Ragged(np.int32, np.int8), []
    for batch in batches:
        flat = np.array([value for values in batch for value in values], dtype=np.int64)
        lists.extend(np.array([len(values) for values in batch], dtype=np.int64), flat * 1000, flat)
        expected += batch
    assert len(lists) == len(expected)
    assert lists.size == sum(map(len, expected))
    keys = np.arange(len(expected))[::-1]
    places = lists.places(keys)
    assert lists.counts(keys).tolist() == [len(expected[key]) for key in keys]
    assert lists.take(1, places).tolist() == [value for key in keys for value in expected[key]]
    assert (lists.take(0, places) == lists.take(1, places).astype(np.int64) * 1000).all()


def test_what_was_read_stays_as_it_was():
    lists = Ragged(np.int64)
    lists.extend(np.array([3]), np.array([7, 8, 9]))
    read = lists.take(0, lists.places(np.array([0])))
    lists.extend(np.full(5000, 2), np.arange(10_000))
    assert read.tolist() == [7, 8, 9]
    assert lists.take(0, lists.places(np.array([0, 5000]))).tolist() == [7, 8, 9, 9998, 9999]
