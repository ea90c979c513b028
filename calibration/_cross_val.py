"""Out-of-fold calibrated probabilities: every row is answered by a map that has not seen it."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv

from uq._base.classes import names_of_columns
from uq._base.exceptions import InputError
from uq._base.validation import check_count

from ._folds import make_folds
from ._forecast import match_truth
from ._recalibrator import Recalibrator

__all__ = ["cross_val_calibrate"]


def cross_val_calibrate(calibrator, y_prob, y, *, cv=5, groups=None, sample_weight=None, classes=None):
    """Return calibrated probabilities of the very rows that the calibrator learns from, each by the other folds.

    Parameters
    ----------
    calibrator : recalibrator of this package
        It is cloned, and not changed.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        P(y = 1), or one column per class; logits where the calibrator has ``input="logit"``.
    y : array-like of shape (n_samples,)
        0 and 1 for one column, labels for several.
    cv : int, splitter or iterable of (train, test), default 5
        An int means that many folds, dealt at random and with equal shares of each label; whole groups where
        `groups` are given. The test rows of the folds must be a partition.
    groups : array-like of shape (n_samples,), optional
        Cluster labels: rows of one group share a fold.
    sample_weight : array-like of shape (n_samples,), optional
    classes : array-like of shape (n_classes,), optional
        The label of each column.

    Returns
    -------
    ndarray of the shape of `y_prob`

    Raises
    ------
    InputError
        For what the calibrator's `fit` refuses, fewer rows or groups than folds, and folds that are no partition.

    Warns
    -----
    UserWarning
        What the calibrator warns of in some folds, once.

    Notes
    -----
    Folds made from a number deal the rows at random, by a fixed seed, with the classes spread evenly over them.

    **Guarantee.** None of its own: each answer is that of a calibrator fitted on (1 - 1/cv) of the rows, none of them
    of the same fold, so that metrics of the answers are not optimistic as they are in sample. They describe the
    procedure, not one fitted map; the folds share rows, so their errors are not independent.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import PlattScaling, cross_val_calibrate
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(1000)
    >>> y = rng.random(1000) < p**2
    >>> calibrated = cross_val_calibrate(PlattScaling(), p, y)
    >>> calibrated.shape, round(float(np.mean((calibrated - y) ** 2)), 3)
    ((1000,), 0.142)
    """
    owner = "cross_val_calibrate"
    if not isinstance(calibrator, Recalibrator):
        raise InputError(
            f"{owner}: calibrator must be a recalibrator of this package, such as PlattScaling(); got "
            f"{calibrator!r:.100}."
        )
    outputs = calibrator._check_outputs(y_prob, owner)
    rows = match_truth(
        y,
        outputs,
        owner,
        sample_weight=sample_weight,
        groups=groups,
        classes=classes,
        soft=calibrator._soft,
        y_name="y",
        names=names_of_columns(y_prob),
    )
    folds = _folds(cv, rows, owner)
    truth = rows.y if rows.classes is None else rows.classes[rows.y]
    answer = np.empty(outputs.shape)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for train, test in folds:
            weights = None if rows.weights is None else rows.weights[train]
            fitted = clone(calibrator).fit(outputs[train], truth[train], sample_weight=weights, classes=rows.classes)
            answer[test] = fitted.predict_proba(outputs[test])
    if caught:
        warnings.warn(
            f"{owner}, in {len(caught)} of {len(folds)} folds: {caught[0].message}", caught[0].category, stacklevel=2
        )
    return answer


def _folds(cv, rows, owner):
    n = len(rows.y)
    if cv is None or isinstance(cv, Integral):
        cv = check_count(5 if cv is None else cv, owner, "cv", low=2)
        units = n if rows.groups is None else int(rows.groups.max()) + 1
        if units < cv:
            raise InputError(
                f"{owner}: cv must be at most the number of {'rows' if rows.groups is None else 'groups'} ({units}); "
                f"got {cv}."
            )
        # dealt at random by a fixed seed, so that sorted rows do no harm, with each class spread evenly
        strata = rows.y if (rows.y == np.round(rows.y)).all() else np.argsort(np.argsort(rows.y)) * cv // n
        return make_folds(cv, strata, rows.groups, np.random.default_rng(0), owner)
    else:
        try:
            splitter = check_cv(cv)
        except (ValueError, TypeError) as error:
            raise InputError(f"{owner}: cv must be an int, a splitter or an iterable of folds. {error}") from None
    try:
        folds = [
            (np.arange(n)[train], np.arange(n)[test])
            for train, test in splitter.split(np.empty(n), rows.y, rows.groups)
        ]
    except (ValueError, TypeError, IndexError) as error:
        raise InputError(f"{owner}: cv must split these rows; it failed: {error}") from None
    seen = np.bincount(np.concatenate([test for _, test in folds]), minlength=n) if folds else np.zeros(n)
    leak = any(np.intersect1d(train, test).size for train, test in folds) or (
        rows.groups is not None
        and any(np.intersect1d(rows.groups[train], rows.groups[test]).size for train, test in folds)
    )
    if leak:
        raise InputError(
            f"{owner}: cv must keep each row, and each group, on one side of every fold; got a fold that trains on "
            "what it answers for. For clusters use a splitter that heeds groups, such as GroupKFold."
        )
    if (seen != 1).any() or any(not len(train) for train, _ in folds):
        raise InputError(
            f"{owner}: the test rows of cv must hold each row once, and no training part may be empty; got "
            f"{int((seen == 0).sum())} rows in none and {int((seen > 1).sum())} in several."
        )
    return folds
