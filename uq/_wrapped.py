"""A fitted model and one of our wrappers, as one scikit-learn estimator."""

import copy
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import TransformerTags, get_tags
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ._base.containers import as_numeric
from ._base.exceptions import InputError
from ._base.sklearn import HasMethods, StrOptions, validate_params
from ._out_of_fold import fit_out_of_fold, takes
from ._wrapper_verbs import WrapperVerbs, kind_of

__all__ = ["WrappedModel"]


def _is_ready(model):
    """Tell whether `model` is used as it is: fitted, frozen, or not one of scikit-learn's kind."""
    if isinstance(model, FrozenEstimator) or not (hasattr(model, "get_params") and hasattr(model, "fit")):
        return True
    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except (AttributeError, TypeError):
        return True  # cannot be asked, so it is not ours to retrain
    return True


def _shape(y):
    shape = getattr(y, "shape", None)
    if shape is None:
        try:
            shape = np.asarray(y).shape
        except ValueError:  # ragged lists
            return ()
    return shape


class WrappedModel(WrapperVerbs, MetaEstimatorMixin, BaseEstimator):
    """A model and a wrapper of its outputs as one estimator, for pipelines and grid searches.

    The wrapper is any estimator of outputs: it learns by ``fit(outputs, y)`` and is applied to the outputs of other
    rows. This class puts the model in front, so that the pair takes features: ``fit(X, y)``, ``predict(X)``.

    Parameters
    ----------
    model : object with `predict` (or what `method` names)
        A fitted estimator, a `sklearn.frozen.FrozenEstimator`, or any object that is not a scikit-learn estimator is
        used as it is and never retrained, not by `fit` and not after `sklearn.base.clone`, which keeps that very
        object. An estimator that is not fitted is cloned and fitted.
    wrapper : estimator
        Has ``fit(outputs, y)``. It is cloned before it is fitted.
    cv : int, splitter or iterable, default 5
        How a model that is not fitted gives the outputs that the wrapper learns from; the folds must be a partition.
        With `groups` in `fit`, an int means that many folds of whole groups. Unused for a fitted model.
    method : {"auto", "predict", "predict_proba", "decision_function", "predict_pair"}, default "auto"
        What the outputs are. "auto" takes `predict` of regressors and the first of `predict_proba`,
        `decision_function` and `predict` that a classifier has, or a model that does not say what it is and has
        `predict_proba` (`uq.epistemic.PairHeadClassifier`; `uq.epistemic.SecondOrderCalibration` learns from its
        `predict_pair`).

    Attributes
    ----------
    model_ : object
        The model in use: the given one, or a clone fitted on all rows. With a clone no result promises anything (see
        Notes).
    wrapper_ : estimator
        The fitted wrapper.
    classes_, n_features_in_, feature_names_in_
        The model's, where it has them.

    Raises
    ------
    InputError
        From `fit`, for parameters out of their range, a class in place of an object, a missing `y` or one that is not
        finite, a single row, or a fit parameter that neither part takes.
    sklearn.exceptions.NotFittedError
        From everything else before `fit`.

    See Also
    --------
    sklearn.frozen.FrozenEstimator : Keeps any estimator from being retrained.

    Notes
    -----
    The verbs are the wrapper's own: `transform`, `predict_proba`, `predict_interval`, `predict_pair`, `predict_set` and
    `select` exist where the wrapper has them, and take `X` in place of the outputs. `predict` is the wrapper's; where
    it has none, the class of largest `predict_proba` (classifiers) or its `transform` (regressors); else the model's.
    scikit-learn takes for granted that `predict`, `predict_proba` and `transform` answer each row by itself, so a
    wrapper whose answer for one row depends on the batch must give that method another name (`predict_interval`,
    `select`).

    **Guarantee.** None of its own: what the wrapper promises for rows of outputs it promises here, if the rows given to
    `fit` were not used to train the model and are exchangeable with those asked about later. For a model that is not
    fitted the wrapper learns from out-of-fold outputs while `model_`, fitted on all rows, answers afterwards. That the
    two kinds of output have the same law is an assumption (good where the model is stable under leaving out one fold,
    and badly wrong for one that interpolates), so nothing is promised: every result then says ``guarantee="none"`` and
    has no `attained_level`. Give a model that was fitted on other rows to keep what the wrapper promises.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.isotonic import IsotonicRegression
    >>> from sklearn.linear_model import LinearRegression
    >>> from uq import WrappedModel
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> y = X[:, 0] ** 2
    >>> model = LinearRegression().fit(X[::2], y[::2])
    >>> wrapped = WrappedModel(model, IsotonicRegression(out_of_bounds="clip")).fit(X[1::2], y[1::2])
    >>> wrapped.predict([[3.0], [5.0]])
    array([ 9., 25.])
    >>> wrapped.model_ is model
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "model": [HasMethods("predict"), HasMethods("predict_proba"), HasMethods("decision_function")],
        "wrapper": [HasMethods(["fit", "get_params"])],
        "cv": ["cv_object"],
        "method": [StrOptions({"auto", "predict", "predict_proba", "decision_function", "predict_pair"})],
    }

    def __init__(self, model, wrapper, *, cv=5, method="auto"):
        self.model = model
        self.wrapper = wrapper
        self.cv = cv
        self.method = method

    def fit(self, X, y, **fit_params) -> Self:
        """Fit the wrapper on the model's outputs; the model first, where it is not fitted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or whatever a fitted model takes
        y : array-like of shape (n_samples,), or (n_samples, n_classes)
            A matrix, such as counts of responses, goes to the wrapper and to a model to be fitted as it is: both must
            take it (`uq.epistemic.ScaledVariance` does).
        **fit_params
            One value per row (`sample_weight`, `groups`). Each goes to the wrapper's `fit` if that has a parameter of
            this name, and to that of a model to be fitted if that has it; `groups` also decide the folds.

        Returns
        -------
        WrappedModel
        """
        for name in ("model", "wrapper"):
            if isinstance(given := getattr(self, name), type):
                raise InputError(
                    f"WrappedModel: {name} must be an object; got the class {given.__name__} itself. "
                    f"Write {given.__name__}(...)."
                )
        validate_params(self)
        if y is None:
            raise InputError("WrappedModel.fit requires y to be passed, but the target y is None.")
        shape = _shape(y)
        if len(shape) > 2:
            raise InputError(
                "WrappedModel.fit: y must be a vector, or a matrix with one row per row of X; got an array of shape "
                f"{tuple(shape)}."
            )
        is_matrix = len(shape) == 2 and shape[1] > 1
        values = as_numeric(y, "WrappedModel.fit", "y") if is_matrix else column_or_1d(y, warn=True)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise InputError(
                f"WrappedModel.fit: y must be finite; got {int((~np.isfinite(values)).sum())} NaN or infinite values. "
                "Remove these rows."
            )
        y = y if values.ndim == 2 else values  # a frame keeps the names of its columns
        ready = _is_ready(self.model)
        for name in fit_params:
            taken = takes(self.wrapper, name) or (not ready and (name == "groups" or takes(self.model, name)))
            if not taken:
                raise InputError(
                    f"WrappedModel.fit: {name} must be a parameter of the wrapper's fit, or of that of a model to be "
                    f"fitted; neither {type(self.wrapper).__name__} nor the model takes it. Leave it out."
                )
        fit_params = {name: value for name, value in fit_params.items() if value is not None}
        method = self._method(self.model)
        if ready:
            model = self.model
            outputs = getattr(model, method)(X)
        else:
            model, outputs = fit_out_of_fold(self.model, self.cv, X, y, method, fit_params)
        wrapper_params = {name: value for name, value in fit_params.items() if takes(self.wrapper, name)}
        wrapper = clone(self.wrapper).fit(outputs, y, **wrapper_params)
        self.model_, self.wrapper_, self._model_was_ready = model, wrapper, ready
        return self

    def outputs(self, X) -> np.ndarray:
        """Return what the wrapper sees for `X`: the model's predictions, class probabilities or scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        return getattr(self.model_, self._method(self.model_))(X)

    def _method(self, model):
        if self.method != "auto":
            if not hasattr(model, self.method):
                raise InputError(
                    f"WrappedModel: method must be one that the model has; {type(model).__name__} has no {self.method}."
                )
            return self.method
        order = ["predict"]
        kind = kind_of(model)
        if kind == "classifier" or (kind is None and hasattr(model, "predict_proba")):
            order = ["predict_proba", "decision_function", "predict"]
        return next((m for m in order if hasattr(model, m)), order[0])

    def __getattr__(self, name):
        if name in ("classes_", "n_features_in_", "feature_names_in_") and "model_" in self.__dict__:
            return getattr(self.__dict__["model_"], name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_params(self, deep=True) -> dict:
        """Return the parameters; those inside a fitted model are not among them, for it is never changed.

        Parameters
        ----------
        deep : bool, default True

        Returns
        -------
        dict
        """
        params = super().get_params(deep=deep)
        if deep and _is_ready(self.model):
            params = {name: value for name, value in params.items() if not name.startswith("model__")}
        return params

    def set_params(self, **params) -> Self:
        """Set parameters, also nested ones (`wrapper__...`, and `model__...` of a model that is not fitted).

        Returns
        -------
        WrappedModel
        """
        inside = [name for name in params if name.startswith("model__")]
        if inside and _is_ready(params.get("model", self.model)):
            raise InputError(
                f"WrappedModel: {inside[0]} must not be set, because a fitted model is used as it is (and shared by "
                "clones). Give a model that is not fitted, as by sklearn.base.clone."
            )
        return super().set_params(**params)

    def __sklearn_clone__(self):
        keep = _is_ready(self.model)
        params = self.get_params(deep=False)
        twin = type(self)(**{k: v if k == "model" and keep else clone(v, safe=False) for k, v in params.items()})
        for name in ("_metadata_request", "_sklearn_output_config"):
            if name in self.__dict__:
                setattr(twin, name, copy.deepcopy(self.__dict__[name]))
        return twin

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = kind_of(self.model)
        tags.target_tags.required = True
        if hasattr(self.wrapper, "transform"):
            tags.transformer_tags = TransformerTags(preserves_dtype=[])
        try:
            inner = copy.deepcopy(get_tags(self.model))
        except (AttributeError, TypeError):
            return tags
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.input_tags, tags.non_deterministic = inner.input_tags, inner.non_deterministic
        tags.target_tags.positive_only = inner.target_tags.positive_only
        return tags
