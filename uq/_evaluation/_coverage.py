"""Do intervals keep their promise on fresh truth? Empirical coverage, with its own error bars."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_labels
from uq._base.exceptions import InputError
from uq._base.laws import BinomialLaw
from uq._base.results import Interval, Result, format_number
from uq._base.validation import check_groups, check_level, check_vector

__all__ = ["CoverageReport", "coverage_report"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageReport(Result):
    """Empirical coverage of intervals or sets: all rows first, then each stratum.

    Parameters
    ----------
    names : tuple of str
        "all", then the strata, sorted.
    n, n_covered : ndarray of int
        Rows, and rows whose truth lies inside.
    coverage : ndarray
        n_covered / n.
    lower, upper : ndarray
        Clopper-Pearson band of the true coverage.
    nominal_level : float
        What the intervals promise.
    mean_width : ndarray, optional
        Infinite where any width is. None for one-sided intervals and sets without a width.
    share_infinite : ndarray, optional
        Share of rows with an infinite interval.
    confidence_level : float
        That of the band, for each row of the report by itself.
    method, guarantee : str
        Of the band.
    of : {"intervals", "sets"}
        What was judged.
    """

    names: tuple[str, ...]
    n: Any
    n_covered: Any
    coverage: Any
    lower: Any
    upper: Any
    nominal_level: float
    mean_width: Any = None
    share_infinite: Any = None
    confidence_level: float = 0.95
    method: str = "clopper_pearson"
    guarantee: str = "finite-sample"
    of: str = "intervals"

    @property
    def verdict(self) -> tuple[str, ...]:
        """Per row: "below" or "above" where the whole band lies there, else "as promised" (a tuple of str)."""
        return tuple(
            "below" if upper < self.nominal_level else "above" if lower > self.nominal_level else "as promised"
            for lower, upper in zip(self.lower, self.upper, strict=True)
        )

    def _table(self):
        k = len(self.names)
        table = {
            "stratum": list(self.names),
            "n": self.n,
            "coverage": self.coverage,
            "lower": self.lower,
            "upper": self.upper,
            "nominal_level": [self.nominal_level] * k,
            "verdict": list(self.verdict),
        }
        if self.mean_width is not None:
            table |= {"mean_width": self.mean_width, "share_infinite": self.share_infinite}
        return table

    def _title(self):
        return f"coverage of {100 * self.nominal_level:.6g} % {self.of}, {100 * self.confidence_level:.6g} % band"

    def __repr__(self):
        return (
            f"<CoverageReport: {format_number(self.coverage[0])} of {self.n[0]} rows, "
            f"nominal {format_number(self.nominal_level)}, {self.verdict[0]}>"
        )

    def _draw(self, ax):
        from uq._base import plot

        ax = plot.intervals(
            ax,
            self.coverage,
            self.lower,
            self.upper,
            names=[f"{name} ({n})" for name, n in zip(self.names, self.n, strict=True)],
            title=self._title(),
            reference=self.nominal_level,
        )
        ax.set_xlabel("coverage")
        return ax


@cites("clopper1934")
def coverage_report(interval_or_set, y, strata=None, *, confidence_level=0.95) -> CoverageReport:
    """Compare the coverage that intervals promise with the one they have on fresh truth.

    Parameters
    ----------
    interval_or_set : Interval or prediction set
        One interval (or set) per row, or one for all rows. A set is whatever has ``contains(y)`` and
        `confidence_level`.
    y : array-like of shape (n,)
        The truth, not used when the intervals were made.
    strata : array-like of shape (n,), optional
        Labels; coverage is also reported for each. By default, for prediction sets that tell their `sizes`, by the
        size of the set (size-stratified coverage).
    confidence_level : float, default .95
        Of the band around each empirical coverage; the nominal level of the intervals is their own.

    Returns
    -------
    CoverageReport
        Row 0 is all rows, then one per stratum. Fields: `names`, `n`, `n_covered`, `coverage`, `lower` and `upper` (the
        band of the true coverage), `nominal_level`, `mean_width` and `share_infinite` (None for what has no width),
        `confidence_level`, `of` ("intervals" or "sets"). Its property `verdict` holds "below", "above" or "as promised"
        per row.

    Raises
    ------
    InputError
        For anything without `contains` and `confidence_level`, NaN or empty `y`, lengths that differ, a level outside
        (0, 1).

    Notes
    -----
    The verdict is "below" where the band lies below the nominal level, "above" where it lies above (more is covered
    than was promised: wider than needed), else "as promised".

    **Guarantee.** Finite-sample: each row's Clopper-Pearson band holds the true coverage with probability at least
    `confidence_level` if, given the fitted intervals, the rows are independent and alike (a binomial count). Rows that
    depend on each other (clusters, time) make the band too narrow, and so does truth that was used to fit. Bands hold
    one by one: of 20 strata that keep their promise about one may be called "below" or "above". Most promises are about
    all rows: sets of one size may be covered less without breaking them. For a conformal predictor the coverage given
    its calibration data scatters around the nominal level, and the band is about the former.

    References
    ----------
    Clopper and Pearson (1934), The use of confidence or fiducial limits, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> import numpy as np
    >>> from uq import Interval, coverage_report
    >>> y = np.random.default_rng(0).normal(size=500)
    >>> interval = Interval(lower=-1.2816, upper=1.2816, confidence_level=.9)
    >>> report = coverage_report(interval, y, strata=np.repeat(["day", "night"], 250))
    >>> report
    <CoverageReport: 0.798 of 500 rows, nominal 0.9, below>
    >>> report.verdict
    ('below', 'below', 'below')
    """
    owner = "coverage_report"
    if not callable(getattr(interval_or_set, "contains", None)) or not hasattr(interval_or_set, "confidence_level"):
        raise InputError(
            f"{owner}: interval_or_set must be an Interval or a prediction set, with contains(y) and confidence_level; "
            f"got {type(interval_or_set).__name__}. Bare limits go in as Interval(lower=..., upper=..., "
            "confidence_level=...)."
        )
    nominal = check_level(interval_or_set.confidence_level, owner, "interval_or_set.confidence_level")
    level = check_level(confidence_level, owner)
    is_interval = isinstance(interval_or_set, Interval)
    truth = check_vector(y, owner, "y") if is_interval else as_labels(y, owner, "y")
    n = len(truth)
    if n == 0:
        raise InputError(f"{owner}: y must hold at least one row; got none.")
    if is_interval and np.ndim(interval_or_set.lower) and len(interval_or_set.lower) != n:
        raise InputError(
            f"{owner}: y must have one value per interval ({len(interval_or_set.lower)}); got {n}. "
            "Row i of each must describe the same item."
        )
    codes, labels = np.zeros(n, np.intp), []
    sizes = None if is_interval or strata is not None else getattr(interval_or_set, "sizes", None)
    if strata is not None:
        codes, labels = check_groups(strata, owner, n, name="strata", min_groups=1)
    elif sizes is not None:
        codes, found = check_groups(sizes, owner, n, name="interval_or_set.sizes", min_groups=1)
        labels = [f"size {size}" for size in found.tolist()]
    inside = np.asarray(interval_or_set.contains(truth))
    if inside.shape != (n,) or inside.dtype != bool:
        raise InputError(
            f"{owner}: interval_or_set.contains(y) must give one bool per row ({n}); "
            f"got shape {inside.shape} of dtype {inside.dtype}."
        )

    def per_row(values):
        values = np.asarray(values, dtype=np.float64)
        by_stratum = np.bincount(codes, weights=values, minlength=len(labels))[: len(labels)]
        return np.concatenate([[values.sum()], by_stratum])

    counts = per_row(np.ones(n)).astype(np.int64)
    covered = per_row(inside).astype(np.int64)
    bands = [
        BinomialLaw(n_success=int(k), n=int(m)).interval(level, "two-sided")
        for k, m in zip(covered, counts, strict=True)
    ]
    widths = _widths(interval_or_set, n)
    return CoverageReport(
        names=("all", *(str(label) for label in labels)),
        n=counts,
        n_covered=covered,
        coverage=covered / counts,
        lower=np.array([lower for lower, _ in bands]),
        upper=np.array([upper for _, upper in bands]),
        nominal_level=nominal,
        mean_width=None if widths is None else per_row(widths) / counts,
        share_infinite=None if widths is None else per_row(np.isinf(widths)) / counts,
        confidence_level=level,
        of="intervals" if is_interval else "sets",
    )


def _widths(interval_or_set, n):
    width = getattr(interval_or_set, "width", None)
    if width is None or getattr(interval_or_set, "alternative", "two-sided") != "two-sided":
        return None
    return np.broadcast_to(np.asarray(width, dtype=np.float64), (n,))
