"""The binned calibration error against double loops, closed forms, scikit-learn and a known data set."""

import math
import warnings
from functools import partial

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require_data
from scipy import integrate, stats
from sklearn.calibration import calibration_curve
from test_calibration.slow_errors import slow_error, slow_square

from calibration import expected_calibration_error
from uq import estimate_metric
from uq.exceptions import InputError, SmallSampleWarning

NORMS = (1, 2, math.inf)


def draw(seed, n, kind):
    """Return y, p and weights: continuous, tied or certain forecasts, or those of three classes."""
    rng = np.random.default_rng(seed)
    if kind == "classes":
        p = rng.dirichlet(np.ones(3), n)
        return rng.integers(0, 3, n), p, rng.random(n)
    p = {"continuous": rng.random(n), "tied": rng.integers(0, 21, n) / 20, "certain": rng.integers(0, 2, n) * 1.0}[kind]
    return (rng.random(n) < 0.2 + 0.6 * p).astype(float), p, rng.random(n)


def quiet(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        return expected_calibration_error(*args, **kwargs)


@pytest.mark.parametrize("kind", ["continuous", "tied", "certain", "classes"])
@pytest.mark.parametrize("seed", range(4))
def test_plain_errors_against_the_double_loop(kind, seed):
    n, n_bins = (1, 2, 13, 60)[seed], (15, 1, 10, 7)[seed]
    y, p, w = draw(seed, n, kind)
    for reduction in ("confidence", "top_label", "classwise"):
        for norm in NORMS:
            for weights in (None, w):
                ours = quiet(y, p, n_bins=n_bins, norm=norm, reduction=reduction, sample_weight=weights)
                assert ours == pytest.approx(slow_error(y, p, n_bins, norm, reduction, weights), abs=1e-12)


@pytest.mark.parametrize("kind", ["continuous", "tied", "certain", "classes"])
@pytest.mark.parametrize("seed", range(4))
def test_the_debiased_square_against_all_pairs(kind, seed):
    n, n_bins = (1, 5, 13, 60)[seed], (15, 1, 10, 7)[seed]
    y, p, w = draw(seed, n, kind)
    clusters = np.arange(n) // 2
    for reduction in ("confidence", "top_label", "classwise"):
        for weights in (None, w):
            for groups in (None, clusters) if n > 2 else (None,):
                options = {"reduction": reduction, "sample_weight": weights, "groups": groups, "n_bins": n_bins}
                ours = quiet(y, p, norm=2, debias=True, squared=True, **options)
                slow = slow_square(y, p, n_bins, reduction, weights, groups)
                assert ours == pytest.approx(slow, abs=1e-12)
                assert quiet(y, p, norm=2, debias=True, **options) == pytest.approx(math.sqrt(max(slow, 0)), abs=1e-9)


def test_the_square_by_the_variance_of_the_residuals():
    """W_b (d^2 - s^2 / n), s^2 with divisor n - 1, is the same as the mean over pairs."""
    y, p, _ = draw(3, 200, "continuous")
    value = 0.0
    for b in range(10):
        r = (p - y)[(p >= b / 10) & (p < (b + 1) / 10)]
        value += len(r) / 200 * (r.mean() ** 2 - r.var(ddof=1) / len(r))
    ours = expected_calibration_error(y, p, n_bins=10, norm=2, debias=True, squared=True)
    assert ours == pytest.approx(value, abs=1e-14)


def test_debiased_norm_1_by_quadrature():
    y, p, _ = draw(3, 200, "continuous")
    plain = noisy = literature = 0.0
    for b in range(10):
        rows = (p >= b / 10) & (p < (b + 1) / 10)
        r, n = (p - y)[rows], rows.sum()
        for kind, variance in (("residual", r.var(ddof=1) / n), ("outcome", y[rows].var() / (n - 1))):
            law = stats.norm(r.mean(), math.sqrt(variance))
            mean = integrate.quad(lambda x, law=law: abs(x) * law.pdf(x), -1, 1, points=[0, r.mean()], limit=200)[0]
            noisy, literature = (
                (noisy + n / 200 * mean, literature) if kind == "residual" else (noisy, literature + n / 200 * mean)
            )
        plain += n / 200 * abs(r.mean())
    assert expected_calibration_error(y, p, n_bins=10, debias=True) == pytest.approx(2 * plain - noisy, abs=1e-7)
    assert expected_calibration_error(y, p, n_bins=10, debias="outcome") == pytest.approx(
        2 * plain - literature, abs=1e-7
    )


def test_forecasts_equal_within_bins_make_both_variances_one():
    rng = np.random.default_rng(0)
    p = rng.integers(0, 10, 500) / 10 + 0.05
    y = (rng.random(500) < p**2).astype(float)
    for norm in (1, 2):
        both = [expected_calibration_error(y, p, n_bins=10, norm=norm, debias=kind) for kind in ("residual", "outcome")]
        assert both[0] == pytest.approx(both[1], abs=1e-12)


@pytest.mark.parametrize("n_bins", [5, 10, 15])
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_against_scikit_learn(n_bins, strategy):
    rng = np.random.default_rng(n_bins)
    p = rng.random(900)
    y = (rng.random(900) < p**2).astype(int)
    share, mean = calibration_curve(y, p, n_bins=n_bins, strategy=strategy)
    if strategy == "uniform":
        count = np.bincount((p * n_bins).astype(int), minlength=n_bins)
    else:
        count = np.full(n_bins, 900 / n_bins)
    gap = np.abs(share - mean)
    ours = [expected_calibration_error(y, p, n_bins=n_bins, strategy=strategy, norm=norm) for norm in NORMS]
    assert ours == pytest.approx([count @ gap / 900, math.sqrt(count @ gap**2 / 900), gap.max()], abs=1e-12)


def test_cifar10():
    data = np.load(require_data("calibration/cifar10_vgg_probs.npz"))
    p, y = data["probs"], data["labels"]
    assert (p.argmax(axis=1) == y).mean() == pytest.approx(0.9359)
    assert expected_calibration_error(y, p) == pytest.approx(0.03978, abs=5e-6)
    # the correction of Kumar et al. on bins of equal size: .039654 in closed form, .03963 by their resampling
    quantile = expected_calibration_error(y, p, strategy="quantile", debias="outcome")
    assert quantile == pytest.approx(0.039654, abs=1e-6)


def test_binary_forecasts_are_held_against_y_and_not_against_the_accuracy():
    y, p = [0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]
    assert expected_calibration_error(y, p) == pytest.approx(0.1)
    assert expected_calibration_error([1 - v for v in y], p) == pytest.approx(0.9)
    two = np.column_stack([1 - np.array(p), p])
    assert expected_calibration_error([1 - v for v in y], two) == pytest.approx(0.9)
    assert expected_calibration_error(y, two) == pytest.approx(0.1)


@pytest.mark.parametrize(("y", "p", "error"), [([1, 0, 1], [1, 0, 1], 0), ([0, 1], [1, 0], 1), ([1, 0], [1, 1], 0.5)])
def test_certain_forecasts(y, p, error):
    """1 belongs into the last bin, not into one of its own."""
    for norm in NORMS:
        assert expected_calibration_error(y, p, norm=norm) == error
    assert expected_calibration_error([0, 1, 1, 1], [0.97, 1, 1, 1]) == pytest.approx(abs(0.97 - 0) / 4)


def test_one_forecast_for_all():
    y = np.r_[np.ones(30), np.zeros(70)]
    p = np.full(100, 0.42)
    assert expected_calibration_error(y, p) == pytest.approx(0.12)
    square = 0.12**2 - 0.3 * 0.7 / 99
    assert expected_calibration_error(y, p, norm=2, debias=True, squared=True) == pytest.approx(square)
    assert expected_calibration_error(y, np.full(100, 0.3), norm=2, debias=True) == 0
    assert expected_calibration_error(y, np.full(100, 0.3), norm=2, debias=True, squared=True) < 0


def test_shares_are_outcomes():
    p = np.array([0.2, 0.2, 0.7, 0.7])
    assert expected_calibration_error(p, p) == pytest.approx(0)
    hard = expected_calibration_error([1, 0, 0, 0], [0.2, 0.2, 0.7, 0.7])
    assert expected_calibration_error([0.5, 0.5, 0, 0], p) == pytest.approx(hard)


def test_rows_of_weight_0_are_not_there():
    y, p, w = draw(1, 80, "tied")
    w[::3] = 0
    for options in ({}, {"strategy": "quantile"}, {"strategy": "auto"}, {"norm": 2, "debias": True, "squared": True}):
        rest = quiet(y[w > 0], p[w > 0], sample_weight=w[w > 0], **options)
        assert quiet(y, p, sample_weight=w, **options) == pytest.approx(rest, abs=1e-14)
        for scale in (1e-300, 1e140):
            assert quiet(y, p, sample_weight=w * scale, **options) == pytest.approx(rest, abs=1e-12)
        same = quiet(y, p, sample_weight=np.full(80, 0.1), **options)
        assert same == pytest.approx(quiet(y, p, **options), abs=1e-12)


def test_groups_matter_to_the_debiased_square_alone():
    y, p, _ = draw(2, 200, "continuous")
    groups = np.repeat(np.arange(50), 4)
    for norm in NORMS:
        assert expected_calibration_error(y, p, norm=norm, groups=groups) == expected_calibration_error(y, p, norm=norm)
    square = partial(quiet, norm=2, debias=True, squared=True)
    assert square(y, p, groups=groups) != square(y, p)
    assert square(y, p, groups=np.arange(200)) == pytest.approx(square(y, p), abs=1e-14)
    # rows that were copied tell nothing new
    copied = [np.repeat(a, 3) for a in (y, p)]
    assert square(*copied, groups=np.repeat(np.arange(200), 3)) == pytest.approx(square(y, p), abs=1e-12)
    assert square(*copied) > square(y, p)


def test_labels_of_any_kind_name_the_columns():
    y, p, _ = draw(5, 100, "classes")
    words = np.array(["bee", "cat", "dog"])[y]
    for reduction in ("confidence", "top_label", "classwise"):
        wanted = expected_calibration_error(y, p, reduction=reduction)
        assert expected_calibration_error(words, p, reduction=reduction) == wanted
    # integer labels need not all occur
    assert expected_calibration_error([0, 0], [[0.6, 0.4, 0.0], [0.6, 0.4, 0.0]]) == pytest.approx(0.4)


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container):
    p = np.array([0.25, 0.5, 0.75, 1.0, 0.0, 0.5, 0.125, 0.625])
    y = np.array([0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    ours = expected_calibration_error(in_container(container, y), in_container(container, p), n_bins=10)
    assert ours == pytest.approx(slow_error(y, p, 10, 1), abs=1e-15)


def test_inputs_stay_as_they_are():
    y, p, w = draw(0, 50, "classes")
    before = [a.copy() for a in (y, p, w)]
    quiet(y, p, sample_weight=w, norm=2, debias=True, strategy="quantile", reduction="top_label")
    assert all(np.array_equal(a, b) for a, b in zip(before, (y, p, w), strict=True))


def test_single_precision_is_compared_as_such():
    """.7 in single precision lies below .7 in double precision, and still belongs into the bin that begins there."""
    y, p = np.array([0.0, 1.0]), np.array([0.65, 0.7], dtype=np.float32)
    parted = (0.65 + 0.3) / 2
    assert expected_calibration_error(y, p, n_bins=10) == pytest.approx(parted, abs=1e-6)
    assert expected_calibration_error(y, p.astype(float), n_bins=10) == pytest.approx(parted, abs=1e-6)


def test_its_interval_through_estimate_metric():
    rng = np.random.default_rng(4)
    p = rng.random(2000)
    y = (rng.random(2000) < 0.25 + 0.5 * p).astype(int)
    options = {"groups": np.arange(2000) // 2, "sample_weight": 1 + rng.random(2000), "n_resamples": 399, "rng": 1}
    estimate = estimate_metric(partial(expected_calibration_error, n_bins=5), y, p, **options)
    interval = estimate.conf_int()
    wanted = expected_calibration_error(y, p, n_bins=5, sample_weight=options["sample_weight"])
    assert estimate.estimate == pytest.approx(wanted, abs=1e-12)
    assert interval.contains(0.12)
    assert interval.width < 0.08
    assert estimate.n_groups == 1000


def test_thin_bins_warn_under_debiasing_alone():
    y, p, _ = draw(0, 30, "continuous")
    expected_calibration_error(y, p)
    for norm in (1, 2):
        with pytest.warns(SmallSampleWarning, match="fewer than 5 rows") as caught:
            expected_calibration_error(y, p, norm=norm, debias=True)
        assert caught[0].filename == __file__
    with pytest.warns(SmallSampleWarning, match="fewer than 5 clusters"):
        expected_calibration_error(y, p, n_bins=2, norm=2, debias=True, groups=np.arange(30) // 8)
    expected_calibration_error(y, p, n_bins=2, debias=True)


def test_ten_percent_may_be_thin():
    p = np.r_[np.full(36, 0.1), np.full(4, 0.9)]
    y = np.tile([0.0, 1.0], 20)
    expected_calibration_error(y, p, debias=True)
    with pytest.warns(SmallSampleWarning, match="11 %"):
        expected_calibration_error(
            y[1:], p[1 : -0 or None][:39], debias=True, sample_weight=np.r_[np.full(35, 0.925), np.ones(4)]
        )


Y, P, M = [0, 1, 1], [0.2, 0.7, 0.9], [[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("y", "p", "options", "message"),
    [
        ([0, 1], P, {}, "as many rows"),
        ([], [], {}, "at least one row"),
        ([0, 1, np.nan], P, {}, "y_true must be finite"),
        (Y, [0.2, np.nan, 0.9], {}, "y_prob must be finite"),
        (Y, [0.2, np.inf, 0.9], {}, "y_prob must be finite"),
        (Y, [0.2, 1.7, 0.9], {}, "probabilities"),
        (Y, [-0.2, 0.7, 0.9], {}, "sigmoid"),
        ([0, 2, 1], P, {}, "between them"),
        (["a", "b", "a"], P, {}, "real numbers"),
        (Y, [[0.2, 0.9], [0.5, 0.5], [1.0, 0.0]], {}, "sum to 1"),
        (["a", "b", "c"], M, {}, "as many different labels"),
        (Y, np.zeros((3, 2, 2)), {}, "shape"),
        (Y, None, {}, "y_prob"),
        (Y, P, {"n_bins": 0}, "n_bins"),
        (Y, P, {"n_bins": 2.5}, "n_bins"),
        (Y, P, {"n_bins": True}, "n_bins"),
        (Y, P, {"n_bins": 10**9}, "n_bins"),
        (Y, P, {"strategy": "sweep"}, "strategy"),
        (Y, P, {"norm": 3}, "norm"),
        (Y, P, {"norm": "l1"}, "norm"),
        (Y, P, {"norm": True}, "norm"),
        (Y, P, {"norm": [1]}, "norm"),
        (Y, P, {"reduction": "canonical"}, "reduction"),
        (Y, P, {"debias": "yes"}, "debias"),
        (Y, P, {"debias": 1}, "debias"),
        (Y, P, {"debias": True, "norm": math.inf}, "debias goes with norm 1 or 2"),
        (Y, P, {"squared": True}, "squared goes with norm=2"),
        (Y, P, {"debias": "outcome", "sample_weight": [1, 2, 3]}, "debias='outcome'"),
        (Y, P, {"debias": "outcome", "groups": [1, 2, 3]}, "debias='outcome'"),
        ([0.5, 1, 1], P, {"debias": "outcome"}, "debias='outcome'"),
        (Y, P, {"sample_weight": [1, 1]}, "one weight per row"),
        (Y, P, {"sample_weight": [0, 0, 0]}, "positive sum"),
        (Y, P, {"sample_weight": [-1, 1, 1]}, "non-negative"),
        (Y, P, {"groups": [1, 2]}, "one label per row"),
        (Y, P, {"groups": [1, 1, 1]}, "at least 2"),
    ],
)
def test_bad_input(y, p, options, message):
    with pytest.raises(InputError, match=message) as caught:
        expected_calibration_error(y, p, **options)
    assert str(caught.value).startswith("expected_calibration_error: ")
