"""Runs of words and of what words stand for, as features of a turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.cuebook import Cuebook, CueError
from ownership_scorer.ngrams import Ngrams, grams
from ownership_scorer.tokenizer import Tokenizer

WORDS = ("i", "will", "send", "it", "no", "parcel", "today")
TURNS = st.lists(st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join), min_size=1, max_size=6)
KNOWN = st.lists(st.lists(st.sampled_from(WORDS), max_size=4).flatmap(lambda turn: st.sampled_from([*grams(turn, 4)])), unique=True, max_size=12)


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
    words, ngrams = Tokenizer().read(["no parcel today", "it", "today"]), Ngrams(["no parcel", "today ^", "it"], str)
    inner, outward = np.array([[2], [3], [5]], dtype=np.float32), np.array([[1], [10]], dtype=np.float32)
    assert ngrams.word_weights(words, np.array([0, 2]), inner, outward).tolist() == [1, 1, 3, 30]


def test_too_many_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        Ngrams([" ".join(f"w{i + k}" for k in range(8)) for i in range(300)], str)


def test_words_stand_for_themselves_for_their_class_or_for_any_word() -> None:
    book = Cuebook.parse({"a.toml": '[classes]\nsend = "send sent post"\nthing = """parcel\nletter"""'})
    assert [*map(book.symbol, ("i", "will", "post", "it", "parcel", "zebra", "5", "<name>", "@send"))] == [
        "i",
        "will",
        "@send",
        "it",
        "@thing",
        "*",
        "5",
        "<name>",
        "@@send",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[classes]\na = "x y"\nb = "y"', "a.toml: class 'b': 'y' is of class 'a' already"),
        ('[classes]\na = ["x"]', "a.toml: class 'a': give its words in one string"),
        ('[classes]\n"a b" = "x"', "a.toml: class 'a b': the name of a class is made of letters"),
        ('[classes]\na = "Refund"', "a.toml: class 'a': 'Refund' is no word in lower case"),
        ('[classes]\na = "you"', "a.toml: class 'a': 'you' is no word in lower case, or a function word"),
        ('classes = "x"', "a.toml: 'classes' is 'x'; it has to be a table"),
    ],
)
def test_wrong_classes_are_named(text: str, message: str) -> None:
    with pytest.raises(CueError) as error:
        Cuebook.parse({"a.toml": text})
    assert message in str(error.value)


def test_two_rule_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.toml").write_text('[classes]\nown = "xyzzy"', encoding="utf-8")
    with pytest.raises(CueError, match="has the same name"):
        Cuebook.read(None, tmp_path)


def test_shipped_classes_are_single_words_in_lower_case() -> None:
    classes = Cuebook.read().classes
    assert len(classes) > 10_000
    assert {"send", "postcode", "refund"} <= set(classes)
    assert all(word == word.lower() and not any(c.isspace() for c in word) for word in classes)
