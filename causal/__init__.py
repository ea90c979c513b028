"""Effects from predicted outcomes: the outcome was measured for few rows and predicted for many.

Every estimator learns from rows whose truth is known, ``fit(y_pred, y)``, and answers for others with `mean`, `ols` and
`ate`; the error of what was learned is in the answer.

No truth in the trial
    `LinearDebiaser` for any number of calibration rows, `SplineDebiaser` for 300 and more, `TweedieDebiaser` where the
    errors are normal.
Labels for part of the population
    `PredictionPowered` for a random part, also in pieces of which only sums are kept; `dsl` for rows that were labelled
    with known, unequal probabilities.
What one would have done
    `Naive` believes the predictions, `Classical` throws them away.
Around them
    `shrinkage_diagnostic`: is a correction due at all? `compare_estimators`: one table, one forest plot.
    `overidentification_test`, `combine`: two estimates that share rows.
    `add_calibration_variance`: the calibration step in the errors of a statsmodels regression.
"""

from ._combine import combine as combine
from ._combine import overidentification_test as overidentification_test
from ._compare import compare_estimators as compare_estimators
from ._diagnostic import shrinkage_diagnostic as shrinkage_diagnostic
from ._dsl import dsl as dsl
from ._linear import LinearDebiaser as LinearDebiaser
from ._naive import Classical as Classical
from ._naive import Naive as Naive
from ._ppi import PredictionPowered as PredictionPowered
from ._spline import SplineDebiaser as SplineDebiaser
from ._statsmodels import add_calibration_variance as add_calibration_variance
from ._tweedie import TweedieDebiaser as TweedieDebiaser

__all__ = [
    "Classical",
    "LinearDebiaser",
    "Naive",
    "PredictionPowered",
    "SplineDebiaser",
    "TweedieDebiaser",
    "add_calibration_variance",
    "combine",
    "compare_estimators",
    "dsl",
    "overidentification_test",
    "shrinkage_diagnostic",
]
