"""Tweedie's identity by quadrature, the score against the plain double loop, and errors that are derivatives."""

from itertools import pairwise

import numpy as np
import pytest
from contracts import OutputEstimatorContract
from scipy import stats
from scipy.integrate import quad

from causal import LinearDebiaser, TweedieDebiaser
from causal._score import fit_score
from causal._tweedie_core import learn_tweedie
from uq.exceptions import ExtrapolationWarning, InputError, SmallSampleWarning, UntestedAssumptionWarning

# the paper's mixture, with errors of standard deviation 1
SHARES, MEANS, SDS = np.array([0.64, 0.16, 0.16, 0.04]), np.array([5, 7.2, 13, 14.2]), np.array([1.0, 2, 4, 5])


def density(z, order=0):
    """Return a derivative of the mixture's density."""
    t = (np.asarray(z, float)[..., None] - MEANS) / SDS
    hermite = [1 + 0 * t, -t, t**2 - 1][order]
    return (SHARES / SDS ** (order + 1) * stats.norm.pdf(t) * hermite).sum(axis=-1)


def given(y, f, sd):
    """Return E[f(z) | y] where y is z plus a normal error of standard deviation sd(z), by quadrature."""

    def law(z):
        return float(density(z)) * stats.norm.pdf(y, z, sd(z))

    points = np.linspace(y - 9, y + 9, 7)
    whole, part = (
        sum(quad(g, a, b, epsabs=1e-14, limit=200)[0] for a, b in pairwise(points))
        for g in (law, lambda z: law(z) * f(z))
    )
    return part / whole


def lattice_score(marks=lambda z: np.ones(len(z)), step=0.01):
    """Return the Score of the mixture itself: a dense lattice with the density for weights and next to no smoothing."""
    z = np.arange(-30, 60, step)
    shares = density(z) / density(z).sum()
    return fit_score(z, shares, marks(z), 4 * step)


def tweedie(**parameters):
    return TweedieDebiaser(nondifferential=True, **parameters)


def berkson(n, rng):
    z = rng.normal(size=n) * rng.choice([0.5, 1.5], n) + 3
    return z, 2 * z + 1 + rng.normal(size=n) * (1 + 0.3 * np.abs(z - 3))


class TestContract(OutputEstimatorContract):
    verbs = ("transform", "mean")
    rtol = 1e-9

    @pytest.fixture(params=["residual", "moment"])
    def estimator(self, request):
        # Scott's bandwidth counts rows, and would not take a weight of 2 for a second row
        return tweedie(scale=request.param, bandwidth=0.35, n_resamples=49, random_state=0)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        z = np.round(rng.normal(size=260) * 64) / 64
        return z[:240], np.round((z[:240] + 0.5 + 0.3 * rng.normal(size=240)) * 64) / 64, z[240:]

    def ask(self, fitted, outputs):
        """Weights are of sampling, not of counts: a row of weight 2 is not two rows for an error."""
        return {"transform": fitted.transform(outputs), "mean": fitted.mean(outputs).estimate}


# ---- the identity


@pytest.mark.parametrize("y", [0.0, 3.0, 8.0, 14.0, 20.0, 25.0])
def test_the_corrected_prediction_has_the_outcome_for_its_mean(y):
    score = lattice_score()

    def sd(z):
        return 1.0

    exact = given(y, lambda z: z - float(density(z, 1) / density(z)), sd)
    assert exact == pytest.approx(y, abs=1e-8)
    ours = given(y, lambda z: z - score.at(np.array([z]))[0], sd)
    assert ours == pytest.approx(y, abs=2e-3)  # what the remaining bandwidth of .04 does
    if y == 0:
        assert given(y, lambda z: z + float(density(z, 1) / density(z)), sd) == pytest.approx(3.58, abs=0.01)


def test_the_corrected_column_varies_more_than_the_outcome():
    """Var f = Var z + 2 sigma^2 + sigma^4 I(p), checked to the digits of the spec."""
    z = np.arange(-40, 70, 1e-3)
    p = density(z) * 1e-3
    f = z - density(z, 1) / density(z)
    assert p @ f**2 - (p @ f) ** 2 == pytest.approx(17.748085687, abs=1e-7)
    ours = z - lattice_score().at(z)
    assert p @ ours**2 - (p @ ours) ** 2 == pytest.approx(17.748, abs=0.01)


def test_errors_that_grow_with_the_prediction_need_the_derivative_of_their_variance():
    """E[f | y = 25] for sd .5 + .05 z: 23.740 naive, 24.128 with one sigma, 25.036 with (p v)' / p."""

    def sd(z):
        return 0.5 + 0.05 * z

    score = lattice_score(lambda z: sd(z) ** 2)
    assert given(25.0, lambda z: z, sd) == pytest.approx(23.740, abs=1e-3)
    assert given(25.0, lambda z: z - score.at(np.array([z]))[0], sd) == pytest.approx(25.036, abs=3e-3)

    def exact(z):
        v, dv = sd(z) ** 2, 0.1 * sd(z)
        return z - v * density(z, 1) / density(z) - dv

    z = np.linspace(0, 25, 60)
    assert np.allclose(z - score.at(z), exact(z), atol=3e-3)


@pytest.mark.parametrize("scale", ["residual", "moment"])
def test_a_normal_law_makes_it_the_line(scale):
    step = 0.02
    z = np.repeat(np.arange(-7, 7, step), 2)
    sign = np.tile([-1.0, 1.0], len(z) // 2)
    y = z + 1.3 * sign  # errors of variance 1.69 at each prediction
    weights = stats.norm.pdf(z)
    options = {"scale": scale, "local": False, "bandwidth": 4 * step}
    core = learn_tweedie("", z, y, weights, **options)
    x = np.linspace(-3, 3, 50)
    # the line of predictions on truth has slope 1 / (1 + 1.69); the density is too wide by its bandwidth
    slope = 2.69 if scale == "moment" else 1 + 1.69 / (1 + (4 * step) ** 2)
    assert np.allclose(core.f(x), x * slope, atol=1e-4)
    local = learn_tweedie("", z, y, weights, **options | {"local": True})
    assert np.allclose(local.f(x), core.f(x), atol=1e-8)


# ---- the score


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("law", ["normal", "skewed", "tied", "two humps", "heavy tails"])
def test_the_score_is_that_of_the_double_loop(law, marked):
    rng = np.random.default_rng(0)
    z = {
        "normal": rng.normal(size=200),
        "skewed": rng.exponential(size=200),
        "tied": rng.integers(0, 9, 200) / 3,
        "two humps": np.r_[rng.normal(size=100), 9 + rng.normal(size=100)],
        "heavy tails": rng.standard_t(3, 200),
    }[law]
    shares = rng.random(200) + 0.1
    shares /= shares.sum()
    marks = rng.exponential(size=200) if marked else np.ones(200)
    h = 0.3
    score = fit_score(z, shares, marks, h)
    x = np.quantile(z, np.linspace(0, 1, 400))
    t = (x[:, None] - z) / h
    kernel = shares * np.exp(-0.5 * t**2)
    expected = (kernel * marks * -t / h).sum(axis=1) / kernel.sum(axis=1)
    assert np.allclose(score.at(x), expected, rtol=1e-5, atol=1e-4)
    assert np.allclose(score.at_binned(x, score.grid.matrix(x)), score.at(x), rtol=1e-10)


def test_scotts_bandwidth_is_that_of_scipy():
    rng = np.random.default_rng(1)
    z, w = rng.normal(size=150) * 7, rng.random(150)
    y = z + rng.normal(size=150)
    for weights in (None, w):
        kde = stats.gaussian_kde(z, weights=weights)
        fitted = tweedie().fit(z, y, sample_weight=weights)
        assert fitted.bandwidth_ == pytest.approx(np.sqrt(kde.covariance[0, 0]), rel=1e-12)
        x, eps = np.linspace(-8, 8, 30), 1e-4
        slope = (kde.logpdf(x + eps) - kde.logpdf(x - eps)) / (2 * eps)
        line = np.polynomial.Polynomial.fit(z, y, 1, w=None if weights is None else np.sqrt(w)).convert().coef
        expected = line[0] + line[1] * x - fitted.sigma_**2 / line[1] * slope
        assert np.allclose(fitted.transform(x), expected, rtol=1e-5)


def test_beyond_the_calibration_rows_it_goes_on_in_a_line():
    rng = np.random.default_rng(2)
    z, y = berkson(300, rng)
    fitted = tweedie().fit(z, y)
    far = np.array([z.max(), z.max() + 1, z.max() + 1e6])
    with pytest.warns(ExtrapolationWarning, match="3 of 3|2 of 3"):
        f = fitted.transform(far)
    b = fitted._core.slope * fitted._scales[1][1] / fitted._scales[0][1]
    assert np.allclose(np.diff(f) / np.diff(far), b + fitted.sigma_**2 / b / z.var(), rtol=1e-9)
    fitted.transform(np.r_[np.full(400, 3.0), z.max() + 1])  # no more than chance


def test_a_gap_in_the_law_does_not_blow_up():
    rng = np.random.default_rng(3)
    z = np.r_[rng.normal(size=100), 1000 + rng.normal(size=100)]
    y = z + rng.normal(size=200)
    fitted = tweedie(bandwidth=0.3).fit(z, y)
    f = fitted.transform(np.linspace(3, 997, 500))
    assert np.abs(f - np.linspace(3, 997, 500)).max() < 40


# ---- what is learned


def test_sigma_is_the_deviation_about_the_mean():
    rng = np.random.default_rng(4)
    z, y = berkson(150, rng)
    plain = tweedie(recalibrate=None, bandwidth=0.4).fit(z, y + 50)
    assert plain.sigma_ == pytest.approx(np.std(y - z), rel=1e-12)
    score = fit_score(z, np.full(150, 1 / 150), np.ones(150), 0.4)
    assert np.allclose(plain.transform(z), z - np.var(y - z) * score.at(z), rtol=1e-6, atol=1e-6)
    line = stats.linregress(z, y)
    fitted = tweedie(bandwidth=0.4).fit(z, y)
    assert fitted.sigma_ == pytest.approx(np.std(y - line.slope * z), rel=1e-10)
    assert fitted.multiplier_ == 1


@pytest.mark.parametrize("noise", ["constant", "local"])
@pytest.mark.parametrize("recalibrate", ["linear", None])
def test_the_moment_makes_the_calibration_slope_1(noise, recalibrate):
    z, y = berkson(200, np.random.default_rng(5))
    fitted = tweedie(scale="moment", noise=noise, recalibrate=recalibrate).fit(z, y)
    assert np.polyfit(y, fitted.transform(z), 1)[0] == pytest.approx(1, rel=1e-9)
    assert fitted.multiplier_ != 1


def test_predictions_without_error_stay_as_they_are():
    z = np.random.default_rng(6).normal(size=120)
    fitted = tweedie().fit(z, 3 * z - 1)
    assert np.allclose(fitted.transform(z), 3 * z - 1, rtol=1e-12)
    assert fitted.sigma_ < 1e-12


# ---- errors

VARIANTS = [
    {},
    {"scale": "moment"},
    {"noise": "local"},
    {"noise": "local", "scale": "moment"},
    {"recalibrate": None},
    {"recalibrate": None, "scale": "moment"},
    {"recalibrate": None, "noise": "local", "scale": "moment"},
    {"bandwidth": 0.5, "noise": "local"},
    {"bandwidth": 0.5, "scale": "moment"},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_spread_is_the_derivative_by_the_weights(variant):
    """Recalibration, sigma or moment, density, bandwidth and tails together, also for rows beyond the calibration."""
    rng = np.random.default_rng(7)
    z, y = berkson(120, rng)
    new = np.r_[rng.normal(size=40) + 3.5, 9.0, -4.0, 12.0]
    coefficients = rng.normal(size=(2, 43))
    estimator = tweedie(**variant)
    # Kish's count does not move with single weights where they are equal; a fixed bandwidth has none
    weights = rng.uniform(0.3, 0.95, 120) if "bandwidth" in variant else np.full(120, 0.7)
    fitted = estimator.fit(z, y, sample_weight=weights)
    exact = fitted._spread(new, coefficients) / np.sqrt(120 / (120 - fitted._core.n_parameters))

    def value(w):
        return coefficients @ estimator.fit(z, y, sample_weight=w)._transform(new)

    inner = [i for i in np.argsort(z)[1:-1]][::9]  # the ends of the support are held
    for i in inner:
        change = np.where(np.arange(120) == i, 1e-4, 0.0)
        slope = (value(weights + change) - value(weights - change)) / 2e-4 * weights[i]
        assert np.allclose(exact[i], slope, rtol=1e-4, atol=1e-6 * np.abs(exact).max())


@pytest.mark.slow
@pytest.mark.parametrize("variant", [{}, {"noise": "local"}, {"scale": "moment"}], ids=str)
def test_the_bootstrap_agrees_with_the_first_order(variant):
    rng = np.random.default_rng(8)
    z, y = berkson(400, rng)
    new, arm = rng.normal(size=300) + 3, np.arange(300) % 2
    fitted = tweedie(n_resamples=399, random_state=0, **variant).fit(z, y)
    first, drawn = fitted.ate(new, arm), fitted.ate(new, arm, method="bootstrap")
    assert drawn.std_error == pytest.approx(first.std_error, rel=0.2)
    assert drawn.influence is None
    assert drawn.guarantee == first.guarantee == "none"


def test_a_refit_of_the_bootstrap_is_a_fit():
    """The same weights through the grid that is kept and through one made for them."""
    rng = np.random.default_rng(9)
    z, y = berkson(200, rng)
    counts = rng.multinomial(200, np.full(200, 1 / 200)).astype(float)
    new = rng.normal(size=50) + 3
    fitted = tweedie(bandwidth=0.4).fit(z, y)
    (center, unit), (origin, other) = fitted._scales
    refit = fitted._refit(*fitted._standard, (new - center) / unit)
    fresh = tweedie(bandwidth=0.4).fit(z, y, sample_weight=counts)
    assert np.allclose(origin + other * refit(counts), fresh._transform(new), rtol=1e-5, atol=1e-5)


# ---- warnings and refusals


def test_fit_warns_of_few_rows_of_atoms_and_of_the_world():
    rng = np.random.default_rng(10)
    z, y = berkson(150, rng)
    with pytest.warns(SmallSampleWarning, match="at least 100"):
        tweedie().fit(z[:60], y[:60])
    with pytest.warns(UserWarning, match="atoms"):
        tweedie().fit(np.maximum(z, 2.5), y)
    with pytest.warns(UntestedAssumptionWarning):
        TweedieDebiaser().fit(z, y)
    TweedieDebiaser().fit(z, y, groups=np.arange(150) // 5)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"bandwidth": 1e-9}, "bandwidth must be at least"),
        ({"bandwidth": 1e120}, "bandwidth must be at most"),
        ({"bandwidth": -1.0}, "bandwidth"),
        ({"scale": "both"}, "scale"),
        ({"recalibrate": "isotonic"}, "recalibrate"),
        ({"n_resamples": 3}, "n_resamples"),
        ({"nondifferential": "yes"}, "nondifferential"),
    ],
)
def test_bad_parameters_are_refused(parameters, match):
    z, y = berkson(120, np.random.default_rng(11))
    with pytest.raises(InputError, match=match):
        tweedie().set_params(**parameters).fit(z, y)


def test_normal_predictions_give_about_the_linear_answer():
    rng = np.random.default_rng(12)
    z = rng.normal(size=3000)
    y = z + rng.normal(size=3000)
    new, arm = rng.normal(size=2000) + 0.25 * (np.arange(2000) % 2), np.arange(2000) % 2
    line = LinearDebiaser(nondifferential=True).fit(z, y).ate(new, arm)
    ours = tweedie(scale="moment").fit(z, y).ate(new, arm)
    assert ours.estimate == pytest.approx(line.estimate, rel=0.05)
    assert ours.std_error == pytest.approx(line.std_error, rel=0.05)
