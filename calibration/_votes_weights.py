"""What each draw's vote counts, by its log-probability, and which draws are pruned."""

import numpy as np
from scipy import special

from ._votes_mixture import fit_mixtures, log_density, log_mean, standardise

__all__ = ["first_of_path", "likely_draws", "relative_weights"]

LEAST_DRAWS = 4


def relative_weights(log_weights, draws):
    """Return the weights of the draws over the largest of their question."""
    top = np.full(draws.n_questions, -np.inf)
    np.maximum.at(top, draws.question, log_weights)
    return np.exp(log_weights - top[draws.question])


def first_of_path(log_p, draws):
    """Tell the first draw of each path: of those with one answer and one log-probability."""
    order = np.lexsort((np.arange(len(log_p)), log_p, draws.answer))
    a, p = draws.answer[order], log_p[order]
    first = np.empty(len(log_p), dtype=bool)
    first[order] = np.concatenate([[True], (a[1:] != a[:-1]) | (p[1:] != p[:-1])]) if len(order) else True
    return first


def likely_draws(log_p, draws):
    """Tell which draws are kept: those of the probable component, and all that reach the mean probability."""
    kept = np.ones(len(log_p), dtype=bool)
    order = np.lexsort((log_p, draws.question))
    question, value = draws.question[order], log_p[order]
    new = np.concatenate([[True], (question[1:] != question[:-1]) | (value[1:] != value[:-1])])[: len(order)]
    distinct = np.bincount(question[new], minlength=draws.n_questions)
    asked = np.flatnonzero(distinct >= LEAST_DRAWS)
    if not len(asked):
        return kept
    counts = np.bincount(question, minlength=draws.n_questions)
    begins = np.cumsum(counts) - counts
    # questions of one size together, so that few draws are not padded to many
    for size in np.unique(counts[asked]):
        these = asked[counts[asked] == size]
        rows = order[begins[these][:, None] + np.arange(size)]
        kept[rows] = _likely_rows(log_p[rows])
    return kept


def _likely_rows(u):
    weight = np.ones_like(u)
    x, mean, sd = standardise(u, weight)
    fitted = (sd > 1e-12 * np.abs(u).max(axis=1, keepdims=True))[:, 0]
    high_or_mean = u >= special.logsumexp(u, axis=1, keepdims=True) - np.log(u.shape[1])
    theta = fit_mixtures(x[fitted], weight[fitted])[0]
    share, m1, a1, m2, a2 = (theta[:, j, None] for j in range(5))
    first = log_density(x[fitted], m1, a1) + special.log_expit(share)
    second = log_density(x[fitted], m2, a2) + special.log_expit(-share)
    # back on the scale of the data, where the means of the components are to be compared
    shift = np.log(sd[fitted])
    to_mean = [mean[fitted] + sd[fitted] * m + log_mean(0.0, a - shift) for m, a in ((m1, a1), (m2, a2))]
    low = np.where(to_mean[0] >= to_mean[1], second - first, first - second)
    keep = np.ones(u.shape, dtype=bool)
    keep[fitted] = high_or_mean[fitted] | (low <= 0)
    return keep
