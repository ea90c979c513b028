"""The bootstrap engine: rows or whole clusters, sums in one pass or any statistic, the same draws for any n_jobs.

Two exchangeable weightings are used (Praestgaard and Wellner 1993, doi:10.1214/aop/1176989011). Below
`MANY_ROWS` units the counts are those of n draws with replacement. From there on every row gets an independent weight
that one random byte decides: a Poisson(1) law rounded to multiples of 1/256 with mean 1, variance 1 and third central
moment 258/256. The two bootstrap laws of a ratio of sums differ by O(1/n); the second costs one byte, five comparisons
and one multiplication per row, so that a resample runs at the speed of reading the data.
"""

import warnings

import numpy as np
from joblib import Parallel, delayed

from .groups import cluster_sums
from .random import spawn_seeds
from .threads import one_blas_thread

__all__ = ["MANY_ROWS", "acceleration", "evaluate", "jackknife_acceleration", "resample_statistic", "resample_sums"]

MANY_ROWS = 8192
# bytes below 93 mean weight 0, below 191 weight 1, below 234 weight 2, ... : see the module docstring
_WEIGHT_EDGES = np.array([93, 191, 234, 251, 255], dtype=np.uint8)
_BLOCK = 16384


def resample_sums(columns, *, n_resamples, rng, n_jobs=None, groups=None):
    """Return bootstrap sums of the columns, shape (n_resamples, n_columns).

    Parameters
    ----------
    columns : ndarray of shape (n_rows, n_columns)
        float64. For a mean pass the values and a column of ones, and divide.
    n_resamples : int
    rng : numpy.random.Generator
    n_jobs : int, optional
        joblib; the draws do not depend on it.
    groups : ndarray of int, shape (n_rows,), optional
        Codes 0 ... G-1; whole groups are drawn.

    Notes
    -----
    Memory stays at a few megabytes beside the columns and the result, whatever the number of rows.
    """
    if groups is not None:
        columns = cluster_sums(columns, groups)
    columns = np.ascontiguousarray(columns)
    draw = _weighted_sums if len(columns) >= MANY_ROWS else _counted_sums
    # at least eight chunks for the workers, yet no more than what pays for starting one
    jobs = _jobs(rng, n_resamples, max(-(-n_resamples // 8), 2**18 // len(columns) + 1))
    # held here too: a worker thread that ends restores what it found, for all threads of the process
    with one_blas_thread():
        parts = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(draw)(columns, seed, size) for seed, size in jobs)
    return np.concatenate(parts)


def _jobs(rng, n_resamples, chunk):
    """Return (seed, size) of chunks that depend on the problem alone, never on the number of workers."""
    seeds = spawn_seeds(rng, -(-n_resamples // chunk))
    return [(seed, min(chunk, n_resamples - i * chunk)) for i, seed in enumerate(seeds)]


def _generator(seed):
    return np.random.Generator(np.random.SFC64(seed))


def _counted_sums(columns, seed, size):
    """Draw n rows with replacement: integer counts times the columns."""
    rng, n = _generator(seed), len(columns)
    out = np.empty((size, columns.shape[1]))
    step = max(1, _BLOCK // n)
    with one_blas_thread():
        for start in range(0, size, step):
            rows = min(step, size - start)
            index = rng.integers(0, n, size=(rows, n))
            index += n * np.arange(rows)[:, None]
            counts = np.bincount(index.ravel(), minlength=rows * n).reshape(rows, n)
            out[start : start + rows] = counts.astype(np.float64) @ columns
    return out


def _weighted_sums(columns, seed, size):
    """Draw one weight per row from one byte; blocks of rows small enough for the cache."""
    bits, n = np.random.SFC64(seed), len(columns)
    out = np.zeros((size, columns.shape[1]))
    rows = 8
    with one_blas_thread():
        for start in range(0, n, _BLOCK):
            block = columns[start : start + _BLOCK]
            for first in range(0, size, rows):
                many = min(rows, size - first)
                weights = _byte_weights(bits, many * len(block)).reshape(many, len(block))
                out[first : first + many] += weights.astype(np.float64) @ block
    return out


def _byte_weights(bits, size):
    raw = bits.random_raw(-(-size // 8)).view(np.uint8)[:size]
    weights = (raw >= _WEIGHT_EDGES[0]).view(np.uint8)
    for edge in _WEIGHT_EDGES[1:]:
        weights += (raw >= edge).view(np.uint8)
    return weights


def resample_statistic(statistic, arrays, *, n_resamples, rng, n_jobs=None, groups=None):
    """Return bootstrap values of any statistic, shape (n_resamples,) or (n_resamples, k).

    Parameters
    ----------
    statistic : callable
        ``statistic(*arrays)`` on the resampled rows gives a number or a vector of fixed length. A
        ValueError, ArithmeticError or LookupError on a resample (a class that was not drawn, say) counts as NaN.
    arrays : tuple of ndarray or None
        Rows along the first axis; None is passed on as None.
    n_resamples, rng, n_jobs, groups
        As in `resample_sums`. Counts are always those of draws with replacement.
    """
    n = len(next(a for a in arrays if a is not None))
    clusters = None if groups is None else _cluster_rows(groups)
    jobs = _jobs(rng, n_resamples, -(-n_resamples // 16))
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_statistic_chunk)(statistic, arrays, clusters, n, seed, size) for seed, size in jobs
    )
    values = [value for part in parts for value in part]
    shape = max((np.shape(v) for v in values), key=len)
    return np.array([np.full(shape, np.nan) if np.shape(v) != shape else v for v in values], dtype=np.float64)


def _cluster_rows(groups):
    """Return the rows sorted by group, and where each group starts and ends in them."""
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups))
    return order, np.concatenate([[0], ends[:-1]]), ends


def _statistic_chunk(statistic, arrays, clusters, n, seed, size):
    rng = _generator(seed)
    values = []
    with one_blas_thread(), warnings.catch_warnings():
        # a metric that warns on a resample without positives would warn thousands of times
        warnings.simplefilter("ignore")
        for _ in range(size):
            index = rng.integers(0, n, size=n) if clusters is None else _draw_clusters(rng, *clusters)
            values.append(evaluate(statistic, [None if a is None else a[index] for a in arrays]))
    return values


def evaluate(statistic, arrays):
    """Evaluate a statistic; NaN where it is undefined."""
    try:
        return np.asarray(statistic(*arrays), dtype=np.float64)
    except (ValueError, ArithmeticError, LookupError):
        return np.asarray(np.nan)


def _draw_clusters(rng, order, starts, ends):
    drawn = rng.integers(0, len(starts), size=len(starts))
    sizes = ends[drawn] - starts[drawn]
    stops = np.cumsum(sizes)
    # position inside the concatenation, minus where its cluster begins there, plus where it begins in `order`
    return order[np.arange(stops[-1]) + np.repeat(starts[drawn] - (stops - sizes), sizes)]


def jackknife_acceleration(statistic, arrays, *, groups=None, max_units=500):
    """Return the acceleration of the BCa interval: the skewness of the leave-one-out values over six.

    Leaves out one row, or one cluster, at a time; beyond `max_units` units it leaves out blocks of them, whose third
    and second moments add up to the same acceleration.
    """
    n = len(next(a for a in arrays if a is not None))
    units = np.arange(n) if groups is None else groups
    n_units = int(units.max()) + 1
    if n_units > max_units:
        # a fixed shuffle, so that neighbouring rows of a sorted file do not form the blocks
        units = (np.random.default_rng(0).permutation(n_units) % max_units)[units]
        n_units = max_units
    order, starts, ends = _cluster_rows(units)
    left_out = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start, end in zip(starts, ends, strict=True):
            keep = np.ones(n, dtype=bool)
            keep[order[start:end]] = False
            left_out.append(evaluate(statistic, [None if a is None else a[keep] for a in arrays]))
    return acceleration(np.array([v for v in left_out if np.isfinite(v).all()]))


def acceleration(left_out):
    """Return the acceleration from leave-one-out values, 0 where they do not vary."""
    if len(left_out) < 2:
        return 0.0
    # in units of the largest: a cube must neither overflow nor vanish
    largest = np.abs(left_out).max(axis=0)
    influence = left_out / np.where(largest > 0, largest, 1.0)
    influence = influence.mean(axis=0) - influence
    largest = np.abs(influence).max(axis=0)
    influence = influence / np.where(largest > 0, largest, 1.0)
    second = (influence**2).sum(axis=0)
    return np.where(second > 0, (influence**3).sum(axis=0) / (6 * np.where(second > 0, second, 1.0) ** 1.5), 0.0)[()]
