"""Constraints whose values lie on the bound itself: counts of errors, flags, costs that are cut off at a limit."""

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, Real
from uq.exceptions import SpaceExhaustedError

CHOICES = [str(i) for i in range(12)]


@pytest.mark.parametrize("n_kept", [1, 2, 5, 8, 12])
@pytest.mark.parametrize("broken", [1.0, 37.0])
def test_of_settings_that_reach_the_bound_the_best_is_found(n_kept, broken):
    made = BayesianOptimizer({"k": Categorical(CHOICES)}, constraints={"errors": "<= 0"}, random_state=0)
    for i, choice in enumerate(CHOICES):
        made.tell({"k": choice}, float(i), constraints={"errors": broken * (i >= n_kept)})
    assert int(made.best_params_["k"]) in range(max(n_kept - 2, 0), n_kept)


@pytest.mark.parametrize("seed", range(3))
def test_flags_steer_a_search(seed):
    made = BayesianOptimizer({"k": Categorical(CHOICES)}, constraints={"fits": ">= 1"}, random_state=seed)
    for _ in range(16):
        try:
            trial = made.ask()
        except SpaceExhaustedError:
            break
        i = int(trial.params["k"])
        made.tell(trial, float(i), constraints={"fits": float(i % 3 == 0)})
    assert made.best_params_ == {"k": "9"}


def test_excesses_cut_off_at_zero_are_kept():
    made = BayesianOptimizer({"x": Real(0, 1)}, constraints=["over"], random_state=0)
    for _ in range(20):
        trial = made.ask()
        x = trial.params["x"]
        made.tell(trial, x, constraints={"over": max(0.0, x - 0.6)})
    assert 0.5 < made.best_params_["x"] <= 0.6


def test_values_that_are_shifted_break_the_bound_as_before():
    made = BayesianOptimizer({"x": Real(0, 1)}, constraints={"c": "<= 2"}, random_state=0)
    for x, c in zip(np.linspace(0, 1, 5), [2.0, 2.5, 1.0, 9.0, 2.0], strict=True):
        made.tell({"x": float(x)}, 1.0, constraints={"c": c})
    campaign = made._campaign
    values = campaign.constraint_values(campaign.settings.constraints[0])
    assert np.array_equal(values, [-0.25, 0.25, -1.25, 6.75, -0.25])
