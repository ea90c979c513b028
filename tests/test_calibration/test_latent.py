"""The latent Brier score: unbiased by enumeration, and the plain loop."""

import math
from fractions import Fraction

import numpy as np
import pytest
from contracts import CONTAINERS, in_container
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration import latent_brier_score
from uq import estimate_metric
from uq.exceptions import InputError


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 12), st.integers(0, 8), st.integers(0, 8))
def test_unbiased_at_any_number_of_trials(m, p_eighths, q_eighths):
    """Every possible count, weighted by its exact probability."""
    p, q = Fraction(p_eighths, 8), Fraction(q_eighths, 8)
    law = [float(math.comb(m, c) * p**c * (1 - p) ** (m - c)) for c in range(m + 1)]
    scores = [latent_brier_score([c], m, [float(q)]) for c in range(m + 1)]
    assert np.dot(law, scores) == pytest.approx(float((q - p) ** 2), abs=1e-13)


def test_the_plain_loop():
    rng = np.random.default_rng(0)
    m = rng.integers(2, 30, 40)
    c, q, w = rng.binomial(m, 0.4), rng.random(40), rng.random(40)
    terms = [(b - a / n) ** 2 - a * (n - a) / (n**2 * (n - 1)) for a, n, b in zip(c, m, q, strict=True)]
    assert latent_brier_score(c, m, q) == pytest.approx(np.mean(terms))
    assert latent_brier_score(c, m, q, sample_weight=w) == pytest.approx(np.average(terms, weights=w))
    assert latent_brier_score(c, m, q, groups=m) == latent_brier_score(c, m, q)
    assert latent_brier_score(c, m, q, sample_weight=w * 1e149) == pytest.approx(np.average(terms, weights=w))


def test_it_may_be_negative_and_the_raw_score_is_too_large():
    rng = np.random.default_rng(1)
    p = rng.beta(2, 2, 20000)
    c = rng.binomial(5, p)
    score = latent_brier_score(c, 5, p)
    assert abs(score) < 5e-3
    assert np.mean((p - c / 5) ** 2) > 0.03
    assert latent_brier_score([1], 2, [0.5]) == -0.25


def test_its_interval():
    rng = np.random.default_rng(2)
    p = rng.beta(2, 2, 400)
    q = np.clip(p + 0.2, 0, 1)
    m = rng.integers(2, 9, 400)
    counts = np.column_stack([rng.binomial(m, p), m])
    options = {"n_resamples": 499, "rng": 1, "groups": np.arange(400) // 2}
    estimate = estimate_metric(lambda y, q: latent_brier_score(*y.T, q), counts, q, **options)
    assert estimate.estimate == pytest.approx(latent_brier_score(*counts.T, q))
    assert estimate.conf_int().contains(np.mean((q - p) ** 2))


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container):
    c, m, q = np.array([1.0, 0.0, 4.0]), np.array([2.0, 3.0, 4.0]), np.array([0.5, 0.25, 1.0])
    wanted = latent_brier_score(c, m, q)
    assert latent_brier_score(*(in_container(container, a) for a in (c, m, q))) == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize(
    ("c", "m", "q", "options", "message"),
    [
        ([1], 1, [0.5], {}, "at least 2"),
        ([1, 1], [2, 1], [0.5, 0.5], {}, "at least 2"),
        ([1, 1], [2, 2.5], [0.5, 0.5], {}, "n_trials"),
        ([3], 2, [0.5], {}, "n_correct must be whole"),
        ([-1], 2, [0.5], {}, "n_correct must be whole"),
        ([0.5], 2, [0.5], {}, "n_correct must be whole"),
        ([1], 2, [1.5], {}, "probabilities"),
        ([1], 2, [[0.5, 0.5]], {}, "one probability per row"),
        ([1, 1], 2, [0.5], {}, "as many rows"),
        ([1, 1], [2], [0.5, 0.5], {}, "n_trials must have as many rows"),
        ([], 2, [], {}, "at least one row"),
        ([np.nan], 2, [0.5], {}, "finite"),
        ([1], np.nan, [0.5], {}, "finite"),
        ([1], None, [0.5], {}, "n_trials"),
        ([1], "2", [0.5], {}, "n_trials"),
        ([1], 2, [np.nan], {}, "finite"),
        ([1], 2, [0.5], {"sample_weight": [0]}, "positive sum"),
        ([1, 1], 2, [0.5, 0.5], {"groups": [1]}, "one label per row"),
    ],
)
def test_bad_input(c, m, q, options, message):
    with pytest.raises(InputError, match=message) as caught:
        latent_brier_score(c, m, q, **options)
    assert str(caught.value).startswith("latent_brier_score: ")
