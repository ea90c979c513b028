"""Coverage of regressions of a debiased outcome, with and without the calibration step in their errors.

With an attenuation of .5, an effect of 2, 200 calibration rows and 2,000 in the trial, the errors that software gives
by itself cover 59 % instead of 95 %.
"""

import numpy as np
import pytest
from contracts import require
from scipy import stats

from causal import LinearDebiaser, add_calibration_variance
from causal._diagnostic_core import slopes

sm = require("statsmodels.api")
gmm = require("statsmodels.sandbox.regression.gmm")

MODELS = {
    "OLS, HC1": lambda f, X, arm, rng: sm.OLS(f, X).fit(cov_type="HC1"),
    "OLS, classical": lambda f, X, arm, rng: sm.OLS(f, X).fit(),
    "WLS, HC0": lambda f, X, arm, rng: sm.WLS(f, X, weights=rng.uniform(0.5, 2, len(f))).fit(cov_type="HC0"),
    "IV2SLS": lambda f, X, arm, rng: gmm.IV2SLS(f, X, np.column_stack([X[:, 0], arm])).fit(),
}


def coverage(model, effect, n_cal, n, reps, law="normal", seed=0):
    """Return how often 95 % intervals of the effect cover it: as the software gives them, and with what is added."""
    rng = np.random.default_rng(seed)
    covered = np.zeros(2)
    for _ in range(reps):
        draw = {"normal": rng.standard_normal, "skewed": rng.standard_exponential}[law]
        y_cal = draw(n_cal)
        arm = rng.integers(0, 2, n)
        # who took the treatment: the arm itself, but for the instrument
        taken = np.where(rng.random(n) < 0.2, rng.integers(0, 2, n), arm) if model == "IV2SLS" else arm
        y = effect * taken + draw(n)
        z_cal, z = (0.5 * v + 0.5 * rng.normal(size=len(v)) for v in (y_cal, y))
        debiaser = LinearDebiaser(nondifferential=True).fit(z_cal, y_cal)
        X = np.column_stack([np.ones(n), taken])
        results = MODELS[model](debiaser.transform(z), X, arm, rng)
        for k, answer in enumerate((results, add_calibration_variance(results, debiaser, z))):
            lower, upper = answer.conf_int()[1]
            covered[k] += lower <= effect <= upper
    return covered


def test_what_the_errors_of_the_software_cover_alone():
    alone, honest = coverage("OLS, HC1", 2.0, 200, 2000, 400)
    assert stats.binom.cdf(alone, 400, 0.59) > 1e-4
    assert stats.binom.sf(alone - 1, 400, 0.59) > 1e-4
    assert stats.binom.cdf(honest, 400, 0.945) > 1e-4
    assert stats.binom.sf(honest - 1, 400, 0.95) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("law", ["normal", "skewed"])
@pytest.mark.parametrize("model", MODELS)
def test_coverage_of_linear_models(model, law):
    _, honest = coverage(model, 1.0, 100, 600, 500, law, seed=1)
    # first order: a slope from 100 skewed rows loses a point or two
    assert stats.binom.cdf(honest, 500, 0.945 if law == "normal" else 0.93) > 1e-4, honest
    assert stats.binom.sf(honest - 1, 500, 0.95) > 1e-4, honest


@pytest.mark.parametrize("kind", ["A", "B"])
def test_coverage_of_the_slopes_of_the_diagnostic(kind):
    """In the first world all slopes of y_pred on y are .5, in the second all slopes of y on y_pred are 1."""
    rng = np.random.default_rng(0)
    groups, truth, reps = np.repeat(np.arange(25), 12), 0.5 if kind == "A" else 1.0, 400
    quantile = stats.t.isf(0.025, 24)
    covered = np.zeros(4)
    for _ in range(reps):
        x = rng.exponential(size=25)[groups] + rng.normal(size=300)
        y = truth * x + np.exp(0.2 * x) * rng.normal(size=300)
        estimates, errors, _ = slopes(y, x, groups)
        covered += np.abs(estimates - truth) <= quantile * errors
    for count in covered:
        assert stats.binom.cdf(count, reps, 0.94) > 1e-4, covered
