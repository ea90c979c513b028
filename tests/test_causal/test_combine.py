"""Two estimates on shared rows: formulas with pencil and paper, labels that cannot tell, and what must be refused."""

import numpy as np
import pytest
from contracts import IntervalContract, PValueContract, require
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import shared_covariance
from scipy import stats

from causal import Classical, LinearDebiaser, Naive, PredictionPowered, combine, overidentification_test
from causal._influence import Influence
from uq import Estimate
from uq._base.laws import NormalLaw, TLaw
from uq.exceptions import InputError

pd = require("pandas")
RNG = np.random.default_rng(3)


def estimate(value, fit, apply, fit_ids, apply_ids, df=20.0, seen=None, **changes):
    """Return an Estimate with these influence values, one number if they have one column."""
    fit, apply = (np.asarray(v, float).reshape(len(v), -1) for v in (fit, apply))
    influence = Influence(fit=fit, apply=apply, fit_ids=fit_ids, apply_ids=apply_ids, **(seen or {}))
    error = np.sqrt(np.diag(influence.cov))
    if len(error) == 1:
        error = float(error[0])
    law = TLaw(estimate=value, std_error=error, df=df)
    fields = {"estimate": value, "std_error": error, "n": 5, "method": "m", "guarantee": "asymptotic", "law": law}
    return Estimate(**{**fields, "influence": influence, **changes})


def names(kind, numbers):
    return np.array([f"{kind}{i}" for i in numbers])


@st.composite
def pairs(draw):
    """Two estimates whose rows overlap in any way, within and across their blocks."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    sizes = [draw(st.integers(1, 6)) for _ in range(4)]
    ids = [names("r", rng.permutation(8)[:size]) for size in sizes]
    values = [rng.normal(size=size) for size in sizes]
    return values, ids


def loop_covariance(values, ids):
    total = 0.0
    for v_a, i_a in zip(values[:2], ids[:2], strict=True):
        for v_b, i_b in zip(values[2:], ids[2:], strict=True):
            for x, i in zip(v_a, i_a, strict=True):
                total += sum(x * y for y, j in zip(v_b, i_b, strict=True) if i == j)
    return total


@given(pairs(), st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_formulas(pair, one, other):
    values, ids = pair
    a, b = estimate(one, *values[:2], *ids[:2]), estimate(other, *values[2:], *ids[2:], df=7.0)
    v_a, v_b, c = (loop_covariance(values[i:j] + values[k:m], ids[i:j] + ids[k:m])
                   for i, j, k, m in ((0, 2, 0, 2), (2, 4, 2, 4), (0, 2, 2, 4)))  # fmt: skip
    spread = v_a + v_b - 2 * c
    if spread < 1e-3 or min(v_a, v_b) < 1e-3:
        return
    given_ids = {"ids_a": tuple(ids[:2]), "ids_b": tuple(ids[2:])}  # they may share no row: then that is meant
    test = overidentification_test(a, b, **given_ids)
    assert test.statistic == pytest.approx((one - other) ** 2 / spread)
    assert test.pvalue == pytest.approx(stats.f.sf(test.statistic, 1, 7))
    both = combine(a, b, **given_ids)
    weight = (v_b - c) / spread
    assert both.estimate == pytest.approx(weight * one + (1 - weight) * other)
    assert both.std_error**2 == pytest.approx((v_a * v_b - c * c) / spread, abs=1e-9)
    assert both.n == len(set(np.concatenate(ids)))
    # the weights of least variance: what is combined moves with both as with itself
    own = (both.influence.fit_ids, both.influence.apply_ids)
    for single, labels in ((a, ids[:2]), (b, ids[2:])):
        shared = shared_covariance(both.influence, single.influence, own, tuple(labels))[0, 0]
        assert shared == pytest.approx(both.std_error**2, abs=1e-9)
    df = 1 / (weight**2 / 20 + (1 - weight) ** 2 / 7) if 0 <= weight <= 1 else 7.0
    assert both.law.df == pytest.approx(df)


@given(pairs(), st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_the_order_does_not_matter(pair, one, other):
    values, ids = pair
    a, b = estimate(one, *values[:2], *ids[:2]), estimate(other, *values[2:], *ids[2:])
    labels = tuple(ids[:2]), tuple(ids[2:])
    try:
        forth = overidentification_test(a, b, ids_a=labels[0], ids_b=labels[1])
    except InputError:
        return
    back = overidentification_test(b, a, ids_a=labels[1], ids_b=labels[0])
    assert back.pvalue == pytest.approx(forth.pvalue)
    assert back.statistic == pytest.approx(forth.statistic)
    one_way, other_way = (
        combine(a, b, ids_a=labels[0], ids_b=labels[1]),
        combine(b, a, ids_a=labels[1], ids_b=labels[0]),
    )
    assert one_way.estimate == pytest.approx(other_way.estimate)
    assert one_way.std_error == pytest.approx(other_way.std_error)


def test_several_coefficients():
    fit, apply = RNG.normal(size=(2, 40, 2))
    other = RNG.normal(size=(40, 2))
    ids = names("f", range(40)), names("t", range(40))
    a = estimate(np.array([1.0, 2.0]), fit, apply, *ids, names=("x", "z"))
    b = estimate(np.array([1.5, 1.5]), other, apply[:10], names("g", range(40)), ids[1][:10], names=("x", "z"))
    v_a, v_b, c = a.influence.cov, b.influence.cov, apply[:10].T @ apply[:10]
    difference = np.array([-0.5, 0.5])
    quadratic = difference @ np.linalg.solve(v_a + v_b - c - c.T, difference)
    test = overidentification_test(a, b)
    assert test.statistic == pytest.approx(quadratic / 2)
    assert test.pvalue == pytest.approx(stats.f.sf(quadratic / 2, 2, 20))
    both = combine(a, b)
    for j in (0, 1):
        weight = (v_b[j, j] - c[j, j]) / (v_a[j, j] + v_b[j, j] - 2 * c[j, j])
        assert both.estimate[j] == pytest.approx(weight * a.estimate[j] + (1 - weight) * b.estimate[j])
    assert np.diag(both.cov) == pytest.approx(both.std_error**2)
    assert (both.std_error < np.minimum(a.std_error, b.std_error)).all()
    assert both.names == ("x", "z")
    assert both.influence.cov == pytest.approx(both.cov)


def test_a_normal_law_gives_chi_squared():
    shared = names("t", range(3))
    a = estimate(0.0, [1, 2, 3], [1, 1, 1], names("f", range(3)), shared, law=NormalLaw(estimate=0.0, std_error=1.0))
    b = estimate(9.0, [2, 2, 2], [1, 1, 1], names("g", range(3)), shared, law=NormalLaw(estimate=9.0, std_error=1.0))
    test = overidentification_test(a, b)
    assert test.statistic == pytest.approx(81 / (14 + 12))  # what they share cancels
    assert test.pvalue == pytest.approx(stats.chi2.sf(test.statistic, 1))


def test_the_same_estimate_twice():
    a = estimate(1.0, [1, 2], [3, 1], names("f", range(2)), names("t", range(2)))
    with pytest.raises(InputError, match="does not vary"):
        overidentification_test(a, a)
    both = combine(a, a)
    assert (both.estimate, both.std_error) == pytest.approx((1.0, a.std_error))


def test_a_part_adds_nothing_to_the_whole():
    """The mean of some rows moves with the mean of all: all the weight goes to the whole."""
    y = RNG.normal(size=400)
    index = names("t", range(400))
    whole = Classical().fit(pd.Series(y, index), y).mean()
    part = Classical().fit(pd.Series(y[:100], index[:100]), y[:100]).mean()
    both = combine(whole, part)
    assert both.std_error == pytest.approx(whole.std_error, rel=0.02)
    assert both.estimate == pytest.approx(whole.estimate, abs=0.3 * whole.std_error)


# ---- estimators


def survey_and_trial(n_cal=200, n=1500, n_labelled=200, effect=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n_cal)
    survey = pd.DataFrame({"y": y, "y_pred": 0.5 * y + 0.5 * rng.normal(size=n_cal)}, index=names("s", range(n_cal)))
    trial = pd.DataFrame({"treatment": rng.integers(0, 2, n)}, index=names("t", range(n)))
    trial["y"] = effect * trial["treatment"] + rng.normal(size=n)
    trial["y_pred"] = 0.5 * trial["y"] + 0.5 * rng.normal(size=n)
    trial["age"] = rng.normal(size=n)
    return survey, trial, trial[:n_labelled], trial[n_labelled:]


def both_ways(survey, trial, labelled, rest, verb="ate"):
    more = {
        "ate": lambda d: {"treatment": d["treatment"]},
        "mean": lambda d: {},
        "ols": lambda d: {"X": d[["treatment", "age"]].assign(one=1.0)},
    }[verb]
    debiaser = LinearDebiaser(nondifferential=True).fit(survey["y_pred"], survey["y"])
    powered = PredictionPowered().fit(labelled["y_pred"], labelled["y"], **more(labelled))
    return getattr(debiaser, verb)(trial["y_pred"], **more(trial)), getattr(powered, verb)(rest["y_pred"], **more(rest))


@pytest.mark.parametrize("verb", ["mean", "ate", "ols"])
def test_debiasing_and_labels_agree_where_both_are_right(verb):
    a, b = both_ways(*survey_and_trial(), verb)
    assert overidentification_test(a, b).pvalue > 0.01
    both = combine(a, b)
    assert np.all(both.std_error < np.minimum(a.std_error, b.std_error))
    assert both.guarantee == "asymptotic"
    assert combine(both, a).std_error == pytest.approx(both.std_error, rel=1e-6)


def test_a_correction_in_the_wrong_world_is_seen():
    survey, trial, labelled, rest = survey_and_trial(seed=2)
    # y depends on the treatment through y_pred alone: predictions were right
    for frame, shift in ((survey, 0.0), (trial, trial["treatment"])):
        rng = np.random.default_rng(len(frame))
        frame["y_pred"] = shift + 0.7 * rng.normal(size=len(frame))
        frame["y"] = frame["y_pred"] + 0.7 * rng.normal(size=len(frame))
    labelled, rest = trial[:200], trial[200:]
    a, b = both_ways(survey, trial, labelled, rest)
    assert a.estimate > 1.5 * b.estimate
    assert overidentification_test(a, b).pvalue < 1e-4


def test_labels_by_hand_are_those_of_the_index():
    frames = survey_and_trial()
    a, b = both_ways(*frames)
    plain = [frame.reset_index(drop=True) for frame in frames]
    bare_a, bare_b = both_ways(*plain)
    ids_a = frames[0].index, frames[1].index
    ids_b = frames[2].index, frames[3].index
    expected = combine(a, b)
    found = combine(bare_a, bare_b, ids_a=ids_a, ids_b=ids_b)
    assert (found.estimate, found.std_error) == pytest.approx((expected.estimate, expected.std_error))
    assert overidentification_test(bare_a, bare_b, ids_a=ids_a, ids_b=ids_b) == overidentification_test(a, b)


def test_clusters_are_found_by_their_labels():
    survey, trial, labelled, _ = survey_and_trial()
    village = pd.Series([f"v{i % 50}" for i in range(len(trial))], trial.index)
    region = [f"r{i % 20}" for i in range(len(survey))]
    debiaser = LinearDebiaser().fit(survey["y_pred"], survey["y"], groups=region)
    a = debiaser.ate(trial["y_pred"], trial["treatment"], groups=village)
    b = Classical().fit(
        labelled["y_pred"], labelled["y"], treatment=labelled["treatment"], groups=village[labelled.index]
    )
    b = b.ate()
    both = combine(a, b)
    assert both.n_groups == 70
    c = shared_covariance(
        a.influence, b.influence, (a.influence.fit_ids, a.influence.apply_ids), (b.influence.fit_ids, np.empty(0, "U1"))
    )[0, 0]
    v_a, v_b = a.std_error**2, b.std_error**2
    assert both.std_error**2 == pytest.approx((v_a * v_b - c * c) / (v_a + v_b - 2 * c))
    assert c != 0


# ---- refusals


def refused(a, b, message, **ids):
    for function in (overidentification_test, combine):
        with pytest.raises(InputError, match=message):
            function(a, b, **ids)


def test_rows_without_labels_are_refused():
    frames = survey_and_trial()
    a, b = both_ways(*[{key: frame[key].to_numpy() for key in frame} for frame in frames])
    refused(a, b, "no labels")
    refused(a, b, "no labels", ids_a=(frames[0].index, frames[1].index))


def test_labels_that_only_count_are_refused():
    survey, trial, _, _ = survey_and_trial()
    survey, trial = survey.reset_index(drop=True), trial.reset_index(drop=True)
    mixed = trial.sample(frac=1, random_state=0)
    a, b = both_ways(survey, trial, mixed[:200], mixed[200:])
    refused(a, b, "labels that only count")


def test_groups_that_only_count_are_refused():
    ids = np.arange(5), np.arange(7)
    a = estimate(0.0, RNG.normal(size=5), RNG.normal(size=7), *ids, n_groups=7)
    b = estimate(0.0, RNG.normal(size=5), RNG.normal(size=7), *ids, n_groups=7)
    refused(a, b, "bear the same numbers")
    assert combine(a, b, ids_a=ids, ids_b=ids).n == 7  # once it is said, it is so


def test_the_same_default_index_on_both_sides_is_fine():
    """One calibration frame and one trial frame, told apart: both estimates used the same."""
    fit_ids, apply_ids = np.arange(12), np.arange(100, 115)
    seen = {"fit_values": RNG.normal(size=12), "apply_values": RNG.normal(size=15)}
    a, b = (estimate(0.0, RNG.normal(size=12), RNG.normal(size=15), fit_ids, apply_ids, seen=seen) for _ in range(2))
    assert combine(a, b).n == 27
    # and what was combined still knows its rows
    assert combine(combine(a, b), b).n == 27
    other = estimate(0.0, RNG.normal(size=12), RNG.normal(size=15), fit_ids, apply_ids)
    refused(a, other, "do not show that they are the same")


def test_numbers_and_texts_are_different_labels():
    values = RNG.normal(size=(4, 3))
    a = estimate(0.0, *values[:2], np.array([1, 2, 3]) * 10, names("t", range(3)))
    b = estimate(0.0, *values[2:], np.array(["10", "20", "30"]), names("t", range(3)))
    assert combine(a, b).n == 9


def test_estimates_that_share_no_label_are_refused_unless_that_is_said():
    a = estimate(0.0, [1, 2], [3, 1], names("f", range(2)), names("t", range(2)))
    b = estimate(1.0, [1, 1], [2, 1], names("g", range(2)), names("u", range(2)))
    refused(a, b, "share no row label")
    ids = {key: (e.influence.fit_ids, e.influence.apply_ids) for key, e in (("ids_a", a), ("ids_b", b))}
    assert overidentification_test(a, b, **ids).statistic == pytest.approx(1 / (15 + 7))


GOOD = estimate(0.0, [1, 2], [3, 1], names("f", range(2)), names("t", range(2)))


IDS = names("f", range(2)), names("t", range(2))


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (None, "must be a uq.Estimate"),
        (1.5, "must be a uq.Estimate"),
        (estimate(0.0, [1, 2], [3, 1], None, None, influence=None), "carry influence values"),
        (estimate(0.0, [1, 2], [3, 1], *IDS, std_error=np.inf), "finite error"),
        (estimate(0.0, [1, 2], [3, 1], *IDS, names=("x",)), "same quantities"),
        (estimate(np.zeros(2), np.eye(2), np.eye(2), *IDS), "same quantities"),
        (estimate(0.0, [1, 2], [3, 1], *IDS, n_groups=2), "both come from groups"),
        (estimate(0.0, [1, 2], [3, 1], np.array(["f", "f"]), IDS[1]), "not repeat"),
        (estimate(0.0, [1, 2], [3, 1], names("f", range(3)), IDS[1]), "2 labels of fit rows"),
    ],
)
def test_bad_estimates(a, message):
    refused(a, GOOD, message)
    refused(GOOD, a, message)


BAD_IDS = [1, ("a",), (["a", "b"],), (["a", "b"], ["c"]), (["a", "b"], [["c"], ["d"]]), "ab", "abc"]


@pytest.mark.parametrize("ids", BAD_IDS, ids=str)
def test_bad_ids(ids):
    for function in (overidentification_test, combine):
        with pytest.raises(InputError, match="ids_a"):
            function(GOOD, GOOD, ids_a=ids)


def test_an_estimate_without_influence_from_an_estimator():
    survey, trial, _, _ = survey_and_trial(n=100)
    debiaser = LinearDebiaser(nondifferential=True, n_resamples=50, random_state=0).fit(survey["y_pred"], survey["y"])
    draws = debiaser.ate(trial["y_pred"], trial["treatment"], method="bootstrap")
    naive = Naive().fit(survey["y_pred"], survey["y"]).ate(trial["y_pred"], trial["treatment"])
    refused(draws, naive, "a bootstrap gives draws alone")
    parts = PredictionPowered().partial_fit(survey["y_pred"], survey["y"]).partial_estimate(trial["y_pred"]).mean()
    refused(parts, parts, "partial_estimate and merge there are moments alone")


def test_an_estimate_that_used_no_apply_rows():
    survey, trial, labelled, _ = survey_and_trial()
    a = LinearDebiaser(nondifferential=True).fit(survey["y_pred"], survey["y"]).mean(trial["y_pred"])
    b = Classical().fit(labelled["y_pred"], labelled["y"]).mean(trial["y_pred"])
    refused(a, b, "b used no apply rows: pass None", ids_b=(labelled.index, trial.index))
    expected = combine(a, b)
    found = combine(a, b, ids_a=(survey.index, trial.index), ids_b=(labelled.index, None))
    assert (found.estimate, found.std_error) == (expected.estimate, expected.std_error)


class TestCombined(IntervalContract, PValueContract):
    @pytest.fixture(params=["ate", "ols"])
    def result(self, request):
        return combine(*both_ways(*survey_and_trial(), request.param))
