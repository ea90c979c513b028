"""Two quantiles at once, statistics built step by step, and the law of the ranks from draws."""

import warnings
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_conformal.enumeration import configurations, naive_mean_program

from conformal import BatchPredictor, Compositional, Quantile, QuantileBand, RankLaw
from conformal._composite import composite_best
from uq.exceptions import InfiniteBoundWarning, InputError

SCORES = np.random.default_rng(0).normal(size=40)
TOTAL = Compositional(np.add, 0.0)
LARGEST = Compositional(np.maximum, -1e9)
PRODUCT = Compositional(lambda u, s: u * (1 + np.exp(s)), 1.0)
SOFT = Compositional(lambda u, s: np.logaddexp(u, 3 * s), -50.0, lambda u, m: (u - np.log(m)) / 3)


# ---- bands


@pytest.mark.parametrize("level", [0.5, 0.8])
@pytest.mark.parametrize(("q1", "q2"), [(0.25, 0.75), (0.5, 0.5), (0.1, 0.9)])
@pytest.mark.parametrize("pool", ["distinct", "tied"])
def test_band_over_every_split(level, q1, q2, pool):
    pooled = np.arange(10.0) ** 2 if pool == "distinct" else np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 5.0])
    covered, attained, splits = 0, None, list(combinations(range(10), 3))
    for batch in splits:
        predictor = BatchPredictor(QuantileBand(q1, q2), level, support=(-1, 100)).fit(np.delete(pooled, batch))
        interval = predictor.predict_interval(n_test=3)
        ordered = np.sort(pooled[list(batch)])
        k1, k2 = (max(1, int(np.ceil(q * 3 - 1e-12))) for q in (q1, q2))
        covered += bool(interval.lower <= ordered[k1 - 1] and ordered[k2 - 1] <= interval.upper)
        attained = interval.attained_level
    coverage = covered / len(splits)
    assert coverage >= max(level, attained - 1e-12)
    if pool == "distinct":
        assert coverage == pytest.approx(attained, abs=1e-12)


def test_band_without_support_warns_once():
    with pytest.warns(InfiniteBoundWarning) as caught:
        interval = BatchPredictor(QuantileBand(0.1, 0.9)).fit(SCORES[:5]).predict_interval(n_test=20)
    assert len(caught) == 1
    assert np.isinf(interval.width)


def test_bad_bands():
    for q1, q2 in ((0.5, 0.4), (0, 0.5), (0.5, 1), ("a", 0.5)):
        with pytest.raises(InputError):
            QuantileBand(q1, q2)
    for parameters in ({"alternative": "less"}, {"method": "partition"}, {"ordering": "rank"}):
        with pytest.raises(InputError):
            BatchPredictor(QuantileBand(0.2, 0.8), **parameters).fit(SCORES)
    with pytest.raises(InputError, match="n_test"):
        BatchPredictor(QuantileBand(0.2, 0.8)).fit(SCORES, SCORES).predict_interval(SCORES)


# ---- step by step


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4), st.sampled_from([1, -1]))
@pytest.mark.parametrize("statistic", [TOTAL, LARGEST, PRODUCT, SOFT], ids=["sum", "max", "product", "soft"])
def test_program_against_every_rank_vector(statistic, seed, n, m, sign):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.choice([-1.0, 0.0, 0.5, 2.0], n))[::sign]
    q = int(rng.integers(m, m * n + 1))
    reached = [
        float(statistic.evaluate(np.array([scores[r - 1] for r in ranks])))
        for ranks in product(range(1, n + 1), repeat=m)
        if sum(ranks) <= q
    ]
    best = max(reached) if sign > 0 else min(reached)
    assert composite_best(scores, m, q, statistic, sign) == pytest.approx(best, rel=1e-12, abs=1e-12)


def test_a_sum_built_by_hand_is_the_sum():
    q = RankLaw(40, 6).rank_sum_quantile(0.9)
    padded = np.append(np.sort(SCORES), 4.0)
    assert composite_best(padded, 6, q, TOTAL, 1) == pytest.approx(naive_mean_program(padded, 6, q), abs=1e-12)
    for alternative in ("two-sided", "less", "greater"):
        for support in ((-np.inf, np.inf), (-4, 4)):
            parameters = {"alternative": alternative, "support": support, "method": "exact"}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InfiniteBoundWarning)
                ours, plain = (
                    BatchPredictor(statistic, 0.8, **parameters).fit(SCORES).predict_interval(n_test=6)
                    for statistic in (TOTAL, "sum")
                )
            np.testing.assert_allclose(ours.to_numpy(), plain.to_numpy(), rtol=1e-10)
            assert ours.attained_level == plain.attained_level


@pytest.mark.parametrize("statistic", [TOTAL, LARGEST, PRODUCT, SOFT], ids=["sum", "max", "product", "soft"])
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_composite_coverage_over_every_split(statistic, alternative):
    pooled, level = np.array([0.1, 0.1, -1.0, 2.0, 0.7, -2.0, 1.1, 3.0]), 0.6
    covered, splits = 0, list(combinations(range(8), 2))
    for batch in splits:
        predictor = BatchPredictor(statistic, level, alternative, (-3, 4), method="exact")
        interval = predictor.fit(np.delete(pooled, batch)).predict_interval(n_test=2)
        covered += interval.contains(float(statistic.evaluate(pooled[list(batch)])))
    assert Fraction(covered, len(splits)) >= Fraction(str(level))


@pytest.mark.parametrize("law", ["normal", "poisson"])
def test_composite_coverage_of_batches(law):
    rng, reps, covered = np.random.default_rng(3), 400, 0
    for i in range(reps):
        scores = rng.normal(size=105) if law == "normal" else rng.poisson(1.0, 105).astype(float)
        interval = BatchPredictor(SOFT, 0.8, random_state=i).fit(scores[:100]).predict_interval(n_test=5)
        assert interval.method == "partition"
        covered += interval.contains(float(SOFT.evaluate(scores[100:])))
    assert stats.binom.cdf(covered, reps, interval.attained_level) > 1e-5


def test_outcomes_of_a_composite_need_batches():
    predictor = BatchPredictor(SOFT, 0.8).fit(SCORES, SCORES[::-1])
    with pytest.warns(InfiniteBoundWarning, match="90 calibration rows"):
        assert np.isinf(predictor.predict_interval(SCORES[:10]).width)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda u, s: u - s, "must not fall"),
        (lambda u, s: -u + s, "must not fall"),
        (lambda u, s: u + np.sin(9 * s), "must not fall"),
        (lambda u, s: u * np.nan, "must return numbers"),
        (lambda u, s: "a", "must return numbers"),
        (lambda u, s: np.ones(3), "must return numbers"),
    ],
)
def test_steps_that_fall_are_found_out(step, words):
    predictor = BatchPredictor(Compositional(step, 0.0), method="exact", support=(-9, 9)).fit(SCORES)
    with pytest.raises(InputError, match=words):
        predictor.predict_interval(n_test=3)


@pytest.mark.parametrize(
    "parameters",
    [{"method": "bonferroni"}, {"ordering": "capped", "confidence_level": 0.999}, {"support": (-np.inf, np.inf)}],
)
@pytest.mark.parametrize(
    ("step", "finish", "words"),
    [
        (lambda u, s: u - s, None, "step of a Compositional must not fall"),
        (lambda u, s: s - 0.3 * u, None, "step of a Compositional must not fall"),
        (np.add, lambda u, m: -u, "finish of a Compositional must not fall"),
        (np.add, lambda u, m: abs(u), "finish of a Compositional must not fall"),
        (max, None, "element by element"),
    ],
)
@pytest.mark.filterwarnings("ignore::uq.exceptions.InfiniteBoundWarning")
def test_falls_are_found_out_where_no_program_runs(parameters, step, finish, words):
    statistic = Compositional(step, 0.0, finish)
    parameters = {"method": "exact", "support": (-9, 9), "confidence_level": 0.99} | parameters
    with pytest.raises(InputError, match=words):
        BatchPredictor(statistic, **parameters).fit(SCORES).predict_interval(n_test=30)


@pytest.mark.parametrize("method", ["exact", "bonferroni", "partition"])
@pytest.mark.parametrize("step", [max, lambda u, s: u + s if u > 0 else s])
def test_steps_of_single_numbers_are_told_the_way(method, step):
    predictor = BatchPredictor(Compositional(step, 0.0), method=method, support=(-9, 9)).fit(SCORES)
    with pytest.raises(InputError, match=r"use np\.maximum in place of max"):
        predictor.predict_interval(n_test=3)


@pytest.mark.parametrize("method", ["exact", "bonferroni", "partition"])
@pytest.mark.filterwarnings("ignore::uq.exceptions.InfiniteBoundWarning")
def test_finish_may_not_fall_in_the_program_and_overflow_is_quiet(method):
    explosive = Compositional(lambda u, s: u + np.exp(900 * s), 0.0, lambda u, m: np.log(u) + np.exp(u) / 9)
    predictor = BatchPredictor(explosive, alternative="less", method=method, support=(-9, 9)).fit(SCORES)
    assert predictor.predict_interval(n_test=3).upper == np.inf
    if method == "exact":
        falling = BatchPredictor(Compositional(np.add, 0.0, lambda u, m: abs(u)), method=method, support=(-9, 9))
        with pytest.raises(InputError, match="finish of a Compositional must not fall"):
            falling.fit(SCORES).predict_interval(n_test=3)


def test_a_drawn_mean_of_many_rows_takes_the_bound():
    scores = np.random.default_rng(8).normal(size=10**5)
    interval = BatchPredictor(method="monte_carlo").fit(scores).predict_interval(n_test=10)
    wide = BatchPredictor(method="bound").fit(scores).predict_interval(n_test=10)
    assert interval.method == "monte_carlo (bound), capped ordering"
    assert interval.lower == pytest.approx(wide.lower, rel=0.02)
    assert interval.upper == pytest.approx(wide.upper, rel=0.02)


def test_bad_composites():
    with pytest.raises(InputError, match="callable"):
        Compositional(3, 0.0)
    with pytest.raises(InputError, match="init"):
        Compositional(np.add, np.nan)
    with pytest.raises(InputError, match="are done"):
        BatchPredictor(TOTAL, method="exact", support=(-9, 9)).fit(np.zeros(3000)).predict_interval(n_test=100)


# ---- draws


@pytest.mark.parametrize("statistic", ["mean", "median", Quantile(0.8), TOTAL], ids=str)
@pytest.mark.parametrize("ordering", ["rank", "capped"])
def test_drawn_levels_are_near_and_say_what_they_attain(statistic, ordering):
    parameters = {"ordering": ordering} if statistic in ("mean", TOTAL) else {}
    predictor = BatchPredictor(statistic, 0.8, "less", (-5, 5), method="monte_carlo", **parameters).fit(SCORES)
    interval = predictor.predict_interval(n_test=7)
    assert interval.guarantee == "asymptotic"
    exact = BatchPredictor(statistic, 0.8, "less", (-5, 5), method="exact", **parameters).fit(SCORES)
    exact = exact.predict_interval(n_test=7)
    assert exact.guarantee in ("exact", "finite-sample")
    assert interval.attained_level == pytest.approx(exact.attained_level, abs=0.03)
    assert interval.upper == pytest.approx(exact.upper, abs=0.5)


@pytest.mark.slow
def test_draws_do_not_depend_on_the_workers():
    uppers = {
        BatchPredictor("mean", 0.8, "less", (-5, 5), method="monte_carlo", ordering="rank", n_jobs=n_jobs)
        .fit(SCORES)
        .predict_interval(n_test=9)
        .upper
        for n_jobs in (None, 1, 2)
    }
    assert len(uppers) == 1


@pytest.mark.slow
def test_the_draw_with_the_plus_one_holds_on_average():
    """19 draws at 90 %: the 18th of them with the +1, the 17.1th without it."""
    levels = [
        BatchPredictor("mean", 0.9, "less", (-9, 9), "rank", "monte_carlo", n_resamples=19, random_state=i)
        .fit(SCORES)
        .predict_interval(n_test=6)
        .attained_level
        for i in range(1000)
    ]
    assert np.mean(levels) >= 0.9 - 4 * np.std(levels) / np.sqrt(len(levels))
    assert np.mean(levels) < 0.93


def test_draws_too_few_for_the_level_say_so():
    predictor = BatchPredictor("max", 0.99, "less", method="monte_carlo", n_resamples=50).fit(np.arange(2000.0))
    with pytest.warns(InfiniteBoundWarning, match="method='exact'"):
        interval = predictor.predict_interval(n_test=2)
    assert interval.upper == np.inf


def test_every_configuration_is_drawn_alike():
    ranks = RankLaw(3, 3).sample(20_000, rng=1)
    counts = np.array([(ranks == r).all(axis=1).sum() for r in configurations(3, 3)])
    assert stats.chisquare(counts).pvalue > 1e-5
