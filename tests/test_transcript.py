"""Turns and transcripts: merging, roles, plain text."""

import pickle

import pytest

from ownership_scorer.transcript import Transcript, Turn, role_of


def test_segments_of_one_speaker_are_one_turn():
    call = Transcript("x", (Turn("agent", "hello", 0, 1), Turn("agent", "there", 1.5, 2), Turn("customer", " "), Turn("agent", "you"), Turn("customer", "hi")))
    assert [(t.speaker, t.text, t.start, t.end) for t in call.turns] == [("agent", "hello there you", 0, 2), ("customer", "hi", None, None)]


def test_third_parties_with_different_labels_stay_apart():
    call = Transcript("x", (Turn("other", "press one", label="IVR"), Turn("other", "hello", label="Supervisor")))
    assert len(call.turns) == 2


@pytest.mark.parametrize(
    ("label", "role"),
    [("Agent", "agent"), ("Rep 2", "agent"), ("CALLER", "customer"), ("END_USER", "customer"), ("Bot", "other"), ("spk_0", None), ("Dana", None)],
)
def test_role_of(label, role):
    assert role_of(label) == role


def test_from_text():
    call = Transcript.from_text("Agent: hello\n  how are you\nCustomer 1: note: it's broken\n\nAgent:\n")
    assert [(t.speaker, t.text) for t in call.turns] == [("agent", "hello how are you"), ("customer", "note: it's broken")]


def test_text_before_any_speaker_is_named_by_line():
    with pytest.raises(ValueError, match="line 2: no speaker before 'hello there'"):
        Transcript.from_text("\nhello there")


def test_wrong_speaker_and_text_are_named():
    with pytest.raises(ValueError, match="'robot'; allowed are agent, customer, other, unknown"):
        Turn("robot", "x")
    with pytest.raises(TypeError, match="type int"):
        Turn("agent", 3)


def test_pickle():
    call = Transcript("x", (Turn("agent", "hi"),), metadata={"a": 1})
    assert pickle.loads(pickle.dumps(call)) == call
