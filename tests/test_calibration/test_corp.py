"""The decomposition of a score against scikit-learn's isotonic fit, scores written out, and a published example."""

import pickle

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require, require_data
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from calibration import score_decomposition
from uq import citation, estimate_metric
from uq.exceptions import InputError


def brier(y, p, w):
    return np.average((y - p) ** 2, weights=w)


def log_score(y, p, w):
    # the limit p ln p -> 0, without a library
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = -np.where(y > 0, y * np.log(p), 0.0) - np.where(y < 1, (1 - y) * np.log(1 - p), 0.0)
    return np.average(loss, weights=w)


def naive(y, p, w, score):
    """Return the four numbers from rows, with equal forecasts pooled by scikit-learn."""
    rule = brier if score == "brier" else log_score
    fit = IsotonicRegression(y_min=0, y_max=1).fit(p, y, sample_weight=w).predict(p)
    total, fitted, mean = rule(y, p, w), rule(y, fit, w), rule(y, np.full(len(y), np.average(y, weights=w)), w)
    return total, total - fitted, mean - fitted, mean


def numbers(parts):
    return parts.score, parts.miscalibration, parts.discrimination, parts.uncertainty


CASES = st.lists(
    st.tuples(st.sampled_from([0.05, 0.1, 0.35, 0.5, 0.95]), st.sampled_from([0.0, 1.0, 0.25]), st.integers(1, 4)),
    min_size=1,
    max_size=20,
)


@given(CASES, st.sampled_from(["brier", "log"]), st.booleans())
def test_rows_give_the_same(cases, score, weighted):
    p, y, w = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    w = w if weighted else None
    found = numbers(score_decomposition(y, p, score=score, sample_weight=w))
    assert found == pytest.approx(naive(y, p, w, score), abs=1e-12)
    total, miscalibration, discrimination, uncertainty = found
    assert total == pytest.approx(miscalibration - discrimination + uncertainty, abs=1e-13)
    assert miscalibration >= 0
    assert discrimination >= 0


@pytest.mark.parametrize(("score", "theirs"), [("brier", brier_score_loss), ("log", log_loss)])
def test_the_score_is_that_of_scikit_learn(score, theirs):
    rng = np.random.default_rng(0)
    p, y, w = rng.random(1000), rng.integers(0, 2, 1000), rng.random(1000)
    parts = score_decomposition(y, p, score=score, sample_weight=w)
    assert parts.score == pytest.approx(theirs(y, p, sample_weight=w), rel=1e-12)


def test_ties_are_pooled_first():
    # calibrated forecasts of three values: without pooling the miscalibration would be three times as large
    rng = np.random.default_rng(1)
    pooled, parted = [], []
    for _ in range(200):
        p = rng.choice([0.2, 0.5, 0.8], 100)
        y = (rng.random(100) < p).astype(float)
        pooled.append(score_decomposition(y, p).miscalibration)
        parted.append(score_decomposition(y, p + 1e-9 * rng.random(100)).miscalibration)
    assert np.mean(pooled) == pytest.approx(0.0056, abs=0.001)
    assert np.mean(parted) > 2 * np.mean(pooled)


def test_a_perfect_and_a_useless_forecaster():
    y = np.array([0, 1, 1, 0, 1])
    perfect = score_decomposition(y, y)
    assert numbers(perfect) == pytest.approx((0, 0, 0.24, 0.24), abs=1e-15)
    useless = score_decomposition(y, np.full(5, 0.6), score="log")
    entropy = -0.6 * np.log(0.6) - 0.4 * np.log(0.4)
    assert numbers(useless) == pytest.approx((entropy, 0, 0, entropy), abs=1e-15)
    assert numbers(score_decomposition(y, y, score="log")) == pytest.approx((0, 0, entropy, entropy), abs=1e-15)
    assert numbers(score_decomposition([1, 1], [0.3, 0.4])) == pytest.approx((0.425, 0.425, 0, 0), abs=1e-15)


@pytest.mark.parametrize(("y", "p"), [([0, 1, 1], [0.2, 0.0, 0.9]), ([0, 1, 0], [1.0, 1.0, 0.1])])
def test_an_impossible_event_makes_the_log_score_infinite(y, p):
    with pytest.warns(UserWarning, match="probability 0") as caught:
        parts = score_decomposition(y, p, score="log")
    assert caught[0].filename == __file__
    assert parts.score == parts.miscalibration == np.inf
    assert np.isfinite([parts.discrimination, parts.uncertainty]).all()
    assert np.isfinite(numbers(score_decomposition(y, p))).all()


def test_certain_forecasts_that_came_true_are_fine():
    weights = np.random.default_rng(2).random(300)
    p = np.repeat([0.0, 0.5, 1.0], 100)
    y = np.r_[np.zeros(100), np.arange(100) % 2, np.ones(100)]
    assert np.isfinite(score_decomposition(y, p, score="log", sample_weight=weights).score)


def test_the_scale_of_weights_does_not_matter():
    rng = np.random.default_rng(3)
    p, y, w = rng.random(50), rng.integers(0, 2, 50), rng.random(50)
    for scale in (1e-300, 1e140):
        for score in ("brier", "log"):
            scaled = score_decomposition(y, p, score=score, sample_weight=w * scale)
            plain = score_decomposition(y, p, score=score, sample_weight=w)
            assert numbers(scaled) == pytest.approx(numbers(plain), rel=1e-12)


def test_classes_are_judged_by_their_confidence():
    rng = np.random.default_rng(4)
    p = rng.dirichlet([1, 2, 3], size=300)
    y = rng.integers(0, 3, 300)
    hit = (p.argmax(axis=1) == y).astype(float)
    assert score_decomposition(y, p) == score_decomposition(hit, p.max(axis=1))


@pytest.mark.parametrize("kind", CONTAINERS)
def test_every_container(kind):
    y, p = np.array([1.0, 0, 1, 0, 1]), np.array([0.25, 0.5, 0.75, 0.125, 0.5])
    expected = score_decomposition(y, p)
    assert score_decomposition(in_container(kind, y), in_container(kind, p)) == expected


def test_published_data():
    """CIFAR-10, a VGG: the score is that of its confidence, and no part is out of its order."""
    data = np.load(require_data("calibration/cifar10_vgg_probs.npz"))
    probs, labels = (data[name] for name in sorted(data.files, key=lambda name: -data[name].ndim))
    parts = score_decomposition(labels, probs)
    hit = (probs.argmax(axis=1) == labels).astype(float)
    assert parts.score == pytest.approx(np.mean((probs.max(axis=1) - hit) ** 2), rel=1e-5)
    assert 0 < parts.miscalibration < parts.discrimination < parts.uncertainty


def test_it_prints_pickles_and_draws():
    parts = score_decomposition([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9])
    assert pickle.loads(pickle.dumps(parts)) == parts
    assert "miscalibration" in str(parts)
    assert parts._repr_html_().startswith("<table")
    assert parts.to_dict()["n"] == 4
    assert "dimitriadis2021" in citation(parts)
    require("matplotlib").use("Agg")
    from matplotlib import pyplot

    for size in ((1.2, 1.0), (6.4, 4.8)):
        figure, ax = pyplot.subplots(figsize=size)
        parts.plot(ax=ax)
        (words,) = ax.texts
        figure.canvas.draw()
        box, whole = words.get_window_extent(), ax.get_window_extent()
        assert "uncertainty" in words.get_text()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1
        pyplot.close(figure)


def test_groups_are_checked_and_an_interval_respects_them():
    rng = np.random.default_rng(5)
    p = np.repeat(rng.random(40), 5)
    y = (rng.random(200) < p).astype(float)
    clusters = np.arange(200) // 5
    assert score_decomposition(y, p, groups=clusters) == score_decomposition(y, p)
    with pytest.raises(InputError, match="groups"):
        score_decomposition(y, p, groups=[1, 2])
    estimate = estimate_metric(lambda y, p: score_decomposition(y, p).discrimination, y, p, groups=clusters,
                               n_resamples=99, rng=0)  # fmt: skip
    assert estimate.n_groups == 40


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (dict(y_prob=[0.1, 1.2]), "y_prob"),
        (dict(y_true=[0, np.nan]), "y_true"),
        (dict(y_true=[0, 1, 1]), "as many rows"),
        (dict(score="crps"), "score"),
        (dict(score=None), "score"),
        (dict(sample_weight=[0, 0]), "sample_weight"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(InputError, match=match) as caught:
        score_decomposition(**{"y_true": [0, 1], "y_prob": [0.2, 0.8], **arguments})
    assert str(caught.value).startswith("score_decomposition: ")
