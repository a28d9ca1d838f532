"""Small neural networks of one hidden layer, several side by side as one: fitted with scikit-learn, kept as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix, issparse

from ownership_scorer.arrays import Floats

#: The share of the passes after which smaller steps settle the weights, and how much smaller they are.
_SETTLE: Final = 2 / 3
_SMALLER: Final = 3


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How networks are fitted.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer that all outputs share, a network.
    epochs : int
        Passes over the training rows.
    batch : int
        Rows a step.
    steps : int
        Fewest steps in all: with few rows, more passes are made.
    l2 : float
        Weight penalty.
    dropout : float
        Share of a row's features hidden at random in each pass, so that no single one carries the decision.
    learning_rate : float
        Step size of Adam.
    seed : int
        Random start; the same seed and data give the same network.
    """

    hidden: int = 64
    epochs: int = 10
    batch: int = 128
    steps: int = 1000
    l2: float = 1e-2
    dropout: float = 0.3
    learning_rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Layers:
    """Weights of several networks whose outputs are averaged, their hidden units side by side."""

    inner: Floats  #: shape (features, units)
    inner_bias: Floats  #: shape (units,)
    outer: Floats  #: shape (units, outputs)
    outer_bias: Floats  #: shape (outputs,)

    def hidden(self, *blocks: csr_matrix | Floats) -> Floats:
        """Return what the hidden units sum up, shape (rows, units), below zero they are silent; features may come in blocks of columns."""
        at = blocks[0].shape[1]
        hidden: Floats = blocks[0] @ self.inner[:at]
        hidden += self.inner_bias
        for block in blocks[1:]:
            hidden += block @ self.inner[at : at + block.shape[1]]
            at += block.shape[1]
        return hidden

    def output(self, *blocks: csr_matrix | Floats) -> Floats:
        """Return the averaged outputs, shape (rows, outputs)."""
        return self.outward(self.hidden(*blocks))

    def outward(self, hidden: Floats) -> Floats:
        """Return the averaged outputs of hidden units, shape (rows, outputs); silences in ``hidden`` those below zero."""
        np.maximum(hidden, 0, out=hidden)
        output: Floats = hidden @ self.outer + self.outer_bias
        return output


def fit(kind: type[Any], features: csr_matrix | Floats, targets: Floats, number: int, settings: NetworkSettings) -> Layers:
    """Fit several networks with different random starts.

    Parameters
    ----------
    kind : type
        `sklearn.neural_network.MLPClassifier` (outputs are log-odds) or `MLPRegressor`.
    features : csr_matrix or array, shape (rows, features)
    targets : array, shape (rows, outputs)
    number : int
        How many networks.
    settings : NetworkSettings

    Returns
    -------
    Layers
    """
    parts = [_network(kind, features, targets, settings, start) for start in range(number)]
    return Layers(
        inner=np.hstack([coefs[0] for coefs, _ in parts]).astype(np.float32),
        inner_bias=np.hstack([biases[0] for _, biases in parts]).astype(np.float32),
        outer=(np.vstack([coefs[1] for coefs, _ in parts]) / number).astype(np.float32),
        outer_bias=np.mean([biases[1] for _, biases in parts], axis=0).astype(np.float32),
    )


def _network(kind: type[Any], features: csr_matrix | Floats, targets: Floats, settings: NetworkSettings, start: int) -> tuple[list[Floats], list[Floats]]:
    """Fit one network; return its weights and biases, a layer each."""
    from sklearn.base import is_classifier

    random = np.random.default_rng([settings.seed, start])
    size = min(settings.batch, features.shape[0])
    epochs = max(settings.epochs, -(-settings.steps // -(-features.shape[0] // size)))
    network = kind(
        hidden_layer_sizes=(settings.hidden,),
        alpha=settings.l2,
        batch_size=size,
        learning_rate_init=settings.learning_rate,
        random_state=int(random.integers(2**31)),
    )
    first = {"classes": np.arange(targets.shape[1])} if is_classifier(network) else {}
    for epoch in range(epochs):
        network.partial_fit(_hide(features, settings.dropout, random), targets, **(first if epoch == 0 else {}))
        if epoch == int(epochs * _SETTLE):
            network._optimizer.learning_rate_init = settings.learning_rate / _SMALLER
    return network.coefs_, network.intercepts_


def _hide(features: csr_matrix | Floats, share: float, random: np.random.Generator) -> csr_matrix | Floats:
    """Hide a share of the features, others each time."""
    if not share:
        return features
    if not issparse(features):
        return (features * (random.random(features.shape) >= share) / (1 - share)).astype(features.dtype)
    seen = features.copy()
    seen.data *= (random.random(len(seen.data)) >= share).astype(seen.data.dtype) / (1 - share)
    return seen
