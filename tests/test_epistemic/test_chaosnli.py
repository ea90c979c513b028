"""Real votes: two of a hundred per item calibrate, the other ninety-eight judge."""

import numpy as np
import pytest
from contracts import require, require_data

from uq.epistemic import (
    PairDistribution,
    ScaledVariance,
    SecondOrderCalibration,
    decompose_samples,
    second_order_calibration_error,
    second_order_score,
    selective_answer,
    squared_error_ustatistic,
)

NAMES = ("roberta0", "roberta1", "roberta2", "bert0", "bert1")


@pytest.fixture(scope="module")
def items():
    """Return the members' probabilities (5, n, 3), two votes of each item, and the rest of them."""
    pd = require("pandas")
    frame = pd.read_parquet(require_data("epistemic/chaosnli_snli.parquet"))
    logits = np.stack([frame[[f"logit_{name}_{k}" for k in "enc"]].to_numpy(float) for name in NAMES])
    p = np.exp(logits - logits.max(axis=2, keepdims=True))
    votes = frame[["n_e", "n_n", "n_c"]].to_numpy(int)
    rng = np.random.default_rng(0)
    two = np.array([rng.multivariate_hypergeometric(row, 2) for row in votes])
    return p / p.sum(axis=2, keepdims=True), two, votes - two


@pytest.mark.parametrize("bound", ["betting", "empirical_bernstein", "hoeffding"])
def test_factor_holds_on_other_items(items, bound):
    members, two, rest = items
    half = len(two) // 2
    scaled = ScaledVariance("ensemble").fit(members[:, :100], two[:100])
    pairs = scaled.predict_pair(members)
    fitted = SecondOrderCalibration(bound, floor=0.02).fit(pairs[100:half], two[100:half])
    # the mean ratio of the other items, from ninety-eight votes each
    top = pairs.marginal.argmax(axis=1)[half:, None]
    error = np.take_along_axis(squared_error_ustatistic(rest[half:], pairs.marginal[half:]), top, axis=1)
    variance = np.take_along_axis(pairs.epistemic_variance[half:], top, axis=1)
    assert fitted.factor_ > np.mean(error / np.maximum(variance, 0.02))
    low, high = fitted.predict_interval(pairs[half:], 0.9)
    share = np.take_along_axis(rest[half:] / 98, top, axis=1)[:, 0]
    assert np.mean((low <= share) & (share <= high)) > 0.9


def test_one_parameter_beats_the_raw_ensemble_once_the_probabilities_are_tempered(items):
    members, two, rest = items
    members = members ** (1 / 3)  # a temperature of 3: as they come, they are so sure that no factor of p (1 - p) helps
    members /= members.sum(axis=2, keepdims=True)
    raw = ScaledVariance("ensemble").fit(members, two)
    unscaled = raw.predict_pair(members)
    covariance = unscaled.covariance / raw.scale_
    m = unscaled.marginal
    unscaled = PairDistribution(covariance + m[:, :, None] * m[:, None, :])
    rho = ScaledVariance().fit(m[:500], two[:500]).predict_pair(m)
    plain, ours = (second_order_calibration_error(rest[500:], pairs[500:]) for pairs in (unscaled, rho))
    assert ours.error < 0.6 * plain.error
    assert ours.score < plain.score
    assert ours.score == pytest.approx(second_order_score(rest[500:], rho[500:]))
    # two votes see the same as ninety-eight, with more noise
    few = second_order_calibration_error(two[500:], rho[500:])
    assert few.noise_floor > ours.noise_floor
    assert few.squared_error == pytest.approx(ours.squared_error, abs=0.05)


def test_parts_and_answers_on_real_outputs(items):
    members, two, _ = items
    parts = decompose_samples(members)
    assert (parts.epistemic >= 0).all()
    pairs = ScaledVariance().fit(members.mean(axis=0), two).predict_pair(members.mean(axis=0))
    chosen = [selective_answer(pairs, most, "argmax").answered for most in (0.05, 0.2, 0.5)]
    assert chosen == sorted(chosen)
    assert chosen[-1] > 0.5
    votes = PairDistribution.from_counts(two, pairs.marginal.argmax(axis=1))
    assert votes.diagnose().least_eigenvalue.min() > -0.02
