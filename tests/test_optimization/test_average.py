"""Averages over environments: closed forms against quadrature, gains against refits, gradients against differences."""

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from bayes import Categorical, GaussianProcess, Integer, Real, expected_max_affine, noisy_expected_improvement
from bayes.optimization._average import AveragedPosterior, AverageTargets
from bayes.optimization._average_gain import AverageGain, AverageMean, knowledge_gradient_of_average
from bayes.optimization._average_kernel import AverageKernel, _twice
from bayes.optimization._context import ContextMean, check_context
from bayes.optimization._kernels import KERNELS, Kernel
from bayes.optimization._mean import TrendMean
from bayes.optimization._posterior import Posterior
from bayes.optimization._space import check_space

LAWS = {
    "values": {"w": ([1, 2, 5], [0.5, 0.2, 0.3])},
    "interval": {"w": Real(0, 1)},
    "both": {"w": Real(0, 1), "task": Categorical(["a", "b", "c"])},
    "intervals": {"w": Real(0, 1), "u": Real(2, 3)},
}


def make_context(law=None, fidelity=None, n=2):
    space = check_space({f"x{j}": Real(0, 1) for j in range(n)}, "test")
    return check_context(space, law, fidelity, "test")


def make_posterior(context, kernel="gaussian", n=9, noise=0.05, seed=0, trend=False):
    rng = np.random.default_rng(seed)
    X = context.joint.place(rng.random((n, len(context.joint.names))))
    columns = context.joint.columns
    length = rng.uniform(0.3, 0.9, columns.max() + 1)[columns]
    made = Kernel(name=kernel, length_scale=length, signal_variance=1.7)
    mean = None
    if trend:
        mean = TrendMean(
            function=ContextMean(context.columns),
            coef=rng.normal(size=len(context.columns)),
            shift=0.3,
            step=np.ones(len(length)),
        )
    return Posterior.build(X, rng.normal(size=n), np.full(n, noise), noise, made, mean)


# ---- integrals of the kernel


def test_the_double_integral_is_the_number_that_was_derived():
    assert _twice(0.4) == pytest.approx(0.6842588704666215, abs=1e-15)


@pytest.mark.parametrize("length", [0.01, 0.1, 0.4, 1.0, 7.0, 300.0, 1e4, 1e8])
def test_integrals_of_the_gaussian_kernel_are_those_of_quadrature(length):
    kernel = Kernel(name="gaussian", length_scale=np.array([1.0, length]), signal_variance=1.0)
    made = AverageKernel(kernel, np.full((1, 1), 0.5), np.ones(1), np.array([0]))

    def k(u, w):
        return np.exp(-0.5 * ((u - w) / length) ** 2)

    for w in (0.0, 0.3, 1.0):
        true = quad(k, 0, 1, args=(w,), points=[min(max(w, 1e-9), 1 - 1e-9)], epsabs=1e-13)[0]
        assert made.own(np.array([[0.2, w]]))[0] == pytest.approx(true, rel=1e-9)
    if length >= 0.1:
        assert made.variance() == pytest.approx(dblquad(k, 0, 1, 0, 1, epsabs=1e-12)[0], rel=1e-9)
    # the variance of an average lies below that of what is averaged
    assert 0 < made.variance() <= 1


# ---- the posterior of an average


def nodes(context, kernel):
    """Return environments and weights that stand for the law: very many under a closed form."""
    if kernel != "gaussian":
        return context.nodes(exact=False)[:2]
    rows, weights = np.empty((1, 0)), np.ones(1)
    for name, law in context.weights.items():
        points, fine = np.polynomial.legendre.leggauss(30)
        places = (points[:, None] + 1) / 2 if law is None else context.joint.dimensions[name].levels()
        law = fine / 2 if law is None else law
        rows = np.array([np.r_[row, place] for row in rows for place in places])
        weights = np.array([w * v for w in weights for v in law])
    return rows, weights


def expanded(context, kernel, B):
    """Return all rows (b, m, d) that the averages at B are of, and the weights."""
    rows, weights = nodes(context, kernel)
    return np.array([[np.r_[x, row] for row in rows] for x in B]), weights


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("law", LAWS)
def test_the_posterior_is_that_of_a_weighted_sum(kernel, law):
    context = make_context(LAWS[law])
    post = make_posterior(context, kernel, trend=True)
    average = AveragedPosterior(post, context)
    rng = np.random.default_rng(1)
    A, B = rng.random((3, 2)), rng.random((2, 2))
    Z = context.joint.place(rng.random((5, len(context.joint.names))))
    over_a, weights = expanded(context, kernel, A)
    over_b, _ = expanded(context, kernel, B)
    mean, var = average.mean_var(A)
    assert np.allclose(mean, [weights @ post.mean(rows) for rows in over_a], atol=1e-9)
    assert np.allclose(var, [weights @ post.cov(rows, rows) @ weights for rows in over_a], atol=1e-8)
    cov = [[weights @ post.cov(a, b) @ weights for b in over_b] for a in over_a]
    assert np.allclose(average.cov(A, B), cov, atol=1e-8)
    targets = AverageTargets(average, A)
    assert np.allclose(targets.mu, mean)
    var, mu, cov = targets.many(Z)
    own, _ = expanded(context, kernel, Z[:, :2])
    assert np.allclose(var, post.mean_var(Z)[1])
    assert np.allclose(mu, [weights @ post.mean(rows) for rows in own], atol=1e-9)
    assert np.allclose(cov[:, :3], np.array([weights @ post.cov(rows, Z) for rows in over_a]).T, atol=1e-8)
    assert np.allclose(
        cov[:, 3], [weights @ post.cov(r, z[None])[:, 0] for r, z in zip(own, Z, strict=True)], atol=1e-8
    )
    for i, z in enumerate(Z):
        at = targets.at(z)
        assert at.var == pytest.approx(var[i])
        assert at.mu == pytest.approx(mu[i])
        assert np.allclose(at.cov, cov[i])


@pytest.mark.parametrize("kernel", ["matern52", "matern32", "gaussian"])
@pytest.mark.parametrize("law", LAWS)
def test_gradients_are_those_of_differences(kernel, law):
    context = make_context(LAWS[law])
    average = AveragedPosterior(make_posterior(context, kernel, trend=True), context)
    rng = np.random.default_rng(2)
    B = rng.random((4, 2))
    targets, gain, mean = AverageTargets(average, B), AverageGain(average, B), AverageMean([average])
    for z in rng.uniform(0.1, 0.9, (3, len(context.joint.columns))):
        steps = 1e-6 * np.eye(len(z))
        at = targets.at(z)

        def slope(f, steps=steps, z=z):
            return np.array([(f(z + s) - f(z - s)) / 2e-6 for s in steps])

        assert np.allclose(at.dmu, slope(lambda z: targets.at(z).mu), atol=1e-6)
        assert np.allclose(at.dvar, slope(lambda z: targets.at(z).var), atol=1e-6)
        assert np.allclose(at.dcov, slope(lambda z: targets.at(z).cov).T, atol=1e-6)
        value, gradient = gain.at(z)
        assert np.allclose(gradient, slope(lambda z: gain.at(z)[0]), rtol=1e-4, atol=1e-5)
        assert np.isfinite(value)
        x = z[:2]
        assert np.allclose(
            mean.at(x)[1], [(mean.at(x + s)[0] - mean.at(x - s)[0]) / 2e-6 for s in 1e-6 * np.eye(2)], atol=1e-6
        )


def test_sixteen_nodes_are_close_to_the_integral_of_a_kernel_with_a_kink():
    context = make_context(LAWS["interval"])
    post = make_posterior(context, "matern52")
    average = AveragedPosterior(post, context)
    w = (np.arange(4000) + 0.5) / 4000
    x = np.array([0.3, 0.6])
    grid = np.column_stack([np.tile(x, (len(w), 1)), w])
    assert average.mean_var(x[None])[0][0] == pytest.approx(post.mean(grid).mean(), abs=1e-4)


# ---- the gain


@pytest.mark.parametrize(("law", "fidelity"), [("values", None), ("interval", None), (None, (Integer(1, 3), 3))])
@pytest.mark.parametrize("kernel", ["gaussian", "matern52"])
@pytest.mark.slow
def test_the_gain_is_that_of_refits_from_scratch(kernel, law, fidelity):
    context = make_context(LAWS.get(law), fidelity)
    post = make_posterior(context, kernel, n=7, noise=0.1)
    rng = np.random.default_rng(3)
    B = rng.random((5, 2))
    gain = AverageGain(AveragedPosterior(post, context), B)
    for z in context.joint.place(rng.random((2, len(context.joint.names)))):
        choices = np.vstack([B, z[:2]])
        rows, weights = context.nodes(exact=False)[:2]
        over = np.array([[np.r_[x, row] for row in rows] for x in choices])

        def means(posterior, over=over, weights=weights):
            return np.array([weights @ posterior.mean(rows) for rows in over])

        mu, var = post.mean_var(z[None])
        outcomes = np.linspace(-8, 8, 1201)
        chances = np.exp(-0.5 * outcomes**2)
        best = [
            means(Posterior.build(np.vstack([post.X, z]), np.r_[post.y, y], np.full(8, 0.1), 0.1, post.kernel)).max()
            for y in mu[0] + np.sqrt(var[0] + 0.1) * outcomes
        ]
        true = np.average(best, weights=chances) - means(post).max()
        assert np.exp(gain.at(z)[0]) == pytest.approx(true, rel=1e-3, abs=1e-9)
        assert gain.screen(z[None])[0] == pytest.approx(gain.at(z)[0], abs=1e-8)


def test_the_gain_is_the_expected_maximum_of_lines():
    context = make_context(LAWS["values"])
    post = make_posterior(context, "matern52")
    average = AveragedPosterior(post, context)
    rng = np.random.default_rng(4)
    B, z = rng.random((6, 2)), np.array([0.2, 0.7, 0.5])
    at = AverageTargets(average, B).at(z)
    a = np.append(average.mean_var(B)[0], at.mu)
    value = expected_max_affine(a, at.cov / np.sqrt(at.var + 0.05), log=True)
    assert AverageGain(average, B).at(z)[0] == pytest.approx(value)


def test_one_environment_or_the_fidelity_that_counts_is_the_process_itself():
    for context in (make_context({"w": [3]}), make_context(None, (Categorical(["real"]), "real"))):
        post = make_posterior(context, "matern52")
        average = AveragedPosterior(post, context)
        rng = np.random.default_rng(5)
        rows = context.joint.place(rng.random((4, len(context.joint.names))))
        mean, var = post.mean_var(rows)
        assert np.allclose(average.mean_var(rows[:, :2]), [mean, var])
        assert np.allclose(average.cov(rows[:, :2], rows[:, :2]), post.cov(rows, rows))
        # where the candidate's mean is no better than the best: the improvement among what was evaluated
        gp = GaussianProcess(hyperparameters="fixed")
        gp.posteriors_ = (post,)
        worse = rows[mean < post.mean(post.X).max()]
        ours = AverageGain(average, post.X[:, :2]).screen(worse)
        assert np.allclose(ours, noisy_expected_improvement(gp, worse, log=True))


def test_known_points_are_worth_nothing():
    context = make_context(LAWS["values"])
    post = make_posterior(context, "matern52", noise=0.0)
    gain = AverageGain(AveragedPosterior(post, context), post.X[:, :2])
    assert gain.screen(post.X[:1])[0] == -np.inf
    assert gain.at(post.X[0])[0] == -np.inf


@pytest.mark.parametrize("n", [1, 2])
def test_choices_hold_almost_all_of_the_gain(n):
    context = make_context({"w": ([0, 1], [0.5, 0.5])}, n=n)
    post = make_posterior(context, "matern52", n=10, seed=3)
    gp = GaussianProcess(hyperparameters="fixed")
    gp.posteriors_, gp.offset_, gp.scale_ = (post,), 0.0, 1.0
    utility, _ = knowledge_gradient_of_average(gp, context, np.random.default_rng(0))
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 201 if n == 1 else 31)] * n), axis=-1).reshape(-1, n)
    fine = AverageGain(AveragedPosterior(post, context), grid)
    Z = context.joint.place(np.random.default_rng(1).random((40, n + 1)))
    ours, true = np.exp(utility.screen(Z)), np.exp(fine.screen(Z))
    assert (ours <= true.max() * 1.05).all()
    assert ours.max() > 0.9 * true.max()
