"""Which errors would go if the least confident answers went: area under the risk-coverage curve, errors that remain."""

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import (
    check_groups,
    check_number,
    check_option,
    check_same_length,
    check_vector,
    check_weights,
)

from ._selective_core import area, as_counts, best_blocks, tied_blocks

__all__ = ["aurc", "check_answered", "error_at_confidence"]

KINDS = ("aurc", "excess", "generalized")
TIES = ("average", "best", "worst")


def check_answered(correct, confidence, owner, sample_weight, groups):
    """Return the losses, the confidences, weights that count rows and the codes of clusters."""
    correct = check_vector(correct, owner, "correct")
    if correct.min() < 0 or correct.max() > 1:
        raise InputError(
            f"{owner}: correct must be 1, 0 or a share between them; got values from {correct.min():g} to "
            f"{correct.max():g}. It comes first: (correct, confidence)."
        )
    confidence = check_vector(confidence, owner, "confidence")
    n = check_same_length(owner, correct=correct, confidence=confidence)
    weights = check_weights(sample_weight, owner, n)
    codes = None if groups is None else check_groups(groups, owner, n)[0]
    return 1.0 - correct, confidence, as_counts(weights), codes


@cites("geifman2019", "traub2024")
def aurc(correct, confidence, *, kind="aurc", ties="average", sample_weight=None, groups=None):
    """Return the area under the risk-coverage curve, ties averaged exactly.

    Answers are accepted from the most confident down, and the risk is the share of wrong ones among the accepted. The
    area is the mean of the risk over all numbers of accepted answers, 1 to n: the smaller the better.

    Parameters
    ----------
    correct : array-like of shape (n_samples,)
        1 for a right answer, 0 for a wrong one, or a share between them.
    confidence : array-like of shape (n_samples,)
        High where the answer is trusted; any scale, only the order counts.
    kind : {"aurc", "excess", "generalized"}, default "aurc"
        "excess" subtracts the area of an oracle, which puts all errors last. "generalized" takes the errors among the
        accepted over n, instead of over the accepted (AUGRC); see Notes.
    ties : {"average", "best", "worst"}, default "average"
        What equal confidences mean: the mean over all orders of tied rows, or the least and the largest area that an
        order of tied rows can give. The range from "best" to "worst" is what sorting alone can do to the number.
    sample_weight : array-like of shape (n_samples,), optional
        A row of weight w counts as w rows, 3 like three copies. Weights that sum to less than one per row are scaled
        up to one per row first.
    groups : array-like of shape (n_samples,), optional
        Cluster labels; they do not change the value, only its interval (see Examples).

    Returns
    -------
    float

    Raises
    ------
    InputError
        For NaN, infinite or no values, values of `correct` outside [0, 1], lengths that differ, bad weights or groups,
        or an unknown `kind` or `ties`.

    See Also
    --------
    risk_coverage_curve : The curve itself.

    Notes
    -----
    Confidences that a language model puts into words take few values, and an area that depends on the order of the
    rows is then no property of the model. Among the first j of m tied rows with w errors an expected j w / m stand, so
    the mean over all orders is a sum over blocks of ties, taken without drawing any order.

    With a the error rate and AUROC the chance that a right answer is more confident than a wrong one (ties count 1/2),
    the generalized area equals (1 - AUROC) a (1 - a) + a^2 / 2 + a / (2 n): it says no more than AUROC and a do. The
    trapezoid of Traub et al. leaves out a / (2 n).

    **Guarantee.** Asymptotic: of independent rows it converges to the area of the population, with a bias of order 1/n,
    upwards where confidence tells right from wrong; so does the interval of `uq.estimate_metric`, of rows or clusters.
    For the rows at hand it is the exact mean over all orders of ties. Nothing is promised of the smallest of several
    areas that one of the models was picked by.

    References
    ----------
    .. [1] Y. Geifman, G. Uziel, R. El-Yaniv (2019). Bias-reduced uncertainty estimation for deep neural classifiers.
       arXiv:1805.08206.
    .. [2] J. Traub, T. Bungert, C. Lueth et al. (2024). Overcoming common flaws in the evaluation of selective
       classification systems. arXiv:2407.01032.

    Examples
    --------
    >>> from calibration import aurc
    >>> correct = [1, 1, 0, 1, 0, 0, 1, 0]
    >>> confidence = [.9, .9, .9, .9, .8, .8, .8, .5]
    >>> [round(aurc(correct, confidence, ties=ties), 3) for ties in ("best", "average", "worst")]
    [0.214, 0.331, 0.489]

    Its interval, over rows or over clusters (prompts that were asked several times, say):

    >>> from uq import estimate_metric
    >>> area = estimate_metric(aurc, correct * 10, confidence * 10, groups=list(range(40)) * 2, n_resamples=199, rng=0)
    >>> bool(area.conf_int().contains(area.estimate))
    True
    """
    check_option(kind, KINDS, "aurc", "kind")
    check_option(ties, TIES, "aurc", "ties")
    loss, confidence, weights, _ = check_answered(correct, confidence, "aurc", sample_weight, groups)
    _, size, errors = tied_blocks(confidence, loss, weights, ties)
    value = area(size, errors, "generalized" if kind == "generalized" else "aurc")
    if kind != "excess":
        return value
    size, errors = best_blocks(loss, weights)
    return max(value - area(size, errors, "aurc"), 0.0)


def error_at_confidence(correct, confidence, threshold, *, empty="raise", sample_weight=None, groups=None):
    """Return the share of wrong answers among those with a confidence of at least `threshold`.

    Parameters
    ----------
    correct : array-like of shape (n_samples,)
        1 for a right answer, 0 for a wrong one, or a share between them.
    confidence : array-like of shape (n_samples,)
        High where the answer is trusted; any scale.
    threshold : float
        It is read in the precision of the confidences, so that .9 takes in a confidence of .9 stored in float32, which
        is a smaller number.
    empty : {"raise", "nan"}, default "raise"
        What happens where no answer is that confident: an error, or NaN. A model that is never that sure has made no
        errors, but a 0 would rank it first.
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative weights.
    groups : array-like of shape (n_samples,), optional
        Cluster labels; they do not change the value, only its interval (see Examples).

    Returns
    -------
    float

    Raises
    ------
    InputError
        For NaN, infinite or no values, values of `correct` outside [0, 1], lengths that differ, bad weights or groups,
        and where no answer (none of positive weight) has this confidence, unless ``empty="nan"``.

    See Also
    --------
    risk_coverage_curve : All thresholds, with a band.
    conformal.RiskControl : A threshold below which the error stays with a guarantee.

    Notes
    -----
    At a threshold that was fixed before the data the accepted rows are a sample of their own, so that
    `uq.estimate_mean` on them gives the exact interval of independent answers, and the cluster-robust one for clusters.
    `uq.estimate_metric` works as well, where resamples without such an answer count against both ends.

    **Guarantee.** Finite-sample: for independent rows of equal weight and a threshold that was fixed before them it is
    unbiased, given that any answer is accepted. With weights, or by clusters, asymptotic. At a threshold that was
    picked because few errors lie above it in these rows it is too small; `conformal.RiskControl` picks one that holds.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import error_at_confidence
    >>> from uq import estimate_mean
    >>> confidence = np.repeat([.7, .8, .9, .95], 25)
    >>> correct = np.tile([1, 1, 1, 0, 1], 20)
    >>> error_at_confidence(correct, confidence, .9)
    0.2
    >>> estimate_mean(1 - correct[confidence >= .9]).conf_int()
    [0.1003, 0.3372] (95 % interval, method: clopper_pearson, guarantee: finite-sample)
    """
    owner = "error_at_confidence"
    check_option(empty, ("raise", "nan"), owner, "empty")
    threshold = check_number(threshold, owner, "threshold")
    loss, values, weights, _ = check_answered(correct, confidence, owner, sample_weight, groups)
    accepted = _reach(values, threshold, _precision(confidence))
    weights = accepted.astype(np.float64) if weights is None else np.where(accepted, weights, 0.0)
    total = weights.sum()
    if total > 0:
        return float(min((weights @ loss) / total, 1.0))
    if empty == "nan":
        return float("nan")
    raise InputError(
        f"{owner}: threshold must be reached by at least one answer of positive weight; got {threshold:g}, and "
        f"confidences up to {values.max():g}. Lower it, or pass empty='nan'."
    )


def _precision(x):
    """Return the type of number that a container of single or half precision holds, or None for doubles and others."""
    first = x[0] if isinstance(x, (list, tuple)) else x
    arrow = type(x).__module__.partition(".")[0] == "pyarrow"
    text = str(x.type if arrow and hasattr(x, "type") else getattr(first, "dtype", "")).lower()
    if "bfloat16" in text:
        return _bfloat16
    if "float16" in text or "halffloat" in text:
        return np.float16
    single = ("float", "float[pyarrow]", "<f4", ">f4")  # the first is pyarrow's, of which "double" is the double
    return np.float32 if "float32" in text or text in single else None


def _bfloat16(value):
    """Round to the upper half of a single, ties to even."""
    bits = int(np.float32(value).view(np.uint32))
    return np.uint32((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)


def _reach(values, threshold, precision):
    """Tell which values are at least the threshold, in the precision they were stored in."""
    with np.errstate(over="ignore"):
        if precision is not None:
            return values >= float(precision(threshold))
        accepted = values >= threshold
        # singles that were widened on their way: .9 is the six digits, not the double
        for kind, digits in ((np.float32, 6), (np.float16, 3)):
            if float(f"{threshold:.{digits}g}") == threshold:
                accepted |= values == float(kind(threshold))
    return accepted
