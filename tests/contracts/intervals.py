"""What every interval keeps, whatever made it."""

import copy
import itertools
import pickle
import warnings

import numpy as np
import pytest

from uq import Interval
from uq.exceptions import InfiniteBoundWarning, InputError

ALTERNATIVES = ("two-sided", "less", "greater")


class IntervalContract:
    """Tests of an object that answers intervals.

    Give a fixture `result`: an `Estimate`, or anything else if `ask` is overridden too.

    Attributes
    ----------
    levels : tuple of float
        Levels that are asked for, increasing.
    bad_levels : tuple
        What must be refused before any work is done.
    support : (float, float) or None
        Range of the estimand: the end of a one-sided interval that was not asked for. None reads it from the law.
    rtol : float
        Slack, relative to the width, where two routes give the same end.
    """

    levels = (1e-6, 0.05, 0.5, 0.8, 0.9, 0.95, 0.99, 1 - 1e-6)
    bad_levels = (0, 1, 1.5, -0.1, float("nan"), float("inf"), "95", None, True, [0.9])
    support = None
    rtol = 1e-9

    def ask(self, result, confidence_level, alternative="two-sided"):
        """Return the Interval of `result`; override for what has no `conf_int`."""
        return result.conf_int(confidence_level, alternative)

    def center(self, result):
        """Return the point that every interval of level >= .5 contains, or None where there is none."""
        return getattr(result, "estimate", None)

    def quiet(self, result, confidence_level, alternative="two-sided"):
        """Ask without the warning of an infinite bound, which has its own test."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            return self.ask(result, confidence_level, alternative)

    def supported(self, result):
        """Return the range of the estimand."""
        if self.support is not None:
            return self.support
        law = getattr(result, "law", None)
        return (-np.inf, np.inf) if law is None else law.support

    def test_is_an_interval_with_its_level_on_it(self, result):
        for level in self.levels:
            for alternative in ALTERNATIVES:
                interval = self.quiet(result, level, alternative)
                assert isinstance(interval, Interval)
                assert interval.confidence_level == level
                assert interval.alternative == alternative

    def test_ends_are_ordered_and_never_nan(self, result):
        for level in self.levels:
            for alternative in ALTERNATIVES:
                interval = self.quiet(result, level, alternative)
                assert not np.isnan(interval.lower).any()
                assert not np.isnan(interval.upper).any()
                assert np.all(interval.lower <= interval.upper)
                assert np.all(interval.lower < np.inf), "an interval without a number in it"
                assert np.all(interval.upper > -np.inf), "an interval without a number in it"

    def test_stays_within_the_support(self, result):
        low, high = self.supported(result)
        for level in self.levels:
            interval = self.quiet(result, level)
            assert np.all(interval.lower >= low)
            assert np.all(interval.upper <= high)

    def test_levels_nest(self, result):
        for alternative in ALTERNATIVES:
            intervals = [self.quiet(result, level, alternative) for level in self.levels]
            for inner, outer in itertools.pairwise(intervals):
                assert np.all(outer.lower <= inner.lower)
                assert np.all(inner.upper <= outer.upper)

    def test_one_sided_ends_are_two_sided_ends_at_twice_the_error(self, result):
        for level in self.levels:
            if level <= 0.5:
                continue
            # the same error on each side in floating point, too: 1 - (2 L - 1) is 2 (1 - L) up to a rounding
            both = self.quiet(result, 2 * level - 1)
            less = self.quiet(result, level, "less")
            greater = self.quiet(result, level, "greater")
            assert _close(less.upper, both.upper, both, self.rtol / (1 - level))
            assert _close(greater.lower, both.lower, both, self.rtol / (1 - level))

    def test_the_end_not_asked_for_is_the_end_of_the_support(self, result):
        low, high = self.supported(result)
        for level in self.levels:
            assert np.all(self.quiet(result, level, "less").lower == low)
            assert np.all(self.quiet(result, level, "greater").upper == high)

    def test_contains_its_own_estimate(self, result):
        center = self.center(result)
        if center is None:
            return
        for level in self.levels:
            if level >= 0.5:
                assert np.all(self.quiet(result, level).contains(center))

    def test_bad_levels_are_refused(self, result):
        for level in self.bad_levels:
            with pytest.raises(InputError, match="confidence_level"):
                self.ask(result, level)

    def test_bad_alternatives_are_refused(self, result):
        for alternative in ("both", "two_sided", None, 1):
            with pytest.raises(InputError, match="alternative"):
                self.ask(result, 0.9, alternative)

    def test_an_infinite_end_that_was_asked_for_warns_once(self, result):
        for level in (0.5, 0.95):
            for alternative in ALTERNATIVES:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    interval = self.ask(result, level, alternative)
                ends = {"less": [interval.upper], "greater": [interval.lower]}
                infinite = not np.isfinite(ends.get(alternative, [*interval])).all()
                assert [w.category for w in caught] == [InfiniteBoundWarning] * infinite
                assert all(w.filename == __file__ for w in caught), "stacklevel must point at the caller"

    def test_the_same_question_has_the_same_answer(self, result):
        before = pickle.dumps(result)
        assert self.quiet(result, 0.9) == self.quiet(result, 0.9)
        assert pickle.dumps(result) == before

    def test_pickles_copies_and_compares(self, result):
        for alternative in ALTERNATIVES:
            interval = self.quiet(result, 0.9, alternative)
            assert pickle.loads(pickle.dumps(interval)) == interval
            assert copy.deepcopy(interval) == interval
            assert (interval != interval) is False
        assert self.quiet(result, 0.9) != self.quiet(result, 0.91)
        assert self.quiet(result, 0.9) != "an interval"

    def test_prints(self, result):
        interval = self.quiet(result, 0.9)
        for text in (repr(interval), str(interval), interval._repr_html_()):
            assert "90 %" in text
            assert interval.method in text
            assert interval.guarantee in text
        assert interval._repr_html_().startswith("<table")

    def test_is_frozen(self, result):
        interval = self.quiet(result, 0.9)
        for name in ("lower", "upper", "confidence_level", "guarantee"):
            with pytest.raises(AttributeError):
                setattr(interval, name, 0.0)
        for end in interval:
            if np.ndim(end):
                with pytest.raises(ValueError, match="read-only"):
                    end[0] = 0.0

    def test_unpacks(self, result):
        interval = self.quiet(result, 0.9)
        lower, upper = interval
        assert np.array_equal(lower, interval.lower)
        assert np.array_equal(upper, interval.upper)
        assert np.array_equal(interval.to_numpy(), np.stack([lower, upper], axis=-1))
        assert np.shape(interval.width) == np.shape(lower)

    def test_holds_its_ends_and_nothing_beyond(self, result):
        interval = self.quiet(result, 0.9)
        finite = np.isfinite(interval.lower) & np.isfinite(interval.upper)
        lower, upper = np.where(finite, interval.lower, 0.0), np.where(finite, interval.upper, 0.0)
        assert np.all(interval.contains(lower) | ~finite)
        assert np.all(interval.contains(upper) | ~finite)
        assert not np.any(interval.contains(np.nextafter(lower, -np.inf)) & finite)
        assert not np.any(interval.contains(np.nextafter(upper, np.inf)) & finite)


def _close(a, b, interval, rtol):
    with np.errstate(invalid="ignore"):
        width = np.asarray(interval.upper) - np.asarray(interval.lower)
        scale = np.where(np.isfinite(width), width, 0.0) + np.abs(np.where(np.isfinite(b), b, 0.0))
        return bool(np.all(np.equal(a, b) | (np.abs(np.subtract(a, b)) <= rtol * scale)))
