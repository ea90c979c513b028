"""How the selecting names of `conformal` are driven."""

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
    hostile_arrays,
    mostly,
    per_size,
    rows,
    scores,
)


def _select(function, outputs, y, new, **parameters):
    return function(**parameters).fit(outputs, y).select(new)


def _identity(y):
    return y


def _keywords(function, calibration_scores, test_scores, rng):
    p = function(calibration_scores=calibration_scores, test_scores=test_scores, rng=rng)
    assert ((p > 0) & (p <= 1)).all()
    return float(p.min())


TARGETS = {
    "conformal.BatchSelector": Target(
        per_size(
            lambda n: arguments(
                {"outputs": column(n), "y": column(n), "new": column(7)},
                {
                    "threshold": mostly(st.sampled_from([0, 0.5, -3.0, 1e300]), HOSTILE_NUMBERS),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "max_false": mostly(st.sampled_from([0, 1, 7, 10**9]), HOSTILE_NUMBERS),
                },
            ),
            rows(high=20),
        ),
        _select,
    ),
    "conformal.RiskControl": Target(
        per_size(
            lambda n: arguments(
                {
                    "outputs": column(n),
                    "y": mostly(scores(n, kinds=("binary", "ones", "zeros")), hostile_arrays(n)),
                    "new": column(7),
                },
                {
                    "loss": mostly(st.sampled_from(["error", _identity]), HOSTILE_WORDS),
                    "target": mostly(st.sampled_from([0.1, 0.5, 0.9, 1e-12]), HOSTILE_NUMBERS),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "thresholds": mostly(st.sampled_from([None, [0.5], [0.1, 0.9]]), hostile_arrays(3)),
                },
            ),
            rows(high=40),
        ),
        _select,
    ),
    "conformal.conformal_p_values": Target(
        per_size(
            lambda n: arguments(
                {
                    "calibration_scores": column(n) | st.just([-INF] * n),
                    "test_scores": column(7),
                    "rng": st.none() | SEEDS,
                }
            )
        ),
        _keywords,
    ),
}
NOT_DRIVEN = {"conformal.Selection": "a record that select returns, which is driven"}
