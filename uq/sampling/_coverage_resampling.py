"""Fits of a coverage model to resampled problems: what its interval comes from."""

import numpy as np
from scipy.sparse import coo_matrix

from uq._base.progress import progress

from ._batched_newton import minimize
from ._coverage_models import one_step

__all__ = ["curve_acceleration", "left_out_fits", "resampled_fits"]

MANY_PAIRS = 5000  # from here on one Newton step per resample: its error is of the order of 1 over their number
MOST_LEFT_OUT = 2000
_CHUNK = 1 << 21


def resampled_fits(model, theta, many, place, codes, size, rng):
    """Return the parameters of `size` resamples of problems, or of whole clusters, each started at `theta`."""
    units = None if codes is None else _unit_matrix(codes, place, len(many))
    fits = []
    step = max(1, _CHUNK // len(many))
    for start in progress(range(0, size, step), "resamples"):
        rows = min(step, size - start)
        if units is None:
            weights = rng.multinomial(int(many.sum()), many / many.sum(), size=rows) / many.sum()
        else:
            g = units.shape[0]
            weights = _normalised(rng.multinomial(g, np.full(g, 1 / g), size=rows) @ units)
        if len(many) > MANY_PAIRS:
            fits.append(one_step(model, theta, weights))
            continue
        tiled = np.tile(theta, (rows, 1))
        fits.append(minimize(lambda t, r, w=weights: model.loss(t, w[r]), tiled, model.bounds, done=model.done))
    return np.concatenate(fits)


def left_out_fits(model, theta, many, place, codes):
    """Return the parameters without each problem or cluster, by one Newton step, and how many units share each fit.

    None of them beyond `MOST_LEFT_OUT` different ones, where they would change nothing.
    """
    units = np.diag(np.ones(len(many))) if codes is None and len(many) <= MOST_LEFT_OUT else None
    if codes is not None and codes.max() < MOST_LEFT_OUT:
        units = _unit_matrix(codes, place, len(many)).toarray()
    if units is None or many.sum() < 2:
        return None
    shared = many.astype(np.float64) if codes is None else np.ones(len(units))
    return one_step(model, theta, _normalised(np.maximum(many - units, 0.0))), shared


def curve_acceleration(values, shared):
    """Return the acceleration of the BCa interval for each column of leave-one-out values."""
    influence = (shared @ values) / shared.sum() - values
    influence = influence / np.maximum(np.abs(influence).max(axis=0), 1e-300)
    second = shared @ influence**2
    return np.where(second > 0, (shared @ influence**3) / (6 * np.where(second > 0, second, 1.0) ** 1.5), 0.0)


def _unit_matrix(codes, place, n_pairs):
    return coo_matrix((np.ones(len(codes)), (codes, place)), shape=(codes.max() + 1, n_pairs)).tocsr()


def _normalised(weights):
    return weights / weights.sum(axis=1, keepdims=True)
