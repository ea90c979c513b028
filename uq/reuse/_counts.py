"""How many different queries an analyst can have reached: exact counts of transcripts, as logarithms.

An analyst who sees only answers out of a finite list can be in so many situations and no more, each of which asks one
query that was fixed before the data. A union bound over them needs no noise and no privacy.
"""

import numpy as np
from scipy.special import betaln, logsumexp

__all__ = ["MOST_TERMS", "log_binomial", "log_checked", "log_ladder", "log_spent"]

MOST_TERMS = 200_000


def log_binomial(n, k):
    """Return ln C(n, k) for 0 <= k <= n."""
    n, k = np.asarray(n, np.float64), np.asarray(k, np.float64)
    return -np.log(n + 1) - betaln(n - k + 1, k + 1)  # differences of gammaln would cancel at large n


def log_checked(n_queries, n_failures, log_cells, most_terms=MOST_TERMS):
    """Return ln of the queries that Guess-and-Check can meet: sum over f <= B of C(m, f + 1) L^f.

    A situation is the list of answers so far: "right", or "wrong" with one of L cells, at most B of them, because the
    refusal after the next is the end. `log_cells` may be an array. Of more than `most_terms` terms, the largest is
    taken as often as there are terms, which is never below the sum.
    """
    last = min(n_failures, n_queries - 1)
    if last < most_terms:
        f = np.arange(last + 1)
        return logsumexp(log_binomial(n_queries, f + 1) + np.multiply.outer(log_cells, f), axis=-1)
    cells = np.exp(log_cells)
    # terms grow while (m - f - 1) L >= f + 2
    peak = np.clip(np.floor((cells * (n_queries - 1) - 2) / (1 + cells)) + np.arange(3)[:, None], 0, last)
    terms = log_binomial(n_queries, peak + 1) + log_cells * peak
    return np.log(last + 1) + terms.max(axis=0).reshape(np.shape(log_cells))


def log_spent(i, f):
    """Return ln of the share of the error that query `i` (from 1) with `f` earlier failures may spend, cells aside.

    360 / (7 pi^4) / (i^2 (f + 1)^2 C(i - 1, f)): summed over all situations of all i and f < i, it gives 1.
    """
    return np.log(360 / (7 * np.pi**4)) - 2 * np.log(i) - 2 * np.log(f + 1) - log_binomial(i - 1, f)


def log_ladder(n_queries, n_values):
    """Return ln of the queries that a Ladder can meet, C(k - 1 + G, G): the k-th after falls on a grid of G values."""
    return float(log_binomial(n_queries - 1 + n_values, n_values))
