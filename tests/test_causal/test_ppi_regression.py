"""Least squares and logistic regression from predictions, against sandwiches written out with loops."""

import numpy as np
import pytest
from contracts import require, require_data
from scipy import optimize
from scipy.special import expit

from causal import Classical, PredictionPowered, _ppi_maps, _ppi_rows
from causal._ppi_maps import MANY_ROWS, well_inverted
from uq.exceptions import InputError, NotIdentifiedError, SmallSampleWarning


def world(n=150, extra=600, seed=0, binary=False):
    """Return ((f, y, X), (fu, Xu)); the slope of the predictions is not that of the truth."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n + extra), rng.normal(size=n + extra), rng.exponential(size=n + extra)])
    y = X @ [1.0, 0.5, -0.3] + rng.normal(size=n + extra) * (0.5 + X[:, 2])
    f = 0.3 + 0.6 * y - 0.4 * X[:, 1] + 0.4 * rng.normal(size=n + extra)
    if binary:
        y, f = (rng.random(n + extra) < expit(y)).astype(float), expit(f)
    return (f[:n], y[:n], X[:n]), (f[n:], X[n:])


def coefficients(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


def sandwich(X, residual, groups=None):
    """Return HC1, or the cluster-robust covariance of Stata and statsmodels, row by row."""
    n, k = X.shape
    bread = np.linalg.inv(X.T @ X)
    units = range(n) if groups is None else np.unique(groups)
    meat = np.zeros((k, k))
    for u in units:
        score = X[u] * residual[u] if groups is None else (X * residual[:, None])[groups == u].sum(axis=0)
        meat += np.outer(score, score)
    g = len(units)
    factor = n / (n - k) if groups is None else g / (g - 1) * (n - 1) / (n - k)
    return factor * bread @ meat @ bread


@pytest.mark.parametrize("lam", [0, 0.4, 1])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.filterwarnings("ignore:.*50 labelled clusters differ:uq.exceptions.SmallSampleWarning")
def test_ols_is_two_regressions_and_their_sandwiches(lam, grouped):
    (f, y, X), (fu, Xu) = world()
    g, gu = (np.arange(150) // 3, 1000 + np.arange(600) // 4) if grouped else (None, None)
    answer = PredictionPowered(lam).fit(f, y, X, groups=g).ols(fu, Xu, groups=gu)
    rectifier, imputed = coefficients(X, y - lam * f), coefficients(Xu, lam * fu)
    assert np.allclose(answer.estimate, rectifier + imputed, rtol=1e-10)
    cov = sandwich(X, y - lam * f - X @ rectifier, g) + sandwich(Xu, lam * fu - Xu @ imputed, gu)
    assert np.allclose(answer.cov, cov, rtol=1e-8)
    assert np.allclose(answer.std_error, np.sqrt(np.diag(cov)), rtol=1e-8)
    assert np.allclose(answer.influence.cov, cov, rtol=1e-8)


def test_many_rows_take_the_short_way_to_the_same_answer():
    (f, y, X), (fu, Xu) = world(200, MANY_ROWS + 10)
    long = PredictionPowered().fit(f, y, X, groups=np.arange(200)).ols(fu, Xu, groups=200 + np.arange(len(fu)))
    short = PredictionPowered().fit(f, y, X).ols(fu, Xu)
    assert np.allclose(short.estimate, long.estimate, rtol=1e-11)
    assert np.allclose(short.std_error, long.std_error, rtol=1e-9)
    weights = 0.5 + np.random.default_rng(0).random(len(fu))
    theta = coefficients(Xu * np.sqrt(weights)[:, None], fu * np.sqrt(weights))
    with_weights = PredictionPowered(1).fit(f, y, X).ols(fu, Xu, sample_weight=weights)
    assert np.allclose(with_weights.estimate, coefficients(X, y - f) + theta, rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_many_labelled_rows_take_the_short_way_too(monkeypatch, weighted):
    (f, y, X), (fu, Xu) = world(5000, 9000)
    w, wu = (0.2 + np.random.default_rng(0).random(n) if weighted else None for n in (5000, 9000))

    def answer():
        return PredictionPowered().fit(f, y, X, sample_weight=w).ols(fu, Xu, sample_weight=wu)

    long = answer()
    for module in (_ppi_maps, _ppi_rows):
        monkeypatch.setattr(module, "MANY_ROWS", 100)
    short = answer()
    for name in ("estimate", "std_error", "power", "cov"):
        assert np.allclose(getattr(short, name), getattr(long, name), rtol=1e-9), name
    assert np.allclose(short.law.df, long.law.df, rtol=1e-9)
    theirs, ours = (_ppi_maps.ols_functional(X, w), _ppi_maps._CrossProducts(X, w, None, well_inverted(X, w)))
    assert np.allclose(ours.rounding(y), 4 * np.finfo(float).eps * np.abs(theirs.coefficients) @ np.abs(y), rtol=1e-9)
    nothing = PredictionPowered(1).fit(y, y, X, sample_weight=w).ols(fu, Xu, sample_weight=wu)
    assert (nothing.std_error == np.inf).all()


def test_columns_in_other_units_change_the_units_alone():
    (f, y, X), (fu, Xu) = world()
    one = PredictionPowered().fit(f, y, X).ols(fu, Xu)
    units = np.array([1.0, 1e5, 1e-4])
    two = PredictionPowered().fit(f, y, X * units).ols(fu, Xu * units)
    assert np.allclose(one.power, two.power, rtol=1e-9)
    assert np.allclose(one.estimate, two.estimate * units, rtol=1e-9)
    assert np.allclose(one.std_error, two.std_error * units, rtol=1e-9)


def test_each_coefficient_is_tuned_for_itself():
    (f, y, X), (fu, Xu) = world(400, 4000)
    answer = PredictionPowered().fit(f, y, X).ols(fu, Xu)
    assert answer.power.shape == (3,)
    for lam in np.linspace(0, 1, 21):
        fixed = PredictionPowered(lam).fit(f, y, X).ols(fu, Xu)
        assert (answer.std_error <= fixed.std_error * (1 + 1e-9)).all()


def test_as_many_columns_as_rows_leave_no_error():
    (f, y, X), (fu, Xu) = world(3, 50)
    with pytest.warns(SmallSampleWarning):
        answer = PredictionPowered().fit(f, y, X).ols(fu, Xu)
    assert (answer.std_error == np.inf).all()
    assert answer.cov is None


def test_dependent_columns_are_refused():
    (f, y, X), (fu, Xu) = world()
    with pytest.raises(InputError, match="combination of the others"):
        PredictionPowered().fit(f, y, np.column_stack([X, X[:, 1]]))
    (f, y, X), (fu, Xu) = world(200, MANY_ROWS + 10)
    bad = Xu.copy()
    bad[:, 2] = bad[:, 1] * 2
    with pytest.raises(InputError, match="combination of the others"):
        PredictionPowered().fit(f, y, X).ols(fu, bad)
    parts = PredictionPowered().partial_fit(f, y, X).partial_estimate(fu, bad)
    with pytest.raises(NotIdentifiedError, match="depend on each other"):
        parts.ols()


# ---- logistic


def rectified_loss(theta, f, y, X, fu, Xu, lam, w=None, wu=None):
    def loss(X, t, w):
        eta = X @ theta
        return np.average(np.logaddexp(0, eta) - t * eta, weights=w)

    return loss(X, y, w) + lam * (loss(Xu, fu, wu) - loss(X, f, w))


@pytest.mark.parametrize("lam", [0, 0.5, 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_logistic_minimises_the_rectified_loss(lam, weighted):
    (f, y, X), (fu, Xu) = world(binary=True)
    rng = np.random.default_rng(1)
    w, wu = (0.3 + rng.random(150), 0.3 + rng.random(600)) if weighted else (None, None)
    answer = PredictionPowered(lam).fit(f, y, X, sample_weight=w).logistic(fu, Xu, sample_weight=wu)
    found = optimize.minimize(
        rectified_loss, np.zeros(3), (f, y, X, fu, Xu, lam, w, wu), method="BFGS", options={"gtol": 1e-9}
    )
    assert np.allclose(answer.estimate, found.x, atol=1e-5)


@pytest.mark.parametrize("lam", [0, 0.5, 1])
@pytest.mark.parametrize("grouped", [False, True])
def test_logistic_error_is_the_sandwich(lam, grouped):
    (f, y, X), (fu, Xu) = world(binary=True)
    g, gu = (np.arange(150) // 3, 1000 + np.arange(600) // 4) if grouped else (None, None)
    answer = PredictionPowered(lam).fit(f, y, X, groups=g).logistic(fu, Xu, groups=gu)
    p, pu = expit(X @ answer.estimate), expit(Xu @ answer.estimate)
    hessian = (1 - lam) * (X * (p * (1 - p))[:, None]).T @ X / 150
    hessian += lam * (Xu * (pu * (1 - pu))[:, None]).T @ Xu / 600
    cov = np.zeros((3, 3))
    for rows, residual, groups, n in (
        (X, (p - y) - lam * (p - f), g, 150), (Xu, lam * (pu - fu), gu, 600)
    ):  # fmt: skip
        scores = rows * residual[:, None]
        scores -= scores.mean(axis=0)
        units = [scores[i] for i in range(n)] if groups is None else [
            scores[groups == u].sum(axis=0) for u in np.unique(groups)
        ]  # fmt: skip
        m = len(units)
        factor = n / (n - 3) if groups is None else m / (m - 1) * (n - 1) / (n - 3)
        cov += factor * sum(np.outer(u, u) for u in units) / n**2
    cov = np.linalg.inv(hessian) @ cov @ np.linalg.inv(hessian)
    assert np.allclose(answer.cov, cov, rtol=1e-7)
    assert np.allclose(answer.influence.cov, cov, rtol=1e-7)


def test_logistic_without_predictions_is_statsmodels():
    sm = require("statsmodels.api")
    (f, y, X), (fu, Xu) = world(binary=True)
    answer = PredictionPowered(0).fit(f, y, X).logistic(fu, Xu)
    theirs = sm.Logit(y, X).fit(disp=0, cov_type="HC0", tol=1e-12)
    assert np.allclose(answer.estimate, theirs.params, rtol=1e-6)
    assert np.allclose(answer.std_error, theirs.bse * np.sqrt(150 / 147), rtol=1e-5)


def test_logistic_tuning_lowers_the_error():
    (f, y, X), (fu, Xu) = world(400, 4000, binary=True)
    f, fu = np.round(f), np.round(fu)
    tuned = PredictionPowered().fit(f, y, X).logistic(fu, Xu)
    assert 0 < tuned.power < 1
    classical = PredictionPowered(0).fit(f, y, X).logistic(fu, Xu)
    assert (tuned.std_error < classical.std_error).any()
    assert np.mean((tuned.std_error / classical.std_error) ** 2) < 1


def test_many_rows_of_a_logistic_regression():
    (f, y, X), (fu, Xu) = world(300, 70_000, binary=True)
    answer = PredictionPowered(0.7).fit(f, y, X).logistic(fu, Xu)
    p, pu = expit(X @ answer.estimate), expit(Xu @ answer.estimate)
    gradient = X.T @ ((p - y) - 0.7 * (p - f)) / 300 + 0.7 * Xu.T @ (pu - fu) / 70_000
    assert np.abs(gradient).max() < 1e-9


def test_separated_labels_have_no_answer():
    x = np.linspace(-1, 1, 60)
    X = np.column_stack([np.ones(60), x])
    y = (x > 0).astype(float)
    with pytest.raises(NotIdentifiedError, match="no minimum"):
        PredictionPowered(0).fit(y, y, X).logistic(y, X)


def test_coefficients_of_the_forest_data_against_all_labels():
    """Every label is known there: the coefficients of all rows are what the intervals must hold."""
    data = np.load(require_data("causal/ppi_forest.npz"))
    y, f = data["Y"], data["Yhat"]
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(len(y)), f > 0.2])
    order = rng.permutation(len(y))
    here, there = order[:300], order[300:]
    fitted = PredictionPowered().fit(f[here], y[here], X[here])
    answer, classical = fitted.ols(f[there], X[there]), Classical().fit(f[here], y[here], X[here]).ols()
    assert answer.conf_int(0.999).contains(coefficients(X, y)).all()
    assert (answer.std_error < classical.std_error).all()
