"""The vote of k answers against all choices of k, in every form that answers come in."""

import itertools
import time

import numpy as np
import pytest
from contracts import require

from uq.exceptions import InputError, SmallSampleWarning
from uq.sampling import _majority as module
from uq.sampling import majority_at_k, pass_at_k
from uq.sampling._majority_core import exact_credit, exact_work, sampled_credit


def brute(counts, k):
    """Average the credit of answer 0 over all choices of k samples."""
    pool = np.repeat(np.arange(len(counts)), counts)
    credits = []
    for choice in itertools.combinations(pool, k):
        votes = np.bincount(choice, minlength=len(counts))
        credits.append((votes[0] == votes.max()) / (votes == votes.max()).sum())
    return np.mean(credits)


@pytest.mark.parametrize("seed", range(40))
def test_all_choices(seed):
    rng = np.random.default_rng(seed)
    counts = np.r_[rng.integers(0, 5), rng.integers(1, 4, rng.integers(1, 5))]
    for k in range(1, counts.sum() + 1):
        assert exact_credit(counts, k) == pytest.approx(brute(counts, k), abs=1e-13)


def test_the_estimate_is_unbiased():
    """Averaged over all outcomes of n draws it is the chance that the right answer wins a vote of k new ones."""
    p, n, k = np.array([0.45, 0.35, 0.2]), 6, 4

    def chances(size):
        rows = np.array([(a, b, size - a - b) for a in range(size + 1) for b in range(size + 1 - a)])
        log = [
            sum(np.log(np.arange(1, size + 1))) - sum(np.log(np.arange(1, j + 1)).sum() for j in row) for row in rows
        ]
        return rows, np.exp(log) * (p**rows).prod(axis=1)

    votes, weight = chances(k)
    best = votes.max(axis=1, keepdims=True)
    want = weight @ ((votes[:, 0] == best[:, 0]) / (votes == best).sum(axis=1))
    rows, weight = chances(n)
    got = weight @ majority_at_k(rows, np.zeros(len(rows)), k, form="counts", average=None)
    assert got == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_two_answers_are_a_hypergeometric_tail(k):
    from scipy.stats import hypergeom

    wins = hypergeom(100, 57, k)
    want = wins.sf(k // 2) + (wins.pmf(k // 2) / 2 if k % 2 == 0 else 0)
    assert exact_credit(np.array([57, 43]), k) == pytest.approx(want, rel=1e-11)


def test_one_vote_is_pass_at_1():
    counts = np.array([[3, 2, 5], [0, 9, 1], [10, 0, 0]])
    got = majority_at_k(counts, [0, 0, 0], 1, form="counts", average=None)
    assert got == pytest.approx(pass_at_k(counts[:, 0], 10, 1, average=None))


def test_large_counts_keep_their_digits():
    """Without replacement from many is with replacement."""
    assert exact_credit(np.array([600_000_000, 300_000_000]), 3) == pytest.approx(20 / 27, abs=1e-8)
    assert exact_credit(np.array([2, 1]) * 10**8, 301) == pytest.approx(1.0, abs=1e-7)


def test_sampled_votes_are_near_the_exact_ones():
    rng = np.random.default_rng(1)
    for counts in ([5, 4, 3, 3, 2], [2, 9], [3, 1, 1, 1, 1, 1, 1]):
        got = sampled_credit(np.array(counts), 5, 20_000, rng)
        assert got == pytest.approx(exact_credit(np.array(counts), 5), abs=4 * 0.5 / np.sqrt(20_000))


def test_what_is_too_much_to_sum_is_sampled_and_says_so(monkeypatch):
    counts = [[6, 4, 2], [1, 9, 2], [5, 5, 2]]
    exact = majority_at_k(counts, [0, 0, 0], 5, form="counts")
    assert exact.method == "betting"
    monkeypatch.setattr(module, "MOST_WORK", 10)
    sampled = majority_at_k(counts, [0, 0, 0], 5, form="counts", rng=0)
    assert sampled.method == "betting, sampled votes"
    assert sampled.estimate == pytest.approx(exact.estimate, abs=4 / (2 * np.sqrt(9999 * 3)))
    assert majority_at_k(counts, [0, 0, 0], 5, form="counts", rng=0) == sampled


def test_the_work_of_all_questions_is_bounded(monkeypatch):
    """The cheapest sums are made; what is left gets as many random choices as the numbers to draw allow."""
    counts = np.array([[6, 4, 2], [1, 9, 2], [5, 5, 2], [5, 5, 2], [1, 9, 2]])
    exact = majority_at_k(counts, [0] * 5, [2, 5], form="counts", average=None)
    # of questions that are alike one counts; all but the dearest, which two share
    work = [exact_work(row, k) for row in counts[:3] for k in (2, 5)]
    assert np.argmax(work) == 5
    monkeypatch.setattr(module, "MOST_TOTAL", sum(sorted(work)[:-1]))
    monkeypatch.setattr(module, "MOST_DRAWN", 2 * 3 * 4000)
    options = {"form": "counts", "rng": 0, "n_resamples": 9999}
    values = majority_at_k(counts, [0] * 5, [2, 5], average=None, **options)
    sampled = values != exact
    assert sampled.tolist() == [[False, row in (2, 3)] for row in range(5)]
    assert values == pytest.approx(exact, abs=4 / (2 * np.sqrt(4000)))
    assert majority_at_k(counts, [0] * 5, [2, 5], **options).method == "betting, 4000 sampled votes"
    assert majority_at_k(counts, [0] * 5, [2, 5], **{**options, "n_resamples": 99}).method == "betting, sampled votes"
    monkeypatch.setattr(module, "MOST_TOTAL", 0)
    monkeypatch.setattr(module, "MOST_DRAWN", 1)  # one choice each is the least
    values = majority_at_k(counts, [0] * 5, 5, average=None, **options)
    assert set(values.tolist()) <= {0.0, 0.5, 1.0}
    assert majority_at_k(counts, [0] * 5, 5, **options).method == "betting, 1 sampled votes"


def test_few_sampled_votes_are_unbiased(monkeypatch):
    counts = [[6, 4, 2], [1, 9, 2], [5, 5, 2]] * 2000
    exact = majority_at_k(counts, [0] * 6000, 5, form="counts").estimate
    monkeypatch.setattr(module, "MOST_TOTAL", 0)
    monkeypatch.setattr(module, "MOST_DRAWN", 2 * 3 * 6000)
    found = majority_at_k(counts, [0] * 6000, 5, form="counts", rng=0)
    assert found.method == "betting, 2 sampled votes"
    assert found.estimate == pytest.approx(exact, abs=4 / (2 * np.sqrt(2 * 6000)))


@pytest.mark.slow
def test_many_questions_with_many_answers_end():
    """200 draws of up to 100 answers, half of them right: minutes, were all choices summed over."""
    rng = np.random.default_rng(0)
    answers = np.where(rng.random((200, 200)) < 0.5, 0, rng.integers(1, 100, (200, 200)))
    start = time.process_time()
    found = majority_at_k(answers, np.zeros(200, int), [50, 100], rng=0)
    assert time.process_time() - start < 20  # a few seconds on a machine that does nothing else
    assert found.method.endswith("sampled votes")
    assert (found.estimate > 0.99).all()


def test_work_grows_with_what_is_held():
    assert exact_work(np.array([10**7, 3]), 10**6) > 1e9
    assert exact_work(np.array([50, 50]), 20) < 1e6


ANSWERS = [["4", "4", "5", "4"], ["7", "8", "8", "9"], ["1", "2", "1", "2"]]
VALUES = [1.0, 1 / 6, 0.5]


def test_every_form_of_answers_gives_the_same():
    truth = ["4", "7", "1"]
    forms = [ANSWERS, np.array(ANSWERS), np.array(ANSWERS, dtype=int), [[*row, None] for row in ANSWERS]]
    pd = require("pandas")
    rows = [(f"question {i}", answer) for i, row in enumerate(ANSWERS) for answer in row]
    forms += [pd.DataFrame(ANSWERS), pd.DataFrame(rows, columns=["question", "answer"])]
    for form in forms:
        y = np.array(truth, dtype=int) if isinstance(form, np.ndarray) and form.dtype.kind == "i" else truth
        assert majority_at_k(form, y, 3, average=None) == pytest.approx(VALUES)
    counts = [[3, 1, 0], [1, 2, 1], [2, 2, 0]]
    assert majority_at_k(counts, [0, 0, 0], 3, form="counts", average=None) == pytest.approx(VALUES)
    assert majority_at_k(np.array(counts)[:, ::-1], [2, 2, 2], 3, form="counts", average=None) == pytest.approx(VALUES)


def test_a_right_answer_that_was_never_given_wins_nothing():
    assert majority_at_k(ANSWERS, ["6", "6", "6"], [1, 2], average=None).tolist() == [[0.0, 0.0]] * 3


@pytest.mark.parametrize(("answers", "y"), [(ANSWERS, [4, 7, 1]), (np.array(ANSWERS, dtype=int), ["4", "7", "1"])])
def test_right_answers_of_another_type_are_refused(answers, y):
    with pytest.raises(InputError, match="written as the answers are"):
        majority_at_k(answers, y, 1)


def test_several_k_clusters_and_few_questions():
    found = majority_at_k(ANSWERS, ["4", "7", "1"], [1, 3])
    assert found.names == ("majority@1", "majority@3")
    assert found.estimate == pytest.approx([(0.75 + 0.25 + 0.5) / 3, np.mean(VALUES)])
    with pytest.warns(SmallSampleWarning, match="2 clusters") as caught:
        clustered = majority_at_k(ANSWERS, ["4", "7", "1"], 3, groups=[0, 0, 1], method="cluster")
    assert caught[0].filename == __file__
    assert clustered.n_groups == 2


def test_too_few_answers():
    ragged = [["a", "a", "b"], ["a"]]
    with pytest.raises(InputError, match=r"k must not exceed.*k=2 for 1 in row 1"):
        majority_at_k(ragged, ["a", "a"], 2)
    assert np.isnan(majority_at_k(ragged, ["a", "a"], 2, average=None, too_few="omit")).tolist() == [False, True]
    found = majority_at_k([*ragged, ["b", "a"]], ["a", "a", "a"], 2, too_few="omit")
    assert (found.n, found.n_dropped) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"answers": []}, "answers"),
        ({"answers": "abc"}, "answers"),
        ({"answers": [["a", ["b"]]] * 3}, "answers"),
        ({"y": ["a"]}, "y must hold the right answer of each question"),
        ({"y": ["a", None, "b"]}, "missing"),
        ({"k": 5}, "k must not exceed"),
        ({"k": 0}, "k must be"),
        ({"form": "votes"}, "form"),
        ({"form": "counts", "answers": [[1, -1]], "y": [0]}, "whole numbers of votes"),
        ({"form": "counts", "answers": [[1.5, 1]], "y": [0]}, "whole numbers of votes"),
        ({"form": "counts", "answers": [[10**9, 1]], "y": [0]}, "below 10"),
        ({"form": "counts", "answers": [[1, 1]], "y": [2]}, "place of the right answer"),
        ({"form": "counts", "answers": [[1, 1]], "y": [0, 1]}, "place of the right answer"),
        ({"form": "counts", "answers": [[0, 0]], "y": [0], "k": 1}, "k must not exceed"),
        ({"method": "normal"}, "method"),
        ({"groups": [0, 0, 0]}, "groups"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(InputError, match=match):
        majority_at_k(**{"answers": ANSWERS, "y": ["4", "7", "1"], "k": 3, **arguments})
