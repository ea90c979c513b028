"""Decompositions by their definitions, and entropies over meanings by counting."""

import math
import pickle

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from scipy import stats

from uq.epistemic import decompose_samples, semantic_entropy
from uq.exceptions import InputError, SmallSampleWarning


def members(seed=0, s=5, n=7, k=3):
    return np.random.default_rng(seed).dirichlet(np.full(k, 0.7), (s, n))


def test_entropy_parts_and_information_as_mean_divergence():
    p = members()
    parts = decompose_samples(p)
    for i in range(7):
        mean = p[:, i].mean(axis=0)
        assert parts.total[i] == pytest.approx(stats.entropy(mean))
        assert parts.aleatoric[i] == pytest.approx(np.mean([stats.entropy(row) for row in p[:, i]]))
        assert parts.epistemic[i] == pytest.approx(np.mean([stats.entropy(row, mean) for row in p[:, i]]))
    assert parts.kind == "entropy"


def test_gini_parts_are_chances_to_differ():
    p = members(1)
    parts = decompose_samples(p, "gini")
    for i in range(7):
        mean = p[:, i].mean(axis=0)
        assert parts.total[i] == pytest.approx(sum(mean[a] * mean[b] for a in range(3) for b in range(3) if a != b))
        assert parts.epistemic[i] == pytest.approx(np.trace(np.cov(p[:, i].T, bias=True)))
    assert np.allclose(parts.total, parts.aleatoric + parts.epistemic)


def test_variance_parts_are_the_law_of_total_variance():
    rng = np.random.default_rng(2)
    means, noise = rng.normal(size=(6, 4)), rng.random((6, 4))
    parts = decompose_samples(means, "variance", variances=noise)
    assert np.allclose(parts.epistemic, np.var(means, axis=0, ddof=1))
    assert np.allclose(parts.aleatoric, noise.mean(axis=0))
    assert np.allclose(parts.total, parts.aleatoric + parts.epistemic)
    assert (decompose_samples(means, "variance").aleatoric == 0).all()


def test_members_that_agree_have_no_ignorance_and_no_rounding_below_zero():
    p = np.repeat(members(3, s=1), 7, axis=0)
    for kind in ("entropy", "gini"):
        parts = decompose_samples(p, kind)
        assert (parts.epistemic >= 0).all()
        assert (parts.epistemic < 1e-12).all()


def test_certain_members_need_no_logarithm_of_zero():
    parts = decompose_samples([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert (parts.total[0], parts.aleatoric[0], parts.epistemic[0]) == pytest.approx((math.log(2), 0, math.log(2)))


@pytest.mark.parametrize("kind", ["entropy", "gini", "variance"])
def test_one_member_shows_no_ignorance_and_says_so(kind):
    given = members(4, s=1) if kind != "variance" else [[1.0, 2.0]]
    with pytest.warns(SmallSampleWarning, match="two members"):
        parts = decompose_samples(given, kind)
    assert np.isnan(parts.epistemic).all()
    assert np.isnan(parts.total).all() == (kind == "variance")


def test_one_column_is_the_second_of_two_classes():
    p = np.random.default_rng(5).random((4, 6))
    both = decompose_samples(np.stack([1 - p, p], axis=-1))
    assert np.allclose(decompose_samples(p).epistemic, both.epistemic, atol=1e-15)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    p = np.random.default_rng(6).integers(0, 65, (4, 6)) / 64
    given = in_container(kind, p)
    assert np.array_equal(decompose_samples(given).total, decompose_samples(p).total)
    variance = decompose_samples(given, "variance", variances=given)
    assert variance == decompose_samples(p, "variance", variances=p)


def test_record_behaves_as_a_result():
    require("matplotlib").use("Agg")
    require("pandas")
    parts = decompose_samples(members())
    assert pickle.loads(pickle.dumps(parts)) == parts
    assert list(parts.to_frame().columns) == ["row", "total", "aleatoric", "epistemic"]
    assert parts.plot().get_xlabel().startswith("aleatoric")
    assert "guarantee: none" in str(parts)


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        (members() * 2, {}, "must hold probabilities|must sum to 1"),
        (members()[0, 0], {}, "n_members"),
        (members()[None], {}, "n_members"),
        (members()[:, :0], {}, "n_members"),
        (np.full((2, 3, 2), np.nan), {}, "finite"),
        (members(), {"kind": "bald"}, "kind must be one of"),
        (members(), {"variances": members()[..., 0]}, "variances must be None"),
        (members(), {"kind": "variance"}, "shape"),
        ([[1.0], [2.0]], {"kind": "variance", "variances": [[1.0], [-1.0]]}, "at least 0"),
        ([[1.0], [2.0]], {"kind": "variance", "variances": [[1.0]]}, "one number"),
        (None, {}, "must be an array"),
        ("abc", {}, "must be an array"),
    ],
)
def test_bad_samples_are_refused(given, options, words):
    with pytest.raises(InputError, match=words):
        decompose_samples(given, **options)


# ---- meanings


def naive_entropy(clusters, log_probs=None):
    mass = {}
    for i, c in enumerate(clusters):
        if c is not None:
            mass[c] = mass.get(c, 0.0) + (1.0 if log_probs is None else math.exp(log_probs[i]))
    p = np.array(list(mass.values())) / sum(mass.values())
    return float(-(p * np.log(p)).sum())


def test_semantic_entropy_counts_and_weighs():
    rng = np.random.default_rng(7)
    clusters = [[None if rng.random() < 0.2 else "abc"[rng.integers(3)] for _ in range(8)] + ["a"] for _ in range(20)]
    log_probs = -np.abs(rng.normal(5, 3, (20, 9)))
    assert np.allclose(semantic_entropy(clusters), [naive_entropy(row) for row in clusters])
    weighed = [naive_entropy(row, p) for row, p in zip(clusters, log_probs, strict=True)]
    assert np.allclose(semantic_entropy(clusters, log_probs), weighed)
    # only differences count, however small the probabilities are
    assert np.allclose(semantic_entropy(clusters, log_probs - 5000), weighed)
    assert np.array_equal(semantic_entropy(np.array([[1, 1, 2], [3, 3, 3]])), semantic_entropy([[1, 1, 2], [3, 3, 3]]))
    pd = require("pandas")
    long = pd.DataFrame(
        {
            "question": np.repeat(np.arange(20), 9),
            "answer": [c for row in clusters for c in row],
            "lp": log_probs.ravel(),
        }
    )
    assert np.allclose(semantic_entropy(long, long["lp"]), weighed)


@pytest.mark.parametrize(
    ("clusters", "log_probs", "words"),
    [
        ([["a"], [None]], None, "none in row 1"),
        ([], None, "at least one question"),
        ("abc", None, "must have shape"),
        (None, None, "must have shape|must be an array"),
        ([["a", "b"]], [[-1.0, -np.inf]], "must be finite"),
        ([["a", "b"]], [[-1.0]], "form of the answers"),
        ([["a", "b"]], [[0.9, 0.1]], "at most 0; got 0.9. Probabilities must go through np.log"),
        ([["a", "b"]], [[1e-20, 1e-30]], "at most 0; got 1e-20"),
        ([["a", "b"]], [[-1.0, 1e-3]], "at most 0; got 0.001"),
        ([["a", {}]], None, "hashable"),
    ],
)
def test_bad_clusters_are_refused(clusters, log_probs, words):
    with pytest.raises(InputError, match=words):
        semantic_entropy(clusters, log_probs)


def test_log_probabilities_may_be_off_by_rounding():
    assert np.allclose(semantic_entropy([["a", "b", "b"]], [[1e-8, -1e-8, 0.0]]), naive_entropy(["a", "b", "b"]))
    assert semantic_entropy([["a", "a"]], [[0.0, 0.0]]) == 0
    pd = require("pandas")
    long = pd.DataFrame({"question": ["q", "q"], "answer": ["a", "b"], "log_prob": [-1.0, -2.0]})
    expected = semantic_entropy([["a", "b"]], [[-1.0, -2.0]])
    assert semantic_entropy(long, long["log_prob"]) == semantic_entropy(long, [-1.0, -2.0]) == expected
