"""Dirichlet calibration and vector scaling: a linear map of the log-probabilities, then the softmax."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, log_expit

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.sklearn import Range, StrOptions
from uq._base.threads import one_blas_thread

from ._recalibrator import LIMIT, Recalibrator, log_odds, log_softmax, softmax
from ._softmax_loss import SoftmaxLoss

__all__ = ["DirichletCalibration"]

GRID = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
MOST_ROWS = 2000  # for the choice of the penalty; what is best falls like 1 / n


@cites("kull2019", "guo2017")
class DirichletCalibration(Recalibrator):
    """Fit p = softmax(W log(p) + b): a whole matrix, or its diagonal (vector scaling), for several classes at once.

    Parameters
    ----------
    structure : {"full", "diagonal"}, default "full"
        "diagonal" has one slope and one shift per class, 2 K parameters in place of K (K + 1).
    penalty : "cv", float or (float, float), default "cv"
        Weight of the mean square of the entries off the diagonal of W, and of the mean square of b, beside the mean log
        loss; one number is for both. "cv" goes down from 1 by factors of 10 to 1e-6 (times 2000 / n beyond 2000 rows)
        as long as the log loss in cross-validation falls. Never below 1e-8, which also draws the diagonal to 1.
    cv : int, default 5
        Number of folds for ``penalty="cv"``. Equal rows share a fold, and the order of rows does not matter.
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds; logits go through the softmax first.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_classes)
        W, row by row one class of the answer.
    intercept_ : ndarray of shape (n_classes,)
    penalty_ : tuple of float
        For the entries off the diagonal and for the intercepts.
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit` and `predict_proba`, for probabilities outside [0, 1] or rows that do not sum to 1, missing values,
        no rows, lengths that differ, labels of no column, weights that are negative or sum to 0; for penalties that
        are negative.

    Warns
    -----
    UserWarning
        Where the fit splits the classes without an error: only the smallest penalty keeps it finite then.

    See Also
    --------
    TemperatureScaling : one parameter.

    Notes
    -----
    One column is treated as two classes, P(y = 0) and P(y = 1); y may then hold shares in [0, 1]. Probabilities below
    2^-53 count as that. Up to 600 parameters the optimum is found to rounding, beyond that to about 1e-6 in the loss.

    **Guarantee.** Asymptotic: on calibration rows that are i.i.d. with the later ones and with penalties that fall to
    0, the parameters converge to those of least log loss in the family, which contains the identity; the expected
    excess is at most about the number of parameters / (2 n). Whether the result is calibrated depends on the truth
    being in the family; nothing is promised for it.

    References
    ----------
    .. [1] M. Kull, M. Perello Nieto, M. Kängsepp, T. Silva Filho, H. Song, P. Flach (2019). Beyond temperature scaling:
       obtaining well-calibrated multiclass probabilities with Dirichlet calibration. arXiv:1910.12656.
    .. [2] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017). On calibration of modern neural networks.
       arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import DirichletCalibration
    >>> rng = np.random.default_rng(0)
    >>> logits = 2 * rng.normal(size=(5000, 3))
    >>> y = (logits + [0, 0, 1] + rng.gumbel(size=(5000, 3))).argmax(axis=1)
    >>> vector = DirichletCalibration("diagonal", input="logit").fit(1.5 * logits, y)
    >>> np.diag(vector.coef_).round(2)
    array([0.68, 0.61, 0.71])
    >>> (vector.intercept_ - vector.intercept_[0]).round(1)
    array([ 0. , -0.1,  1.1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "structure": [StrOptions({"full", "diagonal"})],
        "penalty": [StrOptions({"cv"}), Range(Real, 0, 1e6, closed="both"), tuple, list],
        "cv": [Range(Integral, 2, None, closed="left")],
        "input": [StrOptions({"prob", "logit"})],
    }

    def __init__(self, structure="full", penalty="cv", cv=5, input="prob"):
        self.structure = structure
        self.penalty = penalty
        self.cv = cv
        self.input = input

    def _learn(self, outputs, y, weights, owner):
        pair = self._penalties(owner)
        x = self._features(outputs)
        if outputs.ndim == 1:
            target = np.column_stack([1 - y, y])
        else:
            target = np.zeros(x.shape)
            target[np.arange(len(y)), y] = 1.0
        full = self.structure == "full"
        # products of narrow blocks: threads that wait for each other cost more than they bring
        with one_blas_thread():
            if pair is None:
                pair = _chosen(x, target, weights, full, self.cv)
            loss = SoftmaxLoss(x, target, weights, pair, full)
            theta = loss.minimum(loss.identity)
        matrix, intercept = loss.map(theta)
        learned = {
            "coef_": matrix.copy() if full else np.diag(matrix),
            "intercept_": intercept - intercept.mean(),
            "penalty_": pair,
        }
        words = ""
        if loss(theta, False)[0] < 1e-3 and (x @ learned["coef_"].T + intercept).argmax(axis=1).tolist() == (
            target.argmax(axis=1).tolist()
        ):
            words = (
                "the outputs split the classes without an error, so that no finite optimum exists; what was found "
                "rests on the penalty. Use more rows, or a larger penalty."
            )
        return learned, words

    def _penalties(self, owner):
        """Return (off the diagonal, intercepts), or None where they are to be chosen."""
        if isinstance(self.penalty, str):
            return None
        if isinstance(self.penalty, Real):
            return float(self.penalty), float(self.penalty)
        pair = tuple(self.penalty)
        ok = len(pair) == 2 and all(
            isinstance(v, Real) and not isinstance(v, bool) and 0 <= float(v) <= 1e6 for v in pair
        )
        if not ok:
            raise InputError(
                f"{owner}: penalty must be 'cv', a number in [0, 1e6], or two such numbers, for the entries off the "
                f"diagonal and the intercepts; got {self.penalty!r:.100}."
            )
        return float(pair[0]), float(pair[1])

    def _features(self, outputs):
        """Return log-probabilities of each class."""
        if outputs.ndim == 1:
            z = np.clip(log_odds(outputs, self._logits), -1e100, 1e100)
            found = np.column_stack([log_expit(-z), log_expit(z)])
        else:
            with np.errstate(divide="ignore"):
                found = log_softmax(outputs) if self._logits else np.log(outputs)
        return np.maximum(found, -LIMIT)

    def _predict(self, outputs):
        eta = self._features(outputs) @ self.coef_.T + self.intercept_
        if outputs.ndim == 1:
            return expit(eta[:, 1] - eta[:, 0])
        return softmax(eta)


def _chosen(x, target, weights, full, cv):
    """Return the penalties of least log loss in cross-validation; folds depend on what the rows hold alone."""
    weights = np.ones(len(x)) if weights is None else weights
    # sorted by class, so that folds are alike; rounded, so that equal outputs are equal however they came
    keys = np.column_stack([target, np.round(x, 9)])
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    new = np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)])
    units = np.cumsum(new) - 1
    every = -(-int(units[-1] + 1) // MOST_ROWS)
    kept = units % every == 0
    rows, folds = order[kept], units[kept] // every % cv
    x, target, weights = x[rows], target[rows], weights[rows]
    scale = 1.0 / every
    if folds.max() == 0:
        return scale, scale
    parts = [(folds == fold) for fold in range(int(folds.max()) + 1)]
    thetas: list[Any] = [None] * len(parts)
    best, least = GRID[0], np.inf
    for penalty in GRID:
        total = 0.0
        for fold, held in enumerate(parts):
            loss = SoftmaxLoss(x[~held], target[~held], weights[~held], (penalty, penalty), full)
            thetas[fold] = loss.minimum(loss.identity if thetas[fold] is None else thetas[fold])
            matrix, intercept = loss.map(thetas[fold])
            eta = (x[held] @ matrix.T if full else x[held] * matrix) + intercept
            total -= float(weights[held] @ np.einsum("ij,ij->i", target[held], log_softmax(eta)))
        if total >= least:  # the loss falls, then rises
            break
        best, least = penalty, total
    return best * scale, best * scale
