"""BatchPredictor as an estimator of outputs: the contract, what it refuses, what it warns of, what it chooses."""

import re
import warnings

import numpy as np
import pytest
from contracts.outputs import OutputEstimatorContract
from sklearn.exceptions import NotFittedError

from conformal import BatchPredictor, Quantile, RankLaw
from uq import WrappedModel, citation
from uq.exceptions import InfiniteBoundWarning, InputError


class TestMean(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return BatchPredictor("mean", support=(-9, 9), method="exact")


class TestMax(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return BatchPredictor("max", 0.6, "less", method="exact")


class TestQuantile(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return BatchPredictor(Quantile(0.5), random_state=3, method="exact")


SCORES = np.random.default_rng(0).normal(size=200)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"statistic": "mode"}, "Quantile"),
        ({"statistic": Quantile}, "statistic"),
        ({"statistic": 3}, "statistic"),
        ({"statistic": None}, "statistic"),
        ({"confidence_level": 0}, "confidence_level"),
        ({"confidence_level": 1}, "confidence_level"),
        ({"confidence_level": 1.5}, "confidence_level"),
        ({"confidence_level": "0.9"}, "confidence_level"),
        ({"alternative": "both"}, "alternative"),
        ({"method": "dp"}, "method"),
        ({"ordering": "none"}, "ordering"),
        ({"ordering": [1, 2, 3]}, "201 integer weights"),
        ({"ordering": [[1, 2]]}, "integer weights"),
        ({"support": (-1e308, 1e308)}, "1e\\+150"),
        ({"support": (0, 10**400)}, "pair"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"ratio_bound": 0}, "ratio_bound"),
        ({"ordering": np.linspace(0, 1, 201)}, "integer weights"),
        ({"ordering": -np.arange(201)}, "non-decreasing"),
        ({"ordering": np.arange(201), "method": "bound"}, "another method"),
        ({"ordering": "capped", "method": "partition"}, "takes no ordering"),
        ({"statistic": "median", "ordering": "rank"}, "is for statistic='mean'"),
        ({"statistic": "median", "method": "bound"}, "is for statistic='mean'"),
        ({"support": (0, 1)}, "support must contain every calibration score"),
        ({"support": (1, 0)}, "low < high"),
        ({"support": 3}, "pair"),
        ({"support": (np.nan, 1)}, "low < high"),
        ({"random_state": "a"}, "random_state"),
    ],
)
def test_bad_parameters_are_refused_by_fit(parameters, words):
    with pytest.raises(InputError, match=words):
        BatchPredictor(**parameters).fit(SCORES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([np.nan, 1.0],), "NaN"),
        (([np.inf, 1.0],), "infinite"),
        (([],), "at least one row"),
        (([1.0, 2.0], [1.0]), "as many rows"),
        (([1.0, 2.0], [1.0, np.nan]), "NaN"),
        (([[1.0, 2.0]],), "shape"),
        ((None,), "y_pred"),
    ],
)
def test_bad_data_are_refused_by_fit(arguments, words):
    with pytest.raises(InputError, match=words):
        BatchPredictor().fit(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_test": 0}, "n_test"),
        ({"n_test": 2.0}, "n_test"),
        ({"n_test": True}, "n_test"),
        ({"n_test": 10**8}, "at most"),
        ({}, "neither"),
        ({"n_test": 3, "y_pred": [1.0] * 3}, "both"),
        ({"y_pred": []}, "at least one row"),
        ({"y_pred": [np.nan]}, "NaN"),
        ({"n_test": 3, "confidence_level": 1.0}, "confidence_level"),
    ],
)
def test_bad_batches_are_refused(arguments, words):
    predictor = BatchPredictor().fit(SCORES, SCORES)
    with pytest.raises(InputError, match=words):
        predictor.predict_interval(**arguments)


def test_predictions_cannot_be_added_to_scores():
    with pytest.raises(InputError, match="without y"):
        BatchPredictor().fit(SCORES).predict_interval(np.zeros(3))


def test_partition_of_outcomes_compares_batches_with_their_predictions():
    rng = np.random.default_rng(0)
    y_pred, n, m = rng.normal(scale=5, size=200), 200, 20
    y = y_pred + rng.normal(size=200)
    batch = rng.normal(scale=5, size=m)
    for name, statistic in (("median", np.median), ("max", np.max)):
        predictor = BatchPredictor(name, 0.8, "less", random_state=4).fit(y_pred, y)
        interval = predictor.predict_interval(batch)
        order = np.random.default_rng(predictor._calibration.seed).permutation(n).reshape(-1, m)
        gaps = np.sort([statistic(y[rows]) - statistic(y_pred[rows]) for rows in order])
        assert interval.method == "partition"
        assert interval.upper == pytest.approx(statistic(batch) + gaps[8], abs=1e-12)  # ceil(.8 * 11) = 9
        assert interval.attained_level == pytest.approx(9 / 11)
        assert interval.guarantee == "exact"
        assert BatchPredictor(name, 0.8, "less").fit(y_pred, y).predict_interval(n_test=m).method == "exact"


def test_partition_beyond_its_batches_is_infinite_even_within_a_support():
    with pytest.warns(InfiniteBoundWarning):
        interval = BatchPredictor(method="partition", support=(-9, 9)).fit(SCORES[:50]).predict_interval(n_test=20)
    assert np.isinf(interval.width)


def test_weights_that_would_take_hours_are_refused():
    weights = np.arange(201) * 10**6
    with pytest.raises(InputError, match="coarser"):
        BatchPredictor(ordering=weights, support=(-9, 9)).fit(SCORES).predict_interval(n_test=20)


def test_before_fit():
    with pytest.raises(NotFittedError):
        BatchPredictor().predict_interval(n_test=3)


# ---- infinite, and what would make it finite


@pytest.mark.parametrize("statistic", ["mean", "median", "min", "max", Quantile(0.8)], ids=str)
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("method", ["auto", "exact", "partition", "bonferroni"])
def test_the_warning_names_the_n_that_makes_it_finite(statistic, alternative, method):
    m = 7
    predictor = BatchPredictor(statistic, alternative=alternative, method=method)
    with pytest.warns(InfiniteBoundWarning) as caught:
        interval = predictor.fit(SCORES[:1]).predict_interval(n_test=m)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    words = str(caught[0].message)
    needed = [int(n) for n in re.findall(r"bound needs (\d+) calibration rows", words)]
    assert len(needed) == (2 if alternative == "two-sided" else 1)
    assert ("support" in words) == (method != "partition")
    asked = {"less": [interval.upper], "greater": [interval.lower], "two-sided": [interval.lower, interval.upper]}
    assert np.isinf(asked[alternative]).all()
    enough = np.random.default_rng(0).normal(size=max(needed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor.fit(enough).predict_interval(n_test=m)
    with pytest.warns(InfiniteBoundWarning):
        predictor.fit(enough[:-1]).predict_interval(n_test=m)


def test_rank_ordering_without_support_is_infinite_for_every_batch_of_two_or_more():
    for n, m in ((200, 2), (200, 20), (50, 40)):
        with pytest.warns(InfiniteBoundWarning, match="support"):
            assert (
                BatchPredictor(ordering="rank", alternative="less").fit(SCORES[:n]).predict_interval(n_test=m).upper
                == np.inf
            )


def test_a_finite_support_makes_it_finite():
    interval = BatchPredictor("mean", support=(-5, 5)).fit(SCORES[:10]).predict_interval(n_test=40)
    assert -5 < interval.lower < interval.upper < 5


# ---- what auto chooses


@pytest.mark.parametrize(
    ("n", "m", "support", "method"),
    [
        (200, 20, (-np.inf, np.inf), "partition"),
        (200, 20, (-9, 9), "partition"),
        (200, 1, (-np.inf, np.inf), "exact"),
        (100, 20, (-9, 9), "exact, rank ordering"),
    ],
)
def test_auto_for_the_mean(n, m, support, method):
    for scores in (SCORES[:n], np.exp(SCORES[:n])):
        predictor = BatchPredictor("mean", alternative="less", support=support).fit(scores)
        assert predictor.predict_interval(n_test=m).method == method


def test_auto_takes_the_majorant_where_the_program_is_long():
    scores = np.random.default_rng(0).random(20_000)
    predictor = BatchPredictor("mean", alternative="less", support=(0, 1)).fit(scores)
    interval = predictor.predict_interval(n_test=15_000)
    assert interval.method == "bound, rank ordering"
    assert 0.5 < interval.upper < 0.55


def test_capped_is_finite_between_its_own_n_and_that_of_partition():
    """1/error = 1/.15 is no integer: 6 batches for partition, n >= 17/3 m for the cap."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor = BatchPredictor("mean", 0.85, "less").fit(SCORES[:57])
        assert predictor.predict_interval(n_test=10).method == "exact, capped ordering"


def test_capped_rank_quantile_of_the_paper():
    assert RankLaw(200, 10).rank_sum_quantile(0.9) == 1252


# ---- seeds, levels, offsets


def test_a_seed_repeats_and_the_default_is_fixed():
    def upper(**parameters):
        return BatchPredictor("mean", alternative="less", **parameters).fit(SCORES).predict_interval(n_test=20).upper

    assert upper() == upper()
    assert upper(random_state=1) == upper(random_state=1)
    assert len({upper(random_state=seed) for seed in range(20)}) > 1
    assert upper(method="monte_carlo", random_state=5) == upper(method="monte_carlo", random_state=5)


def test_another_level_at_predict_time():
    predictor = BatchPredictor("max", alternative="less").fit(SCORES)
    asked = predictor.predict_interval(n_test=5, confidence_level=0.8)
    assert asked.confidence_level == 0.8
    assert asked.upper == BatchPredictor("max", 0.8, "less").fit(SCORES).predict_interval(n_test=5).upper


@pytest.mark.parametrize("statistic", ["mean", "sum"])
def test_predictions_move_the_mean(statistic):
    y_pred = np.linspace(0, 3, 200)
    predictor = BatchPredictor(statistic).fit(y_pred, y_pred + SCORES)
    batch = np.array([1.0, 5.0, -2.0])
    expected = predictor.predict_interval(n_test=3).shift(batch.mean() if statistic == "mean" else batch.sum())
    np.testing.assert_allclose(predictor.predict_interval(batch).to_numpy(), expected.to_numpy(), atol=1e-13)


def test_tied_outcomes_are_not_lost_to_rounding():
    """y_pred + (y - y_pred) is not always y, and with a constant outcome a hair would lose every batch."""
    rng = np.random.default_rng(0)
    y_pred, y = rng.random(60) * 3, np.full(60, 0.7)
    for statistic in ("mean", "median", "min", "max"):
        predictor = BatchPredictor(statistic, support=(-5, 5), method="exact").fit(y_pred[:50], y[:50])
        assert predictor.predict_interval(y_pred[50:]).contains(0.7)
    constant = BatchPredictor("mean", support=(0, 1), method="exact").fit(np.full(40, 0.1))
    for m in range(2, 40):
        assert constant.predict_interval(n_test=m).upper >= np.full(m, 0.1).mean()


def test_as_the_wrapper_of_a_model():
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = X @ [1.0, 2.0, 0.0] + rng.normal(size=300)
    wrapped = WrappedModel(LinearRegression().fit(X, y), BatchPredictor("mean")).fit(X, y)
    lower, upper = wrapped.predict_interval(X[:5])
    assert lower < upper


def test_cites_its_paper():
    assert "2409.13990" in citation(BatchPredictor())
