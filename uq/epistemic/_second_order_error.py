"""How far variances lie from the squared errors that they forecast: the result, with its intervals and its picture."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.record import Result, format_number
from uq._base.results import Interval
from uq._base.validation import check_alternative, check_level

from ._calibration_core import gap_limits

__all__ = ["SecondOrderError"]

cite_methods(**{"gaps of bins, betting": ("johnson2024", "waudbysmith2024")})


@cites("johnson2024")
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
        Mean square of squared error less variance; smaller is better, and it sees resolution. It compares variances
        of models with the same marginal only: another marginal has other squared errors.
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
