"""From influence values to an Estimate: errors that never overflow, vanish or turn into NaN."""

import warnings
from dataclasses import replace

import numpy as np

from uq._base.draws_law import DrawsLaw
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.laws import TLaw
from uq._base.results import Estimate

from ._functional import satterthwaite
from ._influence import Influence

__all__ = ["FEW", "draws_estimate", "influence_norms", "linear_estimate", "rounding_of", "warn_few"]

FEW = 20
_SHOWN = 3  # names of coefficients in a message


def warn_few(owner, units, count, kind, stacklevel, names=None, spared=False):
    """Warn where an interval rests on few units, by their number or because few of them outweigh the others.

    Parameters
    ----------
    units : float or ndarray of shape (k,)
        How many units carry each coefficient.
    count : int
    kind : str
    names : sequence of str, optional
        Of the coefficients.
    spared : ndarray of bool, shape (k,), optional
        Coefficients that nobody takes for more than they are, such as those of dummies of single clusters.
    """
    units = np.atleast_1d(np.asarray(units, dtype=float))
    few = (units < FEW * (1 - 1e-9)) & ~np.asarray(spared)
    if not few.any():
        return
    least = units[few].min()
    if least == count:
        words = f"{count} {kind} are few"
    else:
        words = (
            f"{count} {kind} differ so much (in weight, size, arm, probability or X) that they count as {least:.1f}"
            f"{_of_which(few, names)}, few"
        )
    warnings.warn(
        f"{owner}: {words} for an asymptotic interval, which may be too short; {FEW} and more are enough.",
        SmallSampleWarning,
        stacklevel=stacklevel,
    )


def _of_which(few, names):
    if len(few) == 1:
        return ""
    places = np.flatnonzero(few)
    shown = [str(i) if names is None else repr(names[i])[:40] for i in places[:_SHOWN]]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f" for column{'s' * (len(places) > 1)} {', '.join(shown)}{more} of X" + (
        " (counting from 0)" if names is None else ""
    )


def influence_norms(values):
    """Return the root of the sum of squares of each column, shape (k,), whatever the scale of the numbers."""
    if not len(values):
        return np.zeros(values.shape[1])
    largest = np.abs(values).max(axis=0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    with np.errstate(under="ignore"):
        return scale * np.sqrt(((values / scale) ** 2).sum(axis=0))


def rounding_of(functional, f):
    """Return an error that is nothing but rounding, shape (k,)."""
    return 4 * np.finfo(float).eps * (np.abs(functional.coefficients) @ np.abs(f))


def linear_estimate(
    owner, functional, f, fit, apply, df_fit, df_apply, *, method, guarantee, n, n_groups=None,
    fit_rows=None, apply_rows=None, law=None, flat=False
):  # fmt: skip
    """Return the Estimate of a linear functional of the column f.

    Parameters
    ----------
    owner : str
        Estimator and verb, of which the latter names what is estimated.
    functional : Functional
    f : ndarray of shape (n,)
    fit, apply : ndarray of shape (n_fit, k) and (n_apply, k)
        Influence values whose squares sum to the two parts of the variance.
    df_fit, df_apply : ndarray of shape (k,)
    fit_rows, apply_rows : Source, optional
        Who the rows of the two parts are.
    flat : ndarray of bool, shape (k,), optional
        Where one part shows no variation, so that the other one says nothing either.
    law : callable, optional
        ``law(value, std_error, df)`` in place of Student's t, where the error is finite.
    """
    value = functional.value(f)
    if not np.isfinite(value).all():
        raise InputError(f"{owner}: the estimate exceeds the floats. Rescale y_pred, y or X.")
    norms = [influence_norms(part) for part in (fit, apply)]
    std_error = np.hypot(*norms)
    unusable = ~(std_error > rounding_of(functional, f)) | ~np.isfinite(std_error)
    unusable |= flat
    std_error = np.where(unusable, np.inf, std_error)
    known = ~unusable.any()
    total = np.where(unusable, 1.0, std_error)
    df = satterthwaite([np.where(unusable, 0.0, norm / total) ** 2 for norm in norms], [df_fit, df_apply])
    scalar = functional.parts is not None  # a mean or an effect; least squares answers with a vector
    cov = None
    if not scalar and known:
        with np.errstate(over="ignore", under="ignore"):
            cov = fit.T @ fit + apply.T @ apply
        cov = cov if np.isfinite(cov).all() else None
    if scalar:
        value, std_error, df = float(value[0]), float(std_error[0]), float(df[0])
    make = law if law is not None and known else _t_law
    return Estimate(
        estimate=value,
        std_error=std_error,
        n=n,
        method=method,
        guarantee=guarantee,
        law=make(value, std_error, df),
        names=functional.names,
        cov=cov,
        n_groups=n_groups,
        influence=Influence.of(fit, apply, fit_rows, apply_rows, owner.rpartition(".")[2]) if known else None,
    )


def _t_law(value, std_error, df):
    return TLaw(estimate=value, std_error=std_error, df=df)


def draws_estimate(estimate, draws):
    """Return an Estimate whose errors come from draws (n_draws, k); those that are NaN count against either end."""
    if np.ndim(estimate.estimate) == 0:
        draws = draws[:, 0]
    fine = draws[np.isfinite(draws).reshape(len(draws), -1).all(axis=1)]
    std_error = np.std(fine, axis=0, ddof=1) if len(fine) > 1 else np.full(draws.shape[1:], np.inf)
    return replace(
        estimate,
        std_error=np.where(std_error > 0, std_error, np.inf)[()],
        law=DrawsLaw(draws=draws),
        cov=np.atleast_2d(np.cov(fine.T)) if draws.ndim == 2 and len(fine) > 1 else None,
        influence=None,
    )
