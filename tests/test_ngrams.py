"""Runs of words and of what words stand for, as features of a turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.cuebook import Cuebook, CueError
from ownership_scorer.ngrams import EDGE, Ngrams, grams
from ownership_scorer.tokenizer import Tokenizer

WORDS = ("i", "will", "send", "it", "no", "parcel", "today")
TURNS = st.lists(st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join), min_size=1, max_size=6)
KNOWN = st.lists(st.lists(st.sampled_from((*WORDS, EDGE)), min_size=1, max_size=4).map(" ".join).filter(lambda gram: gram != EDGE), unique=True, max_size=12)


@pytest.mark.parametrize(
    ("symbols", "longest", "found"),
    [
        ([], 1, []),
        ([], 2, ["^ ^"]),
        (["yes"], 1, ["yes"]),
        (["yes"], 3, ["yes", "^ yes", "yes ^", "^ yes ^"]),
        (["i", "see"], 2, ["i", "see", "^ i", "i see", "see ^"]),
    ],
)
def test_runs_of_a_turn(symbols: list[str], longest: int, found: list[str]) -> None:
    assert list(grams(symbols, longest)) == found


@given(TURNS, KNOWN)
def test_columns_are_those_of_the_runs_that_stand_in_a_turn(turns: list[str], known: list[str]) -> None:
    words, ngrams = Tokenizer().read(turns), Ngrams(known, str)
    counts, columns = ngrams.columns(words)
    expected = [[i for i, gram in enumerate(known) if gram in set(grams(words.tokens(turn).words, 4))] for turn in range(len(turns))]
    assert counts.tolist() == [len(row) for row in expected]
    assert columns.tolist() == [column for row in expected for column in row]


def test_a_weight_is_shared_by_the_words_of_its_run() -> None:
    words, ngrams = Tokenizer().read(["no parcel today"]), Ngrams(["no parcel", "today ^", "it"], str)
    inner, outward = np.array([[2], [3], [5]], dtype=np.float32), np.ones((1, 1), dtype=np.float32)
    assert ngrams.word_weights(words, np.array([0]), inner, outward) == [[1, 1, 3]]


def test_too_many_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        Ngrams([" ".join(f"w{i + k}" for k in range(8)) for i in range(300)], str)


def test_words_stand_for_themselves_for_their_class_or_for_any_word() -> None:
    book = Cuebook.parse({"a.toml": '[classes]\nsend = "send sent post"\nthing = """parcel\nletter"""'})
    assert [*map(book.symbol, ("i", "will", "post", "it", "parcel", "zebra", "5", "<name>"))] == ["i", "will", "@send", "it", "@thing", "*", "5", "<name>"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[classes]\na = "x y"\nb = "y"', "a.toml: class 'b': 'y' is of class 'a' already"),
        ('[classes]\na = ["x"]', "a.toml: class 'a': give its words in one string"),
    ],
)
def test_wrong_classes_are_named(text: str, message: str) -> None:
    with pytest.raises(CueError) as error:
        Cuebook.parse({"a.toml": text})
    assert message in str(error.value)


def test_shipped_classes_are_words_as_the_tokenizer_gives_them() -> None:
    classes = Cuebook.read().classes
    assert len(classes) > 10_000
    assert {"send", "postcode", "refund"} <= set(classes)
    assert all(word == word.lower() and not any(c.isspace() for c in word) for word in classes)
