"""Sets with guaranteed coverage for batches of unseen outcomes.

The law behind them
    `RankLaw`: where the sorted scores of a batch fall among the calibration scores
Each row, or a share of the rows
    `SplitConformal` (each row by itself), `SimultaneousConformal` (so many rows of this batch), `PredictionSet`
A statistic of the next batch
    `BatchPredictor`, with `Quantile`, `QuantileBand` and `Compositional` for statistics
Which rows can be acted on
    `BatchSelector` (few false claims in this batch), `RiskControl` (a threshold whose risk is below a target),
    `conformal_p_values` (for the false discovery rate), `Selection`
"""

from ._batch import BatchPredictor as BatchPredictor
from ._composite import Compositional as Compositional
from ._p_values import conformal_p_values as conformal_p_values
from ._prediction_set import PredictionSet as PredictionSet
from ._rank_law import RankLaw as RankLaw
from ._risk import RiskControl as RiskControl
from ._selection import Selection as Selection
from ._selector import BatchSelector as BatchSelector
from ._simultaneous import SimultaneousConformal as SimultaneousConformal
from ._split import SplitConformal as SplitConformal
from ._statistics import Quantile as Quantile
from ._statistics import QuantileBand as QuantileBand

__all__ = [
    "BatchPredictor",
    "BatchSelector",
    "Compositional",
    "PredictionSet",
    "Quantile",
    "QuantileBand",
    "RankLaw",
    "RiskControl",
    "Selection",
    "SimultaneousConformal",
    "SplitConformal",
    "conformal_p_values",
]
