"""Split conformal prediction: an interval, or a set of classes, for each row by itself."""

import warnings
from math import ceil
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import InfiniteBoundWarning
from uq._base.sklearn import StrOptions
from uq._base.validation import check_level

from ._calibrated import SCORES, calibrate, predicted_interval, predicted_set
from ._levels import as_fraction, ceil_product

__all__ = ["RowLaw", "SplitConformal"]

REFERENCES = {"absolute": "papadopoulos2002", "signed": "vovk2022", "normalized": "papadopoulos2002"}
REFERENCES |= {"quantile": "romano2019", "lac": "sadinle2019", "aps": "romano2020"}
cite_methods(**{f"split conformal, {score}": key for score, key in REFERENCES.items()})


class RowLaw:
    """One new score falls into each of the n + 1 gaps with the same probability."""

    def __init__(self, level):
        self.level = level

    def kept(self, n):
        """Return how many gaps hold the score with the level asked for."""
        return ceil_product(self.level, n + 1)

    def attained(self, n, kept):
        """Return the probability that the score is in one of so many gaps."""
        return kept / (n + 1)

    def needed(self, spare):
        """Return the least n that leaves so many gaps out."""
        return ceil(spare / (1 - as_fraction(self.level))) - 1


@cites("vovk2022", "papadopoulos2002", "romano2019", "sadinle2019", "romano2020")
class SplitConformal(BaseEstimator):
    """Interval or set of classes for each new row, from rows whose truth is known.

    Calibration rows have outputs and a truth. A score tells how far the truth lies from the outputs; a new row's answer
    holds every value whose score is at most the ceil((n + 1) confidence_level)-th smallest of the n calibration scores.

    Parameters
    ----------
    score : {"absolute", "signed", "normalized", "quantile", "lac", "aps"} or callable, default "absolute"
        For outcomes that are numbers (`predict_interval`):

        - "absolute": ``|y - y_pred|``, intervals of one width.
        - "signed": y - y_pred, half of the error on each side; not centred on `y_pred`.
        - "normalized": ``|y - y_pred| / y_std``, intervals as wide as the model is unsure.
        - "quantile": max(low - y, y - high), where `y_pred` has two columns, a low and a high quantile (CQR). Where
          the interval would be empty it is the point in its middle, which covers more.

        For classes (`predict_set`), where `y_pred` are probabilities:

        - "lac": 1 - p_y, the smallest sets on average; they may be empty.
        - "aps": the sum of the probabilities of all classes that are at least as probable as y, ties together. It is
          not randomised and therefore conservative: all rows whose truth is the least probable class are tied at 1.

        A callable ``score(y_pred, y)`` gives one number per row, the larger the less y fits. For outcomes it is an
        object that also has ``interval(y_pred, threshold) -> (lower, upper)``, which must hold every y with a score of
        at most `threshold` (infinite where nothing finite can be promised; an array with strata). Without `interval` it
        is a score of classes, and is asked about every class in turn.
    confidence_level : float, default .9
        In (0, 1); `predict_interval` and `predict_set` may ask another.

    Attributes
    ----------
    scores_ : ndarray of shape (n_calibration,) or tuple of ndarray
        Sorted scores; with strata, those of each.
    n_calibration_ : int
    classes_ : ndarray of shape (n_classes,) or None
        The label of each column of probabilities.

    Raises
    ------
    InputError
        From `fit`, for NaN, infinite or no rows, lengths that differ, an unknown score, and input that the score cannot
        use (see `fit`).

    Warns
    -----
    InfiniteBoundWarning
        From `predict_interval` and `predict_set`, once, where there are too few calibration rows: the interval is then
        infinite and the set is full. The message says how many rows would do, and names the strata that lack them.

    See Also
    --------
    SimultaneousConformal : a promise for a whole batch of rows.
    BatchPredictor : a promise for their mean, median or worst.
    uq.WrappedModel : a model and this, as one estimator.

    Notes
    -----
    **Guarantee.** Finite-sample, for any model and any law: if the calibration rows and the new one are exchangeable
    (and the model was not trained on them), the answer covers the truth with probability `attained_level`, which is
    rank / (n + 1) and at least `confidence_level`, if the scores have no ties; with ties it covers with at least that
    probability, as it does for "aps", for a callable and where two quantiles crossed. The probability is over
    calibration rows and new row together: given the calibration rows, the share of covered rows scatters around it, and
    of a batch of 100 rows fewer than the level are covered almost half of the time; see `SimultaneousConformal`. It is
    an average over all rows: single kinds of row may be covered less. With strata it holds in each stratum by itself
    (Mondrian), if strata come from what is known before the truth; a stratum that was not seen, or has too few rows,
    gets everything. A score must not be chosen by the widths that it gives on the calibration rows.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer (2022). Algorithmic Learning in a Random World, 2nd ed.
       doi:10.1007/978-3-031-06649-8.
    .. [2] H. Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman (2002). Inductive confidence machines for regression.
       doi:10.1007/3-540-36755-1_29.
    .. [3] Y. Romano, E. Patterson, E. Candès (2019). Conformalized quantile regression. arXiv:1905.03222.
    .. [4] M. Sadinle, J. Lei, L. Wasserman (2019). Least ambiguous set-valued classifiers with bounded error levels.
       arXiv:1609.00451.
    .. [5] Y. Romano, M. Sesia, E. Candès (2020). Classification with valid and adaptive coverage. arXiv:2006.02544.

    Examples
    --------
    >>> import numpy as np
    >>> from conformal import SplitConformal
    >>> rng = np.random.default_rng(0)
    >>> y_pred = rng.normal(size=300)
    >>> y = y_pred + rng.normal(size=300)
    >>> print(SplitConformal().fit(y_pred, y).predict_interval([0.0, 2.0]))
    90 % interval (attained 90.0332 %)
     lower  upper
    -1.516  1.516
    0.4836  3.516
    method: split conformal, absolute, guarantee: exact

    Classes, from the probabilities of a model:

    >>> y_prob = rng.dirichlet([1, 1, 1], size=300)
    >>> y = np.array(["bird", "cat", "dog"])[(y_prob.cumsum(axis=1) < rng.random((300, 1))).sum(axis=1)]
    >>> print(SplitConformal("lac").fit(y_prob, y).predict_set([[.9, .08, .02], [.3, .4, .3]]))
    90 % prediction sets (attained 90.0332 %)
    row  set_size         classes
      0         1            bird
      1         3  bird, cat, dog
    method: split conformal, lac, guarantee: exact
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"score": [StrOptions(set(SCORES)), callable]}

    def __init__(self, score="absolute", confidence_level=0.9):
        self.score = score
        self.confidence_level = confidence_level

    def fit(self, y_pred, y, y_std=None, strata=None, classes=None):
        """Keep the sorted scores of the calibration rows.

        Parameters
        ----------
        y_pred : array-like of shape (n_calibration,), (n_calibration, 2) or (n_calibration, n_classes)
            Predictions; a low and a high quantile for "quantile"; probabilities for "lac" and "aps" (one column is
            P(y = the second class)); whatever a callable takes.
        y : array-like of shape (n_calibration,)
            What turned out to be true: numbers, or labels.
        y_std : array-like of shape (n_calibration,), optional
            The model's own standard deviation, for "normalized" alone, which needs it. Positive.
        strata : array-like of shape (n_calibration,), optional
            Labels; each stratum gets a threshold of its own.
        classes : array-like of shape (n_classes,), optional
            The label of each column of probabilities, such as ``model.classes_``. By default the names of the columns
            of a frame, where they are the labels of `y`, else the sorted labels of `y`, which must then be as many.

        Returns
        -------
        self
        """
        return calibrate(self, y_pred, y, y_std, strata, classes)

    def predict_interval(self, y_pred, y_std=None, strata=None, confidence_level=None):
        """Return an interval for the outcome of each row.

        Parameters
        ----------
        y_pred : array-like of shape (n_test,) or (n_test, 2)
            As in `fit`.
        y_std : array-like of shape (n_test,), optional
            For "normalized".
        strata : array-like of shape (n_test,), optional
            Where `fit` had them.
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        Interval
            One per row, with the caller's index; `attained_level` is one number, or one per row with strata.

        Raises
        ------
        InputError
            For NaN, infinite or no rows, lengths that differ, strata or `y_std` that `fit` had and are missing here (or
            the other way round), a level outside (0, 1), and a score of classes.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "SplitConformal.predict_interval"
        interval, text = predicted_interval(
            self._calibrated, y_pred, y_std, strata, owner, self._law(owner, confidence_level)
        )
        if text:
            warnings.warn(text, InfiniteBoundWarning, stacklevel=2)
        return interval

    def predict_set(self, y_prob, strata=None, confidence_level=None):
        """Return a set of classes for each row.

        Parameters
        ----------
        y_prob : array-like of shape (n_test, n_classes) or (n_test,)
            Probabilities, with the columns of `fit`.
        strata : array-like of shape (n_test,), optional
            Where `fit` had them.
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        PredictionSet
            One set per row, with the caller's index; `attained_level` is one number, or one per row with strata.

        Raises
        ------
        InputError
            For NaN, negative or no probabilities, rows that do not sum to 1 (within .001), other columns than in `fit`,
            strata that `fit` had and are missing here (or the other way round), a level outside (0, 1), and a score of
            outcomes.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        owner = "SplitConformal.predict_set"
        sets, text = predicted_set(self._calibrated, y_prob, strata, owner, self._law(owner, confidence_level))
        if text:
            warnings.warn(text, InfiniteBoundWarning, stacklevel=2)
        return sets

    def _law(self, owner, confidence_level):
        law = RowLaw(check_level(self.confidence_level if confidence_level is None else confidence_level, owner))
        return lambda n_test: (law, "split conformal, {}")
