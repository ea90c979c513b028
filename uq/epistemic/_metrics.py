"""Are the variances right? Counts of responses against a model's ignorance."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.record import Result, format_number
from uq._base.results import Interval
from uq._base.validation import check_alternative, check_count, check_level

from ._calibration_core import bin_cells, binned_gaps, gap_limits, rank_correlation
from ._pair_input import check_counts, check_probabilities
from ._pairs import as_pairs
from ._ustatistics import pair_targets, squared_errors

__all__ = [
    "SecondOrderError",
    "pair_counts",
    "second_order_calibration_error",
    "second_order_score",
    "squared_error_ustatistic",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondOrderError(Result):
    """How far epistemic variances lie from the squared errors that they forecast, in bins of equal size.

    Parameters
    ----------
    error : float
        Mean over bins, by their cells, of the absolute gap. Positive for a calibrated model, too.
    noise_floor : float
        What a calibrated model would show on so many rows, about.
    debiased_square : float
        Mean square of the gaps without the noise; may be negative.
    score : float
        Mean square of squared error less variance; smaller is better, and it sees resolution.
    rank_correlation : float
        Spearman's, of variances and squared errors; 0 where one of them is constant.
    variance, squared_error, std_error : ndarray of shape (n_bins,)
        Means of each bin, and the standard error of their difference.
    count : ndarray of int, shape (n_bins,)
        Cells (rows times classes; of two classes one is taken) in each bin.
    n_items : ndarray of int, shape (n_bins,)
        Rows that have a cell in it.
    sums : ndarray of shape (n_sums, 3)
        Bin, sum of the differences, and number of cells, of each row in each bin: what `interval` needs.
    range : tuple of float
        What a difference can be.
    guarantee : str

    Examples
    --------
    >>> from uq.epistemic import second_order_calibration_error
    >>> joint = [[[.5, .1], [.1, .3]], [[.2, .2], [.2, .4]], [[.4, .1], [.1, .4]]]
    >>> result = second_order_calibration_error([[2, 0], [1, 1], [0, 2]], joint, n_bins=1)
    >>> result.gap.round(4), result.count
    (array([-0.0533]), array([3]))
    """

    error: float
    noise_floor: float
    debiased_square: float
    score: float
    rank_correlation: float
    variance: Any
    squared_error: Any
    std_error: Any
    count: Any
    n_items: Any
    sums: Any = field(repr=False)
    range: tuple[float, float] = field(repr=False)
    guarantee: str = "none"

    @property
    def gap(self) -> np.ndarray:
        """Squared error less variance, of each bin: positive where the model claims to know too much."""
        return self.squared_error - self.variance

    def interval(self, confidence_level=0.95, alternative="two-sided") -> Interval:
        """Return an interval for the gap of each bin.

        Parameters
        ----------
        confidence_level : float, default .95
            In (0, 1), for each bin by itself.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"

        Returns
        -------
        Interval
            One per bin.

        Notes
        -----
        **Guarantee.** A betting bound on the rows of the bin, whose cells go together: it holds for few rows and skewed
        errors too, where a normal law fails. Exact in the limit only, since the bins are those of the variances at
        hand. Rows must be independent, in an order that does not depend on the responses.
        """
        level = check_level(confidence_level, "SecondOrderError.interval")
        check_alternative(alternative, "SecondOrderError.interval")
        alpha = (1 - level) / 2 if alternative == "two-sided" else 1 - level
        ends = [np.full(len(self.gap), -np.inf), np.full(len(self.gap), np.inf)]
        for j, side in enumerate(("less", "greater")):
            if alternative != side:
                ends[j] = gap_limits(self.sums, *self.range, alpha, upper=bool(j))
        return Interval(
            lower=ends[0], upper=ends[1], confidence_level=level, alternative=alternative, guarantee="asymptotic",
            method="gaps of bins, betting", index=tuple(f"bin {j}" for j in range(len(self.gap))),
        )  # fmt: skip

    def _table(self):
        return {
            "bin": list(range(len(self.count))),
            "variance": self.variance,
            "squared_error": self.squared_error,
            "std_error": self.std_error,
            "count": self.count,
        }

    def _title(self):
        return f"second-order error {format_number(self.error)}, of which noise {format_number(self.noise_floor)}"

    def _note(self, table):
        return (
            f"debiased square {format_number(self.debiased_square)}, score {format_number(self.score)}, rank "
            f"correlation {format_number(self.rank_correlation)}"
        )

    def __repr__(self):
        return f"<SecondOrderError {format_number(self.error)}, noise floor {format_number(self.noise_floor)}>"

    def _draw(self, ax):
        top = max(float(self.variance.max()), float(self.squared_error.max()), 1e-12)
        error = np.where(np.isfinite(self.std_error), 2 * self.std_error, 0.0)
        ax.plot([0, top], [0, top], color="#888888", lw=1, ls="--")
        ax.errorbar(self.variance, self.squared_error, yerr=error, fmt="o", ms=4)
        ax.set(xlabel="epistemic variance", ylabel="squared error", title=self._title())
        return ax


@cites("johnson2024")
def second_order_calibration_error(y, pairs, *, n_bins=10) -> SecondOrderError:
    """Return how far a model's epistemic variances lie from its squared errors, binned by variance.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row, independent given x.
    pairs : PairDistribution or array-like of shape (n_samples, n_classes, n_classes)
        What the model says.
    n_bins : int, default 10
        Bins of equally many cells; equal variances are never parted, so that there may be fewer.

    Returns
    -------
    SecondOrderError
        The error, its noise floor, the error without noise, a proper score, and the bins.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row, what is no distribution of pairs, shapes that differ, and
        fewer than two rows.

    See Also
    --------
    second_order_score : the score alone.
    SecondOrderCalibration : a factor with a guarantee.

    Notes
    -----
    **Guarantee.** None for `error`, which is biased upwards: for a calibrated model it is about `noise_floor`. With
    independent rows and bins that depend on the variances alone, `debiased_square` is unbiased for the mean square of
    the true gaps of the bins with two rows or more, given the variances. Do not resample `error`: noise would enter
    twice.

    A constant variance can have an error of 0: report `score` and `rank_correlation` beside it, as the result does. The
    cells of one row are not independent and are summed before anything is squared.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.epistemic import ScaledVariance, second_order_calibration_error
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(2000)
    >>> votes = rng.binomial(2, rng.beta(3 * p, 3 * (1 - p)))
    >>> y = np.column_stack([2 - votes, votes])
    >>> pairs = ScaledVariance().fit(p[:1000], y[:1000]).predict_pair(p[1000:])
    >>> second_order_calibration_error(y[1000:], pairs)
    <SecondOrderError 0.01778, noise floor 0.01492>
    """
    owner = "second_order_calibration_error"
    n_bins = check_count(n_bins, owner, "n_bins")
    error, variance = _cells(y, pairs, owner)
    n, k = error.shape
    if n < 2:
        raise InputError(f"{owner}: y must hold at least 2 rows; got {n}.")
    e, v = error.ravel(), variance.ravel()
    codes = bin_cells(v, min(n_bins, len(v)))
    bins = binned_gaps(e, v, codes, np.repeat(np.arange(n), k))
    return SecondOrderError(
        **bins,
        score=float(np.mean((e - v) ** 2)),
        rank_correlation=rank_correlation(v, e),
        range=(-0.25 - float(v.max()), 1.0 - float(v.min())),
    )


@cites("johnson2024")
def second_order_score(y, pairs) -> float:
    """Return the mean square difference of squared errors and epistemic variances: smaller is better.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row, independent given x.
    pairs : PairDistribution or array-like of shape (n_samples, n_classes, n_classes)
        What the model says.

    Returns
    -------
    float
        Mean over rows and classes.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row, what is no distribution of pairs, and shapes that differ.

    Notes
    -----
    **Guarantee.** The squared errors are estimated without bias, so that among all variances that depend on x the true
    (p - p(y|x))^2 has the least expected score. Its level holds the noise of the estimates, which fewer responses make
    larger: compare scores on the same rows only (``uq.estimate_difference`` on the scores of rows).

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> from uq.epistemic import second_order_score
    >>> round(second_order_score([[2, 0], [1, 1]], [[[.5, .1], [.1, .3]], [[.2, .2], [.2, .4]]]), 4)
    0.0394
    """
    error, variance = _cells(y, pairs, "second_order_score")
    return float(np.mean((error - variance) ** 2))


def squared_error_ustatistic(y, y_prob) -> np.ndarray:
    """Return unbiased estimates of the squared distance between a model's probabilities and the true ones.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row, independent given x.
    y_prob : array-like of shape (n_samples, n_classes), or (n_samples,) for the second of two classes
        Probabilities of a model that did not see these responses.

    Returns
    -------
    ndarray of shape (n_samples, n_classes) or (n_samples,)
        p^2 - 2 p c / n + c (c - 1) / (n (n - 1)), within [-1/4, 1]; often negative, as it must be to be unbiased. Never
        clip it before averaging.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row, probabilities outside [0, 1] or rows that do not sum to 1,
        and shapes that differ.

    Notes
    -----
    **Guarantee.** Exactly unbiased for (p - p(y|x))^2 of each cell, given x and p, if the responses are independent
    given x and their number does not depend on them. If a third one is bought where two disagree, use the first two.

    Examples
    --------
    >>> from uq.epistemic import squared_error_ustatistic
    >>> squared_error_ustatistic([[2, 0], [1, 1]], [.3, .3]).round(2)
    array([ 0.09, -0.21])
    """
    owner = "squared_error_ustatistic"
    p = check_probabilities(y_prob, owner, "y_prob")
    counts = check_counts(y, owner, n=len(p), k=p.shape[1])
    error = squared_errors(counts, p)
    alone = as_numeric(y_prob, owner, "y_prob")
    return error[:, 1] if alone.ndim == 1 or alone.shape[1] == 1 else error


def pair_counts(y) -> np.ndarray:
    """Return the share of each pair of classes among all pairs of different responses: what a model of pairs learns.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row.

    Returns
    -------
    ndarray of shape (n_samples, n_classes, n_classes)
        W, symmetric, with entries that sum to 1 in each row. The loss of a model J is the sum of -W log J.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row.

    Notes
    -----
    **Guarantee.** Exactly unbiased for p(k|x) p(l|x), if the responses are independent given x and their number does
    not depend on them. The outer product of shares is not: it counts each response as a pair with itself, and noise
    would pass for ignorance.

    Examples
    --------
    >>> from uq.epistemic import pair_counts
    >>> pair_counts([[2, 1, 0]]).round(3)
    array([[[0.333, 0.333, 0.   ],
            [0.333, 0.   , 0.   ],
            [0.   , 0.   , 0.   ]]])
    """
    return pair_targets(check_counts(y, "pair_counts"))


def _cells(y, pairs, owner):
    """Return squared errors and variances, (n, K), or (n, 1) for two classes, whose cells say the same twice."""
    pairs = as_pairs(pairs, owner)
    counts = check_counts(y, owner, n=len(pairs), k=pairs.n_classes)
    error, variance = squared_errors(counts, pairs.marginal), pairs.epistemic_variance
    return (error[:, 1:], variance[:, 1:]) if pairs.n_classes == 2 else (error, variance)
