"""The estimator: scikit-learn's contract and its numbers, degenerate data, units, records, refusals."""

import contextlib
import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern
from sklearn.utils.estimator_checks import parametrize_with_checks

from bayes import GaussianProcess
from bayes.optimization._likelihood import Likelihood, LogPrior
from bayes.optimization._posterior import Posterior
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning

THEIRS = {
    "matern12": lambda s: Matern(s, nu=0.5),
    "matern32": lambda s: Matern(s, nu=1.5),
    "matern52": lambda s: Matern(s, nu=2.5),
    "gaussian": RBF,
}
LENGTH = np.array([0.4, 2.0])


def data(n=25, d=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, 3 + np.sin(5 * X[:, 0]) + 0.1 * rng.normal(size=n)


NEW = np.random.default_rng(99).random((7, 2))


@parametrize_with_checks([GaussianProcess(), GaussianProcess(hyperparameters="fixed", kernel="gaussian")])
def test_scikit_learn(estimator, check):
    check(estimator)


# ---- numbers


@pytest.mark.parametrize("kernel", THEIRS)
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("normalize", [True, False])
def test_posterior_is_scikit_learns(kernel, known, normalize):
    X, y = data()
    y_var = np.random.default_rng(1).random(25) * 0.1 if known else None
    mean = y.mean() if normalize else 0.0
    gp = GaussianProcess(
        kernel,
        length_scale=LENGTH,
        signal_variance=1.3,
        noise_variance=0.02,
        mean=mean,
        hyperparameters="fixed",
        normalize_y=normalize,
    ).fit(X, y, y_var)
    scale = y.std() if normalize else 1.0
    assert gp.scale_ == pytest.approx(scale)
    noise = (0.02 + (y_var if known else np.zeros(25))) / scale**2
    theirs = GaussianProcessRegressor(
        ConstantKernel(1.3 / scale**2) * THEIRS[kernel](LENGTH), alpha=noise, optimizer=None, normalize_y=normalize
    ).fit(X, y)
    mu, sd = theirs.predict(NEW, return_std=True)
    ours, our_sd = gp.predict(NEW, return_std=True)
    np.testing.assert_allclose(ours, mu, atol=1e-6)
    np.testing.assert_allclose(our_sd, sd, atol=1e-6)
    np.testing.assert_allclose(gp.predict(NEW), ours, atol=1e-12)
    density = theirs.log_marginal_likelihood() - 25 * np.log(scale)
    assert gp.log_marginal_likelihood() == pytest.approx(density, abs=1e-6)
    np.testing.assert_allclose(gp.theta_, np.log([0.4, 2.0, 1.3, 0.02]), atol=1e-9)


@pytest.mark.parametrize("kernel", THEIRS)
def test_log_marginal_likelihood_and_its_gradient(kernel):
    X, y = data()
    gp = GaussianProcess(kernel).fit(X, y, np.linspace(0, 0.1, 25))
    theta = gp.theta_ + np.array([0.3, -0.2, 0.1, 0.4])
    value, slopes = gp.log_marginal_likelihood(theta, eval_gradient=True)
    length, (s2, noise) = np.exp(theta[:2]), np.exp(theta[2:])
    K = s2 * THEIRS[kernel](length)(X) + np.diag(noise + np.linspace(0, 0.1, 25))
    level = gp.offset_ + gp.scale_ * gp.posteriors_[0].trend.value
    assert value == pytest.approx(stats.multivariate_normal(np.full(25, level), K).logpdf(y), abs=1e-6)
    for j, e in enumerate(1e-5 * np.eye(4)):
        slow = (gp.log_marginal_likelihood(theta + e) - gp.log_marginal_likelihood(theta - e)) / 2e-5
        assert slopes[j] == pytest.approx(slow, abs=1e-5)


@pytest.mark.parametrize("method", ["map", "fixed", "mle"])
def test_leave_one_out_is_a_refit_without_the_row(method):
    X, y = data(12)
    gp = GaussianProcess(hyperparameters=method).fit(X, y, np.linspace(0, 0.2, 12))
    loo, whole = gp.leave_one_out(), gp.posteriors_[0]
    for i in range(12):
        rest = np.arange(12) != i
        post = Posterior.build(
            X[rest], whole.y[rest], whole.noise[rest], whole.noise_variance, whole.kernel, whole.trend
        )
        mu, var = (part[0] for part in post.mean_var(X[i : i + 1]))
        assert loo.mean[i] == pytest.approx(gp.offset_ + gp.scale_ * mu, abs=1e-8)
        assert loo.std[i] == pytest.approx(gp.scale_ * np.sqrt(var + whole.noise[i]), abs=1e-8)
    np.testing.assert_allclose(loo.z, (y - loo.mean) / loo.std, atol=1e-8)
    assert loo.guarantee == "none"
    assert "z" in loo.to_frame().columns
    assert loo.plot().get_title()


@pytest.mark.parametrize("method", ["map", "slice"])
def test_update_is_all_rows_at_once(method):
    X, y = data(20)
    y_var = np.linspace(0, 0.1, 20)
    gp = GaussianProcess(hyperparameters=method, random_state=0).fit(X[:14], y[:14], y_var[:14])
    record = gp._hyperparameters()
    gp.update(X[14:15], y[14:15], y_var[14:15]).update(X[15:], y[15:], y_var[15:])
    whole = GaussianProcess(hyperparameters=method)._restore(X, y, y_var, record)
    for ours, theirs in zip(gp.predict(NEW, return_std=True), whole.predict(NEW, return_std=True), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(gp.leave_one_out().z, whole.leave_one_out().z, atol=1e-8)
    assert gp.log_marginal_likelihood() == pytest.approx(whole.log_marginal_likelihood())


def test_refused_update_changes_nothing():
    X, y = data(10)
    gp = GaussianProcess().fit(X, y)
    before = gp.predict(NEW)
    for rows, values, noise in ((X, [*y[:-1], np.nan], None), (X[:, :1], y, None), (X, y, -y), (X, 1e99 * y, None)):
        with pytest.raises(InputError):
            gp.update(rows, values, noise)
    np.testing.assert_array_equal(gp.predict(NEW), before)
    assert len(gp.leave_one_out().y) == 10


@pytest.mark.parametrize("seed", range(4))
def test_the_mode_is_the_best_of_many_searches(seed):
    X, y = data(18, seed=seed)
    gp = GaussianProcess().fit(X, y)
    unit = np.ptp(X, axis=0)
    target = (y - gp.offset_) / gp.scale_
    likelihood = Likelihood(
        "matern52", X / unit, np.arange(2), target, np.ones((18, 1)), np.zeros(18), 1.0, LogPrior.default(2),
        np.ones(4, bool),
    )  # fmt: skip
    found = np.r_[np.log(gp.length_scale_ / unit), gp.theta_[2:] - 2 * np.log(gp.scale_)]
    best, slopes = likelihood(found)
    assert np.abs(slopes).max() < 0.02
    rng = np.random.default_rng(seed)
    prior = LogPrior.default(2)
    points = rng.normal(prior.centre, prior.spread, (400, 4))
    assert min(likelihood(point, False) for point in points) > best - 1e-6


def test_likelihood_alone_is_no_worse_under_mle():
    X, y = data(30)
    by = {m: GaussianProcess(hyperparameters=m).fit(X, y).log_marginal_likelihood() for m in ("map", "mle", "fixed")}
    assert by["mle"] >= by["map"] >= by["fixed"]


def test_given_hyperparameters_are_held():
    X, y = data()
    gp = GaussianProcess(length_scale=0.7, noise_variance=0.05).fit(X, y)
    np.testing.assert_allclose(gp.length_scale_, 0.7)
    assert gp.noise_variance_ == pytest.approx(0.05)
    assert gp.signal_variance_ != pytest.approx(gp.scale_**2)
    none = GaussianProcess(noise_variance=0).fit(X, y)
    assert none.noise_variance_ == 0
    np.testing.assert_allclose(none.predict(X), y, atol=1e-4)


def test_a_row_with_huge_noise_counts_for_nothing():
    X, y = data()
    y_var = np.zeros(25)
    y_var[3] = 1e40
    wrong = y.copy()
    wrong[3] += 5
    record = GaussianProcess().fit(X, y, y_var)._hyperparameters()
    rest = np.arange(25) != 3
    ours = GaussianProcess()._restore(X, wrong, y_var, record).predict(NEW)
    np.testing.assert_allclose(ours, GaussianProcess()._restore(X[rest], y[rest], None, record).predict(NEW), atol=1e-9)


@pytest.mark.parametrize("factor", [1e-130, 1e-3, 1e130])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_units_do_not_matter(factor, shift):
    X, y = data()
    shift *= factor
    mu, sd = GaussianProcess().fit(X, y).predict(NEW, return_std=True)
    gp = GaussianProcess().fit(X * factor, y * factor + shift, np.zeros(25))
    ours, our_sd = gp.predict(NEW * factor, return_std=True)
    np.testing.assert_allclose((ours - shift) / factor, mu, rtol=1e-4)
    np.testing.assert_allclose(our_sd / factor, sd, rtol=1e-3)


def test_outputs_whose_squares_vanish():
    X, y = data()
    gp = GaussianProcess().fit(X, y * 1e-300, np.zeros(25))
    np.testing.assert_allclose(gp.predict(NEW) * 1e300, GaussianProcess().fit(X, y).predict(NEW), rtol=1e-4)


# ---- means


def test_known_function_as_mean():
    X, y = data()
    ours = GaussianProcess(mean=lambda A: 10 * A[:, 0]).fit(X, y + 10 * X[:, 0])
    base = GaussianProcess(mean=0).fit(X, y)
    np.testing.assert_allclose(ours.predict(NEW) - 10 * NEW[:, 0], base.predict(NEW), atol=1e-3)
    np.testing.assert_allclose(ours.predict(NEW, True)[1], base.predict(NEW, True)[1], rtol=1e-2)


def test_basis_as_mean_reaches_beyond_the_data():
    rng = np.random.default_rng(0)
    X = rng.random((40, 1))
    y = 2 + 7 * X[:, 0] + 0.05 * rng.normal(size=40)
    far = np.array([[5.0]])
    line = GaussianProcess(mean=lambda A: A, length_scale=0.3).fit(X, y)
    assert line.predict(far)[0] == pytest.approx(37, abs=2)
    assert GaussianProcess(length_scale=0.3).fit(X, y).predict(far)[0] < 15


def test_basis_of_ones_is_the_constant():
    X, y = data()
    ones = GaussianProcess(mean=lambda A: np.ones((len(A), 1))).fit(X, y)
    np.testing.assert_allclose(ones.predict(NEW), GaussianProcess().fit(X, y).predict(NEW), atol=1e-5)


@pytest.mark.parametrize(
    "mean", [lambda A: A[:3], lambda A: np.full(len(A), np.nan), lambda A: "m", lambda A: None, lambda A: A[:, :0]]
)
def test_means_that_are_none(mean):
    X, y = data()
    with pytest.raises(InputError, match="mean must be a callable that returns finite numbers"):
        GaussianProcess(mean=mean).fit(X, y)


# ---- degenerate data


DEGENERATE = {
    "one row": (np.array([[1.0, 2.0]]), np.array([3.0])),
    "two rows": (np.array([[1.0, 2.0], [2.0, 2.0]]), np.array([3.0, 4.0])),
    "constant y": (data()[0], np.full(25, 7.0)),
    "constant y of thirds": (data()[0], np.full(25, 0.1) * 3),
    "one level": (np.column_stack([data()[0][:, 0], np.full(25, 4.0)]), data()[1]),
    "no levels": (np.full((6, 2), 4.0), np.arange(6.0)),
    "duplicates": (np.repeat(data(8)[0], 3, axis=0), np.repeat(data(8)[1], 3)),
    "duplicates that differ": (np.repeat(data(8)[0], 3, axis=0), np.random.default_rng(0).normal(size=24)),
    "fewer rows than columns": (np.random.default_rng(0).random((4, 9)), np.arange(4.0)),
    "huge": (data()[0] * 1e149, data()[1] * 1e149),
    "both ends": (np.array([[1e-300], [1e149], [-1e149], [0]]), np.array([1e149, -1e-300, 0, 1e-300])),
    "subnormal": (np.array([[0], [5e-324], [1e-323], [0]]), np.array([5e-324, 0, 0, 1e-323])),
    "an outlier": (data()[0], np.r_[np.zeros(24), 1e12]),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DEGENERATE)
@pytest.mark.parametrize(
    ("kernel", "hyperparameters"), [("matern52", "map"), ("gaussian", "mle"), ("matern12", "fixed")]
)
@pytest.mark.parametrize("noise", [None, 0])
def test_degenerate_data(kind, kernel, hyperparameters, noise):
    X, y = DEGENERATE[kind]
    gp = GaussianProcess(kernel, hyperparameters=hyperparameters, noise_variance=noise, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", SmallSampleWarning)
        contradict = noise == 0 and kind in ("no levels", "duplicates that differ", "subnormal")
        with pytest.warns(UserWarning, match="different y") if contradict else contextlib.nullcontext():
            gp.fit(X, y)
        for A in (X, X + 1.0):
            mu, sd = gp.predict(A, return_std=True)
            assert np.isfinite(mu).all()
            assert (sd >= 0).all()
            assert np.isfinite(sd).all()
        assert np.isfinite(gp.sample_y(X[:3], 2)).all()
        assert np.isfinite(gp.log_marginal_likelihood())
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        lower, upper = gp.predict_interval(X)
        assert not np.isnan(lower).any()
        assert not np.isnan(upper).any()
    if kind.startswith("constant"):
        np.testing.assert_allclose(gp.predict(X), y, atol=1e-6)


def test_few_rows_under_mle_warn():
    X, y = DEGENERATE["fewer rows than columns"]
    with pytest.warns(SmallSampleWarning, match="use hyperparameters='map'"):
        GaussianProcess(hyperparameters="mle").fit(X, y)


# ---- slice sampling


def test_slice_draws_are_repeated_and_pooled():
    X, y = data(12)
    gp, again = (GaussianProcess(hyperparameters="slice", random_state=3).fit(X, y) for _ in range(2))
    assert len(gp.posteriors_) == 16
    assert gp.posteriors_ == again.posteriors_
    parts = [p.mean_var(NEW) for p in gp.posteriors_]
    mu = np.mean([m for m, _ in parts], axis=0)
    var = np.mean([v + m**2 for m, v in parts], axis=0) - mu**2
    ours, sd = gp.predict(NEW, return_std=True)
    np.testing.assert_allclose(ours, gp.offset_ + gp.scale_ * mu, rtol=1e-12)
    np.testing.assert_allclose(sd, gp.scale_ * np.sqrt(var), rtol=1e-6)
    assert (sd > 0.8 * GaussianProcess().fit(X, y).predict(NEW, return_std=True)[1]).all()
    draws = gp.sample_y(NEW, 4000, random_state=0)
    np.testing.assert_allclose(draws.mean(axis=1), ours, atol=5 * sd.max() / np.sqrt(4000))
    np.testing.assert_allclose(draws.std(axis=1), sd, rtol=0.1)


# ---- what the optimiser uses


@pytest.mark.parametrize("hyperparameters", ["map", "slice", "fixed"])
@pytest.mark.parametrize("mean", ["constant", 1.5, "basis", "function"])
def test_restored_from_its_record_bit_by_bit(hyperparameters, mean):
    X, y = data(12)
    mean = {"basis": lambda A: A, "function": lambda A: A[:, 0]}.get(mean, mean)
    parameters = {"hyperparameters": hyperparameters, "mean": mean, "random_state": 0}
    gp = GaussianProcess(**parameters)._fit(X, y, np.full(12, 0.01), input_scale=np.ones(2))
    record = json.loads(json.dumps(gp._hyperparameters()))
    again = GaussianProcess(**parameters)._restore(X, y, np.full(12, 0.01), record)
    assert again.posteriors_ == gp.posteriors_
    np.testing.assert_array_equal(again.predict(NEW, True), gp.predict(NEW, True))
    assert again._hyperparameters() == record


def test_tied_columns_share_a_length_scale():
    rng = np.random.default_rng(0)
    X = rng.random((30, 4))
    gp = GaussianProcess()._fit(X, np.sin(5 * X[:, 0]), input_scale=np.ones(4), columns=[0, 1, 1, 1])
    assert gp.length_scale_[1] == gp.length_scale_[2] == gp.length_scale_[3] != gp.length_scale_[0]


def test_warm_start_finds_the_same_and_keeps_units():
    X, y = data(40)
    gp = GaussianProcess()._fit(X[:36], y[:36])
    record = gp._hyperparameters()
    warm = GaussianProcess()._fit(X, y, start=record)
    assert (warm.offset_, warm.scale_) == (gp.offset_, gp.scale_)
    free = GaussianProcess()._fit(X, y, start={k: v for k, v in record.items() if k not in ("offset", "scale")})
    cold = GaussianProcess()._fit(X, y)
    assert (free.offset_, free.scale_) == (cold.offset_, cold.scale_)
    np.testing.assert_allclose(free.theta_, cold.theta_, atol=0.05)


def test_many_rows_are_searched_from_a_part_of_them():
    X, y = data(260)
    cold = GaussianProcess()._fit(X, y)
    warm = GaussianProcess()._fit(X, y, start=cold._hyperparameters())
    np.testing.assert_allclose(warm.theta_, cold.theta_, atol=0.05)


def test_no_rows_are_the_prior():
    gp = GaussianProcess()._fit(np.empty((0, 2)), np.empty(0), input_scale=np.ones(2))
    mu, sd = gp.posteriors_[0].mean_var(NEW)
    np.testing.assert_array_equal(mu, 0)
    np.testing.assert_array_equal(sd, 1)


# ---- habits


def test_inputs_in_any_dress():
    X, y = data()
    y_var = np.full(25, 0.01)
    expected = GaussianProcess().fit(X, y, y_var).predict(NEW)
    frame = pd.DataFrame(X, columns=["a", "b"])
    gp = GaussianProcess().fit(frame, pd.Series(y), pd.Series(y_var))
    np.testing.assert_array_equal(gp.predict(pd.DataFrame(NEW, columns=["a", "b"])), expected)
    frozen = [np.asfortranarray(X), y.copy(), y_var.copy()]
    for array in frozen:
        array.flags.writeable = False
    np.testing.assert_allclose(GaussianProcess().fit(*frozen).predict(NEW), expected, rtol=1e-9)
    np.testing.assert_allclose(GaussianProcess().fit(X.tolist(), y.tolist(), 0.01).predict(NEW), expected, rtol=1e-9)


def test_rows_in_another_order_are_refused():
    X, y = data()
    frame, series = pd.DataFrame(X), pd.Series(y)
    with pytest.raises(InputError, match="in the order of X"):
        GaussianProcess().fit(frame, series[::-1])


def test_pickle_and_clone():
    X, y = data()
    gp = GaussianProcess(random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(gp))
    np.testing.assert_array_equal(again.predict(NEW), gp.predict(NEW))
    np.testing.assert_array_equal(again.predict_interval(NEW).lower, gp.predict_interval(NEW).lower)
    assert not hasattr(clone(gp), "posteriors_")


BAD = {
    "kernel": {"kernel": "rbf"},
    "length_scale": {"length_scale": [1.0, 2.0, 3.0]},
    "length_scale of 0": {"length_scale": 0.0},
    "length_scale of words": {"length_scale": "long"},
    "signal_variance": {"signal_variance": 0},
    "noise_variance": {"noise_variance": -1.0},
    "mean": {"mean": "linear"},
    "hyperparameters": {"hyperparameters": "vb"},
    "normalize_y": {"normalize_y": "yes"},
    "random_state": {"random_state": -1},
}


@pytest.mark.parametrize("case", BAD)
def test_bad_parameters(case):
    X, y = data()
    with pytest.raises(InputError, match=f"GaussianProcess.*{case.split()[0]}|{case.split()[0]}.*GaussianProcess"):
        GaussianProcess(**BAD[case]).fit(X, y)


@pytest.mark.parametrize(
    ("X", "y", "y_var"),
    [
        (np.full((25, 2), np.nan), data()[1], None),
        (data()[0], np.full(25, np.inf), None),
        (data()[0], data()[1][:5], None),
        (data()[0], data()[1], -np.ones(25)),
        (data()[0], data()[1], np.full(25, np.nan)),
        (data()[0], data()[1], np.ones(3)),
        (data()[0], data()[1], "noise"),
        (data()[0] * 1e200, data()[1], None),
        (data()[0][:0], data()[1][:0], None),
    ],
)
def test_bad_rows_change_nothing(X, y, y_var):
    gp = GaussianProcess()
    with pytest.raises(InputError):
        gp.fit(X, y, y_var)
    assert not [name for name in vars(gp) if name.endswith("_")]


def test_hyperparameters_beyond_reason():
    X, y = data()
    with pytest.raises(InputError, match="signal_variance must be within a factor"):
        GaussianProcess(signal_variance=1e149).fit(X, y * 1e-30)
    with pytest.raises(InputError, match="normalize_y"):
        GaussianProcess(normalize_y=False).fit(X, y * 1e60)
    with pytest.raises(InputError, match="theta must hold 4 logarithms"):
        GaussianProcess().fit(X, y).log_marginal_likelihood([0.0, 1.0])


@pytest.mark.parametrize("kernel", list(THEIRS))
@pytest.mark.parametrize("hyperparameters", ["map", "fixed"])
def test_columns_of_endless_length_scales_are_far_apart(kernel, hyperparameters):
    X = [[0.0], [1e150], [1e150]]
    gp = GaussianProcess(kernel, length_scale=1e-140, noise_variance=0.1, hyperparameters=hyperparameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean = gp.fit(X, [0.0, 1.0, 1.2]).predict([[0.0], [1e150]])
    assert mean[0] < 0.5 < 0.9 < mean[1]


@pytest.mark.parametrize("value", [0.0, 1e-300])
def test_the_density_without_noise_is_asked_for_at_its_own_theta(value):
    X, y = data(6)
    gp = GaussianProcess(noise_variance=value).fit(X, y)
    assert gp.log_marginal_likelihood(gp.theta_) == gp.log_marginal_likelihood()
    with pytest.raises(InputError, match="theta must be finite"):
        gp.log_marginal_likelihood([-np.inf, 0.0, 0.0, 0.0])
    with pytest.raises(InputError, match="theta must be finite"):
        gp.log_marginal_likelihood([0.0, 0.0, 0.0, np.inf])
    with pytest.raises(InputError, match="theta"):
        gp.log_marginal_likelihood([-np.inf])


def test_rows_that_contradict_each_other_without_noise_are_told_of():
    X, y = [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], [0.0, 1.0, 1.0, 0.0]
    with pytest.warns(UserWarning, match="equal X and different y"):
        gp = GaussianProcess(noise_variance=0).fit(X, y)
    assert gp.predict(X[:1]) == pytest.approx(0.5, abs=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianProcess(noise_variance=0).fit(X, y, y_var=[0.1, 0, 0, 0])
        GaussianProcess(noise_variance=0).fit(X, [1.0, 0.0, 1.0, 0.0])
        GaussianProcess(noise_variance=1e-9).fit(X, y)
