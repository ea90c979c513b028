"""Effects from predicted outcomes: debiasers and every verb of theirs, known probabilities, two estimates at once."""

import numpy as np

from causal import (
    LinearDebiaser,
    Naive,
    PredictionPowered,
    SplineDebiaser,
    TweedieDebiaser,
    add_calibration_variance,
    combine,
    compare_estimators,
    dsl,
    shrinkage_diagnostic,
)

from ._row import Row, Seen, held
from .worlds import OUTCOMES

__all__ = ["NO_INTERVAL", "ROWS"]


# ---- no truth in the trial


def first_world(make, law, n_cal, n, verb, method=None, noise=0.5, level=0.95):
    """Predictions depend on the outcome alone: z = .6 y + noise, in calibration rows and trial alike."""
    draw, mean = OUTCOMES[law]
    options = {} if method is None else {"method": method}

    def run(rng):
        y = draw(rng, n_cal)
        fitted = make().fit(0.6 * y + noise * rng.normal(size=n_cal), y)
        arm, x = np.arange(n) % 2, rng.exponential(size=n)
        move = {"mean": 0.0, "ate": 1.0 * arm, "ols": 0.5 * x}[verb]
        z = 0.6 * (draw(rng, n) + move) + noise * rng.normal(size=n)
        if verb == "mean":
            return held(fitted.mean(z, **options), mean, level)
        if verb == "ate":
            return held(fitted.ate(z, arm, **options), 1.0, level)
        found = held(fitted.ols(z, np.column_stack([np.ones(n), x]), **options), np.array([mean, 0.5]), level)
        return found._replace(covered=found.covered[1:])

    return run


def debiaser_row(
    name, make, law, n_cal, n, verb, guarantee="asymptotic", floor=None, reps=500, method=None, label=None, **options
):
    return Row(
        of=f"causal.{name}.{verb}",
        method=label or method or "delta",
        law=law,
        n=f"{n_cal} + {n}",
        guarantee=guarantee,
        floor=floor,
        reps=reps,
        run=first_world(make, law, n_cal, n, verb, method, **options),
    )


def sure(cls, **options):
    return lambda: cls(nondifferential=True, **options)


def linear_clusters(n_groups):
    """Villages with a shock of their own on both sides."""

    def side(rng, tau):
        groups = np.repeat(np.arange(n_groups), 5)
        arm = groups % 2
        y = rng.normal(size=n_groups)[groups] + rng.normal(size=len(groups)) + tau * arm
        return 0.6 * y + 0.5 * rng.normal(size=n_groups)[groups] + 0.5 * rng.normal(size=len(groups)), y, arm, groups

    def run(rng):
        z, y, _, groups = side(rng, 0.0)
        new, _, arm, others = side(rng, 1.0)
        return held(LinearDebiaser().fit(z, y, groups=groups).ate(new, arm, groups=others), 1.0)

    return run


LINEAR, SPLINE, TWEEDIE = sure(LinearDebiaser), sure(SplineDebiaser), sure(TweedieDebiaser)
DEBIASERS = [
    *(debiaser_row("LinearDebiaser", LINEAR, law, n_cal, n, verb, floor=floor)
      for law in ("normal", "exponential", "counts", "Student t, 3 df") for verb in ("mean", "ate")
      for n_cal, n, floor in ((30, 100, None), (300, 1000, 0.93))),
    debiaser_row("LinearDebiaser", LINEAR, "exponential", 300, 1000, "ols", floor=0.93),
    *(debiaser_row("LinearDebiaser", LINEAR, law, 30, 100, verb, method="fieller")
      for law in ("normal", "exponential") for verb in ("mean", "ate")),
    debiaser_row("LinearDebiaser", LINEAR, "normal", 150, 300, "ate", method="bootstrap", reps=80, floor=0.92),
    Row(of="causal.LinearDebiaser.ate", method="delta, clusters", law="normal shocks", n="60 + 60 clusters of 5",
        guarantee="asymptotic", floor=0.93, reps=500, run=linear_clusters(60)),
    *(debiaser_row("SplineDebiaser", SPLINE, law, 500, 1000, verb, floor=0.92, reps=300)
      for law in ("normal", "exponential") for verb in ("mean", "ate", "ols")),
    *(debiaser_row("TweedieDebiaser", TWEEDIE, law, 300, 1000, verb, guarantee="none", reps=300)
      for law in ("normal", "exponential") for verb in ("mean", "ate", "ols")),
    *(debiaser_row("Naive", Naive, law, 100, 1000, verb, guarantee="none", label="predictions as they are")
      for law in ("exponential",) for verb in ("mean", "ate", "ols")),
]  # fmt: skip


# ---- labels with known probabilities, two estimates at once, and what stands around them


def known_probabilities(fixed):
    def run(rng):
        x = rng.normal(size=400)
        y = x + rng.exponential(size=400)
        stratum = (x > 0).astype(int)
        p = np.where(stratum == 1, 0.5, 0.2)
        labeled = rng.random(400) < p
        if fixed:
            labeled[:] = False
            for k in (0, 1):
                members = np.flatnonzero(stratum == k)
                drawn = rng.choice(members, round(len(members) * (0.5 if k else 0.2)), replace=False)
                labeled[drawn], p[members] = True, len(drawn) / len(members)
        found = dsl(
            y_pred=x + 2,
            y=np.where(labeled, y, np.nan),
            labeled=labeled,
            sampling_probability=p,
            X=np.column_stack([np.ones(400), x]),
            strata=stratum if fixed else None,
        )
        return held(found, np.array([1.0, 1.0]))

    return run


def labels_in_clusters(n_groups):
    groups = np.repeat(np.arange(n_groups), 4)

    def run(rng):
        y = rng.normal(size=n_groups)[groups] + rng.exponential(size=len(groups))
        p = np.where(np.arange(len(groups)) % 2, 0.3, 0.6)
        labeled = rng.random(len(groups)) < p
        y_pred = y + rng.normal(size=len(groups))
        known = {"labeled": labeled, "sampling_probability": p, "groups": groups}
        return held(dsl(y_pred=y_pred, y=np.where(labeled, y, np.nan), **known), 1.0)

    return run


SURVEY, TRIAL, LABELLED = 300, 600, 150
IDS = {
    "ids_a": (np.arange(SURVEY), SURVEY + np.arange(TRIAL)),
    "ids_b": (SURVEY + np.arange(LABELLED), SURVEY + np.arange(LABELLED, TRIAL)),
}


def two_estimates(law):
    draw = OUTCOMES[law][0]

    def run(rng):
        y_cal, arm = draw(rng, SURVEY), rng.integers(0, 2, TRIAL)
        y = arm + draw(rng, TRIAL)
        z_cal, z = (0.8 * v + 0.4 * rng.normal(size=len(v)) for v in (y_cal, y))
        few, rest = slice(LABELLED), slice(LABELLED, None)
        a = LinearDebiaser(nondifferential=True).fit(z_cal, y_cal).ate(z, arm)
        b = PredictionPowered().fit(z[few], y[few], treatment=arm[few]).ate(z[rest], arm[rest])
        return held(combine(a, b, **IDS), 1.0)

    return run


def regression_of_software(law):
    draw = OUTCOMES[law][0]

    def run(rng):
        import statsmodels.api as sm  # an extra, and half a second

        y_cal, arm = draw(rng, 200), rng.integers(0, 2, 1000)
        y = arm + draw(rng, 1000)
        z_cal, z = (0.5 * v + 0.5 * rng.normal(size=len(v)) for v in (y_cal, y))
        fitted = LinearDebiaser(nondifferential=True).fit(z_cal, y_cal)
        results = sm.OLS(fitted.transform(z), np.column_stack([np.ones(1000), arm])).fit(cov_type="HC1")
        lower, upper = add_calibration_variance(results, fitted, z).conf_int()[1]
        return Seen(np.array([lower <= 1 <= upper]), "asymptotic")

    return run


def table_of_estimators(rng):
    """One row of the table, that of the debiaser; its interval is the debiaser's own."""
    y = rng.exponential(size=200)
    z = 0.6 * y + 0.5 * rng.normal(size=200)
    fitted = {"naive": Naive().fit(z, y), "linear": LinearDebiaser(nondifferential=True).fit(z, y)}
    new = 0.6 * rng.exponential(size=600) + 0.5 * rng.normal(size=600)
    table = compare_estimators(fitted, "mean", y_pred=new)
    return held(table.results[table.names.index("linear")], 1.0)


def slopes(rng):
    """The first world: pooled and within groups the slope of y_pred on y is .5."""
    groups = np.repeat(np.arange(25), 12)
    y = rng.exponential(size=25)[groups] + rng.normal(size=300)
    found = shrinkage_diagnostic(0.5 * y + np.exp(0.2 * y) * rng.normal(size=300), y, groups)
    covered = [bool(found.lower[i] <= 0.5 <= found.upper[i]) for i in range(2)]
    return Seen(np.array(covered), found.guarantee)


OTHERS = [
    *(Row(of="causal.dsl", method="strata" if fixed else "independent labels", law="exponential errors", n="400",
          guarantee="asymptotic", parts=("intercept", "slope"), reps=400, floor=0.93, run=known_probabilities(fixed))
      for fixed in (False, True)),
    *(Row(of="causal.dsl", method="mean, clusters", law="exponential, clusters of 4", n=f"{n} clusters",
          guarantee="asymptotic", reps=400, floor=floor, run=labels_in_clusters(n))
      for n, floor in ((20, None), (80, 0.93))),
    *(Row(of="causal.combine", method="debiaser and labels", law=law, n="300 + 600", guarantee="asymptotic", reps=300,
          floor=0.93, run=two_estimates(law)) for law in ("normal", "exponential", "counts")),
    *(Row(of="causal.add_calibration_variance", method="OLS, HC1", law=law, n="200 + 1000", guarantee="asymptotic",
          reps=300, floor=0.92, run=regression_of_software(law))
      for law in ("normal", "exponential")),
    Row(of="causal.compare_estimators", method="its row of LinearDebiaser", law="exponential", n="200 + 600",
        guarantee="asymptotic", reps=400, floor=0.93, run=table_of_estimators),
    Row(of="causal.shrinkage_diagnostic", method="slopes of y_pred on y", law="uneven errors", n="25 groups of 12",
        guarantee="asymptotic", parts=("first", "second"), reps=200, floor=0.92, run=slopes),
]  # fmt: skip

ROWS = [*DEBIASERS, *OTHERS]

NO_INTERVAL = {
    "a p-value": ("causal.overidentification_test",),
}
