"""E max(a + b Z) of lines under one standard normal Z: the one integral of noisy EI and of the knowledge gradient."""

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_matrix, check_switch, check_vector

from ._gain import log_gain, lower_tail, safe_exp

__all__ = ["AffineGain", "affine_gain", "expected_max_affine", "many_affine_gains", "upper_envelope"]

_MOST_PIECES = 32


class AffineGain:
    """What is known of h = E max(a + b Z) - max(a) once the envelope is there.

    `log` is log h, `lines` the lines of the envelope by rising slope, `best` the one of them that is on top at Z = 0.
    """

    __slots__ = ("_log_phi", "_mills", "_sign", "best", "lines", "log")

    def __init__(self, lines, best, log, log_phi, mills, sign):
        self.lines, self.best, self.log = lines, best, log
        self._log_phi, self._mills, self._sign = log_phi, mills, sign

    def slopes(self, log_scale):
        """Return dh/da and dh/db of the lines of the envelope, divided by exp(log_scale).

        Breakpoint by breakpoint and in logs: P(line is on top) - 1 of the best line would round to 0.
        """
        da, db = np.zeros(len(self.lines)), np.zeros(len(self.lines))
        if log_scale == -np.inf or not len(self._log_phi):
            return da, db
        density = safe_exp(self._log_phi - log_scale)
        mass = self._sign * density * self._mills
        da[1:] += mass
        da[:-1] -= mass
        db[1:] += density
        db[:-1] -= density
        return da, db


def upper_envelope(a, b):
    """Return which lines a + b z are on top somewhere, by rising slope, and the z where each gives way to the next."""
    order = np.argsort(b, kind="stable")
    a_sorted = a[order]
    # on top for some z > 0 only if no steeper line starts as high, for some z < 0 only if no flatter one does
    reached = np.maximum.accumulate(a_sorted)
    ahead = np.maximum.accumulate(a_sorted[::-1])[::-1]
    keep = np.ones(len(a), dtype=bool)
    keep[1:-1] = (a_sorted[1:-1] > reached[:-2]) | (a_sorted[1:-1] > ahead[2:])
    order = order[keep]
    stack: list[tuple[int, float, float]] = []
    points: list[float] = []
    for i, a_i, b_i in zip(order.tolist(), a_sorted[keep].tolist(), b[order].tolist(), strict=True):
        z = None
        while stack:
            _, a_top, b_top = stack[-1]
            if b_i == b_top:
                if a_i <= a_top:
                    break
            else:
                z = (a_top - a_i) / (b_i - b_top)
                if not points or z > points[-1]:
                    break
            stack.pop()
            if points:
                points.pop()
            z = None
        if z is not None:
            points.append(z)
        elif stack:
            continue  # the top has the same slope and starts as high
        stack.append((i, a_i, b_i))
    return np.array([line[0] for line in stack]), np.array(points)


def affine_gain(a, b):
    """Return the `AffineGain` of n lines, exact, in O(n log n)."""
    lines, points = upper_envelope(a, b)
    log_phi, mills, q = lower_tail(np.abs(points))
    log = -np.inf
    if len(points):
        with np.errstate(divide="ignore"):
            terms = log_phi + np.log(q * np.diff(b[lines]))
        top = terms.max()
        if top > -np.inf:
            log = top + np.log(np.exp(terms - top).sum())
    best = int(lines[np.searchsorted(points, 0.0)])
    return AffineGain(lines, best, log, log_phi, mills, np.where(points >= 0, 1.0, -1.0))


def many_affine_gains(a, b):
    """Return log h of m problems at once, a and b of shape (m, n).

    Each problem walks along its envelope from z = 0 to the right, and on its mirror image to the left; those of very
    many pieces take the sweep.
    """
    top = a.max(axis=1)
    right, left = (np.where(a == top[:, None], slopes, -np.inf).max(axis=1) for slopes in (b, -b))
    with np.errstate(divide="ignore"):
        total = np.log(right + left) + log_gain(0.0)  # lines tied at z = 0
    unfinished = np.array([], dtype=int)
    for slopes, slope in ((b, right), (-b, left)):
        rows, pieces, top = np.arange(len(a)), 0, a.max(axis=1)
        while len(rows) and pieces < _MOST_PIECES:
            ahead = slopes[rows] - slope[:, None]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                points = np.where(ahead > 0, (top[:, None] - a[rows]) / ahead, np.inf)
            z = points.min(axis=1)
            go = z < np.inf
            rows, z, points, ahead = rows[go], z[go], points[go], ahead[go]
            step = np.where(points == z[:, None], ahead, 0.0)
            following = step.argmax(axis=1)
            gap = step[np.arange(len(rows)), following]
            total[rows] = np.logaddexp(total[rows], np.log(gap) + log_gain(-z))
            top, slope = a[rows, following], slopes[rows, following]
            pieces += 1
        unfinished = np.union1d(unfinished, rows)
    for i in unfinished:
        total[i] = affine_gain(a[i], b[i]).log
    return total


@cites("frazier2009")
def expected_max_affine(a, b, *, log=False, return_grad=False):
    """Return E max_i(a_i + b_i Z) - max_i a_i for a standard normal Z: what is gained by seeing Z before choosing.

    Every expected gain from one more observation of a Gaussian process has this form: `a` are the means of what can be
    chosen, `b` how far each moves with the observation.

    Parameters
    ----------
    a : array-like of shape (n_lines,) or (n_problems, n_lines)
        Intercepts, at most 1e150 in size.
    b : array-like of the same shape
        Slopes.
    log : bool, default False
        Return the logarithm, which does not underflow: it is -inf only where all slopes that matter are equal.
    return_grad : bool, default False
        Also return the gradients with respect to `a` and `b` (of the logarithm where `log`).

    Returns
    -------
    value : float or ndarray of shape (n_problems,)
        In the units of `a`. With `return_grad` a tuple ``(value, grad_a, grad_b)``, gradients in the shape of `a`.

    Raises
    ------
    InputError
        For NaN, infinite, huge or no values, more than two axes, and shapes that differ.

    See Also
    --------
    noisy_expected_improvement : lines are the evaluated points and the next one.
    knowledge_gradient : lines are all that may be chosen.

    Notes
    -----
    The upper envelope of the lines is found by sorting and one sweep. Where its line j gives way to line j + 1 at c_j,
    the gain is the sum over j of ``(b_{j+1} - b_j) g(-|c_j|)`` with g(z) = phi(z) + z Phi(z). All terms are positive,
    so the logarithm is as accurate as the value.

    **Guarantee.** Exact up to rounding, in O(n log n): value and logarithm to about 12 digits however small they are.
    Where several lines share the largest intercept the maximum has a kink and the gradient is a one-sided one; where
    the logarithm is -inf its gradient is 0, where it would overflow it is as large as a float allows.

    References
    ----------
    .. [1] P. Frazier, W. Powell, S. Dayanik (2009). The knowledge-gradient policy for correlated normal beliefs.
       doi:10.1287/ijoc.1080.0314.

    Examples
    --------
    Two equal means, of which one will move by a standard deviation of 2: half of the mean absolute move is gained.

    >>> from bayes import expected_max_affine
    >>> round(expected_max_affine([0.0, 0.0], [0.0, 2.0]), 4)
    0.7979

    Forty standard deviations behind, the gain is 0 to any float, its logarithm is not:

    >>> round(expected_max_affine([0.0, -40.0], [0.0, 1.0], log=True), 2)
    -808.3
    """
    owner = "expected_max_affine"
    check_switch(log, owner, "log")
    check_switch(return_grad, owner, "return_grad")
    single = np.ndim(as_numeric(a, owner, "a")) < 2
    check = check_vector if single else check_matrix
    a, b = check(a, owner, "a"), check(b, owner, "b")
    if a.shape != b.shape:
        raise InputError(
            f"{owner}: b must have the shape of a, {a.shape}; got {b.shape}. Pass one slope for each intercept."
        )
    rows = [
        _one(*pair, log, return_grad) for pair in (zip([a], [b], strict=True) if single else zip(a, b, strict=True))
    ]
    if single:
        return rows[0] if return_grad else rows[0][0]
    values, *gradients = (np.array(part) for part in zip(*rows, strict=True))
    return (values, *gradients) if return_grad else values


def _one(a, b, log, return_grad):
    gain = affine_gain(a, b)
    value = float(gain.log if log else safe_exp(gain.log))
    if not return_grad:
        return (value,)
    grad_a, grad_b = np.zeros(len(a)), np.zeros(len(a))
    grad_a[gain.lines], grad_b[gain.lines] = gain.slopes(gain.log if log else 0.0)
    return value, grad_a, grad_b
