"""Batches whose rows count differently: weights, scales, density ratios; and what rounding may not lose."""

import warnings
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from conformal import BatchPredictor, Quantile
from conformal._item_bound import item_bound
from uq.exceptions import InfiniteBoundWarning, InputError

SCORES = np.random.default_rng(0).normal(size=200)


def unsorted_program(scores, coefficients, q):
    """Greatest sum_j c_j S_(r_j) with sum r_j <= q over all rank vectors: row by row over sums and ranks."""
    best = np.full(q + 1, -np.inf)
    best[0] = 0.0
    for c in coefficients:
        new = np.full(q + 1, -np.inf)
        for r, s in enumerate(scores, start=1):
            if r <= q:
                np.maximum(new[r:], best[: q + 1 - r] + c * s, out=new[r:])
        best = new
    return best.max()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6))
def test_lagrangian_bound_against_the_unsorted_program(seed, n, m):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.choice([rng.normal(size=n), rng.integers(-2, 3, n).astype(float), np.exp(rng.normal(size=n))]))
    coefficients = rng.choice([rng.random(m), rng.integers(0, 3, m).astype(float), np.ones(m)])
    q = int(rng.integers(m, m * n + 1))
    best = unsorted_program(scores, coefficients, q)
    bound = item_bound(scores, coefficients, q)
    assert bound >= best - 1e-12 * max(1, abs(best))
    # the ranks of the Lagrangian differ from an allowed vector in one row's step between two corners
    assert bound <= best + coefficients.max() * np.ptp(scores) + 1e-9


def test_lagrangian_bound_is_the_concave_one_where_rows_count_alike():
    predictor = BatchPredictor("mean", support=(-5, 5), alternative="less", method="bound").fit(SCORES)
    plain = predictor.predict_interval(n_test=120).upper
    from conformal._mean_bound import rank_quantile
    from conformal._one_sided import Side

    side = Side(np.sort(SCORES), 5.0, 120, Fraction(9, 10))
    q = rank_quantile(side, False)[0]
    usable = np.append(side.scores, 5.0)[: q - 119]
    assert item_bound(usable, np.full(120, 1 / 120), q) == pytest.approx(plain, abs=1e-9)
    weighted = predictor.predict_interval(n_test=120, sample_weight=np.full(120, 3.0))
    assert weighted.upper == plain
    nearly = predictor.predict_interval(n_test=120, sample_weight=np.r_[np.full(119, 1.0), 1.0001]).upper
    assert nearly == pytest.approx(plain, abs=1e-3)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("statistic", ["mean", "sum"])
@pytest.mark.parametrize("support", [(-np.inf, np.inf), (-3.0, 9.0)])
def test_weighted_coverage_over_every_split_and_order(alternative, statistic, support):
    pool = np.array([0.1, 0.1, -1.3, 2.0, 5.5, -2.1, 0.7, 3.0])
    weights = np.array([1.0, 2.5])
    n, m, level = 6, 2, 0.6
    covered = total = 0
    for batch in combinations(range(n + m), m):
        rest = np.delete(pool, batch)
        predictor = BatchPredictor(statistic, level, alternative, support).fit(rest)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            interval = predictor.predict_interval(n_test=m, sample_weight=weights)
        for order in permutations(batch):
            value = (weights * pool[list(order)]).sum() / (weights.sum() if statistic == "mean" else 1)
            covered += interval.contains(value)
            total += 1
    assert Fraction(covered, total) >= Fraction(str(level))


@pytest.mark.parametrize("statistic", ["mean", "median", "max", Quantile(0.3)], ids=str)
@pytest.mark.parametrize("method", ["auto", "exact"])
def test_scaled_coverage_over_every_split(statistic, method):
    """Rows are (prediction, scale, outcome) together; any two of them may be the batch."""
    rng = np.random.default_rng(1)
    n, m, level = 8, 2, 0.6
    mu, sigma = rng.normal(scale=3, size=n + m), rng.choice([0.5, 1.0, 4.0], n + m)
    y = mu + sigma * rng.choice([-1.0, 0.1, 0.4, 2.0], n + m)
    method = "bound" if statistic == "mean" and method == "exact" else method
    covered = 0
    splits = list(combinations(range(n + m), m))
    for batch in map(list, splits):
        rest = np.setdiff1d(np.arange(n + m), batch)
        predictor = BatchPredictor(statistic, level, "less", (-3, 3), method=method)
        predictor.fit(mu[rest], y[rest], y_std=sigma[rest])
        interval = predictor.predict_interval(mu[batch], y_std=sigma[batch])
        ordered = np.sort(y[batch])
        value = {"mean": ordered.mean(), "median": ordered.mean(), "max": ordered[-1]}.get(statistic, ordered[0])
        covered += interval.contains(value)
    # "partition" is exchangeable over orders of the rows, and here their order is fixed: see the simulation
    assert Fraction(covered, len(splits)) >= Fraction(str(level)) or method == "auto"


@pytest.mark.slow
@pytest.mark.parametrize("law", ["normal", "poisson"])
@pytest.mark.parametrize("statistic", ["mean", "max"])
def test_scales_make_the_interval_follow_the_batch(law, statistic):
    rng, reps, covered, widths = np.random.default_rng(2), 300, 0, []
    for i in range(reps):
        sigma = rng.choice([0.2, 3.0], 220)
        mu = rng.normal(size=220)
        y = mu + sigma * (rng.normal(size=220) if law == "normal" else rng.poisson(1.0, 220))
        predictor = BatchPredictor(statistic, 0.8, random_state=i).fit(mu[:200], y[:200], y_std=sigma[:200])
        interval = predictor.predict_interval(mu[200:], y_std=sigma[200:])
        widths.append((sigma[200:].mean(), interval.width))
        covered += interval.contains(y[200:].mean() if statistic == "mean" else y[200:].max())
    assert stats.binom.cdf(covered, reps, 0.8) > 1e-5
    assert np.corrcoef(np.array(widths).T)[0, 1] > 0.3


# ---- rounding


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 0.9, -0.1, 1e9 + 0.1])
@pytest.mark.parametrize("m", [2, 3, 20, 600, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ["exact", "bound", "bonferroni", "capped", "weights", "partition", "weighted"])
def test_constant_scores_are_not_lost_to_rounding(value, m, method):
    n = 20 * m if method in ("partition", "bonferroni", "weighted") or m < 20 else 40
    scores = np.full(n, value)
    parameters = {"capped": {"ordering": "capped"}, "weights": {"ordering": [0] * (n // 2) + [1] * (n - n // 2 + 1)}}
    fixed = parameters.get(method, {"method": method if method != "weighted" else "auto"})
    extra = {"sample_weight": np.where(np.arange(m) % 2, 0.3, 0.7)} if method == "weighted" else {}
    support = (min(value, 0.0), max(value, 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        interval = BatchPredictor("mean", 0.9, support=support, **fixed).fit(scores).predict_interval(n_test=m, **extra)
    batch = np.full(m, value)
    assert interval.contains(batch.mean() if not extra else np.average(batch, weights=extra["sample_weight"]))
    assert interval.contains(np.float64(sum(batch.tolist()) / m) if not extra else value)


def test_predictions_in_any_order_leave_room_for_rounding():
    """The largest prediction stands anywhere; the hair that tied residuals need is measured by it."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        p = np.where(rng.random(20 * 87) < 0.1, rng.exponential(size=20 * 87) * 1e6, 0.0)
        y = p + 0.1
        covered += BatchPredictor("mean").fit(p[87:], y[87:]).predict_interval(p[:87]).contains(y[:87].mean())
    assert covered == 100


# ---- another population


def test_density_ratio_by_simulation_and_the_invalid_shortcut():
    """Controls kept in proportion to the ratio look like the treated; the plain interval does not cover them."""
    rng, reps = np.random.default_rng(5), 300
    covered, plain, kept = 0, 0, []
    for i in range(reps):
        x = rng.random(900)  # features of the controls, density 1; those of the batch have density 2 x
        scores = x + 0.3 * rng.normal(size=900)
        batch_x = np.sqrt(rng.random(10))
        batch = batch_x + 0.3 * rng.normal(size=10)
        predictor = BatchPredictor("mean", 0.8, ratio_bound=2.0, random_state=i)
        predictor.fit(scores, density_ratio=2 * x)
        kept.append(predictor.n_effective_)
        covered += predictor.predict_interval(n_test=10, density_ratio=2 * batch_x).contains(batch.mean())
        plain += BatchPredictor("mean", 0.8).fit(scores).predict_interval(n_test=10).contains(batch.mean())
    assert stats.binom.cdf(covered, reps, 0.8) > 1e-5
    assert stats.binom.cdf(plain, reps, 0.8) < 1e-5
    assert np.mean(kept) == pytest.approx(450, rel=0.05)
    assert predictor.n_calibration_ == 900


@pytest.mark.parametrize(
    ("fitted", "asked", "words"),
    [
        ({"density_ratio": [2.5] * 200}, None, "ratio_bound"),
        ({"density_ratio": [-0.1] * 200}, None, "ratio_bound"),
        ({"density_ratio": [1.0] * 3}, None, "per row"),
        ({"density_ratio": [np.nan] * 200}, None, "NaN"),
        ({"density_ratio": [1.0] * 200}, {}, "both fit and predict_interval"),
        ({"density_ratio": [1.0] * 200}, {"density_ratio": [2.1] * 3}, "ratio_bound"),
        ({}, {"density_ratio": [1.0] * 3}, "both fit and predict_interval"),
        ({}, {"sample_weight": [1.0, 2.0]}, "one weight per row"),
        ({}, {"sample_weight": [-1.0, 2.0, 1.0]}, "non-negative"),
        ({}, {"y_std": [1.0, 2.0, 1.0]}, "y_std"),
        ({"y_std": [1.0] * 200}, None, "scores already"),
    ],
)
def test_bad_rows(fitted, asked, words):
    predictor = BatchPredictor(ratio_bound=2.0 if "density_ratio" in fitted else None)
    with pytest.raises(InputError, match=words):
        predictor.fit(SCORES, **fitted).predict_interval(n_test=3, **(asked or {}))


def test_a_ratio_bound_without_ratios_is_no_promise_about_another_population():
    with pytest.raises(InputError, match="ratio_bound goes with density_ratio"):
        BatchPredictor(ratio_bound=2.0).fit(SCORES)


def test_nobody_knows_how_many_weights_are_left_by_a_density_ratio():
    predictor = BatchPredictor(ordering=list(range(201)), ratio_bound=2.0)
    with pytest.raises(InputError, match="do not go with density_ratio"):
        predictor.fit(SCORES, density_ratio=np.ones(200))


def test_the_ratio_bound_is_the_one_that_fit_saw():
    predictor = BatchPredictor(ratio_bound=2.0).fit(SCORES, density_ratio=np.ones(200))
    predictor.set_params(ratio_bound=9.0)
    with pytest.raises(InputError, match="ratio_bound = 2"):
        predictor.predict_interval(n_test=3, density_ratio=[1.0, 8.0, 1.0])


@pytest.mark.parametrize("smallest", [1e-320, 1e-200])
def test_a_scale_that_overflows_the_scores_is_named(smallest):
    sigma = np.append(np.ones(199), smallest)
    with pytest.raises(InputError, match=r"BatchPredictor.fit: y_std must not be so small"):
        BatchPredictor().fit(np.zeros(200), np.ones(200), y_std=sigma)


def test_bad_scales_and_weights_of_others():
    y = SCORES + 1
    for bad in ([0.0] * 200, [-1.0] * 200, [1.0] * 3):
        with pytest.raises(InputError, match="positive number per row"):
            BatchPredictor().fit(SCORES, y, y_std=bad)
    with pytest.raises(InputError, match="needs ratio_bound"):
        BatchPredictor().fit(SCORES, density_ratio=np.ones(200))
    with pytest.raises(InputError, match="y_std must be given"):
        BatchPredictor().fit(SCORES, y, y_std=np.ones(200)).predict_interval(SCORES[:3])
    with pytest.raises(InputError, match="sample_weight goes with"):
        BatchPredictor("max").fit(SCORES).predict_interval(n_test=2, sample_weight=[1, 2])
    predictor = BatchPredictor(method="exact", support=(-9, 9)).fit(SCORES, y, y_std=np.ones(200))
    with pytest.raises(InputError, match="rows that count alike"):
        predictor.predict_interval(SCORES[:3], y_std=[1, 2, 3])


def test_nothing_kept_is_an_infinite_answer():
    predictor = BatchPredictor(ratio_bound=1.0).fit(SCORES, density_ratio=np.zeros(200))
    with pytest.warns(InfiniteBoundWarning, match="none of 200"):
        interval = predictor.predict_interval(n_test=3, density_ratio=np.zeros(3))
    assert np.isinf(interval.width)


def test_parameters_are_those_of_fit():
    predictor = BatchPredictor("max", alternative="less").fit(SCORES)
    before = predictor.predict_interval(n_test=5)
    predictor.set_params(statistic="nope", support=(5, 6), method="nope")
    assert predictor.predict_interval(n_test=5) == before
    with pytest.raises(InputError):
        predictor.fit(SCORES)
    once = BatchPredictor(support=(end for end in (-9, 9))).fit(SCORES)
    assert once.predict_interval(n_test=300).lower > -9


@pytest.mark.parametrize(
    ("parameters", "n", "m"),
    [({"method": "exact", "support": (-99, 99)}, 100_000, 1000), ({"method": "monte_carlo"}, 100, 10**6)],
)
def test_what_would_take_hours_is_refused(parameters, n, m):
    with pytest.raises(InputError, match=r"are (done|drawn)"):
        BatchPredictor(**parameters).fit(np.zeros(n)).predict_interval(n_test=m)
