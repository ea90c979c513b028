"""The best setting of a campaign: an evaluated one, or that of the best average."""

import itertools
import math

import numpy as np

from uq._base.exceptions import InputError
from uq._base.results import Interval
from uq._base.threads import one_blas_thread

from ._average import AveragedPosterior
from ._average_gain import AverageMean, best_setting
from ._models import posterior_mean
from ._moments import pooled

__all__ = ["NothingYetError", "average_interval", "average_mean_var", "best_params", "unmeasured"]


class NothingYetError(InputError, AttributeError):
    """What a campaign has not found yet is no attribute either: `hasattr` and `inspect` ask for all of them."""


def best_params(campaign, models):
    """Return (params, row, mean) of the best setting by its posterior mean.

    It is one of the trials, among those that keep the constraints; with an environment or a fidelity it is any setting,
    but where trials have failed: there one of those that gave a value.
    """
    if models.objective is None:
        raise NothingYetError(
            "BayesianOptimizer: best_params_ needs a trial with a value; got none. Tell one with status='ok' first."
        )
    if not models.feasible.any():
        raise NothingYetError(
            "BayesianOptimizer: best_params_ needs a trial that keeps all constraints; got none that does. Go on, or "
            "loosen the bounds."
        )
    if campaign.settings.context:
        return _best_average(campaign, models)
    means = np.where(models.feasible, posterior_mean(models.objective, models.X), -np.inf)
    best = int(means.argmax())
    return campaign.records[campaign.which("ok")[best]].params, models.X[best], float(means[best])


def _best_average(campaign, models):
    context, gp = campaign.settings.context, models.objective
    seen = np.unique(models.X[:, : context.space.n_columns], axis=0)
    if campaign.which("failed"):
        means = AverageMean([AveragedPosterior(posterior, context) for posterior in gp.posteriors_]).screen(seen)
        row, mean = seen[int(means.argmax())], gp.offset_ + gp.scale_ * float(means.max())
    else:
        row, mean = best_setting(gp, context, seen, campaign.generator(2**31 + 1))
    return context.space.decode(row), row, mean


def unmeasured(campaign, params):
    """Return the combinations of environments that count and have no value at these params, and how much they weigh.

    Intervals have no combinations: there, and where only a fidelity is given, an empty dict stands for any value at all
    at the fidelity that counts.
    """
    context = campaign.settings.context
    told = [campaign.records[i] for i in campaign.which("ok")]
    told = [r for r in told if r.params == params and (not context.has_fidelity or r.fidelity == context.target)]
    laws = {name: law for name, law in context.weights.items() if law is not None}
    met = {tuple((r.environment or {})[name] for name in laws) for r in told}
    levels = [[(v, w) for v, w in zip(_values(context, n), law, strict=True) if w > 0] for n, law in laws.items()]
    missing, share = [], 0.0
    for cell in itertools.product(*levels):
        if tuple(value for value, _ in cell) not in met:
            missing.append(dict(zip(laws, (value for value, _ in cell), strict=True)))
            share += math.prod(weight for _, weight in cell)
    return missing, share


def _values(context, name):
    dimension = context.joint.dimensions[name]
    return [dimension.decode(row) for row in dimension.levels()]


def average_mean_var(gp, context, rows):
    """Return means and variances of the average at rows of params, in model units, over all posteriors."""
    parts = [AveragedPosterior(posterior, context).mean_var(rows) for posterior in gp.posteriors_]
    return pooled(np.array([mu for mu, _ in parts]), np.array([var for _, var in parts]))


def average_interval(gp, context, row, level):
    """Return the Interval of the average at one row of params."""
    with one_blas_thread():
        mu, var = average_mean_var(gp, context, row[None])
        factor = gp._calibration.factor(level)
    half = np.full(1, np.inf) if factor == np.inf else factor * np.sqrt(var)
    return Interval(
        lower=gp.offset_ + gp.scale_ * (mu - half),
        upper=gp.offset_ + gp.scale_ * (mu + half),
        confidence_level=level,
        guarantee="none",
        method="average of a Gaussian process, refitted folds",
    )
