"""Sums over partitions on a Dask cluster of this machine: equal to all rows at once, in memory that stays flat.

``python tests/benchmarks/scale.py`` takes 10^8 predictions in 400 partitions through two workers, then all at once on
one core (which needs about 8 GB); ``--rows 1e7`` is quicker, ``--no-check`` leaves the one machine out. The partitions
are generated where they are summed up, as a job would read them there from files.
"""

import argparse
import re
import time
import warnings
from pathlib import Path

import numpy as np

from calibration import BinnedCalibrationError, expected_calibration_error
from causal import PredictionPowered
from uq import MeanAccumulator, estimate_mean

N_TEXTS = 10_000  # clusters, whose rows lie in all partitions
N_LABELLED = 2_000


def partition(seed, k, rows):
    """Return forecasts, outcomes, clusters and predictions of a graded score: what a file of one job holds."""
    rng = np.random.default_rng([seed, k])
    texts = rng.integers(0, N_TEXTS, rows)
    p = rng.random(rows)
    y = rng.random(rows) < p**1.1 * (0.9 + 0.1 * (texts % 2))
    return p, y, texts, p + rng.normal(size=rows)


def labelled(seed):
    """Return predictions and truth of the labelled rows."""
    rng = np.random.default_rng([seed, 2**32 - 1])
    z = rng.random(N_LABELLED) + rng.normal(size=N_LABELLED)
    return z, 0.2 + 0.8 * z + rng.normal(size=N_LABELLED)


def summed(seed, k, rows):
    """Return the sums of one partition: bins of a calibration error, clusters of a mean, moments of predictions."""
    p, y, texts, z = partition(seed, k, rows)
    return (
        BinnedCalibrationError().fit(p, y),
        MeanAccumulator().fit(y, texts),
        PredictionPowered().partial_estimate(z),
    )


def merged(a, b):
    """Return the sums of both."""
    return tuple(one.merge(two) for one, two in zip(a, b, strict=True))


def answers(bins, clusters, powered, seed):
    """Return the numbers that are compared."""
    mean, ppi = clusters.mean(), powered.merge(PredictionPowered().partial_fit(*labelled(seed))).mean()
    return {
        "calibration error": bins.error(),
        "clustered mean": mean.estimate,
        "its error": mean.std_error,
        "prediction-powered mean": ppi.estimate,
        "its error ": ppi.std_error,
    }


def on_cluster(client, seed, rows, n_parts):
    """Return the answers of a tree of merges on the workers, eight at a time, so that few partitions are in flight."""
    size = rows // n_parts
    total = None
    for start in range(0, n_parts, 8):
        parts = client.map(summed, [seed] * 8, range(start, min(start + 8, n_parts)), [size] * 8, pure=False)
        parts = parts if total is None else [total, *parts]
        while len(parts) > 1:
            pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
            parts = [client.submit(merged, *pair, pure=False) if len(pair) == 2 else pair[0] for pair in pairs]
        total = parts[0]
    return answers(*total.result(), seed)


def at_once(seed, rows, n_parts):
    """Return the same answers from arrays of all rows."""
    size = rows // n_parts
    found = {}
    p, y = np.empty(rows), np.empty(rows, dtype=bool)
    texts, z = np.empty(rows, dtype=np.int32), np.empty(rows)
    for k in range(n_parts):
        here = slice(k * size, (k + 1) * size)
        p[here], y[here], texts[here], z[here] = partition(seed, k, size)
    found["calibration error"] = expected_calibration_error(y, p)
    del p
    mean = estimate_mean(y, texts)
    found |= {"clustered mean": mean.estimate, "its error": mean.std_error}
    del y, texts
    ppi = PredictionPowered().fit(*labelled(seed)).mean(z)
    return found | {"prediction-powered mean": ppi.estimate, "its error ": ppi.std_error}


def peak_mb():
    """Return the most memory that this process has had, in MB (ru_maxrss counts that of its parent as well)."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def cluster():
    """Return two workers of this machine, on the loopback, without a word on ports and event loops."""
    from dask.distributed import LocalCluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1")


def largest_difference(ours, theirs):
    """Return the largest relative difference of two sets of answers."""
    return max(abs(ours[name] - theirs[name]) / abs(theirs[name]) for name in theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e8)
    parser.add_argument("--parts", type=int, default=400)
    parser.add_argument("--no-check", action="store_true")
    given = parser.parse_args()
    rows = int(given.rows) // given.parts * given.parts
    from dask.distributed import Client

    with cluster() as workers, Client(workers) as client:
        on_cluster(client, 0, 4 * (rows // given.parts), 4)  # imports, and the memory of a partition
        before = client.run(peak_mb)
        start = time.perf_counter()
        ours = on_cluster(client, 1, rows, given.parts)
        seconds = time.perf_counter() - start
        after = client.run(peak_mb)
    print(f"{rows:,} rows in {given.parts} partitions on 2 workers: {seconds:.1f} s, {rows / seconds:,.0f} rows/s")
    for worker in before:
        print(f"peak memory of a worker: {before[worker]:.0f} MB after 4 partitions, {after[worker]:.0f} MB after all")
    for name, value in ours.items():
        print(f"  {name.strip()}: {value!r}")
    if not given.no_check:
        start = time.perf_counter()
        theirs = at_once(1, rows, given.parts)
        print(f"all rows at once on one core: {time.perf_counter() - start:.1f} s, peak memory {peak_mb():.0f} MB")
        print(f"largest relative difference: {largest_difference(ours, theirs):.1e}")


if __name__ == "__main__":
    main()
