"""What the conformal estimators of single rows share: checked input, sorted scores, thresholds, and their words.

A law says how many of the n + 1 gaps between n sorted scores must be kept (`kept`), what that attains (`attained`) and
the least n for which so many gaps can be spared (`needed`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.classes import (
    check_classes,
    check_column_names,
    check_probability_rows,
    classes_in_names,
    names_of_columns,
)
from uq._base.containers import as_labels, as_numeric, index_of
from uq._base.exceptions import InputError
from uq._base.results import Interval
from uq._base.sklearn import validate_params
from uq._base.validation import (
    check_groups,
    check_level,
    check_matrix,
    check_option,
    check_same_length,
    check_vector,
)

from ._prediction_set import PredictionSet
from ._rank_law import LARGEST
from ._scores import as_score

__all__ = ["SCORES", "Calibrated", "calibrate", "cut", "predicted_interval", "predicted_set", "too_few"]

SCORES = ("absolute", "signed", "normalized", "quantile", "lac", "aps")
LARGEST_SCORE = 1e150  # as for all numbers that come in: beyond it sums and squares overflow


@dataclass(frozen=True)
class Calibrated:
    """What `fit` keeps: the score object and, per stratum, the sorted scores."""

    score: Any
    scores: tuple
    strata: Any
    classes: Any
    columns: tuple
    names: list | None
    exact: bool


# ---- fit


def calibrate(estimator, y_pred, y, y_std=None, strata=None, classes=None):
    """Validate everything, then set the fitted attributes of the estimator, which is returned."""
    name = type(estimator).__name__
    owner = f"{name}.fit"
    if isinstance(estimator.score, str):
        check_option(estimator.score, SCORES, name, "score")
    validate_params(estimator)
    check_level(estimator.confidence_level, name)
    score = as_score(estimator.score, y_pred, classes, owner)
    columns = names_of_columns(y_pred)
    if score.kind == "regression":
        if classes is not None:
            raise InputError(f"{owner}: score={score.name!r} takes no classes, which are for class probabilities.")
        outputs, truth = _check_outcomes(score, y_pred, owner), check_vector(y, owner, "y")
        check_same_length(owner, y_pred=outputs, y=truth)
        extra = _check_std(score, y_std, len(truth), owner)
    else:
        _check_std(score, y_std, 0, owner)
        outputs, labels = _check_probabilities(score, y_pred, owner), as_labels(y, owner, "y")
        check_same_length(owner, y_pred=outputs, y=labels)
        hint = "" if score.own else " (a score without interval(y_pred, threshold) is one of classes)"
        if classes is None:
            classes = classes_in_names(columns, labels)
        extra, truth = check_classes(classes, labels, outputs.shape[1], owner, hint)
    if len(truth) > LARGEST:
        raise InputError(f"{owner}: at most {LARGEST} calibration rows; got {len(truth)}.")
    codes, names = (None, np.empty(0)) if strata is None else _check_strata(strata, len(truth), owner)
    scores = score.score(outputs, truth, extra)
    if score.needs_std and scores.max() > LARGEST_SCORE:
        raise InputError(
            f"{owner}: y_std must not be so small that a score |y - y_pred| / y_std exceeds {LARGEST_SCORE:g}; got "
            f"{scores.max():g}, with a least y_std of {extra.min():g}. A floor such as 1e-9 will do."
        )
    if codes is None:
        scores.sort()
        parts: tuple[Any, ...] = (scores,)
    else:
        order = np.argsort(codes.astype(np.uint16) if len(names) < 2**16 else codes, kind="stable")  # 16 bits: radix
        parts = tuple(np.sort(part) for part in np.split(scores[order], np.cumsum(np.bincount(codes))[:-1]))
    estimator._calibrated = Calibrated(
        score,
        parts,
        None if codes is None else names,
        extra if score.kind == "classification" else None,
        outputs.shape[1:],
        columns,
        # tied scores only add coverage
        score.exact and not any((part[1:] == part[:-1]).any() for part in parts),
    )
    estimator.scores_ = parts[0] if codes is None else parts
    estimator.n_calibration_ = len(truth)
    estimator.classes_ = estimator._calibrated.classes
    return estimator


def _check_strata(strata, n, owner):
    return check_groups(strata, owner, n, name="strata", min_groups=1)


def _check_outcomes(score, y_pred, owner):
    if score.columns == 1:
        array = as_numeric(y_pred, owner, "y_pred")
        if array.ndim == 2 and array.shape[1] > 1:
            raise InputError(
                f"{owner}: y_pred must have shape (n,) or (n, 1) for score={score.name!r}; got {array.shape}. For "
                "probabilities of classes use score='lac' or 'aps', for a low and a high quantile score='quantile'."
            )
        return check_vector(array, owner, "y_pred")
    array = as_numeric(y_pred, owner, "y_pred")
    if score.columns is None:
        check = check_matrix if array.ndim == 2 and array.shape[1] > 1 else check_vector
        return check(array, owner, "y_pred")
    if array.ndim != 2 or array.shape[1] != score.columns:
        raise InputError(
            f"{owner}: y_pred must have shape (n, 2) for score='quantile', a low and a high quantile per row; "
            f"got {array.shape}."
        )
    return check_matrix(array, owner, "y_pred")


def _check_std(score, y_std, n, owner):
    if not score.needs_std:
        if y_std is not None:
            raise InputError(
                f"{owner}: y_std must be left out with score={score.name!r}, which would ignore it; "
                "score='normalized' is the one that divides by it."
            )
        return None
    if y_std is None:
        raise InputError(f"{owner}: score='normalized' needs y_std, one per row; got None.")
    y_std = check_vector(y_std, owner, "y_std")
    check_same_length(owner, **{"y_pred": np.empty(n), "y_std": y_std})
    if not (y_std > 0).all():
        raise InputError(f"{owner}: y_std must be positive; got {y_std.min():g}. A floor such as 1e-9 will do.")
    return y_std


def _check_probabilities(score, y_prob, owner, name="y_pred"):
    array = as_numeric(y_prob, owner, name)
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):  # P(y = the second class)
        array = check_vector(array, owner, name)
        array = np.column_stack([1.0 - array, array])
    if not score.own:  # a caller's own score may look at logits
        return check_matrix(array, owner, name, min_columns=2)
    return check_probability_rows(array, owner, name)


# ---- predict


def predicted_interval(fitted, y_pred, y_std, strata, owner, make_law):
    """Return the Interval of each row, and what to warn of; `make_law(n_test)` gives the law and words about it."""
    score = fitted.score
    if score.kind != "regression":
        raise InputError(f"{owner}: score={score.name!r} is for classes; use predict_set.")
    outputs = _check_outcomes(score, y_pred, owner)
    if outputs.shape[1:] != fitted.columns:
        raise InputError(
            f"{owner}: y_pred must have the columns of fit, shape (n, *{fitted.columns}); got shape {outputs.shape}."
        )
    check_column_names(fitted.names, y_pred, owner, "y_pred")
    y_std = _check_std(score, y_std, len(outputs), owner)
    law, words = make_law(len(outputs))
    low, high, attained, text = _thresholds(fitted, strata, len(outputs), law, owner)
    lower, upper = score.interval(outputs, (low, high) if score.two_sided else high, y_std)
    exact = fitted.exact
    if score.may_cross:
        crossed = lower > upper
        if crossed.any():  # no value is that close; one point covers more than the empty set
            middle = lower[crossed] / 2 + upper[crossed] / 2
            lower[crossed] = upper[crossed] = middle
            exact = False
    for end in (lower, upper):
        end.flags.writeable = False  # so that the result need not copy them
    interval = Interval(
        lower=lower,
        upper=upper,
        confidence_level=law.level,
        attained_level=attained,
        guarantee="exact" if exact else "finite-sample",
        method=words.format(score.name),
        index=index_of(y_pred),
    )
    return interval, text


def predicted_set(fitted, y_prob, strata, owner, make_law):
    """Return the PredictionSet of all rows, and what to warn of."""
    score = fitted.score
    if score.kind != "classification":
        raise InputError(f"{owner}: score={score.name!r} is for outcomes that are numbers; use predict_interval.")
    outputs = _check_probabilities(score, y_prob, owner, "y_prob")
    if outputs.shape[1] != len(fitted.classes):
        raise InputError(
            f"{owner}: y_prob must have one column per class ({len(fitted.classes)}); got {outputs.shape[1]}."
        )
    check_column_names(fitted.names, y_prob, owner, "y_prob", fitted.classes)
    law, words = make_law(len(outputs))
    _, high, attained, text = _thresholds(fitted, strata, len(outputs), law, owner)
    mask = score.table(outputs, fitted.classes) <= (high[:, None] if np.ndim(high) else high)
    mask.flags.writeable = False
    sets = PredictionSet(
        mask=mask,
        classes=fitted.classes,
        confidence_level=law.level,
        attained_level=attained,
        guarantee="exact" if fitted.exact else "finite-sample",
        method=words.format(score.name),
        index=index_of(y_prob),
    )
    return sets, text


def _thresholds(fitted, strata, n_test, law, owner):
    """Return (low, high, attained level) of each row, or of all rows at once, and what to warn of."""
    two_sided = fitted.score.two_sided
    if fitted.strata is None:
        if strata is not None:
            raise InputError(f"{owner}: strata must be left out, because fit had none; or give them to fit as well.")
        low, high, attained = cut(fitted.scores[0], law, two_sided)
        text = too_few(law, two_sided, f"n_calibration = {len(fitted.scores[0])}") if np.isinf(high) else ""
        return low, high, attained, text
    if strata is None:
        raise InputError(f"{owner}: strata must be given, because fit had them: each has a threshold of its own.")
    codes, names = _check_strata(strata, n_test, owner)
    if _kind(names) != _kind(fitted.strata):
        raise InputError(
            f"{owner}: strata must be labels of the kind that fit had, such as {fitted.strata.tolist()[0]!r}; got "
            f"{names.tolist()[0]!r}."
        )
    known = {label: part for label, part in zip(fitted.strata.tolist(), fitted.scores, strict=True)}
    parts = [known.get(label, np.empty(0)) for label in names.tolist()]
    places: dict[int, tuple] = {}  # one per number of rows: exact fractions take time where there are many strata
    for part in parts:
        if len(part) not in places:
            places[len(part)] = _places(len(part), law, two_sided)
    cuts = np.array([_cut_at(part, *places[len(part)]) for part in parts])
    small = [f"{label!r} ({len(p)})" for label, p, c in zip(names.tolist(), parts, cuts, strict=True) if np.isinf(c[1])]
    text = ""
    if small:
        listed = ", ".join(small[:5]) + (f" and {len(small) - 5} more" if len(small) > 5 else "")
        text = too_few(law, two_sided, f"the calibration rows of strata {listed}", "in each stratum")
    low, high, attained = (column[codes] for column in cuts.T)
    return low, high, attained, text


def cut(scores, law, two_sided):
    """Return the thresholds (low, high) of sorted scores, and the level that lies between them."""
    return _cut_at(scores, *_places(len(scores), law, two_sided))


def _places(n, law, two_sided):
    """Return which of n sorted scores are the thresholds, counted from 1, None for infinite ones; and the level."""
    kept = law.kept(n)
    if not two_sided:
        return None, kept if kept <= n else None, law.attained(n, kept)
    # the number of new scores in any so many gaps has the law of the number in the first ones
    dropped = (n + 1 - kept) // 2
    attained = law.attained(n, n + 1 - 2 * dropped)
    return (None, None, attained) if dropped == 0 else (dropped, n + 1 - dropped, attained)


def _cut_at(scores, low, high, attained):
    return (
        -np.inf if low is None else float(scores[low - 1]),
        np.inf if high is None else float(scores[high - 1]),
        attained,
    )


def _kind(labels):
    return "text" if isinstance(labels.tolist()[0], (str, bytes)) else "time" if labels.dtype.kind in "mM" else "number"


def too_few(law, two_sided, what, where=""):
    """Say that nothing finite can be promised, and how many calibration rows would do."""
    needed = law.needed(2 if two_sided else 1)
    rows = f"{needed} calibration rows" if needed else "more than 10^9 calibration rows"
    return (
        f"{what} say too little for confidence_level = {law.level:g}: the answer is everything, a set that leaves "
        f"something out needs {rows}{' ' + where if where else ''}."
    )
