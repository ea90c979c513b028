"""Data sets with a known truth: what is promised about them holds."""

import numpy as np
import pytest
from scipy import special, stats

from uq import datasets
from uq.exceptions import InputError

MAKERS = [getattr(datasets, name) for name in datasets.__all__]
N = 200_000


def within(successes, n, p):
    """Whether a count lies in the central 1 - 1e-6 of its binomial law."""
    low, high = stats.binom.ppf([5e-7, 1 - 5e-7], n, p)
    return low <= successes <= high


def z_score(values, expected):
    return (np.mean(values) - expected) / (np.std(values) / np.sqrt(len(values)))


@pytest.mark.parametrize("make", MAKERS)
def test_a_seed_gives_the_same_data_and_another_gives_others(make):
    a, b, c = make(rng=1), make(rng=np.random.default_rng(1)), make(rng=2)
    assert a.keys() == b.keys() == c.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
    assert any(not np.array_equal(a[name], c[name]) for name in a)
    assert all(isinstance(v, np.ndarray) for v in a.values())


@pytest.mark.parametrize("make", MAKERS)
def test_global_state_is_not_touched(make):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make(rng=None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("make", MAKERS)
def test_bad_arguments(make):
    first = make.__code__.co_varnames[0]
    for bad in (0, -1, 2.5, "3", None, True):
        with pytest.raises(InputError, match=f"{make.__name__}: {first} must be an integer"):
            make(**{first: bad})
    with pytest.raises(InputError, match=f"{make.__name__}: rng must be"):
        make(rng="seed")
    for name in set(make.__kwdefaults__) - {"rng", "accuracy", "n_groups"}:
        for bad in (np.nan, np.inf, "1", None, -1.0 if name not in ("bias", "shrinkage") else np.inf):
            with pytest.raises(InputError, match=f"{make.__name__}: {name} must be"):
                make(**{name: bad})


@pytest.mark.parametrize("n_groups", [None, N // 2])
def test_scores_have_the_accuracy_that_was_asked_for(n_groups):
    accuracy = [0.1, 0.5, 0.97]
    data = datasets.make_scores(N, 3, accuracy=accuracy, item_std=1.5, n_groups=n_groups, group_std=1.0, rng=3)
    scores = data["scores"]
    assert set(np.unique(scores)) == {0.0, 1.0}
    means = scores if n_groups is None else scores.reshape(n_groups, 2, 3).mean(axis=1)
    assert all(abs(z_score(means[:, j], accuracy[j])) < 5 for j in range(3))
    assert data["accuracy"].tolist() == accuracy


def test_hard_items_correlate_models_and_groups_correlate_items():
    same = datasets.make_scores(N, 2, accuracy=[0.5, 0.5], item_std=1.0, rng=0)["scores"]
    # two probits that share half of their variance agree with probability 1/2 + asin(1/2)/pi
    assert within((same[:, 0] == same[:, 1]).sum(), N, 0.5 + np.arcsin(0.5) / np.pi)
    apart = datasets.make_scores(N, 2, accuracy=[0.5, 0.5], item_std=0.0, rng=0)["scores"]
    assert within((apart[:, 0] == apart[:, 1]).sum(), N, 0.5)
    data = datasets.make_scores(N, 1, accuracy=[0.5], item_std=0.0, group_std=1.0, n_groups=N // 2, rng=0)
    pairs = data["scores"].reshape(-1, 2)
    assert within((pairs[:, 0] == pairs[:, 1]).sum(), N // 2, 0.5 + np.arcsin(0.5) / np.pi)


def test_groups_are_nearly_equal():
    sizes = np.bincount(datasets.make_scores(10, n_groups=4, rng=0)["groups"])
    assert sorted(sizes) == [2, 2, 3, 3]
    for make in (datasets.make_scores, datasets.make_regression_outputs):
        with pytest.raises(InputError, match=r"n_groups must be at most the number of .* \(10\); got 11"):
            make(10, n_groups=11)


@pytest.mark.parametrize("accuracy", [[0.5], [0.5, 0.5, 1.0], [0.5, 0.5, np.nan], [0, 0.5, 0.5], "abc"])
def test_bad_accuracy(accuracy):
    with pytest.raises(InputError, match="make_scores: accuracy must"):
        datasets.make_scores(10, 3, accuracy=accuracy)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("overconfidence", [1.0, 3.0])
def test_truth_is_drawn_from_the_true_probabilities(n_classes, overconfidence):
    d = datasets.make_classification_outputs(N, n_classes, overconfidence=overconfidence, rng=1)
    assert d["y"].min() == 0
    assert d["y"].max() == n_classes - 1
    p = d["true_prob"] if n_classes > 2 else np.column_stack([1 - d["true_prob"], d["true_prob"]])
    hit = d["y"][:, None] == np.arange(n_classes)
    for k in range(n_classes):
        for low in (0.0, 0.2, 0.4, 0.6, 0.8):
            rows = (p[:, k] >= low) & (p[:, k] < low + 0.2)
            assert abs((hit[rows, k] - p[rows, k]).sum()) < 5 * np.sqrt((p[rows, k] * (1 - p[rows, k])).sum())
    link = special.expit if n_classes == 2 else lambda s: special.softmax(s, axis=1)
    np.testing.assert_allclose(link(d["scores"] / overconfidence), d["true_prob"])
    np.testing.assert_allclose(link(d["scores"]), d["y_prob"])
    assert np.array_equal(d["y_prob"], d["true_prob"]) == (overconfidence == 1)


@pytest.mark.parametrize("n_groups", [None, N // 4])
def test_regression_noise_is_what_y_std_says(n_groups):
    d = datasets.make_regression_outputs(N, noise=0.7, std_factor=2.0, n_groups=n_groups, rng=2)
    z = (d["y"] - d["y_pred"]) / (d["y_std"] / 2)
    one = z if n_groups is None else z[::4]
    assert stats.kstest(one, "norm").pvalue > 1e-4
    if n_groups is not None:
        shared = z[::4] * z[1::4]
        assert abs(z_score(shared, 0.25)) < 5


def test_bias_and_shrinkage():
    d = datasets.make_regression_outputs(1000, noise=0.0, bias=1.0, shrinkage=0.5, rng=0)
    np.testing.assert_allclose(d["y_pred"], 0.5 * d["y"] + 1)
    assert (d["y_std"] == 0).all()


def test_votes_are_long_and_ordered_by_quality():
    d = datasets.make_votes(3, 400, 5, noise=0.5, rng=0)
    assert {len(d[c]) for c in ("candidate", "item", "judge", "score")} == {3 * 400 * 5}
    assert set(np.unique(d["score"])) <= {1, 2, 3, 4, 5}
    means = [d["score"][d["candidate"] == name].mean() for name in d["names"]]
    assert means == sorted(means)
    cells = set(zip(d["candidate"].tolist(), d["item"].tolist(), d["judge"].tolist(), strict=True))
    assert len(cells) == 3 * 400 * 5


def test_missing_votes():
    d = datasets.make_votes(10, 200, 10, missing=0.3, rng=0)
    assert within(len(d["score"]), 20_000, 0.7)
    assert len(datasets.make_votes(1, 1, 1, missing=0.999999, rng=0)["score"]) == 1
    with pytest.raises(InputError, match="missing must be below 1"):
        datasets.make_votes(missing=1.0)


def test_trials():
    d = datasets.make_trials(N, noise=0.1, rng=0)
    best = np.argmin(d["true_loss"])
    assert d["learning_rate"][best] == pytest.approx(1e-3, rel=0.05)
    assert d["n_layers"][best] == 4
    assert d["augmentation"][best] == "yes"
    assert set(np.unique(d["n_layers"])) == set(range(1, 9))
    assert stats.kstest((d["loss"] - d["true_loss"]) / np.sqrt(d["y_var"]), "norm").pvalue > 1e-4


def test_counts_are_beta_binomial():
    d = datasets.make_counts(N, 6, a=0.5, b=1.5, rng=0)
    for k in range(7):
        assert within((d["n_correct"] == k).sum(), N, stats.betabinom.pmf(k, 6, 0.5, 1.5))
    pass_at_6 = 1 - np.exp(special.betaln(0.5, 1.5 + 6) - special.betaln(0.5, 1.5))
    assert within((d["n_correct"] > 0).sum(), N, pass_at_6)


def test_counts_with_trials_of_their_own():
    given = np.array([1, 5, 3])
    d = datasets.make_counts(3, given, rng=0)
    assert d["n_trials"].tolist() == [1, 5, 3]
    assert d["n_trials"] is not given
    for bad in ([1, 2], [1, 2, 0], [1, 2, 2.5], [1, 2, np.nan]):
        with pytest.raises(InputError, match="make_counts: n_trials must"):
            datasets.make_counts(3, bad)
