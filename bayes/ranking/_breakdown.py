"""Two levels: how unfair judges would have to be before an order could be their doing. Closed form, no sampling."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.record import Result, format_number, format_percent, rows_figsize
from uq._base.validation import check_level, check_number

from ._breakdown_core import chained, share_counts, share_gaps
from ._votes import check_columns, read_levels, read_votes

__all__ = ["Breakdown", "simplex_breakdown"]

OWNER = "simplex_breakdown"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Breakdown(Result):
    """The violation of constancy at which the order of each pair of candidates breaks down.

    Parameters
    ----------
    better, worse : tuple of str
        The pairs, in the direction that the votes point to; the pairs of the best candidate first.
    estimate, lower, upper : ndarray of shape (n_pairs,)
        Violation up to which `better` is certainly better, in probability of a vote: at least 0, at most 1/2. The ends
        hold for all pairs at once.
    refuted, refuted_lower : ndarray of shape (n_pairs,)
        Smaller violations than this contradict the votes of this pair, because judges order it differently; and what is
        sure of that.
    names, judges : tuple of str
    shares : ndarray of shape (n_candidates, n_judges)
        Of votes for the upper level; NaN where a judge did not vote on a candidate.
    n_votes : ndarray of shape (n_candidates, n_judges)
    strength_lower : ndarray of shape (n_candidates, n_candidates)
        Lower end for the row's candidate being better than the column's.
    confidence_level : float
    n_missing : int
        Votes dropped for missing scores.
    method, guarantee : str
    """

    better: tuple[str, ...]
    worse: tuple[str, ...]
    estimate: Any
    lower: Any
    upper: Any
    refuted: Any
    refuted_lower: Any
    names: tuple[str, ...]
    judges: tuple[str, ...]
    shares: Any
    n_votes: Any
    strength_lower: Any
    confidence_level: float
    n_missing: int = 0
    method: str = "bounded violation"
    guarantee: str = "finite-sample"

    @property
    def smallest_violation(self) -> float:
        """Smaller violations than this contradict the votes, as they came out; 0 where no judges contradict."""
        return float(np.max(self.refuted))

    @property
    def smallest_violation_lower(self) -> float:
        """Smaller violations than this contradict the votes, at the confidence level."""
        return float(np.max(self.refuted_lower))

    def certain_pairs(self, violation=None) -> np.ndarray:
        """Tell which pairs have their order for sure if no judge violates constancy by more than `violation`.

        Parameters
        ----------
        violation : float, optional
            In [0, 1/2]; `smallest_violation_lower` where None.

        Returns
        -------
        ndarray of bool of shape (n_candidates, n_candidates)
            True where the row's candidate is certainly better than the column's, in the order of `names`.

        Raises
        ------
        InputError
            For a violation outside [0, 1/2], or so small that the votes refute it.

        Notes
        -----
        **Guarantee.** No True is wrong with probability at least `confidence_level`, for independent items, whatever
        the violations up to `violation` are, as long as a judge's center votes better on the better level.
        """
        least = self.smallest_violation_lower
        if violation is None:
            violation = least
        else:
            owner = "Breakdown.certain_pairs"
            violation = check_number(violation, owner, "violation", low=0, high=0.5, closed=True)
            if violation < least:
                raise InputError(
                    f"{owner}: violation must be at least {least:.4g}; got {violation:g}. Smaller ones are refuted: "
                    "judges order the same candidates differently."
                )
        return self.strength_lower > violation

    def _table(self):
        return {
            "better": list(self.better),
            "worse": list(self.worse),
            "breakdown": self.estimate,
            "lower": self.lower,
            "upper": self.upper,
            "refuted_below": self.refuted,
        }

    def _title(self):
        return f"violation at which an order breaks down, {format_percent(self.confidence_level)} for all pairs at once"

    def _note(self, table):
        if not self.smallest_violation:
            return ""
        return (
            f"The judges contradict each other: some violation of at least {format_number(self.smallest_violation)} "
            f"({format_number(self.smallest_violation_lower)} for sure) is there."
        )

    def _figsize(self):
        return rows_figsize(len(self.better))

    def _draw(self, ax):
        from uq._base import plot

        names = [f"{a} > {b}" for a, b in zip(self.better, self.worse, strict=True)]
        return plot.intervals(
            ax, self.estimate, self.lower, self.upper, names=names, title="breakdown of the order", zero_within=1.0,
            label="violation of constancy (probability of a vote)",
        )  # fmt: skip

    def __repr__(self):
        return (
            f"<Breakdown of {len(self.better)} pairs: from {format_number(np.min(self.estimate))} to "
            f"{format_number(np.max(self.estimate))} ({self._caption()})>"
        )


@cites("vossler2025", "clopper1934")
def simplex_breakdown(votes, *, levels=None, columns=None, missing="raise", confidence_level=0.95) -> Breakdown:
    """Tell how much judges of a two-level score may treat candidates differently before their order is in doubt.

    A judge says "good" of a bad answer with probability a and of a good one with probability b > a, the same for all
    candidates: that is constancy, and under it the order of the candidates is that of their shares of "good". If a and
    b may differ from candidate to candidate by up to e from their centers, a judge's shares that differ by more than
    2 e still settle the order, and a difference of no more than 2 e can be the judge's doing. So the order of a pair
    breaks down at half the difference.

    Parameters
    ----------
    votes : frame or dict of columns
        One row per vote, with columns candidate, judge, score and, if votes are on common items, item; a column count
        says how many votes a row stands for.
    levels : array-like of shape (2,), optional
        The two scores, the worse first; those that occur where None.
    columns : dict, optional
        What the columns are called: ``{"candidate": "model"}``.
    missing : {"raise", "drop"}
        What is done about a score that is NaN.
    confidence_level : float, default .95

    Returns
    -------
    Breakdown
        One row per pair: `better`, `worse`, `estimate` with `lower` and `upper`, and `refuted` with `refuted_lower`;
        `smallest_violation` and `smallest_violation_lower` over all pairs; `names`, `judges`, `shares`, `n_votes`,
        `strength_lower`, `confidence_level`, `n_missing`; ``certain_pairs(violation)`` gives what is settled.

    Raises
    ------
    InputError
        For more or fewer than two levels, scores that are no level, missing columns or scores, two votes of a judge on
        one item of a candidate, fewer than two candidates.

    Notes
    -----
    Several judges, each with its own centers and the same e: the largest difference counts, and orders chain (A over B
    by one judge, B over C by another). That is sufficient; more may be certain. Where judges order a pair differently,
    every e below half of the smaller one of their differences is refuted by the votes. A pair on which no judge voted
    in common, and which no chain links, breaks down at 0.

    If e bounds the difference between two candidates instead of that from a center, an order breaks down at twice the
    value.

    Differences on common items come from the items on which the votes differ: how often they do, and which candidate
    then wins (both Clopper-Pearson). Where fewer than half of the items are common, and for counts, they come from the
    two shares.

    **Guarantee.** Finite-sample: for items drawn independently all intervals hold at once with probability at least
    `confidence_level` (Bonferroni over judges and pairs). They are about sampling; that e is a bound is your
    assumption, and an inverted judge, whose center says "good" more often of bad answers, is not covered.

    References
    ----------
    Vossler, Xia, Mai, Subbaswamy and Feng (2025), LLMs judging LLMs: a simplex perspective, arXiv:2505.21972.
    Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of the binomial,
    doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import simplex_breakdown
    >>> rng = np.random.default_rng(0)
    >>> good = {"a": .8, "b": .55, "c": .5}
    >>> votes = {
    ...     "candidate": np.repeat(list(good), 500),
    ...     "item": np.tile(np.arange(500), 3),
    ...     "judge": np.repeat("gpt", 1500),
    ...     "score": rng.random(1500) < np.repeat(list(good.values()), 500),
    ... }
    >>> print(simplex_breakdown(votes))
    violation at which an order breaks down, 95 % for all pairs at once
    better  worse  breakdown    lower    upper  refuted_below
         a      b      0.113  0.06437   0.1674              0
         a      c       0.13  0.08024   0.1845              0
         b      c      0.017        0  0.06531              0
    method: bounded violation, guarantee: finite-sample
    """
    level = check_level(confidence_level, OWNER)
    names = check_columns(columns, OWNER)
    table = read_votes(votes, names, missing, OWNER)
    if not len(table.score):
        raise InputError(f"{OWNER}: votes must hold at least one vote; got only missing scores or counts of 0.")
    what = f"votes[{names['score']!r}]"
    levels, (code,) = read_levels(levels, {what: (table.score, table.row)}, OWNER)
    if len(levels) != 2:
        raise InputError(
            f"{OWNER}: {what} must have two levels; got {len(levels)} ({levels.tolist()!r:.100}). Cut the scores in "
            "two, or use SimplexRanker: for three levels and more no order is certain without a prior."
        )
    _check_once(table)
    estimate, lower, upper = share_gaps(table, code, 1 - level)
    # what one judge settles, and what chains of such pairs do
    best, low, high = (chained(np.maximum(gap, 0).max(axis=0) / 2) for gap in (estimate, lower, upper))
    merit = (best > best.T).sum(axis=1)
    order = np.argsort(-merit, kind="stable")
    i, j = (order[index] for index in np.triu_indices(len(order), 1))
    i, j = np.where(best[i, j] >= best[j, i], (i, j), (j, i))
    candidates = tuple(str(name) for name in table.candidates)
    good, total = share_counts(table, code)
    with np.errstate(invalid="ignore"):
        shares = good / total
    return Breakdown(
        better=tuple(candidates[c] for c in i),
        worse=tuple(candidates[c] for c in j),
        estimate=best[i, j],
        lower=low[i, j],
        upper=high[i, j],
        refuted=np.minimum(best[i, j], best[j, i]),
        refuted_lower=np.minimum(low[i, j], low[j, i]),
        names=candidates,
        judges=tuple(str(name) for name in table.judges),
        shares=shares,
        n_votes=total,
        strength_lower=low,
        confidence_level=level,
        n_missing=table.n_missing,
    )


def _check_once(table):
    if table.item is None:
        return
    key = (table.candidate * len(table.judges) + table.judge) * len(table.items) + table.item
    _, first, times = np.unique(key, return_index=True, return_counts=True)
    if times.max() > 1:
        i = int(first[times.argmax()])
        raise InputError(
            f"{OWNER}: votes must have one row per candidate, item and judge; got {int(times.max())} of "
            f"{table.judges[table.judge[i]]!s} on {table.candidates[table.candidate[i]]!s}, item "
            f"{table.items[table.item[i]]!s}. Keep one of them, or name the items apart."
        )
