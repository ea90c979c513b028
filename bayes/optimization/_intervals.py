"""Intervals whose width is learned from rows that the model has not seen, hyperparameters included.

A Gaussian process that chose its hyperparameters on the same rows is too sure of itself, and its leave-one-out errors,
which share them, do not tell. Errors of models refitted without a fold do.
"""

from math import ceil, inf

import numpy as np

from ._hyperparameter_search import FEW
from ._hyperparameters import column_units, fit_model, noise_rows, posteriors
from ._moments import pooled, predictive

__all__ = ["Calibration", "fold_of_rows"]

FOLDS = 5


class Calibration:
    """Absolute standardised errors of held-out rows, computed when they are first asked for.

    Parameters
    ----------
    model : Model
        Fitted on all rows.
    data : (X, y, y_var)
    input_scale : ndarray of shape (d,) or None
    seed : int
        Deals the folds: the errors are a function of what is stored here.
    """

    def __init__(self, model, data, input_scale, seed):
        self.model = model
        self.X, self.y, self.y_var = data
        self.input_scale, self.seed = input_scale, seed
        self._errors = None

    @property
    def errors(self):
        """Sorted errors of all rows, each in sd of its own prediction; none where there is one distinct row only."""
        if self._errors is None:
            self._errors = self._refit()
        return self._errors

    def factor(self, confidence_level):
        """Return the order statistic of the errors of rank ceil(level (n + 1)), infinite where there is none."""
        n = len(self.errors)
        # a level such as .9 is no binary fraction: its product with n + 1 may lie above the integer that it is
        rank = max(ceil(confidence_level * (n + 1) * (1 - 1e-12)), 1)
        return float(self.errors[rank - 1]) if rank <= n else inf

    def _refit(self):
        rng = np.random.default_rng(self.seed)
        fold = fold_of_rows(self.X, rng)
        if fold.max() == 0:
            return np.empty(0)
        start = None
        if len(self.X) > FEW:
            start = {k: v for k, v in self.model.to_dict().items() if k not in ("offset", "scale")}
        parts = []
        for k in range(fold.max() + 1):
            held, train = fold == k, fold != k
            parts.append(self._held_out(train, held, start, rng))
        return np.sort(np.concatenate(parts))

    def _held_out(self, train, held, start, rng):
        data = self.X[train], self.y[train], self.y_var[train]
        unit = column_units(data[0]) if self.input_scale is None else self.input_scale
        model = fit_model(self.model.settings, *data, unit, self.model.columns, start, rng)
        mu, var, noise = predictive(posteriors(model, *data), self.X[held])
        mu, var = pooled(mu, var + noise[:, None])
        sd = np.sqrt(var + noise_rows(self.y_var[held], model.scale))
        # no error is none, even where nothing was expected to vary; one beyond all numbers is infinite
        with np.errstate(divide="ignore", over="ignore"):
            error = np.abs((self.y[held] - model.offset) / model.scale - mu)
            return np.divide(error, sd, out=np.zeros_like(error), where=error > 0)


def fold_of_rows(X, rng):
    """Deal the distinct rows to at most five folds; equal rows stay together, as new points have no equal."""
    distinct, row = np.unique(X, axis=0, return_inverse=True)
    n = len(distinct)
    fold = rng.permutation(n) % min(FOLDS, n)
    return fold[row.reshape(-1)]
