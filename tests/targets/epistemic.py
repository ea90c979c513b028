"""How the room of what a model does not know is driven."""

import warnings

import numpy as np
from hypothesis import strategies as st
from strategies import (
    ALTERNATIVES,
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    INF,
    LEVELS,
    SEEDS,
    Target,
    arguments,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    scores,
)

from uq.epistemic import PairDistribution

K = 3


def _rng(n, seed=0):
    return np.random.default_rng([n, seed])


def _joints(n):
    rng = _rng(n)
    q = rng.dirichlet(np.ones(K), (n, 4))
    mixed = np.einsum("nrk,nrl->nkl", q, q) / 4
    free = rng.dirichlet(np.ones(K * K), n).reshape(n, K, K)
    good = [
        mixed,
        free,
        mixed.reshape(n, -1),
        mixed.astype(np.float32),
        mixed.tolist(),
        np.asfortranarray(free),
        np.tile(np.eye(K) / K, (n, 1, 1)),
        np.tile(np.ones((K, K)) / K**2, (n, 1, 1)),
        np.tile(np.diag([1.0, 0, 0]), (n, 1, 1)),
    ]
    bad = [
        free * 2,
        -free,
        free[:, :2],
        np.zeros((n, K, K)),
        np.full((n, K, K), 1e200),
        free[:0],
        np.full((n, 9), np.nan),
    ]
    return mostly(st.sampled_from(good), st.sampled_from(bad) | hostile_arrays(n, K * K) | hostile_arrays(n))


def _pairs(n):
    return mostly(_joints(n), st.just(PairDistribution(np.tile(np.ones((K, K)) / K**2, (n, 1, 1)))))


def _counts(n, k=K):
    rng = _rng(n, 1)
    good = [rng.multinomial(5, np.ones(k) / k, n), rng.multinomial(2, np.ones(k) / k, n).astype(np.float32)]
    good += [(2 * np.eye(k, dtype=np.int8)[np.arange(n) % k]).tolist(), rng.integers(1, 10**6, (n, k))]
    bad = [good[0] + 0.5, -good[0], np.eye(k)[np.arange(n) % k], good[0] * 10**12, good[0][:, :1]]
    return mostly(st.sampled_from(good), st.sampled_from(bad) | hostile_arrays(n, k) | scores(n, k))


def _probabilities(n, k=K):
    p = _rng(n, 2).dirichlet(np.ones(k), n)
    good = [p, p.astype(np.float32), p.tolist(), np.eye(k)[np.arange(n) % k], np.round(p, 3)]
    return mostly(st.sampled_from(good), hostile_arrays(n, k) | scores(n, k))


def _members(n, k=K):
    p = _rng(n, 3).dirichlet(np.ones(k), (4, n))
    good = [p, p[:1], p.astype(np.float32), np.stack([p[0], p[0]]), p[..., 0]]
    return mostly(st.sampled_from(good), st.sampled_from([p * 2, p[:0], p[:, :0], -p]) | hostile_arrays(n, k))


def _ask(function, joint, ask, y, **more):
    """Make a distribution, and ask it everything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pairs = function(joint, **more)
        for each in (pairs, pairs.project()):
            low, high = each.interval(**ask, y=y)
            assert (low >= 0).all()
            assert (high <= 1).all()
            confidence = each.epistemic_confidence(y)
            assert ((confidence >= 0) & (confidence <= 1) | np.isnan(confidence)).all()
            each.diagnose().to_dict()
        assert (pairs.pair_information >= 0).all()
        return pairs, pairs.project(), pairs.diagnose(), pairs.decompose(), pairs.interval(**ask, y=y)


ASK = arguments(
    {},
    {"confidence_level": mostly(LEVELS, HOSTILE_LEVELS), "alternative": mostly(ALTERNATIVES, HOSTILE_WORDS)},
)


def _fit_scaled(function, rows, y, new, **parameters):
    return function(**parameters).fit(rows, y).predict_pair(new)


def _fit_calibration(function, pairs, y, new, coverage, label, **parameters):
    fitted = function(**parameters).fit(pairs, y)
    interval = fitted.predict_interval(new, coverage, y=label)
    assert (interval.lower >= 0).all()
    assert (interval.upper <= 1).all()
    return np.atleast_1d(fitted.factor_).tolist(), np.atleast_1d(fitted.ratio_).tolist(), interval


def _judge(function, y, pairs, **more):
    result = function(y, pairs, **more)
    return result, result.interval(), result.error, result.noise_floor, result.debiased_square, result.score


def _first(function, y, second):
    return np.asarray(function(y, second)).reshape(-1).tolist()


def _parts(function, **given):
    parts = function(**given)
    n_members = len(np.asarray(given["probs"]))
    assert n_members < 2 or not np.isnan(parts.epistemic).any()
    assert n_members < 2 or np.allclose(parts.total, parts.aleatoric + parts.epistemic)
    return parts


def _scores_of(function, first, second):
    answers = function(first, second)
    return answers, answers.interval(0.9)


ANSWERS = st.sampled_from(
    [
        [["a", "b", "a"], ["c", None, "c"]],
        [["a", "a", "a"], ["a", "b", "c"]],
        np.array([[1, 2, 2], [3, 3, 3]]),
        np.array([[1.0, np.nan, np.nan], [2.0, 2.0, 2.0]]),
        [[None, None, None], ["a", 1, True]],
    ]
)
HOSTILE_ANSWERS = st.sampled_from(
    [[["a"], 3], [], [[]], ["a", "b"], "ab", None, {"a": 1}, [[{}]], [[None]], np.zeros(3), np.zeros((2, 3, 4))]
)
LOG_PROBS = st.sampled_from(
    [None, np.full((2, 3), -1.0), [[-1.0, -2.0, -3.0], [-700.0, -1e-300, -5.0]], np.full((2, 3), -1e149)]
)
LABEL = mostly(st.sampled_from([None, 0, 2]), st.sampled_from([3, -1, "a", [0], 1.5, float("nan")]))

TARGETS = {
    "uq.epistemic.PairDistribution": Target(
        per_size(
            lambda n: arguments(
                {"joint": _joints(n), "ask": ASK, "y": mostly(LABEL, st.sampled_from([np.arange(n) % K, np.zeros(n)]))},
                {
                    "classes": mostly(
                        st.none(), st.sampled_from([[0, 1, 2], ["a", "b"], [0, 0, 1], "abc", [0, None, 1]])
                    )
                },
            )
        ),
        _ask,
    ),
    "uq.epistemic.ScaledVariance": Target(
        per_size(
            lambda n: st.one_of(
                arguments(
                    {"rows": _probabilities(n), "y": _counts(n), "new": _probabilities(5)},
                    {"kind": methods("rho"), "criterion": methods("moment", "least_squares")},
                ),
                arguments(
                    {"rows": _members(n), "y": _counts(n), "new": _members(5), "kind": st.just("ensemble")},
                    {"criterion": methods("moment", "least_squares")},
                ),
            )
        ),
        _fit_scaled,
    ),
    "uq.epistemic.SecondOrderCalibration": Target(
        per_size(
            lambda n: arguments(
                {
                    "pairs": _pairs(n),
                    "y": _counts(n),
                    "new": _pairs(4),
                    "coverage": mostly(LEVELS, HOSTILE_LEVELS),
                    "label": LABEL,
                },
                {
                    "bound": methods("betting", "empirical_bernstein", "hoeffding"),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "floor": mostly(st.sampled_from([0.01, 0.25, 1e-9]), HOSTILE_NUMBERS),
                    "target": methods("top", "each"),
                },
            )
        ),
        _fit_calibration,
    ),
    "uq.epistemic.second_order_calibration_error": Target(
        per_size(
            lambda n: arguments(
                {"y": _counts(n), "pairs": _pairs(n)},
                {"n_bins": mostly(st.sampled_from([1, 2, 10, 5000]), HOSTILE_NUMBERS)},
            )
        ),
        _judge,
    ),
    "uq.epistemic.second_order_score": Target(
        per_size(lambda n: arguments({"y": _counts(n), "second": _pairs(n)})), _first
    ),
    "uq.epistemic.squared_error_ustatistic": Target(
        per_size(lambda n: arguments({"y": _counts(n), "second": _probabilities(n)})), _first
    ),
    "uq.epistemic.pair_counts": Target(
        per_size(lambda n: arguments({"y": _counts(n)})),
        lambda function, y: np.asarray(function(y)).reshape(-1).tolist(),
    ),
    "uq.epistemic.selective_answer": Target(
        per_size(
            lambda n: arguments(
                {
                    "pairs": _pairs(n),
                    "max_hallucination": mostly(st.sampled_from([0.0, 0.1, 0.5, 1.0, 1e-300]), HOSTILE_NUMBERS),
                },
                {"method": methods("filter", "rejection", "argmax"), "rng": SEEDS},
            )
        )
    ),
    "uq.epistemic.decompose_samples": Target(
        per_size(
            lambda n: st.one_of(
                arguments({"probs": _members(n)}, {"kind": methods("entropy", "gini")}),
                arguments(
                    {"probs": mostly(scores(3, n), hostile_arrays(3, n)), "kind": st.just("variance")},
                    {"variances": mostly(st.none() | scores(3, n), hostile_arrays(3, n))},
                ),
            )
        ),
        _parts,
    ),
    "uq.epistemic.semantic_entropy": Target(
        arguments(
            {"clusters": mostly(ANSWERS, HOSTILE_ANSWERS)},
            {"log_probs": mostly(LOG_PROBS, hostile_arrays(2, 3) | st.just(np.full((2, 3), -INF)))},
        ),
        lambda function, **given: function(**given).tolist(),
    ),
    "uq.epistemic.repeated_answer_scores": Target(
        arguments({"first": mostly(ANSWERS, HOSTILE_ANSWERS), "second": mostly(ANSWERS, HOSTILE_ANSWERS)}), _scores_of
    ),
}
NOT_DRIVEN = {
    "uq.epistemic.Decomposition": "a record that decompose_samples returns, which is driven",
    "uq.epistemic.PairDiagnosis": "a record of PairDistribution, which is driven",
    "uq.epistemic.PairHeadClassifier": "trains a network at every call; its own contract feeds it bad input",
    "uq.epistemic.RepeatedAnswers": "a record that repeated_answer_scores returns, which is driven",
    "uq.epistemic.SecondOrderError": "a record that second_order_calibration_error returns, which is driven",
    "uq.epistemic.SelectiveAnswers": "a record that selective_answer returns, which is driven",
}
