"""Partitions on a real Dask cluster of this machine: 10^7 predictions here, 10^8 in tests/benchmarks/scale.py."""

import os
import warnings

import joblib
import numpy as np
import pytest
from benchmarks import scale
from contracts import require
from sklearn.metrics import roc_auc_score

from calibration import calibration_test
from conformal import BatchPredictor
from uq import estimate_mean, estimate_metric, rank_models
from uq._base.resampling import resample_statistic


@pytest.fixture(scope="module")
def client():
    distributed = require("dask.distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a cluster says when it ends is not ours to judge
        with scale.cluster() as cluster, distributed.Client(cluster) as client:
            yield client


def test_sums_of_partitions_are_those_of_all_rows():
    parts = [scale.summed(3, k, 500) for k in range(6)]
    total = parts[0]
    for part in parts[1:]:
        total = scale.merged(total, part)
    ours, theirs = scale.answers(*total, 3), scale.at_once(3, 3000, 6)
    assert ours.keys() == theirs.keys()
    assert scale.largest_difference(ours, theirs) < 1e-12


@pytest.mark.slow
def test_ten_million_predictions_in_flat_memory(client):
    rows, n_parts = 10_000_000, 80
    scale.on_cluster(client, 0, rows // n_parts * 4, 4)
    before = client.run(scale.peak_mb)
    ours = scale.on_cluster(client, 1, rows, n_parts)
    after = client.run(scale.peak_mb)
    theirs = scale.at_once(1, rows, n_parts)
    assert scale.largest_difference(ours, theirs) < 1e-12
    # a worker sees half of 10^7 rows, which are 140 MB
    for worker, peak in after.items():
        assert peak - before[worker] < 50, f"{before[worker]:.0f} MB after 4 partitions, {peak:.0f} MB after {n_parts}"


def draws(n_jobs):
    """Return what depends on random numbers drawn by workers: bootstraps of sums and of any statistic, simulations."""
    rng = np.random.default_rng(0)
    p = rng.random(300)
    y = (rng.random(300) < p).astype(int)
    groups = rng.integers(0, 25, 300)
    scores = rng.random((60, 4))
    options = {"n_resamples": 400, "rng": 7, "n_jobs": n_jobs}
    y_pred, truth = rng.normal(size=200), rng.normal(size=200)
    predictor = BatchPredictor("median", method="monte_carlo", n_resamples=400, random_state=7)
    predictor = predictor.set_params(n_jobs=n_jobs).fit(y_pred, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            list(estimate_mean(p, method="bootstrap", **options).conf_int()),
            list(estimate_mean(p, groups, method="bootstrap", **options).conf_int()),
            list(estimate_metric(roc_auc_score, y_true=y, y_pred=p, **options).conf_int()),
            rank_models(scores, **options).samples.tolist(),
            calibration_test(y, p, **options).pvalue,
            list(map(float, predictor.predict_interval(rng.normal(size=30)))),
        ]


@pytest.mark.slow
def test_dask_workers_draw_what_one_process_draws(client):
    serial = draws(None)
    workers = set(client.run(os.getpid).values())
    with joblib.parallel_config(backend="dask", wait_for_workers_timeout=60):
        assert draws(2) == serial
        rng = np.random.default_rng(0)
        where = resample_statistic(lambda x: float(os.getpid()), (np.ones(50),), n_resamples=200, rng=rng, n_jobs=2)
    assert set(where) <= workers, "the draws never left this process"
