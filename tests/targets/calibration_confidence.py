"""How the confidence metrics and the estimators for language models are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    INF,
    LEVELS,
    SEEDS,
    Target,
    arguments,
    column,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    rows,
    scores,
)

from uq.exceptions import InputError


def _answered(n):
    return mostly(scores(n, kinds=("binary", "ones", "zeros", "unit", "ties")), hostile_arrays(n))


def _weights(n):
    return mostly(st.none() | scores(n, kinds=("unit", "ones", "ties", "one off")), hostile_arrays(n))


def _metric(**options):
    return per_size(
        lambda n: arguments(
            {"correct": _answered(n), "confidence": column(n)},
            {"sample_weight": _weights(n), "groups": groups(n), **options},
        )
    )


def _error(function, **given):
    value = function(**given)
    assert 0 <= value <= 1 or (np.isnan(value) and given.get("empty") == "nan")
    return 0.0 if np.isnan(value) else value


def _decide(function, scores, y, new, sample_weight=None, groups=None, **parameters):
    fitted = function(**parameters).fit(scores, y, sample_weight, groups)
    return fitted.train_score_, fitted.cv_score_ or 0.0, fitted.predict(new).tolist()


def _accuracy(y, decided, sample_weight=None):
    return float(np.average(y == decided, weights=sample_weight))


def _probability(function, **given):
    p = np.asarray(function(**given))
    assert ((p >= 0) & (p <= 1)).all()
    return p.reshape(-1).tolist()


def _probe(function, X, y, new, fit, **parameters):
    try:
        p = function(**parameters).fit(X, y, **fit).predict_proba(new)
    except TypeError as error:  # scikit-learn's suite wants this one where an X holds no numbers at all
        raise InputError(f"KnowledgeProbe: X must hold numbers: {error}") from error
    assert ((p >= 0) & (p <= 1)).all()
    return p.reshape(-1).tolist()


def _votes(function, y=None, **given):
    votes = function(**given)
    assert ((votes.confidences >= 0) & (votes.confidences <= 1)).all()
    return votes, votes.credit(["a"] * len(votes.answers)).tolist()


def _log_probs(n):
    good = scores(n).map(np.asarray)
    return mostly(good | st.just(np.full(n, -INF)) | st.just(np.full(n, -1e149)), hostile_arrays(n))


ANSWERS = st.sampled_from(
    [
        [["a", "b", "a"], ["c", None, "c"]],
        np.array([[1, 2, 2], [3, 3, 3]]),
        np.array([[1.0, np.nan, np.nan], [np.nan] * 3]),
        [[None, None, None], ["a", 1, True]],
        (("a", "a", "b"), ["a", "b", "c"]),
    ]
)
HOSTILE_ANSWERS = st.sampled_from(
    [[["a"], 3], [], [[]], ["a", "b"], "ab", None, {"a": 1}, [[["a"]]], [[{}]],
     np.zeros(3), np.zeros((2, 3, 4)), iter([])]
)  # fmt: skip
LOG_PROBS = st.sampled_from(
    [np.full((2, 3), -1.0), [[-1.0, -2.0, -3.0], [-700.0, -1e-300, -5.0]], np.linspace(-1, 0, 6).reshape(2, 3), None]
)
GRID = mostly(st.sampled_from([1.0, "auto", 1e-8, 1e8, [0.1, 10.0]]), HOSTILE_NUMBERS | HOSTILE_WORDS)

TARGETS = {
    "calibration.aurc": Target(
        _metric(kind=methods("aurc", "excess", "generalized"), ties=methods("average", "best", "worst"))
    ),
    "calibration.error_at_confidence": Target(
        per_size(
            lambda n: arguments(
                {
                    "correct": _answered(n),
                    "confidence": column(n),
                    "threshold": mostly(st.sampled_from([0.0, 0.5, -1e100, np.float32(0.3)]), HOSTILE_NUMBERS),
                },
                {"sample_weight": _weights(n), "groups": groups(n), "empty": methods("raise", "nan")},
            )
        ),
        _error,
    ),
    "calibration.risk_coverage_curve": Target(
        _metric(
            x=methods("coverage", "threshold"),
            ties=mostly(st.just("together"), st.sampled_from(["average", "best", "worst", "", None])),
            confidence_level=mostly(st.none() | LEVELS, HOSTILE_LEVELS),
        )
    ),
    "calibration.ThresholdCalibration": Target(
        per_size(
            lambda n: arguments(
                {"scores": column(n), "y": mostly(scores(n, kinds=("binary", "one off")), hostile_arrays(n)),
                 "new": column(7)},
                {
                    "sample_weight": _weights(n),
                    "groups": groups(n),
                    "metric": mostly(st.sampled_from(["f1", "balanced_accuracy", _accuracy]), HOSTILE_WORDS),
                    "cv": mostly(st.sampled_from([5, 2, None]), HOSTILE_NUMBERS),
                    "random_state": SEEDS,
                },
            )
        ),
        _decide,
    ),
    "calibration.p_true": Target(
        per_size(lambda n: arguments({"logprob_true": _log_probs(n), "logprob_false": _log_probs(n)})), _probability
    ),
    "calibration.KnowledgeProbe": Target(
        per_size(
            lambda n: arguments(
                {
                    "X": mostly(scores(n, 3), hostile_arrays(n, 3)),
                    "y": mostly(scores(n, kinds=("binary", "binary", "ones")), hostile_arrays(n)),
                    "new": mostly(scores(7, 3), hostile_arrays(7, 3)),
                    "fit": st.fixed_dictionaries(
                        {},
                        optional={
                            "n_trials": mostly(st.sampled_from([1, 4, np.arange(n) + 1]), HOSTILE_NUMBERS),
                            "groups": groups(n),
                            "sample_weight": _weights(n),
                        },
                    ),
                },
                {"alpha": GRID, "cv": mostly(st.sampled_from([5, 2]), HOSTILE_NUMBERS), "random_state": SEEDS},
            ),
            rows(high=20),
        ),
        _probe,
    ),
    "calibration.vote_confidence": Target(
        arguments(
            {"answers": mostly(ANSWERS, HOSTILE_ANSWERS)},
            {
                "log_probs": mostly(LOG_PROBS, hostile_arrays(2, 3)),
                "method": methods("majority", "weighted", "perplexity", "pruned"),
                "temperature": mostly(st.sampled_from([1.0, 0.1, 1e-300, 1e300]), HOSTILE_NUMBERS),
            },
        ),
        _votes,
    ),
}  # fmt: skip
NOT_DRIVEN = {"calibration.Votes": "a record that vote_confidence returns, which is driven"}
