"""How verifiers, costs, best-of-n, importance weights, reward quantiles and budgets of `uq.sampling` are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    INF,
    LEVELS,
    NAN,
    RESAMPLING,
    Target,
    arguments,
    column,
    groups,
    hostile_arrays,
    labels,
    methods,
    mostly,
    per_size,
    scores,
)

LEVEL = mostly(LEVELS, HOSTILE_LEVELS)
PRICE = mostly(st.sampled_from([0, 0.01, 1, 2.5, 1e-300, 1e100, np.float32(0.5)]), HOSTILE_NUMBERS)
ATTEMPTS = mostly(st.sampled_from([1, 2, 17, 100, 3000]), HOSTILE_NUMBERS | st.just(10**9))
SHARES = ("binary", "ones", "zeros", "unit", "one off", "ties")


def _shares(n):
    return mostly(scores(n, kinds=SHARES), hostile_arrays(n) | st.just(np.full(n, 1e-300)))


def _share(n):
    one = st.sampled_from([0, 1, 0.5, 1e-300, 1 - 1e-16])
    return mostly(one | scores(n, kinds=SHARES), HOSTILE_NUMBERS | hostile_arrays(n))


def _prices(n):
    return mostly(
        st.sampled_from([0.1, 1, 3.0]) | scores(n, kinds=("ones", "unit")), HOSTILE_NUMBERS | hostile_arrays(n)
    )


def _ask_curves(function, **given):
    answer = function(**given)
    curves = [answer.value, answer.accuracy, answer.conditional_accuracy]
    for curve in curves[1:]:
        assert curve is None or ((curve.y >= 0) & (curve.y <= 1)).all()
    assert answer.best_value >= answer.value.y.max() - 1e-9 * max(1, np.abs(answer.value.y).max())
    assert 0 <= answer.ceiling <= 1
    return [answer, *filter(None, curves)]


def _counts(n):
    @st.composite
    def draw(pick):
        rng = np.random.default_rng(pick(st.integers(0, 1000)))
        trials = rng.integers(1, 9, n) if pick(st.booleans()) else np.full(n, 6)
        accepted = rng.binomial(trials, pick(st.sampled_from([0, 0.5, 1])))
        correct = rng.binomial(accepted, pick(st.sampled_from([0, 0.7, 1])))
        named = {"n_accepted_correct": correct, "n_accepted": accepted, "n_trials": trials}
        name = pick(st.sampled_from([*named, *["none"] * 6]))
        if name in named:
            named[name] = pick(hostile_arrays(n))
        return named

    options = arguments(
        {},
        {
            "penalty": PRICE,
            "cost": PRICE,
            "max_attempts": mostly(st.sampled_from([1, 2, None]), HOSTILE_NUMBERS),
            "groups": groups(n),
            "confidence_level": LEVEL,
            **RESAMPLING,
        },
    )
    return st.tuples(draw(), options).map(lambda both: both[0] | both[1])


def _costs(n):
    return mostly(scores(n, 3, kinds=("unit", "ones", "zeros", "ties")), hostile_arrays(n, 3))


def _successes(n):
    return mostly(scores(n, 3, kinds=("binary", "ones", "zeros")), hostile_arrays(n, 3))


def _unequal(n):
    """Return costs and successes of items with one to three runs, NaN where none was made."""
    absent = np.arange(3) >= (1 + np.arange(n) % 3)[:, None]
    return {"costs": np.where(absent, NAN, 0.5), "successes": np.where(absent, NAN, 1.0)}


def _models(make):
    def draw(n):
        return mostly(
            st.fixed_dictionaries({"one": make(n), "two": make(n)}),
            st.sampled_from([{}, {"one": [[1.0]]}, None, "ab", np.ones(3), np.ones((2, 0, 1)), np.ones((1, n, 1))]),
        )

    return draw


BASELINE = mostly(st.sampled_from([0, 1, 5.0, 1e100]), HOSTILE_NUMBERS)


def _ask_cost(function, **given):
    answer = function(**given)
    if isinstance(answer, np.ndarray):
        assert not np.isnan(answer).any()
        return 0.0
    return answer


def _ask_best(function, **given):
    answer = function(**given)
    assert np.all(np.asarray(answer.kl) <= answer.kl_bound)
    assert np.all(np.asarray(answer.win_rate) <= 1)
    return [answer, answer.conf_int(), *np.atleast_1d(answer.expected_max), *np.atleast_1d(answer.std_error)]


def _ask_importance(function, **given):
    answer = function(**given)
    values = [answer.kl_target, answer.kl_proposal, answer.chi_square, answer.total_variation, answer.khat]
    assert 1 <= answer.ess <= answer.n
    return [answer, answer.log_z, *values]


def _fit_rewards(function, fit, rewards, strata):
    calibration = function().fit(**fit)
    values = calibration.transform(rewards, strata=strata)
    assert ((values >= 0) & (values <= 1)).all()
    return [*values]


def _ask_transform(function, quantiles, **given):
    answer = function(**given)
    values = answer.transform(quantiles)
    return [answer, answer.win_rate, answer.kl, answer.loss, *np.atleast_1d(values).reshape(-1)]


def _ask_allocation(function, **given):
    answer = function(**given)
    assert answer.spent <= answer.budget * (1 + 1e-9) + 1e-9 * answer.cost.min()
    assert answer.expected_solved <= answer.bound + 1e-9
    return [answer, answer.expected_solved, answer.bound, answer.spent]


def _ask_rule(function, **given):
    answer = function(**given)
    names = ("max_attempts", "success_probability", "expected_attempts", "expected_value")
    values = [np.atleast_1d(getattr(answer, name)) for name in names]
    assert ((values[1] >= 0) & (values[1] <= 1)).all()
    assert (values[2] <= values[0]).all()
    return [answer, *np.concatenate(values)]


PRIOR = mostly(st.sampled_from([1e-12, 0.3, 1, 2.5, 1e8, [0.5, 3.0, 1e-3]]), HOSTILE_NUMBERS)
WORTH = mostly(st.sampled_from([0, 0.05, 1, 1e45, 1e-45, [0.1, 2.0, 0.0]]), HOSTILE_NUMBERS)
SIZES = mostly(st.sampled_from([1, 2, [1, 2], np.array([1, 3])]), HOSTILE_NUMBERS | st.just([[1.0], [1.0, 2.0]]))

TARGETS = {
    "uq.sampling.verified_sampling": Target(
        per_size(
            lambda n: arguments(
                {"rates": _shares(n), "completeness": _share(n), "soundness": _share(n), "max_attempts": ATTEMPTS},
                {"sample_weight": mostly(st.none() | scores(n, kinds=SHARES), hostile_arrays(n)), "penalty": PRICE}
                | {"cost": PRICE},
            )
        ),
        _ask_curves,
    ),
    "uq.sampling.verified_sampling_from_counts": Target(per_size(_counts), _ask_curves),
    "uq.sampling.cost_of_pass": Target(
        per_size(
            lambda n: st.one_of(
                arguments(
                    {"costs": _costs(n), "successes": _successes(n)},
                    {"average": mostly(st.sampled_from(["items", None]), HOSTILE_WORDS), **RESAMPLING},
                ),
                arguments({}, RESAMPLING).map(lambda options: _unequal(n) | options),
            )
        ),
        _ask_cost,
    ),
    "uq.sampling.frontier_cost_of_pass": Target(
        per_size(
            lambda n: arguments(
                {"costs": _models(_costs)(n), "successes": _models(_successes)(n)},
                {
                    "baseline": mostly(BASELINE, st.none() | column(n)),
                    "selection": methods("plug-in", "crossfit"),
                    "average": mostly(st.sampled_from(["items", None]), HOSTILE_WORDS),
                    **RESAMPLING,
                },
            )
        ),
        _ask_cost,
    ),
    "uq.sampling.essentialness": Target(
        per_size(
            lambda n: arguments(
                {"costs": _models(_costs)(n), "successes": _models(_successes)(n), "baseline": BASELINE},
                {
                    "families": mostly(
                        st.sampled_from([None, {"one": "a", "two": "a"}, {"one": "a", "two": "b"}]),
                        st.sampled_from([{}, ["a", "b"], "ab", {"one": "a"}, {"one": 1, "two": None, "three": 3}]),
                    ),
                    **RESAMPLING,
                },
            )
        ),
    ),
    "uq.sampling.best_of_n": Target(
        per_size(
            lambda n: st.one_of(
                arguments(
                    {"rewards": column(n), "n": SIZES},
                    {"y": mostly(st.none() | scores(n), hostile_arrays(n)), "sample_weight": _shares(n)},
                ),
                arguments({"rewards": mostly(scores(3, n), hostile_arrays(3, n)), "n": SIZES}),
            )
        ),
        _ask_best,
    ),
    "uq.sampling.importance_summary": Target(
        per_size(
            lambda n: arguments(
                {"log_weights": mostly(column(n), st.just(np.where(np.arange(n) % 2, -INF, 0.0)))},
                {"log_reference": mostly(st.none() | scores(n), hostile_arrays(n))},
            )
        ),
        _ask_importance,
    ),
    "uq.sampling.RewardCalibration": Target(
        per_size(
            lambda n: arguments(
                {
                    "fit": arguments({"rewards": column(n)}, {"strata": mostly(labels(n), groups(n))}),
                    "rewards": column(n),
                    "strata": mostly(st.none() | labels(n), hostile_arrays(n)),
                }
            )
        ),
        _fit_rewards,
    ),
    "uq.sampling.inference_time_transform": Target(
        arguments(
            {
                "n": mostly(st.sampled_from([1, 2, 4, 30, 1000]), HOSTILE_NUMBERS),
                "beta": mostly(st.sampled_from([1e-3, 0.2, 1, 1e3]), HOSTILE_NUMBERS),
                "quantiles": mostly(
                    st.sampled_from([0, 1, 0.5, [0.1, 0.9], np.zeros((2, 2)), []]), hostile_arrays(3) | st.just(NAN)
                ),
            },
            {"selection": methods("best", "worst")},
        ),
        _ask_transform,
    ),
    "uq.sampling.allocate_samples": Target(
        per_size(
            lambda n: arguments(
                {
                    "rates": _shares(n),
                    "budget": mostly(st.sampled_from([0, 1, 7, 100.5, 1e6, 1e12]), HOSTILE_NUMBERS),
                },
                {"cost": _prices(n), "method": methods("auto", "greedy", "exact")},
            )
        ),
        _ask_allocation,
    ),
    "uq.sampling.stopping_rule": Target(arguments({"a": PRIOR, "b": PRIOR, "value": WORTH, "cost": WORTH}), _ask_rule),
}
NOT_DRIVEN = {
    "uq.sampling.Allocation": "a record that allocate_samples returns, which is driven",
    "uq.sampling.BestOfN": "a record that best_of_n returns, which is driven",
    "uq.sampling.ImportanceSummary": "a record that importance_summary returns, which is driven",
    "uq.sampling.InferenceTimeTransform": "a record that inference_time_transform returns, which is driven",
    "uq.sampling.StoppingRule": "a record that stopping_rule returns, which is driven",
    "uq.sampling.VerifiedSampling": "a record that verified_sampling returns, which is driven",
}
