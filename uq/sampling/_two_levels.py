"""Resamples of items and, within each drawn item, of its runs."""

import numpy as np
from joblib import Parallel, delayed

from uq._base.random import spawn_seeds

__all__ = ["resample_items_and_runs"]

_CHUNKS = 16
_CELLS = 1 << 21


def resample_items_and_runs(statistic, costs, successes, baseline, *, n_resamples, rng, n_jobs, made=None):
    """Return statistic(costs, successes, baseline) on resamples, shape (n_resamples, ...).

    Parameters
    ----------
    statistic : callable
        Gets sums over runs, (b, n_models, n_items) each, and baselines (b, n_items), b resamples at once.
    costs, successes : ndarray of shape (n_models, n_items, n_runs)
        The runs of one item under one model are drawn with replacement, those of another model by themselves.
    baseline : ndarray of shape (n_items,)
    made : ndarray of int of shape (n_models, n_items), optional
        Runs of each item under each model, the first ones of its row; the rest is 0. None draws items alone.
    """
    chunk = -(-n_resamples // _CHUNKS)
    sizes = [min(chunk, n_resamples - start) for start in range(0, n_resamples, chunk)]
    seeds = spawn_seeds(rng, len(sizes))
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_chunk)(statistic, costs, successes, baseline, seed, size, made)
        for seed, size in zip(seeds, sizes, strict=True)
    )
    return np.concatenate(parts)


def _chunk(statistic, costs, successes, baseline, seed, size, made):
    rng = np.random.default_rng(seed)
    n_models, n_items, n_runs = costs.shape
    step = max(1, _CELLS // costs.size)
    equal = made is None or bool((made == n_runs).all())
    if not equal:
        costs, successes = (np.concatenate([x, np.zeros((n_models, n_items, 1))], axis=2) for x in (costs, successes))
    out = []
    for start in range(0, size, step):
        b = min(step, size - start)
        items = rng.integers(0, n_items, size=(b, n_items))
        if made is None:
            sums = (np.swapaxes(x.sum(axis=2)[:, items], 0, 1) for x in (costs, successes))
            out.append(statistic(*sums, baseline[items]))
            continue
        shape = b, n_models, n_items, n_runs
        if equal:
            drawn = rng.integers(0, n_runs, size=shape)
        else:  # as many draws as the item has runs, and then the column of 0
            n_made = made[np.arange(n_models)[:, None], items[:, None]][..., None]
            drawn = np.where(np.arange(n_runs) < n_made, rng.integers(0, n_made, size=shape), n_runs)
        model = np.arange(n_models)[:, None, None]
        at = (model, items[:, None, :, None], drawn)
        out.append(statistic(costs[at].sum(axis=3), successes[at].sum(axis=3), baseline[items]))
    return np.concatenate(out)
