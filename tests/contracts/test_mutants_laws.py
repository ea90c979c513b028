"""The suites of intervals and p-values can fail: a sound one passes, each fault fails the test meant to find it."""

import numpy as np
import pytest
from scipy import stats

from contracts import IntervalContract, PValueContract, SuperUniformContract
from contracts.mutation import names_of, run_test
from uq import Estimate, Interval
from uq._base.laws import BinomialLaw, NormalLaw


class _Faulty:
    """A normal estimate with one fault in its interval or its p-value."""

    estimate = 1.0
    law = NormalLaw(estimate=1.0, std_error=2.0)
    sound = Estimate(estimate=1.0, std_error=2.0, n=9, method="mean", guarantee="exact", law=law)

    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        return self.sound.conf_int(confidence_level, alternative)

    def pvalue(self, null=0.0, alternative="two-sided"):
        return self.sound.pvalue(null, alternative)


def _interval(lower, upper, level, alternative, **changes):
    fields = {"method": "mean", "guarantee": "exact", "alternative": alternative, "confidence_level": level}
    return Interval(lower=lower, upper=upper, **{**fields, **changes})


class _LevelsDoNotNest(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        interval = super().conf_int(confidence_level, alternative)
        return interval.shift(1.0) if confidence_level == 0.9 else interval


class _OneSidedIsTwoSided(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        lower, upper = super().conf_int(confidence_level)
        lower, upper = {"two-sided": (lower, upper), "less": (-np.inf, upper), "greater": (lower, np.inf)}[
            super().conf_int(confidence_level, alternative).alternative
        ]
        return _interval(lower, upper, confidence_level, alternative)


class _ClipsTheOpenEnd(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        lower, upper = super().conf_int(confidence_level, alternative)
        return _interval(max(lower, -1e6), min(upper, 1e6), confidence_level, alternative)


class _MissesItself(_Faulty):
    estimate = 99.0


class _ClipsTheLevel(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        if confidence_level in (0, 1, 1.5):
            confidence_level = min(max(confidence_level, 0.01), 0.99)
        return super().conf_int(confidence_level, alternative)


class _ForgetsTheLevel(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        lower, upper = super().conf_int(confidence_level, alternative)
        return _interval(lower, upper, 0.95, alternative)


class _AnyAlternative(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        known = alternative in ("two-sided", "less", "greater")
        return super().conf_int(confidence_level, alternative if known else "two-sided")


class _OutsideItsSupport(_Faulty):
    law = BinomialLaw(n_success=1, n=9)


class _SilentlyInfinite(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        super().conf_int(confidence_level, alternative)
        return _interval(-np.inf, np.inf, confidence_level, alternative)


class _Restless(_Faulty):
    calls = 0

    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        _Restless.calls += 1
        return super().conf_int(confidence_level, alternative).shift(_Restless.calls * 1e-9)


class _Tuple(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        return tuple(super().conf_int(confidence_level, alternative))


class _LooseInterval(Interval):
    __setattr__ = object.__setattr__


class _Writable(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        interval = super().conf_int(confidence_level, alternative)
        return _LooseInterval(**{name: getattr(interval, name) for name in interval.to_dict()})


class _AllAlike(Interval):
    def __eq__(self, other):
        return True

    __hash__ = None


class _EqualToAnything(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        interval = super().conf_int(confidence_level, alternative)
        return _AllAlike(**{name: getattr(interval, name) for name in interval.to_dict()})


class _NaNEnds(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        interval = super().conf_int(confidence_level, alternative)
        object.__setattr__(interval, "upper", float("nan"))
        return interval


class _OpenEnds(Interval):
    def contains(self, y):
        return Interval.contains(self, y) & (np.asarray(y) != self.lower)


class _LosesItsEnd(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        interval = super().conf_int(confidence_level, alternative)
        return _OpenEnds(**{name: getattr(interval, name) for name in interval.to_dict()})


class _UpperFirst(Interval):
    def __iter__(self):
        return iter((self.upper, self.lower))


class _Swapped(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        interval = super().conf_int(confidence_level, alternative)
        return _UpperFirst(**{name: getattr(interval, name) for name in interval.to_dict()})


class _TwiceTheSmallerIsNotHalved(_Faulty):
    def pvalue(self, null=0.0, alternative="two-sided"):
        p = super().pvalue(null, alternative)
        return p / 2 if alternative == "two-sided" else p


class _NotDual(_Faulty):
    """Interval by t with 8 degrees of freedom, p-value by the normal law."""

    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        half = 2.0 * stats.t.isf((1 - confidence_level) / 2, 8)
        if alternative == "two-sided":
            return _interval(1 - half, 1 + half, confidence_level, alternative)
        return super().conf_int(confidence_level, alternative)


class _AboveOne(_Faulty):
    def pvalue(self, null=0.0, alternative="two-sided"):
        return 2 * super().pvalue(null, alternative)


class _NotMonotone(_Faulty):
    def pvalue(self, null=0.0, alternative="two-sided"):
        p = super().pvalue(null, alternative)
        return p if null < 1.0 or alternative == "two-sided" else 1 - p


class _AcceptsNaNNull(_Faulty):
    def pvalue(self, null=0.0, alternative="two-sided"):
        return super().pvalue(0.0 if null != null else null, alternative)


class _RejectsBeyondInfinity(_Faulty):
    def conf_int(self, confidence_level=0.95, alternative="two-sided"):
        super().conf_int(confidence_level, alternative)
        return _interval(-np.inf, np.inf, confidence_level, alternative)


INTERVAL_MUTANTS = [
    (_LevelsDoNotNest, "test_levels_nest"),
    (_OneSidedIsTwoSided, "test_one_sided_ends_are_two_sided_ends_at_twice_the_error"),
    (_ClipsTheOpenEnd, "test_the_end_not_asked_for_is_the_end_of_the_support"),
    (_MissesItself, "test_contains_its_own_estimate"),
    (_ClipsTheLevel, "test_bad_levels_are_refused"),
    (_ForgetsTheLevel, "test_is_an_interval_with_its_level_on_it"),
    (_AnyAlternative, "test_bad_alternatives_are_refused"),
    (_SilentlyInfinite, "test_an_infinite_end_that_was_asked_for_warns_once"),
    (_Restless, "test_the_same_question_has_the_same_answer"),
    (_Tuple, "test_is_an_interval_with_its_level_on_it"),
    (_ForgetsTheLevel, "test_prints"),
    (_Writable, "test_is_frozen"),
    (_Swapped, "test_unpacks"),
    (_EqualToAnything, "test_pickles_copies_and_compares"),
    (_NaNEnds, "test_ends_are_ordered_and_never_nan"),
    (_OutsideItsSupport, "test_stays_within_the_support"),
    (_LosesItsEnd, "test_holds_its_ends_and_nothing_beyond"),
]
PVALUE_MUTANTS = [
    (_TwiceTheSmallerIsNotHalved, "test_two_sided_is_twice_the_smaller"),
    (_NotDual, "test_crosses_the_error_where_the_interval_ends"),
    (_TwiceTheSmallerIsNotHalved, "test_crosses_the_error_where_the_interval_ends"),
    (_RejectsBeyondInfinity, "test_crosses_the_error_where_the_interval_ends"),
    (_AboveOne, "test_lies_between_0_and_1"),
    (_NotMonotone, "test_one_sided_is_monotone"),
    (_AcceptsNaNNull, "test_bad_nulls_and_alternatives_are_refused"),
]


@pytest.mark.parametrize("suite", [IntervalContract, PValueContract])
def test_a_sound_estimate_passes(suite):
    for test in names_of(suite):
        run_test(suite(), test, result=_Faulty.sound)


@pytest.mark.parametrize(
    ("suite", "mutant", "test"),
    [(IntervalContract, *m) for m in INTERVAL_MUTANTS] + [(PValueContract, *m) for m in PVALUE_MUTANTS],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)
def test_each_fault_of_an_interval_or_a_pvalue_is_found(suite, mutant, test):
    with pytest.raises(BaseException) as fault:
        run_test(suite(), test, result=mutant())
    assert not isinstance(fault.value, (KeyboardInterrupt, SystemExit, pytest.skip.Exception))


@pytest.mark.parametrize(("suite", "mutants"), [(IntervalContract, INTERVAL_MUTANTS), (PValueContract, PVALUE_MUTANTS)])
def test_every_test_of_the_suite_finds_a_fault(suite, mutants):
    assert {test for _, test in mutants} == set(names_of(suite))


class TestTTestIsUniform(SuperUniformContract):
    uniform = True

    def simulate(self, rng):
        return stats.ttest_1samp(rng.normal(size=(10, 5)), 0.0, axis=1).pvalue


class _NormalForFive(SuperUniformContract):
    def simulate(self, rng):
        x = rng.normal(size=(10, 5))
        return 2 * stats.norm.sf(np.abs(x.mean(axis=1)) / (x.std(axis=1, ddof=1) / np.sqrt(5)))


class _TooLarge(SuperUniformContract):
    uniform = True

    def simulate(self, rng):
        return np.sqrt(rng.random(10))


@pytest.mark.parametrize("suite", [_NormalForFive, _TooLarge, SuperUniformContract])
def test_a_pvalue_that_is_not_uniform_is_found(suite):
    with pytest.raises((AssertionError, NotImplementedError)):
        suite().test_is_small_only_as_often_as_it_says()
