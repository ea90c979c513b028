"""Multiplicative weights: every step brings the model closer, by what the bound on failures needs."""

import math

import numpy as np
import pytest
from scipy import stats

from uq.exceptions import InputError
from uq.reuse import Holdout, PrivateMultiplicativeWeights
from uq.reuse._multiplicative_weights import _best_design, _decode, _probabilities


def drive(mechanism, n, truth, queries, bounds=(0, 1)):
    state = mechanism.start(n)
    for query in queries:
        spent = mechanism.spend(state)
        reply = mechanism.answer(spent, query, float(truth @ query), bounds)
        yield state, reply
        state = reply.state


def model(state, n_atoms):
    text = state["log_weights"]
    return np.full(n_atoms, 1 / n_atoms) if text is None else _probabilities(text)


@pytest.mark.parametrize("bounds", [(0, 1), (-2, 6)])
def test_every_failure_brings_the_model_closer(bounds):
    n_atoms, n = 64, 3000
    rng = np.random.default_rng(0)
    mechanism = PrivateMultiplicativeWeights(n_atoms, 3000)
    design = mechanism._design(n)
    low, high = bounds
    failures = 0
    for sharp in (0.05, 0.5):
        truth = rng.dirichlet(np.full(n_atoms, sharp))
        queries = [low + (high - low) * (rng.random(n_atoms) < rng.uniform(0.1, 0.9)) for _ in range(400)]
        for state, reply in drive(mechanism, n, truth, queries, bounds):
            if reply.source == "holdout":
                before = stats.entropy(truth, model(state, n_atoms))
                after = stats.entropy(truth, model(reply.state, n_atoms))
                assert before - after >= 2 * design.gap**2 * (1 - 1e-9)
                failures += 1
    assert failures > 0
    assert failures <= 2 * design.n_failures


def test_against_the_plain_update():
    n_atoms, n = 16, 2000
    rng = np.random.default_rng(1)
    mechanism = PrivateMultiplicativeWeights(n_atoms, 100, method="hoeffding")
    gap, width = mechanism._design(n).gap, mechanism._design(n).width
    truth = rng.dirichlet(np.full(n_atoms, 0.1))
    weights = np.full(n_atoms, 1 / n_atoms)
    queries = [(rng.random(n_atoms) < 0.5).astype(float) for _ in range(100)]
    sources = []
    for query, (_, reply) in zip(queries, drive(mechanism, n, truth, queries), strict=True):
        guess = weights @ query
        if abs(guess - truth @ query) <= gap:
            assert reply.value == pytest.approx(guess)
        else:
            against = query if guess > reply.value else 1 - query
            weights = weights * np.exp(-4 * gap * against)
            weights /= weights.sum()
            assert abs(reply.value - truth @ query) <= gap
        assert reply.tolerance == pytest.approx(min(1, gap + width))
        sources.append(reply.source)
        assert np.allclose(model(reply.state, n_atoms), weights)
    assert {"guess", "holdout"} == set(sources)


def test_the_hardest_analyst_never_exhausts_the_failures():
    """Always asks where model and rows differ most; a closed holdout would be a broken bound."""
    n_atoms, n = 256, 20_000
    rng = np.random.default_rng(2)
    mechanism = PrivateMultiplicativeWeights(n_atoms, 10_000)
    truth = np.zeros(n_atoms)
    truth[rng.integers(n_atoms)] = 1.0  # as far from uniform as can be
    state, n_wrong = mechanism.start(n), 0
    for _ in range(500):
        query = (model(state, n_atoms) > truth).astype(float)
        reply = mechanism.answer(mechanism.spend(state), query, float(truth @ query), (0, 1))
        state = reply.state
        assert reply.source != "refused"
        n_wrong += reply.source == "holdout"
        if reply.source == "guess":
            break
    assert 1 <= n_wrong <= mechanism._design(n).n_failures
    assert mechanism.left(state)[1] == mechanism._design(n).n_failures - n_wrong


@pytest.mark.parametrize(("n_atoms", "m", "n"), [(2, 10, 1000), (1024, 1000, 10_000), (10**6, 10**4, 10**6)])
def test_best_gap_by_a_grid(n_atoms, m, n):
    from uq.reuse._counts import log_checked
    from uq.reuse._intervals import hoeffding_width

    def tolerance(gap):
        wrong = min(math.floor(math.log(n_atoms) / (2 * gap**2) * (1 + 1e-9)), m)
        cells = math.ceil(1 / (2 * gap))
        return gap + hoeffding_width(n, float(log_checked(m, wrong, math.log(cells))), 0.05)

    best = min(map(tolerance, np.geomspace(0.01, 0.5, 300).tolist()))
    design = _best_design(n_atoms, m, 0.05, n)
    assert design.gap + design.width == pytest.approx(tolerance(design.gap), rel=1e-12)
    assert design.gap + design.width <= best * 1.01
    assert 1 / (2 * design.cells) <= design.gap


def test_rows_of_the_universe_make_the_guesses():
    atoms = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    mechanism = PrivateMultiplicativeWeights(atoms, 100)
    guess = mechanism.guess_for(lambda rows: rows[:, 0] * rows[:, 1])
    assert guess.tolist() == [0, 0, 0, 1]
    assert PrivateMultiplicativeWeights(4, 100).guess_for(lambda rows: rows) is None
    atoms[0] = 7
    assert mechanism.universe[0, 0] == 0


def test_weights_survive_many_updates():
    mechanism = PrivateMultiplicativeWeights(4, 10**6)
    n, truth, state = 10**6, np.array([1.0, 0, 0, 0]), None
    state = mechanism.start(n)
    for _ in range(3000):
        # rows that contradict themselves: nothing a population could say
        query = np.random.default_rng(state["asked"]).permutation([0.0, 0, 1, 1])
        state = mechanism.answer({**mechanism.spend(state), "failures": 1}, query, 1.0, (0, 1)).state
    weights = model(state, 4)
    assert np.isfinite(_decode(state["log_weights"])).all()
    assert weights.sum() == pytest.approx(1)
    assert truth.shape == weights.shape


def test_functions_must_work_on_the_universe():
    rows = np.tile([0.0, 1.0], 50)
    holdout = Holdout({"y": rows}, PrivateMultiplicativeWeights([0.0, 1.0], 5))
    with pytest.raises(InputError, match=r"works on the universe, an array of shape \(2,\).*IndexError"):
        holdout.mean(lambda data: data["y"])
    assert holdout.remaining() == 5
    assert holdout.mean(lambda data: data["y"], guess=[0, 1]).value == 0.5
