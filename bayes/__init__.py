"""Rankings from model judges, and later the next experiment to run.

`SimplexRanker` learns who is better, and how each judge errs, from judges' votes and a few human anchors.
"""

from .ranking._ranker import SimplexRanker as SimplexRanker

__all__ = ["SimplexRanker"]
