"""What a campaign believes: Gaussian processes of its objective, of each constraint and of costs; a success model.

Models are a function of the events alone. They are fitted anew when there is enough news, from the hyperparameters of
the last suggestion on; in between, and on resuming, they are rebuilt from those, without any search.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from ._campaign import Campaign
from ._context import ContextMean
from ._success import SuccessModel, fit_success

__all__ = ["Models", "believe", "fit_models", "forecast", "posterior_mean"]

_SMALL, _GROWTH = 50, 1.2  # refits: always below so many rows, then when there are a fifth more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Models:
    """Fitted models; None where there is nothing to fit.

    Parameters
    ----------
    objective : GaussianProcess or None
        Of values that are to be maximised.
    constraints : tuple of GaussianProcess
        Of the excess over the bound of each; up to 0 is feasible.
    success : SuccessModel or None
        Where trials failed and are to be learned from.
    cost : GaussianProcess or None
        Of log costs, where they are learned.
    least_cost : float
        The smallest log cost told.
    X : ndarray of shape (n, n_columns)
        Rows of the trials with values.
    feasible : ndarray of bool of shape (n,)
        Whether a row keeps all bounds, both as told and by the models; as told where there is none of these.
    fitted : dict or None
        What an event must hold for a later replay.
    """

    objective: Any
    constraints: tuple[Any, ...]
    success: SuccessModel | None
    X: np.ndarray
    feasible: np.ndarray
    fitted: dict[str, Any] | None
    cost: Any = None
    least_cost: float = 0.0


def fit_models(campaign: Campaign, surrogate) -> Models:
    """Return the models of a campaign as it stands; `surrogate` is an unfitted GaussianProcess."""
    X, y, y_var = campaign.told()
    success = _fit_success(campaign)
    if not len(y):
        return Models(
            objective=None, constraints=(), success=success, X=X, feasible=np.zeros(0, dtype=bool), fitted=None
        )
    bounds = campaign.settings.constraints
    targets = [(X, y, y_var), *((X, campaign.constraint_values(bound), None) for bound in bounds)]
    learned = campaign.settings.cost == "learned"
    targets += [(*campaign.costs(), None)] if learned else []
    last = campaign.fitted
    old = last["models"] if last else [None] * len(targets)
    due = last is None or (last["n"] != len(y) and (len(y) < _SMALL or len(y) >= _GROWTH * last["n"]))
    context = campaign.settings.context
    unit = np.ones(X.shape[1])
    processes, found = [], []
    for which, ((rows, values, known), start) in enumerate(zip(targets, old, strict=True)):
        gp = clone(surrogate)
        gp._natural = True
        if context and isinstance(gp.mean, str):
            gp.mean = ContextMean(context.columns)
        if context and which == 0:
            gp._longest = context.longest
        gp.random_state = int(campaign.generator(campaign.n_told, 1 + which).integers(2**31))
        if due:
            gp = gp._fit(
                rows, values, known, input_scale=unit, columns=context.joint.columns, start=_without_scale(start)
            )
        else:
            gp = gp._restore(rows, values, known, start, input_scale=unit)
        processes.append(gp)
        # as the log will hold it: nothing may differ after a resume
        found.append(json.loads(json.dumps(gp._hyperparameters())) if due else start)
    feasible, told = np.ones(len(y), dtype=bool), np.ones(len(y), dtype=bool)
    cost = processes.pop() if learned else None
    for gp, (_, values, _) in zip(processes[1:], targets[1 : len(processes)], strict=True):
        told &= values <= 0
        feasible &= (values <= 0) & (posterior_mean(gp, X) <= 0)
    return Models(
        objective=processes[0],
        constraints=tuple(processes[1:]),
        success=success,
        X=X,
        feasible=feasible if feasible.any() else told,
        fitted={"n": len(y), "models": found} if due else last,
        cost=cost,
        least_cost=float(targets[-1][1].min()) if learned else 0.0,
    )


def _without_scale(start):
    """Return where a search begins; offset and scale are those of all values, not of the first few."""
    return start and {name: value for name, value in start.items() if name not in ("offset", "scale")}


def believe(gp, pending, failed=()):
    """Return the process that takes pending rows to be evaluated, at their means, and failed rows to be no good.

    What has failed gives no value, however uncertain the model is of it. Left open it would go on to promise much, and
    its surroundings with it. So it is believed to have the median value, or its mean where that is less: lower values,
    told of places that may lie beside the best one, would speak against that one.
    """
    gp = gp._believe(pending) if len(pending) else gp
    return gp._believe(failed, at_most_median=True) if len(failed) else gp


def _fit_success(campaign):
    failed = campaign.which("failed")
    if campaign.settings.failures != "classifier" or not failed:
        return None
    fine = campaign.which("ok")
    ok = np.r_[np.ones(len(fine), dtype=bool), np.zeros(len(failed), dtype=bool)]
    return fit_success(campaign.points(fine + failed), ok)


def posterior_mean(gp, X):
    """Return the mean of f at rows X, in the units of y, over all posteriors."""
    return np.mean([p.offset + p.scale * p.mean(X) for p in gp.posteriors_], axis=0)


def forecast(gp, row):
    """Return the mean and the standard deviation of an observation at one row, in the units of y."""
    parts = [p.mean_var(row[None]) for p in gp.posteriors_]
    means = np.array([float(mu[0]) for mu, _ in parts])
    variances = [float(var[0]) + p.noise_variance for (_, var), p in zip(parts, gp.posteriors_, strict=True)]
    # all share their units; in those of y squares may vanish
    std = gp.scale_ * math.sqrt(float(np.mean(variances) + np.var(means)))
    return gp.offset_ + gp.scale_ * float(np.mean(means)), std
