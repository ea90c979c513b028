"""required_items against simulation, quadrature and the normal formula."""

import math

import numpy as np
import pytest
from contracts import require
from scipy import integrate, stats

from uq._evaluation._power import paired_t_power, required_items
from uq.exceptions import InputError


def power_by_quadrature(n, size, alpha, sides):
    """Return the t test's power by integrating over the sample variance."""
    df = n - 1
    critical = stats.t.isf(alpha / sides, df)

    def given_variance(u):
        scale = math.sqrt(stats.chi2.ppf(u, df) / df)
        reject = stats.norm.sf(critical * scale - size * math.sqrt(n))
        return reject + (stats.norm.cdf(-critical * scale - size * math.sqrt(n)) if sides == 2 else 0.0)

    return integrate.quad(given_variance, 0, 1, limit=200)[0]


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 7, 40, 300])
@pytest.mark.parametrize("size", [0.01, 0.2, 0.9, 3.0])
@pytest.mark.parametrize("sides", [1, 2])
def test_power_agrees_with_quadrature(n, size, sides):
    assert paired_t_power(n, size, 0.05, sides) == pytest.approx(power_by_quadrature(n, size, 0.05, sides), abs=1e-6)


CASES = [
    (0.5, 1.0, 0.8, 0.95),
    (0.1, 0.3, 0.9, 0.99),
    (2.0, 1.0, 0.8, 0.95),
    (50.0, 1.0, 0.99, 0.999),
    (0.3, 1.0, 0.5, 0.8),
    (0.02, 0.4, 0.95, 0.95),
    (1.0, 1.0, 0.06, 0.95),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_is_the_least_number_that_has_the_power(case, alternative):
    effect, std, power, level = case
    sides = 2 if alternative == "two-sided" else 1
    n = required_items(-effect if alternative == "less" else effect, std, power, level, alternative=alternative)
    assert isinstance(n, int)
    assert power_by_quadrature(n, effect / std, 1 - level, sides) >= power
    assert n == 2 or power_by_quadrature(n - 1, effect / std, 1 - level, sides) < power


@pytest.mark.parametrize(("effect", "alternative"), [(0.6, "two-sided"), (-0.6, "less")])
def test_the_power_is_there_in_simulated_studies(effect, alternative):
    n = required_items(effect, 1.2, alternative=alternative)
    rng = np.random.default_rng(0)
    differences = rng.normal(effect, 1.2, size=(4000, n))
    detected = int((stats.ttest_1samp(differences, 0, axis=1, alternative=alternative).pvalue < 0.05).sum())
    truth = power_by_quadrature(n, 0.5, 0.05, 2 if alternative == "two-sided" else 1)
    assert truth >= 0.8
    low, high = stats.binom.interval(0.9999, 4000, truth)
    assert low <= detected <= high


def test_large_numbers_agree_with_the_normal_formula():
    for level in (0.95, 0.999):
        z = stats.norm.ppf(level) + stats.norm.ppf(0.8)
        for effect in (1e-1, 1e-2, 1e-3, 1e-5, 1e-7):
            n = required_items(effect, 1.0, 0.8, level, alternative="greater")
            plain = (z / effect) ** 2
            # the t test needs about z_level**2 / 2 items more, and rounds up
            assert n - plain == pytest.approx(stats.norm.ppf(level) ** 2 / 2 + 0.5, abs=0.8 + 1e-12 * plain)


def test_agrees_with_statsmodels():
    power = require("statsmodels.stats.power").TTestPower()
    for effect, std, target, level in CASES[:3] + CASES[4:6]:
        solved = power.solve_power(effect / std, power=target, alpha=1 - level)
        assert required_items(effect, std, target, level) == math.ceil(float(solved))


def test_only_the_ratio_matters_and_the_sign_does_not():
    assert required_items(0.02, 0.4) == required_items(2e10, 4e11) == required_items(-0.02, 0.4)
    assert required_items(1e9, 1.0) == 2


def test_more_is_needed_for_more():
    assert required_items(0.3, 1.0, 0.9) > required_items(0.3, 1.0, 0.8)
    assert required_items(0.3, 1.0, 0.8, 0.99) > required_items(0.3, 1.0, 0.8, 0.95)
    assert required_items(0.3, 1.0) > required_items(0.3, 1.0, alternative="greater")
    # a power below the level of the test is had for nothing
    assert required_items(1e-9, 1.0, 0.01, 0.95) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"effect": 0}, "effect must not be 0"),
        ({"effect": np.nan}, "effect"),
        ({"effect": np.inf}, "effect"),
        ({"effect": [0.1]}, "effect"),
        ({"std": 0}, "std"),
        ({"std": -1.0}, "std"),
        ({"std": np.inf}, "std"),
        ({"power": 0}, "power"),
        ({"power": 1}, "power"),
        ({"power": 80}, r"power .*; got 80\. A power of 80 % is written \.8\."),
        ({"confidence_level": 0}, "confidence_level"),
        ({"confidence_level": 1}, "confidence_level"),
        ({"confidence_level": 1.5}, "confidence_level"),
        ({"alternative": "both"}, "alternative"),
        ({"alternative": "less"}, "sign of alternative 'less'"),
        ({"effect": -0.1, "alternative": "greater"}, "sign of alternative 'greater'"),
        ({"effect": 1e-12}, "vanishingly small"),
        ({"effect": 5e-324, "std": 1e300}, "vanishingly small"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        required_items(**{"effect": 0.1, "std": 1.0, **arguments})


def test_extreme_sizes_are_answered_or_refused():
    assert required_items(0.02, 1e-300) == 2
    assert required_items(1e300, 1e-300) == 2
    for effect, std in ((0.02, 1e300), (1e-300, 1.0)):
        with pytest.raises(InputError, match="vanishingly small"):
            required_items(effect, std)
