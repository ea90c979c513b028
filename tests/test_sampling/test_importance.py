"""Importance weights: finite laws by hand, normal rewards in closed form, saturation, and another proposal."""

import warnings

import numpy as np
import pytest
from scipy import stats

from uq.exceptions import InputError, SmallSampleWarning
from uq.sampling import importance_summary


def quiet(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        return importance_summary(*arguments, **options)


@pytest.mark.parametrize("seed", range(10))
def test_divergences_of_a_finite_law_by_hand(seed):
    """Each point of the proposal drawn once: the empirical divergences are those of two laws on these points."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    logs = rng.normal(size=n) * 2
    p, q = np.exp(logs) / np.exp(logs).sum(), np.full(n, 1 / n)
    result = quiet(logs + 700)  # a constant moves log Z alone
    assert result.log_z.estimate == pytest.approx(np.log(np.exp(logs).mean()) + 700)
    assert result.kl_target == pytest.approx(stats.entropy(p, q))
    assert result.kl_proposal == pytest.approx(stats.entropy(q, p))
    assert result.chi_square == pytest.approx(((p - q) ** 2 / q).sum())
    assert result.total_variation == pytest.approx(np.abs(p - q).sum() / 2)
    assert result.ess == pytest.approx(1 / (p**2).sum())
    w = np.exp(logs)
    assert result.log_z.std_error == pytest.approx(w.std() / w.mean() / np.sqrt(n))


def test_normal_rewards_in_closed_form():
    """Rewards of sd 1 at beta 1: log Z, KL both ways are 1/2, chi-square e - 1."""
    rewards = np.random.default_rng(0).normal(size=50_000)
    result = importance_summary(rewards)
    assert result.log_z.estimate == pytest.approx(0.5, abs=0.02)
    assert (result.kl_target, result.kl_proposal) == pytest.approx((0.5, 0.5), abs=0.03)
    assert result.chi_square == pytest.approx(np.e - 1, rel=0.1)
    assert result.total_variation == pytest.approx(2 * stats.norm.cdf(0.5) - 1, abs=0.01)
    assert result.khat < 0.7
    assert result.guarantee == "asymptotic"


def test_a_tilted_optimum_is_beta_log_z():
    beta, rewards = 0.7, np.random.default_rng(1).normal(size=2000)
    result = importance_summary(rewards / beta)
    w = np.exp(rewards / beta)
    tilted = (w * rewards).sum() / w.sum()
    assert tilted - beta * result.kl_target == pytest.approx(beta * result.log_z.estimate, abs=1e-12)
    assert result.kl_proposal == pytest.approx(result.log_z.estimate - rewards.mean() / beta, abs=1e-12)


def test_another_proposal():
    """Draws from q, target a exp(r / beta): divergences from a by self-normalised weights of both."""
    rng = np.random.default_rng(2)
    x = rng.normal(0.3, 1.3, size=200_000)
    log_a, log_q = stats.norm.logpdf(x), stats.norm.logpdf(x, 0.3, 1.3)
    result = importance_summary(log_a + x - log_q, log_reference=log_a - log_q)
    assert result.kl_target_reference == pytest.approx(0.5, abs=0.02)
    assert result.kl_reference_target == pytest.approx(0.5, abs=0.02)
    truth = np.log(1.3) + (1 + 0.7**2) / (2 * 1.3**2) - 0.5  # KL(N(1, 1) || N(.3, 1.3^2))
    assert result.kl_target == pytest.approx(truth, abs=0.01)
    same = importance_summary(x[:2000] * 0.5, log_reference=np.full(2000, 3.0))
    assert same.kl_target_reference == pytest.approx(same.kl_target, abs=1e-12)
    assert same.kl_reference_target == pytest.approx(same.kl_proposal, abs=1e-12)


@pytest.mark.parametrize(("sd", "seen"), [(3, (2, 4)), (6, (4, 7.5))], ids=["3", "6"])
def test_saturation_is_told(sd, seen):
    """KL is sd^2 / 2 = 4.5 and 18; 2000 draws cannot show more than log 2000 = 7.6."""
    rewards = sd * np.random.default_rng(0).normal(size=2000)
    with pytest.warns(SmallSampleWarning, match="saturates"):
        result = importance_summary(rewards)
    assert seen[0] < result.kl_target < seen[1] < np.log(2000) < 7.61
    assert result.kl_target < np.log(2000)
    assert result.guarantee == result.log_z.guarantee == "none"


def test_weights_of_zero_and_equal_weights():
    result = quiet([0.0, -np.inf, 0.0, 0.0])
    assert result.kl_proposal == np.inf
    assert result.ess == pytest.approx(3)
    assert result.log_z.estimate == pytest.approx(np.log(3 / 4))
    assert result.total_variation == pytest.approx(1 / 4)
    equal = importance_summary(np.full(100, -5.0))
    assert (equal.kl_target, equal.kl_proposal, equal.chi_square) == pytest.approx((0, 0, 0), abs=1e-12)
    assert equal.log_z.estimate == -5
    assert quiet([2.0]).ess == 1


def test_rewards_of_0_or_1_have_no_tail():
    right = np.arange(2000) % 10 < 3
    result = importance_summary(right / 0.5)
    z = 0.7 + 0.3 * np.exp(2)
    assert result.khat == -np.inf
    assert result.guarantee == "asymptotic"
    assert result.log_z.estimate == pytest.approx(np.log(z))
    assert result.kl_target == pytest.approx(0.3 * np.exp(2) / z * 2 - np.log(z))


def test_a_reference_that_the_draws_do_not_tell_is_told():
    r = np.random.default_rng(0).normal(size=2000)
    with pytest.warns(SmallSampleWarning, match="do not tell the reference") as caught:
        result = importance_summary(r / 10, log_reference=6 * r)  # N(.1, 1) and N(6, 1): KL is 17.4 both ways
    assert caught[0].filename == __file__
    assert result.guarantee == "none"
    assert result.log_z.guarantee == "asymptotic"
    assert importance_summary(r / 10, log_reference=r / 5).guarantee == "asymptotic"


def test_extreme_weights_stay_finite():
    for logs in ([1e150, -1e150], [-1e300 / 1e160, 0.0], [700.0, -800.0, 0.0]):
        result = quiet(logs)
        assert np.isfinite(result.log_z.estimate)
        assert result.kl_proposal >= 0


def test_the_result_prints_and_plots(axes):
    result = quiet([0.0, 1.0, 2.0], log_reference=[0.0, 0.0, 1.0])
    assert "kl_reference_target" in str(result)
    assert "k-hat" in repr(result)
    assert result.plot(axes) is axes


@pytest.mark.parametrize("logs", [[], [np.nan], [np.inf], [-np.inf], "abc", [[1.0, 2.0]], None, [1e300]], ids=str)
def test_bad_weights_are_refused(logs):
    with pytest.raises(InputError, match="importance_summary: "):
        importance_summary(logs)


def test_a_reference_of_another_length_is_refused():
    with pytest.raises(InputError, match="one entry per draw"):
        importance_summary([0.0, 1.0], log_reference=[0.0])
