"""Reliability curves: against scikit-learn, the kernel written out, bands with their conditions, and the picture."""

import itertools
import pickle
import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from calibration import reliability_curve, smooth_calibration_error
from calibration._bands import honest_band
from calibration._curves import CurveCells, KernelCurve, make_cells
from calibration._isotone import tie_sums
from uq import Curve, citation
from uq._base import plot
from uq.exceptions import InputError

METHODS = ("isotonic", "kernel", "bins")
BANDS = ("consistency", "honest", "bootstrap")


def rows(n=400, seed=0, power=1.0, digits=None):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    p = p if digits is None else np.round(p, digits)
    return (rng.random(n) < p**power).astype(float), p


@pytest.mark.parametrize("n_bins", [1, 5, 15])
def test_bins_are_those_of_scikit_learn(n_bins):
    y, p = rows(3000, n_bins)
    share, mean = calibration_curve(y, p, n_bins=n_bins)
    curve = reliability_curve(y, p, method="bins", n_bins=n_bins)
    assert np.allclose(curve.y, share, rtol=1e-12)
    assert np.allclose(curve.x, mean, rtol=1e-12)
    assert curve.count.tolist() == np.histogram(p, n_bins, (0, 1))[0].tolist()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_forecasts_on_an_edge_belong_to_the_upper_bin(dtype):
    p = (np.arange(21) / 20).astype(dtype)
    curve = reliability_curve(np.ones(21), p, method="bins", n_bins=10)
    assert curve.count.tolist() == [2] * 9 + [3]


@pytest.mark.parametrize("digits", [None, 2])
@pytest.mark.parametrize("n", [1, 7, 3000])
def test_the_isotonic_curve_is_that_of_scikit_learn(n, digits):
    y, p = rows(n, n, digits=digits)
    curve = reliability_curve(y, p)
    fit = IsotonicRegression().fit(p, y)
    assert np.allclose(curve.y, fit.predict(curve.x), atol=1e-12)
    # nothing is lost between the points
    assert np.allclose(np.interp(p, curve.x, curve.y), fit.predict(p), atol=1e-9)
    edges = np.append(curve.x, np.inf)
    assert curve.count.tolist() == [int(((p >= a) & (p < b)).sum()) for a, b in itertools.pairwise(edges)]


def test_the_kernel_curve_is_the_ratio_of_two_kernel_sums():
    y, p = rows(500, 1, 2.0)
    w = np.random.default_rng(2).random(500)
    curve = reliability_curve(y, p, method="kernel", sample_weight=w)
    sigma = smooth_calibration_error(y, p, sample_weight=w)
    images = np.concatenate([s * p + 2 * m for m in (-1, 0, 1) for s in (1, -1)])
    kernel = np.tile(w, 6) * np.exp(-0.5 * ((curve.x[:, None] - images) / sigma) ** 2)
    assert np.allclose(curve.y, kernel @ np.tile(y, 6) / kernel.sum(axis=1), atol=1e-4)
    assert curve.count.sum() == 500


def test_the_kernel_curve_leaves_out_what_no_forecast_is_near():
    p = np.r_[np.full(50, 0.1), np.full(50, 0.9)]
    y = np.r_[np.arange(50) % 10 == 0, np.arange(50) % 10 > 0].astype(float)
    curve = reliability_curve(y, p, method="kernel", band="bootstrap", n_resamples=99, rng=0)
    assert len(curve.x) < 100
    assert np.abs(curve.x - 0.5).min() > 0.3
    assert np.allclose(curve.y, np.where(curve.x < 0.5, 0.1, 0.9), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_rows_are_counted_and_weighted(method):
    y, p = rows(300, 3, digits=2)
    w = np.random.default_rng(3).integers(0, 4, 300)
    weighted = reliability_curve(y, p, method=method, sample_weight=w)
    repeated = reliability_curve(np.repeat(y, w), np.repeat(p, w), method=method)
    assert np.allclose(weighted.x, repeated.x)
    assert np.allclose(weighted.y, repeated.y, atol=1e-9)
    assert weighted.count.sum() == weighted.histogram.sum() == (w > 0).sum()
    assert repeated.count.sum() == repeated.histogram.sum() == w.sum()


# ---- bands


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_band_has_a_level_a_guarantee_and_a_seed(method, band):
    y, p = rows(200, 4)
    curve = reliability_curve(y, p, method=method, band=band, confidence_level=0.9, n_resamples=199, rng=1)
    assert isinstance(curve, Curve)
    assert ((curve.lower >= 0) & (curve.lower <= curve.upper) & (curve.upper <= 1)).all()
    assert curve.confidence_level == 0.9
    bootstrap = "none" if method == "isotonic" else "asymptotic"
    # the bandwidth of the kernel is that of the outcomes, in replicates too
    null = "asymptotic" if method == "kernel" else "finite-sample"
    assert curve.guarantee == {"bootstrap": bootstrap, "consistency": null, "honest": "finite-sample"}[band]
    assert curve == reliability_curve(y, p, method=method, band=band, confidence_level=0.9, n_resamples=199, rng=1)
    bare = reliability_curve(y, p, method=method)
    assert (bare.x == curve.x).all()
    assert (bare.y == curve.y).all()
    assert bare.guarantee == "none"
    assert bare.lower is None
    wider = reliability_curve(y, p, method=method, band=band, confidence_level=0.99, n_resamples=199, rng=1)
    assert (wider.lower <= curve.lower).all()
    assert (wider.upper >= curve.upper).all()


def test_the_honest_band_holds_from_forecast_to_forecast():
    p = np.array([0.2, 0.2, 0.4, 0.4, 0.4, 0.8])
    y = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    lower, upper = honest_band(np.array([1.0, 2.0, 1.0]), np.array([2.0, 3.0, 1.0]), 0.5)
    curve = reliability_curve(y, p, band="honest", confidence_level=0.5)
    assert np.allclose(curve.lower, lower)
    assert np.allclose(curve.upper, upper)
    kernel = reliability_curve(y, p, method="kernel", band="honest", confidence_level=0.5)
    at = np.searchsorted([0.2, 0.4, 0.8], kernel.x, side="right") - 1
    assert np.allclose(kernel.lower, np.r_[lower, 0.0][at])
    assert np.allclose(kernel.upper, np.r_[upper, 1.0][np.searchsorted([0.2, 0.4, 0.8], kernel.x)])


def test_whole_weights_are_rows_for_the_honest_band():
    y, p = rows(60, 5, digits=1)
    w = np.random.default_rng(5).integers(0, 4, 60)
    weighted = reliability_curve(y, p, band="honest", sample_weight=w)
    repeated = reliability_curve(np.repeat(y, w), np.repeat(p, w), band="honest")
    assert np.allclose(weighted.lower, repeated.lower)
    assert np.allclose(weighted.upper, repeated.upper)


def test_many_forecasts_are_pooled_for_the_honest_band_at_the_price_of_a_cell():
    rng = np.random.default_rng(6)
    p = np.sort(rng.random(4000))
    y = (rng.random(4000) < p).astype(float)
    curve = reliability_curve(y, p, band="honest", confidence_level=0.9)
    sums, totals = y.reshape(1000, 4).sum(axis=1), np.full(1000, 4.0)
    lower, upper = honest_band(sums, totals, 0.1)
    for x, low, high in zip(curve.x, curve.lower, curve.upper, strict=True):
        cell = min(np.searchsorted(p, x, side="right") - 1, 3999) // 4
        whole = x >= p[4 * cell + 3]
        assert low == pytest.approx(lower[cell] if whole else lower[cell - 1] if cell else 0.0)
        first = x <= p[4 * cell]
        assert high == pytest.approx(upper[cell] if first else upper[cell + 1] if cell < 999 else 1.0)


def test_an_honest_band_that_contradicts_itself_says_so():
    p = np.linspace(0, 1, 200)
    with pytest.warns(UserWarning, match="never decreases") as caught:
        curve = reliability_curve((p < 0.5).astype(float), p, band="honest")
    assert caught[0].filename == __file__
    assert curve.guarantee == "none"
    assert (curve.lower == 0).all()
    assert (curve.upper == 1).all()


def test_too_few_resamples_are_named():
    y, p = rows(50, 7)
    with pytest.warns(UserWarning, match="at least 40") as caught:
        curve = reliability_curve(y, p, band="consistency", n_resamples=38, rng=0)
    assert caught[0].filename == __file__
    assert (curve.lower == 0).all()
    assert (curve.upper == 1).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reliability_curve(y, p, band="consistency", n_resamples=39, rng=0)


@pytest.mark.parametrize("method", METHODS)
def test_the_consistency_band_does_not_look_at_the_outcomes(method):
    _, p = rows(100, 8)
    one, other = (
        reliability_curve(y, p, method=method, band="consistency", n_resamples=199, rng=0, n_bins=4)
        for y in (np.arange(100) % 2, (p > 0.5) * 1.0)
    )
    if method == "kernel":  # but for its bandwidth
        return
    both = np.isin(one.x, other.x)
    assert both.any()
    assert np.array_equal(one.lower[both], other.lower[np.isin(other.x, one.x)])


def test_the_consistency_band_is_binomial_where_forecasts_are_alike():
    from scipy import stats

    curve = reliability_curve(np.arange(50) % 2, np.full(50, 0.3), band="consistency", n_resamples=9999, rng=0)
    assert curve.lower[0] * 50 == pytest.approx(stats.binom.ppf(0.025, 50, 0.3), abs=1)
    assert curve.upper[0] * 50 == pytest.approx(stats.binom.ppf(0.975, 50, 0.3), abs=1)


def test_the_bootstrap_of_a_bin_is_that_of_a_mean():
    y, p = rows(400, 9)
    curve = reliability_curve(y, p, method="bins", n_bins=4, band="bootstrap", n_resamples=3999, rng=0)
    error = np.sqrt(curve.y * (1 - curve.y) / curve.count)
    assert np.allclose((curve.upper - curve.lower) / (2 * 1.96 * error), 1, atol=0.12)
    clusters = np.arange(400) // 4
    y, p = np.repeat(y[::4], 4), np.repeat(p[::4], 4)
    alone, whole = (
        reliability_curve(y, p, method="bins", n_bins=4, band="bootstrap", n_resamples=999, rng=0, groups=g)
        for g in (None, clusters)
    )
    assert np.allclose((whole.upper - whole.lower) / (alone.upper - alone.lower), 2, atol=0.4)


@pytest.mark.parametrize("method", METHODS)
def test_the_bootstrap_takes_weights_shares_and_clusters(method):
    y, p = rows(150, 10)
    w, clusters = np.random.default_rng(0).random(150), np.arange(150) // 3
    common = {"method": method, "band": "bootstrap", "n_resamples": 99, "rng": 0}
    for outcomes in (y, np.clip(0.2 + 0.6 * p, 0, 1)):
        for weights in (None, w):
            for groups in (None, clusters):
                curve = reliability_curve(outcomes, p, sample_weight=weights, groups=groups, **common)
                assert ((curve.lower <= curve.y + 1e-9) & (curve.y - 1e-9 <= curve.upper)).all()
    common["band"] = "consistency"
    curve = reliability_curve(y, p, sample_weight=w, **common)
    assert curve.guarantee == ("asymptotic" if method == "kernel" else "finite-sample")


@pytest.mark.parametrize("method", METHODS)
def test_outcomes_that_agree_leave_the_binomial_limit(method):
    p = np.linspace(0.1, 0.3, 30)
    curve = reliability_curve(np.zeros(30), p, method=method, band="bootstrap", n_resamples=99, n_bins=1, rng=0)
    assert (curve.lower == 0).all()
    assert np.allclose(curve.upper, 1 - 0.025 ** (1 / 30))
    clusters = np.arange(30) // 3
    curve = reliability_curve(
        np.ones(30), p, method=method, band="bootstrap", n_resamples=99, n_bins=1, rng=0, groups=clusters
    )
    assert (curve.upper == 1).all()
    assert np.allclose(curve.lower, 0.025 ** (1 / 10))


def test_pooled_cells_keep_bins_and_sums():
    y, p = rows(50_000, 11)
    unique, sums, totals = tie_sums(p, y)
    bins = np.floor(unique * 7).astype(int)
    cells = make_cells(unique, sums, totals, bins)
    assert len(cells.p) <= 4096 + 6
    assert cells.sums.sum() == y.sum()
    assert cells.totals.sum() == 50_000
    assert cells.p @ cells.totals == pytest.approx(p.sum())
    assert (np.floor(cells.p * 7) == np.floor(cells.first * 7)).all()
    assert (np.bincount(cells.of(p)) == cells.totals).all()
    few = make_cells(unique[:100], sums[:100], totals[:100])
    assert few.p is few.first


@pytest.mark.parametrize("method", METHODS)
def test_bands_of_many_rows_are_drawn_for_cells(method):
    y, p = rows(20_000, 12)
    for band in ("consistency", "bootstrap"):
        curve = reliability_curve(y, p, method=method, band=band, n_resamples=99, rng=0, confidence_level=0.9)
        assert curve.guarantee == ("none" if (method, band) == ("isotonic", "bootstrap") else "asymptotic")
        assert np.median(curve.upper - curve.lower) < 0.1


@pytest.mark.parametrize("band", ["consistency", "bootstrap"])
def test_the_curve_is_pooled_as_its_replicates_are(band):
    rng = np.random.default_rng(17)
    p = rng.random(30_000) * 0.01
    y = (rng.random(30_000) < p).astype(float)
    curve = reliability_curve(y, p, band=band, n_resamples=39, rng=0)
    cells = make_cells(*tie_sums(p, y))
    assert 4000 < len(cells.p) <= 4096, "rare events are resolved"
    fit = IsotonicRegression().fit(cells.p, cells.sums / cells.totals, sample_weight=cells.totals)
    assert np.allclose(curve.y, fit.predict(curve.x), atol=1e-12)
    assert curve.count.sum() == 30_000


def test_weights_of_pooled_forecasts_promise_no_more_than_none():
    y, p = rows(5000, 18)
    for method in METHODS:
        curve = reliability_curve(
            y, p, method=method, band="consistency", n_resamples=39, sample_weight=np.ones(5000), rng=0
        )
        # the mean of a bin is that of its rows, whose outcomes are drawn one by one
        assert curve.guarantee == ("finite-sample" if method == "bins" else "asymptotic")


def test_outcomes_that_agree_are_counted_in_pooled_cells():
    p = np.linspace(0.1, 0.3, 6000)
    curve = reliability_curve(np.zeros(6000), p, band="bootstrap", n_resamples=99, rng=0)
    assert np.allclose(curve.upper, 1 - 0.025 ** (1 / 6000))


def test_one_forecast_takes_no_grid_of_replicates():
    import tracemalloc

    y, p = np.r_[np.ones(9), np.zeros(21)], np.full(30, 0.3)
    tracemalloc.start()
    curve = reliability_curve(y, p, method="kernel", band="consistency", rng=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24
    assert curve.y.tolist() == pytest.approx([0.3])
    assert curve.lower[0] < 0.2 < 0.4 < curve.upper[0]


def test_replicates_of_the_kernel_are_smoothed_as_the_curve_is():
    y, p = rows(300, 19)
    cells = CurveCells(*(c := tie_sums(p, y)), c[0])
    curve = KernelCurve(cells, p, p - y, None)
    assert np.allclose(curve.replicate(cells.sums[None], cells.totals[None])[0], curve.y, atol=1e-12)


# ---- refusals, containers, pictures


@pytest.mark.parametrize("band", ["consistency", "honest"])
def test_bands_refuse_what_voids_them(band):
    y, p = rows(20, 13)
    with pytest.raises(InputError, match=r"reliability_curve: .*groups"):
        reliability_curve(y, p, band=band, groups=np.arange(20) // 2)
    with pytest.raises(InputError, match=r"reliability_curve: .*shares"):
        reliability_curve(p, p, band=band)
    if band == "honest":
        with pytest.raises(InputError, match="whole numbers"):
            reliability_curve(y, p, band=band, sample_weight=np.full(20, 1.5))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (dict(y_prob=[0.1, 1.2]), "y_prob"),
        (dict(y_true=[0, np.nan]), "y_true"),
        (dict(y_true=[0, 1, 1]), "as many rows"),
        (dict(method="lowess"), "method"),
        (dict(band="wide"), "band"),
        (dict(band=True), "band"),
        (dict(confidence_level=95), "confidence_level"),
        (dict(n_bins=0), "n_bins"),
        (dict(n_resamples=0), "n_resamples"),
        (dict(rng="a"), "rng"),
        (dict(sample_weight=[0, 0]), "sample_weight"),
        (dict(groups=[1, 1]), "groups"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(InputError, match=match) as caught:
        reliability_curve(**{"y_true": [0, 1], "y_prob": [0.2, 0.8], **arguments})
    assert str(caught.value).startswith("reliability_curve: ")


@pytest.mark.parametrize("kind", CONTAINERS)
def test_every_container(kind):
    y, p = np.array([1.0, 0, 1, 0, 1]), np.array([0.25, 0.5, 0.75, 0.125, 0.5])
    expected = reliability_curve(y, p, band="honest")
    assert reliability_curve(in_container(kind, y), in_container(kind, p), band="honest") == expected


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.05, 0.3, 0.3 + 1e-12, 0.5, 1.0]), st.integers(0, 1)), min_size=1),
    st.sampled_from(METHODS),
    st.sampled_from(BANDS),
)
def test_small_data_have_a_valid_answer(cases, method, band):
    p, y = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        curve = reliability_curve(y, p, method=method, band=band, n_resamples=39, rng=0)
    assert curve.count.sum() == len(p)
    assert ((curve.y >= 0) & (curve.y <= 1)).all()
    assert (np.diff(curve.x) > 0).all()
    assert method == "kernel" or (np.diff(curve.y) >= 0).all() or method == "bins"


def test_classes_are_judged_by_their_confidence():
    rng = np.random.default_rng(14)
    p = rng.dirichlet([1, 2, 3], size=300)
    y = rng.integers(0, 3, 300)
    curve = reliability_curve(y, p)
    hit = (p.argmax(axis=1) == y).astype(float)
    assert np.array_equal(curve.y, reliability_curve(hit, p.max(axis=1)).y)
    assert (curve.x_label, curve.y_label) == ("confidence", "accuracy")


def test_it_prints_pickles_and_cites():
    y, p = rows(100, 15)
    curve = reliability_curve(y, p, band="honest")
    assert pickle.loads(pickle.dumps(curve)) == curve
    assert "95 % honest band" in str(curve)
    assert "finite-sample" in repr(curve)
    assert "dimitriadis2021" in citation(curve)
    assert "dimitriadis2023" in citation(curve)
    assert "brocker2007" not in citation(curve)
    assert citation(reliability_curve(y, p, method="bins")) == ""


@pytest.mark.parametrize("method", METHODS)
def test_the_picture_people_expect(method):
    require("matplotlib").use("Agg")
    y, p = rows(300, 16)
    ax = reliability_curve(y, p, method=method, band="bootstrap", n_resamples=99, rng=0).plot()
    diagonal, curve = ax.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert len(curve.get_xdata()) > 5
    assert len(ax.collections) == 1
    (histogram,) = ax.child_axes
    assert sum(bar.get_height() for bar in histogram.patches) == 300
    assert ax.get_xlabel() == "forecast probability"
    assert plot.figure_png(ax).startswith(b"\x89PNG")


def test_bars_stand_below_their_points():
    require("matplotlib").use("Agg")
    p = np.repeat(np.arange(21) / 20, 4)
    for forecasts in (p, p.astype(np.float32)):
        curve = reliability_curve(np.arange(84) % 2, forecasts)
        assert curve.histogram.tolist() == [4] * 21
        ax = curve.plot()
        bars = ax.child_axes[0].patches
        assert np.allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], np.arange(21) / 20)
        assert ax.get_xlim()[0] < bars[0].get_x()
        plot.figure_png(ax)


@pytest.mark.slow
@pytest.mark.parametrize("band", [None, *BANDS])
@pytest.mark.parametrize("method", METHODS)
def test_rare_events_fill_the_picture(method, band):
    require("matplotlib").use("Agg")
    rng = np.random.default_rng(20)
    p = rng.random(6000) * 0.01
    y = rng.random(6000) < p
    curve = reliability_curve(y, p, method=method, band=band, n_bins=1000, n_resamples=99, confidence_level=0.9, rng=0)
    assert curve.histogram.sum() == 6000
    assert (curve.histogram > 200).all()
    assert (curve.histogram_edges[0], curve.histogram_edges[-1]) == (p.min(), p.max())
    ax = curve.plot()
    assert ax.get_xlim()[1] - ax.get_xlim()[0] < 0.012
    assert ax.get_ylim()[1] < 0.2
    assert plot.figure_png(ax).startswith(b"\x89PNG")


@pytest.mark.parametrize("p", [[0.0, 5e-324], [0.5, np.nextafter(0.5, 1)], [0.001] * 2, [1.0, 1.0], [0.02, 0.13]])
def test_pictures_of_next_to_nothing(p):
    require("matplotlib").use("Agg")
    curve = reliability_curve([0, 1], p)
    assert curve.histogram.sum() == 2
    assert plot.figure_png(curve.plot()).startswith(b"\x89PNG")
