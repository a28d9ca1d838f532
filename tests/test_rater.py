"""Intervals: how many of the calls they cover."""

from dataclasses import replace

import numpy as np
import pytest

from ownership_scorer.forests import Forests
from ownership_scorer.networks import Layers
from ownership_scorer.rater import CallRater
from ownership_scorer.rubric import DIMENSIONS

NOTHING = Layers(*[np.zeros((0, 0), dtype=np.float32)] * 4)
UNSURE = CallRater(
    forests=Forests(*[np.zeros(0, dtype=np.int32)] * 5),
    middle=np.zeros(0),
    spread=np.zeros(0),
    layers=NOTHING,
    wording=NOTHING,
    stretch=np.tile([3.0, 1.0, 3.0], (len(DIMENSIONS), 1)),
    severity=np.zeros(len(DIMENSIONS)),
    knots=np.tile(np.linspace(1, 5, 5), (len(DIMENSIONS), 1)),
    below=np.zeros((len(DIMENSIONS), 5)),
    above=np.zeros((len(DIMENSIONS), 5)),
)


def calls(n, mean, spread, noise, seed):
    """Return what a rater expects, and whole ratings around it, the same for every dimension."""
    random = np.random.default_rng(seed)
    expected = np.clip(random.normal(mean, spread, n), 1, 5)
    ratings = np.clip(np.rint(expected + random.normal(0, noise, n)), 1, 5)
    return (np.tile(a[:, None], len(DIMENSIONS)).astype(np.float32) for a in (expected, ratings))


@pytest.mark.parametrize(
    ("mean", "spread", "noise"),
    [
        pytest.param(3, 1, 0.6, id="ratings of all kinds"),
        pytest.param(1, 1.2, 0.6, id="more than half of them 1, which any interval that reaches 1 covers"),
        pytest.param(4.5, 1, 0.9, id="many at the upper end"),
    ],
)
def test_intervals_cover_four_fifths_of_calls_like_those_they_were_learned_from(mean, spread, noise):
    rater = UNSURE.calibrated(*calls(4000, mean, spread, noise, 0))
    expected, ratings = calls(4000, mean, spread, noise, 1)
    score, low, high = rater.finish(expected)
    assert ((low <= score) & (score <= high)).all()
    assert ((low >= 1) & (high <= 5)).all()
    assert ((low <= ratings) & (ratings <= high)).mean(axis=0) == pytest.approx(0.8, abs=0.06)


def test_a_severity_moves_the_score_and_its_interval_and_keeps_both_on_the_scale():
    rater = UNSURE.calibrated(*calls(4000, 3, 1, 0.6, 0))
    expected = np.full((1, len(DIMENSIONS)), 3.0, dtype=np.float32)
    before, after = (np.hstack(r.finish(expected)) for r in (rater, rater.corrected(np.full(len(DIMENSIONS), 0.25))))
    assert after[0, :5] == pytest.approx(before[0, :5] + 0.25)
    score, _, high = replace(rater, severity=np.full(len(DIMENSIONS), 5.0)).finish(expected)
    assert score.max() == high.max() == 5
