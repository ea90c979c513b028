"""The law of the sorted positions of a batch of test scores among the calibration scores."""

import numbers
from dataclasses import dataclass

import numpy as np

from uq._base.exceptions import InputError
from uq._base.random import check_rng
from uq._base.validation import check_count, check_level, check_option

from ._band_law import band_level, exceedance_bound
from ._levels import as_fraction
from ._order_law import least_rank, order_cdf, order_pmf
from ._sum_law import rank_sum_cdf, rank_sum_quantile

__all__ = ["LARGEST", "RankLaw", "draw_ranks"]

LARGEST = 10**7
FEW = 100


@dataclass(frozen=True)
class RankLaw:
    """Law of the sorted positions R_1 <= ... <= R_m of m test scores among n calibration scores.

    R_k is one plus the number of calibration scores before the k-th smallest test score, a number in 1, ..., n + 1. If
    the n + m scores are exchangeable, (R_1, ..., R_m) is uniform over all non-decreasing sequences in {1, ..., n + 1},
    whatever the law of the scores. With the sorted calibration scores S_(1) <= ... <= S_(n), and with S_(0) and
    S_(n+1) the ends of their support, the k-th smallest test score lies between S_(R_k - 1) and S_(R_k).

    Parameters
    ----------
    n_calibration : int
        Number n of calibration scores, 1 to 10^7.
    n_test : int
        Number m of test scores, 1 to 10^7.

    Raises
    ------
    InputError
        If one of them is not such a number; by the methods, if an argument is not what they ask for.

    Notes
    -----
    **Guarantee.** Exact for every n and m under exchangeability of all n + m scores. Ties do no harm: the sandwich
    holds with weak inequalities, so that bounds read off here cover at least as often as stated. The probability is
    over calibration scores and batch together, not given the calibration scores.

    Levels are compared exactly, as the decimal fractions they are written as. Where floating point cannot decide
    whether a probability reaches the level, integers count; where those would have many thousands of digits, the larger
    rank is returned, which is valid always.

    References
    ----------
    Y. Lee, E. Tchetgen Tchetgen, E. Dobriban (2024). Batch Predictive Inference. arXiv:2409.13990.

    Examples
    --------
    >>> from conformal import RankLaw
    >>> law = RankLaw(n_calibration=200, n_test=20)
    >>> q = law.order_statistic_rank(20, .9)  # the largest of the twenty lies below S_(200), the largest of the 200
    >>> q, round(law.attained_level(20, q), 4)
    (200, 0.9091)
    >>> law.rank_sum_quantile(.9)
    2369
    """

    n_calibration: int
    n_test: int

    def __post_init__(self):
        for name in ("n_calibration", "n_test"):
            value = check_count(getattr(self, name), "RankLaw", name)
            if value > LARGEST:
                raise InputError(f"RankLaw: {name} must be at most {LARGEST}; got {value}.")
            object.__setattr__(self, name, value)

    def pmf(self, k):
        """Return P(R_k = z) for z = 1, ..., n + 1.

        Parameters
        ----------
        k : int
            Which of the sorted test scores, 1 (the smallest) to m.

        Returns
        -------
        ndarray of shape (n_calibration + 1,)
        """
        return order_pmf(self.n_calibration, self.n_test, self._order(k, "pmf"))

    def cdf(self, k, rank):
        """Return P(R_k <= rank).

        Parameters
        ----------
        k : int
            1 to m.
        rank : int or array-like of int
            Any integers; below 1 the probability is 0, from n + 1 on it is 1.

        Returns
        -------
        float or ndarray
        """
        k = self._order(k, "cdf")
        if isinstance(rank, numbers.Integral) and not isinstance(rank, (bool, np.bool_)):
            return order_cdf(self.n_calibration, self.n_test, k, int(rank))
        try:
            ranks = np.asarray(rank)
        except (TypeError, ValueError, RuntimeError):
            ranks = np.empty(0)
        if ranks.dtype.kind not in "iu":
            raise InputError(f"RankLaw.cdf: rank must be an integer or integers; got {rank!r}.")
        values = [order_cdf(self.n_calibration, self.n_test, k, int(z)) for z in ranks.flat]
        return np.array(values, dtype=float).reshape(ranks.shape) if ranks.ndim else values[0]

    def order_statistic_rank(self, k, confidence_level, side="upper"):
        """Return the rank q whose calibration score bounds the k-th smallest test score.

        Parameters
        ----------
        k : int
            1 to m.
        confidence_level : float
            In (0, 1).
        side : {"upper", "lower"}, default "upper"
            "upper": the least q with P(R_k <= q) >= confidence_level; the bound is S_(q). "lower": the greatest q with
            P(R_k >= q) >= confidence_level; the bound is S_(q-1).

        Returns
        -------
        int
            1 to n + 1. For "upper" n + 1 means the upper end of the support, for "lower" 1 means its lower end.
        """
        k = self._order(k, "order_statistic_rank")
        level = as_fraction(check_level(confidence_level, "RankLaw.order_statistic_rank"))
        n, m = self.n_calibration, self.n_test
        if check_option(side, ("upper", "lower"), "RankLaw.order_statistic_rank", "side") == "upper":
            return least_rank(n, m, k, level)
        return n + 2 - least_rank(n, m, m + 1 - k, level)  # the order turned round

    def attained_level(self, k, rank, side="upper"):
        """Return the exact level of a bound: P(R_k <= rank) for "upper", P(R_k >= rank) for "lower".

        Parameters
        ----------
        k : int
            1 to m.
        rank : int
            1 to n + 1, as `order_statistic_rank` returns it.
        side : {"upper", "lower"}, default "upper"

        Returns
        -------
        float
        """
        k = self._order(k, "attained_level")
        rank = check_count(rank, "RankLaw.attained_level", "rank")
        n, m = self.n_calibration, self.n_test
        if rank > n + 1:
            raise InputError(f"RankLaw.attained_level: rank must be at most n_calibration + 1 = {n + 1}; got {rank}.")
        if check_option(side, ("upper", "lower"), "RankLaw.attained_level", "side") == "upper":
            return order_cdf(n, m, k, rank)
        return order_cdf(n, m, m + 1 - k, n + 2 - rank)

    def rank_sum_quantile(self, confidence_level):
        """Return the least q with P(R_1 + ... + R_m <= q) >= confidence_level.

        The rank sum less m is the Mann-Whitney statistic of n and m points.

        Parameters
        ----------
        confidence_level : float
            In (0, 1).

        Returns
        -------
        int
            m to m (n + 1).
        """
        level = as_fraction(check_level(confidence_level, "RankLaw.rank_sum_quantile"))
        return rank_sum_quantile(self.n_calibration, self.n_test, level)

    def rank_sum_cdf(self, q):
        """Return P(R_1 + ... + R_m <= q).

        Parameters
        ----------
        q : int
            At least 0.

        Returns
        -------
        float
        """
        return rank_sum_cdf(self.n_calibration, self.n_test, check_count(q, "RankLaw.rank_sum_cdf", "q", low=0))

    def band_level(self, k1, k2, lower_rank, upper_rank):
        """Return P(R_k1 >= lower_rank and R_k2 <= upper_rank): S_(lower_rank - 1) to S_(upper_rank) holds both.

        Parameters
        ----------
        k1, k2 : int
            1 <= k1 <= k2 <= m.
        lower_rank, upper_rank : int
            1 to n + 1.

        Returns
        -------
        float
        """
        owner, n = "RankLaw.band_level", self.n_calibration
        k1, k2 = self._order(k1, "band_level"), self._order(k2, "band_level")
        ranks = check_count(lower_rank, owner, "lower_rank"), check_count(upper_rank, owner, "upper_rank")
        if k1 > k2 or max(ranks) > n + 1:
            raise InputError(
                f"{owner}: k1 <= k2 and ranks of at most n_calibration + 1 = {n + 1} are needed; got k1 = {k1}, "
                f"k2 = {k2}, ranks {ranks[0]} and {ranks[1]}."
            )
        return band_level(n, self.n_test, k1, k2, *ranks)

    def exceedance_bound(self, n_exceeding, confidence_level):
        """Return an upper bound of the number of test scores beyond a line that is fixed beforehand.

        Parameters
        ----------
        n_exceeding : int
            Number of calibration scores beyond it, 0 to n.
        confidence_level : float
            In (0, 1).

        Returns
        -------
        int
            0 to m. With at least this probability no more test scores lie beyond the line, although the bound depends
            on the calibration scores: it inverts the hypergeometric test.

        Examples
        --------
        >>> RankLaw(100, 20).exceedance_bound(3, .9)  # 3 of 100 scores were above the line
        2
        """
        owner = "RankLaw.exceedance_bound"
        count = check_count(n_exceeding, owner, "n_exceeding", low=0)
        if count > self.n_calibration:
            raise InputError(f"{owner}: n_exceeding must be at most n_calibration = {self.n_calibration}; got {count}.")
        return exceedance_bound(
            self.n_calibration, self.n_test, count, as_fraction(check_level(confidence_level, owner))
        )

    def sample(self, size, rng=None):
        """Draw sorted positions.

        Parameters
        ----------
        size : int
            Number of batches.
        rng : None, int or numpy.random.Generator, default None

        Returns
        -------
        ndarray of int, shape (size, n_test)
            Each row is non-decreasing, with values in 1, ..., n_calibration + 1.
        """
        size = check_count(size, "RankLaw.sample", "size")
        return draw_ranks(self.n_calibration, self.n_test, size, check_rng(rng, "RankLaw.sample"))

    def _order(self, k, method):
        k = check_count(k, f"RankLaw.{method}", "k")
        if k > self.n_test:
            raise InputError(f"RankLaw.{method}: k must be at most n_test = {self.n_test}; got {k}.")
        return k


def draw_ranks(n, m, size, rng):
    """Draw m of the n + m pooled places, as places among the n."""
    if m <= FEW:
        places = _floyd(n + m, m, size, rng)
    else:
        places = np.empty((size, m), dtype=np.int64)
        for row in places:
            row[:] = rng.choice(n + m, m, replace=False, shuffle=False)
    places.sort(axis=1)
    return places - np.arange(m) + 1


def _floyd(total, m, size, rng):
    """Draw m of `total` places without replacement, all rows at once (Floyd's algorithm, m^2 comparisons a row)."""
    places = np.empty((size, m), dtype=np.int64)
    for i, last in enumerate(range(total - m, total)):
        drawn = rng.integers(0, last + 1, size)
        taken = (places[:, :i] == drawn[:, None]).any(axis=1)
        places[:, i] = np.where(taken, last, drawn)
    return places
