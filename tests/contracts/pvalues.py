"""What every p-value keeps: it is the dual of its interval, and small only as often as it says."""

import warnings

import numpy as np
import pytest
from scipy import stats

from uq.exceptions import InfiniteBoundWarning, InputError


class PValueContract:
    """Tests of an object whose interval and p-value come from one law.

    Give a fixture `result` with ``conf_int(level, alternative)`` and ``pvalue(null, alternative)``, or override
    `ask_interval` and `ask_pvalue`.

    Attributes
    ----------
    duality_levels : tuple of float
        Levels at which the end of the interval is compared with the p-value.
    step : float
        How far inside and outside of an end the p-value is asked for, relative to the width and the size of the end.
    slack : float
        Error of p-values that is forgiven, relative to the smaller of p and 1 - p.
    """

    duality_levels = (1e-6, 0.05, 0.5, 0.8, 0.95, 0.99, 1 - 1e-6)
    step = 1e-7
    slack = 1e-4

    def ask_interval(self, result, confidence_level, alternative):
        """Return the ends of the interval as two arrays."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            interval = result.conf_int(confidence_level, alternative)
        return np.atleast_1d(interval.lower), np.atleast_1d(interval.upper)

    def ask_pvalue(self, result, null, alternative):
        """Return the p-values as an array."""
        return np.atleast_1d(result.pvalue(null, alternative))

    def nulls(self, result):
        """Return increasing values of the hypothesis, from far below to far above."""
        lower, upper = self.ask_interval(result, 0.95, "two-sided")
        ends = np.concatenate([lower, upper])
        ends = ends[np.isfinite(ends)] if np.isfinite(ends).any() else np.zeros(1)
        low, high = ends.min(), ends.max()
        span = (high - low) or 1.0
        return np.concatenate([[-1e9], np.linspace(low - span, high + span, 41), [1e9]])

    def test_lies_between_0_and_1(self, result):
        for alternative in ("two-sided", "less", "greater"):
            for null in self.nulls(result):
                p = self.ask_pvalue(result, null, alternative)
                assert not np.isnan(p).any()
                assert ((p >= 0) & (p <= 1)).all()

    def test_one_sided_is_monotone(self, result):
        greater = np.array([self.ask_pvalue(result, null, "greater") for null in self.nulls(result)])
        less = np.array([self.ask_pvalue(result, null, "less") for null in self.nulls(result)])
        assert (np.diff(greater, axis=0) >= -1e-12).all()
        assert (np.diff(less, axis=0) <= 1e-12).all()

    def test_two_sided_is_twice_the_smaller(self, result):
        for null in self.nulls(result):
            sides = [self.ask_pvalue(result, null, side) for side in ("less", "greater")]
            both = self.ask_pvalue(result, null, "two-sided")
            assert np.allclose(both, np.minimum(1, 2 * np.minimum(*sides)), rtol=1e-12, atol=0)

    def test_crosses_the_error_where_the_interval_ends(self, result):
        for level in self.duality_levels:
            for alternative in ("two-sided", "less", "greater"):
                lower, upper = self.ask_interval(result, level, alternative)
                with np.errstate(invalid="ignore"):
                    widths = upper - lower
                if alternative != "less":
                    self._crossing(result, level, alternative, lower, -1, widths)
                if alternative != "greater":
                    self._crossing(result, level, alternative, upper, +1, widths)

    def _crossing(self, result, level, alternative, ends, outward, widths):
        error = 1 - level
        # a p-value near 1 is a difference of numbers near 1, and no decision hangs on its ninth digit
        tolerance = self.slack * min(error, level) + (1e-8 if level < 0.5 else 0.0)
        for j, end in enumerate(ends):
            what = f"{alternative} at level {level}, end {end}, coefficient {j}"
            if not np.isfinite(end):
                # nothing lies outside, so nothing may be rejected on this side
                p = self.ask_pvalue(result, outward * 1e12, alternative)[j]
                assert p >= error - tolerance, f"rejects beyond an infinite end: {what}"
                continue
            width = widths[j] if np.isfinite(widths[j]) else 0.0
            h = max(self.step * width, 4 * np.spacing(abs(end)))
            outside = self.ask_pvalue(result, end + outward * h, alternative)[j]
            assert outside <= error + tolerance, f"keeps {outside} just outside: {what}"
            if width > 2 * h or not np.isfinite(widths[j]):
                inside = self.ask_pvalue(result, end - outward * h, alternative)[j]
                assert inside >= error - tolerance, f"rejects with {inside} just inside: {what}"

    def test_bad_nulls_and_alternatives_are_refused(self, result):
        for null in (float("nan"), float("inf"), "0", None, [0.0]):
            with pytest.raises(InputError, match="null"):
                self.ask_pvalue(result, null, "two-sided")
        with pytest.raises(InputError, match="alternative"):
            self.ask_pvalue(result, 0.0, "both")


class SuperUniformContract:
    """Tests, by simulation, that a p-value is at most u with probability at most u where the null is true.

    Give ``simulate(rng)``: draw one data set under the null (the hardest one, at its border) and return its p-value, or
    an array of independent p-values, which makes it quick.

    Attributes
    ----------
    n_simulations : int
        Calls of `simulate`.
    errors : tuple of float
        Where the distribution function is judged.
    doubt : float
        Probability that a valid p-value fails one of the tests.
    uniform : bool
        Whether the p-value is uniform under this null, so that being too large is a fault as well.
    """

    n_simulations = 2000
    errors = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
    doubt = 1e-6
    uniform = False
    seed = 8128

    def simulate(self, rng):
        """Return one p-value under the null, or an array of independent ones."""
        raise NotImplementedError("give simulate(rng): the p-value of data drawn under the null")

    def test_is_small_only_as_often_as_it_says(self):
        rng = np.random.default_rng(self.seed)
        p = np.concatenate([np.atleast_1d(self.simulate(rng)) for _ in range(self.n_simulations)])
        assert not np.isnan(p).any()
        assert ((p >= 0) & (p <= 1)).all()
        each = self.doubt / (2 * len(self.errors))
        for u in self.errors:
            count = int((p <= u + 1e-12).sum())
            most = stats.binom.isf(each, p.size, u)
            assert count <= most, f"p <= {u} in {count} of {p.size} simulations; at most {most:.0f} may be"
            if self.uniform:
                least = stats.binom.ppf(each, p.size, u)
                assert count >= least, f"p <= {u} in {count} of {p.size} simulations; at least {least:.0f} must be"
