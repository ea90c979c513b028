"""A running mean with a band that may be looked at as often as one likes."""

import warnings

import numpy as np

from uq._base.betting import outward, to_unit
from uq._base.citation import cites
from uq._base.curve import Curve
from uq._base.exceptions import EmptyIntervalWarning
from uq._base.validation import check_alternative, check_bounds, check_count, check_level, check_vector

from ._running import running_lower

__all__ = ["mean_sequence"]


@cites("waudbysmith2024", "howard2021")
def mean_sequence(scores, bounds, *, confidence_level=0.95, alternative="two-sided", n_looks=1000) -> Curve:
    """Follow the running mean of bounded scores, with a band that holds at all looks at once.

    An evaluation that is watched while it runs, and stopped when the answer is clear, needs such a band: an interval
    for a fixed number of rows misses more often than it says when it is looked at repeatedly.

    Parameters
    ----------
    scores : array-like of shape (n,) or (n, 1)
        In the order in which they arrived, which must not depend on the scores themselves. Shuffle a file that is
        sorted by topic, length or difficulty.
    bounds : (float, float)
        The least and the largest score that there can be (not: that were seen).
    confidence_level : float, default .95
        Probability, at least, that the band contains the mean at every look.
    alternative : {"two-sided", "less", "greater"}, default "two-sided"
        "less" gives an upper bound only, "greater" a lower bound only; the other end is the end of `bounds`.
    n_looks : int, default 1000
        Points of the curve: every row where there are no more rows than this, else in geometric progression up to the
        last row. The band holds at all rows; fewer looks only show it at fewer of them.

    Returns
    -------
    Curve
        `x` and `count` are the rows seen, `y` their mean, `lower` and `upper` the band. The band only narrows: a value
        that was excluded once stays so.

    Raises
    ------
    InputError
        For empty, NaN or infinite scores, scores outside of `bounds`, a level outside of (0, 1), an unknown alternative
        or fewer than one look.

    Warns
    -----
    EmptyIntervalWarning
        Where the two sides have excluded every mean. If the scores share one mean this has probability at most
        ``1 - confidence_level``; more likely they drift. From there on the band stays as it was at the last look at
        which it was not empty (or at `bounds`, if there was none).

    Notes
    -----
    **Guarantee.** Finite-sample, at every n and all looks at once, hence at any stopping time however it is chosen:
    with probability at least `confidence_level` the band contains the mean at every look, for independent scores in
    `bounds` with one mean (or any scores whose mean given all earlier ones is the same). It does not cover scores that
    drift, scores that were sorted, clustered rows, bounds that were read off the scores, or another level chosen after
    a look.

    The band is an intersection of all bands so far, the mean is that of the rows seen. With dependent rows (several
    questions on one text in a row, scores that drift) the mean can therefore leave its own band: the band excluded, by
    rows that were not independent, what later rows show. That is a sign that the guarantee does not hold; feed one mean
    per cluster, or shuffle the clusters.

    The price of looking often is a wider band than that of ``estimate_mean(method="betting")`` at the last row.

    References
    ----------
    Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, arXiv:2010.09686.
    Howard, Ramdas, McAuliffe and Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences,
    arXiv:1810.08240.

    Examples
    --------
    >>> import numpy as np
    >>> from uq import mean_sequence
    >>> scores = np.random.default_rng(0).beta(8, 2, size=500)
    >>> curve = mean_sequence(scores, bounds=(0, 1))
    >>> for n in (20, 100, 500):
    ...     print(n, curve.lower[n - 1].round(3), curve.upper[n - 1].round(3))
    20 0.594 0.874
    100 0.745 0.83
    500 0.785 0.815
    """
    owner = "mean_sequence"
    scores = check_vector(scores, owner, "scores")
    low, high = check_bounds(bounds, owner, scores)
    level = check_level(confidence_level, owner)
    alternative = check_alternative(alternative, owner)
    n = len(scores)
    looks = _looks(n, check_count(n_looks, owner, "n_looks"))
    alpha = (1 - level) / (2 if alternative == "two-sided" else 1)
    x = to_unit(scores, low, high)
    lower, upper = np.zeros(len(looks)), np.ones(len(looks))
    if alternative != "less":
        lower = running_lower(x, alpha, looks)
    if alternative != "greater":
        upper = 1 - running_lower(1 - x, alpha, looks)
    crossed = lower > upper
    if crossed.any():
        # both ends are monotone, so everything behind the first crossing has crossed
        first = int(np.argmax(crossed))
        warnings.warn(
            f"mean_sequence: after {looks[first]} of {n} rows no mean is left that both sides allow, which has "
            f"probability at most {1 - level:.6g} if the scores share one mean. Look for a drift along the rows, or "
            "shuffle them. The band is shown as it was before.",
            EmptyIntervalWarning,
            stacklevel=2,
        )
        lower[first:] = lower[first - 1] if first else 0.0
        upper[first:] = upper[first - 1] if first else 1.0
    mean = np.cumsum(x)[looks - 1] / looks
    return Curve(
        x=looks,
        y=np.clip(low * (1 - mean) + high * mean, low, high),
        lower=outward(lower, low, high, -1),
        upper=outward(upper, low, high, +1),
        count=looks,
        confidence_level=level,
        guarantee="finite-sample",
        method="betting",
        x_label="rows seen",
        y_label="running mean",
    )


def _looks(n, n_looks):
    """Return the numbers of rows after which the curve is drawn, the last one being all of them."""
    if n <= n_looks:
        return np.arange(1, n + 1)
    if n_looks == 1:
        return np.array([n])
    return np.unique(np.minimum(n, np.ceil(np.geomspace(1, n, n_looks))).astype(np.int64))
