"""Who ranks where, and how sure that is: the one summary that judges, pairwise games and tables of scores share."""

import warnings
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import tied_ranks as core
from .citation import cite_methods
from .consensus import PointRanking, best_order
from .containers import as_labels
from .exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning
from .frozen import Frozen
from .rank_pairs import choose_method, compare_all, open_pairs, open_runs
from .record import Result, rows_figsize
from .results import Interval
from .validation import check_level, check_matrix, check_number, check_option, check_switch, check_vector

if TYPE_CHECKING:
    from .plot import Axes

__all__ = ["RankSummary", "check_names"]

cite_methods(**{"simultaneous ranks": "mogstad2024"})


@dataclass(frozen=True, slots=True, eq=False)
class RankSummary(Result):
    """What draws of the candidates' merits say about their ranks.

    Parameters
    ----------
    samples : array-like of shape (n_draws, n_candidates)
        Draws of each candidate's merit, in its own unit; one draw is one row, so that what is common to the candidates
        cancels.
    names : sequence of str, optional
        One per candidate, all different; "candidate 0", ... where None.
    greater_is_better : bool, default True
    center : array-like of shape (n_candidates,), optional
        Point estimates of the merits; the mean of the draws where None.
    guarantee : {"posterior", "asymptotic"}, default "posterior"
        "posterior" for draws from a posterior, "asymptotic" for resampled estimates (a bootstrap).
    method : str
    df : float, default inf
        Degrees of freedom behind resampled estimates: items or clusters less one.
    n : int, optional
        Items behind the draws.
    n_groups : int, optional
        Clusters behind the draws.
    n_dropped : int
        Items dropped for missing values.

    Raises
    ------
    InputError
        For draws that are not finite, fewer than two candidates, names that repeat or are not one per candidate.

    Notes
    -----
    Candidates that tie in a draw get mid-ranks: each rank that the tie occupies has the same share of that draw.

    **Guarantee.** With ``guarantee="posterior"`` all shares are posterior probabilities, as good as the model and its
    draws. With "asymptotic" they are shares of resamples, which describe but promise nothing: near ties the rank of a
    resample is no pivot. What is promised there is `rank_interval`, which says how.

    References
    ----------
    Mogstad, Romano, Shaikh and Wilhelm (2024), Inference for ranks with applications to mobility across neighbourhoods
    and academic achievement across countries, doi:10.1093/restud/rdad006.

    Examples
    --------
    >>> import numpy as np
    >>> from uq import RankSummary
    >>> draws = np.random.default_rng(0).normal([0.0, 0.2, 2.0], .5, size=(1000, 3))
    >>> ranking = RankSummary(draws, ["a", "b", "c"])
    >>> ranking.point_ranking().names
    ('c', 'b', 'a')
    >>> ranking.rank_interval(.9).to_numpy().tolist()
    [[2, 3], [2, 3], [1, 1]]
    >>> ranking.indistinguishable_groups()
    (('c',), ('b', 'a'))
    """

    samples: Any
    names: Any = None
    _: KW_ONLY
    greater_is_better: bool = True
    center: Any = None
    guarantee: str = "posterior"
    method: str = "draws"
    df: float = np.inf
    n: int | None = None
    n_groups: int | None = None
    n_dropped: int = 0

    def __post_init__(self):
        samples = check_matrix(self.samples, "RankSummary", "samples", min_columns=2)
        k = samples.shape[1]
        center = samples.mean(axis=0)
        if self.center is not None:
            center = check_vector(self.center, "RankSummary", "center")
            if len(center) != k:
                raise InputError(f"RankSummary: center must have one value per candidate ({k}); got {len(center)}.")
        check_option(self.guarantee, ("posterior", "asymptotic"), "RankSummary", "guarantee")
        df = check_number(self.df, "RankSummary", "df", low=0, closed=True, infinite=True)
        check_switch(self.greater_is_better, "RankSummary", "greater_is_better")
        names = check_names(self.names, k, "RankSummary")
        for field, value in (("samples", samples), ("center", center), ("names", names), ("df", df)):
            object.__setattr__(self, field, value)
        Frozen.__post_init__(self)

    @property
    def rank_probabilities(self) -> np.ndarray:
        """Shares of the draws, shape (candidate, rank - 1): rows and columns sum to 1."""
        return core.rank_probabilities(*core.tied_positions(self._merit()))

    @property
    def expected_rank(self) -> np.ndarray:
        """Mean mid-rank of each candidate, 1 is best."""
        return core.expected_ranks(*core.tied_positions(self._merit()))

    @property
    def sucra(self) -> np.ndarray:
        """(n_candidates - expected rank) / (n_candidates - 1): the mean probability of beating another one."""
        k = len(self.names)
        return (k - self.expected_rank) / (k - 1)

    @property
    def win_probabilities(self) -> np.ndarray:
        """Shares of the draws in which the row's candidate beats the column's; a tie and the diagonal count 1/2."""
        return core.win_matrix(self._merit())

    def rank_interval(self, confidence_level=0.95, method="auto") -> Interval:
        """Return one interval of ranks per candidate.

        Parameters
        ----------
        confidence_level : float, default .95
        method : {"auto", "credible", "simultaneous"}
            "auto" is "credible" for posterior draws and "simultaneous" for resampled estimates.

        Returns
        -------
        Interval
            Integer ends, 1 is best; its `method` says which kind it is.

        Raises
        ------
        InputError
            For a level outside (0, 1), an unknown method, or "credible" for resampled estimates.

        Warns
        -----
        InfiniteBoundWarning
            Where the draws are too few for the level: every rank is possible then.
        SmallSampleWarning
            Where two candidates differ by the same amount in every draw: their order is left open.

        Notes
        -----
        "credible" gives equal-tailed quantiles of each candidate's ranks, each end taken outwards in a tie.
        "simultaneous" compares all pairs by the largest studentised difference of the draws from their center and gives
        candidate j the ranks from 1 + (candidates that are better) to n_candidates - (candidates that are worse). With
        finite `df` the comparison allows for the estimated spread as Student's t does.

        **Guarantee.** "credible": each interval holds at least `confidence_level` of its candidate's posterior; no
        promise about all of them at once, and none about frequencies: of 20 candidates that nearly tie, .8 of the true
        ranks lie in their 95 % intervals. "simultaneous": asymptotically all true ranks lie
        in their intervals at once with probability at least `confidence_level`, ties and near ties included (who ties
        with others has all the ranks of the tie); it needs independent items or clusters, many enough for the
        differences to be nearly normal. Quantiles of resampled ranks are not offered: near ties they cover too rarely.

        References
        ----------
        Mogstad, Romano, Shaikh and Wilhelm (2024), doi:10.1093/restud/rdad006.
        """
        level = check_level(confidence_level, "RankSummary.rank_interval")
        method = choose_method(method, self.guarantee, "RankSummary.rank_interval")
        if method == "credible":
            first, last = core.tied_positions(self._merit())
            lower, upper = core.rank_quantiles(first, last, level)
        else:
            signs = self._signs(level, stacklevel=2)
            lower = 1 + (signs < 0).sum(axis=1)
            upper = len(self.names) - (signs > 0).sum(axis=1)
        return Interval(
            lower=lower,
            upper=upper,
            confidence_level=level,
            guarantee=self.guarantee,
            method=f"{method} ranks",
            index=self.names,
        )

    def settled_pairs(self, confidence_level=0.95, method="auto") -> np.ndarray:
        """Tell which pairs have their order settled.

        Parameters
        ----------
        confidence_level : float, default .95
        method : {"auto", "credible", "simultaneous"}
            As in `rank_interval`.

        Returns
        -------
        ndarray of bool of shape (n_candidates, n_candidates)
            True where the row's candidate is better than the column's.

        Notes
        -----
        **Guarantee.** "credible": each pair's win probability lies above (1 + confidence_level) / 2; pair by pair.
        "simultaneous": no settled pair is wrong with probability at least `confidence_level`, asymptotically.
        """
        level = check_level(confidence_level, "RankSummary.settled_pairs")
        method = choose_method(method, self.guarantee, "RankSummary.settled_pairs")
        return self._settled(level, method, stacklevel=2)

    def indistinguishable_pairs(self, confidence_level=0.95, method="auto") -> tuple[tuple[str, str], ...]:
        """Return the pairs of candidates whose order is open: the edges of a graph.

        Parameters
        ----------
        confidence_level : float, default .95
        method : {"auto", "credible", "simultaneous"}
            As in `rank_interval`.

        Returns
        -------
        tuple of pairs of str
            Both by expected rank: the pairs of the best candidate first, the better name first in each.

        Notes
        -----
        "Cannot be told apart" is not transitive, so that these pairs are the whole answer; `indistinguishable_groups`
        is its short form.

        **Guarantee.** That of `settled_pairs`: an open pair is one that is settled in neither direction. It does not
        say that the two are equally good.
        """
        level = check_level(confidence_level, "RankSummary.indistinguishable_pairs")
        method = choose_method(method, self.guarantee, "RankSummary.indistinguishable_pairs")
        order = np.argsort(self.expected_rank, kind="stable")
        return open_pairs(self._settled(level, method, stacklevel=2), order, self.names)

    def indistinguishable_groups(self, confidence_level=0.95, method="auto") -> tuple[tuple[str, ...], ...]:
        """Return the sets of candidates among which no order is settled.

        Parameters
        ----------
        confidence_level : float, default .95
        method : {"auto", "credible", "simultaneous"}
            As in `rank_interval`.

        Returns
        -------
        tuple of tuple of str
            Best first: the longest runs of the order by expected rank in which no pair is settled. They overlap where
            "cannot be told apart" is not transitive; a candidate settled against all neighbours stands alone.

        Notes
        -----
        **Guarantee.** That of `settled_pairs`. `indistinguishable_pairs` also knows the open pairs that share no run.
        """
        level = check_level(confidence_level, "RankSummary.indistinguishable_groups")
        method = choose_method(method, self.guarantee, "RankSummary.indistinguishable_groups")
        order = np.argsort(self.expected_rank, kind="stable")
        return open_runs(self._settled(level, method, stacklevel=2), order, self.names)

    def point_ranking(self, loss="spearman") -> PointRanking:
        """Return the order of least expected loss over the draws.

        Parameters
        ----------
        loss : {"spearman", "kendall"}
            Squared rank distance: the order of the expected ranks. Pairs in the wrong order (Kemeny's ranking): exact
            for up to 15 candidates and for more where no circle of majorities ("A beats B beats C beats A") is larger
            than that; beyond, an order that moving one candidate cannot better, and `is_optimal` tells whether it is
            proven to be the best.

        Returns
        -------
        PointRanking
            Iterates over the names, best first. Fields: `names`, `order` (their columns), `loss`, `expected_loss`
            (mean over the draws of the sum of squared differences of ranks, or of the number of pairs that stand the
            other way) and `is_optimal`. Equal losses are resolved by expected rank, then by the order of the columns.

        Notes
        -----
        **Guarantee.** None: an order is an estimate. See `rank_interval` for how sure it is.

        References
        ----------
        Kemeny (1959), Mathematics without numbers, Daedalus 88(4).
        """
        check_option(loss, ("spearman", "kendall"), "RankSummary.point_ranking", "loss")
        order, value, optimal = best_order(self._merit(), loss)
        return PointRanking(
            names=tuple(self.names[j] for j in order), order=order, loss=loss, expected_loss=value, is_optimal=optimal
        )

    def plot(self, ax: "Axes | None" = None, kind="intervals") -> "Axes":
        """Draw rank intervals around the expected ranks, or the table of rank probabilities; best on top.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
        kind : {"intervals", "probabilities"}

        Returns
        -------
        matplotlib.axes.Axes
        """
        check_option(kind, ("intervals", "probabilities"), "RankSummary.plot", "kind")
        from . import plot

        if kind == "intervals":
            return Result.plot(self, ax)
        ax = plot.axes(ax)
        order = np.argsort(self.expected_rank, kind="stable")
        ranks = [str(r) for r in range(1, len(order) + 1)]
        names = [self.names[j] for j in order]
        return plot.heatmap(
            ax, self.rank_probabilities[order], names, ranks, title="rank probabilities", x_label="rank"
        )

    def _figsize(self):
        return rows_figsize(len(self.names))

    def _draw(self, ax):
        from . import plot

        table = self._table()
        return plot.intervals(
            ax,
            table["expected_rank"],
            table["rank_lower"],
            table["rank_upper"],
            names=table["name"],
            title=f"{self._interval_name()} of ranks",
            label="rank (1 is best)",
        )

    def _merit(self):
        return self.samples if self.greater_is_better else -self.samples

    def _settled(self, level, method, stacklevel):
        if method == "simultaneous":
            return self._signs(level, stacklevel=stacklevel + 1) > 0
        return self.win_probabilities > (1 + level) / 2

    def _signs(self, level, stacklevel):
        center = self.center if self.greater_is_better else -self.center
        return compare_all(self._merit(), center, level, self.df, self.names, stacklevel + 1)

    def _interval_name(self):
        kind = "credible intervals" if self.guarantee == "posterior" else "simultaneous confidence intervals"
        return f"95 % {kind}"

    def _table(self):
        expected, probabilities = self.expected_rank, self.rank_probabilities
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", (InfiniteBoundWarning, SmallSampleWarning))
            interval = self.rank_interval()
        order = np.argsort(expected, kind="stable")
        k = len(order)
        return {
            "name": [self.names[j] for j in order],
            "estimate": self.center[order],
            "expected_rank": expected[order],
            "rank_lower": interval.lower[order],
            "rank_upper": interval.upper[order],
            "p_best": probabilities[order, 0],
            "sucra": (k - expected[order]) / (k - 1),
            "confidence_level": [interval.confidence_level] * k,
        }

    def _title(self):
        return f"{len(self.names)} candidates, {len(self.samples)} draws, {self._interval_name()} of ranks"

    def __repr__(self):
        best = self.names[int(np.argmin(self.expected_rank))]
        return (
            f"<RankSummary of {len(self.names)} candidates from {len(self.samples)} draws: best {best!r} "
            f"({self._caption()})>"
        )


def check_names(names, k, owner):
    """Return `k` different names as a tuple of strings."""
    if names is None:
        return tuple(f"candidate {j}" for j in range(k))
    labels = tuple(str(name) for name in as_labels(names, owner, "names"))
    if len(labels) != k:
        raise InputError(f"{owner}: names must be one per candidate ({k}); got {len(labels)}.")
    if len(set(labels)) < k:
        repeated = next(name for name in labels if labels.count(name) > 1)
        raise InputError(f"{owner}: names must all differ; got {repeated!r} more than once.")
    return labels
