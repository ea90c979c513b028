"""Which parameters of a batch predictor go together, and what would take hours."""

import math

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import check_level, check_number

from ._batch_interval import Question
from ._composite import composite_work
from ._mean_bound import program_work
from ._statistics import SHORTCUTS, Statistic, as_statistic
from ._weighted_law import weighted_cost

__all__ = [
    "METHODS",
    "check_ordering",
    "check_question",
    "check_ratio",
    "check_scales",
    "check_work",
    "scaled_residuals",
]

MOST_PROGRAM, MOST_COMPOSITE, MOST_WEIGHTED, MOST_CELLS, MOST_DRAWS = 3e10, 5e8, 2e9, 5e7, 5e8
HUGE = 1e150
METHODS = ("auto", "exact", "bound", "monte_carlo", "partition", "bonferroni")


def check_question(estimator):
    """Return the parameters as a Question; raise where they do not go together."""
    statistic, ordering, method = estimator.statistic, estimator.ordering, estimator.method
    if not isinstance(statistic, Statistic) and not (isinstance(statistic, str) and statistic in SHORTCUTS):
        names = ", ".join(repr(name) for name in SHORTCUTS)
        raise InputError(
            f"BatchPredictor: statistic must be one of {names}, or Quantile(q), QuantileBand(q1, q2) or "
            f"Compositional(...) from conformal; got {statistic!r}."
        )
    check_level(estimator.confidence_level, "BatchPredictor")
    statistic, name = as_statistic(statistic), statistic
    kind, ordered = statistic.kind, not (isinstance(ordering, str) and ordering == "auto")
    sums = "is for statistic='mean' and 'sum'"
    if ordered and kind not in ("sum", "composite"):
        raise InputError(f"BatchPredictor: an ordering {sums} and Compositional; got statistic={name!r}.")
    if ordered and method in ("partition", "bonferroni"):
        raise InputError(f"BatchPredictor: method={method!r} takes no ordering; got {ordering!r}.")
    if method == "bound" and kind != "sum":
        raise InputError(f"BatchPredictor: method='bound' {sums}; got statistic={name!r}.")
    if not isinstance(ordering, str):
        if kind != "sum" or method == "bound":
            raise InputError(f"BatchPredictor: weights as ordering go with {sums[7:]} and another method than 'bound'.")
        ordering = _as_weights(ordering)
    if kind == "band" and (method not in ("auto", "exact") or estimator.alternative != "two-sided"):
        raise InputError(
            "BatchPredictor: QuantileBand goes with method='exact' and alternative='two-sided'; got "
            f"{method!r} and {estimator.alternative!r}."
        )
    support = _check_support(estimator.support)
    return Question(
        statistic, estimator.alternative, support, ordering, method, int(estimator.n_resamples), estimator.n_jobs
    )


def _check_support(support):
    try:
        low, high = (float(end) for end in support)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"BatchPredictor: support must be a pair (low, high) of numbers; got {support!r}.") from None
    if not low < high or any(math.isfinite(end) and abs(end) > HUGE for end in (low, high)):
        raise InputError(
            f"BatchPredictor: support must be (low, high) with low < high, each infinite or at most {HUGE:g} in size; "
            f"got ({low:g}, {high:g})."
        )
    return low, high


def _as_weights(ordering):
    weights = np.asarray(ordering)
    if weights.ndim != 1 or weights.dtype.kind not in "iu":
        raise InputError(
            "BatchPredictor: ordering must be 'auto', 'rank', 'capped' or integer weights, one per rank 1 ... "
            f"n_calibration + 1; got an array of shape {weights.shape} and type {weights.dtype}."
        )
    with np.errstate(over="ignore"):
        weights = weights.astype(np.int64)
    if not len(weights) or weights[0] < 0 or (np.diff(weights) < 0).any() or weights[-1] > 2**53:
        raise InputError("BatchPredictor: ordering must hold non-negative, non-decreasing weights; got others.")
    return weights


def check_ordering(ordering, n):
    """Raise unless there is one weight per rank."""
    if not isinstance(ordering, str) and len(ordering) != n + 1:
        raise InputError(
            f"BatchPredictor: ordering must hold {n + 1} integer weights, one per rank 1 ... n_calibration + 1; "
            f"got {len(ordering)}."
        )


def check_work(question, n, m, weighted):
    """Raise where an answer would take minutes or gigabytes; "auto" never does for a mean."""
    statistic, ordering, method = question.statistic, question.ordering, question.method
    if not isinstance(ordering, str):
        work, cells = weighted_cost(ordering, m), (m + 1) * (m * int(ordering[-1] - ordering[0]) + 1)
        if work > MOST_WEIGHTED or cells > MOST_CELLS:
            raise InputError(
                f"BatchPredictor: ordering must be coarser for n_test = {m}: the law of its sum takes {work:.2g} steps "
                f"and {cells:.2g} numbers, at most {MOST_WEIGHTED:.2g} and {MOST_CELLS:.2g} are done. Divide the "
                "weights."
            )
        if weighted:
            raise InputError("BatchPredictor: weights as ordering do not go with sample_weight or y_std; use 'auto'.")
    if statistic.kind == "sum" and method == "exact" and not weighted and program_work(n, m) > MOST_PROGRAM:
        raise InputError(
            f"BatchPredictor: method='exact' for a mean takes n^2 log m steps, {program_work(n, m):.2g} for n = {n} "
            f"and n_test = {m}, and at most {MOST_PROGRAM:.2g} are done; use method='bound', which is hardly wider, or "
            "'auto'."
        )
    if weighted and method in ("exact", "monte_carlo"):
        raise InputError(
            f"BatchPredictor: method={method!r} needs rows that count alike; with sample_weight or y_std use 'auto'."
        )
    if method == "monte_carlo" and statistic.kind != "order" and question.n_resamples * m > MOST_DRAWS:
        raise InputError(
            f"BatchPredictor: method='monte_carlo' draws {question.n_resamples} times {m} ranks, and at most "
            f"{MOST_DRAWS:.2g} are drawn; use method='exact', 'bound' or fewer n_resamples."
        )
    if statistic.kind == "composite" and method not in ("partition", "bonferroni"):
        work = composite_work(n, m)
        if work > MOST_COMPOSITE and (method != "auto" or n < 9 * m):
            raise InputError(
                f"BatchPredictor: the program of a Compositional takes (n_calibration n_test)^2 = {work:.2g} steps, "
                f"and at most {MOST_COMPOSITE:.2g} are done; use method='partition' or fewer rows."
            )


def scaled_residuals(residuals, sigma, owner):
    """Return residuals in units of `sigma`, none beyond what can be added up."""
    with np.errstate(over="ignore"):
        scores = residuals / sigma
    if (worst := float(np.abs(scores).max())) > HUGE:
        raise InputError(
            f"{owner}: y_std must not be so small that a score (y - y_pred) / y_std exceeds {HUGE:g} in size; got "
            f"{worst:g}, with a least y_std of {sigma.min():g}. A floor such as 1e-9 will do."
        )
    return scores


def check_scales(y_std, owner, n, check_vector):
    """Return positive standard deviations, one per row, or None."""
    if y_std is None:
        return None
    sigma = check_vector(y_std, owner, "y_std")
    if len(sigma) != n or not (sigma > 0).all():
        raise InputError(
            f"{owner}: y_std must hold one positive number per row ({n}); got {len(sigma)}, the least {sigma.min():g}."
        )
    return sigma


def check_ratio(density_ratio, bound, owner, n, check_vector):
    """Return the density ratios, one per row, none above the bound."""
    if bound is None:
        raise InputError(
            f"{owner}: density_ratio needs ratio_bound, the largest ratio that is possible, fixed before the data; the "
            "largest one seen will not do."
        )
    check_number(bound, "BatchPredictor", "ratio_bound", low=0)
    ratio = check_vector(density_ratio, owner, "density_ratio")
    if len(ratio) != n or ratio.min() < 0 or ratio.max() > bound:
        raise InputError(
            f"{owner}: density_ratio must hold one number in [0, ratio_bound = {bound:g}] per row ({n}); got "
            f"{len(ratio)}, from {ratio.min():g} to {ratio.max():g}. A ratio above the bound voids the promise."
        )
    return ratio
