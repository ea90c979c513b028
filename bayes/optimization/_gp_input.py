"""What a Gaussian process takes: parameters and rows, checked before any work."""

from contextlib import contextmanager
from numbers import Real

import numpy as np
from sklearn.utils.validation import validate_data

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.sklearn import validate_params
from uq._base.validation import check_number, check_vector

from ._hyperparameters import Settings

__all__ = [
    "RowTypeError",
    "check_noise",
    "check_rows",
    "check_settings",
    "check_theta",
    "contradict",
    "features_restored",
]

HUGE = 1e150
RAW_HUGE = 1e50


class RowTypeError(InputError, TypeError):
    """Rows of another kind: scikit-learn's contract wants a TypeError."""


def check_settings(gp, n_features=None):
    """Return the constructor's parameters as `Settings`; the number of length scales once the columns are known."""
    validate_params(gp)
    owner = type(gp).__name__
    length = gp.length_scale
    if length is not None:
        if isinstance(length, Real):
            length = np.array([check_number(length, owner, "length_scale", low=1 / HUGE, high=HUGE)])
        else:
            length = check_vector(length, owner, "length_scale")
        if not ((length > 1 / HUGE) & (length < HUGE)).all():
            raise InputError(f"{owner}: length_scale must be positive, within [1e-150, 1e150]; got {length.min():g}.")
        if n_features is not None and len(length) not in (1, n_features):
            raise InputError(
                f"{owner}: length_scale must be one number, or one per column of X ({n_features}); got {len(length)}."
            )
        if n_features is not None:
            length = np.broadcast_to(length, n_features).copy()
    s2, noise, mean = gp.signal_variance, gp.noise_variance, gp.mean
    if s2 is not None:
        s2 = check_number(s2, owner, "signal_variance", low=0, high=HUGE)
    if noise is not None:
        noise = check_number(noise, owner, "noise_variance", low=0, high=HUGE, closed=True)
    if not callable(mean) and not (isinstance(mean, str) and mean == "constant"):
        remedy = 'Else "constant", or a callable.'
        mean = check_number(mean, owner, "mean", low=-HUGE, high=HUGE, remedy=remedy)
    return Settings(
        gp.kernel, length, s2, noise, mean, gp.hyperparameters, bool(gp.normalize_y), gp._natural, gp._longest
    )


def check_rows(gp, owner, *arrays, **options):
    """Check X, or X and y, in scikit-learn's way with our error."""
    try:
        with np.errstate(invalid="ignore", over="ignore"):  # infinities are told of in words
            checked = validate_data(gp, *arrays, dtype=np.float64, **options)
    except (ValueError, OverflowError) as error:  # integers beyond the floats are told of by neither name nor row
        raise InputError(f"{owner}: {error}" if isinstance(error, OverflowError) else str(error)) from None
    except TypeError as error:  # of sparse rows, and of what is no number
        raise RowTypeError(f"{owner}: X and y must be dense arrays of real numbers: {error}") from None
    X, y = checked if isinstance(checked, tuple) else (checked, None)
    if y is not None:
        try:
            with np.errstate(over="ignore"):  # of long doubles
                y = np.asarray(y, dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{owner}: y must hold numbers; {error}.") from None
    for name, array in (("X", X), ("y", y)):
        if array is not None and not np.abs(array).max() <= HUGE:
            raise InputError(f"{owner}: {name} must not exceed {HUGE:g} in size, whose squares overflow; rescale it.")
    if y is None:
        return X
    if not gp.normalize_y and np.abs(y).max() > RAW_HUGE:
        raise InputError(f"{owner}: y must not exceed {RAW_HUGE:g} in size without normalize_y=True; rescale it.")
    return X, y


def check_noise(y_var, owner, n):
    """Return known noise variances (n,), zeros where there are none."""
    if y_var is None:
        return np.zeros(n)
    if isinstance(y_var, Real):
        return np.full(n, check_number(y_var, owner, "y_var", low=0, high=HUGE, closed=True))
    y_var = check_vector(y_var, owner, "y_var")
    if len(y_var) != n:
        raise InputError(f"{owner}: y_var must be one number, or one per row ({n}); got {len(y_var)}.")
    if (y_var < 0).any():
        raise InputError(f"{owner}: y_var must be at least 0, a variance; got {y_var.min():g}.")
    return y_var


def check_theta(theta, owner):
    """Return logarithms of hyperparameters, of which the last one, the noise's, may be that of nothing."""
    theta = as_numeric(theta, owner, "theta")
    if theta.ndim == 1 and len(theta) and theta[-1] == -np.inf:
        return np.append(check_vector(theta[:-1], owner, "theta"), -np.inf) if len(theta) > 1 else theta
    return check_vector(theta, owner, "theta")


def contradict(X, y, y_var):
    """Tell whether rows without noise say different things of one point."""
    X, y = X[y_var == 0], y[y_var == 0]
    order = np.lexsort((y, *X.T))
    same = (X[order][1:] == X[order][:-1]).all(axis=1)
    return bool((same & (y[order][1:] != y[order][:-1])).any())


@contextmanager
def features_restored(gp):
    """Put `n_features_in_` and `feature_names_in_` back where a check fails: a refused fit changes nothing."""
    names = ("n_features_in_", "feature_names_in_")
    before = {name: getattr(gp, name) for name in names if hasattr(gp, name)}
    try:
        yield
    except Exception:
        for name in names:
            if name in before:
                setattr(gp, name, before[name])
            elif hasattr(gp, name):
                delattr(gp, name)
        raise
