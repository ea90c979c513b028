"""Error bars for an evaluation, and the results that every room of the library returns.

Results
    `Estimate`, `Interval`, `Curve`, `TestResult`, `RankSummary`
Evaluation
    `estimate_mean`, `MeanAccumulator`, `estimate_difference`, `estimate_metric`, `rank_models`, `mean_sequence`,
    `variance_components`, `required_items`, `coverage_report`
Around them
    `read_outputs`, `iter_outputs`, `Report`, `WrappedModel`, `datasets`, `citation`, `show_versions`, `exceptions`
"""

from . import datasets as datasets
from . import exceptions as exceptions
from ._base.citation import citation as citation
from ._base.curve import Curve as Curve
from ._base.rank import RankSummary as RankSummary
from ._base.results import Estimate as Estimate
from ._base.results import Interval as Interval
from ._base.results import TestResult as TestResult
from ._evaluation._accumulator import MeanAccumulator as MeanAccumulator
from ._evaluation._coverage import coverage_report as coverage_report
from ._evaluation._difference import estimate_difference as estimate_difference
from ._evaluation._mean import estimate_mean as estimate_mean
from ._evaluation._metric import estimate_metric as estimate_metric
from ._evaluation._power import required_items as required_items
from ._evaluation._ranking import rank_models as rank_models
from ._evaluation._sequence import mean_sequence as mean_sequence
from ._evaluation._variance import variance_components as variance_components
from ._io import read_outputs as read_outputs
from ._report import Report as Report
from ._stream import iter_outputs as iter_outputs
from ._versions import show_versions as show_versions
from ._wrapped import WrappedModel as WrappedModel

__all__ = [
    "Curve",
    "Estimate",
    "Interval",
    "MeanAccumulator",
    "RankSummary",
    "Report",
    "TestResult",
    "WrappedModel",
    "citation",
    "coverage_report",
    "datasets",
    "estimate_difference",
    "estimate_mean",
    "estimate_metric",
    "exceptions",
    "iter_outputs",
    "mean_sequence",
    "rank_models",
    "read_outputs",
    "required_items",
    "show_versions",
    "variance_components",
]
