"""The concave bound and its gap, in fractions; the program for weighted ranks against every configuration."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_conformal.enumeration import configurations, naive_mean_program
from test_conformal.test_dynamic import SHAPES, shaped

from conformal._bounds import best_weighted_sum, concave_bound
from conformal._dynamic import best_sum

whole_scores = st.lists(st.integers(-60, 60), min_size=1, max_size=12).map(lambda x: np.sort(x).astype(float))


def majorant(scores, x):
    """Return the least concave majorant of rank -> score at rank x by every chord over x, and its jump."""
    scores = [Fraction(int(s)) for s in scores]
    best, jump = scores[int(x) - 1], Fraction(0)
    for a in range(1, int(x) + 1):
        for c in range(int(x) + 1, len(scores) + 1):
            height = scores[a - 1] + (x - a) / (c - a) * (scores[c - 1] - scores[a - 1])
            if height > best:
                best, jump = height, scores[c - 1] - scores[a - 1]
    return best, jump


def check(scores, m, q):
    n = len(scores)
    exact, jump = majorant(scores, Fraction(min(q, m * n), m))
    if m > 1:
        assert concave_bound(scores, m, q) == pytest.approx(float(exact), rel=1e-14, abs=1e-14 * np.abs(scores).max())
    best = Fraction(best_sum(scores, m, q)) / m
    gap = exact - best
    assert 0 <= gap < jump / m or gap == 0


@given(whole_scores, st.integers(1, 9), st.data())
def test_concave_bound_is_the_majorant_and_lies_within_a_jump(scores, m, data):
    check(scores, m, data.draw(st.integers(m, m * len(scores) + 3)))


@pytest.mark.parametrize("shape", SHAPES)
def test_concave_bound_of_every_shape(shape, rng):
    for n, m in [(60, 40), (41, 3), (2, 30), (30, 2)]:
        scores = shaped(shape, n, rng)
        for q in (m, m * n, *rng.integers(m, m * n + 1, 4).tolist()):
            check(scores, m, int(q))


@given(whole_scores, st.data())
def test_concave_bound_of_one_score_is_that_score(scores, data):
    q = data.draw(st.integers(1, len(scores)))
    assert concave_bound(scores, 1, q) == scores[q - 1] == best_sum(scores, 1, q)


@pytest.mark.parametrize("law", ["normal", "exponential", "uniform"])
def test_concave_bound_of_many_scores(law):
    scores = np.sort(getattr(np.random.default_rng(1), law)(size=10**5))
    corners = [0, *range(999, 10**5, 1000)]
    for q in (5 * 10**6, 7 * 10**6 + 3, 10**7 - 1):
        bound = concave_bound(scores, 100, q)
        x = q / 100
        assert bound >= np.interp(x, np.array(corners) + 1, scores[corners]) - 1e-12  # any chords
        slopes = np.linspace(0, 20 / 10**5, 200)  # any supporting line is above
        lines = [(scores - slope * np.arange(1, 10**5 + 1)).max() + slope * x for slope in slopes]
        assert bound <= min(lines) + 1e-12


@given(st.data())
def test_weighted_program_equals_enumeration(data):
    n, m = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 4))
    scores = np.sort(data.draw(st.lists(st.integers(-9, 9), min_size=n + 1, max_size=n + 1))).astype(float)
    weights = np.sort(data.draw(st.lists(st.integers(-3, 12), min_size=n + 1, max_size=n + 1)))
    q = data.draw(st.integers(m * int(weights[0]), m * int(weights[-1]) + 2))
    places = [[r - 1 for r in ranks] for ranks in configurations(n, m)]
    best = max(scores[p].sum() for p in places if weights[p].sum() <= q)
    assert best_weighted_sum(scores, weights, m, q) == best


@pytest.mark.parametrize("shape", SHAPES)
def test_ranks_are_weights(shape, rng):
    scores = shaped(shape, 30, rng)
    for q in (20, 300, 599, 600, 700):
        found = best_weighted_sum(scores, np.arange(1, 31), 20, q)
        assert found == best_sum(scores, 20, q) == naive_mean_program(scores, 20, min(q, 600))
