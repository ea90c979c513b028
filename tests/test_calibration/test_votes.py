"""Votes against naive loops, the mixture against many starts of SciPy, forms of answers, p_true."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from contracts import require
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize

from calibration import Votes, p_true, vote_confidence
from calibration import _votes_mixture as mixture
from uq._base.answers import check_answers
from uq.exceptions import InputError

METHODS = ("majority", "weighted", "perplexity")


def naive(answers, log_probs, method, temperature=1.0):
    """Return winners (in the order they were given) and share, by dicts."""
    given_ = [(a, p) for a, p in zip(answers, log_probs, strict=True) if a is not None]
    votes = Counter()
    for a, p in given_ if method in ("majority", "weighted") else dict.fromkeys(given_):
        votes[a] += {"majority": 1, "weighted": math.exp(p / temperature), "perplexity": math.exp(p)}[method]
    if not votes:
        return [], 0.0
    top = max(votes.values())
    return [a for a, v in votes.items() if v >= top * (1 - 1e-12)], top / sum(votes.values())


ANSWERS = st.sampled_from(["a", "b", "c", None])
DRAWS = st.lists(st.tuples(ANSWERS, st.sampled_from([-3.0, -1.0, -0.5])), max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(DRAWS, min_size=1, max_size=5), st.sampled_from(METHODS), st.sampled_from([0.5, 1.0]))
def test_against_the_loop(questions, method, temperature):
    if not any(questions):
        return
    answers = [[a for a, _ in draws] for draws in questions]
    log_probs = [[p for _, p in draws] for draws in questions]
    votes = vote_confidence(answers, log_probs, method, temperature=temperature)
    for i, (a, p) in enumerate(zip(answers, log_probs, strict=True)):
        winners, share = naive(a, p, method, temperature)
        assert votes.answers[i] == (winners[0] if winners else None)
        assert votes.confidences[i] == pytest.approx(share)
        assert votes.tied.get(i, tuple(winners[:1])) == tuple(winners)
        assert votes.n_answered[i] == sum(x is not None for x in a)
        for truth in ("a", "b", None):
            credit = votes.credit([truth] * len(questions))[i]
            assert credit == (1 / len(winners) if truth in winners else 0)


def test_forms_give_the_same_votes():
    answers = [["x", "y", "y", None], ["z", None, "x", "x"]]
    log_probs = np.log([[0.5, 0.2, 0.1, 0.9], [0.9, 0.1, 0.2, 0.3]])
    expected = vote_confidence(answers, log_probs, "perplexity")
    wide = pd.DataFrame(answers, columns=list("abcd"))
    long = pd.DataFrame(
        {"question": np.repeat(["q2", "q1"], 4), "answer": [a for row in answers for a in row], "lp": log_probs.ravel()}
    )
    pl = require("polars")
    forms = [
        (np.array(answers, dtype=object), log_probs.tolist()),
        (tuple(map(tuple, answers)), pd.DataFrame(log_probs)),
        (wide, log_probs),
        (pl.from_pandas(wide), log_probs),
        (long, "lp"),
        (long, long.lp),
        (pl.from_pandas(long), "lp"),
        (long.sample(frac=1, random_state=1).sort_values("question", kind="stable", ascending=False), "lp"),
    ]
    for given_, p in forms:
        votes = vote_confidence(given_, p, "perplexity")
        assert votes.answers.tolist() == expected.answers.tolist()
        np.testing.assert_allclose(votes.confidences, expected.confidences)
    assert vote_confidence(long, "lp", "perplexity").names == ("q2", "q1")
    assert list(vote_confidence(long).to_frame()["question"]) == ["q2", "q1"]


def test_numbers_masks_and_tensors():
    numbers = np.array([[1.0, 1.0, np.nan], [2.0, 3.0, 3.0]])
    for given_ in (numbers, np.ma.masked_invalid(numbers), require("torch").tensor(numbers)):
        votes = vote_confidence(given_)
        assert votes.answers.tolist() == [1.0, 3.0]
        assert votes.n_answered.tolist() == [2, 3]


def test_codes_of_answers():
    codes = check_answers([["b", "a", "b"], [], ["a", None]], "f")
    assert codes.labels.tolist() == ["b", "a", "a"]
    assert codes.owner.tolist() == [0, 0, 2]
    assert codes.answer.tolist() == [0, 1, 0, 2]
    assert codes.starts.tolist() == [0, 2, 2, 3]
    assert codes.sums().tolist() == [2, 1, 1]
    assert codes.present.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("labels", [3, 1000])
def test_integers_are_coded_as_objects_are(labels):
    numbers = np.random.default_rng(0).integers(-5, labels, (30, 7))
    fast, slow = check_answers(numbers, "f"), check_answers(numbers.astype(object), "f")
    for name in ("question", "answer", "owner", "labels", "starts", "present", "lengths"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name)), name


def test_a_path_counts_once_and_tiny_probabilities_survive():
    answers, log_probs = [["a", "a", "b"]], [[-800.0, -800.0, -799.5]]
    assert vote_confidence(answers, log_probs, "weighted").answers[0] == "a"
    votes = vote_confidence(answers, log_probs, "perplexity")
    assert votes.answers[0] == "b"
    assert votes.confidences[0] == pytest.approx(1 / (1 + math.exp(-0.5)))


def test_the_record(axes):
    votes = vote_confidence([["a", "b"], ["c", "c"]])
    assert isinstance(votes, Votes)
    assert votes.plot(axes) is axes
    assert "answers to 2 questions" in str(votes)
    assert votes.credit(pd.Series(["a", "c"])).tolist() == [0.5, 1.0]
    assert votes.credit(require("polars").Series(["a", "c"])).tolist() == [0.5, 1.0]
    for bad in (["a"], None, "ac", 3):
        with pytest.raises(InputError):
            votes.credit(bad)


# ---- pruning


def paths(rng, n):
    high = rng.random(n) < rng.uniform(0.2, 0.8)
    p = np.where(high, 0.8 * rng.weibull(rng.uniform(2, 10), n), 0.3 * rng.weibull(rng.uniform(0.7, 4), n))
    return np.log(p)


def many_starts(x, weight, rng, starts):
    low, high = (ends[0] for ends in mixture._limits(x, weight))

    def loss(theta):
        return -mixture.log_likelihood(theta[None], x, weight)[0], -mixture._derivatives(theta[None], x, weight)[0][0]

    best = np.inf
    for k in range(starts):
        start = rng.uniform(low, high)
        if k % 2:
            start[[1, 3]] = rng.choice(x[0], 2)
        best = min(best, minimize(loss, start, jac=True, bounds=list(zip(low, high, strict=True))).fun)
    return -best


def check_fit(n, questions, starts):
    rng = np.random.default_rng(n)
    u = np.array([paths(rng, n) for _ in range(questions)])
    weight = np.ones_like(u)
    x = mixture.standardise(u, weight)[0]
    value = mixture.fit_mixtures(x, weight)[1]
    gaps = np.array([value[i] - many_starts(x[i : i + 1], weight[i : i + 1], rng, starts) for i in range(len(u))])
    assert (gaps > -1e-6).mean() >= 0.95, gaps.min()
    assert gaps.min() > -1


@pytest.mark.parametrize("n", [8, pytest.param(64, marks=pytest.mark.slow)])
def test_the_fit_is_as_likely_as_that_of_many_starts(n):
    check_fit(n, 3, 12)


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 12, 30, 48, 128])
def test_the_fit_is_as_likely_as_that_of_many_more_starts(n):
    check_fit(n, 12, 24)


def test_likelihood_is_that_of_weibull_laws():
    rng = np.random.default_rng(0)
    u = paths(rng, 40)[None]
    theta = np.array([[0.4, -0.5, 0.7, -1.5, 0.2]])
    w, m1, a1, m2, a2 = theta[0]
    density = sum(
        share * stats.weibull_min.pdf(np.exp(u), np.exp(a), scale=np.exp(m))
        for share, m, a in ((1 / (1 + np.exp(-w)), m1, a1), (1 / (1 + np.exp(w)), m2, a2))
    )
    # the law of log p has p times the density of p
    expected = (np.log(density) + u).sum()
    assert mixture.log_likelihood(theta, u, np.ones_like(u))[0] == pytest.approx(expected)
    assert mixture.log_mean(m1, a1) == pytest.approx(np.log(stats.weibull_min.mean(np.exp(a1), scale=np.exp(m1))))


def test_pruning_by_the_reference_rule():
    rng = np.random.default_rng(1)
    log_probs = np.array([paths(rng, 40) for _ in range(10)])
    answers = rng.integers(0, 4, log_probs.shape)
    votes = vote_confidence(answers, log_probs, "pruned")
    x, mean, sd = mixture.standardise(log_probs, np.ones_like(log_probs))
    theta = mixture.fit_mixtures(x, np.ones_like(x))[0]
    for i, (w, m1, a1, m2, a2) in enumerate(theta):
        p = np.exp(log_probs[i])
        parts = []
        for share, m, a in ((1 / (1 + np.exp(-w)), m1, a1), (1 / (1 + np.exp(w)), m2, a2)):
            law = stats.weibull_min(np.exp(a) / sd[i, 0], scale=np.exp(mean[i, 0] + sd[i, 0] * m))
            parts.append((law.mean(), share * law.pdf(p)))
        (_, low), (_, high) = sorted(parts, key=lambda part: part[0])
        dropped = (high < low) & (p < p.mean())
        assert votes.n_pruned[i] == dropped.sum()
        winners, share = naive(answers[i][~dropped].tolist(), log_probs[i][~dropped].tolist(), "perplexity")
        assert votes.answers[i] == winners[0]
        assert votes.confidences[i] == pytest.approx(share)


def test_two_clear_clusters_are_told_apart():
    rng = np.random.default_rng(0)
    log_probs = np.r_[rng.normal(-0.2, 0.05, 20), rng.normal(-3, 0.2, 30)][None]
    answers = [["right"] * 20 + ["wrong"] * 30]
    assert vote_confidence(answers).answers[0] == "wrong"
    votes = vote_confidence(answers, log_probs, "pruned")
    assert votes.n_pruned[0] == 30
    assert votes.confidences[0] == 1.0


def test_scale_and_order_do_not_matter():
    rng = np.random.default_rng(2)
    log_probs, answers = np.array([paths(rng, 30)]), rng.integers(0, 3, (1, 30))
    votes = vote_confidence(answers, log_probs, "pruned")
    moved = vote_confidence(answers, log_probs - 500, "pruned")
    order = rng.permutation(30)
    shuffled = vote_confidence(answers[:, order], log_probs[:, order], "pruned")
    for other in (moved, shuffled):
        assert other.n_pruned[0] == votes.n_pruned[0]
        assert other.confidences[0] == pytest.approx(votes.confidences[0], rel=1e-9)


@pytest.mark.parametrize("log_probs", [[-1.0] * 6, [-1.0, -2.0, -3.0, -1.0, -2.0, -3.0], [-1.0, -1.0 - 1e-15] * 3])
def test_degenerate_probabilities_prune_nothing(log_probs):
    assert vote_confidence([list("aabbcc")], [log_probs], "pruned").n_pruned[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"answers": ["a", "b"]}, "One question alone is written"),
        ({"answers": "ab"}, "got str"),
        ({"answers": None}, "got NoneType"),
        ({"answers": []}, "at least one question"),
        ({"answers": [[], []]}, "at least one question"),
        ({"answers": np.zeros(3)}, "got ndarray of shape"),
        ({"answers": [["a", ["b"]]]}, "hashable"),
        ({"answers": pd.DataFrame({"question": [], "answer": []})}, "empty frame"),
        ({"answers": pd.DataFrame({"question": [1, None], "answer": [1, 2]})}, "question must not be missing"),
        ({"method": "borda"}, "method"),
        ({"method": "weighted"}, "needs log_probs"),
        ({"method": "weighted", "log_probs": [[1.0]]}, "the form of the answers"),
        ({"method": "weighted", "log_probs": [[1.0, np.nan]]}, "finite for every draw"),
        ({"method": "weighted", "log_probs": [[1.0, -np.inf]]}, "finite for every draw"),
        ({"method": "weighted", "log_probs": "lp"}, "column of a long frame"),
        ({"method": "weighted", "log_probs": [["a", "b"]]}, "real numbers"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        vote_confidence(**{"answers": [["a", "b"]], **arguments})


def test_a_missing_log_probability_of_a_missing_answer_is_no_matter():
    votes = vote_confidence([["a", None, "b"]], [[-1.0, None, -2.0]], "weighted")
    assert votes.confidences[0] == pytest.approx(1 / (1 + math.exp(-1)))


# ---- P(True)


def test_p_true_is_stable_and_keeps_its_shape():
    true, false = np.array([[-1000.0, -1e-300], [-np.inf, -3.0]]), np.array([[-1001.0, -800.0], [-2.0, -np.inf]])
    expected = [[1 / (1 + math.exp(-1)), 1.0], [0.0, 1.0]]
    np.testing.assert_allclose(p_true(true, false), expected)
    assert isinstance(p_true(-1, -2.0), float)
    assert p_true(np.float32(-1), -1) == 0.5
    assert p_true(pd.Series([-1.0]), [-1.0]).tolist() == [0.5]
    assert p_true(-2.0, -740.0) == 1.0
    assert p_true(-740.0, -1.0) == pytest.approx(math.exp(-739))


@pytest.mark.parametrize(
    ("true", "false", "message"),
    [
        (np.nan, -1, "log-probabilities"),
        (np.inf, -1, "log-probabilities"),
        ([-1, None], [-1, -1], "log-probabilities"),
        (-np.inf, -np.inf, "-inf for both"),
        ([-1.0], [-1.0, -2.0], "one shape"),
        (-1.0, [-1.0], "one shape"),
        ("a", -1, "real numbers"),
        (None, -1, "logprob_true"),
        ([-1j], [-1], "real numbers"),
    ],
)
def test_bad_log_probabilities(true, false, message):
    with pytest.raises(InputError, match=message):
        p_true(true, false)
