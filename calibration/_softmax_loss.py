"""The penalised log loss of a linear map before a softmax, with its derivatives and its minimum."""

import numpy as np
from scipy.optimize import minimize

from uq._base.newton import newton

__all__ = ["SoftmaxLoss"]

FLOOR = 1e-8  # of every penalty, so that data without an optimum of their own have one
MOST_PARAMETERS = 600  # beyond, a Hessian costs more than the steps that it saves
MANY_ROWS = 16384
CELLS = 2**18


class SoftmaxLoss:
    """Mean log loss of softmax(features W' + b), with penalties on what differs from the identity.

    The parameters are the rows of (W, b), or the diagonal of W and b.
    """

    def __init__(self, features, target, weights, penalties, full):
        self.x, self.target, self.full, self.penalties = features, target, full, penalties
        self.weights = np.full(len(features), 1 / len(features)) if weights is None else weights / weights.sum()
        k = self.k = features.shape[1]
        off, intercept = (max(penalty, FLOOR) for penalty in penalties)
        if full:
            scales = np.full((k, k + 1), off / (k * (k - 1)))
            scales[np.arange(k), np.arange(k)] = FLOOR / k
            scales[:, k] = intercept / k
            self.identity = np.eye(k, k + 1).ravel()
            self.penalty = scales.ravel()
        else:
            self.identity = np.repeat([1.0, 0.0], k)
            self.penalty = np.repeat([FLOOR / k, intercept / k], k)

    def of(self, rows):
        """Return the loss of some rows."""
        return SoftmaxLoss(self.x[rows], self.target[rows], self.weights[rows], self.penalties, self.full)

    def map(self, theta):
        """Return (W or its diagonal, b)."""
        if self.full:
            both = theta.reshape(self.k, self.k + 1)
            return both[:, :-1], both[:, -1]
        return theta[: self.k], theta[self.k :]

    def __call__(self, theta, hessian=True):
        """Return value, gradient and, where asked for, Hessian."""
        off = theta - self.identity
        value = float(self.penalty @ off**2)
        gradient = 2 * self.penalty * off
        curvature = np.diag(2 * self.penalty) if hessian else None
        matrix, intercept = self.map(theta)
        size = max(1, CELLS // (len(theta) if hessian else self.k))
        for start in range(0, len(self.x), size):
            rows = slice(start, start + size)
            x, w, target = self.x[rows], self.weights[rows], self.target[rows]
            eta = (x @ matrix.T if self.full else x * matrix) + intercept
            eta -= eta.max(axis=1, keepdims=True)
            p = np.exp(eta)
            total = p.sum(axis=1, keepdims=True)
            p /= total
            # rows of the target sum to 1
            value += float(w @ (np.log(total[:, 0]) - np.einsum("ij,ij->i", target, eta)))
            residual = (p - target) * w[:, None]
            if self.full:
                x = np.column_stack([x, np.ones(len(x))])
                gradient += (residual.T @ x).ravel()
                if hessian:
                    curvature += self._full_hessian(x, p, w)
            else:
                gradient += np.concatenate([np.einsum("ij,ij->j", residual, x), residual.sum(axis=0)])
                if hessian:
                    curvature += self._diagonal_hessian(x, p, w)
        return value, gradient, curvature

    def _full_hessian(self, x, p, w):
        k, d = self.k, self.k + 1
        each = (p[:, :, None] * x[:, None, :]).reshape(len(x), k * d)
        found = -(each.T @ (each * w[:, None]))
        for j in range(k):
            part = slice(j * d, (j + 1) * d)
            found[part, part] += each[:, part].T @ (x * w[:, None])
        return found

    def _diagonal_hessian(self, x, p, w):
        each = np.column_stack([p * x, p])
        found = -(each.T @ (each * w[:, None]))
        own = np.einsum("ij,ij,ij,i->j", p, x, x, w), np.einsum("ij,ij,i->j", p, x, w), w @ p
        j = np.arange(self.k)
        for (a, b), diagonal in zip(((0, 0), (0, 1), (1, 1)), own, strict=True):
            found[a * self.k + j, b * self.k + j] += diagonal
            if a != b:
                found[b * self.k + j, a * self.k + j] += diagonal
        return found

    def minimum(self, start):
        """Return the parameters of least loss."""
        if len(start) <= MOST_PARAMETERS:
            if len(self.x) >= MANY_ROWS:  # most steps are taken on an eighth of the rows
                some = slice(None, None, 8)
                if self.weights[some].sum() > 0:
                    start = newton(self.of(some), start)[0]
            return newton(self, start)[0]
        options = {"maxiter": 200, "ftol": 1e-10, "gtol": 1e-6}
        return minimize(lambda at: self(at, False)[:2], start, jac=True, method="L-BFGS-B", options=options).x
