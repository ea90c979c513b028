"""The next suggestion: models times probabilities in logs, maximised over what may be suggested."""

import math
from functools import partial
from typing import Any

import numpy as np

from uq._base.exceptions import InputError

from ._average import AveragedPosterior
from ._average_gain import AverageMean, knowledge_gradient_of_average
from ._cost import CostFunction, LearnedCost
from ._expected_improvement import ExpectedImprovement
from ._feasibility import Feasibility
from ._lookahead import Lookahead
from ._maximize import N_CENTERS, Product, maximize, sobol
from ._models import believe, posterior_mean
from ._thompson import draw_best
from ._utility import Average

__all__ = ["ACQUISITIONS", "FunctionUtility", "propose"]

_THOMPSON = 500  # candidates of one joint draw
_TRIES = 64
_LISTED = 4096  # settings that are all looked at for where the maximum may be
_MANY, _MOST_SD = 200, 8.0  # what is 8 standard deviations away has a chance of 1e-15


class FunctionUtility:
    """A caller's ``f(gp, X, log=..., return_grad=...)`` as a utility."""

    def __init__(self, function, gp):
        self._function, self._gp = function, gp

    def at(self, x):
        """Return the log value at one point, and its gradient."""
        found = self._function(self._gp, x[None], log=True, return_grad=True)
        if not (isinstance(found, tuple) and len(found) == 2):
            raise InputError(
                f"BayesianOptimizer: acquisition must return a tuple (values, gradients) with return_grad=True; got "
                f"{found!r:.100}."
            )
        return float(self._shaped(found[0], (1,))[0]), self._shaped(found[1], (1, len(x)))[0]

    def screen(self, A):
        """Return the log values of many points."""
        return self._shaped(self._function(self._gp, A, log=True), (len(A),))

    def _shaped(self, found, shape):
        try:
            found = np.asarray(found, dtype=float)
        except (TypeError, ValueError):
            found = np.empty(0)
        if found.shape != shape:
            raise InputError(
                f"BayesianOptimizer: acquisition must return real numbers of shape {shape} for {shape[0]} points"
                f"{', as gradients' if len(shape) > 1 else ''}; got shape {found.shape}."
            )
        if found.ndim == 1 and np.isnan(found).any():
            raise InputError(
                f"BayesianOptimizer: acquisition must return numbers, -inf for what it would never try; got NaN for "
                f"{int(np.isnan(found).sum())} of {len(found)} points."
            )
        return found


def _noisy_ei(gp, incumbents, best, choices, rng):
    units = [math.log(posterior.scale) for posterior in gp.posteriors_]
    return Average([Lookahead(posterior, incumbents) for posterior in gp.posteriors_], units)


def _expected_improvement(gp, incumbents, best, choices, rng):
    return ExpectedImprovement(gp, best)


def _upper_confidence_bound(gp, incumbents, best, choices, rng):
    from ._confidence_bound import UpperConfidenceBound

    return UpperConfidenceBound(gp)


def _knowledge_gradient(gp, incumbents, best, choices, rng):
    from ._knowledge_gradient import KnowledgeGradient

    box = np.tile([0.0, 1.0], (incumbents.shape[1], 1))
    return KnowledgeGradient(gp, bounds=box, settle=choices)


def _max_value_entropy(gp, incumbents, best, choices, rng):
    from ._entropy import MaxValueEntropy

    box = np.tile([0.0, 1.0], (incumbents.shape[1], 1))
    return MaxValueEntropy(gp, choices(), box, settle=choices, rng=rng)


ACQUISITIONS = {
    "auto": _noisy_ei,
    "expected_improvement": _expected_improvement,
    "knowledge_gradient": _knowledge_gradient,
    "max_value_entropy_search": _max_value_entropy,
    "noisy_expected_improvement": _noisy_ei,
    "thompson_sample": None,
    "upper_confidence_bound": _upper_confidence_bound,
}


def propose(campaign, models, acquisition, noise_free, cost=None):
    """Return (row, origin, gp) of the next suggestion; the row is None where a finite space is exhausted.

    `acquisition` is a name or a function, `cost` a function or anything else; `gp` is what foresees the value, None
    where nothing does.
    """
    context = campaign.settings.context
    rng = campaign.generator(campaign.n_asked)
    pending = campaign.points(campaign.which("pending"))
    allowed, blocked = _what_is_left(campaign, noise_free)
    if allowed is not None and not len(allowed):
        return None, "none", None
    known = campaign.which("ok", "failed", "pending")
    believed = models.objective and believe(models.objective, pending, _without_value(campaign, models))
    factors, centers = [], []
    if len(known) >= campaign.settings.n_initial and context:
        factors, centers = _factors_of_average(models, believed, context, rng)
    elif len(known) >= campaign.settings.n_initial:
        factors = _factors(models, believed, acquisition, pending, context.joint, rng)
    if not factors:
        row = _initial(campaign, allowed, blocked, rng)
        if campaign.settings.cost == "function":  # what is no cost is told of before anything was spent
            CostFunction(cost, context, campaign.known_costs).screen(row[None])
        return row, "initial", models.objective
    if campaign.settings.cost == "function":
        factors.append(CostFunction(cost, context, campaign.known_costs))
    elif models.cost is not None:
        factors.append(LearnedCost(models.cost, models.least_cost))
    if acquisition == "thompson_sample" and models.feasible.any():
        row = _thompson(campaign, believed, factors[1:], allowed, blocked, rng)
    else:
        row = maximize(
            Product(*factors) if len(factors) > 1 else factors[0],
            context.joint,
            rng,
            centers=centers if len(centers) else _best_points(models, pending),
            blocked=blocked,
            cells=allowed,
        )
    if row is None and allowed is None:  # every start was blocked
        row = _initial(campaign, allowed, blocked, rng)
    return row, "model", models.objective and believe(models.objective, pending)


def _without_value(campaign, models):
    """Return the rows of failed trials that are learned from, but for those that gave a value another time."""
    failed = campaign.points(campaign.which("failed") if models.success is not None else [])
    return failed[~(failed[:, None] == models.X).all(axis=2).any(axis=1)]


def _best_points(models, pending):
    """Return the best points that were evaluated or soon will be, feasible ones first."""
    if models.objective is None:
        return models.X
    X = np.vstack([models.X, pending])
    feasible = np.r_[models.feasible, np.ones(len(pending), dtype=bool)]
    order = np.lexsort((-posterior_mean(models.objective, X), ~feasible))
    _, first = np.unique(X[order], axis=0, return_index=True)
    return X[order[np.sort(first)[:N_CENTERS]]]


def _factors(models, gp, acquisition, pending, space, rng=None):
    """Return the utilities whose product is maximised; the acquisition first, where anything feasible is known."""
    factors: list[Any] = []
    if models.feasible.any():
        incumbents = np.unique(np.vstack([models.X[models.feasible], pending[_keeps_bounds(models, pending)]]), axis=0)
        best = float(posterior_mean(gp, incumbents).max())
        incumbents = _contenders(gp, incumbents)
        if callable(acquisition):
            factors.append(FunctionUtility(acquisition, gp))
        else:
            choices = partial(_choices, models, space, incumbents)
            factors.append((ACQUISITIONS[acquisition] or _noisy_ei)(gp, incumbents, best, choices, rng))
    factors += [Feasibility(believe(gp, pending), upper=0.0) for gp in models.constraints]
    return factors if models.success is None else [*factors, models.success]


def _choices(models, space, incumbents, rows=None):
    """Return the settings nearest to rows that the models take to be feasible, and those known to be.

    Without rows all settings are meant, and None returned where they are too many.
    """
    if rows is not None:
        rows = space.snap(rows)
    elif space.enumerable and space.size <= _LISTED:
        rows = space.cells()
    else:
        return None
    return np.unique(np.vstack([incumbents, rows[_keeps_bounds(models, rows)]]), axis=0)


def _keeps_bounds(models, rows):
    """Tell which rows (m,) the models take to be feasible."""
    keep = np.ones(len(rows), dtype=bool)
    for gp in models.constraints:
        keep &= posterior_mean(gp, rows) <= 0
    return keep


def _factors_of_average(models, gp, context, rng):
    """Return the factors where one evaluation tells of an average only in part, and rows to look around."""
    if gp is None:
        return ([] if models.success is None else [models.success]), []
    gain, around = knowledge_gradient_of_average(gp, context, rng)
    means = AverageMean([AveragedPosterior(posterior, context) for posterior in models.objective.posteriors_])
    seen = models.X[np.argsort(-means.screen(models.X[:, : context.space.n_columns]), kind="stable")]
    centers = np.vstack([around[: N_CENTERS // 2], seen[: N_CENTERS // 2], around[N_CENTERS // 2 :]])
    return ([gain] if models.success is None else [gain, models.success]), centers


def _contenders(gp, rows):
    """Leave out the rows that no observation could make the best: their lines cost as much as those of the others."""
    if len(rows) <= _MANY:
        return rows
    keep = np.zeros(len(rows), dtype=bool)
    for posterior in gp.posteriors_:
        mu, var = posterior.mean_var(rows)
        sd, best = np.sqrt(var), int(mu.argmax())
        # a mean moves by at most its standard deviation for each one of the observation
        keep |= mu[best] - mu <= _MOST_SD * (sd + sd[best])
    return rows[keep]


# ---- what may be suggested


def _what_is_left(campaign, noise_free):
    """Return the indices of the cells that may be suggested (None where the space is not enumerated), and blocked rows.

    Never what was abandoned, nor what failed unless failures are dropped, nor what is known without noise. What is
    pending only where nothing else is left, under noise.
    """
    space = campaign.settings.context.joint
    hard = campaign.which("abandoned", *(["failed"] if campaign.settings.failures != "drop" else []))
    hard += campaign.which("ok", "pending") if noise_free else []
    soft = campaign.which("pending")
    if not space.enumerable:
        return None, campaign.points(hard + soft)
    cells = np.arange(int(space.size))

    def without(ids):
        return np.setdiff1d(cells, [space.index(campaign.spot(i)) for i in ids])

    left = without(hard + soft)
    return (left if len(left) else without(hard)), campaign.points([])


def _initial(campaign, allowed, blocked, rng):
    """Return the next point of a net that fills the space, as long as it may be suggested."""
    space = campaign.settings.context.joint
    start = campaign.n_asked
    shift = campaign.generator(2**31)  # one shift for all of them
    net = space.place(sobol(len(space.names), start + _TRIES, shift)[start:])
    if allowed is not None:
        # two equal cells in a row would be a waste even where they are allowed
        done = {space.index(campaign.spot(i)) for i in campaign.which("ok", "failed", "pending")}
        free = set(allowed.tolist())
        fresh = free - done or free
        for row in net:
            if space.index(space.decode(row)) in fresh:
                return row
        return space.cells()[rng.choice(sorted(fresh))]
    seen = campaign.points(campaign.which("ok", "failed", "pending", "abandoned"))
    for rows in (net, space.place(rng.random((_TRIES, len(space.names))))):
        for row in rows:
            if not len(seen) or np.abs(seen - row).max(axis=1).min() > 1e-6:
                return row
    return rows[0]


def _thompson(campaign, gp, factors, allowed, blocked, rng):
    space = campaign.settings.space
    if allowed is not None:
        rows = space.cells()[rng.permutation(allowed)[:_THOMPSON]]
    else:
        rows = space.place(sobol(len(space.names), _THOMPSON, rng))
        if len(blocked):
            rows = rows[np.abs(rows[:, None] - blocked).max(axis=2).min(axis=1) > 1e-6]
    if factors:
        chance = sum(factor.screen(rows) for factor in factors)
        likely = chance >= math.log(0.5)
        if not likely.any():
            return rows[int(np.argmax(chance))]
        rows = rows[likely]
    return rows[draw_best(gp.posteriors_, rows, 1, rng)[0]]
