"""Could a calibrated forecast show such an error? Outcomes are drawn from the forecast itself and scored again."""

import functools
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.random import check_rng, spawn_seeds
from uq._base.resampling import evaluate
from uq._base.results import TestResult
from uq._base.validation import check_count, check_jobs

from ._binned import check_binning, check_norm, expected_calibration_error
from ._cells import assign
from ._forecast import check_forecast, labels_are_columns

__all__ = ["calibration_test"]

OWNER = "calibration_test"
DRAWN_AT_ONCE = 2**18
ROUNDING = 1e-12
BINNING = {"n_bins", "strategy", "norm", "reduction"}


@cites("vaicenavicius2019", "brocker2007", "phipson2010")
def calibration_test(
    y_true,
    y_prob,
    *,
    metric: Any = expected_calibration_error,
    n_resamples=999,
    rng=None,
    n_jobs=None,
    groups=None,
    classes=None,
) -> TestResult:
    """Test whether the forecasts are calibrated, by any measure of miscalibration.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0 and 1 for a binary forecast, labels where `y_prob` has one column per class.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), or a probability per class, in the order of `classes`. For two classes pass column 1, or a metric with
        reduction="classwise".
    metric : callable, default expected_calibration_error
        ``metric(y_true, y_prob)`` -> float, large where the forecast is not calibrated; labels are handed to it as the
        numbers of their columns, 0 ... n_classes - 1, since a draw need not hold all. Other bins or norms go in
        by ``functools.partial(expected_calibration_error, n_bins=10, norm=2)``, which stays quick.
    n_resamples : int, default 999
    rng : None, int or numpy.random.Generator, optional
    n_jobs : int, optional
        joblib's; the draws do not depend on it.
    groups : array-like of shape (n_samples,), optional
        Not supported: raises.
    classes : array-like of shape (n_classes,), optional
        The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
        sorted labels.

    Returns
    -------
    TestResult
        `statistic` is the metric; `pvalue` says how often a calibrated forecast would show as much.

    Raises
    ------
    InputError
        For groups, shares in place of outcomes, a metric that fails on the data, probabilities outside [0, 1] or rows
        that do not sum to 1, missing values, and lengths that differ.

    See Also
    --------
    expected_calibration_error : the default metric.

    Notes
    -----
    **Guarantee.** Finite-sample: where each outcome is drawn, independently of the other rows, with the very
    probabilities of its forecast, P(pvalue <= u) <= u for all u, at any number of rows and resamples and with ties. The
    hypothesis is calibration given everything that the forecasts say, for several classes that of all their
    probabilities. A metric that chooses its bins by looking at the outcomes is valid as well, since it is computed anew
    on each draw. Not covered: rows that depend on each other (`groups`), and forecasts that were fitted to these
    outcomes. A large p-value is no proof of calibration; the metric decides which faults can be seen.

    The p-value is (1 + number of draws with at least the observed value) / (1 + `n_resamples`) [3]_. A metric that is
    undefined on a draw counts as exceeding. For the binned error only the events per bin are drawn, and equal
    probabilities are drawn together.

    References
    ----------
    .. [1] J. Vaicenavicius, D. Widmann, C. Andersson, F. Lindsten, J. Roll, T. B. Schoen (2019). Evaluating model
       calibration in classification. arXiv:1902.06977.
    .. [2] J. Broecker, L. A. Smith (2007). Increasing the reliability of reliability diagrams. Weather and Forecasting
       22(3). doi:10.1175/WAF993.1.
    .. [3] B. Phipson, G. K. Smyth (2010). Permutation p-values should never be zero. Statistical Applications in
       Genetics and Molecular Biology 9(1). doi:10.2202/1544-6115.1585.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import calibration_test
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(500)
    >>> y = rng.random(500) < p
    >>> calibration_test(y, p, rng=1).pvalue > .05, calibration_test(y, p**2, rng=1).pvalue
    (True, 0.001)
    """
    if groups is not None:
        raise InputError(
            f"{OWNER}: groups cannot be used: outcomes of one cluster depend on each other, and calibration does not "
            "say how. Keep one row of each cluster, or look at uq.estimate_metric(metric, ..., groups=groups)."
        )
    n_resamples, n_jobs = check_count(n_resamples, OWNER, "n_resamples"), check_jobs(n_jobs, OWNER)
    rng = check_rng(rng, OWNER)
    if not callable(metric):
        raise InputError(f"{OWNER}: metric must be a callable (y_true, y_prob) -> float; got {metric!r:.60}.")
    metric, classes = _without_classes(metric, classes)
    forecast = check_forecast(y_true, y_prob, OWNER, soft=False, classes=classes)
    options = _binning(metric)
    if options is None:
        statistic, draw = _of_metric(metric, forecast)
        per_draw = forecast.p.size
    else:
        statistic, draw = _of_cells(forecast, **options)
        per_draw = len(forecast.p)
    # chunks depend on the data alone, so that draws do not depend on n_jobs
    chunk = max(1, min(-(-n_resamples // 8), DRAWN_AT_ONCE // per_draw))
    seeds = spawn_seeds(rng, -(-n_resamples // chunk))
    sizes = [min(chunk, n_resamples - i * chunk) for i in range(len(seeds))]
    prefer = None if options is None else "threads"
    parts = Parallel(n_jobs=n_jobs, prefer=prefer)(
        delayed(draw)(seed, size) for seed, size in zip(seeds, sizes, strict=True)
    )
    # equal values may differ in their last digits, and one that is undefined counts against the forecast's fault
    least = statistic - ROUNDING * max(abs(statistic), 1e-3)
    exceeding = int(sum(np.count_nonzero(~(part < least)) for part in parts))
    return TestResult(
        statistic=statistic,
        pvalue=(1 + exceeding) / (1 + n_resamples),
        alternative="greater",
        method="calibration test",
        guarantee="finite-sample",
        n=len(forecast.p),
    )


def _without_classes(metric, classes):
    """Return a metric of this package, as a partial, that leaves the classes to the test: it is handed numbers."""
    if not isinstance(metric, functools.partial) or "classes" not in metric.keywords:
        return metric, classes
    if getattr(metric.func, "__module__", "").split(".")[0] != __name__.split(".")[0]:
        return metric, classes
    options = dict(metric.keywords)
    named = options.pop("classes")
    return functools.partial(metric.func, *metric.args, **options), named if classes is None else classes


def _binning(metric):
    """Return the options of a plain binned error, None for any other metric."""
    if metric is expected_calibration_error:
        return {}
    if not isinstance(metric, functools.partial) or metric.func is not expected_calibration_error or metric.args:
        return None
    return metric.keywords if metric.keywords.keys() <= BINNING else None


# ---- any metric


def _of_metric(metric, forecast):
    try:
        with labels_are_columns():
            value = metric(forecast.y, forecast.p)
    except Exception as error:
        raise InputError(f"{OWNER}: the metric failed on the data: {type(error).__name__}: {error}") from error
    try:
        statistic = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{OWNER}: metric must return one number; got a {type(value).__name__}. Return one number, e.g. "
            "lambda y, p: score_decomposition(y, p).miscalibration."
        ) from None
    if statistic.ndim or not np.isfinite(statistic):
        raise InputError(f"{OWNER}: metric must return one finite number; got {statistic}.")
    return float(statistic), functools.partial(_scored, metric, forecast.p)


def _scored(metric, p, seed, size):
    """Score outcomes that are drawn from the forecast."""
    rng = np.random.Generator(np.random.SFC64(seed))
    values = []
    for _ in range(size):
        y = (rng.random(len(p)) < p).astype(np.float64) if p.ndim == 1 else _classes_of(p, rng)
        with labels_are_columns():
            value = evaluate(metric, (y, p))
        values.append(value if value.ndim == 0 else np.nan)
    return np.array(values)


def _classes_of(p, rng):
    """Draw one class per row; rows need to sum to 1 but for rounding."""
    steps = np.cumsum(p, axis=1)
    return (rng.random(len(p))[:, None] * steps[:, -1:] >= steps[:, :-1]).sum(axis=1)


# ---- the binned error, whose draws are numbers of events per cell


def _of_cells(forecast, n_bins=15, strategy="uniform", norm=1, reduction="confidence"):
    n_bins = check_binning(n_bins, strategy, reduction, OWNER)
    norm = check_norm(norm, OWNER)
    cells, n_cells = assign(forecast, n_bins, strategy, reduction)
    if cells.ndim == 2:
        p, happened = forecast.p, np.take_along_axis(cells, forecast.y[:, None], axis=1)[:, 0]
        events = np.bincount(happened, minlength=n_cells)
        draw = functools.partial(_events_of_classes, forecast.p, cells, n_cells)
    else:
        p, y = forecast.confidence()
        events = np.bincount(cells, y, n_cells)
        # rows of classes sum to 1 but for rounding, and the draws are those of any other metric
        chance = p if forecast.binary else p / forecast.p.sum(axis=1)
        draw = _event_drawer(cells, n_cells, np.minimum(chance, 1.0))
    count = np.bincount(cells.reshape(-1), minlength=n_cells)
    expected = np.bincount(cells.reshape(-1), p.reshape(-1), n_cells)
    statistic = functools.partial(_statistics, expected, count, norm)
    return float(statistic(events[None])[0]), functools.partial(_drawn, draw, statistic)


def _drawn(draw, statistic, seed, size):
    return statistic(draw(np.random.Generator(np.random.SFC64(seed)), size))


def _statistics(expected, count, norm, events):
    """Return the error for each row of numbers of events per cell."""
    residual, there = np.abs(expected - events), np.maximum(count, 1)
    if norm == 1:
        return residual.sum(axis=1) / count.sum()
    if norm == 2:
        return np.sqrt((residual**2 / there).sum(axis=1) / count.sum())
    return (residual / there).max(axis=1)


def _event_drawer(cells, n_cells, chance):
    """Return a function (rng, size) -> events per cell; rows of one cell and one probability are one binomial."""
    order = np.lexsort((chance, cells))
    cell, chance = cells[order], chance[order]
    begins = np.flatnonzero(np.r_[True, (np.diff(cell) > 0) | (np.diff(chance) > 0)])
    many = np.diff(np.r_[begins, len(cell)])
    if 2 * len(begins) <= len(cell):
        return functools.partial(_binomial_events, many, chance[begins], cell[begins], n_cells)
    return functools.partial(_row_events, chance, cell, n_cells)


def _binomial_events(many, chance, cell, n_cells, rng, size):
    return _per_cell(rng.binomial(many, chance, size=(size, len(many))), cell, n_cells)


def _row_events(chance, cell, n_cells, rng, size):
    return _per_cell(rng.random((size, len(chance))) < chance, cell, n_cells)


def _per_cell(drawn, cell, n_cells):
    """Sum columns, which are sorted by cell, over each cell."""
    starts = np.flatnonzero(np.r_[True, np.diff(cell) > 0])
    events = np.zeros((len(drawn), n_cells))
    if drawn.dtype == bool and len(cell) > 64 * len(starts):
        for start, end in zip(starts, np.r_[starts[1:], len(cell)], strict=True):
            events[:, cell[start]] = np.count_nonzero(drawn[:, start:end], axis=1)
    else:
        events[:, cell[starts]] = np.add.reduceat(drawn, starts, axis=1, dtype=np.intp)
    return events


def _events_of_classes(p, cells, n_cells, rng, size):
    events = np.empty((size, n_cells))
    for i in range(size):
        happened = np.take_along_axis(cells, _classes_of(p, rng)[:, None], axis=1)[:, 0]
        events[i] = np.bincount(happened, minlength=n_cells)
    return events
