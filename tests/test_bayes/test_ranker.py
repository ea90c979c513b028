"""The estimator: what it learns, what it refuses and how, and that the dress of the table does not matter."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from contracts import require
from judges_tables import problem_of, rows, table_of_votes, uneven_strata
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bayes import SimplexRanker
from bayes.ranking import _sampling
from bayes.ranking._evidence import count_views
from bayes.ranking._input import prepare
from bayes.ranking._learning import disagreement
from uq import citation
from uq._base.exceptions import InputError, MissingExtraError, UQError

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


@pytest.mark.slow
def test_workers_draw_the_same(votes, monkeypatch):
    monkeypatch.setattr(_sampling, "LARGE_ROWS", 1)
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


def test_strata_are_weighed_by_items_not_by_votes():
    table = uneven_strata()
    ranker = SimplexRanker(draws=200, tune=150, random_state=0).fit(table, strata="kind")
    assert np.allclose(ranker._problem.cell_weight, 0.5)
    assert ranker.ranking_.win_probabilities[1, 0] > 0.95
    assert np.abs(ranker.utility_.mean(axis=(0, 1)) - [0.5, 0.6]).max() < 0.06


# ---- families and self-votes


def test_numbers_are_no_names(votes):
    code = {f"{kind}{i}": i for kind in "mj" for i in range(3)}
    table = votes | {name: np.vectorize(code.get)(votes[name]) for name in ("candidate", "judge")}
    plain = quietly(quick(), table)
    assert plain.n_self_votes_ == 0
    assert plain._problem.is_constant
    assert np.array_equal(plain.utility_, quietly(quick(), votes).utility_)
    told = problem_of(table, families={0: "house"})
    assert told.constancy.tolist() == [[10, np.inf, np.inf]] + [[np.inf] * 3] * 2
    mixed = votes | {"judge": np.array([0 if name == "j0" else name for name in votes["judge"]], object)}
    with pytest.raises(InputError, match="one kind"):
        problem_of(mixed)


def test_self_votes_are_counted_and_told(votes):
    table = votes | {"judge": np.where(votes["judge"] == "j0", "m0", votes["judge"])}
    for way in ("keep", "model", "drop"):
        found = quietly(quick(self_votes=way), table)
        assert found.n_self_votes_ == 150
        assert found.n_votes_ == (1200 if way == "drop" else 1350)
        assert f"{found.n_votes_} votes, self-votes 150" in str(found.diagnostics_)
    counted = prepare(quick(), table | {"count": np.full(1350, 4)}, None, None, None, None, "raise", "fit")
    assert counted.n_self_votes == 600


def test_judges_of_a_family_share_one(votes):
    table = votes | {"judge": votes["judge"].copy()}
    copy = rows(votes, votes["judge"] == "j0") | {"judge": np.full(450, "j3")}
    table = {name: np.concatenate([table[name], copy[name]]) for name in table}
    problem = problem_of(table, families={"j0": "a", "j3": "a"})
    assert problem.family.tolist() == [0, 1, 2, 0]
    assert count_views(problem) == 3
    found = quietly(quick(), table, families={"j0": "a", "j3": "a"})
    assert found.theta_.shape[2:] == (4, 2, 2)


@pytest.mark.slow
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


@pytest.mark.slow
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
    for look in (lambda: found.ranking_, lambda: hasattr(found, "ranking_")):
        with pytest.raises(
            UQError, match=r"R-hat \d\.\d{4}, at most 1\.05.*diagnostics_ tells.*draws stand in utility_"
        ):
            look()
    assert found.utility_.shape == (3, 4, 3)


def test_r_hat_next_to_its_threshold_is_told_apart(ranker):
    near = replace(ranker.diagnostics_, rhat=np.array([1.0, 1.050004, 1.0]))
    assert not near.converged
    assert "m1 (R-hat 1.0501, at most 1.05" in disagreement(near)
    assert "R-hat inf" in disagreement(replace(near, rhat=np.array([1.0, np.inf, 1.0])))


def test_diagnostics_have_a_picture(ranker):
    plt = require("matplotlib.pyplot")
    for rhat in (ranker.diagnostics_.rhat, np.array([1.3, np.inf, 0.999])):
        axes = replace(ranker.diagnostics_, rhat=rhat).plot()
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert [name.split(" (")[0] for name in names] == ["m0", "m1", "m2"]
        assert str(round(ranker.diagnostics_.ess_bulk[0])) in names[0]
        assert axes.get_xlim()[1] > 1.05  # the threshold is within
        plt.close(axes.figure)


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
        "strings": (votes | {"score": votes["score"].astype(str)}, r"real numbers.*score=v.astype\(float\)"),
        "words": (votes | {"score": ["yes", "no", "no"] * (n // 3)}, r'real numbers.*score=\(v == "yes"\)'),
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


def test_a_judge_with_one_vote_is_legal(votes):
    once = {"candidate": ["m0"], "item": [0], "judge": ["j9"], "score": [2.0]}
    table = {name: np.concatenate([column, once[name]]) for name, column in votes.items()}
    found = quietly(quick(), table)
    assert found.judges_.tolist() == ["j0", "j1", "j2", "j9"]
    assert np.isfinite(found.theta_).all()


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


def test_without_pymc_nuts_says_so(votes, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pymc", None)
    with pytest.raises(MissingExtraError, match="errorbars"):
        quick(sampler="nuts").fit(votes)
