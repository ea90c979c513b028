"""What a recalibrator costs a forecaster that needs none, on later rows; and what the Venn-Abers pair promises.

The excess log loss is measured against the truth: the mean divergence of the answer from the true probabilities on
20,000 later rows, which has no noise of their outcomes. "Parameters" are those that are fitted; for a histogram its
bins, for isotonic and Venn-Abers calibration the levels of the isotonic curve.
"""

import numpy as np
import pytest
from contracts.calibrators import as_prob, draw

from calibration import (
    BetaCalibration,
    DirichletCalibration,
    HistogramBinning,
    IsotonicCalibration,
    MulticalibrationBoosting,
    PlattScaling,
    TemperatureScaling,
    VennAbersCalibration,
)

N = 10_000


def divergence(p, q):
    """Return the mean excess log loss of q where p is true."""
    if p.ndim == 1:
        p, q = np.column_stack([1 - p, p]), np.column_stack([1 - q, q])
    return float(np.mean(np.sum(p * (np.log(p) - np.log(q)), axis=1)))


def levels(p, y):
    """Return the number of levels of the isotonic curve of each map."""
    return float(IsotonicCalibration().fit(p, y).n_blocks_.sum())


def maps(k):
    return k if k > 2 else 1


# number of parameters for k columns, where it is known beforehand
RECALIBRATORS = {
    "Platt": (PlattScaling(), lambda k: 2 * maps(k)),
    "Platt, plain": (PlattScaling(smooth_targets=False), lambda k: 2 * maps(k)),
    "temperature": (TemperatureScaling(), lambda k: 1),
    "beta": (BetaCalibration(), lambda k: 3 * maps(k)),
    "beta, ab": (BetaCalibration("ab"), lambda k: 2 * maps(k)),
    "beta, am": (BetaCalibration("am"), lambda k: 2 * maps(k)),
    "Dirichlet": (DirichletCalibration(penalty=1e-4), lambda k: max(k, 2) * (max(k, 2) + 1)),
    "Dirichlet, cv": (DirichletCalibration(), lambda k: max(k, 2) * (max(k, 2) + 1)),
    "vector": (DirichletCalibration("diagonal", penalty=1e-4), lambda k: 2 * max(k, 2)),
    "histogram": (HistogramBinning(), lambda k: 15 * maps(k)),
    "histogram, quantile": (HistogramBinning(strategy="quantile"), lambda k: 15 * maps(k)),
    "isotonic": (IsotonicCalibration(), None),
    "isotonic, centred": (IsotonicCalibration(center=True), None),
    "Venn-Abers": (VennAbersCalibration(), None),
    "multicalibration": (MulticalibrationBoosting(), lambda k: maps(k)),
}


def excess(estimator, parameters, columns, seeds):
    """Return the excess of each seed over later rows, and the number of parameters, both means."""
    found, sizes = [], []
    for seed in range(seeds):
        rng = np.random.default_rng([columns, seed])
        z, y = draw(N, columns, rng)
        p, new = as_prob(z), as_prob(draw(20_000, columns, rng)[0])
        found.append(divergence(new, estimator.fit(p, y).predict_proba(new)))
        sizes.append(levels(p, y) if parameters is None else parameters(columns))
    return np.mean(found), np.mean(sizes)


@pytest.mark.parametrize("name", ["Platt", "temperature", "beta", "vector", "isotonic", "Venn-Abers", "histogram"])
def test_little_is_lost_where_nothing_is_to_be_gained(name):
    estimator, parameters = RECALIBRATORS[name]
    loss, size = excess(estimator, parameters, 1, 8)
    assert loss <= 3 * size / N


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("name", RECALIBRATORS)
def test_little_is_lost_in_the_mean_of_50_seeds(name, columns):
    estimator, parameters = RECALIBRATORS[name]
    loss, size = excess(estimator, parameters, columns, 50)
    print(f"{name}, {columns}: {loss * N:.2f} / n with {size:.1f} parameters")
    assert loss <= 3 * size / N


@pytest.mark.parametrize("n", [10, 100])
@pytest.mark.slow
def test_the_member_of_the_pair_that_belongs_to_the_outcome_is_calibrated(n):
    """E[(y - p_y) h(p_y)] = 0 for any h, with 10 rows of a forecast that is far off; the merged p has no such law."""
    rng = np.random.default_rng(n)
    residuals, values = [], []
    for _ in range(3000):
        p = rng.random(n + 1)
        y = (rng.random(n + 1) < 0.2 + 0.5 * p**3).astype(float)
        p0, p1 = VennAbersCalibration().fit(p[:n], y[:n]).predict_pair(p[n:])
        own = p1[0] if y[n] else p0[0]
        residuals.append(y[n] - own)
        values.append(own)
    residuals, values = np.array(residuals), np.array(values)
    for h in (np.ones(3000), values, (values > 0.4).astype(float), (values < 0.2).astype(float)):
        moved = residuals * h
        assert abs(moved.mean()) < 4.5 * moved.std() / np.sqrt(3000) + 1e-12
