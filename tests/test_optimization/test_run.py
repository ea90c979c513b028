"""Whole campaigns: crashes, executors, interrupts."""

import functools
import os
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from bayes import BayesianOptimizer, Integer, Real
from uq.exceptions import InputError


def optimizer(**parameters):
    return BayesianOptimizer({"x": Real(0, 1)}, **{"random_state": 0, "direction": "minimize", **parameters})


def bowl(params):
    return (params["x"] - 0.3) ** 2


def fragile(params):
    if params["x"] > 0.6:
        raise RuntimeError("out of memory")
    return bowl(params)


def test_a_run_asks_evaluates_and_tells():
    made = optimizer().run(bowl, 15)
    assert [r.status for r in made.trials_] == ["ok"] * 15
    assert abs(made.best_params_["x"] - 0.3) < 0.05
    by_hand = optimizer()
    for _ in range(15):
        trial = by_hand.ask()
        by_hand.tell(trial, bowl(trial.params))
    assert [r.params for r in by_hand.trials_] == [r.params for r in made.trials_]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_crashes_are_failed_trials_and_the_campaign_goes_on(workers):
    with ThreadPoolExecutor(workers) as executor:
        made = optimizer().run(fragile, 20, executor)
    assert len(made.trials_) == 20
    assert {r.status for r in made.trials_} == {"ok", "failed"}
    assert all((r.status == "failed") == (r.params["x"] > 0.6) for r in made.trials_)
    assert abs(made.best_params_["x"] - 0.3) < 0.1


def test_processes_evaluate_too():
    with ProcessPoolExecutor(2) as executor:
        made = optimizer().run(fragile, 8, executor)
    assert len(made.trials_) == 8
    assert not made.pending_


@pytest.mark.parametrize(
    "result",
    [float("nan"), float("inf"), None, "0.5", [1.0], {}, {"value": None}, {"value": 1, "loss": 2}, 1e300],
    ids=repr,
)
def test_what_is_no_value_is_a_failure(result):
    made = optimizer()
    with pytest.warns(UserWarning, match="all 2 trials failed") as caught:
        made.run(lambda params: result, 2)
    assert len(caught) == 1
    assert [r.status for r in made.trials_] == ["failed", "failed"]


def test_variances_and_constraints_come_with_the_value():
    made = optimizer(constraints=["c"])
    made.run(lambda p: {"value": bowl(p), "y_var": 0.01, "constraints": {"c": p["x"] - 0.2}}, 12)
    assert {r.y_var for r in made.trials_} == {0.01}
    assert made.best_params_["x"] <= 0.2
    with pytest.warns(UserWarning, match="all 1 trials failed.*constraints"):
        made.run(bowl, 1)


def test_so_many_trials_are_pending_as_there_are_workers():
    lock, running, most = threading.Lock(), [0], [0]

    def slow(params):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1
        return bowl(params)

    with ThreadPoolExecutor(3) as executor:
        made = optimizer().run(slow, 12, executor)
    assert most[0] == 3
    assert len({r.params["x"] for r in made.trials_}) == 12
    with ThreadPoolExecutor(3) as executor:
        most[0] = 0
        made.run(slow, 4, executor, n_parallel=1)
    assert most[0] == 1


class Unknown(Executor):
    """An executor that does not tell how many workers it has, and evaluates when asked."""

    def __init__(self):
        self.submitted = 0

    def submit(self, f, /, *arguments, **more):
        self.submitted += 1
        future = Future()
        try:
            future.set_result(f(*arguments, **more))
        except BaseException as error:
            future.set_exception(error)
        return future


def test_results_that_come_at_once_are_told_in_the_order_of_asking():
    made = optimizer().run(bowl, 9, Unknown())
    again = optimizer().run(bowl, 9, Unknown())
    assert made.trials_ == again.trials_


@pytest.mark.parametrize("executor", [None, "unknown", "threads"])
def test_an_interrupt_leaves_the_trial_pending_and_the_next_run_begins_with_it(tmp_path, executor):
    path, calls = tmp_path / "a.jsonl", []

    def interrupted(params):
        calls.append(params)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return bowl(params)

    made = optimizer(storage=path)
    pool = {None: None, "unknown": Unknown(), "threads": ThreadPoolExecutor(1)}[executor]
    with pytest.raises(KeyboardInterrupt):
        made.run(interrupted, 10, pool)
    assert sum(r.status == "ok" for r in made.trials_) == 3 if executor != "unknown" else made.trials_
    left = made.pending_
    assert left
    made.close()
    again = BayesianOptimizer.resume(path)
    assert again.pending_ == left
    again.run(bowl, len(left) + 1)
    assert not again.pending_
    assert [r.status for r in again.trials_].count("ok") == len(again.trials_)
    if isinstance(pool, ThreadPoolExecutor):
        pool.shutdown()


def test_trials_that_someone_asked_for_by_hand_are_left_to_them():
    made = optimizer()
    mine = made.ask()
    made.run(bowl, 3)
    assert made.pending_ == (mine,)


def test_an_exhausted_space_ends_the_run_with_a_warning():
    made = BayesianOptimizer({"n": Integer(0, 3)}, random_state=0, failures="abandon")
    with pytest.warns(UserWarning, match="all 4 trials failed|exhausted after 4") as caught:
        made.run(lambda params: float("nan"), 10)
    assert sorted("exhausted" in str(w.message) for w in caught) == [False, True]
    assert len(made.trials_) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("f", 3), "f must be a function"),
        ((None, 3), "f must be a function"),
        ((bowl, 0), "n_trials"),
        ((bowl, 2.5), "n_trials"),
        ((bowl, 3, 4), "executor must be"),
        ((bowl, 3, ThreadPoolExecutor), "executor must be"),
        ((bowl, 3, None, 0), "n_parallel"),
    ],
    ids=range(7),
)
def test_bad_arguments_are_named_before_any_trial(arguments, words):
    made = optimizer()
    with pytest.raises(InputError, match=words):
        made.run(*arguments)
    assert len(made.trials_) == 0


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda params: 1.0, r"f\(params, environment=..., fidelity=...\).*'environment'"),
        (lambda params, environment: 1.0, "'fidelity'"),
        (lambda params, environment, fidelity, more: 1.0, "'more'"),
        (lambda **params: 1.0, "positional"),
    ],
    ids=range(4),
)
def test_an_f_that_cannot_be_called_spends_no_trial(f, words):
    made = optimizer(environment={"load": [1, 2]}, fidelity=(Integer(1, 2), 2))
    with pytest.raises(InputError, match=words):
        made.run(f, 3)
    assert not len(made.trials_)


def test_what_calls_f_otherwise_is_not_mistaken():
    class Method:
        def __call__(self, params, *, environment):
            return params["x"]

    @functools.wraps(bowl)
    def by_name(params, **where):
        return bowl(params)

    def of_numbers(x):
        return x

    @functools.wraps(of_numbers)
    def unpacked(params, environment=None):
        return of_numbers(**params)

    for f in (Method(), by_name, unpacked, functools.partial(lambda a, params, environment: a, 1.0)):
        assert optimizer(environment={"load": [1, 2]}).run(f, 1).trials_[0].status == "ok"
    with pytest.raises(InputError, match="f must take"):
        optimizer().run(of_numbers.__get__(3), 1)


def test_f_cannot_change_what_is_recorded():
    def rude(params):
        return params.pop("x")

    assert all("x" in r.params for r in optimizer().run(rude, 3).trials_)


@pytest.mark.parametrize("f", [lambda params: params["x"], threading.Lock().__enter__], ids=["lambda", "lock"])
def test_what_no_process_would_get_is_refused(f):
    made = optimizer()
    with ProcessPoolExecutor(1) as executor, pytest.raises(InputError, match="sent to another process"):
        made.run(f, 3, executor)
    assert not len(made.trials_)


def deadly(params):
    if params["x"] > 0.6:
        os._exit(1)  # as a kernel kills a process without memory
    return bowl(params)


def test_a_worker_that_dies_alone_tells_which_trial_killed_it():
    made = optimizer()
    for _ in range(9):
        try:
            with ProcessPoolExecutor(1) as executor:
                made.run(deadly, 8 - len(made.trials_), executor)
            break
        except BrokenExecutor as error:
            assert "told as failed" in str(error)  # noqa: PT017
    assert len(made.trials_) == 8
    assert {r.status for r in made.trials_} == {"ok", "failed"}
    assert all((r.status == "failed") == (r.params["x"] > 0.6) for r in made.trials_)


def deadly_beside_others(params):
    time.sleep(0.5)  # both workers are at it
    if params["x"] > 0.6:
        os._exit(1)
    time.sleep(2)
    return bowl(params)


@pytest.mark.slow
def test_where_several_may_have_killed_a_worker_none_is_blamed():
    made = optimizer()
    with ProcessPoolExecutor(2) as executor, pytest.raises(BrokenExecutor, match="n_parallel=1"):
        made.run(deadly_beside_others, 8, executor)
    assert [r.status for r in made.trials_] == ["pending", "pending"]
    assert {r.params["x"] > 0.6 for r in made.trials_} == {True, False}
    with pytest.raises(BrokenExecutor, match="told as failed"), ProcessPoolExecutor(1) as executor:
        made.run(deadly, 8, executor, n_parallel=1)
    failed = [r for r in made.trials_ if r.status == "failed"]
    assert [r.params["x"] > 0.6 for r in failed] == [True]
