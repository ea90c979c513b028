"""Environments and fidelities: what may be given, how trials carry them, what the log keeps of them."""

import itertools
import json
import warnings

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real
from bayes.optimization._context import check_context
from bayes.optimization._levels import Levels
from bayes.optimization._space import check_space
from uq.exceptions import InfiniteBoundWarning, InputError, UntestedAssumptionWarning

SPACE = {"x": Real(0, 1)}


def make(**settings):
    return BayesianOptimizer(SPACE, random_state=0, **settings)


# ---- laws


def test_numbers_are_in_order_one_step_apart():
    levels = Levels((512, 128, 2048))
    assert levels.levels()[:, 0].tolist() == [0.5, 0.0, 1.0]
    assert [levels.decode(levels.encode(v)) for v in levels.values] == [512, 128, 2048]
    assert [levels.index(v) for v in levels.values] == [0, 1, 2]
    assert levels.snap(np.array([[0.2], [0.3], [0.9]]))[:, 0].tolist() == [0.0, 0.5, 1.0]
    assert levels.place(np.array([0.0, 0.34, 0.99]))[:, 0].tolist() == [0.5, 0.0, 1.0]
    assert levels.check(np.int64(128), "o", "w") == 128
    for value in (3, "128", True, None, np.nan):
        with pytest.raises(InputError, match="must be one of"):
            levels.check(value, "o", "w")


@pytest.mark.parametrize(
    ("law", "places", "weights"),
    [
        (([1, 2], [1, 3]), [[0], [1]], [0.25, 0.75]),
        ([1, 2, 4], [[0], [0.5], [1]], [1 / 3] * 3),
        (np.array([5.0, 7.0]), [[0], [1]], [0.5, 0.5]),
        (Integer(3, 5), [[0], [0.5], [1]], [1 / 3] * 3),
        ((Integer(3, 5), [1, 0, 1]), [[0], [0.5], [1]], [0.5, 0, 0.5]),
        (["a", "b"], [[0.5**0.5, 0], [0, 0.5**0.5]], [0.5, 0.5]),
        ((Categorical(["a", "b"]), (1e-300, 3e-300)), [[0.5**0.5, 0], [0, 0.5**0.5]], [0.25, 0.75]),
        ([True, False], [[0.5**0.5, 0], [0, 0.5**0.5]], [0.5, 0.5]),
    ],
    ids=range(8),
)
def test_laws_are_places_with_weights(law, places, weights):
    context = check_context(check_space(SPACE, "o"), {"w": law}, None, "o")
    found = context.nodes(exact=False)
    assert np.allclose(found[0], places)
    assert np.allclose(found[1], weights)


def test_several_environments_are_independent():
    law = {"a": ([0, 1], [1, 3]), "b": ["x", "y", "z"], "c": Real(0, 1)}
    context = check_context(check_space(SPACE, "o"), law, (Integer(1, 3), 2), "o")
    rows, weights, left_out = context.nodes(exact=False)
    assert rows.shape == (2 * 3 * 16, 1 + 3 + 1 + 1)
    assert weights.sum() == pytest.approx(1)
    assert (rows[:, -1] == 0.5).all()
    assert weights[rows[:, 0] == 1].sum() == pytest.approx(0.75)
    assert weights @ rows[:, 4] ** 2 == pytest.approx(1 / 3)
    exact, _, left_out = context.nodes(exact=True)
    assert len(exact) == 6
    assert left_out.tolist() == [4]


REFUSED = {
    "no dict": ({"environment": [1, 2]}, "environment must be a dict"),
    "empty": ({"environment": {}}, "environment must be a dict"),
    "text": ({"environment": {"w": "abc"}}, "environment must be a dict"),
    "nothing": ({"environment": {"w": []}}, "1 to 500 values"),
    "no array": ({"environment": {"w": np.array([])}}, "1 to 500 values"),
    "one number": ({"environment": {"w": np.array(3.0)}}, "environment must be a dict"),
    "matrix": ({"environment": {"w": np.eye(2)}}, "environment must be a dict"),
    "weights as JSON has them": ({"environment": {"w": [[128, 512], [0.7, 0.3]]}}, "environment must be a dict"),
    "weights left out": ({"environment": {"w": ([128, 512],)}}, "environment must be a dict"),
    "set": ({"environment": {"w": ({"b", "a"}, [1, 2])}}, "environment must be a dict"),
    "name": ({"environment": {1: [1, 2]}}, "names in environment"),
    "same name": ({"environment": {"x": [1, 2]}}, "differ from those in space"),
    "twice": ({"environment": {"w": [1, 1.0]}}, "differ from each other"),
    "nan": ({"environment": {"w": [1, np.nan]}}, "finite numbers"),
    "weights": ({"environment": {"w": ([1, 2], [1])}}, "weights of environment"),
    "negative": ({"environment": {"w": ([1, 2], [1, -1])}}, "weights of environment"),
    "zeros": ({"environment": {"w": ([1, 2], [0, 0])}}, "weights of environment"),
    "infinite": ({"environment": {"w": ([1, 2], [1, np.inf])}}, "weights of environment"),
    "words": ({"environment": {"w": ([1, 2], ["a", "b"])}}, "weights of environment"),
    "weighted interval": ({"environment": {"w": (Real(0, 1), [1])}}, "uniform"),
    "endless": ({"environment": {"w": Integer(1, 10**6)}}, "at most 500"),
    "endless list": ({"environment": {"w": range(10**9)}}, "1 to 500 values"),
    "many": ({"environment": {"w": range(30), "v": range(30)}}, "at most 500 combinations"),
    "fidelity": ({"fidelity": 3}, "fidelity must be a pair"),
    "fidelity of numbers": ({"fidelity": (1, 81)}, "fidelity must be a pair"),
    "target": ({"fidelity": (Integer(1, 81), 82)}, r"fidelity\[1\]"),
    "no target": ({"fidelity": (Categorical(["a", None]), None)}, "None"),
    "cost": ({"cost": 3}, "cost must be"),
    "cost of params": ({"environment": {"w": [1, 2]}, "cost": lambda params: 1.0}, r"cost\(params, environment=...\)"),
    "cost of nothing": ({"cost": lambda: 1.0}, "cost must take"),
    "cost word": ({"cost": "known"}, "cost must be"),
    "improvement": ({"fidelity": (Integer(1, 2), 2), "acquisition": "expected_improvement"}, "acquisition must be"),
    "function": ({"environment": {"w": [1, 2]}, "acquisition": lambda gp, X, **more: X[:, 0]}, "acquisition must be"),
    "constraints": ({"environment": {"w": [1, 2]}, "constraints": ["c"]}, "constraints must be left out"),
    "no gain": ({"cost": "learned", "acquisition": "thompson_sample"}, "gain"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_at_once(name):
    settings, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        make(**settings).ask()


def test_a_parameter_may_not_have_the_name_of_the_fidelity():
    with pytest.raises(InputError, match="name 'fidelity'"):
        BayesianOptimizer({"fidelity": Real(0, 1)}, fidelity=(Integer(1, 2), 2)).ask()
    BayesianOptimizer({"fidelity": Real(0, 1)}).ask()


# ---- trials


def test_trials_say_where_and_with_what():
    made = make(environment={"w": ([1, 2], [1, 1]), "task": ["a", "b"]}, fidelity=(Integer(1, 3), 3))
    trial = made.ask()
    assert set(trial.environment) == {"w", "task"}
    assert trial.fidelity in (1, 2, 3)
    made.tell(trial, 1.0)
    made.tell({"x": 0.5}, 2.0, environment={"w": 2, "task": "b"}, fidelity=1)
    made.tell({"x": 0.5}, 2.0, environment={"w": np.int64(2), "task": "b"})
    assert [r.fidelity for r in made.trials_[1:]] == [1, 3]
    table = made.trials_._table()
    assert table["environment.w"][1:] == [2, 2]
    assert table["fidelity"][1:] == [1, 3]
    with pytest.raises(InputError, match="environment must be a dict"):
        made.tell({"x": 0.5}, 2.0)
    with pytest.raises(InputError, match="environment"):
        made.tell({"x": 0.5}, 2.0, environment={"w": 3, "task": "b"})
    with pytest.raises(InputError, match="fidelity"):
        made.tell({"x": 0.5}, 2.0, environment={"w": 1, "task": "b"}, fidelity=4)
    with pytest.raises(InputError, match="left out with a trial"):
        made.tell(made.ask(), 2.0, fidelity=3)
    assert len(made.trials_) == 4


def test_a_plain_campaign_has_neither():
    made = make()
    for more in ({"environment": {"w": 1}}, {"fidelity": 1}, {"cost": 1.0}):
        with pytest.raises(InputError, match="left out"):
            made.tell({"x": 0.5}, 1.0, **more)
    trial = made.ask()
    assert trial.environment is None
    assert trial.fidelity is None
    assert not {"cost", "fidelity"} & set(made.trials_._table())


def test_what_is_done_to_a_trial_is_not_done_to_the_campaign():
    made = make(environment={"w": [1, 2]})
    trial = made.ask()
    before = made.trials_[0]
    trial.environment["w"] = 77
    trial.params.clear()
    assert made.trials_[0] == before
    made.tell(made.pending_[0], 1.0)
    with pytest.raises(InputError, match="must be one of this campaign"):
        made.tell(trial, 1.0)


def test_a_trial_with_another_environment_is_another_trial():
    from bayes import Trial

    made = make(environment={"w": [1, 2]})
    trial = made.ask()
    other = Trial(id=0, params=trial.params, environment={"w": 3 - trial.environment["w"]})
    with pytest.raises(InputError, match="must be one of this campaign"):
        made.tell(other, 1.0)


def test_every_cell_of_a_finite_campaign_is_tried_once_without_noise():
    from uq.exceptions import SpaceExhaustedError

    made = BayesianOptimizer(
        {"n": Integer(1, 3)}, environment={"w": ["a", "b"]}, surrogate=GaussianProcess(noise_variance=0), random_state=0
    )
    for _ in range(6):
        trial = made.ask()
        made.tell(trial, trial.params["n"] * (1 if trial.environment["w"] == "a" else -1.5))
    assert len({(r.params["n"], r.environment["w"]) for r in made.trials_}) == 6
    with pytest.raises(SpaceExhaustedError, match="none of the 6"):
        made.ask()
    assert made.best_params_ == {"n": 1}
    assert made.best_value_ == pytest.approx(-0.25, abs=1e-3)


def test_several_at_a_time_differ():
    made = make(environment={"w": Real(0, 1)}, n_initial=4)
    for _ in range(6):
        trial = made.ask()
        made.tell(trial, -((trial.params["x"] - trial.environment["w"]) ** 2))
    points = [(t.params["x"], t.environment["w"]) for t in made.ask_many(4)]
    gaps = [max(abs(a - c), abs(b - d)) for i, (a, b) in enumerate(points) for c, d in points[:i]]
    assert min(gaps) > 1e-3


def test_run_passes_environment_and_fidelity_by_name():
    from concurrent.futures import ThreadPoolExecutor

    seen = []

    def f(params, environment, fidelity):
        seen.append((environment["w"], fidelity))
        return {"value": params["x"] * environment["w"], "cost": float(fidelity)}

    made = make(environment={"w": [1, 2]}, fidelity=(Integer(1, 2), 2), cost="learned")
    made.run(f, 3)
    with ThreadPoolExecutor(2) as executor:
        made.run(f, 2, executor)
    assert sorted(seen) == sorted((r.environment["w"], r.fidelity) for r in made.trials_)
    assert [r.cost for r in made.trials_] == [r.fidelity for r in made.trials_]


# ---- crashes, results


def test_where_trials_failed_only_what_gave_a_value_is_recommended():
    made = make(environment={"w": ([0, 1], [1, 2])}, n_initial=4)
    for _ in range(14):
        trial = made.ask()
        if trial.params["x"] > 0.6:
            made.tell(trial, status="failed")
        else:
            made.tell(trial, trial.params["x"] * (1 + trial.environment["w"]))
    values = {r.params["x"] for r in made.trials_ if r.status == "ok"}
    assert made.best_params_["x"] in values
    assert made.best_params_["x"] > 0.45


def test_the_interval_is_that_of_the_average():
    made = make(environment={"w": ([0, 1], [0.25, 0.75])}, direction="minimize")
    rng = np.random.default_rng(0)
    for x in np.linspace(0, 1, 12):
        for w in (0, 1):
            made.tell({"x": float(x)}, (x - 0.5) ** 2 + 4 * w + 0.05 * rng.normal(), environment={"w": w})
    with pytest.warns(UntestedAssumptionWarning, match="which have 100 % of the weight"):
        interval = made.best_interval()
    assert interval.guarantee == "none"
    assert made.best_value_ == pytest.approx(3.0, abs=0.1)
    gp = made._models(made._campaign).objective
    rows = np.array([[made.best_params_["x"], w] for w in (0.0, 1.0)])
    weights, post = np.array([0.25, 0.75]), gp.posteriors_[0]
    std = gp.scale_ * np.sqrt(weights @ post.cov(rows, rows) @ weights)
    factor = gp.predict_interval(rows[:1]).width[0] / gp.predict_interval(rows[:1], 0.9, method="model").width[0]
    assert interval.width == pytest.approx(2 * 1.6448536269514722 * factor * std, rel=1e-6)
    assert (interval.lower + interval.upper) / 2 == pytest.approx(made.best_value_)
    with pytest.warns(InfiniteBoundWarning), pytest.warns(UntestedAssumptionWarning):
        assert made.best_interval(0.99).width == np.inf


def test_the_interval_names_where_the_recommendation_was_never_measured():
    laws = {"w": ([0, 1, 2], [0.6, 0.4, 0.0]), "k": ["a", "b"]}
    made = BayesianOptimizer({"x": Categorical([1, 2, 3])}, environment=laws, random_state=0, n_initial=4)
    rng = np.random.default_rng(0)
    for x, w, k in itertools.product([1, 2, 3], [0, 1], "ab"):
        if (x, w) != (3, 1):
            made.tell({"x": x}, x + 0.01 * rng.normal(), environment={"w": w, "k": k})
    assert made.best_params_ == {"x": 3}
    with pytest.warns(
        UntestedAssumptionWarning, match=r"\{'w': 1, 'k': 'a'\}, \{'w': 1, 'k': 'b'\}, which have 40 % of"
    ):
        made.best_interval(0.5)
    made.tell({"x": 3}, 3.0, environment={"w": 1, "k": "a"})
    with pytest.warns(UntestedAssumptionWarning, match="environments {'w': 1, 'k': 'b'}, which have 20 % of"):
        made.best_interval(0.5)
    made.tell({"x": 3}, 3.0, environment={"w": 1, "k": "b"})  # nothing weighs w = 2
    assert made.best_interval(0.5).contains(made.best_value_)


@pytest.mark.parametrize(
    ("settings", "told", "words"),
    [
        ({"environment": {"w": Real(0, 1)}}, {"environment": {"w": 0.5}}, "not measured at all"),
        ({"fidelity": (Integer(1, 2), 2)}, {"fidelity": 1}, "not measured at fidelity=2"),
    ],
)
def test_the_interval_says_where_nothing_at_the_recommendation_counts(settings, told, words):
    made = make(n_initial=4, **settings)
    for x in (0.1, 0.2, 0.4, 0.6, 0.8, 0.9):
        made.tell({"x": x}, -((x - 0.55) ** 2), **told)
    with pytest.warns(UntestedAssumptionWarning, match=words):
        made.best_interval(0.5)


def test_pictures_are_of_the_average():
    from contracts import require

    require("matplotlib")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    made = make(environment={"w": ([0, 1], [0.5, 0.5])}, fidelity=(Integer(1, 2), 2))
    for _ in range(9):
        trial = made.ask()
        made.tell(trial, trial.params["x"] + trial.environment["w"] - trial.fidelity)
    drawn = made.plot("slice").lines[0]
    x = drawn.get_xdata()[57]
    gp = made._models(made._campaign).objective
    rows = [[x, 0, 1], [x, 1, 1]]
    assert drawn.get_ydata()[57] == pytest.approx(gp.predict(np.array(rows)).mean())
    best, *_ = (line for line in made.plot().lines if line.get_label().startswith("best"))
    counting = [r for r in made.trials_ if r.fidelity == 2]
    assert len(best.get_xdata()) == len(counting)
    plt.close("all")
    assert made.diagnostics().names == ("x", "w", "fidelity")


# ---- logs


def value(trial):
    x, w = trial.params["x"], (trial.environment or {}).get("w", 0.3)
    return -((x - w) ** 2) - 0.1 * (trial.fidelity == 1)


MODES = {
    "values": {"environment": {"w": ([0.1, 0.3, 0.7], [0.1, 0.2, 0.7])}},
    "interval": {"environment": {"w": Real(0, 1), "k": ["a", ("b", 2)]}, "surrogate": GaussianProcess("gaussian")},
    "fidelity": {"fidelity": (Integer(1, 2), 2), "cost": lambda params, fidelity: fidelity},
    "learned": {"cost": "learned"},
    "all": {"environment": {"w": [0.1, 0.7]}, "fidelity": (Real(1, 2), 2.0), "cost": "learned"},
    "function": {"cost": lambda params: 1 + params["x"]},
}


@pytest.mark.parametrize("name", MODES)
@pytest.mark.slow
def test_suggestions_after_a_resume_are_bit_for_bit_the_same(tmp_path, name):
    settings, path = {"random_state": 1, "n_initial": 4, **MODES[name]}, tmp_path / "a.jsonl"
    whole, broken = BayesianOptimizer(SPACE, **settings), BayesianOptimizer(SPACE, storage=path, **settings)
    for _ in range(4):
        for made in (whole, broken):
            for trial in reversed(made.ask_many(2)):
                told = {"cost": 1 + trial.params["x"]} if settings.get("cost") == "learned" else {}
                if trial.params["x"] > 0.9:
                    made.tell(trial, status="failed", **told)
                else:
                    made.tell(trial, value(trial), **told)
        broken.close()
        cost = settings.get("cost")
        broken = BayesianOptimizer.resume(path, **({"cost": cost} if callable(cost) else {}))
    assert broken.trials_ == whole.trials_
    assert broken.best_params_ == whole.best_params_
    assert broken.best_value_ == whole.best_value_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntestedAssumptionWarning)
        assert broken.best_interval(0.5) == whole.best_interval(0.5)
    with open(path) as file:
        events = [json.loads(line) for line in file]
    assert all(("environment" in e) == ("environment" in settings) for e in events[1:] if e["event"] == "ask")


def test_a_function_of_costs_must_be_given_again(tmp_path):
    made = make(cost=lambda params: 1.0, storage=tmp_path / "a.jsonl")
    made.ask()
    made.close()
    with pytest.raises(InputError, match="cost must be given again"):
        BayesianOptimizer.resume(tmp_path / "a.jsonl")
    BayesianOptimizer.resume(tmp_path / "a.jsonl", cost=lambda params: 1.0).close()
    learned = make(cost="learned", storage=tmp_path / "b.jsonl")
    learned.ask()
    learned.close()
    with pytest.raises(InputError, match="cost must be left out"):
        BayesianOptimizer.resume(tmp_path / "b.jsonl", cost=lambda params: 1.0)
