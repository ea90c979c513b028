"""Means of scores, and differences of two models on the same items."""

import numpy as np
from scipy import stats

from uq import MeanAccumulator, estimate_difference, estimate_mean

from ._row import Row, held
from .worlds import BOUNDED, LAWS, ZERO_ONE, clusters

__all__ = ["ROWS"]

RESAMPLES = 399
SMOOTH = ("normal", "Student t, 3 df")


def mean_row(method, law, n, guarantee, laws, floor=None, reps=2000, **options):
    draw, truth = laws[law]
    options = {"n_resamples": RESAMPLES, "rng": 1, **options}
    return Row(
        of="uq.estimate_mean",
        method=method,
        law=law,
        n=str(n),
        guarantee=guarantee,
        floor=floor,
        reps=reps,
        run=lambda rng: held(estimate_mean(draw(rng, n), method=method, **options), truth),
    )


MEANS = [
    *(mean_row("clopper_pearson", law, n, "finite-sample", ZERO_ONE) for law in ZERO_ONE for n in (10, 30, 100, 1000)),
    *(
        mean_row("betting", law, n, "finite-sample", BOUNDED, bounds=(0, 1), reps=400)
        for law in BOUNDED
        for n in (10, 30, 100)
    ),
    *(
        # exact for normal scores; elsewhere asymptotic, and asked for its level from 1000 rows on
        mean_row("t", law, n, "asymptotic", LAWS, 0.95 if law == "normal" else 0.94 if n == 1000 else None)
        for law in LAWS
        for n in (10, 30, 100, 1000)
    ),
    *(
        mean_row("bootstrap", law, n, "asymptotic", LAWS, 0.93 if law in SMOOTH and n == 100 else None, reps=400)
        for law in LAWS
        for n in (10, 30, 100)
    ),
    *(
        mean_row("wilson", law, n, "asymptotic", ZERO_ONE, 0.93 if n == 1000 and "3" in law else None)
        for law in ZERO_ONE
        for n in (10, 30, 100, 1000)
    ),
    *(mean_row("beta", law, n, "posterior", ZERO_ONE) for law in ZERO_ONE for n in (10, 100)),
]


def from_the_prior(n):
    def run(rng):
        rate = rng.random()
        return held(estimate_mean((rng.random(n) < rate).astype(float), method="beta"), rate)

    return run


def hierarchical(rng):
    """Tasks from the prior: a uniform center, an exponential strength."""
    center, strength = rng.random(), rng.exponential()
    n_trials = rng.integers(2, 12, size=6)
    rates = rng.beta(max(strength * center, 1e-6), max(strength * (1 - center), 1e-6), size=6)
    groups = np.repeat(np.arange(6), n_trials)
    scores = (rng.random(len(groups)) < np.clip(rates, 0, 1)[groups]).astype(float)
    return held(estimate_mean(scores, groups, method="hierarchical"), center)


def cluster_mean(n_groups, method, **options):
    return lambda rng: held(estimate_mean(*clusters(rng, n_groups), method=method, **options), 1.0)


def bounded_clusters(n_groups):
    groups = np.repeat(np.arange(n_groups), np.resize([1, 2, 5], n_groups))
    return lambda rng: held(estimate_mean(rng.beta(0.3, 1.2, n_groups)[groups], groups, (0, 1)), 0.2)


def accumulated(rng):
    scores, groups = clusters(rng, 100)
    parts = np.array_split(np.arange(500), 4)
    total = MeanAccumulator()
    for part in parts:
        total.partial_fit(scores[part], groups[part])
    return held(total.mean(), 1.0)


MEANS += [
    *(
        Row(of="uq.estimate_mean", method="beta", law="rate from the prior", n=str(n), guarantee="posterior",
            floor=0.95, reps=2000, run=from_the_prior(n))
        for n in (10, 100)
    ),
    Row(of="uq.estimate_mean", method="hierarchical", law="from the prior", n="6 tasks", guarantee="posterior",
        floor=0.95, reps=200, run=hierarchical),
    *(
        Row(of="uq.estimate_mean", method="cluster", law="skewed clusters of 5", n=f"{n} clusters",
            guarantee="asymptotic", floor=0.94 if n == 1000 else None, run=cluster_mean(n, "cluster"))
        for n in (10, 30, 100, 1000)
    ),
    Row(of="uq.estimate_mean", method="bootstrap, clusters", law="skewed clusters of 5", n="30 clusters",
        guarantee="asymptotic", reps=400, run=cluster_mean(30, "bootstrap", n_resamples=RESAMPLES, rng=1)),
    Row(of="uq.estimate_mean", method="t, clusters ignored", law="skewed clusters of 5", n="100 clusters",
        guarantee="asymptotic", run=lambda rng: held(estimate_mean(clusters(rng, 100)[0], method="t"), 1.0)),
    *(
        Row(of="uq.estimate_mean", method="betting, clusters", law="beta(.3, 1.2), 1 to 5 rows", n=f"{n} clusters",
            guarantee="finite-sample", reps=400, run=bounded_clusters(n))
        for n in (8, 30)
    ),
    Row(of="uq.MeanAccumulator.mean", method="cluster, in four parts", law="skewed clusters of 5", n="100 clusters",
        guarantee="asymptotic", floor=0.93, run=accumulated),
]  # fmt: skip


# ---- differences


def pair(rng, n, merit=(0.75, 0.7)):
    """Return 0/1 scores of two models that find the same items hard."""
    latent = np.sqrt(0.6) * rng.normal(size=(n, 1)) + np.sqrt(0.4) * rng.normal(size=(n, 2))
    return (latent < stats.norm.ppf(merit)).astype(float).T


def difference_row(method, law, n, guarantee, draw, truth, floor=None, reps=1000, **options):
    return Row(
        of="uq.estimate_difference",
        method=method,
        law=law,
        n=str(n),
        guarantee=guarantee,
        floor=floor,
        reps=reps,
        run=lambda rng: held(estimate_difference(*draw(rng, n), method=method, **options), truth),
    )


def skewed_pair(rng, n):
    common = rng.exponential(size=n)
    return common * rng.lognormal(size=n), common * rng.lognormal(size=n)


def bounded_pair(rng, n):
    common = rng.beta(0.5, 2, n)
    return common * rng.beta(2, 1, n), common * rng.beta(1, 1, n)


def accuracy_gap(n):
    def run(rng):
        y = rng.random(n) < 0.4
        a, b = ((rng.random(n) < rate) ^ y for rate in (0.2, 0.3))

        def share_right(truth, guess):
            return float(np.mean(truth == guess))

        options = {"n_resamples": RESAMPLES, "rng": rng}
        return held(estimate_difference(a, b, metric=share_right, y_true=y, **options), 0.1)

    return run


def paired_clusters(rng):
    scores, groups = clusters(rng, 100)
    other = rng.lognormal(-0.125, 0.5, 100)[groups] * rng.exponential(size=500)
    return held(estimate_difference(scores, other, groups), 0.0)


def from_dirichlet(rng, n=30):
    p = rng.dirichlet(np.ones(4))
    cell = rng.choice(4, n, p=p)
    a, b = np.isin(cell, (0, 1)).astype(float), np.isin(cell, (0, 2)).astype(float)
    return held(estimate_difference(a, b, method="dirichlet"), p[1] - p[2])


def rare_pair(rng, n):
    return pair(rng, n, (0.99, 0.97))


DIFFERENCES = [
    *(difference_row("mcnemar", "0/1, common difficulty", n, "finite-sample", pair, 0.05, reps=r)
      for n, r in ((10, 400), (30, 400), (100, 150))),
    difference_row("mcnemar", "0/1, rare errors", 30, "finite-sample", rare_pair, 0.02, reps=400),
    *(difference_row("betting", "skewed, within [0, 1]", n, "finite-sample", bounded_pair, 0.2 * (2 / 3 - 0.5), None,
                     400, bounds=(0, 1)) for n in (10, 30, 100)),
    *(difference_row("t", "lognormal factors", n, "asymptotic", skewed_pair, 0.0, 0.94 if n == 1000 else None)
      for n in (10, 30, 100, 1000)),
    difference_row("bootstrap", "lognormal factors", 100, "asymptotic", skewed_pair, 0.0, None, 400,
                   n_resamples=RESAMPLES, rng=1),
    difference_row("dirichlet", "0/1, common difficulty", 30, "posterior", pair, 0.05, reps=200),
    Row(of="uq.estimate_difference", method="dirichlet", law="from the prior", n="30", guarantee="posterior",
        floor=0.95, reps=400, run=from_dirichlet),
    Row(of="uq.estimate_difference", method="cluster", law="skewed clusters of 5", n="100 clusters",
        guarantee="asymptotic", floor=0.93, run=paired_clusters),
    Row(of="uq.estimate_difference", method="bootstrap of a metric", law="accuracy .8 and .7", n="100",
        guarantee="asymptotic", floor=0.92, reps=200, run=accuracy_gap(100)),
]  # fmt: skip


ROWS = [*MEANS, *DIFFERENCES]
