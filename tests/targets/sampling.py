"""How pass@k, pass^k, the majority and the coverage curve are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    RESAMPLES,
    SEEDS,
    Target,
    arguments,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
)

HUGE = 2**52


def _good_counts(n):
    rng = np.random.default_rng(n)
    trials = np.resize([1, 3, 20, 500], n)
    return [
        (np.zeros(n, int), np.full(n, 5)),
        (np.full(n, 5), np.full(n, 5)),
        (rng.integers(0, 6, n).tolist(), 5),
        (rng.integers(0, 6, n).astype(np.float32), np.full(n, 5, dtype=object)),
        (rng.integers(0, trials + 1), trials),
        (np.ones(n), rng.integers(1, 50, n)),  # stopped at the first success
        (np.full(n, HUGE - 1), HUGE),
        (np.full(n, 3), HUGE),
        (np.minimum(trials, 1), trials),
        (np.full(n, 40_000), 10**5),
    ]


def counts(n):
    """Return a strategy of (n_correct, n_trials), hostile once in a while."""
    hostile = st.tuples(hostile_arrays(n), hostile_arrays(n) | HOSTILE_NUMBERS | st.just(5))
    return mostly(st.sampled_from(_good_counts(n)), hostile)


def sizes(n_k=(1, 2, 5, 300)):
    """Return a strategy of k: one number or several."""
    several = st.sampled_from([[1, 2], np.array([5, 1]), np.array(5), [5, 1, 1], [1], (2, 4000), [HUGE]])
    hostile = HOSTILE_NUMBERS | hostile_arrays(3)
    return mostly(st.sampled_from(n_k) | several, hostile)


GOOD_RULES = [
    {},
    {},
    {"sampling": "fixed"},
    {"sampling": "inverse"},
    {"sampling": "inverse", "target": 1, "cap": 50},
    {"sampling": "inverse", "target": 3, "cap": HUGE},
    {"sampling": "batch", "batch_size": 5},
    {"sampling": "batch", "batch_size": 1, "cap": 50},
    {"sampling": "batch", "batch_size": 5, "cap": 5},
]
RULES = mostly(
    st.sampled_from(GOOD_RULES),
    st.fixed_dictionaries(
        {"sampling": mostly(st.sampled_from(["fixed", "inverse", "batch"]), HOSTILE_WORDS)},
        optional={"target": HOSTILE_NUMBERS | hostile_arrays(3), "batch_size": HOSTILE_NUMBERS, "cap": HOSTILE_NUMBERS},
    ),
)


def _mean_options(n):
    return {
        "groups": groups(n),
        "average": mostly(st.sampled_from(["problems", "problems", None]), HOSTILE_WORDS),
        "method": methods("auto", "betting", "t", "cluster", "bootstrap", "kl", "normal"),
        "too_few": methods("raise", "omit"),
        "rng": SEEDS,
    }


def _pass(function, counts, rule=None, **options):
    answer = function(*counts, **(rule or {}), **options)
    if isinstance(answer, np.ndarray):
        known = answer[~np.isnan(answer)]
        assert ((known >= 0) & (known <= 1)).all()
        assert options.get("too_few") == "omit" or known.size == answer.size
        return None
    assert (np.asarray(answer.estimate) >= 0).all()
    assert (np.asarray(answer.estimate) <= 1).all()
    return answer


def _answers(n):
    rng = np.random.default_rng(n)
    table = rng.integers(0, 4, (n, 6))
    ragged = [[1] * (i % 3 + 1) for i in range(n)]
    good = [table, table.astype(str), table.tolist(), ragged, np.where(table > 2, None, table.astype(object))]
    good += [np.zeros((n, 1)), rng.integers(0, 10**7, (n, 3)), np.full((n, 200), 1)]
    return mostly(st.sampled_from(good), hostile_arrays(n) | hostile_arrays(n, 3))


def _majority(function, answers, y, **options):
    return _pass(lambda a, b, **rest: function(a, b, **rest), (answers, y), None, **options)


def _curve(function, counts, k, level, rule, groups, **options):
    fitted = function(**options).fit(*counts, groups, **(rule or {}))
    values = np.atleast_1d(fitted.predict(k))
    assert ((values >= 0) & (values <= 1)).all()
    assert 0 <= fitted.zero_rate_ <= 1
    interval = fitted.predict_interval(k, level)
    assert np.all(np.asarray(interval.lower) >= 0)
    assert np.all(np.asarray(interval.upper) <= 1)
    return [fitted.a_, fitted.b_, interval, fitted.curve(k if np.ndim(k) else None)]


TARGETS = {
    "uq.sampling.pass_at_k": Target(
        per_size(
            lambda n: arguments(
                {"counts": counts(n), "k": sizes(), "n_resamples": RESAMPLES},
                {"rule": RULES, "problems": methods("random", "random", "fixed"), **_mean_options(n)},
            )
        ),
        _pass,
    ),
    "uq.sampling.pass_all_k": Target(
        per_size(
            lambda n: arguments(
                {"counts": counts(n), "k": sizes(), "n_resamples": RESAMPLES},
                {"problems": methods("random", "random", "fixed"), **_mean_options(n)},
            )
        ),
        _pass,
    ),
    "uq.sampling.majority_at_k": Target(
        per_size(
            lambda n: arguments(
                {
                    "answers": _answers(n),
                    "y": mostly(st.sampled_from([np.zeros(n, int), ["1"] * n, np.ones(n)]), hostile_arrays(n)),
                    "k": sizes((1, 2, 3, 6)),
                    "n_resamples": RESAMPLES,
                },
                {"form": methods("answers", "counts"), **_mean_options(n)},
            )
        ),
        _majority,
    ),
    "uq.sampling.CoverageCurve": Target(
        per_size(
            lambda n: arguments(
                {
                    "counts": counts(n),
                    "k": sizes((1, 2, 5, 10**6)),
                    "level": mostly(st.none() | LEVELS, HOSTILE_LEVELS),
                    "rule": RULES,
                    "groups": groups(n),
                    "n_resamples": RESAMPLES,
                },
                {
                    "model": methods("beta_binomial", "exp_power"),
                    "zero_inflated": mostly(st.booleans(), HOSTILE_WORDS),
                    "loss": methods("coverage", "loglog"),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "random_state": SEEDS,
                },
            )
        ),
        _curve,
    ),
}
