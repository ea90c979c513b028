"""What a campaign refuses: bad parameters, results that are none, trials of others."""

import math

import pytest

from bayes import BayesianOptimizer, GaussianProcess, Real, Trial
from uq.exceptions import InputError

LINE = {"x": Real(0, 1)}


def optimizer(space=None, **parameters):
    return BayesianOptimizer(LINE if space is None else space, **{"random_state": 0, **parameters})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"value": math.nan}, "status='failed'"),
        ({"value": math.inf}, "status='failed'"),
        ({"value": None}, "status='failed'"),
        ({"value": "1"}, "finite number"),
        ({"value": 1j}, "finite number"),
        ({"value": 10**400}, "finite number"),
        ({"value": 1e200}, "finite number"),
        ({"value": [1.0]}, "finite number"),
        ({"value": 1.0, "status": "failed"}, "left out"),
        ({"value": 1.0, "status": "done"}, "status must be one of"),
        ({"value": 1.0, "y_var": -1.0}, "y_var"),
        ({"value": 1.0, "y_var": math.nan}, "y_var"),
        ({"value": 1.0, "y_var": "a"}, "y_var"),
        ({"value": 1.0, "constraints": {"c": 1}}, "constraints must be left out"),
    ],
    ids=str,
)
def test_what_is_no_result_is_refused_and_changes_nothing(told, words):
    made = optimizer()
    trial = made.ask()
    with pytest.raises(InputError, match=words):
        made.tell(trial, **told)
    assert made.pending_ == (trial,)
    made.tell(trial, 1.0)


@pytest.mark.parametrize(
    "constraints",
    [None, {}, {"c": math.nan}, {"c": "x"}, {"d": 1.0}, {"c": 1.0, "d": 1.0}, [1.0], {"c": math.inf}],
    ids=str,
)
def test_constraints_must_be_told_in_full(constraints):
    made = optimizer(constraints=["c"])
    with pytest.raises(InputError, match="constraints"):
        made.tell(made.ask(), 1.0, constraints=constraints)
    assert len(made.pending_) == 1


def test_trials_of_another_campaign_and_second_results_are_refused():
    made, other = optimizer(), optimizer(random_state=5)
    trial, stranger = made.ask(), other.ask()
    for wrong in (
        stranger,
        Trial(id=3, params={"x": 0.1}),
        Trial(id=True, params={}),
        Trial(id="0", params={}),
        0,
        None,
        "x",
    ):
        with pytest.raises(InputError, match="trial must be"):
            made.tell(wrong, 1.0)
    made.tell(trial, 1.0)
    with pytest.raises(InputError, match="told before"):
        made.tell(trial, 1.0)
    made.tell(trial.params, 2.0)
    assert [r.value for r in made.trials_] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"space": {}}, "space must be a dict"),
        ({"space": {"x": {"y": Real(0, 1)}}}, "own parameter"),
        ({"acquisition": "ei"}, "acquisition must be one of"),
        ({"acquisition": None}, "acquisition must be one of"),
        ({"direction": "max"}, "direction must be one of"),
        ({"surrogate": 3}, "surrogate must be"),
        ({"surrogate": GaussianProcess}, "surrogate must be"),
        ({"surrogate": GaussianProcess(noise_variance=-1)}, "noise_variance"),
        ({"surrogate": GaussianProcess(length_scale=[1, 2, 3])}, "length_scale"),
        ({"constraints": "c"}, "constraints must be a dict"),
        ({"constraints": {"c": "< 2"}}, "constraints must be a dict"),
        ({"constraints": {"c": "<= nan"}}, "constraints must be a dict"),
        ({"constraints": {"c": 2}}, "constraints must be a dict"),
        ({"constraints": ["c", "c"]}, "constraints must be a dict"),
        ({"constraints": {"": "<= 1"}}, "constraints must be a dict"),
        ({"constraints": ["c <= 1"]}, "constraints must be a dict"),
        ({"failures": "ignore"}, "failures must be one of"),
        ({"n_initial": -1}, "n_initial must be an integer"),
        ({"n_initial": "many"}, "n_initial must be one of"),
        ({"n_initial": 2.5}, "n_initial must be an integer"),
        ({"random_state": -1}, "random_state must be"),
        ({"random_state": "a"}, "random_state must be"),
        ({"storage": 5}, "storage must be"),
    ],
    ids=str,
)
def test_bad_parameters_are_named_at_the_first_ask(parameters, words):
    for first in (lambda o: o.ask(), lambda o: o.tell({"x": 0.5}, 1.0), lambda o: o.trials_):
        with pytest.raises(InputError, match=words):
            first(optimizer(**parameters))


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", None, 10**400], ids=lambda n: f"{n!r:.9}")
def test_a_number_of_trials_is_one(n):
    with pytest.raises(InputError, match="n must be"):
        optimizer().ask_many(n)


def test_levels_and_empty_campaigns_are_refused():
    made = optimizer()
    for look in (lambda: made.best_value_, made.diagnostics, made.best_interval):
        with pytest.raises(InputError, match="value"):
            look()
    made.tell({"x": 0.5}, 1.0)
    with pytest.raises(InputError, match="confidence_level"):
        made.best_interval(95)
