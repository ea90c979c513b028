"""What a model does not know: noise told from ignorance, by pairs of responses or by several models.

Pairs of responses
    `PairDistribution`: from joints, logits, conditionals, counts, answers; variances, intervals, parts, faults.
    `ScaledVariance`: one parameter for the variance, the baseline to beat.
    `PairHeadClassifier`: features and several answers per row -> pairs (torch); its heads for your own network are in
    `uq.epistemic.heads`. `pair_counts`: what a model of pairs learns from.
Are the variances right?
    `SecondOrderCalibration`: intervals for p(y|x) that hold whatever the model is.
    `second_order_calibration_error`, `second_order_score`, `squared_error_ustatistic`.
What to do with them
    `selective_answer`: answer, or keep silent.
Several models, several answers
    `decompose_samples`: ensembles, dropout, posterior draws.
    `repeated_answer_scores`, `semantic_entropy`: language models behind a wall.
"""

from ._classifier import PairHeadClassifier as PairHeadClassifier
from ._decompose import decompose_samples as decompose_samples
from ._decompose import semantic_entropy as semantic_entropy
from ._language import RepeatedAnswers as RepeatedAnswers
from ._language import repeated_answer_scores as repeated_answer_scores
from ._metrics import pair_counts as pair_counts
from ._metrics import second_order_calibration_error as second_order_calibration_error
from ._metrics import second_order_score as second_order_score
from ._metrics import squared_error_ustatistic as squared_error_ustatistic
from ._pairs import PairDistribution as PairDistribution
from ._records import Decomposition as Decomposition
from ._records import PairDiagnosis as PairDiagnosis
from ._scaled import ScaledVariance as ScaledVariance
from ._second_order import SecondOrderCalibration as SecondOrderCalibration
from ._second_order_error import SecondOrderError as SecondOrderError
from ._selective import SelectiveAnswers as SelectiveAnswers
from ._selective import selective_answer as selective_answer

__all__ = [
    "Decomposition",
    "PairDiagnosis",
    "PairDistribution",
    "PairHeadClassifier",
    "RepeatedAnswers",
    "ScaledVariance",
    "SecondOrderCalibration",
    "SecondOrderError",
    "SelectiveAnswers",
    "decompose_samples",
    "pair_counts",
    "repeated_answer_scores",
    "second_order_calibration_error",
    "second_order_score",
    "selective_answer",
    "semantic_entropy",
    "squared_error_ustatistic",
]
