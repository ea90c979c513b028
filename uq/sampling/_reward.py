"""Rewards on the scale of what the reference model would do: the share of its responses that are worse."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.containers import as_labels
from uq._base.exceptions import InputError
from uq._base.validation import check_groups, check_vector

__all__ = ["RewardCalibration"]


@cites("balashankar2025")
class RewardCalibration(TransformerMixin, BaseEstimator):
    """Turn a reward into its quantile among the rewards of reference responses to the same prompt.

    Attributes
    ----------
    strata_ : ndarray of shape (n_strata,) or None
        Prompts seen in fit, sorted.
    n_reference_ : int or ndarray of shape (n_strata,)
        Reference responses, of each prompt.
    n_features_in_ : int
        1.

    Notes
    -----
    A reward r becomes (#{reference < r} + #{reference = r} / 2) / m for the m references of its prompt. Of a reference
    response itself this is its mid-rank less one half over m, which counts it as a tie with itself: in-sample values
    lie in (0, 1), while a new reward below all references becomes 0 and one above all 1.

    **Guarantee.** Finite-sample, for a reward without ties whose response is exchangeable with the references of its
    prompt: m times the quantile is then uniform on 0 ... m. With ties the quantile still has mean 1/2, and a smaller
    variance: that of the references' law has (1 - sum of cubed probabilities of the levels) / 12. Nothing covers
    rewards of another model than the reference, which is what the quantile is there to measure.

    References
    ----------
    Balashankar et al. (2025), InfAlign: inference-aware language model alignment, arXiv:2412.19792.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.sampling import RewardCalibration
    >>> calibration = RewardCalibration().fit([.1, .5, .5, .9, 3., 4.], strata=["a", "a", "a", "a", "b", "b"])
    >>> calibration.transform([.5, 3.5, .5], strata=["a", "b", "b"])
    array([0.5, 0.5, 0. ])
    """

    strata_: Any
    n_reference_: Any

    def __init__(self):
        pass

    def fit(self, rewards, y=None, *, strata=None) -> "RewardCalibration":
        """Keep the rewards of reference responses.

        Parameters
        ----------
        rewards : array-like of shape (n,) or (n, 1)
            Rewards of responses of the reference model.
        y : None
            Ignored.
        strata : array-like of shape (n,), optional
            The prompt of each; one prompt, or one pooled law, where None.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For rewards that are not finite, or labels of another length.
        """
        owner = "RewardCalibration.fit"
        values = check_vector(rewards, owner, "rewards")
        if strata is None:
            names, codes = None, np.zeros(len(values), np.intp)
        else:
            codes, names = check_groups(strata, owner, len(values), name="strata", min_groups=1)
        order = np.lexsort((values, codes))
        counts = np.bincount(codes)
        self._sorted, self._ends = values[order], np.r_[0, np.cumsum(counts)]
        self.strata_ = names
        self.n_reference_ = len(values) if names is None else counts
        self.n_features_in_ = 1
        return self

    def transform(self, rewards, *, strata=None):
        """Return the quantiles of rewards among the references of their prompts.

        Parameters
        ----------
        rewards : array-like of shape (n,) or (n, 1)
        strata : array-like of shape (n,), optional
            Required where `fit` got strata, and refused where it did not.

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1].

        Raises
        ------
        InputError
            For a prompt without references, and as in `fit`.
        """
        check_is_fitted(self, "n_reference_")
        owner = "RewardCalibration.transform"
        values = check_vector(rewards, owner, "rewards")
        codes = self._codes(strata, owner, len(values))
        out = np.empty(len(values))
        order = np.argsort(codes, kind="stable")
        edges = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
        for rows in np.split(order, edges[1:]):
            start, end = self._ends[codes[rows[0]]], self._ends[codes[rows[0]] + 1]
            reference = self._sorted[start:end]
            below = np.searchsorted(reference, values[rows], side="left")
            up_to = np.searchsorted(reference, values[rows], side="right")
            out[rows] = (below + up_to) / (2 * len(reference))
        return out

    def fit_transform(self, rewards, y=None, *, strata=None):
        """Return ``fit(rewards, strata=strata).transform(rewards, strata=strata)``: (mid-rank - 1/2) / m.

        Parameters
        ----------
        rewards : array-like of shape (n,) or (n, 1)
        y : None
            Ignored.
        strata : array-like of shape (n,), optional

        Returns
        -------
        ndarray of shape (n,)
            In (0, 1).
        """
        return self.fit(rewards, strata=strata).transform(rewards, strata=strata)

    def _codes(self, strata, owner, n):
        if (strata is None) != (self.strata_ is None):
            raise InputError(
                f"{owner}: strata must be given where fit got them, and only there; got "
                f"{'none' if strata is None else 'some'}. A reward is compared with references of its own prompt."
            )
        if strata is None:
            return np.zeros(n, np.intp)
        labels = as_labels(strata, owner, "strata")
        if len(labels) != n:
            raise InputError(f"{owner}: strata must have one label per row ({n}); got {len(labels)}.")
        known = {label: code for code, label in enumerate(self.strata_.tolist())}
        codes = [known.get(label, -1) for label in labels.tolist()]
        if -1 in codes:
            row = codes.index(-1)
            raise InputError(
                f"{owner}: strata must hold prompts that fit has seen; got {labels[row]!s:.60} in row {row} (counting "
                "from 0). Draw reference responses to it, and fit again."
            )
        return np.array(codes, np.intp)
