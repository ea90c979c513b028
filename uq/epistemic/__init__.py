"""What a model does not know: noise told from ignorance, by pairs of responses or by several models.

Pairs of responses
    `PairDistribution`: from joints, logits, conditionals, counts, answers; variances, intervals, parts, faults.
"""

from ._pairs import PairDistribution as PairDistribution
from ._records import Decomposition as Decomposition
from ._records import PairDiagnosis as PairDiagnosis

__all__ = ["Decomposition", "PairDiagnosis", "PairDistribution"]
