"""Which words of a turn are quoted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.arrays import offsets
from ownership_scorer.quoting import LONGEST, heaviest, stretches
from ownership_scorer.runs import COMMA, NO_BREAK, QUESTION, SENTENCE


def pieces(*turns: list[int]) -> list[tuple[int, int, int]]:
    edges = offsets(np.array([len(turn) for turn in turns], dtype=np.int64))
    found = stretches(np.concatenate([np.array(turn, dtype=np.int64) for turn in turns]), edges[:-1], edges[1:])
    return list(zip(*(column.tolist() for column in found), strict=True))


def sentence(words: int, ends: int = SENTENCE) -> list[int]:
    return [NO_BREAK] * (words - 1) + [ends]


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (sentence(4) + sentence(8), [(0, 12)]),  # short enough as a whole
        (sentence(6) + sentence(8, QUESTION), [(0, 6), (6, 14)]),
        (sentence(6, COMMA) + sentence(8), [(0, 14)]),
        (sentence(4) + sentence(24, NO_BREAK), [(0, 4), (4, 28)]),
        (sentence(25), [(0, 12), (6, 18), (12, 24), (18, 25)]),
        (sentence(2) + sentence(30), [(0, 2), (2, 14), (8, 20), (14, 26), (20, 32)]),
    ],
)
def test_a_turn_is_cut_into_sentences_and_a_long_one_into_pieces(turn: list[int], expected: list[tuple[int, int]]) -> None:
    assert pieces(turn) == [(0, *piece) for piece in expected]


@given(
    st.lists(st.lists(st.sampled_from([NO_BREAK, NO_BREAK, NO_BREAK, NO_BREAK, COMMA, SENTENCE, QUESTION]), min_size=1, max_size=90), min_size=1, max_size=5)
)
def test_pieces_cover_each_turn_and_do_not_depend_on_the_others(turns: list[list[int]]) -> None:
    found = pieces(*turns)
    begins = offsets(np.array([len(turn) for turn in turns], dtype=np.int64)).tolist()
    for number, turn in enumerate(turns):
        mine = [(begin - begins[number], end - begins[number]) for of, begin, end in found if of == number]
        assert {word for begin, end in mine for word in range(begin, end)} == set(range(len(turn)))
        assert all(0 < end - begin <= LONGEST for begin, end in mine)
        assert mine == [piece[1:] for piece in pieces(turn)]


def test_the_first_of_the_heaviest_pieces_of_each_turn_is_chosen() -> None:
    turn, begin, end = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 4]), np.array([1, 2, 3, 4, 6])
    assert heaviest(turn, begin, end, np.array([1.0, 5, 5, 2, 1, 0.5])).tolist() == [1, 3]
    assert heaviest(turn[:0], begin[:0], end[:0], np.zeros(0)).tolist() == []
