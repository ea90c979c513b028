"""The Ladder against a plain loop."""

import math

import numpy as np
import pytest

from uq.reuse import Ladder
from uq.reuse._ladder import _tolerance


@pytest.mark.parametrize("step", [0.01, 0.07, 0.3])
def test_a_plain_ladder(step):
    rng = np.random.default_rng(0)
    for _ in range(30):
        losses = np.round(rng.beta(2, 2, 60), 3)
        ladder = Ladder(60, step)
        state, best, told = ladder.start(100), math.inf, []
        for loss in losses.tolist():
            improves = loss < best - step
            if improves:
                best = math.floor(loss / step + 0.5) * step
            reply = ladder.answer(ladder.spend(state), None, loss, (0, 1))
            state = reply.state
            assert reply.value == pytest.approx(min(1, best), abs=1e-12)
            assert reply.source == ("holdout" if improves else "best")
            told.append(reply.value)
        assert told == sorted(told, reverse=True)
        running = np.minimum.accumulate(losses)
        assert np.abs(running - told).max() <= step + 1e-12


@pytest.mark.parametrize(("n", "k"), [(10**4, 100), (10**4, 10**4), (1000, 100), (50, 3)])
def test_best_step_by_a_grid(n, k):
    best = min(_tolerance(k, step, 0.05, n) for step in np.geomspace(1e-4, 0.999, 20_000).tolist())
    assert Ladder(k).certificate(n) <= min(1, best * (1 + 1e-3))


def test_known_tolerances():
    # the exact count is a little below that of the specification's sum
    for n, k, known in ((10**4, 100, 0.0897), (10**4, 10**4, 0.1356), (10**4, 10**6, 0.1616), (1000, 100, 0.2190)):
        assert 0.98 * known < Ladder(k).certificate(n) <= known
