"""Recalibrators against scikit-learn, betacal and venn-abers: fit on 10^6 rows, or 10^4 where the peer is slow."""

import time
import warnings

import numpy as np
from betacal import BetaCalibration as PeerBeta
from harness import compare
from scipy.special import expit
from sklearn.calibration import _sigmoid_calibration, _TemperatureScaling
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from venn_abers import VennAbers

from calibration import (
    BetaCalibration,
    DirichletCalibration,
    IsotonicCalibration,
    PlattScaling,
    TemperatureScaling,
    VennAbersCalibration,
)

N = 10**6


def binary(n=N):
    rng = np.random.default_rng(0)
    z = 2 * rng.normal(size=n)
    return z, expit(z), (rng.random(n) < expit(0.6 * z - 0.1)).astype(float)


def within(tolerance):
    def agree(ours, theirs):
        worst = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
        assert worst <= tolerance, worst
        return f"differ by {worst:.1g}"

    return agree


def exps(shape):
    """Return the seconds of one pass of exponentials, which every step of the search needs."""
    x = -np.random.default_rng(0).exponential(size=shape)
    out, best = np.empty_like(x), np.inf
    for _ in range(3):
        start = time.perf_counter()
        np.exp(x, out=out)
        best = min(best, time.perf_counter() - start)
    return f"one pass of {x.size:.0e} exponentials: {best:.3f} s"


def one_parameter_rows():
    rng = np.random.default_rng(1)
    true = 2 * rng.normal(size=(N, 10))
    y = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
    logits = 1.7 * true
    limit = exps(logits.shape)
    yield compare(
        "temperature of logits, n = 10^6, 10 classes: fit",
        lambda: TemperatureScaling(input="logit").fit(logits, y).temperature_,
        lambda: 1 / _TemperatureScaling().fit(logits, y).beta_,
        "scikit-learn, CalibratedClassifierCV(method='temperature')",
        within(1e-6),
        limit=limit,
    )
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    yield compare(
        "temperature of probabilities, n = 10^6, 10 classes: fit",
        lambda: TemperatureScaling().fit(p, y).temperature_,
        lambda: 1 / _TemperatureScaling().fit(p, y).beta_,
        "scikit-learn, CalibratedClassifierCV(method='temperature')",
        within(1e-6),
        limit=limit,
    )


def curve_rows():
    z, p, y = binary()
    grid = np.linspace(-6, 6, 101)

    def platt():
        return PlattScaling(input="logit").fit(z, y).predict_proba(grid)

    def sigmoid():
        a, b = _sigmoid_calibration(z, y)
        return expit(-(a * grid + b))

    yield compare(
        "Platt, n = 10^6: fit",
        platt,
        sigmoid,
        "scikit-learn, CalibratedClassifierCV(method='sigmoid')",
        within(1e-5),
        limit=exps(N),
    )

    def peer_beta():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PeerBeta(parameters="abm").fit(p[:, None], y).predict(expit(grid))

    yield compare(
        "beta (abm), n = 10^6: fit",
        lambda: BetaCalibration().fit(p, y).predict_proba(expit(grid)),
        peer_beta,
        "betacal",
        within(1e-3),
        limit=exps(N),
    )


def isotonic_rows():
    _, p, y = binary()
    new = np.random.default_rng(2).random(N)

    def sort():
        start = time.perf_counter()
        np.sort(p)
        return f"one sort: {time.perf_counter() - start:.3f} s"

    def ours():
        return IsotonicCalibration().fit(p, y)

    def peer():
        return IsotonicRegression(out_of_bounds="clip").fit(p, y)

    def same(mine, theirs):
        worst = np.abs(mine.predict_proba(p) - np.clip(theirs.predict(p), 1 / (N + 2), (N + 1) / (N + 2))).max()
        assert worst < 1e-9, worst
        return f"differ by {worst:.1g}"

    yield compare("isotonic, n = 10^6: fit", ours, peer, "scikit-learn IsotonicRegression", same, limit=sort())
    yield compare(
        "isotonic, n = 10^6: fit, then 10^6 other rows",
        lambda: ours().predict_proba(new),
        lambda: np.clip(peer().predict(new), 1 / (N + 2), (N + 1) / (N + 2)),
        "scikit-learn IsotonicRegression",
        within(1e-4),  # beyond the scores of fit, and where one clips before joining and the other after
    )


def venn_abers_rows():
    for n in (10**4, 10**5):
        _, p, y = binary(2 * n)
        two = np.column_stack([1 - p, p])

        def ours(p=p, y=y, n=n):
            return np.column_stack(VennAbersCalibration().fit(p[:n], y[:n]).predict_pair(p[n:]))

        def theirs(two=two, y=y, n=n):
            peer = VennAbers()
            peer.fit(two[:n], y[:n])
            return peer.predict_proba(two[n:])[1]

        yield compare(
            f"Venn-Abers, {n:,} rows: fit, then the pairs of as many others", ours, theirs, "venn-abers", within(1e-9)
        )


def dirichlet_row():
    """Vector scaling has no peer of its own kind that installs; a multinomial regression fits the full map."""
    rng = np.random.default_rng(1)
    true = 2 * rng.normal(size=(10**5, 10))
    y = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
    p = np.exp(1.7 * true)
    p /= p.sum(axis=1, keepdims=True)

    def theirs():
        return LogisticRegression(C=1e9, max_iter=1000, tol=1e-6).fit(np.log(p), y).predict_proba(np.log(p[:1000]))

    yield compare(
        "Dirichlet, full, n = 10^5, 10 classes: fit at a fixed penalty",
        lambda: DirichletCalibration(penalty=1e-8).fit(p, y).predict_proba(p[:1000]),
        theirs,
        "scikit-learn LogisticRegression on log p",
        within(1e-3),
        turns=1,
    )


def rows():
    return [*one_parameter_rows(), *curve_rows(), *isotonic_rows(), *venn_abers_rows(), *dirichlet_row()]
