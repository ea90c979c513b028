"""Rankings from model judges, and later the next experiment to run.

`SimplexRanker` learns who is better, and how each judge errs, from judges' votes and a few human anchors.
`simplex_breakdown` tells for scores of two levels how unfair the judges would have to be before an order could be their
doing, `identifiability` what votes of a design can tell at all, however many there are.
"""

from .optimization._dimensions import Categorical as Categorical
from .optimization._dimensions import Integer as Integer
from .optimization._dimensions import Real as Real
from .optimization._gaussian_process import GaussianProcess as GaussianProcess
from .optimization._optimizer import BayesianOptimizer as BayesianOptimizer
from .optimization._trials import Trial as Trial
from .ranking._breakdown import simplex_breakdown as simplex_breakdown
from .ranking._identifiability import identifiability as identifiability
from .ranking._ranker import SimplexRanker as SimplexRanker

__all__ = [
    "BayesianOptimizer",
    "Categorical",
    "GaussianProcess",
    "Integer",
    "Real",
    "SimplexRanker",
    "Trial",
    "identifiability",
    "simplex_breakdown",
]
