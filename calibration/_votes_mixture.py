"""Mixtures of two Weibull laws by maximum likelihood, for many questions at once.

The logarithm of a Weibull variable with shape k and scale exp(m) is a Gumbel variable (of minima) with location m and
scale 1 / k. Fitted there nothing underflows, whatever the size of the probabilities. The likelihood has no maximum
where a component may shrink onto single draws, so each keeps a spread of at least 1/10 of that of all draws, and a
share of at least 1/5.
"""

import numpy as np
from scipy import special

__all__ = ["fit_mixtures", "log_density", "log_likelihood", "log_mean", "standardise"]

GUMBEL_SD, EULER = np.pi / np.sqrt(6), np.euler_gamma
LEAST_SHARE, MOST_SHARE = 0.2, 0.8
# of the draws' standard deviation: between 1/10 of it and 10 times it
SPREAD = 10.0
BLOCK = 1 << 18
STEPS = 200
FEW = 40


def standardise(u, weight):
    """Return (u - mean) / sd per question, with the mean and the sd; padding has weight 0."""
    total = weight.sum(axis=1, keepdims=True)
    mean = (weight * u).sum(axis=1, keepdims=True) / total
    sd = np.sqrt((weight * (u - mean) ** 2).sum(axis=1, keepdims=True) / total)
    return np.where(weight > 0, (u - mean) / sd, 0.0), mean, sd


def log_density(u, location, log_shape):
    """Return the log-density of log p where p is Weibull."""
    z = np.minimum(np.exp(log_shape) * (u - location), 500.0)
    return log_shape + z - np.exp(z)


def _components(theta, u):
    share, m1, a1, m2, a2 = (theta[:, j, None] for j in range(5))
    first = log_density(u, m1, a1) + special.log_expit(share)
    second = log_density(u, m2, a2) + special.log_expit(-share)
    return first, second


def log_likelihood(theta, u, weight):
    """Return the log-likelihood per row of `theta`: logit of the share, then location and log shape of each part."""
    return (weight * np.logaddexp(*_components(theta, u))).sum(axis=1)


def log_mean(location, log_shape):
    """Return the log of the mean of a Weibull law."""
    return location + special.gammaln(1 + np.exp(-log_shape))


def fit_mixtures(u, weight):
    """Return the parameters of the likeliest mixture per row of standardised `u`, and its log-likelihood."""
    theta, value = np.empty((len(u), 5)), np.empty(len(u))
    step = max(1, BLOCK // (16 * u.shape[1]))
    for start in range(0, len(u), step):
        rows = slice(start, start + step)
        theta[rows], value[rows] = _fit(u[rows], weight[rows])
    return theta, value


def _fit(u, weight):
    starts = _starts(u, weight)
    n, many = starts.shape[:2]
    theta, value = _climb(starts.reshape(-1, 5), np.repeat(u, many, axis=0), np.repeat(weight, many, axis=0))
    theta, value = theta.reshape(n, many, 5), value.reshape(n, many)
    best = value.argmax(axis=1)
    return theta[np.arange(n), best], value[np.arange(n), best]


def _starts(u, weight):
    """Cut the sorted draws in two at several places and match the moments; and one narrow part within a wide one."""
    order = np.argsort(np.where(weight > 0, u, np.inf), axis=1)
    u, weight = np.take_along_axis(u, order, axis=1), np.take_along_axis(weight, order, axis=1)
    place = (np.cumsum(weight, axis=1) - weight / 2) / weight.sum(axis=1, keepdims=True)
    cuts = [(cut, place <= cut) for cut in (0.2, 0.35, 0.5, 0.65, 0.8)]
    for share in (0.0, 0.15, 0.3):
        cuts += [(share, stretch) for stretch in _stretches(u, weight, place, share)]
    starts = []
    for cut, inside in cuts:
        parts = []
        for side in (inside, ~inside):
            part = np.where(side, weight, 0.0)
            total = np.maximum(part.sum(axis=1), 1e-300)
            mean = (part * u).sum(axis=1) / total
            sd = np.sqrt((part * (u - mean[:, None]) ** 2).sum(axis=1) / total)
            shape = GUMBEL_SD / np.clip(sd, 1.2 / SPREAD, None)
            parts += [mean + EULER / shape, np.log(shape)]
        starts.append(np.column_stack([np.full(len(u), special.logit(max(cut, LEAST_SHARE))), *parts]))
    for narrow, wide in ((3.0, 0.7), (0.7, 3.0)):
        parts = [np.full(len(u), v) for v in (0.0, EULER / narrow, np.log(narrow), EULER / wide, np.log(wide))]
        starts.append(np.column_stack(parts))
    return np.stack(starts, axis=1)


def _stretches(u, weight, place, share):
    """Return which draws lie in stretches that hold this share of them: the shortest ones, or all where draws are few.

    A narrow component may sit on any of them.
    """
    many = np.maximum((share * weight.sum(axis=1)).round().astype(int), 1)[:, None]
    draw = np.arange(u.shape[1])
    whole = draw + many <= (weight > 0).sum(axis=1)[:, None]
    if u.shape[1] <= FEW:
        begins = [np.full((len(u), 1), k) for k in range(u.shape[1])]
    else:
        reach = np.take_along_axis(u, np.minimum(draw + many, u.shape[1]) - 1, axis=1) - u
        halves = (place <= 1, place <= 0.5, place > 0.5)
        begins = [np.where(whole & half, reach, np.inf).argmin(axis=1)[:, None] for half in halves]
    return [(draw >= begin) & (draw < begin + many) for begin in begins]


def _limits(u, weight):
    low = np.where(weight > 0, u, np.inf).min(axis=1) - 3
    high = np.where(weight > 0, u, -np.inf).max(axis=1) + 3
    shape = np.log(GUMBEL_SD * np.array([1 / SPREAD, SPREAD]))
    ones = np.ones(len(u))
    share = special.logit(np.array([LEAST_SHARE, MOST_SHARE]))
    return tuple(
        np.column_stack([share[i] * ones, end, shape[i] * ones, end, shape[i] * ones])
        for i, end in ((0, low), (1, high))
    )


def _climb(theta, u, weight):
    """Climb from each row of theta by Newton steps with the signs of the curvature set right, within the limits."""
    low, high = _limits(u, weight)
    theta = np.clip(theta, low, high)
    value = log_likelihood(theta, u, weight)
    damping = np.full(len(theta), 1e-2)
    active = np.arange(len(theta))
    for _ in range(STEPS):
        here, x, w = theta[active], u[active], weight[active]
        gradient, curvature = _derivatives(here, x, w)
        stuck = ((here <= low[active]) & (gradient < 0)) | ((here >= high[active]) & (gradient > 0))
        gradient = np.where(stuck, 0.0, gradient)
        curvature = np.where(stuck[:, :, None] | stuck[:, None, :], 0.0, curvature)
        root, axes = np.linalg.eigh(curvature)
        along = np.einsum("bij,bi->bj", axes, gradient)
        steepness = np.abs(root) + damping[active, None] * (1 + np.abs(root).max(axis=1, keepdims=True))
        step = np.einsum("bij,bj->bi", axes, along / steepness)
        there = np.clip(here + np.where(stuck, 0.0, step), low[active], high[active])
        new = log_likelihood(there, x, w)
        better = new > value[active]
        gained = np.where(better, new - value[active], 0.0)
        theta[active] = np.where(better[:, None], there, here)
        value[active] += gained
        damping[active] *= np.where(better, 0.2, 5.0)
        done = (better & (gained < 1e-9)) | (damping[active] > 1e9) | ((gradient * step).sum(axis=1) < 1e-11)
        active = active[~done]
        if not len(active):
            break
    return theta, value


def _derivatives(theta, u, weight):
    """Return gradient and Hessian of the log-likelihood, from those of the two components and who owns each draw."""
    first, second = _components(theta, u)
    mine = special.expit(first - second)
    pull = special.expit(-theta[:, 0])[:, None]
    n = len(theta)
    gradient, hessian = np.zeros((n, 5)), np.zeros((n, 5, 5))
    scores = []
    for j, owned in ((1, mine), (3, 1 - mine)):
        shape = np.exp(theta[:, j + 1])[:, None]
        z = np.minimum(shape * (u - theta[:, j, None]), 500.0)
        e = np.exp(z)
        by_location, by_shape = -shape * (1 - e), 1 + z * (1 - e)
        part = weight * owned
        hessian[:, j, j] += (part * (by_location**2 - shape**2 * e)).sum(axis=1)
        hessian[:, j, j + 1] += (part * (by_location * by_shape + shape * (e - 1 + z * e))).sum(axis=1)
        hessian[:, j + 1, j + 1] += (part * (by_shape**2 + z - z * e * (1 + z))).sum(axis=1)
        by_share = pull if j == 1 else pull - 1
        hessian[:, 0, j] += (part * by_share * by_location).sum(axis=1)
        hessian[:, 0, j + 1] += (part * by_share * by_shape).sum(axis=1)
        scores += [owned * by_location, owned * by_shape]
    share = 1 - pull
    scores = [mine - share, *scores]
    # of the share alone: E[score^2 + second derivative] of the two parts
    own = mine * pull**2 + (1 - mine) * share**2 - share * pull
    hessian[:, 0, 0] = (weight * own).sum(axis=1)
    stacked = np.stack(scores, axis=1)
    gradient = (weight[:, None, :] * stacked).sum(axis=2)
    hessian += np.swapaxes(np.triu(hessian, 1), 1, 2)
    hessian -= np.einsum("bin,bjn->bij", stacked * weight[:, None, :], stacked)
    return gradient, hessian
