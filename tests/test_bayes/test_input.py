"""From tables to the problem: dress, counts, families, anchors and strata, and what is refused."""

import pickle

import numpy as np
import pytest
from contracts import require
from judges_tables import problem_of, rows, table_of_votes, uneven_strata

from uq._base.exceptions import InputError, NotIdentifiedError

PI = [[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]]
SHARP = [[[0.9, 0.1], [0.2, 0.8]], [[0.8, 0.2], [0.1, 0.9]], [[0.85, 0.15], [0.15, 0.85]]]


@pytest.fixture(scope="module")
def votes():
    return table_of_votes(np.random.default_rng(0), PI, SHARP, 150)[0]


def test_missing_and_dropped_votes_do_not_move_the_weights():
    table = uneven_strata()
    n = len(table["score"])
    gone = (table["kind"] == "e") & (table["item"] % 3 > 0) & (table["candidate"] == "a")  # all votes of these items
    holes = table | {"score": np.where(gone, np.nan, table["score"])}
    own = {"j0": "f", "j1": "f", "a": "f"} | {f"j{j}": f"g{j}" for j in range(2, 6)}
    options = {"strata": "kind"}
    for problem in (
        problem_of(holes, missing="drop", **options),
        problem_of(rows(table, np.random.default_rng(0).random(n) < 0.9), **options),  # hardly an item loses all
        problem_of(
            table, families={"j2": "f", "j3": "f", "j4": "f", "j5": "f", "a": "f"}, self_votes="drop", **options
        ),
    ):
        assert np.allclose(problem.cell_weight, 0.5, atol=0.01)
    with pytest.raises(InputError, match=r"every candidate must have votes in every stratum; got none of a in h"):
        problem_of(table, families=own, self_votes="drop", **options)
    # the item's count, once; in the rows of missing votes it may be anything
    count = np.where(table["kind"] == "e", 3, 1)
    counted = problem_of(holes | {"count": np.where(gone, 3, count)}, missing="drop", **options)
    assert np.allclose(counted.cell_weight, [0.75, 0.25] * 2)
    votes = {name: column for name, column in table.items() if name != "item"}
    assert np.allclose(problem_of(votes, likelihood="marginal", **options).cell_weight, [0.75, 0.25] * 2)


@pytest.mark.parametrize(
    "dress", ["pandas", "polars", "pyarrow", "structured", "list", "float32", "read-only", "categories"]
)
def test_the_dress_of_the_table_does_not_matter(votes, dress):
    plain = problem_of(votes)
    dressed = dict(votes)
    if dress in ("pandas", "polars"):
        dressed = require(dress).DataFrame(votes)
    elif dress == "pyarrow":
        dressed = require("pyarrow").table(votes)
    elif dress == "structured":
        dressed = np.rec.fromarrays(list(votes.values()), names=list(votes)).view(np.ndarray)
    elif dress == "list":
        dressed = {name: column.tolist() for name, column in votes.items()}
    elif dress == "float32":
        dressed["score"] = votes["score"].astype(np.float32)
    elif dress == "read-only":
        dressed = {name: column.copy() for name, column in votes.items()}
        for column in dressed.values():
            column.flags.writeable = False
    else:
        dressed = require("pandas").DataFrame(votes).astype({"candidate": "category", "judge": "category"})
    found = problem_of(dressed)
    for name in ("votes", "cell", "count", "levels"):
        assert np.array_equal(getattr(found, name), getattr(plain, name))


def test_torch_scores_and_other_names(votes):
    torch = require("torch")
    table = {"model": votes["candidate"], "q": votes["item"], "by": votes["judge"], "s": torch.tensor(votes["score"])}
    names = {"candidate": "model", "item": "q", "judge": "by", "score": "s"}
    assert np.array_equal(problem_of(table, columns=names).count, problem_of(votes).count)


def test_order_of_rows_does_not_matter_and_inputs_stay(votes):
    order = np.random.default_rng(0).permutation(len(votes["score"]))
    shuffled, before = rows(votes, order), pickle.dumps(votes)
    assert np.array_equal(problem_of(shuffled).count, problem_of(votes).count)
    assert pickle.dumps(votes) == before


def test_counts_stand_for_items(votes):
    thrice = {name: np.concatenate([column] * 3) for name, column in votes.items()}
    thrice["item"] = thrice["item"] + 1000 * np.repeat(np.arange(3), len(votes["item"]))
    counted = problem_of(votes | {"count": np.full(len(votes["item"]), 3)})
    assert np.array_equal(counted.count, problem_of(thrice).count)
    none = problem_of({k: np.r_[v, v[:1]] for k, v in votes.items()} | {"count": np.r_[np.ones(1350), 0]})
    assert np.array_equal(none.count, problem_of(votes).count)


def test_missing_scores_are_votes_not_cast(votes):
    holes = np.arange(1350) % 7 == 0
    table = votes | {"score": np.where(holes, np.nan, votes["score"])}
    with pytest.raises(InputError, match="missing='drop'"):
        problem_of(table)
    dropped, left_out = problem_of(table, missing="drop"), problem_of(rows(votes, ~holes))
    assert np.array_equal(dropped.votes, left_out.votes)
    assert np.array_equal(dropped.count, left_out.count)


def test_wide_designs_need_no_small_keys():
    rng = np.random.default_rng(0)
    table, _ = table_of_votes(rng, PI, SHARP * 14, 5)  # 3^43 does not fit into 63 bits
    problem = problem_of(table)
    assert problem.count.sum() == 15
    assert (problem.votes >= 0).all()


def test_self_votes(votes):
    table = votes | {"judge": np.where(votes["judge"] == "j0", "m0", votes["judge"])}
    keep, model, drop = (problem_of(table, self_votes=way) for way in ("keep", "model", "drop"))
    m0 = int(np.flatnonzero(np.isin(["j1", "j2", "m0"], "m0"))[0])
    assert np.isinf(keep.constancy).all()
    assert model.constancy[m0].tolist() == [10, np.inf, np.inf]
    assert (drop.votes[drop.cell == 0, m0] == -1).all()
    assert (drop.votes[drop.cell > 0, m0] >= 0).all()
    assert problem_of(table, self_constancy=3, constancy=50).constancy[m0].tolist() == [3, 50, 50]
    assert problem_of(table, constancy=5).constancy.max() == 5
    family = problem_of(votes, families={"j1": "x", "m2": "x"})
    assert family.constancy[family.family[1]].tolist() == [np.inf, np.inf, 10]


def test_too_few_families_are_refused(votes):
    two = {"j0": "a", "j1": "a"}
    problem_of(votes, families=two)
    with pytest.raises(NotIdentifiedError, match="2 independent votes"):
        problem_of(votes, families=two, constancy=20)
    with pytest.raises(NotIdentifiedError, match="give anchors"):
        problem_of(votes, families=dict.fromkeys(["j0", "j1", "j2"], "a"))
    anchors = {"candidate": ["m0", "m1", "m2"], "item": [0, 0, 0], "score": [1, 1, 2]}
    problem_of(votes, anchors, families=dict.fromkeys(["j0", "j1", "j2"], "a"))


def test_a_candidate_or_judge_without_votes(votes):
    gone = votes | {"score": np.where(votes["candidate"] == "m1", np.nan, votes["score"])}
    with pytest.raises(InputError, match="none of m1 that is not missing"):
        problem_of(gone, missing="drop")
    gone = votes | {"score": np.where(votes["judge"] == "j1", np.nan, votes["score"])}
    with pytest.raises(InputError, match=r"every judge .* none of j1"):
        problem_of(gone, missing="drop")
    with pytest.raises(InputError, match="besides those of its own family"):
        problem_of(rows(votes, votes["judge"] == "j0"), families={"j0": "x", "m1": "x"}, self_votes="drop")
    with pytest.raises(InputError, match="at least one vote"):
        problem_of(votes | {"score": np.full(1350, np.nan)}, missing="drop")


def test_scores_outside_the_levels(votes):
    with pytest.raises(InputError, match=r"among the levels \[1.0, 3.0\]; got 2 in row"):
        problem_of(votes, levels=[1, 3])
    for levels in ([2, 1], [1], [1, 1, 2], [1, np.nan], "ab", [[1, 2], [3, 4]]):
        with pytest.raises(InputError, match="levels"):
            problem_of(votes, levels=levels)
    assert problem_of(votes, levels=[0, 1, 2, 10]).n_levels == 4


def test_anchors_are_checked(votes):
    good = {"candidate": ["m0", "m1"], "item": [0, 3], "score": [1, 2]}
    problem = problem_of(votes, good)
    assert problem.count[problem.truth >= 0].sum() == 2
    assert problem.count.sum() == 450
    beyond = problem_of(votes, {"candidate": ["m0", "m1"], "item": [0, 999], "score": [1, 2]})
    assert beyond.count.sum() == 451
    for change, words in (
        ({"candidate": ["m0", "m9"]}, "got 'm9'"),
        ({"candidate": ["m0", "m0"], "item": [0, 0]}, "one row per candidate and item"),
        ({"score": [1, np.nan]}, "finite"),
        ({"score": [1, 7]}, "among the levels|anchors"),
        ({"item": ["0", "3"]}, "named alike"),
        ({"item": [0]}, "one row per score"),
    ):
        with pytest.raises(InputError, match=words):
            problem_of(votes, good | change, levels=[1, 2])
    with pytest.raises(InputError, match="anchors must belong to items"):
        problem_of({k: v for k, v in votes.items() if k != "item"}, good, likelihood="marginal")


def test_anchors_make_no_levels(votes):
    averages = {"candidate": ["m0", "m0"], "item": [0, 1], "score": [4 / 3, 2]}
    with pytest.raises(InputError, match=r"levels \[1.0, 2.0\], those of the votes; got 1.33333 in row 0.*round it"):
        problem_of(votes, averages)
    assert problem_of(votes, averages, levels=[1, 4 / 3, 2]).n_levels == 3


def test_an_anchor_stands_for_as_many_items_as_its_votes():
    votes = {"candidate": list("aabb"), "item": list("pqpq"), "judge": ["x"] * 4, "score": [0, 1, 0, 1]}
    votes["count"] = [500] * 4
    anchor = {"candidate": ["a"], "item": ["p"], "score": [1]}
    with pytest.raises(InputError, match=r"got 1 in row 0 of anchors, and votes that stand for 500.*column 'count'"):
        problem_of(votes, anchor)
    problem = problem_of(votes, anchor | {"count": [500]})
    assert problem.count[problem.truth >= 0].tolist() == [500]
    new = {"candidate": ["a", "b"], "item": ["p", "r"], "score": [1, 0], "count": [500, 7]}
    problem = problem_of(votes, new)
    assert sorted(problem.count[problem.truth >= 0].tolist()) == [7, 500]
    for count, words in (([0], "at least 1"), ([0.5], r"anchors\['count'\] must be whole")):
        with pytest.raises(InputError, match=words):
            problem_of(votes, anchor | {"count": count})


def test_anchors_link_what_no_judge_links(votes):
    names = np.where(votes["candidate"] == "m2", np.char.add(votes["judge"], "x"), votes["judge"])
    table = votes | {"judge": names}
    with pytest.raises(InputError, match="must link all candidates"):
        problem_of(table)
    problem_of(table, {"candidate": ["m0", "m2"], "item": [0, 0], "score": [1, 2]})


def test_strata_are_checked(votes):
    with pytest.raises(InputError, match="same in all rows of an item"):
        problem_of(votes, strata=np.arange(1350))
    with pytest.raises(InputError, match="every candidate must have votes in every stratum"):
        problem_of(
            votes | {"item": votes["item"] + 1000 * (votes["candidate"] == "m0")}, strata=votes["candidate"] == "m0"
        )
    with pytest.raises(InputError, match="strata"):
        problem_of(votes, strata="nobody")
    with pytest.raises(InputError, match="strata must have one label per row"):
        problem_of(votes, strata=[1, 2])


@pytest.mark.parametrize("families", [[("j0", "a")], {"nobody": "a"}, {"j0": []}, {"m0": []}, "a"])
def test_bad_families_are_refused(votes, families):
    with pytest.raises(InputError, match="families"):
        problem_of(votes, families=families)


@pytest.mark.parametrize("columns", [{"model": "candidate"}, {"score": 3}, "score"])
def test_bad_columns_are_refused(votes, columns):
    with pytest.raises(InputError, match="columns"):
        problem_of(votes, columns=columns)


def test_lazy_frames_and_repeated_columns_are_refused(votes):
    with pytest.raises(InputError, match="in memory"):
        problem_of(require("polars").DataFrame(votes).lazy())
    frame = require("pandas").DataFrame(votes)
    frame.columns = ["candidate", "item", "judge", "judge"]
    with pytest.raises(InputError, match="score"):
        problem_of(frame)
    frame.columns = ["candidate", "score", "judge", "score"]
    with pytest.raises(InputError, match="one column 'score'"):
        problem_of(frame)


def test_votes_without_items_are_counts(votes):
    table = {k: v for k, v in votes.items() if k != "item"}
    problem = problem_of(table, likelihood="marginal")
    assert not problem.has_items
    with_items = problem_of(votes, likelihood="marginal")
    assert np.array_equal(problem.vote_counts(), with_items.vote_counts())
    assert problem.vote_counts().sum() == 1350
    assert with_items.vote_counts(anchored=True).sum() == 0
