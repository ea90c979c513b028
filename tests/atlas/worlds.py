"""Laws that intervals are held against, each with its mean: skewed, rare, tied, with heavy tails, in clusters."""

import numpy as np

__all__ = ["BOUNDED", "LAWS", "OUTCOMES", "ZERO_ONE", "clusters"]

LAWS = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "lognormal": (lambda rng, n: rng.lognormal(size=n), float(np.exp(0.5))),
    "Student t, 3 df": (lambda rng, n: rng.standard_t(3, n), 0.0),
    "Likert 1-5": (lambda rng, n: rng.choice(5, n, p=[0.6, 0.2, 0.1, 0.06, 0.04]) + 1.0, 1.74),
}
ZERO_ONE = {
    "0/1, rate .02": (lambda rng, n: (rng.random(n) < 0.02).astype(float), 0.02),
    "0/1, rate .3": (lambda rng, n: (rng.random(n) < 0.3).astype(float), 0.3),
}
BOUNDED = {
    "beta(.2, 2)": (lambda rng, n: rng.beta(0.2, 2, n), 0.2 / 2.2),
    "Likert 0-1": (lambda rng, n: rng.choice(5, n, p=[0.6, 0.2, 0.1, 0.06, 0.04]) / 4, 0.185),
    **ZERO_ONE,
}
# what models predict and people measure
OUTCOMES = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "counts": (lambda rng, n: rng.poisson(2, n).astype(float), 2.0),
    "Student t, 3 df": LAWS["Student t, 3 df"],
    "lognormal": LAWS["lognormal"],
    "0/1, rate .1": (lambda rng, n: (rng.random(n) < 0.1).astype(float), 0.1),
}


def clusters(rng, n_groups, size=5):
    """Return skewed scores of mean 1 whose clusters share a shock, and the labels."""
    groups = np.repeat(np.arange(n_groups), size)
    return rng.lognormal(-0.125, 0.5, n_groups)[groups] * rng.exponential(size=len(groups)), groups
