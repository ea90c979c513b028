"""One row of the atlas: an interval of the library, a world whose truth is known, and what is promised there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Row", "Seen", "held", "inside", "repetitions"]


class Seen(NamedTuple):
    """What one run of a world showed: which truths were covered, and what the result said of itself."""

    covered: Any
    guarantee: str
    attained: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A world and how it is asked. `run` makes one data set and returns what was `Seen`.

    `parts` names the truths that one run covers or not (coefficients, batch and row, ...): each is a line of its own.
    "exact" and "finite-sample" must keep the level (the attained one where the result tells it), `floor` is what an
    asymptotic or unproved interval is held to: the least that its docstring speaks of. Without it nothing is tested,
    and the line only shown.
    """

    of: str
    method: str
    law: str
    n: str
    run: Callable[[np.random.Generator], Seen]
    guarantee: str
    level: float = 0.95
    floor: float | None = None
    parts: tuple[str, ...] = ("",)
    reps: int = 1000

    @property
    def key(self):
        """What tells this row from all others, and seeds it."""
        return f"{self.of} | {self.method} | {self.law} | {self.n}"

    @property
    def room(self):
        """The package it belongs to: all of the dotted name that is written small."""
        parts = self.of.split(".")
        return ".".join(parts[:2] if parts[1] in ("epistemic", "reuse", "sampling") else parts[:1])


def repetitions(row, share=1.0, least=1):
    """Return how often a row runs at `share` times its repetitions."""
    return max(least, round(row.reps * share))


def inside(lower, upper, truth):
    """Tell for each truth whether it lies between its limits; equality but for rounding counts."""
    slack = 1e-12 * (1 + np.abs(truth))
    return (np.asarray(lower) <= truth + slack) & (truth - slack <= np.asarray(upper))


def held(result, truth, level=0.95):
    """Return what an Estimate or an Interval shows about the truth."""
    interval = result.conf_int(level) if hasattr(result, "conf_int") else result
    attained = getattr(interval, "attained_level", None)
    covered = inside(interval.lower, interval.upper, np.asarray(truth, dtype=float))
    return Seen(np.atleast_1d(covered), interval.guarantee, None if attained is None else float(np.mean(attained)))
