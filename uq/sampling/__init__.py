"""What one more sample buys: pass@k, verifiers, cost, best-of-n, and how to share out a budget of samples."""

from ._allocate import Allocation as Allocation
from ._allocate import allocate_samples as allocate_samples
from ._best_of_n import BestOfN as BestOfN
from ._best_of_n import best_of_n as best_of_n
from ._cost import cost_of_pass as cost_of_pass
from ._cost import essentialness as essentialness
from ._cost import frontier_cost_of_pass as frontier_cost_of_pass
from ._coverage_curve import CoverageCurve as CoverageCurve
from ._importance import ImportanceSummary as ImportanceSummary
from ._importance import importance_summary as importance_summary
from ._inference_time import InferenceTimeTransform as InferenceTimeTransform
from ._inference_time import inference_time_transform as inference_time_transform
from ._majority import majority_at_k as majority_at_k
from ._pass_at_k import pass_all_k as pass_all_k
from ._pass_at_k import pass_at_k as pass_at_k
from ._reward import RewardCalibration as RewardCalibration
from ._stopping_rule import StoppingRule as StoppingRule
from ._stopping_rule import stopping_rule as stopping_rule
from ._verified import VerifiedSampling as VerifiedSampling
from ._verified import verified_sampling as verified_sampling
from ._verified_counts import verified_sampling_from_counts as verified_sampling_from_counts

__all__ = [
    "Allocation",
    "BestOfN",
    "CoverageCurve",
    "ImportanceSummary",
    "InferenceTimeTransform",
    "RewardCalibration",
    "StoppingRule",
    "VerifiedSampling",
    "allocate_samples",
    "best_of_n",
    "cost_of_pass",
    "essentialness",
    "frontier_cost_of_pass",
    "importance_summary",
    "inference_time_transform",
    "majority_at_k",
    "pass_all_k",
    "pass_at_k",
    "stopping_rule",
    "verified_sampling",
    "verified_sampling_from_counts",
]
