"""Repeated sampling behind a verifier that errs: what a further attempt is worth, and where accuracy ends."""

from dataclasses import dataclass

import numpy as np

from uq._base.citation import cites
from uq._base.curve import Curve
from uq._base.exceptions import InputError
from uq._base.record import Result, format_count, format_number
from uq._base.validation import check_count, check_vector, check_weights

from ._scalars import check_each

__all__ = ["VerifiedSampling", "check_attempts", "check_price", "check_shares", "verified_sampling"]

MOST_ATTEMPTS = 100_000  # that a curve shows
_BLOCK = 1 << 20  # numbers at a time
_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VerifiedSampling(Result):
    """Value and accuracy of "sample until the verifier accepts, at most k times", for each k.

    Parameters
    ----------
    value : Curve
        Expected value against the most attempts allowed, from 0 on: 1 for a correct answer that is accepted, minus the
        penalty for a wrong one, minus the cost of the attempts that were made.
    accuracy : Curve
        P(an answer is accepted and correct), from 1 attempt on.
    conditional_accuracy : Curve or None
        P(correct | accepted), from 1 attempt on; None where nothing is ever accepted.
    best_attempts : int or inf
        Where `value` is largest, the smallest such number; inf where going on until something is accepted is better
        than every number allowed.
    best_value : float
        The value there.
    ceiling : float
        What `accuracy` cannot exceed, however many attempts are made; from counts, what it reaches at the last
        attempt of the curve.
    n : int
        Problems.
    guarantee : str
    method : str

    Examples
    --------
    >>> from uq.sampling import verified_sampling
    >>> result = verified_sampling([.87, .13], [.58, .42], completeness=1, soundness=.75, penalty=1, max_attempts=10)
    >>> result.best_attempts, round(result.ceiling, 3)
    (2, 0.716)
    """

    value: Curve
    accuracy: Curve
    conditional_accuracy: Curve | None
    best_attempts: float
    best_value: float
    ceiling: float
    n: int
    guarantee: str = "none"
    method: str = "closed form"

    def _table(self):
        table = {"attempts": self.accuracy.x.astype(int), "value": self.value.y[1:], "accuracy": self.accuracy.y}
        if self.value.lower is not None:
            table["value_lower"], table["value_upper"] = self.value.lower[1:], self.value.upper[1:]
        if self.conditional_accuracy is not None:
            table["conditional_accuracy"] = self.conditional_accuracy.y
        return table

    def _title(self):
        return (
            f"{format_count(self.n, 'problems')}: best to allow {format_number(self.best_attempts)} attempts (value "
            f"{format_number(self.best_value)}), ceiling of the accuracy {format_number(self.ceiling)}"
        )

    def __repr__(self):
        return f"<{self._title()}; {self._caption()}>"

    def _draw(self, ax):
        from uq._base import plot

        return plot.curve(ax, self.value, title=self._title())


@cites("stroebl2024")
def verified_sampling(
    rates, sample_weight=None, *, completeness, soundness, penalty=0.0, cost=0.0, max_attempts
) -> VerifiedSampling:
    """Return value and accuracy of sampling until a verifier that errs accepts, at most so many times.

    Parameters
    ----------
    rates : array-like of shape (n_problems,)
        P(one sample is correct) of each problem, or of each type of problem, in [0, 1].
    sample_weight : array-like of shape (n_problems,), optional
        How often each is met; alike where None.
    completeness, soundness : float or array-like of shape (n_problems,)
        P(accepted | correct) and P(rejected | wrong), in [0, 1]; one for all problems or one for each.
    penalty : float, default 0
        What an accepted wrong answer costs, where a correct one is worth 1. No answer is worth 0.
    cost : float, default 0
        Of each attempt, in the same unit.
    max_attempts : int
        Largest number of attempts that is looked at, at most 100,000.

    Returns
    -------
    VerifiedSampling
        Curves without bands: the rates are taken as known. For counts of samples, which bring an error, see
        `verified_sampling_from_counts`.

    Raises
    ------
    InputError
        For rates, completeness or soundness outside [0, 1], a negative penalty or cost, weights that are negative or
        all 0, or a count out of range.

    Notes
    -----
    An attempt at a problem of rate r is accepted with probability a = c r + (1 - s)(1 - r), so that k attempts lead to
    an answer with probability 1 - (1 - a)^k and make (1 - (1 - a)^k) / a attempts on average. The value of k attempts
    is that number times c r - penalty (1 - s)(1 - r) - cost, averaged over problems.

    The conditional accuracy *falls* with k where c + s >= 1, because hard problems are those that need many attempts;
    the `ceiling` bounds the unconditional one, and is where the conditional one falls to if every problem is accepted
    at last. The value may rise again after it fell, where completeness and soundness differ between problems or
    c + s < 1: `best_attempts` compares all numbers allowed, and infinitely many.

    In the notebook published with the paper, the gain of the k-th attempt and the chance of getting there are both
    averaged over the problems that k - 1 rejections leave, where the second average belongs over all problems; its
    value for two attempts in the example below is .4884 in place of .4724.

    **Guarantee.** Exact for the rates, the completeness and the soundness given, if attempts at one problem are
    independent and the verifier errs independently of all but correctness; nothing covers the error of estimated
    rates.

    References
    ----------
    Stroebl, Kapoor and Narayanan (2024), The limits of inference scaling through resampling, arXiv:2411.17501.

    Examples
    --------
    >>> from uq.sampling import verified_sampling
    >>> result = verified_sampling([.87, .13], [.58, .42], completeness=1, soundness=.75, penalty=1, max_attempts=5)
    >>> result.value.y.round(4)
    array([0.    , 0.449 , 0.4724, 0.4614, 0.4516, 0.445 ])
    >>> result.conditional_accuracy.y.round(3)
    array([0.835, 0.79 , 0.761, 0.744, 0.734])
    """
    owner = "verified_sampling"
    penalty, cost = (check_price(v, owner, name) for v, name in ((penalty, "penalty"), (cost, "cost")))
    k = check_attempts(max_attempts, owner)
    rates = check_shares(rates, owner, "rates")
    weights = check_weights(sample_weight, owner, len(rates))
    n = len(rates)
    named = {"completeness": completeness, "soundness": soundness}
    verifier = [np.full(n, check_each(v, owner, name, low=0, high=1, n=n)) for name, v in named.items()]
    weights = np.ones(n) if weights is None else weights / weights.max()
    # problems that are alike are one type; those that are never met are none
    types, place = np.unique(np.stack([rates, *verifier])[:, weights > 0], axis=1, return_inverse=True)
    share = np.bincount(place.reshape(-1), weights=weights[weights > 0])
    rate, complete, sound = types
    return _from_types(share / share.sum(), rate, complete, sound, penalty, cost, k, n)


def _from_types(share, rate, completeness, soundness, penalty, cost, k, n):
    right, wrong = completeness * rate, (1 - soundness) * (1 - rate)
    accept = np.minimum(right + wrong, 1.0)
    gain = right - penalty * wrong - cost
    # nothing gained is not a gain by rounding, which would go on for ever
    gain = np.where(np.abs(gain) <= 4 * _EPS * (right + penalty * wrong + cost), 0.0, gain)
    attempts = np.arange(k + 1)
    mean = _mean_attempts(np.stack([share * gain, share * right, share * accept]), accept, attempts)
    value, accuracy, accepted = mean
    accuracy = np.clip(accuracy, 0.0, 1.0)
    some = accepted[1] > 0
    conditional = None
    if some:
        conditional = Curve(
            x=attempts[1:],
            y=np.clip(accuracy[1:] / accepted[1:], 0.0, 1.0),
            x_label="most attempts",
            y_label="correct, if accepted",
        )
    ever = accept > 0
    stuck = bool((gain[~ever] < 0).any())  # pays for attempts for ever
    with np.errstate(over="ignore", invalid="ignore"):
        gains, shares = (np.divide(of, accept, out=np.zeros_like(accept), where=ever) for of in (gain, right))
        limit = -np.inf if stuck else float(share @ gains)
    best = _best(share * gain, accept, value, limit if np.isfinite(limit) else -np.inf)
    return VerifiedSampling(
        value=Curve(x=attempts, y=value, x_label="most attempts", y_label="value"),
        accuracy=Curve(x=attempts[1:], y=accuracy[1:], x_label="most attempts", y_label="accepted and correct"),
        conditional_accuracy=conditional,
        best_attempts=best,
        best_value=limit if np.isinf(best) else float(value[int(best)]),
        ceiling=float(min(share @ np.minimum(shares, 1.0), 1.0)),
        n=n,
        guarantee="exact",
    )


def _mean_attempts(columns, accept, attempts):
    """Return the columns (m, types) times the mean number of attempts made, (1 - (1 - a)^k) / a, for each k."""
    out = np.empty((len(columns), len(attempts)))
    step = max(1, _BLOCK // len(accept))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_reject = np.log1p(-accept)
        for start in range(0, len(attempts), step):
            k = attempts[start : start + step, None]
            made = -np.expm1(k * log_reject) / accept
            made = np.where(accept == 0, k, np.where(k == 0, 0.0, np.maximum(made, np.minimum(k, 1))))
            out[:, start : start + step] = columns @ made.T
    return out


def _best(gain, accept, value, limit):
    """Return the smallest maximiser of the value over 0 ... k and infinity.

    Increments are compared with 0 in units of the slowest type left, so that their sign is known when the values
    themselves no longer differ.
    """
    k = len(value) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        log_reject = np.log1p(-accept)
        slowest = log_reject[gain != 0].max(initial=-np.inf)
        relative = np.where(gain != 0, log_reject - slowest, 0.0) if np.isfinite(slowest) else np.zeros_like(accept)
    rising = np.zeros(k + 2, bool)  # whether attempt j + 1 adds something; the last entry is all those after k
    step = max(1, _BLOCK // len(accept))
    for start in range(0, k + 1, step):
        j = np.arange(start, min(start + step, k + 1))[:, None]
        with np.errstate(invalid="ignore"):
            left = np.exp(np.where(j == 0, 0.0, j * relative))
        if not np.isfinite(slowest):  # all that matters is accepted at once
            left = np.where(j == 0, 1.0, 0.0)
        parts = gain * left
        rising[start : start + len(j)] = parts.sum(axis=1) > 4 * _EPS * np.abs(parts).sum(axis=1)
    tops = np.flatnonzero(~rising[: k + 1] & np.r_[True, rising[:k]])
    tops = tops if tops.size else np.array([k])
    if rising[k] and k not in tops:
        tops = np.append(tops, k)
    best = int(tops[np.argmax(value[tops])])
    # beyond k the value moves by what is left, sum of gain (1 - a)^k / a
    beyond = limit - value[best]
    if best == k and rising[k] and np.isfinite(limit):
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            rest = np.where((accept > 0) & (gain != 0), gain * np.exp(k * relative) / accept, 0.0)
        return np.inf if rest.sum() > 4 * _EPS * np.abs(rest).sum() else best
    return np.inf if beyond > 8 * _EPS * max(abs(limit), abs(value[best])) else best


def check_shares(x, owner, name):
    """Return a vector of numbers in [0, 1]."""
    array = check_vector(x, owner, name)
    if array.min() < 0 or array.max() > 1:
        raise InputError(
            f"{owner}: {name} must hold probabilities in [0, 1]; got values from {array.min():g} to {array.max():g}. "
            "Percentages are divided by 100."
        )
    return array


def check_price(x, owner, name):
    """Return a price that is not negative, and not so large that sums of it overflow."""
    price = check_each(x, owner, name, low=0, high=1e150)
    if np.ndim(price):
        raise InputError(f"{owner}: {name} must be one number for all problems; got {len(price)} of them.")
    return price


def check_attempts(max_attempts, owner):
    """Return the number of attempts, at least 1."""
    k = check_count(max_attempts, owner, "max_attempts")
    if k > MOST_ATTEMPTS:
        raise InputError(
            f"{owner}: max_attempts must be at most {MOST_ATTEMPTS}, the points of a curve; got {k}. Infinitely many "
            "attempts are compared in any case."
        )
    return k
