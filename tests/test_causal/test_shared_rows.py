"""Whose rows are whose: frames that only count, clusters beside rows, and quantities that are not the same."""

import numpy as np
import pytest
from contracts import require
from scipy import stats

from causal import (
    Classical,
    LinearDebiaser,
    PredictionPowered,
    SplineDebiaser,
    combine,
    dsl,
    overidentification_test,
)
from causal._row_labels import same_rows
from uq.exceptions import InputError

pd = require("pandas")


def frame(rng, n, name=None, shift=0.0):
    """Return rows with truth and predictions; without a name their index only counts."""
    y = rng.normal(size=n) + shift
    index = range(n) if name is None else [f"{name}{i}" for i in range(n)]
    return pd.DataFrame({"y": y, "z": 0.6 * y + 0.4 * rng.normal(size=n)}, index=index)


def debiased(survey, trial, fit_groups=None, groups=None):
    return LinearDebiaser(nondifferential=True).fit(survey.z, survey.y, groups=fit_groups).mean(trial.z, groups=groups)


def powered(labelled, rest, power=0.5):
    return PredictionPowered(power).fit(labelled.z, labelled.y).mean(rest.z)


def refused(a, b, message, **ids):
    for function in (combine, overidentification_test):
        for one, two in ((a, b), (b, a)):
            with pytest.raises(InputError, match=message):
                function(one, two, **(ids if one is a else dict(zip(ids, list(ids.values())[::-1], strict=True))))


@pytest.fixture
def rng():
    return np.random.default_rng(11)


# ---- labels that only count


@pytest.mark.parametrize("n", [1000, 600])
def test_two_trials_whose_frames_both_begin_at_0_are_not_the_same_rows(rng, n):
    one, two = frame(rng, 1000), frame(rng, n)
    a, b = debiased(frame(rng, 300, "s"), one), debiased(frame(rng, 300, "q"), two)
    refused(a, b, "labels that only count say nothing")
    ids = {key: (e.influence.fit_ids, [f"{key}{i}" for i in range(len(e.influence.apply))])
           for key, e in (("ids_a", a), ("ids_b", b))}  # fmt: skip
    independent = combine(a, b, **ids)
    v_a, v_b = a.std_error**2, b.std_error**2
    assert independent.std_error**2 == pytest.approx(v_a * v_b / (v_a + v_b))


def test_rows_that_were_filtered_out_of_two_frames_are_not_the_same():
    rng = np.random.default_rng(3)
    one, two = frame(rng, 500), frame(rng, 400)
    few = Classical().fit(one.z[::2], one.y[::2]).mean()
    refused(few, debiased(frame(rng, 300, "s"), two), "labels that only count")
    refused(few, Classical().fit(two.z[::3], two.y[::3]).mean(), "labels that only count")


def test_one_frame_that_only_counts_is_known_by_its_predictions(rng):
    """The same calibration frame and the same trial: what names would give comes out without names."""
    survey, trial = frame(rng, 200, "s"), frame(rng, 500)
    named = trial.set_axis([f"t{i}" for i in trial.index])

    def answers(trial):
        a = debiased(survey, trial)
        return combine(a, powered(trial[:100], trial[100:])), combine(a, Classical().fit(trial.z, trial.y).mean())

    for one, two in zip(answers(trial), answers(named), strict=True):
        assert (one.estimate, one.std_error, one.n) == pytest.approx((two.estimate, two.std_error, two.n), rel=1e-12)
    # and again, with what was combined
    again = combine(combine(debiased(survey, trial), powered(trial[:100], trial[100:])), debiased(survey, trial))
    assert again.std_error == pytest.approx(answers(trial)[0].std_error, rel=1e-6)


def test_another_model_of_the_same_counted_rows_needs_ids(rng):
    survey, trial = frame(rng, 200, "s"), frame(rng, 500)
    other = trial.assign(z=trial.z**3)
    a, b = debiased(survey, trial), debiased(survey, other)
    refused(a, b, "do not show that they are the same")
    ids = {"ids_a": (survey.index, trial.index), "ids_b": (survey.index, trial.index)}
    assert combine(a, b, **ids).n == 700


def test_few_predictions_that_agree_prove_nothing(rng):
    """Predictions of 0 and 1 in two sorted files agree easily."""
    trials = [pd.DataFrame({"z": np.sort(rng.permutation(np.arange(40) % 2)), "y": rng.normal(size=40)})
              for _ in range(2)]  # fmt: skip
    a, b = (Classical().fit(t.z, t.y).mean() for t in trials)
    refused(a, b, "labels that only count")


def test_groups_that_only_count_are_known_by_the_sums_of_their_predictions(rng):
    survey, trial, other = frame(rng, 200, "s"), frame(rng, 500), frame(rng, 500)
    village = np.arange(500) % 50

    def estimates(one, two):
        powers = [PredictionPowered(p).fit(survey.z, survey.y, groups=survey.index) for p in (0.2, 0.9)]
        return [p.mean(t.z, groups=village) for p, t in zip(powers, (one, two), strict=True)]

    assert combine(*estimates(trial, trial)).n_groups == 250
    refused(*estimates(trial, other), "bear the same numbers")


COUNTS = {
    "floats": lambda n: pd.Index(np.arange(float(n))),
    "objects": lambda n: pd.Index(list(range(n)), dtype=object),
    "digits": lambda n: pd.Index(range(n)).astype(str),
    "dates": lambda n: pd.date_range("2020-01-01", periods=n),
    "dates of a zone": lambda n: pd.date_range("2020-01-01", periods=n, tz="UTC"),
    "periods": lambda n: pd.period_range("2020-01-01", periods=n),
    "nullable": lambda n: pd.Index(range(n), dtype="Int64"),
}


@pytest.mark.parametrize("kind", COUNTS)
def test_what_counts_in_another_writing_counts(rng, kind):
    """Two sorted files: matched by place, their errors seem to move together."""
    survey, one, two = frame(rng, 300, "s"), frame(rng, 200), frame(rng, 200)
    one, two = (trial.sort_values("y").set_axis(COUNTS[kind](200)) for trial in (one, two))
    refused(debiased(survey, one), debiased(survey, two), "labels that only count")
    assert combine(debiased(survey, one), Classical().fit(one.z[::2], one.y[::2]).mean()).n == 500
    # the same labels of another frame, among those without truth
    fitted = PredictionPowered().fit(one.z[:60], one.y[:60])
    fitted.mean(two.z)
    with pytest.raises(InputError, match="60 of 200 rows"):
        fitted.mean(one.z)


@pytest.mark.parametrize("name", [np.asarray, lambda g: g * 1.0, lambda g: g.astype(str), lambda g: g.astype(object)])
def test_villages_of_which_one_is_missing_only_count(rng, name):
    survey, village = frame(rng, 300, "s"), np.repeat(np.arange(1, 41), 8)
    trials, names = [frame(rng, 320) for _ in range(2)], [name(village[village != out]) for out in (17, 23)]
    one, two = (debiased(survey, t[village != out], groups=g)
                for t, out, g in zip(trials, (17, 23), names, strict=True))  # fmt: skip
    refused(one, two, "bear the same numbers")
    again = SplineDebiaser(3, nondifferential=True).fit(survey.z, survey.y)
    assert combine(one, again.mean(trials[0].z[village != 17], groups=names[0])).n_groups == 339
    real = [debiased(survey, t, groups=1_000 * village + 90_000) for t in trials]  # these are names
    assert combine(*real).n_groups == 340


@pytest.mark.parametrize("values", [2, 5])
def test_coarse_predictions_prove_it_where_chance_would_not_do(rng, values):
    def trial(n):
        y = rng.integers(0, values, n) * 1.0
        return pd.DataFrame({"y": y, "z": np.where(rng.random(n) < 0.9, y, 0.0)})

    rows, other, survey = trial(400), trial(400), frame(rng, 200, "s")
    survey[["y", "z"]] = survey[["y", "z"]].round()
    labelled = Classical().fit(rows.z[:100], rows.y[:100]).mean()
    named = rows.set_axis([f"t{i}" for i in rows.index])
    theirs = combine(debiased(survey, named), Classical().fit(named.z[:100], named.y[:100]).mean())
    ours = combine(debiased(survey, rows), labelled)
    assert (ours.estimate, ours.std_error, ours.n) == pytest.approx((theirs.estimate, theirs.std_error, theirs.n))
    refused(debiased(survey, other), labelled, "do not show that they are the same")
    few = Classical().fit(rows.z[:8], rows.y[:8]).mean()
    refused(debiased(survey, rows), few, "do not show that they are the same")
    fitted = PredictionPowered().fit(rows.z[:100], rows.y[:100])
    fitted.mean(other.z)
    with pytest.raises(InputError, match="100 of 400 rows"):
        fitted.mean(rows.z)


def test_chance_of_agreement_is_that_of_a_draw():
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 60) * 1.0
    assert same_rows(coin, coin)
    assert not same_rows(coin[:20], coin[:20])
    assert not same_rows(np.sort(coin), np.sort(coin))  # files in order agree anyway
    assert not same_rows(np.ones(10_000), np.ones(10_000))
    assert not same_rows(coin, np.where(np.arange(60) == 7, 1 - coin, coin))
    assert not same_rows(np.array([]), np.array([]))
    assert same_rows(np.arange(10.0), np.arange(10.0))
    rare = (rng.random(2000) < 0.03) * 1.0
    assert same_rows(rare, rare)


def test_an_index_of_several_levels_names_rows(rng):
    rows = frame(rng, 150)
    rows.index = pd.MultiIndex.from_arrays([np.arange(150) // 5, np.arange(150) % 5])
    whole, part = (Classical().fit(r.z, r.y).mean() for r in (rows, rows[:100]))
    both = combine(whole, part)
    named = rows.set_axis([f"t{i}" for i in range(150)])
    expected = combine(*(Classical().fit(r.z, r.y).mean() for r in (named, named[:100])))
    assert (both.estimate, both.std_error, both.n) == pytest.approx((expected.estimate, expected.std_error, expected.n))
    assert combine(both, part).n == 150
    ids = (rows.index, []), (rows.index[:100], [])
    assert combine(whole, part, ids_a=ids[0], ids_b=ids[1]).std_error == pytest.approx(expected.std_error)
    rows.index = pd.MultiIndex.from_arrays([np.r_[np.nan, np.arange(149)], np.arange(150)])
    refused(Classical().fit(rows.z, rows.y).mean(), part, "index of the fit rows of [ab] must not be missing")


# ---- clusters and rows


@pytest.mark.parametrize("kind", ["text", "number"])
def test_groups_in_one_fit_only_are_refused(rng, kind):
    survey, trial = frame(rng, 150, "s"), frame(rng, 400, "t")
    region = np.repeat(np.arange(30), 5)
    region = region * 10 + 10 if kind == "number" else np.array([f"g{i}" for i in region])
    a = debiased(survey, trial, fit_groups=region)
    b = SplineDebiaser(3, nondifferential=True).fit(survey.z, survey.y).mean(trial.z)
    refused(a, b, "block by block; got clusters for the fit rows of [ab] and single rows for the fit rows")
    ids = survey.index, trial.index
    other = [f"r{i}" for i in range(30)], trial.index
    assert combine(a, b, ids_a=other, ids_b=ids).n == 30 + 150 + 400  # once it is said, it is so
    both = SplineDebiaser(3, nondifferential=True).fit(survey.z, survey.y, groups=region).mean(trial.z)
    assert combine(a, both).n == 30 + 400


def test_a_group_and_a_row_of_one_name_are_two(rng):
    """Regions 0 ... 29 and trial rows 0 ... 399: the numbers are the same, and mean nothing to each other."""
    survey, trial = frame(rng, 150, "s"), frame(rng, 400)
    region = np.repeat(np.arange(30), 5)
    named = np.array([f"g{i:02d}" for i in region])

    def both(region):
        a = debiased(survey, trial, fit_groups=region)
        b = SplineDebiaser(3, nondifferential=True).fit(survey.z, survey.y, groups=region).mean(trial.z)
        return combine(a, b)

    assert both(region).std_error == pytest.approx(both(named).std_error, rel=1e-12)
    assert both(region).n == both(named).n == 430
    a = debiased(survey, trial, fit_groups=region)
    refused(a, Classical().fit(trial.z[1:300:3], trial.y[1:300:3]).mean(), "block by block")
    # by hand, too
    ids = [f"g{i}" for i in range(30)], [f"t{i}" for i in range(400)]
    ids_b = [*list(survey.index)[:-1], "g3"], ids[1]
    message = "name a row as they name a cluster.* give clusters other names, such as 'g0'"
    refused(a, debiased(survey, trial), message, ids_a=ids, ids_b=ids_b)
    # clusters 0 ... 29 in both fits, rows 0 ... 399 in both trials: a name means one thing in either
    b = SplineDebiaser(3, nondifferential=True).fit(survey.z, survey.y, groups=region)
    both_ids = {"ids_a": (range(30), range(400)), "ids_b": (range(30), range(400))}
    assert combine(a, b.mean(trial.z), **both_ids).std_error == pytest.approx(both(named).std_error, rel=1e-12)
    classical = Classical().fit(trial.z[:100], trial.y[:100]).mean()
    refused(a, classical, message, ids_a=both_ids["ids_a"], ids_b=(range(100), None))


def test_rows_may_lie_in_clusters_of_the_other_block(rng):
    """Regions of the survey, single trial rows; labels in villages of the trial, which hold these rows."""
    survey, trial = frame(rng, 150, "s"), frame(rng, 400, "t")
    a = debiased(survey, trial, fit_groups=np.repeat([f"r{i}" for i in range(30)], 5))
    village = np.array([f"v{i % 20}" for i in range(400)])
    b = SplineDebiaser(3).fit(trial.z[:200], trial.y[:200], groups=village[:200]).mean(trial.z[200:])
    refused(a, b, "block by block")


# ---- quantities


def test_estimates_of_different_quantities_are_refused(rng):
    survey, trial = frame(rng, 200, "s"), frame(rng, 300, "t")
    arm, X = np.arange(200) % 2, np.column_stack([np.ones(200), np.arange(200) % 3])
    labelled = PredictionPowered().fit(survey.z, survey.y, X=X, treatment=arm)
    shares = PredictionPowered().fit(stats.norm.cdf(survey.z), stats.norm.cdf(survey.y), X=X)
    classical = Classical().fit(survey.z, survey.y, X=X, treatment=arm)
    mean, effect, ols = classical.mean(), classical.ate(), classical.ols()
    refused(effect, mean, "same quantities; got 1 value of (ate|mean) and 1 value of (ate|mean)")
    refused(labelled.quantile(trial.z, 0.5), mean, r"quantile\(0.5\)")
    refused(labelled.quantile(trial.z, 0.5), labelled.quantile(trial.z, 0.75), r"quantile\(0.75\)")
    other = np.column_stack([np.ones(300), np.arange(300) % 3])
    refused(shares.logistic(stats.norm.cdf(trial.z), other), ols, "logistic")
    refused(labelled.mean(trial.z), effect, "of mean")
    refused(combine(mean, labelled.mean(trial.z)), effect, "of mean")
    by_design = dsl(y_pred=survey.z, y=survey.y, labeled=arm, sampling_probability=0.5)
    refused(by_design, effect, "of mean")
    assert combine(by_design, mean).n == 200
    assert combine(labelled.quantile(trial.z, 0.5), labelled.quantile(trial.z, 0.5)).n == 500
