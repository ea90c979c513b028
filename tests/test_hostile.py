"""Hostile input: every public function answers validly or raises one of our errors, whatever it is given.

Repeatable by default, with more draws in the slow run; with ``ERRORBARS_FUZZ_SECONDS=600`` it goes on for as long as it
is told, with other draws each time (``make fuzz``) or with those of ``ERRORBARS_FUZZ_SEED``. What is driven with what
stands in tests/targets.
"""

import functools
import importlib
import importlib.util
import inspect
import math
import numbers
import os
import pickle
import random
import signal
import time
import traceback
import warnings
from collections import Counter

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from strategies import Target
from targets import NOT_DRIVEN, TARGETS

import uq
from uq import Curve, Estimate, Interval
from uq._base.laws import NormalLaw
from uq._base.results import Result
from uq.exceptions import (
    ExtrapolationWarning,
    InfiniteBoundWarning,
    InputError,
    SmallSampleWarning,
    UntestedAssumptionWarning,
    UQError,
)

PACKAGES = ("bayes", "calibration", "causal", "conformal", "uq", "uq.epistemic", "uq.reuse", "uq.sampling")
OUR_WARNINGS = (ExtrapolationWarning, InfiniteBoundWarning, SmallSampleWarning, UntestedAssumptionWarning)
QUICK = 15


def public_callables():
    """Return the functions and classes that the packages show, by full name."""
    found = {}
    for package in PACKAGES:
        if importlib.util.find_spec(package):
            module = importlib.import_module(package)
            for name in getattr(module, "__all__", ()):
                if inspect.isfunction(thing := getattr(module, name)) or inspect.isclass(thing):
                    found[f"{package}.{name}"] = thing
    return found


DRIVEN = sorted(public_callables().keys() & TARGETS.keys())


def drive(function, target, given_arguments):
    """Call once; return the answer, or None where one of our errors was raised."""
    before, refusal, answer = _fingerprint(given_arguments), None, None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ours in OUR_WARNINGS:
            warnings.simplefilter("ignore", ours)
        # ours speak in plain UserWarnings, too; those of NumPy and scikit-learn are classes of their own
        warnings.filterwarnings("ignore", category=UserWarning, module=r"(uq|strategies|targets|test_hostile|sklearn)")
        try:
            answer = target.call(function, **given_arguments)
            check_answer(answer)
        except UQError as error:
            refusal, answer = error, None
    assert refusal is None or len(str(refusal)) > 20, "an error without words"
    assert _fingerprint(given_arguments) == before, "the input was changed"
    return answer


def _fingerprint(arguments):
    return {
        name: value.tobytes()
        for name, value in arguments.items()
        if isinstance(value, np.ndarray) and value.dtype != "O"
    }


def check_answer(answer):
    """Raise AssertionError unless the answer is valid: no NaN, ordered ends, p-values within [0, 1]."""
    if isinstance(answer, (tuple, list)):
        for part in answer:
            check_answer(part)
    elif isinstance(answer, numbers.Real):
        assert not math.isnan(answer)
    elif isinstance(answer, np.ndarray):
        assert answer.dtype.kind not in "fc" or not np.isnan(answer).any(), "NaN in an array"
    elif isinstance(answer, Estimate):
        _check_estimate(answer)
    elif isinstance(answer, Result):
        for name in ("estimate", "lower", "upper", "y", "samples", "statistic", "pvalue"):
            if getattr(answer, name, None) is not None:
                assert not np.isnan(np.asarray(getattr(answer, name), dtype=float)).any(), f"NaN in {name}"
        if getattr(answer, "lower", None) is not None:
            assert np.all(np.asarray(answer.lower) <= np.asarray(answer.upper))
    if isinstance(answer, Result):
        for text in (repr(answer), str(answer), answer._repr_html_()):
            assert text
        assert pickle.loads(pickle.dumps(answer)) == answer


def _check_estimate(answer):
    assert not np.isnan(answer.estimate).any(), "the estimate is NaN"
    assert not np.isnan(answer.std_error).any(), "the standard error is NaN"
    assert np.all(np.asarray(answer.std_error) >= 0)
    for alternative in ("two-sided", "less", "greater"):
        for level in (1e-9, 0.5, 0.95, 1 - 1e-9):
            interval = answer.conf_int(level, alternative)
            assert isinstance(interval, Interval)
            assert np.all(np.asarray(interval.lower) <= np.asarray(interval.upper))
        for null in (0.0, 0.5, -1e300, 1e300):
            p = np.asarray(answer.pvalue(null, alternative))
            assert ((p >= 0) & (p <= 1)).all(), f"p-value {p}"


def fuzz(name, max_examples, seed=None, once=drive):
    """Drive one public name with so many draws; the same ones unless a seed is given."""
    function, target = public_callables()[name], TARGETS[name]

    @settings(
        max_examples=max_examples, deadline=None, database=None, derandomize=seed is None,
        suppress_health_check=list(HealthCheck), print_blob=False, phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(target.arguments)
    def draws(given_arguments):
        once(function, target, given_arguments)

    if seed is not None:
        draws = hypothesis.seed(seed)(draws)
    draws()


@functools.lru_cache(2)
def n_answered(name):
    """Drive one name with the quick draws; return how many were answered. Two tests judge one run."""
    count = 0

    def once(function, target, given_arguments):
        def call(function, **arguments):
            nonlocal count
            answer = target.call(function, **arguments)
            count += 1
            return answer

        drive(function, Target(target.arguments, call), given_arguments)

    fuzz(name, QUICK, once=once)
    return count


# scope: the two tests of one name run one after the other
@pytest.mark.parametrize("name", DRIVEN, scope="module")
def test_hostile_input(name):
    n_answered(name)


@pytest.mark.parametrize("name", DRIVEN, scope="module")
def test_the_table_reaches_real_answers(name):
    """Draws that are always refused would test nothing behind the checks."""
    assert n_answered(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIVEN)
def test_more_hostile_input(name):
    fuzz(name, 120, seed=4)


class Hang(BaseException):
    """One call took more than `PATIENCE` seconds. No Exception: Hypothesis would shrink it, a minute a step."""


PATIENCE = 60


def in_time(function, target, given_arguments):
    """Drive once; raise `Hang` where no answer comes."""

    def stop(*_):
        raise Hang(f"no answer within {PATIENCE} s to {given_arguments}")

    former = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        drive(function, target, given_arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def fuzz_for(seconds, seed, names=DRIVEN, each=20):
    """Drive the names in rounds, each in an order of its own; return the calls of each name, and what failed there."""
    draw, end = random.Random(seed), time.monotonic() + seconds
    calls, faults = Counter(), {}

    def once(function, target, given_arguments):
        calls[name] += 1
        in_time(function, target, given_arguments)

    while time.monotonic() < end and len(faults) < len(names):
        for name in draw.sample(names, len(names)):
            own = draw.getrandbits(32)
            if name in faults or time.monotonic() > end:  # a name that failed would fail in each round
                continue
            try:
                fuzz(name, each, seed=own, once=once)
            except (Exception, Hang) as fault:
                faults[name] = f"{name}, seed {own}:\n{''.join(traceback.format_exception(fault))}"
    return calls, faults


@pytest.mark.slow
@pytest.mark.skipif("ERRORBARS_FUZZ_SECONDS" not in os.environ, reason="on request: make fuzz")
def test_hostile_input_for_as_long_as_told(capsys):
    seed = int(os.environ.get("ERRORBARS_FUZZ_SEED") or random.SystemRandom().getrandbits(32))
    calls, faults = fuzz_for(float(os.environ["ERRORBARS_FUZZ_SECONDS"]), seed)
    with capsys.disabled():
        print(f"\n{calls.total()} calls of {len(calls)} of {len(DRIVEN)} names, ERRORBARS_FUZZ_SEED={seed}")
    assert not faults, "\n\n".join(faults.values())


def test_every_public_callable_is_driven_or_has_a_reason_not_to_be():
    missing = public_callables().keys() - TARGETS.keys() - NOT_DRIVEN.keys()
    assert not missing, f"add to TARGETS (or NOT_DRIVEN) in tests/targets: {sorted(missing)}"
    assert not TARGETS.keys() & NOT_DRIVEN.keys()
    assert all(reason for reason in NOT_DRIVEN.values())


# ---- the harness can fail


def _estimate(value, error):
    law = NormalLaw(estimate=value, std_error=error)
    return Estimate(estimate=value, std_error=error, n=1, method="m", guarantee="none", law=law)


def _curve(value):
    curve = Curve(x=[1.0], y=[0.0])
    object.__setattr__(curve, "y", np.array([value]))  # which it refuses when it is made
    return curve


def _mutates(scores):
    scores[0] = 9.0


def _warns(scores):
    return float(np.log(np.zeros(1))[0])


FAULTS = {
    "foreign error": lambda scores: scores + "a",
    "plain ValueError": lambda scores: int("x"),
    "silent NaN": lambda scores: float("nan"),
    "NaN estimate": lambda scores: _estimate(float("nan"), 1.0),
    "NaN error": lambda scores: _estimate(1.0, float("nan")),
    "NaN on a curve": lambda scores: _curve(float("nan")),
    "NaN in an array": lambda scores: np.array([1.0, float("nan")]),
    "NaN in a tuple": lambda scores: (1.0, float("nan")),
    "input changed": _mutates,
    "warning of NumPy": _warns,
    "error without words": lambda scores: (_ for _ in ()).throw(InputError("no")),
}


def test_the_long_run_tells_every_fault_goes_on_after_it_and_stops_what_hangs(monkeypatch):
    calls = {"sound": lambda scores: 1.0, "unsound": FAULTS["silent NaN"], "slow": lambda scores: time.sleep(9)}
    monkeypatch.setattr(f"{__name__}.PATIENCE", 0.2)
    monkeypatch.setattr(f"{__name__}.public_callables", lambda: calls)
    target = Target(st.fixed_dictionaries({"scores": st.just(np.ones(3))}))
    monkeypatch.setattr(f"{__name__}.TARGETS", dict.fromkeys(calls, target))
    counted, faults = fuzz_for(1, 0, list(calls))
    assert set(counted) == set(calls)
    assert set(faults) == {"unsound", "slow"}
    assert "given_arguments={" in faults["unsound"]
    assert "no answer within" in faults["slow"]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault):
    with pytest.raises((AssertionError, TypeError, ValueError, RuntimeWarning)) as caught:
        drive(FAULTS[fault], Target(st.none()), {"scores": np.ones(3)})
    assert not isinstance(caught.value, UQError)


def test_a_sound_answer_and_a_refusal_pass():
    assert drive(lambda scores: _estimate(1.0, 2.0), Target(st.none()), {"scores": np.ones(3)}) == _estimate(1.0, 2.0)

    def refuse(scores):
        raise InputError("mean: scores must hold at least one row; got none.")

    assert drive(refuse, Target(st.none()), {"scores": np.ones(3)}) is None
    assert uq.__all__
