"""Scores of scikit-learn that are means over rows: the value of each row, and what such a value can be."""

from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from uq._base.exceptions import InputError

__all__ = ["check_direction", "row_scorer"]

OWNER = "Holdout.score"


def _flat(values, dtype=None):
    """Return an array of shape (n,) of one of (n, 1), which would be broadcast against the other."""
    values = np.asarray(values, dtype=dtype)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _response(scorer):
    method = getattr(scorer, "_response_method", None)
    return (method,) if isinstance(method, str) else tuple(method or ())


def _accuracy(estimator, X, y):
    return _flat(estimator.predict(X)) == _flat(y)


def _squared(estimator, X, y):
    return -((_flat(estimator.predict(X), float) - _flat(y, float)) ** 2)


def _absolute(estimator, X, y):
    return -np.abs(_flat(estimator.predict(X), float) - _flat(y, float))


def _probability(estimator, X, y):
    """Return the columns of classes and the column of each row's truth, -1 for a class that was never seen."""
    p, classes = np.asarray(estimator.predict_proba(X), dtype=float), np.asarray(estimator.classes_)
    match = _flat(y)[:, None] == classes
    return p, np.where(match.any(axis=1), match.argmax(axis=1), -1)


def _log_loss(estimator, X, y):
    p, truth = _probability(estimator, X, y)
    # a class that was never seen has probability 0, and the bounds say how bad that is
    given = np.where(truth >= 0, p[np.arange(len(p)), truth], 0.0)
    with np.errstate(divide="ignore"):
        return np.log(given)


def _brier(estimator, X, y):
    p, truth = _probability(estimator, X, y)
    if p.shape[1] != 2:
        raise ValueError("neg_brier_score is for two classes")
    return -((p[:, 1] - (truth == 1)) ** 2)


SCORES: dict[str, tuple[Any, Any]] = {
    "accuracy": (_accuracy, (0.0, 1.0)),
    "neg_brier_score": (_brier, (-1.0, 0.0)),
    "neg_log_loss": (_log_loss, None),
    "neg_mean_absolute_error": (_absolute, None),
    "neg_mean_squared_error": (_squared, None),
}


def row_scorer(scorer, bounds):
    """Return (function of estimator, X and y with one value per row, bounds, whether no row may lie beyond them)."""
    name = _name_of(scorer)
    function: Any
    usual: Any
    if name is None:
        if not callable(scorer) or hasattr(scorer, "_score_func"):
            raise InputError(
                f"{OWNER}: scorer must be one of {', '.join(map(repr, sorted(SCORES)))}, or a function "
                f"(estimator, X, y) that returns one number per row; got {scorer!r:.100}. Only means over rows have a "
                "certificate: ask for the parts of a ratio such as F1 (how often true positives, ...) one by one."
            )
        function, usual = scorer, None
    else:
        function, usual = SCORES[name]
    if bounds is None and name is None:
        raise InputError(
            f"{OWNER}: bounds must be given for a function: the least and the greatest value that a row can have, such "
            "as (0, 1); what lies outside is clipped. Got None."
        )
    if bounds is None and usual is None:
        raise InputError(
            f"{OWNER}: bounds must be given for {name!r}, whose values have no limit: (low, high) of the negated loss "
            "of a row, such as (-5, 0); what lies outside is clipped. Got None."
        )
    return function, usual if bounds is None else bounds, name is None or usual is not None


def check_direction(scorer):
    """Raise InputError for scores of which more is better: a Ladder keeps the least."""
    if (name := _name_of(scorer)) is not None:
        raise InputError(
            f"{OWNER}: scorer must be a loss for a Ladder, which keeps the least; got {name!r}, of which more is "
            "better. Give a function with losses in [0, 1], such as scorer=lambda estimator, X, y: "
            "estimator.predict(X) != y, bounds=(0, 1)."
        )


def _name_of(scorer):
    if isinstance(scorer, str):
        return scorer if scorer in SCORES else None
    function = getattr(scorer, "_score_func", None)  # the scorers of scikit-learn
    if function is None or getattr(scorer, "_kwargs", None):
        return None
    for name in SCORES:
        known = get_scorer(name)
        same = known._score_func is function and known._sign == scorer._sign
        # a scorer of probabilities that is given classes scores those
        if same and _response(known) == _response(scorer):
            return name
    return None
