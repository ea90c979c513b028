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
# # Which model is best, if I only have model judges?
#
# Ten models have answered the same questions. Nobody has time to check the answers, so six other models are asked: is
# this answer right? The judges are worse than the candidates, three of them make the same mistakes, and one of them
# likes answers that look like its own. Who is best, and how sure can we be?
#
# Here the questions are images of digits, candidates are classifiers, judges are weaker ones, and "right" means that
# the judge reads the same digit. So the truth is known, and the answer can be held against it.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from bayes import SimplexRanker, identifiability, simplex_breakdown
from uq import rank_models

images, digits = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(digits))
images, digits = images[order] / 16, digits[order]
train, others, test = slice(0, 400), slice(400, 997), slice(997, None)

candidates = {
    "svm": SVC(),
    "neighbours": KNeighborsClassifier(3),
    "extra trees": ExtraTreesClassifier(100, random_state=0),
    "logistic": LogisticRegression(max_iter=2000),
    "forest": RandomForestClassifier(100, random_state=0),
    "discriminant": LinearDiscriminantAnalysis(),
    "ridge": RidgeClassifier(),
    "small forest": RandomForestClassifier(5, max_depth=6, random_state=0),
    "naive bayes": GaussianNB(var_smoothing=1e-2),
    "tree": DecisionTreeClassifier(random_state=0),
}
answers = {name: model.fit(images[train], digits[train]).predict(images[test]) for name, model in candidates.items()}

# judges learn from images that no candidate has seen, and few of them
judges = {f"tree {i}": DecisionTreeClassifier(max_depth=6, max_features=0.5, random_state=i) for i in range(3)}
readings = {name: judge.fit(images[others], digits[others]).predict(images[test]) for name, judge in judges.items()}
first, second = others.start, others.start + 150
readings["bayes"] = GaussianNB(var_smoothing=0.05).fit(images[first:second], digits[first:second]).predict(images[test])
few = slice(first, first + 60)
readings["nearest"] = KNeighborsClassifier(1).fit(images[few], digits[few]).predict(images[test])
upper = images[:, :32]
readings["upper half"] = RidgeClassifier().fit(upper[first:second], digits[first:second]).predict(upper[test])

truth = np.column_stack([answer == digits[test] for answer in answers.values()])
print("share of right answers:")
print(pd.Series(truth.mean(axis=0), answers).round(3).to_string())
print("\nshare of digits that the judges read right:")
print(pd.Series({name: np.mean(reading == digits[test]) for name, reading in readings.items()}).round(3).to_string())

# %% [markdown]
# ## The votes
#
# A long table, one row per vote: this is all that the ranking sees.

# %%
n_items = len(digits[test])
votes = pd.concat(
    pd.DataFrame(
        {"candidate": name, "item": np.arange(n_items), "judge": judge, "score": (answer == reading).astype(int)}
    )
    for name, answer in answers.items()
    for judge, reading in readings.items()
)
print(f"{len(votes):,} votes")
print(votes.sample(4, random_state=0).to_string(index=False))

# %% [markdown]
# ## What could such votes tell at all?
#
# Two levels and several judges who vote on the same items: the shares of right answers are identified, if judges err
# independently of each other once it is known whether the answer is right.

# %%
print(identifiability(levels=2, judges=len(readings), candidates=len(answers)))

# %% [markdown]
# ## The ranking
#
# First as if all six judges erred independently; then told that the trees are one family, which therefore has one
# effective vote, and that the judge "nearest" is of the same kind as the candidate "neighbours", so that its votes on
# it are self-votes. Fits warn by themselves where pairs of judges agree more often than they can explain.

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    independent = SimplexRanker(draws=300, tune=300, random_state=0).fit(votes)
print(*(warning.message for warning in caught), sep="\n")

kinds = {**dict.fromkeys(judges, "trees"), "nearest": "neighbour methods", "neighbours": "neighbour methods"}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    families = SimplexRanker(draws=300, tune=300, random_state=0).fit(votes, families=kinds)
print(*(warning.message for warning in caught), sep="\n")
print(families.ranking_)
families.ranking_.plot()

# %% [markdown]
# ## Held against the truth
#
# The interval of every rank, the rank that the candidate really has on these images, and what the plain mean of all
# votes says.

# %%
mean_votes = votes.pivot_table(index="item", columns="candidate", values="score")[list(answers)]
plain = rank_models(mean_votes.to_numpy(), list(answers), rng=0)
true_rank = pd.Series(truth.mean(axis=0), answers).rank(ascending=False)


def held(summary):
    """Return which rank intervals hold the true rank, and the mean width."""
    interval = summary.rank_interval(0.95)
    ranks = true_rank[list(summary.names)].to_numpy()
    return np.mean(interval.contains(ranks)), np.mean(interval.width)


for what, summary in (("mean of votes", plain), ("independent", independent.ranking_), ("families", families.ranking_)):
    expected = pd.Series(summary.expected_rank, summary.names)
    inside, width = held(summary)
    print(
        f"{what:14s} intervals that hold the true rank {inside:4.0%}, mean width {width:.1f}, "
        f"rank correlation {expected.corr(true_rank, method='spearman'):.2f}"
    )

# %% [markdown]
# ## How good is a candidate, and a judge?
#
# The same draws tell shares of right answers, and here the model is wrong: every share is too low. What is hard to read
# is hard for all judges, so they reject the same right answers, and no family names that. It moves all candidates down
# alike; that is why the order survives and the level does not.

# %%
share = families.pi_[..., 1].reshape(-1, len(families.candidates_))
low, high = np.quantile(share, [0.025, 0.975], axis=0)
real = pd.Series(truth.mean(axis=0), answers)[list(families.candidates_)].to_numpy()
figure, ax = plt.subplots(figsize=(6.4, 3.8))
rows = np.arange(len(real))
ax.hlines(rows, low, high, label="95 % credible interval")
ax.plot(real, rows, "x", color="black", label="truth")
ax.set(yticks=rows, yticklabels=families.candidates_, xlabel="share of right answers")
ax.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## How much does it rest on the prior, and on fairness?
#
# `sensitivity` fits again under other priors and keeps the orders that hold under all of them. `simplex_breakdown`
# needs no model of joint errors at all: it tells how much more lenient a judge would have to be towards one candidate
# than towards another before their order is the judge's doing.

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # weak priors leave the chains in doubt, which the report shows
    report = families.sensitivity({"judge_accuracy": [0.55, 0.7]})
print(report)
breakdown = simplex_breakdown(votes[votes["candidate"].isin(["svm", "ridge", "small forest", "tree"])], levels=(0, 1))
print(breakdown)

# %% [markdown]
# ## A few human labels
#
# Fifty checked answers (five of each candidate) are anchors: they count as the truth.

# %%
checked = pd.DataFrame(
    [
        {"candidate": name, "item": item, "score": int(truth[item, k])}
        for k, name in enumerate(answers)
        for item in np.random.default_rng(k).choice(n_items, 5, replace=False)
    ]
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    anchored = SimplexRanker(draws=300, tune=300, random_state=0).fit(votes, checked, families=kinds)
print(anchored.ranking_)

# %% [markdown]
# ## What is promised
#
# The intervals are posterior statements: as good as the model of the judges. They are no confidence intervals, and near
# ties they hold the true rank less often than they say. Judges that err together without being named as a family make
# them too narrow; the diagnostics tell which pairs do.
