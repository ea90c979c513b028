"""Intervals for a statistic of the next batch: its mean, its median, its worst."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.containers import dimensions
from uq._base.exceptions import InfiniteBoundWarning, InputError
from uq._base.results import Interval
from uq._base.sklearn import Range, StrOptions, as_generator, validate_params
from uq._base.validation import (
    check_count,
    check_jobs,
    check_level,
    check_option,
    check_same_length,
    check_vector,
    check_weights,
)

from ._batch_checks import (
    METHODS,
    check_ordering,
    check_question,
    check_ratio,
    check_scales,
    check_work,
    scaled_residuals,
)
from ._batch_interval import Batch, Calibration, batch_interval
from ._rank_law import LARGEST

__all__ = ["BatchPredictor"]

FIXED_SEED = 20240913


@cites("lee2024")
class BatchPredictor(BaseEstimator):
    """Interval for a statistic of the next batch of outcomes.

    Calibration rows have a truth, the m rows of the batch have none yet. From the residuals of the first follows an
    interval for the mean, the sum, the median, a quantile, the least or the greatest of the second, which covers with
    the probability asked for at any number of rows and for any law.

    Parameters
    ----------
    statistic : {"mean", "sum", "median", "min", "max"}, Quantile, QuantileBand or Compositional, default "mean"
        What is asked of the batch. "median" is NumPy's, for an even batch the mean of the two middle values.
    confidence_level : float, default .9
        In (0, 1); `predict_interval` may ask another.
    alternative : {"two-sided", "less", "greater"}, default "two-sided"
        "less" gives an upper bound only, "greater" a lower bound only, as in SciPy. Two-sided puts half of the error
        on each side: where a number of rows is named below, `error` is that of one side, (1 - confidence_level) / 2.
    support : (float, float), default (-inf, inf)
        The least and the greatest value that a score (a residual y - y_pred, where `y` is given) can have, known before
        the data. It is what a mean needs where there are few calibration rows.
    ordering : {"auto", "rank", "capped"} or array-like of int, shape (n_calibration + 1,), default "auto"
        For "mean" and "sum": by what the possible places of the batch are ordered. "rank": by the sum of the ranks,
        which needs a support; "capped": the same among the calibration scores alone, which needs n / (n + m) >= 1 -
        error and no support; an array: by the sum of a non-negative, non-decreasing integer weight per rank, say the
        rounded scores of a pilot sample. It must not come from the calibration scores. "auto": "capped" where there are
        rows enough, else "rank".
    method : {"auto", "exact", "bound", "monte_carlo", "partition", "bonferroni"}, default "auto"
        - "exact": the exact law of the ranks and, for a mean, the exact greatest mean by dynamic programming.
        - "bound": a mean's bound in O(n), a little wider: the least curve above rank -> sorted score that bends only
          downwards, at the mean rank that is allowed.
        - "monte_carlo": the law of the ranks from `n_resamples` draws; for a mean of many rows then "bound".
        - "partition": the statistic on disjoint batches of the calibration rows.
        - "bonferroni": each row of the batch by itself, the error divided by m; the baseline.
        - "auto": "exact" for order statistics of scores. For a mean, and for order statistics of outcomes with
          predictions, "partition" where n >= m (ceil(1 / error) - 1) rows make it finite, else "exact" (for a mean
          "bound" where n^2 log m is large or rows count differently). Nothing else is looked at.
    ratio_bound : float, optional
        For batches from another population: the largest `density_ratio` that is possible, known before the data (a
        bound on the propensity, say; the largest ratio that was seen will not do). A calibration row is kept with
        probability ``density_ratio / ratio_bound``, and the kept ones are exchangeable with the batch.
    n_resamples, n_jobs : int, optional
        For "monte_carlo": number of draws (default 9999) and of workers; the draws do not depend on `n_jobs`.
    random_state : None, int, RandomState or Generator, default None
        For "partition" (which rows go into one batch), "monte_carlo" and `density_ratio`. None takes a fixed seed, so
        that the same rows give the same interval.

    Attributes
    ----------
    scores_ : ndarray of shape (n_calibration,)
        Sorted residuals y - y_pred, or the sorted scores themselves.
    n_calibration_, n_effective_ : int
        Rows that `fit` was given, and rows that `density_ratio` left.
    has_predictions_ : bool
        Whether `fit` was given predictions and truth.

    Raises
    ------
    InputError
        From `fit` for NaN, infinite or no rows, lengths that differ, scores outside of `support`, and parameters that
        are unknown or do not go together.

    Warns
    -----
    InfiniteBoundWarning
        Where a side that was asked for is infinite; the message says which n or which support would make it finite.

    See Also
    --------
    RankLaw : the law that everything here is read from.

    Notes
    -----
    **Guarantee.** Finite-sample, for any law of the scores: if the calibration rows and the batch are exchangeable, the
    interval covers the statistic of the batch with at least the probability `confidence_level`. Where `guarantee` is
    "exact" the coverage is `attained_level` (for scores, or under "partition" for batches, that cannot tie; where ties
    were seen it is "finite-sample"); elsewhere `attained_level` is a lower bound of the coverage. The probability is
    over calibration rows and batch together. It is a statement about one batch: for several batches from one
    calibration set it holds for each, not for all at once. The level of "monte_carlo" is that of its draws, near the
    nominal one and not always above it, so that its guarantee is "asymptotic". `support`, weights and the choice of
    statistic and method must not come from the calibration scores; taking the shorter of two methods' intervals voids
    the promise. With `density_ratio`: independent rows, a known ratio and a true bound; for counterfactual outcomes
    also no confounding (an estimated propensity makes it approximate).

    With predictions, mean and sum of the outcomes are those of the predictions plus those of the residuals. For an
    order statistic "partition" compares by how much the statistic of the outcomes exceeds that of the predictions,
    batch by batch. "exact" goes through the sorted predictions, which is much wider: with k' = ceil((k + m)/2) and
    S_(q) the bound of the k'-th smallest residual, at least k' residuals lie below S_(q), so that the k-th smallest
    outcome lies below S_(q) plus the (k + m - k')-th smallest prediction.

    An interval that cannot be finite is infinite. Towards an infinite end of the support a mean needs about
    n >= m (1 / error - 1) rows: whatever lies beyond the greatest calibration score can be anywhere.

    References
    ----------
    .. [1] Y. Lee, E. Tchetgen Tchetgen, E. Dobriban (2024). Batch predictive inference. arXiv:2409.13990.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import BatchPredictor
    >>> rng = np.random.default_rng(0)
    >>> y_pred = rng.normal(size=400)
    >>> y = y_pred + rng.normal(size=400)
    >>> batch = BatchPredictor("mean").fit(y_pred, y)
    >>> batch.predict_interval(np.zeros(20))
    [-0.4854, 0.4506] (90 % interval (attained 90.4762 %), method: partition, guarantee: exact)
    >>> batch.predict_interval(np.zeros(20), confidence_level=.8)
    [-0.3013, 0.3211] (80 % interval (attained 80.9524 %), method: partition, guarantee: exact)
    >>> BatchPredictor("max", alternative="less").fit(y_pred, y).predict_interval(n_test=20)  # the worst residual
    [-inf, 2.392] (90 % upper bound (attained 90.6921 %), method: exact, guarantee: exact)

    With 30 calibration rows a mean of twenty needs a support, here that of residuals of outcomes in [0, 1]:

    >>> few = BatchPredictor("mean", support=(-1, 1)).fit(np.full(30, .5), rng.random(30))
    >>> few.predict_interval(np.full(20, .5))
    [0.02753, 0.9485] (90 % interval (attained 90.1485 %), method: exact, rank ordering, guarantee: finite-sample)

    The mean effect on twenty treated rows: their outcomes untreated are predicted from controls, in proportion to the
    odds of treatment (a known propensity of at most 2/3, so that no odds exceed 2).

    >>> propensity = rng.uniform(.2, 2/3, size=2000)
    >>> odds, y_control = propensity / (1 - propensity), rng.normal(size=2000)
    >>> minus_untreated = BatchPredictor("mean", ratio_bound=2).fit(np.zeros(2000), -y_control, density_ratio=odds)
    >>> y_treated = 1 + rng.normal(size=20)
    >>> minus_untreated.predict_interval(np.zeros(20), density_ratio=odds[:20]).shift(y_treated.mean())
    [0.7142, 1.502] (90 % interval (attained 90.9091 %), method: partition, guarantee: exact)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alternative": [StrOptions({"two-sided", "less", "greater"})],
        "ordering": [StrOptions({"auto", "rank", "capped"}), "array-like"],
        "method": [StrOptions(set(METHODS))],
        "ratio_bound": [None, Range(Real, 0, None, closed="neither")],
        "n_resamples": [Range(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        statistic="mean",
        confidence_level=0.9,
        alternative="two-sided",
        support=(-np.inf, np.inf),
        ordering="auto",
        method="auto",
        ratio_bound=None,
        n_resamples=9999,
        n_jobs=None,
        random_state=None,
    ):
        self.statistic = statistic
        self.confidence_level = confidence_level
        self.alternative = alternative
        self.support = support
        self.ordering = ordering
        self.method = method
        self.ratio_bound = ratio_bound
        self.n_resamples = n_resamples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, y_pred, y=None, *, y_std=None, density_ratio=None):
        """Keep the residuals of the calibration rows.

        Parameters
        ----------
        y_pred : array-like of shape (n_calibration,) or (n_calibration, 1)
            Predictions or, where `y` is not given, the scores themselves.
        y : array-like of shape (n_calibration,), optional
            What turned out to be true.
        y_std : array-like of shape (n_calibration,), optional
            The model's own standard deviations: residuals are divided by them.
        density_ratio : array-like of shape (n_calibration,), optional
            Density of the row's features in the population of the batch over that in the population of these rows, up
            to one factor; see `ratio_bound`.

        Returns
        -------
        self
        """
        owner = "BatchPredictor.fit"
        if isinstance(self.method, str):
            check_option(self.method, METHODS, "BatchPredictor", "method")
        validate_params(self)
        check_jobs(self.n_jobs, "BatchPredictor")
        question = check_question(self)
        scores, predictions = check_vector(y_pred, owner, "y_pred"), None
        sigma = check_scales(y_std, owner, len(scores), check_vector)
        if y is not None:
            predictions, truth = scores, check_vector(y, owner, "y")
            check_same_length(owner, y_pred=predictions, y=truth)
            scores = truth - predictions
            scores = scores if sigma is None else scaled_residuals(scores, sigma, owner)
        elif sigma is not None:
            raise InputError(f"{owner}: y_std goes with y_pred and y; these are scores already, divide them by it.")
        if len(scores) > LARGEST:
            raise InputError(f"{owner}: at most {LARGEST} calibration rows; got {len(scores)}.")
        seed = FIXED_SEED
        if self.random_state is not None:
            seed = int(as_generator(self.random_state, "BatchPredictor").integers(2**63))
        n_given = len(scores)
        if density_ratio is None and self.ratio_bound is not None:
            raise InputError(
                f"{owner}: ratio_bound goes with density_ratio, one per row; got no density_ratio. Without it every "
                "row counts alike, and the promise is about these rows' own population."
            )
        if density_ratio is not None:
            if not isinstance(question.ordering, str):
                raise InputError(
                    f"{owner}: weights as ordering do not go with density_ratio: it takes one weight per row that is "
                    "kept and one more, and how many are kept is left to chance. Use ordering='auto'."
                )
            ratio = check_ratio(density_ratio, self.ratio_bound, owner, n_given, check_vector)
            # one draw per row, from a stream of its own
            taken = np.random.default_rng([seed, 1]).random(n_given) * self.ratio_bound < ratio
            scores, predictions, sigma = (None if c is None else c[taken] for c in (scores, predictions, sigma))
        check_ordering(question.ordering, len(scores))
        ordered = np.sort(scores)
        low, high = question.support
        if len(ordered) and (ordered[0] < low or ordered[-1] > high):
            what = "score" if y is None else "residual y - y_pred" if sigma is None else "(y - y_pred) / y_std"
            raise InputError(
                f"BatchPredictor: support must contain every calibration score ({what}); got ({low:g}, {high:g}) and "
                f"scores from {ordered[0]:g} to {ordered[-1]:g}. It is what a score can be, known before the data, not "
                "what was seen."
            )
        self._calibration = Calibration(
            scores=ordered,
            rows=scores.copy() if y is None else scores,
            predictions=None if predictions is None else predictions.copy(),
            scales=None if sigma is None else sigma.copy(),
            seed=seed,
            tied=bool((ordered[1:] == ordered[:-1]).any()),
        )
        self._question, self._shifted = question, density_ratio is not None
        self._ratio_bound = self.ratio_bound
        self.scores_ = ordered
        self.n_calibration_ = n_given
        self.n_effective_ = len(ordered)
        self.has_predictions_ = y is not None
        return self

    def predict_interval(
        self,
        y_pred=None,
        *,
        n_test=None,
        sample_weight=None,
        y_std=None,
        density_ratio=None,
        confidence_level=None,
    ) -> Interval:
        """Return an interval for the statistic of one batch.

        Parameters
        ----------
        y_pred : array-like of shape (n_test,) or (n_test, 1), optional
            Predictions of the batch: the interval is for the statistic of its outcomes. Needs a `fit` with `y`.
        n_test : int, optional
            Size of the batch, in place of `y_pred`: the interval is for the statistic of its scores (residuals).
        sample_weight : array-like of shape (n_test,), optional
            For "mean" and "sum": what each outcome of the batch counts, fixed without looking at outcomes.
        y_std : array-like of shape (n_test,), optional
            The model's own standard deviations, where `fit` was given them and `y_pred` is.
        density_ratio : array-like of shape (n_test,), optional
            That of the rows of the batch, where `fit` was given it: held against `ratio_bound`, not used otherwise.
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        Interval
            With `attained_level` where it is known; `method` names what was used for each side.

        Raises
        ------
        InputError
            For NaN, infinite or no predictions, an `n_test` below 1, both or neither of the two, predictions where
            `fit` was given scores alone, a `y_std` or `density_ratio` that only one of the two calls was given, weights
            that are negative or without a method, and work that would take hours.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "BatchPredictor.predict_interval"
        batch = self._batch(owner, y_pred, n_test, sample_weight, y_std)
        if (density_ratio is not None) != self._shifted:
            raise InputError(f"{owner}: density_ratio must be given to both fit and predict_interval, or to neither.")
        if density_ratio is not None:
            check_ratio(density_ratio, self._ratio_bound, owner, batch.m, check_vector)
        level = check_level(self.confidence_level if confidence_level is None else confidence_level, owner)
        if not self.n_effective_:
            return self._nothing_left(level)
        question = self._question
        weighted = question.statistic.kind == "sum" and np.ndim(batch.coefficients(question.statistic)[1]) > 0
        check_work(question, self.n_effective_, batch.m, weighted)
        interval, texts = batch_interval(self._calibration, question, batch, level)
        if texts:
            warnings.warn(
                f"n_calibration = {self.n_effective_} says too little about n_test = {batch.m} for this level: "
                f"{'; '.join(texts)}. One side alone, or a lower level, needs fewer rows.",
                InfiniteBoundWarning,
                stacklevel=2,
            )
        return interval

    def _batch(self, owner, y_pred, n_test, sample_weight, y_std):
        if (y_pred is None) == (n_test is None):
            raise InputError(f"{owner}: give one of y_pred and n_test; got {'neither' if n_test is None else 'both'}.")
        mu = None
        if y_pred is not None:
            if dimensions(y_pred) == 0 and isinstance(y_pred, Real):
                raise InputError(
                    f"{owner}: y_pred must hold the predictions of the batch; for its size write n_test={y_pred}."
                )
            if not self.has_predictions_:
                raise InputError(
                    f"{owner}: fit was given scores without y, and predictions cannot be added to scores; "
                    "pass n_test=..., or fit(y_pred, y)."
                )
            mu = check_vector(y_pred, owner, "y_pred")
            n_test = len(mu)
        m = check_count(n_test, owner, "n_test")
        if m > LARGEST:
            raise InputError(f"{owner}: n_test must be at most {LARGEST}; got {m}.")
        statistic, scaled = self._question.statistic, self._calibration.scales is not None
        if mu is not None and (statistic.kind == "band" or (y_std is not None) != scaled):
            what = "y_std must be given to both fit and predict_interval, or to neither"
            raise InputError(
                f"{owner}: {what if statistic.kind != 'band' else 'QuantileBand takes n_test=..., not y_pred'}."
            )
        if mu is None and y_std is not None:
            raise InputError(f"{owner}: y_std goes with y_pred; n_test=... is about the scores, which know no scale.")
        weights = check_weights(sample_weight, owner, m)
        if weights is not None and (
            statistic.kind != "sum" or self._question.method not in ("auto", "bound", "bonferroni")
        ):
            raise InputError(
                f"{owner}: sample_weight goes with statistic='mean' or 'sum' and method='auto', 'bound' or "
                f"'bonferroni'; got {self.statistic!r} and {self._question.method!r}."
            )
        return Batch(m, mu, check_scales(y_std, owner, m, check_vector), weights)

    def _nothing_left(self, level):
        warnings.warn(
            f"none of {self.n_calibration_} calibration rows was accepted by its density ratio: nothing is known.",
            InfiniteBoundWarning,
            stacklevel=3,
        )
        return Interval(
            lower=-np.inf,
            upper=np.inf,
            confidence_level=level,
            alternative=self._question.alternative,
            attained_level=1.0,
            guarantee="finite-sample",
            method="no calibration rows",
        )
