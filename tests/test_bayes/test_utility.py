"""Ties of the items at hand: equal means are equal in every draw, whatever their levels and strata."""

import itertools

import numpy as np
import pytest

from bayes import SimplexRanker
from bayes.ranking._utility import settle_ties


def means(levels, first, second, strata=None):
    """Return the utilities of two candidates whose items all have anchors, and the ranker."""
    votes = {"candidate": [], "item": [], "judge": [], "score": []}
    for name, scores in (("a", first), ("b", second)):
        for item, score in enumerate(scores):
            for column, value in zip(votes, (name, item, "j", score), strict=True):
                votes[column].append(value)
    anchors = {name: votes[name] for name in ("candidate", "item", "score")}
    ranker = SimplexRanker(levels, target="sample", draws=4, tune=0, chains=2, random_state=0)
    ranker.fit(votes, anchors, strata=None if strata is None else np.tile(strata, 2))
    return ranker.utility_[0, 0], ranker


@pytest.mark.filterwarnings("ignore:SimplexRanker")
@pytest.mark.parametrize(
    ("levels", "first", "second"),
    [
        ([0.1, 0.2, 0.3], [0.1, 0.3], [0.2, 0.2]),
        ([0, 1 / 3, 2 / 3, 1], [0, 1, 1 / 3], [1 / 3, 1 / 3, 2 / 3]),
        ([i / 10 for i in range(11)], [0.1, 0.7, 0.4, 0.9], [0.5, 0.5, 0.6, 0.5]),
        ([100.1, 100.2, 100.3], [100.1, 100.3], [100.2, 100.2]),
    ],
)
def test_decimal_levels_tie(levels, first, second):
    for n in range(1, 8):
        (a, b), ranker = means(levels, first * n, second * n)
        assert a == b
        assert ranker.ranking_.win_probabilities[0, 1] == 0.5
    (a, b), _ = means(levels, first * 50, [*second * 49, *second[:-1], levels[-1]])
    assert a < b


@pytest.mark.filterwarnings("ignore:SimplexRanker")
def test_strata_tie():
    strata = np.repeat([0, 1, 2], 10)
    for good in ((1, 1, 4), (1, 2, 8), (2, 4, 5)):
        first, *others = ((np.arange(30) % 10 < np.repeat(p, 10)).astype(int) for p in itertools.permutations(good))
        for second in others:
            a, b = means([0, 1], first, second, strata)[0]
            assert a == b


def test_settling_is_that_of_a_loop_and_keeps_what_differs():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (50, 3, 6)) / 7 + rng.uniform(-1e-15, 1e-15, (50, 3, 6))
    values[0, 0] = [0.5, 0.1, 0.3, 0.2, 0.4, 0.0]
    found = settle_ties(values, 1e-12)
    for row, out in zip(values.reshape(-1, 6), found.reshape(-1, 6), strict=True):
        for i, j in itertools.product(range(6), range(6)):
            assert np.sign(out[i] - out[j]) == (0 if abs(row[i] - row[j]) < 1e-12 else np.sign(row[i] - row[j]))
    np.testing.assert_allclose(found, values, atol=1e-14, rtol=0)
    np.testing.assert_array_equal(found[0, 0], values[0, 0])
