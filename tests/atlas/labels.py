"""Labels for part of the population: prediction-powered inference, and the labels alone."""

import numpy as np
from scipy import stats
from scipy.special import expit

from causal import Classical, PredictionPowered

from ._row import Row, held
from .worlds import OUTCOMES

__all__ = ["ROWS"]


def part(law, n, many):
    draw, _ = OUTCOMES[law]

    def rows(rng):
        y = draw(rng, n + many)
        f = y + 0.7 * y.std() * rng.normal(size=n + many)
        return f[:n], y[:n], f[n:]

    return rows


def labels_mean(law, n, many, alone):
    rows, truth = part(law, n, many), OUTCOMES[law][1]

    def run(rng):
        f, y, fu = rows(rng)
        answer = Classical().fit(f, y).mean() if alone else PredictionPowered().fit(f, y).mean(fu)
        return held(answer, truth)

    return run


def labels_ate(n, many, alone):
    def run(rng):
        arm = rng.integers(0, 2, n + many)
        y = arm * (1 + rng.normal(size=n + many)) + rng.exponential(size=n + many)
        f = 0.3 + 0.5 * y + 0.5 * rng.normal(size=n + many)
        one = {"treatment": arm[:n]}
        if alone:
            return held(Classical().fit(f[:n], y[:n], **one).ate(), 1.0)
        return held(PredictionPowered().fit(f[:n], y[:n], **one).ate(f[n:], arm[n:]), 1.0)

    return run


def labels_regression(n, many, verb, alone=False):
    def run(rng):
        X = np.column_stack([np.ones(n + many), rng.normal(size=n + many)])
        eta = X @ [0.5, -0.7]
        if verb == "logistic":
            y = (rng.random(n + many) < expit(eta)).astype(float)
            f = np.where(rng.random(n + many) < 0.85, y, 1 - y)
        else:
            y = eta + rng.normal(size=n + many) * (0.3 + np.abs(X[:, 1]))
            f = 0.4 * y + 0.5 * X[:, 1] + rng.normal(size=n + many)
        if alone:
            found = held(Classical().fit(f[:n], y[:n], X[:n]).ols(), np.array([0.5, -0.7]))
        else:
            fitted = PredictionPowered().fit(f[:n], y[:n], X[:n])
            found = held(getattr(fitted, verb)(f[n:], X[n:]), np.array([0.5, -0.7]))
        return found._replace(covered=found.covered[1:])

    return run


QUANTILES = {
    "lognormal": lambda q: float(np.exp(stats.norm.ppf(q))),
    "counts": lambda q: float(stats.poisson.ppf(q, 2)),
    "Student t, 3 df": lambda q: float(stats.t.ppf(q, 3)),
}


def labels_quantile(law, n, q):
    rows = part(law, n, 400)

    def run(rng):
        f, y, fu = rows(rng)
        return held(PredictionPowered().fit(f, y).quantile(fu, q), QUANTILES[law](q))

    return run


def labels_clusters(n_groups, alone):
    g, gu = np.repeat(np.arange(n_groups), 4), 10**6 + np.arange(400) // 4

    def run(rng):
        shock, other = rng.normal(size=n_groups), rng.normal(size=100)
        y, yu = shock[g] + rng.exponential(size=len(g)), other[gu - 10**6] + rng.exponential(size=400)
        f, fu = y + rng.normal(size=len(g)), yu + rng.normal(size=400)
        fitted = (Classical() if alone else PredictionPowered()).fit(f, y, groups=g)
        return held(fitted.mean() if alone else fitted.mean(fu, groups=gu), 1.0)

    return run


def labels_weighted(n, many):
    """Rows with large outcomes were sampled less, in both parts; weights are one over that probability."""

    def part(rng, size):
        y = rng.normal(size=4 * size)
        p = expit(-y)
        kept = rng.random(4 * size) < p
        return y[kept], (y + rng.normal(size=4 * size))[kept], 1 / p[kept]

    def run(rng):
        (y, f, w), (_, fu, wu) = part(rng, n), part(rng, many)
        return held(PredictionPowered().fit(f, y, sample_weight=w).mean(fu, sample_weight=wu), 0.0)

    return run


def labels_propensity(n, many):
    """Who is treated depends on what moves the outcome, with a probability that is known."""

    def run(rng):
        x = rng.normal(size=n + many)
        p = 0.2 + 0.6 * expit(x)
        arm = (rng.random(n + many) < p).astype(int)
        y = x + arm + rng.exponential(size=n + many)
        f = 0.3 + 0.5 * y + 0.5 * rng.normal(size=n + many)
        fitted = PredictionPowered().fit(f[:n], y[:n], treatment=arm[:n], propensity=p[:n])
        return held(fitted.ate(f[n:], arm[n:], propensity=p[n:]), 1.0)

    return run


PPI, ALONE = "causal.PredictionPowered", "causal.Classical"
# what the docstring says of 50 labels
FLOORS = {
    ("normal", 50): 0.93, ("Student t, 3 df", 50): 0.93, ("exponential", 50): 0.92, ("lognormal", 50): 0.88,
    ("0/1, rate .1", 50): 0.9,
}  # fmt: skip
POWERED = [
    *(Row(of=f"{PPI}.mean", method="t", law=law, n=f"{n} + {10 * n}", guarantee="asymptotic", reps=800,
          floor=FLOORS.get((law, n), 0.935 if n == 400 and law != "lognormal" else None),
          run=labels_mean(law, n, 10 * n, False))
      for law in ("normal", "exponential", "lognormal", "Student t, 3 df", "0/1, rate .1") for n in (20, 50, 400)),
    *(Row(of=f"{ALONE}.mean", method="t", law=law, n=str(n), guarantee="asymptotic", reps=800,
          floor=0.94 if law == "normal" else 0.935 if n == 400 and law != "lognormal" else None,
          run=labels_mean(law, n, 10, True))
      for law in ("normal", "lognormal", "0/1, rate .1") for n in (20, 50, 400)),
    *(Row(of=f"{who}.ate", method="Welch", law="exponential, uneven arms", n=n_text, guarantee="asymptotic", reps=500,
          floor=floor, run=labels_ate(n, 5 * n, who == ALONE))
      for who in (PPI, ALONE) for n, floor in ((30, None), (200, 0.93))
      for n_text in (f"{n} + {5 * n}" if who == PPI else str(n),)),
    *(Row(of=f"{who}.{verb}", method="HC1" if verb == "ols" else "sandwich", law=law, n=n_text,
          guarantee="asymptotic", reps=400, floor=floor, run=labels_regression(n, 4 * n, verb, who == ALONE))
      for who, verb, law in ((PPI, "ols", "uneven errors"), (ALONE, "ols", "uneven errors"),
                             (PPI, "logistic", "0/1, 85 % right"))
      for n, floor in ((60, None), (300, 0.93)) for n_text in (f"{n} + {4 * n}" if who == PPI else str(n),)),
    *(Row(of=f"{PPI}.quantile", method=f"q = {q}", law=law, n=f"{n} + 400", guarantee="asymptotic", reps=300,
          floor=0.95 if n == 60 else None, run=labels_quantile(law, n, q))
      for law in QUANTILES for q in (0.5, 0.9) for n in (30, 60)),
    *(Row(of=f"{who}.mean", method="cluster-robust t", law="exponential, clusters of 4", n=n_text,
          guarantee="asymptotic", reps=400, floor=0.93 if n == 100 else None, run=labels_clusters(n, who == ALONE))
      for who in (PPI, ALONE) for n in (15, 100)
      for n_text in (f"{n} + 100 clusters" if who == PPI else f"{n} clusters",)),
    *(Row(of=f"{PPI}.mean", method="t, sample_weight", law="normal, large ones sampled less",
          n=f"about {2 * n} + {10 * n}", guarantee="asymptotic", reps=500, floor=floor, run=labels_weighted(n, 5 * n))
      for n, floor in ((30, None), (200, 0.93))),
    *(Row(of=f"{PPI}.ate", method="Hajek, known propensities", law="exponential errors", n=f"{n} + {5 * n}",
          guarantee="asymptotic", reps=500, floor=floor, run=labels_propensity(n, 5 * n))
      for n, floor in ((60, None), (300, 0.93))),
]  # fmt: skip

ROWS = POWERED
