"""Guess-and-Check against brute force: its intervals, its best number of cells, what may pass and what not."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from scipy import special, stats

from uq.reuse import GuessAndCheck
from uq.reuse._counts import log_checked
from uq.reuse._intervals import chernoff_allows, hoeffding_width


def kl(p, q):
    return special.rel_entr(p, q) + special.rel_entr(1 - p, 1 - q)


def test_a_guess_passes_exactly_where_no_far_expectation_is_plausible():
    grid = np.linspace(0, 1, 401)
    passed = 0
    for mean, center, tolerance, budget in itertools.product(
        (0.0, 0.02, 0.5, 0.9, 1.0), (0.0, 0.1, 0.45, 0.5, 0.97), (0.05, 0.1, 0.3), (0.002, 0.02, 0.1)
    ):
        allowed = chernoff_allows(mean, center, tolerance, budget)
        plausible = grid[kl(mean, grid) < budget]
        inside = (np.abs(plausible - center) <= tolerance + 1e-12).all()
        if allowed:
            assert inside
        elif abs(mean - center) <= tolerance:
            # not allowed: an expectation at the very end is plausible
            assert any(kl(mean, e) < budget + 1e-9 for e in (center - tolerance, center + tolerance) if 0 < e < 1)
        passed += allowed
    assert 40 < passed < 200


def test_a_mean_far_on_one_side_is_not_taken_for_close():
    assert not chernoff_allows(0.9, 0.5, 0.1, 0.05)


def test_whatever_hoeffding_lets_pass_kl_lets_pass():
    for width, tolerance in itertools.product((0.01, 0.05, 0.2), (0.06, 0.21, 0.5)):
        if tolerance <= width:
            continue
        for mean, center in itertools.product(np.linspace(0, 1, 41), repeat=2):
            if abs(mean - center) <= tolerance - width - 1e-9:
                assert chernoff_allows(mean, center, tolerance, 2 * width**2)


@pytest.mark.parametrize(("n", "m", "b"), [(100, 10, 1), (1000, 100, 10), (10_000, 10_000, 14), (50, 3, 7)])
def test_best_number_of_cells_by_trying_all(n, m, b):
    def tolerance(cells):
        return hoeffding_width(n, float(log_checked(m, b, math.log(cells))), 0.05) + 1 / (2 * cells)

    best = min(range(1, 1500), key=tolerance)
    mechanism = GuessAndCheck(m, b)
    assert mechanism._design(n).cells == best
    assert mechanism.certificate(n) == pytest.approx(min(1, tolerance(best)), rel=1e-12)
    wide = min(0.99, 1.3 * tolerance(best))
    fewest = next(cells for cells in range(1, 1500) if tolerance(cells) <= wide)
    chosen = GuessAndCheck(m, b, tolerance=wide)
    assert chosen._design(n).cells == fewest
    assert chosen.slack(n) > mechanism.slack(n) * 1.5


# from the specification, where the last digit comes from a coarser search
@pytest.mark.parametrize(
    ("n", "m", "b", "known"),
    [
        (10**4, 10**4, 1, 0.0381),
        (10**4, 10**4, 10, 0.0863),
        (10**4, 10**4, 100, 0.2287),
        (10**4, 10**6, 10, 0.1003),
        (10**5, 10**4, 100, 0.0764),
        (10**5, 10**4, 1000, 0.1988),
        (10**3, 100, 10, 0.2038),
    ],
)
def test_known_tolerances(n, m, b, known):
    assert GuessAndCheck(m, b).certificate(n) == pytest.approx(known, abs=1.5e-4)


def test_without_failures_it_is_bonferroni_against_fixed_queries():
    # no answer but "right" ever comes, so that the queries may as well have been fixed
    assert GuessAndCheck(100, 0).certificate(1000) == pytest.approx(math.sqrt(math.log(2 * 100 / 0.05) / 2000))


def test_answers_are_the_guess_or_the_cell():
    mechanism = GuessAndCheck(100, 5, tolerance=0.25, method="hoeffding")
    state = mechanism.start(1000)
    slack, cells = mechanism.slack(1000), mechanism._design(1000).cells
    for guess, mean in itertools.product((0.2, 0.5, 0.9), np.linspace(0, 1, 23)):
        reply = mechanism.answer(mechanism.spend(state), guess, mean, (0, 1))
        if abs(guess - mean) <= slack:
            assert (reply.value, reply.source, reply.state["failures"]) == (guess, "guess", 0)
        else:
            assert reply.source == "holdout"
            assert reply.state["failures"] == 1
            assert abs(reply.value - mean) <= 1 / (2 * cells) + 1e-12
            assert reply.value * cells - 0.5 == pytest.approx(round(reply.value * cells - 0.5))
        assert reply.tolerance == 0.25


def test_every_answer_holds_where_all_means_keep_to_their_width():
    """The certificate, step by step: an expectation within the width of the mean lies within the tolerance."""
    mechanism = GuessAndCheck(100, 5, tolerance=0.25)
    state, width, grid = mechanism.start(1000), mechanism._design(1000).width, np.linspace(0, 1, 401)
    for guess, mean in itertools.product(np.linspace(0, 1, 21), np.linspace(0, 1, 41)):
        reply = mechanism.answer(mechanism.spend(state), guess, mean, (0, 1))
        plausible = grid[kl(mean, grid) < 2 * width**2]
        assert (np.abs(reply.value - plausible) <= reply.tolerance + 1e-12).all()


def test_without_end_cells_depend_on_the_past_alone():
    mechanism = GuessAndCheck(None, tolerance=0.2)
    state, cells = mechanism.start(5000), []
    while True:
        before = state["log_cells"]
        reply = mechanism.answer(mechanism.spend(state), 0.0, 0.9, (0, 1))
        if reply.source == "refused":
            break
        state = reply.state
        cells.append(round(math.exp(state["log_cells"] - before)))
        assert abs(reply.value - 0.9) <= 1 / (2 * cells[-1]) + 1e-12
    assert cells == sorted(cells)
    # the rows tell nothing about when it ends
    assert len(cells) == mechanism.left(mechanism.start(5000))[1]
    n_right = mechanism.left(reply.state)
    assert n_right == (0, 0)


def test_without_end_queries_left_by_asking_them():
    mechanism = GuessAndCheck(None, tolerance=0.3)
    state = mechanism.start(55)
    left = mechanism.left(state)[0]
    assert 1 < left < 3000
    for i in range(left):
        reply = mechanism.answer(mechanism.spend(state), 0.5, 0.5, (0, 1))
        assert reply.source != "refused", i
        # what is confirmed costs no more than its turn
        state = {**reply.state, "failures": 0, "log_cells": 0.0}
    assert mechanism.answer(mechanism.spend(state), 0.5, 0.5, (0, 1)).source == "refused"


# ---- the certificate as a whole, over every data set of a small world

ROWS = 24


def every_data_set(law):
    """Return the counts of all data sets of four kinds of rows, and their probabilities."""
    counts = [
        (a, b, c, ROWS - a - b - c)
        for a in range(ROWS + 1)
        for b in range(ROWS + 1 - a)
        for c in range(ROWS + 1 - a - b)
    ]
    return np.array(counts), stats.multinomial(ROWS, law).pmf(counts)


QUERIES = np.array([each for each in itertools.product((0.0, 1.0), repeat=4) if 0 < sum(each) < 4])


@cache
def next_query(analyst, transcript):
    """Return what this analyst asks next, and on which side of the truth the guess lies."""
    rng = np.random.default_rng([analyst, transcript])
    return QUERIES[rng.integers(len(QUERIES))], rng.choice([-1, 1])


@pytest.mark.slow
@pytest.mark.parametrize("law", [(0.25, 0.25, 0.25, 0.25), (0.7, 0.1, 0.1, 0.1), (0.97, 0.01, 0.01, 0.01)], ids=str)
@pytest.mark.parametrize(
    "mechanism",
    [
        GuessAndCheck(4, 1, confidence_level=0.3),
        GuessAndCheck(4, 1, method="hoeffding", tolerance=0.45, confidence_level=0.3),
        GuessAndCheck(None, tolerance=0.45, confidence_level=0.3),
    ],
    ids=["least", "hoeffding", "no end"],
)
def test_exact_probability_that_all_answers_hold(mechanism, law):
    """Analysts draw their next query and guess from all answers so far; the guesses are as wrong as may pass."""
    counts, mass = every_data_set(law)
    tolerance = mechanism.certificate(ROWS)
    assert tolerance < 0.5, "an empty promise"
    worst = 1.0
    for analyst in range(2):
        held = np.ones(len(counts), dtype=bool)
        for row, count in enumerate(counts):
            state, transcript = mechanism.start(ROWS), 0
            for _ in range(4):
                query, side = next_query(analyst, transcript)
                truth = float(query @ law)
                # just too far from the truth to be right
                guess = truth + side * (tolerance + 1e-9)
                guess = guess if 0 <= guess <= 1 else 2 * truth - guess
                reply = mechanism.answer(
                    mechanism.spend(state), min(1.0, max(0.0, guess)), query @ count / ROWS, (0, 1)
                )
                if reply.source == "refused":
                    break
                held[row] &= abs(reply.value - truth) <= reply.tolerance
                state = reply.state
                transcript = 100 * transcript + (0 if reply.source == "guess" else 1 + round(50 * reply.value))
        worst = min(worst, mass[held].sum())
    assert worst >= mechanism.confidence_level
    assert worst < 1
