"""From the behaviours of a call's agent turns to five ratings with intervals. Arrays in, arrays out; scikit-learn is needed for fitting only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS, GROUP, INTERVAL, SCALE

Floats = NDArray[np.float32]

_GROUPS: Final = tuple(dict.fromkeys(GROUP.values()))
_IN_GROUP: Final = np.array([[GROUP[b] == g for b in BEHAVIOURS] for g in _GROUPS])

#: Names of the columns of `call_features`, apart from the text features.
FACTS: Final = ("agent_turns", "agent_words", "words_a_turn", "shown", "heard_thanks", "heard_upset", "heard_problem", "heard_request", "heard_declines")
FEATURES: Final = (
    *(f"sum:{b}" for b in BEHAVIOURS),
    *(f"any:{b}" for b in BEHAVIOURS),
    *(f"share:{b}" for b in BEHAVIOURS),
    *(f"late:{b}" for b in BEHAVIOURS),
    *(f"any:{g}" for g in _GROUPS),
    *FACTS,
)
"""Names of the columns of `call_features` that every model has; the means of its own context features follow."""


#: Levels of the trees that are gone down before the finished calls are sorted out.
_LEVELS: Final = 5


@dataclass(frozen=True, slots=True)
class RaterSettings:
    """How a rater is fitted.

    Parameters
    ----------
    trees : int
        Trees a dimension.
    leaf : int
        Fewest calls in a leaf.
    share : float
        Share of the features looked at for a split.
    knots : int
        Points on the predicted scale at which the width of the interval is learned.
    seed : int
        Random start.
    """

    trees: int = 40
    leaf: int = 5
    share: float = 0.4
    knots: int = 5
    seed: int = 0


def call_features(probability: Floats, call: NDArray[np.int64], n_calls: int, facts: Floats, context: csr_matrix) -> Floats:
    """Sum the tagger's output up over calls.

    Parameters
    ----------
    probability : array, shape (agent turns, behaviours)
    call : array, shape (agent turns,)
        Call of each turn, ascending.
    n_calls : int
    facts : array, shape (calls, len(FACTS) - 3)
        Agent words, then the number of customer turns with thanks, upset, problem, request, declines.
    context : csr_matrix, shape (agent turns, context features)
        What the tagger saw of cues and context; the rater sees its mean over the call.

    Returns
    -------
    array, shape (calls, len(FEATURES) + context features)
    """
    counts = np.bincount(call, minlength=n_calls)
    out = np.zeros((n_calls, len(FEATURES) + context.shape[1]), dtype=np.float32)
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
    any_group = np.stack([1 - np.prod(1 - np.where(mask, some, 0), axis=1) for mask in _IN_GROUP], axis=1)
    shown = np.add.reduceat(1 - np.prod(1 - probability, axis=1), starts)[:, None] / n
    words = facts[has, :1]
    rest = [np.log1p(n), np.log1p(words), words / n / 20, shown, np.log1p(facts[has, 1:])]
    of_call = csr_matrix((np.repeat(1 / counts[has], counts[has]), np.arange(len(call)), np.append(starts, len(call))), shape=(len(has), len(call)))
    out[has] = np.hstack([np.log1p(total), some, total / n, late, any_group, *rest, (of_call @ context).toarray()])
    return out


@dataclass(frozen=True, slots=True)
class CallRater:
    """Forests of extremely randomised trees (Geurts, Ernst and Wehenkel 2006), one a dimension, kept as arrays, with learned interval widths.

    Parameters
    ----------
    feature, left, right : array of int, shape (nodes,)
        The nodes of all trees; a leaf has ``left == -1``.
    cut, value : array, shape (nodes,)
        Go left where the feature is at most ``cut``; ``value`` is the mean rating of the training calls in the node.
    root : array of int, shape (dimensions, trees)
    stretch : array, shape (dimensions, 2)
        Centre and factor that give the averaged predictions back the spread that averaging took from them.
    knots : array, shape (dimensions, knots)
    below, above : array, shape (dimensions, knots)
        How far the interval reaches below and above a prediction at each knot.
    """

    feature: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    cut: Floats
    value: Floats
    root: NDArray[np.int32]
    stretch: Floats
    knots: Floats
    below: Floats
    above: Floats

    @classmethod
    def fit(cls, features: Floats, ratings: Floats, settings: RaterSettings | None = None, weight: Floats | None = None) -> CallRater:
        """Fit on rated calls.

        Parameters
        ----------
        features : array, shape (calls, features)
        ratings : array, shape (calls, dimensions)
            1 to 5; NaN where there is no rating: that call is skipped for that dimension.
        settings : RaterSettings, optional
        weight : array, shape (calls,), optional
        """
        from sklearn.ensemble import ExtraTreesRegressor

        settings = settings or RaterSettings()
        nodes: list[list[NDArray[Any]]] = [[], [], [], [], []]
        roots = np.zeros((len(DIMENSIONS), settings.trees), dtype=np.int32)
        size = 0
        for d in range(len(DIMENSIONS)):
            rated, rating = ~np.isnan(ratings[:, d]), ratings[:, d]
            if not rated.any():
                # Nothing to learn from in this part of a cross-validation: the middle of the scale.
                rated, rating = np.ones(len(rating), dtype=bool), np.full(len(rating), np.mean(SCALE), dtype=np.float32)
            forest = ExtraTreesRegressor(settings.trees, min_samples_leaf=settings.leaf, max_features=settings.share, random_state=settings.seed)
            forest.fit(features[rated], rating[rated], sample_weight=None if weight is None else weight[rated])
            for t, tree in enumerate(forest.estimators_):
                inside = tree.tree_
                leaf = inside.children_left < 0
                roots[d, t] = size
                nodes[0].append(np.where(leaf, 0, inside.feature))
                nodes[1].append(np.where(leaf, -1, inside.children_left + size))
                nodes[2].append(np.where(leaf, -1, inside.children_right + size))
                nodes[3].append(np.where(leaf, 0, inside.threshold))
                nodes[4].append(inside.value[:, 0, 0])
                size += inside.node_count
        feature, left, right = (np.concatenate(part).astype(np.int32) for part in nodes[:3])
        cut, value = (np.concatenate(part).astype(np.float32) for part in nodes[3:])
        flat = np.zeros((len(DIMENSIONS), settings.knots), dtype=np.float32)
        stretch = np.tile(np.array([3.0, 1.0], dtype=np.float32), (len(DIMENSIONS), 1))
        knots = np.tile(np.linspace(*SCALE, settings.knots, dtype=np.float32), (len(DIMENSIONS), 1))
        return cls(feature, left, right, cut, value, roots, stretch, knots, flat, flat)

    def expected(self, features: Floats) -> Floats:
        """Return the forests' means, shape (calls, dimensions), before stretching."""
        n, width = features.shape
        flat = np.ascontiguousarray(features).ravel()
        leaf = self.left < 0
        # Where a node leads, left and right; a leaf leads to itself, so that finished calls need not be sorted out at each level.
        after = np.column_stack([np.where(leaf, np.arange(len(leaf), dtype=np.int32), side) for side in (self.left, self.right)]).ravel()
        mean = np.empty((n, len(self.root)), dtype=np.float32)
        for d, roots in enumerate(self.root):
            end = np.empty(n * len(roots), dtype=np.int32)
            pair = np.arange(len(end), dtype=np.int32)
            node, row = np.repeat(roots, n), np.tile(np.arange(n, dtype=np.int32) * np.int32(width), len(roots))
            while len(pair):
                for _ in range(_LEVELS):
                    right = flat.take(row + self.feature.take(node)) > self.cut.take(node)
                    node = after.take(2 * node + right)
                done = leaf.take(node)
                end[pair[done]] = node[done]
                node, row, pair = node[~done], row[~done], pair[~done]
            mean[:, d] = self.value.take(end).reshape(len(roots), n).mean(axis=0)
        return mean

    def rate(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Rate calls.

        Parameters
        ----------
        features : array, shape (calls, features)

        Returns
        -------
        tuple of array, each of shape (calls, dimensions)
            Rating, lower and upper end of its 80 % interval, all within 1..5.
        """
        return self.finish(self.expected(features) if len(features) else np.zeros((0, len(DIMENSIONS)), dtype=np.float32))

    def finish(self, raw: Floats) -> tuple[Floats, Floats, Floats]:
        """Give the forests' means their spread and their intervals; shapes as in `rate`."""
        centre, factor = self.stretch[:, 0], self.stretch[:, 1]
        score = np.clip(centre + (raw - centre) * factor, *SCALE).astype(np.float32)
        low, high = np.empty_like(score), np.empty_like(score)
        for d in range(len(DIMENSIONS)):
            low[:, d] = score[:, d] - np.interp(score[:, d], self.knots[d], self.below[d])
            high[:, d] = score[:, d] + np.interp(score[:, d], self.knots[d], self.above[d])
        return score, np.clip(low, *SCALE), np.clip(high, *SCALE)

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
        (split conformal prediction, Vovk et al. 2005, made local).
        """
        from ownership_scorer.agreement import weighted_kappa

        stretch, knots, below, above = (a.copy() for a in (self.stretch, self.knots, self.below, self.above))
        for d in range(len(DIMENSIONS)):
            rated = ~np.isnan(ratings[:, d])
            raw, true = expected[rated, d], ratings[rated, d]
            centre = float(np.mean(true))
            kappas = [weighted_kappa(true, _stretched(raw, centre, factor)) for factor in _FACTORS]
            stretch[d] = centre, _FACTORS[int(np.argmax(np.convolve(np.pad(kappas, 1, mode="edge"), np.ones(3) / 3, mode="valid")))]
            score = _stretched(raw, *stretch[d])
            knots[d] = np.quantile(score, np.linspace(0.05, 0.95, knots.shape[1]))
            nearest = max(40, len(score) // knots.shape[1])
            for k, knot in enumerate(knots[d]):
                near = np.argsort(np.abs(score - knot), kind="stable")[:nearest]
                below[d, k], above[d, k] = _reach(true[near] - score[near])
        return CallRater(self.feature, self.left, self.right, self.cut, self.value, self.root, stretch, knots, below, above)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that a model folder has to keep."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


_FACTORS: Final = tuple(np.linspace(1.0, 1.8, 17).tolist())


def _stretched(raw: Floats, centre: float, factor: float) -> Floats:
    stretched: Floats = np.clip(centre + (raw - centre) * factor, *SCALE)
    return stretched


def _reach(residual: Floats) -> tuple[float, float]:
    """Return how far below and above zero the shortest span reaches that holds the wanted share of the residuals."""
    ordered = np.sort(residual)
    held = int(np.ceil(INTERVAL * len(ordered)))
    widths = ordered[held - 1 :] - ordered[: len(ordered) - held + 1]
    first = int(np.argmin(widths))
    return max(0.0, -float(ordered[first])), max(0.0, float(ordered[first + held - 1]))


def ratings_array(ratings: Sequence[dict[str, float | None]]) -> Floats:
    """Return ratings as an array, shape (calls, dimensions), NaN where there is none."""
    return np.array([[np.nan if r.get(d) is None else r[d] for d in DIMENSIONS] for r in ratings], dtype=np.float32).reshape(-1, len(DIMENSIONS))
