"""What a model does not know: noise told from ignorance, by pairs of responses or by several models.

Pairs of responses
    `PairDistribution`: from joints, logits, conditionals, counts, answers; variances, intervals, parts, faults.
    `PairHeadClassifier`: features and several answers per row -> pairs (torch); its heads for your own network are in
    `uq.epistemic.heads`.
"""

from ._classifier import PairHeadClassifier as PairHeadClassifier
from ._pairs import PairDistribution as PairDistribution
from ._records import Decomposition as Decomposition
from ._records import PairDiagnosis as PairDiagnosis

__all__ = ["Decomposition", "PairDiagnosis", "PairDistribution", "PairHeadClassifier"]
