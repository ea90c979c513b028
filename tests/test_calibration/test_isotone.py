"""Pool-adjacent-violators against the minimax formula, scikit-learn, and itself on equal rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from calibration._isotone import blocks, pool, step, tie_sums


def minimax(means, weights):
    """Return the isotonic fit as the largest left end of the smallest mean to the right: O(n^3), no pooling."""
    n = len(means)
    mean = {(a, b): np.average(means[a : b + 1], weights=weights[a : b + 1]) for b in range(n) for a in range(b + 1)}
    return np.array([max(min(mean[a, b] for b in range(i, n)) for a in range(i + 1)) for i in range(n)])


@given(
    st.lists(
        st.tuples(st.integers(-4, 4), st.sampled_from([0.0, 1.0, 0.25]), st.integers(0, 3)), min_size=1, max_size=14
    ).filter(lambda rows: any(w for *_, w in rows)),
    st.booleans(),
)
def test_the_fit_is_the_minimax_of_pooled_rows(rows, weighted):
    scores, y, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    w = w if weighted else np.ones(len(w))
    unique, fitted, totals = pool(scores, y, w if weighted else None)
    expected = np.unique(scores[w > 0])
    assert np.array_equal(unique, expected)
    total = np.array([w[scores == s].sum() for s in expected])
    means = np.array([np.average(y[scores == s], weights=w[scores == s]) for s in expected])
    assert np.allclose(totals, total, rtol=1e-14)
    assert np.allclose(fitted, minimax(means, total), rtol=0, atol=1e-14)
    assert (np.diff(fitted) >= 0).all()


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_scikit_learn_fits_the_same(soft, ties, weighted):
    rng = np.random.default_rng(0)
    p = rng.random(5000)
    p = np.round(p, 2) if ties else p
    y = np.clip(p + 0.3 * rng.normal(size=5000), 0, 1) if soft else (rng.random(5000) < p).astype(float)
    w = rng.random(5000) if weighted else None
    unique, fitted, totals = pool(p, y, w)
    theirs = IsotonicRegression().fit(p, y, sample_weight=w)
    assert np.allclose(fitted, theirs.predict(unique), rtol=0, atol=1e-12)
    assert totals.sum() == pytest.approx(5000 if w is None else w.sum())


def test_the_key_and_the_argsort_give_the_same():
    rng = np.random.default_rng(1)
    p = np.r_[np.round(rng.random(300), 2), 0.0, -0.0, 1.0, 5e-324, 1 - 2**-53]
    y = rng.integers(0, 2, len(p)).astype(float)
    for ours, theirs in zip(tie_sums(p, y), tie_sums(p, y, np.ones(len(p))), strict=True):
        assert np.array_equal(ours, theirs)
    assert not np.signbit(tie_sums(p, y)[0]).any()


def test_scores_beyond_the_unit_interval_are_sorted_as_numbers():
    scores = np.array([3.0, -1.0, -1e300, 2.0, -0.0, 0.0])
    unique, sums, totals = tie_sums(scores, np.array([1.0, 0.0, 1.0, 0.0, 1.0, 1.0]))
    assert unique.tolist() == [-1e300, -1.0, 0.0, 2.0, 3.0]
    assert sums.tolist() == [1.0, 0.0, 2.0, 0.0, 1.0]
    assert totals.tolist() == [1.0, 1.0, 2.0, 1.0, 1.0]


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e140])
def test_the_scale_of_the_weights_does_not_matter(scale):
    p, y = np.array([0.1, 0.4, 0.4, 0.3]), np.array([1.0, 0.0, 0.5, 0.25])
    w = np.array([1.0, 2.0, 1.0, 3.0])
    unique, fitted, totals = pool(p, y, w * scale)
    assert np.allclose(fitted, pool(p, y, w)[1], rtol=1e-14)
    assert np.allclose(totals, pool(p, y, w)[2] * scale, rtol=1e-14)
    assert unique.tolist() == [0.1, 0.3, 0.4]


def test_input_is_left_as_it_was():
    p, y = np.array([0.4, 0.2, 0.2]), np.array([1.0, 0.0, 1.0])
    for array in (p, y):
        array.flags.writeable = False
    pool(p, y)
    pool(p, y, np.array([1.0, 0.0, 2.0]))
    assert p.tolist() == [0.4, 0.2, 0.2]


def test_blocks_start_where_the_fit_rises():
    fitted, starts = blocks(np.array([0.0, 1.0, 0.0, 3.0]), np.array([1.0, 1.0, 1.0, 3.0]))
    assert fitted.tolist() == [0.0, 0.5, 0.5, 1.0]
    assert starts.tolist() == [0, 1, 3]


def test_steps_hold_from_the_left_or_from_the_right():
    knots, values, x = np.array([0.2, 0.5]), np.array([1.0, 2.0]), np.array([0.1, 0.2, 0.3, 0.5, 0.6])
    assert step(knots, values, x).tolist() == [1.0, 1.0, 1.0, 2.0, 2.0]
    assert step(knots, values, x, side="left").tolist() == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert step(knots, values, x, outside=0.0).tolist() == [0.0, 1.0, 1.0, 2.0, 2.0]
    assert step(knots, values, x, side="left", outside=9.0).tolist() == [1.0, 1.0, 2.0, 2.0, 9.0]
