"""Tables of votes to test with: candidates of known merit, judges of known accuracy."""

import numpy as np

from bayes import SimplexRanker
from bayes.ranking._input import prepare

__all__ = ["problem_of", "rows", "table_of_votes", "uneven_strata"]


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


def rows(table, keep):
    """Return the rows of a table under a mask."""
    return {name: np.asarray(column)[keep] for name, column in table.items()}


def problem_of(table, anchors=None, families=None, strata=None, columns=None, missing="raise", **parameters):
    """Return the problem that an estimator makes of a table."""
    return prepare(SimplexRanker(**parameters), table, anchors, families, strata, columns, missing, "fit").problem


def uneven_strata():
    """Two candidates, 150 easy items with six judges and 150 hard ones with two; "b" is better, .6 against .5."""
    rng = np.random.default_rng(0)
    votes = {"candidate": [], "item": [], "judge": [], "score": [], "kind": []}
    for name, shares in (("a", (0.9, 0.1)), ("b", (0.6, 0.6))):
        for item in range(300):
            hard = item >= 150
            good = rng.random() < shares[hard]
            for j in range(2 if hard else 6):
                vote = good == (rng.random() < 0.9)
                for column, value in zip(votes, (name, item, f"j{j}", int(vote), "eh"[hard]), strict=True):
                    votes[column].append(value)
    return {name: np.array(column) for name, column in votes.items()}
