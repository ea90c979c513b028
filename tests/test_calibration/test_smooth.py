"""The smooth calibration error against quadrature of its definition, and where it is known in closed form."""

import numpy as np
import pytest
from contracts import CONTAINERS, in_container
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from calibration import smooth_calibration_error
from calibration._smooth import smooth_error
from uq import estimate_metric
from uq.exceptions import InputError


def quadrature(p, residuals, sigma, weights=None):
    """Integrate |sum of w r K(t, p)| piece by piece between its zeros, each found by itself; nothing of the grid."""
    w = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    mass = w * residuals / w.sum()
    images = np.concatenate([s * p + 2 * m for m in range(-4, 5) for s in (1, -1)])
    heights = np.tile(mass, 18) / (sigma * np.sqrt(2 * np.pi))

    def value(t):
        out = np.zeros(np.shape(t))
        for x, h in zip(images, heights, strict=True):
            if -9 * sigma < x < 1 + 9 * sigma:
                out += h * np.exp(-0.5 * ((t - x) / sigma) ** 2)
        return out

    knots = np.linspace(0, 1, int(np.ceil(40 / sigma)) + 1)
    at = value(knots)
    crossings = [
        brentq(lambda t: float(value(np.array(t))), knots[i], knots[i + 1], xtol=1e-15)
        for i in np.flatnonzero(at[1:] * at[:-1] < 0)
    ]
    edges = np.union1d(knots, crossings)
    nodes, gauss = np.polynomial.legendre.leggauss(6)
    half = np.diff(edges) / 2
    t = (edges[1:] + edges[:-1])[:, None] / 2 + half[:, None] * nodes
    return float((np.abs(value(t.ravel()).reshape(t.shape)) @ gauss) @ half)


def rows(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    p[: min(n, 4)] = [0.0, 1.0, 1e-5, 1 - 1e-5][: min(n, 4)]
    return (rng.random(n) < np.clip(p + shift, 0, 1)).astype(float), p


@pytest.mark.parametrize("sigma", [1.0, 0.1, 0.03, 0.01, 0.004])
@pytest.mark.parametrize(("n", "shift"), [(5, 0.0), (40, 0.0), (40, 0.3)])
def test_quadrature_at_a_fixed_bandwidth(n, shift, sigma):
    y, p = rows(n, n, shift)
    assert abs(smooth_calibration_error(y, p, sigma=sigma) - quadrature(p, p - y, sigma)) < 1e-8


@pytest.mark.parametrize(("n", "shift", "seed"), [(6, 0.0, 0), (30, 0.0, 1), (300, 0.0, 2), (300, 0.2, 3)])
def test_the_error_is_the_bandwidth_that_equals_its_integral(n, shift, seed):
    y, p = rows(n, seed, shift)
    error = smooth_calibration_error(y, p)
    assert abs(quadrature(p, p - y, error) - error) < 1e-8


def test_a_small_error_is_as_exact_on_a_finer_grid():
    y = np.repeat(np.random.default_rng(0).uniform(0.01, 0.99, 40), 2)
    p = y + np.tile([1e-3, -1.5e-3], 40)
    error = smooth_calibration_error(y, p)
    assert 1e-4 < error < 0.004
    assert abs(quadrature(p, p - y, error) - error) < 1e-8


@pytest.mark.parametrize(("p", "share"), [(0.3, 1 / 3), (0.0, 0.25), (1.0, 0.25), (0.5, 0.5)])
def test_one_forecast_errs_by_its_distance_from_the_mean(p, share):
    y = np.r_[np.ones(round(share * 12)), np.zeros(12 - round(share * 12))]
    assert smooth_calibration_error(y, np.full(12, p)) == pytest.approx(abs(p - share), abs=1e-12)


def test_certain_forecasts():
    assert smooth_calibration_error([0, 1, 1], [0.0, 1.0, 1.0]) == 0
    assert smooth_calibration_error([1, 1], [0.0, 0.0]) == 1
    crossed = smooth_calibration_error([1, 1, 0, 0], [0.0, 0.0, 1.0, 1.0])
    assert abs(quadrature(np.array([0.0, 0, 1, 1]), np.array([-1.0, -1, 1, 1]), crossed) - crossed) < 1e-8


def test_it_does_not_increase_with_the_bandwidth_and_meets_the_mean_residual():
    y, p = rows(200, 5, 0.1)
    values = [smooth_calibration_error(y, p, sigma=s) for s in (1e-3, 1e-2, 0.1, 0.3, 1.0, 5.0)]
    assert (np.diff(values) <= 1e-12).all()
    assert values[-1] == pytest.approx(abs((p - y).mean()), abs=1e-9)
    assert values[0] <= np.abs(p - y).mean() + 1e-12


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.05, 0.3, 0.5, 1.0]), st.integers(0, 1), st.integers(1, 3)), min_size=1)
)
def test_weights_are_repeated_rows(cases):
    p, y, w = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    repeated = smooth_calibration_error(np.repeat(y, w.astype(int)), np.repeat(p, w.astype(int)))
    assert smooth_calibration_error(y, p, sample_weight=w) == pytest.approx(repeated, abs=1e-10)
    assert smooth_calibration_error(y, p, sample_weight=w * 1e-300) == pytest.approx(repeated, abs=1e-10)
    assert 0 <= repeated <= 1


def test_a_mean_residual_bounds_it_from_below_and_a_constant_from_above():
    # the proof's constants: |mean| <= error <= 1.53 sqrt(distance to a calibrated forecaster)
    rng = np.random.default_rng(4)
    for gap in (0.01, 0.05, 0.2):
        p = rng.random(20_000) * (1 - gap)
        y = p + gap  # shares: the population itself
        error = smooth_calibration_error(y, p)
        assert gap - 1e-9 <= error <= 1.53 * np.sqrt(gap)


def test_calibrated_forecasts_err_by_the_cube_root():
    # n^(1/3) error = .29 in the mean for this law (the proofs beside the spec)
    rng = np.random.default_rng(6)
    for n in (1000, 10_000):
        p = 1 / (1 + np.exp(-2 * rng.normal(size=(20, n))))
        errors = [smooth_calibration_error((rng.random(n) < row).astype(float), row) for row in p]
        assert n ** (1 / 3) * np.mean(errors) == pytest.approx(0.295, abs=0.04)


def test_classes_are_judged_by_their_confidence():
    rng = np.random.default_rng(7)
    p = rng.dirichlet([1, 2, 3], size=300)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 300)]
    hit = (p.argmax(axis=1) == np.unique(y, return_inverse=True)[1]).astype(float)
    assert smooth_calibration_error(y, p) == smooth_calibration_error(hit, p.max(axis=1))


@pytest.mark.parametrize("kind", CONTAINERS)
def test_every_container(kind):
    y, p = np.array([1.0, 0, 1, 0, 1]), np.array([0.25, 0.5, 0.75, 0.125, 0.5])
    expected = smooth_calibration_error(y, p)
    assert smooth_calibration_error(in_container(kind, y), in_container(kind, p)) == expected


@pytest.mark.slow
def test_an_interval_by_rows_and_by_clusters():
    y, p = rows(200, 8, 0.2)
    clusters = np.arange(200) // 4
    plain = estimate_metric(smooth_calibration_error, y, p, n_resamples=199, rng=0)
    clustered = estimate_metric(
        smooth_calibration_error, np.repeat(y[::4], 4), np.repeat(p[::4], 4), groups=clusters, n_resamples=199, rng=0
    )
    assert plain.conf_int().contains(plain.estimate)
    assert clustered.std_error > plain.std_error
    weighted = estimate_metric(smooth_calibration_error, y, p, sample_weight=np.ones(200), n_resamples=199, rng=0)
    assert weighted.estimate == pytest.approx(plain.estimate, abs=1e-12)


def test_groups_are_checked_and_change_nothing():
    y, p = rows(20, 9)
    assert smooth_calibration_error(y, p, groups=np.arange(20) // 2) == smooth_calibration_error(y, p)
    with pytest.raises(InputError, match="groups"):
        smooth_calibration_error(y, p, groups=[1, 2])


def test_what_the_grid_does_not_resolve_is_said():
    p = np.array([0.2, 0.2 + 1e-9, 0.7, 0.7 + 1e-9])
    y = p + np.array([1e-6, -1e-6, 1e-6, -1e-6])
    with pytest.warns(UserWarning, match="finer than the grid"):
        smooth_calibration_error(y, p, sigma=1e-7)
    assert smooth_error(p, p - y, None, None)[0] < 1e-6


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (dict(y_prob=[0.1, 1.2]), "y_prob"),
        (dict(y_prob=[0.1, np.nan]), "y_prob"),
        (dict(y_prob=[0.1]), "as many rows"),
        (dict(y_true=[0, 2]), "y_true"),
        (dict(y_true=[]), "y_true"),
        (dict(y_prob=[[0.5, 0.2], [0.5, 0.5]]), "sum to 1"),
        (dict(sigma=0), "sigma"),
        (dict(sigma=-1.0), "sigma"),
        (dict(sigma="a"), "sigma"),
        (dict(sample_weight=[1, -1]), "sample_weight"),
        (dict(sample_weight=[0, 0]), "sample_weight"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(InputError, match=match) as caught:
        smooth_calibration_error(**{"y_true": [0, 1], "y_prob": [0.2, 0.8], **arguments})
    assert str(caught.value).startswith("smooth_calibration_error: ")
