"""What of a ranking is the prior's doing: the same votes under a grid of priors."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from uq._base.diagnostics import ess, rhat
from uq._base.exceptions import InputError
from uq._base.rank import RankSummary
from uq._base.record import Result, format_number, format_percent, rows_figsize
from uq._base.results import Interval
from uq._base.sklearn import validate_params

from ._input import constancies
from ._prior import check_accuracy, judge_prior
from ._sampler import sample_posterior
from ._utility import utilities

__all__ = ["RankSensitivity", "read_grid", "sensitivity", "under_prior"]

PRIORS = ("prior_strength", "judge_accuracy", "constancy", "self_constancy")
AS_FITTED = "as fitted"
ERRORS = 3.0  # Monte Carlo errors that a side of 1/2 must be away from it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankSensitivity(Result):
    """Ranks under several priors, the first of which is that of the fit.

    Parameters
    ----------
    names : tuple of str
        The candidates.
    priors : tuple of str
        "as fitted", then what each point of the grid sets.
    lower, upper : ndarray of int of shape (n_priors, n_candidates)
        Credible interval of the rank under each prior; 1 is best.
    expected_rank : ndarray of shape (n_priors, n_candidates)
    win : ndarray of shape (n_priors, n_candidates, n_candidates)
        Probability that the row's candidate is better than the column's.
    win_error : ndarray of shape (n_priors, n_candidates, n_candidates)
        Monte Carlo standard error of it.
    kendall_tau : ndarray of shape (n_priors,)
        Agreement of the order by expected rank with that of the fit: 1 for the same order, -1 for the reverse.
    rhat : ndarray of shape (n_priors,)
        The largest of the utilities; above 1.05 the chains disagree.
    confidence_level : float
    method, guarantee : str

    Notes
    -----
    **Guarantee.** None for the union: the grid is a set of priors, not a sample of them, and no probability attaches
    to it. Each interval by itself is posterior, under its prior.
    """

    names: tuple[str, ...]
    priors: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray
    expected_rank: np.ndarray
    win: np.ndarray
    win_error: np.ndarray
    kendall_tau: np.ndarray
    rhat: np.ndarray
    confidence_level: float
    method: str
    guarantee: str = "none"

    @property
    def union(self) -> Interval:
        """From the best to the worst rank that the interval of any prior holds, one row per candidate."""
        return Interval(
            lower=self.lower.min(axis=0),
            upper=self.upper.max(axis=0),
            confidence_level=self.confidence_level,
            method=f"union over {len(self.priors)} priors",
            index=self.names,
        )

    @property
    def decided(self) -> np.ndarray:
        """Whether the row's candidate beats the column's beyond the level under every prior, (K, K) bool."""
        beyond = np.all(self.win >= (1 + self.confidence_level) / 2, axis=0)
        return np.asarray(beyond & self.same_sign)

    @property
    def same_sign(self) -> np.ndarray:
        """Whether it is the better one under every prior, by more than three Monte Carlo errors, (K, K) bool."""
        return np.asarray(np.all(self.win - 0.5 > ERRORS * self.win_error, axis=0))

    def pairs(self, kind="decided") -> tuple[tuple[str, str], ...]:
        """Return the pairs (better, worse) whose order holds over the whole grid.

        Parameters
        ----------
        kind : {"decided", "sign"}
            "decided": the probability is beyond the confidence level under every prior. "sign": it is on the same side
            of 1/2 under every prior, by more than three Monte Carlo errors.

        Returns
        -------
        tuple of (str, str)

        Raises
        ------
        InputError
            For another kind.

        Notes
        -----
        **Guarantee.** None beyond the grid: priors that are not in it may order the pair the other way.
        """
        if kind not in ("decided", "sign"):
            raise InputError(f"RankSensitivity.pairs: kind must be 'decided' or 'sign'; got {kind!r}.")
        holds = self.decided if kind == "decided" else self.same_sign
        return tuple((self.names[k], self.names[other]) for k, other in np.argwhere(holds))

    def _table(self) -> dict[str, Any]:
        union = self.union
        return {
            "name": list(self.names),
            "expected_rank": self.expected_rank[0],
            "lower": self.lower[0],
            "upper": self.upper[0],
            "union_lower": union.lower,
            "union_upper": union.upper,
        }

    def _title(self):
        n = len(self.priors) - 1
        grid = f"{n} other prior{'s' if n != 1 else ''}"
        return f"{format_percent(self.confidence_level)} intervals of ranks as fitted, and their union with {grid}"

    def _note(self, table):
        n_pairs = len(self.names) * (len(self.names) - 1) // 2
        least = int(np.argmin(self.kendall_tau))
        return (
            f"pairs decided under all priors: {int(self.decided.sum())} of {n_pairs}; of the same sign: "
            f"{int(self.same_sign.sum())}; least Kendall tau {format_number(self.kendall_tau[least], 3)} "
            f"({self.priors[least]})"
        )

    def _figsize(self):
        return rows_figsize(len(self.names), self._note(None))

    def _draw(self, ax):
        from uq._base import plot

        union, order = self.union, np.argsort(self.expected_rank[0], kind="stable")
        return plot.intervals(
            ax,
            self.expected_rank[0][order],
            union.lower[order],
            union.upper[order],
            names=[self.names[k] for k in order],
            title=f"union of {format_percent(self.confidence_level)} intervals of ranks, {len(self.priors)} priors",
            label="rank",
            note=self._note(None),
        )


def read_grid(grid, ranker, n_levels, owner):
    """Return [(label, ranker under that prior)], given a dict of lists or a list of dicts; validates all points."""
    if isinstance(grid, Mapping):
        _check_names(grid, owner)
        for name, values in grid.items():
            if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)) or not len(values):
                raise InputError(f"{owner}: grid[{name!r}] must be a list of values; got {values!r:.100}.")
        points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    elif isinstance(grid, Sequence) and not isinstance(grid, (str, bytes)):
        points = list(grid)
    else:
        raise InputError(f"{owner}: grid must be a dict of lists, or a list of dicts; got {type(grid).__name__}.")
    if not points or not all(isinstance(point, Mapping) and point for point in points):
        raise InputError(f"{owner}: grid must set something at every point; got {grid!r:.100}.")
    others = []
    for point in points:
        _check_names(point, owner)
        other = clone(ranker).set_params(**point)
        validate_params(other)
        check_accuracy(n_levels, other.judge_accuracy, owner)
        if "self_constancy" in point:
            _check_self_votes(ranker, owner)
        others.append(other)
    return list(zip(_labels(points, owner), others, strict=True))


def _labels(points, owner):
    """Return what each point sets, with as many digits as tell the points apart."""
    short, full = (
        [", ".join(f"{name}={write(value)}" for name, value in point.items()) for point in points]
        for write in (format_number, lambda value: repr(value if value is None else float(value)))
    )
    twice = {label for label in short if short.count(label) > 1}
    labels = [full[i] if label in twice else label for i, label in enumerate(short)]
    again = [label for label in labels if labels.count(label) > 1]
    if again:
        raise InputError(f"{owner}: grid must hold each point once; got {again[0]} {len(again)} times.")
    return labels


def _check_self_votes(ranker, owner):
    if ranker.self_votes != "model" or not ranker.n_self_votes_:
        why = "there are none" if ranker.self_votes == "model" else f"self_votes is {ranker.self_votes!r}"
        raise InputError(
            f"{owner}: grid may set self_constancy where votes of judges on their own name or family have a matrix of "
            f"their own; here {why}, and every value gives the same. Leave it out, or name `families` in fit."
        )


def _check_names(names, owner):
    unknown = [name for name in names if name not in PRIORS]
    if unknown or not len(names):
        raise InputError(
            f"{owner}: grid may set {', '.join(PRIORS)}; got {', '.join(map(repr, unknown)) or 'nothing'}. Other "
            "parameters change the data or the sampler: fit anew."
        )


def under_prior(problem, home, ranker):
    """Return the problem under the prior of another estimator; `home` (F, C) marks self-votes."""
    return problem.changed(
        prior=judge_prior(problem.n_levels, ranker.prior_strength, ranker.judge_accuracy),
        constancy=constancies(ranker, home),
    )


def sensitivity(ranker, points, level, n_jobs):
    """Return the RankSensitivity of a fitted estimator, given the points of `read_grid`."""
    problem, home, names = ranker._problem, ranker._home, ranker.diagnostics_.names
    work = [
        delayed(_utility)(other, under_prior(problem, home, other), (*ranker._seed, i))
        for i, (_, other) in enumerate(points)
    ]
    drawn = [ranker.utility_, *Parallel(n_jobs=n_jobs)(work)]
    summaries = [RankSummary(u.reshape(-1, u.shape[-1]), names) for u in drawn]
    intervals = [summary.rank_interval(level, "credible") for summary in summaries]
    expected = np.array([summary.expected_rank for summary in summaries])
    sign = np.sign(expected[:, :, None] - expected[:, None, :])
    k = len(names)
    return RankSensitivity(
        names=tuple(names),
        priors=(AS_FITTED, *(label for label, _ in points)),
        lower=np.array([interval.lower for interval in intervals]),
        upper=np.array([interval.upper for interval in intervals]),
        expected_rank=expected,
        win=np.array([summary.win_probabilities for summary in summaries]),
        win_error=np.array([_win_errors(u) for u in drawn]),
        kendall_tau=(sign * sign[0]).sum(axis=(1, 2)) / (k * (k - 1)),
        rhat=np.array([np.max(rhat(u)) for u in drawn]),
        confidence_level=level,
        method=ranker.diagnostics_.method,
    )


def _utility(ranker, problem, seed):
    found = sample_posterior(ranker, problem, np.random.default_rng(seed), 1)
    return utilities(ranker.target, problem, found)


def _win_errors(utility):
    """Return Monte Carlo errors of the probabilities of winning, (K, K), given utilities (chain, draw, K)."""
    k = utility.shape[-1]
    first, second = np.triu_indices(k, 1)
    wins = (1 + np.sign(utility[..., first] - utility[..., second])) / 2
    error = wins.reshape(-1, len(first)).std(axis=0) / np.sqrt(np.atleast_1d(ess(wins, "mean")))
    out = np.zeros((k, k))
    out[first, second] = out[second, first] = error
    return out
