"""Risk and coverage: ties averaged over every order, weights as copies, identities, bands, precision of thresholds."""

import math
from functools import partial
from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from contracts import require, require_data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from calibration import aurc, error_at_confidence, risk_coverage_curve
from calibration._selective_core import _harmonic
from uq import estimate_mean, estimate_metric
from uq.exceptions import InputError


def areas_of_every_order(correct, confidence):
    """Return AURC and AUGRC of all orders that sort by falling confidence."""
    n = len(correct)
    found = []
    for order in permutations(range(n)):
        ordered = [confidence[i] for i in order]
        if all(a >= b for a, b in pairwise(ordered)):
            errors = np.cumsum([1 - correct[i] for i in order])
            found.append(((errors / np.arange(1, n + 1)).mean(), errors.mean() / n))
    return np.array(found)


ROWS = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0]), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_ties_over_every_order(rows):
    correct, confidence = zip(*rows, strict=True)
    orders = areas_of_every_order(correct, confidence)
    for j, kind in enumerate(("aurc", "generalized")):
        for ties, value in (
            ("average", orders[:, j].mean()),
            ("best", orders[:, j].min()),
            ("worst", orders[:, j].max()),
        ):
            assert aurc(correct, confidence, kind=kind, ties=ties) == pytest.approx(value, abs=1e-13)
    oracle = areas_of_every_order(correct, correct)[:, 0].min()
    assert aurc(correct, confidence, kind="excess") == pytest.approx(orders[:, 0].mean() - oracle, abs=1e-13)
    curve = risk_coverage_curve(correct, confidence, ties="average")
    assert curve.y.mean() == pytest.approx(aurc(correct, confidence), abs=1e-13)


def data(n=200, levels=7, seed=0):
    rng = np.random.default_rng(seed)
    confidence = rng.integers(0, levels, n) / levels
    return (rng.random(n) < 0.3 + 0.5 * confidence).astype(float), confidence


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 9))
def test_generalized_area_is_a_function_of_auroc_and_accuracy(seed, n, levels):
    correct, confidence = data(n, levels, seed)
    a = 1 - correct.mean()
    auroc = roc_auc_score(correct, confidence) if 0 < a < 1 else 0.5
    expected = (1 - auroc) * a * (1 - a) + a**2 / 2 + a / (2 * n)
    assert aurc(correct, confidence, kind="generalized") == pytest.approx(expected, abs=1e-13)


def test_excess_of_the_oracle_is_zero_and_its_area_is_the_closed_form():
    correct, _ = data()
    n, e = len(correct), int((1 - correct).sum())
    closed = sum((i - (n - e)) / i for i in range(n - e + 1, n + 1)) / n
    assert aurc(correct, correct + np.linspace(0, 0.1, n)) >= aurc(correct, correct, ties="best") - 1e-13
    assert aurc(correct, correct, ties="best") == pytest.approx(closed, abs=1e-13)
    assert aurc(correct, correct, kind="excess") == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("kind", ["aurc", "excess", "generalized"])
@pytest.mark.parametrize("ties", ["average", "best", "worst"])
@pytest.mark.parametrize("graded", [False, True])
def test_a_weight_is_so_many_copies(kind, ties, graded):
    correct, confidence = data(60)
    correct = np.where(np.arange(60) % 5 == 0, 0.5, correct) if graded else correct
    weights = np.random.default_rng(1).integers(0, 4, 60)
    twice = np.repeat(np.arange(60), weights)
    weighted = aurc(correct, confidence, kind=kind, ties=ties, sample_weight=weights)
    assert weighted == pytest.approx(aurc(correct[twice], confidence[twice], kind=kind, ties=ties), abs=1e-13)
    plain = aurc(correct, confidence, kind=kind, ties=ties)
    for same in (np.ones(60), np.full(60, 1 / 60), np.full(60, 1e-12)):
        assert aurc(correct, confidence, kind=kind, ties=ties, sample_weight=same) == pytest.approx(plain, abs=1e-13)


def test_many_rows_against_the_sum_over_rows():
    rng = np.random.default_rng(0)
    n = 10**5
    confidence = rng.random(n)
    correct = (rng.random(n) < confidence).astype(float)
    risk = np.cumsum(1 - correct[np.argsort(-confidence)]) / np.arange(1, n + 1)
    assert aurc(correct, confidence) == pytest.approx(risk.mean(), rel=1e-13)
    assert aurc(correct, confidence, sample_weight=np.ones(n)) == pytest.approx(risk.mean(), rel=1e-13)


OBJEXMT = {
    "gpt-4.1": (0.4754, 0.3937, 0.5602),
    "claude-sonnet-4": (0.3469, 0.2587, 0.4522),
    "Qwen3-235B-A22B-FP8": (0.5386, 0.3839, 0.6906),
    "kimi-k2": (0.3694, 0.2865, 0.4624),
    "deepseek-v3.1": (0.3670, 0.2535, 0.4990),
    "gemini-2.5-flash": (0.4349, 0.2978, 0.5901),
}


def test_the_objexmt_table_and_what_sorting_alone_can_do_to_it():
    table = pd.read_parquet(require_data("calibration/objexmt_predictions.parquet"))
    for model, rows in table.groupby("model"):
        values = [aurc(rows.predicted, rows.confidence, ties=ties) for ties in ("average", "best", "worst")]
        np.testing.assert_allclose(values, OBJEXMT[model], atol=5e-5)
        shuffled = rows.sample(frac=1, random_state=0)
        assert aurc(shuffled.predicted, shuffled.confidence) == pytest.approx(values[0], abs=1e-13)


# ---- the curve


def test_curve_against_the_loop():
    correct, confidence = data()
    curve = risk_coverage_curve(correct, confidence)
    for x, y, count, cut in zip(curve.x, curve.y, curve.count, np.unique(confidence)[::-1], strict=True):
        accepted = confidence >= cut
        assert (x, y, count) == pytest.approx((accepted.mean(), 1 - correct[accepted].mean(), accepted.sum()))
    assert risk_coverage_curve(correct, confidence, x="threshold").x.tolist() == np.unique(confidence)[::-1].tolist()
    assert curve.guarantee == "none"


@pytest.mark.parametrize("ties", ["best", "worst"])
def test_curve_of_the_best_and_the_worst_order(ties):
    correct, confidence = data()
    assert risk_coverage_curve(correct, confidence, ties=ties).y.mean() == pytest.approx(
        aurc(correct, confidence, ties=ties), abs=1e-13
    )


def test_band_is_clopper_pearson_of_each_threshold():
    correct, confidence = data()
    curve = risk_coverage_curve(correct, confidence, confidence_level=0.9)
    assert curve.guarantee == "finite-sample"
    for low, high, cut in zip(curve.lower, curve.upper, np.unique(confidence)[::-1], strict=True):
        wrong = 1 - correct[confidence >= cut]
        exact = stats.binomtest(int(wrong.sum()), len(wrong)).proportion_ci(0.9)
        np.testing.assert_allclose((low, high), exact, atol=1e-12)


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_clustered_band_is_that_of_estimate_mean_on_the_accepted():
    correct, confidence = data()
    groups = np.arange(200) // 3
    curve = risk_coverage_curve(correct, confidence, groups=groups, confidence_level=0.95)
    assert (curve.guarantee, curve.method) == ("asymptotic", "cluster, pointwise")
    for low, high, cut in zip(curve.lower, curve.upper, np.unique(confidence)[::-1], strict=True):
        accepted = confidence >= cut
        interval = estimate_mean(1 - correct[accepted], groups[accepted]).conf_int(0.95)
        np.testing.assert_allclose((low, high), (max(interval.lower, 0), min(interval.upper, 1)), atol=1e-12)


def test_weighted_band_is_that_of_copied_clusters():
    correct, confidence = data()
    weights, groups = np.random.default_rng(3).integers(0, 3, 200), np.arange(200) // 4
    twice = np.repeat(np.arange(200), weights)
    weighted = risk_coverage_curve(correct, confidence, sample_weight=weights, groups=groups, confidence_level=0.9)
    copied = risk_coverage_curve(correct[twice], confidence[twice], groups=groups[twice], confidence_level=0.9)
    for name in ("x", "y", "lower", "upper"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(copied, name), atol=1e-12)
    assert weighted.count[-1] == (weights > 0).sum()


def test_one_cluster_or_no_variation_says_nothing():
    curve = risk_coverage_curve([1, 1, 1, 0], [4, 3, 2, 1], groups=[0, 0, 1, 1], confidence_level=0.9)
    assert (curve.lower[:3] == 0).all()
    assert (curve.upper[:3] == 1).all()


# ---- errors above a threshold


def test_error_at_confidence_against_the_mean():
    correct, confidence = data()
    accepted = confidence >= 4 / 7
    assert error_at_confidence(correct, confidence, 4 / 7) == pytest.approx(1 - correct[accepted].mean())
    weights = np.arange(200.0)
    expected = np.average(1 - correct[accepted], weights=weights[accepted])
    assert error_at_confidence(correct, confidence, 4 / 7, sample_weight=weights) == pytest.approx(expected)


SINGLES = {
    "numpy": lambda x: x,
    "half": lambda x: x.astype(np.float16),
    "big-endian": lambda x: x.astype(">f4"),
    "widened": lambda x: x.astype(np.float64),
    "widened half": lambda x: x.astype(np.float16).astype(np.float64),
    "list": list,
    "pandas": pd.Series,
    "nullable": lambda x: pd.Series(x).astype("Float32"),
    "pyarrow": lambda x: require("pyarrow").array(x),
    "polars": lambda x: require("polars").Series(x),
    "torch": lambda x: require("torch").tensor(x),
    "bfloat16": lambda x: require("torch").tensor(x).bfloat16(),
    "double": lambda x: np.round(x.astype(np.float64), 2),
}


@pytest.mark.parametrize("kind", SINGLES)
def test_every_multiple_of_a_twentieth_reaches_itself(kind):
    confidence = (np.arange(21) / 20).astype(np.float32)
    stored = SINGLES[kind](confidence)
    for k in range(21):
        correct = np.zeros(21)
        correct[k] = 1  # wrong but for the one that stands on the threshold
        assert error_at_confidence(correct, stored, k / 20) == pytest.approx(1 - 1 / (21 - k))


@pytest.mark.parametrize("threshold", [3 / 7, 1 / 3, 0.1 + 0.2])
def test_a_threshold_is_read_in_single_precision(threshold):
    confidence = np.array([threshold, threshold + 0.1], dtype=np.float32)
    assert error_at_confidence([0, 1], confidence, threshold) == 0.5


def test_a_threshold_just_above_leaves_doubles_out():
    assert error_at_confidence([0, 1], [0.5, 1.0], np.nextafter(0.5, 1)) == 0
    assert error_at_confidence([0, 1], [0.5, 1.0], 0.5 + 1e-9) == 0


def test_nobody_above_the_threshold():
    with pytest.raises(InputError, match=r"got 0\.9, and confidences up to 0\.8"):
        error_at_confidence([1, 0], [0.5, 0.8], 0.9)
    assert np.isnan(error_at_confidence([1, 0], [0.5, 0.8], 0.9, empty="nan"))
    with pytest.raises(InputError, match="positive weight"):
        error_at_confidence([1, 0], [0.5, 0.8], 0.7, sample_weight=[1, 0])


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_intervals_through_estimate_metric():
    correct, confidence = data()
    groups = np.arange(200) // 4
    for metric in (aurc, partial(aurc, kind="excess"), partial(error_at_confidence, threshold=3 / 7)):
        estimate = estimate_metric(metric, correct, confidence, groups=groups, n_resamples=99, rng=0)
        assert estimate.estimate == pytest.approx(metric(correct, confidence))
        assert metric(correct, confidence, groups=groups) == metric(correct, confidence)
    weights = np.ones(200)
    estimate_metric(aurc, correct, confidence, sample_weight=weights, n_resamples=29, rng=0)


# ---- bad input


@pytest.mark.parametrize("metric", [aurc, risk_coverage_curve, partial(error_at_confidence, threshold=0.1)])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"correct": [1, 2]}, "a share between them"),
        ({"correct": [1, np.nan]}, "finite"),
        ({"correct": [], "confidence": []}, "at least one row"),
        ({"correct": [1]}, "as many rows"),
        ({"confidence": [np.inf, 0]}, "finite"),
        ({"confidence": ["a", "b"]}, "real numbers"),
        ({"sample_weight": [0, 0]}, "not all zero"),
        ({"sample_weight": [1]}, "one weight per row"),
        ({"groups": [1, 1]}, "at least 2 different labels"),
    ],
)
def test_bad_rows(metric, arguments, message):
    given_ = {"correct": [1, 0], "confidence": [0.5, 0.6], **arguments}
    with pytest.raises(InputError, match=message):
        metric(**given_)


@pytest.mark.parametrize(
    "call",
    [
        lambda: aurc([1, 0], [1, 2], kind="area"),
        lambda: aurc([1, 0], [1, 2], ties="together"),
        lambda: risk_coverage_curve([1, 0], [1, 2], x="risk"),
        lambda: risk_coverage_curve([1, 0], [1, 2], ties="first"),
        lambda: risk_coverage_curve([1, 0], [1, 2], confidence_level=95),
        lambda: risk_coverage_curve([1, 0], [1, 2], ties="average", confidence_level=0.9),
        lambda: error_at_confidence([1, 0], [1, 2], np.nan),
        lambda: error_at_confidence([1, 0], [1, 2], [1, 2]),
        lambda: error_at_confidence([1, 0], [1, 2], 1, empty="omit"),
    ],
)
def test_bad_options(call):
    with pytest.raises(InputError):
        call()


def test_sums_of_reciprocals_against_term_by_term():
    """Blocks of one row, early and late ones, all in one call; and by fractions, against one more whole row."""
    n = np.repeat([0, 1, 5, 97, 98, 99, 100, 101, 5_000], 4).astype(float)
    m = np.tile([1, 2, 7, 300], 9).astype(float)
    plain = [math.fsum(1 / (a + j) for j in range(1, int(b) + 1)) for a, b in zip(n, m, strict=True)]
    np.testing.assert_allclose(_harmonic(n, m), plain, rtol=1e-11)
    part = m - 0.375
    np.testing.assert_allclose(_harmonic(n, part + 1), _harmonic(n, part) + 1 / (n + part + 1), rtol=1e-11)
