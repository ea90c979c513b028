"""The reliability diagram: what share of events followed a forecast, with a band."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.curve import Curve
from uq._base.random import check_rng
from uq._base.record import format_percent
from uq._base.validation import check_count, check_level, check_option

from ._bands import order_limits
from ._binned import MOST_BINS
from ._bins import uniform_bins, uniform_edges
from ._curves import CELLS, BinsCurve, CurveCells, IsotonicCurve, KernelCurve, make_cells
from ._forecast import check_forecast
from ._isotone import tie_sums
from ._reliability_bands import check_band, drawn_curves, honest_limits, with_agreeing

__all__ = ["ReliabilityCurve", "reliability_curve"]

METHODS = ("isotonic", "kernel", "bins")
BANDS = ("consistency", "honest", "bootstrap")
HISTOGRAM = 20
OWNER = "reliability_curve"
NARROW = 0.2  # forecasts within so short a range are shown alone

_REFERENCES = {
    "isotonic": ("dimitriadis2021",),
    "kernel": ("blasiok2024",),
    "bins": (),
    "consistency": ("brocker2007",),
    "honest": ("dimitriadis2023",),
    "bootstrap": (),
}
cite_methods(
    **{f"reliability: {method}": _REFERENCES[method] for method in METHODS},
    **{
        f"reliability: {method}, {band} band": _REFERENCES[method] + _REFERENCES[band]
        for method in METHODS
        for band in BANDS
    },
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReliabilityCurve(Curve):
    """A `Curve` of observed shares against forecasts, drawn with the diagonal and a histogram of the forecasts.

    Parameters
    ----------
    histogram : ndarray of shape (n_parts,), optional
        Rows in each part of the forecasts.
    histogram_edges : ndarray of shape (n_parts + 1,), optional
        Where the parts begin and end; None for equal parts of [0, 1]. The other fields are those of `uq.Curve`.

    Examples
    --------
    >>> from calibration import reliability_curve
    >>> curve = reliability_curve([0, 0, 1, 1], [.1, .4, .6, .9], method="bins", n_bins=2)
    >>> curve.x.tolist(), curve.y.tolist(), curve.count.tolist()
    ([0.25, 0.75], [0.0, 1.0], [2, 2])
    """

    histogram: Any = None
    histogram_edges: Any = None

    def _figsize(self):
        return 5.2, 5.2

    def _heading(self):
        method, *band = self.method.removeprefix("reliability: ").split(", ")
        return f"Reliability, {method}" + (
            f", {format_percent(self.confidence_level)} {band[0]}" if band and self.confidence_level else ""
        )

    def __repr__(self):
        return f"<ReliabilityCurve of {len(self.x)} points: {self._heading()}, guarantee: {self.guarantee}>"

    def _draw(self, ax):
        from uq._base import plot

        return plot.reliability(ax, self, title=self._heading())


@cites("blasiok2024", "brocker2007", "dimitriadis2021", "dimitriadis2023")
def reliability_curve(
    y_true,
    y_prob,
    *,
    method="isotonic",
    band=None,
    confidence_level=0.95,
    n_bins=15,
    n_resamples=999,
    rng=None,
    sample_weight=None,
    groups=None,
    classes=None,
) -> ReliabilityCurve:
    """Estimate which share of events follows each forecast: the reliability diagram.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0, 1 or a share between them where `y_prob` is P(y = 1); labels where it has one column per class.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), or probabilities of the classes; of those the largest is held against whether its class came true.
        For two classes pass column 1, unless that is what is asked.
    method : {"isotonic", "kernel", "bins"}, default "isotonic"
        "isotonic": the best fit that never decreases, without anything to choose. "kernel": a Gaussian smooth,
        reflected at 0 and 1, whose bandwidth is the smooth calibration error; it may decrease. "bins": means over equal
        bins.
    band : {None, "consistency", "honest", "bootstrap"}, default None
        "consistency": around the diagonal; where the curve would run if the forecasts were calibrated. "honest": holds
        the whole true curve at once with the promised probability, if that curve never decreases; wide. "bootstrap":
        around the curve, point by point, approximate; the only one that takes `groups` (drawn whole).
    confidence_level : float, default .95
        Of the band.
    n_bins : int, default 15
        Equal bins of [0, 1] for ``method="bins"``; an edge belongs to the upper one. Empty bins are left out.
    n_resamples : int, default 999
        For the consistency and the bootstrap band. With fewer than ``2 / (1 - confidence_level) - 1`` the band reaches
        from 0 to 1.
    rng : None, int or numpy.random.Generator, optional
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative weights. The honest band takes whole numbers only, and reads them as so many independent rows.
    groups : array-like of shape (n_samples,), optional
        Cluster labels; they do not change the curve, only the bootstrap band.
    classes : array-like of shape (n_classes,), optional
        The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
        sorted labels.

    Returns
    -------
    Curve
        `x` forecasts, `y` observed shares, `lower` and `upper` the band, `count` rows: of the bin; with a forecast from
        x to the next x ("isotonic"); nearest to x ("kernel"). `plot` draws the diagonal, the curve, the band, and a
        histogram of the forecasts: of 20 equal parts of [0, 1], or of the range of the forecasts where that is shorter
        than a fifth, which the picture shows alone; parts centred at 0, .05, ..., 1 where all forecasts are such.

    Raises
    ------
    InputError
        For probabilities outside [0, 1] or rows of them that do not sum to 1, outcomes outside [0, 1], NaN, no rows,
        lengths that differ, negative weights, unknown words, and for data that a band is not valid for: `groups` with
        "consistency" or "honest", shares as outcomes with either, weights that are no whole numbers with "honest".

    Warns
    -----
    UserWarning
        Where the honest band contradicts itself, which shows that the true curve decreases somewhere (it is 0 to 1
        then, without guarantee), and where `n_resamples` is too small for the level.

    Notes
    -----
    **Guarantee.** The honest band is finite-sample and simultaneous: with independent rows and a probability of the
    event that never decreases in the forecast, it holds the whole curve with probability at least `confidence_level`.
    Clusters void it (it then covers far too rarely), and so does a curve that decreases. Beyond 1000 different
    forecasts neighbours are pooled, for which the band pays with the width of a cell, and stays valid. The consistency
    band is finite-sample for one point named beforehand: a calibrated forecaster leaves it there with probability at
    most 1 - `confidence_level`; the whole curve leaves it somewhere more often. It is asymptotic for the kernel, whose
    bandwidth comes from the outcomes while replicates keep it (at a nominal 90 % and a forecast of .3 the curve was
    outside in 12.5 % of runs), and beyond 4096 different forecasts. There neighbours are pooled, for this band and the
    bootstrap, and the curve is that of the pooled forecasts, as its replicates are.

    The bootstrap band is pointwise. For bins it is asymptotic (20 bins of 2 to 100 rows each, events of 2 to 50 %:
    nominal 95 % covered 93 to 100 %); for the kernel too, yet for the smoothed curve and not the true one; for the
    isotonic curve it redraws outcomes from the fit (rows or clusters, where outcomes are shares or come in groups), is
    approximate, and promises nothing. Where all outcomes behind a point agree no resampling shows variation, and the
    exact binomial limit of so many rows (or clusters) takes its place.

    References
    ----------
    .. [1] T. Dimitriadis, T. Gneiting, A. I. Jordan (2021). Stable reliability diagrams for probabilistic classifiers.
       PNAS 118(8). doi:10.1073/pnas.2016191118.
    .. [2] T. Dimitriadis, L. Dümbgen, A. Henzi, M. Puke, J. Ziegel (2023). Honest calibration assessment for binary
       outcome predictions. Biometrika 110(3). arXiv:2203.04065.
    .. [3] J. Bröcker, L. A. Smith (2007). Increasing the reliability of reliability diagrams. Weather and Forecasting
       22(3). doi:10.1175/WAF993.1.
    .. [4] J. Błasiok, P. Nakkiran (2024). Smooth ECE: principled reliability diagrams via kernel smoothing. ICLR.
       arXiv:2309.12236.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import reliability_curve
    >>> rng = np.random.default_rng(0)
    >>> y_prob = rng.random(4000)
    >>> y = rng.random(4000) < y_prob**2
    >>> curve = reliability_curve(y, y_prob, band="honest", confidence_level=.9)
    >>> curve.guarantee, bool((curve.upper < curve.x).any())
    ('finite-sample', True)
    """
    check_option(method, METHODS, OWNER, "method")
    if band is not None:
        check_option(band, BANDS, OWNER, "band")
    level = check_level(confidence_level, OWNER)
    n_bins = check_count(n_bins, OWNER, "n_bins", high=MOST_BINS)
    n_resamples = check_count(n_resamples, OWNER, "n_resamples")
    rng = check_rng(rng, OWNER)
    rows = check_forecast(y_true, y_prob, OWNER, sample_weight=sample_weight, groups=groups, classes=classes)
    p, y = rows.confidence()
    weights, codes = rows.weights, rows.groups
    check_band(band, y, weights, codes, OWNER)
    if weights is not None:
        seen = weights / weights.max() > 0
        p, y, weights, codes = (None if a is None else a[seen] for a in (p, y, weights, codes))
    unique, sums, totals = tie_sums(p, y, weights)
    resampled = band in ("consistency", "bootstrap")
    if method == "bins":
        curve: Any = BinsCurve(unique, sums, totals, n_bins)
    else:
        cells = CurveCells(unique, sums, totals, unique)
        if resampled:
            cells = make_cells(unique, sums, totals, equal_width=method == "kernel")
        curve = IsotonicCurve(cells) if method == "isotonic" else KernelCurve(cells, p, p - y, weights)
    binary = rows.binary
    histogram, edges = _histogram(p, unique)
    result = ReliabilityCurve(
        x=curve.x,
        y=curve.y,
        count=_counts(curve.edges, p, unique, totals, weights),
        method=f"reliability: {method}",
        x_label="forecast probability" if binary else "confidence",
        y_label="observed share" if binary else "accuracy",
        histogram=histogram,
        histogram_edges=edges,
    )
    if band is None:
        return result
    if band == "honest":
        lower, upper, guarantee = honest_limits(curve.x, unique, sums, totals, 1 - level, OWNER)
    else:
        draws = drawn_curves(curve, band, (p, y, weights, codes), n_resamples, rng)
        lower, upper = order_limits(draws, level)
        if (n_resamples + 1) * (1 - level) / 2 < 1 - 1e-9:
            warnings.warn(
                f"{OWNER}: {n_resamples} resamples are too few for a level of {level:g}, so that the band reaches "
                f"from 0 to 1. Set n_resamples to at least {int(np.ceil(2 / (1 - level)))}.",
                UserWarning,
                stacklevel=2,
            )
        if band == "bootstrap":
            lower, upper = with_agreeing(curve, lower, upper, p, codes, 1 - level)
            guarantee = "none" if method == "isotonic" else "asymptotic"
        else:
            # weighted rows are drawn one by one, and a bin holds whole cells
            exact = len(unique) <= CELLS or (method == "bins" and weights is not None)
            guarantee = "finite-sample" if exact and method != "kernel" else "asymptotic"
    return replace(
        result,
        lower=lower,
        upper=upper,
        confidence_level=level,
        guarantee=guarantee,
        method=f"{result.method}, {band} band",
    )


def _counts(edges, p, unique, totals, weights):
    """Return the number of rows between edges."""
    if weights is None:
        below = np.concatenate([[0], np.cumsum(totals.astype(np.int64))])
        return np.diff(below[np.searchsorted(unique, edges)])
    return np.diff(np.searchsorted(np.sort(p), edges))


def _histogram(p, unique):
    """Return the rows per part and the edges of the parts, None for equal ones of [0, 1]."""
    if len(unique) <= HISTOGRAM + 1 and np.allclose(unique * HISTOGRAM, np.rint(unique * HISTOGRAM), rtol=0, atol=1e-5):
        centers = np.rint(p * HISTOGRAM).astype(np.intp)
        if len(unique) == 1 or np.ptp(unique) >= NARROW:
            return np.bincount(centers, minlength=HISTOGRAM + 1), (np.arange(HISTOGRAM + 2) - 0.5) / HISTOGRAM
    low, high = unique[0], unique[-1]
    edges = low + (high - low) * uniform_edges(HISTOGRAM)
    if high - low >= NARROW or not (np.diff(edges) > 0).all():
        return np.bincount(uniform_bins(p, HISTOGRAM), minlength=HISTOGRAM), None
    parts = uniform_bins(np.clip((p - low) / (high - low), 0.0, 1.0), HISTOGRAM)
    return np.bincount(parts, minlength=HISTOGRAM), edges
