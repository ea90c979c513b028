"""What every mechanism keeps to: pure functions, states in JSON, budgets, bounds of any scale, final refusals."""

import copy
import json
import pickle

import numpy as np
import pytest

from uq.exceptions import BudgetExhaustedError, InputError
from uq.reuse import (
    GaussianMechanism,
    GuessAndCheck,
    Ladder,
    NaiveReuse,
    PrivateMultiplicativeWeights,
    SampleSplitting,
    Thresholdout,
)
from uq.reuse._mechanism import MECHANISMS, Mechanism, on_grid, to_unit

N = 400
ALL = {
    "guess and check": GuessAndCheck(20, 3),
    "guess and check, hoeffding": GuessAndCheck(20, 3, method="hoeffding", tolerance=0.4),
    "guess and check, no end": GuessAndCheck(None, tolerance=0.4),
    "gaussian": GaussianMechanism(20),
    "gaussian, published": GaussianMechanism(20, bound="rogers", scale=0.1),
    "thresholdout": Thresholdout(20, 3, 0.05),
    "science": Thresholdout(20, preset="science2015"),
    "ladder": Ladder(20),
    "weights": PrivateMultiplicativeWeights(8, 20),
    "weights, rows": PrivateMultiplicativeWeights(np.arange(8.0), 20, method="hoeffding"),
    "splitting": SampleSplitting(20),
    "splitting, hoeffding": SampleSplitting(20, method="hoeffding"),
    "naive": NaiveReuse(20),
}
MECHANISM = pytest.mark.parametrize("mechanism", ALL.values(), ids=ALL)


def guess_of(mechanism, value=0.5):
    return np.full(8, value) if isinstance(mechanism, PrivateMultiplicativeWeights) else value


def ask(mechanism, state, mean=0.505, bounds=(0, 1), guess=0.5, seed=0):
    low, high = bounds
    guess = guess_of(mechanism, low + (high - low) * guess)
    mechanism.check(state, guess, bounds)
    spent = mechanism.spend(state)
    mean = low + (high - low) * mean
    return mechanism.answer(spent, guess, mean, bounds, np.random.default_rng(seed))


def test_all_are_here():
    assert {type(each).__name__ for each in ALL.values()} == set(MECHANISMS)


@MECHANISM
def test_record(mechanism):
    assert pickle.loads(pickle.dumps(mechanism)) == mechanism
    assert copy.deepcopy(mechanism) == mechanism
    record = json.loads(json.dumps(mechanism.to_dict()))
    if isinstance(mechanism, PrivateMultiplicativeWeights) and not isinstance(mechanism.universe, int):
        assert record["universe"] == 8
        assert len(record["atoms_sha256"]) == 64
    else:
        assert Mechanism.from_dict(record) == mechanism
    with pytest.raises((AttributeError, TypeError)):
        mechanism.n_queries = 5
    assert type(mechanism).__name__ in repr(mechanism)


@MECHANISM
def test_answers_are_pure_functions_of_a_state_in_json(mechanism):
    state = mechanism.start(N)
    for step in range(10):
        before = json.dumps(state)
        first, second = (ask(mechanism, json.loads(before), seed=step) for _ in range(2))
        assert first == second
        assert first == ask(mechanism, state, seed=step)
        assert json.dumps(state) == before, "the state was changed in place"
        assert type(first.value) is float
        assert type(first.tolerance) is float
        assert 0 < first.tolerance <= 1
        assert first.source in {"guess", "holdout", "best"}
        state = first.state


@MECHANISM
def test_answers_scale_with_the_bounds(mechanism):
    state = mechanism.start(N)
    if isinstance(mechanism, Ladder):
        with pytest.raises(InputError, match="Scale the losses"):
            mechanism.check(state, None, (-3, 5))
        return
    for mean in (0.0, 0.31, 0.52, 0.9, 1.0):
        unit = ask(mechanism, state, mean)
        wide = ask(mechanism, state, mean, bounds=(-3, 5))
        assert wide.value == pytest.approx(-3 + 8 * unit.value)
        assert wide.tolerance == pytest.approx(8 * unit.tolerance)
        assert 0 <= unit.value <= 1
        assert unit.source == wide.source


@MECHANISM
def test_every_tolerance_is_within_the_certificate(mechanism):
    largest = mechanism.certificate(N)
    assert 0 < largest <= 1
    state = mechanism.start(N)
    for mean in np.linspace(0, 1, 11):
        assert ask(mechanism, state, mean).tolerance <= largest
    assert mechanism.certificate(100 * N) <= largest
    assert mechanism.guarantee == ("none" if mechanism in (ALL["science"], ALL["naive"]) else "finite-sample")


@MECHANISM
def test_budget_of_queries(mechanism):
    state = mechanism.start(N)
    assert mechanism.left(state)[0] in (20, mechanism.left(state)[0])
    for i in range(20):
        if mechanism.n_queries is not None:
            assert mechanism.left(state)[0] == 20 - i
        state = ask(mechanism, state, 0.5).state
        if state["failures"]:  # noise above the threshold
            state = {**state, "failures": 0}
    if mechanism.n_queries is None:
        assert mechanism.left(state)[0] > 1000
        return
    assert mechanism.left(state)[0] == 0
    with pytest.raises(BudgetExhaustedError, match="all 20 queries"):
        mechanism.spend(state)


@MECHANISM
def test_what_is_spent_stays_spent(mechanism):
    """Whoever dies between the debit and the answer has paid for a query, and for a failure where those are counted."""
    state = mechanism.start(N)
    queries, failures = mechanism.left(state)
    state = mechanism.spend(state)
    after_queries, after_failures = mechanism.left(state)
    assert after_queries <= queries - 1 or mechanism.n_queries is None
    assert after_failures == failures or after_failures <= failures - 1
    # two debits in one state: each answer gives back its own
    if isinstance(mechanism, (GuessAndCheck, PrivateMultiplicativeWeights)):
        both = mechanism.spend(mechanism.spend(mechanism.start(N)))
        first = mechanism.answer(both, guess_of(mechanism), 0.5, (0, 1))
        assert first.source == "guess"
        assert first.state["failures"] == 1
        second = mechanism.answer(first.state, guess_of(mechanism), 0.5, (0, 1))
        assert second.state["failures"] == 0
        assert second.state["asked"] == 2


@pytest.mark.parametrize(
    "mechanism",
    [GuessAndCheck(50, 2), GuessAndCheck(None, tolerance=0.2), GuessAndCheck(50, 0), Thresholdout(50, 2, 0.0)],
    ids=str,
)
def test_failures_run_out_and_a_refusal_is_final(mechanism):
    state, answered = mechanism.start(N), 0
    for _ in range(50):
        try:
            reply = ask(mechanism, state, mean=1.0, guess=0.0)
        except BudgetExhaustedError:
            assert isinstance(mechanism, Thresholdout)
            break
        state = reply.state
        if reply.source == "refused":
            assert reply[:2] == (None, None)
            assert state["closed"]
            break
        answered += 1
        assert reply.source == "holdout"
    assert answered == {50: 2}.get(mechanism.n_queries, answered) or mechanism.n_failures == answered
    assert mechanism.left(state) == (0, 0)
    if state["closed"]:
        with pytest.raises(BudgetExhaustedError, match="closed"):
            mechanism.spend(state)
        # a debit of another process from before the refusal is refused as well, whatever the rows say
        late = mechanism.answer(state, 0.5, 0.5, (0, 1))
        assert late.source == "refused"
        assert late.state == state


@MECHANISM
def test_a_closed_state_answers_nothing(mechanism):
    state = {**mechanism.start(N), "closed": True}
    assert mechanism.left(state)[0] == 0
    with pytest.raises(BudgetExhaustedError, match="closed"):
        mechanism.spend(state)
    assert mechanism.answer(state, guess_of(mechanism), 0.5, (0, 1), np.random.default_rng(0)).source == "refused"


@MECHANISM
def test_secrets_are_not_shown(mechanism):
    state = ask(mechanism, mechanism.start(N)).state
    shown = mechanism.shown(state)
    assert "asked" in shown
    assert not {"noisy_threshold", "log_weights"} & set(shown)


@MECHANISM
def test_bad_arguments_raise_before_anything_is_spent(mechanism):
    state = mechanism.start(N)
    for bounds in ((1, 0), (0, np.inf), "ab", (0,), None, (0, np.nan)):
        with pytest.raises(InputError, match="bounds"):
            mechanism.check(state, guess_of(mechanism), bounds)
    for n in (0, -1, 2.5, "a", None, True, 10**400):
        with pytest.raises(InputError, match="n must"):
            mechanism.start(n)
        with pytest.raises(InputError, match="n must"):
            mechanism.certificate(n)
    if mechanism.needs_guess:
        for guess in (None, guess_of(mechanism, 1.5), guess_of(mechanism, np.nan), "a", [[1, 2]]):
            with pytest.raises(InputError, match="guess"):
                mechanism.check(state, guess, (0, 1))
        mechanism.check(state, guess_of(mechanism, 1.0), (0, 1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GuessAndCheck(0), "n_queries"),
        (lambda: GuessAndCheck(5, -1), "n_failures"),
        (lambda: GuessAndCheck(10**400), "n_queries must be at most"),
        (lambda: GuessAndCheck(5, method="exact"), "method"),
        (lambda: GuessAndCheck(5, tolerance=1.0), "tolerance"),
        (lambda: GuessAndCheck(None), "needs a tolerance"),
        (lambda: GuessAndCheck(None, 3, tolerance=0.1), "no n_failures"),
        (lambda: GuessAndCheck(5, confidence_level=1), "confidence_level"),
        (lambda: GuessAndCheck(5, 2, tolerance=0.01).start(100), "at least"),
        (lambda: GuessAndCheck(None, tolerance=0.01).start(100), "larger"),
        (lambda: GuessAndCheck(None, tolerance=0.01).certificate(100), "larger"),
        (lambda: GaussianMechanism(5, scale=0), "scale"),
        (lambda: GaussianMechanism(5, scale=1e-304), "scale"),
        (lambda: GaussianMechanism(5, scale=1e308), "scale"),
        (lambda: Thresholdout(5, 2, 0.0, 1e-308), "scale"),
        (lambda: Thresholdout(5, 2, 0.0, 1e308), "scale"),
        (lambda: Ladder(5, 1e-310), "step"),
        (lambda: GaussianMechanism(5, bound="jung"), "bound"),
        (lambda: GaussianMechanism(2.0), "n_queries"),
        (lambda: GaussianMechanism(None), "n_queries"),
        (lambda: Thresholdout(None, preset="science2015"), "n_queries"),
        (lambda: Ladder(None), "n_queries"),
        (lambda: SampleSplitting(None), "n_queries"),
        (lambda: NaiveReuse(None), "n_queries"),
        (lambda: Thresholdout(5), "must be given"),
        (lambda: Thresholdout(5, 2), "must be given"),
        (lambda: Thresholdout(5, 0, 0.1), "n_failures"),
        (lambda: Thresholdout(5, 2, -0.1), "threshold"),
        (lambda: Thresholdout(5, 2, 0.1, -1), "scale"),
        (lambda: Thresholdout(5, preset="nature"), "preset"),
        (lambda: Thresholdout(5, 2, preset="science2015"), "leave"),
        (lambda: Ladder(5, 1.5), "step"),
        (lambda: PrivateMultiplicativeWeights(1, 5), "universe"),
        (lambda: PrivateMultiplicativeWeights([1.0, np.nan], 5), "universe"),
        (lambda: PrivateMultiplicativeWeights([1.0], 5), "universe"),
        (lambda: PrivateMultiplicativeWeights(10**8, 5), "at most"),
        (lambda: PrivateMultiplicativeWeights("ab", 5), "universe"),
        (lambda: PrivateMultiplicativeWeights(8, None), "n_queries"),
        (lambda: SampleSplitting(5, method="exact"), "method"),
        (lambda: SampleSplitting(5).start(4), "at least n_queries"),
        (lambda: SampleSplitting(5).certificate(4), "at least n_queries"),
        (lambda: NaiveReuse(5, confidence_level=95), "confidence_level"),
        (lambda: Mechanism.from_dict({"mechanism": "Oracle"}), "mechanism"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    "mechanism",
    [
        GaussianMechanism(5, scale=1e-300),
        GaussianMechanism(5, scale=1e300),
        GaussianMechanism(5, scale=1e-300, bound="rogers"),
        Thresholdout(5, 2, 0.0, 1e-300),
        Thresholdout(2**53, 2**53, 0.0, 1e300),
        Ladder(5, 2e-300),
        Ladder(2**53, 1e-20),
    ],
)
@pytest.mark.parametrize("n", [1, 1000, 2**53])
def test_the_smallest_and_largest_scales_answer(mechanism, n):
    for mean in (0.0, 1 / 3, 1.0):
        state = mechanism.spend(mechanism.start(n))
        reply = mechanism.answer(state, 0.5, mean, (0, 1), np.random.default_rng(0))
        assert 0 <= reply.value <= 1
        assert 0 < reply.tolerance <= 1


def test_a_guess_out_of_bounds_is_told_the_bounds_as_they_are():
    mechanism = GuessAndCheck(5)
    mechanism.check(mechanism.start(N), 1 + 1e-10, (0, 1))
    with pytest.raises(InputError, match=r"guess must lie within bounds \(0\.0, 1\.0\); got 1\.5"):
        mechanism.check(mechanism.start(N), 1.5, (0, 1))


def test_small_parts():
    assert to_unit(3, (1, 5)) == 0.5
    assert to_unit(9, (1, 5)) == 1
    assert on_grid(0.37, 0.25) == 0.25
    assert on_grid(np.inf, 0.25) == 1
    assert on_grid(-1e300, 2.0**-30) == 0
