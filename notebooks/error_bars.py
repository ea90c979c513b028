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
#
# One rule holds in all tables: an interval that is infinite has said nothing, so it is *not* counted as covering, and
# its share is printed. It happens where all scores came out the same, and where so few differ that the resamples cannot
# reach the level.

# %%
import warnings
from pathlib import Path

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

warnings.simplefilter("ignore", SmallSampleWarning)  # small samples are what this is about
warnings.simplefilter("ignore", InfiniteBoundWarning)  # counted and printed instead

N_RESAMPLES = 9999  # the library's default: with fewer, skewed scores run out of resamples before the level is reached

# %% [markdown]
# ## Right or wrong: no simulation needed
#
# For 0/1 scores the coverage can be summed exactly over all counts. Each cell is the coverage of a nominal 95 %
# interval at accuracy p; the last column is the largest probability, over these p, of an infinite interval.

# %%
PROPORTIONS = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


def exact_coverage(n, method):
    """Sum the binomial law over the counts whose interval is finite and covers p, and over those with an infinite."""
    counts = np.arange(n + 1)
    ends = np.empty((n + 1, 2))
    for k in counts:
        scores = np.repeat([1, 0], [k, n - k])
        ends[k] = list(estimate_mean(scores, method=method, n_resamples=N_RESAMPLES, rng=0).conf_int())
    p = PROPORTIONS[:, None]
    infinite = np.isinf(ends).any(axis=1)
    inside = (ends[:, 0] <= p) & (p <= ends[:, 1]) & ~infinite
    probability = stats.binom.pmf(counts, n, p)
    return (probability * inside).sum(axis=1), (probability * infinite).sum(axis=1)


print(f"{'n':>3} {'method':<16}" + "".join(f"  p={p:<5}" for p in PROPORTIONS) + "  worst  infinite")
for n in (10, 20, 50):
    for method in ("t", "bootstrap", "wilson", "beta", "clopper_pearson"):
        coverage, infinite = exact_coverage(n, method)
        cells = "".join(f"  {c:<7.3f}" for c in coverage)
        print(f"{n:>3} {method:<16}{cells}  {coverage.min():.3f}  {infinite.max():.3f}")

# %% [markdown]
# At p = .98 and n = 10 all ten answers are right in 82 % of the evaluations. Nothing varies then: the textbook t
# interval has width zero, which is wrong; here t and the bootstrap are infinite and say so. Either way fewer than one
# evaluation in five ends with an interval that covers. Of the five methods only the exact one (`clopper_pearson`) never
# falls below .95; Wilson and beta lie above it at some p and below it at others.
#
# ## Graded scores: skewed, small, bounded

# %%
LAWS = {
    "uniform": (lambda rng, n: rng.random(n), 0.5),
    "beta(.2, 2)": (lambda rng, n: rng.beta(0.2, 2, n), 0.2 / 2.2),
    "5 % ones": (lambda rng, n: np.where(rng.random(n) < 0.05, 1.0, 0.2), 0.24),
    "normal, clipped": (lambda rng, n: np.clip(rng.normal(0.5, 0.1, n), 0, 1), 0.5),
}
METHODS = {"t": {}, "bootstrap": {"n_resamples": 3999}, "betting": {"bounds": (0, 1)}}


def simulated(draw, truth, method, reps, **arguments):
    """Repeat the evaluation; return coverage, median width and the share of infinite intervals.

    `draw` gives the scores, and the clusters they come from (or None).
    """
    rng = np.random.default_rng(7)
    ends = np.empty((reps, 2))
    for i in range(reps):
        scores, groups = draw(rng)
        ends[i] = list(estimate_mean(scores, groups, method=method, rng=1, **arguments).conf_int())
    finite = np.isfinite(ends).all(axis=1)
    covered = finite & (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return covered.mean(), np.median(np.diff(ends[finite]) if finite.any() else np.inf), 1 - finite.mean()


def cell(coverage, width, infinite):
    """Write one cell: coverage, median width of the finite intervals, and the infinite ones if there are any."""
    return f"{coverage:.3f} {width:.3f} " + (f"({infinite:.0%} inf)" if infinite else "").ljust(11)


REPS = 250
print("coverage, median width of the finite intervals, share of infinite ones")
print(f"{'n':>3} {'law':<16}" + "".join(f"  {m:<23}" for m in METHODS))
for n in (10, 20, 50):
    for law, (draw, truth) in LAWS.items():
        cells = [simulated(lambda rng: (draw(rng, n), None), truth, m, REPS, **a) for m, a in METHODS.items()]  # noqa: B023
        print(f"{n:>3} {law:<16}" + "".join(f"  {cell(*c)}" for c in cells).rstrip())

# %% [markdown]
# The bet pays with width where scores are well-behaved: on uniform scores it is a tenth to a fifth wider than t, on the
# clipped normal ones two to three times as wide at n = 10 and 20. It holds where the others fail, on skewed scores: on
# beta(.2, 2), mostly near 0 and now and then not, t and the bootstrap fall short at n = 10 and 20. Where one score in
# twenty is 1 and all others are equal, most samples of ten have not seen a single 1; t and the bootstrap are infinite
# then, and the bet has an answer. The bootstrap also falls short on ten clipped normal scores.
#
# ## Clusters: the error that looks like precision
#
# Several questions on each text, and the model understands some texts and not others. Twice: first every text brings
# five questions with graded answers, and what the model makes of a text varies symmetrically around .5. Then the texts
# bring very unequal numbers of questions, which are answered right or wrong, and most texts are answered well (.8 on
# average) but some not at all.


# %%
def alike(rng, n_texts):
    """Five questions on each text, scores in [0, 1]."""
    groups = np.repeat(np.arange(n_texts), 5)
    return np.clip(rng.beta(2, 2, n_texts)[groups] + rng.uniform(-0.2, 0.2, len(groups)), 0, 1), groups


def unequal(rng, n_texts):
    """Between one and some thirty questions on each text, right or wrong; how many says nothing about the text."""
    groups = np.repeat(np.arange(n_texts), np.ceil(rng.lognormal(1, 1, n_texts)).astype(int))
    return (rng.random(len(groups)) < rng.beta(0.8, 0.2, n_texts)[groups]).astype(float), groups


def rows_only(draw):
    """Forget which text a question came from."""
    return lambda rng: (draw(rng)[0], None)


MORE = 500
print(
    f"coverage (noise of the counts: up to {2 * np.sqrt(0.8 * 0.2 / MORE):.3f}), median width, share of infinite ones"
)
print(f"{'texts':<8} {'number':>6}" + "".join(f"  {m:<23}" for m in ("t (rows)", "cluster", "bootstrap", "betting")))
for name, law, truth in (("alike", alike, 0.5), ("unequal", unequal, 0.8)):
    for n_texts in (5, 10, 20, 50):

        def draw_texts(rng, law=law, n_texts=n_texts):
            """One evaluation."""
            return law(rng, n_texts)

        cells = [
            simulated(rows_only(draw_texts), truth, "t", MORE),
            simulated(draw_texts, truth, "cluster", MORE),
            simulated(draw_texts, truth, "bootstrap", MORE, n_resamples=999),
            simulated(draw_texts, truth, "betting", MORE, bounds=(0, 1)),
        ]
        print(f"{name:<8} {n_texts:>6}" + "".join(f"  {cell(*c)}" for c in cells).rstrip())

# %% [markdown]
# Rows taken for independent miss one time in three or more, whatever the number of texts. With texts that are alike the
# cluster error is where it should be, within the noise, from five texts on. With unequal and skewed ones it is not: it
# covers about .8 with five texts and still no more than about .9 with fifty. So there is no number of clusters from
# which on it can be believed blindly; the warning below 20 marks the worst of it, and silence above 20 is no promise.
# The bet keeps its level in every row, at up to twice the width of the cluster error.
#
# ## And on real outputs?
#
# The mean Brier score of a tumour classifier on 569 patients is known here: it is the mean of the file. Small
# evaluations are drawn from it, as if only 40 patients had been labelled, and each interval is asked whether it found
# the truth.

# %%
X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LogisticRegression())
prob = cross_val_predict(model, X, y, cv=5, method="predict_proba")[:, 1]
brier = (prob - y) ** 2  # a graded score: mostly tiny, rarely near one
truth = brier.mean()
rng = np.random.default_rng(3)
samples = rng.choice(brier, (REPS, 40))  # the same small evaluations for every method
intervals = {}
for method in METHODS:
    bounds = (0, 1) if method == "betting" else None
    ends = np.array([list(estimate_mean(s, bounds=bounds, method=method, rng=1).conf_int()) for s in samples])
    intervals[method] = ends
    infinite = np.isinf(ends).any(axis=1)
    share = estimate_mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]) & ~infinite)
    low, high = share.conf_int()
    print(
        f"{method:<10} covers in {share.estimate:.3f} of {REPS} [{low:.3f}, {high:.3f}], "
        f"median width {np.median(np.diff(ends)):.3f}, {infinite.sum()} infinite"
    )

# %%
SHOWN = 60
figure, axes = plt.subplots(1, 3, figsize=(10, 4), sharex=True, layout="constrained")
for ax, (method, ends) in zip(axes, intervals.items(), strict=True):
    ends = ends[:SHOWN]
    infinite = np.isinf(ends).any(axis=1)
    missed = ((ends[:, 0] > truth) | (ends[:, 1] < truth)) & ~infinite
    rows = np.arange(SHOWN)
    ax.hlines(rows[~infinite], *ends[~infinite].T, colors=np.where(missed, "#c0392b", "#1f4e79")[~infinite])
    ax.hlines(rows[infinite], -1, 1, colors="#bbbbbb", ls=":")  # an infinite interval runs through the whole panel
    ax.axvline(truth, color="#888888", ls="--")
    says_nothing = f", {int(infinite.sum())} infinite" if infinite.any() else ""
    ax.set(title=f"{method}: {int(missed.sum())} of {SHOWN} miss{says_nothing}", yticks=[], xlabel="mean Brier score")
shown = np.concatenate([ends[:SHOWN] for ends in intervals.values()])
axes[0].set(xlim=(shown[np.isfinite(shown)].min() - 0.01, shown[np.isfinite(shown)].max() + 0.01))
if "__file__" in globals():  # run as a script: the picture goes into a file
    path = Path(__file__).resolve().parents[1] / "build" / "error_bars.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    print(f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path} written")

# %% [markdown]
# Brier scores are of the skewed kind: most patients are easy, a few are badly wrong, and forty patients often hold none
# of those. So t misses more than one time in four, and most of its intervals reach below 0, where no Brier score can
# be; the bootstrap misses about one time in eight, and the bet not once, at nearly three times the width.
#
# `coverage_report` does such counting for any batch of intervals and outcomes, with the exact band around what was
# counted.

# %%
bets = intervals["betting"]
print(coverage_report(Interval(lower=bets[:, 0], upper=bets[:, 1], confidence_level=0.95), np.full(REPS, truth)))
