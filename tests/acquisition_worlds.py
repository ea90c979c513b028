"""Small Gaussian processes for the tests of acquisitions, and slow twins of what is asked of them."""

from itertools import pairwise

import numpy as np
from scipy import integrate, stats

from bayes import GaussianProcess
from bayes.optimization._kernels import Kernel
from bayes.optimization._posterior import Posterior

__all__ = ["Averaged", "central_difference", "expectation", "posterior_of", "process", "refitted_mean"]

TRUTH = {"length_scale": 0.4, "signal_variance": 1.5}


class Averaged:
    """Several posteriors where a fitted process has them: hyperparameters that were drawn."""

    def __init__(self, *posteriors):
        self.posteriors_ = posteriors


def data(n, d, seed=0):
    """Return points of the unit cube and values that rise along it, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, np.sin(5 * X[:, 0]) + X.sum(axis=1) + 0.1 * rng.normal(size=n)


def process(n=8, d=2, noise=0.1, seed=0, **parameters):
    """Return a process fitted with hyperparameters that are held."""
    X, y = data(n, d, seed)
    settings = {"hyperparameters": "fixed", "noise_variance": noise, "normalize_y": False, "mean": 0.5, **TRUTH}
    return GaussianProcess(**(settings | parameters)).fit(X, y)


def posterior_of(n=30, d=3, noise=0.01, seed=0, name="matern52"):
    """Return one posterior in model units that are not those of y."""
    X, y = data(n, d, seed)
    offset, scale = float(y.mean()), float(y.std())
    kernel = Kernel(name=name, length_scale=np.full(d, 0.5), signal_variance=1.2)
    return Posterior.build(X, (y - offset) / scale, np.full(n, noise), noise, kernel, None, offset, scale)


def expectation(function, sd=12.0, points=()):
    """Return E function(Z) of a standard normal Z, by quadrature in pieces."""
    edges = np.unique(np.concatenate([np.linspace(-sd, sd, 13), [p for p in points if -sd < p < sd]]))
    pieces = pairwise(edges)
    integrand = lambda z: function(z) * stats.norm.pdf(z)  # noqa: E731
    return sum(integrate.quad(integrand, *piece, epsabs=1e-14, epsrel=1e-11)[0] for piece in pieces)


def refitted_mean(gp, x, y, A):
    """Return the means at A of a process fitted anew, from scratch, with one more row."""
    post = gp.posteriors_[0]
    again = GaussianProcess(**gp.get_params()).fit(
        np.vstack([post.X, x]), np.append(post.offset + post.scale * post.y, y)
    )
    return again.predict(A)


def central_difference(function, x, h=1e-6):
    """Return the gradient of a function of one point by central differences."""
    steps = h * np.eye(len(x))
    return np.array([(function(x + step) - function(x - step)) / (2 * h) for step in steps])
