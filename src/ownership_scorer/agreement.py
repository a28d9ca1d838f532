"""People and machine held against each other: kappa for ratings, F1 for behaviours, with intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ownership_scorer.rubric import SCALE


def weighted_kappa(first: ArrayLike, second: ArrayLike) -> float:
    """Quadratic weighted kappa of two series of ratings (Cohen 1968), rounded to whole ratings.

    Parameters
    ----------
    first, second : array-like, shape (calls,)
        Ratings from 1 to 5; pairs with a NaN are left out.

    Returns
    -------
    float
        1 for full agreement, 0 for chance; NaN where neither series varies.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    both = ~np.isnan(a) & ~np.isnan(b)
    low, high = SCALE
    a, b = (np.clip(np.rint(x[both]), low, high) for x in (a, b))
    if not len(a):
        return float("nan")
    expected = float(np.mean((a[:, None] - b[None, :]) ** 2)) if len(a) < 500 else float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    return float("nan") if expected == 0 else 1 - float(np.mean((a - b) ** 2)) / expected


def behaviour_f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """F1 a behaviour.

    Parameters
    ----------
    said, true : array of bool, shape (turns, behaviours)

    Returns
    -------
    array, shape (behaviours,)
        NaN where a behaviour is neither said nor true.
    """
    hits = (said & true).sum(0)
    total = said.sum(0) + true.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, 2 * hits / total, np.nan)


def bootstrap(statistic: Callable[[NDArray[np.int64]], float], n: int, rounds: int = 1000, seed: int = 0, share: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval (Efron 1979).

    Parameters
    ----------
    statistic : callable
        Takes the positions of the drawn items (calls), returns the figure.
    n : int
        Number of items.
    rounds, seed : int
    share : float
        Share of the draws that the interval holds.

    Returns
    -------
    tuple of float
        Lower and upper end.
    """
    random = np.random.default_rng(seed)
    draws = [statistic(random.integers(0, n, n)) for _ in range(rounds)]
    tail = (1 - share) / 2 * 100
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return float(low), float(high)
