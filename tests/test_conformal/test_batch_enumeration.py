"""BatchPredictor held against all C(n + m, m) ways in which a batch can lie among the calibration scores."""

import warnings
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conformal.enumeration import best_by_enumeration, configurations, quantile_of

from conformal import BatchPredictor, Quantile
from uq.exceptions import InfiniteBoundWarning

SIZES = [(1, 1), (2, 3), (3, 3), (4, 1), (5, 2), (7, 3), (7, 5), (6, 4)]
LEVELS = (0.5, 0.8, 0.9)


def order(statistic, m, side):
    """Which sorted test score stands for the statistic."""
    if isinstance(statistic, Quantile):
        return max(1, -(-(Fraction(str(statistic.q)) * m) // 1))
    return {"min": 1, "max": m, "median": m // 2 + 1 if side == "less" else (m + 1) // 2}[statistic]


def bound_by_enumeration(scores, support, m, statistic, level, side, ordering="rank"):
    """The upper ("less") or lower bound, from the definition: the best value over every configuration that is kept."""
    n = len(scores)
    every = configurations(n, m)
    level = Fraction(str(level))
    # a lower bound is the upper one of the negated scores
    if side == "greater":
        scores, support = [-s for s in scores], (-support[1], -support[0])
    if statistic in ("mean", "sum"):
        if ordering == "capped":
            h = [sum(r) if r[-1] <= n else np.inf for r in every]
        else:
            h = [sum(r) for r in every]

        def g(values):
            return sum(values) / (m if statistic == "mean" else 1)
    else:
        k = order(statistic, m, side)
        k = k if side == "less" else m + 1 - k
        h = [r[k - 1] for r in every]

        def g(values):
            return values[k - 1]

    q = quantile_of(h, level)
    best = best_by_enumeration(scores, support[1], g, [r for r, value in zip(every, h, strict=True) if value <= q])
    attained = Fraction(sum(value <= q for value in h), len(every))
    return (best if side == "less" else -best), attained


STATISTICS = ["mean", "sum", "median", "min", "max", Quantile(0.3), Quantile(0.9)]


def predict(scores, m, level, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        predictor = BatchPredictor(confidence_level=level, **parameters).fit(scores)
        return predictor.predict_interval(n_test=m)


values = st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.1, 0.1, 1.0, 3.0, 7.5]), min_size=1, max_size=7)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 5), st.sampled_from(LEVELS), st.sampled_from(["less", "greater"]))
@pytest.mark.parametrize("support", [(-np.inf, np.inf), (-3.0, 9.0)])
@pytest.mark.parametrize("statistic", STATISTICS, ids=str)
def test_bound_is_the_best_value_over_all_configurations(statistic, support, scores, m, level, side):
    ordering = {"ordering": "rank"} if statistic in ("mean", "sum") else {}
    ours = predict(scores, m, level, statistic=statistic, alternative=side, support=support, method="exact", **ordering)
    expected, attained = bound_by_enumeration(scores, support, m, statistic, level, side)
    end = ours.upper if side == "less" else ours.lower
    assert end == pytest.approx(expected, rel=1e-12, abs=1e-12)
    if np.isfinite(end):
        assert ours.attained_level == pytest.approx(float(attained), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 5), st.sampled_from(LEVELS), st.sampled_from(["less", "greater"]))
def test_capped_ordering_is_the_best_value_over_all_configurations(scores, m, level, side):
    ours = predict(scores, m, level, alternative=side, ordering="capped", method="exact")
    end = ours.upper if side == "less" else ours.lower
    if Fraction(len(scores), len(scores) + m) < Fraction(str(level)):
        assert np.isinf(end)
        return
    support = (-np.inf, np.inf)
    expected, attained = bound_by_enumeration(scores, support, m, "mean", level, side, "capped")
    assert end == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert ours.attained_level == pytest.approx(float(attained), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 4), st.sampled_from(LEVELS), st.data())
def test_weights_are_the_best_value_over_all_configurations(scores, m, level, data):
    n = len(scores)
    weights = np.cumsum(data.draw(st.lists(st.integers(0, 3), min_size=n + 1, max_size=n + 1)))
    ours = predict(scores, m, level, ordering=weights, support=(-3, 9), alternative="less")
    every = configurations(n, m)
    h = [sum(int(weights[r - 1]) for r in ranks) for ranks in every]
    q = quantile_of(h, Fraction(str(level)))
    kept = [ranks for ranks, value in zip(every, h, strict=True) if value <= q]
    assert ours.upper == pytest.approx(best_by_enumeration(scores, 9.0, np.mean, kept), rel=1e-12, abs=1e-12)
    # the lower bound orders by the weights turned round
    turned = weights[-1] - weights[::-1]
    lower = predict(scores, m, level, ordering=weights, support=(-3, 9), alternative="greater").lower
    mirror = predict([-s for s in scores], m, level, ordering=turned, support=(-9, 3), alternative="less").upper
    assert lower == -mirror


def statistic_of(batch, statistic):
    batch = np.sort(batch)
    if isinstance(statistic, Quantile):
        return batch[order(statistic, len(batch), "less") - 1]
    return {"mean": np.mean, "sum": np.sum, "median": np.median, "min": np.min, "max": np.max}[statistic](batch)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("statistic", STATISTICS, ids=str)
@pytest.mark.parametrize(("n", "m"), [(7, 1), (6, 2), (7, 3), (4, 4)])
@pytest.mark.parametrize("pool", ["distinct", "tied", "equal"])
def test_coverage_over_every_split_of_the_pool(pool, n, m, statistic, alternative):
    """Exchangeable means: any m of the n + m values are the batch. Coverage is counted, not simulated."""
    pooled = {
        "distinct": np.cumsum(np.arange(1, n + m + 1) ** 2) / 7,
        "tied": np.array([0.1, 0.1, 0.3, 0.3, 0.3, 2.0, 2.0, 5.1, 5.1, 9.7])[: n + m],
        "equal": np.full(n + m, 0.1),
    }[pool]
    level, method = 0.8, "exact"
    support = (-1.0, 100.0)
    covered, attained, exact = 0, None, False
    splits = list(combinations(range(n + m), m))
    for batch in splits:
        rest = np.delete(pooled, batch)
        parameters = {"statistic": statistic, "alternative": alternative, "support": support, "method": method}
        interval = predict(rest, m, level, **parameters)
        covered += interval.contains(statistic_of(pooled[list(batch)], statistic))
        attained, exact = interval.attained_level, interval.guarantee == "exact"
    coverage = Fraction(covered, len(splits))
    assert coverage >= Fraction(str(level))
    assert float(coverage) >= attained - 1e-12
    if exact and pool == "distinct":
        assert float(coverage) == pytest.approx(attained, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("alternative", ["two-sided", "less"])
@pytest.mark.parametrize("statistic", ["median", "min", "max", Quantile(0.7)], ids=str)
@pytest.mark.parametrize("predictions", ["spread", "equal"])
def test_coverage_of_outcomes_over_every_split(statistic, alternative, predictions):
    """With predictions the k-th smallest outcome is covered, however the predictions lie."""
    n, m, level = 7, 3, 0.8
    rng = np.random.default_rng(3)
    y_pred = rng.integers(-3, 4, n + m) * 0.7 if predictions == "spread" else np.full(n + m, 0.3)
    y = y_pred + rng.integers(0, 4, n + m) * 0.1
    covered = 0
    splits = list(combinations(range(n + m), m))
    for batch in splits:
        rest = np.setdiff1d(np.arange(n + m), batch)
        predictor = BatchPredictor(statistic, level, alternative, (-0.1, 0.5), method="exact")
        predictor.fit(y_pred[rest], y[rest])
        interval = predictor.predict_interval(y_pred[list(batch)])
        covered += interval.contains(statistic_of(y[list(batch)], statistic))
    assert Fraction(covered, len(splits)) >= Fraction(str(level))


@pytest.mark.parametrize("statistic", STATISTICS, ids=str)
@pytest.mark.parametrize("n", [3, 9, 10, 20])
def test_a_batch_of_one_is_split_conformal(statistic, n):
    scores = np.random.default_rng(n).normal(size=n)
    place = -(-(Fraction(9, 10) * (n + 1)) // 1)
    expected = np.sort(scores)[place - 1] if place <= n else np.inf
    for method in ("auto", "exact", "partition", "bonferroni"):
        assert predict(scores, 1, 0.9, statistic=statistic, alternative="less", method=method).upper == expected
    if statistic in ("mean", "sum"):
        assert predict(scores, 1, 0.9, alternative="less", ordering="rank").upper == expected
        assert predict(scores, 1, 0.9, alternative="less", method="bound").upper == expected
