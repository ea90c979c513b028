"""Resamples of items and, within each drawn item, of its runs."""

import numpy as np
from joblib import Parallel, delayed

from uq._base.random import spawn_seeds

__all__ = ["resample_items_and_runs"]

_CHUNKS = 16
_CELLS = 1 << 21


def resample_items_and_runs(statistic, costs, successes, baseline, *, n_resamples, rng, n_jobs, runs=True):
    """Return statistic(costs, successes, baseline) on resamples, shape (n_resamples, ...).

    Parameters
    ----------
    statistic : callable
        Gets sums over runs, (b, n_models, n_items) each, and baselines (b, n_items), b resamples at once.
    costs, successes : ndarray of shape (n_models, n_items, n_runs)
        The runs of one item under one model are drawn with replacement, those of another model by themselves.
    baseline : ndarray of shape (n_items,)
    runs : bool
        False draws items alone.
    """
    chunk = -(-n_resamples // _CHUNKS)
    sizes = [min(chunk, n_resamples - start) for start in range(0, n_resamples, chunk)]
    seeds = spawn_seeds(rng, len(sizes))
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_chunk)(statistic, costs, successes, baseline, seed, size, runs)
        for seed, size in zip(seeds, sizes, strict=True)
    )
    return np.concatenate(parts)


def _chunk(statistic, costs, successes, baseline, seed, size, runs):
    rng = np.random.default_rng(seed)
    n_models, n_items, n_runs = costs.shape
    step = max(1, _CELLS // costs.size)
    out = []
    for start in range(0, size, step):
        b = min(step, size - start)
        items = rng.integers(0, n_items, size=(b, n_items))
        if not runs:
            sums = (np.swapaxes(x.sum(axis=2)[:, items], 0, 1) for x in (costs, successes))
            out.append(statistic(*sums, baseline[items]))
            continue
        drawn = rng.integers(0, n_runs, size=(b, n_models, n_items, n_runs))
        model = np.arange(n_models)[:, None, None]
        at = (model, items[:, None, :, None], drawn)
        out.append(statistic(costs[at].sum(axis=3), successes[at].sum(axis=3), baseline[items]))
    return np.concatenate(out)
