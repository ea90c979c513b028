"""coverage_report: counts, bands, verdicts, and what counts as an interval or a set."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require
from scipy import stats

from uq import Interval
from uq._evaluation._coverage import coverage_report
from uq.exceptions import InputError


def unit(level=0.9, **fields):
    return Interval(**{"lower": 0.0, "upper": 1.0, "confidence_level": level, **fields})


def test_counts_by_the_plain_loop():
    rng = np.random.default_rng(0)
    y, lower = rng.normal(size=(2, 80))
    interval = Interval(lower=lower, upper=lower + rng.uniform(0, 3, 80), confidence_level=0.8)
    strata = rng.choice(["x", "y", "z"], 80)
    report = coverage_report(interval, y, strata, confidence_level=0.9)
    assert report.names == ("all", "x", "y", "z")
    for i, name in enumerate(report.names):
        rows = [r for r in range(80) if name in ("all", strata[r])]
        inside = sum(interval.lower[r] <= y[r] <= interval.upper[r] for r in rows)
        assert (report.n[i], report.n_covered[i]) == (len(rows), inside)
        assert report.coverage[i] == inside / len(rows)
        assert report.mean_width[i] == pytest.approx(np.mean([interval.width[r] for r in rows]))
        band = stats.binomtest(inside, len(rows)).proportion_ci(0.9, method="exact")
        assert (report.lower[i], report.upper[i]) == pytest.approx(tuple(band))
    assert (report.nominal_level, report.confidence_level) == (0.8, 0.9)
    assert report.certified


def test_the_band_holds_the_true_coverage_by_enumeration():
    """With n rows, each covered with probability p, the band misses p with probability at most 1 - level."""
    n = 15
    bands = []
    for k in range(n + 1):
        y = np.where(np.arange(n) < k, 0.5, 7.0)
        report = coverage_report(unit(), y, confidence_level=0.9)
        assert report.coverage[0] == k / n
        bands.append((report.lower[0], report.upper[0]))
    for p in np.linspace(0, 1, 201):
        held = sum(stats.binom.pmf(k, n, p) for k, (low, high) in enumerate(bands) if low <= p <= high)
        assert held >= 0.9 - 1e-12


@pytest.mark.parametrize(("k", "verdict"), [(500, "below"), (890, "as promised"), (910, "as promised"), (990, "above")])
def test_verdicts(k, verdict):
    y = np.where(np.arange(1000) < k, 0.5, -1.0)
    report = coverage_report(unit(), y)
    assert report.verdict == (verdict,)
    assert verdict in repr(report)
    assert verdict in str(report)


def test_a_broken_stratum_shows():
    y = np.concatenate([np.full(100, 0.5), np.full(100, 0.5), np.full(50, 3.0), np.full(50, 0.5)])
    report = coverage_report(unit(), y, strata=np.repeat([3, 1, 2], 100))
    assert report.names == ("all", "1", "2", "3")
    assert report.verdict == ("below", "above", "below", "above")


def test_infinite_intervals_stay_infinite_and_are_counted():
    lower, upper = np.array([[0, -np.inf, 0, 0], [1, np.inf, 2, 3]])
    interval = Interval(lower=lower, upper=upper, confidence_level=0.9)
    report = coverage_report(interval, [0.5, 99.0, 5.0, 1.0], strata=["a", "a", "b", "b"])
    assert report.mean_width.tolist() == [np.inf, np.inf, 2.5]
    assert report.share_infinite.tolist() == [0.25, 0.5, 0.0]
    assert report.n_covered.tolist() == [3, 2, 1]


@pytest.mark.parametrize(("alternative", "lower", "upper"), [("less", -np.inf, 1.0), ("greater", 0.0, np.inf)])
def test_one_sided_intervals_have_no_width(alternative, lower, upper):
    interval = Interval(lower=lower, upper=upper, confidence_level=0.9, alternative=alternative)
    report = coverage_report(interval, [0.5, -1.0, 2.0])
    assert report.mean_width is None
    assert report.share_infinite is None
    assert report.n_covered[0] == 2
    assert "mean_width" not in str(report)


@dataclass
class LabelSets:
    sets: list
    confidence_level: float = 0.9

    def contains(self, y):
        return np.array([label in allowed for label, allowed in zip(y, self.sets, strict=True)])


def test_prediction_sets_of_labels():
    sets = LabelSets([{"cat"}, {"cat", "dog"}, set()])
    report = coverage_report(sets, ["cat", "dog", "cat"], strata=[1, 1, 2])
    assert report.n_covered.tolist() == [2, 2, 0]
    assert report.mean_width is None


@dataclass
class SizedSets(LabelSets):
    @property
    def sizes(self):
        return np.array([len(allowed) for allowed in self.sets])


def test_sets_that_tell_their_sizes_are_reported_by_size():
    sets = SizedSets([{"cat"}, {"cat", "dog"}, set(), {"dog"}, {"cat"}])
    y = ["cat", "dog", "cat", "cat", "cat"]
    report = coverage_report(sets, y)
    assert report.names == ("all", "size 0", "size 1", "size 2")
    assert report.n.tolist() == [5, 1, 3, 1]
    assert report.n_covered.tolist() == [3, 0, 2, 1]
    by_label = coverage_report(sets, y, strata=[1, 1, 2, 2, 2])
    assert by_label.names == ("all", "1", "2"), "strata that are given come first"


def test_one_interval_for_all_rows():
    report = coverage_report(unit(), np.array([[0.5], [2.0]]))
    assert report.n_covered[0] == 1
    assert report.mean_width[0] == 1


class Broken(LabelSets):
    def contains(self, y):
        return 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval_or_set": (0, 1)}, "must be an Interval or a prediction set; got tuple|with contains"),
        ({"interval_or_set": "ab"}, "got str"),
        ({"interval_or_set": LabelSets([set()] * 3, confidence_level=90)}, "confidence_level"),
        ({"interval_or_set": Broken([])}, "one bool per row"),
        ({"interval_or_set": unit(lower=[0.0, 0.0], upper=[1.0, 1.0])}, "one value per interval"),
        ({"y": []}, "at least one row"),
        ({"y": [1.0, np.nan, 2.0]}, "finite"),
        ({"y": [1.0, np.inf, 2.0]}, "finite"),
        ({"y": ["a", "b", "c"]}, "real numbers"),
        ({"y": np.ones((3, 2))}, "shape"),
        ({"interval_or_set": LabelSets([]), "y": []}, "at least one row"),
        ({"strata": ["a", "b"]}, "strata"),
        ({"strata": ["a", None, "b"]}, "strata must not be missing"),
        ({"confidence_level": 0}, "confidence_level"),
        ({"confidence_level": 1}, "confidence_level"),
        ({"confidence_level": 1.5}, "confidence_level"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        coverage_report(**{"interval_or_set": unit(), "y": [0.1, 0.2, 3.0], **arguments})


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_numbers(container):
    y = np.random.default_rng(0).integers(-1, 3, 40).astype(float)
    kept = y.copy()
    assert coverage_report(unit(), in_container(container, y)) == coverage_report(unit(), y)
    assert np.array_equal(y, kept)


def test_is_a_result_that_pickles_prints_and_plots(axes):
    y = np.random.default_rng(0).uniform(-0.1, 1.1, 200)
    report = coverage_report(unit(), y, strata=np.repeat(["day", "night"], 100))
    assert pickle.loads(pickle.dumps(report)) == report
    assert report != coverage_report(unit(), y)
    assert "90 % intervals" in report._repr_html_()
    assert report.plot(axes) is axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["all (200)", "day (100)", "night (100)"]
    assert any(np.allclose(line.get_xdata(), 0.9) for line in axes.lines), "the nominal level is drawn"
    require("pandas")
    frame = report.to_frame()
    assert frame["stratum"].tolist() == ["all", "day", "night"]
    assert frame["verdict"].tolist() == list(report.verdict)
