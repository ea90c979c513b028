"""Cross-prediction: a model trained on folds of the labelled rows, whose out-of-fold predictions carry the estimate."""

import numpy as np
from scipy import stats
from scipy.special import expit

from causal import PredictionPowered

from ._row import Row, held

__all__ = ["ROWS"]

N_FOLDS = 5


def least_squares(X, y, new):
    b = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    return b[0] + new @ b[1:]


def nearest(X, y, new):
    """Take the outcome of the nearest row: a learner that each row it saw moves."""
    return y[(((new[:, None, :] - X) ** 2).sum(axis=2)).argmin(axis=1)]


LEARNERS = {"least squares": least_squares, "nearest neighbour": nearest}


def crossed(rng, learn, X, y, new):
    """Return out-of-fold predictions of the labelled rows, and those of all models for the others."""
    fold = rng.permutation(len(y)) % N_FOLDS
    out, others = np.empty(len(y)), np.empty((len(new), N_FOLDS))
    for k in range(N_FOLDS):
        found = learn(X[fold != k], y[fold != k], np.concatenate([X[fold == k], new]))
        out[fold == k], others[:, k] = np.split(found, [np.sum(fold == k)])
    return out, others


def fitted_here(learner, n_columns, n, verb):
    """Skewed outcomes whose columns count alike; the first one is also the regressor, and of the trial the arm."""
    many, slope = 5 * n, 1 / np.sqrt(n_columns)

    def run(rng):
        X = rng.normal(size=(n + many, n_columns))
        arm = rng.integers(0, 2, n + many)
        if verb == "ate":
            X[:, 0] = arm
        y = slope * X.sum(axis=1) + rng.exponential(size=n + many)
        if verb == "logistic":
            y = (rng.random(n + many) < expit(X[:, 0])).astype(float)
        f, fu = crossed(rng, LEARNERS[learner], X[:n], y[:n], X[n:])
        design = np.column_stack([np.ones(n + many), X[:, 0]])
        if verb == "mean":
            return held(PredictionPowered().fit(f, y[:n]).mean(fu), 1.0)
        if verb == "ate":
            return held(PredictionPowered().fit(f, y[:n], treatment=arm[:n]).ate(fu, arm[n:]), slope)
        if verb == "quantile":  # of a normal and an exponential outcome
            return held(PredictionPowered().fit(f, y[:n]).quantile(fu, 0.5), stats.exponnorm.ppf(0.5, 1.0))
        if verb == "logistic":
            f, fu = np.clip(f, 0, 1), np.clip(fu, 0, 1)
        found = held(getattr(PredictionPowered().fit(f, y[:n], design[:n]), verb)(fu, design[n:]), [0.0, slope])
        return found._replace(covered=found.covered[1:])

    return run


ROWS = [
    Row(of=f"causal.PredictionPowered.{verb}", method=f"{learner} in {N_FOLDS} folds", n=f"{n} + {5 * n}",
        law="0/1, log-odds" if verb == "logistic" else f"exponential errors, {n_columns} columns",
        guarantee="asymptotic", reps=reps, floor=floor, run=fitted_here(learner, n_columns, n, verb))
    for learner, n_columns, verb, sizes in (
        ("least squares", 5, "mean", ((30, None), (60, 0.92), (300, 0.93))),
        ("least squares", 5, "ate", ((60, 0.92), (300, 0.93))),
        ("least squares", 5, "ols", ((60, None), (300, 0.93))),
        ("least squares", 5, "quantile", ((30, None), (60, 0.95))),
        ("least squares", 1, "logistic", ((60, None), (300, 0.93))),
        ("least squares", 40, "mean", ((60, 0.9),)),
        ("nearest neighbour", 5, "mean", ((60, 0.9), (150, 0.92))),
        ("nearest neighbour", 5, "ols", ((60, None),)),
    )
    for (n, floor) in sizes
    for reps in ((200,) if learner == "nearest neighbour" or verb in ("quantile", "logistic") else (400,))
]  # fmt: skip
