"""Ask and tell: suggestions, statuses, constraints, failures, and what is recommended in the end."""

import math
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real, Trial, expected_improvement
from bayes.optimization._propose import ACQUISITIONS
from uq.exceptions import InfiniteBoundWarning, InputError, SpaceExhaustedError, UQError

LINE = {"x": Real(0, 1)}
MIXED = {
    "x": Real(0, 1),
    "n": Integer(1, 20),
    "k": Categorical(["a", "b", "c"]),
    "lr": Real(1e-4, 1, log=True),
    "one": Categorical(["only"]),
}


def hill(params):
    return -((params["x"] - 0.3) ** 2)


def mixed(params):
    gain = {"a": 0, "b": 0.5, "c": 0.2}[params["k"]]
    return gain - (params["x"] - 0.3) ** 2 - 0.01 * (params["n"] - 7) ** 2 - 0.1 * math.log10(params["lr"] / 0.05) ** 2


def optimizer(space=None, **parameters):
    return BayesianOptimizer(LINE if space is None else space, **{"random_state": 0, **parameters})


def go(made, n, f=hill, **told):
    for _ in range(n):
        trial = made.ask()
        made.tell(trial, f(trial.params), **told)
    return made


def branin(params):
    x, y = params["x"], params["y"]
    return (
        (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
    )


BRANIN = {"x": Real(-5, 10), "y": Real(0, 15)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.slow
def test_beats_random_search_on_branin(seed):
    made = go(optimizer(BRANIN, direction="minimize", random_state=seed), 30, branin)
    rng = np.random.default_rng(seed)
    at_random = [branin({"x": rng.uniform(-5, 10), "y": rng.uniform(0, 15)}) for _ in range(30)]
    assert branin(made.best_params_) - 0.397887 < 0.3 * (min(at_random) - 0.397887)


@pytest.mark.parametrize("acquisition", sorted(ACQUISITIONS))
@pytest.mark.slow
def test_every_acquisition_climbs_a_mixed_space(acquisition):
    made = optimizer(MIXED, acquisition=acquisition)
    for _ in range(25):
        trial = made.ask()
        made.tell(trial, mixed(trial.params))
    assert mixed(made.best_params_) > 0.3, made.best_params_


def test_a_function_of_this_package_is_the_acquisition_of_its_name():
    def chosen(gp, X, **options):
        return expected_improvement(gp, X, best="mean", **options)

    by_name, by_function = (
        [r.params["x"] for r in go(optimizer(acquisition=a), 12).trials_] for a in ("expected_improvement", chosen)
    )
    assert np.allclose(by_name, by_function, atol=1e-3)


def test_minimising_is_maximising_the_negative():
    low = go(optimizer(direction="minimize"), 12, lambda p: -hill(p))
    high = go(optimizer(), 12)
    assert [r.params for r in low.trials_] == [r.params for r in high.trials_]
    assert low.best_params_ == high.best_params_
    assert low.best_value_ == -high.best_value_
    a, b = low.best_interval(), high.best_interval()
    assert (a.lower, a.upper) == (-b.upper, -b.lower)


@pytest.mark.parametrize("space", [LINE, MIXED, {"n": Integer(1, 9)}, BRANIN], ids=["line", "mixed", "finite", "plane"])
def test_pending_suggestions_are_distinct(space):
    made = optimizer(space)
    for i in range(7):
        made.tell(made.ask(), math.sin(i))
    trials = made.ask_many(4)
    assert len({tuple(t.params.values()) for t in trials}) == 4
    assert made.pending_ == tuple(trials)
    rows = np.array([made._campaign.rows[t.id] for t in trials])
    apart = np.abs(rows[:, None] - rows).max(axis=2)[np.triu_indices(4, 1)]
    assert apart.min() > 1e-3
    for trial in reversed(trials):  # any order
        made.tell(trial, 0.0)
    assert made.pending_ == ()


def test_pending_trials_change_the_next_suggestion_but_no_mean():
    made = go(optimizer(), 8)
    first, second = made.ask_many(2)
    assert abs(first.params["x"] - second.params["x"]) > 1e-3
    before = made.best_value_
    made.ask()
    assert made.best_value_ == before


def test_suggestions_are_a_function_of_seed_and_results():
    a, b, c = (go(optimizer(MIXED, random_state=seed), 14, mixed).trials_ for seed in (1, 1, 2))
    assert a == b
    assert [r.params for r in a] != [r.params for r in c]


@pytest.mark.slow
def test_looking_changes_nothing():
    plain = go(optimizer(MIXED), 14, mixed)
    nosy = optimizer(MIXED)
    for _ in range(14):
        trial = nosy.ask()
        nosy.tell(trial, mixed(trial.params))
        assert nosy.best_params_
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            assert nosy.best_interval(0.5).width > 0
        assert nosy.diagnostics().n_ok == len(nosy.trials_)
    assert [r.params for r in plain.trials_] == [r.params for r in nosy.trials_]


@pytest.mark.slow
def test_without_noise_nothing_is_suggested_twice():
    made = go(optimizer(surrogate=GaussianProcess(noise_variance=0)), 25)
    x = np.sort([r.params["x"] for r in made.trials_])
    assert np.diff(x).min() > 1e-6
    cells = go(
        optimizer({"n": Integer(0, 11)}, surrogate=GaussianProcess(noise_variance=0)), 12, lambda p: -abs(p["n"] - 4)
    )
    assert sorted(r.params["n"] for r in cells.trials_) == list(range(12))
    with pytest.raises(SpaceExhaustedError, match="none of the 12 settings"):
        cells.ask()
    assert cells.best_params_ == {"n": 4}


def test_equal_repeats_tell_that_there_is_no_noise():
    made = optimizer({"n": Integer(0, 5)})
    for n in (0, 1):
        for _ in range(2):
            made.tell({"n": n}, float(n))
    seen = go(made, 4, lambda p: float(p["n"])).trials_
    assert sorted(r.params["n"] for r in seen[4:]) == [2, 3, 4, 5]
    with pytest.raises(SpaceExhaustedError):
        made.ask()


def test_under_noise_the_best_cells_are_looked_at_again():
    rng = np.random.default_rng(0)
    made = go(optimizer({"n": Integer(0, 5)}), 40, lambda p: -abs(p["n"] - 2) + rng.normal())
    counts = np.bincount([r.params["n"] for r in made.trials_], minlength=6)
    assert counts.min() >= 1
    assert counts[1:4].sum() > counts[[0, 4, 5]].sum()
    assert made.best_params_["n"] in (1, 2, 3)


def test_the_recommendation_is_not_the_luckiest_observation():
    made = optimizer({"n": Integer(0, 1)}, surrogate=GaussianProcess(noise_variance=1.0))
    for _ in range(20):
        made.tell({"n": 0}, 1.0)
    for value in [0.0] * 19 + [5.0]:
        made.tell({"n": 1}, value)
    assert made.best_params_ == {"n": 0}
    assert made.best_value_ == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_values_or_constant_ones_are_enough_to_ask(n):
    for value in (0.0, 3.0, 1e-300, 1e150):
        made = optimizer(n_initial=0)
        for _ in range(n):
            made.tell({"x": 0.25}, value)
        trials = made.ask_many(3)
        assert len({t.params["x"] for t in trials}) == 3
        if n:
            assert made.best_params_ == {"x": 0.25}
            assert made.best_value_ == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("space", [{"k": Categorical(["a"])}, {"n": Integer(3, 3), "k": Categorical(["a"])}], ids=repr)
def test_a_space_of_one_setting(space):
    made = optimizer(space)
    rng = np.random.default_rng(0)
    for _ in range(6):
        trial = made.ask()
        made.tell(trial, rng.normal())
    assert len({tuple(r.params.values()) for r in made.trials_}) == 1
    assert np.isfinite(made.best_value_)


def test_known_settings_count_towards_the_initial_ones():
    made = optimizer(n_initial=3)
    for x in (0.2, 0.8):
        made.tell({"x": x}, hill({"x": x}))
    made.ask_many(2)
    assert [r.origin for r in made.trials_[2:]] == ["initial", "model"]
    assert [r.origin for r in made.trials_[:2]] == ["user", "user"]


def test_initial_suggestions_fill_the_space():
    made = optimizer({"x": Real(0, 1), "k": Categorical(["a", "b"])}, n_initial=16)
    params = [t.params for t in made.ask_many(16)]
    assert np.bincount([int(8 * p["x"]) for p in params], minlength=8).tolist() == [2] * 8
    assert sum(p["k"] == "a" for p in params) == 8


# ---- failures


def crashing(params):
    return params["x"] > 0.5


def crash_or_tell(made, n, f=hill):
    for _ in range(n):
        trial = made.ask()
        if crashing(trial.params):
            made.tell(trial, status="failed")
        else:
            made.tell(trial, f(trial.params))
    return made


def towards_the_cliff(params):
    return params["x"]


@pytest.mark.slow
def test_failures_are_learned_from():
    learned, dropped = (
        crash_or_tell(optimizer(failures=failures), 30, towards_the_cliff) for failures in ("classifier", "drop")
    )
    failed = [sum(r.status == "failed" for r in made.trials_) for made in (learned, dropped)]
    assert failed[0] < failed[1]
    assert 0.4 < learned.best_params_["x"] <= 0.5


@pytest.mark.parametrize("failures", ["classifier", "abandon"])
def test_what_failed_is_not_suggested_again(failures):
    made = optimizer({"n": Integer(0, 9)}, failures=failures)
    for _ in range(30):
        trial = made.ask()
        if trial.params["n"] > 6:
            made.tell(trial, status="failed")
        else:
            made.tell(trial, np.sin(trial.id))
    counts = np.bincount([r.params["n"] for r in made.trials_], minlength=10)
    assert counts[7:].max() <= 1


def test_failures_that_are_dropped_may_come_again():
    made = optimizer({"n": Integer(0, 1)}, failures="drop", n_initial=0)
    for _ in range(4):
        made.tell(made.ask(), status="failed")
    assert len(made.trials_) == 4


def test_a_space_where_everything_fails_is_searched_to_its_end():
    made = optimizer({"n": Integer(0, 30)})
    for _ in range(31):
        made.tell(made.ask(), float("nan"), status="failed")
    assert sorted(r.params["n"] for r in made.trials_) == list(range(31))
    with pytest.raises(SpaceExhaustedError):
        made.ask()
    with pytest.raises(InputError, match="trial with a value"):
        made.best_params_  # noqa: B018


def test_abandoned_trials_teach_nothing_and_do_not_come_back():
    made = optimizer({"n": Integer(0, 2)})
    for _ in range(2):
        made.tell(made.ask(), status="abandoned")
    left = {made.ask().params["n"] for _ in range(1)}
    assert left == {0, 1, 2} - {r.params["n"] for r in made.trials_ if r.status == "abandoned"}


# ---- constraints


@pytest.mark.slow
def test_constraints_are_kept():
    made = optimizer(constraints={"cost": "<= .5", "gain": ">= 0"})
    for _ in range(25):
        trial = made.ask()
        x = trial.params["x"]
        made.tell(trial, x, constraints={"cost": x, "gain": 1 + x})
    assert 0.45 < made.best_params_["x"] <= 0.5
    late = [r.params["x"] for r in made.trials_[12:]]
    assert np.mean(np.array(late) <= 0.55) > 0.7


def test_without_a_feasible_point_feasibility_is_sought():
    made = optimizer(constraints=["excess"], n_initial=4)
    for _ in range(14):
        trial = made.ask()
        made.tell(trial, 1 - trial.params["x"], constraints={"excess": 0.93 - trial.params["x"]})
    assert made.best_params_["x"] >= 0.93
    assert made.best_params_["x"] < 0.97


def test_no_recommendation_breaks_a_bound():
    made = optimizer(constraints=["c"])
    made.tell({"x": 0.5}, 1.0, constraints={"c": 1.0})
    with pytest.raises(InputError, match="keeps all constraints"):
        made.best_params_  # noqa: B018
    made.tell({"x": 0.1}, 0.0, constraints={"c": -1.0})
    assert made.best_params_ == {"x": 0.1}
    assert made.trials_[0].constraints == {"c": 1.0}


# ---- the estimator and its records


def test_it_is_an_estimator_that_clones_without_its_campaign():
    made = go(optimizer(MIXED, failures="drop"), 2, mixed)
    again = clone(made)
    assert again.get_params(deep=False) == made.get_params(deep=False)
    assert len(again.trials_) == 0
    assert "BayesianOptimizer" in repr(made)


def test_it_pickles_with_its_campaign():
    made = go(optimizer(MIXED), 9, mixed)
    again = pickle.loads(pickle.dumps(made))
    assert again.trials_ == made.trials_
    assert go(again, 2, mixed).trials_ == go(made, 2, mixed).trials_


def test_records_and_tables():
    made = go(optimizer(constraints=["c"]), 6, constraints={"c": -1.0}, y_var=1e-4)
    made.tell(made.ask(), status="failed")
    made.ask()
    trials = made.trials_
    assert [r.status for r in trials] == ["ok"] * 6 + ["failed", "pending"]
    frame = trials.to_frame()
    assert frame.shape[0] == 8
    assert set(frame.columns) == {"id", "status", "origin", "value", "params.x", "constraints.c", "y_var"}
    assert "8 trials (6 ok, 1 failed, 1 pending)" in str(trials)
    assert trials[0].trial() == Trial(id=0, params=trials[0].params)
    assert hash(trials[0].trial()) == hash(Trial(id=0, params={"x": 5}))
    found = made.diagnostics()
    assert (found.n_ok, found.n_failed, found.n_pending) == (6, 1, 1)
    assert found.n_forecasts == len(found.forecast_z) == 4  # two that differ tell the unit of what is forecast
    for result in (trials, trials[0], found):
        assert pickle.loads(pickle.dumps(result)) == result
        assert result._repr_html_()
        assert result.to_dict()


def test_a_params_dict_of_the_user_does_not_reach_the_campaign():
    made = optimizer()
    trial = made.ask()
    trial.params["x"] = 5.0
    with pytest.raises(InputError, match="never asked for"):
        made.tell(trial, 1.0)
    mine = {"x": 0.5}
    made.tell(mine, 1.0)
    mine["x"] = 7
    assert made.best_params_ == {"x": 0.5}


def test_generators_seed_a_campaign_and_move_on():
    rng = np.random.default_rng(0)
    a, b = optimizer(random_state=rng).ask(), optimizer(random_state=rng).ask()
    assert a.params != b.params
    assert optimizer(random_state=np.random.default_rng(0)).ask().params == a.params
    assert optimizer(random_state=np.random.RandomState(3)).ask().params
    assert optimizer(random_state=None).ask().params != optimizer(random_state=None).ask().params
    assert optimizer(random_state=np.int64(7)).ask() == optimizer(random_state=7).ask()


@pytest.mark.slow
def test_no_warning_and_no_error_on_wild_values():
    rng = np.random.default_rng(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scale in (1e-300, 1e-12, 1e12, 1e149):
            made = optimizer(MIXED)
            for _ in range(14):
                trial = made.ask()
                made.tell(trial, float(scale * rng.standard_cauchy()) if scale < 1e100 else float(scale * rng.random()))
            assert np.isfinite(made.best_value_)


def test_errors_are_of_one_family():
    assert issubclass(SpaceExhaustedError, UQError)
