"""Words of a turn: spaCy's tokens, normalised, with offsets that lead back to the text."""

import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.en import English

from ownership_scorer import runs, tokenizer
from ownership_scorer.runs import COMMA, NO_BREAK, QUESTION, SENTENCE
from ownership_scorer.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
PIECES = ["Hello,", "I'll", "can't", "(really)", "£5.99", "o'clock", "e-mail", "www.a.com", "yes!!", "U.S.", "it's", "4th", '"quote"', "wasn't—or"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'll get that", "i will get that"),
        ("I’ll get that", "i will get that"),
        ("ILL CHECK", "i will check"),
        ("can't cannot can not", "can not can not can not"),
        ("gonna let's", "going to let us"),
        ("that's right", "that is right"),
        ("um so uh yeah", "so yes"),
        ("the the card", "the card"),
        ("9 4 1", "#"),
        ("nine four two", "#"),
        ("[number] please", "# please"),
        ("[agent-name] here", "<mask> here"),
        ("[noise] yes [laughter]", "yes"),
        ("po- postcode", "postcode"),
        ("follow-up", "follow up"),
        ("I apologise", "i apologize"),
        ("Thanks ^JK", "thanks"),
        ("...", ""),
        ("", ""),
        ("😀", ""),
        ("שלום", "שלום"),
    ],
)
def test_words(text, words):
    assert " ".join(TOKENIZER.tokens(text).words) == words


def test_breaks_stand_after_their_word():
    assert TOKENIZER.tokens("Right, done. Is it working ?").breaks == [COMMA, SENTENCE, NO_BREAK, NO_BREAK, QUESTION]


def test_stems_keep_every_digit_for_comparing():
    assert TOKENIZER.tokens("nine four one").stems == ["nine", "four", "one"]


@given(st.text(max_size=120))
def test_spans_lead_back_to_the_words(text):
    tokens, spans = TOKENIZER.tokens(text), TOKENIZER.spans(text)
    assert len(tokens.words) == len(tokens.breaks)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert len(spans) == len(tokens.words)
    assert spans == sorted(spans)


@given(
    st.lists(
        st.sampled_from(["Hello,", "I'll", "can't", "(really)", "£5.99", "o'clock", "e-mail", "www.a.com", "yes!!", "U.S.", "it's", "4th", '"quote"']),
        max_size=12,
    )
)
def test_runs_are_tokenised_as_spacy_would(pieces):
    """A run between blanks gives the same tokens alone as within its text."""
    nlp = English()
    text = " ".join(pieces)
    assert [t.text for t in nlp(text)] == [t.text for piece in pieces for t in nlp(piece)]


def test_pickled_tokenizer_forgets_what_it_read():
    import pickle

    learned = Tokenizer()
    learned.tokens("my pin is secret")
    assert b"secret" not in pickle.dumps(learned)


RUNS = [
    "order",
    "Order.",
    "(order",
    "“order”",
    "order...",
    "order?!",
    '"order",',
    "#order",
    "a.m.",
    "Mr.",
    "e.g.",
    "D:",
    "xD",
    "don't",
    "cannot",
    "gonna",
    "Co..",
    "it.",
    "v.v.",
    "(beep)",
    "#4",
    "um,",
    "ATL.",
]


@pytest.mark.parametrize("run", RUNS)
def test_a_short_cut_reads_what_spacy_reads(run, monkeypatch):
    short = runs.analyse(run)
    monkeypatch.setattr(runs, "_PLAIN", re.compile("(?!)"))
    assert short == runs.analyse(run)


@given(st.from_regex(r"[#(\"“]?[A-Za-z]{1,8}[.?!]{0,3}[,;:)\"”]?", fullmatch=True))
def test_every_run_of_letters_and_marks_is_read_as_spacy_reads_it(run):
    short = runs.analyse(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_PLAIN", re.compile("(?!)"))
        assert short == runs.analyse(run)


def test_a_memory_that_is_full_starts_afresh_with_the_same_words(monkeypatch):
    texts = [f"well hello there, number {n} speaking" for n in range(50)]
    expected = [TOKENIZER.tokens(text) for text in texts]
    monkeypatch.setattr(tokenizer, "_WORDS", 40)
    small = Tokenizer()
    assert [small.tokens(text) for text in texts] == expected
    assert len(small._memory.numbers) < 20


def test_what_is_noted_of_a_turn_is_asked_for_once():
    words, asked = Tokenizer().read(["one", "two words", "one"]), []

    def count(turns):
        asked.extend(turns.tolist())
        return np.ones(len(turns), dtype=np.int64), turns * 10

    for _ in range(2):
        counts, values = words.memory.notes("somebody", 1).of(words.number, count)
        assert counts.tolist() == [1, 1, 1]
        assert values.tolist() == (words.number * 10).tolist()
    assert sorted(asked) == [0, 1]


def test_a_turn_learned_by_half_is_forgotten(monkeypatch):
    broken = Tokenizer()
    broken.tokens("hello there")
    with monkeypatch.context() as patch:
        patch.setattr(broken._memory.stems, "extend", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            broken.tokens("one more turn")
    for text in ("completely different words", "one more turn", "hello there"):
        assert broken.tokens(text) == TOKENIZER.tokens(text)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_forked_off_while_another_thread_learns_does_not_hang():
    shared = Tokenizer()
    shared.tokens("hello there")
    shared._memory._lock.acquire()  # as another thread would hold it
    child = os.fork()
    if not child:
        os._exit(0 if shared.tokens("something new").words == ["something", "new"] else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("text", ["[noise]" * 2000, "<unk>" * 2000, "hello a\ud800b there", "x" * 100_000])
def test_what_no_person_says_is_read_all_the_same(text):
    tokens, spans = TOKENIZER.tokens(text), TOKENIZER.spans(text)
    assert len(tokens.words) == len(spans)
    assert max(map(len, tokens.stems)) < 100


def test_long_runs_fill_the_memory(monkeypatch):
    monkeypatch.setattr(tokenizer, "_CHARACTERS", 1000)
    small = Tokenizer()
    for n in range(20):
        small.tokens(f"{n}" * 300)
    assert len(small._memory.numbers) < 5
