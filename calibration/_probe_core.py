"""Binomial regression with an L2 penalty for many features: Newton's method, each step by preconditioned CG.

The loss is sum m_i [log(1 + exp(eta_i)) - c_i / m_i eta_i] + alpha |w|^2 with eta = Z w + b, convex and for alpha > 0
strictly so. The Hessian is Z' D Z + 2 alpha with D between 0 and m / 4; with D replaced by one multiple of m it is
factorised once per alpha, after which a few CG steps suffice. With fewer rows than features w lies in the span of the
rows, so that an n x n rotation of them takes the place of Z.
"""

import numpy as np
from scipy import linalg, special

__all__ = ["cross_validate", "fit_path", "log_loss", "span"]

STEPS, CG_STEPS, HALVINGS = 100, 200, 40
PATIENCE = 2
CV_TOL = 1e-8


def span(X):
    """Return (Z, V) with X = Z V', the columns of V orthonormal and as many as rows; V is None for X itself."""
    n, d = X.shape
    if d <= n:
        return X, None
    values, vectors = linalg.eigh(X @ X.T, overwrite_a=True, check_finite=False)
    kept = values > values[-1] * n * np.finfo(float).eps
    if not kept.any():
        return np.zeros((n, 1)), np.zeros((d, 1))
    root = np.sqrt(values[kept])
    vectors = vectors[:, kept]
    V = X.T @ (vectors / root)
    return vectors * root, V


def log_loss(eta, c, m):
    """Return the mean log loss per trial."""
    return float((m * np.logaddexp(0.0, eta) - c * eta).sum() / m.sum())


def fit_path(Z, c, m, alphas, tol):
    """Yield (w, b) for each alpha in turn, each started from the one before."""
    used = m > 0
    if not used.all():
        Z, c, m = Z[used], c[used], m[used]
    center = m @ Z / m.sum()
    # m * Z in one copy; a centred Gram matrix, so that the intercept stands apart
    root = np.sqrt(m)[:, None] * (Z - center)
    gram = root.T @ root
    del root
    w, b = np.zeros(Z.shape[1]), float(special.logit(c.sum() / m.sum()))
    for alpha in alphas:
        w, b = _newton(Z, center, gram, c, m, alpha, w, b, tol)
        yield w, b - float(center @ w)


def _newton(Z, center, gram, c, m, alpha, w, b, tol):
    """Return w and b of eta = (Z - center) w + b."""
    total = m.sum()

    def linear(v):
        return Z @ v - center @ v

    def back(r):
        return Z.T @ r - center * r.sum()

    def value(eta, w):
        return float((m * np.logaddexp(0.0, eta) - c * eta).sum() + alpha * (w @ w))

    eta = linear(w) + b
    loss = value(eta, w)
    factor = None
    for _ in range(STEPS):
        p = special.expit(eta)
        residual = m * p - c
        g, g0 = back(residual) + 2 * alpha * w, residual.sum()
        d = m * p * special.expit(-eta)
        level = max(d.sum() / total, 1e-12)
        if factor is None or not 0.5 < level / factor[1] < 2:
            matrix = level * gram
            # a hair more than rounding takes away, where weights leave nothing of alpha
            matrix.flat[:: len(w) + 1] += max(2 * alpha, 1e-13 * matrix.diagonal().max(initial=0.0))
            factor = linalg.cho_factor(matrix, overwrite_a=True, check_finite=False), level
        scale = max(d.sum(), 1e-12 * total)
        size = np.sqrt(g @ linalg.cho_solve(factor[0], g, check_finite=False) + g0 * g0 / scale)
        if size * size <= tol * total:
            break
        dw, db = _solve(linear, back, d, alpha, factor[0], scale, g, g0, min(0.1, size / np.sqrt(total)))
        step, change = 1.0, linear(dw) + db
        slope = float(g @ dw + g0 * db)
        for _ in range(HALVINGS):
            new_w, new_eta = w + step * dw, eta + step * change
            new = value(new_eta, new_w)
            if new <= loss + 1e-4 * step * slope:
                break
            step /= 2
        else:
            break  # no digit left to gain
        done = loss - new <= 4 * np.finfo(float).eps * abs(loss)
        w, b, eta, loss = new_w, b + step * db, new_eta, new
        if done and step == 1.0 and size * size <= 1e-10 * total:
            break
    return w, b


def _solve(linear, back, d, alpha, factor, scale, g, g0, accuracy):
    """Return -H^-1 g by conjugate gradients, H the Hessian at the row weights d."""
    x, x0 = np.zeros_like(g), 0.0
    r, r0 = -g, -g0
    z, z0 = linalg.cho_solve(factor, r, check_finite=False), r0 / scale
    p, p0 = z, z0
    rho = r @ z + r0 * z0
    stop = accuracy**2 * rho
    for _ in range(CG_STEPS):
        if rho <= stop or rho == 0:
            break
        u = d * (linear(p) + p0)
        q, q0 = back(u) + 2 * alpha * p, u.sum()
        curvature = p @ q + p0 * q0
        if curvature <= 0:
            break
        t = rho / curvature
        x, x0 = x + t * p, x0 + t * p0
        r, r0 = r - t * q, r0 - t * q0
        z, z0 = linalg.cho_solve(factor, r, check_finite=False), r0 / scale
        rho, before = r @ z + r0 * z0, rho
        p, p0 = z + rho / before * p, z0 + rho / before * p0
    return x, x0


def cross_validate(Z, c, m, alphas, folds):
    """Return the held-out log loss per alpha, from the strongest down until it has risen twice in a row."""
    held = [test for _, test in folds]
    walks = []
    for train, _ in folds:
        walks.append(fit_path(Z[train], c[train], m[train], alphas, CV_TOL))
    losses: dict[float, float] = {}
    risen, last = 0, np.inf
    for alpha in alphas:
        total = 0.0
        for test, walk in zip(held, walks, strict=True):
            w, b = next(walk)
            total += log_loss(Z[test] @ w + b, c[test], m[test]) * m[test].sum()
        losses[alpha] = float(total / sum(m[test].sum() for test in held))
        risen = risen + 1 if losses[alpha] > last else 0
        last = losses[alpha]
        if risen >= PATIENCE:
            break
    return losses
