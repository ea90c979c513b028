"""Repeated answers: counts by loops, an unbiased variance by enumeration, silence instead of certainty."""

import itertools
import math
import pickle

import numpy as np
import pytest
from contracts import require

from uq.epistemic import repeated_answer_scores
from uq.exceptions import InputError, SmallSampleWarning


def naive(first, second):
    """Return (question, answer, n_first, n_repeated, n, variance) by loops, in the order of the result."""
    out = []
    for q, (a, b) in enumerate(zip(first, second, strict=True)):
        pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
        n, seen = len(pairs), []
        for x, _ in pairs:
            if x not in seen:
                seen.append(x)
        for x in sorted(seen, key=lambda x: -sum(p[0] == x for p in pairs)):
            c, s = sum(p[0] == x for p in pairs), sum(p == (x, x) for p in pairs)
            out.append((q, x, c, s, n, s / n - c * (c - 1) / (n * (n - 1))))
    return out


def draws(seed, n_questions=15, n=9):
    rng = np.random.default_rng(seed)

    def one():
        return [[None if rng.random() < 0.1 else "abcd"[rng.integers(4)] for _ in range(n)] for _ in range(n_questions)]

    return one(), one()


def test_against_loops():
    first, second = draws(0)
    found = repeated_answer_scores(first, second)
    rows = zip(
        found.question, found.answer, found.n_first, found.n_repeated, found.n_pairs, found.variance, strict=True
    )
    for (*key, variance), (*expected, true) in zip(rows, naive(first, second), strict=True):
        assert key == expected
        assert variance == pytest.approx(true, abs=1e-15)
    assert found.n_questions == 15
    assert np.allclose(found.probability, found.n_first / found.n_pairs)
    known = ~np.isnan(found.confidence)
    assert ((found.confidence[known] >= 0) & (found.confidence[known] <= 1)).all()
    assert np.isnan(found.confidence[(found.variance < 0) | (found.n_repeated == 0)]).all()


def test_variance_is_unbiased_for_that_of_the_sampler():
    """All draws of three pairs; first answers and second given first of any kind."""
    m, again = np.array([0.6, 0.4]), np.array([[0.8, 0.2], [0.3, 0.7]])
    cells = list(itertools.product("xy", "xy"))
    weight = {(a, b): m["xy".index(a)] * again["xy".index(a), "xy".index(b)] for a, b in cells}
    mean = 0.0
    for three in itertools.product(cells, repeat=3):
        scores = repeated_answer_scores([[a for a, _ in three]], [[b for _, b in three]])
        at = np.flatnonzero(scores.answer == "x")
        mean += math.prod(weight[c] for c in three) * (scores.variance[at[0]] if len(at) else 0.0)
    assert mean == pytest.approx(0.6 * 0.8 - 0.6**2)


def test_one_observation_is_not_certainty():
    scores = repeated_answer_scores([["a", "b"]], [["b", "a"]])
    assert np.isnan(scores.confidence).all()
    scores = repeated_answer_scores([["a"] * 5], [["a"] * 5])
    assert (scores.variance[0], scores.confidence[0]) == (0, 1)


def test_one_pair_shows_no_variance_and_says_so():
    with pytest.warns(SmallSampleWarning, match="1 of 2 questions"):
        scores = repeated_answer_scores([["a", None], ["a", "b"]], [["a", "b"], ["a", "b"]])
    assert np.isnan(scores.variance[0])
    assert np.isfinite(scores.interval().to_numpy()).all()


def test_interval_holds_the_estimate_and_never_leaves_what_can_be():
    scores = repeated_answer_scores(*draws(1, n=30))
    for level in (0.5, 0.95, 1 - 1e-9):
        low, high = scores.interval(level)
        assert (low <= np.maximum(scores.variance, low)).all()
        assert (high <= 0.25).all()
        assert (low >= -1).all()
    wide, narrow = scores.interval(0.99), scores.interval(0.5)
    assert (wide.lower <= narrow.lower).all()
    assert (wide.upper >= narrow.upper).all()
    with pytest.raises(InputError):
        scores.interval(95)


def test_forms_and_results():
    first, second = draws(2)
    pd = require("pandas")
    require("matplotlib").use("Agg")
    long = [
        pd.DataFrame({"question": np.repeat(np.arange(15), 9), "answer": [x for row in rows for x in row]})
        for rows in (first, second)
    ]
    scores = repeated_answer_scores(first, second)
    assert repeated_answer_scores(*long) == scores
    assert pickle.loads(pickle.dumps(scores)) == scores
    assert len(scores.to_frame()) == len(scores.answer)
    assert scores.plot().get_ylabel() == "epistemic variance"
    assert scores._repr_html_()
    assert scores.guarantee == "none"
    numbers = np.random.default_rng(0).integers(0, 3, (2, 6, 8))
    by_array = repeated_answer_scores(*numbers)
    assert np.array_equal(by_array.variance, repeated_answer_scores(*numbers.tolist()).variance)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([["a"]], [["a", "b"]], "form of first"),
        ([["a"]], [[None]], "one complete pair"),
        ([], [], "at least one question"),
        ("a", "a", "must have shape"),
        ([[{}]], [["a"]], "hashable"),
    ],
)
def test_bad_answers_are_refused(first, second, words):
    with pytest.raises(InputError, match=words):
        repeated_answer_scores(first, second)
