"""The two sides of a prediction-powered estimate where the rows are at hand: values, influence values, covariances."""

import numpy as np

__all__ = ["Labelled", "Unlabelled", "joined", "separate", "shared_clusters"]


class Labelled:
    """Rows whose truth is known; ``a`` and ``b`` are the influence values of y and of the predictions."""

    def __init__(self, map_, rows):
        self.map, self.rows, self.ids, self.source = map_, rows, rows.ids, rows.source
        self.n, self.n_groups = map_.n, rows.n_groups
        self.plain, self.scalar, self.names = map_.plain and rows.groups is None, map_.scalar, map_.names
        self.value_y, self.a = map_(rows.y, rows.groups)
        self.value_f, self.b = map_(rows.z, rows.groups)
        self.rounding_f = map_.rounding(rows.z)
        self.kind = "rows" if rows.groups is None else "clusters"
        self.count = self.n if rows.groups is None else rows.n_groups
        self.k = len(self.value_y)

    @property
    def units(self):
        """Return how many rows (or clusters) the labels are worth to each coefficient, shape (k,)."""
        return self.map.units(self.rows.weights, self.rows.groups)

    @property
    def spared(self):
        """Tell which coefficients are those of dummies of single clusters."""
        return np.False_ if self.rows.groups is None else self.map.functional.spared(self.rows.groups)

    @property
    def cross(self):
        """Return the sums of a b, shape (k,)."""
        return _sums(self.a, self.b)

    @property
    def square(self):
        """Return the sums of b b, shape (k,)."""
        return _sums(self.b, self.b)

    def influence(self, power):
        """Return the influence values of ``y - power f``."""
        with np.errstate(invalid="ignore"):
            values = self.a - np.where(power == 0, 0.0, self.b) * power
        return np.where(np.isnan(values), np.inf, values)

    def cov(self, power):
        """Return the covariance matrix of this side."""
        return _gram(self.influence(power))

    def df(self, power):
        """Return the degrees of freedom of its diagonal."""
        return self.map.df(self.influence(power), self.rows.groups)

    def rounding(self, power):
        """Return the error that is nothing but rounding, shape (k,)."""
        return self.map.rounding(self.rows.y) + power * self.rounding_f


class Unlabelled:
    """Rows that have predictions only; ``c`` are their influence values."""

    def __init__(self, map_, rows):
        self.ids, self.source, self.n, self.n_groups = rows.ids, rows.source, map_.n, rows.n_groups
        self.plain, self.scalar, self.names = map_.plain and rows.groups is None, map_.scalar, map_.names
        self.value, self.c = map_(rows.z, rows.groups)
        self.gram = _gram(self.c)
        self._df = map_.df(self.c, rows.groups)

    @property
    def square(self):
        """Return the sums of c c, shape (k,)."""
        return np.diag(self.gram)

    def influence(self, power):
        """Return the influence values of ``power f``; to be asked once, since it works in place."""
        if not np.any(power):
            return np.zeros_like(self.c)
        columns = self.c.T
        columns *= power[:, None]
        self.c.flags.writeable = False  # a frozen result need not copy what nobody can change
        return self.c

    def cov(self, power):
        """Return the covariance matrix of this side."""
        with np.errstate(invalid="ignore"):
            return np.where(np.outer(power, power) == 0, 0.0, np.outer(power, power) * self.gram)

    def df(self, power):
        """Return the degrees of freedom of its diagonal."""
        return self._df


def separate(labelled, unlabelled):
    """Sum clusters that have rows on both sides into the labelled one, so that the sides become independent."""
    here, there = shared_clusters(labelled, unlabelled)
    if len(here):
        labelled.b = labelled.b.copy()
        labelled.b[here] -= unlabelled.c[there]
        unlabelled.c = np.delete(unlabelled.c, there, axis=0)
        unlabelled.source = unlabelled.source.pick(np.delete(np.arange(len(unlabelled.ids)), there))
        unlabelled.ids = unlabelled.source.ids
        unlabelled.gram = _gram(unlabelled.c)
        unlabelled.n_groups -= len(here)


def shared_clusters(labelled, unlabelled):
    """Return the places of the clusters that both sides have, in each."""
    if labelled.n_groups is None or unlabelled.n_groups is None:
        return np.array([], np.intp), np.array([], np.intp)
    at = {label: i for i, label in enumerate(np.asarray(labelled.ids).tolist())}
    pairs = [(at[label], i) for i, label in enumerate(np.asarray(unlabelled.ids).tolist()) if label in at]
    here, there = np.array(pairs, np.intp).reshape(-1, 2).T
    return here, there


def joined(fit, apply, labelled, unlabelled):
    """Return influence values of both sides, shared clusters summed into the first, and the source of the rest."""
    here, there = shared_clusters(labelled, unlabelled)
    if not len(here):
        return fit, apply, unlabelled.source
    fit = fit.copy()
    fit[here] += apply[there]
    rest = np.delete(np.arange(len(apply)), there)
    return fit, apply[rest], unlabelled.source.pick(rest)


def _sums(a, b):
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return np.einsum("ij,ij->j", a, b)


def _gram(values):
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        # one column: the threads of BLAS would cost more than they bring
        gram = values.T @ values if values.shape[1] > 1 else np.einsum("i,i->", *values.T, *values.T)[None, None]
    return np.where(np.isnan(gram), np.inf, gram)
