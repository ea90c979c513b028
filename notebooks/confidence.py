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
# # Can I trust this model's confidence?
#
# A model says .8. Is it right four times in five? Two classifiers have read 1,198 handwritten digits and left their
# class probabilities behind: a random forest, which hardly ever dares to be sure, and naive Bayes, which always is.
# Four questions: how far off are they, could that be chance, does a recalibration help, and below which confidence
# should an answer be held back?

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from calibration import (
    BinnedCalibrationError,
    DirichletCalibration,
    IsotonicCalibration,
    TemperatureScaling,
    VennAbersCalibration,
    aurc,
    calibration_test,
    expected_calibration_error,
    reliability_curve,
    risk_coverage_curve,
    score_decomposition,
    smooth_calibration_error,
)
from uq import estimate_difference, estimate_metric

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(X / 16, y, test_size=2 / 3, random_state=0, stratify=y)
MODELS = {
    "forest": RandomForestClassifier(200, random_state=0).fit(X_train, y_train),
    "bayes": GaussianNB(var_smoothing=1e-3).fit(X_train, y_train),
}
# no model is run after this line: half of the outputs is there to recalibrate, half to judge
half = np.random.default_rng(0).permutation(len(y_rest)) < len(y_rest) // 2
prob = {name: model.predict_proba(X_rest) for name, model in MODELS.items()}
y_fit, y_test = y_rest[half], y_rest[~half]
print(f"{half.sum()} rows to recalibrate, {(~half).sum()} to judge")

# %% [markdown]
# ## The picture
#
# Confidence is the largest probability of a row, and it is held against whether that digit was right. The curve is the
# best one that never falls; the band is honest: with 95 % probability it holds the whole true curve at once, if that
# one never falls either. Where the diagonal leaves the band, the confidence is wrong.

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 5))
for ax, (name, p) in zip(axes, prob.items(), strict=True):
    reliability_curve(y_test, p[~half], band="honest").plot(ax)
    ax.set_title(name)
figure.tight_layout()

# %% [markdown]
# ## The numbers
#
# The binned error with its 15 bins is what papers print. It is never 0, not even for a calibrated model, because the
# scatter within bins adds up; the debiased one takes that away, and may come out as 0. The smooth error needs no bins.
# The interval of a binned error is reflected and cut off at 0: it says how large the error is, and is no test.

# %%
for name, p in prob.items():
    p = p[~half]
    binned = expected_calibration_error(y_test, p)
    debiased = expected_calibration_error(y_test, p, debias=True)
    smooth = smooth_calibration_error(y_test, p)
    interval = BinnedCalibrationError().fit(p, y_test).interval(rng=0)
    print(
        f"{name:>6}: binned {binned:.3f} [{interval.lower:.3f}, {interval.upper:.3f}], debiased {debiased:.3f}, "
        f"smooth {smooth:.3f}"
    )

# %% [markdown]
# What the log score of the confidence is made of: what recalibration could save (miscalibration), what the confidence
# knows (discrimination), and what nobody who only knows the accuracy could do without (uncertainty).

# %%
for name, p in prob.items():
    print(name, score_decomposition(y_test, p[~half]), sep="\n")

# %% [markdown]
# ## Could it be chance?
#
# If the probabilities were right, labels drawn from them would show as large an error as often as the p-value says.
# The test is exact at any number of rows.

# %%
for name, p in prob.items():
    print(f"{name:>6}: {calibration_test(y_test, p[~half], rng=0)}")

# %% [markdown]
# ## Recalibrate
#
# Each map is learned on one half of the outputs and judged on the other, by the log loss (which punishes false
# certainty) and the smooth error. The interval of the gain is paired: the same rows, before and after.


# %%
def row_loss(p):
    """Return the log loss of each row; a probability of 0 counts as one in a million."""
    return -np.log(np.maximum(p[np.arange(len(y_test)), y_test], 1e-6))


CALIBRATORS = {
    "temperature": TemperatureScaling(),
    "vector scaling": DirichletCalibration(structure="diagonal"),
    "isotonic": IsotonicCalibration(),
    "Venn-Abers": VennAbersCalibration(),
}
recalibrated = {}
print(f"{'model':>6}  {'map':>14}  {'log loss':>8}  {'gain, 95 % interval':>24}  {'smooth error':>12}")
for name, p in prob.items():
    before = row_loss(p[~half])
    print(
        f"{name:>6}  {'none':>14}  {before.mean():8.3f}  {'':>24}  {smooth_calibration_error(y_test, p[~half]):12.3f}"
    )
    for label, calibrator in CALIBRATORS.items():
        q = calibrator.fit(p[half], y_fit).predict_proba(p[~half])
        recalibrated[name, label] = q
        gain = estimate_difference(before, row_loss(q))
        low, high = gain.conf_int()
        text, error = f"{gain.estimate:+.3f} [{low:+.3f}, {high:+.3f}]", smooth_calibration_error(y_test, q)
        print(f"{name:>6}  {label:>14}  {row_loss(q).mean():8.3f}  {text:>24}  {error:12.3f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 5))
for ax, name in zip(axes, prob, strict=True):
    reliability_curve(y_test, recalibrated[name, "temperature"], band="honest").plot(ax)
    ax.set_title(f"{name}, after temperature scaling")
figure.tight_layout()

# %% [markdown]
# One number, the temperature, is all that the forest needs: below 1 it says out loud what the forest did not dare to
# say. For naive Bayes it takes a temperature above 20 to stop the worst boasts; the log loss falls by half, and the
# confidence is as far off as before. What is wrong there differs from digit to digit, and takes a map with more
# freedom. No map of this kind is safe to choose on the rows that judge it: here each was learned on the other half.

# %%
for name, p in prob.items():
    print(f"{name:>6}: temperature {TemperatureScaling().fit(p[half], y_fit).temperature_:.2f}")

# %% [markdown]
# ## When to hold an answer back
#
# Sort by confidence and answer only the surest: how often is one wrong? The curve depends on the order of the rows
# alone, which is another quality than calibration: naive Bayes, which is sure of nearly everything, hardly knows its
# errors. The area under the curve is averaged over all orders of tied confidences.

# %%
figure, ax = plt.subplots(figsize=(6, 4))
for name, p in prob.items():
    p = p[~half]
    correct, confidence = p.argmax(axis=1) == y_test, p.max(axis=1)
    curve = risk_coverage_curve(correct, confidence)
    ax.plot(curve.x, curve.y, label=name)
    area = estimate_metric(aurc, correct.astype(float), confidence, n_resamples=999, rng=0)
    print(f"{name:>6}: wrong {1 - correct.mean():.3f}; area {area:.4f}")
ax.set(xlabel="share of rows answered, surest first", ylabel="share of them wrong")
ax.legend(frameon=False)
figure.tight_layout()
print(f"log loss of the forest by scikit-learn: {log_loss(y_test, prob['forest'][~half]):.3f}")

if "__file__" in globals():  # run as a script: the last picture goes into a file
    path = Path(__file__).resolve().parents[1] / "build" / "confidence.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    print(f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path} written")
