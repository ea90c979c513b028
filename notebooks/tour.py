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
import warnings
from itertools import permutations
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from bayes import BayesianOptimizer, Real, SimplexRanker
from calibration import TemperatureScaling, calibration_test, reliability_curve, smooth_calibration_error
from causal import LinearDebiaser, Naive
from conformal import BatchPredictor, RiskControl, SplitConformal
from uq import (
    Interval,
    Report,
    estimate_difference,
    estimate_mean,
    estimate_metric,
    mean_sequence,
    rank_models,
    read_outputs,
    required_items,
)
from uq.epistemic import ScaledVariance, second_order_calibration_error
from uq.reuse import GuessAndCheck, Holdout
from uq.sampling import pass_at_k

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
# ## And if nobody knew the truth?
#
# Then the models judge one another: a model votes for an answer if it is its own, and never on itself. No true digit is
# used. Each judge errs in its own way, which is learned together with the ranks; the fit warns where two judges agree
# more often than it can explain.

# %%
votes = {"candidate": [], "item": [], "judge": [], "score": []}
for candidate, judge in permutations(NAMES, 2):
    votes["candidate"] += [candidate] * len(y)
    votes["item"] += range(len(y))
    votes["judge"] += [judge] * len(y)
    votes["score"] += (outputs[candidate] == outputs[judge]).astype(int).tolist()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    peers = SimplexRanker(draws=500, random_state=0).fit(votes).ranking_
print(peers, *(warning.message for warning in caught), sep="\n")
by_merit = peers.point_ranking().names
answer(
    "Who ranks where, by the votes of the others alone?",
    ", ".join(by_merit) + f" (P({by_merit[0]} best) = {peers.rank_probabilities[:, 0].max():.2f})",
    peers.guarantee,
)
report.add("Who ranks where, if the models judge one another?", peers, plot=True)

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
# ## Which digits could it be? When is the forest to be believed?
#
# Say that the truth is known for the first 450 images alone. For each of the others a set of digits that holds the
# right one with probability 99 % (the forest's votes have ties, so it is at least that). And the confidence, here the
# share of votes for the winner, from which on at most 2 % of the answers are wrong, with probability 95 %.

# %%
old, new = slice(450), slice(450, None)
y_prob = outputs["y_prob"]
sets = SplitConformal("lac", confidence_level=0.99).fit(y_prob[old], y[old]).predict_set(y_prob[new])
sizes = np.bincount(sets.sizes)
print(f"sets of 0, 1, ... digits: {sizes.tolist()}; {sets.contains(y[new]).mean():.3f} of them hold the right one")
answer(
    "How many digits could a new image be (99 % sets)?",
    f"one for {sizes[1]} of {len(sets.sizes)}, at most {sizes.size - 1} for the others",
    sets.guarantee,
)
confidence = y_prob.max(axis=1)
accepted = RiskControl(target=0.02).fit(confidence[old], forest[old]).select(confidence[new])
print(f"{accepted!r}; {(1 - forest[new][accepted.mask]).sum():.0f} of them are wrong")
answer(
    "From which confidence on are at most 2 % wrong?",
    f"{accepted.threshold:.3g}, which {accepted.n_selected} of {len(accepted)} reach",
    accepted.guarantee,
)
report.add("When is the forest to be believed?", accepted, plot=True)

# %% [markdown]
# ## May I look at the same rows again?
#
# The first 450 images say how good each model is; do the others agree? A holdout answers one question after another,
# each with a guess, and keeps count, so that all answers are within their tolerance at once, whatever was asked before.

# %%
holdout = Holdout(y[new], GuessAndCheck(n_queries=20, n_failures=2, tolerance=0.2))
looks = [holdout.mean(correct[new, k], guess=correct[old, k].mean(), query_id=name) for k, name in enumerate(NAMES)]
print(*looks, sep="\n")
answer(
    "Does each model do as well on the other images?",
    f"{sum(look.source == 'guess' for look in looks)} of {len(looks)} guesses hold to within {looks[0].tolerance:.2g}; "
    f"{holdout.remaining()} looks left",
    looks[0].guarantee,
)

# %% [markdown]
# ## Is .8 really 80 %?
#
# The forest's confidence against how often it is right, on the half of the images that recalibrates nothing. The test
# asks whether a forecaster whose probabilities are right could look like this; the temperature is one number, learned
# on the other half, that stretches or shrinks all probabilities.

# %%
first = np.arange(len(y)) % 2 == 0
y_prob = outputs["y_prob"]
judged, truth = y_prob[~first], y[~first]
scaling = TemperatureScaling().fit(y_prob[first], y[first])
scaled = scaling.predict_proba(judged)
before, after = smooth_calibration_error(truth, judged), smooth_calibration_error(truth, scaled)
chance = calibration_test(truth, judged, rng=0)
print(f"smooth calibration error {before:.3f}; after temperature {scaling.temperature_:.2f} {after:.3f}; {chance}")
answer(
    "Is the forest's .8 really 80 %?",
    f"off by {before:.3f} on average (chance: p = {chance.pvalue:.2g})",
    chance.guarantee,
)
answer(
    "Does one temperature mend it?",
    f"T = {scaling.temperature_:.2f}: error {before:.3f} -> {after:.3f}, log loss {log_loss(truth, judged):.3f} -> "
    f"{log_loss(truth, scaled):.3f}",
    "none",
)
for name, p in (("before", judged), ("after temperature scaling", scaled)):
    report.add(f"The forest's confidence, {name}", reliability_curve(truth, p, band="honest"), plot=True)

# %% [markdown]
# ## Noise or ignorance?
#
# Where the forest doubts, would people disagree, or does it only not know? Two answers per image tell: if people agree
# with each other on what the forest finds open, that is ignorance. The people are drawn here, not asked: their doubts
# are half of the forest's (its probabilities after the temperature), so that a quarter of its p (1 - p) is ignorance.
# One number, rho, says how much; it is learned on one half of the images and checked on the other.

# %%
two_answers = np.random.default_rng(0).multinomial(2, (scaled + np.eye(10)[truth]) / 2)
half = np.arange(len(truth)) % 2 == 0
doubt = ScaledVariance().fit(scaled[half], two_answers[half])
parts = doubt.predict_pair(scaled[~half]).decompose("gini")
print(f"doubt {parts.total.mean():.3f} = noise {parts.aleatoric.mean():.3f} + ignorance {parts.epistemic.mean():.3f}")
print(second_order_calibration_error(two_answers[~half], doubt.predict_pair(scaled[~half]), n_bins=5))
answer(
    "Is the forest's doubt noise or ignorance?",
    f"{doubt.scale_:.0%} of it is ignorance, the rest noise (25 % went in)",
    parts.guarantee,
)

# %% [markdown]
# ## What does another try buy?
#
# Five models are five tries. If k of them, drawn at random, may answer, how often is at least one of them right? The
# interval is over images, and holds at any number of them.

# %%
tries = pass_at_k(correct.sum(axis=1).astype(int), len(NAMES), [1, 2, 5])
print(tries)
answer(
    "How often is one of k models right?",
    ", ".join(f"k = {k}: {value:.3f}" for k, value in zip((1, 2, 5), tries.estimate, strict=True)),
    tries.guarantee,
)
report.add("How often is one of k models right?", tries, plot=True)

# %% [markdown]
# ## Which setting should I try next?
#
# Four models gave probabilities; how much should each count? The blend adds up their log probabilities, each with a
# weight. One trial is the log loss of one choice of weights on 60 images drawn at random, so it is noisy. Thirty trials
# on the first 450 images, each where it promises most; the blend is then held against the single models on the others.

# %%
BLENDED = [name for name in NAMES if name != "svm"]
columns = read_outputs(OUTPUTS, {name: [f"{name}_prob_{k}" for k in range(10)] for name in BLENDED})
log_probs = np.log(np.maximum(np.stack([columns[name] for name in BLENDED]), 1e-3))
drawn = np.random.default_rng(0)


def blend_loss(weights, rows):
    """Return the log loss of a blend."""
    blend = np.tensordot([weights[name] for name in BLENDED], log_probs[:, rows], axes=1)
    return log_loss(y[rows], np.exp(blend) / np.exp(blend).sum(axis=1, keepdims=True), labels=range(10))


search = BayesianOptimizer({name: Real(0, 2) for name in BLENDED}, direction="minimize", random_state=0)
search.run(lambda weights: blend_loss(weights, drawn.choice(450, 60, replace=False)), n_trials=30)
others = np.arange(450, len(y))
alone = {name: blend_loss({other: float(other == name) for other in BLENDED}, others) for name in BLENDED}
found = blend_loss(search.best_params_, others)
blend = ", ".join(f"{name} {weight:.2f}" for name, weight in search.best_params_.items())
print(f"{blend}: log loss {found:.3f} on the other images; alone", {k: round(float(v), 3) for k, v in alone.items()})
answer(
    "How much should each of four models count?",
    f"{blend}: log loss {found:.3f}, alone {min(alone.values()):.3f}",
    "none",
)
report.add("Thirty trials of blends", search.trials_, plot=True)

# %% [markdown]
# ## What is the effect of a treatment, if the outcome was only predicted?
#
# Say that half of the later images were treated, high digits more often, and that the outcome is the digit: nobody has
# read it there, but the forest predicts it. Predictions are shrunk towards the mean, and so is their effect. How much
# they are shrunk is seen on the first 450 images, whose truth is known; the error of this step is in the interval.

# %%
predicted = outputs["y_prob"] @ np.arange(10)
odds = 0.3 * (y[new] - 4.5)
treated = (np.random.default_rng(0).random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(int)
real = y[new][treated == 1].mean() - y[new][treated == 0].mean()
naive = Naive().fit(predicted[old], y[old]).ate(predicted[new], treated)
# the digit is all that the treatment changes: the forest errs alike in both arms
effect = LinearDebiaser(nondifferential=True).fit(predicted[old], y[old]).ate(predicted[new], treated)
print(f"effect on the true digits {real:.2f}, on the predictions {naive:.2f}, corrected {effect:.2f}")
answer(
    "What was the effect on digits that nobody read?",
    f"{effect:.2f}; uncorrected {naive.estimate:.2f}, true {real:.2f}",
    effect.guarantee,
)
report.add("The effect on digits that nobody read", effect, text="Corrected for the shrinkage of the predictions.")

# %% [markdown]
# ## What will the next twenty average?
#
# Another file: a regression model has predicted the progression of a disease for 342 patients. For 322 of them the
# truth came in; twenty are new. One interval for the mean of the twenty, one for their median, one for the worst of
# them: each compares with sixteen batches of old patients. Beside the mean, what twenty intervals at once (Bonferroni)
# and the law of the ranks alone would say.

# %%
PATIENTS = OUTPUTS.with_name("patients.csv")


def run_second_job(path):
    """Train on 100 patients; write predictions for the others, and the truth where it is known."""
    X, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    model = RidgeCV(np.logspace(-3, 1, 9)).fit(X[order[:100]], y[order[:100]])
    known = np.arange(100, len(y)) < len(y) - 20
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y_pred", "y"])
        for row, truth in zip(order[100:], known, strict=True):
            writer.writerow([round(float(model.predict(X[[row]])[0]), 2), y[row] if truth else ""])


run_second_job(PATIENTS)
patients = read_outputs(PATIENTS)
new = np.isnan(patients["y"])
y_pred, y_old, y_new = patients["y_pred"][~new], patients["y"][~new], patients["y_pred"][new]
batch = {}
for what, statistic, method in (
    ("mean", "mean", "auto"),
    ("mean, ranks alone", "mean", "exact"),
    ("mean, Bonferroni", "mean", "bonferroni"),
    ("median", "median", "auto"),
    ("worst", "max", "auto"),
    ("worst, Bonferroni", "max", "bonferroni"),
):
    predictor = BatchPredictor(statistic, confidence_level=0.8, method=method).fit(y_pred, y_old)
    batch[what] = predictor.predict_interval(y_new)
    print(f"{what:>18}: {batch[what]}")
for what in ("mean", "median", "worst"):
    answer(
        f"The {what} of the next 20 patients?",
        f"80 % interval [{batch[what].lower:.0f}, {batch[what].upper:.0f}]",
        batch[what].guarantee,
    )
together = Interval(
    lower=np.array([interval.lower for interval in batch.values()]),
    upper=np.array([interval.upper for interval in batch.values()]),
    confidence_level=0.8,
    guarantee="finite-sample",
    method="batches and ranks",
    index=tuple(batch),
)
report.add("The next twenty patients", batch["mean"], batch["median"], batch["worst"], together, plot=True)

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
