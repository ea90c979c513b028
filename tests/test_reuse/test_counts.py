"""Counts of transcripts against the trees themselves."""

import itertools
import math

import numpy as np
import pytest

from uq.reuse import GuessAndCheck, Ladder
from uq.reuse._counts import log_binomial, log_checked, log_ladder, log_spent


def checked_tree(m, n_failures, cells):
    """Count the situations in which a query is asked, one by one."""

    def visit(asked, failed):
        if asked == m:
            return 0
        wrong = cells * visit(asked + 1, failed + 1) if failed < n_failures else 0
        return 1 + visit(asked + 1, failed) + wrong

    return visit(0, 0)


@pytest.mark.parametrize(("m", "b", "cells", "known"), [(4, 2, 3, 58), (6, 1, 4, 66), (8, 3, 2, 848), (3, 7, 2, None)])
def test_guess_and_check_tree(m, b, cells, known):
    count = checked_tree(m, b, cells)
    assert known in (None, count)
    assert math.exp(log_checked(m, b, math.log(cells))) == pytest.approx(count, rel=1e-12)


def test_counts_of_many_cells_at_once():
    several = log_checked(9, 3, np.log([1.0, 2.0, 5.0]))
    assert several == pytest.approx([log_checked(9, 3, math.log(c)) for c in (1, 2, 5)])
    assert float(log_checked(10, 0, 0.0)) == pytest.approx(math.log(10))


def test_a_bound_instead_of_very_many_terms():
    for m, b, cells in ((9, 3, 2.0), (50, 49, 1.0), (50, 20, 7.0), (1000, 900, 3.0)):
        exact = float(log_checked(m, b, math.log(cells)))
        bound = float(log_checked(m, b, math.log(cells), most_terms=1))
        assert exact <= bound <= exact + math.log(b + 1) + 1e-9
    several = log_checked(50, 20, np.log([1.0, 7.0]), most_terms=1)
    assert several == pytest.approx([float(log_checked(50, 20, math.log(c), most_terms=1)) for c in (1, 7)])
    assert GuessAndCheck(10**9, 10**8).certificate(10**6) == 1


def test_the_mechanism_itself_meets_so_many_situations():
    """Whatever the rows say, its transcripts are those of the tree, and no more."""
    m, b = 4, 2
    mechanism = GuessAndCheck(m, b, confidence_level=0.5)
    n = 25
    cells = mechanism._design(n).cells
    means = [0.5, *((np.arange(cells) + 0.5) / cells)]
    asked = set()

    def go(state, transcript):
        if state["asked"] == m or state["closed"]:
            return
        asked.add(transcript)
        for mean in means:
            spent = mechanism.spend(state)
            reply = mechanism.answer(spent, 0.5, mean, (0, 1))
            go(reply.state, (*transcript, (reply.value, reply.source)))

    go(mechanism.start(n), ())
    start = mechanism.spend(mechanism.start(n))
    told = sum(mechanism.answer(start, 0.5, mean, (0, 1)).source == "holdout" for mean in means)
    assert 2 <= told < cells  # the cells around the guess pass, and so are never told
    assert len(asked) == checked_tree(m, b, told) < round(math.exp(log_checked(m, b, math.log(cells))))


def ladder_tree(k, rungs):
    """Count the situations of a ladder: the first query always sets a rung, later ones may only lower it."""

    def visit(asked, best):
        if asked == k:
            return 0
        lower = range(rungs if best is None else best)
        stay = 0 if best is None else visit(asked + 1, best)
        return 1 + stay + sum(visit(asked + 1, rung) for rung in lower)

    return visit(0, None)


@pytest.mark.parametrize(("k", "rungs"), [(1, 3), (2, 2), (4, 3), (5, 4), (7, 2)])
def test_ladder_tree(k, rungs):
    assert math.exp(log_ladder(k, rungs)) == pytest.approx(ladder_tree(k, rungs), rel=1e-12)


def test_a_ladder_meets_so_many_situations():
    ladder = Ladder(4, step=0.34, confidence_level=0.5)
    asked = set()

    def go(state, transcript):
        if state["asked"] == 4 or transcript in asked:
            return
        asked.add(transcript)
        for loss in np.linspace(0, 1, 41):
            reply = ladder.answer(ladder.spend(state), None, float(loss), (0, 1))
            go(reply.state, (*transcript, reply.value))

    go(ladder.start(20), ())
    n_values = math.floor(1 / 0.34 + 0.5) + 1
    # fewer, since a loss cannot fall by a whole step from the lowest rung but one
    assert 20 < len(asked) <= ladder_tree(4, n_values) == round(math.exp(log_ladder(4, n_values)))


def test_error_without_end_is_spent_once():
    """Over all situations of a tree whose cells depend on the past, the shares sum to those of the positions."""
    rng = np.random.default_rng(0)
    most = 7

    def visit(asked, failed, log_cells):
        if asked == most:
            return 0.0
        share = math.exp(log_spent(asked + 1, failed) - log_cells)
        cells = int(rng.integers(1, 4))
        return (
            share
            + visit(asked + 1, failed, log_cells)
            + sum(visit(asked + 1, failed + 1, log_cells + math.log(cells)) for _ in range(cells))
        )

    total = visit(0, 0, 0.0)
    positions = sum(math.exp(log_spent(i, f) + log_binomial(i - 1, f)) for i in range(1, most + 1) for f in range(i))
    assert total == pytest.approx(positions, rel=1e-12)


def test_error_without_end_is_all_of_it():
    total = 0.0
    for i in range(1, 3001):
        f = np.arange(i)
        total += np.exp(log_spent(i, f) + log_binomial(i - 1, f)).sum()
    # what is left comes after 3000 queries
    assert total < 1
    assert 1 - total == pytest.approx(360 / (7 * math.pi**4) * math.pi**2 / 6 / 3000, rel=0.01)


def test_large_counts_keep_their_digits():
    n, k = 10**9, 11
    exact = sum(math.log(n - j) - math.log(j + 1) for j in range(k))
    assert float(log_binomial(n, k)) == pytest.approx(exact, rel=1e-13)
    for a, b in itertools.product((5, 30, 400), (0, 1, 5)):
        assert float(log_binomial(a, b)) == pytest.approx(math.log(math.comb(a, b)), abs=1e-11)
