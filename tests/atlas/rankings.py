"""Metrics, sequences, variance components, rankings, and what judges or wraps other intervals."""

import numpy as np
from scipy import stats

from conformal import SplitConformal
from uq import (
    Interval,
    RankSummary,
    WrappedModel,
    coverage_report,
    estimate_metric,
    mean_sequence,
    rank_models,
    variance_components,
)

from ._row import Row, Seen, held
from .worlds import BOUNDED, LAWS

__all__ = ["NO_INTERVAL", "ROWS"]

RESAMPLES = 399


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
    """Student's t by the two standard errors: for the population of items, and for these, whose rates are known."""

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
    Row(of="uq.WrappedModel.predict_interval", method="SplitConformal, model fitted before", law="lognormal errors",
        n="59", guarantee="exact", level=0.9, reps=400, run=wrapped),
]  # fmt: skip

ROWS = [*OTHERS, *RANKS]

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
