"""Binned calibration errors against torchmetrics, netcal and scikit-learn's curve; the grid bootstrap against rows."""

import warnings

import numpy as np
import torch
from harness import compare
from sklearn.calibration import calibration_curve
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from calibration import BinnedCalibrationError, calibration_test, expected_calibration_error

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from netcal.metrics import ECE


def binary(n):
    rng = np.random.default_rng(0)
    z = 2 * rng.normal(size=n)
    return (rng.random(n) < 1 / (1 + np.exp(-(0.6 * z - 0.1)))).astype(np.float64), 1 / (1 + np.exp(-z))


def classes(n, k=10):
    rng = np.random.default_rng(1)
    truth = 2 * rng.normal(size=(n, k))
    y = (truth + rng.gumbel(size=(n, k))).argmax(axis=1)
    z = np.exp(1.7 * (truth - truth.max(axis=1, keepdims=True)))
    return y, z / z.sum(axis=1, keepdims=True)


def near(tolerance):
    def agree(ours, theirs):
        assert abs(ours - theirs) < tolerance, (ours, theirs)
        return f"{ours:.7f} and {theirs:.7f}"

    return agree


def curve_error(y, p):
    share, mean = calibration_curve(y, p, n_bins=15)
    count = np.bincount(np.minimum((15 * p).astype(int), 14), minlength=15)
    return float(count[count > 0] @ np.abs(share - mean) / len(y))


def memory_pass(*arrays):
    from time import perf_counter

    best = min(_timed(arrays, perf_counter) for _ in range(5))
    return f"one sum over the input takes {best:.4f} s"


def _timed(arrays, clock):
    start = clock()
    for array in arrays:
        array.sum()
    return clock() - start


def binary_rows(n=10**6):
    y, p = binary(n)
    tensors = torch.from_numpy(p), torch.from_numpy(y.astype(np.int64))
    task, limit = f"ECE, 15 bins, binary, n = {n:,}", memory_pass(y, p)

    def ours():
        return expected_calibration_error(y, p)

    # torchmetrics' edges are those of linspace in single precision, and 1 gets a bin of its own
    yield compare(task, ours, lambda: float(binary_calibration_error(*tensors, n_bins=15)), "torchmetrics", near(1e-4),
                  turns=15, limit=limit)  # fmt: skip
    yield compare(task, ours, lambda: ECE(15).measure(p, y), "netcal", near(1e-6), turns=15, limit=limit)
    yield compare(
        task, ours, lambda: curve_error(y, p), "sklearn calibration_curve", near(1e-12), turns=15, limit=limit
    )


def class_rows(n=10**6):
    y, p = classes(n)
    tensors = torch.from_numpy(p), torch.from_numpy(y)
    task, limit = f"ECE, 15 bins, K = 10, n = {n:,}", memory_pass(p)
    yield compare(task, lambda: expected_calibration_error(y, p),
                  lambda: float(multiclass_calibration_error(*tensors, num_classes=10, n_bins=15)), "torchmetrics",
                  near(1e-4), turns=5, limit=limit)  # fmt: skip
    yield compare(task, lambda: expected_calibration_error(y, p), lambda: ECE(15).measure(p, y), "netcal", near(1e-6),
                  turns=5, limit=limit)  # fmt: skip


def row_bootstrap(y, p, n_resamples):
    rng = np.random.default_rng(1)
    return np.array([expected_calibration_error(y[i], p[i]) for i in rng.integers(0, len(y), (n_resamples, len(y)))])


def bootstrap_rows(n=10**5, n_resamples=199):
    y, p = binary(n)

    def agree(ours, theirs):
        # ours is reflected: the widths of the central part are compared
        width = np.quantile(theirs, 0.975) - np.quantile(theirs, 0.025)
        assert 0.7 < ours.width / width < 1.6, (ours.width, width)
        return f"widths {ours.width:.5f} and {width:.5f}"

    yield compare(
        f"interval of the ECE, n = {n:,}, {n_resamples} resamples, with the fit",
        lambda: BinnedCalibrationError().fit(p, y).interval(n_resamples=n_resamples, rng=1),
        lambda: row_bootstrap(y, p, n_resamples),
        "rows drawn again, same metric",
        agree,
        turns=2,
    )


def slow_test(y, p, n_resamples):
    rng = np.random.default_rng(1)
    least = expected_calibration_error(y, p) - 1e-12
    draws = [expected_calibration_error((rng.random(len(p)) < p).astype(float), p) for _ in range(n_resamples)]
    return (1 + sum(d >= least for d in draws)) / (1 + n_resamples)


def null_rows(n=10**4):
    rng = np.random.default_rng(3)
    for name, p in (("continuous", rng.random(n)), ("21 different", rng.integers(0, 21, n) / 20)):
        y = (rng.random(n) < p).astype(float)
        yield compare(
            f"calibration test, 999 resamples, n = {n:,}, {name} forecasts",
            lambda y=y, p=p: calibration_test(y, p, rng=1).pvalue,
            lambda y=y, p=p: slow_test(y, p, 999),
            "a loop over draws, same metric",
            near(0.08),
            turns=3,
        )


def rows():
    return [*binary_rows(), *class_rows(), *bootstrap_rows(), *null_rows()]
