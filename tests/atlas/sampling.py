"""What one more sample buys: pass@k and its kin, verifiers, costs, best of n, importance weights."""

import functools
import itertools

import numpy as np
from scipy import optimize, stats
from scipy.special import betaln, gammaln

from uq.sampling import (
    CoverageCurve,
    best_of_n,
    cost_of_pass,
    essentialness,
    frontier_cost_of_pass,
    importance_summary,
    majority_at_k,
    pass_all_k,
    pass_at_k,
    verified_sampling,
    verified_sampling_from_counts,
)

from ._row import Row, Seen, held, inside

__all__ = ["NO_INTERVAL", "ROWS"]

# rates of success: most problems never solved, nearly always, both, evenly spread
RATES = {"hard": (0.1, 2.0), "easy": (3.0, 0.2), "both ends": (0.15, 0.15), "spread": (1.0, 1.0)}
TRIALS, K, RESAMPLES = 20, 5, 299


def solved(a, b, k):
    return -np.expm1(betaln(a, b + k) - betaln(a, b))


# ---- shares of problems


def passes(law, n, method):
    a, b = RATES[law]

    def run(rng):
        n_correct = rng.binomial(TRIALS, rng.beta(a, b, n))
        options = {"method": method, "n_resamples": RESAMPLES, "rng": rng}
        return held(pass_at_k(n_correct, TRIALS, K, **options), solved(a, b, K))

    return run


def all_pass(law, n):
    a, b = RATES[law]
    truth = float(np.exp(betaln(a + K, b) - betaln(a, b)))
    return lambda rng: held(pass_all_k(rng.binomial(TRIALS, rng.beta(a, b, n)), TRIALS, K), truth)


def these_problems(n_trials, method):
    rates = np.array([0.0, 0.01, 0.05, 0.2, 0.5, 0.9, 0.99, 1.0])
    truth = float(np.mean(1 - (1 - rates) ** 4))

    def run(rng):
        counts = rng.binomial(n_trials, rates)
        return held(pass_at_k(counts, n_trials, 4, problems="fixed", method=method), truth)

    return run


def clustered(n_groups, method):
    """Clusters of like problems that share their rate."""
    a, b = 0.3, 1.0
    sizes = np.resize([1, 3, 8], n_groups)
    groups = np.repeat(np.arange(n_groups), sizes)

    def run(rng):
        rates = rng.beta(a, b, n_groups)[groups]
        counts, labels = rng.binomial(TRIALS, rates), rng.permutation(n_groups)[groups]
        return held(pass_at_k(counts, TRIALS, K, groups=labels, method=method), solved(a, b, K))

    return run


def stopped(n):
    """Batches of 10 until a success, at most 200 samples."""
    a, b, k = 0.3, 10.0, 10

    def run(rng):
        rates = rng.beta(a, b, n)
        hits = rng.binomial(10, rates[:, None], (n, 20))
        batches = np.where((hits > 0).any(axis=1), (hits > 0).argmax(axis=1), 19)
        counts = hits[np.arange(n), batches]
        options = {"sampling": "batch", "batch_size": 10, "cap": 200}
        return held(pass_at_k(counts, 10 * (batches + 1), k, **options), solved(a, b, k))

    return run


ANSWERS = np.array([0.8, 0.5, 0.3])  # Dirichlet law of the rates of three answers, the first of which is right


@functools.cache
def true_majority():
    """Sum over all counts of K votes: the Dirichlet-multinomial probability times the share of the win."""
    total = 0.0
    for counts in itertools.product(range(K + 1), repeat=3):
        if sum(counts) == K and counts[0] == max(counts):
            c = np.array(counts)
            log = gammaln(K + 1) - gammaln(c + 1).sum() + gammaln(ANSWERS.sum()) - gammaln(K + ANSWERS.sum())
            log += (gammaln(c + ANSWERS) - gammaln(ANSWERS)).sum()
            total += np.exp(log) / counts.count(counts[0])
    return float(total)


def vote(n):
    def run(rng):
        answers = rng.multinomial(12, rng.dirichlet(ANSWERS, n))
        return held(majority_at_k(answers, np.zeros(n, int), K, form="counts"), true_majority())

    return run


SHARES = [
    *(Row(of="uq.sampling.pass_at_k", method="betting", law=law, n=f"{n} problems", guarantee="finite-sample",
          reps=300, run=passes(law, n, "auto")) for law in RATES for n in (10, 50)),
    *(Row(of="uq.sampling.pass_at_k", method=method, law=law, n=f"{n} problems", guarantee="asymptotic", reps=reps,
          floor=0.93 if n == 500 and law == "spread" else None, run=passes(law, n, method))
      for law in ("hard", "easy", "spread")
      for method, n, reps in (("t", 10, 500), ("t", 50, 500), ("t", 500, 500), ("bootstrap", 50, 300))),
    *(Row(of="uq.sampling.pass_all_k", method="betting", law=law, n="10 problems", guarantee="finite-sample", reps=300,
          run=all_pass(law, 10)) for law in ("hard", "spread")),
    *(Row(of="uq.sampling.pass_at_k", method="kl, these problems", law="rates from 0 to 1",
          n=f"8 problems, {n} samples", guarantee="finite-sample", reps=400, run=these_problems(n, "auto"))
      for n in (4, 40)),
    Row(of="uq.sampling.pass_at_k", method="normal, these problems", law="rates from 0 to 1",
        n="8 problems, 40 samples", guarantee="asymptotic", run=these_problems(40, "normal")),
    *(Row(of="uq.sampling.pass_at_k", method="betting, clusters", law="1, 3 or 8 alike", n=f"{n} clusters",
          guarantee="finite-sample", reps=200, run=clustered(n, "auto")) for n in (6, 40)),
    *(Row(of="uq.sampling.pass_at_k", method="cluster", law="1, 3 or 8 alike", n=f"{n} clusters",
          guarantee="asymptotic", reps=500, floor=0.92 if n == 200 else None, run=clustered(n, "cluster"))
      for n in (6, 40, 200)),
    Row(of="uq.sampling.pass_at_k", method="betting, batches until a success", law="hard", n="100 problems",
        guarantee="finite-sample", reps=200, run=stopped(100)),
    *(Row(of="uq.sampling.majority_at_k", method="betting", law="three answers", n=f"{n} questions",
          guarantee="finite-sample", reps=200, run=vote(n)) for n in (10, 30)),
]  # fmt: skip


# ---- curves of coverage, verifiers


@functools.cache
def power_law(a, b, n, loss):
    """Return the exponentiated power law that ever more problems would end at; no law of rates has one for all k."""
    ks = np.arange(1, n + 1)
    seen = solved(a, b, ks)

    def gap(theta):
        log = theta[0] - theta[1] * np.log(ks)
        return log - np.log(-np.log(seen)) if loss == "loglog" else np.exp(-np.exp(log)) - seen

    best = optimize.least_squares(gap, [0.0, 0.5], xtol=1e-14, ftol=1e-14, gtol=1e-14).x
    return lambda ks: np.exp(-np.exp(best[0] - best[1] * np.log(ks)))


def coverage_curve(model, a, b, n, problems, ks, never=0.0, **options):
    """A share `never` of the problems is not to be solved; the others have rates of a beta law."""
    ks = np.array(ks)

    def run(rng):
        truth = power_law(a, b, n, options["loss"])(ks) if model == "exp_power" else (1 - never) * solved(a, b, ks)
        rates = rng.beta(a, b, problems) * (rng.random(problems) >= never)
        seed = int(rng.integers(2**31))
        fitted = CoverageCurve(model, n_resamples=RESAMPLES, random_state=seed, **options)
        found = fitted.fit(rng.binomial(n, rates), n).predict_interval(ks)
        return Seen(inside(found.lower, found.upper, truth), found.guarantee)

    return run


def drawn_curve(rng):
    """The band of `curve`, at one k by itself."""
    a, b = 0.5, 3.0
    fitted = CoverageCurve(n_resamples=RESAMPLES, random_state=int(rng.integers(2**31)))
    curve = fitted.fit(rng.binomial(TRIALS, rng.beta(a, b, 50)), TRIALS).curve([1, 5, 20])
    return Seen(np.array([curve.lower[1] <= solved(a, b, 5) <= curve.upper[1]]), curve.guarantee)


@functools.cache
def true_verified(a, b):
    """Value, accuracy and conditional accuracy of a population, through 20,000 quantiles of its rates."""
    rates = stats.beta.ppf((np.arange(20_000) + 0.5) / 20_000, a, b)
    exact = verified_sampling(rates, completeness=0.9, soundness=0.8, penalty=1.0, cost=0.02, max_attempts=3)
    return np.array([exact.value.y[-1], exact.accuracy.y[-1], exact.conditional_accuracy.y[-1]])


def verifiers(a, b, n):
    def run(rng):
        truth = true_verified(a, b)
        correct = rng.binomial(12, rng.beta(a, b, n))
        right, wrong = rng.binomial(correct, 0.9), rng.binomial(12 - correct, 0.2)
        found = verified_sampling_from_counts(
            n_accepted_correct=right, n_accepted=right + wrong, n_trials=np.full(n, 12), penalty=1.0, cost=0.02,
            max_attempts=3, n_resamples=RESAMPLES, rng=rng,
        )  # fmt: skip
        curves = found.value, found.accuracy, found.conditional_accuracy
        limits = np.array([(curve.lower[-1], curve.upper[-1]) for curve in curves]).T
        return Seen(inside(*limits, truth), found.guarantee)

    return run


BANDS = [
    *(Row(of="uq.sampling.CoverageCurve.predict_interval", method=model, law=f"beta({a:g}, {b:g})",
          n=f"{problems} problems, {n} samples", guarantee="asymptotic", floor=floor, reps=100,
          parts=("k = 1", f"k = {n}"), run=coverage_curve(model, a, b, n, problems, (1, n)))
      for model, a, b, n, problems, floor in (("beta_binomial", 0.3, 3.0, 20, 20, 0.87),
                                              ("beta_binomial", 0.3, 3.0, 20, 50, 0.92),
                                              ("beta_binomial", 2.0, 2.0, 50, 20, 0.87))),
    *(Row(of="uq.sampling.CoverageCurve.predict_interval", method=f"exp_power, {loss}", law=f"beta({a:g}, {b:g})",
          n=f"{problems} problems, 20 samples", guarantee="asymptotic", floor=floor, reps=100,
          parts=("k = 1", "k = 5", "k = 20"),
          run=coverage_curve("exp_power", a, b, 20, problems, (1, 5, 20), loss=loss))
      for a, b in ((0.3, 3.0), (0.6, 2.5)) for loss in ("coverage", "loglog")
      for problems, floor in ((20, None), (50, 0.92), (300, 0.92))),
    Row(of="uq.sampling.CoverageCurve.predict_interval", method="beta_binomial, zero-inflated",
        law="30 % never solved, beta(1, 2)", n="50 problems, 20 samples", guarantee="asymptotic", floor=0.92, reps=60,
        parts=("k = 1", "k = 20"),
        run=coverage_curve("beta_binomial", 1.0, 2.0, 20, 50, (1, 20), 0.3, zero_inflated=True)),
    Row(of="uq.sampling.CoverageCurve.curve", method="beta_binomial, k = 5", law="beta(0.5, 3)",
        n="50 problems, 20 samples", guarantee="asymptotic", floor=0.92, reps=100, run=drawn_curve),
    *(Row(of="uq.sampling.verified_sampling_from_counts", method="bootstrap, 3 attempts", law=f"beta({a:g}, {b:g})",
          n=f"{n} problems", guarantee="asymptotic", reps=200, floor=floor,
          parts=("value", "accuracy", "conditional accuracy"), run=verifiers(a, b, n))
      for a, b in ((0.2, 0.3), (0.3, 3.0)) for n, floor in ((10, 0.84), (20, 0.9), (50, 0.89))),
]  # fmt: skip


# ---- costs

PRICE, SKILL, BASELINE = np.array([0.05, 0.2, 1.0, 3.0]), np.array([0.5, 1.0, 1.7, 2.5]), 10.0


def cost_world(rng, n, runs, floor):
    rates = np.maximum(rng.beta(0.8, 0.8, n) ** (1 / SKILL[:, None]), floor)
    costs = PRICE[:, None, None] * rng.gamma(4, 0.25, (4, n, runs))
    return costs, (rng.random((4, n, runs)) < rates[..., None]).astype(float)


@functools.cache
def true_costs(floor):
    """Prices of one model and of the frontier, and how much more the latter would be without its first model."""
    easiness = stats.beta.ppf((np.arange(20_000) + 0.5) / 20_000, 0.8, 0.8)
    prices = PRICE[:, None] / np.maximum(easiness ** (1 / SKILL[:, None]), floor)
    frontier, without = (np.minimum(part.min(axis=0), BASELINE).mean() for part in (prices, prices[1:]))
    return {"one": prices[1].mean(), "frontier": frontier, "essential": (without - frontier) / without}


def costs(kind, n, runs, floor):
    def run(rng):
        truth = true_costs(floor)[kind]
        spent, successes = cost_world(rng, n, runs, floor)
        options = {"n_resamples": RESAMPLES, "rng": rng}
        if kind == "one":
            return held(cost_of_pass(spent[1], successes[1], **options), truth)
        if kind == "frontier":
            return held(frontier_cost_of_pass(spent, successes, baseline=BASELINE, **options), truth)
        found = held(essentialness(spent, successes, baseline=BASELINE, **options), truth)
        return found._replace(covered=found.covered[:1])

    return run


@functools.cache
def true_routing(runs, floor):
    """What the choice by half of the runs costs on average: the estimator itself, on 40,000 items."""
    items = cost_world(np.random.default_rng(0), 40_000, runs, floor)
    return float(frontier_cost_of_pass(*items, baseline=BASELINE, selection="crossfit", average=None).mean())


def routing(n, runs, floor):
    def run(rng):
        spent, successes = cost_world(rng, n, runs, floor)
        options = {"selection": "crossfit", "n_resamples": RESAMPLES, "rng": rng}
        return held(frontier_cost_of_pass(spent, successes, baseline=BASELINE, **options), true_routing(runs, floor))

    return run


NAMES = {"one": "cost_of_pass", "frontier": "frontier_cost_of_pass", "essential": "essentialness"}
COSTS = [
    Row(of=f"uq.sampling.{NAMES[kind]}", method="bootstrap of items and runs", law=law, n=f"{n} items, {runs} runs",
        guarantee=guarantee, floor=floor, reps=100 if runs > 8 else 200, run=costs(kind, n, runs, least))
    for kind in NAMES
    for law, n, runs, least, guarantee, floor in (
        ("solved often", 50, 32, 0.5, "asymptotic", 0.93),
        ("solved often", 20, 8, 0.3, "none", None),
        ("hard", 50, 8, 0.02, "none", None),
    )
] + [
    Row(of="uq.sampling.frontier_cost_of_pass", method="crossfit, bootstrap of items", law=law,
        n=f"{n} items, {runs} runs", guarantee=guarantee, floor=floor, reps=200, run=routing(n, runs, least))
    for law, n, runs, least, guarantee, floor in (
        ("solved often", 50, 64, 0.5, "asymptotic", 0.93),
        ("solved often", 50, 32, 0.5, "none", None),
        ("solved often", 50, 8, 0.3, "none", None),
        ("solved often", 20, 8, 0.3, "none", None),
        ("hard", 50, 8, 0.02, "none", None),
    )
]  # fmt: skip


# ---- the largest of n, importance weights


def largest(law, prompts, draws, n):
    truth = {"uniform": n / (n + 1), "exponential": (1 / np.arange(1, n + 1)).sum()}[law]
    draw = {"uniform": lambda rng, s: rng.random(s), "exponential": lambda rng, s: rng.exponential(size=s)}[law]
    return lambda rng: held(best_of_n(draw(rng, (prompts, draws) if prompts > 1 else draws), n).conf_int(), truth)


def log_z(sd, n):
    return lambda rng: held(importance_summary(sd * rng.normal(size=n)).log_z, sd**2 / 2)


REWARDS = [
    *(Row(of="uq.sampling.BestOfN.conf_int", method="U-statistic, n = 4", law=law,
          n=f"{prompts} x {draws}" if prompts > 1 else f"one prompt, {draws}", guarantee="asymptotic", floor=floor,
          reps=150 if prompts == 300 else 400, run=largest(law, prompts, draws, 4))
      for law in ("uniform", "exponential")
      for prompts, draws, floor in ((8, 8, None), (30, 4, 0.92), (300, 4, 0.93), (1, 100, None))),
    *(Row(of="uq.sampling.importance_summary", method="log Z, normal law", law=f"log-normal weights, sd {sd:g}",
          n=str(n), guarantee=guarantee, floor=floor, reps=500, run=log_z(sd, n))
      for sd, n, guarantee, floor in ((0.5, 50, "asymptotic", None), (0.5, 1000, "asymptotic", 0.93),
                                      (1.0, 400, "asymptotic", None), (4.0, 400, "none", None))),
]  # fmt: skip

ROWS = [*SHARES, *BANDS, *COSTS, *REWARDS]

NO_INTERVAL = {
    "exact arithmetic on given rates": (
        "uq.sampling.Allocation",
        "uq.sampling.InferenceTimeTransform",
        "uq.sampling.StoppingRule",
        "uq.sampling.allocate_samples",
        "uq.sampling.inference_time_transform",
        "uq.sampling.stopping_rule",
        "uq.sampling.verified_sampling",
    ),
    "in the rows of what makes it or of what it returns": (
        "uq.sampling.ImportanceSummary",
        "uq.sampling.VerifiedSampling",
        "uq.sampling.best_of_n",
    ),
    "quantiles, which are data for others": ("uq.sampling.RewardCalibration",),
}
