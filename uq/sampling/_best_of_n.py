"""The best of n responses by a reward: what it is worth, how far it is from one response, how often it wins."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.exceptions import InfiniteBoundWarning, InputError
from uq._base.laws import TLaw
from uq._base.record import Result, format_count
from uq._base.results import Interval
from uq._base.validation import (
    check_alternative,
    check_level,
    check_matrix,
    check_option,
    check_vector,
    check_weights,
)

from ._best_of_n_core import from_draws, from_law
from ._scalars import check_each

__all__ = ["BestOfN", "best_of_n"]

MOST = 10**12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestOfN(Result):
    """What picking the best of n responses by a reward does, for each n that was asked for.

    Parameters
    ----------
    n : int or ndarray of shape (k,)
        Responses to pick from.
    expected_max : float or ndarray of shape (k,)
        Mean reward of the response that is picked.
    std_error : float or ndarray of shape (k,)
        Of `expected_max`: over prompts, or over the draws of a single one; 0 for a law that is known, infinite where
        nothing is known about it.
    expected_y : float or ndarray of shape (k,), optional
        Mean truth of the response that is picked, ties in the reward broken at random.
    std_error_y : float or ndarray of shape (k,), optional
    win_rate : float or ndarray of shape (k,)
        P(the pick has a larger reward than one response), a tie counting one half; n / (n + 1) without ties.
    kl : float or ndarray of shape (k,)
        Divergence of the law of the picked reward from the law of one reward, in nats.
    kl_bound : float or ndarray of shape (k,)
        log n - (n - 1) / n, its value for rewards without ties, which it never exceeds.
    n_prompts, n_draws : int
        `n_draws` are the responses per prompt.
    df : int
        Degrees of freedom of the standard errors.
    guarantee, method : str

    Examples
    --------
    >>> from uq.sampling import best_of_n
    >>> picked = best_of_n([0, 1, 2], 4, sample_weight=[.2, .5, .3])
    >>> round(picked.kl, 3), round(picked.kl_bound, 3), round(picked.win_rate, 3)
    (0.522, 0.636, 0.753)
    """

    n: Any
    expected_max: Any
    std_error: Any
    expected_y: Any = None
    std_error_y: Any = None
    win_rate: Any
    kl: Any
    kl_bound: Any
    n_prompts: int
    n_draws: int
    df: int
    guarantee: str = "asymptotic"
    method: str = "U-statistic"

    def conf_int(self, confidence_level=0.95, alternative="two-sided", *, of="expected_max") -> Interval:
        """Return the interval of `expected_max`, or of `expected_y`, one per n.

        Parameters
        ----------
        confidence_level : float, default .95
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
        of : {"expected_max", "expected_y"}, default "expected_max"

        Returns
        -------
        Interval
            Student's t over prompts (or over the draws of a single one); a single point where the law is known, all
            numbers where the error is unknown.

        Raises
        ------
        InputError
            For a level or a word out of range, or "expected_y" where no truth was given.

        Warns
        -----
        InfiniteBoundWarning
            Where the error is unknown.

        Notes
        -----
        **Guarantee.** That of `best_of_n`, for each n by itself.
        """
        owner = "BestOfN.conf_int"
        level = check_level(confidence_level, owner)
        check_alternative(alternative, owner)
        check_option(of, ("expected_max", "expected_y"), owner, "of")
        center = getattr(self, of)
        if center is None:
            raise InputError(f"{owner}: of must be 'expected_max' where best_of_n got no y; got 'expected_y'.")
        error = self.std_error if of == "expected_max" else self.std_error_y
        if self.guarantee == "exact":
            ends = (
                center if alternative != "less" else np.full_like(center, -np.inf)[()],
                (center if alternative != "greater" else np.full_like(center, np.inf)[()]),
            )
        else:
            ends = TLaw(estimate=center, std_error=error, df=self.df).interval(level, alternative)
        asked = [end for end, side in zip(ends, ("less", "greater"), strict=True) if alternative != side]
        if not np.isfinite(asked).all():
            warnings.warn(
                "an infinite bound: one prompt with n near its number of draws, or values that do not vary, say "
                "nothing about the error; more draws or more prompts would make it finite.",
                InfiniteBoundWarning,
                stacklevel=2,
            )
        return Interval(
            lower=ends[0],
            upper=ends[1],
            confidence_level=level,
            alternative=alternative,
            guarantee=self.guarantee,
            method=self.method,
        )

    def _table(self):
        names = ("n", "expected_max", "std_error", "expected_y", "std_error_y", "win_rate", "kl", "kl_bound")
        return {name: np.atleast_1d(v) for name in names if (v := getattr(self, name)) is not None}

    def _title(self):
        prompts, draws = format_count(self.n_prompts, "prompts"), format_count(self.n_draws, "draws")
        return f"best of n by a reward, {prompts}, {draws} each"

    def __repr__(self):
        return f"<{self._title()}; {self._caption()}>"

    def _draw(self, ax):
        from uq._base import plot

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            table, ends = self._table(), self.conf_int()
        names = [f"n = {int(n)}" for n in table["n"]]
        lower, upper = np.atleast_1d(ends.lower), np.atleast_1d(ends.upper)
        return plot.intervals(ax, table["expected_max"], lower, upper, names=names, title=self._title())


@cites("beirami2024", "hoeffding1948")
def best_of_n(rewards, n, *, y=None, sample_weight=None) -> BestOfN:
    """Return expected reward, win rate and divergence of picking the best of n responses.

    Parameters
    ----------
    rewards : array-like of shape (n_draws,) or (n_prompts, n_draws)
        Rewards of responses drawn independently for one prompt, or for each of several.
    n : int or array-like of int
        Responses to pick from, each at most `n_draws`.
    y : array-like of the same shape, optional
        What the responses are truly worth, such as 0/1 correctness: what picking by `rewards` does to it.
    sample_weight : array-like of shape (n_draws,), optional
        Probabilities, or anything proportional to them: `rewards` are then all values that the reward of one prompt can
        take, its law is known, and n may be any number.

    Returns
    -------
    BestOfN

    Raises
    ------
    InputError
        For n above the number of draws, rewards that are not finite, or weights for several prompts.

    Notes
    -----
    From m draws, the i-th smallest is the best of n drawn from them without replacement with probability
    C(i - 1, n - 1) / C(m, n), so that the average over all subsets needs one pass. Within a block of tied rewards these
    weights are averaged: the truth of the pick would depend on the order of the rows otherwise. The win rate is the
    same average over subsets of n and one other draw; n = m leaves no other, and the law of the rewards seen takes its
    place. The divergence is that of the rewards seen, and estimates the truth from few levels well and for rewards
    without ties from below, where `kl_bound` is the truth.

    **Guarantee.** `expected_max` and `expected_y` are unbiased. Their interval is asymptotic in the number of prompts,
    and in the number of draws for a single one (jackknife): for n close to `n_draws` of a single prompt it falls short,
    as no interval can know the tail beyond the largest reward seen. With `sample_weight` all is exact. `kl` promises
    nothing beyond `kl_bound`.

    References
    ----------
    Beirami et al. (2024), Theoretical guarantees on the best-of-n alignment policy, arXiv:2401.01879.
    Hoeffding (1948), A class of statistics with asymptotically normal distribution, doi:10.1214/aoms/1177730196.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.sampling import best_of_n
    >>> best_of_n([1, 2, 3, 4], [1, 2, 4]).expected_max.round(3)
    array([2.5  , 3.333, 4.   ])
    >>> round(best_of_n([0, 0, 1, 1], 2, y=[0, 0, 0, 1]).expected_y, 3)  # the reward cannot tell the last two apart
    0.417
    """
    owner = "best_of_n"
    table = _check_rewards(rewards, owner, "rewards")
    truth = None if y is None else _check_rewards(y, owner, "y")
    if truth is not None and truth.shape != table.shape:
        raise InputError(f"{owner}: y must have the shape of rewards, {table.shape}; got {truth.shape}.")
    weights = check_weights(sample_weight, owner, table.shape[1])
    if weights is not None and len(table) > 1:
        raise InputError(f"{owner}: sample_weight is for one prompt, whose law is known; got {len(table)} prompts.")
    sizes, scalar = _check_sizes(n, owner, table.shape[1] if weights is None else MOST)
    if weights is None:
        columns, df = from_draws(table, truth, sizes)
    else:
        columns, df = from_law(table[0], None if truth is None else truth[0], weights, sizes), 1
    bound = np.log(sizes) - (sizes - 1) / sizes
    columns |= {"n": sizes, "kl": np.minimum(columns["kl"], bound), "kl_bound": bound}
    return BestOfN(
        **{name: None if v is None else (v[0] if scalar else v) for name, v in columns.items()},
        n_prompts=table.shape[0],
        n_draws=table.shape[1],
        df=df,
        guarantee="asymptotic" if weights is None else "exact",
        method="U-statistic" if weights is None else "known law",
    )


def _check_rewards(x, owner, name):
    array = as_numeric(x, owner, name)
    return check_vector(array, owner, name)[None] if array.ndim != 2 else check_matrix(array, owner, name)


def _check_sizes(n, owner, most):
    given = check_each(n, owner, "n", low=1, high=most)
    scalar, sizes = np.ndim(given) == 0, np.atleast_1d(given)
    if (sizes != np.floor(sizes)).any():
        raise InputError(
            f"{owner}: n must hold integers from 1 to {most}, the number of draws; got {sizes[:5]}. The best of a part "
            "of a response is none."
        )
    return sizes.astype(np.int64), scalar
