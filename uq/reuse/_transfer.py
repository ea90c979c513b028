"""The transfer theorem: from answers close to the holdout to answers close to the truth."""

import math
from collections.abc import Callable

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_level, check_number

from ._power import approximate_power, gaussian_power, peak_of

__all__ = ["gaussian_sensitivity", "posterior_sensitivity", "transfer_bound"]

_HAIR = 1e-9


def posterior_sensitivity(power, peak, alpha):
    """Return the root t in [0, 1] of t = sup over m <= alpha (1 - t) / 4 of (F(m) - m) / alpha; never below it."""

    def excess(t):
        m = min(alpha * (1 - t) / 4, peak)
        return (power(m) - m) / alpha - t

    if power(0.0) >= alpha:
        return 1.0
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


@cites("dwork2015", "jung2020", "dong2022")
def transfer_bound(
    noise_cvar: float,
    *,
    mu: float | None = None,
    epsilon: float | None = None,
    delta: float = 0.0,
    power: "Callable[[float], float] | None" = None,
    confidence_level: float = 0.95,
) -> float:
    """Return how far the answers of a private, adaptive interaction can lie from the truth.

    Parameters
    ----------
    noise_cvar : float
        Mean of the worst part, of probability ``1 - confidence_level``, of the largest distance between an answer and
        the mean over the rows (its conditional value at risk), as a part of the width of the bounds. 0 without noise.
    mu : float, optional
        The whole interaction is mu-Gaussian differentially private: k answers with Gaussian noise of standard deviation
        sigma on means over n rows have ``mu = sqrt(k) / (n sigma)``.
    epsilon : float, optional
        The whole interaction is (epsilon, delta)-differentially private.
    delta : float, default 0
        In [0, 1); only with `epsilon`.
    power : callable, optional
        Any concave function: `power(m)` is the largest power, over all neighbouring data sets, of a test of size m that
        sees all answers. An accountant's curve delta(eps) gives ``lambda m: min(1, min(exp(e) * m + d for e, d in
        curve))``.
    confidence_level : float, default .95
        Probability that all answers are within the bound at once.

    Returns
    -------
    float
        The tolerance, as a part of the width of the bounds. At most 1, which says nothing.

    Raises
    ------
    InputError
        Unless exactly one of mu, epsilon and power is given, in its range; for a `power` that is below m, above 1, or
        not concave.

    Notes
    -----
    With beta = 1 - confidence_level the bound is ``noise_cvar + t``, where t solves t = sup over m <= beta
    (1 - t) / 4 of (F(m) - m) / beta. Neighbours differ in one row *replaced*; accounts of added or removed rows do not
    apply. For pure epsilon, t is at most tanh(epsilon / 4). There is no union bound: neither the number of answers nor
    the two sides cost anything beyond what they add to the noise and to the privacy loss.

    **Guarantee.** Finite-sample: with probability `confidence_level` every answer, to means of the same n independent
    rows, lies within the bound of the expectation of its query, however the queries were chosen, if the privacy holds
    for the interaction with every analyst. The theorem is this project's own; its proof is in
    ``docs/transfer_bound.md``, and nobody outside has reviewed it. Published bounds stand beside it there.

    References
    ----------
    Dwork, Feldman, Hardt, Pitassi, Reingold and Roth (2015), arXiv:1411.2664 (that such bounds exist).
    Jung, Ligett, Neel, Roth, Sharifi-Malvajerdi and Shenfeld (2020), arXiv:1909.03577 (posterior sensitivity).
    Dong, Roth and Su (2022), doi:10.1111/rssb.12454 (power functions, Gaussian differential privacy).

    Examples
    --------
    >>> from uq.reuse import transfer_bound
    >>> round(transfer_bound(0., mu=.1), 4)
    0.0682
    >>> round(transfer_bound(.02, epsilon=.2), 4)
    0.07
    >>> round(transfer_bound(0., epsilon=.3, delta=.001), 4)
    0.0988
    """
    owner = "transfer_bound"
    noise = check_number(noise_cvar, owner, "noise_cvar", low=0, closed=True)
    alpha = 1 - check_level(confidence_level, owner)
    if sum(given is not None for given in (mu, epsilon, power)) != 1:
        raise InputError(f"{owner}: exactly one of mu, epsilon and power must be given: what privacy is promised.")
    delta = check_number(delta, owner, "delta", low=0, high=1, closed=True)
    if delta and epsilon is None:
        raise InputError(f"{owner}: delta must be 0 without epsilon; got {delta}.")
    if mu is not None:
        return min(1.0, noise + gaussian_sensitivity(check_number(mu, owner, "mu", low=0, closed=True), alpha))
    if epsilon is not None:
        epsilon = check_number(epsilon, owner, "epsilon", low=0, closed=True)
        least = posterior_sensitivity(*approximate_power(epsilon, delta), alpha)
        return min(1.0, noise + (least if delta else min(least, math.tanh(epsilon / 4))))
    checked = _checked(power, alpha, owner)
    return min(1.0, noise + posterior_sensitivity(checked, peak_of(checked, alpha / 4), alpha))


def gaussian_sensitivity(mu, alpha):
    """Return the part of the bound that mu-GDP costs."""
    return posterior_sensitivity(*gaussian_power(min(mu, 1e3)), alpha)


def _checked(power, alpha, owner):
    """Return the caller's power function as one from float to float, tried on a grid."""
    if not callable(power):
        raise InputError(f"{owner}: power must be a function of the size of a test; got {power!r:.100}.")

    def number(m):
        try:
            value = float(power(m))
        except (TypeError, ValueError):
            raise InputError(f"{owner}: power must return one number for one number; not so at {m:.4g}.") from None
        if not m - _HAIR * alpha <= value <= 1 + _HAIR:
            raise InputError(f"{owner}: power must lie between m and 1; got {value:.6g} at m = {m:.6g}.")
        return value

    m = np.r_[0.0, alpha / 4 * np.geomspace(1e-6, 1, 40)]
    slopes = np.diff([number(each) for each in m]) / np.diff(m)
    if (np.diff(slopes) > 1e-6 * (1 + np.abs(slopes[1:]))).any():
        raise InputError(f"{owner}: power must be concave; it is not for m below {alpha / 4:.4g}.")
    return number
