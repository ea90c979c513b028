"""Means, differences, metrics, sequences and rankings."""

import numpy as np
from scipy import stats

from conformal import SplitConformal
from uq import (
    Interval,
    MeanAccumulator,
    RankSummary,
    WrappedModel,
    coverage_report,
    estimate_difference,
    estimate_mean,
    estimate_metric,
    mean_sequence,
    rank_models,
    variance_components,
)

from ._row import Row, Seen, held
from .worlds import BOUNDED, LAWS, ZERO_ONE, clusters

__all__ = ["NO_INTERVAL", "ROWS"]

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


# ---- metrics, sequences, components


def correlation(rng_law):
    """Return a run over the correlation of two columns; the truth is 1 / sqrt(2)."""

    def run_at(n):
        def run(rng):
            x = rng_law(rng, n)
            y = x + rng_law(rng, n)

            def metric(a, b):
                return float(np.corrcoef(a, b)[0, 1])

            return held(estimate_metric(metric, x, y, n_resamples=RESAMPLES, rng=rng), np.sqrt(0.5))

        return run

    return run_at


def root_mean_square(n_groups):
    def run(rng):
        shock = rng.normal(size=n_groups)
        groups = np.repeat(np.arange(n_groups), 4)
        y = shock[groups] + rng.normal(size=len(groups))

        def metric(a, b):
            return float(np.sqrt(np.mean((a - b) ** 2)))

        options = {"groups": groups, "n_resamples": RESAMPLES, "rng": rng}
        return held(estimate_metric(metric, y, np.zeros(len(y)), **options), np.sqrt(2))

    return run


def sequence(law, n):
    draw, truth = BOUNDED[law]

    def run(rng):
        curve = mean_sequence(draw(rng, n), (0, 1))
        return Seen(np.array([((curve.lower <= truth) & (truth <= curve.upper)).all()]), curve.guarantee)

    return run


def components(n_items):
    """Student's t by the two standard errors: the population of items, and these items alone (their rates are known)."""

    def run(rng):
        rates = rng.beta(0.5, 0.5, n_items)
        parts = variance_components((rng.random((n_items, 5)) < rates[:, None]).astype(float))
        width = stats.t.isf(0.025, n_items - 1)
        random = abs(parts.mean - 0.5) <= width * parts.std_error_random
        fixed = abs(parts.mean - rates.mean()) <= width * parts.std_error_fixed
        return Seen(np.array([random, fixed]), parts.guarantee)

    return run


OTHERS = [
    *(Row(of="uq.estimate_metric", method="correlation, BCa", law=law, n=str(n), guarantee="asymptotic", reps=200,
          floor=0.91 if law == "normal" and n == 100 else None, run=correlation(LAWS[law][0])(n))
      for law in ("normal", "lognormal") for n in (30, 100)),
    *(Row(of="uq.estimate_metric", method="root mean square, BCa", law="normal clusters of 4", n=f"{n} clusters",
          guarantee="asymptotic", reps=200, floor=0.9 if n == 100 else None, run=root_mean_square(n))
      for n in (20, 100)),
    *(Row(of="uq.mean_sequence", method="all looks at once", law=law, n=str(n), guarantee="finite-sample", reps=reps,
          run=sequence(law, n)) for law in BOUNDED for n, reps in ((30, 200), (200, 50))),
    *(Row(of="uq.variance_components", method="t by its standard errors", law="0/1, rates at both ends",
          n=f"{n} items, 5 repeats", guarantee="asymptotic", floor=0.93 if n == 300 else None,
          parts=("random items", "these items"), run=components(n)) for n in (10, 30, 300)),
]  # fmt: skip


# ---- rankings


def zero_one(rng, n, merit):
    latent = np.sqrt(0.6) * rng.normal(size=(n, 1)) + np.sqrt(0.4) * rng.normal(size=(n, len(merit)))
    return (latent < stats.norm.ppf(merit)).astype(float)


def skewed_scores(rng, n, merit):
    return rng.exponential(size=(n, 1)) * rng.lognormal(-0.5, 1, (n, len(merit))) + merit


def unlike_tails(rng, n, merit):
    """Return scores of one mean whose tails are as different as can be."""
    spread = np.array([1, 0.2, 0.02, 0.3, 1])
    return rng.lognormal(-(spread**2) / 2, spread, (n, 5)) + merit


RANKINGS = {
    "0/1, all tied": (zero_one, (0.7,) * 5, 0.94),
    "0/1, near ties": (zero_one, (0.6, 0.605, 0.61, 0.615, 0.62), 0.94),
    "skewed, ties and gaps": (skewed_scores, (0.0, 0.0, 0.01, 0.5, 0.5), 0.94),
    "lognormal to constant, all tied": (unlike_tails, (0.0,) * 5, None),
}


def all_ranks(draw, merit, n):
    merit = np.array(merit)
    first = 1 + (merit > merit[:, None]).sum(axis=1)
    last = len(merit) - (merit < merit[:, None]).sum(axis=1)

    def run(rng):
        ranking = rank_models(draw(rng, n, merit), n_resamples=RESAMPLES, rng=rng, n_jobs=1)
        ranks = ranking.rank_interval(0.95)
        return Seen(np.array([((ranks.lower <= first) & (last <= ranks.upper)).all()]), ranks.guarantee)

    return run


def credible_rank(rng):
    """One candidate of six, whose merits come from the prior: the posterior holds its rank as often as it says."""
    merit = rng.normal(size=6)
    estimate = merit + rng.normal(scale=0.5, size=6)
    draws = 0.8 * estimate + np.sqrt(0.2) * rng.normal(size=(1000, 6))
    ranks = RankSummary(draws).rank_interval(0.95)
    rank = 1 + np.sum(merit > merit[0])
    return Seen(np.array([ranks.lower[0] <= rank <= ranks.upper[0]]), ranks.guarantee)


def settled(n):
    """No pair is settled the wrong way round, of five models whose true order is known."""
    merit = np.array([0.6, 0.605, 0.61, 0.615, 0.62])

    def run(rng):
        ranking = rank_models(zero_one(rng, n, merit), n_resamples=RESAMPLES, rng=rng, n_jobs=1)
        better = ranking.settled_pairs(0.95)
        return Seen(np.array([not (better & (merit[:, None] <= merit)).any()]), ranking.guarantee)

    return run


RANKS = [
    *(Row(of="uq.rank_models", method="simultaneous ranks", law=law, n=str(n), guarantee="asymptotic", reps=400,
          floor=floor if n >= 50 else None, run=all_ranks(draw, merit, n))
      for law, (draw, merit, floor) in RANKINGS.items() for n in (20, 50, 200)),
    Row(of="uq.RankSummary.rank_interval", method="credible", law="merits from the prior", n="6 candidates",
        guarantee="posterior", floor=0.95, run=credible_rank),
    Row(of="uq.RankSummary.settled_pairs", method="simultaneous", law="0/1, near ties", n="50",
        guarantee="asymptotic", floor=0.94, reps=400, run=settled(50)),
]  # fmt: skip


# ---- judges of coverage, and models with a wrapper


def report(n):
    """The band of a report holds the true coverage of the intervals that it judges."""
    interval = Interval(lower=-1.2, upper=1.2, confidence_level=0.8)
    truth = 1 - 2 * stats.norm.sf(1.2)

    def run(rng):
        found = coverage_report(interval, rng.normal(size=n))
        return Seen(np.array([found.lower[0] <= truth <= found.upper[0]]), found.guarantee)

    return run


def wrapped(rng):
    from sklearn.linear_model import LinearRegression

    X = rng.normal(size=(100, 2))
    y = X[:, 0] + rng.lognormal(size=100)
    model = LinearRegression().fit(X[:40], y[:40])
    fitted = WrappedModel(model, SplitConformal(confidence_level=0.9)).fit(X[40:99], y[40:99])
    return held(fitted.predict_interval(X[99:]), y[99:])


OTHERS += [
    *(Row(of="uq.coverage_report", method="Clopper-Pearson", law="normal truth", n=str(n), guarantee="finite-sample",
          reps=2000, run=report(n)) for n in (10, 100)),
    Row(of="uq.WrappedModel.predict_interval", method="SplitConformal, model fitted before", law="lognormal errors", n="59",
        guarantee="exact", level=0.9, reps=400, run=wrapped),
]  # fmt: skip

ROWS = [*MEANS, *DIFFERENCES, *OTHERS, *RANKS]

NO_INTERVAL = {
    "what all intervals are made of; the rows of the methods are theirs": (
        "uq.Curve",
        "uq.Estimate",
        "uq.Estimate.conf_int",
        "uq.Interval",
    ),
    "a p-value, a number of items or text": ("uq.TestResult", "uq.required_items", "uq.citation", "uq.show_versions"),
    "files, pages and data": (
        "uq.Report",
        "uq.datasets",
        "uq.exceptions",
        "uq.iter_outputs",
        "uq.read_outputs",
    ),
    "those of the wrapper, as in the row of `uq.WrappedModel.predict_interval`": (
        "uq.WrappedModel.predict_pair",
        "uq.WrappedModel.predict_set",
        "uq.WrappedModel.select",
    ),
}
