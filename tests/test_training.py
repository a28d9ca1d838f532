"""Fitting: folds, checks, and a model that learns what it is shown."""

from dataclasses import replace

import numpy as np
import pytest

from ownership_scorer.cuebook import Cuebook
from ownership_scorer.rater import RaterSettings
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
from ownership_scorer.tagger import TaggerSettings, best_threshold
from ownership_scorer.training import FitSettings, LabelledCall, assign_folds, data_digest, fit
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


def apart(calls, good, bad, **changes):
    """Return calls that are no group, rated in another way."""
    rated = [c._replace(ratings=dict.fromkeys(DIMENSIONS, good if c.ratings["ownership"] == 5 else bad)) for c in calls]
    return [c._replace(group=c.transcript.call_id, **changes) for c in rated]


def test_calls_beside_count_less_and_leave_thresholds_and_level_to_the_calls_that_the_model_is_for():
    own = apart(CALLS, 5, 3)
    # Elsewhere the same words are labelled in another way, and rated lower.
    others = apart([call(n, n % 2 == 0) for n in range(80, 160)], 3, 1, labels={1: ("probe",)})
    beside = [c._replace(beside=True) for c in others]
    even, _ = fit(own + others, NONE, SMALL)
    scorer, figures = fit(own + beside, NONE, SMALL)
    unweighted, _ = fit(own + beside, NONE, replace(SMALL, weight=1))

    # Own calls are rated 4 on average, others 2: the level of the ratings, and what the networks start from.
    assert scorer.rater.stretch[:, 2] == pytest.approx(4)
    assert even.rater.stretch[:, 2] == pytest.approx(3)
    assert scorer.rater.wording.outer_bias.mean() == pytest.approx(3.6, abs=0.2)
    assert unweighted.rater.wording.outer_bias.mean() == pytest.approx(3, abs=0.2)
    assert scorer.tagger.threshold[BEHAVIOURS.index("assure")] > even.tagger.threshold[BEHAVIOURS.index("assure")] + 0.2
    assert (figures["calls"], figures["calls_beside"], figures["agent_turns"]) == (80, 80, 160)
    assert (figures["cases"]["probe"], figures["cases"]["assure"]) == (0, 40)


def test_with_few_calls_of_its_own_a_model_takes_thresholds_and_level_from_all():
    own, others = apart(CALLS[:8], 5, 3), apart(CALLS[8:], 3, 1, beside=True)
    scorer, figures = fit(own + others, NONE, SMALL)
    even, _ = fit(own + [c._replace(beside=False) for c in others], NONE, replace(SMALL, weight=1))
    assert figures["cases"]["assure"] == 4
    assert scorer.rater.stretch[0, 2] == pytest.approx(even.rater.stretch[0, 2]) == pytest.approx(2.2)
    assert scorer.tagger.threshold.max() > 1  # what never occurs is never said
    assert scorer.tagger.threshold.tolist() != [1.1] * len(scorer.tagger.threshold)


def test_agent_turns_are_needed_in_two_groups_of_the_calls_that_the_model_is_for():
    others = [c._replace(beside=True) for c in CALLS[40:]]
    for own in ([], [c._replace(group="one") for c in CALLS[:40]]):
        with pytest.raises(ValueError, match=f"two groups of calls that the model is for .not those beside them.; {min(len(own), 1)} found"):
            fit(own + others, NONE, SMALL)


def test_own_calls_without_ratings_have_no_figures_for_them():
    own = [c._replace(ratings={}, group=c.transcript.call_id) for c in CALLS]
    scorer, figures = fit(own + apart(CALLS, 4, 2, beside=True), NONE, SMALL)
    assert figures["kappa"] == figures["coverage"] == dict.fromkeys(DIMENSIONS)
    good, bad = (scorer.score(call(999, kind).transcript).scores["ownership"] for kind in (True, False))
    assert 4 >= good > 3 > bad >= 2


def test_severity_is_added_to_ratings_and_widens_their_intervals_within_the_scale():
    doubted = [c._replace(ratings=dict.fromkeys(DIMENSIONS, 3)) if i % 3 == 0 else c for i, c in enumerate(CALLS)]
    (plain, figures), (moved, same) = (fit(doubted, NONE, replace(SMALL, severity=severity)) for severity in ({}, {"listening": 0.5}))
    before, after = (scorer.score(call(999, False).transcript) for scorer in (plain, moved))
    assert after.scores["listening"] == pytest.approx(before.scores["listening"] + 0.5, abs=0.011)
    assert after.scores["ownership"] == before.scores["ownership"]
    assert after.intervals["listening"][1] <= 5
    reach = np.array([[scorer.rater.below[0], scorer.rater.above[0]] for scorer in (plain, moved)])
    assert reach[0].max() > 0
    assert reach[1] == pytest.approx(1.15 * reach[0])
    assert {**same, "settings": None} == {**figures, "settings": None}  # the figures are of the calls as they were rated


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


def test_digest_tells_calls_beside_and_does_not_depend_on_order():
    assert data_digest(CALLS) != data_digest([CALLS[0]._replace(beside=True), *CALLS[1:]])
    assert data_digest(CALLS) == data_digest(CALLS[::-1]) != data_digest(CALLS[1:])


def test_threshold_is_the_highest_that_is_nearly_best():
    probability = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.95], dtype=np.float32)
    assert 0.5 < best_threshold(probability, np.array([0, 0, 0, 1, 1, 1], dtype=np.float32)) < 0.85
