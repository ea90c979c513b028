"""rank_models: what it resamples, how it names, what it refuses."""

import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require

from uq._evaluation._ranking import _distinct, rank_models, resampled_means
from uq.exceptions import InputError, SmallSampleWarning


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return (rng.random((60, 1)) + rng.random((60, 4)) < [0.8, 0.9, 1.2, 1.9]).astype(float)


def test_the_draws_are_a_paired_bootstrap_of_the_means(scores):
    ranking = rank_models(scores, n_resamples=4000, rng=1)
    np.testing.assert_array_equal(ranking.center, scores.mean(axis=0))
    assert ranking.samples.shape == (4000, 4)
    covariance = np.cov(scores.T, ddof=0) / len(scores)
    # the sd of a bootstrap covariance from 4000 draws is about 1/sqrt(2000) of it
    np.testing.assert_allclose(np.cov(ranking.samples.T), covariance, atol=0.1 * covariance.max())
    assert (ranking.n, ranking.df, ranking.n_groups, ranking.n_dropped) == (60, 59, None, 0)
    assert (ranking.guarantee, ranking.certified) == ("asymptotic", False)
    # sums of 0/1 scores are exact, so that draws that tie do so to the last bit
    assert set(np.unique(ranking.samples)) <= set(np.arange(61) / 60)


def test_clusters_are_drawn_whole():
    rng = np.random.default_rng(2)
    sizes = rng.integers(1, 4, 25)
    codes = np.repeat(np.arange(25), sizes)
    table = rng.normal(size=(len(codes), 3)) + rng.normal(size=(25, 3))[codes]
    order = rng.permutation(len(codes))
    ranking = rank_models(table[order], groups=[f"g{c:02}" for c in codes[order]], n_resamples=20_000, rng=0)
    # brute force: draw 25 clusters, pool their rows
    brute = np.empty((4000, 3))
    for b in range(4000):
        rows = np.concatenate([np.flatnonzero(codes == g) for g in rng.integers(0, 25, 25)])
        brute[b] = table[rows].mean(axis=0)
    np.testing.assert_allclose(ranking.samples.mean(axis=0), brute.mean(axis=0), atol=5 * brute.std() / np.sqrt(4000))
    np.testing.assert_allclose(ranking.samples.std(axis=0), brute.std(axis=0), rtol=0.06)
    assert (ranking.n, ranking.n_groups, ranking.df) == (len(codes), 25, 24)
    assert "clusters" in ranking.method
    np.testing.assert_allclose(ranking.center, table.mean(axis=0))


def test_rows_repeated_in_clusters_do_not_settle_more():
    rng = np.random.default_rng(4)
    table = rng.normal([0, 0.3, 0.6], 1, size=(40, 3))
    one = rank_models(table, rng=0)
    many = rank_models(np.repeat(table, 10, axis=0), groups=np.repeat(np.arange(40), 10), rng=0)
    naive = rank_models(np.repeat(table, 10, axis=0), rng=0)
    assert np.array_equal(one.rank_interval().to_numpy(), many.rank_interval().to_numpy())
    assert naive.rank_interval().width.sum() < one.rank_interval().width.sum()


@pytest.mark.parametrize("n", [40, 10_000])
def test_equal_models_tie_in_every_draw(n):
    rng = np.random.default_rng(5)
    a, b = rng.lognormal(size=(2, n))
    ranking = rank_models(np.column_stack([a, b, a, a]), n_resamples=200, rng=0)
    assert np.array_equal(ranking.samples[:, 0], ranking.samples[:, 2])
    assert ranking.win_probabilities[0, 2] == 0.5
    assert np.array_equal(ranking.rank_interval().lower[[0, 2, 3]], np.repeat(ranking.rank_interval().lower[0], 3))
    codes = np.arange(n) // 2
    assert np.ptp(resampled_means(np.column_stack([a, a]), codes, n_resamples=50, rng=rng, n_jobs=1), axis=1).max() == 0


def test_seeds_and_workers(scores):
    one = rank_models(scores, n_resamples=500, rng=3, n_jobs=1)
    assert one == rank_models(scores, n_resamples=500, rng=3, n_jobs=2)
    assert one == rank_models(scores, n_resamples=500, rng=np.random.default_rng(3))
    assert one != rank_models(scores, n_resamples=500, rng=4)


def test_losses_rank_the_other_way(scores):
    up = rank_models(scores, n_resamples=500, rng=0)
    down = rank_models(1 - scores, n_resamples=500, rng=0, greater_is_better=False)
    assert up.point_ranking().names == down.point_ranking().names
    assert up.point_ranking()[0] == "model 3"
    assert np.array_equal(up.rank_interval().to_numpy(), down.rank_interval().to_numpy())


def test_names_come_from_the_caller_then_from_the_frame(scores):
    assert rank_models(scores, n_resamples=9, rng=0).names == ("model 0", "model 1", "model 2", "model 3")
    assert rank_models(scores, list("wxyz"), n_resamples=9, rng=0).names == tuple("wxyz")
    for library in ("pandas", "polars"):
        frame = require(library).DataFrame({name: scores[:, j] for j, name in enumerate("abcd")})
        assert rank_models(frame, n_resamples=9, rng=0).names == tuple("abcd")
        assert rank_models(frame, list("wxyz"), n_resamples=9, rng=0).names == tuple("wxyz")


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_numbers(scores, container):
    kept = scores.copy()
    expected = rank_models(scores, list("abcd"), n_resamples=50, rng=0)
    assert rank_models(in_container(container, scores), list("abcd"), n_resamples=50, rng=0) == expected
    assert np.array_equal(scores, kept)


def test_omit_drops_items_for_all_models_and_clusters_that_go_with_them(scores):
    holes = scores.copy()
    holes[[1, 7], [0, 3]] = np.nan
    whole = np.delete(scores, [1, 7], axis=0)
    ranking = rank_models(holes, n_resamples=99, rng=0, nan_policy="omit")
    assert np.array_equal(ranking.samples, rank_models(whole, n_resamples=99, rng=0).samples)
    assert (ranking.n, ranking.n_dropped) == (58, 2)
    codes = np.arange(60) // 2
    holes[[2, 3]] = np.nan
    ranking = rank_models(holes, groups=codes, n_resamples=99, rng=0, nan_policy="omit")
    assert (ranking.n_groups, ranking.n, ranking.n_dropped) == (29, 56, 4)
    with pytest.raises(InputError, match="nan_policy='omit'"):
        rank_models(holes, n_resamples=99)
    holes[:58] = np.nan
    with pytest.raises(InputError, match="at least 2 different labels"):
        rank_models(holes, groups=codes, n_resamples=99, nan_policy="omit")


@pytest.mark.parametrize(("n", "groups"), [(29, None), (60, 19)])
def test_few_items_or_clusters_warn_once_at_the_caller(scores, n, groups):
    codes = None if groups is None else np.arange(n) % groups
    with pytest.warns(SmallSampleWarning, match=r"fewer than \d0.*estimate_difference") as caught:
        rank_models(scores[:n], groups=codes, n_resamples=99, rng=0)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    more = None if groups is None else np.arange(60) % 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rank_models(scores[: n + 1] if groups is None else scores, groups=more, n_resamples=99, rng=0)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_items_settle_nothing(n):
    with pytest.warns(SmallSampleWarning):
        ranking = rank_models(np.eye(3)[:n], rng=0, n_resamples=999)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.array_equal(ranking.rank_interval().to_numpy(), [[1, 3]] * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scores": np.full((40, 3), np.nan)}, "finite"),
        ({"scores": np.full((40, 3), np.nan), "nan_policy": "omit"}, "no row is left"),
        ({"scores": np.full((40, 3), np.inf), "nan_policy": "omit"}, "finite"),
        ({"scores": np.empty((0, 3))}, "at least one row"),
        ({"scores": np.ones((40, 1))}, "at least 2 columns"),
        ({"scores": np.ones(40)}, "shape"),
        ({"scores": [["a", "b"]] * 40}, "real numbers"),
        ({"names": ["a", "b"]}, "one per candidate"),
        ({"names": ["a", "a", "b"]}, "more than once"),
        ({"groups": np.zeros(40)}, "at least 2 different labels"),
        ({"groups": np.arange(39)}, "one label per row"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"n_resamples": 99.0}, "n_resamples"),
        ({"rng": "seed"}, "rng"),
        ({"nan_policy": "drop"}, "nan_policy"),
        ({"greater_is_better": 1}, "greater_is_better"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    table = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(InputError, match=message):
        rank_models(**{"scores": table, **arguments})


def test_a_dict_of_columns_names_the_models_by_its_keys(scores):
    columns = {"a": scores[:, 0], "b": scores[:, 1].tolist(), "c": scores[:, 2:3], "d": scores[:, 3]}
    expected = rank_models(scores, list("abcd"), n_resamples=50, rng=0)
    assert rank_models(columns, n_resamples=50, rng=0) == expected
    holes = {**columns, "a": np.where(np.arange(60) == 4, np.nan, scores[:, 0])}
    assert rank_models(holes, n_resamples=50, rng=0, nan_policy="omit").n_dropped == 1
    for bad, names, message in (
        (columns, list("dcba"), "names must be None where scores are a dict.*got 4 names"),
        ({"a": scores[:, 0]}, None, "at least two models.*got the keys"),
        ({0: scores[:, 0], 1: scores[:, 1]}, None, r"got the keys \[0, 1\]"),
        ({**columns, "y": ["cat"] * 60}, None, r"scores\['y'\] must hold real numbers"),
        ({**columns, "d": scores[:9, 3]}, None, r"scores\['d'\] must have as many rows as scores\['a'\] \(60\); got 9"),
        (holes, None, r"scores\['a'\] must be finite.*in row 4 \(counting from 0\)"),
    ):
        with pytest.raises(InputError, match=message):
            rank_models(bad, names, n_resamples=9, rng=0)


def test_a_table_on_its_side_is_told_apart_by_its_names(scores):
    with pytest.raises(InputError, match=r"one row per item.*got shape \(4, 60\) and 4 names.*scores\.T"):
        rank_models(scores.T, list("abcd"), n_resamples=9, rng=0)


@pytest.mark.parametrize("offset", [1e9, -1e9])
def test_scores_far_from_0_keep_their_order(offset):
    rng = np.random.default_rng(0)
    table = rng.standard_normal((20_000, 1)) + [0, 0.1, 0.2] + 0.1 * rng.standard_normal((20_000, 3))
    near, far = (rank_models(x, n_resamples=199, rng=0) for x in (table, offset + table))
    assert near.rank_interval().to_numpy().tolist() == [[3, 3], [2, 2], [1, 1]]
    assert np.array_equal(near.rank_interval().to_numpy(), far.rank_interval().to_numpy())
    np.testing.assert_allclose(far.samples - offset, near.samples, atol=2 * np.spacing(1e9))
    np.testing.assert_allclose(far.center - offset, near.center, atol=2 * np.spacing(1e9))
    # what differs by the same amount in every draw is still left open
    even = rank_models(offset + np.column_stack([table[:, 0], table[:, 0] + 0.1]), n_resamples=199, rng=0)
    with pytest.warns(SmallSampleWarning, match="differ by the same amount"):
        interval = even.rank_interval()
    assert np.array_equal(interval.to_numpy(), [[1, 2], [1, 2]])


def test_equal_columns_are_found_as_by_comparing_all():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 2, size=(300, 40)).astype(float)
    table[:, rng.integers(0, 40, 12)] = table[:, rng.integers(0, 40, 12)]
    table[:, 7] = table[:, 3]
    table[299, 7] = 1 - table[299, 3]  # alike but for the last row
    kept, of = _distinct(table)
    assert np.array_equal(table[:, kept][:, of], table)
    assert len(kept) == len(np.unique(table, axis=1).T)


@pytest.mark.parametrize("scale", [1e-200, 1e140])
def test_the_scale_of_the_scores_does_not_matter(scores, scale):
    plain, scaled = (rank_models(s * scores, n_resamples=499, rng=0) for s in (1.0, scale))
    assert np.array_equal(plain.rank_interval().to_numpy(), scaled.rank_interval().to_numpy())
    assert plain.rank_interval().width.sum() < 12
