"""Scores of a caller's own, and rows to fit on."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Asymmetric", "margin", "outcomes", "probabilities"]


@dataclass
class Asymmetric:
    """A caller's score: too low costs twice as much."""

    def __call__(self, y_pred, y):
        return np.maximum(2 * (y - y_pred), y_pred - y)

    def interval(self, y_pred, threshold):
        return y_pred - threshold, y_pred + threshold / 2


def margin(scores, y):
    """A caller's score of classes, from logits: how far the best of the others is above."""
    rows = np.arange(len(y))
    codes = np.asarray(y, dtype=int)
    others = np.array(scores)
    others[rows, codes] = -np.inf
    return others.max(axis=1) - scores[rows, codes]


def outcomes(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y_pred = rng.normal(size=n)
    return y_pred, y_pred + rng.normal(size=n)


def probabilities(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y_prob = rng.dirichlet([1, 1, 1], n)
    return y_prob, np.array(["bird", "cat", "dog"])[(y_prob.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)]
