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
# # How many of these 100 drug-target predictions can I trust?
#
# A network has predicted how strongly drugs bind to their targets. For some pairs the laboratory knows the truth; 100
# new ones come in. Trust can mean several things, and each has its own answer: how many of the 100 intervals hold;
# which pairs can be said to bind, with at most so many false claims, or with so small a share of them; which
# yes-or-no answers can be taken as they are. Nothing is assumed about the network or about the law of its errors: old
# pairs and new ones must be exchangeable (for the last question, independent draws of one law).
#
# The predictions are those of a published study, in a file that may not be handed on and does not come with this
# package. Where it is missing, a regression that scikit-learn's diabetes data allow stands in: 100 patients instead of
# 100 pairs, "progresses beyond 150" instead of "binds". The first line printed says which of the two it is. All tables
# and pictures below work on either; the text claims nothing that holds on one of them alone.

# %%
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import false_discovery_control
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV

from conformal import BatchSelector, RankLaw, RiskControl, SimultaneousConformal, SplitConformal, conformal_p_values
from uq import read_outputs
from uq.exceptions import InfiniteBoundWarning

# as a script: this clone, wherever it is called from; in Jupyter the notebook's folder is the working directory
HERE = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
ROOT = HERE.parent if HERE.name == "notebooks" else HERE
FILE = ROOT.parent / "shared" / "data" / "conformal" / "dti_batchpi.csv"
N_NEW = 100


def patients():
    """Train on 142 patients; return predictions and truth of the 300 others."""
    X, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, rest = order[:142], order[142:]
    return RidgeCV(np.logspace(-3, 1, 9)).fit(X[train], y[train]).predict(X[rest]), y[rest]


if FILE.exists():
    outputs = read_outputs(FILE, {"y_pred": "muhat", "y": "y"})
    y_pred, y = outputs["y_pred"], outputs["y"]
    N_OLD, CUT, MOST_FALSE, RISK = 2000, 7.0, (0, 3, 5), 0.1
    WHAT, OUTCOME, CLAIM = "drug-target pairs", "binding affinity", "binds (affinity above 7)"
else:
    y_pred, y = patients()
    N_OLD, CUT, MOST_FALSE, RISK = 200, 150.0, (3, 5, 10), 0.2
    WHAT, OUTCOME, CLAIM = "patients", "disease progression", "progresses beyond 150"
    print("The drug-target file is not here: patients of scikit-learn's diabetes data stand in.")
print(f"{len(y):,} {WHAT} with predictions and truth: {N_OLD:,} are taken as old, {N_NEW} as new.")
print(f"A claim is: it {CLAIM}. True of {np.mean(y > CUT):.0%} of all {WHAT}.")


def split(seed):
    """Return (y_pred, y) of the old rows and of the new ones, no row in both."""
    rows = np.random.default_rng(seed).permutation(len(y))[: N_OLD + N_NEW]
    old, new = rows[:N_OLD], rows[N_OLD:]
    return (y_pred[old], y[old]), (y_pred[new], y[new])


old, (new_pred, new_y) = split(0)

# %% [markdown]
# ## How many of the 100 intervals hold?
#
# `SplitConformal` gives each new row an interval that holds with probability 90 %. That is a promise about one row.
# About a hundred of them together it says little: whether 90 hold is a toss-up. `SimultaneousConformal` is asked for
# the batch: 90 of these 100, with probability 90 %. Its intervals are wider, and as wide as that takes.

# %%
INTERVALS = {
    "each row by itself": SplitConformal(),
    "90 of the 100": SimultaneousConformal(coverage=0.9),
    "95 of the 100": SimultaneousConformal(coverage=0.95),
}
for name, make in INTERVALS.items():
    interval = make.fit(*old).predict_interval(new_pred)
    half = interval.width[0] / 2
    print(f"{name:<18}: +-{half:.3g} around each prediction; {interval.contains(new_y).sum()} of {N_NEW} hold here")

# %% [markdown]
# That was one batch. The promises are about how often, so they are counted: a thousand times other rows are old and
# others new. The law of the ranks says what the counts must come to.

# %%
REPS = 1000
law = RankLaw(N_OLD, N_NEW)
# the interval is as wide as the calibration error of this rank, among the N_OLD + 1 places of a new one
ranks = {name: law.order_statistic_rank(k, 0.9) for name, k in (("90 of the 100", 90), ("95 of the 100", 95))}
ranks = {"each row by itself": -(-9 * (N_OLD + 1) // 10), **ranks}
held = {name: [] for name in INTERVALS}
for seed in range(REPS):
    known, (pred, truth) = split(seed)
    for name, make in INTERVALS.items():
        held[name].append(int(make.fit(*known).predict_interval(pred).contains(truth).sum()))
held = {name: np.array(counts) for name, counts in held.items()}

print(f"{'intervals for':<18}  {'at least':>8}  {'counted':>7}  {'by the law':>10}  {'mean share that holds':>21}")
for name, counts in held.items():
    k = 95 if name.startswith("95") else 90
    exact = law.attained_level(k, ranks[name])
    print(f"{name:<18}  {k:>8}  {np.mean(counts >= k):7.3f}  {exact:10.4f}  {counts.mean() / N_NEW:21.3f}")

# %%
figure, ax = plt.subplots(figsize=(7, 4))
at_least = np.arange(75, N_NEW + 1)
for color, (name, counts) in zip(("0.5", "C0", "C1"), held.items(), strict=True):
    ax.plot(at_least, [law.attained_level(k, ranks[name]) for k in at_least], color=color, label=name)
    ax.plot(at_least, [np.mean(counts >= k) for k in at_least], ".", color=color)
ax.axhline(0.9, color="k", lw=0.8, ls=":")
ax.set_xlabel(f"k: intervals that hold, of {N_NEW}")
ax.set_ylabel("probability of k or more")
ax.set_title("Lines: exact law. Dots: 1,000 batches.")
ax.legend(frameon=False, title="intervals for", loc="lower left")
figure.tight_layout()

# %%
trusted = {}
for name, rank in ranks.items():
    trusted[name] = max(k for k in range(1, N_NEW + 1) if law.attained_level(k, rank) >= 0.9)
    print(f"intervals for {name}: with probability 90 %, {trusted[name]} of the {N_NEW} can be trusted")

# %% [markdown]
# Intervals for each row by itself hold for 90 rows of 100 *on average*, and that 90 of them do is little better than a
# coin toss, by the law as by the count. Of those for the batch, 90 hold nine times in ten.
#
# ## Which of them can I act on?
#
# Now the pairs are to be followed up, and a false claim costs a year in the laboratory. `BatchSelector` picks rows such
# that at most so many of the claims among them are false, with probability 90 %. More claims are possible where more
# of them may be false.

# %%
LEVEL = 0.9
for most in MOST_FALSE:
    selection = BatchSelector(CUT, LEVEL, most).fit(*old).select(new_pred)
    false = int((new_y[selection.mask] <= CUT).sum())
    claimed = f"{selection.n_selected:>2} claims, where the prediction exceeds {selection.threshold:.4g}"
    print(f"at most {most:>2} false: {claimed}; {false} of them are false here")

# %% [markdown]
# The companion that is used more often controls the *false discovery rate*: the share of false ones among the claims
# is below a target on average over batches. A conformal p-value per row, and SciPy's procedure of Benjamini and
# Hochberg on top. In a single batch the share can be anything. Both are counted on the same thousand batches.

# %%
RATES = (0.1, 0.2)


def claims(known, pred):
    """Return {name: mask of the claims}; an old row whose claim is true speaks for no false one and scores -inf."""
    selectors = {f"at most {most} false": BatchSelector(CUT, LEVEL, most) for most in MOST_FALSE}
    found = {name: selector.fit(*known).select(pred).mask for name, selector in selectors.items()}
    scores = np.where(known[1] <= CUT, known[0], -np.inf)
    p = conformal_p_values(calibration_scores=scores, test_scores=pred)
    return found | {f"rate below {rate:g}": false_discovery_control(p) <= rate for rate in RATES}


tally = {}
for seed in range(REPS):
    known, (pred, truth) = split(seed)
    for name, mask in claims(known, pred).items():
        false = int((truth[mask] <= CUT).sum())
        tally.setdefault(name, []).append((mask.sum(), false))
columns = ("claims", "true", "mean share false", "more false than promised", "by the law")
print(f"{'promise':<16}  " + "  ".join(f"{column:>{len(column)}}" for column in columns))
for name, pairs in tally.items():
    made, false = np.array(pairs).T
    share = np.mean(false / np.maximum(made, 1))
    cells = [f"{made.mean():.1f}", f"{(made - false).mean():.1f}", f"{share:.3f}", "", ""]
    if name.startswith("at most"):
        most = int(name.split()[2])
        k = N_NEW - most
        exact = 1 - law.attained_level(k, law.order_statistic_rank(k, LEVEL))
        cells[3:] = f"{np.mean(false > most):.3f}", f"{exact:.4f}"
    else:
        cells[3] = f"{np.mean(false > float(name.split()[2]) * np.maximum(made, 1)):.3f}"
    print(f"{name:<16}  " + "  ".join(f"{c:>{len(column)}}" for c, column in zip(cells, columns, strict=True)).rstrip())

# %% [markdown]
# Of the last two columns the first counts, the second is what the law says. More false claims than promised happen in
# no more than a tenth of the batches. The rate is kept on average, and overshot in a third of the batches and more: it
# is a promise about many batches, not about this one. Which of the two is wanted depends on who pays for false claims.

# %%
most = MOST_FALSE[-1]
selection = BatchSelector(CUT, LEVEL, most).fit(*old).select(new_pred)
figure, ax = plt.subplots(figsize=(7, 4))
true, chosen = new_y > CUT, selection.mask
for mask, color, label in (
    (~chosen, "0.75", "no claim"),
    (chosen & true, "C0", "claim, true"),
    (chosen & ~true, "C3", "claim, false"),
):
    ax.plot(new_pred[mask], new_y[mask], "o", ms=5, color=color, label=f"{label}: {mask.sum()}")
ax.axhline(CUT, color="k", lw=0.8, ls=":")
ax.axvline(selection.threshold, color="k", lw=0.8)
ax.set_xlabel(f"predicted {OUTCOME}; the line is what a prediction must exceed")
ax.set_ylabel(f"{OUTCOME}; dotted: the cut-off")
ax.set_title(f"{selection.n_selected} of {N_NEW} claims, at most {most} false with probability {LEVEL:.0%}")
ax.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# ## Which yes-or-no answers can I take as they are?
#
# Every prediction also answers yes or no: above the cut-off or not. The farther it lies from the cut-off, the surer the
# answer should be. `RiskControl` finds the distance from which on the share of wrong answers is below a target, with
# probability 95 % over the old rows. It needs one assumption more than the others: what it takes in later is no better
# than what it has taken in already, so that the curve rises. Look at it. A few answers at its left end say little;
# where it falls over a longer stretch the surest answers are not the best, and the promise must be counted.

# %%
control = RiskControl(target=RISK).fit(abs(old[0] - CUT), (old[0] > CUT) == (old[1] > CUT))
accepted = control.select(abs(new_pred - CUT))
wrong = (new_pred > CUT) != (new_y > CUT)
print(accepted)
print(
    f"all {N_NEW} answers: {wrong.sum()} wrong; the {accepted.n_selected} accepted: {wrong[accepted.mask].sum()} wrong"
)

figure, ax = plt.subplots(figsize=(7, 4))
ax.plot(control.n_accepted_ / N_OLD, control.risks_, color="C0")
ax.axhline(RISK, color="k", lw=0.8, ls=":")
if np.isfinite(control.threshold_):
    here = np.flatnonzero(control.thresholds_ == control.threshold_)[0]
    ax.plot(control.n_accepted_[here] / N_OLD, control.risks_[here], "o", color="C0")
    ax.set_title(f"Answers farther than {control.threshold_:.3g} from the cut-off can be taken (the dot)")
ax.set_xlabel("share of the old answers accepted, surest first")
ax.set_ylabel("share of wrong ones among them")
ax.text(0.01, RISK, "target", va="bottom", transform=ax.get_yaxis_transform())
figure.tight_layout()

# %% [markdown]
# So it is counted. Take all rows for the whole population: then the risk of every rule is known. Old rows are drawn
# from it with replacement, again and again.

# %%
warnings.simplefilter("ignore", InfiniteBoundWarning)  # no distance passes: counted instead
confidence, correct = abs(y_pred - CUT), (y_pred > CUT) == (y > CUT)
risks, taken, DRAWS = [], [], 400
for seed in range(DRAWS):
    rows = np.random.default_rng(seed).integers(len(y), size=N_OLD)
    mask = RiskControl(target=RISK).fit(confidence[rows], correct[rows]).select(confidence).mask
    taken.append(mask.mean())
    risks.append(1 - correct[mask].mean() if mask.any() else 0.0)
risks, taken = np.array(risks), np.array(taken)
print(f"all answers: {1 - correct.mean():.3f} are wrong")
print(f"of those accepted, mean of {DRAWS} draws: {risks[taken > 0].mean():.3f} (target {RISK:g})", end="; ")
print(f"{taken.mean():.0%} of all answers are accepted")
print(f"risk above the target in {np.mean(risks > RISK):.3f} of the draws (allowed .05); ", end="")
print(f"nothing accepted in {np.mean(taken == 0):.3f}")

# %% [markdown]
# On average the accepted answers are better than the target: that is the price of being sure.
#
# ## So, how many?
#
# For the first batch. Each line keeps its promise by itself; to read all and keep the one that pleases most is to keep
# none: decide on the question first.

# %%
rows = [(f"each row's own 90 % interval holds for this many of the {N_NEW}", trusted["each row by itself"], "90 %")]
rows.append((f"intervals for the batch hold for this many of the {N_NEW}", trusted["90 of the 100"], "90 %"))
for most in MOST_FALSE:
    count = BatchSelector(CUT, LEVEL, most).fit(*old).select(new_pred).n_selected
    rows.append((f"it {CLAIM}, at most {most} false", count, "90 %"))
found = claims(old, new_pred)
for rate in RATES:
    rows.append((f"it {CLAIM}, false discovery rate {rate:g}", found[f"rate below {rate:g}"].sum(), "on average"))
rows.append((f"yes or no, risk below {RISK:g}", accepted.n_selected, "95 %"))
for text, count, promise in rows:
    print(f"{count:>4}  {text:<70}  {promise}")
