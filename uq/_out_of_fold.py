"""A model fitted on all rows, and what copies of it say of the rows that they did not see."""

import inspect

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupKFold, check_cv, cross_val_predict
from sklearn.utils.validation import _num_samples

from ._base.containers import as_numeric
from ._base.exceptions import InputError
from ._wrapper_verbs import kind_of

__all__ = ["fit_out_of_fold", "takes"]


def takes(estimator, name):
    """Tell whether the `fit` of an estimator takes an argument of this name."""
    return name in inspect.signature(estimator.fit).parameters


class _Asked(BaseEstimator):
    """A model whose `predict` is another of its methods."""

    def __init__(self, model, method):
        self.model = model
        self.method = method

    def fit(self, X, y, **params):
        self.model_ = clone(self.model).fit(X, y, **params)
        return self

    def predict(self, X):
        answer = getattr(self.model_, self.method)(X)
        return answer.joint if self.method == "predict_pair" else answer  # folds are put together as arrays


def fit_out_of_fold(model, cv, X, y, method, fit_params):
    """Return the model fitted on all rows, and its out-of-fold outputs."""
    if _num_samples(X) < 2:
        raise InputError(
            f"WrappedModel.fit: X must have at least two rows for a model that is not fitted; "
            f"got n_samples={_num_samples(X)}. Give a fitted model."
        )
    groups = fit_params.get("groups")
    params = {name: value for name, value in fit_params.items() if takes(model, name)}
    if groups is not None and (cv is None or isinstance(cv, (int, np.integer))):
        cv = GroupKFold(5 if cv is None else cv)
    else:
        cv = check_cv(cv, y, classifier=kind_of(model) == "classifier")
    fitted = clone(model).fit(X, y, **params)  # first, so that bad input fails in the model's own words
    folds = list(cv.split(X, y, groups))
    if np.ndim(y) == 1:
        return fitted, cross_val_predict(clone(model), X, y, cv=folds, method=method, params=params)
    asked = _Asked(clone(model), method)  # scikit-learn would recode each column of y for predict_proba
    rows = y if hasattr(y, "iloc") else as_numeric(y, "WrappedModel.fit", "y")
    return fitted, cross_val_predict(asked, X, rows, cv=folds, params=params)
