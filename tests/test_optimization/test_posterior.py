"""The posterior against algebra done slowly, finite differences, scikit-learn, and refits from scratch."""

import pickle

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern

from bayes.optimization._kernels import KERNELS, Kernel
from bayes.optimization._mean import ConstantMean, TrendMean
from bayes.optimization._posterior import Posterior

D = 3
THEIRS = {
    "matern12": lambda s: Matern(s, nu=0.5),
    "matern32": lambda s: Matern(s, nu=1.5),
    "matern52": lambda s: Matern(s, nu=2.5),
    "gaussian": RBF,
}


def trend(X):
    return np.column_stack([np.ones(len(X)), X[:, 0] ** 2, np.sin(X[:, 1])])


MEANS = {
    "constant": ConstantMean(value=0.4),
    "trend": TrendMean(function=trend, coef=np.array([0.2, -1.0, 0.5]), shift=0.3, step=np.ones(D)),
}


def world(name="matern52", n=12, mean="constant", seed=0, noise=0.05):
    rng = np.random.default_rng(seed)
    X, y = rng.random((n, D)), rng.normal(size=n)
    kernel = Kernel(name=name, length_scale=np.array([0.3, 0.7, 1.5]), signal_variance=1.7)
    rows = noise + rng.random(n) * 0.1
    return Posterior.build(X, y, rows, noise, kernel, MEANS[mean]), rng


def slowly(post, A, B):
    """Return mean of A, cov(A, B) by explicit inversion."""
    K = post.kernel(post.X, post.X) + np.diag(post.noise + post.jitter)
    inverse = np.linalg.inv(K)
    to = post.kernel(A, post.X)
    mean = post.trend.values(A) + to @ inverse @ (post.y - post.trend.values(post.X))
    return mean, post.kernel(A, B) - to @ inverse @ post.kernel(post.X, B)


def difference(f, x, step=1e-6):
    """Return central differences of f in each coordinate, last axis."""
    return np.stack([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))], axis=-1)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_scikit_learns(name):
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(7, D)), rng.normal(size=(5, D))
    A[0] = B[0]
    scale = np.array([0.3, 1.0, 4.0])
    ours = Kernel(name=name, length_scale=scale, signal_variance=2.5)
    np.testing.assert_allclose(ours(A, B), 2.5 * THEIRS[name](scale)(A, B), rtol=1e-12)
    np.testing.assert_array_equal(ours.diag(A), 2.5)


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_gradient(name):
    rng = np.random.default_rng(2)
    A, x = rng.normal(size=(6, D)), rng.normal(size=D)
    kernel = Kernel(name=name, length_scale=np.array([0.3, 1.0, 4.0]), signal_variance=2.5)
    expected = difference(lambda point: kernel(A, point[None])[:, 0], x)
    np.testing.assert_allclose(kernel.gradient(A, x), expected, atol=1e-8)


@pytest.mark.parametrize("name", KERNELS)
def test_gradient_at_an_evaluated_point_is_finite(name):
    post, _ = world(name)
    at = post.targets(post.X).at(post.X[3])
    for part in at:
        assert np.isfinite(part).all()


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("mean", MEANS)
def test_against_explicit_inversion(name, mean):
    post, rng = world(name, mean=mean)
    A, B = rng.random((6, D)), rng.random((4, D))
    expected, cov = slowly(post, A, B)
    np.testing.assert_allclose(post.mean(A), expected, atol=1e-10)
    np.testing.assert_allclose(post.cov(A, B), cov, atol=1e-10)
    mu, var = post.mean_var(A)
    np.testing.assert_allclose(mu, expected, atol=1e-10)
    np.testing.assert_allclose(var, np.diag(slowly(post, A, A)[1]), atol=1e-10)
    many = post.targets(B).many(A)
    for ours, slow in zip(many, (expected, var, cov), strict=True):
        np.testing.assert_allclose(ours, slow, atol=1e-10)
    np.testing.assert_allclose(post.targets(B).mu, post.mean(B), atol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("to", ["evaluated", "others", "none"])
def test_one_point_and_its_gradients(name, mean, to):
    post, rng = world(name, mean=mean)
    B = {"evaluated": post.X, "others": rng.random((4, D)), "none": None}[to]
    targets, x = post.targets(B), rng.random(D)
    at = targets.at(x)
    mu, var, cov = (part[0] for part in targets.many(x[None]))
    assert at.mu == pytest.approx(mu, abs=1e-12)
    assert at.var == pytest.approx(var, abs=1e-12)
    np.testing.assert_allclose(at.cov, cov, atol=1e-12)
    np.testing.assert_allclose(at.dmu, difference(lambda p: targets.at(p).mu, x), atol=2e-7)
    np.testing.assert_allclose(at.dvar, difference(lambda p: targets.at(p).var, x), atol=2e-7)
    np.testing.assert_allclose(at.dcov, difference(lambda p: targets.at(p).cov, x), atol=2e-7)


@pytest.mark.parametrize("mean", MEANS)
def test_no_data_is_the_prior(mean):
    kernel = Kernel(name="matern52", length_scale=np.ones(D), signal_variance=2.0)
    post = Posterior.build(np.empty((0, D)), np.empty(0), np.empty(0), 0.1, kernel, MEANS[mean])
    rng = np.random.default_rng(0)
    A = rng.random((4, D))
    mu, var = post.mean_var(A)
    np.testing.assert_allclose(mu, MEANS[mean].values(A))
    np.testing.assert_array_equal(var, 2.0)
    np.testing.assert_allclose(post.cov(A, A), kernel(A, A))
    at = post.targets(A).at(A[0])
    np.testing.assert_allclose(at.cov, kernel(A, A[:1])[:, 0])
    assert post.targets(post.X).at(A[0]).var == 2.0
    one = post.append(A[0], 0.7)
    fresh = Posterior.build(A[:1], np.array([0.7]), np.array([0.1]), 0.1, kernel, MEANS[mean])
    np.testing.assert_allclose(one.mean(A), fresh.mean(A), atol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("mean", MEANS)
def test_appended_is_rebuilt(name, mean):
    post, rng = world(name, mean=mean)
    x, y, noise = rng.random((3, D)), rng.normal(size=3), rng.random(3)
    fresh = Posterior.build(
        np.vstack([post.X, x]),
        np.r_[post.y, y],
        np.r_[post.noise, noise],
        post.noise_variance,
        post.kernel,
        post.trend,
        post.offset,
        post.scale,
    )
    together = post.append(x, y, noise)
    singly = post
    for row, value, extra in zip(x, y, noise, strict=True):
        singly = singly.append(row, value, extra)
    for ours in (together, singly):
        np.testing.assert_allclose(ours.L, fresh.L, atol=1e-12)
        np.testing.assert_allclose(ours.alpha, fresh.alpha, atol=1e-10)


def test_believed_rows_move_no_mean_and_shrink_variances():
    post, rng = world()
    A, pending = rng.random((9, D)), rng.random((3, D))
    believed = post.append(pending)
    mu, var = post.mean_var(A)
    after, less = believed.mean_var(A)
    np.testing.assert_allclose(after, mu, atol=1e-12)
    assert (less < var).all()
    inverse = np.linalg.inv(post.cov(pending, pending) + post.noise_variance * np.eye(3))
    to = post.cov(A, pending)
    np.testing.assert_allclose(less, var - np.einsum("ij,jk,ik->i", to, inverse, to), atol=1e-10)


def test_repeated_rows_without_noise_are_survived():
    kernel = Kernel(name="gaussian", length_scale=np.ones(D), signal_variance=1.0)
    x = np.full((1, D), 0.5)
    post = Posterior.build(np.repeat(x, 3, axis=0), np.ones(3), np.zeros(3), 0.0, kernel)
    more = post.append(x, 1.0)
    for p in (post, more):
        mu, var = p.mean_var(x)
        assert mu[0] == pytest.approx(1, abs=1e-6)
        assert var[0] == 0  # what the jitter leaves is no variance


@pytest.mark.parametrize("name", KERNELS)
def test_variance_at_evaluated_points_without_noise_is_zero(name):
    rng = np.random.default_rng(3)
    X = rng.random((15, 2))
    kernel = Kernel(name=name, length_scale=np.full(2, 2.0), signal_variance=3.0)
    post = Posterior.build(X, rng.normal(size=15), np.zeros(15), 0.0, kernel)
    assert (post.mean_var(X)[1] == 0).all()
    assert all(post.targets(X).at(x).var == 0 for x in X)


def test_samples_have_the_posterior_law():
    post, rng = world()
    A = rng.random((4, D))
    draws = post.sample(A, 20000, rng)
    assert draws.shape == (20000, 4)
    mu, cov = post.mean(A), post.cov(A, A)
    assert np.abs(draws.mean(axis=0) - mu).max() < 5 * np.sqrt(np.diag(cov).max() / 20000)
    assert np.abs(np.cov(draws.T) - cov).max() < 5 * np.diag(cov).max() * np.sqrt(2 / 20000)


@pytest.mark.parametrize("name", KERNELS)
def test_posterior_is_scikit_learns(name):
    post, rng = world(name)
    theirs = GaussianProcessRegressor(
        1.7 * THEIRS[name](post.kernel.length_scale), alpha=post.noise, optimizer=None
    ).fit(post.X, post.y - 0.4)
    A = rng.random((8, D))
    mu, cov = theirs.predict(A, return_cov=True)
    np.testing.assert_allclose(post.mean(A), mu + 0.4, atol=1e-10)
    np.testing.assert_allclose(post.cov(A, A), cov, atol=1e-10)


def test_points_far_beyond_everything_give_the_prior():
    post, _ = world()
    A = np.array([[1e150, -1e150, 1e150], [1e150, 1e150, 1e150]])
    mu, var = post.mean_var(A)
    np.testing.assert_array_equal(mu, 0.4)
    np.testing.assert_array_equal(var, 1.7)
    at = post.targets(post.X).at(A[0])
    assert not at.dmu.any()
    assert not at.dvar.any()


def test_pickles_to_the_same_bits():
    post, rng = world(mean="trend")
    A = rng.random((4, D))
    again = pickle.loads(pickle.dumps(post))
    assert again == post
    np.testing.assert_array_equal(again.mean_var(A), post.mean_var(A))
