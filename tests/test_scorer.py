"""From transcripts to scores: what always holds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ownership_scorer import modelstore
from ownership_scorer.evidence import NO_AGENT_TURN, SCORED, TOO_FEW_TURNS, TOO_FEW_WORDS
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
from ownership_scorer.transcript import Transcript, Turn

PIECES = [
    *("I can help you with that.", "account number?", "sorry to hear that", "let me check that for you", "I'll call you back by 5", "no"),
    *("😀", "שלום עולם", "\x00", "[number]", "um", "—", "\u200b", "e\u0301"),
]
texts = st.one_of(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(" ".join), st.text(min_size=1, max_size=80))
turns = st.lists(st.builds(Turn, st.sampled_from(["agent", "customer", "other", "unknown"]), texts), max_size=12)


@given(st.lists(turns, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_quote_stands_where_it_says(shipped, calls):
    calls = [Transcript(str(i), tuple(t)) for i, t in enumerate(calls)]
    for call, result in zip(calls, shipped.score_many(calls), strict=True):
        for e in result.evidence:
            turn = call.turns[e.turn]
            assert turn.speaker == "agent"
            assert turn.text[e.start : e.end] == e.quote != ""
            assert e.behaviour in BEHAVIOURS
            assert 0 <= e.probability <= 1
        for dimension, score in result.scores.items():
            low, high = result.intervals[dimension]
            assert 1 <= low <= score <= high <= 5


def test_batch_and_single_call_agree(shipped):
    calls = [
        Transcript.from_text(f"Customer: line {i} is dead\nAgent: Sorry, let me test it.\nCustomer: ok\nAgent: An engineer comes on Monday.", str(i))
        for i in range(5)
    ]
    together = list(shipped.score_many(calls))
    assert together == [shipped.score(call) for call in calls]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Customer: hello", NO_AGENT_TURN),
        ("Customer: hello\nAgent: Good morning, this is the billing desk, how may I help you today?", TOO_FEW_TURNS),
        ("Agent: hello\nCustomer: hi\nAgent: yes", TOO_FEW_WORDS),
        ("Agent: hello, how may I help you today\nCustomer: hi\nAgent: yes, one moment please, I'll have a look", SCORED),
    ],
)
def test_call_that_cannot_be_judged_gets_a_status_and_no_number(shipped, text, status):
    result = shipped.score(Transcript.from_text(text))
    assert result.status == status
    assert set(result.scores) == (set(DIMENSIONS) if status == SCORED else set())


def test_same_answer_twice_and_from_a_second_load(shipped):
    call = Transcript.from_text(
        "Customer: my parcel is a week late\nAgent: I'm sorry. Let me check.\nCustomer: ok\nAgent: It arrives tomorrow, I'll text you the slot."
    )
    assert shipped.score(call) == shipped.score(call) == modelstore.load().score(call)


def test_empty_call(shipped):
    assert shipped.score(Transcript("x", ())).status == NO_AGENT_TURN
    assert list(shipped.score_many([])) == []


def test_scores_are_clean_numbers(shipped):
    call = Transcript.from_text("Customer: my phone broke\nAgent: Sorry to hear that, what does it do now?\nCustomer: nothing\nAgent: I'll send you a new one.")
    assert all(score == round(score, 2) for score in shipped.score(call).scores.values())


def test_long_call_and_long_turn(shipped):
    many = Transcript("many", tuple(Turn("agent" if i % 2 else "customer", f"let me check line {i}") for i in range(5000)))
    wide = Transcript(
        "wide", (Turn("customer", "x " * 10), Turn("agent", "I can help you with that. " * 40_000), Turn("customer", "ok"), Turn("agent", "y" * 1_000_000))
    )
    first, second = shipped.score_many([many, wide])
    assert first.agent_turns == 2500
    assert second.status == SCORED
    assert max(len(e.quote) for e in second.evidence) < 1000
