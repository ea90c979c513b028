"""Which settings will not crash: a Gaussian process behind a probit, by Laplace's approximation.

The length scale is one for all columns and is chosen, with a weak prior, by the approximate evidence among a few
values, so that a dozen trials suffice; the latent variance is fixed. Far from all trials the chance is one half.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from ._gain import LOG_SQRT_2PI
from ._kernels import Kernel
from ._linalg import cholesky, solve_lower, solve_upper

__all__ = ["SuccessModel", "fit_success"]

VARIANCE = 4.0  # of the latent process: one standard deviation from the mean is a chance of 5 % or 95 %, almost
SCALES = (0.15, 0.25, 0.4, 0.6, 0.9, 1.4, 2.2)
_TYPICAL, _SPREAD = 0.7, 0.8  # log-normal prior of the length scale
_STEPS, _SETTLED = 60, 1e-9


@dataclass(frozen=True, slots=True)
class SuccessModel:
    """The chance of success at settings, in logs; a factor of an acquisition.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Trials, in length scales.
    kernel : Kernel
    slope : ndarray of shape (n,)
        Derivative of the log likelihood at the mode.
    root : ndarray of shape (n,)
        Square root of minus its second derivative.
    L : ndarray of shape (n, n)
    log_evidence : float
    """

    X: np.ndarray
    kernel: Kernel
    slope: np.ndarray
    root: np.ndarray
    L: np.ndarray
    log_evidence: float

    def at(self, x):
        """Return the log chance at one point (d,), and its gradient."""
        k, dk = self.kernel.at(self.X, self.kernel.scaled(x))
        both = solve_lower(self.L, self.root[:, None] * np.column_stack([k, dk]))
        v = both[:, 0]
        mean, dmean = self.slope @ k, self.slope @ dk
        spread = 1 + max(self.kernel.signal_variance - v @ v, 0.0)
        t = mean / np.sqrt(spread)
        # the variance falls by 2 v dv
        dt = (dmean + mean * (v @ both[:, 1:]) / spread) / np.sqrt(spread)
        log_p = log_ndtr(t)
        return float(log_p), np.exp(-0.5 * t * t - LOG_SQRT_2PI - log_p) * dt

    def screen(self, A):
        """Return the log chances (m,) at the rows of A."""
        k = self.kernel.between(self.X, self.kernel.scaled(A))
        v = solve_lower(self.L, self.root[:, None] * k)
        spread = 1 + np.maximum(self.kernel.signal_variance - np.einsum("ij,ij->j", v, v), 0.0)
        return log_ndtr((self.slope @ k) / np.sqrt(spread))


def fit_success(X, ok, scales=SCALES):
    """Return the SuccessModel of trials X (n, d) of the unit cube and whether each succeeded (n,)."""
    unit = np.sqrt(X.shape[1])
    models = [_laplace(X, ok, scale * max(unit / 2, 1.0)) for scale in scales]
    priors = [-0.5 * (np.log(scale / _TYPICAL) / _SPREAD) ** 2 for scale in scales]
    return models[int(np.argmax([m.log_evidence + p for m, p in zip(models, priors, strict=True)]))]


def _laplace(X, ok, length_scale):
    """Find the mode of the latent values by Newton's method, and what the approximation needs there."""
    kernel = Kernel(name="matern52", length_scale=np.full(X.shape[1], length_scale), signal_variance=VARIANCE)
    points, sign = kernel.scaled(X), np.where(ok, 1.0, -1.0)
    K = kernel.between(points, points)
    f = a = np.zeros(len(X))
    value = -np.inf
    for _ in range(_STEPS):
        log_p, slope, weight = _likelihood(sign, f)
        root = np.sqrt(weight)
        L = cholesky(np.eye(len(X)) + root[:, None] * K * root)
        new = log_p - 0.5 * a @ f
        if new - value < _SETTLED:
            break
        value = new
        b = weight * f + slope
        a = b - root * solve_upper(L, solve_lower(L, root * (K @ b)))
        f = K @ a
    return SuccessModel(points, kernel, slope, root, L, float(new - np.log(L.diagonal()).sum()))


def _likelihood(sign, f):
    """Return the log likelihood, its slope and minus its curvature (n,): both are bounded for a probit."""
    z = sign * f
    log_p = log_ndtr(z)
    ratio = np.exp(-0.5 * z * z - LOG_SQRT_2PI - log_p)
    return log_p.sum(), sign * ratio, ratio * (z + ratio)
