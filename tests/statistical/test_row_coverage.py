"""How many rows of a batch are covered: the published simulation's levels in closed form, and by a lighter one.

200 calibration rows, batches of 100, 90 of which are to be covered (arXiv:2409.13990, section 4.1).
"""

import numpy as np
import pytest
from contracts import require_data
from scipy import stats

from conformal import SimultaneousConformal, SplitConformal
from conformal._order_law import order_cdf
from conformal._simultaneous import BatchLaw
from conformal._split import RowLaw

N, M, K = 200, 100, 90
# level of the batch, None for each row by itself: P(at least 90 of 100 are covered), mean coverage
TABLE = {None: (0.5876, 0.9005), 0.9: (0.9020, 0.9353), 0.95: (0.9507, 0.9453), 0.99: (0.9935, 0.9652)}
BAND = 1e-5


def rank(level):
    return RowLaw(0.9).kept(N) if level is None else BatchLaw(M, K, level).kept(N)


@pytest.mark.parametrize("level", TABLE)
def test_the_table_in_closed_form(level):
    held, mean = TABLE[level]
    kept = rank(level)
    assert order_cdf(N, M, K, kept) == pytest.approx(held, abs=5e-5)
    assert kept / (N + 1) == pytest.approx(mean, abs=5e-5)
    # the same from SciPy: at least 90 of the new rows among the kept + 89 lowest of all
    assert stats.hypergeom.sf(K - 1, N + M, M, kept + K - 1) == pytest.approx(held, abs=5e-5)
    if level is not None:
        assert stats.hypergeom.sf(K - 1, N + M, M, kept + K - 2) < level, "the least rank that will do"


def estimator(level, score="absolute"):
    return SplitConformal(score) if level is None else SimultaneousConformal(score, level, 0.9)


def covered_rows(make, reps, seed, score="absolute"):
    """Return how many rows of each batch are covered, and an answer."""
    rng = np.random.default_rng(seed)
    counts, answer = [], None
    for _ in range(reps):
        y_pred = rng.normal(size=N + M)
        spread = rng.uniform(0.5, 2, N + M)
        y = y_pred + spread * rng.normal(size=N + M)
        outputs, extra = y_pred, [{}, {}]
        if score == "quantile":
            outputs = np.column_stack([y_pred - 1.2 * spread, y_pred + spread])
        if score == "normalized":
            extra = [{"y_std": spread[:N]}, {"y_std": spread[N:]}]
        answer = make.fit(outputs[:N], y[:N], **extra[0]).predict_interval(outputs[N:], **extra[1])
        counts.append(int(answer.contains(y[N:]).sum()))
    return np.array(counts), answer


def judge(counts, held, mean, rows=M):
    reps = len(counts)
    hits = int((counts >= K).sum())
    assert stats.binom.cdf(hits, reps, held) > BAND, f"{hits} of {reps} at {held:.4f}"
    assert stats.binom.sf(hits - 1, reps, held) > BAND, f"{hits} of {reps} at {held:.4f}"
    error = counts.std(ddof=1) / rows / np.sqrt(reps)
    assert abs(counts.mean() / rows - mean) < stats.norm.isf(BAND) * error


@pytest.mark.parametrize("level", TABLE)
def test_the_table_by_simulation(level):
    counts, answer = covered_rows(estimator(level), 1000, 3)
    held = order_cdf(N, M, K, rank(level))
    if level is not None:
        assert answer.attained_level == pytest.approx(held, abs=1e-12)
    judge(counts, held, rank(level) / (N + 1))


@pytest.mark.parametrize("score", ["signed", "normalized", "quantile"])
@pytest.mark.parametrize("level", [None, 0.9])
def test_other_scores_keep_the_same_promises(score, level):
    counts, answer = covered_rows(estimator(level, score), 600, 5, score)
    if score == "signed":  # as many gaps are dropped on both sides, so one more may be kept
        kept = N + 1 - 2 * ((N + 1 - rank(level)) // 2)
    else:
        kept = rank(level)
    assert answer.attained_level == pytest.approx(
        kept / (N + 1) if level is None else order_cdf(N, M, K, kept), abs=1e-12
    )
    judge(counts, order_cdf(N, M, K, kept), kept / (N + 1))


@pytest.mark.parametrize("score", ["lac", "aps"])
@pytest.mark.parametrize("level", [None, 0.9])
def test_sets_cover_as_many_rows_as_promised(score, level):
    """`aps` has ties by its nature, so that it may cover more; `lac` covers exactly as many."""
    rng = np.random.default_rng(9)
    counts, make = [], estimator(level, score)
    for _ in range(500):
        y_prob = rng.dirichlet([0.5, 1, 2], N + M)
        y = (y_prob.cumsum(axis=1) < rng.random((N + M, 1))).sum(axis=1)
        answer = make.fit(y_prob[:N], y[:N], classes=[0, 1, 2]).predict_set(y_prob[N:])
        counts.append(int(answer.contains(y[N:]).sum()))
    counts = np.array(counts)
    held, mean = order_cdf(N, M, K, rank(level)), rank(level) / (N + 1)
    if score == "lac":
        judge(counts, held, mean)
    else:
        assert stats.binom.cdf(int((counts >= K).sum()), len(counts), held) > BAND
        assert counts.mean() / M > mean - stats.norm.isf(BAND) * counts.std(ddof=1) / M / np.sqrt(len(counts))


def drug_target_predictions():
    """Return outcomes and predictions of the published drug-target data, which do not come with the package."""
    return np.loadtxt(require_data("conformal/dti_batchpi.csv"), delimiter=",", skiprows=1).T


@pytest.mark.parametrize(
    ("level", "held", "mean"), [(0.95, 0.9562, 0.9421), (0.9, 0.9045, 0.9321), (0.7, 0.7024, 0.9102)]
)
def test_drug_target_predictions_in_disjoint_splits(level, held, mean):
    """500 calibration rows and a batch of 100, no row in both; the levels are those of the closed form."""
    y, y_pred = drug_target_predictions()
    rng, counts, make, answer = np.random.default_rng(0), [], SimultaneousConformal("absolute", level, 0.9), None
    for _ in range(1000):
        rows = rng.choice(len(y), 600, replace=False)
        old, new = rows[:500], rows[500:]
        answer = make.fit(y_pred[old], y[old]).predict_interval(y_pred[new])
        counts.append(int(answer.contains(y[new]).sum()))
    assert answer.attained_level == pytest.approx(held, abs=5e-5)
    judge(np.array(counts), held, mean)


def test_strata_keep_their_promise_each():
    """One stratum has three times the noise: together it is covered too rarely, by itself as promised."""
    rng = np.random.default_rng(2)
    together, apart = [], []
    for _ in range(400):
        strata = np.where(rng.random(N + 40) < 0.3, "noisy", "quiet")
        y_pred = rng.normal(size=N + 40)
        y = y_pred + np.where(strata == "noisy", 3, 1) * rng.normal(size=N + 40)
        noisy = strata[N:] == "noisy"
        plain = SplitConformal().fit(y_pred[:N], y[:N]).predict_interval(y_pred[N:])
        own = SplitConformal().fit(y_pred[:N], y[:N], strata=strata[:N]).predict_interval(y_pred[N:], strata=strata[N:])
        together += plain.contains(y[N:])[noisy].tolist()
        apart += own.contains(y[N:])[noisy].tolist()
    assert np.mean(together) < 0.8
    assert 0.89 < np.mean(apart) < 0.93
