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
# # How many samples is this question worth?
#
# A model that is asked again may be right the second time. So people draw ten answers, or ten thousand, and report that
# one of them was right. What does one more sample buy, who picks the right one, and where does it stop to pay?
#
# The questions here are 200 of scikit-learn's digits. The model sees the upper three rows of pixels and draws its
# answers from its own probabilities, as a language model does at a temperature. What is left of the run is a table of
# counts: 60 answers per question, and how many of them were right.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from uq.sampling import (
    CoverageCurve,
    allocate_samples,
    majority_at_k,
    pass_all_k,
    pass_at_k,
    stopping_rule,
    verified_sampling,
    verified_sampling_from_counts,
)

images, digits = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
order = rng.permutation(len(digits))
images, digits = images[order] / 16, digits[order]
train, check, ask = slice(0, 300), slice(300, 600), slice(600, 800)

model = LogisticRegression(C=0.3, max_iter=1000).fit(images[train, :24], digits[train])
p = model.predict_proba(images[ask, :24]) ** 2.5
p /= p.sum(axis=1, keepdims=True)  # a temperature of .4
truth, n = digits[ask], 60
answers = np.array([rng.choice(10, size=n, p=row) for row in p])
right = answers == truth[:, None]
n_correct = right.sum(axis=1)
print(f"right answers among {n}, first questions: {n_correct[:15].tolist()}")

# %% [markdown]
# ## One of k right, all of k right, most of k right
#
# Three things that go by the name of "accuracy with k samples". Each is estimated without bias from the 60 answers that
# are there, and its interval is over questions: with other questions the numbers would have been others. For more
# samples than there are, no estimate exists, and asking for one is an error.

# %%
ks = np.array([1, 2, 4, 8, 16, 32, 60])
curves = {
    "one of k": pass_at_k(n_correct, n, ks),
    "most of k": majority_at_k(answers, truth, k=ks),
    "all of k": pass_all_k(n_correct, n, ks),
}
figure, ax = plt.subplots(figsize=(6, 4))
for name, found in curves.items():
    low, high = found.conf_int()
    (line,) = ax.plot(ks, found.estimate, "o-", markersize=3, label=name)
    ax.fill_between(ks, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
ax.set(xscale="log", xlabel="samples k", ylabel="share of questions", ylim=(0, 1))
ax.legend()
plt.show()
print(pass_at_k(n_correct, n, 8))

# %% [markdown]
# ## What would a thousand samples bring?
#
# A curve through the counts goes on where the samples end. Held against what is known here and never in practice, the
# model's own probabilities: fitted to the first 10 answers of each question, it says what 1,000 would bring. Beyond the
# data the interval holds only if the shape is right, and a warning says so; it is caught here to be printed.

# %%
few = right[:, :10].sum(axis=1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    curve = CoverageCurve("beta_binomial", random_state=0).fit(few, 10)
    far = np.array([10, 60, 200, 1000])
    said, interval = curve.predict(far), curve.predict_interval(far)
print(caught[-1].message)
rates = p[np.arange(len(p)), truth]
for k, value, low, high in zip(far, said, *interval, strict=True):
    true = (1 - (1 - rates) ** k).mean()
    print(f"k = {k:4d}: said {value:.3f} [{low:.3f}, {high:.3f}], true for these questions {true:.3f}")

# %% [markdown]
# ## The trap of stopping at a success
#
# Drawing until an answer is right saves money, and spoils the usual estimate: each question now ends on a success. The
# counts look the same, so the rule has to be told.

# %%
first = np.where(right.any(axis=1), right.argmax(axis=1) + 1, n)
solved = right.any(axis=1).astype(int)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    naive = pass_at_k(solved, first, 1)
print(caught[0].message)
told = pass_at_k(solved, first, 1, sampling="inverse", target=1, cap=n)
print(f"true {rates.mean():.3f}; as if the number had been fixed {naive.estimate:.3f}; told the rule {told}")

# %% [markdown]
# ## Who picks the right one?
#
# Someone has to notice that an answer is right. Here a small decision tree looks at the whole image, a fresh one of 200
# for every answer, and accepts the answer if it reads the same digit. It errs, so further samples also bring wrong
# answers that it accepts. With a price on those, more samples are worse from some point on, and no number of them takes
# the accuracy over its ceiling.

# %%
forest = RandomForestClassifier(200, max_depth=6, random_state=0).fit(images[check], digits[check])
reads = np.array([tree.predict(images[ask]) for tree in forest.estimators_]).astype(int)
verdict = reads[rng.integers(200, size=answers.shape), np.arange(len(answers))[:, None]]
accepted = answers == verdict
figure, ax = plt.subplots(figsize=(6, 4))
for penalty in (0, 1, 2):
    worth = verified_sampling_from_counts(
        n_accepted_correct=(accepted & right).sum(axis=1),
        n_accepted=accepted.sum(axis=1),
        n_trials=n,
        penalty=penalty,
        cost=0.002,
        n_resamples=999,
        rng=0,
    )
    value = worth.value
    (line,) = ax.plot(value.x, value.y, label=f"a wrong answer costs {penalty}: stop after {worth.best_attempts}")
    ax.fill_between(value.x, value.lower, value.upper, color=line.get_color(), alpha=0.15, linewidth=0)
ax.axhline(0, color="0.5", linewidth=1)
ax.set(xlabel="attempts allowed", ylabel="value per question")
ax.legend()
plt.show()

completeness = accepted[right].mean()
soundness = 1 - accepted[~right].mean()
print(f"the verifier accepts {completeness:.0%} of right answers and rejects {soundness:.0%} of wrong ones")
known = verified_sampling(
    rates, completeness=completeness, soundness=soundness, penalty=1, cost=0.002, max_attempts=1000
)
print(f"best to allow {known.best_attempts} attempts; accuracy never above {known.ceiling:.3f}")

# %% [markdown]
# ## Where to spend the budget
#
# If the rates were known, which questions deserve the next sample? Not the easy ones, which are solved, and not the
# hopeless ones. And if they are not known, when to give up on one: the fitted curve is a prior over rates, each failure
# moves it down, and at some point the next sample is worth less than it costs.

# %%
spent = allocate_samples(rates, budget=2000)
even = (1 - (1 - rates) ** 10).mean()
print(f"2,000 samples, ten each: {even:.3f} of the questions; shared out: {spent.expected_solved / len(rates):.3f}")
most, least = np.argmax(spent.n_samples), np.argmin(rates)
print(f"most, {spent.n_samples[most]}, go to a question of rate {rates[most]:.3f}")
print(f"the hardest, of rate {rates[least]:.0e}, gets {spent.n_samples[least]}")
for cost in (0.1, 0.03, 0.01):
    rule = stopping_rule(curve.a_, curve.b_, value=1, cost=cost)
    print(f"a sample costs {cost:.0%} of a right answer: give up after {rule.max_attempts:.0f}")
