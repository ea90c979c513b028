"""The binned calibration error: how far the forecasts of a bin lie from what happened in it."""

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.validation import check_count, check_option, check_switch, is_binary

from ._cells import FEW, binned_error, forecast_cells
from ._forecast import check_forecast

__all__ = [
    "check_binning",
    "check_debias",
    "check_norm",
    "check_pair",
    "expected_calibration_error",
    "reported",
    "warn_thin",
]

STRATEGIES = ("uniform", "quantile", "auto")
REDUCTIONS = ("confidence", "top_label", "classwise")
MOST_BINS = 10**6
OWNER = "expected_calibration_error"


@cites("naeini2015", "kumar2019", "gupta2022")
def expected_calibration_error(
    y_true,
    y_prob,
    *,
    n_bins=15,
    strategy="uniform",
    norm: Any = 1,
    reduction="confidence",
    debias: bool | str = False,
    squared=False,
    sample_weight=None,
    groups=None,
    classes=None,
) -> float:
    """Return the binned calibration error of probabilities.

    Rows are put into bins by their probability. The gap d of a bin is its mean probability less its share of events,
    and the error is the mean of abs(d) over rows (norm 1), the root of the mean of d squared (2), or the largest (inf).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0 and 1 (or shares between them) for a binary forecast, labels where `y_prob` has one column per class.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), which is held against `y_true` itself and not against the accuracy; or a probability per class, in the
        order of `classes`. For two classes pass column 1, or reduction="classwise".
    n_bins : int, default 15
        Not used by strategy="auto".
    strategy : {"uniform", "quantile", "auto"}, default "uniform"
        "uniform": equal parts of [0, 1]. A probability on an edge belongs to the upper bin, 1 to the last. "quantile":
        bins of equal weight; equal probabilities are never parted, so that a bin may be empty. "auto": quantile bins,
        as many as the cube root of the number of rows, rounded up.
    norm : {1, 2, inf}, default 1
        1 is what is called ECE, 2 the root mean square error, inf the maximum error.
    reduction : {"confidence", "top_label", "classwise"}, default "confidence"
        What is binned where there are several classes; a binary forecast stays what it is. "confidence": the largest
        probability against whether its class came true. "top_label": the same, apart for each predicted class, whose
        errors count by their frequency. "classwise": each class against the rest, whose errors count equally.
    debias : bool or {"residual", "outcome"}, default False
        Take away what a calibrated forecast would show on so many rows (norm 1 and 2). True means "residual": the
        variance of y - p in the bin. "outcome" is the variance of y alone, as in the literature [2]_; it is right
        only where all forecasts of a bin are equal, and takes no weights and no groups.
    squared : bool, default False
        For norm 2: return the mean square and not its root. Debiased, it keeps its sign, and only it is unbiased; the
        root of a negative one is reported as 0.
    sample_weight : array-like of shape (n_samples,), optional
        Fixed non-negative weights; not counts of repeated rows, which debiasing must know.
    groups : array-like of shape (n_samples,), optional
        Cluster labels. Under `debias` pairs of rows of one cluster are dropped; else they change nothing here and
        matter to the interval, which ``uq.estimate_metric(expected_calibration_error, ..., groups=groups)`` gives.
    classes : array-like of shape (n_classes,), optional
        The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
        sorted labels. A resample need not hold all labels, and has no names: under ``uq.estimate_metric`` pass
        ``functools.partial(expected_calibration_error, classes=...)``.

    Returns
    -------
    float
        In [0, 1]; debiased also below 0 (norm 1, and squares).

    Raises
    ------
    InputError
        For probabilities outside [0, 1] or rows that do not sum to 1, missing values, other outcomes than `y_prob` can
        be held against, lengths that differ, and options out of range or at odds.

    Warns
    -----
    SmallSampleWarning
        Under `debias`, where more than 10 % of the weight lies in bins with fewer than 5 rows (or clusters): there the
        variance is estimated from too little, and that of a single row not at all.

    See Also
    --------
    BinnedCalibrationError : the same from partitions, with an interval at the cost of the bins.
    calibration_test : whether a calibrated forecast could show such an error.
    smooth_calibration_error : without bins.

    Notes
    -----
    **Guarantee.** None for the plain error, which is biased upwards: it is positive for calibrated forecasts, about the
    square root of bins over rows. With bins fixed without looking at y and independent rows (or clusters), the
    debiased square is exactly unbiased in each bin for the square of its true gap, given how many rows it holds; the
    total misses only bins of fewer than two rows. The debiased norm 1 is corrected to first order and not unbiased near
    0. Intervals of errors that cannot be negative are no tests of calibration: see `calibration_test`.

    Resampled rows show more error than the rows themselves, since noise adds to it twice. `uq.estimate_metric` corrects
    the median of this and, where the error is small beside its noise, has no resamples left to answer with: it then
    warns, and its interval is infinite. `BinnedCalibrationError.interval` is made for this case.

    With S the sum of the residuals r = p - y in a bin of n rows, the square is the mean of r_i r_j over pairs of
    different rows, (S^2 - sum r^2) / (n (n - 1)), weighted by the share of rows. Weights enter as
    (S^2 - sum w^2 r^2) / (W^2 - sum w^2). Norm 1 is twice the plain error less the mean of its normal law, whose
    variance in a bin is that of r over n, with divisor n - 1.

    A forecast in single or half precision is compared with the edges in that precision, also after it was widened.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper, M. Hauskrecht (2015). Obtaining well calibrated probabilities using Bayesian
       binning. AAAI. doi:10.1609/aaai.v29i1.9602.
    .. [2] A. Kumar, P. Liang, T. Ma (2019). Verified uncertainty calibration. arXiv:1909.10155.
    .. [3] C. Gupta, A. Ramdas (2022). Top-label calibration and multiclass-to-binary reductions. arXiv:2107.08353.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import expected_calibration_error
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(2000)
    >>> y = rng.random(2000) < p
    >>> round(expected_calibration_error(y, p), 4), round(expected_calibration_error(y, p**2), 4)
    (0.03, 0.1706)
    >>> round(expected_calibration_error(y, p, norm=2, debias=True, squared=True), 6)
    0.000432
    """
    n_bins = check_binning(n_bins, strategy, reduction, OWNER)
    norm, debias = check_norm(norm, OWNER), check_debias(debias, OWNER)
    check_pair(norm, debias, squared, OWNER)
    forecast = check_forecast(y_true, y_prob, OWNER, sample_weight=sample_weight, groups=groups, classes=classes)
    if debias == "outcome" and (forecast.weights is not None or groups is not None or not _certain(forecast)):
        raise InputError(
            f"{OWNER}: debias='outcome' takes outcomes of 0 and 1 and neither sample_weight nor groups. "
            "Use debias=True."
        )
    cells = forecast_cells(_weighed(forecast), n_bins, strategy, reduction, squares=bool(debias), counts=norm != 1)
    if debias:
        warn_thin(cells, clustered=groups is not None)
    return reported(binned_error(cells, norm, debias), norm, squared)


def reported(error, norm, squared):
    """Return the root of a mean square, which a negative one has as little as 0, or what was asked for."""
    return math.sqrt(max(error, 0.0)) if norm == 2 and not squared else error


def check_binning(n_bins, strategy, reduction, owner):
    """Return the number of bins; raise for options that do not exist."""
    check_option(strategy, STRATEGIES, owner, "strategy")
    check_option(reduction, REDUCTIONS, owner, "reduction")
    return check_count(n_bins, owner, "n_bins", high=MOST_BINS)


def check_norm(norm, owner):
    """Return 1, 2 or inf."""
    if isinstance(norm, (bool, np.bool_)) or not np.isscalar(norm) or norm not in (1, 2, math.inf):
        raise InputError(f"{owner}: norm must be 1, 2 or math.inf; got {norm!r:.100}.")
    return norm


def check_debias(debias, owner):
    """Return False, "residual" or "outcome"."""
    if isinstance(debias, (bool, np.bool_)):
        return "residual" if debias else False
    if not isinstance(debias, str) or debias not in ("residual", "outcome"):
        raise InputError(f"{owner}: debias must be False, True, 'residual' or 'outcome'; got {debias!r:.100}.")
    return debias


def check_pair(norm, debias, squared, owner):
    """Raise where options do not go together."""
    if debias and norm == math.inf:
        raise InputError(
            f"{owner}: debias goes with norm 1 or 2; got norm=inf, a maximum, whose bias has no such form."
        )
    if check_switch(squared, owner, "squared") and norm != 2:
        raise InputError(f"{owner}: squared goes with norm=2; got norm={norm!r}.")


def _certain(forecast):
    return not forecast.binary or is_binary(forecast.y)


def _weighed(forecast):
    """Return the rows that have a weight, the largest of which is 1: squares must neither overflow nor vanish."""
    weights = forecast.weights
    if weights is None:
        return forecast
    rows = weights > 0
    weights = weights[rows] / weights.max()
    rows[rows] = weights > 0  # one beside which another is infinite counts for nothing
    groups = None if forecast.groups is None else forecast.groups[rows]
    return replace(forecast, y=forecast.y[rows], p=forecast.p[rows], weights=weights[weights > 0], groups=groups)


def warn_thin(cells, *, clustered=False, stacklevel=3):
    """Warn where much of the weight lies in bins whose variance nobody knows."""
    thin = cells.weight[cells.units < FEW].sum() / cells.weight.sum()
    if thin > 0.1:
        units = "clusters" if clustered else "rows"
        warnings.warn(
            f"{100 * thin:.0f} % of the weight lies in bins with fewer than {FEW} {units}, too few to estimate their "
            "variance, and a single one is not debiased at all. Fewer bins (n_bins=...), or strategy='quantile', would "
            "mend it.",
            SmallSampleWarning,
            stacklevel=stacklevel,
        )
