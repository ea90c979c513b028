"""Values that hide all others from the model: which they are, and that the caller is told."""

import re
import warnings

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, Integer, Real
from bayes.optimization._outliers import far_below

SPACE = {"x": Real(0, 1), "y": Real(0, 1)}


def bowl(params):
    return -((params["x"] - 0.3) ** 2) - (params["y"] - 0.6) ** 2


def by_hand(y):
    """Every split of the sorted values, from the widest gap on, until no part is far enough."""
    left, found = sorted(range(len(y)), key=lambda i: (y[i], i)), []
    while True:
        splits = [(y[left[k]] - y[left[k - 1]], k) for k in range(1, len(left))]
        if not splits:
            return found
        gap, k = max(splits, key=lambda split: (split[0], -split[1]))
        rest = left[k:]
        reach = y[rest[-1]] - y[rest[0]]
        if len(rest) < 8 or reach == 0 or gap <= 1000 * reach:
            return found
        found, left = found + left[:k], rest


@pytest.mark.parametrize("seed", range(200))
def test_against_all_splits(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=rng.integers(0, 20))
    far = rng.integers(0, len(y) + 1) // 3
    y[rng.permutation(len(y))[:far]] -= 10.0 ** rng.integers(0, 9, size=far)
    assert far_below(y).tolist() == by_hand(y.tolist())


def test_which_they_are():
    y = np.r_[np.linspace(0, 1, 8), -1e6, -1e12, -1e6]
    assert far_below(y).tolist() == [9, 8, 10]
    assert not len(far_below(-y))  # far above is what is sought
    assert not len(far_below(np.r_[np.linspace(0, 1, 7), -1e6]))  # too few others
    assert not len(far_below(np.r_[np.zeros(20), -1e6]))  # a plateau, whose values do not differ
    assert not len(far_below(np.r_[np.linspace(0, 1, 8), -999]))
    assert len(far_below(np.r_[np.linspace(0, 1, 8), -1001]))
    assert not len(far_below(np.r_[np.full(5, 0.13), np.linspace(0.96, 0.98, 15)]))  # accuracies, some of them chance
    assert not len(far_below(np.array([])))


def go(made, n, penalty, when):
    for i in range(n):
        trial = made.ask()
        value = -bowl(trial.params) if made.direction == "minimize" else bowl(trial.params)
        made.tell(trial, penalty if i in when else value)
    return made.best_params_


@pytest.mark.parametrize("when", [0, 4, 11])
@pytest.mark.parametrize(("direction", "penalty"), [("maximize", -1e6), ("minimize", 1e6)])
@pytest.mark.slow
def test_the_trial_is_named_once(direction, penalty, when):
    made = BayesianOptimizer(SPACE, direction=direction, random_state=0)
    with pytest.warns(UserWarning, match=re.escape(f"the value {penalty:g} of trial {when}, {{'x'")) as caught:
        go(made, 14, penalty, [when])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert f"lies {'below' if penalty < 0 else 'above'} all others" in str(caught[0].message)
    assert "status='failed'" in str(caught[0].message)


def test_penalties_are_counted():
    with pytest.warns(UserWarning, match="as do 2 more"):
        go(BayesianOptimizer(SPACE, n_initial=11, random_state=0), 13, -1e6, [0, 1, 2])


ORDINARY = {
    "plane": (SPACE, bowl),
    "cliff": (SPACE, lambda p: bowl(p) if p["x"] < 0.8 else -3.0),
    "wide": ({"x": Real(1e-6, 1, log=True)}, lambda p: -(np.log(p["x"] + 1e-3) ** 2)),
    "steps": (
        {"n": Integer(0, 30), "c": Categorical(["a", "b"])},
        lambda p: float(p["n"] // 5) - 2.0 * (p["c"] == "a"),
    ),
}


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.slow
def test_ordinary_campaigns_are_not_warned_of(name, noise):
    space, f = ORDINARY[name]
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = BayesianOptimizer(space, random_state=0).run(lambda p: f(p) + noise * rng.normal(), 30)
    assert made.best_params_


def test_levels_of_environments_are_no_outliers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = BayesianOptimizer({"x": Real(0, 1)}, environment={"load": ["none", "all"]}, random_state=0)
        made.run(lambda p, environment: -((p["x"] - 0.3) ** 2) - 1e3 * (environment["load"] == "all"), 14)
    assert made.best_params_
