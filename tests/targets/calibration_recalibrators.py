"""How the recalibrators of `calibration` are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    INF,
    NAN,
    Target,
    arguments,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    rows,
    scores,
)

from calibration import BetaCalibration, IsotonicCalibration, PlattScaling, VennAbersCalibration

SWITCH = mostly(st.booleans(), HOSTILE_WORDS)


def _fits_and_asks(n):
    """Return a strategy of (outputs, y, new): one column or three, probabilities or logits; hostile once in a while."""
    rng = np.random.default_rng(n)
    unit, flat = rng.random(n), rng.dirichlet(np.ones(3), n)
    one = [
        unit,
        unit.astype(np.float32),
        unit.tolist(),
        np.round(unit),
        np.full(n, 0.5),
        np.full(n, 5e-324),
        9 * unit - 4,
    ]
    ruled_out = np.where(np.arange(3) == n % 3, -INF, flat)
    several = [flat, flat.astype(np.float32), np.eye(3)[np.arange(n) % 3], 99 * flat, ruled_out, np.full((n, 3), 1 / 3)]
    new, more = rng.random(7), rng.dirichlet(np.ones(3), 7)
    return st.one_of(
        st.tuples(
            mostly(st.sampled_from(one), hostile_arrays(n) | scores(n)),
            mostly(scores(n, kinds=("binary", "ones", "zeros", "unit")), hostile_arrays(n) | scores(n)),
            mostly(st.sampled_from([new, np.round(new), 50 * new - 20]), hostile_arrays(7) | scores(7)),
        ),
        st.tuples(
            mostly(st.sampled_from(several), hostile_arrays(n, 3) | scores(n, 3)),
            mostly(
                st.sampled_from([np.arange(n) % 3, np.zeros(n, int), ["abc"[i % 3] for i in range(n)]]),
                hostile_arrays(n),
            ),
            mostly(st.sampled_from([more, np.eye(3), -9 * more]), hostile_arrays(7, 3) | scores(7, 3)),
        ),
    )


def _check(p):
    p = np.asarray(p)
    assert ((p >= 0) & (p <= 1)).all()
    if p.ndim == 2:
        assert np.abs(p.sum(axis=1) - 1).max() < 1e-9
    return float(p.max())


def _recalibrate(function, drawn, sample_weight=None, classes=None, **parameters):
    outputs, y, new = drawn
    fitted = function(**parameters).fit(outputs, y, sample_weight, classes=classes)
    if isinstance(fitted, VennAbersCalibration):
        p0, p1 = fitted.predict_pair(new)
        assert (p0 <= p1).all()
    return _check(fitted.predict_proba(new))


def _boost(function, drawn, subgroups=None, ask=None, **parameters):
    outputs, y, new = drawn
    return _check(function(**parameters).fit(outputs, y, subgroups=subgroups).predict_proba(new, ask))


def _cross(function, drawn, **parameters):
    return _check(function(y_prob=drawn[0], y=drawn[1], **parameters))


def _error(function, drawn, **parameters):
    return function(drawn[1], drawn[0], **parameters)


def _weights(n):
    return mostly(st.none() | scores(n, kinds=("ones", "unit", "tiny", "binary")), hostile_arrays(n) | scores(n))


CLASSES = mostly(st.sampled_from([None, [0, 1, 2], ["c", "b", "a"]]), hostile_arrays(3) | st.just([0, 0, 1]))
INPUT = methods("prob", "logit")


def _target(**parameters):
    return Target(
        per_size(
            lambda n: arguments(
                {"drawn": _fits_and_asks(n)}, {"sample_weight": _weights(n), "classes": CLASSES, **parameters}
            ),
            rows(high=40),
        ),
        _recalibrate,
    )


def _members(n):
    some = np.arange(2 * n).reshape(n, 2) % 3 == 0
    return mostly(st.sampled_from([some, some.astype(float), np.ones((n, 2)), some.tolist()]), hostile_arrays(n, 2))


PENALTY = mostly(
    st.sampled_from(["cv", 0, 0.1, (0.1, 1e-3), [0, 0]]), HOSTILE_NUMBERS | st.sampled_from([(1, -1), (NAN, 1), ()])
)

TARGETS = {
    "calibration.PlattScaling": _target(input=INPUT, smooth_targets=SWITCH, monotone=SWITCH),
    "calibration.TemperatureScaling": _target(input=INPUT),
    "calibration.BetaCalibration": _target(input=INPUT, parameters=methods("abm", "ab", "am"), smooth_targets=SWITCH),
    "calibration.DirichletCalibration": _target(
        input=INPUT,
        structure=methods("full", "diagonal"),
        penalty=PENALTY,
        cv=mostly(st.integers(2, 5), HOSTILE_NUMBERS),
    ),
    "calibration.IsotonicCalibration": _target(input=INPUT, center=SWITCH),
    "calibration.HistogramBinning": _target(
        input=INPUT,
        n_bins=mostly(st.sampled_from([1, 2, 15, 1000]), HOSTILE_NUMBERS),
        strategy=methods("uniform", "quantile"),
        prior=mostly(st.sampled_from([0, 1, 0.5, 1e100]), HOSTILE_NUMBERS),
    ),
    "calibration.VennAbersCalibration": _target(input=INPUT),
    "calibration.MulticalibrationBoosting": Target(
        per_size(
            lambda n: arguments(
                {"drawn": _fits_and_asks(n), "subgroups": _members(n), "ask": _members(7)},
                {
                    "input": INPUT,
                    "n_bins": mostly(st.integers(1, 9), HOSTILE_NUMBERS),
                    "threshold": mostly(st.sampled_from([1e-6, 1, 3]), HOSTILE_NUMBERS),
                    "max_rounds": mostly(st.sampled_from([1, 20]), HOSTILE_NUMBERS),
                    "min_weight": mostly(st.sampled_from([1e-9, 2]), HOSTILE_NUMBERS),
                },
            ),
            rows(high=40),
        ),
        _boost,
    ),
    "calibration.cross_val_calibrate": Target(
        per_size(
            lambda n: arguments(
                {
                    "calibrator": mostly(
                        st.sampled_from([PlattScaling(), BetaCalibration(), IsotonicCalibration("logit")]),
                        HOSTILE_WORDS,
                    ),
                    "drawn": _fits_and_asks(n),
                },
                {
                    "cv": mostly(st.sampled_from([2, 3, 5]), HOSTILE_NUMBERS | HOSTILE_WORDS),
                    "groups": groups(n),
                    "sample_weight": _weights(n),
                    "classes": CLASSES,
                },
            ),
            rows(high=40),
        ),
        _cross,
    ),
    "calibration.multicalibration_error": Target(
        per_size(
            lambda n: arguments(
                {"drawn": _fits_and_asks(n), "subgroups": _members(n)},
                {
                    "n_bins": mostly(st.sampled_from([1, 10]), HOSTILE_NUMBERS),
                    "scale": methods("share", "subgroup"),
                    "sample_weight": _weights(n),
                    "groups": groups(n),
                },
            ),
            rows(high=40),
        ),
        _error,
    ),
}
