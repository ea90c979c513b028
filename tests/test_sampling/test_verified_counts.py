"""Counts behind a verifier: averages over all orders, and unbiasedness by enumeration of all outcomes."""

import itertools
import math

import numpy as np
import pytest

from uq.exceptions import InputError, SmallSampleWarning
from uq.sampling import verified_sampling, verified_sampling_from_counts
from uq.sampling._verified_counts import _per_problem

pytestmark = pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")


def over_orders(correct, accepted, trials, penalty, cost, k):
    """Average value, accuracy and P(accepted) over every order of the samples."""
    samples = ["right"] * correct + ["wrong"] * (accepted - correct) + ["rejected"] * (trials - accepted)
    found = []
    for order in itertools.permutations(samples):
        value = right = answered = 0.0
        for sample in order[:k]:
            value -= cost
            if sample != "rejected":
                value += 1.0 if sample == "right" else -penalty
                right, answered = float(sample == "right"), 1.0
                break
        found.append((value, right, answered))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("counts", [(2, 3, 5), (0, 0, 4), (0, 2, 4), (4, 4, 4), (1, 1, 6), (3, 5, 5)], ids=str)
def test_each_problem_is_the_average_over_all_orders(counts):
    columns = [np.array([float(x)]) for x in counts]
    n = counts[2]
    value, accuracy, answered = _per_problem(*columns, 0.7, 0.05, n)
    for k in range(1, n + 1):
        expected = over_orders(*counts, 0.7, 0.05, k)
        assert (value[0, k - 1], accuracy[0, k - 1], answered[0, k - 1]) == pytest.approx(tuple(expected), abs=1e-13)


def test_unbiased_for_every_number_of_attempts():
    """Every outcome of n samples with its probability: the mean is the value for known rates."""
    r, c, s, penalty, cost, n = 0.35, 0.8, 0.6, 0.5, 0.04, 6
    right, wrong = c * r, (1 - s) * (1 - r)
    mean = np.zeros((2, n))
    for a in range(n + 1):
        for b in range(n + 1 - a):
            rest = n - a - b
            p = math.factorial(n) / (math.factorial(a) * math.factorial(b) * math.factorial(rest))
            p *= right**a * wrong**b * (1 - right - wrong) ** rest
            counts = [np.array([float(x)]) for x in (a, a + b, n)]
            value, accuracy, _ = _per_problem(*counts, penalty, cost, n)
            mean += p * np.vstack([value, accuracy])
    exact = verified_sampling([r], completeness=c, soundness=s, penalty=penalty, cost=cost, max_attempts=n)
    assert mean[0] == pytest.approx(exact.value.y[1:], abs=1e-14)
    assert mean[1] == pytest.approx(exact.accuracy.y, abs=1e-14)


COUNTS = {"n_accepted_correct": [3, 0, 5, 1, 2], "n_accepted": [4, 2, 5, 1, 6], "n_trials": [8, 8, 8, 9, 8]}


def test_bands_hold_their_curves_and_do_not_depend_on_the_workers():
    one, two = (
        verified_sampling_from_counts(**COUNTS, penalty=1, cost=0.01, rng=0, n_resamples=199, n_jobs=jobs)
        for jobs in (None, 2)
    )
    assert one == two
    for curve in (one.value, one.accuracy, one.conditional_accuracy):
        assert (curve.lower <= curve.y + 1e-12).all()
        assert (curve.y <= curve.upper + 1e-12).all()
    assert one.ceiling == one.accuracy.y[-1]
    assert one.best_value == one.value.y.max()
    assert one.value.y[one.best_attempts] == one.best_value


def test_clusters_widen_the_bands():
    rng = np.random.default_rng(0)
    rates = np.repeat(rng.beta(0.5, 0.5, 25), 4)
    correct = rng.binomial(10, rates)
    counts = {"n_accepted_correct": correct, "n_accepted": correct, "n_trials": np.full(100, 10)}
    alone = verified_sampling_from_counts(**counts, rng=0, n_resamples=499)
    together = verified_sampling_from_counts(**counts, groups=np.repeat(np.arange(25), 4), rng=0, n_resamples=499)
    assert np.allclose(alone.accuracy.y, together.accuracy.y)
    wide, narrow = (r.accuracy.upper - r.accuracy.lower for r in (together, alone))
    assert (wide[:3] > 1.5 * narrow[:3]).all()


def test_problems_that_do_not_vary_say_nothing_about_the_error():
    with pytest.warns(SmallSampleWarning, match="all problems have the same value"):
        result = verified_sampling_from_counts(
            n_accepted_correct=[4] * 40, n_accepted=[4] * 40, n_trials=[4] * 40, penalty=2, rng=0, n_resamples=19
        )
    assert (result.accuracy.lower == 0).all()
    assert (result.accuracy.upper == 1).all()
    assert (result.value.lower[1:] == -2).all()
    with pytest.warns(SmallSampleWarning, match="collect at least 30"):
        verified_sampling_from_counts(**COUNTS, rng=0, n_resamples=19)


def test_nothing_accepted():
    result = verified_sampling_from_counts(
        n_accepted_correct=[0, 0], n_accepted=[0, 0], n_trials=[3, 4], rng=0, n_resamples=19
    )
    assert result.conditional_accuracy is None
    assert result.ceiling == 0


@pytest.mark.parametrize(
    "change",
    [
        {"n_accepted_correct": [5, 0, 5, 1, 2]},
        {"n_accepted": [9, 2, 5, 1, 6]},
        {"n_trials": [8, 8, 8, 9]},
        {"n_trials": [8, 8, 8, 9, 0.5]},
        {"n_accepted": [-1, 2, 5, 1, 6]},
        {"max_attempts": 9},
        {"groups": [1, 1, 1, 1, 1]},
        {"confidence_level": 1},
        {"n_resamples": 0},
        {"penalty": "big"},
    ],
    ids=str,
)
def test_bad_input_is_refused(change):
    with pytest.raises(InputError, match="verified_sampling_from_counts: "):
        verified_sampling_from_counts(**{**COUNTS, **change})


def test_one_number_of_trials_serves_all_problems():
    correct, accepted = np.arange(6), np.arange(6) + 2
    one, each = (
        verified_sampling_from_counts(
            n_accepted_correct=correct, n_accepted=accepted, n_trials=n, rng=0, n_resamples=99
        )
        for n in (9, [9] * 6)
    )
    assert one.value.lower.tolist() == each.value.lower.tolist()
