"""Forests of extremely randomised trees (Geurts, Ernst and Wehenkel 2006), fitted with scikit-learn, kept as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.arrays import Floats, Ints

#: Levels of the trees that are gone down before the finished rows are sorted out.
_LEVELS: Final = 6
#: A node: all that a step down needs lies side by side, so that it is fetched at once.
_NODE: Final = np.dtype([("feature", np.int32), ("cut", np.float32), ("child", np.int32), ("value", np.float32)])


@dataclass(frozen=True)
class Forests:
    """A forest for each of several targets.

    Parameters
    ----------
    feature, child : array of int, shape (nodes,)
        The nodes of all trees. A row goes on to ``child`` where the feature is at most ``cut``, otherwise to the node after it; a leaf is its own child.
    cut, value : array, shape (nodes,)
        ``cut`` is infinite in a leaf; ``value`` is the mean target of the training rows in the node.
    root : array of int, shape (targets, trees)
    """

    feature: NDArray[np.int32]
    child: NDArray[np.int32]
    cut: Floats
    value: Floats
    root: NDArray[np.int32]

    def __reduce__(self) -> tuple[Any, ...]:
        return (Forests, (self.feature, self.child, self.cut, self.value, self.root))

    @cached_property
    def _nodes(self) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the nodes in a form that `numpy.take` copies in one piece each, and which of them are leaves."""
        nodes = np.zeros(len(self.child), dtype=_NODE)
        for name in _NODE.fields or ():
            nodes[name] = getattr(self, name)
        return nodes.view(np.complex128), self.child == np.arange(len(self.child))

    def predict(self, features: Floats) -> Floats:
        """Return the forests' means, shape (rows, targets)."""
        n, width = features.shape
        flat = np.ascontiguousarray(features).ravel()
        nodes, leaf = self._nodes
        # Every pair of a tree and a row goes down at once.
        end = np.empty(n * self.root.size, dtype=np.int64)
        pair = np.arange(len(end))
        node, row = np.repeat(self.root.ravel().astype(np.int64), n), np.tile(np.arange(n) * width, self.root.size)
        while len(pair):
            for _ in range(_LEVELS):
                # Finished rows stay in their leaf, so that they need not be sorted out at each level.
                here = nodes.take(node).view(_NODE)
                node = here["child"] + (flat.take(row + here["feature"]) > here["cut"])
            done = leaf.take(node)
            end[pair[done]] = node[done]
            node, row, pair = node[~done], row[~done], pair[~done]
        mean: Floats = self.value.take(end).reshape(*self.root.shape, n).mean(axis=1).T
        return mean


def fit(features: Floats, targets: Floats, trees: int, leaf: int, share: float, seed: int, times: Ints | None = None) -> Forests:
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
    times : array, shape (rows,), optional
        How many times each row counts, but not for ``leaf``.

    Returns
    -------
    Forests
    """
    from sklearn.ensemble import ExtraTreesRegressor

    nodes = [np.zeros(0, dtype=_NODE)]
    roots = np.zeros((targets.shape[1], trees), dtype=np.int32)
    size = 0
    for d, target in enumerate(targets.T):
        known = ~np.isnan(target)
        forest = ExtraTreesRegressor(trees, min_samples_leaf=leaf, max_features=share, random_state=seed).fit(
            features[known], target[known], None if times is None else times[known]
        )
        for t, tree in enumerate(forest.estimators_):
            roots[d, t] = size
            nodes.append(_ordered(tree.tree_, size))
            size += len(nodes[-1])
    every = np.concatenate(nodes)
    feature, child, cut, value = (np.ascontiguousarray(every[name]) for name in ("feature", "child", "cut", "value"))
    return Forests(feature, child, cut, value, roots)


def _ordered(tree: Any, first: int) -> NDArray[Any]:
    """Return a tree's nodes level by level, the two below a node side by side; the root is number ``first``."""
    left, right = tree.children_left, tree.children_right
    level = np.zeros(1, dtype=np.int64)
    levels = []
    while len(level):
        levels.append(level)
        parents = level[left[level] >= 0]
        level = np.column_stack([left[parents], right[parents]]).ravel()
    order = np.concatenate(levels)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = first + np.arange(len(order))
    leaves = left < 0
    nodes = np.zeros(len(order), dtype=_NODE)
    nodes["feature"] = np.where(leaves, 0, tree.feature)[order]
    nodes["cut"] = np.where(leaves, np.inf, tree.threshold)[order]
    nodes["child"] = np.where(leaves, place, place[left])[order]
    nodes["value"] = tree.value[order, 0, 0]
    return nodes
