"""Conformal answers counted over every split of a small pool: any m of the n + m rows are the new ones."""

import warnings
from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from math import ceil

import numpy as np
import pytest
from test_conformal.enumeration import configurations

from conformal import BatchPredictor, SimultaneousConformal, SplitConformal
from conformal._order_law import order_cdf
from conformal._scores import BUILT_IN
from conformal._simultaneous import BatchLaw
from conformal._split import RowLaw
from uq.exceptions import InfiniteBoundWarning

REGRESSION = ("absolute", "signed", "normalized", "quantile", "own")
CLASSES = ("lac", "aps", "own")
LEVELS = (0.5, 0.8, 0.9)


class Log:
    """A score of positive outcomes on the scale of logarithms, with its interval."""

    def __call__(self, y_pred, y):
        return np.abs(np.log(y) - np.log(y_pred))

    def interval(self, y_pred, threshold):
        wide = 1 + 1e-12
        return y_pred * np.exp(-threshold) / wide, y_pred * np.exp(threshold) * wide


def squared(y_prob, y):
    return (1 - y_prob[np.arange(len(y)), y]) ** 2


def regression_pool(score, tied, size):
    """Return outputs, truth and sds of a pool; the tied one has integers that no subtraction of theirs is exact for."""
    rng = np.random.default_rng(4)
    y_pred = rng.normal(size=size) if not tied else rng.integers(1, 3, size) * 0.3 + 0.1
    y = y_pred + rng.normal(size=size) if not tied else rng.integers(1, 3, size) * 0.7
    y_std = rng.uniform(0.5, 2, size) if not tied else rng.integers(1, 3, size) * 0.1
    if score == "own":
        y_pred, y = np.exp(y_pred), np.exp(y)
    if score == "quantile":
        y_pred = np.column_stack([y_pred - 0.3, y_pred + 0.3 * rng.integers(0, 2, size)])
    return y_pred, y, y_std if score == "normalized" else None


def count(n, m, outputs, y, extra, make, score, verb):
    """Return the number of covered rows in each split, and one answer."""
    covered, answer = [], None
    for batch in combinations(range(n + m), m):
        new, old = np.array(batch), np.setdiff1d(np.arange(n + m), batch)
        more = {} if extra is None else {"y_std": extra[old]}
        if verb == "predict_set":
            more["classes"] = np.arange(outputs.shape[1])
        fitted = make().fit(outputs[old], y[old], **more)
        asked = {} if extra is None else {"y_std": extra[new]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            answer = getattr(fitted, verb)(outputs[new], **asked)
        covered.append(int(np.sum(answer.contains(y[new]))))
    return covered, answer


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("score", REGRESSION)
def test_split_intervals_over_every_split(score, level, tied):
    n, m = 9, 2
    outputs, y, y_std = regression_pool(score, tied, n + m)
    parameter = Log() if score == "own" else score
    covered, answer = count(
        n, m, outputs, y, y_std, lambda: SplitConformal(parameter, level), score, "predict_interval"
    )
    coverage = Fraction(sum(covered), m * len(covered))
    assert coverage >= Fraction(str(level))
    assert float(coverage) >= answer.attained_level - 1e-12
    if not tied:
        assert float(coverage) == pytest.approx(answer.attained_level, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("n", "m", "level", "share"), [(7, 4, 0.8, 0.5), (8, 3, 0.5, 1), (8, 3, 0.7, 0.9), (4, 3, 0.9, 1)]
)
@pytest.mark.parametrize("score", REGRESSION)
def test_simultaneous_intervals_over_every_split(score, n, m, level, share, tied):
    outputs, y, y_std = regression_pool(score, tied, n + m)
    parameter = Log() if score == "own" else score
    covered, answer = count(
        n, m, outputs, y, y_std, lambda: SimultaneousConformal(parameter, level, share), score, "predict_interval"
    )
    k = ceil(Fraction(str(share)) * m)
    held = Fraction(sum(c >= k for c in covered), len(covered))
    assert held >= Fraction(str(level))
    assert float(held) >= answer.attained_level - 1e-12
    if not tied:
        assert float(held) == pytest.approx(answer.attained_level, abs=1e-12)


def class_pool(tied, size):
    rng = np.random.default_rng(6)
    if tied:
        y_prob = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.375, 0.375, 0.25]])[rng.integers(0, 3, size)]
    else:
        y_prob = rng.dirichlet([1, 1, 1], size)
    return y_prob, rng.integers(0, 3, size)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("score", CLASSES)
def test_sets_over_every_split(score, level, tied):
    n, m, share = 8, 3, 0.6
    y_prob, y = class_pool(tied, n + m)
    parameter = squared if score == "own" else score
    covered, answer = count(n, m, y_prob, y, None, lambda: SplitConformal(parameter, level), score, "predict_set")
    coverage = Fraction(sum(covered), m * len(covered))
    assert coverage >= Fraction(str(level))
    assert float(coverage) >= answer.attained_level - 1e-12
    batch, together = count(
        n, m, y_prob, y, None, lambda: SimultaneousConformal(parameter, level, share), score, "predict_set"
    )
    held = Fraction(sum(c >= 2 for c in batch), len(batch))
    assert held >= Fraction(str(level))
    assert float(held) >= together.attained_level - 1e-12
    if not tied and score != "aps":  # aps: whose truth is the least probable class has a score of 1, one of many
        assert float(coverage) == pytest.approx(answer.attained_level, abs=1e-12)
        assert float(held) == pytest.approx(together.attained_level, abs=1e-12)


@pytest.mark.parametrize("sizes", [(9, 4), (1, 8), (5, 5)])
def test_each_stratum_by_itself_over_every_split(sizes):
    """Rows of a stratum are exchangeable among themselves: the new one is each of them in turn."""
    rng = np.random.default_rng(2)
    strata = np.repeat(["a", "b"], sizes)
    y_pred = rng.normal(size=sum(sizes))
    y = y_pred + rng.normal(size=sum(sizes)) * np.where(strata == "a", 1, 9)
    for label, size in zip("ab", sizes, strict=True):
        covered, attained = 0, None
        for new in np.flatnonzero(strata == label):
            old = np.delete(np.arange(len(y)), new)
            fitted = SplitConformal(confidence_level=0.7).fit(y_pred[old], y[old], strata=strata[old])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InfiniteBoundWarning)
                interval = fitted.predict_interval(y_pred[[new]], strata=strata[[new]])
            covered += bool(interval.contains(y[[new]])[0])
            attained = interval.attained_level[0]
        assert covered / size == pytest.approx(attained, abs=1e-12)
        assert Fraction(covered, size) >= Fraction(7, 10)


# ---- the law of two thresholds


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 3), (3, 4), (5, 2), (4, 4)])
def test_new_scores_in_any_gaps_have_the_law_of_those_in_the_first(n, m):
    """The numbers of new scores in the n + 1 gaps are exchangeable: which gaps are kept does not matter."""
    every = configurations(n, m)
    assert every == list(combinations_with_replacement(range(1, n + 2), m))
    for kept in range(1, n + 2):
        for k in range(1, m + 1):
            first = order_cdf(n, m, k, kept)
            for gaps in combinations(range(1, n + 2), kept):
                held = sum(sum(r in gaps for r in ranks) >= k for ranks in every)
                assert held / len(every) == pytest.approx(first, abs=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_a_batch_of_one_is_split_conformal(level):
    for n in range(1, 120):
        split, batch = RowLaw(level), BatchLaw(1, 1, level)
        assert split.kept(n) == batch.kept(n) == ceil(Fraction(str(level)) * (n + 1))
        assert split.attained(n, split.kept(n)) == pytest.approx(batch.attained(n, batch.kept(n)), abs=1e-14)
    assert all(split.needed(spare) == batch.needed(spare) for spare in (1, 2))


@pytest.mark.parametrize("n", [3, 19, 20, 60])
def test_signed_agrees_with_the_worst_of_a_batch_of_one(n):
    rng = np.random.default_rng(n)
    y_pred, y = rng.normal(size=(2, n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        interval = SplitConformal("signed").fit(y_pred, y).predict_interval([0.4])
        upper = BatchPredictor("max", 0.95, "less").fit(y_pred, y).predict_interval([0.4])
        both = BatchPredictor("max").fit(y_pred, y).predict_interval([0.4])
    assert interval.upper[0] == pytest.approx(upper.upper, abs=1e-12)
    assert (interval.lower[0], interval.upper[0]) == pytest.approx((both.lower, both.upper), abs=1e-12)
    assert interval.attained_level == pytest.approx(both.attained_level, abs=1e-12)


# ---- scores by their definitions


def test_aps_by_the_plain_loop():
    rng = np.random.default_rng(0)
    y_prob = np.concatenate([rng.dirichlet(np.ones(5), 50), rng.integers(1, 3, (50, 5)) * 0.1])
    table = BUILT_IN["aps"].table(y_prob, np.arange(5))
    for row, scores in zip(y_prob, table, strict=True):
        for j in range(5):
            assert scores[j] == pytest.approx(sum(p for p in row if p >= row[j]), abs=1e-14)
        for i, j in combinations(range(5), 2):
            assert (scores[i] == scores[j]) == (row[i] == row[j])


@pytest.mark.parametrize("score", ["absolute", "signed", "normalized", "quantile"])
@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-8, 1.0, 1e15, 1e149])
def test_no_outcome_is_lost_to_rounding(score, scale):
    """Every row lies inside of the interval of its own score."""
    rng = np.random.default_rng(1)
    size = 4000
    y_pred, y = rng.normal(size=(2, size)) * scale
    y_std = rng.uniform(0.1, 3, size) * 10.0 ** rng.integers(-3, 4, size) if score == "normalized" else None
    outputs = np.column_stack([y_pred, y_pred + abs(rng.normal(size=size)) * scale]) if score == "quantile" else y_pred
    own = BUILT_IN[score]
    scores = own.score(outputs, y, y_std)
    lower, upper = own.interval(outputs, (scores, scores) if own.two_sided else scores, y_std)
    assert (lower <= y).all()
    assert (y <= upper).all()
    if scale >= 1e-300 and score != "quantile":  # and no more than a hair is given away
        gap = np.maximum(lower - y, y - upper) if score == "signed" else np.minimum(y - lower, upper - y)
        assert (gap <= 1e-14 * (np.abs(y_pred) + np.abs(y - y_pred))).all()
