"""Reward calibration: counts by hand, strata, ties, what fit_transform means, and the contract of estimators."""

import numpy as np
import pytest
from contracts import CONTAINERS, OutputEstimatorContract, in_container
from scipy import stats
from sklearn.base import clone

from uq.exceptions import InputError
from uq.sampling import RewardCalibration


class TestContract(OutputEstimatorContract):
    changes_under_weights = False

    @pytest.fixture
    def estimator(self):
        return RewardCalibration()

    def bad_fits(self, outputs, y):
        bad = super().bad_fits(outputs, y)
        del bad["fewer y"]  # there is no truth to pair with
        return bad


def by_hand(reference, rewards):
    return [(sum(r < x for r in reference) + sum(r == x for r in reference) / 2) / len(reference) for x in rewards]


@pytest.mark.parametrize("seed", range(10))
def test_quantiles_by_counting(seed):
    rng = np.random.default_rng(seed)
    reference, rewards = rng.integers(0, 6, 17) / 4, rng.integers(-1, 8, 40) / 4
    calibration = RewardCalibration().fit(reference)
    assert calibration.transform(rewards).tolist() == by_hand(reference, rewards)


def test_in_sample_values_are_mid_ranks():
    rewards = np.random.default_rng(0).integers(0, 5, 30).astype(float)
    values = RewardCalibration().fit_transform(rewards)
    assert np.allclose(values, (stats.rankdata(rewards) - 0.5) / 30, atol=1e-15)
    assert np.array_equal(values, RewardCalibration().fit(rewards).transform(rewards))


def test_each_prompt_has_its_own_references():
    rng = np.random.default_rng(1)
    strata = rng.permutation(np.repeat(["a", "b", "c"], [4, 1, 20]))
    reference = rng.normal(size=25)
    calibration = RewardCalibration().fit(reference, strata=strata)
    assert calibration.strata_.tolist() == ["a", "b", "c"]
    assert calibration.n_reference_.tolist() == [4, 1, 20]
    at = np.array(list("cabbac"))
    rewards = rng.normal(size=6)
    found = calibration.transform(rewards, strata=at)
    expected = [by_hand(reference[strata == s], [r])[0] for r, s in zip(rewards, at, strict=True)]
    assert found.tolist() == expected
    numbers = RewardCalibration().fit([1.0, 2.0, 3.0], strata=[7, 7, 3])
    assert numbers.transform([1.5, 9.0], strata=[7, 3]).tolist() == [0.5, 1.0]


def test_a_reward_with_atoms_has_the_variance_that_is_said():
    levels = np.repeat([0.0, 1.0, 2.0], [20, 50, 30])
    values = RewardCalibration().fit_transform(levels)
    assert values.mean() == pytest.approx(0.5)
    assert values.var() == pytest.approx((1 - (0.2**3 + 0.5**3 + 0.3**3)) / 12)


def test_a_new_reward_without_ties_is_uniform_on_ranks():
    rng = np.random.default_rng(0)
    found = [RewardCalibration().fit(row[:4]).transform(row[4:])[0] for row in rng.normal(size=(4000, 5))]
    counts = np.bincount(np.rint(np.array(found) * 4).astype(int), minlength=5)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_give_the_same_numbers(container):
    rewards = np.array([0.5, 1.5, 1.5, -2.0])
    given = in_container(container, rewards)
    assert np.array_equal(
        np.ravel(RewardCalibration().fit_transform(given)), RewardCalibration().fit_transform(rewards)
    )


def test_columns_are_vectors_and_clones_start_empty():
    calibration = RewardCalibration().fit([[1.0], [2.0]])
    assert calibration.transform([[1.5], [0.0]]).shape == (2,)
    assert calibration.transform([1.5]).shape == (1,)
    assert not hasattr(clone(calibration), "strata_")


def test_what_is_refused():
    pooled = RewardCalibration().fit([1.0, 2.0])
    strata = RewardCalibration().fit([1.0, 2.0], strata=["a", "b"])
    for calibration, options in ((pooled, {"strata": ["a"]}), (strata, {}), (strata, {"strata": ["a", "b"]})):
        with pytest.raises(InputError, match=r"RewardCalibration\.transform: strata must"):
            calibration.transform([1.0], **options)
    with pytest.raises(InputError, match="prompts that fit has seen; got c in row 0"):
        strata.transform([1.0], strata=["c"])
    with pytest.raises(InputError, match=r"RewardCalibration\.fit: rewards must be finite"):
        pooled.fit([np.nan])
    with pytest.raises(InputError, match="one label per row"):
        pooled.fit([1.0, 2.0], strata=["a"])
    assert pooled.transform([1.5]).tolist() == [0.5]  # nothing was changed by refusals
