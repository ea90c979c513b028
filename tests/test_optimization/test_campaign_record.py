"""What a campaign writes down, and what nobody can change of it."""

import inspect
import os
import warnings

import pytest

from bayes import BayesianOptimizer, Categorical, Integer, Real
from uq.exceptions import LogError


def optimizer(**parameters):
    return BayesianOptimizer({"x": Real(0, 1)}, **{"random_state": 0, **parameters})


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("never mind")


def test_why_a_trial_failed_is_shown_and_survives_a_resume(tmp_path):
    path = tmp_path / "log"
    reasons = [MemoryError("all of it"), KeyError("x\udcff"), Unspeakable(), ValueError("long " * 1000), None]

    def f(params):
        if (reason := reasons[len(made.trials_) - 1]) is not None:
            raise reason
        return float("nan")

    made = optimizer(storage=path)
    with pytest.warns(UserWarning, match="all 5 trials failed"):
        made.run(f, 5)
    made.tell(made.ask(), status="failed")
    made.tell({"x": 0.5}, RuntimeError("by hand"), status="failed")
    shown = [r.error for r in made.trials_]
    assert shown[:3] == ["MemoryError: all of it", "KeyError: 'x\\udcff'", "Unspeakable"]
    assert len(shown[3]) == 300
    assert shown[4].startswith("InputError: BayesianOptimizer.run: value must be")
    assert shown[5:] == [None, "RuntimeError: by hand"]
    assert list(made.trials_._table()["error"]) == shown
    made.close()
    assert [r.error for r in BayesianOptimizer.resume(path).trials_] == shown


def test_readers_cannot_change_the_campaign():
    made = optimizer(constraints=["c"])
    made.tell({"x": 0.5}, 1.0, constraints={"c": -1.0})
    record = made.trials_[0]
    record.params["x"] = 77
    record.constraints["c"] = 5.0
    assert made.best_params_ == {"x": 0.5}
    assert made.trials_[0].params == {"x": 0.5}


def test_the_interval_is_the_same_after_a_resume_with_a_pending_trial(tmp_path):
    made = optimizer(storage=tmp_path / "log")
    for _ in range(6):
        trial = made.ask()
        made.tell(trial, (trial.params["x"] - 0.3) ** 2)
    made.ask()
    interval = made.best_interval(0.5)
    made.close()
    assert BayesianOptimizer.resume(tmp_path / "log").best_interval(0.5) == interval


@pytest.mark.parametrize("replaced", [False, True])
def test_a_log_that_is_gone_is_told_of(tmp_path, replaced):
    path = tmp_path / "log"
    made = optimizer(storage=path)
    trial = made.ask()
    kept = path.read_bytes()
    os.remove(path)
    if replaced:
        path.write_bytes(kept)
    for act in (made.ask, lambda: made.tell(trial, 1.0)):
        with pytest.raises(LogError, match="removed or replaced"):
            act()
    assert made.pending_ == (trial,)
    made.close()
    path.write_bytes(kept)
    again = BayesianOptimizer.resume(path)
    again.tell(trial, 1.0)
    assert again.best_value_ == 1.0


@pytest.mark.parametrize(
    "line",
    [
        '{"event":"tell","id":0,"status":"ok","value":null}',
        '{"event":"tell","id":0,"status":"ok","value":"x"}',
        '{"event":"tell","id":0,"status":"bogus","value":1.0}',
        '{"event":"tell","id":-1,"status":"ok","value":1.0}',
        '{"event":"tell","id":0,"status":"failed","value":1.0}',
        '{"event":"tell","id":0,"status":"ok","value":1.0,"y_var":-1.0}',
        '{"event":"tell","id":0,"status":"ok","value":1.0,"constraints":{"c":1.0}}',
    ],
)
def test_results_that_nobody_could_tell_are_a_damage(tmp_path, line):
    path = tmp_path / "log"
    made = optimizer(storage=path)
    made.ask()
    made.close()
    with open(path, "a") as file:
        file.write(line + "\n")
    with pytest.raises(LogError, match="line 3 does not fit"):
        BayesianOptimizer.resume(path)


def test_a_space_beyond_all_floats_is_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = BayesianOptimizer({f"n{i}": Integer(0, 2**53) for i in range(25)}, random_state=0)
        assert len(made.ask().params) == 25


def test_what_was_not_found_yet_is_no_attribute():
    made = optimizer(constraints=["c"])
    for _ in range(2):
        assert not hasattr(made, "best_params_")
        assert not hasattr(made, "best_value_")
        inspect.getmembers(made)
        made.tell({"x": 0.5}, 1.0, constraints={"c": 1.0})
    made.tell({"x": 0.5}, 1.0, constraints={"c": -1.0})
    assert hasattr(made, "best_params_")


def test_a_trial_that_is_told_by_its_params_stays_pending_and_is_named(recwarn):
    made = optimizer()
    trial = made.ask()
    with pytest.warns(UserWarning, match="trial 0 has the same params and stays pending"):
        made.tell(trial.params, 1.0)
    assert made.pending_ == (trial,)
    made.tell(trial, 2.0)
    made.tell(trial.params, 3.0)
    made.tell({"x": 0.123}, 3.0)
    assert not made.pending_
    assert not recwarn.list


def test_a_record_tells_its_value_whatever_the_parameters_are_called():
    space = {"value": Real(0, 1), "id": Categorical(["a"]), "status": Categorical(["b"])}
    made = BayesianOptimizer(space, environment={"fidelity": [1, 2]}, random_state=0)
    trial = made.ask()
    made.tell(trial, 7.0)
    table = made.trials_[0].to_frame()
    assert table[["id", "status", "value"]].iloc[0].tolist() == [0, "ok", 7.0]
    assert table["params.value"][0] == trial.params["value"]
    assert table["environment.fidelity"][0] == trial.environment["fidelity"]
