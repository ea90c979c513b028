"""Posteriors over truths from their prior, Gaussian processes, and breakdown points of judges."""

import numpy as np
from scipy import stats

from bayes import BayesianOptimizer, GaussianProcess, Real, SimplexRanker, simplex_breakdown
from bayes.ranking._breakdown_core import chained
from bayes.ranking._prior import judge_prior
from uq import RankSummary

from ._row import Row, Seen, held, inside

__all__ = ["NO_INTERVAL", "ROWS"]

LEVEL = 0.9


# ---- judges


def judged(n_items, n_judges=3, k=4):
    """Candidates and judges from the prior: the rank of the first candidate, and its share of good answers."""
    prior = judge_prior(2, 10.0, 0.6)
    j, c, i = (index.ravel() for index in np.indices((n_judges, k, n_items)))

    def run(rng):
        share = rng.random(k)
        judges = rng.beta(prior[:, 1], prior[:, 0], (n_judges, 2))
        good = (rng.random((k, n_items)) < share[:, None]).astype(int)
        score = (rng.random((n_judges, k, n_items)) < judges[:, good]).astype(int).ravel()
        ranker = SimplexRanker(levels=[0, 1], draws=250, tune=250, chains=2, random_state=int(rng.integers(2**31)))
        draws = ranker.fit({"candidate": c, "item": i, "judge": j, "score": score}).utility_.reshape(-1, k)
        first = int(np.flatnonzero(ranker.candidates_ == 0)[0])
        ranks = RankSummary(draws).rank_interval(LEVEL)
        low, high = np.quantile(draws[:, first], [0.05, 0.95])
        rank_held = ranks.lower[first] <= 1 + np.sum(share > share[0]) <= ranks.upper[first]
        return Seen(np.array([rank_held, low <= share[0] <= high]), ranks.guarantee)

    return run


STUDIES = {
    "ties": ([[0.6, 0.6, 0.6, 0.6], [0.5, 0.5, 0.5, 0.5]], 40),
    "gaps": ([[0.9, 0.6, 0.55, 0.2], [0.8, 0.7, 0.4, 0.3]], 60),
}


def breakdown(study):
    """All ends of two judges and four candidates hold at once; items are as hard for all."""
    shares, n = STUDIES[study]
    gaps = np.asarray(shares)[:, :, None] - np.asarray(shares)[:, None, :]
    truth = chained(np.maximum(gaps, 0).max(axis=0) / 2)
    j, i, c = (index.ravel() for index in np.indices((2, n, 4)))

    def run(rng):
        latent = np.sqrt(0.6) * rng.normal(size=(1, n, 1)) + np.sqrt(0.4) * rng.normal(size=(2, n, 4))
        score = (stats.norm.cdf(latent) < np.asarray(shares)[:, None, :]).astype(float).ravel()
        votes = {"candidate": np.array(list("abcd"))[c], "item": i, "judge": np.array(["gpt", "llama"])[j]}
        found = simplex_breakdown(votes | {"score": score}, levels=[0, 1], confidence_level=LEVEL)
        a, b = ([found.names.index(name) for name in side] for side in (found.better, found.worse))
        covered = inside(found.lower, found.upper, truth[a, b]).all()
        forced = (found.refuted_lower <= np.minimum(truth, truth.T)[a, b] + 1e-12).all()
        return Seen(np.array([covered and forced]), found.guarantee)

    return run


# ---- Gaussian processes


def true_function(rng, X, length, signal, noise, mean):
    """Return noisy values at X (n, 1) of a Matérn-5/2 process."""
    gap = np.abs(X - X.T) * np.sqrt(5) / length
    K = signal * (1 + gap + gap**2 / 3) * np.exp(-gap) + noise * np.eye(len(X))
    return mean + np.linalg.cholesky(K) @ rng.normal(size=len(X))


def known_process(rng, n=6):
    X = rng.random((n + 1, 1))
    y = true_function(rng, X, 0.3, 2.0, 0.1, 1.0)
    gp = GaussianProcess(
        length_scale=0.3, signal_variance=2.0, noise_variance=0.1, mean=1.0, hyperparameters="fixed", normalize_y=False
    )
    return held(gp.fit(X[:n], y[:n]).predict_interval(X[n:], LEVEL, method="model"), y[n:])


def branin(U):
    a, b = 15 * U[:, 0] - 5, 15 * U[:, 1]
    inner = b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6
    return inner**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10


TARGETS = {
    "Branin and noise": lambda rng, U: branin(U) + 5 * rng.normal(size=len(U)),
    "lognormal noise": lambda rng, U: rng.lognormal(size=len(U)),
}


def learned(target, n, method):
    """One fresh point for each fit."""

    def run(rng):
        X = rng.random((n + 1, 2))
        y = TARGETS[target](rng, X)
        gp = GaussianProcess(random_state=int(rng.integers(2**31))).fit(X[:n], y[:n])
        return held(gp.predict_interval(X[n:], LEVEL, method=method), y[n:])

    return run


def campaign(n):
    """A new observation at the best setting of a campaign of n trials."""

    def run(rng):
        def f(params):
            return np.sin(6 * params["a"]) + np.cos(4 * params["b"]) + 0.3 * rng.normal()

        space, seed = {"a": Real(0, 1), "b": Real(0, 1)}, int(rng.integers(2**31))
        made = BayesianOptimizer(space, n_initial=8, random_state=seed).run(f, n_trials=n)
        return held(made.best_interval(LEVEL), f(made.best_params_))

    return run


GP = "bayes.GaussianProcess.predict_interval"
ROWS = [
    Row(of="bayes.SimplexRanker", method="Gibbs, posterior draws", law="votes from the prior", n="4 x 30 items",
        level=LEVEL, guarantee="posterior", floor=LEVEL, parts=("rank", "share of good"), reps=15, run=judged(30)),
    *(Row(of="bayes.simplex_breakdown", method="all ends at once", law=study, n=f"{STUDIES[study][1]} items",
          level=LEVEL, guarantee="finite-sample", reps=200, run=breakdown(study)) for study in STUDIES),
    Row(of=GP, method="model, known hyperparameters", law="from the process", n="6", level=LEVEL,
        guarantee="posterior", floor=LEVEL, reps=300, run=known_process),
    *(Row(of=GP, method=method, law=target, n=str(n), level=LEVEL, guarantee="none", reps=100,
          run=learned(target, n, method))
      for target in TARGETS for method, n in (("refit", 15), ("model", 15), ("refit", 40))),
    Row(of="bayes.BayesianOptimizer.best_interval", method="a new value at the best setting", law="two waves and noise",
        n="15 trials", level=LEVEL, guarantee="none", reps=30, run=campaign(15)),
]  # fmt: skip

NO_INTERVAL = {
    "as `bayes.BayesianOptimizer.best_interval`, which it asks": ("bayes.BayesSearchCV.best_interval",),
    "a search for an optimum": ("bayes.BayesSearchCV", "bayes.Trial"),
    "a setting of a search": ("bayes.Categorical", "bayes.Integer", "bayes.Real"),
    "settings to try, not what comes of them": ("bayes.BayesianOptimizer.ask_many",),
    "what a next experiment is worth": (
        "bayes.expected_improvement",
        "bayes.expected_max_affine",
        "bayes.knowledge_gradient",
        "bayes.max_value_entropy_search",
        "bayes.noisy_expected_improvement",
        "bayes.probability_of_feasibility",
        "bayes.thompson_sample",
    ),
    "a bound under the model at one point; in the row of the known process": ("bayes.upper_confidence_bound",),
    "tells what votes of a design can say": ("bayes.identifiability",),
    "a grid of priors is no sample of them": ("bayes.SimplexRanker.sensitivity",),
}
