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
# # Noise or ignorance?
#
# A model says 50 : 50. Perhaps people disagree about this image, half of them saying three and half five, and the model
# knows it: that is noise, and no better model will help. Or everybody agrees, and the model cannot tell which of the
# two it is: that is ignorance, and the next thing to do is to look closer. The probability is the same.
#
# Two answers to the same question tell them apart. Under noise a second answer is as open as the first; under ignorance
# the second repeats the first. So a model is trained on pairs of answers and asked how often it expects the second to
# repeat the first: what goes beyond chance is what it does not know.
#
# Images are scikit-learn's digits. The model sees the upper half of each. Annotators see all of it, but they are drawn
# here, not hired, so that their disagreement is known exactly: half of them read 3 as 5, 5 as 3, and 8 as 9.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from uq.epistemic import (
    PairHeadClassifier,
    ScaledVariance,
    SecondOrderCalibration,
    decompose_samples,
    second_order_calibration_error,
    second_order_score,
    selective_answer,
)

images, digits = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
images, digits = images[order] / 16, digits[order]
seen = images[:, :32]  # the upper half

truth = np.eye(10)[digits]  # P(answer | image)
for digit, taken_for in ((3, 5), (5, 3), (8, 9)):
    truth[digits == digit] = (np.eye(10)[digit] + np.eye(10)[taken_for]) / 2
answers = rng.multinomial(2, truth)  # two annotators per image

train, calibrate, test = slice(0, 1000), slice(1000, 1350), slice(1350, None)
print("answers of the first images:", [np.repeat(np.arange(10), row).tolist() for row in answers[:6]])

# %% [markdown]
# ## A model of pairs
#
# A small network with a mixture head: it imagines up to eight kinds of image behind what it sees, each with its own
# probabilities. Two answers come from the same kind.

# %%
model = PairHeadClassifier(head="mixture", hidden=(64,), device="cpu", random_state=0).fit(seen[train], answers[train])
pairs = model.predict_pair(seen[test])
parts = pairs.decompose("gini")
p = truth[test]
error = ((pairs.marginal - p) ** 2).sum(axis=1)  # known here, never in practice
noise = 1 - (p**2).sum(axis=1)
by_digit = pd.DataFrame(
    {
        "digit": digits[test],
        "noise, true": noise,
        "noise, said": parts.aleatoric,
        "squared error, true": error,
        "ignorance, said": parts.epistemic,
    }
)
print(by_digit.groupby("digit").mean().round(2))

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4))
for ax, said, true in ((axes[0], "noise, said", "noise, true"), (axes[1], "ignorance, said", "squared error, true")):
    means = by_digit.groupby("digit")[[said, true]].mean()
    ax.scatter(means[true], means[said], s=0)
    for digit, row in means.iterrows():
        ax.annotate(str(digit), (row[true], row[said]), ha="center", va="center")
    ax.axline((0, 0), slope=1, color="0.5", linewidth=1)
    ax.set(xlabel=true, ylabel=said)
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Is it better than one number?
#
# The cheapest rival knows nothing of single images: it takes the same probabilities and says that the variance of
# p(y|x) is rho p (1 - p), with one rho that fits the pairs of the calibration images. Errors are estimated from pairs
# of answers, as they would be in practice. The calibration error does not see whether variances tell images apart; the
# score (a mean square, smaller is better) does.

# %%
proba = model.predict_proba(seen)
rho = ScaledVariance().fit(proba[calibrate], answers[calibrate])
rivals = {"pairs": pairs, f"rho = {rho.scale_:.2f}": rho.predict_pair(proba[test])}
for name, rival in rivals.items():
    found = second_order_calibration_error(answers[test], rival)
    print(
        f"{name:10s} error {found.error:.4f}, of which chance {found.noise_floor:.4f}; "
        f"score {second_order_score(answers[test], rival):.5f}"
    )

# %% [markdown]
# ## An interval for the probability itself
#
# If the pairs were calibrated, `pairs.interval()` would hold p(y|x). Nobody knows that they are.
# `SecondOrderCalibration` needs no such thing: from pairs of answers on images that did not train the model it finds
# the factor that makes the intervals hold for any model, with probability 95 % over those images.

# %%
calibrated = SecondOrderCalibration().fit(model.predict_pair(seen[calibrate]), answers[calibrate])
interval = calibrated.predict_interval(pairs, coverage=0.8)
top = pairs.marginal.argmax(axis=1)
print(f"factor {calibrated.factor_:.2f} (mean ratio in the sample {calibrated.ratio_:.2f})")
print(f"80 % intervals that hold p(y|x): {interval.contains(p[np.arange(len(p)), top]).mean():.0%}")
print(f"mean width {np.mean(interval.width):.2f}")

# %% [markdown]
# ## When to keep silent
#
# An answer that nobody would give is a hallucination. Here the model answers only where pairs say that at most 10 % of
# its answers can be such. The bound presumes calibrated pairs, which those of a network trained on 1,000 images are not
# quite: hold the bound against the share that was impossible.

# %%
for most in (1.0, 0.3, 0.1):
    said = selective_answer(pairs, most, "argmax")
    answered = said.answers >= 0
    impossible = p[np.flatnonzero(answered), said.answers[answered]] == 0
    print(
        f"allowed {most:4.0%}: answers {said.answered:4.0%}, bound {said.hallucination_bound:.3f}, "
        f"impossible {impossible.mean():.3f}"
    )

# %% [markdown]
# ## And an ensemble?
#
# Five networks, each trained on another resample of the same images, disagree where they have seen little, not where
# the upper half of an image does not tell. Their disagreement is a fraction of the error that is there.

# %%
single = []
for seed in range(5):
    member = PairHeadClassifier(head="dirichlet", hidden=(64,), device="cpu", random_state=seed)
    rows = np.random.default_rng(seed).choice(1000, 1000)
    single.append(member.fit(seen[rows], answers[rows]).predict_proba(seen[test]))
spread = decompose_samples(np.stack(single), kind="gini")
print(
    f"mean squared error {((np.mean(single, axis=0) - p) ** 2).sum(axis=1).mean():.3f}, "
    f"disagreement of the ensemble {spread.epistemic.mean():.3f}, ignorance by pairs {parts.epistemic.mean():.3f}"
)
