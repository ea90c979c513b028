"""Quantiles: the rectified distribution function, where it may cross the level, and a law that answers from that.

``G(t) = lambda mean_unl 1{f <= t} + mean_lab (1{y <= t} - lambda 1{f <= t})`` steps at the rows. A
value t is kept where G(t) does not differ from q by more than its error there: a test at every t, so that the interval
needs no density.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from uq._base.groups import cluster_sums
from uq._base.laws import Law

from ._functional import carrying_units
from ._influence import Influence
from ._ppi_estimate import PoweredEstimate, tuned
from ._ppi_maps import mean
from ._ppi_sides import Labelled, Unlabelled, joined, separate

__all__ = ["FEW_LABELS", "CrossingLaw", "powered_quantile", "tuned_quantile"]


ROUNDING = 1e-10  # of sums of many shares
# the power where labels are too few to tune it: what two more rows that differ add to the error grows with it
FEW_LABELS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossingLaw(Law):
    """A quantile, from a test at every value of whether the distribution function has passed its level.

    Parameters
    ----------
    points : ndarray of shape (m,)
        Where the function steps, increasing.
    z : ndarray of shape (m + 1,)
        Level minus function, over its error, before the first step and after each one.
    df : float
    """

    points: Any
    z: Any
    df: float

    remedy = (
        "so few labels leave the quantile open on this side; more labels, a lower level or a quantile nearer to the "
        "median would make it finite."
    )

    def lower(self, alpha):
        reached = self.z <= stats.t.isf(alpha, self.df)
        first = int(reached.argmax()) if reached.any() else len(self.points)
        return float(self.points[first - 1]) if first else -np.inf

    def upper(self, alpha):
        below = self.z >= -stats.t.isf(alpha, self.df)
        last = len(self.z) - 1 - int(below[::-1].argmax()) if below.any() else 0
        return float(self.points[last]) if last < len(self.points) else np.inf

    def p_greater(self, null):
        # the function at null itself: it has passed q where the quantile is null or less
        return float(stats.t.sf(self.z[: np.searchsorted(self.points, null, "right") + 1].min(), self.df))

    def p_less(self, null):
        return float(stats.t.cdf(self.z[np.searchsorted(self.points, null, "left") :].max(), self.df))


class _Steps:
    """The rows of one kind as step functions ``D_i(t)``.

    Parameters
    ----------
    rows : Rows
    steps : list of (ndarray of shape (n,), float)
        Where each row steps, and by how much.
    pseudo : tuple of float
        Values of D of which two more rows are thought, lest "never seen" passes for "never".
    codes : ndarray of int
        The unit of each row; other kinds of rows may have rows of the same units.
    """

    def __init__(self, rows, steps, pseudo, codes):
        n = len(rows.z)
        self.shares = _shares(rows)
        self.n_units = carrying_units(rows.weights, rows.groups, n)
        if rows.groups is not None:
            self.factor = rows.n_groups / (rows.n_groups - 1) if rows.n_groups > 1 else np.inf
        else:
            rest = 1 - float((self.shares**2).sum()) if n > 1 else 0.0
            self.factor = 1 / rest if rest > 0 else np.inf
        self.pseudo, self.grouped, self.one_each = np.asarray(pseudo), rows.groups is not None, len(steps) == 1
        self.alike = self.one_each and not self.grouped and rows.weights is None
        points = np.concatenate([p for p, _ in steps])
        self.mass2 = float(self.shares @ self.shares)
        if self.alike:  # every step adds the same: counting them is enough
            self.points, self.size = np.sort(points), steps[0][1]
            return
        order = np.argsort(points)
        self.points = points[order]
        self.rows = order if self.one_each else order % n
        self.jumps = np.repeat([size for _, size in steps], n)[order] * self.shares[self.rows]
        self.units = codes[self.rows]
        self.masses = np.bincount(codes, self.shares)
        self.mass2 = float(self.masses @ self.masses)

    def at(self, points):
        """Return mean and variance before the first of the points and from each on."""
        i = np.concatenate([[0], np.searchsorted(self.points, points, "right")])
        if self.alike:
            jump = self.size * self.shares[0]
            mean = jump * i
            squares, products, second = jump * mean, self.shares[0] * mean, self.size * mean
        else:
            own = self.squares()
            mean, squares = _running(self.jumps)[i], _running(own)[i]
            products = _running(self.jumps * self.masses[self.units])[i]
            if self.grouped:
                own = _square_steps(self.jumps, self.rows, self.one_each)
            second = _running(own / self.shares[self.rows])[i]
        own = squares - 2 * mean * products + mean**2 * self.mass2
        variance = self.factor * (np.maximum(own, 0.0) + np.finfo(float).tiny)
        n, more = self.n_units, 2 / len(self.pseudo)
        smoothed = (n * second + more * (self.pseudo**2).sum()) / (n + 2)
        smoothed -= ((n * mean + more * self.pseudo.sum()) / (n + 2)) ** 2
        variance += np.maximum(smoothed - np.maximum(second - mean**2, 0.0), 0.0) / n
        return mean, variance

    def squares(self):
        """Return the change of the sum of squares over units at every step."""
        return _square_steps(self.jumps, self.units, self.one_each and not self.grouped)


def _crossing(sides, shared, points, q):
    """Return q - G and the error of G, before the first of the points and from each on."""
    means, variances = zip(*(side.at(points) for side in sides), strict=True)
    variance = sum(variances)
    if shared and np.isfinite(variance).all():
        variance = np.maximum(variance + _shared_part(sides, means, points), variance / 100)
    gap = q - sum(means)
    return np.where(np.abs(gap) < ROUNDING, 0.0, gap), np.sqrt(variance)


def _together(sides):
    """Return all different points in order; each side's are sorted, so that merging them is one pass."""
    points = np.sort(np.concatenate([side.points for side in sides]), kind="stable")
    return points[np.concatenate([[True], points[1:] != points[:-1]])]


def _shared_part(sides, means, points):
    """Return twice the covariance of two kinds of rows whose units are partly the same."""
    (one, two), (mean_one, mean_two) = sides, means
    size = max(len(one.masses), len(two.masses))
    m = [np.pad(side.masses, (0, size - len(side.masses))) for side in (one, two)]
    both = [np.concatenate(pair) for pair in zip(*((s.points, s.jumps, s.units) for s in (one, two)), strict=True)]
    order = np.argsort(both[0])
    at, jumps, units = (a[order] for a in both)
    # the square of a sum less the two squares is twice the product
    crossed = _at(points, at, _square_steps(jumps, units, False))
    crossed -= sum(_at(points, s.points, _square_steps(s.jumps, s.units, False)) for s in (one, two))
    crossed -= 2 * mean_two * _at(points, one.points, one.jumps * m[1][one.units])
    crossed -= 2 * mean_one * _at(points, two.points, two.jumps * m[0][two.units])
    crossed += 2 * mean_one * mean_two * (m[0] @ m[1])
    return np.sqrt(one.factor * two.factor) * crossed


def _at(points, steps, changes):
    """Return the running sum of changes at sorted steps, before the first of the points and from each on."""
    return _running(changes)[np.concatenate([[0], np.searchsorted(steps, points, "right")])]


def _running(values):
    return np.concatenate([[0.0], np.cumsum(values)])


def _square_steps(jumps, units, one_each):
    """Return how much the sum of squares over units changes at every step; steps are sorted by their place."""
    if one_each:
        return jumps**2
    order = np.argsort(units, kind="stable")
    sums = np.cumsum(jumps[order])
    sizes = np.bincount(units)
    sizes = sizes[sizes > 0]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    before = np.repeat(sums[starts] - jumps[order][starts], sizes)
    out = np.empty(len(jumps))
    out[order] = jumps[order] * (2 * (sums - before) - jumps[order])
    return out


def _shares(rows):
    return np.full(len(rows.z), 1 / len(rows.z)) if rows.weights is None else rows.weights / rows.weights.sum()


def _folds(rows, folds):
    return [rows.z] if folds is None else list(folds.T)


def tuned_quantile(labelled, unlabelled, folds, q):
    """Return the lambda of least variance of the distribution function where the labels alone put the quantile."""
    order = np.argsort(labelled.y, kind="stable")
    share = np.cumsum(_shares(labelled)[order])
    t = labelled.y[order][min(int(np.searchsorted(share, q * share[-1])), len(order) - 1)]
    here = replace(labelled, y=(labelled.y <= t) * 1.0, z=(labelled.z <= t) * 1.0)
    there = replace(unlabelled, z=np.mean([column <= t for column in _folds(unlabelled, folds)], axis=0))
    sides = Labelled(mean(here), here), Unlabelled(mean(there), there)
    separate(*sides)
    return float(tuned(*sides)[0])


def powered_quantile(labelled, unlabelled, folds, q, power, method):
    """Return the Estimate of a quantile of y.

    Parameters
    ----------
    labelled, unlabelled : Rows
    folds : ndarray of shape (n, n_folds) or None
        Predictions of the unlabelled rows where there are several.
    q, power : float
    method : str
    """
    columns = _folds(unlabelled, folds)
    codes, shared = _unit_codes(labelled, unlabelled)
    sides = [
        _Steps(
            labelled,
            [(labelled.y, 1.0)] + ([(labelled.z, -power)] if power else []),
            (0.0, 1.0, -power, 1.0 - power),
            codes[0],
        )
    ]
    if power:
        steps = [(column, power / len(columns)) for column in columns]
        sides.append(_Steps(unlabelled, steps, (0.0, power), codes[1]))
    points = _together(sides)
    gap, error = _crossing(sides, shared and power > 0, points, q)
    law = CrossingLaw(points=points, z=gap / error, df=max(sides[0].n_units - 1, 1.0))
    # where G is not monotone it may cross more than once: half way between the first time and the last
    first, last = int((gap <= 0).argmax()), len(points) - int((gap >= 0)[::-1].argmax())
    estimate = float(points[max(first - 1, 0)] / 2 + points[min(last, len(points) - 1)] / 2)
    lower, upper = law.interval(2 * stats.norm.cdf(1) - 1, "two-sided")
    std_error = (upper - lower) / 2
    groups = [rows.n_groups for rows in (labelled, unlabelled) if rows.n_groups is not None]
    return PoweredEstimate(
        estimate=estimate,
        std_error=std_error,
        n=len(labelled.z) + len(unlabelled.z),
        method=method,
        guarantee="asymptotic",
        law=law,
        n_groups=sum(groups) if groups else None,
        influence=_influence(labelled, unlabelled, columns, estimate, q, power, std_error),
        power=power,
    )


def _unit_codes(labelled, unlabelled):
    """Return the unit of each row of both kinds, and whether some clusters have rows of both."""
    own = [np.arange(len(rows.z)) if rows.groups is None else rows.groups for rows in (labelled, unlabelled)]
    if labelled.groups is None or unlabelled.groups is None:
        return own, False
    there = {label: code for code, label in enumerate(labelled.ids.tolist())}
    new = len(there)
    codes = np.array([there.get(label, new + i) for i, label in enumerate(unlabelled.ids.tolist())], np.intp)
    return [own[0], codes[own[1]]], bool((codes < new).any())


def _influence(labelled, unlabelled, columns, t, q, power, std_error):
    """Return how far each row moves the crossing, scaled to the error; None where that is 0 or infinite."""
    if not 0 < std_error < np.inf:
        return None
    values = []
    for rows, steps in (
        (labelled, (labelled.y <= t) - power * (labelled.z <= t)),
        (unlabelled, power * np.mean([column <= t for column in columns], axis=0)),
    ):
        shares = _shares(rows)
        each = (shares * (shares @ steps - steps))[:, None]
        values.append(each if rows.groups is None else cluster_sums(each, rows.groups))
    fit, apply, rest = joined(values[0], values[1], labelled, unlabelled)
    total = np.sqrt((fit**2).sum() + (apply**2).sum())
    if not total > 0:
        return None
    size = std_error / total
    return Influence.of(fit * size, apply * size, labelled.source, rest, f"quantile({q!r})")
