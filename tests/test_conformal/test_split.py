"""SplitConformal and SimultaneousConformal: what they refuse and warn of, and what their answers are."""

import time
import warnings

import numpy as np
import pytest
from contracts import require
from sklearn.exceptions import NotFittedError
from test_conformal.row_data import Asymmetric, margin, outcomes, probabilities

from conformal import BatchPredictor, SimultaneousConformal, SplitConformal
from conformal._scores import AdaptiveScore
from uq import WrappedModel, citation, coverage_report
from uq.exceptions import InfiniteBoundWarning, InputError

# ---- what is refused

BOTH = pytest.mark.parametrize("kind", [SplitConformal, SimultaneousConformal])


@BOTH
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"score": "squared"}, "score"),
        ({"score": None}, "score"),
        ({"score": 3}, "score"),
        ({"score": margin}, "interval"),
        ({"score": Asymmetric}, r"Write Asymmetric\("),
        ({"confidence_level": 0}, "confidence_level"),
        ({"confidence_level": 1}, "confidence_level"),
        ({"confidence_level": 1.5}, "confidence_level"),
        ({"confidence_level": "0.9"}, "confidence_level"),
        ({"confidence_level": None}, "confidence_level"),
    ],
)
def test_bad_parameters_are_refused_by_fit(kind, parameters, words):
    with pytest.raises(InputError, match=words):
        kind(**parameters).fit(*outcomes())


@pytest.mark.parametrize("coverage", [0, 1.5, -0.1, np.nan, "0.9", None, True])
def test_bad_coverage_is_refused(coverage):
    with pytest.raises(InputError, match="coverage"):
        SimultaneousConformal(coverage=coverage).fit(*outcomes())


@BOTH
@pytest.mark.parametrize(
    ("score", "arguments", "words"),
    [
        ("absolute", {"y_pred": [np.nan, 1.0], "y": [1.0, 2.0]}, "NaN"),
        ("absolute", {"y_pred": [np.inf, 1.0], "y": [1.0, 2.0]}, "infinite"),
        ("absolute", {"y_pred": [1.0, 2.0], "y": [1.0, np.nan]}, "NaN"),
        ("absolute", {"y_pred": [], "y": []}, "at least one row"),
        ("absolute", {"y_pred": [1.0, 2.0], "y": [1.0]}, "as many rows"),
        ("absolute", {"y_pred": np.ones((2, 2)), "y": [1.0, 2.0]}, "shape"),
        ("absolute", {"y_pred": [1.0, 2.0], "y": ["a", "b"]}, "real numbers"),
        ("absolute", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0], "y_std": [1.0, 1.0]}, "normalized"),
        ("absolute", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0], "classes": [1, 2]}, "takes no classes"),
        ("normalized", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0]}, "needs y_std"),
        ("normalized", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0], "y_std": [1.0, 0.0]}, "positive"),
        ("normalized", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0], "y_std": [1.0, -1.0]}, "positive"),
        ("normalized", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0], "y_std": [1.0, np.nan]}, "NaN"),
        ("normalized", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0], "y_std": [1.0]}, "as many rows"),
        ("quantile", {"y_pred": [1.0, 2.0], "y": [1.0, 2.0]}, r"shape \(n, 2\)"),
        ("quantile", {"y_pred": np.ones((2, 3)), "y": [1.0, 2.0]}, r"shape \(n, 2\)"),
        ("quantile", {"y_pred": [[1.0, np.nan], [1.0, 2.0]], "y": [1.0, 2.0]}, "NaN"),
        ("lac", {"y_pred": [[0.5, 0.6], [0.5, 0.5]], "y": ["a", "b"]}, "sum to 1"),
        ("lac", {"y_pred": [[1.5, -0.5], [0.5, 0.5]], "y": ["a", "b"]}, "softmax"),
        ("aps", {"y_pred": [[0.5, np.nan], [0.5, 0.5]], "y": ["a", "b"]}, "NaN"),
        ("aps", {"y_pred": [[0.5, 0.5], [0.5, 0.5]], "y": ["a", "a"]}, r"classes=model\.classes_"),
        ("aps", {"y_pred": [[0.5, 0.5], [0.5, 0.5]], "y": ["a", None]}, "missing"),
        ("aps", {"y_pred": [[0.5, 0.5], [0.5, 0.5]], "y": ["a", "c"], "classes": ["a", "b"]}, "'c'"),
        ("aps", {"y_pred": [[0.5, 0.5], [0.5, 0.5]], "y": ["a", "b"], "classes": ["a", "b", "c"]}, "2 columns"),
        ("aps", {"y_pred": [[0.5, 0.5], [0.5, 0.5]], "y": ["a", "b"], "classes": ["a", "a"]}, "none twice"),
        ("aps", {"y_pred": [[0.5, 0.5]], "y": ["a", "b"]}, "as many rows"),
        ("aps", {"y_pred": np.empty((0, 2)), "y": []}, "at least one row"),
        ("aps", {"y_pred": [[0.5, 0.5]], "y": ["a"], "y_std": [1.0]}, "normalized"),
        (margin, {"y_pred": np.ones((3, 2)), "y": [0.3, 0.4, 0.9]}, "without interval"),
        (margin, {"y_pred": np.ones(3), "y": [0.3, 0.4, 0.9]}, "must have a method interval"),
        (lambda y_pred, y: 1.0, {"y_pred": np.ones((3, 2)), "y": [0, 1, 1]}, "one number per row"),
        (lambda y_pred, y: y * np.nan, {"y_pred": np.ones((3, 2)), "y": [0, 1, 1]}, "NaN"),
        (lambda y_pred, y: np.full(3, "a"), {"y_pred": np.ones((3, 2)), "y": [0, 1, 1]}, "real numbers"),
    ],
)
def test_bad_data_are_refused_by_fit(kind, score, arguments, words):
    estimator = kind(score)
    with pytest.raises(InputError, match=words):
        estimator.fit(**arguments)
    assert not hasattr(estimator, "scores_")


@BOTH
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y_pred": []}, "at least one row"),
        ({"y_pred": [np.nan]}, "NaN"),
        ({"y_pred": [[1.0, 2.0]]}, "shape"),
        ({"y_pred": [1.0], "y_std": [1.0]}, "y_std must be left out"),
        ({"y_pred": [1.0], "confidence_level": 1}, "confidence_level"),
        ({"y_pred": [1.0], "confidence_level": 1.5}, "confidence_level"),
    ],
)
def test_bad_outputs_are_refused_by_predict(kind, arguments, words):
    fitted = kind().fit(*outcomes())
    with pytest.raises(InputError, match=words):
        fitted.predict_interval(**arguments)


@BOTH
def test_the_other_verb_is_named(kind):
    with pytest.raises(InputError, match="use predict_set"):
        kind("lac").fit(*probabilities()).predict_interval([0.5])
    with pytest.raises(InputError, match="use predict_interval"):
        kind().fit(*outcomes()).predict_set([[0.5, 0.5]])
    for verb in ("predict_interval", "predict_set"):
        with pytest.raises(NotFittedError):
            getattr(kind(), verb)([0.5])


@BOTH
@pytest.mark.parametrize(
    ("y_prob", "words"),
    [
        (np.empty((0, 3)), "at least one row"),
        ([[0.2, 0.8]], r"one column per class \(3\)"),
        ([[0.2, 0.3, 0.4]], "sum to 1"),
        ([[0.2, 0.9, -0.1]], "within"),
        ([[0.2, 0.8, np.nan]], "NaN"),
        ([[[0.2, 0.8, 0.0]]], "shape"),
    ],
)
def test_bad_probabilities_are_refused_by_predict(kind, y_prob, words):
    with pytest.raises(InputError, match=words):
        kind("lac").fit(*probabilities()).predict_set(y_prob)


def test_strata_go_with_those_of_fit():
    y_pred, y = outcomes()
    strata = np.repeat(["a", "b"], 100)
    with pytest.raises(InputError, match="must be given"):
        SplitConformal().fit(y_pred, y, strata=strata).predict_interval(y_pred)
    with pytest.raises(InputError, match="left out"):
        SplitConformal().fit(y_pred, y).predict_interval(y_pred, strata=strata)
    with pytest.raises(InputError, match="strata"):
        SplitConformal().fit(y_pred, y, strata=strata[:-1])
    with pytest.raises(InputError, match="strata"):
        SplitConformal().fit(y_pred, y, strata=strata).predict_interval(y_pred, strata=strata[:-1])


# ---- infinite, and what would make it finite


@BOTH
@pytest.mark.parametrize("score", ["absolute", "signed", "lac"])
@pytest.mark.parametrize("level", [0.6, 0.9, 0.95])
def test_the_warning_names_the_n_that_makes_it_finite(kind, score, level):
    verb, data = ("predict_set", probabilities) if score == "lac" else ("predict_interval", outcomes)
    classes = {"classes": ["bird", "cat", "dog"]} if score == "lac" else {}
    outputs, y = data(400)

    def ask(n):
        return getattr(kind(score, level).fit(outputs[:n], y[:n], **classes), verb)(outputs[-7:])

    with pytest.warns(InfiniteBoundWarning) as caught:
        answer = ask(1)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isinf(answer.width).all() if score != "lac" else answer.mask.all()
    assert answer.attained_level == 1
    needed = int(str(caught[0].message).split("needs ")[1].split()[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if score != "lac":
            assert np.isfinite(ask(needed).width).all()
        else:
            ask(needed)
    with pytest.warns(InfiniteBoundWarning):
        ask(needed - 1)


def test_an_unseen_and_a_small_stratum_are_infinite_and_named():
    y_pred, y = outcomes(105)
    strata = np.repeat(["a", "b"], [100, 5])
    fitted = SplitConformal().fit(y_pred, y, strata=strata)
    assert [len(part) for part in fitted.scores_] == [100, 5]
    with pytest.warns(InfiniteBoundWarning) as caught:
        interval = fitted.predict_interval([0.0, 0.0, 0.0], strata=["c", "a", "b"])
    assert len(caught) == 1
    assert "'b' (5), 'c' (0)" in str(caught[0].message)
    assert "9 calibration rows in each stratum" in str(caught[0].message)
    assert np.isinf(interval.width).tolist() == [True, False, True]
    assert interval.attained_level.tolist() == [1, 91 / 101, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what is not asked about is not warned of
        one = fitted.predict_interval([0.0, 1.0], strata=["a", "a"])
    alone = SplitConformal().fit(y_pred[:100], y[:100]).predict_interval([0.0, 1.0])
    np.testing.assert_array_equal(one.to_numpy(), alone.to_numpy())


def test_strata_of_sets():
    y_prob, y = probabilities()
    strata = np.arange(200) % 2
    sets = SplitConformal("lac").fit(y_prob, y, strata=strata).predict_set(y_prob[:50], strata=strata[:50])
    for part in (0, 1):
        rows = strata == part
        alone = SplitConformal("lac").fit(y_prob[rows], y[rows]).predict_set(y_prob[:50][rows[:50]])
        np.testing.assert_array_equal(sets.mask[rows[:50]], alone.mask)


# ---- levels, scores, ties


def test_the_rank_is_exact_where_floats_are_not():
    scores = np.arange(1.0, 10)  # .9 * 10 is the 9th: in floats .9 * (9 + 1) is 9.0, and .7 * 10 is 7.000000000000001
    for level, rank in ((0.9, 9), (0.7, 7), (0.3, 3), (0.1, 1)):
        interval = SplitConformal(confidence_level=level).fit(np.zeros(9), scores).predict_interval([0.0])
        assert interval.upper[0] == pytest.approx(rank, rel=1e-12)
        assert interval.attained_level == rank / 10


def test_another_level_at_predict_time():
    y_pred, y = outcomes()
    for kind in (SplitConformal, SimultaneousConformal):
        asked = kind().fit(y_pred, y).predict_interval(y_pred[:5], confidence_level=0.6)
        assert asked == kind(confidence_level=0.6).fit(y_pred, y).predict_interval(y_pred[:5])
        sets = kind("aps").fit(*probabilities()).predict_set(probabilities()[0][:5], confidence_level=0.6)
        assert sets == kind("aps", 0.6).fit(*probabilities()).predict_set(probabilities()[0][:5])


@pytest.mark.parametrize("score", ["absolute", "signed", "normalized", "quantile"])
def test_constant_and_integer_outcomes_are_never_lost(score):
    """y_pred + (y - y_pred) is not always y, and where outcomes have ties a hair would lose every row."""
    rng = np.random.default_rng(0)
    for y in (np.full(300, 0.7), rng.integers(0, 2, 300) * 0.7):
        y_pred = np.where(rng.random(300) < 0.5, 0.1, 0.4)
        outputs = np.column_stack([y_pred, y_pred]) if score == "quantile" else y_pred
        std = [{"y_std": np.full(k, 0.3)} if score == "normalized" else {} for k in (200, 100)]
        fitted = SplitConformal(score, 0.99).fit(outputs[:200], y[:200], **std[0])
        assert fitted.predict_interval(outputs[200:], **std[1]).contains(y[200:]).all()


def test_crossing_quantiles_collapse_to_their_middle():
    y_pred = np.column_stack([np.zeros(99), np.full(99, 10.0)])
    fitted = SplitConformal("quantile", 0.5).fit(y_pred, np.geomspace(4.5, 5.6, 99))
    interval = fitted.predict_interval([[0.0, 10.0], [0.0, 6.0]])
    assert interval.lower[0] < 5 < interval.upper[0]
    assert interval.lower[1] == interval.upper[1] == pytest.approx(3)
    assert interval.guarantee == "finite-sample"
    assert fitted.predict_interval([[0.0, 10.0]]).guarantee == "exact"


def test_tied_scores_only_add_coverage_and_the_guarantee_says_so():
    y_pred, y = np.zeros(40), np.r_[np.arange(1.0, 40.0), -1.0]
    assert SplitConformal("absolute").fit(y_pred, y).predict_interval([0.0]).guarantee == "finite-sample"
    assert SplitConformal("signed").fit(y_pred, y).predict_interval([0.0]).guarantee == "exact"
    assert BatchPredictor("max").fit(y_pred, np.abs(y)).predict_interval(n_test=2).guarantee == "finite-sample"


def test_a_callable_score_for_outcomes():
    y_pred, y = outcomes()
    interval = SplitConformal(Asymmetric(), 0.8).fit(y_pred, y).predict_interval([0.0, 1.0])
    threshold = np.sort(Asymmetric()(y_pred, y))[160]  # ceil(.8 * 201) = 161
    np.testing.assert_allclose(interval.to_numpy(), [[-threshold, threshold / 2], [1 - threshold, 1 + threshold / 2]])
    assert interval.guarantee == "finite-sample"
    assert "Asymmetric" in interval.method
    strata = np.arange(200) % 2
    by_stratum = SplitConformal(Asymmetric(), 0.8).fit(y_pred, y, strata=strata)
    assert by_stratum.predict_interval([0.0, 0.0], strata=[0, 1]).upper.shape == (2,)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (lambda self, y_pred, threshold: y_pred, "must return"),
        (lambda self, y_pred, threshold: (0.0, 1.0), "one number per row"),
        (lambda self, y_pred, threshold: (y_pred, y_pred * np.nan), "NaN"),
    ],
)
def test_a_callable_with_a_broken_interval_is_refused(interval, words):
    score = type("Broken", (Asymmetric,), {"interval": interval})()
    with pytest.raises(InputError, match=words):
        SplitConformal(score).fit(*outcomes()).predict_interval([0.0, 1.0])


def test_a_callable_cannot_write_into_the_callers_rows():
    class Writes(Asymmetric):
        def __call__(self, y_pred, y):
            y_pred[0] = 7.0
            return y_pred

    with pytest.raises(ValueError, match="read-only"):
        SplitConformal(Writes()).fit(*outcomes())


def test_a_callable_score_of_classes_is_asked_about_every_class():
    y_prob, y = probabilities()

    def score(y_prob, y):
        return 1 - y_prob[np.arange(len(y)), np.searchsorted(["bird", "cat", "dog"], y)]

    ours = SplitConformal(score).fit(y_prob, y).predict_set(y_prob[:40])
    np.testing.assert_array_equal(ours.mask, SplitConformal("lac").fit(y_prob, y).predict_set(y_prob[:40]).mask)


def test_a_callable_gets_the_columns_of_fit():
    class Middle(Asymmetric):
        def __call__(self, y_pred, y):
            return np.abs(y - y_pred.mean(axis=1))

        def interval(self, y_pred, threshold):
            return y_pred.mean(axis=1) - threshold, y_pred.mean(axis=1) + threshold

    y_pred = np.random.default_rng(0).normal(size=(50, 3))
    fitted = SplitConformal(Middle()).fit(y_pred, y_pred.mean(axis=1) + np.arange(50))
    assert fitted.predict_interval(y_pred[:2]).upper.shape == (2,)
    for wrong in (y_pred[:, :2], y_pred[:, 0]):
        with pytest.raises(InputError, match="columns of fit"):
            fitted.predict_interval(wrong)


def test_probabilities_may_be_off_by_rounding_alone():
    y_prob, y = probabilities()
    hair = np.array([[1 + 1e-7, -1e-7, 0.0]])
    sets = SplitConformal("lac").fit(y_prob, y).predict_set(hair)
    assert sets.mask.tolist() == [[True, False, False]]
    with pytest.raises(InputError, match="within"):
        SplitConformal("lac").fit(y_prob, y).predict_set([[1.00001, -1e-5, 0.0]])


def test_one_column_of_probabilities_is_the_second_class():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    y = rng.random(200) < p
    for score in ("lac", "aps"):
        one = SplitConformal(score).fit(p, y).predict_set(p)
        two = SplitConformal(score).fit(np.column_stack([1 - p, p]), y).predict_set(np.column_stack([1 - p, p]))
        assert one == two


# ---- beside the rest of the house


def test_the_callers_index_is_kept():
    pd = require("pandas")
    rows = pd.Index(["x", "y"], name="id")
    interval = SplitConformal().fit(*outcomes()).predict_interval(pd.Series([0.0, 1.0], index=rows))
    assert interval.to_frame().index.equals(rows)
    sets = SplitConformal("lac").fit(*probabilities()).predict_set(pd.DataFrame([[0.2, 0.3, 0.5]] * 2, index=rows))
    assert sets.to_frame().index.equals(rows)
    assert sets.to_frame().columns.tolist() == ["set_size", "bird", "cat", "dog"]


@BOTH
def test_as_the_wrapper_of_a_regressor(kind):
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 3))
    y = X @ [1.0, 2.0, 0.0] + rng.normal(size=900)
    model = LinearRegression().fit(X[:300], y[:300])
    interval = WrappedModel(model, kind()).fit(X[300:600], y[300:600]).predict_interval(X[600:])
    assert interval == kind().fit(model.predict(X[300:600]), y[300:600]).predict_interval(model.predict(X[600:]))
    report = coverage_report(interval, y[600:])
    assert report.verdict[0] in ("as promised", "above")


@BOTH
def test_as_the_wrapper_of_a_classifier(kind):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 2))
    y = np.array(["a", "b", "c"])[np.argmax(X @ rng.normal(size=(2, 3)) + rng.normal(size=(900, 3)), axis=1)]
    model = LogisticRegression().fit(X[:300], y[:300])
    wrapped = WrappedModel(model, kind("aps")).fit(X[300:600], y[300:600], classes=model.classes_)
    sets = wrapped.predict_set(X[600:])
    assert sets.classes.tolist() == ["a", "b", "c"]
    report = coverage_report(sets, y[600:])
    assert report.verdict[0] in ("as promised", "above")
    assert report.names[1:] == tuple(f"size {k}" for k in np.unique(sets.sizes))
    assert report.n[1:].tolist() == np.unique(sets.sizes, return_counts=True)[1].tolist()


def test_the_batch_decides_how_wide_it_is():
    y_pred, y = outcomes(200)
    fitted = SimultaneousConformal().fit(y_pred, y)
    widths = [fitted.predict_interval(np.zeros(m)).width[0] for m in (10, 100, 1000)]
    assert len(set(widths)) > 1
    every = SimultaneousConformal(coverage=1).fit(y_pred, y).predict_interval(np.zeros(10))
    assert every.width[0] > widths[0]
    assert every.method.endswith("10 of 10 rows")


@pytest.mark.parametrize("smallest", [1e-320, 1e-200])
def test_a_scale_that_overflows_the_scores_is_named(smallest):
    y_pred, y = outcomes(50)
    with pytest.raises(InputError, match=r"SplitConformal.fit: y_std must not be so small"):
        SplitConformal("normalized").fit(y_pred, y, y_std=np.append(np.ones(49), smallest))


@pytest.mark.parametrize(("then", "now"), [([0, 1], ["0", "1"]), (["0", "1"], [0, 1]),
                                           ([0, 1], np.array(["2020-01-01", "2020-01-02"], "M8[D]"))])  # fmt: skip
def test_strata_of_another_kind_are_not_taken_for_unseen_ones(then, now):
    y_pred, y = outcomes(80)
    fitted = SplitConformal().fit(y_pred, y, strata=list(then) * 40)
    with pytest.raises(InputError, match="strata must be labels of the kind that fit had"):
        fitted.predict_interval(y_pred[:2], strata=now)


def test_many_strata_of_few_rows_take_time_in_proportion():
    def seconds(n):
        y, twice = np.arange(2 * n), np.repeat(range(n), 2)
        fitted = SplitConformal(confidence_level=0.5).fit(np.zeros(2 * n), y, strata=twice)
        started = time.process_time()
        interval = fitted.predict_interval(np.zeros(n), strata=np.arange(n))
        taken = time.process_time() - started
        np.testing.assert_allclose(interval.upper, 2 * np.arange(n) + 1)
        return taken

    few, many = (min(seconds(n) for _ in range(3)) for n in (2_000, 16_000))
    assert many < 24 * few  # eight times the strata: 7 to 10 times, and 64 where each looked at all rows


def test_probabilities_are_shown_the_way_to_sets():
    y_prob, y = probabilities()
    with pytest.raises(InputError, match="score='lac' or 'aps'"):
        SplitConformal().fit(y_prob, np.arange(len(y)))
    with pytest.raises(InputError, match="'absolute', 'signed', 'normalized', 'quantile', 'lac', 'aps'"):
        SplitConformal("apps").fit(y_prob, y)
    with pytest.raises(InputError, match="'auto', 'exact', 'bound', 'monte_carlo', 'partition', 'bonferroni'"):
        BatchPredictor(method="exactly").fit(np.arange(9.0))


def test_counted_sums_are_those_of_the_sorted_probabilities():
    y_prob = np.round(np.random.default_rng(3).dirichlet(np.ones(5), 20_000), 2)
    few = AdaptiveScore().table(y_prob, None)
    for row, found in zip(y_prob[:300], few[:300], strict=True):
        np.testing.assert_allclose(found, [row[row >= p].sum() for p in row], rtol=1e-12)
    np.testing.assert_array_equal(few[-1:], AdaptiveScore().table(y_prob[-1:], None))  # alone or among others


def test_the_report_of_sets_says_sets():
    y_prob, y = probabilities()
    report = coverage_report(SplitConformal("lac").fit(y_prob, y).predict_set(y_prob), y)
    assert "coverage of 90 % sets" in str(report)
    assert "coverage of 90 % intervals" in str(
        coverage_report(SplitConformal().fit(*outcomes()).predict_interval(outcomes()[0]), outcomes()[1])
    )


def test_cites_its_papers():
    words = citation(SplitConformal())
    assert all(number in words for number in ("1905.03222", "2006.02544", "1609.00451", "10.1007/978-3-031-06649-8"))
    assert "1905.03222" in citation(
        SplitConformal("quantile", 0.5).fit(np.zeros((9, 2)), np.arange(9)).predict_interval([[0, 1]])
    )
    assert "2409.13990" in citation(SimultaneousConformal())
