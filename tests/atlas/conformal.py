"""Batches, rows and selections: the probability is over calibration rows and new rows together."""

import numpy as np

from conformal import (
    BatchPredictor,
    BatchSelector,
    Compositional,
    Quantile,
    QuantileBand,
    RankLaw,
    RiskControl,
    SimultaneousConformal,
    SplitConformal,
)

from ._row import Row, Seen, held, inside
from .worlds import BOUNDED, LAWS

__all__ = ["NO_INTERVAL", "ROWS"]

LEVEL = 0.9
CONTINUOUS = "lognormal", "Student t, 3 df"


def value(statistic, batch):
    if isinstance(statistic, Quantile):
        return np.quantile(batch, statistic.q, method="inverted_cdf")
    return {"mean": np.mean, "sum": np.sum, "median": np.median, "min": np.min, "max": np.max}[statistic](batch)


# ---- a statistic of the batch


def batch_row(statistic, law, n, m, guarantee, *, method="auto", laws=LAWS, reps=800, floor=None, **options):
    draw = laws[law][0]

    def run(rng):
        scores = draw(rng, n + m)
        predictor = BatchPredictor(statistic, LEVEL, method=method, random_state=int(rng.integers(2**31)), **options)
        return held(predictor.fit(scores[:n]).predict_interval(n_test=m), value(statistic, scores[n:]))

    side = f", {options['alternative']}" if "alternative" in options else ""
    bounds = ", within its support" if "support" in options else ""
    return Row(
        of="conformal.BatchPredictor.predict_interval",
        method=f"{statistic}, {method}{bounds}{side}",
        law=law,
        n=f"{n} + {m}",
        level=LEVEL,
        guarantee=guarantee,
        floor=floor,
        reps=reps,
        run=run,
    )


ORDER = [
    batch_row(statistic, law, n, m, "exact" if law in CONTINUOUS else "finite-sample", **options)
    for law in ("lognormal", "Student t, 3 df", "Likert 1-5")
    for statistic, n, m, options in (
        ("median", 40, 5, {"alternative": "less"}),
        ("median", 200, 21, {}),
        ("max", 100, 5, {"alternative": "less"}),
        (Quantile(0.8), 100, 20, {}),
    )
]
MEANS = [
    *(
        batch_row("mean", law, n, m, "exact" if law in CONTINUOUS else "finite-sample", method="partition")
        for law in ("lognormal", "Student t, 3 df", "Likert 1-5")
        for n, m in ((100, 5), (400, 20))
    ),
    *(
        batch_row("mean", law, 100, 5, "finite-sample", method=method, alternative="less", reps=300)
        for law in ("lognormal", "Likert 1-5")
        for method in ("exact", "bound")
    ),
    *(
        batch_row("mean", law, 40, 4, "finite-sample", method=method, laws=BOUNDED, reps=300, support=(0, 1))
        for law in ("beta(.2, 2)", "Likert 0-1", "0/1, rate .02")
        for method in ("exact", "bonferroni")
    ),
    batch_row("mean", "beta(.2, 2)", 40, 4, "asymptotic", method="monte_carlo", laws=BOUNDED, reps=60, support=(0, 1),
              floor=LEVEL),
]  # fmt: skip


def quartiles(law):
    draw = LAWS[law][0]

    def run(rng):
        scores = draw(rng, 120)
        interval = BatchPredictor(QuantileBand(0.25, 0.75)).fit(scores[:100]).predict_interval(n_test=20)
        ends = np.quantile(scores[100:], [0.25, 0.75], method="inverted_cdf")
        covered = inside(interval.lower, interval.upper, ends).all()
        return Seen(np.array([covered]), interval.guarantee, interval.attained_level)

    return run


def share_beyond(rng):
    """The share of a batch beyond a line, built step by step."""
    statistic = Compositional(lambda u, s: u + (s > 2), 0.0, lambda u, m: u / m)
    scores = rng.lognormal(size=110)
    predictor = BatchPredictor(statistic, alternative="less").fit(scores[:100])
    return held(predictor.predict_interval(n_test=10), np.mean(scores[100:] > 2))


def other_population(rng):
    """Weights that follow the density ratio 2 x; scores that depend on x."""
    x, new = rng.random(200), np.sqrt(rng.random(10))
    scores, batch = x + rng.exponential(size=200), new + rng.exponential(size=10)
    predictor = BatchPredictor(ratio_bound=2.0, random_state=int(rng.integers(2**31)))
    predictor.fit(scores, density_ratio=2 * x)
    return held(predictor.predict_interval(n_test=10, density_ratio=2 * new), batch.mean())


def outcomes(statistic):
    def run(rng):
        y_pred = rng.normal(scale=3, size=210)
        y = y_pred + rng.lognormal(size=210)
        predictor = BatchPredictor(statistic, random_state=int(rng.integers(2**31))).fit(y_pred[:200], y[:200])
        return held(predictor.predict_interval(y_pred[200:]), value(statistic, y[200:]))

    return run


def weighted(rng):
    """A mean in which the last rows count most."""
    scores, weights = rng.lognormal(size=105), np.arange(1.0, 6.0)
    predictor = BatchPredictor("mean", LEVEL, alternative="less", random_state=int(rng.integers(2**31)))
    interval = predictor.fit(scores[:100]).predict_interval(n_test=5, sample_weight=weights)
    return held(interval, np.average(scores[100:], weights=weights))


BATCH = "conformal.BatchPredictor.predict_interval"
OTHERS = [
    *(Row(of=BATCH, method="QuantileBand(0.25, 0.75), both quartiles", law=law, n="100 + 20", level=LEVEL,
          guarantee="exact" if law in CONTINUOUS else "finite-sample", run=quartiles(law))
      for law in ("lognormal", "Likert 1-5")),
    Row(of=BATCH, method="Compositional, share beyond 2", law="lognormal", n="100 + 10", level=LEVEL,
        guarantee="finite-sample", reps=100, run=share_beyond),
    Row(of=BATCH, method="mean, density_ratio", law="exponential errors", n="200 + 10", level=LEVEL,
        guarantee="finite-sample", reps=400, run=other_population),
    *(Row(of=BATCH, method=f"{statistic} of outcomes, auto", law="lognormal errors", n="200 + 10", level=LEVEL,
          guarantee=guarantee, reps=600, run=outcomes(statistic))
      for statistic, guarantee in (("mean", "exact"), ("median", "exact"))),
    Row(of=BATCH, method="mean, sample_weight, less", law="lognormal", n="100 + 5", level=LEVEL,
        guarantee="finite-sample", reps=300, run=weighted),
]  # fmt: skip


# ---- each row, and so many of the batch

K = 18  # of 20 rows


def regression(rng, n, score):
    y_pred, spread = rng.normal(size=n), rng.uniform(0.5, 2, n)
    y = y_pred + spread * (rng.lognormal(size=n) - 1)
    if score == "quantile":
        return np.column_stack([y_pred - spread, y_pred + spread]), y, {}
    return y_pred, y, {"y_std": spread} if score == "normalized" else {}


def classes(rng, n):
    y_prob = rng.dirichlet([0.5, 1, 2], n)
    return y_prob, (y_prob.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def interval_run(make, score, n, m):
    def run(rng):
        outputs, y, extra = regression(rng, n + m, score)
        old, new = ({key: v[rows] for key, v in extra.items()} for rows in (slice(n), slice(n, None)))
        answer = make().fit(outputs[:n], y[:n], **old).predict_interval(outputs[n:], **new)
        return Seen(answer.contains(y[n:]), answer.guarantee, answer.attained_level)

    return run


def set_run(make, n, m):
    def run(rng):
        y_prob, y = classes(rng, n + m)
        answer = make().fit(y_prob[:n], y[:n], classes=[0, 1, 2]).predict_set(y_prob[n:])
        return Seen(answer.contains(y[n:]), answer.guarantee, answer.attained_level)

    return run


def together(run, k):
    """Count a batch as covered if k rows are."""

    def counted(rng):
        seen = run(rng)
        return seen._replace(covered=np.array([np.sum(seen.covered) >= k]))

    return counted


def rounded(rng):
    """Errors on few values: ties."""
    y_pred = rng.integers(0, 5, 61).astype(float)
    y = y_pred + rng.poisson(1, 61)
    return held(SplitConformal().fit(y_pred[:60], y[:60]).predict_interval(y_pred[60:]), y[60:])


def in_strata(rng):
    """A noisy stratum and a quiet one, a new row of each."""
    strata = np.append(np.where(rng.random(100) < 0.4, "noisy", "quiet"), ["noisy", "quiet"])
    y_pred = rng.normal(size=102)
    y = y_pred + np.where(strata == "noisy", 3, 1) * rng.lognormal(size=102)
    fitted = SplitConformal().fit(y_pred[:100], y[:100], strata=strata[:100])
    interval = fitted.predict_interval(y_pred[100:], strata=strata[100:])
    return Seen(interval.contains(y[100:]), interval.guarantee)


def classes_in_strata(rng):
    """A stratum whose probabilities are right and one where the last two classes are taken for each other."""
    y_prob, y = classes(rng, 102)
    strata = np.append(np.where(rng.random(100) < 0.4, "right", "wrong"), ["right", "wrong"])
    said = np.where((strata == "wrong")[:, None], y_prob[:, [0, 2, 1]], y_prob)
    fitted = SplitConformal("lac", LEVEL).fit(said[:100], y[:100], strata=strata[:100], classes=[0, 1, 2])
    sets = fitted.predict_set(said[100:], strata=strata[100:])
    return Seen(sets.contains(y[100:]), sets.guarantee)


SPLIT, MANY = "conformal.SplitConformal", "conformal.SimultaneousConformal"
NEW = [
    *(Row(of=f"{SPLIT}.predict_interval", method=score, law="lognormal errors", n=str(n), level=LEVEL,
          guarantee="exact", reps=1500, run=interval_run(lambda s=score: SplitConformal(s, LEVEL), score, n, 1))
      for score in ("absolute", "signed", "normalized", "quantile") for n in (20, 200)),
    Row(of=f"{SPLIT}.predict_interval", method="absolute", law="counts, tied", n="60", level=LEVEL,
        guarantee="finite-sample", run=rounded),
    Row(of=f"{SPLIT}.predict_interval", method="absolute, strata", law="noisy and quiet rows", n="100", level=LEVEL,
        guarantee="exact", parts=("noisy", "quiet"), run=in_strata),
    *(Row(of=f"{SPLIT}.predict_set", method=score, law="three classes", n=str(n), level=LEVEL, guarantee=guarantee,
          run=set_run(lambda s=score: SplitConformal(s, LEVEL), n, 1))
      for score, guarantee in (("lac", "exact"), ("aps", "finite-sample")) for n in (20, 200)),
    Row(of=f"{SPLIT}.predict_set", method="lac, strata", law="three classes", n="100", level=LEVEL, guarantee="exact",
        parts=("right", "wrong"), run=classes_in_strata),
    *(Row(of=f"{MANY}.predict_interval", method=f"{score}, {K} of 20 rows", law="lognormal errors", n="200 + 20",
          level=level, guarantee="exact",
          run=together(interval_run(lambda s=score, c=level: SimultaneousConformal(s, c, 0.9), score, 200, 20), K))
      for score, level in (("absolute", 0.9), ("normalized", 0.9), ("quantile", 0.8))),
    *(Row(of=f"{MANY}.predict_set", method=f"{score}, {K} of 20 rows", law="three classes", n="200 + 20", level=LEVEL,
          guarantee=guarantee, run=together(set_run(lambda s=score: SimultaneousConformal(s, LEVEL, 0.9), 200, 20), K))
      for score, guarantee in (("lac", "exact"), ("aps", "finite-sample"))),
]  # fmt: skip


# ---- selections


def claims(law, max_false):
    def run(rng):
        y_pred = rng.lognormal(size=550) if law == "lognormal" else rng.poisson(2.0, 550).astype(float)
        y = y_pred * rng.lognormal(size=550) - 2 if law == "lognormal" else rng.poisson(y_pred) - 3.0
        chosen = BatchSelector(max_false=max_false).fit(y_pred[:500], y[:500]).select(y_pred[500:])
        false = (y[500:][chosen.mask] <= 0).sum()
        return Seen(np.array([false <= max_false]), chosen.guarantee, chosen.attained_level)

    return run


def accepted_risk(n, tied, **options):
    """The share of wrong answers is (1 - confidence) / 2; what is accepted has less than a tenth."""

    def run(rng):
        confidence = rng.random(n)
        if tied:
            confidence = np.ceil(confidence * 10) / 10 - 0.05
        correct = rng.random(n) >= 0.5 - confidence / 2
        control = RiskControl(confidence_level=LEVEL, **options).fit(confidence, correct)
        threshold = control.threshold_
        cells = np.arange(0.05, 1, 0.1)
        if not np.isfinite(threshold):
            risk = 0.0  # nothing is accepted
        else:
            risk = np.mean(0.5 - cells[cells >= threshold - 1e-9] / 2) if tied else 0.25 - threshold / 4
        return Seen(np.array([risk < 0.1]), control.select(confidence).guarantee)

    return run


def beyond_the_line(n, m, share):
    """How many of the next m scores lie beyond a line that a share of all does."""

    def run(rng):
        bound = RankLaw(n, m).exceedance_bound(int(rng.binomial(n, share)), LEVEL)
        return Seen(np.array([rng.binomial(m, share) <= bound]), "finite-sample")

    return run


CHOSEN = [
    *(Row(of="conformal.BatchSelector.select", method=f"at most {eta} false", law=law, n="500 + 50", level=LEVEL,
          guarantee=guarantee, run=claims(law, eta))
      for law, guarantee in (("lognormal", "finite-sample"), ("counts, tied", "finite-sample")) for eta in (0, 3)),
    *(Row(of="conformal.RiskControl.select", method="walk" if not fixed else "fixed thresholds",
          law="tied confidence" if tied else "uniform confidence", n=str(n), level=LEVEL, guarantee="finite-sample",
          reps=600, run=accepted_risk(n, tied, **({"thresholds": [0.5, 0.7, 0.9]} if fixed else {})))
      for n, tied, fixed in ((60, False, False), (400, False, False), (400, True, False), (400, False, True))),
    *(Row(of="conformal.RankLaw.exceedance_bound", method="hypergeometric test", law=f"share {share}", n="100 + 20",
          level=LEVEL, guarantee="finite-sample", run=beyond_the_line(100, 20, share)) for share in (0.05, 0.4)),
]  # fmt: skip

ROWS = [*ORDER, *MEANS, *OTHERS, *NEW, *CHOSEN]

NO_INTERVAL = {
    "in the rows of what makes it": ("conformal.PredictionSet", "conformal.Selection"),
    "in the rows of `conformal.BatchPredictor.predict_interval`": (
        "conformal.Compositional",
        "conformal.Quantile",
        "conformal.QuantileBand",
    ),
    "a p-value": ("conformal.conformal_p_values",),
}
