"""Smooth error, isotonic fit, decomposition and banded curves against relplot, scikit-learn and model-diagnostics."""

import time

import numpy as np
import relplot
from harness import compare
from model_diagnostics.scoring import LogLoss, SquaredError, decompose
from sklearn.isotonic import IsotonicRegression

from calibration import reliability_curve, score_decomposition, smooth_calibration_error
from calibration._isotone import pool


def forecasts(n):
    """Return the rows of the spec's first workload."""
    rng = np.random.default_rng(0)
    z = 2 * rng.normal(size=n)
    return 1 / (1 + np.exp(-z)), (rng.random(n) < 1 / (1 + np.exp(-(0.6 * z - 0.1)))).astype(float)


def seconds(work, turns=3):
    best = np.inf
    for _ in range(turns):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def close(name, tolerance):
    def agree(ours, theirs):
        gap = float(np.max(np.abs(np.subtract(ours, theirs))))
        assert gap <= tolerance, (ours, theirs)
        return f"{name} {np.ravel(ours)[0]:.6f}, apart by {gap:.1g}"

    return agree


def smooth_rows():
    for n in (10**4, 10**6):
        p, y = forecasts(n)
        read = seconds(lambda p=p, y=y: np.bincount((p * 8192).astype(np.intp), p - y))
        yield compare(
            f"smooth calibration error, n = {n:.0e}",
            lambda p=p, y=y: smooth_calibration_error(y, p),
            lambda p=p, y=y: relplot.smECE(f=p, y=y),
            "relplot",
            close("error", 5e-4),  # relplot's bandwidth is a multiple of 1/1024, and its grid coarse
            limit=f"one pass of one bincount takes {read:.4f} s; we do four, for cubic binning",
        )


def isotonic_rows():
    p, y = forecasts(10**6)
    key = p.view(np.int64) * 2 + y.astype(np.int64)
    sort = seconds(lambda: np.sort(key))
    sorted_p = np.sort(p)
    ours = pool(p, y)[1]
    yield compare(
        "isotonic fit, n = 1e+06",
        lambda: pool(p, y),
        lambda: IsotonicRegression(out_of_bounds="clip").fit(p, y),
        "scikit-learn",
        lambda _, theirs: close("first level", 1e-9)(ours, theirs.predict(sorted_p)),
        limit=f"sorting 8-byte keys alone takes {sort:.3f} s",
    )
    q = np.round(p, 2)
    few = np.unique(q)
    yield compare(
        f"isotonic fit, n = 1e+06, {len(few)} different scores",
        lambda: pool(q, y)[1],
        lambda: IsotonicRegression(out_of_bounds="clip").fit(q, y).predict(few),
        "scikit-learn",
        close("first level", 1e-9),
    )


def decomposition_rows():
    p, y = forecasts(10**6)
    for score, theirs in (("brier", SquaredError()), ("log", LogLoss())):

        def peer(theirs=theirs):
            row = decompose(y, p, scoring_function=theirs).row(0, named=True)
            return [row[name] for name in ("score", "miscalibration", "discrimination", "uncertainty")]

        def ours(score=score):
            parts = score_decomposition(y, p, score=score)
            return [parts.score, parts.miscalibration, parts.discrimination, parts.uncertainty]

        yield compare(f"CORP decomposition, {score}, n = 1e+06", ours, peer, "model-diagnostics", close("score", 1e-9))


def band_rows():
    p, y = forecasts(5000)

    def ours():
        return reliability_curve(y, p, method="kernel", band="bootstrap", n_resamples=200, rng=0)

    def theirs():
        return relplot.prepare_rel_diagram(f=p, y=y, plot_confidence_band=True, num_bootstrap=200, report_CE_std=False)

    def agree(ours, theirs):
        mesh, curve = np.asarray(theirs["mesh"]), np.asarray(theirs["mu"])
        inside = (ours.x > 0.05) & (ours.x < 0.95)
        gap = np.abs(ours.y - np.interp(ours.x, mesh, curve))[inside].max()
        assert gap < 0.01, gap
        return f"curves apart by {gap:.1g}"

    yield compare("kernel reliability curve and 200 bootstraps, n = 5000", ours, theirs, "relplot", agree)


def rows():
    return [*smooth_rows(), *isotonic_rows(), *decomposition_rows(), *band_rows()]
