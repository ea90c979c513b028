"""Tables of votes to test with: candidates of known merit, judges of known accuracy."""

import numpy as np

__all__ = ["table_of_votes"]


def table_of_votes(rng, pi, theta, n_items):
    """Return ({candidate, item, judge, score}, true scores (K, n)); scores are 1 ... M, names "m0", "j0"."""
    pi, theta = np.asarray(pi), np.asarray(theta)
    k, j, m = len(pi), len(theta), pi.shape[1]
    z = (rng.random((k, n_items, 1)) > np.cumsum(pi, axis=1)[:, None]).sum(axis=2).clip(0, m - 1)
    votes = np.empty((k, n_items, j), int)
    for judge in range(j):
        cut = np.cumsum(theta[judge], axis=1)[z]
        votes[:, :, judge] = (rng.random((k, n_items, 1)) > cut).sum(axis=2).clip(0, m - 1)
    candidate, item, judge = np.indices(votes.shape).reshape(3, -1)
    table = {
        "candidate": np.array([f"m{i}" for i in range(k)])[candidate],
        "item": item,
        "judge": np.array([f"j{i}" for i in range(j)])[judge],
        "score": votes.ravel() + 1.0,
    }
    return table, z + 1.0
