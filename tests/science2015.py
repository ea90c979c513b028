"""The experiment of Dwork and others in Science (2015): a classifier that chooses its features with the holdout's help.

Labels are coins, features are normal. Features that correlate with the label by more than 1 / sqrt(n) on the training
rows and, as far as the holdout says, on the holdout with the same sign, are sorted by their training correlation. The
classifier is the sign of the sum of the first k, each with the sign of its correlation. Naive reuse is asked for the
correlations themselves; mechanisms that take guesses for how often the feature's sign agrees with the label, whose mean
has the same error in units of correlations.
"""

import numpy as np

from uq.reuse import GuessAndCheck, Holdout, NaiveReuse, Thresholdout

__all__ = ["experiment", "mechanisms", "world"]


def world(n, d, rng, n_signal=0):
    """Return training, holdout and fresh rows: features of shape (d, n), of which some follow the label, and labels."""
    sets = []
    for _ in range(3):
        y = np.where(rng.random(n) < 0.5, np.float32(1), np.float32(-1))
        x = rng.standard_normal((d, n), dtype=np.float32)
        x[:n_signal] += np.float32(0.06) * y
        sets.append((x, y))
    return sets


def mechanisms(n, d, looks, n_failures=14):
    """Return the three by name; Guess-and-Check with room for guesses as far off as the worst of d honest ones."""
    m = d + looks
    room = 0.5 * np.sqrt(2 / n) * np.sqrt(2 * np.log(d))
    smallest = GuessAndCheck(m, n_failures).certificate(n)
    return {
        "naive": NaiveReuse(m),
        "thresholdout": Thresholdout(m, preset="science2015"),
        "guess and check": GuessAndCheck(m, n_failures, tolerance=float(min(0.99, smallest + room))),
    }


def experiment(mechanism, sets, ks, seed=None):
    """Return for each k the accuracy reported for the holdout, its tolerance, and the accuracy on fresh rows."""
    (x, y), (x_held, y_held), (x_fresh, y_fresh) = sets
    n = len(y)
    desk = Holdout(y_held, mechanism, insecure_seed=seed)
    on_train = x @ y / n
    if mechanism.needs_guess:
        agree = ((x > 0) == (y > 0)).mean(axis=1)
        told = [desk.mean((x_held[j] > 0) == (y_held > 0), guess=agree[j]).value for j in range(len(x))]
        told = 2 * np.array(told) - 1
    else:
        told = np.array([desk.mean(x_held[j] * y_held, bounds=(-8, 8)).value for j in range(len(x))])
    kept = np.flatnonzero((np.abs(on_train) > n**-0.5) & (np.abs(told) > n**-0.5) & (on_train * told > 0))
    kept = kept[np.argsort(-np.abs(on_train[kept]))]

    def right(features, labels, chosen):
        return (np.sign(on_train[chosen]) @ features[chosen] >= 0) == (labels > 0)

    rows = []
    for k in ks:
        chosen = kept[:k]
        guess = float(right(x, y, chosen).mean()) if mechanism.needs_guess else None
        answer = desk.mean(right(x_held, y_held, chosen), guess=guess)
        rows.append((answer.value, answer.tolerance, float(right(x_fresh, y_fresh, chosen).mean())))
    return np.array(rows)
