"""How campaigns are driven: spaces, settings, trials and what is told of them."""

import warnings

import numpy as np
from hypothesis import strategies as st
from strategies import HOSTILE_LEVELS, HOSTILE_NUMBERS, HOSTILE_WORDS, INF, NAN, Target, arguments, methods, mostly

from bayes import Categorical, GaussianProcess, Integer, Real
from uq.exceptions import InfiniteBoundWarning, UQError

SPACES = [
    {"x": Real(0, 1)},
    {"x": Real(-1e140, 1e140), "y": Real(0, 5e-300)},
    {"x": Real(1e-300, 1e140, log=True)},
    {"n": Integer(0, 3)},
    {"n": Integer(1, 2**53, log=True), "m": Integer(-(2**53), 2**53)},
    {"k": Categorical(["a"])},
    {"x": Real(1, 1 + 1e-12), "n": Integer(7, 7), "k": Categorical([None, "b", 2.5, (1, "c")]), "ä b": Integer(-2, 2)},
]
DIMENSIONS = mostly(st.sampled_from([0, 1, -5, 3, 1e-9, 1e140, 10]), HOSTILE_NUMBERS)
CHOICES = mostly(
    st.sampled_from([["a", "b"], [None], (1, 2.5, "x"), [(1, 2), (3,)], np.array([1, 2]), {"a", "b"}, range(5)]),
    st.sampled_from([[], "abc", None, 5, [NAN], [INF], [1, True], [[]], [object()], [{"x": 1}], ["\udcff"], [1j]]),
)
VALUES = mostly(
    st.sampled_from([0, 1.5, -2, True, 1e149, -1e149, 1e-300, 5e-324, np.float32(0.5), np.array(2.0)]), HOSTILE_NUMBERS
)
STATUSES = mostly(st.sampled_from(["ok", "ok", "ok", "failed", "abandoned"]), HOSTILE_WORDS)
TOLD = st.lists(
    arguments(
        {"value": VALUES},
        {
            "status": STATUSES,
            "cost": mostly(st.sampled_from([None, 1.0, 2, 1e-150, 1e150]), HOSTILE_NUMBERS),
            "y_var": mostly(st.sampled_from([None, 0, 0.1, 1e149, 1e-300]), HOSTILE_NUMBERS),
            "constraints": mostly(
                st.sampled_from([None, {"c": -1.0}, {"c": 1e149}]), HOSTILE_WORDS | st.just({"c": NAN})
            ),
        },
    ),
    min_size=3,
    max_size=7,
)


ENVIRONMENTS = mostly(
    st.sampled_from(
        [
            None,
            {"w": ([1, 2, 5], [0.5, 0, 1e-9])},
            {"w": Real(0, 1)},
            {"w": Real(0, 1e-140), "task": Categorical([None, (1, "c")]), "m": Integer(1, 3)},
            {"w": [1e150, -1e150]},
            {"w": (Categorical(["a"]), [1e150])},
        ]
    ),
    HOSTILE_WORDS
    | st.sampled_from(
        [{}, {"w": 1}, {1: [1]}, {"w": []}, {"w": [NAN]}, {"w": ([1, 2], [NAN, 1])}, {"w": ([1, 2], "ab")}, {"x": [1]},
         {"w": {1: 2}}, {"w": [1, 1]}, {"w": ([1], [INF])}, {"w": Integer(0, 10**6)}, {"w": np.zeros((2, 2))}]
    ),
)  # fmt: skip
FIDELITIES = mostly(
    st.sampled_from(
        [None, (Integer(1, 81, log=True), 81), (Real(0, 1), 0.5), (Categorical(["cheap", "true"]), "true"),
         (Categorical([1]), 1)]
    ),
    HOSTILE_WORDS | st.sampled_from([(1, 81), (Integer(1, 2), 3), (Real(0, 1), NAN), (Real(0, 1),), (Real, 1)]),
)  # fmt: skip
COSTS = mostly(
    st.sampled_from([None, "learned", "function"]),
    HOSTILE_WORDS | st.sampled_from([lambda params, **more: NAN, lambda params, **more: "1", 3.0, float]),
)


def _price(params, environment=None, fidelity=None):
    return 1.0 + len(str(sorted(params.items()))) + 100 * (fidelity is not None)


def _campaign(function, told, params=None, level=0.5, n=2, kind="progress", **parameters):
    """Ask and tell, whatever comes; a refusal changes nothing, and the campaign can be asked again."""
    if isinstance(parameters.get("cost"), str) and parameters["cost"] == "function":
        parameters["cost"] = _price
    made, refused = function(**parameters), None
    for result in told:
        try:
            trial = made.ask()
        except UQError as error:
            if not made.__dict__.get("_campaign"):
                raise
            refused = error
            break
        try:
            made.tell(trial, **result)
        except UQError as error:
            refused = error
            assert trial in made.pending_
    if params is not None:
        before = len(made.trials_)
        try:
            made.tell(params, 1.0, constraints={"c": -1.0} if parameters.get("constraints") else None)
        except UQError as error:
            refused = error
            assert len(made.trials_) == before
    answers = [made.trials_, *made.trials_]
    for look in (
        lambda: made.best_value_,
        lambda: made.best_interval(level),
        made.diagnostics,
        lambda: len(made.ask_many(n)),
        lambda: made.run(lambda params: 1 / 0, n).trials_,
    ):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InfiniteBoundWarning)
                warnings.filterwarnings("ignore", message="BayesianOptimizer.run")
                answers.append(look())
        except UQError as error:
            refused = error
    rows = made._campaign.points(range(len(made.trials_)))
    assert ((rows >= 0) & (rows <= 1)).all()
    assert all(record.params == made._campaign.settings.space.check(record.params, "o") for record in made.trials_)
    if refused is not None and len(answers) < 3:
        raise refused
    return answers


TARGETS = {
    "bayes.BayesianOptimizer": Target(
        arguments(
            {"space": mostly(st.sampled_from(SPACES), HOSTILE_WORDS | st.sampled_from([{}, {"x": 1}, {1: Real(0, 1)}])),
             "told": TOLD},
            {
                "acquisition": methods(
                    "auto", "expected_improvement", "knowledge_gradient", "max_value_entropy_search",
                    "upper_confidence_bound", "thompson_sample",
                ),
                "direction": methods("maximize", "minimize"),
                "surrogate": mostly(
                    st.sampled_from(
                        [None, GaussianProcess(noise_variance=0), GaussianProcess("gaussian", hyperparameters="fixed")]
                    ),
                    HOSTILE_NUMBERS | st.sampled_from([GaussianProcess, GaussianProcess(kernel="x")]),
                ),
                "constraints": mostly(
                    st.sampled_from([None, ["c"], {"c": "<= 0"}, {"c": ">= -1e3"}]),
                    HOSTILE_WORDS | st.sampled_from([{"c": "0"}, {"c": "<= nan"}, [1], {1: "<= 1"}]),
                ),
                "environment": ENVIRONMENTS,
                "fidelity": FIDELITIES,
                "cost": COSTS,
                "failures": methods("classifier", "drop", "abandon"),
                "n_initial": mostly(st.sampled_from(["auto", 0, 2]), HOSTILE_NUMBERS),
                "random_state": mostly(st.sampled_from([0, 7, 2**70]), HOSTILE_NUMBERS),
                "params": mostly(
                    st.sampled_from([None, {"x": 0.5}, {"n": 2}, {"k": "a"}, {"x": 1}]),
                    HOSTILE_WORDS | st.sampled_from([{}, {"x": NAN}, {"n": 1.5}, {"k": []}, {"x": "0", "y": None}]),
                ),
                "level": mostly(st.sampled_from([0.5, 0.9, 1e-12, 1 - 1e-12]), HOSTILE_LEVELS),
                "n": mostly(st.just(2), HOSTILE_NUMBERS),
            },
        ),
        _campaign,
    ),
    "bayes.Real": Target(
        arguments({"low": DIMENSIONS, "high": DIMENSIONS}, {"log": mostly(st.booleans(), HOSTILE_NUMBERS)}),
        lambda function, **given: _ends(function(**given)),
    ),
    "bayes.Integer": Target(
        arguments({"low": DIMENSIONS, "high": DIMENSIONS}, {"log": mostly(st.booleans(), HOSTILE_NUMBERS)}),
        lambda function, **given: _ends(function(**given)),
    ),
    "bayes.Categorical": Target(
        arguments({"choices": CHOICES}), lambda function, **given: [len(repr(c)) for c in function(**given).choices]
    ),
}  # fmt: skip
NOT_DRIVEN = {"bayes.Trial": "what BayesianOptimizer.ask returns; any other is driven as an argument of tell"}


def _ends(dimension):
    for u in (0.0, 0.3, 1.0):
        value = dimension.decode(np.array([u]))
        assert dimension.low <= value <= dimension.high
        assert 0 <= dimension.encode(value)[0] <= 1
    return dimension.low, dimension.high
