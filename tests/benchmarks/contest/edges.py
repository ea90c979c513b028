"""Functions that crash beside or around their optimum: python -m contest.edges [--seeds 10] [--first 200]."""

import argparse

import numpy as np

from .problems import BRANIN, HARTMANN6, Problem, branin, hartmann6
from .run import play
from .spaces import box
from .table import quartiles

METHODS = ("errorbars", "errorbars_no_belief", "errorbars_no_classifier")


def _ridge(x):
    return float(np.log(1e-3 + x[0]) + x[1] - 4 * (x[2] - 0.3) ** 2)


def edges():
    """Return the five problems."""
    edge = np.linspace(0, 1, 100_001)
    best = float((np.log(1e-3 + edge) + np.minimum(1, np.sqrt(np.maximum(0, 1.2 - edge)))).max())
    square, three, six, plane = box(*[(0, 1)] * 2), box(*[(0, 1)] * 3), box(*[(0, 1)] * 6), box((-5, 10), (0, 15))
    return [
        _problem("sum", square, lambda x: float(x.sum()), lambda x: x.sum() < 1.1, 1.1),
        _problem("ridge", three, _ridge, lambda x: x[0] + x[1] ** 2 < 1.2, best),
        _problem(
            "branin_ring",
            plane,
            lambda x: -branin(x),
            lambda x: not 1.5 < np.hypot(x[0] - np.pi, x[1] - 2.275) < 5,
            -BRANIN,
        ),
        _problem("branin_corner", plane, lambda x: -branin(x), lambda x: x[0] + x[1] < 11.9, -BRANIN),
        _problem("hartmann6_corner", six, hartmann6, lambda x: x.sum() < 2.5 and x[2] > 0.3, HARTMANN6, 10, 60),
    ]


def _problem(name, space, f, works, optimum, n_initial=8, budget=40):
    def truth(point):
        x = np.array(space.key(point))
        return f(x) if works(x) else None

    return Problem(name, space, truth, optimum, n_initial=n_initial, budget=budget, crashes=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=200, help="the first seed")
    parser.add_argument("--methods", nargs="*", default=METHODS)
    options = parser.parse_args(argv)
    for problem in edges():
        for name in options.methods:
            records = [play(problem, name, seed) for seed in range(options.first, options.first + options.seeds)]
            found = [r["regret"][problem.budget].get("own") for r in records]
            low, middle, high = quartiles([np.inf if v is None else v for v in found])
            crashes = np.mean([sum(v is None for v in r["values"]) for r in records])
            print(f"{problem.name:16s} {name:24s} regret {middle:.2g} [{low:.2g}, {high:.2g}], {crashes:.1f} crashes")


if __name__ == "__main__":
    main()
