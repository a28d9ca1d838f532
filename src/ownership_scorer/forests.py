"""Forests of extremely randomised trees (Geurts, Ernst and Wehenkel 2006), fitted with scikit-learn, kept as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.arrays import Floats

#: Levels of the trees that are gone down before the finished rows are sorted out.
_LEVELS: Final = 5


@dataclass(frozen=True)
class Forests:
    """A forest for each of several targets.

    Parameters
    ----------
    feature, left, right : array of int, shape (nodes,)
        The nodes of all trees; a leaf has ``left == -1``.
    cut, value : array, shape (nodes,)
        Go left where the feature is at most ``cut``; ``value`` is the mean target of the training rows in the node.
    root : array of int, shape (targets, trees)
    """

    feature: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    cut: Floats
    value: Floats
    root: NDArray[np.int32]

    @cached_property
    def _paths(self) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Which nodes are leaves, and where each leads, left and right; a leaf leads to itself, so that finished rows need not be sorted out at each level."""
        leaf = self.left < 0
        return leaf, np.column_stack([np.where(leaf, np.arange(len(leaf), dtype=np.int32), side) for side in (self.left, self.right)]).ravel()

    def predict(self, features: Floats) -> Floats:
        """Return the forests' means, shape (rows, targets)."""
        n, width = features.shape
        flat = np.ascontiguousarray(features).ravel()
        leaf, after = self._paths
        # Every pair of a tree and a row goes down at once.
        end = np.empty(n * self.root.size, dtype=np.int32)
        pair = np.arange(len(end), dtype=np.int32)
        node, row = np.repeat(self.root.ravel(), n), np.tile(np.arange(n, dtype=np.int32) * np.int32(width), self.root.size)
        while len(pair):
            for _ in range(_LEVELS):
                right = flat.take(row + self.feature.take(node)) > self.cut.take(node)
                node = after.take(2 * node + right)
            done = leaf.take(node)
            end[pair[done]] = node[done]
            node, row, pair = node[~done], row[~done], pair[~done]
        mean: Floats = self.value.take(end).reshape(*self.root.shape, n).mean(axis=1).T
        return mean


def fit(features: Floats, targets: Floats, trees: int, leaf: int, share: float, seed: int) -> Forests:
    """Fit a forest for each target.

    Parameters
    ----------
    features : array, shape (rows, features)
    targets : array, shape (rows, targets)
        NaN where there is none: that row is skipped for that target; at least one row has each.
    trees : int
        Trees a target.
    leaf : int
        Fewest rows in a leaf.
    share : float
        Share of the features looked at for a split.
    seed : int

    Returns
    -------
    Forests
    """
    from sklearn.ensemble import ExtraTreesRegressor

    nodes: list[list[NDArray[Any]]] = [[], [], [], [], []]
    roots = np.zeros((targets.shape[1], trees), dtype=np.int32)
    size = 0
    for d, target in enumerate(targets.T):
        known = ~np.isnan(target)
        forest = ExtraTreesRegressor(trees, min_samples_leaf=leaf, max_features=share, random_state=seed).fit(features[known], target[known])
        for t, tree in enumerate(forest.estimators_):
            inside = tree.tree_
            leaves = inside.children_left < 0
            roots[d, t] = size
            nodes[0].append(np.where(leaves, 0, inside.feature))
            nodes[1].append(np.where(leaves, -1, inside.children_left + size))
            nodes[2].append(np.where(leaves, -1, inside.children_right + size))
            nodes[3].append(np.where(leaves, 0, inside.threshold))
            nodes[4].append(inside.value[:, 0, 0])
            size += inside.node_count
    feature, left, right = (np.concatenate(part).astype(np.int32) for part in nodes[:3])
    cut, value = (np.concatenate(part).astype(np.float32) for part in nodes[3:])
    return Forests(feature, left, right, cut, value, roots)
