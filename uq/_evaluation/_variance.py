"""Where the noise of an evaluation comes from: the choice of items, or the repeats of one item."""

import math
import warnings
from dataclasses import dataclass

import numpy as np

from uq._base.citation import cite_methods, cites
from uq._base.curve import Curve
from uq._base.exceptions import InfiniteBoundWarning, InputError, NotIdentifiedError
from uq._base.results import Result, format_number
from uq._base.validation import check_count, check_matrix, check_option

__all__ = ["VarianceComponents", "components", "variance_components"]

cite_methods(**{"analysis of variance": ("searle1992", "miller2024")})
# differences below this share of the scores are rounding
_ROUNDING = 4 * np.finfo(float).eps
_SMALL = 1e-145


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceComponents(Result):
    """The variance of scores between items and within them, and the errors of the mean that follow.

    Parameters
    ----------
    mean : float
        Mean of the item means: every item counts the same.
    var_between : float
        Variance of the items' expected scores, not below 0.
    var_within : float
        Variance of one repeat around its item's expected score, averaged over items.
    var_between_unbiased : float
        `var_between` before it is cut off at 0; unbiased.
    std_error_random : float
        Error of `mean` for the population that the items were drawn from.
    std_error_fixed : float
        Error of `mean` for these very items, had they been repeated without end.
    share_between : float
        var_between / (var_between + var_within), the intraclass correlation; NaN where all scores are equal.
    n_items : int
    n_repeats : float
        Repeats per item; their harmonic mean where it varies.
    n_scores : int
    n_dropped : int
        Items without any score.
    method, guarantee : str

    Examples
    --------
    >>> from uq import variance_components
    >>> parts = variance_components([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
    >>> round(parts.std_error_random, 4), round(parts.std_error_fixed, 4)
    (0.2152, 0.1179)
    >>> round(parts.std_error(n_items=100, n_repeats=1), 4)
    0.0544
    """

    mean: float
    var_between: float
    var_within: float
    var_between_unbiased: float
    std_error_random: float
    std_error_fixed: float
    share_between: float
    n_items: int
    n_repeats: float
    n_scores: int
    n_dropped: int = 0
    method: str = "analysis of variance"
    guarantee: str = "asymptotic"

    def std_error(self, n_items, n_repeats, items="random") -> float:
        """Predict the standard error of the mean score of another design.

        Parameters
        ----------
        n_items, n_repeats : int
            At least 1.
        items : {"random", "fixed"}, default "random"
            Whether the mean is about the population of the items or about those items alone.

        Returns
        -------
        float
            sqrt((var_between + var_within / n_repeats) / n_items), without var_between for fixed items.

        Raises
        ------
        InputError

        Notes
        -----
        **Guarantee.** None beyond that of the two variances, which are estimates; items and repeats must be drawn as
        they were here.
        """
        owner = "VarianceComponents.std_error"
        n_items = check_count(n_items, owner, "n_items")
        n_repeats = check_count(n_repeats, owner, "n_repeats")
        check_option(items, ("random", "fixed"), owner, "items")
        if math.isinf(self.std_error_random):
            return math.inf
        between = self.var_between if items == "random" else 0.0
        return math.sqrt((between + self.var_within / n_repeats) / n_items)

    def _table(self):
        return {
            "component": ["between items", "within items"],
            "variance": [self.var_between, self.var_within],
            "share": [self.share_between, 1 - self.share_between],
            "count": [self.n_items, self.n_repeats],
        }

    def _title(self):
        return (
            f"mean {format_number(self.mean)}, std. error {format_number(self.std_error_random)} (items random) or "
            f"{format_number(self.std_error_fixed)} (items fixed)"
        )

    def __repr__(self):
        return (
            f"<VarianceComponents: between {format_number(self.var_between)}, within {format_number(self.var_within)}, "
            f"{self.n_items} items x {format_number(self.n_repeats)} repeats>"
        )

    def _draw(self, ax):
        from uq._base import plot

        repeats = np.arange(1, max(10, 2 * math.ceil(self.n_repeats)) + 1)
        errors = np.array([self.std_error(self.n_items, int(m)) for m in repeats])
        label = f"std. error of the mean, {self.n_items} items"
        return plot.curve(ax, Curve(x=repeats, y=errors, x_label="repeats per item", y_label=label))


@cites("searle1992", "miller2024")
def variance_components(scores, *, nan_policy="raise") -> VarianceComponents:
    """Split the variance of scores into that between items and that between repeats of one item.

    Parameters
    ----------
    scores : array-like of shape (n_items, n_repeats)
        Row i holds the scores of independent repeats (sampled answers, say) of item i.
    nan_policy : {"raise", "omit"}, default "raise"
        "omit" leaves missing repeats out; an item without any is dropped.

    Returns
    -------
    VarianceComponents
        Fields: `mean`, `var_between`, `var_within`, `var_between_unbiased` (before it is cut off at 0),
        `std_error_random` and `std_error_fixed` (the error of `mean` for the population of the items, and for these
        items alone), `share_between`, `n_items`, `n_repeats`, `n_scores`, `n_dropped`. Its method
        ``std_error(n_items, n_repeats, items="random")`` predicts the error of another design.

    Raises
    ------
    InputError
        For scores that are not finite, not of shape (n_items, n_repeats), or of fewer than two items.
    NotIdentifiedError
        Where no item has two scores: one repeat cannot tell the two variances apart, however many items there are.

    Warns
    -----
    InfiniteBoundWarning
        Where all scores are equal: nothing is known about the error then.

    Notes
    -----
    With s2 the sample variance of the item means and w_i that of the m_i repeats of item i, the variance within is the
    mean of w_i, the variance between is s2 - mean(w_i / m_i), and the squared errors are s2 / n for random items (which
    contains the noise within; adding it again would count it twice) and sum(w_i / m_i) / n**2 for fixed ones. Where s2
    falls below mean(w_i / m_i) the variance between is cut off at 0 and the larger of the two enters the error. An item
    with one score lends the mean of the others' w_i.

    **Guarantee.** `var_within`, `var_between_unbiased`, s2 / n and the square of `std_error_fixed` are unbiased at any
    size, for any law of the scores, if items are drawn independently, repeats of an item are independent and alike, and
    items with one score are no different from the rest. Standard errors promise intervals only asymptotically. Repeats
    that share a seed or a cache are not independent, and items from one source are clusters (see `estimate_mean`).

    References
    ----------
    Searle, Casella and McCulloch (1992), Variance Components, doi:10.1002/9780470316856. Miller (2024), Adding error
    bars to evals, arXiv:2411.00640.

    Examples
    --------
    >>> import numpy as np
    >>> from uq import variance_components
    >>> rng = np.random.default_rng(0)
    >>> difficulty = rng.beta(2, 2, size=(200, 1))
    >>> correct = rng.random((200, 5)) < difficulty
    >>> variance_components(correct)
    <VarianceComponents: between 0.0442, within 0.2055, 200 items x 5 repeats>
    """
    owner = "variance_components"
    table = check_matrix(scores, owner, "scores", nan_policy=nan_policy)
    counts = (~np.isnan(table)).sum(axis=1)
    table, kept = table[counts > 0], counts[counts > 0]
    n_dropped = len(counts) - len(kept)
    if len(kept) < 2:
        raise InputError(
            f"{owner}: scores must hold at least two items; got {len(kept)}. "
            "One item says nothing about the variation between items."
        )
    if kept.max() < 2:
        raise NotIdentifiedError(
            f"{owner}: scores must hold at least two repeats of some item; got one per item, which cannot tell the "
            "variance between items from that within. Score items again, or use estimate_mean, whose error needs no "
            "such split."
        )
    low, high = np.nanmin(table), np.nanmax(table)
    equal = high - low <= _ROUNDING * max(high, -low)
    if not equal and high - low < _SMALL:
        raise InputError(
            f"{owner}: scores must not differ by less than {_SMALL:g}, whose squares vanish; got scores from {low:g} "
            f"to {high:g}. Rescale them."
        )
    parts = components(table, kept)
    if equal:
        warnings.warn(
            f"{owner}: all scores are equal, which says nothing about their error; the standard errors are infinite. "
            "More items, or estimate_mean with declared bounds, would make them finite.",
            InfiniteBoundWarning,
            stacklevel=2,
        )
        parts |= {"std_error_random": math.inf, "std_error_fixed": math.inf, "var_within": 0.0, "var_between": 0.0}
        parts |= {"share_between": math.nan, "var_between_unbiased": 0.0}
    return VarianceComponents(**parts, n_dropped=n_dropped)


def components(table, counts):
    """Return the components of a table with NaN for what is missing; each row has a score, some row has two."""
    n = len(table)
    size = np.nanmax(np.abs(table))
    offset = np.nanmean(table)
    table = table - offset  # large scores that differ by little keep the digits of their differences
    scale = 2.0 ** np.frexp(np.nanmax(np.abs(table)))[1]  # squares of tiny ones do not vanish
    table = table / scale
    means = np.nansum(table, axis=1) / counts
    deviations = table - means[:, None]
    deviations[np.abs(deviations) <= _ROUNDING * size / scale] = 0.0
    squares = np.nansum(deviations**2, axis=1)
    repeated = counts >= 2
    within_items = np.zeros(n)
    within_items[repeated] = squares[repeated] / (counts[repeated] - 1)
    within = within_items[repeated].mean()
    within_items[~repeated] = within
    noise = (within_items / counts).mean()
    spread = means.var(ddof=1)
    between = max(spread - noise, 0.0)
    total = between + within
    harmonic = n / (1 / counts).sum()
    return {
        "mean": float(offset + scale * means.mean()),
        "var_between": float(between) * scale * scale,
        "var_within": float(within) * scale * scale,
        "var_between_unbiased": float(spread - noise) * scale * scale,
        "std_error_random": math.sqrt(max(spread, noise) / n) * scale,
        "std_error_fixed": math.sqrt(noise / n) * scale,
        "share_between": float(between / total) if total > 0 else math.nan,
        "n_items": n,
        "n_repeats": int(counts[0]) if (counts == counts[0]).all() else float(harmonic),
        "n_scores": int(counts.sum()),
    }
