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
# # What will the next twenty patients average?
#
# A regression model predicts how far a disease will have progressed in a year. Twenty new patients come in. Nobody
# asks for twenty intervals; the questions are: what will the twenty average, what will the middle one be, how bad can
# the worst one get? Each is one number about one batch, and each gets one interval, with a promise that holds for any
# law of the errors: the old patients and the new ones must be exchangeable, nothing more.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV

from conformal import BatchPredictor

X, y = load_diabetes(return_X_y=True)
N_TRAIN, N_TEST = 100, 20


def split(seed):
    """Train on 100 patients; return predictions and truth of 322 old patients and of 20 new ones."""
    order = np.random.default_rng(seed).permutation(len(y))
    train, test, old = np.split(order, [N_TRAIN, N_TRAIN + N_TEST])
    model = RidgeCV(np.logspace(-3, 1, 9)).fit(X[train], y[train])
    return model.predict(X[old]), y[old], model.predict(X[test]), y[test]


# %% [markdown]
# ## One batch
#
# The model has done its work; from here on there are predictions, and for 322 old patients the truth. `fit` keeps the
# residuals, `predict_interval` takes the predictions of the batch.

# %%
y_pred, truth, batch_pred, batch_truth = split(0)
LEVEL = 0.8
STATISTICS = {"mean": np.mean, "median": np.median, "max": np.max}
for name, statistic in STATISTICS.items():
    interval = BatchPredictor(name, confidence_level=LEVEL).fit(y_pred, truth).predict_interval(batch_pred)
    print(f"{name:>6}: {statistic(batch_truth):6.1f} came true; {interval}")

# %% [markdown]
# The mean of twenty is far surer than any one of them, and its interval knows it. For the worst patient single
# intervals would be wrong: one that holds for four patients of five fails for four of these twenty.
#
# ## What else one could do
#
# *Bonferroni* makes every single patient's interval so wide that all twenty hold at once, and reads the answer off
# them. *Ranks* uses the exact law of the twenty patients' places among the old ones, and the worst arrangement that
# these places allow. *Batches* compares with what sixteen batches of old patients came to. `method="auto"` chooses
# between the last two by the numbers of patients alone, never by looking at the data: here it takes the batches.

# %%
METHODS = {"batches": "auto", "ranks": "exact", "Bonferroni": "bonferroni"}


def intervals(data):
    """Return {(statistic, method): Interval}."""
    y_pred, truth, batch_pred, _ = data
    return {
        (name, label): BatchPredictor(name, LEVEL, method=method).fit(y_pred, truth).predict_interval(batch_pred)
        for name in STATISTICS
        for label, method in METHODS.items()
    }


first = intervals((y_pred, truth, batch_pred, batch_truth))
figure, ax = plt.subplots(figsize=(7, 4))
for row, ((name, label), interval) in enumerate(first.items()):
    color = {"batches": "C0", "ranks": "C1"}.get(label, "0.7")
    ax.plot([interval.lower, interval.upper], [row, row], lw=4, color=color)
    ax.plot(STATISTICS[name](batch_truth), row, "k|", ms=14, mew=2)
ax.set_yticks(range(len(first)), [f"{name}: {label}" for name, label in first])
ax.invert_yaxis()
ax.set_xlabel("disease progression; the bar is what came true")
figure.tight_layout()

# %% [markdown]
# ## Does it hold?
#
# Three hundred times another hundred patients train, another twenty are new. The promise is 80 % and it is one about
# coverage, so it is counted. The widths say what each method makes of the same data.

# %%
REPS = 300
covered, widths, infinite = {}, {}, {}
for seed in range(REPS):
    data = split(seed)
    for key, interval in intervals(data).items():
        covered[key] = covered.get(key, 0) + interval.contains(STATISTICS[key[0]](data[3]))
        widths.setdefault(key, []).append(interval.width)
        infinite[key] = infinite.get(key, 0) + np.isinf(interval.width)
print(f"{'statistic':>9}  {'method':>10}  {'covered':>7}  {'mean width':>10}  {'infinite':>8}")
for (name, label), count in covered.items():
    key = (name, label)
    print(f"{name:>9}  {label:>10}  {count / REPS:7.3f}  {np.mean(widths[key]):10.1f}  {infinite[key]:8d}")

# %% [markdown]
# All keep the promise, and at very different prices. Batches of old patients carry their own answers, so that their
# coverage is close to what they attain (15/17 here, the next above 80 % that sixteen batches can give). The ranks know
# nothing of how far apart scores lie, or of how predictions of different patients mix, and allow for the worst. They
# are what is left where there are too few old patients for batches of their own, and the exact answer where the
# question is about the residuals themselves: how large can the worst error of the next twenty be?

# %%
residuals = BatchPredictor("max", 0.9, alternative="less").fit(abs(truth - y_pred))
print(residuals.predict_interval(n_test=N_TEST))

# %% [markdown]
# ## Too few old patients
#
# With 60 old patients and no known end of the scale nothing finite can be promised about the mean of twenty: whatever
# lies beyond the largest error seen could lie anywhere. The interval says so. If the scale ends, say so, and the ranks
# can work.

# %%
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    few = BatchPredictor("mean", LEVEL).fit(y_pred[:60], truth[:60])
    print(few.predict_interval(batch_pred))
    print(caught[0].message)
bounded = BatchPredictor("mean", LEVEL, support=(-350, 350)).fit(y_pred[:60], truth[:60])
print(bounded.predict_interval(batch_pred))
