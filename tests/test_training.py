"""Fitting: folds, checks, and a model that learns what it is shown."""

from dataclasses import replace

import numpy as np
import pytest

from ownership_scorer.cuebook import Cuebook
from ownership_scorer.rater import RaterSettings
from ownership_scorer.rubric import DIMENSIONS
from ownership_scorer.tagger import TaggerSettings, best_threshold
from ownership_scorer.training import FitSettings, LabelledCall, assign_folds, data_digest, fit, plain_copy
from ownership_scorer.transcript import Transcript

SMALL = FitSettings(TaggerSettings(hidden=8, batch=16, steps=500), RaterSettings(trees=5, networks=1, steps=500), folds=2)
NONE = Cuebook.parse({})


def call(n, good):
    said = "I can certainly help you with that" if good else "account number"
    text = f"Customer: please help me with order {n}\nAgent: {said}\nCustomer: okay then\nAgent: right then that one is all done for you now sir"
    label = "assure" if good else "bare_demand"
    rating = 5 if good else 1
    return LabelledCall(Transcript.from_text(text, f"c{n}"), {1: (label,)}, dict.fromkeys(DIMENSIONS, rating), f"g{n % 6}")


CALLS = [call(n, n % 2 == 0) for n in range(80)]


def test_model_learns_and_repeats():
    scorer, figures = fit(CALLS, NONE, SMALL)
    again, _ = fit(CALLS, NONE, SMALL)
    good, bad = (scorer.score(call(999, kind).transcript) for kind in (True, False))
    assert good.scores["ownership"] > 3 > bad.scores["ownership"]
    assert {e.behaviour for e in good.evidence if e.turn == 1} == {"assure"}
    assert figures["f1"]["assure"] > 0.9
    assert again.score(call(999, True).transcript) == good


def test_calls_beside_count_less_and_leave_the_scale_to_the_calls_that_the_model_is_for():
    own = [c._replace(group=c.transcript.call_id) for c in CALLS]
    # Elsewhere the same words are labelled and rated in another way.
    others = [c._replace(labels={1: ("probe",)}, ratings=dict.fromkeys(DIMENSIONS, 3)) for c in (call(n, n % 2 == 0) for n in range(80, 160))]
    others = [c._replace(group=c.transcript.call_id) for c in others]
    scorer, figures = fit(own + [c._replace(beside=True) for c in others], NONE, SMALL)
    even, _ = fit(own + others, NONE, SMALL)

    def assured(scorer):
        return [e.probability for e in scorer.score(call(999, True).transcript).evidence if e.turn == 1 and e.behaviour == "assure"]

    assert assured(scorer)[0] > 0.9 > 0.6 > assured(even)[0]
    good, bad = (scorer.score(call(999, kind).transcript).scores["ownership"] for kind in (True, False))
    assert good > 3 > bad
    assert figures["calls"] == 160 and figures["calls_beside"] == 80
    assert figures["cases"]["probe"] == 0 and figures["cases"]["assure"] == 40


def test_not_every_call_may_stand_beside():
    with pytest.raises(ValueError, match="all 80 merely stand beside"):
        fit([c._replace(beside=True) for c in CALLS], NONE, SMALL)


def test_severity_is_added_to_ratings_and_intervals_within_the_scale():
    plain, moved = (fit(CALLS, NONE, replace(SMALL, severity=severity))[0].score(call(999, False).transcript) for severity in ({}, {"listening": 0.5}))
    assert moved.scores["listening"] == pytest.approx(plain.scores["listening"] + 0.5, abs=0.011)
    assert moved.intervals["listening"][1] == pytest.approx(min(5, plain.intervals["listening"][1] + 0.5), abs=0.011)
    assert moved.scores["ownership"] == plain.scores["ownership"]


def test_agent_turns_in_two_groups_are_needed():
    silent = [c._replace(transcript=Transcript(c.transcript.call_id, c.transcript.turns[:1]), labels={}) for c in CALLS]
    with pytest.raises(ValueError, match="turns of an agent are needed in at least two groups of calls; 0 found"):
        fit(silent, NONE, SMALL)


def test_missing_ratings_are_skipped():
    calls = [c._replace(ratings={**c.ratings, "choices": None}) if i % 3 else c for i, c in enumerate(CALLS)]
    scorer, _ = fit(calls, NONE, SMALL)
    assert 1 <= scorer.score(call(1, True).transcript).scores["choices"] <= 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {1: ("polite",)}}, "call 'c0', turn 1: label 'polite'; allowed are reflect"),
        ({"labels": {0: ("assure",)}}, "turn 0, which is no agent turn"),
        ({"labels": {44: ("assure",)}}, "turn 44, which is no agent turn"),
        ({"ratings": {"ownership": 6}}, "ownership is 6; allowed are 1 to 5"),
        ({"ratings": {"charm": 3}}, "rating of 'charm'; allowed are listening"),
    ],
)
def test_wrong_labels_are_named(change, message):
    with pytest.raises(ValueError, match="call 'c0'") as error:
        fit([CALLS[0]._replace(**change), *CALLS[1:]], NONE, SMALL)
    assert message in str(error.value)


def test_folds_never_split_a_group_and_do_not_depend_on_order():
    groups = [f"g{n % 7}" for n in range(100)]
    folds = assign_folds(groups, 3)
    assert all(len(set(folds[[g == name for g in groups]])) == 1 for name in set(groups))
    assert dict(zip(groups, folds, strict=True)) == dict(zip(groups[::-1], assign_folds(groups[::-1], 3), strict=True))
    with pytest.raises(ValueError, match="at least two groups"):
        assign_folds(["a", "a"], 3)


def test_digest_does_not_depend_on_order():
    assert data_digest(CALLS) == data_digest(CALLS[::-1]) != data_digest(CALLS[1:])


def test_plain_copy():
    before = Transcript.from_text("Agent: I'll check, Mr. O'Neil: [number] — OK?!")
    assert plain_copy(before).turns[0].text.split() == ["i'll", "check", "mr", "o'neil", "[number]", "ok"]


def test_threshold_is_the_highest_that_is_nearly_best():
    probability = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.95], dtype=np.float32)
    assert 0.5 < best_threshold(probability, np.array([0, 0, 0, 1, 1, 1], dtype=np.float32)) < 0.85
