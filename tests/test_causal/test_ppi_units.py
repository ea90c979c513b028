"""What carries a prediction-powered estimate: effective numbers, of rows and of moments; parts that add nothing."""

import warnings

import numpy as np
import pytest

from causal import PredictionPowered
from uq.exceptions import InputError, SmallSampleWarning


def world(n=80, extra=300, seed=0, bias=0.5):
    """Return (labelled predictions, truth, unlabelled predictions)."""
    rng = np.random.default_rng(seed)
    y = rng.gamma(2.0, size=n + extra)
    f = bias + 0.7 * y + 0.6 * rng.normal(size=n + extra)
    return f[:n], y[:n], f[n:]


def trial(n=120, extra=600, seed=1):
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n + extra)
    y = arm + rng.exponential(size=n + extra)
    f = 0.2 + 0.5 * y + 0.5 * rng.normal(size=n + extra)
    return (f[:n], y[:n], arm[:n]), (f[n:], arm[n:])


def refused(words, call):
    with pytest.raises(InputError, match=words):
        call()


def test_what_outweighs_the_rest_is_all_there_is():
    """Few treated labels, or few of any weight, are few labels: nothing is tuned, and the caller is told."""
    (f, y, _), (fu, au) = trial(60)
    with pytest.warns(SmallSampleWarning, match="60 labelled rows differ.*count as 4.6"):
        answer = PredictionPowered().fit(f, y, treatment=np.arange(60) < 4).ate(fu, au)
    assert answer.power == 1
    # the treated four carry 3 degrees of freedom, of which Satterthwaite's rule sees the share of the variance
    assert answer.law.df < 10
    weights = np.where(np.arange(60) < 4, 1.0, 1e-3)
    with pytest.warns(SmallSampleWarning, match="60 labelled rows differ.*count as 4.1"):
        answer = PredictionPowered().fit(f, y, sample_weight=weights).mean(fu)
    assert answer.power == 1
    X, Xu = (np.column_stack([np.ones(len(x)), np.arange(len(x)) % 15 == 0]) for x in (f, fu))
    with pytest.warns(SmallSampleWarning, match="60 labelled rows differ.*count as 13.8"):
        answer = PredictionPowered().fit(f, y, X).ols(fu, Xu)
    assert answer.power[0] < 1 == answer.power[1]
    assert answer.law.df[1] < 10 < 40 < answer.law.df[0]


@pytest.mark.parametrize("kind", ["treatment", "weights", "propensity", "X"])
def test_moments_know_what_carries_an_estimate(kind):
    (f, y, a), (fu, au) = trial(90)
    rng = np.random.default_rng(2)
    w, wu, p, pu = (low + rng.random(n) ** 3 for low, n in ((0.05, 90), (0.05, 600), (0.2, 90), (0.2, 600)))
    p, pu = p / 1.5, pu / 1.5
    X, Xu = (np.column_stack([np.ones(n), rng.random(n) < 0.1, rng.standard_t(3, n)]) for n in (90, 600))
    one, two, verb = {}, {}, "ols" if kind == "X" else "ate"
    if kind == "X":
        one, two = {"X": X}, {"X": Xu}
    else:
        a = (np.arange(90) % 9 == 0) * 1 if kind == "treatment" else a
        one, two = {"treatment": a}, {"treatment": au}
    if kind == "propensity":
        one["propensity"], two["propensity"] = p, pu
    if kind != "treatment":
        one["sample_weight"], two["sample_weight"] = w, wu
    parts = PredictionPowered()
    for here in np.array_split(rng.permutation(90), 4):
        parts.partial_fit(f[here], y[here], **{name: value[here] for name, value in one.items()})
    for here in np.array_split(np.arange(600), 3):
        parts.partial_estimate(fu[here], **{name: value[here] for name, value in two.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        ours, theirs = getattr(parts, verb)(), getattr(PredictionPowered().fit(f, y, **one), verb)(fu, **two)
    for name in ("estimate", "std_error", "power"):
        assert np.allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9), name
    assert np.allclose(ours.law.df, theirs.law.df, rtol=1e-8)


def test_tiny_weights_in_parts():
    f, y, fu = world()
    w = 0.5 + np.random.default_rng(0).random(80)
    whole = PredictionPowered().fit(f, y, sample_weight=w).mean(fu)
    for size in (1e-300, 1e140):
        parts = PredictionPowered()
        for here in (slice(0, 30), slice(30, 80)):
            parts.partial_fit(f[here], y[here], sample_weight=w[here] * size)
        assert parts.mean(fu).std_error == pytest.approx(whole.std_error, rel=1e-10)


def test_a_part_without_weight_adds_nothing():
    f, y, fu = world()
    w = np.ones(80)
    parts = PredictionPowered().partial_fit(f, y, sample_weight=0 * w)
    assert parts.n_labelled_ == 0
    parts.partial_fit(f, y, sample_weight=w).partial_estimate(fu)
    before = parts.mean()
    parts.partial_fit(1e9 * f, y, sample_weight=0 * w).partial_estimate(1e9 * fu, sample_weight=np.zeros(300))
    assert parts.mean() == before
    fitted = PredictionPowered().fit(f, y).partial_fit(f, y, sample_weight=0 * w)
    assert fitted.quantile(fu).n == 380  # its rows are still there
    refused("y must", lambda: parts.partial_fit(f, y[:5], sample_weight=0 * w))
    refused("one weight per row", lambda: parts.partial_fit(f, y, sample_weight=np.zeros(5)))


def test_merging_with_nothing_changes_nothing():
    f, y, fu = world()
    g, gu = np.arange(80) // 2, 100 + np.arange(300)
    grouped = PredictionPowered().fit(f, y, groups=g)
    for merged in (grouped.merge(PredictionPowered()), PredictionPowered().merge(grouped)):
        assert merged.mean(fu, groups=gu) == grouped.mean(fu, groups=gu)
        assert merged.n_labelled_ == 80


def test_what_the_caller_writes_later_changes_nothing():
    (f, y, a), (fu, au) = trial()
    given = {
        "X": np.column_stack([np.ones(120), f]), "treatment": a * 1.0, "propensity": np.full(120, 0.5),
        "sample_weight": np.linspace(1, 2, 120),
    }  # fmt: skip
    f, y = f.copy(), y.copy()
    fitted = PredictionPowered().fit(f, y, **given)

    def answers():
        Xu = np.column_stack([np.ones(600), fu])
        return (
            fitted.mean(fu),
            fitted.ols(fu, Xu),
            fitted.ate(fu, au, propensity=0.5),
            fitted.merge(PredictionPowered().partial_fit(fu, fu, Xu, au, propensity=0.5)).mean(fu),
        )

    before = answers()
    for array in (f, y, *given.values()):
        array[...] = array[::-1].copy()
        array[:3] += 0.25
    assert answers() == before
