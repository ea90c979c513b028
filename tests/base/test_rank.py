"""RankSummary against enumeration, and what it refuses."""

import itertools
import pickle
import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uq._base import tied_ranks as core
from uq._base.rank import RankSummary
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning

# few values, so that draws tie
draws = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(2, 5)),
    elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]),
)


def orders_of(row):
    """Return every best-first order that a draw allows, ties broken in every way."""
    k = len(row)
    return [p for p in itertools.permutations(range(k)) if all(row[p[i]] >= row[p[i + 1]] for i in range(k - 1))]


def brute_rank_probabilities(samples):
    k = samples.shape[1]
    total = np.zeros((k, k))
    for row in samples:
        allowed = orders_of(row)
        for order in allowed:
            for place, candidate in enumerate(order):
                total[candidate, place] += 1 / len(allowed)
    return total / len(samples)


def brute_wins(samples):
    k = samples.shape[1]
    win = np.full((k, k), 0.5)
    for i, j in itertools.permutations(range(k), 2):
        win[i, j] = np.mean([(row[i] > row[j]) + (row[i] == row[j]) / 2 for row in samples])
    return win


def mid_ranks(samples):
    return np.array([[1 + np.sum(row > v) + (np.sum(row == v) - 1) / 2 for v in row] for row in samples])


@given(draws)
@settings(max_examples=150, deadline=None)
def test_shares_agree_with_enumeration(samples):
    summary = RankSummary(samples)
    k = samples.shape[1]
    probabilities = brute_rank_probabilities(samples)
    np.testing.assert_allclose(summary.rank_probabilities, probabilities, atol=1e-12)
    assert np.all(summary.rank_probabilities[probabilities == 0] == 0)
    np.testing.assert_allclose(summary.win_probabilities, brute_wins(samples), atol=1e-12)
    np.testing.assert_allclose(summary.expected_rank, mid_ranks(samples).mean(axis=0), atol=1e-12)
    # identities of the corrected definitions, ties included
    np.testing.assert_allclose(summary.expected_rank, summary.rank_probabilities @ np.arange(1, k + 1))
    np.testing.assert_allclose(summary.expected_rank, 0.5 + summary.win_probabilities.sum(axis=0))
    np.testing.assert_allclose(summary.sucra, (summary.win_probabilities.sum(axis=1) - 0.5) / (k - 1))


@given(draws)
@settings(max_examples=100, deadline=None)
def test_point_rankings_are_the_best_of_all_orders(samples):
    summary = RankSummary(samples)
    k = samples.shape[1]
    win, ranks = brute_wins(samples), mid_ranks(samples)
    kendall, spearman = {}, {}
    for order in itertools.permutations(range(k)):
        kendall[order] = sum(win[order[j], order[i]] for i in range(k) for j in range(i + 1, k))
        place = np.empty(k)
        place[list(order)] = np.arange(1, k + 1)
        spearman[order] = np.mean(((ranks - place) ** 2).sum(axis=1))
    for loss, table in (("kendall", kendall), ("spearman", spearman)):
        best = summary.point_ranking(loss)
        assert best.is_optimal
        assert best.expected_loss == pytest.approx(min(table.values()), abs=1e-9)
        assert table[tuple(best.order)] == pytest.approx(best.expected_loss, abs=1e-9)
        assert [f"candidate {j}" for j in best.order] == list(best)


@given(draws, st.sampled_from([0.05, 0.5, 0.8, 0.9, 0.95, 0.99]))
@settings(max_examples=100, deadline=None)
def test_credible_ranks_hold_their_share_of_the_draws(samples, level):
    lower, upper = RankSummary(samples).rank_interval(level)
    first = np.array([[1 + np.sum(row > v) for v in row] for row in samples])
    last = np.array([[np.sum(row >= v) for v in row] for row in samples])
    for j in range(samples.shape[1]):
        tail = int((len(samples) - 1) * (1 - level) / 2 + 1e-9)
        assert np.sum(first[:, j] < lower[j]) <= tail
        assert np.sum(last[:, j] > upper[j]) <= tail
        assert lower[j] in first[:, j]
        assert upper[j] in last[:, j]
        # the next tighter end would leave out too many
        assert np.sum(first[:, j] <= lower[j]) > tail
        assert np.sum(last[:, j] >= upper[j]) > tail


def verbs(summary):
    """Return all that takes a level and a method."""
    return (
        summary.rank_interval,
        summary.settled_pairs,
        summary.indistinguishable_pairs,
        summary.indistinguishable_groups,
    )


def naive_signs(samples, center, level, df):
    """Return the comparisons by the plain double loop."""
    n_draws, k = samples.shape
    statistic = np.zeros(n_draws)
    spread = {}
    for i, j in itertools.combinations(range(k), 2):
        difference = samples[:, i] - samples[:, j]
        spread[i, j] = difference.std()
        if spread[i, j] > 1e-12:
            statistic = np.maximum(statistic, np.abs(difference - (center[i] - center[j])) / spread[i, j])
    position = int(np.ceil(level * (n_draws + 1)))
    critical = core._student(np.sort(statistic)[position - 1], df) if position <= n_draws else np.inf
    signs = np.zeros((k, k))
    for (i, j), sd in spread.items():
        gap = center[i] - center[j]
        if sd > 1e-12 and abs(gap) > critical * sd * np.sqrt(1 + 1 / df):
            signs[i, j], signs[j, i] = np.sign(gap), -np.sign(gap)
    return signs


@pytest.mark.parametrize("df", [np.inf, 9, 2])
@pytest.mark.parametrize("seed", range(6))
def test_simultaneous_comparisons_agree_with_the_double_loop(seed, df):
    rng = np.random.default_rng(seed)
    samples = rng.normal(rng.normal(scale=9, size=6), rng.uniform(0.1, 0.4, 6), size=(199, 6))
    samples[:, 4] = samples[:, 1]
    center = samples.mean(axis=0) + rng.normal(scale=0.01, size=6)
    center[4] = center[1]
    signs, unvaried, _ = core.simultaneous_signs(samples, center, 0.9, df)
    expected = naive_signs(samples, center, 0.9, df)
    assert np.array_equal(signs, expected)
    assert (expected != 0).any()
    assert not unvaried.any()
    interval = RankSummary(samples, center=center, guarantee="asymptotic", df=df).rank_interval(0.9)
    assert np.array_equal(interval.lower, 1 + (expected < 0).sum(axis=1))
    assert np.array_equal(interval.upper, 6 - (expected > 0).sum(axis=1))
    assert (interval.method, interval.guarantee) == ("simultaneous ranks", "asymptotic")


def test_few_degrees_of_freedom_settle_less():
    rng = np.random.default_rng(3)
    samples = rng.normal(np.arange(4) * 2.0, 0.5, size=(999, 4))
    widths = [RankSummary(samples, guarantee="asymptotic", df=df).rank_interval().width.sum() for df in (np.inf, 9, 2)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    with pytest.warns(InfiniteBoundWarning, match="more items"):
        one_item = RankSummary(samples, guarantee="asymptotic", df=0).rank_interval()
    assert np.array_equal(one_item.to_numpy(), [[1, 4]] * 4)


def test_duplicates_and_constants_are_ties_and_never_significant():
    rng = np.random.default_rng(0)
    a = rng.normal(size=500)
    samples = np.column_stack([a, a, np.full(500, 9.0), np.full(500, 9.0)])
    summary = RankSummary(samples, guarantee="asymptotic")
    assert np.array_equal(summary.rank_interval().to_numpy(), [[3, 4], [3, 4], [1, 2], [1, 2]])
    np.testing.assert_array_equal(summary.rank_probabilities[0], [0, 0, 0.5, 0.5])
    assert summary.win_probabilities[0, 1] == 0.5
    assert summary.indistinguishable_groups() == (("candidate 2", "candidate 3"), ("candidate 0", "candidate 1"))
    constant = RankSummary(np.ones((10, 3)), guarantee="asymptotic")
    assert np.array_equal(constant.rank_interval(0.8).to_numpy(), [[1, 3]] * 3)


@pytest.mark.parametrize("offset", [0.1, 3.0, 1e6])
def test_a_difference_that_never_varies_is_left_open_with_one_warning(offset):
    a = np.random.default_rng(1).normal(size=400)
    summary = RankSummary(np.column_stack([a, a + offset]), ["a", "b"], guarantee="asymptotic")
    with pytest.warns(SmallSampleWarning, match="'a' and 'b'.*exact test") as caught:
        interval = summary.rank_interval()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.array_equal(interval.to_numpy(), [[1, 2], [1, 2]])
    for ask in verbs(summary)[1:]:
        with pytest.warns(SmallSampleWarning) as caught:
            ask()
        assert caught[0].filename == __file__


def test_too_few_draws_for_the_level_settle_nothing():
    samples = np.random.default_rng(0).normal([0, 100], 1, size=(19, 2))
    summary = RankSummary(samples, guarantee="asymptotic")
    assert np.array_equal(summary.rank_interval(0.95).to_numpy(), [[2, 2], [1, 1]])
    with pytest.warns(InfiniteBoundWarning, match="19 draws"):
        assert np.array_equal(summary.rank_interval(0.96).to_numpy(), [[1, 2], [1, 2]])


@pytest.mark.parametrize("guarantee", ["posterior", "asymptotic"])
def test_levels_nest_and_the_sign_flips_everything(guarantee):
    rng = np.random.default_rng(5)
    samples = rng.normal(rng.normal(size=6), 0.4, size=(999, 6))
    up = RankSummary(samples, guarantee=guarantee)
    down = RankSummary(-samples, greater_is_better=False, guarantee=guarantee)
    narrower = None
    for level in (0.3, 0.8, 0.95, 0.99):
        interval = up.rank_interval(level)
        assert np.array_equal(interval.to_numpy(), down.rank_interval(level).to_numpy())
        if narrower is not None:
            assert np.all((interval.lower <= narrower.lower) & (narrower.upper <= interval.upper))
        narrower = interval
    assert np.array_equal(up.rank_probabilities, down.rank_probabilities)
    assert up.point_ranking("kendall").names == down.point_ranking("kendall").names
    # the losses read as merits turn the table round
    worst_first = RankSummary(samples, greater_is_better=False, guarantee=guarantee)
    assert worst_first.point_ranking().names == up.point_ranking().names[::-1]


def test_columns_in_another_order_give_the_same_answers():
    rng = np.random.default_rng(8)
    samples = rng.normal(rng.normal(size=5), 0.5, size=(300, 5))
    shuffle = rng.permutation(5)
    for guarantee in ("posterior", "asymptotic"):
        one = RankSummary(samples, list("abcde"), guarantee=guarantee)
        two = RankSummary(samples[:, shuffle], [*np.array(list("abcde"))[shuffle]], guarantee=guarantee)
        assert np.array_equal(one.rank_interval().lower[shuffle], two.rank_interval().lower)
        np.testing.assert_allclose(one.win_probabilities[np.ix_(shuffle, shuffle)], two.win_probabilities)
        assert one.point_ranking("kendall").names == two.point_ranking("kendall").names
        assert one.indistinguishable_groups() == two.indistinguishable_groups()


def test_groups_overlap_where_telling_apart_is_not_transitive():
    samples = np.random.default_rng(0).normal([0.0, 1.0, 2.0, 9.0], 0.4, size=(4000, 4))
    summary = RankSummary(samples, list("abcd"))
    settled = summary.settled_pairs()
    assert settled[3].tolist() == [True, True, True, False]
    assert settled[2].tolist() == [True, False, False, False]
    assert summary.indistinguishable_groups() == (("d",), ("c", "b"), ("b", "a"))
    win = summary.win_probabilities
    assert np.array_equal(settled, win > 0.975)


@given(draws, st.sampled_from([0.2, 0.5, 0.9]))
@settings(max_examples=50, deadline=None)
def test_open_pairs_are_the_graph_of_what_is_not_settled(samples, level):
    summary = RankSummary(samples)
    win, expected = brute_wins(samples), mid_ranks(samples).mean(axis=0)
    edges = set()
    for i, j in itertools.combinations(range(samples.shape[1]), 2):
        if max(win[i, j], win[j, i]) <= (1 + level) / 2:
            edges.add(frozenset([f"candidate {i}", f"candidate {j}"]))
    pairs = summary.indistinguishable_pairs(level)
    assert {frozenset(pair) for pair in pairs} == edges
    assert len(pairs) == len(edges)
    place = dict(zip(summary.names, expected.round(9), strict=True))
    assert all(place[better] <= place[worse] for better, worse in pairs)
    assert [place[better] for better, _ in pairs] == sorted(place[better] for better, _ in pairs)
    # a run is a clique of the graph
    for run in summary.indistinguishable_groups(level):
        assert all(frozenset(pair) in edges for pair in itertools.combinations(run, 2))


def test_an_open_pair_may_share_no_run():
    # P(a > b) = P(b > c) = .98 and P(a > c) = .96: b is settled against both, who are open
    samples = np.array([[3, 2, 1]] * 96 + [[2, 1, 3]] * 2 + [[1, 3, 2]] * 2, dtype=float)
    summary = RankSummary(samples, list("abc"))
    assert summary.indistinguishable_pairs() == (("a", "c"),)
    assert summary.indistinguishable_groups() == (("a",), ("b",), ("c",))


def test_resampled_ranks_have_no_credible_intervals():
    summary = RankSummary(np.eye(3), guarantee="asymptotic")
    for ask in verbs(summary):
        with pytest.raises(InputError, match="near ties"):
            ask(0.9, method="credible")
    posterior = RankSummary(np.random.default_rng(0).normal(size=(999, 3)))
    assert posterior.rank_interval(method="simultaneous").guarantee == "posterior"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": [[1.0, np.nan]]}, "finite"),
        ({"samples": [[1.0, np.inf]]}, "finite"),
        ({"samples": [[1.0], [2.0]]}, "at least 2 columns"),
        ({"samples": [1.0, 2.0]}, "shape"),
        ({"samples": np.empty((0, 3))}, "at least one row"),
        ({"names": ["a"]}, "one per candidate"),
        ({"names": ["a", "b", "a"]}, "'a' more than once"),
        ({"names": "abc"}, "names"),
        ({"names": [1, "1", 2]}, "more than once"),
        ({"center": [1.0, 2.0]}, "center"),
        ({"center": [1.0, 2.0, np.nan]}, "center"),
        ({"guarantee": "exact"}, "guarantee"),
        ({"greater_is_better": "yes"}, "greater_is_better"),
        ({"df": -1}, "df"),
        ({"df": np.nan}, "df"),
        ({"df": np.array([1.0, np.inf])}, "df"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        RankSummary(**{"samples": np.ones((4, 3)), **arguments})


@pytest.mark.parametrize("level", [0, 1, 1.5, "95", None, np.nan])
def test_bad_levels_and_options_are_refused(level):
    summary = RankSummary(np.ones((4, 3)))
    for ask in verbs(summary):
        with pytest.raises(InputError, match="confidence_level"):
            ask(level)
        with pytest.raises(InputError, match="method"):
            ask(0.9, method="percentile")
    with pytest.raises(InputError, match="loss"):
        summary.point_ranking("footrule")


def test_is_a_frozen_result_that_prints_pickles_and_compares(rng):
    samples = rng.normal([0, 1, 2], 1, size=(200, 3))
    kept = samples.copy()
    summary = RankSummary(samples, ["<a>", "b", "c"], method="a bootstrap")
    assert pickle.loads(pickle.dumps(summary)) == summary
    assert summary != RankSummary(samples + 1, ["<a>", "b", "c"])
    assert "best 'c'" in repr(summary)
    assert "a bootstrap" in str(summary)
    assert "&lt;a&gt;" in summary._repr_html_()
    assert summary.to_dict()["names"] == ("<a>", "b", "c")
    with pytest.raises(AttributeError):
        summary.names = ("x",)
    with pytest.raises(ValueError, match="read-only"):
        summary.samples[0] = 0
    ranking = summary.point_ranking()
    assert pickle.loads(pickle.dumps(ranking)) == ranking
    assert repr(ranking).startswith("<PointRanking: c > b > <a>")
    assert np.array_equal(samples, kept)
    assert samples.flags.writeable


def test_frames_are_tidy_and_best_first(rng):
    require("pandas")
    frame = RankSummary(rng.normal([0, 5, 2], 1, size=(999, 3)), list("abc"), guarantee="asymptotic").to_frame()
    assert frame["name"].tolist() == ["b", "c", "a"]
    assert frame["estimate"].round().tolist() == [5, 2, 0]
    assert (frame["rank_lower"] <= frame["expected_rank"]).all()
    assert frame["p_best"].iloc[0] > 0.95
    assert RankSummary(np.eye(3)).point_ranking().to_frame()["rank"].tolist() == [1, 2, 3]


def test_plots(axes, rng):
    summary = RankSummary(rng.normal([0, 5, 2], 1, size=(99, 3)), list("abc"))
    assert summary.plot(axes) is axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["b", "c", "a"]
    assert "rank" in axes.get_xlabel()
    axes.clear()
    assert summary.plot(axes, kind="probabilities") is axes
    assert axes.images[0].get_array().shape == (3, 3)
    with pytest.raises(InputError, match="kind"):
        summary.plot(axes, kind="pie")


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_numbers(container):
    samples = np.random.default_rng(0).integers(0, 8, size=(40, 3)).astype(float)
    expected = RankSummary(samples)
    assert RankSummary(in_container(container, samples)) == expected


@pytest.mark.slow
def test_ten_thousand_draws_of_two_hundred_candidates_fit_in_memory():
    import tracemalloc

    samples = np.random.default_rng(0).normal(np.linspace(0, 5, 200), 1, size=(10_000, 200))
    summary = RankSummary(samples, guarantee="asymptotic")
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probabilities = summary.rank_probabilities
        win = summary.win_probabilities
        interval = summary.rank_interval()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15 * samples.nbytes
    np.testing.assert_allclose(probabilities.sum(axis=0), 1)
    np.testing.assert_allclose(win + win.T, 1)
    assert interval.upper[0] == 200
