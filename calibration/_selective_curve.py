"""The risk-coverage curve, with a band for each point by itself."""

import numpy as np
from scipy import special

from uq._base.bounds import clopper_pearson_lower, clopper_pearson_upper
from uq._base.citation import cites
from uq._base.curve import Curve
from uq._base.exceptions import InputError
from uq._base.validation import check_level, check_option, is_binary

from ._selective import TIES, check_answered
from ._selective_core import cluster_errors, tied_blocks

__all__ = ["risk_coverage_curve"]


@cites("elyaniv2010", "clopper1934", "cameron2015")
def risk_coverage_curve(
    correct, confidence, *, x="coverage", ties="together", confidence_level=None, sample_weight=None, groups=None
) -> Curve:
    """Return the share of wrong answers among the accepted, against the share that is accepted.

    Parameters
    ----------
    correct : array-like of shape (n_samples,)
        1 for a right answer, 0 for a wrong one, or a share between them.
    confidence : array-like of shape (n_samples,)
        High where the answer is trusted; any scale.
    x : {"coverage", "threshold"}, default "coverage"
        What the risk stands against: the share of answers that are accepted, or the least confidence that is.
    ties : {"together", "average", "best", "worst"}, default "together"
        "together" gives one point per distinct confidence: what a threshold can reach. The others give one point per
        row: within a tie the expected risk over all orders of the tied rows, or the order that is best or worst.
    confidence_level : float, optional
        In (0, 1): adds a band to the points of ``ties="together"``. None: no band.
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative weights; coverage and risk are weighted.
    groups : array-like of shape (n_samples,), optional
        Cluster labels, for the band.

    Returns
    -------
    Curve
        Largest confidence first; `count` is the number of answers accepted (with weights: of positive weight).

    Raises
    ------
    InputError
        For NaN, infinite or no values, values of `correct` outside [0, 1], lengths that differ, bad weights or groups,
        a level outside (0, 1), unknown options, or a band together with `ties` other than "together".

    See Also
    --------
    aurc : The area below: the mean of the points of ``ties="average"``.
    conformal.RiskControl : A threshold chosen from the data, with a guarantee for the risk below it.

    Notes
    -----
    **Guarantee.** Of the band, for each point by itself and never for the curve as a whole. Independent rows, answers
    right or wrong, no weights: finite-sample (Clopper-Pearson). At a threshold that was fixed before the data the band
    holds P(wrong | confidence >= threshold) with probability `confidence_level` at least. It does so as well at the
    last point whose coverage is at most a share fixed before the data, for the risk of accepting what lies above the
    next smaller confidence seen. At a point picked because its risk looked low it does not: use `conformal.RiskControl`
    for that. With weights, groups or shares: asymptotic (the cluster-robust t law of the ratio), [0, 1] where one
    cluster, or no variation, says nothing.

    References
    ----------
    .. [1] R. El-Yaniv, Y. Wiener (2010). On the foundations of noise-free selective classification. Journal of Machine
       Learning Research 11.

    Examples
    --------
    >>> from calibration import risk_coverage_curve
    >>> correct = [1, 1, 1, 0, 1, 0, 0, 1]
    >>> confidence = [.9, .9, .9, .9, .8, .8, .5, .5]
    >>> print(risk_coverage_curve(correct, confidence, x="threshold", confidence_level=.9))
    risk against threshold, 90 % band
      x       y    lower   upper  count
    0.9    0.25  0.01274  0.7514      4
    0.8  0.3333  0.06285  0.7287      6
    0.5   0.375   0.1111  0.7108      8
    method: clopper_pearson, pointwise, guarantee: finite-sample
    """
    owner = "risk_coverage_curve"
    check_option(x, ("coverage", "threshold"), owner, "x")
    check_option(ties, ("together", *TIES), owner, "ties")
    if confidence_level is not None:
        confidence_level = check_level(confidence_level, owner)
        if ties != "together":
            raise InputError(
                f"{owner}: confidence_level needs ties='together', the points that a threshold can reach; got "
                f"ties={ties!r}."
            )
    loss, confidence, weights, codes = check_answered(correct, confidence, owner, sample_weight, groups)
    if ties == "together":
        threshold, size, wrong = tied_blocks(confidence, loss, weights, "average")
        count = (
            size if weights is None else tied_blocks(confidence, loss, (weights > 0).astype(np.float64), "average")[1]
        )
    else:
        threshold, size, wrong, count = _each_row(confidence, loss, weights, ties)
    accepted, errors, count = np.cumsum(size), np.cumsum(wrong), np.cumsum(np.rint(count).astype(np.int64))
    risk = np.clip(errors / accepted, 0.0, 1.0)
    lower = upper = None
    guarantee, method = "none", "risk coverage"
    if confidence_level is not None:
        alpha = (1 - confidence_level) / 2
        if weights is None and codes is None and is_binary(loss):
            guarantee, method = "finite-sample", "clopper_pearson, pointwise"
            lower, upper = clopper_pearson_lower(errors, count, alpha), clopper_pearson_upper(errors, count, alpha)
        else:
            guarantee, method = "asymptotic", "cluster, pointwise"
            lower, upper = _cluster_band(confidence, loss, weights, codes, risk, alpha)
    return Curve(
        x=accepted / accepted[-1] if x == "coverage" else threshold,
        y=risk,
        lower=lower,
        upper=upper,
        count=count,
        confidence_level=confidence_level,
        guarantee=guarantee,
        method=method,
        x_label=x,
        y_label="risk",
    )


def _each_row(confidence, loss, weights, ties):
    """Return threshold, weight, loss and count of single rows in the order that `ties` asks for."""
    size = np.ones(len(loss)) if weights is None else weights
    order = np.lexsort((-loss if ties == "worst" else loss, -confidence))
    order = order[size[order] > 0]
    confidence, loss, size = confidence[order], loss[order] * size[order], size[order]
    if ties == "average":
        starts = np.flatnonzero(np.concatenate([[True], confidence[1:] != confidence[:-1]]))
        many = np.diff(starts, append=len(loss))
        loss, size = (np.repeat(np.add.reduceat(v, starts) / many, many) for v in (loss, size))
    return confidence, size, loss, np.ones(len(loss))


def _cluster_band(confidence, loss, weights, codes, risk, alpha):
    codes = np.arange(len(loss)) if codes is None else codes
    error, n_groups = cluster_errors(confidence, loss, weights, codes)
    half = -special.stdtrit(np.maximum(n_groups - 1, 1), alpha) * error
    says = (n_groups > 1) & (error > 0)
    return np.where(says, np.maximum(risk - half, 0.0), 0.0), np.where(says, np.minimum(risk + half, 1.0), 1.0)
