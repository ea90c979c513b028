"""Two models of coverage against k, each as a loss of parameters under weights of problems, and as a curve.

Parameters are on scales without bounds of their own (logarithms, logits); the boxes below hold what has its optimum at
infinity: no problem ever solved, no spread of rates, no problem beyond hope.
"""

import numpy as np
from scipy.special import expit, gammaln, logit, polygamma, psi

from ._batched_newton import minimize, newton_step
from ._log_product import log_product

__all__ = ["BetaBinomial", "ExpPower", "best_start", "one_step"]

DISPERSED = 1e3  # a beta law with so many times the samples in its parameters is a point


class BetaBinomial:
    """Success rates of problems follow a beta law, with a share of problems that are never solved where asked for.

    theta is (logit mean, log (a + b)[, logit share]); the loss is the mean negative log-likelihood of the counts.
    """

    def __init__(self, n, c, zero_inflated):
        self.n, self.c = n, c
        self.done = 1e-15 * n.max() * np.log(n.max() + 1)  # log-gamma functions of n are rounded
        low, high = [-40.0, np.log(1e-8)], [40.0, np.log(DISPERSED * n.max())]
        if zero_inflated:
            low, high = [*low, -30.0], [*high, 30.0]
        self.bounds = np.array([low, high])

    def starts(self, weights):
        """Return where to look for an optimum."""
        mean = float(np.clip(weights @ (self.c / self.n), 1e-6, 1 - 1e-6))
        grid = [[logit(mean), np.log(s)] for s in (0.1, 1.0, 10.0, 100.0)]
        if self.bounds.shape[1] == 3:
            zero = float(np.clip(weights @ (self.c == 0), 1e-3, 1 - 1e-3))
            grid = [[logit(min(mean / (1 - p), 0.99)), y, logit(p)] for _, y in grid for p in (zero / 10, zero / 2)]
        return np.array(grid)

    def loss(self, theta, weights):
        """Return value, gradient and Hessian per row of weights (rows, pairs), for one theta or one per row."""
        value, first, second = self._log_likelihood(theta[:, :2])
        if theta.shape[1] == 3:
            value, first, second = self._inflated(theta[:, 2:], value, first, second)
        return -_sum(weights, value), -_sum(weights, first), -_sum(weights, second)

    def _log_likelihood(self, theta):
        s = np.exp(theta[:, 1:])
        mu, nu = expit(theta[:, :1]), expit(-theta[:, :1])
        a, b = s * mu, s * nu
        n, c = self.n, self.c
        d = n - c
        value = gammaln(a + c) - gammaln(a) + gammaln(b + d) - gammaln(b) - gammaln(s + n) + gammaln(s)
        a1, b1, s1 = psi(a + c) - psi(a), psi(b + d) - psi(b), psi(s + n) - psi(s)
        a2, b2, s2 = (polygamma(1, x + k) - polygamma(1, x) for x, k in ((a, c), (b, d), (s, n)))
        # along x = logit mean: da = s mu nu = -db; along y = log s: da = a, db = b
        slope = s * mu * nu
        x1, y1 = slope * (a1 - b1), a * a1 + b * b1 - s * s1
        xx = slope**2 * (a2 + b2) + slope * (nu - mu) * (a1 - b1)
        xy = slope * (a * a2 - b * b2) + slope * (a1 - b1)
        yy = a**2 * a2 + b**2 * b2 - s**2 * s2 + y1
        return value, np.stack([x1, y1], -1), np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -1)

    def _inflated(self, eta, value, first, second):
        share, rest, none = expit(eta), expit(-eta), self.c == 0
        log_rest = -np.logaddexp(0.0, eta)
        r = np.where(none, expit(value - eta), 1.0)  # chance that a problem is not beyond hope
        total = np.where(none, np.logaddexp(log_rest + eta, log_rest + value), log_rest + value)
        cross = (-r * (1 - r))[..., None] * first
        grad = np.concatenate([r[..., None] * first, (1 - r - share)[..., None]], -1)
        hess = np.zeros((*r.shape, 3, 3))
        outer = first[..., :, None] * first[..., None, :]
        hess[..., :2, :2] = r[..., None, None] * second + (r * (1 - r))[..., None, None] * outer
        hess[..., 2, :2] = hess[..., :2, 2] = cross
        hess[..., 2, 2] = r * (1 - r) - share * rest
        return total, grad, hess

    def coverage(self, theta, ks):
        """Return the coverage at each k, of shape (rows, k)."""
        s = np.exp(theta[:, 1])
        a, b = s * expit(theta[:, 0]), s * expit(-theta[:, 0])
        a, b, s, k = (
            np.broadcast_to(v, (len(theta), len(ks))).ravel() for v in (a[:, None], b[:, None], s[:, None], ks)
        )
        # the first factor b / (a + b) by itself: b may be lost in the sum
        log = -np.log1p(a / b) + log_product(a, s + 1, k - 1)
        found = -np.expm1(log).reshape(len(theta), len(ks))
        return found if theta.shape[1] == 2 else found * expit(-theta[:, 2:])

    def parameters(self, theta):
        """Return the parameters in their usual form: a, b of the beta law, share of problems that are never solved."""
        s = float(np.exp(theta[1]))
        return (
            s * float(expit(theta[0])),
            s * float(expit(-theta[0])),
            float(expit(theta[2])) if len(theta) == 3 else 0.0,
        )


class ExpPower:
    """Coverage is exp(a k^b) with negative a and b; theta is (log -a, log -b).

    `values` are the estimates of pass@k per pair of counts, of shape (pairs, k). The loss is the mean squared
    distance of coverages, or that of log(-log coverage), in which the model is a line.
    """

    done = 1e-18
    bounds = np.array([[-40.0, -40.0], [7.0, 4.0]])

    def __init__(self, ks, values, loss):
        self.log_k, self.values, self.kind = np.log(ks), values, loss

    def starts(self, weights):
        """Return where to look for an optimum."""
        return np.array([[x, y] for x in (0.0, 1.0, 2.0) for y in (-2.5, -1.0, 0.5)])

    def loss(self, theta, weights):
        """Return value, gradient and Gauss-Newton Hessian per row of `weights`."""
        seen = np.clip(weights @ self.values, 0.0, 1.0)
        power = np.exp(theta[:, 1:]) * self.log_k
        if self.kind == "loglog":
            inside = (seen > 0) & (seen < 1)
            with np.errstate(divide="ignore"):
                target = np.where(inside, np.log(-np.log(np.where(inside, seen, 0.5))), 0.0)
            gap = np.where(inside, theta[:, :1] - power - target, 0.0)
            jacobian = np.stack([inside * np.ones_like(power), -power * inside], -1)
        else:
            minus_log = np.exp(theta[:, :1] - power)
            model = np.exp(-minus_log)
            gap = model - seen
            slope = -minus_log * model
            jacobian = np.stack([slope, -power * slope], -1)
        many = len(self.log_k)
        gradient = np.einsum("bk,bki->bi", gap, jacobian) / many
        return (gap**2).mean(axis=1) / 2, gradient, np.einsum("bki,bkj->bij", jacobian, jacobian) / many

    def coverage(self, theta, ks):
        """Return the coverage at each k, of shape (rows, k)."""
        return np.exp(-np.exp(theta[:, :1] - np.exp(theta[:, 1:]) * np.log(ks)))

    def parameters(self, theta):
        """Return a and b, and a share of 0."""
        return -float(np.exp(theta[0])), -float(np.exp(theta[1])), 0.0


def _sum(weights, terms):
    """Return the weighted sums over pairs; the terms of one theta serve all rows."""
    if len(terms) == 1:
        return np.tensordot(weights, terms[0], axes=1)
    return np.einsum("bu,bu...->b...", weights, terms)


def best_start(model, weights):
    """Return the parameters that fit one vector of weights best, from several starts."""
    starts = model.starts(weights)
    tiled = np.tile(weights, (len(starts), 1))
    found = minimize(lambda theta, rows: model.loss(theta, tiled[rows]), starts, model.bounds, done=model.done)
    return found[np.argmin(model.loss(found, tiled)[0])]


def one_step(model, theta, weights):
    """Return the parameters one Newton step from `theta`, for each row of weights."""
    tiled = np.tile(theta, (len(weights), 1))
    _, gradient, hessian = model.loss(theta[None], weights)
    step, _ = newton_step(tiled, gradient, hessian, model.bounds)
    return np.clip(tiled - step, *model.bounds)
