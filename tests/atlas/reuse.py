"""A holdout that is asked again and again: a run is covered if every answer lies within its tolerance.

The analyst rebuilds the labels: a feature for each question, all of them coins, then the vote of those that looked
good. The ladder gets submissions that follow its leaders.
"""

import numpy as np
from reuse_worlds import Desk, agreement_world, reconstruct

from uq.exceptions import BudgetExhaustedError
from uq.reuse import (
    GaussianMechanism,
    GuessAndCheck,
    Holdout,
    Ladder,
    NaiveReuse,
    PrivateMultiplicativeWeights,
    SampleSplitting,
    Thresholdout,
)

from ._row import Row, Seen

__all__ = ["NO_INTERVAL", "ROWS"]

N, K = 1000, 100


def attack(mechanism, n=N, k=K):
    def run(rng):
        errors = reconstruct(Desk(mechanism, n, rng), agreement_world(rng, n, k - 1), 0.5)
        return Seen(np.array([all(error <= tolerance for error, tolerance in errors)]), mechanism.guarantee)

    return run


def one_question(n):
    """One query and no failure: the guess is as wrong as may be, and nothing is to spare."""
    mechanism = GuessAndCheck(1, 0, confidence_level=0.7)
    tolerance = mechanism.certificate(n)

    def run(rng):
        state, mean = mechanism.spend(mechanism.start(n)), rng.binomial(n, 0.5) / n
        replies = [
            mechanism.answer(state, float(np.clip(0.5 + side * (tolerance + 1e-9), 0, 1)), float(mean), (0, 1))
            for side in (1, -1)
        ]
        return Seen(np.array([all(reply.source != "guess" for reply in replies)]), mechanism.guarantee)

    return run


def ladder(rng, n=N, k=K):
    """Submit coins, and every third time the vote of the last leaders; the true loss is always .5."""
    mechanism = Ladder(k)
    desk, fine, led = Desk(mechanism, n, rng), True, []
    for j in range(k):
        wrong = rng.random(n) < 0.5
        if led and j % 3 == 2:
            wrong = np.mean(led[-9:], axis=0) + 1e-6 * rng.standard_normal(n) > 0.5
        reply = desk.ask(wrong.astype(float))
        if reply.source == "holdout":
            led.append(wrong)
        fine &= abs(reply.value - 0.5) <= reply.tolerance
    return Seen(np.array([fine]), mechanism.guarantee)


def weights(rng, n=N, k=K):
    """Queries over ten kinds of rows, that follow what looked larger than it should."""
    law = np.r_[0.9, np.full(9, 0.1 / 9)]
    mechanism = PrivateMultiplicativeWeights(10, k)
    desk, fine, chosen = Desk(mechanism, n, rng), True, np.zeros(10)
    rows = rng.permutation(np.repeat(np.arange(10), rng.multinomial(n, law)))
    for _ in range(k):
        query = (rng.random(10) < 0.5) * 1.0 if rng.random() < 0.5 else (chosen > np.median(chosen)) * 1.0
        reply = desk.ask(query[rows], query)
        if reply is None:
            break
        truth = float(law @ query)
        fine &= abs(reply.value - truth) <= reply.tolerance
        chosen += (reply.value - truth) * query
    return Seen(np.array([fine]), mechanism.guarantee)


def through_the_holdout(rng, n=1000, k=10):
    """The same as a user asks it: questions to rows of coins, each with a guess, and their vote at the end."""
    agrees = (rng.random((n, k)) < 0.5).astype(float)
    holdout, fine, sides = Holdout(agrees, GuessAndCheck(k, 3)), True, np.ones(k)

    def vote(rows):
        said = (rows * 2 - 1) @ sides
        return (said > 0) + 0.5 * (said == 0)

    questions = [*((lambda rows, j=j: rows[:, j]) for j in range(k - 1)), vote]
    for j, question in enumerate(questions):
        try:
            answer = holdout.mean(question, guess=float(np.clip(question(agrees).mean() - 0.01, 0, 1)))
        except BudgetExhaustedError:
            break  # closed after too many failures: what was answered counts
        fine &= answer.value is None or abs(answer.value - 0.5) <= answer.tolerance
        sides[j] = 1 if answer.value is None or answer.value >= 0.5 else -1
    return Seen(np.array([fine]), holdout.mechanism.guarantee)


ATTACKED = {
    "GuessAndCheck": (GuessAndCheck(K, 10), 100),
    "GaussianMechanism": (GaussianMechanism(K), 100),
    "GaussianMechanism, rogers": (GaussianMechanism(K, bound="rogers"), 60),
    "Thresholdout": (Thresholdout(K, 10, 0.05, 0.004), 100),
    "SampleSplitting, hoeffding": (SampleSplitting(K, method="hoeffding"), 100),
    "NaiveReuse": (NaiveReuse(K), 100),
}

ROWS = [
    *(Row(of=f"uq.reuse.{name.split(',')[0]}", method=name.partition(", ")[2] or "default", law="coins and their vote",
          n=f"{N}, {K} questions", guarantee="none" if name == "NaiveReuse" else "finite-sample", reps=reps,
          run=attack(mechanism)) for name, (mechanism, reps) in ATTACKED.items()),
    Row(of="uq.reuse.GuessAndCheck", method="hoeffding slack, one question", law="coins", n="60, 1 question",
        level=0.7, guarantee="finite-sample", reps=2000, run=one_question(60)),
    Row(of="uq.reuse.SampleSplitting", method="kl", law="coins and their vote", n=f"{N}, 10 questions",
        guarantee="finite-sample", reps=40, run=attack(SampleSplitting(10), N, 10)),
    Row(of="uq.reuse.Ladder", method="default", law="coins and votes of leaders", n=f"{N}, {K} submissions",
        guarantee="finite-sample", reps=80, run=ladder),
    Row(of="uq.reuse.PrivateMultiplicativeWeights", method="kl", law="ten kinds of rows, one of them 90 %",
        n=f"{N}, {K} questions", guarantee="finite-sample", reps=60, run=weights),
    Row(of="uq.reuse.Holdout.mean", method="GuessAndCheck", law="coins and their vote", n="1000, 10 questions",
        guarantee="finite-sample", reps=60, run=through_the_holdout),
]  # fmt: skip

NO_INTERVAL = {
    "as `uq.reuse.Holdout.mean`, many at once": ("uq.reuse.Holdout.ask_many",),
    "what an answer is, and what was asked": ("uq.reuse.HoldoutAnswer", "uq.reuse.HoldoutAudit"),
    "a table of tolerances, which the mechanisms keep": ("uq.reuse.Plan", "uq.reuse.plan"),
    "the theorem behind GaussianMechanism and Thresholdout": ("uq.reuse.transfer_bound",),
}
