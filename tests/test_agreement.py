"""Kappa, F1 and bootstrap against values worked out elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from ownership_scorer.agreement import behaviour_f1, bootstrap, weighted_kappa

ratings = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=60)


@given(ratings)
def test_kappa_is_that_of_scikit_learn(pairs):
    a, b = zip(*pairs, strict=True)
    if len(set(a) | set(b)) > 1:
        assert weighted_kappa(a, b) == pytest.approx(cohen_kappa_score(a, b, weights="quadratic", labels=[1, 2, 3, 4, 5]), abs=1e-9)


def test_kappa_leaves_out_missing_ratings_and_rounds():
    assert weighted_kappa([1, 5, np.nan, 3], [1.4, 4.6, 2, 3.2]) == 1
    assert np.isnan(weighted_kappa([3, 3], [3, 3]))
    assert np.isnan(weighted_kappa([np.nan], [1]))


def test_kappa_of_many_equals_kappa_of_few():
    a, b = [1, 2, 3, 4, 5, 3], [1, 3, 3, 5, 4, 2]
    assert weighted_kappa(a * 200, b * 200) == pytest.approx(weighted_kappa(a, b))


def test_f1():
    said = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
    true = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=bool)
    assert behaviour_f1(said, true).tolist() == pytest.approx([0.5, 1.0, np.nan], nan_ok=True)


def test_bootstrap_holds_the_mean_and_repeats():
    values = np.arange(100.0)
    low, high = bootstrap(lambda draw: float(values[draw].mean()), 100)
    assert low < 49.5 < high
    assert (low, high) == bootstrap(lambda draw: float(values[draw].mean()), 100)
