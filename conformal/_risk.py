"""How low can the confidence be before too many answers are wrong? A threshold whose risk is below a target."""

import contextlib
import warnings
from collections.abc import Callable
from math import ceil, log, log1p, sqrt
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy import special
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.betting import fixed_bets, log_capital
from uq._base.citation import cites
from uq._base.containers import as_numeric, index_of
from uq._base.exceptions import InfiniteBoundWarning, InputError
from uq._base.sklearn import HasMethods, Range, StrOptions, validate_params
from uq._base.validation import check_binary, check_level, check_number, check_same_length, check_vector, is_binary

from ._selection import Selection

__all__ = ["RiskControl"]

MOST_STEPS, MOST_BETTING_STEPS = 1000, 100
MOST_BETS = 2 * 10**8  # a few seconds


@cites("angelopoulos2021", "geifman2017", "clopper1934", "waudbysmith2024")
class RiskControl(BaseEstimator):
    """The least confidence threshold whose risk among the accepted is below a target.

    Answers with a confidence of at least `threshold_` are accepted. The risk is the mean loss of what is accepted, and
    with probability `confidence_level` it is below `target`.

    Parameters
    ----------
    loss : {"error"} or callable, default "error"
        "error": `y` in `fit` says which answers are correct (1 or 0), and the risk is the share of wrong ones. A
        callable gets `y` (a float64 array where it is numbers, else as it came) and returns one loss in [0, 1] per row.
    target : float, default .1
        In (0, 1): the risk that is tolerated among the accepted.
    confidence_level : float, default .95
        In (0, 1). What `fit` saw counts, as for all parameters.
    thresholds : array-like, optional
        Thresholds fixed before the data. Each is tested at the error divided by their number, and nothing has to be
        assumed about how the risk depends on the threshold. None: the thresholds are taken from the calibration rows,
        which is finer, and the risk must not fall when the threshold does.

    Attributes
    ----------
    threshold_ : float
        Infinite where no threshold passes: then nothing is accepted.
    thresholds_, n_accepted_, risks_, pvalues_ : ndarray
        The thresholds that were tested, strictest first, how many calibration rows each accepts, their mean loss, and
        the p-value of "the risk is at least the target".

    Raises
    ------
    InputError
        From `fit` for NaN, infinite or no rows, lengths that differ, a `y` that is not 0/1 under loss="error", losses
        outside [0, 1], parameters out of range, and more fixed thresholds than can be betted on.

    Warns
    -----
    InfiniteBoundWarning
        From `fit`, where no threshold passes.

    See Also
    --------
    BatchSelector : a promise about the number of false claims in one batch.

    Notes
    -----
    **Guarantee.** Finite-sample, for independent rows of one law: with probability at least `confidence_level` over the
    calibration rows, the mean loss of future rows with a confidence of at least `threshold_` is below `target`.
    p-values are exact binomial tails for losses of 0 and 1 (the dual of Clopper-Pearson) and betting capitals for
    others. With thresholds from the data this holds if the risk R(t) among the accepted does not fall when t does: what
    is taken in later is no better than what is accepted already. A confidence that orders answers the wrong way round
    breaks this; fixed `thresholds` do not need it.

    From data, thresholds are walked from strict to loose until one is not rejected: fixed-sequence testing [1]_. Three
    walks share the error: the first starts where 1.6 times as many rows are accepted as the test needs without any
    loss, the last where all are, one halfway between (in their ratio). With few rows there is one walk.

    References
    ----------
    .. [1] A. Angelopoulos, S. Bates, E. Candes, M. Jordan, L. Lei (2021). Learn then test: calibrating predictive
       algorithms to achieve risk control. arXiv:2110.01052.
    .. [2] Y. Geifman, R. El-Yaniv (2017). Selective classification for deep neural networks. arXiv:1705.08500.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import RiskControl
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.random(1000)
    >>> correct = rng.random(1000) < .5 + confidence / 2
    >>> control = RiskControl(target=.1).fit(confidence, correct)
    >>> round(control.threshold_, 3)
    0.79
    >>> control.select(rng.random(200))
    <39 of 200 selected, risk below 0.1, with probability 95 %; threshold 0.7897>

    For a classifier the confidence is the largest probability of each row, and `y` says whether that class is right:

    >>> y_prob = rng.dirichlet([.2, .2, .2], size=1000)
    >>> y = (y_prob.cumsum(axis=1) < rng.random((1000, 1))).sum(axis=1)
    >>> control = RiskControl().fit(y_prob[:900].max(axis=1), y_prob[:900].argmax(axis=1) == y[:900])
    >>> control.select(y_prob[900:].max(axis=1)).n_selected
    66
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [StrOptions({"error"}), HasMethods("__call__")],
        "target": [Range(Real, 0, 1, closed="neither")],
        "confidence_level": [Range(Real, 0, 1, closed="neither")],
        "thresholds": [None, "array-like"],
    }

    def __init__(self, loss="error", target=0.1, confidence_level=0.95, thresholds=None):
        self.loss = loss
        self.target = target
        self.confidence_level = confidence_level
        self.thresholds = thresholds

    def fit(self, confidence, y):
        """Find the threshold.

        Parameters
        ----------
        confidence : array-like of shape (n_calibration,) or (n_calibration, 1)
            High where the answer is trusted; any scale. Of a classifier ``y_prob.max(axis=1)``.
        y : array-like of shape (n_calibration,)
            1 where the answer is correct (``y_pred == y_true``), else 0; under a callable `loss`, what that takes.

        Returns
        -------
        self
        """
        owner = "RiskControl.fit"
        validate_params(self)
        level = check_level(self.confidence_level, "RiskControl")
        alpha = 1 - level
        target = check_number(self.target, "RiskControl", "target", low=0, high=1)
        confidence = _confidence(confidence, owner)
        losses = self._losses(y, owner)
        check_same_length(owner, confidence=confidence, y=losses)
        # one fixed order for the bets, which does not depend on losses; sorted sums do not mind
        order = np.random.default_rng(len(losses)).permutation(len(losses))
        confidence, losses = confidence[order], losses[order]
        binary = is_binary(losses)
        if self.thresholds is None:
            share, starts, thresholds = _from_data(confidence, alpha, target, binary)
        else:
            thresholds = np.unique(check_vector(self.thresholds, "RiskControl", "thresholds"))[::-1]
            share, starts = alpha / len(thresholds), np.arange(len(thresholds))
            if not binary and len(thresholds) * len(losses) > MOST_BETS:
                raise InputError(
                    f"RiskControl: thresholds must number at most {max(MOST_BETS // len(losses), 1)} for "
                    f"{len(losses)} rows with losses between 0 and 1, each of which is betted on; "
                    f"got {len(thresholds)}."
                )
        pvalue = _binomial_pvalues if binary else _betting_pvalues
        counts, sums = _accepted(confidence, losses, thresholds)
        pvalues = pvalue(confidence, losses, thresholds, counts, sums, target, share)
        passed = pvalues <= share
        found = _last_of_runs(passed, starts) if self.thresholds is None else np.flatnonzero(passed)
        self._target, self._level = target, level
        self.threshold_ = float(thresholds[found].min()) if len(found) else np.inf
        self.thresholds_, self.n_accepted_, self.pvalues_ = thresholds, counts, pvalues
        self.risks_ = sums / np.maximum(counts, 1)
        if not len(found):
            warnings.warn(
                f"no threshold passes: nothing can be accepted with a risk below {target:g} at level "
                f"{self.confidence_level:g}. It takes {_fewest(share, target):.6g} accepted rows without any loss; "
                "more rows, a larger target or a better confidence would help.",
                InfiniteBoundWarning,
                stacklevel=2,
            )
        return self

    def _losses(self, y, owner):
        if isinstance(self.loss, str):
            try:
                y = as_numeric(y, owner, "y")
            except InputError as error:
                raise InputError(f"{error} y is 1 where the answer is correct: pass y_pred == y_true.") from None
            return 1.0 - check_binary(check_vector(y, owner, "y"), owner, "y")
        loss: Callable[..., Any] = self.loss
        with contextlib.suppress(InputError):  # texts, or whatever else this loss can judge, stay as they are
            y = as_numeric(y, owner, "y")
        losses = check_vector(loss(y), owner, "loss(y)")
        if losses.min() < 0 or losses.max() > 1:
            raise InputError(
                f"{owner}: loss(y) must lie in [0, 1]; got values from {losses.min():g} to {losses.max():g}. Divide by "
                "the largest loss that is possible."
            )
        return losses

    def select(self, confidence):
        """Accept the rows whose confidence is at least the threshold.

        Parameters
        ----------
        confidence : array-like of shape (n_samples,) or (n_samples, 1)

        Returns
        -------
        Selection
        """
        check_is_fitted(self)
        scores = _confidence(confidence, "RiskControl.select")
        return Selection(
            mask=scores >= self.threshold_,
            threshold=self.threshold_,
            confidence_level=self._level,
            target=self._target,
            guarantee="finite-sample",
            method="risk control",
            scores=scores.copy(),
            index=index_of(confidence),
        )


def _confidence(confidence, owner):
    array = as_numeric(confidence, owner, "confidence")
    if array.ndim == 2 and array.shape[1] > 1:
        raise InputError(
            f"{owner}: confidence must be one number per row; got an array of shape {array.shape}. Of a classifier "
            "take y_prob.max(axis=1), with y = (y_pred == y_true) in fit."
        )
    return check_vector(array, owner, "confidence")


def _fewest(alpha, target):
    """Return how many rows without loss are needed before the test can reject."""
    return ceil(log(alpha) / log1p(-target) - 1e-12)


def _starts(n, alpha, target):
    """Return how many rows the first step of each walk accepts; one walk where there are few rows, else three.

    1.6 and the place between were chosen by the largest loss of accepted rows, against the best of 250 rules, over
    seven risk curves, n = 250 ... 5000 and three pairs of target and error: .12, where the first walk alone lost .9.
    """
    least = ceil(1.6 * _fewest(alpha / 3, target))
    if 2 * least > n:
        return [min(n, max(_fewest(alpha, target), n // 4))]
    return [least, round(sqrt(least * n)), n]


def _from_data(confidence, alpha, target, binary):
    """Return the error of each walk, the first step of each, and the thresholds, strictest first.

    Counts of accepted rows are fixed by n, alpha and target; ties only merge some of them.
    """
    n = len(confidence)
    starts = np.array(_starts(n, alpha, target))
    most = MOST_STEPS if binary else max(10, min(MOST_BETTING_STEPS, MOST_BETS // n))
    steps = np.round(np.linspace(1, n, min(n, most))).astype(int)
    ordered = np.sort(confidence)[::-1]
    thresholds = np.unique(ordered[np.union1d(steps, starts) - 1])[::-1]
    return alpha / len(starts), np.searchsorted(-thresholds, -ordered[starts - 1]), thresholds


def _accepted(confidence, losses, thresholds):
    """Return how many rows each threshold accepts, and the sum of their losses."""
    order = np.argsort(confidence, kind="stable")
    counts = len(confidence) - np.searchsorted(confidence[order], thresholds, side="left")
    return counts, np.append(0.0, np.cumsum(losses[order][::-1]))[counts]


def _binomial_pvalues(confidence, losses, thresholds, counts, sums, target, share):
    """Return P(Bin(n, target) <= errors)."""
    return np.where(counts > sums, special.bdtr(sums, np.maximum(counts, 1), target), 1.0)


def _betting_pvalues(confidence, losses, thresholds, counts, sums, target, share):
    """Bet that the mean loss is below the target, on the accepted rows of each threshold."""
    pvalues = np.ones(len(thresholds))
    for i in range(len(thresholds) - 1, -1, -1):  # from the loosest, so that ever fewer rows are looked at
        kept = confidence >= thresholds[i]
        confidence, losses = confidence[kept], losses[kept]
        if counts[i]:
            gains = 1.0 - losses
            pvalues[i] = min(1.0, np.exp(-log_capital(gains, fixed_bets(gains, share), 1.0 - target)))
    return pvalues


def _last_of_runs(passed, starts):
    """Return the last step of each walk that passes from its start on."""
    stops = np.append(np.flatnonzero(~passed), len(passed))
    ends = stops[np.searchsorted(stops, starts)] - 1
    return ends[ends >= starts]
