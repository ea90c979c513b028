"""Sets with guaranteed coverage for batches of unseen outcomes.

The law behind them
    `RankLaw`: where the sorted scores of a batch fall among the calibration scores
A statistic of the next batch
    `BatchPredictor`, with `Quantile` for its statistic
"""

from ._batch import BatchPredictor as BatchPredictor
from ._rank_law import RankLaw as RankLaw
from ._statistics import Quantile as Quantile

__all__ = ["BatchPredictor", "Quantile", "RankLaw"]
