"""Rankings from model judges, and later the next experiment to run.

`SimplexRanker` learns who is better, and how each judge errs, from judges' votes and a few human anchors.
`simplex_breakdown` tells for scores of two levels how unfair the judges would have to be before an order could be their
doing, `identifiability` what votes of a design can tell at all, however many there are.
"""

from .ranking._breakdown import simplex_breakdown as simplex_breakdown
from .ranking._identifiability import identifiability as identifiability
from .ranking._ranker import SimplexRanker as SimplexRanker

__all__ = ["SimplexRanker", "identifiability", "simplex_breakdown"]
