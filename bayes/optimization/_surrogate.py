"""The surrogate that a campaign is given: which Gaussian process it may be, and how a log holds it."""

import numpy as np
from sklearn.base import clone

from uq._base.exceptions import InputError

from ._gaussian_process import GaussianProcess
from ._gp_input import check_settings

__all__ = ["check_surrogate", "make_surrogate", "surrogate_parameters"]


def check_surrogate(surrogate, n_columns):
    """Return an unfitted GaussianProcess whose parameters fit the unit cube."""
    made = make_surrogate(surrogate)
    check_settings(made, n_columns)
    return made


def make_surrogate(surrogate):
    """Return an unfitted GaussianProcess."""
    if surrogate is None:
        return GaussianProcess()
    if isinstance(surrogate, type) or not isinstance(surrogate, GaussianProcess):
        raise InputError(
            f"BayesianOptimizer: surrogate must be a GaussianProcess or None; got {surrogate!r:.100}. It works on the "
            "unit cube, one column per number and one per choice."
        )
    return clone(surrogate)


def surrogate_parameters(surrogate):
    """Return the parameters as JSON holds them, without the seed, or None where one of them is a function."""
    found = {}
    for name, value in surrogate.get_params(deep=False).items():
        if name == "random_state":
            continue  # each fit has a seed of its own, from that of the campaign
        if isinstance(value, (np.ndarray, np.generic)):
            value = value.tolist()
        if isinstance(value, (list, tuple)):
            value = [v.item() if isinstance(v, np.generic) else v for v in value]
        elif not (value is None or isinstance(value, (bool, int, float, str))):
            return None
        found[name] = value
    return found
