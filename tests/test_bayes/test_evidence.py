"""What counts as a view and as an anchor, where votes are uneven: never more than the design has everywhere."""

import warnings

import numpy as np
import pytest

from bayes import SimplexRanker
from bayes.ranking._evidence import anchors_kind, count_views
from bayes.ranking._input import prepare
from uq._base.exceptions import NotIdentifiedError

LEVELS = [0, 1, 2]


def rows_of(candidate, items, judges, seed=0):
    """Return rows (candidate, item, judge, score) of judges who all vote on these items."""
    rng = np.random.default_rng(seed)
    return [(candidate, item, judge, int(rng.integers(3))) for item in items for judge in judges]


def table(rows):
    return dict(zip(("candidate", "item", "judge", "score"), map(list, zip(*rows, strict=True)), strict=True))


def anchored(*rows):
    return dict(zip(("candidate", "item", "score"), map(list, zip(*rows, strict=True)), strict=True))


def data_of(rows, anchors=None, families=None, **parameters):
    return prepare(SimplexRanker(LEVELS, **parameters), table(rows), anchors, families, None, None, "raise", "fit")


LONE = rows_of("a", range(100), "j") + rows_of("b", range(100), "j", 1)
FULL = rows_of("a", [999], "xyj")


@pytest.mark.parametrize(
    ("rows", "anchors", "constancy"),
    [
        (LONE, None, np.inf),
        (LONE, anchored(("a", 0, 1)), np.inf),  # one anchor
        (LONE, anchored(*[("a", i, i % 3) for i in range(30)]), 10),  # only of one candidate, and unequal treatment
        (LONE, anchored(*[("a", i, 1) for i in range(30)]), np.inf),  # only one true score
        (LONE + FULL, None, np.inf),  # one item with all judges
        (LONE + FULL + rows_of("b", [999], "xyj"), None, np.inf),
        (LONE + FULL, None, 10),
        (rows_of("a", range(100), "xyz") + rows_of("b", range(100), "z"), None, 10),
        (rows_of("a", range(100), "xy") + rows_of("b", range(100), "y"), None, np.inf),
    ],
)
def test_what_is_not_everywhere_does_not_count(rows, anchors, constancy):
    data = data_of(rows, anchors, constancy=constancy)
    assert data.identification.prior_driven
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ranker = SimplexRanker(LEVELS, constancy=constancy, draws=4, tune=0, random_state=0).fit(table(rows), anchors)
    assert any("the order rests on the prior" in str(w.message) for w in caught)
    assert ranker.prior_driven_


@pytest.mark.parametrize(
    ("rows", "anchors", "constancy", "kind", "n_views"),
    [
        (LONE, anchored(*[(c, i, i % 3) for c in "ab" for i in range(3)]), 10, "random", 1),
        (LONE, anchored(*[("a", i, i % 3) for i in range(30)]), np.inf, "truth", 1),
        (LONE, anchored(("a", 0, 1), ("a", 1, 0), ("b", 0, 2)), np.inf, "random", 1),
        (rows_of("a", range(100), "xyz") + rows_of("b", range(100), "xyz"), None, 10, None, 3),
        # a judge whom the items of one candidate show tells as much about another, if it treats them alike
        (rows_of("a", range(100), "xyz") + rows_of("b", range(100), "z"), None, np.inf, None, 3),
        (rows_of("a", range(100), "xy") + rows_of("b", range(100), "xy"), None, np.inf, None, 2),
    ],
)
def test_what_is_everywhere_does(rows, anchors, constancy, kind, n_views):
    data = data_of(rows, anchors, constancy=constancy)
    assert not data.identification.prior_driven
    assert anchors_kind(data.problem, constancy) == kind
    assert count_views(data.problem) == n_views


def test_a_tenth_of_the_items_is_enough():
    for n_full, views in ((9, 1), (10, 3)):
        rows = [
            row
            for c in "ab"
            for row in rows_of(c, range(n_full), "xyj") + rows_of(c, range(n_full, 100), "j" if c == "a" else "k")
        ]
        assert count_views(data_of(rows).problem) == views


def test_strata_need_their_own_views_where_matrices_are_not_common():
    rows = [row for c in "ab" for row in rows_of(c, range(50), "xyz") + rows_of(c, range(50, 100), "xy")]
    strata = [int(item >= 50) for _, item, _, _ in rows]
    for constancy, views in ((np.inf, 3), (10, 2)):
        ranker = SimplexRanker(LEVELS, constancy=constancy)
        problem = prepare(ranker, table(rows), None, None, strata, None, "raise", "fit").problem
        assert count_views(problem) == views


def test_one_item_does_not_lift_the_refusal_of_families():
    rows = [row for c in "ab" for row in rows_of(c, range(50), "xy")]
    full = [row for c in "ab" for row in rows_of(c, [99], "xyuv")]
    families = {"x": "f", "y": "f"}
    with pytest.raises(NotIdentifiedError, match="1 independent vote per item of some candidate"):
        data_of(rows + full, families=families)
    with pytest.raises(NotIdentifiedError, match="anchors of every candidate"):
        data_of(rows, anchored(("a", 0, 1)), families)


def test_items_that_are_all_anchored_have_no_views_and_need_none():
    rows = [row for c in "ab" for row in rows_of(c, range(5), "j")]
    anchors = anchored(*[(c, i, i % 3) for c in "ab" for i in range(5)])
    data = data_of(rows, anchors, constancy=5)
    assert count_views(data.problem) == 0
    assert not data.identification.prior_driven
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not SimplexRanker(LEVELS, draws=4, tune=0, random_state=0).fit(table(rows), anchors).prior_driven_


def test_two_views_need_a_pair_that_two_candidates_share():
    """22 parameters and 16 shares that can be seen: nothing links a's judges to b's but the one that both have."""
    apart = rows_of("a", range(100), "xy") + rows_of("b", range(100), "yz")
    assert count_views(data_of(apart).problem) == 1
    assert data_of(apart).identification.prior_driven
    linked = apart + rows_of("c", range(100), "xy")
    assert count_views(data_of(linked).problem) == 2


def test_self_votes_are_no_views():
    rows = [row for c in "ab" for row in rows_of(c, range(100), "ab")]
    data = data_of(rows)
    assert not data.problem.is_constant
    assert data.identification.prior_driven
    strangers = [row for c in "cd" for row in rows_of(c, range(100), "ab")]
    assert not data_of(strangers).identification.prior_driven


def test_a_family_that_bears_a_members_name_holds_it():
    rows = [row for c in "cd" for row in rows_of(c, range(20), "xyzw")]
    named = data_of(rows, families={"w": "x"}).problem.family
    assert named.tolist() == data_of(rows, families={"w": "f", "x": "f"}).problem.family.tolist()
    assert len(set(named.tolist())) == 3
    assert not data_of(rows, families={"x": "c"}).problem.is_constant
