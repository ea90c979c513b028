"""What every test shares: readable asserts in the suites that are inherited, a seeded generator, a headless backend."""

import os

import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
pytest.register_assert_rewrite("contracts", "oracles", "strategies", "targets")


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def axes():
    """Axes of a figure that is closed afterwards."""
    from contracts import require

    plt = require("matplotlib.pyplot")
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)
