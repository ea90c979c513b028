"""Stationary covariance functions with one length scale per column: Matérn 1/2, 3/2, 5/2 and Gaussian."""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.distance import cdist

from uq._base.frozen import Frozen

__all__ = ["FAR", "KERNELS", "Kernel", "correlation", "correlation_and_slope"]

KERNELS = ("matern12", "matern32", "matern52", "gaussian")
FAR = 1e150  # in length scales; squares of what lies beyond would overflow
_ROOT3, _ROOT5 = 3**0.5, 5**0.5


def correlation(name, r2):
    """Return rho(r) from the squared distance r2 in length scales."""
    if name == "gaussian":
        return np.exp(-0.5 * r2)
    r = np.sqrt(r2)
    if name == "matern12":
        return np.exp(-r)
    if name == "matern32":
        r *= _ROOT3
        return (1 + r) * np.exp(-r)
    r *= _ROOT5
    return (1 + r + (5 / 3) * r2) * np.exp(-r)


def correlation_and_slope(name, r2):
    """Return rho and -2 d rho / d r2, the factor of every derivative; 0 at r = 0 for Matérn 1/2, which has a kink."""
    if name == "gaussian":
        rho = np.exp(-0.5 * r2)
        return rho, rho
    r = np.sqrt(r2)
    if name == "matern12":
        rho = np.exp(-r)
        return rho, np.divide(rho, r, out=np.zeros_like(r), where=r > 0)
    if name == "matern32":
        r *= _ROOT3
        decay = np.exp(-r)
        return (1 + r) * decay, 3 * decay
    r *= _ROOT5
    decay = np.exp(-r)
    slope = (1 + r) * decay
    return slope + (5 / 3) * r2 * decay, (5 / 3) * slope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel(Frozen):
    """k(x, x') = signal_variance rho(r), r^2 = sum_j (x_j - x'_j)^2 / length_scale_j^2.

    Parameters
    ----------
    name : {"matern12", "matern32", "matern52", "gaussian"}
    length_scale : ndarray of shape (n_columns,)
        In the units of the columns.
    signal_variance : float
    """

    name: str
    length_scale: np.ndarray
    signal_variance: float
    # read for each single point
    _inverse: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "_inverse", 1 / np.asarray(self.length_scale, dtype=float))
        Frozen.__post_init__(self)

    def __reduce__(self):
        return _kernel, (self.name, self.length_scale, self.signal_variance)

    def scaled(self, A):
        """Return the points in length scales."""
        with np.errstate(over="ignore"):
            return np.clip(A * self._inverse, -FAR, FAR)

    def __call__(self, A, B):
        """Return the covariances of the rows of A (a, d) and B (b, d), of shape (a, b)."""
        return self.between(self.scaled(A), self.scaled(B))

    def between(self, A, B):
        """Return the covariances of points that are in length scales already."""
        return self.signal_variance * correlation(self.name, cdist(A, B, "sqeuclidean"))

    def diag(self, A):
        """Return the variances of the rows of A, of shape (a,)."""
        return np.full(len(A), self.signal_variance)

    def gradient(self, A, x):
        """Return d k(A, x) / dx of shape (a, d) for one point x (d,)."""
        return self.at(self.scaled(A), self.scaled(x))[1]

    def at(self, A, x):
        """Return k(A, x) (a,) and its gradient in x (a, d), for points in length scales, in units of the columns."""
        apart = A - x
        rho, slope = correlation_and_slope(self.name, np.einsum("ij,ij->i", apart, apart))
        # the slope first: it is 0 where the distance is huge
        apart *= (self.signal_variance * slope)[:, None]
        apart *= self._inverse
        return self.signal_variance * rho, apart


def _kernel(name, length_scale, signal_variance):
    return Kernel(name=name, length_scale=length_scale, signal_variance=signal_variance)
