"""Intervals that are calibrated by refitting: against the same done slowly, with folds, levels and warnings as said."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from bayes import GaussianProcess
from bayes.optimization._intervals import fold_of_rows
from bayes.optimization._moments import mixture_quantiles
from uq.exceptions import InfiniteBoundWarning, InputError

NEW = np.random.default_rng(9).random((5, 2))


def data(n=22, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    return X, 3 + np.sin(5 * X[:, 0]) + 0.1 * rng.normal(size=n)


@pytest.fixture(scope="module")
def fitted():
    return GaussianProcess(random_state=0).fit(*data())


def slow_errors(gp, X, y, y_var, parameters):
    """Return the errors of models fitted without a fold, each in its own sd."""
    fold = fold_of_rows(X, np.random.default_rng(gp._seed))
    errors = []
    for k in range(fold.max() + 1):
        train, held = fold != k, fold == k
        part = GaussianProcess(**parameters).fit(X[train], y[train], y_var[train])
        mu, sd = part.predict(X[held], return_std=True)
        errors.extend(np.abs(y[held] - mu) / np.sqrt(sd**2 + part.noise_variance_ + y_var[held]))
    return np.sort(errors)


@pytest.mark.parametrize(
    "parameters", [{}, {"hyperparameters": "fixed", "kernel": "gaussian"}, {"noise_variance": 0.01, "mean": 3.0}]
)
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_against_refits_one_after_the_other(parameters, level):
    X, y = data()
    y_var = np.linspace(0, 0.02, 22)
    gp = GaussianProcess(random_state=1, **parameters).fit(X, y, y_var)
    errors = slow_errors(gp, X, y, y_var, parameters)
    q = errors[int(np.ceil(round(level * 23, 9))) - 1]
    mu, sd = gp.predict(NEW, return_std=True)
    half = q * np.sqrt(sd**2 + gp.noise_variance_)
    interval = gp.predict_interval(NEW, level)
    np.testing.assert_allclose(interval.lower, mu - half, rtol=1e-6)
    np.testing.assert_allclose(interval.upper, mu + half, rtol=1e-6)
    more = gp.predict_interval(NEW, level, y_var=0.5)
    np.testing.assert_allclose(more.width, 2 * q * np.sqrt(sd**2 + gp.noise_variance_ + 0.5), rtol=1e-6)
    assert interval.guarantee == "none"


@pytest.mark.parametrize(
    ("n", "level", "finite"), [(8, 0.9, False), (9, 0.9, True), (18, 0.95, False), (19, 0.95, True)]
)
def test_rows_that_a_level_needs(n, level, finite):
    gp = GaussianProcess(random_state=0).fit(*data(n))
    if finite:
        assert np.isfinite(gp.predict_interval(NEW, level).to_numpy()).all()
    else:
        with pytest.warns(InfiniteBoundWarning, match=f"{n} held-out errors are too few .* {n + 1} rows"):
            assert np.isinf(gp.predict_interval(NEW, level).to_numpy()).all()


def test_one_distinct_row_tells_nothing():
    gp = GaussianProcess(random_state=0).fit(np.ones((30, 2)), np.arange(30.0))
    with pytest.warns(InfiniteBoundWarning, match="0 held-out errors are too few"):
        assert np.isinf(gp.predict_interval(NEW).width).all()


def test_errors_that_nothing_expected_are_infinite():
    X = np.random.default_rng(0).random((20, 1)) * 1e-6
    gp = GaussianProcess(length_scale=1e9, signal_variance=1e-30, noise_variance=0, mean=0.0, normalize_y=False)
    with pytest.warns(InfiniteBoundWarning) as caught:
        gp.fit(X, np.zeros(20) + 1e-3 * np.sign(X[:, 0] - 5e-7)).predict_interval(X)
    assert len(caught) == 1


def test_equal_rows_share_a_fold():
    X = np.repeat(np.random.default_rng(0).random((7, 2)), 3, axis=0)
    fold = fold_of_rows(X, np.random.default_rng(1))
    assert (fold.reshape(7, 3) == fold[::3, None]).all()
    assert set(fold) == set(range(5))
    assert np.bincount(fold_of_rows(X[::3], np.random.default_rng(2))).max() == 2
    assert fold_of_rows(X[:1], np.random.default_rng(2)).max() == 0


def test_predicting_changes_nothing_that_can_be_seen(fitted):
    before = {name: repr(value) for name, value in vars(fitted).items() if name.endswith("_")}
    first = fitted.predict_interval(NEW)
    assert fitted.predict_interval(NEW) == first
    assert {name: repr(value) for name, value in vars(fitted).items() if name.endswith("_")} == before


def test_same_seed_same_interval_and_updates_count():
    X, y = data()
    one, two = (GaussianProcess(random_state=5).fit(X, y) for _ in range(2))
    assert one.predict_interval(NEW) == two.predict_interval(NEW)
    two.update(NEW[:1], [4.0])
    assert len(two._calibration.errors) == 23


@pytest.mark.parametrize("level", [0.5, 0.9, 0.999, 1 - 2**-53])
def test_intervals_of_the_model(fitted, level):
    mu, sd = fitted.predict(NEW, return_std=True)
    interval = fitted.predict_interval(NEW, level, method="model")
    half = stats.norm.isf((1 - level) / 2) * np.sqrt(sd**2 + fitted.noise_variance_)
    np.testing.assert_allclose(interval.to_numpy(), np.column_stack([mu - half, mu + half]), rtol=1e-9)


@pytest.mark.parametrize(
    ("method", "mean", "guarantee"),
    [
        ("map", "constant", "none"),
        ("mle", "constant", "none"),
        ("slice", "constant", "posterior"),
        ("fixed", "constant", "none"),
        ("fixed", 3.0, "posterior"),
        ("fixed", "function", "posterior"),
        ("fixed", "basis", "none"),
    ],
)
@pytest.mark.slow
def test_what_is_promised(method, mean, guarantee):
    mean = {"function": lambda A: A[:, 0], "basis": lambda A: A[:, :1]}.get(mean, mean)
    gp = GaussianProcess(hyperparameters=method, mean=mean, random_state=0).fit(*data(14))
    assert gp.predict_interval(NEW, method="model").guarantee == guarantee
    assert gp.predict_interval(NEW).guarantee == "none"


@pytest.mark.parametrize("level", [1e-6, 0.05, 0.5, 0.975, 1 - 1e-9])
def test_quantiles_of_mixtures(level):
    rng = np.random.default_rng(0)
    mu, sd = rng.normal(size=(16, 4)) * 3, rng.uniform(0.01, 2, (16, 4))
    ours = mixture_quantiles(mu, sd, level)
    for j in range(4):
        slow = optimize.brentq(lambda v, j=j: stats.norm.cdf((v - mu[:, j]) / sd[:, j]).mean() - level, -99, 99)
        assert ours[j] == pytest.approx(slow, abs=1e-6)
    np.testing.assert_allclose(mixture_quantiles(mu[:1], sd[:1], level), stats.norm(mu[0], sd[0]).ppf(level))
    np.testing.assert_allclose(mixture_quantiles(np.ones((3, 2)), np.zeros((3, 2)), level), 1.0)


def test_callers_index_and_refusals(fitted):
    frame = pd.DataFrame(NEW, index=list("abcde"))
    assert list(fitted.predict_interval(frame).index) == list("abcde")
    for level in (0, 1, np.nan, "90", None, True):
        with pytest.raises(InputError, match="confidence_level"):
            fitted.predict_interval(NEW, level)
    with pytest.raises(InputError, match="method must be one of"):
        fitted.predict_interval(NEW, method="cv")
    with pytest.raises(InputError, match="y_var"):
        fitted.predict_interval(NEW, y_var=-1.0)
    with pytest.raises(InputError):
        fitted.predict_interval(NEW[:, :1])
