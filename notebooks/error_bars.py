# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which error bar can I believe?
#
# An evaluation ends in a mean score. Around it one can put a t interval, a Wilson interval, a bootstrap, a bet. They
# promise the same 95 %; this notebook counts what they deliver, where the truth is known. It is the evidence behind the
# choice that `method="auto"` makes.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from uq import Interval, coverage_report, estimate_mean
from uq.exceptions import InfiniteBoundWarning, SmallSampleWarning

warnings.simplefilter("ignore", SmallSampleWarning)
warnings.simplefilter("ignore", InfiniteBoundWarning)

# %% [markdown]
# ## Right or wrong: no simulation needed
#
# For 0/1 scores the coverage can be summed exactly over all counts. Each cell is the coverage of a nominal 95 %
# interval at accuracy p.

# %%
PROPORTIONS = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


def exact_coverage(n, method):
    """Sum the binomial law over the counts whose interval covers p."""
    counts = np.arange(n + 1)
    ends = np.empty((n + 1, 2))
    for k in counts:
        scores = np.repeat([1, 0], [k, n - k])
        if method == "t" and k in (0, n):  # the textbook interval of width 0; ours is infinite there and says so
            ends[k] = k / n
        else:
            ends[k] = list(estimate_mean(scores, method=method, n_resamples=999, rng=0).conf_int())
    p = PROPORTIONS[:, None]
    inside = (ends[:, 0] <= p) & (p <= ends[:, 1])
    return (stats.binom.pmf(counts, n, p) * inside).sum(axis=1)


print(f"{'n':>3} {'method':<16}" + "".join(f"  p={p:<5}" for p in PROPORTIONS) + "  worst")
worst = {}
for n in (10, 20, 50):
    for method in ("t", "bootstrap", "wilson", "beta", "clopper_pearson"):
        coverage = exact_coverage(n, method)
        worst[n, method] = coverage.min()
        print(f"{n:>3} {method:<16}" + "".join(f"  {c:<7.3f}" for c in coverage) + f"  {coverage.min():.3f}")

# %% [markdown]
# At p = .98 and n = 10 the textbook t interval covers less than one time in five: mostly all ten answers are right, and
# an error bar of width zero is then a wrong statement. Only the exact interval never falls below .95. It is also the
# widest; Wilson is the one to take where the level may hold on average only.
#
# ## Graded scores: skewed, small, bounded

# %%
LAWS = {
    "uniform": (lambda rng, n: rng.random(n), 0.5),
    "beta(.2, 2)": (lambda rng, n: rng.beta(0.2, 2, n), 0.2 / 2.2),
    "5 % ones": (lambda rng, n: np.where(rng.random(n) < 0.05, 1.0, 0.2), 0.24),
    "normal, clipped": (lambda rng, n: np.clip(rng.normal(0.5, 0.1, n), 0, 1), 0.5),
}
METHODS = {"t": {}, "bootstrap": {"n_resamples": 399}, "betting": {"bounds": (0, 1)}}


def simulated(draw, truth, method, reps, groups=None, **arguments):
    """Count covered truths and mean widths over repetitions of the evaluation."""
    rng = np.random.default_rng(7)
    covered, widths = 0, []
    for _ in range(reps):
        interval = estimate_mean(draw(rng), groups, method=method, rng=1, **arguments).conf_int()
        covered += interval.contains(truth)
        widths.append(interval.width)
    return covered / reps, float(np.median(widths))


REPS = 400
print(f"{'n':>3} {'law':<16}" + "".join(f"  {m:<19}" for m in METHODS) + "(coverage, median width)")
rows = {}
for n in (10, 20, 50):
    for law, (draw, truth) in LAWS.items():
        cells = [simulated(lambda rng: draw(rng, n), truth, m, REPS, **a) for m, a in METHODS.items()]  # noqa: B023
        rows[n, law] = cells
        print(f"{n:>3} {law:<16}" + "".join(f"  {c:.3f}  {w:.3f}       " for c, w in cells))

# %% [markdown]
# The bet pays with width where scores are well-behaved (the uniform, the clipped normal) and holds where the others
# fail: on scores with a rare large value, t and the bootstrap have mostly not seen what they would need to know. Where
# every score came out the same, t has nothing to go by: it is infinite here, and counted as covering.
#
# ## Clusters: the error that looks like precision
#
# Five questions on each text; four fifths of the variance lie between texts.

# %%
print(f"{'clusters':>8}  {'t (rows)':<18}{'cluster':<18}{'bootstrap':<18}{'betting':<18}(coverage, median width)")
for n_groups in (5, 10, 20, 50):
    groups = np.repeat(np.arange(n_groups), 5)

    def draw_clusters(rng, n_groups=n_groups, groups=groups):
        """Scores in [0, 1] whose mean differs from text to text."""
        return np.clip(rng.beta(2, 2, n_groups)[groups] + rng.uniform(-0.2, 0.2, len(groups)), 0, 1)

    truth = 0.5
    cells = [
        simulated(draw_clusters, truth, "t", REPS),
        simulated(draw_clusters, truth, "cluster", REPS, groups),
        simulated(draw_clusters, truth, "bootstrap", REPS, groups, n_resamples=399),
        simulated(draw_clusters, truth, "betting", REPS, groups, bounds=(0, 1)),
    ]
    print(f"{n_groups:>8}  " + "".join(f"{c:.3f}  {w:.3f}      " for c, w in cells))

# %% [markdown]
# Rows taken for independent claim twice the precision they have. The cluster error needs some twenty clusters before
# its 95 % are 95 %; the warning below that number is not a formality.
#
# ## And on real outputs?
#
# The accuracy of a tumour classifier on 569 patients is known here: it is the mean of the file. Small evaluations are
# drawn from it, as if only 40 patients had been labelled, and each interval is asked whether it found the truth.

# %%
X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LogisticRegression())
prob = cross_val_predict(model, X, y, cv=5, method="predict_proba")[:, 1]
brier = (prob - y) ** 2  # a graded score: mostly tiny, rarely near one
rng = np.random.default_rng(3)
names, intervals = ("t", "bootstrap", "betting"), {}
for method in names:
    arguments = {"bounds": (0, 1)} if method == "betting" else {"n_resamples": 399, "rng": 1}
    ends = [list(estimate_mean(rng.choice(brier, 40), method=method, **arguments).conf_int()) for _ in range(REPS)]
    intervals[method] = np.array(ends)
    inside = (intervals[method][:, 0] <= brier.mean()) & (brier.mean() <= intervals[method][:, 1])
    share = estimate_mean(inside)
    print(f"{method:<10} covers {share}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 4), sharex=True, layout="constrained")
for ax, method in zip(axes, names, strict=True):
    ends = intervals[method][:60]
    missed = (ends[:, 0] > brier.mean()) | (ends[:, 1] < brier.mean())
    ax.hlines(np.arange(60), ends[:, 0], ends[:, 1], colors=np.where(missed, "#c0392b", "#1f4e79"))
    ax.axvline(brier.mean(), color="#888888", ls="--")
    ax.set(title=f"{method}: {int(missed.sum())} of 60 miss", yticks=[], xlabel="Brier score", xlim=(-0.02, 0.2))
plt.show()

# %% [markdown]
# `coverage_report` does such counting for any batch of intervals and outcomes, with the exact band around what was
# counted.

# %%
one = np.array([list(estimate_mean(rng.choice(brier, 40), bounds=(0, 1)).conf_int()) for _ in range(200)])
print(coverage_report(Interval(lower=one[:, 0], upper=one[:, 1], confidence_level=0.95), np.full(200, brier.mean())))
