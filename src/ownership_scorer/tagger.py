"""From features of agent turns to a probability a behaviour. Arrays in, arrays out; scikit-learn is needed for fitting only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ownership_scorer import networks
from ownership_scorer.arrays import Floats
from ownership_scorer.networks import Layers, NetworkSettings
from ownership_scorer.rubric import BEHAVIOURS

#: Share of the best F1 that is good enough for a higher threshold.
_NEARLY: Final = 0.97
#: Said in more ways than a training corpus has, so that a model is less sure of them in real calls: they keep the best threshold.
_MANY_WAYS: Final = frozenset({"probe", "set_expectation"})
#: So many times rarer in real calls than in the training corpus, which was enriched with them: a false alarm weighs accordingly.
_RARER: Final = {"dismiss": 8}
#: Turns with a behaviour that are enough to learn its threshold from.
_ENOUGH: Final = 10
#: A threshold that no probability reaches.
_NEVER: Final = 1.1


class View(NamedTuple):
    """What there is to see of turns: blocks of binary features, each of shape (turns, columns)."""

    context: csr_matrix  #: cues, and how the turn stands to the others
    words: csr_matrix  #: runs of its words
    patterns: csr_matrix  #: runs of its function words and of the classes of its other words

    def of(self, turns: NDArray[Any]) -> View:
        """Return the view of some turns: their numbers, or a mask."""
        return View(*(block[turns] for block in self))


@dataclass(frozen=True, slots=True)
class TaggerSettings(NetworkSettings):
    """How the three networks of a tagger are fitted; each has ``hidden`` units."""

    hidden: int = 192
    epochs: int = 16
    batch: int = 512
    dropout: float = 0.6
    learning_rate: float = 3e-3


@dataclass(frozen=True, slots=True)
class BehaviourTagger:
    """Three networks of one hidden layer, each with another view of a turn, with calibrated outputs and a threshold a behaviour.

    Their log-odds are averaged: a network that sees a turn's own words learns most from them, one that does not carries over better to unknown domains.

    Parameters
    ----------
    context : Layers
        Sees cues and context.
    words : Layers
        Sees the turn's words, too.
    patterns : Layers
        Sees the patterns of the turn's words, too, but not the words.
    slope, offset : array, shape (behaviours,)
        Calibration of the log-odds (Platt 1999, "Probabilistic outputs for support vector machines").
    threshold : array, shape (behaviours,)
        Calibrated probability from which a turn is said to show the behaviour.
    """

    context: Layers
    words: Layers
    patterns: Layers
    slope: Floats
    offset: Floats
    threshold: Floats

    @classmethod
    def fit(cls, view: View, labels: Floats, settings: TaggerSettings | None = None) -> BehaviourTagger:
        """Fit an uncalibrated tagger (slope 1, offset 0), which says no behaviour yet.

        Parameters
        ----------
        view : View
            Of turns.
        labels : array, shape (turns, behaviours)
            1 where a turn shows a behaviour, 0 where not.
        settings : TaggerSettings, optional

        Returns
        -------
        BehaviourTagger
        """
        from scipy.sparse import hstack
        from sklearn.neural_network import MLPClassifier

        settings = settings or TaggerSettings()
        ones = np.ones(labels.shape[1], dtype=np.float32)
        context, words, patterns = (
            networks.fit(MLPClassifier, hstack(blocks, format="csr"), labels, 1, replace(settings, seed=settings.seed + i))
            for i, blocks in enumerate(([view.context], [view.context, view.words], [view.context, view.patterns]))
        )
        return cls(context, words, patterns, slope=ones, offset=ones * 0, threshold=ones * _NEVER)

    def log_odds(self, view: View, hidden: Floats | None = None) -> Floats:
        """Return uncalibrated log-odds, shape (turns, behaviours).

        Parameters
        ----------
        view : View
        hidden : array, shape (turns, units), optional
            What `Layers.hidden` of the network that sees words makes of the view, where it is known already; units below zero are silenced in it.
        """
        hidden = self.words.hidden(view.context, view.words) if hidden is None else hidden
        log_odds = self.context.output(view.context) + self.words.outward(hidden) + self.patterns.output(view.context, view.patterns)
        return np.float32(1 / 3) * log_odds  # the mean of the three

    def probabilities(self, view: View, hidden: Floats | None = None) -> Floats:
        """Return calibrated probabilities, shape (turns, behaviours), each in 0..1; parameters as of `log_odds`."""
        return self.calibrate(self.log_odds(view, hidden))

    def calibrate(self, log_odds: Floats) -> Floats:
        """Turn log-odds into calibrated probabilities, of the same shape."""
        return _logistic(log_odds * self.slope + self.offset)

    def calibrated(self, log_odds: Floats, labels: Floats, at_home: bool = False) -> BehaviourTagger:
        """Return this tagger with calibration and thresholds from log-odds of turns that it (or its twin of the same recipe) was not fitted on.

        Parameters
        ----------
        log_odds, labels : array, shape (turns, behaviours)
        at_home : bool
            Whether these are turns of just the kind that it is for, and not of a training corpus with more behaviours than real calls have. Each behaviour then
            gets its best threshold, but one that fewer than ten of the turns show keeps what it has.

        Notes
        -----
        The threshold is `best_threshold` on these turns. A behaviour that never occurs there is not said, if it was not before.
        """
        from sklearn.linear_model import LogisticRegression

        slope, offset, threshold = self.slope.copy(), self.offset.copy(), self.threshold.copy()
        cases = labels.sum(axis=0)
        for k in np.flatnonzero((cases >= (_ENOUGH if at_home else 1)) & (cases < len(labels))):
            model = LogisticRegression(C=1e3).fit(log_odds[:, k : k + 1], labels[:, k] > 0)
            slope[k], offset[k] = max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])
            name = BEHAVIOURS[k]
            nearly = 1 if at_home or name in _MANY_WAYS or name in _RARER else _NEARLY
            rarer = 1 if at_home else _RARER.get(name, 1)
            threshold[k] = best_threshold(_logistic(log_odds[:, k] * slope[k] + offset[k]), labels[:, k], nearly, rarer)
        return replace(self, slope=slope, offset=offset, threshold=threshold)


def _logistic(log_odds: Floats) -> Floats:
    # That of scipy.special takes a tenth of a second to import.
    probability: Floats = np.exp(-np.logaddexp(0, -log_odds))
    return probability


def best_threshold(probability: Floats, label: Floats, nearly: float = _NEARLY, rarer: float = 1) -> float:
    """Return the highest probability from which calling turns positive gives nearly the best F1, read off a smoothed curve.

    The highest, because real calls show every behaviour more rarely than a training corpus does.

    Parameters
    ----------
    probability, label : array, shape (turns,)
    nearly : float
        Share of the best F1 that is enough.
    rarer : float
        How many turns without the behaviour each such turn stands for.

    Returns
    -------
    float
        Between 0.05 and 0.9.
    """
    grid = np.linspace(0.05, 0.9, 86)
    said = probability[:, None] >= grid
    hits = (said & (label[:, None] > 0)).sum(0)
    f1 = 2 * hits / np.maximum(1, hits + rarer * (said.sum(0) - hits) + label.sum())
    smooth = np.convolve(np.pad(f1, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    return float(grid[np.flatnonzero(smooth >= nearly * smooth.max())[-1]])
