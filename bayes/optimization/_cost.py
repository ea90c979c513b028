"""What a trial costs: a function of the caller, or a Gaussian process of the logarithm of what trials have cost."""

import math
import numbers

import numpy as np

from uq._base.exceptions import InputError

from ._signatures import check_takes

__all__ = ["CostFunction", "LearnedCost", "call_with", "check_cost", "check_told_cost"]

_LEAST, _MOST = 1e-150, 1e150
_STEP = 1e-4  # of the unit cube, for the differences that stand in for a gradient
_REMEMBERED = 100_000


def call_with(f, trial):
    """Return f(params), with environment and fidelity by name where the trial has them."""
    more = {name: trial[name] for name in ("environment", "fidelity") if trial.get(name) is not None}
    return f(dict(trial["params"]), **more)


class CostFunction:
    """Minus the log of the caller's cost, as a factor of an acquisition.

    Parameters
    ----------
    function : callable
    context : Context
    known : dict
        Costs by row, kept between suggestions.
    """

    def __init__(self, function, context, known):
        self._function, self._context, self._known = function, context, known

    def at(self, z):
        """Return minus the log cost at one row, and its gradient in the columns of real numbers."""
        gradient = np.zeros(len(z))
        for j in np.flatnonzero(self._context.joint.continuous):
            ends = np.tile(z, (2, 1))
            ends[:, j] = np.clip([z[j] - _STEP, z[j] + _STEP], 0.0, 1.0)
            below, above = map(self._log_cost, ends)
            gradient[j] = (below - above) / (ends[1, j] - ends[0, j])
        return -self._log_cost(z), gradient

    def screen(self, Z):
        """Return minus the log costs at the rows of Z."""
        return -np.array([self._log_cost(z) for z in Z])

    def _log_cost(self, z):
        key = z.tobytes()
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            trial = self._context.split(self._context.joint.decode(z))
            cost = call_with(self._function, trial)
            cost = cost.item() if getattr(cost, "ndim", None) == 0 and hasattr(cost, "item") else cost
            if not _is_cost(cost):
                raise InputError(
                    f"BayesianOptimizer: cost must return a number above 0, at least {_LEAST:g} and at most {_MOST:g}; "
                    f"got {cost!r:.100} for {trial!r:.200}."
                )
            self._known[key] = math.log(cost)
        return self._known[key]


class LearnedCost:
    """Minus the expected log cost, as a factor of an acquisition; nothing is taken to be cheaper than what was seen.

    Parameters
    ----------
    gp : GaussianProcess
        Of log costs.
    least : float
        The log of the smallest cost seen.
    """

    def __init__(self, gp, least):
        self._gp, self._least = gp, least
        self._targets = [posterior.targets() for posterior in gp.posteriors_]

    def at(self, z):
        """Return minus the log cost at one row, and its gradient."""
        parts = [targets.at(z) for targets in self._targets]
        value = self._gp.offset_ + self._gp.scale_ * sum(at.mu for at in parts) / len(parts)
        if value <= self._least:
            return -self._least, np.zeros(len(z))
        return -value, -self._gp.scale_ * sum(at.dmu for at in parts) / len(parts)

    def screen(self, Z):
        """Return minus the log costs at the rows of Z."""
        mean = np.mean([posterior.mean(Z) for posterior in self._gp.posteriors_], axis=0)
        return -np.maximum(self._gp.offset_ + self._gp.scale_ * mean, self._least)


def check_cost(cost, context, owner):
    """Return "function", "learned" or None."""
    if cost is None or (isinstance(cost, str) and cost == "learned"):
        return cost
    if callable(cost) and not isinstance(cost, type):
        check_takes(cost, context, owner, "cost")
        return "function"
    raise InputError(
        f"{owner}: cost must be None, 'learned' (costs are told with the values), or a function of params that returns "
        f"a number above 0; got {cost!r:.100}."
    )


def check_told_cost(cost, kind, status, owner):
    """Return what a trial has cost as a float, or None where it is not told."""
    cost = cost.item() if getattr(cost, "ndim", None) == 0 and hasattr(cost, "item") else cost
    if kind != "learned":
        if cost is None:
            return None
        raise InputError(
            f"{owner}: cost must be left out but in a campaign with cost='learned'; got {cost!r:.100}. Name it in "
            "BayesianOptimizer(cost=...)."
        )
    if cost is None and status != "ok":
        return None
    if _is_cost(cost):
        return float(cost)
    raise InputError(
        f"{owner}: cost must be a number above 0, at least {_LEAST:g} and at most {_MOST:g}, which is needed with "
        f"cost='learned' and status 'ok'; got {cost!r:.100}."
    )


def _is_cost(cost):
    is_number = isinstance(cost, numbers.Real) and not isinstance(cost, (bool, np.bool_))
    return is_number and bool(_LEAST <= cost <= _MOST)
