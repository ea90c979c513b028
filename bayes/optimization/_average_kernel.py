"""Covariances of an average: G(x) = sum or integral over environments w of f(x, w), for a process f of (x, w).

Points of the process have the columns of x first, then those of w. Where nothing is averaged but a column is held (a
fidelity), there is one node of weight 1.
"""

import math

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import erf

from ._kernels import correlation, correlation_and_slope

__all__ = ["AverageKernel"]

_ROOT_2 = math.sqrt(2)
_ROOT_HALF_PI = math.sqrt(math.pi / 2)


class AverageKernel:
    """Prior covariances of averages with the process, and with each other.

    Parameters
    ----------
    kernel : Kernel
        Of n_columns columns.
    nodes : ndarray of shape (m, c)
        Places of the last c columns.
    weights : ndarray of shape (m,)
    integrated : ndarray of int, shape (i,)
        Columns among the c that are averaged by the uniform law on [0, 1] in closed form, which takes the Gaussian
        kernel; what nodes say of them does not count.
    """

    def __init__(self, kernel, nodes, weights, integrated):
        self.kernel, self.weights, self.integrated = kernel, weights, integrated
        c = nodes.shape[1]
        self.p = len(kernel.length_scale) - c
        self._of_x, self._of_w = kernel._inverse[: self.p], kernel._inverse[self.p :]
        self._summed = np.setdiff1d(np.arange(c), integrated)
        self._nodes = (nodes * self._of_w)[:, self._summed]
        self._length = np.asarray(kernel.length_scale)[self.p :][integrated]

    # ---- with the process

    def cross(self, B, Z):
        """Return cov(G(B), f(Z)) of shape (b, n)."""
        r2 = cdist(B * self._of_x, Z[:, : self.p] * self._of_x, "sqeuclidean")
        return self._average(r2, Z[:, self.p :])

    def own(self, Z):
        """Return cov(G(x), f(x, w)) for each row (x, w) of Z, of shape (n,)."""
        return self._average(np.zeros((1, len(Z))), Z[:, self.p :])[0]

    def _average(self, r2, W):
        s2, far = self.kernel.signal_variance, self._far(W)
        if self.kernel.name == "gaussian":
            return s2 * np.exp(-0.5 * r2) * (self.weights @ np.exp(-0.5 * far) * self._integrals(W)[0])
        total = np.zeros(np.broadcast_shapes(r2.shape, (1, len(W))))
        for weight, apart in zip(self.weights, far, strict=True):
            total += weight * correlation(self.kernel.name, r2 + apart)
        return s2 * total

    def _far(self, W):
        """Return the squared distances (m, n) of the nodes from places W (n, c)."""
        return cdist(self._nodes, (W * self._of_w)[:, self._summed], "sqeuclidean")

    def cross_at(self, B, z):
        """Return cov(G(B), f(z)) of shape (b,), and its gradient in z (b, d)."""
        x, w = z[: self.p], z[self.p :]
        apart = (B - x) * self._of_x
        r2 = np.einsum("ij,ij->i", apart, apart)
        value, slope, by_w = self._at(r2, w)
        return value, np.hstack([slope[:, None] * apart * self._of_x, by_w])

    def own_at(self, z):
        """Return cov(G(x), f(x, w)) at one point z = (x, w), and its gradient (d,), which is 0 in x."""
        value, _, by_w = self._at(np.zeros(1), z[self.p :])
        return float(value[0]), np.r_[np.zeros(self.p), by_w[0]]

    def average_at(self, x, Z):
        """Return cov(G(x), f(Z)) of shape (n,) for one x (p,), and its gradient in x (n, p)."""
        apart = (Z[:, : self.p] - x) * self._of_x
        r2 = np.einsum("ij,ij->i", apart, apart)
        s2, far = self.kernel.signal_variance, self._far(Z[:, self.p :])
        if self.kernel.name == "gaussian":
            value = s2 * np.exp(-0.5 * r2) * (self.weights @ np.exp(-0.5 * far)) * self._integrals(Z[:, self.p :])[0]
            slope = value
        else:
            rho, slope = correlation_and_slope(self.kernel.name, r2 + far)
            value, slope = s2 * (self.weights @ rho), s2 * (self.weights @ slope)
        return value, slope[:, None] * apart * self._of_x

    def _at(self, r2, w):
        """Return values (b,), slopes (b,) that the gradient in x is made of, and the gradient in w (b, c)."""
        s2, gap = self.kernel.signal_variance, self._nodes - (w * self._of_w)[self._summed]
        far = np.einsum("ij,ij->i", gap, gap)
        by_w = np.zeros((len(r2), len(w)))
        if self.kernel.name == "gaussian":
            factor, slopes = self._integrals(w[None])
            near = self.weights * np.exp(-0.5 * far)
            x = s2 * np.exp(-0.5 * r2)
            value = x * (near.sum() * factor[0])
            by_w[:, self._summed] = np.outer(x * factor[0], near @ gap * self._of_w[self._summed])
            by_w[:, self.integrated] = np.outer(x * near.sum(), slopes[0])
            return value, value, by_w
        rho, slope = correlation_and_slope(self.kernel.name, r2[:, None] + far)
        slope = s2 * slope * self.weights
        by_w[:, self._summed] = slope @ gap * self._of_w[self._summed]
        return s2 * (rho @ self.weights), slope.sum(axis=1), by_w

    def _integrals(self, W):
        """Return the product (n,) over integrated columns of int_0^1 exp(-(u - w)^2 / 2 l^2) du, and its slopes."""
        W, length = W[:, self.integrated], self._length
        below, above = W / length, (1 - W) / length
        parts = length * _ROOT_HALF_PI * (erf(above / _ROOT_2) + erf(below / _ROOT_2))
        slopes = np.exp(-0.5 * below * below) - np.exp(-0.5 * above * above)
        others = [np.delete(parts, j, axis=1).prod(axis=1) for j in range(parts.shape[1])]
        return parts.prod(axis=1), np.array([s * o for s, o in zip(slopes.T, others, strict=True)]).T.reshape(W.shape)

    # ---- with each other

    def between(self, A, B):
        """Return cov(G(A), G(B)) of shape (a, b)."""
        r2 = cdist(A * self._of_x, B * self._of_x, "sqeuclidean")
        far = cdist(self._nodes, self._nodes, "sqeuclidean")
        pairs = np.outer(self.weights, self.weights)
        s2 = self.kernel.signal_variance
        if self.kernel.name == "gaussian":
            return s2 * np.exp(-0.5 * r2) * ((pairs * np.exp(-0.5 * far)).sum() * math.prod(map(_twice, self._length)))
        total = np.zeros(r2.shape)
        far, group = np.unique(far, return_inverse=True)
        for apart, weight in zip(far, np.bincount(group.ravel(), pairs.ravel()), strict=True):
            total += weight * correlation(self.kernel.name, r2 + apart)
        return s2 * total

    def variance(self):
        """Return the prior variance of G, the same everywhere."""
        return float(self.between(np.zeros((1, self.p)), np.zeros((1, self.p)))[0, 0])


def _twice(length):
    """Return the double integral over the unit square of exp(-(u - v)^2 / 2 l^2)."""
    near = 0.5 / length / length
    if near < 1e-6:  # the closed form cancels where the kernel is flat
        return 1 - near / 6 + near * near / 30
    return 2 * length * _ROOT_HALF_PI * erf(1 / (_ROOT_2 * length)) + 2 * length * length * math.expm1(-near)
