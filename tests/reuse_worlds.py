"""Analysts and populations to hold the mechanisms of uq.reuse against."""

import numpy as np

from uq.exceptions import BudgetExhaustedError

__all__ = ["Desk", "agreement_world", "reconstruct"]


class Desk:
    """The plainest keeper of a holdout: values of all rows in, a reply out."""

    def __init__(self, mechanism, n, rng):
        self.mechanism, self.state, self.rng = mechanism, mechanism.start(n), rng

    def ask(self, values, guess=None, bounds=(0, 1)):
        """Return the reply, or None where nothing is left."""
        self.mechanism.check(self.state, guess, bounds)
        try:
            self.state = self.mechanism.spend(self.state)
        except BudgetExhaustedError:
            return None
        mean = float(np.clip(values[self.mechanism.rows(self.state)], *bounds).mean())
        reply = self.mechanism.answer(self.state, guess, mean, bounds, self.rng)
        self.state = reply.state
        return None if reply.source == "refused" else reply


def agreement_world(rng, n, k):
    """Return whether feature j agrees with the label in row i: nothing but coins, shape (n, k)."""
    return rng.random((n, k), dtype=np.float32) < 0.5


def reconstruct(desk, agrees, guess=0.5):
    """Ask about each feature, let those vote that looked good, and ask about the vote; return the errors (truth .5)."""
    errors, sides = [], np.ones(agrees.shape[1])
    for j in range(agrees.shape[1]):
        reply = desk.ask(agrees[:, j], guess)
        if reply is None:
            return errors
        errors.append((abs(reply.value - 0.5), reply.tolerance))
        # a guess that passed tells its own bit: the mean is not far below it
        sides[j] = 1 if reply.value > 0.5 or (reply.source == "guess" and guess > 0.5) else -1
    vote = (agrees * 2.0 - 1) @ sides
    value = (vote > 0) + 0.5 * (vote == 0)
    reply = desk.ask(value, float(np.clip(value.mean() - 1e-3, 0, 1)) if guess != 0.5 else guess)
    return errors if reply is None else [*errors, (abs(reply.value - 0.5), reply.tolerance)]
