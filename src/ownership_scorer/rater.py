"""From the behaviours of a call's agent turns to five ratings with intervals. Arrays in, arrays out; scikit-learn is needed for fitting only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from ownership_scorer import forests, networks
from ownership_scorer.arrays import Floats, Ints
from ownership_scorer.forests import Forests
from ownership_scorer.networks import Layers, NetworkSettings
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS, GROUP, INTERVAL, SCALE
from ownership_scorer.tagger import View

_GROUPS: Final = tuple(dict.fromkeys(GROUP.values()))
_IN_GROUP: Final = np.array([[GROUP[b] == g for b in BEHAVIOURS] for g in _GROUPS])

#: What is known of a call besides the agent's behaviours.
FACTS: Final = ("agent_turns", "agent_words", "words_a_turn", "shown", "heard_thanks", "heard_upset", "heard_problem", "heard_request", "heard_declines")
FEATURES: Final = (
    *(f"sum:{b}" for b in BEHAVIOURS),
    *(f"any:{b}" for b in BEHAVIOURS),
    *(f"share:{b}" for b in BEHAVIOURS),
    *(f"late:{b}" for b in BEHAVIOURS),
    *(f"said:{b}" for b in BEHAVIOURS),
    *(f"ever_said:{b}" for b in BEHAVIOURS),
    "silent",
    *(f"any:{g}" for g in _GROUPS),
    *FACTS,
)
"""Names of the columns of `call_features`. ``silent``: turns that show nothing."""

#: Weight of the forests in the mean of the two readings of the behaviours, and of the reading of the wording beside both.
_FORESTS: Final = 0.7
_WORDING: Final = 0.2
#: Ratings by others than those it learned from scatter more widely around the model's: so much wider are its intervals where there is a severity.
_WIDER: Final = 1.15
#: How the network that reads the wording is fitted.
_READS_WORDING: Final = NetworkSettings(hidden=64, epochs=14, batch=64, dropout=0.6)
#: Added to a feature's standard deviation, so that one that hardly ever differs does not shout; a standardised feature reaches no farther than the second.
_LEAST_SPREAD: Final = np.float32(0.01)
_FARTHEST: Final = 6


@dataclass(frozen=True, slots=True)
class RaterSettings(NetworkSettings):
    """How a rater is fitted: `NetworkSettings`, with other values, and more. The network over the wording takes ``steps`` and ``seed`` from them.

    Parameters
    ----------
    trees : int
        Trees a dimension.
    leaf : int
        Fewest calls in a leaf.
    share : float
        Share of the features looked at for a split.
    networks : int
        Networks with different random starts.
    knots : int
        Points on the predicted scale at which the width of the interval is learned.
    """

    trees: int = 12
    leaf: int = 7
    share: float = 0.2
    networks: int = 3
    knots: int = 5
    hidden: int = 32
    epochs: int = 25
    batch: int = 64


def call_features(probability: Floats, said: NDArray[np.bool_], call: NDArray[np.int64], n_calls: int, facts: Floats) -> Floats:
    """Sum the tagger's output up over calls.

    Parameters
    ----------
    probability : array, shape (agent turns, behaviours)
    said : array, shape (agent turns, behaviours)
        Where the probability reaches its threshold.
    call : array, shape (agent turns,)
        Call of each turn, ascending.
    n_calls : int
    facts : array, shape (calls, len(FACTS) - 3)
        Agent words, then the number of customer turns with thanks, upset, problem, request, declines.

    Returns
    -------
    array, shape (calls, len(FEATURES))
    """
    counts = np.bincount(call, minlength=n_calls)
    out = np.zeros((n_calls, len(FEATURES)), dtype=np.float32)
    has = np.flatnonzero(counts)
    if not len(has):
        return out
    starts = np.searchsorted(call, has)
    n = counts[has][:, None].astype(np.float32)
    total = np.add.reduceat(probability, starts, axis=0)
    log_no = np.log1p(-np.minimum(probability, 0.999))
    some = 1 - np.exp(np.add.reduceat(log_no, starts, axis=0))
    position = np.arange(len(call)) - np.repeat(starts, counts[has])
    late = probability * (position >= (2 * np.repeat(counts[has], counts[has])) // 3)[:, None]
    late = np.maximum.reduceat(late, starts, axis=0)
    times = np.add.reduceat(said.astype(np.float32), starts, axis=0)
    silent = np.add.reduceat((~said.any(axis=1)).astype(np.float32), starts)[:, None] / n
    any_group = np.stack([1 - np.prod(1 - np.where(mask, some, 0), axis=1) for mask in _IN_GROUP], axis=1)
    shown = np.add.reduceat(1 - np.prod(1 - probability, axis=1), starts)[:, None] / n
    words = facts[has, :1]
    rest = [np.log1p(n), np.log1p(words), words / n / 20, shown, np.log1p(facts[has, 1:])]
    out[has] = np.hstack([np.log1p(total), some, total / n, late, np.log1p(times), times > 0, silent, any_group, *rest])
    return out


def call_wording(view: View, call: NDArray[np.int64], n_calls: int) -> View:
    """Count over calls what is seen in their turns: cues and context, words, and patterns of words.

    Parameters
    ----------
    view : View
        Of the agent's turns.
    call : array, shape (agent turns,)
        Call of each turn, ascending.
    n_calls : int

    Returns
    -------
    View
        Of calls: logarithms of one more than the counts.
    """
    ones, turns = np.ones(len(call), dtype=np.float32), np.arange(len(call))
    of_call = csr_matrix((ones, turns, np.searchsorted(call, np.arange(n_calls + 1))), shape=(n_calls, len(call)))
    counts = View(*(of_call @ block for block in view))
    for block in counts:
        block.data = np.log1p(block.data)
    return counts


@dataclass(frozen=True, slots=True)
class CallRater:
    """The weighted mean of three readings of a call, with learned interval widths: its behaviours by forests and by small networks, its wording by a network.

    Parameters
    ----------
    forests : Forests
        One a dimension.
    middle, spread : array, shape (features,)
        What the networks' features are standardised with.
    layers : Layers
        Networks with an output a dimension.
    wording : Layers
        The same, over what `call_wording` counts.
    stretch : array, shape (dimensions, 3)
        What gives the averaged predictions back the spread that averaging took from them: their centre, a factor, and the centre of the ratings.
    severity : array, shape (dimensions,)
        By how much those who rated the calls it was fitted on rate more severely than those whose ratings it is to meet; is added to its ratings.
    knots : array, shape (dimensions, knots)
    below, above : array, shape (dimensions, knots)
        How far the interval reaches below and above a prediction at each knot.
    """

    forests: Forests
    middle: Floats
    spread: Floats
    layers: Layers
    wording: Layers
    stretch: Floats
    severity: Floats
    knots: Floats
    below: Floats
    above: Floats

    @classmethod
    def fit(cls, features: Floats, wording: View, ratings: Floats, settings: RaterSettings | None = None, times: Ints | None = None) -> CallRater:
        """Fit on rated calls.

        Parameters
        ----------
        features : array, shape (calls, features)
        wording : View
            As `call_wording` returns it.
        ratings : array, shape (calls, dimensions)
            1 to 5; NaN where there is no rating.
        settings : RaterSettings, optional
        times : array, shape (calls,), optional
            How many times each call counts.
        """
        from sklearn.neural_network import MLPRegressor

        settings = settings or RaterSettings()
        rated = ~np.isnan(ratings)
        # Where there is nothing to learn from in this part of a cross-validation: the middle of the scale.
        ratings = np.where(rated.any(axis=0), ratings, np.mean(SCALE)).astype(np.float32)
        seen = np.arange(len(ratings)) if times is None else np.repeat(np.arange(len(ratings)), times)
        some = np.any(rated, axis=1)
        if some.any():
            seen = seen[some[seen]]
        mean = np.nanmean(ratings[seen], axis=0)
        middle, spread = features.mean(axis=0), features.std(axis=0) + _LEAST_SPREAD
        targets = np.where(np.isnan(ratings), 0, ratings - mean)[seen]
        layers = networks.fit(MLPRegressor, _standard(features, middle, spread)[seen], targets, settings.networks, settings)
        layers = replace(layers, outer_bias=layers.outer_bias + mean)
        words = hstack(wording.of(seen), format="csr")
        reads = networks.fit(MLPRegressor, words, targets, 1, replace(_READS_WORDING, steps=settings.steps, seed=settings.seed))
        reads = replace(reads, outer_bias=reads.outer_bias + mean)
        forest = forests.fit(features, ratings, settings.trees, settings.leaf, settings.share, settings.seed, times)
        flat = np.zeros((len(DIMENSIONS), settings.knots), dtype=np.float32)
        stretch = np.tile(np.array([3.0, 1.0, 3.0], dtype=np.float32), (len(DIMENSIONS), 1))
        knots = np.tile(np.linspace(*SCALE, settings.knots, dtype=np.float32), (len(DIMENSIONS), 1))
        return cls(forest, middle, spread, layers, reads, stretch, np.zeros(len(DIMENSIONS), dtype=np.float32), knots, flat, flat)

    def expected(self, features: Floats, wording: View) -> Floats:
        """Return the weighted mean of the readings, shape (calls, dimensions), before stretching."""
        other = np.clip(self.layers.output(_standard(features, self.middle, self.spread)), *SCALE)
        shown = _FORESTS * self.forests.predict(features) + (1 - _FORESTS) * other
        expected: Floats = ((1 - _WORDING) * shown + _WORDING * np.clip(self.wording.output(*wording), *SCALE)).astype(np.float32)
        return expected

    def rate(self, features: Floats, wording: View) -> tuple[Floats, Floats, Floats]:
        """Rate calls.

        Parameters
        ----------
        features : array, shape (calls, features)
        wording : View

        Returns
        -------
        tuple of array, each of shape (calls, dimensions)
            Rating, lower and upper end of its 80 % interval, all within 1..5.
        """
        return self.finish(self.expected(features, wording) if len(features) else np.zeros((0, len(DIMENSIONS)), dtype=np.float32))

    def finish(self, raw: Floats) -> tuple[Floats, Floats, Floats]:
        """Give expected ratings their spread and their intervals; shapes as in `rate`."""
        as_rated = _stretched(raw, *self.stretch.T).astype(np.float32)
        score = np.clip(as_rated + self.severity, *SCALE)
        low, high = np.empty_like(score), np.empty_like(score)
        for d in range(len(DIMENSIONS)):
            low[:, d], high[:, d] = _ends(score[:, d], as_rated[:, d], self.knots[d], self.below[d], self.above[d])
        return score, low, high

    def calibrated(self, expected: Floats, ratings: Floats) -> CallRater:
        """Return this rater with spread and interval widths learned from calls that it (or its twin of the same recipe) was not fitted on.

        Parameters
        ----------
        expected : array, shape (calls, dimensions)
            As `expected` returns them.
        ratings : array, shape (calls, dimensions)
            NaN where there is none.

        Notes
        -----
        The factor is chosen for the best quadratic weighted kappa. The interval takes the residuals' quantiles among the calls nearest to each knot
        (split conformal prediction, Vovk et al. 2005, made local), as wide ones as make it cover the wanted share of all calls: ratings are whole numbers,
        and where nearly all are 1, the shortest span that holds some of them holds nearly all.
        """
        from ownership_scorer.agreement import weighted_kappa

        stretch, knots, below, above = (a.copy() for a in (self.stretch, self.knots, self.below, self.above))
        for d in range(len(DIMENSIONS)):
            rated = ~np.isnan(ratings[:, d])
            if not rated.any():
                continue
            raw, true = expected[rated, d], ratings[rated, d]
            centre, rated_centre = float(np.mean(raw)), float(np.mean(true))
            kappas = [weighted_kappa(true, _stretched(raw, centre, factor, rated_centre)) for factor in _FACTORS]
            best = int(np.argmax(np.convolve(np.pad(kappas, 1, mode="edge"), np.ones(3) / 3, mode="valid")))
            stretch[d] = centre, _FACTORS[best], rated_centre
            score = _stretched(raw, *stretch[d])
            knots[d] = np.quantile(score, np.linspace(0.05, 0.95, knots.shape[1]))
            nearest = max(40, len(score) // knots.shape[1])
            residuals = [(true - score)[np.argsort(np.abs(score - knot), kind="stable")[:nearest]] for knot in knots[d]]
            reaches = [np.array([_reach(residual, share) for residual in residuals]).T for share in _SHARES]
            ends = [_ends(score, score, knots[d], *reach) for reach in reaches]
            covers = np.array([np.mean((low <= true) & (true <= high)) for low, high in ends])
            below[d], above[d] = reaches[int(np.argmin(np.abs(covers - INTERVAL)))]
        return replace(self, stretch=stretch, knots=knots, below=below, above=above)

    def corrected(self, severity: Floats) -> CallRater:
        """Return this rater with a severity made up for, shape (dimensions,), and with wider intervals where there is one."""
        wider = np.where(severity[:, None] == 0, 1, _WIDER).astype(np.float32)
        return replace(self, severity=severity, below=self.below * wider, above=self.above * wider)


_FACTORS: Final = tuple(np.linspace(1.0, 1.8, 17).tolist())
#: Shares of the nearest calls' residuals among which that of the intervals is chosen.
_SHARES: Final = tuple(np.linspace(0.5, 0.95, 46).tolist())


def _standard(features: Floats, middle: Floats, spread: Floats) -> Floats:
    standard: Floats = np.clip((features - middle) / spread, -_FARTHEST, _FARTHEST)
    return standard


def _stretched(raw: Floats, centre: Floats | float, factor: Floats | float, rated_centre: Floats | float) -> Floats:
    stretched: Floats = np.clip(rated_centre + (raw - centre) * factor, *SCALE)
    return stretched


def _ends(score: Floats, as_rated: Floats, knots: Floats, below: Floats, above: Floats) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of the intervals around scores, as wide as is learned for what the model's own raters would give."""
    low, high = score - np.interp(as_rated, knots, below), score + np.interp(as_rated, knots, above)
    return np.clip(low, *SCALE), np.clip(high, *SCALE)


def _reach(residual: Floats, share: float) -> tuple[float, float]:
    """Return how far below and above zero the shortest span reaches that holds a share of the residuals."""
    ordered = np.sort(residual)
    held = int(np.ceil(share * len(ordered)))
    widths = ordered[held - 1 :] - ordered[: len(ordered) - held + 1]
    first = int(np.argmin(widths))
    return max(0.0, -float(ordered[first])), max(0.0, float(ordered[first + held - 1]))


def ratings_array(ratings: Sequence[dict[str, float | None]]) -> Floats:
    """Return ratings as an array, shape (calls, dimensions), NaN where there is none."""
    return np.array([[np.nan if r.get(d) is None else r[d] for d in DIMENSIONS] for r in ratings], dtype=np.float32).reshape(-1, len(DIMENSIONS))
