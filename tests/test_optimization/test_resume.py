"""A campaign that ends anywhere goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real, expected_improvement
from bayes.optimization import _settings
from uq.exceptions import InputError, LogError, UntestedAssumptionWarning

SPACE = {"x": Real(0, 1), "n": Integer(1, 20), "lr": Real(1e-4, 1, log=True), "k": Categorical(["a", ("b", 2), None])}


def value(params):
    return -((params["x"] - 0.3) ** 2) - 0.01 * (params["n"] - 7) ** 2 + 0.1 * (params["k"] is None)


def step(made, i):
    """Two trials at a time, told in the other order; some crash, some are given up, some values were known before."""
    first, second = made.ask_many(2)
    for trial in (second, first):
        if trial.params["n"] > 15:
            made.tell(trial, status="failed")
        elif trial.id % 11 == 10:
            made.tell(trial, status="abandoned")
        else:
            told = {"constraints": {"c": trial.params["x"] - 0.9}} if made.constraints else {}
            made.tell(trial, value(trial.params), y_var=1e-4 if trial.id % 2 else None, **told)
    if i == 2:
        told = {"constraints": {"c": -1.0}} if made.constraints else {}
        made.tell({"x": 0.5, "n": 3, "lr": 0.1, "k": None}, 0.0, **told)


SETTINGS = {
    "plain": {},
    "constraints": {"constraints": {"c": "<= 0"}, "direction": "minimize"},
    "gaussian": {"surrogate": GaussianProcess("gaussian", noise_variance=0, length_scale=np.full(6, 0.5))},
    "improvement": {"acquisition": "expected_improvement", "failures": "abandon"},
    "thompson": {"acquisition": "thompson_sample", "failures": "drop"},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.slow
def test_suggestions_after_a_resume_are_bit_for_bit_the_same(tmp_path, name):
    settings = {"random_state": 3, **SETTINGS[name]}
    whole = BayesianOptimizer(SPACE, **settings)
    for i in range(9):
        step(whole, i)
    broken = BayesianOptimizer(SPACE, storage=tmp_path / "run.jsonl", **settings)
    for i in range(9):
        step(broken, i)
        broken.close()
        broken = BayesianOptimizer.resume(tmp_path / "run.jsonl")
    assert broken.trials_ == whole.trials_
    assert broken.best_params_ == whole.best_params_
    assert broken.best_value_ == whole.best_value_
    assert broken.best_interval(0.5) == whole.best_interval(0.5)


def test_the_record_of_a_long_campaign_repeats_its_refits(tmp_path):
    whole, broken = (
        BayesianOptimizer({"x": Real(0, 1)}, random_state=0, storage=storage)
        for storage in (None, tmp_path / "a.jsonl")
    )
    rng = np.random.default_rng(0)
    for made in (whole, broken):
        for x in np.linspace(0, 1, 55):  # past the size from which not every result is a refit
            made.tell({"x": float(x)}, float(np.sin(9 * x)))
    for _ in range(6):
        noise = 0.1 * rng.normal()
        for made in (whole, broken):
            trial = made.ask()
            made.tell(trial, float(np.sin(9 * trial.params["x"])) + noise)
        broken.close()
        broken = BayesianOptimizer.resume(tmp_path / "a.jsonl")
    assert broken.trials_ == whole.trials_
    with open(tmp_path / "a.jsonl") as file:
        fits = [event for line in file if "fitted" in (event := json.loads(line))]
    assert len(fits) == 1


@pytest.mark.slow
def test_sampled_hyperparameters_are_repeated_too(tmp_path):
    space, surrogate = {"x": Real(0, 1)}, GaussianProcess(hyperparameters="slice")
    whole = BayesianOptimizer(space, surrogate=surrogate, random_state=0, n_initial=4)
    broken = BayesianOptimizer(space, surrogate=surrogate, random_state=0, n_initial=4, storage=tmp_path / "a.jsonl")
    for i in range(6):
        for made in (whole, broken):
            trial = made.ask()
            made.tell(trial, -((trial.params["x"] - 0.4) ** 2))
        if i == 4:
            broken.close()
            broken = BayesianOptimizer.resume(tmp_path / "a.jsonl")
    assert broken.trials_ == whole.trials_


def test_pending_trials_stay_pending(tmp_path):
    made = BayesianOptimizer(SPACE, storage=tmp_path / "a.jsonl", random_state=0, n_initial=2)
    for trial in made.ask_many(4)[:3]:
        made.tell(trial, value(trial.params))
    made.ask_many(2)
    pending = made.pending_
    made.close()
    again = BayesianOptimizer.resume(tmp_path / "a.jsonl")
    assert again.pending_ == pending
    assert len(pending) == 3
    again.tell(pending[1], 0.1)
    assert again.pending_ == (pending[0], pending[2])


def test_a_log_is_locked_and_never_written_over(tmp_path):
    path = tmp_path / "a.jsonl"
    made = BayesianOptimizer(SPACE, storage=path, random_state=0)
    made.ask()
    for second in (lambda: BayesianOptimizer.resume(path), lambda: BayesianOptimizer(SPACE, storage=path).ask()):
        with pytest.raises(LogError, match="in use"):
            second()
    made.close()
    with pytest.raises(LogError, match="closed"):
        made.ask()
    assert len(made.trials_) == 1
    with pytest.raises(LogError, match="resume"):
        BayesianOptimizer(SPACE, storage=path).ask()
    assert len(BayesianOptimizer.resume(path).trials_) == 1


def test_a_campaign_with_a_log_has_no_copy(tmp_path):
    import pickle

    made = BayesianOptimizer(SPACE, storage=tmp_path / "a.jsonl")
    made.ask()
    with pytest.raises(LogError, match="copied or pickled"):
        pickle.dumps(made)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_cut_off_with_one_warning(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    made = BayesianOptimizer(SPACE, storage=path, random_state=0)
    trial = made.ask()
    made.ask()
    made.close()
    os.truncate(path, os.path.getsize(path) - cut)
    with pytest.warns(UserWarning, match="incomplete line") as caught:
        again = BayesianOptimizer.resume(path)
    assert len(caught) == 1
    assert again.pending_ == (trial,)
    assert again.ask() == made.trials_[1].trial()


WRITER = """
import sys
from bayes import BayesianOptimizer, Real
made = BayesianOptimizer({"x": Real(0, 1), "y": Real(0, 1)}, storage=sys.argv[1], random_state=0, n_initial=4)
while True:
    trial = made.ask()
    print(trial.id, flush=True)
    made.tell(trial, -(trial.params["x"] - .3) ** 2 - trial.params["y"])
"""


@pytest.mark.parametrize("after", [1, 6, 11])
@pytest.mark.slow
def test_a_process_that_is_killed_leaves_a_campaign_to_resume(tmp_path, after):
    path = tmp_path / "a.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    asked = [int(process.stdout.readline()) for _ in range(after)]
    time.sleep(0.003 * after)  # somewhere in the middle of its work
    process.send_signal(signal.SIGKILL)
    asked += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    if after == 6:  # the write itself, half done
        with open(path, "ab") as file:
            file.write(b'{"event":"tell","id":')
        with pytest.warns(UserWarning, match="incomplete line"):
            made = BayesianOptimizer.resume(path)
    else:
        made = BayesianOptimizer.resume(path)
    assert [r.id for r in made.trials_][: len(asked)] == asked  # whatever was answered is there
    whole = BayesianOptimizer({"x": Real(0, 1), "y": Real(0, 1)}, random_state=0, n_initial=4)

    def f(trial):
        return -((trial.params["x"] - 0.3) ** 2) - trial.params["y"]

    for trial in made.pending_:
        made.tell(trial, f(trial))
    for _ in range(3):
        trial = made.ask()
        made.tell(trial, f(trial))
    for _ in range(len(made.trials_)):
        trial = whole.ask()
        whole.tell(trial, f(trial))
    assert made.trials_ == whole.trials_


def test_functions_must_be_given_again(tmp_path):
    def acquisition(gp, X, **options):
        return expected_improvement(gp, X, **options)

    surrogate = GaussianProcess(mean=lambda X: X[:, 0])
    for name, given in (("acquisition", acquisition), ("surrogate", surrogate)):
        path = tmp_path / name
        made = BayesianOptimizer({"x": Real(0, 1)}, storage=path, random_state=0, n_initial=1, **{name: given})
        made.tell(made.ask(), 1.0)
        made.close()
        with pytest.raises(InputError, match=f"{name} must be given again"):
            BayesianOptimizer.resume(path)
        again = BayesianOptimizer.resume(path, **{name: given})
        assert len(again.trials_) == 1
        again.ask()
        again.close()
        other = {"acquisition": surrogate, "surrogate": acquisition}[name]
        with pytest.raises((InputError, LogError)):
            BayesianOptimizer.resume(path, **{name: other})


def test_what_the_log_holds_need_not_be_given(tmp_path):
    made = BayesianOptimizer(SPACE, storage=tmp_path / "a.jsonl")
    made.ask()
    made.close()
    with pytest.raises(InputError, match="surrogate must be left out"):
        BayesianOptimizer.resume(tmp_path / "a.jsonl", surrogate=GaussianProcess())
    BayesianOptimizer.resume(tmp_path / "a.jsonl").close()  # the refusal gave the lock back


def edited(path, change):
    with open(path) as file:
        events = [json.loads(line) for line in file]
    change(events)
    with open(path, "w") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: e[0].update(format=99), "format 99"),
        (lambda e: e[0].update(space_hash="0"), "hash"),
        (lambda e: e[0]["space"].append(["z", "real", 0, 1, False]), "hash"),
        (lambda e: e[0].update(space=[["x", "cube", 1]]), "first line"),
        (lambda e: e[0].update(direction="up"), "direction"),
        (lambda e: e[0].update(surrogate={"depth": 3}), "surrogate"),
        (lambda e: e[0].pop("seed"), "first line"),
        (lambda e: e.pop(1), "line 2"),
        (lambda e: e[1].update(event="sing"), "line 2"),
        (lambda e: e[1]["params"].update(x=7), "line 2"),
        (lambda e: e.append(dict(e[2])), "line 5"),
        (lambda e: e[2].update(id=12), "line 3"),
    ],
    ids=range(12),
)
def test_a_log_that_does_not_fit_together_is_refused(tmp_path, change, words):
    path = tmp_path / "a.jsonl"
    made = BayesianOptimizer(SPACE, storage=path, random_state=0)
    made.tell(made.ask(), 1.0)
    made.ask()
    made.close()
    edited(path, change)
    with pytest.raises(LogError, match=words):
        BayesianOptimizer.resume(path)


def test_other_versions_are_told_of(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    made = BayesianOptimizer(SPACE, storage=path, random_state=0)
    made.ask()
    made.close()
    monkeypatch.setattr(_settings, "version", lambda name: "9.9")
    with pytest.warns(UntestedAssumptionWarning, match="9.9"):
        BayesianOptimizer.resume(path)


def test_a_refused_beginning_leaves_no_log_behind(tmp_path):
    path = tmp_path / "a.jsonl"
    with pytest.raises(InputError):
        BayesianOptimizer(SPACE, direction="up", storage=path).ask()
    assert not path.exists()
    made = BayesianOptimizer(SPACE, storage=tmp_path / "no" / "a.jsonl")
    for _ in range(2):
        with pytest.raises(LogError, match="cannot be"):
            made.ask()


@pytest.mark.parametrize("path", [None, 3, ""], ids=repr)
def test_a_log_has_a_path(path):
    with pytest.raises(InputError, match=r"path|storage"):
        BayesianOptimizer.resume(path)
