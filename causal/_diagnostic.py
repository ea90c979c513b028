"""Which of the two worlds: the truth says all there is to know about the prediction, or the other way round."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.record import Result, format_number, format_percent, rows_figsize
from uq._base.validation import check_groups, check_level, check_same_length, check_vector

from ._diagnostic_core import SLOPES, independence_pvalues, slopes

__all__ = ["ShrinkageDiagnostic", "shrinkage_diagnostic"]

METHOD = "group tests of two worlds"
cite_methods(**{METHOD: ("mundlak1978", "brown1974")})
OWNER = "shrinkage_diagnostic"
LEAST, FEW = 4, 60
TESTS = ("dummies", "means")
MEANING = {
    "correct": "y says all that the groups know about y_pred, y_pred does not say all that they know about y: "
    "effects on y_pred are shrunk, and a debiaser is due.",
    "do not correct": "y_pred says all that the groups know about y: effects on y_pred are right as they are, and a "
    "debiaser would inflate them.",
    "inconclusive": "these groups cannot tell the two worlds apart: they differ too little or are too few.",
    "neither": "neither y_pred nor y says all that the groups know about the other: no correction from these rows is "
    "known to be right. Labels within the trial (PredictionPowered) need no such assumption.",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShrinkageDiagnostic(Result):
    """What the groups of the calibration rows say about the two worlds.

    Parameters
    ----------
    advice : {"correct", "do not correct", "inconclusive", "neither"}
    pvalue_outcome : float
        Of "once y is known, the groups say nothing about y_pred": where a debiaser is due.
    pvalue_prediction : float
        Of "once y_pred is known, the groups say nothing about y": where predictions are right as they are.
    pvalues : dict of str to float
        The two tests, of group dummies and of group means, behind each of the two.
    names : tuple of str
        What the slopes are; those that cannot be computed are missing.
    estimate, std_error, lower, upper : ndarray of shape (n_slopes,)
        Slopes with their intervals.
    reliability_outcome, reliability_prediction : float
        Share of the variance of the group means of y, and of y_pred, that is no noise of the rows.
    confidence_level : float
    n, n_groups : int
    method, guarantee : str
    """

    advice: str
    pvalue_outcome: float
    pvalue_prediction: float
    pvalues: Any
    names: tuple[str, ...]
    estimate: Any
    std_error: Any
    lower: Any
    upper: Any
    reliability_outcome: float
    reliability_prediction: float
    confidence_level: float
    n: int
    n_groups: int
    method: str = METHOD
    guarantee: str = "asymptotic"

    def _table(self):
        columns = ("estimate", "std_error", "lower", "upper")
        return {"name": list(self.names), **{column: getattr(self, column) for column in columns}}

    def _title(self):
        return (
            f"advice: {self.advice} (p = {format_number(self.pvalue_outcome)} for y being sufficient, "
            f"{format_number(self.pvalue_prediction)} for y_pred)"
        )

    def _note(self, table):
        return (
            f"n = {self.n}, {self.n_groups} groups; reliability of their means {self.reliability_outcome:.2f} (y), "
            f"{self.reliability_prediction:.2f} (y_pred).\n{MEANING[self.advice]}"
        )

    def __repr__(self):
        return (
            f"<ShrinkageDiagnostic: {self.advice!r}, pvalue_outcome={format_number(self.pvalue_outcome)}, "
            f"pvalue_prediction={format_number(self.pvalue_prediction)}, {self.n} rows in {self.n_groups} groups>"
        )

    def _figsize(self):
        return rows_figsize(len(self.names), "note")

    def _draw(self, ax):
        from uq._base import plot

        return plot.intervals(
            ax,
            self.estimate,
            self.lower,
            self.upper,
            names=list(self.names),
            title=f"advice: {self.advice}",
            label=f"slope, {format_percent(self.confidence_level)} interval\n"
            f"p = {format_number(self.pvalue_outcome, 2)} (y sufficient), "
            f"{format_number(self.pvalue_prediction, 2)} (y_pred)",
            reference=1.0,
        )


@cites("mundlak1978", "brown1974", "pettersson2025")
def shrinkage_diagnostic(y_pred, y, groups, *, confidence_level=0.95) -> ShrinkageDiagnostic:
    """Tell whether effects on predictions must be corrected, from groups of rows whose truth is known.

    The same calibration rows arise in two worlds. In one the truth says all there is to know about the prediction:
    whatever moves y moves `y_pred` through y alone, and every effect is shrunk by the slope of y_pred on y. In the
    other the prediction says all there is to know about the truth: effects on `y_pred` are right as they are, and a
    debiaser inflates them; one that would double a shrunk effect doubles a right one just the same. Without groups
    nothing can tell these worlds apart. Groups (regions, surveys, earlier trials) can, as far as they shift y.

    Parameters
    ----------
    y_pred : array-like of shape (n_samples,) or (n_samples, 1)
        Predictions of rows that the model was not trained on.
    y : array-like of shape (n_samples,)
        What turned out to be true. A swap of the two swaps the advice.
    groups : array-like of shape (n_samples,)
        Labels, at least 2 different ones. Groups should differ in y for the reasons that the treatment will move it.
    confidence_level : float, default .95
        Of the intervals; a world is rejected where its p-value is below 1 - `confidence_level`.

    Returns
    -------
    ShrinkageDiagnostic
        `advice` is

        - "correct", where only the second world is rejected: use a debiaser;
        - "do not correct", where only the first is rejected: use `Naive` on calibrated predictions;
        - "inconclusive", where none is;
        - "neither", where both are (groups that shift y for reasons that the prediction cannot see, say).

        Beside it the two p-values, and slopes with intervals, in both directions: pooled, within groups, between group
        means, and between groups with the noise of the rows taken out (moments). In the first world all slopes of
        y_pred on y agree, in the second those of y on y_pred.

    Raises
    ------
    InputError
        For missing or infinite values, lengths that differ, fewer than two groups, a column that does not vary, and
        columns on scales that cannot be compared.

    Warns
    -----
    SmallSampleWarning
        For fewer than 60 rows.

    See Also
    --------
    LinearDebiaser : the correction.
    PredictionPowered : needs labels within the trial, and none of this.

    Notes
    -----
    Each world says that one column does not depend on the group once the other is known. It is tested twice: by group
    dummies, and by the group mean of what is known (Mundlak's regression), beside natural cubic splines of
    it; p-value and world go together by twice the smaller of the two. The dummies alone see groups that are shifted in
    any way, the means have more power against the other world.
    The statistic of the dummies is that of the F test over an estimate of its mean that lets rows and groups have their
    own variances; the F test itself rejects a true world nearly always where small groups are noisy ones. Errors of the
    group means and of all slopes come from leaving out one group at a time. The moments slope is a description: it
    scatters wildly where its reliability is low.

    **Guarantee.** Asymptotic, in rows for the dummies and in groups for the means: a world that holds is rejected with
    probability at most 1 - `confidence_level` (measured at 5 %: up to 6 % with 60 rows and more, up to 8 % with 30 rows
    in groups of 3 to 14, for skewed, heavy-tailed, discrete and uneven noise alike), so that each of the two wrong
    advices is that rare. Assumes that rows are independent given the column that is sufficient, and that conditional
    means are smooth curves (splines with four knots). It presumes that the treatment will move y as the groups do; no
    data from before the trial can test this. "inconclusive" is no evidence for either world.

    References
    ----------
    .. [1] M. Pettersson, C. T. Jerzak, A. Daoud (2025). Debiasing machine learning predictions for causal inference
       without additional ground truth data. arXiv:2508.01341.
    .. [2] Y. Mundlak (1978). On the pooling of time series and cross section data. Econometrica 46(1).
       doi:10.2307/1913646.
    .. [3] M. B. Brown, A. B. Forsythe (1974). The small sample behavior of some statistics which test the equality of
       several means. Technometrics 16(1). doi:10.1080/00401706.1974.10489158.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import shrinkage_diagnostic
    >>> rng = np.random.default_rng(0)
    >>> groups = np.repeat(np.arange(40), 25)
    >>> y = rng.normal(size=40)[groups] + rng.normal(size=1000)
    >>> y_pred = .5 * y + .5 * rng.normal(size=1000)
    >>> shrinkage_diagnostic(y_pred, y, groups).advice
    'correct'

    Predictions that know all that the groups know:

    >>> y = y_pred + rng.normal(size=1000)
    >>> shrinkage_diagnostic(y_pred, y, groups).advice
    'do not correct'
    """
    level = check_level(confidence_level, OWNER)
    y_pred, y = check_vector(y_pred, OWNER, "y_pred"), check_vector(y, OWNER, "y")
    n = check_same_length(OWNER, y_pred=y_pred, y=y)
    codes, labels = check_groups(groups, OWNER, n)
    if n < LEAST:
        raise InputError(f"{OWNER}: y must hold at least {LEAST} rows; got {n}.")
    prediction, scale_prediction = _standard(y_pred, "y_pred")
    outcome, scale_outcome = _standard(y, "y")
    with np.errstate(over="ignore", under="ignore"):
        ratio = scale_prediction / scale_outcome
    if not 1e-100 < ratio < 1e100:
        raise InputError(
            f"{OWNER}: y_pred and y must be on scales that can be compared; got spreads of {scale_prediction:.3g} and "
            f"{scale_outcome:.3g}. Bring both to the same unit."
        )
    if n < FEW:
        warnings.warn(
            f"{OWNER}: {n} rows are few: a world that holds may be rejected half as often again as the level says. "
            f"Give at least {FEW} rows, or a higher confidence_level.",
            SmallSampleWarning,
            stacklevel=2,
        )
    tests = {
        "outcome": independence_pvalues(prediction, outcome, codes),
        "prediction": independence_pvalues(outcome, prediction, codes),
    }
    p = {world: min(1.0, 2 * min(pair)) for world, pair in tests.items()}
    names, parts, reliability = [], [], []
    for direction, response, regressor, unit in (
        ("y_pred on y", prediction, outcome, ratio),
        ("y on y_pred", outcome, prediction, 1 / ratio),
    ):
        estimates, errors, reliable = slopes(response, regressor, codes)
        known = np.isfinite(estimates)
        names += [f"{direction}, {name}" for name, there in zip(SLOPES, known, strict=True) if there]
        parts.append(unit * np.stack([estimates, errors])[:, known])
        reliability.append(reliable)
    estimate, error = np.concatenate(parts, axis=1)
    known = np.isfinite(error)  # an infinite one stays so at a level of next to 0
    half = np.where(known, stats.t.isf((1 - level) / 2, len(labels) - 1) * np.where(known, error, 0.0), np.inf)
    return ShrinkageDiagnostic(
        advice=_advice(p["outcome"] < 1 - level, p["prediction"] < 1 - level),
        pvalue_outcome=p["outcome"],
        pvalue_prediction=p["prediction"],
        pvalues={f"{world}, {test}": v for world in tests for test, v in zip(TESTS, tests[world], strict=True)},
        names=tuple(names),
        estimate=estimate,
        std_error=error,
        lower=estimate - half,
        upper=estimate + half,
        reliability_outcome=reliability[0],
        reliability_prediction=reliability[1],
        confidence_level=level,
        n=n,
        n_groups=len(labels),
    )


def _advice(outcome_rejected, prediction_rejected):
    if outcome_rejected:
        return "neither" if prediction_rejected else "do not correct"
    return "correct" if prediction_rejected else "inconclusive"


def _standard(x, name):
    """Return the column with mean 0 and variance 1, and its standard deviation; squares never overflow."""
    reach = np.abs(x).max()
    scaled = x / reach if reach > 0 else x
    scaled = scaled - scaled.mean()
    spread = scaled.std()
    if not spread > 1e-13:
        raise InputError(
            f"{OWNER}: {name} must vary; got {len(x)} values around {x[0]:.6g}. A constant tells nothing about worlds."
        )
    return scaled / spread, max(spread * reach, np.finfo(float).tiny)
