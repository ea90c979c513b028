"""When one more attempt is worth its price, for a success rate with a beta prior."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import digamma

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.record import Result

from ._log_product import log_product
from ._scalars import check_each

__all__ = ["StoppingRule", "stopping_rule"]

_LOW, _HIGH = 1e-12, 1e8  # of a prior
_MOST = 1e45


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoppingRule(Result):
    """The most attempts that pay, and what following this rule brings; one entry per question, or one number.

    Parameters
    ----------
    max_attempts : float or ndarray of shape (n,)
        Attempts in all, the first included: stop after so many failures. 0 where not even the first one pays, inf where
        attempts cost nothing.
    success_probability : float or ndarray of shape (n,)
        P(one of them succeeds).
    expected_attempts : float or ndarray of shape (n,)
    expected_value : float or ndarray of shape (n,)
        The value of a success times its probability, less the cost of the attempts.
    a, b : float or ndarray of shape (n,)
        The prior.
    value, cost : float or ndarray of shape (n,)
    guarantee, method : str

    Examples
    --------
    >>> from uq.sampling import stopping_rule
    >>> rule = stopping_rule(.5, 1.5, value=1, cost=.05)
    >>> rule.max_attempts, round(rule.expected_value, 3)
    (8.0, 0.395)
    """

    max_attempts: Any
    success_probability: Any
    expected_attempts: Any
    expected_value: Any
    a: Any
    b: Any
    value: Any
    cost: Any
    guarantee: str = "exact"
    method: str = "myopic rule"

    def _table(self):
        names = (
            "a",
            "b",
            "value",
            "cost",
            "max_attempts",
            "success_probability",
            "expected_attempts",
            "expected_value",
        )
        columns = [np.atleast_1d(getattr(self, name)) for name in names]
        return dict(zip(names, np.broadcast_arrays(*columns), strict=True))

    def _title(self):
        return f"most attempts that pay, {np.size(self.max_attempts)} questions"

    def __repr__(self):
        return f"<{self._title()}; {self._caption()}>"

    def _draw(self, ax):
        from uq._base import plot

        return plot.text(ax, str(self))


@cites("manvi2024")
def stopping_rule(a, b, value, cost) -> StoppingRule:
    """Return after how many failures another attempt no longer pays.

    Parameters
    ----------
    a, b : float or array-like of shape (n,)
        The success rate of one attempt is Beta(a, b), both from 1e-12 to 1e8. From a forecast q of the rate, such as a
        model's own P(I know), take a = kappa q and b = kappa (1 - q), with kappa fitted on questions with counts.
    value : float or array-like of shape (n,)
        What a success is worth, once: from 0 to 1e45.
    cost : float or array-like of shape (n,)
        Of each attempt, in the same unit: 0, or from 1e-45 to 1e45.

    Returns
    -------
    StoppingRule
        Numbers if all arguments are numbers, else arrays.

    Raises
    ------
    InputError
        For a prior out of range, a negative value or cost, or lengths that differ.

    Notes
    -----
    After j failures the next attempt succeeds with probability a / (a + b + j). This falls with j: once an attempt does
    not pay by itself no later one does, so that looking one step ahead is optimal, and the number of attempts is the
    smallest integer that is at least value a / cost - a - b, or 0.

    **Guarantee.** Exact: no rule has a larger expected value, if a success is seen when it happens and is worth its
    value once, attempts cost the same, they are independent given the rate, and the prior is right. With a verifier
    that errs see `verified_sampling`.

    References
    ----------
    Manvi, Singh and Ermon (2024), Adaptive inference-time compute: LLMs can predict if they can do better, even
    mid-generation, arXiv:2410.02725.

    Examples
    --------
    >>> from uq.sampling import stopping_rule
    >>> stopping_rule([.5, 5], [4.5, 5], value=1, cost=.05).max_attempts
    array([ 5., 90.])
    """
    owner = "stopping_rule"
    named = {"a": a, "b": b, "value": value, "cost": cost}
    checked = {
        name: check_each(x, owner, name, low=_LOW if name in "ab" else 0.0, high=_HIGH if name in "ab" else _MOST)
        for name, x in named.items()
    }
    if ((np.asarray(checked["cost"]) > 0) & (np.asarray(checked["cost"]) < 1 / _MOST)).any():
        raise InputError(
            f"{owner}: cost must be 0 or at least {1 / _MOST:g}; got {np.min(checked['cost']):g}. Write 0 for no cost."
        )
    lengths = {name: len(x) for name, x in checked.items() if np.ndim(x)}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{owner}: a, b, value and cost must be numbers or of one length; got lengths {lengths}.")
    a, b, value, cost = np.broadcast_arrays(*checked.values())
    attempts = _most_attempts(a, b, value, cost)
    success, made = (x.reshape(attempts.shape)[()] for x in _course(a, b, attempts))
    spent = cost * np.where(cost > 0, made, 0.0)
    return StoppingRule(
        max_attempts=attempts,
        success_probability=success,
        expected_attempts=made,
        expected_value=np.maximum(value * success - spent, 0.0),
        **checked,
    )


def _most_attempts(a, b, value, cost):
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(value > 0, np.where(cost > 0, value * a / cost, np.inf), 0.0)
        return np.maximum(np.ceil(worth - a - b), 0.0)


def _course(a, b, k):
    """Return P(one of k attempts succeeds) and the mean number made, for a k that may be 0 or infinite.

    P(j fail) = S_j = B(a, b + j) / B(a, b), and (a - 1) S_j = T_j - T_(j + 1) with T_j = (b + j - 1) S_(j - 1), so that
    the sum of S_0 ... S_(k - 1) telescopes; its limit at a = 1 is a difference of digammas.
    """
    a, b, k = np.atleast_1d(a, b, k)
    finite = np.where(np.isfinite(k) & (k > 0), k, 1.0)
    # first factors apart: written as one less a share, that of a tiny b would vanish
    total = a + b
    first = np.where(a < b, np.log1p(-np.minimum(a / total, 0.5)), np.log(b / total))
    success = -np.expm1(first + log_product(a, total + 1, finite - 1))
    c = a - 1
    # T_k / T_1: factors (b + j) / (b + j + c) for j = 1 ... k - 1
    first = np.where(np.abs(c) < 0.5, -np.log1p(np.where(np.abs(c) < 0.5, c, 0.0) / (b + 1)), np.log((b + 1) / total))
    rest = log_product(np.abs(c), b + 2 + np.maximum(c, 0), np.maximum(finite - 2, 0))
    h = np.where(finite > 1, first, 0.0) + np.where(c > 0, 1, -1) * rest
    flat = np.abs(c) < 1e-12
    slope = digamma(b + finite) - digamma(b + 1)
    made = 1 + b * np.where(flat, slope, -np.expm1(h) / np.where(flat, 1.0, c))
    forever = np.where(a > 1, 1 + b / np.where(a > 1, c, 1.0), np.inf)
    success = np.where(k == 0, 0.0, np.where(np.isinf(k), 1.0, success))
    made = np.where(k == 0, 0.0, np.where(np.isinf(k), forever, np.clip(made, 1.0, finite)))
    return success, made
