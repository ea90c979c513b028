"""Are the variances right? Counts of responses against a model's ignorance."""

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_count, check_switch

from ._calibration_core import bin_cells, binned_gaps, join_thin, rank_correlation
from ._class_names import column_labels
from ._pair_input import check_class_probabilities, check_counts
from ._pairs import as_pairs
from ._second_order_error import SecondOrderError
from ._ustatistics import pair_targets, squared_errors

__all__ = [
    "pair_counts",
    "second_order_calibration_error",
    "second_order_score",
    "squared_error_ustatistic",
]


@cites("johnson2024")
def second_order_calibration_error(y, pairs, *, n_bins=10) -> SecondOrderError:
    """Return how far a model's epistemic variances lie from its squared errors, binned by variance.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row, independent given x; as many as were planned before any was seen. The
        columns of a frame must be called as the classes of `pairs`, where these have names.
    pairs : PairDistribution or array-like of shape (n_samples, n_classes, n_classes)
        What the model says.
    n_bins : int, default 10
        Bins of equally many cells. Equal variances are never parted, and a bin with the cells of one row alone joins
        the next, so that there may be fewer.

    Returns
    -------
    SecondOrderError
        The error, its noise floor, the error without noise, a proper score, and the bins.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row, what is no distribution of pairs, shapes or names of classes
        that differ, and fewer than two rows.

    See Also
    --------
    second_order_score : the score alone.
    SecondOrderCalibration : a factor with a guarantee.

    Notes
    -----
    **Guarantee.** None for `error`, which is biased upwards: for a calibrated model it is about `noise_floor`. With
    independent rows, bins that depend on the variances alone, and responses that are independent given x and whose
    number does not depend on them (where a third one is bought when two disagree, use the first two),
    `debiased_square` is unbiased for the mean square of the true gaps of the bins, given the variances. Do not resample
    `error`: noise would enter twice.

    A constant variance can have an error of 0: report `score` and `rank_correlation` beside it, as the result does. The
    cells of one row are not independent and are summed before anything is squared.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.epistemic import ScaledVariance, second_order_calibration_error
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(2000)
    >>> votes = rng.binomial(2, rng.beta(3 * p, 3 * (1 - p)))
    >>> y = np.column_stack([2 - votes, votes])
    >>> pairs = ScaledVariance().fit(p[:1000], y[:1000]).predict_pair(p[1000:])
    >>> second_order_calibration_error(y[1000:], pairs)
    <SecondOrderError 0.01778, noise floor 0.01492>
    """
    owner = "second_order_calibration_error"
    n_bins = check_count(n_bins, owner, "n_bins")
    error, variance = _cells(y, pairs, owner)
    n, k = error.shape
    if n < 2:
        raise InputError(f"{owner}: y must hold at least 2 rows; got {n}.")
    e, v = error.ravel(), variance.ravel()
    item = np.repeat(np.arange(n), k)
    bins = binned_gaps(e, v, join_thin(bin_cells(v, min(n_bins, len(v))), item), item)
    return SecondOrderError(
        **bins,
        score=float(np.mean((e - v) ** 2)),
        rank_correlation=rank_correlation(v, e),
        range=(-0.25 - float(v.max()), 1.0 - float(v.min())),
    )


@cites("johnson2024")
def second_order_score(y, pairs, *, per_row=False) -> float | np.ndarray:
    """Return the mean square difference of squared errors and epistemic variances: smaller is better.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row, independent given x; as many as were planned before any was seen. The
        columns of a frame must be called as the classes of `pairs`, where these have names.
    pairs : PairDistribution or array-like of shape (n_samples, n_classes, n_classes)
        What the model says.
    per_row : bool, default False
        Whether to return the score of each row, whose differences between two models `uq.estimate_difference` takes.

    Returns
    -------
    float, or ndarray of shape (n_samples,)
        Mean over rows and classes; over the classes of each row with `per_row`.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row, what is no distribution of pairs, shapes or names of classes
        that differ, and a `per_row` that is neither True nor False.

    Notes
    -----
    It compares variances under one marginal. The squared error that a variance forecasts, (m - p(y|x))^2, depends on
    the marginal m itself, so that a model with better probabilities and right variances may score worse than one with
    worse probabilities: compare those by a proper score of the probabilities first.

    **Guarantee.** If the responses are independent given x and their number does not depend on them (where a third one
    is bought when two disagree, use the first two), the squared errors are estimated without bias, so that among all
    variances that depend on x, for the same marginal, the true (m - p(y|x))^2 has the least expected score. Its level
    holds the noise of the estimates, which fewer responses make larger: compare scores on the same rows only.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> from uq.epistemic import second_order_score
    >>> y, joint = [[2, 0], [1, 1]], [[[.5, .1], [.1, .3]], [[.2, .2], [.2, .4]]]
    >>> round(second_order_score(y, joint), 4)
    0.0394
    >>> second_order_score(y, joint, per_row=True).round(4)
    array([0.0004, 0.0784])
    """
    owner = "second_order_score"
    check_switch(per_row, owner, "per_row")
    error, variance = _cells(y, pairs, owner)
    square = (error - variance) ** 2
    return square.mean(axis=1) if per_row else float(np.mean(square))


@cites("johnson2024")
def squared_error_ustatistic(y, y_prob) -> np.ndarray:
    """Return unbiased estimates of the squared distance between a model's probabilities and the true ones.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row, independent given x.
    y_prob : array-like of shape (n_samples, n_classes), or (n_samples,) for the second of two classes
        Probabilities of a model that did not see these responses.

    Returns
    -------
    ndarray of shape (n_samples, n_classes) or (n_samples,)
        p^2 - 2 p c / n + c (c - 1) / (n (n - 1)), within [-1/4, 1]; often negative, as it must be to be unbiased. Never
        clip it before averaging.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row, probabilities outside [0, 1] or rows that do not sum to 1,
        shapes that differ, and frames whose columns have other names or stand in another order.

    Notes
    -----
    **Guarantee.** Exactly unbiased for (p - p(y|x))^2 of each cell, given x and p, if the responses are independent
    given x and their number does not depend on them. If a third one is bought where two disagree, use the first two.

    Examples
    --------
    >>> from uq.epistemic import squared_error_ustatistic
    >>> squared_error_ustatistic([[2, 0], [1, 1]], [.3, .3]).round(2)
    array([ 0.09, -0.21])
    """
    owner = "squared_error_ustatistic"
    p = check_class_probabilities(y_prob, owner, "y_prob")
    counts = check_counts(y, owner, n=len(p), k=p.shape[1], classes=column_labels(y_prob, owner, "y_prob"), of="y_prob")
    error = squared_errors(counts, p)
    alone = as_numeric(y_prob, owner, "y_prob")
    return error[:, 1] if alone.ndim == 1 or alone.shape[1] == 1 else error


@cites("johnson2024")
def pair_counts(y) -> np.ndarray:
    """Return the share of each pair of classes among all pairs of different responses: what a model of pairs learns.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_classes)
        Counts of responses, two or more per row.

    Returns
    -------
    ndarray of shape (n_samples, n_classes, n_classes)
        W, symmetric, with entries that sum to 1 in each row. The loss of a model J is the sum of -W log J.

    Raises
    ------
    InputError
        For counts that are none or fewer than 2 in a row.

    Notes
    -----
    **Guarantee.** Exactly unbiased for p(k|x) p(l|x), if the responses are independent given x and their number does
    not depend on them. The outer product of shares is not: it counts each response as a pair with itself, and noise
    would pass for ignorance.

    Examples
    --------
    >>> from uq.epistemic import pair_counts
    >>> pair_counts([[2, 1, 0]]).round(3)
    array([[[0.333, 0.333, 0.   ],
            [0.333, 0.   , 0.   ],
            [0.   , 0.   , 0.   ]]])
    """
    return pair_targets(check_counts(y, "pair_counts"))


def _cells(y, pairs, owner):
    """Return squared errors and variances, (n, K), or (n, 1) for two classes, whose cells say the same twice."""
    pairs = as_pairs(pairs, owner)
    counts = check_counts(y, owner, n=len(pairs), k=pairs.n_classes, classes=pairs.classes)
    error, variance = squared_errors(counts, pairs.marginal), pairs.epistemic_variance
    return (error[:, 1:], variance[:, 1:]) if pairs.n_classes == 2 else (error, variance)
