"""Parameters of a campaign: acquisitions given as functions, and what may not change once it has begun."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

import bayes
from bayes import BayesianOptimizer, GaussianProcess, Real
from uq.exceptions import InputError


def go(made, n=9):
    for _ in range(n):
        trial = made.ask()
        made.tell(trial, -((trial.params["x"] - 0.3) ** 2))
    return made


def optimizer(**parameters):
    return BayesianOptimizer({"x": Real(0, 1)}, **{"random_state": 0, "n_initial": 3, **parameters})


@pytest.mark.parametrize(
    "name",
    [
        "expected_improvement",
        "knowledge_gradient",
        "max_value_entropy_search",
        "noisy_expected_improvement",
        "thompson_sample",
        "upper_confidence_bound",
    ],
)
@pytest.mark.slow
def test_a_function_of_this_package_is_its_name(name, tmp_path):
    by_name = [r.params for r in go(optimizer(acquisition=name), 6).trials_]
    made = go(optimizer(acquisition=getattr(bayes, name), storage=tmp_path / "log"), 5)
    made.close()
    assert [r.params for r in go(BayesianOptimizer.resume(tmp_path / "log"), 1).trials_] == by_name


@pytest.mark.parametrize(
    "answer", [0.0, np.zeros(3), np.zeros((2, 2)), None, "abc", [[1.0], [1.0, 2.0]]], ids=lambda a: f"{a!r:.12}"
)
def test_an_acquisition_that_answers_wrongly_is_refused(answer):
    made = go(optimizer(acquisition=lambda gp, X, log, return_grad=False: answer), 3)
    with pytest.raises(InputError, match="acquisition must return"):
        made.ask()
    assert len(made.trials_) == 3


def test_an_acquisition_without_numbers_is_refused():
    def unknown(gp, X, log, return_grad=False):
        value = np.full(len(X), np.nan)
        return (value, np.zeros(X.shape)) if return_grad else value

    made = go(optimizer(acquisition=unknown), 3)
    with pytest.raises(InputError, match="got NaN for"):
        made.ask()


def test_gradients_of_an_acquisition_are_looked_at_too():
    def flat(gp, X, log, return_grad=False):
        return np.zeros(len(X))

    made = go(optimizer(acquisition=flat), 3)
    with pytest.raises(InputError, match="acquisition must return a tuple"):
        made.ask()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("space", {"y": Real(0, 1)}),
        ("acquisition", "bogus"),
        ("direction", "minimize"),
        ("surrogate", GaussianProcess()),
        ("constraints", ["c"]),
        ("failures", "drop"),
        ("random_state", 1),
        ("storage", "elsewhere"),
    ],
)
def test_parameters_stay_once_a_campaign_has_begun(name, value):
    made = go(optimizer(), 2)
    made.set_params(**{name: value})
    for act in (made.ask, lambda: made.tell({"x": 0.5}, 1.0), lambda: made.best_params_):
        with pytest.raises(InputError, match=f"{name} must stay"):
            act()
    made.set_params(**{name: optimizer().get_params()[name]} if name != "space" else {"space": made._begun["space"]})
    assert len(go(made, 1).trials_) == 3


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "pickle"])
def test_copies_go_on(twin):
    parameters = {"random_state": np.random.default_rng(10**6), "surrogate": GaussianProcess(), "n_initial": 1000}
    made = go(optimizer(constraints=None, **parameters), 3)
    assert go(twin(made), 1).trials_[-1].params == go(made, 1).trials_[-1].params
    assert len(go(clone(made), 1).trials_) == 1
