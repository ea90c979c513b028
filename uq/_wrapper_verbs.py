"""The verbs of a wrapper, offered on the rows of features that its model turns into outputs."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

__all__ = ["WrapperVerbs", "kind_of"]


def kind_of(model):
    """Return "classifier", "regressor" or another estimator type."""
    try:
        return get_tags(model).estimator_type
    except (AttributeError, TypeError):
        return "classifier" if hasattr(model, "predict_proba") else "regressor"


def _has(verb):
    return lambda self: hasattr(self._wrapper(), verb)


def _verb(name, what):
    def verb(self, X, *args, **kwargs) -> Any:
        check_is_fitted(self)
        return self._delegate(name, X, *args, **kwargs)

    verb.__name__ = name
    verb.__doc__ = f"""Return the wrapper's {what} for `X`; further arguments are those of its own method.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        """
    return available_if(_has(name))(verb)


def _without_guarantee(answer):
    """Return a record without what it promises, and anything else as it is."""
    names = {field.name for field in fields(answer)} if is_dataclass(answer) else set()
    if "guarantee" not in names:
        return answer
    nothing = {"guarantee": "none", "attained_level": None}
    changes = {k: v for k, v in nothing.items() if k in names and getattr(answer, k) != v}
    return replace(answer, **changes) if changes else answer


class WrapperVerbs:
    """Methods that answer for `X` what the wrapper answers for the outputs; each exists where the wrapper has it.

    Subclasses give `model`, `wrapper`, after `fit` also `model_` and `wrapper_`, and `outputs(X)`.
    """

    model: Any
    wrapper: Any
    model_: Any
    wrapper_: Any
    classes_: Any
    fit: Any
    outputs: Any
    _model_was_ready: bool

    def _wrapper(self):
        return self.__dict__.get("wrapper_", self.wrapper)

    def _model(self):
        return self.__dict__.get("model_", self.model)

    def _delegate(self, verb, X, *args, **kwargs):
        answer = getattr(self.wrapper_, verb)(self.outputs(X), *args, **kwargs)
        return answer if self._model_was_ready else _without_guarantee(answer)

    def _predict_verb(self):
        """Return which of the wrapper's methods `predict` rests on, or None for the model's own predict."""
        wrapper, classifies = self._wrapper(), kind_of(self._model()) == "classifier"
        for verb, fits in (("predict", True), ("predict_proba", classifies), ("transform", not classifies)):
            if fits and hasattr(wrapper, verb):
                return verb
        return None

    @available_if(lambda self: self._predict_verb() or hasattr(self._model(), "predict"))
    def predict(self, X) -> np.ndarray:
        """Return the wrapper's predictions for `X`, or what comes nearest (see Notes).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        verb = self._predict_verb()
        if verb is None:
            return self.model_.predict(X)
        if verb == "predict_proba":
            return np.asarray(self.classes_)[np.argmax(self.predict_proba(X), axis=1)]
        return self._delegate(verb, X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X) -> np.ndarray:
        """Return the wrapper's class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Two columns where the wrapper gives P(y=1) alone.
        """
        check_is_fitted(self)
        y_prob = self._delegate("predict_proba", X)
        return np.column_stack([1 - y_prob, y_prob]) if np.ndim(y_prob) == 1 else y_prob

    @available_if(_has("transform"))
    def transform(self, X) -> np.ndarray:
        """Return the wrapper's corrected outputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_columns)
        """
        check_is_fitted(self)
        return self._delegate("transform", X)

    @available_if(_has("transform"))
    def fit_transform(self, X, y, **fit_params) -> np.ndarray:
        """Do ``fit(X, y, **fit_params).transform(X)``: the answers of the final model, not the out-of-fold ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_columns)
        """
        return self.fit(X, y, **fit_params).transform(X)

    predict_interval = _verb("predict_interval", "intervals")
    predict_pair = _verb("predict_pair", "distributions of two responses")
    predict_set = _verb("predict_set", "prediction sets")
    select = _verb("select", "selection")

    @available_if(
        lambda self: hasattr(self._wrapper(), "score") or kind_of(self._model()) in ("classifier", "regressor")
    )
    def score(self, X, y, sample_weight=None) -> float:
        """Return the wrapper's score; where it has none, the accuracy (classifiers) or R^2 (regressors) of `predict`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        check_is_fitted(self)
        if hasattr(self.wrapper_, "score"):
            extra = {} if sample_weight is None else {"sample_weight": sample_weight}
            return self._delegate("score", X, y, **extra)
        metric = accuracy_score if kind_of(self.model_) == "classifier" else r2_score
        return metric(y, self.predict(X), sample_weight=sample_weight)
