"""What trials cost: told, given as a function, learned; and what is divided by it."""

import math

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real
from bayes.optimization._context import check_context
from bayes.optimization._cost import CostFunction, LearnedCost
from bayes.optimization._space import check_space
from uq.exceptions import InputError

SPACE = {"x": Real(0, 1), "n": Integer(1, 4)}


def bumps(params):
    """Two hills of the same height, of which one is dear; a slope beside them."""
    x, y = params["x"], params["y"]
    near = math.exp(-((x - 0.2) ** 2 + (y - 0.6) ** 2) / 0.06)
    far = math.exp(-((x - 0.8) ** 2 + (y - 0.3) ** 2) / 0.06)
    return near + far + 0.3 * math.sin(5 * x) * y


def price(params):
    return 1 + 20 * params["x"] ** 2


BEST = max(bumps({"x": x, "y": y}) for x in np.linspace(0, 1, 101) for y in np.linspace(0, 1, 101))


def spent(seed, cost, limit=40):
    """Return the costs until the recommendation is within .01 of the best."""
    made = BayesianOptimizer({"x": Real(0, 1), "y": Real(0, 1)}, cost=cost, random_state=seed)
    total = 0.0
    for _ in range(limit):
        trial = made.ask()
        told = {"cost": price(trial.params)} if cost == "learned" else {}
        made.tell(trial, bumps(trial.params), **told)
        total += price(trial.params)
        if BEST - bumps(made.best_params_) < 0.01:
            break
    return total


@pytest.mark.slow
@pytest.mark.parametrize("cost", [price, "learned"], ids=["function", "learned"])
def test_what_is_cheap_is_found_for_less(cost):
    ours, plain = ([spent(seed, kind) for seed in range(8)] for kind in (cost, None))
    assert np.median(ours) < 0.6 * np.median(plain)
    assert np.sum(np.array(ours) < np.array(plain)) >= 5


def test_a_function_is_minus_its_logarithm():
    context = check_context(check_space(SPACE, "o"), {"w": Real(0, 1)}, (Categorical(["a", "b"]), "b"), "o")

    def cost(params, environment, fidelity):
        return (1 + params["x"]) * params["n"] * math.exp(environment["w"]) * (9 if fidelity == "b" else 1)

    made = CostFunction(cost, context, {})
    row = context.joint.encode({"x": 0.4, "n": 3, "w": 0.5, "fidelity": "b"})
    value, gradient = made.at(row)
    assert value == pytest.approx(-math.log(1.4 * 3 * 9) - 0.5)
    assert np.allclose(gradient, [-1 / 1.4, 0, -1, 0, 0], atol=1e-6)
    edge = context.joint.encode({"x": 1.0, "n": 3, "w": 0.0, "fidelity": "b"})
    assert np.allclose(made.at(edge)[1], [-1 / 2, 0, -1, 0, 0], atol=1e-3)
    assert np.allclose(made.screen(np.array([row, edge])), [value, made.at(edge)[0]])


def test_a_learned_cost_is_a_process_of_logarithms_and_never_below_what_was_seen():
    rng = np.random.default_rng(0)
    X = rng.uniform(0.3, 0.7, (12, 1))
    y = 3 * X[:, 0]
    gp = GaussianProcess(noise_variance=1e-4).fit(X, y)
    made = LearnedCost(gp, float(y.min()))
    points = np.linspace(0, 1, 21)[:, None]
    values = made.screen(points)
    assert np.allclose(values, -np.maximum(gp.predict(points), y.min()))
    assert values.max() == -y.min()
    for x in (0.5, 0.62):
        value, gradient = made.at(np.array([x]))
        assert value == pytest.approx(-gp.predict([[x]])[0])
        slope = (gp.predict([[x + 1e-6]]) - gp.predict([[x - 1e-6]]))[0] / 2e-6
        assert gradient[0] == pytest.approx(-slope, rel=1e-4)
    assert made.at(np.array([0.0])) == (-y.min(), [0.0])


@pytest.mark.parametrize("cost", [0, -1.0, math.nan, math.inf, "1", None, True, 1e200, [1]], ids=repr)
def test_costs_are_numbers_above_0(cost):
    made = BayesianOptimizer(SPACE, cost=lambda params: cost, random_state=0)
    with pytest.raises(InputError, match="cost must return a number above 0"):
        made.ask()
    assert len(made.trials_) == 0
    late = BayesianOptimizer(
        SPACE, cost=lambda params: 1.0 if len(late.trials_) < 1 else cost, random_state=0, n_initial=1
    )
    late.tell(late.ask(), 1.0)
    with pytest.raises(InputError, match="cost must return a number above 0"):
        late.ask()
    assert len(late.trials_) == 1
    learned = BayesianOptimizer(SPACE, cost="learned", random_state=0)
    trial = learned.ask()
    with pytest.raises(InputError, match="cost must be a number above 0"):
        learned.tell(trial, 1.0, cost=cost)
    assert learned.pending_ == (trial,)


def test_failures_may_tell_what_they_cost():
    made = BayesianOptimizer(SPACE, cost="learned", random_state=0, n_initial=2)
    made.tell(made.ask(), status="failed", cost=3.0)
    made.tell(made.ask(), status="failed")
    made.tell(made.ask(), 1.0, cost=np.float32(2.0))
    assert [r.cost for r in made.trials_] == [3.0, None, 2.0]
    assert len(made._campaign.costs()[1]) == 2
    assert made.ask().params
    assert made._models(made._campaign).least_cost == pytest.approx(math.log(2.0))


def test_constant_and_huge_costs_are_costs():
    for costs in ([5.0] * 6, [1e-150, 1e150] * 3):
        made = BayesianOptimizer(SPACE, cost="learned", random_state=0, n_initial=3)
        for cost in costs:
            trial = made.ask()
            made.tell(trial, trial.params["x"], cost=cost)
        assert made.ask().params


@pytest.mark.parametrize("acquisition", ["expected_improvement", "knowledge_gradient"])
def test_a_constant_cost_changes_no_suggestion(acquisition):
    plain, priced = (
        BayesianOptimizer(SPACE, acquisition=acquisition, cost=cost, random_state=0, n_initial=4)
        for cost in (None, lambda params: math.e)
    )
    for _ in range(7):
        a, b = plain.ask(), priced.ask()
        assert a.params["n"] == b.params["n"]
        assert a.params["x"] == pytest.approx(b.params["x"], abs=2e-3)
        for made, trial in ((plain, a), (priced, b)):  # each its own: they may differ in the last digit
            made.tell(trial, (trial.params["x"] - 0.4) ** 2 - trial.params["n"])
