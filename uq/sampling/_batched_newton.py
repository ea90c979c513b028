"""Newton's method for many small problems at once: the same loss under other weights, a few parameters each."""

import numpy as np

__all__ = ["minimize", "newton_step"]

LONGEST = 2.0  # parameters are logarithms: no step goes further, however flat the loss is
FLAT = 1e-12


def minimize(loss, start, bounds, *, done, max_iter=200):
    """Return the minimisers, shape (n_problems, n_parameters), within a box.

    Parameters
    ----------
    loss : callable
        ``loss(theta, rows)`` gives values (m,), gradients (m, p) and Hessians (m, p, p) of the problems `rows`.
    start : ndarray of shape (n_problems, n_parameters)
    bounds : ndarray of shape (2, n_parameters)
    done : float
        A problem is solved where a step promises to lower its loss by less than this, which is above the rounding error
        of the loss. That step is the last.
    """
    theta = np.clip(start, *bounds)
    rows = np.arange(len(theta))
    value, gradient, hessian = loss(theta, rows)
    for _ in range(max_iter):
        step, promise = newton_step(theta[rows], gradient, hessian, bounds)
        moving = promise > done
        last = rows[~moving]
        theta[last] = np.clip(theta[last] - step[~moving], *bounds)
        rows, value, step, promise = rows[moving], value[moving], step[moving], promise[moving]
        if not rows.size:
            break
        rows, (value, gradient, hessian) = _descend(loss, theta, rows, value, step, promise, bounds, done)
    return theta


def newton_step(theta, gradient, hessian, bounds):
    """Return the steps, shortened to what is allowed, and what each promises to gain."""
    low, high = bounds
    held = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))
    free = np.where(held, 0.0, gradient)
    hessian = np.where(held[:, :, None] | held[:, None, :], np.eye(theta.shape[1]) * held[:, :, None], hessian)
    # a direction that curves downwards is followed down, as far as if it curved up
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), FLAT * np.abs(values).max(axis=1, keepdims=True) + 1e-300)
    step = np.einsum("bij,bj->bi", vectors, np.einsum("bij,bi->bj", vectors, free) / size)
    longest = np.abs(step).max(axis=1, keepdims=True)
    step = step * np.minimum(1.0, LONGEST / np.maximum(longest, 1e-300))
    return step, np.einsum("bi,bi->b", free, step)


def _descend(loss, theta, rows, value, step, promise, bounds, noise):
    """Shorten steps until each lowers its loss; return the problems that moved and their losses. Moves `theta`."""
    moved, answers = [], []
    size = 1.0
    while rows.size and size > 1e-4:
        there = np.clip(theta[rows] - size * step, *bounds)
        new = loss(there, rows)
        better = new[0] <= value - 1e-4 * size * promise + noise
        theta[rows[better]] = there[better]
        moved.append(rows[better])
        answers.append([part[better] for part in new])
        rows, value, step, promise = (part[~better] for part in (rows, value, step, promise))
        size /= 2
    return np.concatenate(moved), tuple(np.concatenate(parts) for parts in zip(*answers, strict=True))
