"""Breakdown points against models that violate constancy, and their ends against the votes that would be drawn."""

import itertools
import pickle

import numpy as np
import pytest
from contracts import require
from scipy import stats

from bayes import simplex_breakdown
from bayes.ranking._breakdown_core import _paired_end, chained
from uq.exceptions import InputError

LEVEL = 0.9


def table(votes, judges=("gpt", "llama", "mistral"), names="abcdefgh"):
    """Return a long table of votes of shape (judge, item, candidate); NaN is no vote."""
    j, i, c = np.nonzero(~np.isnan(votes))
    return {
        "candidate": np.array(list(names))[c],
        "item": i,
        "judge": np.array(judges)[j],
        "score": votes[j, i, c],
    }


def exact_votes(shares, n=1000):
    """Return votes (judge, item, candidate) of exactly these shares (judge, candidate)."""
    return (np.arange(n)[:, None] < np.round(n * np.asarray(shares))[:, None, :]).astype(float)


def strengths(result):
    """Return the matrix of breakdown points of "row is better than column"."""
    at = {name: k for k, name in enumerate(result.names)}
    out = np.zeros((len(at), len(at)))
    for a, b, strength, refuted in zip(result.better, result.worse, result.estimate, result.refuted, strict=True):
        out[at[a], at[b]], out[at[b], at[a]] = strength, refuted
    return out


# ---- what is certain, and what is not


def attainable(share, pi_grid, a, b, e):
    """Tell at which pi of the grid a judge with these centers can give this share, violating by at most e."""
    low = np.clip(a - e, 0, 1) * (1 - pi_grid) + np.clip(b - e, 0, 1) * pi_grid
    high = np.clip(a + e, 0, 1) * (1 - pi_grid) + np.clip(b + e, 0, 1) * pi_grid
    return (low - 1e-12 <= share) & (share <= high + 1e-12)


def order_can_turn(shares, e):
    """Tell by trying a grid of centers and of pi whether the first candidate need not be better than the second."""
    pi = np.linspace(0, 1, 101)
    for a, b in itertools.combinations(np.linspace(0, 1, 101), 2):
        fits = [attainable(share, pi, a, b, e) for share in shares]
        if all(f.any() for f in fits) and pi[fits[0]].min() <= pi[fits[1]].max() + 1e-9:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.8, 0.6), (0.5, 0.1), (0.95, 0.9, 0.2), (1.0, 0.7, 0.4)])
def test_one_judge_the_point_is_sharp(shares):
    result = simplex_breakdown(table(exact_votes([shares])))
    point = strengths(result)[0, 1]
    assert point == pytest.approx((shares[0] - shares[1]) / 2)
    assert not order_can_turn(shares, point - 0.011)
    assert order_can_turn(shares, point + 0.011)


@pytest.mark.parametrize("seed", range(5))
def test_no_model_within_the_bound_has_another_order(seed):
    """Draw judges that violate constancy by up to e: every order that e leaves certain is the true one."""
    rng = np.random.default_rng(seed)
    certain = 0
    for _ in range(300):
        k, j, e = rng.integers(2, 6), rng.integers(1, 4), rng.uniform(0, 0.2)
        pi = rng.random(k).round(1)
        a, b = np.sort(rng.random((2, j)), axis=0)
        # the worst violations are at the ends
        own_a = np.clip(a[:, None] + e * rng.choice([-1, 0, 1], (j, k)), 0, 1)
        own_b = np.clip(b[:, None] + e * rng.choice([-1, 0, 1], (j, k)), 0, 1)
        shares = own_a * (1 - pi) + own_b * pi
        gaps = shares[:, :, None] - shares[:, None, :]
        strength = chained(np.maximum(gaps, 0).max(axis=0) / 2)
        sure = strength > e + 1e-12
        certain += sure.sum()
        assert not (sure & (pi[:, None] <= pi)).any()
        # and no e that is true is refuted
        assert np.minimum(strength, strength.T).max() <= e + 1e-12
    assert certain > 300


def brute_chain(strength):
    k = len(strength)
    out = np.zeros((k, k))
    for i, j in itertools.permutations(range(k), 2):
        others = [m for m in range(k) if m not in (i, j)]
        for size in range(len(others) + 1):
            for path in itertools.permutations(others, size):
                steps = itertools.pairwise([i, *path, j])
                out[i, j] = max(out[i, j], min(strength[s] for s in steps))
    return out


@pytest.mark.parametrize("seed", range(10))
def test_chains_agree_with_all_paths(seed):
    rng = np.random.default_rng(seed)
    strength = np.where(rng.random((5, 5)) < 0.6, rng.random((5, 5)), 0.0)
    np.fill_diagonal(strength, 0)
    np.testing.assert_array_equal(chained(strength), brute_chain(strength))


def test_judges_that_contradict_refute_small_violations():
    votes = exact_votes([[0.8, 0.6, 0.1], [0.5, 0.6, 0.2]], 20_000)
    result = simplex_breakdown(table(votes))
    assert strengths(result)[0, 1] == pytest.approx(0.1)
    assert strengths(result)[1, 0] == pytest.approx(0.05)
    assert result.smallest_violation == pytest.approx(0.05)
    assert 0.03 < result.smallest_violation_lower < 0.05
    assert "contradict" in str(result)
    with pytest.raises(InputError, match="refuted"):
        result.certain_pairs(0.01)
    certain = result.certain_pairs(0.06)
    assert certain.tolist() == [[False, True, True], [False, False, True], [False, False, False]]
    # at the least violation that is not refuted no pair is certain both ways
    assert not (result.certain_pairs() & result.certain_pairs().T).any()
    assert result.certain_pairs(0.5).sum() == 0


def test_orders_chain_over_judges():
    """No judge saw a and c: b, whom both saw, links them."""
    votes = exact_votes([[0.9, 0.5, 0.0], [0.0, 0.7, 0.5]])
    votes[0, :, 2] = np.nan
    votes[1, :, 0] = np.nan
    result = simplex_breakdown(table(votes))
    assert strengths(result)[0, 2] == pytest.approx(0.1)
    assert np.isnan(result.shares[2, 0])
    unlinked = votes.copy()
    unlinked[1] = np.nan
    unlinked[1, :, 2] = 1.0
    result = simplex_breakdown(table(unlinked))
    assert strengths(result)[0, 2] == strengths(result)[2, 0] == 0
    assert not result.certain_pairs()[:, 2].any()


# ---- the ends


def trinomial(wins, losses, n):
    for w in range(n + 1):
        for m in range(n - w + 1):
            yield w, m, stats.multinomial.pmf([w, m, n - w - m], n, [wins, losses, 1 - wins - losses])


@pytest.mark.parametrize("n", [1, 6, 25])
@pytest.mark.parametrize(("wins", "losses"), [(0.0, 0.0), (0.3, 0.3), (0.02, 0.0), (0.5, 0.1), (0.1, 0.5), (0.9, 0.1)])
def test_the_end_of_a_paired_difference_errs_as_rarely_as_it_says(n, wins, losses):
    """By enumeration of all outcomes."""
    cases = np.array(list(trinomial(wins, losses, n)))
    for alpha in (0.2, 0.05, 1e-3):
        end = _paired_end(cases[:, 0], cases[:, 1], n, alpha)
        assert cases[end > wins - losses + 1e-12, 2].sum() <= alpha
        assert np.all(end <= (cases[:, 0] - cases[:, 1]) / n + 1e-12)


def draw_votes(rng, shares, n, common):
    """Return votes (judge, item, candidate) with a latent difficulty of items that all votes have in common."""
    latent = np.sqrt(common) * rng.normal(size=(1, n, 1)) + np.sqrt(1 - common) * rng.normal(size=(len(shares), n, 4))
    return (stats.norm.cdf(latent) < np.asarray(shares)[:, None, :]).astype(float)


STUDIES = {
    "ties": ([[0.6, 0.6, 0.6, 0.6], [0.5, 0.5, 0.5, 0.5]], 40, 0.6, {}),
    "gaps": ([[0.9, 0.6, 0.55, 0.2], [0.8, 0.7, 0.4, 0.3]], 60, 0.6, {}),
    "never and always": ([[1.0, 0.97, 0.03, 0.0], [1.0, 1.0, 0.0, 0.0]], 15, 0.0, {}),
    "contradiction": ([[0.7, 0.5, 0.5, 0.2], [0.4, 0.6, 0.5, 0.2]], 100, 0.3, {}),
    "few common items": ([[0.9, 0.6, 0.55, 0.2], [0.8, 0.7, 0.4, 0.3]], 60, 0.6, {"lost": 0.6}),
    "no items": ([[0.9, 0.6, 0.55, 0.2], [0.8, 0.7, 0.4, 0.3]], 60, 0.0, {"items": False}),
}


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.slow
def test_all_ends_hold_at_once(study):
    shares, n, common, options = STUDIES[study]
    gaps = np.asarray(shares)[:, :, None] - np.asarray(shares)[:, None, :]
    truth = chained(np.maximum(gaps, 0).max(axis=0) / 2)
    rng = np.random.default_rng(len(study))
    held, n_studies = 0, 150
    for _ in range(n_studies):
        votes = draw_votes(rng, shares, n, common)
        votes[rng.random(votes.shape) < options.get("lost", 0)] = np.nan
        rows = table(votes)
        if not options.get("items", True):
            del rows["item"]
        result = simplex_breakdown(rows, levels=[0, 1], confidence_level=LEVEL)
        i, j = ([result.names.index(name) for name in side] for side in (result.better, result.worse))
        inside = (result.lower <= truth[i, j] + 1e-12) & (truth[i, j] <= result.upper + 1e-12)
        forced = result.refuted_lower <= np.minimum(truth, truth.T)[i, j] + 1e-12
        held += bool(inside.all() and forced.all())
    assert held >= stats.binom.ppf(1e-4, n_studies, LEVEL), held / n_studies


def test_no_false_certainty_from_unfair_judges():
    """Two equal candidates, judged as unfairly as e allows: an order is "certain" at e no more often than 1 - level."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        votes = draw_votes(rng, [[0.6, 0.4, 0.5, 0.5]], 200, 0.0)
        wrong += simplex_breakdown(table(votes), confidence_level=LEVEL).certain_pairs(0.1)[:2, :2].any()
    assert wrong <= stats.binom.ppf(1 - 1e-4, 300, 1 - LEVEL)


def test_common_items_settle_more_than_shares_alone():
    votes = draw_votes(np.random.default_rng(0), [[0.7, 0.6, 0.5, 0.4]], 1000, 0.9)
    rows = table(votes)
    paired = simplex_breakdown(rows)
    apart = simplex_breakdown({name: column for name, column in rows.items() if name != "item"})
    np.testing.assert_allclose(paired.estimate, apart.estimate)
    assert np.all(paired.upper - paired.lower < 0.8 * (apart.upper - apart.lower))


# ---- the surface


def test_counts_are_rows():
    votes = exact_votes([[0.8, 0.6], [0.7, 0.5]], 50)
    rows = table(votes)
    del rows["item"]
    whole = simplex_breakdown(rows)
    keys = list(zip(rows["candidate"], rows["judge"], rows["score"], strict=True))
    counted = {name: [key[i] for key in dict.fromkeys(keys)] for i, name in enumerate(("candidate", "judge", "score"))}
    counted["count"] = [keys.count(key) for key in dict.fromkeys(keys)]
    assert simplex_breakdown(counted) == whole
    # with counts an item is a kind of items: no pairs are formed
    assert simplex_breakdown({**counted, "item": np.arange(len(counted["count"]))}) == whole


def test_any_two_levels_and_any_table():
    votes = exact_votes([[0.8, 0.6, 0.4]], 60)
    rows = table(votes)
    result = simplex_breakdown(rows)
    for score in (
        rows["score"] * 3 - 1,
        rows["score"].astype(bool),
        rows["score"].astype(np.float32),
        2 * rows["score"],
    ):
        assert simplex_breakdown({**rows, "score": score}) == result
    flipped = simplex_breakdown({**rows, "score": 1 - rows["score"]})
    assert (flipped.better, flipped.worse) != (result.better, result.worse)
    np.testing.assert_allclose(np.sort(flipped.estimate), np.sort(result.estimate))
    renamed = {"model": rows["candidate"], "task": rows["item"], "judge": rows["judge"], "good": rows["score"]}
    columns = {"candidate": "model", "item": "task", "score": "good"}
    assert simplex_breakdown(renamed, columns=columns) == result
    shuffled = np.random.default_rng(0).permutation(len(votes[0]) * 3)
    kept = {name: column.copy() for name, column in rows.items()}
    assert simplex_breakdown({name: column[shuffled] for name, column in rows.items()}) == result
    assert all(np.array_equal(rows[name], kept[name]) for name in rows)
    gap = {**rows, "score": np.where(np.arange(len(rows["score"])) == 3, np.nan, rows["score"])}
    assert simplex_breakdown(gap, missing="drop").n_missing == 1
    for library in ("pandas", "polars"):
        assert simplex_breakdown(require(library).DataFrame(rows)) == result


def test_prints_plots_and_pickles(axes):
    result = simplex_breakdown(table(exact_votes([[0.8, 0.6, 0.4]], 60)))
    assert pickle.loads(pickle.dumps(result)) == result
    assert (result.better, result.worse) == (("a", "a", "b"), ("b", "c", "c"))
    assert np.all((result.lower <= result.estimate) & (result.estimate <= result.upper))
    assert result.plot(axes) is axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a > b", "a > c", "b > c"]
    assert "3 pairs" in repr(result)
    assert "contradict" not in str(result)
    assert result.certified
    require("pandas")
    assert result.to_frame()["breakdown"].tolist() == pytest.approx([0.1, 0.2, 0.1])


def test_many_candidates_are_no_matter():
    rng = np.random.default_rng(0)
    votes = (rng.random((5, 1000, 60)) < np.linspace(0.2, 0.8, 60)).astype(float)
    rows = table(votes, judges=list("vwxyz"), names=[f"m{i:02}" for i in range(60)])
    result = simplex_breakdown(rows)
    assert len(result.better) == 60 * 59 // 2
    assert result.certain_pairs()[-1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": [1, 2, 3, 1]}, "two levels; got 3"),
        ({"score": [1, 1, 1, 1]}, "two ascending numbers"),
        ({"score": [1, 0, np.nan, 1]}, "missing"),
        ({"score": ["a", "b", "a", "b"]}, "real numbers"),
        ({"item": [0, 0, 0, 0]}, "one row per candidate, item and judge"),
        ({"candidate": list("aaaa")}, "two candidates"),
        ({"candidate": None}, "candidate"),
        ({"judge": ["x", "y"]}, "one label per row"),
        ({"count": [0.5, 1, 1, 1]}, "whole numbers"),
        ({"count": [0, 0, 0, 0]}, "at least one vote"),
    ],
)
def test_bad_votes_are_refused(change, message):
    rows = {"candidate": list("aabb"), "item": [0, 1, 0, 1], "judge": list("xxxx"), "score": [1, 0, 0, 1], **change}
    with pytest.raises(InputError, match=message):
        simplex_breakdown(rows)


def test_bad_options_are_refused():
    rows = {"candidate": list("aabb"), "item": [0, 1, 0, 1], "judge": list("xxxx"), "score": [1, 0, 0, 1]}
    for options in ({"levels": [0, 2]}, {"levels": [0, 1, 2]}, {"levels": 2}, {"columns": {"x": "y"}},
                    {"missing": "omit"}, {"confidence_level": 95}):  # fmt: skip
        with pytest.raises(InputError):
            simplex_breakdown(rows, **options)
    result = simplex_breakdown(rows)
    for violation in (-0.1, 0.6, np.nan, "0", True):
        with pytest.raises(InputError, match="violation"):
            result.certain_pairs(violation)
    for votes in (None, 3, np.ones((3, 4)), [], "votes"):
        with pytest.raises(InputError):
            simplex_breakdown(votes)
