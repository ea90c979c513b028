"""The estimator: what it learns, what it refuses and how, and that the dress of the table does not matter."""

import pickle
import warnings

import numpy as np
import pytest
from contracts import require
from judges_tables import table_of_votes
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bayes import SimplexRanker
from bayes.ranking._input import prepare
from uq import citation
from uq._base.exceptions import InputError, MissingExtraError, NotIdentifiedError, UQError

PI = [[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]]
SHARP = [[[0.9, 0.1], [0.2, 0.8]], [[0.8, 0.2], [0.1, 0.9]], [[0.85, 0.15], [0.15, 0.85]]]
QUICK = {"draws": 40, "tune": 40, "chains": 2, "random_state": 0}


def quick(**parameters):
    return SimplexRanker(**{**QUICK, **parameters})


@pytest.fixture(scope="module")
def votes():
    return table_of_votes(np.random.default_rng(0), PI, SHARP, 150)[0]


@pytest.fixture(scope="module")
def ranker(votes):
    return SimplexRanker(draws=300, tune=200, random_state=0).fit(votes)


def rows(table, keep):
    return {name: np.asarray(column)[keep] for name, column in table.items()}


def problem_of(table, anchors=None, families=None, strata=None, columns=None, missing="raise", **parameters):
    return prepare(SimplexRanker(**parameters), table, anchors, families, strata, columns, missing, "fit").problem


def quietly(estimator, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimator.fit(*args, **options)


# ---- what is learned


def test_shapes_and_names(ranker):
    assert ranker.candidates_.tolist() == ["m0", "m1", "m2"]
    assert ranker.judges_.tolist() == ["j0", "j1", "j2"]
    assert ranker.levels_.tolist() == [1, 2]
    assert ranker.pi_.shape == (4, 300, 3, 2)
    assert ranker.theta_.shape == (4, 300, 3, 2, 2)
    assert np.allclose(ranker.pi_.sum(axis=3), 1)
    assert np.allclose(ranker.theta_.sum(axis=4), 1)
    assert np.allclose(ranker.utility_, ranker.pi_ @ [1, 2])
    assert (ranker.n_votes_, ranker.n_missing_, ranker.strata_) == (1350, 0, None)


def test_truth_is_found(ranker):
    assert ranker.ranking_.point_ranking().names == ("m2", "m1", "m0")
    sd = ranker.utility_.std(axis=(0, 1))
    assert np.all(np.abs(ranker.utility_.mean(axis=(0, 1)) - np.array([1.3, 1.5, 1.8])) < 4 * sd)
    assert np.abs(ranker.theta_.mean(axis=(0, 1)) - SHARP).max() < 0.12
    assert ranker.ranking_.guarantee == "posterior"
    assert not ranker.prior_driven_
    assert ranker.label_ambiguity_ < 0.01


def test_diagnostics(ranker):
    found = ranker.diagnostics_
    assert found.converged
    assert found.ess_bulk.min() > 100
    assert found.agreement.misfit() is None
    assert [tuple(pair) for pair in found.agreement.pairs] == [("j0", "j1"), ("j0", "j2"), ("j1", "j2")]
    for text in (str(found), str(found.agreement), found._repr_html_(), repr(ranker)):
        assert text
    assert pickle.loads(pickle.dumps(found)) == found
    assert "vehtari2021" in citation(found)
    assert "vossler2025" in citation(ranker)


def test_pickles_clones_and_repeats(votes, ranker):
    twin = pickle.loads(pickle.dumps(ranker))
    assert np.array_equal(twin.utility_, ranker.utility_)
    fresh = clone(ranker)
    with pytest.raises(NotFittedError):
        _ = fresh.ranking_
    again = fresh.set_params(draws=300).fit(votes)
    assert np.array_equal(again.utility_, ranker.utility_)


def test_workers_draw_the_same(votes, monkeypatch):
    monkeypatch.setattr("bayes.ranking._sampling.LARGE_ROWS", 1)
    one, two = (quietly(quick(n_jobs=n), votes) for n in (1, 2))
    assert np.array_equal(one.utility_, two.utility_)


def test_the_sample_target_has_ties_and_anchors_settle_it():
    table, truth = table_of_votes(np.random.default_rng(1), PI, SHARP, 8)
    candidate, item = np.indices(truth.shape).reshape(2, -1)
    anchors = {"candidate": np.array(["m0", "m1", "m2"])[candidate], "item": item, "score": truth.ravel()}
    known = quietly(quick(target="sample"), table, anchors)
    assert np.allclose(known.utility_, truth.mean(axis=1))
    some = quietly(quick(target="sample"), table)
    assert np.allclose(some.utility_ * 8, np.round(some.utility_ * 8))


def test_strata_are_averaged_by_their_items():
    table, _ = table_of_votes(np.random.default_rng(2), PI, SHARP, 40)
    hard = np.where(table["item"] < 10, "hard", "easy")
    found = quietly(quick(), table | {"kind": hard}, strata="kind")
    assert found.strata_.tolist() == ["easy", "hard"]
    assert found._problem.n_cells == 6
    assert np.allclose(found._problem.cell_weight, [0.75, 0.25] * 3)
    assert np.array_equal(found.utility_, quietly(quick(), table, strata=hard).utility_)
    assert np.allclose(found.pi_.sum(axis=3), 1)


# ---- dress


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


# ---- families and self-votes


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


def test_judges_of_a_family_share_one(votes):
    table = votes | {"judge": votes["judge"].copy()}
    copy = rows(votes, votes["judge"] == "j0") | {"judge": np.full(450, "j3")}
    table = {name: np.concatenate([table[name], copy[name]]) for name in table}
    problem = problem_of(table, families={"j0": "a", "j3": "a"})
    assert problem.family.tolist() == [0, 1, 2, 0]
    assert problem.n_views == 3
    found = quietly(quick(), table, families={"j0": "a", "j3": "a"})
    assert found.theta_.shape[2:] == (4, 2, 2)


def test_votes_that_agree_too_much_are_reported():
    rng = np.random.default_rng(4)
    table, _ = table_of_votes(rng, PI, [*SHARP, SHARP[0]], 300)
    score, judge = table["score"], table["judge"]
    copied = rng.random((judge == "j1").sum()) < 0.8
    score[judge == "j1"] = np.where(copied, score[judge == "j0"], score[judge == "j1"])
    with pytest.warns(UserWarning, match="j0 and j1 agree on|one family"):
        found = SimplexRanker(draws=300, tune=200, random_state=0).fit(table)
    i = found.diagnostics_.agreement.misfit()
    assert found.diagnostics_.agreement.excess[i] > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family = clone(found).fit(table, families={"j0": "f", "j1": "f"})
    assert family.diagnostics_.agreement.misfit() is None


def test_too_few_families_are_refused(votes):
    two = {"j0": "a", "j1": "a"}
    problem_of(votes, families=two)
    with pytest.raises(NotIdentifiedError, match="2 independent votes"):
        problem_of(votes, families=two, constancy=20)
    with pytest.raises(NotIdentifiedError, match="give anchors"):
        problem_of(votes, families=dict.fromkeys(["j0", "j1", "j2"], "a"))
    anchors = {"candidate": ["m0", "m1", "m2"], "item": [0, 0, 0], "score": [1, 1, 2]}
    problem_of(votes, anchors, families=dict.fromkeys(["j0", "j1", "j2"], "a"))


def test_one_judge_rests_on_the_prior():
    table, _ = table_of_votes(np.random.default_rng(0), [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], [0.7 * np.eye(3) + 0.1], 30)
    with pytest.warns(UserWarning, match="rests on the prior"):
        found = quick(draws=1000, tune=300).fit(table)
    assert found.prior_driven_
    assert found.diagnostics_.agreement is None
    assert "prior-driven" in found.diagnostics_.method


def test_chains_that_disagree_give_no_ranking(votes):
    with pytest.warns(UserWarning, match="chains disagree"):
        found = SimplexRanker(draws=4, tune=0, chains=3, random_state=0).fit(votes)
    with pytest.raises(UQError, match="draws stand in utility_"):
        _ = found.ranking_
    assert found.utility_.shape == (3, 4, 3)


# ---- refusals


def _bad_tables(votes):
    n = len(votes["score"])
    lonely = {"candidate": ["m3"], "item": [0], "judge": ["j9"], "score": [1.0]}
    return {
        "not a table": ([1, 2, 3], "must be a frame in memory"),
        "none": (None, "must be a frame in memory"),
        "no judges": ({k: v for k, v in votes.items() if k != "judge"}, "column 'judge'"),
        "no items": ({k: v for k, v in votes.items() if k != "item"}, "likelihood='marginal'"),
        "no rows": (rows(votes, slice(0)), "at least one row"),
        "lengths": (votes | {"judge": votes["judge"][:-1]}, "one label per row"),
        "strings": (votes | {"score": votes["score"].astype(str)}, "real numbers"),
        "infinite": (votes | {"score": np.where(np.arange(n) == 3, np.inf, votes["score"])}, "finite"),
        "NaN": (votes | {"score": np.where(np.arange(n) == 3, np.nan, votes["score"])}, "row 3"),
        "missing judge": (votes | {"judge": [None, *votes["judge"][1:]]}, "must not be missing"),
        "twice": ({k: np.r_[v, v[:1]] for k, v in votes.items()}, "must vote once on an item.*rows 0, 1350"),
        "one candidate": (rows(votes, votes["candidate"] == "m0"), "two candidates"),
        "one score": (rows(votes, votes["score"] == 1), "two ascending numbers"),
        "continuous": (votes | {"score": np.random.default_rng(0).random(n)}, "Bin the scores"),
        "disconnected": ({k: np.r_[v, lonely[k]] for k, v in votes.items()}, "must link all candidates"),
        "negative count": (votes | {"count": np.full(n, -1)}, "whole numbers"),
        "weights": (votes | {"count": np.full(n, 0.5)}, "Weights have no place"),
        "uneven count": (votes | {"count": 1 + np.arange(n) % 2}, "same in all rows of an item"),
    }


@pytest.mark.parametrize("case", list(_bad_tables({k: np.zeros(3) for k in ("candidate", "item", "judge", "score")})))
def test_bad_tables_are_refused_and_change_nothing(votes, ranker, case):
    table, words = _bad_tables(votes)[case]
    before = pickle.dumps(ranker)
    with pytest.raises(InputError, match=words):
        ranker.fit(table)
    assert pickle.dumps(ranker) == before


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


def test_a_judge_with_one_vote_is_legal(votes):
    once = {"candidate": ["m0"], "item": [0], "judge": ["j9"], "score": [2.0]}
    table = {name: np.concatenate([column, once[name]]) for name, column in votes.items()}
    found = quietly(quick(), table)
    assert found.judges_.tolist() == ["j0", "j1", "j2", "j9"]
    assert np.isfinite(found.theta_).all()


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


@pytest.mark.parametrize(
    "parameters",
    [
        {"prior_strength": 0},
        {"prior_strength": np.nan},
        {"judge_accuracy": 1},
        {"judge_accuracy": 0.5},
        {"constancy": 0},
        {"self_constancy": -1},
        {"self_votes": "forget"},
        {"target": "all"},
        {"likelihood": "both"},
        {"sampler": "hmc"},
        {"draws": 3},
        {"tune": -1},
        {"chains": 0},
        {"n_jobs": 0},
        {"random_state": "a"},
        {"likelihood": "marginal", "target": "sample"},
    ],
)
def test_bad_parameters_are_refused(votes, parameters):
    with pytest.raises(InputError, match=f"(?s).*{list(parameters)[-1]}"):
        SimplexRanker(**parameters).fit(votes)


@pytest.mark.parametrize("families", [[("j0", "a")], {"nobody": "a"}, {"j0": []}, "a"])
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


def test_without_pymc_nuts_says_so(votes, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pymc", None)
    with pytest.raises(MissingExtraError, match="errorbars"):
        quick(sampler="nuts").fit(votes)


def test_votes_without_items_are_counts(votes):
    table = {k: v for k, v in votes.items() if k != "item"}
    problem = problem_of(table, likelihood="marginal")
    assert not problem.has_items
    with_items = problem_of(votes, likelihood="marginal")
    assert np.array_equal(problem.vote_counts(), with_items.vote_counts())
    assert problem.vote_counts().sum() == 1350
    assert with_items.vote_counts(anchored=True).sum() == 0
