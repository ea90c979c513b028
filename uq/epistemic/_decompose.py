"""Noise told from ignorance by several models, draws of one, or several answers: functions of samples alone."""

import warnings

import numpy as np
from scipy import special

from uq._base.answers import check_answers, draw_values
from uq._base.citation import cites
from uq._base.classes import ROUNDED
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.validation import check_matrix, check_option

from ._pair_input import check_members
from ._records import Decomposition

__all__ = ["decompose_samples", "semantic_entropy"]

KINDS = ("entropy", "gini", "variance")
ROUNDING = 1e-12


@cites("depeweg2018", "houlsby2011")
def decompose_samples(probs, kind="entropy", *, variances=None) -> Decomposition:
    """Split the uncertainty of several models (ensemble, dropout, posterior draws) into noise and ignorance.

    Parameters
    ----------
    probs : array-like of shape (n_members, n_samples, n_classes) or (n_members, n_samples)
        Probabilities of classes, or of the second of two, for "entropy" and "gini"; predicted means for "variance".
    kind : {"entropy", "gini", "variance"}, default "entropy"
        "entropy": entropy of the mean, in nats = mean entropy + mutual information (BALD). "gini": the chance that two
        draws of the mean differ = its mean over members + trace of their covariance. "variance": mean of the variances
        + variance of the means (divisor n_members - 1).
    variances : array-like of shape (n_members, n_samples), optional
        For "variance" alone: each member's own variance, not negative. Without it there is no aleatoric part: it is 0.

    Returns
    -------
    Decomposition
        `total`, `aleatoric` and `epistemic`, each of shape (n_samples,).

    Raises
    ------
    InputError
        For probabilities outside [0, 1] or rows that do not sum to 1, missing values, other shapes, negative variances,
        and an unknown kind.

    Warns
    -----
    SmallSampleWarning
        For one member, whose ignorance cannot be seen: the epistemic part is NaN, and so is a total variance.

    See Also
    --------
    PairDistribution.decompose : from pairs of responses, without an ensemble.

    Notes
    -----
    **Guarantee.** None. The parts add up exactly, but whether the members differ as much as the truth may from them is
    a property of how they were made: hold them against responses (`second_order_calibration_error`, `ScaledVariance`).

    References
    ----------
    .. [1] S. Depeweg, J. M. Hernández-Lobato, F. Doshi-Velez, S. Udluft (2018). Decomposition of uncertainty in
       Bayesian deep learning for efficient and risk-sensitive learning. arXiv:1710.07283.
    .. [2] N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel (2011). Bayesian active learning for classification and
       preference learning. arXiv:1112.5745.

    Examples
    --------
    Two members that agree on a coin, and two that are sure of different things:

    >>> from uq.epistemic import decompose_samples
    >>> print(decompose_samples([[[.5, .5], [1., 0.]], [[.5, .5], [0., 1.]]]))
    uncertainty of 2 rows (entropy)
    row   total  aleatoric  epistemic
      0  0.6931     0.6931          0
      1  0.6931          0     0.6931
    method: members, guarantee: none
    """
    owner = "decompose_samples"
    check_option(kind, KINDS, owner, "kind")
    if kind != "variance" and variances is not None:
        raise InputError(f"{owner}: variances must be None unless kind='variance'; got an array for {kind!r}.")
    total, aleatoric, epistemic = (
        _variances(probs, variances, owner) if kind == "variance" else _classes(probs, kind, owner)
    )
    if np.isnan(epistemic).all():
        warnings.warn(
            f"{owner}: one member shows no ignorance; the epistemic part is NaN. Use two members or more.",
            SmallSampleWarning,
            stacklevel=2,
        )
    return Decomposition(total=total, aleatoric=aleatoric, epistemic=epistemic, kind=kind, method="members")


def _classes(probs, kind, owner):
    p = check_members(probs, owner, "probs")
    mean = p.mean(axis=0)
    spread = _entropy if kind == "entropy" else _gini
    total, aleatoric = spread(mean), spread(p).mean(axis=0)
    if len(p) < 2:
        return total, aleatoric, np.full(len(total), np.nan)
    if kind == "gini":
        return total, aleatoric, p.var(axis=0).sum(axis=-1)
    epistemic = total - aleatoric
    return total, aleatoric, np.where(np.abs(epistemic) <= ROUNDING, np.maximum(epistemic, 0.0), epistemic)


def _entropy(p):
    return special.entr(p).sum(axis=-1)


def _gini(p):
    return 1 - np.einsum("...k,...k->...", p, p)


def _variances(probs, variances, owner):
    means = check_matrix(probs, owner, "probs")
    aleatoric = np.zeros(means.shape[1])
    if variances is not None:
        noise = check_matrix(variances, owner, "variances")
        if noise.shape != means.shape or (noise < 0).any():
            raise InputError(
                f"{owner}: variances must hold one number of at least 0 for each of probs, shape {means.shape}; got "
                f"shape {noise.shape}, the least {noise.min() if noise.size else np.nan:g}."
            )
        aleatoric = noise.mean(axis=0)
    if not means.shape[1]:
        raise InputError(f"{owner}: probs must have one column per row of data; got none.")
    epistemic = means.var(axis=0, ddof=1) if len(means) > 1 else np.full(means.shape[1], np.nan)
    return aleatoric + epistemic, aleatoric, epistemic


@cites("kuhn2023", "farquhar2024")
def semantic_entropy(clusters, log_probs=None) -> np.ndarray:
    """Return the entropy over meanings of several sampled answers, in nats.

    Parameters
    ----------
    clusters : array-like of shape (n_questions, n_draws), list of lists, or long frame
        The cluster of meaning of each draw: equal labels mean the same. None (NaN) is a draw without an answer and is
        left out. Lists may differ in length. A long frame has the columns ``question`` and ``answer``.
    log_probs : array-like in the form of `clusters`, optional
        Log-probability of each draw, at most 0; with a long frame one number per row, such as a column of it. Clusters
        are then weighed by the sum of their draws' probabilities, normalised
        over the draws of the question. Without it, by the number of draws.

    Returns
    -------
    ndarray of shape (n_questions,)

    Raises
    ------
    InputError
        For clusters in another form, a question without any answer, and log-probabilities that are NaN, infinite,
        above 0 but for rounding (as probabilities are), or in another form.

    Notes
    -----
    A draw that repeats another one letter by letter counts again; drop the repetition where each distinct text should
    count by its probability once.

    **Guarantee.** None: the entropy of n draws is biased downwards by about (n_clusters - 1) / (2 n), and it holds
    noise and ignorance together. It is a score; calibrate it against right and wrong answers.

    References
    ----------
    .. [1] L. Kuhn, Y. Gal, S. Farquhar (2023). Semantic uncertainty: linguistic invariances for uncertainty estimation
       in natural language generation. arXiv:2302.09664.
    .. [2] S. Farquhar, J. Kossen, L. Kuhn, Y. Gal (2024). Detecting hallucinations in large language models using
       semantic entropy. doi:10.1038/s41586-024-07421-0.

    Examples
    --------
    >>> from uq.epistemic import semantic_entropy
    >>> semantic_entropy([["Paris", "Paris", "Paris"], ["1912", "1915", None]]).round(4)
    array([0.    , 0.6931])
    """
    owner = "semantic_entropy"
    draws = check_answers(clusters, owner, "clusters")
    if (np.diff(draws.starts) == 0).any():
        row = int(np.flatnonzero(np.diff(draws.starts) == 0)[0])
        raise InputError(
            f"{owner}: clusters must hold at least one answer per question; got none in row {row} (counting from 0). "
            "Leave such questions out."
        )
    weights = None
    if log_probs is not None:
        values = draw_values(log_probs, draws, owner, "log_probs")
        if not (np.isfinite(values).all() and (np.abs(values) <= 1e150).all()):
            raise InputError(
                f"{owner}: log_probs must be finite for every draw that holds an answer; got "
                f"{values[~(np.abs(values) <= 1e150)][0]:g}."
            )
        # probabilities of long answers are above 0 by less than rounding, but all of them are
        if values.max() > ROUNDED or (values.min() >= 0 and values.max() > 0):
            raise InputError(
                f"{owner}: log_probs must hold logarithms of probabilities, at most 0; got {values.max():g}. "
                "Probabilities must go through np.log first."
            )
        top = np.full(draws.n_questions, -np.inf)
        np.maximum.at(top, draws.question, values)
        weights = np.exp(values - top[draws.question])
    mass = draws.sums(weights).astype(np.float64)
    share = mass / np.bincount(draws.owner, weights=mass, minlength=draws.n_questions)[draws.owner]
    return np.bincount(draws.owner, weights=special.entr(share), minlength=draws.n_questions)
