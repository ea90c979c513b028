"""What a proper score is made of: miscalibration, discrimination and uncertainty, by isotonic recalibration."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr, xlogy

from uq._base.citation import cites
from uq._base.record import Result
from uq._base.validation import check_option

from ._forecast import check_forecast
from ._isotone import blocks, tie_sums

__all__ = ["ScoreDecomposition", "score_decomposition"]

SCORES = ("brier", "log")


@cites("dimitriadis2021")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreDecomposition(Result):
    """A mean score and its three parts: ``score = miscalibration - discrimination + uncertainty``.

    Parameters
    ----------
    score : float
        Mean score of the forecasts; smaller is better. Infinite for the log score of an event called impossible.
    miscalibration : float
        What the best non-decreasing recalibration of the forecasts would save on these rows. Not negative.
    discrimination : float
        What the recalibrated forecasts are better than the mean outcome. Not negative.
    uncertainty : float
        Score of the mean outcome as a forecast of every row.
    method : {"brier", "log"}
        Which score.
    n : int
        Rows.

    Examples
    --------
    >>> from calibration import score_decomposition
    >>> parts = score_decomposition([0, 0, 1, 1], [.1, .4, .6, .9])
    >>> round(parts.miscalibration - parts.discrimination + parts.uncertainty - parts.score, 12)
    0.0
    """

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    method: str
    n: int

    def _table(self):
        names = ("score", "miscalibration", "discrimination", "uncertainty")
        return {"part": list(names), "value": [getattr(self, name) for name in names]}

    def _title(self):
        return f"{self.method} score = miscalibration - discrimination + uncertainty, n = {self.n}"

    def _caption(self):
        return ""

    def _draw(self, ax):
        from uq._base import plot

        table = str(self).split("\n", 1)[1]
        return plot.text(ax, f"{self.method} score, n = {self.n}\n{table}")


@cites("dimitriadis2021")
def score_decomposition(
    y_true, y_prob, *, score="brier", sample_weight=None, groups=None, classes=None
) -> ScoreDecomposition:
    """Split a mean score into miscalibration, discrimination and uncertainty (CORP).

    The forecasts are recalibrated by isotonic regression of the outcomes on them, equal forecasts pooled first. No bins
    are chosen, and all three parts are never negative.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0, 1 or a share between them where `y_prob` is P(y = 1); labels where it has one column per class.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), or probabilities of the classes; of those the largest is held against whether its class came true (so
        the score is that of the confidence, not of all classes). For one class k pass ``y_true == k`` and its column;
        for two classes pass column 1, unless the confidence is what is asked.
    score : {"brier", "log"}, default "brier"
        (y - p)^2, or -y ln p - (1 - y) ln(1 - p).
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative weights.
    groups : array-like of shape (n_samples,), optional
        Cluster labels, which do not change the parts. For an interval that respects them pass one part to
        ``uq.estimate_metric``, as below.
    classes : array-like of shape (n_classes,), optional
        The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
        sorted labels. A resample need not hold all labels, and has no names: under ``uq.estimate_metric`` pass
        `classes` to the metric.

    Returns
    -------
    ScoreDecomposition
        `score`, `miscalibration`, `discrimination`, `uncertainty`.

    Raises
    ------
    InputError
        For probabilities outside [0, 1] or rows of them that do not sum to 1, outcomes outside [0, 1], NaN, no rows,
        lengths that differ, negative weights, or an unknown score.

    Warns
    -----
    UserWarning
        Where the log score is infinite, because an outcome came true that was given probability 0.

    Notes
    -----
    **Guarantee.** The identity and the signs hold exactly (up to rounding). As an estimate the miscalibration is biased
    upward, because the recalibration is fitted to the rows it is judged on: a calibrated forecaster shows some, which
    falls with n^(-2/3) where the forecasts are spread out.

    References
    ----------
    .. [1] T. Dimitriadis, T. Gneiting, A. I. Jordan (2021). Stable reliability diagrams for probabilistic classifiers.
       PNAS 118(8). doi:10.1073/pnas.2016191118.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import score_decomposition
    >>> from uq import estimate_metric
    >>> rng = np.random.default_rng(0)
    >>> y_prob = rng.random(500)
    >>> y = rng.random(500) < y_prob**2
    >>> parts = score_decomposition(y, y_prob)
    >>> round(parts.miscalibration, 4), round(parts.discrimination, 4), round(parts.uncertainty, 4)
    (0.043, 0.1048, 0.2326)
    >>> def miscalibration(y_true, y_prob):
    ...     return score_decomposition(y_true, y_prob).miscalibration
    >>> estimate_metric(miscalibration, y, y_prob, n_resamples=199, rng=0).n
    500
    """
    owner = "score_decomposition"
    check_option(score, SCORES, owner, "score")
    rows = check_forecast(y_true, y_prob, owner, sample_weight=sample_weight, groups=groups, classes=classes)
    p, y = rows.confidence()
    weights = None if rows.weights is None else rows.weights / rows.weights.max()
    parts = (_brier if score == "brier" else _log)(p, y, weights)
    if np.isinf(parts[0]):
        warnings.warn(
            f"{owner}: the log score is infinite, because an outcome came true that was given probability 0. "
            "Recalibrate the forecasts, or use score='brier'.",
            UserWarning,
            stacklevel=2,
        )
    value, miscalibration, discrimination, uncertainty = map(float, parts)
    return ScoreDecomposition(
        score=value,
        miscalibration=miscalibration,
        discrimination=discrimination,
        uncertainty=uncertainty,
        method=score,
        n=len(p),
    )


def _brier(p, y, weights):
    score = np.average(np.square(p - y), weights=weights)
    unique, sums, totals = tie_sums(p, y, weights)
    fit, _ = blocks(sums, totals)
    total = totals.sum()
    mean = sums.sum() / total
    # differences of squares as products, so that nothing cancels
    miscalibration = ((unique - fit) * (totals * (unique + fit) - 2 * sums)).sum() / total
    discrimination = totals @ np.square(fit - mean) / total
    return score, max(miscalibration, 0.0), discrimination, np.average(np.square(y - mean), weights=weights)


def _log(p, y, weights):
    unique, sums, totals = tie_sums(p, y, weights)
    fit, starts = blocks(sums, totals)
    total = totals.sum()

    def mean_score(q, sums, totals):
        # no misses, exactly, where all outcomes are 1: both are the same sum
        return -(xlogy(sums, q).sum() + xlogy(np.maximum(totals - sums, 0.0), 1 - q).sum()) / total

    levels, hits, rows = fit[starts], *(np.add.reduceat(column, starts) for column in (sums, totals))
    mean = min(sums.sum() / total, 1.0)
    discrimination = rows @ (rel_entr(levels, mean) + rel_entr(1 - levels, 1 - mean)) / total
    score, fitted = mean_score(unique, sums, totals), mean_score(levels, hits, rows)
    uncertainty = mean_score(mean, hits, rows)
    return score, max(score - fitted, 0.0), max(discrimination, 0.0), uncertainty
