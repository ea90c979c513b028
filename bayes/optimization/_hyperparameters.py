"""From data to posteriors: units, what was learned, and the same posteriors again from their record."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from uq._base.exceptions import InputError

from ._hyperparameter_search import FEW, box_of, free_and_fixed, sample_theta, search_theta, starts_of
from ._kernels import FAR, Kernel
from ._likelihood import Likelihood, LogPrior
from ._mean import ConstantMean, TrendMean, call_trend
from ._posterior import Posterior

__all__ = ["Draw", "Model", "Settings", "column_units", "fit_model", "in_units", "noise_rows", "posteriors"]

LEAST_UNIT = 1e-290
LEAST_SCALE = 1e-307
LEAST_SPREAD = 1e-150  # what trends, which may reach 1e150, are divided by
MOST_NOISE = 1e200


class Settings(NamedTuple):
    """What the caller decided; lengths, variances and means in the units of X and y.

    `natural` takes the mode over the hyperparameters themselves, with shorter length scales than over their logarithms.
    `longest` are the logarithms of the largest length scales that may be learned, one per group of columns.
    """

    kernel: str
    length_scale: Any
    signal_variance: float | None
    noise_variance: float | None
    mean: Any
    hyperparameters: str
    normalize_y: bool
    natural: bool = False
    longest: tuple[float, ...] | None = None

    @property
    def prior_of_mode(self):
        """Whether the prior is that of a natural mode; draws have none."""
        return self.natural and self.hyperparameters != "slice"


class Draw(NamedTuple):
    """One set of hyperparameters: in the units of X, and in model units of y."""

    length_scale: np.ndarray
    signal_variance: float
    noise_variance: float
    coef: np.ndarray
    shift: float


@dataclass(frozen=True)
class Model:
    """All that `fit_model` learned; with the data it gives the posteriors, bit by bit the same each time."""

    settings: Settings
    offset: float
    scale: float
    unit: np.ndarray
    columns: np.ndarray
    n_estimated: int  # coefficients of the mean that are not known
    draws: tuple[Draw, ...]

    def to_dict(self):
        """Return plain numbers and lists."""
        return {
            "offset": self.offset,
            "scale": self.scale,
            "unit": self.unit.tolist(),
            "columns": self.columns.tolist(),
            "n_estimated": self.n_estimated,
            "length_scale": [draw.length_scale.tolist() for draw in self.draws],
            "signal_variance": [draw.signal_variance for draw in self.draws],
            "noise_variance": [draw.noise_variance for draw in self.draws],
            "coef": [draw.coef.tolist() for draw in self.draws],
            "shift": [draw.shift for draw in self.draws],
        }

    @classmethod
    def from_dict(cls, settings, values):
        """Return the model that `to_dict` wrote down."""
        columns = zip(*(values[name] for name in Draw._fields), strict=True)
        return cls(
            settings,
            float(values["offset"]),
            float(values["scale"]),
            np.array(values["unit"], dtype=float),
            np.array(values["columns"], dtype=np.intp),
            int(values["n_estimated"]),
            tuple(Draw(np.array(a), float(b), float(c), np.array(d), float(e)) for a, b, c, d, e in columns),
        )


def column_units(X):
    """Return the range of each column, 1 where it has one level only."""
    if not len(X):
        return np.ones(X.shape[1])
    unit = X.max(axis=0) - X.min(axis=0)
    return np.where(unit > LEAST_UNIT, unit, 1.0)


def fit_model(settings, X, y, y_var, unit, columns, start, rng):
    """Return the `Model` of the data.

    Parameters
    ----------
    settings : Settings
    X, y, y_var : ndarray of shape (n, d), (n,), (n,)
        In the caller's units; n = 0 gives the prior.
    unit : ndarray of shape (d,)
    columns : ndarray of int, shape (d,)
    start : dict or None
        What `Model.to_dict` gave; offset and scale are kept where it has them.
    rng : Generator
    """
    if settings.length_scale is not None:
        unit = np.full(X.shape[1], 1.0) * settings.length_scale
    known, basis = _trend_columns(settings.mean, X)
    offset, scale = _output_units(settings, y, known, start or {})
    H, centre, spread = _design(settings.mean, basis, len(X))
    if known is not None and callable(settings.mean):
        target = (y - known) / scale
    else:
        target = (y - offset) / scale
    extra = noise_rows(y_var, scale)
    free, fixed = free_and_fixed(settings, scale, int(columns.max()) + 1)
    if np.abs(target).max(initial=0.0) > 1e50:
        raise InputError(
            f"GaussianProcess: y must lie within 1e50 standard deviations of its mean before data; got a distance of "
            f"{np.abs(target).max():g}. Use normalize_y=True, or another mean."
        )
    bayesian = settings.hyperparameters != "mle"
    prior = LogPrior.default(len(free) - 2, settings.prior_of_mode) if bayesian else None
    likelihood = Likelihood(
        settings.kernel, in_units(X, unit), columns, target, H, extra, 1.0 if bayesian else 0.0, prior, free
    )
    theta, box = fixed, box_of(settings.longest, len(fixed) - 2)
    if settings.hyperparameters != "fixed" and free.any() and len(X):
        starts = starts_of(fixed, free, unit, columns, start, len(X))
        if start is None and len(X) > FEW:  # many rows, whose optimum is near that of a part of them
            part = np.linspace(0, len(X) - 1, FEW).astype(np.intp)
            starts = [search_theta(likelihood.part(part), fixed, free, starts, box)]
        theta = search_theta(likelihood, fixed, free, starts, box)
    thetas, coefs = theta[None], None
    if settings.hyperparameters == "slice" and len(X):
        thetas, coefs = sample_theta(likelihood, theta, free, box, rng)
    draws = []
    for k, point in enumerate(thetas):
        coef = likelihood.trend(point).coef if coefs is None else coefs[k]
        draws.append(_draw(point, coef, settings.mean, known, offset, scale, unit, columns, centre, spread))
    return Model(settings, offset, scale, unit, columns, H.shape[1], tuple(draws))


def posteriors(model, X, y, y_var):
    """Return the posterior of each draw of the model, factored anew."""
    y, extra = (y - model.offset) / model.scale, noise_rows(y_var, model.scale)
    return tuple(
        Posterior.build(
            X,
            y,
            draw.noise_variance + extra,
            draw.noise_variance,
            Kernel(name=model.settings.kernel, length_scale=draw.length_scale, signal_variance=draw.signal_variance),
            _trend(model, draw),
            model.offset,
            model.scale,
        )
        for draw in model.draws
    )


def in_units(X, unit):
    """Return columns in their units."""
    with np.errstate(over="ignore"):  # squares of what lies beyond would overflow
        return np.clip(X / unit, -FAR, FAR)


def noise_rows(y_var, scale):
    """Return known noise variances in model units; what is noise without end is merely worthless."""
    with np.errstate(over="ignore"):
        return np.minimum((np.sqrt(y_var) / scale) ** 2, MOST_NOISE)


def _trend(model, draw):
    if not callable(model.settings.mean):
        return ConstantMean(value=draw.shift)
    return TrendMean(function=model.settings.mean, coef=draw.coef, shift=draw.shift, step=model.unit)


def _trend_columns(mean, X):
    """Return what is known of the mean (n,) and the columns of what is not (n, p), each None where there is none."""
    if not callable(mean):
        return None, None
    if not len(X):
        raise InputError("GaussianProcess: mean must be a number or 'constant' where there are no rows.")
    values = call_trend(mean, X, "GaussianProcess.fit")
    return (values, None) if values.ndim == 1 else (None, values)


def _design(mean, basis, n):
    """Return the columns with coefficients, in units of their own spread, beside a constant."""
    if basis is None:
        with_constant = isinstance(mean, str)
        return np.ones((n, int(with_constant))), np.empty(0), np.empty(0)
    centre = basis.mean(axis=0)
    spread = np.abs(basis - centre).max(axis=0)
    spread = np.where(spread > LEAST_SPREAD, spread, np.inf)  # the constant stands for columns of one level
    return np.column_stack([np.ones(n), (basis - centre) / spread]), centre, spread


def _output_units(settings, y, known, start):
    """Return offset and scale of y; spreads are measured in units of the range, lest squares vanish or overflow."""
    number = settings.mean if not (isinstance(settings.mean, str) or callable(settings.mean)) else None
    if "offset" in start and "scale" in start:
        return float(start["offset"]), float(start["scale"])
    if not settings.normalize_y or not len(y):
        return (0.0 if number is None else float(number)), 1.0
    gap = y - (known if known is not None else y.min() if number is None else number)
    if number is None and known is None:
        centre = gap.mean()
        gap, offset = gap - centre, float(y.min() + centre)
    else:
        offset = 0.0 if number is None else float(number)
    most = np.abs(gap).max()
    scale = float(most * math.sqrt(np.mean((gap / most) ** 2))) if most > 0 else 1.0
    if known is not None and scale < LEAST_SPREAD:
        raise InputError(
            f"GaussianProcess.fit: y must differ from a known mean by more than {LEAST_SPREAD:g}, or not at all; got "
            f"{scale:g}. Rescale y and the mean."
        )
    return offset, max(scale, LEAST_SCALE)


def _draw(theta, coef, mean, known, offset, scale, unit, columns, centre, spread):
    """Return hyperparameters in the units of X, the mean's coefficients in those of its own columns."""
    length = unit * np.exp(theta[:-2])[columns]
    s2, noise = math.exp(theta[-2]), math.exp(theta[-1])
    if not callable(mean):
        return Draw(length, s2, noise, np.empty(0), float(coef[0]) if len(coef) else 0.0)
    if known is not None:
        return Draw(length, s2, noise, np.array([1 / scale]), -offset / scale)
    slopes = coef[1:] / spread
    return Draw(length, s2, noise, slopes, float(coef[0] - slopes @ centre))
