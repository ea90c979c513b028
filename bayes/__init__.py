"""Rankings from model judges, and the next experiment to run.

Who is better, if models judge
    `SimplexRanker`: ranks, and how each judge errs, from judges' votes and a few human anchors.
    `simplex_breakdown`: for scores of two levels, how unfair the judges would have to be before an order could be their
    doing. `identifiability`: what votes of a design can tell at all, however many there are.
Which setting to try next
    `BayesianOptimizer`: ask and tell, through noise, crashes and restarts, with its `Trial`; the space is made of
    `Real`, `Integer` and `Categorical`. `BayesSearchCV`: the same as a scikit-learn search over folds.
What a trial is worth
    `GaussianProcess`: the surrogate, with calibrated intervals.
    `noisy_expected_improvement`, `expected_improvement`, `knowledge_gradient`, `max_value_entropy_search`,
    `upper_confidence_bound`, `probability_of_feasibility`, `thompson_sample`: acquisitions of a fitted process.
    `expected_max_affine`: the exact expectation that several of them share.
"""

from .optimization._affine import expected_max_affine as expected_max_affine
from .optimization._confidence_bound import upper_confidence_bound as upper_confidence_bound
from .optimization._dimensions import Categorical as Categorical
from .optimization._dimensions import Integer as Integer
from .optimization._dimensions import Real as Real
from .optimization._entropy import max_value_entropy_search as max_value_entropy_search
from .optimization._expected_improvement import expected_improvement as expected_improvement
from .optimization._feasibility import probability_of_feasibility as probability_of_feasibility
from .optimization._gaussian_process import GaussianProcess as GaussianProcess
from .optimization._knowledge_gradient import knowledge_gradient as knowledge_gradient
from .optimization._noisy_ei import noisy_expected_improvement as noisy_expected_improvement
from .optimization._optimizer import BayesianOptimizer as BayesianOptimizer
from .optimization._search_cv import BayesSearchCV as BayesSearchCV
from .optimization._thompson import thompson_sample as thompson_sample
from .optimization._trials import Trial as Trial
from .ranking._breakdown import simplex_breakdown as simplex_breakdown
from .ranking._identifiability import identifiability as identifiability
from .ranking._ranker import SimplexRanker as SimplexRanker

__all__ = [
    "BayesSearchCV",
    "BayesianOptimizer",
    "Categorical",
    "GaussianProcess",
    "Integer",
    "Real",
    "SimplexRanker",
    "Trial",
    "expected_improvement",
    "expected_max_affine",
    "identifiability",
    "knowledge_gradient",
    "max_value_entropy_search",
    "noisy_expected_improvement",
    "probability_of_feasibility",
    "simplex_breakdown",
    "thompson_sample",
    "upper_confidence_bound",
]
