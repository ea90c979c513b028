"""Results: they print, plot, compare, pickle, turn into frames, and cannot be changed."""

import copy
import dataclasses
import html.parser
import json
import pickle
import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require

from uq import Curve, Estimate, Interval, TestResult
from uq._base.laws import BinomialLaw, FiellerLaw, NormalLaw, TLaw
from uq._base.results import GUARANTEES, Result, format_number
from uq.exceptions import InfiniteBoundWarning, InputError, UQError

SCALAR = Estimate(
    estimate=0.3, std_error=0.145, n=10, method="clopper_pearson", guarantee="finite-sample",
    law=BinomialLaw(n_success=3, n=10),
)  # fmt: skip
VECTOR = Estimate(
    estimate=np.array([1.0, -2.0]), std_error=np.array([0.5, 0.1]), n=40, method="ols", guarantee="asymptotic",
    law=TLaw(estimate=np.array([1.0, -2.0]), std_error=np.array([0.5, 0.1]), df=38.0), names=("slope", "<b>"),
    cov=np.diag([0.25, 0.01]), n_groups=20, n_dropped=3,
)  # fmt: skip
FLAT = Estimate(
    estimate=1.0, std_error=np.inf, n=1, method="t", guarantee="asymptotic",
    law=TLaw(estimate=1.0, std_error=np.inf, df=1),
)  # fmt: skip
ROWS = Interval(lower=np.array([0.0, 1.0, -np.inf]), upper=np.array([1.0, 1.0, np.inf]), confidence_level=0.9)
ONE = Interval(lower=-1.5, upper=2.5, confidence_level=0.9, attained_level=0.9123, guarantee="exact", method="rank")
RESULTS = {
    "scalar": SCALAR,
    "vector": VECTOR,
    "flat": FLAT,
    "rows": ROWS,
    "one": ONE,
    "curve": Curve(x=[1, 2], y=[0.5, 0.6]),
    "band": Curve(x=[1, 2], y=[0.5, 0.6], lower=[0.4, 0.5], upper=[0.6, 0.7], count=[3, 4], confidence_level=0.9),
    "test": TestResult(statistic=1.2, pvalue=0.2, method="score", n=4),
}


@pytest.fixture(params=RESULTS, ids=str)
def any_result(request):
    return RESULTS[request.param]


class _Tags(html.parser.HTMLParser):
    """Raises unless each tag is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.rows = [], 0

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.rows += tag == "tr"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# ---- all results


def test_pickles_copies_and_compares(any_result):
    for twin in (pickle.loads(pickle.dumps(any_result)), copy.copy(any_result), copy.deepcopy(any_result)):
        assert twin == any_result
        assert type(twin) is type(any_result)
    for other in RESULTS.values():
        assert (any_result == other) is (other is any_result)
    assert any_result != None  # noqa: E711
    assert any_result != 1


def test_is_frozen_and_its_arrays_are_read_only(any_result):
    for twin in (any_result, pickle.loads(pickle.dumps(any_result))):
        for field in dataclasses.fields(twin):
            with pytest.raises(AttributeError):
                setattr(twin, field.name, 0)
        for value in twin.to_dict().values():
            if isinstance(value, np.ndarray):
                with pytest.raises(ValueError, match="read-only"):
                    value[...] = 0
        with pytest.raises((AttributeError, TypeError)):
            twin.something_new = 1
        with pytest.raises(TypeError):
            hash(twin)


def test_prints_and_has_html(any_result):
    assert repr(any_result)
    assert str(any_result)
    page = any_result._repr_html_()
    parser = _Tags()
    parser.feed(page)
    assert not parser.open
    assert parser.rows >= 2
    assert "<b>" not in page


def test_turns_into_a_frame_and_a_dict(any_result):
    pd = require("pandas")
    frame = any_result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(any_result._table())
    assert len(frame) >= 1
    values = any_result.to_dict()
    assert not any(isinstance(v, Result) for v in values.values())
    assert values.keys() >= {"guarantee", "method"}


def test_plots_on_the_axes_it_is_given(any_result, axes):
    assert any_result.plot(ax=axes) is axes
    axes.figure.canvas.draw()
    assert axes.has_data() or axes.texts


def test_certified_means_a_finite_sample_guarantee():
    for guarantee in GUARANTEES:
        interval = Interval(lower=0, upper=1, confidence_level=0.9, guarantee=guarantee)
        assert interval.certified is (guarantee in ("exact", "finite-sample"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (1e-9, "1e-09"), (np.inf, "inf"), (-np.inf, "-inf"), (3, "3"), (np.int8(3), "3"),
     (True, "True"), (np.bool_(False), "False"), ("a", "a"), (np.float32(0.5), "0.5"), (None, "None")],
)  # fmt: skip
def test_format_number(value, text):
    assert format_number(value) == text


# ---- Interval


def test_interval_reads_back_what_was_given():
    assert tuple(ONE) == (-1.5, 2.5)
    assert ONE.width == 4.0
    assert np.array_equal(ONE.to_numpy(), [-1.5, 2.5])
    assert ROWS.to_numpy().shape == (3, 2)
    assert "attained 91.23 %" in repr(ONE)
    assert "3 intervals" in repr(ROWS)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_interval_contains_takes_every_container(kind):
    assert ROWS.contains(in_container(kind, np.array([0.5, 2.0, 8.0]))).tolist() == [True, False, True]


def test_interval_contains():
    assert ONE.contains(2.5) is True
    assert ONE.contains(np.nextafter(2.5, 3)) is False
    assert ONE.contains([0, 9]).tolist() == [True, False]
    assert ROWS.contains(1.0).tolist() == [True, True, True]
    assert ROWS.contains([[0.5], [2.0], [8.0]]).tolist() == [True, False, True]
    for bad in ([1.0, 2.0], np.nan, [0.0, np.nan, 0.0], "a", None, np.zeros((3, 2))):
        with pytest.raises(InputError, match="contains"):
            ROWS.contains(bad)


def test_interval_shifts():
    moved = ONE.shift(2)
    assert tuple(moved) == (0.5, 4.5)
    assert (moved.attained_level, moved.guarantee) == (0.9123, "exact")
    assert ROWS.shift([1, 2, 3]).upper.tolist() == [2.0, 3.0, np.inf]
    assert ONE.shift([1.0, 2.0]).lower.tolist() == [-0.5, 0.5]
    for bad in (np.nan, np.inf, "a", [1.0, 2.0]):
        with pytest.raises(InputError):
            ROWS.shift(bad)


@pytest.mark.parametrize(
    "fields",
    [{"lower": 1.0, "upper": 0.0}, {"lower": np.nan, "upper": 1.0}, {"lower": [0.0, 1.0], "upper": [1.0, np.nan]},
     {"lower": [0.0], "upper": [1.0, 2.0]}, {"lower": 0.0, "upper": [1.0]}, {"lower": [[0.0]], "upper": [[1.0]]}],
)  # fmt: skip
def test_interval_refuses_what_is_none(fields):
    with pytest.raises(InputError, match="Interval"):
        Interval(**{k: np.asarray(v) for k, v in fields.items()}, confidence_level=0.9)


def test_interval_of_lists_is_one_of_arrays():
    interval = Interval(lower=[0.0, 1.0], upper=[1.0, 2.0], confidence_level=0.9)
    assert interval.width.tolist() == [1.0, 1.0]
    assert interval.contains([0.5, 5.0]).tolist() == [True, False]


def test_interval_keeps_a_copy():
    lower = np.zeros(3)
    interval = Interval(lower=lower, upper=np.ones(3), confidence_level=0.9)
    lower[:] = 9
    assert interval.lower.tolist() == [0, 0, 0]


def test_interval_keeps_the_callers_index():
    pd = require("pandas")
    index = pd.Index(["a", "b", "c"], name="item")
    interval = Interval(lower=np.zeros(3), upper=np.ones(3), confidence_level=0.9, index=index)
    assert interval.to_frame().index.equals(index)
    assert pickle.loads(pickle.dumps(interval)) == interval
    assert interval != Interval(lower=np.zeros(3), upper=np.ones(3), confidence_level=0.9, index=index[::-1])
    assert interval != ROWS


def test_interval_shows_the_callers_labels():
    interval = Interval(lower=[0.0, 1.0], upper=[1.0, 2.0], confidence_level=0.9, index=("small", "<b>"))
    lines = str(interval).split("\n")
    assert lines[1].split() == ["name", "lower", "upper"]
    assert [line.split()[0] for line in lines[2:4]] == ["small", "<b>"]
    page = interval._repr_html_()
    assert "<th>name</th><th>lower</th>" in page
    assert "<td>small</td>" in page
    assert "<td>&lt;b&gt;</td>" in page
    require("pandas")
    assert list(interval.to_frame().columns) == ["lower", "upper"], "the labels are the index there"
    for index in (("a",), ("a", "b", "c")):
        with pytest.raises(InputError, match="one label per interval"):
            Interval(lower=[0.0, 1.0], upper=[1.0, 2.0], confidence_level=0.9, index=index)


def test_interval_formats():
    assert f"{ONE:.3f}" == "[-1.500, 2.500]"
    assert f"{ROWS:.0f}" == "[0, 1], [1, 1], [-inf, inf]"
    assert f"{ONE}" == str(ONE)


def test_long_results_are_cut_when_printed():
    interval = Interval(lower=np.zeros(1000), upper=np.ones(1000), confidence_level=0.9)
    assert str(interval).count("\n") < 40
    assert interval._repr_html_().count("<tr>") < 40
    assert "970 more rows" in interval._repr_html_()


# ---- Estimate


def test_estimate_says_what_it_is():
    assert repr(SCALAR) == "Estimate(0.3, std_error=0.145, n=10, method='clopper_pearson', guarantee='finite-sample')"
    text = VECTOR.summary(0.9)
    for part in ("slope", "n = 40", "20 groups", "3 dropped", "ols", "asymptotic"):
        assert part in text
    assert SCALAR.certified
    assert not VECTOR.certified


def test_summary_shows_the_level_that_was_asked_for():
    low, high = VECTOR.conf_int(0.5)
    text = VECTOR.summary(0.5)
    assert format_number(low[0]) in text
    assert format_number(high[1]) in text
    assert "80 %" in SCALAR.summary(0.8)
    with pytest.raises(InputError, match="summary"):
        SCALAR.summary(95)


def test_vector_estimate_is_its_coefficients():
    for j in range(2):
        law = TLaw(estimate=VECTOR.estimate[j], std_error=VECTOR.std_error[j], df=38.0)
        assert np.allclose([end[j] for end in VECTOR.conf_int(0.9)], law.interval(0.9, "two-sided"))
        assert np.isclose(VECTOR.pvalue(0.5)[j], law.pvalue(0.5, "two-sided"))
    frame = VECTOR.to_frame()
    assert frame["name"].tolist() == ["slope", "<b>"]
    assert VECTOR.conf_int().index == ("slope", "<b>")
    assert isinstance(SCALAR.pvalue(0.2), float)


def test_printing_and_plotting_an_infinite_interval_is_quiet(axes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "inf" in str(FLAT)
        assert "inf" in FLAT._repr_html_()
        FLAT.plot(axes)
        assert FLAT.pvalue(-7.0) == 1.0
    with pytest.warns(InfiniteBoundWarning, match="more rows") as caught:
        FLAT.conf_int()
    assert caught[0].filename == __file__


def test_an_infinite_interval_says_what_would_make_it_finite():
    remedy = f"an infinite bound: {FLAT.law.remedy}"
    assert str(FLAT).split("\n")[-1] == remedy
    assert remedy in FLAT._repr_html_()
    vector = Estimate(
        estimate=np.zeros(2), std_error=np.array([1.0, np.inf]), n=2, method="m", guarantee="none",
        law=NormalLaw(estimate=np.zeros(2), std_error=np.array([1.0, np.inf])),
    )  # fmt: skip
    assert str(vector).split("\n")[-1].startswith("an infinite bound: ")
    for finite in (SCALAR, VECTOR):
        assert "infinite" not in str(finite) + finite._repr_html_()
    # bounded at one level, not at another: the line speaks of the interval that is shown
    ratio = FiellerLaw(numerator=1.0, denominator=1.5, var_numerator=0.1, var_denominator=1.0)
    ratio = Estimate(estimate=2 / 3, std_error=1.0, n=9, method="ratio", guarantee="asymptotic", law=ratio)
    assert "infinite" not in ratio.summary(0.5)
    assert "denominator" in ratio.summary(0.95)


def test_the_table_counts_clusters_and_dropped_rows():
    require("pandas")
    frame = VECTOR.to_frame()
    assert frame["n_groups"].tolist() == [20, 20]
    assert frame["n_dropped"].tolist() == [3, 3]
    assert list(frame.columns)[6:9] == ["n", "n_groups", "n_dropped"]
    assert "<th>n_groups</th><th>n_dropped</th>" in VECTOR._repr_html_()
    assert not {"n_groups", "n_dropped"} & set(SCALAR.to_frame())


def test_the_dict_of_an_estimate_is_a_line_of_a_log():
    values = json.loads(json.dumps(SCALAR.to_dict()))
    assert (values["lower"], values["upper"]) == tuple(SCALAR.conf_int())
    assert values["confidence_level"] == 0.95
    assert values["estimate"] == 0.3
    assert np.array_equal(VECTOR.to_dict()["lower"], VECTOR.conf_int().lower)


def test_an_estimate_formats_with_its_interval():
    low, high = SCALAR.conf_int()
    assert f"{SCALAR:.3f}" == f"0.300 [{low:.3f}, {high:.3f}]"
    assert f"{SCALAR:+.1%}" == f"+30.0% [{low:+.1%}, {high:+.1%}]"
    assert f"{SCALAR}" == str(SCALAR)
    assert f"{FLAT:.1f}" == "1.0 [-inf, inf]"
    assert f"{VECTOR:.0f}" == "slope 1 [-0, 2], <b> -2 [-2, -2]"
    with pytest.raises(ValueError, match="format"):
        f"{SCALAR:nonsense}"


def test_unnamed_estimates_get_numbers_for_names():
    law = NormalLaw(estimate=np.zeros(2), std_error=np.ones(2))
    estimate = Estimate(estimate=np.zeros(2), std_error=np.ones(2), n=2, method="m", guarantee="none", law=law)
    assert estimate.to_frame()["name"].tolist() == ["0", "1"]
    assert SCALAR.to_frame()["name"].tolist() == ["estimate"]


def test_errors_are_ours_and_builtin_ones():
    with pytest.raises(UQError):
        SCALAR.conf_int(1.5)
    with pytest.raises(ValueError, match=r"Estimate.conf_int: confidence_level must be a number in \(0, 1\); got 1.5"):
        SCALAR.conf_int(1.5)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"confidence_level": 7}, "confidence_level"),
        ({"confidence_level": float("nan")}, "confidence_level"),
        ({"alternative": "foo"}, "alternative"),
        ({"guarantee": "foo"}, "guarantee"),
        ({"attained_level": 1.5}, "attained_level"),
        ({"attained_level": np.array([0.9, 0.9, 0.9])}, "attained_level"),
    ],
)
def test_an_interval_made_by_hand_is_checked(wrong, words):
    fine = {"lower": np.zeros(2), "upper": np.ones(2), "confidence_level": 0.9}
    assert Interval(**fine, attained_level=np.array([0.9, 0.95])).attained_level[1] == 0.95
    with pytest.raises(InputError, match=words):
        Interval(**{**fine, **wrong})
