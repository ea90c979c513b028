"""One parameter for the variance: what every model of pairs has to beat."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.containers import index_of
from uq._base.exceptions import InputError
from uq._base.sklearn import StrOptions, validate_params

from ._class_names import check_same_classes, column_labels
from ._pair_input import check_class_probabilities, check_counts, check_members
from ._pairs import PairDistribution
from ._ustatistics import squared_errors

__all__ = ["ScaledVariance", "ensemble_covariance", "rho_joint"]


def rho_joint(p, rho):
    """Return rho diag(p) + (1 - rho) p p': the pairs of a Dirichlet law of p with mean p and a0 = 1 / rho - 1."""
    joint = (1 - rho) * (p[:, :, None] * p[:, None, :])
    k = np.arange(p.shape[1])
    joint[:, k, k] += rho * p
    return joint


def ensemble_covariance(members):
    """Return the covariance of the members' probabilities, of shape (n, K, K), with divisor n_members - 1."""
    gap = members - members.mean(axis=0)
    return np.einsum("snk,snl->nkl", gap, gap) / (len(gap) - 1)


@cites("johnson2024")
class ScaledVariance(BaseEstimator):
    """Scale a variance that costs nothing until it fits: the baseline of second-order calibration.

    Parameters
    ----------
    kind : {"rho", "ensemble"}, default "rho"
        "rho": the variance of p(y|x) is rho p (1 - p), with one rho for all rows. "ensemble": it is a multiple of the
        variance between members (divisor n_members - 1).
    criterion : {"moment", "least_squares"}, default "moment"
        "moment": the sum of the variances is that of the squared errors. "least_squares": least mean square of their
        difference, which `second_order_score` takes.

    Attributes
    ----------
    scale_ : float
        rho, in [0, 1]; or the factor of the ensemble's variance, at least 0.
    clipped_ : bool
        Whether it had to be brought into its range.
    n_calibration_ : int
        Rows of `fit`.
    n_classes_ : int
    n_members_ : int or None
        Of `fit`; None for "rho".

    Raises
    ------
    InputError
        From `fit`, for probabilities outside [0, 1] or rows that do not sum to 1, counts that are none or fewer than 2
        in a row, lengths that differ, variances that are all 0, and frames of probabilities and counts whose columns
        have other names or stand in another order. From `predict_pair`, also for other columns or another number of
        members than in `fit`: the mean of more members has a smaller error, to which the scale would not fit.

    See Also
    --------
    SecondOrderCalibration : a factor with a guarantee.
    second_order_score : which of two variances is better.

    Notes
    -----
    The model must not have been trained on the rows of `fit`, else its errors look too small. Probabilities that are
    far too sure should be recalibrated first (`calibration.TemperatureScaling`): where p (1 - p) is 0 and the error is
    not, no factor helps.

    **Guarantee.** None at the sample size at hand. With "moment", independent rows, and responses that are independent
    given x and whose number does not depend on them (where a third one is bought when two disagree, use the first two),
    the scale converges to the one whose variances are right on average over all rows, clipped to its range; nothing is
    said of any part of them.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    Ten votes on each of 500 items whose true probabilities scatter around 0.3 with a variance of .1 times .3 times .7:

    >>> import numpy as np
    >>> from uq.epistemic import ScaledVariance
    >>> rng = np.random.default_rng(0)
    >>> votes = rng.binomial(10, rng.beta(2.7, 6.3, 500))
    >>> scaled = ScaledVariance().fit(np.full(500, .3), np.column_stack([10 - votes, votes]))
    >>> round(scaled.scale_, 2)
    0.1
    >>> scaled.predict_pair([.3]).epistemic_variance.round(3)
    array([[0.021, 0.021]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "kind": [StrOptions({"rho", "ensemble"})],
        "criterion": [StrOptions({"moment", "least_squares"})],
    }

    def __init__(self, kind="rho", criterion="moment"):
        self.kind = kind
        self.criterion = criterion

    def fit(self, y_prob, y):
        """Learn the scale from held-out rows.

        Parameters
        ----------
        y_prob : array-like of shape (n_samples, n_classes), or (n_members, n_samples, n_classes) for "ensemble"
            Probabilities; without the last axis those of the second of two classes.
        y : array-like of shape (n_samples, n_classes)
            Counts of responses, two or more per row, as many as were planned before any was seen.

        Returns
        -------
        self
        """
        owner = "ScaledVariance.fit"
        validate_params(self)
        p, members = self._check(y_prob, owner)
        # the columns of an ensemble without a last axis are rows
        labels = column_labels(y_prob, owner, "y_prob") if members is None else None
        counts = check_counts(y, owner, n=len(p), k=p.shape[1], classes=labels, of="y_prob")
        error = squared_errors(counts, p)
        variance = p * (1 - p) if members is None else members.var(axis=0, ddof=1)
        weight = variance if self.criterion == "least_squares" else np.ones_like(variance)
        total = float((weight * variance).sum())
        if not total > 0:
            raise InputError(
                f"{owner}: y_prob must leave a variance that can be scaled; got "
                + ("nothing but 0 and 1." if members is None else "members that all agree.")
            )
        scale = float((weight * error).sum()) / total
        kept = max(scale, 0.0) if members is not None else min(max(scale, 0.0), 1.0)
        self.scale_, self.clipped_ = kept, kept != scale
        self.n_calibration_, self.n_classes_ = len(p), p.shape[1]
        self.n_members_ = None if members is None else len(members)
        self._classes = column_labels(y, owner, "y") if labels is None else labels
        return self

    def predict_pair(self, y_prob):
        """Return the distribution of pairs of other rows.

        Parameters
        ----------
        y_prob : array-like of the shape of fit
            Other rows, and as many members.

        Returns
        -------
        PairDistribution
            Its classes are called as the columns of the probabilities, else as those of the counts in `fit`. For "rho"
            a proper one. For "ensemble" its covariance is right and entries of its joint may be negative.
        """
        check_is_fitted(self)
        owner = "ScaledVariance.predict_pair"
        p, members = self._check(y_prob, owner, self.n_members_ is not None)
        if p.shape[1] != self.n_classes_:
            raise InputError(f"{owner}: y_prob must have the {self.n_classes_} classes of fit; got {p.shape[1]}.")
        if members is None:
            labels = column_labels(y_prob, owner, "y_prob")
            check_same_classes(labels, self._classes, owner, "y_prob", "fit")
            labels = labels if self._classes is None else self._classes
            joint = rho_joint(p, self.scale_)
            return PairDistribution._of(joint, p.copy(), classes=labels, index=index_of(y_prob), method="rho p (1 - p)")
        if len(members) != self.n_members_:
            raise InputError(
                f"{owner}: y_prob must hold the {self.n_members_} members of fit; got {len(members)}. Fit again with "
                "as many as will be used."
            )
        joint = self.scale_ * ensemble_covariance(members) + p[:, :, None] * p[:, None, :]
        return PairDistribution._of(joint, p, classes=self._classes, method="scaled ensemble")

    def _check(self, y_prob, owner, ensemble=None):
        """Return the mean probabilities, and those of the members."""
        if self.kind == "rho" if ensemble is None else not ensemble:
            return check_class_probabilities(y_prob, owner, "y_prob"), None
        members = check_members(y_prob, owner, "y_prob")
        if len(members) < 2:
            raise InputError(f"{owner}: y_prob must hold 2 members or more; got 1, which has no variance.")
        return members.mean(axis=0), members
