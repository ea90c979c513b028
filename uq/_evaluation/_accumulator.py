"""The mean score of rows that come in parts: what is kept of them is a few sums, or two per cluster."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._base.citation import cites
from .._base.exceptions import InputError
from .._base.results import Estimate
from .._base.sklearn import StrOptions, validate_params
from .._base.validation import check_groups, check_option, check_vector
from ._mean_law import OF_COUNTS, law_of_sums, law_of_tasks
from ._mean_sums import ClusterSums, RowSums
from ._warn import warn_small

__all__ = ["MeanAccumulator"]

OWNER = "MeanAccumulator"
METHODS = ("auto", "t", "cluster", "wilson", "clopper_pearson", "beta", "hierarchical")


@cites("miller2024", "student1908", "clopper1934", "wilson1927", "bowyer2025", "cameron2015")
class MeanAccumulator(BaseEstimator):
    """The mean score of an evaluation whose rows come in batches or partitions.

    It keeps a few sums; with `groups`, two sums per cluster. Partitions are summed up apart, merged in any order, and
    asked once.

    Parameters
    ----------
    nan_policy : {"raise", "omit"}, default "raise"
        "omit" drops rows with a NaN score and counts them in `n_dropped_`; a part that holds nothing else adds nothing.

    Attributes
    ----------
    n_samples_, n_dropped_ : int
        Rows that count, and rows that were dropped.
    groups_ : ndarray of shape (n_groups,) or None
        The labels of the clusters, sorted.

    See Also
    --------
    estimate_mean : the same of arrays, and with bets and the bootstrap, which need the rows.
    iter_outputs : gives the rows of a large file in batches.

    Notes
    -----
    **Guarantee.** None beside that of the method (see `estimate_mean`); `mean` gives what `estimate_mean` gives of all
    rows at once, up to rounding, for any order of any partitions. Clusters are put together by their labels, so one
    whose rows lie in many partitions is one cluster. Memory grows with the number of clusters, not with that of rows.
    Rows that are given twice count twice.

    References
    ----------
    .. [1] E. Miller (2024). Adding error bars to evals. arXiv:2411.00640.
    .. [2] A. Cameron, D. Miller (2015). A practitioner's guide to cluster-robust inference. J. Human Resources 50(2).
       doi:10.3368/jhr.50.2.317.

    Examples
    --------
    >>> from functools import reduce
    >>> import numpy as np
    >>> from uq import MeanAccumulator
    >>> rng = np.random.default_rng(0)
    >>> texts = rng.integers(0, 40, 3000)  # questions on one text are no independent rows
    >>> correct = rng.random(3000) < rng.beta(8, 4, 40)[texts]
    >>> parts = [MeanAccumulator().fit(correct[rows], texts[rows]) for rows in np.split(np.arange(3000), 3)]
    >>> total = reduce(lambda a, b: a.merge(b), parts)
    >>> print(total.mean())
    0.6697, 95 % interval [0.6225, 0.7168], std. error 0.02332
    n = 3000, 40 groups; method: cluster, guarantee: asymptotic
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"nan_policy": [StrOptions({"raise", "omit"})]}

    def __init__(self, nan_policy="raise"):
        self.nan_policy = nan_policy

    def fit(self, scores, groups=None) -> "MeanAccumulator":
        """Forget what was seen, and sum up these rows; parameters as in `partial_fit`."""
        return self._keep(*self._read(scores, groups, f"{OWNER}.fit"))

    def partial_fit(self, scores, groups=None) -> "MeanAccumulator":
        """Add rows.

        Parameters
        ----------
        scores : array-like of shape (n_samples,)
            One score per item: 0/1 for right or wrong, or any real number.
        groups : array-like of shape (n_samples,), optional
            Cluster labels, in every part or in none, and of one kind (texts, integers) in all of them.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For what `estimate_mean` refuses, and groups in some parts alone or of another kind; nothing is changed.
        """
        owner = f"{OWNER}.partial_fit"
        sums, n_dropped = self._read(scores, groups, owner)
        if not hasattr(self, "_sums"):
            return self._keep(sums, n_dropped)
        return self._keep(_added(self._sums, sums, owner), self.n_dropped_ + n_dropped)

    def merge(self, other) -> "MeanAccumulator":
        """Return a new accumulator of the rows of both, which stay as they are.

        Parameters
        ----------
        other : MeanAccumulator
            Another one, of other rows, with the same `nan_policy`. One without rows changes nothing.

        Returns
        -------
        MeanAccumulator
        """
        owner = f"{OWNER}.merge"
        if not isinstance(other, MeanAccumulator):
            raise InputError(f"{owner}: other must be a {OWNER}; got {type(other).__name__}.")
        if other is self:
            raise InputError(f"{owner}: other must be another accumulator; got this one, whose rows would count twice.")
        if self.nan_policy != other.nan_policy:
            raise InputError(
                f"{owner}: nan_policy must be the same for both; got {self.nan_policy!r} and {other.nan_policy!r}."
            )
        merged = type(self)(nan_policy=self.nan_policy)
        parts = [part for part in (self, other) if hasattr(part, "_sums")]
        if not parts:
            return merged
        sums = parts[0]._sums if len(parts) == 1 else _added(self._sums, other._sums, owner)
        return merged._keep(sums, sum(part.n_dropped_ for part in parts))

    def mean(self, method="auto") -> Estimate:
        """Return the mean of all rows with its error.

        Parameters
        ----------
        method : str, default "auto"
            "clopper_pearson", "wilson", "beta" (0/1 scores), "t", "cluster" or "hierarchical", as in `estimate_mean`;
            "auto" is "cluster" where there are groups, else "clopper_pearson" for 0/1 scores, else "t".

        Returns
        -------
        Estimate

        Raises
        ------
        InputError
            For an unknown method, one that does not fit the scores, fewer than two clusters, and parts that held
            nothing but NaN.

        Warns
        -----
        SmallSampleWarning
            For "t" below 30 rows, "cluster" below 20 clusters.

        Notes
        -----
        **Guarantee.** "clopper_pearson": finite-sample for independent 0/1 scores. "t", "wilson" and "cluster":
        asymptotic, in the number of rows or of clusters. "beta" and "hierarchical": posterior.
        """
        check_is_fitted(self)
        owner, sums = f"{OWNER}.mean", self._sums
        check_option(method, METHODS, owner, "method")
        if sums is None:
            raise InputError(f"{owner}: no row is left after dropping those with NaN ({self.n_dropped_}).")
        clustered = isinstance(sums, ClusterSums)
        if method == "auto":
            method = "cluster" if clustered else "t" if sums.ones is None else "clopper_pearson"
        if clustered != (method in ("cluster", "hierarchical")):
            raise InputError(
                f"{owner}: method={method!r} "
                + ("treats rows as independent, and there are groups" if clustered else "needs groups, and none came")
                + "; leave it to method='auto'."
            )
        if method in (*OF_COUNTS, "hierarchical") and sums.ones is None:
            raise InputError(
                f"{owner}: method={method!r} needs scores that are 0 or 1; got values from {sums.lowest:g} to "
                f"{sums.highest:g}. Use method='{'cluster' if clustered else 't'}'."
            )
        n_groups = len(sums.checked(owner).labels) if clustered else None
        if method == "hierarchical":
            law, guarantee, values = law_of_tasks(*sums.counts())
        else:
            law, guarantee, values = law_of_sums(method, sums.n, n_groups, sums.ones, *sums.moments())
        if method in ("t", "cluster"):
            warn_small(sums.n, n_groups, of="estimate_mean of the rows with ", stacklevel=3)
        return Estimate(
            estimate=values[0],
            std_error=values[1],
            n=sums.n,
            method=method,
            guarantee=guarantee,
            law=law,
            n_groups=n_groups,
            n_dropped=self.n_dropped_,
        )

    def _read(self, scores, groups, owner):
        """Return the sums of a part, None where it holds nothing but NaN, and how many rows were dropped."""
        validate_params(self)
        scores = check_vector(scores, owner, "scores", nan_policy=self.nan_policy)
        given = None if groups is None else check_groups(groups, owner, len(scores), min_groups=1)
        kept = ~np.isnan(scores)
        n_dropped = int(len(scores) - kept.sum())
        if n_dropped == len(scores):
            return None, n_dropped
        if given is None:
            return RowSums.of(scores[kept] if n_dropped else scores), n_dropped
        codes, labels = given
        if n_dropped:
            present, codes = np.unique(codes[kept], return_inverse=True)
            scores, labels = scores[kept], labels[present]
        return ClusterSums.of(scores, codes, labels), n_dropped

    def _keep(self, sums, n_dropped):
        self._sums, self.n_dropped_ = sums, n_dropped
        self.n_samples_ = 0 if sums is None else sums.n
        self.groups_ = sums.labels if isinstance(sums, ClusterSums) else None
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_sums")


def _added(ours, theirs, owner):
    """Return the sums of both parts, either of which may be None."""
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    if type(ours) is not type(theirs):
        given = ["without groups" if isinstance(sums, RowSums) else "with groups" for sums in (ours, theirs)]
        raise InputError(
            f"{owner}: groups must be given for all parts or for none; got a part {given[0]}, then one {given[1]}."
        )
    return ours.merge(theirs) if isinstance(ours, RowSums) else ours.merge(theirs, owner)
