"""Rankings under a grid of priors: what flips, what holds, and that the estimator stays as it was."""

import inspect
import pickle
import re
import warnings

import numpy as np
import pytest
from contracts import require

from bayes import SimplexRanker
from bayes.ranking._prior import judge_prior
from bayes.ranking._sensitivity import RankSensitivity, _win_errors, read_grid, under_prior
from uq import RankSummary
from uq.exceptions import InputError

LEVELS = [1, 2, 10]


def shares_of_one_judge(n=1500):
    """Return votes of one judge, from which no design of three levels can tell the order of the first two candidates.

    To a judge who is nearly always right, "steady" is the better one; to one who is right two times of three, many of
    its votes of 10 are errors, and "bold" is better. "poor" is the worst under both.
    """
    shares = {"bold": (0.50, 0.24, 0.26), "steady": (0.15, 0.60, 0.25), "poor": (0.60, 0.28, 0.12)}
    columns = {"candidate": [], "item": [], "judge": [], "score": [], "count": []}
    for name, share in shares.items():
        for level, part in zip(LEVELS, share, strict=True):
            for column, value in zip(columns, (name, f"{name}{level}", "j", level, round(n * part)), strict=True):
                columns[column].append(value)
    return columns


@pytest.fixture(scope="module")
def ranker():
    with pytest.warns(UserWarning, match="order rests on the prior"):
        return SimplexRanker(LEVELS, prior_strength=1e4, judge_accuracy=0.95, draws=600, tune=300, random_state=0).fit(
            shares_of_one_judge()
        )


@pytest.fixture(scope="module")
def report(ranker):
    return ranker.sensitivity({"judge_accuracy": [0.65, 0.75]})


def exact_utilities(accuracy):
    """Return those of bold and steady if the judge is the prior's and the shares are exact."""
    shares = np.array(shares_of_one_judge()["count"]).reshape(3, 3) / 1500
    return (shares @ np.linalg.inv(judge_prior(3, 1.0, accuracy)) @ LEVELS)[:2]


@pytest.mark.slow
def test_the_order_flips_where_it_should(report):
    bold, steady, poor = (report.names.index(name) for name in ("bold", "steady", "poor"))
    for row, accuracy in enumerate((0.95, 0.65, 0.75)):
        utility = exact_utilities(accuracy)
        assert (utility[0] > utility[1]) == (report.win[row, bold, steady] > 0.5)
        assert report.win[row, steady, poor] > 0.97
    assert report.win[0, steady, bold] > 0.9
    assert report.win[1, bold, steady] > 0.6
    assert report.kendall_tau[0] == 1
    assert report.kendall_tau[1] == pytest.approx(1 / 3)  # one pair of three is turned round
    assert ("bold", "steady") not in report.pairs("sign")
    assert ("steady", "bold") not in report.pairs("sign")
    assert {("bold", "poor"), ("steady", "poor")} == set(report.pairs()) == set(report.pairs("sign"))
    union = report.union
    assert (union.lower[bold], union.upper[bold]) == (1, 2)
    assert (union.lower[poor], union.upper[poor]) == (3, 3)
    assert "pairs decided under all priors: 2 of 3; of the same sign: 2; least Kendall tau 0.333" in str(report)


@pytest.mark.slow
def test_the_first_row_is_the_fit(ranker, report):
    assert report.priors == ("as fitted", "judge_accuracy=0.65", "judge_accuracy=0.75")
    interval = ranker.ranking_.rank_interval(0.95)
    np.testing.assert_array_equal(report.lower[0], interval.lower)
    np.testing.assert_array_equal(report.upper[0], interval.upper)
    np.testing.assert_array_equal(report.win[0], ranker.ranking_.win_probabilities)
    assert report.guarantee == "none"
    assert not report.certified


@pytest.mark.slow
def test_each_row_is_a_fit_under_that_prior(ranker, report):
    """Up to Monte Carlo error; draws have other seeds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = SimplexRanker(LEVELS, prior_strength=1e4, judge_accuracy=0.65, draws=600, tune=300, random_state=3).fit(
            shares_of_one_judge()
        )
    expected = RankSummary(other.utility_.reshape(-1, 3), other.diagnostics_.names)
    np.testing.assert_allclose(report.win[1], expected.win_probabilities, atol=0.08)


@pytest.mark.slow
def test_asking_again_gives_the_same_and_changes_nothing(ranker, report):
    before = pickle.dumps(ranker)
    points = [{"judge_accuracy": 0.65}, {"judge_accuracy": 0.75}]
    assert ranker.sensitivity(points) == report
    assert pickle.dumps(ranker) == before


def test_priors_reach_the_problem(ranker):
    """Constancy too, with self-votes apart: the same problem as a fit with these parameters makes."""
    votes = {
        "candidate": np.repeat(["a", "b", "c"], 40),
        "item": np.repeat(np.arange(60), 2),
        "judge": np.tile(["a", "j"], 60),
        "score": np.random.default_rng(0).integers(0, 2, 120),
    }
    size = {"draws": 4, "tune": 0, "chains": 1, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = SimplexRanker(**size).fit(votes)
        for point in (
            {"constancy": 5.0},
            {"constancy": 30.0, "prior_strength": 3.0},
            {"self_constancy": 2.0},
            {"constancy": np.inf, "self_votes": "keep"},
        ):
            other = SimplexRanker(**size, **point).fit(votes)
            problem = under_prior(fitted._problem, fitted._home, other)
            for name in ("prior", "constancy", "votes", "count", "cell"):
                np.testing.assert_array_equal(getattr(problem, name), getattr(other._problem, name))


def test_monte_carlo_errors_are_those_of_repetition():
    rng = np.random.default_rng(0)
    wins, errors = [], []
    for _ in range(200):
        noise = rng.normal(size=(2, 401, 2))
        utility = noise[:, 1:] + noise[:, :-1]  # draws that depend on the one before
        utility[..., 0] += 0.7
        wins.append(np.mean(utility[..., 0] > utility[..., 1]))
        errors.append(_win_errors(utility)[0, 1])
    assert np.mean(errors) == pytest.approx(np.std(wins), rel=0.15)
    assert _win_errors(np.zeros((2, 10, 2)))[0, 1] == 0  # ties in all draws are half a win each, for sure


def made(win, error):
    """Return a report of two candidates with these probabilities for the first."""
    win, error = np.array(win), np.array(error)
    matrix = np.array([[[0.5, w], [1 - w, 0.5]] for w in win])
    n = len(win)
    return RankSensitivity(
        names=("a", "b"),
        priors=tuple(f"p{i}" for i in range(n)),
        lower=np.tile([1, 1], (n, 1)),
        upper=np.tile([2, 2], (n, 1)),
        expected_rank=np.column_stack([2 - win, 1 + win]),
        win=matrix,
        win_error=np.array([[[0, e], [e, 0]] for e in error]),
        kendall_tau=np.ones(n),
        rhat=np.ones(n),
        confidence_level=0.95,
        method="made",
    )


@pytest.mark.parametrize(
    ("win", "error", "decided", "sign"),
    [
        ([0.99, 0.98], [0.01, 0.01], 1, 1),
        ([0.99, 0.90], [0.01, 0.01], 0, 1),
        ([0.99, 0.52], [0.01, 0.01], 0, 0),  # two errors from a half
        ([0.99, 0.54], [0.01, 0.01], 0, 1),
        ([0.99, 0.01], [0.01, 0.01], 0, 0),
        ([0.01, 0.02], [0.01, 0.01], -1, -1),
        ([0.99, 0.98], [0.30, 0.01], 0, 0),
    ],
)
def test_what_counts_as_decided(win, error, decided, sign):
    report = made(win, error)
    pairs = {1: (("a", "b"),), -1: (("b", "a"),), 0: ()}
    assert report.pairs("decided") == pairs[decided]
    assert report.pairs("sign") == pairs[sign]


def test_report_prints_draws_and_pickles(report):
    assert pickle.loads(pickle.dumps(report)) == report
    assert report._repr_html_().count("<tr>") >= 4
    require("matplotlib.pyplot")
    axes = report.plot()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[-1] == "poor"
    assert axes.get_xlabel().startswith("rank\npairs decided")
    require("matplotlib.pyplot").close(axes.figure)


def test_chains_that_disagree_are_named():
    """Too short to agree under the second prior, long enough under that of the fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ranker = SimplexRanker(draws=30, tune=0, random_state=0).fit(shares_of_one_judge())
    with pytest.warns(UserWarning, match="the chains disagree under .*judge_accuracy=0.7"):
        ranker.sensitivity({"judge_accuracy": [0.7]})


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({}, "may set prior_strength, judge_accuracy"),
        ([], "must set something at every point"),
        ([{}], "must set something at every point"),
        ([3], "must set something at every point"),
        (3, "must be a dict of lists, or a list of dicts"),
        ("constancy", "must be a dict of lists"),
        ({"draws": [10]}, "got 'draws'"),
        ([{"nu": 3}], "got 'nu'"),
        ({"constancy": 10}, r"grid\['constancy'\] must be a list"),
        ({"constancy": []}, r"grid\['constancy'\] must be a list"),
        ({"constancy": [10, -1]}, "constancy"),
        ({"prior_strength": [None]}, "prior_strength"),
        ({"judge_accuracy": [0.2]}, "judge_accuracy must exceed"),
        ({"judge_accuracy": ["a"]}, "judge_accuracy"),
        ({"self_constancy": [2, 100]}, "self_constancy where .*; here there are none"),
        ({"judge_accuracy": [0.7, 0.8, 0.7]}, r"each point once; got judge_accuracy=0\.7 2 times"),
        ([{"constancy": 10}, {"constancy": 10.0}], "each point once"),
    ],
)
def test_other_grids_are_refused_before_any_sampling(ranker, monkeypatch, grid, message):
    monkeypatch.setattr("bayes.ranking._sensitivity.sensitivity", None)
    with pytest.raises(InputError, match=message):
        ranker.sensitivity(grid)


@pytest.mark.parametrize("n_levels", [2, 3, 6])
def test_the_fair_start_of_the_documentation_is_legal(n_levels):
    text = inspect.getdoc(SimplexRanker.sensitivity)
    start = eval(re.search(r"``(\{.*?\})``\s+is a fair start", text, re.S)[1], {"inf": np.inf})
    assert len(read_grid(start, SimplexRanker(), n_levels, "owner")) == 9


def test_points_that_print_alike_are_told_apart():
    points = [{"judge_accuracy": 0.6000001}, {"judge_accuracy": 0.6000002}, {"judge_accuracy": 0.7}]
    labels = [label for label, _ in read_grid(points, SimplexRanker(), 2, "owner")]
    assert labels == ["judge_accuracy=0.6000001", "judge_accuracy=0.6000002", "judge_accuracy=0.7"]


def test_self_constancy_needs_self_votes_with_matrices():
    votes = {
        "candidate": np.repeat(["a", "b"], 40),
        "item": np.repeat(np.arange(40), 2),
        "judge": np.tile(["a", "j"], 40),
        "score": np.random.default_rng(0).integers(0, 2, 80),
    }
    for way in ("model", "keep", "drop"):
        ranker = SimplexRanker(draws=4, tune=0, chains=1, random_state=0, self_votes=way)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ranker.fit(votes)
            if way == "model":
                assert len(ranker.sensitivity({"self_constancy": [2, None]}).priors) == 3
                continue
        with pytest.raises(InputError, match=f"here self_votes is '{way}'"):
            ranker.sensitivity([{"judge_accuracy": 0.7}, {"self_constancy": 2, "constancy": 5}])


def test_bad_levels_and_kinds_are_refused(ranker, report):
    with pytest.raises(InputError, match="confidence_level"):
        ranker.sensitivity({"constancy": [10]}, confidence_level=95)
    with pytest.raises(InputError, match="kind must be 'decided' or 'sign'"):
        report.pairs("all")
