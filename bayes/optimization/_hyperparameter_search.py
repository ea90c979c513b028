"""The search for hyperparameters: which are free, where it begins and ends, the best optimum or draws around it."""

import math

import numpy as np
from scipy.optimize import minimize

from uq._base.exceptions import InputError

from ._likelihood import BOUNDS, default_theta
from ._slice import slice_sample

__all__ = ["FEW", "box_of", "free_and_fixed", "sample_theta", "search_theta", "starts_of"]

DRAWS, BURN, THIN = 16, 50, 5
FEW = 200  # rows, up to which a warm search also starts from the default
WIDEST = 1e100
GLANCE = {"ftol": 1e-4, "gtol": 1e-2, "maxiter": 50}
SEARCH = {"ftol": 1e-7, "gtol": 1e-4, "maxiter": 100}


def free_and_fixed(settings, scale, n_groups):
    """Return which entries of theta are free, and the values of the others (the default for the free ones)."""
    theta = default_theta(n_groups, settings.prior_of_mode)
    free = np.full(n_groups + 2, settings.hyperparameters != "fixed")
    if settings.length_scale is not None:
        theta[:-2], free[:-2] = 0.0, False
    for place, name in ((-2, "signal_variance"), (-1, "noise_variance")):
        value = getattr(settings, name)
        if value is not None:
            root = math.sqrt(value) / scale
            if root > WIDEST**0.5 or (place == -2 and root < WIDEST**-0.5):
                raise InputError(
                    f"GaussianProcess: {name} must be within a factor of {WIDEST:g} of the variance of y "
                    f"({scale:g} squared); got {value:g}. It is in the units of y squared."
                )
            theta[place], free[place] = 2 * math.log(root) if root > 0 else -math.inf, False
    return free, theta


def starts_of(fixed, free, unit, columns, start, n):
    """Return where searches begin: the last optimum, the mode of the prior, and shorter length scales."""
    default = fixed.copy()
    if start is not None:
        warm = fixed.copy()
        first = np.unique(columns, return_index=True)[1]
        length = np.exp(np.mean(np.log(np.asarray(start["length_scale"], dtype=float)), axis=0))
        values = np.r_[
            np.log(length[first] / unit[first]),
            np.mean(np.log(start["signal_variance"])),
            np.log(max(np.mean(start["noise_variance"]), 1e-6)),
        ]
        warm[free] = values[free]
        return [warm] if n > FEW else [warm, default]
    short = fixed.copy()
    short[:-2][free[:-2]] = math.log(0.5 * math.sqrt(len(fixed) - 2))
    return [default, short]


def box_of(longest, n_groups):
    """Return the bounds of each entry of theta."""
    box = np.array([BOUNDS[0]] * n_groups + [BOUNDS[1], BOUNDS[2]])
    if longest is not None:
        box[:n_groups, 1] = np.minimum(box[:n_groups, 1], longest)
    return box


def search_theta(likelihood, fixed, free, starts, box):
    """Return the best of the optima that L-BFGS-B finds."""
    unit = np.ones(len(fixed))
    if likelihood.n > FEW:  # the log noise is known to about sqrt(2 / n): searches near the end are shorter in its unit
        unit[-1] = math.sqrt(2 / likelihood.n)
    unit = unit[free]
    box = box[free] / unit[:, None]

    def objective(values):
        theta = fixed.copy()
        theta[free] = values * unit
        value, slopes = likelihood(theta)
        return value, slopes[free] * unit

    def run(values, **options):
        return minimize(objective, values, jac=True, method="L-BFGS-B", bounds=box, options=options)

    begin = [np.clip(start[free] / unit, box[:, 0], box[:, 1]) for start in starts]
    if len(begin) > 1:  # most optima are the same: the best is enough to be sharp
        begin = [min((run(values, **GLANCE) for values in begin), key=lambda result: result.fun).x]
    theta = fixed.copy()
    theta[free] = run(begin[0], **SEARCH).x * unit
    return theta


def sample_theta(likelihood, theta, free, box, rng):
    """Return draws of theta, and of the mean's coefficients given each."""
    thetas = slice_sample(
        lambda point: -likelihood.collapsed(point),
        theta,
        free,
        box,
        rng,
        n_draws=DRAWS,
        burn=BURN,
        thin=THIN,
    )
    coefs = []
    for point in thetas:
        coef, factor = likelihood.trend(point)
        coefs.append(coef + np.linalg.solve(factor.T, rng.standard_normal(len(coef))) if len(coef) else coef)
    return thetas, coefs
