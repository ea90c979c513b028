"""Environments, fidelities and costs find what campaigns without them miss, over several seeds."""

import math

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real
from bayes.optimization import _propose
from uq.exceptions import UntestedAssumptionWarning

pytestmark = pytest.mark.slow


# ---- an average whose best setting is not that of any one environment


WEIGHTS = [0.25, 0.5, 0.25]


def cell(x, w):
    """A high hill in one environment, where the others have a hole, and a lower one in all of them."""
    here = 1.3 * (w == 0) - 0.5 * (w != 0)
    return here * math.exp(-(((x - 0.85) / 0.12) ** 2)) + 0.8 * math.exp(-(((x - 0.3) / 0.15) ** 2))


def average(x):
    return sum(p * cell(x, w) for p, w in zip(WEIGHTS, range(3), strict=True))


BEST_AVERAGE = max(average(x) for x in np.linspace(0, 1, 1001))


@pytest.mark.parametrize("kernel", ["matern52", "gaussian"])
def test_the_best_average_is_found_where_the_best_cell_is_another(kernel):
    regrets, of_one_cell = [], []
    for seed in range(8):
        made = BayesianOptimizer(
            {"x": Real(0, 1)},
            environment={"w": ([0, 1, 2], WEIGHTS)},
            surrogate=GaussianProcess(kernel),
            random_state=seed,
        )
        made.run(lambda params, environment: cell(params["x"], environment["w"]), 25)
        regrets.append(BEST_AVERAGE - average(made.best_params_["x"]))
        plain = BayesianOptimizer({"x": Real(0, 1)}, random_state=seed)
        plain.run(lambda params: cell(params["x"], 0), 25)
        of_one_cell.append(BEST_AVERAGE - average(plain.best_params_["x"]))
    assert max(regrets) < 0.02
    assert np.median(of_one_cell) > 0.5


@pytest.mark.parametrize("kernel", ["matern52", "gaussian"])
def test_an_interval_of_environments_is_averaged_over(kernel):
    # of x w - x^2 the average over w is largest at x = 1/4; at w = 1 it is at 1/2
    regrets = []
    for seed in range(5):
        made = BayesianOptimizer(
            {"x": Real(0, 1)}, environment={"w": Real(0, 1)}, surrogate=GaussianProcess(kernel), random_state=seed
        )
        made.run(lambda params, environment: params["x"] * environment["w"] - params["x"] ** 2, 16)
        regrets.append(abs(made.best_params_["x"] - 0.25))
    assert max(regrets) < 0.02


def test_the_interval_of_an_average_covers_it():
    # guarantee="none": what was measured, of one problem
    rng, hits = np.random.default_rng(0), 0
    for seed in range(20):
        made = BayesianOptimizer({"x": Real(0, 1)}, environment={"w": ([0, 1], [0.25, 0.75])}, random_state=seed)

        def f(params, environment):
            x, w = params["x"], environment["w"]
            return -3 * (x - 0.4 - 0.2 * w) ** 2 - 4 * w + 0.1 * rng.normal()

        made.run(f, 20)
        with pytest.warns(UntestedAssumptionWarning, match="evaluate them there"):
            x, interval = made.best_params_["x"], made.best_interval()
        hits += interval.contains(-0.25 * 3 * (x - 0.4) ** 2 - 0.75 * (3 * (x - 0.6) ** 2 + 4))
    assert hits >= 15


# ---- sources


def branin(params):
    x, y = 15 * params["x"] - 5, 15 * params["y"]
    return (y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x)


LOWEST = -9.602113
CHEAP = {
    "helps": lambda p: branin({"x": p["x"] + 0.02, "y": p["y"] - 0.03}) + 12 + 5 * p["x"],
    "misleads": lambda p: 100 - branin({"x": 1 - p["x"], "y": p["y"]}),
}
COSTS = {"simulated": 1.0, "measured": 10.0}
SQUARE = {"x": Real(0, 1), "y": Real(0, 1)}


def regret(source, seed, budget):
    """Return the regret of the recommendation once the budget is spent, in Branin's unit."""
    made = BayesianOptimizer(
        SQUARE,
        fidelity=(Categorical(["simulated", "measured"]), "measured"),
        cost=lambda params, fidelity: COSTS[fidelity],
        direction="minimize",
        random_state=seed,
    )
    while True:
        trial = made.ask()
        budget -= COSTS[trial.fidelity]
        if budget < 0:
            return branin(made.best_params_) - LOWEST
        f = branin if trial.fidelity == "measured" else CHEAP[source]
        made.tell(trial, f(trial.params))


def plain_regret(f, seed, n):
    made = BayesianOptimizer(SQUARE, direction="minimize", random_state=seed).run(f, n)
    return branin(made.best_params_) - LOWEST


def test_a_cheap_source_that_helps_saves_measurements():
    # seeds 0 to 19 were looked at before: medians .72 against 2.49, 13 of 20 pairs won
    ours = np.array([regret("helps", seed, 100) for seed in range(20, 32)])
    plain = np.array([plain_regret(branin, seed, 10) for seed in range(20, 32)])
    assert np.median(ours) < 0.6 * np.median(plain)
    assert np.mean(np.log(ours / plain)) < np.log(0.7)


def test_a_source_that_misleads_is_seen_through():
    ours = [regret("misleads", seed, 150) for seed in range(8)]
    believed = [plain_regret(CHEAP["misleads"], seed, 40) for seed in range(8)]
    assert np.median(believed) > 10
    assert np.median(ours) < 3


def test_an_ordered_fidelity_is_climbed():
    # what few epochs say is biased, and the more so for large x
    def f(params, fidelity):
        return -((params["x"] - 0.6) ** 2) - 0.5 * params["x"] * (1 - fidelity / 27)

    for seed in range(4):
        made = BayesianOptimizer(
            {"x": Real(0, 1)},
            fidelity=(Integer(1, 27, log=True), 27),
            cost=lambda params, fidelity: fidelity,
            random_state=seed,
        )
        while sum(r.fidelity for r in made.trials_) < 15 * 27:
            trial = made.ask()
            made.tell(trial, f(trial.params, trial.fidelity))
        assert made.best_params_["x"] == pytest.approx(0.6, abs=0.03)
        assert sum(r.fidelity < 27 for r in made.trials_) >= 5


# ---- crashes


def test_a_crash_beside_the_best_is_believed_to_be_no_good(monkeypatch):
    # the sum grows up to a line behind which all trials crash: a model of the sum alone promises most behind it
    def play(seed):
        made = BayesianOptimizer({"x": Real(0, 1), "y": Real(0, 1)}, random_state=seed, n_initial=6)
        for _ in range(30):
            trial = made.ask()
            total = trial.params["x"] + trial.params["y"]
            made.tell(trial, **({"status": "failed"} if total > 1.1 else {"value": total}))
        values = [record.value for record in made.trials_ if record.status == "ok"]
        return 1.1 - max(values), 30 - len(values)

    with_belief = np.array([play(seed) for seed in range(20, 28)])
    monkeypatch.setattr(_propose, "_without_value", lambda campaign, models: models.X[:0])
    without = np.array([play(seed) for seed in range(20, 28)])
    # single seeds may go either way: 5 of these 8 do
    assert with_belief[:, 0].sum() < 0.5 * without[:, 0].sum()
    assert with_belief[:, 1].sum() < 0.75 * without[:, 1].sum()
    assert np.median(with_belief[:, 0]) < 0.02
