"""Calibration errors, reliability curves and the risk of what is accepted."""

import math

import numpy as np
from scipy import stats

from calibration import BinnedCalibrationError, reliability_curve, risk_coverage_curve

from ._row import Row, Seen

__all__ = ["NO_INTERVAL", "ROWS"]

LEVEL = 0.9
TRUTHS = {
    "calibrated": lambda p: p,
    "under-confident": lambda p: 0.2 + 0.6 * p,
    "rare, far off": lambda p: 0.03 + 0 * p,
}


# ---- the binned error


def true_errors(event, n_bins):
    p = (np.arange(300 * n_bins) + 0.5) / (300 * n_bins)
    gaps = (p - event(p)).reshape(n_bins, 300).mean(axis=1)
    return np.abs(gaps).mean(), math.sqrt((gaps**2).mean())


def binned(truth, n, n_bins=10):
    event = TRUTHS[truth]
    errors = true_errors(event, n_bins)

    def run(rng):
        p = rng.random(n)
        total = BinnedCalibrationError(n_bins).fit(p, (rng.random(n) < event(p)).astype(int))
        intervals = [total.interval(norm=norm, n_resamples=299, rng=rng) for norm in (1, 2)]
        covered = [i.contains(error) for i, error in zip(intervals, errors, strict=True)]
        return Seen(np.array(covered), intervals[0].guarantee)

    return run


BINNED = [
    Row(of="calibration.BinnedCalibrationError.interval", method="bootstrap of counts", law=truth, n=f"{n}, 10 bins",
        guarantee="asymptotic", floor=0.85, parts=("norm 1", "norm 2"), reps=400, run=binned(truth, n))
    for truth in ("calibrated", "under-confident") for n in (100, 500, 2000)
] + [
    Row(of="calibration.BinnedCalibrationError.interval", method="bootstrap of counts", law="rare, far off",
        n="300, 10 bins", guarantee="asymptotic", parts=("norm 1", "norm 2"), reps=400,
        run=binned("rare, far off", 300))
]  # fmt: skip


# ---- curves


def honest(truth, forecasts, n):
    def run(rng):
        p = forecasts(rng, n)
        y = (rng.random(n) < TRUTHS[truth](p)).astype(float)
        curve = reliability_curve(y, p, band="honest", confidence_level=LEVEL)
        c = TRUTHS[truth](curve.x)
        return Seen(np.array([((curve.lower <= c + 1e-12) & (c <= curve.upper + 1e-12)).all()]), curve.guarantee)

    return run


def consistency(method, n):
    """A calibrated forecaster at one of five forecasts: does its curve stay in the band at .5?"""
    values = np.array([0.05, 0.2, 0.5, 0.8, 0.95])

    def run(rng):
        p = rng.choice(values, n)
        y = (rng.random(n) < p).astype(float)
        options = {"method": method, "band": "consistency", "confidence_level": LEVEL, "n_resamples": 99, "rng": rng}
        curve = reliability_curve(y, p, **options)
        at = np.abs(curve.x - 0.5).argmin()
        return Seen(np.array([curve.lower[at] <= curve.y[at] <= curve.upper[at]]), curve.guarantee)

    return run


def bootstrap(method, n, cluster=1):
    """The band of four bins, or of the kernel, at a forecast of .6 of an under-confident model."""

    def run(rng):
        p = np.repeat(rng.random(n // cluster), cluster)
        event = TRUTHS["under-confident"]
        y = np.repeat((rng.random(n // cluster) < event(p[::cluster])).astype(float), cluster)
        groups = np.arange(n) // cluster if cluster > 1 else None
        options = {"method": method, "band": "bootstrap", "confidence_level": LEVEL, "n_resamples": 199, "rng": rng}
        curve = reliability_curve(y, p, n_bins=4, groups=groups, **options)
        at = np.abs(curve.x - 0.6).argmin()
        truth = event(curve.x[at] if method == "kernel" else p[(p >= 0.5) & (p < 0.75)].mean())
        return Seen(np.array([curve.lower[at] <= truth <= curve.upper[at]]), curve.guarantee)

    return run


FORECASTS = {
    "spread": lambda rng, n: rng.random(n),
    "skewed": lambda rng, n: rng.beta(0.3, 3, n),
    "tied": lambda rng, n: np.round(rng.beta(2, 1, n) * 20) / 20,
}
CURVE = "calibration.reliability_curve"
CURVES = [
    *(Row(of=CURVE, method="honest band, whole curve", law=f"{truth}, {forecasts} forecasts", n="200", level=LEVEL,
          guarantee="finite-sample", reps=reps, run=honest(truth, FORECASTS[forecasts], 200))
      for truth in ("calibrated", "rare, far off")
      for forecasts, reps in (("spread", 40), ("skewed", 40), ("tied", 200))),
    *(Row(of=CURVE, method=f"consistency band, {method}", law="calibrated, five forecasts", n="100", level=LEVEL,
          guarantee=guarantee, floor=floor, reps=300, run=consistency(method, 100))
      for method, guarantee, floor in (("isotonic", "finite-sample", None), ("bins", "finite-sample", None),
                                       ("kernel", "asymptotic", 0.86))),
    *(Row(of=CURVE, method=f"bootstrap band, {method}", law=f"under-confident{law}", n="400", level=LEVEL,
          guarantee="asymptotic", floor=0.86, reps=reps, run=bootstrap(method, 400, cluster))
      for method, law, cluster, reps in (("bins", "", 1, 300), ("bins", ", clusters of 5", 5, 400),
                                         ("kernel", "", 1, 100))),
]  # fmt: skip


# ---- the risk of what is accepted


def risk_band(n, levels):
    """P(wrong) is .6 (1 - confidence) + .02; the risk at .8, fixed before, and at the share .3."""

    def draw(rng):
        confidence = rng.random(n)
        wrong = rng.random(n) < 0.6 * (1 - confidence) + 0.02
        return 1.0 - wrong, np.floor(confidence * levels) / levels if levels else confidence

    def run(rng):
        correct, confidence = draw(rng)
        curve = risk_coverage_curve(correct, confidence, x="threshold", confidence_level=LEVEL)
        point = np.flatnonzero(curve.x >= 0.8)
        truth = 0.3 * 0.2 + 0.02
        return Seen(
            np.array([not len(point) or curve.lower[point[-1]] <= truth <= curve.upper[point[-1]]]), curve.guarantee
        )

    return run


def risk_at_share(n):
    def run(rng):
        confidence = rng.random(n)
        correct = 1.0 - (rng.random(n) < 0.6 * (1 - confidence) + 0.02)
        curve = risk_coverage_curve(correct, confidence, confidence_level=LEVEL)
        k = np.flatnonzero(curve.x <= 0.3)[-1]
        truth = 0.3 * (1 - np.sort(confidence)[::-1][k + 1]) + 0.02
        return Seen(np.array([curve.lower[k] <= truth <= curve.upper[k]]), curve.guarantee)

    return run


def risk_of_clusters(n_clusters):
    # the mean of .3 + shift, cut off at 0 and 1: what is cut off below, by the normal law
    z = 0.3 / 0.15
    truth = 0.3 + 0.15 * (stats.norm.pdf(z) - z * stats.norm.sf(z))

    def run(rng):
        shift = np.repeat(rng.normal(0, 0.15, n_clusters), 4)
        confidence = rng.random(4 * n_clusters)
        correct = 1.0 - (rng.random(4 * n_clusters) < np.clip(0.3 + shift, 0, 1))
        groups = np.repeat(np.arange(n_clusters), 4)
        options = {"groups": groups, "x": "threshold", "confidence_level": LEVEL}
        curve = risk_coverage_curve(correct, confidence, **options)
        k = np.flatnonzero(curve.x >= 0.3)[-1]
        return Seen(np.array([curve.lower[k] <= truth <= curve.upper[k]]), curve.guarantee)

    return run


RISK = "calibration.risk_coverage_curve"
RISKS = [
    *(Row(of=RISK, method="Clopper-Pearson at a threshold", law="uniform" if not levels else "tied in tenths",
          n=str(n), level=LEVEL, guarantee="finite-sample", run=risk_band(n, levels))
      for n, levels in ((20, 0), (120, 0), (120, 10))),
    *(Row(of=RISK, method="Clopper-Pearson at a share", law="uniform", n=str(n), level=LEVEL,
          guarantee="finite-sample", run=risk_at_share(n)) for n in (20, 120)),
    *(Row(of=RISK, method="cluster-robust t", law="clusters of 4", n=f"{n} clusters", level=LEVEL,
          guarantee="asymptotic", floor=0.88 if n == 100 else None, reps=400, run=risk_of_clusters(n))
      for n in (20, 100)),
]  # fmt: skip

ROWS = [*BINNED, *CURVES, *RISKS]

NO_INTERVAL = {
    "a number without an interval": (
        "calibration.aurc",
        "calibration.error_at_confidence",
        "calibration.expected_calibration_error",
        "calibration.latent_brier_score",
        "calibration.multicalibration_error",
        "calibration.score_decomposition",
        "calibration.smooth_calibration_error",
    ),
    "a p-value": ("calibration.calibration_test",),
    "points without a band": ("calibration.BinnedCalibrationError.curve",),
    "probabilities, which promise no interval": (
        "calibration.BetaCalibration",
        "calibration.DirichletCalibration",
        "calibration.HistogramBinning",
        "calibration.IsotonicCalibration",
        "calibration.KnowledgeProbe",
        "calibration.MulticalibrationBoosting",
        "calibration.PlattScaling",
        "calibration.TemperatureScaling",
        "calibration.cross_val_calibrate",
    ),
    "a pair of which one member is calibrated; it covers nothing": (
        "calibration.VennAbersCalibration",
        "calibration.VennAbersCalibration.predict_pair",
    ),
    "scores and decisions": (
        "calibration.ThresholdCalibration",
        "calibration.Votes",
        "calibration.p_true",
        "calibration.vote_confidence",
    ),
}
