"""How the mechanisms of uq.reuse, its plan and its theorem are driven."""

import numpy as np
from hypothesis import strategies as st
from reuse_worlds import Desk
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    Target,
    arguments,
    methods,
    mostly,
)

COUNTS = mostly(st.sampled_from([1, 2, 10, 1000, 10**9]), HOSTILE_NUMBERS)
FEW = mostly(st.sampled_from([0, 1, 3, 20]), HOSTILE_NUMBERS)
ROWS = mostly(st.sampled_from([1, 2, 50, 10**4, 10**9]), HOSTILE_NUMBERS)
LEVEL = mostly(LEVELS, HOSTILE_LEVELS)
PARTS = mostly(st.sampled_from([0.01, 0.1, 0.5, 0.999, 1e-12]), HOSTILE_NUMBERS)
BOUNDS = mostly(
    st.sampled_from([(0, 1), (0, 1), (-3.0, 5.0), (0, 1e-300), np.array([0.0, 1.0])]),
    st.sampled_from([(1, 0), (0, 0), (0, np.nan), (-1e300, 1e300), "ab", None, 3, (0, 1, 2)]),
)
GUESS = mostly(st.sampled_from([0.0, 0.5, 1.0, np.float32(0.25)]), HOSTILE_NUMBERS)


def _ask(function, n, mean, guess, bounds, **parameters):
    """Make a mechanism and ask it three times."""
    mechanism = function(**parameters)
    largest = mechanism.certificate(n)
    assert 0 < largest <= 1
    answers = [largest]
    n_given = n
    rows = np.full(8, 0.5) if n_given < 8 else np.full(8, mean)
    desk = Desk(mechanism, n, np.random.default_rng(0))
    for _ in range(3):
        mechanism.check(desk.state, guess, bounds)
        low, high = (float(b) for b in bounds)
        spent = mechanism.spend(desk.state)
        assert mechanism.rows(spent).stop <= n
        reply = mechanism.answer(spent, guess, low + (high - low) * rows[0], (low, high), desk.rng)
        desk.state = reply.state
        if reply.source == "refused":
            break
        assert low <= reply.value <= high
        assert 0 <= reply.tolerance <= (high - low) * (1 + 1e-12)
        answers += [reply.value, reply.tolerance]
    left = mechanism.left(desk.state)
    assert all(each is None or each >= 0 for each in left)
    return [*answers, len(repr(mechanism)), len(mechanism.to_dict())]


def _mechanism(required=None, optional=None, guess=GUESS, queries=COUNTS):
    return Target(
        arguments(
            {
                "n": ROWS,
                "mean": st.sampled_from([0.0, 0.5, 0.52, 1.0]),
                "guess": guess,
                "bounds": BOUNDS,
                "n_queries": queries,
                **(required or {}),
            },
            {"confidence_level": LEVEL, **(optional or {})},
        ),
        _ask,
    )


POWERS = st.sampled_from([lambda m: min(1.0, 1.2 * m), lambda m: min(1.0, m + 0.01), np.sqrt])
HOSTILE_POWERS = st.sampled_from(
    [3, "power", lambda m: m / 2, lambda m: float("nan"), lambda m: None, lambda m: 2.0, lambda m: min(1.0, m + m**2)]
)
NOISE = mostly(st.sampled_from([0.0, 0.01, 3, 1e-300]), HOSTILE_NUMBERS)
PRIVACY = mostly(st.sampled_from([0, 0.01, 0.5, 5.0, 1e5, 1e-300, 1e300]), HOSTILE_NUMBERS)


def _bound(function, **given):
    answer = function(**given)
    assert given["noise_cvar"] <= answer <= 1 or answer == 1
    return answer


TARGETS = {
    "uq.reuse.GuessAndCheck": _mechanism(
        {"n_failures": mostly(FEW, st.none())},
        {"method": methods("kl", "hoeffding"), "tolerance": PARTS},
        queries=mostly(COUNTS, st.none()),
    ),
    "uq.reuse.GaussianMechanism": _mechanism(
        optional={"scale": PARTS, "bound": methods("transfer", "rogers")}, guess=mostly(GUESS, st.none())
    ),
    "uq.reuse.Thresholdout": _mechanism(
        optional={
            "n_failures": FEW,
            "threshold": PARTS,
            "scale": PARTS,
            "preset": mostly(st.sampled_from([None, "science2015"]), HOSTILE_WORDS),
        },
    ),
    "uq.reuse.Ladder": _mechanism(optional={"step": PARTS}, guess=mostly(GUESS, st.none())),
    "uq.reuse.PrivateMultiplicativeWeights": _mechanism(
        {
            "universe": mostly(
                st.sampled_from([4, np.arange(4.0), np.eye(4, dtype=np.float32), [[0], [1], [2], [3]]]),
                HOSTILE_NUMBERS
                | st.sampled_from([[], [1.0], np.full(4, np.nan), "abcd", {"a": 1}, np.zeros((2, 2, 2))]),
            )
        },
        {"method": methods("kl", "hoeffding")},
        guess=mostly(
            st.sampled_from([np.array([0.0, 0, 1, 1]), [0.5] * 4, np.full(4, 0.2, dtype=np.float32)]),
            GUESS | st.sampled_from([np.full(4, np.nan), np.full(4, 7.0), np.zeros(3), None]),
        ),
        queries=mostly(st.sampled_from([1, 2, 10, 1000]), HOSTILE_NUMBERS),
    ),
    "uq.reuse.SampleSplitting": _mechanism(
        optional={"method": methods("kl", "hoeffding")}, guess=mostly(GUESS, st.none())
    ),
    "uq.reuse.NaiveReuse": _mechanism(guess=mostly(GUESS, st.none())),
    "uq.reuse.plan": Target(
        arguments({"n": ROWS, "n_queries": COUNTS}, {"confidence_level": LEVEL, "n_failures": mostly(FEW, st.none())})
    ),
    "uq.reuse.transfer_bound": Target(
        st.one_of(
            arguments({"noise_cvar": NOISE, "mu": PRIVACY}, {"confidence_level": LEVEL}),
            arguments({"noise_cvar": NOISE, "epsilon": PRIVACY}, {"delta": PARTS, "confidence_level": LEVEL}),
            arguments({"noise_cvar": NOISE, "power": mostly(POWERS, HOSTILE_POWERS)}, {"confidence_level": LEVEL}),
            arguments({"noise_cvar": NOISE}, {"mu": PRIVACY, "epsilon": PRIVACY, "delta": PARTS}),
        ),
        _bound,
    ),
}
NOT_DRIVEN = {"uq.reuse.Plan": "a record that plan returns, which is driven"}
