"""Platt, temperature, beta and Dirichlet against SciPy's optimisers, and where the data have no optimum."""

import tracemalloc
import warnings

import numpy as np
import pytest
from contracts import require_data
from contracts.calibrators import as_prob, draw, log_loss
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_softmax, logit

from calibration import BetaCalibration, DirichletCalibration, PlattScaling, TemperatureScaling
from calibration._softmax_loss import SoftmaxLoss
from calibration._temperature import _Blocks
from uq._base.newton import fit_logistic, logistic_loss, newton
from uq.exceptions import InputError

# ---- Newton


def by_bfgs(value, start):
    found = minimize(value, start, method="BFGS", options={"gtol": 1e-9, "maxiter": 10000})
    return found.x, found.fun


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_logistic_fits_equal_bfgs(rng, weighted, penalty):
    columns = [rng.normal(size=500), rng.exponential(size=500), np.ones(500)]
    target = rng.random(500)
    weights = rng.random(500) if weighted else None
    share = None if weights is None else weights / weights.sum()

    def value(theta):
        eta = sum(t * c for t, c in zip(theta, columns, strict=True))
        return np.average(np.logaddexp(0, eta) - target * eta, weights=weights) + penalty * np.sum(theta**2)

    theta, reached = fit_logistic(columns, target, share, penalty=penalty)
    assert reached
    np.testing.assert_allclose(theta, by_bfgs(value, np.zeros(3))[0], atol=1e-7)
    assert logistic_loss(theta, columns, target, share, penalty)[0] == pytest.approx(value(theta), rel=1e-13)


def test_many_rows_in_blocks_reach_a_gradient_of_0(rng):
    n = 200_001
    z = 3 * rng.normal(size=n)
    y = (rng.random(n) < expit(0.5 * z - 1)).astype(float)
    theta, reached = fit_logistic([z, np.ones(n)], y)
    assert reached
    assert np.abs(logistic_loss(theta, [z, np.ones(n)], y)[1]).max() < 1e-14


def test_memory_does_not_grow_with_the_rows(rng):
    z = rng.normal(size=400_000)
    y, one = (rng.random(400_000) < expit(z)).astype(float), np.ones(400_000)
    tracemalloc.start()
    fit_logistic([z, one], y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * z.nbytes


def test_newton_goes_back_where_the_full_step_is_too_long():
    """sqrt(1 + x^2) diverges under plain Newton from |x| > 1."""

    def evaluate(x):
        r = np.sqrt(1 + x[0] ** 2)
        return r, np.array([x[0] / r]), np.array([[1 / r**3]])

    found, reached = newton(evaluate, np.array([5.0]))
    assert reached
    assert abs(found[0]) < 1e-12


def test_newton_says_where_it_did_not_arrive():
    def evaluate(x):
        return np.exp(-x[0]), np.array([-np.exp(-x[0])]), np.array([[np.exp(-x[0])]])

    assert not newton(evaluate, np.zeros(1), max_iter=10)[1]


# ---- Platt


def smoothed_targets(y):
    ones, zeros = y.sum(), (1 - y).sum()
    return np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))


@pytest.mark.parametrize("smooth", [True, False])
def test_platt_equals_bfgs(rng, smooth):
    z, y = draw(300, 1, rng, 3.0)
    target = smoothed_targets(y) if smooth else y

    def value(t):
        return np.mean(np.logaddexp(0, t[0] * z + t[1]) - target * (t[0] * z + t[1]))

    platt = PlattScaling(input="logit", smooth_targets=smooth).fit(z, y)
    best = by_bfgs(value, np.zeros(2))[0]
    np.testing.assert_allclose([platt.slope_[0], platt.intercept_[0]], best, atol=1e-7)
    np.testing.assert_allclose(platt.predict_proba(z), expit(best[0] * z + best[1]), atol=1e-7)


def test_platt_monotone_is_constant_where_the_order_is_reversed(rng):
    z, y = draw(300, 1, rng)
    platt = PlattScaling(input="logit", monotone=True).fit(-z, y)
    assert platt.slope_[0] == 0
    assert platt.intercept_[0] == pytest.approx(logit(smoothed_targets(y).mean()))
    free = PlattScaling(input="logit").fit(-z, y)
    assert free.slope_[0] < 0


@pytest.mark.parametrize("turned", [False, True])
def test_platt_without_smoothing_warns_of_separation(turned):
    p = np.linspace(0.05, 0.95, 20)
    y = ((p < 0.5) if turned else (p > 0.5)).astype(float)
    with pytest.warns(UserWarning, match=r"PlattScaling: .* separate .* smooth_targets=True"):
        platt = PlattScaling(smooth_targets=False).fit(p, y)
    assert platt.slope_ == PlattScaling().fit(p, y).slope_


@pytest.mark.parametrize(("scale", "offset"), [(1e140, 0), (1e-300, 0), (1, 1e12), (1e3, -1e9)])
def test_platt_does_not_care_about_units_of_scores(rng, scale, offset):
    z, y = draw(200, 1, rng)
    z = np.round(z * 1024) / 1024
    there = PlattScaling(input="logit").fit(z, y).predict_proba(z)
    scores = z * scale + offset
    here = PlattScaling(input="logit").fit(scores, y).predict_proba(scores)
    np.testing.assert_allclose(here, there, rtol=1e-3 if offset else 1e-9)


# ---- temperature


def slope(beta, z, y):
    p = np.exp(log_softmax(beta * z, axis=1))
    return float(np.mean((p * z).sum(axis=1) - z[np.arange(len(y)), y]))


@pytest.mark.parametrize("distort", [0.05, 0.4, 1, 5, 60])
@pytest.mark.parametrize("k", [2, 3, 10])
def test_the_temperature_is_exact(k, distort):
    z, y = draw(3000, k, np.random.default_rng(k), distort)
    found = TemperatureScaling(input="logit").fit(z, y).temperature_
    beta = brentq(slope, 1e-3, 1e3, args=(z, y), xtol=1e-15, rtol=1e-15)
    assert abs(found - 1 / beta) <= 1e-9 / beta


def test_the_temperature_of_many_rows_is_exact():
    """The search on some rows, the last step by interpolation: the slope at the answer is rounding."""
    z, y = draw(400_000, 5, np.random.default_rng(0), 1.7)
    found = TemperatureScaling(input="logit").fit(z, y).temperature_
    g, h = _Blocks(z, y, None, True).slope(1 / found)
    assert abs(g / h) * found**2 <= 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_an_overconfident_classifier_does_not_make_the_search_diverge(seed):
    """Plain Newton from 1 goes to -5, 7e4, -7e299 on such data: logits times 20, 3 % of the labels wrong."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2000, 5))
    y = z.argmax(axis=1)
    wrong = rng.random(2000) < 0.03
    y[wrong] = (y[wrong] + rng.integers(1, 5, wrong.sum())) % 5
    found = 1 / TemperatureScaling(input="logit").fit(20 * z, y).temperature_
    assert found == pytest.approx(brentq(slope, 1e-3, 1e3, args=(20 * z, y), xtol=1e-15), rel=1e-9)
    assert 0.1 < found < 0.5


def test_the_temperature_of_one_column_is_that_of_two(rng):
    z, y = draw(1000, 1, rng, 2.5)
    one = TemperatureScaling(input="logit").fit(z, y)
    two = TemperatureScaling(input="logit").fit(np.column_stack([np.zeros(1000), z]), y.astype(int))
    assert one.temperature_ == pytest.approx(two.temperature_, rel=1e-12)


def test_bounds_of_the_temperature_are_warned_of(rng):
    z = rng.normal(size=(200, 3))
    with pytest.warns(UserWarning, match="likeliest class always came true"):
        assert TemperatureScaling(input="logit").fit(z, z.argmax(axis=1)).temperature_ == 0.001
    with pytest.warns(UserWarning, match="order of classes"):
        fitted = TemperatureScaling(input="logit").fit(z, z.argmin(axis=1))
    assert fitted.temperature_ == 1000


def test_ruled_out_classes_stay_out(rng):
    z, y = draw(500, 4, rng)
    z = np.column_stack([z, np.full(500, -np.inf)])
    fitted = TemperatureScaling(input="logit").fit(z, y)
    assert fitted.temperature_ == TemperatureScaling(input="logit").fit(z[:, :4], y).temperature_
    p = fitted.predict_proba(z)
    assert (p[:, 4] == 0).all()
    np.testing.assert_allclose(p[:, :4], TemperatureScaling(input="logit").fit(z[:, :4], y).predict_proba(z[:, :4]))
    y[7] = 4
    with pytest.raises(InputError, match="ruled out by a logit of -inf; got one in row 7"):
        TemperatureScaling(input="logit").fit(z, y, classes=range(5))
    with pytest.raises(InputError, match="leave each row at least one class"):
        fitted.predict_proba(np.full((2, 5), -np.inf))


def test_temperature_keeps_the_likeliest_class(rng):
    z, y = draw(500, 6, rng, 3.0)
    p = TemperatureScaling(input="logit").fit(z, y).predict_proba(z)
    assert (p.argmax(axis=1) == z.argmax(axis=1)).all()


def test_the_temperature_of_vgg_on_cifar10():
    data = np.load(require_data("calibration/cifar10_vgg_probs.npz"))
    p, y = data["probs"], data["labels"]
    assert (p.argmax(axis=1) == y).mean() == pytest.approx(0.9359)
    scaling = TemperatureScaling().fit(p, y)
    assert scaling.temperature_ == pytest.approx(1.686, abs=5e-4)
    assert log_loss(y, scaling.predict_proba(p)) < log_loss(y, p.astype(float) / p.sum(axis=1, keepdims=True))


# ---- beta


def by_bounds(parameters, p, y):
    """Return the least mean log loss under a, b >= 0, and the parameters, by SciPy."""
    low, high = np.log(p), -np.log1p(-p)

    def value(t):
        a, b = (t[0], t[0]) if parameters == "am" else t[:2]
        c = (a - b) * np.log(2) if parameters == "ab" else t[-1]
        eta = a * low + b * high + c
        return np.mean(np.logaddexp(0, eta) - y * eta)

    bounds = {"abm": [(0, None), (0, None), (None, None)], "ab": [(0, None)] * 2, "am": [(0, None), (None, None)]}
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
    starts = ([1.0, 1.0, 0.0], [0.0, 0.0, 0.0])
    size = len(bounds[parameters])
    runs = [
        minimize(value, s[:size] if parameters != "am" else [s[0], s[2]], bounds=bounds[parameters], options=options)
        for s in starts
    ]
    return min(run.fun for run in runs), value


@pytest.mark.parametrize("parameters", ["abm", "ab", "am"])
@pytest.mark.parametrize("seed", range(12))
def test_beta_is_the_constrained_optimum(parameters, seed):
    """Among them many whose free optimum has a negative slope, or two."""
    rng = np.random.default_rng(seed)
    p = rng.beta(*rng.uniform(0.5, 3, 2), size=150)
    truth = [p, 1 - p, np.full(150, 0.3), np.where(p < 0.5, p, 0.5 - 0.4 * p), np.abs(p - 0.4)][seed % 5]
    y = (rng.random(150) < truth).astype(float)
    fitted = BetaCalibration(parameters).fit(p, y)
    a, b, c = fitted.a_[0], fitted.b_[0], fitted.c_[0]
    assert a >= 0
    assert b >= 0
    best, value = by_bounds(parameters, p, y)
    mine = value({"abm": [a, b, c], "ab": [a, b], "am": [a, c]}[parameters])
    assert mine <= best + 1e-9
    if parameters == "abm":
        kkt(p, y, a, b, c)
    if parameters == "ab":
        assert fitted.predict_proba([0.5])[0] == pytest.approx(0.5, abs=1e-12)


def kkt(p, y, a, b, c):
    """Hold the gradient of the loss against the conditions of a minimum under a, b >= 0."""
    low, high = np.log(p), -np.log1p(-p)
    residual = expit(a * low + b * high + c) - y
    gradient = np.array([np.mean(residual * low), np.mean(residual * high), np.mean(residual)])
    assert abs(gradient[2]) < 1e-9
    for slope_, g in ((a, gradient[0]), (b, gradient[1])):
        assert abs(g) < 1e-8 if slope_ > 0 else g > -1e-8


def test_some_of_those_draws_lie_on_each_face():
    faces = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        p = rng.beta(*rng.uniform(0.5, 3, 2), size=150)
        truth = [p, 1 - p, np.full(150, 0.3), np.where(p < 0.5, p, 0.5 - 0.4 * p), np.abs(p - 0.4)][seed % 5]
        fitted = BetaCalibration().fit(p, (rng.random(150) < truth).astype(float))
        faces.add((fitted.a_[0] == 0, fitted.b_[0] == 0))
    assert len(faces) >= 3, faces


def test_beta_warns_of_separation():
    p = np.linspace(0.05, 0.95, 20)
    with pytest.warns(UserWarning, match=r"BetaCalibration: .* separate"):
        BetaCalibration().fit(p, (p > 0.5).astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BetaCalibration(smooth_targets=True).fit(p, (p > 0.5).astype(float))


# ---- Dirichlet


@pytest.mark.parametrize("structure", ["full", "diagonal"])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_dirichlet_equals_bfgs(k, structure):
    z, y = draw(400, k, np.random.default_rng(k), 2.0)
    p, n = as_prob(z), 400
    fitted = DirichletCalibration(structure, penalty=(0.02, 0.01)).fit(p, y)
    x = np.log(p)

    def value(theta):
        w = theta[: k * k].reshape(k, k) if structure == "full" else np.diag(theta[:k])
        b = theta[-k:]
        off = 0.02 * np.sum((w - np.diag(np.diag(w))) ** 2) / (k * (k - 1))
        eta = log_softmax(x @ w.T + b, axis=1)
        return -eta[np.arange(n), y].mean() + off + 0.01 * np.mean(b**2)

    start = np.concatenate([np.eye(k).ravel() if structure == "full" else np.ones(k), np.zeros(k)])
    best, least = by_bfgs(value, start)
    b = fitted.intercept_
    own = np.concatenate([fitted.coef_.ravel() if structure == "full" else np.diag(fitted.coef_), b])
    assert value(own) <= least + 1e-8
    np.testing.assert_allclose(own, best, atol=2e-4)
    if structure == "diagonal":
        assert (fitted.coef_ == np.diag(np.diag(fitted.coef_))).all()


@pytest.mark.parametrize("full", [True, False])
def test_derivatives_of_the_softmax_loss(rng, full):
    x, weights = -rng.exponential(size=(40, 3)), rng.random(40)
    loss = SoftmaxLoss(x, rng.dirichlet(np.ones(3), 40), weights, (0.1, 0.2), full)
    theta = loss.identity + 0.3 * rng.normal(size=len(loss.identity))
    _, gradient, hessian = loss(theta)
    for j, unit in enumerate(np.eye(len(theta)) * 1e-5):
        up, down = loss(theta + unit), loss(theta - unit)
        assert (up[0] - down[0]) / 2e-5 == pytest.approx(gradient[j], abs=1e-8)
        np.testing.assert_allclose((up[1] - down[1]) / 2e-5, hessian[j], atol=1e-7)


def test_many_parameters_take_another_search(monkeypatch):
    z, y = draw(300, 3, np.random.default_rng(0), 2.0)
    there = DirichletCalibration(penalty=0.01).fit(as_prob(z), y)
    monkeypatch.setattr("calibration._softmax_loss.MOST_PARAMETERS", 5)
    here = DirichletCalibration(penalty=0.01).fit(as_prob(z), y)
    np.testing.assert_allclose(here.predict_proba(as_prob(z)), there.predict_proba(as_prob(z)), atol=2e-4)


def test_the_penalty_is_chosen_by_what_rows_hold_not_by_their_order(rng):
    z, y = draw(300, 3, rng, 2.0)
    p = as_prob(z)
    first = DirichletCalibration().fit(p, y)
    order = rng.permutation(300)
    again = DirichletCalibration().fit(p[order], y[order])
    twice = DirichletCalibration().fit(np.repeat(p, 2, axis=0), np.repeat(y, 2))
    logits = DirichletCalibration(input="logit").fit(z, y)
    assert first.penalty_ == again.penalty_ == twice.penalty_ == logits.penalty_
    assert first.penalty_[0] in (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    many = draw(8000, 3, rng, 2.0)
    assert DirichletCalibration().fit(as_prob(many[0]), many[1]).penalty_[0] <= 0.25


@pytest.mark.parametrize("penalty", [-1, "no", (1,), (1, 2, 3), (1, -1), (1, np.nan), (True, 1), None])
def test_bad_penalties_are_refused(penalty):
    with pytest.raises(InputError, match="penalty"):
        DirichletCalibration(penalty=penalty).fit([0.1, 0.9], [0, 1])


def test_dirichlet_warns_where_only_the_penalty_holds_it(rng):
    p = rng.dirichlet(np.ones(3), 200)
    p = p[np.sort(p, axis=1)[:, 2] - np.sort(p, axis=1)[:, 1] > 0.2]
    with pytest.warns(UserWarning, match="split the classes"):
        DirichletCalibration("diagonal", penalty=0).fit(p, p.argmax(axis=1))
