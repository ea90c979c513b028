"""Error bars for an evaluation, and the results that every room of the library returns.

Results
    `Estimate`, `Interval`, `Curve`, `TestResult`, `RankSummary`
Evaluation
    `estimate_mean`, `estimate_difference`, `estimate_metric`, `rank_models`, `mean_sequence`, `variance_components`,
    `required_items`, `coverage_report`
Around them
    `read_outputs`, `Report`, `WrappedModel`, `datasets`, `citation`, `show_versions`, `exceptions`
"""

from . import exceptions as exceptions
from ._base.curve import Curve as Curve
from ._base.results import Estimate as Estimate
from ._base.results import Interval as Interval
from ._base.results import TestResult as TestResult
from ._evaluation._difference import estimate_difference as estimate_difference
from ._evaluation._mean import estimate_mean as estimate_mean
from ._evaluation._metric import estimate_metric as estimate_metric

__all__ = [
    "Curve",
    "Estimate",
    "Interval",
    "TestResult",
    "estimate_difference",
    "estimate_mean",
    "estimate_metric",
    "exceptions",
]
