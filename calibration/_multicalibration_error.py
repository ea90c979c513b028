"""How far from calibrated the worst subgroup is, of many that may overlap."""

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_count, check_matrix, check_option, is_binary

from ._bins import uniform_bins
from ._forecast import check_forecast

__all__ = ["MOST_BINS", "cell_sums", "check_subgroups", "multicalibration_error"]

MOST_BINS = 10**4


def check_subgroups(subgroups, n, owner):
    """Return a boolean matrix (n, n_subgroups) as float, a column of ones for all rows first."""
    if subgroups is None:
        return np.ones((n, 1))
    array = check_matrix(subgroups, owner, "subgroups")
    if len(array) != n:
        raise InputError(f"{owner}: subgroups must have one row per row of y_prob ({n}); got {len(array)}.")
    if not is_binary(array):
        raise InputError(
            f"{owner}: subgroups must be boolean, one column per subgroup; got values from {array.min():g} to "
            f"{array.max():g}. Labels become columns by np.asarray(labels)[:, None] == np.unique(labels)."
        )
    return np.column_stack([np.ones(n), array])


def cell_sums(index, n_bins, members, values):
    """Return the sums of values within each bin (rows) and subgroup (columns)."""
    return np.column_stack([np.bincount(index, values * member, n_bins) for member in members.T])


def multicalibration_error(
    y_true, y_prob, subgroups, *, n_bins=10, scale="share", sample_weight=None, groups=None, classes=None
):
    """Return the calibration error of the subgroup in which it is worst.

    Within each subgroup, and among all rows, it is the sum over bins of equal width of ``|mean residual|`` times the
    share of rows.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0 and 1 or shares for one column, labels for several.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), or one column per class, of which the largest is held against whether it came true.
    subgroups : array-like of bool, shape (n_samples, n_subgroups)
        Who belongs to which; they may overlap.
    n_bins : int, default 10
    scale : {"share", "subgroup"}, default "share"
        "share" divides by the number of all rows, so that small subgroups count little, as in the definition of
        multicalibration; "subgroup" by the number of rows of the subgroup, its own expected calibration error.
    sample_weight : array-like of shape (n_samples,), optional
    groups : array-like of shape (n_samples,), optional
        Checked, without effect on the value: clusters matter for its interval.
    classes : array-like of shape (n_classes,), optional
        The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
        sorted labels. A resample need not hold all of them.

    Returns
    -------
    float
        Within [0, 1].

    Raises
    ------
    InputError
        For probabilities outside [0, 1], subgroups that are not boolean, lengths that differ.

    Notes
    -----
    The plug-in value of finitely many rows is biased upwards, the more so the smaller the subgroups. For an interval
    hand the subgroups to `uq.estimate_metric` beside the forecast, which draws rows of both together::

        both = np.column_stack([p, subgroups])
        uq.estimate_metric(lambda y, m: multicalibration_error(y, m[:, 0], m[:, 1:]), y, both)

    **Guarantee.** Finite-sample, for i.i.d. rows of equal weight and ``scale="share"``: on average it is never below
    the error of the population in the same bins and subgroups, as a largest sum of absolute means is convex in them. It
    is asymptotic for that error, with weights and by "subgroup" as well. Of subgroups that were not given it says
    nothing, nor of errors that cancel within a bin; and above 0 it is no evidence, as a calibrated forecast has an
    error above 0 in finitely many rows.

    References
    ----------
    .. [1] U. Hebert-Johnson, M. Kim, O. Reingold, G. Rothblum (2018). Multicalibration: calibration for the
       (computationally-identifiable) masses. arXiv:1711.08513.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import multicalibration_error
    >>> women = np.array([True, True, False, False])
    >>> multicalibration_error([1, 1, 0, 0], [.5, .5, .5, .5], np.column_stack([women, ~women]))
    0.25
    >>> multicalibration_error([1, 1, 0, 0], [.5, .5, .5, .5], np.column_stack([women, ~women]), scale="subgroup")
    0.5
    """
    owner = "multicalibration_error"
    check_count(n_bins, owner, "n_bins", high=MOST_BINS)
    check_option(scale, ("share", "subgroup"), owner, "scale")
    forecast = check_forecast(y_true, y_prob, owner, sample_weight=sample_weight, groups=groups, classes=classes)
    p, y = forecast.confidence()
    if subgroups is None:
        raise InputError(f"{owner}: subgroups must be a boolean matrix (n, n_subgroups); got None.")
    members = check_subgroups(subgroups, len(p), owner)
    w = np.full(len(p), 1 / len(p)) if forecast.weights is None else forecast.weights / forecast.weights.max()
    w = w / w.sum()
    index = uniform_bins(p, n_bins)
    errors = np.abs(cell_sums(index, n_bins, members, w * (p - y))).sum(axis=0)
    if scale == "subgroup":
        masses = w @ members
        errors = errors[masses > 0] / masses[masses > 0]
    return float(min(errors.max(), 1.0))
