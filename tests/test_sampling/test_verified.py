"""Sampling behind a verifier that errs: attempt by attempt by hand, the published toy example, and every limit."""

import numpy as np
import pytest

from uq import Curve
from uq.exceptions import InputError
from uq.sampling import verified_sampling

TOY = {"rates": [0.87, 0.13], "sample_weight": [0.58, 0.42], "completeness": 1, "soundness": 0.75}


def by_hand(rates, share, c, s, penalty, cost, k):
    """Value, P(accepted and correct) and P(accepted) of at most k attempts, one attempt after the other."""
    value = correct = accepted = 0.0
    for r, w, complete, sound in zip(rates, share, c, s, strict=True):
        reached = w
        for _ in range(k):
            right, wrong = complete * r, (1 - sound) * (1 - r)
            value += reached * (right - penalty * wrong - cost)
            correct += reached * right
            accepted += reached * (right + wrong)
            reached *= (1 - complete) * r + sound * (1 - r)
    return value, correct, accepted


def random_case(rng, *, common=False):
    n = int(rng.integers(1, 5))
    c, s = (np.full(n, rng.random()) if common else rng.random(n) for _ in range(2))
    share = rng.dirichlet(np.ones(n))
    return rng.random(n), share, c, s, 3 * rng.random() * rng.integers(0, 2), 0.3 * rng.random() * rng.integers(0, 2)


def ask(case, k):
    rates, share, c, s, penalty, cost = case
    return verified_sampling(rates, share, completeness=c, soundness=s, penalty=penalty, cost=cost, max_attempts=k)


@pytest.mark.parametrize("seed", range(20))
def test_curves_are_those_of_attempts_made_one_by_one(seed):
    case = random_case(np.random.default_rng(seed))
    result = ask(case, 12)
    assert result.value.y[0] == 0
    for k in range(1, 13):
        value, correct, accepted = by_hand(*case, k)
        assert result.value.y[k] == pytest.approx(value, abs=1e-13)
        assert result.accuracy.y[k - 1] == pytest.approx(correct, abs=1e-13)
        assert result.conditional_accuracy.y[k - 1] == pytest.approx(correct / accepted, abs=1e-12)


def published_notebook(rates, share, soundness, penalty, k):
    """The notebook's recursion: the gain under the posterior of the types, times the posterior mean rejection."""
    r, prior = np.array(rates), np.array(share)
    b = soundness * (1 - r)
    total = 0.0
    for j in range(1, k + 1):
        posterior = prior * b ** (j - 1) / (prior @ b ** (j - 1))
        gain = posterior @ (r - penalty * (1 - soundness) * (1 - r))
        total += gain * (posterior @ b ** (j - 1))
    return total


def test_the_toy_example_and_what_the_published_notebook_says_of_it():
    result = verified_sampling(**TOY, penalty=1, max_attempts=10)
    assert round(result.value.y[2], 4) == 0.4724
    assert result.value.y[5] == pytest.approx(0.44498, abs=5e-6)
    assert round(published_notebook(TOY["rates"], TOY["sample_weight"], 0.75, 1, 2), 4) == 0.4884
    best = [verified_sampling(**TOY, penalty=p, max_attempts=50).best_attempts for p in (0.7, 1, 2)]
    assert best == [3, 2, 1]


def test_accuracy_if_accepted_falls_to_where_the_accuracy_rises_to():
    result = verified_sampling(**TOY, penalty=1, max_attempts=300)
    conditional = result.conditional_accuracy.y
    assert conditional[[0, 1, 4, 19]].round(3).tolist() == [0.835, 0.79, 0.734, 0.716]
    assert (np.diff(conditional) <= 1e-15).all()
    assert (np.diff(result.accuracy.y) >= -1e-15).all()
    assert result.accuracy.y[-1] == pytest.approx(result.ceiling, abs=1e-9)
    assert conditional[-1] == pytest.approx(result.ceiling, abs=1e-9)


def test_monte_carlo_agrees():
    rng = np.random.default_rng(3)
    rates, share, c, s, penalty, cost, k, runs = [0.6, 0.2], [0.3, 0.7], 0.8, 0.7, 0.5, 0.02, 4, 200_000
    r = np.array(rates)[rng.choice(2, runs, p=share)]
    value, done = np.zeros(runs), np.zeros(runs, bool)
    for _ in range(k):
        value -= cost * ~done
        correct = rng.random(runs) < r
        accepted = rng.random(runs) < np.where(correct, c, 1 - s)
        value += np.where(~done & accepted, np.where(correct, 1.0, -penalty), 0.0)
        done |= accepted
    result = verified_sampling(rates, share, completeness=c, soundness=s, penalty=penalty, cost=cost, max_attempts=k)
    assert abs(value.mean() - result.value.y[k]) < 4 * value.std() / np.sqrt(runs)


def best_by_search(case, k):
    """The smallest number of attempts with the largest value, all numbers up to 4000 and the limit compared."""
    values = np.array([by_hand(*case, j)[0] for j in range(k + 1)])
    return int(np.argmax(values > values.max() - 1e-13)), values.max()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_the_best_number_is_a_global_maximum(seed):
    case = random_case(np.random.default_rng(1000 + seed), common=seed % 2)
    result = ask(case, 40)
    best, value = best_by_search(case, 40)
    limit = by_hand(*case, 4000)[0]
    assert result.best_value >= max(value, limit) - 1e-12
    if np.isinf(result.best_attempts):
        assert limit > value - 1e-12
    else:
        assert result.best_attempts == best


def test_stopping_at_the_first_attempt_that_loses_would_be_wrong():
    """Completeness plus soundness below 1: what is rejected is more often right, and the gain comes late."""
    share = np.array([0.9, 0.6]) / 1.5
    result = ask(([0.56, 0.98], share, [0.1, 0.1], [0.3, 0.3], 0.6, 0.0), 60)
    increments = np.diff(result.value.y)
    assert increments[0] < -0.01
    assert (increments[9:] > 0).all()
    assert result.best_attempts == np.inf
    assert round(result.best_value, 4) == 0.1077


def test_increments_that_no_double_can_show_still_make_infinity_best():
    result = verified_sampling([0.9], completeness=1, soundness=1, max_attempts=5000)
    assert result.best_attempts == np.inf
    assert result.best_value == pytest.approx(1)
    assert verified_sampling([0.9], completeness=1, soundness=1, cost=0.95, max_attempts=9).best_attempts == 0
    assert verified_sampling([1.0], completeness=1, soundness=1, cost=0.1, max_attempts=9).best_attempts == 1


def test_problems_that_are_never_accepted():
    result = verified_sampling([0.0, 0.5], completeness=1, soundness=1, max_attempts=60)
    assert result.ceiling == pytest.approx(0.5)
    assert result.conditional_accuracy.y[-1] == pytest.approx(1.0)
    paid = verified_sampling([0.0, 0.5], completeness=1, soundness=1, cost=0.01, max_attempts=200)
    assert np.isfinite(paid.best_attempts)
    assert paid.value.y[200] == pytest.approx(by_hand([0, 0.5], [0.5, 0.5], [1, 1], [1, 1], 0, 0.01, 200)[0])
    nothing = verified_sampling([0.3], completeness=0, soundness=1, max_attempts=3)
    assert nothing.conditional_accuracy is None
    assert nothing.best_attempts == 0
    assert nothing.ceiling == 0


def test_weights_are_shares_and_repeated_problems_are_weights():
    one = verified_sampling([0.2, 0.2, 0.9], completeness=0.9, soundness=0.6, max_attempts=4)
    two = verified_sampling([0.2, 0.9], [2e9, 1e9], completeness=0.9, soundness=0.6, max_attempts=4)
    assert np.allclose(one.value.y, two.value.y, rtol=1e-14)
    assert verified_sampling([0.2, 0.9], [1, 0], completeness=1, soundness=1, max_attempts=4).ceiling == 1


def test_the_result_prints_and_plots(axes):
    result = verified_sampling(**TOY, max_attempts=3)
    assert isinstance(result.value, Curve)
    assert "best to allow" in str(result)
    assert list(result.to_frame()["attempts"]) == [1, 2, 3]
    assert result.plot(axes) is axes


@pytest.mark.parametrize(
    "change",
    [
        {"rates": [1.2]},
        {"rates": []},
        {"rates": [np.nan]},
        {"completeness": 1.5},
        {"soundness": [0.5]},
        {"soundness": "high"},
        {"penalty": -1},
        {"cost": np.inf},
        {"max_attempts": 0},
        {"max_attempts": 10**9},
        {"sample_weight": [0, 0]},
        {"sample_weight": [1, -1]},
    ],
    ids=str,
)
def test_bad_input_is_refused(change):
    with pytest.raises(InputError, match="verified_sampling: "):
        verified_sampling(**{**TOY, "max_attempts": 3, **change})


def test_a_gain_of_nothing_does_not_go_on_for_ever():
    """The value of each attempt is .45 - .35 - .1 = 0, up to rounding."""
    result = verified_sampling([0.5], completeness=0.9, soundness=0.3, penalty=1, cost=0.1, max_attempts=10)
    assert (result.best_attempts, result.best_value) == (0, 0.0)


def test_a_verifier_that_accepts_next_to_nothing_is_waited_for():
    """One over the rate of acceptance is no float; what is gained over it is."""
    found = verified_sampling([0.5], completeness=1e-320, soundness=1.0, max_attempts=3)
    assert found.best_attempts == np.inf
    assert found.best_value == pytest.approx(1.0)
    assert found.ceiling == pytest.approx(1.0)
