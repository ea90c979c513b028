"""The calibration test: exact by enumeration, quick and slow routes alike, never small too often."""

import itertools
import math
import warnings
from functools import partial

import numpy as np
import pytest
from contracts import SuperUniformContract
from scipy import stats
from sklearn.metrics import brier_score_loss

from calibration import calibration_test, expected_calibration_error
from calibration._cells import assign
from calibration._forecast import check_forecast
from calibration._test import _event_drawer, _events_of_classes
from uq import TestResult
from uq.exceptions import InputError

ECE = expected_calibration_error


def by_hand(y, p):
    """Return the default metric by another route, which the test cannot see through."""
    return ECE(y, p)


def test_the_answer():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    y = (rng.random(200) < p).astype(int)
    result = calibration_test(y, p, rng=1)
    assert isinstance(result, TestResult)
    assert result.statistic == pytest.approx(ECE(y, p), abs=1e-14)
    assert (result.alternative, result.guarantee, result.n) == ("greater", "finite-sample", 200)
    assert result == calibration_test(y, p, rng=1)
    assert round(result.pvalue * 1000) == pytest.approx(result.pvalue * 1000)
    assert result.pvalue > 0.05
    assert calibration_test(1 - y, p, rng=1).pvalue == 1 / 1000


def exact_pvalue(y, p, metric):
    """Enumerate all outcomes."""
    observed, total = metric(np.array(y, float), p), 0.0
    for other in itertools.product((0.0, 1.0), repeat=len(p)):
        if metric(np.array(other), p) >= observed - 1e-12:
            total += math.prod(q if o else 1 - q for o, q in zip(other, p, strict=True))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("p", [[0.5] * 6, [0.1, 0.1, 0.35, 0.6, 0.85, 0.85], [0.0, 1.0, 0.3, 0.3, 0.7, 0.99]])
@pytest.mark.parametrize("metric", [ECE, by_hand, partial(ECE, norm=2, n_bins=3), partial(ECE, strategy="quantile")])
def test_against_the_enumeration_of_all_outcomes(p, metric):
    p, y = np.array(p), np.array([0, 1, 0, 1, 1, 1])
    wanted = exact_pvalue(y, p, metric)
    p_value = calibration_test(y, p, metric=metric, n_resamples=4999, rng=2).pvalue
    assert abs(p_value - wanted) < 5 * math.sqrt(wanted * (1 - wanted) / 5000) + 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("reduction", ["confidence", "top_label", "classwise"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "auto"])
def test_the_quick_route_is_the_slow_one(reduction, strategy):
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(3), 300)
    y = (rng.random(300)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    for norm in (1, 2, math.inf):
        metric = partial(ECE, reduction=reduction, strategy=strategy, norm=norm)
        quick = calibration_test(y, p, metric=metric, n_resamples=999, rng=1)
        slow = calibration_test(y, p, metric=lambda y, p, m=metric: m(y, p), n_resamples=199, rng=2)
        assert quick.statistic == pytest.approx(slow.statistic, abs=1e-14)
        assert abs(quick.pvalue - slow.pvalue) < 5 * math.sqrt(0.25 / 200)


def test_drawn_events_have_the_law_of_the_rows():
    """Numbers of events per cell, by row and by binomials of equal rows, against their exact mean and variance."""
    rng = np.random.default_rng(4)
    for p in (rng.random(400), rng.integers(0, 11, 400) / 10, np.sort(rng.random(3000))):
        cells, n_cells = assign(check_forecast(np.zeros(len(p)), p, "x"), 6, "uniform", "confidence")
        events = _event_drawer(cells, n_cells, p)(np.random.default_rng(1), 4000)
        assert events.shape == (4000, n_cells)
        for b in range(n_cells):
            mean, variance = p[cells == b].sum(), (p * (1 - p))[cells == b].sum()
            assert abs(events[:, b].mean() - mean) < 6 * math.sqrt(variance / 4000) + 1e-12
            assert events[:, b].var() == pytest.approx(variance, rel=0.15)
    p = rng.dirichlet(np.ones(3), 50)
    cells, n_cells = assign(check_forecast(np.zeros(50, int), p, "x"), 4, "uniform", "classwise")
    events = _events_of_classes(p, cells, n_cells, np.random.default_rng(1), 4000)
    mean = np.bincount(cells.reshape(-1), p.reshape(-1), n_cells)
    assert np.abs(events.mean(axis=0) - mean).max() < 6 * math.sqrt(12 / 4000)


def test_labels_that_are_words():
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(3), 100)
    y = rng.integers(0, 3, 100)
    words = np.array(["a", "b", "c"])[y]
    for metric in (ECE, partial(ECE, reduction="classwise"), lambda y, p: float(np.mean(y == y[0]))):
        ours = calibration_test(words, p, metric=metric, n_resamples=99, rng=1)
        assert ours.pvalue == calibration_test(y, p, metric=metric, n_resamples=99, rng=1).pvalue


def squared(y, p):
    return float(np.mean((y - p) ** 2))


def test_any_metric():
    rng = np.random.default_rng(6)
    p = rng.random(300)
    y = (rng.random(300) < p).astype(int)
    assert calibration_test(y, p, metric=squared, rng=1).pvalue > 0.01
    assert calibration_test(1 - y, p, metric=squared, rng=1).pvalue == 1 / 1000
    for truth in (y, 1 - y):  # scikit-learn's own takes a hundred times as long
        few, same = (calibration_test(truth, p, metric=m, n_resamples=99, rng=1) for m in (squared, brier_score_loss))
        assert few.pvalue == same.pvalue
    assert calibration_test(y, p, metric=lambda y, p: 1.0, n_resamples=99, rng=1).pvalue == 1.0


def test_draws_do_not_depend_on_n_jobs():
    rng = np.random.default_rng(7)
    p = rng.random(500)
    y = rng.random(500) < p
    for metric in (ECE, brier_score_loss):
        one, two = (calibration_test(y, p, metric=metric, n_resamples=99, rng=1, n_jobs=n) for n in (None, 2))
        assert one == two


def test_undefined_draws_count_as_exceeding():
    def touchy(y, p):
        if y.sum() != 3:
            raise ValueError("undefined")
        return 1.0

    p = np.full(6, 0.01)
    assert calibration_test([1, 1, 1, 0, 0, 0], p, metric=touchy, n_resamples=99, rng=1).pvalue == 1.0


def test_equal_values_are_equal_whatever_their_last_digits():
    """All outcomes of one row at .5 are equally far off, though 1 - .5 and .5 may be summed in another order."""
    for p in ([0.5], [0.1, 0.9], [0.3, 0.7]):
        y = np.array([1.0, 0.0])[: len(p)]
        assert exact_pvalue(y, np.array(p), ECE) == pytest.approx(
            calibration_test(y, p, n_resamples=9999, rng=1).pvalue, abs=0.03
        )


class TestSmallAndContinuous(SuperUniformContract):
    n, n_simulations = 10, 1500
    resamples = 99

    def forecasts(self, rng):
        return rng.random(self.n)

    def simulate(self, rng):
        p = self.forecasts(rng)
        return calibration_test(rng.random(self.n) < p, p, n_resamples=self.resamples, rng=rng).pvalue

    errors = (0.01, 0.05, 0.1, 0.2, 0.5)


class TestFifty(TestSmallAndContinuous):
    n, n_simulations = 50, 1000


class TestVerbal(TestSmallAndContinuous):
    """Multiples of a twentieth, many of them equal."""

    def forecasts(self, rng):
        return rng.integers(10, 21, self.n) / 20


class TestAllEqual(TestSmallAndContinuous):
    def forecasts(self, rng):
        return np.full(self.n, 0.3)


class TestFewResamples(TestSmallAndContinuous):
    resamples = 9
    errors = (0.1, 0.2, 0.5)


class TestClasses(SuperUniformContract):
    n_simulations = 400
    errors = (0.05, 0.1, 0.2, 0.5)
    metric = staticmethod(partial(ECE, reduction="classwise", n_bins=5))

    def simulate(self, rng):
        p = rng.dirichlet(np.ones(3), 20)
        y = (rng.random(20)[:, None] > p.cumsum(axis=1)).sum(axis=1)
        return calibration_test(y, p, metric=self.metric, n_resamples=99, rng=rng).pvalue


def test_power():
    """Over-confidence of factor 1.7 in the logit is seen in most samples of 500."""
    rng = np.random.default_rng(8)
    seen = 0
    for _ in range(60):
        z = rng.normal(0, 1.5, 500)
        y = rng.random(500) < 1 / (1 + np.exp(-z))
        seen += calibration_test(y, 1 / (1 + np.exp(-1.7 * z)), n_resamples=99, rng=rng).pvalue <= 0.05
    assert seen > stats.binom.ppf(1e-6, 60, 0.8), seen


Y, P = [0, 1, 1], [0.2, 0.7, 0.9]


@pytest.mark.parametrize(
    ("y", "p", "options", "message"),
    [
        (Y, P, {"groups": [1, 2, 3]}, "groups cannot be used.*estimate_metric"),
        ([0, 0.5, 1], P, {}, "0 or 1"),
        ([0, 1], P, {}, "as many rows"),
        (Y, [0.2, 0.7, np.nan], {}, "finite"),
        (Y, [0.2, 0.7, 1.2], {}, "probabilities"),
        ([], [], {}, "at least one row"),
        (Y, P, {"n_resamples": 0}, "n_resamples"),
        (Y, P, {"rng": "a"}, "rng"),
        (Y, P, {"n_jobs": 0}, "n_jobs"),
        (Y, P, {"metric": "ece"}, "callable"),
        (Y, P, {"metric": lambda y, p: np.nan}, "finite number"),
        (Y, P, {"metric": lambda y, p: p}, "finite number"),
        (Y, P, {"metric": lambda y, p: 1 / 0}, "ZeroDivisionError"),
        (Y, P, {"metric": partial(ECE, n_bins=0)}, "n_bins"),
        (Y, P, {"metric": partial(ECE, norm=3)}, "norm"),
        (Y, P, {"metric": partial(ECE, reduction="all")}, "reduction"),
        (Y, P, {"metric": partial(ECE, strategy="all")}, "strategy"),
    ],
)
def test_bad_input(y, p, options, message):
    with warnings.catch_warnings(), pytest.raises(InputError, match=message) as caught:
        calibration_test(y, p, **options)
    assert str(caught.value).startswith("calibration_test: ")
