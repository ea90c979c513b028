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
# # One map, many trials
#
# Somebody has trained a model once: it predicts an outcome wherever there is an image. Since then many trials have used
# its map in place of the outcome, which nobody measured there. Their effects come out too small, since predictions are
# shrunk towards the mean. How small, and what can be done about it without measuring the outcome in any trial?
#
# The images here are real: scikit-learn's handwritten digits. The outcome is the digit itself, 0 to 9, as a household's
# wealth might be; the model is a forest trained on 400 of them. Because we know the digit of every image, we know the
# effect that each trial really had.

# %%
import warnings
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from causal import (
    Classical,
    LinearDebiaser,
    Naive,
    PredictionPowered,
    SplineDebiaser,
    TweedieDebiaser,
    add_calibration_variance,
    combine,
    compare_estimators,
    overidentification_test,
    shrinkage_diagnostic,
)
from uq.exceptions import UntestedAssumptionWarning

rng = np.random.default_rng(0)
images, digits = load_digits(return_X_y=True)
order = rng.permutation(len(digits))
train, survey, pool = order[:400], order[400:1000], order[1000:]

forest = RandomForestRegressor(100, random_state=0).fit(images[train], digits[train])
rows = pd.DataFrame({"y_pred": forest.predict(images), "y": digits.astype(float)})
survey, pool = rows.loc[survey], rows.loc[pool]
print(f"{len(survey)} images of a survey have a prediction and the truth; trials draw on {len(pool)} others.")
print(f"correlation of prediction and truth: {survey['y_pred'].corr(survey['y']):.2f}")

# %% [markdown]
# ## Forty trials
#
# Each trial treats some of the images of the pool. The treatment makes high digits more (or less) frequent among the
# treated; the image of a digit is what it is, treated or not. So the prediction depends on the treatment through the
# outcome alone, which is what a correction assumes; the model's errors are then no different between the arms.

# %%


def trial(strength, seed):
    """Return the pool with a column `treated`: high digits are treated more often where `strength` is positive."""
    odds = strength * (pool["y"] - 4.5)
    treated = np.random.default_rng(seed).random(len(pool)) < 1 / (1 + np.exp(-odds))
    return pool.assign(treated=treated.astype(int))


def effect(column, treated):
    """Return the difference of means."""
    return column[treated == 1].mean() - column[treated == 0].mean()


trials = [trial(strength, seed) for seed, strength in enumerate(np.linspace(-0.3, 0.3, 40))]
true_effects = np.array([effect(t["y"], t["treated"]) for t in trials])

estimators = {
    "naive": Naive(),
    "linear": LinearDebiaser(nondifferential=True),
    "Tweedie": TweedieDebiaser(nondifferential=True),
    "spline": SplineDebiaser(nondifferential=True),
}
for estimator in estimators.values():
    estimator.fit(survey["y_pred"], survey["y"])

effects = {name: [estimator.ate(t["y_pred"], t["treated"]) for t in trials] for name, estimator in estimators.items()}
print("estimator  slope on the true effect  mean error  intervals that hold it")
for name, found in effects.items():
    values = np.array([e.estimate for e in found])
    held = np.mean([e.conf_int().contains(truth) for e, truth in zip(found, true_effects, strict=True)])
    slope = np.polyfit(true_effects, values, 1)[0]
    print(f"{name:9s}  {slope:24.2f}  {np.abs(values - true_effects).mean():10.2f}  {held:22.0%}")

# %% [markdown]
# Naive effects are a third too small, in every trial, and no sample size cures it. The three corrections learn from the
# survey how predictions move with the truth: `LinearDebiaser` a straight line, `SplineDebiaser` a smooth curve,
# `TweedieDebiaser` from the density of the predictions. Tweedie's formula presumes predictions that err like an
# independent normal error on top of them; a forest on digits is not like that, and where a line is what relates the two
# it is the line that should be used. (The share of intervals that hold is one draw, not a coverage: all trials share
# one pool and one survey. It is also high because the effect on these very rows varies less than an interval for all
# rows like them allows.)

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.4), sharex=True, sharey=True)
for ax, name in zip(axes, ("naive", "linear"), strict=True):
    values = np.array([e.estimate for e in effects[name]])
    halves = np.array([e.conf_int().width / 2 for e in effects[name]])
    ax.errorbar(true_effects, values, halves, fmt="o", markersize=4, linewidth=1)
    ax.axline((0, 0), slope=1, color="0.5", linewidth=1)
    ax.set(xlabel="effect on the true digit", ylabel="effect on the prediction", title=name)
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Is a correction due at all?
#
# The same survey could have come from another world: one in which the outcome depends on the treatment through the
# prediction alone. There the naive effect is right and a correction spoils it. Survey rows by themselves cannot tell
# the two worlds apart; rows from several regions can. Regions that differ in their digits, first; then regions that
# differ in what the model saw.

# %%


def advice(column, seed):
    """Cut the survey into ten regions along a column, blurred so that the regions overlap, and ask."""
    blurred = column + np.random.default_rng(seed).normal(0, 2, len(column))
    return shrinkage_diagnostic(survey["y_pred"], survey["y"], pd.qcut(blurred, 10, labels=False))


print(advice(survey["y"], 0), advice(survey["y_pred"], 0), sep="\n\n")
advice(survey["y"], 0).plot()

# %% [markdown]
# Two tests at 95 % stand behind the advice, so that it is wrong now and then. Twenty other ways to draw the regions:

# %%
for what in ("y", "y_pred"):
    given = Counter(advice(survey[what], seed).advice for seed in range(20))
    print(f"regions that differ in {what}: {dict(given)}")

# %% [markdown]
# In the second world, what would the correction have done? A trial whose treatment goes by the prediction:

# %%
odds = 0.3 * (pool["y_pred"] - 4.5)
treated = (np.random.default_rng(7).random(len(pool)) < 1 / (1 + np.exp(-odds))).astype(int)
print(f"effect on the true digit {effect(pool['y'], treated):.2f}")
print(f"naive     {estimators['naive'].ate(pool['y_pred'], treated):.2f}")
print(f"corrected {estimators['linear'].ate(pool['y_pred'], treated):.2f}")

# %% [markdown]
# ## A few labels within the trial
#
# One hundred rows of a trial are looked at after all. Prediction-powered inference then needs none of the assumptions
# above: the labels measure the error of the predictions in each arm. It pays with a wider interval. The forest plot
# holds all estimators against the effect that the trial really had.

# %%
one = trials[33]
labelled = one.sample(100, random_state=1)
rest = one.drop(labelled.index)
powered = PredictionPowered().fit(labelled["y_pred"], labelled["y"], treatment=labelled["treated"])
few = Classical().fit(labelled["y_pred"], labelled["y"], treatment=labelled["treated"])
answers = {
    "naive": estimators["naive"].ate(one["y_pred"], one["treated"]),
    "100 labels alone": few.ate(one["y_pred"], one["treated"]),
    "prediction-powered": powered.ate(rest["y_pred"], rest["treated"]),
    "linear": estimators["linear"].ate(one["y_pred"], one["treated"]),
    "spline": estimators["spline"].ate(one["y_pred"], one["treated"]),
}
table = compare_estimators(answers, "ate", reference=effect(one["y"], one["treated"]))
print(table)
table.plot()

# %% [markdown]
# Do the correction and the labels agree? Both used the rows of this trial, so the test takes their covariance from the
# rows that they share (their labels in the frame say which). The combination is narrower than either. It is worth what
# the correction is worth: if the correction is wrong here, so is the combination.

# %%
print(overidentification_test(answers["linear"], answers["prediction-powered"]))
print(combine(answers["linear"], answers["prediction-powered"]).summary())

# %% [markdown]
# ## Your own regression, your own propensity model
#
# The corrected column can go into any software that is linear in its outcome. What that software cannot know is that
# the column was made with an estimated correction; `add_calibration_variance` puts this into the errors of a fitted
# statsmodels result.

# %%
one = one.assign(corrected=estimators["linear"].transform(one["y_pred"]), ink=images[one.index].mean(axis=1))
fit = smf.ols("corrected ~ treated + ink", one).fit(cov_type="HC1")
honest = add_calibration_variance(fit, estimators["linear"], one["y_pred"])
print(pd.DataFrame({"coefficient": fit.params, "as if measured": fit.bse, "honest": honest.bse}).round(3))

# %% [markdown]
# Where treatment was not random, weights from a propensity model balance the arms. Here the model is a logistic
# regression of the user's own; that it was estimated is not in the error.

# %%
pixels = images[one.index] / 16
propensity = LogisticRegression(C=0.01, max_iter=1000).fit(pixels, one["treated"]).predict_proba(pixels)[:, 1]
print(estimators["linear"].ate(one["y_pred"], one["treated"], propensity=propensity).summary())

# %% [markdown]
# ## What is promised
#
# All intervals are asymptotic, in the rows of the survey and of the trial. Corrections assume that predictions err
# alike in both arms once the outcome is known, and that the survey's relation between the two holds in the trial.
# Without groups no one has tested this, and `fit` says so unless told that you know:

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UntestedAssumptionWarning)
    LinearDebiaser().fit(survey["y_pred"], survey["y"])
print(caught[0].message)
