"""Design-based supervised learning: labels that were sampled with known, possibly unequal, probabilities."""

import numpy as np

from uq._base.alignment import check_order
from uq._base.citation import cite_methods, cites
from uq._base.containers import as_numeric, dimensions
from uq._base.exceptions import InputError
from uq._base.groups import cluster_sums
from uq._base.laws import TLaw
from uq._base.results import Estimate
from uq._base.validation import check_binary, check_groups, check_same_length, check_vector

from ._checks import check_design, check_rows
from ._estimate import influence_norms, warn_few
from ._functional import as_rows, effective_number, hc1_factor, of_one_cluster, satterthwaite
from ._influence import Influence

__all__ = ["dsl"]

_NEARLY_ALL = 0.9

cite_methods(dsl="egami2023")


@cites("egami2023")
def dsl(*, y_pred, y, labeled, sampling_probability, X=None, groups=None, strata=None) -> Estimate:
    """Estimate a mean or regression coefficients from predictions, corrected where rows were labelled on purpose.

    The outcome of a row is replaced by ``y_pred + (y - y_pred) / sampling_probability`` if it was labelled, and by
    `y_pred` if not: right on average over the sampling, however bad the predictions are. That column is averaged, or
    regressed on `X`.

    Parameters
    ----------
    y_pred : array-like of shape (n,) or (n, 1)
        Predictions of all rows, by a model that did not see the labels used here.
    y : array-like of shape (n,)
        What turned out to be true; ignored (and best NaN) where `labeled` is false.
    labeled : array-like of shape (n,)
        Which rows have a label, 0 or 1.
    sampling_probability : float or array-like of shape (n,)
        The probability with which each row was to be labelled, in (0, 1]. It must be known, not estimated: it comes
        from the plan by which rows were sent to be labelled.
    X : array-like of shape (n, n_columns), optional
        Regress on these columns, which get NO INTERCEPT: give a column of ones where there is to be one. By default the
        mean is estimated.
    groups : array-like of shape (n,), optional
        Clusters.
    strata : array-like of shape (n,), optional
        Where a fixed number of rows was drawn, in all or in each stratum, and not each row by itself: the stratum of
        each row, never a single label; where the number was fixed over all rows, the same label n times, such as
        ``strata=np.zeros(n)``. The error is then that of a fixed number, which is smaller.

    Returns
    -------
    Estimate
        A number, or one value per column of X.

    Raises
    ------
    InputError
        For missing or infinite values (of y: in labelled rows), lengths that differ, no labelled row, probabilities
        outside (0, 1], an unlabelled row of probability 1, dependent columns of X; with `strata`, for probabilities
        other than the labelled share of the stratum.

    Warns
    -----
    SmallSampleWarning
        Below 20 labels (or labelled clusters) that carry the estimate. One label alone has an infinite error.

    See Also
    --------
    PredictionPowered : labelled rows that are a simple random sample; tunes the weight of the predictions.

    Notes
    -----
    **Guarantee.** Asymptotic in the number of labelled rows (or clusters), for any model, if the probabilities are
    those of the sampling and bounded away from 0; Student's t with as many degrees of freedom as the labels have that
    carry the estimate, which are few where probabilities differ much; with `strata`, Satterthwaite's over the strata.
    Without `strata` the error (HC1, or cluster-robust) is that of rows labelled independently of each other; for a
    fixed number of labels it is too large, by much where the predictions are biased. One row of tiny probability can
    decide everything: the normal law then comes late.

    With one probability p the mean is that of `PredictionPowered` with a power of 1 - p.

    References
    ----------
    .. [1] N. Egami, M. Hinck, B. Stewart, H. Wei (2023). Using imperfect surrogates for downstream inference.
       arXiv:2306.04746.

    Examples
    --------
    Rows that the model is unsure about are labelled more often:

    >>> import numpy as np
    >>> from causal import dsl
    >>> rng = np.random.default_rng(0)
    >>> y_prob = rng.beta(.5, .5, size=5000)
    >>> y = (rng.random(5000) < y_prob**2).astype(float)  # a model that claims too much: the share is .375
    >>> p = .02 + .2 * (abs(y_prob - .5) < .3)
    >>> labeled = rng.random(5000) < p
    >>> known = np.where(labeled, y, np.nan)
    >>> print(dsl(y_pred=y_prob, y=known, labeled=labeled, sampling_probability=p))
    0.3955, 95 % interval [0.3627, 0.4283], std. error 0.01659
    n = 5000; method: dsl, guarantee: asymptotic
    """
    owner = "dsl"
    check_order(
        owner, y_pred=y_pred, y=y, labeled=labeled, sampling_probability=sampling_probability, X=X, groups=groups,
        strata=strata,
    )  # fmt: skip
    rows = check_rows(owner, y_pred, None, groups)
    f, n = rows.z, len(rows.z)
    there = check_binary(check_vector(labeled, owner, "labeled"), owner, "labeled") == 1
    truth = as_numeric(y, owner, "y")
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.ndim != 1:
        raise InputError(f"{owner}: y must have shape (n,); got an array of shape {truth.shape}.")
    check_same_length(owner, y_pred=f, y=truth, labeled=there)
    if not there.any():
        raise InputError(f"{owner}: labeled must be true for at least one row; got none.")
    known = check_vector(truth[there], owner, "y of the labeled rows")
    p = _check_probability(owner, sampling_probability, there)
    design, names = (np.ones((n, 1)), None) if X is None else check_design(owner, X, rows)
    codes = None if strata is None else _check_strata(owner, strata, there, p)
    return _estimate(owner, rows, f, known, there, p, design, names, codes, X is None)


def _check_probability(owner, sampling_probability, there):
    scalar = dimensions(sampling_probability) == 0 and not isinstance(sampling_probability, (str, bytes, dict, set))
    p = check_vector([sampling_probability] if scalar else sampling_probability, owner, "sampling_probability")
    p = np.repeat(p, len(there)) if scalar else p
    check_same_length(owner, y_pred=there, sampling_probability=p)
    if not ((p > 1e-100) & (p <= 1)).all():
        raise InputError(
            f"{owner}: sampling_probability must lie in (0, 1]; got values from {p.min():g} to {p.max():g}. A row that "
            "could not be labelled is not covered by any answer: leave it out."
        )
    if (p[~there] == 1).any():
        raise InputError(
            f"{owner}: sampling_probability must be below 1 where a row is not labeled; got 1 in unlabeled row "
            f"{int(np.flatnonzero(~there & (p == 1))[0])} (counting from 0)."
        )
    return p


def _check_strata(owner, strata, there, p):
    codes, labels = check_groups(strata, owner, len(there), name="strata", min_groups=1)
    share = np.bincount(codes, there) / np.bincount(codes)
    wrong = np.abs(share[codes] - p) > 1e-6 * p
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(
            f"{owner}: sampling_probability must be the labeled share of each stratum, since `strata` says that a "
            f"fixed number was drawn; got {p[first]:g} in stratum {labels[codes[first]]!s:.60}, of which "
            f"{share[codes[first]]:g} are labeled. Leave strata out where rows were labeled independently."
        )
    return codes


def _estimate(owner, rows, f, known, there, p, X, names, strata, scalar):
    n, k = X.shape
    scale = np.abs(X).max(axis=0)
    q, r = np.linalg.qr(X / scale)
    solve = np.linalg.solve(r, q.T) / scale[:, None]
    correction = np.zeros(n)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        correction[there] = (known - f[there]) / p[there]
        outcome = f + correction
        theta = solve @ outcome
        if not np.isfinite(theta).all():
            raise InputError(f"{owner}: the estimate exceeds the floats. Rescale y_pred, y or X.")
        values = solve.T * (outcome - X @ theta)[:, None]
        by_label = solve.T * correction[:, None]
        if strata is not None:
            rest, by_label = _centred(values - by_label, by_label, there, p, strata)
            values = rest + by_label
        carries = _carries(solve, there, p, rows.groups)
        count, df = int(there.sum()), _degrees(solve, there, carries, rows.groups, by_label, strata)
        if rows.groups is not None:
            values = cluster_sums(values, rows.groups)
            count = len(np.unique(rows.groups[there]))
        values = values * np.sqrt(hc1_factor(n, k, rows.n_groups))
        values = np.where(np.isnan(values), np.inf, values)
        std_error = influence_norms(values)
        rounding = 4 * np.finfo(float).eps * (np.abs(solve) @ np.abs(outcome))
        usable = (std_error > rounding) & np.isfinite(std_error)
        # labels that all say the same of the predictions do not say how far these can be off
        usable &= (influence_norms(by_label) > rounding) | there.all()
        usable &= count > 1
        std_error = np.where(usable, std_error, np.inf)
        influence, cov = None, None
        if usable.all():
            cov = values.T @ values
            verb, source = "mean" if scalar else "ols", rows.source
            if rows.groups is not None:
                influence = Influence.of(np.zeros((0, k)), values, None, source, verb)
            else:
                influence = Influence.of(values[there], values[~there], source.pick(there), source.pick(~there), verb)
    kind = "labeled rows" if rows.groups is None else "labeled clusters"
    # by the design, since variances of few labels differ anyway; unless one stratum has nearly all of it
    units = np.minimum(np.maximum(effective_number(carries), 2), count)
    if strata is not None and rows.groups is None:
        units = np.where(_dominated(by_label, strata), np.minimum(df + 1, count), units)
    units = units if scalar else as_rows(units, count)
    warn_few(owner, units, count, kind, 4, names, of_one_cluster(X, rows.groups))
    pick = (lambda a: float(a[0])) if scalar else np.asarray
    return Estimate(
        estimate=pick(theta),
        std_error=pick(std_error),
        n=n,
        method="dsl",
        guarantee="asymptotic",
        law=TLaw(estimate=pick(theta), std_error=pick(std_error), df=pick(df)),
        names=names,
        cov=None if scalar else cov,
        n_groups=rows.n_groups,
        influence=influence,
    )


def _dominated(by_label, strata):
    """Tell for which coefficients one stratum has nearly all that the labels add to the variance, shape (k,)."""
    norms = np.stack([influence_norms(by_label[strata == code]) for code in range(strata.max() + 1)])
    return norms.max(axis=0) ** 2 > _NEARLY_ALL * influence_norms(norms) ** 2


def _carries(solve, there, p, groups):
    """Return how much the labels (or labelled clusters) say of each coefficient, shape (n_labels, k)."""
    carries = (solve[:, there] / np.abs(solve).max(axis=1, keepdims=True)).T ** 2 / p[there, None]
    if groups is None:
        return carries
    return cluster_sums(carries, groups[there])[np.unique(groups[there])]


def _degrees(solve, there, carries, groups, by_label, strata):
    """Return the degrees of freedom that the labels leave, shape (k,): of as many as carry each coefficient."""
    k = len(solve)
    if strata is not None and groups is None:
        # every stratum has a variance of its own
        square, codes = by_label**2, strata[there]
        each = [carries[codes == code] for code in range(strata.max() + 1)]  # of one probability each
        dfs = [np.maximum(effective_number(one) - 1, 1.0) for one in each]
        return satterthwaite(list(cluster_sums(square, strata)), dfs)
    return np.maximum(np.minimum(effective_number(carries) - 1, len(carries) - (k if groups is None else 1)), 1.0)


def _centred(rest, by_label, there, p, strata):
    """Return the two parts of influence values where numbers of labels are fixed.

    What labels add varies about its mean in the stratum only; that mean is known for every row.
    """
    drawn = np.bincount(strata, there)
    means = cluster_sums(by_label * p[:, None], strata) / drawn[:, None]  # per row, as if divided by no probability
    apart = by_label - means[strata] / p[:, None]
    with np.errstate(divide="ignore"):
        spread = np.sqrt(drawn / np.maximum(drawn - 1, 0))[strata]
    spread = np.where(p < 1, spread, 1.0)[:, None]  # where all rows are labelled nothing was drawn
    return rest + means[strata], np.where(there[:, None], apart * spread, 0.0)
