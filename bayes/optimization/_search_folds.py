"""A search among settings whose values are scores of folds: what is asked next, on which fold, and what it was worth.

Under ``folds="all"`` a trial is a setting, its value the mean over all folds. Under "one" a trial is one fit: a setting
on one fold. Folds differ from each other for all settings alike, which would drown the differences between settings;
their effects are estimated, and taken away before a model sees the scores.
"""

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.base import clone

from uq._base.exceptions import InputError
from uq._base.threads import one_blas_thread

from ._campaign import Campaign
from ._gaussian_process import GaussianProcess
from ._models import posterior_mean
from ._optimizer import BayesianOptimizer
from ._settings import check_optimizer
from ._surrogate import make_surrogate

__all__ = [
    "SPREADS",
    "FoldCampaign",
    "FoldOptimizer",
    "effects_among_settings",
    "effects_beside_model",
    "noise_of_means",
    "setting_key",
]

SPREADS = np.geomspace(1e-6, 1e4, 41)  # variances of effects, in units of the variance of y


class FoldCampaign(Campaign):
    """A campaign whose trials belong to folds.

    Attributes
    ----------
    n_folds : int
        1 where each trial covers all folds.
    folds : dict of int to int
        Fold by id of the trial, where each has one.
    scores : dict of int to list of float
        Scores of all folds by id of the trial, where each covers them.
    """

    def __init__(self, settings, n_folds, surrogate):
        super().__init__(settings)
        self.n_folds, self._surrogate = n_folds, surrogate
        self.folds: dict[int, int] = {}
        self.scores: dict[int, list[float]] = {}

    def key(self, i):
        """Return what tells the setting of a trial from others."""
        return setting_key(self.records[i].params)

    def missing(self, params):
        """Return the folds that a setting has not been tried on, those first that were used least."""
        key = setting_key(params)
        seen = {fold for i, fold in self.folds.items() if self.key(i) == key}
        used = np.bincount(list(self.folds.values()), minlength=self.n_folds)
        return sorted((k for k in range(self.n_folds) if k not in seen), key=lambda k: (used[k], k))

    def nearly_whole(self, left):
        """Tell which values (n,) are of settings that so many more fits would try on all folds; none that failed is."""
        ids = super().which("ok")
        seen: dict[tuple, set[int]] = {}
        for i in ids:
            seen.setdefault(self.key(i), set()).add(self.folds[i])
        failed = {self.key(i) for i in super().which("failed")}
        lacking = [np.inf if self.key(i) in failed else self.n_folds - len(seen[self.key(i)]) for i in ids]
        return np.array(lacking) <= left

    def which(self, *statuses):
        """Return the ids with these statuses; a setting that has no fold left counts as abandoned, too."""
        ids = super().which(*statuses)
        if "abandoned" not in statuses or self.n_folds == 1:
            return ids
        counts: dict[tuple, int] = {}
        for record in self.records:
            counts[self.key(record.id)] = counts.get(self.key(record.id), 0) + 1
        return sorted({*ids, *(r.id for r in self.records if counts[self.key(r.id)] >= self.n_folds)})

    def told(self):
        """Return X, and the scores without the effects of their folds or the means of all folds with their noise."""
        X, y, y_var = super().told()
        if not len(y):
            return X, y, y_var
        if self.n_folds == 1:
            return X, y, np.full(len(y), noise_of_means(np.array([self.scores[i] for i in super().which("ok")])))
        folds = np.array([self.folds[i] for i in super().which("ok")])
        if self.fitted is None:
            _, settings = np.unique(X, axis=0, return_inverse=True)
            return X, y - effects_among_settings(y, settings.ravel(), folds, self.n_folds)[folds], y_var
        start, unit = self.fitted["models"][0], np.ones(X.shape[1])
        posterior = clone(self._surrogate)._restore(X, y, y_var, start, input_scale=unit).posteriors_[0]
        return X, y - effects_beside_model(posterior, folds, self.n_folds)[folds], y_var

    def looks_noise_free(self):
        """Tell whether no setting may be suggested twice: the same fit on the same rows tells nothing new."""
        return self.n_folds == 1


def setting_key(params):
    """Return the values of params."""
    return tuple(params.values())


def noise_of_means(scores):
    """Return the noise variance of the means of scores (n_settings, n_folds): what a smooth surface need not follow.

    The variance of the interaction of settings and folds, by the settings' median, over the number of folds. How hard a
    fold is for all settings alike is no noise.
    """
    n, k = scores.shape
    if n < 2 or k < 2:
        return 0.0
    rest = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    return float(np.median((rest**2).sum(axis=1)) / (k - 1) / (1 - 1 / n) / k)


def effects_among_settings(y, settings, folds, n_folds):
    """Return how much each fold (n_folds,) is easier than the average one, without a model.

    Least squares of ``y = setting + fold`` with a free level for each setting; one observation's worth of ridge holds
    the effects of folds that were never met beside others at 0.

    Parameters
    ----------
    y : ndarray of shape (n,)
    settings, folds : ndarray of int, shape (n,)
    n_folds : int
    """
    design = (folds[:, None] == np.arange(n_folds)).astype(float)
    means = np.stack([np.bincount(settings, column) for column in design.T], axis=1) / np.bincount(settings)[:, None]
    centred = design - means[settings]
    return np.linalg.solve(centred.T @ centred + np.eye(n_folds), centred.T @ y)


def effects_beside_model(posterior, folds, n_folds):
    """Return how much each fold (n_folds,) is easier than the average one, as the model of the settings has it.

    The posterior mean of independent normal effects beside the Gaussian process; their variance is the most likely one
    of `SPREADS`.
    """
    design = (folds[:, None] == np.arange(n_folds)).astype(float)
    whitened = solve_triangular(posterior.L, design, lower=True)
    # in the directions of the effects that the data tell of independently, with these precisions
    precision, directions = np.linalg.eigh(whitened.T @ whitened)
    precision = precision.clip(min=0)
    pull = directions.T @ (design.T @ posterior.alpha)
    shrunken = pull / (precision + 1 / SPREADS[:, None])
    fit = pull * shrunken - np.log1p(SPREADS[:, None] * precision)
    effects = directions @ shrunken[fit.sum(axis=1).argmax()]
    return posterior.scale * (effects - effects.mean())


class FoldOptimizer(BayesianOptimizer):
    """A `BayesianOptimizer` on folds; `begin` must be called before all else, and `end` when all fits are done."""

    _owner = "BayesSearchCV"
    _remedy = "Narrow the space, or take a scoring that has bounds or is a logarithm."
    _has_ended = False
    _campaign: FoldCampaign

    def begin(self, n_folds):
        """Check the parameters, and start."""
        if self.surrogate is None and n_folds == 1:
            self.surrogate = GaussianProcess(noise_variance=0)  # the folds tell the noise
        self._campaign = FoldCampaign(check_optimizer(self), n_folds, make_surrogate(self.surrogate))
        return self

    def end(self):
        """Take no more results: they would belong to no fold."""
        self._has_ended = True

    def tell(self, trial, value=None, **more):
        """As in `BayesianOptimizer`, until the search has ended."""
        if self._has_ended:
            raise InputError(
                "BayesSearchCV.optimizer_: trial must be left out, since the search has ended; got one. Prolong the "
                "search by storage and a larger n_iter, or tell cv_results_ to a BayesianOptimizer of your own."
            )
        super().tell(trial, value, **more)

    def best_within(self, left):
        """Return the params with the best posterior mean that so many fits would try on all folds, or None."""
        found = self._whole_best(left)
        return found and found[2]

    def _best(self):
        # means over a few folds do not compare with those over all; what failed on one is the last resort
        lacking = (0, self._campaign.n_folds) if self._campaign.n_folds > 1 else ()
        return next(filter(None, map(self._whole_best, lacking)), None) or super()._best()

    def _whole_best(self, left):
        campaign = self._campaign
        whole = campaign.nearly_whole(left)
        if not whole.any():
            return None
        with campaign.turn, one_blas_thread():
            models = self._models(campaign)
            means = np.where(whole, posterior_mean(models.objective, models.X), -np.inf)
        best = int(means.argmax())
        params = campaign.records[campaign.which("ok")[best]].params
        return campaign, models, params, models.X[best], float(means[best])
