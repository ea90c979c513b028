"""BatchSelector and conformal p-values, counted over every split of small pools and simulated on larger ones."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from contracts.outputs import OutputEstimatorContract
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.exceptions import NotFittedError

from conformal import BatchSelector, RankLaw, Selection, conformal_p_values
from uq.exceptions import InfiniteBoundWarning, InputError

pytestmark = pytest.mark.filterwarnings("ignore::uq.exceptions.InfiniteBoundWarning")


class TestContract(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return BatchSelector(threshold=0.5, max_false=3, confidence_level=0.6)


POOLS = {
    "distinct": ([0.1, 2.0, -1.0, 3.3, 0.7, -2.0, 1.1, 5.0, -0.4, 2.5], [0, 1, 1, 0, 1, 0, 0, 1, 1, 0]),
    "tied": ([1.0, 1.0, 2.0, 2.0, 2.0, 0.0, 0.0, 3.0, 3.0, 3.0], [0, 1, 0, 0, 1, 0, 1, 0, 1, 1]),
    "all false": ([0.1, 2.0, -1.0, 3.3, 0.7, -2.0, 1.1, 5.0, -0.4, 2.5], [0] * 10),
    "all true": ([0.1, 2.0, -1.0, 3.3, 0.7, -2.0, 1.1, 5.0, -0.4, 2.5], [1] * 10),
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("m", "max_false"), [(1, 0), (3, 0), (3, 1), (4, 2), (2, 2)])
@pytest.mark.parametrize("level", [0.5, 0.8])
def test_false_claims_over_every_split(pool, m, max_false, level):
    y_pred, y = map(np.array, POOLS[pool])
    kept, attained, splits = 0, None, list(combinations(range(10), m))
    for batch in splits:
        rest = np.setdiff1d(np.arange(10), batch)
        selection = BatchSelector(0, level, max_false).fit(y_pred[rest], y[rest]).select(y_pred[list(batch)])
        kept += (y[list(batch)][selection.mask] <= 0).sum() <= max_false
        attained = selection.attained_level
    coverage = Fraction(kept, len(splits))
    assert coverage >= Fraction(str(level))
    assert float(coverage) >= attained - 1e-12
    if pool == "all false" and max_false < m:  # no atom at -inf, no ties: exact
        assert float(coverage) == pytest.approx(attained, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3))
def test_never_selects_less_than_the_published_score(seed, max_false):
    """Theirs scores a true claim 0; ours -inf, so that fewer calibration rows stand in the way."""
    rng = np.random.default_rng(seed)
    y_pred, y = rng.normal(rng.normal(), 1, 60).round(1), rng.normal(0.5, 1, 60).round(1)
    new = rng.normal(size=10).round(1)
    ours = BatchSelector(0, 0.8, max_false).fit(y_pred, y).select(new)
    rank = RankLaw(60, 10).order_statistic_rank(10 - max_false, 0.8)
    theirs = new > (np.sort(y_pred * (y <= 0))[rank - 1] if rank <= 60 else np.inf)
    assert (ours.mask | ~theirs).all()


def test_ranks_and_levels_of_the_published_table():
    """n = 1000, m = 100, 90 %, at most 0, 2, ..., 10 false claims."""
    law = RankLaw(1000, 100)
    ranks = [law.order_statistic_rank(100 - k, 0.9) for k in (0, 2, 4, 6, 8, 10)]
    assert ranks == [1000, 991, 978, 963, 948, 932]
    levels = [law.attained_level(100 - k, rank) for k, rank in zip((0, 2, 4, 6, 8, 10), ranks, strict=True)]
    np.testing.assert_allclose(levels, [0.9091, 0.9123, 0.9095, 0.9037, 0.9068, 0.9065], atol=5e-5)


def test_cut_offs_per_row_are_subtracted():
    rng = np.random.default_rng(0)
    y_pred, y, cut = rng.normal(size=200), rng.normal(size=200), rng.normal(size=200)
    shifted = BatchSelector(0, 0.8, 3).fit(y_pred[:150] - cut[:150], y[:150] - cut[:150])
    selection = shifted.select(y_pred[150:] - cut[150:])
    scores = np.sort(np.where(y[:150] <= cut[:150], (y_pred - cut)[:150], -np.inf))
    rank = RankLaw(150, 50).order_statistic_rank(47, 0.8)
    assert selection.threshold == scores[rank - 1]


def test_too_few_rows_select_nothing_and_say_how_many_would():
    with pytest.warns(InfiniteBoundWarning, match="90 calibration rows") as caught:
        selection = BatchSelector().fit(np.arange(20.0), np.arange(20.0)).select(np.full(10, 99.0))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert selection.n_selected == 0
    assert selection.threshold == np.inf
    assert BatchSelector().fit(np.arange(90.0), np.zeros(90)).select(np.full(10, 99.0)).n_selected == 10


def test_as_many_false_claims_as_rows_select_everything():
    selection = BatchSelector(max_false=3).fit([1.0, 2.0], [0.0, 0.0]).select([0.5, -9.0, 1.0])
    assert selection.mask.all()
    assert selection.attained_level == 1.0


@pytest.mark.parametrize(
    "parameters",
    [{"threshold": np.nan}, {"threshold": "0"}, {"confidence_level": 0}, {"confidence_level": 1.0}, {"max_false": -1},
     {"max_false": 1.5}, {"confidence_level": 1.5}],
)  # fmt: skip
def test_bad_parameters(parameters):
    with pytest.raises(InputError):
        BatchSelector(**parameters).fit([1.0, 2.0], [0.0, 1.0])


def test_promises_are_those_that_fit_checked():
    selector = BatchSelector(0, 0.5, 1).fit(np.linspace(-1, 1, 40), np.linspace(-1, 1, 40))
    selection = selector.select([0.2, 3.0, 1.5])
    selector.set_params(max_false=-3, confidence_level=9)
    assert selector.select([0.2, 3.0, 1.5]) == selection
    assert (selection.max_false, selection.confidence_level) == (1, 0.5)


def test_many_cut_offs_are_told_the_way():
    with pytest.raises(InputError, match=r"got 5000 of them.*y_pred - c") as caught:
        BatchSelector(threshold=np.arange(5000.0)).fit([1.0, 2.0], [0.0, 1.0])
    assert len(str(caught.value)) < 200


def test_before_fit():
    with pytest.raises(NotFittedError):
        BatchSelector().select([1.0])


# ---- the record


def test_selection_record(axes):
    y_pred = pd.Series([0.2, 3.0, 1.5], index=["a", "b", "c"])
    selection = BatchSelector(0, 0.5, 1).fit(np.linspace(-1, 1, 40), np.linspace(-1, 1, 40)).select(y_pred)
    assert isinstance(selection, Selection)
    assert selection.n_selected == len(selection.rows) == selection.mask.sum()
    assert selection.max_false_fraction == 1 / max(selection.n_selected, 1)
    assert list(selection.to_frame().index) == ["a", "b", "c"]
    assert "at most 1 of them false" in str(selection)
    assert selection.plot(axes) is axes
    assert len(selection) == 3


FIELDS = {"mask": np.array([True, False]), "threshold": 0.5, "confidence_level": 0.9}


@pytest.mark.parametrize(
    "wrong",
    [{"mask": [1, 0]}, {"mask": np.ones((2, 2), bool)}, {"confidence_level": 9}, {"threshold": np.nan},
     {"threshold": "a"}, {"max_false": -1}, {"max_false": 1.5}, {"target": 2}, {"attained_level": -0.1},
     {"guarantee": "sure"}, {"scores": [1.0]}, {"scores": [np.nan, 1.0]}, {"index": ("a",)}],
)  # fmt: skip
def test_a_selection_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=f"Selection: {next(iter(wrong))}"):
        Selection(**FIELDS | wrong)


def test_a_mask_may_be_a_list():
    selection = Selection(**FIELDS | {"mask": [True, False], "max_false": 1})
    assert selection.rows.tolist() == [0]
    assert "without a guarantee" in str(selection)
    assert "without a guarantee" not in str(Selection(**FIELDS, guarantee="exact", max_false=1))


def test_no_bar_holds_rows_of_both_sides(axes):
    scores = np.linspace(0, 1, 50)
    selection = Selection(**FIELDS | {"mask": scores > 0.434}, scores=scores, target=0.1)
    for threshold in (0.434, 1e-3, 0.999, 5.0):
        axes.clear()
        Selection(mask=scores > threshold, threshold=threshold, confidence_level=0.9, scores=scores).plot(axes)
        edges = {round(bar.get_x(), 9) for bar in axes.patches}
        assert threshold > 1 or threshold in edges
        shown = [text.get_text() for text in axes.get_legend().get_texts()]
        assert shown == (["selected", "not selected"] if threshold < 1 else ["not selected"])
    assert selection.n_selected == 28


# ---- p-values


def naive_p_values(calibration, test):
    n = len(calibration)
    return np.array([(1 + sum(s >= t for s in calibration)) / (n + 1) for t in test])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([-np.inf, 0.0, 1.0, 1.5, 2.0]), min_size=1, max_size=12), st.integers(0, 9))
def test_p_values_against_the_double_loop(calibration, seed):
    test = np.random.default_rng(seed).choice([0.0, 1.0, 1.2, 2.0, 3.0], 7)
    p = conformal_p_values(calibration_scores=calibration, test_scores=test)
    np.testing.assert_array_equal(p, naive_p_values(calibration, test))
    u = 1 - np.random.default_rng(seed).random(7)
    n = len(calibration)
    expected = [
        (sum(s > t for s in calibration) + v * (1 + sum(s == t for s in calibration))) / (n + 1)
        for t, v in zip(test, u, strict=True)
    ]
    randomised = conformal_p_values(calibration_scores=calibration, test_scores=test, rng=seed)
    np.testing.assert_allclose(randomised, expected, rtol=1e-15)
    assert (randomised <= p + 1e-15).all()


@pytest.mark.parametrize("law", ["normal", "tied"])
def test_p_values_of_null_rows(law):
    rng = np.random.default_rng(0)
    draw = {"normal": lambda k: rng.normal(size=k), "tied": lambda k: rng.poisson(1, k).astype(float)}[law]
    scores = [draw(20) for _ in range(4000)]
    plain = np.array([conformal_p_values(calibration_scores=s[1:], test_scores=s[:1])[0] for s in scores])
    exact = np.array([conformal_p_values(calibration_scores=s[1:], test_scores=s[:1], rng=rng)[0] for s in scores])
    for u in (0.05, 0.1, 0.3, 0.5, 0.9):
        assert stats.binom.sf((plain <= u).sum() - 1, len(plain), u) > 1e-4
    assert stats.kstest(exact, "uniform").pvalue > 1e-4


@pytest.mark.parametrize(
    ("calibration", "test"),
    [([], [1.0]), ([1.0], []), ([np.nan], [1.0]), ([1.0], [np.inf]), (["a"], [1.0]), ([[1, 2]], [1])],
)
def test_bad_scores(calibration, test):
    with pytest.raises(InputError):
        conformal_p_values(calibration_scores=calibration, test_scores=test)


def test_p_values_by_keyword_only():
    with pytest.raises(TypeError):
        conformal_p_values([1.0], [1.0])
