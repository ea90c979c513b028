"""The smooth calibration error: a kernel in place of bins, whose bandwidth is the error itself."""

import warnings

import numpy as np
from scipy.optimize import brentq

from uq._base.citation import cites
from uq._base.grid import bin_masses, cells_for, coefficients, heat
from uq._base.validation import check_number

from ._forecast import check_forecast

__all__ = ["smooth_calibration_error", "smooth_error"]

RESOLVED = 10  # cells per bandwidth, below which the error of the grid reaches a per mille
ROUNDING = 1e-12


@cites("blasiok2024")
def smooth_calibration_error(y_true, y_prob, *, sigma=None, sample_weight=None, groups=None, classes=None) -> float:
    """Return the smooth calibration error: how far the outcomes lie from their forecasts, without bins.

    The residuals y_prob - y_true are smoothed along the forecast by a Gaussian reflected at 0 and 1, and their absolute
    value is integrated. The error is the one bandwidth that equals the integral it gives, so nothing is left to choose.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0, 1 or a share between them where `y_prob` is P(y = 1); labels where it has one column per class.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), or probabilities of the classes; of those the largest is held against whether its class came true.
        For two classes pass column 1, unless that is what is asked.
    sigma : float, optional
        A fixed bandwidth: the integral at this bandwidth is returned, which does not increase in `sigma`.
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative weights.
    groups : array-like of shape (n_samples,), optional
        Cluster labels. The error itself does not depend on them; its interval does, see Notes.
    classes : array-like of shape (n_classes,), optional
        The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
        sorted labels. A resample need not hold all labels, and has no names: under ``uq.estimate_metric`` pass
        ``functools.partial(smooth_calibration_error, classes=...)``.

    Returns
    -------
    float
        Within [0, 1].

    Raises
    ------
    InputError
        For probabilities outside [0, 1] or rows of them that do not sum to 1, outcomes outside [0, 1], NaN, no rows,
        lengths that differ, negative weights, or a bandwidth that is not positive.

    Warns
    -----
    UserWarning
        Where the bandwidth is below 1e-5, so that the finest grid (2^20 cells) does not resolve it.

    Notes
    -----
    ``uq.estimate_metric(smooth_calibration_error, y_true, y_prob, groups=groups)`` gives an interval. Read it with
    care: the error is never negative and biased upward, the more so on resamples, so that an interval for a calibrated
    forecaster ends above 0. It is no test of calibration.

    **Guarantee.** The number is that of the definition to 1e-8 (unless it warns). It bounds the distance d to the
    nearest calibrated forecaster in the population from both sides, d / 2 <= error <= 2 sqrt(d) [1]_. The estimate from
    n rows is biased upward: under perfect calibration it falls with n^(-1/3) where the forecasts are spread out.

    References
    ----------
    .. [1] J. Błasiok, P. Nakkiran (2024). Smooth ECE: principled reliability diagrams via kernel smoothing. ICLR.
       arXiv:2309.12236.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import smooth_calibration_error
    >>> rng = np.random.default_rng(0)
    >>> y_prob = rng.random(2000)
    >>> y = rng.random(2000) < y_prob
    >>> round(smooth_calibration_error(y, y_prob), 3), round(smooth_calibration_error(y, y_prob**2), 3)
    (0.025, 0.171)
    """
    owner = "smooth_calibration_error"
    if sigma is not None:
        sigma = check_number(sigma, owner, "sigma", low=0)
    rows = check_forecast(y_true, y_prob, owner, sample_weight=sample_weight, groups=groups, classes=classes)
    p, hit = rows.confidence()
    error, bandwidth, size = smooth_error(p, p - hit, rows.weights, sigma)
    if size * bandwidth < RESOLVED and error > ROUNDING:
        warnings.warn(
            f"{owner}: a bandwidth of {bandwidth:.2g} is finer than the grid of {size} cells resolves; the error "
            f"({error:.2g}) is right in its order of magnitude only. Pass a larger sigma to smooth more.",
            UserWarning,
            stacklevel=2,
        )
    return error


def smooth_error(p, residuals, weights=None, sigma=None):
    """Return (error, bandwidth, number of cells); the bandwidth is the error itself unless `sigma` is given.

    Where smoothing cancels nothing (all p alike, residuals of one sign) the bandwidth does not matter and is infinite.
    """
    if weights is None:
        masses_of = residuals / len(residuals)
    else:
        weights = weights / weights.max()
        masses_of = weights / weights.sum() * residuals
    size = cells_for(0.01 if sigma is None else sigma)
    while True:
        masses = bin_masses(p, masses_of, size, cubic=True)
        total, least = np.abs(masses).sum(), abs(masses.sum())
        if total - least <= ROUNDING:  # every bandwidth gives the same
            return float(min(least, 1.0)), np.inf, size
        cosines = coefficients(masses)
        if sigma is not None:
            return _integral(cosines, sigma), sigma, size
        found = _fixed_point(cosines, total)
        finer = cells_for(found, least=size)
        if finer == size:
            return found, found, size
        size = finer


def _integral(cosines, sigma):
    """Integrate the absolute value by midpoints, corrected (Euler-Maclaurin) for kinks where the sign changes."""
    smooth = heat(cosines, sigma)
    size = np.abs(smooth)
    crossed = np.flatnonzero(smooth[1:] * smooth[:-1] < 0)
    left, right = size[crossed], size[crossed + 1]
    return float(size.sum() + ((left + right) / 6 - left * right / (left + right)).sum())


def _fixed_point(cosines, total):
    """Return the bandwidth that equals its integral; the difference of the two falls from `total` to at most 0."""

    def excess(sigma):
        return (total if sigma == 0 else _integral(cosines, sigma)) - sigma

    return 1.0 if excess(1.0) >= 0 else float(brentq(excess, 0.0, 1.0, xtol=1e-13, rtol=1e-13))
