"""What a model says of two responses to one input, and what follows about its ignorance."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.containers import index_of
from uq._base.exceptions import InputError
from uq._base.record import Result
from uq._base.results import Interval
from uq._base.validation import check_alternative, check_level, check_option

from . import _pair_core as core
from ._class_names import check_class_names, class_codes
from ._pair_display import PairDisplay
from ._pair_input import check_joint_shape, check_joint_values
from ._pair_rounding import DOUBLE, capped, eigenvalue_slack, input_eps, joint_slack, off_one
from ._pair_sources import PairSources
from ._records import Decomposition, PairDiagnosis

__all__ = ["PairDistribution", "as_pairs"]


@cites("johnson2024")
@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class PairDistribution(PairSources, PairDisplay, Result):
    """The joint distribution of two responses to the same input, one row per input.

    If a model that predicts pairs is calibrated, how much more often than by chance it expects a response to repeat
    itself is how little it knows: J[y, y] - m[y]^2 is the variance of the true p(y|x) among the inputs that it cannot
    tell apart.

    Parameters
    ----------
    joint : array-like of shape (n_samples, n_classes, n_classes) or (n_samples, n_classes * n_classes)
        P(first response, second response); the entries of each row sum to 1 (within .001, in half precision what
        rounding may do; the rest is divided away). It is made symmetric, (J + J') / 2: the order of two responses means
        nothing.
    classes : array-like of shape (n_classes,), optional
        Labels of the classes; where None they are numbered from 0.

    Attributes
    ----------
    joint : ndarray of shape (n_samples, n_classes, n_classes)
        Symmetric.
    marginal : ndarray of shape (n_samples, n_classes)
        The probability of each class.
    asymmetry : ndarray of shape (n_samples,)
        The largest difference between J and its transpose, as they came in.
    classes : tuple or None
    index : pandas.Index or None
        Of a frame.
    method : str
        What it was made from.
    guarantee : str
        "none": see below.

    Raises
    ------
    InputError
        For entries that are negative, missing or do not sum to 1, other shapes, no rows.

    See Also
    --------
    SecondOrderCalibration : intervals for p(y|x) that hold whatever the model is.
    selective_answer : answers with a bound on how often they are impossible.
    pair_counts : what such a model learns from.

    Notes
    -----
    **Guarantee.** None by itself, since no one can see from J whether it is calibrated. If it is (J(x) is the mean of
    p(.|X) p(.|X)' over the inputs that share the value J(x)), then `marginal` and `covariance` are the mean and the
    covariance of p(.|X) over them, exactly, and `interval` covers p(y|X) with at least its level, for any class that
    is chosen from what the model says and its own dice. Never condition on responses that were observed, or on the
    model being wrong: for a class y drawn from the truth, or for rows picked by it, the error is larger than
    `epistemic_variance` says. Two responses must be independent given x: two answers of one annotator raise it, answers
    that were made to differ lower it.

    A network with two heads need not give covariances that could be: `diagnose` counts what is impossible, `project`
    repairs the eigenvalues. A negative variance makes `epistemic_confidence` NaN and the interval [0, 1]. Such a value
    counts as 0 if it is within rounding of the numbers that came in, as their dtype tells it: pass what was computed in
    half or single precision as it is, for in float64 its rounding would be taken for a fault. From half or single
    precision follow the least confidence and the longest interval that its rounding leaves possible; so does the table,
    while `epistemic_variance`, `covariance` and `decompose` say what the numbers say.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    Two inputs with the same probabilities, of which one is understood to be a coin and the other not understood:

    >>> from uq.epistemic import PairDistribution
    >>> pairs = PairDistribution([[[.25, .25], [.25, .25]], [[.45, .05], [.05, .45]]])
    >>> pairs.marginal
    array([[0.5, 0.5],
           [0.5, 0.5]])
    >>> pairs.epistemic_variance.round(3)
    array([[0. , 0. ],
           [0.2, 0.2]])
    >>> print(pairs)
    2 pair distributions of 2 classes
    row  class  probability  epistemic_sd  confidence  aleatoric  epistemic
      0      0          0.5             0           1        0.5          0
      1      0          0.5        0.4472      0.5556        0.1        0.4
    method: joint, guarantee: none
    """

    joint: Any
    marginal: Any
    asymmetry: Any
    classes: Any
    index: Any
    method: str
    guarantee: str
    _logs: Any = field(repr=False)
    _eps: float = field(repr=False)

    def __init__(self, joint, *, classes=None):
        owner = "PairDistribution"
        array = check_joint_shape(joint, owner, "joint")
        names = check_class_names(classes, array.shape[1], owner)
        symmetric, marginal, sums, asymmetry, least = core.symmetric(array)
        eps = input_eps(joint)
        check_joint_values(sums, least, off_one(eps, array[0].size), owner, "joint")
        self._set(symmetric, marginal, asymmetry, names, index_of(joint), "joint", None, eps)

    def _set(self, joint, marginal, asymmetry, classes, index, method, logs, eps):
        values = (joint, marginal, asymmetry, classes, index, method, "none", logs, eps)
        for name, value in zip(type(self).__dataclass_fields__, values, strict=True):
            if isinstance(value, np.ndarray):  # made here, so nobody else can write to it
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    @classmethod
    def _of(cls, joint, marginal, *, asymmetry=None, classes=None, index=None, method, logs=None, eps=DOUBLE):
        """Return a distribution of arrays that are checked, symmetric and nobody else's."""
        pairs = object.__new__(cls)
        asymmetry = np.zeros(len(joint)) if asymmetry is None else asymmetry
        pairs._set(joint, marginal, asymmetry, classes, index, method, logs, eps)
        return pairs

    def __reduce__(self):
        fields = {name: getattr(self, name) for name in type(self).__dataclass_fields__ if name != "guarantee"}
        return _rebuild, (type(self), fields)

    # ---- what they say

    def __len__(self):
        return len(self.joint)

    def __getitem__(self, rows) -> "PairDistribution":
        """Return the distribution of some rows: a slice, a mask or positions."""
        try:
            rows = np.atleast_1d(np.arange(len(self))[rows])
        except (IndexError, TypeError, ValueError):
            raise InputError(
                f"PairDistribution: rows must be a slice, a mask or positions of {len(self)} rows; got {rows!r:.100}."
            ) from None
        if rows.ndim != 1 or not len(rows):
            raise InputError("PairDistribution: rows must pick at least one row, in one dimension; got none.")
        return self._of(
            self.joint[rows], self.marginal[rows], asymmetry=self.asymmetry[rows], classes=self.classes,
            index=_labels(self.index, rows), method=self.method,
            logs=None if self._logs is None else self._logs[:, rows], eps=self._eps,
        )  # fmt: skip

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.joint.shape[1]

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of p(.|x) among inputs that look alike, of shape (n_samples, n_classes, n_classes)."""
        return core.covariance(self.joint, self.marginal)

    @property
    def epistemic_variance(self) -> np.ndarray:
        """Variance of p(y|x) among inputs that look alike, of shape (n_samples, n_classes), as it is: may be < 0.

        Nothing is added for the rounding of half or single precision, as `interval` and the table do.
        """
        return self._variance()

    def epistemic_confidence(self, y=None) -> np.ndarray:
        """Return m[y]^2 / J[y, y]: at most the share of inputs that look alike for which y is possible at all.

        Parameters
        ----------
        y : label or array-like of shape (n_samples,), optional
            The class, or that of each row; by default all.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) where `y` is given
            In [0, 1]; 0 where the class has probability 0; NaN, with a warning, where the variance is negative: there
            the model contradicts itself.

        Warns
        -----
        UserWarning
            Where some are NaN.
        """
        columns = None if y is None else self._columns(y, "PairDistribution.epistemic_confidence")
        confidence = self._bounds()[1]
        picked = confidence if columns is None else np.take_along_axis(confidence, columns[:, None], axis=1)[:, 0]
        self._warn(np.isnan(picked), "PairDistribution.epistemic_confidence", "have no confidence (NaN)")
        return picked

    def decompose(self, kind="gini") -> Decomposition:
        """Split the chance that two responses to inputs that look alike differ into noise and ignorance.

        Parameters
        ----------
        kind : {"gini"}
            total 1 - sum of m^2 = aleatoric (1 - trace of J, two responses to one input) + epistemic (trace of the
            covariance). Entropies cannot be told from pairs: `pair_information` is what they give.

        Returns
        -------
        Decomposition
        """
        check_option(kind, ("gini",), "PairDistribution.decompose", "kind")
        total = 1 - np.einsum("ij,ij->i", self.marginal, self.marginal)
        aleatoric = 1 - np.trace(self.joint, axis1=1, axis2=2)
        return Decomposition(
            total=total,
            aleatoric=aleatoric,
            epistemic=self._variance().sum(axis=1),
            kind="gini",
            method="pairs",
            index=self.index,
        )

    @property
    def pair_information(self) -> np.ndarray:
        """Mutual information of two responses in nats, of shape (n_samples,).

        A lower bound, often far below, of what one response says about p(.|x), the entropy kind of ignorance.
        """
        if self.joint.min() < 0:
            raise InputError(
                "PairDistribution.pair_information: joint must have no entry below 0, as those of counts, of answers "
                f"and after project() may; got {self.joint.min():g}. Use decompose('gini')."
            )
        return core.mutual_information(self.joint, self.marginal)

    def interval(self, confidence_level=0.9, alternative="two-sided", *, y=None) -> Interval:
        """Return an interval for p(y|x) of each row, by Chebyshev's inequality, within [0, 1].

        Parameters
        ----------
        confidence_level : float, default .9
            In (0, 1).
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            "less" gives an upper bound only, "greater" a lower bound only (Cantelli's inequality).
        y : label or array-like of shape (n_samples,), optional
            The class, or that of each row; by default the most probable one. It must not depend on responses.

        Returns
        -------
        Interval
            [0, 1] where the variance is negative.

        Warns
        -----
        UserWarning
            Where the variance is negative.

        Notes
        -----
        **Guarantee.** As the class says: none unless J is calibrated, and then at least the level, over the inputs that
        look alike, for any law of p(y|x).
        """
        owner = "PairDistribution.interval"
        level = check_level(confidence_level, owner)
        check_alternative(alternative, owner)
        columns = self.marginal.argmax(axis=1) if y is None else self._columns(y, owner)
        variance, confidence = (np.take_along_axis(a, columns[:, None], axis=1)[:, 0] for a in self._bounds())
        m = np.take_along_axis(self.marginal, columns[:, None], axis=1)[:, 0]
        bad = np.isnan(confidence)
        self._warn(bad, owner, "have the interval [0, 1]")
        lower, upper = core.chebyshev(m, np.where(bad, np.inf, variance), level, alternative)
        return Interval(
            lower=lower,
            upper=upper,
            confidence_level=level,
            alternative=alternative,
            method="pairs, Chebyshev" if alternative == "two-sided" else "pairs, Cantelli",
            index=self.index,
        )

    def diagnose(self) -> PairDiagnosis:
        """Count what no calibrated model says: asymmetries, negative eigenvalues, negative variances.

        Returns
        -------
        PairDiagnosis
        """
        variance, confidence = self._bounds()
        return PairDiagnosis(
            asymmetry=self.asymmetry,
            least_eigenvalue=core.least_eigenvalue(self.joint, self.marginal),
            negative_variances=(variance < 0).sum(axis=1),
            confidence_above_one=(np.isnan(confidence) & (np.diagonal(self.joint, axis1=1, axis2=2) > 0)).sum(axis=1),
            negative_entries=(self.joint < 0).sum(axis=(1, 2)),
            n_classes=self.n_classes,
            tolerance=eigenvalue_slack(self.joint, self.marginal, self._slack()),
            index=self.index,
        )

    def project(self) -> "PairDistribution":
        """Return the distribution with the nearest positive semi-definite covariances; variances only rise.

        Returns
        -------
        PairDistribution
            With the same `marginal`. Entries of `joint` may be below 0; `diagnose` counts them.
        """
        tolerance = eigenvalue_slack(self.joint, self.marginal, self._slack())
        joint = core.projected(self.joint, self.marginal, tolerance, (self._variance() < 0).any(axis=1))
        changed = (joint != self.joint).any(axis=(1, 2))
        logs = None
        if self._logs is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                new = np.log(np.diagonal(joint, axis1=1, axis2=2))
            logs = np.stack([self._logs[0], np.where(changed[:, None], new, self._logs[1]), self._logs[2]])
        method = self.method if self.method.endswith("projected") else f"{self.method}, projected"
        return self._of(
            joint, self.marginal, asymmetry=self.asymmetry, classes=self.classes, index=self.index, method=method,
            logs=logs, eps=self._eps,
        )  # fmt: skip

    # ---- inside

    @property
    def _coarse(self):
        return self._eps > DOUBLE

    def _slack(self):
        """Return how far rounding may move log(m^2 / J[y, y]), of shape (n, K)."""
        return joint_slack(self.marginal, self._eps) if self._logs is None else self._logs[2]

    def _bounds(self):
        """Return variances and confidences (n, K), neither surer than the numbers that came in allow.

        What is negative by rounding alone counts as 0; beyond, the variance stays and the confidence is NaN.
        """
        slack, coarse = self._slack(), self._coarse
        if self._logs is None:
            diagonal = np.diagonal(self.joint, axis1=1, axis2=2)
            variance, confidence = core.cells(self.marginal, diagonal, slack, coarse)
        else:
            variance, confidence = core.log_cells(self._logs[0], self._logs[1], slack, coarse)
        if coarse:
            variance = np.where(variance < 0, variance, capped(variance, self.marginal, slack))
        return variance, confidence

    def _variance(self):
        """Return the variances as they are, 0 where they are negative by rounding alone."""
        if self._logs is not None:
            return core.log_cells(*self._logs)[0]
        m, d = self.marginal, np.diagonal(self.joint, axis1=1, axis2=2)
        variance = core.pair_variance(m, d)
        rows = (variance < 0).any(axis=1)  # the others need no slack, which costs more than they do
        if rows.any():
            variance[rows] = core.variances(m[rows], d[rows], joint_slack(m[rows], self._eps))
        return variance

    def _columns(self, y, owner):
        return class_codes(y, self.classes, len(self), self.n_classes, owner)

    def _warn(self, bad, owner, what):
        if bad.any():
            warnings.warn(
                f"{owner}: {int(bad.sum())} of {bad.size} cells with a negative variance {what}: a model contradicts "
                "itself there; few responses may by chance, and numbers that were rounded before they came in (pass "
                "them in the dtype they were computed in, or logits to from_logits, which loses nothing). See "
                "diagnose() and project().",
                UserWarning,
                stacklevel=3,
            )


def _labels(index, rows):
    return tuple(index[i] for i in rows) if isinstance(index, tuple) else None if index is None else index[rows]


def _rebuild(cls, fields):
    values = {name.lstrip("_"): value for name, value in fields.items()}
    return cls._of(values.pop("joint"), values.pop("marginal"), **values)


def as_pairs(pairs, owner) -> PairDistribution:
    """Return `pairs` as a PairDistribution; a joint in an array is taken as well."""
    if isinstance(pairs, PairDistribution):
        return pairs
    if pairs is None or isinstance(pairs, (str, bytes, dict)):
        raise InputError(f"{owner}: pairs must be a PairDistribution, or a joint of pairs; got {type(pairs).__name__}.")
    return PairDistribution(pairs)
