"""How low can the confidence be before too many answers are wrong? A threshold whose risk is below a target."""

import contextlib
import warnings
from collections.abc import Callable
from math import ceil, log, log1p
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
        In (0, 1).
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
        outside [0, 1], and parameters out of range.

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

    From data, thresholds are walked from strict to loose until one is not rejected: fixed-sequence testing [1]_. The
    walk starts where four times as many rows are accepted as the test needs without any loss; where there are many
    rows, further walks start 8-fold later, and all share the error.

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
    0.789
    >>> control.select(rng.random(200))
    <39 of 200 selected, risk below 0.1, with probability 95 %; threshold 0.7892>
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
            High where the answer is trusted; any scale.
        y : array-like of shape (n_calibration,)
            1 where the answer is correct, else 0; under a callable `loss`, what that takes.

        Returns
        -------
        self
        """
        owner = "RiskControl.fit"
        validate_params(self)
        alpha = 1 - check_level(self.confidence_level, "RiskControl")
        target = check_number(self.target, "RiskControl", "target", low=0, high=1)
        confidence = check_vector(confidence, owner, "confidence")
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
        pvalue = _binomial_pvalues if binary else _betting_pvalues
        counts, sums = _accepted(confidence, losses, thresholds)
        pvalues = pvalue(confidence, losses, thresholds, counts, sums, target, share)
        passed = pvalues <= share
        found = _last_of_runs(passed, starts) if self.thresholds is None else np.flatnonzero(passed)
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
        scores = check_vector(confidence, "RiskControl.select", "confidence")
        return Selection(
            mask=scores >= self.threshold_,
            threshold=self.threshold_,
            confidence_level=float(self.confidence_level),
            target=float(self.target),
            guarantee="finite-sample",
            method="risk control",
            scores=scores.copy(),
            index=index_of(confidence),
        )


def _fewest(alpha, target):
    """Return how many rows without loss are needed before the test can reject."""
    return ceil(log(alpha) / log1p(-target) - 1e-12)


def _starts(n, alpha, target):
    """Return how many rows the first step of each walk accepts: four times what the test needs, and 8-fold from there.

    Chosen by the share of rows accepted under three risk curves; a start too small stops at its first loss.
    """
    walks = 1
    while 4 * _fewest(alpha / (walks + 1), target) * 8**walks <= n:
        walks += 1
    least = 4 * _fewest(alpha / walks, target)
    if 2 * least > n:
        return [min(n, max(_fewest(alpha, target), n // 4))]
    return [least * 8**walk for walk in range(walks)]


def _from_data(confidence, alpha, target, binary):
    """Return the error of each walk, the first step of each, and the thresholds, strictest first.

    Counts of accepted rows are fixed by n, alpha and target; ties only merge some of them.
    """
    n = len(confidence)
    starts = np.array(_starts(n, alpha, target))
    steps = np.round(np.linspace(1, n, min(n, MOST_STEPS if binary else MOST_BETTING_STEPS))).astype(int)
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
    for i, (threshold, count) in enumerate(zip(thresholds, counts, strict=True)):
        if count:
            gains = 1.0 - losses[confidence >= threshold]
            pvalues[i] = min(1.0, np.exp(-log_capital(gains, fixed_bets(gains, share), 1.0 - target)))
    return pvalues


def _last_of_runs(passed, starts):
    """Return the last step of each walk that passes from its start on."""
    stops = np.append(np.flatnonzero(~passed), len(passed))
    ends = stops[np.searchsorted(stops, starts)] - 1
    return ends[ends >= starts]
