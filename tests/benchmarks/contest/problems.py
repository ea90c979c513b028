"""What is to be found: synthetic functions with a known optimum. Everything is maximised; regret is never negative."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .spaces import Space, box

SHIFT = 2.345  # Ackley's optimum away from the centre, which many methods try by themselves


@dataclass(frozen=True)
class Problem:
    """A hidden function on a space, noise, a shared start and a budget.

    `truth(point)` is the mean of an observation, None where the configuration crashes; `noisy(point, rng)` is one
    observation; `start(rng)` the shared initial design. `unit` multiplies regrets in the printed table only.
    """

    name: str
    space: Space
    truth: Callable
    optimum: float
    noisy: Callable | None = None
    start: Callable | None = None
    n_initial: int = 10
    budget: int = 60
    crashes: bool = False
    unit: float = 1.0
    about: str = ""

    @property
    def checkpoints(self):
        return [n for n in (20, 30, 40, 60) if n <= self.budget]

    def generator(self, seed, stream):
        """Return the generator of one stream of one seed; -1 is the start, i >= 0 the noise of evaluation i."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), seed, stream + 1])

    def initial(self, seed):
        """Return the points that every method is given first at this seed."""
        rng = self.generator(seed, -1)
        return self.space.sobol(self.n_initial, rng) if self.start is None else self.start(rng)

    def observe(self, point, seed, i):
        """Return what evaluation i of this seed yields at the point: the noise is the same for every method."""
        if self.noisy is None:
            return self.truth(point)
        return self.noisy(point, self.generator(seed, i))

    def regret(self, point):
        """Return optimum minus truth, infinite for a crash."""
        value = self.truth(point)
        return float("inf") if value is None else self.optimum - value


def branin(x):
    """Return Branin's function, to be minimised; minimum 0.397887 at three points."""
    a, b = x
    inner = b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6
    return float(inner**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)


WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
RATES = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(x):
    """Return Hartmann's function of six variables, to be maximised; maximum 3.32237."""
    return float(WEIGHTS @ np.exp(-(RATES * (np.asarray(x) - CENTRES) ** 2).sum(axis=1)))


def ackley(x):
    """Return Ackley's function, to be minimised; minimum 0 at the origin."""
    x = np.asarray(x)
    spread, wave = np.sqrt((x**2).mean()), np.cos(2 * np.pi * x).mean()
    return float(-20 * np.exp(-0.2 * spread) - np.exp(wave) + 20 + np.e)


def _function(name, space, f, optimum, sd, about):
    def truth(point):
        return f(space.key(point))

    def noisy(point, rng):
        return truth(point) + sd * rng.standard_normal()

    return Problem(name, space, truth, optimum, noisy if sd else None, about=about)


def synthetic():
    """Return the six synthetic problems."""
    plane, cube, wide = box((-5, 10), (0, 15)), box(*[(0, 1)] * 6), box(*[(-32.768, 32.768)] * 5)
    found = []
    for noise in (False, True):
        end, tail = ("_noisy", ", noise sd {}") if noise else ("", "")
        found += [
            _function(f"branin{end}", plane, lambda x: -branin(x), -BRANIN, 10.0 * noise, "Branin" + tail.format(10)),
            _function(f"hartmann6{end}", cube, hartmann6, HARTMANN6, 0.3 * noise, "Hartmann 6" + tail.format(0.3)),
            _function(
                f"ackley5{end}",
                wide,
                lambda x: -ackley(np.asarray(x) - SHIFT),
                0.0,
                1.0 * noise,
                f"Ackley 5, centre at {SHIFT}" + tail.format(1),
            ),
        ]
    return found


BRANIN = 0.39788735772973816
HARTMANN6 = 3.322368011415515


def all_problems():
    """Return every problem by name; those on measured tables only where the data are."""
    from . import tables

    return {p.name: p for p in [*synthetic(), *tables.measured()]}
