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
# # A file of model outputs, and what can be said with a guarantee
#
# Five classifiers have read 899 handwritten digits. What they left behind is a file: the true digit and, per model, the
# probability of each class. From here on no model is run again. The questions are those that come up in every
# evaluation: how good is this model, is B really better than A, who ranks where, and how many items would have settled
# it.

# %%
import csv
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from uq import (
    Report,
    estimate_difference,
    estimate_mean,
    estimate_metric,
    mean_sequence,
    rank_models,
    read_outputs,
    required_items,
)

START = time.perf_counter()
# as a script: this clone, wherever it is called from; in Jupyter the notebook's folder is the working directory
HERE = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
ROOT = HERE.parent if HERE.name == "notebooks" else HERE
OUTPUTS = ROOT / "build" / "outputs.csv"
OUTPUTS.parent.mkdir(exist_ok=True)

# %% [markdown]
# ## The job that leaves the file
#
# It stands in for the run on a GPU that took the night. Everything after this cell reads the file.

# %%
MODELS = {
    "svm": SVC(C=10.0, gamma=0.02),
    "knn": KNeighborsClassifier(5),
    "forest": RandomForestClassifier(200, random_state=0),
    "logistic": LogisticRegression(C=0.1, max_iter=2000),
    "bayes": GaussianNB(var_smoothing=1e-3),
}


def run_job(path):
    """Train on one half of the digits and write down what each model says about the other half."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    columns = {"y": y_test}
    for name, model in MODELS.items():
        fitted = make_pipeline(MinMaxScaler(), model).fit(X_train, y_train)
        columns[f"{name}_label"] = fitted.predict(X_test)
        if name != "svm":  # whose probabilities would need another fit
            prob = fitted.predict_proba(X_test)
            columns.update({f"{name}_prob_{k}": prob[:, k].round(6) for k in range(10)})
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


run_job(OUTPUTS)

# %% [markdown]
# ## Reading it back

# %%
NAMES = list(MODELS)
labels = {name: f"{name}_label" for name in NAMES}
outputs = read_outputs(OUTPUTS, {"y": "y", **labels, "y_prob": [f"forest_prob_{k}" for k in range(10)]})
y = outputs["y"]
# no label is missing in this file; where some may be, see "Missing values" in the README before comparing with ==
correct = np.column_stack([outputs[name] == y for name in NAMES]).astype(float)
report = Report("A tour: what can be said about five classifiers", "899 handwritten digits, five models, one file.")
answers = []


def answer(question, text, guarantee):
    """Keep one row of the table that is printed at the end."""
    answers.append({"question": question, "answer": text, "guarantee": guarantee})


# %% [markdown]
# ## How good is this model?
#
# 0/1 scores, independent items: "auto" takes the exact binomial interval, which is never below its level. Told that a
# score lies between 0 and 1, it bets instead, which needs nothing but the bounds.

# %%
accuracy = estimate_mean(correct[:, NAMES.index("forest")])
print(accuracy)
answer(
    "How good is the forest?",
    f"{accuracy.estimate:.3f}, 95 % interval [{accuracy.conf_int().lower:.3f}, {accuracy.conf_int().upper:.3f}]",
    accuracy.guarantee,
)
loss = estimate_metric(log_loss, y, outputs["y_prob"], n_resamples=999, rng=0)
answer(
    "And its log loss?",
    f"{loss.estimate:.3f}, 95 % interval [{loss.conf_int().lower:.3f}, {loss.conf_int().upper:.3f}]",
    loss.guarantee,
)
report.add(
    "How good is the forest?", accuracy, loss, text="Accuracy from the exact binomial law; log loss by BCa bootstrap."
)

# %% [markdown]
# ## Is B really better than A?
#
# The two models answered the same items, so the difference is paired: only the items on which they disagree count.
# McNemar's test is exact. How probable it is that the forest is the better one is another question, and one for a
# posterior: the statement depends on a prior (a uniform one here) and has a row of its own.

# %%
forest, logistic = correct[:, NAMES.index("forest")], correct[:, NAMES.index("logistic")]
difference = estimate_difference(forest, logistic)
print(difference)
answer(
    "Is the forest better than the logistic regression?",
    f"by {difference.estimate:+.3f}, 95 % interval [{difference.conf_int().lower:+.3f}, "
    f"{difference.conf_int().upper:+.3f}], p = {difference.pvalue():.3g}",
    difference.guarantee,
)
posterior = estimate_difference(forest, logistic, method="dirichlet")
not_better = posterior.pvalue(0, "greater")  # the posterior probability that the forest is no better
answer("How probable is that?", f"P(forest better) = 1 - {not_better:.2g}", posterior.guarantee)
report.add(
    "Is the forest better than the logistic regression?",
    difference,
    posterior,
    text="First McNemar's exact test and its interval, then the posterior under a uniform prior.",
    plot=True,
)

# %% [markdown]
# ## Who ranks where?
#
# All items are drawn again together, so that a hard item is hard for every model. The rank intervals hold for all five
# models at once; where two models cannot be told apart, their intervals say so.

# %%
ranking = rank_models(correct, NAMES, rng=0)
print(ranking)
ranks = ranking.rank_interval()
first = [name for name, low in zip(ranking.names, ranks.lower, strict=True) if low <= 1]
answer("Who ranks first?", "could be " + ", ".join(first), ranks.guarantee)
report.add("Who ranks where?", ranking, plot=True)

# %% [markdown]
# ## How many items would settle it?
#
# If the gap between the two best is what it looks like, this many items would show it four times in five.

# %%
best, second = np.argsort(-correct.mean(axis=0))[:2]
gap = correct[:, best] - correct[:, second]
needed = required_items(effect=gap.mean(), std=gap.std(ddof=1))
print(f"{NAMES[best]} against {NAMES[second]}: {needed} items")
answer(f"How many items to tell {NAMES[best]} from {NAMES[second]}?", f"{needed:,} (there are {len(y)})", "asymptotic")

# %% [markdown]
# ## May I look while the run is still going?
#
# Yes, with an interval that holds at every look at once.

# %%
sequence = mean_sequence(forest, bounds=(0, 1))
settled = np.flatnonzero(sequence.lower > 0.9)
when = f"after {int(sequence.x[settled[0]])} of {len(y)} items" if settled.size else "not within these items"
answer("When was it clear that the forest is above 90 %?", when, sequence.guarantee)
report.add("Watching the forest while it runs", sequence, plot=True)

# %% [markdown]
# ## The answers

# %%
report.add("All answers", answers)
path = report.write(ROOT / "build" / "tour.html")
widths = {key: max(len(key), *(len(row[key]) for row in answers)) for key in answers[0]}
print()
print("  ".join(key.ljust(width) for key, width in widths.items()).rstrip())
for row in answers:
    print("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())
shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
print(f"\n{shown} written, {time.perf_counter() - START:.1f} s")
