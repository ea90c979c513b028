"""What all recalibrators share: outputs and truth are checked once, then one map is learned, or one per class."""

import warnings

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.classes import check_column_names, names_of_columns
from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.sklearn import validate_params
from uq._base.validation import check_matrix, check_vector

from ._forecast import check_probabilities, match_truth

__all__ = [
    "LIMIT",
    "OneVsRest",
    "Recalibrator",
    "check_logits",
    "log_odds",
    "log_softmax",
    "normalised",
    "softmax",
]

SMALLEST = 2.0**-53  # 1 - p knows no smaller step, so neither p nor 1 - p counts as less
LIMIT = float(np.log(1 / SMALLEST))


class Recalibrator(BaseEstimator):
    """An estimator on stored outputs: ``fit(y_prob, y)``, then ``predict_proba(y_prob)``."""

    _soft = True  # whether y may hold shares between 0 and 1

    def fit(self, y_prob, y, sample_weight=None, *, classes=None):
        """Learn the map from held-out outputs and what turned out to be true.

        Parameters
        ----------
        y_prob : array-like of shape (n_samples,), (n_samples, 1) or (n_samples, n_classes)
            P(y = 1), or one column per class; logits where ``input="logit"``.
        y : array-like of shape (n_samples,)
            0 and 1 for one column (shares in between where the class allows them); labels for several.
        sample_weight : array-like of shape (n_samples,), optional
            A row of weight 2 counts as two rows, a row of weight 0 as none. Where the number of rows matters (smoothed
            targets and ends, priors, Venn-Abers) their sum stands for it: do not scale them to sum to 1.
        classes : array-like of shape (n_classes,), optional
            The label of each column. Default: the names of the columns of a frame, where they are the labels; else the
            sorted labels of y, or 0 ... n_classes - 1 where y holds such integers, 0 among them.

        Returns
        -------
        self
        """
        return self._fit(y_prob, y, sample_weight, classes)

    def _fit(self, y_prob, y, sample_weight, classes, check_more=None):
        """Check everything, `check_more` of the number of rows too, and only then change anything."""
        owner = f"{type(self).__name__}.fit"
        validate_params(self)
        outputs = self._check_outputs(y_prob, owner)
        names = names_of_columns(y_prob)
        rows = match_truth(
            y, outputs, owner, sample_weight=sample_weight, classes=classes, soft=self._soft, y_name="y", names=names
        )
        outputs, truth, weights = rows.p, rows.y, rows.weights
        more = () if check_more is None else (check_more(len(truth), owner),)
        if weights is not None:
            with np.errstate(over="ignore"):
                total = weights.sum()
            if not np.isfinite(total):
                raise InputError(f"{owner}: sample_weight must have a finite sum; got {total}. Divide by the largest.")
            if not weights.all():
                kept = weights > 0
                outputs, truth, weights = outputs[kept], truth[kept], weights[kept]
                more = tuple(array[kept] for array in more)
        learned, words = self._learn(outputs, truth, weights, owner, *more)
        for name, value in learned.items():
            setattr(self, name, value)
        self.classes_ = rows.classes
        self._columns, self._names = outputs.shape[1:], names
        if words:
            warnings.warn(f"{type(self).__name__}: {words}", UserWarning, stacklevel=3)
        return self

    def predict_proba(self, y_prob):
        """Return the recalibrated probabilities; the estimator does not change.

        Parameters
        ----------
        y_prob : array-like of the shape of fit
            Other rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            As what came in: P(y = 1), or one column per class, whose rows sum to 1.
        """
        return self._predict(self._check_new(y_prob, "predict_proba"))

    def _check_new(self, y_prob, verb):
        check_is_fitted(self)
        owner = f"{type(self).__name__}.{verb}"
        outputs = self._check_outputs(y_prob, owner)
        if outputs.shape[1:] != self._columns:
            raise InputError(
                f"{owner}: y_prob must have the columns of fit, shape {_shape(self._columns)}; got "
                f"{_shape(outputs.shape[1:])}."
            )
        check_column_names(self._names, y_prob, owner, "y_prob", self.classes_)
        return outputs

    def _check_outputs(self, y_prob, owner):
        if self._logits:
            return check_logits(y_prob, owner)
        return check_probabilities(y_prob, owner)

    @property
    def _logits(self):
        return getattr(self, "input", "prob") == "logit"

    def _learn(self, outputs, y, weights, owner, *more):
        """Return the fitted attributes by name, and what to warn of."""
        raise NotImplementedError

    def _predict(self, outputs, *more):
        raise NotImplementedError


class OneVsRest(Recalibrator):
    """One map of one score per class, normalised; of two classes the second's, whose map answers for both.

    `_space` says what the map takes: "logit" (log-odds), "prob", or "order" (anything that sorts alike).
    """

    _space = "logit"

    def _learn(self, outputs, y, weights, owner, *more):
        maps, words = [], []
        for score, truth in self._problems(outputs, y):
            one, text = self._fit_one(score, truth, weights, *more)
            maps.append(one)
            words.append(text)
        named = "" if len(maps) == 1 else f" (columns {', '.join(str(k) for k, text in enumerate(words) if text)})"
        text = next((text for text in words if text), "")
        return {"_maps": tuple(maps), **self._attributes(maps)}, text and text + named

    def _problems(self, outputs, y):
        scores = self._scores(outputs)
        if y.dtype.kind == "f":
            return [(scores[0], y)]
        if len(scores) == 1:
            return [(scores[0], (y == 1).astype(np.float64))]
        return [(score, (y == k).astype(np.float64)) for k, score in enumerate(scores)]

    def _scores(self, outputs):
        """Return one vector of scores per map."""
        if self._space == "prob":
            if self._logits:
                outputs = expit(outputs) if outputs.ndim == 1 else softmax(outputs)
        elif self._space == "logit" or (self._logits and outputs.ndim == 2):
            outputs = log_odds(outputs, self._logits)
        if outputs.ndim == 1:
            return [outputs]
        return [outputs[:, 1]] if outputs.shape[1] == 2 else list(outputs.T)

    def _predict(self, outputs, *more):
        found = [self._apply(one, score, *more) for one, score in zip(self._maps, self._scores(outputs), strict=True)]
        if outputs.ndim == 1:
            return found[0]
        if len(found) == 1:
            return np.column_stack([1.0 - found[0], found[0]])
        return normalised(np.column_stack(found))

    def _attributes(self, maps):
        return {}

    def _fit_one(self, scores, y, weights, *more):
        """Return the map of one column, and what to warn of."""
        raise NotImplementedError

    def _apply(self, one, scores, *more):
        raise NotImplementedError


def _shape(columns):
    return f"(n, {columns[0]})" if columns else "(n,)"


def check_logits(y_prob, owner):
    """Return finite logits (n,), or (n, K) where -inf rules a class out."""
    array = as_numeric(y_prob, owner, "y_prob")
    if array.ndim != 2 or array.shape[1] < 2:
        return check_vector(array, owner, "y_prob")
    ruled_out = np.isneginf(array)
    if not ruled_out.any():
        return check_matrix(array, owner, "y_prob", min_columns=2)
    check_matrix(np.where(ruled_out, 0.0, array), owner, "y_prob", min_columns=2)
    if ruled_out.all(axis=1).any():
        raise InputError(
            f"{owner}: y_prob must leave each row at least one class; got -inf in every column of row "
            f"{int(ruled_out.all(axis=1).argmax())} (counting from 0)."
        )
    return array


def log_softmax(logits):
    """Return the logarithms of the probabilities of logits (n, K)."""
    with np.errstate(over="ignore"):  # a difference beyond the floats is -inf, as it should be
        shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(logits):
    """Return the probabilities of logits (n, K)."""
    with np.errstate(over="ignore", under="ignore"):
        p = logits - logits.max(axis=1, keepdims=True)
        np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p


def log_odds(outputs, logits):
    """Return log(p / (1 - p)) of each column; within +-LIMIT but for one column of logits, which is what it is."""
    if outputs.ndim == 1:
        if logits:
            return outputs
        p = np.clip(outputs, SMALLEST, 1 - SMALLEST)
        return np.log(p) - np.log1p(-p)
    if not logits:
        p, rest = np.clip(outputs, SMALLEST, 1.0), np.clip(1.0 - outputs, SMALLEST, 1.0)
    else:
        # 1 - p from the other columns: for the likeliest class the difference would lose its digits
        with np.errstate(over="ignore", under="ignore"):
            p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        rest = p.sum(axis=1, keepdims=True) - p
        rows, top = np.arange(len(p)), outputs.argmax(axis=1)
        largest = p[rows, top]
        p[rows, top] = 0.0
        rest[rows, top] = p.sum(axis=1)
        p[rows, top] = largest
    with np.errstate(divide="ignore"):
        return np.clip(np.log(p) - np.log(rest), -LIMIT, LIMIT)


def normalised(p):
    """Return rows divided by their sums; a row of zeros becomes uniform."""
    sums = p.sum(axis=1, keepdims=True)
    empty = sums[:, 0] == 0
    if empty.any():
        p[empty], sums[empty] = 1.0, p.shape[1]
    return p / sums
